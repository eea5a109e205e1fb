//! Gradient flow of a linear attention layer in its eigenbasis, by an exact reduction and power series.
//!
//! One layer on in-context linear regression with covariance `Lambda = diag(lambda_i)`: with `gamma_i = (1 + 1/N) lambda_i + tr(Lambda)/N`,
//! `K_ij = gamma_i lambda_i lambda_j` (Zhang, Frei and Bartlett, *Trained transformers learn linear models in-context*, 2024),
//!
//! `dU/dt = -v^2 K ∘ U + v diag(lambda^2)`, `dv/dt = -v sum K_ij U_ij^2 + sum lambda_i^2 U_ii`.
//!
//! In the time `tau = int v^2 dt` the off-diagonal entries are `U_ij(0) exp(-K_ij tau)`, the diagonal ones `g_i` obey linear equations driven by
//! `f = 1/v` alone, and `v^2 - |U|^2` is conserved. So `d + 1` unknowns remain, all of whose Taylor coefficients come from short recurrences.
mod exponentials;
mod series;

use super::exponential::decay;
use super::isa::{Isa, Kernel, Vector, dispatch_on};
use super::sums::PARTS;
use exponentials::exponentials;
use series::Series;

/// Off-diagonal terms below this fraction of `v^2 target^2` are dropped (for targets below 1e-3, else as for that).
const NEGLIGIBLE: f64 = 1e-12;
/// Most steps of a run.
const MOST_STEPS: u64 = 10_000_000;

/// Why a flow cannot be set up or run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AttentionFlowError {
    /// A list or matrix of the wrong size.
    #[error("{name} has {given} entries, expected {expected}")]
    Size {
        /// Which one.
        name: &'static str,
        /// Its size.
        given: usize,
        /// The expected size.
        expected: usize,
    },
    /// A number outside its domain.
    #[error("{name} is {value}; it must be {condition}")]
    Number {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The condition.
        condition: &'static str,
    },
    /// The target was not reached.
    #[error("the distance is {distance} after {steps} steps, at time {time}")]
    NotReached {
        /// Relative distance to the minimum.
        distance: f64,
        /// Steps taken.
        steps: u64,
        /// Time reached.
        time: f64,
    },
}

/// Where a flow ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionFlowEnd {
    /// The time at which the relative distance fell to its target.
    pub time: f64,
    /// The loss at the reference time.
    pub loss_at_reference: f64,
    /// Steps of the series.
    pub steps: u64,
}

/// Eight diagonal modes: `K_ii`, `lambda_i^2`, `U_ii(0)`, `1/gamma_i`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Diagonal {
    rate: [f64; PARTS],
    drive: [f64; PARTS],
    start: [f64; PARTS],
    goal: [f64; PARTS],
}

/// The flow from a start `U(0)`, `v(0) > 0`, with `p = q = 0` (which stays so).
#[derive(Clone, Debug)]
pub struct AttentionFlow {
    /// The diagonal modes, padded by zeros to a multiple of eight.
    modes: Vec<Diagonal>,
    /// Rates `2 K` and weights of `sum_{i != j} U_ij^2 = sum_m weight_m exp(-rate_m tau)`.
    rates: Vec<f64>,
    weights: Vec<f64>,
    /// `v^2 - |U|^2`.
    conserved: f64,
    trace: f64,
    goal_norm: f64,
    /// The largest `K_ii`.
    fastest: f64,
}

impl AttentionFlow {
    /// Eigenvalues of the covariance, context length `N`, `U(0)` row by row in the eigenbasis, `v(0)`.
    ///
    /// More than 128 off-diagonal entries are replaced by a sum of exponentials on Chebyshev points of `ln K`, exact to rounding: `exp(-tau e^x)` is entire in
    /// `x` and bounded by 1 in the strip `|Im x| < pi/2`, which gives the number of points. Cost three operations an entry and point, once; about
    /// thirteen points for each factor `e` between the largest rate and the smallest.
    ///
    /// # Errors
    /// Sizes that do not match; an eigenvalue that is not positive, entries that are not finite, `v(0) <= 0`, `N = 0`.
    pub fn new(lambda: &[f64], context: usize, start: &[f64], v: f64) -> Result<Self, AttentionFlowError> {
        Self::new_on(Isa::current(), lambda, context, start, v)
    }

