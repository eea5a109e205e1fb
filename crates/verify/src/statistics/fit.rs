//! Weighted least squares in powers of 1/size.
use solvable_linalg::{LinalgError, Mat, solve};

use super::chi_square_upper_tail;

/// A fit `g + sum_k a_k size^(-power_k)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Coefficients: the constant g first.
    pub coefficients: Vec<f64>,
    /// Their standard errors.
    pub standard_errors: Vec<f64>,
    /// Weighted sum of squared residuals.
    pub chi_square: f64,
    /// Number of points minus number of coefficients.
    pub degrees: usize,
    /// `P(chi-square or more)`; 1 where no degree of freedom is left.
    pub p_value: f64,
}

/// Why a fit is impossible.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// Fewer points than coefficients.
    #[error("{points} points cannot determine {coefficients} coefficients")]
    TooFewPoints {
        /// Points given.
        points: usize,
        /// Coefficients wanted.
        coefficients: usize,
    },
    /// A standard error that is not positive.
    #[error("point {index} has the standard error {value}: it must be positive and finite")]
    StandardError {
        /// Which point.
        index: usize,
        /// Its standard error.
        value: f64,
    },
    /// The normal equations could not be solved.
    #[error(transparent)]
    Linalg(#[from] LinalgError),
}

/// Fits `value = g + sum_k a_k size^(-powers[k])` to points `(size, value, standard error)`.
///
/// Columns are scaled to unit length before the normal equations are formed; with the few terms and the
/// geometric sizes used here the condition number stays below 1e6.
///
/// # Errors
/// [`FitError`] for too few points, a bad standard error or a singular design.
pub fn fit_powers(points: &[(f64, f64, f64)], powers: &[f64]) -> Result<Fit, FitError> {
    let p = powers.len() + 1;
    let n = points.len();
    if n < p {
        return Err(FitError::TooFewPoints { points: n, coefficients: p });
    }
    if let Some((index, point)) = points.iter().enumerate().find(|(_, q)| !(q.2 > 0.0 && q.2.is_finite())) {
        return Err(FitError::StandardError { index, value: point.2 });
    }
    let raw = |i: usize, k: usize| {
        let base = if k == 0 { 1.0 } else { points[i].0.powf(-powers[k - 1]) };
        base / points[i].2
    };
    let lengths: Vec<f64> = (0..p).map(|k| (0..n).map(|i| raw(i, k).powi(2)).sum::<f64>().sqrt()).collect();
    let design = Mat::from_fn(n, p, |i, k| raw(i, k) / lengths[k]);
    let normal = design.transpose() * &design;
    // One solve gives the coefficients and the covariance.
    let right = Mat::from_fn(p, p + 1, |k, c| {
        if c == 0 {
            (0..n).map(|i| design[(i, k)] * points[i].1 / points[i].2).sum()
        } else if c == k + 1 {
            1.0
        } else {
            0.0
        }
    });
    let solution = solve(normal.as_ref(), right.as_ref())?.x;
    let coefficients: Vec<f64> = (0..p).map(|k| solution[(k, 0)] / lengths[k]).collect();
    let standard_errors: Vec<f64> =
        (0..p).map(|k| solution[(k, k + 1)].max(0.0).sqrt() / lengths[k]).collect();
    let chi_square = (0..n)
        .map(|i| {
            let fitted: f64 = (0..p).map(|k| coefficients[k] * raw(i, k)).sum();
            (points[i].1 / points[i].2 - fitted).powi(2)
        })
        .sum();
    let degrees = n - p;
    let p_value = chi_square_upper_tail(chi_square, degrees);
    Ok(Fit { coefficients, standard_errors, chi_square, degrees, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovers_an_exact_series() {
        let points: Vec<(f64, f64, f64)> =
            [10.0, 20.0, 40.0, 80.0].iter().map(|&d| (d, 2.0 - 3.0 / d + 5.0 / (d * d), 1e-3 * d)).collect();
        let fit = fit_powers(&points, &[1.0, 2.0]).expect("valid");
        for (c, e) in fit.coefficients.iter().zip([2.0, -3.0, 5.0]) {
            assert!((c - e).abs() < 1e-9 * e.abs(), "{c} {e}");
        }
        assert!(fit.p_value > 0.999 && fit.degrees == 1);
        // Without the quadratic term the misfit is plain.
        let precise: Vec<_> = points.iter().map(|p| (p.0, p.1, 1e-4)).collect();
        assert!(fit_powers(&precise, &[1.0]).expect("valid").p_value < 1e-12);
    }

    #[test]
    fn constant_fit_is_the_weighted_mean() {
        let fit = fit_powers(&[(1.0, 1.0, 1.0), (2.0, 4.0, 2.0)], &[]).expect("valid");
        assert!((fit.coefficients[0] - 1.6).abs() < 1e-15);
        assert!((fit.standard_errors[0] - 0.8_f64.sqrt()).abs() < 1e-15);
        assert!(fit_powers(&[(1.0, 1.0, 0.0)], &[]).is_err());
        assert!(fit_powers(&[], &[]).is_err());
    }
}
