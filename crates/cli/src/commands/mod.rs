//! One file a command.
pub(crate) mod calibrate;
pub(crate) mod compute;
pub(crate) mod describe;
pub(crate) mod figure;
pub(crate) mod list;
pub(crate) mod progress;
pub(crate) mod study;
pub(crate) mod sweep;
pub(crate) mod verify;

use std::io::Write;

use crate::failure::Failure;

/// Prints a block of text; a closed pipe (`| head`) ends quietly.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Failure::Print),
    }
}

/// Most threads that are started: more are a mistyped number, and take minutes to start.
pub(crate) const MOST_THREADS: usize = 4096;

/// Limits the pool that replicas spread over.
pub(crate) fn limit_threads(threads: usize) -> Result<(), Failure> {
    if !(1..=MOST_THREADS).contains(&threads) || !solvable_verify::limit_threads(threads) {
        return Err(Failure::Threads(threads));
    }
    Ok(())
}

/// Four significant digits that fit a table column.
pub(crate) fn short(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e5).contains(&magnitude) {
        let decimals = (4 - magnitude.log10().floor() as i32).clamp(0, 6) as usize;
        format!("{value:.decimals$}")
    } else {
        format!("{value:.3e}")
    }
}

/// Two significant digits.
pub(crate) fn brief(value: f64) -> String {
    if value == 0.0 || !value.is_finite() { format!("{value}") } else { format!("{value:.1e}") }
}
