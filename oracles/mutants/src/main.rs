//! Mutation testing of `theory` and `certify`.
//!
//! One build holds every mutant of the formulas, each behind a switch; a run of a test with the switch set is a run against
//! that mutant. Tests are first run one by one to learn which mutants they reach and how long they take; a mutant is
//! then tried against the tests that reach it, fastest first, until one fails.
mod mutate;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mutate::Mutant;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Crates whose formulas are mutated.
const MUTATED: [&str; 2] = ["theory", "certify"];
/// Packages whose tests judge.
const JUDGES: [&str; 3] = ["solvable-theory", "solvable-certify", "solvable-tests"];
const SWITCH: &str = include_str!("switch.rs.in");
/// The value of the switch that records what is reached.
const RECORD: usize = usize::MAX - 1;

struct Options {
    work: PathBuf,
    sample: usize,
    seed: u64,
    jobs: usize,
    json: Option<PathBuf>,
    only: Option<String>,
    again: Option<PathBuf>,
    judges: Vec<String>,
    slowest: f64,
}

#[derive(Clone, Serialize)]
struct Survivor {
    file: String,
    line: usize,
    source: String,
    change: String,
    /// Whether any test runs through the expression.
    reached: bool,
    /// Why it cannot be told from the original, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    equivalent: Option<String>,
}

#[derive(Serialize)]
struct Outcome {
    mutants: usize,
    not_compiling: usize,
    tried: usize,
    killed: usize,
    equivalent: usize,
    score: f64,
    /// Clopper-Pearson interval of the score, confidence 0.95; the sample is drawn without replacement, so it is conservative.
    interval: (f64, f64),
    seed: u64,
    judges: Vec<String>,
    survivors: Vec<Survivor>,
}

#[derive(Deserialize)]
struct Equivalent {
    file: String,
    source: String,
    change: String,
    reason: String,
}

/// An earlier outcome, as far as `--again` reads it.
#[derive(Deserialize)]
struct Earlier {
    survivors: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    file: String,
    source: String,
    change: String,
}

struct File {
    path: PathBuf,
    source: String,
    mutants: Vec<Mutant>,
    first: usize,
}

