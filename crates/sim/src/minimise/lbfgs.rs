//! The limited-memory BFGS method.
use solvable_model::{InputError, Objective};

use super::error::MinimiseError;
use super::line_search::{Line, Outcome};
use super::vectors::{differences, dot, negate, update};
use crate::interruption::{Interruption, interruption_options};
use crate::monte_carlo::Stop as Interrupted;

/// Share of the largest |objective| met that is put down to rounding.
const ROUNDING: f64 = 64.0 * f64::EPSILON;
/// The gradient is at its floor after this many iterations without a lower objective or a gradient smaller by a tenth
/// (ill-conditioned problems are that slow while the objective's decrease drowns in rounding) ...
const PATIENCE: u32 = 2000;
/// ... where one whose step changes no coordinate by more than a few spacings counts as this many.
const TINY_STEP: u32 = 100;

/// How to minimise. The default: 10 pairs of memory, gradient norm 1e-10, a hundred thousand iterations.
#[derive(Clone, Debug)]
pub struct LbfgsOptions {
    memory: usize,
    gradient_norm: f64,
    max_iterations: u64,
    interruption: Interruption,
}

impl Default for LbfgsOptions {
    fn default() -> Self {
        Self {
            memory: 10,
            gradient_norm: 1e-10,
            max_iterations: 100_000,
            interruption: Interruption::default(),
        }
    }
}

impl LbfgsOptions {
    /// Number of (step, change of gradient) pairs kept.
    #[must_use]
    pub fn memory(mut self, pairs: usize) -> Self {
        self.memory = pairs;
        self
    }

    /// Stops when the Euclidean norm of the gradient is at most this; 0 goes to the floor that rounding sets.
    #[must_use]
    pub fn gradient_norm(mut self, norm: f64) -> Self {
        self.gradient_norm = norm;
        self
    }

    /// Gives up after this many iterations.
    #[must_use]
    pub fn max_iterations(mut self, iterations: u64) -> Self {
        self.max_iterations = iterations;
        self
    }

    interruption_options!("[`MinimiseError`] ", "iteration");
}

/// Why a minimisation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Termination {
    /// The gradient norm asked for was reached.
    Gradient,
    /// The gradient is at the floor that the rounding of the objective and its gradient set.
    Precision,
}

/// A stationary point that no line search can lower.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Minimum {
    /// Where.
    pub x: Vec<f64>,
    /// Objective there.
    pub value: f64,
    /// Euclidean norm of the gradient there.
    pub gradient_norm: f64,
    /// Steps taken.
    pub iterations: u64,
    /// Evaluations of objective and gradient together.
    pub evaluations: u64,
    /// Times the memory was dropped for a steepest descent step.
    pub restarts: u64,
    /// Why it ended.
    pub termination: Termination,
}

/// Minimises `objective` from `x0` by the L-BFGS two-loop recursion (Nocedal, Math. Comp. 35 (1980) 773-782) with the
/// line search of Hager and Zhang, whose slope-based acceptance reaches gradients of the order of rounding.
///
/// One iteration costs about one evaluation and 4 `memory` dot products; memory is `2 memory + 6` vectors, and the loop
/// allocates nothing. Finds a local minimum: which one depends on `x0`.
///
/// # Errors
/// [`MinimiseError`]: refused arguments; an objective that is not finite at `x0`, is unbounded below, or rises along
/// minus its gradient; limits reached; cancellation.
///
/// ```
/// use solvable_model::Objective;
/// use solvable_sim::minimise::{LbfgsOptions, lbfgs};
///
/// /// L(x) = cosh(x - 1), smallest at 1.
/// struct Cosh;
/// impl Objective for Cosh {
///     type Work = ();
///     fn dimension(&self) -> usize {
///         1
///     }
///     fn work(&self) {}
///     fn value(&self, x: &[f64], _: &mut ()) -> f64 {
///         (x[0] - 1.0).cosh()
///     }
///     fn gradient(&self, x: &[f64], gradient: &mut [f64], _: &mut ()) {
///         gradient[0] = (x[0] - 1.0).sinh();
///     }
/// }
/// let minimum = lbfgs(&Cosh, &[4.0], &LbfgsOptions::default().gradient_norm(1e-15))?;
/// assert!((minimum.x[0] - 1.0).abs() <= 1e-15 && minimum.value == 1.0);
/// # Ok::<(), solvable_sim::minimise::MinimiseError>(())
/// ```
pub fn lbfgs<O: Objective>(
    objective: &O,
    x0: &[f64],
    options: &LbfgsOptions,
) -> Result<Minimum, MinimiseError> {
    let n = InputError::check_count("dimension of the objective", objective.dimension())?;
    if x0.len() != n {
        return Err(
            InputError::Shape { argument: "x0".into(), found: (x0.len(), 1), expected: (n, 1) }.into()
        );
    }
    InputError::check_vector("x0", x0)?;
    InputError::check_count("memory", options.memory)?;
    InputError::check_nonnegative("gradient_norm", options.gradient_norm)?;
    let mut work = objective.work();
    let mut state = State::new(x0, options.memory);
    let value = objective.value_and_gradient(&state.x, &mut state.gradient, &mut work);
    state.evaluations = 1;
    state.value = value;
    state.norm = norm(&state.gradient);
    if !(value.is_finite() && state.norm.is_finite()) {
        return Err(MinimiseError::NotFinite { value, gradient_norm: state.norm });
    }
    state.keep_best();
    state.run(objective, &mut work, options)
}

