//! Exact moments of the empirical covariance of Gaussian covariates, any order (ICL-39, ICL-40).
//!
//! Gaussian integration by parts gives, for `W = X X'` with N columns of covariance Lambda and any list B of closed
//! chains,
//!
//! `E[W^a prod tr W^b] = Lambda { (N + a - 1) E[W^(a-1) prod tr W^b] + sum_{j=0}^{a-2} E[W^(a-2-j) tr W^(j+1) prod tr W^b]
//!  + 2 sum_i b_i E[W^(a-1+b_i) prod_{l != i} tr W^b_l] }`,
//!
//! which lowers the total order by one: sums of positive terms over partitions, with no enumeration of the (2k-1)!!
//! pairings.
use std::collections::HashMap;

use dashu::integer::UBig;
use dashu::rational::RBig;
use solvable_linalg::{Mat, matmul};
use solvable_model::{Covariance, InputError};

use super::exact::{nearest, whole};
use crate::icl::IclError;
use crate::icl::error::finite;
use crate::icl::matrix::representable;

/// Largest order of the exact moments: the recursion visits every partition up to this number.
pub const LARGEST_MOMENT: usize = 32;

/// What the recursion is carried out on: a commutative algebra of functions of Lambda.
trait Chains {
    type Value: Clone;
    /// The unit.
    fn one(&self) -> Self::Value;
    fn zero(&self) -> Self::Value;
    /// `sum += (factor + N_times N) value`, in the normalisation of the algebra.
    fn add(&self, sum: &mut Self::Value, length: bool, factor: u64, value: &Self::Value);
    /// `Lambda value`.
    fn times_lambda(&self, value: Self::Value) -> Self::Value;
    /// `tr(value) I`.
    fn close(&self, value: &Self::Value) -> Self::Value;
}

/// `E[W^1] .. E[W^order]`, in the algebra.
fn open_chains<C: Chains>(algebra: &C, order: usize) -> Vec<C::Value> {
    // Partitions of j in descending parts, and where each is.
    let partitions: Vec<Vec<Vec<u8>>> = (0..order).map(partitions_of).collect();
    let index: Vec<HashMap<&[u8], usize>> =
        partitions.iter().map(|l| l.iter().enumerate().map(|(i, p)| (p.as_slice(), i)).collect()).collect();
    // before[a - 1][i]: the chain of length a with closed chains `partitions[total - a][i]`.
    let mut before: Vec<Vec<C::Value>> = Vec::new();
    let mut out = Vec::with_capacity(order);
    let mut scratch: Vec<u8> = Vec::with_capacity(order);
    for total in 1..=order {
        let lookup = |a: usize, closed: &[u8]| -> C::Value {
            if a > 0 {
                return before[a - 1][index[total - 1 - a][closed]].clone();
            }
            match closed.split_first() {
                None => algebra.one(),
                Some((&first, rest)) => {
                    let first = usize::from(first);
                    algebra.close(&before[first - 1][index[total - 1 - first][rest]])
                }
            }
        };
        let mut level: Vec<Vec<C::Value>> = Vec::with_capacity(total);
        for a in 1..=total {
            let mut values = Vec::with_capacity(partitions[total - a].len());
            for closed in &partitions[total - a] {
                let mut sum = algebra.zero();
                algebra.add(&mut sum, true, a as u64 - 1, &lookup(a - 1, closed));
                for j in 1..a {
                    scratch.clear();
                    scratch.extend_from_slice(closed);
                    let at = scratch.partition_point(|&b| usize::from(b) > j);
                    scratch.insert(at, j as u8);
                    algebra.add(&mut sum, false, 1, &lookup(a - 1 - j, &scratch));
                }
                let mut i = 0;
                while i < closed.len() {
                    // Equal parts contribute alike.
                    let same = closed[i..].iter().take_while(|&&b| b == closed[i]).count();
                    scratch.clear();
                    scratch.extend_from_slice(closed);
                    scratch.remove(i);
                    let b = usize::from(closed[i]);
                    algebra.add(&mut sum, false, 2 * (b * same) as u64, &lookup(a - 1 + b, &scratch));
                    i += same;
                }
                values.push(algebra.times_lambda(sum));
            }
            level.push(values);
        }
        out.push(level[total - 1][0].clone());
        before = level;
    }
    out
}

