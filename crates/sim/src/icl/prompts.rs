//! Random prompts.
use rand::{Rng, RngExt};
use solvable_linalg::{Mat, MatRef};
use solvable_model::icl::{
    Polynomial, Prompt, PromptMixture, RegressionTask, SingleIndexMixture, TestPrompts, check_quadratic_form,
};
use solvable_model::{Covariance, InputError};

use super::covariates::{CovariateLaw, GaussianVectors};
use crate::normal;

/// How the task vector of a prompt is drawn.
#[derive(Clone, Debug)]
enum Task {
    /// Mean plus a Gaussian vector.
    Gaussian { mean: Vec<f64>, spread: GaussianVectors },
    /// Uniform on the unit sphere.
    Sphere,
    /// One of a list, with cumulative probabilities.
    List { cumulative: Vec<f64>, vectors: Vec<Vec<f64>> },
}

/// One law of prompts: covariates, task, response, noise and length.
#[derive(Clone, Debug)]
struct Component {
    context: CovariateLaw,
    query: CovariateLaw,
    task: Task,
    link: Option<Polynomial>,
    /// Q of a response `w'x + x'Qx`, row by row.
    quadratic: Option<Vec<f64>>,
    noise: f64,
    length: usize,
}

/// A sampler of prompts.
///
/// Labels are `y = g(w'x) + x'Qx + noise`, g the identity and Q zero unless stated. The noise is Gaussian. Each prompt
/// follows one component of a mixture.
#[derive(Clone, Debug)]
pub struct PromptSampler {
    cumulative: Vec<f64>,
    components: Vec<Component>,
}

/// A prompt in flat storage, refilled by [`PromptSampler::draw`] without allocation.
#[derive(Clone, Debug)]
pub struct PromptBuffer {
    /// Dimension d.
    pub d: usize,
    /// Number of examples of the prompt held.
    pub n: usize,
    /// CovariateLaw, one example a row; the first `n d` numbers count.
    pub x: Vec<f64>,
    /// Labels; the first n count.
    pub y: Vec<f64>,
    /// Query.
    pub query: Vec<f64>,
    /// Task vector (direction, for single-index responses).
    pub w: Vec<f64>,
    /// Response of the query without noise.
    pub target: f64,
    /// Response of the query with noise.
    pub noisy_target: f64,
    scratch: Vec<f64>,
}

impl PromptBuffer {
    /// The prompt as the model states it. Allocates.
    ///
    /// # Errors
    /// [`InputError`] when a draw overflowed.
    pub fn prompt(&self) -> Result<Prompt, InputError> {
        let d = self.d;
        let x = Mat::from_fn(self.n, d, |i, j| self.x[i * d + j]);
        Prompt::new(x, self.y[..self.n].to_vec(), self.query.clone())
    }

    /// Writes the token matrix, one token `(x_i, y_i)` after the other and `(x_q, 0)` last: (d+1)(n+1) numbers.
    pub fn write_tokens(&self, tokens: &mut [f64]) {
        let d = self.d;
        for (i, token) in tokens.chunks_exact_mut(d + 1).take(self.n + 1).enumerate() {
            if i < self.n {
                token[..d].copy_from_slice(&self.x[i * d..(i + 1) * d]);
                token[d] = self.y[i];
            } else {
                token[..d].copy_from_slice(&self.query);
                token[d] = 0.0;
            }
        }
    }
}

impl PromptSampler {
    fn one(component: Component) -> Self {
        Self { cumulative: vec![1.0], components: vec![component] }
    }

    /// Gaussian covariates, Gaussian task, Gaussian noise: the training law.
    #[must_use]
    pub fn of_task(task: &RegressionTask) -> Self {
        Self::one(Self::component(task))
    }

    fn component(task: &RegressionTask) -> Component {
        Component {
            context: CovariateLaw::gaussian(task.lambda()),
            query: CovariateLaw::gaussian(task.lambda()),
            task: Self::centred(task.psi()),
            link: None,
            quadratic: None,
            noise: task.sigma2().sqrt(),
            length: task.context(),
        }
    }

    fn centred(psi: &Covariance) -> Task {
        Task::Gaussian { mean: vec![0.0; psi.dimension()], spread: GaussianVectors::new(psi) }
    }

    /// Prompts of a test law: context, query, task, noise and length of their own.
    #[must_use]
    pub fn of_test(law: &TestPrompts) -> Self {
        Self::one(Component {
            context: CovariateLaw::gaussian(law.context()),
            query: CovariateLaw::gaussian(law.query()),
            task: Self::centred(law.psi()),
            link: None,
            quadratic: None,
            noise: law.sigma2().sqrt(),
            length: law.length(),
        })
    }

    /// A mixture of training laws.
    #[must_use]
    pub fn of_mixture(mixture: &PromptMixture) -> Self {
        Self {
            cumulative: cumulate(mixture.weights()),
            components: mixture.components().iter().map(Self::component).collect(),
        }
    }

    /// Single-index responses with directions from a list.
    #[must_use]
    pub fn of_single_index(task: &SingleIndexMixture) -> Self {
        Self::one(Component {
            context: CovariateLaw::gaussian(task.lambda()),
            query: CovariateLaw::gaussian(task.lambda()),
            task: Task::List { cumulative: cumulate(task.weights()), vectors: task.directions().to_vec() },
            link: Some(task.link().clone()),
            quadratic: None,
            noise: task.sigma2().sqrt(),
            length: task.context(),
        })
    }

