//! ICL-41, 47 to 54, 56 to 58 and 63: depth in the limit, and baselines.
use solvable_theory::icl::{
    FiniteSize, Schedule, averaging_risk, bayes_limit, best_constant_step, best_two_layer_correction,
    gradient_flow_risk, largest_convergent_step, least_squares_risk, limit_risk, marchenko_pastur_moment,
    minimax_steps, optimal_depth_risk, optimal_limit_steps, recursive_ridge, ridge, single_example_step,
};

use super::keys::{D, N, SIGMA2, layout};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

const C: Key = Key::new("c", Shape::Number);
const S: Key = Key::new("s", Shape::Number);
const LAYERS: Key = Key::new("K", Shape::Count);
const ETAS: Key = Key::new("etas", Shape::Vector);
const LAMBDA: Key = Key::new("lambda", Shape::Number);

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "ICL-41",
        title: "moment of the Marchenko-Pastur law",
        inputs: &[Key::new("k", Shape::Count), C],
        outputs: &["mu"],
        route: Route::Theory,
        run: moment,
    },
    Block {
        claim: "ICL-47",
        title: "optimal depth-K risk, Bayes risk, their difference, and the optimal steps on the ridge loss (ascending)",
        inputs: &[LAYERS, C, S],
        outputs: &["R", "bayes", "gap", "etas"],
        route: Route::Theory,
        run: optimal,
    },
    Block {
        claim: "ICL-48",
        title: "risk of given steps",
        inputs: &[ETAS, C, S],
        outputs: &["R"],
        route: Route::Theory,
        run: given_steps,
    },
    Block {
        claim: "ICL-49",
        title: "best constant step (without noise the same for every depth) and its risk",
        inputs: &[LAYERS, C, S],
        outputs: &["eta", "R"],
        route: Route::Theory,
        run: constant,
    },
    Block {
        claim: "ICL-50",
        title: "best constant step with noise: the global minimum",
        inputs: &[LAYERS, C, S],
        outputs: &["eta", "R"],
        route: Route::Theory,
        run: constant,
    },
    Block {
        claim: "ICL-51",
        title: "minimax (Chebyshev) steps on [m, M], ascending, and the largest residual",
        inputs: &[Key::new("m", Shape::Number), Key::new("M", Shape::Number), LAYERS],
        outputs: &["etas", "max_residual"],
        route: Route::Theory,
        run: minimax,
    },
    Block {
        claim: "ICL-52",
        title: "constant steps below this converge with depth, in the limit",
        inputs: &[C],
        outputs: &["eta_max"],
        route: Route::Theory,
        run: convergent,
    },
    Block {
        claim: "ICL-53",
        title: "best two-layer GD++ found in the limit",
        inputs: &[C, S],
        outputs: &["R", "etas", "gamma"],
        route: Route::Theory,
        run: best_correction,
    },
    Block {
        claim: "ICL-53",
        title: "two-layer GD++ in the limit at given parameters",
        inputs: &[ETAS, Key::new("gamma", Shape::Number), C, S],
        outputs: &["R"],
        route: Route::Theory,
        run: corrected,
    },
    Block {
        claim: "ICL-54",
        title: "Bayes risk in the limit",
        inputs: &[C, S],
        outputs: &["R"],
        route: Route::Theory,
        run: bayes,
    },
    Block {
        claim: "ICL-56",
        title: "mean risk of least squares or the minimum-norm fit, not normalised",
        inputs: &[N, D, Key::new("tau2", Shape::Number), SIGMA2],
        outputs: &["risk", "averaging"],
        route: Route::Theory,
        run: fits,
    },
    Block {
        claim: "ICL-57",
        title: "ridge regression, the result of the rank-one recursion (X: one example a column, or a row)",
        inputs: &[Key::new("X", Shape::Matrix), Key::new("y", Shape::Vector), LAMBDA],
        outputs: &["w", "w_recursive"],
        route: Route::Theory,
        run: ridge_fit,
    },
    Block {
        claim: "ICL-57",
        title: "one step on one example of (w'x - y)^2 + lambda |w|^2",
        inputs: &[
            Key::new("w", Shape::Vector),
            Key::new("x", Shape::Vector),
            Key::new("y", Shape::Number),
            Key::new("alpha", Shape::Number),
            LAMBDA,
        ],
        outputs: &["w"],
        route: Route::Theory,
        run: one_example,
    },
    Block {
        claim: "ICL-58",
        title: "risk of continuous depth at time t",
        inputs: &[C, S, Key::new("t", Shape::Number)],
        outputs: &["R"],
        route: Route::Theory,
        run: continuous,
    },
];

