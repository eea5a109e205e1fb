//! How to integrate: interval, method, tolerances, stopping rules, limits.
use solvable_model::InputError;

use crate::interruption::{Interruption, interruption_options};

/// The formula that advances one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// [`DormandPrince5`](Self::DormandPrince5) until its steps are limited by stability instead of accuracy, then
    /// [`Radau5`](Self::Radau5) in up to 200 dimensions and [`Chebyshev2`](Self::Chebyshev2) in more, and back where that
    /// turns out to cost more: [`Solution::switched`](super::Solution::switched) tells. The default.
    #[default]
    Automatic,
    /// Dormand and Prince's explicit Runge-Kutta pair of order 5(4), dense output of order 4.
    DormandPrince5,
    /// Dormand and Prince's explicit Runge-Kutta pair of order 8(5, 3), dense output of order 7: for tolerances
    /// below about 1e-8.
    DormandPrince8,
    /// The implicit Runge-Kutta method Radau IIA of order 5, dense output of order 3, with a dense Jacobian: for modes of
    /// very different speeds, in up to a few hundred dimensions. A step costs 6 to 12 evaluations; now and then a
    /// Jacobian (as many products or evaluations as the dimension n) and about 4 n^3 operations.
    Radau5,
    /// The stabilised explicit Runge-Kutta-Chebyshev method of order 2, dense output of order 3: for fast modes that only
    /// decay (a gradient flow's near a minimum), in any dimension. Where the fastest rate is rho, a step h costs about
    /// `sqrt(1.54 h rho)` evaluations; no linear algebra. For moderate tolerances.
    Chebyshev2,
}

impl Method {
    /// Power of the step with which the estimated error of a step falls.
    pub(super) fn error_exponent(self) -> u32 {
        match self {
            Self::Automatic | Self::DormandPrince5 => 5,
            Self::DormandPrince8 => 8,
            Self::Radau5 => 4,
            Self::Chebyshev2 => 3,
        }
    }
}

/// What an integration is asked to do. Built from [`Options::until`] or [`Options::forever`].
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) method: Method,
    pub(super) relative: f64,
    pub(super) absolute: f64,
    pub(super) initial_step: Option<f64>,
    pub(super) max_step: f64,
    pub(super) fixed_step: Option<f64>,
    pub(super) max_steps: u64,
    pub(super) max_evaluations: u64,
    pub(super) record: Vec<f64>,
    pub(super) slope_norm: Option<f64>,
    pub(super) near: Option<(Vec<f64>, f64)>,
    pub(super) energy_guard: bool,
    pub(super) energy_rounding: f64,
    pub(super) interruption: Interruption,
}

impl Options {
    /// From time 0 to `end`, by [`Method::Automatic`], relative tolerance 1e-8, absolute 1e-10, at most a
    /// million steps.
    #[must_use]
    pub fn until(end: f64) -> Self {
        Self {
            start: 0.0,
            end,
            method: Method::default(),
            relative: 1e-8,
            absolute: 1e-10,
            initial_step: None,
            max_step: f64::INFINITY,
            fixed_step: None,
            max_steps: 1_000_000,
            max_evaluations: u64::MAX,
            record: Vec::new(),
            slope_norm: None,
            near: None,
            energy_guard: true,
            energy_rounding: 64.0 * f64::EPSILON,
            interruption: Interruption::default(),
        }
    }

    /// No final time: another rule ([`stop_at_slope`](Self::stop_at_slope), [`stop_near`](Self::stop_near)) must end it.
    #[must_use]
    pub fn forever() -> Self {
        Self::until(f64::INFINITY)
    }

    /// Initial time (default 0).
    #[must_use]
    pub fn start(mut self, start: f64) -> Self {
        self.start = start;
        self
    }

    /// The method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Tolerances on the error committed in one step: its root mean square over components, each in units of
    /// `absolute + relative |x_i|`, is kept below 1.
    #[must_use]
    pub fn tolerance(mut self, relative: f64, absolute: f64) -> Self {
        self.relative = relative;
        self.absolute = absolute;
        self
    }

    /// First step to try; by default guessed from the field (two evaluations).
    #[must_use]
    pub fn initial_step(mut self, step: f64) -> Self {
        self.initial_step = Some(step);
        self
    }

    /// Longest step allowed.
    #[must_use]
    pub fn max_step(mut self, step: f64) -> Self {
        self.max_step = step;
        self
    }

    /// Steps of this length exactly (the last one shortened), without error control.
    #[must_use]
    pub fn fixed_step(mut self, step: f64) -> Self {
        self.fixed_step = Some(step);
        self
    }

