//! Population losses of the reduced layer, exact for every N (ICL-2).
use solvable_linalg::{Mat, MatRef, matmul_into};

use super::RegressionTask;
use crate::{InputError, Objective};

/// `L(A) = E (x_q' A s - w'x_q)^2` of the predictor with effective matrix A, `s = (1/N) sum x_i y_i`.
///
/// With `S = (1 + 1/N) Lambda Psi Lambda + (t + sigma2)/N Lambda`:
/// `L(A) = tr(Lambda A S A') - 2 tr(Lambda A Lambda Psi) + tr(Lambda Psi)`,
/// `grad L = 2 Lambda A S - 2 Lambda Psi Lambda`. Parameters: A row by row (d^2 of them). Each
/// evaluation costs two d x d products.
#[derive(Clone, Debug)]
pub struct PredictorLoss {
    lambda: Mat<f64>,
    /// S = E s s'.
    second_moment: Mat<f64>,
    /// Lambda Psi Lambda.
    cross: Mat<f64>,
    signal: f64,
}

/// Temporaries of [`PredictorLoss`] and [`FactoredLoss`].
#[derive(Clone, Debug)]
pub struct LossWork {
    a: Mat<f64>,
    left: Mat<f64>,
    product: Mat<f64>,
}

impl PredictorLoss {
    /// The loss of a task. O(d^3).
    #[must_use]
    pub fn new(task: &RegressionTask) -> Self {
        let lambda = task.lambda().matrix().to_owned();
        let cross = &lambda * task.psi().matrix() * &lambda;
        let n = task.context() as f64;
        let d = task.dimension();
        let noise = (task.signal() + task.sigma2()) / n;
        let second_moment =
            Mat::from_fn(d, d, |i, j| (1.0 + 1.0 / n) * cross[(i, j)] + noise * lambda[(i, j)]);
        Self { lambda, second_moment, cross, signal: task.signal() }
    }

    /// The second moment S = E s s' of the prompt's statistic s.
    #[must_use]
    pub fn second_moment(&self) -> MatRef<'_, f64> {
        self.second_moment.as_ref()
    }

    /// The loss at the matrix A.
    ///
    /// # Errors
    /// [`InputError`] when A has the wrong shape or a non-finite entry.
    pub fn at(&self, a: MatRef<'_, f64>) -> Result<f64, InputError> {
        let d = self.lambda.nrows();
        if (a.nrows(), a.ncols()) != (d, d) {
            let found = (a.nrows(), a.ncols());
            return Err(InputError::Shape { argument: "A".into(), found, expected: (d, d) });
        }
        let flat: Vec<f64> = (0..d * d).map(|k| a[(k / d, k % d)]).collect();
        InputError::check_vector("A", &flat)?;
        Ok(self.value(&flat, &mut self.work()))
    }

    /// Fills `work.a` through `entry`, then `left = Lambda A` and `product = Lambda A S`; returns the loss.
    fn evaluate(&self, work: &mut LossWork, entry: impl Fn(usize, usize) -> f64) -> f64 {
        let d = self.lambda.nrows();
        for j in 0..d {
            for i in 0..d {
                work.a[(i, j)] = entry(i, j);
            }
        }
        matmul_into(work.left.as_mut(), self.lambda.as_ref(), work.a.as_ref());
        matmul_into(work.product.as_mut(), work.left.as_ref(), self.second_moment.as_ref());
        let mut quadratic = 0.0;
        let mut linear = 0.0;
        for j in 0..d {
            for i in 0..d {
                quadratic += work.product[(i, j)] * work.a[(i, j)];
                linear += work.a[(i, j)] * self.cross[(i, j)];
            }
        }
        // tr(Lambda A Lambda Psi) = <A, Lambda Psi Lambda>: Lambda is symmetric and so is the product.
        quadratic - 2.0 * linear + self.signal
    }
}

impl Objective for PredictorLoss {
    type Work = LossWork;

    fn dimension(&self) -> usize {
        self.lambda.nrows() * self.lambda.nrows()
    }

    fn work(&self) -> LossWork {
        let d = self.lambda.nrows();
        LossWork { a: Mat::zeros(d, d), left: Mat::zeros(d, d), product: Mat::zeros(d, d) }
    }

    fn value(&self, x: &[f64], work: &mut LossWork) -> f64 {
        let d = self.lambda.nrows();
        self.evaluate(work, |i, j| x[i * d + j])
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut LossWork) {
        self.value_and_gradient(x, gradient, work);
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut LossWork) -> f64 {
        let d = self.lambda.nrows();
        let value = self.evaluate(work, |i, j| x[i * d + j]);
        for i in 0..d {
            for j in 0..d {
                gradient[i * d + j] = 2.0 * (work.product[(i, j)] - self.cross[(i, j)]);
            }
        }
        value
    }
}

