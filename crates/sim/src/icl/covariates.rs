//! Random covariates.
use rand::{Rng, RngExt};
use solvable_linalg::{Mat, diagonal};
use solvable_model::{Covariance, InputError};

use crate::normal;

/// Gaussian vectors `root g` with a given second moment `root root'`, singular ones included.
#[derive(Clone, Debug)]
pub struct GaussianVectors {
    dimension: usize,
    root: Root,
}

#[derive(Clone, Debug)]
enum Root {
    Diagonal(Vec<f64>),
    /// Row by row.
    Dense(Vec<f64>),
}

impl GaussianVectors {
    /// Vectors of covariance `c`. O(d^2) on top of the decomposition that `c` carries.
    #[must_use]
    pub fn new(c: &Covariance) -> Self {
        let d = c.dimension();
        let m = c.sqrt();
        let root = if c.is_diagonal() {
            Root::Diagonal((0..d).map(|i| m[(i, i)]).collect())
        } else {
            Root::Dense((0..d * d).map(|k| m[(k / d, k % d)]).collect())
        };
        Self { dimension: d, root }
    }

    /// Dimension d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Draws one vector into `out`; `scratch` holds at least d numbers.
    pub fn fill<R: Rng>(&self, rng: &mut R, out: &mut [f64], scratch: &mut [f64]) {
        match &self.root {
            Root::Diagonal(s) => {
                normal::fill(rng, out);
                out.iter_mut().zip(s).for_each(|(o, s)| *o *= s);
            }
            Root::Dense(_) => {
                let g = &mut scratch[..self.dimension];
                normal::fill(rng, g);
                self.apply(g, out);
            }
        }
    }

    /// `out = root g`.
    pub fn apply(&self, g: &[f64], out: &mut [f64]) {
        match &self.root {
            Root::Diagonal(s) => {
                for ((o, s), g) in out.iter_mut().zip(s).zip(g) {
                    *o = s * g;
                }
            }
            Root::Dense(m) => {
                for (o, row) in out.iter_mut().zip(m.chunks_exact(self.dimension)) {
                    *o = row.iter().zip(g).map(|(a, b)| a * b).sum();
                }
            }
        }
    }
}

/// The law of the covariates of a prompt.
#[derive(Clone, Debug)]
pub enum CovariateLaw {
    /// Gaussian.
    Gaussian(GaussianVectors),
    /// `r g`, g Gaussian, `r^2 = 1 - spread` or `1 + spread` with equal probability, independent for every vector: elliptical
    /// with excess kurtosis `spread^2`.
    TwoPointRadius(GaussianVectors, f64),
    /// Independent coordinates, uniform on `[-a, a]`.
    Uniform {
        /// Dimension.
        d: usize,
        /// Half-width a.
        half_width: f64,
    },
}

impl CovariateLaw {
    /// Gaussian covariates of covariance `c`.
    #[must_use]
    pub fn gaussian(c: &Covariance) -> Self {
        Self::Gaussian(GaussianVectors::new(c))
    }

    /// Elliptical covariates of excess kurtosis `kappa` and covariance `c`.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] unless `0 <= kappa <= 1`, the range of a two-point radius.
    pub fn elliptical(c: &Covariance, kappa: f64) -> Result<Self, InputError> {
        InputError::check("kappa", kappa, (0.0..=1.0).contains(&kappa), "between 0 and 1")?;
        Ok(Self::TwoPointRadius(GaussianVectors::new(c), kappa.sqrt()))
    }

    /// Coordinates uniform on `[-a, a]`.
    ///
    /// # Errors
    /// [`InputError`] when d = 0 or a is not finite and positive.
    pub fn uniform(d: usize, half_width: f64) -> Result<Self, InputError> {
        InputError::check_count("d", d)?;
        InputError::check_positive("a", half_width)?;
        Ok(Self::Uniform { d, half_width })
    }

    /// Dimension d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        match self {
            Self::Gaussian(g) | Self::TwoPointRadius(g, _) => g.dimension(),
            Self::Uniform { d, .. } => *d,
        }
    }

    /// The matrix that turns raw numbers into covariates.
    pub(super) fn root(&self) -> Mat<f64> {
        match self {
            Self::Gaussian(g) | Self::TwoPointRadius(g, _) => match &g.root {
                Root::Diagonal(s) => diagonal(s),
                Root::Dense(m) => Mat::from_fn(g.dimension, g.dimension, |i, j| m[i * g.dimension + j]),
            },
            Self::Uniform { d, .. } => Mat::identity(*d, *d),
        }
    }

    /// Raw numbers of several covariates, d for each, before [`root`](Self::root).
    pub(super) fn fill_raw<R: Rng>(&self, rng: &mut R, out: &mut [f64]) {
        match self {
            Self::Gaussian(_) => normal::fill(rng, out),
            Self::TwoPointRadius(g, spread) => {
                normal::fill(rng, out);
                for vector in out.chunks_exact_mut(g.dimension) {
                    let r = radius(rng, *spread);
                    vector.iter_mut().for_each(|v| *v *= r);
                }
            }
            Self::Uniform { half_width, .. } => {
                out.iter_mut().for_each(|v| *v = half_width * (2.0 * rng.random::<f64>() - 1.0));
            }
        }
    }

    /// Draws several covariates, one after the other, into `out`; `scratch` holds at least d numbers.
    pub fn fill_all<R: Rng>(&self, rng: &mut R, out: &mut [f64], scratch: &mut [f64]) {
        self.fill_raw(rng, out);
        if let Self::Gaussian(g) | Self::TwoPointRadius(g, _) = self {
            let scratch = &mut scratch[..g.dimension];
            for vector in out.chunks_exact_mut(g.dimension) {
                scratch.copy_from_slice(vector);
                g.apply(scratch, vector);
            }
        }
    }

    /// Draws one covariate into `out`; `scratch` holds at least d numbers.
    pub fn fill<R: Rng>(&self, rng: &mut R, out: &mut [f64], scratch: &mut [f64]) {
        match self {
            Self::Gaussian(g) => g.fill(rng, out, scratch),
            Self::TwoPointRadius(g, spread) => {
                g.fill(rng, out, scratch);
                let r = radius(rng, *spread);
                out.iter_mut().for_each(|v| *v *= r);
            }
            Self::Uniform { half_width, .. } => {
                out.iter_mut().for_each(|v| *v = half_width * (2.0 * rng.random::<f64>() - 1.0));
            }
        }
    }
}

/// r with `r^2 = 1 - spread` or `1 + spread`.
fn radius<R: Rng>(rng: &mut R, spread: f64) -> f64 {
    let square = if rng.random::<bool>() { 1.0 + spread } else { 1.0 - spread };
    square.sqrt()
}
