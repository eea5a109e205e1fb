//! Wrong factors offered to the certificates. The honest ones pass; every corruption larger than the tolerance is refused.

use super::samples::Stream;
use crate::certificate;
use crate::error::{Certificate, LinalgError};
use crate::least_squares::optimal;
use crate::refine::{backward_error, row_sum_norm};
use crate::scale::scaled;
use crate::svd::penrose;
use crate::tridiagonal::second_stage;
use crate::*;

fn refused<T: std::fmt::Debug>(result: Result<T, LinalgError>, what: &str) {
    match result {
        Err(LinalgError::CertificateFailed { value, tolerance, .. }) => {
            assert!(value.is_nan() || value > tolerance, "{what}");
        }
        other => panic!("{what}: accepted or other error: {other:?}"),
    }
}

fn changed(a: &Mat<f64>, i: usize, j: usize, by: f64) -> Mat<f64> {
    let mut b = a.clone();
    b[(i, j)] += by;
    b
}

fn swapped(a: &Mat<f64>, p: usize, q: usize) -> Mat<f64> {
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| {
        a[(
            i,
            if j == p {
                q
            } else if j == q {
                p
            } else {
                j
            },
        )]
    })
}

/// Smallest corruption tried: twice the residual tolerance of a matrix of norm n.
fn smallest(n: usize) -> f64 {
    2.0 * tolerance::residual(n, n as f64)
}

