//! The limit of large dimension: moments, optimal depth-K risk and steps, Bayes risk (ICL-41, 47, 52, 54).
use solvable_model::InputError;

use crate::icl::IclError;
use crate::icl::error::finite;

/// `mu_k(c) = sum_{j<k} c^j/(j+1) C(k, j) C(k-1, j)`: the k-th moment of the Marchenko-Pastur law, limit of
/// [`wishart_moment`](super::wishart_moment) as d/N -> c (ICL-41).
///
/// Positive terms by their ratio; a few k ulps. O(k).
///
/// # Errors
/// [`IclError::Input`] unless c is positive; [`IclError::NotRepresentable`] on overflow.
///
/// ```
/// assert!((solvable_theory::icl::marchenko_pastur_moment(3, 0.4)? - 2.36).abs() < 1e-15);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn marchenko_pastur_moment(k: usize, c: f64) -> Result<f64, IclError> {
    InputError::check_positive("c", c)?;
    let order = k as f64;
    let (mut term, mut sum, mut j) = (1.0, 1.0, 0.0);
    while j + 1.0 < order {
        let ratio = c * ((order - j) / (j + 1.0)) * ((order - 1.0 - j) / (j + 2.0));
        term *= ratio;
        sum += term;
        // Ratios decrease: a geometric tail below rounding.
        if !f64::is_finite(sum) || (ratio < 0.5 && term < 1e-18 * sum) {
            break;
        }
        j += 1.0;
    }
    finite("mu_k", sum)
}

/// Edges `(1 - sqrt c)^2`, `(1 + sqrt c)^2` of the bulk of the Marchenko-Pastur law; an atom of mass `1 - 1/c` sits at 0 when
/// c > 1.
///
/// # Errors
/// [`IclError::Input`] unless c is positive.
pub fn marchenko_pastur_edges(c: f64) -> Result<(f64, f64), IclError> {
    InputError::check_positive("c", c)?;
    let root = c.sqrt();
    let gap = (1.0 - c) / (1.0 + root);
    Ok((gap * gap, (1.0 + root) * (1.0 + root)))
}

/// `2/(1 + sqrt c)^2`: in the limit of large dimension, descent with constant step converges as depth grows exactly below
/// this (ICL-52). For one prompt replace the denominator by its largest eigenvalue. At finite size the mean risk diverges
/// with depth for every step.
///
/// # Errors
/// [`IclError::Input`] unless c is positive.
pub fn largest_convergent_step(c: f64) -> Result<f64, IclError> {
    Ok(2.0 / marchenko_pastur_edges(c)?.1)
}

/// `sqrt((1 - sqrt c)^2 + s) sqrt((1 + sqrt c)^2 + s)`, the discriminant of the limit formulas.
fn discriminant(c: f64, s: f64) -> f64 {
    let root = c.sqrt();
    let gap = (1.0 - c) / (1.0 + root);
    (gap * gap + s).sqrt() * ((1.0 + root) * (1.0 + root) + s).sqrt()
}

fn check(c: f64, s: f64) -> Result<(), IclError> {
    InputError::check_positive("c", c)?;
    InputError::check_nonnegative("s", s)?;
    finite("1 + c + s", 1.0 + c + s)?;
    Ok(())
}

/// The limit Bayes (ridge) risk over d tau2, `(c - 1 - s + D)/(2c)`, `D = sqrt((1-sqrt c)^2 + s) sqrt((1+sqrt c)^2 + s)` (ICL-54).
///
/// For s = 0 exactly `max(0, 1 - 1/c)`. The conjugate `2s/(D + 1 + s - c)` is used where the sum would cancel. O(1).
///
/// # Errors
/// [`IclError::Input`] unless c is positive and s is at least 0.
pub fn bayes_limit(c: f64, s: f64) -> Result<f64, IclError> {
    check(c, s)?;
    if s == 0.0 {
        return Ok(if c > 1.0 { (c - 1.0) / c } else { 0.0 });
    }
    let shift = c - 1.0 - s;
    let d = discriminant(c, s);
    // Halved first: the sums may overflow.
    let (shift, d) = (0.5 * shift, 0.5 * d);
    Ok(if shift >= 0.0 { (shift + d) / c } else { s / (d - shift) }.min(1.0))
}

