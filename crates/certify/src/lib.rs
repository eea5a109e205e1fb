//! Interval enclosures and optimality certificates.
//!
//! | file | content |
//! |---|---|
//! | `dyadic` | integers times powers of two, rounded up or down |
//! | `interval` | [`Interval`] |
//! | `elementary` | exp, ln, roots, with proved remainders |
//! | `root` | [`enclose_root`], [`newton`]: scalar roots |
//! | `matrix` | [`IntervalMatrix`]: products, linear systems |
//! | `eigen` | [`enclose_eigenvalues`] of symmetric matrices |
pub mod aggregate;
pub mod collapse;
pub mod icl;

#[cfg(test)]
mod containment;
mod dyadic;
mod eigen;
mod elementary;
mod error;
mod interval;
mod matrix;
#[cfg(test)]
mod reference;
mod root;
#[cfg(test)]
mod tests;

pub use eigen::enclose_eigenvalues;
pub use error::{CertifyError, Refusal};
pub use interval::{Interval, PRECISION};
pub use matrix::IntervalMatrix;
pub use root::{Evaluate, Root, enclose_root, newton};
