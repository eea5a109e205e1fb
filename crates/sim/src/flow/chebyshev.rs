//! The stabilised explicit Runge-Kutta-Chebyshev method of order 2 (Sommeijer, Shampine and Verwer, J. Comput. Appl.
//! Math. 88 (1997) 315-326; Verwer, Hundsdorfer and Sommeijer, Numer. Math. 57 (1990) 157-178).
//!
//! With s stages it is stable for real negative eigenvalues down to about `-0.65 s^2 / h`: where modes decay at rates up
//! to rho, a step of length h costs about `sqrt(1.54 h rho)` evaluations instead of `h rho / 3`, and no linear algebra.
//! The Jacobian of a gradient flow is symmetric, so its spectrum is real.
use super::error::NotFinite;
use super::evaluator::Evaluator;
use super::field::VectorField;
use super::stepper::{Failure, Point, Stepper, Tolerance, Trial, norm, root_mean_square};

/// Damping of the stability polynomial.
const DAMPING: f64 = 2.0 / 13.0;
/// Factor on the estimate of the spectral radius, which comes from below.
const RADIUS_MARGIN: f64 = 1.2;
/// Relative change at which the power iteration stops, and its limit.
const RADIUS_TOLERANCE: f64 = 0.01;
const RADIUS_ITERATIONS: u32 = 50;
/// Steps after which the spectral radius is estimated anew.
const RADIUS_AGE: u32 = 25;
const SAFETY: f64 = 0.8;
const BETA: f64 = 0.1;
const SHRINK: f64 = 0.1;
const GROW: f64 = 5.0;

/// The state of the method.
pub(super) struct Chebyshev {
    state: Vec<f64>,
    slope: Vec<f64>,
    /// Differences of the last two stages from the start of the step (so that rounding is relative to the step), and
    /// one vector.
    before: Vec<f64>,
    before_last: Vec<f64>,
    scratch: Vec<f64>,
    /// Dominant direction of the Jacobian, of norm 1, kept from one estimate to the next; its image.
    direction: Vec<f64>,
    image: Vec<f64>,
    radius: f64,
    /// Accepted steps since the radius was estimated; `None` before the first.
    age: Option<u32>,
    step: f64,
    previous_error: f64,
    rejected: bool,
    /// Factors on the weights of every stage, by which tests spoil the scheme.
    #[cfg(test)]
    pub(super) spoiled: Stage,
}

/// The weights of a stage: on the differences of the last stage and of the one before, on the slopes at the last stage
/// and at the start of the step; and its node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    pub(super) last: f64,
    pub(super) before: f64,
    pub(super) slope: f64,
    pub(super) start: f64,
    pub(super) node: f64,
}

impl Chebyshev {
    pub(super) fn new(n: usize) -> Self {
        let zeros = || vec![0.0; n];
        Self {
            state: zeros(),
            slope: zeros(),
            before: zeros(),
            before_last: zeros(),
            scratch: zeros(),
            direction: zeros(),
            image: zeros(),
            radius: 0.0,
            age: None,
            step: 0.0,
            previous_error: 1e-4,
            rejected: false,
            #[cfg(test)]
            spoiled: Stage { last: 1.0, before: 1.0, slope: 1.0, start: 1.0, node: 1.0 },
        }
    }

    /// Forgets the past: another method took the steps since.
    pub(super) fn restart(&mut self) {
        (self.age, self.rejected, self.previous_error) = (None, false, 1e-4);
    }

