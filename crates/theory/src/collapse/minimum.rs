//! The global minimum of the squared loss (NC-04, NC-07, NC-10).
use solvable_linalg::{Mat, sum_compensated};
use solvable_model::collapse::FreeFeatures;

use super::CollapseError;
use super::optimality::{Optimality, Status};
use super::range::Scaled;
use super::scalar::{Branch, ModeState, mode_state, upper_branch};
use super::schatten::Regularisation;
use super::targets::{Targets, targets};

/// Rounding units that bound the relative error of the minimum: three of the target, ten of `x`, two of the quotient.
const VALUE_ROUNDINGS: f64 = 16.0;

/// One singular direction of the minimiser.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mode {
    /// The target tau.
    pub target: f64,
    /// `beta = M N (N Lambda)^(1/M)/tau^2`; infinite for a target of 0.
    pub beta: f64,
    /// The minimiser x of the scalar problem; `x^M = w^2/(N lambda_H)` with w the singular value of the classifier.
    pub x: f64,
    /// `sigma/tau = x^M/(1 + x^M)`.
    pub alignment: f64,
    /// The singular value sigma of the logits.
    pub singular_value: f64,
    /// `q = (Lambda sigma^2)^(1/L) = x (N Lambda)^(1/M)`; factor i has the singular value `sqrt(q/lambda_i)`.
    pub layer_energy: f64,
    /// Whether the direction is learnt.
    pub state: ModeState,
}

/// The global minimum of the squared loss.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SquaredMinimum {
    /// The minimum with its certificate. The lower bound is the proved minimum less its rounding; status `Global`.
    pub optimality: Optimality,
    /// One mode a target, K in all, largest target first.
    pub modes: Vec<Mode>,
    /// Left singular vectors of the logits, one column a mode; within equal targets any basis serves.
    pub vectors: Mat<f64>,
    /// The bias: `n/N` where it is free, empty without bias.
    pub bias: Vec<f64>,
    /// `Some(tau)` when the rank bound cuts through equal, learnable targets: the minimisers form a continuum (NC-07).
    pub tied_cut: Option<f64>,
    pub(super) branches: Vec<Option<Branch>>,
}

impl SquaredMinimum {
    /// The minimum f*.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.optimality.value
    }

    /// The number of modes learnt, those at an exact tie included.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.modes.iter().filter(|m| m.singular_value > 0.0).count()
    }

    /// The eigenvalues `N lambda_H x_j^M` of `W W'`, one a mode: determined by the problem even where the rank bound cuts
    /// through equal targets (NC-07). Those of `H_1 H_1'` are `q_j/lambda_H`.
    ///
    /// # Errors
    /// [`CollapseError::NotRepresentable`] when one leaves the range of `f64`.
    pub fn classifier_eigenvalues(&self, problem: &FreeFeatures) -> Result<Vec<f64>, CollapseError> {
        let base = Scaled::new(problem.classes().total() as f64).times(Scaled::new(problem.lambda_h()));
        let one = |branch: &Option<Branch>| match branch {
            Some(b) => base.times(b.power(problem.depth())).value("an eigenvalue of W W'"),
            None => Ok(0.0),
        };
        self.branches.iter().map(one).collect()
    }

    /// Whether some mode is exactly at its threshold, so that a minimiser without it exists too.
    #[must_use]
    pub fn has_tie(&self) -> bool {
        self.modes.iter().any(|m| m.state == ModeState::Tie)
    }
}

/// What the modes of one problem share.
pub(super) struct Scale {
    pub(super) depth: usize,
    pub(super) total: f64,
    pub(super) regularisation: Regularisation,
    /// `(N Lambda)^(1/M)`.
    pub(super) root: Scaled,
}

impl Scale {
    pub(super) fn new(problem: &FreeFeatures) -> Self {
        let regularisation = Regularisation::new(problem.lambda_w(), problem.lambda_h());
        let total = problem.classes().total() as f64;
        let root = regularisation.product.times(Scaled::new(total)).root(problem.depth());
        Self { depth: problem.depth(), total, regularisation, root }
    }