    /// Single-index responses with a direction uniform on the unit sphere and standard Gaussian covariates.
    ///
    /// # Errors
    /// [`InputError`] when d or `length` is 0 or `sigma2` is negative or not finite.
    pub fn rotation_invariant(
        d: usize,
        link: Polynomial,
        sigma2: f64,
        length: usize,
    ) -> Result<Self, InputError> {
        InputError::check_count("N", length)?;
        InputError::check_nonnegative("sigma2", sigma2)?;
        let identity = Covariance::isotropic("Lambda", d, 1.0)?;
        Ok(Self::one(Component {
            context: CovariateLaw::gaussian(&identity),
            query: CovariateLaw::gaussian(&identity),
            task: Task::Sphere,
            link: Some(link),
            quadratic: None,
            noise: sigma2.sqrt(),
            length,
        }))
    }

    /// The same law with other covariates, in the context and in the query.
    ///
    /// # Errors
    /// [`InputError::Shape`] when the dimension differs.
    pub fn with_covariates(mut self, covariates: &CovariateLaw) -> Result<Self, InputError> {
        let d = self.dimension();
        if covariates.dimension() != d {
            let found = (covariates.dimension(), 1);
            return Err(InputError::Shape { argument: "covariates".into(), found, expected: (d, 1) });
        }
        for component in &mut self.components {
            component.context = covariates.clone();
            component.query = covariates.clone();
        }
        Ok(self)
    }

    /// The same law with a quadratic part `x'Qx` in every response.
    ///
    /// # Errors
    /// [`InputError`] when Q is not a finite symmetric d x d matrix.
    pub fn with_quadratic(mut self, q: MatRef<'_, f64>) -> Result<Self, InputError> {
        let d = self.dimension();
        check_quadratic_form(q, d)?;
        for component in &mut self.components {
            component.quadratic = Some((0..d * d).map(|k| q[(k / d, k % d)]).collect());
        }
        Ok(self)
    }

    /// The same law with a mean added to Gaussian tasks (no effect on sphere or list).
    ///
    /// # Errors
    /// [`InputError`] when the mean has the wrong length or is not finite.
    pub fn with_task_mean(mut self, mean: &[f64]) -> Result<Self, InputError> {
        let d = self.dimension();
        if mean.len() != d {
            let found = (mean.len(), 1);
            return Err(InputError::Shape { argument: "mean".into(), found, expected: (d, 1) });
        }
        InputError::check_vector("mean", mean)?;
        for component in &mut self.components {
            if let Task::Gaussian { mean: m, .. } = &mut component.task {
                m.copy_from_slice(mean);
            }
        }
        Ok(self)
    }

    /// Dimension d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.components[0].context.dimension()
    }

    /// Length of the longest prompt.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.components.iter().map(|c| c.length).fold(0, usize::max)
    }

    /// A buffer large enough for every prompt of this law.
    #[must_use]
    pub fn buffer(&self) -> PromptBuffer {
        let (d, n) = (self.dimension(), self.longest());
        PromptBuffer {
            d,
            n,
            x: vec![0.0; n * d],
            y: vec![0.0; n],
            query: vec![0.0; d],
            w: vec![0.0; d],
            target: 0.0,
            noisy_target: 0.0,
            scratch: vec![0.0; d],
        }
    }

    /// Draws a prompt; returns the number of its component.
    pub fn draw<R: Rng>(&self, rng: &mut R, into: &mut PromptBuffer) -> usize {
        let k = pick(rng, &self.cumulative);
        let c = &self.components[k];
        let d = into.d;
        into.n = c.length;
        match &c.task {
            Task::Gaussian { mean, spread } => {
                spread.fill(rng, &mut into.w, &mut into.scratch);
                into.w.iter_mut().zip(mean).for_each(|(w, m)| *w += m);
            }
            Task::Sphere => loop {
                normal::fill(rng, &mut into.w);
                let norm = into.w.iter().map(|v| v * v).sum::<f64>().sqrt();
                if norm > 0.0 {
                    into.w.iter_mut().for_each(|v| *v /= norm);
                    break;
                }
            },
            Task::List { cumulative, vectors } => {
                into.w.copy_from_slice(&vectors[pick(rng, cumulative)]);
            }
        }
        let (x, y) = (&mut into.x[..c.length * d], &mut into.y[..c.length]);
        c.context.fill_all(rng, x, &mut into.scratch);
        normal::fill(rng, y);
        for (y, x) in y.iter_mut().zip(x.chunks_exact(d)) {
            *y = c.response(&into.w, x) + c.noise * *y;
        }
        c.query.fill(rng, &mut into.query, &mut into.scratch);
        into.target = c.response(&into.w, &into.query);
        let mut noise = [0.0];
        normal::fill(rng, &mut noise);
        into.noisy_target = into.target + c.noise * noise[0];
        k
    }
}

impl Component {
    fn response(&self, w: &[f64], x: &[f64]) -> f64 {
        let z: f64 = w.iter().zip(x).map(|(a, b)| a * b).sum();
        let response = self.link.as_ref().map_or(z, |g| g.value(z));
        let quadratic = self.quadratic.as_ref().map_or(0.0, |q| {
            q.chunks_exact(x.len())
                .zip(x)
                .map(|(row, xi)| xi * row.iter().zip(x).map(|(a, b)| a * b).sum::<f64>())
                .sum()
        });
        response + quadratic
    }
}

pub(super) fn cumulate(weights: &[f64]) -> Vec<f64> {
    let mut total = 0.0;
    weights
        .iter()
        .map(|w| {
            total += w;
            total
        })
        .collect()
}

/// The first index whose cumulative probability exceeds a uniform number.
pub(super) fn pick<R: Rng>(rng: &mut R, cumulative: &[f64]) -> usize {
    if cumulative.len() == 1 {
        return 0;
    }
    let u = rng.random::<f64>();
    cumulative.iter().position(|c| u < *c).unwrap_or(cumulative.len() - 1)
}
