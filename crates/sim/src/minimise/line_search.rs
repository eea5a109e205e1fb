//! The line search of Hager and Zhang (SIAM J. Optim. 16 (2005) 170-192; ACM TOMS 32 (2006) 113-137).
//!
//! Near a minimum, differences of the objective drown in rounding long before the gradient does: the square root of
//! epsilon against epsilon. So a step is also accepted on slopes alone ("approximate Wolfe conditions"), provided
//! that the objective does not rise by more than its rounding error.
use solvable_model::Objective;

use super::vectors::dot;

/// Sufficient decrease and curvature, 0 < DELTA < 1/2, DELTA <= SIGMA < 1.
const DELTA: f64 = 0.1;
const SIGMA: f64 = 0.9;
/// The bracket must shrink by this factor in one round, or it is bisected.
const SHRINK: f64 = 0.66;
/// Growth of the step while the objective still falls.
const EXPAND: f64 = 5.0;
/// Evaluations of one search: 5^60 and 2^60 cover every sensible range of steps.
const LIMIT: u32 = 60;
/// Changes of the objective above this many rounding errors are evidence on its gradient.
const SIGNIFICANT: f64 = 64.0;

/// A point on the line: step, objective, slope along the direction.
#[derive(Clone, Copy, Debug)]
struct Sample {
    step: f64,
    value: f64,
    slope: f64,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    /// `trial` and `trial_gradient` hold the accepted point; its value and step.
    Accepted { value: f64, step: f64 },
    /// No step satisfies the conditions. Over the shortest step that should matter, the objective changed by `change`
    /// where its slopes at both ends say `expected` (both 0 if no step should matter).
    Failed { change: f64, expected: f64 },
    /// The objective falls without end.
    Unbounded { value: f64, step: f64 },
}

/// One search, over slices of the caller.
pub(super) struct Line<'a, O: Objective> {
    objective: &'a O,
    work: &'a mut O::Work,
    x: &'a [f64],
    direction: &'a [f64],
    /// The last point evaluated and its gradient.
    trial: &'a mut [f64],
    trial_gradient: &'a mut [f64],
    /// Objective and slope (negative) at step 0.
    value: f64,
    slope: f64,
    /// Rounding error allowed to the objective.
    rounding: f64,
    pub(super) evaluations: u64,
    /// Shortest step over which the objective should change, its change, and the change expected.
    evidence: (f64, f64, f64),
}

/// What an evaluation says about the bracket.
enum Judgement {
    Accepted(Sample),
    /// The objective turned upward in slope.
    Rises(Sample),
    /// Still falling, and no higher than at the start.
    Falls(Sample),
    /// Still falling, but higher than at the start (or not finite): a minimum lies before.
    Beyond(Sample),
}

/// Ends a search from inside.
enum Exit {
    Accepted(Sample),
    Exhausted,
}

impl<'a, O: Objective> Line<'a, O> {
    /// The line from `x`, where the objective is `at.0` with slope `at.1` < 0 along `direction`.
    pub(super) fn new(
        objective: &'a O,
        work: &'a mut O::Work,
        (x, direction): (&'a [f64], &'a [f64]),
        (trial, trial_gradient): (&'a mut [f64], &'a mut [f64]),
        (value, slope): (f64, f64),
        rounding: f64,
    ) -> Self {
        let evidence = (f64::INFINITY, 0.0, 0.0);
        Self {
            objective,
            work,
            x,
            direction,
            trial,
            trial_gradient,
            value,
            slope,
            rounding,
            evaluations: 0,
            evidence,
        }
    }

    /// Searches from the step `first`.
    pub(super) fn search(&mut self, first: f64) -> Outcome {
        match self.bracket(first).and_then(|(low, high)| self.narrow(low, high)) {
            Err(Exit::Accepted(at)) => Outcome::Accepted { value: at.value, step: at.step },
            Ok(last) if last.value < self.value && last.slope < 0.0 => {
                Outcome::Unbounded { value: last.value, step: last.step }
            }
            Ok(_) | Err(Exit::Exhausted) => {
                Outcome::Failed { change: self.evidence.1, expected: self.evidence.2 }
            }
        }
    }

