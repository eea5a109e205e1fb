//! Ending a run from outside, by a flag or at an instant: one piece of code for flows, descents and minimisations.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::monte_carlo::Stop;

/// When a run is to be ended from outside; the default is never.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interruption {
    pub(crate) flag: Option<Arc<AtomicBool>>,
    pub(crate) deadline: Option<Instant>,
}

impl Interruption {
    /// Whether the run is to end now, and why.
    pub(crate) fn now(&self) -> Option<Stop> {
        if self.flag.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Some(Stop::Cancelled);
        }
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline).then_some(Stop::Deadline)
    }
}

/// The options `stop_flag` and `deadline` of a type with a field `interruption`.
macro_rules! interruption_options {
    ($error:literal, $moment:literal) => {
        #[doc = concat!("Ends with ", $error, "`Cancelled` at the first ", $moment, " after the flag is raised.")]
        #[must_use]
        pub fn stop_flag(mut self, flag: std::sync::Arc<std::sync::atomic::AtomicBool>) -> Self {
            self.interruption.flag = Some(flag);
            self
        }

        #[doc = concat!("Ends with ", $error, "`DeadlinePassed` at the first ", $moment, " after this instant.")]
        #[must_use]
        pub fn deadline(mut self, deadline: std::time::Instant) -> Self {
            self.interruption.deadline = Some(deadline);
            self
        }
    };
}

pub(crate) use interruption_options;
