//! Where training starts.
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use solvable_linalg::{LinalgError, Mat, qr};
use solvable_model::collapse::{FreeFeaturesLoss, ParameterLayout};

/// Independent normal entries of the given standard deviation in every factor; the bias starts at 0.
///
/// At depth two and more the origin is a strict local minimum, whose basin a small start does not leave: there the
/// deviation must be of the order of the trained factors.
#[must_use]
pub fn gaussian_start(layout: &ParameterLayout, deviation: f64, rng: &mut impl Rng) -> Vec<f64> {
    let mut x = vec![0.0; layout.dimension()];
    let end = layout.bias_offset().unwrap_or(x.len());
    for v in &mut x[..end] {
        let normal: f64 = StandardNormal.sample(rng);
        *v = deviation * normal;
    }
    x
}

/// Independent normal entries, scaled so that the singular values of the product are around `size`, equally shared by the
/// factors; the bias starts at 0.
#[must_use]
pub fn spread_start(layout: &ParameterLayout, size: f64, rng: &mut impl Rng) -> Vec<f64> {
    let mut x = gaussian_start(layout, 1.0, rng);
    let share = size.powf(1.0 / layout.factors().len() as f64);
    for f in layout.factors() {
        let scale = share / (0.5 * (f.rows + f.columns) as f64).sqrt();
        for v in &mut x[f.range()] {
            *v *= scale;
        }
    }
    x
}

/// A layer-balanced start: factor i is `scale / sqrt(lambda_i)` times a partial isometry between random frames that
/// neighbours share, so that `lambda_(m+1) W_(m+1)' W_(m+1) = lambda_m W_m W_m'` up to rounding.
///
/// All factors carry the same number `r = min(K, d_M, ..., d_1, columns)` of modes. On balanced factors no singular value
/// crosses 0 under the flow: where the logits are square, a start of the wrong orientation ends in a saddle.
///
/// # Errors
/// [`LinalgError`] when a random frame cannot be orthogonalised.
pub fn balanced_start(
    objective: &FreeFeaturesLoss,
    scale: f64,
    rng: &mut impl Rng,
) -> Result<Vec<f64>, LinalgError> {
    let factors = objective.layout().factors();
    let modes = factors.iter().map(|f| f.rows.min(f.columns)).min().unwrap_or(1);
    let mut frames = vec![frame(factors[0].rows, modes, rng)?];
    for f in factors {
        frames.push(frame(f.columns, modes, rng)?);
    }
    let problem = objective.problem();
    let lambdas = problem.lambda_w().iter().copied().chain([problem.lambda_h()]);
    let mut x = vec![0.0; objective.layout().dimension()];
    for ((f, pair), lambda) in factors.iter().zip(frames.windows(2)).zip(lambdas) {
        let size = scale / lambda.sqrt();
        fill(&mut x[f.range()], f.columns, size, &pair[0], &pair[1]);
    }
    Ok(x)
}

/// The start of the closed trajectories: every factor is `s0` times the aligned modes. `modes` holds orthonormal columns
/// in class space (K x r); the features put mode j on the samples of the classes in proportion `modes[(k, j)] / sqrt(n_k)`.
/// Hidden frames are random. The bias starts at the vector given, where it is trained.
///
/// # Errors
/// [`LinalgError`] when a random frame cannot be orthogonalised.
///
/// # Panics
/// If there are more modes than a factor's rank or the bias has another length.
pub fn aligned_start(
    objective: &FreeFeaturesLoss,
    modes: &Mat<f64>,
    s0: f64,
    bias: &[f64],
    rng: &mut impl Rng,
) -> Result<Vec<f64>, LinalgError> {
    let factors = objective.layout().factors();
    let r = modes.ncols();
    assert!(factors.iter().all(|f| f.rows.min(f.columns) >= r), "more modes than the rank of a factor");
    let labels = objective.labels();
    let mut members = vec![0_usize; modes.nrows()];
    for &k in labels {
        members[k] += 1;
    }
    let samples =
        Mat::from_fn(labels.len(), r, |i, j| modes[(labels[i], j)] / (members[labels[i]] as f64).sqrt());
    let mut frames = vec![modes.clone()];
    for f in &factors[..factors.len() - 1] {
        frames.push(frame(f.columns, r, rng)?);
    }
    frames.push(samples);
    let mut x = vec![0.0; objective.layout().dimension()];
    for (f, pair) in factors.iter().zip(frames.windows(2)) {
        fill(&mut x[f.range()], f.columns, s0, &pair[0], &pair[1]);
    }
    if let Some(start) = objective.layout().bias_offset() {
        x[start..].copy_from_slice(bias);
    }
    Ok(x)
}

/// Writes `size * left right'` row by row.
fn fill(entries: &mut [f64], columns: usize, size: f64, left: &Mat<f64>, right: &Mat<f64>) {
    for (i, row) in entries.chunks_exact_mut(columns).enumerate() {
        for (c, v) in row.iter_mut().enumerate() {
            *v = size * (0..left.ncols()).map(|j| left[(i, j)] * right[(c, j)]).sum::<f64>();
        }
    }
}

/// Random orthonormal columns.
fn frame(rows: usize, columns: usize, rng: &mut impl Rng) -> Result<Mat<f64>, LinalgError> {
    let gaussian = Mat::from_fn(rows, columns, |_, _| StandardNormal.sample(rng));
    Ok(qr(gaussian.as_ref())?.q)
}
