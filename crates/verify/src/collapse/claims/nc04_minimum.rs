//! NC-04: the global minimum of the squared loss.
use rand_chacha::ChaCha12Rng;
use solvable_model::Objective;
use solvable_model::collapse::{Bias, FreeFeaturesLoss};
use solvable_sim::collapse::observe;
use solvable_theory::collapse::squared_minimum;

use super::common::{Setting, geometry_bound, log_uniform, pick, refused, trained, value_bound, whole};
use crate::check::{Bound, Budget, Identity};
use crate::{Chapter, CheckError, Claim};

/// Depths, bottlenecks, ties, unequal weights, dead classes, both biases; then random problems away from thresholds.
fn problems(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![
        Setting::squared(&[8, 5, 3, 1], &[6], &[0.01], 0.002, rng),
        Setting::squared(&[8, 5, 3, 1], &[2], &[0.01], 0.002, rng),
        Setting::squared(&[8, 5, 3, 1], &[6, 5], &[0.005, 0.01], 0.002, rng).with_bias(Bias::Free),
        Setting::squared(&[8, 5, 5, 1], &[5, 3, 6], &[0.005, 0.01, 0.003], 0.002, rng),
        Setting::squared(&[6, 6, 6, 6], &[5, 2], &[0.005, 0.01], 0.002, rng).with_bias(Bias::Free),
    ];
    for i in 0..pick(budget, 3, 20) {
        let classes = whole(rng, 2, 4);
        let counts: Vec<usize> = (0..classes).map(|_| whole(rng, 1, 6)).collect();
        let depth = whole(rng, 1, 3);
        let widths: Vec<usize> = (0..depth).map(|_| whole(rng, 1, 6)).collect();
        let weights: Vec<f64> = (0..depth).map(|_| log_uniform(rng, 2e-3, 2e-2)).collect();
        let features = log_uniform(rng, 2e-3, 2e-2);
        let bias = if i % 2 == 0 { Bias::None } else { Bias::Free };
        let setting = Setting::squared(&counts, &widths, &weights, features, rng).with_bias(bias);
        if decided(&setting) {
            cells.push(setting);
        }
    }
    cells
}

/// No learnable direction within 20% of its threshold in beta: there the last starts that find the global minimum
/// get rare, and both answers nearly agree.
fn decided(setting: &Setting) -> bool {
    let Ok(minimum) = setting.problem().and_then(|p| squared_minimum(&p).map_err(refused)) else {
        return false;
    };
    let m = setting.depth() as f64;
    let critical = (m - 1.0).powf((m - 1.0) / m) / m;
    minimum.modes.iter().all(|mode| (mode.beta / critical - 1.0).abs() > 0.2)
}

fn minimum_of(setting: &Setting) -> Result<f64, CheckError> {
    Ok(squared_minimum(&setting.problem()?).map_err(refused)?.value())
}

fn predicted_modes(setting: &Setting) -> Result<Vec<f64>, CheckError> {
    Ok(squared_minimum(&setting.problem()?)
        .map_err(refused)?
        .modes
        .iter()
        .map(|m| m.singular_value)
        .collect())
}

fn trained_modes(setting: &Setting) -> Result<Vec<f64>, CheckError> {
    let (objective, end) = trained(setting)?;
    let mut values = observe(&objective, &end.x).logit_singular_values(&setting.counts).map_err(refused)?;
    values.resize(setting.counts.len(), 0.0);
    Ok(values)
}

/// A tiny problem for the search, in W (or its layers) and H_1.
fn tiny(depth: usize) -> impl Fn(Budget, &mut ChaCha12Rng) -> Vec<Setting> {
    move |_, rng| {
        let weights = vec![log_uniform(rng, 0.03, 0.06); depth];
        let features = log_uniform(rng, 0.03, 0.06);
        vec![Setting::squared(&[2, 1], &vec![1; depth], &weights, features, rng)]
    }
}

fn value_at(objective: &FreeFeaturesLoss, x: &[f64]) -> f64 {
    let point: Vec<f64> = x.iter().map(|v| 4.0 * v - 2.0).collect();
    objective.value(&point, &mut objective.work())
}

