//! Training from raw labels: covariates, noise, bags, and the interpolated loss as written.
use rand::{Rng, RngExt};
use rand_distr::{Exp1, StandardNormal};
use solvable_linalg::Mat;
use solvable_model::aggregate::{
    AggregateData, BagDesign, InterpolatedObjective, LabelPrivacy, Mixing, PointwiseLoss,
};
use solvable_model::{InputError, Objective};

use super::{Population, SimulationError};

/// A minimiser found by iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// The point.
    pub theta: Vec<f64>,
    /// Steps taken.
    pub iterations: usize,
    /// Norm of the gradient over its norm at the start.
    pub relative_gradient: f64,
}

/// Minimises a convex quadratic objective by conjugate gradients from `theta = 0`.
///
/// Only values of the gradient are used: the curvature along p is `gradient(p) - gradient(0)`. All iterates stay in the
/// span of gradients, so that of several minimisers the one of least norm is found.
///
/// # Errors
/// [`SimulationError::NotConverged`] unless the gradient falls to `tolerance` times its first norm within `20 d + 50`
/// steps.
pub fn minimise_quadratic<O: Objective>(objective: &O, tolerance: f64) -> Result<Minimum, SimulationError> {
    let d = objective.dimension();
    let mut work = objective.work();
    let norm2 = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>();
    let mut origin = vec![0.0; d];
    objective.gradient(&vec![0.0; d], &mut origin, &mut work);
    let first = norm2(&origin).sqrt();
    let mut theta = vec![0.0; d];
    let mut residual: Vec<f64> = origin.iter().map(|g| -g).collect();
    let mut direction = residual.clone();
    let mut curvature = vec![0.0; d];
    let mut probe = vec![0.0; d];
    let mut square = first * first;
    let most = 20 * d + 50;
    for iterations in 0..=most {
        let reached = if first > 0.0 { square.sqrt() / first } else { 0.0 };
        if reached <= tolerance {
            return Ok(Minimum { theta, iterations, relative_gradient: reached });
        }
        if iterations == most {
            break;
        }
        // Probed at the length of the first direction: for a short one the difference would be lost to rounding.
        let stretch = first / norm2(&direction).sqrt();
        for (p, d) in probe.iter_mut().zip(&direction) {
            *p = stretch * d;
        }
        objective.gradient(&probe, &mut curvature, &mut work);
        for (c, g) in curvature.iter_mut().zip(&origin) {
            *c = (*c - g) / stretch;
        }
        let slope: f64 = direction.iter().zip(&curvature).map(|(p, c)| p * c).sum();
        let step = square / slope;
        for j in 0..d {
            theta[j] += step * direction[j];
        }
        // The recursion's residual drifts from the true one by rounding: recompute it now and then.
        if iterations % 16 == 15 {
            objective.gradient(&theta, &mut residual, &mut work);
            for r in &mut residual {
                *r = -*r;
            }
        } else {
            for j in 0..d {
                residual[j] -= step * curvature[j];
            }
        }
        let next = norm2(&residual);
        let factor = next / square;
        square = next;
        for j in 0..d {
            direction[j] = residual[j] + factor * direction[j];
        }
    }
    let what = "conjugate gradients";
    let reached = square.sqrt() / first;
    Err(SimulationError::NotConverged { what, iterations: most, reached, wanted: tolerance })
}

/// Draws everything and trains: the check from raw labels that the conditional forms rest on.
#[derive(Clone, Debug)]
pub struct TrainingExperiment {
    population: Population,
    bags: BagDesign,
    mixing: Mixing,
    lambda: f64,
    privacy: Option<LabelPrivacy>,
}

impl TrainingExperiment {
    /// Gaussian covariates and noise, bags, weight rho, ridge, and optionally clipped and noised labels.
    ///
    /// # Errors
    /// [`InputError`] when lambda is negative or rho is the left limit of 1 (a limit, not a loss).
    pub fn new(
        population: Population,
        bags: BagDesign,
        mixing: Mixing,
        lambda: f64,
        privacy: Option<LabelPrivacy>,
    ) -> Result<Self, InputError> {
        InputError::check_nonnegative("lambda", lambda)?;
        let left = f64::from(u8::from(mixing.is_left_limit()));
        InputError::check("left limit", left, left == 0.0, "0: a limit has no loss to minimise")?;
        Ok(Self { population, bags, mixing, lambda, privacy })
    }

    /// The parameter theta*: its coordinates are the square roots of the population's energies.
    #[must_use]
    pub fn target(&self) -> Vec<f64> {
        self.population.energy().iter().map(|e| e.sqrt()).collect()
    }

    /// Draws covariates and labels.
    ///
    /// # Errors
    /// [`InputError`] when a draw overflows.
    pub fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> Result<AggregateData, InputError> {
        let (n, d) = (self.bags.rows(), self.population.dimension());
        let mut rows = vec![0.0; n * d];
        self.population.fill(rng, &mut rows);
        let target = self.target();
        let deviation = self.population.s2().sqrt();
        let labels: Vec<f64> = rows
            .chunks_exact(d)
            .map(|x| {
                let noise: f64 = rng.sample(StandardNormal);
                x.iter().zip(&target).map(|(x, t)| x * t).sum::<f64>() + deviation * noise
            })
            .collect();
        let x = Mat::from_fn(n, d, |i, j| rows[i * d + j]);
        match &self.privacy {
            None => AggregateData::new(x, labels, self.bags.clone()),
            Some(privacy) => {
                let means = privacy.release(&self.bags, &labels, |scale| laplace(rng, scale))?;
                AggregateData::from_means(x, means, self.bags.clone())
            }
        }
    }

    /// Trains on data: minimises the interpolated squared loss.
    ///
    /// # Errors
    /// [`SimulationError::NotConverged`] when conjugate gradients stall above a relative gradient of 1e-11.
    pub fn train(&self, data: &AggregateData) -> Result<Minimum, SimulationError> {
        let objective = InterpolatedObjective::new(data, PointwiseLoss::Squared, self.mixing, self.lambda)?;
        minimise_quadratic(&objective, 1e-11)
    }

    /// Excess risk `(theta - theta*)' Sigma (theta - theta*)`.
    #[must_use]
    pub fn excess_risk(&self, theta: &[f64]) -> f64 {
        let target = self.target();
        theta.iter().zip(&target).zip(self.population.sigma()).map(|((a, b), s)| s * (a - b) * (a - b)).sum()
    }

    /// Draws, trains and returns the excess risk.
    ///
    /// # Errors
    /// As [`draw`](Self::draw) and [`train`](Self::train).
    pub fn replicate<R: Rng + ?Sized>(&self, rng: &mut R) -> Result<f64, SimulationError> {
        let data = self.draw(rng)?;
        Ok(self.excess_risk(&self.train(&data)?.theta))
    }
}

/// A Laplace variable of the given scale: an exponential one with a random sign.
pub fn laplace<R: Rng + ?Sized>(rng: &mut R, scale: f64) -> f64 {
    let size: f64 = rng.sample(Exp1);
    if rng.random::<bool>() { scale * size } else { -scale * size }
}
