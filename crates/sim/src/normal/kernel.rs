//! The transformation of random words into pairs of normal numbers, written for one lane.
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_4, LN_2};

use crate::lanes::{Kernel, Vector};

/// Pairs of a block: words `0..16` of a block give the radii, words `16..32` the angles; numbers `0..16` are the
/// cosines, numbers `16..32` the sines.
pub(super) const PAIRS: usize = 16;

/// Blocks of words into blocks of normal numbers; both lengths are the same multiple of `2 PAIRS`.
pub(super) struct Transform<'a> {
    pub(super) words: &'a [u64],
    pub(super) out: &'a mut [f64],
}

impl Kernel for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let blocks = self.words.as_chunks::<{ 2 * PAIRS }>().0;
        for (words, out) in blocks.iter().zip(self.out.as_chunks_mut::<{ 2 * PAIRS }>().0) {
            for lane in 0..PAIRS {
                let (c, s) = pair(words[lane], words[PAIRS + lane]);
                out[lane] = c;
                out[PAIRS + lane] = s;
            }
        }
    }
}

const ONE: u64 = 1.0_f64.to_bits();
const SIGN: u64 = 1 << 63;

/// Two independent normal numbers from two random words.
#[inline(always)]
pub(super) fn pair(radius: u64, angle: u64) -> (f64, f64) {
    // 2 - [1, 2) is a multiple of 2^-52 in (0, 1], exactly.
    let u = 2.0 - f64::from_bits(radius >> 12 | ONE);
    let r = (-2.0 * ln_unit(u)).sqrt();
    // An angle in the first octant, moved to any octant by a swap and two signs taken from the low bits, which the
    // angle does not use.
    let x = FRAC_PI_4 * (f64::from_bits(angle >> 12 | ONE) - 1.0);
    let (c, s) = cos_sin_octant(x);
    let (c, s) = (c.to_bits(), s.to_bits());
    let swap = (angle & 1).wrapping_neg() & (c ^ s);
    let c = c ^ swap ^ (angle << 62 & SIGN);
    let s = s ^ swap ^ (angle << 61 & SIGN);
    (r * f64::from_bits(c), r * f64::from_bits(s))
}

/// `ln u` for `u` in `[2^-52, 1]`.
///
/// `u = 2^e m` with `m` in `[sqrt(1/2), sqrt(2))`, and `ln m = 2 artanh(t)`, `t = (m - 1)/(m + 1)`, `t^2 < 0.0295`: eleven terms
/// of the series leave a relative remainder below `1e-18`. Near `u = 1` the exponent is 0 and the relative error stays at rounding.
#[inline(always)]
fn ln_unit(u: f64) -> f64 {
    const BIAS: u64 = 1 << 10;
    /// The bits of `2^52`: an integer below `2^52` put in its mantissa is that integer plus `2^52`.
    const SHIFT: u64 = (4_503_599_627_370_496.0_f64).to_bits();
    let bits = u.to_bits();
    // Counting from sqrt(1/2) makes the exponent field change where `m` should wrap around; the bias keeps it positive.
    let above = bits.wrapping_sub(FRAC_1_SQRT_2.to_bits()).wrapping_add(BIAS << 52) >> 52;
    let e = f64::from_bits(above | SHIFT) - (4_503_599_627_370_496.0 + BIAS as f64);
    let m = f64::from_bits(bits.wrapping_sub(above.wrapping_sub(BIAS) << 52));
    let t = (m - 1.0) / (m + 1.0);
    let z = t * t;
    let mut series = 1.0 / 21.0;
    series = series * z + 1.0 / 19.0;
    series = series * z + 1.0 / 17.0;
    series = series * z + 1.0 / 15.0;
    series = series * z + 1.0 / 13.0;
    series = series * z + 1.0 / 11.0;
    series = series * z + 1.0 / 9.0;
    series = series * z + 1.0 / 7.0;
    series = series * z + 1.0 / 5.0;
    series = series * z + 1.0 / 3.0;
    let two_t = 2.0 * t;
    e * LN_2 + (two_t + two_t * (z * series))
}

/// Cosine and sine on `[0, pi/4]` by their series, up to `x^18` and `x^17`: remainders below `1e-18`.
#[inline(always)]
fn cos_sin_octant(x: f64) -> (f64, f64) {
    let z = x * x;
    let mut c = -1.0 / 6_402_373_705_728_000.0;
    c = c * z + 1.0 / 20_922_789_888_000.0;
    c = c * z - 1.0 / 87_178_291_200.0;
    c = c * z + 1.0 / 479_001_600.0;
    c = c * z - 1.0 / 3_628_800.0;
    c = c * z + 1.0 / 40_320.0;
    c = c * z - 1.0 / 720.0;
    c = c * z + 1.0 / 24.0;
    let mut s = 1.0 / 355_687_428_096_000.0;
    s = s * z - 1.0 / 1_307_674_368_000.0;
    s = s * z + 1.0 / 6_227_020_800.0;
    s = s * z - 1.0 / 39_916_800.0;
    s = s * z + 1.0 / 362_880.0;
    s = s * z - 1.0 / 5_040.0;
    s = s * z + 1.0 / 120.0;
    s = s * z - 1.0 / 6.0;
    (1.0 - 0.5 * z + z * z * c, x + x * (z * s))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the system's `ln`, whose error is below one ulp.
    #[test]
    fn logarithm_on_the_unit_interval() {
        let mut worst = 0.0_f64;
        let mut u = 2f64.powi(-52);
        let mut n = 0;
        while u < 1.0 {
            let (ours, exact) = (ln_unit(u), u.ln());
            worst = worst.max((ours - exact).abs() / exact.abs());
            u *= 1.000_37;
            n += 1;
        }
        for k in 0..60 {
            let u = 1.0 - 2f64.powi(-k.min(52)) * (1.0 - f64::from(k) / 60.0);
            if u > 0.0 && u < 1.0 {
                worst = worst.max((ln_unit(u) - u.ln()).abs() / u.ln().abs());
                n += 1;
            }
        }
        // Five roundings in the final sum and the argument, each half an ulp, and one ulp of the reference.
        assert!(worst < 4.0 * f64::EPSILON, "{worst:e} over {n} arguments");
        assert_eq!(ln_unit(1.0), 0.0);
    }

    #[test]
    fn cosine_and_sine_in_the_octant() {
        let mut worst = 0.0_f64;
        for k in 0..=10_000 {
            let x = FRAC_PI_4 * f64::from(k) / 10_000.0;
            let (c, s) = cos_sin_octant(x);
            worst = worst.max((c - x.cos()).abs()).max((s - x.sin()).abs());
        }
        assert!(worst < 2.0 * f64::EPSILON, "{worst:e}");
    }

    /// All eight octants, and the largest radius.
    #[test]
    fn octants_and_extremes() {
        let mut seen = [0; 8];
        for low in 0..8u64 {
            let (c, s) = pair(0x8000_0000_0000_0000, 0x4000_0000_0000_0000 | low);
            let octant = usize::from(c < 0.0) * 4 + usize::from(s < 0.0) * 2 + usize::from(c.abs() < s.abs());
            seen[octant] += 1;
        }
        assert_eq!(seen, [1; 8]);
        let (c, s) = pair(u64::MAX, 0);
        assert!((c - (104.0 * LN_2).sqrt()).abs() < 1e-14 && s == 0.0);
        assert_eq!(pair(0, 0), (0.0, 0.0));
    }
}