struct Test {
    binary: PathBuf,
    directory: PathBuf,
    name: String,
    seconds: f64,
    reached: BTreeSet<usize>,
}

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let options = options()?;
    let tree = options.work.join("tree");
    copy_tree(&root, &tree)?;
    let mut files = Vec::new();
    let mut count = 0;
    for name in MUTATED {
        let base = tree.join("crates").join(name);
        let manifest = fs::read_to_string(base.join("Cargo.toml"))?;
        write_if_new(&base.join("Cargo.toml"), &manifest.replace("[lints]\nworkspace = true\n", ""))?;
        for path in rust_files(&base.join("src"))? {
            let source = fs::read_to_string(&path)?;
            let mutants = mutate::mutants(&source)?;
            let first = count;
            count += mutants.len();
            files.push(File { path, source, mutants, first });
        }
    }
    eprintln!("{count} mutants in {} files", files.len());
    let dead = build(&tree, &mut files, count)?;
    eprintln!("{} do not compile", dead.len());
    let tests = record(&tree, &options)?;
    let live: Vec<usize> = (0..count).filter(|id| !dead.contains(id)).collect();
    let describe = |id: usize| {
        let file = files.iter().rfind(|f| f.first <= id).expect("ids start at 0");
        let mutant = &file.mutants[id - file.first];
        let path = file.path.strip_prefix(&tree).unwrap_or(&file.path).to_string_lossy().into_owned();
        let source = file.source.lines().nth(mutant.line - 1).unwrap_or_default().trim().to_owned();
        (path, mutant.line, source, mutant.change.clone())
    };
    let mut chosen = live.clone();
    if let Some(part) = &options.only {
        chosen.retain(|&id| describe(id).0.contains(part.as_str()));
    }
    if let Some(path) = &options.again {
        let earlier: Earlier = serde_json::from_str(&fs::read_to_string(path)?)?;
        let wanted: BTreeSet<_> =
            earlier.survivors.into_iter().map(|m| (m.file, m.source, m.change)).collect();
        chosen.retain(|&id| {
            let (file, _, source, change) = describe(id);
            wanted.contains(&(file, source, change))
        });
    }
    shuffle(&mut chosen, options.seed);
    if options.sample > 0 {
        chosen.truncate(options.sample);
    }
    let killed = judge(&tests, &chosen, options.jobs, &describe);
    let known: Vec<Equivalent> = serde_json::from_str(&fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("equivalent.json"),
    )?)?;
    let reached: BTreeSet<usize> = tests.iter().flat_map(|t| t.reached.iter().copied()).collect();
    let mut survivors: Vec<Survivor> = chosen
        .iter()
        .filter(|id| !killed.contains(id))
        .map(|&id| {
            let (file, line, source, change) = describe(id);
            let equivalent = known
                .iter()
                .find(|e| e.file == file && e.source == source && e.change == change)
                .map(|e| e.reason.clone());
            Survivor { file, line, source, change, reached: reached.contains(&id), equivalent }
        })
        .collect();
    survivors.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    let equivalent = survivors.iter().filter(|s| s.equivalent.is_some()).count();
    let judged = chosen.len() - equivalent;
    let outcome = Outcome {
        mutants: count,
        not_compiling: dead.len(),
        tried: chosen.len(),
        killed: killed.len(),
        equivalent,
        score: killed.len() as f64 / judged.max(1) as f64,
        interval: clopper_pearson(killed.len(), judged),
        seed: options.seed,
        judges: options.judges,
        survivors,
    };
    let text = serde_json::to_string_pretty(&outcome)?;
    match &options.json {
        Some(path) => fs::write(path, text + "\n")?,
        None => println!("{text}"),
    }
    eprintln!(
        "killed {} of {judged} ({:.1}%, 95% interval {:.1}% to {:.1}%), {equivalent} equivalent",
        outcome.killed,
        100.0 * outcome.score,
        100.0 * outcome.interval.0,
        100.0 * outcome.interval.1
    );
    Ok(())
}

fn options() -> Result<Options> {
    let mut options = Options {
        work: std::env::temp_dir().join("solvable-mutants"),
        sample: 0,
        seed: 20_240_229,
        jobs: 2,
        json: None,
        only: None,
        again: None,
        judges: JUDGES.map(str::to_owned).to_vec(),
        slowest: 20.0,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--work" => options.work = value.into(),
            "--sample" => options.sample = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--jobs" => options.jobs = value.parse()?,
            "--json" => options.json = Some(value.into()),
            "--only" => options.only = Some(value),
            "--judges" => options.judges = value.split(',').map(str::to_owned).collect(),
            "--again" => options.again = Some(value.into()),
            "--slowest" => options.slowest = value.parse()?,
            _ => return Err(format!("unknown option {flag}").into()),
        }
    }
    Ok(options)
}

fn write_if_new(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    Ok(fs::write(path, text)?)
}

fn copy_tree(root: &Path, tree: &Path) -> Result<()> {
    let listing = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output()?;
    let mut current = BTreeSet::new();
    for name in listing.stdout.split(|b| *b == 0).filter(|n| !n.is_empty()) {
        let name = std::str::from_utf8(name)?;
        let (from, to) = (root.join(name), tree.join(name));
        if !from.is_file() {
            continue;
        }
        current.insert(to.clone());
        let bytes = fs::read(&from)?;
        if fs::read(&to).is_ok_and(|old| old == bytes) {
            continue;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(to, bytes)?;
    }
    remove_others(&tree.join("crates"), &current)
}

/// Removes what an earlier run left of files that are no more: a module may not exist twice.
fn remove_others(directory: &Path, current: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, current)?;
        } else if !current.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The sources that hold formulas: neither tests nor error messages.
fn rust_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(directory)?.collect::<std::result::Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "tests" {
                found.extend(rust_files(&path)?);
            }
        } else if name.ends_with(".rs") && !["tests.rs", "error.rs", "mutant.rs"].contains(&name.as_str()) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Writes the mutated sources and compiles; mutants that the compiler refuses are taken out until it is content.
