//! Positive numbers beyond the range of `f64`.
//!
//! Products of regularisations leave the range of doubles (two of 1e-200 do) while the roots that the formulas need do
//! not. A mantissa with its own exponent keeps every product and root at a rounding or two.
use super::CollapseError;

/// Powers up to this are taken of the mantissa at once: 2^-1000 is a normal double.
const LARGEST_POWER: usize = 1000;

/// `m 2^e` with 1/2 <= m < 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scaled {
    m: f64,
    e: i64,
}

impl Scaled {
    /// A positive finite number.
    pub(super) fn new(value: f64) -> Self {
        Self::normal(value, 0)
    }

    fn normal(m: f64, e: i64) -> Self {
        let (m, shift) = libm::frexp(m);
        Self { m, e: e + i64::from(shift) }
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self::normal(self.m * other.m, self.e + other.e)
    }

    pub(super) fn over(self, other: Self) -> Self {
        Self::normal(self.m / other.m, self.e - other.e)
    }

    /// The k-th root, k >= 1, to about two units in the last place.
    pub(super) fn root(self, k: usize) -> Self {
        let wide = i64::try_from(k).unwrap_or(i64::MAX);
        let (q, r) = (self.e.div_euclid(wide), self.e.rem_euclid(wide));
        match k {
            1 => self,
            2 => Self::normal((self.m * (1 << r) as f64).sqrt(), q),
            // log2 of the remaining factor is at most k in size, so its rounding is at most one after division.
            _ => Self::normal(((self.m.log2() + r as f64) / k as f64).exp2(), q),
        }
    }

    /// The k-th power; the relative error is that of one `powf` up to k = 1000, then k roundings of the logarithm.
    pub(super) fn power(self, k: usize) -> Self {
        let wide = i64::try_from(k).unwrap_or(i64::MAX);
        if k <= LARGEST_POWER {
            return Self::normal(self.m.powf(k as f64), self.e.saturating_mul(wide));
        }
        let log = self.m.log2() * k as f64;
        let whole = log.floor();
        Self::normal((log - whole).exp2(), self.e.saturating_mul(wide).saturating_add(whole as i64))
    }

    /// e^y, the relative error a rounding plus that of y.
    pub(super) fn exp(y: f64) -> Self {
        if y.abs() < 700.0 {
            return Self::new(y.exp());
        }
        let whole = (y / core::f64::consts::LN_2).round();
        Self::normal((y - whole * core::f64::consts::LN_2).exp(), whole as i64)
    }

    /// The natural logarithm.
    pub(super) fn ln(self) -> f64 {
        self.m.ln() + self.e as f64 * core::f64::consts::LN_2
    }

    /// The number as a double: 0 or infinite outside the range.
    pub(super) fn clamped(self) -> f64 {
        if self.e > 1100 {
            f64::INFINITY
        } else if self.e < -1200 {
            0.0
        } else {
            // Within (-1200, 1100).
            libm::ldexp(self.m, self.e as i32)
        }
    }

    /// The number as a normal double.
    ///
    /// # Errors
    /// [`CollapseError::NotRepresentable`] when it overflows or loses digits below the normal range.
    pub(super) fn value(self, quantity: &'static str) -> Result<f64, CollapseError> {
        let value = self.clamped();
        if value.is_normal() { Ok(value) } else { Err(CollapseError::NotRepresentable { quantity }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_and_roots_leave_and_reenter_the_range() {
        for v in [3e-300, 0.7, 2.0, 1e300, 5e-324] {
            for k in [1, 2, 3, 7, 60, 900, 5000] {
                let back = Scaled::new(v)
                    .power(k)
                    .root(k)
                    .value("v")
                    .or_else(|e| if v > 1e-307 { Err(e) } else { Ok(v) });
                let back = back.expect("in range");
                // One rounding of powf (or k of a logarithm), divided by k by the root, which adds three of its own.
                assert!((back / v - 1.0).abs() <= 5.0 * f64::EPSILON, "{v} {k} {back}");
            }
        }
        let tiny = Scaled::new(1e-200);
        assert!(tiny.times(tiny).value("p").is_err());
        assert_eq!(tiny.times(tiny).over(tiny).value("p").expect("in range"), 1e-200);
        assert!((tiny.times(tiny).ln() + 400.0 * 10.0_f64.ln()).abs() <= 1e-12);
        assert_eq!(tiny.power(10).clamped(), 0.0);
        assert_eq!(Scaled::new(1e200).power(10).clamped(), f64::INFINITY);
    }

    /// e^y as the 16th power of e^(y/16), which stays among the doubles.
    #[test]
    fn exponentials_leave_the_range_of_doubles() {
        for y in [0.0_f64, -1.0, 699.0, 701.0, 750.0, -800.0, 1234.5, -2500.0, 5000.0, -9999.0] {
            let part = Scaled::new((y / 16.0).exp());
            let ratio = Scaled::exp(y).over(part.power(16)).clamped();
            // y and its multiple of log 2 are rounded: |y| eps each; the power repeats the error of its base 16 times.
            assert!((ratio - 1.0).abs() <= (4.0 * y.abs() + 64.0) * f64::EPSILON, "{y}: {ratio}");
        }
    }
}
