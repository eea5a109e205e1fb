//! Working a shard: one result file, and a journal from which a killed run goes on.
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use solvable_sim::monte_carlo::{Control, Partial, PartialNode, ReplicaError, Replicas};

use super::error::SweepError;
use super::manifest::{Manifest, Task, hex};
use super::simulation::Prepared;
use crate::output::write_whole;
use crate::provenance::Provenance;

/// Shard `index` of `count`, from 1: `2/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardId {
    index: usize,
    count: usize,
}

impl FromStr for ShardId {
    type Err = SweepError;

    fn from_str(given: &str) -> Result<Self, SweepError> {
        let refused = || SweepError::Shard { given: given.to_owned() };
        let (index, count) = given.split_once('/').ok_or_else(refused)?;
        let (index, count) = (index.parse().map_err(|_| refused())?, count.parse().map_err(|_| refused())?);
        if (1..=count).contains(&index) { Ok(Self { index, count }) } else { Err(refused()) }
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl ShardId {
    /// The shard whose file has this name.
    pub(super) fn of_file(name: &str) -> Option<Self> {
        let (index, count) = name.strip_prefix("shard-")?.strip_suffix(".json")?.split_once("-of-")?;
        format!("{index}/{count}").parse().ok()
    }

    /// Which of them, from 1.
    pub(super) fn index(self) -> usize {
        self.index
    }

    /// Into how many shards the work is divided.
    pub(super) fn count(self) -> usize {
        self.count
    }

    /// The shard of the same division that takes a task.
    pub(super) fn taking(self, task: usize) -> Self {
        Self { index: task % self.count + 1, count: self.count }
    }

    /// The file of the shard.
    #[must_use]
    pub fn file(self) -> String {
        format!("shard-{}-of-{}.json", self.index, self.count)
    }

    fn journal(self) -> String {
        format!(".shard-{}-of-{}.journal", self.index, self.count)
    }

    fn takes(self, task: &Task) -> bool {
        task.index % self.count == self.index - 1
    }
}

/// When to stop a shard before its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits<'a> {
    /// Stops when set.
    pub cancel: Option<&'a AtomicBool>,
    /// Stops after this time.
    pub time: Option<Duration>,
}

/// How far a shard is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskProgress {
    /// Tasks finished.
    pub done: usize,
    /// Tasks of the shard.
    pub count: usize,
    /// Estimate of the time left, from the tasks of this run.
    pub left: Option<Duration>,
}

/// How a shard ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShardOutcome {
    /// Its file is written (or was there already).
    Complete {
        /// The file.
        path: PathBuf,
    },
    /// Stopped by its limits; the journal has what is done, the same command goes on from there.
    Stopped {
        /// Tasks finished.
        done: usize,
        /// Tasks of the shard.
        count: usize,
    },
}

/// A program that computed results: other versions, and other instruction sets, may give other bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Crate version.
    pub version: String,
    /// Commit of the source tree, or "unknown".
    pub commit: String,
    /// Widest vector instruction set that the linear algebra kernels could use.
    pub instruction_set: String,
}

impl Program {
    /// This one, on this processor.
    fn here() -> Self {
        let Provenance { version, commit, instruction_set } = Provenance::current();
        Self { version: version.into(), commit: commit.into(), instruction_set: instruction_set.into() }
    }
}

/// The file of a shard, and its journal before it is complete.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShardFile {
    /// Hash of the manifest.
    pub(super) manifest: String,
    /// SHA-256 of the rest: a file that was damaged is not merged.
    pub(super) sha256: String,
    /// What computed the results, in order, each once: more than one where another program or processor went on.
    pub(super) programs: Vec<Program>,
    pub(super) results: Vec<TaskResult>,
}

/// The result of a task. Numbers are written as their bits, so that reading them back changes none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskResult {
    pub(super) task: usize,
    pub(super) nodes: Vec<StoredNode>,
    pub(super) failed: u64,
    /// The failed replicas with the lowest indices.
    pub(super) failures: Vec<StoredFailure>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredNode {
    first: u64,
    level: u32,
    count: u64,
    moments: Vec<[u64; 4]>,
    products: Vec<u64>,
}

/// A replica that failed, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredFailure {
    pub(super) replica: u64,
    pub(super) cause: String,
}

impl From<PartialNode> for StoredNode {
    fn from(node: PartialNode) -> Self {
        let PartialNode { first, level, count, moments, products } = node;
        let moments = moments.into_iter().map(|m| m.map(f64::to_bits)).collect();
        Self { first, level, count, moments, products: products.into_iter().map(f64::to_bits).collect() }
    }
}

impl From<&StoredNode> for PartialNode {
    fn from(node: &StoredNode) -> Self {
        Self {
            first: node.first,
            level: node.level,
            count: node.count,
            moments: node.moments.iter().map(|m| m.map(f64::from_bits)).collect(),
            products: node.products.iter().copied().map(f64::from_bits).collect(),
        }
    }
}

impl TaskResult {
    pub(super) fn partial(&self, manifest: &Manifest, task: Task) -> Result<Partial, SweepError> {
        let seed = manifest.cells[task.cell].seed;
        Partial::from_nodes(seed, self.nodes.iter().map(PartialNode::from))
            .map_err(|source| SweepError::Partial { cell: manifest.label(task.cell), source })
    }
}

/// Seconds between two journals.
const PAUSE: Duration = Duration::from_secs(2);

