//! Plans, shards, kills, merges.
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::*;

/// A directory of its own for each test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("solvable-sweep-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PLAN: &str = r#"{"simulation": "bag-risk", "replicas": 150, "task": 32, "seed": 9,
    "grid": {"d": [3, 5], "n": 12, "k": [2, 3], "rho": 0.5, "lambda": [0.1], "r2": 1, "s2": 0.25}}"#;

fn manifest() -> Manifest {
    Plan::parse(PLAN).unwrap().manifest().unwrap()
}

fn all(scratch: &Scratch, manifest: &Manifest, shards: usize) -> Vec<u8> {
    for i in 1..=shards {
        let shard = format!("{i}/{shards}").parse().unwrap();
        let done = work(&scratch.0, manifest, shard, Limits::default(), &|_| ()).unwrap();
        assert!(matches!(done, ShardOutcome::Complete { .. }));
    }
    let files = write_merged(&scratch.0, &merge(&scratch.0, manifest).unwrap()).unwrap();
    let mut bytes = fs::read(&files[0]).unwrap();
    bytes.extend(fs::read(&files[1]).unwrap());
    bytes
}

#[test]
fn any_number_of_shards_and_threads_gives_the_same_bytes() {
    let manifest = manifest();
    let expected = all(&Scratch::new(), &manifest, 1);
    for (shards, threads) in [(2, 1), (3, 2), (7, 7), (40, 1)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let bytes = pool.install(|| all(&Scratch::new(), &manifest, shards));
        assert!(bytes == expected, "{shards} shards on {threads} threads");
    }
    // Shards of different divisions overlap: they agree.
    let scratch = Scratch::new();
    all(&scratch, &manifest, 3);
    assert!(all(&scratch, &manifest, 4) == expected);
}

