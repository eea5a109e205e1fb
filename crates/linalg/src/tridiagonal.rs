//! Symmetric tridiagonal matrices, for Gauss rules.

use crate::eigen::symmetric_eigen;
use crate::error::LinalgError;
use faer::Mat;

/// Eigenvalues of a symmetric tridiagonal matrix and the first components of its unit eigenvectors, certified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TridiagonalEigen {
    /// Eigenvalues in **ascending** order: the nodes of the Gauss rule.
    pub values: Vec<f64>,
    /// First component of each unit eigenvector, nonnegative. Its square times the mass of the measure is the weight.
    pub first_components: Vec<f64>,
    /// `||T - V D V'||_F / ||T||_F`.
    pub residual: f64,
    /// `||V'V - I||_F`.
    pub orthogonality: f64,
    /// Bound on the absolute error of each eigenvalue.
    pub error: f64,
}

/// Eigen-decomposition of the tridiagonal T with `diagonal` (n entries) and `off` (n - 1 entries) beside it.
///
/// For the Jacobi matrix of a measure (recurrence coefficients a_k on the diagonal, sqrt(b_k) beside it) the eigenvalues
/// are the nodes of the n-point Gauss rule and the squared first components its weights over the total mass (Golub and
/// Welsch, *Math. Comp.* 23, 1969). Components are accurate absolutely, to a multiple of epsilon over the gap: weights
/// far below epsilon have no correct digits; recompute those from the orthonormal polynomials, w = 1 / Σ p_k(x)².
///
/// The certificate is that of [`symmetric_eigen`] on the dense matrix, so the cost is about 13 n³.
///
/// # Errors
/// [`LinalgError::DimensionMismatch`] unless `off` has one entry less than `diagonal`, otherwise as [`symmetric_eigen`].
///
/// ```
/// use solvable_linalg::tridiagonal_eigen;
/// // Two-point Gauss-Legendre rule: nodes ±1/sqrt 3, weights 1/2 of the mass each.
/// let rule = tridiagonal_eigen(&[0.0, 0.0], &[1.0 / 3.0_f64.sqrt()])?;
/// assert!((rule.values[1] - 1.0 / 3.0_f64.sqrt()).abs() < 1e-15);
/// assert!((rule.first_components[0].powi(2) - 0.5).abs() < 1e-15);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn tridiagonal_eigen(diagonal: &[f64], off: &[f64]) -> Result<TridiagonalEigen, LinalgError> {
    let n = diagonal.len();
    if n == 0 {
        return Err(LinalgError::Empty { rows: 0, columns: 0 });
    }
    if off.len() + 1 != n {
        return Err(LinalgError::DimensionMismatch { expected: n - 1, found: off.len() });
    }
    let t = Mat::from_fn(n, n, |i, j| {
        if i == j {
            diagonal[i]
        } else if i.abs_diff(j) == 1 {
            off[i.min(j)]
        } else {
            0.0
        }
    });
    let e = symmetric_eigen(t.as_ref())?;
    Ok(TridiagonalEigen {
        values: e.values.iter().rev().copied().collect(),
        first_components: (0..n).rev().map(|j| e.vectors[(0, j)].abs()).collect(),
        residual: e.residual,
        orthogonality: e.orthogonality,
        error: e.error,
    })
}
