//! Robust estimators made private: inverse-sensitivity mechanisms, exact output laws and exact privacy loss.
//!
//! | file | claims | content |
//! |---|---|---|
//! | `law` | DP-1 | the mechanism on a finite set of outputs |
//! | `lengths` | DP-3, 4, 5 | path lengths in closed form |
//! | `search` | DP-12 | path lengths of any functional, by exhaustive search |
//! | `interval` | DP-2, 6 | the smoothed mechanism on an interval: exact output law |
//! | `enumeration` | DP-7 | exact privacy loss |
//! | `certificate` | DP-8, 9 | robustness implies accuracy under privacy |
//! | `consequences` | DP-10, 11, 13 | group privacy, large samples, packing |
mod binomial;
mod certificate;
mod consequences;
mod enumeration;
mod interval;
mod law;
mod lengths;
mod search;

#[cfg(test)]
mod tests;

pub use certificate::{
    MedianCertificate, failure_bound, median_certificate, median_failure, path_length_needed,
};
pub use consequences::{
    GroupPrivacy, MedianSpread, PackingBound, corruption_budget, group_privacy, median_noise_scale,
    normal_median_spread, packing_bound, robust_failure,
};
pub use enumeration::{
    ExactLoss, order_statistic_privacy_loss, plane_median_privacy_loss, privacy_loss, sum_privacy_loss,
};
pub use interval::{IntervalLaw, inverse_sensitivity_density};
pub use law::{FiniteLaw, inverse_sensitivity_law};
pub use lengths::{
    functional_lengths, order_statistic_length, order_statistic_lengths, plane_median_lengths, sum_lengths,
};
pub use search::{AttainableLength, ENUMERATION_LIMIT, multiset_distance, path_lengths};
