//! NC-04 to NC-07 and NC-10.
use solvable_theory::collapse::{
    ClassFrame, ModeState, class_grams, orthogonal_frame, squared_dual, squared_gap, squared_minimum,
};

use super::keys::{BIAS, CLASS_COUNTS, LAMBDA_H, LAMBDA_WS, WIDTHS, problem, wide_problem};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape, vector};

const PROBLEM: &[Key] = &[CLASS_COUNTS, WIDTHS, LAMBDA_WS, LAMBDA_H, BIAS];

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "NC-04",
        title: "global minimum of the squared loss, its certificate and its modes, largest target first",
        inputs: PROBLEM,
        outputs: &[
            "min_value",
            "target_singular_values",
            "x",
            "singular_values",
            "layer_energy",
            "lower_bound",
            "gap",
            "status",
            "ties",
        ],
        route: Route::Theory,
        run: minimum,
    },
    Block {
        claim: "NC-05",
        title: "squared lengths of classifier rows and class features without bias, class order",
        inputs: PROBLEM,
        outputs: &["w_norm_sq", "h_norm_sq", "own_logit", "w_over_h", "cosines_between_classes"],
        route: Route::Theory,
        run: lengths,
    },
    Block {
        claim: "NC-05",
        title: "singular values of each factor, one row a factor (W_M first, H_1 last), class order",
        inputs: &[CLASS_COUNTS, LAMBDA_WS, LAMBDA_H, BIAS],
        outputs: &["layer_singular_values"],
        route: Route::Theory,
        run: layers,
    },
    Block {
        claim: "NC-06",
        title: "Gram matrices of classifiers and class features, logits without the bias, and the bias; none or unregularised",
        inputs: PROBLEM,
        outputs: &["classifier_gram", "feature_gram", "logits", "bias_vector"],
        route: Route::Theory,
        run: grams,
    },
    Block {
        claim: "NC-07",
        title: "eigenvalues of W W' and of the feature Gram matrix H_1 H_1' under any widths",
        inputs: PROBLEM,
        outputs: &["classifier_eigenvalues", "feature_eigenvalues", "rank", "tied_cut"],
        route: Route::Theory,
        run: spectra,
    },
    Block {
        claim: "NC-10",
        title: "distance of an objective value from the global minimum",
        inputs: &[CLASS_COUNTS, WIDTHS, LAMBDA_WS, LAMBDA_H, BIAS, Key::new("value", Shape::Number)],
        outputs: &["lower_bound", "gap", "status"],
        route: Route::Theory,
        run: gap,
    },
    Block {
        claim: "NC-10",
        title: "value of the convex dual at depth one",
        inputs: PROBLEM,
        outputs: &["dual_value"],
        route: Route::Theory,
        run: dual,
    },
];

fn minimum(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = squared_minimum(&problem(inputs)?)?;
    let list = |f: fn(&solvable_theory::collapse::Mode) -> f64| found.modes.iter().map(f).collect::<Vec<_>>();
    let ties: Vec<bool> = found.modes.iter().map(|m| m.state == ModeState::Tie).collect();
    Ok(Outputs::new()
        .number("min_value", found.value())
        .vector("target_singular_values", &list(|m| m.target))
        .vector("x", &list(|m| m.x))
        .vector("singular_values", &list(|m| m.singular_value))
        .vector("layer_energy", &list(|m| m.layer_energy))
        .number("lower_bound", found.optimality.lower_bound)
        .number("gap", found.optimality.gap)
        .value("status", format!("{:?}", found.optimality.status))
        .value("ties", ties))
}

fn lengths(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let frame = orthogonal_frame(&problem(inputs)?)?;
    let list = |f: fn(&ClassFrame) -> f64| frame.iter().map(f).collect::<Vec<_>>();
    Ok(Outputs::new()
        .vector("w_norm_sq", &list(|c| c.w_norm_sq))
        .vector("h_norm_sq", &list(|c| c.h_norm_sq))
        .vector("own_logit", &list(|c| c.own_logit))
        .vector("w_over_h", &list(|c| c.w_over_h))
        .number("cosines_between_classes", 0.0))
}

fn layers(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let frame = orthogonal_frame(&wide_problem(inputs)?)?;
    let rows = (0..frame[0].layer_singular_values.len())
        .map(|i| vector(&frame.iter().map(|c| c.layer_singular_values[i]).collect::<Vec<_>>()))
        .collect::<Vec<_>>();
    Ok(Outputs::new().value("layer_singular_values", rows))
}

fn grams(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = class_grams(&problem(inputs)?)?;
    Ok(Outputs::new()
        .matrix("classifier_gram", found.classifiers.as_ref())
        .matrix("feature_gram", found.features.as_ref())
        .matrix("logits", found.logits.as_ref())
        .vector("bias_vector", &found.bias))
}

fn spectra(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let problem = problem(inputs)?;
    let found = squared_minimum(&problem)?;
    let feature: Vec<f64> = found.modes.iter().map(|m| m.layer_energy / problem.lambda_h()).collect();
    Ok(Outputs::new()
        .vector("classifier_eigenvalues", &found.classifier_eigenvalues(&problem)?)
        .vector("feature_eigenvalues", &feature)
        .value("rank", found.rank())
        .value("tied_cut", found.tied_cut.is_some()))
}

fn gap(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = squared_gap(&problem(inputs)?, inputs.number("value")?)?;
    Ok(Outputs::new()
        .number("lower_bound", found.lower_bound)
        .number("gap", found.gap)
        .value("status", format!("{:?}", found.status)))
}

fn dual(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let value = squared_dual(&problem(inputs)?)?;
    Ok(Outputs::new().number("dual_value", value))
}
