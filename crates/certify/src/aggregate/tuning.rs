//! Thresholds and optima of bags: critical signal-to-noise ratio, best bag sizes, Bayes risk.
use solvable_model::InputError;

use super::{BagProblem, bag_risk};
use crate::{CertifyError, Interval};

/// Encloses the critical signal-to-noise ratio of AGG-8; `None` where it is infinite (k gamma = 1).
///
/// gamma is an exact double, k a whole number at least 2: which case applies is decided exactly.
///
/// # Errors
/// [`CertifyError::Input`] unless gamma is positive and k at least 2.
pub fn critical_snr(gamma: f64, k: u64) -> Result<Option<Interval>, CertifyError> {
    InputError::check_positive("gamma", gamma)?;
    if k < 2 {
        let condition = "at least 2: bags of one make both losses equal";
        return Err(InputError::Count { argument: "k".into(), value: k, condition }.into());
    }
    let one = Interval::one();
    let g = Interval::exact(gamma)?;
    let k = Interval::from(i64::try_from(k).unwrap_or(i64::MAX));
    let product = k.clone() * g.clone();
    if gamma >= 1.0 {
        return Ok(Some(Interval::zero()));
    }
    let excess = product.clone() - one.clone();
    if excess.is_negative() {
        let above = product.clone() * (k.clone() + one.clone() - product.clone());
        let below = (one.clone() - product.clone()) * (k - one - product + g.scaled(1));
        return Ok(Some((above / below)?));
    }
    if !excess.is_positive() {
        return Ok(None);
    }
    let p = (one.clone() / k)?;
    let square = g.square();
    let above = g.clone() * (one.clone() - g.clone() - square.clone() + p.clone() * g.clone());
    let inner = one.clone() - Interval::from(3) * g.clone()
        + Interval::from(3) * square
        + p.clone() * g.clone() * (one - g.scaled(1));
    let ratio = (above / ((g - p) * inner))?;
    Ok(Some(ratio.max(&Interval::zero())))
}

/// Encloses the best real bag size of the instance level without ridge and privacy (AGG-9), at least 1; `None` where it is
/// infinite.
///
/// # Errors
/// [`CertifyError::Input`] unless 0 < gamma < 1/2 and the energies are finite and not negative;
/// [`CertifyError::Undecided`] where the denominator cannot be told from 0.
pub fn best_bag_size(gamma: f64, r2: f64, s2: f64) -> Result<Option<Interval>, CertifyError> {
    bag_size(gamma, r2, s2, &Interval::zero())
}

/// As [`best_bag_size`], with labels clipped to [-T, T] and Laplace noise for epsilon-label privacy on each bag mean (AGG-11):
/// `k* = max(1, 2 (r2 (1 - 2 gamma) + gamma kappa)/D)`, `kappa = 8 T^2/epsilon^2`, D as without privacy.
///
/// # Errors
/// As [`best_bag_size`], and [`CertifyError::Input`] unless T and epsilon are positive.
pub fn private_bag_size(
    gamma: f64,
    r2: f64,
    s2: f64,
    clip: f64,
    epsilon: f64,
) -> Result<Option<Interval>, CertifyError> {
    InputError::check_positive("T", clip)?;
    InputError::check_positive("eps", epsilon)?;
    let kappa = (Interval::exact(clip)? / Interval::exact(epsilon)?)?.square().scaled(3);
    bag_size(gamma, r2, s2, &kappa)
}

fn bag_size(gamma: f64, r2: f64, s2: f64, kappa: &Interval) -> Result<Option<Interval>, CertifyError> {
    InputError::check("gamma", gamma, gamma > 0.0 && gamma < 0.5, "between 0 and 1/2")?;
    InputError::check_nonnegative("r2", r2)?;
    InputError::check_nonnegative("s2", s2)?;
    let (g, r, s) = (Interval::exact(gamma)?, Interval::exact(r2)?, Interval::exact(s2)?);
    let one = Interval::one();
    let below = r.scaled(1) * (one.clone() - g.clone()) - g.clone() * (r.clone() + s);
    if below == Interval::zero() || below.is_negative() {
        return Ok(None);
    }
    if !below.is_positive() {
        let near = below.midpoint();
        return Err(CertifyError::Undecided { left: "2 r2 (1 - gamma)", right: "gamma (r2 + s2)", near });
    }
    let above = (r * (one.clone() - g.scaled(1)) + g * kappa.clone()).scaled(1);
    let size = (above / below)?;
    Ok(Some(size.max(&one)))
}

/// The optimal ridge of the bag level and the risk that no estimator linear in the bag means beats.
#[derive(Clone, Debug)]
pub struct CertifiedBayes {
    /// `gamma sigma^2/r^2`.
    pub lambda: Interval,
    /// The limiting risk there.
    pub risk: Interval,
}

