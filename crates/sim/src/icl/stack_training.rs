//! Training of several sparse attention layers on prompts: squared error and its gradient, by the chain rule on raw tokens.
use rand::Rng;
use solvable_linalg::MatRef;
use solvable_model::{InputError, Objective};

use super::gauss::tensor_points;
use super::{PromptBuffer, PromptSampler};

/// A node this close to 0 is the middle one of an odd rule, up to rounding: the others are above a tenth.
const MIDDLE: f64 = 1e-9;

/// One prompt: tokens `(x, y)` one after the other, the query last with y = 0; its target and weight.
#[derive(Clone, Debug)]
struct Weighted {
    tokens: Vec<f64>,
    target: f64,
    weight: f64,
}

/// The weighted squared error of K masked layers `P_k = diag(B_k, 1)`, `Q_k = diag(A_k, 0)` (ICL-33) over a set of prompts,
/// as a function of all entries of the matrices.
///
/// Layer k maps every token, `x += B S A x` and `y += g' A x`, with `S = (1/rho) sum x x'` and `g = (1/rho) sum x y` over the
/// labelled examples; the prediction is minus the label slot of the query. Parameters: A_0, B_0, A_1, ..., A_{K-1}, each
/// row by row, the B only in [corrected](Self::corrected) stacks (the last one cannot reach the prediction). A gradient
/// costs `O(K N d^2)` a prompt.
#[derive(Clone, Debug)]
pub struct StackLoss {
    d: usize,
    layers: usize,
    corrected: bool,
    rho: f64,
    prompts: Vec<Weighted>,
}

/// Temporaries of [`StackLoss`]: what each layer has seen and made.
#[derive(Clone, Debug)]
pub struct StackLossWork {
    layers: Vec<LayerWork>,
    last: Vec<f64>,
    back: Vec<f64>,
    gram: Vec<f64>,
    key: Vec<f64>,
    at: Vec<f64>,
    along: Vec<f64>,
}

#[derive(Clone, Debug)]
struct LayerWork {
    tokens: Vec<f64>,
    gram: Vec<f64>,
    key: Vec<f64>,
    /// `A x` and `S A x` of every token.
    read: Vec<f64>,
    image: Vec<f64>,
}

impl StackLoss {
    /// No prompts yet; `rho` divides the sums over examples.
    ///
    /// # Errors
    /// [`InputError`] when `d` or `layers` is 0, or `rho` is not positive and finite.
    pub fn new(d: usize, layers: usize, rho: f64) -> Result<Self, InputError> {
        InputError::check_count("d", d)?;
        InputError::check_count("layers", layers)?;
        InputError::check_positive("rho", rho)?;
        Ok(Self { d, layers, corrected: false, rho, prompts: Vec::new() })
    }

    /// The same with curvature corrections B.
    #[must_use]
    pub fn corrected(mut self) -> Self {
        self.corrected = true;
        self
    }

    /// All prompts of `n` standard normal covariates mapped by the symmetric `root`, tasks of covariance `inverse^2` and
    /// queries of covariance `root^2`, without noise: the population loss, where the rule is exact for polynomials of degree
    /// `4 K` in each entry (`2 (3^K - 1)` with corrections). Tasks and queries, in which the prediction is linear, are
    /// averaged exactly.
    ///
    /// Examples x and -x count alike: for each, the half of the points with a negative first entry is left out.
    #[must_use]
    pub fn over_all(
        mut self,
        rule: &[(f64, f64)],
        n: usize,
        root: MatRef<'_, f64>,
        inverse: MatRef<'_, f64>,
    ) -> Self {
        let d = self.d;
        tensor_points(rule, n * d, |z, weight| {
            if z.chunks_exact(d).any(|row| row[0] < -MIDDLE) {
                return;
            }
            let weight = weight
                * z.chunks_exact(d).map(|row| if row[0] > MIDDLE { 2.0 } else { 1.0 }).product::<f64>();
            for task in 0..d {
                for query in 0..d {
                    let mut tokens = vec![0.0; (n + 1) * (d + 1)];
                    for (i, token) in tokens.chunks_exact_mut(d + 1).enumerate() {
                        for j in 0..d {
                            token[j] = if i < n {
                                (0..d).map(|l| root[(j, l)] * z[i * d + l]).sum()
                            } else {
                                root[(j, query)]
                            };
                        }
                        if i < n {
                            token[d] = (0..d).map(|j| inverse[(j, task)] * token[j]).sum();
                        }
                    }
                    let target = f64::from(u8::from(task == query));
                    self.prompts.push(Weighted { tokens, target, weight });
                }
            }
        });
        self
    }

