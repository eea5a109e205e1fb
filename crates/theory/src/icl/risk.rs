//! Risk of any predictor matrix, on the training law (ICL-2), shifted prompts (ICL-8) or a general law (ICL-9).
use solvable_linalg::{Mat, MatRef, frobenius_norm, matmul};
use solvable_model::icl::{RegressionTask, TestMoments, TestPrompts};
use solvable_model::{Covariance, InputError};

use super::error::finite;
use super::matrix::{
    check_square, column, factor, representable, squared_length, squared_norm_between, triple,
};
use super::{IclError, Whitened};

/// The population loss and its gradient at a matrix.
#[derive(Clone, Debug)]
pub struct LossAndGradient {
    /// L(A).
    pub loss: f64,
    /// The gradient of L with respect to A.
    pub grad: Mat<f64>,
}

/// `S = E s s' = (1 + 1/N) Lambda Psi Lambda + (t + sigma2)/N Lambda` (ICL-2).
///
/// # Errors
/// [`IclError::NotRepresentable`] when an entry overflows.
pub fn second_moment(law: &Whitened) -> Result<Mat<f64>, IclError> {
    representable("S", law.statistic())
}

/// `L(A) = E (x_q' A s - w'x_q)^2` and `grad L = 2 Lambda A S - 2 Lambda Psi Lambda` (ICL-2, ICL-3).
///
/// Exact for every N and every d x d matrix A, symmetric or not; the target is noiseless. The value is [`risk`] on
/// the training law; the gradient is formed as `2 Lambda [A ((1+e) Lambda Psi + b I) - Psi] Lambda`. O(d^3).
///
/// # Errors
/// [`IclError::Input`] when A is not d x d or not finite; [`IclError::NotRepresentable`] on overflow.
pub fn loss_and_gradient(task: &RegressionTask, a: MatRef<'_, f64>) -> Result<LossAndGradient, IclError> {
    let d = task.dimension();
    check_square("A", a, d)?;
    let loss = risk(a, &TestPrompts::of(task, task.context()))?;
    let (lambda, psi) = (task.lambda().matrix(), task.psi().matrix());
    let n = task.context() as f64;
    let (e, b) = (1.0 / n, (task.signal() + task.sigma2()) / n);
    let image = triple(a, lambda, psi);
    let inner = Mat::from_fn(d, d, |i, j| image[(i, j)] - psi[(i, j)] + (e * image[(i, j)] + b * a[(i, j)]));
    let product = triple(lambda, inner.as_ref(), lambda);
    let grad = representable("grad L", Mat::from_fn(d, d, |i, j| 2.0 * product[(i, j)]))?;
    Ok(LossAndGradient { loss, grad })
}

/// The risk `E (x_q' A s - w'x_q)^2` on prompts whose context, query, task, noise and length may all differ from
/// training (ICL-8).
///
/// `R = tr Lambda_q [A S_t A' - A Lambda_c Psi_t - Psi_t Lambda_c A' + Psi_t]` with
/// `S_t = (1 + 1/M) Lambda_c Psi_t Lambda_c + (tr(Lambda_c Psi_t) + sigma_t^2)/M Lambda_c`; `tr(Lambda_q Psi_t)` for
/// M = 0. The query need not be Gaussian.
///
/// Algorithm: bias plus variance,
/// `||Lambda_q^1/2 (A Lambda_c - I) Psi_t^1/2||^2 + (1/M) [||Lambda_q^1/2 A Lambda_c Psi_t^1/2||^2 + (tr(Lambda_c
/// Psi_t) + sigma_t^2) ||Lambda_q^1/2 A Lambda_c^1/2||^2]`, sums of squares only. O(d^3).
///
/// # Errors
/// [`IclError::Input`] when A is not d x d or not finite; [`IclError::NotRepresentable`] on overflow.
///
/// ```
/// use solvable_linalg::Mat;
/// use solvable_model::Covariance;
/// use solvable_model::icl::TestPrompts;
/// // Covariates stretched by gamma: the prediction tends to gamma^2 times the right one.
/// let stretched = Covariance::isotropic("Lambda_c", 2, 2.25)?;
/// let prompts = TestPrompts::new(stretched.clone(), stretched, Covariance::isotropic("Psi", 2, 1.0)?, 0.0, 1 << 50)?;
/// let r = solvable_theory::icl::risk(Mat::<f64>::identity(2, 2).as_ref(), &prompts)?;
/// assert!((r - 1.25 * 1.25 * 4.5).abs() < 1e-12);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn risk(a: MatRef<'_, f64>, prompts: &TestPrompts) -> Result<f64, IclError> {
    let d = prompts.dimension();
    check_square("A", a, d)?;
    let left = factor(prompts.query())?;
    let psi = factor(prompts.psi())?;
    if prompts.length() == 0 {
        let bare = matmul(left.transpose(), psi.as_ref());
        return finite("risk", frobenius_norm(bare.as_ref()).powi(2));
    }
    let reached = matmul(a, prompts.context().matrix());
    let error = Mat::from_fn(d, d, |i, j| reached[(i, j)] - if i == j { 1.0 } else { 0.0 });
    let bias = squared_norm_between(left.as_ref(), error.as_ref(), psi.as_ref());
    let own = squared_norm_between(left.as_ref(), reached.as_ref(), psi.as_ref());
    let context = factor(prompts.context())?;
    let spread = squared_norm_between(left.as_ref(), a, context.as_ref());
    let power = frobenius_norm(matmul(context.transpose(), psi.as_ref()).as_ref()).powi(2) + prompts.sigma2();
    // 0 times an overflowed factor would be NaN.
    let noise = if spread == 0.0 || power == 0.0 { 0.0 } else { power * spread };
    finite("risk", bias + (own + noise) / prompts.length() as f64)
}

