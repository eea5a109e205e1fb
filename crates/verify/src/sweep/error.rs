//! Why a sweep was refused.
use std::path::PathBuf;

use super::shard::ShardId;
use crate::compute::ComputeError;
use crate::output::WriteError;
use solvable_sim::monte_carlo::PartialError;

/// A sweep that cannot be planned, worked or merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// No simulation has this name.
    #[error("no simulation is called {name:?}: there are {}", known.join(", "))]
    UnknownSimulation {
        /// The name as given.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// The plan is not of the form that is read.
    #[error("the plan is not valid: {0}")]
    Plan(#[source] serde_json::Error),
    /// A key of the grid that the simulation does not take, or one that is missing.
    #[error("the grid {problem} {key:?}: {simulation} takes {}", takes.join(", "))]
    Key {
        /// "has a key that is not taken," or "lacks the key".
        problem: &'static str,
        /// The key.
        key: String,
        /// The simulation.
        simulation: &'static str,
        /// What it takes.
        takes: Vec<&'static str>,
    },
    /// A key without values.
    #[error("the grid has no value for {key:?}")]
    NoValues {
        /// The key.
        key: String,
    },
    /// A number out of its range.
    #[error("{name} is {value}; it must be {condition}")]
    Number {
        /// What it is.
        name: &'static str,
        /// Its value.
        value: u64,
        /// The condition.
        condition: &'static str,
    },
    /// A cell whose parameters the simulation refuses.
    #[error("cell {cell}: {source}")]
    Cell {
        /// The cell's parameters.
        cell: String,
        /// The refusal.
        #[source]
        source: ComputeError,
    },
    /// Two cells with the same parameters.
    #[error("the grid names the cell {cell} twice")]
    Twice {
        /// The cell's parameters.
        cell: String,
    },
    /// A file that cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// A file that is not what its name says.
    #[error("{path} is not valid: {source}", path = path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: serde_json::Error,
    },
    /// A manifest that was changed after it was planned.
    #[error("{path} does not match its own hash: plan it again", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A shard file of another manifest.
    #[error("{path} belongs to another manifest", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A shard file or journal whose results are not those that were written.
    #[error("{path} does not match its own hash: remove it and work its shard again", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A directory that has a different plan already.
    #[error("{path} holds a different plan: choose another directory", path = path.display())]
    Occupied {
        /// The manifest there.
        path: PathBuf,
    },
    /// A shard outside `1 ..= n`.
    #[error("shard {given:?} is refused: it must be i/n with 1 <= i <= n")]
    Shard {
        /// As given.
        given: String,
    },
    /// A task that no shard file has.
    #[error(
        "{missing} of {count} tasks are missing, the first is replica {first} of cell {cell}: work {} first",
        remaining(shards)
    )]
    Missing {
        /// How many.
        missing: usize,
        /// Of how many.
        count: usize,
        /// First replica of the first one.
        first: u64,
        /// Its cell.
        cell: String,
        /// The shards that would complete the division to which most of the files that are there belong; empty when there are none.
        shards: Vec<ShardId>,
    },
    /// Two shard files that disagree about a task.
    #[error("two shard files disagree about replica {first} of cell {cell}")]
    Disagree {
        /// First replica of the task.
        first: u64,
        /// Its cell.
        cell: String,
    },
    /// A task whose moments overflow.
    #[error("cell {cell}: an observable is so large that its fourth power overflows")]
    Overflow {
        /// The cell.
        cell: String,
    },
    /// Partial results that do not fit together.
    #[error("cell {cell}: {source}")]
    Partial {
        /// The cell.
        cell: String,
        /// The reason.
        #[source]
        source: PartialError,
    },
    /// A file that cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A result that cannot be put into JSON.
    #[error("cannot write the result: {0}")]
    Format(#[source] serde_json::Error),
}

/// Most shards that a message names.
const NAMED: usize = 10;

/// `shard 2/3`, `shards 2/3, 3/3`, ...
fn remaining(shards: &[ShardId]) -> String {
    let names: Vec<String> = shards.iter().take(NAMED).map(ToString::to_string).collect();
    let names = names.join(", ");
    match shards.len() {
        0 => "its shards".to_owned(),
        1 => format!("shard {names}"),
        n if n <= NAMED => format!("shards {names}"),
        n => format!("shards {names} and {} more", n - NAMED),
    }
}
