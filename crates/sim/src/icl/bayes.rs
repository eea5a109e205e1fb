//! The Bayes predictor of a Gaussian prior, by sampling.
use rand::Rng;
use solvable_linalg::inverse;
use solvable_model::icl::RegressionTask;
use solvable_model::{Covariance, InputError};

use super::covariates::CovariateLaw;

/// The Bayes risk given the covariates of a context: `tr Lambda (Psi^-1 + X'X/sigma2)^-1` (ICL-7).
///
/// Gaussian prior N(0, Psi) with Psi invertible, Gaussian noise of positive variance. A draw costs O(N d^2 + d^3).
#[derive(Clone, Debug)]
pub struct BayesRisk {
    covariates: CovariateLaw,
    lambda: Vec<f64>,
    precision: Vec<f64>,
    sigma2: f64,
    length: usize,
}

/// Temporaries of [`BayesRisk`].
#[derive(Clone, Debug)]
pub struct BayesWork {
    x: Vec<f64>,
    scratch: Vec<f64>,
    matrix: Vec<f64>,
    column: Vec<f64>,
}

impl BayesRisk {
    /// The Bayes risk of a task with Gaussian prior and noise.
    ///
    /// # Errors
    /// [`InputError`] when Psi is singular or `sigma2` is 0.
    pub fn new(task: &RegressionTask) -> Result<Self, InputError> {
        InputError::check_positive("sigma2", task.sigma2())?;
        let d = task.dimension();
        Ok(Self {
            covariates: CovariateLaw::gaussian(task.lambda()),
            lambda: (0..d * d).map(|k| task.lambda().matrix()[(k / d, k % d)]).collect(),
            precision: Self::inverse_of(task.psi())?,
            sigma2: task.sigma2(),
            length: task.context(),
        })
    }

    fn inverse_of(psi: &Covariance) -> Result<Vec<f64>, InputError> {
        let d = psi.dimension();
        let smallest = psi.smallest_eigenvalue();
        if smallest <= 0.0 {
            let condition = "the posterior needs an invertible prior";
            return Err(InputError::Singular { argument: "Psi".into(), smallest, condition });
        }
        let m = inverse(psi.matrix())?.matrix;
        Ok((0..d * d).map(|k| m[(k / d, k % d)]).collect())
    }

    /// Temporaries.
    #[must_use]
    pub fn work(&self) -> BayesWork {
        let d = self.covariates.dimension();
        let zeros = || vec![0.0; d];
        BayesWork { x: zeros(), scratch: zeros(), matrix: vec![0.0; d * d], column: zeros() }
    }

    /// The posterior risk of one random context.
    pub fn draw<R: Rng>(&self, rng: &mut R, work: &mut BayesWork) -> f64 {
        let d = self.covariates.dimension();
        work.matrix.copy_from_slice(&self.precision);
        for _ in 0..self.length {
            self.covariates.fill(rng, &mut work.x, &mut work.scratch);
            for (row, a) in work.matrix.chunks_exact_mut(d).zip(&work.x) {
                let a = a / self.sigma2;
                row.iter_mut().zip(&work.x).for_each(|(m, b)| *m += a * b);
            }
        }
        // Cholesky factor in place; the matrix is at least the prior precision, so that no pivot vanishes.
        for j in 0..d {
            for k in 0..j {
                let f = work.matrix[j * d + k];
                for i in j..d {
                    work.matrix[i * d + j] -= work.matrix[i * d + k] * f;
                }
            }
            let root = work.matrix[j * d + j].sqrt();
            for i in j..d {
                work.matrix[i * d + j] /= root;
            }
        }
        // tr Lambda (L L')^-1, a column of the inverse at a time.
        let mut total = 0.0;
        for c in 0..d {
            work.column.fill(0.0);
            work.column[c] = 1.0;
            for i in 0..d {
                for k in 0..i {
                    work.column[i] -= work.matrix[i * d + k] * work.column[k];
                }
                work.column[i] /= work.matrix[i * d + i];
            }
            for i in (0..d).rev() {
                for k in i + 1..d {
                    work.column[i] -= work.matrix[k * d + i] * work.column[k];
                }
                work.column[i] /= work.matrix[i * d + i];
            }
            total += work.column.iter().zip(&self.lambda[c * d..]).map(|(v, l)| v * l).sum::<f64>();
        }
        total
    }
}