    /// Adds `count` random prompts of equal weight `1/count`, with noisy labels as the sampler draws them and clean targets.
    #[must_use]
    pub fn sampled<R: Rng>(mut self, sampler: &PromptSampler, count: usize, rng: &mut R) -> Self {
        let mut prompt = sampler.buffer();
        for _ in 0..count {
            sampler.draw(rng, &mut prompt);
            self.prompts.push(weighted(&prompt, 1.0 / count as f64));
        }
        self
    }

    /// Redraws all prompts, keeping their weights: fresh samples for stochastic descent. `prompt` is a buffer of the
    /// sampler; nothing is allocated once every prompt held has had the longest length.
    pub fn redraw<R: Rng>(&mut self, sampler: &PromptSampler, rng: &mut R, prompt: &mut PromptBuffer) {
        for held in &mut self.prompts {
            sampler.draw(rng, prompt);
            held.tokens.resize((prompt.n + 1) * (prompt.d + 1), 0.0);
            prompt.write_tokens(&mut held.tokens);
            held.target = prompt.target;
        }
    }

    /// Prompts held.
    #[must_use]
    pub fn prompts(&self) -> usize {
        self.prompts.len()
    }

    /// Where A_k and, in corrected stacks but for the last layer, B_k begin among the parameters.
    #[must_use]
    pub fn places(&self, layer: usize) -> (usize, Option<usize>) {
        let square = self.d * self.d;
        if self.corrected {
            (2 * layer * square, (layer + 1 < self.layers).then_some((2 * layer + 1) * square))
        } else {
            (layer * square, None)
        }
    }

    /// The forward pass of one prompt; returns the residual.
    fn forward(&self, prompt: &Weighted, x: &[f64], work: &mut StackLossWork) -> f64 {
        let (d, size) = (self.d, self.d + 1);
        let examples = prompt.tokens.len() / size - 1;
        work.last.clear();
        work.last.extend_from_slice(&prompt.tokens);
        for (k, layer) in work.layers.iter_mut().enumerate() {
            let (a, b) = self.places(k);
            layer.tokens.clear();
            layer.tokens.extend_from_slice(&work.last);
            layer.gram.fill(0.0);
            layer.key.fill(0.0);
            for token in layer.tokens.chunks_exact(size).take(examples) {
                for (i, row) in layer.gram.chunks_exact_mut(d).enumerate() {
                    row.iter_mut().zip(token).for_each(|(g, t)| *g += token[i] * t / self.rho);
                    layer.key[i] += token[i] * token[d] / self.rho;
                }
            }
            layer.read.resize((examples + 1) * d, 0.0);
            layer.image.resize((examples + 1) * d, 0.0);
            let slots = layer.read.chunks_exact_mut(d).zip(layer.image.chunks_exact_mut(d));
            for (token, (read, image)) in work.last.chunks_exact_mut(size).zip(slots) {
                product(&x[a..a + d * d], &token[..d], read);
                product(&layer.gram, read, image);
                if let Some(b) = b {
                    for (t, row) in token.iter_mut().zip(x[b..b + d * d].chunks_exact(d)) {
                        *t += inner(row, image);
                    }
                }
                token[d] += inner(&layer.key, read);
            }
        }
        -work.last[examples * size + d] - prompt.target
    }

