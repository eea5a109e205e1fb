//! Neural collapse: enclosures of thresholds (NC-03, NC-08, NC-16), of scalar minima (NC-03), of global minima of the squared loss and
//! their dual (NC-04, NC-10), of depth-one cross-entropy (NC-12, NC-14, NC-15), and of the branches and the lower bound of deep
//! cross-entropy (NC-13).
mod critical;
mod cross_entropy;
mod program;
mod squared;

pub use critical::{
    GroupThresholds, critical_majority, critical_product, group_thresholds, minority_threshold,
};
pub use cross_entropy::{Branches, CertifiedMargin, balanced_margin, deep_branches};
pub use program::{entropy_program, squared_dual, two_group_program};
pub use squared::{ScalarMinimum, Thresholds, scalar_minimum, squared_minimum, thresholds};
