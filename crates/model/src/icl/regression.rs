//! The law of the prompts.
use solvable_linalg::trace_product;

use crate::{Covariance, InputError};

/// Random linear-regression prompts: covariate covariance Lambda, task second moment Psi, noise
/// variance sigma2, context length N.
///
/// Lambda and Psi need not commute and may be singular. `t = tr(Lambda Psi)` is the signal: the variance
/// of a noiseless label.
#[derive(Clone, Debug)]
pub struct RegressionTask {
    lambda: Covariance,
    psi: Covariance,
    sigma2: f64,
    context: usize,
    signal: f64,
}

impl RegressionTask {
    /// States the task. `sigma2 >= 0` is the label noise variance, `context >= 1` the number N of examples.
    ///
    /// # Errors
    /// [`InputError`] when the dimensions of Lambda and Psi differ, `sigma2` is negative or not finite,
    /// `context` is 0, or `tr(Lambda Psi)` overflows.
    pub fn new(lambda: Covariance, psi: Covariance, sigma2: f64, context: usize) -> Result<Self, InputError> {
        let d = lambda.dimension();
        if psi.dimension() != d {
            return Err(InputError::Shape {
                argument: "Psi".into(),
                found: (psi.dimension(), psi.dimension()),
                expected: (d, d),
            });
        }
        InputError::check_nonnegative("sigma2", sigma2)?;
        InputError::check_count("N", context)?;
        let signal = if lambda.is_diagonal() && psi.is_diagonal() {
            (0..d).map(|i| lambda.matrix()[(i, i)] * psi.matrix()[(i, i)]).sum()
        } else {
            // Positive semidefinite factors: rounding may leave a tiny negative trace only when it is 0.
            trace_product(lambda.matrix(), psi.matrix()).max(0.0)
        };
        InputError::check("tr(Lambda Psi)", signal, f64::is_finite(signal), "finite")?;
        Ok(Self { lambda, psi, sigma2, context, signal })
    }

    /// The isotropic task Lambda = lambda I, Psi = psi I in dimension d.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn isotropic(
        d: usize,
        lambda: f64,
        psi: f64,
        sigma2: f64,
        context: usize,
    ) -> Result<Self, InputError> {
        Self::new(
            Covariance::isotropic("lambda", d, lambda)?,
            Covariance::isotropic("psi", d, psi)?,
            sigma2,
            context,
        )
    }

    /// The same law with another context length.
    ///
    /// # Errors
    /// [`InputError::Count`] when `context` is 0.
    pub fn with_context(&self, context: usize) -> Result<Self, InputError> {
        InputError::check_count("N", context)?;
        Ok(Self { context, ..self.clone() })
    }

    /// Dimension d of the covariates.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.lambda.dimension()
    }

    /// Covariate covariance Lambda.
    #[must_use]
    pub fn lambda(&self) -> &Covariance {
        &self.lambda
    }

    /// Task second moment Psi.
    #[must_use]
    pub fn psi(&self) -> &Covariance {
        &self.psi
    }

    /// Label noise variance.
    #[must_use]
    pub fn sigma2(&self) -> f64 {
        self.sigma2
    }

    /// Context length N.
    #[must_use]
    pub fn context(&self) -> usize {
        self.context
    }

    /// The signal `t = tr(Lambda Psi)`, which is also the loss of the zero predictor.
    #[must_use]
    pub fn signal(&self) -> f64 {
        self.signal
    }
}
