//! Vanishing regularisation at depth one: simplex-encoded labels (NC-17).
use solvable_linalg::{Mat, matmul, svd};
use solvable_model::collapse::ClassCounts;

use super::CollapseError;

/// The geometry of classifiers and features as the regularisation vanishes, at unit margin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SeliGeometry {
    /// Singular values of `(I - J/K) D^(1/2)`, decreasing; the last is 0.
    pub singular_values: Vec<f64>,
    /// Their sum: the value of the max-margin problem.
    pub nuclear_norm: f64,
    /// Value of the dual point `U Q' D^(1/2)`: equal to `nuclear_norm` up to rounding.
    pub dual_value: f64,
    /// Largest violation of the dual constraints (non-positive off-diagonal entries, zero column sums), at most rounding.
    pub dual_violation: f64,
    /// `W W' = U Sigma U'`.
    pub classifiers: Mat<f64>,
    /// Gram matrix of the class features, `D^(-1/2) Q Sigma Q' D^(-1/2)`.
    pub features: Mat<f64>,
}

/// The limit of cross-entropy as `lambda -> 0` at depth one without bias, for any imbalance (NC-17).
///
/// Logits tend in direction to `I - J/K`, balanced whatever the counts; with `(I - J/K) D^(1/2) = U Sigma Q'` the classifiers
/// tend to `W W' ~ U Sigma U'` and the features to `D^(-1/2) Q Sigma Q' D^(-1/2)`, which are not. Normalised to unit
/// margin and equal regularisations. The returned dual point certifies the max-margin problem. O(K^3). The approach
/// is logarithmically slow, like `1/log^2(1/lambda)`.
///
/// # Errors
/// [`CollapseError::Input`] for a single class or more than [`LARGEST_DIMENSION`](solvable_model::LARGEST_DIMENSION); [`CollapseError::Linalg`] when a certified decomposition fails.
pub fn seli_geometry(classes: &ClassCounts) -> Result<SeliGeometry, CollapseError> {
    let counts = classes.counts();
    let k = counts.len();
    if k < 2 {
        return Err(CollapseError::Input(solvable_model::InputError::Count {
            argument: "K".into(),
            value: k as u64,
            condition: "at least 2: one class has no margin",
        }));
    }
    solvable_model::InputError::check_dimension("K", k)?;
    let root: Vec<f64> = counts.iter().map(|&n| (n as f64).sqrt()).collect();
    let flat = 1.0 / k as f64;
    let centred = Mat::from_fn(k, k, |i, j| (if i == j { 1.0 - flat } else { -flat }) * root[j]);
    let mut found = svd(centred.as_ref())?;
    // The columns sum to 0: one singular value is structurally 0.
    found.s[k - 1] = 0.0;
    let weighted = |m: &Mat<f64>, row: &dyn Fn(usize) -> f64| {
        Mat::from_fn(k, k, |i, j| {
            (0..k).map(|l| found.s[l] * m[(i, l)] * m[(j, l)]).sum::<f64>() * row(i) * row(j)
        })
    };
    let classifiers = weighted(&found.u, &|_| 1.0);
    let features = weighted(&found.v, &|i| 1.0 / root[i]);
    let polar = matmul(found.u.subcols(0, k - 1), found.v.subcols(0, k - 1).transpose());
    let dual = Mat::from_fn(k, k, |i, j| polar[(i, j)] * root[j]);
    let mut violation = 0.0_f64;
    for j in 0..k {
        let mut column = 0.0;
        for i in 0..k {
            column += dual[(i, j)];
            if i != j {
                violation = violation.max(dual[(i, j)] / root[j]);
            }
        }
        violation = violation.max(column.abs() / root[j]);
    }
    Ok(SeliGeometry {
        nuclear_norm: solvable_linalg::sum_compensated(&found.s),
        dual_value: (0..k).map(|i| dual[(i, i)]).sum(),
        dual_violation: violation,
        singular_values: found.s,
        classifiers,
        features,
    })
}

/// Cosines of a Gram matrix: `g_ij/sqrt(g_ii g_jj)`, 0 where a diagonal entry is 0.
#[must_use]
pub fn cosines(gram: &Mat<f64>) -> Mat<f64> {
    Mat::from_fn(gram.nrows(), gram.ncols(), |i, j| {
        let scale = gram[(i, i)].sqrt() * gram[(j, j)].sqrt();
        if scale > 0.0 { gram[(i, j)] / scale } else { 0.0 }
    })
}
