//! The figures of this chapter.
mod bias;
mod deep_entropy;
mod hessian;
mod minority;
mod phase;
mod small_start;
mod training;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};

use crate::figure::{FigureSpec, stream_seed};
use crate::run::Options;
use crate::{CheckError, Parameters};

/// By name, in the order of the book.
pub const FIGURES: &[FigureSpec] = &[
    phase::SPEC,
    training::IMBALANCED,
    training::BALANCED,
    small_start::SPEC,
    minority::SPEC,
    deep_entropy::SPEC,
    bias::SPEC,
    hessian::SPEC,
];

/// A problem whose layers all have one width.
fn problem(
    counts: &[usize],
    width: usize,
    lambda_w: &[f64],
    lambda_h: f64,
    bias: Bias,
) -> Result<FreeFeatures, CheckError> {
    let classes = ClassCounts::new(counts.to_vec())?;
    Ok(FreeFeatures::new(classes, vec![width; lambda_w.len()], lambda_w.to_vec(), lambda_h, bias)?)
}

/// The seed and a generator of one series.
fn stream(options: &Options, figure: &str, series: &Parameters) -> (u64, ChaCha12Rng) {
    let seed = stream_seed(options, figure, series);
    (seed, ChaCha12Rng::seed_from_u64(seed))
}

/// Values from `low` to `high`, equally spaced in their logarithm.
fn logarithmic(low: f64, high: f64, count: usize) -> Vec<f64> {
    let step = (high / low).ln() / (count - 1) as f64;
    (0..count).map(|i| low * (step * i as f64).exp()).collect()
}

/// Wraps an error of theory or simulation.
fn refused(error: impl std::error::Error + Send + Sync + 'static) -> CheckError {
    CheckError::from_error(error)
}