/// All partitions of n, parts descending.
fn partitions_of(n: usize) -> Vec<Vec<u8>> {
    fn extend(rest: usize, largest: usize, prefix: &mut Vec<u8>, out: &mut Vec<Vec<u8>>) {
        if rest == 0 {
            out.push(prefix.clone());
            return;
        }
        for part in (1..=rest.min(largest)).rev() {
            prefix.push(part as u8);
            extend(rest - part, part, prefix, out);
            prefix.pop();
        }
    }
    let mut out = Vec::new();
    extend(n, n, &mut Vec::new(), &mut out);
    out
}

/// Lambda = I, exact integers: the value is `(1/d) E tr`.
struct Integers {
    d: UBig,
    n: u64,
}

impl Chains for Integers {
    type Value = UBig;

    fn one(&self) -> UBig {
        UBig::ONE
    }

    fn zero(&self) -> UBig {
        UBig::ZERO
    }

    fn add(&self, sum: &mut UBig, length: bool, factor: u64, value: &UBig) {
        let factor = if length { UBig::from(factor) + UBig::from(self.n) } else { UBig::from(factor) };
        *sum += value * factor;
    }

    fn times_lambda(&self, value: UBig) -> UBig {
        value
    }

    fn close(&self, value: &UBig) -> UBig {
        value * &self.d
    }
}

/// Polynomials in Lambda over its largest eigenvalue, divided by N once an order.
struct Polynomials {
    /// Traces of powers of the scaled Lambda, from the power 0 on.
    traces: Vec<f64>,
    n: f64,
}

impl Chains for Polynomials {
    type Value = Vec<f64>;

    fn one(&self) -> Vec<f64> {
        vec![1.0]
    }

    fn zero(&self) -> Vec<f64> {
        Vec::new()
    }

    fn add(&self, sum: &mut Vec<f64>, length: bool, factor: u64, value: &Vec<f64>) {
        let weight = factor as f64 / self.n + if length { 1.0 } else { 0.0 };
        if sum.len() < value.len() {
            sum.resize(value.len(), 0.0);
        }
        sum.iter_mut().zip(value).for_each(|(s, v)| *s += weight * v);
    }

    fn times_lambda(&self, mut value: Vec<f64>) -> Vec<f64> {
        value.insert(0, 0.0);
        value
    }

    fn close(&self, value: &Vec<f64>) -> Vec<f64> {
        vec![value.iter().zip(&self.traces).map(|(c, t)| c * t).sum()]
    }
}

fn check_order(order: usize) -> Result<(), IclError> {
    if order <= LARGEST_MOMENT {
        return Ok(());
    }
    let condition = "at most 32: exact finite-size moments are computed up to this order";
    Err(InputError::Count { argument: "k".into(), value: order as u64, condition }.into())
}

/// `m_0, .., m_order` with `m_k = (1/d) E tr S^k`, `S = X X'/N`, X d x N standard Gaussian, as exact rationals (ICL-40).
pub(super) fn exact_moments(d: usize, n: usize, order: usize) -> Result<Vec<RBig>, IclError> {
    InputError::check_count("d", d)?;
    InputError::check_count("N", n)?;
    check_order(order)?;
    let chains = open_chains(&Integers { d: UBig::from(d as u64), n: n as u64 }, order);
    let mut power = RBig::ONE;
    let mut out = vec![RBig::ONE];
    for value in chains {
        power *= whole(n);
        out.push(RBig::from(value) / &power);
    }
    Ok(out)
}

/// `m_k = (1/d) E tr S^k` for standard Gaussian covariates in dimension d, N examples (ICL-40).
///
/// Exact for every d and N: computed in rational arithmetic by integration by parts and rounded once. `m_k` tends to
/// [`marchenko_pastur_moment`](super::marchenko_pastur_moment) as d and N grow. Cost: the partitions up to k; microseconds
/// at k = 8, half a second at k = [`LARGEST_MOMENT`].
///
/// # Errors
/// [`IclError::Input`] when d or N is 0 or k exceeds [`LARGEST_MOMENT`]; [`IclError::NotRepresentable`] on overflow.
///
/// ```
/// use solvable_theory::icl::wishart_moment;
/// assert_eq!(wishart_moment(2, 4, 6)?, 11.0 / 6.0);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn wishart_moment(k: usize, d: usize, n: usize) -> Result<f64, IclError> {
    let moments = exact_moments(d, n, k)?;
    nearest("m_k", &moments[k])
}

