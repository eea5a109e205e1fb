//! Cross-entropy on balanced classes: depth one exactly, depth M by its branches and a proved bound (NC-12, NC-13).
use solvable_model::collapse::{Bias, FreeFeatures};

use super::CollapseError;
use super::error::{bias_word, common_size};
use super::optimality::{Optimality, Status};
use super::range::Scaled;
use super::schatten::Regularisation;
use crate::roots::itp;

/// Rounding units of a value: a few of the coefficient, of exp, log1p and the power.
const VALUE_ROUNDINGS: f64 = 16.0;

/// A critical point on a ray of logit matrices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EntropyBranch {
    /// The margin between the own logit and another; 0 when the zero solution is better.
    pub margin: f64,
    /// The objective there; `log K` at margin 0.
    pub value: f64,
}

/// The minimum of balanced cross-entropy at depth one (NC-12).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BalancedEntropyMinimum {
    /// The global minimum.
    pub optimality: Optimality,
    /// The margin m*.
    pub margin: f64,
    /// `W W'` is this multiple of `I - J/K`.
    pub classifier_scale: f64,
    /// The Gram matrix of class means is this multiple of `I - J/K`.
    pub feature_scale: f64,
}

/// The global minimum of cross-entropy on balanced classes at depth one, with any bias (NC-12).
///
/// With `t = lambda sqrt(n)`, `lambda = sqrt(lambda_W lambda_H)`:
/// `m* = max(0, log(1/t - K + 1))`, `f* = log(1 + (K-1) e^-m*) + (K-1) t m*`, `Z* = m* (I - J/K) Y`; nonzero exactly when
/// `K t < 1`. By Jensen the data term is at least that of the mean margin, which the nuclear norm bounds. Evaluated as
/// `m = log1p((1 - K t)/t)` near the threshold and `f = -log1p(-(K-1) t) + (K-1) t m` above it. O(1).
///
/// # Errors
/// [`CollapseError::NotBalanced`]; [`CollapseError::Depth`] unless M = 1; [`CollapseError::TooNarrow`] when the width is less
/// than K - 1.
///
/// ```
/// use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};
/// use solvable_theory::collapse::balanced_entropy_minimum;
/// // K = 2, n = 1, lambda = 1/4: the margin is log(1/lambda - 1) = log 3.
/// let problem = FreeFeatures::uniform(ClassCounts::balanced(2, 1)?, 1, 1, 0.25, Bias::None)?;
/// let minimum = balanced_entropy_minimum(&problem)?;
/// assert!((minimum.margin - 3.0_f64.ln()).abs() <= 1e-15);
/// assert!((minimum.optimality.value - ((4.0_f64 / 3.0).ln() + 0.25 * 3.0_f64.ln())).abs() <= 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn balanced_entropy_minimum(problem: &FreeFeatures) -> Result<BalancedEntropyMinimum, CollapseError> {
    if problem.depth() != 1 {
        let condition = "the minimum is known in closed form for M = 1";
        return Err(CollapseError::Depth { depth: problem.depth(), condition });
    }
    let n = common_size(problem.classes())?;
    let k = problem.classes().classes();
    refuse_narrow(problem, k - 1)?;
    let t = coefficient(problem, n as f64);
    let branch = depth_one(k, t);
    let lambda_ratio = Scaled::new(problem.lambda_h()).over(Scaled::new(problem.lambda_w()[0])).root(2);
    let scale = |ratio: Scaled, length: f64| {
        if branch.margin == 0.0 {
            Ok(0.0)
        } else {
            ratio.times(Scaled::new(branch.margin * length)).value("the scale of a Gram matrix")
        }
    };
    let root = (n as f64).sqrt();
    Ok(BalancedEntropyMinimum {
        optimality: certified(branch.value, branch.value, Status::Global),
        margin: branch.margin,
        classifier_scale: scale(lambda_ratio, root)?,
        feature_scale: scale(Scaled::new(1.0).over(lambda_ratio), 1.0 / root)?,
    })
}

fn certified(value: f64, bound: f64, status: Status) -> Optimality {
    Optimality::new(value, bound * (1.0 - VALUE_ROUNDINGS * f64::EPSILON), status)
}

/// `(size Lambda)^(1/L)`.
fn coefficient(problem: &FreeFeatures, size: f64) -> f64 {
    let r = Regularisation::new(problem.lambda_w(), problem.lambda_h());
    r.product.times(Scaled::new(size)).root(r.factors).clamped()
}

fn refuse_narrow(problem: &FreeFeatures, needed: usize) -> Result<(), CollapseError> {
    let width = problem.widths().iter().copied().fold(usize::MAX, usize::min);
    if width < needed { Err(CollapseError::TooNarrow { width, needed }) } else { Ok(()) }
}

/// The simplex at depth one; t is lambda sqrt(n).
fn depth_one(k: usize, t: f64) -> EntropyBranch {
    let others = (k - 1) as f64;
    let total = k as f64;
    // One class: the loss vanishes identically.
    if k == 1 {
        return EntropyBranch { margin: 0.0, value: 0.0 };
    }
    if total * t >= 1.0 {
        return EntropyBranch { margin: 0.0, value: total.ln() };
    }
    let margin =
        if total * t < 0.5 { (-others * t).ln_1p() - t.ln() } else { ((1.0 - total * t) / t).ln_1p() };
    EntropyBranch { margin, value: others * t * margin - (-others * t).ln_1p() }
}