/// `l(u, U) = L(u U') / 2`, the loss the papers train, in the factors of the reduced layer (ICL-19).
///
/// Parameters: u, then U row by row (1 + d^2 of them). Minus the gradient is the papers' gradient flow:
/// `dU/dt = -u^2 S U Lambda + u Lambda Psi Lambda`, `du/dt = -u tr(Lambda U' S U) + tr(U' Lambda Psi Lambda)`.
#[derive(Clone, Debug)]
pub struct FactoredLoss(PredictorLoss);

impl FactoredLoss {
    /// The loss of a task. O(d^3).
    #[must_use]
    pub fn new(task: &RegressionTask) -> Self {
        Self(PredictorLoss::new(task))
    }

    /// The same loss as a function of the product A.
    #[must_use]
    pub fn predictor_loss(&self) -> &PredictorLoss {
        &self.0
    }

    /// The effective matrix A = u U' of a parameter vector.
    #[must_use]
    pub fn effective_matrix(&self, x: &[f64]) -> Mat<f64> {
        let d = self.0.lambda.nrows();
        Mat::from_fn(d, d, |i, j| x[0] * x[1 + j * d + i])
    }
}

impl Objective for FactoredLoss {
    type Work = LossWork;

    fn dimension(&self) -> usize {
        1 + self.0.dimension()
    }

    fn work(&self) -> LossWork {
        self.0.work()
    }

    fn value(&self, x: &[f64], work: &mut LossWork) -> f64 {
        let d = self.0.lambda.nrows();
        0.5 * self.0.evaluate(work, |i, j| x[0] * x[1 + j * d + i])
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut LossWork) {
        self.value_and_gradient(x, gradient, work);
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut LossWork) -> f64 {
        let d = self.0.lambda.nrows();
        let value = 0.5 * self.0.evaluate(work, |i, j| x[0] * x[1 + j * d + i]);
        let mut along_u = 0.0;
        for j in 0..d {
            for i in 0..d {
                // Half the gradient with respect to A(i, j), which multiplies U(j, i).
                let g = work.product[(i, j)] - self.0.cross[(i, j)];
                let k = 1 + j * d + i;
                gradient[k] = x[0] * g;
                along_u += g * x[k];
            }
        }
        gradient[0] = along_u;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Covariance;

    fn t2() -> RegressionTask {
        let lambda = [[1.5, 0.4, 0.0], [0.4, 1.0, 0.2], [0.0, 0.2, 0.6]].map(|r| r.to_vec());
        let psi = [[1.0, -0.3, 0.1], [-0.3, 0.8, 0.0], [0.1, 0.0, 0.5]].map(|r| r.to_vec());
        RegressionTask::new(
            Covariance::from_rows("Lambda", &lambda).expect("valid"),
            Covariance::from_rows("Psi", &psi).expect("valid"),
            0.25,
            8,
        )
        .expect("valid")
    }

    /// Reference numbers of the specification for T2 at the nonsymmetric A_0.
    #[test]
    fn loss_and_gradient_match_the_reference() {
        let a = [0.5, 0.1, 0.0, -0.2, 0.7, 0.05, 0.0, 0.3, 0.9];
        let expected =
            [0.2143175, 0.976775, 0.254815, 0.15152, 0.514665, 0.260155, 0.13939, 0.606025, 0.248075];
        let loss = PredictorLoss::new(&t2());
        let mut gradient = [0.0; 9];
        let value = loss.value_and_gradient(&a, &mut gradient, &mut loss.work());
        assert!((value - 1.07564025).abs() < 1e-14);
        for (g, e) in gradient.iter().zip(expected) {
            assert!((g - e).abs() < 1e-14, "{g} {e}");
        }
    }

    /// The chain rule through A = u U' by a different route: complex-step-free central differences of an
    /// exactly quartic polynomial, whose only error beyond rounding is the third-derivative term h^2.
    #[test]
    fn factored_gradient_is_the_derivative() {
        let loss = FactoredLoss::new(&t2());
        let x = [0.7, 0.5, 0.1, 0.0, -0.2, 0.7, 0.05, 0.0, 0.3, 0.9];
        let mut work = loss.work();
        let mut gradient = [0.0; 10];
        loss.gradient(&x, &mut gradient, &mut work);
        let h = 1e-4;
        for k in 0..10 {
            let mut shifted = |s: f64| {
                let mut y = x;
                y[k] += s;
                loss.value(&y, &mut work)
            };
            // Quadratic in each single coordinate: the central difference is exact up to rounding / h.
            let slope = (shifted(h) - shifted(-h)) / (2.0 * h);
            assert!((slope - gradient[k]).abs() < 1e-11, "{k}: {slope} {}", gradient[k]);
        }
    }
}
