//! Training of the raw parameters to terminal accuracy, from several random starts.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::LinalgError;
use solvable_model::Objective;
use solvable_model::collapse::FreeFeaturesLoss;

use super::projected::ProjectedFeatures;
use super::start::{balanced_start, spread_start};
use crate::minimise::{LbfgsOptions, MinimiseError, Minimum, lbfgs};

/// Why training failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A start could not be made.
    #[error(transparent)]
    Start(#[from] LinalgError),
    /// The minimisation failed.
    #[error(transparent)]
    Minimise(#[from] MinimiseError),
}

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// Number of starts.
    pub starts: usize,
    /// Singular values of the initial logits, as a multiple of `sqrt(max n_k)`. At depth two and more small starts die
    /// in the origin.
    pub size: f64,
    /// Gradient norm at which a run ends; 0 goes to the floor of rounding.
    pub gradient_norm: f64,
    /// Seed; start i has its own stream.
    pub seed: u64,
}

impl Training {
    /// Starts at 1.2 times the largest target, down to a gradient of 1e-11.
    #[must_use]
    pub fn new(starts: usize, seed: u64) -> Self {
        Self { starts, size: 1.2, gradient_norm: 1e-11, seed }
    }
}

/// Trains from every start: even ones are layer-balanced with equal singular values, odd ones Gaussian. Each end point is
/// a stationary point that no line search lowers, not necessarily the global minimum.
///
/// # Errors
/// [`TrainError`] when a start or a minimisation fails.
pub fn train_all(objective: &FreeFeaturesLoss, training: &Training) -> Result<Vec<Minimum>, TrainError> {
    starts(objective, training)?
        .iter()
        .map(|start| Ok(lbfgs(objective, start, &options(training))?))
        .collect()
}

/// Trains the layers alone, the features and the bias always the best ones for them, from the layers of the starts of
/// [`train_all`]: the same stationary points in fewer and cheaper steps. The end points are layers;
/// [`ProjectedFeatures::complete`] adds the rest.
///
/// # Errors
/// [`TrainError`] when a start or a minimisation fails.
pub fn train_projected(
    projected: &ProjectedFeatures,
    training: &Training,
) -> Result<Vec<Minimum>, TrainError> {
    let layers = projected.dimension();
    starts(projected.whole(), training)?
        .iter()
        .map(|start| Ok(lbfgs(projected, &start[..layers], &options(training))?))
        .collect()
}

fn options(training: &Training) -> LbfgsOptions {
    LbfgsOptions::default().gradient_norm(training.gradient_norm)
}

/// Every start: all parameters.
fn starts(objective: &FreeFeaturesLoss, training: &Training) -> Result<Vec<Vec<f64>>, TrainError> {
    let largest = objective.problem().classes().counts().iter().max().map_or(1.0, |&n| n as f64);
    let size = training.size * largest.sqrt();
    let factors = objective.layout().factors().len() as f64;
    let problem = objective.problem();
    let product = problem.lambda_h() * problem.lambda_w().iter().product::<f64>();
    (0..training.starts)
        .map(|i| {
            let mut rng = ChaCha12Rng::seed_from_u64(training.seed);
            rng.set_stream(i as u64);
            Ok(if i % 2 == 0 {
                balanced_start(objective, (size * product.sqrt()).powf(1.0 / factors), &mut rng)?
            } else {
                spread_start(objective.layout(), size, &mut rng)
            })
        })
        .collect()
}

/// The lowest end point of [`train_all`].
///
/// # Errors
/// As [`train_all`].
///
/// # Panics
/// If there are no starts.
pub fn train(objective: &FreeFeaturesLoss, training: &Training) -> Result<Minimum, TrainError> {
    let ends = train_all(objective, training)?;
    Ok(ends.into_iter().min_by(|a, b| a.value.total_cmp(&b.value)).expect("at least one start"))
}
