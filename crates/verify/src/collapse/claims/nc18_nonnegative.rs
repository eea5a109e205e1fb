//! NC-18: cross-entropy with non-negative features.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::{Mat, transpose_matmul};
use solvable_model::collapse::FreeFeaturesLoss;
use solvable_sim::collapse::{NonnegativeFeatures, observe};
use solvable_sim::minimise::{LbfgsOptions, lbfgs};
use solvable_theory::collapse::{NonnegativeEntropyMinimum, nonnegative_entropy_minimum};

use super::common::{Setting, log_uniform, pick, refused, trained};
use crate::check::{Budget, Identity};
use crate::{Chapter, CheckError, Claim};

fn problems(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![
        Setting::squared(&[6, 4, 2], &[4], &[0.01], 0.005, rng),
        Setting::squared(&[3, 3], &[3], &[0.02], 0.02, rng),
    ];
    for _ in 0..pick(budget, 1, 10) {
        cells.push(Setting::squared(&[5, 4, 3], &[3], &[log_uniform(rng, 5e-3, 2e-2)], 0.01, rng));
    }
    cells.into_iter().map(Setting::cross_entropy).collect()
}

fn theory(cell: &Setting) -> Result<NonnegativeEntropyMinimum, CheckError> {
    nonnegative_entropy_minimum(&cell.problem()?).map_err(refused)
}

/// Margins, squared lengths of the class means, and inner products between them.
fn predicted(cell: &Setting, margin: impl Fn(f64) -> f64) -> Result<Vec<f64>, CheckError> {
    let m = theory(cell)?;
    let k = cell.counts.len();
    let mut values: Vec<f64> = m.margins.iter().map(|&v| margin(v)).collect();
    values.extend(&m.feature_norm_sq);
    values.extend(vec![0.0; k * (k - 1) / 2]);
    Ok(values)
}

/// Trains with features that are squares of free parameters: the best of a few starts.
fn constrained(cell: &Setting) -> Result<(FreeFeaturesLoss, f64, Vec<f64>), CheckError> {
    let objective = cell.objective()?;
    let squares = NonnegativeFeatures::new(&objective);
    // Entries of the features at 0 have a vanishing derivative: their last digits come slowly.
    let options = LbfgsOptions::default().gradient_norm(1e-10);
    let mut best: Option<(f64, Vec<f64>)> = None;
    for stream in 0..8 {
        let mut rng = ChaCha12Rng::seed_from_u64(cell.seed);
        rng.set_stream(stream);
        let end = lbfgs(&squares, &squares.start(1.0, &mut rng), &options).map_err(refused)?;
        if best.as_ref().is_none_or(|(value, _)| end.value < *value) {
            best = Some((end.value, squares.parameters(&end.x)));
        }
    }
    let (value, x) = best.unwrap_or((f64::INFINITY, Vec::new()));
    Ok((objective, value, x))
}

fn measured(objective: &FreeFeaturesLoss, x: &[f64]) -> Vec<f64> {
    let seen = observe(objective, x);
    let z = seen.logits();
    let gram: Mat<f64> = transpose_matmul(seen.means.as_ref(), seen.means.as_ref());
    let k = gram.nrows();
    let mut values: Vec<f64> = (0..k).map(|j| z[(j, j)] - z[((j + 1) % k, j)]).collect();
    values.extend((0..k).map(|j| gram[(j, j)]));
    for i in 0..k {
        values.extend((0..i).map(|j| gram[(i, j)]));
    }
    values
}

pub(super) fn claim() -> Claim {
    let value = Identity::new(
        "trained-value",
        "value against training with features that are squares",
        problems,
        |cell: &Setting| Ok(vec![theory(cell)?.optimality.value]),
        |cell| Ok(vec![constrained(cell)?.1]),
        // A gradient of 1e-10 over curvatures that vanish at the boundary: errors of its 3/2 power.
        |_| Ok(1e-11),
    )
    .wrong("without the constraint", |cell| {
        let m = solvable_theory::collapse::entropy_program_minimum(&cell.problem()?).map_err(refused)?;
        Ok(vec![m.optimality.value])
    })
    .wrong("the factor K/(K-1) forgotten in the penalty", |cell| {
        let m = theory(cell)?;
        let k = cell.counts.len() as f64;
        let cost: f64 = cell.counts.iter().zip(&m.margins).map(|(&n, v)| v * (n as f64).sqrt()).sum();
        Ok(vec![m.optimality.value + cell.product().sqrt() * cost * (1.0 - ((k - 1.0) / k).sqrt())])
    })
    .broken("signs left free", |cell| Ok(vec![trained(cell)?.1.value]));
    let geometry = Identity::new(
        "trained-geometry",
        "margins, lengths of class means, orthogonality",
        problems,
        |cell: &Setting| predicted(cell, |m| m),
        |cell| constrained(cell).map(|(objective, _, x)| measured(&objective, &x)),
        // Entries that should be 0 are squares near 1e-7.
        |_| Ok(1e-5),
    )
    .wrong("margins that include the classes' share", |cell| {
        let k = cell.counts.len() as f64;
        predicted(cell, |m| m * (1.0 - 1.0 / k))
    })
    .wrong("class means of equal length", |cell| {
        let mut values = predicted(cell, |m| m)?;
        let k = cell.counts.len();
        let mean = values[k..2 * k].iter().sum::<f64>() / k as f64;
        values[k..2 * k].fill(1.1 * mean);
        Ok(values)
    })
    .broken("signs left free", |cell| trained(cell).map(|(objective, end)| measured(&objective, &end.x)));
    Claim {
        id: "NC-18",
        chapter: Chapter::Collapse,
        title: "Cross-entropy with non-negative features",
        statement: "With the constraint $H_1\\ge0$ at depth one the class means are orthogonal with disjoint supports, and $$m_k=\
            \\Big[\\log\\big((K-1)(\\rho_k-1)\\big)\\Big]_+,\\qquad\\rho_k=\\frac{\\sqrt{n_k}}{N\\lambda}\\sqrt{\\frac K{K-1}},\\qquad W\\bar h_k=\
            m_k\\big(e_k-\\tfrac1K\\mathbf 1\\big),$$ with $\\|\\bar h_k\\|^2=m_k\\sqrt{\\lambda_W(K-1)/(\\lambda_Hn_kK)}$.",
        assumptions: "$M=1$, no bias, width at least $K$, any class counts.",
        source: "Dang et al., ICML 2024 (abstract); derived with proof",
        formula: "solvable_theory::collapse::nonnegative_entropy_minimum",
        simulator: "solvable_sim::collapse::NonnegativeFeatures: features as squares of free parameters, L-BFGS",
        checks: vec![Box::new(value), Box::new(geometry)],
    }
}
