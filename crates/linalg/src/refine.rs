//! Shared by the linear solvers: refinement with residuals in doubled precision, and condition estimation.

use crate::certificate::within;
use crate::error::{Certificate, LinalgError};
use crate::ops::sum;
use crate::tolerance;
use faer::{Mat, MatRef};

/// Solution of a square linear system, certified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Solution {
    /// X with A X = B.
    pub x: Mat<f64>,
    /// Largest normwise backward error of a column, after row and column scaling.
    pub residual: f64,
    /// Estimated reciprocal condition number 1 / (`||A||` `||A^-1||`), maximum norm, after row and column scaling.
    pub rcond: f64,
    /// Largest number of refinement steps a column took.
    pub steps: usize,
    /// Relative size of the last correction, largest over the columns. Once corrections shrink, the error left is
    /// smaller than the last of them, or rounding of the answer to `f64`.
    pub correction: f64,
}

/// One column refined.
#[derive(Clone, Debug)]
pub(crate) struct Refined {
    pub(crate) y: Vec<f64>,
    pub(crate) backward_error: f64,
    pub(crate) steps: usize,
    pub(crate) correction: f64,
}

/// Most refinement steps: each gains about -log10(condition epsilon n) digits, so 4 suffice for conditions up to 1e12.
const MAX_STEPS: usize = 4;

pub(crate) fn max_norm(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m: f64, v| if v.is_nan() { f64::INFINITY } else { m.max(v.abs()) })
}

/// `||A||` induced by the maximum norm: the largest row sum of absolute values.
pub(crate) fn row_sum_norm(a: MatRef<'_, f64>) -> f64 {
    let row = |i: usize| sum(&(0..a.ncols()).map(|j| a[(i, j)].abs()).collect::<Vec<_>>());
    (0..a.nrows()).map(row).fold(0.0, f64::max)
}

/// (p, e) with p + e = x y exactly (Dekker; no overflow for |x|, |y| < 2^500, no underflow above 2^-900).
fn two_product(x: f64, y: f64) -> (f64, f64) {
    let split = |v: f64| {
        let t = 134_217_729.0 * v; // 2^27 + 1
        let high = t - (t - v);
        (high, v - high)
    };
    let p = x * y;
    let ((xh, xl), (yh, yl)) = (split(x), split(y));
    (p, ((xh * yh - p) + xh * yl + xl * yh) + xl * yl)
}

/// c - A y accumulated in doubled precision, then rounded: relative error about u + n u² `|A||y|` / |result|.
pub(crate) fn residual(a: MatRef<'_, f64>, y: &[f64], c: &[f64]) -> Vec<f64> {
    let mut high = c.to_vec();
    let mut low = vec![0.0; c.len()];
    for (j, &yj) in y.iter().enumerate() {
        for ((h, l), &aij) in high.iter_mut().zip(&mut low).zip(a.col(j).iter()) {
            let (p, e) = two_product(-aij, yj);
            let s = *h + p;
            let t = s - *h;
            *l += ((*h - (s - t)) + (p - t)) + e;
            *h = s;
        }
    }
    high.iter().zip(&low).map(|(h, l)| h + l).collect()
}

/// Normwise backward error of y, maximum norms; 0 when c = 0 and y = 0.
pub(crate) fn backward_error(a: MatRef<'_, f64>, norm: f64, y: &[f64], c: &[f64]) -> f64 {
    let r = max_norm(&residual(a, y, c));
    let scale = norm * max_norm(y) + max_norm(c);
    if r == 0.0 { 0.0 } else { r / scale }
}

/// Solves A y = c with `solve`, refines while corrections at least halve, and certifies the backward error.
///
/// With residuals in doubled precision the limit is accurate to a few epsilon relative to max |y|, whatever the condition
/// number as long as it is below about 1 / (n epsilon) (Higham, section 12.1).
pub(crate) fn refine(
    a: MatRef<'_, f64>,
    norm: f64,
    solve: &dyn Fn(&mut [f64]),
    c: &[f64],
) -> Result<Refined, LinalgError> {
    let mut y = c.to_vec();
    solve(&mut y);
    let (mut steps, mut correction) = (0, 0.0);
    let mut previous = max_norm(&y);
    while steps < MAX_STEPS {
        let mut d = residual(a, &y, c);
        solve(&mut d);
        let size = max_norm(&d);
        if size >= 0.5 * previous {
            break;
        }
        for (yi, di) in y.iter_mut().zip(&d) {
            *yi += di;
        }
        previous = size;
        correction = size / max_norm(&y).max(f64::MIN_POSITIVE);
        steps += 1;
        if correction <= tolerance::UNIT {
            break;
        }
    }
    let backward_error = backward_error(a, norm, &y, c);
    within(Certificate::BackwardError, backward_error, tolerance::backward_error(a.nrows()))?;
    Ok(Refined { y, backward_error, steps, correction })
}

/// Lower bound on `||M^-1||_1`, rarely below a third of it, from solves with M and with M'.
///
/// Hager's method with Higham's extra vector (Higham, algorithm 15.1).
pub(crate) fn inverse_one_norm(
    n: usize,
    solve: &dyn Fn(&mut [f64]),
    solve_transposed: &dyn Fn(&mut [f64]),
) -> f64 {
    let one_norm = |x: &[f64]| sum(&x.iter().map(|v| v.abs()).collect::<Vec<_>>());
    let mut x = vec![1.0 / n as f64; n];
    let mut estimate = 0.0_f64;
    let mut last = usize::MAX;
    for _ in 0..5 {
        solve(&mut x);
        let size = one_norm(&x);
        if !size.is_finite() {
            return f64::INFINITY;
        }
        if size <= estimate {
            break;
        }
        estimate = size;
        let mut z: Vec<f64> = x.iter().map(|v| if *v < 0.0 { -1.0 } else { 1.0 }).collect();
        solve_transposed(&mut z);
        let j = (0..n).max_by(|&i, &j| z[i].abs().total_cmp(&z[j].abs())).unwrap_or(0);
        if j == last {
            break;
        }
        last = j;
        x.fill(0.0);
        x[j] = 1.0;
    }
    let step = 1.0 / (n.max(2) - 1) as f64;
    let mut extra: Vec<f64> =
        (0..n).map(|i| if i % 2 == 0 { 1.0 + i as f64 * step } else { -1.0 - i as f64 * step }).collect();
    solve(&mut extra);
    estimate.max(2.0 * one_norm(&extra) / (3.0 * n as f64))
}
