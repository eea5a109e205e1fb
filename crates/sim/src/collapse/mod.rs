//! Neural collapse in deep linear networks with unconstrained features.
mod hessian;
mod metrics;
mod network;
mod observe;
mod scalar;
mod start;

pub use hessian::{Hessian, hessian};
pub use metrics::{DenseMetrics, PSEUDO_INVERSE_CUTOFF, dense_metrics, shape_distance};
pub use network::{Network, NetworkOptions, NetworkWork};
pub use observe::{
    Observed, balance, factor_singular_values, layer_means, observe, relative_distance, within_norm,
};
pub use scalar::{SearchedMode, search_mode};
pub use start::{aligned_start, balanced_start, gaussian_start};

#[cfg(test)]
mod tests;
