//! Learning from bags: aggregated labels, interpolating estimators, label privacy.
//!
//! | file | claims | content |
//! |---|---|---|
//! | `equivalent` | AGG-4 | deterministic equivalent, general covariance |
//! | `isotropic` | AGG-5 | closed forms, isotropic covariance |
//! | `finite` | AGG-6 | exact expected risk at the ends |
//! | `comparison` | AGG-8 | critical signal-to-noise ratio |
//! | `bag_size` | AGG-9, 11 | optimal bag sizes |
//! | `bayes` | AGG-10 | optimal ridge |
//! | `label_privacy` | AGG-11, 12 | privacy noise, clipping |
//! | `observables` | AGG-13 | training losses, leverage, GCV |
mod bag_size;
mod bayes;
mod comparison;
mod equivalent;
mod error;
mod finite;
mod isotropic;
mod label_privacy;
mod observables;
mod risk;

#[cfg(test)]
mod tests;

pub use bag_size::{
    BagSizeChoice, optimal_bag_size, optimal_integer_bag_size, optimal_overparameterised_bag_size,
};
pub use bayes::{BayesRidge, bayes_ridge};
pub use comparison::critical_snr;
pub use equivalent::{BagEquivalent, Equivalent, FixedPoint, bag_equivalent, equivalent};
pub use error::AggregateError;
pub use finite::{
    bag_level_expected_risk, expected_risk, instance_level_expected_risk, left_limit_expected_risk,
};
pub use isotropic::{RidgeLimit, ridge_limit, ridgeless_risk};
pub use label_privacy::{
    ClippedLabel, ClippedRisk, LaplaceNoise, clipped_label, clipped_risk, clipping_probability_bound,
    label_privacy_loss, laplace_noise, noise_of_privacy,
};
pub use observables::{Observables, observables};
pub use risk::Risk;
