//! Many simulations over a grid of parameters: planned once, worked in shards, merged to the same bytes.
//!
//! A plan becomes a [`Manifest`]: cells (parameter settings) with content hashes, cut into tasks of fixed ranges of
//! replicas. Shard i of n takes the tasks i, i + n, ...; each shard writes one file, whole or not at all. A task's result does not depend on who
//! computed it, and partial moments merge along a fixed tree: [`merge`] gives the same bytes for any number of shards and threads, and after any number of
//! interruptions. Every file carries a hash of its content and is refused if damaged.
//!
//! | file | content |
//! |---|---|
//! | `simulation`, `training` | the simulations that can be swept |
//! | `manifest` | plans, cells, tasks, hashes |
//! | `shard` | working a shard, its file and its journal |
//! | `merging` | all shards into one table |
mod error;
mod manifest;
mod merging;
mod shard;
mod simulation;
#[cfg(test)]
mod tests;
mod training;

pub use error::SweepError;
pub use manifest::{Manifest, ManifestCell, Plan, Task, read_manifest, write_manifest};
pub use merging::{CellResult, CovarianceResult, MergedSweep, ObservableResult, merge, write_merged};
pub use shard::{Limits, Program, ShardId, ShardOutcome, TaskProgress, work};
pub use simulation::{Simulation, simulations};
