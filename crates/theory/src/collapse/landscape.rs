//! Critical points of the squared loss: Hessians, saddles, local minima (NC-23, NC-24).
use solvable_linalg::sum_compensated;
use solvable_model::collapse::{Bias, FreeFeatures};
use solvable_model::{Argument, InputError};

use super::CollapseError;
use super::error::{bias_word, common_lambda, common_size};
use super::minimum::{Scale, live_cost, live_mode};
use super::scalar::{ModeState, upper_branch};
use super::targets::targets;

/// The Hessian at the collapsed minimum.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HessianSpectrum {
    /// Eigenvalue and multiplicity, in the order gauge 0, lambda, 2 lambda, r, 2(r - lambda), 2r; those of multiplicity 0
    /// are left out.
    pub eigenvalues: Vec<(f64, usize)>,
    /// Number of parameters, `K d + d N`.
    pub dimension: usize,
}

/// The Hessian spectrum at the minimum, depth one, balanced, without bias, equal regularisation (NC-23).
///
/// With `r = sqrt(n)/N > lambda`, `d >= K`: 0 with multiplicity `K(d-K) + K(K-1)/2` (rotations), lambda `(d-K)(N-K)`,
/// 2 lambda `K(d-K) + K(K+1)/2`, r `K(N-K)`, 2(r - lambda) `K(K+1)/2`, 2r `K(K-1)/2`. O(1).
///
/// # Errors
/// [`CollapseError::Bias`], [`CollapseError::Depth`], [`CollapseError::NotBalanced`], [`CollapseError::NotUniform`],
/// [`CollapseError::TooNarrow`] outside these conditions; [`CollapseError::Input`] when `lambda >= r` (the minimum is 0
/// then) or a multiplicity overflows.
///
/// ```
/// use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};
/// use solvable_theory::collapse::hessian_spectrum;
/// let problem = FreeFeatures::uniform(ClassCounts::balanced(3, 2)?, 1, 5, 0.05, Bias::None)?;
/// let found = hessian_spectrum(&problem)?;
/// assert_eq!(found.dimension, 45);
/// assert_eq!(found.eigenvalues[0], (0.0, 9));
/// assert_eq!(found.eigenvalues.iter().map(|e| e.1).sum::<usize>(), 45);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn hessian_spectrum(problem: &FreeFeatures) -> Result<HessianSpectrum, CollapseError> {
    refuse_bias_and_depth(problem)?;
    let n = common_size(problem.classes())?;
    let lambda = common_lambda(problem)?;
    let (k, total, d) = (problem.classes().classes(), problem.classes().total(), problem.widths()[0]);
    if d < k {
        return Err(CollapseError::TooNarrow { width: d, needed: k });
    }
    let r = (n as f64).sqrt() / total as f64;
    InputError::check("lambda", lambda, lambda < r, "less than sqrt(n)/N, where the minimum leaves 0")?;
    let overflow = || InputError::Condition {
        argument: "d".into(),
        value: d as f64,
        condition: "the number of parameters must fit into a machine word",
    };
    let times = |a: usize, b: usize| a.checked_mul(b).ok_or_else(overflow);
    let dimension = times(d, k)?.checked_add(times(d, total)?).ok_or_else(overflow)?;
    let (unused, pairs) = (k * (d - k), k * (k - 1) / 2);
    let rows = [
        (0.0, unused + pairs),
        (lambda, (d - k) * (total - k)),
        (2.0 * lambda, unused + pairs + k),
        (r, k * (total - k)),
        (2.0 * (r - lambda), pairs + k),
        (2.0 * r, pairs),
    ];
    Ok(HessianSpectrum { eigenvalues: rows.into_iter().filter(|row| row.1 > 0).collect(), dimension })
}

fn refuse_bias_and_depth(problem: &FreeFeatures) -> Result<(), CollapseError> {
    if problem.bias() != Bias::None {
        return Err(CollapseError::Bias { found: bias_word(problem.bias()), needed: "none" });
    }
    if problem.depth() != 1 {
        return Err(CollapseError::Depth { depth: problem.depth(), condition: "this is a result for M = 1" });
    }
    Ok(())
}

