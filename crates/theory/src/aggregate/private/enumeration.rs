//! Exact privacy loss of the inverse-sensitivity mechanism, over all pairs of neighbours of a finite universe (DP-7).
use solvable_model::InputError;
use solvable_model::aggregate::{DiscreteData, DiscreteFunctional, Epsilon};

use super::lengths::{order_statistic_row, plane_median_length, sum_row};
use super::search::{ENUMERATION_LIMIT, advance, check_size, multisets};
use crate::aggregate::AggregateError;

/// Worst log-ratio of output probabilities over all neighbouring data sets, and the guarantee.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExactLoss {
    /// `max |log P_S(t)/P_S'(t)|`.
    pub loss: f64,
    /// epsilon, which it does not exceed.
    pub bound: f64,
    /// Data sets enumerated.
    pub datasets: usize,
}

/// Exact loss for the j-th smallest of n data in {0, ..., q-1} (DP-7).
///
/// # Errors
/// [`AggregateError`] when a size is 0, j is not in 1..=n, or `binomial(n+q-1, n) n q` exceeds [`ENUMERATION_LIMIT`].
pub fn order_statistic_privacy_loss(
    q: usize,
    n: usize,
    j: usize,
    epsilon: Epsilon,
) -> Result<ExactLoss, AggregateError> {
    InputError::check_count("n", n)?;
    DiscreteFunctional::OrderStatistic { j }.check(n)?;
    let universe = Universe::new(q, n)?;
    let table = universe.table(q, |counts, row| order_statistic_row(counts, n, j, row));
    Ok(universe.worst(&table, epsilon))
}

/// Exact loss for the sum of n data in {0, ..., q-1} (DP-7).
///
/// # Errors
/// As [`order_statistic_privacy_loss`].
pub fn sum_privacy_loss(q: usize, n: usize, epsilon: Epsilon) -> Result<ExactLoss, AggregateError> {
    let universe = Universe::new(q, n)?;
    let table = universe.table(n * (q - 1) + 1, |counts, row| sum_row(counts, n, row));
    Ok(universe.worst(&table, epsilon))
}

/// Exact loss for the coordinatewise median of an odd number n of points of a q x q grid (DP-7); the universe has `q^2`
/// symbols.
///
/// # Errors
/// As [`order_statistic_privacy_loss`], and when n is even.
pub fn plane_median_privacy_loss(q: usize, n: usize, epsilon: Epsilon) -> Result<ExactLoss, AggregateError> {
    InputError::check_count("q", q)?;
    if n.is_multiple_of(2) {
        let condition = "odd, so that the median is one of the data in each coordinate";
        return Err(InputError::Count { argument: "n".into(), value: n as u64, condition }.into());
    }
    let cells = q.checked_mul(q).filter(|&c| c <= 1 << 20);
    let cells =
        cells.ok_or(AggregateError::TooLarge { size: q as f64 * q as f64, limit: ENUMERATION_LIMIT })?;
    let universe = Universe::new(cells, n)?;
    let mut points = Vec::with_capacity(n);
    let table = universe.table(cells, |counts, row| {
        points.clear();
        for (cell, &count) in counts.iter().enumerate() {
            points.extend(std::iter::repeat_n([cell / q, cell % q], count));
        }
        for (t, length) in row.iter_mut().enumerate() {
            *length = plane_median_length(&points, [t / q, t % q]);
        }
    });
    Ok(universe.worst(&table, epsilon))
}

/// Exact loss for any functional of multisets (DP-7 with DP-12): path lengths by breadth-first search from the data
/// sets of each output.
///
/// # Errors
/// As [`order_statistic_privacy_loss`], with the number of different outputs as a further factor of the size; the functional's own
/// refusal.
pub fn privacy_loss(
    q: usize,
    n: usize,
    epsilon: Epsilon,
    mut functional: impl FnMut(&DiscreteData) -> Result<usize, InputError>,
) -> Result<ExactLoss, AggregateError> {
    let universe = Universe::new(q, n)?;
    let mut values = Vec::with_capacity(universe.size);
    let mut refusal = None;
    universe.each(|counts| {
        let value = DiscreteData::from_counts(counts.to_vec()).and_then(|data| functional(&data));
        values.push(value.unwrap_or_else(|error| {
            refusal.get_or_insert(error);
            0
        }));
    });
    if let Some(error) = refusal {
        return Err(error.into());
    }
    let mut outputs = values.clone();
    outputs.sort_unstable();
    outputs.dedup();
    let size = multisets(n, q) * n as f64 * q as f64 * outputs.len() as f64;
    if size > ENUMERATION_LIMIT {
        return Err(AggregateError::TooLarge { size, limit: ENUMERATION_LIMIT });
    }
    let width = outputs.len();
    let mut table = Table { width, lengths: vec![0; universe.size * width] };
    let sets = universe.all();
    for (column, &output) in outputs.iter().enumerate() {
        let mut distance = vec![u16::MAX; universe.size];
        let mut front: Vec<usize> = (0..universe.size).filter(|&s| values[s] == output).collect();
        front.iter().for_each(|&s| distance[s] = 0);
        let mut step = 0;
        while !front.is_empty() {
            step += 1;
            let mut next = Vec::new();
            for &s in &front {
                universe.neighbours(&sets[s], true, |other| {
                    if distance[other] == u16::MAX {
                        distance[other] = step;
                        next.push(other);
                    }
                });
            }
            front = next;
        }
        for (s, &d) in distance.iter().enumerate() {
            table.lengths[s * width + column] = d;
        }
    }
    Ok(universe.worst(&table, epsilon))
}

