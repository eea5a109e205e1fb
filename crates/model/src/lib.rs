//! Statements of exactly solvable learning problems: distributions, architectures, objectives.
pub mod aggregate;
pub mod collapse;
mod covariance;
mod error;
pub mod icl;
mod objective;

pub use covariance::{Covariance, VALIDATION_TOLERANCE};
pub use error::{Argument, InputError, LARGEST_DIMENSION, LARGEST_LIST};
pub use objective::Objective;
