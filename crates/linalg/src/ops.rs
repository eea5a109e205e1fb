//! Products, norms and sums that need no decomposition.
//!
//! Shapes are the caller's responsibility: a mismatch is a programming error and panics, as slice indexing does. Entries
//! are not inspected; NaN and infinities propagate.

use crate::error::LinalgError;
use crate::scale::{exponent, ldexp};
use faer::linalg::matmul::matmul as product;
use faer::{Accum, Mat, MatMut, MatRef, Par};

/// Length below which pairwise summation adds in 8 interleaved lanes.
const BLOCK: usize = 128;

/// Pairwise reduction of `term(0) + ... + term(n - 1)`; the shape depends on n alone.
fn pairwise(from: usize, n: usize, term: &impl Fn(usize) -> f64) -> f64 {
    if n > BLOCK {
        // The left half is a whole number of blocks: the tree is the same wherever the data lives.
        let half = (n / 2).div_ceil(BLOCK) * BLOCK;
        return pairwise(from, half, term) + pairwise(from + half, n - half, term);
    }
    let mut lanes = [0.0_f64; 8];
    let whole = n / 8 * 8;
    for i in (0..whole).step_by(8) {
        for (l, lane) in lanes.iter_mut().enumerate() {
            *lane += term(from + i + l);
        }
    }
    for i in whole..n {
        lanes[i - whole] += term(from + i);
    }
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
}

/// The products of two slices of equal length in the shape of [`pairwise`], by blocks that the compiler turns into vectors.
fn pairwise_dot(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len();
    if n > BLOCK {
        let half = (n / 2).div_ceil(BLOCK) * BLOCK;
        let ((x0, x1), (y0, y1)) = (x.split_at(half), y.split_at(half));
        return pairwise_dot(x0, y0) + pairwise_dot(x1, y1);
    }
    let mut lanes = [0.0_f64; 8];
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
    for (x, y) in x.iter().zip(y) {
        for l in 0..8 {
            lanes[l] += x[l] * y[l];
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += x * y;
    }
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
}

/// Σ x_i by pairwise summation of fixed shape: the same bits wherever it runs.
///
/// Error at most γ_k Σ|x_i| with k = 19 + log2(n / 128) (rounded up), instead of k = n - 1 for a plain loop.
///
/// ```
/// assert_eq!(solvable_linalg::sum(&[1.0, 2.0, 3.0]), 6.0);
/// ```
#[must_use]
pub fn sum(x: &[f64]) -> f64 {
    pairwise(0, x.len(), &|i| x[i])
}

/// Σ x_i by Neumaier's compensated summation: error at most u|Σ x_i| + γ_n² Σ|x_i|, so exact to the last bit or two
/// unless the sum cancels beyond 1/(n² u).
///
/// Reference: Neumaier, *ZAMM* 54 (1974). Infinite terms give what a plain sum gives.
///
/// ```
/// assert_eq!(solvable_linalg::sum_compensated(&[1.0, 1e100, 1.0, -1e100]), 2.0);
/// ```
#[must_use]
pub fn sum_compensated(x: &[f64]) -> f64 {
    let (mut total, mut correction) = (0.0_f64, 0.0_f64);
    for &t in x {
        let next = total + t;
        correction += if total.abs() >= t.abs() { (total - next) + t } else { (t - next) + total };
        total = next;
    }
    // An overflow leaves inf - inf in the correction; the plain sum is the honest answer there.
    if total.is_finite() { total + correction } else { total }
}

/// Σ x_i y_i by pairwise summation of fixed shape, without fused multiply-add: the same bits on every instruction set.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// assert_eq!(solvable_linalg::dot(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
/// ```
#[must_use]
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len(), "dot: lengths differ");
    pairwise_dot(x, y)
}

/// A B.
///
/// # Panics
/// If the shapes do not match.
///
/// ```
/// use solvable_linalg::{diagonal, matmul};
/// let d = diagonal(&[2.0, 3.0]);
/// assert_eq!(matmul(d.as_ref(), d.as_ref()), diagonal(&[4.0, 9.0]));
/// ```
#[must_use]
pub fn matmul(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    matmul_into(out.as_mut(), a, b);
    out
}

