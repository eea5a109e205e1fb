//! The figures of this chapter.
mod aggregation;
mod private;
mod tuning;

use solvable_model::aggregate::{FiniteDesign, IsotropicLimit, Mixing};
use solvable_sim::aggregate::RidgelessExperiment;
use solvable_sim::monte_carlo::{Replicas, VectorMoments};

use crate::CheckError;
use crate::cell::Parameters;
use crate::figure::{FigureSpec, stream_seed};
use crate::run::Options;

/// By name, in the order of the book.
pub const FIGURES: &[FigureSpec] = &[
    aggregation::BAG_SIZE,
    aggregation::MIXING,
    tuning::PHASES,
    tuning::PRIVACY,
    tuning::CURATED,
    tuning::CLIPPING,
    private::DENSITY,
    private::ERROR,
    private::LOSS,
    private::CERTIFICATE,
];

/// Bias and variance per unit of signal and of noise, simulated conditionally on the covariates.
fn ridgeless(
    options: &Options,
    figure: &str,
    (n, d, k): (usize, usize, usize),
    mixing: Mixing,
    replicas: u64,
) -> Result<VectorMoments, CheckError> {
    let experiment = RidgelessExperiment::new(FiniteDesign::new(n, d, k, 1.0, 1.0)?, mixing);
    let parameters = Parameters::new().with("n", n).with("d", d).with("k", k).with("rho", mixing.rho());
    Replicas::new(stream_seed(options, figure, &parameters), replicas)
        .vector_moments(
            2,
            || experiment.work(),
            |rng, work, out| {
                let risk = experiment.replicate(rng, work)?;
                (out[0], out[1]) = (risk.bias2, risk.var);
                Ok::<_, solvable_sim::aggregate::SimulationError>(())
            },
        )
        .map_err(CheckError::from_error)
}

/// Mean of `r2 bias + s2 variance` and two standard errors.
fn combined(moments: &VectorMoments, r2: f64, s2: f64) -> (f64, f64) {
    let coefficients = [r2, s2];
    let variance = moments.combined_variance(&coefficients).unwrap_or(0.0);
    (moments.combined_mean(&coefficients), 2.0 * (variance.max(0.0) / moments.count() as f64).sqrt())
}

fn limit(gamma: f64, k: f64, r2: f64, s2: f64) -> Result<IsotropicLimit, CheckError> {
    Ok(IsotropicLimit::new(gamma, k, r2, s2)?)
}

/// `count` points from a to b.
fn spread(a: f64, b: f64, count: usize) -> impl Iterator<Item = f64> + Clone {
    (0..count).map(move |i| a + (b - a) * i as f64 / (count - 1) as f64)
}