    /// beta of a positive squared target.
    pub(super) fn beta(&self, square: f64) -> Scaled {
        Scaled::new(self.depth as f64 * self.total).times(self.root).over(Scaled::new(square))
    }
}

/// A mode and its contribution to the minimum. `available`: within the rank bound.
pub(super) fn solve_mode(
    scale: &Scale,
    square: f64,
    available: bool,
) -> Result<(Mode, Option<Branch>, f64), CollapseError> {
    let target = square.sqrt();
    let dead = |beta: f64| Mode {
        target,
        beta,
        x: 0.0,
        alignment: 0.0,
        singular_value: 0.0,
        layer_energy: 0.0,
        state: ModeState::Dead,
    };
    if square == 0.0 {
        return Ok((dead(f64::INFINITY), None, 0.0));
    }
    let beta = scale.beta(square);
    let state = if available { mode_state(scale.depth, beta) } else { ModeState::Dead };
    let branch = if state == ModeState::Dead { None } else { upper_branch(scale.depth, beta) };
    let Some(branch) = branch else {
        return Ok((dead(beta.clamped()), None, square / scale.total * 0.5));
    };
    let mode = live_mode(scale, target, beta, state, &branch)?;
    Ok((mode, Some(branch), live_cost(scale, &mode)))
}

/// The mode on the upper branch.
pub(super) fn live_mode(
    scale: &Scale,
    target: f64,
    beta: Scaled,
    state: ModeState,
    branch: &Branch,
) -> Result<Mode, CollapseError> {
    Ok(Mode {
        target,
        beta: beta.clamped(),
        x: branch.x.value("x")?,
        alignment: branch.alignment,
        singular_value: target * branch.alignment,
        layer_energy: branch.x.times(scale.root).value("a layer energy")?,
        state,
    })
}

/// `tau^2 g(x)/(2N)` at the upper branch, as `(q/2)(M + tau/sigma)`: stationarity removes the small data term.
pub(super) fn live_cost(scale: &Scale, mode: &Mode) -> f64 {
    if scale.depth == 1 {
        // lambda (tau + sigma)/2 = q (tau + sigma)/(2 sigma), without the quotient of two numbers near 0.
        let lambda = scale.regularisation.product.root(2).clamped();
        return 0.5 * lambda * (mode.target + mode.singular_value);
    }
    0.5 * mode.layer_energy * (scale.depth as f64 + 1.0 / mode.alignment)
}