/// All multisets of n points of q symbols, numbered in colexicographic order of their counts.
struct Universe {
    q: usize,
    n: usize,
    size: usize,
    /// `choose[v][r]`: multisets of r points of v symbols.
    choose: Vec<Vec<usize>>,
}

/// Path lengths, one row a data set.
struct Table {
    width: usize,
    lengths: Vec<u16>,
}

impl Universe {
    fn new(q: usize, n: usize) -> Result<Self, AggregateError> {
        InputError::check_count("q", q)?;
        InputError::check_count("n", n)?;
        check_size(n, q)?;
        let mut choose = vec![vec![0_usize; n + 1]; q + 1];
        choose[0][0] = 1;
        for v in 1..=q {
            for r in 0..=n {
                choose[v][r] = choose[v - 1][r] + if r > 0 { choose[v][r - 1] } else { 0 };
            }
        }
        Ok(Self { q, n, size: choose[q][n], choose })
    }

    fn each(&self, mut visit: impl FnMut(&[usize])) {
        let mut counts = vec![0; self.q];
        counts[0] = self.n;
        loop {
            visit(&counts);
            if !advance(&mut counts) {
                return;
            }
        }
    }

    fn all(&self) -> Vec<Vec<usize>> {
        let mut sets = Vec::with_capacity(self.size);
        self.each(|counts| sets.push(counts.to_vec()));
        sets
    }

    /// Number of `counts`: those with a smaller count of the last symbol that differs come before.
    fn rank(&self, counts: &[usize]) -> usize {
        let mut left = self.n;
        let mut rank = 0;
        for v in (1..self.q).rev() {
            rank += self.choose[v + 1][left] - self.choose[v + 1][left - counts[v]];
            left -= counts[v];
        }
        rank
    }

    /// Numbers of the data sets one replacement away; without `both`, only replacements by a larger symbol.
    fn neighbours(&self, counts: &[usize], both: bool, mut visit: impl FnMut(usize)) {
        let mut other = counts.to_vec();
        for from in 0..self.q {
            if counts[from] == 0 {
                continue;
            }
            other[from] -= 1;
            for to in if both { 0 } else { from + 1 }..self.q {
                if to != from {
                    other[to] += 1;
                    visit(self.rank(&other));
                    other[to] -= 1;
                }
            }
            other[from] += 1;
        }
    }

    fn table(&self, width: usize, mut fill: impl FnMut(&[usize], &mut [usize])) -> Table {
        let mut lengths = Vec::with_capacity(self.size * width);
        let mut row = vec![0; width];
        self.each(|counts| {
            fill(counts, &mut row);
            // n is below 2^16 by the size limit.
            lengths.extend(row.iter().map(|&l| l as u16));
        });
        Table { width, lengths }
    }

    /// `max |(eps/2)(len_S - len_S') + log Z_S - log Z_S'|` over neighbours and outputs.
    ///
    /// `log Z_S/Z_S' = log1p((z_S - z_S')/Z_S')` with `z = sum_t (e^(-eps len/2) - 1)`: relative accuracy at any epsilon.
    fn worst(&self, table: &Table, epsilon: Epsilon) -> ExactLoss {
        let half = 0.5 * epsilon.get();
        let rows = || table.lengths.chunks_exact(table.width);
        let weight: Vec<f64> = (0..=self.n).map(|l| (-half * l as f64).exp_m1()).collect();
        let shift: Vec<f64> = rows().map(|row| row.iter().map(|&l| weight[l as usize]).sum()).collect();
        // Z itself from the weights, not from width + shift, which cancels for large epsilon.
        let full: Vec<f64> = (0..=self.n).map(|l| (-half * l as f64).exp()).collect();
        let total: Vec<f64> = rows().map(|row| row.iter().map(|&l| full[l as usize]).sum()).collect();
        let mut loss = 0.0_f64;
        let mut index = 0;
        self.each(|counts| {
            let mine = &table.lengths[index * table.width..(index + 1) * table.width];
            self.neighbours(counts, false, |other| {
                let theirs = &table.lengths[other * table.width..(other + 1) * table.width];
                let (mut least, mut most) = (i32::MAX, i32::MIN);
                for (&a, &b) in mine.iter().zip(theirs) {
                    let difference = i32::from(a) - i32::from(b);
                    least = least.min(difference);
                    most = most.max(difference);
                }
                let log = ((shift[index] - shift[other]) / total[other]).ln_1p();
                for difference in [least, most] {
                    loss = loss.max((half * f64::from(difference) + log).abs());
                }
            });
            index += 1;
        });
        ExactLoss { loss, bound: epsilon.get(), datasets: self.size }
    }
}
