//! Cross-entropy at depth one on two groups of classes: Newton in at most five variables (NC-15, NC-16).
use solvable_linalg::Mat;
use solvable_model::InputError;
use solvable_model::collapse::Bias;

use super::CollapseError;
use super::entropy_groups_dual::{Blocks, block_dual};
use super::entropy_newton::Groups;
use super::optimality::{Optimality, Status};
use super::range::Scaled;
use super::thresholds::TwoGroups;

/// The minimum for two groups. Margins exclude the bias.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TwoGroupEntropyMinimum {
    /// The minimum of a convex problem, with a dual bound.
    pub optimality: Optimality,
    /// Margins within A and B; 0 where the features coincide, or for a single class.
    pub within: [f64; 2],
    /// Margin of own class against the other group, for samples of A and of B.
    pub across: [f64; 2],
    /// `b_A - b_B`; 0 without bias.
    pub bias_gap: f64,
    /// Coordinates of the rank-one block between the groups.
    pub between: [f64; 2],
    /// Whether the group of smaller classes (at least two of them) has coinciding features.
    pub minority_collapsed: bool,
}

impl TwoGroupEntropyMinimum {
    /// Cosine between the features of two classes of group g (0: A, 1: B): 1 when they coincide; `None` for a single class
    /// or zero features.
    ///
    /// `Hbar'Hbar` is proportional to `D^(-1/2) (X'X)^(1/2) D^(-1/2)`, whose block of the group is
    /// `sqrt(n_g) m_g (I - J/k_g) + v_g^2/|v| J/k_g` up to a factor.
    ///
    /// # Panics
    /// If `g` is neither 0 nor 1.
    #[must_use]
    pub fn feature_cosine(&self, groups: &TwoGroups, g: usize) -> Option<f64> {
        let k = groups.classes()[g] as f64;
        let apart = (groups.sizes()[g] as f64).sqrt() * self.within[g];
        let norm = self.between[0].hypot(self.between[1]);
        let shared = if norm > 0.0 { self.between[g] * (self.between[g] / norm) } else { 0.0 };
        let length = shared + (k - 1.0) * apart;
        (groups.classes()[g] >= 2 && length > 0.0).then(|| (shared - apart) / length)
    }
}

/// m_A, m_B, v_A, v_B, delta.
const VARIABLES: usize = 5;
/// Newton steps.
const LARGEST_STEPS: usize = 300;
type Point = [f64; VARIABLES];

struct Reduced {
    k: [f64; 2],
    share: [f64; 2],
    lambda: f64,
    /// Coefficients of the linear penalty on m.
    linear: [f64; 2],
    /// `q_g = within_g m_g + across_g v_g`.
    within: [f64; 2],
    across: [f64; 2],
    /// Curvature of the penalty on delta.
    delta: f64,
}

struct Derivatives {
    value: f64,
    gradient: Point,
    hessian: [Point; VARIABLES],
}

impl Reduced {
    fn new(groups: &TwoGroups, lambda: f64, bias: Bias) -> Self {
        let k = groups.classes().map(|k| k as f64);
        let n = groups.sizes().map(|n| n as f64);
        let (total, count) = (groups.total() as f64, k[0] + k[1]);
        Self {
            k,
            share: [k[0] * (n[0] / total), k[1] * (n[1] / total)],
            lambda,
            linear: [(k[0] - 1.0) * n[0].sqrt() * lambda, (k[1] - 1.0) * n[1].sqrt() * lambda],
            within: [1.0 - 1.0 / k[0], 1.0 - 1.0 / k[1]],
            across: [(count / (k[1] * n[0])).sqrt() / k[0], (count / (k[0] * n[1])).sqrt() / k[1]],
            delta: bias.weight() * k[0] * k[1] / count,
        }
    }

    fn across_margin(&self, x: &Point, g: usize) -> f64 {
        self.within[g] * x[g] + self.across[g] * x[2 + g]
    }

