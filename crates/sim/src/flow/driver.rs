//! The loop of an integration: steps, rejections, records, rules that end it.
use solvable_model::InputError;

use super::chebyshev::Chebyshev;
use super::error::{FlowError, NotFinite};
use super::evaluator::Evaluator;
use super::explicit::Explicit;
use super::field::VectorField;
use super::options::{Method, Options, check_length};
use super::radau::Radau;
use super::solution::{Solution, Statistics, Stop};
use super::stepper::{Failure, Point, Stepper, Tolerance, norm, root_mean_square};
use super::tableau::{DORMAND_PRINCE_5, DORMAND_PRINCE_8};
use crate::monte_carlo::Stop as Interrupted;

/// Steps in a row that may climb, each a quarter of the one before, until the objective is declared to climb.
const CLIMBS_IN_A_ROW: u32 = 16;

/// Integrates `dx/dt = f(t, x)` from `x0`, recording the states at the times of [`Options::record`].
///
/// Memory: a few dozen vectors of the state's length, whatever the number of steps, plus the states recorded. The loop
/// allocates nothing.
///
/// # Errors
/// [`FlowError`]: refused arguments; a field that is not finite; an energy that climbs; limits reached; cancellation.
///
/// ```
/// use solvable_sim::flow::{FieldFn, Method, Options, integrate};
/// // A rotation: x(t) = (cos t, -sin t).
/// let field = FieldFn::new(2, |_, x, slope| {
///     slope[0] = x[1];
///     slope[1] = -x[0];
/// });
/// let options = Options::until(3.0).method(Method::DormandPrince8).tolerance(1e-12, 1e-12).record([1.0, 2.0]);
/// let solution = integrate(&field, &[1.0, 0.0], &options)?;
/// assert_eq!(solution.times, [1.0, 2.0]);
/// for (t, x) in solution.times.iter().zip(&solution.states) {
///     assert!((x[0] - t.cos()).abs() < 1e-10 && (x[1] + t.sin()).abs() < 1e-10);
/// }
/// # Ok::<(), solvable_sim::flow::FlowError>(())
/// ```
pub fn integrate<F: VectorField>(field: &F, x0: &[f64], options: &Options) -> Result<Solution, FlowError> {
    options.check(field.dimension())?;
    let mut times = Vec::with_capacity(options.record.len());
    let mut states = vec![vec![0.0; field.dimension()]; options.record.len()];
    let mut solution = integrate_observed(field, x0, options, |t, x| {
        states[times.len()].copy_from_slice(x);
        times.push(t);
    })?;
    states.truncate(times.len());
    (solution.times, solution.states) = (times, states);
    Ok(solution)
}

/// As [`integrate`], but hands each recorded (time, state) to `observer`, in order, and keeps none.
///
/// # Errors
/// As [`integrate`]; records made before an error were delivered.
pub fn integrate_observed<F: VectorField>(
    field: &F,
    x0: &[f64],
    options: &Options,
    observer: impl FnMut(f64, &[f64]),
) -> Result<Solution, FlowError> {
    let n = field.dimension();
    InputError::check_count("dimension of the field", n)?;
    check_length("x0", x0.len(), n)?;
    InputError::check_vector("x0", x0)?;
    options.check(n)?;
    let mut driver = Driver::new(field, x0, options, observer);
    let h = driver.begin()?;
    let stop = match options.method {
        Method::Automatic if options.fixed_step.is_none() => driver.run_automatic(h)?,
        Method::Automatic | Method::DormandPrince5 => {
            driver.run_to_end(&mut Explicit::new(&DORMAND_PRINCE_5, n), h)?
        }
        Method::DormandPrince8 => driver.run_to_end(&mut Explicit::new(&DORMAND_PRINCE_8, n), h)?,
        Method::Chebyshev2 => driver.run_to_end(&mut Chebyshev::new(n), h)?,
        Method::Radau5 => driver.run_to_end(&mut Radau::new(n), h)?,
    };
    Ok(driver.finish(stop))
}

