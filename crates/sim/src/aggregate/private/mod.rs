//! Private estimators as literal programs: every dataset is tried, every path length is searched for.
//!
//! | file | content |
//! |---|---|
//! | `universe` | all datasets over a finite universe, and outputs of functionals on them |
//! | `discrete` | path lengths, output laws and privacy loss by trying all datasets |
//! | `interval` | the smoothed mechanism on an interval: lengths from subsets of changed points, a rejection sampler |
//! | `median` | the median of normal data under corruption and under the mechanism |
//! | `labels` | likelihood ratios of released bag means |
mod discrete;
mod interval;
mod labels;
mod median;
mod universe;

#[cfg(test)]
mod tests;

pub use discrete::{DiscreteMechanism, Law};
pub use interval::{IntervalMechanism, Staircase};
pub use labels::release_log_ratio;
pub use median::{
    central_order_statistics, corrupted_median_range, private_median_control, private_median_error,
};
pub use universe::{Universe, coordinatewise_median};
