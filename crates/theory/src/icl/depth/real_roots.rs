//! All real roots of a polynomial with rational coefficients, by Sturm's theorem in exact arithmetic.
use dashu::base::{Abs, Gcd, Sign};
use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;

/// Real roots of a polynomial, ascending, repeated by multiplicity; each is the double at or just above the root.
///
/// Signs at doubles are exact, so that a returned root is within one unit in the last place of the true one, whatever
/// the conditioning. The second value tells whether all roots are real.
pub(super) fn real_roots(coefficients: &[RBig]) -> (Vec<f64>, bool) {
    let mut p = primitive(coefficients);
    let mut roots = Vec::new();
    let mut all_real = true;
    // Each pass finds the distinct roots; the last element of the Sturm chain is gcd(p, p'), which holds the rest.
    while p.len() > 1 {
        let chain = Chain::new(p);
        let repeated = chain.0.last().map_or(0, |g| g.len() - 1);
        let distinct = chain.0[0].len() - 1 - repeated;
        let found = chain.roots();
        all_real &= found.len() == distinct;
        roots.extend(found);
        p = chain.0.into_iter().next_back().unwrap_or_default();
    }
    roots.sort_by(f64::total_cmp);
    (roots, all_real)
}

/// Integer coefficients without common factor, same signs, leading zeros dropped.
fn primitive(coefficients: &[RBig]) -> Vec<IBig> {
    let mut common = UBig::ONE;
    for c in coefficients {
        let shared = (&common).gcd(c.denominator());
        common = &common / shared * c.denominator();
    }
    let scaled = coefficients.iter().map(|c| c.numerator() * IBig::from(&common / c.denominator())).collect();
    without_content(scaled)
}

fn without_content(mut p: Vec<IBig>) -> Vec<IBig> {
    while p.last().is_some_and(IBig::is_zero) {
        p.pop();
    }
    let mut content = UBig::ZERO;
    for c in p.iter().filter(|c| !c.is_zero()) {
        content = if content.is_zero() { c.clone().into_parts().1 } else { (&content).gcd(c) };
        if content.is_one() {
            return p;
        }
    }
    if content.is_zero() {
        return p;
    }
    let content = IBig::from(content);
    p.iter().map(|c| c / &content).collect()
}

/// Sturm's chain, each element up to a positive factor.
struct Chain(Vec<Vec<IBig>>);

impl Chain {
    fn new(p: Vec<IBig>) -> Self {
        let derivative: Vec<IBig> =
            p.iter().enumerate().skip(1).map(|(i, c)| c * IBig::from(i as u64)).collect();
        let mut chain = vec![p, without_content(derivative)];
        loop {
            let (before, last) = (&chain[chain.len() - 2], &chain[chain.len() - 1]);
            if last.len() <= 1 {
                break;
            }
            let rest = without_content(negative_remainder(before, last));
            if rest.is_empty() {
                break;
            }
            chain.push(rest);
        }
        Self(chain)
    }

    /// Sign changes along the chain at x.
    fn variations(&self, x: f64) -> usize {
        let signs = self.0.iter().map(|p| sign_at(p, x)).filter(|&s| s != 0);
        let (mut count, mut before) = (0, 0);
        for s in signs {
            count += usize::from(before != 0 && s != before);
            before = s;
        }
        count
    }

    fn roots(&self) -> Vec<f64> {
        let bound = cauchy_bound(&self.0[0]);
        let mut found = Vec::new();
        let (low, high) = (self.variations(-bound), self.variations(bound));
        // Intervals (a, b] with their numbers of sign changes; the roots inside number their difference.
        let mut open = vec![(-bound, low, bound, high)];
        while let Some((a, va, b, vb)) = open.pop() {
            let count = va.saturating_sub(vb);
            if count == 0 {
                continue;
            }
            let middle = 0.5 * a + 0.5 * b;
            if middle <= a || middle >= b {
                found.extend(core::iter::repeat_n(b, count));
            } else if count == 1 && sign_at(&self.0[0], a) != 0 {
                found.push(self.bisect(a, b));
            } else {
                let vm = self.variations(middle);
                open.push((a, va, middle, vm));
                open.push((middle, vm, b, vb));
            }
        }
        found
    }

