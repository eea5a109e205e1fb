//! How a returned minimum is certified.

/// What is proved about a returned minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The value is the global minimum: a proof, or a lower bound that meets it.
    Global,
    /// The value is attained, but only a smaller lower bound is proved.
    BestKnown,
}

/// An attained value with a proved lower bound of the objective.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Optimality {
    /// The attained value.
    pub value: f64,
    /// Nothing is below this.
    pub lower_bound: f64,
    /// `value - lower_bound`, at least 0.
    pub gap: f64,
    /// What that amounts to.
    pub status: Status,
}

impl Optimality {
    /// From an attained value and a proved bound; a bound above the value by rounding is lowered to it.
    pub(super) fn new(value: f64, lower_bound: f64, status: Status) -> Self {
        let lower_bound = lower_bound.min(value);
        Self { value, lower_bound, gap: value - lower_bound, status }
    }
}