    /// Spectral radius of the Jacobian by power iteration, with a margin.
    fn estimate_radius<F: VectorField>(
        &mut self,
        field: &mut Evaluator<'_, F>,
        at: Point<'_>,
    ) -> Result<(), NotFinite> {
        let mut size = norm(&self.direction);
        if size == 0.0 {
            // The slope favours fast modes; a fixed irregular vector beside it is orthogonal to none of them.
            let slope = norm(at.slope).max(f64::MIN_POSITIVE);
            for (i, (d, s)) in self.direction.iter_mut().zip(at.slope).enumerate() {
                *d = s / slope + 0.1 * (1.0 + 0.618_033_988_75 * i as f64).sin();
            }
            size = norm(&self.direction);
        }
        let mut last = 0.0;
        for iteration in 0..RADIUS_ITERATIONS {
            self.direction.iter_mut().for_each(|d| *d /= size);
            if !field.jacobian_vector(at.t, at.x, &self.direction, &mut self.image)? {
                let increment = f64::EPSILON.sqrt() * norm(at.x).max(1e-5);
                for ((b, x), d) in self.before.iter_mut().zip(at.x).zip(&self.direction) {
                    *b = x + increment * d;
                }
                field.eval(at.t, &self.before, &mut self.image)?;
                for (i, s) in self.image.iter_mut().zip(at.slope) {
                    *i = (*i - s) / increment;
                }
            }
            size = norm(&self.image);
            if size == 0.0 {
                break;
            }
            core::mem::swap(&mut self.direction, &mut self.image);
            if iteration > 0 && (size - last).abs() <= RADIUS_TOLERANCE * size {
                break;
            }
            last = size;
        }
        if size > 0.0 {
            self.direction.iter_mut().for_each(|d| *d /= size);
        }
        self.radius = RADIUS_MARGIN * size;
        self.age = Some(0);
        Ok(())
    }
}

#[cfg(test)]
impl Stage {
    fn times(self, other: Self) -> Self {
        Self {
            last: self.last * other.last,
            before: self.before * other.before,
            slope: self.slope * other.slope,
            start: self.start * other.start,
            node: self.node * other.node,
        }
    }
}

/// Stages that make a step stable.
fn stages(h: f64, radius: f64) -> f64 {
    (1.0 + (1.0 + 1.54 * h * radius).sqrt()).floor().max(2.0)
}

/// Most stages before rounding of the largest component, which grows as their square, rivals its tolerance.
fn most_stages(tolerance: Tolerance, x: &[f64]) -> f64 {
    let largest = x.iter().fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
    let relative = tolerance.relative.max(tolerance.absolute / largest).clamp(f64::EPSILON, 1.0);
    (relative / (10.0 * f64::EPSILON)).sqrt().max(10.0).round()
}

/// Chebyshev polynomial of the first kind and its derivatives, at consecutive degrees.
#[derive(Clone, Copy)]
struct Polynomial {
    value: f64,
    first: f64,
    second: f64,
}

impl Polynomial {
    /// The next degree, from this one and the one before.
    fn next(self, before: Self, w: f64) -> Self {
        Self {
            value: 2.0 * w * self.value - before.value,
            first: 2.0 * w * self.first - before.first + 2.0 * self.value,
            second: 2.0 * w * self.second - before.second + 4.0 * self.first,
        }
    }

    /// The weight `T'' / T'^2` of the scheme.
    fn weight(self) -> f64 {
        self.second / (self.first * self.first)
    }
}

impl<F: VectorField> Stepper<F> for Chebyshev {
    fn limit(
        &mut self,
        field: &mut Evaluator<'_, F>,
        from: Point<'_>,
        h: f64,
        tolerance: Tolerance,
    ) -> Result<f64, NotFinite> {
        // A rejection right after an estimate is the error's doing, not the radius's.
        let old = self.age.is_none_or(|age| age >= RADIUS_AGE || (self.rejected && age > 0));
        if old {
            self.estimate_radius(field, from)?;
        }
        let most = most_stages(tolerance, from.x);
        Ok(if stages(h, self.radius) > most {
            ((most - 1.0).powi(2) - 1.0) / (1.54 * self.radius)
        } else {
            h
        })
    }

