//! The smoothed mechanism on an interval, from subsets of changed points.
use rand::{Rng, RngExt};
use solvable_model::InputError;
use solvable_model::aggregate::{Epsilon, IntervalData, IntervalFunctional};

use crate::aggregate::SimulationError;

/// The most data for which subsets are tried.
const MOST_POINTS: usize = 16;

/// Density proportional to `exp(-epsilon length(t) / 2)` on [lo - radius, hi + radius], where `length(t)` is the least
/// number of points to replace before the functional comes within `radius` of t.
#[derive(Clone, Debug)]
pub struct IntervalMechanism {
    lo: f64,
    hi: f64,
    radius: f64,
    epsilon: f64,
    centre: f64,
    /// Values reachable with exactly j replaced points, one interval a subset.
    reachable: Vec<Vec<[f64; 2]>>,
}

impl IntervalMechanism {
    /// Tries every subset of points: with those of one subset free to move in [lo, hi] and the others fixed, the
    /// functional (continuous and increasing in each point) takes all values between those at the two ends.
    ///
    /// # Errors
    /// [`SimulationError`] when the functional is not defined for the data, the radius is negative or not finite, or
    /// there are more than 16 data.
    pub fn new(
        data: &IntervalData,
        functional: IntervalFunctional,
        radius: f64,
        epsilon: Epsilon,
    ) -> Result<Self, SimulationError> {
        InputError::check_nonnegative("rho", radius)?;
        let n = data.n();
        if n > MOST_POINTS {
            let what = "the set whose subsets are tried";
            return Err(SimulationError::TooLarge { what, size: n as f64, most: MOST_POINTS as f64 });
        }
        let (lo, hi) = (data.lo(), data.hi());
        let mut reachable = vec![Vec::new(); n + 1];
        for subset in 0_usize..1 << n {
            let at = |end: f64| -> Result<f64, InputError> {
                let moved: Vec<f64> = data
                    .sorted()
                    .iter()
                    .enumerate()
                    .map(|(i, &x)| if subset >> i & 1 == 1 { end } else { x })
                    .collect();
                functional.evaluate(&IntervalData::new(&moved, lo, hi)?)
            };
            reachable[subset.count_ones() as usize].push([at(lo)?, at(hi)?]);
        }
        let centre = functional.evaluate(data)?;
        Ok(Self { lo, hi, radius, epsilon: epsilon.get(), centre, reachable })
    }

    /// The functional's value on the data.
    #[must_use]
    pub fn centre(&self) -> f64 {
        self.centre
    }

    /// Least number of replaced points that brings the functional within the radius of t; `None` out of reach.
    #[must_use]
    pub fn length(&self, t: f64) -> Option<usize> {
        let near = |[low, high]: &[f64; 2]| *low - self.radius <= t && t <= *high + self.radius;
        self.reachable.iter().position(|intervals| intervals.iter().any(near))
    }

    /// Draws an output: uniform proposals, accepted with probability `exp(-epsilon length / 2)`.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let (low, high) = (self.lo - self.radius, self.hi + self.radius);
        loop {
            let t = low + (high - low) * rng.random::<f64>();
            let weight = self.length(t).map_or(0.0, |l| (-0.5 * self.epsilon * l as f64).exp());
            if rng.random::<f64>() < weight {
                return t;
            }
        }
    }

    /// Values of t at which the length jumps, found by bisection on each side of the centre, and the law they give.
    ///
    /// The length is 0 near the centre and does not decrease away from it.
    #[must_use]
    pub fn staircase(&self) -> Staircase {
        let mut steps = Vec::new();
        for (end, sign) in [(self.lo - self.radius, -1.0), (self.hi + self.radius, 1.0)] {
            let mut inner = self.centre;
            let mut level = 0;
            while inner != end {
                // The farthest t of this side with length at most `level`.
                let inside = |t: f64| self.length(t).is_some_and(|l| l <= level);
                let (mut good, mut bad) = (inner, end);
                if inside(end) {
                    good = end;
                } else {
                    for _ in 0..200 {
                        let middle = 0.5 * (good + bad);
                        if middle == good || middle == bad {
                            break;
                        }
                        if inside(middle) { good = middle } else { bad = middle }
                    }
                }
                if good != inner {
                    steps.push(Step { inner, outer: good, length: level, sign });
                    inner = good;
                }
                level += 1;
                if level > self.reachable.len() {
                    break;
                }
            }
        }
        Staircase { centre: self.centre, epsilon: self.epsilon, steps }
    }
}

#[derive(Clone, Copy, Debug)]
struct Step {
    inner: f64,
    outer: f64,
    length: usize,
    sign: f64,
}

/// A piecewise constant density around a centre.
#[derive(Clone, Debug)]
pub struct Staircase {
    centre: f64,
    epsilon: f64,
    steps: Vec<Step>,
}

impl Staircase {
    fn weight(&self, step: &Step) -> f64 {
        (-0.5 * self.epsilon * step.length as f64).exp() * (step.outer - step.inner).abs()
    }

    /// The integral of `exp(-epsilon length / 2)`.
    #[must_use]
    pub fn normaliser(&self) -> f64 {
        self.steps.iter().map(|s| self.weight(s)).sum()
    }

    /// `E |M - centre|`.
    #[must_use]
    pub fn mean_absolute_deviation(&self) -> f64 {
        let moment = |s: &Step| self.weight(s) * (0.5 * (s.inner + s.outer) - self.centre) * s.sign;
        self.steps.iter().map(moment).sum::<f64>() / self.normaliser()
    }

    /// `Pr(|M - target| > distance)`.
    #[must_use]
    pub fn tail(&self, target: f64, distance: f64) -> f64 {
        let outside = |s: &Step| {
            let (low, high) = (s.inner.min(s.outer), s.inner.max(s.outer));
            let kept = (high.min(target + distance) - low.max(target - distance)).max(0.0);
            (-0.5 * self.epsilon * s.length as f64).exp() * ((high - low) - kept)
        };
        self.steps.iter().map(outside).sum::<f64>() / self.normaliser()
    }

    /// `Pr(length >= k)`.
    #[must_use]
    pub fn length_tail(&self, k: usize) -> f64 {
        let far = self.steps.iter().filter(|s| s.length >= k).map(|s| self.weight(s));
        far.sum::<f64>() / self.normaliser()
    }
}
