//! Cross-entropy on balanced data: the margin at depth one, the branches and the lower bound at depth.
use solvable_model::InputError;

use super::squared::whole;
use crate::{CertifyError, Interval, enclose_root, newton};

/// A margin with the value of the objective there.
#[derive(Clone, Debug)]
pub struct CertifiedMargin {
    /// The margin m.
    pub margin: Interval,
    /// The objective.
    pub value: Interval,
}

/// Encloses the global minimum of balanced cross-entropy at depth one (NC-12), `lambda^2 = lambda_w lambda_h`.
///
/// # Errors
/// [`CertifyError::Input`] for K < 2, n = 0 or regularisations that are not positive; [`CertifyError::Undecided`] at the threshold
/// `K lambda sqrt(n) = 1`.
pub fn balanced_margin(
    k: u64,
    n: u64,
    lambda_w: f64,
    lambda_h: f64,
) -> Result<CertifiedMargin, CertifyError> {
    let (classes, samples) = sizes(k, n)?;
    InputError::check_positive("lambda_w", lambda_w)?;
    InputError::check_positive("lambda_h", lambda_h)?;
    let one = Interval::one();
    let scale = (Interval::exact(lambda_w)? * Interval::exact(lambda_h)? * samples).sqrt()?;
    let reach = classes.clone() * scale.clone();
    if one.is_below(&reach) || reach == one {
        return Ok(CertifiedMargin { margin: Interval::zero(), value: classes.ln()? });
    }
    if !reach.is_below(&one) {
        return Err(CertifyError::Undecided { left: "K lambda sqrt(n)", right: "1", near: 1.0 });
    }
    let others = classes - one.clone();
    let margin = ((one.clone() / scale.clone())? - others.clone()).ln()?;
    // log(1 + (K-1) e^-m) with e^m + K - 1 = 1/scale.
    let data = -(-(scale.clone() * others.clone())).ln_1p()?;
    let value = data + scale * others * margin.clone();
    Ok(CertifiedMargin { margin, value })
}

/// The simplex branch of deep balanced cross-entropy beside the antipodal pairs, bias-free, all regularisations equal (NC-13).
#[derive(Clone, Debug)]
pub struct Branches {
    /// The best nonzero simplex, if there is one.
    pub simplex: Option<CertifiedMargin>,
    /// `log K`, the value at the origin.
    pub origin: Interval,
    /// A point on the antipodal-pair branch near its minimum: an upper bound of the global minimum.
    pub pairs: CertifiedMargin,
    /// `min(simplex, origin) - pairs`: positive where no simplex is a global minimiser.
    pub refutation: Interval,
    /// Below the objective everywhere: `min_m log(1 + (K-1) e^-m) + (L/2) Lambda^(1/L) ((K-1) m sqrt(n))^(2/L)`; the minimum itself
    /// for K = 2 or M = 1.
    pub lower_bound: Interval,
}

/// Encloses the branches for K classes of n samples at depth M >= 1.
///
/// The simplex value at its largest stationary margin is enclosed (largest because the stationarity function is concave and
/// certified decreasing there); that of the pairs is evaluated at an approximate minimiser, which is enough for an upper bound.
///
/// # Errors
/// [`CertifyError::Input`] for K < 2, n = 0, M = 0 or lambda <= 0; [`CertifyError::NoRoot`] when the root cannot be certified.
pub fn deep_branches(k: u64, n: u64, depth: u32, lambda: f64) -> Result<Branches, CertifyError> {
    let (classes, samples) = sizes(k, n)?;
    InputError::check_count("M", depth as usize)?;
    InputError::check_positive("lambda", lambda)?;
    let problem = Problem { classes, samples, factors: depth + 1, lambda: Interval::exact(lambda)?, k };
    let origin = problem.classes.ln()?;
    let simplex = problem.simplex()?;
    let margin = Interval::exact(problem.best_pair_margin())?;
    let pairs = CertifiedMargin { value: problem.pair_value(&margin)?, margin };
    let best = simplex.as_ref().map_or_else(|| origin.clone(), |s| least(&s.value, &origin));
    let refutation = best - pairs.value.clone();
    let lower_bound = problem.lower_bound()?;
    Ok(Branches { simplex, origin, pairs, refutation, lower_bound })
}

/// The smaller of two numbers.
fn least(a: &Interval, b: &Interval) -> Interval {
    -(-a.clone()).max(&-b.clone())
}

struct Problem {
    classes: Interval,
    samples: Interval,
    /// L = M + 1.
    factors: u32,
    lambda: Interval,
    k: u64,
}

impl Problem {
    fn exponent(&self) -> Result<Interval, CertifyError> {
        Interval::from(2) / Interval::from(i64::from(self.factors))
    }

