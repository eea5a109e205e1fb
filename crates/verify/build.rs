//! Records the commit of the source tree, so that outputs can name it.
use std::process::Command;

fn main() {
    let head = Command::new("git").args(["rev-parse", "--git-path", "logs/HEAD"]).output();
    if let Ok(path) = head
        && path.status.success()
    {
        println!("cargo::rerun-if-changed={}", String::from_utf8_lossy(&path.stdout).trim());
    }
    println!("cargo::rerun-if-changed=build.rs");
    let commit = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    if let Ok(commit) = commit
        && commit.status.success()
    {
        println!("cargo::rustc-env=SOLVABLE_COMMIT={}", String::from_utf8_lossy(&commit.stdout).trim());
    }
}
