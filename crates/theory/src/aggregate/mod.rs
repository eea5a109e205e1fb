//! Learning from bags: aggregated labels, interpolating estimators, label privacy.
//!
//! | file | claims | content |
//! |---|---|---|
//! | `losses` | AGG-1, 2 | losses on given data and their difference |
//! | `estimator` | AGG-3, 16 | the estimator and its gradient flow on given data |
//! | `path` | AGG-3, 13 | a grid of (rho, lambda) from few decompositions, and its GCV scores |
//! | `equivalent` | AGG-4 | deterministic equivalent, general covariance |
//! | `isotropic` | AGG-5 | closed forms, isotropic covariance |
//! | `finite` | AGG-6 | exact expected risk at the ends |
//! | `jacobi` | AGG-7 | exact expected risk between the ends |
//! | `comparison` | AGG-8 | critical signal-to-noise ratio |
//! | `bag_size` | AGG-9, 11 | optimal bag sizes |
//! | `bayes` | AGG-10 | optimal ridge |
//! | `label_privacy` | AGG-11, 12 | privacy noise, clipping |
//! | `observables` | AGG-13 | training losses, leverage, GCV |
//! | `curated` | AGG-14 | exact risk of bags built from the signal |
//! | `construction` | AGG-15 | optimal bags |
//! | [`private`] | DP-1 to 13 | inverse-sensitivity mechanisms |
mod bag_size;
mod bayes;
mod comparison;
mod construction;
mod curated;
mod equivalent;
mod error;
mod estimator;
mod finite;
mod isotropic;
mod jacobi;
mod label_privacy;
mod losses;
mod observables;
mod path;
pub mod private;
mod risk;

#[cfg(test)]
mod tests;

pub use bag_size::{
    BagSizeChoice, optimal_bag_size, optimal_integer_bag_size, optimal_overparameterised_bag_size,
};
pub use bayes::{BayesRidge, bayes_ridge};
pub use comparison::critical_snr;
pub use construction::{
    MAX_BINS, SortedBags, optimal_bags, optimal_equal_bags, quantile_bin_share, random_bag_cost,
};
pub use curated::{CuratedRisk, curated_limit, curated_risk, within_bag_share};
pub use equivalent::{BagEquivalent, Equivalent, FixedPoint, bag_equivalent, equivalent};
pub use error::AggregateError;
pub use estimator::{BagFlow, Estimate, estimate};
pub use finite::{
    bag_level_expected_risk, expected_risk, instance_level_expected_risk, left_limit_expected_risk,
};
pub use isotropic::{RidgeLimit, RidgeQuery, ridge_limit, ridge_limits, ridgeless_risk};
pub use jacobi::interpolated_expected_risk;
pub use label_privacy::{
    ClippedLabel, ClippedRisk, LaplaceNoise, clipped_label, clipped_risk, clipping_probability_bound,
    label_privacy_loss, laplace_noise, noise_of_privacy,
};
pub use losses::{BagLosses, LossGap, curvature_gap, loss_gap, losses, within_bag_variance};
pub use observables::{Observables, observables};
pub use path::{BagPath, PathPoint, RidgePath, RidgelessPath, bag_means, gcv_score};
pub use risk::Risk;
