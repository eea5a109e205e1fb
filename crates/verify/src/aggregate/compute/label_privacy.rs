//! Label privacy: AGG-11, AGG-12.
use solvable_theory::aggregate::{clipped_risk, laplace_noise, optimal_bag_size, optimal_integer_bag_size};

use super::asymptotic::isotropic;
use super::{NUMBER, RHO, mixing, privacy};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route};

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "AGG-11",
        title: "Laplace scale on each bag mean, its variance, and the effective noise",
        inputs: &[
            Key::new("T", NUMBER),
            Key::new("k", NUMBER),
            Key::optional("eps", NUMBER),
            Key::new("s2", NUMBER),
        ],
        outputs: &["scale", "variance", "s2_eff"],
        route: Route::Theory,
        run: noise,
    },
    Block {
        claim: "AGG-11",
        title: "optimal bag size of the private ridgeless instance-level estimator (clip bias ignored), as a real \
                number and as an integer (null: predict 0)",
        inputs: &[
            Key::new("gamma", NUMBER),
            Key::new("r2", NUMBER),
            Key::new("s2", NUMBER),
            Key::new("T", NUMBER),
            Key::optional("eps", NUMBER),
        ],
        outputs: &["k_star", "k_integer"],
        route: Route::Theory,
        run: bag_size,
    },
    Block {
        claim: "AGG-12",
        title: "limiting risk with clipping at T and Laplace noise (eps null: no noise)",
        inputs: &[
            Key::new("gamma", NUMBER),
            Key::new("k", NUMBER),
            RHO,
            Key::new("lam", NUMBER),
            Key::new("r2", NUMBER),
            Key::new("s2", NUMBER),
            Key::new("T", NUMBER),
            Key::optional("eps", NUMBER),
        ],
        outputs: &["mu", "second_moment", "residual", "bias2", "var", "risk"],
        route: Route::Theory,
        run: clipping,
    },
];

fn noise(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let noise = laplace_noise(&privacy(inputs)?, inputs.number("k")?, inputs.number("s2")?)?;
    Ok(Outputs::new()
        .number("scale", noise.scale)
        .number("variance", noise.variance)
        .number("s2_eff", noise.s2_eff))
}

fn bag_size(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (gamma, r2, s2) = (inputs.number("gamma")?, inputs.number("r2")?, inputs.number("s2")?);
    let privacy = privacy(inputs)?;
    Ok(Outputs::new()
        .number("k_star", optimal_bag_size(gamma, r2, s2, Some(&privacy))?)
        .optional("k_integer", optimal_integer_bag_size(gamma, r2, s2, Some(&privacy))?))
}

fn clipping(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let privacy = privacy(inputs)?;
    let limit = clipped_risk(&isotropic(inputs)?, mixing(inputs)?, inputs.number("lam")?, &privacy)?;
    Ok(Outputs::new()
        .number("mu", limit.label.mu)
        .number("second_moment", limit.label.second_moment)
        .number("residual", limit.label.residual)
        .number("bias2", limit.equivalent.bias2)
        .number("var", limit.equivalent.var)
        .number("risk", limit.equivalent.total()))
}
