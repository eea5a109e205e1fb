//! The claims of this chapter, one file a claim or a small family: `icl_03.rs` holds ICL-3, `icl_13_to_15.rs` holds
//! ICL-13 to 15.
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
    ];
    // Families hold distant numbers.
    claims.sort_by_key(|c| c.id[4..].parse::<u32>().unwrap_or(u32::MAX));
    claims
}
