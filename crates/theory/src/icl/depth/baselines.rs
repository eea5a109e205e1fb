//! Least squares, averaging, recursive ridge (ICL-56, ICL-57).
use solvable_linalg::{Mat, dot, least_squares};
use solvable_model::InputError;

use super::FiniteSize;
use crate::icl::IclError;
use crate::icl::error::finite;

/// The mean risk of least squares (N > d) or the minimum-norm fit (N < d), not normalised; typed infinity where it diverges
/// (ICL-56).
///
/// `sigma2 d/(N - d - 1)` for N > d + 1; `tau2 (d - N) + sigma2 N/(d - N - 1)` for N < d - 1; infinite when `|N - d| <= 1` with
/// noise; `tau2 max(d - N, 0)` without. O(1).
///
/// # Errors
/// [`IclError::NotRepresentable`] on overflow of a finite risk.
pub fn least_squares_risk(size: &FiniteSize) -> Result<f64, IclError> {
    let (d, n) = (size.dimension() as f64, size.context() as f64);
    let (tau2, sigma2) = (size.tau2(), size.sigma2());
    let missing = tau2 * (d - n).max(0.0);
    if sigma2 == 0.0 {
        return finite("risk", missing);
    }
    let gap = (n - d).abs();
    if gap <= 1.0 {
        return Ok(f64::INFINITY);
    }
    finite("risk", missing + sigma2 * (d.min(n) / (gap - 1.0)))
}

/// The mean risk of averaging, `w = (1/N) sum y_i x_i`: `tau2 d (d+1)/N + sigma2 d/N` (ICL-56), one layer at step 1.
///
/// # Errors
/// [`IclError::NotRepresentable`] on overflow.
pub fn averaging_risk(size: &FiniteSize) -> Result<f64, IclError> {
    let (d, n) = (size.dimension() as f64, size.context() as f64);
    let (tau2, sigma2) = (size.tau2(), size.sigma2());
    finite("risk", (tau2 * (d + 1.0) + sigma2) * (d / n))
}

/// `(lambda I + X X')^-1 X y'` with X given one example a row (N x d): ridge regression, the fixed point of the recursion
/// [`recursive_ridge`] (ICL-57).
///
/// Solved as the least squares problem `[X; sqrt(lambda) I] w = [y; 0]`, whose condition number is the square root of that of
/// the normal equations. O((N + d) d^2).
///
/// # Errors
/// [`IclError::Input`] unless lambda is positive and shapes agree; [`IclError::Linalg`] when the solver refuses.
pub fn ridge(x: &Mat<f64>, y: &[f64], lambda: f64) -> Result<Vec<f64>, IclError> {
    check_ridge(x, y, lambda)?;
    let (n, d) = (x.nrows(), x.ncols());
    let root = lambda.sqrt();
    let rows = Mat::from_fn(n + d, d, |i, j| match i.checked_sub(n) {
        None => x[(i, j)],
        Some(k) if k == j => root,
        Some(_) => 0.0,
    });
    let right = Mat::from_fn(n + d, 1, |i, _| if i < n { y[i] } else { 0.0 });
    let found = least_squares(rows.as_ref(), right.as_ref())?;
    Ok((0..d).map(|i| found.x[(i, 0)]).collect())
}

/// The same vector by the rank-one recursion of Akyurek et al. (ICL-57): from `V = I/lambda`, `w = 0`, for each example
/// `V <- V - V x x'V/(1 + x'V x)`, `w <- w + V x (y - w'x)`. In exact arithmetic equal to [`ridge`], in any order of the
/// examples. O(N d^2).
///
/// # Errors
/// As [`ridge`], and [`IclError::NotRepresentable`] when an entry overflows.
pub fn recursive_ridge(x: &Mat<f64>, y: &[f64], lambda: f64) -> Result<Vec<f64>, IclError> {
    check_ridge(x, y, lambda)?;
    let (n, d) = (x.nrows(), x.ncols());
    let mut v = Mat::from_fn(d, d, |i, j| if i == j { 1.0 / lambda } else { 0.0 });
    let mut w = vec![0.0; d];
    for i in 0..n {
        let row: Vec<f64> = (0..d).map(|j| x[(i, j)]).collect();
        let image: Vec<f64> = (0..d).map(|a| (0..d).map(|b| v[(a, b)] * row[b]).sum()).collect();
        let scale = 1.0 + dot(&row, &image);
        let error = (y[i] - dot(&w, &row)) / scale;
        for a in 0..d {
            for b in 0..d {
                v[(a, b)] -= image[a] * (image[b] / scale);
            }
            // V_new x = V x/(1 + x'V x).
            w[a] += image[a] * error;
        }
    }
    for value in &w {
        finite("w", *value)?;
    }
    Ok(w)
}

fn check_ridge(x: &Mat<f64>, y: &[f64], lambda: f64) -> Result<(), IclError> {
    InputError::check_positive("lambda", lambda)?;
    InputError::check_count("N", x.nrows())?;
    if y.len() != x.nrows() {
        let (found, expected) = ((y.len(), 1), (x.nrows(), 1));
        return Err(InputError::Shape { argument: "y".into(), found, expected }.into());
    }
    InputError::check_vector("y", y)?;
    for i in 0..x.nrows() {
        for j in 0..x.ncols() {
            let value = x[(i, j)];
            if !value.is_finite() {
                let argument = "X".into();
                return Err(InputError::NotFinite { argument, row: i, column: j, value }.into());
            }
        }
    }
    Ok(())
}

/// `w - 2 alpha [x (x'w) - x y + lambda w]`: one step of size alpha on `(w'x - y)^2 + lambda |w|^2`, one example (ICL-57). The
/// factor 2: that loss carries no 1/2.
///
/// # Errors
/// [`IclError::Input`] when the lengths differ or are 0, a number is not finite, or lambda is negative.
pub fn single_example_step(
    w: &[f64],
    x: &[f64],
    y: f64,
    alpha: f64,
    lambda: f64,
) -> Result<Vec<f64>, IclError> {
    InputError::check_count("dimension of w", w.len())?;
    if x.len() != w.len() {
        let (found, expected) = ((x.len(), 1), (w.len(), 1));
        return Err(InputError::Shape { argument: "x".into(), found, expected }.into());
    }
    InputError::check_vector("w", w)?;
    InputError::check_vector("x", x)?;
    InputError::check_finite("y", y)?;
    InputError::check_finite("alpha", alpha)?;
    InputError::check_nonnegative("lambda", lambda)?;
    let error = dot(x, w) - y;
    w.iter().zip(x).map(|(w, x)| finite("w", w - 2.0 * alpha * (x * error + lambda * w))).collect()
}
