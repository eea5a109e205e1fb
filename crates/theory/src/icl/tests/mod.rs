//! Tests of the chapter; the fixtures of the specification and what several files share.
use solvable_linalg::{Mat, MatRef, from_rows, max_abs};
use solvable_model::Covariance;
use solvable_model::icl::RegressionTask;

use super::Whitened;

mod degenerate;
mod domains;
mod extensions;
mod identities;
mod isotropic_bayes;
mod reference;
mod tables;
mod wick;

/// Reference numbers are printed with 15 significant digits: half a unit of the last is at most 5e-15 relative.
pub(super) const PRINTED: f64 = 5e-15;

/// Rounding of a d-dimensional evaluation with condition number `condition`.
pub(super) fn rounding(d: usize, condition: f64) -> f64 {
    32.0 * d as f64 * f64::EPSILON * condition
}

#[track_caller]
pub(super) fn assert_close(actual: f64, expected: f64, relative: f64) {
    let error = (actual - expected).abs();
    assert!(
        error <= relative * expected.abs(),
        "{actual:?} against {expected:?}: relative error {:e} > {relative:e}",
        error / expected.abs()
    );
}

#[track_caller]
pub(super) fn assert_matrix_close(actual: MatRef<'_, f64>, expected: MatRef<'_, f64>, relative: f64) {
    assert_eq!((actual.nrows(), actual.ncols()), (expected.nrows(), expected.ncols()));
    let scale = max_abs(expected);
    for i in 0..actual.nrows() {
        for j in 0..actual.ncols() {
            let error = (actual[(i, j)] - expected[(i, j)]).abs();
            assert!(
                error <= relative * scale,
                "({i}, {j}): {:?} against {:?}, error {error:e} > {:e}",
                actual[(i, j)],
                expected[(i, j)],
                relative * scale
            );
        }
    }
}

pub(super) fn rows<const N: usize>(r: &[[f64; N]]) -> Mat<f64> {
    from_rows(&r.iter().map(|x| x.to_vec()).collect::<Vec<_>>()).expect("equal lengths")
}

pub(super) fn dense<const N: usize>(name: &'static str, r: &[[f64; N]]) -> Covariance {
    Covariance::dense(name, rows(r).as_ref()).expect("a covariance")
}

pub(super) fn diag(name: &'static str, entries: &[f64]) -> Covariance {
    Covariance::diagonal(name, entries).expect("a covariance")
}

/// T1 of the specification.
pub(super) fn t1() -> RegressionTask {
    RegressionTask::new(diag("Lambda", &[2.0, 1.0, 0.5]), diag("Psi", &[1.0, 1.0, 1.0]), 0.0, 10)
        .expect("valid")
}

/// T2 of the specification.
pub(super) fn t2() -> RegressionTask {
    t2_with(0.25, 8)
}

pub(super) fn t2_with(sigma2: f64, length: usize) -> RegressionTask {
    RegressionTask::new(
        dense("Lambda", &[[1.5, 0.4, 0.0], [0.4, 1.0, 0.2], [0.0, 0.2, 0.6]]),
        dense("Psi", &[[1.0, -0.3, 0.1], [-0.3, 0.8, 0.0], [0.1, 0.0, 0.5]]),
        sigma2,
        length,
    )
    .expect("valid")
}

/// The nonsymmetric matrix of the specification.
pub(super) fn a0() -> Mat<f64> {
    rows(&[[0.5, 0.1, 0.0], [-0.2, 0.7, 0.05], [0.0, 0.3, 0.9]])
}

/// The two-dimensional task of the reference vectors.
pub(super) fn small(sigma2: f64, length: usize) -> RegressionTask {
    RegressionTask::new(
        dense("Lambda", &[[0.9, -0.35], [-0.35, 1.7]]),
        dense("Psi", &[[1.4, 0.6], [0.6, 0.7]]),
        sigma2,
        length,
    )
    .expect("valid")
}

/// The four-dimensional task of the reference vectors.
pub(super) fn four(sigma2: f64, length: usize) -> RegressionTask {
    RegressionTask::new(
        dense(
            "Lambda",
            &[[2.2, 0.5, -0.3, 0.1], [0.5, 1.1, 0.2, 0.0], [-0.3, 0.2, 0.8, -0.25], [0.1, 0.0, -0.25, 0.4]],
        ),
        dense(
            "Psi",
            &[[0.6, 0.1, 0.0, -0.2], [0.1, 1.3, 0.4, 0.0], [0.0, 0.4, 0.9, 0.3], [-0.2, 0.0, 0.3, 2.0]],
        ),
        sigma2,
        length,
    )
    .expect("valid")
}

pub(super) fn whiten(task: &RegressionTask) -> Whitened {
    Whitened::new(task).expect("valid")
}

/// Deterministic pseudo-random numbers in (-1, 1) for identity tests (64-bit LCG, high bits).
pub(super) struct Lcg(pub(super) u64);

impl Lcg {
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub(super) fn matrix(&mut self, rows: usize, columns: usize) -> Mat<f64> {
        Mat::from_fn(rows, columns, |_, _| self.next())
    }

    /// `G G' / columns + ridge I`.
    pub(super) fn covariance(
        &mut self,
        name: &'static str,
        d: usize,
        columns: usize,
        ridge: f64,
    ) -> Covariance {
        let g = self.matrix(d, columns);
        let square = &g * g.transpose();
        let m = Mat::from_fn(d, d, |i, j| square[(i, j)] / columns as f64 + if i == j { ridge } else { 0.0 });
        Covariance::dense(name, m.as_ref()).expect("a covariance")
    }
}
