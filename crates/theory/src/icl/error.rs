//! What the formulas of this chapter refuse.
use solvable_linalg::LinalgError;
use solvable_model::InputError;

/// Why a formula has no answer for this input.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IclError {
    /// An argument is outside the domain of the formula.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A certified decomposition failed.
    #[error(transparent)]
    Linalg(#[from] LinalgError),
    /// `tr(Lambda Psi) + sigma2 = 0`: every label is 0 almost surely, and so is the statistic s.
    #[error("tr(Lambda Psi) + sigma2 = 0: the labels are 0 almost surely and the minimizer is undefined")]
    NoLabels,
    /// `Lambda = 0`: every covariate is 0 almost surely.
    #[error("Lambda = 0: the covariates are 0 almost surely and no step changes the loss")]
    NoCovariates,
    /// The start is not better than the zero predictor, so that the convergence certificate says nothing.
    #[error("L(0) - L(A_0) = {gain:?} is not positive: the start carries no certificate of convergence")]
    NoCertificate {
        /// L(0) - L(A_0).
        gain: f64,
    },
    /// The result does not fit into `f64`.
    #[error("{quantity} is outside the range of f64 for this input")]
    NotRepresentable {
        /// The quantity.
        quantity: &'static str,
    },
    /// An iteration stopped before its tolerance.
    #[error("no convergence after {iterations} iterations: residual {residual:e}, tolerance {tolerance:e}")]
    NotConverged {
        /// Iterations spent.
        iterations: usize,
        /// Relative residual reached.
        residual: f64,
        /// Relative residual asked for.
        tolerance: f64,
    },
}

/// `value` if it is finite.
pub(super) fn finite(quantity: &'static str, value: f64) -> Result<f64, IclError> {
    if value.is_finite() { Ok(value) } else { Err(IclError::NotRepresentable { quantity }) }
}
