//! The claims of this chapter, one file a claim or a small family: `icl_03.rs` holds ICL-3, `icl_13_to_15.rs`
//! ICL-13 to 15, `icl_17_18_61.rs` ICL-17, 18 and 61; `icl_21_to_27.rs` leaves out 23 (in `icl_19_20_23.rs`) and 26
//! (in `icl_26_28.rs`), `icl_39_to_46.rs` also holds 55 and 59.
mod icl_01;
mod icl_02;
mod icl_03;
mod icl_04;
mod icl_05;
mod icl_06;
mod icl_07;
mod icl_08;
mod icl_09;
mod icl_10;
mod icl_11;
mod icl_12;
mod icl_13_to_15;
mod icl_16;
mod icl_17_18_61;
mod icl_19_20_23;
mod icl_21_to_27;
mod icl_26_28;
mod icl_29_60;
mod icl_30_to_38;
mod icl_37_training;
mod icl_39_to_46;
mod icl_47_to_58;
mod icl_62_to_64;
mod support;

use crate::Claim;

/// By number.
pub(super) fn all() -> Vec<Claim> {
    let mut claims = vec![
        icl_01::claim(),
        icl_02::claim(),
        icl_03::claim(),
        icl_04::claim(),
        icl_05::claim(),
        icl_06::claim(),
        icl_07::claim(),
        icl_08::claim(),
        icl_09::claim(),
        icl_10::claim(),
        icl_11::claim(),
        icl_12::claim(),
        icl_13_to_15::general(),
        icl_13_to_15::single_index(),
        icl_13_to_15::anisotropic(),
        icl_16::claim(),
        icl_17_18_61::full_loss(),
        icl_17_18_61::minima(),
        icl_17_18_61::criterion(),
        icl_19_20_23::equations(),
        icl_19_20_23::limits(),
        icl_19_20_23::reduction(),
        icl_21_to_27::certificate(),
        icl_21_to_27::trajectory(),
        icl_21_to_27::final_decay(),
        icl_21_to_27::escape(),
        icl_21_to_27::discretisation(),
        icl_30_to_38::one_layer(),
        icl_30_to_38::many_layers(),
        icl_30_to_38::no_mask(),
        icl_30_to_38::sparse_family(),
        icl_30_to_38::curvature(),
        icl_30_to_38::condition(),
        icl_30_to_38::equivariance(),
        icl_30_to_38::symmetric_family(),
        icl_30_to_38::kernels(),
        icl_39_to_46::matrix_moments(),
        icl_39_to_46::trace_moments(),
        icl_39_to_46::limit_moments(),
        icl_39_to_46::polynomial_risk(),
        icl_39_to_46::conditional(),
        icl_39_to_46::one_step(),
        icl_39_to_46::two_steps(),
        icl_39_to_46::any_depth(),
        icl_39_to_46::ridge_structure(),
        icl_39_to_46::general_covariance(),
        icl_47_to_58::optimal_depth(),
        icl_47_to_58::any_steps(),
        icl_47_to_58::constant_step(),
        icl_47_to_58::noisy_constant_step(),
        icl_47_to_58::minimax(),
        icl_47_to_58::divergence(),
        icl_47_to_58::corrected_layers(),
        icl_47_to_58::bayes(),
        icl_47_to_58::least_squares_baselines(),
        icl_47_to_58::recursion(),
        icl_47_to_58::continuous_depth(),
        icl_62_to_64::christoffel(),
        icl_62_to_64::noise(),
        icl_62_to_64::corrected_stack(),
        icl_26_28::heavy_tails(),
        icl_26_28::prior_mean(),
        icl_29_60::generic_starts(),
        icl_29_60::surviving_branch(),
    ];
    // Families hold distant numbers.
    claims.sort_by_key(|c| c.id[4..].parse::<u32>().unwrap_or(u32::MAX));
    claims
}
