//! Plans, and what they become: cells with content hashes, cut into tasks.
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::error::SweepError;
use super::simulation::{Prepared, Simulation, simulations};
use crate::compute::ComputeError;
use crate::output::write_whole;

/// Version of the files. A change of it changes every hash.
const FORMAT: u32 = 1;
/// Replicas of a task unless the plan says otherwise.
const TASK: u64 = 4096;
/// Most cells of a grid, and most tasks of a sweep: all of them are held in memory.
const MOST: u64 = 1_000_000;

/// What a user writes: a simulation, a grid, how many replicas a cell.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Name of the simulation.
    pub simulation: String,
    /// For each key its values; the cells are all combinations.
    pub grid: Map<String, Value>,
    /// Replicas of each cell.
    pub replicas: u64,
    /// Seed of the sweep.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Replicas of a task (rounded up to a power of two): the unit of work that a shard may lose when it is killed.
    #[serde(default = "default_task")]
    pub task: u64,
}

fn default_seed() -> u64 {
    crate::check::DEFAULT_SEED
}

fn default_task() -> u64 {
    TASK
}

/// A cell of a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManifestCell {
    /// SHA-256 of the canonical record: format, simulation, seed, parameters, replicas.
    pub hash: String,
    /// Seed of its replicas: the first 8 bytes of the hash without the number of replicas, so that more replicas extend a run.
    pub seed: u64,
    /// Its parameters.
    pub parameters: Map<String, Value>,
}

/// A plan with its cells written out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the files.
    pub format: u32,
    /// Name of the simulation.
    pub simulation: String,
    /// Seed of the sweep.
    pub seed: u64,
    /// Replicas of each cell.
    pub replicas: u64,
    /// Replicas of a task.
    pub task: u64,
    /// The cells, in the order of the grid (its last key fastest).
    pub cells: Vec<ManifestCell>,
    /// SHA-256 over all of the above.
    pub hash: String,
}

/// A range of replicas of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its number.
    pub index: usize,
    /// Number of the cell.
    pub cell: usize,
    /// First replica.
    pub first: u64,
    /// Number of replicas.
    pub count: u64,
}

/// SHA-256 of a record, and its first 8 bytes as a number.
pub(super) fn hex(parts: &[&str]) -> (String, u64) {
    let mut hash = Sha256::new();
    for part in parts {
        // Length-prefixed, so that no two different records share their bytes.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    (digest.iter().map(|b| format!("{b:02x}")).collect(), u64::from_le_bytes(first))
}

fn lookup(name: &str) -> Result<&'static Simulation, SweepError> {
    simulations().iter().find(|s| s.name == name).ok_or_else(|| SweepError::UnknownSimulation {
        name: name.to_owned(),
        known: simulations().iter().map(|s| s.name).collect(),
    })
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`SweepError::Plan`] when it is not JSON of the right form.
    pub fn parse(text: &str) -> Result<Self, SweepError> {
        serde_json::from_str(text).map_err(SweepError::Plan)
    }

    /// Writes out the cells, each of which the simulation has accepted.
    ///
    /// # Errors
    /// [`SweepError`] for an unknown simulation or key, an empty list of values, a cell that is refused or there twice.
    pub fn manifest(&self) -> Result<Manifest, SweepError> {
        let simulation = lookup(&self.simulation)?;
        let number = |name, value, condition| SweepError::Number { name, value, condition };
        if !(1..=1 << 48).contains(&self.replicas) {
            return Err(number("replicas", self.replicas, "between 1 and 2^48"));
        }
        if !(1..=1 << 32).contains(&self.task) {
            return Err(number("task", self.task, "between 1 and 2^32"));
        }
        let takes: Vec<&'static str> = simulation.keys.iter().map(|k| k.name).collect();
        let key = |problem, key: &str| SweepError::Key {
            problem,
            key: key.to_owned(),
            simulation: simulation.name,
            takes: takes.clone(),
        };
        if let Some(unknown) = self.grid.keys().find(|k| !takes.contains(&k.as_str())) {
            return Err(key("has a key that is not taken,", unknown));
        }
        // In the simulation's order of keys, so that the order in the plan does not matter.
        let mut axes = Vec::new();
        let mut count = 1u64;
        for &name in &takes {
            let values = match self.grid.get(name) {
                None => return Err(key("lacks the key", name)),
                Some(Value::Array(values)) => values.iter().map(canonical).collect(),
                Some(single) => vec![canonical(single)],
            };
            if values.is_empty() {
                return Err(SweepError::NoValues { key: name.to_owned() });
            }
            count = count.saturating_mul(values.len() as u64);
            axes.push((name, values));
        }
        if count > MOST {
            return Err(number("the number of cells", count, "at most a million"));
        }
        let task = self.task.next_power_of_two();
        let tasks = count.saturating_mul(self.replicas.div_ceil(task));
        if tasks > MOST {
            return Err(number("the number of tasks", tasks, "at most a million: raise \"task\""));
        }
        let mut cells = Vec::with_capacity(count as usize);
        for index in 0..count {
            let mut rest = index;
            let mut chosen: Vec<(String, Value)> = Vec::with_capacity(axes.len());
            for (name, values) in axes.iter().rev() {
                let n = values.len() as u64;
                chosen.push(((*name).to_owned(), values[(rest % n) as usize].clone()));
                rest /= n;
            }
            let parameters: Map<String, Value> = chosen.into_iter().rev().collect();
            let cell = self.cell(simulation, parameters)?;
            cells.push(cell);
        }
        let mut hashes: Vec<&ManifestCell> = cells.iter().collect();
        hashes.sort_by(|a, b| a.hash.cmp(&b.hash));
        if let Some(twice) = hashes.windows(2).find(|w| w[0].hash == w[1].hash) {
            return Err(SweepError::Twice { cell: label(&twice[0].parameters) });
        }
        let mut manifest = Manifest {
            format: FORMAT,
            simulation: simulation.name.to_owned(),
            seed: self.seed,
            replicas: self.replicas,
            task,
            cells,
            hash: String::new(),
        };
        manifest.hash = manifest.content_hash();
        Ok(manifest)
    }

    fn cell(
        &self,
        simulation: &Simulation,
        parameters: Map<String, Value>,
    ) -> Result<ManifestCell, SweepError> {
        simulation
            .prepare(&parameters)
            .map_err(|source| SweepError::Cell { cell: label(&parameters), source })?;
        let record = Value::Object(parameters.clone()).to_string();
        let (format, seed) = (FORMAT.to_string(), self.seed.to_string());
        let (_, stream_seed) = hex(&[&format, simulation.name, &seed, &record]);
        let (hash, _) = hex(&[&format, simulation.name, &seed, &record, &self.replicas.to_string()]);
        Ok(ManifestCell { hash, seed: stream_seed, parameters })
    }
}

