//! Neural collapse in deep linear networks with unconstrained features: exact formulas.
//!
//! | file | claims | content |
//! |---|---|---|
//! | `range` | | positive numbers beyond the range of doubles |
//! | `schatten` | NC-01 | the cost of a product of factors |
//! | `targets` | NC-02 | singular values and vectors of the target |
//! | `scalar` | NC-03 | the scalar problem, its threshold and spinodal |
//! | `minimum` | NC-04, 07, 10 | the global minimum of the squared loss, its certificate and dual |
//! | `minimizer` | NC-04, 09 | parameters that attain it |
//! | `geometry` | NC-05, 06, 07 | lengths, angles and Gram matrices |
//! | `thresholds` | NC-08, 16 | when classes die or coincide |
//! | `regularised_bias` | NC-11 | squared loss with a regularised bias |
//! | `entropy_balanced` | NC-12, 13 | cross-entropy on balanced classes, any depth; two classes |
//! | `entropy_program`, `entropy_dual` | NC-14 | cross-entropy at depth one, any class counts, with its dual |
//! | `entropy_newton`, `entropy_groups_dual` | NC-14, 15 | the same for groups of classes of one size: Newton, and its dual |
//! | `entropy_groups` | NC-15, 16 | two groups of classes |
//! | `vanishing` | NC-17 | the limit of vanishing regularisation |
//! | `entropy_nonnegative` | NC-18 | non-negative features |
//! | `within_class` | NC-20, 21 | balance of layers and variability within classes along gradient flow |
//! | `trajectory` | NC-22 | trajectories in closed form |
//! | `landscape` | NC-23, 24 | Hessian spectra, strict saddles, local minima |
//! | `optimality` | | how a minimum is certified |
mod entropy_balanced;
mod entropy_dual;
mod entropy_groups;
mod entropy_groups_dual;
mod entropy_newton;
mod entropy_nonnegative;
mod entropy_program;
mod error;
mod geometry;
mod landscape;
mod minimizer;
mod minimum;
mod optimality;
mod range;
mod regularised_bias;
mod scalar;
mod schatten;
mod targets;
#[cfg(test)]
mod tests;
mod thresholds;
mod trajectory;
mod vanishing;
mod within_class;

pub use entropy_balanced::{
    BalancedEntropyMinimum, DeepEntropyMinimum, EntropyBranch, EntropyGeometry, TwoClassEntropyMinimum,
    balanced_entropy_minimum, deep_entropy_minimum, pairs_always_win, two_class_entropy_minimum,
};
pub use entropy_groups::{TwoGroupEntropyMinimum, reconstruct, two_group_entropy_minimum};
pub use entropy_newton::LARGEST_GROUPS;
pub use entropy_nonnegative::{NonnegativeEntropyMinimum, nonnegative_entropy_minimum};
pub use entropy_program::{
    CERTIFIED_GAP, EntropyProgramMinimum, LARGEST_STEPS, all_zero_threshold, entropy_program_minimum,
};
pub use error::CollapseError;
pub use geometry::{ClassFrame, ClassGrams, class_grams, orthogonal_frame};
pub use landscape::{
    HessianSpectrum, LocalMinima, exchange_eigenvalue, hessian_spectrum, local_minima,
    smallest_hessian_eigenvalue,
};
pub use minimizer::squared_minimizer;
pub use minimum::{Mode, SquaredMinimum, squared_dual, squared_gap, squared_minimum};
pub use optimality::{Optimality, Status};
pub use regularised_bias::{RegularisedBiasMinimum, regularised_bias_minimum};
pub use scalar::{
    LocalMinimum, ModeState, ScalarMinimum, TIE_TOLERANCE, global_threshold, scalar_minimum, spinodal,
    threshold_jump,
};
pub use schatten::{ProductCost, product_cost};
pub use targets::{Targets, targets};
pub use thresholds::{
    MinorityCollapse, TwoGroupThresholds, TwoGroups, critical_products, minority_collapse,
    two_group_thresholds,
};
pub use trajectory::AlignedFlow;
pub use vanishing::{SeliGeometry, cosines, seli_geometry};
pub use within_class::{WithinClassRates, imbalance_at, within_class_rates};
