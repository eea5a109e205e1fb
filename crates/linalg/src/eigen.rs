//! Eigenvalues and eigenvectors of symmetric matrices.

use crate::certificate::{self, product};
use crate::error::LinalgError;
use crate::ops::symmetrize;
use crate::scale::{check_symmetric, is_diagonal, ldexp, scaled_symmetric, unscale};
use faer::{Mat, MatRef, Side};

/// A = V diag(values) V' with V orthogonal, certified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SymmetricEigen {
    /// Eigenvalues, in descending order.
    pub values: Vec<f64>,
    /// Column j is a unit eigenvector of `values[j]`; its sign is not normalised.
    pub vectors: Mat<f64>,
    /// `||A - V D V'||_F / ||A||_F`, 0 for A = 0.
    pub residual: f64,
    /// `||V'V - I||_F`.
    pub orthogonality: f64,
    /// Each entry of `values` is within this distance of the exact eigenvalue of the same rank, in the units of A.
    pub error: f64,
}

impl SymmetricEigen {
    /// f(A) = V f(D) V', exactly symmetric. Infinite or NaN values of `f` propagate.
    ///
    /// ```
    /// use solvable_linalg::{from_rows, symmetric_eigen};
    /// // exp of [[0, t], [t, 0]] has cosh t on the diagonal.
    /// let e = symmetric_eigen(from_rows(&[vec![0.0, 1.0], vec![1.0, 0.0]])?.as_ref())?;
    /// assert!((e.apply(f64::exp)[(0, 0)] - 1.0_f64.cosh()).abs() < 4.0 * f64::EPSILON * 1.0_f64.exp());
    /// # Ok::<(), solvable_linalg::LinalgError>(())
    /// ```
    #[must_use]
    pub fn apply(&self, f: impl Fn(f64) -> f64) -> Mat<f64> {
        let images: Vec<f64> = self.values.iter().map(|&x| f(x)).collect();
        symmetrize(product(self.vectors.as_ref(), &images, self.vectors.as_ref()).as_ref())
    }

    /// V D V', which is A up to `residual`.
    #[must_use]
    pub fn reconstruct(&self) -> Mat<f64> {
        self.apply(|x| x)
    }

    /// The positive semidefinite square root of A. Negative eigenvalues down to `-error` are rounding and become 0.
    ///
    /// # Errors
    /// [`LinalgError::NegativeEigenvalue`] if the smallest eigenvalue is certainly negative.
    ///
    /// ```
    /// use solvable_linalg::{diagonal, symmetric_eigen};
    /// let root = symmetric_eigen(diagonal(&[4.0, 0.0, 9.0]).as_ref())?.sqrt()?;
    /// assert_eq!(root, diagonal(&[2.0, 0.0, 3.0]));
    /// # Ok::<(), solvable_linalg::LinalgError>(())
    /// ```
    pub fn sqrt(&self) -> Result<Mat<f64>, LinalgError> {
        self.sqrt_within(self.error)
    }

    /// As [`Self::sqrt`], with the caller's own bound on how far rounding may have pushed an eigenvalue below 0: a Gram
    /// matrix summed over N samples, say, carries γ_N times its norm before it arrives here.
    ///
    /// # Errors
    /// [`LinalgError::NegativeEigenvalue`] if the smallest eigenvalue is below `-tolerance`.
    pub fn sqrt_within(&self, tolerance: f64) -> Result<Mat<f64>, LinalgError> {
        match self.values.last() {
            Some(&value) if tolerance.is_nan() || value < -tolerance.max(0.0) => {
                Err(LinalgError::NegativeEigenvalue { value, tolerance })
            }
            _ => Ok(self.apply(|x| x.max(0.0).sqrt())),
        }
    }
}

/// Eigenvalues and orthonormal eigenvectors of a symmetric matrix.
///
/// A is n x n with n >= 1, symmetric within [`crate::tolerance::symmetry`]; its symmetric part is decomposed. Diagonal
/// matrices are read off exactly: eigenvalues are the entries, eigenvectors a permutation of the unit vectors, and
/// nothing is scaled, so entries may range over the whole of `f64`.
///
/// Algorithm: Householder tridiagonalisation, then divide and conquer (faer), on A scaled to largest entry in [1, 2).
/// Backward stable: eigenvalues are accurate relative to the largest one, see [`SymmetricEigen::error`]. About 9 n³
/// operations, 4 n³ more for the certificate.
///
/// # Errors
/// [`LinalgError::Empty`], [`LinalgError::NotSquare`], [`LinalgError::NotFinite`], [`LinalgError::NotSymmetric`] for bad
/// input; [`LinalgError::Overflow`] if an eigenvalue exceeds the range of `f64`; [`LinalgError::NoConvergence`] or
/// [`LinalgError::CertificateFailed`] instead of a wrong result.
///
/// ```
/// use solvable_linalg::{diagonal, symmetric_eigen};
/// let e = symmetric_eigen(diagonal(&[1e-150, 1e150]).as_ref())?;
/// assert_eq!(e.values, [1e150, 1e-150]);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn symmetric_eigen(a: MatRef<'_, f64>) -> Result<SymmetricEigen, LinalgError> {
    crate::sequential();
    check_symmetric(a)?;
    if is_diagonal(a) {
        return Ok(diagonal_eigen(a));
    }
    let (scaled, k) = scaled_symmetric(a);
    let n = scaled.nrows();
    let factors = scaled
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| LinalgError::NoConvergence { rows: n, columns: n })?;
    let ascending = factors.S().column_vector();
    let values: Vec<f64> = (0..n).rev().map(|j| ascending[j]).collect();
    let vectors = Mat::from_fn(n, n, |i, j| factors.U()[(i, n - 1 - j)]);
    let accepted = certificate::symmetric_eigen(scaled.as_ref(), &values, vectors.as_ref())?;
    let values = values.into_iter().map(|x| unscale(x, k)).collect::<Result<_, _>>()?;
    // Rounding into the subnormal range costs at most one more unit there.
    let error = ldexp(accepted.error, k).next_up();
    Ok(SymmetricEigen {
        values,
        vectors,
        residual: accepted.residual,
        orthogonality: accepted.orthogonality,
        error,
    })
}

/// Sorted diagonal entries; ties keep their order.
fn diagonal_eigen(a: MatRef<'_, f64>) -> SymmetricEigen {
    let n = a.nrows();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[(j, j)].total_cmp(&a[(i, i)]));
    SymmetricEigen {
        values: order.iter().map(|&i| a[(i, i)]).collect(),
        vectors: Mat::from_fn(n, n, |i, j| if i == order[j] { 1.0 } else { 0.0 }),
        residual: 0.0,
        orthogonality: 0.0,
        error: 0.0,
    }
}

/// Eigenvalues of a symmetric matrix, in descending order.
///
/// The vectors are computed and certified too, then dropped: trace identities alone would not prove the values. Cost and
/// errors as [`symmetric_eigen`].
///
/// # Errors
/// As [`symmetric_eigen`].
///
/// ```
/// use solvable_linalg::{from_rows, symmetric_eigenvalues};
/// let ones = from_rows(&vec![vec![1.0; 3]; 3])?;
/// let values = symmetric_eigenvalues(ones.as_ref())?;
/// assert!((values[0] - 3.0).abs() < 1e-14 && values[2].abs() < 1e-14);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn symmetric_eigenvalues(a: MatRef<'_, f64>) -> Result<Vec<f64>, LinalgError> {
    symmetric_eigen(a).map(|e| e.values)
}
