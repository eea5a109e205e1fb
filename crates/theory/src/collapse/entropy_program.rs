//! Cross-entropy at depth one on any class counts: a convex program with its certificate (NC-14).
use solvable_linalg::{Mat, matmul, singular_values, sum_compensated, svd};
use solvable_model::InputError;
use solvable_model::collapse::{Bias, ClassLoss, FreeFeatures};

use super::CollapseError;
use super::entropy_dual::dual_bound;
use super::entropy_newton::{Groups, LARGEST_GROUPS, minimise};
use super::optimality::{Optimality, Status};
use super::schatten::Regularisation;
use super::targets::targets;

/// Steps of the proximal method before the result is returned as it is.
pub const LARGEST_STEPS: usize = 20_000;

/// Relative gap at which the value counts as the global minimum.
pub const CERTIFIED_GAP: f64 = 1e-12;

/// The minimum of cross-entropy at depth one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EntropyProgramMinimum {
    /// Primal value and dual bound; `Global` when the gap is at most [`CERTIFIED_GAP`] of the value.
    pub optimality: Optimality,
    /// `X = Zbar D^(1/2)`, K x K, columns summing to 0.
    pub x: Mat<f64>,
    /// The bias; zeros without.
    pub bias: Vec<f64>,
    /// Class-mean logits without bias, `Zbar`.
    pub logits: Mat<f64>,
    /// Singular values of X, decreasing.
    pub singular_values: Vec<f64>,
    /// Steps taken.
    pub steps: usize,
}

/// Minimises `sum_k n_k/N loss(X_k/sqrt(n_k) + b, k) + lambda |X|_* + lambda_b |b|^2/2` (NC-14).
///
/// For width at least K this convex program has the minimum of the network of depth one on any class counts: features
/// collapse (Jensen and the nuclear norm). Classes of one size are alike at the minimum: with at most [`LARGEST_GROUPS`]
/// distinct sizes the problem has a number of variables of the order of their square, whatever K, and is solved by Newton steps on
/// a nuclear norm smoothed down to rounding, at any margin; a dual point at the same argument bounds the minimum from below.
///
/// With more distinct sizes: accelerated proximal gradient with singular value thresholding, step 2N (N with a bias), restarted when
/// the value rises; every 25 steps a feasible dual point bounds the minimum from below, and the iteration stops when the gap
/// is at rounding. O(K^3) a step, typically hundreds to a few thousand steps; slow for margins beyond 20 (tiny
/// regularisation), where the returned gap says how far it came.
///
/// # Errors
/// [`CollapseError::Depth`] unless M = 1; [`CollapseError::TooNarrow`] when the width is less than K;
/// [`CollapseError::Input`] when K is above [`LARGEST_DIMENSION`](solvable_model::LARGEST_DIMENSION); [`CollapseError::Linalg`] when a certified decomposition fails.
pub fn entropy_program_minimum(problem: &FreeFeatures) -> Result<EntropyProgramMinimum, CollapseError> {
    let lambda = depth_one_lambda(problem)?;
    let classes = problem.classes();
    let k = classes.classes();
    let width = problem.widths()[0];
    if width < k {
        return Err(CollapseError::TooNarrow { width, needed: k });
    }
    InputError::check_dimension("K", k)?;
    let groups = Groups::new(classes);
    if groups.count() <= LARGEST_GROUPS {
        return by_newton(problem, &groups, lambda);
    }
    let objective = Program::new(problem, lambda);
    let bias = problem.bias();
    let (step, bias_step) = if bias.is_trained() {
        (objective.total, 1.0 / (1.0 + bias.weight()))
    } else {
        (2.0 * objective.total, 0.0)
    };
    let mut x = Mat::zeros(k, k);
    let mut b = start_bias(&objective, bias);
    let (mut y, mut c) = (x.clone(), b.clone());
    let mut momentum = 1.0_f64;
    let mut value = objective.value(&x, &b, &singular_values(x.as_ref())?);
    let (mut best, mut bound) = ((value, x.clone(), b.clone()), f64::NEG_INFINITY);
    let mut steps = 0;
    let mut stalled = 0;
    while steps < LARGEST_STEPS && stalled < 8 {
        steps += 1;
        let (gx, gb) = objective.gradient(&y, &c);
        let moved = Mat::from_fn(k, k, |i, j| y[(i, j)] - step * gx[(i, j)]);
        let (next, spectrum) = threshold(&moved, step * lambda)?;
        let shifted: Vec<f64> = c.iter().zip(&gb).map(|(v, g)| v - bias_step * g).collect();
        let next_value = objective.value(&next, &shifted, &spectrum);
        if next_value > value && momentum > 1.0 {
            // Restart from the last point without momentum.
            momentum = 1.0;
            y = x.clone();
            c.clone_from(&b);
            continue;
        }
        let grown = 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt());
        let rate = (momentum - 1.0) / grown;
        y = Mat::from_fn(k, k, |i, j| next[(i, j)] + rate * (next[(i, j)] - x[(i, j)]));
        c = shifted.iter().zip(&b).map(|(n, o)| n + rate * (n - o)).collect();
        momentum = grown;
        (x, b, value) = (next, shifted, next_value);
        if value < best.0 {
            best = (value, x.clone(), b.clone());
        }
        if steps % 25 == 0 {
            let old = (best.0 - bound).max(0.0);
            bound = bound.max(dual_bound(classes, lambda, bias, &x, &b)?);
            let gap = best.0 - bound;
            if gap <= 0.1 * CERTIFIED_GAP * best.0 {
                break;
            }
            // At rounding level the gap no longer halves in 200 steps.
            stalled = if gap <= CERTIFIED_GAP * best.0 && gap > 0.5 * old { stalled + 1 } else { 0 };
        }
    }
    let (value, x, mut b) = best;
    bound = bound.max(dual_bound(classes, lambda, bias, &x, &b)?);
    if bias == Bias::Free {
        // A free bias is determined up to a common constant.
        let mean = b.iter().sum::<f64>() / k as f64;
        b.iter_mut().for_each(|v| *v -= mean);
    }
    let status = if value - bound <= CERTIFIED_GAP * value { Status::Global } else { Status::BestKnown };
    let counts = classes.counts();
    Ok(EntropyProgramMinimum {
        optimality: Optimality::new(value, bound * (1.0 - 16.0 * f64::EPSILON), status),
        logits: Mat::from_fn(k, k, |i, j| x[(i, j)] / (counts[j] as f64).sqrt()),
        singular_values: singular_values(x.as_ref())?,
        bias: b,
        x,
        steps,
    })
}

