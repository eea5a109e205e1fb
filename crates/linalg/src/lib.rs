//! Certified sequential linear algebra.
pub use faer::{Mat, MatMut, MatRef};

/// Placeholder replaced by the decomposition modules.
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
}
