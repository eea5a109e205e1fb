//! The claims of the chapter, one file a claim or a small family.
mod bag_size;
mod bayes;
mod curated;
mod dp_discrete;
mod dp_interval;
mod dp_median;
mod enclosures;
mod equivalent;
mod estimator;
mod finite;
mod isotropic;
mod jacobi;
mod label_privacy;
mod losses;
mod observables;
mod support;

use crate::Claim;

/// By number.
pub(super) fn claims() -> Vec<Claim> {
    vec![
        losses::decomposition(),
        losses::general(),
        estimator::structure(),
        equivalent::claim(),
        isotropic::claim(),
        finite::claim(),
        jacobi::claim(),
        bag_size::comparison(),
        bag_size::bag_size(),
        bayes::claim(),
        label_privacy::mechanism(),
        label_privacy::clipping(),
        observables::claim(),
        curated::risk(),
        curated::construction(),
        estimator::flow(),
        dp_discrete::mechanism(),
        dp_interval::smoothed(),
        dp_discrete::order_statistic(),
        dp_discrete::sum(),
        dp_discrete::plane(),
        dp_interval::output_law(),
        dp_discrete::exact_privacy_loss(),
        dp_interval::robust_implies_private(),
        dp_median::certificate(),
        dp_discrete::private_implies_robust(),
        dp_median::large_samples(),
        dp_discrete::black_box(),
        dp_discrete::packing(),
    ]
}
