//! ICL-8 to ICL-12.
use solvable_linalg::Mat;
use solvable_model::icl::{PromptMixture, RegressionTask, TestMoments, TestPrompts};
use solvable_model::{Covariance, InputError};
use solvable_theory::icl::{
    exponential_spectra, minimizer, mixture_minimum, published_risk_bound, risk, trained_general_risk,
};

use super::keys::{D, LAMBDA, M, N, TASK, check_length, covariance, diagonal_of, law};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

const TRAIN: Key = Key::new("train", Shape::Object(TASK));
const CONTEXT: Key = Key::new("Lambda_c", Shape::Matrix);
const QUERY: Key = Key::new("Lambda_q", Shape::Matrix);
const PSI_TEST: Key = Key::new("Psi_test", Shape::Matrix);
const SIGMA2_TEST: Key = Key::new("sigma2_test", Shape::Number);

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "ICL-8",
        title: "one fixed task, context and query covariance shifted; A is the minimizer of the training law",
        inputs: &[TRAIN, CONTEXT, QUERY, Key::new("w", Shape::Vector), SIGMA2_TEST, M],
        outputs: &["risk"],
        route: Route::Theory,
        run: fixed_task,
    },
    Block {
        claim: "ICL-8",
        title: "task, context and query law shifted; A is the minimizer of the training law",
        inputs: &[TRAIN, CONTEXT, QUERY, PSI_TEST, SIGMA2_TEST, M],
        outputs: &["risk"],
        route: Route::Theory,
        run: shifted,
    },
    Block {
        claim: "ICL-8",
        title: "any matrix A on a shifted law; an empty test prompt is allowed",
        inputs: &[Key::new("A", Shape::Matrix), CONTEXT, QUERY, PSI_TEST, SIGMA2_TEST, M],
        outputs: &["risk"],
        route: Route::Theory,
        run: any_matrix,
    },
    Block {
        claim: "ICL-9",
        title: "the trained predictor (length N, Psi = I, noiseless) on a general law of (x, y)",
        inputs: &[
            LAMBDA,
            N,
            M,
            Key::new("E_xy", Shape::Vector),
            Key::new("Cov_xy", Shape::Matrix),
            Key::new("E_y2", Shape::Number),
        ],
        outputs: &["best_linear", "bias", "variance", "total"],
        route: Route::Theory,
        run: general,
    },
    Block {
        claim: "ICL-10",
        title: "published upper bound beside the exact risk (Psi = I, noiseless)",
        inputs: &[LAMBDA, N, M],
        outputs: &["bound", "exact"],
        route: Route::Theory,
        run: bound,
    },
    Block {
        claim: "ICL-11",
        title: "optimum over a mixture of covariances, priors, noises and lengths",
        inputs: &[
            Key::new("weights", Shape::Vector),
            Key::new("Lambdas", Shape::Matrices),
            Key::new("Psis", Shape::Matrices),
            Key::new("sigma2s", Shape::Vector),
            Key::new("Ns", Shape::Vector),
        ],
        outputs: &["A_star", "L_star"],
        route: Route::Theory,
        run: mixture,
    },
    Block {
        claim: "ICL-12",
        title: "optimum over jointly diagonal covariances, Psi = I, noiseless",
        inputs: &[Key::new("weights", Shape::Vector), Key::new("spectra", Shape::Lists), N],
        outputs: &["diag_A", "L_star"],
        route: Route::Theory,
        run: diagonal_mixture,
    },
    Block {
        claim: "ICL-12",
        title: "spectra with i.i.d. Exp(1) entries: A* = a I",
        inputs: &[D, N],
        outputs: &["a", "L_star"],
        route: Route::Theory,
        run: exponential,
    },
];

fn trained(inputs: &Inputs<'_>) -> Result<Mat<f64>, ComputeError> {
    Ok(minimizer(&law(&inputs.object("train")?)?)?)
}