    /// The one root in (a, b], p(a) not 0.
    fn bisect(&self, mut a: f64, mut b: f64) -> f64 {
        let p = &self.0[0];
        let left = sign_at(p, a);
        loop {
            let middle = 0.5 * a + 0.5 * b;
            if middle <= a || middle >= b {
                return b;
            }
            match sign_at(p, middle) {
                0 => return middle,
                s if s == left => a = middle,
                _ => b = middle,
            }
        }
    }
}

/// `-(a mod b)` up to a positive factor.
fn negative_remainder(a: &[IBig], b: &[IBig]) -> Vec<IBig> {
    let lead = b.last().expect("a chain element is not 0");
    let magnitude = lead.clone().abs();
    let mut rest = a.to_vec();
    while rest.len() >= b.len() {
        let top = rest.pop().expect("longer than b");
        if top.is_zero() {
            continue;
        }
        let factor = if lead.sign() == Sign::Positive { top } else { -top };
        let gap = rest.len() + 1 - b.len();
        for (i, c) in rest.iter_mut().enumerate() {
            *c *= &magnitude;
            if i >= gap {
                *c -= &factor * &b[i - gap];
            }
        }
    }
    rest.into_iter().map(|c| -c).collect()
}

/// The sign of p at a double, exactly.
fn sign_at(p: &[IBig], x: f64) -> i32 {
    let (mantissa, exponent) = decode(x);
    let m = IBig::from(mantissa);
    let (m, down) = if exponent >= 0 { (m << exponent as usize, 0) } else { (m, (-exponent) as usize) };
    // sum p_i m^i 2^(down (n - i)).
    let mut sum = IBig::ZERO;
    for (i, c) in p.iter().rev().enumerate() {
        sum = sum * &m + (c << (down * i));
    }
    if sum.is_zero() {
        0
    } else if sum.sign() == Sign::Positive {
        1
    } else {
        -1
    }
}

/// `x = mantissa 2^exponent`, the mantissa odd or 0.
fn decode(x: f64) -> (i64, i32) {
    if x == 0.0 {
        return (0, 0);
    }
    let bits = x.to_bits();
    let biased = ((bits >> 52) & 0x7ff) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (mantissa, exponent) =
        if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    let zeros = mantissa.trailing_zeros();
    let odd = mantissa >> zeros;
    (if x < 0.0 { -odd } else { odd }, exponent + zeros as i32)
}

/// A power of two beyond every root in modulus: 1 + max |p_i / p_n|, rounded up generously.
fn cauchy_bound(p: &[IBig]) -> f64 {
    use dashu::base::BitTest;
    let lead = p.last().map_or(1, BitTest::bit_len) as i32;
    let largest = p.iter().map(BitTest::bit_len).max().unwrap_or(1) as i32;
    2.0_f64.powi((largest - lead + 2).clamp(1, 1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        /// Signs against Horner's rule in rationals, at whole numbers, fractions and subnormal numbers.
        #[test]
        fn signs_are_those_of_the_rational_value(
            p in prop::collection::vec(-50..=50_i64, 1..7),
            whole in -40..=40_i32,
            power in prop::sample::select(vec![0, 1, 5, 60, 900, -1, -2, -30, -700, -1074]),
        ) {
            let p: Vec<IBig> = p.into_iter().map(IBig::from).collect();
            let x = f64::from(whole) * 2.0_f64.powi(power.max(-1000)) * 2.0_f64.powi(power.min(-1000) + 1000);
            let exact = if power >= 0 {
                RBig::from(IBig::from(whole) << power as usize)
            } else {
                RBig::from_parts(IBig::from(whole), UBig::ONE << power.unsigned_abs() as usize)
            };
            let value = p.iter().rev().fold(RBig::ZERO, |sum, c| sum * &exact + RBig::from(c.clone()));
            let expected = value.cmp(&RBig::ZERO) as i32;
            prop_assert_eq!(sign_at(&p, x), expected);
        }
    }
}
