//! The inputs that both sides of a comparison share: splitmix64 and Box-Muller, as the Python peers have them.

/// Output `index` (from 0) of splitmix64.
#[must_use]
pub fn splitmix64(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Uniform numbers in (0, 1): `((r >> 11) + 1/2) 2^-53`.
#[must_use]
pub fn uniform(seed: u64, n: usize) -> Vec<f64> {
    (0..n as u64).map(|i| ((splitmix64(seed, i) >> 11) as f64 + 0.5) * 2f64.powi(-53)).collect()
}

/// Standard normal numbers: elements `2j`, `2j + 1` are `sqrt(-2 ln u_{2j}) (cos, sin)(2 pi u_{2j+1})`.
#[must_use]
pub fn gauss(seed: u64, n: usize) -> Vec<f64> {
    let u = uniform(seed, n.next_multiple_of(2));
    let mut z = Vec::with_capacity(u.len());
    for pair in u.as_chunks::<2>().0 {
        let r = (-2.0 * pair[0].ln()).sqrt();
        let (s, c) = (2.0 * std::f64::consts::PI * pair[1]).sin_cos();
        z.extend([r * c, r * s]);
    }
    z.truncate(n);
    z
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that the description of the peers states.
    #[test]
    fn documented_values() {
        assert_eq!(
            [splitmix64(1, 0), splitmix64(1, 1)],
            [10_451_216_379_200_822_465, 13_757_245_211_066_428_519]
        );
        let stated = [-0.028249746095854695, -1.065617648414326, -0.22791952286763517, 0.08309416847150097];
        for (ours, stated) in gauss(1, 4).iter().zip(stated) {
            // Logarithm, sine and cosine may differ by an ulp between libraries.
            assert!((ours - stated).abs() <= 4.0 * f64::EPSILON, "{ours} {stated}");
        }
    }
}
