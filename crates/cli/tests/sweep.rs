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

#[test]
fn bad_input_is_one_sentence_and_status_2() {
    let directory = planned("sweep-bad");
    for (arguments, says) in [
        (vec!["sweep", "work", text(&directory), "--shard", "3/2"], "must be i/n"),
        (vec!["sweep", "work", text(&directory), "--max-time", "-1"], "--max-time -1 is refused"),
        (vec!["sweep", "merge", "/nowhere"], "cannot read /nowhere/manifest.json"),
    ] {
        let output = run(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(says) && stderr.lines().count() == 1, "{stderr}");
    }
}
