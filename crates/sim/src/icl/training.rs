//! Training: explicit steps on population losses, and gradients of single prompts.
use rand::Rng;
use solvable_model::icl::QueryToken;
use solvable_model::{InputError, Objective};

use super::prompts::{PromptBuffer, PromptSampler};

/// How one step follows the gradient flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepRule {
    /// Gradient descent.
    Euler,
    /// The classical Runge-Kutta method of order 4.
    RungeKutta4,
}

/// Replaces `x` by its image after `steps` steps of length `step` along minus the gradient. Allocates once.
pub fn descend<O: Objective>(objective: &O, x: &mut [f64], step: f64, steps: usize, rule: StepRule) {
    let mut work = objective.work();
    let n = x.len();
    let (mut g, mut at, mut sum) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    for _ in 0..steps {
        objective.gradient(x, &mut g, &mut work);
        match rule {
            StepRule::Euler => x.iter_mut().zip(&g).for_each(|(x, g)| *x -= step * g),
            StepRule::RungeKutta4 => {
                sum.copy_from_slice(&g);
                for (share, weight) in [(0.5, 2.0), (0.5, 2.0), (1.0, 1.0)] {
                    for ((a, x), g) in at.iter_mut().zip(&*x).zip(&g) {
                        *a = x - share * step * g;
                    }
                    objective.gradient(&at, &mut g, &mut work);
                    sum.iter_mut().zip(&g).for_each(|(s, g)| *s += weight * g);
                }
                x.iter_mut().zip(&sum).for_each(|(x, s)| *x -= step / 6.0 * s);
            }
        }
    }
}

/// The gradient of half the squared error on one prompt, in all blocks of the layer.
///
/// The prediction is `a' G K x_q` with `a = (p, u)` the last row of W_PV, K the first d columns of W_KQ (U over q') and
/// `G = E mask E'/rho` from the raw tokens; its derivatives are `G K x_q` and `(G a) x_q'`. Parameters in the order of
/// [`FullLayerLoss`](solvable_model::icl::FullLayerLoss): p, U row by row, u, q.
#[derive(Clone, Debug)]
pub struct PromptGradient {
    rho: f64,
    query: QueryToken,
}

/// Temporaries of [`PromptGradient`].
#[derive(Clone, Debug)]
pub struct PromptGradientWork {
    gram: Vec<f64>,
    image: Vec<f64>,
    key: Vec<f64>,
    ga: Vec<f64>,
}

impl PromptGradient {
    /// The gradient under a normaliser and a query convention.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] unless `rho` is finite and positive.
    pub fn new(rho: f64, query: QueryToken) -> Result<Self, InputError> {
        InputError::check_positive("rho", rho)?;
        Ok(Self { rho, query })
    }

    /// Temporaries for prompts of dimension d.
    #[must_use]
    pub fn work(&self, d: usize) -> PromptGradientWork {
        let zeros = || vec![0.0; d + 1];
        PromptGradientWork { gram: vec![0.0; (d + 1) * (d + 1)], image: zeros(), key: zeros(), ga: zeros() }
    }

    /// Adds `weight` times the gradient at `parameters` to `gradient`; returns the residual (prediction minus target).
    pub fn add(
        &self,
        prompt: &PromptBuffer,
        parameters: &[f64],
        weight: f64,
        gradient: &mut [f64],
        work: &mut PromptGradientWork,
    ) -> f64 {
        let d = prompt.d;
        let size = d + 1;
        work.gram.fill(0.0);
        let mut token = |x: &[f64], y: f64| {
            for (i, row) in work.gram.chunks_exact_mut(size).enumerate() {
                let a = if i < d { x[i] } else { y };
                row[..d].iter_mut().zip(x).for_each(|(g, b)| *g += a * b / self.rho);
                row[d] += a * y / self.rho;
            }
        };
        for (x, y) in prompt.x.chunks_exact(d).zip(&prompt.y).take(prompt.n) {
            token(x, *y);
        }
        if self.query == QueryToken::Inside {
            token(&prompt.query, 0.0);
        }
        let (p, rest) = parameters.split_at(d);
        let (big, rest) = rest.split_at(d * d);
        let (u, q) = (rest[0], &rest[1..]);
        let xq = &prompt.query;
        let along = |row: &[f64]| row.iter().zip(xq).map(|(a, b)| a * b).sum::<f64>();
        for (k, row) in work.key.iter_mut().zip(big.chunks_exact(d)) {
            *k = along(row);
        }
        work.key[d] = along(q);
        for (i, row) in work.gram.chunks_exact(size).enumerate() {
            work.image[i] = row.iter().zip(&work.key).map(|(g, k)| g * k).sum();
            work.ga[i] = row[..d].iter().zip(p).map(|(g, p)| g * p).sum::<f64>() + row[d] * u;
        }
        let prediction = work.image[..d].iter().zip(p).map(|(v, p)| v * p).sum::<f64>() + work.image[d] * u;
        let residual = prediction - prompt.target;
        let scale = weight * residual;
        for i in 0..d {
            gradient[i] += scale * work.image[i];
            for j in 0..d {
                gradient[d + i * d + j] += scale * work.ga[i] * xq[j];
            }
            gradient[d + d * d + 1 + i] += scale * work.ga[d] * xq[i];
        }
        gradient[d + d * d] += scale * work.image[d];
        residual
    }
}

/// Stochastic gradient descent with fresh prompts: every step averages the gradients of `batch` new prompts.
#[derive(Clone, Debug)]
pub struct StochasticDescent {
    sampler: PromptSampler,
    gradient: PromptGradient,
    batch: usize,
}

impl StochasticDescent {
    /// Batches of `batch` prompts of a law.
    ///
    /// # Errors
    /// [`InputError::Count`] when `batch` is 0.
    pub fn new(sampler: PromptSampler, gradient: PromptGradient, batch: usize) -> Result<Self, InputError> {
        InputError::check_count("batch", batch)?;
        Ok(Self { sampler, gradient, batch })
    }

    /// Takes `steps` steps of length `step` from `parameters`, in place. Allocates once.
    pub fn run<R: Rng>(&self, rng: &mut R, parameters: &mut [f64], step: f64, steps: usize) {
        let mut prompt = self.sampler.buffer();
        let mut work = self.gradient.work(self.sampler.dimension());
        let mut gradient = vec![0.0; parameters.len()];
        for _ in 0..steps {
            gradient.fill(0.0);
            for _ in 0..self.batch {
                self.sampler.draw(rng, &mut prompt);
                let weight = 1.0 / self.batch as f64;
                self.gradient.add(&prompt, parameters, weight, &mut gradient, &mut work);
            }
            parameters.iter_mut().zip(&gradient).for_each(|(x, g)| *x -= step * g);
        }
    }
}
