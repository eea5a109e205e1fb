//! Exactly solvable models of learning.
//!
//! `solvable` answers twice, by two routes that share nothing but the statement of the problem: [`theory`] evaluates
//! exact formulas, `sim` (feature `sim`) trains or samples the system. `verify` (feature `verify`) puts the two side by
//! side as claims with error bars and measured power. A plain dependency brings [`model`] and [`theory`] only.
//!
//! ```
//! use solvable::model::{Covariance, icl::RegressionTask};
//!
//! // Ten features with a power-law spectrum, unit prior, noise 0.1, twenty examples in context.
//! let spectrum = Covariance::power_law("Lambda", 10, 1.0, 1.0)?;
//! let prior = Covariance::isotropic("Psi", 10, 1.0)?;
//! let task = RegressionTask::new(spectrum, prior, 0.1, 20)?;
//! assert_eq!(task.dimension(), 10);
//! # Ok::<(), solvable::model::InputError>(())
//! ```
//!
//! Features: `sim`, `certify`, `verify` (which brings the other two).
pub use solvable_linalg as linalg;
pub use solvable_model as model;
pub use solvable_theory as theory;

#[cfg(feature = "certify")]
pub use solvable_certify as certify;
#[cfg(feature = "sim")]
pub use solvable_sim as sim;
#[cfg(feature = "verify")]
pub use solvable_verify as verify;
