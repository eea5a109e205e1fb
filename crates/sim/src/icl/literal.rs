//! Errors of the literal attention forward pass on random prompts.
use rand::Rng;
use solvable_model::InputError;
use solvable_model::icl::LinearAttention;

use super::prompts::{PromptBuffer, PromptSampler};
use super::stack::{AttentionStack, StackWork};

/// The squared error of a layer on one random prompt, by the model's own forward pass on raw tokens.
///
/// The slow and literal estimator: it allocates the matrices of the forward pass as the papers write them. Every
/// faster estimator is compared with it.
#[derive(Clone, Debug)]
pub struct LiteralError {
    law: PromptSampler,
    layer: LinearAttention,
    noisy: bool,
}

impl LiteralError {
    /// Errors of `layer` on prompts of `law`, against the noiseless response of the query.
    ///
    /// # Errors
    /// [`InputError::Shape`] when the dimensions differ.
    pub fn new(law: PromptSampler, layer: LinearAttention) -> Result<Self, InputError> {
        if law.dimension() != layer.dimension() {
            let (found, expected) = ((layer.dimension(), 1), (law.dimension(), 1));
            return Err(InputError::Shape { argument: "layer".into(), found, expected });
        }
        Ok(Self { law, layer, noisy: false })
    }

    /// The same errors against the noisy response.
    #[must_use]
    pub fn against_noisy_target(mut self) -> Self {
        self.noisy = true;
        self
    }

    /// A buffer for prompts.
    #[must_use]
    pub fn work(&self) -> PromptBuffer {
        self.law.buffer()
    }

    /// The squared error of one prompt.
    ///
    /// # Errors
    /// [`InputError`] when a draw overflowed.
    pub fn draw<R: Rng>(&self, rng: &mut R, work: &mut PromptBuffer) -> Result<f64, InputError> {
        self.law.draw(rng, work);
        let prediction = self.layer.predict(&work.prompt()?)?;
        let target = if self.noisy { work.noisy_target } else { work.target };
        Ok((prediction - target).powi(2))
    }
}

/// The squared error of a stack of layers on one random prompt, without allocation.
///
/// The prediction is the last entry of the last token times `sign`: -1 in the convention of von Oswald et al. and Ahn et
/// al., +1 in that of Zhang et al.
#[derive(Clone, Debug)]
pub struct StackError {
    law: PromptSampler,
    stack: AttentionStack,
    sign: f64,
    noisy: bool,
}

/// Temporaries of [`StackError`].
#[derive(Clone, Debug)]
pub struct StackErrorWork {
    prompt: PromptBuffer,
    tokens: Vec<f64>,
    stack: StackWork,
}

impl StackError {
    /// Errors of `stack` on prompts of `law`.
    ///
    /// # Errors
    /// [`InputError`] when the token size is not d + 1 or `sign` is not finite.
    pub fn new(law: PromptSampler, stack: AttentionStack, sign: f64) -> Result<Self, InputError> {
        let expected = (law.dimension() + 1, 1);
        if stack.token_size() != expected.0 {
            let found = (stack.token_size(), 1);
            return Err(InputError::Shape { argument: "tokens".into(), found, expected });
        }
        InputError::check_finite("sign", sign)?;
        Ok(Self { law, stack, sign, noisy: false })
    }

    /// The same errors against the noisy response.
    #[must_use]
    pub fn against_noisy_target(mut self) -> Self {
        self.noisy = true;
        self
    }

    /// Temporaries.
    #[must_use]
    pub fn work(&self) -> StackErrorWork {
        let size = self.stack.token_size();
        StackErrorWork {
            prompt: self.law.buffer(),
            tokens: vec![0.0; size * (self.law.longest() + 1)],
            stack: self.stack.work(),
        }
    }

    /// The mean squared error of one context and task over `d` queries `sqrt(d) root e_i`, root root' = Lambda_q.
    ///
    /// For a linear response the error is linear in the query, so that this is its exact average over queries of second
    /// moment Lambda_q. `root` is d x d, row by row. For masked stacks only; the target is noiseless.
    pub fn draw_over_queries<R: Rng>(&self, rng: &mut R, root: &[f64], work: &mut StackErrorWork) -> f64 {
        self.law.draw(rng, &mut work.prompt);
        let size = self.stack.token_size();
        let (d, n) = (size - 1, work.prompt.n);
        work.tokens.resize(size * (self.law.longest() + d), 0.0);
        let tokens = &mut work.tokens[..size * (n + d)];
        work.prompt.write_tokens(&mut tokens[..size * (n + 1)]);
        let stretch = (d as f64).sqrt();
        for (i, token) in tokens.chunks_exact_mut(size).skip(n).enumerate() {
            for (k, t) in token[..d].iter_mut().enumerate() {
                *t = stretch * root[k * d + i];
            }
            token[d] = 0.0;
        }
        self.stack.forward_queries(tokens, d, &mut work.stack);
        let mut total = 0.0;
        for (i, token) in tokens.chunks_exact(size).skip(n).enumerate() {
            let target: f64 = (0..d).map(|k| stretch * root[k * d + i] * work.prompt.w[k]).sum();
            total += (self.sign * token[d] - target).powi(2);
        }
        total / d as f64
    }

    /// The squared error of one prompt.
    pub fn draw<R: Rng>(&self, rng: &mut R, work: &mut StackErrorWork) -> f64 {
        self.law.draw(rng, &mut work.prompt);
        let size = self.stack.token_size();
        let count = work.prompt.n + 1;
        let tokens = &mut work.tokens[..size * count];
        work.prompt.write_tokens(tokens);
        self.stack.forward(tokens, &mut work.stack);
        let prediction = self.sign * tokens[size * count - 1];
        let target = if self.noisy { work.prompt.noisy_target } else { work.prompt.target };
        (prediction - target).powi(2)
    }
}
