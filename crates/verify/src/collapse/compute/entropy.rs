//! NC-11 to NC-15, NC-17 and NC-18.
use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};
use solvable_theory::collapse::{
    Optimality, all_zero_threshold, balanced_entropy_minimum, cosines, deep_entropy_minimum,
    entropy_program_minimum, nonnegative_entropy_minimum, regularised_bias_minimum, seli_geometry,
    two_class_entropy_minimum, two_group_entropy_minimum,
};

use super::keys::{
    BIAS, CLASS_COUNTS, K, K_A, K_B, LAMBDA, LAMBDA_H, LAMBDA_W, M, N, N_A, N_B, OPTIONAL_LAMBDA_B,
    balanced_problem, bias, classes, groups,
};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "NC-11",
        title: "squared loss with a regularised bias, balanced, M = 1",
        inputs: &[
            K,
            N,
            LAMBDA_W,
            LAMBDA_H,
            Key::new("lambda_b", Shape::Number),
            Key::new("width", Shape::Count),
        ],
        outputs: &[
            "min_value",
            "sigma_contrast",
            "sigma_common",
            "bias_entry",
            "feature_cosine",
            "lower_bound",
            "gap",
            "status",
        ],
        route: Route::Theory,
        run: regularised,
    },
    Block {
        claim: "NC-12",
        title: "balanced cross-entropy, M = 1: margin and minimum",
        inputs: &[K, N, LAMBDA_W, LAMBDA_H, BIAS, OPTIONAL_LAMBDA_B],
        outputs: &["margin", "min_value", "collapsed_to_zero", "classifier_scale", "feature_scale"],
        route: Route::Theory,
        run: balanced,
    },
    Block {
        claim: "NC-13",
        title: "balanced cross-entropy, depth M, equal regularisation: simplex and pair branches, proved bound",
        inputs: &[K, N, M, LAMBDA, BIAS],
        outputs: &[
            "etf_margin",
            "etf_value",
            "lower_bound",
            "etf_is_global",
            "lowrank_margin",
            "lowrank_value",
            "best_value",
            "gap",
            "status",
            "branch",
        ],
        route: Route::Theory,
        run: deep,
    },
    Block {
        claim: "NC-13",
        title: "two classes, imbalanced without bias or balanced, depth M: the common margin",
        inputs: &[CLASS_COUNTS, M, LAMBDA, BIAS],
        outputs: &["margin", "min_value"],
        route: Route::Theory,
        run: two_classes,
    },
    Block {
        claim: "NC-14",
        title: "cross-entropy at depth one on any class counts: convex program with its dual bound",
        inputs: &[CLASS_COUNTS, LAMBDA_W, LAMBDA_H, BIAS, OPTIONAL_LAMBDA_B],
        outputs: &[
            "min_value",
            "lower_bound",
            "gap",
            "status",
            "logits",
            "bias_vector",
            "singular_values",
            "zero_threshold",
        ],
        route: Route::Theory,
        run: program,
    },
    Block {
        claim: "NC-15",
        title: "two-group cross-entropy, M = 1 (margins exclude the bias)",
        inputs: &[K_A, N_A, K_B, N_B, LAMBDA_W, LAMBDA_H, BIAS, OPTIONAL_LAMBDA_B],
        outputs: &[
            "min_value",
            "margin_within_A",
            "margin_within_B",
            "margin_A_vs_B",
            "margin_B_vs_A",
            "bias_gap",
            "minority_collapsed",
            "lower_bound",
            "gap",
            "status",
        ],
        route: Route::Theory,
        run: two_groups,
    },
    Block {
        claim: "NC-17",
        title: "vanishing regularisation, M = 1: Gram matrices of classifiers and class features at unit margin",
        inputs: &[CLASS_COUNTS],
        outputs: &[
            "classifier_gram",
            "feature_gram",
            "classifier_cosines",
            "feature_cosines",
            "nuclear_norm",
            "dual_value",
        ],
        route: Route::Theory,
        run: seli,
    },
    Block {
        claim: "NC-18",
        title: "cross-entropy with non-negative features, M = 1, no bias",
        inputs: &[CLASS_COUNTS, LAMBDA_W, LAMBDA_H],
        outputs: &["margins", "min_value", "feature_norm_sq"],
        route: Route::Theory,
        run: nonnegative,
    },
];

/// Adds the certificate.
fn certificate(outputs: Outputs, found: &Optimality) -> Outputs {
    outputs
        .number("lower_bound", found.lower_bound)
        .number("gap", found.gap)
        .value("status", format!("{:?}", found.status))
}

