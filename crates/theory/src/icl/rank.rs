//! The best matrix of rank k (ICL-16).
use solvable_linalg::Mat;
use solvable_model::InputError;

use super::error::finite;
use super::matrix::representable;
use super::{IclError, Whitened};

/// `L*_k = sum_{i<=k} beta_i (e beta_i + b)/((1+e) beta_i + b) + sum_{i>k} beta_i`: the least loss over matrices of rank
/// at most k (ICL-16).
///
/// Equal to `t - sum_{i<=k} beta_i^2/((1+e) beta_i + b)`, without its cancellation. `L*_0 = t`, `L*_d = L*`. O(d).
///
/// # Errors
/// [`IclError::Input`] when k > d; [`IclError::NoLabels`] when `t + sigma2 = 0`.
pub fn rank_minimum(law: &Whitened, k: usize) -> Result<f64, IclError> {
    check(law, k)?;
    let term = |(i, &beta): (usize, &f64)| if i < k { beta * law.gain(beta).1 } else { beta };
    finite("L_k", law.spectrum().iter().enumerate().rev().map(term).sum())
}

/// `A_k = Lambda^-1/2 (sum_{i<=k} g_i e_i e_i') Lambda^-1/2`: a matrix of rank at most k that attains it (ICL-16).
///
/// e_i are the eigenvectors of B. Computed as `sum_{i<=k} w_i w_i' / ((1+e) beta_i + b)`, `w_i = Psi^1/2 v_i`, which
/// needs no inverse. Where `beta_k = beta_{k+1}` the minimizer is not unique. O(k d^2).
///
/// # Errors
/// As [`rank_minimum`].
pub fn rank_minimizer(law: &Whitened, k: usize) -> Result<Mat<f64>, IclError> {
    check(law, k)?;
    let (a, b) = (1.0 + law.excess(), law.noise());
    let weight = |i: usize, beta: f64| if i < k && beta > 0.0 { 1.0 / (a * beta + b) } else { 0.0 };
    representable("A_k", law.combine(weight))
}

fn check(law: &Whitened, k: usize) -> Result<(), IclError> {
    law.check_labels()?;
    if k > law.dimension() {
        return Err(InputError::Count {
            argument: "k".into(),
            value: k as u64,
            condition: "at most the dimension d",
        }
        .into());
    }
    Ok(())
}
