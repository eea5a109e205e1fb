//! A proved lower bound for cross-entropy at depth one from any point (NC-14).
use solvable_linalg::{Mat, singular_values, sum_compensated};
use solvable_model::collapse::{Bias, ClassCounts};

use super::CollapseError;

/// Sweeps of row and column scaling before the rows are corrected exactly.
const SINKHORN_SWEEPS: usize = 40;

/// The dual value of a feasible point near the softmax columns of `(x, b)` (NC-14).
///
/// The dual is `max sum_k n_k/N H(p_k) - |r|^2/(2 lambda_b)` over columns p_k in the simplex with `|G|_op <= lambda`,
/// `G_k = sqrt(n_k)/N (p_k - e_k)`, `r = sum_k n_k/N (p_k - e_k)`; a free bias requires r = 0, no bias drops the term. Here
/// the softmax columns are moved to r = 0 by Sinkhorn scaling and an exact correction where the bias is free, then
/// shrunk towards the vertices until `|G|_op <= lambda`. Every such point is feasible, so the value is a lower bound whatever
/// `(x, b)`; it is tight at the minimiser. Width at least K is assumed by no step: a narrower network has a larger minimum.
/// O(K^3).
pub(super) fn dual_bound(
    classes: &ClassCounts,
    lambda: f64,
    bias: Bias,
    x: &Mat<f64>,
    b: &[f64],
) -> Result<f64, CollapseError> {
    let counts = classes.counts();
    let k = counts.len();
    let total = classes.total() as f64;
    let share: Vec<f64> = counts.iter().map(|&n| n as f64 / total).collect();
    // Off-diagonal probabilities; the own one is 1 minus their sum, kept as that sum.
    let mut p = Mat::zeros(k, k);
    for c in 0..k {
        let scale = 1.0 / (counts[c] as f64).sqrt();
        let z = |j: usize| x[(j, c)] * scale + b[j];
        let top = (0..k).map(z).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = (0..k).map(|j| (z(j) - top).exp()).sum();
        for j in 0..k {
            p[(j, c)] = (z(j) - top).exp() / sum;
        }
    }
    if bias == Bias::Free {
        balance_rows(&mut p, &share);
    }
    // D_k = p_k - e_k, the own entry as minus the sum of the others.
    let mut d = p;
    for c in 0..k {
        let rest: f64 = (0..k).filter(|&j| j != c).map(|j| d[(j, c)]).sum();
        d[(c, c)] = -rest;
    }
    let g = Mat::from_fn(k, k, |j, c| (counts[c] as f64).sqrt() / total * d[(j, c)]);
    let largest = singular_values(g.as_ref())?[0];
    // A rounding more than needed, so that the point is feasible after it too.
    let theta = if largest > lambda { lambda / largest * (1.0 - 8.0 * k as f64 * f64::EPSILON) } else { 1.0 };
    let mut terms = Vec::with_capacity(k * k);
    let mut r = vec![0.0; k];
    for c in 0..k {
        for j in 0..k {
            let q = theta * d[(j, c)];
            r[j] += share[c] * q;
            let entropy = if j == c {
                // -(1 - s) log(1 - s).
                let s = -q;
                if s < 1.0 { -(1.0 - s) * (-s).ln_1p() } else { 0.0 }
            } else if q > 0.0 {
                -q * q.ln()
            } else {
                0.0
            };
            terms.push(share[c] * entropy);
        }
    }
    let penalty = match bias {
        Bias::Regularised(l) => r.iter().map(|v| v * v).sum::<f64>() / (2.0 * l),
        _ => 0.0,
    };
    Ok(sum_compensated(&terms) - penalty)
}

