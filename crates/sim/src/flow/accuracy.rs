//! The error of a whole integration, measured.
use super::driver::integrate;
use super::error::FlowError;
use super::field::VectorField;
use super::options::Options;
use super::solution::Solution;

/// A solution with its measured error.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Measured {
    /// The solution at a tenth of the tolerances asked for.
    pub solution: Solution,
    /// Largest Euclidean distance, over the final and all recorded states, between the solutions at the tolerances asked
    /// for and at a tenth of them.
    pub error: f64,
}

/// Integrates twice, at the tolerances of `options` and at a tenth of them.
///
/// Global errors follow the tolerance with a power between 2/3 and 1, so that the difference is most of the error of the
/// first solution and exceeds that of the second, which is returned. An estimate, not a bound: it resolves nothing below
/// the tolerances themselves, where errors are a matter of chance. Costs about 2.5 integrations at order 5. Meant for
/// integrations that end at a given time; under another rule the two may end at different times, and their states are
/// compared all the same.
///
/// # Errors
/// As [`integrate`]. A fixed step is refused: halve it instead.
///
/// ```
/// use solvable_sim::flow::{FieldFn, Options, integrate_measured};
/// let decay = FieldFn::new(1, |_, x, slope| slope[0] = -x[0]);
/// let measured = integrate_measured(&decay, &[1.0], &Options::until(1.0).tolerance(1e-6, 1e-6))?;
/// let error = (measured.solution.state[0] - (-1.0_f64).exp()).abs();
/// assert!(error <= measured.error && measured.error < 1e-5);
/// # Ok::<(), solvable_sim::flow::FlowError>(())
/// ```
pub fn integrate_measured<F: VectorField>(
    field: &F,
    x0: &[f64],
    options: &Options,
) -> Result<Measured, FlowError> {
    if let Some(value) = options.fixed_step {
        let condition = "the error of a fixed step does not follow the tolerance";
        let argument = "fixed_step".into();
        return Err(solvable_model::InputError::Condition { argument, value, condition }.into());
    }
    let coarse = integrate(field, x0, options)?;
    let tight = options.clone().tolerance(0.1 * options.relative, 0.1 * options.absolute);
    let solution = integrate(field, x0, &tight)?;
    let distance = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let error = coarse
        .states
        .iter()
        .zip(&solution.states)
        .map(|(x, y)| distance(x, y))
        .fold(distance(&coarse.state, &solution.state), f64::max);
    Ok(Measured { solution, error })
}
