//! The `compute --certified` blocks of this chapter.
use serde_json::Value;
use solvable_certify::icl::{minimizer_spectrum, optimal_depth, optimum, strict_convexity};
use solvable_model::Covariance;
use solvable_model::icl::RegressionTask;

use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape, enclosure};

/// By claim.
pub const BLOCKS: &[Block] = &[
    Block {
        claim: "ICL-3",
        title: "minimizer, its eigenvalues, minimum, smallest curvature of the loss (null where it may vanish)",
        inputs: &[
            Key::new("Lambda", Shape::Matrix),
            Key::new("Psi", Shape::Matrix),
            Key::new("sigma2", Shape::Number),
            Key::new("N", Shape::Count),
        ],
        outputs: &["A_star", "A_star_eigenvalues", "L_star", "smallest_curvature"],
        route: Route::Enclosure,
        run: minimum,
    },
    Block {
        claim: "ICL-47",
        title: "optimal depth-K risk, Bayes risk and their difference",
        inputs: &[Key::new("K", Shape::Count), Key::new("c", Shape::Number), Key::new("s", Shape::Number)],
        outputs: &["R", "bayes", "gap"],
        route: Route::Enclosure,
        run: depth,
    },
];

fn depth(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let layers = u32::try_from(inputs.count("K")?).unwrap_or(u32::MAX);
    let at =
        optimal_depth(inputs.number("c")?, inputs.number("s")?, layers).map_err(ComputeError::refused)?;
    Ok(Outputs::new()
        .value("R", enclosure(&at.risk))
        .value("bayes", enclosure(&at.bayes))
        .value("gap", enclosure(&at.gap)))
}

fn minimum(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let task = RegressionTask::new(
        Covariance::dense("Lambda", inputs.matrix("Lambda")?.as_ref())?,
        Covariance::dense("Psi", inputs.matrix("Psi")?.as_ref())?,
        inputs.number("sigma2")?,
        inputs.count("N")?,
    )?;
    let best = optimum(&task).map_err(ComputeError::refused)?;
    let d = task.dimension();
    let row = |i: usize| (0..d).map(|j| enclosure(best.a_star.get(i, j))).collect::<Vec<_>>();
    let spectrum = minimizer_spectrum(&task).map_err(ComputeError::refused)?;
    let curvature = strict_convexity(&task).map_err(ComputeError::refused)?;
    Ok(Outputs::new()
        .value("A_star", (0..d).map(|i| Value::from(row(i))).collect::<Vec<_>>())
        .value("A_star_eigenvalues", spectrum.iter().map(enclosure).collect::<Vec<_>>())
        .value("L_star", enclosure(&best.l_star))
        .value("smallest_curvature", curvature.as_ref().map_or(Value::Null, enclosure)))
}
