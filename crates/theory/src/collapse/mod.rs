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
//! | `optimality` | | how a minimum is certified |
mod error;
mod geometry;
mod minimizer;
mod minimum;
mod optimality;
mod range;
mod scalar;
mod schatten;
mod targets;
#[cfg(test)]
mod tests;
mod thresholds;

pub use error::CollapseError;
pub use geometry::{ClassFrame, ClassGrams, class_grams, orthogonal_frame};
pub use minimizer::squared_minimizer;
pub use minimum::{Mode, SquaredMinimum, squared_dual, squared_gap, squared_minimum};
pub use optimality::{Optimality, Status};
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