/// Coefficients of `E S^j = scale^j sum_l c_l (Lambda/scale)^l` for j = 0..=order, with what evaluates them.
pub(super) struct MatrixMoments {
    /// Largest eigenvalue of Lambda; 1 if Lambda = 0.
    pub(super) scale: f64,
    /// `tr (Lambda/scale)^l`, l = 0..=order + 1.
    pub(super) traces: Vec<f64>,
    /// `coefficients[j][l]`.
    pub(super) coefficients: Vec<Vec<f64>>,
}

impl MatrixMoments {
    pub(super) fn new(lambda: &Covariance, n: usize, order: usize) -> Result<Self, IclError> {
        InputError::check_count("N", n)?;
        check_order(order)?;
        let top = lambda.largest_eigenvalue();
        let scale = if top > 0.0 { top } else { 1.0 };
        let traces: Vec<f64> = (0..=order as i32 + 1)
            .map(|l| lambda.eigenvalues().iter().rev().map(|x| (x / scale).powi(l)).sum())
            .collect();
        let algebra = Polynomials { traces: traces.clone(), n: n as f64 };
        let mut coefficients = vec![vec![1.0]];
        coefficients.extend(open_chains(&algebra, order));
        Ok(Self { scale, traces, coefficients })
    }

    /// `tr(Lambda E S^j) / scale^(j+1)`.
    pub(super) fn weighted_trace(&self, j: usize) -> f64 {
        self.coefficients[j].iter().zip(&self.traces[1..]).map(|(c, t)| c * t).sum()
    }
}

/// `E S^k`, `S = X X'/N`, the N columns of X Gaussian with covariance Lambda (ICL-39).
///
/// A polynomial in Lambda whose coefficients are sums of positive terms in N and the traces of powers of Lambda; k = 0 is
/// the identity. Lambda is scaled by its largest eigenvalue and the sums are divided by N once an order, so that only the
/// result can overflow. The coefficients carry a few k ulps; Horner's rule costs k products of d x d matrices.
///
/// # Errors
/// [`IclError::Input`] when N = 0 or k exceeds [`LARGEST_MOMENT`]; [`IclError::NotRepresentable`] on overflow.
///
/// ```
/// use solvable_model::Covariance;
/// use solvable_theory::icl::wishart_matrix_moment;
/// // E S^2 = (1 + 1/N) Lambda^2 + tr(Lambda)/N Lambda.
/// let m = wishart_matrix_moment(2, &Covariance::diagonal("Lambda", &[0.5, 1.0, 2.0])?, 5)?;
/// assert!((m[(2, 2)] - 6.2).abs() < 1e-14);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn wishart_matrix_moment(k: usize, lambda: &Covariance, n: usize) -> Result<Mat<f64>, IclError> {
    let d = lambda.dimension();
    let moments = MatrixMoments::new(lambda, n, k)?;
    let scaled = Mat::from_fn(d, d, |i, j| lambda.matrix()[(i, j)] / moments.scale);
    let coefficients = &moments.coefficients[k];
    let mut sum = Mat::<f64>::zeros(d, d);
    for (l, &c) in coefficients.iter().enumerate().rev() {
        for i in 0..d {
            sum[(i, i)] += c;
        }
        if l > 0 {
            sum = matmul(sum.as_ref(), scaled.as_ref());
        }
    }
    // One factor at a time: scale^k alone may overflow where the product does not.
    let mut factor = 1.0;
    for _ in 0..k {
        factor *= moments.scale;
    }
    finite("|Lambda|^k", factor)?;
    let symmetric = solvable_linalg::symmetrize(sum.as_ref());
    representable("E S^k", Mat::from_fn(d, d, |i, j| factor * symmetric[(i, j)]))
}
