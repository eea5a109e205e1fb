//! Elementary functions of intervals, from Taylor series with proved remainders.
//!
//! All functions are monotone, so that a point at each end decides. At a point they are evaluated in interval arithmetic,
//! rounding included, and the tail of the series is added as an interval:
//!
//! - `exp x = 2^k (exp(r / 2^16))^(2^16)` with `r = x - k ln 2`, |r| < 1: after n terms of the series at y the tail is at
//!   most `2 |y|^n / n!`, since |y| < 1/2 halves the terms at least;
//! - `ln x = e ln 2 + 2 artanh z`, `z = (m - 1)/(m + 1)`, `x = m 2^e`, m in [3/4, 3/2): |z| <= 1/5, and after the term
//!   z^(2n-1)/(2n-1) the tail is at most `|z|^(2n+1) / ((2n+1) (1 - z^2))`;
//! - `exp x - 1` and `ln(1 + x)` for small x by the same two series without the leading 1, with tails relative to x.
use std::sync::OnceLock;

use crate::dyadic::{Dyadic, Towards};
use crate::interval::PRECISION;
use crate::{CertifyError, Interval};

/// Squarings that undo the argument reduction of exp.
const HALVINGS: i64 = 16;

/// Largest |x| that exp takes: beyond, the result is far outside the range of doubles.
const LARGEST_EXPONENT: i64 = 1 << 20;

impl Interval {
    /// `e^x`.
    ///
    /// # Errors
    /// [`CertifyError::Domain`] when |x| may exceed 2^20.
    pub fn exp(&self) -> Result<Self, CertifyError> {
        let limit = Dyadic::integer(LARGEST_EXPONENT);
        if self.magnitude().high() > &limit {
            return Err(self.outside("exp", "at most 2^20 in absolute value"));
        }
        let (low, high) = (exp_point(self.low())?, exp_point(self.high())?);
        Ok(Self::from_ends(low.low().clone(), high.high().clone()))
    }

    /// The natural logarithm.
    ///
    /// # Errors
    /// [`CertifyError::Domain`] when a member is not positive.
    pub fn ln(&self) -> Result<Self, CertifyError> {
        if !self.is_positive() {
            return Err(self.outside("ln", "greater than 0"));
        }
        let (low, high) = (ln_point(self.low())?, ln_point(self.high())?);
        Ok(Self::from_ends(low.low().clone(), high.high().clone()))
    }

    /// `e^x - 1`, to full relative precision near 0.
    ///
    /// # Errors
    /// As [`exp`](Self::exp).
    pub fn exp_m1(&self) -> Result<Self, CertifyError> {
        let (low, high) = (exp_m1_point(self.low())?, exp_m1_point(self.high())?);
        Ok(Self::from_ends(low.low().clone(), high.high().clone()))
    }

    /// `ln(1 + x)`, to full relative precision near 0.
    ///
    /// # Errors
    /// [`CertifyError::Domain`] when a member is not greater than -1.
    pub fn ln_1p(&self) -> Result<Self, CertifyError> {
        if !(self.clone() + Self::one()).is_positive() {
            return Err(self.outside("ln_1p", "greater than -1"));
        }
        let (low, high) = (ln_1p_point(self.low())?, ln_1p_point(self.high())?);
        Ok(Self::from_ends(low.low().clone(), high.high().clone()))
    }

    /// `x^y` for positive x.
    ///
    /// # Errors
    /// [`CertifyError::Domain`] when x may not be positive or the result leaves the range of [`exp`](Self::exp).
    pub fn pow(&self, exponent: &Self) -> Result<Self, CertifyError> {
        (self.ln()? * exponent.clone()).exp()
    }

    /// The n-th root of an interval without negative members, n >= 1.
    ///
    /// # Errors
    /// [`CertifyError::Domain`] when a member is negative or n is 0.
    pub fn root(&self, n: u32) -> Result<Self, CertifyError> {
        if self.low().is_negative() || n == 0 {
            return Err(self.outside("root", "at least 0, with a root of order at least 1"));
        }
        match n {
            1 => return Ok(self.clone()),
            2 => return self.sqrt(),
            _ => {}
        }
        let end = |e: &Dyadic| -> Result<Self, CertifyError> {
            if e.is_zero() {
                return Ok(Self::zero());
            }
            let point = Self::from_ends(e.clone(), e.clone());
            (point.ln()? / Self::from(i64::from(n)))?.exp()
        };
        let (low, high) = (end(self.low())?, end(self.high())?);
        Ok(Self::from_ends(low.low().clone(), high.high().clone()))
    }

