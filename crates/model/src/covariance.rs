//! Validated covariance (second-moment) matrices.
use solvable_linalg::{Mat, MatRef, symmetric_eigen};

use crate::{Argument, InputError};

/// Largest accepted asymmetry and negative eigenvalue, relative to the largest entry and eigenvalue.
///
/// A matrix estimated in double precision is symmetric and positive semidefinite up to a few hundred
/// roundings; 1e-12 is what the specifications state.
pub const VALIDATION_TOLERANCE: f64 = 1e-12;

/// A symmetric positive semidefinite d x d matrix with its eigendecomposition.
///
/// Diagonal matrices keep their structure ([`is_diagonal`](Self::is_diagonal)); their eigenvalues are the
/// entries themselves, exact. Rank-deficient matrices are welcome: zero is a valid covariance.
///
/// ```
/// use solvable_model::Covariance;
/// let power_law = Covariance::power_law("Lambda", 4, 1.0, 1.0)?;
/// assert_eq!(power_law.eigenvalues(), [1.0, 0.5, 1.0 / 3.0, 0.25]);
/// # Ok::<(), solvable_model::InputError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Covariance {
    matrix: Mat<f64>,
    /// Descending.
    eigenvalues: Vec<f64>,
    /// Columns, in the order of `eigenvalues`.
    eigenvectors: Mat<f64>,
    diagonal: bool,
}

impl Covariance {
    /// `value * I` in dimension `d`.
    ///
    /// # Errors
    /// [`InputError`] unless `d` is from 1 to [`LARGEST_DIMENSION`](crate::LARGEST_DIMENSION) and `value` is finite and at
    /// least 0.
    pub fn isotropic(argument: &'static str, d: usize, value: f64) -> Result<Self, InputError> {
        InputError::check_dimension(argument, d)?;
        Self::diagonal(argument, &vec![value; d])
    }

    /// The diagonal matrix with the given entries, in any order.
    ///
    /// # Errors
    /// [`InputError`] when `entries` is empty, longer than [`LARGEST_DIMENSION`](crate::LARGEST_DIMENSION), or holds a
    /// negative or non-finite value.
    pub fn diagonal(argument: impl Into<Argument>, entries: &[f64]) -> Result<Self, InputError> {
        let argument = argument.into();
        let d = entries.len();
        if d == 0 {
            return Err(InputError::Count { argument, value: 0, condition: "at least 1 in dimension" });
        }
        InputError::check_dimension(argument.clone(), d)?;
        if let Some(&value) = entries.iter().find(|v| !(v.is_finite() && **v >= 0.0)) {
            return Err(InputError::OutOfDomain {
                argument,
                value,
                condition: "finite and at least 0 in every diagonal entry",
            });
        }
        let mut order: Vec<usize> = (0..d).collect();
        order.sort_by(|&i, &j| entries[j].total_cmp(&entries[i]));
        Ok(Self {
            matrix: Mat::from_fn(d, d, |i, j| if i == j { entries[i] } else { 0.0 }),
            eigenvalues: order.iter().map(|&i| entries[i]).collect(),
            eigenvectors: Mat::from_fn(d, d, |i, j| if order[j] == i { 1.0 } else { 0.0 }),
            diagonal: true,
        })
    }

    /// Eigenvalues `scale * i^(-exponent)`, i = 1..d, on the diagonal.
    ///
    /// # Errors
    /// [`InputError`] unless `d` is from 1 to [`LARGEST_DIMENSION`](crate::LARGEST_DIMENSION), `scale >= 0` and all entries
    /// are finite.
    pub fn power_law(
        argument: &'static str,
        d: usize,
        exponent: f64,
        scale: f64,
    ) -> Result<Self, InputError> {
        InputError::check_dimension(argument, d)?;
        let entries: Vec<f64> = (1..=d).map(|i| scale * (i as f64).powf(-exponent)).collect();
        Self::diagonal(argument, &entries)
    }

