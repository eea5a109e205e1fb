//! The chapter against the specification's reference numbers and vectors, limits, and refusals.
mod between;
mod data;
mod domains;
mod limits;
mod path;
pub(super) mod reference;
mod written;
