//! Singular values and what follows from them: rank, pseudo-inverse.

use crate::certificate::{distance, product, svd as certify, within};
use crate::error::{Certificate, LinalgError};
use crate::ops::{frobenius_norm, matmul};
use crate::scale::{check_finite, is_diagonal, ldexp, scaled, unscale};
use crate::tolerance;
use faer::{Mat, MatRef};

/// A = U diag(s) V' with r = min(m, n) terms, certified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Svd {
    /// m x r, orthonormal columns.
    pub u: Mat<f64>,
    /// Singular values, in descending order, nonnegative.
    pub s: Vec<f64>,
    /// n x r, orthonormal columns.
    pub v: Mat<f64>,
    /// `||A - U S V'||_F / ||A||_F`, 0 for A = 0.
    pub residual: f64,
    /// The larger of `||U'U - I||_F` and `||V'V - I||_F`.
    pub orthogonality: f64,
    /// Each entry of `s` is within this distance of the exact singular value of the same rank, in the units of A.
    pub error: f64,
}

impl Svd {
    /// U S V', which is A up to `residual`.
    #[must_use]
    pub fn reconstruct(&self) -> Mat<f64> {
        product(self.u.as_ref(), &self.s, self.v.as_ref())
    }

    /// Singular values at or below this count as zero: [`tolerance::rank`] of the largest.
    #[must_use]
    pub fn rank_tolerance(&self) -> f64 {
        tolerance::rank(self.u.nrows(), self.v.nrows(), self.s.first().copied().unwrap_or(0.0))
    }

    /// Number of singular values above [`Self::rank_tolerance`].
    #[must_use]
    pub fn rank(&self) -> usize {
        let tolerance = self.rank_tolerance();
        self.s.iter().take_while(|&&x| x > tolerance).count()
    }
}

/// Thin singular value decomposition of an m x n matrix, m, n >= 1.
///
/// Matrices that are zero off the main diagonal, square or not, are read off exactly and unscaled: s holds the sorted
/// absolute values, U and V are signed unit vectors.
///
/// Algorithm: Householder bidiagonalisation, then divide and conquer (faer), on A scaled to largest entry in [1, 2).
/// Backward stable: singular values are accurate relative to the largest one, see [`Svd::error`]. About 20 m n min(m, n)
/// operations; the certificate adds 6 m n min(m, n).
///
/// # Errors
/// [`LinalgError::Empty`] or [`LinalgError::NotFinite`] for bad input; [`LinalgError::Overflow`] if a singular value
/// exceeds the range of `f64`; [`LinalgError::NoConvergence`] or [`LinalgError::CertificateFailed`] instead of a wrong
/// result.
///
/// ```
/// use solvable_linalg::{outer, svd};
/// // x y' has the one singular value |x||y|.
/// let d = svd(outer(&[3.0, 4.0], &[1.0, 2.0, 2.0]).as_ref())?;
/// assert!((d.s[0] - 15.0).abs() <= d.error && d.s[1] <= d.error && d.rank() == 1);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn svd(a: MatRef<'_, f64>) -> Result<Svd, LinalgError> {
    crate::sequential();
    check_finite(a)?;
    if is_diagonal(a) {
        return Ok(diagonal_svd(a));
    }
    let (scaled, k) = scaled(a);
    let (m, n) = (a.nrows(), a.ncols());
    let factors = scaled.thin_svd().map_err(|_| LinalgError::NoConvergence { rows: m, columns: n })?;
    let (u, v) = (factors.U().to_owned(), factors.V().to_owned());
    let s: Vec<f64> = factors.S().column_vector().iter().copied().collect();
    let accepted = certify(scaled.as_ref(), u.as_ref(), &s, v.as_ref())?;
    let s = s.into_iter().map(|x| unscale(x, k)).collect::<Result<_, _>>()?;
    let error = ldexp(accepted.error, k).next_up();
    Ok(Svd { u, s, v, residual: accepted.residual, orthogonality: accepted.orthogonality, error })
}

/// Sorted absolute diagonal entries; ties keep their order, signs go to U.
fn diagonal_svd(a: MatRef<'_, f64>) -> Svd {
    let r = a.nrows().min(a.ncols());
    let mut order: Vec<usize> = (0..r).collect();
    order.sort_by(|&i, &j| a[(j, j)].abs().total_cmp(&a[(i, i)].abs()));
    let sign = |j: usize| if a[(order[j], order[j])] < 0.0 { -1.0 } else { 1.0 };
    Svd {
        u: Mat::from_fn(a.nrows(), r, |i, j| if i == order[j] { sign(j) } else { 0.0 }),
        s: order.iter().map(|&i| a[(i, i)].abs()).collect(),
        v: Mat::from_fn(a.ncols(), r, |i, j| if i == order[j] { 1.0 } else { 0.0 }),
        residual: 0.0,
        orthogonality: 0.0,
        error: 0.0,
    }
}

