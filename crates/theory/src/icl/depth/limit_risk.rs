//! Risks of given and of restricted schedules in the limit (ICL-48, 49, 50, 53, 58).
use solvable_model::InputError;

use super::search::{Search, best_two_corrected};
use super::{LARGEST_RULE, Schedule, SpectralRule, marchenko_pastur_edges};
use crate::icl::IclError;
use crate::icl::error::finite;
use crate::quadrature::{EndPoints, tanh_sinh};
use crate::roots::itp;

/// The risk over d tau2 of descent or GD++ as d/N -> c (ICL-48, ICL-53): `int p^2 d mu + s int lambda q^2 d mu`.
///
/// Exact: the (deg p + 1)-point Gauss rule of the Marchenko-Pastur law has positive weights and no discretisation error, so
/// that small risks keep their relative accuracy. (The same number from the semicircle law `lambda d mu`:
/// `1 - sum omega q (1 + p) + s sum omega q^2` on the nodes `1 + c + 2 sqrt(c) cos(k pi/(n+1))`, which cancels.) O(degree^2).
///
/// # Errors
/// [`IclError::Input`] unless c is positive, s at least 0 and the degree below [`LARGEST_RULE`];
/// [`IclError::NotRepresentable`] on overflow.
pub fn limit_risk(schedule: &Schedule, c: f64, s: f64) -> Result<f64, IclError> {
    let degree = schedule.degree();
    if degree >= LARGEST_RULE {
        let condition = "below 4096";
        let argument = "degree of the residual polynomial".into();
        return Err(InputError::Count { argument, value: degree as u64, condition }.into());
    }
    InputError::check_nonnegative("s", s)?;
    SpectralRule::marchenko_pastur(c, degree + 1)?.risk(|l| schedule.at(l), s)
}

/// The bulk of the Marchenko-Pastur law, for integrands given with their distances to the edges.
struct Bulk {
    c: f64,
    low: f64,
    width: f64,
}

impl Bulk {
    fn new(c: f64) -> Result<Self, IclError> {
        let (low, _) = marchenko_pastur_edges(c)?;
        Ok(Self { c, low, width: 4.0 * c.sqrt() })
    }

    /// Mass of the atom at 0.
    fn atom(&self) -> f64 {
        if self.c > 1.0 { (self.c - 1.0) / self.c } else { 0.0 }
    }

    /// `int f d mu` over the bulk; f is given the eigenvalue and its distance from the centre `1 + c`, and must be
    /// nonnegative.
    fn integrate(&self, f: impl Fn(f64, f64) -> f64) -> Result<f64, IclError> {
        const TOLERANCE: f64 = 1e-13;
        let norm = 2.0 * core::f64::consts::PI * self.c;
        let density = |e: EndPoints| {
            let lambda = self.low + e.from_a;
            f(lambda, 0.5 * (e.from_a - e.to_b)) * (e.from_a.sqrt() * e.to_b.sqrt()) / (norm * lambda)
        };
        let found = tanh_sinh(density, 0.0, self.width, TOLERANCE)?;
        // The last refinement is about the square of the one before.
        if found.error > 1e-8 * found.value {
            let (iterations, residual) = (found.evaluations, found.error / found.value);
            return Err(IclError::NotConverged { iterations, residual, tolerance: TOLERANCE });
        }
        Ok(found.value)
    }
}

/// A constant step and its risk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstantStep {
    /// The step.
    pub eta: f64,
    /// Its risk over d tau2.
    pub risk: f64,
}

