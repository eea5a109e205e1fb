//! NC-07: a bottleneck keeps the largest targets.
use rand_chacha::ChaCha12Rng;
use solvable_linalg::symmetric_eigenvalues;
use solvable_model::collapse::Bias;
use solvable_sim::collapse::observe;
use solvable_theory::collapse::squared_minimum;

use super::common::{Setting, geometry_bound, log_uniform, pick, refused, trained};
use crate::check::{Budget, Identity};
use crate::{Chapter, CheckError, Claim};

fn problems(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![
        Setting::squared(&[8, 5, 3, 1], &[2], &[0.01], 0.004, rng),
        // Balanced: the cut goes through equal targets, minimisers form a continuum.
        Setting::squared(&[5, 5, 5, 5], &[6, 2], &[0.004, 0.008], 0.003, rng),
        Setting::squared(&[5, 5, 5, 5], &[2], &[0.008], 0.004, rng).with_bias(Bias::Free),
        Setting::squared(&[9, 4, 4, 2], &[4, 2], &[0.004, 0.003], 0.003, rng).with_bias(Bias::Free),
    ];
    for _ in 0..pick(budget, 1, 12) {
        let lambda = log_uniform(rng, 2e-3, 8e-3);
        cells.push(Setting::squared(&[7, 6, 4, 3], &[3, 2], &[lambda, lambda], lambda, rng));
    }
    cells
}

/// Eigenvalues of W W', largest first: products of the layer energies over the weights.
fn predicted(cell: &Setting) -> Result<Vec<f64>, CheckError> {
    let minimum = squared_minimum(&cell.problem()?).map_err(refused)?;
    let weights: f64 = cell.lambda_w.iter().product();
    Ok(minimum.modes.iter().map(|m| m.layer_energy.powi(cell.depth() as i32) / weights).collect())
}

fn measured(cell: &Setting) -> Result<Vec<f64>, CheckError> {
    let (objective, end) = trained(cell)?;
    Ok(symmetric_eigenvalues(observe(&objective, &end.x).classifier_gram().as_ref())?)
}

pub(super) fn claim() -> Claim {
    let spectrum = Identity::new(
        "classifier-spectrum",
        "eigenvalues of W W' under a bottleneck",
        problems,
        predicted,
        measured,
        geometry_bound,
    )
    .wrong("no bottleneck", |cell: &Setting| {
        predicted(&cell.but(|s| s.widths.iter_mut().for_each(|d| *d = s.counts.len())))
    })
    .wrong("the energy spread over all classes", |cell| {
        let values = predicted(cell)?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Ok(vec![mean; values.len()])
    })
    .wrong("the smallest classes kept", |cell| {
        let mut values = predicted(&cell.but(|s| s.widths.iter_mut().for_each(|d| *d = s.counts.len())))?;
        let rank = cell.problem()?.rank_bound();
        values.reverse();
        values.truncate(rank);
        values.resize(cell.counts.len(), 0.0);
        values.sort_by(|a, b| b.total_cmp(a));
        Ok(values)
    })
    .broken("one unit more in every layer", |cell| {
        measured(&cell.but(|s| s.widths.iter_mut().for_each(|d| *d += 1)))
    });
    Claim {
        id: "NC-07",
        chapter: Chapter::Collapse,
        title: "A bottleneck keeps the largest targets",
        statement: "If $R<K$ (with a free bias $R<K-1$), the $R$ largest targets are learnt as without a bottleneck and the \
            others not at all. Where the cut goes through learnable equal targets, in particular for balanced classes, the minimisers \
            form a continuum: only spectra are determined, and on the tied space $WW^\\top$ is a multiple of any \
            projection whose rank is the number of directions kept.",
        assumptions: "Squared loss; no bias or a free one.",
        source: "Derived; balanced statement in Dang et al., arXiv 2301.00437",
        formula: "solvable_theory::collapse::squared_minimum",
        simulator: "solvable_sim::collapse::{train, observe}; eigenvalues only",
        checks: vec![Box::new(spectrum)],
    }
}
