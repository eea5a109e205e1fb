//! Comparison with the Bayes predictor, generalised ridge regression (ICL-7).
use solvable_model::InputError;

use super::error::finite;
use super::{IclError, Whitened};

const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// `sum_i beta_i sigma2 / (sigma2 + N beta_i)`: a lower bound of the Bayes risk, for every N (ICL-7).
///
/// Jensen's inequality for the matrix inverse in `E tr(B^-1 + Z'Z/sigma2)^-1`. The upper bound is [`minimum`](super::minimum):
/// one-layer linear attention is one of the predictors the Bayes predictor beats. Defined for a fixed context
/// length and Gaussian covariates. O(d).
///
/// # Errors
/// [`IclError::Input`] for random lengths or elliptical covariates; [`IclError::NotRepresentable`] on overflow.
pub fn bayes_lower_bound(law: &Whitened) -> Result<f64, IclError> {
    law.check_plain()?;
    let s = law.sigma2() * law.inverse_length();
    if s == 0.0 {
        return Ok(0.0);
    }
    // beta s / (s + beta), divided by the larger of the two.
    let term = |&beta: &f64| if beta >= s { s / (1.0 + s / beta) } else { beta / (1.0 + beta / s) };
    finite("lower bound", law.spectrum().iter().rev().map(term).sum())
}

/// The Bayes risk in dimension 1, `E[1/(1/beta + chi^2_N/sigma2)] = (sigma2/2) e^h h^(N/2-1) Gamma(1 - N/2, h)` with
/// `h = sigma2/(2 beta)` (ICL-7).
///
/// Gaussian prior of variance beta (in units where the covariate has variance 1) and Gaussian noise; 0 without prior
/// or without noise.
///
/// Algorithm: `h^(N/2-1) e^h Gamma(1-N/2, h) = int_0^inf e^(-h v) (1+v)^(-N/2) dv =: F_p`, p = N/2, the scaled exponential
/// integral. Legendre's continued fraction (modified Lentz) for h > 1 or N > 40; below, `F_1/2 = sqrt(pi/h) e^h erfc(sqrt
/// h)` or `F_1 = -e^h (gamma + ln h + sum (-h)^k/(k k!))` and the recursion `p F_{p+1} = 1 - h F_p`, whose errors shrink by
/// h/p a step. Relative error below 1e-14.
///
/// # Errors
/// [`IclError::Input`] when a variance is negative or not finite or N = 0.
///
/// ```
/// let risk = solvable_theory::icl::scalar_bayes_risk(1.3, 0.4, 4)?;
/// assert!((risk - 0.148_226_103_506_92).abs() < 1e-14);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn scalar_bayes_risk(beta: f64, sigma2: f64, length: usize) -> Result<f64, IclError> {
    InputError::check_nonnegative("beta", beta)?;
    InputError::check_nonnegative("sigma2", sigma2)?;
    InputError::check_count("N", length)?;
    if beta == 0.0 || sigma2 == 0.0 {
        return Ok(0.0);
    }
    let p = 0.5 * length as f64;
    let h = 0.5 * (sigma2 / beta);
    if h > 1e17 * p.max(1.0) {
        // h F_p = 1 - p/h + ...: the data say nothing.
        return Ok(beta);
    }
    let scaled = if h > 1.0 || length > 40 {
        continued_fraction(p, h)
    } else {
        // Where h underflows, its logarithm comes from those of its parts.
        let half = 0.5 * sigma2;
        let log = if h >= f64::MIN_POSITIVE { h.ln() } else { half.ln() - beta.ln() };
        let (mut value, mut order) = if length % 2 == 1 {
            let root = half.sqrt() / beta.sqrt();
            (core::f64::consts::PI.sqrt() / root * h.exp() * libm::erfc(root), 0.5)
        } else {
            let series: f64 = {
                let (mut term, mut sum) = (1.0, 0.0);
                for k in 1..40 {
                    term *= -h / f64::from(k);
                    sum += term / f64::from(k);
                }
                sum
            };
            (-h.exp() * (EULER_GAMMA + log + series), 1.0)
        };
        while order + 0.5 < p {
            value = (1.0 - h * value) / order;
            order += 1.0;
        }
        value
    };
    finite("Bayes risk", 0.5 * sigma2 * scaled)
}

/// `1/(h + p/(1 + 1/(h + (p+1)/(1 + 2/(h + ...)))))` in its contracted form, by modified Lentz.
fn continued_fraction(p: f64, h: f64) -> f64 {
    let mut b = h + p;
    let mut c = f64::INFINITY;
    let mut d = 1.0 / b;
    let mut value = d;
    for k in 1..10_000 {
        let k = f64::from(k);
        let a = -k * (k - 1.0 + p);
        b += 2.0;
        d = 1.0 / (b + a * d);
        c = b + a / c;
        let step = c * d;
        value *= step;
        if (step - 1.0).abs() < 0.5 * f64::EPSILON {
            break;
        }
    }
    value
}