/// The smallest Hessian eigenvalue at the critical point that learns exactly the classes `active` (counted from 0), depth one,
/// no bias, equal regularisation (NC-24).
///
/// The Hessian splits into blocks of the modes: an inactive class k and a free hidden unit give `lambda - sqrt(n_k)/N`; an
/// inactive k and an active j `(sqrt(n_j) - sqrt(n_k))/N`; rotations of active classes (and of active classes into free
/// units) 0; active classes alone `2(sqrt(n_j)/N - lambda)` and 2 lambda; deviations within classes lambda (free units) and
/// `sqrt(n_j)/N`. The smallest of these is negative at every critical point that is not a global minimum: a strict
/// saddle. O(K).
///
/// # Errors
/// [`CollapseError::Bias`], [`CollapseError::Depth`], [`CollapseError::NotUniform`] outside these conditions;
/// [`CollapseError::Input`] when an index is not a class or repeats, more classes are active than the width allows, or an
/// active class has `sqrt(n_k) <= N lambda` (no such critical point).
pub fn smallest_hessian_eigenvalue(problem: &FreeFeatures, active: &[usize]) -> Result<f64, CollapseError> {
    refuse_bias_and_depth(problem)?;
    let lambda = common_lambda(problem)?;
    let counts = problem.classes().counts();
    let (total, width) = (problem.classes().total(), problem.widths()[0]);
    let pull = |k: usize| (counts[k] as f64).sqrt() / total as f64;
    let mut is_active = vec![false; counts.len()];
    for (i, &k) in active.iter().enumerate() {
        let refuse = |condition: &'static str| InputError::Count {
            argument: Argument::indexed("active", i),
            value: k as u64,
            condition,
        };
        if k >= counts.len() {
            return Err(refuse("less than the number of classes (counted from 0)").into());
        }
        if is_active[k] {
            return Err(refuse("given once").into());
        }
        if pull(k) <= lambda {
            return Err(refuse("a class with sqrt(n_k) > N lambda: no critical point learns it").into());
        }
        is_active[k] = true;
    }
    if active.len() > width {
        return Err(CollapseError::TooNarrow { width, needed: active.len() });
    }
    let free_unit = active.len() < width;
    let mut smallest = f64::INFINITY;
    for k in 0..counts.len() {
        if is_active[k] {
            smallest = smallest.min(2.0 * (pull(k) - lambda)).min(2.0 * lambda);
            if free_unit || active.len() > 1 {
                smallest = smallest.min(0.0);
            }
            if total > counts.len() {
                smallest = smallest.min(pull(k));
            }
        } else {
            if free_unit {
                smallest = smallest.min(lambda - pull(k));
            }
            for &j in active {
                smallest = smallest.min(pull(j) - pull(k));
            }
        }
    }
    if free_unit && total > counts.len() {
        smallest = smallest.min(lambda);
    }
    Ok(smallest)
}

/// The negative eigenvalue of the saddle that learns class j but not the larger class k, M >= 2, equal regularisation, no
/// bias: `s_j^(L-2) (sqrt(n_j) - sqrt(n_k))/N` with `s_j = sigma_j^(1/L)` (NC-24).
///
/// # Errors
/// [`CollapseError::Bias`], [`CollapseError::NotUniform`]; [`CollapseError::Input`] when an index is not a class,
/// `n_k <= n_j`, or class j has no nonzero critical point.
pub fn exchange_eigenvalue(problem: &FreeFeatures, j: usize, k: usize) -> Result<f64, CollapseError> {
    if problem.bias() != Bias::None {
        return Err(CollapseError::Bias { found: bias_word(problem.bias()), needed: "none" });
    }
    common_lambda(problem)?;
    let counts = problem.classes().counts();
    for (argument, index) in [("j", j), ("k", k)] {
        if index >= counts.len() {
            let condition = "less than the number of classes (counted from 0)";
            return Err(
                InputError::Count { argument: argument.into(), value: index as u64, condition }.into()
            );
        }
    }
    if counts[k] <= counts[j] {
        let condition = "greater than n_j: the class left out must be the larger one";
        return Err(InputError::Count { argument: "n_k".into(), value: counts[k] as u64, condition }.into());
    }
    let scale = Scale::new(problem);
    let n = counts[j] as f64;
    let Some(branch) = upper_branch(scale.depth, scale.beta(n)) else {
        let condition = "large enough for class j to have a nonzero critical point";
        return Err(InputError::Count { argument: "n_j".into(), value: counts[j] as u64, condition }.into());
    };
    let l = scale.depth as f64 + 1.0;
    let s = (n.sqrt() * branch.alignment).powf((l - 2.0) / l);
    Ok(s * (n.sqrt() - (counts[k] as f64).sqrt()) / scale.total)
}

/// The values of all known local minima, and the smallest.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LocalMinima {
    /// Values by the number r of modes learnt, r = 0, 1, ...: each learns exactly the r largest targets, on the upper
    /// branch. For M = 1 the one local minimum, which is global.
    pub values: Vec<f64>,
    /// The global minimum.
    pub global: f64,
}

/// Local minima of the squared loss (NC-24), without bias or with a free bias.
///
/// M >= 2: 0 is always a strict local minimum; for each r such that the r largest targets have `beta < beta_s`, learning
/// exactly these is one. (That there are no others is supported numerically, not proved.) M = 1: none but the global one.
/// O(K).
///
/// # Errors
/// [`CollapseError::Bias`] for a regularised bias; [`CollapseError::NotRepresentable`] for results outside `f64`.
pub fn local_minima(problem: &FreeFeatures) -> Result<LocalMinima, CollapseError> {
    let global = super::squared_minimum(problem)?.value();
    if problem.depth() == 1 {
        return Ok(LocalMinima { values: vec![global], global });
    }
    let squares = targets(problem.classes(), problem.bias())?.squares;
    let scale = Scale::new(problem);
    let mut terms: Vec<f64> = squares.iter().map(|s| s / scale.total * 0.5).collect();
    let mut values = vec![sum_compensated(&terms)];
    for (j, &square) in squares.iter().enumerate().take(problem.rank_bound()) {
        if square == 0.0 {
            break;
        }
        let beta = scale.beta(square);
        let Some(branch) = upper_branch(scale.depth, beta) else { break };
        let mode = live_mode(&scale, square.sqrt(), beta, ModeState::Alive, &branch)?;
        terms[j] = live_cost(&scale, &mode);
        values.push(sum_compensated(&terms));
    }
    Ok(LocalMinima { values, global })
}