    fn new_on(
        isa: Isa,
        lambda: &[f64],
        context: usize,
        start: &[f64],
        v: f64,
    ) -> Result<Self, AttentionFlowError> {
        let d = lambda.len();
        let size = |name, given, expected| Err(AttentionFlowError::Size { name, given, expected });
        let number = |name, value, condition| Err(AttentionFlowError::Number { name, value, condition });
        if d == 0 {
            return size("the list of eigenvalues", 0, 1);
        }
        if start.len() != d * d {
            return size("U(0)", start.len(), d * d);
        }
        if context == 0 {
            return number("N", 0.0, "at least 1");
        }
        if let Some(&value) = lambda.iter().find(|l| !(l.is_finite() && **l > 0.0)) {
            return number("an eigenvalue", value, "positive and finite");
        }
        if let Some(&value) = start.iter().find(|u| !u.is_finite()) {
            return number("an entry of U(0)", value, "finite");
        }
        if !(v.is_finite() && v > 0.0) {
            return number("v(0)", v, "positive and finite");
        }
        let n = context as f64;
        let trace: f64 = lambda.iter().sum();
        let gamma: Vec<f64> = lambda.iter().map(|l| (1.0 + 1.0 / n) * l + trace / n).collect();
        let left: Vec<f64> = gamma.iter().zip(lambda).map(|(g, l)| g * l).collect();
        let (rates, weights) = exponentials(isa, &left, lambda, start);
        let mut modes = vec![Diagonal::default(); d.div_ceil(PARTS)];
        for i in 0..d {
            let (eight, lane) = (&mut modes[i / PARTS], i % PARTS);
            eight.rate[lane] = gamma[i] * lambda[i] * lambda[i];
            eight.drive[lane] = lambda[i] * lambda[i];
            eight.start[lane] = start[i * d + i];
            eight.goal[lane] = 1.0 / gamma[i];
        }
        Ok(Self {
            modes,
            conserved: v * v - start.iter().map(|u| u * u).sum::<f64>(),
            rates,
            weights,
            trace,
            fastest: gamma.iter().zip(lambda).map(|(g, l)| g * l * l).fold(0.0, f64::max),
            goal_norm: gamma.iter().map(|g| 1.0 / (g * g)).sum::<f64>().sqrt(),
        })
    }

    /// Flows until `|v U - Gamma^-1|_F < target |Gamma^-1|_F`; also the loss `1/2 E (yhat - w'x)^2` at a reference time.
    ///
    /// # Method
    /// Series of order 20 in `x`, where `tau` moves on by `S x / (1 - x)`: near the saddle the singularity `v = 0` behind and infinity ahead are
    /// equally far in `x`, and the coefficients of fast modes at rest stay small, so that steps are two to three times as long as those of a Taylor series
    /// in `tau`. Steps from the last two coefficients at a relative local error of 1e-14; the crossing and the reference time are roots of the polynomial
    /// itself. Cost a step `O(200 d)`; the number of steps grows with the ratio of the rates. No allocation in the loop.
    ///
    /// # Errors
    /// A target outside (0, 1), a reference time that is negative, a target that is not reached (a start so near the
    /// saddle at 0 that rounding holds it, or a target below rounding).
    pub fn until(&self, target: f64, reference: f64) -> Result<AttentionFlowEnd, AttentionFlowError> {
        self.until_on(Isa::current(), target, reference)
    }

    pub(super) fn until_on(
        &self,
        isa: Isa,
        target: f64,
        reference: f64,
    ) -> Result<AttentionFlowEnd, AttentionFlowError> {
        let number = |name, value, condition| Err(AttentionFlowError::Number { name, value, condition });
        if !(target > 0.0 && target < 1.0) {
            return number("the target", target, "in (0, 1)");
        }
        if !(reference.is_finite() && reference >= 0.0) {
            return number("the reference time", reference, "at least 0");
        }
        dispatch_on(isa, Run { flow: self, target, reference })
    }
}

struct Run<'a> {
    flow: &'a AttentionFlow,
    target: f64,
    reference: f64,
}

impl Kernel for Run<'_> {
    type Output = Result<AttentionFlowEnd, AttentionFlowError>;

    #[inline(always)]
    fn run<V: Vector>(self) -> Self::Output {
        let Self { flow, target, reference } = self;
        let mut series = Series::new(flow);
        let (mut time, mut loss, mut crossed, mut steps) = (0.0_f64, None, None, 0);
        let mut distance = f64::INFINITY;
        while steps < MOST_STEPS {
            steps += 1;
            series.expand::<V>(flow, time);
            if steps == 1 {
                distance = series.distance::<V>(flow, 0.0, target);
                crossed = (distance <= 1.0).then_some(0.0);
            }
            let h = series.step::<V>();
            let end = series.time(h);
            if !(end > time && end.is_finite()) {
                break;
            }
            if loss.is_none() && end >= reference {
                let x = series.when(reference, h);
                loss = Some(series.loss::<V>(flow, x));
            }
            let mut after = series.distance::<V>(flow, h, target);
            if after <= 1.0 && crossed.is_none() {
                // In tau, in which the logarithm of the distance is all but linear in the end. Rounding leaves it no more than this.
                let settled = 0.1 * f64::EPSILON / target;
                let whole = series.along(h);
                let at = |tau: f64| {
                    let x = series.back(tau);
                    series.distance::<V>(flow, x, target)
                };
                let tau = crossing(at, whole, [distance, after], settled);
                crossed = Some(series.time(series.back(tau)));
                after = series.distance::<V>(flow, h, target);
            }
            if let (Some(time), Some(loss_at_reference)) = (crossed, loss) {
                return Ok(AttentionFlowEnd { time, loss_at_reference, steps });
            }
            distance = after;
            series.move_there(h, series.square() * NEGLIGIBLE * target.min(1e-3).powi(2));
            time = end;
        }
        Err(AttentionFlowError::NotReached { distance: target * distance.sqrt(), steps, time })
    }
}