/// The largest minimum over m >= 0 of `log(1 + others e^-m) + (L/2) c m^(2/L)`, or m = 0.
///
/// `psi(m) = (1 - 2/L) log m + log(others/(e^m + others)) - log c` is concave; Newton from the right is monotone.
fn simplex_like(others: f64, factors: usize, c: f64) -> EntropyBranch {
    let zero = EntropyBranch { margin: 0.0, value: (others + 1.0).ln() };
    if others == 0.0 {
        return zero;
    }
    let power = 2.0 / factors as f64;
    let margin = if factors == 2 {
        // e^m = others (1 - c)/c.
        if c * (1.0 + others) >= others { 0.0 } else { ((others * (1.0 - c) - c) / c).ln_1p() }
    } else {
        let gain = others.ln() - c.ln();
        let mut m = 2.0 * gain.max(0.0) + 2.0;
        for _ in 0..200 {
            let tail = others * (-m).exp();
            let psi = (1.0 - power) * m.ln() - m - tail.ln_1p() + gain;
            let slope = (1.0 - power) / m - 1.0 / (1.0 + tail);
            if slope >= 0.0 {
                // Past the top of a concave function that is still negative: no root.
                m = 0.0;
                break;
            }
            let next = m - psi / slope;
            if next <= 0.0 || next.is_nan() {
                m = 0.0;
                break;
            }
            let settled = (next - m).abs() <= 2.0 * f64::EPSILON * m;
            m = next;
            if settled {
                break;
            }
        }
        m
    };
    if margin == 0.0 {
        return zero;
    }
    let value = (others * (-margin).exp()).ln_1p() + c * margin.powf(power) / power;
    if value < zero.value { EntropyBranch { margin, value } } else { zero }
}

/// Which configuration has the smallest known value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntropyGeometry {
    /// All parameters 0.
    Zero,
    /// The simplex: `Z = m (I - J/K) Y`.
    Simplex,
    /// Classes in antipodal pairs: `Z = m (1, -1)'(1, -1)` on each, and a single entry m for an odd class.
    AntipodalPairs,
}

/// Balanced cross-entropy at any depth: the known branches and a proved lower bound (NC-13).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeepEntropyMinimum {
    /// The smallest known value, with the proved lower bound.
    pub optimality: Optimality,
    /// Where it is attained.
    pub geometry: EntropyGeometry,
    /// The simplex branch.
    pub simplex: EntropyBranch,
    /// The pair branch; `None` for K <= 2, where it is the simplex.
    pub pairs: Option<EntropyBranch>,
    /// Whether the value of the simplex branch is proved to be the global minimum: M = 1, K <= 2, or a value of log K
    /// that meets the bound.
    pub simplex_is_global: bool,
}

/// Whether antipodal pairs beat every nonzero simplex at any regularisation: `4 r^L < (2r - 1)^L` with `r = floor(K/2)`,
/// `L = M + 1` (NC-13).
///
/// True for K >= 4 when M >= 3 and for K >= 6 when M = 2. There no nonzero simplex is a global minimiser, which refutes
/// the published statement that every minimiser is one. At equal margin the pairs have the smaller data term
/// (`e^-2m < e^-m`) and, in this range, the smaller penalty.
///
/// # Errors
/// [`CollapseError::Input`] when K or M is 0.
pub fn pairs_always_win(classes: usize, depth: usize) -> Result<bool, CollapseError> {
    solvable_model::InputError::check_count("K", classes)?;
    solvable_model::InputError::check_count("M", depth)?;
    let r = (classes / 2) as f64;
    if classes < 4 {
        // r <= 1: 4 < 1 is false.
        return Ok(false);
    }
    // L log((2r - 1)/r) against log 4; equality needs 4^(1/L) rational, hence L <= 2, where (2r - 1)/r is neither 4 nor 2.
    Ok((depth as f64 + 1.0) * ((r - 1.0) / r).ln_1p() > 4.0_f64.ln())
}

