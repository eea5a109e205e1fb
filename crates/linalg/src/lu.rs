//! General square systems: LU with partial pivoting on an equilibrated matrix.

use crate::certificate;
use crate::error::LinalgError;
use crate::ops::sum;
use crate::refine::{Solution, inverse_one_norm, refine, row_sum_norm};
use crate::scale::{check_finite, check_square, exponent, ldexp, unscale};
use crate::tolerance;
use faer::linalg::solvers::{PartialPivLu, SolveCore};
use faer::{Conj, Mat, MatMut, MatRef};

/// P R A C = L U with R, C diagonal matrices of powers of two.
struct Factors {
    /// R A C: every row and column has its largest entry in [1/2, 2), or is zero.
    scaled: Mat<f64>,
    /// Exponents of R.
    rows: Vec<i32>,
    /// Exponents of C.
    columns: Vec<i32>,
    /// `None` when a pivot is exactly zero, or a row or column is.
    lu: Option<PartialPivLu<f64>>,
    /// `||R A C||`, maximum norm.
    norm: f64,
    /// Estimated reciprocal condition of R A C; 0 when `lu` is `None`.
    rcond: f64,
}

/// Largest binary exponent over the nonzero entries.
fn top(entries: impl Iterator<Item = (f64, i32)>) -> Option<i32> {
    entries.filter(|(x, _)| *x != 0.0).map(|(x, shift)| exponent(x) + shift).max()
}

impl Factors {
    fn new(a: MatRef<'_, f64>) -> Result<Self, LinalgError> {
        crate::sequential();
        check_square(a)?;
        let n = a.nrows();
        let row_tops: Vec<_> = (0..n).map(|i| top((0..n).map(|j| (a[(i, j)], 0)))).collect();
        let rows: Vec<i32> = row_tops.iter().map(|t| -t.unwrap_or(0)).collect();
        let column_tops: Vec<_> = (0..n).map(|j| top((0..n).map(|i| (a[(i, j)], rows[i])))).collect();
        let columns: Vec<i32> = column_tops.iter().map(|t| -t.unwrap_or(0)).collect();
        let scaled = Mat::from_fn(n, n, |i, j| ldexp(a[(i, j)], rows[i] + columns[j]));
        let norm = row_sum_norm(scaled.as_ref());
        let mut factors = Self { scaled, rows, columns, lu: None, norm, rcond: 0.0 };
        if row_tops.contains(&None) || column_tops.contains(&None) {
            return Ok(factors);
        }
        let lu = factors.scaled.partial_piv_lu();
        // A zero pivot before the last one leaves NaN behind it; the first suspicious pivot decides.
        if (0..n).any(|i| !lu.U()[(i, i)].is_finite() || lu.U()[(i, i)] == 0.0) {
            return Ok(factors);
        }
        let permutation = lu.P().arrays().0;
        let permuted = Mat::from_fn(n, n, |i, j| factors.scaled[(permutation[i], j)]);
        certificate::lu(permuted.as_ref(), lu.L(), lu.U())?;
        // The maximum norm of the inverse is the 1-norm of its transpose.
        let inverse_norm =
            inverse_one_norm(n, &|x| lu.solve_transpose_in_place_with_conj(Conj::No, column(x)), &|x| {
                lu.solve_in_place_with_conj(Conj::No, column(x))
            });
        factors.rcond = 1.0 / (factors.norm * inverse_norm);
        factors.lu = Some(lu);
        Ok(factors)
    }

    /// The factorisation, if the matrix is safely nonsingular.
    fn regular(&self) -> Result<&PartialPivLu<f64>, LinalgError> {
        let tolerance = tolerance::singular(self.scaled.nrows());
        match &self.lu {
            Some(lu) if self.rcond > tolerance => Ok(lu),
            _ => Err(LinalgError::Singular { rcond: self.rcond, tolerance }),
        }
    }

