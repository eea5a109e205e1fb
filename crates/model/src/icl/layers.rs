//! Several layers of linear self-attention, as written in the papers (ICL-31 to 37, 64).
use solvable_linalg::{Mat, MatRef, matmul};

use super::{Prompt, QueryToken};
use crate::{Argument, Covariance, InputError};

/// One layer `Z -> Z + (1/N) P Z M Z' Q Z` on tokens of size d+1 (Ahn et al.).
///
/// M masks the query column or is the identity; N is the number of labelled examples in either case.
#[derive(Clone, Debug)]
pub struct AttentionLayer {
    value: Mat<f64>,
    key_query: Mat<f64>,
}

impl AttentionLayer {
    /// A layer from its full (d+1) x (d+1) weights P and Q.
    ///
    /// # Errors
    /// [`InputError`] when a matrix is not square, the sizes differ or are below 2, or an entry is not finite.
    pub fn new(value: Mat<f64>, key_query: Mat<f64>) -> Result<Self, InputError> {
        let size = value.nrows().max(2);
        check_matrix("P".into(), value.as_ref(), (size, size))?;
        check_matrix("Q".into(), key_query.as_ref(), (size, size))?;
        Ok(Self { value, key_query })
    }

    /// The sparse layer `P = diag(B, 1)`, `Q = diag(A, 0)` of Ahn et al. (ICL-33); A and B need not be symmetric.
    ///
    /// # Errors
    /// [`InputError`] when A or B is not d x d or not finite.
    pub fn sparse(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Result<Self, InputError> {
        let d = a.nrows();
        InputError::check_count("dimension of A", d)?;
        check_matrix("A".into(), a, (d, d))?;
        check_matrix("B".into(), b, (d, d))?;
        Ok(Self { value: bordered(b, 1.0), key_query: bordered(a, 0.0) })
    }

    /// One step of gradient descent of size eta: `P = diag(0, 1)`, `Q = diag(-eta I, 0)` (ICL-31).
    ///
    /// # Errors
    /// [`InputError`] when d is 0 or eta is not finite.
    pub fn gradient_step(d: usize, eta: f64) -> Result<Self, InputError> {
        InputError::check_count("d", d)?;
        InputError::check_finite("etas", eta)?;
        let a = Mat::from_fn(d, d, |i, j| if i == j { -eta } else { 0.0 });
        Self::sparse(a.as_ref(), Mat::zeros(d, d).as_ref())
    }

    /// A step of GD++ in its division-free form: `P = diag(gamma I, eta)`, `Q = diag(-I, 0)` (ICL-34).
    ///
    /// Equal to the sparse layer `A = -eta I`, `B = (gamma/eta) I`; eta = 0 is allowed.
    ///
    /// # Errors
    /// [`InputError`] when d is 0 or a parameter is not finite.
    pub fn corrected_step(d: usize, eta: f64, gamma: f64) -> Result<Self, InputError> {
        InputError::check_count("d", d)?;
        Self::preconditioned_step(Mat::<f64>::identity(d, d).as_ref(), eta, gamma)
    }

    /// A step of GD++ preconditioned by a fixed matrix: `P = diag(gamma I, eta)`, `Q = diag(-precondition, 0)`, equal to
    /// the sparse layer `A = -eta precondition`, `B = (gamma/eta) I` (ICL-36 with `precondition = Lambda^-1`).
    ///
    /// # Errors
    /// [`InputError`] when the matrix is not square or a parameter is not finite.
    pub fn preconditioned_step(
        precondition: MatRef<'_, f64>,
        eta: f64,
        gamma: f64,
    ) -> Result<Self, InputError> {
        let d = precondition.nrows();
        InputError::check_count("d", d)?;
        check_matrix("preconditioner".into(), precondition, (d, d))?;
        InputError::check_finite("etas", eta)?;
        InputError::check_finite("gammas", gamma)?;
        let correction = Mat::from_fn(d, d, |i, j| if i == j { gamma } else { 0.0 });
        let minus = Mat::from_fn(d, d, |i, j| -precondition[(i, j)]);
        Ok(Self { value: bordered(correction.as_ref(), eta), key_query: bordered(minus.as_ref(), 0.0) })
    }

    /// Dimension d of the covariates.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.value.nrows() - 1
    }

