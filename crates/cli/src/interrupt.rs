//! Ctrl-C and termination: what is being written is finished, nothing half-written is left.
use std::sync::atomic::{AtomicBool, Ordering};

use solvable_verify::output;

/// Exit status of an interrupted command, as shells have it for Ctrl-C.
pub(crate) const STATUS: u8 = 130;

static ASKED: AtomicBool = AtomicBool::new(false);
static WAITING: AtomicBool = AtomicBool::new(false);

/// From now on a signal ends the process between two files; where the system refuses that, its own way of ending a process stays.
pub(crate) fn install() {
    let _ = ctrlc::set_handler(|| {
        let again = ASKED.swap(true, Ordering::SeqCst);
        if WAITING.load(Ordering::SeqCst) && !again {
            return;
        }
        let _nothing_half_written = output::between_files();
        eprintln!("solvable: interrupted");
        std::process::exit(i32::from(STATUS));
    });
}

/// The flag that the first signal sets, for a command that stops by itself; a second signal ends it at once.
pub(crate) fn flag() -> &'static AtomicBool {
    WAITING.store(true, Ordering::SeqCst);
    &ASKED
}

/// Whether a signal has come.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
