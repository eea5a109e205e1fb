//! Exact rational arithmetic: conversions, polynomials, linear systems.
use dashu::rational::RBig;

use crate::icl::IclError;

/// The rational value of a finite number.
pub(super) fn rational(x: f64) -> RBig {
    RBig::try_from(x).expect("callers refuse numbers that are not finite")
}

/// A whole number.
pub(super) fn whole(n: usize) -> RBig {
    RBig::from(n as u64)
}

/// The nearest `f64`.
pub(super) fn nearest(quantity: &'static str, x: &RBig) -> Result<f64, IclError> {
    let value = x.to_f64().value();
    if value.is_finite() { Ok(value) } else { Err(IclError::NotRepresentable { quantity }) }
}

/// Coefficients, constant first; the empty list is 0.
pub(super) type Poly = Vec<RBig>;

/// `a + factor b`.
pub(super) fn add_scaled(a: &[RBig], factor: &RBig, b: &[RBig]) -> Poly {
    let zero = RBig::ZERO;
    (0..a.len().max(b.len()))
        .map(|i| a.get(i).unwrap_or(&zero) + factor * b.get(i).unwrap_or(&zero))
        .collect()
}

/// `a b`.
pub(super) fn multiply(a: &[RBig], b: &[RBig]) -> Poly {
    if a.is_empty() || b.is_empty() {
        return Vec::new();
    }
    let mut out = vec![RBig::ZERO; a.len() + b.len() - 1];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            out[i + j] += x * y;
        }
    }
    out
}

/// `lambda a`.
pub(super) fn shift(a: &[RBig]) -> Poly {
    core::iter::once(RBig::ZERO).chain(a.iter().cloned()).collect()
}

/// `sum_i a_i moments[i + offset]`.
pub(super) fn integrate(a: &[RBig], moments: &[RBig], offset: usize) -> RBig {
    a.iter().enumerate().fold(RBig::ZERO, |sum, (i, x)| sum + x * &moments[i + offset])
}

/// Solves `A x = b` by elimination with the first nonzero pivot; `None` when A is singular.
pub(super) fn solve(mut a: Vec<Vec<RBig>>, mut b: Vec<RBig>) -> Option<Vec<RBig>> {
    let n = b.len();
    for k in 0..n {
        let pivot = (k..n).find(|&i| !a[i][k].is_zero())?;
        a.swap(k, pivot);
        b.swap(k, pivot);
        for i in k + 1..n {
            if a[i][k].is_zero() {
                continue;
            }
            let factor = &a[i][k] / &a[k][k];
            let (above, below) = a.split_at_mut(i);
            for (x, y) in below[0][k..].iter_mut().zip(&above[k][k..]) {
                *x = &*x - &factor * y;
            }
            b[i] = &b[i] - &factor * &b[k];
        }
    }
    for k in (0..n).rev() {
        let rest = (k + 1..n).fold(RBig::ZERO, |sum, j| sum + &a[k][j] * &b[j]);
        b[k] = (&b[k] - rest) / &a[k][k];
    }
    Some(b)
}