    /// P.
    #[must_use]
    pub fn value(&self) -> MatRef<'_, f64> {
        self.value.as_ref()
    }

    /// Q.
    #[must_use]
    pub fn key_query(&self) -> MatRef<'_, f64> {
        self.key_query.as_ref()
    }

    /// `Z + (1/length) P Z M Z' Q Z` where M keeps the first `keys` columns of Z.
    ///
    /// `Z M Z'` is formed first: O(N d^2 + d^3), never the (N+1) x (N+1) matrix of scores.
    #[must_use]
    pub fn apply(&self, z: MatRef<'_, f64>, keys: usize, length: usize) -> Mat<f64> {
        let seen = z.subcols(0, keys);
        let gram = matmul(seen, seen.transpose());
        let mixed = matmul(matmul(self.value.as_ref(), gram.as_ref()).as_ref(), self.key_query.as_ref());
        let update = matmul(mixed.as_ref(), z);
        let scale = length as f64;
        Mat::from_fn(z.nrows(), z.ncols(), |i, j| z[(i, j)] + update[(i, j)] / scale)
    }
}

/// K layers; the prediction is **minus** the label slot of the query after the last one.
///
/// K = 0 is allowed and predicts 0.
///
/// ```
/// use solvable_linalg::Mat;
/// use solvable_model::icl::{AttentionLayer, AttentionStack, Prompt, QueryToken};
/// // One step of size 1/2 from zero on (x, y) = (2, 3): w = 3, prediction 3 x_q.
/// let stack = AttentionStack::new(1, vec![AttentionLayer::gradient_step(1, 0.5)?], QueryToken::Masked)?;
/// let prompt = Prompt::new(Mat::full(1, 1, 2.0), vec![3.0], vec![1.5])?;
/// assert_eq!(stack.predict(&prompt)?, 4.5);
/// # Ok::<(), solvable_model::InputError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AttentionStack {
    dimension: usize,
    layers: Vec<AttentionLayer>,
    query: QueryToken,
}

impl AttentionStack {
    /// A stack of layers for covariates of dimension d.
    ///
    /// # Errors
    /// [`InputError`] when d is 0 or a layer has another dimension.
    pub fn new(d: usize, layers: Vec<AttentionLayer>, query: QueryToken) -> Result<Self, InputError> {
        InputError::check_count("d", d)?;
        for (k, layer) in layers.iter().enumerate() {
            if layer.dimension() != d {
                let found = (layer.dimension(), layer.dimension());
                let argument = Argument::indexed("layers", k);
                return Err(InputError::Shape { argument, found, expected: (d, d) });
            }
        }
        Ok(Self { dimension: d, layers, query })
    }

    /// Plain gradient descent from zero, one step a layer (ICL-31).
    ///
    /// # Errors
    /// [`InputError`] when d is 0 or a step is not finite.
    pub fn descent(d: usize, etas: &[f64], query: QueryToken) -> Result<Self, InputError> {
        InputError::check_vector("etas", etas)?;
        let layers = etas.iter().map(|&eta| AttentionLayer::gradient_step(d, eta)).collect::<Result<_, _>>();
        Self::new(d, layers?, query)
    }

    /// GD++ with a correction a layer (ICL-34), optionally preconditioned by the inverse of a covariance (ICL-36).
    ///
    /// `gammas` holds one number a layer; the last may be left out, as it cannot reach the prediction.
    ///
    /// # Errors
    /// [`InputError`] when the numbers of steps and corrections do not fit, one is not finite, or the covariance is
    /// singular.
    pub fn corrected_descent(
        d: usize,
        etas: &[f64],
        gammas: &[f64],
        whiten: Option<&Covariance>,
        query: QueryToken,
    ) -> Result<Self, InputError> {
        InputError::check_vector("etas", etas)?;
        InputError::check_vector("gammas", gammas)?;
        check_corrections(etas.len(), gammas.len())?;
        let precondition = match whiten {
            None => Mat::<f64>::identity(d, d),
            Some(c) => inverse_covariance(c)?,
        };
        let layers: Result<Vec<_>, _> = etas
            .iter()
            .enumerate()
            .map(|(k, &eta)| {
                let gamma = gammas.get(k).copied().unwrap_or(0.0);
                AttentionLayer::preconditioned_step(precondition.as_ref(), eta, gamma)
            })
            .collect();
        Self::new(d, layers?, query)
    }

