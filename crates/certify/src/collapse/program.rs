//! Cross-entropy at depth one: the primal value of one point and the dual value of another enclose the minimum (NC-14, NC-15).
use solvable_linalg::{Mat, MatRef, svd};
use solvable_model::InputError;
use solvable_model::collapse::{Bias, FreeFeatures};
use solvable_theory::collapse::{TwoGroups, entropy_program_minimum, reconstruct, two_group_entropy_minimum};

use crate::{CertifyError, Interval, IntervalMatrix, enclose_eigenvalues};

/// A point of the convex program: what theory returns, taken as exact doubles.
struct Point<'a> {
    /// Samples of each class.
    counts: Vec<usize>,
    /// Logits of the class means, without bias.
    logits: MatRef<'a, f64>,
    /// The bias; zeros without.
    bias: &'a [f64],
}

/// Encloses `f* = min sum_k n_k/N loss(X_k/sqrt(n_k) + b, k) + lambda |X|_* + lambda_b |b|^2/2` (NC-14), `lambda^2 = lambda_w lambda_h`.
///
/// Above: the objective at the minimiser that theory returns, its nuclear norm from enclosed eigenvalues of `X X'`. Below: the
/// dual `sum_k n_k/N H(p_k) - |r|^2/(2 lambda_b)` at the softmax columns of that point, moved to `r = 0` where the bias is free and
/// then towards the labels by a factor that certainly makes `|G|_op <= lambda`. Both hold whatever theory returned; how close it came
/// shows in the width. O(K^3) interval operations.
///
/// # Errors
/// [`CertifyError::Theory`] when theory refuses the problem; [`CertifyError::Undecided`] when the columns cannot be moved to `r = 0`
/// inside the simplex.
pub fn entropy_program(problem: &FreeFeatures) -> Result<Interval, CertifyError> {
    let found = entropy_program_minimum(problem).map_err(|e| CertifyError::theory(&e))?;
    let counts = problem.classes().counts().to_vec();
    let lambda = (problem.lambda_w()[0].sqrt()) * problem.lambda_h().sqrt();
    let (logits, b) = polished(&counts, lambda, problem.bias(), &found.x, found.bias)?;
    let point = Point { counts, logits: logits.as_ref(), bias: &b };
    let square = Interval::exact(problem.lambda_w()[0])? * Interval::exact(problem.lambda_h())?;
    point.minimum(&square, problem.bias())
}

/// Steps of the polish.
const STEPS: usize = 4000;

/// More proximal steps from the minimiser of theory, which stops when the value no longer falls: the argument, and with it the dual
/// point, is then known to half the digits only. Accelerated, restarted when the step turns against the momentum; in doubles,
/// since any point will do. Returns class-mean logits and bias.
fn polished(
    counts: &[usize],
    lambda: f64,
    bias: Bias,
    x: &Mat<f64>,
    mut b: Vec<f64>,
) -> Result<(Mat<f64>, Vec<f64>), CertifyError> {
    let k = counts.len();
    let total = counts.iter().sum::<usize>() as f64;
    let root: Vec<f64> = counts.iter().map(|&n| (n as f64).sqrt()).collect();
    let (step, bias_step) =
        if bias.is_trained() { (total, 1.0 / (1.0 + bias.weight())) } else { (2.0 * total, 0.0) };
    let mut x = x.clone();
    let (mut y, mut c) = (x.clone(), b.clone());
    let mut momentum = 1.0_f64;
    for _ in 0..STEPS {
        let mut pull: Vec<f64> = c.iter().map(|v| bias.weight() * v).collect();
        let mut moved = y.clone();
        for col in 0..k {
            let z = |j: usize| y[(j, col)] / root[col] + c[j];
            let top = (0..k).map(z).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = (0..k).map(|j| (z(j) - top).exp()).sum();
            for j in 0..k {
                let miss = (z(j) - top).exp() / sum - f64::from(u8::from(j == col));
                moved[(j, col)] -= step * root[col] / total * miss;
                pull[j] += root[col] * root[col] / total * miss;
            }
        }
        let f = svd(moved.as_ref())?;
        let kept: Vec<f64> = f.s.iter().map(|s| (s - step * lambda).max(0.0)).collect();
        let next =
            Mat::from_fn(k, k, |i, j| (0..k).map(|m| f.u[(i, m)] * kept[m] * f.v[(j, m)]).sum::<f64>());
        let shifted: Vec<f64> = c.iter().zip(&pull).map(|(v, g)| v - bias_step * g).collect();
        let (mut turn, mut change, mut size) = (0.0, 0.0_f64, 0.0_f64);
        for i in 0..k {
            for j in 0..k {
                turn += (y[(i, j)] - next[(i, j)]) * (next[(i, j)] - x[(i, j)]);
                change = change.max((next[(i, j)] - y[(i, j)]).abs());
                size = size.max(next[(i, j)].abs());
            }
            turn += (c[i] - shifted[i]) * (shifted[i] - b[i]);
            change = change.max((shifted[i] - c[i]).abs());
        }
        let grown = if turn > 0.0 { 1.0 } else { 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) };
        let rate = if turn > 0.0 { 0.0 } else { (momentum - 1.0) / grown };
        y = Mat::from_fn(k, k, |i, j| next[(i, j)] + rate * (next[(i, j)] - x[(i, j)]));
        c = shifted.iter().zip(&b).map(|(n, o)| n + rate * (n - o)).collect();
        momentum = grown;
        (x, b) = (next, shifted);
        if change <= f64::EPSILON * size.max(1.0) {
            break;
        }
    }
    Ok((Mat::from_fn(k, k, |i, j| x[(i, j)] / root[j]), b))
}

