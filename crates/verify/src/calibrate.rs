//! Measures false alarms: over many seeds the p-values of true claims are uniform.
use serde::Serialize;

use crate::run::{Options, Progress, run};
use crate::statistics::{UniformityTest, kolmogorov_smirnov_uniform};
use crate::{Claim, Kind, Verdict};

/// Calibration over several seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Calibration {
    /// Seeds tried.
    pub seeds: u64,
    /// First-test p-values pooled over seeds and cells of expectation checks.
    pub p_values: usize,
    /// Kolmogorov-Smirnov distance from uniformity.
    pub distance: f64,
    /// Its p-value. Pooled cells are independent: no two share a stream.
    pub uniformity_p: f64,
    /// Cells that were tested twice.
    pub retests: usize,
    /// Cells that failed: false alarms.
    pub false_alarms: usize,
    /// Fractions of p-values below 0.1%, 1%, 5% and 50%.
    pub tails: [f64; 4],
}

/// Runs the statistical checks of the claims at `seeds` successive seeds and pools their p-values.
///
/// Only expectation checks enter the pool: the extrapolations of asymptotic checks carry a truncation
/// allowance beside their standard error, so their p-values are not exactly uniform.
pub fn calibrate(
    claims: Vec<Claim>,
    options: &Options,
    seeds: u64,
    progress: &(dyn Fn(Progress) + Sync),
) -> Option<Calibration> {
    let statistical: Vec<Claim> = claims
        .into_iter()
        .map(|mut claim| {
            claim.checks.retain(|check| check.kind() == Kind::Expectation);
            claim
        })
        .filter(|claim| !claim.checks.is_empty())
        .collect();
    let mut pooled = Vec::new();
    let (mut retests, mut false_alarms) = (0, 0);
    for offset in 0..seeds {
        let options = Options { seed: options.seed.wrapping_add(offset), ..*options };
        let evidence = run(&statistical, &options, progress);
        for cell in evidence.claims.iter().flat_map(|c| &c.checks).flat_map(|c| &c.cells) {
            pooled.extend(cell.p_value);
            retests += usize::from(cell.retested);
            false_alarms += usize::from(cell.verdict == Verdict::Fail);
        }
    }
    let UniformityTest { count, distance, p_value } = kolmogorov_smirnov_uniform(&pooled)?;
    let below = |level: f64| pooled.iter().filter(|p| **p <= level).count() as f64 / count as f64;
    Some(Calibration {
        seeds,
        p_values: count,
        distance,
        uniformity_p: p_value,
        retests,
        false_alarms,
        tails: [below(0.001), below(0.01), below(0.05), below(0.5)],
    })
}
