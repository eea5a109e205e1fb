//! The deterministic equivalent of weighted ridge regression, general covariance (AGG-4).
//!
//! Rows fall in groups g (fraction p_g, weight w_g, labels `mu_g x' theta* + noise` of variance s_g); the
//! covariance has eigenvalues sigma_j of multiplicity n omega_j. With `delta = lim tr(Sigma H^-1)` put
//! `a_g = w_g delta/(1 + w_g delta)`, `S = sum_g p_g a_g` (= s delta), `L = lambda delta`. Then (A3) reads
//!
//! `sum_j omega_j sigma_j / (S sigma_j + L) = 1`,
//!
//! and (A4)-(A6) become functions of a_g, `1 - a_g` and L alone, all bounded: delta = inf, where a ridgeless
//! estimator interpolates, is an ordinary point, and no power of delta can overflow.
use solvable_model::InputError;
use solvable_model::aggregate::{GroupedLimit, Mixing, RowGroup, SpectralLimit, SpectrumPart};

use super::error::{AggregateError, in_range};
use super::isotropic::{divide, leverage};
use super::risk::{Risk, charge, one_minus_product};
use crate::roots::increasing_log_newton;

/// The fixed point of (A3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedPoint {
    /// Limit of `tr(Sigma H^-1)`; `+inf` where the ridgeless estimator interpolates.
    pub delta: f64,
    /// `sum_g p_g w_g / (1 + w_g delta)`.
    pub s: f64,
    /// `s delta` in [0, 1].
    pub(super) share: f64,
    /// `lambda delta`, finite also at delta = inf.
    pub(super) ridge: f64,
    /// Whether the estimator is at its interpolation threshold: all rows saturated and no ridge left.
    pub(super) threshold: bool,
}

/// Solution of [`equivalent`]: fixed point, risk against theta* and against each group's target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equivalent {
    /// The fixed point.
    pub point: FixedPoint,
    /// Part of the risk from the signal.
    pub bias2: f64,
    /// Part of the risk from the label noise.
    pub var: f64,
}

impl Equivalent {
    /// `bias2 + var`.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.bias2 + self.var
    }
}

