//! The singular values and left singular vectors of the target (NC-02).
use solvable_linalg::Mat;
use solvable_model::InputError;
use solvable_model::collapse::{Bias, ClassCounts};

use super::CollapseError;
use super::error::bias_word;
use crate::roots::increasing_log_newton;

/// The spectral form of the target: `T T' = U diag(tau^2) U'`, largest first.
///
/// Without bias `T = Y`: `tau_k^2 = n_k`, `u_k = e_k`. With a free bias the best bias absorbs the mean, `T = Y P` with
/// `P = I - 11'/N`, and `T T' = D - n n'/N`. Nothing of size N is formed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Targets {
    /// `tau_j^2`, decreasing; a structural zero is exactly 0.
    pub squares: Vec<f64>,
    /// Left singular vectors, one column a target; within a repeated value any orthonormal basis.
    pub vectors: Mat<f64>,
}

impl Targets {
    /// `tau_j`, decreasing.
    #[must_use]
    pub fn singular_values(&self) -> Vec<f64> {
        self.squares.iter().map(|s| s.sqrt()).collect()
    }
}

/// Classes of one size.
struct Group {
    size: usize,
    members: Vec<usize>,
}

/// The targets of class counts without bias or with a free bias (NC-02).
///
/// With a free bias, a size shared by c classes contributes `tau^2 = n_g` c - 1 times (vectors on those classes, summing to
/// 0), and the vector of ones contributes 0. The other squares interlace the distinct sizes; removing the root 0 from
/// the secular equation leaves `sum_g c_g n_g/(n_g - mu) = 0`, one root in each gap. Each root is found as its distance
/// from the nearest size, which is an integer, so that `mu` and every difference `n_i - mu` (hence every vector
/// entry) keep full relative accuracy for any imbalance. O(K G) for the values, O(K^2) memory for the vectors.
///
/// # Errors
/// [`CollapseError::Bias`] for a regularised bias: the target then depends on lambda_b
/// ([`regularised_bias_minimum`](super::regularised_bias_minimum)); [`CollapseError::Input`] when there are more classes than
/// [`LARGEST_DIMENSION`](solvable_model::LARGEST_DIMENSION).
///
/// ```
/// use solvable_model::collapse::{Bias, ClassCounts};
/// use solvable_theory::collapse::targets;
/// // Two groups: n_A^(k_A - 1), K n_A n_B/N, n_B^(k_B - 1), 0.
/// let two = targets(&ClassCounts::new(vec![9, 9, 2, 2, 2])?, Bias::Free)?;
/// let expected = [9.0, 5.0 * 18.0 / 24.0, 2.0, 2.0, 0.0];
/// assert!(two.squares.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 4.0 * f64::EPSILON * b));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn targets(classes: &ClassCounts, bias: Bias) -> Result<Targets, CollapseError> {
    let counts = classes.counts();
    let k = InputError::check_dimension("K", counts.len())?;
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&a, &b| counts[b].cmp(&counts[a]));
    match bias {
        Bias::None => Ok(Targets {
            squares: order.iter().map(|&i| counts[i] as f64).collect(),
            vectors: Mat::from_fn(k, k, |i, j| if order[j] == i { 1.0 } else { 0.0 }),
        }),
        Bias::Free => Ok(free_bias(counts, &order)),
        other => Err(CollapseError::Bias { found: bias_word(other), needed: "none or free" }),
    }
}

fn free_bias(counts: &[usize], order: &[usize]) -> Targets {
    let k = counts.len();
    let mut groups: Vec<Group> = Vec::new();
    for &i in order {
        match groups.last_mut() {
            Some(g) if g.size == counts[i] => g.members.push(i),
            _ => groups.push(Group { size: counts[i], members: vec![i] }),
        }
    }
    let mut squares = Vec::with_capacity(k);
    let mut vectors = Mat::zeros(k, k);
    for (g, group) in groups.iter().enumerate() {
        for c in 1..group.members.len() {
            // Helmert vectors: the first c members against the next one.
            let (c, norm) = (c, ((c * (c + 1)) as f64).sqrt());
            for &i in &group.members[..c] {
                vectors[(i, squares.len())] = 1.0 / norm;
            }
            vectors[(group.members[c], squares.len())] = -(c as f64) / norm;
            squares.push(group.size as f64);
        }
        if g + 1 < groups.len() {
            let (pole, offset) = secular_root(&groups, g);
            // n_i - mu from exact integer differences.
            let gap = |size: usize| difference(size, groups[pole].size) - offset;
            let mut norm = 0.0_f64;
            let column = squares.len();
            // u_i = n_i/(n_i - mu), scaled by the entry at the nearest pole, which may be huge.
            let scale = offset.abs() / groups[pole].size as f64;
            for (i, &n) in counts.iter().enumerate() {
                let u = n as f64 * scale / gap(n);
                vectors[(i, column)] = u;
                norm += u * u;
            }
            let norm = norm.sqrt();
            for i in 0..k {
                vectors[(i, column)] /= norm;
            }
            squares.push(groups[pole].size as f64 + offset);
        }
    }
    let flat = 1.0 / (k as f64).sqrt();
    for i in 0..k {
        vectors[(i, squares.len())] = flat;
    }
    squares.push(0.0);
    Targets { squares, vectors }
}

/// a - b, one rounding.
fn difference(a: usize, b: usize) -> f64 {
    if a >= b { (a - b) as f64 } else { -((b - a) as f64) }
}

/// The root of `f(mu) = sum_h c_h n_h/(n_h - mu)` between sizes g + 1 (below) and g (above), as (pole, mu - n_pole).
///
/// f increases from minus infinity to infinity. The pole is the one nearer to the root, decided by the sign at the middle.
fn secular_root(groups: &[Group], g: usize) -> (usize, f64) {
    let (upper, lower) = (groups[g].size, groups[g + 1].size);
    let width = difference(upper, lower);
    let weight = |h: usize| groups[h].size as f64 * groups[h].members.len() as f64;
    // f and its derivative at mu = n_pole + offset.
    let evaluate = |pole: usize, offset: f64| {
        let (mut value, mut slope) = (0.0, 0.0);
        for (h, group) in groups.iter().enumerate() {
            let d = difference(group.size, groups[pole].size) - offset;
            let term = weight(h) / d;
            value += term;
            slope += term / d;
        }
        (value, slope)
    };
    let below_middle = evaluate(g + 1, 0.5 * width).0 > 0.0;
    let (pole, sign) = if below_middle { (g + 1, 1.0) } else { (g, -1.0) };
    let total: f64 = (0..groups.len()).map(weight).sum();
    // The pole's own term outweighs all others at this distance.
    let low = (0.25 * weight(pole) * width / total).min(0.25 * width);
    let root = increasing_log_newton(
        |distance| {
            let (value, slope) = evaluate(pole, sign * distance);
            // Rounding cannot make the slope vanish: all its terms are positive.
            (sign * value, slope * distance)
        },
        low,
        // A root in the very middle must not lie on the bracket's end, where the iteration would stop short of it.
        0.75 * width,
        low,
    );
    (pole, sign * root)
}