    /// `(L/2) Lambda^(1/L) (size)^(2/L)`; all regularisations equal lambda, so that Lambda^(1/L) = lambda.
    fn penalty(&self, size: &Interval) -> Result<Interval, CertifyError> {
        if *size == Interval::zero() {
            return Ok(Interval::zero());
        }
        let half = Interval::from(i64::from(self.factors)).scaled(-1);
        Ok(half * self.lambda.clone() * size.pow(&self.exponent()?)?)
    }

    fn simplex_value(&self, m: &Interval) -> Result<Interval, CertifyError> {
        let others = self.classes.clone() - Interval::one();
        let data = (others.clone() * (-m.clone()).exp()?).ln_1p()?;
        Ok(data + others * self.penalty(&(m.clone() * self.samples.sqrt()?))?)
    }

    /// `psi(m) = (1 - 2/L) ln m - ln(e^m + K - 1) - (1/L) ln n - ln lambda`, concave: 0 at stationary margins.
    fn psi(&self, m: &Interval) -> Result<Interval, CertifyError> {
        let fraction = Interval::one() - self.exponent()?;
        let crowd = (m.exp()? + self.classes.clone() - Interval::one()).ln()?;
        let share = (self.samples.ln()? / Interval::from(i64::from(self.factors)))?;
        Ok(fraction * m.ln()? - crowd - share - self.lambda.ln()?)
    }

    fn slope(&self, m: &Interval) -> Result<Interval, CertifyError> {
        let fraction = Interval::one() - self.exponent()?;
        let e = m.exp()?;
        Ok((fraction / m.clone())? - (e.clone() / (e + self.classes.clone() - Interval::one()))?)
    }

    fn simplex(&self) -> Result<Option<CertifiedMargin>, CertifyError> {
        let Some(margin) = self.largest_root(&Interval::zero())? else { return Ok(None) };
        let value = self.simplex_value(&margin)?;
        Ok(Some(CertifiedMargin { margin, value }))
    }

    /// The penalty of the bound is that of a simplex with the factor (K-1) inside the power: psi is shifted by
    /// `(1 - 2/L) ln(K-1)`, and the minimum is at the largest root or at 0.
    fn lower_bound(&self) -> Result<Interval, CertifyError> {
        let origin = self.classes.ln()?;
        let others = self.classes.clone() - Interval::one();
        let shift = (Interval::one() - self.exponent()?) * others.ln()?;
        let Some(m) = self.largest_root(&shift)? else { return Ok(origin) };
        let data = (others.clone() * (-m.clone()).exp()?).ln_1p()?;
        let value = data + self.penalty(&(others * m * self.samples.sqrt()?))?;
        Ok(least(&value, &origin))
    }

    /// The largest margin with `psi + shift = 0`; `None` where psi + shift is certified negative everywhere.
    fn largest_root(&self, shift: &Interval) -> Result<Option<Interval>, CertifyError> {
        let (l, k) = (f64::from(self.factors), self.k as f64);
        let constant = self.samples.midpoint().ln() / l + self.lambda.midpoint().ln() - shift.midpoint();
        let psi = |m: f64| {
            let crowd = if m > 600.0 { m } else { (m.exp() + k - 1.0).ln() };
            (1.0 - 2.0 / l) * m.ln() - crowd - constant
        };
        // Concave with its maximum where (1 - 2/L)/m = e^m/(e^m + K - 1): at most (1 - 2/L)(1 + K).
        let (mut low, mut high) = (1e-300_f64, k + 1.0);
        for _ in 0..200 {
            let m = 0.5 * (low + high);
            let slope = (1.0 - 2.0 / l) / m - 1.0 / (1.0 + (k - 1.0) * (-m).exp());
            if slope > 0.0 { low = m } else { high = m }
        }
        let top = high;
        let at = |m: &Interval| Ok(self.psi(m)? + shift.clone());
        if psi(top) <= 0.0 {
            // Just right of the maximum the tangent falls: psi <= psi(t) + |psi'(t)| t on (0, t], psi <= psi(t) beyond.
            let t = Interval::exact(top * (1.0 + 2f64.powi(-40)))?;
            let slope = self.slope(&t)?;
            let ceiling = at(&t)? + slope.abs() * t;
            if slope.is_negative() && ceiling.is_negative() {
                return Ok(None);
            }
            return Err(CertifyError::Undecided { left: "the stationarity function", right: "0", near: top });
        }
        let (mut low, mut high) = (top, top + 1.0);
        while psi(high) > 0.0 {
            high = 2.0 * high + 1.0;
        }
        for _ in 0..200 {
            let m = 0.5 * (low + high);
            if psi(m) > 0.0 { low = m } else { high = m }
        }
        let root = enclose_root(low, at, None)?.interval()?;
        let margin = newton(root, at, |m| self.slope(m))?;
        if !self.slope(&margin)?.is_negative() {
            let reason = "it could not be shown to be the largest stationary margin";
            return Err(CertifyError::NoRoot { near: low, reason });
        }
        Ok(Some(margin))
    }

