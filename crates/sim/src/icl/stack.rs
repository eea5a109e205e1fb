//! Stacks of linear attention layers on raw tokens.
use solvable_linalg::{Mat, MatRef};
use solvable_model::InputError;
use solvable_model::icl::QueryToken;

/// Layers `Z -> Z + P Z M Z' Q Z / rho`, one after the other.
///
/// Z holds one token a column, the query last; M is the identity, with a zero for the query under
/// [`QueryToken::Masked`]. P and Q are arbitrary square matrices. The forward pass forms `G = Z M Z'` first (never the
/// matrix of scores), so that a layer costs `O(N D^2 + D^3)` for tokens of size D.
#[derive(Clone, Debug)]
pub struct AttentionStack {
    size: usize,
    /// P and Q of each layer, row by row.
    layers: Vec<(Vec<f64>, Vec<f64>)>,
    rho: f64,
    query: QueryToken,
    /// Token-wise maps in parallel with attention, where there are any.
    token_wise: Vec<Option<Vec<f64>>>,
}

/// Temporaries of [`AttentionStack::forward`].
#[derive(Clone, Debug)]
pub struct StackWork {
    gram: Vec<f64>,
    left: Vec<f64>,
    map: Vec<f64>,
    token: Vec<f64>,
}

fn flat(argument: &'static str, m: MatRef<'_, f64>, size: usize) -> Result<Vec<f64>, InputError> {
    let found = (m.nrows(), m.ncols());
    if found != (size, size) {
        return Err(InputError::Shape { argument: argument.into(), found, expected: (size, size) });
    }
    let v: Vec<f64> = (0..size * size).map(|k| m[(k / size, k % size)]).collect();
    InputError::check_vector(argument, &v)?;
    Ok(v)
}

impl AttentionStack {
    /// A stack of the given pairs (P, Q).
    ///
    /// # Errors
    /// [`InputError`] when the token size is 0, a matrix has another shape or a non-finite entry, or `rho` is not positive.
    pub fn new(
        size: usize,
        layers: &[(Mat<f64>, Mat<f64>)],
        rho: f64,
        query: QueryToken,
    ) -> Result<Self, InputError> {
        InputError::check_count("token size", size)?;
        InputError::check_positive("rho", rho)?;
        let token_wise = vec![None; layers.len()];
        let layers = layers
            .iter()
            .map(|(p, q)| Ok((flat("P", p.as_ref(), size)?, flat("Q", q.as_ref(), size)?)))
            .collect::<Result<_, InputError>>()?;
        Ok(Self { size, layers, rho, query, token_wise })
    }

    /// The same stack with a token-wise linear map in parallel with attention: layer k becomes
    /// `Z + attention(Z) + T_k Z`.
    ///
    /// # Errors
    /// [`InputError`] when the number of maps or a shape is wrong, or an entry is not finite.
    pub fn with_token_maps(mut self, maps: &[Mat<f64>]) -> Result<Self, InputError> {
        if maps.len() != self.layers.len() {
            let (found, expected) = ((maps.len(), 1), (self.layers.len(), 1));
            return Err(InputError::Shape { argument: "token maps".into(), found, expected });
        }
        for (slot, map) in self.token_wise.iter_mut().zip(maps) {
            *slot = Some(flat("T", map.as_ref(), self.size)?);
        }
        Ok(self)
    }

    /// Sparse layers `P = diag(B_k, 1)`, `Q = diag(A_k, 0)` on tokens `(x, y)` (ICL-33).
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn sparse(
        d: usize,
        layers: &[(Mat<f64>, Mat<f64>)],
        rho: f64,
        query: QueryToken,
    ) -> Result<Self, InputError> {
        let pairs = layers
            .iter()
            .map(|(a, b)| {
                flat("A", a.as_ref(), d)?;
                flat("B", b.as_ref(), d)?;
                let p = Mat::from_fn(d + 1, d + 1, |i, j| match (i < d, j < d) {
                    (true, true) => b[(i, j)],
                    (false, false) => 1.0,
                    _ => 0.0,
                });
                let q = Mat::from_fn(d + 1, d + 1, |i, j| if i < d && j < d { a[(i, j)] } else { 0.0 });
                Ok((p, q))
            })
            .collect::<Result<Vec<_>, InputError>>()?;
        Self::new(d + 1, &pairs, rho, query)
    }

    /// Plain gradient steps: `P = diag(0, 1)`, `Q = diag(-eta_k I, 0)` (ICL-31).
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn gradient_steps(d: usize, steps: &[f64], rho: f64, query: QueryToken) -> Result<Self, InputError> {
        let layers: Vec<_> = steps
            .iter()
            .map(|eta| (Mat::from_fn(d, d, |i, j| if i == j { -eta } else { 0.0 }), Mat::<f64>::zeros(d, d)))
            .collect();
        Self::sparse(d, &layers, rho, query)
    }

    /// Curvature-corrected steps: `P = diag(gamma_k I, eta_k)`, `Q = diag(-I, 0)` (ICL-34).
    ///
    /// # Errors
    /// As [`new`](Self::new), and when the two lists differ in length.
    pub fn curvature_corrected(
        d: usize,
        steps: &[f64],
        gammas: &[f64],
        rho: f64,
        query: QueryToken,
    ) -> Result<Self, InputError> {
        if steps.len() != gammas.len() {
            let (found, expected) = ((gammas.len(), 1), (steps.len(), 1));
            return Err(InputError::Shape { argument: "gamma".into(), found, expected });
        }
        let pairs: Vec<_> = steps
            .iter()
            .zip(gammas)
            .map(|(eta, gamma)| {
                let p = Mat::from_fn(d + 1, d + 1, |i, j| match (i == j, i < d) {
                    (true, true) => *gamma,
                    (true, false) => *eta,
                    _ => 0.0,
                });
                let q = Mat::from_fn(d + 1, d + 1, |i, j| if i == j && i < d { -1.0 } else { 0.0 });
                (p, q)
            })
            .collect();
        Self::new(d + 1, &pairs, rho, query)
    }

