//! Training observables and a risk estimate without labels of individuals (AGG-13).
use solvable_model::aggregate::{Mixing, SpectralLimit};

use super::equivalent::bag_equivalent;
use super::error::{AggregateError, in_range, refuse_left_limit};
use super::isotropic::leverage;
use super::risk::charge;

/// Limits of what a learner can measure on the training bags.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observables {
    /// Bag-level training loss.
    pub bag_loss: f64,
    /// Within-bag penalty `|D theta-hat|^2 / n`.
    pub within: f64,
    /// Average leverage `tr(A H^-1 A')/m`.
    pub leverage: f64,
    /// Excess risk.
    pub risk: f64,
    /// Limit of the bag-level GCV score: the prediction error `risk + s2`.
    pub gcv: f64,
}

/// Limits of the bag loss, the within-bag penalty, the leverage, and the GCV score (AGG-13).
///
/// `L_bag -> p (R + s2)/(1+delta)^2`, `R_w -> (1-p) R_B/(1+tau delta)^2`, leverage `delta/(1+delta)`, and
/// `[|y_A - A theta|^2/m]/(1 - leverage)^2 -> R + s2`. Where the estimator interpolates (lambda = 0,
/// delta = inf) the residuals are exactly 0, also where the risk is infinite; GCV is 0/0 there and its
/// limit lambda -> 0+ is returned.
///
/// # Errors
/// [`AggregateError`] unless lambda is finite and at least 0, at a left limit with lambda = 0, or out of range.
pub fn observables(
    problem: &SpectralLimit,
    mixing: Mixing,
    lambda: f64,
) -> Result<Observables, AggregateError> {
    refuse_left_limit(mixing, lambda)?;
    let limit = bag_equivalent(problem, mixing, lambda)?;
    let (bag, bag_gap) = leverage(1.0, limit.point.delta);
    let (_, within_gap) = leverage(mixing.tau(), limit.point.delta);
    let risk = limit.risk.total();
    let gcv = risk + problem.s2();
    let k = problem.k();
    Ok(Observables {
        bag_loss: in_range("bag loss", charge(gcv / k, bag_gap * bag_gap))?,
        within: in_range(
            "within-bag penalty",
            charge(limit.within_risk, (k - 1.0) / k * within_gap * within_gap),
        )?,
        leverage: bag,
        risk,
        gcv,
    })
}
