//! Bad input: one clear sentence, exit status 2.
use std::path::PathBuf;

/// Why a command could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Failure {
    #[error(transparent)]
    Selection(#[from] solvable_verify::registry::UnknownSelection),
    #[error(transparent)]
    Compute(#[from] solvable_verify::compute::ComputeError),
    #[error("line {line}: {error}")]
    ComputeLine { line: usize, error: solvable_verify::compute::ComputeError },
    #[error(transparent)]
    Study(#[from] solvable_verify::study::StudyError),
    #[error(transparent)]
    Sweep(#[from] solvable_verify::sweep::SweepError),
    #[error("--max-time {0} is refused: it must be a number of seconds, at least 0")]
    MaxTime(f64),
    #[error(transparent)]
    Write(#[from] solvable_verify::output::WriteError),
    #[error("cannot read {path}: {source}", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("no figure is called {name:?}: `solvable figure --list` shows them")]
    UnknownFigure { name: String },
    #[error("name a figure, or use --all or --list")]
    NoFigure,
    #[error("figure {name} could not be made: {error}")]
    Figure { name: &'static str, error: solvable_verify::CheckError },
    #[cfg(feature = "png")]
    #[error(transparent)]
    Paint(#[from] solvable_verify::figure::PaintError),
    #[error("cannot write to standard output: {0}")]
    Print(std::io::Error),
    #[error("--threads {0} is refused: it must be from 1 to {most} and set once", most = crate::commands::MOST_THREADS)]
    Threads(usize),
    #[error("--{option} {value} is refused: it must be {condition}")]
    Option { option: &'static str, value: u64, condition: &'static str },
}
