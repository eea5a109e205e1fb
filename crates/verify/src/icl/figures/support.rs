//! What the figures share: simulated points, ranges.
use solvable_model::icl::QueryToken;
use solvable_sim::icl::{AttentionStack, ConditionalRisk, PromptSampler, StackError};
use solvable_sim::monte_carlo::{Stream, replicate};

use crate::figure::stream_seed;
use crate::run::Options;
use crate::{CheckError, Parameters};

/// Mean and twice its standard error over `count` replicas; the stream derives from figure and parameters.
pub(super) fn mean<W>(
    options: &Options,
    figure: &str,
    parameters: &Parameters,
    count: u64,
    work: impl Fn() -> W + Sync,
    draw: impl Fn(&mut Stream, &mut W) -> f64 + Sync,
) -> Result<(f64, f64), CheckError> {
    let seed = stream_seed(options, figure, parameters);
    let moments =
        replicate(seed, count, work, |stream, w| Ok::<_, std::convert::Infallible>(draw(stream, w)))
            .map_err(CheckError::from_error)?;
    Ok((moments.mean(), 2.0 * moments.standard_error()))
}

/// [`mean`] of a conditional risk.
pub(super) fn conditional(
    options: &Options,
    figure: &str,
    parameters: &Parameters,
    count: u64,
    risk: &ConditionalRisk,
) -> Result<(f64, f64), CheckError> {
    mean(options, figure, parameters, count, || risk.work(), |stream, w| risk.draw(stream, w))
}

/// What [`literal`] runs through attention: plain steps, or with corrections.
pub(super) struct Layers<'a> {
    pub(super) etas: &'a [f64],
    pub(super) gammas: &'a [f64],
}

/// Normalised risk of literal masked attention layers on random prompts of unit task variance, averaged exactly over the
/// query: mean and twice its standard error.
pub(super) fn literal(
    options: &Options,
    figure: &str,
    count: u64,
    (d, n): (usize, usize),
    sigma2: f64,
    layers: &Layers<'_>,
) -> Result<(f64, f64), CheckError> {
    let task = solvable_model::icl::RegressionTask::isotropic(d, 1.0, 1.0, sigma2, n)?;
    let rho = n as f64;
    let stack = if layers.gammas.is_empty() {
        AttentionStack::gradient_steps(d, layers.etas, rho, QueryToken::Masked)?
    } else {
        AttentionStack::curvature_corrected(d, layers.etas, layers.gammas, rho, QueryToken::Masked)?
    };
    let error = StackError::new(PromptSampler::of_task(&task), stack, -1.0)?;
    let mut root = vec![0.0; d * d];
    root.iter_mut().step_by(d + 1).for_each(|x| *x = 1.0);
    let parameters = Parameters::new()
        .with("d", d)
        .with("N", n)
        .with("sigma2", sigma2)
        .with("etas", layers.etas.to_vec())
        .with("gammas", layers.gammas.to_vec());
    let (value, bar) = mean(
        options,
        figure,
        &parameters,
        count,
        || error.work(),
        |stream, w| error.draw_over_queries(stream, &root, w),
    )?;
    Ok((value / d as f64, bar / d as f64))
}

/// `count` values from `low` to `high`, equal ratios.
pub(super) fn geometric(low: f64, high: f64, count: usize) -> Vec<f64> {
    let step = (high / low).ln() / (count as f64 - 1.0);
    (0..count).map(|i| if i + 1 == count { high } else { low * (step * i as f64).exp() }).collect()
}

/// `count` values from `low` to `high`, equal differences.
pub(super) fn linear(low: f64, high: f64, count: usize) -> Vec<f64> {
    (0..count).map(|i| low + (high - low) * (i as f64 / (count as f64 - 1.0))).collect()
}

/// Whole numbers near a geometric sequence, without repeats.
pub(super) fn whole(low: usize, high: usize, count: usize) -> Vec<usize> {
    let mut values: Vec<usize> =
        geometric(low as f64, high as f64, count).iter().map(|x| x.round() as usize).collect();
    values.dedup();
    values
}