/// Singular values in descending order; computed with vectors, so that they are certified as in [`svd`].
///
/// # Errors
/// As [`svd`].
///
/// ```
/// use solvable_linalg::{from_rows, singular_values};
/// // A 2 x 2 Hadamard matrix: both singular values are sqrt 2.
/// let s = singular_values(from_rows(&[vec![1.0, 1.0], vec![1.0, -1.0]])?.as_ref())?;
/// assert!(s.iter().all(|x| (x - 2.0_f64.sqrt()).abs() < 4.0 * f64::EPSILON));
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn singular_values(a: MatRef<'_, f64>) -> Result<Vec<f64>, LinalgError> {
    svd(a).map(|d| d.s)
}

/// Number of singular values above [`tolerance::rank`].
///
/// # Errors
/// As [`svd`].
///
/// ```
/// use solvable_linalg::{from_rows, rank};
/// let a = from_rows(&[vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0], vec![7.0, 8.0, 9.0]])?;
/// assert_eq!(rank(a.as_ref())?, 2);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn rank(a: MatRef<'_, f64>) -> Result<usize, LinalgError> {
    svd(a).map(|d| d.rank())
}

/// The Moore-Penrose inverse, certified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PseudoInverse {
    /// A⁺, n x m.
    pub matrix: Mat<f64>,
    /// Singular values kept.
    pub rank: usize,
    /// Singular values at or below this were set to zero, in the units of A.
    pub tolerance: f64,
    /// Largest singular value over the smallest kept one; 1 for A = 0.
    pub condition: f64,
    /// Largest relative residual of the four Penrose conditions; of order `condition` times epsilon.
    pub residual: f64,
}

/// A⁺ = V S⁺ U', singular values at or below [`tolerance::rank`] set to zero.
///
/// The relative error of A⁺ is of the order of epsilon times the condition number of the part kept, which is returned.
/// The four Penrose conditions (AXA = A, XAX = X, AX and XA symmetric) are checked after the fact against
/// `16 max(m, n) epsilon condition`, plus the truncated part. Cost: that of [`svd`] and 8 m n min(m, n) operations.
///
/// # Errors
/// As [`svd`]; [`LinalgError::Overflow`] if the inverse exceeds the range of `f64`.
///
/// ```
/// use solvable_linalg::{from_rows, pseudo_inverse};
/// // The pseudo-inverse of x' is x / |x|^2.
/// let p = pseudo_inverse(from_rows(&[vec![3.0, 4.0]])?.as_ref())?;
/// assert!((p.matrix[(0, 0)] - 0.12).abs() < 1e-16 && (p.matrix[(1, 0)] - 0.16).abs() < 1e-16);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn pseudo_inverse(a: MatRef<'_, f64>) -> Result<PseudoInverse, LinalgError> {
    crate::sequential();
    check_finite(a)?;
    let (scaled, k) = scaled(a);
    let d = svd(scaled.as_ref())?;
    let rank = d.rank();
    let tolerance = ldexp(d.rank_tolerance(), k);
    let inverted: Vec<f64> = (0..d.s.len()).map(|i| if i < rank { 1.0 / d.s[i] } else { 0.0 }).collect();
    let x = product(d.v.as_ref(), &inverted, d.u.as_ref());
    let condition = if rank == 0 { 1.0 } else { d.s[0] / d.s[rank - 1] };
    let residual = penrose(scaled.as_ref(), x.as_ref(), condition)?;
    let mut matrix = x;
    for j in 0..matrix.ncols() {
        for i in 0..matrix.nrows() {
            matrix[(i, j)] = unscale(matrix[(i, j)], -k)?;
        }
    }
    Ok(PseudoInverse { matrix, rank, tolerance, condition, residual })
}

/// Largest relative residual of the Penrose conditions; refused above `16 N epsilon condition` and the truncated part.
pub(crate) fn penrose(a: MatRef<'_, f64>, x: MatRef<'_, f64>, condition: f64) -> Result<f64, LinalgError> {
    let (ax, xa) = (matmul(a, x), matmul(x, a));
    let relative = |value: f64, norm: f64| if norm == 0.0 { value } else { value / norm };
    let residual = [
        relative(distance(a, matmul(ax.as_ref(), a).as_ref()), frobenius_norm(a)),
        relative(distance(x, matmul(xa.as_ref(), x).as_ref()), frobenius_norm(x)),
        relative(distance(ax.as_ref(), ax.transpose()), frobenius_norm(ax.as_ref())),
        relative(distance(xa.as_ref(), xa.transpose()), frobenius_norm(xa.as_ref())),
    ]
    .into_iter()
    .fold(0.0, |m: f64, r| if r.is_nan() { f64::INFINITY } else { m.max(r) });
    let n = a.nrows().max(a.ncols());
    // A truncated singular value s is missing from AXA entirely: at most `rank` each, sqrt(n) of them together.
    let truncated = tolerance::rank(a.nrows(), a.ncols(), 1.0) * (n as f64).sqrt();
    within(Certificate::Penrose, residual, tolerance::residual(n, condition) + truncated)?;
    Ok(residual)
}
