//! Exact expected risks at finite size: AGG-6.
use solvable_model::aggregate::FiniteDesign;
use solvable_theory::aggregate::expected_risk;

use super::{COUNT, NUMBER, RHO, mixing, with_risk};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route};

pub(super) const BLOCKS: &[Block] = &[Block {
    claim: "AGG-6",
    title: "exact expected bias^2 and variance, isotropic Gaussian covariates, no ridge: rho = 0, 1 or \"1-\"",
    inputs: &[
        Key::new("n", COUNT),
        Key::new("d", COUNT),
        Key::new("k", COUNT),
        Key::new("r2", NUMBER),
        Key::new("s2", NUMBER),
        RHO,
    ],
    outputs: &["bias2", "var", "risk"],
    route: Route::Theory,
    run: ends,
}];

pub(super) fn design(inputs: &Inputs<'_>) -> Result<FiniteDesign, ComputeError> {
    let (n, d, k) = (inputs.count("n")?, inputs.count("d")?, inputs.count("k")?);
    Ok(FiniteDesign::new(n, d, k, inputs.number("r2")?, inputs.number("s2")?)?)
}

fn ends(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(with_risk(Outputs::new(), expected_risk(&design(inputs)?, mixing(inputs)?)?))
}