fn build(tree: &Path, files: &mut [File], count: usize) -> Result<BTreeSet<usize>> {
    let mut dead = BTreeSet::new();
    for name in MUTATED {
        let source = tree.join("crates").join(name).join("src");
        write_if_new(&source.join("mutant.rs"), &SWITCH.replace("@COUNT@", &count.to_string()))?;
    }
    for round in 0..40 {
        let mut places = BTreeMap::new();
        for file in files.iter() {
            let live: Vec<(usize, &Mutant)> = file
                .mutants
                .iter()
                .enumerate()
                .map(|(k, m)| (file.first + k, m))
                .filter(|(id, _)| !dead.contains(id))
                .collect();
            let (mut text, place) = mutate::render(&file.source, &live);
            if file.path.ends_with("src/lib.rs") {
                text += "\n#[allow(missing_docs, unused)]\nmod mutant;\n";
            }
            write_if_new(&file.path, &text)?;
            places.insert(file.path.clone(), place);
        }
        let mut command = Command::new("cargo");
        command.args(["check", "--tests", "--offline", "--quiet", "--message-format=json"]).current_dir(tree);
        for name in MUTATED {
            command.args(["-p", &format!("solvable-{name}")]);
        }
        let output = command.stderr(Stdio::inherit()).output()?;
        if output.status.success() {
            return Ok(dead);
        }
        let before = dead.len();
        for line in output.stdout.split(|b| *b == b'\n') {
            let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
            if message["message"]["level"] != "error" {
                continue;
            }
            for span in message["message"]["spans"].as_array().into_iter().flatten() {
                let path = tree.join(span["file_name"].as_str().unwrap_or_default());
                let at = span["byte_start"].as_u64().unwrap_or_default() as usize;
                let end = span["byte_end"].as_u64().unwrap_or_default() as usize;
                // The smallest mutant around the complaint.
                let culprit = places
                    .get(&path)
                    .into_iter()
                    .flatten()
                    .filter(|(id, r)| r.start <= at && end <= r.end && !dead.contains(id));
                if let Some((id, _)) = culprit.min_by_key(|(_, r)| r.len()) {
                    dead.insert(*id);
                }
            }
        }
        eprintln!("round {round}: {} refused so far", dead.len());
        if dead.len() == before {
            let errors: Vec<String> = output
                .stdout
                .split(|b| *b == b'\n')
                .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
                .filter(|m| m["message"]["level"] == "error")
                .filter_map(|m| m["message"]["rendered"].as_str().map(str::to_owned))
                .take(5)
                .collect();
            return Err(format!("errors outside of mutants:\n{}", errors.join("\n")).into());
        }
    }
    Err("the compiler is never content".into())
}

/// Runs each test alone, recording what it reaches.
fn record(tree: &Path, options: &Options) -> Result<Vec<Test>> {
    let mut command = Command::new("cargo");
    command.args(["test", "--no-run", "--offline", "--quiet", "--message-format=json"]).current_dir(tree);
    for name in &options.judges {
        command.args(["-p", name]);
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the mutated tree does not build".into());
    }
    let mut tests = Vec::new();
    for line in output.stdout.split(|b| *b == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
        let Some(binary) = message["executable"].as_str() else { continue };
        let manifest = PathBuf::from(message["manifest_path"].as_str().unwrap_or_default());
        let directory = manifest.parent().unwrap_or(tree).to_owned();
        let list = Command::new(binary).arg("--list").current_dir(&directory).output()?;
        for name in String::from_utf8_lossy(&list.stdout).lines().filter_map(|l| l.strip_suffix(": test")) {
            tests.push(Test {
                binary: binary.into(),
                directory: directory.clone(),
                name: name.to_owned(),
                seconds: 0.0,
                reached: BTreeSet::new(),
            });
        }
    }
    let log = options.work.join("reached");
    let mut kept = Vec::new();
    for mut test in tests {
        let _ = fs::remove_file(&log);
        let start = Instant::now();
        let patience = Duration::from_secs_f64(options.slowest);
        match run(&test, RECORD, Some(&log), patience) {
            Ended::Passed => {}
            Ended::Late => {
                eprintln!("left out, slower than {} s: {}", options.slowest, test.name);
                continue;
            }
            Ended::Failed => return Err(format!("{} fails without a mutant", test.name).into()),
        }
        test.seconds = start.elapsed().as_secs_f64();
        test.reached =
            fs::read_to_string(&log).unwrap_or_default().lines().filter_map(|l| l.parse().ok()).collect();
        if !test.reached.is_empty() {
            kept.push(test);
        }
    }
    kept.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let total: f64 = kept.iter().map(|t| t.seconds).sum();
    eprintln!("{} tests reach mutants, {total:.1} s in all", kept.len());
    Ok(kept)
}

