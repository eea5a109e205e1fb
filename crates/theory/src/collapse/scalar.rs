//! The scalar problem of one singular direction (NC-03).
use solvable_model::InputError;

use super::CollapseError;
use super::range::Scaled;

/// Relative distance of beta from the threshold within which both minimisers are reported: beta itself carries a few
/// roundings of each regularisation.
pub const TIE_TOLERANCE: f64 = 16.0 * f64::EPSILON;

/// Which of the two candidates, 0 and the upper branch, is the global minimiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModeState {
    /// The upper branch alone: the direction is learnt.
    Alive,
    /// 0 alone: the direction has collapsed, or the rank bound or a zero target leaves it out.
    Dead,
    /// Both, M >= 2 at the threshold (to [`TIE_TOLERANCE`]). Values reported are those of the upper branch.
    Tie,
}

/// The upper branch: the nonzero local minimiser.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch {
    /// x.
    pub(super) x: Scaled,
    /// ln x^M, which stays in range.
    pub(super) log_power: f64,
    /// `sigma/tau = x^M/(1 + x^M)`.
    pub(super) alignment: f64,
    /// g(x).
    pub(super) value: Scaled,
}

impl Branch {
    /// x^M.
    pub(super) fn power(&self, depth: usize) -> Scaled {
        if depth <= 64 { self.x.power(depth) } else { Scaled::exp(self.log_power) }
    }
}

/// The solution of the scalar problem `min over x >= 0 of g(x) = 1/(1 + x^M) + beta x`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScalarMinimum {
    /// The global minimiser; at a tie the nonzero one.
    pub x: f64,
    /// `g(x)`, the global minimum.
    pub value: f64,
    /// `x^M/(1 + x^M)`: the singular value as a fraction of its target.
    pub alignment: f64,
    /// Which candidate wins.
    pub state: ModeState,
    /// The nonzero local minimiser, while it exists (`beta < beta_s`, M = 1: `beta < 1`).
    pub local: Option<LocalMinimum>,
}

/// A nonzero local minimiser of g.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalMinimum {
    /// x.
    pub x: f64,
    /// g(x).
    pub value: f64,
}

impl ScalarMinimum {
    /// All global minimisers, increasing: one, or 0 and x at a tie.
    #[must_use]
    pub fn minimisers(&self) -> Vec<f64> {
        if self.state == ModeState::Tie { vec![0.0, self.x] } else { vec![self.x] }
    }
}

/// The global threshold `beta_c = (M-1)^((M-1)/M) / M`: the minimiser is 0 above it, the upper branch below (NC-03).
///
/// For M = 1 this is 1. Weighted arithmetic and geometric means give `1 + x^M >= x^(M-1)/beta_c`, so that `g >= 1`
/// exactly when `beta >= beta_c`.
///
/// # Errors
/// [`CollapseError::Input`] when M is 0.
///
/// ```
/// use solvable_theory::collapse::global_threshold;
/// assert_eq!(global_threshold(1)?, 1.0);
/// assert_eq!(global_threshold(2)?, 0.5);
/// # Ok::<(), solvable_theory::collapse::CollapseError>(())
/// ```
pub fn global_threshold(depth: usize) -> Result<f64, CollapseError> {
    InputError::check_count("M", depth)?;
    Ok(threshold(depth))
}

fn threshold(depth: usize) -> f64 {
    let m = depth as f64;
    match depth {
        1 => 1.0,
        2 => 0.5,
        // ((M-1)/M) * (M-1)^(-1/M): the second factor is near 1, so its exponent may carry a rounding.
        _ => (m - 1.0) / m * (-(m - 1.0).ln() / m).exp(),
    }
}

/// The spinodal `beta_s = M ((M-1)/(M+1))^((M-1)/M) ((M+1)/(2M))^2`: up to it a nonzero local minimiser exists (NC-03).
///
/// For M = 1 it coincides with the threshold 1.
///
/// # Errors
/// [`CollapseError::Input`] when M is 0.
///
/// ```
/// let spinodal = solvable_theory::collapse::spinodal(2)?;
/// assert!((spinodal - 27.0_f64.sqrt() / 8.0).abs() <= 2.0 * f64::EPSILON);
/// # Ok::<(), solvable_theory::collapse::CollapseError>(())
/// ```
pub fn spinodal(depth: usize) -> Result<f64, CollapseError> {
    InputError::check_count("M", depth)?;
    Ok(spinodal_of(depth))
}

fn spinodal_of(depth: usize) -> f64 {
    if depth == 1 {
        return 1.0;
    }
    let m = depth as f64;
    // M ((M+1)/2M)^2 (M-1)/(M+1) * ((M+1)/(M-1))^(1/M).
    let rational = (m + 1.0) * (m - 1.0) / (4.0 * m);
    rational * ((2.0 / (m - 1.0)).ln_1p() / m).exp()
}

/// The jump of `sigma/tau` at the threshold: `1 - 1/M` on its lower side, 0 above (NC-08). 0 for M = 1: continuous.
///
/// # Errors
/// [`CollapseError::Input`] when M is 0.
pub fn threshold_jump(depth: usize) -> Result<f64, CollapseError> {
    InputError::check_count("M", depth)?;
    Ok((depth - 1) as f64 / depth as f64)
}

