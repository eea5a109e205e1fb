//! NC-09: exact identities at every critical point, and all minimisers.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::{frobenius_norm, matmul, symmetric_eigenvalues, transpose_matmul};
use solvable_model::collapse::{Bias, FreeFeaturesLoss};
use solvable_sim::collapse::{
    Training, balanced_start, descended, factor_singular_values, observe, spread_start, train_all,
};
use solvable_theory::collapse::squared_minimum;

use super::common::{Setting, entries, geometry_bound, log_uniform, pick, refused, trained};
use crate::check::{Budget, Identity};
use crate::{Chapter, CheckError, Claim};

/// Both losses, all biases, several depths; any critical point will do.
fn problems(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![
        Setting::squared(&[5, 3, 2], &[4, 3], &[0.01, 0.02], 0.005, rng).with_bias(Bias::Free),
        Setting::squared(&[4, 2, 2], &[4, 3], &[0.006, 0.004], 0.002, rng).cross_entropy(),
        Setting::squared(&[4, 2, 1], &[4], &[0.01], 0.02, rng)
            .with_bias(Bias::Regularised(0.1))
            .cross_entropy(),
    ];
    for _ in 0..pick(budget, 1, 10) {
        let weights: Vec<f64> = (0..3).map(|_| log_uniform(rng, 3e-3, 1e-2)).collect();
        cells.push(Setting::squared(&[4, 3, 3], &[3, 4, 3], &weights, log_uniform(rng, 3e-3, 1e-2), rng));
    }
    cells
}

/// Spectra of `mu A'A` and of `nu B B'` for all neighbours A, B of one parameter vector; `upper` chooses the former.
fn spectra(
    objective: &FreeFeaturesLoss,
    x: &[f64],
    weights: &[f64],
    upper: bool,
) -> Result<Vec<f64>, CheckError> {
    let factors = objective.layout().factors();
    let mut values = Vec::new();
    for (pair, weight) in factors.windows(2).zip(weights.windows(2)) {
        let (gram, weight) = if upper {
            let a = pair[0].view(x);
            (transpose_matmul(a, a), weight[0])
        } else {
            let b = pair[1].view(x);
            (matmul(b, b.transpose()), weight[1])
        };
        values.extend(symmetric_eigenvalues(gram.as_ref())?.into_iter().map(|v| v * weight));
    }
    Ok(values)
}

/// The spectra at all end points of a few trainings, local minima included.
fn at_critical_points(cell: &Setting, weights: &[f64], upper: bool) -> Result<Vec<f64>, CheckError> {
    let objective = cell.objective()?;
    let mut values = Vec::new();
    for end in train_all(&objective, &Training::new(3, cell.seed)).map_err(refused)? {
        values.extend(spectra(&objective, &end.x, weights, upper)?);
    }
    Ok(values)
}

/// Entries of the difference of the two sides, relative to the upper one's norm, at a Gaussian start trained a while.
fn unfinished(cell: &Setting) -> Result<Vec<f64>, CheckError> {
    let objective = cell.objective()?;
    let mut values = Vec::new();
    for stream in 0..3 {
        let mut rng = ChaCha12Rng::seed_from_u64(cell.seed);
        rng.set_stream(stream);
        let start = spread_start(objective.layout(), 2.0, &mut rng);
        let x = descended(&objective, &start, 0.1, 200).map_err(refused)?;
        values.extend(spectra(&objective, &x, &cell.lambdas(), false)?);
    }
    Ok(values)
}

/// Singular values of all factors, then the entries of Z in class means.
fn factors_of(objective: &FreeFeaturesLoss, x: &[f64], rank: usize) -> Result<Vec<f64>, CheckError> {
    let mut values = Vec::new();
    for factor in factor_singular_values(objective, x)? {
        values.extend(factor.into_iter().chain(std::iter::repeat(0.0)).take(rank));
    }
    values.extend(entries(&observe(objective, x).logits()));
    Ok(values)
}

/// The prediction: layer energies shared through the weights; bias-free logits of the means are diagonal.
fn predicted(cell: &Setting, energy: impl Fn(f64, f64) -> f64) -> Result<Vec<f64>, CheckError> {
    let minimum = squared_minimum(&cell.problem()?).map_err(refused)?;
    let mut values = Vec::new();
    for lambda in cell.lambdas() {
        values.extend(minimum.modes.iter().map(|m| energy(m.layer_energy, lambda)));
    }
    let k = cell.counts.len();
    for i in 0..k {
        for j in 0..k {
            // Modes come largest first, and so do the classes of these cells.
            values.push(if i == j { minimum.modes[i].alignment } else { 0.0 });
        }
    }
    Ok(values)
}

fn squared_problems(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![
        Setting::squared(&[6, 3, 2], &[4, 3], &[0.008, 0.004], 0.002, rng),
        Setting::squared(&[4, 4], &[3, 2, 3], &[0.004, 0.006, 0.003], 0.005, rng),
    ];
    for _ in 0..pick(budget, 1, 10) {
        cells.push(Setting::squared(&[5, 4], &[3], &[log_uniform(rng, 5e-3, 3e-2)], 0.004, rng));
    }
    cells
}