/// Overwrites `out` with A B; allocates no matrix.
///
/// # Panics
/// If the shapes do not match.
pub fn matmul_into(out: MatMut<'_, f64>, a: MatRef<'_, f64>, b: MatRef<'_, f64>) {
    assert_eq!(a.ncols(), b.nrows(), "matmul: inner dimensions differ");
    product(out, Accum::Replace, a, b, 1.0, Par::Seq);
}

/// Adds `factor` A B to `out`; allocates no matrix.
///
/// # Panics
/// If the shapes do not match.
///
/// ```
/// use solvable_linalg::{diagonal, matmul_add};
/// let mut out = diagonal(&[1.0, 1.0]);
/// matmul_add(out.as_mut(), -0.5, diagonal(&[2.0, 3.0]).as_ref(), diagonal(&[1.0, 2.0]).as_ref());
/// assert_eq!(out, diagonal(&[0.0, -2.0]));
/// ```
pub fn matmul_add(out: MatMut<'_, f64>, factor: f64, a: MatRef<'_, f64>, b: MatRef<'_, f64>) {
    assert_eq!(a.ncols(), b.nrows(), "matmul: inner dimensions differ");
    product(out, Accum::Add, a, b, factor, Par::Seq);
}

/// A' B.
///
/// # Panics
/// If the numbers of rows differ.
#[must_use]
pub fn transpose_matmul(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    matmul(a.transpose(), b)
}

/// tr A, pairwise.
///
/// # Panics
/// If A is not square.
#[must_use]
pub fn trace(a: MatRef<'_, f64>) -> f64 {
    assert_eq!(a.nrows(), a.ncols(), "trace: not square");
    pairwise(0, a.nrows(), &|i| a[(i, i)])
}

/// tr(A B) = Σ_ij a_ij b_ji without forming A B: m n operations instead of m² n.
///
/// # Panics
/// Unless A is m x n and B is n x m.
///
/// ```
/// use solvable_linalg::{from_rows, trace_product};
/// let a = from_rows(&[vec![1.0, 2.0, 3.0]])?;
/// assert_eq!(trace_product(a.as_ref(), a.transpose()), 14.0);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
#[must_use]
pub fn trace_product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> f64 {
    assert_eq!((a.nrows(), a.ncols()), (b.ncols(), b.nrows()), "trace_product: shapes differ");
    pairwise(0, a.ncols(), &|j| pairwise(0, a.nrows(), &|i| a[(i, j)] * b[(j, i)]))
}

/// max |a_ij|; 0 for an empty matrix, NaN if an entry is NaN.
#[must_use]
pub fn max_abs(a: MatRef<'_, f64>) -> f64 {
    let mut m = 0.0_f64;
    for j in 0..a.ncols() {
        for i in 0..a.nrows() {
            let x = a[(i, j)].abs();
            if x.is_nan() {
                return x;
            }
            m = m.max(x);
        }
    }
    m
}

/// ||A||_F = sqrt(Σ a_ij²), scaled by the power of two of the largest entry so that no square overflows or vanishes.
///
/// Infinite only if an entry, or the norm itself, is beyond the range of `f64`; NaN if an entry is NaN.
///
/// ```
/// use solvable_linalg::{diagonal, frobenius_norm};
/// let big = 2.0_f64.powi(600); // its square overflows
/// assert_eq!(frobenius_norm(diagonal(&[3.0 * big, 4.0 * big]).as_ref()), 5.0 * big);
/// ```
#[must_use]
pub fn frobenius_norm(a: MatRef<'_, f64>) -> f64 {
    let m = max_abs(a);
    if m == 0.0 || !m.is_finite() {
        return m;
    }
    let k = exponent(m);
    let squares = pairwise(0, a.ncols(), &|j| {
        pairwise(0, a.nrows(), &|i| {
            let x = ldexp(a[(i, j)], -k);
            x * x
        })
    });
    ldexp(squares.sqrt(), k)
}

/// x y'.
#[must_use]
pub fn outer(x: &[f64], y: &[f64]) -> Mat<f64> {
    Mat::from_fn(x.len(), y.len(), |i, j| x[i] * y[j])
}

