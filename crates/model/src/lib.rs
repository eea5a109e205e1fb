//! Statements of exactly solvable learning problems: distributions, architectures, objectives.
pub mod aggregate;
pub mod collapse;
mod error;
pub mod icl;
mod objective;

pub use error::{Argument, InputError};
pub use objective::Objective;
