//! ICL-30 to ICL-36 and ICL-38: attention layers as descent.
use solvable_linalg::Mat;
use solvable_model::icl::{
    AttentionLayer, AttentionStack, Kernel, Prompt, QueryToken, VectorPrompt, descent_by_attention,
    kernel_descent,
};
use solvable_model::{Argument, InputError};
use solvable_theory::icl::{Schedule, best_correction, corrected_condition};

use super::keys::{LAMBDA, Layout, check_length, covariance, layout};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

const X: Key = Key::new("X", Shape::Matrix);
const Y: Key = Key::new("y", Shape::Vector);
const X_Q: Key = Key::new("x_q", Shape::Vector);
const ETAS: Key = Key::new("etas", Shape::Vector);
const GAMMAS: Key = Key::new("gammas", Shape::Vector);
const FROM_START: &[Key] = &[X, Key::new("Y", Shape::Matrix), Key::new("W0", Shape::Matrix), X_Q, ETAS];
const LOW: Key = Key::new("m", Shape::Number);
const HIGH: Key = Key::new("M", Shape::Number);

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "ICL-30",
        title: "one layer is one gradient step from W0, any number of outputs (X: one example a column, or a row)",
        inputs: FROM_START,
        outputs: &["prediction", "context_slots"],
        route: Route::Theory,
        run: from_start,
    },
    Block {
        claim: "ICL-31",
        title: "several layers from W0, any number of outputs",
        inputs: FROM_START,
        outputs: &["prediction", "context_slots"],
        route: Route::Theory,
        run: from_start,
    },
    Block {
        claim: "ICL-31",
        title: "several layers from zero, query masked",
        inputs: &[X, Y, X_Q, ETAS],
        outputs: &["prediction", "context_residuals"],
        route: Route::Theory,
        run: masked,
    },
    Block {
        claim: "ICL-32",
        title: "several layers from zero, query not masked: an extra example with label 0",
        inputs: &[X, Y, X_Q, ETAS],
        outputs: &["prediction"],
        route: Route::Theory,
        run: unmasked,
    },
    Block {
        claim: "ICL-33",
        title: "sparse layers P = diag(B, 1), Q = diag(A, 0), any A and B; also the final inputs",
        inputs: &[X, Y, X_Q, Key::new("A", Shape::Matrices), Key::new("B", Shape::Matrices)],
        outputs: &["prediction", "X_final", "x_q_final"],
        route: Route::Theory,
        run: sparse,
    },
    Block {
        claim: "ICL-34",
        title: "GD++ layers: prediction",
        inputs: &[X, Y, X_Q, ETAS, GAMMAS],
        outputs: &["prediction"],
        route: Route::Theory,
        run: corrected,
    },
    Block {
        claim: "ICL-34",
        title: "residual polynomial of GD++ at eigenvalues",
        inputs: &[ETAS, GAMMAS, Key::new("lambdas", Shape::Vector)],
        outputs: &["p"],
        route: Route::Theory,
        run: residual,
    },
    Block {
        claim: "ICL-35",
        title: "best correction of a spectrum that fills [m, M], and the condition number it leaves",
        inputs: &[LOW, HIGH],
        outputs: &["gamma", "kappa"],
        route: Route::Theory,
        run: best_gamma,
    },
    Block {
        claim: "ICL-35",
        title: "condition number after a given correction",
        inputs: &[LOW, HIGH, Key::new("gamma", Shape::Number)],
        outputs: &["kappa"],
        route: Route::Theory,
        run: condition,
    },
    Block {
        claim: "ICL-36",
        title: "GD++ preconditioned by Lambda^-1: prediction on data of that covariance",
        inputs: &[X, Y, X_Q, LAMBDA, ETAS, GAMMAS],
        outputs: &["prediction"],
        route: Route::Theory,
        run: preconditioned,
    },
    Block {
        claim: "ICL-38",
        title: "kernel gradient descent, k(u, v) = (1 + u'v)^2",
        inputs: &[X, Y, X_Q, ETAS],
        outputs: &["prediction", "context_residuals"],
        route: Route::Theory,
        run: kernel,
    },
];

/// The prompt of the keys X, y, x_q, and how X was laid out.
fn prompt(inputs: &Inputs<'_>) -> Result<(Prompt, Layout), ComputeError> {
    let (x, y, query) = (inputs.matrix("X")?, inputs.vector("y")?, inputs.vector("x_q")?);
    let layout = layout(&x, query.len(), Some(y.len()));
    Ok((Prompt::new(layout.rows(x), y, query)?, layout))
}