    fn attempt(
        &mut self,
        field: &mut Evaluator<'_, F>,
        from: Point<'_>,
        h: f64,
        tolerance: Tolerance,
    ) -> Result<Trial, Failure> {
        self.step = h;
        let s = stages(h, self.radius);
        let w0 = 1.0 + DAMPING / (s * s);
        let degree = |d: u32| {
            let mut pair = [
                Polynomial { value: 1.0, first: 0.0, second: 0.0 },
                Polynomial { value: w0, first: 1.0, second: 0.0 },
            ];
            for _ in 1..d {
                pair = [pair[1], pair[1].next(pair[0], w0)];
            }
            pair
        };
        // At most a few thousand stages.
        let count = s as u32;
        let last = degree(count)[1];
        let w1 = last.first / last.second;
        let [one, two] = degree(2);
        // Weights of degrees 0 and 1 are those of degree 2.
        let weight2 = two.weight();
        let node = |p: Polynomial| w1 * p.second / p.first;
        let (mut p_before, mut p) = (Polynomial { value: 1.0, first: 0.0, second: 0.0 }, one);
        let (mut b_before, mut b) = (weight2, weight2);
        let first = weight2 * w1;
        self.before_last.fill(0.0);
        for (b, slope) in self.before.iter_mut().zip(from.slope) {
            *b = first * h * slope;
        }
        let mut c = node(two) / (4.0 * w0);
        for _ in 2..=count {
            for ((s, x), b) in self.state.iter_mut().zip(from.x).zip(&self.before) {
                *s = x + b;
            }
            field.eval(from.t + c * h, &self.state, &mut self.slope)?;
            let next = p.next(p_before, w0);
            let b_next = next.weight();
            let slope = 2.0 * b_next * w1 / b;
            let weights = Stage {
                last: 2.0 * b_next * w0 / b,
                before: -b_next / b_before,
                slope,
                start: -(1.0 - b * p.value) * slope,
                node: node(next),
            };
            #[cfg(test)]
            let weights = weights.times(self.spoiled);
            for i in 0..from.x.len() {
                self.scratch[i] = weights.last * self.before[i]
                    + weights.before * self.before_last[i]
                    + h * (weights.slope * self.slope[i] + weights.start * from.slope[i]);
            }
            core::mem::swap(&mut self.before_last, &mut self.before);
            core::mem::swap(&mut self.before, &mut self.scratch);
            (p_before, p) = (p, next);
            (b_before, b) = (b, b_next);
            c = weights.node;
        }
        for ((s, x), b) in self.state.iter_mut().zip(from.x).zip(&self.before) {
            *s = x + b;
        }
        let energy = field.eval_energy(from.t + h, &self.state, &mut self.slope)?;
        let (mut weighted, mut plain) = (0.0, 0.0);
        for i in 0..from.x.len() {
            let e = -0.8 * self.before[i] + 0.4 * h * (from.slope[i] + self.slope[i]);
            weighted += (e / tolerance.scale(from.x[i], self.state[i])).powi(2);
            plain += e * e;
        }
        Ok(Trial { error: root_mean_square(weighted, from.x.len()), local_error: plain.sqrt(), energy })
    }

    fn new_state(&self) -> &[f64] {
        &self.state
    }

    fn prepare_dense(&mut self, _: &mut Evaluator<'_, F>, _: Point<'_>, _: f64) -> Result<(), NotFinite> {
        Ok(())
    }

    fn interpolate(&self, from: Point<'_>, theta: f64, state: &mut [f64]) {
        // Cubic Hermite.
        let (left, h) = (1.0 - theta, self.step);
        for i in 0..state.len() {
            let change = self.state[i] - from.x[i];
            let bend = left * (h * from.slope[i] - change) - theta * (h * self.slope[i] - change);
            state[i] = left * from.x[i] + theta * self.state[i] + theta * left * bend;
        }
    }

    fn commit(&mut self, x: &mut Vec<f64>, slope: &mut Vec<f64>) {
        core::mem::swap(&mut self.state, x);
        core::mem::swap(&mut self.slope, slope);
        self.age = self.age.map(|age| age + 1);
    }

    fn factor(&mut self, _: f64, error: f64, accepted: bool) -> f64 {
        if !accepted {
            self.rejected = true;
            return (SAFETY * error.cbrt().recip()).clamp(SHRINK, 1.0);
        }
        let error = error.max(1e-10);
        let factor = SAFETY * error.powf(0.75 * BETA - 1.0 / 3.0) * self.previous_error.powf(BETA);
        let grow = if self.rejected { 1.0 } else { GROW };
        self.previous_error = error.max(1e-4);
        self.rejected = false;
        factor.clamp(SHRINK, grow)
    }
}