    /// Adds the gradient of `weight residual^2` of the prompt just passed forward.
    fn backward(
        &self,
        prompt: &Weighted,
        residual: f64,
        x: &[f64],
        gradient: &mut [f64],
        work: &mut StackLossWork,
    ) {
        let (d, size) = (self.d, self.d + 1);
        let examples = prompt.tokens.len() / size - 1;
        // Derivatives in the tokens after the current layer.
        work.back.clear();
        work.back.resize(prompt.tokens.len(), 0.0);
        work.back[examples * size + d] = -2.0 * prompt.weight * residual;
        for (k, layer) in work.layers.iter().enumerate().rev() {
            let (a, b) = self.places(k);
            let matrix = &x[a..a + d * d];
            work.gram.fill(0.0);
            work.key.fill(0.0);
            for (j, token) in layer.tokens.chunks_exact(size).enumerate() {
                let (read, image) = (&layer.read[j * d..(j + 1) * d], &layer.image[j * d..(j + 1) * d]);
                let back = &mut work.back[j * size..(j + 1) * size];
                // In S A x, if the layer moves inputs at all.
                work.at.fill(0.0);
                if let Some(b) = b {
                    for i in 0..d {
                        for l in 0..d {
                            gradient[b + i * d + l] += back[i] * image[l];
                            work.at[l] += x[b + i * d + l] * back[i];
                        }
                    }
                }
                // In A x.
                product(&layer.gram, &work.at, &mut work.along);
                for i in 0..d {
                    for l in 0..d {
                        work.gram[i * d + l] += work.at[i] * read[l];
                    }
                    work.key[i] += back[d] * read[i];
                    work.along[i] += layer.key[i] * back[d];
                }
                for i in 0..d {
                    for l in 0..d {
                        gradient[a + i * d + l] += work.along[i] * token[l];
                        back[l] += matrix[i * d + l] * work.along[i];
                    }
                }
            }
            // In the tokens through S and g.
            for (j, token) in layer.tokens.chunks_exact(size).take(examples).enumerate() {
                let back = &mut work.back[j * size..(j + 1) * size];
                for i in 0..d {
                    let through: f64 =
                        (0..d).map(|l| (work.gram[i * d + l] + work.gram[l * d + i]) * token[l]).sum();
                    back[i] += (through + work.key[i] * token[d]) / self.rho;
                }
                back[d] += inner(&work.key, &token[..d]) / self.rho;
            }
        }
    }
}

impl Objective for StackLoss {
    type Work = StackLossWork;

    fn dimension(&self) -> usize {
        let matrices = if self.corrected { 2 * self.layers - 1 } else { self.layers };
        matrices * self.d * self.d
    }

    fn work(&self) -> StackLossWork {
        let d = self.d;
        let layer = LayerWork {
            tokens: Vec::new(),
            gram: vec![0.0; d * d],
            key: vec![0.0; d],
            read: Vec::new(),
            image: Vec::new(),
        };
        StackLossWork {
            layers: vec![layer; self.layers],
            last: Vec::new(),
            back: Vec::new(),
            gram: vec![0.0; d * d],
            key: vec![0.0; d],
            at: vec![0.0; d],
            along: vec![0.0; d],
        }
    }

    fn value(&self, x: &[f64], work: &mut StackLossWork) -> f64 {
        self.prompts.iter().map(|p| p.weight * self.forward(p, x, work).powi(2)).sum()
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut StackLossWork) {
        self.value_and_gradient(x, gradient, work);
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut StackLossWork) -> f64 {
        gradient.fill(0.0);
        let mut value = 0.0;
        for prompt in &self.prompts {
            let residual = self.forward(prompt, x, work);
            value += prompt.weight * residual * residual;
            self.backward(prompt, residual, x, gradient, work);
        }
        value
    }
}

fn weighted(prompt: &PromptBuffer, weight: f64) -> Weighted {
    let mut tokens = vec![0.0; (prompt.n + 1) * (prompt.d + 1)];
    prompt.write_tokens(&mut tokens);
    Weighted { tokens, target: prompt.target, weight }
}

