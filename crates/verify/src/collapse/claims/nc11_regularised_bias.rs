//! NC-11: a regularised bias interpolates from the simplex to the orthogonal frame.
use rand_chacha::ChaCha12Rng;
use solvable_model::collapse::{Bias, FreeFeaturesLoss};
use solvable_sim::collapse::{Training, observe, train_all};
use solvable_theory::collapse::{RegularisedBiasMinimum, regularised_bias_minimum};

use super::common::{Setting, geometry_bound, log_uniform, pick, refused, trained, value_bound, whole};
use crate::check::{Budget, Identity, Observation, Seen};
use crate::{Chapter, CheckError, Claim};

fn problems(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![
        Setting::squared(&[5; 4], &[4], &[0.01], 0.005, rng).with_bias(Bias::Regularised(0.3)),
        Setting::squared(&[5; 4], &[5], &[0.01], 0.005, rng).with_bias(Bias::Regularised(0.02)),
    ];
    for _ in 0..pick(budget, 2, 16) {
        let (k, n) = (whole(rng, 2, 4), whole(rng, 1, 4));
        let lambda_b = log_uniform(rng, 0.05, 20.0);
        let setting = Setting::squared(&vec![n; k], &[k], &[log_uniform(rng, 4e-3, 2e-2)], 0.01, rng)
            .with_bias(Bias::Regularised(lambda_b));
        // Near the common direction's own threshold its curvature vanishes.
        let kappa = lambda_b / (1.0 + lambda_b);
        let distance = setting.total() * setting.product().sqrt() / (kappa * (n as f64).sqrt()) - 1.0;
        if distance.abs() > 0.1 {
            cells.push(setting);
        }
    }
    cells
}

fn theory(cell: &Setting) -> Result<RegularisedBiasMinimum, CheckError> {
    regularised_bias_minimum(&cell.problem()?).map_err(refused)
}

/// Contrast and common singular value, the bias, and the cosine between class means.
fn predicted(cell: &Setting) -> Result<Vec<f64>, CheckError> {
    let m = theory(cell)?;
    Ok(vec![m.contrast, m.common, m.bias_entry, m.feature_cosine.unwrap_or(0.0)])
}

fn measured(objective: &FreeFeaturesLoss, x: &[f64]) -> Vec<f64> {
    let seen = observe(objective, x);
    let counts = objective.problem().classes().counts();
    let (k, root) = (counts.len() as f64, (counts[0] as f64).sqrt());
    let (z, h) = (seen.logits(), seen.feature_gram());
    // Z = a (I - J/K) + c J/K on class columns, each scaled by sqrt(n).
    let common: f64 =
        (0..counts.len()).map(|j| (0..counts.len()).map(|i| z[(i, j)]).sum::<f64>()).sum::<f64>() / k;
    let trace: f64 = (0..counts.len()).map(|i| z[(i, i)]).sum();
    let contrast = (trace - common) / (k - 1.0);
    vec![root * contrast, root * common, seen.bias[0], h[(0, 1)] / (h[(0, 0)] * h[(1, 1)]).sqrt()]
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
    .wrong("lambda_b for lambda_b/(1 + lambda_b)", |cell| {
        let weight = cell.bias.weight();
        // A weight whose kappa is the given lambda_b, where there is one.
        let inflated = if weight < 0.9 { weight / (1.0 - weight) } else { 10.0 * weight };
        Ok(vec![theory(&cell.but(|s| s.bias = Bias::Regularised(inflated)))?.optimality.value])
    })
    .wrong("the bias free", |cell| Ok(vec![theory(&cell.but(|s| s.bias = Bias::Free))?.optimality.value]))
    .broken("the penalty of the bias without its half", |cell| {
        let doubled = cell.but(|s| s.bias = Bias::Regularised(2.0 * s.bias.weight()));
        Ok(vec![trained(&doubled)?.1.value])
    });
    let geometry = Identity::new(
        "trained-geometry",
        "contrast and common singular values, bias, cosine between classes",
        problems,
        predicted,
        |cell: &Setting| trained(cell).map(|(objective, end)| measured(&objective, &end.x)),
        geometry_bound,
    )
    .wrong("the simplex whatever the weight", |cell| {
        let mut values = predicted(cell)?;
        values[1] = 0.0;
        values[3] = -1.0 / (cell.counts.len() as f64 - 1.0);
        Ok(values)
    })
    .wrong("the common direction shrunk like the others", |cell| {
        let mut values = predicted(cell)?;
        values[1] = values[0];
        Ok(values)
    })
    .wrong("a bias of 1/K", |cell| {
        let mut values = predicted(cell)?;
        values[2] = 1.0 / cell.counts.len() as f64;
        Ok(values)
    })
    .broken("the bias trained without penalty", |cell| {
        trained(&cell.but(|s| s.bias = Bias::Free)).map(|(objective, end)| measured(&objective, &end.x))
    });
    let deep = Observation::new(
        "deep-candidate",
        "depth two: best of several trainings minus the candidate, relative",
        |_, rng| {
            vec![
                Setting::squared(&[4; 3], &[3, 3], &[0.006, 0.004], 0.005, rng)
                    .with_bias(Bias::Regularised(0.3)),
            ]
        },
        |cell: &Setting, seed, budget| {
            let starts = pick(budget, 8, 40);
            let ends = train_all(&cell.objective()?, &Training::new(starts, seed)).map_err(refused)?;
            let best = ends.iter().map(|e| e.value).fold(f64::INFINITY, f64::min);
            let candidate = theory(cell)?.optimality.value;
            let half_width = value_bound(cell)?;
            Ok(Seen { value: best / candidate - 1.0, half_width, count: starts as u64 })
        },
    );
    Claim {
        id: "NC-11",
        chapter: Chapter::Collapse,
        title: "Regularised bias: from simplex to orthogonal frame",
        statement: "Balanced classes, $\\kappa=\\lambda_b/(1+\\lambda_b)$: the $K-1$ contrast directions have \
            $\\sigma=(\\sqrt n-N\\lambda)_+$, the common one $\\sigma_0=(\\sqrt n-N\\lambda/\\kappa)_+$, and $$b=\\frac{1-\\sigma_0/\\sqrt n}\
            {K(1+\\lambda_b)}\\mathbf 1.$$ Class means form a simplex as long as $\\kappa\\le N\\lambda/\\sqrt n$ and tend to an orthogonal \
            frame as $\\lambda_b\\to\\infty$.",
        assumptions: "Squared loss, $M=1$, $\\lambda=\\sqrt{\\lambda_W\\lambda_H}$. At depth two and more the analogous value is a \
            candidate, compared with trainings but not proved.",
        source: "Derived",
        formula: "solvable_theory::collapse::regularised_bias_minimum",
        simulator: "solvable_sim::collapse::{train, observe}",
        checks: vec![Box::new(value), Box::new(geometry), Box::new(deep)],
    }
}
