//! Learning from bags: enclosures of the fixed point and the limiting risk (AGG-4, AGG-5), of the critical signal-to-noise
//! ratio (AGG-8), of the best bag size with and without privacy (AGG-9, AGG-11), and of the Bayes risk (AGG-10).
mod tuning;

pub use tuning::{CertifiedBayes, bayes_gap, bayes_risk, best_bag_size, critical_snr, private_bag_size};

use solvable_model::InputError;

use crate::{CertifyError, Interval, enclose_root, newton};

/// A bag problem in the proportional limit, with a ridge: eigenvalues, their multiplicities over n, and the energies of
/// theta* in the eigenspaces.
#[derive(Clone, Copy, Debug)]
pub struct BagProblem<'a> {
    /// Bag size, at least 1.
    pub k: f64,
    /// Weight of the bag-level loss, in [0, 1].
    pub rho: f64,
    /// Ridge, greater than 0.
    pub lambda: f64,
    /// Noise variance.
    pub sigma2: f64,
    /// Distinct eigenvalues of the covariance.
    pub sigma: &'a [f64],
    /// Multiplicity over n of each.
    pub weight: &'a [f64],
    /// Energy of theta* in each eigenspace.
    pub theta2: &'a [f64],
}

/// Enclosures of the deterministic equivalent.
#[derive(Clone, Debug)]
pub struct CertifiedRisk {
    /// The fixed point delta, unique.
    pub delta: Interval,
    /// s at the fixed point.
    pub s: Interval,
    /// Limit of the squared bias.
    pub bias2: Interval,
    /// Limit of the variance.
    pub var: Interval,
}

impl CertifiedRisk {
    /// Bias plus variance.
    #[must_use]
    pub fn risk(&self) -> Interval {
        self.bias2.clone() + self.var.clone()
    }
}

/// The problem in exact intervals.
struct Exact {
    p: Interval,
    q: Interval,
    tau: Interval,
    lambda: Interval,
    sigma: Vec<Interval>,
    weight: Vec<Interval>,
}

impl Exact {
    /// `p/(1 + delta)^i` and `(1 - p) tau^i/(1 + tau delta)^i`, i = 1, 2.
    fn groups(&self, delta: &Interval, power: u32) -> Result<(Interval, Interval), CertifyError> {
        let one = Interval::one();
        let a = (self.p.clone() / (one.clone() + delta.clone()).powi(power))?;
        let b =
            ((self.q.clone() * self.tau.powi(power)) / (one + self.tau.clone() * delta.clone()).powi(power))?;
        Ok((a, b))
    }

    fn s(&self, delta: &Interval) -> Result<Interval, CertifyError> {
        let (a, b) = self.groups(delta, 1)?;
        Ok(a + b)
    }

    /// `sum_j weight_j sigma_j^i / (s sigma_j + lambda)^m`.
    fn trace(&self, s: &Interval, i: u32, m: u32) -> Result<Interval, CertifyError> {
        self.sigma.iter().zip(&self.weight).try_fold(Interval::zero(), |sum, (sigma, weight)| {
            let below = (s.clone() * sigma.clone() + self.lambda.clone()).powi(m);
            Ok(sum + (weight.clone() * sigma.powi(i) / below)?)
        })
    }

    /// `phi(delta) = s delta - (1/n) tr(s Sigma (s Sigma + lambda)^-1)`, strictly increasing.
    fn phi(&self, delta: &Interval) -> Result<Interval, CertifyError> {
        let s = self.s(delta)?;
        Ok(s.clone() * delta.clone() - s.clone() * self.trace(&s, 1, 1)?)
    }

    /// `phi'(delta) = sum_g p_g w_g/(1 + w_g delta)^2 + lambda G E_2 > 0`.
    fn slope(&self, delta: &Interval) -> Result<Interval, CertifyError> {
        let s = self.s(delta)?;
        let one = Interval::one();
        let a = (self.p.clone() / (one.clone() + delta.clone()).square())?;
        let b = ((self.q.clone() * self.tau.clone()) / (one + self.tau.clone() * delta.clone()).square())?;
        let (ga, gb) = self.groups(delta, 2)?;
        Ok(a + b + self.lambda.clone() * (ga + gb) * self.trace(&s, 1, 2)?)
    }
}