/// The square matrix with these diagonal entries and zeros elsewhere.
#[must_use]
pub fn diagonal(entries: &[f64]) -> Mat<f64> {
    Mat::from_fn(entries.len(), entries.len(), |i, j| if i == j { entries[i] } else { 0.0 })
}

/// The matrix with these rows; no rows give the 0 x 0 matrix.
///
/// # Errors
/// [`LinalgError::Ragged`] if the rows have different lengths.
pub fn from_rows(rows: &[Vec<f64>]) -> Result<Mat<f64>, LinalgError> {
    let expected = rows.first().map_or(0, Vec::len);
    if let Some((row, r)) = rows.iter().enumerate().find(|(_, r)| r.len() != expected) {
        return Err(LinalgError::Ragged { row, expected, found: r.len() });
    }
    Ok(Mat::from_fn(rows.len(), expected, |i, j| rows[i][j]))
}

/// The rows of A.
#[must_use]
pub fn to_rows(a: MatRef<'_, f64>) -> Vec<Vec<f64>> {
    (0..a.nrows()).map(|i| (0..a.ncols()).map(|j| a[(i, j)]).collect()).collect()
}

/// Overwrites `out` with A x, column by column; allocates nothing.
///
/// # Panics
/// If the sizes do not match.
pub fn mat_vec(a: MatRef<'_, f64>, x: &[f64], out: &mut [f64]) {
    assert_eq!(a.ncols(), x.len(), "mat_vec: x has the wrong length");
    assert_eq!(a.nrows(), out.len(), "mat_vec: out has the wrong length");
    out.fill(0.0);
    for (j, &xj) in x.iter().enumerate() {
        for (o, &aij) in out.iter_mut().zip(a.col(j).iter()) {
            *o += aij * xj;
        }
    }
}

/// (A + A')/2, exactly symmetric.
///
/// # Panics
/// If A is not square.
#[must_use]
pub fn symmetrize(a: MatRef<'_, f64>) -> Mat<f64> {
    assert_eq!(a.nrows(), a.ncols(), "symmetrize: not square");
    // Halving first cannot overflow, but rounds subnormal entries: equal ones are kept as they are.
    let mean = |x: f64, y: f64| if x == y { x } else { 0.5 * x + 0.5 * y };
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| mean(a[(i, j)], a[(j, i)]))
}

/// x' A y = Σ_ij x_i a_ij y_j, pairwise; allocates nothing.
///
/// # Panics
/// If the sizes do not match.
///
/// ```
/// use solvable_linalg::{diagonal, quadratic_form};
/// let a = diagonal(&[1.0, 10.0]);
/// assert_eq!(quadratic_form(&[1.0, 2.0], a.as_ref(), &[1.0, 2.0]), 41.0);
/// ```
#[must_use]
pub fn quadratic_form(x: &[f64], a: MatRef<'_, f64>, y: &[f64]) -> f64 {
    assert_eq!((a.nrows(), a.ncols()), (x.len(), y.len()), "quadratic_form: sizes differ");
    pairwise(0, y.len(), &|j| y[j] * pairwise(0, x.len(), &|i| x[i] * a[(i, j)]))
}

/// A ⊗ B: block (i, j) is a_ij B.
///
/// ```
/// use solvable_linalg::{diagonal, kronecker};
/// let k = kronecker(diagonal(&[1.0, 2.0]).as_ref(), diagonal(&[3.0, 4.0]).as_ref());
/// assert_eq!(k, diagonal(&[3.0, 4.0, 6.0, 8.0]));
/// ```
#[must_use]
pub fn kronecker(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let (p, q) = (b.nrows(), b.ncols());
    Mat::from_fn(a.nrows() * p, a.ncols() * q, |i, j| a[(i / p, j / q)] * b[(i % p, j % q)])
}

#[cfg(test)]
mod tests {
    use super::{dot, pairwise};

    /// The fast loop adds in the order of the general one.
    #[test]
    fn dot_has_the_bits_of_pairwise_summation() {
        for n in (0..300).chain([1000, 4097]) {
            let x: Vec<f64> = (0..n).map(|i| 1.0 / (i as f64 + 1.3)).collect();
            let y: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin()).collect();
            assert_eq!(dot(&x, &y).to_bits(), pairwise(0, n, &|i| x[i] * y[i]).to_bits(), "n = {n}");
        }
    }
}
