//! ICL-1 to ICL-7.
use solvable_model::Covariance;
use solvable_model::icl::{LinearAttention, Prompt};
use solvable_theory::icl::{
    bayes_lower_bound, best_scalar_step, isotropic_bayes_risk, loss_and_gradient, masked_query_block,
    optimum, risk_at_length, scalar_bayes_risk, unnormalised_step,
};

use super::keys::{D, LAMBDA, M, N, PSI, QUERY, SIGMA2, TASK, law, query, task};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "ICL-1",
        title: "prediction of one layer of linear self-attention, the bottom-right entry of its output",
        inputs: &[
            Key::new("W_PV", Shape::Matrix),
            Key::new("W_KQ", Shape::Matrix),
            Key::new("X", Shape::Matrix),
            Key::new("y", Shape::Vector),
            Key::new("x_q", Shape::Vector),
            Key::new("rho", Shape::Number),
            QUERY,
        ],
        outputs: &["y_hat"],
        route: Route::Theory,
        run: prediction,
    },
    Block {
        claim: "ICL-2",
        title: "population loss and gradient at any matrix A",
        inputs: &[LAMBDA, PSI, SIGMA2, N, Key::new("A", Shape::Matrix)],
        outputs: &["loss", "grad"],
        route: Route::Theory,
        run: loss,
    },
    Block {
        claim: "ICL-3",
        title: "minimizer, minimum, and Lambda A* Lambda (all that a singular Lambda determines)",
        inputs: TASK,
        outputs: &["A_star", "L_star", "Lambda_A_Lambda"],
        route: Route::Theory,
        run: minimizer,
    },
    Block {
        claim: "ICL-4",
        title: "unnormalised step of the isotropic noisy problem (sum over the context, no 1/n)",
        inputs: &[D, Key::new("n", Shape::Count), Key::new("tau2", Shape::Number), SIGMA2],
        outputs: &["eta"],
        route: Route::Theory,
        run: unnormalised,
    },
    Block {
        claim: "ICL-4",
        title: "upper-left block of Q at the one-layer minimizer, P = e e', Psi = I, noiseless",
        inputs: &[Key::new("Sigma", Shape::Matrix), Key::new("n", Shape::Count)],
        outputs: &["Q11"],
        route: Route::Theory,
        run: query_block,
    },
    Block {
        claim: "ICL-5",
        title: "risk of the length-N minimizer on prompts of length M",
        inputs: &[LAMBDA, PSI, SIGMA2, N, M],
        outputs: &["loss"],
        route: Route::Theory,
        run: other_length,
    },
    Block {
        claim: "ICL-5",
        title: "optimum over prompts whose length is uniform over a list",
        inputs: &[LAMBDA, PSI, SIGMA2, Key::new("lengths", Shape::Vector)],
        outputs: &["A_star", "L_star"],
        route: Route::Theory,
        run: random_lengths,
    },
    Block {
        claim: "ICL-6",
        title: "best multiple of the identity",
        inputs: TASK,
        outputs: &["eta", "loss"],
        route: Route::Theory,
        run: scalar_step,
    },
    Block {
        claim: "ICL-7",
        title: "Bayes risk in dimension 1",
        inputs: &[Key::new("beta", Shape::Number), SIGMA2, N],
        outputs: &["risk"],
        route: Route::Theory,
        run: scalar_bayes,
    },
    Block {
        claim: "ICL-7",
        title: "Bayes risk of an isotropic task, B = beta I in dimension d",
        inputs: &[Key::new("beta", Shape::Number), SIGMA2, D, N],
        outputs: &["risk"],
        route: Route::Theory,
        run: isotropic_bayes,
    },
    Block {
        claim: "ICL-7",
        title: "Jensen lower bound of the Bayes risk",
        inputs: TASK,
        outputs: &["lower"],
        route: Route::Theory,
        run: jensen,
    },
];

fn prediction(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let layer = LinearAttention::new(
        inputs.matrix("W_PV")?,
        inputs.matrix("W_KQ")?,
        inputs.number("rho")?,
        query(inputs)?,
    )?;
    let prompt = Prompt::new(inputs.matrix("X")?, inputs.vector("y")?, inputs.vector("x_q")?)?;
    let value = layer.predict(&prompt)?;
    solvable_model::InputError::check_finite("y_hat", value)?;
    Ok(Outputs::new().number("y_hat", value))
}

fn loss(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let at = loss_and_gradient(&task(inputs)?, inputs.matrix("A")?.as_ref())?;
    Ok(Outputs::new().number("loss", at.loss).matrix("grad", at.grad.as_ref()))
}

fn minimizer(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let best = optimum(&law(inputs)?)?;
    Ok(Outputs::new()
        .matrix("A_star", best.a_star.as_ref())
        .number("L_star", best.l_star)
        .matrix("Lambda_A_Lambda", best.lambda_a_lambda.as_ref()))
}

fn unnormalised(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (tau2, sigma2) = (inputs.number("tau2")?, inputs.number("sigma2")?);
    let eta = unnormalised_step(inputs.count("d")?, inputs.count("n")?, tau2, sigma2)?;
    Ok(Outputs::new().number("eta", eta))
}

fn query_block(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let sigma = Covariance::dense("Sigma", inputs.matrix("Sigma")?.as_ref())?;
    let block = masked_query_block(&sigma, inputs.count("n")?)?;
    Ok(Outputs::new().matrix("Q11", block.as_ref()))
}

fn other_length(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(Outputs::new().number("loss", risk_at_length(&law(inputs)?, inputs.count("M")?)?))
}

fn random_lengths(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (lambda, psi) = (super::keys::covariance(inputs, "Lambda")?, super::keys::covariance(inputs, "Psi")?);
    let task = solvable_model::icl::RegressionTask::new(lambda, psi, inputs.number("sigma2")?, 1)?;
    let law = solvable_theory::icl::Whitened::new(&task)?.with_lengths(&inputs.counts("lengths")?)?;
    let best = optimum(&law)?;
    Ok(Outputs::new().matrix("A_star", best.a_star.as_ref()).number("L_star", best.l_star))
}

fn scalar_step(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let step = best_scalar_step(&law(inputs)?)?;
    Ok(Outputs::new().number("eta", step.eta).number("loss", step.loss))
}

fn scalar_bayes(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let risk = scalar_bayes_risk(inputs.number("beta")?, inputs.number("sigma2")?, inputs.count("N")?)?;
    Ok(Outputs::new().number("risk", risk))
}

fn isotropic_bayes(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (beta, sigma2) = (inputs.number("beta")?, inputs.number("sigma2")?);
    let risk = isotropic_bayes_risk(beta, sigma2, inputs.count("d")?, inputs.count("N")?)?;
    Ok(Outputs::new().number("risk", risk))
}

fn jensen(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(Outputs::new().number("lower", bayes_lower_bound(&law(inputs)?)?))
}