#[test]
fn eigen_certificate() {
    let n = 9;
    let (a, _) = scaled(Stream(20).symmetric(n).as_ref());
    let e = symmetric_eigen(a.as_ref()).expect("symmetric");
    let check = |values: &[f64], vectors: &Mat<f64>| {
        certificate::symmetric_eigen(a.as_ref(), values, vectors.as_ref())
    };
    let accepted = check(&e.values, &e.vectors).expect("honest factors");
    assert_eq!((accepted.residual, accepted.orthogonality), (e.residual, e.orthogonality));
    for size in [smallest(n), 1e-6, 1.0, f64::INFINITY, f64::NAN] {
        for j in 0..n {
            refused(check(&e.values, &changed(&e.vectors, (3 * j) % n, j, size)), "one entry of a vector");
            let mut values = e.values.clone();
            values[j] += size;
            refused(check(&values, &e.vectors), "one eigenvalue");
        }
    }
    refused(check(&e.values, &swapped(&e.vectors, 0, n - 1)), "two vectors exchanged");
    let ascending: Vec<f64> = e.values.iter().rev().copied().collect();
    let reversed = Mat::from_fn(n, n, |i, j| e.vectors[(i, n - 1 - j)]);
    refused(check(&ascending, &reversed), "wrong order");
    refused(check(&e.values, &e.vectors.transpose().to_owned()), "transposed vectors");
    let negated: Vec<f64> = ascending.iter().map(|x| -x).collect();
    refused(check(&negated, &reversed), "the decomposition of -A");
    // A repeated column passes the residual of a suitable matrix, not orthogonality: ones = n e e', any basis.
    let ones = Mat::from_fn(4, 4, |_, _| 1.0);
    let fake = Mat::from_fn(4, 4, |_, _| 0.5);
    match certificate::symmetric_eigen(ones.as_ref(), &[4.0, 0.0, 0.0, 0.0], fake.as_ref()) {
        Err(LinalgError::CertificateFailed { certificate: Certificate::Orthogonality, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn svd_certificate() {
    for (m, n) in [(9, 5), (5, 9), (6, 6)] {
        let (a, _) = scaled(Stream(21).matrix(m, n).as_ref());
        let d = svd(a.as_ref()).expect("finite");
        let check =
            |u: &Mat<f64>, s: &[f64], v: &Mat<f64>| certificate::svd(a.as_ref(), u.as_ref(), s, v.as_ref());
        assert!(check(&d.u, &d.s, &d.v).is_ok());
        for size in [smallest(9), 1e-6, 1.0, f64::NAN] {
            for j in 0..5 {
                refused(check(&changed(&d.u, j, j, size), &d.s, &d.v), "entry of U");
                refused(check(&d.u, &d.s, &changed(&d.v, j, 4 - j, size)), "entry of V");
                let mut s = d.s.clone();
                s[j] -= size;
                refused(check(&d.u, &s, &d.v), "a singular value");
            }
        }
        refused(check(&swapped(&d.u, 0, 1), &d.s, &d.v), "columns of U exchanged");
        // Signs moved to the values: the product is right, the sign is not allowed.
        let r = d.s.len();
        let s: Vec<f64> = d.s.iter().enumerate().map(|(i, x)| if i == r - 1 { -x } else { *x }).collect();
        let u = Mat::from_fn(m, r, |i, j| if j == r - 1 { -d.u[(i, j)] } else { d.u[(i, j)] });
        refused(check(&u, &s, &d.v), "negative singular value");
    }
}

#[test]
fn triangular_certificates() {
    let n = 7;
    let b = Stream(22).matrix(n, n);
    let (a, _) = scaled(b.as_ref());
    let f = qr(a.as_ref()).expect("finite");
    let check = |q: &Mat<f64>, r: &Mat<f64>| certificate::qr(a.as_ref(), q.as_ref(), r.as_ref());
    assert!(check(&f.q, &f.r).is_ok());
    refused(check(&changed(&f.q, 3, 2, smallest(n)), &f.r), "entry of Q");
    refused(check(&f.q, &changed(&f.r, 2, 3, smallest(n))), "entry of R");
    refused(check(&f.q, &changed(&f.r, 3, 2, 1e-300)), "R not triangular");
    let flip = |x: &Mat<f64>, column: bool| {
        Mat::from_fn(n, n, |i, j| if (if column { j } else { i }) == 1 { -x[(i, j)] } else { x[(i, j)] })
    };
    refused(check(&flip(&f.q, true), &flip(&f.r, false)), "negative diagonal of R");

    let gram = matmul(b.as_ref(), b.transpose());
    let spd = Mat::from_fn(n, n, |i, j| if i == j { 1.0 } else { 0.1 * gram[(i, j)] / n as f64 });
    let l = cholesky(spd.as_ref()).expect("definite").factor();
    let check = |l: &Mat<f64>| certificate::cholesky(spd.as_ref(), l.as_ref());
    assert!(check(&l).is_ok());
    for j in 0..n {
        refused(check(&changed(&l, n - 1, j, smallest(n))), "entry of L");
    }
    refused(check(&changed(&l, 0, 1, 1e-300)), "L not triangular");
    refused(check(&l.transpose().to_owned()), "L transposed");

    let pivoted = Mat::from_fn(3, 3, |i, j| [[2.0, 1.0, 1.0], [1.0, 2.0, 0.0], [1.0, 0.0, 2.0]][i][j]);
    let l = Mat::from_fn(3, 3, |i, j| [[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.5, -1.0 / 3.0, 1.0]][i][j]);
    let u = Mat::from_fn(3, 3, |i, j| [[2.0, 1.0, 1.0], [0.0, 1.5, -0.5], [0.0, 0.0, 4.0 / 3.0]][i][j]);
    assert!(certificate::lu(pivoted.as_ref(), l.as_ref(), u.as_ref()).is_ok());
    refused(
        certificate::lu(pivoted.as_ref(), l.as_ref(), changed(&u, 2, 2, smallest(3)).as_ref()),
        "entry of U",
    );
    refused(certificate::lu(swapped(&pivoted, 0, 1).as_ref(), l.as_ref(), u.as_ref()), "wrong permutation");
}

#[test]
fn certificates_of_solutions() {
    let n = 6;
    let mut s = Stream(23);
    let (a, b) = (s.matrix(n, n), s.matrix(n, 1));
    let x = solve(a.as_ref(), b.as_ref()).expect("regular").x;
    let norm = row_sum_norm(a.as_ref());
    let (b_slice, x_slice): (Vec<f64>, Vec<f64>) =
        (b.col(0).iter().copied().collect(), x.col(0).iter().copied().collect());
    assert!(backward_error(a.as_ref(), norm, &x_slice, &b_slice) <= f64::EPSILON);
    let mut wrong = x_slice.clone();
    wrong[2] *= 1.0 + 1e-9;
    assert!(backward_error(a.as_ref(), norm, &wrong, &b_slice) > tolerance::backward_error(n));
    wrong[2] = f64::NAN;
    assert!(!(0.0..=tolerance::backward_error(n)).contains(&backward_error(
        a.as_ref(),
        norm,
        &wrong,
        &b_slice
    )));

    let (a, b) = (s.matrix(8, 3), s.matrix(8, 1));
    let d = svd(a.as_ref()).expect("finite");
    let fit = least_squares(a.as_ref(), b.as_ref()).expect("finite");
    let check = |x: &Mat<f64>| optimal(a.as_ref(), b.as_ref(), x.as_ref(), d.v.as_ref());
    assert!(check(&fit.x).is_ok());
    refused(check(&changed(&fit.x, 1, 0, 1e-9)), "not the minimum");
    // A minimiser, but not the shortest: add a null vector.
    let a = outer(&[1.0, 1.0], &[1.0, 1.0]);
    let d = svd(a.as_ref()).expect("finite");
    let b = Mat::from_fn(2, 1, |_, _| 2.0);
    let v = d.v.subcols(0, 1);
    let shortest = Mat::from_fn(2, 1, |_, _| 1.0);
    assert!(optimal(a.as_ref(), b.as_ref(), shortest.as_ref(), v).is_ok());
    let longer = Mat::from_fn(2, 1, |i, _| [1.5, 0.5][i]);
    refused(optimal(a.as_ref(), b.as_ref(), longer.as_ref(), v), "not the shortest");

    let (a, _) = scaled(s.matrix(5, 3).as_ref());
    let p = pseudo_inverse(a.as_ref()).expect("finite");
    assert!(penrose(a.as_ref(), p.matrix.as_ref(), p.condition).is_ok());
    refused(
        penrose(a.as_ref(), changed(&p.matrix, 1, 1, 1e-9).as_ref(), p.condition),
        "entry of the pseudo-inverse",
    );
    refused(penrose(a.as_ref(), Mat::zeros(3, 5).as_ref(), p.condition), "zero");
    // A left inverse that is not the Moore-Penrose one: A⁺ + W(I - AA⁺) fails symmetry of AX only.
    let ap = matmul(a.as_ref(), p.matrix.as_ref());
    let w = s.matrix(3, 5);
    let extra = w.as_ref() - matmul(w.as_ref(), ap.as_ref());
    refused(penrose(a.as_ref(), (&p.matrix + &extra).as_ref(), p.condition), "another left inverse");
}

#[test]
fn second_stage_of_gauss_rules() {
    let n = 8;
    let t = Mat::from_fn(n, n, |i, j| if i.abs_diff(j) == 1 { 1.0 } else { 0.0 });
    let e = symmetric_eigen(t.as_ref()).expect("symmetric");
    let values: Vec<f64> = e.values.iter().rev().copied().collect();
    let vectors = Mat::from_fn(n, n, |i, j| e.vectors[(i, n - 1 - j)]);
    let check = |values: &[f64], vectors: &Mat<f64>| second_stage(t.as_ref(), values, vectors.as_ref());
    assert!(check(&values, &vectors).is_ok());
    // The Rayleigh quotient of a wrong vector: another eigenvalue, hence wrong order or no eigenvalue at all.
    refused(check(&values, &swapped(&vectors, 0, 3)), "vectors exchanged");
    refused(check(&values, &changed(&vectors, 2, 2, 0.1)), "a wrong vector");
    refused(check(&values, &Mat::from_fn(n, n, |i, _| vectors[(i, 0)])), "one vector n times");
}
