//! Symmetric positive definite matrices.

use crate::certificate;
use crate::error::LinalgError;
use crate::lu::column;
use crate::ops::sum;
use crate::refine::{Solution, inverse_one_norm, refine, row_sum_norm};
use crate::scale::{check_finite, check_symmetric, exponent, ldexp, unscale};
use crate::tolerance;
use faer::linalg::cholesky::llt::factor::LltError;
use faer::linalg::solvers::{Llt, SolveCore};
use faer::{Conj, Mat, MatRef, Side};

/// A = L L', certified.
///
/// Kept as H = S A S = M M' with S a diagonal matrix of powers of two and the diagonal of H in [1, 4): the scaling is
/// exact and changes no rounding, and errors are then relative to sqrt(a_ii a_jj) entry by entry, so that graded matrices
/// keep their small entries.
#[derive(Clone, Debug)]
pub struct Cholesky {
    /// H.
    scaled: Mat<f64>,
    llt: Llt<f64>,
    /// S = diag(2^-shift).
    shifts: Vec<i32>,
    norm: f64,
    rcond: f64,
    residual: f64,
}

/// Cholesky factorisation of a symmetric positive definite matrix, n >= 1.
///
/// n³/3 operations, and 2n³ for the certificate (`||H - M M'||_F`, and tr H = Σ m_ij²).
///
/// # Errors
/// [`LinalgError::Empty`], [`LinalgError::NotSquare`], [`LinalgError::NotFinite`], [`LinalgError::NotSymmetric`] for bad
/// input; [`LinalgError::NotPositiveDefinite`] with the index of the first pivot that is not positive (a semidefinite
/// matrix may pass or fail, as rounding decides: look at [`Cholesky::rcond`]); [`LinalgError::CertificateFailed`].
///
/// ```
/// use solvable_linalg::{cholesky, from_rows};
/// let c = cholesky(from_rows(&[vec![4.0, 2.0], vec![2.0, 5.0]])?.as_ref())?;
/// assert_eq!(c.factor(), from_rows(&[vec![2.0, 0.0], vec![1.0, 2.0]])?);
/// assert_eq!(c.solve_vec(&[6.0, 7.0])?, [1.0, 1.0]);
/// assert!((c.log_det() - 16.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn cholesky(a: MatRef<'_, f64>) -> Result<Cholesky, LinalgError> {
    crate::sequential();
    check_symmetric(a)?;
    let n = a.nrows();
    if let Some(index) = (0..n).find(|&i| a[(i, i)] <= 0.0) {
        return Err(LinalgError::NotPositiveDefinite { index });
    }
    let shifts: Vec<i32> = (0..n).map(|i| exponent(a[(i, i)]).div_euclid(2)).collect();
    let entry = |i: usize, j: usize| ldexp(a[(i, j)], -shifts[i] - shifts[j]);
    let scaled =
        Mat::from_fn(n, n, |i, j| if i == j { entry(i, i) } else { 0.5 * entry(i, j) + 0.5 * entry(j, i) });
    // |h_ij| < sqrt(h_ii h_jj) < 4 in a positive definite matrix; this also catches what overflowed.
    if let Some(index) = (0..n).find(|&i| (0..i).any(|j| scaled[(i, j)].abs() >= 4.0)) {
        return Err(LinalgError::NotPositiveDefinite { index });
    }
    let llt = scaled.llt(Side::Lower).map_err(|e| match e {
        LltError::NonPositivePivot { index } => LinalgError::NotPositiveDefinite { index },
    })?;
    let accepted = certificate::cholesky(scaled.as_ref(), llt.L())?;
    let norm = row_sum_norm(scaled.as_ref());
    let back = |x: &mut [f64]| llt.solve_in_place_with_conj(Conj::No, column(x));
    let rcond = 1.0 / (norm * inverse_one_norm(n, &back, &back));
    Ok(Cholesky { scaled, llt, shifts, norm, rcond, residual: accepted.residual })
}

