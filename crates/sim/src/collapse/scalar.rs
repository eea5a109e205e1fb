//! The minimum of one singular direction by search.

/// A minimiser found by search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchedMode {
    /// `s = sigma / tau`, 0 when the direction is dead.
    pub ratio: f64,
    /// `1 - s`, to full relative accuracy.
    pub missing: f64,
    /// The minimum of `(1 - s)² + L c s^(2/L)`.
    pub value: f64,
}

/// Minimises `(1 - s)² + L c s^(2/L)` over s in \[0, 1\] for L factors: one singular direction of the logits, in units of
/// its target.
///
/// For a target tau, N samples and the product Lambda of the regularisations, `c = N Lambda^(1/L) tau^(2/L - 2)`. A scan
/// of the interval is compared with the root of the stationarity condition `c s^(2/L - 1) = 1 - s`, bisected in `1 - s` over
/// the binary representation, so that tiny values keep their relative accuracy; the lowest wins. 3000 evaluations.
///
/// ```
/// // Two factors: s = 1 - c, soft thresholding.
/// let mode = solvable_sim::collapse::search_mode(2, 0.25);
/// assert!((mode.missing - 0.25).abs() < 1e-15 && (mode.value - 0.4375).abs() < 1e-15);
/// ```
#[must_use]
pub fn search_mode(factors: usize, c: f64) -> SearchedMode {
    let l = factors as f64;
    let at = |missing: f64| {
        let ratio = 1.0 - missing;
        SearchedMode { ratio, missing, value: missing * missing + l * c * ratio.powf(2.0 / l) }
    };
    let mut best = SearchedMode { ratio: 0.0, missing: 1.0, value: 1.0 };
    // A minimum with s > 0 solves c (1-u)^(2/L - 1) = u with u = 1 - s below the maximum of u (1-u)^(1 - 2/L).
    let excess = |u: f64| c * (1.0 - u).powf(2.0 / l - 1.0) - u;
    let (mut low, mut high) = (0.0_f64, l / (2.0 * l - 2.0));
    if excess(high) <= 0.0 {
        // Positive floats are ordered as their bits.
        while high.to_bits() - low.to_bits() > 1 {
            let middle = f64::from_bits(low.to_bits().midpoint(high.to_bits()));
            if excess(middle) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        let root = at(high);
        if root.value < best.value {
            best = root;
        }
    }
    // Uniform in s, and geometric in 1 - s: a basin that the root missed would show up lower, beyond rounding.
    for i in 1..1500 {
        let t = f64::from(i) / 1500.0;
        for point in [at(1.0 - t), at(1e-300_f64.powf(t))] {
            if point.value < best.value * (1.0 - 8.0 * f64::EPSILON) {
                best = point;
            }
        }
    }
    best
}
