//! What a trained predictor is tested on: shifted prompts and general laws of (x, y).
use solvable_linalg::{MatRef, outer};

use super::RegressionTask;
use crate::{Covariance, InputError};

/// Regression prompts whose context, query, task, noise and length all differ from training (ICL-8).
///
/// Context covariates are Gaussian with covariance `context`; the query has second moment `query` and need not
/// be Gaussian; the task has second moment `psi`; labels carry noise of variance `sigma2`; the context holds
/// `length` examples, 0 allowed. The target is the noiseless `w'x_q`.
#[derive(Clone, Debug)]
pub struct TestPrompts {
    context: Covariance,
    query: Covariance,
    psi: Covariance,
    sigma2: f64,
    length: usize,
}

impl TestPrompts {
    /// States the test law.
    ///
    /// # Errors
    /// [`InputError`] when the dimensions differ or `sigma2` is negative or not finite.
    pub fn new(
        context: Covariance,
        query: Covariance,
        psi: Covariance,
        sigma2: f64,
        length: usize,
    ) -> Result<Self, InputError> {
        let d = context.dimension();
        for (argument, c) in [("Lambda_q", &query), ("Psi_test", &psi)] {
            if c.dimension() != d {
                let found = (c.dimension(), c.dimension());
                return Err(InputError::Shape { argument: argument.into(), found, expected: (d, d) });
            }
        }
        InputError::check_nonnegative("sigma2_test", sigma2)?;
        Ok(Self { context, query, psi, sigma2, length })
    }

    /// The training law itself, with `length` examples.
    #[must_use]
    pub fn of(task: &RegressionTask, length: usize) -> Self {
        Self {
            context: task.lambda().clone(),
            query: task.lambda().clone(),
            psi: task.psi().clone(),
            sigma2: task.sigma2(),
            length,
        }
    }

    /// Prompts that all ask for the one task w: second moment `w w'`.
    ///
    /// # Errors
    /// [`InputError`] as [`new`](Self::new), or when w is not finite.
    pub fn fixed_task(
        context: Covariance,
        query: Covariance,
        w: &[f64],
        sigma2: f64,
        length: usize,
    ) -> Result<Self, InputError> {
        InputError::check_vector("w", w)?;
        let psi = Covariance::dense("w w'", outer(w, w).as_ref())?;
        Self::new(context, query, psi, sigma2, length)
    }

    /// Dimension d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.context.dimension()
    }

    /// Covariance of the context covariates.
    #[must_use]
    pub fn context(&self) -> &Covariance {
        &self.context
    }

    /// Second moment of the query.
    #[must_use]
    pub fn query(&self) -> &Covariance {
        &self.query
    }

    /// Second moment of the task.
    #[must_use]
    pub fn psi(&self) -> &Covariance {
        &self.psi
    }

    /// Label noise variance.
    #[must_use]
    pub fn sigma2(&self) -> f64 {
        self.sigma2
    }

    /// Number of examples M.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }
}

/// The moments of a general law of pairs (x, y) that decide the risk of a linear-attention predictor (ICL-9).
///
/// Any law with finite `E[x x'] = lambda` (invertible), `E[x y]`, `Cov(x y)` and `E[y^2]`; covariates need not be
/// Gaussian and responses need not be linear. The query pair has the same law, and the target is its noisy y.
#[derive(Clone, Debug)]
pub struct TestMoments {
    lambda: Covariance,
    cross: Vec<f64>,
    covariance: Covariance,
    second: f64,
}

impl TestMoments {
    /// States the moments: E[x x'], E[x y], Cov(x y), E[y^2].
    ///
    /// # Errors
    /// [`InputError`] when shapes disagree, an entry is not finite, `lambda` is singular, or `E[y^2]` is below
    /// the squared norm `c' lambda^-1 c` that the best linear predictor explains (no law has such moments).
    pub fn new(
        lambda: Covariance,
        cross: Vec<f64>,
        covariance: Covariance,
        second: f64,
    ) -> Result<Self, InputError> {
        let d = lambda.dimension();
        if cross.len() != d {
            let found = (cross.len(), 1);
            return Err(InputError::Shape { argument: "E_xy".into(), found, expected: (d, 1) });
        }
        if covariance.dimension() != d {
            let found = (covariance.dimension(), covariance.dimension());
            return Err(InputError::Shape { argument: "Cov_xy".into(), found, expected: (d, d) });
        }
        InputError::check_vector("E_xy", &cross)?;
        InputError::check_nonnegative("E_y2", second)?;
        let smallest = lambda.smallest_eigenvalue();
        if smallest <= 0.0 {
            return Err(InputError::Singular {
                argument: "Lambda".into(),
                smallest,
                condition: "the best linear predictor needs an invertible E[x x']",
            });
        }
        let moments = Self { lambda, cross, covariance, second };
        let explained: f64 =
            moments.coordinates().iter().zip(moments.lambda.eigenvalues()).map(|(c, l)| c * (c / l)).sum();
        // Rounding of the inputs enters multiplied by the condition number.
        let condition = moments.lambda.largest_eigenvalue() / smallest;
        let slack = 8.0 * d as f64 * f64::EPSILON * condition * explained;
        if explained.is_nan() || explained > second + slack {
            return Err(InputError::Condition {
                argument: "E_y2".into(),
                value: second,
                condition: "it is smaller than what the best linear predictor explains, E_xy' Lambda^-1 E_xy",
            });
        }
        Ok(moments)
    }

    /// `E[x y]` in the eigenbasis of E[x x'].
    #[must_use]
    pub fn coordinates(&self) -> Vec<f64> {
        let v = self.lambda.eigenvectors();
        let d = self.lambda.dimension();
        (0..d).map(|j| (0..d).map(|i| v[(i, j)] * self.cross[i]).sum()).collect()
    }

    /// Dimension d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.cross.len()
    }

    /// E[x x'].
    #[must_use]
    pub fn lambda(&self) -> &Covariance {
        &self.lambda
    }

    /// E[x y].
    #[must_use]
    pub fn cross(&self) -> &[f64] {
        &self.cross
    }

    /// Cov(x y).
    #[must_use]
    pub fn covariance(&self) -> MatRef<'_, f64> {
        self.covariance.matrix()
    }

    /// Cov(x y) with its eigendecomposition.
    #[must_use]
    pub fn covariance_spectrum(&self) -> &Covariance {
        &self.covariance
    }

    /// E[y^2].
    #[must_use]
    pub fn second(&self) -> f64 {
        self.second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_impossible_moments() {
        let identity = || Covariance::isotropic("Lambda", 2, 1.0).expect("valid");
        assert!(TestMoments::new(identity(), vec![1.0, 1.0], identity(), 2.0).is_ok());
        let message = TestMoments::new(identity(), vec![1.0, 1.0], identity(), 1.9)
            .expect_err("less than explained")
            .to_string();
        assert!(message.contains("E_y2"), "{message}");
        let singular = Covariance::diagonal("Lambda", &[1.0, 0.0]).expect("valid");
        assert!(TestMoments::new(singular, vec![1.0, 0.0], identity(), 2.0).is_err());
    }

    #[test]
    fn fixed_task_has_a_rank_one_second_moment() {
        let identity = Covariance::isotropic("Lambda", 3, 1.0).expect("valid");
        let law =
            TestPrompts::fixed_task(identity.clone(), identity, &[1.0, 2.0, -2.0], 0.1, 0).expect("valid");
        assert_eq!(law.psi().trace(), 9.0);
    }
}
