//! The squared loss: scalar problem and global minimum.
use solvable_model::InputError;

use crate::{CertifyError, Interval, IntervalMatrix, enclose_eigenvalues, enclose_root, newton};

/// The two thresholds of beta at depth M (NC-03).
#[derive(Clone, Debug)]
pub struct Thresholds {
    /// `(M-1)^((M-1)/M) / M`: beyond, the global minimiser is 0.
    pub beta_c: Interval,
    /// `M ((M-1)/(M+1))^((M-1)/M) ((M+1)/(2M))^2`: beyond, no other local minimiser.
    pub beta_s: Interval,
}

/// Encloses both thresholds at depth M >= 1; both are 1 at depth one.
///
/// # Errors
/// [`CertifyError::Input`] when M is 0.
pub fn thresholds(depth: u32) -> Result<Thresholds, CertifyError> {
    check_depth(depth)?;
    let one = Interval::one();
    if depth == 1 {
        return Ok(Thresholds { beta_c: one.clone(), beta_s: one });
    }
    let m = Interval::from(i64::from(depth));
    let exponent = ((m.clone() - one.clone()) / m.clone())?;
    let beta_c = ((m.clone() - one.clone()).pow(&exponent)? / m.clone())?;
    let ratio = ((m.clone() - one.clone()) / (m.clone() + one.clone()))?;
    let half = ((m.clone() + one) / m.scaled(1))?;
    let beta_s = m * ratio.pow(&exponent)? * half.square();
    Ok(Thresholds { beta_c, beta_s })
}

/// The global minimum of `g(x) = 1/(1 + x^M) + beta x` over x >= 0.
#[derive(Clone, Debug)]
pub struct ScalarMinimum {
    /// The minimiser; 0 beyond the threshold.
    pub x: Interval,
    /// `g(x)`, at most 1.
    pub value: Interval,
}

/// Encloses the scalar minimum (NC-03) for an interval beta.
///
/// Below the threshold x is the only root above `((M-1)/(M+1))^(1/M)` of `beta (1 + x^M)^2 = M x^(M-1)`: bracketed by certified
/// signs, then shrunk by interval Newton steps. At depth one `x = beta^-1/2 - 1`.
///
/// # Errors
/// [`CertifyError::Undecided`] when beta cannot be told from the threshold; [`CertifyError::Input`] for M = 0 or beta <= 0.
pub fn scalar_minimum(depth: u32, beta: &Interval) -> Result<ScalarMinimum, CertifyError> {
    let Thresholds { beta_c, .. } = thresholds(depth)?;
    if !beta.is_positive() {
        InputError::check_positive("beta", beta.midpoint())?;
        return Err(beta.outside("beta", "greater than 0"));
    }
    let one = Interval::one();
    if beta_c.is_below(beta) || (depth == 1 && *beta == one) {
        return Ok(ScalarMinimum { x: Interval::zero(), value: one });
    }
    if !beta.is_below(&beta_c) {
        return Err(CertifyError::Undecided { left: "beta", right: "its threshold", near: beta.midpoint() });
    }
    if depth == 1 {
        let root = beta.sqrt()?;
        let x = ((one.clone() - root.clone()) / root.clone())?;
        return Ok(ScalarMinimum { x, value: root.scaled(1) - beta.clone() });
    }
    let m = Interval::from(i64::from(depth));
    let f = |x: &Interval| -> Result<Interval, CertifyError> {
        let square = (Interval::one() + x.powi(depth)).square();
        Ok(beta.clone() * square - m.clone() * x.powi(depth - 1))
    };
    let slope = |x: &Interval| -> Result<Interval, CertifyError> {
        let outer =
            (beta.clone() * m.clone()).scaled(1) * (Interval::one() + x.powi(depth)) * x.powi(depth - 1);
        let inner = m.clone() * (m.clone() - Interval::one()) * x.powi(depth - 2);
        Ok(outer - inner)
    };
    let near = largest_root(depth, beta.midpoint());
    let point = beta.middle();
    let at_middle = |x: &Interval| -> Result<Interval, CertifyError> {
        let square = (Interval::one() + x.powi(depth)).square();
        Ok(point.clone() * square - m.clone() * x.powi(depth - 1))
    };
    let root = enclose_root(near, at_middle, None)?.interval()?;
    // Room for the width of beta itself: x moves by at most its relative width.
    let spread = (beta.magnitude() - beta.abs().middle()).abs().magnitude();
    let room = (spread / beta.clone())?.magnitude() * root.magnitude();
    let start = root.clone() + room.scaled(1).symmetric();
    let x = newton(start, f, slope)?;
    let edge = ((m.clone() - one.clone()) / (m.clone() + one.clone()))?;
    if !edge.is_below(&x.powi(depth)) {
        return Err(CertifyError::NoRoot { near, reason: "it could not be shown to be the largest root" });
    }
    let value = (one.clone() / (one + x.powi(depth)))? + beta.clone() * x.clone();
    Ok(ScalarMinimum { x, value })
}