/// The iterate, its memory and counters.
struct State {
    x: Vec<f64>,
    gradient: Vec<f64>,
    value: f64,
    norm: f64,
    /// Largest |objective| met.
    scale: f64,
    /// Step along minus the gradient that the pair before a restart suggests.
    scale_of_step: Option<f64>,
    direction: Vec<f64>,
    trial: Vec<f64>,
    trial_gradient: Vec<f64>,
    pairs: Pairs,
    /// Smallest objective met.
    lowest: f64,
    /// The iterate returned when the gradient is at its floor.
    best: Vec<f64>,
    best_value: f64,
    best_norm: f64,
    iterations: u64,
    evaluations: u64,
    restarts: u64,
}

impl State {
    fn new(x0: &[f64], memory: usize) -> Self {
        let zeros = || vec![0.0; x0.len()];
        Self {
            x: x0.to_vec(),
            gradient: zeros(),
            value: f64::INFINITY,
            norm: f64::INFINITY,
            scale: 0.0,
            scale_of_step: None,
            direction: zeros(),
            trial: zeros(),
            trial_gradient: zeros(),
            pairs: Pairs::new(x0.len(), memory),
            lowest: f64::INFINITY,
            best: x0.to_vec(),
            best_value: f64::INFINITY,
            best_norm: f64::INFINITY,
            iterations: 0,
            evaluations: 0,
            restarts: 0,
        }
    }

    fn run<O: Objective>(
        mut self,
        objective: &O,
        work: &mut O::Work,
        options: &LbfgsOptions,
    ) -> Result<Minimum, MinimiseError> {
        let mut idle = 0;
        loop {
            if self.norm <= options.gradient_norm {
                return Ok(self.finish(Termination::Gradient));
            }
            if idle >= PATIENCE || self.norm == 0.0 {
                return Ok(self.finish(Termination::Precision));
            }
            self.check_limits(options)?;
            self.scale = self.scale.max(self.value.abs());
            let rounding = ROUNDING * self.scale;
            let steepest = self.pairs.count == 0;
            let [slope, square] = self.pairs.direction(&self.gradient, &mut self.direction);
            let descends = slope < -f64::EPSILON * self.norm * square.sqrt();
            if !steepest && !descends {
                self.restart();
                continue;
            }
            let first = if steepest { self.first_step() } else { 1.0 };
            let mut line = Line::new(
                objective,
                work,
                (&self.x, &self.direction),
                (&mut self.trial, &mut self.trial_gradient),
                (self.value, slope),
                rounding,
            );
            let outcome = line.search(first);
            self.evaluations += line.evaluations;
            match outcome {
                Outcome::Accepted { value, .. } => {
                    self.accept(value);
                    let lowest = value < self.lowest - 4.0 * f64::EPSILON * value.abs();
                    self.lowest = self.lowest.min(value);
                    let idles = if self.step_is_tiny() { TINY_STEP } else { 1 };
                    idle = if lowest || self.norm < 0.9 * self.best_norm { 0 } else { idle + idles };
                    if self.norm < self.best_norm || value < self.best_value - rounding {
                        self.keep_best();
                    }
                }
                Outcome::Unbounded { value, step } => {
                    return Err(MinimiseError::Unbounded { value, step: step * square.sqrt() });
                }
                Outcome::Failed { .. } if !steepest => self.restart(),
                Outcome::Failed { change, expected } => {
                    if (change - expected).abs() > 0.5 * expected.abs() {
                        return Err(MinimiseError::NoDescent {
                            iteration: self.iterations,
                            change,
                            expected,
                        });
                    }
                    return Ok(self.finish(Termination::Precision));
                }
            }
        }
    }

