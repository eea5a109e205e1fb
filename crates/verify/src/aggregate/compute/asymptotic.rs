//! Proportional limits: AGG-4, AGG-5, AGG-13.
use solvable_model::InputError;
use solvable_model::aggregate::{GroupedLimit, IsotropicLimit, RowGroup, SpectralLimit, SpectrumPart};
use solvable_theory::aggregate::{bag_equivalent, equivalent, observables, ridge_limit, ridgeless_risk};

use super::{NUMBER, RHO, VECTOR, mixing, with_risk};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route};

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "AGG-4",
        title: "risk of the interpolated ridge estimator, general covariance: weight = multiplicity/n of each \
                eigenvalue sigma, theta2 = energy of theta* in its eigenspace",
        inputs: &[
            Key::new("k", NUMBER),
            RHO,
            Key::new("lam", NUMBER),
            Key::new("s2", NUMBER),
            Key::new("sigma", VECTOR),
            Key::new("weight", VECTOR),
            Key::new("theta2", VECTOR),
        ],
        outputs: &["delta", "s", "bias2", "var", "risk", "within_risk"],
        route: Route::Theory,
        run: bags,
    },
    Block {
        claim: "AGG-4",
        title: "risk of weighted ridge regression with rows in groups",
        inputs: &[
            Key::new("fraction", VECTOR),
            Key::new("row_weight", VECTOR),
            Key::new("target", VECTOR),
            Key::new("noise_variance", VECTOR),
            Key::new("sigma", VECTOR),
            Key::new("weight", VECTOR),
            Key::new("theta2", VECTOR),
            Key::new("lam", NUMBER),
        ],
        outputs: &["delta", "s", "bias2", "var", "risk"],
        route: Route::Theory,
        run: groups,
    },
    Block {
        claim: "AGG-5",
        title: "isotropic covariates, no ridge",
        inputs: &[
            Key::new("gamma", NUMBER),
            Key::new("k", NUMBER),
            RHO,
            Key::new("r2", NUMBER),
            Key::new("s2", NUMBER),
        ],
        outputs: &["delta", "bias2", "var", "risk"],
        route: Route::Theory,
        run: ridgeless,
    },
    Block {
        claim: "AGG-5",
        title: "isotropic covariates, ridge lam",
        inputs: &[
            Key::new("gamma", NUMBER),
            Key::new("k", NUMBER),
            RHO,
            Key::new("lam", NUMBER),
            Key::new("r2", NUMBER),
            Key::new("s2", NUMBER),
        ],
        outputs: &["delta", "s", "bias2", "var", "risk"],
        route: Route::Theory,
        run: ridge,
    },
    Block {
        claim: "AGG-13",
        title: "limits of bag loss, within-bag penalty, average leverage and bag-level GCV score",
        inputs: &[
            Key::new("gamma", NUMBER),
            Key::new("k", NUMBER),
            RHO,
            Key::new("lam", NUMBER),
            Key::new("r2", NUMBER),
            Key::new("s2", NUMBER),
        ],
        outputs: &["L_bag", "within", "leverage", "risk", "gcv"],
        route: Route::Theory,
        run: training,
    },
];

fn same_length(argument: &'static str, found: usize, expected: usize) -> Result<(), InputError> {
    if found == expected {
        Ok(())
    } else {
        Err(InputError::Shape { argument: argument.into(), found: (found, 1), expected: (expected, 1) })
    }
}

fn spectrum(inputs: &Inputs<'_>) -> Result<Vec<SpectrumPart>, ComputeError> {
    let (sigma, weight) = (inputs.vector("sigma")?, inputs.vector("weight")?);
    let theta2 = inputs.vector("theta2")?;
    same_length("weight", weight.len(), sigma.len())?;
    same_length("theta2", theta2.len(), sigma.len())?;
    let part = |j: usize| SpectrumPart { sigma: sigma[j], weight: weight[j], theta2: theta2[j] };
    Ok((0..sigma.len()).map(part).collect())
}

fn bags(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let problem = SpectralLimit::new(spectrum(inputs)?, inputs.number("k")?, inputs.number("s2")?)?;
    let limit = bag_equivalent(&problem, mixing(inputs)?, inputs.number("lam")?)?;
    let outputs = Outputs::new().number("delta", limit.point.delta).number("s", limit.point.s);
    Ok(with_risk(outputs, limit.risk).number("within_risk", limit.within_risk))
}

fn groups(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let fraction = inputs.vector("fraction")?;
    let columns = ["row_weight", "target", "noise_variance"];
    let mut lists = Vec::with_capacity(columns.len());
    for name in columns {
        let list = inputs.vector(name)?;
        same_length(name, list.len(), fraction.len())?;
        lists.push(list);
    }
    let group = |g: usize| RowGroup {
        fraction: fraction[g],
        row_weight: lists[0][g],
        target: lists[1][g],
        noise_variance: lists[2][g],
    };
    let problem = GroupedLimit::new((0..fraction.len()).map(group).collect(), spectrum(inputs)?)?;
    let limit = equivalent(&problem, inputs.number("lam")?)?;
    Ok(Outputs::new()
        .number("delta", limit.point.delta)
        .number("s", limit.point.s)
        .number("bias2", limit.bias2)
        .number("var", limit.var)
        .number("risk", limit.total()))
}

pub(super) fn isotropic(inputs: &Inputs<'_>) -> Result<IsotropicLimit, ComputeError> {
    let (gamma, k) = (inputs.number("gamma")?, inputs.number("k")?);
    Ok(IsotropicLimit::new(gamma, k, inputs.number("r2")?, inputs.number("s2")?)?)
}

fn ridgeless(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (problem, mixing) = (isotropic(inputs)?, mixing(inputs)?);
    let delta = ridge_limit(&problem, mixing, 0.0)?.delta;
    Ok(with_risk(Outputs::new().number("delta", delta), ridgeless_risk(&problem, mixing)))
}

fn ridge(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let limit = ridge_limit(&isotropic(inputs)?, mixing(inputs)?, inputs.number("lam")?)?;
    Ok(with_risk(Outputs::new().number("delta", limit.delta).number("s", limit.s), limit.risk))
}

fn training(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let problem = isotropic(inputs)?;
    let part = SpectrumPart { sigma: 1.0, weight: problem.gamma(), theta2: problem.r2() };
    let problem = SpectralLimit::new(vec![part], problem.k(), problem.s2())?;
    let seen = observables(&problem, mixing(inputs)?, inputs.number("lam")?)?;
    Ok(Outputs::new()
        .number("L_bag", seen.bag_loss)
        .number("within", seen.within)
        .number("leverage", seen.leverage)
        .number("risk", seen.risk)
        .number("gcv", seen.gcv))
}