/// Encloses the minimum for two groups of equally large classes (NC-15): the full program at the reconstructed point.
///
/// # Errors
/// As [`entropy_program`].
pub fn two_group_program(
    groups: &TwoGroups,
    lambda_w: f64,
    lambda_h: f64,
    bias: Bias,
) -> Result<Interval, CertifyError> {
    let found =
        two_group_entropy_minimum(groups, lambda_w, lambda_h, bias).map_err(|e| CertifyError::theory(&e))?;
    let ([k_a, k_b], [n_a, n_b]) = (groups.classes(), groups.sizes());
    InputError::check_dimension("K", k_a.saturating_add(k_b))?;
    let counts = [vec![n_a; k_a], vec![n_b; k_b]].concat();
    let x = reconstruct(groups, found.within, found.between);
    let roots: Vec<f64> = counts.iter().map(|&n| (n as f64).sqrt()).collect();
    let logits = Mat::from_fn(k_a + k_b, k_a + k_b, |i, j| x[(i, j)] / roots[j]);
    // The best split of the difference has weighted sum 0.
    let share = |k: usize| k as f64 / (k_a + k_b) as f64;
    let b = [vec![share(k_b) * found.bias_gap; k_a], vec![-share(k_a) * found.bias_gap; k_b]].concat();
    let square = Interval::exact(lambda_w)? * Interval::exact(lambda_h)?;
    Point { counts, logits: logits.as_ref(), bias: &b }.minimum(&square, bias)
}

