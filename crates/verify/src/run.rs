//! Runs claims and gathers their evidence.
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::Serialize;

use crate::check::{Budget, DEFAULT_LEVEL, DEFAULT_SEED, Plan};
use crate::{Claim, ClaimEvidence, Kind, Verdict};

/// Options of a run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Work allowed.
    pub budget: Budget,
    /// Run seed.
    pub seed: u64,
    /// Level a per cell.
    pub level: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { budget: Budget::Quick, seed: DEFAULT_SEED, level: DEFAULT_LEVEL }
    }
}

impl Options {
    pub(crate) fn plan(&self, claim: &'static str) -> Plan {
        Plan { seed: self.seed, level: self.level, ..Plan::new(claim, self.budget, self.seed) }
    }
}

/// A finished check, for progress displays.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Claim it belongs to.
    pub claim: &'static str,
    /// Name of the check.
    pub check: &'static str,
    /// Checks finished so far.
    pub done: usize,
    /// Checks in all.
    pub total: usize,
}

/// The evidence of a whole run.
#[derive(Clone, Debug, Serialize)]
pub struct RunEvidence {
    /// Version, commit, instruction set.
    pub provenance: crate::provenance::Provenance,
    /// "quick" or "full".
    pub budget: &'static str,
    /// Run seed.
    pub seed: u64,
    /// Level a per cell.
    pub level: f64,
    /// Number of statistical tests in the run.
    pub statistical_tests: usize,
    /// Upper bound of the probability that a run of true claims reports a failure: a cell must reject twice, on
    /// independent streams. `level^2` for an expectation; `8 level^2` for an asymptotic cell, which makes two
    /// tests each time (agreement, lack of fit) and whose first sample may be followed by a larger one.
    pub family_false_alarm_rate: f64,
    /// Upper bound of the probability that some cell of true claims is tested twice: `level` an expectation,
    /// `4 level` an asymptotic cell.
    pub family_first_rejection_rate: f64,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// One entry a claim.
    pub claims: Vec<ClaimEvidence>,
}

impl RunEvidence {
    /// The worst verdict; a check that could not be carried out counts as a failure.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.claims.iter().map(|c| c.verdict).max().unwrap_or(Verdict::Inconclusive)
    }

    /// Exit status of `verify`: 0 pass, 1 a claim failed, 3 inconclusive only.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self.verdict() {
            Verdict::Pass | Verdict::Recorded => 0,
            Verdict::Inconclusive => 3,
            Verdict::Fail => 1,
        }
    }
}

/// Runs all checks of the claims, over the rayon pool; the numbers do not depend on its size.
pub fn run(claims: &[Claim], options: &Options, progress: &(dyn Fn(Progress) + Sync)) -> RunEvidence {
    let start = std::time::Instant::now();
    let jobs: Vec<(usize, usize)> =
        claims.iter().enumerate().flat_map(|(i, c)| (0..c.checks.len()).map(move |k| (i, k))).collect();
    let done = AtomicUsize::new(0);
    let results: Vec<_> = jobs
        .par_iter()
        .with_max_len(1)
        .map(|&(i, k)| {
            let claim = &claims[i];
            let result = claim.checks[k].run(&options.plan(claim.id), None);
            progress(Progress {
                claim: claim.id,
                check: claim.checks[k].name(),
                done: done.fetch_add(1, Ordering::Relaxed) + 1,
                total: jobs.len(),
            });
            result
        })
        .collect();
    let mut evidence: Vec<ClaimEvidence> = claims
        .iter()
        .map(|c| ClaimEvidence {
            id: c.id,
            chapter: c.chapter,
            title: c.title,
            verdict: Verdict::Pass,
            checks: Vec::new(),
            errors: Vec::new(),
        })
        .collect();
    for (&(i, k), result) in jobs.iter().zip(results) {
        match result {
            Ok(check) => evidence[i].checks.push(check),
            Err(error) => evidence[i].errors.push((claims[i].checks[k].name(), error.to_string())),
        }
    }
    for claim in &mut evidence {
        claim.verdict = if claim.errors.is_empty() {
            // What is recorded beside judged checks does not change their verdict.
            let judged = claim.checks.iter().map(|c| c.verdict()).filter(|v| *v != Verdict::Recorded).max();
            let recorded = claim.checks.first().map_or(Verdict::Inconclusive, |c| c.verdict());
            judged.unwrap_or(recorded)
        } else {
            Verdict::Fail
        };
    }
    let cells_of = |kind: Kind| {
        evidence
            .iter()
            .flat_map(|c| &c.checks)
            .filter(|c| c.kind == kind)
            .map(|c| c.cells.len())
            .sum::<usize>()
    };
    let (expectations, asymptotics) = (cells_of(Kind::Expectation), cells_of(Kind::Asymptotic));
    let level = options.level;
    RunEvidence {
        provenance: crate::provenance::Provenance::current(),
        budget: options.budget.name(),
        seed: options.seed,
        level: options.level,
        statistical_tests: expectations + 2 * asymptotics,
        family_false_alarm_rate: (expectations + 8 * asymptotics) as f64 * level * level,
        family_first_rejection_rate: (expectations + 4 * asymptotics) as f64 * level,
        seconds: start.elapsed().as_secs_f64(),
        claims: evidence,
    }
}