/// Works the tasks of a shard and writes its file into `directory`, by a rename: it is complete or not there.
///
/// Tasks run one after the other, each on all threads; finished ones are kept in a journal (also written by rename, every two seconds),
/// from which a later call goes on. A failing replica is recorded, the others go on.
///
/// # Errors
/// [`SweepError`] when a file cannot be read or written, or an observable overflows.
pub fn work(
    directory: &Path,
    manifest: &Manifest,
    shard: ShardId,
    limits: Limits<'_>,
    progress: &dyn Fn(TaskProgress),
) -> Result<ShardOutcome, SweepError> {
    let (path, journal) = (directory.join(shard.file()), directory.join(shard.journal()));
    if path.exists() {
        read(&path, manifest)?;
        return Ok(ShardOutcome::Complete { path });
    }
    let tasks: Vec<Task> = manifest.tasks().into_iter().filter(|t| shard.takes(t)).collect();
    let (mut results, mut programs) = match read(&journal, manifest) {
        Ok(file) => (file.results, file.programs),
        // None, or none any more: another worker may just have finished the same shard.
        Err(SweepError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Default::default()
        }
        Err(error) => return Err(error),
    };
    // The journal has a prefix of the tasks; anything else is not ours.
    if results.iter().zip(&tasks).any(|(r, t)| r.task != t.index) || results.len() > tasks.len() {
        return Err(SweepError::Foreign { path: journal });
    }
    let resumed = results.len();
    if resumed < tasks.len() {
        programs.push(Program::here());
        programs.sort();
        programs.dedup();
    }
    let mut prepared = None;
    let start = Instant::now();
    let mut control = Control::new();
    if let Some(flag) = limits.cancel {
        control = control.cancelled_by(flag);
    }
    if let Some(deadline) = limits.time.and_then(|t| start.checked_add(t)) {
        control = control.until(deadline);
    }
    let mut last = start;
    for task in &tasks[resumed..] {
        // Tasks of a cell follow each other.
        let simulation = match prepared.take() {
            Some((cell, simulation)) if cell == task.cell => simulation,
            _ => manifest.prepare(task.cell)?,
        };
        let done = run(manifest, *task, simulation.as_ref(), &control)?;
        prepared = Some((task.cell, simulation));
        let Some(result) = done else {
            save(&journal, manifest, &programs, &results)?;
            return Ok(ShardOutcome::Stopped { done: results.len(), count: tasks.len() });
        };
        results.push(result);
        if last.elapsed() > PAUSE && results.len() < tasks.len() {
            save(&journal, manifest, &programs, &results)?;
            last = Instant::now();
        }
        let (fresh, rest) = (results.len() - resumed, tasks.len() - results.len());
        let left = Some(start.elapsed().mul_f64(rest as f64 / fresh as f64));
        progress(TaskProgress { done: results.len(), count: tasks.len(), left });
    }
    save(&path, manifest, &programs, &results)?;
    if journal.exists() {
        // The result is complete; a journal left behind would only be read again and found finished.
        let _ = fs::remove_file(&journal);
    }
    Ok(ShardOutcome::Complete { path })
}

/// One task; `None` when stopped.
fn run(
    manifest: &Manifest,
    task: Task,
    simulation: &dyn Prepared,
    control: &Control<'_>,
) -> Result<Option<TaskResult>, SweepError> {
    let replicas = Replicas::new(manifest.cells[task.cell].seed, task.count).starting_at(task.first);
    match simulation.run(replicas.under(control)) {
        Ok(outcome) => Ok(Some(TaskResult {
            task: task.index,
            nodes: outcome.result.nodes().map(StoredNode::from).collect(),
            failed: outcome.failed,
            failures: outcome
                .failures
                .into_iter()
                .map(|f| StoredFailure { replica: f.index, cause: f.cause.to_string() })
                .collect(),
        })),
        Err(ReplicaError::Stopped { .. }) => Ok(None),
        // A task is never empty nor out of range, and a failing replica is no error here: what remains is overflow.
        Err(_) => Err(SweepError::Overflow { cell: manifest.label(task.cell) }),
    }
}

fn save(
    path: &Path,
    manifest: &Manifest,
    programs: &[Program],
    results: &[TaskResult],
) -> Result<(), SweepError> {
    let sha256 = checksum(manifest, programs, results)?;
    let (programs, results) = (programs.to_vec(), results.to_vec());
    let file = ShardFile { manifest: manifest.hash.clone(), sha256, programs, results };
    let mut bytes = serde_json::to_vec(&file).map_err(SweepError::Format)?;
    bytes.push(b'\n');
    Ok(write_whole(path, &bytes)?)
}

pub(super) fn checksum(
    manifest: &Manifest,
    programs: &[Program],
    results: &[TaskResult],
) -> Result<String, SweepError> {
    let programs = serde_json::to_string(programs).map_err(SweepError::Format)?;
    let results = serde_json::to_string(results).map_err(SweepError::Format)?;
    Ok(hex(&[&manifest.hash, &programs, &results]).0)
}

pub(super) fn read(path: &Path, manifest: &Manifest) -> Result<ShardFile, SweepError> {
    let text =
        fs::read_to_string(path).map_err(|source| SweepError::Read { path: path.to_owned(), source })?;
    let file: ShardFile =
        serde_json::from_str(&text).map_err(|source| SweepError::Parse { path: path.to_owned(), source })?;
    if file.manifest != manifest.hash {
        return Err(SweepError::Foreign { path: path.to_owned() });
    }
    if file.sha256 != checksum(manifest, &file.programs, &file.results)? {
        return Err(SweepError::Damaged { path: path.to_owned() });
    }
    Ok(file)
}
