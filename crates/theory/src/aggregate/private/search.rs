//! Path lengths of any functional of a multiset, by exhaustive search (DP-12).
use std::collections::BTreeMap;

use solvable_model::InputError;
use solvable_model::aggregate::DiscreteData;

use crate::aggregate::AggregateError;

/// Largest enumeration, in steps, that is started.
pub const ENUMERATION_LIMIT: f64 = 1e8;

/// An output that some data set attains, and its path length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttainableLength {
    /// The output.
    pub output: usize,
    /// Replacements needed.
    pub length: usize,
}

/// Number of replaced points between two multisets of one size: `n - sum_v min(c_v, c'_v)`.
///
/// # Errors
/// [`InputError`] when sizes or universes differ.
pub fn multiset_distance(a: &DiscreteData, b: &DiscreteData) -> Result<usize, InputError> {
    for (argument, found, expected) in
        [("second data set", b.n(), a.n()), ("universe of the second data set", b.universe(), a.universe())]
    {
        if found != expected {
            let argument = argument.into();
            return Err(InputError::Shape { argument, found: (found, 1), expected: (expected, 1) });
        }
    }
    let shared: usize = a.counts().iter().zip(b.counts()).map(|(x, y)| x.min(y)).sum();
    Ok(a.n() - shared)
}

/// `binomial(n+q-1, n)`, the number of multisets, as a double; only its first factors once they exceed any limit.
pub(super) fn multisets(n: usize, q: usize) -> f64 {
    let small = n.min(q - 1);
    let large = n.max(q - 1) as f64;
    let mut product = 1.0;
    for i in (1..=small).map(|i| i as f64) {
        product *= (large + i) / i;
        if product > 1e3 * ENUMERATION_LIMIT {
            break;
        }
    }
    product
}

/// Refuses an enumeration of `binomial(n+q-1, n) n q` steps beyond the limit.
pub(super) fn check_size(n: usize, q: usize) -> Result<(), AggregateError> {
    let size = multisets(n, q) * n as f64 * q as f64;
    if size > ENUMERATION_LIMIT {
        return Err(AggregateError::TooLarge { size, limit: ENUMERATION_LIMIT });
    }
    Ok(())
}

/// Path length from `data` to each attainable output of `functional`, in increasing order of the outputs (DP-12).
///
/// The functional is evaluated once on every multiset of the universe; an output's length is the least distance
/// ([`multiset_distance`]) of the multisets that have it, which is what a breadth-first search over single replacements finds:
/// any multiset at distance j is j replacements away. Outputs that no data set has are absent.
/// O(binomial(n+q-1, n) q) and one evaluation a multiset.
///
/// # Errors
/// [`AggregateError::TooLarge`] beyond [`ENUMERATION_LIMIT`] steps; the functional's own refusal.
pub fn path_lengths(
    data: &DiscreteData,
    mut functional: impl FnMut(&DiscreteData) -> Result<usize, InputError>,
) -> Result<Vec<AttainableLength>, AggregateError> {
    let (n, q) = (data.n(), data.universe());
    check_size(n, q)?;
    let mut lengths = BTreeMap::new();
    let mut counts = vec![0; q];
    counts[0] = n;
    loop {
        let shared: usize = counts.iter().zip(data.counts()).map(|(x, y)| x.min(y)).sum();
        let distance = n - shared;
        let output = functional(&DiscreteData::from_counts(counts.clone())?)?;
        let best = lengths.entry(output).or_insert(distance);
        *best = distance.min(*best);
        if !advance(&mut counts) {
            break;
        }
    }
    Ok(lengths.into_iter().map(|(output, length)| AttainableLength { output, length }).collect())
}

/// The next multiset of the same size in colexicographic order; false after the last.
pub(super) fn advance(counts: &mut [usize]) -> bool {
    let Some(first) = counts.iter().position(|&c| c > 0) else { return false };
    if first + 1 >= counts.len() {
        return false;
    }
    let moved = counts[first];
    counts[first] = 0;
    counts[first + 1] += 1;
    counts[0] += moved - 1;
    true
}
