//! Exact expected risks at finite size: AGG-6, AGG-7.
use solvable_model::aggregate::FiniteDesign;
use solvable_theory::aggregate::expected_risk;

use super::{COUNT, NUMBER, RHO, mixing, with_risk};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route};

const INPUTS: &[Key] = &[
    Key::new("n", COUNT),
    Key::new("d", COUNT),
    Key::new("k", COUNT),
    Key::new("r2", NUMBER),
    Key::new("s2", NUMBER),
    RHO,
];

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "AGG-6",
        title: "exact expected bias^2 and variance, isotropic Gaussian covariates, no ridge: rho = 0, 1 or \"1-\"",
        inputs: INPUTS,
        outputs: &["bias2", "var", "risk"],
        route: Route::Theory,
        run: expected,
    },
    Block {
        claim: "AGG-7",
        title: "exact expected bias^2 and variance, isotropic Gaussian covariates, no ridge, any rho",
        inputs: INPUTS,
        outputs: &["bias2", "var", "risk"],
        route: Route::Theory,
        run: expected,
    },
];

fn design(inputs: &Inputs<'_>) -> Result<FiniteDesign, ComputeError> {
    let (n, d, k) = (inputs.count("n")?, inputs.count("d")?, inputs.count("k")?);
    Ok(FiniteDesign::new(n, d, k, inputs.number("r2")?, inputs.number("s2")?)?)
}

fn expected(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(with_risk(Outputs::new(), expected_risk(&design(inputs)?, mixing(inputs)?)?))
}
