//! Comparison of the losses, optimal bag sizes, optimal ridge: AGG-8, AGG-9, AGG-10.
use solvable_model::aggregate::IsotropicLimit;
use solvable_theory::aggregate::{bayes_ridge, critical_snr, optimal_bag_size, optimal_integer_bag_size};

use super::asymptotic::isotropic;
use super::{NUMBER, VECTOR, privacy};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route};

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "AGG-8",
        title: "signal-to-noise ratio r2/s2 below which the ridgeless instance-level estimator beats the bag-level \
                one (0 = never)",
        inputs: &[Key::new("gamma", NUMBER), Key::new("k", NUMBER)],
        outputs: &["snr_c"],
        route: Route::Theory,
        run: critical,
    },
    Block {
        claim: "AGG-9",
        title: "optimal bag size of the ridgeless instance-level estimator, as a real number and as an integer (null: \
                predict 0)",
        inputs: &[Key::new("gamma", NUMBER), Key::new("r2", NUMBER), Key::new("s2", NUMBER)],
        outputs: &["k_star", "k_integer"],
        route: Route::Theory,
        run: bag_size,
    },
    Block {
        claim: "AGG-10",
        title: "optimal ridge and Bayes risk at rho = 1",
        inputs: &[
            Key::new("gamma", NUMBER),
            Key::new("k", NUMBER),
            Key::new("r2", NUMBER),
            Key::new("s2", NUMBER),
        ],
        outputs: &["lam", "risk"],
        route: Route::Theory,
        run: bayes,
    },
    Block {
        claim: "AGG-10",
        title: "optimal ridges and Bayes risks under label privacy, for a list of bag sizes",
        inputs: &[
            Key::new("gamma", NUMBER),
            Key::new("r2", NUMBER),
            Key::new("s2", NUMBER),
            Key::new("T", NUMBER),
            Key::optional("eps", NUMBER),
            Key::new("k", VECTOR),
        ],
        outputs: &["lam", "risk"],
        route: Route::Theory,
        run: private_bayes,
    },
];

fn critical(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let snr = critical_snr(inputs.number("gamma")?, inputs.number("k")?)?;
    Ok(Outputs::new().number("snr_c", snr))
}

fn bag_size(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (gamma, r2, s2) = (inputs.number("gamma")?, inputs.number("r2")?, inputs.number("s2")?);
    Ok(Outputs::new()
        .number("k_star", optimal_bag_size(gamma, r2, s2, None)?)
        .optional("k_integer", optimal_integer_bag_size(gamma, r2, s2, None)?))
}

fn bayes(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let best = bayes_ridge(&isotropic(inputs)?, None)?;
    Ok(Outputs::new().number("lam", best.lambda).number("risk", best.risk))
}

fn private_bayes(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (gamma, r2, s2) = (inputs.number("gamma")?, inputs.number("r2")?, inputs.number("s2")?);
    let privacy = privacy(inputs)?;
    let (mut lambda, mut risk) = (Vec::new(), Vec::new());
    for k in inputs.vector("k")? {
        let best = bayes_ridge(&IsotropicLimit::new(gamma, k, r2, s2)?, Some(&privacy))?;
        lambda.push(best.lambda);
        risk.push(best.risk);
    }
    Ok(Outputs::new().vector("lam", &lambda).vector("risk", &risk))
}
