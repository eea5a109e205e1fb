//! Dyadic rationals `m 2^e` with exact integers: the endpoints of intervals.
use std::cmp::Ordering;

use dashu::base::{BitTest, DivRemEuclid, Signed, SquareRoot, UnsignedAbs};
use dashu::integer::IBig;

/// Which way a result that does not fit is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Towards {
    /// To a number at most the exact one.
    Below,
    /// To a number at least the exact one.
    Above,
}

/// `mantissa * 2^exponent`, normalised: the mantissa is odd, or zero with exponent zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dyadic {
    mantissa: IBig,
    exponent: i64,
}

impl Dyadic {
    pub(crate) fn zero() -> Self {
        Self { mantissa: IBig::ZERO, exponent: 0 }
    }

    pub(crate) fn integer(value: i64) -> Self {
        Self::new(IBig::from(value), 0)
    }

    fn new(mantissa: IBig, exponent: i64) -> Self {
        match mantissa.trailing_zeros() {
            None => Self::zero(),
            Some(0) => Self { mantissa, exponent },
            Some(zeros) => Self { mantissa: mantissa >> zeros, exponent: exponent + zeros as i64 },
        }
    }

    /// `2^exponent`.
    pub(crate) fn power_of_two(exponent: i64) -> Self {
        Self { mantissa: IBig::ONE, exponent }
    }

    /// The exact value of a finite double.
    pub(crate) fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let bits = value.to_bits();
        let biased = ((bits >> 52) & 0x7ff) as i64;
        let fraction = (bits & ((1 << 52) - 1)) as i64;
        let (magnitude, exponent) =
            if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
        let signed = if value.is_sign_negative() { -magnitude } else { magnitude };
        Some(Self::new(IBig::from(signed), exponent))
    }

    /// The exact value.
    #[cfg(test)]
    pub(crate) fn rational(&self) -> dashu::rational::RBig {
        let power = IBig::ONE << self.exponent.unsigned_abs() as usize;
        let mantissa = dashu::rational::RBig::from(self.mantissa.clone());
        if self.exponent < 0 {
            mantissa / dashu::rational::RBig::from(power)
        } else {
            mantissa * dashu::rational::RBig::from(power)
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.mantissa.is_zero()
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.mantissa.is_negative()
    }

    pub(crate) fn is_positive(&self) -> bool {
        !self.is_zero() && !self.is_negative()
    }

    /// `floor(log2 |x|)` of a nonzero number.
    pub(crate) fn magnitude(&self) -> i64 {
        self.exponent + bits(&self.mantissa) as i64 - 1
    }

    pub(crate) fn neg(&self) -> Self {
        Self { mantissa: -&self.mantissa, exponent: self.exponent }
    }

    /// Exact.
    pub(crate) fn scaled(&self, power: i64) -> Self {
        if self.is_zero() {
            Self::zero()
        } else {
            Self { mantissa: self.mantissa.clone(), exponent: self.exponent + power }
        }
    }

    /// Exact.
    pub(crate) fn mul(&self, other: &Self) -> Self {
        // Odd times odd is odd.
        if self.is_zero() || other.is_zero() {
            return Self::zero();
        }
        Self { mantissa: &self.mantissa * &other.mantissa, exponent: self.exponent + other.exponent }
    }

    /// The sum, rounded: numbers far apart would need long mantissas.
    pub(crate) fn add(&self, other: &Self, precision: usize, towards: Towards) -> Self {
        if self.is_zero() || other.is_zero() {
            let one = if self.is_zero() { other } else { self };
            return one.round(precision, towards);
        }
        let (large, small) =
            if self.magnitude() >= other.magnitude() { (self, other) } else { (other, self) };
        let bottom = large.exponent.min(large.magnitude() - precision as i64) - 2;
        if small.magnitude() < bottom {
            // Only the sign of the small one matters: 2^bottom exceeds it.
            let away = match (towards, small.is_negative()) {
                (Towards::Below, true) => Self::power_of_two(bottom).neg(),
                (Towards::Above, false) => Self::power_of_two(bottom),
                _ => Self::zero(),
            };
            return if away.is_zero() {
                large.round(precision, towards)
            } else {
                Self::sum(large, &away).round(precision, towards)
            };
        }
        Self::sum(large, small).round(precision, towards)
    }

    /// The exact sum.
    fn sum(a: &Self, b: &Self) -> Self {
        let exponent = a.exponent.min(b.exponent);
        let lift = |x: &Self| &x.mantissa << ((x.exponent - exponent) as usize);
        Self::new(lift(a) + lift(b), exponent)
    }

    /// At most `precision` bits, in the stated direction.
    pub(crate) fn round(&self, precision: usize, towards: Towards) -> Self {
        let length = bits(&self.mantissa);
        if length <= precision {
            return self.clone();
        }
        let drop = length - precision;
        // The shift of a signed integer rounds down.
        let floor = &self.mantissa >> drop;
        let mantissa = match towards {
            Towards::Below => floor,
            // A normalised mantissa is odd, so that something was dropped.
            Towards::Above => floor + IBig::ONE,
        };
        Self::new(mantissa, self.exponent + drop as i64)
    }

    /// The quotient, rounded; the divisor must not be zero.
    pub(crate) fn div(&self, other: &Self, precision: usize, towards: Towards) -> Self {
        debug_assert!(!other.is_zero(), "intervals refuse divisors that contain 0");
        if self.is_zero() {
            return Self::zero();
        }
        let (numerator, denominator) = if other.is_negative() {
            (-&self.mantissa, -&other.mantissa)
        } else {
            (self.mantissa.clone(), other.mantissa.clone())
        };
        let shift = (precision + 2 + bits(&denominator)).saturating_sub(bits(&numerator));
        let (floor, rest) = (numerator << shift).div_rem_euclid(denominator);
        let exact = rest.is_zero();
        let quotient = if towards == Towards::Above && !exact { floor + IBig::ONE } else { floor };
        Self::new(quotient, self.exponent - other.exponent - shift as i64).round(precision, towards)
    }

    /// The square root of a number that is not negative, rounded.
    pub(crate) fn sqrt(&self, precision: usize, towards: Towards) -> Self {
        debug_assert!(!self.is_negative(), "intervals refuse roots of negative numbers");
        if self.is_zero() {
            return Self::zero();
        }
        let mut shift = (2 * precision + 4).saturating_sub(bits(&self.mantissa)) as i64;
        // The exponent must be even.
        shift += (self.exponent - shift).rem_euclid(2);
        let scaled = (&self.mantissa << shift as usize).unsigned_abs();
        let floor = scaled.sqrt();
        let exact = &floor * &floor == scaled;
        let root = IBig::from(floor);
        let root = if towards == Towards::Above && !exact { root + IBig::ONE } else { root };
        Self::new(root, (self.exponent - shift) / 2).round(precision, towards)
    }

    /// The nearest double in the stated direction; beyond the largest one, infinity on the outer side.
    pub(crate) fn to_f64(&self, towards: Towards) -> f64 {
        if self.is_zero() {
            return 0.0;
        }
        let magnitude = self.magnitude();
        let up = towards == Towards::Above;
        if magnitude > 1023 {
            return match (self.is_negative(), up) {
                (false, true) => f64::INFINITY,
                (false, false) => f64::MAX,
                (true, true) => f64::MIN,
                (true, false) => f64::NEG_INFINITY,
            };
        }
        // Bits above the last place of a double of this size; none below the smallest subnormal.
        let precision = (magnitude + 1075).clamp(0, 53);
        if precision == 0 {
            return match (self.is_negative(), up) {
                (false, true) => f64::from_bits(1),
                (true, false) => -f64::from_bits(1),
                _ => 0.0,
            };
        }
        let rounded = self.round(precision as usize, towards);
        if rounded.is_zero() {
            return 0.0;
        }
        if rounded.magnitude() > 1023 {
            return if rounded.is_negative() { f64::NEG_INFINITY } else { f64::INFINITY };
        }
        let mantissa = i64::try_from(&rounded.mantissa).expect("at most 53 bits");
        // Exact in two steps: the product fits, and each power of two is a double.
        let exponent = rounded.exponent;
        let half = exponent / 2;
        mantissa as f64 * power(half) * power(exponent - half)
    }
}

