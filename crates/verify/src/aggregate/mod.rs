//! Learning from bags: aggregated labels, interpolating estimators, label privacy.
pub mod certified;
mod claims;
pub mod compute;
pub mod figures;
pub mod study;

use crate::Claim;

/// The claims of this chapter, by number.
#[must_use]
pub fn claims() -> Vec<Claim> {
    claims::claims()
}
