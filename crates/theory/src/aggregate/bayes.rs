//! Optimal tuning: the bag-level ridge (AGG-10).
use solvable_model::InputError;
use solvable_model::aggregate::{IsotropicLimit, LabelPrivacy};

use super::label_privacy::noise_of_privacy;
use super::risk::one_minus_product;

/// The optimal ridge and its limiting risk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BayesRidge {
    /// `gamma s2 / r2`, at rho = 1; `+inf` without signal.
    pub lambda: f64,
    /// Limiting excess risk.
    pub risk: f64,
}

/// The best of all rotation-equivariant estimators linear in the bag means: rho = 1 with
/// `lambda* = gamma s2/r2` (AGG-10 a, exact at finite size), and its limiting risk (b).
///
/// The risk solves `R = r2 / (1 + r2/(k gamma (s2 + R)))`, that is `R = [-b + sqrt(b^2 + 4 r2 s2)]/2` with
/// `b = s2 + r2 (1 - k gamma)/(k gamma)`. For b > 0 the conjugate form avoids the cancellation. With `privacy` the
/// noise is `s2 + kappa/k`; lambda* changes with it.
///
/// # Errors
/// [`InputError`] when an intermediate leaves the range of doubles.
pub fn bayes_ridge(
    problem: &IsotropicLimit,
    privacy: Option<&LabelPrivacy>,
) -> Result<BayesRidge, InputError> {
    let (gamma, k, r2) = (problem.gamma(), problem.k(), problem.r2());
    let s2 = problem.s2() + privacy.map_or(0.0, noise_of_privacy) / k;
    if r2 == 0.0 {
        return Ok(BayesRidge { lambda: if s2 == 0.0 { 0.0 } else { f64::INFINITY }, risk: 0.0 });
    }
    let load = k * gamma;
    let b = s2 + if load.is_finite() { r2 * (one_minus_product(k, gamma) / load) } else { -r2 };
    let root = b.hypot(2.0 * r2.sqrt() * s2.sqrt());
    // An infinite denominator would make the risk 0; halves of the least doubles would make it 0/0.
    let reach = if root < 1.0 { 0.5 * (b.abs() + root) } else { 0.5 * b.abs() + 0.5 * root };
    let risk = if b > 0.0 { r2 * (s2 / reach) } else { reach };
    let lambda = gamma * (s2 / r2);
    for value in [reach, lambda] {
        InputError::check("r2", r2, value.is_finite(), "in the range of doubles with s2 and gamma")?;
    }
    Ok(BayesRidge { lambda, risk })
}
