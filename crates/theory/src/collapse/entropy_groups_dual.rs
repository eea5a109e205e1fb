//! The dual bound of cross-entropy at depth one for groups of classes of one size (NC-14, NC-15).
use solvable_linalg::{Mat, singular_values, sum_compensated};
use solvable_model::collapse::Bias;

use super::CollapseError;
use super::entropy_newton::Groups;

/// Sweeps of balancing before the last rounding.
const SWEEPS: usize = 60;

/// A block-symmetric dual point: off-diagonal probabilities of one class.
pub(super) struct Blocks {
    /// Of another class of the same group.
    pub(super) same: Vec<f64>,
    /// `other[(i, j)]`: of a class of group i for samples of a class of group j.
    pub(super) other: Mat<f64>,
}

/// The dual value of a block-symmetric point, made feasible first (NC-14); a lower bound whatever the point.
///
/// With `s_j = sqrt(n_j)/N`, the matrix G of the general bound acts on vectors of group j that sum to 0 as
/// `-s_j (k_j same_j + sum_i k_i other_ij)`, and on the normalised indicators as the matrix with entries
/// `s_j sqrt(k_i k_j) other_ij`, its diagonal `-s_j sum_i k_i other_ij`. A free bias requires as many samples of a group to be taken for
/// another as the other way round: rows and columns are balanced by factors `e^(c_i - c_j) <= 1`, which keep all columns in the simplex.
/// Cost O(G^3), whatever the number of classes.
pub(super) fn block_dual(
    groups: &Groups,
    lambda: f64,
    bias: Bias,
    mut point: Blocks,
) -> Result<f64, CollapseError> {
    let g = groups.count();
    let k = &groups.many;
    if bias == Bias::Free {
        balance(groups, &mut point.other);
    }
    let scale: Vec<f64> = groups.size.iter().map(|n| n.sqrt() / groups.total).collect();
    let away: Vec<f64> =
        (0..g).map(|j| (0..g).filter(|&i| i != j).map(|i| k[i] * point.other[(i, j)]).sum()).collect();
    let between = Mat::from_fn(g, g, |i, j| {
        scale[j] * if i == j { -away[j] } else { (k[i] * k[j]).sqrt() * point.other[(i, j)] }
    });
    let mut largest = singular_values(between.as_ref())?[0];
    for j in (0..g).filter(|&j| k[j] >= 2.0) {
        largest = largest.max(scale[j] * (k[j] * point.same[j] + away[j]));
    }
    // A few roundings more than needed, so that the point is feasible after them too.
    let margin = 1.0 - (16.0 + 8.0 * g as f64) * f64::EPSILON;
    let theta = if largest > lambda { lambda / largest * margin } else { 1.0 };
    let entropy = |q: f64| if q > 0.0 { -q * q.ln() } else { 0.0 };
    let mut terms = Vec::new();
    let mut squares = 0.0;
    for j in 0..g {
        let weight = k[j] * groups.share(j);
        // The own probability is 1 - s.
        let s = theta * ((k[j] - 1.0) * point.same[j] + away[j]);
        terms.push(weight * if s < 1.0 { -(1.0 - s) * (-s).ln_1p() } else { 0.0 });
        terms.push(weight * (k[j] - 1.0) * entropy(theta * point.same[j]));
        let mut r = -groups.share(j) * theta * away[j];
        for i in (0..g).filter(|&i| i != j) {
            terms.push(weight * k[i] * entropy(theta * point.other[(i, j)]));
            r += k[i] * groups.share(i) * theta * point.other[(j, i)];
        }
        squares += k[j] * r * r;
    }
    if let Bias::Regularised(l) = bias {
        terms.push(-squares / (2.0 * l));
    }
    Ok(sum_compensated(&terms))
}

/// Scales `other[(i, j)]` by `e^(c_i - c_j)`, all at most 1, until what leaves a group enters it.
fn balance(groups: &Groups, other: &mut Mat<f64>) {
    let g = groups.count();
    let flow = |other: &Mat<f64>, i: usize, j: usize| {
        groups.many[i] * groups.many[j] * groups.share(j) * other[(i, j)]
    };
    let mut factor = vec![1.0_f64; g];
    for _ in 0..SWEEPS {
        for j in 0..g {
            let (mut out, mut into) = (0.0, 0.0);
            for i in (0..g).filter(|&i| i != j) {
                out += flow(other, i, j) * factor[i] / factor[j];
                into += flow(other, j, i) * factor[j] / factor[i];
            }
            if out > 0.0 && into > 0.0 {
                factor[j] *= (out / into).sqrt();
            }
        }
    }
    let mut top = 0.0_f64;
    for j in 0..g {
        for i in (0..g).filter(|&i| i != j) {
            other[(i, j)] *= factor[i] / factor[j];
            top = top.max(factor[i] / factor[j]);
        }
    }
    // One common factor takes all of them below what they were.
    if top > 1.0 {
        for j in 0..g {
            for i in 0..g {
                other[(i, j)] /= top;
            }
        }
    }
}