    fn pair_value(&self, m: &Interval) -> Result<Interval, CertifyError> {
        let one = Interval::one();
        let twice = m.scaled(1);
        let e = (-m.clone()).exp()?;
        let paired =
            ((self.classes.clone() - Interval::from(2)) * e.clone() + (-twice.clone()).exp()?).ln_1p()?;
        let root = self.samples.sqrt()?;
        let r = Interval::from((self.k / 2) as i64);
        let pairs = r * self.penalty(&(twice * root.clone()))?;
        if self.k.is_multiple_of(2) {
            return Ok(paired + pairs);
        }
        let others = self.classes.clone() - one.clone();
        let alone = (others.clone() * e).ln_1p()?;
        let data = ((others * paired + alone) / self.classes.clone())?;
        Ok(data + pairs + self.penalty(&(m.clone() * root))?)
    }

    /// Golden-section search in doubles over a bracket that holds the best margin: any margin gives an upper bound.
    fn best_pair_margin(&self) -> f64 {
        let value = |m: f64| {
            let l = f64::from(self.factors);
            let (k, n, lambda) = (self.k as f64, self.samples.midpoint(), self.lambda.midpoint());
            let penalty = |size: f64| 0.5 * l * lambda * size.powf(2.0 / l);
            let paired = ((k - 2.0) * (-m).exp() + (-2.0 * m).exp()).ln_1p();
            let r = (self.k / 2) as f64;
            let data = if self.k.is_multiple_of(2) {
                paired
            } else {
                ((k - 1.0) * paired + ((k - 1.0) * (-m).exp()).ln_1p()) / k
            };
            let single = if self.k.is_multiple_of(2) { 0.0 } else { penalty(m * n.sqrt()) };
            data + r * penalty(2.0 * m * n.sqrt()) + single
        };
        // A coarse scan in ratio, then refinement: the function may have two valleys.
        let mut best = (f64::INFINITY, 1.0);
        for i in 0..400 {
            let m = 1e-3 * 1.03_f64.powi(i);
            let v = value(m);
            if v < best.0 {
                best = (v, m);
            }
        }
        let (mut low, mut high) = (best.1 / 1.03, best.1 * 1.03);
        for _ in 0..80 {
            let (a, b) = (low + 0.382 * (high - low), low + 0.618 * (high - low));
            if value(a) < value(b) { high = b } else { low = a }
        }
        0.5 * (low + high)
    }
}