    /// Gives up with [`FlowError::TooManySteps`](super::FlowError::TooManySteps) after this many accepted and rejected steps.
    #[must_use]
    pub fn max_steps(mut self, steps: u64) -> Self {
        self.max_steps = steps;
        self
    }

    /// Gives up with [`FlowError::TooManyEvaluations`](super::FlowError::TooManyEvaluations) at the first step after this many evaluations.
    #[must_use]
    pub fn max_evaluations(mut self, evaluations: u64) -> Self {
        self.max_evaluations = evaluations;
        self
    }

    /// Times, increasing, at which the state is recorded through the method's dense output: steps do not depend on them.
    #[must_use]
    pub fn record(mut self, times: impl Into<Vec<f64>>) -> Self {
        self.record = times.into();
        self
    }

    /// Stops after the first step at whose end the field (the gradient) has Euclidean norm at most `norm`.
    #[must_use]
    pub fn stop_at_slope(mut self, norm: f64) -> Self {
        self.slope_norm = Some(norm);
        self
    }

    /// Stops on entering the ball of this radius: the time of entry is located on the dense output of the first step
    /// that ends inside.
    #[must_use]
    pub fn stop_near(mut self, point: impl Into<Vec<f64>>, radius: f64) -> Self {
        self.near = Some((point.into(), radius));
        self
    }

    /// Whether a field with an energy is held to descend (default: yes). A step after which the energy is higher,
    /// beyond rounding, is refused and counted; when 16 in a row are, each a quarter of the one before, the
    /// integration ends with [`FlowError::EnergyClimbs`](super::FlowError::EnergyClimbs).
    ///
    /// It sees a gradient whose flow climbs, by more than [`energy_rounding`](Self::energy_rounding) allows. A wrong gradient that
    /// descends all the same (off by a positive factor, or by a part at right angles to the true one) is for a test of derivatives.
    #[must_use]
    pub fn energy_guard(mut self, guard: bool) -> Self {
        self.energy_guard = guard;
        self
    }

    /// Rounding error that the guard allows the energy, relative to the largest energy met (default 64 epsilon): raise
    /// it for an objective computed with cancellation.
    #[must_use]
    pub fn energy_rounding(mut self, relative: f64) -> Self {
        self.energy_rounding = relative;
        self
    }

    interruption_options!("[`FlowError`](super::FlowError) ", "step");

    /// Refuses what makes no sense for a state of length `dimension`.
    pub(super) fn check(&self, dimension: usize) -> Result<(), InputError> {
        InputError::check_finite("start", self.start)?;
        InputError::check("end", self.end, self.end >= self.start, "at least the start")?;
        if self.end.is_infinite() {
            let ends = self.slope_norm.is_some() || self.near.is_some();
            InputError::check("end", self.end, ends, "finite where no other rule ends the integration")?;
        }
        InputError::check_nonnegative("relative", self.relative)?;
        InputError::check_nonnegative("absolute", self.absolute)?;
        let total = self.relative + self.absolute;
        InputError::check("relative + absolute", total, total > 0.0, "greater than 0")?;
        for (name, step) in [("initial_step", self.initial_step), ("fixed_step", self.fixed_step)] {
            if let Some(step) = step {
                InputError::check_positive(name, step)?;
            }
        }
        InputError::check("max_step", self.max_step, self.max_step > 0.0, "greater than 0")?;
        InputError::check_nonnegative("energy_rounding", self.energy_rounding)?;
        if let Some(norm) = self.slope_norm {
            InputError::check_nonnegative("slope norm", norm)?;
        }
        if let Some((point, radius)) = &self.near {
            check_length("point", point.len(), dimension)?;
            InputError::check_vector("point", point)?;
            InputError::check_positive("radius", *radius)?;
        }
        let mut previous = f64::NEG_INFINITY;
        for (index, &time) in self.record.iter().enumerate() {
            let inside = time >= self.start && time <= self.end && time.is_finite();
            let argument = solvable_model::Argument::indexed("record", index);
            InputError::check(
                argument,
                time,
                inside && time > previous,
                "finite, inside the interval of integration, and greater than the time before it",
            )?;
            previous = time;
        }
        Ok(())
    }
}

/// Refuses a vector of the wrong length.
pub(super) fn check_length(argument: &'static str, found: usize, expected: usize) -> Result<(), InputError> {
    if found == expected {
        Ok(())
    } else {
        Err(InputError::Shape { argument: argument.into(), found: (found, 1), expected: (expected, 1) })
    }
}