fn moment(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(Outputs::new().number("mu", marchenko_pastur_moment(inputs.count("k")?, inputs.number("c")?)?))
}

fn optimal(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    /// Beyond this the list of steps is left out.
    const LISTED: usize = 10_000;
    let (k, c, s) = (inputs.count("K")?, inputs.number("c")?, inputs.number("s")?);
    let found = optimal_depth_risk(k, c, s)?;
    let out = Outputs::new().number("R", found.risk).number("bayes", found.bayes).number("gap", found.gap);
    if k > LISTED {
        return Ok(out.value("etas", serde_json::Value::Null));
    }
    Ok(out.vector("etas", &optimal_limit_steps(k, c, s)?))
}

fn given_steps(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let schedule = Schedule::new(&inputs.vector("etas")?, &[])?;
    Ok(Outputs::new().number("R", limit_risk(&schedule, inputs.number("c")?, inputs.number("s")?)?))
}

fn constant(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let best = best_constant_step(inputs.count("K")?, inputs.number("c")?, inputs.number("s")?)?;
    Ok(Outputs::new().number("eta", best.eta).number("R", best.risk))
}

fn minimax(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = minimax_steps(inputs.number("m")?, inputs.number("M")?, inputs.count("K")?)?;
    Ok(Outputs::new().vector("etas", &found.etas).number("max_residual", found.max_residual))
}

fn convergent(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(Outputs::new().number("eta_max", largest_convergent_step(inputs.number("c")?)?))
}

fn best_correction(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = best_two_layer_correction(inputs.number("c")?, inputs.number("s")?)?;
    Ok(Outputs::new().number("R", found.risk).vector("etas", &found.etas).number("gamma", found.gammas[0]))
}

fn corrected(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let etas = inputs.vector("etas")?;
    super::keys::check_length("etas", etas.len(), 2)?;
    let schedule = Schedule::new(&etas, &[inputs.number("gamma")?])?;
    Ok(Outputs::new().number("R", limit_risk(&schedule, inputs.number("c")?, inputs.number("s")?)?))
}

fn bayes(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(Outputs::new().number("R", bayes_limit(inputs.number("c")?, inputs.number("s")?)?))
}

fn fits(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (tau2, sigma2) = (inputs.number("tau2")?, inputs.number("sigma2")?);
    let size = FiniteSize::new(inputs.count("d")?, inputs.count("N")?, tau2, sigma2)?;
    Ok(Outputs::new().number("risk", least_squares_risk(&size)?).number("averaging", averaging_risk(&size)?))
}

fn ridge_fit(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (x, y, lambda) = (inputs.matrix("X")?, inputs.vector("y")?, inputs.number("lambda")?);
    // The number of labels tells examples from coordinates.
    let dimension = if x.ncols() == y.len() { x.nrows() } else { x.ncols() };
    let x = layout(&x, dimension, Some(y.len())).rows(x);
    Ok(Outputs::new()
        .vector("w", &ridge(&x, &y, lambda)?)
        .vector("w_recursive", &recursive_ridge(&x, &y, lambda)?))
}

fn one_example(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (w, x) = (inputs.vector("w")?, inputs.vector("x")?);
    let (y, alpha, lambda) = (inputs.number("y")?, inputs.number("alpha")?, inputs.number("lambda")?);
    Ok(Outputs::new().vector("w", &single_example_step(&w, &x, y, alpha, lambda)?))
}

fn continuous(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let risk = gradient_flow_risk(inputs.number("c")?, inputs.number("s")?, inputs.number("t")?)?;
    Ok(Outputs::new().number("R", risk))
}