/// Encloses delta, s, bias and variance of the deterministic equivalent of bags (AGG-4; isotropic: AGG-5 (i)).
///
/// delta is bracketed by certified signs of the increasing function phi, then shrunk by interval Newton steps; the slope phi'
/// is certified positive, so that it is the only solution. Risks follow by (A5) with the cancellation-free (A6).
///
/// # Errors
/// [`CertifyError::Input`] when a number is outside its domain; [`CertifyError::NoRoot`] when no sign change is certified.
///
/// ```
/// use solvable_certify::aggregate::{BagProblem, bag_risk};
/// // Isotropic, bags of one: lambda delta^2 + (lambda + 1 - gamma) delta = gamma; here 2 delta^2 + 2 delta = 1.
/// let one = [1.0];
/// let problem =
///     BagProblem { k: 1.0, rho: 0.0, lambda: 2.0, sigma2: 1.0, sigma: &one, weight: &one, theta2: &one };
/// let risk = bag_risk(&problem)?;
/// assert!((risk.delta.midpoint() - (3f64.sqrt() - 1.0) / 2.0).abs() < 1e-15 && risk.delta.width() < 1e-40);
/// # Ok::<(), solvable_certify::CertifyError>(())
/// ```
pub fn bag_risk(problem: &BagProblem<'_>) -> Result<CertifiedRisk, CertifyError> {
    check(problem)?;
    let one = Interval::one();
    let k = Interval::exact(problem.k)?;
    let p = (one.clone() / k)?;
    let list = |values: &[f64]| values.iter().map(|&v| Interval::exact(v)).collect::<Result<Vec<_>, _>>();
    let exact = Exact {
        q: one.clone() - p.clone(),
        p,
        tau: one - Interval::exact(problem.rho)?,
        lambda: Interval::exact(problem.lambda)?,
        sigma: list(problem.sigma)?,
        weight: list(problem.weight)?,
    };
    let near = approximate(problem);
    let root = enclose_root(near, |x| exact.phi(x), Some(&|x| exact.slope(x)))?;
    let delta = newton(root.interval()?, |x| exact.phi(x), |x| exact.slope(x))?;
    let s = exact.s(&delta)?;
    let (s_a, s_b) = exact.groups(&delta, 1)?;
    let (g_a, g_b) = exact.groups(&delta, 2)?;
    let theta2 = list(problem.theta2)?;
    let energy = |above: &dyn Fn(&Interval) -> Interval| -> Result<Interval, CertifyError> {
        exact.sigma.iter().zip(&theta2).try_fold(Interval::zero(), |sum, (sigma, theta)| {
            let ratio = (above(sigma) / (s.clone() * sigma.clone() + exact.lambda.clone()))?;
            Ok(sum + sigma.clone() * ratio.square() * theta.clone())
        })
    };
    let a = energy(&|sigma| s_b.clone() * sigma.clone() + exact.lambda.clone())?;
    let c = energy(&|sigma| s_a.clone() * sigma.clone())?;
    let f = exact.trace(&s, 2, 2)?;
    // phi' = s (1 - F G).
    let remaining = (exact.slope(&delta)? / s.clone())?;
    let amplified = (f / remaining)?;
    let bias2 = a.clone() + amplified.clone() * (g_a.clone() * a + g_b * c);
    let var = Interval::exact(problem.sigma2)? * amplified * g_a;
    Ok(CertifiedRisk { delta, s, bias2, var })
}

fn check(problem: &BagProblem<'_>) -> Result<(), InputError> {
    InputError::check("k", problem.k, problem.k.is_finite() && problem.k >= 1.0, "finite and at least 1")?;
    InputError::check("rho", problem.rho, (0.0..=1.0).contains(&problem.rho), "in [0, 1]")?;
    InputError::check_positive("lam", problem.lambda)?;
    InputError::check_nonnegative("s2", problem.sigma2)?;
    InputError::check_count("sigma", problem.sigma.len())?;
    for (argument, list) in [("sigma", problem.sigma), ("weight", problem.weight), ("theta2", problem.theta2)]
    {
        if list.len() != problem.sigma.len() {
            let (found, expected) = ((list.len(), 1), (problem.sigma.len(), 1));
            return Err(InputError::Shape { argument: argument.into(), found, expected });
        }
        for &value in list {
            InputError::check(argument, value, value.is_finite() && value >= 0.0, "finite and at least 0")?;
        }
    }
    let any = problem.sigma.iter().zip(problem.weight).any(|(s, w)| s * w > 0.0);
    InputError::check("weight", 0.0, any, "positive at some positive eigenvalue")?;
    Ok(())
}

