//! NC-20 to NC-24.
use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};
use solvable_theory::collapse::{
    AlignedFlow, hessian_spectrum, imbalance_at, local_minima, smallest_hessian_eigenvalue,
    within_class_rates,
};

use super::keys::{BIAS, CLASS_COUNTS, K, LAMBDA, LAMBDA_H, LAMBDA_W, M, N, bias, classes};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape, number};

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "NC-20",
        title: "imbalance of neighbouring factors after time t of gradient flow, equal regularisation",
        inputs: &[Key::new("B0", Shape::Matrix), LAMBDA, Key::new("t", Shape::Number)],
        outputs: &["B"],
        route: Route::Theory,
        run: imbalance,
    },
    Block {
        claim: "NC-21",
        title: "asymptotic within-class decay rates per class direction, M = 1, and the null-direction rate",
        inputs: &[CLASS_COUNTS, LAMBDA_W, LAMBDA_H],
        outputs: &["rates", "null_rate", "nc1_rate"],
        route: Route::Theory,
        run: rates,
    },
    Block {
        claim: "NC-22",
        title: "balanced squared-loss flow, M = 1, aligned balanced start: common singular value of the logits",
        inputs: &[K, N, LAMBDA, Key::new("u0", Shape::Number), Key::new("t", Shape::Vector)],
        outputs: &["u", "u_infinity", "rate"],
        route: Route::Theory,
        run: trajectory,
    },
    Block {
        claim: "NC-22",
        title: "balanced cross-entropy flow, M = 1: time for the margin to go from m0 to m1",
        inputs: &[K, N, LAMBDA, Key::new("m0", Shape::Number), Key::new("m1", Shape::Number)],
        outputs: &["t"],
        route: Route::Theory,
        run: margin_time,
    },
    Block {
        claim: "NC-22",
        title: "balanced squared-loss flow, depth M: time for the layer scale to go from s0 to s1",
        inputs: &[K, N, M, LAMBDA, Key::new("s0", Shape::Number), Key::new("s1", Shape::Number)],
        outputs: &["t"],
        route: Route::Theory,
        run: scale_time,
    },
    Block {
        claim: "NC-23",
        title: "Hessian spectrum at the balanced minimum, M = 1, no bias: (eigenvalue, multiplicity)",
        inputs: &[K, N, Key::new("d", Shape::Count), LAMBDA],
        outputs: &["spectrum", "dimension"],
        route: Route::Theory,
        run: spectrum,
    },
    Block {
        claim: "NC-24",
        title: "M = 1: smallest Hessian eigenvalue at the critical points that learn the listed classes",
        inputs: &[CLASS_COUNTS, LAMBDA, Key::new("active", Shape::Lists), Key::new("width", Shape::Count)],
        outputs: &["min_eigenvalue"],
        route: Route::Theory,
        run: saddles,
    },
    Block {
        claim: "NC-24",
        title: "values of all local minima: the r largest targets on the upper branch, r = 0, 1, ...",
        inputs: &[CLASS_COUNTS, M, LAMBDA, BIAS],
        outputs: &["local_minima", "global_min"],
        route: Route::Theory,
        run: minima,
    },
];

fn imbalance(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = imbalance_at(&inputs.matrix("B0")?, inputs.number("lambda")?, inputs.number("t")?)?;
    Ok(Outputs::new().matrix("B", found.as_ref()))
}

fn rates(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let classes = classes(inputs)?;
    // One unused direction, so that the rate of NC1 is that of a wide network.
    let width = classes.classes().saturating_add(1);
    let (lambda_w, lambda_h) = (vec![inputs.number("lambda_w")?], inputs.number("lambda_h")?);
    let found =
        within_class_rates(&FreeFeatures::new(classes, vec![width], lambda_w, lambda_h, Bias::None)?)?;
    Ok(Outputs::new()
        .vector("rates", &found.rates)
        .number("null_rate", found.null_rate)
        .optional("nc1_rate", found.nc1_rate))
}

fn flow(inputs: &Inputs<'_>) -> Result<AlignedFlow, ComputeError> {
    Ok(AlignedFlow::new(inputs.count("K")?, inputs.count("n")?, inputs.number("lambda")?)?)
}

fn trajectory(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (flow, u0) = (flow(inputs)?, inputs.number("u0")?);
    let u = inputs.vector("t")?.into_iter().map(|t| flow.squared(u0, t)).collect::<Result<Vec<_>, _>>()?;
    Ok(Outputs::new().vector("u", &u).number("u_infinity", flow.limit()).number("rate", flow.rate()))
}

fn margin_time(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let t = flow(inputs)?.margin_time(inputs.number("m0")?, inputs.number("m1")?)?;
    Ok(Outputs::new().number("t", t))
}

fn scale_time(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let t = flow(inputs)?.squared_time(inputs.count("M")?, inputs.number("s0")?, inputs.number("s1")?)?;
    Ok(Outputs::new().number("t", t))
}

fn spectrum(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let classes = ClassCounts::balanced(inputs.count("K")?, inputs.count("n")?)?;
    let problem =
        FreeFeatures::uniform(classes, 1, inputs.count("d")?, inputs.number("lambda")?, Bias::None)?;
    let found = hessian_spectrum(&problem)?;
    let rows: Vec<serde_json::Value> =
        found.eigenvalues.iter().map(|&(e, m)| serde_json::Value::from(vec![number(e), m.into()])).collect();
    Ok(Outputs::new().value("spectrum", rows).value("dimension", found.dimension))
}

fn saddles(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let problem = FreeFeatures::uniform(
        classes(inputs)?,
        1,
        inputs.count("width")?,
        inputs.number("lambda")?,
        Bias::None,
    )?;
    let mut found = Vec::new();
    for list in inputs.lists("active")? {
        let mut active = Vec::with_capacity(list.len());
        for v in list {
            if v < 0.0 || v.fract() != 0.0 || v > 9_007_199_254_740_992.0 {
                return Err(ComputeError::WrongType {
                    key: "active".to_owned(),
                    expected: "lists of class indices counted from 0",
                    found: v.to_string(),
                });
            }
            active.push(v as usize);
        }
        found.push(smallest_hessian_eigenvalue(&problem, &active)?);
    }
    Ok(Outputs::new().vector("min_eigenvalue", &found))
}

fn minima(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let classes = classes(inputs)?;
    let (depth, width) = (inputs.count("M")?, classes.classes());
    let problem = FreeFeatures::uniform(classes, depth, width, inputs.number("lambda")?, bias(inputs)?)?;
    let found = local_minima(&problem)?;
    Ok(Outputs::new().vector("local_minima", &found.values).number("global_min", found.global))
}
