//! `exp(-x)` of many numbers at once, the same bits on every instruction set.

/// Beyond this the result is held at its value here, which is below the square of anything that matters.
const LARGEST: f64 = 700.0;
/// `1.5 * 2^52`: adding it rounds to a whole number, which then stands in the low bits.
const SHIFT: f64 = 6_755_399_441_055_744.0;
/// `ln 2` in two parts; the first has trailing zeros, so that its small multiples are exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// `1/n!`, from 13 down: on `|r| <= ln(2)/2` the rest is below 5e-18.
const TAYLOR: [f64; 14] = {
    let mut list = [1.0; 14];
    let (mut n, mut factorial) = (1, 1.0);
    while n < 14 {
        factorial *= n as f64;
        list[13 - n] = 1.0 / factorial;
        n += 1;
    }
    list
};

/// `exp(-x)` for `x >= 0`, to about two ulps of the result.
///
/// `exp(-x) = 2^n e^r` with `n` whole and `|r| <= ln(2)/2`. No branches: a loop over it is vectorised.
#[inline(always)]
pub(super) fn decay(x: f64) -> f64 {
    let x = -x.min(LARGEST);
    let shifted = x * std::f64::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let mut sum = 0.0;
    for c in TAYLOR {
        sum = sum * r + c;
    }
    sum * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the system's function, which is right to one ulp: two of ours, and the rounding of `n ln 2`.
    #[test]
    fn agrees_with_the_exponential() {
        let mut worst = 0.0_f64;
        for i in 0..70_000 {
            let x = f64::from(i) * 0.01 + f64::from(i % 97) * 1e-5;
            let expected = (-x).exp();
            worst = worst.max((decay(x) / expected - 1.0).abs());
        }
        assert!(worst <= 3.0 * f64::EPSILON, "{worst:e}");
        assert_eq!(decay(0.0), 1.0);
        assert!(decay(1e300) < 1e-303 && decay(f64::INFINITY) >= 0.0);
    }
}
