//! The registry as a whole: every claim passes, every check can fail, every name leads somewhere.
use std::collections::BTreeSet;
use std::path::Path;

use solvable_verify::check::Side;
use solvable_verify::run::{Options, run};
use solvable_verify::sabotage::{Selection, power};
use solvable_verify::{Kind, Verdict, registry};

/// The main job, as `cargo run -- verify` does it.
#[test]
fn every_claim_passes_on_the_quick_budget() {
    solvable_verify::single_threaded_linear_algebra();
    let claims = registry::claims();
    assert!(!claims.is_empty());
    let evidence = run(&claims, &Options::default(), &|_| {});
    let mut bad = Vec::new();
    for claim in &evidence.claims {
        for (check, error) in &claim.errors {
            bad.push(format!("{} {check}: {error}", claim.id));
        }
        for check in &claim.checks {
            for cell in &check.cells {
                if !matches!(cell.verdict, Verdict::Pass | Verdict::Recorded) {
                    bad.push(format!(
                        "{} {} {}: {} predicted {:e} observed {:e} bar {:e} resolution {:.1e} {}",
                        claim.id,
                        check.check,
                        cell.label,
                        cell.verdict.name(),
                        cell.predicted,
                        cell.observed,
                        cell.error_bar,
                        cell.resolution,
                        cell.note
                    ));
                }
            }
        }
    }
    println!(
        "{} claims, {} statistical tests, family false-alarm rate {:.1e}, {:.1} s",
        evidence.claims.len(),
        evidence.statistical_tests,
        evidence.family_false_alarm_rate,
        evidence.seconds
    );
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// One corruption a check, chosen by the seed; the long command `solvable calibrate` tries all of them at many seeds.
#[test]
fn a_corrupted_side_is_rejected_by_every_check() {
    solvable_verify::single_threaded_linear_algebra();
    let tried = power(&registry::claims(), &Options::default(), Selection::One, 1, &|_| {});
    let weak: Vec<String> = tried
        .iter()
        .filter(|p| p.rejected < p.seeds)
        .map(|p| format!("{} {} accepts: {} {:?}", p.claim, p.check, p.sabotage, p.errors))
        .collect();
    println!("{} corruptions tried", tried.len());
    assert!(weak.is_empty(), "{}", weak.join("\n"));
}

#[test]
fn every_check_has_two_wrong_formulas_and_a_broken_simulator() {
    for claim in registry::claims() {
        assert!(!claim.checks.is_empty(), "{} has no check", claim.id);
        let mut names = BTreeSet::new();
        for check in &claim.checks {
            assert!(names.insert(check.name()), "{} has two checks called {}", claim.id, check.name());
            if check.kind() == Kind::Observation {
                continue;
            }
            let sabotages = check.sabotages();
            let count = |side| sabotages.iter().filter(|s| s.side == side).count();
            assert!(
                count(Side::Formula) >= 2 && count(Side::Simulator) >= 1,
                "{} {}: {} wrong formulas, {} broken simulators",
                claim.id,
                check.name(),
                count(Side::Formula),
                count(Side::Simulator)
            );
        }
    }
}

/// Ids are unique, and formula and simulator are public items of the crates they name.
#[test]
fn names_lead_to_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut ids = BTreeSet::new();
    for claim in registry::claims() {
        assert!(ids.insert(claim.id), "{} is registered twice", claim.id);
        for text in [claim.title, claim.statement, claim.assumptions, claim.source] {
            assert!(!text.trim().is_empty(), "{} has an empty description", claim.id);
        }
        assert!(
            !paths(claim.formula).is_empty(),
            "{}: the formula names no item: {}",
            claim.id,
            claim.formula
        );
        assert!(!claim.simulator.trim().is_empty(), "{}: what is the formula compared with?", claim.id);
        for (name, item) in paths(claim.formula).into_iter().chain(paths(claim.simulator)) {
            let source = root.join("crates").join(&name).join("src");
            assert!(defines(&source, &item), "{}: {item} is not defined in {}", claim.id, source.display());
        }
    }
}

/// The items named in a text: `solvable_sim::icl::item` and `solvable_sim::icl::{one, two}`, as (crate, item).
fn paths(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, prefix) in text.match_indices("solvable_") {
        let path = &text[at + prefix.len()..];
        let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(path.len());
        let (words, rest) = path.split_at(end);
        let krate = words.split("::").next().unwrap_or_default().to_owned();
        match rest.strip_prefix('{').and_then(|list| list.split_once('}')) {
            Some((list, _)) if words.ends_with("::") => {
                found.extend(list.split(',').map(|item| (krate.clone(), item.trim().to_owned())));
            }
            _ => {
                let item = words.trim_end_matches(':').rsplit("::").next().unwrap_or_default();
                found.push((krate, item.to_owned()));
            }
        }
    }
    found
}

/// Whether some file below the directory defines the item, public or for its own crate.
fn defines(directory: &Path, item: &str) -> bool {
    let kinds = ["fn", "struct", "enum", "trait", "mod", "const", "type"];
    let patterns = kinds.map(|k| format!("{k} {item}"));
    let boundary = |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
    std::fs::read_dir(directory).expect("a source directory").flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return defines(&path, item);
        }
        if path.extension().is_none_or(|e| e != "rs") {
            return false;
        }
        let text = std::fs::read_to_string(&path).expect("a source file");
        text.lines().filter(|l| l.starts_with("mod ") || l.trim_start().starts_with("pub")).any(|line| {
            patterns.iter().any(|p| {
                line.match_indices(p.as_str()).any(|(at, _)| boundary(line[at + p.len()..].chars().next()))
            })
        })
    })
}
