//! The `compute --certified` blocks of this chapter.
use serde_json::Value;
use solvable_certify::aggregate::{
    BagProblem, bag_risk, bayes_gap, bayes_risk, best_bag_size, critical_snr, private_bag_size,
};

use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape, enclosure};

/// By claim.
pub const BLOCKS: &[Block] = &[
    Block {
        claim: "AGG-4",
        title: "general covariance, ridge > 0",
        inputs: &[
            Key::new("k", Shape::Number),
            Key::new("rho", Shape::Number),
            Key::new("lam", Shape::Number),
            Key::new("s2", Shape::Number),
            Key::new("sigma", Shape::Vector),
            Key::new("weight", Shape::Vector),
            Key::new("theta2", Shape::Vector),
        ],
        outputs: &["delta", "s", "bias2", "var", "risk"],
        route: Route::Enclosure,
        run: general,
    },
    Block {
        claim: "AGG-5",
        title: "isotropic, ridge > 0",
        inputs: &[
            Key::new("gamma", Shape::Number),
            Key::new("k", Shape::Number),
            Key::new("rho", Shape::Number),
            Key::new("lam", Shape::Number),
            Key::new("r2", Shape::Number),
            Key::new("s2", Shape::Number),
        ],
        outputs: &["delta", "s", "bias2", "var", "risk"],
        route: Route::Enclosure,
        run: isotropic,
    },
    Block {
        claim: "AGG-8",
        title: "critical signal-to-noise ratio; inf at k gamma = 1",
        inputs: &[Key::new("gamma", Shape::Number), Key::new("k", Shape::Count)],
        outputs: &["snr_c"],
        route: Route::Enclosure,
        run: critical,
    },
    Block {
        claim: "AGG-9",
        title: "real-valued best bag size of the instance level; inf where it has none",
        inputs: &[
            Key::new("gamma", Shape::Number),
            Key::new("r2", Shape::Number),
            Key::new("s2", Shape::Number),
        ],
        outputs: &["k_star"],
        route: Route::Enclosure,
        run: bag_size,
    },
    Block {
        claim: "AGG-10",
        title: "optimal ridge and Bayes risk at rho = 1",
        inputs: &[
            Key::new("gamma", Shape::Number),
            Key::new("k", Shape::Number),
            Key::new("r2", Shape::Number),
            Key::new("s2", Shape::Number),
        ],
        outputs: &["lam", "risk"],
        route: Route::Enclosure,
        run: bayes,
    },
    Block {
        claim: "AGG-10",
        title: "optimality certificate: limiting risk at (rho, lam) minus the Bayes risk",
        inputs: &[
            Key::new("gamma", Shape::Number),
            Key::new("k", Shape::Number),
            Key::new("r2", Shape::Number),
            Key::new("s2", Shape::Number),
            Key::new("rho", Shape::Number),
            Key::new("lam", Shape::Number),
        ],
        outputs: &["gap"],
        route: Route::Enclosure,
        run: excess,
    },
    Block {
        claim: "AGG-11",
        title: "real-valued best bag size under label privacy; inf where it has none",
        inputs: &[
            Key::new("gamma", Shape::Number),
            Key::new("r2", Shape::Number),
            Key::new("s2", Shape::Number),
            Key::new("T", Shape::Number),
            Key::new("eps", Shape::Number),
        ],
        outputs: &["k_star"],
        route: Route::Enclosure,
        run: private_size,
    },
];

fn risk(problem: &BagProblem<'_>) -> Result<Outputs, ComputeError> {
    let risk = bag_risk(problem).map_err(ComputeError::refused)?;
    Ok(Outputs::new()
        .value("delta", enclosure(&risk.delta))
        .value("s", enclosure(&risk.s))
        .value("bias2", enclosure(&risk.bias2))
        .value("var", enclosure(&risk.var))
        .value("risk", enclosure(&risk.risk())))
}

fn general(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (sigma, weight, theta2) =
        (inputs.vector("sigma")?, inputs.vector("weight")?, inputs.vector("theta2")?);
    risk(&BagProblem {
        k: inputs.number("k")?,
        rho: inputs.number("rho")?,
        lambda: inputs.number("lam")?,
        sigma2: inputs.number("s2")?,
        sigma: &sigma,
        weight: &weight,
        theta2: &theta2,
    })
}

fn isotropic(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (weight, theta2) = ([inputs.number("gamma")?], [inputs.number("r2")?]);
    risk(&BagProblem {
        k: inputs.number("k")?,
        rho: inputs.number("rho")?,
        lambda: inputs.number("lam")?,
        sigma2: inputs.number("s2")?,
        sigma: &[1.0],
        weight: &weight,
        theta2: &theta2,
    })
}

fn critical(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let snr =
        critical_snr(inputs.number("gamma")?, inputs.count("k")? as u64).map_err(ComputeError::refused)?;
    Ok(Outputs::new().value("snr_c", snr.as_ref().map_or_else(infinite, enclosure)))
}

fn bag_size(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let size = best_bag_size(inputs.number("gamma")?, inputs.number("r2")?, inputs.number("s2")?)
        .map_err(ComputeError::refused)?;
    Ok(Outputs::new().value("k_star", size.as_ref().map_or_else(infinite, enclosure)))
}

fn bayes(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let number = |key| inputs.number(key);
    let best = bayes_risk(number("gamma")?, number("k")?, number("r2")?, number("s2")?)
        .map_err(ComputeError::refused)?;
    Ok(Outputs::new().value("lam", enclosure(&best.lambda)).value("risk", enclosure(&best.risk)))
}

fn excess(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let number = |key| inputs.number(key);
    let shape = (number("gamma")?, number("k")?);
    let gap = bayes_gap(shape, (number("r2")?, number("s2")?), number("rho")?, number("lam")?)
        .map_err(ComputeError::refused)?;
    Ok(Outputs::new().value("gap", enclosure(&gap)))
}

fn private_size(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let number = |key| inputs.number(key);
    let size = private_bag_size(number("gamma")?, number("r2")?, number("s2")?, number("T")?, number("eps")?)
        .map_err(ComputeError::refused)?;
    Ok(Outputs::new().value("k_star", size.as_ref().map_or_else(infinite, enclosure)))
}

fn infinite() -> Value {
    Value::from(vec!["inf", "inf"])
}