/// Minimises `g(x) = 1/(1 + x^M) + beta x` over x >= 0 (NC-03).
///
/// * M = 1: `x = beta^(-1/2) - 1` and `g = 2 sqrt(beta) - beta` for beta < 1, else x = 0.
/// * M >= 2: the upper branch is the largest root of `beta (1 + x^M)^2 = M x^(M-1)`; it is global for
///   `beta < beta_c`, 0 for `beta > beta_c`, both at equality.
///
/// In `w = ln x^M` the equation reads `ln(M/beta) = (1 + 1/M) w + 2 log(1 + e^-w)`: Newton from
/// `w_0 = M ln(M/beta)/(M + 1)` decreases monotonically to the root on the concave branch. One last step in x itself, with
/// the residual formed as a product, removes the rounding of the logarithm: x and g are accurate to a few units in the
/// last place for any beta, except that the root is ill-conditioned at the spinodal.
///
/// # Errors
/// [`CollapseError::Input`] when M is 0 or beta is not finite and positive; [`CollapseError::NotRepresentable`] when the
/// minimiser is outside the range of `f64`.
///
/// ```
/// use solvable_theory::collapse::{ModeState, scalar_minimum};
/// let m = scalar_minimum(1, 0.25)?;
/// assert_eq!((m.x, m.value, m.alignment), (1.0, 0.75, 0.5));
/// let tie = scalar_minimum(2, 0.5)?;
/// assert_eq!(tie.state, ModeState::Tie);
/// assert_eq!(tie.minimisers(), [0.0, 1.0]);
/// # Ok::<(), solvable_theory::collapse::CollapseError>(())
/// ```
pub fn scalar_minimum(depth: usize, beta: f64) -> Result<ScalarMinimum, CollapseError> {
    InputError::check_count("M", depth)?;
    InputError::check_positive("beta", beta)?;
    let scaled = Scaled::new(beta);
    let state = mode_state(depth, scaled);
    let branch = upper_branch(depth, scaled);
    let local = match &branch {
        Some(b) => Some(LocalMinimum { x: b.x.value("x")?, value: b.value.value("the minimum of g")? }),
        None => None,
    };
    Ok(match (state, &branch, local) {
        (ModeState::Alive | ModeState::Tie, Some(b), Some(l)) => ScalarMinimum {
            x: l.x,
            value: if state == ModeState::Tie { 1.0 } else { l.value },
            alignment: b.alignment,
            state,
            local,
        },
        _ => ScalarMinimum { x: 0.0, value: 1.0, alignment: 0.0, state: ModeState::Dead, local },
    })
}

/// The state of a mode at this beta.
pub(super) fn mode_state(depth: usize, beta: Scaled) -> ModeState {
    let (beta, critical) = (beta.clamped(), threshold(depth));
    if depth == 1 {
        return if beta < 1.0 { ModeState::Alive } else { ModeState::Dead };
    }
    if (beta - critical).abs() <= TIE_TOLERANCE * critical {
        ModeState::Tie
    } else if beta < critical {
        ModeState::Alive
    } else {
        ModeState::Dead
    }
}

/// The nonzero local minimiser, when there is one.
pub(super) fn upper_branch(depth: usize, beta: Scaled) -> Option<Branch> {
    if beta.clamped() >= spinodal_of(depth) {
        return None;
    }
    if depth == 1 {
        let root = beta.root(2);
        // 1 - sqrt(beta) as a quotient: no cancellation beyond that in 1 - beta.
        let (r, gap) = (root.clamped(), 1.0 - beta.clamped());
        let alignment = gap / (1.0 + r);
        let x = Scaled::new(alignment).over(root);
        let value = root.times(Scaled::new(1.0 + alignment));
        return Some(Branch { x, log_power: x.ln(), alignment, value });
    }
    let m = depth as f64;
    let target = Scaled::new(m).over(beta).ln();
    let slope_at_infinity = 1.0 + 1.0 / m;
    // Left end of the branch on which the equation is monotone.
    let floor = -(2.0 / (m - 1.0)).ln_1p();
    let mut w = (target / slope_at_infinity).max(floor);
    for _ in 0..100 {
        let (residual, slope) = if w >= 0.0 {
            let e = (-w).exp();
            (target - slope_at_infinity * w - 2.0 * e.ln_1p(), slope_at_infinity - 2.0 * e / (1.0 + e))
        } else {
            let e = w.exp();
            (target + (1.0 - 1.0 / m) * w - 2.0 * e.ln_1p(), 2.0 * e / (1.0 + e) - (1.0 - 1.0 / m))
        };
        // Near the spinodal the slope vanishes with the residual.
        if slope <= 0.0 {
            break;
        }
        let next = (w + residual / slope).max(floor);
        let settled = (next - w).abs() <= 2.0 * f64::EPSILON * w.abs().max(1.0);
        w = next;
        if settled {
            break;
        }
    }
    let mut x = Scaled::exp(w / m);
    if depth <= 64 {
        // The residual as a product, beta/M x^(M+1) (1 + x^-M)^2 - 1, has no rounding of ln(beta).
        let inverse_power = if w > 700.0 { 0.0 } else { 1.0 / x.power(depth).clamped() };
        let ratio =
            beta.over(Scaled::new(m)).times(x.power(depth + 1)).clamped() * (1.0 + inverse_power).powi(2);
        let slope = (m + 1.0) - 2.0 * m * inverse_power / (1.0 + inverse_power);
        let step = (ratio - 1.0) / slope;
        if slope > 0.0 && step.abs() < 1e-9 {
            x = x.times(Scaled::new(1.0 - step));
            // The logarithm is that of the start, corrected: for large w its own rounding stays.
            w -= m * step;
        }
    }
    let alignment = if w >= 0.0 {
        1.0 / (1.0 + (-w).exp())
    } else {
        let e = w.exp();
        e / (1.0 + e)
    };
    // By stationarity 1/(1 + x^M) = beta x/(M alignment): one product instead of a sum of unequal terms.
    let value = beta.times(x).times(Scaled::new(1.0 + 1.0 / (m * alignment)));
    Some(Branch { x, log_power: w, alignment, value })
}
