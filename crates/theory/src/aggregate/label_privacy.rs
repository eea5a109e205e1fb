//! Label privacy: the noise it adds, its exact privacy loss, and clipping at a fixed level (AGG-11, AGG-12).
use solvable_model::InputError;
use solvable_model::aggregate::{GroupedLimit, IsotropicLimit, LabelPrivacy, Mixing, RowGroup, SpectrumPart};

use super::equivalent::{Equivalent, channel_left_limit, equivalent};
use super::error::AggregateError;
use super::risk::one_minus_product;

/// Noise of the release on one bag mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaplaceNoise {
    /// Laplace scale `2T/(k eps)`.
    pub scale: f64,
    /// Its variance, `2 scale^2`.
    pub variance: f64,
    /// Effective label noise `s2 + kappa/k`, `kappa = 8 T^2/eps^2`: the variance of `sqrt(k)` times a released mean.
    pub s2_eff: f64,
}

/// `kappa = 8 T^2/eps^2`; 0 without noise.
#[must_use]
pub fn noise_of_privacy(privacy: &LabelPrivacy) -> f64 {
    privacy.epsilon().map_or(0.0, |epsilon| {
        let ratio = privacy.clip_level() / epsilon;
        8.0 * ratio * ratio
    })
}

/// The noise that bags of `k` labels with individual noise variance `s2` receive (AGG-11).
///
/// # Errors
/// [`InputError`] unless `k >= 1` and `s2 >= 0` are finite.
pub fn laplace_noise(privacy: &LabelPrivacy, k: f64, s2: f64) -> Result<LaplaceNoise, InputError> {
    InputError::check("k", k, k.is_finite() && k >= 1.0, "finite and at least 1")?;
    InputError::check_nonnegative("s2", s2)?;
    let scale = privacy.laplace_scale(k);
    Ok(LaplaceNoise { scale, variance: 2.0 * scale * scale, s2_eff: s2 + noise_of_privacy(privacy) / k })
}

/// Exact worst-case log-ratio of the densities of a released mean of `k` labels under Laplace noise of the given
/// `scale`, when one label changes: `2 T/(k scale)`, attained in the tails by labels -T and T (AGG-11).
///
/// It equals eps at [`LabelPrivacy::laplace_scale`], and exceeds it for any smaller scale.
///
/// # Errors
/// [`InputError`] unless `k >= 1` and `scale > 0` are finite.
pub fn label_privacy_loss(privacy: &LabelPrivacy, k: f64, scale: f64) -> Result<f64, InputError> {
    InputError::check("k", k, k.is_finite() && k >= 1.0, "finite and at least 1")?;
    InputError::check_positive("scale", scale)?;
    // Divided one by one: neither product overflows, so that huge arguments give a ratio and not inf/inf.
    Ok(2.0 * (privacy.clip_level() / k / scale))
}

/// Bound `min(1, n erfc(T/(v sqrt 2)))` on the probability that any of n labels N(0, v^2) is clipped (AGG-11).
///
/// # Errors
/// [`InputError`] unless `n >= 1` and `v > 0`.
pub fn clipping_probability_bound(privacy: &LabelPrivacy, n: usize, v: f64) -> Result<f64, InputError> {
    InputError::check_count("n", n)?;
    InputError::check_positive("v", v)?;
    let tail = libm::erfc(privacy.clip_level() / v * std::f64::consts::FRAC_1_SQRT_2);
    Ok((n as f64 * tail).min(1.0))
}

/// Clipping of N(0, v^2) at T as a linear channel (AGG-12).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClippedLabel {
    /// Gain `mu = P(|y| < T)`.
    pub mu: f64,
    /// `E clip(y)^2`.
    pub second_moment: f64,
    /// `second_moment - mu^2 r2`: variance of the clipped label around `mu x' theta*`.
    pub residual: f64,
}

/// Moments of a clipped Gaussian label of signal r2 and noise s2 (AGG-12): with `v^2 = r2 + s2`, `h = T/v`,
/// `mu = erf(h/sqrt 2)`, `M2 = v^2 [mu - 2 h phi(h)] + T^2 (1 - mu)`, residual `M2 - mu^2 r2`.
///
/// `mu - 2 h phi(h) = P(chi^2_3 < h^2)` cancels for small h and is then its power series, all terms positive. The residual is
/// `v^2 Q + mu^2 s2` with `Q = Var(clip(z) - mu z)`, z ~ N(0,1): for h < 1 from the same series, for h >= 1 as
/// `E (|z|-h)_+^2 - (1-mu)^2`, from the continued fraction of repeated integrals of erfc.
///
/// # Errors
/// [`InputError`] unless the energies are finite, at least 0, and not both 0.
pub fn clipped_label(clip: f64, r2: f64, s2: f64) -> Result<ClippedLabel, InputError> {
    InputError::check_positive("T", clip)?;
    InputError::check_nonnegative("r2", r2)?;
    InputError::check_nonnegative("s2", s2)?;
    let v2 = r2 + s2;
    if v2 == 0.0 {
        // The label is 0 and never clipped.
        return Ok(ClippedLabel { mu: 1.0, second_moment: 0.0, residual: 0.0 });
    }
    InputError::check_finite("r2 + s2", v2)?;
    let h = clip / v2.sqrt();
    let x = h * std::f64::consts::FRAC_1_SQRT_2;
    let (mu, lost) = (libm::erf(x), libm::erfc(x));
    let (inside, spread) = if h < 1.0 {
        let inside = chi3_probability(h);
        // M2/v^2 - mu^2; at h = 1 the terms are .52 and .47, at h -> 0 in ratio 1 : 2/pi.
        (inside, (inside + h * h * lost - mu * mu).max(0.0))
    } else {
        let phi = (-0.5 * h * h).exp() * FRAC_1_SQRT_2PI;
        // h * phi vanishes before h can overflow it.
        let edge = if phi == 0.0 { 0.0 } else { 2.0 * h * phi };
        (mu - edge, (excess_moment(h, lost, phi) - lost * lost).max(0.0))
    };
    let outer = if lost == 0.0 { 0.0 } else { h * h * lost };
    Ok(ClippedLabel { mu, second_moment: v2 * (inside + outer), residual: v2 * spread + mu * mu * s2 })
}