    /// Value, gradient and Hessian; the norm of v contributes where it is not 0.
    fn evaluate(&self, x: &Point) -> Derivatives {
        let mut value = 0.0;
        let mut gradient = [0.0; VARIABLES];
        let mut hessian = [[0.0; VARIABLES]; VARIABLES];
        for g in 0..2 {
            let sign = if g == 0 { 1.0 } else { -1.0 };
            let (y1, y2) = (x[g], self.across_margin(x, g) + sign * x[4]);
            let (log1, log2) = ((self.k[g] - 1.0).ln() - y1, self.k[1 - g].ln() - y2);
            let top = log1.max(log2).max(0.0);
            let (e1, e2) = ((log1 - top).exp(), (log2 - top).exp());
            let total = (-top).exp() + e1 + e2;
            value += self.share[g] * if top > 0.0 { top + total.ln() } else { (e1 + e2).ln_1p() };
            let (p1, p2) = (e1 / total, e2 / total);
            // Coefficients of y1 and y2 in the variables.
            let mut c1 = [0.0; VARIABLES];
            c1[g] = 1.0;
            let mut c2 = [0.0; VARIABLES];
            c2[g] = self.within[g];
            c2[2 + g] = self.across[g];
            c2[4] = sign;
            let own = (-top).exp() / total;
            for i in 0..VARIABLES {
                gradient[i] -= self.share[g] * (p1 * c1[i] + p2 * c2[i]);
                for j in 0..VARIABLES {
                    // diag(p) - p p' as sums of positive terms: p1 (own + p2), p2 (own + p1), -p1 p2.
                    let curvature = p1 * own * c1[i] * c1[j]
                        + p2 * own * c2[i] * c2[j]
                        + p1 * p2 * (c1[i] - c2[i]) * (c1[j] - c2[j]);
                    hessian[i][j] += self.share[g] * curvature;
                }
            }
            value += self.linear[g] * x[g];
            gradient[g] += self.linear[g];
        }
        let norm = x[2].hypot(x[3]);
        if norm > 0.0 {
            let u = [x[2] / norm, x[3] / norm];
            value += self.lambda * norm;
            for i in 0..2 {
                gradient[2 + i] += self.lambda * u[i];
                for j in 0..2 {
                    // Only the direction across v is curved.
                    let across = [-u[1], u[0]];
                    hessian[2 + i][2 + j] += self.lambda / norm * across[i] * across[j];
                }
            }
        }
        value += 0.5 * self.delta * x[4] * x[4];
        gradient[4] += self.delta * x[4];
        hessian[4][4] += self.delta;
        Derivatives { value, gradient, hessian }
    }

    /// Softmax off the diagonal.
    fn probabilities(&self, x: &Point) -> Blocks {
        let mut point = Blocks { same: vec![0.0; 2], other: Mat::zeros(2, 2) };
        for g in 0..2 {
            let sign = if g == 0 { 1.0 } else { -1.0 };
            let (same, other) = (-x[g], -(self.across_margin(x, g) + sign * x[4]));
            let top = same.max(other).max(0.0);
            let (e1, e2) = ((same - top).exp(), (other - top).exp());
            let total = (-top).exp() + (self.k[g] - 1.0) * e1 + self.k[1 - g] * e2;
            (point.same[g], point.other[(1 - g, g)]) = (e1 / total, e2 / total);
        }
        point
    }

