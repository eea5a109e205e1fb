//! Small matrix helpers of this chapter.
use solvable_linalg::{LinalgError, Mat, MatRef, frobenius_norm, matmul, symmetric_eigen};
use solvable_model::{Covariance, InputError};

use super::IclError;

/// Eigenvalues of a dense d x d product below this are rounding: `4 sqrt(d) eps scale`.
///
/// Entries of the product carry errors of a few `eps scale` with mixed signs; the norm of such a matrix grows
/// like sqrt(d).
pub(super) fn noise_floor(d: usize, scale: f64) -> f64 {
    4.0 * (d as f64).sqrt() * f64::EPSILON * scale
}

/// F (d x r) with `F F' = c`; r is the numerical rank, at least 1. Diagonal matrices keep d columns, unpermuted.
///
/// Eigenvalues at the noise floor are dropped: their square roots would be 1e-8, not 1e-16. Coordinates in very different
/// units are brought to one by powers of two first, so that row i of F is accurate relative to `sqrt(c_ii)`: the eigenvalues
/// of c itself are accurate relative to the largest only.
pub(super) fn factor(c: &Covariance) -> Result<Mat<f64>, LinalgError> {
    let d = c.dimension();
    let Some(units) = units(c) else { return Ok(orthogonal_factor(c)) };
    let m = c.matrix();
    let scaled = Mat::from_fn(d, d, |i, j| {
        if units[i] == 0.0 || units[j] == 0.0 { 0.0 } else { m[(i, j)] / units[i] / units[j] }
    });
    let eigen = symmetric_eigen(scaled.as_ref())?;
    let floor = noise_floor(d, eigen.values[0]);
    let rank = eigen.values.iter().filter(|&&l| l > floor).count().max(1);
    let roots: Vec<f64> = eigen.values[..rank].iter().map(|l| l.max(0.0).sqrt()).collect();
    Ok(Mat::from_fn(d, rank, |i, j| units[i] * eigen.vectors[(i, j)] * roots[j]))
}

/// Whether row i of [`factor`] is accurate relative to `sqrt(c_ii)`.
pub(super) fn has_accurate_rows(c: &Covariance) -> bool {
    c.is_diagonal() || units(c).is_some()
}

/// Powers of two near `sqrt(c_ii)` (0 for a zero), where they differ by more than 64 and c is not diagonal.
fn units(c: &Covariance) -> Option<Vec<f64>> {
    const ALIKE: f64 = 64.0;
    if c.is_diagonal() {
        return None;
    }
    let diagonal = (0..c.dimension()).map(|i| c.matrix()[(i, i)]);
    let units: Vec<f64> =
        diagonal.map(|v| if v > 0.0 { libm::ldexp(1.0, libm::ilogb(v.sqrt())) } else { 0.0 }).collect();
    let positive = units.iter().copied().filter(|&u| u > 0.0);
    let (least, largest) = (positive.clone().fold(f64::INFINITY, f64::min), positive.fold(0.0, f64::max));
    (largest > ALIKE * least).then_some(units)
}

/// [`factor`] with orthogonal columns, eigenvectors times roots of eigenvalues: accurate relative to `sqrt |c|`.
pub(super) fn orthogonal_factor(c: &Covariance) -> Mat<f64> {
    let d = c.dimension();
    if c.is_diagonal() {
        return Mat::from_fn(d, d, |i, j| if i == j { c.matrix()[(i, i)].sqrt() } else { 0.0 });
    }
    let floor = noise_floor(d, c.largest_eigenvalue());
    let rank = c.eigenvalues().iter().filter(|&&l| l > floor).count().max(1);
    let v = c.eigenvectors();
    let roots: Vec<f64> = c.eigenvalues()[..rank].iter().map(|l| l.sqrt()).collect();
    Mat::from_fn(d, rank, |i, j| v[(i, j)] * roots[j])
}

/// The common diagonal entry of a multiple of the identity.
pub(super) fn multiple_of_identity(c: &Covariance) -> Option<f64> {
    let value = c.matrix()[(0, 0)];
    (c.is_diagonal() && (1..c.dimension()).all(|i| c.matrix()[(i, i)] == value)).then_some(value)
}

/// `A B C`.
pub(super) fn triple(a: MatRef<'_, f64>, b: MatRef<'_, f64>, c: MatRef<'_, f64>) -> Mat<f64> {
    matmul(matmul(a, b).as_ref(), c)
}

/// `||F' X G||_F^2 = tr(F F' X G G' X')`: a trace of positive semidefinite products as a sum of squares.
pub(super) fn squared_norm_between(f: MatRef<'_, f64>, x: MatRef<'_, f64>, g: MatRef<'_, f64>) -> f64 {
    frobenius_norm(triple(f.transpose(), x, g).as_ref()).powi(2)
}

/// Refuses a matrix that is not d x d or not finite.
pub(super) fn check_square(argument: &'static str, a: MatRef<'_, f64>, d: usize) -> Result<(), InputError> {
    let found = (a.nrows(), a.ncols());
    if found != (d, d) {
        return Err(InputError::Shape { argument: argument.into(), found, expected: (d, d) });
    }
    for row in 0..d {
        for column in 0..d {
            let value = a[(row, column)];
            if !value.is_finite() {
                return Err(InputError::NotFinite { argument: argument.into(), row, column, value });
            }
        }
    }
    Ok(())
}

/// Refuses a result with an entry that overflowed.
pub(super) fn representable(quantity: &'static str, a: Mat<f64>) -> Result<Mat<f64>, IclError> {
    let finite = (0..a.ncols()).all(|j| a.col(j).iter().all(|v| v.is_finite()));
    if finite { Ok(a) } else { Err(IclError::NotRepresentable { quantity }) }
}

/// Refuses a singular covariance.
pub(super) fn check_invertible(
    argument: &'static str,
    c: &Covariance,
    condition: &'static str,
) -> Result<(), InputError> {
    let smallest = c.smallest_eigenvalue();
    let floor = if c.is_diagonal() { 0.0 } else { noise_floor(c.dimension(), c.largest_eigenvalue()) };
    if smallest > floor {
        Ok(())
    } else {
        Err(InputError::Singular { argument: argument.into(), smallest, condition })
    }
}

/// A vector as a d x 1 matrix.
pub(super) fn column(x: &[f64]) -> Mat<f64> {
    Mat::from_fn(x.len(), 1, |i, _| x[i])
}

/// `sum x_i^2`, scaled.
pub(super) fn squared_length(x: &[f64]) -> f64 {
    frobenius_norm(column(x).as_ref()).powi(2)
}
