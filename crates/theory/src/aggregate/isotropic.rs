//! Isotropic covariates, proportional limit: closed forms and one scalar equation (AGG-5).
use solvable_model::InputError;
use solvable_model::aggregate::{IsotropicLimit, Mixing};

use super::error::{AggregateError, in_range};
use super::risk::{Risk, charge, one_minus_product};
use crate::roots::increasing_log_newton;

/// Shares of the two groups of rows at the fixed point.
///
/// With `a_g = w_g delta / (1 + w_g delta)`, the leverage of a row of group g, everything is a function of
/// a_g in [0, 1], `1 - a_g` and `lambda delta`: delta = inf (interpolation) is an ordinary point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saturation {
    pub(super) delta: f64,
    /// Leverage of a bag row, and its complement.
    pub(super) bag: f64,
    pub(super) bag_gap: f64,
    /// Leverage of a within-bag row, and its complement.
    pub(super) within: f64,
    pub(super) within_gap: f64,
    /// `lambda * delta`, finite also at delta = inf.
    pub(super) ridge: f64,
}

/// `w delta / (1 + w delta)` and `1 / (1 + w delta)`, for delta up to inf.
pub(super) fn leverage(w: f64, delta: f64) -> (f64, f64) {
    if w == 0.0 {
        return (0.0, 1.0);
    }
    let t = w * delta;
    if t <= 1.0 { (t / (1.0 + t), 1.0 / (1.0 + t)) } else { (1.0 / (1.0 + 1.0 / t), 1.0 / (1.0 + t)) }
}

impl Saturation {
    fn at(delta: f64, tau: f64, ridge: f64) -> Self {
        let (bag, bag_gap) = leverage(1.0, delta);
        let (within, within_gap) = leverage(tau, delta);
        Self { delta, bag, bag_gap, within, within_gap, ridge }
    }

    /// Risk by (A5), in the normalised variables: `(s + lambda) delta = gamma`, so `F / delta^2 = 1/gamma`.
    ///
    /// All sums have one sign; `1 - FG` is (A6) times gamma.
    fn risk(&self, p: f64, gamma: f64, r2: f64, s2: f64) -> Risk {
        let q = 1.0 - p;
        let a = (q * self.within + self.ridge) / gamma;
        let c = p * self.bag / gamma;
        let (g_bag, g_within) = (p * self.bag * self.bag, q * self.within * self.within);
        let gap = self.ridge + p * self.bag * self.bag_gap + q * self.within * self.within_gap;
        let bias = a * a + divide(g_bag * a * a + g_within * c * c, gap);
        Risk::of(bias, r2, divide(g_bag, gap), s2)
    }
}

/// Quotient of non-negative numbers with 0/0 = 0: a term that is absent stays absent at a singular point.
pub(super) fn divide(x: f64, y: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x / y }
}