/// Largest dimension in which the automatic method factors matrices.
const DENSE: usize = 200;
/// Evaluations that a pair of factorisations is held to cost, a dimension: 3.3 n^3 operations, where an evaluation is
/// taken for a product with a matrix.
const FACTORIZATION: f64 = 1.7;
/// Steps after which the automatic method first asks whether the method for stiff problems is worth its cost.
const TRIAL: u64 = 25;

/// What a run is asked to notice.
#[derive(Clone, Copy)]
enum Watch {
    Nothing,
    /// Steps limited by stability, in a row.
    Stiffness {
        patience: u32,
    },
    /// A cost above this many evaluations a unit of time.
    Cost {
        limit: f64,
    },
}

/// Why a run of one method ends.
enum Pause {
    End(Stop),
    /// What was watched for was noticed; `h` is the next step.
    Noticed {
        h: f64,
    },
}

/// Why the last step was refused: reported if no step is short enough.
enum Refusal {
    NotFinite(NotFinite),
    Other,
}

struct Driver<'a, F: VectorField, O> {
    options: &'a Options,
    field: Evaluator<'a, F>,
    observer: O,
    tolerance: Tolerance,
    t: f64,
    x: Vec<f64>,
    slope: Vec<f64>,
    energy: Option<f64>,
    /// Largest |energy| met, the unit of its rounding error; and the lowest energy met. Compared with the lowest, a
    /// field that climbs slowly cannot hide each step's climb in rounding.
    energy_scale: f64,
    lowest: f64,
    /// Index of the next time to record.
    next: usize,
    recorded: Vec<f64>,
    local_error: f64,
    switched: Option<(f64, Method)>,
    statistics: Statistics,
}

impl<'a, F: VectorField, O: FnMut(f64, &[f64])> Driver<'a, F, O> {
    fn new(field: &'a F, x0: &[f64], options: &'a Options, observer: O) -> Self {
        Self {
            options,
            field: Evaluator::new(field, options.energy_guard),
            observer,
            tolerance: Tolerance {
                relative: options.relative,
                absolute: options.absolute,
                fixed: options.fixed_step.is_some(),
            },
            t: options.start,
            x: x0.to_vec(),
            slope: vec![0.0; x0.len()],
            energy: None,
            energy_scale: 0.0,
            lowest: f64::INFINITY,
            next: 0,
            recorded: vec![0.0; x0.len()],
            local_error: 0.0,
            switched: None,
            statistics: Statistics::default(),
        }
    }

    /// Evaluates the start, records it if asked to, and returns the first step to try.
    fn begin(&mut self) -> Result<f64, FlowError> {
        self.energy = self.field.eval_energy(self.t, &self.x, &mut self.slope)?;
        if let Some(energy) = self.energy {
            self.check_energy(self.t, energy)?;
            (self.energy_scale, self.lowest) = (energy.abs(), energy);
        }
        while self.next < self.options.record.len() && self.options.record[self.next] <= self.t {
            (self.observer)(self.t, &self.x);
            self.next += 1;
        }
        Ok(match (self.options.fixed_step, self.options.initial_step) {
            (Some(h), _) | (None, Some(h)) => h,
            (None, None) => self.first_step(self.options.method.error_exponent()),
        })
    }

    fn run_to_end<S: Stepper<F>>(&mut self, stepper: &mut S, h: f64) -> Result<Stop, FlowError> {
        loop {
            if let Pause::End(stop) = self.run(stepper, h, Watch::Nothing)? {
                return Ok(stop);
            }
        }
    }