    /// Damped Newton in the active variables; returns the point and the last decrement.
    fn minimise(&self, mut x: Point, active: &[usize]) -> (Point, f64) {
        let mut at = self.evaluate(&x);
        let mut decrement = 0.0;
        for _ in 0..LARGEST_STEPS {
            let Some(step) = newton_step(&at, active) else { break };
            let slope: f64 = active.iter().map(|&i| at.gradient[i] * step[i]).sum();
            decrement = -slope;
            if slope >= 0.0 || slope.is_nan() {
                break;
            }
            let mut length = 1.0;
            let mut moved = false;
            while length > 1e-18 {
                let mut next = x;
                active.iter().for_each(|&i| next[i] += length * step[i]);
                let found = self.evaluate(&next);
                // Near the end the decrease drowns in rounding: a full step is then the better point.
                let terminal = length == 1.0 && decrement <= 1e-11 * at.value;
                if found.value <= at.value + 0.25 * length * slope || terminal {
                    moved = next != x;
                    (x, at) = (next, found);
                    break;
                }
                length *= 0.5;
            }
            if !moved || decrement <= 1e-34 * at.value {
                break;
            }
        }
        (x, decrement)
    }
}

/// Refuses a last Newton decrement above the rounding of the value, or none at all.
fn refuse_unsettled(decrement: f64, value: f64) -> Result<(), CollapseError> {
    let tolerance = 1e-13 * value;
    if decrement > tolerance || decrement.is_nan() {
        return Err(CollapseError::NotConverged {
            iterations: LARGEST_STEPS,
            residual: decrement,
            tolerance,
        });
    }
    Ok(())
}

/// `-H^-1 g` in the active variables, by Cholesky after scaling the diagonal to 1.
fn newton_step(at: &Derivatives, active: &[usize]) -> Option<Point> {
    let n = active.len();
    let mut scale = [1.0; VARIABLES];
    for (a, &i) in active.iter().enumerate() {
        scale[a] = 1.0 / at.hessian[i][i].sqrt();
        if !scale[a].is_finite() {
            return None;
        }
    }
    let mut l = [[0.0; VARIABLES]; VARIABLES];
    for a in 0..n {
        for c in 0..=a {
            let mut sum = at.hessian[active[a]][active[c]] * scale[a] * scale[c];
            for d in 0..c {
                sum -= l[a][d] * l[c][d];
            }
            if a == c {
                // A direction flat to rounding: keep the step bounded, the line search does the rest.
                l[a][a] = sum.max(16.0 * f64::EPSILON).sqrt();
            } else {
                l[a][c] = sum / l[c][c];
            }
        }
    }
    let mut y = [0.0; VARIABLES];
    for a in 0..n {
        let mut sum = -at.gradient[active[a]] * scale[a];
        for d in 0..a {
            sum -= l[a][d] * y[d];
        }
        y[a] = sum / l[a][a];
    }
    for a in (0..n).rev() {
        for d in a + 1..n {
            y[a] -= l[d][a] * y[d];
        }
        y[a] /= l[a][a];
    }
    let mut step = [0.0; VARIABLES];
    for a in 0..n {
        step[active[a]] = y[a] * scale[a];
    }
    Some(step)
}