/// Limit of the excess risk without ridge, for every gamma, k and rho (AGG-5 ii-iv).
///
/// With p = 1/k and tau = 1 - rho:
/// - rho = 1 or k = 1: `k gamma < 1`: bias 0, variance `s2 k gamma / (1 - k gamma)`; `k gamma > 1`: bias
///   `r2 (1 - 1/(k gamma))`, variance `s2 / (k gamma - 1)`.
/// - rho < 1, gamma < 1: (A5) at the positive root of
///   `tau (1 - gamma) delta^2 + [p + (1-p) tau - gamma (1+tau)] delta - gamma = 0`.
/// - rho < 1, gamma > 1, any rho: bias `r2 [1 - 2p/gamma + p^2/gamma + p(1-p)/(gamma-1)]`, variance
///   `s2 p / (gamma - 1)`.
/// - rho -> 1-, p < gamma < 1: bias `r2 (gamma-p)(1-gamma+p) / (gamma (1-gamma))`, variance
///   `s2 p (1-p) / ((gamma-p)(1-gamma))`, which is not the value at rho = 1.
///
/// `+inf` at `k gamma = 1` (rho = 1 or 1-; variance) and at gamma = 1 (rho < 1; both). A noise or a signal that is
/// exactly 0 contributes exactly 0 there too.
///
/// Stability: all terms are sums of one sign; `1 - k gamma` is fused, `1 - gamma` exact near 1. Relative
/// error a few ulps, times `1/|1 - k gamma|` where k gamma was rounded by the caller. O(1), no allocation.
///
/// ```
/// use solvable_model::aggregate::{IsotropicLimit, Mixing};
/// use solvable_theory::aggregate::ridgeless_risk;
/// let problem = IsotropicLimit::new(0.2, 4.0, 1.0, 0.5)?;
/// assert!((ridgeless_risk(&problem, Mixing::BAG).var - 2.0).abs() < 1e-14);
/// let singular = IsotropicLimit::new(0.25, 4.0, 1.0, 0.5)?;
/// assert_eq!(ridgeless_risk(&singular, Mixing::BAG).var, f64::INFINITY);
/// # Ok::<(), solvable_model::InputError>(())
/// ```
#[must_use]
pub fn ridgeless_risk(problem: &IsotropicLimit, mixing: Mixing) -> Risk {
    let (gamma, k, r2, s2) = (problem.gamma(), problem.k(), problem.r2(), problem.s2());
    let p = 1.0 / k;
    let q = (k - 1.0) / k;
    let room = one_minus_product(k, gamma);
    if k == 1.0 || mixing.is_bag_level() || (mixing.is_left_limit() && room >= 0.0) {
        // k gamma and its distance to 1 may overflow; their quotient does not.
        let load = k * gamma;
        return if room >= 0.0 {
            Risk::of(0.0, r2, load / room, s2)
        } else if load.is_infinite() {
            Risk::of(1.0, r2, 0.0, s2)
        } else {
            Risk::of(-room / load, r2, -1.0 / room, s2)
        };
    }
    if gamma == 1.0 {
        return Risk::of(f64::INFINITY, r2, f64::INFINITY, s2);
    }
    if gamma > 1.0 {
        let excess = gamma - 1.0;
        let bias = (excess + q * q) / gamma + p * q / excess;
        return Risk::of(bias, r2, p / excess, s2);
    }
    if mixing.is_left_limit() {
        let above = -room / k;
        let bias = above / gamma * ((1.0 - gamma + p) / (1.0 - gamma));
        return Risk::of(bias, r2, p * q / (above * (1.0 - gamma)), s2);
    }
    ridgeless_saturation(gamma, k, mixing).risk(p, gamma, r2, s2)
}

/// The fixed point of [`ridgeless_risk`] for gamma < 1, k > 1, 0 <= rho < 1.
fn ridgeless_saturation(gamma: f64, k: f64, mixing: Mixing) -> Saturation {
    let tau = mixing.tau();
    let p = 1.0 / k;
    // (p - gamma) + tau (1 - p - gamma), without rounding p.
    let b = one_minus_product(k, gamma) / k + tau * ((k - 1.0) / k - gamma);
    let quadratic = tau * (1.0 - gamma);
    let root = b.abs().hypot(2.0 * (quadratic * gamma).sqrt());
    let delta = if b >= 0.0 { 2.0 * gamma / (b + root) } else { (root - b) / (2.0 * quadratic) };
    debug_assert!(p <= 1.0);
    Saturation::at(delta, tau, 0.0)
}

/// Value and ingredients of the isotropic limit at a ridge (AGG-5 i).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RidgeLimit {
    /// The fixed point: limit of `tr(Sigma H^-1)`; `+inf` where a ridgeless estimator interpolates.
    pub delta: f64,
    /// `s_A + s_B`, the effective share of rows.
    pub s: f64,
    /// Bias and variance.
    pub risk: Risk,
}

