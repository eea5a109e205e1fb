//! Squared loss with a regularised bias on balanced classes (NC-11).
use solvable_model::collapse::{Bias, FreeFeatures};

use super::CollapseError;
use super::error::{bias_word, common_size};
use super::minimum::Scale;
use super::optimality::{Optimality, Status};
use super::range::Scaled;
use super::scalar::{ModeState, mode_state, upper_branch};

/// The minimum with a regularised bias.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RegularisedBiasMinimum {
    /// Global for M = 1. For M >= 2 the candidate that block-symmetric solutions give, with the minimum at lambda_b = 0 as
    /// the proved lower bound.
    pub optimality: Optimality,
    /// Singular value sigma of the K - 1 contrast directions.
    pub contrast: f64,
    /// Singular value sigma_0 of the common direction.
    pub common: f64,
    /// The common entry of the bias.
    pub bias_entry: f64,
    /// Cosine between the features of two classes: from -1/(K-1) (simplex) to 0 (orthogonal frame); `None` when the
    /// features are 0 or K = 1.
    pub feature_cosine: Option<f64>,
}

/// The minimum of the squared loss with a bias regularised by lambda_b on balanced classes (NC-11).
///
/// With `kappa = lambda_b/(1 + lambda_b)`, the bias eliminated leaves `K - 1` contrast directions with weight 1 and one common
/// direction with weight kappa, all with target sqrt(n). M = 1, `lambda = sqrt(lambda_W lambda_H)`:
///
/// `sigma = (sqrt(n) - N lambda)_+`, `sigma_0 = (sqrt(n) - N lambda/kappa)_+`,
/// `b = (1 - sigma_0/sqrt(n))/(K (1 + lambda_b))`,
/// `f* = ((K-1)(sigma - sqrt(n))^2 + kappa (sigma_0 - sqrt(n))^2)/(2N) + lambda ((K-1) sigma + sigma_0)`,
///
/// global by the optimality conditions of the nuclear norm. For M >= 2 each direction solves
/// `min kappa_j (sigma - sqrt(n))^2/(2N) + (L/2) Lambda^(1/L) sigma^(2/L)`: the scalar problem with Lambda divided by
/// `kappa^L`. That is a candidate, not a theorem. `Bias::Free` is the limit kappa = 0. O(1).
///
/// # Errors
/// [`CollapseError::NotBalanced`]; [`CollapseError::Bias`] without bias; [`CollapseError::TooNarrow`] when a width is less
/// than the rank of the solution; [`CollapseError::NotRepresentable`] for results outside `f64`.
pub fn regularised_bias_minimum(problem: &FreeFeatures) -> Result<RegularisedBiasMinimum, CollapseError> {
    let n = common_size(problem.classes())? as f64;
    let (lambda_b, kappa) = match problem.bias() {
        Bias::Free => (0.0, 0.0),
        Bias::Regularised(l) => (l, l / (1.0 + l)),
        other => return Err(CollapseError::Bias { found: bias_word(other), needed: "regularised or free" }),
    };
    let k = problem.classes().classes() as f64;
    let scale = Scale::new(problem);
    let contrast = weighted_mode(&scale, n, 1.0)?;
    let common = weighted_mode(&scale, n, kappa)?;
    let (free, weighted) = ((k - 1.0) * contrast.cost, common.cost);
    let rank = if contrast.sigma > 0.0 { problem.classes().classes() - 1 } else { 0 }
        + usize::from(common.sigma > 0.0);
    let width = problem.widths().iter().copied().fold(usize::MAX, usize::min);
    if width < rank {
        return Err(CollapseError::TooNarrow { width, needed: rank });
    }
    let value = free + weighted;
    let optimality = if problem.depth() == 1 {
        Optimality::new(value, value * (1.0 - 16.0 * f64::EPSILON), Status::Global)
    } else {
        Optimality::new(value, free * (1.0 - 16.0 * f64::EPSILON), Status::BestKnown)
    };
    // Gram matrix of the class features: q (I - J/K)/(lambda_H n) + q_0 J/(K lambda_H n).
    let (q, q0) = (contrast.energy, common.energy);
    let length = (k - 1.0) * q + q0;
    let feature_cosine = (k > 1.0 && length > 0.0).then(|| (q0 - q) / length);
    Ok(RegularisedBiasMinimum {
        optimality,
        contrast: contrast.sigma,
        common: common.sigma,
        bias_entry: common.rest / (1.0 + lambda_b) / k,
        feature_cosine,
    })
}

struct WeightedMode {
    sigma: f64,
    cost: f64,
    energy: f64,
    /// `1 - sigma/tau`.
    rest: f64,
}

/// One direction of weight kappa: `min kappa (sigma - tau)^2/(2N) + (L/2) Lambda^(1/L) sigma^(2/L)`.
fn weighted_mode(scale: &Scale, square: f64, kappa: f64) -> Result<WeightedMode, CollapseError> {
    let dead = WeightedMode { sigma: 0.0, cost: kappa * square / scale.total * 0.5, energy: 0.0, rest: 1.0 };
    if kappa == 0.0 {
        return Ok(dead);
    }
    // kappa times the problem with Lambda/kappa^L: beta is divided by kappa^(L/M).
    let weight = Scaled::new(kappa);
    let shrink = weight.power(scale.depth + 1).root(scale.depth);
    let beta = scale.beta(square).over(shrink);
    if mode_state(scale.depth, beta) == ModeState::Dead {
        return Ok(dead);
    }
    let Some(branch) = upper_branch(scale.depth, beta) else { return Ok(dead) };
    let tau = square.sqrt();
    let sigma = tau * branch.alignment;
    let energy = scale.regularisation.layer_energy(sigma).value("a layer energy")?;
    let cost = if scale.depth == 1 {
        0.5 * scale.regularisation.product.root(2).clamped() * (tau + sigma)
    } else {
        // (q/2)(M + tau/sigma), as without weight: q carries the weight.
        0.5 * energy * (scale.depth as f64 + 1.0 / branch.alignment)
    };
    // 1 - sigma/tau = 1/(1 + x^M), without cancellation; M = 1: sqrt(beta). x^M is at least 1/3 on this branch.
    let rest = if scale.depth == 1 {
        beta.root(2).clamped()
    } else {
        let e = (-branch.log_power).exp();
        e / (1.0 + e)
    };
    Ok(WeightedMode { sigma, cost, energy, rest })
}