    /// `tanh x = t/(t + 2)` with `t = e^(2x) - 1`.
    ///
    /// # Errors
    /// [`CertifyError::Domain`] when |x| may exceed 2^19.
    pub fn tanh(&self) -> Result<Self, CertifyError> {
        // |t + 2| >= 1: both members of the quotient keep their digits.
        let end = |e: &Dyadic| -> Result<Self, CertifyError> {
            let t = exp_m1_point(&e.scaled(1))?;
            t.clone() / (t + Self::from(2))
        };
        let (low, high) = (end(self.low())?, end(self.high())?);
        Ok(Self::from_ends(low.low().clone(), high.high().clone()))
    }

    /// `ln 2`.
    #[must_use]
    pub fn ln_2() -> Self {
        static VALUE: OnceLock<Interval> = OnceLock::new();
        // ln 2 = 2 artanh(1/3).
        VALUE
            .get_or_init(|| {
                let third = (Self::from(1) / Self::from(3)).expect("3 is not 0");
                artanh_series(&third).expect("|1/3| < 1").scaled(1)
            })
            .clone()
    }
}

fn exp_point(x: &Dyadic) -> Result<Interval, CertifyError> {
    let point = Interval::from_ends(x.clone(), x.clone());
    if x.is_zero() {
        return Ok(Interval::one());
    }
    // Any whole k is right; the nearest keeps |r| small.
    let k = (x.to_f64(Towards::Below) / std::f64::consts::LN_2).round() as i64;
    let r = (point - Interval::from(k) * Interval::ln_2()).scaled(-HALVINGS);
    let mut term = Interval::one();
    let mut sum = Interval::one();
    let mut n = 0;
    // |r| < 2^-15: each term gains at least 15 bits.
    let tail = loop {
        n += 1;
        term = (term * r.clone() / Interval::from(n))?;
        let size = term.magnitude();
        if size.high().is_zero() || size.high().magnitude() < -(PRECISION as i64) - HALVINGS - 8 {
            break size.scaled(1);
        }
        sum = sum + term.clone();
    };
    let mut result = sum + tail.symmetric();
    for _ in 0..HALVINGS {
        result = result.clone() * result;
    }
    Ok(result.scaled(k))
}

/// `e^x - 1`: for |x| below 1/4 the series without its leading 1, whose terms fall by 4 at least.
fn exp_m1_point(x: &Dyadic) -> Result<Interval, CertifyError> {
    let point = Interval::from_ends(x.clone(), x.clone());
    if x.is_zero() {
        return Ok(Interval::zero());
    }
    if x.magnitude() >= -2 {
        return Ok(point.exp()? - Interval::one());
    }
    let mut term = point.clone();
    let mut sum = point.clone();
    let mut n = 1;
    loop {
        n += 1;
        term = (term * point.clone() / Interval::from(n))?;
        let size = term.magnitude();
        // Relative to x. The tail is at most twice its first term.
        if size.high().is_zero() || size.high().magnitude() < x.magnitude() - PRECISION as i64 - 8 {
            return Ok(sum + size.scaled(1).symmetric());
        }
        sum = sum + term.clone();
    }
}

/// `ln(1 + x) = 2 artanh(x/(2 + x))` for |x| below 1/4.
fn ln_1p_point(x: &Dyadic) -> Result<Interval, CertifyError> {
    let point = Interval::from_ends(x.clone(), x.clone());
    if x.is_zero() {
        return Ok(Interval::zero());
    }
    if x.magnitude() >= -2 {
        return (point + Interval::one()).ln();
    }
    let z = (point.clone() / (point + Interval::from(2)))?;
    Ok(artanh_series(&z)?.scaled(1))
}

fn ln_point(x: &Dyadic) -> Result<Interval, CertifyError> {
    let mut e = x.magnitude();
    let mut m = x.scaled(-e);
    if m >= Dyadic::integer(3).scaled(-1) {
        m = m.scaled(-1);
        e += 1;
    }
    let m = Interval::from_ends(m.clone(), m);
    let z = ((m.clone() - Interval::one()) / (m + Interval::one()))?;
    Ok(Interval::from(e) * Interval::ln_2() + artanh_series(&z)?.scaled(1))
}

/// `artanh z` for |z| <= 1/3.
fn artanh_series(z: &Interval) -> Result<Interval, CertifyError> {
    let square = z.square();
    let mut power = z.clone();
    let mut sum = Interval::zero();
    let mut odd = 1;
    loop {
        let term = (power.clone() / Interval::from(odd))?;
        let size = term.magnitude();
        // Relative to the leading term z, so that logarithms near 1 keep their digits.
        let small = size.high().is_zero()
            || size.high().magnitude() < z.magnitude().high().magnitude() - PRECISION as i64 - 8;
        if small {
            let tail = (size / (Interval::one() - square))?;
            return Ok(sum + tail.symmetric());
        }
        sum = sum + term;
        power = power * square.clone();
        odd += 2;
    }
}
