//! Self-attention on tokens (x, y) with keys, queries, values and a projection (ICL-30, 31; von Oswald et al.).
use solvable_linalg::{Mat, MatRef, matmul};

use super::QueryToken;
use super::layers::check_matrix;
use crate::InputError;

/// N examples with m outputs each, and a query.
#[derive(Clone, Debug)]
pub struct VectorPrompt {
    /// Covariates, one example a row (N x d).
    pub x: Mat<f64>,
    /// Outputs, one example a row (N x m).
    pub y: Mat<f64>,
    /// Query covariate (d).
    pub query: Vec<f64>,
}

impl VectorPrompt {
    /// A prompt from its parts.
    ///
    /// # Errors
    /// [`InputError`] when shapes disagree, N, d or m is 0, or an entry is not finite.
    pub fn new(x: Mat<f64>, y: Mat<f64>, query: Vec<f64>) -> Result<Self, InputError> {
        let n = x.nrows();
        InputError::check_count("N", n)?;
        InputError::check_count("dimension of x_q", query.len())?;
        InputError::check_count("number of outputs in Y", y.ncols())?;
        check_matrix("X".into(), x.as_ref(), (n, query.len()))?;
        check_matrix("Y".into(), y.as_ref(), (n, y.ncols()))?;
        InputError::check_vector("x_q", &query)?;
        Ok(Self { x, y, query })
    }

    /// The tokens as columns `(x_i, y_i)`, then `(x_q, -W_0 x_q)`: the query starts from the prediction of W_0 (m x d).
    ///
    /// # Errors
    /// [`InputError`] when W_0 is not m x d or not finite.
    pub fn tokens(&self, w0: MatRef<'_, f64>) -> Result<Mat<f64>, InputError> {
        let (n, d, m) = (self.x.nrows(), self.query.len(), self.y.ncols());
        check_matrix("W0".into(), w0, (m, d))?;
        Ok(Mat::from_fn(d + m, n + 1, |i, j| match (i < d, j < n) {
            (true, true) => self.x[(j, i)],
            (false, true) => self.y[(j, i - d)],
            (true, false) => self.query[i],
            (false, false) => -(0..d).map(|k| w0[(i - d, k)] * self.query[k]).sum::<f64>(),
        }))
    }
}

/// The layer `e_j <- e_j + P sum_i (W_V e_i)(W_K e_i)'(W_Q e_j)` on tokens of size d + m.
#[derive(Clone, Debug)]
pub struct TokenAttention {
    key: Mat<f64>,
    query: Mat<f64>,
    value: Mat<f64>,
    projection: Mat<f64>,
}

impl TokenAttention {
    /// A layer from its weights W_K, W_Q, W_V, P.
    ///
    /// # Errors
    /// [`InputError`] when the matrices are not square of one size, or an entry is not finite.
    pub fn new(
        key: Mat<f64>,
        query: Mat<f64>,
        value: Mat<f64>,
        projection: Mat<f64>,
    ) -> Result<Self, InputError> {
        let size = key.nrows().max(1);
        for (argument, m) in [("W_K", &key), ("W_Q", &query), ("W_V", &value), ("P", &projection)] {
            check_matrix(argument.into(), m.as_ref(), (size, size))?;
        }
        Ok(Self { key, query, value, projection })
    }

    /// One step of size eta on `(1/2N) sum |W x_i - y_i|^2` from W_0 (m x d), N examples (ICL-30):
    /// `W_K = W_Q = diag(I, 0)`, `W_V = [[0, 0], [W_0, -I]]`, `P = (eta/N) I`.
    ///
    /// Repeating the layer with the same W_0 takes further steps (ICL-31).
    ///
    /// # Errors
    /// [`InputError`] when W_0 is empty or not finite, eta is not finite or N is 0.
    pub fn gradient_step(w0: MatRef<'_, f64>, eta: f64, context: usize) -> Result<Self, InputError> {
        let (m, d) = (w0.nrows(), w0.ncols());
        InputError::check_count("rows of W0", m)?;
        InputError::check_count("columns of W0", d)?;
        check_matrix("W0".into(), w0, (m, d))?;
        InputError::check_finite("etas", eta)?;
        InputError::check_count("N", context)?;
        let size = d + m;
        let inputs = Mat::from_fn(size, size, |i, j| if i == j && i < d { 1.0 } else { 0.0 });
        let value = Mat::from_fn(size, size, |i, j| match (i < d, j < d) {
            (false, true) => w0[(i - d, j)],
            (false, false) if i == j => -1.0,
            _ => 0.0,
        });
        let scale = eta / context as f64;
        let projection = Mat::from_fn(size, size, |i, j| if i == j { scale } else { 0.0 });
        Self::new(inputs.clone(), inputs, value, projection)
    }

