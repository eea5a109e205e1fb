//! Distances of a normalised K x K matrix from the candidate geometries.
use solvable_linalg::{Mat, MatRef, frobenius_norm};

/// Diagonals of the general orthogonal frame to compare with; each is optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrameTargets {
    /// `x_k^M`, for `W W'`.
    pub classifier: Option<Vec<f64>>,
    /// `x_k^M/(1 + x_k^M)^2`, for the Gram matrix of class means.
    pub feature: Option<Vec<f64>>,
    /// `x_k^M/(1 + x_k^M)`, for the logits of class means.
    pub logits: Option<Vec<f64>>,
}

/// `|A/|A| - T/|T||` in the Frobenius norm; `None` when A or T is 0.
fn distance(a: MatRef<'_, f64>, target: impl Fn(usize, usize) -> f64) -> Option<f64> {
    let t = Mat::from_fn(a.nrows(), a.ncols(), target);
    let (na, nt) = (frobenius_norm(a), frobenius_norm(t.as_ref()));
    if !(na > 0.0 && na.is_finite() && nt > 0.0) {
        return None;
    }
    let difference = Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)] / na - t[(i, j)] / nt);
    Some(frobenius_norm(difference.as_ref()))
}

/// Distance of `A/|A|` from the simplex `(I - J/K)/sqrt(K - 1)`; `None` for K = 1 or A = 0.
#[must_use]
pub fn simplex_distance(a: MatRef<'_, f64>) -> Option<f64> {
    let k = a.nrows() as f64;
    if a.nrows() < 2 {
        return None;
    }
    distance(a, |i, j| if i == j { 1.0 - 1.0 / k } else { -1.0 / k })
}

/// Distance of `A/|A|` from the orthogonal frame `I/sqrt(K)`; `None` for A = 0.
#[must_use]
pub fn orthogonal_frame_distance(a: MatRef<'_, f64>) -> Option<f64> {
    distance(a, |i, j| if i == j { 1.0 } else { 0.0 })
}

/// Distance of `A/|A|` from the normalised diagonal matrix of a general orthogonal frame; `None` when A or the diagonal is
/// 0.
///
/// # Panics
/// If the diagonal does not have one entry a row.
#[must_use]
pub fn gof_distance(a: MatRef<'_, f64>, diagonal: &[f64]) -> Option<f64> {
    assert_eq!(diagonal.len(), a.nrows(), "gof_distance: one entry a class");
    distance(a, |i, j| if i == j { diagonal[i] } else { 0.0 })
}