/// The minimum over groups of classes, written out for the classes.
fn by_newton(
    problem: &FreeFeatures,
    groups: &Groups,
    lambda: f64,
) -> Result<EntropyProgramMinimum, CollapseError> {
    let classes = problem.classes();
    let k = classes.classes();
    let found = minimise(classes, groups, lambda, problem.bias())?;
    let bound = found.bound * (1.0 - 16.0 * f64::EPSILON);
    let certified = found.value - bound <= CERTIFIED_GAP * found.value;
    let logit = |i: usize, j: usize| {
        let (g, h) = (groups.of[i], groups.of[j]);
        let apart =
            if g == h { found.within[g] * (f64::from(u8::from(i == j)) - 1.0 / groups.many[g]) } else { 0.0 };
        apart + found.between[(g, h)] / (groups.many[g] * groups.many[h] * groups.size[h]).sqrt()
    };
    let logits = Mat::from_fn(k, k, logit);
    let mut spectrum = found.spectrum;
    for g in 0..groups.count() {
        let apart = groups.size[g].sqrt() * found.within[g];
        spectrum.extend(std::iter::repeat_n(apart, groups.many[g] as usize - 1));
    }
    // Columns sum to 0.
    spectrum.push(0.0);
    spectrum.sort_by(|a, b| b.total_cmp(a));
    Ok(EntropyProgramMinimum {
        optimality: Optimality::new(
            found.value,
            bound,
            if certified { Status::Global } else { Status::BestKnown },
        ),
        x: Mat::from_fn(k, k, |i, j| logits[(i, j)] * groups.size[groups.of[j]].sqrt()),
        bias: (0..k).map(|i| found.bias[groups.of[i]]).collect(),
        logits,
        singular_values: spectrum,
        steps: found.steps,
    })
}

/// `sqrt(lambda_W lambda_H)`.
pub(super) fn depth_one_lambda(problem: &FreeFeatures) -> Result<f64, CollapseError> {
    if problem.depth() != 1 {
        return Err(CollapseError::Depth {
            depth: problem.depth(),
            condition: "the problem is convex for M = 1 only",
        });
    }
    Ok(Regularisation::new(problem.lambda_w(), problem.lambda_h()).product.root(2).clamped())
}

