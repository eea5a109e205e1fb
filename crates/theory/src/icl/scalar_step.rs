//! The best multiple of the identity (ICL-6).
use solvable_linalg::dot;

use super::error::finite;
use super::{IclError, Whitened};

/// The best scalar step and its loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScalarStep {
    /// eta*.
    pub eta: f64,
    /// L(eta* I).
    pub loss: f64,
}

/// `eta* = tr(Lambda^2 Psi) / ((1+e) tr(Lambda^3 Psi) + b tr(Lambda^2))` and `L(eta* I)`: the best matrix of the form
/// eta I (ICL-6), plain gradient descent with one step.
///
/// The loss is evaluated as bias plus variance, `sum_i lambda_i psi_i (1 - eta lambda_i)^2 + eta^2 sum_i (e lambda_i^3
/// psi_i + b lambda_i^2)` with psi_i the diagonal of Psi in the eigenbasis of Lambda: positive terms, where
/// `t - eta* tr(Lambda^2 Psi)` would cancel. O(d^3), O(d) when both are diagonal.
///
/// # Errors
/// [`IclError::NoLabels`] when `tr(Lambda S) = 0`: every step gives the same loss.
pub fn best_scalar_step(law: &Whitened) -> Result<ScalarStep, IclError> {
    let lambda = law.lambda().eigenvalues();
    let v = law.lambda().eigenvectors();
    let psi = law.psi().matrix();
    let d = law.dimension();
    let diagonal = law.lambda().is_diagonal() && law.psi().is_diagonal();
    let prior: Vec<f64> = (0..d)
        .map(|k| {
            let axis: Vec<f64> = (0..d).map(|i| v[(i, k)]).collect();
            if diagonal {
                let i = axis.iter().position(|&x| x == 1.0).unwrap_or(k);
                return psi[(i, i)];
            }
            let image: Vec<f64> = (0..d).map(|j| (0..d).map(|i| axis[i] * psi[(i, j)]).sum()).collect();
            dot(&image, &axis).max(0.0)
        })
        .collect();
    let (e, b) = (law.excess(), law.noise());
    let power = |k: i32| -> f64 { (0..d).rev().map(|i| lambda[i].powi(k) * prior[i]).sum() };
    let squares: f64 = lambda.iter().rev().map(|l| l * l).sum();
    let curvature = (1.0 + e) * power(3) + b * squares;
    if curvature == 0.0 {
        return Err(IclError::NoLabels);
    }
    let eta = finite("eta", power(2) / finite("tr(Lambda S)", curvature)?)?;
    let loss = (0..d)
        .rev()
        .map(|i| {
            let (l, p) = (lambda[i], prior[i]);
            l * p * (1.0 - eta * l).powi(2) + (eta * l).powi(2) * (e * l * p + b)
        })
        .sum();
    Ok(ScalarStep { eta, loss: finite("L(eta I)", loss)? })
}