/// Encloses the Bayes risk of bags in the isotropic limit (AGG-10): the positive root of `R^2 + b R = r2 s2`,
/// `b = s2 + r2/(k gamma) - r2`, by the form without cancellation.
///
/// # Errors
/// [`CertifyError::Input`] unless gamma and r2 are positive, k is at least 1 and s2 at least 0.
pub fn bayes_risk(gamma: f64, k: f64, r2: f64, s2: f64) -> Result<CertifiedBayes, CertifyError> {
    InputError::check_positive("gamma", gamma)?;
    InputError::check("k", k, k.is_finite() && k >= 1.0, "finite and at least 1")?;
    InputError::check_positive("r2", r2)?;
    InputError::check_nonnegative("s2", s2)?;
    let (gamma, k) = (Interval::exact(gamma)?, Interval::exact(k)?);
    let (r2, s2) = (Interval::exact(r2)?, Interval::exact(s2)?);
    let b = s2.clone() + (r2.clone() / (k * gamma.clone()))? - r2.clone();
    let product = r2.clone() * s2.clone();
    let root = (b.square() + product.scaled(2)).sqrt()?;
    let risk = if b.is_positive() { (product.scaled(1) / (b + root))? } else { (root - b).scaled(-1) };
    Ok(CertifiedBayes { lambda: (gamma * s2 / r2)?, risk })
}

/// How much more than the Bayes risk the estimator at (rho, lambda) has in the limit: never negative (AGG-10).
///
/// # Errors
/// As [`bayes_risk`] and [`bag_risk`].
pub fn bayes_gap(
    (gamma, k): (f64, f64),
    (r2, s2): (f64, f64),
    rho: f64,
    lambda: f64,
) -> Result<Interval, CertifyError> {
    let best = bayes_risk(gamma, k, r2, s2)?.risk;
    let (weight, theta2) = ([gamma], [r2]);
    let problem = BagProblem { k, rho, lambda, sigma2: s2, sigma: &[1.0], weight: &weight, theta2: &theta2 };
    Ok(bag_risk(&problem)?.risk() - best)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference numbers of the specification; the first two are whole.
    #[test]
    fn bayes_risks() {
        for (gamma, k, r2, s2, risk) in [(0.25, 4.0, 1.0, 0.5, 0.5), (0.5, 2.0, 2.0, 1.0, 1.0)] {
            let best = bayes_risk(gamma, k, r2, s2).expect("valid");
            assert!(best.risk.contains(risk) && best.risk.width() < 1e-50, "{}", best.risk);
            assert!(best.lambda.contains(gamma * s2 / r2));
            // Attained there, and nowhere below.
            assert!(bayes_gap((gamma, k), (r2, s2), 1.0, gamma * s2 / r2).expect("valid").contains_zero());
            for (rho, lambda) in [(1.0, 0.2), (0.5, 0.125), (0.0, 0.01), (0.9, 3.0)] {
                assert!(bayes_gap((gamma, k), (r2, s2), rho, lambda).expect("valid").is_positive());
            }
        }
        let best = bayes_risk(1.3, 3.0, 1.0, 0.2).expect("valid");
        assert!((best.risk.midpoint() - 0.795123117099853).abs() < 1e-15);
        assert_eq!(bayes_risk(0.5, 1.0, 1.0, 0.0).expect("valid").risk, Interval::zero());
        assert!(bayes_risk(0.0, 1.0, 1.0, 1.0).is_err() && bayes_risk(1.0, 0.5, 1.0, 1.0).is_err());
        assert!(bayes_risk(1.0, 1.0, 0.0, 1.0).is_err() && bayes_risk(1.0, 1.0, 1.0, -1.0).is_err());
    }

    #[test]
    fn private_bag_sizes() {
        for (gamma, r2, s2, clip, epsilon, k) in [
            (0.2, 1.0, 0.5, 3.0, 1.0, 23.0769230769231),
            (0.1, 1.0, 1.0, 3.0, 0.5, 37.0),
            (0.3, 2.0, 0.5, 4.0, 2.0, 10.1463414634146),
        ] {
            let x = private_bag_size(gamma, r2, s2, clip, epsilon).expect("valid").expect("finite");
            assert!((x.midpoint() / k - 1.0).abs() < 1e-14, "{x} {k}");
        }
        assert!(private_bag_size(0.2, 1.0, 0.5, 0.0, 1.0).is_err());
        assert!(private_bag_size(0.2, 1.0, 0.5, 1.0, f64::INFINITY).is_err());
    }
}