/// The largest root in doubles: Newton for `ln M + (M-1) y - 2 ln(1 + e^(M y)) = ln beta`, monotone from the right.
fn largest_root(depth: u32, beta: f64) -> f64 {
    let m = f64::from(depth);
    let mut y = (m.ln() - beta.ln()) / (m + 1.0);
    for _ in 0..100 {
        let soft = if m * y > 700.0 { m * y } else { (m * y).exp().ln_1p() };
        let value = m.ln() + (m - 1.0) * y - 2.0 * soft - beta.ln();
        let slope = (m - 1.0) - 2.0 * m / (1.0 + (-m * y).exp());
        let step = value / slope;
        y -= step;
        if step.abs() < 1e-15 * y.abs().max(1e-3) {
            break;
        }
    }
    y.exp()
}

/// Encloses the global minimum of the squared loss (NC-04).
///
/// `counts` are the samples of each class, `lambda_w` one regularisation a layer, `rank` the smallest width (at least 1),
/// `free_bias` whether an unregularised bias is trained. `f* = sum over the `rank` largest targets of min_x (tau^2/2N) g(x)` plus
/// `tau^2/2N` of the others; targets with a free bias are eigenvalues of `diag(n) - n n'/N`, enclosed.
///
/// # Errors
/// [`CertifyError::Input`] for counts, widths or regularisations that are not positive; [`CertifyError::Undecided`] when a class
/// is at its threshold.
pub fn squared_minimum(
    counts: &[u64],
    lambda_w: &[f64],
    lambda_h: f64,
    rank: usize,
    free_bias: bool,
) -> Result<Interval, CertifyError> {
    let targets = checked_targets(counts, free_bias)?;
    InputError::check_count("widths", rank)?;
    let depth = u32::try_from(lambda_w.len()).unwrap_or(u32::MAX);
    check_depth(depth)?;
    let mut product = Interval::exact(InputError::check_positive("lambda_h", lambda_h)?)?;
    for &lambda in lambda_w {
        product = product * Interval::exact(InputError::check_positive("lambda_w", lambda)?)?;
    }
    let total = counts.iter().fold(Interval::zero(), |sum, &n| sum + whole(n));
    let root = (total.clone() * product).root(depth)?;
    let scale = Interval::from(i64::from(depth)) * total.clone() * root;
    let mut sum = Interval::zero();
    for (j, target) in targets.iter().enumerate() {
        if *target == Interval::zero() {
            continue;
        }
        let value = if j < rank {
            scalar_minimum(depth, &(scale.clone() / target.clone())?)?.value
        } else {
            Interval::one()
        };
        sum = sum + target.clone() * value;
    }
    sum / total.scaled(1)
}