fn fixed_task(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let prompts = TestPrompts::fixed_task(
        covariance(inputs, "Lambda_c")?,
        covariance(inputs, "Lambda_q")?,
        &inputs.vector("w")?,
        inputs.number("sigma2_test")?,
        inputs.count("M")?,
    )?;
    Ok(Outputs::new().number("risk", risk(trained(inputs)?.as_ref(), &prompts)?))
}

fn prompts(inputs: &Inputs<'_>) -> Result<TestPrompts, ComputeError> {
    Ok(TestPrompts::new(
        covariance(inputs, "Lambda_c")?,
        covariance(inputs, "Lambda_q")?,
        covariance(inputs, "Psi_test")?,
        inputs.number("sigma2_test")?,
        inputs.count("M")?,
    )?)
}

fn shifted(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(Outputs::new().number("risk", risk(trained(inputs)?.as_ref(), &prompts(inputs)?)?))
}

fn any_matrix(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(Outputs::new().number("risk", risk(inputs.matrix("A")?.as_ref(), &prompts(inputs)?)?))
}

fn general(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let moments = TestMoments::new(
        covariance(inputs, "Lambda")?,
        inputs.vector("E_xy")?,
        covariance(inputs, "Cov_xy")?,
        inputs.number("E_y2")?,
    )?;
    let found = trained_general_risk(&moments, inputs.count("N")?, inputs.count("M")?)?;
    Ok(Outputs::new()
        .number("best_linear", found.best_linear)
        .number("bias", found.bias)
        .number("variance", found.variance)
        .number("total", found.total))
}

fn bound(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let lambda = covariance(inputs, "Lambda")?;
    let found = published_risk_bound(&lambda, inputs.count("N")?, inputs.count("M")?)?;
    Ok(Outputs::new().number("bound", found.bound).number("exact", found.exact))
}

fn mixture(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (lambdas, psis) = (inputs.matrices("Lambdas")?, inputs.matrices("Psis")?);
    let (sigma2s, lengths) = (inputs.vector("sigma2s")?, inputs.counts("Ns")?);
    check_length("Psis", psis.len(), lambdas.len())?;
    check_length("sigma2s", sigma2s.len(), lambdas.len())?;
    check_length("Ns", lengths.len(), lambdas.len())?;
    let mut components = Vec::with_capacity(lambdas.len());
    for k in 0..lambdas.len() {
        let named =
            |name, m: &Mat<f64>| Covariance::dense(solvable_model::Argument::indexed(name, k), m.as_ref());
        let (lambda, psi) = (named("Lambdas", &lambdas[k])?, named("Psis", &psis[k])?);
        components.push(RegressionTask::new(lambda, psi, sigma2s[k], lengths[k])?);
    }
    let best = mixture_minimum(&PromptMixture::new(&inputs.vector("weights")?, components)?)?;
    Ok(Outputs::new()
        .matrix("A_star", best.a_star.as_ref())
        .number("L_star", best.l_star)
        .number("error_bound", best.error_bound)
        .value("iterations", best.iterations))
}

fn diagonal_mixture(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let n = inputs.count("N")?;
    let mut components = Vec::new();
    let spectra = inputs.lists("spectra")?;
    let d = spectra.first().map_or(0, Vec::len);
    for (k, spectrum) in spectra.iter().enumerate() {
        if spectrum.len() != d {
            let argument = solvable_model::Argument::indexed("spectra", k);
            let (found, expected) = ((spectrum.len(), 1), (d, 1));
            return Err(InputError::Shape { argument, found, expected }.into());
        }
        let lambda = Covariance::diagonal(solvable_model::Argument::indexed("spectra", k), spectrum)?;
        let psi = Covariance::isotropic("Psi", spectrum.len(), 1.0)?;
        components.push(RegressionTask::new(lambda, psi, 0.0, n)?);
    }
    let best = mixture_minimum(&PromptMixture::new(&inputs.vector("weights")?, components)?)?;
    Ok(Outputs::new().vector("diag_A", &diagonal_of(&best.a_star)).number("L_star", best.l_star))
}

fn exponential(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = exponential_spectra(inputs.count("d")?, inputs.count("N")?)?;
    Ok(Outputs::new().number("a", found.a).number("L_star", found.l_star))
}
