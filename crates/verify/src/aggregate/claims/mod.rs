//! The claims of the chapter, one file a claim or a small family.
mod equivalent;
mod finite;
mod isotropic;
mod support;

use crate::Claim;

/// By number.
pub(super) fn claims() -> Vec<Claim> {
    vec![equivalent::claim(), isotropic::claim(), finite::claim()]
}