/// Solves (A3): `s = sum_g p_g w_g/(1 + w_g delta)`, `delta = sum_j omega_j sigma_j/(s sigma_j + lambda)`.
///
/// `surplus` is `sum of p_g over g in use - sum of omega_j over j in use` as a function of which are in use, so
/// that callers who know it better than the difference of rounded sums (bags: `1/k - gamma`) can say so.
///
/// Method: the difference of both sides of `sum_g p_g a_g = sum_j omega_j S sigma_j/(S sigma_j + L)`
/// increases with log delta. Terms nearer to saturation than to 0 are written as constant minus
/// complement, and the constants summed with compensation; then every term is at most twice its
/// contribution to the slope, and the root has the conditioning of the problem. Safeguarded Newton; each step costs O(J + G).
fn solve(
    groups: &[RowGroup],
    parts: &[SpectrumPart],
    lambda: f64,
    surplus: impl Fn(&dyn Fn(&RowGroup) -> bool, &dyn Fn(&SpectrumPart) -> bool) -> f64,
) -> FixedPoint {
    let used = |g: &RowGroup| g.row_weight > 0.0 && g.fraction > 0.0;
    let live = |part: &SpectrumPart| part.sigma > 0.0;
    let at = |delta: f64, ridge: f64, threshold: bool| {
        let mut share = 0.0;
        let mut s = 0.0;
        for g in groups.iter().filter(|g| used(g)) {
            let (a, gap) = leverage(g.row_weight, delta);
            share += g.fraction * a;
            s += charge(gap, g.fraction * g.row_weight);
        }
        FixedPoint { delta, s, share, ridge, threshold }
    };
    if !groups.iter().any(used) || !parts.iter().any(live) {
        // H = lambda I, or no direction of the covariates has variance.
        let delta: f64 = if lambda > 0.0 {
            parts.iter().map(|part| part.weight * (part.sigma / lambda)).sum()
        } else {
            0.0
        };
        return at(delta, lambda * delta, false);
    }
    if lambda == 0.0 {
        let excess = -surplus(&used, &live);
        if excess == 0.0 {
            return at(f64::INFINITY, 0.0, true);
        }
        if excess > 0.0 {
            return at(f64::INFINITY, interpolation_ridge(groups, parts), false);
        }
    }
    let residual = |delta: f64| {
        let saturated = |g: &RowGroup| used(g) && g.row_weight * delta > 1.0;
        let (mut e, mut slope, mut share, mut share_slope) = (0.0, 0.0, 0.0, 0.0);
        for g in groups.iter().filter(|g| used(g)) {
            let (a, gap) = leverage(g.row_weight, delta);
            e += if saturated(g) { -g.fraction * gap } else { g.fraction * a };
            share += g.fraction * a;
            share_slope += g.fraction * a * gap;
        }
        slope += share_slope;
        let ridge = lambda * delta;
        // d log(S / L) / d log delta = share_slope / share - 1, in [-1, 0].
        let decay = groups.iter().filter(|g| used(g)).fold(0.0, |sum, g| {
            let (a, _) = leverage(g.row_weight, delta);
            sum + g.fraction * a * a
        }) / share;
        let full = |part: &SpectrumPart| live(part) && part.sigma * share > ridge;
        for part in parts.iter().filter(|part| live(part)) {
            let signal = part.sigma * share;
            let scale = signal + ridge;
            let (kept, lost) = (signal / scale, ridge / scale);
            e += if full(part) { part.weight * lost } else { -part.weight * kept };
            slope += part.weight * kept * lost * decay;
        }
        (e + surplus(&saturated, &full), slope)
    };
    let total: f64 = parts.iter().map(|part| part.weight * part.sigma).sum();
    let s0: f64 = groups.iter().map(|g| g.fraction * g.row_weight).sum();
    // delta increases with each 1/(s sigma + lambda), and 0 <= s <= s0.
    let lower = parts.iter().filter(|part| live(part));
    let low: f64 = lower.map(|part| part.weight * (part.sigma / (s0 * part.sigma + lambda))).sum();
    let low = low.max(f64::MIN_POSITIVE);
    let top = f64::MAX / 4.0;
    let high = (total / lambda).min(top);
    let high = if high.is_nan() { top } else { high };
    if high == top && residual(top).0 < 0.0 {
        return at(f64::INFINITY, interpolation_ridge(groups, parts), false);
    }
    let delta = increasing_log_newton(residual, 0.5 * low, (2.0 * high).min(top), low);
    at(delta, lambda * delta, false)
}

/// `lim lambda delta` as lambda -> 0 when rows are fewer than directions: the root L of
/// `sum_j omega_j sigma_j/(N sigma_j + L) = 1`, N the fraction of rows with weight.
fn interpolation_ridge(groups: &[RowGroup], parts: &[SpectrumPart]) -> f64 {
    let rows: f64 = groups.iter().filter(|g| g.row_weight > 0.0).map(|g| g.fraction).sum();
    let live = || parts.iter().filter(|part| part.sigma > 0.0);
    let total: f64 = live().map(|part| part.weight * part.sigma).sum();
    // N = sum_j omega_j N sigma_j/(N sigma_j + L), increasing in log L, in the split of `solve`.
    let residual = |ridge: f64| {
        let (mut e, mut slope) = (0.0, 0.0);
        let full = |part: &SpectrumPart| rows * part.sigma > ridge;
        for part in live() {
            let scale = rows * part.sigma + ridge;
            let (kept, lost) = (rows * part.sigma / scale, ridge / scale);
            e += if full(part) { part.weight * lost } else { -part.weight * kept };
            slope += part.weight * kept * lost;
        }
        let constants = live().filter(|part| full(part)).map(|part| -part.weight);
        (e + compensated(constants.chain([rows])), slope)
    };
    // lost <= L/(N sigma_min + L) gives L >= excess sigma_min; the equation itself L < total.
    let excess = compensated(live().map(|part| part.weight).chain([-rows])).max(f64::MIN_POSITIVE);
    let smallest = live().map(|part| part.sigma).fold(f64::INFINITY, f64::min);
    let low = (0.5 * excess * smallest).max(f64::MIN_POSITIVE);
    increasing_log_newton(residual, low.min(total), 2.0 * total, total)
}