/// Moves columns of the simplex so that row j of `p_jk n_k/N` sums to `n_j/N`, keeping the columns in the simplex.
fn balance_rows(p: &mut Mat<f64>, share: &[f64]) {
    let k = share.len();
    for _ in 0..SINKHORN_SWEEPS {
        for j in 0..k {
            let row: f64 = (0..k).map(|c| p[(j, c)] * share[c]).sum();
            if row > 0.0 {
                (0..k).for_each(|c| p[(j, c)] *= share[j] / row);
            }
        }
        for c in 0..k {
            let column: f64 = (0..k).map(|j| p[(j, c)]).sum();
            if column > 0.0 {
                (0..k).for_each(|j| p[(j, c)] /= column);
            }
        }
    }
    // The defects sum to 0: adding row j's share of its defect to each column keeps the column sums.
    for j in 0..k {
        let row: f64 = (0..k).map(|c| p[(j, c)] * share[c]).sum();
        let defect = share[j] - row;
        (0..k).for_each(|c| p[(j, c)] += defect);
    }
    // The product law p_jk = n_j/N is feasible too: mix until no entry is negative.
    let mut mix = 0.0_f64;
    for c in 0..k {
        for j in 0..k {
            let v = p[(j, c)];
            if v < 0.0 {
                mix = mix.max(-v / (share[j] - v));
            }
        }
    }
    if mix > 0.0 {
        let mix = (mix * (1.0 + 4.0 * f64::EPSILON)).min(1.0);
        for c in 0..k {
            for j in 0..k {
                p[(j, c)] = ((1.0 - mix) * p[(j, c)] + mix * share[j]).max(0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Balanced classes: any small simplex shrinks to the optimal dual point, whose value is the minimum
    /// `f* = (K-1) t m - log(1 - (K-1) t)`, `m = log(1/t - K + 1)`, `t = lambda sqrt(n)`. The margin `8 K eps` of the shrinking,
    /// which the rounding of the norm needs, lowers it by that times lambda times the nuclear norm `(K-1) t m` of the optimum.
    #[test]
    fn the_bound_of_balanced_classes_keeps_its_margin() {
        for (k, n) in [(40, 1), (60, 1), (60, 3)] {
            let (others, total) = ((k - 1) as f64, k as f64);
            let t = 0.4 / total;
            let lambda = t / (n as f64).sqrt();
            let margin = (1.0 / t - others).ln();
            let value = others * t * margin - (-others * t).ln_1p();
            let classes = ClassCounts::balanced(k, n).expect("valid");
            let root = (n as f64).sqrt();
            for share in [0.0, 0.3, 0.6] {
                let x = Mat::from_fn(k, k, |i, j| {
                    share * margin * root * (f64::from(u8::from(i == j)) - 1.0 / total)
                });
                for bias in [Bias::None, Bias::Free, Bias::Regularised(0.1)] {
                    let bound = dual_bound(&classes, lambda, bias, &x, &vec![0.0; k]).expect("certified");
                    let unit = 8.0 * total * f64::EPSILON * others * t * margin;
                    let gap = (value - bound) / unit;
                    assert!((0.5..2.0).contains(&gap), "{k} {n} {share} {bias:?}: {gap}");
                }
            }
        }
    }

    /// Columns in the simplex with balanced rows; a triangular pattern, which scaling balances only in the limit, is mixed with
    /// the product law until its least entry is 0 and no further.
    #[test]
    fn rows_are_balanced_with_the_least_mixing() {
        let share = [0.5, 0.3, 0.2];
        let patterns = [
            ([[0.5, 0.0, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]], true),
            ([[0.2, 0.0, 0.0], [0.4, 0.1, 0.0], [0.4, 0.9, 1.0]], true),
            ([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0.1, 0.2, 0.7]], false),
        ];
        for (pattern, mixed) in patterns {
            let mut p = Mat::from_fn(3, 3, |i, j| pattern[i][j]);
            balance_rows(&mut p, &share);
            let least = (0..9).map(|i| p[(i / 3, i % 3)]).fold(f64::INFINITY, f64::min);
            for i in 0..3 {
                let row: f64 = (0..3).map(|c| p[(i, c)] * share[c]).sum();
                let column: f64 = (0..3).map(|j| p[(j, i)]).sum();
                assert!((row - share[i]).abs() < 1e-15 && (column - 1.0).abs() < 1e-15, "{pattern:?} {i}");
            }
            assert!(if mixed { (0.0..1e-15).contains(&least) } else { least > 0.01 }, "{pattern:?} {least}");
        }
    }
}
