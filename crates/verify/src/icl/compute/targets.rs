//! ICL-13 to ICL-15, ICL-26 and ICL-28.
use solvable_model::icl::{Polynomial, RegressionTask, SingleIndexMixture, prior_second_moment};
use solvable_theory::icl::{
    TargetMinimum, Whitened, contaminated_moments, optimum, quartic_moment, single_index_moments,
    single_index_step, target_minimum,
};

use super::keys::{D, LAMBDA, N, PSI, SIGMA2, covariance, law, task};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

const COEFFICIENTS: Key = Key::new("coefficients_c0_to_c3", Shape::Vector);
const QUADRATIC: Key = Key::new("Q", Shape::Matrix);

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "ICL-14",
        title: "best step for y = g(v'x) + noise, g a polynomial (constant first), x standard Gaussian, v uniform",
        inputs: &[COEFFICIENTS, D, N, SIGMA2],
        outputs: &["eta", "loss_noisy_target"],
        route: Route::Theory,
        run: single_index,
    },
    Block {
        claim: "ICL-15",
        title: "optimum for y = g(v'x) + noise, v drawn from a list of directions, g a polynomial",
        inputs: &[
            Key::new("weights", Shape::Vector),
            Key::new("directions", Shape::Lists),
            COEFFICIENTS,
            LAMBDA,
            SIGMA2,
            N,
        ],
        outputs: &["A_star", "loss_noisy_target"],
        route: Route::Theory,
        run: index_mixture,
    },
    Block {
        claim: "ICL-15",
        title: "E[(x'Qx)^2 x x'] of a Gaussian x",
        inputs: &[QUADRATIC, LAMBDA],
        outputs: &["moment"],
        route: Route::Theory,
        run: quartic,
    },
    Block {
        claim: "ICL-15",
        title: "optimum for y = w'x + x'Qx + noise with a fixed Q",
        inputs: &[LAMBDA, PSI, SIGMA2, N, QUADRATIC],
        outputs: &["A_star", "loss_noisy_target"],
        route: Route::Theory,
        run: contaminated,
    },
    Block {
        claim: "ICL-26",
        title: "optimum for elliptical covariates x = r g, E r^2 = 1, E r^4 = 1 + kappa",
        inputs: &[LAMBDA, PSI, SIGMA2, N, Key::new("kappa", Shape::Number)],
        outputs: &["A_star", "L_star"],
        route: Route::Theory,
        run: elliptical,
    },
    Block {
        claim: "ICL-28",
        title: "optimum for a prior with a mean",
        inputs: &[
            LAMBDA,
            Key::new("prior_mean", Shape::Vector),
            Key::new("prior_cov", Shape::Matrix),
            SIGMA2,
            N,
        ],
        outputs: &["A_star", "L_star"],
        route: Route::Theory,
        run: prior_mean,
    },
];

fn polynomial(inputs: &Inputs<'_>) -> Result<Polynomial, ComputeError> {
    Ok(Polynomial::new(&inputs.vector("coefficients_c0_to_c3")?)?)
}

fn single_index(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (d, n) = (inputs.count("d")?, inputs.count("N")?);
    let step = single_index_step(&polynomial(inputs)?, d, n, inputs.number("sigma2")?)?;
    Ok(Outputs::new()
        .number("eta", step.eta)
        .number("loss_noisy_target", step.loss_noisy_target)
        .number("best_linear", step.best_linear))
}

fn target(best: &TargetMinimum) -> Outputs {
    Outputs::new()
        .matrix("A_star", best.a_star.as_ref())
        .number("loss_noisy_target", best.loss_noisy_target)
        .number("best_linear", best.best_linear)
        .number("excess", best.excess)
}

fn index_mixture(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let n = inputs.count("N")?;
    let mixture = SingleIndexMixture::new(
        covariance(inputs, "Lambda")?,
        &inputs.vector("weights")?,
        inputs.lists("directions")?,
        polynomial(inputs)?,
        inputs.number("sigma2")?,
        n,
    )?;
    Ok(target(&target_minimum(&single_index_moments(&mixture)?, n)?))
}

fn quartic(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let moment = quartic_moment(inputs.matrix("Q")?.as_ref(), &covariance(inputs, "Lambda")?)?;
    Ok(Outputs::new().matrix("moment", moment.as_ref()))
}

fn contaminated(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let moments = contaminated_moments(&task(inputs)?, inputs.matrix("Q")?.as_ref())?;
    Ok(target(&target_minimum(&moments, inputs.count("N")?)?))
}

fn best(law: &Whitened) -> Result<Outputs, ComputeError> {
    let best = optimum(law)?;
    Ok(Outputs::new().matrix("A_star", best.a_star.as_ref()).number("L_star", best.l_star))
}

fn elliptical(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    best(&law(inputs)?.elliptical(inputs.number("kappa")?)?)
}

fn prior_mean(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let psi = prior_second_moment(&inputs.vector("prior_mean")?, &covariance(inputs, "prior_cov")?)?;
    let lambda = covariance(inputs, "Lambda")?;
    best(&Whitened::new(&RegressionTask::new(lambda, psi, inputs.number("sigma2")?, inputs.count("N")?)?)?)
}
