//! The `compute` blocks of this chapter.
mod asymptotic;
mod data;
mod finite;
mod label_privacy;
mod private;
mod tuning;

use solvable_model::aggregate::{LabelPrivacy, Mixing};
use solvable_theory::aggregate::{AggregateError, Risk};

use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Shape};

/// Groups of blocks, one group a file.
pub const BLOCKS: &[&[Block]] = &[
    data::BLOCKS,
    asymptotic::BLOCKS,
    finite::BLOCKS,
    tuning::BLOCKS,
    label_privacy::BLOCKS,
    private::BLOCKS,
];

const NUMBER: Shape = Shape::Number;
const COUNT: Shape = Shape::Count;
const VECTOR: Shape = Shape::Vector;

/// `rho` is a number in [0, 1] or the string "1-", the limit from the left.
const RHO: Key = Key::new("rho", Shape::NumberOrText);

impl From<AggregateError> for ComputeError {
    fn from(error: AggregateError) -> Self {
        Self::refused(error)
    }
}

fn mixing(inputs: &Inputs<'_>) -> Result<Mixing, ComputeError> {
    match inputs.text("rho") {
        Ok("1-") => Ok(Mixing::LEFT_OF_ONE),
        Ok("inf" | "-inf") | Err(_) => Ok(Mixing::new(inputs.number("rho")?)?),
        Ok(other) => Err(ComputeError::WrongType {
            key: "rho".to_owned(),
            expected: "a number in [0, 1], or \"1-\" for the limit from the left",
            found: format!("{other:?}"),
        }),
    }
}

/// Clip level `T` and privacy level `eps`; no `eps` (or null) is no noise.
fn privacy(inputs: &Inputs<'_>) -> Result<LabelPrivacy, ComputeError> {
    let epsilon = if inputs.has("eps") { Some(inputs.number("eps")?) } else { None };
    Ok(LabelPrivacy::new(inputs.number("T")?, epsilon)?)
}

/// Adds `bias2`, `var` and `risk`.
fn with_risk(outputs: Outputs, risk: Risk) -> Outputs {
    outputs.number("bias2", risk.bias2).number("var", risk.var).number("risk", risk.total())
}
