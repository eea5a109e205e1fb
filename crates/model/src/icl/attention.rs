//! One layer of linear self-attention, as written in the papers (ICL-1).
use solvable_linalg::Mat;

use super::Prompt;
use crate::InputError;

/// Whether the query column takes part in the sum E E' of the attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryToken {
    /// The query attends to itself too (Zhang, Frei, Bartlett).
    Inside,
    /// The query column is masked out (Ahn et al.; Mahankali, Hashimoto, Ma).
    Masked,
}

/// The layer `f(E) = E + W_PV E mask E' W_KQ E / rho`.
///
/// Both weight matrices are (d+1) x (d+1); `rho > 0` is the normaliser (N or N+1 in the papers); the mask
/// is the identity, with a zero for the query column under [`QueryToken::Masked`].
#[derive(Clone, Debug)]
pub struct LinearAttention {
    value: Mat<f64>,
    key_query: Mat<f64>,
    normaliser: f64,
    query: QueryToken,
}

impl LinearAttention {
    /// A layer from its weights.
    ///
    /// # Errors
    /// [`InputError`] when a matrix is not square, the sizes differ or are below 2, an entry is not
    /// finite, or `rho` is not positive.
    pub fn new(
        value: Mat<f64>,
        key_query: Mat<f64>,
        normaliser: f64,
        query: QueryToken,
    ) -> Result<Self, InputError> {
        let size = value.nrows();
        for (argument, m) in [("W_PV", &value), ("W_KQ", &key_query)] {
            if m.nrows() != size || m.ncols() != size || size < 2 {
                let expected = (size.max(2), size.max(2));
                let found = (m.nrows(), m.ncols());
                return Err(InputError::Shape { argument: argument.into(), found, expected });
            }
            for i in 0..size {
                for j in 0..size {
                    if !m[(i, j)].is_finite() {
                        let value = m[(i, j)];
                        return Err(InputError::NotFinite {
                            argument: argument.into(),
                            row: i,
                            column: j,
                            value,
                        });
                    }
                }
            }
        }
        InputError::check_positive("rho", normaliser)?;
        Ok(Self { value, key_query, normaliser, query })
    }

    /// Dimension d of the covariates.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.value.nrows() - 1
    }

    /// The whole updated embedding f(E), by the matrix products as written.
    ///
    /// # Errors
    /// [`InputError::Shape`] when the prompt has another dimension.
    pub fn forward(&self, prompt: &Prompt) -> Result<Mat<f64>, InputError> {
        let d = self.dimension();
        if prompt.dimension() != d {
            return Err(InputError::Shape {
                argument: "x_q".into(),
                found: (prompt.dimension(), 1),
                expected: (d, 1),
            });
        }
        let e = prompt.embedding();
        let scores = e.transpose() * &self.key_query * &e;
        let n = prompt.context();
        let keys = match self.query {
            QueryToken::Inside => n + 1,
            QueryToken::Masked => n,
        };
        let values = &self.value * &e;
        let mut out = e;
        for i in 0..=d {
            for j in 0..=n {
                let update: f64 = (0..keys).map(|k| values[(i, k)] * scores[(k, j)]).sum();
                out[(i, j)] += update / self.normaliser;
            }
        }
        Ok(out)
    }

    /// The prediction: the bottom-right entry of [`forward`](Self::forward).
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn predict(&self, prompt: &Prompt) -> Result<f64, InputError> {
        Ok(self.forward(prompt)?[(self.dimension(), prompt.context())])
    }
}

/// The entries of the two weight matrices that can influence the prediction (ICL-1).
///
/// `(p', u)` is the last row of W_PV; `U` over `q'` are the first d columns of W_KQ.
#[derive(Clone, Debug)]
pub struct LayerBlocks {
    /// First d entries of the last row of W_PV.
    pub p: Vec<f64>,
    /// Last entry of W_PV.
    pub u: f64,
    /// Upper-left d x d block of W_KQ.
    pub key_query: Mat<f64>,
    /// First d entries of the last row of W_KQ.
    pub q: Vec<f64>,
}

impl LayerBlocks {
    /// The reduced layer p = q = 0, whose predictor is `x_q' A s` with `A = (N / rho) u U'`.
    #[must_use]
    pub fn reduced(u: f64, key_query: Mat<f64>) -> Self {
        let d = key_query.nrows();
        Self { p: vec![0.0; d], u, key_query, q: vec![0.0; d] }
    }

    /// Reads the blocks of a layer.
    #[must_use]
    pub fn of(layer: &LinearAttention) -> Self {
        let d = layer.dimension();
        Self {
            p: (0..d).map(|j| layer.value[(d, j)]).collect(),
            u: layer.value[(d, d)],
            key_query: Mat::from_fn(d, d, |i, j| layer.key_query[(i, j)]),
            q: (0..d).map(|j| layer.key_query[(d, j)]).collect(),
        }
    }

    /// A layer with these blocks and zeros elsewhere.
    ///
    /// # Errors
    /// [`InputError`] when shapes disagree, an entry is not finite or `rho` is not positive.
    pub fn layer(&self, normaliser: f64, query: QueryToken) -> Result<LinearAttention, InputError> {
        let d = self.p.len();
        InputError::check_count("dimension of p", d)?;
        let found = (self.key_query.nrows(), self.key_query.ncols());
        if found != (d, d) {
            return Err(InputError::Shape { argument: "U".into(), found, expected: (d, d) });
        }
        if self.q.len() != d {
            let found = (self.q.len(), 1);
            return Err(InputError::Shape { argument: "q".into(), found, expected: (d, 1) });
        }
        let value = Mat::from_fn(d + 1, d + 1, |i, j| match (i == d, j == d) {
            (true, false) => self.p[j],
            (true, true) => self.u,
            _ => 0.0,
        });
        let key_query = Mat::from_fn(d + 1, d + 1, |i, j| match (i < d, j < d) {
            (true, true) => self.key_query[(i, j)],
            (false, true) => self.q[j],
            _ => 0.0,
        });
        LinearAttention::new(value, key_query, normaliser, query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case ICL1-H01 of the reference vectors: every block active, the query inside.
    #[test]
    fn literal_forward_pass_matches_the_reference_vector() {
        let rows = |r: &[[f64; 3]]| Mat::from_fn(r.len(), 3, |i, j| r[i][j]);
        let layer = LinearAttention::new(
            rows(&[[0.3, -0.7, 1.1], [0.2, 0.5, -0.4], [0.25, -0.6, 0.8]]),
            rows(&[[0.4, -0.1, 0.9], [0.7, 1.2, -0.3], [-0.5, 0.35, 0.6]]),
            4.0,
            QueryToken::Inside,
        )
        .expect("valid");
        let x = [[0.6, -1.2], [1.4, 0.3], [-0.8, 0.9], [0.2, 2.1]];
        let prompt =
            Prompt::new(Mat::from_fn(4, 2, |i, j| x[i][j]), vec![0.7, -0.4, 1.9, 0.05], vec![1.3, -0.45])
                .expect("valid");
        let expected = -0.7719609375;
        let full = layer.predict(&prompt).expect("valid");
        let reduced = LayerBlocks::of(&layer)
            .layer(4.0, QueryToken::Inside)
            .and_then(|l| l.predict(&prompt))
            .expect("valid");
        assert!((full - expected).abs() <= 64.0 * f64::EPSILON, "{full}");
        assert!((reduced - expected).abs() <= 64.0 * f64::EPSILON, "{reduced}");
    }
}
