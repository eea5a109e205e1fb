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
/// `t - eta* tr(Lambda^2 Psi)` would cancel. The traces are those of Lambda over its largest eigenvalue, so that no power
/// of it leaves the range of `f64` before eta does. O(d^3), O(d) when both are diagonal.
///
/// # Errors
/// [`IclError::NoLabels`] or [`IclError::NoCovariates`] when `tr(Lambda S) = 0`: every step gives the same loss;
/// [`IclError::NotRepresentable`] when the step or its loss overflows.
pub fn best_scalar_step(law: &Whitened) -> Result<ScalarStep, IclError> {
    law.check_labels()?;
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
    let top = law.lambda().largest_eigenvalue();
    if top == 0.0 {
        return Err(IclError::NoCovariates);
    }
    // eta* top = tr(l^2 psi) / ((1+e) tr(l^3 psi) + noise tr(l^2)), l = lambda/top, psi and noise = b/top over their maximum.
    let noise = finite("(tr(Lambda Psi) + sigma2)/(N |Lambda|)", b / top)?;
    let unit = prior.iter().copied().fold(noise, f64::max);
    if unit == 0.0 {
        return Err(IclError::NoLabels);
    }
    let relative: Vec<f64> = lambda.iter().map(|l| l / top).collect();
    let power = |k: i32| -> f64 { (0..d).rev().map(|i| relative[i].powi(k) * (prior[i] / unit)).sum() };
    let squares: f64 = relative.iter().rev().map(|l| l * l).sum();
    let curvature = (1.0 + e) * power(3) + noise / unit * squares;
    let eta = finite("eta", power(2) / curvature / top)?;
    let loss = (0..d)
        .rev()
        .map(|i| {
            let (l, p) = (lambda[i], prior[i]);
            l * p * (1.0 - eta * l).powi(2) + (eta * l).powi(2) * (e * l * p + b)
        })
        .sum();
    Ok(ScalarStep { eta, loss: finite("L(eta I)", loss)? })
}