impl Cholesky {
    /// Dimension n.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.shifts.len()
    }

    /// L, lower triangular with positive diagonal.
    #[must_use]
    pub fn factor(&self) -> Mat<f64> {
        let n = self.dimension();
        Mat::from_fn(n, n, |i, j| if j <= i { ldexp(self.llt.L()[(i, j)], self.shifts[i]) } else { 0.0 })
    }

    /// `||H - M M'||_F / ||H||_F` for the matrix scaled to diagonal entries in [1, 4).
    #[must_use]
    pub fn residual(&self) -> f64 {
        self.residual
    }

    /// Estimated reciprocal condition number of the scaled matrix, maximum norm.
    #[must_use]
    pub fn rcond(&self) -> f64 {
        self.rcond
    }

    /// log det A = 2 Σ log l_ii, in exact exponents and logarithms of mantissas: no overflow.
    #[must_use]
    pub fn log_det(&self) -> f64 {
        let shift: i64 = self.shifts.iter().map(|&k| i64::from(k)).sum();
        let logs: Vec<f64> = (0..self.dimension()).map(|i| self.llt.L()[(i, i)].ln()).collect();
        2.0 * (shift as f64 * std::f64::consts::LN_2 + sum(&logs))
    }

    /// A X = B with diagnostics; refined and certified as in [`crate::solve`].
    ///
    /// # Errors
    /// [`LinalgError::DimensionMismatch`], [`LinalgError::Empty`] or [`LinalgError::NotFinite`] for a bad B;
    /// [`LinalgError::Singular`] when the reciprocal condition is not above [`tolerance::singular`];
    /// [`LinalgError::Overflow`]; [`LinalgError::CertificateFailed`].
    pub fn solution(&self, b: MatRef<'_, f64>) -> Result<Solution, LinalgError> {
        let n = self.dimension();
        check_finite(b)?;
        if b.nrows() != n {
            return Err(LinalgError::DimensionMismatch { expected: n, found: b.nrows() });
        }
        let tolerance = tolerance::singular(n);
        if self.rcond.is_nan() || self.rcond <= tolerance {
            return Err(LinalgError::Singular { rcond: self.rcond, tolerance });
        }
        let back = |x: &mut [f64]| self.llt.solve_in_place_with_conj(Conj::No, column(x));
        let mut x = Mat::zeros(n, b.ncols());
        let mut out = Solution { x: Mat::new(), residual: 0.0, rcond: self.rcond, steps: 0, correction: 0.0 };
        for j in 0..b.ncols() {
            let tops = (0..n).filter(|&i| b[(i, j)] != 0.0).map(|i| exponent(b[(i, j)]) - self.shifts[i]);
            let Some(k) = tops.max() else { continue };
            let c: Vec<f64> = (0..n).map(|i| ldexp(b[(i, j)], -self.shifts[i] - k)).collect();
            let refined = refine(self.scaled.as_ref(), self.norm, &back, &c)?;
            for i in 0..n {
                x[(i, j)] = unscale(refined.y[i], k - self.shifts[i])?;
            }
            out.residual = out.residual.max(refined.backward_error);
            out.steps = out.steps.max(refined.steps);
            out.correction = out.correction.max(refined.correction);
        }
        out.x = x;
        Ok(out)
    }

    /// X with A X = B.
    ///
    /// # Errors
    /// As [`Self::solution`].
    pub fn solve(&self, b: MatRef<'_, f64>) -> Result<Mat<f64>, LinalgError> {
        self.solution(b).map(|s| s.x)
    }

    /// x with A x = b.
    ///
    /// # Errors
    /// As [`Self::solution`].
    pub fn solve_vec(&self, b: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let x = self.solve(MatRef::from_column_major_slice(b, b.len(), 1))?;
        Ok(x.col(0).iter().copied().collect())
    }

    /// A^-1, exactly symmetric.
    ///
    /// # Errors
    /// As [`Self::solution`].
    pub fn inverse(&self) -> Result<Mat<f64>, LinalgError> {
        let n = self.dimension();
        Ok(crate::ops::symmetrize(self.solve(Mat::identity(n, n).as_ref())?.as_ref()))
    }
}

/// X with A X = B for a symmetric positive definite A: [`cholesky`], then [`Cholesky::solution`].
///
/// # Errors
/// As [`cholesky`] and [`Cholesky::solution`].
///
/// ```
/// use solvable_linalg::{diagonal, from_rows, solve_spd};
/// let s = solve_spd(diagonal(&[2.0, 4.0]).as_ref(), from_rows(&[vec![2.0], vec![2.0]])?.as_ref())?;
/// assert_eq!((s.x[(0, 0)], s.x[(1, 0)]), (1.0, 0.5));
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn solve_spd(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Result<Solution, LinalgError> {
    cholesky(a)?.solution(b)
}