    fn judge(&mut self, step: f64) -> Judgement {
        for ((t, x), d) in self.trial.iter_mut().zip(self.x).zip(self.direction) {
            *t = x + step * d;
        }
        self.evaluations += 1;
        let value = self.objective.value_and_gradient(self.trial, self.trial_gradient, self.work);
        let at = Sample { step, value, slope: dot(self.trial_gradient, self.direction) };
        // Trapezoidal rule for the change of the objective.
        let expected = 0.5 * step * (self.slope + at.slope);
        if step < self.evidence.0 && expected.abs() > SIGNIFICANT * self.rounding && at.value.is_finite() {
            self.evidence = (step, at.value - self.value, expected);
        }
        if !(at.value.is_finite() && at.slope.is_finite()) {
            return Judgement::Beyond(at);
        }
        let change = at.value - self.value;
        let curved = at.slope >= SIGMA * self.slope;
        let wolfe = curved && change <= DELTA * step * self.slope;
        let approximate =
            curved && at.slope <= (2.0 * DELTA - 1.0) * self.slope && at.value <= self.value + self.rounding;
        if wolfe || approximate {
            Judgement::Accepted(at)
        } else if at.slope >= 0.0 {
            Judgement::Rises(at)
        } else if at.value <= self.value + self.rounding {
            Judgement::Falls(at)
        } else {
            Judgement::Beyond(at)
        }
    }

    /// An interval whose lower end falls, no higher than the start, and whose upper end rises.
    fn bracket(&mut self, first: f64) -> Result<(Sample, Sample), Exit> {
        let mut low = Sample { step: 0.0, value: self.value, slope: self.slope };
        let mut step = first;
        for _ in 0..LIMIT {
            match self.judge(step) {
                Judgement::Accepted(at) => return Err(Exit::Accepted(at)),
                Judgement::Rises(at) => return Ok((low, at)),
                Judgement::Falls(at) => {
                    low = at;
                    step *= EXPAND;
                }
                Judgement::Beyond(at) => return self.bisect(low, at.step),
            }
        }
        // Falling all the way: `narrow` passes it on as it is.
        Ok((low, low))
    }

    /// Bisects between a falling `low` and a step beyond the minimum until the upper end rises.
    fn bisect(&mut self, mut low: Sample, mut high: f64) -> Result<(Sample, Sample), Exit> {
        for _ in 0..LIMIT {
            match self.judge(0.5 * (low.step + high)) {
                Judgement::Accepted(at) => return Err(Exit::Accepted(at)),
                Judgement::Rises(at) => return Ok((low, at)),
                Judgement::Falls(at) => low = at,
                Judgement::Beyond(at) => high = at.step,
            }
        }
        Err(Exit::Exhausted)
    }

    /// Shrinks the bracket by double secant steps, bisecting where they are slow, until a step is accepted.
    fn narrow(&mut self, mut low: Sample, mut high: Sample) -> Result<Sample, Exit> {
        if low.step == high.step {
            return Ok(low);
        }
        for _ in 0..LIMIT {
            let width = high.step - low.step;
            let (old_low, old_high) = (low, high);
            let step = secant(low, high);
            (low, high) = self.update(low, high, step)?;
            if step == high.step {
                (low, high) = self.update(low, high, secant(old_high, high))?;
            } else if step == low.step {
                (low, high) = self.update(low, high, secant(old_low, low))?;
            }
            if high.step - low.step > SHRINK * width {
                (low, high) = self.update(low, high, 0.5 * (low.step + high.step))?;
            }
            if high.step - low.step <= 4.0 * f64::EPSILON * high.step {
                break;
            }
        }
        Err(Exit::Exhausted)
    }

    /// The bracket after evaluating `step`, if it lies inside.
    fn update(&mut self, low: Sample, high: Sample, step: f64) -> Result<(Sample, Sample), Exit> {
        if !(step > low.step && step < high.step) {
            return Ok((low, high));
        }
        match self.judge(step) {
            Judgement::Accepted(at) => Err(Exit::Accepted(at)),
            Judgement::Rises(at) => Ok((low, at)),
            Judgement::Falls(at) => Ok((at, high)),
            Judgement::Beyond(at) => self.bisect(low, at.step),
        }
    }
}

/// Zero of the line through two slopes.
fn secant(a: Sample, b: Sample) -> f64 {
    (a.step * b.slope - b.step * a.slope) / (b.slope - a.slope)
}
