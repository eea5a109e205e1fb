//! The claims of this chapter, one file a claim or a small family: `icl_03.rs` holds ICL-3.
mod icl_01;
mod icl_02;
mod icl_03;
mod icl_04;
mod icl_05;
mod icl_06;
mod icl_07;
mod support;

use crate::Claim;

/// By number.
pub(super) fn all() -> Vec<Claim> {
    vec![
        icl_01::claim(),
        icl_02::claim(),
        icl_03::claim(),
        icl_04::claim(),
        icl_05::claim(),
        icl_06::claim(),
        icl_07::claim(),
    ]
}
