//! ICL-39, 40, 42 to 46, 53, 55, 59, 62 to 64: depth at finite size.
use solvable_linalg::symmetric_eigenvalues;
use solvable_model::InputError;
use solvable_theory::icl::{
    Coordinates, FiniteSize, Schedule, best_one_step, best_one_step_on, finite_optimal_risk, finite_optimum,
    finite_optimum_with_noise, finite_risk, general_covariance_risk, normalised_finite_risk, one_step_risk,
    prompt_bayes_risk, prompt_risk, wishart_matrix_moment, wishart_moment,
};

use super::keys::{D, LAMBDA, Layout, N, SIGMA2, covariance};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

const ETAS: Key = Key::new("etas", Shape::Vector);
const TAU2: Key = Key::new("tau2", Shape::Number);
const NOISE: Key = Key::new("s", Shape::Number);
const LAYERS: Key = Key::new("K", Shape::Count);
const SMALL_N: Key = Key::new("n", Shape::Count);
const DEPTH: Key = Key::new("L", Shape::Count);

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "ICL-39",
        title: "E S^k of Gaussian covariates, k up to 32",
        inputs: &[LAMBDA, N, Key::new("k", Shape::Count)],
        outputs: &["ES"],
        route: Route::Theory,
        run: matrix_moment,
    },
    Block {
        claim: "ICL-40",
        title: "m_k = (1/d) E tr S^k of standard Gaussian covariates, exact, k up to 8",
        inputs: &[Key::new("k", Shape::Count), D, N],
        outputs: &["m"],
        route: Route::Theory,
        run: trace_moment,
    },
    Block {
        claim: "ICL-42",
        title: "risk of plain descent at finite size, not normalised, up to 16 layers",
        inputs: &[ETAS, D, N, TAU2, SIGMA2],
        outputs: &["risk"],
        route: Route::Theory,
        run: plain_risk,
    },
    Block {
        claim: "ICL-43",
        title: "best step of one layer and its risk, not normalised",
        inputs: &[D, N, TAU2, SIGMA2],
        outputs: &["eta", "risk"],
        route: Route::Theory,
        run: one_step,
    },
    Block {
        claim: "ICL-43",
        title: "one layer on inputs uniform on [-a, a]: best step, its risk, and the risk at a given step",
        inputs: &[Key::new("a", Shape::Number), D, N, TAU2, SIGMA2, Key::optional("eta", Shape::Number)],
        outputs: &["eta_opt", "risk_opt", "risk"],
        route: Route::Theory,
        run: uniform,
    },
    Block {
        claim: "ICL-44",
        title: "best pair of plain steps (ascending) and its normalised risk; the bound where none attains it",
        inputs: &[D, N, NOISE],
        outputs: &["etas", "R", "bound", "realisable"],
        route: Route::Theory,
        run: pair,
    },
    Block {
        claim: "ICL-45",
        title: "least normalised risk of depth K at finite size, K up to 16",
        inputs: &[LAYERS, D, N, NOISE],
        outputs: &["R"],
        route: Route::Theory,
        run: optimal_risk,
    },
    Block {
        claim: "ICL-46",
        title: "the optimal steps on the ridge loss (ascending), and whether plain steps attain the same risk",
        inputs: &[LAYERS, D, N, NOISE],
        outputs: &["etas", "R", "realisable"],
        route: Route::Theory,
        run: ridge_steps,
    },
    Block {
        claim: "ICL-53",
        title: "risk of two layers of GD++ at finite size, not normalised",
        inputs: &[ETAS, Key::new("gamma", Shape::Number), D, N, TAU2, SIGMA2],
        outputs: &["risk"],
        route: Route::Theory,
        run: corrected_risk,
    },
    Block {
        claim: "ICL-55",
        title: "risk of plain descent on covariates of any covariance, prior tau2 I: two schedules",
        inputs: &[
            LAMBDA,
            N,
            TAU2,
            SIGMA2,
            Key::new("etas1", Shape::Vector),
            Key::new("etas2", Shape::Vector),
        ],
        outputs: &["risk1", "risk2"],
        route: Route::Theory,
        run: general_covariance,
    },
    Block {
        claim: "ICL-59",
        title: "normalised risk of one prompt, mean over task, noise and query (X: one example a column)",
        inputs: &[Key::new("X", Shape::Matrix), ETAS, TAU2, SIGMA2],
        outputs: &["R", "bayes"],
        route: Route::Theory,
        run: conditional,
    },
    Block {
        claim: "ICL-52",
        title: "largest step for which descent on one prompt converges (X: one example a column)",
        inputs: &[Key::new("X", Shape::Matrix)],
        outputs: &["lambda_max", "eta_max"],
        route: Route::Theory,
        run: convergent_step,
    },
    Block {
        claim: "ICL-62",
        title: "optimal depth-L scalar-step transformer, noiseless: loss over d, steps ascending",
        inputs: &[SMALL_N, D, DEPTH],
        outputs: &["loss", "a"],
        route: Route::Theory,
        run: christoffel,
    },
    Block {
        claim: "ICL-63",
        title: "depth L with label noise: least loss over d of any method (bound), of real plain steps (loss), and whether they meet",
        inputs: &[SMALL_N, D, DEPTH, SIGMA2],
        outputs: &["bound", "loss", "a", "realisable"],
        route: Route::Theory,
        run: noisy_depth,
    },
    Block {
        claim: "ICL-64",
        title: "loss over d of the curvature-corrected stack, positive-step convention, noiseless",
        inputs: &[SMALL_N, D, Key::new("a", Shape::Vector), Key::new("b", Shape::Vector)],
        outputs: &["loss"],
        route: Route::Theory,
        run: corrected_stack,
    },
];