/// 1/sqrt(2 pi).
const FRAC_1_SQRT_2PI: f64 = 0.398_942_280_401_432_7;

/// `P(chi^2_3 < h^2) = 2 phi(h) sum_n h^(3+2n)/(3 * 5 * ... * (2n+3))` for small h.
fn chi3_probability(h: f64) -> f64 {
    let h2 = h * h;
    let mut term = 1.0 / 3.0;
    let mut sum = term;
    let mut n = 1.0;
    while term > sum * 0.1 * f64::EPSILON {
        term *= h2 / (2.0 * n + 3.0);
        sum += term;
        n += 1.0;
    }
    2.0 * FRAC_1_SQRT_2PI * (-0.5 * h2).exp() * h * h2 * sum
}

/// `E (|z| - h)_+^2 = 4 i2erfc(h/sqrt 2)`.
///
/// From h = 2 on, ratios of repeated integrals by their continued fraction
/// `i^n/i^(n-1) = (1/2)/(x + (n+1)/2/(x + (n+2)/2/(x + ...)))`; below, `(1+h^2) lost - 2 h phi`, whose terms
/// are less than 20 times their difference.
fn excess_moment(h: f64, lost: f64, phi: f64) -> f64 {
    if h < 2.0 {
        return (1.0 + h * h) * lost - 2.0 * h * phi;
    }
    let x = h * std::f64::consts::FRAC_1_SQRT_2;
    // The error falls like exp(-2 x sqrt(2 levels)): below an ulp at x = sqrt 2.
    let ratio = |n: f64| {
        let mut t = x;
        for level in (1..=120).rev() {
            t = x + 0.5 * (n + f64::from(level)) / t;
        }
        0.5 / t
    };
    4.0 * lost * ratio(1.0) * ratio(2.0)
}

/// Limiting risk of the private estimator with clipping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClippedRisk {
    /// Gain, second moment and residual variance of a clipped label.
    pub label: ClippedLabel,
    /// The deterministic equivalent; its total is the risk against theta*.
    pub equivalent: Equivalent,
}

/// Limit of the excess risk when labels are clipped at a fixed T and bag means are released with Laplace noise (AGG-12).
///
/// (A4) with groups A (1/k, weight 1, target mu, noise `M2 - mu^2 r2 + kappa/k`) and B (1 - 1/k, weight tau, target 0,
/// no noise), isotropic covariates, Gaussian label noise. lambda = 0 gives the ridgeless limit; a left limit rho -> 1- is
/// taken after it, and differs from rho = 1 where gamma exceeds 1/k.
/// `equivalent.bias2` is the part from the signal (shrinkage by mu included), `equivalent.var` that of all noise.
///
/// # Errors
/// [`AggregateError`] for lambda outside [0, inf), or results out of range.
pub fn clipped_risk(
    problem: &IsotropicLimit,
    mixing: Mixing,
    lambda: f64,
    privacy: &LabelPrivacy,
) -> Result<ClippedRisk, AggregateError> {
    InputError::check_nonnegative("lambda", lambda)?;
    let (k, r2) = (problem.k(), problem.r2());
    let label = clipped_label(privacy.clip_level(), r2, problem.s2())?;
    let noise = label.residual + noise_of_privacy(privacy) / k;
    let (gamma, room) = (problem.gamma(), one_minus_product(k, problem.gamma()));
    let beyond = lambda == 0.0 && mixing.is_left_limit() && room < 0.0;
    if beyond && gamma < 1.0 {
        let equivalent = channel_left_limit((gamma, k, room), (r2, label.mu, noise))?;
        return Ok(ClippedRisk { label, equivalent });
    }
    // From gamma = 1 on every rho < 1 gives the same interpolator.
    let mixing = if beyond { Mixing::INSTANCE } else { mixing };
    let groups = vec![
        RowGroup { fraction: 1.0 / k, row_weight: 1.0, target: label.mu, noise_variance: noise },
        RowGroup { fraction: (k - 1.0) / k, row_weight: mixing.tau(), target: 0.0, noise_variance: 0.0 },
    ];
    let parts = vec![SpectrumPart { sigma: 1.0, weight: problem.gamma(), theta2: r2 }];
    let equivalent = equivalent(&GroupedLimit::new(groups, parts)?, lambda)?;
    Ok(ClippedRisk { label, equivalent })
}
