//! The chapter against the specification's reference numbers and vectors, limits, and refusals.
mod limits;
mod reference;
