//! NC-21: variability within classes along gradient flow.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_model::collapse::{Bias, FreeFeaturesLoss};
use solvable_sim::collapse::{dense_metrics, flow_states, spread_start, within_norm};
use solvable_theory::collapse::{WithinClassRates, within_class_rates};

use super::common::{Setting, log_uniform, pick, refused};
use crate::check::{Bound, Budget, Identity};
use crate::{Chapter, CheckError, Claim};

fn flows(_: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    vec![
        Setting::squared(&[3, 2, 2], &[4], &[0.05], 0.08, rng),
        Setting::squared(&[3, 2], &[3, 3], &[0.03, 0.06], 0.1, rng).with_bias(Bias::Free),
    ]
}

/// Size of the start and time, from the unit square.
fn unit(x: &[f64]) -> (f64, f64) {
    (0.05 + 3.0 * x[0], 0.2 + 6.0 * x[1])
}

/// `|H_w(t)| / |H_w(0)|`.
fn ratio(cell: &Setting, x: &[f64]) -> Result<f64, CheckError> {
    let (size, time) = unit(x);
    let objective = cell.objective()?;
    let mut rng = ChaCha12Rng::seed_from_u64(cell.seed);
    let start = spread_start(objective.layout(), size, &mut rng);
    let states = flow_states(&objective, &start, &[time]).map_err(refused)?;
    Ok(within_norm(&objective, &states[0]) / within_norm(&objective, &start))
}

/// Depth one, unused directions, all classes alive.
fn rates_cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![Setting::squared(&[4, 3, 2], &[5], &[0.03], 0.02, rng)];
    for _ in 0..pick(budget, 1, 6) {
        let features = log_uniform(rng, 0.02, 0.025);
        cells.push(Setting::squared(&[4, 4, 3], &[5], &[log_uniform(rng, 0.03, 0.04)], features, rng));
    }
    cells
}

fn rates(cell: &Setting) -> Result<WithinClassRates, CheckError> {
    within_class_rates(&cell.problem()?).map_err(refused)
}

fn smallest_rate(r: &WithinClassRates) -> f64 {
    r.rates.iter().copied().fold(f64::INFINITY, f64::min)
}

fn nc1(objective: &FreeFeaturesLoss, x: &[f64]) -> Result<f64, CheckError> {
    let (layout, labels) = (objective.layout(), objective.labels());
    let classifier = layout.classifier(x);
    let bias = vec![0.0; classifier.nrows()];
    Ok(dense_metrics(layout.features(x), labels, classifier.as_ref(), &bias)?.nc1)
}

/// Slopes of `log |H_w|` and of `log NC1` between two late times.
fn slopes(cell: &Setting) -> Result<Vec<f64>, CheckError> {
    let objective = cell.objective()?;
    let mut rng = ChaCha12Rng::seed_from_u64(cell.seed);
    let start = spread_start(objective.layout(), 2.0, &mut rng);
    // NC1 has fallen to e^-36 and e^-42: its corrections are dead, its rounding (1e-21) is not yet reached.
    let rate = 2.0 * (cell.lambda_w[0] + 2.0 * cell.lambda_h);
    let times = [36.0 / rate, 42.0 / rate];
    let states = flow_states(&objective, &start, &times).map_err(refused)?;
    let slope = |a: f64, b: f64| (b / a).ln() / (times[1] - times[0]);
    Ok(vec![
        slope(within_norm(&objective, &states[0]), within_norm(&objective, &states[1])),
        slope(nc1(&objective, &states[0])?, nc1(&objective, &states[1])?),
    ])
}

pub(super) fn claim() -> Claim {
    let bound = Bound::new(
        "every-trajectory",
        "within-class norm times e^(lambda_H t) over its initial value",
        flows,
        2,
        |cell: &Setting, x| Ok(Some((-cell.lambda_h * unit(x).1).exp())),
        |cell, x| Ok(Some(ratio(cell, x)?)),
        // The flow is integrated to a relative tolerance of 1e-12 a step.
        1e-9,
    )
    .tight(0.05)
    .search(2, 60, 600)
    .wrong("rate 2 lambda_H", |cell, x| Ok(Some((-2.0 * cell.lambda_h * unit(x).1).exp())))
    .wrong("the rate of the used directions at the minimum", |cell, x| {
        let rate = 0.5 * (cell.counts[0] as f64).sqrt() / cell.total();
        Ok(Some((-(cell.lambda_h + rate) * unit(x).1).exp()))
    })
    .broken("features trained with a tenth of the decay", |cell, x| {
        Ok(Some(ratio(&cell.but(|s| s.lambda_h *= 0.1), x)?))
    });
    let late = Identity::new(
        "late-slopes",
        "slopes of log |H_w| and of log NC1 at late times",
        rates_cells,
        |cell: &Setting| {
            let r = rates(cell)?;
            Ok(vec![-r.null_rate, -r.nc1_rate.unwrap_or(f64::NAN)])
        },
        slopes,
        // Corrections fall as e^(-2 lambda_H t) or faster, 1e-4 at these times, times the size of the start.
        |_| Ok(5e-3),
    )
    .wrong("NC1 falls at 2 lambda_H", |cell| {
        let r = rates(cell)?;
        Ok(vec![-r.null_rate, -2.0 * r.null_rate])
    })
    .wrong("the used directions decide both", |cell| {
        let r = rates(cell)?;
        Ok(vec![-smallest_rate(&r), -2.0 * smallest_rate(&r)])
    })
    .broken("no unused directions", |cell| slopes(&cell.but(|s| s.widths = vec![s.counts.len()])));
    Claim {
        id: "NC-21",
        chapter: Chapter::Collapse,
        title: "Variability within classes, and the blind spot of NC1",
        statement: "The within-class part $H_w$ of the features obeys $\\dot H_w=-(\\frac1NW^\\top W+\\lambda_HI)H_w$, hence \
            $\\|H_w(t)\\|\\le e^{-\\lambda_Ht}\\|H_w(0)\\|$ on every trajectory, whatever depth and bias. Near the minimum the component \
            along class $k$ decays at $\\rho_k=\\lambda_H(1+x_k^M)$ and that along unused directions at $\\lambda_H$. NC1 does not see \
            these: at depth one, with all classes alive, it falls as $$\\mathrm{NC1}\\sim e^{-2\\min(\\min_k\\rho_k,\\,\\lambda_W+2\\lambda_H)t}.$$",
        assumptions: "Squared loss. The slope of NC1 needs $M=1$, no bias, $d_1>K$.",
        source: "Derived",
        formula: "solvable_theory::collapse::within_class_rates",
        simulator: "solvable_sim::collapse::flow_states; norms and dense metrics of the states",
        checks: vec![Box::new(bound), Box::new(late)],
    }
}
