//! Losses given the covariates: what can be averaged exactly is averaged, the rest is sampled.
use rand::{Rng, RngExt};
use solvable_linalg::{MatRef, matmul};
use solvable_model::icl::{PromptMixture, RegressionTask, TestPrompts};
use solvable_model::{Covariance, InputError};

use super::covariates::CovariateLaw;
use super::prompts::{PromptBuffer, PromptSampler};

/// The expected squared error of the predictor `x_q' A s` given the covariates of the context.
///
/// Task, noise and query are averaged exactly, by second moments alone: with `G = (1/N) sum x_i x_i'`,
/// `tr Lambda_q [(A G - I) Psi (A G - I)' + (sigma2/N) A G A']`. Over random covariates its mean is the loss; its
/// variance is a small fraction of that of a squared error. [`Self::draw`] costs 3 N d^2.
#[derive(Clone, Debug)]
pub struct ConditionalRisk {
    covariates: CovariateLaw,
    /// (Lambda_q^1/2 A root)', row by row, root that of the covariates.
    left: Vec<f64>,
    /// (Psi^1/2 root)'.
    right: Vec<f64>,
    /// Lambda_q^1/2 Psi^1/2.
    both: Vec<f64>,
    sigma2: f64,
    length: usize,
}

/// Temporaries of [`ConditionalRisk`].
#[derive(Clone, Debug)]
pub struct ConditionalWork {
    /// Raw numbers, N x d.
    raw: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
    sum: Vec<f64>,
}

fn flat(m: MatRef<'_, f64>) -> Vec<f64> {
    let (r, c) = (m.nrows(), m.ncols());
    (0..r * c).map(|k| m[(k / c, k % c)]).collect()
}

fn check_square(argument: &'static str, m: MatRef<'_, f64>, d: usize) -> Result<(), InputError> {
    let found = (m.nrows(), m.ncols());
    if found != (d, d) {
        return Err(InputError::Shape { argument: argument.into(), found, expected: (d, d) });
    }
    InputError::check_vector(argument, &flat(m))
}

impl ConditionalRisk {
    /// The loss of A on the training law.
    ///
    /// # Errors
    /// [`InputError`] when A is not d x d or not finite.
    pub fn of_task(a: MatRef<'_, f64>, task: &RegressionTask) -> Result<Self, InputError> {
        Self::new(
            a,
            CovariateLaw::gaussian(task.lambda()),
            task.lambda(),
            task.psi(),
            task.sigma2(),
            task.context(),
        )
    }

    /// The risk of A on a test law.
    ///
    /// # Errors
    /// [`InputError`] when A is not d x d or not finite.
    pub fn of_test(a: MatRef<'_, f64>, law: &TestPrompts) -> Result<Self, InputError> {
        let context = CovariateLaw::gaussian(law.context());
        Self::new(a, context, law.query(), law.psi(), law.sigma2(), law.length())
    }

    /// The risk of A for any covariates of the context, query second moment, task second moment, noise and length.
    ///
    /// # Errors
    /// [`InputError`] when shapes differ, A is not finite, `sigma2` is negative or not finite.
    pub fn new(
        a: MatRef<'_, f64>,
        covariates: CovariateLaw,
        query: &Covariance,
        psi: &Covariance,
        sigma2: f64,
        length: usize,
    ) -> Result<Self, InputError> {
        let d = covariates.dimension();
        check_square("A", a, d)?;
        check_square("Lambda_q", query.matrix(), d)?;
        check_square("Psi", psi.matrix(), d)?;
        InputError::check_nonnegative("sigma2", sigma2)?;
        let (root_query, root_task) = (query.sqrt(), psi.sqrt());
        let root = covariates.root();
        let transposed = |m: MatRef<'_, f64>| flat(matmul(m, root.as_ref()).transpose());
        Ok(Self {
            left: transposed(matmul(root_query.as_ref(), a).as_ref()),
            right: transposed(root_task.as_ref()),
            both: flat(matmul(root_query.as_ref(), root_task.as_ref()).as_ref()),
            covariates,
            sigma2,
            length,
        })
    }