/// The global minimum of the squared loss for any depth, widths, class counts and regularisations (NC-04).
///
/// With the targets tau_j of [`targets`], largest first, and R the rank bound,
///
/// `f* = sum_{j <= R} min_x tau_j^2/(2N) (1/(1 + x^M) + beta_j x) + sum_{j > R} tau_j^2/(2N)`,
/// `beta_j = M N (N Lambda)^(1/M)/tau_j^2`.
///
/// Von Neumann's and Mirsky's inequality bound the data term below by singular values, the penalty depends on singular
/// values only (NC-01), and the problem separates. Costs O(K) without bias, O(K^2) with; relative accuracy of a few
/// roundings for regularisations of any size.
///
/// # Errors
/// [`CollapseError::Bias`] for a regularised bias; [`CollapseError::NotRepresentable`] when x or a layer energy leaves the
/// range of `f64`.
///
/// ```
/// use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};
/// use solvable_theory::collapse::squared_minimum;
/// // M = 1, all alive: f* = sum lambda sqrt(n_k) - K N lambda^2/2.
/// let problem = FreeFeatures::new(ClassCounts::new(vec![4, 4])?, vec![2], vec![0.01], 0.01, Bias::None)?;
/// let minimum = squared_minimum(&problem)?;
/// assert!((minimum.value() - (2.0 * 0.01 * 2.0 - 2.0 * 8.0 * 1e-4 / 2.0)).abs() <= 1e-16);
/// assert!((minimum.modes[0].singular_value - (2.0 - 8.0 * 0.01)).abs() <= 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn squared_minimum(problem: &FreeFeatures) -> Result<SquaredMinimum, CollapseError> {
    let Targets { squares, vectors } = targets(problem.classes(), problem.bias())?;
    let scale = Scale::new(problem);
    let bound = problem.rank_bound();
    let (mut modes, mut branches) = (Vec::with_capacity(squares.len()), Vec::with_capacity(squares.len()));
    let mut costs = Vec::with_capacity(squares.len());
    for (j, &square) in squares.iter().enumerate() {
        let (mode, branch, cost) = solve_mode(&scale, square, j < bound)?;
        modes.push(mode);
        branches.push(branch);
        costs.push(cost);
    }
    let value = sum_compensated(&costs);
    let tied_cut =
        (bound < squares.len() && squares[bound - 1] == squares[bound] && modes[bound - 1].x > 0.0)
            .then(|| modes[bound].target);
    let bias = if problem.bias().is_trained() {
        problem.classes().counts().iter().map(|&n| n as f64 / scale.total).collect()
    } else {
        Vec::new()
    };
    let lower_bound = value * (1.0 - VALUE_ROUNDINGS * f64::EPSILON);
    let optimality = Optimality::new(value, lower_bound, Status::Global);
    Ok(SquaredMinimum { optimality, modes, vectors, bias, tied_cut, branches })
}

/// `f(theta) - f*` with its certificate: how far a trained network is from the global minimum (NC-10).
///
/// Rigorous, because f* is proved minimal; the lower bound includes the rounding of f*. The gap may be negative by the
/// rounding of the value's own evaluation, in single precision too; a value further below f* is not one of this objective.
///
/// # Errors
/// [`CollapseError::Input`] when the value is not finite, or below f* by more than 1e-5 of it; those of [`squared_minimum`].
pub fn squared_gap(problem: &FreeFeatures, value: f64) -> Result<Optimality, CollapseError> {
    solvable_model::InputError::check_finite("value", value)?;
    let minimum = squared_minimum(problem)?.optimality;
    let gap = value - minimum.lower_bound;
    solvable_model::InputError::check(
        "value",
        value,
        gap >= -1e-5 * minimum.lower_bound,
        "at least the global minimum, up to rounding: no parameters have a smaller objective",
    )?;
    let status = if gap <= 2.0 * minimum.gap { Status::Global } else { Status::BestKnown };
    Ok(Optimality { value, lower_bound: minimum.lower_bound, gap, status })
}

/// The dual of the squared loss at depth one: `max <G, T> - N |G|^2/2` over `|G|_op <= lambda` (NC-10).
///
/// Attained at `G = (T - Z*)/N`, whose singular values are `min(tau_j/N, lambda)`; its value equals f* when no
/// learnable target lies beyond the rank bound, and is a lower bound of the objective in any case.
///
/// # Errors
/// [`CollapseError::Depth`] unless M = 1; [`CollapseError::Bias`] for a regularised bias.
pub fn squared_dual(problem: &FreeFeatures) -> Result<f64, CollapseError> {
    if problem.depth() != 1 {
        return Err(CollapseError::Depth {
            depth: problem.depth(),
            condition: "the problem is convex for M = 1 only",
        });
    }
    let scale = Scale::new(problem);
    let lambda = scale.regularisation.product.root(2).clamped();
    let squares = targets(problem.classes(), problem.bias())?.squares;
    let terms: Vec<f64> = squares
        .iter()
        .map(|&square| {
            let tau = square.sqrt();
            let g = (tau / scale.total).min(lambda);
            g * (tau - 0.5 * scale.total * g)
        })
        .collect();
    Ok(sum_compensated(&terms))
}
