//! Optimal bag sizes, without and with label privacy (AGG-9, AGG-11).
use solvable_model::InputError;
use solvable_model::aggregate::{IsotropicLimit, LabelPrivacy, Mixing};

use super::isotropic::ridgeless_risk;
use super::label_privacy::noise_of_privacy;

/// Real-valued k >= 1 that minimises the limiting risk of the ridgeless instance-level estimator with label noise
/// `s2 + kappa/k`; `+inf` where the infimum is that of predicting 0 (AGG-9, AGG-11).
///
/// In p = 1/k the risk is, up to a positive factor and a constant, `C p^2 - D p` with
/// `C = r2 (1-2 gamma) + gamma kappa`, `D = 2 r2 (1-gamma) - gamma (r2+s2)` for gamma < 1, and
/// `C = gamma kappa - r2`, `D = r2 (gamma-2) - gamma s2` for gamma > 1.
/// - C > 0 (convex): `k* = max(1, 2C/D)` if D > 0, else `+inf`.
/// - C <= 0 (concave): the better end, k = 1 if C < D and `+inf` otherwise.
///
/// At gamma = 1 the variance is infinite for every k and the answer is `+inf`. `kappa = 8 T^2/eps^2`; `None` is
/// no privacy: then k = 1 is optimal for gamma < 1/2 exactly when `r2/s2 >= 1`. Clipping bias is ignored
/// (AGG-12 has it).
///
/// # Errors
/// [`InputError`] unless `gamma > 0`, `r2 >= 0`, `s2 >= 0`, all finite.
pub fn optimal_bag_size(
    gamma: f64,
    r2: f64,
    s2: f64,
    privacy: Option<&LabelPrivacy>,
) -> Result<f64, InputError> {
    let (c, d) = coefficients(gamma, r2, s2, privacy)?;
    if gamma == 1.0 {
        return Ok(f64::INFINITY);
    }
    Ok(if c > 0.0 {
        if d > 0.0 { (2.0 * (c / d)).max(1.0) } else { f64::INFINITY }
    } else if c < d {
        1.0
    } else {
        f64::INFINITY
    })
}

/// The integer bag size with the smallest limiting risk; `None` when it is infinite (predict 0).
///
/// The risk is quadratic in 1/k, so the better of `floor(k*)` and `ceil(k*)` is optimal; a tie goes to the
/// smaller bags.
///
/// # Errors
/// As [`optimal_bag_size`].
pub fn optimal_integer_bag_size(
    gamma: f64,
    r2: f64,
    s2: f64,
    privacy: Option<&LabelPrivacy>,
) -> Result<Option<f64>, InputError> {
    let k = optimal_bag_size(gamma, r2, s2, privacy)?;
    if k.is_infinite() {
        return Ok(None);
    }
    let (c, d) = coefficients(gamma, r2, s2, privacy)?;
    let (low, high) = (k.floor(), k.ceil());
    // C/low^2 - D/low <= C/high^2 - D/high.
    let better = c * (low + high) <= d * low * high || low == high;
    Ok(Some(if better { low } else { high }))
}

fn coefficients(
    gamma: f64,
    r2: f64,
    s2: f64,
    privacy: Option<&LabelPrivacy>,
) -> Result<(f64, f64), InputError> {
    InputError::check_positive("gamma", gamma)?;
    InputError::check_nonnegative("r2", r2)?;
    InputError::check_nonnegative("s2", s2)?;
    let kappa = privacy.map_or(0.0, noise_of_privacy);
    // Both are homogeneous in the energies.
    let scale = r2.max(s2).max(kappa);
    let unit = if scale > 0.0 { 1.0 / scale } else { 1.0 };
    let (r2, s2, kappa) = (r2 * unit, s2 * unit, kappa * unit);
    Ok(if gamma <= 1.0 {
        (r2 * (1.0 - 2.0 * gamma) + gamma * kappa, r2 * (2.0 - 3.0 * gamma) - gamma * s2)
    } else {
        (kappa - r2 / gamma, r2 * (1.0 - 2.0 / gamma) - s2)
    })
}

/// A bag size and its limiting risk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BagSizeChoice {
    /// Real-valued bag size; `+inf` means predict 0.
    pub k: f64,
    /// Limiting excess risk there.
    pub risk: f64,
}

/// Best bag size of the ridgeless bag-level estimator on the branch `k gamma > 1`, k >= 1 (AGG-11).
///
/// With `x = 1/(k gamma)` the risk `r2 (1-x) + (s2 + kappa gamma x) x/(1-x)` is convex, with derivative
/// `(s2 + kappa gamma)/(1-x)^2 - (r2 + kappa gamma)`; so `x* = 1 - sqrt((s2 + kappa gamma)/(r2 + kappa gamma))` when
/// r2 > s2, else x -> 0 (predict 0), and x is at most 1/gamma. Closed form, evaluated without cancellation.
///
/// # Errors
/// As [`optimal_bag_size`].
pub fn optimal_overparameterised_bag_size(
    gamma: f64,
    r2: f64,
    s2: f64,
    privacy: Option<&LabelPrivacy>,
) -> Result<BagSizeChoice, InputError> {
    let problem = IsotropicLimit::new(gamma, 1.0, r2, s2)?;
    let kappa = privacy.map_or(0.0, noise_of_privacy);
    if r2 <= s2 {
        return Ok(BagSizeChoice { k: f64::INFINITY, risk: r2 });
    }
    let (noise, signal) = (s2 + kappa * gamma, r2 + kappa * gamma);
    let ratio = noise / signal;
    let x = ((r2 - s2) / signal / (1.0 + ratio.sqrt())).min(1.0 / gamma);
    let k = (1.0 / (x * gamma)).max(1.0);
    if !k.is_finite() {
        return Ok(BagSizeChoice { k: f64::INFINITY, risk: r2 });
    }
    let problem = IsotropicLimit::new(problem.gamma(), k, r2, s2 + kappa / k)?;
    Ok(BagSizeChoice { k, risk: ridgeless_risk(&problem, Mixing::BAG).total() })
}
