//! The chapter against the specification's reference numbers and vectors, limits, and refusals.
mod between;
mod data;
mod limits;
pub(super) mod reference;
