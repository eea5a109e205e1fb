//! Exact scaling by powers of two, and the checks every input passes first.

use crate::error::LinalgError;
use crate::ops::max_abs;
use crate::tolerance;
use faer::{Mat, MatRef};

/// floor(log2 |x|) for finite nonzero x.
pub(crate) fn exponent(x: f64) -> i32 {
    debug_assert!(x.is_finite() && x != 0.0);
    let biased = ((x.to_bits() >> 52) & 0x7ff) as i32;
    if biased == 0 { exponent(x * power(64)) - 64 } else { biased - 1023 }
}

/// 2^k for a normal result, -1022 <= k <= 1023.
fn power(k: i32) -> f64 {
    debug_assert!((-1022..=1023).contains(&k));
    f64::from_bits(((k + 1023) as u64) << 52)
}

/// x 2^k: exact unless the result is subnormal (one or two roundings) or overflows to infinity.
pub(crate) fn ldexp(x: f64, k: i32) -> f64 {
    let (mut x, mut k) = (x, k.clamp(-4400, 4400));
    while k > 1023 {
        x *= power(1023);
        k -= 1023;
    }
    while k < -1022 {
        x *= power(-1022);
        k += 1022;
    }
    x * power(k)
}

/// x 2^k, or the error that it does not fit.
pub(crate) fn unscale(x: f64, k: i32) -> Result<f64, LinalgError> {
    let value = ldexp(x, k);
    if value.is_finite() {
        Ok(value)
    } else {
        Err(LinalgError::Overflow { exponent: exponent(x).saturating_add(k) })
    }
}

/// Refuses empty matrices and the first (by columns) entry that is not finite.
pub(crate) fn check_finite(a: MatRef<'_, f64>) -> Result<(), LinalgError> {
    if a.nrows() == 0 || a.ncols() == 0 {
        return Err(LinalgError::Empty { rows: a.nrows(), columns: a.ncols() });
    }
    for column in 0..a.ncols() {
        for row in 0..a.nrows() {
            let value = a[(row, column)];
            if !value.is_finite() {
                return Err(LinalgError::NotFinite { row, column, value });
            }
        }
    }
    Ok(())
}

/// As [`check_finite`], and refuses matrices that are not square.
pub(crate) fn check_square(a: MatRef<'_, f64>) -> Result<(), LinalgError> {
    if a.nrows() != a.ncols() {
        return Err(LinalgError::NotSquare { rows: a.nrows(), columns: a.ncols() });
    }
    check_finite(a)
}

/// As [`check_square`], and refuses matrices that are not symmetric within [`tolerance::symmetry`].
pub(crate) fn check_symmetric(a: MatRef<'_, f64>) -> Result<(), LinalgError> {
    check_square(a)?;
    let tolerance = tolerance::symmetry(a.nrows(), max_abs(a));
    for column in 0..a.ncols() {
        for row in column + 1..a.nrows() {
            let difference = (a[(row, column)] - a[(column, row)]).abs();
            if difference > tolerance {
                return Err(LinalgError::NotSymmetric { row, column, difference, tolerance });
            }
        }
    }
    Ok(())
}

/// Binary exponent of the largest entry; 0 for the zero matrix.
pub(crate) fn matrix_exponent(a: MatRef<'_, f64>) -> i32 {
    let m = max_abs(a);
    if m == 0.0 { 0 } else { exponent(m) }
}

/// A 2^-k with k the exponent of the largest entry, so that the largest lies in [1, 2).
pub(crate) fn scaled(a: MatRef<'_, f64>) -> (Mat<f64>, i32) {
    let k = matrix_exponent(a);
    (Mat::from_fn(a.nrows(), a.ncols(), |i, j| ldexp(a[(i, j)], -k)), k)
}

/// As [`scaled`], for a matrix that passed [`check_symmetric`]: returns the exactly symmetric (A + A')/2 2^-k.
pub(crate) fn scaled_symmetric(a: MatRef<'_, f64>) -> (Mat<f64>, i32) {
    let k = matrix_exponent(a);
    let s = |i: usize, j: usize| ldexp(a[(i, j)], -k);
    // An entry equal to its mirror is kept as it is: halving the sum of two subnormal numbers would round.
    let f = |i, j| if a[(i, j)] == a[(j, i)] { s(i, j) } else { 0.5 * (s(i, j) + s(j, i)) };
    (Mat::from_fn(a.nrows(), a.ncols(), f), k)
}

/// Are all entries off the main diagonal exactly zero?
pub(crate) fn is_diagonal(a: MatRef<'_, f64>) -> bool {
    (0..a.ncols()).all(|j| (0..a.nrows()).all(|i| i == j || a[(i, j)] == 0.0))
}
