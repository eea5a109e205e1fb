//! Ctrl-C and termination: what is being written is finished, nothing half-written is left.
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use solvable_verify::output;

use crate::failure::Failure;

/// Exit status of an interrupted command, as shells have it for Ctrl-C.
pub(crate) const STATUS: u8 = 130;

/// How long a command that stops by itself may take to do so before something is said or done.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Why `--max-time` ends a command.
pub(crate) const OUT_OF_TIME: &str = "stopped by --max-time";

static ASKED: AtomicBool = AtomicBool::new(false);
static WAITING: AtomicBool = AtomicBool::new(false);

/// From now on a signal ends the process between two files; where the system refuses that, its own way of ending a process stays.
pub(crate) fn install() {
    let _ = ctrlc::set_handler(|| {
        let again = ASKED.swap(true, Ordering::SeqCst);
        if WAITING.load(Ordering::SeqCst) && !again {
            std::thread::spawn(|| {
                std::thread::sleep(PATIENCE);
                eprintln!("solvable: waiting for the replica in progress; once more to end at once");
            });
            return;
        }
        end("interrupted");
    });
}

fn end(why: &str) -> ! {
    let _nothing_half_written = output::between_files();
    eprintln!("solvable: {why}");
    std::process::exit(i32::from(STATUS));
}

/// The duration of `--max-time`.
pub(crate) fn max_time(seconds: Option<f64>) -> Result<Option<Duration>, Failure> {
    seconds.map(|s| Duration::try_from_secs_f64(s).map_err(|_| Failure::MaxTime(s))).transpose()
}

/// Ends the command after this time, as a signal would.
pub(crate) fn end_after(time: Duration, why: &'static str) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        end(why);
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
