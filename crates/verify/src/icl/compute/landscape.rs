//! ICL-16 to ICL-18, ICL-60 and ICL-61.
use solvable_model::icl::{LayerBlocks, QueryToken};
use solvable_theory::icl::{
    full_layer_loss, minimum, mirror_criterion, mirror_eigenvalue, mirror_point, rank_minimum,
};

use super::keys::{D, LAMBDA, N, PSI, QUERY, SIGMA2, TASK, isotropic_law, law, query, task};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "ICL-16",
        title: "least loss over matrices of rank at most k",
        inputs: &[LAMBDA, PSI, SIGMA2, N, Key::new("k", Shape::Count)],
        outputs: &["L_k"],
        route: Route::Theory,
        run: rank,
    },
    Block {
        claim: "ICL-17",
        title: "loss of the full layer, Gaussian task and noise, and its part even in the labels",
        inputs: &[
            LAMBDA,
            PSI,
            SIGMA2,
            N,
            Key::new("p", Shape::Vector),
            Key::new("q", Shape::Vector),
            Key::new("u", Shape::Number),
            Key::new("U", Shape::Matrix),
            Key::new("rho", Shape::Number),
            QUERY,
        ],
        outputs: &["loss", "even_part"],
        route: Route::Theory,
        run: full,
    },
    Block {
        claim: "ICL-18",
        title: "isotropic, query masked, rho = N: is the mirror point a strict local minimum up to gauge; its loss",
        inputs: &[D, N, SIGMA2],
        outputs: &["local_min", "criterion_lhs_minus_rhs", "loss"],
        route: Route::Theory,
        run: isotropic_mirror,
    },
    Block {
        claim: "ICL-18",
        title: "smallest eigenvalue of the second variation at the mirror point, query inside, p = q, rho = N",
        inputs: TASK,
        outputs: &["min_eig", "loss"],
        route: Route::Theory,
        run: mirror,
    },
    Block {
        claim: "ICL-60",
        title: "the stationary points that read labels as keys: their losses (for L), beside the global minimum",
        inputs: TASK,
        outputs: &["losses", "L_star"],
        route: Route::Theory,
        run: branches,
    },
    Block {
        claim: "ICL-61",
        title: "is the mirror point a strict local minimum up to symmetry, for either query convention (rho = N)",
        inputs: &[LAMBDA, PSI, SIGMA2, N, QUERY],
        outputs: &["local_min", "criterion", "loss", "L_star"],
        route: Route::Theory,
        run: criterion,
    },
];

fn rank(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(Outputs::new().number("L_k", rank_minimum(&law(inputs)?, inputs.count("k")?)?))
}

fn full(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let blocks = LayerBlocks {
        p: inputs.vector("p")?,
        u: inputs.number("u")?,
        key_query: inputs.matrix("U")?,
        q: inputs.vector("q")?,
    };
    let found = full_layer_loss(&task(inputs)?, &blocks, inputs.number("rho")?, query(inputs)?)?;
    Ok(Outputs::new().number("loss", found.loss).number("even_part", found.even_part))
}

fn isotropic_mirror(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = mirror_criterion(&isotropic_law(inputs)?, QueryToken::Masked)?;
    Ok(Outputs::new()
        .value("local_min", found.local_min)
        .number("criterion_lhs_minus_rhs", found.criterion)
        .number("loss", found.loss))
}

fn mirror(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = mirror_eigenvalue(&law(inputs)?, QueryToken::Inside)?;
    Ok(Outputs::new()
        .number("min_eig", found.min_eig)
        .number("error_bound", found.error_bound)
        .number("loss", found.loss))
}

fn branches(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let law = law(inputs)?;
    let losses: Result<Vec<f64>, _> =
        (0..law.dimension()).map(|i| mirror_point(&law, i).map(|p| p.loss)).collect();
    Ok(Outputs::new().vector("losses", &losses?).number("L_star", minimum(&law)?))
}

fn criterion(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let law = law(inputs)?;
    let found = mirror_criterion(&law, query(inputs)?)?;
    Ok(Outputs::new()
        .value("local_min", found.local_min)
        .number("criterion", found.criterion)
        .number("loss", found.loss)
        .number("L_star", minimum(&law)?))
}
