//! Closed forms and optima against their rigorous enclosures: one check a claim.
use serde_json::json;

use crate::check::{Check, Enclosed, increment, scale};

pub(super) fn root() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "NC-03",
        key: "x",
        what: "minimiser of the scalar problem against its certified bracket",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![
                json!({"M": 1, "beta": 0.25}),
                json!({"M": 2, "beta": 0.1}),
                json!({"M": 5, "beta": 1e-6}),
                json!({"M": 9, "beta": 1e-60}),
                json!({"M": 3, "beta": 0.529}),
            ]
        },
    };
    enclosed.check(
        [("one layer more", |m| increment(m, "M")), ("half of the penalty", |m| scale(m, "beta", 0.5))],
        ("one percent less penalty", |m| scale(m, "beta", 0.99)),
    )
}

pub(super) fn squared_minimum() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "NC-04",
        key: "min_value",
        what: "global minimum against its enclosure",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![
                json!({"class_counts": [8, 5, 3, 1], "widths_M_to_1": [6], "lambda_w_M_to_1": [0.01], "lambda_h": 0.002, "bias": "unregularised"}),
                json!({"class_counts": [8, 5, 5, 1], "widths_M_to_1": [5, 3, 6], "lambda_w_M_to_1": [0.005, 0.01, 0.003], "lambda_h": 0.002, "bias": "none"}),
            ]
        },
    };
    enclosed.check(
        [
            ("features regularised twice", |m| scale(m, "lambda_h", 2.0)),
            ("bias forgotten or added", |m| {
                let free = m["bias"] != "none";
                m.insert("bias".to_owned(), if free { "none" } else { "unregularised" }.into());
            }),
        ],
        ("one percent more decay", |m| scale(m, "lambda_h", 1.01)),
    )
}

pub(super) fn critical_product() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "NC-08",
        key: "between",
        what: "product at which the mode between two groups dies against its enclosure",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![
                json!({"k_A": 4, "n_A": 9, "k_B": 3, "n_B": 2, "M": 1, "bias": "unregularised"}),
                json!({"k_A": 2, "n_A": 50, "k_B": 5, "n_B": 7, "M": 3, "bias": "unregularised"}),
            ]
        },
    };
    enclosed.check(
        [("one layer more", |m| increment(m, "M")), ("one class more", |m| increment(m, "k_A"))],
        ("one sample more", |m| increment(m, "n_B")),
    )
}

pub(super) fn balanced_value() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "NC-12",
        key: "min_value",
        what: "minimum of balanced cross-entropy against its enclosure",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![
                json!({"K": 4, "n": 5, "lambda_w": 0.01, "lambda_h": 0.005, "bias": "none"}),
                json!({"K": 10, "n": 10, "lambda_w": 0.001, "lambda_h": 0.001, "bias": "unregularised"}),
            ]
        },
    };
    enclosed.check(
        [
            ("features regularised twice", |m| scale(m, "lambda_h", 2.0)),
            ("one class more", |m| increment(m, "K")),
        ],
        ("one sample more", |m| increment(m, "n")),
    )
}

pub(super) fn deep_bound() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "NC-13",
        key: "lower_bound",
        what: "proved bound of deep cross-entropy against its enclosure",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![
                json!({"K": 4, "n": 2, "M": 3, "lambda": 0.001, "bias": "none"}),
                json!({"K": 6, "n": 2, "M": 2, "lambda": 0.005, "bias": "none"}),
            ]
        },
    };
    enclosed.check(
        [("one layer more", |m| increment(m, "M")), ("half of the penalty", |m| scale(m, "lambda", 0.5))],
        ("one sample more", |m| increment(m, "n")),
    )
}

pub(super) fn program_value() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "NC-14",
        key: "min_value",
        what: "value of the convex program between rigorous primal and dual values",
        relative: 1e-12,
        cells: || {
            vec![
                json!({"class_counts": [6, 4, 2], "lambda_w": 0.02, "lambda_h": 0.01, "bias": "none"}),
                json!({"class_counts": [5, 2, 1], "lambda_w": 0.01, "lambda_h": 0.02, "bias": "unregularised"}),
            ]
        },
    };
    enclosed.check(
        [
            ("features regularised twice", |m| scale(m, "lambda_h", 2.0)),
            ("half of the penalty", |m| scale(m, "lambda_h", 0.25)),
        ],
        ("one percent more decay", |m| scale(m, "lambda_h", 1.01)),
    )
}

pub(super) fn two_group_value() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "NC-15",
        key: "min_value",
        what: "minimum for two groups between rigorous primal and dual values",
        relative: 1e-12,
        cells: || {
            vec![
                json!({"k_A": 3, "n_A": 6, "k_B": 2, "n_B": 2, "lambda_w": 0.01, "lambda_h": 0.005, "bias": "none"}),
                json!({"k_A": 2, "n_A": 10, "k_B": 3, "n_B": 1, "lambda_w": 0.004, "lambda_h": 0.01, "bias": "unregularised"}),
            ]
        },
    };
    enclosed.check(
        [
            ("one class more", |m| increment(m, "k_A")),
            ("features regularised twice", |m| scale(m, "lambda_h", 2.0)),
        ],
        ("one sample more", |m| increment(m, "n_B")),
    )
}

pub(super) fn critical_lambda() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "NC-16",
        key: "critical_lambda",
        what: "regularisation of minority collapse against its enclosure",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![
                json!({"k_A": 5, "n_A": 500, "k_B": 5, "n_B": 100, "lambda": 0.005}),
                json!({"k_A": 3, "n_A": 20, "k_B": 3, "n_B": 1, "lambda": 0.03}),
            ]
        },
    };
    enclosed.check(
        [
            ("one class more", |m| increment(m, "k_B")),
            ("one sample more in the majority", |m| increment(m, "n_A")),
        ],
        ("one sample more in the minority", |m| increment(m, "n_B")),
    )
}
