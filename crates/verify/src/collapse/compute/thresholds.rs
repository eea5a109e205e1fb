//! NC-08 and NC-16.
use solvable_theory::collapse::{
    CollapseError, critical_products, minority_collapse, threshold_jump, two_group_thresholds,
};

use super::keys::{BIAS, CLASS_COUNTS, K_A, K_B, LAMBDA, M, N_A, N_B, bias, classes, groups};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape, vector};

const DEPTHS: Key = Key::new("M", Shape::Vector);

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "NC-08",
        title: "product of all regularisations at which each class dies without bias; one row a depth",
        inputs: &[CLASS_COUNTS, DEPTHS],
        outputs: &["critical_product"],
        route: Route::Theory,
        run: products,
    },
    Block {
        claim: "NC-08",
        title: "own logit just below the threshold, 1 - 1/M",
        inputs: &[DEPTHS],
        outputs: &["jump"],
        route: Route::Theory,
        run: jump,
    },
    Block {
        claim: "NC-08",
        title: "two groups, unregularised bias: products at which minority, between and majority modes die",
        inputs: &[K_A, N_A, K_B, N_B, M, BIAS],
        outputs: &["minority_within", "between", "majority_within"],
        route: Route::Theory,
        run: two_groups,
    },
    Block {
        claim: "NC-16",
        title: "critical sqrt(lambda_w lambda_h) of minority collapse, and critical majority size at lambda",
        inputs: &[K_A, N_A, K_B, N_B, LAMBDA],
        outputs: &["critical_lambda", "critical_n_A"],
        route: Route::Theory,
        run: minority,
    },
];

fn products(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let classes = classes(inputs)?;
    let row = |m: &usize| critical_products(&classes, *m).map(|r| vector(&r));
    let rows = inputs.counts("M")?.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    Ok(Outputs::new().value("critical_product", rows))
}

fn jump(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let jumps = inputs.counts("M")?.into_iter().map(threshold_jump).collect::<Result<Vec<_>, _>>();
    Ok(Outputs::new().vector("jump", &jumps?))
}

fn two_groups(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    if bias(inputs)? != solvable_model::collapse::Bias::Free {
        let found = if inputs.text("bias")? == "none" { "none" } else { "regularised" };
        return Err(ComputeError::refused(CollapseError::Bias { found, needed: "free" }));
    }
    let found = two_group_thresholds(&groups(inputs)?, inputs.count("M")?)?;
    Ok(Outputs::new()
        .optional("minority_within", found.minority_within)
        .number("between", found.between)
        .optional("majority_within", found.majority_within))
}

fn minority(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = minority_collapse(&groups(inputs)?, inputs.number("lambda")?)?;
    Ok(Outputs::new()
        .number("critical_lambda", found.critical_lambda)
        .number("critical_n_A", found.critical_majority))
}
