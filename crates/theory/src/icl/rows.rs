//! Risk when every covariate is drawn from a given table (ICL-9 averaged over the task).
use solvable_linalg::{Mat, MatRef, frobenius_norm, matmul, transpose_matmul};
use solvable_model::icl::RegressionTask;
use solvable_model::{Covariance, InputError};

use super::IclError;
use super::error::finite;
use super::matrix::{check_square, factor, squared_norm_between};

/// A risk that is affine in 1/M: `bias + spread / M` against the noiseless target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LengthRisk {
    /// `||Lambda^1/2 (A Lambda - I) Psi^1/2||_F^2`, what stays for infinitely many examples.
    pub bias: f64,
    /// `tr(E_w Cov(x y) A' Lambda A)`, the variance of a single example.
    pub spread: f64,
    /// The risk of the empty prompt, `tr(Lambda Psi)`.
    pub signal: f64,
}

impl LengthRisk {
    /// The risk with M examples in context; the signal for M = 0.
    #[must_use]
    pub fn at(&self, length: usize) -> f64 {
        if length == 0 { self.signal } else { self.bias + self.spread / length as f64 }
    }
}

/// The risk of the predictor `x_q' A s` when context and query covariates are drawn independently from the rows of a
/// table (ICL-9): nothing Gaussian is assumed.
///
/// Rows x_1..x_n (n x d) have second moment `Lambda = (1/n) sum x_i x_i'`; tasks have second moment Psi, labels noise
/// sigma2. Averaging ICL-9 over the task, the risk against the noiseless target is `bias + spread / M` with
/// `spread = (1/n) sum_i (x_i' Psi x_i + sigma2) ||Lambda^1/2 A x_i||^2 - ||Lambda^1/2 A Lambda Psi^1/2||_F^2`. Bias
/// and signal depend on the rows through Lambda alone; only the spread sees fourth moments.
///
/// O(n d^2 + d^3). The subtraction costs at most the ratio of its terms, about 1 + 1/d for Gaussian rows.
///
/// # Errors
/// [`IclError::Input`] when there are no rows, shapes differ, an entry is not finite or `sigma2` is negative;
/// [`IclError::NotRepresentable`] on overflow.
///
/// ```
/// use solvable_linalg::Mat;
/// use solvable_model::Covariance;
/// // x = +1 or -1: x y = w exactly, so that one noiseless example tells the task.
/// let rows = Mat::from_fn(2, 1, |i, _| if i == 0 { 1.0 } else { -1.0 });
/// let psi = Covariance::isotropic("Psi", 1, 1.0)?;
/// let risk = solvable_theory::icl::risk_on_rows(Mat::<f64>::identity(1, 1).as_ref(), rows.as_ref(), &psi, 0.5)?;
/// assert_eq!((risk.bias, risk.spread, risk.at(0)), (0.0, 0.5, 1.0));
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn risk_on_rows(
    a: MatRef<'_, f64>,
    rows: MatRef<'_, f64>,
    psi: &Covariance,
    sigma2: f64,
) -> Result<LengthRisk, IclError> {
    let (n, d) = (rows.nrows(), psi.dimension());
    InputError::check_count("rows", n)?;
    InputError::check_nonnegative("sigma2", sigma2)?;
    check_square("A", a, d)?;
    if rows.ncols() != d {
        let found = (n, rows.ncols());
        return Err(InputError::Shape { argument: "rows".into(), found, expected: (n, d) }.into());
    }
    for column in 0..d {
        if let Some(row) = (0..n).find(|&row| !rows[(row, column)].is_finite()) {
            let value = rows[(row, column)];
            return Err(InputError::NotFinite { argument: "rows".into(), row, column, value }.into());
        }
    }
    let count = n as f64;
    let gram = transpose_matmul(rows, rows);
    let lambda = Covariance::dense("Lambda", Mat::from_fn(d, d, |i, j| gram[(i, j)] / count).as_ref())?;
    let reach = bias_and_reach(a, &lambda, psi)?;
    // Row i of `seen` is Lambda^1/2 A x_i; row i of `labels` is Psi^1/2 x_i.
    let left = factor(&lambda)?;
    let seen = matmul(rows, transpose_matmul(a, left.as_ref()).as_ref());
    let labels = matmul(rows, factor(psi)?.as_ref());
    let mut total = 0.0;
    for i in 0..n {
        let length = |m: &Mat<f64>| (0..m.ncols()).map(|j| m[(i, j)] * m[(i, j)]).sum::<f64>();
        total += (length(&labels) + sigma2) * length(&seen);
    }
    let spread = finite("spread", total / count - reach.1)?.max(0.0);
    let signal = frobenius_norm(transpose_matmul(left.as_ref(), factor(psi)?.as_ref()).as_ref()).powi(2);
    Ok(LengthRisk { bias: finite("bias", reach.0)?, spread, signal: finite("tr(Lambda Psi)", signal)? })
}

