//! A progress bar on a terminal, nothing in a pipe.
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use solvable_verify::run::Progress;

/// A bar over the checks of a run.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(total: usize) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {pos}/{len} checks, {elapsed}, {eta} left: {msg}")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(crate) fn report(&self, progress: Progress) {
        self.0.inc(1);
        self.0.set_message(format!("{} {}", progress.claim, progress.check));
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
