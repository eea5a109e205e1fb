//! The sweep from the command line: killed, resumed, merged.
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const PLAN: &str = r#"{"simulation": "in-context-risk", "replicas": 40000, "task": 512,
    "grid": {"d": [2, 12], "N": [4, 30], "sigma2": 0.1, "scale": 0.8}}"#;

fn solvable(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvable"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str]) -> Output {
    solvable(arguments).output().expect("the command starts")
}

fn planned(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    let mut child =
        solvable(&["sweep", "plan", "-", "--out", text(&directory)]).spawn().expect("the command starts");
    child.stdin.take().expect("a pipe").write_all(PLAN.as_bytes()).expect("the plan is read");
    assert!(child.wait().expect("it ends").success());
    directory
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn merged(directory: &Path) -> Vec<u8> {
    let output = run(&["sweep", "merge", text(directory)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(directory.join("result.json")).expect("the result is there")
}

#[test]
fn a_killed_shard_leaves_nothing_half_done_and_goes_on() {
    let whole = planned("sweep-whole");
    assert!(run(&["--threads", "1", "sweep", "work", text(&whole)]).status.success());
    let expected = merged(&whole);

    let killed = planned("sweep-killed");
    for wait in [1, 20, 60, 150] {
        let mut child = solvable(&["--threads", "2", "sweep", "work", text(&killed), "--shard", "1/2"])
            .spawn()
            .expect("the command starts");
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().expect("it can be killed, or has ended");
        child.wait().expect("it ends");
        // What is called a shard file is complete.
        let shard = killed.join("shard-1-of-2.json");
        assert!(!shard.exists() || fs::read_to_string(&shard).expect("it can be read").ends_with("]}\n"));
    }
    for time in ["0", "0.05"] {
        assert!(
            run(&["sweep", "work", text(&killed), "--shard", "1/2", "--max-time", time]).status.success()
        );
    }
    let early = run(&["sweep", "merge", text(&killed)]);
    assert_eq!(early.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&early.stderr).contains("tasks are missing"));
    for shard in ["1/2", "2/2"] {
        assert!(run(&["sweep", "work", text(&killed), "--shard", shard]).status.success());
    }
    assert!(merged(&killed) == expected);
}

/// Interrupted by turns with both signals: status 130, one sentence, no shard file; then the same bytes as in one go.
#[cfg(unix)]
#[test]
fn an_interrupted_shard_stops_cleanly_and_goes_on() {
    let whole = planned("sweep-uninterrupted");
    assert!(run(&["sweep", "work", text(&whole)]).status.success());
    let expected = merged(&whole);

    let directory = planned("sweep-interrupted");
    let shard = directory.join("shard-1-of-1.json");
    let mut interrupted = 0;
    for (attempt, wait) in [5_u64, 10, 20, 40, 80, 160, 320, 640].into_iter().enumerate() {
        let child =
            solvable(&["--threads", "1", "sweep", "work", text(&directory)]).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(wait));
        let signal = ["-INT", "-TERM"][attempt % 2];
        // It may have ended by itself.
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        let output = child.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(130) => {
                interrupted += 1;
                // A second line, if stopping took long.
                assert!(stderr.contains("interrupted") && stderr.lines().count() <= 2, "{stderr}");
                assert!(!shard.exists());
            }
            Some(0) => break,
            // Before anything was set up.
            None => assert!(!shard.exists()),
            other => panic!("{other:?}: {stderr}"),
        }
        let names =
            fs::read_dir(&directory).expect("it can be read").map(|e| e.expect("an entry").file_name());
        assert!(names.into_iter().all(|n| !n.to_string_lossy().ends_with(".partial")));
    }
    assert!(interrupted > 0);
    assert!(run(&["sweep", "work", text(&directory)]).status.success());
    assert!(merged(&directory) == expected);
}

/// Any other command ends with status 130 and leaves nothing behind.
#[cfg(unix)]
#[test]
fn an_interrupted_verify_writes_nothing() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("verify-interrupted");
    let _ = fs::remove_dir_all(&directory);
    let arguments = ["--threads", "1", "verify", "--budget", "full", "--report", text(&directory)];
    // On a busy machine the signal may come before anything was set up: then later.
    let ended = [300, 1000, 3000, 10_000].into_iter().find_map(|wait| {
        let child = solvable(&arguments).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(wait));
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        let output = child.wait_with_output().expect("it ends");
        output.status.code().map(|status| (status, output.stderr))
    });
    let (status, stderr) = ended.expect("it is set up in time");
    let stderr = String::from_utf8_lossy(&stderr);
    assert_eq!(status, 130, "{stderr}");
    assert!(stderr.contains("solvable: interrupted"), "{stderr}");
    assert!(!directory.exists());
    let late = run(&["verify", "--budget", "full", "--report", text(&directory), "--max-time", "0.01"]);
    assert_eq!(late.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&late.stderr).contains("--max-time"));
    assert!(!directory.exists());
}

/// Every command that can run for long ends in time, whatever it is doing: also within one long replica of a sweep.
#[test]
fn max_time_ends_every_long_command() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("max-time");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("it can be made");
    let plan = directory.join("plan.json");
    // One replica of a billion steps.
    let long = r#"{"simulation": "collapse-descent", "replicas": 1,
        "grid": {"K": 3, "n": 2, "M": 2, "width": 4, "lambda": 0.01, "step": 0.1, "steps": 1000000000}}"#;
    fs::write(&plan, long).expect("it can be written");
    let sweep = directory.join("sweep");
    assert!(run(&["sweep", "plan", text(&plan), "--out", text(&sweep)]).status.success());
    let out = directory.join("out");
    let commands = [
        vec!["verify", "--budget", "full", "--report", text(&out), "--max-time", "0.2"],
        vec!["--max-time", "0.2", "--threads", "1", "calibrate", "--seeds", "18446744073709551615"],
        vec!["figure", "--all", "--budget", "full", "--out", text(&out), "--max-time", "0"],
        vec!["sweep", "work", text(&sweep), "--max-time", "0.2"],
    ];
    for arguments in commands {
        let start = std::time::Instant::now();
        let output = run(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{arguments:?}: {stderr}");
        assert!(stderr.contains("stopped by --max-time") && stderr.lines().count() == 1, "{stderr}");
        // Generous, for a busy machine: without a limit each would take minutes at least.
        assert!(start.elapsed() < Duration::from_secs(30), "{arguments:?}");
    }
    assert!(!sweep.join("shard-1-of-1.json").exists());
}

#[test]
fn bad_input_is_one_sentence_and_status_2() {
    let directory = planned("sweep-bad");
    for (arguments, says) in [
        (vec!["sweep", "work", text(&directory), "--shard", "3/2"], "must be i/n"),
        (vec!["sweep", "work", text(&directory), "--max-time", "-1"], "--max-time -1 is refused"),
        (vec!["--threads", "0", "sweep", "list"], "--threads 0 is refused"),
        (vec!["--threads", "1000000", "sweep", "list"], "--threads 1000000 is refused"),
        (vec!["--max-time", "nan", "verify"], "--max-time NaN is refused"),
        (vec!["figure", "--all", "--max-time", "inf"], "--max-time inf is refused"),
        (vec!["sweep", "merge", "/nowhere"], "cannot read /nowhere/manifest.json"),
    ] {
        let output = run(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(says) && stderr.lines().count() == 1, "{stderr}");
    }
}
