//! What is measured on raw parameters.
use solvable_linalg::{LinalgError, Mat, frobenius_norm, matmul, singular_values, transpose_matmul};
use solvable_model::collapse::FreeFeaturesLoss;

/// Observables of one parameter vector; all but the hidden ones are invariant under rotations of the hidden units.
#[derive(Clone, Debug)]
pub struct Observed {
    /// `W = W_M ... W_1`, K x d_1.
    pub classifier: Mat<f64>,
    /// Class means of the features, d_1 x K.
    pub means: Mat<f64>,
    /// The bias; zeros where there is none.
    pub bias: Vec<f64>,
    /// `|H_1 - class means|_F`: within-class deviations of all samples.
    pub within: f64,
}

/// Measures a parameter vector of `objective`.
///
/// # Panics
/// If `x` is too short.
#[must_use]
pub fn observe(objective: &FreeFeaturesLoss, x: &[f64]) -> Observed {
    let layout = objective.layout();
    let features = layout.features(x);
    let classes = objective.problem().classes();
    let labels = objective.labels();
    // With one column a class, columns are sqrt(n_k) h_k.
    let collapsed = labels.len() != classes.total();
    let counts = classes.counts();
    let mut means = Mat::<f64>::zeros(features.nrows(), counts.len());
    for (c, &k) in labels.iter().enumerate() {
        let weight = if collapsed { 1.0 / (counts[k] as f64).sqrt() } else { 1.0 / counts[k] as f64 };
        for i in 0..features.nrows() {
            means[(i, k)] += weight * features[(i, c)];
        }
    }
    let mut squares = 0.0;
    if !collapsed {
        for (c, &k) in labels.iter().enumerate() {
            for i in 0..features.nrows() {
                let deviation = features[(i, c)] - means[(i, k)];
                squares += deviation * deviation;
            }
        }
    }
    let bias = layout.bias(x).map_or_else(|| vec![0.0; counts.len()], <[f64]>::to_vec);
    Observed { classifier: layout.classifier(x), means, bias, within: f64::sqrt(squares) }
}

impl Observed {
    /// `W W'`, K x K.
    #[must_use]
    pub fn classifier_gram(&self) -> Mat<f64> {
        matmul(self.classifier.as_ref(), self.classifier.transpose())
    }

    /// `H' H` of the class means, K x K.
    #[must_use]
    pub fn feature_gram(&self) -> Mat<f64> {
        transpose_matmul(self.means.as_ref(), self.means.as_ref())
    }

    /// Logits of the class means without bias, one column a class.
    #[must_use]
    pub fn logits(&self) -> Mat<f64> {
        matmul(self.classifier.as_ref(), self.means.as_ref())
    }

    /// Singular values of `Z = W H_1` restricted to the class part, largest first: those of the logits of the means with
    /// columns scaled by `sqrt(n_k)`.
    ///
    /// # Errors
    /// [`LinalgError`] when the decomposition fails its certificate.
    pub fn logit_singular_values(&self, counts: &[usize]) -> Result<Vec<f64>, LinalgError> {
        let logits = self.logits();
        let scaled =
            Mat::from_fn(logits.nrows(), logits.ncols(), |i, k| logits[(i, k)] * (counts[k] as f64).sqrt());
        singular_values(scaled.as_ref())
    }
}

/// Singular values of every factor W_M, ..., W_1, H_1, largest first.
///
/// # Errors
/// [`LinalgError`] when a decomposition fails its certificate.
pub fn factor_singular_values(objective: &FreeFeaturesLoss, x: &[f64]) -> Result<Vec<Vec<f64>>, LinalgError> {
    objective.layout().factors().iter().map(|f| singular_values(f.view(x))).collect()
}

/// Class means of the features after layer m, `W_m ... W_1 H`, for m = 0 (the features) to M - 1.
#[must_use]
pub fn layer_means(objective: &FreeFeaturesLoss, x: &[f64]) -> Vec<Mat<f64>> {
    let factors = objective.layout().factors();
    let mut layers = vec![observe(objective, x).means];
    for f in factors[1..factors.len() - 1].iter().rev() {
        let next = matmul(f.view(x), layers[layers.len() - 1].as_ref());
        layers.push(next);
    }
    layers
}

/// The balance of neighbouring factors A (left) and B (right): `mu A'A - nu B B'` for each pair, from the top down,
/// where mu and nu are given for W_M, ..., W_1, H_1.
#[must_use]
pub fn balance(objective: &FreeFeaturesLoss, x: &[f64], weights: &[f64]) -> Vec<Mat<f64>> {
    let factors = objective.layout().factors();
    factors
        .windows(2)
        .zip(weights.windows(2))
        .map(|(pair, weight)| {
            let (a, b) = (pair[0].view(x), pair[1].view(x));
            let (left, right) = (transpose_matmul(a, a), matmul(b, b.transpose()));
            Mat::from_fn(left.nrows(), left.ncols(), |i, j| {
                weight[0] * left[(i, j)] - weight[1] * right[(i, j)]
            })
        })
        .collect()
}

/// The part of the features that varies within classes, `|H_1 - class means|_F`.
#[must_use]
pub fn within_norm(objective: &FreeFeaturesLoss, x: &[f64]) -> f64 {
    observe(objective, x).within
}

/// `|A - B|_F / |B|_F`.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn relative_distance(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    let difference = Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)] - b[(i, j)]);
    frobenius_norm(difference.as_ref()) / frobenius_norm(b.as_ref())
}
