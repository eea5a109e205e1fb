//! NC-12: cross-entropy on balanced classes at depth one.
use rand_chacha::ChaCha12Rng;
use solvable_model::collapse::{Bias, FreeFeaturesLoss};
use solvable_sim::collapse::observe;
use solvable_theory::collapse::{BalancedEntropyMinimum, balanced_entropy_minimum};

use super::common::{Setting, geometry_bound, log_uniform, pick, refused, trained, value_bound, whole};
use crate::check::{Budget, Identity};
use crate::{Chapter, CheckError, Claim};

/// Alive and dead, all biases, width K - 1 and more.
fn problems(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![
        Setting::squared(&[5; 4], &[3], &[0.01], 0.005, rng),
        Setting::squared(&[4; 3], &[4], &[0.01], 0.02, rng).with_bias(Bias::Free),
        Setting::squared(&[4; 3], &[4], &[0.2], 0.3, rng),
    ];
    for i in 0..pick(budget, 2, 16) {
        let (k, n) = (whole(rng, 2, 5), whole(rng, 1, 4));
        let bias = if i % 2 == 0 { Bias::None } else { Bias::Regularised(0.1) };
        let weights = [log_uniform(rng, 4e-3, 3e-2)];
        cells.push(Setting::squared(&vec![n; k], &[k], &weights, 0.01, rng).with_bias(bias));
    }
    cells.into_iter().map(Setting::cross_entropy).collect()
}

fn theory(cell: &Setting) -> Result<BalancedEntropyMinimum, CheckError> {
    balanced_entropy_minimum(&cell.problem()?).map_err(refused)
}

/// Own logit less another, W W' and H'H: a diagonal and an off-diagonal entry each; the bias.
fn predicted(cell: &Setting, margin: impl Fn(f64) -> f64) -> Result<Vec<f64>, CheckError> {
    let m = theory(cell)?;
    let k = cell.counts.len() as f64;
    let (w, h) = (m.classifier_scale, m.feature_scale);
    Ok(vec![margin(m.margin), w * (1.0 - 1.0 / k), -w / k, h * (1.0 - 1.0 / k), -h / k])
}

fn measured(objective: &FreeFeaturesLoss, x: &[f64]) -> Vec<f64> {
    let seen = observe(objective, x);
    let (z, w, h) = (seen.logits(), seen.classifier_gram(), seen.feature_gram());
    vec![z[(0, 0)] - z[(1, 0)], w[(0, 0)], w[(0, 1)], h[(1, 1)], h[(1, 0)]]
}

fn per_sample(cell: &Setting) -> f64 {
    cell.product().sqrt() * (cell.counts[0] as f64).sqrt()
}

pub(super) fn claim() -> Claim {
    let value = Identity::new(
        "trained-value",
        "best of several trainings against the formula",
        problems,
        |cell: &Setting| Ok(vec![theory(cell)?.optimality.value]),
        |cell| Ok(vec![trained(cell)?.1.value]),
        value_bound,
    )
    .wrong("the penalty of K directions", |cell| {
        let m = theory(cell)?;
        Ok(vec![m.optimality.value + per_sample(cell) * m.margin])
    })
    .wrong("the data term alone", |cell| {
        let m = theory(cell)?;
        let k = cell.counts.len() as f64;
        Ok(vec![m.optimality.value - (k - 1.0) * per_sample(cell) * m.margin])
    })
    .broken("losses summed, not averaged", |cell| {
        let n = cell.total();
        let summed = cell.but(|s| {
            s.lambda_h /= n;
            s.lambda_w.iter_mut().for_each(|l| *l /= n);
        });
        Ok(vec![trained(&summed)?.1.value])
    });
    let geometry = Identity::new(
        "trained-geometry",
        "margin, Gram matrices of classifier rows and class means",
        problems,
        |cell: &Setting| predicted(cell, |m| m),
        |cell| trained(cell).map(|(objective, end)| measured(&objective, &end.x)),
        // Softmax weights e^-m make the curvature of the margin smaller than the regularisation by up to that factor.
        |cell| Ok(100.0 * geometry_bound(cell)?),
    )
    .wrong("log(1/(lambda sqrt n)) without the other classes", |cell| {
        predicted(cell, |_| (1.0 / per_sample(cell)).ln())
    })
    .wrong("a margin counted as own logit", |cell| {
        let k = cell.counts.len() as f64;
        predicted(cell, |m| m * (1.0 - 1.0 / k))
    })
    .wrong("classifier and features exchanged", |cell| {
        let mut values = predicted(cell, |m| m)?;
        values.swap(1, 3);
        values.swap(2, 4);
        Ok(values)
    })
    .broken("squared loss trained", |cell| {
        let other = cell.but(|s| s.loss = solvable_model::collapse::ClassLoss::Squared);
        trained(&other).map(|(objective, end)| measured(&objective, &end.x))
    });
    Claim {
        id: "NC-12",
        chapter: Chapter::Collapse,
        title: "Cross-entropy at depth one, balanced: the simplex",
        statement: "For width at least $K-1$ and any bias, $$m^\\star=\\max\\Big(0,\\log\\big(\\tfrac1{\\lambda\\sqrt n}-K+1\\big)\\Big),\\qquad \
            f^\\star=\\log(1+(K-1)e^{-m^\\star})+\\lambda(K-1)\\sqrt n\\,m^\\star,$$ with $Z^\\star=m^\\star(I-J/K)Y$, nonzero exactly when \
            $K\\lambda\\sqrt n<1$.",
        assumptions: "$M=1$, $\\lambda=\\sqrt{\\lambda_W\\lambda_H}$, all $n_k=n$.",
        source: "Zhu et al., arXiv 2105.02375; derived (Jensen and the nuclear norm)",
        formula: "solvable_theory::collapse::balanced_entropy_minimum",
        simulator: "solvable_sim::collapse::{train, observe}",
        checks: vec![Box::new(value), Box::new(geometry), super::enclosures::balanced_value()],
    }
}
