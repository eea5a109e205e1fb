//! Another context length at test time, and random lengths in training (ICL-5).
use solvable_model::icl::RegressionTask;
use solvable_model::{Covariance, InputError};

use super::error::finite;
use super::matrix::check_invertible;
use super::{IclError, Whitened};

/// The harmonic mean `1 / E[1/N_k]` of equally likely context lengths, the length that decides the optimum (ICL-5).
///
/// For a loss averaged over all positions 1..N it is `N / H_N`.
///
/// # Errors
/// [`IclError::Input`] when the list is empty or a length is 0.
pub fn harmonic_length(lengths: &[usize]) -> Result<f64, IclError> {
    InputError::check_count("number of lengths", lengths.len())?;
    for &length in lengths {
        InputError::check_count("lengths", length)?;
    }
    let inverse: f64 = lengths.iter().map(|&n| 1.0 / n as f64).sum();
    Ok(lengths.len() as f64 / inverse)
}

/// `L(A*_N; M) = sum_i [beta_i (1 - g_i)^2 + g_i^2 (beta_i + t + sigma2) / M]`, `g_i = beta_i / ((1+e) beta_i + b)`: the
/// risk of the length-N minimizer on prompts of M examples (ICL-5); t for M = 0.
///
/// Exact; affine in 1/M. The bias uses `1 - g = (e beta + b)/((1+e) beta + b)`, so that nothing cancels for large N. With
/// elliptical covariates `beta + t` becomes `(1 + 2 kappa) beta + (1 + kappa) t`. O(d).
///
/// # Errors
/// [`IclError::NoLabels`] when `t + sigma2 = 0`; [`IclError::NotRepresentable`] on overflow.
///
/// ```
/// use solvable_model::icl::RegressionTask;
/// use solvable_theory::icl::{Whitened, minimum, risk_at_length};
/// let w = Whitened::new(&RegressionTask::isotropic(3, 2.0, 0.5, 0.1, 7)?)?;
/// assert!((risk_at_length(&w, 7)? - minimum(&w)?).abs() < 1e-15);
/// assert_eq!(risk_at_length(&w, 0)?, 3.0);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn risk_at_length(law: &Whitened, length: usize) -> Result<f64, IclError> {
    law.check_labels()?;
    if length == 0 {
        return Ok(law.signal());
    }
    let inverse = 1.0 / length as f64;
    let variance: f64 = law
        .spectrum()
        .iter()
        .rev()
        .map(|&beta| {
            let g = law.gain(beta).0;
            g * (g * (law.unit_excess() * beta + law.label_power()))
        })
        .sum();
    finite("L(A*; M)", bias(law) + inverse * variance)
}

/// `sum_i beta_i (1 - g_i)^2`: what is left of [`risk_at_length`] as M grows, of order 1/N^2 (ICL-5). O(d).
///
/// # Errors
/// [`IclError::NoLabels`] when `t + sigma2 = 0`.
pub fn risk_floor(law: &Whitened) -> Result<f64, IclError> {
    law.check_labels()?;
    Ok(bias(law))
}

/// A published bound and the exact value it bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedBound {
    /// `(d+1) tr(Lambda)/M + (1 + 2d + d^2 kappa) tr(Lambda)/N^2`; infinite for M = 0.
    pub bound: f64,
    /// The risk of the trained predictor, ICL-5.
    pub exact: f64,
}

/// The risk bound of Zhang, Frei and Bartlett (Corollary 4.3) beside the exact risk, for Psi = I and no noise (ICL-10).
///
/// kappa is the condition number of Lambda. O(d).
///
/// # Errors
/// [`IclError::Input`] when N = 0 or Lambda is singular.
pub fn published_risk_bound(
    lambda: &Covariance,
    train_length: usize,
    length: usize,
) -> Result<PublishedBound, IclError> {
    check_invertible("Lambda", lambda, "the bound contains its condition number")?;
    let d = lambda.dimension();
    let task = RegressionTask::new(lambda.clone(), Covariance::isotropic("Psi", d, 1.0)?, 0.0, train_length)?;
    let exact = risk_at_length(&Whitened::new(&task)?, length)?;
    let (size, n) = (d as f64, train_length as f64);
    let kappa = lambda.largest_eigenvalue() / lambda.smallest_eigenvalue();
    let trace: f64 = lambda.eigenvalues().iter().rev().sum();
    let bound = if length == 0 {
        f64::INFINITY
    } else {
        trace * ((size + 1.0) / length as f64 + (1.0 + 2.0 * size + size * size * kappa) / n / n)
    };
    Ok(PublishedBound { bound, exact })
}

fn bias(law: &Whitened) -> f64 {
    law.spectrum().iter().rev().map(|&beta| beta * law.gain(beta).1.powi(2)).sum()
}