/// The place in `[0, h]` where a positive function, above 1 at the start and not above it at the end, is 1: the Illinois rule on its logarithm, until that is below `settled`.
#[inline(always)]
fn crossing(mut f: impl FnMut(f64) -> f64, h: f64, ends: [f64; 2], settled: f64) -> f64 {
    let log = |x: f64| 0.5 * x.max(f64::MIN_POSITIVE).ln();
    let mut f = |x| log(f(x));
    let [at_start, at_end] = ends.map(log);
    let (mut a, mut fa, mut b, mut fb) = (0.0, at_start, h, at_end);
    for _ in 0..60 {
        let x = a + (b - a) * (fa / (fa - fb));
        let fx = f(x);
        if fx.abs() <= settled || (b - a).abs() <= f64::EPSILON * h {
            return x;
        }
        if fx * fb < 0.0 {
            (a, fa) = (b, fb);
        } else {
            fa *= 0.5;
        }
        (b, fb) = (x, fx);
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(d: usize, off: f64) -> (Vec<f64>, Vec<f64>, f64) {
        let lambda: Vec<f64> = (1..=d).map(|i| (i as f64).powf(-0.5)).collect();
        let start: Vec<f64> =
            (0..d * d)
                .map(|at| {
                    if at / d == at % d {
                        0.3 + 0.01 * (at % 7) as f64
                    } else {
                        off * ((at % 5) as f64 - 1.7)
                    }
                })
                .collect();
        let norm = start.iter().map(|u| u * u).sum::<f64>().sqrt();
        (lambda, start.iter().map(|u| 0.1 * u / norm).collect(), 0.1)
    }

    /// The full system of `d^2 + 1` unknowns by fourth-order Runge-Kutta, whose error falls by 16 when the step is halved.
    fn direct(lambda: &[f64], n: usize, start: &[f64], v: f64, end: f64, steps: usize) -> f64 {
        let d = lambda.len();
        let trace: f64 = lambda.iter().sum();
        let k: Vec<f64> = (0..d * d)
            .map(|at| {
                let l = lambda[at / d];
                ((1.0 + 1.0 / n as f64) * l + trace / n as f64) * l * lambda[at % d]
            })
            .collect();
        let rate = |z: &[f64]| {
            let v = z[d * d];
            let mut out: Vec<f64> = (0..d * d).map(|at| -v * v * k[at] * z[at]).collect();
            let mut dv = 0.0;
            for i in 0..d {
                out[i * d + i] += v * lambda[i] * lambda[i];
                dv += lambda[i] * lambda[i] * z[i * d + i];
            }
            dv -= v * (0..d * d).map(|at| k[at] * z[at] * z[at]).sum::<f64>();
            out.push(dv);
            out
        };
        let mut z = start.to_vec();
        z.push(v);
        let h = end / steps as f64;
        let shift =
            |z: &[f64], c: f64, r: &[f64]| z.iter().zip(r).map(|(a, b)| a + c * b).collect::<Vec<f64>>();
        for _ in 0..steps {
            let k1 = rate(&z);
            let k2 = rate(&shift(&z, h / 2.0, &k1));
            let k3 = rate(&shift(&z, h / 2.0, &k2));
            let k4 = rate(&shift(&z, h, &k3));
            for i in 0..z.len() {
                z[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
            }
        }
        let v = z[d * d];
        let quadratic: f64 = (0..d * d).map(|at| k[at] * z[at] * z[at]).sum();
        let linear: f64 = (0..d).map(|i| lambda[i] * lambda[i] * z[i * d + i]).sum();
        0.5 * trace + 0.5 * v * v * quadratic - v * linear
    }

    #[test]
    fn the_reduction_is_the_full_flow() {
        // 3: entries one by one; 14: the sum of exponentials.
        for (d, n, steps) in [(1, 4, 2000), (3, 6, 2000), (14, 28, 1600)] {
            let (lambda, start, v) = problem(d, 0.02);
            let v = v * 1.5;
            let end = AttentionFlow::new(&lambda, n, &start, v).unwrap().until(1e-6, 6.0).unwrap();
            let (coarse, fine) =
                (direct(&lambda, n, &start, v, 6.0, steps / 2), direct(&lambda, n, &start, v, 6.0, steps));
            // Richardson: the error of the finer run is below the difference over 15; rounding adds `steps` ulps.
            let bound = (fine - coarse).abs() / 15.0 + steps as f64 * f64::EPSILON * fine.abs();
            assert!(
                (end.loss_at_reference - fine).abs() <= bound,
                "d = {d}: {} {fine} {bound:e}",
                end.loss_at_reference
            );
        }
    }

    /// One dimension in closed form: from the balanced start `v = u`, `v^2 = x` obeys `x' = 2 x (l^2 - k x)`.
    #[test]
    fn one_dimension_in_closed_form() {
        let (l, n) = (0.7_f64, 3);
        let gamma = (1.0 + 1.0 / 3.0) * l + l / 3.0;
        let (rate, x0, target) = (l * l, 0.01_f64, 1e-6);
        let end = AttentionFlow::new(&[l], n, &[x0.sqrt()], x0.sqrt()).unwrap().until(target, 0.0).unwrap();
        // x = x1 / (1 + (x1/x0 - 1) exp(-2 rate t)) with x1 = 1/gamma; |x - x1| = target x1.
        let expected = ((1.0 / gamma / x0 - 1.0) * (1.0 - target) / target).ln() / (2.0 * rate);
        assert!((end.time / expected - 1.0).abs() < 1e-10, "{} {expected}", end.time);
        assert!(
            (end.loss_at_reference - (0.5 * l + 0.5 * gamma * l * l * x0 * x0 - l * l * x0)).abs() < 1e-15
        );
    }

    /// The target is met long before the reference time, or at the start: the time is that of the crossing.
    #[test]
    fn crossing_before_the_reference_time() {
        let (lambda, start, v) = problem(9, 0.02);
        let flow = AttentionFlow::new(&lambda, 18, &start, v).unwrap();
        for target in [0.3, 1e-3] {
            let (early, late) = (flow.until(target, 0.0).unwrap(), flow.until(target, 80.0).unwrap());
            assert!(early.time > 1.0 && early.time < 40.0 && late.steps > early.steps, "{early:?} {late:?}");
            // The same steps up to there, hence the same bits.
            assert_eq!(early.time, late.time);
        }
        // |v U| is a hundredth of |Gamma^-1|: the distance is below 0.9999 of it, but not below 0.9, at the start.
        assert_eq!(flow.until(0.9999, 1.0).unwrap().time, 0.0);
        assert!(flow.until(0.9, 1.0).unwrap().time > 0.0);
    }

    #[test]
    fn same_bits_on_every_instruction_set() {
        let (lambda, start, v) = problem(13, 0.05);
        let flow = |isa| AttentionFlow::new_on(isa, &lambda, 20, &start, v).unwrap();
        let expected = flow(Isa::Baseline).until_on(Isa::Baseline, 1e-7, 3.0).unwrap();
        for isa in Isa::available() {
            assert_eq!(flow(isa).until_on(isa, 1e-7, 3.0).unwrap(), expected, "{isa:?}");
        }
    }

    #[test]
    fn bad_input_is_refused() {
        let new = AttentionFlow::new;
        assert!(matches!(new(&[], 1, &[], 1.0), Err(AttentionFlowError::Size { .. })));
        assert!(matches!(
            new(&[1.0], 1, &[1.0, 2.0], 1.0),
            Err(AttentionFlowError::Size { name: "U(0)", .. })
        ));
        assert!(matches!(new(&[1.0], 0, &[1.0], 1.0), Err(AttentionFlowError::Number { name: "N", .. })));
        assert!(matches!(new(&[0.0], 1, &[1.0], 1.0), Err(AttentionFlowError::Number { .. })));
        assert!(matches!(new(&[1.0], 1, &[f64::NAN], 1.0), Err(AttentionFlowError::Number { .. })));
        assert!(matches!(new(&[1.0], 1, &[1.0], 0.0), Err(AttentionFlowError::Number { name: "v(0)", .. })));
        let flow = new(&[1.0], 1, &[0.1], 0.1).unwrap();
        assert!(matches!(flow.until(0.0, 1.0), Err(AttentionFlowError::Number { .. })));
        assert!(matches!(flow.until(0.1, f64::NAN), Err(AttentionFlowError::Number { .. })));
    }
}