fn never_below(depth: usize, name: &'static str) -> Bound<Setting> {
    Bound::new(
        name,
        "minimum over the objective at raw parameters",
        tiny(depth),
        5 + (depth - 1),
        |cell, _| Ok(Some(1.0 / minimum_of(cell)?)),
        |cell, x| Ok(Some(1.0 / value_at(&cell.objective()?, x))),
        256.0 * f64::EPSILON,
    )
    .tight(0.05)
    .search(4, 3_000, 60_000)
    .wrong("the data term without 1/N", |cell, _| {
        let n = cell.total();
        let unscaled = cell.but(|s| {
            s.lambda_h /= n;
            s.lambda_w.iter_mut().for_each(|l| *l /= n);
        });
        Ok(Some(1.0 / (n * minimum_of(&unscaled)?)))
    })
    .wrong("every direction dead", |_, _| Ok(Some(2.0)))
    .broken("features without their decay", |cell, x| {
        let free = cell.but(|s| s.lambda_h = 1e-12);
        Ok(Some(1.0 / value_at(&free.objective()?, x)))
    })
}

pub(super) fn claim() -> Claim {
    let value = Identity::new(
        "trained-value",
        "best of several trainings of the raw parameters against the formula",
        problems,
        |cell: &Setting| Ok(vec![minimum_of(cell)?]),
        |cell| Ok(vec![trained(cell)?.1.value]),
        value_bound,
    )
    .wrong("the bottleneck ignored", |cell| {
        Ok(vec![minimum_of(&cell.but(|s| s.widths.iter_mut().for_each(|d| *d = s.counts.len())))?])
    })
    .wrong("the bias forgotten", |cell| Ok(vec![minimum_of(&cell.but(|s| s.bias = Bias::None))?]))
    .wrong("the product of the layers' weights alone", |cell| {
        Ok(vec![minimum_of(&cell.but(|s| s.lambda_h = s.lambda_w[0]))?])
    })
    .broken("the decay of the features doubled", |cell| {
        Ok(vec![trained(&cell.but(|s| s.lambda_h *= 2.0))?.1.value])
    });
    let modes = Identity::new(
        "trained-singular-values",
        "singular values of the trained logits",
        problems,
        predicted_modes,
        trained_modes,
        geometry_bound,
    )
    .wrong("the targets themselves, without shrinkage", |cell| {
        let minimum = squared_minimum(&cell.problem()?).map_err(refused)?;
        Ok(minimum.modes.iter().map(|m| if m.x > 0.0 { m.target } else { 0.0 }).collect())
    })
    .wrong("soft thresholding at every depth", |cell| {
        let minimum = squared_minimum(&cell.problem()?).map_err(refused)?;
        let l = cell.depth() as f64 + 1.0;
        let shift = cell.total() * cell.product().powf(1.0 / l);
        Ok(minimum.modes.iter().map(|m| if m.x > 0.0 { (m.target - shift).max(0.0) } else { 0.0 }).collect())
    })
    .broken("one layer's decay dropped to a tenth", |cell| {
        trained_modes(&cell.but(|s| s.lambda_w[0] *= 0.1))
    });
    Claim {
        id: "NC-04",
        chapter: Chapter::Collapse,
        title: "Global minimum of the squared loss",
        statement: "With targets $\\tau_1\\ge\\tau_2\\ge\\dots$ and $R=\\min(K,d_M,\\dots,d_1)$, $$f^\\star=\\sum_{j\\le R}\
            \\min_{x\\ge0}\\frac{\\tau_j^2}{2N}\\Big(\\frac1{1+x^M}+\\beta_jx\\Big)+\\sum_{j>R}\\frac{\\tau_j^2}{2N}.$$ \
            No parameters have a smaller objective.",
        assumptions: "Any depth, widths, class counts and positive regularisations; no bias or a free one.",
        source: "Derived; Dang et al., arXiv 2301.00437, state the balanced and the bias-free imbalanced cases",
        formula: "solvable_theory::collapse::squared_minimum",
        simulator: "solvable_sim::collapse::train: raw W_M..W_1, H_1, b from random starts",
        checks: vec![
            Box::new(value),
            Box::new(modes),
            Box::new(never_below(1, "never-below-depth-one")),
            Box::new(never_below(2, "never-below-depth-two")),
            super::enclosures::squared_minimum(),
        ],
    }
}
