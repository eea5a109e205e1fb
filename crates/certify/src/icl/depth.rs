//! The optimal risk of K layers in the limit of large dimension (ICL-47).
use solvable_model::InputError;

use crate::{CertifyError, Interval};

/// Depth beyond which the recursion is refused.
const LARGEST_DEPTH: u32 = 100_000;

/// Enclosures of the risk at depth K and of the Bayes risk.
#[derive(Clone, Debug)]
pub struct CertifiedDepth {
    /// `R*_K`.
    pub risk: Interval,
    /// `R*_infinity`, the risk of ridge regression.
    pub bayes: Interval,
    /// Their difference, not negative.
    pub gap: Interval,
}

/// Encloses the optimal risk at depth K for aspect ratio c and noise s (ICL-47) by the continued fraction
/// `u_K = 1/(1 + c + s - c u_(K-1))`, `R_K = 1 - u_K`, and the Bayes risk `(c - 1 - s + sqrt((1 + c + s)^2 - 4c))/(2c)`.
///
/// The residual form `R_K = (s + c R_(K-1))/(1 + s + c R_(K-1))` of the same fraction has positive terms only. O(K).
///
/// # Errors
/// [`CertifyError::Input`] unless c > 0, s >= 0, and K is at most 100000.
///
/// ```
/// use solvable_certify::icl::optimal_depth;
/// // Without noise 1/(1 + 1/c + ... + c^-K): 1/15 at c = 1/2, K = 3.
/// let at = optimal_depth(0.5, 0.0, 3)?;
/// assert!((at.risk.midpoint() * 15.0 - 1.0).abs() < 1e-15 && at.risk.width() < 1e-50);
/// # Ok::<(), solvable_certify::CertifyError>(())
/// ```
pub fn optimal_depth(c: f64, s: f64, depth: u32) -> Result<CertifiedDepth, CertifyError> {
    InputError::check_positive("c", c)?;
    InputError::check_nonnegative("s", s)?;
    if depth > LARGEST_DEPTH {
        let condition = "at most 100000";
        return Err(InputError::Count { argument: "K".into(), value: u64::from(depth), condition }.into());
    }
    let (c, s) = (Interval::exact(c)?, Interval::exact(s)?);
    let one = Interval::one();
    let mut risk = one.clone();
    for _ in 0..depth {
        let rest = s.clone() + c.clone() * risk;
        risk = (rest.clone() / (one.clone() + rest))?;
    }
    // c R^2 + (1 + s - c) R = s, by the form without cancellation.
    let b = one + s.clone() - c.clone();
    let root = (b.square() + (c.clone() * s.clone()).scaled(2)).sqrt()?;
    let bayes = if b.is_positive() { (s.scaled(1) / (b + root))? } else { ((root - b) / c.scaled(1))? };
    // The optimum never falls below ridge.
    let gap = (risk.clone() - bayes.clone()).nonnegative().unwrap_or_else(Interval::zero);
    Ok(CertifiedDepth { risk, bayes, gap })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_without_noise() {
        for (c, depth) in [(0.5, 1), (0.5, 10), (2.0, 4), (1.0, 7), (0.25, 30)] {
            let at = optimal_depth(c, 0.0, depth).expect("valid");
            let inverse = Interval::exact(1.0 / c).expect("finite");
            let sum = (0..=depth).fold(Interval::zero(), |sum, j| sum + inverse.powi(j));
            assert!((at.risk.clone() * sum).contains(1.0), "{c} {depth}");
            assert!(at.bayes.contains(if c > 1.0 { 1.0 - 1.0 / c } else { 0.0 }));
        }
        assert_eq!(optimal_depth(0.3, 0.1, 0).expect("valid").risk, Interval::one());
    }

    /// Reference numbers of the specification: c = 1/2, s = 1/10.
    #[test]
    fn noisy_limits() {
        let at = |k| optimal_depth(0.5, 0.1, k).expect("valid");
        assert!((at(2).risk.midpoint() - 0.2233009709).abs() < 1e-10);
        assert!((at(4).risk.midpoint() - 0.1577810771).abs() < 1e-10);
        assert!((at(4).bayes.midpoint() - 0.1483314774).abs() < 1e-10);
        assert!(at(1000).gap.contains_zero() && at(1000).gap.bounds().1 < 1e-50);
        for (c, s) in [(0.0, 0.1), (0.5, -0.1), (f64::NAN, 0.0), (0.5, f64::INFINITY)] {
            assert!(optimal_depth(c, s, 2).is_err());
        }
        assert!(optimal_depth(0.5, 0.1, 200_000).is_err());
    }
}
