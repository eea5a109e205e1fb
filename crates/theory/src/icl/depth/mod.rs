//! Depth: K layers as polynomial methods, their exact risks and optima (ICL-34 to 64).
//!
//! With `S = X X'/N` and `b = X y'/N`, K layers compute `w_K = q(S) b` with residual polynomial `p = 1 - lambda q`; everything
//! is an integral of p and q against the spectral law of S: exact at finite size through rational Wishart moments, in the
//! limit d/N -> c through the Marchenko-Pastur law.
//!
//! | file | claims | content |
//! |---|---|---|
//! | `schedule` | ICL-34 | steps and corrections as polynomials |
//! | `condition` | ICL-35, 51 | condition number after a correction; minimax steps |
//! | `wishart` | ICL-39, 40 | exact moments of any order |
//! | `rule` | ICL-48, 54, 59 | spectral laws as positive sums; one prompt |
//! | `finite` | ICL-42, 43, 53, 55, 64 | risks at finite size |
//! | `optimum` | ICL-44, 45, 46, 62, 63 | the best depth-K method at finite size |
//! | `limit` | ICL-41, 47, 52, 54 | closed forms in the limit |
//! | `limit_risk` | ICL-48, 49, 50, 53, 58 | risks of given or restricted schedules in the limit |
//! | `baselines` | ICL-56, 57 | least squares, averaging, recursive ridge |
//! | `exact`, `real_roots`, `search` | | rational arithmetic, Sturm sequences, least squares from many starts |
mod baselines;
mod condition;
mod exact;
mod finite;
mod limit;
mod limit_risk;
mod optimum;
mod real_roots;
mod rule;
mod schedule;
mod search;
#[cfg(test)]
mod tests;
mod wishart;

pub use baselines::{averaging_risk, least_squares_risk, recursive_ridge, ridge, single_example_step};
pub use condition::{Correction, MinimaxSteps, best_correction, corrected_condition, minimax_steps};
pub use finite::{
    BoundedValue, Coordinates, FiniteSize, OneStep, best_one_step, best_one_step_on, finite_risk,
    general_covariance_risk, normalised_finite_risk, one_step_risk,
};
pub use limit::{
    DepthRisk, bayes_limit, largest_convergent_step, marchenko_pastur_edges, marchenko_pastur_moment,
    optimal_depth_risk, optimal_limit_steps,
};
pub use limit_risk::{
    ConstantStep, best_constant_step, best_two_layer_correction, gradient_flow_risk, limit_risk,
};
pub use optimum::{
    FiniteOptimum, LARGEST_DEPTH, finite_optimal_risk, finite_optimum, finite_optimum_with_noise,
    two_layers_realisable,
};
pub use rule::{LARGEST_RULE, SpectralRule, prompt_bayes_risk, prompt_risk};
pub use schedule::Schedule;
pub use search::{Search, best_schedule_from};
pub use wishart::{LARGEST_MOMENT, wishart_matrix_moment, wishart_moment};