pub(super) fn claim() -> Claim {
    let balance = Identity::new(
        "balance",
        "spectra of neighbouring factors at trained points, global or not",
        problems,
        |cell: &Setting| at_critical_points(cell, &cell.lambdas(), true),
        |cell| at_critical_points(cell, &cell.lambdas(), false),
        geometry_bound,
    )
    .wrong("the weights forgotten", |cell| {
        at_critical_points(cell, &vec![cell.lambda_h; cell.lambdas().len()], true)
    })
    .wrong("the weights exchanged", |cell| {
        let reversed: Vec<f64> = cell.lambdas().into_iter().rev().collect();
        at_critical_points(cell, &reversed, true)
    })
    .broken("a training stopped early", unfinished);
    let unique = Identity::new(
        "minimisers",
        "singular values of every factor and the logits, the same from all starts",
        squared_problems,
        |cell: &Setting| predicted(cell, |q, lambda| (q / lambda).sqrt()),
        |cell| {
            let (objective, end) = trained(cell)?;
            factors_of(&objective, &end.x, cell.counts.len())
        },
        geometry_bound,
    )
    .wrong("energies shared without regard to the weights", |cell| {
        let l = cell.depth() as f64 + 1.0;
        let mean = cell.product().powf(1.0 / l);
        predicted(cell, |q, _| (q / mean).sqrt())
    })
    .wrong("the energy for its root", |cell| predicted(cell, |q, lambda| q / lambda))
    .broken("a balanced start, not trained", |cell| {
        let objective = cell.objective()?;
        let mut rng = ChaCha12Rng::seed_from_u64(cell.seed);
        let x = balanced_start(&objective, 0.5, &mut rng)?;
        factors_of(&objective, &x, cell.counts.len())
    });
    let gauge = Identity::new(
        "gauge",
        "objective after rotating the hidden units",
        squared_problems,
        |cell: &Setting| Ok(vec![trained(cell)?.1.value]),
        |cell| rotated(cell, true),
        super::common::value_bound,
    )
    .wrong("the penalty of the rotated factors doubled", |cell| {
        let (objective, end) = trained(cell)?;
        let norm: f64 = objective
            .layout()
            .factors()
            .iter()
            .zip(cell.lambdas())
            .map(|(f, l)| 0.5 * l * frobenius_norm(f.view(&end.x)).powi(2))
            .sum();
        Ok(vec![end.value + norm])
    })
    .wrong("the data term alone", |cell| {
        let (_, end) = trained(cell)?;
        let minimum = squared_minimum(&cell.problem()?).map_err(refused)?;
        let l = cell.depth() as f64 + 1.0;
        Ok(vec![end.value - 0.5 * l * minimum.modes.iter().map(|m| m.layer_energy).sum::<f64>()])
    })
    .broken("one side rotated only", |cell| rotated(cell, false));
    Claim {
        id: "NC-09",
        chapter: Chapter::Collapse,
        title: "Balance of layers at every critical point",
        statement: "At every critical point, for any loss and depth, $$\\lambda_{W_{m+1}}W_{m+1}^\\top W_{m+1}=\\lambda_{W_m}W_m\
            W_m^\\top,\\qquad\\lambda_{W_1}W_1^\\top W_1=\\lambda_HH_1H_1^\\top.$$ Global minimisers of the squared loss share \
            $Z^\\star$ and differ by rotations of the hidden units only: $W_m\\to Q_{m+1}W_mQ_m^\\top$, $H_1\\to Q_1H_1$.",
        assumptions: "Positive regularisations; uniqueness of $Z^\\star$ without bottleneck and threshold ties.",
        source: "Derived",
        formula: "solvable_theory::collapse::squared_minimum (layer energies)",
        simulator: "solvable_sim::collapse::{train_all, factor_singular_values}",
        checks: vec![Box::new(balance), Box::new(unique), Box::new(gauge)],
    }
}

/// The objective after `W_1 -> W_1 Q'`, and `H_1 -> Q H_1` if both sides are rotated. Q is a rotation of two units.
fn rotated(cell: &Setting, both: bool) -> Result<Vec<f64>, CheckError> {
    use solvable_model::Objective;
    let (objective, mut end) = trained(cell)?;
    let factors = objective.layout().factors();
    let (weights, features) = (factors[factors.len() - 2], factors[factors.len() - 1]);
    let (c, s) = (0.6, 0.8);
    for row in end.x[weights.range()].chunks_exact_mut(weights.columns) {
        (row[0], row[1]) = (c * row[0] + s * row[1], c * row[1] - s * row[0]);
    }
    if both {
        let start = features.offset;
        for i in 0..features.columns {
            let (a, b) = (end.x[start + i], end.x[start + features.columns + i]);
            end.x[start + i] = c * a + s * b;
            end.x[start + features.columns + i] = c * b - s * a;
        }
    }
    Ok(vec![objective.value(&end.x, &mut objective.work())])
}
