//! Refusals and failures of a minimisation.
use solvable_model::InputError;

/// Why a minimisation ended without a result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MinimiseError {
    /// An argument was refused.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The objective or its gradient is NaN or infinite at the initial point.
    #[error("the objective is {value} and its gradient has norm {gradient_norm} at the initial point")]
    NotFinite {
        /// The objective.
        value: f64,
        /// Euclidean norm of the gradient.
        gradient_norm: f64,
    },
    /// No step along minus the gradient lowers the objective, and its changes are not those that its gradient
    /// promises: the gradient is wrong, or the objective has a kink.
    #[error(
        "at iteration {iteration} no step along minus the gradient lowers the objective: over the shortest one that matters it changes by {change:e} instead of {expected:e}, so its gradient is wrong or it has a kink"
    )]
    NoDescent {
        /// Where.
        iteration: u64,
        /// Change of the objective over the shortest step that should matter.
        change: f64,
        /// The change that the gradients at both ends promise.
        expected: f64,
    },
    /// The objective keeps falling however long the step.
    #[error("the objective seems to be unbounded below: it is {value:e} after a step of length {step:e}")]
    Unbounded {
        /// Last value of the objective.
        value: f64,
        /// Length of the step.
        step: f64,
    },
    /// The limit on iterations was reached first.
    #[error(
        "{iterations} iterations ({evaluations} evaluations) brought the gradient to {gradient_norm:e} only, objective {value:e}"
    )]
    NotConverged {
        /// Iterations made.
        iterations: u64,
        /// Evaluations made.
        evaluations: u64,
        /// Objective reached.
        value: f64,
        /// Euclidean norm of the gradient there.
        gradient_norm: f64,
    },
    /// The caller raised the stop flag.
    #[error("stopped on request at iteration {iteration}")]
    Cancelled {
        /// Iterations made.
        iteration: u64,
    },
    /// The deadline passed.
    #[error("the deadline passed at iteration {iteration}")]
    DeadlinePassed {
        /// Iterations made.
        iteration: u64,
    },
}
