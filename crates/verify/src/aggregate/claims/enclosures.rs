//! Closed forms against their rigorous enclosures: one check a claim.
use serde_json::json;

use crate::check::{Check, Enclosed, increment, scale};

pub(super) fn fixed_point() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "AGG-4",
        key: "delta",
        what: "fixed point of the deterministic equivalent against its certified bracket",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![
                json!({"k": 4.0, "rho": 0.5, "lam": 0.05, "s2": 0.5, "sigma": [2.0, 0.5, 0.05], "weight": [0.15, 0.1, 0.05], "theta2": [0.6, 0.9, 1.8]}),
                json!({"k": 2.0, "rho": 0.25, "lam": 1e-4, "s2": 1.0, "sigma": [10.0, 0.1], "weight": [0.5, 0.7], "theta2": [1.0, 1.0]}),
            ]
        },
    };
    enclosed.check(
        [
            ("instance level: rho forgotten", |m| scale(m, "rho", 0.0)),
            ("bags of one", |m| {
                m.insert("k".to_owned(), 1.0.into());
            }),
        ],
        ("twice the ridge", |m| scale(m, "lam", 2.0)),
    )
}

pub(super) fn isotropic_risk() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "AGG-5",
        key: "risk",
        what: "limiting risk of the ridge against its enclosure",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![
                json!({"gamma": 0.25, "k": 4.0, "rho": 0.5, "lam": 0.1, "r2": 1.0, "s2": 0.5}),
                json!({"gamma": 1.5, "k": 2.0, "rho": 0.3, "lam": 0.02, "r2": 1.0, "s2": 0.2}),
                json!({"gamma": 0.9, "k": 1.0, "rho": 0.0, "lam": 2.0, "r2": 1.0, "s2": 1.0}),
            ]
        },
    };
    enclosed.check(
        [
            ("noise forgotten", |m| scale(m, "s2", 0.0)),
            ("features over bags, d/m", |m| scale(m, "gamma", 2.0)),
        ],
        ("half of the signal", |m| scale(m, "r2", 0.5)),
    )
}

pub(super) fn critical_ratio() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "AGG-8",
        key: "snr_c",
        what: "critical signal-to-noise ratio against its enclosure",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![json!({"gamma": 0.05, "k": 4}), json!({"gamma": 0.3, "k": 5}), json!({"gamma": 0.6, "k": 2})]
        },
    };
    enclosed.check(
        [
            ("one more instance a bag", |m| increment(m, "k")),
            ("d and n exchanged in part: gamma halved", |m| scale(m, "gamma", 0.5)),
        ],
        ("one percent more features", |m| scale(m, "gamma", 1.01)),
    )
}

pub(super) fn best_size() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "AGG-9",
        key: "k_star",
        what: "best real bag size against its enclosure",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![
                json!({"gamma": 0.1, "r2": 0.5, "s2": 1.0}),
                json!({"gamma": 0.3, "r2": 1.0, "s2": 1.5}),
                json!({"gamma": 0.2, "r2": 1.0, "s2": 2.0}),
            ]
        },
    };
    enclosed.check(
        [("noise halved", |m| scale(m, "s2", 0.5)), ("a fifth more noise", |m| scale(m, "s2", 1.2))],
        ("other proportions", |m| scale(m, "gamma", 0.9)),
    )
}

pub(super) fn bayes_risk() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "AGG-10",
        key: "risk",
        what: "Bayes risk against its enclosure",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![
                json!({"gamma": 0.25, "k": 4.0, "r2": 1.0, "s2": 0.5}),
                json!({"gamma": 1.3, "k": 3.0, "r2": 1.0, "s2": 0.2}),
                json!({"gamma": 0.01, "k": 2.0, "r2": 1e-8, "s2": 5.0}),
            ]
        },
    };
    enclosed.check(
        [
            ("noise of a mean, s2/k", |m| scale(m, "s2", 0.5)),
            ("bags forgotten: k = 1", |m| {
                m.insert("k".to_owned(), 1.0.into());
            }),
        ],
        ("other proportions", |m| scale(m, "gamma", 1.1)),
    )
}

pub(super) fn private_size() -> Box<dyn Check> {
    let enclosed = Enclosed {
        claim: "AGG-11",
        key: "k_star",
        what: "best bag size under label privacy against its enclosure",
        relative: Enclosed::ROUNDING,
        cells: || {
            vec![
                json!({"gamma": 0.2, "r2": 1.0, "s2": 0.5, "T": 3.0, "eps": 1.0}),
                json!({"gamma": 0.3, "r2": 2.0, "s2": 0.5, "T": 4.0, "eps": 2.0}),
            ]
        },
    };
    enclosed.check(
        [("labels in [0, T]", |m| scale(m, "T", 0.5)), ("noise forgotten", |m| scale(m, "s2", 0.0))],
        ("half of the privacy", |m| scale(m, "eps", 2.0)),
    )
}
