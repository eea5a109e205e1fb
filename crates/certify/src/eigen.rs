//! Enclosures of all eigenvalues of a symmetric matrix.
use solvable_linalg::symmetric_eigen;

use crate::{CertifyError, Interval, IntervalMatrix};

/// Refinements of the approximate eigenbasis: each squares its error, from 1e-16 to below [`PRECISION`](crate::PRECISION).
const REFINEMENTS: usize = 3;

/// Encloses the eigenvalues of a symmetric matrix of intervals, descending.
///
/// An approximate eigenbasis V (doubles, then refined in long arithmetic) turns A into `V'AV = D + F` with D diagonal. The discs
/// of Gershgorin, entries of D with the row sums of F as radii, form groups that do not touch: a group of m discs holds m
/// eigenvalues of `V'AV`. The k-th equals that of A times a number between the extreme eigenvalues of `V'V` (Ostrowski), which
/// are within `||V'V - I||` of 1. Row sums are taken in interval arithmetic. Nothing is assumed of V but what is computed of it;
/// multiple eigenvalues are welcome, and those close to each other widen no other. O(n^3).
///
/// # Errors
/// [`CertifyError::Singular`] when V is too far from orthogonal to say anything, [`CertifyError::Linalg`] when the
/// approximate decomposition fails.
///
/// # Panics
/// When the matrix is not square.
///
/// ```
/// use solvable_certify::{IntervalMatrix, enclose_eigenvalues};
/// use solvable_linalg::from_rows;
/// let a = from_rows(&[vec![2.0, 1.0], vec![1.0, 2.0]])?;
/// let e = enclose_eigenvalues(&IntervalMatrix::exact(a.as_ref())?)?;
/// assert!(e[0].contains(3.0) && e[1].contains(1.0) && e[0].width() < 1e-40);
/// # Ok::<(), solvable_certify::CertifyError>(())
/// ```
pub fn enclose_eigenvalues(a: &IntervalMatrix) -> Result<Vec<Interval>, CertifyError> {
    let n = a.nrows();
    assert_eq!(a.ncols(), n, "eigenvalues of a square matrix");
    let approximate = symmetric_eigen(solvable_linalg::symmetrize(a.midpoint().as_ref()).as_ref())?;
    let mut v = IntervalMatrix::exact(approximate.vectors.as_ref())?;
    let middle = a.map(Interval::middle);
    for _ in 0..REFINEMENTS {
        v = refined(&middle, &v)?;
    }
    let s = v.transpose().times(&a.times(&v));
    let gram = v.transpose().times(&v);
    let skew = |i: usize, j: usize| gram.get(i, j).clone() - Interval::from(i64::from(i == j));
    let skew = (0..n)
        .map(|i| total_size((0..n).map(|j| skew(i, j))))
        .fold(Interval::zero(), |a, b| if a.high() > b.high() { a } else { b });
    let factor = Interval::one() + skew.symmetric();
    if !factor.is_positive() {
        return Err(CertifyError::Singular { size: n });
    }
    let off = |i: usize, j: usize| if i == j { Interval::zero() } else { s.get(i, j).clone() };
    let mut discs: Vec<Interval> =
        (0..n).map(|i| s.get(i, i).clone() + total_size((0..n).map(|j| off(i, j))).symmetric()).collect();
    discs.sort_by(|a, b| b.high().cmp(a.high()));
    let mut values = Vec::with_capacity(n);
    let mut first = 0;
    while first < n {
        let mut group = discs[first].clone();
        let mut next = first + 1;
        while next < n && discs[next].high() >= group.low() {
            group = group.hull(&discs[next]);
            next += 1;
        }
        let value = (group / factor.clone())?;
        values.extend(std::iter::repeat_n(value, next - first));
        first = next;
    }
    Ok(values)
}

/// The sum of the largest absolute values.
fn total_size(entries: impl Iterator<Item = Interval>) -> Interval {
    entries.fold(Interval::zero(), |sum, e| sum + e.magnitude())
}

/// One step of iterative refinement of an eigenbasis (Ogita and Aishima, 2018), in long arithmetic without error control.
fn refined(a: &IntervalMatrix, v: &IntervalMatrix) -> Result<IntervalMatrix, CertifyError> {
    let n = v.nrows();
    let s = v.transpose().times(&a.times(v));
    let gram = v.transpose().times(v);
    let r = |i: usize, j: usize| Interval::from(i64::from(i == j)) - gram.get(i, j).clone();
    let values: Vec<Interval> = (0..n)
        .map(|i| (s.get(i, i).clone() / gram.get(i, i).clone()).map(|l| l.middle()))
        .collect::<Result<_, _>>()?;
    let scale = values.iter().map(|l| l.midpoint().abs()).fold(0.0, f64::max);
    let mut correction = Vec::with_capacity(n * n);
    for i in 0..n {
        for j in 0..n {
            let gap = values[j].clone() - values[i].clone();
            // Within a cluster only orthogonality is restored: any basis of its space serves.
            let close = i == j || gap.midpoint().abs() <= 1e-12 * scale;
            correction.push(if close {
                r(i, j).scaled(-1).middle()
            } else {
                ((s.get(i, j).clone() + values[j].clone() * r(i, j)) / gap)?.middle()
            });
        }
    }
    let e = IntervalMatrix::from_fn(n, n, |i, j| correction[i * n + j].clone());
    Ok(v.plus(&v.times(&e)).map(Interval::middle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_add_up() {
        let wide = Interval::between(-4.0, 1.0).expect("ordered");
        let entries = [Interval::from(-2), Interval::from(3), wide];
        assert_eq!(total_size(entries.into_iter()), Interval::from(9));
        assert_eq!(total_size(std::iter::empty()), Interval::zero());
    }
}
