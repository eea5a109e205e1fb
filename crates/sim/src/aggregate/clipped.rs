//! Clipped labels: the risk given covariates and label noise, the Laplace noise averaged exactly.
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use solvable_model::InputError;
use solvable_model::aggregate::{LabelPrivacy, Mixing};

use super::dense::{add_gram, add_multiple, cholesky, energy, solve};
use super::{Population, SimulationError};

/// Bags of clipped, possibly noised labels of Gaussian covariates; the ridge estimator of the interpolated loss.
///
/// Clipping is not linear: the label noise has to be drawn. With `theta = H^(-1) A' y~_A` the Laplace noise of variance
/// `2 b^2` on each mean adds exactly `2 b^2 k |Sigma^(1/2) H^(-1) A'|_F^2` to the risk.
#[derive(Clone, Debug)]
pub struct ClippedExperiment {
    population: Population,
    n: usize,
    k: usize,
    tau: f64,
    lambda: f64,
    privacy: LabelPrivacy,
}

/// Temporaries of [`ClippedExperiment::replicate`].
#[derive(Clone, Debug)]
pub struct ClippedWork {
    bag: Vec<f64>,
    mean: Vec<f64>,
    h: Vec<f64>,
    /// d x (m + 1): A' and A' y.
    right: Vec<f64>,
}

impl ClippedExperiment {
    /// Bags of k of n rows.
    ///
    /// # Errors
    /// [`InputError`] when k does not divide n, lambda is negative, or rho is the left limit of 1.
    pub fn new(
        population: Population,
        n: usize,
        k: usize,
        mixing: Mixing,
        lambda: f64,
        privacy: LabelPrivacy,
    ) -> Result<Self, InputError> {
        InputError::check_count("n", n)?;
        InputError::check_count("k", k)?;
        InputError::check_nonnegative("lambda", lambda)?;
        if !n.is_multiple_of(k) || mixing.is_left_limit() {
            let condition = "a divisor of n, with rho a weight and not a limit";
            return Err(InputError::Count { argument: "k".into(), value: k as u64, condition });
        }
        Ok(Self { population, n, k, tau: mixing.tau(), lambda, privacy })
    }

    /// Fresh temporaries.
    #[must_use]
    pub fn work(&self) -> ClippedWork {
        let d = self.population.dimension();
        ClippedWork {
            bag: vec![0.0; self.k * d],
            mean: vec![0.0; d],
            h: vec![0.0; d * d],
            right: vec![0.0; d * (self.n / self.k + 1)],
        }
    }

    /// Draws covariates and labels, and returns the risk averaged over the Laplace noise.
    ///
    /// # Errors
    /// [`SimulationError::Singular`] when H is singular.
    pub fn replicate<R: Rng + ?Sized>(
        &self,
        rng: &mut R,
        work: &mut ClippedWork,
    ) -> Result<f64, SimulationError> {
        let (d, k) = (self.population.dimension(), self.k);
        let m = self.n / k;
        let width = m + 1;
        let root = (k as f64).sqrt();
        let deviation = self.population.s2().sqrt();
        work.h.fill(0.0);
        work.right.fill(0.0);
        for a in 0..m {
            self.population.fill(rng, &mut work.bag);
            work.mean.fill(0.0);
            let mut label = 0.0;
            for row in work.bag.chunks_exact(d) {
                let noise: f64 = rng.sample(StandardNormal);
                let signal: f64 = row.iter().zip(self.population.energy()).map(|(x, e)| x * e.sqrt()).sum();
                label += self.privacy.clip(signal + deviation * noise) / k as f64;
                add_multiple(&mut work.mean, 1.0 / k as f64, row);
            }
            // tau D'D: the deviations, scaled.
            for row in work.bag.chunks_exact_mut(d) {
                add_multiple(row, -1.0, &work.mean);
                for x in row {
                    *x *= self.tau.sqrt();
                }
            }
            add_gram(&mut work.h, &work.bag, d);
            for mean in &mut work.mean {
                *mean *= root;
            }
            add_gram(&mut work.h, &work.mean, d);
            for (j, &x) in work.mean.iter().enumerate() {
                work.right[j * width + a] = x;
                work.right[j * width + m] += x * root * label;
            }
        }
        for j in 0..d {
            work.h[j * d + j] += self.n as f64 * self.lambda;
        }
        cholesky(&mut work.h, d)?;
        solve(&work.h, d, &mut work.right, width);
        let scale = self.privacy.laplace_scale(k as f64);
        let noise = 2.0 * scale * scale * k as f64;
        let mut risk = 0.0;
        for (j, row) in work.right.chunks_exact(width).enumerate() {
            let error = row[m] - self.population.energy()[j].sqrt();
            risk += self.population.sigma()[j] * (error * error + noise * energy(&row[..m]));
        }
        Ok(risk)
    }
}
