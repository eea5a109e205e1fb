//! All shards into one table.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};
use solvable_sim::monte_carlo::{Moments, Partial, VectorMoments};

use super::error::SweepError;
use super::manifest::Manifest;
use super::shard::{Program, ShardId, StoredFailure, TaskResult, read};
use crate::output::write_whole;

/// One observable of a cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObservableResult {
    /// Its name.
    pub name: &'static str,
    /// Sample mean; none where every replica failed.
    pub mean: Option<f64>,
    /// Standard error of the mean; none below two replicas, as everything that follows.
    pub standard_error: Option<f64>,
    /// Sample variance.
    pub variance: Option<f64>,
    /// Sample skewness.
    pub skewness: Option<f64>,
    /// Sample kurtosis.
    pub kurtosis: Option<f64>,
}

impl ObservableResult {
    /// Of moments; `None` where every replica failed.
    fn new(name: &'static str, moments: Option<&Moments>) -> Self {
        let spread = moments.filter(|m| m.count() >= 2);
        Self {
            name,
            mean: moments.map(Moments::mean),
            standard_error: spread.map(Moments::standard_error),
            variance: spread.map(Moments::variance),
            skewness: spread.map(Moments::skewness),
            kurtosis: spread.map(Moments::kurtosis),
        }
    }
}

/// Sample covariance of two observables of a cell over its replicas.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CovarianceResult {
    /// Their names.
    pub of: [&'static str; 2],
    /// The covariance.
    pub value: f64,
}

/// The result of a cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellResult {
    /// Hash of the cell.
    pub hash: String,
    /// Its parameters.
    pub parameters: Map<String, Value>,
    /// Replicas that did not fail.
    pub count: u64,
    /// Replicas that failed.
    pub failed: u64,
    /// The first of them, and why.
    pub first_failure: Option<(u64, String)>,
    /// The observables.
    pub observables: Vec<ObservableResult>,
    /// Every pair of them; empty below two replicas.
    pub covariances: Vec<CovarianceResult>,
}

/// The result of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MergedSweep {
    /// Name of the simulation.
    pub simulation: String,
    /// Hash of the manifest.
    pub manifest: String,
    /// Seed of the sweep.
    pub seed: u64,
    /// What computed the results, in order, each once. The bits are those of any other division only where this is one.
    pub programs: Vec<Program>,
    /// The cells, in the order of the manifest.
    pub cells: Vec<CellResult>,
}

/// Merges all shard files of a directory. The same result for any division into shards, overlapping ones included.
///
/// # Errors
/// [`SweepError::Missing`] while tasks are missing; a file that belongs to another manifest, or two that disagree.
pub fn merge(directory: &Path, manifest: &Manifest) -> Result<MergedSweep, SweepError> {
    let tasks = manifest.tasks();
    let mut results: Vec<Option<TaskResult>> = vec![None; tasks.len()];
    let files = shard_files(directory)?;
    let mut programs = Vec::new();
    for path in &files {
        let file = read(path, manifest)?;
        programs.extend(file.programs);
        for result in file.results {
            let Some(place) = results.get_mut(result.task) else {
                return Err(SweepError::Foreign { path: path.clone() });
            };
            match place {
                Some(other) if *other != result => {
                    let task = tasks[result.task];
                    return Err(SweepError::Disagree { first: task.first, cell: manifest.label(task.cell) });
                }
                _ => *place = Some(result),
            }
        }
    }
    if let Some(first) = results.iter().position(Option::is_none) {
        return Err(SweepError::Missing {
            missing: results.iter().filter(|r| r.is_none()).count(),
            count: tasks.len(),
            first: tasks[first].first,
            cell: manifest.label(tasks[first].cell),
            shards: remaining(&files, (first..tasks.len()).filter(|&task| results[task].is_none())),
        });
    }
    programs.sort();
    programs.dedup();
    let simulation = manifest.simulation()?;
    let mut cells = Vec::with_capacity(manifest.cells.len());
    let mut results = results.into_iter().flatten().zip(&tasks).peekable();
    for (index, cell) in manifest.cells.iter().enumerate() {
        let failed_to_fit = |source| SweepError::Partial { cell: manifest.label(index), source };
        let mut sum: Option<Partial> = None;
        let (mut failed, mut first_failure) = (0, None);
        while let Some((result, task)) = results.next_if(|(_, task)| task.cell == index) {
            let partial = result.partial(manifest, *task)?;
            match &mut sum {
                None => sum = Some(partial),
                Some(sum) => sum.merge(&partial).map_err(failed_to_fit)?,
            }
            failed += result.failed;
            if first_failure.is_none() {
                first_failure = result
                    .failures
                    .into_iter()
                    .next()
                    .map(|StoredFailure { replica, cause }| (replica, cause));
            }
        }
        let total = match sum {
            Some(partial) => partial.total(manifest.replicas).map_err(failed_to_fit)?,
            None => VectorMoments::default(),
        };
        let observables = simulation
            .observables
            .iter()
            .enumerate()
            .map(|(at, name)| ObservableResult::new(name, total.component(at)))
            .collect();
        cells.push(CellResult {
            hash: cell.hash.clone(),
            parameters: cell.parameters.clone(),
            count: total.count(),
            failed,
            first_failure,
            observables,
            covariances: covariances(simulation.observables, &total),
        });
    }
    Ok(MergedSweep {
        simulation: manifest.simulation.clone(),
        manifest: manifest.hash.clone(),
        seed: manifest.seed,
        programs,
        cells,
    })
}