/// The global minimum of cross-entropy at depth one on two groups of classes (NC-15, NC-16).
///
/// By convexity and symmetry the minimum is block-symmetric: margins `m_A, m_B` within the groups, a rank-one block with
/// coordinates `v_A, v_B` between them, and the bias gap. A group of at least two classes has `m_g = 0` exactly when
/// `sqrt(n_g) <= N lambda`; v = 0 exactly when the gradient there is at most lambda. What remains is smooth and convex:
/// damped Newton, O(1). Width at least K is assumed. The certificate is a feasible point of the dual with the same symmetry,
/// O(1) too, for any number of classes.
///
/// # Errors
/// [`CollapseError::Input`] when a regularisation is not finite and positive or the bias weight is invalid;
/// [`CollapseError::NotConverged`] when Newton stalls before its tolerance.
pub fn two_group_entropy_minimum(
    groups: &TwoGroups,
    lambda_w: f64,
    lambda_h: f64,
    bias: Bias,
) -> Result<TwoGroupEntropyMinimum, CollapseError> {
    InputError::check_positive("lambda_w", lambda_w)?;
    InputError::check_positive("lambda_h", lambda_h)?;
    let bias = if let Bias::Regularised(l) = bias { Bias::regularised(l)? } else { bias };
    let lambda =
        Scaled::new(lambda_w).times(Scaled::new(lambda_h)).root(2).value("sqrt(lambda_w lambda_h)")?;
    let reduced = Reduced::new(groups, lambda, bias);
    let total = groups.total() as f64;
    let n = groups.sizes().map(|n| n as f64);
    let alive = [0, 1].map(|g| groups.classes()[g] >= 2 && n[g].sqrt() > total * lambda);
    let mut active: Vec<usize> = (0..2).filter(|&g| alive[g]).collect();
    if bias.is_trained() {
        active.push(4);
    }
    let mut start = [0.0; VARIABLES];
    for g in 0..2 {
        if alive[g] {
            start[g] = ((1.0 / (lambda * n[g].sqrt()) - groups.count() as f64).max(0.1)).ln_1p();
        }
    }
    let (flat, flat_decrement) = reduced.minimise(start, &active);
    let slope = reduced.evaluate(&flat).gradient;
    let (x, decrement) = if slope[2].hypot(slope[3]) <= lambda {
        (flat, flat_decrement)
    } else {
        active.extend([2, 3]);
        active.sort_unstable();
        let mut from = flat;
        // Own margins against the other group like those within, or a first step down the gradient.
        for g in 0..2 {
            let margin = ((1.0 / (lambda * n[g].sqrt()) - groups.count() as f64).max(0.1)).ln_1p();
            from[2 + g] = ((margin - reduced.within[g] * from[g]) / reduced.across[g]).max(0.0);
        }
        let flat_value = reduced.evaluate(&flat).value;
        let mut length = 1.0;
        while reduced.evaluate(&from).value >= flat_value && length > 1e-300 {
            let norm = slope[2].hypot(slope[3]);
            let reach = length / reduced.across[0].max(reduced.across[1]);
            from = flat;
            from[2] = -reach * slope[2] / norm;
            from[3] = -reach * slope[3] / norm;
            length *= 0.5;
        }
        reduced.minimise(from, &active)
    };
    let value = reduced.evaluate(&x).value;
    refuse_unsettled(decrement, value)?;
    let across = [0, 1].map(|g| reduced.across_margin(&x, g));
    let blocks = Groups { size: n.to_vec(), many: reduced.k.to_vec(), of: Vec::new(), total };
    let bound = block_dual(&blocks, lambda, bias, reduced.probabilities(&x))? * (1.0 - 16.0 * f64::EPSILON);
    let certified = value - bound <= super::entropy_program::CERTIFIED_GAP * value;
    let status = if certified { Status::Global } else { Status::BestKnown };
    let optimality = Optimality::new(value, bound, status);
    let minority = groups.minority();
    Ok(TwoGroupEntropyMinimum {
        optimality,
        within: [x[0], x[1]],
        across,
        bias_gap: x[4],
        between: [x[2], x[3]],
        minority_collapsed: groups.classes()[minority] >= 2 && !alive[minority],
    })
}

