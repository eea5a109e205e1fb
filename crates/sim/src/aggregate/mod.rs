//! Learning from bags, simulated: every estimator from raw labels once, then conditionally on the covariates.
//!
//! | file | content |
//! |---|---|
//! | `training` | [`TrainingExperiment`]: covariates, noise, bags; minimises the loss as written |
//! | `conditional` | [`RidgeExperiment`]: risk and training observables given X, any covariance |
//! | `ridgeless` | [`RidgelessExperiment`]: minimum-norm estimators in every regime |
//! | `clipped` | [`ClippedExperiment`]: clipped and noised labels |
//! | `curated` | [`CuratedExperiment`]: bags built from the response; exhaustive search for bags |
//! | [`private`] | private estimators as literal programs |
//! | `population` | [`Population`]: the law of covariates |
//! | `dense` | kernels without allocation |
mod clipped;
mod conditional;
mod curated;
mod dense;
mod error;
mod population;
pub mod private;
mod ridgeless;
mod training;

#[cfg(test)]
mod tests;

pub use clipped::{ClippedExperiment, ClippedWork};
pub use conditional::{ConditionalObservables, ConditionalRisk, RidgeExperiment, RidgeWork};
pub use curated::{
    CuratedExperiment, CuratedWork, each_partition, exhaustive_least_cost, random_bags, within_cost,
};
pub use error::SimulationError;
pub use population::Population;
pub use ridgeless::{RidgelessExperiment, RidgelessWork};
pub use training::{Minimum, TrainingExperiment, laplace, minimise_quadratic};
