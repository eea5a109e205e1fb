//! NC-01 to NC-03.
use solvable_theory::collapse::{global_threshold, product_cost, scalar_minimum, spinodal, targets};

use super::keys::{BIAS, CLASS_COUNTS, LAMBDA_H, LAMBDA_WS, M, bias, classes};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "NC-01",
        title: "smallest penalty of factors whose product has these singular values",
        inputs: &[Key::new("singular_values", Shape::Vector), LAMBDA_WS, LAMBDA_H],
        outputs: &["min_value", "layer_energy"],
        route: Route::Theory,
        run: cost,
    },
    Block {
        claim: "NC-02",
        title: "singular values of the target, largest first",
        inputs: &[CLASS_COUNTS, BIAS],
        outputs: &["target_singular_values"],
        route: Route::Theory,
        run: target,
    },
    Block {
        claim: "NC-03",
        title: "global minimiser of 1/(1+x^M) + beta x, ties, the other local minimiser, thresholds",
        inputs: &[M, Key::new("beta", Shape::Number)],
        outputs: &["x", "min_value", "minimisers", "alignment", "local_x", "local_value", "beta_c", "beta_s"],
        route: Route::Theory,
        run: scalar,
    },
    Block {
        claim: "NC-03",
        title: "threshold constants of a list of depths",
        inputs: &[Key::new("M", Shape::Vector)],
        outputs: &["beta_c", "beta_s"],
        route: Route::Theory,
        run: constants,
    },
];

fn cost(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (sigma, lambda_w) = (inputs.vector("singular_values")?, inputs.vector("lambda_w_M_to_1")?);
    let found = product_cost(&sigma, &lambda_w, inputs.number("lambda_h")?)?;
    Ok(Outputs::new().number("min_value", found.value).vector("layer_energy", &found.layer_energy))
}

fn target(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = targets(&classes(inputs)?, bias(inputs)?)?;
    Ok(Outputs::new().vector("target_singular_values", &found.singular_values()))
}

fn scalar(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (depth, beta) = (inputs.count("M")?, inputs.number("beta")?);
    let found = scalar_minimum(depth, beta)?;
    Ok(Outputs::new()
        .number("x", found.x)
        .number("min_value", found.value)
        .vector("minimisers", &found.minimisers())
        .number("alignment", found.alignment)
        .optional("local_x", found.local.map(|l| l.x))
        .optional("local_value", found.local.map(|l| l.value))
        .number("beta_c", global_threshold(depth)?)
        .number("beta_s", spinodal(depth)?))
}

fn constants(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let depths = inputs.counts("M")?;
    let list = |f: fn(usize) -> Result<f64, solvable_theory::collapse::CollapseError>| {
        depths.iter().map(|&m| f(m)).collect::<Result<Vec<_>, _>>()
    };
    Ok(Outputs::new().vector("beta_c", &list(global_threshold)?).vector("beta_s", &list(spinodal)?))
}
