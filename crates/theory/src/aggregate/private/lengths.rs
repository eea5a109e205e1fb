//! Path lengths in closed form: how many data must be replaced to reach an output (DP-3, DP-4, DP-5).
use solvable_model::InputError;
use solvable_model::aggregate::{DiscreteData, DiscreteFunctional, PlaneData};

use super::search::{ENUMERATION_LIMIT, path_lengths};
use crate::aggregate::AggregateError;

/// `max(0, L - (j-1), U - (n-j))`, `L` data below and `U` above t: replacements that make t the j-th smallest of n
/// data (DP-3). Any totally ordered universe.
///
/// `x_(j) = t` exactly when at most j-1 data are below and at most n-j above; the two excesses are never both
/// positive. O(log n) for sorted data.
///
/// # Errors
/// [`InputError`] when there are no data, they are not sorted or not finite, or j is not in 1..=n.
pub fn order_statistic_length(sorted: &[f64], j: usize, t: f64) -> Result<usize, InputError> {
    let n = InputError::check_count("number of data", sorted.len())?;
    DiscreteFunctional::OrderStatistic { j }.check(n)?;
    InputError::check_vector("data", sorted)?;
    InputError::check_finite("t", t)?;
    if let Some(i) = sorted.windows(2).position(|w| w[0] > w[1]) {
        let condition = "at least the datum before it: data must be sorted";
        let argument = solvable_model::Argument::indexed("data", i + 1);
        return Err(InputError::OutOfDomain { argument, value: sorted[i + 1], condition });
    }
    let below = sorted.partition_point(|&x| x < t);
    let above = n - sorted.partition_point(|&x| x <= t);
    Ok(below.saturating_sub(j - 1).max(above.saturating_sub(n - j)))
}

/// [`order_statistic_length`] to every output 0, ..., q-1. O(q).
///
/// # Errors
/// [`InputError`] when j is not in 1..=n.
pub fn order_statistic_lengths(data: &DiscreteData, j: usize) -> Result<Vec<usize>, InputError> {
    DiscreteFunctional::OrderStatistic { j }.check(data.n())?;
    let mut lengths = vec![0; data.universe()];
    order_statistic_row(data.counts(), data.n(), j, &mut lengths);
    Ok(lengths)
}

pub(super) fn order_statistic_row(counts: &[usize], n: usize, j: usize, lengths: &mut [usize]) {
    let mut below = 0;
    for (t, &count) in counts.iter().enumerate() {
        let above = n - below - count;
        lengths[t] = below.saturating_sub(j - 1).max(above.saturating_sub(n - j));
        below += count;
    }
}

/// Path length of the sum to every output 0, ..., n(q-1) (DP-4): the least j with `l_j <= t <= u_j`, `l_j` the sum of the
/// n-j smallest data, `u_j` that of the n-j largest plus `j (q-1)`. O(n q).
///
/// # Errors
/// [`AggregateError::TooLarge`] when there are more than [`ENUMERATION_LIMIT`] outputs.
pub fn sum_lengths(data: &DiscreteData) -> Result<Vec<usize>, AggregateError> {
    let outputs = data.n() as f64 * (data.universe() as f64 - 1.0) + 1.0;
    if outputs > ENUMERATION_LIMIT {
        return Err(AggregateError::TooLarge { size: outputs, limit: ENUMERATION_LIMIT });
    }
    let mut lengths = vec![0; data.n() * (data.universe() - 1) + 1];
    sum_row(data.counts(), data.n(), &mut lengths);
    Ok(lengths)
}

pub(super) fn sum_row(counts: &[usize], n: usize, lengths: &mut [usize]) {
    let top = counts.len() - 1;
    let sum: usize = counts.iter().enumerate().map(|(value, c)| value * c).sum();
    lengths[sum] = 0;
    let (mut low, mut high) = (sum, sum);
    // The largest and the smallest datum not yet replaced, and how many copies are left.
    let (mut largest, mut large_left) = (top, counts[top]);
    let (mut smallest, mut small_left) = (0, counts[0]);
    for j in 1..=n {
        while large_left == 0 && largest > 0 {
            largest -= 1;
            large_left = counts[largest];
        }
        while small_left == 0 && smallest < top {
            smallest += 1;
            small_left = counts[smallest];
        }
        large_left -= 1;
        small_left -= 1;
        let (next_low, next_high) = (low - largest, high + (top - smallest));
        lengths[next_low..low].fill(j);
        lengths[high + 1..=next_high].fill(j);
        (low, high) = (next_low, next_high);
    }
}

/// Path length of the coordinatewise median of points of a q x q grid to every grid point, row by row
/// (first coordinate first) (DP-5).
///
/// With `O_c` the majority side of t in coordinate c (empty if neither side exceeds h, n = 2h+1) and
/// `D_c = |O_c| - h`: `max(D_1, D_2, D_1 + D_2 - |O_1 intersect O_2|)`. O(n q^2).
///
/// # Errors
/// [`AggregateError::TooLarge`] when `n q^2` exceeds [`ENUMERATION_LIMIT`].
pub fn plane_median_lengths(data: &PlaneData) -> Result<Vec<usize>, AggregateError> {
    let q = data.side();
    let size = q as f64 * q as f64 * data.points().len() as f64;
    if size > ENUMERATION_LIMIT {
        return Err(AggregateError::TooLarge { size, limit: ENUMERATION_LIMIT });
    }
    let outputs = (0..q).flat_map(|a| (0..q).map(move |b| [a, b]));
    Ok(outputs.map(|t| plane_median_length(data.points(), t)).collect())
}

pub(super) fn plane_median_length(points: &[[usize; 2]], t: [usize; 2]) -> usize {
    let h = points.len() / 2;
    // Per coordinate: 1 if the data below t are too many, 2 if those above are, 0 otherwise.
    let side = |c: usize| {
        let below = points.iter().filter(|p| p[c] < t[c]).count();
        let above = points.iter().filter(|p| p[c] > t[c]).count();
        if below > h {
            (1, below - h)
        } else if above > h {
            (2, above - h)
        } else {
            (0, 0)
        }
    };
    let ((first, d1), (second, d2)) = (side(0), side(1));
    let offends = |p: &[usize; 2], c: usize, side: u8| match side {
        1 => p[c] < t[c],
        2 => p[c] > t[c],
        _ => false,
    };
    let common = points.iter().filter(|p| offends(p, 0, first) && offends(p, 1, second)).count();
    d1.max(d2).max((d1 + d2).saturating_sub(common))
}

/// Outputs in increasing order with their path lengths: in closed form for order statistics and the sum, by search
/// ([`path_lengths`]) otherwise.
///
/// # Errors
/// [`AggregateError`] when the functional is not defined for these data or the enumeration is too large.
pub fn functional_lengths(
    data: &DiscreteData,
    functional: DiscreteFunctional,
) -> Result<Vec<(usize, usize)>, AggregateError> {
    functional.check(data.n())?;
    match functional {
        DiscreteFunctional::OrderStatistic { j } => {
            Ok(order_statistic_lengths(data, j)?.into_iter().enumerate().collect())
        }
        DiscreteFunctional::Sum => Ok(sum_lengths(data)?.into_iter().enumerate().collect()),
        _ => {
            let found = path_lengths(data, |s| functional.evaluate(s))?;
            Ok(found.into_iter().map(|a| (a.output, a.length)).collect())
        }
    }
}