fn from_start(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (x, y, w0) = (inputs.matrix("X")?, inputs.matrix("Y")?, inputs.matrix("W0")?);
    let (query, etas) = (inputs.vector("x_q")?, inputs.vector("etas")?);
    // X decides how examples are laid out; where it is square, Y does.
    let mut shape = layout(&x, query.len(), None);
    if x.nrows() == x.ncols() {
        shape = layout(&y, w0.nrows(), Some(x.nrows()));
    }
    let prompt = VectorPrompt::new(shape.rows(x), shape.rows(y), query)?;
    let found = descent_by_attention(&prompt, w0.as_ref(), &etas, QueryToken::Masked)?;
    Ok(Outputs::new()
        .vector("prediction", &found.prediction)
        .matrix("context_slots", shape.restore(found.context).as_ref()))
}

/// The last row of the tokens: label slots of the examples.
fn label_slots(z: &Mat<f64>) -> Vec<f64> {
    (0..z.ncols() - 1).map(|j| z[(z.nrows() - 1, j)]).collect()
}

fn masked(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (prompt, _) = prompt(inputs)?;
    let stack = AttentionStack::descent(prompt.dimension(), &inputs.vector("etas")?, QueryToken::Masked)?;
    let z = stack.forward(&prompt)?;
    Ok(Outputs::new()
        .number("prediction", -z[(prompt.dimension(), prompt.context())])
        .vector("context_residuals", &label_slots(&z)))
}

fn unmasked(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (prompt, _) = prompt(inputs)?;
    let stack = AttentionStack::descent(prompt.dimension(), &inputs.vector("etas")?, QueryToken::Inside)?;
    Ok(Outputs::new().number("prediction", stack.predict(&prompt)?))
}

fn sparse(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (prompt, layout) = prompt(inputs)?;
    let (a, b) = (inputs.matrices("A")?, inputs.matrices("B")?);
    check_length("B", b.len(), a.len())?;
    let d = prompt.dimension();
    let mut layers = Vec::with_capacity(a.len());
    for (k, (a, b)) in a.iter().zip(&b).enumerate() {
        for (name, m) in [("A", a), ("B", b)] {
            if (m.nrows(), m.ncols()) != (d, d) {
                let found = (m.nrows(), m.ncols());
                let argument = Argument::indexed(name, k);
                return Err(InputError::Shape { argument, found, expected: (d, d) }.into());
            }
        }
        layers.push(AttentionLayer::sparse(a.as_ref(), b.as_ref())?);
    }
    let n = prompt.context();
    let z = AttentionStack::new(d, layers, QueryToken::Masked)?.forward(&prompt)?;
    let inputs_after = Mat::from_fn(n, d, |i, j| z[(j, i)]);
    Ok(Outputs::new()
        .number("prediction", -z[(d, n)])
        .matrix("X_final", layout.restore(inputs_after).as_ref())
        .vector("x_q_final", &(0..d).map(|i| z[(i, n)]).collect::<Vec<_>>()))
}

fn corrected(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (prompt, _) = prompt(inputs)?;
    let (etas, gammas) = (inputs.vector("etas")?, inputs.vector("gammas")?);
    let d = prompt.dimension();
    let stack = AttentionStack::corrected_descent(d, &etas, &gammas, None, QueryToken::Masked)?;
    Ok(Outputs::new().number("prediction", stack.predict(&prompt)?))
}

fn residual(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (etas, gammas) = (inputs.vector("etas")?, inputs.vector("gammas")?);
    solvable_model::icl::check_corrections(etas.len(), gammas.len())?;
    let schedule = Schedule::new(&etas, &gammas)?;
    let lambdas = inputs.vector("lambdas")?;
    InputError::check_vector("lambdas", &lambdas)?;
    let p: Vec<f64> = lambdas.iter().map(|&l| schedule.residual(l)).collect();
    InputError::check_vector("p", &p)?;
    Ok(Outputs::new().vector("p", &p))
}

fn best_gamma(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let best = best_correction(inputs.number("m")?, inputs.number("M")?)?;
    Ok(Outputs::new().number("gamma", best.gamma).number("kappa", best.kappa))
}

fn condition(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let kappa = corrected_condition(inputs.number("m")?, inputs.number("M")?, inputs.number("gamma")?)?;
    Ok(Outputs::new().number("kappa", kappa))
}

fn preconditioned(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (prompt, _) = prompt(inputs)?;
    let (etas, gammas) = (inputs.vector("etas")?, inputs.vector("gammas")?);
    let lambda = covariance(inputs, "Lambda")?;
    let d = prompt.dimension();
    if lambda.dimension() != d {
        let found = (lambda.dimension(), lambda.dimension());
        return Err(InputError::Shape { argument: "Lambda".into(), found, expected: (d, d) }.into());
    }
    let stack = AttentionStack::corrected_descent(d, &etas, &gammas, Some(&lambda), QueryToken::Masked)?;
    Ok(Outputs::new().number("prediction", stack.predict(&prompt)?))
}

fn kernel(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (prompt, _) = prompt(inputs)?;
    let found = kernel_descent(Kernel::Quadratic, &prompt, &inputs.vector("etas")?)?;
    Ok(Outputs::new().number("prediction", found.prediction).vector("context_residuals", &found.residuals))
}