fn matrix_moment(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let moment =
        wishart_matrix_moment(inputs.count("k")?, &covariance(inputs, "Lambda")?, inputs.count("N")?)?;
    Ok(Outputs::new().matrix("ES", moment.as_ref()))
}

/// The tables of ICL-40 go to order 8, which this interface keeps as its stated limit; `wishart_moment` itself goes on.
const LARGEST_TABLED_MOMENT: usize = 8;

fn trace_moment(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let k = inputs.count("k")?;
    if k > LARGEST_TABLED_MOMENT {
        let condition = "at most 8, the largest order of the finite-size moments of ICL-40";
        return Err(InputError::Count { argument: "k".into(), value: k as u64, condition }.into());
    }
    let m = wishart_moment(k, inputs.count("d")?, inputs.count("N")?)?;
    Ok(Outputs::new().number("m", m))
}

fn size(inputs: &Inputs<'_>) -> Result<FiniteSize, ComputeError> {
    let (tau2, sigma2) = (inputs.number("tau2")?, inputs.number("sigma2")?);
    Ok(FiniteSize::new(inputs.count("d")?, inputs.count("N")?, tau2, sigma2)?)
}

fn plain_risk(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let schedule = Schedule::new(&inputs.vector("etas")?, &[])?;
    Ok(Outputs::new().number("risk", finite_risk(&size(inputs)?, &schedule)?))
}

fn one_step(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let best = best_one_step(&size(inputs)?)?;
    Ok(Outputs::new().number("eta", best.eta).number("risk", best.risk))
}

fn uniform(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (size, law) = (size(inputs)?, Coordinates::uniform(inputs.number("a")?)?);
    let best = best_one_step_on(&size, &law)?;
    let given =
        if inputs.has("eta") { Some(one_step_risk(&size, &law, inputs.number("eta")?)?) } else { None };
    Ok(Outputs::new().number("eta_opt", best.eta).number("risk_opt", best.risk).optional("risk", given))
}