/// Sum with Neumaier's compensation: correct to an ulp or two although the terms cancel.
fn compensated(terms: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut correction) = (0.0_f64, 0.0_f64);
    for t in terms {
        let next = total + t;
        correction += if total.abs() >= t.abs() { (total - next) + t } else { (t - next) + total };
        total = next;
    }
    total + correction
}

/// Bias, variance and fluctuation from the fixed point: (A4) and (A6).
struct Parts<'a> {
    groups: &'a [RowGroup],
    parts: &'a [SpectrumPart],
    point: FixedPoint,
    /// `F / delta^2`.
    f: f64,
    /// `1 - F G`.
    gap: f64,
}

impl<'a> Parts<'a> {
    fn new(groups: &'a [RowGroup], parts: &'a [SpectrumPart], point: FixedPoint) -> Self {
        let (mut g_total, mut gap) = (0.0, 0.0);
        for g in groups {
            let (a, complement) = leverage(g.row_weight, point.delta);
            g_total += g.fraction * a * a;
            gap += g.fraction * a * complement;
        }
        let (mut f, mut e2) = (0.0, 0.0);
        for part in parts.iter().filter(|part| part.sigma > 0.0) {
            let x = part.sigma / (point.share * part.sigma + point.ridge);
            f += part.weight * x * x;
            e2 += part.weight * (point.ridge / (point.share * part.sigma + point.ridge)) * x;
        }
        // (A6) times delta: all terms positive.
        let gap = if point.share > 0.0 { (gap + e2 * g_total) / point.share } else { 1.0 };
        Self { groups, parts, point, f, gap }
    }

    /// `sum_j sigma_j (thetabar_j - mu theta*_j)^2`; the difference is taken group by group:
    /// `thetabar - mu theta* = theta* [sigma sum_g p_g a_g (mu_g - mu) - mu L] / (S sigma + L)`.
    fn mean_error(&self, mu: f64) -> f64 {
        let mut offset = 0.0;
        for g in self.groups {
            let (a, _) = leverage(g.row_weight, self.point.delta);
            offset += g.fraction * a * (g.target - mu);
        }
        let (share, ridge) = (self.point.share, self.point.ridge);
        let live = self.parts.iter().filter(|part| part.sigma > 0.0 && part.theta2 > 0.0);
        live.map(|part| {
            let scale = share * part.sigma + ridge;
            let error = if scale > 0.0 { (offset * part.sigma - mu * ridge) / scale } else { -mu };
            part.sigma * part.theta2 * error * error
        })
        .sum()
    }

    /// `F V` for the part of V from signal (`true`) or noise.
    fn fluctuation(&self, signal: bool) -> f64 {
        let mut sum = 0.0;
        for g in self.groups {
            let (a, _) = leverage(g.row_weight, self.point.delta);
            let energy = if signal { self.mean_error(g.target) } else { g.noise_variance };
            sum += g.fraction * a * a * energy;
        }
        let gap = if self.point.threshold { 0.0 } else { self.gap };
        divide(self.f * sum, gap)
    }

    fn equivalent(&self) -> Result<Equivalent, AggregateError> {
        let bias2 = in_range("bias", self.mean_error(1.0) + self.fluctuation(true))?;
        let var = in_range("variance", self.fluctuation(false))?;
        in_range("delta", self.point.delta)?;
        Ok(Equivalent { point: self.point, bias2, var })
    }
}

/// Limit of the excess risk of weighted ridge regression with rows in groups (AGG-4, equation A4).
///
/// `bias2 = sum_j sigma_j (thetabar_j - theta*_j)^2 + F sum_g g_g b_g/(1 - FG)` and
/// `var = F sum_g g_g s_g/(1 - FG)`, with `b_g = sum_j sigma_j (thetabar_j - mu_g theta*_j)^2`,
/// `g_g = p_g w_g^2/(1 + w_g delta)^2`; `1 - FG` by (A6). For lambda = 0 the limit lambda -> 0+ (the minimum-norm
/// minimiser); `+inf` where the rows with weight are exactly as many as the directions with variance, a signal or noise
/// that is exactly absent contributing 0.
///
/// "Exactly as many" is decided on the sums of fractions and of weights, which are rounded quotients: differences below
/// the rounding of their terms count as 0. Otherwise the relative error is a few ulps times the problem's
/// conditioning. Cost O(J + G) a Newton step (about 10), no allocation.
///
/// # Errors
/// [`AggregateError`] unless lambda is finite and at least 0, or when a result leaves the range of doubles.
pub fn equivalent(problem: &GroupedLimit, lambda: f64) -> Result<Equivalent, AggregateError> {
    InputError::check_nonnegative("lambda", lambda)?;
    let point = solve(problem.groups(), problem.parts(), lambda, |rows, directions| {
        summed_surplus(problem.groups(), problem.parts(), rows, directions)
    });
    Parts::new(problem.groups(), problem.parts(), point).equivalent()
}