    /// An explicit method, a method for stiff problems once steps are limited by stability, and back (with four times the
    /// patience) if that one costs more for the same time.
    fn run_automatic(&mut self, mut h: f64) -> Result<Stop, FlowError> {
        let n = self.x.len();
        let mut patience = 15;
        let mut explicit = Explicit::new(&DORMAND_PRINCE_5, n);
        let mut radau = None;
        let mut chebyshev = None;
        loop {
            match self.run(&mut explicit, h, Watch::Stiffness { patience })? {
                Pause::End(stop) => return Ok(stop),
                Pause::Noticed { h: next } => h = next,
            }
            let watch = Watch::Cost { limit: DORMAND_PRINCE_5.stages as f64 / h };
            let pause = if n <= DENSE {
                let stepper = radau.get_or_insert_with(|| Radau::new(n));
                stepper.restart();
                self.switched = Some((self.t, Method::Radau5));
                self.run(stepper, h, watch)?
            } else {
                let stepper = chebyshev.get_or_insert_with(|| Chebyshev::new(n));
                stepper.restart();
                self.switched = Some((self.t, Method::Chebyshev2));
                self.run(stepper, h, watch)?
            };
            if let Pause::End(stop) = pause {
                return Ok(stop);
            }
            // The explicit method resumes with the step that was stable.
            self.switched = Some((self.t, Method::DormandPrince5));
            patience = patience.saturating_mul(4);
        }
    }

    /// Steps from `h` on until a rule ends the integration or what is watched for is noticed.
    fn run<S: Stepper<F>>(&mut self, stepper: &mut S, mut h: f64, watch: Watch) -> Result<Pause, FlowError> {
        let factored = self.statistics.factorizations - stepper.factorizations();
        // Steps, time and cost when the cost was last asked for.
        let mut mark = (self.statistics.steps, self.t, self.cost());
        let mut window = TRIAL;
        let mut climbs_in_a_row = 0;
        // The last climb since the energy was at its lowest, as the error that it would be.
        let mut climb = None;
        let mut refusal = Refusal::Other;
        loop {
            if let Some(stop) = self.ends() {
                return Ok(Pause::End(stop));
            }
            self.check_limits(h)?;
            let from = Point { t: self.t, x: &self.x, slope: &self.slope };
            let limit = stepper.limit(&mut self.field, from, h, self.tolerance)?;
            if !self.tolerance.fixed {
                h = limit.min(self.options.max_step);
            }
            let left = self.options.end - self.t;
            let last = if self.tolerance.fixed { h >= left * (1.0 - 1e-9) } else { 1.01 * h >= left };
            let step = if last { left } else { h };
            if self.t + 0.1 * step == self.t {
                return Err(match (refusal, climb) {
                    (Refusal::NotFinite(found), _) => found.into(),
                    (Refusal::Other, Some(climb)) => climb,
                    (Refusal::Other, None) => FlowError::StepTooSmall { time: self.t, step },
                });
            }
            let from = Point { t: self.t, x: &self.x, slope: &self.slope };
            let trial = match stepper.attempt(&mut self.field, from, step, self.tolerance) {
                Ok(trial) => trial,
                Err(failure) => {
                    self.statistics.rejected += 1;
                    match failure {
                        Failure::NotFinite(found) => {
                            self.statistics.not_finite += 1;
                            refusal = Refusal::NotFinite(found);
                            h = 0.1 * step;
                        }
                        Failure::NotConverged => {
                            self.statistics.not_converged += 1;
                            refusal = Refusal::Other;
                            h = 0.5 * step;
                        }
                    }
                    if self.tolerance.fixed {
                        return Err(match failure {
                            Failure::NotFinite(found) => found.into(),
                            Failure::NotConverged => FlowError::NotConverged { time: self.t, step },
                        });
                    }
                    stepper.factor(step, f64::INFINITY, false);
                    continue;
                }
            };
            // Written so that a NaN estimate rejects.
            let within = trial.error <= 1.0;
            if !(within || self.tolerance.fixed) {
                self.statistics.rejected += 1;
                refusal = Refusal::Other;
                h = step * stepper.factor(step, trial.error, false);
                continue;
            }
            let t_new = match self.options.fixed_step {
                _ if last => self.options.end,
                // A product, so that rounding does not accumulate.
                Some(h) => self.options.start + (self.statistics.steps + 1) as f64 * h,
                None => self.t + step,
            };
            if let (Some(before), Some(after)) = (self.energy, trial.energy) {
                self.check_energy(t_new, after)?;
                let scale = self.energy_scale.max(after.abs());
                if after > self.lowest + self.options.energy_rounding * scale {
                    climbs_in_a_row += 1;
                    self.statistics.rejected += 1;
                    self.statistics.climbs += 1;
                    let rejections = climbs_in_a_row;
                    let error = FlowError::EnergyClimbs { time: self.t, before, after, step, rejections };
                    if climbs_in_a_row >= CLIMBS_IN_A_ROW || self.tolerance.fixed {
                        return Err(error);
                    }
                    climb = Some(error);
                    refusal = Refusal::Other;
                    stepper.factor(step, f64::INFINITY, false);
                    h = 0.25 * step;
                    continue;
                }
                if after < self.lowest {
                    climb = None;
                }
                (self.energy_scale, self.lowest) = (scale, self.lowest.min(after));
            }
            climbs_in_a_row = 0;
            refusal = Refusal::Other;
            self.statistics.steps += 1;
            self.local_error += trial.local_error;
            let entry = self.record_and_locate(stepper, step, t_new)?;
            let growth = stepper.factor(step, trial.error, true);
            let stiff = match watch {
                Watch::Stiffness { patience } => stepper.finds_stiffness(patience),
                Watch::Nothing | Watch::Cost { .. } => false,
            };
            stepper.commit(&mut self.x, &mut self.slope);
            self.t = t_new;
            self.energy = trial.energy;
            if let Some(theta_time) = entry {
                core::mem::swap(&mut self.x, &mut self.recorded);
                self.t = theta_time;
                self.energy = self.field.eval_energy(self.t, &self.x, &mut self.slope)?;
                return Ok(Pause::End(Stop::Near));
            }
            if !self.tolerance.fixed {
                h = step * growth;
            }
            self.statistics.factorizations = factored + stepper.factorizations();
            let mut dear = false;
            if let Watch::Cost { limit } = watch
                && self.statistics.steps - mark.0 >= window
            {
                let cost = self.cost();
                dear = cost - mark.2 > limit * (self.t - mark.1);
                mark = (self.statistics.steps, self.t, cost);
                window *= 2;
            }
            if stiff || dear {
                return Ok(Pause::Noticed { h });
            }
        }
    }