    /// Size D of a token.
    #[must_use]
    pub fn token_size(&self) -> usize {
        self.size
    }

    /// Number of layers.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Temporaries.
    #[must_use]
    pub fn work(&self) -> StackWork {
        let square = || vec![0.0; self.size * self.size];
        StackWork { gram: square(), left: square(), map: square(), token: vec![0.0; self.size] }
    }

    /// Replaces the tokens (one after the other, the query last; a multiple of D numbers) by the output of the stack.
    pub fn forward(&self, tokens: &mut [f64], work: &mut StackWork) {
        let count = tokens.len() / self.size;
        let keys = match self.query {
            QueryToken::Inside => count,
            QueryToken::Masked => count.saturating_sub(1),
        };
        self.transform(tokens, keys, work);
    }

    /// The same for several queries at once: the last `queries` tokens are masked, each is transformed on its own.
    ///
    /// Only for stacks whose queries are masked, or whose first layer ignores them (p = 0).
    pub fn forward_queries(&self, tokens: &mut [f64], queries: usize, work: &mut StackWork) {
        let count = tokens.len() / self.size;
        self.transform(tokens, count.saturating_sub(queries), work);
    }

    /// The pass with the first `keys` tokens as keys.
    fn transform(&self, tokens: &mut [f64], keys: usize, work: &mut StackWork) {
        let size = self.size;
        for ((p, q), extra) in self.layers.iter().zip(&self.token_wise) {
            work.gram.fill(0.0);
            for token in tokens.chunks_exact(size).take(keys) {
                for (row, a) in work.gram.chunks_exact_mut(size).zip(token) {
                    for (g, b) in row.iter_mut().zip(token) {
                        *g += a * b;
                    }
                }
            }
            multiply(p, &work.gram, &mut work.left, size);
            multiply(&work.left, q, &mut work.map, size);
            let scale = 1.0 / self.rho;
            work.map.iter_mut().for_each(|v| *v *= scale);
            if let Some(extra) = extra {
                work.map.iter_mut().zip(extra).for_each(|(v, t)| *v += t);
            }
            for token in tokens.chunks_exact_mut(size) {
                for (o, row) in work.token.iter_mut().zip(work.map.chunks_exact(size)) {
                    *o = row.iter().zip(&*token).map(|(a, b)| a * b).sum();
                }
                token.iter_mut().zip(&work.token).for_each(|(t, o)| *t += o);
            }
        }
    }
}

/// `out = a b`, row by row.
fn multiply(a: &[f64], b: &[f64], out: &mut [f64], size: usize) {
    for (o, row) in out.chunks_exact_mut(size).zip(a.chunks_exact(size)) {
        o.fill(0.0);
        for (x, b) in row.iter().zip(b.chunks_exact(size)) {
            if *x != 0.0 {
                for (o, b) in o.iter_mut().zip(b) {
                    *o += x * b;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::icl::PromptSampler;
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;
    use solvable_model::icl::{LinearAttention, RegressionTask};

    /// One layer of the stack against the model's layer, which forms the scores, on random weights and prompts.
    #[test]
    fn agrees_with_the_forward_pass_as_written() {
        let mut rng = ChaCha12Rng::seed_from_u64(3);
        for (d, n, query) in
            [(1, 1, QueryToken::Inside), (3, 5, QueryToken::Masked), (4, 2, QueryToken::Inside)]
        {
            let mut entries = vec![0.0; 2 * (d + 1) * (d + 1)];
            crate::normal::fill(&mut rng, &mut entries);
            let m = |offset: usize| Mat::from_fn(d + 1, d + 1, |i, j| entries[offset + i * (d + 1) + j]);
            let (p, q) = (m(0), m((d + 1) * (d + 1)));
            let layer = LinearAttention::new(p.clone(), q.clone(), 3.0, query).expect("valid");
            let stack = AttentionStack::new(d + 1, &[(p, q)], 3.0, query).expect("valid");
            let law = PromptSampler::of_task(&RegressionTask::isotropic(d, 1.0, 1.0, 0.5, n).expect("valid"));
            let mut prompt = law.buffer();
            law.draw(&mut rng, &mut prompt);
            let mut tokens = vec![0.0; (d + 1) * (n + 1)];
            prompt.write_tokens(&mut tokens);
            stack.forward(&mut tokens, &mut stack.work());
            let expected = layer.forward(&prompt.prompt().expect("finite")).expect("valid");
            let scale = solvable_linalg::max_abs(expected.as_ref());
            for j in 0..=n {
                for i in 0..=d {
                    let difference = (tokens[j * (d + 1) + i] - expected[(i, j)]).abs();
                    // Sums of at most (d+1)^3 (n+1) products, each of a few rounding errors.
                    let terms = ((d + 1).pow(3) * (n + 1)) as f64;
                    assert!(
                        difference <= 8.0 * terms * f64::EPSILON * scale.max(1.0),
                        "{i} {j}: {difference}"
                    );
                }
            }
        }
    }
}
