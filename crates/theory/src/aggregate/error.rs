//! Why a formula of this chapter was refused.
use solvable_model::InputError;

/// Refusals of the chapter's formulas.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// The input is invalid.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The result, or a number on the way, is outside the range of doubles.
    #[error("{quantity} is outside the range of double precision for these inputs")]
    OutOfRange {
        /// What.
        quantity: &'static str,
    },
    /// No exact formula is known for these arguments.
    #[error("no exact formula: {condition} (n = {n}, m = {m}, d = {d})")]
    NoFormula {
        /// What would be needed.
        condition: &'static str,
        /// Rows.
        n: usize,
        /// Bags.
        m: usize,
        /// Covariates.
        d: usize,
    },
    /// The formula needs bags of one size.
    #[error(
        "bag {bag} (counted from 0) is not of the size {first} of bag 0: the formula needs bags of one size"
    )]
    UnequalBags {
        /// Size of bag 0.
        first: usize,
        /// First bag of another size.
        bag: usize,
    },
    /// An enumeration would be too large.
    #[error("the enumeration needs {size:e} steps, more than the limit {limit:e}")]
    TooLarge {
        /// Steps needed.
        size: f64,
        /// Limit.
        limit: f64,
    },
}

impl From<solvable_linalg::LinalgError> for AggregateError {
    fn from(error: solvable_linalg::LinalgError) -> Self {
        Self::Input(error.into())
    }
}

/// Refuses NaN, which only overflow on the way can have made.
pub(super) fn in_range(quantity: &'static str, value: f64) -> Result<f64, AggregateError> {
    if value.is_nan() { Err(AggregateError::OutOfRange { quantity }) } else { Ok(value) }
}

/// Refuses NaN and infinities, which only overflow can have made.
pub(super) fn finite(quantity: &'static str, value: f64) -> Result<f64, AggregateError> {
    if value.is_finite() { Ok(value) } else { Err(AggregateError::OutOfRange { quantity }) }
}