    /// Cost so far in evaluations.
    fn cost(&self) -> f64 {
        let pairs = 0.5 * self.statistics.factorizations as f64;
        let evaluations = self.field.evaluations + self.field.jacobian_products;
        evaluations as f64 + FACTORIZATION * self.x.len() as f64 * pairs
    }

    /// Records what falls inside the step; if it ends inside the ball of the stopping rule, leaves the state on
    /// entry in `recorded` and returns the time of entry.
    fn record_and_locate<S: Stepper<F>>(
        &mut self,
        stepper: &mut S,
        step: f64,
        t_new: f64,
    ) -> Result<Option<f64>, FlowError> {
        let from = Point { t: self.t, x: &self.x, slope: &self.slope };
        let record = &self.options.record;
        let enters = self.options.near.as_ref().filter(|(p, r)| distance(stepper.new_state(), p) <= *r);
        let inside = self.next < record.len() && record[self.next] < t_new;
        if enters.is_some() || inside {
            stepper.prepare_dense(&mut self.field, from, step)?;
        }
        let mut until = t_new;
        if let Some((point, radius)) = enters {
            // Bisection: outside at `low`, inside at `high`, until no time lies between.
            let (mut low, mut high) = (0.0, 1.0);
            loop {
                let middle = 0.5 * (low + high);
                let t = self.t + middle * step;
                if middle <= low || middle >= high || t <= self.t + low * step || t >= self.t + high * step {
                    break;
                }
                stepper.interpolate(from, middle, &mut self.recorded);
                if distance(&self.recorded, point) <= *radius {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            until = if high == 1.0 { t_new } else { self.t + high * step };
        }
        while self.next < record.len() && record[self.next] <= until {
            let time = record[self.next];
            if time == t_new {
                (self.observer)(time, stepper.new_state());
            } else {
                stepper.interpolate(from, (time - self.t) / step, &mut self.recorded);
                (self.observer)(time, &self.recorded);
            }
            self.next += 1;
        }
        if enters.is_none() {
            return Ok(None);
        }
        if until == t_new {
            self.recorded.copy_from_slice(stepper.new_state());
        } else {
            stepper.interpolate(from, (until - self.t) / step, &mut self.recorded);
        }
        Ok(Some(until))
    }

    /// The rule that ends the integration here, if one does.
    fn ends(&self) -> Option<Stop> {
        if self.options.near.as_ref().is_some_and(|(point, radius)| distance(&self.x, point) <= *radius) {
            return Some(Stop::Near);
        }
        if self.options.slope_norm.is_some_and(|threshold| norm(&self.slope) <= threshold) {
            return Some(Stop::Slope);
        }
        (self.t >= self.options.end).then_some(Stop::Time)
    }

    fn check_limits(&self, step: f64) -> Result<(), FlowError> {
        let (options, time) = (self.options, self.t);
        let steps = self.statistics.steps + self.statistics.rejected;
        if steps >= options.max_steps {
            return Err(FlowError::TooManySteps { limit: options.max_steps, time, step });
        }
        if self.field.evaluations >= options.max_evaluations {
            return Err(FlowError::TooManyEvaluations { limit: options.max_evaluations, time, step });
        }
        match options.interruption.now() {
            Some(Interrupted::Cancelled) => return Err(FlowError::Cancelled { time }),
            Some(Interrupted::Deadline) => return Err(FlowError::DeadlinePassed { time }),
            None => {}
        }
        Ok(())
    }

    fn check_energy(&self, time: f64, value: f64) -> Result<(), FlowError> {
        if value.is_finite() {
            Ok(())
        } else {
            Err(FlowError::EnergyNotFinite { time, evaluation: self.field.evaluations, value })
        }
    }

    /// First step (Hairer, Norsett and Wanner II.4): small against the state over the slope, and against the change of
    /// the slope along a trial Euler step.
    fn first_step(&mut self, exponent: u32) -> f64 {
        let n = self.x.len();
        let tolerance = self.tolerance;
        // Where the tolerance is relative only, components at 0 have no scale yet, and no say.
        let scaled = |v: &[f64], x: &[f64]| {
            let told = v.iter().zip(x).filter(|(_, x)| tolerance.absolute > 0.0 || **x != 0.0);
            let squares: f64 = told.map(|(v, x)| (v / tolerance.scale(*x, 0.0)).powi(2)).sum();
            root_mean_square(squares, n)
        };
        let size = scaled(&self.x, &self.x);
        let rate = scaled(&self.slope, &self.x);
        let end = self.options.end - self.t;
        let guess = if size < 1e-5 || rate < 1e-5 { 1e-6 } else { 0.01 * size / rate };
        let mut guess = guess.min(end).min(self.options.max_step);
        let mut trial = vec![0.0; n];
        let mut slope = vec![0.0; n];
        // A field that is finite only near the start shortens the guess; the loop below then judges.
        for _ in 0..20 {
            for i in 0..n {
                trial[i] = self.x[i] + guess * self.slope[i];
            }
            if self.field.eval(self.t + guess, &trial, &mut slope).is_ok() {
                break;
            }
            guess *= 0.1;
        }
        for (s, s0) in slope.iter_mut().zip(&self.slope) {
            *s -= s0;
        }
        let bend = scaled(&slope, &self.x) / guess;
        let largest = rate.max(bend);
        let limit = if largest <= 1e-15 {
            (1e-3 * guess).max(1e-6)
        } else {
            (0.01 / largest).powf(1.0 / f64::from(exponent))
        };
        // A NaN `bend` (no finite trial) loses to `guess` here.
        limit.min(100.0 * guess).min(end)
    }

    fn finish(self, stop: Stop) -> Solution {
        Solution {
            time: self.t,
            slope_norm: norm(&self.slope),
            state: self.x,
            energy: self.energy,
            stop,
            times: Vec::new(),
            states: Vec::new(),
            local_error: self.local_error,
            switched: self.switched,
            statistics: Statistics {
                evaluations: self.field.evaluations,
                jacobian_products: self.field.jacobian_products,
                ..self.statistics
            },
        }
    }
}

/// Euclidean distance.
fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}
