//! What the formulas of this chapter refuse.
use solvable_linalg::LinalgError;
use solvable_model::InputError;

/// Why a formula has no answer for this input.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CollapseError {
    /// An argument is outside the domain of the formula.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A certified decomposition failed.
    #[error(transparent)]
    Linalg(#[from] LinalgError),
    /// The formula does not cover this kind of bias.
    #[error("this formula does not cover a bias that is {found}: it needs a bias that is {needed}")]
    Bias {
        /// The bias of the problem: "none", "free" or "regularised".
        found: &'static str,
        /// What the formula covers.
        needed: &'static str,
    },
    /// The formula is for the squared loss.
    #[error("this formula is for the squared loss")]
    Loss,
    /// The formula needs equal class sizes.
    #[error("class_counts must be equal here, found {first} and {other}")]
    NotBalanced {
        /// The first size.
        first: usize,
        /// A different one.
        other: usize,
    },
    /// The formula needs equal regularisations.
    #[error("all regularisations must be equal here, found {first:?} and {other:?}")]
    NotUniform {
        /// That of the features.
        first: f64,
        /// A different one.
        other: f64,
    },
    /// The formula does not cover this depth.
    #[error("M = {depth} is not covered here: {condition}")]
    Depth {
        /// The depth.
        depth: usize,
        /// What is covered.
        condition: &'static str,
    },
    /// The network is too narrow for the formula.
    #[error("the smallest width is {width}: this formula needs at least {needed}")]
    TooNarrow {
        /// The smallest width.
        width: usize,
        /// The width needed.
        needed: usize,
    },
    /// Equal targets on both sides of the rank bound: the minimisers form a continuum and only spectra are determined.
    #[error(
        "targets {rank} and {} both equal {target:?}: a rank of {rank} cuts through them and single classes are undetermined",
        rank + 1
    )]
    TiedCut {
        /// The rank bound.
        rank: usize,
        /// The common target.
        target: f64,
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
        /// Residual reached.
        residual: f64,
        /// Residual asked for.
        tolerance: f64,
    },
    /// A normalised matrix of the definition is 0.
    #[error("{quantity} is 0, so that its direction is undefined")]
    ZeroMatrix {
        /// The matrix.
        quantity: &'static str,
    },
}

/// The word for a bias in messages and keys.
pub(super) fn bias_word(bias: solvable_model::collapse::Bias) -> &'static str {
    use solvable_model::collapse::Bias;
    match bias {
        Bias::None => "none",
        Bias::Free => "free",
        _ => "regularised",
    }
}

/// The common class size.
pub(super) fn common_size(classes: &solvable_model::collapse::ClassCounts) -> Result<usize, CollapseError> {
    let first = classes.counts()[0];
    match classes.counts().iter().find(|&&n| n != first) {
        None => Ok(first),
        Some(&other) => Err(CollapseError::NotBalanced { first, other }),
    }
}

/// The common regularisation of all factors.
pub(super) fn common_lambda(problem: &solvable_model::collapse::FreeFeatures) -> Result<f64, CollapseError> {
    let first = problem.lambda_h();
    match problem.lambda_w().iter().find(|&&l| l != first) {
        None => Ok(first),
        Some(&other) => Err(CollapseError::NotUniform { first, other }),
    }
}
