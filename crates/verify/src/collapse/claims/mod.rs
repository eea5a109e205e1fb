//! The claims of this chapter, one small family a file.
mod common;
mod nc01_reduction;
mod nc02_targets;
mod nc03_scalar;

use crate::Claim;

/// By number.
pub(super) fn claims() -> Vec<Claim> {
    vec![nc01_reduction::claim(), nc02_targets::claim(), nc03_scalar::claim()]
}
