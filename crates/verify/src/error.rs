//! Why a check could not be carried out.
use std::error::Error;

/// A check that could not be carried out: not a verdict on the claim.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Theory, model or simulation refused the cell's parameters.
    #[error(transparent)]
    Refused(#[from] Box<dyn Error + Send + Sync>),
    /// A route returned a NaN, or an infinity where the other side is finite.
    #[error("{route} returned {value} in cell {cell}")]
    NotFinite {
        /// "theory" or "simulation".
        route: &'static str,
        /// What it returned.
        value: f64,
        /// Label of the cell.
        cell: String,
    },
    /// A check was declared in a way that cannot work.
    #[error("check {check} is ill declared: {reason}")]
    IllDeclared {
        /// Name of the check.
        check: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
}

impl CheckError {
    /// Wraps any error of the two routes.
    pub fn from_error(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl From<solvable_model::InputError> for CheckError {
    fn from(error: solvable_model::InputError) -> Self {
        Self::from_error(error)
    }
}

impl From<solvable_linalg::LinalgError> for CheckError {
    fn from(error: solvable_linalg::LinalgError) -> Self {
        Self::from_error(error)
    }
}
