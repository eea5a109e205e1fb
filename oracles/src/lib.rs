//! Comparisons of the integrators with other people's.
#![allow(missing_docs)]
pub mod cases;
pub mod solvers;