enum Ended {
    Passed,
    Failed,
    Late,
}

fn run(test: &Test, mutant: usize, log: Option<&Path>, patience: Duration) -> Ended {
    let mut command = Command::new(&test.binary);
    command
        .args([&test.name, "--exact", "--test-threads=1"])
        .current_dir(&test.directory)
        .env("SOLVABLE_MUTANT", mutant.to_string())
        .env("RAYON_NUM_THREADS", "1")
        .env("PROPTEST_FAILURE_PERSISTENCE", "off")
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(log) = log {
        command.env("SOLVABLE_MUTANT_LOG", log);
    }
    let Ok(mut child) = command.spawn() else { return Ended::Failed };
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return if status.success() { Ended::Passed } else { Ended::Failed },
            Ok(None) if start.elapsed() > patience => {
                let _ = child.kill();
                let _ = child.wait();
                return Ended::Late;
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(2)),
            Err(_) => return Ended::Failed,
        }
    }
}

/// The mutants that some test notices. One that runs forever is noticed.
fn judge(
    tests: &[Test],
    chosen: &[usize],
    jobs: usize,
    describe: &(impl Fn(usize) -> (String, usize, String, String) + Sync),
) -> BTreeSet<usize> {
    let next = AtomicUsize::new(0);
    let killed = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let k = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&id) = chosen.get(k) else { return };
                    let caught = tests.iter().filter(|t| t.reached.contains(&id)).any(|test| {
                        let patience = Duration::from_secs_f64(10.0 + 20.0 * test.seconds);
                        !matches!(run(test, id, None, patience), Ended::Passed)
                    });
                    if !caught {
                        let (file, line, source, change) = describe(id);
                        eprintln!("survives: {file}:{line}: {change} in {source}");
                    } else if let Ok(mut set) = killed.lock() {
                        set.insert(id);
                    }
                    if k % 50 == 49 {
                        eprintln!("{} of {}", k + 1, chosen.len());
                    }
                }
            });
        }
    });
    killed.into_inner().unwrap_or_default()
}

fn shuffle(items: &mut [usize], seed: u64) {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    for i in (1..items.len()).rev() {
        // The modulus is far below 2^64: its bias is invisible.
        let j = (rng.next_u64() % (i as u64 + 1)) as usize;
        items.swap(i, j);
    }
}

/// Bisects the binomial tails, each of probability 0.025.
fn clopper_pearson(successes: usize, trials: usize) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let at_most = |k: usize, p: f64| -> f64 {
        let mut term = (trials as f64 * (-p).ln_1p()).exp();
        let mut sum = 0.0;
        for i in 0..=k {
            sum += term;
            term *= (trials - i) as f64 / (i + 1) as f64 * p / (1.0 - p);
        }
        sum
    };
    let bisect = |below: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if below(middle) { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    };
    // Failures are few: their tails are short sums, and nothing underflows for the samples used here.
    let failures = trials - successes;
    let upper_failure = if failures == trials { 1.0 } else { bisect(&|p| at_most(failures, p) > 0.025) };
    let lower_failure = if failures == 0 { 0.0 } else { bisect(&|p| 1.0 - at_most(failures - 1, p) < 0.025) };
    (1.0 - upper_failure, 1.0 - lower_failure)
}