/// `out = matrix v`, row by row.
fn product(matrix: &[f64], v: &[f64], out: &mut [f64]) {
    for (o, row) in out.iter_mut().zip(matrix.chunks_exact(v.len())) {
        *o = inner(row, v);
    }
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::icl::{AttentionStack, gauss_hermite};
    use crate::normal;
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;
    use solvable_linalg::Mat;
    use solvable_model::icl::{QueryToken, RegressionTask};

    /// The value against literal layers, the gradient against differences of the value, on random matrices and prompts.
    #[test]
    fn value_is_that_of_literal_layers_and_the_gradient_its_derivative() {
        let mut rng = ChaCha12Rng::seed_from_u64(6);
        for (d, n, layers, corrected) in
            [(1, 3, 1, false), (2, 4, 2, false), (2, 3, 3, true), (3, 2, 2, true)]
        {
            let task = RegressionTask::isotropic(d, 1.0, 1.0, 0.3, n).expect("valid");
            let mut loss = StackLoss::new(d, layers, n as f64).expect("valid");
            if corrected {
                loss = loss.corrected();
            }
            let sampler = PromptSampler::of_task(&task);
            let mut same = rng.clone();
            let loss = loss.sampled(&sampler, 5, &mut rng);
            let mut x = vec![0.0; loss.dimension()];
            normal::fill(&mut rng, &mut x);
            x.iter_mut().for_each(|v| *v *= 0.4);
            let mut work = loss.work();
            let value = loss.value(&x, &mut work);

            let matrix =
                |from: Option<usize>| Mat::from_fn(d, d, |i, j| from.map_or(0.0, |from| x[from + i * d + j]));
            let pairs: Vec<_> =
                (0..layers).map(|k| (matrix(Some(loss.places(k).0)), matrix(loss.places(k).1))).collect();
            let stack = AttentionStack::sparse(d, &pairs, n as f64, QueryToken::Masked).expect("valid");
            let (mut prompt, mut literal) = (sampler.buffer(), 0.0);
            for _ in 0..5 {
                sampler.draw(&mut same, &mut prompt);
                let mut tokens = vec![0.0; (n + 1) * (d + 1)];
                prompt.write_tokens(&mut tokens);
                stack.forward(&mut tokens, &mut stack.work());
                literal += (-tokens[n * (d + 1) + d] - prompt.target).powi(2) / 5.0;
            }
            assert!((value - literal).abs() <= 1e-12 * (1.0 + literal), "{value} {literal}");

            let mut gradient = vec![0.0; x.len()];
            assert_eq!(loss.value_and_gradient(&x, &mut gradient, &mut work), value);
            let size = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
            for k in 0..x.len() {
                let mut at = |shift: f64| {
                    let mut x = x.clone();
                    x[k] += shift;
                    loss.value(&x, &mut work)
                };
                // Fourth-order differences: truncation h^4, rounding eps/h.
                let h = 1e-3;
                let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                assert!((slope - gradient[k]).abs() <= 1e-7 * (size + value), "{k}: {slope} {}", gradient[k]);
            }
        }
    }

    /// One step of size a for d = N = 1: E (1 - a x^2)^2 = 1 - 2a + 3a^2.
    #[test]
    fn all_prompts_of_one_example() {
        let one = Mat::<f64>::identity(1, 1);
        let loss = StackLoss::new(1, 1, 1.0).expect("valid");
        let loss = loss.over_all(&gauss_hermite(5).expect("a rule"), 1, one.as_ref(), one.as_ref());
        assert_eq!(loss.prompts(), 3);
        for a in [0.0, 0.3, -1.2] {
            let value = loss.value(&[-a], &mut loss.work());
            assert!((value - (1.0 - 2.0 * a + 3.0 * a * a)).abs() < 1e-13, "{a}: {value}");
        }
        assert!(StackLoss::new(0, 1, 1.0).is_err() && StackLoss::new(1, 0, 1.0).is_err());
        assert!(StackLoss::new(1, 1, 0.0).is_err());
    }
}