impl Point<'_> {
    fn minimum(&self, square: &Interval, bias: Bias) -> Result<Interval, CertifyError> {
        let columns = self.softmax()?;
        let above = self.primal(square, bias, &columns)?;
        let below = self.dual(square, bias, &columns)?;
        // A theorem, unless an input was refused above: the dual never exceeds the primal.
        if above.is_below(&below) {
            return Err(CertifyError::Undecided { left: "primal", right: "dual", near: above.midpoint() });
        }
        Ok(below.hull(&above))
    }

    fn classes(&self) -> usize {
        self.counts.len()
    }

    fn total(&self) -> Interval {
        self.counts.iter().fold(Interval::zero(), |sum, &n| sum + whole(n))
    }

    /// `n_k/N`.
    fn share(&self, k: usize) -> Result<Interval, CertifyError> {
        whole(self.counts[k]) / self.total()
    }

    /// Softmax of each column and its loss: `(p_jk, -log p_kk)`.
    fn softmax(&self) -> Result<Columns, CertifyError> {
        let k = self.classes();
        let mut p = vec![vec![Interval::zero(); k]; k];
        let mut losses = Vec::with_capacity(k);
        for c in 0..k {
            let own = Interval::exact(self.logits[(c, c)])? + Interval::exact(self.bias[c])?;
            let mut odds = Vec::with_capacity(k);
            for j in 0..k {
                let z = Interval::exact(self.logits[(j, c)])? + Interval::exact(self.bias[j])?;
                odds.push((z - own.clone()).exp()?);
            }
            let sum = odds.iter().fold(Interval::zero(), |s, e| s + e.clone());
            let others = (0..k).filter(|&j| j != c).fold(Interval::zero(), |s, j| s + odds[j].clone());
            losses.push(others.ln_1p()?);
            for (j, e) in odds.into_iter().enumerate() {
                p[j][c] = (e / sum.clone())?;
            }
        }
        Ok(Columns { p, losses })
    }

    fn primal(&self, square: &Interval, bias: Bias, columns: &Columns) -> Result<Interval, CertifyError> {
        let k = self.classes();
        let mut value = Interval::zero();
        for c in 0..k {
            value = value + self.share(c)? * columns.losses[c].clone();
        }
        let logits = IntervalMatrix::exact(self.logits)?;
        let weighted = IntervalMatrix::from_fn(k, k, |i, j| logits.get(i, j).clone() * whole(self.counts[j]));
        let gram = weighted.times(&logits.transpose());
        let mut norm = Interval::zero();
        for e in enclose_eigenvalues(&gram)? {
            // A Gram matrix: no eigenvalue is negative.
            norm = norm + e.nonnegative().unwrap_or_else(Interval::zero).sqrt()?;
        }
        value = value + square.sqrt()? * norm;
        if let Bias::Regularised(weight) = bias {
            let mut squares = Interval::zero();
            for &b in self.bias {
                squares = squares + Interval::exact(b)?.square();
            }
            value = value + (Interval::exact(weight)? * squares).scaled(-1);
        }
        Ok(value)
    }

    fn dual(&self, square: &Interval, bias: Bias, columns: &Columns) -> Result<Interval, CertifyError> {
        let k = self.classes();
        let mut p = columns.p.clone();
        if bias == Bias::Free {
            // Adding the defect of the rows to every column repairs the rows; it sums to 0, so columns still sum to 1.
            for j in 0..k {
                let mut defect = self.share(j)?;
                for c in 0..k {
                    defect = defect - p[j][c].clone() * self.share(c)?;
                }
                for c in 0..k {
                    p[j][c] = p[j][c].clone() + defect.clone();
                }
            }
        }
        // p_k - e_k, off the diagonal p itself: the own entry is minus the sum of the others.
        let direction = IntervalMatrix::from_fn(k, k, |j, c| {
            if j != c {
                return p[j][c].clone();
            }
            -(0..k).filter(|&i| i != c).fold(Interval::zero(), |s, i| s + p[i][c].clone())
        });
        // G G' with G_k = sqrt(n_k)/N (p_k - e_k): its largest eigenvalue is |G|_op^2.
        let weighted =
            IntervalMatrix::from_fn(k, k, |j, c| direction.get(j, c).clone() * whole(self.counts[c]));
        let gram = weighted.times(&direction.transpose());
        let largest = enclose_eigenvalues(&gram)?.swap_remove(0);
        let reach = square.clone() * self.total().square();
        // A double at most lambda/|G|_op: the point is feasible for certain.
        let upper = largest.bounds().1;
        let theta =
            if upper > 0.0 { (reach / Interval::exact(upper)?)?.sqrt()?.bounds().0.min(1.0) } else { 1.0 };
        let theta = Interval::exact(theta)?;
        let mut value = Interval::zero();
        let mut defect = vec![Interval::zero(); k];
        for c in 0..k {
            let share = self.share(c)?;
            for j in 0..k {
                let step = theta.clone() * direction.get(j, c).clone();
                let q = if j == c { Interval::one() + step.clone() } else { step.clone() };
                if !q.is_positive() {
                    return Err(CertifyError::Undecided {
                        left: "a probability",
                        right: "0",
                        near: q.midpoint(),
                    });
                }
                let log = if j == c { step.ln_1p()? } else { q.ln()? };
                value = value - share.clone() * q * log;
                defect[j] = defect[j].clone() + share.clone() * step;
            }
        }
        if let Bias::Regularised(weight) = bias {
            let squares = defect.iter().fold(Interval::zero(), |s, r| s + r.square());
            value = value - (squares / Interval::exact(weight)?.scaled(1))?;
        }
        Ok(value)
    }
}

