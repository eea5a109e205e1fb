//! The `compute --certified` blocks of this chapter.
use serde_json::Value;
use solvable_certify::Interval;
use solvable_certify::collapse::{
    balanced_margin, critical_majority, critical_product, deep_branches, entropy_program, group_thresholds,
    minority_threshold, scalar_minimum, squared_dual, squared_minimum, thresholds, two_group_program,
};
use solvable_model::InputError;
use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};
use solvable_theory::collapse::TwoGroups;

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
        title: "simplex branch, a point of the antipodal pairs, how much lower it certainly lies (refutation > 0), and the \
                proved bound",
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
            "lower_bound",
        ],
        route: Route::Enclosure,
        run: branches,
    },
    Block {
        claim: "NC-16",
        title: "critical sqrt(lambda_w lambda_h) of minority collapse, and critical majority size at lambda",
        inputs: &[
            Key::new("k_A", Shape::Count),
            Key::new("n_A", Shape::Count),
            Key::new("k_B", Shape::Count),
            Key::new("n_B", Shape::Count),
            Key::optional("lambda", Shape::Number),
        ],
        outputs: &["critical_lambda", "critical_n_A"],
        route: Route::Enclosure,
        run: minority,
    },
    Block {
        claim: "NC-08",
        title: "product of all regularisations at which each class dies without bias; one row a depth",
        inputs: &[Key::new("class_counts", Shape::Vector), Key::new("M", Shape::Vector)],
        outputs: &["critical_product"],
        route: Route::Enclosure,
        run: products,
    },
    Block {
        claim: "NC-08",
        title: "two groups, unregularised bias: products at which minority, between and majority modes die",
        inputs: &[
            Key::new("k_A", Shape::Count),
            Key::new("n_A", Shape::Count),
            Key::new("k_B", Shape::Count),
            Key::new("n_B", Shape::Count),
            Key::new("M", Shape::Count),
            Key::new("bias", Shape::Text),
        ],
        outputs: &["minority_within", "between", "majority_within"],
        route: Route::Enclosure,
        run: group_products,
    },
    Block {
        claim: "NC-10",
        title: "value of the convex dual at depth one",
        inputs: &[
            Key::new("class_counts", Shape::Vector),
            Key::new("widths_M_to_1", Shape::Vector),
            Key::new("lambda_w_M_to_1", Shape::Vector),
            Key::new("lambda_h", Shape::Number),
            Key::new("bias", Shape::Text),
        ],
        outputs: &["dual_value"],
        route: Route::Enclosure,
        run: dual,
    },
    Block {
        claim: "NC-14",
        title: "minimum of cross-entropy at depth one between rigorous dual and primal values",
        inputs: &[
            Key::new("class_counts", Shape::Vector),
            Key::new("lambda_w", Shape::Number),
            Key::new("lambda_h", Shape::Number),
            Key::new("bias", Shape::Text),
            Key::optional("lambda_b", Shape::Number),
        ],
        outputs: &["min_value"],
        route: Route::Enclosure,
        run: program,
    },
    Block {
        claim: "NC-15",
        title: "minimum of two-group cross-entropy between rigorous dual and primal values",
        inputs: &[
            Key::new("k_A", Shape::Count),
            Key::new("n_A", Shape::Count),
            Key::new("k_B", Shape::Count),
            Key::new("n_B", Shape::Count),
            Key::new("lambda_w", Shape::Number),
            Key::new("lambda_h", Shape::Number),
            Key::new("bias", Shape::Text),
            Key::optional("lambda_b", Shape::Number),
        ],
        outputs: &["min_value"],
        route: Route::Enclosure,
        run: two_groups,
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
        .value("refutation", enclosure(&b.refutation))
        .value("lower_bound", enclosure(&b.lower_bound)))
}