/// Stopped after every task by turns and started again: the same bytes, and before the end no shard file.
#[test]
fn a_stopped_shard_goes_on_where_it_was() {
    let manifest = manifest();
    let expected = all(&Scratch::new(), &manifest, 1);
    let scratch = Scratch::new();
    let shard: ShardId = "1/1".parse().unwrap();
    let flag = AtomicBool::new(false);
    let mut stops = 0;
    loop {
        flag.store(false, Ordering::Relaxed);
        let after = stops % 3 + 1;
        let seen = AtomicUsize::new(0);
        let cancel = |_: TaskProgress| {
            if seen.fetch_add(1, Ordering::Relaxed) + 1 == after {
                flag.store(true, Ordering::Relaxed);
            }
        };
        let limits = Limits { cancel: Some(&flag), time: None };
        match work(&scratch.0, &manifest, shard, limits, &cancel).unwrap() {
            ShardOutcome::Complete { .. } => break,
            ShardOutcome::Stopped { done, count } => {
                assert!(done < count && !scratch.0.join("shard-1-of-1.json").exists());
                assert!(matches!(merge(&scratch.0, &manifest), Err(SweepError::Missing { .. })));
                stops += 1;
            }
        }
    }
    assert!(stops >= 5, "{stops}");
    assert!(all(&scratch, &manifest, 1) == expected);
    let names: Vec<_> = fs::read_dir(&scratch.0).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn time_limits_stop_a_shard() {
    let scratch = Scratch::new();
    let limits = Limits { cancel: None, time: Some(Duration::ZERO) };
    let outcome = work(&scratch.0, &manifest(), "1/2".parse().unwrap(), limits, &|_| ()).unwrap();
    assert!(matches!(outcome, ShardOutcome::Stopped { done: 0, .. }));
}

/// The moments are those of one run over all replicas of the cell.
#[test]
fn cells_are_whole_runs() {
    let manifest = manifest();
    let scratch = Scratch::new();
    all(&scratch, &manifest, 3);
    let merged = merge(&scratch.0, &manifest).unwrap();
    assert_eq!(merged.cells.len(), 4);
    for (index, cell) in merged.cells.iter().enumerate() {
        let replicas = solvable_sim::monte_carlo::Replicas::new(manifest.cells[index].seed, 150);
        let outcome = manifest.prepare(index).unwrap().run(replicas).unwrap();
        let whole = outcome.result.total(150).unwrap();
        assert_eq!((cell.count, cell.failed), (150, 0));
        for (o, m) in cell.observables.iter().zip(whole.components()) {
            assert_eq!((o.mean, o.variance, o.kurtosis), (m.mean(), m.variance(), m.kurtosis()));
        }
        let [bias, variance, risk] = [0, 1, 2].map(|i| cell.observables[i].mean);
        assert!((bias + variance - risk).abs() < 1e-12 * risk);
    }
}

#[test]
fn failing_replicas_are_recorded_and_the_rest_goes_on() {
    // Fewer rows than covariates without a ridge: every replica is singular.
    let plan = r#"{"simulation": "bag-risk", "replicas": 10, "grid": {"d": [8, 2], "n": 4, "k": 1, "rho": 0.5, "lambda": 0, "r2": 1, "s2": 0}}"#;
    let manifest = Plan::parse(plan).unwrap().manifest().unwrap();
    let scratch = Scratch::new();
    all(&scratch, &manifest, 2);
    let merged = merge(&scratch.0, &manifest).unwrap();
    assert_eq!((merged.cells[0].count, merged.cells[0].failed), (0, 10));
    assert_eq!(merged.cells[0].first_failure.as_ref().unwrap().0, 0);
    assert_eq!((merged.cells[1].count, merged.cells[1].failed), (10, 0));
}

/// An exactly known case of each training simulation.
#[test]
fn training_simulations_agree_with_closed_forms() {
    // d = 1: the start is not random, and v^2 obeys a logistic equation with rate 2, from s^2 to 1 / gamma.
    let plan = r#"{"simulation": "attention-flow", "replicas": 3,
        "grid": {"d": 1, "N": 3, "alpha": 0.5, "s": [0.1, 0.2], "target": 1e-6, "t_ref": 0}}"#;
    let manifest = Plan::parse(plan).unwrap().manifest().unwrap();
    let scratch = Scratch::new();
    all(&scratch, &manifest, 2);
    for (cell, s) in merge(&scratch.0, &manifest).unwrap().cells.iter().zip([0.1_f64, 0.2]) {
        let gamma = 1.0 + 2.0 / 3.0;
        let time = ((1.0 / gamma / (s * s) - 1.0) * (1.0 - 1e-6) / 1e-6).ln() / 2.0;
        let loss = 0.5 + 0.5 * gamma * s.powi(4) - s * s;
        assert_eq!((cell.count, cell.failed), (3, 0));
        assert!((cell.observables[0].mean / time - 1.0).abs() < 1e-9);
        assert!((cell.observables[1].mean - loss).abs() < 1e-14);
    }
    // Without a step nothing moves: with one sample a class there is no variation within classes.
    let plan = r#"{"simulation": "collapse-descent", "replicas": 4,
        "grid": {"K": 3, "n": [1, 2], "M": 2, "width": 4, "lambda": 0.01, "step": 0.1, "steps": [1, 400]}}"#;
    let manifest = Plan::parse(plan).unwrap().manifest().unwrap();
    let scratch = Scratch::new();
    let bytes = all(&scratch, &manifest, 3);
    assert!(bytes == all(&Scratch::new(), &manifest, 1));
    let cells = merge(&scratch.0, &manifest).unwrap().cells;
    let find = |n: u64, steps: u64| {
        let cell = cells.iter().find(|c| c.parameters["n"] == n && c.parameters["steps"] == steps).unwrap();
        assert_eq!((cell.count, cell.failed), (4, 0));
        [cell.observables[0].mean, cell.observables[1].mean]
    };
    assert!(find(1, 1)[0].abs() < 1e-12 && find(1, 400)[0].abs() < 1e-12);
    let ([early, high], [late, low]) = (find(2, 1), find(2, 400));
    assert!(late < early && low < high, "{early} {late} {high} {low}");
}

