//! The claims of this chapter, one small family a file.
mod common;
mod enclosures;
mod nc01_reduction;
mod nc02_targets;
mod nc03_scalar;
mod nc04_minimum;
mod nc05_orthogonal_frame;
mod nc06_free_bias;
mod nc07_bottleneck;
mod nc08_thresholds;
mod nc09_balance;
mod nc10_certificate;
mod nc11_regularised_bias;
mod nc12_balanced_entropy;
mod nc13_deep_entropy;
mod nc14_entropy_program;
mod nc15_two_groups;
mod nc17_vanishing;
mod nc18_nonnegative;
mod nc19_metrics;
mod nc20_balancedness;
mod nc21_within_class;
mod nc22_trajectories;
mod nc23_landscape;

use crate::Claim;

/// By number.
pub(super) fn claims() -> Vec<Claim> {
    vec![
        nc01_reduction::claim(),
        nc02_targets::claim(),
        nc03_scalar::claim(),
        nc04_minimum::claim(),
        nc05_orthogonal_frame::claim(),
        nc06_free_bias::claim(),
        nc07_bottleneck::claim(),
        nc08_thresholds::claim(),
        nc09_balance::claim(),
        nc10_certificate::claim(),
        nc11_regularised_bias::claim(),
        nc12_balanced_entropy::claim(),
        nc13_deep_entropy::claim(),
        nc14_entropy_program::claim(),
        nc15_two_groups::two_groups(),
        nc15_two_groups::minority(),
        nc17_vanishing::claim(),
        nc18_nonnegative::claim(),
        nc19_metrics::claim(),
        nc20_balancedness::claim(),
        nc21_within_class::claim(),
        nc22_trajectories::claim(),
        nc23_landscape::hessian_claim(),
        nc23_landscape::landscape_claim(),
    ]
}
