//! The claims of `solvable`: exact theory meets independent simulation.
//!
//! A [`Claim`] is a conjunction of [`Check`](check::Check)s; a check compares the two routes on a list of
//! cells (parameter settings) and returns [`CheckEvidence`] with predictions, observations, error bars,
//! resolutions and verdicts. Each check also knows how to sabotage itself: wrong formulas and broken
//! simulators go through the same comparison and must be rejected.
//!
//! - [`registry`] lists the claims; [`run`] runs them; [`sabotage`] and [`calibrate`] measure power and
//!   false alarms; [`compute`] evaluates single formulas; [`study`] takes a user's own data.
pub mod aggregate;
pub mod calibrate;
pub mod cell;
pub mod check;
pub mod collapse;
pub mod compute;
pub mod figure;
pub mod icl;
pub mod input;
pub mod output;
pub mod provenance;
pub mod registry;
pub mod report;
pub mod run;
pub mod sabotage;
pub mod statistics;
pub mod study;
pub mod sweep;

mod claim;
mod error;
mod evidence;

pub use cell::{Cell, Parameters};
pub use claim::{Chapter, Claim, Kind};
pub use error::CheckError;
pub use evidence::{CellEvidence, CheckEvidence, ClaimEvidence, Point, Verdict};

/// Makes faer's operators sequential: parallelism goes over replicas and checks, and bits never depend on it.
pub fn single_threaded_linear_algebra() {
    solvable_linalg::sequential();
}

/// Limits the worker pool; false when it was already started.
#[must_use]
pub fn limit_threads(threads: usize) -> bool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().is_ok()
}
