//! NC-20: the balancedness law along gradient flow.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::{Mat, trace_product};
use solvable_model::Objective;
use solvable_model::collapse::{Bias, FreeFeaturesLoss};
use solvable_sim::collapse::{balance, descended, runge_kutta4, spread_start};
use solvable_theory::collapse::imbalance_at;

use super::common::{Setting, entries, log_uniform, pick, refused};
use crate::check::{Budget, Contraction, Identity, Limit};
use crate::{Chapter, CheckError, Claim};

/// Both losses, equal weights.
fn flows(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let lambda = log_uniform(rng, 0.05, 0.1);
    let mut cells = vec![
        Setting::squared(&[3, 2, 1], &[3, 4, 3], &[lambda; 3], lambda, rng),
        Setting::squared(&[2, 2], &[3, 2], &[lambda; 2], lambda, rng).with_bias(Bias::Free).cross_entropy(),
    ];
    cells.truncate(pick(budget, 2, 2));
    cells
}

/// Time of the comparison.
const TIME: f64 = 4.0;

fn start(cell: &Setting) -> Result<(FreeFeaturesLoss, Vec<f64>), CheckError> {
    let objective = cell.objective()?;
    let mut rng = ChaCha12Rng::seed_from_u64(cell.seed);
    let x = spread_start(objective.layout(), 2.0, &mut rng);
    Ok((objective, x))
}

fn blocks(objective: &FreeFeaturesLoss, x: &[f64]) -> Vec<Mat<f64>> {
    balance(objective, x, &vec![1.0; objective.layout().factors().len()])
}

/// Sum over the blocks of the inner products of symmetric matrices.
fn inner(a: &[Mat<f64>], b: &[Mat<f64>]) -> f64 {
    a.iter().zip(b).map(|(a, b)| trace_product(a.as_ref(), b.as_ref())).sum()
}

fn norm(a: &[Mat<f64>]) -> f64 {
    inner(a, a).sqrt()
}

/// Where the imbalance is observed: along itself at the start, and along the leading error of a step, with the sign that
/// adds up. In a direction that ignores the error its leading term may vanish, and then no order settles.
fn direction(objective: &FreeFeaturesLoss, x: &[f64], euler: bool) -> Result<Vec<Mat<f64>>, CheckError> {
    let initial = blocks(objective, x);
    let coarse = |steps: u64| Ok::<_, CheckError>(blocks(objective, &moved(objective, x, steps, euler)?));
    let (twice, once) = (coarse(256)?, coarse(128)?);
    let error: Vec<Mat<f64>> = twice.iter().zip(&once).map(|(a, b)| a - b).collect();
    let share = inner(&error, &initial).signum() * norm(&initial) / norm(&error);
    let add =
        |b: &Mat<f64>, e: &Mat<f64>| Mat::from_fn(b.nrows(), b.ncols(), |i, j| b[(i, j)] + share * e[(i, j)]);
    Ok(initial.iter().zip(&error).map(|(b, e)| add(b, e)).collect())
}

fn moved(objective: &FreeFeaturesLoss, x: &[f64], steps: u64, euler: bool) -> Result<Vec<f64>, CheckError> {
    if euler {
        descended(objective, x, TIME / steps as f64, steps).map_err(refused)
    } else {
        Ok(runge_kutta4(objective, x, TIME, steps))
    }
}

fn predicted(cell: &Setting, mu: f64, euler: bool) -> Result<f64, CheckError> {
    let (objective, x) = start(cell)?;
    let initial = blocks(&objective, &x);
    let now =
        initial.iter().map(|b| imbalance_at(b, mu, TIME).map_err(refused)).collect::<Result<Vec<_>, _>>()?;
    Ok(inner(&direction(&objective, &x, euler)?, &now) / inner(&initial, &initial))
}

/// The remaining imbalance after ever finer steps of gradient descent, or of the Runge-Kutta method of order 4.
fn stepped(cell: &Setting, corrupt: impl Fn(&mut Setting), euler: bool) -> Result<Vec<f64>, CheckError> {
    let (objective, x) = start(cell)?;
    let initial = blocks(&objective, &x);
    let along = direction(&objective, &x, euler)?;
    let trained = cell.but(corrupt).objective()?;
    let levels = if euler { 5..13 } else { 4..11 };
    levels
        .map(|k| {
            let end = moved(&trained, &x, 1 << k, euler)?;
            Ok(inner(&along, &blocks(&objective, &end)) / inner(&initial, &initial))
        })
        .collect()
}