/// Difference of the two sums, 0 within the rounding that the terms carry as rounded quotients.
fn summed_surplus(
    groups: &[RowGroup],
    parts: &[SpectrumPart],
    rows: &dyn Fn(&RowGroup) -> bool,
    directions: &dyn Fn(&SpectrumPart) -> bool,
) -> f64 {
    let terms = || {
        let fractions = groups.iter().filter(|g| rows(g)).map(|g| g.fraction);
        fractions.chain(parts.iter().filter(|part| directions(part)).map(|part| -part.weight))
    };
    let difference = compensated(terms());
    let rounding = 0.5 * f64::EPSILON * terms().map(f64::abs).sum::<f64>();
    if difference.abs() <= rounding { 0.0 } else { difference }
}

/// Limit for the bag problem with a general covariance, and the risk against the within-bag target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BagEquivalent {
    /// The fixed point.
    pub point: FixedPoint,
    /// Bias and variance.
    pub risk: Risk,
    /// Limit `R_B` of `theta-hat' Sigma theta-hat`: the risk against the label 0 of the within-bag rows.
    pub within_risk: f64,
}

/// Deterministic equivalent of the bag estimator with a general covariance (AGG-4, equation A5).
///
/// Groups A (fraction 1/k, weight 1, target 1, noise s2) and B (fraction 1 - 1/k, weight tau = 1 - rho,
/// target 0). Accuracy and cost as [`equivalent`]; `1/k - gamma` is fused when it decides.
///
/// At lambda = 0 a left limit rho -> 1- is taken after lambda -> 0+ and needs the limit tau -> 0 of
/// the fixed point: bag rows interpolate and within-bag rows keep a finite `tau delta`. By the affine invariance
/// AGG-3(c) it is the isotropic answer with `r2 = theta*' Sigma theta*`, when 1/k < gamma < 1.
///
/// # Errors
/// As [`equivalent`].
pub fn bag_equivalent(
    problem: &SpectralLimit,
    mixing: Mixing,
    lambda: f64,
) -> Result<BagEquivalent, AggregateError> {
    InputError::check_nonnegative("lambda", lambda)?;
    let parts = problem.parts();
    let gamma = compensated(parts.iter().filter(|p| p.sigma > 0.0).map(|p| p.weight));
    if lambda == 0.0 && mixing.is_left_limit() && gamma > 0.0 {
        let room = one_minus_product(problem.k(), gamma);
        if room < 0.0 && gamma < 1.0 {
            return left_limit(problem, gamma, room);
        }
        if room < 0.0 {
            // Every rho < 1 gives the same minimum-norm interpolator.
            return bag_equivalent(problem, Mixing::INSTANCE, 0.0);
        }
    }
    let groups = problem.groups(mixing);
    let p = groups[0].fraction;
    let point = solve(&groups, parts, lambda, |rows, directions| {
        if rows(&groups[0]) && !rows(&groups[1]) {
            let d = compensated(parts.iter().filter(|p| directions(p)).map(|p| p.weight));
            if d > 0.0 { one_minus_product(problem.k(), d) / problem.k() } else { p }
        } else {
            summed_surplus(&groups, parts, rows, directions)
        }
    });
    let state = Parts::new(&groups, parts, point);
    let all = state.equivalent()?;
    let within_risk = in_range("within-bag risk", state.mean_error(0.0) + state.fluctuation(true) + all.var)?;
    Ok(BagEquivalent { point, risk: Risk { bias2: all.bias2, var: all.var }, within_risk })
}