    /// Dimension d of the covariates.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The layers, first to last.
    #[must_use]
    pub fn layers(&self) -> &[AttentionLayer] {
        &self.layers
    }

    /// The tokens after the last layer, (d+1) x (N+1): inputs above label slots, the query last.
    ///
    /// # Errors
    /// [`InputError`] when the prompt has another dimension or no example, or a token leaves the range of `f64`.
    pub fn forward(&self, prompt: &Prompt) -> Result<Mat<f64>, InputError> {
        let (d, n) = (self.dimension, prompt.context());
        if prompt.dimension() != d {
            let found = (prompt.dimension(), 1);
            return Err(InputError::Shape { argument: "x_q".into(), found, expected: (d, 1) });
        }
        InputError::check_count("N", n)?;
        let keys = match self.query {
            QueryToken::Inside => n + 1,
            QueryToken::Masked => n,
        };
        let mut z = prompt.embedding();
        for layer in &self.layers {
            z = layer.apply(z.as_ref(), keys, n);
        }
        check_matrix("tokens after the last layer".into(), z.as_ref(), (d + 1, n + 1))?;
        Ok(z)
    }

    /// The prediction: minus the bottom-right entry of [`forward`](Self::forward).
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn predict(&self, prompt: &Prompt) -> Result<f64, InputError> {
        Ok(-self.forward(prompt)?[(self.dimension, prompt.context())])
    }
}

/// One correction a layer, or all but the last.
///
/// # Errors
/// [`InputError::Count`] otherwise.
pub fn check_corrections(layers: usize, corrections: usize) -> Result<(), InputError> {
    if corrections == layers || corrections + 1 == layers {
        return Ok(());
    }
    let condition = "the number of etas, or one less";
    Err(InputError::Count { argument: "number of gammas".into(), value: corrections as u64, condition })
}

/// `V diag(1/lambda) V'`.
fn inverse_covariance(c: &Covariance) -> Result<Mat<f64>, InputError> {
    let d = c.dimension();
    let smallest = c.smallest_eigenvalue();
    let condition = "the preconditioner is its inverse";
    if smallest <= f64::EPSILON * c.largest_eigenvalue() && !(c.is_diagonal() && smallest > 0.0) {
        return Err(InputError::Singular { argument: "Lambda".into(), smallest, condition });
    }
    let v = c.eigenvectors();
    let scaled = Mat::from_fn(d, d, |i, j| v[(i, j)] / c.eigenvalues()[j]);
    Ok(matmul(scaled.as_ref(), v.transpose()))
}

/// `diag(block, corner)`.
fn bordered(block: MatRef<'_, f64>, corner: f64) -> Mat<f64> {
    let d = block.nrows();
    Mat::from_fn(d + 1, d + 1, |i, j| match (i < d, j < d) {
        (true, true) => block[(i, j)],
        (false, false) => corner,
        _ => 0.0,
    })
}