fn minority(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let groups = groups(inputs)?;
    let minority = groups.minority();
    if groups.classes()[minority] < 2 {
        let condition = "at least 2 classes in the smaller group";
        let value = groups.classes()[minority] as u64;
        return Err(InputError::Count { argument: "k_B".into(), value, condition }.into());
    }
    let critical = minority_threshold(groups.sizes()[minority] as u64, groups.total() as u64)
        .map_err(ComputeError::refused)?;
    let outputs = Outputs::new().value("critical_lambda", enclosure(&critical));
    if !inputs.has("lambda") {
        return Ok(outputs);
    }
    let ([k_a, k_b], [_, n_b]) = (groups.classes(), groups.sizes());
    let size = critical_majority(k_a as u64, (k_b as u64, n_b as u64), inputs.number("lambda")?)
        .map_err(ComputeError::refused)?;
    Ok(outputs.value("critical_n_A", enclosure(&size)))
}

fn groups(inputs: &Inputs<'_>) -> Result<TwoGroups, ComputeError> {
    let count = |key| inputs.count(key);
    Ok(TwoGroups::new(count("k_A")?, count("n_A")?, count("k_B")?, count("n_B")?)?)
}

fn products(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let classes = ClassCounts::new(inputs.counts("class_counts")?)?;
    let total = classes.total() as u64;
    let mut rows = Vec::new();
    for m in inputs.counts("M")? {
        let mut row = Vec::new();
        for &n in classes.counts() {
            let square = Interval::exact(n as f64).map_err(ComputeError::refused)?;
            let product = critical_product(depth(m)?, &square, total).map_err(ComputeError::refused)?;
            row.push(enclosure(&product));
        }
        rows.push(Value::from(row));
    }
    Ok(Outputs::new().value("critical_product", rows))
}

fn group_products(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    if !bias(inputs)? {
        let condition =
            "the thresholds of groups are stated with a free bias: bias must be \"unregularised\"";
        return Err(InputError::Condition { argument: "bias".into(), value: 0.0, condition }.into());
    }
    let groups = groups(inputs)?;
    let ([k_a, k_b], [n_a, n_b]) = (groups.classes(), groups.sizes());
    let t = group_thresholds((k_a as u64, n_a as u64), (k_b as u64, n_b as u64), depth(inputs.count("M")?)?)
        .map_err(ComputeError::refused)?;
    let optional = |x: &Option<Interval>| x.as_ref().map_or(Value::Null, enclosure);
    Ok(Outputs::new()
        .value("minority_within", optional(&t.minority_within))
        .value("between", enclosure(&t.between))
        .value("majority_within", optional(&t.majority_within)))
}

fn dual(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let counts: Vec<u64> = inputs.counts("class_counts")?.into_iter().map(|n| n as u64).collect();
    let (widths, lambda_w) = (inputs.counts("widths_M_to_1")?, inputs.vector("lambda_w_M_to_1")?);
    let ([_], [weight]) = (widths.as_slice(), lambda_w.as_slice()) else {
        let condition = "1: the problem is convex at depth one only";
        return Err(
            InputError::Count { argument: "M".into(), value: lambda_w.len() as u64, condition }.into()
        );
    };
    let value = squared_dual(&counts, *weight, inputs.number("lambda_h")?, bias(inputs)?)
        .map_err(ComputeError::refused)?;
    Ok(Outputs::new().value("dual_value", enclosure(&value)))
}

fn program(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let classes = ClassCounts::new(inputs.counts("class_counts")?)?;
    let width = classes.classes();
    let lambda_w = vec![inputs.number("lambda_w")?];
    let problem =
        FreeFeatures::new(classes, vec![width], lambda_w, inputs.number("lambda_h")?, any_bias(inputs)?)?;
    let value = entropy_program(&problem).map_err(ComputeError::refused)?;
    Ok(Outputs::new().value("min_value", enclosure(&value)))
}

fn two_groups(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (lambda_w, lambda_h) = (inputs.number("lambda_w")?, inputs.number("lambda_h")?);
    let value = two_group_program(&groups(inputs)?, lambda_w, lambda_h, any_bias(inputs)?)
        .map_err(ComputeError::refused)?;
    Ok(Outputs::new().value("min_value", enclosure(&value)))
}

/// The bias, regularised with lambda_b or not.
fn any_bias(inputs: &Inputs<'_>) -> Result<Bias, ComputeError> {
    if inputs.text("bias")? == "regularised" && inputs.has("lambda_b") {
        return Ok(Bias::regularised(inputs.number("lambda_b")?)?);
    }
    Ok(if bias(inputs)? { Bias::Free } else { Bias::None })
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
