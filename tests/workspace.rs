//! The dependency rule of the workspace, read from `cargo metadata`.
use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages
        .iter()
        .map(|p| {
            let names = p["dependencies"].as_array().expect("a list of dependencies");
            // Development dependencies never reach users and may look anywhere.
            let names = names.iter().filter(|d| d["kind"] != "dev");
            let name = |v: &Value| v["name"].as_str().expect("a name").to_owned();
            (name(p), names.map(name).collect())
        })
        .collect()
}

/// Everything a package depends on within the workspace, directly or not.
fn reach(from: &str, edges: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut seen = Vec::new();
    let mut todo = vec![from.to_owned()];
    while let Some(package) = todo.pop() {
        for next in edges.get(&package).into_iter().flatten() {
            if edges.contains_key(next) && !seen.contains(next) {
                seen.push(next.clone());
                todo.push(next.clone());
            }
        }
    }
    seen.sort();
    seen
}

#[test]
fn theory_and_simulation_share_only_the_statement() {
    let edges = dependencies();
    let expect = |package: &str, allowed: &[&str]| {
        let found = reach(package, &edges);
        assert_eq!(found, allowed, "{package} reaches {found:?} in the workspace, allowed: {allowed:?}");
    };
    expect("solvable-linalg", &[]);
    expect("solvable-model", &["solvable-linalg"]);
    expect("solvable-theory", &["solvable-linalg", "solvable-model"]);
    expect("solvable-sim", &["solvable-linalg", "solvable-model"]);
    expect("solvable-certify", &["solvable-linalg", "solvable-model", "solvable-theory"]);
}

#[test]
fn only_linalg_depends_on_faer() {
    for (package, names) in dependencies() {
        assert!(
            package == "solvable-linalg" || !names.iter().any(|n| n == "faer"),
            "{package} depends on faer"
        );
    }
}

#[test]
fn an_analyst_depends_on_the_facade_only() {
    assert_eq!(dependencies()["downstream"], ["solvable"]);
}
