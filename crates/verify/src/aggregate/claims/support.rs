//! What the claims of this chapter share: running replicas, and the parts of a risk.
use std::error::Error;

use solvable_model::aggregate::Mixing;
use solvable_sim::aggregate::ConditionalRisk;
use solvable_sim::monte_carlo::{Stream, replicate};
use solvable_theory::aggregate::{AggregateError, Risk};

use crate::CheckError;
use crate::statistics::Estimate;

/// A part of the risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Bias,
    Var,
}

impl Part {
    pub(super) const BOTH: [Self; 2] = [Self::Bias, Self::Var];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bias => "bias2",
            Self::Var => "var",
        }
    }

    pub(super) fn of(self, risk: Risk) -> f64 {
        match self {
            Self::Bias => risk.bias2,
            Self::Var => risk.var,
        }
    }

    pub(super) fn seen(self, risk: ConditionalRisk) -> f64 {
        match self {
            Self::Bias => risk.bias2,
            Self::Var => risk.var,
        }
    }
}

/// How a mixing weight is written in parameters.
pub(super) fn rho_name(mixing: Mixing) -> serde_json::Value {
    if mixing.is_left_limit() { "1-".into() } else { mixing.rho().into() }
}

/// A weight in [0, 1] written in a claim.
pub(super) fn rho(value: f64) -> Mixing {
    Mixing::new(value).expect("weights written in claims lie in [0, 1]")
}

/// The moments of an observable over replicas.
pub(super) fn replicas<W, E: Error + Send + Sync + 'static>(
    seed: u64,
    count: u64,
    work: impl Fn() -> W + Sync,
    sample: impl Fn(&mut Stream, &mut W) -> Result<f64, E> + Sync,
) -> Result<Estimate, CheckError> {
    let moments = replicate(seed, count, work, sample).map_err(CheckError::from_error)?;
    Ok(Estimate {
        mean: moments.mean(),
        variance: moments.variance(),
        skewness: moments.skewness(),
        count: moments.count(),
    })
}

/// Replicas at one size when those at the largest size are given: the deviation of a direction-averaged risk falls like
/// 1/size, so this many give every size the same standard error.
pub(super) fn replicas_at(size: f64, largest: f64, replicas: u64) -> u64 {
    (replicas as f64 * (largest / size).powi(2)).ceil() as u64
}

impl From<AggregateError> for CheckError {
    fn from(error: AggregateError) -> Self {
        Self::from_error(error)
    }
}

impl From<solvable_sim::aggregate::SimulationError> for CheckError {
    fn from(error: solvable_sim::aggregate::SimulationError) -> Self {
        Self::from_error(error)
    }
}