    /// The updated tokens; the first `keys` columns serve as keys and values.
    #[must_use]
    pub fn apply(&self, tokens: MatRef<'_, f64>, keys: usize) -> Mat<f64> {
        let seen = tokens.subcols(0, keys);
        let values = matmul(self.value.as_ref(), seen);
        let key = matmul(self.key.as_ref(), seen);
        let queries = matmul(self.query.as_ref(), tokens);
        let memory = matmul(values.as_ref(), key.transpose());
        let update = matmul(self.projection.as_ref(), matmul(memory.as_ref(), queries.as_ref()).as_ref());
        tokens.to_owned() + update
    }
}

/// What a stack of gradient-step layers leaves in the label slots.
#[derive(Clone, Debug)]
pub struct DescentTokens {
    /// Minus the slot of the query: the prediction (m).
    pub prediction: Vec<f64>,
    /// Slots of the examples, one a row (N x m): `y_i - (W_K - W_0) x_i`.
    pub context: Mat<f64>,
}

/// Runs [`TokenAttention::gradient_step`] layers, one step size each, all with the same W_0 (ICL-30, ICL-31).
///
/// # Errors
/// [`InputError`] when shapes disagree or a value is, or becomes, not finite.
pub fn descent_by_attention(
    prompt: &VectorPrompt,
    w0: MatRef<'_, f64>,
    etas: &[f64],
    query: QueryToken,
) -> Result<DescentTokens, InputError> {
    let (n, d, m) = (prompt.x.nrows(), prompt.query.len(), prompt.y.ncols());
    InputError::check_vector("etas", etas)?;
    let mut tokens = prompt.tokens(w0)?;
    let keys = match query {
        QueryToken::Inside => n + 1,
        QueryToken::Masked => n,
    };
    for &eta in etas {
        tokens = TokenAttention::gradient_step(w0, eta, n)?.apply(tokens.as_ref(), keys);
    }
    check_matrix("tokens after the last layer".into(), tokens.as_ref(), (d + m, n + 1))?;
    Ok(DescentTokens {
        prediction: (0..m).map(|i| -tokens[(d + i, n)]).collect(),
        context: Mat::from_fn(n, m, |i, j| tokens[(d + j, i)]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Explicit gradient descent on the original data against the repeated layer.
    #[test]
    fn layers_are_steps() {
        let (n, d, m) = (4, 3, 2);
        let entry = |i: usize, j: usize| ((7 * i + 3 * j + 1) % 11) as f64 / 4.0 - 1.25;
        let x = Mat::from_fn(n, d, entry);
        let y = Mat::from_fn(n, m, |i, j| entry(i + 5, j + 2));
        let w0 = Mat::from_fn(m, d, |i, j| entry(i + 1, j + 7));
        let etas = [0.3, 0.1, 0.2];
        let prompt = VectorPrompt::new(x.clone(), y.clone(), vec![0.5, -0.25, 1.0]).expect("valid");
        let found = descent_by_attention(&prompt, w0.as_ref(), &etas, QueryToken::Masked).expect("valid");
        let mut w = w0.clone();
        for eta in etas {
            let mut next = w.clone();
            for i in 0..n {
                for a in 0..m {
                    let error: f64 = (0..d).map(|k| w[(a, k)] * x[(i, k)]).sum::<f64>() - y[(i, a)];
                    for k in 0..d {
                        next[(a, k)] -= eta / n as f64 * error * x[(i, k)];
                    }
                }
            }
            w = next;
        }
        for a in 0..m {
            let direct: f64 = (0..d).map(|k| w[(a, k)] * prompt.query[k]).sum();
            assert!((found.prediction[a] - direct).abs() <= 256.0 * f64::EPSILON);
            for i in 0..n {
                let moved: f64 = (0..d).map(|k| (w[(a, k)] - w0[(a, k)]) * x[(i, k)]).sum();
                assert!((found.context[(i, a)] - (y[(i, a)] - moved)).abs() <= 256.0 * f64::EPSILON);
            }
        }
        assert!(VectorPrompt::new(Mat::zeros(0, 1), Mat::zeros(0, 1), vec![1.0]).is_err());
        assert!(descent_by_attention(&prompt, x.as_ref(), &etas, QueryToken::Masked).is_err());
    }
}