/// The three parts of a risk on a general law, against the noisy target (ICL-9).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneralRisk {
    /// `E[y^2] - c'a`: what the best linear predictor leaves.
    pub best_linear: f64,
    /// `||Lambda^1/2 (A c - a)||^2`.
    pub bias: f64,
    /// `tr(Cov(xy) A' Lambda A) / M`.
    pub variance: f64,
    /// Their sum.
    pub total: f64,
}

impl GeneralRisk {
    fn new(best_linear: f64, bias: f64, variance: f64) -> Result<Self, IclError> {
        let total = finite("risk", best_linear + bias + variance)?;
        Ok(Self { best_linear, bias, variance, total })
    }
}

/// The risk `E (x_q' A s - y_q)^2` when all pairs are i.i.d. from a general law (ICL-9; Zhang, Frei, Bartlett, Theorem
/// 4.2).
///
/// With `c = E[xy]`, `a = Lambda^-1 c`: `E[y^2] - c'a + ||Lambda^1/2 (A c - a)||^2 + tr(Cov(xy) A' Lambda A)/M`.
/// Gaussianity is not needed. M = 0 predicts 0: bias c'a, no variance. O(d^3).
///
/// # Errors
/// [`IclError::Input`] when A is not d x d or not finite; [`IclError::NotRepresentable`] on overflow.
pub fn general_risk(a: MatRef<'_, f64>, law: &TestMoments, length: usize) -> Result<GeneralRisk, IclError> {
    let d = law.dimension();
    check_square("A", a, d)?;
    let (best, explained, direction) = best_linear(law);
    if length == 0 {
        return GeneralRisk::new(best, explained, 0.0);
    }
    let image = matmul(a, column(law.cross()).as_ref());
    let left = factor(law.lambda())?;
    let gap: Vec<f64> = (0..d).map(|i| image[(i, 0)] - direction[i]).collect();
    let bias = frobenius_norm(matmul(left.transpose(), column(&gap).as_ref()).as_ref()).powi(2);
    let covariance = factor(law.covariance_spectrum())?;
    let variance = squared_norm_between(left.as_ref(), a, covariance.as_ref()) / length as f64;
    GeneralRisk::new(best, bias, variance)
}

/// [`general_risk`] of the predictor that Zhang, Frei and Bartlett train on the same covariance: `A = Gamma^-1`,
/// `Gamma = (1 + 1/N) Lambda + tr(Lambda)/N I` (Psi = I, noiseless, length N).
///
/// The bias is evaluated through `Gamma^-1 Lambda - I = -(1/N) Gamma^-1 (Lambda + tr(Lambda) I)`, which does not
/// cancel for large N: `(1/N^2) sum_i a_i^2 lambda_i (lambda_i + tr Lambda)^2 / gamma_i^2`. O(d^3).
///
/// # Errors
/// [`IclError::Input`] when `train_length` is 0; [`IclError::NotRepresentable`] on overflow.
pub fn trained_general_risk(
    law: &TestMoments,
    train_length: usize,
    length: usize,
) -> Result<GeneralRisk, IclError> {
    InputError::check_count("N", train_length)?;
    let (best, explained, _) = best_linear(law);
    if length == 0 {
        return GeneralRisk::new(best, explained, 0.0);
    }
    let lambda = law.lambda();
    let v = lambda.eigenvectors();
    let n = train_length as f64;
    let trace: f64 = lambda.eigenvalues().iter().rev().sum();
    let cross = law.coordinates();
    let spread = factor(law.covariance_spectrum())?;
    let (mut bias, mut variance) = (0.0, 0.0);
    for (i, &l) in lambda.eigenvalues().iter().enumerate().rev() {
        let gamma = (1.0 + 1.0 / n) * l + trace / n;
        let shortfall = (l + trace) / (n * gamma);
        bias += cross[i] * (cross[i] / l) * shortfall.powi(2);
        let axis: Vec<f64> = (0..law.dimension()).map(|k| v[(k, i)]).collect();
        let along = matmul(spread.transpose(), column(&axis).as_ref());
        let power = squared_length(&(0..along.nrows()).map(|k| along[(k, 0)]).collect::<Vec<_>>());
        variance += power * (l / gamma) / gamma;
    }
    GeneralRisk::new(best, bias, variance / length as f64)
}

/// `(E[y^2] - c'a, c'a, a)`; the first clamped at 0 where rounding of the moments made it negative.
fn best_linear(law: &TestMoments) -> (f64, f64, Vec<f64>) {
    let lambda: &Covariance = law.lambda();
    let v = lambda.eigenvectors();
    let d = law.dimension();
    let scaled: Vec<f64> = law.coordinates().iter().zip(lambda.eigenvalues()).map(|(c, l)| c / l).collect();
    let direction: Vec<f64> = (0..d).map(|i| (0..d).map(|j| v[(i, j)] * scaled[j]).sum()).collect();
    let explained: f64 = law.coordinates().iter().zip(&scaled).map(|(c, s)| c * s).sum();
    ((law.second() - explained).max(0.0), explained, direction)
}
