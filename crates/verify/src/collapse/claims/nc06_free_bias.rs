//! NC-06: the geometry with a free bias.
use rand_chacha::ChaCha12Rng;
use solvable_linalg::Mat;
use solvable_model::collapse::{Bias, FreeFeaturesLoss};
use solvable_sim::collapse::observe;
use solvable_theory::collapse::class_grams;

use super::common::{Setting, entries, geometry_bound, log_uniform, pick, refused, trained};
use crate::check::{Budget, Identity};
use crate::{Chapter, CheckError, Claim};

fn problems(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![
        // Width K - 1 is enough for the simplex.
        Setting::squared(&[4, 4, 4], &[2], &[0.01], 0.004, rng),
        Setting::squared(&[15, 8, 4, 2], &[5, 4], &[0.003, 0.006], 0.002, rng),
        Setting::squared(&[6, 6, 2, 2, 2], &[5], &[0.004], 0.002, rng),
    ];
    for _ in 0..pick(budget, 1, 12) {
        let weights = [log_uniform(rng, 2e-3, 6e-3), log_uniform(rng, 2e-3, 6e-3)];
        cells.push(Setting::squared(&[9, 6, 4], &[4, 3], &weights, log_uniform(rng, 2e-3, 6e-3), rng));
    }
    cells.into_iter().map(|s| s.with_bias(Bias::Free)).collect()
}

/// W W', H'H, W H of the class means row by row, then the bias.
fn predicted(cell: &Setting) -> Result<Vec<f64>, CheckError> {
    let grams = class_grams(&cell.problem()?).map_err(refused)?;
    let mut values = entries(&grams.classifiers);
    values.extend(entries(&grams.features));
    values.extend(entries(&grams.logits));
    let k = cell.counts.len();
    values.extend(if grams.bias.is_empty() { vec![0.0; k] } else { grams.bias });
    Ok(values)
}

/// The prediction with every Gram matrix replaced by one of the same trace and this shape.
fn shaped(cell: &Setting, shape: impl Fn(usize, usize, f64) -> f64) -> Result<Vec<f64>, CheckError> {
    let grams = class_grams(&cell.problem()?).map_err(refused)?;
    let k = cell.counts.len();
    let mut values = Vec::new();
    for gram in [&grams.classifiers, &grams.features, &grams.logits] {
        let mean = (0..k).map(|i| gram[(i, i)]).sum::<f64>() / k as f64;
        values.extend(entries(&Mat::from_fn(k, k, |i, j| mean * shape(i, j, k as f64))));
    }
    values.extend(grams.bias);
    Ok(values)
}

fn measured(objective: &FreeFeaturesLoss, x: &[f64]) -> Vec<f64> {
    let seen = observe(objective, x);
    let mut values = entries(&seen.classifier_gram());
    values.extend(entries(&seen.feature_gram()));
    values.extend(entries(&seen.logits()));
    values.extend(&seen.bias);
    values
}

pub(super) fn claim() -> Claim {
    let geometry = Identity::new(
        "geometry",
        "Gram matrices of classifier rows and class means, logits, bias",
        problems,
        predicted,
        |cell: &Setting| trained(cell).map(|(objective, end)| measured(&objective, &end.x)),
        geometry_bound,
    )
    .wrong("the simplex also for unequal classes", |cell| {
        shaped(cell, |i, j, k| if i == j { 1.0 } else { -1.0 / (k - 1.0) })
    })
    .wrong("orthogonal, as without bias", |cell| shaped(cell, |i, j, _| f64::from(u8::from(i == j))))
    .wrong("a bias of 1/K", |cell| {
        let mut values = predicted(cell)?;
        let (k, n) = (cell.counts.len(), values.len());
        values[n - k..].fill(1.0 / k as f64);
        Ok(values)
    })
    .broken("the bias regularised", |cell| {
        let corrupted = cell.but(|s| s.bias = Bias::Regularised(0.5));
        trained(&corrupted).map(|(objective, end)| measured(&objective, &end.x))
    });
    Claim {
        id: "NC-06",
        chapter: Chapter::Collapse,
        title: "Geometry with a free bias: simplex when balanced, not otherwise",
        statement: "With a free bias $b=\\mathbf n/N$ and $\\sum_kn_k\\bar h_k=0$. With eigenpairs $(u_j,\\tau_j^2)$ of \
            $D-\\mathbf n\\mathbf n^\\top/N$, $$WW^\\top=N\\lambda_H\\sum_jx_j^Mu_ju_j^\\top,\\qquad W\\bar HD^{1/2}=\\sum_j\
            \\sigma_ju_jr_j^\\top,\\qquad r_j=\\tau_j^{-1}D^{1/2}(I-\\mathbf 1\\mathbf n^\\top/N)u_j.$$ Balanced classes give multiples of $I-J/K$, the simplex equiangular tight frame, already at \
            width $K-1$; unequal classes in general ($K\\ge3$) give neither a simplex nor an orthogonal frame.",
        assumptions: "Squared loss; rank bound at least $K-1$; no tie at a threshold.",
        source: "Derived; balanced case in Dang et al., arXiv 2301.00437; imbalanced with bias in arXiv 2411.17278",
        formula: "solvable_theory::collapse::class_grams",
        simulator: "solvable_sim::collapse::{train, observe}",
        checks: vec![Box::new(geometry)],
    }
}
