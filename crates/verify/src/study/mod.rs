//! Studies of a user's own data: the chapter's prediction for it, checked by simulation on it.
//!
//! Each chapter has its study in `CHAPTER/study.rs`; what they share is here: [`Features`], a table with its treatment
//! written down, and [`StudyError`].
mod features;

pub use features::{Centring, Features};

use std::path::PathBuf;

use crate::CheckError;
use crate::input::ReadError;

/// Why a study was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// A table could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Samples that no collapse metric is defined for.
    #[error(transparent)]
    Samples(#[from] crate::collapse::study::SampleError),
    /// A statement refused the data or an option.
    #[error(transparent)]
    Input(#[from] solvable_model::InputError),
    /// A theory, a simulation or a decomposition refused.
    #[error(transparent)]
    Refused(#[from] CheckError),
    /// Too few rows for what is asked.
    #[error("{path} has {rows} data rows: {condition}", path = path.display())]
    FewRows {
        /// The file.
        path: PathBuf,
        /// Its data rows.
        rows: usize,
        /// What is needed.
        condition: &'static str,
    },
    /// Two tables that do not belong together.
    #[error("{path} is {} x {}: expected {} x {} ({reason})", found.0, found.1, expected.0, expected.1, path = path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Rows and columns found.
        found: (usize, usize),
        /// Rows and columns expected.
        expected: (usize, usize),
        /// Why.
        reason: &'static str,
    },
    /// No column varies.
    #[error("{path}: every column is constant, so that there is nothing to learn from", path = path.display())]
    Constant {
        /// The file.
        path: PathBuf,
    },
    /// A bag file in which a row is in no bag or in several.
    #[error("{path}: row {row} of the features is in {bags} bags: each row must be in exactly one (rows count from 1)", path = path.display())]
    BagRow {
        /// The bag file.
        path: PathBuf,
        /// The row of the features, from 1.
        row: u64,
        /// Bags that name it.
        bags: u64,
    },
    /// A bag file that names a row which the features do not have.
    #[error("{path}, row {line}: names row {row}, but the features have rows 1 to {rows}", path = path.display())]
    UnknownRow {
        /// The bag file.
        path: PathBuf,
        /// Its data row, from 1.
        line: u64,
        /// The row it names.
        row: u64,
        /// Rows of the features.
        rows: u64,
    },
    /// A bag or row number that is not a whole number.
    #[error("{path}, row {line}, column {column}: {value} is not a whole number, at least 0", path = path.display())]
    BagEntry {
        /// The bag file.
        path: PathBuf,
        /// Its data row, from 1.
        line: u64,
        /// Its column, from 1.
        column: usize,
        /// The entry.
        value: f64,
    },
    /// An option outside its domain.
    #[error("--{option} {value} is refused: it must be {condition}")]
    Option {
        /// Its name.
        option: &'static str,
        /// Its value.
        value: f64,
        /// The condition.
        condition: &'static str,
    },
}

impl StudyError {
    /// Wraps the refusal of any route.
    pub fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Refused(CheckError::from_error(error))
    }
}
