//! Certified sequential linear algebra: the only door to faer's decompositions.
//!
//! Four promises hold for every routine here ([`CholeskyInPlace`] and the products keep the first only).
//!
//! 1. **Sequential.** faer is called with `Par::Seq`; parallelism belongs to replicas, not to one matrix. The same
//!    binary on the same instruction set returns the same bits for any number of threads.
//! 2. **Scaled.** Inputs are first multiplied by powers of two (exact), so that the largest entry is near 1. Squares
//!    neither overflow nor vanish inside the algorithms.
//! 3. **Certified.** The factors are multiplied back and compared with the input (residual, orthogonality, trace
//!    identities) against the dimension-scaled bounds of [`tolerance`]. A result that misses its bound is not
//!    returned: the caller gets [`LinalgError::CertificateFailed`] with the number and the bound.
//! 4. **Typed failure.** NaN, infinities, empty or misshapen inputs, singular systems and results outside the range of
//!    `f64` are errors that carry the offending numbers.
//!
//! The certificate bounds errors *normwise*: a computed eigenvalue or singular value is close relative to the largest
//! one. Diagonal inputs are the exception: they are read off exactly, whatever their range.
//!
//! | file | content |
//! |---|---|
//! | `eigen` | [`symmetric_eigen`], [`symmetric_eigenvalues`], matrix functions |
//! | `tridiagonal` | [`tridiagonal_eigen`], for Gauss rules from Jacobi matrices |
//! | `svd` | [`svd`], [`singular_values`], [`rank`], [`pseudo_inverse`] |
//! | `cholesky` | [`cholesky`], [`solve_spd`] |
//! | `cholesky_in_place` | [`CholeskyInPlace`], bare, for inner loops |
//! | `qr` | [`qr`] |
//! | `least_squares` | [`least_squares`], minimum norm |
//! | `lu` | [`solve`], [`inverse`], [`log_abs_det`], [`determinant`] |
//! | `ops` | products, norms and fixed-shape sums, no decomposition |
//! | `certificate` | the checks themselves |
//!
//! ```
//! use solvable_linalg::{from_rows, symmetric_eigen};
//! let a = from_rows(&[vec![2.0, 1.0], vec![1.0, 2.0]])?;
//! let e = symmetric_eigen(a.as_ref())?;
//! assert!((e.values[0] - 3.0).abs() <= e.error && (e.values[1] - 1.0).abs() <= e.error);
//! # Ok::<(), solvable_linalg::LinalgError>(())
//! ```

mod certificate;
mod cholesky;
mod cholesky_in_place;
mod eigen;
mod error;
mod least_squares;
mod lu;
mod ops;
mod qr;
mod refine;
mod scale;
mod svd;
pub mod tolerance;
mod tridiagonal;

#[cfg(test)]
mod tests;

pub use cholesky::{Cholesky, cholesky, solve_spd};
pub use cholesky_in_place::CholeskyInPlace;
pub use eigen::{SymmetricEigen, symmetric_eigen, symmetric_eigenvalues};
pub use error::{Certificate, LinalgError};
pub use faer::{Mat, MatMut, MatRef};
pub use least_squares::{LeastSquares, least_squares};
pub use lu::{Inverse, LogDeterminant, determinant, inverse, log_abs_det, solve};
pub use ops::{
    diagonal, dot, frobenius_norm, from_rows, kronecker, mat_vec, matmul, matmul_add, matmul_into, max_abs,
    outer, quadratic_form, sum, sum_compensated, symmetrize, to_rows, trace, trace_product, transpose_matmul,
};
pub use qr::{Qr, qr};
pub use refine::Solution;
pub use svd::{PseudoInverse, Svd, pseudo_inverse, rank, singular_values, svd};
pub use tridiagonal::{TridiagonalEigen, tridiagonal_eigen};

/// Makes faer sequential for the whole process: its operators (`&a * &b`) read a global setting.
///
/// Binaries call this first. Every routine of this crate calls it too (one relaxed atomic store), so that no result
/// here depends on whether they did.
pub fn sequential() {
    faer::set_global_parallelism(faer::Par::Seq);
}
