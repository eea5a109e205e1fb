//! ICL-19 and ICL-23: trajectories, which have no closed form and are integrated.
use solvable_linalg::Mat;
use solvable_model::icl::{FactoredLoss, RegressionTask};
use solvable_model::{Argument, Covariance, InputError};
use solvable_sim::flow::{FieldFn, GradientFlow, Method, Options, VectorField, integrate};
use solvable_theory::icl::conserved_quantity;

use super::keys::{LAMBDA, N, PSI, SIGMA2, check_length, task};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

const TIMES: Key = Key::new("times", Shape::Vector);
const START: Key = Key::new("u0", Shape::Number);

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "ICL-19",
        title: "flow of half the loss in the factors (u, U) from any start",
        inputs: &[LAMBDA, PSI, SIGMA2, N, Key::new("U0", Shape::Matrix), START, TIMES],
        outputs: &["u", "U", "conserved"],
        route: Route::Simulation,
        run: factors,
    },
    Block {
        claim: "ICL-23",
        title: "the same flow for diagonal Lambda, Psi and start",
        inputs: &[
            Key::new("lambda", Shape::Vector),
            Key::new("psi", Shape::Vector),
            SIGMA2,
            N,
            Key::new("U0_diag", Shape::Vector),
            START,
            TIMES,
        ],
        outputs: &["u", "U_diag"],
        route: Route::Simulation,
        run: diagonal,
    },
];

/// States at the given times, in their order. Each time ends an integration, so that none is interpolated.
fn states(field: &impl VectorField, start: &[f64], times: &[f64]) -> Result<Vec<Vec<f64>>, ComputeError> {
    /// Local error a step; global errors are a few hundred times this.
    const RELATIVE: f64 = 1e-14;
    for (k, &t) in times.iter().enumerate() {
        let holds = t.is_finite() && t >= 0.0;
        InputError::check(Argument::indexed("times", k), t, holds, "finite and at least 0")?;
    }
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by(|&i, &j| times[i].total_cmp(&times[j]));
    // Small starts are amplified: errors count relative to the start.
    let largest = start.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let absolute = (1e-3 * RELATIVE * largest).max(1e-300);
    let mut out = vec![Vec::new(); times.len()];
    let (mut now, mut x) = (0.0, start.to_vec());
    for k in order {
        if times[k] > now {
            let options = Options::until(times[k])
                .start(now)
                .method(Method::DormandPrince8)
                .tolerance(RELATIVE, absolute)
                .energy_guard(false)
                .max_steps(3_000_000);
            x = integrate(field, &x, &options).map_err(ComputeError::refused)?.state;
            now = times[k];
        }
        out[k].clone_from(&x);
    }
    Ok(out)
}

fn factors(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let task = task(inputs)?;
    let d = task.dimension();
    let (start, u0) = (inputs.matrix("U0")?, inputs.number("u0")?);
    if (start.nrows(), start.ncols()) != (d, d) {
        let found = (start.nrows(), start.ncols());
        return Err(InputError::Shape { argument: "U0".into(), found, expected: (d, d) }.into());
    }
    let conserved = conserved_quantity(u0, start.as_ref())?;
    let loss = FactoredLoss::new(&task);
    let x0: Vec<f64> = core::iter::once(u0).chain((0..d * d).map(|k| start[(k / d, k % d)])).collect();
    let found = states(&GradientFlow::of(&loss), &x0, &inputs.vector("times")?)?;
    let matrices: Vec<Mat<f64>> = found.iter().map(|x| Mat::from_fn(d, d, |i, j| x[1 + i * d + j])).collect();
    let losses = found
        .iter()
        .map(|x| loss.predictor_loss().at(loss.effective_matrix(x).as_ref()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Outputs::new()
        .vector("u", &found.iter().map(|x| x[0]).collect::<Vec<_>>())
        .matrices("U", &matrices)
        .number("conserved", conserved)
        .vector("loss", &losses))
}

fn diagonal(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (lambda, psi, start) = (inputs.vector("lambda")?, inputs.vector("psi")?, inputs.vector("U0_diag")?);
    let d = lambda.len();
    check_length("psi", psi.len(), d)?;
    check_length("U0_diag", start.len(), d)?;
    let task = RegressionTask::new(
        Covariance::diagonal("lambda", &lambda)?,
        Covariance::diagonal("psi", &psi)?,
        inputs.number("sigma2")?,
        inputs.count("N")?,
    )?;
    let n = task.context() as f64;
    let noise = (task.signal() + task.sigma2()) / n;
    // (s_i lambda_i, m_i).
    let modes: Vec<(f64, f64)> = lambda
        .iter()
        .zip(&psi)
        .map(|(l, p)| (l * ((1.0 + 1.0 / n) * l * l * p + noise * l), l * l * p))
        .collect();
    let field = FieldFn::new(d + 1, |_, x: &[f64], slope: &mut [f64]| {
        let u = x[0];
        slope[0] = 0.0;
        for (i, (kappa, gain)) in modes.iter().enumerate() {
            let own = x[i + 1];
            slope[0] += own * (gain - u * kappa * own);
            slope[i + 1] = u * (gain - u * kappa * own);
        }
    });
    let x0: Vec<f64> = core::iter::once(inputs.number("u0")?).chain(start).collect();
    let found = states(&field, &x0, &inputs.vector("times")?)?;
    let lists: Vec<serde_json::Value> = found.iter().map(|x| crate::compute::vector(&x[1..])).collect();
    Ok(Outputs::new().vector("u", &found.iter().map(|x| x[0]).collect::<Vec<_>>()).value("U_diag", lists))
}