/// Squared targets, largest first, of counts that are all positive.
pub(super) fn checked_targets(counts: &[u64], free_bias: bool) -> Result<Vec<Interval>, CertifyError> {
    InputError::check_count("class_counts", counts.len())?;
    for (index, &count) in counts.iter().enumerate() {
        if count == 0 {
            let argument = solvable_model::Argument::indexed("class_counts", index);
            return Err(InputError::Count { argument, value: 0, condition: "at least 1" }.into());
        }
    }
    squared_targets(counts, free_bias)
}

fn squared_targets(counts: &[u64], free_bias: bool) -> Result<Vec<Interval>, CertifyError> {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    if !free_bias {
        return Ok(sorted.into_iter().map(whole).collect());
    }
    let k = sorted.len();
    if sorted[0] == sorted[k - 1] {
        let last = k - 1;
        return Ok((0..k).map(|j| if j < last { whole(sorted[0]) } else { Interval::zero() }).collect());
    }
    let total = sorted.iter().fold(Interval::zero(), |sum, &n| sum + whole(n));
    let mut entries = Vec::with_capacity(k * k);
    for i in 0..k {
        for j in 0..k {
            let diagonal = if i == j { whole(sorted[i]) } else { Interval::zero() };
            entries.push(diagonal - (whole(sorted[i]) * whole(sorted[j]) / total.clone())?);
        }
    }
    let mut values = enclose_eigenvalues(&IntervalMatrix::from_fn(k, k, |i, j| entries[i * k + j].clone()))?;
    // The vector of ones is in the kernel.
    values[k - 1] = Interval::zero();
    Ok(values)
}

pub(super) fn whole(n: u64) -> Interval {
    Interval::from(i64::try_from(n).unwrap_or(i64::MAX))
}