    /// A dense symmetric positive semidefinite matrix.
    ///
    /// The strictly lower and upper triangles are averaged; eigenvalues within the tolerance below zero
    /// become exactly zero. Cost O(d^3).
    ///
    /// # Errors
    /// [`InputError`] when the matrix is empty, not square, not finite, asymmetric by more than
    /// [`VALIDATION_TOLERANCE`] times its largest entry, or has an eigenvalue below minus
    /// [`VALIDATION_TOLERANCE`] times the largest.
    pub fn dense(argument: impl Into<Argument>, matrix: MatRef<'_, f64>) -> Result<Self, InputError> {
        let argument = argument.into();
        let (rows, columns) = (matrix.nrows(), matrix.ncols());
        if rows == 0 {
            return Err(InputError::Count { argument, value: 0, condition: "at least 1 in dimension" });
        }
        if rows != columns {
            return Err(InputError::Shape { argument, found: (rows, columns), expected: (rows, rows) });
        }
        let mut largest = 0.0_f64;
        let mut diagonal = true;
        for i in 0..rows {
            for j in 0..rows {
                let value = matrix[(i, j)];
                if !value.is_finite() {
                    return Err(InputError::NotFinite { argument, row: i, column: j, value });
                }
                largest = largest.max(value.abs());
                diagonal &= i == j || value == 0.0;
            }
        }
        let mut worst = (0, 0, 0.0_f64);
        for i in 0..rows {
            for j in 0..i {
                // Halved first: the difference of two finite entries may overflow.
                let difference = (0.5 * matrix[(i, j)] - 0.5 * matrix[(j, i)]).abs();
                if difference > worst.2 {
                    worst = (i, j, difference);
                }
            }
        }
        if worst.2 > 0.5 * VALIDATION_TOLERANCE * largest {
            let (row, column, half) = worst;
            return Err(InputError::NotSymmetric { argument, row, column, difference: 2.0 * half });
        }
        if diagonal {
            let entries: Vec<f64> = (0..rows).map(|i| matrix[(i, i)]).collect();
            return match entries.iter().copied().min_by(f64::total_cmp) {
                Some(least) if least < 0.0 => {
                    Err(InputError::NotPositiveSemidefinite { argument, eigenvalue: least })
                }
                _ => Self::diagonal(argument, &entries),
            };
        }
        let matrix = Mat::from_fn(rows, rows, |i, j| 0.5 * matrix[(i, j)] + 0.5 * matrix[(j, i)]);
        let eigen = symmetric_eigen(matrix.as_ref())?;
        let top = eigen.values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        if let Some(&eigenvalue) = eigen.values.last()
            && eigenvalue < -VALIDATION_TOLERANCE * top
        {
            return Err(InputError::NotPositiveSemidefinite { argument, eigenvalue });
        }
        Ok(Self {
            matrix,
            eigenvalues: eigen.values.iter().map(|v| v.max(0.0)).collect(),
            eigenvectors: eigen.vectors,
            diagonal: false,
        })
    }

    /// A dense matrix given row by row.
    ///
    /// # Errors
    /// As [`dense`](Self::dense), and when a row has the wrong length.
    pub fn from_rows(argument: impl Into<Argument>, rows: &[Vec<f64>]) -> Result<Self, InputError> {
        let argument = argument.into();
        let d = rows.len();
        if let Some(bad) = rows.iter().find(|r| r.len() != d) {
            return Err(InputError::Shape { argument, found: (d, bad.len()), expected: (d, d) });
        }
        Self::dense(argument, Mat::from_fn(d, d, |i, j| rows[i][j]).as_ref())
    }

