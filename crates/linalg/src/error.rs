//! What can go wrong, with the numbers.

use std::fmt;

/// The identity a result failed to satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certificate {
    /// The factors, multiplied back, do not give the input.
    Residual,
    /// Columns that should be orthonormal are not.
    Orthogonality,
    /// Sum of the eigenvalues against the trace.
    Trace,
    /// Sum of the squared values against the squared Frobenius norm.
    FrobeniusNorm,
    /// Values are not sorted as promised, or a value that cannot be negative is.
    Ordering,
    /// The residual of a least-squares solution is not orthogonal to the columns.
    NormalEquations,
    /// One of the four Penrose conditions of a pseudo-inverse.
    Penrose,
    /// Backward error of a linear system.
    BackwardError,
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Residual => "residual of the factorisation",
            Self::Orthogonality => "departure from orthonormality",
            Self::Trace => "difference between the trace and the sum of the eigenvalues",
            Self::FrobeniusNorm => "difference between the squared norm and the sum of the squared values",
            Self::Ordering => "departure from the promised order or sign",
            Self::NormalEquations => "residual of the normal equations",
            Self::Penrose => "residual of the Penrose conditions",
            Self::BackwardError => "backward error of the linear system",
        })
    }
}

/// Why a routine of this crate refused its input or its own result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LinalgError {
    /// An input entry is NaN or infinite.
    #[error("entry ({row}, {column}) = {value} is not finite")]
    NotFinite {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// Entry.
        value: f64,
    },
    /// The input has no rows or no columns.
    #[error("a {rows} x {columns} matrix is empty; at least one row and one column are needed")]
    Empty {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// A square matrix was needed.
    #[error("a {rows} x {columns} matrix is not square")]
    NotSquare {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// Two arguments have incompatible sizes.
    #[error("size {found} does not match the size {expected} required by the other argument")]
    DimensionMismatch {
        /// Size required.
        expected: usize,
        /// Size given.
        found: usize,
    },
    /// A list of rows has rows of different lengths.
    #[error("row {row} has {found} entries, the first row has {expected}")]
    Ragged {
        /// Index of the row.
        row: usize,
        /// Length of the first row.
        expected: usize,
        /// Length of this row.
        found: usize,
    },
    /// A symmetric matrix was needed.
    #[error("entries ({row}, {column}) and ({column}, {row}) differ by {difference}, more than {tolerance}")]
    NotSymmetric {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// Absolute difference.
        difference: f64,
        /// Largest difference accepted.
        tolerance: f64,
    },
    /// A Cholesky pivot is not positive.
    #[error("the matrix is not positive definite: pivot {index} is not positive")]
    NotPositiveDefinite {
        /// Index of the pivot, from 0.
        index: usize,
    },
    /// A positive semidefinite matrix was needed.
    #[error("eigenvalue {value} is negative beyond the error {tolerance}")]
    NegativeEigenvalue {
        /// The eigenvalue.
        value: f64,
        /// How far below 0 it may lie.
        tolerance: f64,
    },
    /// The matrix is singular to working precision.
    #[error(
        "the matrix is singular to working precision: reciprocal condition {rcond} is not above {tolerance}"
    )]
    Singular {
        /// Estimated reciprocal condition number after scaling; 0 if a pivot is exactly 0.
        rcond: f64,
        /// Smallest reciprocal condition accepted.
        tolerance: f64,
    },
    /// The underlying iteration did not converge.
    #[error("the iteration on a {rows} x {columns} matrix did not converge")]
    NoConvergence {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// The result is larger than the largest `f64`.
    #[error("a result of size about 2^{exponent} is outside the range of f64")]
    Overflow {
        /// Binary exponent of the value that does not fit.
        exponent: i32,
    },
    /// A result was computed and refused: it does not satisfy the identity that defines it.
    #[error("{certificate} is {value}, above the tolerance {tolerance}: the result was refused")]
    CertificateFailed {
        /// The identity.
        certificate: Certificate,
        /// How far the result is from satisfying it.
        value: f64,
        /// Largest distance accepted.
        tolerance: f64,
    },
}