struct Columns {
    p: Vec<Vec<Interval>>,
    losses: Vec<Interval>,
}

fn whole(n: usize) -> Interval {
    Interval::from(i64::try_from(n).unwrap_or(i64::MAX))
}

/// The dual of the squared loss at depth one, `sum_j g_j (tau_j - N g_j/2)` with `g_j = min(tau_j/N, lambda)` (NC-10): a lower
/// bound of the objective at any width, the minimum where no learnable target lies beyond the rank.
///
/// # Errors
/// [`CertifyError::Input`] for regularisations that are not positive and as [`squared_minimum`](super::squared_minimum).
pub fn squared_dual(
    counts: &[u64],
    lambda_w: f64,
    lambda_h: f64,
    free_bias: bool,
) -> Result<Interval, CertifyError> {
    InputError::check_positive("lambda_w", lambda_w)?;
    InputError::check_positive("lambda_h", lambda_h)?;
    let square = Interval::exact(lambda_w)? * Interval::exact(lambda_h)?;
    let lambda = square.sqrt()?;
    let total = counts.iter().fold(Interval::zero(), |s, &n| s + super::squared::whole(n));
    let mut value = Interval::zero();
    for target in super::squared::checked_targets(counts, free_bias)? {
        let dead = (target.clone() / total.scaled(1))?;
        let Some(positive) = target.nonnegative() else { continue };
        let alive = lambda.clone() * positive.sqrt()? - (total.clone() * square.clone()).scaled(-1);
        let edge = total.square() * square.clone();
        // Both branches agree to second order at the edge, so that an undecided mode costs nothing: the hull is tight.
        value = value
            + if target.is_below(&edge) {
                dead
            } else if edge.is_below(&target) {
                alive
            } else {
                dead.hull(&alive)
            };
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collapse::{balanced_margin, squared_minimum};
    use solvable_model::collapse::ClassCounts;

    fn problem(counts: &[usize], lambda_w: f64, lambda_h: f64, bias: Bias) -> FreeFeatures {
        let classes = ClassCounts::new(counts.to_vec()).expect("positive");
        FreeFeatures::new(classes, vec![counts.len()], vec![lambda_w], lambda_h, bias).expect("valid")
    }

    /// Balanced data have a closed form; a free and no bias agree there.
    #[test]
    fn balanced_programs_enclose_the_closed_form() {
        for bias in [Bias::None, Bias::Free, Bias::Regularised(0.3)] {
            let value = entropy_program(&problem(&[5, 5, 5], 0.01, 0.005, bias)).expect("certified");
            let exact = balanced_margin(3, 5, 0.01, 0.005).expect("decided").value;
            assert!(value.encloses(&exact), "{value} {exact}");
            assert!(value.width() < 1e-11 * exact.midpoint(), "{value}");
        }
    }

    /// Reference numbers of the specification (13 digits).
    #[test]
    fn two_groups_enclose_the_reference_numbers() {
        for ((ka, na, kb, nb), (w, h), bias, f) in [
            ((3, 6, 2, 2), (0.01, 0.005), Bias::None, 0.299_890_235_922_6),
            ((3, 6, 2, 2), (0.01, 0.005), Bias::Regularised(0.05), 0.298_366_297_817_4),
            ((2, 10, 3, 1), (0.04, 0.025), Bias::None, 0.849_902_436_666_8),
            ((2, 10, 3, 1), (0.004, 0.01), Bias::Free, 0.216_154_731_181_8),
            ((3, 20, 3, 1), (0.03, 0.03), Bias::None, 1.273_400_899_501),
        ] {
            let groups = TwoGroups::new(ka, na, kb, nb).expect("valid");
            let value = two_group_program(&groups, w, h, bias).expect("certified");
            assert!((value.midpoint() - f).abs() < 1e-12 && value.width() < 1e-11, "{value} {f}");
            // The same minimum by the general program.
            let counts = [vec![na; ka], vec![nb; kb]].concat();
            let general = entropy_program(&problem(&counts, w, h, bias)).expect("certified");
            assert!(general.intersection(&value).is_some(), "{general} {value}");
            assert!(general.width() < 1e-11, "{general}");
        }
    }

    /// A heavy bias weight needs its own step: the polished point of both programs is the same minimum.
    #[test]
    fn heavy_bias_weights_are_polished_too() {
        for weight in [0.9, 1.0, 3.0, 50.0] {
            let bias = Bias::Regularised(weight);
            let groups = TwoGroups::new(2, 6, 1, 2).expect("valid");
            let two = two_group_program(&groups, 0.01, 0.005, bias).expect("certified");
            let general = entropy_program(&problem(&[6, 6, 2], 0.01, 0.005, bias)).expect("certified");
            assert!(
                general.intersection(&two).is_some() && general.width() < 1e-11,
                "{weight}: {general} {two}"
            );
        }
    }

    /// Balanced classes without bias: every small simplex shrinks to the optimal dual point, so that the dual value is the
    /// minimum up to the rounding of one factor; anywhere else it lies below. The primal never does.
    #[test]
    fn duals_bound_from_below_wherever_they_are_taken() {
        let exact = balanced_margin(4, 2, 0.01, 0.005).expect("decided");
        let (minimum, best) = (exact.value.midpoint(), exact.margin.midpoint());
        let square = (Interval::exact(0.01).expect("finite")) * Interval::exact(0.005).expect("finite");
        let bounds = |logits: &Mat<f64>, b: &[f64]| {
            let point = Point { counts: vec![2; 4], logits: logits.as_ref(), bias: b };
            let columns = point.softmax().expect("finite");
            let dual = point.dual(&square, Bias::None, &columns).expect("inside").midpoint();
            (dual, point.primal(&square, Bias::None, &columns).expect("finite").midpoint())
        };
        for share in [0.0, 0.25, 0.9, 1.0, 1.5, 4.0] {
            let simplex = Mat::from_fn(4, 4, |i, j| share * best * (f64::from(u8::from(i == j)) - 0.25));
            let (dual, primal) = bounds(&simplex, &[0.0; 4]);
            if share <= 1.0 {
                assert!((dual / minimum - 1.0).abs() < 1e-14, "{share}: {dual} {minimum}");
            } else {
                assert!(dual < minimum, "{share}");
            }
            assert!(primal >= minimum * (1.0 - 1e-14), "{share}: {primal}");
            let skew = Mat::from_fn(4, 4, |i, j| simplex[(i, j)] + 0.3 * ((3 * i + 5 * j) % 7) as f64);
            let (dual, primal) = bounds(&skew, &[0.4, 0.0, -0.1, 0.2]);
            assert!(dual < minimum && primal > minimum, "{share}: {dual} {primal}");
        }
    }

    #[test]
    fn the_dual_of_the_squared_loss_is_its_minimum() {
        for (counts, lambda, free) in
            [(vec![9, 4, 1], 0.03, false), (vec![5, 5, 5], 0.005, true), (vec![8, 5, 3, 1], 0.02, true)]
        {
            let dual = squared_dual(&counts, lambda, lambda, free).expect("valid");
            let primal = squared_minimum(&counts, &[lambda], lambda, counts.len(), free).expect("decided");
            assert!(dual.intersection(&primal).is_some() && dual.width() < 1e-30, "{dual} {primal}");
        }
        // At the threshold n = N^2 lambda^2 of a class: 4 = 16 / 4.
        assert!(squared_dual(&[4], 0.5, 0.5, false).expect("valid").contains(0.5));
        assert!(squared_dual(&[4], 0.0, 0.5, false).is_err() && squared_dual(&[0], 0.5, 0.5, false).is_err());
    }
}