fn law(euler: bool) -> Limit<Setting> {
    let (name, what, order) = if euler {
        ("gradient-descent", "imbalance left at a time, gradient descent with halving steps", 1.0)
    } else {
        ("order-four", "imbalance left at a time, Runge-Kutta steps of order 4", 4.0)
    };
    Limit::new(
        name,
        what,
        flows,
        move |cell: &Setting| predicted(cell, cell.lambda_h, euler),
        move |cell| stepped(cell, |_| {}, euler),
        move |_| Ok(Contraction::Order { order, tolerance: 0.1 * order }),
        1e-12,
    )
    .wrong("rate mu for 2 mu", move |cell| predicted(cell, 0.5 * cell.lambda_h, euler))
    .wrong("conserved, as without decay", move |cell| predicted(cell, 0.0, euler))
    .broken("one factor without decay", move |cell| stepped(cell, |s| s.lambda_w[0] = 1e-9, euler))
}

fn unequal(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    (0..pick(budget, 2, 12))
        .map(|i| {
            let weights = [log_uniform(rng, 0.01, 1.0), log_uniform(rng, 0.01, 1.0)];
            let features = log_uniform(rng, 0.01, 1.0);
            let setting = Setting::squared(&[3, 2, 2], &[3, 4], &weights, features, rng);
            if i % 2 == 0 { setting } else { setting.with_bias(Bias::Free).cross_entropy() }
        })
        .collect()
}

/// The derivative of the imbalance: minus twice that with the decays as weights.
fn derivative(cell: &Setting, factor: f64, weights: &[f64]) -> Result<Vec<f64>, CheckError> {
    let (objective, x) = start(cell)?;
    let blocks = objective.layout().imbalance(&x, weights)?;
    Ok(blocks.iter().flat_map(|b| entries(b).into_iter().map(|v| factor * v)).collect())
}

/// A symmetric difference along minus the gradient: exact for a quadratic, up to rounding.
fn difference(cell: &Setting, corrupt: impl Fn(&mut Setting)) -> Result<Vec<f64>, CheckError> {
    let (objective, x) = start(cell)?;
    let other = cell.but(corrupt).objective()?;
    let mut gradient = vec![0.0; x.len()];
    other.gradient(&x, &mut gradient, &mut other.work());
    let step = 0.1;
    let at = |sign: f64| {
        let point: Vec<f64> = x.iter().zip(&gradient).map(|(x, g)| x - sign * step * g).collect();
        blocks(&objective, &point)
    };
    let (after, before) = (at(1.0), at(-1.0));
    Ok(after
        .iter()
        .zip(&before)
        .flat_map(|(a, b)| entries(a).into_iter().zip(entries(b)).map(|(a, b)| (a - b) / (2.0 * step)))
        .collect())
}

pub(super) fn claim() -> Claim {
    let slope = Identity::new(
        "unequal-decays",
        "derivative of the imbalance with different decays",
        unequal,
        |cell: &Setting| derivative(cell, -2.0, &cell.lambdas()),
        |cell| difference(cell, |_| {}),
        // Sums of a dozen products, divided by a step of a tenth.
        |_| Ok(1e-13),
    )
    .wrong("the factor 2 forgotten", |cell| derivative(cell, -1.0, &cell.lambdas()))
    .wrong("the decay of the lower factor for both", |cell| {
        let mut weights = cell.lambdas();
        weights.rotate_left(1);
        derivative(cell, -2.0, &weights)
    })
    .broken("features without decay", |cell| difference(cell, |s| s.lambda_h = 1e-9));
    Claim {
        id: "NC-20",
        chapter: Chapter::Collapse,
        title: "Balancedness law along gradient flow",
        statement: "For any loss and depth, $B_m=W_{m+1}^\\top W_{m+1}-W_mW_m^\\top$ (and $W_1^\\top W_1-H_1H_1^\\top$) obeys $$\\dot B_m=\
            -2\\mu_{m+1}W_{m+1}^\\top W_{m+1}+2\\mu_mW_mW_m^\\top$$ along gradient flow with decays $\\mu$; for equal decays \
            $B_m(t)=e^{-2\\mu t}B_m(0)$.",
        assumptions: "Gradient flow of the full objective.",
        source: "Derived",
        formula: "solvable_theory::collapse::imbalance_at",
        simulator: "solvable_sim::collapse::{descended, runge_kutta4} on raw parameters",
        checks: vec![Box::new(law(true)), Box::new(law(false)), Box::new(slope)],
    }
}
