//! Orthonormal bases.

use crate::certificate;
use crate::error::LinalgError;
use crate::scale::{check_finite, scaled, unscale};
use faer::{Mat, MatRef};

/// A = Q R with r = min(m, n) orthonormal columns, certified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Qr {
    /// m x r, orthonormal columns.
    pub q: Mat<f64>,
    /// r x n, upper triangular with nonnegative diagonal: the factorisation is unique for full column rank.
    pub r: Mat<f64>,
    /// `||A - Q R||_F / ||A||_F`, 0 for A = 0.
    pub residual: f64,
    /// `||Q'Q - I||_F`.
    pub orthogonality: f64,
}

/// Thin QR factorisation of an m x n matrix, m, n >= 1, by Householder reflections without pivoting.
///
/// With the diagonal of R nonnegative, Q of a square Gaussian matrix is uniform on the orthogonal group. Rank-deficient
/// input is allowed; Q is then orthonormal but its last columns are arbitrary. About 4 m n min(m, n) operations.
///
/// # Errors
/// [`LinalgError::Empty`] or [`LinalgError::NotFinite`] for bad input; [`LinalgError::Overflow`] if an entry of R exceeds
/// the range of `f64`; [`LinalgError::CertificateFailed`] instead of a wrong result.
///
/// ```
/// use solvable_linalg::{from_rows, qr};
/// let f = qr(from_rows(&[vec![3.0, 7.0], vec![4.0, 1.0]])?.as_ref())?;
/// assert!((f.r[(0, 0)] - 5.0).abs() < 1e-14 && (f.r[(0, 1)] - 5.0).abs() < 1e-14 && (f.r[(1, 1)] - 5.0).abs() < 1e-14);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn qr(a: MatRef<'_, f64>) -> Result<Qr, LinalgError> {
    crate::sequential();
    check_finite(a)?;
    let (scaled, k) = scaled(a);
    let factors = scaled.qr();
    let (q, r) = (factors.compute_thin_Q(), factors.thin_R());
    let sign: Vec<f64> = (0..r.nrows()).map(|i| if r[(i, i)] < 0.0 { -1.0 } else { 1.0 }).collect();
    let q = Mat::from_fn(q.nrows(), q.ncols(), |i, j| q[(i, j)] * sign[j]);
    let mut r = Mat::from_fn(r.nrows(), r.ncols(), |i, j| if i <= j { r[(i, j)] * sign[i] } else { 0.0 });
    let accepted = certificate::qr(scaled.as_ref(), q.as_ref(), r.as_ref())?;
    for j in 0..r.ncols() {
        for i in 0..r.nrows().min(j + 1) {
            r[(i, j)] = unscale(r[(i, j)], k)?;
        }
    }
    Ok(Qr { q, r, residual: accepted.residual, orthogonality: accepted.orthogonality })
}