impl PartialOrd for Dyadic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Dyadic {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |x: &Self| {
            if x.is_zero() {
                0
            } else if x.is_negative() {
                -1
            } else {
                1
            }
        };
        let (a, b) = (sign(self), sign(other));
        if a != b || a == 0 {
            return a.cmp(&b);
        }
        let by_size = match self.magnitude().cmp(&other.magnitude()) {
            Ordering::Equal => {
                let exponent = self.exponent.min(other.exponent);
                let lift = |x: &Self| (&x.mantissa << ((x.exponent - exponent) as usize)).unsigned_abs();
                lift(self).cmp(&lift(other))
            }
            unequal => unequal,
        };
        if a < 0 { by_size.reverse() } else { by_size }
    }
}

fn bits(mantissa: &IBig) -> usize {
    mantissa.unsigned_abs().bit_len()
}

/// `2^k` for |k| below 1000.
fn power(k: i64) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn doubles_survive_the_round_trip_in_both_directions() {
        let values = [
            1.0,
            -1.5,
            f64::MAX,
            f64::MIN_POSITIVE,
            f64::from_bits(1),
            1e-310,
            -3e300,
            0.1,
            2f64.powi(-1074) * 3.0,
        ];
        for v in values {
            let d = Dyadic::from_f64(v).expect("finite");
            assert_eq!(d.to_f64(Towards::Below), v);
            assert_eq!(d.to_f64(Towards::Above), v);
        }
        assert!(Dyadic::from_f64(f64::NAN).is_none());
    }

    #[test]
    fn rounding_to_doubles_is_outward_and_tight() {
        let third = Dyadic::integer(1).div(&Dyadic::integer(3), 200, Towards::Below);
        let (low, high) = (third.to_f64(Towards::Below), third.to_f64(Towards::Above));
        assert_eq!(high, low.next_up());
        assert!(
            Dyadic::from_f64(low).expect("finite") < third && third < Dyadic::from_f64(high).expect("finite")
        );
        let tiny = Dyadic::power_of_two(-1080);
        assert_eq!((tiny.to_f64(Towards::Below), tiny.to_f64(Towards::Above)), (0.0, f64::from_bits(1)));
        let huge = Dyadic::power_of_two(1024).neg();
        assert_eq!((huge.to_f64(Towards::Below), huge.to_f64(Towards::Above)), (f64::NEG_INFINITY, f64::MIN));
        // Between the largest subnormal's last places.
        let odd = Dyadic { mantissa: IBig::from(5), exponent: -1076 };
        assert_eq!(
            (odd.to_f64(Towards::Below), odd.to_f64(Towards::Above)),
            (f64::from_bits(1), f64::from_bits(2))
        );
    }

    #[test]
    fn sums_of_numbers_far_apart_stay_short_and_on_their_side() {
        let (big, small) = (Dyadic::power_of_two(5000), Dyadic::power_of_two(-5000));
        let below = big.add(&small.neg(), 64, Towards::Below);
        let above = big.add(&small, 64, Towards::Above);
        assert!(below < big && big < above);
        assert!(bits(&below.mantissa) <= 64 && bits(&above.mantissa) <= 64);
        assert_eq!(big.add(&small, 64, Towards::Below), big);
        assert_eq!(big.add(&small.neg(), 64, Towards::Above), big);
    }

    #[test]
    fn roots_and_quotients_enclose_with_the_stated_precision() {
        for n in [2_i64, 3, 5, 7, 1_000_003] {
            let x = Dyadic::integer(n);
            let (low, high) = (x.sqrt(100, Towards::Below), x.sqrt(100, Towards::Above));
            assert!(low.mul(&low) < x && x < high.mul(&high));
            assert!(high.add(&low.neg(), 300, Towards::Above).magnitude() <= low.magnitude() - 98);
        }
        assert_eq!(Dyadic::integer(144).sqrt(50, Towards::Above), Dyadic::integer(12));
        assert_eq!(Dyadic::integer(-21).div(&Dyadic::integer(7), 9, Towards::Above), Dyadic::integer(-3));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        /// Sums, products, quotients and roots against rationals: on the stated side, and no representable number in between.
        #[test]
        fn operations_are_rounded_to_the_neighbour(
            (a, b) in (any::<i64>(), any::<i64>()),
            (cut_a, cut_b) in (0..62_u32, 0..62_u32),
            (i, j) in (-80..80_i64, -80..80_i64),
            precision in 2..100_usize,
        ) {
            let (x, y) = (Dyadic::new(IBig::from(a >> cut_a), i), Dyadic::new(IBig::from(b >> cut_b), j));
            let (p, q) = (x.rational(), y.rational());
            let mut cases = vec![(x.add(&y, precision, Towards::Below), x.add(&y, precision, Towards::Above), &p + &q)];
            if !y.is_zero() {
                cases.push((x.div(&y, precision, Towards::Below), x.div(&y, precision, Towards::Above), &p / &q));
            }
            for (low, high, exact) in cases {
                prop_assert!(low.rational() <= exact && exact <= high.rational());
                prop_assert!(bits(&low.mantissa) <= precision && bits(&high.mantissa) <= precision);
                // Neighbours: equal when the number has so many digits, else one unit of the larger apart.
                let gap = high.rational() - low.rational();
                if gap.is_zero() {
                    continue;
                }
                prop_assert!(low.rational() < exact && exact < high.rational(), "an exact number is kept");
                let top = if low.is_negative() { &low } else { &high };
                let unit = Dyadic::power_of_two(top.magnitude() - precision as i64 + 1);
                prop_assert!(gap <= unit.rational(), "{x:?} {y:?} {precision}: {low:?} {high:?}");
            }
            let square = if x.is_negative() { x.neg() } else { x };
            let (low, high) = (square.sqrt(precision, Towards::Below), square.sqrt(precision, Towards::Above));
            prop_assert!(low.mul(&low) <= square && square <= high.mul(&high));
            let gap = high.rational() - low.rational();
            let unit = Dyadic::power_of_two(high.magnitude() - precision as i64 + 1);
            prop_assert!(gap.is_zero() || gap <= unit.rational() && high.mul(&high) > square, "{square:?}");
        }
    }
}