pub(super) fn check_depth(depth: u32) -> Result<(), InputError> {
    InputError::check_count("M", depth as usize).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_at_small_depths() {
        // M = 2: 1/2 and 3 sqrt(3)/8; M = 3: 4^(1/3)/3.
        let two = thresholds(2).expect("valid");
        assert!(two.beta_c.contains(0.5));
        let s = (Interval::from(27).sqrt().expect("positive") / Interval::from(8)).expect("8 is not 0");
        assert!(two.beta_s.intersection(&s).is_some() && two.beta_s.width() < 1e-45);
        let three = thresholds(3).expect("valid");
        assert!((three.beta_c.midpoint() - 4f64.cbrt() / 3.0).abs() < 1e-15);
        assert!(thresholds(0).is_err());
    }

    #[test]
    fn scalar_minima_with_closed_forms() {
        // M = 2: beta (1 + x^2)^2 = 2 x at x = 2 is beta = 4/25, and g = 1/5 + 8/25 = 13/25.
        let beta = (Interval::from(4) / Interval::from(25)).expect("25 is not 0");
        let best = scalar_minimum(2, &beta).expect("alive");
        assert!(best.x.contains(2.0) && best.x.width() < 1e-40);
        let value = (Interval::from(13) / Interval::from(25)).expect("25 is not 0");
        assert!(best.value.intersection(&value).is_some());
        // Depth one: beta = 1/16: x = 3, value 1/2 - 1/16.
        let one = scalar_minimum(1, &Interval::exact(1.0 / 16.0).expect("finite")).expect("alive");
        assert!(one.x.contains(3.0) && one.value.contains(7.0 / 16.0));
        // Tiny beta: x ~ (M/beta)^(1/(M+1)).
        let tiny = scalar_minimum(4, &Interval::exact(1e-120).expect("finite")).expect("alive");
        assert!((tiny.x.midpoint() / (4e120f64).powf(0.2) - 1.0).abs() < 1e-13);
        assert_eq!(scalar_minimum(3, &Interval::one()).expect("dead").x, Interval::zero());
        assert!(matches!(
            scalar_minimum(2, &Interval::exact(0.5).expect("finite")),
            Err(CertifyError::Undecided { .. })
        ));
    }

    #[test]
    fn global_minima_with_closed_forms() {
        // Depth one, bias-free: sum of lambda sqrt(n) - N lambda^2/2 over classes that live, n/(2N) over the others.
        let f = squared_minimum(&[9, 4], &[0.04], 0.01, 2, false).expect("decided");
        // lambda = 0.02, N = 13: both live.
        let expected = 0.02 * (3.0 + 2.0) - 13.0 * 0.0004;
        assert!((f.midpoint() - expected).abs() < 1e-16, "{f}");
        // The bottleneck keeps the larger class.
        let narrow = squared_minimum(&[9, 4], &[0.04], 0.01, 1, false).expect("decided");
        assert!((narrow.midpoint() - (0.06 - 13.0 * 0.0002 + 4.0 / 26.0)).abs() < 1e-15);
        // Balanced with a free bias: one class less.
        let balanced = squared_minimum(&[4, 4, 4], &[0.04], 0.01, 3, true).expect("decided");
        assert!((balanced.midpoint() - 2.0 * (0.02 * 2.0 - 12.0 * 0.0002)).abs() < 1e-16);
        // Two groups: targets 9 (once), 4 (once), K n_A n_B / N = 4 * 36 / 26, 0.
        let groups = squared_minimum(&[9, 9, 4, 4], &[0.0001], 0.0001, 4, true).expect("decided");
        let lambda = 0.0001;
        let expected: f64 = [9.0_f64, 4.0, 144.0 / 26.0]
            .iter()
            .map(|t| lambda * t.sqrt() - 26.0 * lambda * lambda / 2.0)
            .sum();
        assert!((groups.midpoint() - expected).abs() < 1e-15 * 1.0);
        // One class that a free bias fits.
        let one = squared_minimum(&[5], &[0.04], 0.01, 1, true).expect("decided");
        assert!(one.contains(0.0) && one.width() == 0.0, "{one}");
        assert!(squared_minimum(&[3, 0], &[0.1], 0.1, 2, false).is_err());
        assert!(squared_minimum(&[3], &[0.0], 0.1, 2, false).is_err());
        assert!(squared_minimum(&[3], &[], 0.1, 2, false).is_err());
    }

    /// Two sizes, k_A classes of n_A > n_B: `n_A^(k_A - 1), K n_A n_B/N, n_B^(k_B - 1), 0`, any order of the counts.
    #[test]
    fn targets_of_two_groups() {
        for (a, b) in
            [((1, 4), (2, 3)), ((2, 4), (1, 3)), ((3, 7), (1, 1)), ((1, 90), (1, 2)), ((2, 6), (3, 5))]
        {
            let (k, total) = (a.0 + b.0, a.0 * a.1 + b.0 * b.1);
            let middle = (whole(k * a.1 * b.1) / whole(total)).expect("not 0");
            let mut expected: Vec<Interval> = vec![whole(a.1); a.0 as usize - 1];
            expected.push(middle);
            expected.extend(vec![whole(b.1); b.0 as usize - 1]);
            expected.push(Interval::zero());
            let mut counts = vec![b.1; b.0 as usize];
            counts.extend(vec![a.1; a.0 as usize]);
            let found = checked_targets(&counts, true).expect("positive");
            assert_eq!(found.len(), expected.len());
            for (f, e) in found.iter().zip(&expected) {
                assert!(f.intersection(e).is_some() && f.width() < 1e-30, "{a:?} {b:?}: {f} {e}");
            }
        }
    }

    /// Two units in the last place, at depth and extreme regularisation too.
    #[test]
    fn enclosures_are_narrow() {
        for (lambda, depth) in [(1e-3, 1), (1e-3, 3), (1e-60, 2), (1e-12, 6)] {
            let f = squared_minimum(&[50, 20, 7], &vec![lambda; depth], lambda, 3, false).expect("decided");
            let (low, high) = f.bounds();
            assert!(low > 0.0 && high <= low.next_up().next_up(), "{lambda} {depth}: {f}");
        }
    }
}
