//! Balance of layers and variability within classes along gradient flow (NC-20, NC-21).
use solvable_linalg::Mat;
use solvable_model::InputError;
use solvable_model::collapse::FreeFeatures;

use super::CollapseError;
use super::geometry::orthogonal_frame;

/// The imbalance `B(t) = e^(-2 mu t) B(0)` of two neighbouring factors with equal regularisation mu (NC-20).
///
/// `B = W_(m+1)' W_(m+1) - W_m W_m'` (or `W_1' W_1 - H_1 H_1'`) along gradient flow, for any loss and depth. With different
/// regularisations the derivative is minus twice the weighted imbalance,
/// `dB/dt = -2 mu_(m+1) W_(m+1)' W_(m+1) + 2 mu_m W_m W_m'`.
///
/// # Errors
/// [`CollapseError::Input`] unless mu and t are finite and at least 0.
///
/// ```
/// use solvable_linalg::Mat;
/// let b = solvable_theory::collapse::imbalance_at(&Mat::from_fn(1, 1, |_, _| 2.0), 0.5, 1.0)?;
/// assert_eq!(b[(0, 0)], 2.0 * (-1.0_f64).exp());
/// # Ok::<(), solvable_theory::collapse::CollapseError>(())
/// ```
pub fn imbalance_at(initial: &Mat<f64>, mu: f64, t: f64) -> Result<Mat<f64>, CollapseError> {
    InputError::check_nonnegative("lambda", mu)?;
    InputError::check_nonnegative("t", t)?;
    let factor = (-2.0 * mu * t).exp();
    Ok(Mat::from_fn(initial.nrows(), initial.ncols(), |i, j| factor * initial[(i, j)]))
}

/// Asymptotic decay rates of the features' deviations from their class means (NC-21).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WithinClassRates {
    /// `rho_k = lambda_H (1 + x_k^M)` along the direction of class k, in the order of the class counts; lambda_H for a
    /// dead class.
    pub rates: Vec<f64>,
    /// lambda_H, exact along the `d_1 - rank W` unused directions.
    pub null_rate: f64,
    /// Rate of NC1 for M = 1, all classes alive and a width above K: `2 min(min rho_k, lambda_W + 2 lambda_H)`. Its
    /// pseudo-inverse sees unused directions only through the tilt of the span of the class means.
    pub nc1_rate: Option<f64>,
}

/// Decay of `H_w = H_1 (I - V V')` near the minimum of the squared loss without bias (NC-21).
///
/// `dH_w/dt = -(W'W/N + lambda_H) H_w` at all times, whatever the depth and bias, so that `|H_w(t)| <= e^(-lambda_H t) |H_w(0)|`
/// on every trajectory; at the minimum `W'W/N` has the eigenvalues `lambda_H x_k^M`. O(K).
///
/// # Errors
/// Those of [`orthogonal_frame`].
pub fn within_class_rates(problem: &FreeFeatures) -> Result<WithinClassRates, CollapseError> {
    let frame = orthogonal_frame(problem)?;
    let total = problem.classes().total() as f64;
    let rates: Vec<f64> = frame.iter().map(|f| f.w_over_h / total).collect();
    let alive = frame.iter().all(|f| f.own_logit > 0.0);
    let null_rate = problem.lambda_h();
    let nc1_rate = (problem.depth() == 1 && alive && problem.widths()[0] > rates.len()).then(|| {
        let slowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
        2.0 * slowest.min(problem.lambda_w()[0] + 2.0 * null_rate)
    });
    Ok(WithinClassRates { rates, null_rate, nc1_rate })
}