/// A problem of depth one with the keys lambda_w, lambda_h.
fn depth_one(
    inputs: &Inputs<'_>,
    classes: ClassCounts,
    width: usize,
    bias: Bias,
) -> Result<FreeFeatures, ComputeError> {
    let lambda_w = vec![inputs.number("lambda_w")?];
    Ok(FreeFeatures::new(classes, vec![width], lambda_w, inputs.number("lambda_h")?, bias)?)
}

fn regularised(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let classes = ClassCounts::balanced(inputs.count("K")?, inputs.count("n")?)?;
    let bias = Bias::regularised(inputs.number("lambda_b")?)?;
    let found = regularised_bias_minimum(&depth_one(inputs, classes, inputs.count("width")?, bias)?)?;
    let outputs = Outputs::new()
        .number("min_value", found.optimality.value)
        .number("sigma_contrast", found.contrast)
        .number("sigma_common", found.common)
        .number("bias_entry", found.bias_entry)
        .optional("feature_cosine", found.feature_cosine);
    Ok(certificate(outputs, &found.optimality))
}

fn balanced(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let classes = ClassCounts::balanced(inputs.count("K")?, inputs.count("n")?)?;
    let width = classes.classes();
    let found = balanced_entropy_minimum(&depth_one(inputs, classes, width, bias(inputs)?)?)?;
    Ok(Outputs::new()
        .number("margin", found.margin)
        .number("min_value", found.optimality.value)
        .value("collapsed_to_zero", found.margin == 0.0)
        .number("classifier_scale", found.classifier_scale)
        .number("feature_scale", found.feature_scale))
}

fn deep(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = deep_entropy_minimum(&balanced_problem(inputs)?)?;
    Ok(Outputs::new()
        .number("etf_margin", found.simplex.margin)
        .number("etf_value", found.simplex.value)
        .number("lower_bound", found.optimality.lower_bound)
        .value("etf_is_global", found.simplex_is_global)
        .optional("lowrank_margin", found.pairs.map(|p| p.margin))
        .optional("lowrank_value", found.pairs.map(|p| p.value))
        .number("best_value", found.optimality.value)
        .number("gap", found.optimality.gap)
        .value("status", format!("{:?}", found.optimality.status))
        .value("branch", format!("{:?}", found.geometry)))
}

fn two_classes(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let classes = classes(inputs)?;
    let (depth, width) = (inputs.count("M")?, classes.classes());
    let problem = FreeFeatures::uniform(classes, depth, width, inputs.number("lambda")?, bias(inputs)?)?;
    let found = two_class_entropy_minimum(&problem)?;
    Ok(Outputs::new().number("margin", found.margin).number("min_value", found.optimality.value))
}

fn program(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let classes = classes(inputs)?;
    let width = classes.classes();
    let problem = depth_one(inputs, classes, width, bias(inputs)?)?;
    let found = entropy_program_minimum(&problem)?;
    let outputs = Outputs::new()
        .number("min_value", found.optimality.value)
        .matrix("logits", found.logits.as_ref())
        .vector("bias_vector", &found.bias)
        .vector("singular_values", &found.singular_values)
        .optional("zero_threshold", all_zero_threshold(&problem).ok());
    Ok(certificate(outputs, &found.optimality))
}

fn two_groups(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (lambda_w, lambda_h) = (inputs.number("lambda_w")?, inputs.number("lambda_h")?);
    let found = two_group_entropy_minimum(&groups(inputs)?, lambda_w, lambda_h, bias(inputs)?)?;
    let outputs = Outputs::new()
        .number("min_value", found.optimality.value)
        .number("margin_within_A", found.within[0])
        .number("margin_within_B", found.within[1])
        .number("margin_A_vs_B", found.across[0])
        .number("margin_B_vs_A", found.across[1])
        .number("bias_gap", found.bias_gap)
        .value("minority_collapsed", found.minority_collapsed);
    Ok(certificate(outputs, &found.optimality))
}

fn seli(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = seli_geometry(&classes(inputs)?)?;
    Ok(Outputs::new()
        .matrix("classifier_gram", found.classifiers.as_ref())
        .matrix("feature_gram", found.features.as_ref())
        .matrix("classifier_cosines", cosines(&found.classifiers).as_ref())
        .matrix("feature_cosines", cosines(&found.features).as_ref())
        .number("nuclear_norm", found.nuclear_norm)
        .number("dual_value", found.dual_value))
}

fn nonnegative(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let classes = classes(inputs)?;
    let width = classes.classes();
    let found = nonnegative_entropy_minimum(&depth_one(inputs, classes, width, Bias::None)?)?;
    Ok(Outputs::new()
        .vector("margins", &found.margins)
        .number("min_value", found.optimality.value)
        .vector("feature_norm_sq", &found.feature_norm_sq))
}
