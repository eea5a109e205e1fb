//! NC-19.
use solvable_model::collapse::{FrameTargets, collapse_metrics};

use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

pub(super) const BLOCKS: &[Block] = &[Block {
    claim: "NC-19",
    title: "collapse metrics of features (columns), labels from 0, classifier and bias",
    inputs: &[
        Key::new("H", Shape::Matrix),
        Key::new("labels", Shape::Vector),
        Key::new("W", Shape::Matrix),
        Key::optional("b", Shape::Vector),
        Key::optional("gof_target", Shape::Vector),
    ],
    outputs: &[
        "nc1",
        "nc2_w_etf",
        "nc2_w_of",
        "nc2_w_gof",
        "nc2_h_etf",
        "nc2_h_of",
        "nc3_etf",
        "nc3_of",
        "nc4",
        "within_trace",
        "between_trace",
    ],
    route: Route::Theory,
    run: metrics,
}];

fn metrics(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (h, w) = (inputs.matrix("H")?, inputs.matrix("W")?);
    let b = if inputs.has("b") { Some(inputs.vector("b")?) } else { None };
    let classifier = if inputs.has("gof_target") { Some(inputs.vector("gof_target")?) } else { None };
    let targets = FrameTargets { classifier, ..FrameTargets::default() };
    let m = collapse_metrics(h.as_ref(), &inputs.counts("labels")?, w.as_ref(), b.as_deref(), &targets)?;
    Ok(Outputs::new()
        .optional("nc1", m.nc1)
        .optional("nc2_w_etf", m.nc2_w_etf)
        .optional("nc2_w_of", m.nc2_w_of)
        .optional("nc2_w_gof", m.nc2_w_gof)
        .optional("nc2_h_etf", m.nc2_h_etf)
        .optional("nc2_h_of", m.nc2_h_of)
        .optional("nc3_etf", m.nc3_etf)
        .optional("nc3_of", m.nc3_of)
        .number("nc4", m.nc4)
        .number("within_trace", m.within_trace)
        .number("between_trace", m.between_trace))
}
