//! Nonlinear responses (ICL-13 to 15).
use solvable_linalg::MatRef;

use super::mixture::check_weights;
use crate::{Argument, Covariance, InputError};

/// Largest degree of a polynomial response: factorials up to the square of this order stay exact enough and finite.
pub const LARGEST_DEGREE: usize = 40;

/// A polynomial link function `g(z) = c_0 + c_1 z + c_2 z^2 + ...`.
#[derive(Clone, Debug, PartialEq)]
pub struct Polynomial {
    coefficients: Vec<f64>,
}

impl Polynomial {
    /// From its coefficients, constant first.
    ///
    /// # Errors
    /// [`InputError`] when there is none, one is not finite, or the degree exceeds [`LARGEST_DEGREE`].
    pub fn new(coefficients: &[f64]) -> Result<Self, InputError> {
        InputError::check_count("number of coefficients", coefficients.len())?;
        InputError::check_vector("coefficients", coefficients)?;
        if coefficients.len() > LARGEST_DEGREE + 1 {
            return Err(InputError::Count {
                argument: "degree".into(),
                value: coefficients.len() as u64 - 1,
                condition: "at most 40",
            });
        }
        Ok(Self { coefficients: coefficients.to_vec() })
    }

    /// The coefficients, constant first.
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// g(z), by Horner's rule.
    #[must_use]
    pub fn value(&self, z: f64) -> f64 {
        self.coefficients.iter().rev().fold(0.0, |sum, c| sum * z + c)
    }
}

/// Responses `y = g(v'x) + noise` whose direction v changes from prompt to prompt (ICL-15a).
///
/// Covariates are Gaussian with covariance `lambda`; direction k is drawn with probability `weights[k]`.
#[derive(Clone, Debug)]
pub struct SingleIndexMixture {
    lambda: Covariance,
    weights: Vec<f64>,
    directions: Vec<Vec<f64>>,
    link: Polynomial,
    sigma2: f64,
    context: usize,
}

impl SingleIndexMixture {
    /// States the task.
    ///
    /// # Errors
    /// [`InputError`] as [`check_weights`], when a direction has the wrong length, is not finite or has
    /// `v' Lambda v = 0`, `sigma2` is negative or not finite, or `context` is 0.
    pub fn new(
        lambda: Covariance,
        weights: &[f64],
        directions: Vec<Vec<f64>>,
        link: Polynomial,
        sigma2: f64,
        context: usize,
    ) -> Result<Self, InputError> {
        let weights = check_weights(weights)?;
        let d = lambda.dimension();
        if directions.len() != weights.len() {
            let found = (directions.len(), d);
            let expected = (weights.len(), d);
            return Err(InputError::Shape { argument: "directions".into(), found, expected });
        }
        for (k, v) in directions.iter().enumerate() {
            if v.len() != d {
                let found = (v.len(), 1);
                let argument = Argument::indexed("directions", k);
                return Err(InputError::Shape { argument, found, expected: (d, 1) });
            }
            InputError::check_vector("directions", v)?;
            let variance = solvable_linalg::quadratic_form(v, lambda.matrix(), v);
            let holds = variance.is_finite() && variance > 0.0;
            InputError::check(
                Argument::indexed("v' Lambda v of directions", k),
                variance,
                holds,
                "positive",
            )?;
        }
        InputError::check_nonnegative("sigma2", sigma2)?;
        InputError::check_count("N", context)?;
        Ok(Self { lambda, weights, directions, link, sigma2, context })
    }

    /// Covariate covariance Lambda.
    #[must_use]
    pub fn lambda(&self) -> &Covariance {
        &self.lambda
    }

    /// Probabilities of the directions.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The directions.
    #[must_use]
    pub fn directions(&self) -> &[Vec<f64>] {
        &self.directions
    }

    /// The link function g.
    #[must_use]
    pub fn link(&self) -> &Polynomial {
        &self.link
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
}

/// Refuses a matrix that is not symmetric d x d and finite: the Q of a response `x'Qx` (ICL-15b).
///
/// # Errors
/// [`InputError`] naming the shape, the entry, or the pair of entries that differ by more than 1e-12 of the largest.
pub fn check_quadratic_form(q: MatRef<'_, f64>, d: usize) -> Result<(), InputError> {
    let found = (q.nrows(), q.ncols());
    if found != (d, d) {
        return Err(InputError::Shape { argument: "Q".into(), found, expected: (d, d) });
    }
    for row in 0..d {
        for column in 0..d {
            let value = q[(row, column)];
            if !value.is_finite() {
                return Err(InputError::NotFinite { argument: "Q".into(), row, column, value });
            }
        }
    }
    let largest = solvable_linalg::max_abs(q);
    for row in 0..d {
        for column in 0..row {
            let half = (0.5 * q[(row, column)] - 0.5 * q[(column, row)]).abs();
            if half > 0.5 * crate::VALIDATION_TOLERANCE * largest {
                let difference = 2.0 * half;
                return Err(InputError::NotSymmetric { argument: "Q".into(), row, column, difference });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomial_is_evaluated_and_checked() {
        let g = Polynomial::new(&[0.3, 0.8, -0.5, 0.4]).expect("valid");
        assert!((g.value(2.0) - (0.3 + 1.6 - 2.0 + 3.2)).abs() < 4.0 * f64::EPSILON);
        assert!(Polynomial::new(&[]).is_err() && Polynomial::new(&[f64::NAN]).is_err());
        assert!(Polynomial::new(&[1.0; 42]).is_err());
    }

    #[test]
    fn directions_need_variance() {
        let lambda = Covariance::diagonal("Lambda", &[1.0, 0.0]).expect("valid");
        let g = Polynomial::new(&[0.0, 1.0]).expect("valid");
        let flat = SingleIndexMixture::new(lambda, &[1.0], vec![vec![0.0, 1.0]], g, 0.0, 3);
        assert!(flat.expect_err("no variance").to_string().contains("directions[0]"));
    }
}
