//! Trajectories: gradient descent, and gradient flow at given times.
use solvable_model::Objective;

use crate::flow::{FlowError, GradientFlow, Method, Options, integrate};

/// `steps` steps of gradient descent, in place: Euler's method for the gradient flow.
///
/// # Panics
/// If `x` has not the objective's dimension.
pub fn descend<O: Objective>(objective: &O, x: &mut [f64], step: f64, steps: u64) {
    let mut work = objective.work();
    let mut gradient = vec![0.0; objective.dimension()];
    assert_eq!(x.len(), gradient.len(), "descend: a point of another dimension");
    for _ in 0..steps {
        objective.gradient(x, &mut gradient, &mut work);
        for (v, g) in x.iter_mut().zip(&gradient) {
            *v -= step * g;
        }
    }
}

/// States of the gradient flow at increasing times, by the pair of order 8 at relative tolerance 1e-12.
///
/// # Errors
/// [`FlowError`] as for [`integrate`].
pub fn flow_states<O: Objective>(
    objective: &O,
    start: &[f64],
    times: &[f64],
) -> Result<Vec<Vec<f64>>, FlowError> {
    let end = times.last().copied().unwrap_or(0.0);
    let options = Options::until(end).method(Method::DormandPrince8).tolerance(1e-12, 1e-14).record(times);
    Ok(integrate(&GradientFlow::of(objective), start, &options)?.states)
}

/// The state of the gradient flow at `time`, by steps of a fixed length with the pair of order 5: the error falls as step^5.
///
/// # Errors
/// [`FlowError`] as for [`integrate`].
pub fn stepped_state<O: Objective>(
    objective: &O,
    start: &[f64],
    time: f64,
    step: f64,
) -> Result<Vec<f64>, FlowError> {
    let options = Options::until(time).fixed_step(step).energy_guard(false);
    Ok(integrate(&GradientFlow::of(objective), start, &options)?.state)
}
