//! The papers' normalisations and signs (ICL-4): the one place where they are converted.
//!
//! The chapter's predictor is `x_q' A s`, `s = (1/N) sum x_i y_i`.
//!
//! | paper | convention | A in the paper's symbols |
//! |---|---|---|
//! | Zhang, Frei, Bartlett | normaliser rho = N, query inside, half the loss | `u U'` |
//! | same with rho = N + 1 | | `N/(N+1) u U'` |
//! | Ahn et al. | masked query, prediction is minus the read-out | `-p Q11'`, p the lower-right entry of P |
//! | Mahankali, Hashimoto, Ma | no 1/n | `n eta I`, or `n eta Sigma^-1` when `Psi = tau^2 Sigma^-1` |
use solvable_linalg::{Mat, MatRef, diagonal};
use solvable_model::{Covariance, InputError};

use super::error::finite;
use super::matrix::{check_square, representable, triple};
use super::{IclError, Whitened, minimizer};

/// `A = (N / rho) u U'`: the effective matrix of a layer with p = q = 0 and normaliser rho (ICL-1, ICL-4).
///
/// # Errors
/// [`IclError::Input`] when U is not square or not finite, u is not finite, N is 0, or rho is not positive.
pub fn effective_matrix(
    u: f64,
    key_query: MatRef<'_, f64>,
    length: usize,
    rho: f64,
) -> Result<Mat<f64>, IclError> {
    check_square("U", key_query, key_query.nrows())?;
    InputError::check_finite("u", u)?;
    InputError::check_count("N", length)?;
    InputError::check_positive("rho", rho)?;
    let factor = length as f64 / rho * u;
    let d = key_query.nrows();
    representable("A", Mat::from_fn(d, d, |i, j| factor * key_query[(j, i)]))
}

/// `u U' = (rho / N) A*`: what the product of the factors must be at the optimum under the normaliser rho (ICL-4).
///
/// # Errors
/// As [`minimizer`], and when rho is not positive.
pub fn factor_product(law: &Whitened, rho: f64) -> Result<Mat<f64>, IclError> {
    InputError::check_positive("rho", rho)?;
    law.check_plain()?;
    let a = minimizer(law)?;
    let scale = rho * law.inverse_length();
    representable("u U'", Mat::from_fn(a.nrows(), a.ncols(), |i, j| scale * a[(i, j)]))
}

/// `eta = 1 / (n + d + 1 + sigma2/tau2)`: the optimal step of Mahankali, Hashimoto and Ma, who predict
/// `eta x_q' sum_i x_i y_i` without 1/n (ICL-4).
///
/// For `Lambda = I`, `Psi = tau2 I`; the same number for `Lambda = Sigma`, `Psi = tau2 Sigma^-1`, where the step is
/// `eta Sigma^-1`. Written `tau2 / ((n + d + 1) tau2 + sigma2)`: 0 without a prior.
///
/// # Errors
/// [`IclError::Input`] when d or n is 0, or a variance is negative or not finite; [`IclError::NoLabels`] when both
/// variances are 0.
pub fn unnormalised_step(d: usize, n: usize, tau2: f64, sigma2: f64) -> Result<f64, IclError> {
    check_isotropic(d, n, tau2, sigma2)?;
    let size = n as f64 + d as f64 + 1.0;
    // Dividing by the larger variance keeps the sum in range.
    finite(
        "eta",
        if tau2 >= sigma2 {
            1.0 / (size + sigma2 / tau2)
        } else {
            let q = tau2 / sigma2;
            q / (size * q + 1.0)
        },
    )
}

/// The same step by that paper's own route, `E[w_ridge' X'y] / E[y' X X' y]` (ICL-4).
///
/// The numerator is `E[w' X'y] = n tau2 d` by the tower rule, the denominator `n d [(n + 1 + d) tau2 + sigma2]`.
///
/// # Errors
/// As [`unnormalised_step`].
pub fn posterior_mean_step(d: usize, n: usize, tau2: f64, sigma2: f64) -> Result<f64, IclError> {
    check_isotropic(d, n, tau2, sigma2)?;
    let (d, n) = (d as f64, n as f64);
    let scale = tau2.max(sigma2);
    let (tau2, sigma2) = (tau2 / scale, sigma2 / scale);
    finite("eta", n * tau2 * d / (n * d * ((n + 1.0 + d) * tau2 + sigma2)))
}

fn check_isotropic(d: usize, n: usize, tau2: f64, sigma2: f64) -> Result<(), IclError> {
    InputError::check_count("d", d)?;
    InputError::check_count("n", n)?;
    InputError::check_nonnegative("tau2", tau2)?;
    InputError::check_nonnegative("sigma2", sigma2)?;
    if tau2 == 0.0 && sigma2 == 0.0 { Err(IclError::NoLabels) } else { Ok(()) }
}

/// `Q11 = -V diag(1 / ((n+1)/n lambda_i + (1/n) sum_k lambda_k)) V' = -Gamma^-1`: the upper-left block of the one-layer
/// minimizer of Ahn et al., with `P = e e'` on the last coordinate, Psi = I, no noise (ICL-4).
///
/// # Errors
/// [`IclError::Input`] when n is 0; [`IclError::NoLabels`] when Sigma = 0.
pub fn masked_query_block(sigma: &Covariance, n: usize) -> Result<Mat<f64>, IclError> {
    InputError::check_count("n", n)?;
    if sigma.largest_eigenvalue() == 0.0 {
        return Err(IclError::NoLabels);
    }
    let n = n as f64;
    let trace: f64 = sigma.eigenvalues().iter().rev().sum();
    let inverse: Vec<f64> =
        sigma.eigenvalues().iter().map(|l| -1.0 / ((n + 1.0) / n * l + trace / n)).collect();
    let v = sigma.eigenvectors();
    representable("Q11", triple(v, diagonal(&inverse).as_ref(), v.transpose()))
}