/// Refuses another shape and non-finite entries.
pub(super) fn check_matrix(
    argument: Argument,
    m: MatRef<'_, f64>,
    expected: (usize, usize),
) -> Result<(), InputError> {
    let found = (m.nrows(), m.ncols());
    if found != expected {
        return Err(InputError::Shape { argument, found, expected });
    }
    for row in 0..m.nrows() {
        for column in 0..m.ncols() {
            let value = m[(row, column)];
            if !value.is_finite() {
                return Err(InputError::NotFinite { argument, row, column, value });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The prompt of the specification's reference numbers.
    fn prompt() -> Prompt {
        let x = [[1.0, -0.5, 0.25, 2.0], [0.5, 1.5, -1.0, 0.75]];
        Prompt::new(Mat::from_fn(4, 2, |i, j| x[j][i]), vec![1.0, -2.0, 0.5, 1.5], vec![0.8, -0.6])
            .expect("valid")
    }

    #[test]
    fn predictions_match_the_reference() {
        let etas = [0.4, 0.3, 0.5];
        for (stack, expected) in [
            (AttentionStack::descent(2, &etas, QueryToken::Masked), 1.0183892517089843),
            (AttentionStack::descent(2, &etas, QueryToken::Inside), 0.9093349938964844),
            (
                AttentionStack::corrected_descent(2, &etas, &[0.2, 0.1, 0.0], None, QueryToken::Masked),
                0.8457753343406181,
            ),
            (
                AttentionStack::corrected_descent(2, &etas, &[0.2, 0.1], None, QueryToken::Masked),
                0.8457753343406181,
            ),
        ] {
            let found = stack.and_then(|s| s.predict(&prompt())).expect("valid");
            assert!((found - expected).abs() <= 16.0 * f64::EPSILON, "{found} {expected}");
        }
    }

    #[test]
    fn the_division_free_form_is_the_sparse_layer() {
        let (eta, gamma) = (0.75, 0.3);
        let a = Mat::from_fn(2, 2, |i, j| if i == j { -eta } else { 0.0 });
        let b = Mat::from_fn(2, 2, |i, j| if i == j { gamma / eta } else { 0.0 });
        let sparse = AttentionLayer::sparse(a.as_ref(), b.as_ref()).expect("valid");
        let free = AttentionLayer::corrected_step(2, eta, gamma).expect("valid");
        let z = prompt().embedding();
        let (one, other) = (sparse.apply(z.as_ref(), 4, 4), free.apply(z.as_ref(), 4, 4));
        for i in 0..3 {
            for j in 0..5 {
                assert!((one[(i, j)] - other[(i, j)]).abs() <= 32.0 * f64::EPSILON);
            }
        }
    }

    /// Forming Z M Z' first or the matrix of scores first is the same layer.
    #[test]
    fn scores_first_agrees() {
        let p = Mat::from_fn(3, 3, |i, j| 0.25 * (1.0 + i as f64) - 0.5 * j as f64);
        let q = Mat::from_fn(3, 3, |i, j| 0.125 * (i as f64) - 0.25 + 0.375 * (j as f64));
        let layer = AttentionLayer::new(p.clone(), q.clone()).expect("valid");
        let z = prompt().embedding();
        for keys in [4, 5] {
            let found = layer.apply(z.as_ref(), keys, 4);
            let scores = z.transpose() * &q * &z;
            let values = &p * &z;
            for i in 0..3 {
                for j in 0..5 {
                    let update: f64 = (0..keys).map(|k| values[(i, k)] * scores[(k, j)]).sum();
                    assert!((found[(i, j)] - z[(i, j)] - update / 4.0).abs() <= 256.0 * f64::EPSILON);
                }
            }
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        assert!(AttentionStack::descent(0, &[0.1], QueryToken::Masked).is_err());
        assert!(AttentionStack::descent(2, &[f64::NAN], QueryToken::Masked).is_err());
        let stack = AttentionStack::descent(3, &[0.1], QueryToken::Masked).expect("valid");
        assert!(stack.predict(&prompt()).is_err());
        for gammas in [&[][..], &[0.1; 4]] {
            let stack = AttentionStack::corrected_descent(2, &[0.1; 3], gammas, None, QueryToken::Masked);
            assert!(stack.expect_err("count").to_string().contains("gammas"));
        }
        let empty = Prompt::new(Mat::zeros(0, 2), vec![], vec![1.0, 2.0]).expect("valid");
        let stack = AttentionStack::descent(2, &[0.1], QueryToken::Masked).expect("valid");
        assert!(stack.predict(&empty).expect_err("no example").to_string().contains("N = 0"));
        let blown = AttentionStack::descent(2, &[1e200; 3], QueryToken::Masked).expect("valid");
        assert!(blown.predict(&prompt()).is_err());
        let none = AttentionStack::new(2, vec![], QueryToken::Masked).expect("valid");
        assert_eq!(none.predict(&prompt()).expect("valid"), 0.0);
    }
}
