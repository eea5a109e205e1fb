//! Tests of the integrators.
mod descent;
mod guard;
mod order;
#[allow(clippy::excessive_precision, reason = "the digits as published")]
mod problems;
mod properties;
mod published;
mod rules;
mod sabotage;
mod stiff;

use solvable_model::Objective;

/// The flow of `sum_i rates[i] x_i^2 / 2`: modes `x_i(0) exp(-rates[i] t)`.
pub(super) struct Modes(pub(super) Vec<f64>);

impl Objective for Modes {
    type Work = ();

    fn dimension(&self) -> usize {
        self.0.len()
    }

    fn work(&self) {}

    fn value(&self, x: &[f64], (): &mut ()) -> f64 {
        x.iter().zip(&self.0).map(|(x, rate)| 0.5 * rate * x * x).sum()
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], (): &mut ()) {
        for ((g, x), rate) in gradient.iter_mut().zip(x).zip(&self.0) {
            *g = rate * x;
        }
    }
}

/// Largest difference of two vectors.
pub(super) fn largest_difference(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).fold(0.0, |m, (a, b)| m.max((a - b).abs()))
}

/// Euclidean distance of two vectors.
pub(super) fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}