    /// A X = B column by column: R A C y = 2^-k R b, x = 2^k C y, with k chosen so that the right-hand side is near 1.
    fn solve(&self, b: MatRef<'_, f64>) -> Result<Solution, LinalgError> {
        let lu = self.regular()?;
        let n = self.scaled.nrows();
        let back = |x: &mut [f64]| lu.solve_in_place_with_conj(Conj::No, column(x));
        let mut x = Mat::zeros(n, b.ncols());
        let mut out = Solution { x: Mat::new(), residual: 0.0, rcond: self.rcond, steps: 0, correction: 0.0 };
        for j in 0..b.ncols() {
            let Some(k) = top((0..n).map(|i| (b[(i, j)], self.rows[i]))) else { continue };
            let c: Vec<f64> = (0..n).map(|i| ldexp(b[(i, j)], self.rows[i] - k)).collect();
            let refined = refine(self.scaled.as_ref(), self.norm, &back, &c)?;
            for i in 0..n {
                x[(i, j)] = unscale(refined.y[i], k + self.columns[i])?;
            }
            out.residual = out.residual.max(refined.backward_error);
            out.steps = out.steps.max(refined.steps);
            out.correction = out.correction.max(refined.correction);
        }
        out.x = x;
        Ok(out)
    }
}

/// A slice as a one-column matrix.
pub(crate) fn column(x: &mut [f64]) -> MatMut<'_, f64> {
    let n = x.len();
    MatMut::from_column_major_slice_mut(x, n, 1)
}

/// X with A X = B for a general square matrix A, n x n, n >= 1; B is n x p.
///
/// Rows and columns are first scaled by powers of two (exact), so that badly scaled systems are as good as well scaled
/// ones. LU with partial pivoting, then refinement with residuals in doubled precision: X is accurate to a few epsilon
/// relative to the largest entry of each scaled column while the condition number stays below about 1/(n epsilon). The
/// backward error is certified against [`tolerance::backward_error`]. About 2n³/3 + p (2 + 20 steps) n² operations.
///
/// # Errors
/// [`LinalgError::Empty`], [`LinalgError::NotSquare`], [`LinalgError::NotFinite`], [`LinalgError::DimensionMismatch`] for
/// bad input; [`LinalgError::Singular`] when the reciprocal condition is not above [`tolerance::singular`];
/// [`LinalgError::Overflow`] if an entry of X exceeds the range of `f64`; [`LinalgError::CertificateFailed`] instead of a
/// wrong result.
///
/// ```
/// use solvable_linalg::{from_rows, solve};
/// let a = from_rows(&[vec![2.0, 1.0], vec![1.0, 3.0]])?;
/// let x = solve(a.as_ref(), from_rows(&[vec![3.0], vec![4.0]])?.as_ref())?.x;
/// assert_eq!((x[(0, 0)], x[(1, 0)]), (1.0, 1.0));
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn solve(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Result<Solution, LinalgError> {
    check_square(a)?;
    check_finite(b)?;
    if a.nrows() != b.nrows() {
        return Err(LinalgError::DimensionMismatch { expected: a.nrows(), found: b.nrows() });
    }
    Factors::new(a)?.solve(b)
}

/// A^-1, certified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inverse {
    /// A^-1.
    pub matrix: Mat<f64>,
    /// Largest backward error of a column, as in [`Solution::residual`].
    pub residual: f64,
    /// Estimated reciprocal condition number, as in [`Solution::rcond`].
    pub rcond: f64,
}

/// A^-1: [`solve`] with the identity. Prefer [`solve`] when the inverse is only multiplied by something.
///
/// # Errors
/// As [`solve`].
///
/// ```
/// use solvable_linalg::{from_rows, inverse};
/// let inv = inverse(from_rows(&[vec![2.0, 1.0], vec![1.0, 1.0]])?.as_ref())?.matrix;
/// assert_eq!(inv, from_rows(&[vec![1.0, -1.0], vec![-1.0, 2.0]])?);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn inverse(a: MatRef<'_, f64>) -> Result<Inverse, LinalgError> {
    let s = Factors::new(a)?.solve(Mat::identity(a.nrows(), a.ncols()).as_ref())?;
    Ok(Inverse { matrix: s.x, residual: s.residual, rcond: s.rcond })
}

