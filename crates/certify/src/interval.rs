//! Closed intervals with dyadic endpoints of [`PRECISION`] bits, rounded outward.
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::CertifyError;
use crate::dyadic::{Dyadic, Towards};

/// Bits of an endpoint: about 57 decimal digits, so that sums of millions of terms and condition numbers of 1e30 still
/// leave enclosures of a few units in the last place of a double.
pub const PRECISION: usize = 192;

/// A closed interval that certainly contains the exact value it stands for.
///
/// Every operation returns an interval that contains the result for every choice of operands in the given intervals:
/// endpoints are exact integers times powers of two, and what does not fit [`PRECISION`] bits is rounded away from the
/// middle. Nothing depends on the processor's rounding mode or on the platform's mathematical library.
///
/// ```
/// use solvable_certify::Interval;
/// let third = (Interval::from(1) / Interval::from(3))?;
/// let (low, high) = third.bounds();
/// assert!(low < high && high == low.next_up());
/// assert!((third * Interval::from(3)).contains(1.0));
/// # Ok::<(), solvable_certify::CertifyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    low: Dyadic,
    high: Dyadic,
}

impl Interval {
    /// The exact value of a double.
    ///
    /// # Errors
    /// [`CertifyError::NotFinite`] for NaN and infinities.
    pub fn exact(value: f64) -> Result<Self, CertifyError> {
        let point = Dyadic::from_f64(value).ok_or(CertifyError::NotFinite { value })?;
        Ok(Self { low: point.clone(), high: point })
    }

    /// All numbers between two doubles.
    ///
    /// # Errors
    /// [`CertifyError::NotFinite`] for NaN and infinities, [`CertifyError::Empty`] when `low > high`.
    pub fn between(low: f64, high: f64) -> Result<Self, CertifyError> {
        let (a, b) = (Self::exact(low)?, Self::exact(high)?);
        if low > high {
            Err(CertifyError::Empty { low, high })
        } else {
            Ok(Self { low: a.low, high: b.high })
        }
    }

    pub(crate) fn from_ends(low: Dyadic, high: Dyadic) -> Self {
        debug_assert!(low <= high);
        Self { low, high }
    }

    pub(crate) fn low(&self) -> &Dyadic {
        &self.low
    }

    pub(crate) fn high(&self) -> &Dyadic {
        &self.high
    }

    /// Zero.
    #[must_use]
    pub fn zero() -> Self {
        Self::from(0)
    }

    /// One.
    #[must_use]
    pub fn one() -> Self {
        Self::from(1)
    }

    /// The tightest doubles around the interval.
    #[must_use]
    pub fn bounds(&self) -> (f64, f64) {
        (self.low.to_f64(Towards::Below), self.high.to_f64(Towards::Above))
    }

    /// A double in or next to the middle.
    #[must_use]
    pub fn midpoint(&self) -> f64 {
        self.low.add(&self.high, PRECISION, Towards::Below).scaled(-1).to_f64(Towards::Below)
    }