/// Whether all parameters but the bias are 0 at the minimum, at depth one (NC-14).
///
/// No or regularised bias at balanced data: `sigma_max((I - J/K) D^(1/2)) <= N lambda`; free bias: `tau_1 <= N lambda` with
/// tau_1 the largest target of the squared loss. Returns the left-hand side divided by N: zero exactly when lambda is at
/// least this.
///
/// # Errors
/// [`CollapseError::Bias`] for a regularised bias, where b is not known in closed form; [`CollapseError::Depth`] unless M = 1.
pub fn all_zero_threshold(problem: &FreeFeatures) -> Result<f64, CollapseError> {
    depth_one_lambda(problem)?;
    let counts = problem.classes().counts();
    let (k, total) = (counts.len() as f64, problem.classes().total() as f64);
    match problem.bias() {
        Bias::Free => Ok(targets(problem.classes(), Bias::Free)?.squares[0].sqrt() / total),
        Bias::None => {
            let a = Mat::from_fn(counts.len(), counts.len(), |i, j| {
                (if i == j { 1.0 } else { 0.0 } - 1.0 / k) * (counts[j] as f64).sqrt()
            });
            Ok(singular_values(a.as_ref())?[0] / total)
        }
        other => Err(CollapseError::Bias { found: super::error::bias_word(other), needed: "none or free" }),
    }
}

struct Program {
    roots: Vec<f64>,
    shares: Vec<f64>,
    total: f64,
    lambda: f64,
    bias: Bias,
}

impl Program {
    fn new(problem: &FreeFeatures, lambda: f64) -> Self {
        let total = problem.classes().total() as f64;
        let counts = problem.classes().counts();
        Self {
            roots: counts.iter().map(|&n| (n as f64).sqrt()).collect(),
            shares: counts.iter().map(|&n| n as f64 / total).collect(),
            total,
            lambda,
            bias: problem.bias(),
        }
    }

    fn column(&self, x: &Mat<f64>, b: &[f64], c: usize) -> Vec<f64> {
        (0..b.len()).map(|j| x[(j, c)] / self.roots[c] + b[j]).collect()
    }

    fn value(&self, x: &Mat<f64>, b: &[f64], spectrum: &[f64]) -> f64 {
        let loss = |c| ClassLoss::CrossEntropy.value(&self.column(x, b, c), c);
        let mut terms: Vec<f64> = (0..b.len()).map(|c| self.shares[c] * loss(c)).collect();
        terms.extend(spectrum.iter().map(|s| self.lambda * s));
        terms.extend(b.iter().map(|v| 0.5 * self.bias.weight() * v * v));
        sum_compensated(&terms)
    }

    /// Of the smooth part.
    fn gradient(&self, x: &Mat<f64>, b: &[f64]) -> (Mat<f64>, Vec<f64>) {
        let k = b.len();
        let mut gx = Mat::zeros(k, k);
        let mut gb: Vec<f64> = b.iter().map(|v| self.bias.weight() * v).collect();
        for c in 0..k {
            let mut z = self.column(x, b, c);
            ClassLoss::CrossEntropy.derivative_in_place(&mut z, c);
            for j in 0..k {
                gx[(j, c)] = self.shares[c] / self.roots[c] * z[j];
                gb[j] += self.shares[c] * z[j];
            }
        }
        (gx, gb)
    }
}

/// A free bias starts at `log(n/N)`, its value when all else is 0.
fn start_bias(program: &Program, bias: Bias) -> Vec<f64> {
    match bias {
        Bias::Free => program.shares.iter().map(|s| s.ln()).collect(),
        _ => vec![0.0; program.shares.len()],
    }
}

/// Soft thresholding of the singular values: the matrix and its spectrum.
fn threshold(m: &Mat<f64>, t: f64) -> Result<(Mat<f64>, Vec<f64>), CollapseError> {
    let found = svd(m.as_ref())?;
    let s: Vec<f64> = found.s.iter().map(|v| (v - t).max(0.0)).collect();
    let left = Mat::from_fn(found.u.nrows(), s.len(), |i, j| found.u[(i, j)] * s[j]);
    Ok((matmul(left.as_ref(), found.v.transpose()), s))
}