/// One form for each number: whole ones up to 2^53 without a point, so that 3 and 3.0 are the same cell.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(canonical).collect(),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), canonical(v))).collect(),
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(x) if x == x.trunc() && x.abs() <= 9_007_199_254_740_992.0 => Value::from(x as i64),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

/// `d=3 N=10`.
pub(super) fn label(parameters: &Map<String, Value>) -> String {
    let words: Vec<String> = parameters.iter().map(|(k, v)| format!("{k}={v}")).collect();
    words.join(" ")
}

impl Manifest {
    fn content_hash(&self) -> String {
        let head = format!("{} {} {} {}", self.format, self.seed, self.replicas, self.task);
        let mut parts = vec![head.as_str(), self.simulation.as_str()];
        parts.extend(self.cells.iter().map(|c| c.hash.as_str()));
        hex(&parts).0
    }

    /// All tasks, in order.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        for cell in 0..self.cells.len() {
            for first in (0..self.replicas).step_by(usize::try_from(self.task).unwrap_or(usize::MAX)) {
                tasks.push(Task {
                    index: tasks.len(),
                    cell,
                    first,
                    count: self.task.min(self.replicas - first),
                });
            }
        }
        tasks
    }

    /// The simulation of the manifest.
    ///
    /// # Errors
    /// [`SweepError::UnknownSimulation`].
    pub fn simulation(&self) -> Result<&'static Simulation, SweepError> {
        lookup(&self.simulation)
    }

    /// A cell's parameters as a label.
    pub(super) fn label(&self, cell: usize) -> String {
        self.cells.get(cell).map_or_else(String::new, |c| label(&c.parameters))
    }

    pub(super) fn prepare(&self, cell: usize) -> Result<Box<dyn Prepared>, SweepError> {
        let refused = |source: ComputeError| SweepError::Cell { cell: self.label(cell), source };
        self.simulation()?.prepare(&self.cells[cell].parameters).map_err(refused)
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("manifest.json")
}

/// Writes `manifest.json` into a directory; the same plan may be written again.
///
/// # Errors
/// [`SweepError::Occupied`] when a different plan is there.
pub fn write_manifest(directory: &Path, manifest: &Manifest) -> Result<PathBuf, SweepError> {
    let path = path(directory);
    if path.exists() && read_manifest(directory)?.hash != manifest.hash {
        return Err(SweepError::Occupied { path });
    }
    let mut bytes = serde_json::to_vec_pretty(manifest).map_err(SweepError::Format)?;
    bytes.push(b'\n');
    write_whole(&path, &bytes)?;
    Ok(path)
}

/// Reads `manifest.json` of a directory and checks its hashes.
///
/// # Errors
/// [`SweepError`] when it cannot be read, or does not match its hashes.
pub fn read_manifest(directory: &Path) -> Result<Manifest, SweepError> {
    let path = path(directory);
    let text = fs::read_to_string(&path).map_err(|source| SweepError::Read { path: path.clone(), source })?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|source| SweepError::Parse { path: path.clone(), source })?;
    let simulation = lookup(&manifest.simulation)?;
    let plan = Plan {
        simulation: manifest.simulation.clone(),
        grid: Map::new(),
        replicas: manifest.replicas,
        seed: manifest.seed,
        task: manifest.task,
    };
    let same = |cell: &ManifestCell| plan.cell(simulation, cell.parameters.clone()).map(|c| c == *cell);
    for cell in &manifest.cells {
        if !same(cell)? {
            return Err(SweepError::Changed { path });
        }
    }
    let sound = manifest.format == FORMAT
        && manifest.task.is_power_of_two()
        && manifest.replicas >= 1
        && manifest.hash == manifest.content_hash();
    if sound { Ok(manifest) } else { Err(SweepError::Changed { path }) }
}
