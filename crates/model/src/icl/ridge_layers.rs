//! Layers that descend the ridge loss (ICL-46).
use solvable_linalg::{Mat, matmul};

use super::Prompt;
use super::layers::check_matrix;
use crate::InputError;

/// K layers on tokens (x, y, r): attention with value r, `Q = diag(-eta I, 0, 0)`, `P = diag(0, 0, 1)`, masked query,
/// in parallel with the token-wise linear map `r <- (1 - eta s) r + eta s y`.
///
/// r starts as y on the examples and y = r = 0 on the query. The invariant is `r = y - w_k'x` for K steps
/// `w <- w - eta_k [(S + s I) w - b]`; the prediction is minus the query's r. Unlike plain layers these realise the
/// optimal schedule for every noise level.
#[derive(Clone, Debug, PartialEq)]
pub struct RidgeStack {
    ridge: f64,
    etas: Vec<f64>,
}

impl RidgeStack {
    /// States the stack: ridge s and one step a layer.
    ///
    /// # Errors
    /// [`InputError`] when the ridge is negative or a number is not finite.
    pub fn new(ridge: f64, etas: &[f64]) -> Result<Self, InputError> {
        InputError::check_nonnegative("s", ridge)?;
        InputError::check_vector("etas", etas)?;
        Ok(Self { ridge, etas: etas.to_vec() })
    }

    /// The tokens after the last layer, (d+2) x (N+1).
    ///
    /// # Errors
    /// [`InputError`] when N = 0 or a token leaves the range of `f64`.
    pub fn forward(&self, prompt: &Prompt) -> Result<Mat<f64>, InputError> {
        let (d, n) = (prompt.dimension(), prompt.context());
        InputError::check_count("N", n)?;
        let e = prompt.embedding();
        let mut z = Mat::from_fn(d + 2, n + 1, |i, j| e[(i.min(d), j)]);
        for &eta in &self.etas {
            let p = Mat::from_fn(d + 2, d + 2, |i, j| if i == j && i == d + 1 { 1.0 } else { 0.0 });
            let q = Mat::from_fn(d + 2, d + 2, |i, j| if i == j && i < d { -eta } else { 0.0 });
            let seen = z.as_ref().subcols(0, n);
            let gram = matmul(seen, seen.transpose());
            let mixed = matmul(matmul(p.as_ref(), gram.as_ref()).as_ref(), q.as_ref());
            let attention = matmul(mixed.as_ref(), z.as_ref());
            let keep = eta * self.ridge;
            z = Mat::from_fn(d + 2, n + 1, |i, j| {
                let old = if i == d + 1 { (1.0 - keep) * z[(i, j)] + keep * z[(d, j)] } else { z[(i, j)] };
                old + attention[(i, j)] / n as f64
            });
        }
        check_matrix("tokens after the last layer".into(), z.as_ref(), (d + 2, n + 1))?;
        Ok(z)
    }

    /// The prediction: minus the query's r.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn predict(&self, prompt: &Prompt) -> Result<f64, InputError> {
        Ok(-self.forward(prompt)?[(prompt.dimension() + 1, prompt.context())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_follow_ridge_descent() {
        let (n, d) = (4, 2);
        let x = Mat::from_fn(n, d, |i, j| ((5 * i + 3 * j) % 7) as f64 / 4.0 - 0.5);
        let y = vec![1.0, -0.75, 0.5, 2.0];
        let prompt = Prompt::new(x.clone(), y.clone(), vec![0.75, -1.25]).expect("valid");
        let (ridge, etas) = (0.3, [0.5, 0.125, 0.7]);
        let z = RidgeStack::new(ridge, &etas).and_then(|s| s.forward(&prompt)).expect("valid");
        let mut w = vec![0.0; d];
        for eta in etas {
            let residual = |i: usize| y[i] - (0..d).map(|k| w[k] * x[(i, k)]).sum::<f64>();
            let b: Vec<f64> = (0..d)
                .map(|k| (0..n).map(|i| residual(i) * x[(i, k)]).sum::<f64>() / n as f64 - ridge * w[k])
                .collect();
            w.iter_mut().zip(&b).for_each(|(w, g)| *w += eta * g);
        }
        for i in 0..n {
            let residual = y[i] - (0..d).map(|k| w[k] * x[(i, k)]).sum::<f64>();
            assert!((z[(d + 1, i)] - residual).abs() <= 64.0 * f64::EPSILON);
        }
        let prediction = (0..d).map(|k| w[k] * prompt.query[k]).sum::<f64>();
        assert!((z[(d + 1, n)] + prediction).abs() <= 64.0 * f64::EPSILON);
        assert!(RidgeStack::new(-0.1, &[]).is_err());
    }
}
