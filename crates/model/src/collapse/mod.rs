//! Neural collapse in deep linear networks with unconstrained features: the statement.
//!
//! K classes with n_1..n_K samples; M linear layers W_M..W_1 on top of *free* features H_1, one column a sample (there is
//! no input and nothing random). Training minimises the mean loss of the logits `W_M ... W_1 H_1 + b 1'` plus half the
//! squared norm of every factor, each with its own weight. Lists of layers run from layer M, next to the logits, down to
//! layer 1, next to the features.
mod bias;
mod classes;
mod features;
mod layout;
mod loss;
mod metrics;
mod objective;
#[cfg(test)]
mod tests;

pub use bias::Bias;
pub use classes::ClassCounts;
pub use features::FreeFeatures;
pub use layout::{FactorShape, ParameterLayout};
pub use loss::ClassLoss;
pub use metrics::{
    ClassMeans, ClassMeansBuilder, CollapseMetrics, FrameTargets, PSEUDO_INVERSE_CUTOFF, WithinClass,
    collapse_metrics, gof_distance, orthogonal_frame_distance, simplex_distance,
};
pub use objective::{FreeFeaturesLoss, FreeFeaturesWork};
