//! In-context linear regression by linear self-attention: exact formulas.
//!
//! | file | claims | content |
//! |---|---|---|
//! | `whitened` | | what the formulas of one task share: the spectrum of B, computed once |
//! | `risk` | ICL-2, 8, 9 | risk of any predictor matrix, on its training law or another |
//! | `rows` | ICL-9 | risk when covariates are drawn from a table |
//! | `minimizer` | ICL-3, 26 | the optimal matrix, its loss, the excess of any other |
//! | `conventions` | ICL-4 | the papers' normalisations and signs |
//! | `length` | ICL-5, 10 | another test length; random lengths; a published bound |
//! | `scalar_step` | ICL-6 | the best multiple of the identity |
//! | `bayes` | ICL-7 | comparison with the Bayes predictor |
//! | `isotropic_bayes` | ICL-7 | its exact risk for isotropic tasks of any size |
//! | `mixture` | ICL-11, 12 | covariances that change from prompt to prompt |
//! | `targets` | ICL-13, 14, 15 | nonlinear responses |
//! | `rank` | ICL-16 | the best matrix of rank k |
//! | `full_layer` | ICL-17, 18, 60, 61 | all blocks of the layer; the branch that reads labels as keys |
//! | `flow` | ICL-19, 20, 21, 25, 27 | limits, certificates and time scales of gradient flow and descent |
//! | `isotropic_flow` | ICL-22 | the trajectory in closed form |
//! | `final_rate` | ICL-24 | the exact final rate |
//! | `depth/` | ICL-34 to 64 | several layers |
mod bayes;
mod conventions;
mod depth;
mod error;
mod final_rate;
mod flow;
mod full_layer;
mod isotropic_bayes;
mod isotropic_flow;
mod length;
mod matrix;
mod minimizer;
mod mixture;
mod rank;
mod risk;
mod rows;
mod scalar_step;
mod targets;
#[cfg(test)]
mod tests;
mod whitened;

pub use bayes::{bayes_lower_bound, scalar_bayes_risk};
pub use conventions::{
    effective_matrix, factor_product, masked_query_block, posterior_mean_step, unnormalised_step,
};
pub use depth::*;
pub use error::IclError;
pub use final_rate::{FinalRate, diagonal_start_rate, final_rate};
pub use flow::{
    Certificate, Escape, Limit, conserved_quantity, contraction_factors, convergence_certificate,
    escape_time, flow_limit, largest_stable_step, published_rate,
};
pub use full_layer::{
    DENSE_MIRROR_DIMENSION, FullLoss, LARGEST_MIRROR_DIMENSION, MirrorCriterion, MirrorEigenvalue,
    MirrorPoint, full_layer_loss, mirror_criterion, mirror_eigenvalue, mirror_point,
};
pub use isotropic_bayes::{LARGEST_BAYES_RANK, LARGEST_BAYES_SIZE, isotropic_bayes_risk};
pub use isotropic_flow::{FlowPoint, IsotropicFlow};
pub use length::{PublishedBound, harmonic_length, published_risk_bound, risk_at_length, risk_floor};
pub use minimizer::{Minimum, excess_loss, minimizer, minimum, optimum};
pub use mixture::{
    DIRECT_DIMENSION, ExponentialSpectra, MixtureMinimum, balanced_factors, exponential_spectra,
    mixture_floor, mixture_loss, mixture_minimum,
};
pub use rank::{rank_minimizer, rank_minimum};
pub use risk::{
    GeneralRisk, LossAndGradient, general_risk, loss_and_gradient, risk, second_moment, trained_general_risk,
};
pub use rows::{LengthRisk, risk_on_gaussian, risk_on_rows};
pub use scalar_step::{ScalarStep, best_scalar_step};
pub use targets::{
    SingleIndexStep, TargetMinimum, TargetMoments, contaminated_moments, quartic_moment,
    single_index_moments, single_index_step, target_minimum,
};
pub use whitened::Whitened;
