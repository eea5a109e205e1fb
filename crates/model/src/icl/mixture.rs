//! Prompts whose law changes from prompt to prompt (ICL-11, 12), and priors with a mean (ICL-28).
use solvable_linalg::Mat;

use super::RegressionTask;
use crate::{Argument, Covariance, InputError};

/// Weights that sum to 1 within this are accepted, and renormalised.
const WEIGHT_TOLERANCE: f64 = 1e-12;

/// A finite mixture: a prompt follows the law of component k with probability `weights[k]`.
///
/// Components may differ in covariance, prior, noise and context length; the predictor does not know which one
/// it sees.
#[derive(Clone, Debug)]
pub struct PromptMixture {
    weights: Vec<f64>,
    components: Vec<RegressionTask>,
}

impl PromptMixture {
    /// States the mixture.
    ///
    /// # Errors
    /// [`InputError`] when there is no component, the numbers of weights and components or the dimensions
    /// differ, a weight is negative or not finite, or the weights do not sum to 1 within 1e-12.
    pub fn new(weights: &[f64], components: Vec<RegressionTask>) -> Result<Self, InputError> {
        let weights = check_weights(weights)?;
        if components.len() != weights.len() {
            return Err(InputError::Shape {
                argument: "components of the mixture".into(),
                found: (components.len(), 1),
                expected: (weights.len(), 1),
            });
        }
        let d = components[0].dimension();
        for (k, task) in components.iter().enumerate() {
            if task.dimension() != d {
                let found = (task.dimension(), task.dimension());
                return Err(InputError::Shape {
                    argument: Argument::indexed("Lambdas", k),
                    found,
                    expected: (d, d),
                });
            }
        }
        Ok(Self { weights, components })
    }

    /// Probabilities of the components.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Laws of the components.
    #[must_use]
    pub fn components(&self) -> &[RegressionTask] {
        &self.components
    }

    /// Dimension d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.components[0].dimension()
    }
}

/// Validated probabilities, scaled to sum to 1.
///
/// # Errors
/// [`InputError`] when the list is empty, a weight is negative or not finite, or the sum differs from 1 by more
/// than 1e-12.
pub fn check_weights(weights: &[f64]) -> Result<Vec<f64>, InputError> {
    InputError::check_count("number of weights", weights.len())?;
    for (k, &w) in weights.iter().enumerate() {
        let holds = w.is_finite() && w >= 0.0;
        InputError::check(Argument::indexed("weights", k), w, holds, "finite and at least 0")?;
    }
    let total: f64 = weights.iter().sum();
    InputError::check("sum of weights", total, (total - 1.0).abs() <= WEIGHT_TOLERANCE, "1 within 1e-12")?;
    Ok(weights.iter().map(|w| w / total).collect())
}

/// The second moment `cov + mean mean'` of a prior with a mean: all that predictors `x_q' A s` see of it (ICL-28).
///
/// # Errors
/// [`InputError`] when the lengths differ or an entry is not finite.
pub fn prior_second_moment(mean: &[f64], covariance: &Covariance) -> Result<Covariance, InputError> {
    let d = covariance.dimension();
    if mean.len() != d {
        let found = (mean.len(), 1);
        return Err(InputError::Shape { argument: "prior_mean".into(), found, expected: (d, 1) });
    }
    InputError::check_vector("prior_mean", mean)?;
    if mean.iter().all(|&m| m == 0.0) {
        return Ok(covariance.clone());
    }
    let m = covariance.matrix();
    let sum = Mat::from_fn(d, d, |i, j| m[(i, j)] + mean[i] * mean[j]);
    Covariance::dense("prior_cov + prior_mean prior_mean'", sum.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_a_mixture() {
        let task = |d| RegressionTask::isotropic(d, 1.0, 1.0, 0.0, 3).expect("valid");
        assert!(PromptMixture::new(&[0.4, 0.6], vec![task(2), task(2)]).is_ok());
        assert!(PromptMixture::new(&[], vec![]).is_err());
        assert!(PromptMixture::new(&[1.0], vec![task(2), task(2)]).is_err());
        assert!(PromptMixture::new(&[0.4, 0.5], vec![task(2), task(2)]).is_err());
        assert!(PromptMixture::new(&[1.5, -0.5], vec![task(2), task(2)]).is_err());
        let message = PromptMixture::new(&[0.5, 0.5], vec![task(2), task(3)]).expect_err("sizes").to_string();
        assert!(message.contains("Lambdas[1]"), "{message}");
    }
}
