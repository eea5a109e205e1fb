//! Attention on features of the covariates: kernel gradient descent (ICL-38).
use super::Prompt;
use crate::InputError;

/// A positive semidefinite kernel `k(u, v) = phi(u)'phi(v)`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kernel {
    /// `u'v`: plain covariates.
    Linear,
    /// `(1 + u'v)^2`.
    Quadratic,
}

impl Kernel {
    /// k(u, v).
    #[must_use]
    pub fn value(self, u: &[f64], v: &[f64]) -> f64 {
        let product: f64 = u.iter().zip(v).map(|(a, b)| a * b).sum();
        match self {
            Self::Linear => product,
            Self::Quadratic => (1.0 + product) * (1.0 + product),
        }
    }

    /// Features phi(u) with `phi(u)'phi(v) = k(u, v)`; of the quadratic kernel `(1, sqrt2 u_i, u_i^2, sqrt2 u_i u_j)`.
    #[must_use]
    pub fn features(self, u: &[f64]) -> Vec<f64> {
        match self {
            Self::Linear => u.to_vec(),
            Self::Quadratic => {
                let root = core::f64::consts::SQRT_2;
                let mut phi = vec![1.0];
                phi.extend(u.iter().map(|x| root * x));
                phi.extend(u.iter().map(|x| x * x));
                for (i, x) in u.iter().enumerate() {
                    phi.extend(u[..i].iter().map(|y| root * x * y));
                }
                phi
            }
        }
    }

    /// The prompt whose covariates are the features.
    ///
    /// # Errors
    /// [`InputError`] when a feature overflows.
    pub fn feature_prompt(self, prompt: &Prompt) -> Result<Prompt, InputError> {
        let row = |i: usize| (0..prompt.dimension()).map(|j| prompt.x[(i, j)]).collect::<Vec<_>>();
        let rows: Vec<Vec<f64>> = (0..prompt.context()).map(|i| self.features(&row(i))).collect();
        let query = self.features(&prompt.query);
        let x = solvable_linalg::Mat::from_fn(rows.len(), query.len(), |i, j| rows[i][j]);
        Prompt::new(x, prompt.y.clone(), query)
    }
}

/// The state after the last layer.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelTokens {
    /// Minus the label slot of the query.
    pub prediction: f64,
    /// Label slots of the examples: residuals.
    pub residuals: Vec<f64>,
}

/// K layers of attention with scores `k(x_i, x_j)`: `r_j <- r_j - (eta/N) sum_i k(x_i, x_j) r_i`, r = y on the examples
/// and 0 on the masked query at the start; the prediction is minus the query's slot (ICL-38).
///
/// The same as [`AttentionStack::descent`](super::AttentionStack::descent) on the features. O(N^2 (d + K)).
///
/// # Errors
/// [`InputError`] when N = 0, or a step is, or a slot becomes, not finite.
pub fn kernel_descent(kernel: Kernel, prompt: &Prompt, etas: &[f64]) -> Result<KernelTokens, InputError> {
    let n = prompt.context();
    InputError::check_count("N", n)?;
    InputError::check_vector("etas", etas)?;
    let rows: Vec<Vec<f64>> =
        (0..n).map(|i| (0..prompt.dimension()).map(|j| prompt.x[(i, j)]).collect()).collect();
    let scores: Vec<Vec<f64>> =
        rows.iter().map(|u| rows.iter().map(|v| kernel.value(u, v)).collect()).collect();
    let to_query: Vec<f64> = rows.iter().map(|u| kernel.value(u, &prompt.query)).collect();
    let weighted = |k: &[f64], r: &[f64]| k.iter().zip(r).map(|(a, b)| a * b).sum::<f64>();
    let mut residuals = prompt.y.clone();
    let mut slot = 0.0;
    for eta in etas {
        let step = eta / n as f64;
        slot -= step * weighted(&to_query, &residuals);
        let updates: Vec<f64> = scores.iter().map(|k| step * weighted(k, &residuals)).collect();
        residuals.iter_mut().zip(&updates).for_each(|(r, u)| *r -= u);
    }
    InputError::check_vector("label slots after the last layer", &residuals)?;
    InputError::check_finite("prediction", slot)?;
    Ok(KernelTokens { prediction: -slot, residuals })
}

#[cfg(test)]
mod tests {
    use solvable_linalg::Mat;

    use super::super::{AttentionStack, QueryToken};
    use super::*;

    #[test]
    fn features_in_plain_attention_are_kernel_attention() {
        let x = Mat::from_fn(5, 3, |i, j| ((3 * i + 5 * j) % 7) as f64 / 4.0 - 0.75);
        let prompt = Prompt::new(x, vec![1.0, -0.5, 0.25, 2.0, -1.0], vec![0.5, -0.25, 0.75]).expect("valid");
        let etas = [0.1, 0.05, 0.2];
        for kernel in [Kernel::Linear, Kernel::Quadratic] {
            let found = kernel_descent(kernel, &prompt, &etas).expect("valid");
            let lifted = kernel.feature_prompt(&prompt).expect("finite");
            let stack =
                AttentionStack::descent(lifted.dimension(), &etas, QueryToken::Masked).expect("valid");
            let z = stack.forward(&lifted).expect("valid");
            let last = lifted.dimension();
            assert!((found.prediction + z[(last, 5)]).abs() <= 64.0 * f64::EPSILON, "{found:?}");
            for (i, r) in found.residuals.iter().enumerate() {
                assert!((r - z[(last, i)]).abs() <= 64.0 * f64::EPSILON);
            }
        }
    }
}