    /// Temporaries.
    #[must_use]
    pub fn work(&self) -> ConditionalWork {
        let d = self.covariates.dimension();
        let zeros = || vec![0.0; d];
        ConditionalWork { raw: vec![0.0; d * self.length], u: zeros(), v: zeros(), sum: vec![0.0; d * d] }
    }

    /// The conditional risk of one random context.
    pub fn draw<R: Rng>(&self, rng: &mut R, work: &mut ConditionalWork) -> f64 {
        let d = self.covariates.dimension();
        let n = self.length as f64;
        work.raw.resize(d * self.length, 0.0);
        self.covariates.fill_raw(rng, &mut work.raw);
        work.sum.fill(0.0);
        let mut noise = 0.0;
        for g in work.raw.chunks_exact(d) {
            combine(&self.left, g, &mut work.u);
            combine(&self.right, g, &mut work.v);
            for (row, u) in work.sum.chunks_exact_mut(d).zip(&work.u) {
                for (s, v) in row.iter_mut().zip(&work.v) {
                    *s += u * v;
                }
            }
            noise += work.u.iter().map(|u| u * u).sum::<f64>();
        }
        let shrink = if self.length == 0 { 0.0 } else { 1.0 / n };
        let bias: f64 = work.sum.iter().zip(&self.both).map(|(s, b)| (s * shrink - b).powi(2)).sum();
        bias + self.sigma2 * noise * shrink * shrink
    }
}

/// `out = M' g` for M row by row.
fn combine(m: &[f64], g: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    for (row, g) in m.chunks_exact(g.len()).zip(g) {
        out.iter_mut().zip(row).for_each(|(o, m)| *o += m * g);
    }
}

/// The expected squared error against the noisy response, given context and task, for a response whose regression on the
/// covariates is `slope w'x`.
///
/// With `s = (1/N) sum x_i y_i` and `v = A s` it is `E[y^2] - 2 slope w'Lambda v + v'Lambda v`: only the query and its noise
/// are averaged, the labels are raw. For nonlinear responses, whose labels have no simple conditional form.
#[derive(Clone, Debug)]
pub struct ContextRisk {
    sampler: PromptSampler,
    a: Vec<f64>,
    lambda: Vec<f64>,
    slope: f64,
    power: f64,
}

/// Temporaries of [`ContextRisk`].
#[derive(Clone, Debug)]
pub struct ContextWork {
    prompt: PromptBuffer,
    s: Vec<f64>,
    v: Vec<f64>,
    image: Vec<f64>,
}

impl ContextRisk {
    /// The risk of A on prompts of `sampler`, with `power = E[y^2]` and query covariance `lambda`.
    ///
    /// # Errors
    /// [`InputError`] when a matrix is not d x d or a number is not finite.
    pub fn new(
        a: MatRef<'_, f64>,
        sampler: PromptSampler,
        lambda: &Covariance,
        slope: f64,
        power: f64,
    ) -> Result<Self, InputError> {
        let d = sampler.dimension();
        check_square("A", a, d)?;
        check_square("Lambda", lambda.matrix(), d)?;
        InputError::check_finite("slope", slope)?;
        InputError::check_nonnegative("E[y^2]", power)?;
        Ok(Self { sampler, a: flat(a), lambda: flat(lambda.matrix()), slope, power })
    }

    /// Temporaries.
    #[must_use]
    pub fn work(&self) -> ContextWork {
        let zeros = || vec![0.0; self.sampler.dimension()];
        ContextWork { prompt: self.sampler.buffer(), s: zeros(), v: zeros(), image: zeros() }
    }

