//! The optimal matrix and its loss (ICL-3), also for elliptical covariates (ICL-26).
use solvable_linalg::{Mat, MatRef};

use super::error::finite;
use super::matrix::{check_square, factor, representable, squared_norm_between, triple};
use super::{IclError, Whitened};

/// The global minimum of the population loss.
#[derive(Clone, Debug)]
pub struct Minimum {
    /// The minimizer A*, symmetric positive semidefinite.
    pub a_star: Mat<f64>,
    /// The minimum L*.
    pub l_star: f64,
    /// `Lambda A* Lambda`, which is what the loss determines when Lambda is singular.
    pub lambda_a_lambda: Mat<f64>,
}

/// `A* = Psi^1/2 ((1+e) Psi^1/2 Lambda Psi^1/2 + b I)^-1 Psi^1/2`: the minimizer of L (ICL-3).
///
/// Equal to `Psi ((1+e) Lambda Psi + b I)^-1` and, for invertible Psi, to `((1+e) Lambda + b Psi^-1)^-1`; symmetric
/// positive semidefinite for every pair (Lambda, Psi), commuting or not. With Gaussian covariates `1 + e = 1 + 1/N`
/// and `b = (t + sigma2)/N`. Unique when Lambda is positive definite; otherwise this is one of the minimizers. When
/// `t = 0 < sigma2` nothing can be learned and A* = 0 is returned.
///
/// References: Zhang, Frei, Bartlett (JMLR 2024), Theorem 4.1; Ahn et al. (NeurIPS 2023), Theorem 1; Mahankali,
/// Hashimoto, Ma (2023); `ICL-3`, `ICL-26`.
///
/// Algorithm: `W diag(1/((1+e) beta + b)) W'` from [`Whitened`]; no inverse of Lambda or Psi, condition number at most
/// N + 2. O(d^3), O(d^2) when both are diagonal.
///
/// # Errors
/// [`IclError::NoLabels`] when `t + sigma2 = 0`; [`IclError::NotRepresentable`] when an entry overflows.
///
/// ```
/// use solvable_model::icl::RegressionTask;
/// use solvable_theory::icl::{Whitened, minimizer};
/// // Isotropic: A* = N / (N + d + 1) I.
/// let a = minimizer(&Whitened::new(&RegressionTask::isotropic(2, 1.0, 1.0, 0.0, 3)?)?)?;
/// assert_eq!((a[(0, 0)], a[(0, 1)]), (0.5, 0.0));
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn minimizer(law: &Whitened) -> Result<Mat<f64>, IclError> {
    law.check_labels()?;
    let d = law.dimension();
    if law.signal() == 0.0 {
        return Ok(Mat::zeros(d, d));
    }
    let (a, b) = (1.0 + law.excess(), law.noise());
    representable("A*", law.combine(|_, beta| 1.0 / (a * beta + b)))
}

/// `L* = sum_i beta_i (e beta_i + b) / ((1+e) beta_i + b)`: the minimum of L (ICL-3, ICL-26).
///
/// For Gaussian covariates `sum_i beta_i (beta_i + t + sigma2) / ((N+1) beta_i + t + sigma2)`. A sum of positive
/// terms, so that relative accuracy survives any N: `t - <A*, Lambda Psi Lambda>` would lose log10(N) digits. O(d).
///
/// # Errors
/// [`IclError::NoLabels`] when `t + sigma2 = 0`.
pub fn minimum(law: &Whitened) -> Result<f64, IclError> {
    law.check_labels()?;
    finite("L*", law.spectrum().iter().rev().map(|&beta| beta * law.gain(beta).1).sum())
}

/// [`minimizer`], [`minimum`] and `Lambda A* Lambda` together.
///
/// # Errors
/// As [`minimizer`].
pub fn optimum(law: &Whitened) -> Result<Minimum, IclError> {
    let a_star = minimizer(law)?;
    let lambda = law.lambda().matrix();
    let lambda_a_lambda = representable("Lambda A* Lambda", triple(lambda, a_star.as_ref(), lambda))?;
    Ok(Minimum { a_star, l_star: minimum(law)?, lambda_a_lambda })
}

/// `L(A) - L* = ||Lambda^1/2 (A - A*) S^1/2||_F^2` (ICL-3), at least 0 and accurate however small.
///
/// Evaluated as `(1+e) ||Lambda^1/2 D Lambda Psi^1/2||^2 + b ||Lambda^1/2 D Lambda^1/2||^2` with D = A - A*: a sum
/// of squares, never a difference of losses. O(d^3).
///
/// # Errors
/// As [`minimizer`], and [`IclError::Input`] when A is not d x d or not finite.
pub fn excess_loss(law: &Whitened, a: MatRef<'_, f64>) -> Result<f64, IclError> {
    let d = law.dimension();
    check_square("A", a, d)?;
    let best = minimizer(law)?;
    let gap = Mat::from_fn(d, d, |i, j| a[(i, j)] - best[(i, j)]);
    let left = factor(law.lambda())?;
    let right = law.lambda().matrix() * factor(law.psi())?;
    let signal = squared_norm_between(left.as_ref(), gap.as_ref(), right.as_ref());
    let noise = squared_norm_between(left.as_ref(), gap.as_ref(), left.as_ref());
    finite("L(A) - L*", (1.0 + law.excess()) * signal + law.noise() * noise)
}