/// The matrix `X = Zbar D^(1/2)` of the reduced variables, classes of A first (NC-15).
///
/// `X = sqrt(n_A) m_A (I_A - u_A u_A') + sqrt(n_B) m_B (I_B - u_B u_B') + g (v_A u_A - v_B u_B)'` with u the normalised
/// indicators and `g = (sqrt(k_B) u_A - sqrt(k_A) u_B)/sqrt(K)`. K x K: the one result on two groups that grows with their
/// number of classes.
///
/// # Panics
/// When a matrix of that size cannot be allocated.
#[must_use]
pub fn reconstruct(groups: &TwoGroups, within: [f64; 2], between: [f64; 2]) -> Mat<f64> {
    let [k_a, _] = groups.classes();
    let k = groups.classes().map(|k| k as f64);
    let n = groups.sizes().map(|n| n as f64);
    let count = (k[0] + k[1]).sqrt();
    let left = [(k[1] / k[0]).sqrt() / count, -(k[0] / k[1]).sqrt() / count];
    let right = [between[0] / k[0].sqrt(), -between[1] / k[1].sqrt()];
    let group = |i: usize| usize::from(i >= k_a);
    Mat::from_fn(groups.count(), groups.count(), |i, j| {
        let (gi, gj) = (group(i), group(j));
        let block = if gi == gj {
            n[gi].sqrt() * within[gi] * (f64::from(u8::from(i == j)) - 1.0 / k[gi])
        } else {
            0.0
        };
        block + left[gi] * right[gj]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAMBDA: f64 = 0.013;

    fn cases() -> impl Iterator<Item = (Reduced, Point)> {
        let groups = [(3, 6, 2, 2), (1, 9, 4, 1), (5, 2, 5, 2), (2, 1, 1, 40)];
        let points = [
            [0.4, 1.3, 0.2, 0.7, -0.3],
            [3.0, 0.1, 5.0, 2.5, 1.1],
            [-2.0, 0.0, -1.0, 0.6, 0.0],
            [40.0, 30.0, 0.3, -25.0, -8.0],
        ];
        groups.into_iter().flat_map(move |(k_a, n_a, k_b, n_b)| {
            let groups = TwoGroups::new(k_a, n_a, k_b, n_b).expect("positive");
            let bias = [Bias::None, Bias::Regularised(0.2)];
            bias.into_iter().flat_map(move |b| points.map(|x| (Reduced::new(&groups, LAMBDA, b), x)))
        })
    }

    /// Gradient and Hessian against central differences, whose error is h^2 times a third derivative plus eps/h.
    #[test]
    fn derivatives_are_those_of_the_value() {
        let h = 1e-5;
        for (reduced, x) in cases() {
            let at = reduced.evaluate(&x);
            for i in 0..VARIABLES {
                let (mut up, mut down) = (x, x);
                (up[i], down[i]) = (x[i] + h, x[i] - h);
                let (up, down) = (reduced.evaluate(&up), reduced.evaluate(&down));
                let slope = (up.value - down.value) / (2.0 * h);
                assert!((slope - at.gradient[i]).abs() < 1e-8, "{x:?} {i}: {slope} {}", at.gradient[i]);
                for j in 0..VARIABLES {
                    let bend = (up.gradient[j] - down.gradient[j]) / (2.0 * h);
                    assert!((bend - at.hessian[i][j]).abs() < 1e-8, "{x:?} {i} {j}: {bend}");
                }
            }
        }
    }

    /// `H step = -g` in the active variables, the others stay.
    #[test]
    fn newton_steps_solve_their_system() {
        for (reduced, x) in cases().filter(|(_, x)| x[0].abs() < 10.0) {
            let mut at = reduced.evaluate(&x);
            (0..VARIABLES).for_each(|i| at.hessian[i][i] += 0.1);
            for active in [vec![0, 1, 2, 3, 4], vec![1, 3], vec![4]] {
                let step = newton_step(&at, &active).expect("positive definite");
                for i in 0..VARIABLES {
                    if !active.contains(&i) {
                        assert_eq!(step[i], 0.0);
                        continue;
                    }
                    let image: f64 = (0..VARIABLES).map(|j| at.hessian[i][j] * step[j]).sum();
                    assert!((image + at.gradient[i]).abs() < 1e-13, "{x:?} {i}: {image}");
                }
            }
        }
    }

    #[test]
    fn unsettled_decrements_are_refused() {
        assert!(refuse_unsettled(0.0, 0.5).is_ok() && refuse_unsettled(1e-13, 1.0).is_ok());
        for (decrement, value) in [(1.1e-13, 1.0), (1e-13, 0.5), (f64::INFINITY, 1.0), (f64::NAN, 1.0)] {
            assert!(refuse_unsettled(decrement, value).is_err(), "{decrement} {value}");
        }
    }
}