/// rho -> 1-, lambda = 0, 1/k < gamma < 1.
fn left_limit(problem: &SpectralLimit, gamma: f64, room: f64) -> Result<BagEquivalent, AggregateError> {
    let r2: f64 = problem.parts().iter().map(|p| p.sigma * p.theta2).sum();
    let isotropic = solvable_model::aggregate::IsotropicLimit::new(gamma, problem.k(), r2, problem.s2())?;
    let risk = super::isotropic::ridgeless_risk(&isotropic, Mixing::LEFT_OF_ONE);
    // thetabar = (p/gamma) theta*: b_A = ((gamma-p)/gamma)^2 r2, b_B = (p/gamma)^2 r2.
    let p = 1.0 / problem.k();
    let lost = -room / problem.k() / gamma;
    let kept = p / gamma;
    let fluctuation = risk.total() - lost * lost * r2;
    let point = FixedPoint { delta: f64::INFINITY, s: 0.0, share: gamma, ridge: 0.0, threshold: false };
    Ok(BagEquivalent { point, risk, within_risk: kept * kept * r2 + fluctuation.max(0.0) })
}

/// `1/(1 + tau delta)`: what interpolation leaves of a within-bag residual. At the left limit without ridge delta grows
/// without bound as tau falls, and `tau delta` has the limit `(gamma - p)/(1 - gamma)`, p = 1/k, between p and 1.
pub(super) fn within_gap(problem: &SpectralLimit, mixing: Mixing, lambda: f64, point: FixedPoint) -> f64 {
    let gamma = compensated(problem.parts().iter().filter(|p| p.sigma > 0.0).map(|p| p.weight));
    let k = problem.k();
    if lambda == 0.0 && mixing.is_left_limit() && one_minus_product(k, gamma) < 0.0 {
        return if gamma < 1.0 { (1.0 - gamma) / ((k - 1.0) / k) } else { 0.0 };
    }
    leverage(mixing.tau(), point.delta).1
}

/// rho -> 1-, lambda = 0, p = 1/k < gamma < 1, isotropic: bag rows with target `mu x' theta*` and this noise.
///
/// With `tau delta -> (gamma - p)/(1 - gamma)` the ratios of (A4) are `F g_A = p/gamma`,
/// `F g_B = (gamma - p)^2/(gamma (1-p))`, `thetabar = mu (p/gamma) theta*`, and
/// `1 - FG = (gamma - p)(1 - gamma)/(gamma (1-p))`, so that
/// `bias2 = r2 [(p (1-mu) + gamma - p)^2 + mu^2 p (gamma - p)/(1 - gamma)]/gamma^2` and
/// `var = noise p (1-p)/((gamma - p)(1 - gamma))`. `room` is `1 - k gamma`, fused.
pub(super) fn channel_left_limit(
    (gamma, k, room): (f64, f64, f64),
    (r2, mu, noise): (f64, f64, f64),
) -> Result<Equivalent, AggregateError> {
    let (p, q, above) = (1.0 / k, (k - 1.0) / k, -room / k);
    let lost = (p * (1.0 - mu) + above) / gamma;
    let spread = p / gamma * (above / gamma) / (1.0 - gamma);
    let bias2 = in_range("bias", r2 * (lost * lost + mu * mu * spread))?;
    let var = in_range("variance", noise * (p / above) * (q / (1.0 - gamma)))?;
    let point = FixedPoint { delta: f64::INFINITY, s: 0.0, share: gamma, ridge: 0.0, threshold: false };
    Ok(Equivalent { point, bias2, var })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_survive_cancellation() {
        for (terms, sum) in [
            (vec![1.0, 1e100, 1.0, -1e100], 2.0),
            (vec![1e100, 1.0, -1e100], 1.0),
            (vec![0.1, 0.2, -0.3], 2.775_557_561_562_891_4e-17),
            (vec![3.0, -2.0, -1.0], 0.0),
            (vec![], 0.0),
        ] {
            assert_eq!(compensated(terms.iter().copied()), sum, "{terms:?}");
            assert_eq!(compensated(terms.iter().map(|t| -t)), -sum, "{terms:?}");
        }
    }
}
