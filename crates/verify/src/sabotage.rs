//! Measures the power of checks: wrong formulas and broken simulators must be rejected.
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::Serialize;

use crate::check::{Plan, Sabotage, place};
use crate::run::{Options, Progress};
use crate::{Claim, Verdict};

/// How one corruption fared over the seeds tried.
#[derive(Clone, Debug, Serialize)]
pub struct Power {
    /// Claim.
    pub claim: &'static str,
    /// Check.
    pub check: &'static str,
    /// What was corrupted.
    pub sabotage: &'static str,
    /// Seeds tried.
    pub seeds: u64,
    /// Seeds at which the check rejected.
    pub rejected: u64,
    /// Seeds at which it could not be carried out, with the first reason.
    pub errors: Vec<String>,
}

/// Which corruptions to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// One a check, chosen by the seed: over seeds, each has its turn.
    One,
    /// All of them.
    All,
}

/// Runs the selected sabotages of every check at `seeds` successive seeds, starting with that of `options`.
/// Checks that are not statistical give the same verdict for every seed up to their random instances and run
/// at the first seed only. A statistical check stops at its first failing cell, and repeats only the rejections that are
/// not beyond twice the threshold.
#[must_use]
pub fn power(
    claims: &[Claim],
    options: &Options,
    selection: Selection,
    seeds: u64,
    progress: &(dyn Fn(Progress) + Sync),
) -> Vec<Power> {
    let jobs: Vec<(usize, usize, usize, Sabotage)> = claims
        .iter()
        .enumerate()
        .flat_map(|(i, claim)| {
            claim.checks.iter().enumerate().flat_map(move |(k, check)| {
                let all = check.sabotages();
                let turn = (options.seed as usize).wrapping_add(k) % all.len().max(1);
                all.into_iter()
                    .enumerate()
                    .filter(move |(s, _)| selection == Selection::All || *s == turn)
                    .map(move |(s, sabotage)| (i, k, s, sabotage))
            })
        })
        .collect();
    let done = AtomicUsize::new(0);
    jobs.par_iter()
        .with_max_len(1)
        .map(|&(i, k, s, sabotage)| {
            let (claim, check) = (&claims[i], &claims[i].checks[k]);
            let seeds = if check.kind().is_statistical() { seeds } else { 1 };
            let mut power = Power {
                claim: claim.id,
                check: check.name(),
                sabotage: sabotage.name,
                seeds,
                rejected: 0,
                errors: Vec::new(),
            };
            // The cell that rejected at one seed is likely to reject at the next.
            let mut first = 0;
            for offset in 0..seeds {
                let options = Options { seed: options.seed.wrapping_add(offset), ..*options };
                let plan = Plan { settle_from: Some(first), ..options.plan(claim.id) };
                match check.run(&plan, Some(s)) {
                    Ok(evidence) if evidence.verdict() == Verdict::Fail => {
                        power.rejected += 1;
                        if check.kind().is_statistical() {
                            first = place(evidence.cells.len() - 1, first);
                        }
                    }
                    Ok(_) => {}
                    Err(error) => power.errors.push(error.to_string()),
                }
            }
            power.errors.truncate(1);
            progress(Progress {
                claim: claim.id,
                check: check.name(),
                done: done.fetch_add(1, Ordering::Relaxed) + 1,
                total: jobs.len(),
            });
            power
        })
        .collect()
}