/// The same risk for Gaussian covariates of the task's covariance, by ICL-2: the spread is
/// `||Lambda^1/2 A Lambda Psi^1/2||^2 + (t + sigma2) ||Lambda^1/2 A Lambda^1/2||^2`. O(d^3).
///
/// # Errors
/// [`IclError::Input`] when A is not d x d or not finite; [`IclError::NotRepresentable`] on overflow.
pub fn risk_on_gaussian(task: &RegressionTask, a: MatRef<'_, f64>) -> Result<LengthRisk, IclError> {
    check_square("A", a, task.dimension())?;
    let (bias, reach) = bias_and_reach(a, task.lambda(), task.psi())?;
    let left = factor(task.lambda())?;
    let noise = squared_norm_between(left.as_ref(), a, left.as_ref());
    let spread = finite("spread", reach + (task.signal() + task.sigma2()) * noise)?;
    Ok(LengthRisk { bias: finite("bias", bias)?, spread, signal: task.signal() })
}

/// `||Lambda^1/2 (A Lambda - I) Psi^1/2||^2` and `||Lambda^1/2 A Lambda Psi^1/2||^2`.
fn bias_and_reach(a: MatRef<'_, f64>, lambda: &Covariance, psi: &Covariance) -> Result<(f64, f64), IclError> {
    let d = psi.dimension();
    let reached = matmul(a, lambda.matrix());
    let error = Mat::from_fn(d, d, |i, j| reached[(i, j)] - if i == j { 1.0 } else { 0.0 });
    let (left, right) = (factor(lambda)?, factor(psi)?);
    let between = |x: &Mat<f64>| squared_norm_between(left.as_ref(), x.as_ref(), right.as_ref());
    Ok((between(&error), between(&reached)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All prompts of one and two examples drawn from three rows, enumerated with the two tasks of a two-point prior.
    #[test]
    fn agrees_with_the_enumeration_of_all_prompts() {
        let rows = Mat::from_fn(3, 2, |i, j| [[1.0, 0.5], [-2.0, 1.0], [0.25, -1.5]][i][j]);
        let a = Mat::from_fn(2, 2, |i, j| [[0.3, -0.1], [0.2, 0.6]][i][j]);
        // Tasks (1, 1) and (1, -1): second moment I.
        let tasks = [[1.0, 1.0], [1.0, -1.0]];
        let sigma2 = 0.3_f64;
        let psi = Covariance::isotropic("Psi", 2, 1.0).expect("valid");
        let risk = risk_on_rows(a.as_ref(), rows.as_ref(), &psi, sigma2).expect("valid");
        for length in [1_usize, 2] {
            let mut total = 0.0;
            let mut count = 0.0;
            for w in tasks {
                // Noise +-sigma for every example: mean 0, variance sigma2.
                for code in 0..(6_usize.pow(length as u32)) {
                    let mut s = [0.0; 2];
                    let mut rest = code;
                    for _ in 0..length {
                        let (row, sign) = (rest % 3, if (rest / 3) % 2 == 0 { 1.0 } else { -1.0 });
                        rest /= 6;
                        let x = [rows[(row, 0)], rows[(row, 1)]];
                        let y = w[0] * x[0] + w[1] * x[1] + sign * sigma2.sqrt();
                        s[0] += x[0] * y / length as f64;
                        s[1] += x[1] * y / length as f64;
                    }
                    for q in 0..3 {
                        let x = [rows[(q, 0)], rows[(q, 1)]];
                        let v = [a[(0, 0)] * s[0] + a[(0, 1)] * s[1], a[(1, 0)] * s[0] + a[(1, 1)] * s[1]];
                        total += ((v[0] - w[0]) * x[0] + (v[1] - w[1]) * x[1]).powi(2);
                        count += 1.0;
                    }
                }
            }
            let exact = total / count;
            assert!((risk.at(length) - exact).abs() < 1e-13 * exact, "{length}: {} {exact}", risk.at(length));
        }
    }

    #[test]
    fn gaussian_risk_agrees_with_the_loss_of_the_same_length() {
        let lambda = Covariance::from_rows("Lambda", &[vec![2.0, 0.3], vec![0.3, 0.7]]).expect("valid");
        let psi = Covariance::from_rows("Psi", &[vec![1.0, -0.4], vec![-0.4, 0.9]]).expect("valid");
        let task = RegressionTask::new(lambda, psi, 0.2, 5).expect("valid");
        let a = Mat::from_fn(2, 2, |i, j| [[0.3, -0.1], [0.2, 0.6]][i][j]);
        let loss = super::super::loss_and_gradient(&task, a.as_ref()).expect("valid").loss;
        let risk = risk_on_gaussian(&task, a.as_ref()).expect("valid");
        assert!((risk.at(5) - loss).abs() < 1e-14 * loss);
        assert_eq!(risk.at(0), task.signal());
    }

    #[test]
    fn refuses_what_is_not_a_table() {
        let psi = Covariance::isotropic("Psi", 2, 1.0).expect("valid");
        let a = Mat::<f64>::identity(2, 2);
        let bad = Mat::from_fn(2, 2, |i, j| if i + j == 2 { f64::NAN } else { 1.0 });
        let error = risk_on_rows(a.as_ref(), bad.as_ref(), &psi, 0.0).expect_err("NaN");
        assert!(error.to_string().contains("row 1, column 1"), "{error}");
        assert!(risk_on_rows(a.as_ref(), Mat::zeros(0, 2).as_ref(), &psi, 0.0).is_err());
        assert!(risk_on_rows(a.as_ref(), Mat::zeros(3, 3).as_ref(), &psi, 0.0).is_err());
        assert!(risk_on_rows(a.as_ref(), Mat::zeros(3, 2).as_ref(), &psi, -1.0).is_err());
    }
}
