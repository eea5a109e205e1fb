//! Neural collapse: enclosures of thresholds and scalar minima (NC-03), global minima of the squared loss (NC-04), depth-one
//! cross-entropy (NC-12), the two branches of deep cross-entropy (NC-13) and minority collapse (NC-16).
mod cross_entropy;
mod squared;

pub use cross_entropy::{Branches, CertifiedMargin, balanced_margin, deep_branches, minority_threshold};
pub use squared::{ScalarMinimum, Thresholds, scalar_minimum, squared_minimum, thresholds};