/// The best constant step of K plain layers in the limit, and its risk (ICL-49 without noise, ICL-50 with).
///
/// * s = 0: `eta = 1/(1 + c)` for every K >= 1, `R = 1 - (1/(1+c)) sum_{j<K} Cat_j (c/(1+c)^2)^j`, evaluated as the positive
///   integral `int (1 - eta lambda)^2K d mu`.
/// * K = 1: `eta = 1/(1 + c + s)`.
/// * otherwise the global minimum: **R can have two local minima** (K even, s of order 1, c small). All sign changes of
///   `R' = 2K sum omega (1 - eta rho)^(K-1) (s q - p)` on a grid of at least 2000 points over (0, 3/lambda_+] are refined, the
///   smallest risk is returned.
///
/// K = 0 has risk 1 at any step; 0 is returned.
///
/// # Errors
/// [`IclError::Input`] unless c is positive and s at least 0; with noise and K >= 2 also when K reaches [`LARGEST_RULE`].
pub fn best_constant_step(layers: usize, c: f64, s: f64) -> Result<ConstantStep, IclError> {
    InputError::check_positive("c", c)?;
    InputError::check_nonnegative("s", s)?;
    if layers == 0 {
        return Ok(ConstantStep { eta: 0.0, risk: 1.0 });
    }
    if layers == 1 {
        let total = finite("1 + c + s", 1.0 + c + s)?;
        return Ok(ConstantStep { eta: 1.0 / total, risk: (c + s) / total });
    }
    if s == 0.0 {
        let bulk = Bulk::new(c)?;
        let power = 2.0 * layers as f64;
        // 1 - eta lambda = -(lambda - centre) eta.
        let inside = bulk.integrate(|_, offset| (offset.abs() / (1.0 + c)).powf(power))?;
        return Ok(ConstantStep { eta: 1.0 / (1.0 + c), risk: bulk.atom() + inside });
    }
    if layers >= LARGEST_RULE {
        let condition = "below 4096";
        return Err(InputError::Count { argument: "K".into(), value: layers as u64, condition }.into());
    }
    let rule = SpectralRule::marchenko_pastur(c, layers + 1)?;
    let k = layers as i32;
    let pair = |eta: f64, l: f64| constant_method(k, eta, l);
    // d mu carries lambda: omega = weight * node.
    let slope = |eta: f64| {
        rule.integrate(|l| {
            let (p, q) = pair(eta, l);
            l * (1.0 - eta * l).powi(k - 1) * (s * q - p)
        })
    };
    let top = 3.0 / marchenko_pastur_edges(c)?.1;
    let points = 2000.max(12 * layers);
    // Strong noise puts the minimum near 1/(K s), below the first grid point: geometric points come first.
    let grid = (1..=60)
        .rev()
        .map(|i| top / points as f64 * 2.0_f64.powi(-i))
        .chain((1..=points).map(|i| top * (i as f64 / points as f64)));
    let mut best: Option<ConstantStep> = None;
    let (mut before, mut falling) = (0.0, true);
    let mut consider = |eta: f64| -> Result<(), IclError> {
        let risk = rule.risk(|l| pair(eta, l), s)?;
        if best.is_none_or(|b| risk < b.risk) {
            best = Some(ConstantStep { eta, risk });
        }
        Ok(())
    };
    for eta in grid {
        let rising = slope(eta) >= 0.0;
        if falling && rising {
            let root = itp(slope, before, eta, 0.0).map_or(eta, |r| r.x);
            consider(root)?;
        }
        (before, falling) = (eta, !rising);
    }
    if falling {
        consider(before)?;
    }
    best.ok_or(IclError::NotRepresentable { quantity: "eta" })
}

/// `(p, q)` of K equal steps; `q = (1 - p)/lambda` through `expm1` where the factor is positive.
fn constant_method(k: i32, eta: f64, lambda: f64) -> (f64, f64) {
    let x = eta * lambda;
    let p = (1.0 - x).powi(k);
    let q = if x == 0.0 {
        f64::from(k) * eta
    } else if x < 0.5 {
        -(f64::from(k) * (-x).ln_1p()).exp_m1() / lambda
    } else {
        (1.0 - p) / lambda
    };
    (p, q)
}

/// The best two-layer GD++ found in the limit: value and parameters (ICL-53).
///
/// Damped least squares on the five-point Gauss rule (the residual polynomial has degree 4) from 210 starts; the best over
/// them, not proved global. Never below the optimal depth-4 risk, and close to it.
///
/// # Errors
/// [`IclError::Input`] unless c is positive and s at least 0.
pub fn best_two_layer_correction(c: f64, s: f64) -> Result<Search, IclError> {
    InputError::check_nonnegative("s", s)?;
    let rule = SpectralRule::marchenko_pastur(c, 5)?;
    best_two_corrected(&rule, s, finite("1 + c + s", 1.0 + c + s)?)
}

/// The risk of continuous depth, `eta = t/K`, K -> infinity: `p = e^(-t lambda)` (ICL-58).
///
/// `int p^2 d mu + s int lambda q^2 d mu`, `q = (1 - e^(-t lambda))/lambda` by `expm1`, a positive integrand, by the double exponential
/// rule, which resolves decay at any scale near the lower edge. Relative error about 1e-13.
///
/// # Errors
/// [`IclError::Input`] unless c is positive, s and t at least 0.
pub fn gradient_flow_risk(c: f64, s: f64, t: f64) -> Result<f64, IclError> {
    InputError::check_positive("c", c)?;
    InputError::check_nonnegative("s", s)?;
    InputError::check_nonnegative("t", t)?;
    if t == 0.0 {
        return Ok(1.0);
    }
    let bulk = Bulk::new(c)?;
    let inside = bulk.integrate(|l, _| {
        let decay = (-t * l).exp();
        let moved = -(-t * l).exp_m1();
        decay * decay + s * moved * (moved / l)
    })?;
    finite("R", bulk.atom() + inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether an integral is resolved depends on its relative error: jumps of any height are refused, smooth functions of any
    /// height are integrated.
    #[test]
    fn unresolved_integrals_are_refused_at_every_scale() {
        let bulk = Bulk::new(0.5).expect("positive");
        for height in [1e-250, 1e-20, 1.0, 1e20, 1e250] {
            let jump = bulk.integrate(|_, offset| if offset > 0.1234 { height } else { 0.0 });
            let refused =
                |e: &IclError| matches!(e, IclError::NotConverged { residual, .. } if *residual > 1e-8);
            assert!(jump.as_ref().is_err_and(refused), "{height}: {jump:?}");
            // Without atom the mean eigenvalue is 1.
            let mean = bulk.integrate(|lambda, _| height * lambda).expect("smooth");
            assert!((mean / height - 1.0).abs() < 1e-13, "{height}: {mean}");
        }
        assert_eq!(bulk.integrate(|_, _| 0.0).ok(), Some(0.0));
    }
}
