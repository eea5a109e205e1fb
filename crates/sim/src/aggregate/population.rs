//! Where covariates and labels come from.
use rand::Rng;
use solvable_model::InputError;
use solvable_model::aggregate::SpectrumPart;

use crate::normal;

/// Rows `x ~ N(0, diag(sigma))` and a parameter theta* known up to the symmetries of that law.
///
/// Flipping the sign of a coordinate, or rotating within equal eigenvalues, does not change the law of X. A risk that is
/// quadratic in theta* has therefore the same mean when `theta* theta*'` is replaced by its average over these
/// symmetries: the diagonal matrix of [`energy`](Self::energy), spread evenly over equal eigenvalues. Risks computed
/// with the average have a far smaller variance over designs.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    sigma: Vec<f64>,
    roots: Vec<f64>,
    energy: Vec<f64>,
    s2: f64,
}

impl Population {
    /// Isotropic covariates in d dimensions, `|theta*|^2 = r2`, noise variance `s2`.
    ///
    /// # Errors
    /// [`InputError`] when d is 0 or an energy is negative or not finite.
    pub fn isotropic(d: usize, r2: f64, s2: f64) -> Result<Self, InputError> {
        InputError::check_count("d", d)?;
        InputError::check_nonnegative("r2", r2)?;
        InputError::check_nonnegative("s2", s2)?;
        Ok(Self { sigma: vec![1.0; d], roots: vec![1.0; d], energy: vec![r2 / d as f64; d], s2 })
    }

    /// Groups of equal eigenvalues at n rows: part j has `weight_j n` coordinates, rounded to a whole number that
    /// must be at least 1, and shares `theta2_j` evenly among them.
    ///
    /// # Errors
    /// [`InputError`] when there is no part, a number is negative or not finite, or a part has no coordinate.
    pub fn from_parts(parts: &[SpectrumPart], n: usize, s2: f64) -> Result<Self, InputError> {
        InputError::check_count("number of eigenvalues", parts.len())?;
        InputError::check_nonnegative("s2", s2)?;
        let (mut sigma, mut energy) = (Vec::new(), Vec::new());
        for part in parts {
            InputError::check_nonnegative("sigma", part.sigma)?;
            InputError::check_nonnegative("theta2", part.theta2)?;
            let count = (part.weight * n as f64).round();
            let ok = (1.0..1e6).contains(&count);
            InputError::check("multiplicity of an eigenvalue", count, ok, "between 1 and a million")?;
            sigma.extend(std::iter::repeat_n(part.sigma, count as usize));
            energy.extend(std::iter::repeat_n(part.theta2 / count, count as usize));
        }
        let roots = sigma.iter().map(|s| s.sqrt()).collect();
        Ok(Self { sigma, roots, energy, s2 })
    }

    /// The same with another noise variance.
    ///
    /// # Errors
    /// [`InputError`] when `s2` is negative or not finite.
    pub fn with_noise(&self, s2: f64) -> Result<Self, InputError> {
        InputError::check_nonnegative("s2", s2)?;
        Ok(Self { s2, ..self.clone() })
    }

    /// The same with all of theta* on one coordinate: a fixed direction, no average over symmetries.
    ///
    /// # Panics
    /// When the coordinate is not below d.
    #[must_use]
    pub fn concentrated(&self, coordinate: usize) -> Self {
        let mut energy = vec![0.0; self.dimension()];
        energy[coordinate] = self.r2();
        Self { energy, ..self.clone() }
    }

    /// Number of covariates d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.sigma.len()
    }

    /// Variance of each covariate.
    #[must_use]
    pub fn sigma(&self) -> &[f64] {
        &self.sigma
    }

    /// Average of `theta*_j^2` over the symmetries of the law.
    #[must_use]
    pub fn energy(&self) -> &[f64] {
        &self.energy
    }

    /// Noise variance of a label.
    #[must_use]
    pub fn s2(&self) -> f64 {
        self.s2
    }

    /// `|theta*|^2`.
    #[must_use]
    pub fn r2(&self) -> f64 {
        self.energy.iter().sum()
    }

    /// Fills `rows` (row-major) with independent draws of x.
    pub fn fill<R: Rng + ?Sized>(&self, rng: &mut R, rows: &mut [f64]) {
        normal::fill(rng, rows);
        for row in rows.chunks_exact_mut(self.dimension()) {
            for (x, root) in row.iter_mut().zip(&self.roots) {
                *x *= root;
            }
        }
    }
}
