//! Minimum-norm least squares.

use crate::certificate::{distance, within};
use crate::error::{Certificate, LinalgError};
use crate::ops::{frobenius_norm, matmul, transpose_matmul};
use crate::scale::{check_finite, ldexp, scaled, unscale};
use crate::svd::svd;
use crate::tolerance;
use faer::{Mat, MatRef};

/// The X of smallest norm among those that minimise `||A X - B||_F`, certified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LeastSquares {
    /// X, n x p.
    pub x: Mat<f64>,
    /// Rank of A that was used.
    pub rank: usize,
    /// Singular values of A at or below this counted as zero.
    pub tolerance: f64,
    /// Singular values of A, in descending order.
    pub singular_values: Vec<f64>,
    /// `||A X - B||_F`.
    pub residual_norm: f64,
    /// `||A'(A X - B)||_F / (||A||_F (||A||_F ||X||_F + ||B||_F))`: 0 at the exact minimum.
    pub optimality: f64,
}

/// argmin over X of `||A X - B||_F`, of smallest `||X||_F`; A is m x n, B is m x p, any shape with m, n, p >= 1.
///
/// X = V S⁺ U' B with singular values at or below [`tolerance::rank`] set to zero: rank deficiency is handled, not
/// refused, and reported. The relative error of X is of the order of epsilon times the condition number of the part kept
/// (its square times the relative residual norm, when B is far from the range). Certified by the singular value
/// decomposition's own certificate, by the normal equations, and by X being in the span of the kept right vectors.
///
/// # Errors
/// [`LinalgError::DimensionMismatch`] if A and B have different numbers of rows, otherwise as [`crate::svd()`].
///
/// ```
/// use solvable_linalg::{from_rows, least_squares};
/// // One equation, x + y = 2: the shortest solution is (1, 1).
/// let fit = least_squares(from_rows(&[vec![1.0, 1.0]])?.as_ref(), from_rows(&[vec![2.0]])?.as_ref())?;
/// assert!((fit.x[(0, 0)] - 1.0).abs() < 1e-15 && (fit.x[(1, 0)] - 1.0).abs() < 1e-15 && fit.rank == 1);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub fn least_squares(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Result<LeastSquares, LinalgError> {
    crate::sequential();
    check_finite(a)?;
    check_finite(b)?;
    if a.nrows() != b.nrows() {
        return Err(LinalgError::DimensionMismatch { expected: a.nrows(), found: b.nrows() });
    }
    let (sa, ka) = scaled(a);
    let (sb, kb) = scaled(b);
    let d = svd(sa.as_ref())?;
    let rank = d.rank();
    let (u, v) = (d.u.subcols(0, rank), d.v.subcols(0, rank));
    let mut coefficients = transpose_matmul(u, sb.as_ref());
    for j in 0..coefficients.ncols() {
        for i in 0..rank {
            coefficients[(i, j)] /= d.s[i];
        }
    }
    let y = matmul(v, coefficients.as_ref());
    let optimality = optimal(sa.as_ref(), sb.as_ref(), y.as_ref(), v)?;
    let residual = distance(matmul(sa.as_ref(), y.as_ref()).as_ref(), sb.as_ref());
    let mut x = y;
    for j in 0..x.ncols() {
        for i in 0..x.nrows() {
            x[(i, j)] = unscale(x[(i, j)], kb - ka)?;
        }
    }
    Ok(LeastSquares {
        x,
        rank,
        tolerance: ldexp(d.rank_tolerance(), ka),
        singular_values: d.s.iter().map(|&s| unscale(s, ka)).collect::<Result<_, _>>()?,
        residual_norm: unscale(residual, kb)?,
        optimality,
    })
}

/// Relative residual of the normal equations, and membership of X in the span of V, both refused above the residual
/// tolerance (the first plus the truncated directions, where A' r is at most the rank tolerance times `||B||`).
pub(crate) fn optimal(
    a: MatRef<'_, f64>,
    b: MatRef<'_, f64>,
    x: MatRef<'_, f64>,
    v: MatRef<'_, f64>,
) -> Result<f64, LinalgError> {
    let n = a.nrows().max(a.ncols());
    let r = matmul(a, x) - b;
    let gradient = frobenius_norm(transpose_matmul(a, r.as_ref()).as_ref());
    let norm = frobenius_norm(a);
    let scale = norm * (norm * frobenius_norm(x) + frobenius_norm(b));
    let optimality = if gradient == 0.0 { 0.0 } else { gradient / scale };
    let truncated = tolerance::rank(a.nrows(), a.ncols(), 1.0);
    within(Certificate::NormalEquations, optimality, tolerance::residual(n, 1.0) + truncated)?;
    let projected = matmul(v, transpose_matmul(v, x).as_ref());
    within(
        Certificate::NormalEquations,
        distance(x, projected.as_ref()),
        tolerance::residual(n, frobenius_norm(x)),
    )?;
    Ok(optimality)
}