fn pair(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let best = finite_optimum(2, inputs.count("d")?, inputs.count("N")?, inputs.number("s")?)?;
    Ok(Outputs::new()
        .vector("etas", &best.steps)
        .number("R", best.risk)
        .number("bound", best.bound)
        .value("realisable", best.realisable))
}

fn optimal_risk(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (k, d, n) = (inputs.count("K")?, inputs.count("d")?, inputs.count("N")?);
    Ok(Outputs::new().number("R", finite_optimal_risk(k, d, n, inputs.number("s")?)?))
}

fn ridge_steps(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (k, d, n) = (inputs.count("K")?, inputs.count("d")?, inputs.count("N")?);
    let best = finite_optimum(k, d, n, inputs.number("s")?)?;
    Ok(Outputs::new()
        .vector("etas", &best.ridge_steps)
        .number("R", best.bound)
        .value("realisable", best.realisable))
}

fn corrected_risk(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let etas = inputs.vector("etas")?;
    super::keys::check_length("etas", etas.len(), 2)?;
    let schedule = Schedule::new(&etas, &[inputs.number("gamma")?])?;
    Ok(Outputs::new().number("risk", finite_risk(&size(inputs)?, &schedule)?))
}

fn general_covariance(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let lambda = covariance(inputs, "Lambda")?;
    let (n, tau2, sigma2) = (inputs.count("N")?, inputs.number("tau2")?, inputs.number("sigma2")?);
    let first = general_covariance_risk(&lambda, n, tau2, sigma2, &inputs.vector("etas1")?)?;
    let second = general_covariance_risk(&lambda, n, tau2, sigma2, &inputs.vector("etas2")?)?;
    Ok(Outputs::new()
        .number("risk1", first.value)
        .number("risk2", second.value)
        .vector("error_bounds", &[first.error_bound, second.error_bound]))
}

fn conditional(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let x = Layout::Columns.rows(inputs.matrix("X")?);
    let schedule = Schedule::new(&inputs.vector("etas")?, &[])?;
    let (tau2, sigma2) = (inputs.number("tau2")?, inputs.number("sigma2")?);
    Ok(Outputs::new()
        .number("R", prompt_risk(x.as_ref(), &schedule, tau2, sigma2)?)
        .number("bayes", prompt_bayes_risk(x.as_ref(), tau2, sigma2)?))
}

fn convergent_step(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let x = Layout::Columns.rows(inputs.matrix("X")?);
    let gram = solvable_linalg::transpose_matmul(x.as_ref(), x.as_ref());
    let n = x.nrows() as f64;
    let top = symmetric_eigenvalues(gram.as_ref()).map_err(ComputeError::refused)?[0] / n;
    let limit = if top > 0.0 { 2.0 / top } else { f64::INFINITY };
    Ok(Outputs::new().number("lambda_max", top).number("eta_max", limit))
}

fn christoffel(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let best = finite_optimum(inputs.count("L")?, inputs.count("d")?, inputs.count("n")?, 0.0)?;
    Ok(Outputs::new().number("loss", best.risk).vector("a", &best.steps))
}

fn noisy_depth(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (depth, d, n) = (inputs.count("L")?, inputs.count("d")?, inputs.count("n")?);
    let best = finite_optimum_with_noise(depth, d, n, inputs.number("sigma2")?)?;
    Ok(Outputs::new()
        .number("bound", best.bound)
        .number("loss", best.risk)
        .vector("a", &best.steps)
        .value("realisable", best.realisable))
}

fn corrected_stack(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (a, b) = (inputs.vector("a")?, inputs.vector("b")?);
    solvable_model::icl::check_corrections(a.len(), b.len())?;
    // The correction of that convention is a_k b_k.
    let gammas: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a * b).collect();
    let schedule = Schedule::new(&a, &gammas)?;
    let loss = normalised_finite_risk(inputs.count("d")?, inputs.count("n")?, 0.0, &schedule)?;
    Ok(Outputs::new().number("loss", loss))
}
