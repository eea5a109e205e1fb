//! Certified quantities: every registered enclosure holds, and rejects each of its corruptions; nothing here is statistical.
use std::collections::BTreeSet;

use solvable_verify::check::{Budget, Plan};
use solvable_verify::compute::certified_blocks;
use solvable_verify::{Kind, Verdict, registry};

#[test]
fn enclosures_hold_and_reject_every_corruption() {
    solvable_verify::single_threaded_linear_algebra();
    let (mut checks, mut cells, mut corruptions) = (0, 0, 0);
    for claim in registry::claims() {
        for check in claim.checks.iter().filter(|c| c.name() == "enclosure") {
            checks += 1;
            let plan = Plan::new(claim.id, Budget::Quick, 1);
            let honest = check.run(&plan, None).expect("both routes answer");
            for cell in &honest.cells {
                assert_eq!(cell.verdict, Verdict::Pass, "{} {}: {:e}", claim.id, cell.label, cell.resolution);
                cells += 1;
            }
            for (i, sabotage) in check.sabotages().iter().enumerate() {
                let seen = check.run(&plan, Some(i)).expect("the corrupted inputs are valid");
                let caught = seen.cells.iter().any(|c| c.verdict == Verdict::Fail);
                assert!(caught, "{} accepts: {}", claim.id, sabotage.name);
                corruptions += 1;
            }
        }
    }
    println!("{checks} checks, {cells} cells, {corruptions} corruptions");
    // Two wrong formulas and a broken side each, at two settings or more.
    assert!(checks > 0 && cells >= 2 * checks && corruptions == 3 * checks);
}

/// Each claim with certified numbers has a certificate in the registry.
#[test]
fn certified_claims_have_a_certificate() {
    let certified: BTreeSet<&str> = certified_blocks().iter().map(|b| b.claim).collect();
    for claim in registry::claims().iter().filter(|c| certified.contains(c.id)) {
        let kinds: Vec<Kind> = claim.checks.iter().map(|c| c.kind()).collect();
        assert!(kinds.contains(&Kind::Certificate), "{} is enclosed by no check", claim.id);
    }
    println!("{} claims", certified.len());
}
