//! The median of normal data.
use libm::erfc;
use rand::Rng;

use crate::normal;

/// The smallest and the largest median that replacing j of the sorted points by arbitrary numbers can produce; infinite
/// when j exceeds half of them. The number of points is odd.
///
/// The largest one comes from moving the j smallest points above all others, the smallest from the opposite.
#[must_use]
pub fn corrupted_median_range(sorted: &[f64], j: usize) -> [f64; 2] {
    let n = sorted.len();
    let h = n / 2;
    if j > h {
        return [f64::NEG_INFINITY, f64::INFINITY];
    }
    // After the move the j smallest are gone from the low end: rank h of the rest.
    let raised = &sorted[j..];
    let lowered = &sorted[..n - j];
    [lowered[lowered.len() - 1 - h], raised[h]]
}

/// Draws n standard normal numbers and sorts them.
pub fn central_order_statistics<R: Rng + ?Sized>(rng: &mut R, data: &mut [f64]) {
    normal::fill(rng, data);
    data.sort_unstable_by(f64::total_cmp);
}

/// `E |M - median|` for the private median without smoothing on [-limit, limit], given the sorted data: weight
/// `exp(-epsilon j / 2)` on the medians that j replaced points can produce and fewer cannot.
///
/// Data outside the interval count as its ends.
#[must_use]
pub fn private_median_error(sorted: &[f64], epsilon: f64, limit: f64) -> f64 {
    let inside = |x: f64| x.clamp(-limit, limit);
    let [centre, _] = corrupted_median_range(sorted, 0).map(inside);
    let (mut low, mut high) = (centre, centre);
    let (mut total, mut moment) = (0.0, 0.0);
    for j in 1..=sorted.len() / 2 + 1 {
        let [below, above] = corrupted_median_range(sorted, j).map(inside);
        let weight = (-0.5 * epsilon * (j - 1) as f64).exp();
        for (near, far) in [(centre - low, centre - below), (high - centre, above - centre)] {
            total += weight * (far - near);
            moment += weight * 0.5 * (far - near) * (far + near);
        }
        (low, high) = (below, above);
    }
    if total > 0.0 { moment / total } else { 0.0 }
}

/// A control variate for [`private_median_error`] on standard normal data: of mean exactly 0, and as large as the error's
/// fluctuation from sample to sample up to its square.
///
/// That error is a ratio of two sums over spacings of the data. The same sums over the spacings of `Phi(data)`, uniform
/// order statistics, have known means: `j/(n+1)` for the difference of two points j ranks apart,
/// `j (j+1)/((n+1)(n+2))` for its square. Returned is the linear part of the ratio around these means, in the units of the data.
#[must_use]
pub fn private_median_control(sorted: &[f64], epsilon: f64) -> f64 {
    let (n, h) = (sorted.len() as f64, sorted.len() / 2);
    let uniform = |i: usize| 0.5 * erfc(-sorted[i] / std::f64::consts::SQRT_2);
    let centre = uniform(h);
    let (mut total, mut moment) = (0.0, 0.0);
    let (mut mean_total, mut mean_moment) = (0.0, 0.0);
    let mut near = [0.0; 2];
    for j in 1..=h {
        let weight = (-0.5 * epsilon * (j - 1) as f64).exp();
        // Weights below rounding of the sums.
        if weight < 1e-20 {
            break;
        }
        let far = [centre - uniform(h - j), uniform(h + j) - centre];
        for (a, b) in near.into_iter().zip(far) {
            total += weight * (b - a);
            moment += weight * 0.5 * (b - a) * (b + a);
        }
        near = far;
        mean_total += 2.0 * weight / (n + 1.0);
        mean_moment += 2.0 * weight * j as f64 / ((n + 1.0) * (n + 2.0));
    }
    if mean_total == 0.0 {
        return 0.0;
    }
    // d x = d u / density at the median.
    let scale = (2.0 * std::f64::consts::PI).sqrt() * mean_moment / mean_total;
    scale * ((moment - mean_moment) / mean_moment - (total - mean_total) / mean_total)
}