/// The optimal depth-K risk in the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthRisk {
    /// R*_K over d tau2.
    pub risk: f64,
    /// The Bayes risk, its limit as K grows.
    pub bayes: f64,
    /// R*_K minus the Bayes risk.
    pub gap: f64,
}

/// `R*_K = 1 - (r/sqrt c) (1 - r^2K)/(1 - r^(2K+2))`, `r + 1/r = (1 + c + s)/sqrt c`, r <= 1: the least risk of any depth-K
/// polynomial method as d/N -> c, over d tau2 (ICL-47).
///
/// Without noise `1/(1 + c^-1 + ... + c^-K)`. Plain layers of scalar steps attain it for s = 0; with noise layers that
/// descend the ridge loss do.
///
/// Algorithm: the sum of the Bayes risk and the gap `(r/sqrt c) r^2K (1 - r^2)/(1 - r^(2K+2))`, both positive, so that no
/// accuracy is lost however small the result; `ln r = -asinh(D/(2 sqrt c))` keeps `1 - r` accurate near c = 1, s = 0, where
/// the ratio tends to 1/(K+1). O(1), no allocation.
///
/// # Errors
/// [`IclError::Input`] unless c is positive and s is at least 0.
///
/// ```
/// use solvable_theory::icl::optimal_depth_risk;
/// assert!((optimal_depth_risk(3, 0.5, 0.0)?.risk - 1.0 / 15.0).abs() < 1e-16);
/// assert!((optimal_depth_risk(40, 0.1, 0.0)?.risk / 9e-41 - 1.0).abs() < 1e-14);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn optimal_depth_risk(layers: usize, c: f64, s: f64) -> Result<DepthRisk, IclError> {
    let bayes = bayes_limit(c, s)?;
    let k = layers as f64;
    let d = discriminant(c, s);
    let root = c.sqrt();
    // r/sqrt c, and r^2 = c (r/sqrt c)^2.
    let slope = if s == 0.0 { 1.0 / c.max(1.0) } else { 1.0 / (0.5 * (1.0 + c + s) + 0.5 * d) };
    if layers == 0 {
        return Ok(DepthRisk { risk: 1.0, bayes, gap: slope });
    }
    let decrement = 2.0 * (0.5 * (d / root)).asinh();
    // Near r = 1 the logarithm is the accurate one: a power would multiply the rounding of r by 2K.
    let power = if s == 0.0 {
        c.powf(if c < 1.0 { k } else { -k })
    } else if decrement < 2.0 {
        (-k * decrement).exp()
    } else {
        (root * slope).powf(2.0 * k)
    };
    let ratio = if decrement == 0.0 {
        1.0 / (k + 1.0)
    } else {
        (-decrement).exp_m1() / (-(k + 1.0) * decrement).exp_m1()
    };
    let gap = slope * power * ratio;
    Ok(DepthRisk { risk: bayes + gap, bayes, gap })
}

/// `eta_k = 1/(1 + c + s + 2 sqrt(c) cos(k pi/(K+1)))`, ascending: the steps of the optimal depth-K method, taken on the ridge loss
/// `w <- w - eta [(S + s I) w - b]`; plain descent for s = 0 (ICL-47).
///
/// Denominators are formed as distances from the lower edge. O(K).
///
/// # Errors
/// [`IclError::Input`] unless c is positive, s is at least 0 and K at most [`LARGEST_LIST`](solvable_model::LARGEST_LIST);
/// [`IclError::NotRepresentable`] on overflow.
pub fn optimal_limit_steps(layers: usize, c: f64, s: f64) -> Result<Vec<f64>, IclError> {
    check(c, s)?;
    InputError::check_list("K", layers)?;
    let (low, _) = marchenko_pastur_edges(c)?;
    let root = c.sqrt();
    // cos^2(k pi/(2K+2)) = sin^2((K+1-k) pi/(2K+2)).
    (1..=layers)
        .map(|k| {
            let half = 0.5 * core::f64::consts::PI * ((layers + 1 - k) as f64 / (layers as f64 + 1.0));
            finite("eta", 1.0 / (low + s + 4.0 * root * half.sin().powi(2)))
        })
        .collect()
}
