//! Refusals and failures of an integration.
use solvable_model::InputError;

/// A vector field that returned NaN or an infinity, or a descent that ran away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotFinite {
    /// Time of the evaluation.
    pub time: f64,
    /// Its number, counted from 1.
    pub evaluation: u64,
    /// First offending component.
    pub component: usize,
    /// What it was.
    pub value: f64,
}

/// Why an integration ended without a result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// An argument was refused.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The vector field is not finite at the initial point, or however short the step.
    #[error(
        "the vector field (or a state) has component {} = {} at time {}, evaluation {}",
        .0.component, .0.value, .0.time, .0.evaluation
    )]
    NotFinite(NotFinite),
    /// The objective (not its gradient) is NaN or infinite.
    #[error("the objective is {value} at time {time}, evaluation {evaluation}")]
    EnergyNotFinite {
        /// Time of the evaluation.
        time: f64,
        /// Its number, counted from 1.
        evaluation: u64,
        /// What it was.
        value: f64,
    },
    /// The objective climbs along minus its gradient however short the step: the gradient is wrong, or the
    /// objective is rougher than its rounding allowance.
    #[error(
        "the objective climbs from {before:e} to {after:e} along minus its gradient at time {time}, with a step as short as {step:e} ({rejections} steps in a row refused): its gradient is wrong, or its rounding error exceeds the allowance"
    )]
    EnergyClimbs {
        /// Time at the start of the refused step.
        time: f64,
        /// Objective there.
        before: f64,
        /// Objective after the last refused step.
        after: f64,
        /// Length of that step.
        step: f64,
        /// Steps refused in a row.
        rejections: u32,
    },
    /// The step that the tolerances ask for is below the spacing of floating-point times.
    #[error(
        "at time {time} the tolerances ask for a step of {step:e}, below the spacing of floating-point times: the solution is singular there, or the tolerances are too tight"
    )]
    StepTooSmall {
        /// Where.
        time: f64,
        /// The step.
        step: f64,
    },
    /// An implicit step of fixed length has no solution that its iteration finds.
    #[error("at time {time} the implicit equations of a step of {step:e} are not solved: shorten it")]
    NotConverged {
        /// Where.
        time: f64,
        /// The step.
        step: f64,
    },
    /// The limit on steps was reached first.
    #[error("{limit} steps reached time {time} only (last step {step:e})")]
    TooManySteps {
        /// The limit.
        limit: u64,
        /// Time reached.
        time: f64,
        /// Last step.
        step: f64,
    },
    /// The limit on evaluations was reached first.
    #[error("{limit} evaluations of the vector field reached time {time} only (last step {step:e})")]
    TooManyEvaluations {
        /// The limit.
        limit: u64,
        /// Time reached.
        time: f64,
        /// Last step.
        step: f64,
    },
    /// The caller raised the stop flag.
    #[error("stopped on request at time {time}")]
    Cancelled {
        /// Time reached.
        time: f64,
    },
    /// The deadline passed.
    #[error("the deadline passed at time {time}")]
    DeadlinePassed {
        /// Time reached.
        time: f64,
    },
}