/// The fixed point with ridge: root of `lambda delta + p delta/(1+delta) + (1-p) tau delta/(1+tau delta) = gamma`.
///
/// The equation is solved in the variable log delta, each saturated term written as a constant minus its small
/// complement and the constants summed exactly: residual and slope have the same size, so delta has the
/// conditioning of the problem and nothing more, from lambda = 1e-300 to 1e300 and through gamma = 1 and
/// k gamma = 1.
pub(super) fn saturation(gamma: f64, k: f64, mixing: Mixing, lambda: f64) -> Saturation {
    let tau = mixing.tau();
    let (p, q) = (1.0 / k, (k - 1.0) / k);
    let room_bag = one_minus_product(k, gamma) / k;
    let residual = |delta: f64| {
        let (a, a_gap) = leverage(1.0, delta);
        let (b, b_gap) = leverage(tau, delta);
        let ridge = lambda * delta;
        // Constants: gamma against the shares of the saturated groups.
        let e = match (delta > 1.0, tau * delta > 1.0) {
            (true, true) => ridge + (1.0 - gamma) - (p * a_gap + q * b_gap),
            (true, false) => ridge + q * b + room_bag - p * a_gap,
            (false, _) => ridge + p * a + q * b - gamma,
        };
        (e, ridge + p * a * a_gap + q * b * b_gap)
    };
    let low = gamma / (lambda + p + q * tau);
    let high = gamma / lambda;
    let top = f64::MAX / 4.0;
    if high >= top && residual(top).0 < 0.0 {
        // The root is beyond the doubles: both groups with weight are saturated.
        let share = if tau > 0.0 { 1.0 } else { p };
        return Saturation { ridge: gamma - share, ..Saturation::at(f64::INFINITY, tau, 0.0) };
    }
    let delta = increasing_log_newton(residual, 0.5 * low, (2.0 * high).min(top), low);
    Saturation::at(delta, tau, lambda * delta)
}

/// Limit of the excess risk with ridge lambda > 0 (AGG-5 i).
///
/// delta is the positive root of `lambda delta + p delta/(1+delta) + (1-p) tau delta/(1+tau delta) = gamma`;
/// bias and variance are (A5) with `F = gamma/(s+lambda)^2`, `1 - FG = [lambda + p/(1+delta)^2 +
/// (1-p) tau/(1+tau delta)^2]/(s+lambda)`, evaluated in the bounded variables `delta/(1+delta)`,
/// `tau delta/(1+tau delta)` and `lambda delta`. lambda = 0 is answered by [`ridgeless_risk`].
///
/// Accuracy: a few tens of ulps times the conditioning, `1/sqrt(lambda)` at gamma = 1 if gamma was rounded by the caller
/// (gamma = 1 itself is exact). About 6 to 10 Newton steps, no allocation.
///
/// # Errors
/// [`AggregateError`] unless lambda is finite and at least 0, or when a result leaves the range of doubles.
pub fn ridge_limit(
    problem: &IsotropicLimit,
    mixing: Mixing,
    lambda: f64,
) -> Result<RidgeLimit, AggregateError> {
    InputError::check_nonnegative("lambda", lambda)?;
    let (gamma, k) = (problem.gamma(), problem.k());
    let p = 1.0 / k;
    let (state, risk) = if lambda > 0.0 {
        let state = saturation(gamma, k, mixing, lambda);
        (state, state.risk(p, gamma, problem.r2(), problem.s2()))
    } else {
        (ridgeless_point(gamma, k, mixing), ridgeless_risk(problem, mixing))
    };
    in_range("bias", risk.bias2)?;
    in_range("variance", risk.var)?;
    let s = if state.delta.is_infinite() {
        0.0
    } else {
        p * state.bag_gap + charge(state.within_gap, mixing.tau()) * (1.0 - p)
    };
    Ok(RidgeLimit { delta: state.delta, s, risk })
}

/// One evaluation of [`ridge_limits`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RidgeQuery {
    /// Sizes and energies.
    pub problem: IsotropicLimit,
    /// Weight rho.
    pub mixing: Mixing,
    /// Ridge.
    pub lambda: f64,
}