    fn check_limits(&self, options: &LbfgsOptions) -> Result<(), MinimiseError> {
        let iteration = self.iterations;
        if iteration >= options.max_iterations {
            return Err(MinimiseError::NotConverged {
                iterations: iteration,
                evaluations: self.evaluations,
                value: self.value,
                gradient_norm: self.norm,
            });
        }
        match options.interruption.now() {
            Some(Interrupted::Cancelled) => return Err(MinimiseError::Cancelled { iteration }),
            Some(Interrupted::Deadline) => return Err(MinimiseError::DeadlinePassed { iteration }),
            None => {}
        }
        Ok(())
    }

    /// Moves to the trial point.
    fn accept(&mut self, value: f64) {
        let square = self.pairs.push((&self.x, &self.gradient), (&self.trial, &self.trial_gradient));
        core::mem::swap(&mut self.x, &mut self.trial);
        core::mem::swap(&mut self.gradient, &mut self.trial_gradient);
        self.value = value;
        self.norm = square.sqrt();
        self.iterations += 1;
    }

    /// Whether the step just taken (from `trial` to `x`) is of the size of the spacing of floating-point numbers.
    fn step_is_tiny(&self) -> bool {
        let tiny = |(x, y): (&f64, &f64)| (x - y).abs() <= 4.0 * f64::EPSILON * x.abs();
        self.x.iter().zip(&self.trial).all(tiny)
    }

    /// Forgets the pairs but not the scale of the last one.
    fn restart(&mut self) {
        self.scale_of_step = self.pairs.scale();
        self.pairs.clear();
        self.restarts += 1;
    }

    /// First step along minus the gradient (Hager and Zhang): a hundredth of the iterate, or of a quadratic's minimiser.
    fn first_step(&self) -> f64 {
        if let Some(scale) = self.scale_of_step {
            return scale;
        }
        let largest = |v: &[f64]| v.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let (x, gradient) = (largest(&self.x), largest(&self.gradient));
        let step = if x > 0.0 {
            0.01 * x / gradient
        } else if self.value != 0.0 {
            0.01 * self.value.abs() / self.norm.powi(2)
        } else {
            1.0 / self.norm
        };
        if step.is_normal() { step } else { 1.0 / gradient }
    }

    fn keep_best(&mut self) {
        self.best.copy_from_slice(&self.x);
        self.best_value = self.value;
        self.best_norm = self.norm;
    }

    fn finish(self, termination: Termination) -> Minimum {
        let at_best = termination == Termination::Precision;
        Minimum {
            x: if at_best { self.best } else { self.x },
            value: if at_best { self.best_value } else { self.value },
            gradient_norm: if at_best { self.best_norm } else { self.norm },
            iterations: self.iterations,
            evaluations: self.evaluations,
            restarts: self.restarts,
            termination,
        }
    }
}

/// The last pairs (step, change of gradient), in a ring.
struct Pairs {
    n: usize,
    capacity: usize,
    count: usize,
    /// Where the next pair goes.
    head: usize,
    steps: Vec<f64>,
    changes: Vec<f64>,
    /// step' change, and the weight of the first loop, of each pair.
    curvature: Vec<f64>,
    weight: Vec<f64>,
    /// Size of the inverse Hessian along the newest change of gradient.
    newest_scale: f64,
}

impl Pairs {
    fn new(n: usize, capacity: usize) -> Self {
        Self {
            n,
            capacity,
            count: 0,
            head: 0,
            steps: vec![0.0; n * capacity],
            changes: vec![0.0; n * capacity],
            curvature: vec![0.0; capacity],
            weight: vec![0.0; capacity],
            newest_scale: 1.0,
        }
    }

    fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds the pair between two points with their gradients; returns the squared norm of the new gradient.
    fn push(&mut self, from: (&[f64], &[f64]), to: (&[f64], &[f64])) -> f64 {
        let range = self.head * self.n..(self.head + 1) * self.n;
        let pair = (&mut self.steps[range.clone()], &mut self.changes[range]);
        let [curvature, step, change, gradient] = differences(pair, from, to);
        // The curvature condition makes this positive; rounding near the minimum may not.
        if curvature > f64::EPSILON * (step * change).sqrt() {
            self.curvature[self.head] = curvature;
            self.newest_scale = curvature / change;
            self.head = (self.head + 1) % self.capacity;
            self.count = (self.count + 1).min(self.capacity);
        } else {
            // What the refused pair has overwritten is the oldest one of a full ring.
            self.count = self.count.min(self.capacity - 1);
        }
        gradient
    }

    /// Size of the inverse Hessian along the newest change of gradient.
    fn scale(&self) -> Option<f64> {
        (self.count > 0).then_some(self.newest_scale)
    }

    /// Writes minus the inverse Hessian estimate times `gradient`; returns the slope along it and its squared norm.
    fn direction(&mut self, gradient: &[f64], direction: &mut [f64]) -> [f64; 2] {
        let (n, count) = (self.n, self.count);
        if count == 0 {
            return negate(direction, gradient, gradient);
        }
        let slot = |age: usize| (self.head + self.capacity - 1 - age) % self.capacity;
        let step = |age: usize| &self.steps[slot(age) * n..][..n];
        let change = |age: usize| &self.changes[slot(age) * n..][..n];
        let mut sums = negate(direction, gradient, step(0));
        for age in 0..count {
            let k = slot(age);
            self.weight[k] = sums[0] / self.curvature[k];
            let (scale, next) =
                if age + 1 < count { (1.0, step(age + 1)) } else { (self.newest_scale, change(age)) };
            sums = update(direction, scale, -self.weight[k], change(age), next);
        }
        for age in (0..count).rev() {
            let k = slot(age);
            let factor = self.weight[k] - sums[0] / self.curvature[k];
            let next = if age > 0 { change(age - 1) } else { gradient };
            sums = update(direction, 1.0, factor, step(age), next);
        }
        sums
    }
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A refused pair is written over the oldest one of a full ring, which must then no longer be used.
    #[test]
    fn a_refused_pair_takes_the_oldest_one_with_it() {
        let origin = ([0.0; 3], [0.0; 3]);
        let good = [([1.0, 0.0, 0.0], [2.0, 0.0, 0.0]), ([0.0, 1.0, 0.5], [0.5, 4.0, 1.0])];
        let against = ([0.0, 0.0, 1.0], [0.0, 0.0, -1.0]);
        let gradient = [0.3, -0.7, 1.1];
        let direction = |capacity, pairs: &[([f64; 3], [f64; 3])]| {
            let mut memory = Pairs::new(3, capacity);
            for (step, change) in pairs {
                memory.push((&origin.0, &origin.1), (step, change));
            }
            let mut direction = [0.0; 3];
            let sums = memory.direction(&gradient, &mut direction);
            assert_eq!(sums, [dot(&gradient, &direction), dot(&direction, &direction)]);
            direction
        };
        assert_eq!(direction(2, &[good[0], good[1], against]), direction(2, &[good[1]]));
        assert_eq!(direction(3, &[good[0], good[1], against]), direction(3, &good));
        assert_ne!(direction(2, &good), direction(2, &[good[1]]));
        // The inverse BFGS update of (s'y / y'y) I by one pair maps y to s.
        let mut memory = Pairs::new(3, 1);
        let (step, change) = good[1];
        memory.push((&origin.0, &origin.1), (&step, &change));
        let mut direction = [0.0; 3];
        memory.direction(&change, &mut direction);
        assert!(
            direction.iter().zip(&step).all(|(d, s)| (d + s).abs() <= 4.0 * f64::EPSILON),
            "{direction:?}"
        );
    }
}
