//! Trajectories: gradient descent, and gradient flow at given times.
use solvable_model::Objective;

use crate::flow::{DescentOptions, FlowError, GradientFlow, Method, Options, descend, integrate};

/// The state after `steps` steps of gradient descent: Euler's method for the gradient flow.
///
/// # Errors
/// [`FlowError`] as for [`flow::descend`](descend).
pub fn descended<O: Objective>(
    objective: &O,
    start: &[f64],
    step: f64,
    steps: u64,
) -> Result<Vec<f64>, FlowError> {
    Ok(descend(objective, start, &DescentOptions::new(step, steps))?.state)
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

/// The state of the gradient flow at `time`, by the classical Runge-Kutta method of order 4 with equal steps: its
/// error falls as the fourth power of the step from large steps on, so that orders can be measured.
///
/// # Panics
/// If `start` has not the objective's dimension.
#[must_use]
pub fn runge_kutta4<O: Objective>(objective: &O, start: &[f64], time: f64, steps: u64) -> Vec<f64> {
    let n = objective.dimension();
    assert_eq!(start.len(), n, "runge_kutta4: a point of another dimension");
    let h = time / steps as f64;
    let mut work = objective.work();
    let mut x = start.to_vec();
    let (mut point, mut slope, mut sum) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    for _ in 0..steps {
        sum.fill(0.0);
        point.copy_from_slice(&x);
        for (weight, next) in [(1.0, 0.5), (2.0, 0.5), (2.0, 1.0), (1.0, 0.0)] {
            objective.gradient(&point, &mut slope, &mut work);
            for i in 0..n {
                sum[i] -= weight * slope[i];
                point[i] = x[i] - next * h * slope[i];
            }
        }
        for i in 0..n {
            x[i] += h / 6.0 * sum[i];
        }
    }
    x
}
