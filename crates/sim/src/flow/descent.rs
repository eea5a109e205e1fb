//! Discrete descent: gradient descent (Euler's method on the gradient flow), heavy ball, and their stochastic forms.
use rand::Rng;
use solvable_model::{InputError, Objective};

use super::error::{FlowError, NotFinite};
use super::options::check_length;
use super::solution::Stop;
use super::stepper::norm;
use crate::interruption::{Interruption, interruption_options};
use crate::monte_carlo::Stop as Interrupted;

/// How to descend: `x_{k+1} = x_k - step g(x_k) + momentum (x_k - x_{k-1})`.
#[derive(Clone, Debug)]
pub struct DescentOptions {
    step: f64,
    iterations: u64,
    momentum: f64,
    record: Vec<u64>,
    gradient_norm: Option<f64>,
    near: Option<(Vec<f64>, f64)>,
    interruption: Interruption,
}

impl DescentOptions {
    /// At most `iterations` steps of length `step` times the gradient, without momentum.
    #[must_use]
    pub fn new(step: f64, iterations: u64) -> Self {
        Self {
            step,
            iterations,
            momentum: 0.0,
            record: Vec::new(),
            gradient_norm: None,
            near: None,
            interruption: Interruption::default(),
        }
    }

    /// Polyak's heavy ball, with momentum in [0, 1).
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Iterations, increasing, after which the state is recorded (0: the initial state).
    #[must_use]
    pub fn record(mut self, iterations: impl Into<Vec<u64>>) -> Self {
        self.record = iterations.into();
        self
    }

    /// Stops where the gradient has Euclidean norm at most `norm`. Refused for stochastic gradients, whose norm says
    /// little.
    #[must_use]
    pub fn stop_at_gradient(mut self, norm: f64) -> Self {
        self.gradient_norm = Some(norm);
        self
    }

    /// Stops inside the ball of this radius.
    #[must_use]
    pub fn stop_near(mut self, point: impl Into<Vec<f64>>, radius: f64) -> Self {
        self.near = Some((point.into(), radius));
        self
    }

    interruption_options!("[`FlowError`] ", "iteration");

    fn check(&self, dimension: usize, x0: &[f64]) -> Result<(), InputError> {
        InputError::check_count("dimension", dimension)?;
        check_length("x0", x0.len(), dimension)?;
        InputError::check_vector("x0", x0)?;
        InputError::check_positive("step", self.step)?;
        let momentum = (0.0..1.0).contains(&self.momentum);
        InputError::check("momentum", self.momentum, momentum, "at least 0 and below 1")?;
        if let Some(norm) = self.gradient_norm {
            InputError::check_nonnegative("gradient norm", norm)?;
        }
        if let Some((point, radius)) = &self.near {
            check_length("point", point.len(), dimension)?;
            InputError::check_vector("point", point)?;
            InputError::check_positive("radius", *radius)?;
        }
        let mut previous = None;
        for (index, &iteration) in self.record.iter().enumerate() {
            if iteration > self.iterations || previous.is_some_and(|p| iteration <= p) {
                return Err(InputError::Count {
                    argument: solvable_model::Argument::indexed("record", index),
                    value: iteration,
                    condition: "at most the number of iterations, and greater than the one before it",
                });
            }
            previous = Some(iteration);
        }
        Ok(())
    }
}

/// The end of a descent and what was recorded on the way.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Descent {
    /// Steps taken.
    pub iterations: u64,
    /// Final state.
    pub state: Vec<f64>,
    /// Norm of the last gradient evaluated: at the final state if the gradient ended the descent, else one step before.
    pub gradient_norm: f64,
    /// The rule that ended it.
    pub stop: Stop,
    /// Iterations recorded: those asked for, up to the last.
    pub recorded: Vec<u64>,
    /// The recorded states.
    pub states: Vec<Vec<f64>>,
}

/// A gradient from fresh samples: unbiased for the population's.
pub trait StochasticGradient {
    /// Temporaries of one evaluation.
    type Work;

    /// Number of parameters.
    fn dimension(&self) -> usize;

    /// Fresh temporaries.
    fn work(&self) -> Self::Work;

    /// Draws samples from `rng` and writes their gradient at `x` into `gradient`.
    fn sample<R: Rng + ?Sized>(&self, x: &[f64], gradient: &mut [f64], rng: &mut R, work: &mut Self::Work);
}

/// Gradient descent or heavy ball from `x0`, recording states.
///
/// One evaluation of the gradient a step; the loop allocates nothing. With no momentum this is Euler's method on the
/// gradient flow, at time `step` times the iteration. Nothing keeps it from climbing: a step above 2 over the largest
/// curvature diverges, which ends as [`FlowError::NotFinite`].
///
/// # Errors
/// [`FlowError`]: refused arguments; a gradient or state that is not finite; cancellation.
///
/// ```
/// use solvable_model::Objective;
/// use solvable_sim::flow::{DescentOptions, descend};
///
/// /// L(x) = x^2 / 2.
/// struct Parabola;
/// impl Objective for Parabola {
///     type Work = ();
///     fn dimension(&self) -> usize {
///         1
///     }
///     fn work(&self) {}
///     fn value(&self, x: &[f64], _: &mut ()) -> f64 {
///         0.5 * x[0] * x[0]
///     }
///     fn gradient(&self, x: &[f64], gradient: &mut [f64], _: &mut ()) {
///         gradient[0] = x[0];
///     }
/// }
/// let end = descend(&Parabola, &[1.0], &DescentOptions::new(0.5, 10))?;
/// assert_eq!(end.state[0], 0.5_f64.powi(10));
/// # Ok::<(), solvable_sim::flow::FlowError>(())
/// ```
pub fn descend<O: Objective>(
    objective: &O,
    x0: &[f64],
    options: &DescentOptions,
) -> Result<Descent, FlowError> {
    recording(x0.len(), options, |observer| descend_observed(objective, x0, options, observer))
}

