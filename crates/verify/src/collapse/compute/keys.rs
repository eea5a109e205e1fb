//! Keys that several blocks share, and the problems read from them.
use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};
use solvable_theory::collapse::TwoGroups;

use crate::compute::{ComputeError, Inputs, Key, Shape};

pub(super) const CLASS_COUNTS: Key = Key::new("class_counts", Shape::Vector);
pub(super) const WIDTHS: Key = Key::new("widths_M_to_1", Shape::Vector);
pub(super) const LAMBDA_WS: Key = Key::new("lambda_w_M_to_1", Shape::Vector);
pub(super) const LAMBDA_W: Key = Key::new("lambda_w", Shape::Number);
pub(super) const LAMBDA_H: Key = Key::new("lambda_h", Shape::Number);
pub(super) const LAMBDA: Key = Key::new("lambda", Shape::Number);
pub(super) const BIAS: Key = Key::new("bias", Shape::Text);
pub(super) const OPTIONAL_LAMBDA_B: Key = Key::optional("lambda_b", Shape::Number);
pub(super) const K: Key = Key::new("K", Shape::Count);
pub(super) const N: Key = Key::new("n", Shape::Count);
pub(super) const M: Key = Key::new("M", Shape::Count);
pub(super) const K_A: Key = Key::new("k_A", Shape::Count);
pub(super) const N_A: Key = Key::new("n_A", Shape::Count);
pub(super) const K_B: Key = Key::new("k_B", Shape::Count);
pub(super) const N_B: Key = Key::new("n_B", Shape::Count);

/// The class sizes of the key class_counts.
pub(super) fn classes(inputs: &Inputs<'_>) -> Result<ClassCounts, ComputeError> {
    Ok(ClassCounts::new(inputs.counts("class_counts")?)?)
}

/// The bias of the keys bias and, where it is regularised, lambda_b. "free" is read like "unregularised".
pub(super) fn bias(inputs: &Inputs<'_>) -> Result<Bias, ComputeError> {
    match inputs.text("bias")? {
        "none" => Ok(Bias::None),
        "unregularised" | "free" => Ok(Bias::Free),
        "regularised" if inputs.has("lambda_b") => Ok(Bias::regularised(inputs.number("lambda_b")?)?),
        "regularised" => Err(ComputeError::WrongType {
            key: "bias".to_owned(),
            expected: "\"none\" or \"unregularised\" where no lambda_b is given",
            found: "\"regularised\"".to_owned(),
        }),
        other => Err(ComputeError::WrongType {
            key: "bias".to_owned(),
            expected: "\"none\", \"unregularised\" or \"regularised\"",
            found: format!("{other:?}"),
        }),
    }
}

/// The problem of the keys class_counts, widths_M_to_1, lambda_w_M_to_1, lambda_h, bias.
pub(super) fn problem(inputs: &Inputs<'_>) -> Result<FreeFeatures, ComputeError> {
    Ok(FreeFeatures::new(
        classes(inputs)?,
        inputs.counts("widths_M_to_1")?,
        inputs.vector("lambda_w_M_to_1")?,
        inputs.number("lambda_h")?,
        bias(inputs)?,
    )?)
}

/// The same without widths: every layer as wide as there are classes.
pub(super) fn wide_problem(inputs: &Inputs<'_>) -> Result<FreeFeatures, ComputeError> {
    let classes = classes(inputs)?;
    let lambda_w = inputs.vector("lambda_w_M_to_1")?;
    let widths = vec![classes.classes(); lambda_w.len()];
    Ok(FreeFeatures::new(classes, widths, lambda_w, inputs.number("lambda_h")?, bias(inputs)?)?)
}

/// The balanced problem of the keys K, n, M, lambda, bias: every layer as wide as there are classes.
pub(super) fn balanced_problem(inputs: &Inputs<'_>) -> Result<FreeFeatures, ComputeError> {
    let classes = ClassCounts::balanced(inputs.count("K")?, inputs.count("n")?)?;
    let width = classes.classes();
    Ok(FreeFeatures::uniform(classes, inputs.count("M")?, width, inputs.number("lambda")?, bias(inputs)?)?)
}

/// The groups of the keys k_A, n_A, k_B, n_B.
pub(super) fn groups(inputs: &Inputs<'_>) -> Result<TwoGroups, ComputeError> {
    let count = |key| inputs.count(key);
    Ok(TwoGroups::new(count("k_A")?, count("n_A")?, count("k_B")?, count("n_B")?)?)
}

impl From<solvable_theory::collapse::CollapseError> for ComputeError {
    fn from(error: solvable_theory::collapse::CollapseError) -> Self {
        Self::refused(error)
    }
}