/// Sign and logarithm of a determinant.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogDeterminant {
    /// 1, -1, or 0 when elimination met an exactly zero pivot.
    pub sign: f64,
    /// log |det A|; negative infinity when `sign` is 0.
    pub log_abs: f64,
    /// Estimated reciprocal condition number after scaling; 0 when `sign` is 0. The relative error of the determinant is
    /// about `n epsilon / rcond`: at or below `tolerance::singular(n)` not even the sign is known.
    pub rcond: f64,
}

/// Product of the pivots as (sign times mantissa, binary exponent), and the reciprocal condition.
fn pivots(a: MatRef<'_, f64>) -> Result<(f64, i64, f64), LinalgError> {
    let factors = Factors::new(a)?;
    let Some(lu) = &factors.lu else { return Ok((0.0, 0, 0.0)) };
    let odd = parity(lu.P().arrays().0);
    let mut mantissa = if odd { -1.0 } else { 1.0 };
    let mut e: i64 = -factors.rows.iter().chain(&factors.columns).map(|&k| i64::from(k)).sum::<i64>();
    for i in 0..a.nrows() {
        mantissa *= lu.U()[(i, i)];
        let k = exponent(mantissa);
        mantissa = ldexp(mantissa, -k);
        e += i64::from(k);
    }
    Ok((mantissa, e, factors.rcond))
}

/// Is the permutation odd? Counts cycles.
fn parity(permutation: &[usize]) -> bool {
    let mut seen = vec![false; permutation.len()];
    let mut transpositions = 0;
    for start in 0..permutation.len() {
        let mut i = start;
        while !seen[i] {
            seen[i] = true;
            i = permutation[i];
            transpositions += usize::from(i != start);
        }
    }
    transpositions % 2 == 1
}

/// sign and log |det A| from the pivots of the certified LU of the scaled matrix, the scaling added back exactly.
///
/// No overflow or underflow on the way. Absolute error of `log_abs` about `n epsilon / rcond`.
///
/// # Errors
/// [`LinalgError::Empty`], [`LinalgError::NotSquare`], [`LinalgError::NotFinite`] for bad input;
/// [`LinalgError::CertificateFailed`] instead of a wrong result. A singular matrix is not an error.
///
/// ```
/// use solvable_linalg::{diagonal, log_abs_det};
/// let d = log_abs_det(diagonal(&[-1e-300, 1e-300]).as_ref())?;
/// assert!(d.sign == -1.0 && (d.log_abs + 600.0 * 10.0_f64.ln()).abs() < 1e-12);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn log_abs_det(a: MatRef<'_, f64>) -> Result<LogDeterminant, LinalgError> {
    let (mantissa, e, rcond) = pivots(a)?;
    if mantissa == 0.0 {
        return Ok(LogDeterminant { sign: 0.0, log_abs: f64::NEG_INFINITY, rcond });
    }
    let log_abs = sum(&[e as f64 * std::f64::consts::LN_2, mantissa.abs().ln()]);
    Ok(LogDeterminant { sign: mantissa.signum(), log_abs, rcond })
}

/// det A. Underflows to 0 silently; for condition and range see [`log_abs_det`].
///
/// # Errors
/// As [`log_abs_det`]; [`LinalgError::Overflow`] if the determinant exceeds the range of `f64`.
///
/// ```
/// use solvable_linalg::{determinant, from_rows};
/// assert_eq!(determinant(from_rows(&[vec![0.0, 2.0], vec![3.0, 0.0]])?.as_ref())?, -6.0);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn determinant(a: MatRef<'_, f64>) -> Result<f64, LinalgError> {
    let (mantissa, e, _) = pivots(a)?;
    if mantissa == 0.0 {
        return Ok(0.0);
    }
    unscale(mantissa, i32::try_from(e.clamp(-100_000, 100_000)).unwrap_or(0))
}
