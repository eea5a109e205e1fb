//! The `compute --certified` blocks of this chapter.
use serde_json::Value;
use solvable_certify::Interval;
use solvable_certify::collapse::{
    balanced_margin, deep_branches, minority_threshold, scalar_minimum, squared_minimum, thresholds,
};
use solvable_model::InputError;

use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape, enclosure};

/// By claim.
pub const BLOCKS: &[Block] = &[
    Block {
        claim: "NC-03",
        title: "global minimiser of 1/(1 + x^M) + beta x, with the thresholds",
        inputs: &[Key::new("M", Shape::Count), Key::new("beta", Shape::Number)],
        outputs: &["x", "min_value", "beta_c", "beta_s"],
        route: Route::Enclosure,
        run: scalar,
    },
    Block {
        claim: "NC-04",
        title: "global minimum of the squared loss",
        inputs: &[
            Key::new("class_counts", Shape::Vector),
            Key::new("widths_M_to_1", Shape::Vector),
            Key::new("lambda_w_M_to_1", Shape::Vector),
            Key::new("lambda_h", Shape::Number),
            Key::new("bias", Shape::Text),
        ],
        outputs: &["min_value"],
        route: Route::Enclosure,
        run: minimum,
    },
    Block {
        claim: "NC-12",
        title: "balanced cross-entropy at depth one",
        inputs: &[
            Key::new("K", Shape::Count),
            Key::new("n", Shape::Count),
            Key::new("lambda_w", Shape::Number),
            Key::new("lambda_h", Shape::Number),
            Key::new("bias", Shape::Text),
        ],
        outputs: &["margin", "min_value"],
        route: Route::Enclosure,
        run: margin,
    },
    Block {
        claim: "NC-13",
        title: "simplex branch, a point of the antipodal pairs, and how much lower it certainly lies (refutation > 0)",
        inputs: &[
            Key::new("K", Shape::Count),
            Key::new("n", Shape::Count),
            Key::new("M", Shape::Count),
            Key::new("lambda", Shape::Number),
            Key::new("bias", Shape::Text),
        ],
        outputs: &[
            "etf_margin",
            "etf_value",
            "origin_value",
            "lowrank_margin",
            "lowrank_value",
            "refutation",
        ],
        route: Route::Enclosure,
        run: branches,
    },
    Block {
        claim: "NC-16",
        title: "critical sqrt(lambda_w lambda_h) of the second group",
        inputs: &[
            Key::new("k_A", Shape::Count),
            Key::new("n_A", Shape::Count),
            Key::new("k_B", Shape::Count),
            Key::new("n_B", Shape::Count),
        ],
        outputs: &["critical_lambda"],
        route: Route::Enclosure,
        run: minority,
    },
];

fn scalar(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let depth = depth(inputs.count("M")?)?;
    let beta = inputs.number("beta")?;
    InputError::check_positive("beta", beta)?;
    let beta = Interval::exact(beta).map_err(ComputeError::refused)?;
    let best = scalar_minimum(depth, &beta).map_err(ComputeError::refused)?;
    let edges = thresholds(depth).map_err(ComputeError::refused)?;
    Ok(Outputs::new()
        .value("x", enclosure(&best.x))
        .value("min_value", enclosure(&best.value))
        .value("beta_c", enclosure(&edges.beta_c))
        .value("beta_s", enclosure(&edges.beta_s)))
}

fn minimum(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let counts: Vec<u64> = inputs.counts("class_counts")?.into_iter().map(|n| n as u64).collect();
    let widths = inputs.counts("widths_M_to_1")?;
    let lambda_w = inputs.vector("lambda_w_M_to_1")?;
    if widths.len() != lambda_w.len() {
        let (found, expected) = ((widths.len(), 1), (lambda_w.len(), 1));
        return Err(InputError::Shape { argument: "widths_M_to_1".into(), found, expected }.into());
    }
    let rank = widths.iter().copied().min().unwrap_or(0);
    let free = bias(inputs)?;
    let value = squared_minimum(&counts, &lambda_w, inputs.number("lambda_h")?, rank, free)
        .map_err(ComputeError::refused)?;
    Ok(Outputs::new().value("min_value", enclosure(&value)))
}

fn margin(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    // The balanced optimum is the same for both.
    bias(inputs)?;
    let (k, n) = (inputs.count("K")? as u64, inputs.count("n")? as u64);
    let best = balanced_margin(k, n, inputs.number("lambda_w")?, inputs.number("lambda_h")?)
        .map_err(ComputeError::refused)?;
    Ok(Outputs::new().value("margin", enclosure(&best.margin)).value("min_value", enclosure(&best.value)))
}

fn branches(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    if bias(inputs)? {
        let condition = "the branches are stated without a bias: bias must be \"none\"";
        return Err(InputError::Condition { argument: "bias".into(), value: 1.0, condition }.into());
    }
    let (k, n) = (inputs.count("K")? as u64, inputs.count("n")? as u64);
    let b = deep_branches(k, n, depth(inputs.count("M")?)?, inputs.number("lambda")?)
        .map_err(ComputeError::refused)?;
    let simplex = |f: fn(&solvable_certify::collapse::CertifiedMargin) -> &Interval| {
        b.simplex.as_ref().map_or(Value::Null, |s| enclosure(f(s)))
    };
    Ok(Outputs::new()
        .value("etf_margin", simplex(|s| &s.margin))
        .value("etf_value", simplex(|s| &s.value))
        .value("origin_value", enclosure(&b.origin))
        .value("lowrank_margin", enclosure(&b.pairs.margin))
        .value("lowrank_value", enclosure(&b.pairs.value))
        .value("refutation", enclosure(&b.refutation)))
}

fn minority(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let [ka, na, kb, nb] = ["k_A", "n_A", "k_B", "n_B"].map(|key| inputs.count(key));
    let (ka, na, kb, nb) = (ka?, na?, kb?, nb?);
    let total = ka.checked_mul(na).zip(kb.checked_mul(nb)).and_then(|(a, b)| a.checked_add(b));
    let Some(total) = total else {
        let condition = "the number of samples must fit 64 bits";
        return Err(InputError::Condition { argument: "N".into(), value: f64::INFINITY, condition }.into());
    };
    let critical = minority_threshold(nb as u64, total as u64).map_err(ComputeError::refused)?;
    Ok(Outputs::new().value("critical_lambda", enclosure(&critical)))
}

/// Whether the bias is trained without regularisation.
fn bias(inputs: &Inputs<'_>) -> Result<bool, ComputeError> {
    match inputs.text("bias")? {
        "none" => Ok(false),
        "unregularised" | "free" => Ok(true),
        other => Err(ComputeError::WrongType {
            key: "bias".to_owned(),
            expected: "\"none\" or \"unregularised\"",
            found: format!("{other:?}"),
        }),
    }
}

fn depth(m: usize) -> Result<u32, ComputeError> {
    let fits = u32::try_from(m).ok().filter(|m| (1..=1000).contains(m));
    fits.ok_or_else(|| {
        InputError::Count { argument: "M".into(), value: m as u64, condition: "from 1 to 1000" }.into()
    })
}