    /// The dimension d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.eigenvalues.len()
    }

    /// The matrix.
    #[must_use]
    pub fn matrix(&self) -> MatRef<'_, f64> {
        self.matrix.as_ref()
    }

    /// Eigenvalues, descending, none negative.
    #[must_use]
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// Orthonormal eigenvectors as columns, in the order of [`eigenvalues`](Self::eigenvalues).
    #[must_use]
    pub fn eigenvectors(&self) -> MatRef<'_, f64> {
        self.eigenvectors.as_ref()
    }

    /// Whether all off-diagonal entries are exactly zero.
    #[must_use]
    pub fn is_diagonal(&self) -> bool {
        self.diagonal
    }

    /// The trace, summed over the diagonal.
    #[must_use]
    pub fn trace(&self) -> f64 {
        (0..self.dimension()).map(|i| self.matrix[(i, i)]).sum()
    }

    /// Largest eigenvalue.
    #[must_use]
    pub fn largest_eigenvalue(&self) -> f64 {
        self.eigenvalues[0]
    }

    /// Smallest eigenvalue.
    #[must_use]
    pub fn smallest_eigenvalue(&self) -> f64 {
        self.eigenvalues[self.dimension() - 1]
    }

    /// The symmetric square root V diag(sqrt(lambda)) V'.
    #[must_use]
    pub fn sqrt(&self) -> Mat<f64> {
        let d = self.dimension();
        if self.diagonal {
            return Mat::from_fn(d, d, |i, j| if i == j { self.matrix[(i, i)].sqrt() } else { 0.0 });
        }
        let v = &self.eigenvectors;
        let roots: Vec<f64> = self.eigenvalues.iter().map(|l| l.sqrt()).collect();
        let scaled = Mat::from_fn(d, d, |i, j| v[(i, j)] * roots[j]);
        &scaled * v.transpose()
    }

    /// The same matrix multiplied by `factor`.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] unless `factor` is finite, at least 0, and no entry overflows.
    pub fn scaled(&self, factor: f64) -> Result<Self, InputError> {
        InputError::check_nonnegative("factor", factor)?;
        let d = self.dimension();
        let matrix = Mat::from_fn(d, d, |i, j| factor * self.matrix[(i, j)]);
        let eigenvalues: Vec<f64> = self.eigenvalues.iter().map(|l| factor * l).collect();
        InputError::check("factor", factor, eigenvalues[0].is_finite(), "small enough not to overflow")?;
        Ok(Self { matrix, eigenvalues, eigenvectors: self.eigenvectors.clone(), diagonal: self.diagonal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_a_covariance() {
        let rows = |r: &[&[f64]]| r.iter().map(|x| x.to_vec()).collect::<Vec<_>>();
        for (bad, word) in [
            (rows(&[&[1.0, 0.0], &[0.0]]), "2 x 1"),
            (rows(&[&[1.0, 0.5], &[0.4, 1.0]]), "not symmetric"),
            (rows(&[&[1.0, f64::NAN], &[0.0, 1.0]]), "NaN"),
            (rows(&[&[1.0, 2.0], &[2.0, 1.0]]), "semidefinite"),
            (rows(&[&[-1.0]]), "semidefinite"),
            (rows(&[]), "at least 1"),
        ] {
            let message = Covariance::from_rows("Lambda", &bad).expect_err("refused").to_string();
            assert!(message.contains("Lambda") && message.contains(word), "{message}");
        }
        assert!(Covariance::diagonal("Lambda", &[1.0, -1.0]).is_err());
        for d in [0, crate::LARGEST_DIMENSION + 1, usize::MAX] {
            assert!(Covariance::isotropic("Lambda", d, 1.0).is_err(), "{d}");
            assert!(Covariance::power_law("Lambda", d, 1.0, 1.0).is_err(), "{d}");
        }
    }

    #[test]
    fn diagonal_input_is_exact_and_sorted() {
        let c = Covariance::diagonal("Lambda", &[0.5, 1e-150, 2.0, 0.0]).expect("valid");
        assert_eq!(c.eigenvalues(), [2.0, 0.5, 1e-150, 0.0]);
        for (j, &l) in c.eigenvalues().iter().enumerate() {
            let i = (0..4).find(|&i| c.eigenvectors()[(i, j)] == 1.0).expect("unit vector");
            assert_eq!(c.matrix()[(i, i)], l);
        }
    }

    #[test]
    fn square_root_squares_to_the_matrix() {
        let c = Covariance::from_rows("Lambda", &[vec![2.0, 1.0], vec![1.0, 1.0]]).expect("valid");
        let r = c.sqrt();
        let square = &r * &r;
        for i in 0..2 {
            for j in 0..2 {
                assert!((square[(i, j)] - c.matrix()[(i, j)]).abs() < 16.0 * f64::EPSILON);
            }
        }
    }
}