/// The best known minimum of cross-entropy on balanced classes at any depth, with a proved lower bound (NC-13).
///
/// With `c = (n Lambda)^(1/L)`, the simplex branch minimises `log(1 + (K-1) e^-m) + (L/2) c (K-1) m^(2/L)`, the pair branch
/// `log(1 + (K-2) e^-m + e^-2m) + (L/2) c r (2m)^(2/L)` for K = 2r (one more diagonal entry m for K = 2r + 1), each
/// compared with `log K` at 0. For every K, M and bias
///
/// `f* >= min over m of log(1 + (K-1) e^-m) + (L/2) c ((K-1) m)^(2/L)`,
///
/// tight for M = 1 or K = 2. For K >= 3 and M >= 2 the exact global minimum is open: the status then says `BestKnown`. O(1).
///
/// # Errors
/// [`CollapseError::NotBalanced`]; [`CollapseError::TooNarrow`] when a width is less than K - 1.
pub fn deep_entropy_minimum(problem: &FreeFeatures) -> Result<DeepEntropyMinimum, CollapseError> {
    let n = common_size(problem.classes())?;
    let k = problem.classes().classes();
    refuse_narrow(problem, k - 1)?;
    let factors = problem.depth() + 1;
    let c = coefficient(problem, n as f64);
    let others = (k - 1) as f64;
    let simplex = if factors == 2 { depth_one(k, c) } else { simplex_like(others, factors, c * others) };
    let bound = if factors == 2 || k == 1 {
        simplex.value
    } else {
        simplex_like(others, factors, c * others.powf(2.0 / factors as f64)).value
    };
    let pairs = if k >= 3 { Some(pair_branch(k, factors, c)?) } else { None };
    let simplex_is_global = simplex.value <= bound;
    let zero = (k as f64).ln();
    let (value, geometry) = match pairs {
        Some(p) if p.value < simplex.value => (p.value, EntropyGeometry::AntipodalPairs),
        _ if simplex.margin > 0.0 => (simplex.value, EntropyGeometry::Simplex),
        _ => (zero, EntropyGeometry::Zero),
    };
    let status = if simplex_is_global { Status::Global } else { Status::BestKnown };
    Ok(DeepEntropyMinimum {
        optimality: certified(value, bound, status),
        geometry,
        simplex,
        pairs,
        simplex_is_global,
    })
}

/// Data term of the pairs and minus its derivative.
fn pair_data(k: usize, m: f64) -> (f64, f64) {
    let total = k as f64;
    let e = (-m).exp();
    let tail = (total - 2.0) * e + e * e;
    let (paired, slope) = (tail.ln_1p(), ((total - 2.0) * e + 2.0 * e * e) / (1.0 + tail));
    if k.is_multiple_of(2) {
        return (paired, slope);
    }
    let single = (total - 1.0) * e;
    let mean = |a: f64, b: f64| ((total - 1.0) * a + b) / total;
    (mean(paired, single.ln_1p()), mean(slope, single / (1.0 + single)))
}

fn pair_branch(k: usize, factors: usize, c: f64) -> Result<EntropyBranch, CollapseError> {
    let power = 2.0 / factors as f64;
    let zero = EntropyBranch { margin: 0.0, value: (k as f64).ln() };
    let coefficient = c * ((k / 2) as f64 * 2.0_f64.powf(power) + (k % 2) as f64);
    let psi = |m: f64| (1.0 - power) * m.ln() + pair_data(k, m).1.ln() - coefficient.ln();
    // -D' <= K e^-m, so that psi is negative here.
    let top = 2.0 * ((k as f64).ln() - coefficient.ln()).max(0.0) + 2.0;
    let (mut high, mut low) = (top, top);
    let mut bracketed = false;
    for _ in 0..2000 {
        low = 0.98 * high;
        if psi(low) >= 0.0 {
            bracketed = true;
            break;
        }
        high = low;
    }
    if !bracketed {
        return Ok(zero);
    }
    let margin = match itp(psi, low, high, 0.0) {
        Ok(root) => root.x,
        // The scan found the sign change; only a NaN could hide it.
        Err(_) => return Err(CollapseError::NotRepresentable { quantity: "the margin of the pairs" }),
    };
    let value = pair_data(k, margin).0 + coefficient * margin.powf(power) / power;
    Ok(if value < zero.value { EntropyBranch { margin, value } } else { zero })
}

/// The global minimum of cross-entropy on two classes, any depth: imbalanced without bias, or balanced (NC-13).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TwoClassEntropyMinimum {
    /// The global minimum.
    pub optimality: Optimality,
    /// The common margin of all samples.
    pub margin: f64,
}

/// The global minimum of cross-entropy on two classes at any depth (NC-13).
///
/// All samples share one margin m and `f* = min log(1 + e^-m) + (L/2) Lambda^(1/L) (m sqrt(N/2))^(2/L)`: the centred
/// logits have rank one and `log(1 + e^(-2 sqrt(t)))` is convex in t. O(1).
///
/// # Errors
/// [`CollapseError::Input`] unless K = 2; [`CollapseError::Bias`] for imbalanced classes with a bias.
pub fn two_class_entropy_minimum(problem: &FreeFeatures) -> Result<TwoClassEntropyMinimum, CollapseError> {
    let counts = problem.classes().counts();
    if counts.len() != 2 {
        return Err(CollapseError::Input(solvable_model::InputError::Count {
            argument: "K".into(),
            value: counts.len() as u64,
            condition: "2: class_counts must have two entries here",
        }));
    }
    if problem.bias() != Bias::None && counts[0] != counts[1] {
        return Err(CollapseError::Bias {
            found: bias_word(problem.bias()),
            needed: "none when class sizes differ",
        });
    }
    let branch =
        simplex_like(1.0, problem.depth() + 1, coefficient(problem, 0.5 * problem.classes().total() as f64));
    Ok(TwoClassEntropyMinimum {
        optimality: certified(branch.value, branch.value, Status::Global),
        margin: branch.margin,
    })
}
