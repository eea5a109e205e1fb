//! The median of normal data.
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
