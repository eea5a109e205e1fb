//! Training observables and a risk estimate without labels of individuals (AGG-13).
use solvable_model::aggregate::{Mixing, SpectralLimit};

use super::equivalent::{bag_equivalent, within_gap};
use super::error::{AggregateError, in_range};
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
/// limit lambda -> 0+ is returned. A left limit rho -> 1- at lambda = 0 is taken after it: for 1/k < gamma < 1 the bag rows
/// are interpolated and `tau delta -> (gamma - 1/k)/(1 - gamma)`, so that the within-bag penalty keeps a limit of its own.
///
/// # Errors
/// [`AggregateError`] unless lambda is finite and at least 0, or out of range.
pub fn observables(
    problem: &SpectralLimit,
    mixing: Mixing,
    lambda: f64,
) -> Result<Observables, AggregateError> {
    let limit = bag_equivalent(problem, mixing, lambda)?;
    let (bag, bag_gap) = leverage(1.0, limit.point.delta);
    let within_gap = within_gap(problem, mixing, lambda, limit.point);
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
