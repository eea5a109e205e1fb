//! Minimisers of an [`Objective`](solvable_model::Objective), for limits that a flow reaches only slowly.
//!
//! | file | content |
//! |---|---|
//! | `lbfgs` | [`lbfgs`]: limited-memory quasi-Newton method |
//! | `line_search` | the line search of Hager and Zhang |
//! | `vectors` | passes over long vectors |
//! | `error` | [`MinimiseError`] |
mod error;
mod lbfgs;
mod line_search;
#[cfg(test)]
mod tests;
mod vectors;

pub use error::MinimiseError;
pub use lbfgs::{LbfgsOptions, Minimum, Termination, lbfgs};
