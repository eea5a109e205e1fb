//! When does the instance-level loss beat the bag-level loss? (AGG-8)
use solvable_model::InputError;

use super::risk::one_minus_product;

/// Critical signal-to-noise ratio `r2/s2` below which the ridgeless instance-level estimator has the smaller
/// limiting risk; 0 = never, `+inf` = always (AGG-8). Isotropic covariates, k > 1.
///
/// With p = 1/k:
/// - `k gamma < 1`: `k gamma (k+1-k gamma) / [(1-k gamma)(k-1-k gamma+2 gamma)]`;
/// - `k gamma = 1`: `+inf`;
/// - `p < gamma < 1`: `max(0, gamma (1-gamma-gamma^2+p gamma) / [(gamma-p)(1-3gamma+3gamma^2+p gamma(1-2gamma))])`;
/// - `gamma >= 1`: 0.
///
/// Denominators are positive and evaluated as sums: `k-1-k gamma+2 gamma = (k-1)(1-gamma) + gamma`,
/// `1-3gamma+3gamma^2 = (1-gamma)^3 + gamma^3`; the numerator of the third line changes sign, at an isolated point.
///
/// # Errors
/// [`InputError`] unless gamma is finite and positive and k is finite and greater than 1 (at k = 1 the
/// estimators coincide).
pub fn critical_snr(gamma: f64, k: f64) -> Result<f64, InputError> {
    InputError::check_positive("gamma", gamma)?;
    let condition = "finite and greater than 1 (both estimators coincide at k = 1)";
    InputError::check("k", k, k.is_finite() && k > 1.0, condition)?;
    let room = one_minus_product(k, gamma);
    if gamma >= 1.0 {
        return Ok(0.0);
    }
    if room > 0.0 {
        return Ok(k * gamma * (k + room) / (room * ((k - 1.0) * (1.0 - gamma) + gamma)));
    }
    if room == 0.0 {
        return Ok(f64::INFINITY);
    }
    let (p, above) = (1.0 / k, -room / k);
    let numerator = gamma * ((1.0 - gamma) - gamma * above);
    let shape = (1.0 - gamma).powi(3) + gamma * (gamma * gamma + p * (1.0 - 2.0 * gamma));
    Ok((numerator / (above * shape)).max(0.0))
}