    /// Whether a double lies in the interval.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        Dyadic::from_f64(value).is_some_and(|v| self.low <= v && v <= self.high)
    }

    /// Whether the other interval lies in this one.
    #[must_use]
    pub fn encloses(&self, other: &Self) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// Whether all members are greater than 0.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.low.is_positive()
    }

    /// Whether all members are less than 0.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.high.is_negative()
    }

    /// Whether 0 is a member.
    #[must_use]
    pub fn contains_zero(&self) -> bool {
        !self.is_positive() && !self.is_negative()
    }

    /// Whether every member of this interval is less than every member of the other.
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        self.high < other.low
    }

    /// The largest absolute value.
    #[must_use]
    pub fn magnitude(&self) -> Self {
        let top = self.low.neg().max(self.low.clone()).max(self.high.neg()).max(self.high.clone());
        Self { low: top.clone(), high: top }
    }

    /// `[-m, m]` with m the largest absolute value.
    #[must_use]
    pub fn symmetric(&self) -> Self {
        let top = self.magnitude().high;
        Self { low: top.neg(), high: top }
    }

    /// The smallest interval that contains both.
    #[must_use]
    pub fn hull(&self, other: &Self) -> Self {
        Self { low: self.low.clone().min(other.low.clone()), high: self.high.clone().max(other.high.clone()) }
    }

    /// What both have in common, if anything.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let low = self.low.clone().max(other.low.clone());
        let high = self.high.clone().min(other.high.clone());
        (low <= high).then_some(Self { low, high })
    }

    /// Members at least 0.
    #[must_use]
    pub fn nonnegative(&self) -> Option<Self> {
        self.intersection(&Self { low: Dyadic::zero(), high: self.high.clone().max(Dyadic::zero()) })
    }

    /// The larger of two numbers.
    #[must_use]
    pub fn max(&self, other: &Self) -> Self {
        Self { low: self.low.clone().max(other.low.clone()), high: self.high.clone().max(other.high.clone()) }
    }

    /// The absolute value.
    #[must_use]
    pub fn abs(&self) -> Self {
        if self.is_negative() {
            -self.clone()
        } else if self.is_positive() {
            self.clone()
        } else {
            Self { low: Dyadic::zero(), high: self.magnitude().high }
        }
    }

    /// The square: never negative, unlike the product of an interval with itself.
    #[must_use]
    pub fn square(&self) -> Self {
        let a = self.abs();
        a.clone() * a
    }

    /// An integer power; the zeroth is 1.
    #[must_use]
    pub fn powi(&self, exponent: u32) -> Self {
        // On |x| powers are monotone; odd ones keep the sign.
        if exponent.is_multiple_of(2) || !self.contains_zero() {
            let magnitude = power(&self.abs(), exponent);
            return if self.is_negative() && !exponent.is_multiple_of(2) { -magnitude } else { magnitude };
        }
        let end = |e: &Dyadic| {
            let p = power(&Self { low: e.clone(), high: e.clone() }.abs(), exponent);
            if e.is_negative() { -p } else { p }
        };
        end(&self.low).hull(&end(&self.high))
    }

    /// The square root.
    ///
    /// # Errors
    /// [`CertifyError::Domain`] when a member is negative.
    pub fn sqrt(&self) -> Result<Self, CertifyError> {
        if self.low.is_negative() {
            return Err(self.outside("sqrt", "at least 0"));
        }
        Ok(Self {
            low: self.low.sqrt(PRECISION, Towards::Below),
            high: self.high.sqrt(PRECISION, Towards::Above),
        })
    }

    /// Twice, half, ...: multiplication by a power of two, exact.
    #[must_use]
    pub fn scaled(&self, power: i64) -> Self {
        Self { low: self.low.scaled(power), high: self.high.scaled(power) }
    }

    /// The width, rounded up.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.high.add(&self.low.neg(), PRECISION, Towards::Above).to_f64(Towards::Above)
    }

    /// The interval of one point in the middle, in long arithmetic.
    #[must_use]
    pub fn middle(&self) -> Self {
        let point = self.low.add(&self.high, PRECISION, Towards::Below).scaled(-1);
        Self { low: point.clone(), high: point }
    }

    pub(crate) fn outside(&self, function: &'static str, condition: &'static str) -> CertifyError {
        let (low, high) = self.bounds();
        CertifyError::Domain { function, low, high, condition }
    }

    fn map2(self, other: &Self, f: impl Fn(&Dyadic, &Dyadic, Towards) -> Dyadic) -> Self {
        let pairs = [
            (&self.low, &other.low),
            (&self.low, &other.high),
            (&self.high, &other.low),
            (&self.high, &other.high),
        ];
        let least = |a: Dyadic, b: Dyadic| if b < a { b } else { a };
        let most = |a: Dyadic, b: Dyadic| if b > a { b } else { a };
        let low = pairs.iter().map(|(a, b)| f(a, b, Towards::Below)).reduce(least);
        let high = pairs.iter().map(|(a, b)| f(a, b, Towards::Above)).reduce(most);
        Self { low: low.expect("four pairs"), high: high.expect("four pairs") }
    }
}

/// A power of an interval without negative members, by squaring.
fn power(base: &Interval, mut exponent: u32) -> Interval {
    let mut result = Interval::one();
    let mut square = base.clone();
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = result * square.clone();
        }
        exponent /= 2;
        if exponent > 0 {
            square = square.clone() * square;
        }
    }
    result
}

impl From<i64> for Interval {
    fn from(value: i64) -> Self {
        let point = Dyadic::integer(value);
        Self { low: point.clone(), high: point }
    }
}

impl From<i32> for Interval {
    fn from(value: i32) -> Self {
        Self::from(i64::from(value))
    }
}

impl Neg for Interval {
    type Output = Self;

    fn neg(self) -> Self {
        Self { low: self.high.neg(), high: self.low.neg() }
    }
}

impl Add for Interval {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            low: self.low.add(&other.low, PRECISION, Towards::Below),
            high: self.high.add(&other.high, PRECISION, Towards::Above),
        }
    }
}

impl Sub for Interval {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Interval {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        // Signs decide without comparing products; the general case takes all four.
        if !self.low.is_negative() && !other.low.is_negative() {
            return Self {
                low: self.low.mul(&other.low).round(PRECISION, Towards::Below),
                high: self.high.mul(&other.high).round(PRECISION, Towards::Above),
            };
        }
        self.map2(&other, |a, b, towards| a.mul(b).round(PRECISION, towards))
    }
}

/// A quotient fails when the divisor contains 0.
impl Div for Interval {
    type Output = Result<Self, CertifyError>;

    fn div(self, other: Self) -> Result<Self, CertifyError> {
        if other.contains_zero() {
            return Err(other.outside("division", "away from 0"));
        }
        Ok(self.map2(&other, |a, b, towards| a.div(b, PRECISION, towards)))
    }
}

impl PartialOrd for Interval {
    /// Only intervals without a common member compare; equal points are equal.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        if self.is_below(other) {
            Some(Ordering::Less)
        } else if other.is_below(self) {
            Some(Ordering::Greater)
        } else if self == other && self.low == self.high {
            Some(Ordering::Equal)
        } else {
            None
        }
    }
}

impl fmt::Display for Interval {
    /// `[low, high]` with doubles that enclose.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.bounds();
        write!(f, "[{low:?}, {high:?}]")
    }
}
