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
            assert_eq!(
                (o.mean, o.variance, o.kurtosis),
                (Some(m.mean()), Some(m.variance()), Some(m.kurtosis()))
            );
        }
        let pairs: Vec<_> = cell.covariances.iter().map(|c| c.of).collect();
        assert_eq!(pairs, [["bias2", "var"], ["bias2", "risk"], ["var", "risk"]]);
        for (c, (i, j)) in cell.covariances.iter().zip([(0, 1), (0, 2), (1, 2)]) {
            assert_eq!(Some(c.value), whole.covariance(i, j));
        }
        // risk = bias2 + var in every replica, so that its variance is the sum of its covariances with both.
        let sum = cell.covariances[1].value + cell.covariances[2].value;
        assert!((sum / cell.observables[2].variance.unwrap() - 1.0).abs() < 1e-10);
        let [bias, variance, risk] = [0, 1, 2].map(|i| mean(cell, i));
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
    // A cell without a mean is still in both files, and says so.
    let [json, csv] =
        write_merged(&scratch.0, &merged).unwrap().map(|path| fs::read_to_string(path).unwrap());
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 1 + 2 * 3);
    assert!(rows[1].starts_with("8,") && rows[1].ends_with(",bias2,0,10,,,,,"), "{}", rows[1]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["cells"][0]["observables"][2]["mean"].is_null());
    assert_eq!(json["cells"][0]["failed"], 10);
}

/// One replica has a mean and no error: nothing is written that could be taken for an error of 0.
#[test]
fn one_replica_has_no_standard_error() {
    let manifest = Plan::parse(&PLAN.replace("150", "1")).unwrap().manifest().unwrap();
    let scratch = Scratch::new();
    all(&scratch, &manifest, 1);
    let merged = merge(&scratch.0, &manifest).unwrap();
    let risk = &merged.cells[0].observables[2];
    assert!(risk.mean.is_some() && risk.standard_error.is_none() && risk.variance.is_none());
    assert!(merged.cells[0].covariances.is_empty());
}

/// Shard files and journals: cut short, a digit changed, a result taken out, results exchanged.
#[test]
fn damaged_files_are_refused() {
    let (scratch, manifest) = (Scratch::new(), manifest());
    all(&scratch, &manifest, 2);
    let file = scratch.0.join("shard-1-of-2.json");
    let whole = fs::read_to_string(&file).unwrap();
    let damaged = |text: &str| {
        fs::write(&file, text).unwrap();
        let error = merge(&scratch.0, &manifest).unwrap_err();
        // The shard is not taken for done either, nor is such a journal gone on from.
        assert!(work(&scratch.0, &manifest, "1/2".parse().unwrap(), Limits::default(), &|_| ()).is_err());
        let other = Scratch::new();
        fs::write(other.0.join(".shard-1-of-2.journal"), text).unwrap();
        assert!(work(&other.0, &manifest, "1/2".parse().unwrap(), Limits::default(), &|_| ()).is_err());
        error
    };
    for cut in [0, 1, whole.len() / 2, whole.len() - 3] {
        assert!(matches!(damaged(&whole[..cut]), SweepError::Parse { .. }), "cut at {cut}");
    }
    // Every digit of the first stored moment in turn.
    let start = whole.find("\"moments\":[[").unwrap() + 12;
    let digits = whole[start..].find(',').unwrap();
    assert!(digits > 15);
    for at in start..start + digits {
        let mut bytes = whole.clone().into_bytes();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        let error = damaged(&String::from_utf8(bytes).unwrap());
        assert!(matches!(error, SweepError::Damaged { .. }), "digit {at}: {error}");
        assert!(error.to_string().contains("shard-1-of-2.json"));
    }
    let changed = |change: &dyn Fn(&mut Vec<serde_json::Value>)| {
        let mut json: serde_json::Value = serde_json::from_str(&whole).unwrap();
        change(json["results"].as_array_mut().unwrap());
        damaged(&json.to_string())
    };
    assert!(matches!(changed(&|r| drop(r.pop())), SweepError::Damaged { .. }));
    assert!(matches!(changed(&|r| r.swap(0, 1)), SweepError::Damaged { .. }));
    assert!(matches!(
        changed(&|r| {
            let nodes = r[1]["nodes"].clone();
            r[0]["nodes"] = nodes;
        }),
        SweepError::Damaged { .. }
    ));
    // Layout is not content.
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&whole).unwrap());
    fs::write(&file, pretty.unwrap()).unwrap();
    assert!(merge(&scratch.0, &manifest).is_ok());
}