#[test]
fn hashes_depend_on_the_content_alone() {
    let manifest = manifest();
    // Another order of keys in the file is the same plan.
    let reordered = PLAN.replace(r#""r2": 1, "s2": 0.25"#, r#""s2": 0.25, "r2": 1"#);
    assert_eq!(Plan::parse(&reordered).unwrap().manifest().unwrap(), manifest);
    let more = PLAN.replace("150", "151");
    let more = Plan::parse(&more).unwrap().manifest().unwrap();
    assert_ne!(more.hash, manifest.hash);
    // More replicas extend the same streams.
    assert_eq!(more.cells[0].seed, manifest.cells[0].seed);
    let seeds: std::collections::HashSet<u64> = manifest.cells.iter().map(|c| c.seed).collect();
    assert_eq!(seeds.len(), 4);
    let other = PLAN.replace("\"seed\": 9", "\"seed\": 10");
    assert_ne!(Plan::parse(&other).unwrap().manifest().unwrap().cells[0].seed, manifest.cells[0].seed);
}

#[test]
fn files_of_another_plan_are_refused() {
    let (scratch, manifest) = (Scratch::new(), manifest());
    write_manifest(&scratch.0, &manifest).unwrap();
    assert_eq!(read_manifest(&scratch.0).unwrap(), manifest);
    write_manifest(&scratch.0, &manifest).unwrap();
    let other = Plan::parse(&PLAN.replace("150", "151")).unwrap().manifest().unwrap();
    assert!(matches!(write_manifest(&scratch.0, &other), Err(SweepError::Occupied { .. })));
    all(&scratch, &manifest, 1);
    assert!(matches!(merge(&scratch.0, &other), Err(SweepError::Foreign { .. })));
    let file = scratch.0.join("manifest.json");
    let changed = fs::read_to_string(&file).unwrap().replace("\"replicas\": 150", "\"replicas\": 149");
    fs::write(&file, changed).unwrap();
    assert!(matches!(read_manifest(&scratch.0), Err(SweepError::Changed { .. })));
    fs::write(&file, "{").unwrap();
    assert!(matches!(read_manifest(&scratch.0), Err(SweepError::Parse { .. })));
    fs::write(scratch.0.join("shard-1-of-1.json"), "[]").unwrap();
    assert!(matches!(merge(&scratch.0, &manifest), Err(SweepError::Parse { .. })));
}

#[test]
fn bad_plans_are_refused() {
    let refused =
        |from: &str, to: &str| Plan::parse(&PLAN.replace(from, to)).and_then(|p| p.manifest()).unwrap_err();
    assert!(matches!(refused("bag-risk", "bag"), SweepError::UnknownSimulation { .. }));
    assert!(matches!(refused("\"d\": [3, 5]", "\"e\": [3, 5]"), SweepError::Key { .. }));
    assert!(matches!(refused("\"d\": [3, 5], ", ""), SweepError::Key { .. }));
    assert!(matches!(refused("[3, 5]", "[]"), SweepError::NoValues { .. }));
    assert!(matches!(refused("[3, 5]", "[3, 3]"), SweepError::Twice { .. }));
    assert!(matches!(refused("[3, 5]", "[3, 0]"), SweepError::Cell { .. }));
    assert!(matches!(refused("[3, 5]", "[3, \"x\"]"), SweepError::Cell { .. }));
    assert!(matches!(refused("150", "0"), SweepError::Number { name: "replicas", .. }));
    assert!(matches!(refused("\"task\": 32", "\"task\": 0"), SweepError::Number { name: "task", .. }));
    assert!(matches!(refused("\"seed\": 9", "\"sed\": 9"), SweepError::Plan(_)));
    for shard in ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"] {
        assert!(matches!(shard.parse::<ShardId>(), Err(SweepError::Shard { .. })), "{shard}");
    }
}
