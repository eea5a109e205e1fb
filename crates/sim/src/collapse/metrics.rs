//! The collapse metrics by their definitions: covariances are formed, inverted and multiplied.
use solvable_linalg::{LinalgError, Mat, MatRef, frobenius_norm, matmul, symmetric_eigen, trace_product};

/// Eigenvalues of the between-class covariance below this multiple of the largest count as 0.
pub const PSEUDO_INVERSE_CUTOFF: f64 = 1e-10;

/// Metrics of features (one column a sample), their labels, and a classifier with bias.
#[derive(Clone, Debug)]
pub struct DenseMetrics {
    /// `tr(Sigma_W Sigma_B^+) / K`.
    pub nc1: f64,
    /// Samples whose largest logit and nearest class mean differ, as a fraction.
    pub nc4: f64,
    /// Class means, d x K.
    pub means: Mat<f64>,
    /// Class means minus the mean of all samples, d x K.
    pub centred_means: Mat<f64>,
}

/// Computes NC1 from the d x d covariances and NC4 sample by sample. Cost `O(N d² + d³)`.
///
/// # Errors
/// [`LinalgError`] when the eigenvalues of the between-class covariance fail their certificate.
///
/// # Panics
/// If shapes differ, a label has no row of `classifier`, or a class has no sample.
pub fn dense_metrics(
    features: MatRef<'_, f64>,
    labels: &[usize],
    classifier: MatRef<'_, f64>,
    bias: &[f64],
) -> Result<DenseMetrics, LinalgError> {
    let (d, n, classes) = (features.nrows(), features.ncols(), bias.len());
    assert!(labels.len() == n && classifier.ncols() == d && classifier.nrows() == classes, "shapes");
    let members = |k: usize| labels.iter().enumerate().filter(move |&(_, &l)| l == k).map(|(i, _)| i);
    let means = Mat::from_fn(d, classes, |r, k| {
        let count = members(k).count();
        assert!(count > 0, "class {k} has no sample");
        members(k).map(|i| features[(r, i)]).sum::<f64>() / count as f64
    });
    let global: Vec<f64> = (0..d).map(|r| (0..n).map(|i| features[(r, i)]).sum::<f64>() / n as f64).collect();
    let centred_means = Mat::from_fn(d, classes, |r, k| means[(r, k)] - global[r]);
    let deviations = Mat::from_fn(d, n, |r, i| features[(r, i)] - means[(r, labels[i])]);
    let within = scaled(matmul(deviations.as_ref(), deviations.transpose()), 1.0 / n as f64);
    let between = scaled(matmul(centred_means.as_ref(), centred_means.transpose()), 1.0 / classes as f64);
    let eigen = symmetric_eigen(between.as_ref())?;
    let cut = PSEUDO_INVERSE_CUTOFF * eigen.values[0];
    let inverse = eigen.apply(|v| if v > cut { 1.0 / v } else { 0.0 });
    let nc1 = trace_product(within.as_ref(), inverse.as_ref()) / classes as f64;

    let disagree = (0..n).filter(|&i| {
        let logit = |k: usize| bias[k] + (0..d).map(|r| classifier[(k, r)] * features[(r, i)]).sum::<f64>();
        let nearness = |k: usize| -(0..d).map(|r| (features[(r, i)] - means[(r, k)]).powi(2)).sum::<f64>();
        first_largest(classes, logit) != first_largest(classes, nearness)
    });
    let nc4 = disagree.count() as f64 / n as f64;
    Ok(DenseMetrics { nc1, nc4, means, centred_means })
}

/// `| A / |A| - T / |T| |` in the Frobenius norm.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn shape_distance(a: &Mat<f64>, target: &Mat<f64>) -> f64 {
    let (p, q) = (frobenius_norm(a.as_ref()), frobenius_norm(target.as_ref()));
    let difference = Mat::from_fn(target.nrows(), target.ncols(), |i, j| a[(i, j)] / p - target[(i, j)] / q);
    frobenius_norm(difference.as_ref())
}

fn scaled(a: Mat<f64>, factor: f64) -> Mat<f64> {
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| factor * a[(i, j)])
}

fn first_largest(count: usize, f: impl Fn(usize) -> f64) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for k in 0..count {
        let v = f(k);
        if v > best.1 {
            best = (k, v);
        }
    }
    best.0
}