    /// The risk of one random context and task.
    pub fn draw<R: Rng>(&self, rng: &mut R, work: &mut ContextWork) -> f64 {
        let d = self.sampler.dimension();
        self.sampler.draw(rng, &mut work.prompt);
        let n = work.prompt.n;
        work.s.fill(0.0);
        for (x, y) in work.prompt.x.chunks_exact(d).zip(&work.prompt.y).take(n) {
            work.s.iter_mut().zip(x).for_each(|(s, x)| *s += x * y / n as f64);
        }
        for (v, row) in work.v.iter_mut().zip(self.a.chunks_exact(d)) {
            *v = row.iter().zip(&work.s).map(|(a, s)| a * s).sum();
        }
        for (o, row) in work.image.iter_mut().zip(self.lambda.chunks_exact(d)) {
            *o = row.iter().zip(&work.v).map(|(l, v)| l * v).sum();
        }
        let along = |w: &[f64]| w.iter().zip(&work.image).map(|(a, b)| a * b).sum::<f64>();
        self.power - 2.0 * self.slope * along(&work.prompt.w) + along(&work.v)
    }
}

/// [`ConditionalRisk`] over a mixture of prompt laws.
#[derive(Clone, Debug)]
pub struct MixtureRisk {
    cumulative: Vec<f64>,
    components: Vec<ConditionalRisk>,
}

impl MixtureRisk {
    /// The loss of A on a mixture.
    ///
    /// # Errors
    /// [`InputError`] when A is not d x d or not finite.
    pub fn new(a: MatRef<'_, f64>, mixture: &PromptMixture) -> Result<Self, InputError> {
        let components = mixture
            .components()
            .iter()
            .map(|task| ConditionalRisk::of_task(a, task))
            .collect::<Result<_, _>>()?;
        Ok(Self { cumulative: super::prompts::cumulate(mixture.weights()), components })
    }

    /// Temporaries.
    #[must_use]
    pub fn work(&self) -> ConditionalWork {
        self.components[0].work()
    }

    /// The conditional risk of one random context.
    pub fn draw<R: Rng>(&self, rng: &mut R, work: &mut ConditionalWork) -> f64 {
        let k = super::prompts::pick(rng, &self.cumulative);
        self.components[k].draw(rng, work)
    }
}

/// The step `A = a I` on prompts whose covariance is `diag(lambda)`, fresh independent `lambda_i ~ Exp(1)` for every
/// prompt, task second moment I, no noise (ICL-12).
///
/// Given lambda, the loss is that of a fixed covariance (ICL-2): `sum lambda_i (1 - a lambda_i)^2 + (a^2/N) sum
/// lambda_i^2 (lambda_i + sum lambda)`.
#[derive(Clone, Copy, Debug)]
pub struct ExponentialSpectrumRisk {
    d: usize,
    step: f64,
    /// 1/N, 0 for an infinite context.
    inverse_length: f64,
}

impl ExponentialSpectrumRisk {
    /// The predictor `A = step I` on prompts of mean inverse length `inverse_length`.
    ///
    /// # Errors
    /// [`InputError`] when d is 0 or a number is not finite or negative.
    pub fn new(d: usize, step: f64, inverse_length: f64) -> Result<Self, InputError> {
        InputError::check_count("d", d)?;
        InputError::check_finite("step", step)?;
        InputError::check_nonnegative("1/N", inverse_length)?;
        Ok(Self { d, step, inverse_length })
    }

    /// The loss given one random spectrum.
    pub fn draw<R: Rng>(&self, rng: &mut R) -> f64 {
        let (mut bias, mut squares, mut cubes, mut trace) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..self.d {
            // Inverse distribution function; 1 - u is in (0, 1].
            let l = -(1.0 - rng.random::<f64>()).ln();
            bias += l * (1.0 - self.step * l).powi(2);
            trace += l;
            squares += l * l;
            cubes += l * l * l;
        }
        bias + self.step * self.step * self.inverse_length * (cubes + trace * squares)
    }
}
