//! Given data: AGG-1, AGG-2, AGG-3, AGG-14, AGG-15, AGG-16.
use solvable_linalg::Mat;
use solvable_model::aggregate::{AggregateData, BagDesign, PointwiseLoss};
use solvable_theory::aggregate::{
    BagFlow, curated_risk, estimate, loss_gap, losses, optimal_bags, optimal_equal_bags, quantile_bin_share,
    random_bag_cost,
};

use super::{COUNT, NUMBER, RHO, VECTOR, mixing, with_risk};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

const MATRIX: Shape = Shape::Matrix;

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "AGG-1",
        title: "bag-level, instance-level, within-bag and interpolated losses; rows are bagged k at a time",
        inputs: &[
            Key::new("X", MATRIX),
            Key::new("y", VECTOR),
            Key::new("k", COUNT),
            Key::new("theta", VECTOR),
            RHO,
            Key::new("lam", NUMBER),
        ],
        outputs: &["L_bag", "L_ins", "R_within", "L_int"],
        route: Route::Theory,
        run: decomposition,
    },
    Block {
        claim: "AGG-2",
        title: "gap L_ins - L_bag of a loss (squared, logistic, poisson) of predictors f, and its upper bound (null: none)",
        inputs: &[Key::new("f", VECTOR), Key::new("k", COUNT), Key::new("loss", Shape::Text)],
        outputs: &["gap", "upper", "within"],
        route: Route::Theory,
        run: gap,
    },
    Block {
        claim: "AGG-3",
        title: "minimiser of the interpolated ridge objective; minimum norm without ridge",
        inputs: &[
            Key::new("X", MATRIX),
            Key::new("y", VECTOR),
            Key::new("k", COUNT),
            RHO,
            Key::new("lam", NUMBER),
        ],
        outputs: &["theta"],
        route: Route::Theory,
        run: minimiser,
    },
    Block {
        claim: "AGG-14",
        title: "exact risk of the ridgeless instance-level estimator given the projections z, bags of k in the given order",
        inputs: &[
            Key::new("z", VECTOR),
            Key::new("k", COUNT),
            Key::new("d", COUNT),
            Key::new("r2", NUMBER),
            Key::new("s2", NUMBER),
        ],
        outputs: &["omega", "bias2", "var", "risk"],
        route: Route::Theory,
        run: curated,
    },
    Block {
        claim: "AGG-15",
        title: "optimal bags of at least k_min values: cost and sizes along the sorted order",
        inputs: &[Key::new("x", VECTOR), Key::new("k_min", COUNT)],
        outputs: &["cost", "sizes"],
        route: Route::Theory,
        run: optimal,
    },
    Block {
        claim: "AGG-15",
        title: "bags of exactly k values: mean cost of a random partition, and the optimal cost",
        inputs: &[Key::new("x", VECTOR), Key::new("k", COUNT)],
        outputs: &["mean_cost", "optimal_cost"],
        route: Route::Theory,
        run: random,
    },
    Block {
        claim: "AGG-15",
        title: "within-bag share of m equiprobable bins of N(0,1)",
        inputs: &[Key::new("m", COUNT)],
        outputs: &["omega"],
        route: Route::Theory,
        run: bins,
    },
    Block {
        claim: "AGG-16",
        title: "gradient flow on the interpolated ridge objective from theta0, at the times t",
        inputs: &[
            Key::new("X", MATRIX),
            Key::new("y", VECTOR),
            Key::new("k", COUNT),
            RHO,
            Key::new("lam", NUMBER),
            Key::new("theta0", VECTOR),
            Key::new("t", VECTOR),
        ],
        outputs: &["theta", "rates", "largest_step"],
        route: Route::Theory,
        run: flow,
    },
];

fn data(inputs: &Inputs<'_>) -> Result<AggregateData, ComputeError> {
    let x = inputs.matrix("X")?;
    let bags = BagDesign::consecutive(x.nrows(), inputs.count("k")?)?;
    Ok(AggregateData::new(x, inputs.vector("y")?, bags)?)
}

fn decomposition(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let seen = losses(&data(inputs)?, &inputs.vector("theta")?, mixing(inputs)?, inputs.number("lam")?)?;
    Ok(Outputs::new()
        .number("L_bag", seen.bag)
        .number("L_ins", seen.instance)
        .number("R_within", seen.within)
        .number("L_int", seen.interpolated))
}

fn gap(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let loss = match inputs.text("loss")? {
        "squared" => PointwiseLoss::Squared,
        "logistic" => PointwiseLoss::Logistic,
        "poisson" => PointwiseLoss::Poisson,
        other => {
            return Err(ComputeError::WrongType {
                key: "loss".to_owned(),
                expected: "\"squared\", \"logistic\" or \"poisson\"",
                found: format!("{other:?}"),
            });
        }
    };
    let f = inputs.vector("f")?;
    let bags = BagDesign::consecutive(f.len(), inputs.count("k")?)?;
    let found = loss_gap(loss, &bags, &f)?;
    Ok(Outputs::new().number("gap", found.gap).optional("upper", found.upper).number("within", found.within))
}

fn minimiser(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = estimate(&data(inputs)?, mixing(inputs)?, inputs.number("lam")?)?;
    Ok(Outputs::new().vector("theta", &found.theta))
}

fn curated(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let z = inputs.vector("z")?;
    let bags = BagDesign::consecutive(z.len(), inputs.count("k")?)?;
    let found = curated_risk(&bags, &z, inputs.count("d")?, inputs.number("r2")?, inputs.number("s2")?)?;
    Ok(with_risk(Outputs::new().number("omega", found.omega), found.risk))
}

fn optimal(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let bags = optimal_bags(&inputs.vector("x")?, inputs.count("k_min")?)?;
    Ok(Outputs::new().number("cost", bags.cost).value("sizes", bags.sizes))
}

fn random(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (x, k) = (inputs.vector("x")?, inputs.count("k")?);
    Ok(Outputs::new()
        .number("mean_cost", random_bag_cost(&x, k)?)
        .number("optimal_cost", optimal_equal_bags(&x, k)?.cost))
}

fn bins(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(Outputs::new().number("omega", quantile_bin_share(inputs.count("m")?)?))
}

fn flow(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let flow = BagFlow::new(&data(inputs)?, mixing(inputs)?, inputs.number("lam")?)?;
    let (start, times) = (inputs.vector("theta0")?, inputs.vector("t")?);
    let mut path = Mat::zeros(times.len(), start.len());
    for (i, &t) in times.iter().enumerate() {
        for (j, value) in flow.at(&start, t)?.into_iter().enumerate() {
            path[(i, j)] = value;
        }
    }
    Ok(Outputs::new()
        .matrix("theta", path.as_ref())
        .vector("rates", flow.rates())
        .number("largest_step", flow.largest_step()))
}