/// As [`descend`], but hands each recorded (iteration, state) to `observer` and keeps none.
///
/// # Errors
/// As [`descend`].
pub fn descend_observed<O: Objective>(
    objective: &O,
    x0: &[f64],
    options: &DescentOptions,
    observer: impl FnMut(u64, &[f64]),
) -> Result<Descent, FlowError> {
    options.check(objective.dimension(), x0)?;
    let mut work = objective.work();
    run(x0, options, |x, gradient| objective.gradient(x, gradient, &mut work), observer)
}

/// Stochastic gradient descent (or heavy ball) from `x0` with fresh samples from `rng`: give each replica its own
/// [`Stream`](crate::monte_carlo::Stream).
///
/// # Errors
/// As [`descend`]; [`DescentOptions::stop_at_gradient`] is refused.
pub fn descend_stochastic<P: StochasticGradient, R: Rng + ?Sized>(
    problem: &P,
    x0: &[f64],
    options: &DescentOptions,
    rng: &mut R,
) -> Result<Descent, FlowError> {
    recording(x0.len(), options, |observer| descend_stochastic_observed(problem, x0, options, rng, observer))
}

/// As [`descend_stochastic`], but hands each recorded (iteration, state) to `observer` and keeps none.
///
/// # Errors
/// As [`descend_stochastic`].
pub fn descend_stochastic_observed<P: StochasticGradient, R: Rng + ?Sized>(
    problem: &P,
    x0: &[f64],
    options: &DescentOptions,
    rng: &mut R,
    observer: impl FnMut(u64, &[f64]),
) -> Result<Descent, FlowError> {
    options.check(problem.dimension(), x0)?;
    if let Some(value) = options.gradient_norm {
        let condition = "the norm of a stochastic gradient cannot end a descent";
        return Err(InputError::Condition { argument: "gradient norm".into(), value, condition }.into());
    }
    let mut work = problem.work();
    run(x0, options, |x, gradient| problem.sample(x, gradient, rng, &mut work), observer)
}

/// Keeps what `descent` records.
fn recording(
    dimension: usize,
    options: &DescentOptions,
    descent: impl FnOnce(&mut dyn FnMut(u64, &[f64])) -> Result<Descent, FlowError>,
) -> Result<Descent, FlowError> {
    let mut recorded = Vec::with_capacity(options.record.len());
    let mut states = vec![vec![0.0; dimension]; options.record.len()];
    let mut end = descent(&mut |iteration, x| {
        states[recorded.len()].copy_from_slice(x);
        recorded.push(iteration);
    })?;
    states.truncate(recorded.len());
    (end.recorded, end.states) = (recorded, states);
    Ok(end)
}

fn run(
    x0: &[f64],
    options: &DescentOptions,
    mut gradient_at: impl FnMut(&[f64], &mut [f64]),
    mut observer: impl FnMut(u64, &[f64]),
) -> Result<Descent, FlowError> {
    let mut x = x0.to_vec();
    let mut velocity = vec![0.0; x.len()];
    let mut gradient = vec![0.0; x.len()];
    let mut next = 0;
    let mut iteration = 0;
    let mut gradient_norm = f64::NAN;
    let stop = loop {
        if options.record.get(next) == Some(&iteration) {
            observer(iteration, &x);
            next += 1;
        }
        let time = iteration as f64 * options.step;
        if options.near.as_ref().is_some_and(|(point, radius)| distance(&x, point) <= *radius) {
            break Stop::Near;
        }
        if iteration >= options.iterations && options.gradient_norm.is_none() && iteration > 0 {
            break Stop::Iterations;
        }
        match options.interruption.now() {
            Some(Interrupted::Cancelled) => return Err(FlowError::Cancelled { time }),
            Some(Interrupted::Deadline) => return Err(FlowError::DeadlinePassed { time }),
            None => {}
        }
        gradient_at(&x, &mut gradient);
        gradient_norm = norm(&gradient);
        let evaluation = iteration + 1;
        check_finite(&gradient, time, evaluation)?;
        if options.gradient_norm.is_some_and(|threshold| gradient_norm <= threshold) {
            break Stop::Slope;
        }
        if iteration >= options.iterations {
            break Stop::Iterations;
        }
        for ((x, v), g) in x.iter_mut().zip(&mut velocity).zip(&gradient) {
            *v = options.momentum * *v - options.step * g;
            *x += *v;
        }
        check_finite(&x, time + options.step, evaluation)?;
        iteration += 1;
    };
    let (recorded, states) = (Vec::new(), Vec::new());
    Ok(Descent { iterations: iteration, state: x, gradient_norm, stop, recorded, states })
}

fn check_finite(v: &[f64], time: f64, evaluation: u64) -> Result<(), FlowError> {
    if v.iter().fold(true, |finite, v| finite & v.is_finite()) {
        return Ok(());
    }
    let component = v.iter().position(|v| !v.is_finite()).unwrap_or(0);
    Err(NotFinite { time, evaluation, component, value: v[component] }.into())
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}
