//! Stopping a run from outside, and watching it.
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Replicas finished.
    pub done: u64,
    /// Replicas in all.
    pub count: u64,
    /// Time since the start.
    pub elapsed: Duration,
    /// Estimate of the time left, as if the rest went at the same rate; `None` before the first replica.
    pub left: Option<Duration>,
}

/// Why a run stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// Somebody asked for it.
    #[error("cancelled")]
    Cancelled,
    /// Its time was up.
    #[error("out of time")]
    Deadline,
}

/// When to stop a run before its end, and whom to tell how far it is.
///
/// A stop is seen before the next replica starts, a deadline too.
#[derive(Default)]
pub struct Control<'a> {
    cancel: Option<&'a AtomicBool>,
    deadline: Option<Instant>,
    progress: Option<&'a (dyn Fn(Progress) + Sync)>,
}

impl std::fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("cancel", &self.cancel)
            .field("deadline", &self.deadline)
            .field("progress", &self.progress.is_some())
            .finish()
    }
}

impl<'a> Control<'a> {
    /// No limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops when the flag is set.
    #[must_use]
    pub fn cancelled_by(self, flag: &'a AtomicBool) -> Self {
        Self { cancel: Some(flag), ..self }
    }

    /// Stops at this time.
    #[must_use]
    pub fn until(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Calls this from a worker after a block of replicas, at most ten times a second.
    #[must_use]
    pub fn watched_by(self, progress: &'a (dyn Fn(Progress) + Sync)) -> Self {
        Self { progress: Some(progress), ..self }
    }

    /// The reason to stop now, if there is one.
    #[must_use]
    pub fn stopped(&self) -> Option<Stop> {
        if self.cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Some(Stop::Cancelled);
        }
        self.deadline.filter(|&d| Instant::now() >= d).map(|_| Stop::Deadline)
    }
}

/// The progress of one run, shared by its workers.
pub(super) struct Meter<'a> {
    control: Option<&'a Control<'a>>,
    count: u64,
    done: AtomicU64,
    start: Instant,
    last: Mutex<Instant>,
}

impl<'a> Meter<'a> {
    const PAUSE: Duration = Duration::from_millis(100);

    pub(super) fn new(control: Option<&'a Control<'a>>, count: u64) -> Self {
        let start = Instant::now();
        Self { control, count, done: AtomicU64::new(0), start, last: Mutex::new(start) }
    }

    pub(super) fn stopped(&self) -> Option<Stop> {
        self.control.and_then(Control::stopped)
    }

    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, replicas: u64) {
        let done = self.done.fetch_add(replicas, Ordering::Relaxed) + replicas;
        let Some(tell) = self.control.and_then(|c| c.progress) else { return };
        // A worker that finds another one telling goes on with its work, unless it is the last one.
        let last = if done == self.count { self.last.lock().ok() } else { self.last.try_lock().ok() };
        let Some(mut last) = last else { return };
        if last.elapsed() < Self::PAUSE && done < self.count {
            return;
        }
        *last = Instant::now();
        let elapsed = self.start.elapsed();
        let left = (done > 0).then(|| elapsed.mul_f64((self.count - done) as f64 / done as f64));
        tell(Progress { done, count: self.count, elapsed, left });
    }
}