fn covariances(names: &[&'static str], total: &VectorMoments) -> Vec<CovarianceResult> {
    if total.count() < 2 {
        return Vec::new();
    }
    let pairs = (0..names.len()).flat_map(|i| (i + 1..names.len()).map(move |j| (i, j)));
    pairs
        .filter_map(|(i, j)| {
            let value = total.covariance(i, j)?;
            Some(CovarianceResult { of: [names[i], names[j]], value })
        })
        .collect()
}

/// The shards that take the missing tasks, in the division to which most of the files belong.
fn remaining(files: &[PathBuf], missing: impl Iterator<Item = usize>) -> Vec<ShardId> {
    let there: Vec<ShardId> = files
        .iter()
        .filter_map(|path| ShardId::of_file(path.file_name().and_then(|n| n.to_str()).unwrap_or("")))
        .collect();
    let alike = |shard: &ShardId| there.iter().filter(|s| s.count() == shard.count()).count();
    let Some(one) = there.iter().max_by_key(|shard| alike(shard)) else { return Vec::new() };
    let shards: BTreeMap<usize, ShardId> =
        missing.map(|task| one.taking(task)).map(|shard| (shard.index(), shard)).collect();
    shards.into_values().collect()
}

/// The complete shard files of a directory, in a fixed order.
fn shard_files(directory: &Path) -> Result<Vec<PathBuf>, SweepError> {
    let unreadable = |source| SweepError::Read { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        if name.starts_with("shard-") && name.ends_with(".json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes `result.json` and `result.csv`.
///
/// # Errors
/// [`SweepError`] when a file cannot be written.
pub fn write_merged(directory: &Path, merged: &MergedSweep) -> Result<[PathBuf; 2], SweepError> {
    let (json, csv) = (directory.join("result.json"), directory.join("result.csv"));
    let mut bytes = serde_json::to_vec_pretty(merged).map_err(SweepError::Format)?;
    bytes.push(b'\n');
    write_whole(&json, &bytes)?;
    write_whole(&csv, table(merged).as_bytes())?;
    Ok([json, csv])
}

/// One line a cell and observable; what does not exist (a mean where every replica failed) is left empty.
fn table(merged: &MergedSweep) -> String {
    let mut text = String::new();
    let keys: Vec<&String> = merged.cells.first().map(|c| c.parameters.keys().collect()).unwrap_or_default();
    for key in &keys {
        text += &format!("{key},");
    }
    text += "observable,count,failed,mean,standard_error,variance,skewness,kurtosis\n";
    for cell in &merged.cells {
        for o in &cell.observables {
            for key in &keys {
                text += &format!("{},", cell.parameters.get(*key).unwrap_or(&Value::Null));
            }
            text += &format!("{},{},{}", o.name, cell.count, cell.failed);
            for number in [o.mean, o.standard_error, o.variance, o.skewness, o.kurtosis] {
                text += &number.map_or_else(|| ",".to_owned(), |x| format!(",{x}"));
            }
            text.push('\n');
        }
    }
    text
}