fn sizes(k: u64, n: u64) -> Result<(Interval, Interval), CertifyError> {
    if k < 2 {
        return Err(InputError::Count { argument: "K".into(), value: k, condition: "at least 2" }.into());
    }
    if n == 0 {
        return Err(InputError::Count { argument: "n".into(), value: n, condition: "at least 1" }.into());
    }
    Ok((whole(k), whole(n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_at_depth_one() {
        // K = 2, n = 4, lambda = 1/20: m = ln(10 - 1), value -ln(1 - 1/10) + (1/10) ln 9.
        let best = balanced_margin(2, 4, 0.05, 0.05).expect("decided");
        assert!((best.margin.midpoint() - 9f64.ln()).abs() < 1e-14);
        assert!((best.value.midpoint() - (-(0.9f64).ln() + 0.1 * 9f64.ln())).abs() < 1e-15);
        assert_eq!(balanced_margin(2, 4, 1.0, 1.0).expect("decided").margin, Interval::zero());
        assert!(balanced_margin(1, 4, 1.0, 1.0).is_err() && balanced_margin(2, 0, 1.0, 1.0).is_err());
        assert!(balanced_margin(2, 4, 0.0, 1.0).is_err());
    }

    /// The refutation holds exactly in the published range: r 2^(2/L) < 2r - 1, r 2^(2/L) + 1 < 2r for odd K.
    #[test]
    fn pairs_beat_the_simplex_where_they_must() {
        for (k, depth) in [(4, 3), (5, 3), (6, 2), (7, 2), (10, 4)] {
            for lambda in [1e-6, 1e-4, 1e-3] {
                let b = deep_branches(k, 3, depth, lambda).expect("certified");
                assert!(b.simplex.is_some() && b.refutation.is_positive(), "{k} {depth} {lambda}");
            }
        }
        // Depth one: the simplex is global, so nothing lies below it.
        for k in [2, 4, 6] {
            let b = deep_branches(k, 3, 1, 1e-3).expect("certified");
            assert!(!b.refutation.is_positive(), "{k}");
            let margin = balanced_margin(k, 3, 1e-3, 1e-3).expect("decided");
            let simplex = b.simplex.expect("alive");
            assert!(simplex.value.intersection(&margin.value).is_some());
        }
    }

    /// Reference numbers of the specification: K, n, M, lambda, bound.
    #[test]
    fn lower_bounds_lie_below_both_branches() {
        for (k, n, depth, lambda, bound) in [
            (2, 3, 3, 0.01, 0.065515490133711),
            (3, 2, 2, 0.001, 0.012596836046356),
            (4, 2, 3, 0.001, 0.012612882724811),
            (4, 2, 2, 0.01, 0.13436043004121),
            (6, 2, 2, 0.005, 0.10334532937568),
            (10, 5, 2, 2f64.powi(-10), 0.046306512777538),
        ] {
            let b = deep_branches(k, n, depth, lambda).expect("certified");
            assert!((b.lower_bound.midpoint() / bound - 1.0).abs() < 1e-13, "{} {bound}", b.lower_bound);
            assert!(b.lower_bound.width() < 1e-40);
            let simplex = b.simplex.expect("alive").value;
            assert!(b.lower_bound.is_below(&b.pairs.value));
            // Tight for two classes.
            assert_eq!(b.lower_bound.is_below(&simplex), k > 2);
        }
    }

    #[test]
    fn large_regularisation_leaves_the_origin() {
        let b = deep_branches(4, 2, 3, 1.0).expect("certified");
        assert!(b.simplex.is_none() && (b.origin.midpoint() - 4f64.ln()).abs() < 1e-15);
    }

    /// The value on the pair branch as the specification writes it, and no margin of a grid does better.
    #[test]
    fn pairs_have_the_value_of_their_formula_and_the_best_margin() {
        for (k, n, depth, lambda) in [
            (3, 2, 2, 0.003),
            (4, 3, 3, 0.01),
            (5, 1, 4, 0.02),
            (6, 2, 2, 0.005),
            (9, 4, 3, 1e-4),
            (2, 1, 1, 0.1),
        ] {
            let (l, classes, root) = (f64::from(depth) + 1.0, k as f64, f64::from(n).sqrt());
            let value = |m: f64| {
                let penalty = |size: f64| 0.5 * l * lambda * size.powf(2.0 / l);
                let paired = (1.0 + (classes - 2.0) * (-m).exp() + (-2.0 * m).exp()).ln();
                let whole = (k / 2) as f64 * penalty(2.0 * m * root);
                if k % 2 == 0 {
                    return paired + whole;
                }
                let single = (1.0 + (classes - 1.0) * (-m).exp()).ln();
                ((classes - 1.0) * paired + single) / classes + whole + penalty(m * root)
            };
            let b = deep_branches(k, u64::from(n as u32), depth, lambda).expect("certified").pairs;
            let found = b.value.midpoint();
            assert!((found - value(b.margin.midpoint())).abs() < 1e-14, "{k} {depth}: {found}");
            for i in 1..400 {
                assert!(found <= value(0.05 * f64::from(i)) + 1e-14, "{k} {depth}: {found} at {i}");
            }
        }
    }

    /// A simplex exists up to the largest lambda with `(1 - 2/L) ln m - ln(e^m + K - 1) - (1/L) ln n = ln lambda` for some m:
    /// the left side is greatest where `m (1 + (K-1) e^-m)^-1 = 1 - 2/L`, found here by bisection.
    #[test]
    fn the_simplex_ends_at_its_spinodal() {
        for (k, n, depth) in [(2, 1, 2), (3, 2, 2), (4, 1, 3), (10, 5, 2), (10, 3, 7), (50, 1, 4)] {
            let (l, others) = (f64::from(depth) + 1.0, k as f64 - 1.0);
            let fraction = 1.0 - 2.0 / l;
            let (mut low, mut high) = (1e-9, k as f64);
            for _ in 0..100 {
                let m: f64 = 0.5 * (low + high);
                if m < fraction * (1.0 + others * (-m).exp()) { low = m } else { high = m }
            }
            let edge = (fraction * low.ln() - (low.exp() + others).ln() - f64::ln(n as f64) / l).exp();
            let at = |ratio: f64| deep_branches(k, n, depth, ratio * edge).expect("certified");
            let inside = at(1.0 - 1e-6).simplex.expect("below the end").margin.midpoint();
            // Beyond the top, by about its distance in lambda to the power 1/2.
            assert!(inside > low && inside < low + 0.1 * (1.0 + low), "{k} {depth}: {inside} {low}");
            assert!(at(1.0 + 1e-6).simplex.is_none(), "{k} {depth}");
        }
    }
}