/// [`ridge_limit`] of many queries into a reused vector, in order: above a million a second and core, no allocation once
/// the vector has its size.
///
/// # Errors
/// As [`ridge_limit`], at the first query that is refused; `out` then holds the answers before it.
pub fn ridge_limits(queries: &[RidgeQuery], out: &mut Vec<RidgeLimit>) -> Result<(), AggregateError> {
    out.clear();
    out.reserve(queries.len());
    for query in queries {
        out.push(ridge_limit(&query.problem, query.mixing, query.lambda)?);
    }
    Ok(())
}

/// The fixed point at lambda = 0; delta = inf where the estimator interpolates.
///
/// At the left limit rho -> 1- with 1/k < gamma < 1, delta diverges while tau delta stays finite, at
/// the value which the shares of the within-bag rows then need.
pub(super) fn ridgeless_point(gamma: f64, k: f64, mixing: Mixing) -> Saturation {
    let room = one_minus_product(k, gamma);
    let p = 1.0 / k;
    if k == 1.0 || mixing.is_bag_level() || (mixing.is_left_limit() && room >= 0.0) {
        let tau = if k == 1.0 { mixing.tau() } else { 0.0 };
        return if room > 0.0 {
            Saturation::at(k * gamma / room, tau, 0.0)
        } else {
            Saturation { ridge: -room / k, ..Saturation::at(f64::INFINITY, tau, 0.0) }
        };
    }
    if gamma >= 1.0 {
        let everything = Saturation::at(f64::INFINITY, 1.0, 0.0);
        return Saturation { ridge: gamma - 1.0, ..everything };
    }
    if mixing.is_left_limit() {
        let q = (k - 1.0) / k;
        // p + (1-p) a_B = gamma.
        let within = -room / k / q;
        let within_gap = (1.0 - gamma) / q;
        debug_assert!(p < gamma);
        return Saturation { delta: f64::INFINITY, bag: 1.0, bag_gap: 0.0, within, within_gap, ridge: 0.0 };
    }
    ridgeless_saturation(gamma, k, mixing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ULPS: f64 = 32.0 * f64::EPSILON;

    /// `ridge + p a_A + (1-p) a_B = gamma` with complements that add to 1, at every point, interpolation included; the risk
    /// from the ingredients is the closed form.
    #[test]
    fn every_point_solves_the_fixed_point_equation() {
        let mixings = [0.0, 0.3, 0.999, 1.0].map(|rho| Mixing::new(rho).expect("in [0, 1]"));
        for gamma in [0.01, 0.2, 0.25, 0.4, 0.75, 1.0, 1.3, 5.0, 1e6] {
            for k in [1.0, 1.5, 4.0, 80.0] {
                for mixing in mixings.into_iter().chain([Mixing::LEFT_OF_ONE]) {
                    let (p, q) = (1.0 / k, (k - 1.0) / k);
                    let case = format!("{gamma} {k} {mixing:?}");
                    let still = ridgeless_point(gamma, k, mixing);
                    let points = [1e-300, 1e-12, 0.3, 10.0, 1e300].map(|l| saturation(gamma, k, mixing, l));
                    for point in points.into_iter().chain([still]) {
                        assert!((point.bag + point.bag_gap - 1.0).abs() <= ULPS, "{case} {point:?}");
                        assert!((point.within + point.within_gap - 1.0).abs() <= ULPS, "{case} {point:?}");
                        let sum = point.ridge + p * point.bag + q * point.within;
                        assert!((sum / gamma - 1.0).abs() <= ULPS, "{case} {sum} {point:?}");
                    }
                    let problem = IsotropicLimit::new(gamma, k, 1.3, 0.7).expect("valid");
                    let (found, closed) = (still.risk(p, gamma, 1.3, 0.7), ridgeless_risk(&problem, mixing));
                    for (a, b) in [(found.bias2, closed.bias2), (found.var, closed.var)] {
                        // Bias 0: what is left of a sum that cancels to the rounding of the leverages, squared.
                        assert!(a == b || (a - b).abs() <= 1e3 * ULPS * b.max(ULPS), "{case} {a} {b}");
                    }
                }
            }
        }
    }
}
