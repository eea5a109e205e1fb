//! Neural collapse in deep linear networks with unconstrained features.
mod hessian;
mod metrics;
mod network;
mod nonnegative;
mod observe;
mod projected;
mod scalar;
mod start;
mod train;
mod trajectory;

pub use hessian::{Hessian, hessian};
pub use metrics::{DenseMetrics, PSEUDO_INVERSE_CUTOFF, dense_metrics, shape_distance};
pub use network::{Network, NetworkOptions, NetworkWork};
pub use nonnegative::{NonnegativeFeatures, NonnegativeWork};
pub use observe::{
    Observed, balance, factor_singular_values, layer_means, observe, relative_distance, within_norm,
};
pub use projected::{ProjectedFeatures, ProjectedWork};
pub use scalar::{SearchedMode, search_mode};
pub use start::{aligned_start, balanced_start, gaussian_start, spread_start};
pub use train::{TrainError, Training, train, train_all, train_projected};
pub use trajectory::{descended, flow_states, runge_kutta4};

#[cfg(test)]
mod tests;
