//! What an integration returns.
use super::options::Method;

/// Which rule ended an integration or a descent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The final time.
    Time,
    /// The norm of the field fell to the threshold.
    Slope,
    /// The state entered the ball.
    Near,
    /// The number of iterations of a descent.
    Iterations,
}

/// What an integration cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Accepted steps.
    pub steps: u64,
    /// Rejected steps, for whatever reason.
    pub rejected: u64,
    /// Of these, steps after which the energy was higher.
    pub climbs: u64,
    /// Of these, steps on which the field was not finite.
    pub not_finite: u64,
    /// Of these, steps on which an implicit method's nonlinear iteration did not converge.
    pub not_converged: u64,
    /// Evaluations of the field.
    pub evaluations: u64,
    /// Jacobian-vector products (those by finite differences count as evaluations instead).
    pub jacobian_products: u64,
    /// Matrices factored by an implicit method.
    pub factorizations: u64,
}

/// The end of a trajectory, what was recorded on the way, and diagnostics.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Solution {
    /// Final time.
    pub time: f64,
    /// Final state.
    pub state: Vec<f64>,
    /// Euclidean norm of the field there.
    pub slope_norm: f64,
    /// Energy there, for fields that have one.
    pub energy: Option<f64>,
    /// The rule that ended the integration.
    pub stop: Stop,
    /// Times of the recorded states: those asked for, up to the final time.
    pub times: Vec<f64>,
    /// The recorded states, one a time.
    pub states: Vec<Vec<f64>>,
    /// Sum over accepted steps of the Euclidean norm of the estimated error of the step. Where the flow contracts (a
    /// convex objective) this estimates a bound on the error of the final state; elsewhere errors may grow on the way.
    pub local_error: f64,
    /// When [`Method::Automatic`] last changed its method, and to which.
    pub switched: Option<(f64, Method)>,
    /// Cost.
    pub statistics: Statistics,
}