/// A shard begun by another version says so, in its file and in the result; the moments are none the worse.
#[test]
fn programs_are_recorded() {
    let (scratch, manifest) = (Scratch::new(), manifest());
    all(&scratch, &manifest, 1);
    let alone = merge(&scratch.0, &manifest).unwrap();
    assert_eq!(alone.programs.len(), 1);
    assert_eq!(alone.programs[0].version, env!("CARGO_PKG_VERSION"));
    // A journal of the first tasks, as another version would have left it.
    let file = scratch.0.join("shard-1-of-1.json");
    let mut json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    json["results"].as_array_mut().unwrap().truncate(7);
    json["programs"][0]["version"] = "0.0.9".into();
    let parts = [&json["programs"], &json["results"]].map(ToString::to_string);
    // In the order of fields in which it is written, not in that of the alphabet.
    let programs: Vec<Program> = serde_json::from_str(&parts[0]).unwrap();
    let results: Vec<shard::TaskResult> = serde_json::from_str(&parts[1]).unwrap();
    json["sha256"] = shard::checksum(&manifest, &programs, &results).unwrap().into();
    let other = Scratch::new();
    fs::write(other.0.join(".shard-1-of-1.journal"), json.to_string()).unwrap();
    let started =
        work(&other.0, &manifest, "1/1".parse().unwrap(), Limits::default(), &|p| assert!(p.done > 7));
    assert!(matches!(started.unwrap(), ShardOutcome::Complete { .. }));
    let merged = merge(&other.0, &manifest).unwrap();
    let versions: Vec<&str> = merged.programs.iter().map(|p| p.version.as_str()).collect();
    assert_eq!(versions, ["0.0.9", env!("CARGO_PKG_VERSION")]);
    assert_eq!(merged.cells, alone.cells);
    // A shard without tasks was computed by nobody.
    work(&other.0, &manifest, "40/40".parse().unwrap(), Limits::default(), &|_| ()).unwrap();
    assert!(fs::read_to_string(other.0.join("shard-40-of-40.json")).unwrap().contains("\"programs\":[]"));
}

/// The error says which shards to work, in the division at hand.
#[test]
fn missing_shards_are_named() {
    let (scratch, manifest) = (Scratch::new(), manifest());
    let missing = |scratch: &Scratch| match merge(&scratch.0, &manifest) {
        Err(SweepError::Missing { shards, missing, count, .. }) => {
            assert!(missing > 0 && count == 20);
            shards.iter().map(ToString::to_string).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert!(missing(&scratch).is_empty());
    let one = |shard: &str| {
        let done = work(&scratch.0, &manifest, shard.parse().unwrap(), Limits::default(), &|_| ()).unwrap();
        assert!(matches!(done, ShardOutcome::Complete { .. }));
    };
    // More shards than tasks: the last has nothing to do.
    one("40/40");
    assert_eq!(missing(&scratch).len(), 20);
    one("2/4");
    one("3/4");
    assert_eq!(missing(&scratch), ["1/4", "4/4"]);
    let error = merge(&scratch.0, &manifest).unwrap_err().to_string();
    assert!(error.ends_with("work shards 1/4, 4/4 first"), "{error}");
    one("4/4");
    let error = merge(&scratch.0, &manifest).unwrap_err().to_string();
    assert!(
        error.contains("5 of 20 tasks are missing") && error.ends_with("work shard 1/4 first"),
        "{error}"
    );
    one("1/4");
    assert!(merge(&scratch.0, &manifest).is_ok());
    // A shard number that no machine could count up to.
    one("1/18446744073709551615");
    fs::remove_file(scratch.0.join("shard-1-of-4.json")).unwrap();
    assert_eq!(missing(&scratch), ["1/4"]);
}

/// Several workers at the same shard at the same time, with the same journal: each ends well, the bytes are the same.
#[test]
fn workers_at_the_same_shard_do_not_disturb_each_other() {
    let manifest = manifest();
    let expected = all(&Scratch::new(), &manifest, 1);
    let scratch = Scratch::new();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (scratch, manifest) = (&scratch, &manifest);
            scope.spawn(move || {
                let flag = AtomicBool::new(false);
                // Each stops a few times on the way, writes its journal over that of the others, and goes on.
                for round in 0.. {
                    flag.store(false, Ordering::Relaxed);
                    let stop = |p: TaskProgress| {
                        flag.store(round < 5 && (p.done + worker).is_multiple_of(3), Ordering::Relaxed);
                    };
                    let limits = Limits { cancel: Some(&flag), time: None };
                    let outcome = work(&scratch.0, manifest, "1/1".parse().unwrap(), limits, &stop);
                    if matches!(outcome.unwrap(), ShardOutcome::Complete { .. }) {
                        break;
                    }
                }
            });
        }
    });
    assert!(all(&scratch, &manifest, 1) == expected);
}