/// Bisection of phi over the logarithm of delta, in doubles: only a place to start.
fn approximate(problem: &BagProblem<'_>) -> f64 {
    let (p, tau) = (1.0 / problem.k, 1.0 - problem.rho);
    let phi = |delta: f64| {
        let s = p / (1.0 + delta) + (1.0 - p) * tau / (1.0 + tau * delta);
        let traced: f64 =
            problem.sigma.iter().zip(problem.weight).map(|(g, w)| w * g / (s * g + problem.lambda)).sum();
        delta - traced
    };
    let total: f64 = problem.sigma.iter().zip(problem.weight).map(|(g, w)| g * w).sum();
    let (mut low, mut high) = (f64::MIN_POSITIVE.ln(), (total / problem.lambda).ln() + 1e-9);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if phi(middle.exp()) < 0.0 { low = middle } else { high = middle }
    }
    (0.5 * (low + high)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference numbers of the specification.
    #[test]
    fn encloses_the_reference_numbers() {
        let close = |x: &Interval, value: f64| (x.midpoint() - value).abs() <= 4e-15 * value.abs();
        for (gamma, k, rho, lambda, r2, s2, delta, bias2, var) in [
            (0.25, 4.0, 0.5, 0.1, 1.0, 0.5, 0.428130916959707, 0.554506207165593, 0.0550095937647384),
            (0.25, 3.0, 0.7, 0.05, 1.5, 0.4, 0.579481696826041, 0.511145111397919, 0.0942040569611301),
            (1.5, 2.0, 0.3, 0.02, 1.0, 0.2, 27.1386423562241, 0.907138771932187, 0.159370218724171),
        ] {
            let (weight, energy) = ([gamma], [r2]);
            let problem =
                BagProblem { k, rho, lambda, sigma2: s2, sigma: &[1.0], weight: &weight, theta2: &energy };
            let risk = bag_risk(&problem).expect("certified");
            assert!(
                close(&risk.delta, delta) && close(&risk.bias2, bias2) && close(&risk.var, var),
                "{risk:?}"
            );
            for x in [&risk.delta, &risk.bias2, &risk.var, &risk.s] {
                let (low, high) = x.bounds();
                assert!(high <= low.next_up().next_up(), "wider than two units: {x}");
            }
        }
        let problem = BagProblem {
            k: 4.0,
            rho: 0.5,
            lambda: 0.05,
            sigma2: 0.5,
            sigma: &[2.0, 0.5, 0.05],
            weight: &[0.15, 0.1, 0.05],
            theta2: &[0.6, 0.9, 1.8],
        };
        let risk = bag_risk(&problem).expect("certified");
        assert!(close(&risk.delta, 0.520068872507242) && close(&risk.s, 0.462077145909733));
        assert!(close(&risk.bias2, 0.959403626859823) && close(&risk.var, 0.0674266122235663));
    }

    #[test]
    fn critical_ratios_and_bag_sizes() {
        for (gamma, k, value) in [
            (0.05, 4, 0.413793103448276),
            (0.1, 2, 0.7),
            (0.2, 4, 6.46153846153846),
            (0.5, 4, 3.0),
            (0.6, 2, 9.27272727272727),
        ] {
            let x = critical_snr(gamma, k).expect("valid").expect("finite");
            assert!((x.midpoint() - value).abs() < 1e-13 * value, "{gamma} {k}: {x}");
        }
        assert!(critical_snr(0.25, 4).expect("valid").is_none());
        assert_eq!(critical_snr(1.5, 4).expect("valid"), Some(Interval::zero()));
        // 0.9 and 3: the formula is negative and clamped.
        assert!(critical_snr(0.9, 3).expect("valid").expect("finite").contains(0.0));
        for (gamma, r2, s2, value) in [(0.1, 0.5, 1.0, 1.06666666666667), (0.3, 1.0, 1.5, 1.23076923076923)] {
            let x = best_bag_size(gamma, r2, s2).expect("valid").expect("finite");
            assert!((x.midpoint() - value).abs() < 1e-13);
        }
        assert!(best_bag_size(0.25, 0.1, 10.0).expect("valid").is_none());
        assert!(best_bag_size(0.25, 10.0, 0.1).expect("valid").expect("finite").contains(1.0));
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let one = [1.0];
        let good = BagProblem {
            k: 2.0,
            rho: 0.5,
            lambda: 0.1,
            sigma2: 1.0,
            sigma: &one,
            weight: &one,
            theta2: &one,
        };
        let bad = [
            BagProblem { lambda: 0.0, ..good },
            BagProblem { rho: 1.5, ..good },
            BagProblem { k: f64::NAN, ..good },
            BagProblem { sigma2: -1.0, ..good },
            BagProblem { weight: &[], ..good },
            BagProblem { theta2: &[f64::INFINITY], ..good },
            BagProblem { weight: &[0.0], ..good },
        ];
        assert!(bag_risk(&good).is_ok());
        for problem in bad {
            assert!(matches!(bag_risk(&problem), Err(CertifyError::Input(_))), "{problem:?}");
        }
        assert!(critical_snr(0.0, 2).is_err() && critical_snr(0.5, 1).is_err());
    }
}
