//! Brute force over exact rationals: every Gaussian expectation as a sum over pairings (Isserlis), d = 2.
use dashu::rational::RBig;
use solvable_linalg::Mat;
use solvable_model::icl::{RegressionTask, TestPrompts};

use super::super::*;
use super::*;

pub(super) fn exact(x: f64) -> RBig {
    RBig::try_from(x).expect("finite")
}

pub(super) fn ratio(numerator: i64, denominator: i64) -> RBig {
    RBig::from(numerator) / RBig::from(denominator)
}

pub(super) type Exact = Vec<Vec<RBig>>;

pub(super) fn exact_matrix(m: &Mat<f64>) -> Exact {
    (0..m.nrows()).map(|i| (0..m.ncols()).map(|j| exact(m[(i, j)])).collect()).collect()
}

/// E of the product of Gaussian coordinates (token, coordinate); tokens are independent with covariance `lambda`.
pub(super) fn isserlis(variables: &[(usize, usize)], lambda: &Exact) -> RBig {
    match variables {
        [] => ratio(1, 1),
        [first, rest @ ..] => {
            let mut total = ratio(0, 1);
            for k in 0..rest.len() {
                if rest[k].0 == first.0 {
                    let mut others = rest.to_vec();
                    let partner = others.remove(k);
                    total += &lambda[first.1][partner.1] * isserlis(&others, lambda);
                }
            }
            total
        }
    }
}

/// L(A) and S by expanding the square of the prediction error into monomials of tokens, task and noise.
fn brute_force(lambda: &Exact, psi: &Exact, sigma2: &RBig, n: usize, a: &Exact) -> (RBig, Exact) {
    let d = lambda.len();
    let size = RBig::from(n as u64);
    let mut s = vec![vec![ratio(0, 1); d]; d];
    for p in 0..d {
        for q in 0..d {
            for i in 0..n {
                for j in 0..n {
                    for c in 0..d {
                        for e in 0..d {
                            let moment = isserlis(&[(i, p), (i, c), (j, q), (j, e)], lambda);
                            s[p][q] += &psi[c][e] * moment;
                        }
                    }
                    if i == j {
                        s[p][q] += sigma2 * isserlis(&[(i, p), (j, q)], lambda);
                    }
                }
            }
            s[p][q] = &s[p][q] / (&size * &size);
        }
    }
    let query = n;
    let mut loss = ratio(0, 1);
    for p in 0..d {
        for q in 0..d {
            let pair = isserlis(&[(query, p), (query, q)], lambda);
            loss += &psi[p][q] * &pair;
            for r in 0..d {
                for t in 0..d {
                    loss += &a[p][r] * &a[q][t] * &pair * &s[r][t];
                }
                for i in 0..n {
                    for c in 0..d {
                        let cross = isserlis(&[(i, r), (i, c)], lambda) * &psi[c][q];
                        loss -= ratio(2, 1) * &a[p][r] * &pair * cross / &size;
                    }
                }
            }
        }
    }
    (loss, s)
}

#[test]
fn loss_and_second_moment_are_the_wick_sums() {
    let lambda = rows(&[[1.5, 0.25], [0.25, 0.75]]);
    let psi = rows(&[[1.0, -0.5], [-0.5, 2.0]]);
    let a = rows(&[[0.5, 0.125], [-0.25, 0.75]]);
    for (n, sigma2) in [(1, 0.5), (2, 0.0), (2, 0.25), (3, 0.5)] {
        let (loss, s) =
            brute_force(&exact_matrix(&lambda), &exact_matrix(&psi), &exact(sigma2), n, &exact_matrix(&a));
        let task = RegressionTask::new(
            Covariance::dense("Lambda", lambda.as_ref()).expect("valid"),
            Covariance::dense("Psi", psi.as_ref()).expect("valid"),
            sigma2,
            n,
        )
        .expect("valid");
        let found = risk(a.as_ref(), &TestPrompts::of(&task, n)).expect("valid");
        assert_close(found, loss.to_f64().value(), rounding(2, 1.0));
        let moment = second_moment(&whiten(&task)).expect("finite");
        let expected = Mat::from_fn(2, 2, |i, j| s[i][j].to_f64().value());
        assert_matrix_close(moment.as_ref(), expected.as_ref(), rounding(2, 1.0));
    }
}

/// Inverse of a 2 x 2 rational matrix.
fn inverse2(m: &Exact) -> Exact {
    let det = &m[0][0] * &m[1][1] - &m[0][1] * &m[1][0];
    vec![vec![&m[1][1] / &det, -&m[0][1] / &det], vec![-&m[1][0] / &det, &m[0][0] / &det]]
}

fn times(a: &Exact, b: &Exact) -> Exact {
    let n = b.len();
    let entry = |i: usize, j: usize| (0..n).fold(ratio(0, 1), |t, k| t + &a[i][k] * &b[k][j]);
    (0..a.len()).map(|i| (0..b[0].len()).map(|j| entry(i, j)).collect()).collect()
}

fn trace(a: &Exact) -> RBig {
    (0..a.len()).fold(ratio(0, 1), |t, i| t + &a[i][i])
}

/// `A* = Psi (a Lambda Psi + b I)^-1` and `L* = t - tr(Lambda A* Lambda Psi)` in rationals, where the subtraction costs
/// nothing, against the f64 ratio form: 15 digits at N = 1e12.
#[test]
fn the_minimum_keeps_relative_accuracy_for_huge_contexts() {
    let lambda = rows(&[[1.5, 0.25], [0.25, 0.75]]);
    let psi = rows(&[[1.0, -0.5], [-0.5, 2.0]]);
    let (l, p) = (exact_matrix(&lambda), exact_matrix(&psi));
    for (n, sigma2) in
        [(1_u64, 0.0), (7, 0.5), (1_000_000, 0.25), (1_000_000_000_000, 0.0), (1_000_000_000_000_000, 0.5)]
    {
        let product = times(&l, &p);
        let size = RBig::from(n);
        let (a, b) = (ratio(1, 1) + ratio(1, 1) / &size, (trace(&product) + exact(sigma2)) / &size);
        let mut system = product.clone();
        for (i, row) in system.iter_mut().enumerate() {
            row.iter_mut().for_each(|x| *x = &a * &*x);
            row[i] += &b;
        }
        let best = times(&p, &inverse2(&system));
        let least = trace(&product) - trace(&times(&times(&l, &best), &product));
        let task = RegressionTask::new(
            Covariance::dense("Lambda", lambda.as_ref()).expect("valid"),
            Covariance::dense("Psi", psi.as_ref()).expect("valid"),
            sigma2,
            n as usize,
        )
        .expect("valid");
        let found = optimum(&whiten(&task)).expect("labels");
        assert_close(found.l_star, least.to_f64().value(), rounding(2, 1.0));
        let expected = Mat::from_fn(2, 2, |i, j| best[i][j].to_f64().value());
        assert_matrix_close(found.a_star.as_ref(), expected.as_ref(), rounding(2, 4.0));
    }
}