/// No directory can be made below a file, nor a file where a directory is: a typed error, and nothing left behind.
#[test]
fn places_that_cannot_be_written_are_errors() {
    let (scratch, manifest) = (Scratch::new(), manifest());
    let file = scratch.0.join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(write_manifest(&file, &manifest), Err(SweepError::Read { .. } | SweepError::Write(_))));
    let below = file.join("below");
    assert!(matches!(write_manifest(&below, &manifest), Err(SweepError::Write(_))));
    let run = |directory: &std::path::Path| {
        work(directory, &manifest, "1/2".parse().unwrap(), Limits::default(), &|_| ())
    };
    assert!(matches!(run(&below), Err(SweepError::Read { .. } | SweepError::Write(_))));
    fs::create_dir(scratch.0.join(".shard-1-of-2.journal")).unwrap();
    assert!(matches!(run(&scratch.0), Err(SweepError::Read { .. })));
    fs::remove_dir(scratch.0.join(".shard-1-of-2.journal")).unwrap();
    all(&scratch, &manifest, 1);
    fs::remove_file(scratch.0.join("result.csv")).unwrap();
    fs::create_dir(scratch.0.join("result.csv")).unwrap();
    let merged = merge(&scratch.0, &manifest).unwrap();
    assert!(matches!(write_merged(&scratch.0, &merged), Err(SweepError::Write(_))));
    let left = fs::read_dir(&scratch.0).unwrap().map(|e| e.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().ends_with(".partial")));
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
        assert!((mean(cell, 0) / time - 1.0).abs() < 1e-9);
        assert!((mean(cell, 1) - loss).abs() < 1e-14);
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
        [mean(cell, 0), mean(cell, 1)]
    };
    assert!(find(1, 1)[0].abs() < 1e-12 && find(1, 400)[0].abs() < 1e-12);
    let ([early, high], [late, low]) = (find(2, 1), find(2, 400));
    assert!(late < early && low < high, "{early} {late} {high} {low}");
}

/// Sample mean of an observable that has one.
fn mean(cell: &CellResult, observable: usize) -> f64 {
    cell.observables[observable].mean.unwrap()
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
    assert!(matches!(refused("[3, 5]", "[3, 3.0]"), SweepError::Twice { .. }));
    assert!(matches!(refused("\"r2\": 1", "\"r2\": [1, 1e0]"), SweepError::Twice { .. }));
    // All tasks are held in memory: no plan asks for more than there can be.
    for replicas in ["32000000", "281474976710656"] {
        assert!(matches!(refused("150", replicas), SweepError::Number { name: "the number of tasks", .. }));
    }
    assert!(matches!(refused("[3, 5]", "[3, 0]"), SweepError::Cell { .. }));
    assert!(matches!(refused("[3, 5]", "[3, \"x\"]"), SweepError::Cell { .. }));
    assert!(matches!(refused("150", "0"), SweepError::Number { name: "replicas", .. }));
    assert!(matches!(refused("\"task\": 32", "\"task\": 0"), SweepError::Number { name: "task", .. }));
    assert!(matches!(refused("\"seed\": 9", "\"sed\": 9"), SweepError::Plan(_)));
    for shard in ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"] {
        assert!(matches!(shard.parse::<ShardId>(), Err(SweepError::Shard { .. })), "{shard}");
    }
}
