//! LU, Cholesky, inverses and determinants: exact rationals, double-double, explicit inverses.

use super::Worst;
use super::oracle::{cholesky_factor, column_error, exact, exact_identity, exact_solve, product_error};
use super::samples::{Stream, equilibrated, hadamard, hilbert, path};
use crate::*;

/// Accepted error of a refined solution relative to the largest entry of its column: the rounding of the answer (1/2),
/// the last correction, and a factor 2 because columns were scaled by powers of two.
const REFINED: f64 = 4.0 * f64::EPSILON;

fn positive_definite(s: &mut Stream, n: usize) -> Mat<f64> {
    let b = s.integers(n, n + 2);
    let gram = matmul(b.as_ref(), b.transpose());
    Mat::from_fn(n, n, |i, j| gram[(i, j)] + if i == j { 1.0 } else { 0.0 })
}

#[test]
fn inverses_of_hilbert_matrices() {
    let mut worst = Worst::new("inverse of a Hilbert matrix against rationals, by column");
    for n in 1..=8 {
        let a = hilbert(n);
        let (truth, _) = exact_solve(&exact(a.as_ref()), &exact_identity(n)).expect("regular");
        let general = inverse(a.as_ref()).expect("regular");
        let definite = cholesky(a.as_ref()).expect("definite");
        for (name, x) in [("LU", general.matrix), ("Cholesky", definite.inverse().expect("regular"))] {
            let error = column_error(x.as_ref(), &truth);
            worst.see(format!("{name}, n = {n}, rcond {:.1e}", general.rcond), error);
            assert!(error <= REFINED, "{name} {n}: {error}");
        }
    }
}

#[test]
fn solutions_against_exact_rationals() {
    let mut worst = Worst::new("solution against rationals, by column");
    let mut s = Stream(11);
    for n in [1, 2, 3, 5, 8, 13] {
        for shape in ["random", "definite", "badly scaled rows", "badly scaled columns", "nearly singular"] {
            let base = s.matrix(n, n);
            let scale = |i: usize| 2.0_f64.powi(37 * (i as i32 % 5 - 2));
            let a = match shape {
                "definite" => positive_definite(&mut s, n),
                "badly scaled rows" => Mat::from_fn(n, n, |i, j| base[(i, j)] * scale(i)),
                "badly scaled columns" => Mat::from_fn(n, n, |i, j| base[(i, j)] * scale(j)),
                "nearly singular" => Mat::from_fn(n, n, |i, j| 1.0 + 1e-8 * base[(i, j)]),
                _ => base,
            };
            let b = s.matrix(n, 2);
            let (truth, _) = exact_solve(&exact(a.as_ref()), &exact(b.as_ref())).expect("regular");
            let mut all = vec![solve(a.as_ref(), b.as_ref()).expect(shape)];
            if shape == "definite" {
                all.push(solve_spd(a.as_ref(), b.as_ref()).expect(shape));
            }
            for found in all {
                assert!(found.residual <= tolerance::backward_error(n));
                // Columns of A that differ in scale give entries of x that differ in scale: compare after scaling back.
                let back = |i: usize| if shape == "badly scaled columns" { scale(i) } else { 1.0 };
                let x = Mat::from_fn(n, 2, |i, j| found.x[(i, j)] * back(i));
                let scaled: Vec<Vec<_>> = truth
                    .iter()
                    .enumerate()
                    .map(|(i, row)| row.iter().map(|v| v * super::oracle::rational(back(i))).collect())
                    .collect();
                let error = column_error(x.as_ref(), &scaled);
                worst.see(format!("{shape}, n = {n}, rcond {:.1e}", found.rcond), error);
                assert!(error <= REFINED, "{shape} {n}: {error}");
            }
        }
    }
}

#[test]
fn condition_estimates() {
    let mut worst = 0.0_f64;
    let mut s = Stream(12);
    for n in [1, 2, 3, 7, 15] {
        for kind in 0..3 {
            let a = match kind {
                0 => s.matrix(n, n),
                1 => hilbert(n.min(8)),
                _ => path(n + 1).subrows(0, n).subcols(0, n).to_owned(),
            };
            let found = inverse(a.as_ref()).expect("regular");
            // Compare with the explicit inverse of the matrix scaled as the library scales it.
            let n = a.nrows();
            let (r, c) = equilibrated(&a);
            let size = |f: &dyn Fn(usize, usize) -> f64| {
                (0..n).map(|i| (0..n).map(|j| f(i, j).abs()).sum::<f64>()).fold(0.0, f64::max)
            };
            let truth = 1.0
                / (size(&|i, j| a[(i, j)] * r[i] * c[j]) * size(&|i, j| found.matrix[(i, j)] / r[j] / c[i]));
            let ratio = found.rcond / truth;
            worst = worst.max(ratio);
            // The estimate of the inverse is a lower bound, so rcond is an upper one, up to the rounding of the solves.
            assert!(
                ratio >= 1.0 - tolerance::backward_error(n) / truth && ratio <= 3.0,
                "{n} {kind}: {ratio}"
            );
        }
    }
    eprintln!("worst overestimate of the reciprocal condition: {worst:.2}");
}

#[test]
fn cholesky_against_double_double() {
    let mut worst = Worst::new("Cholesky factor against double-double, over the condition");
    let mut s = Stream(13);
    for n in [1, 2, 4, 9, 30] {
        for graded in [false, true] {
            let base = positive_definite(&mut s, n);
            let d = |i: usize| if graded { 2.0_f64.powi(-20 * (i as i32 % 7)) } else { 1.0 };
            let a = Mat::from_fn(n, n, |i, j| base[(i, j)] * d(i) * d(j));
            let c = cholesky(a.as_ref()).expect("definite");
            let (l, truth) = (c.factor(), cholesky_factor(a.as_ref()));
            for i in 0..n {
                for j in 0..=i {
                    let error = (l[(i, j)] - truth[(i, j)]).abs() / a[(i, i)].sqrt();
                    worst.see(format!("n = {n}, graded {graded}"), error * c.rcond());
                    assert!(error <= tolerance::residual(n, 1.0 / c.rcond()), "{n} {i} {j}: {error}");
                }
                assert!((i + 1..n).all(|j| l[(i, j)] == 0.0));
            }
            assert!(
                product_error(a.as_ref(), l.as_ref(), l.transpose())
                    <= tolerance::residual(n, frobenius_norm(a.as_ref()))
            );
            let (_, det) = exact_solve(&exact(a.as_ref()), &exact_identity(n)).expect("regular");
            // det may be far below the range of f64; compare logarithms through numerator and denominator bits.
            let det = det.to_f64().value();
            if det.is_normal() {
                let bound = tolerance::residual(n, 1.0 / c.rcond()) + 4.0 * f64::EPSILON * c.log_det().abs();
                assert!((c.log_det() - det.ln()).abs() <= bound, "{n}: {} {}", c.log_det(), det.ln());
            }
        }
    }
}

#[test]
fn cholesky_keeps_mixed_scales() {
    // Entries from 1e-300 to 1e300, with a correlation of 1/2: exact in powers of two.
    let (x, y) = (2.0_f64.powi(490), 2.0_f64.powi(-490));
    let a = from_rows(&[vec![x * x, 0.5 * x * y], vec![0.5 * x * y, y * y]]).expect("rows");
    let c = cholesky(a.as_ref()).expect("definite");
    let l = c.factor();
    assert_eq!((l[(0, 0)], l[(1, 0)]), (x, 0.5 * y));
    assert!((l[(1, 1)] / y - 0.75_f64.sqrt()).abs() <= f64::EPSILON);
    assert!((c.log_det() - 0.75_f64.ln()).abs() <= 1e-13, "{}", c.log_det());
    let z = c.solve_vec(&[x * x, 0.5 * x * y]).expect("regular");
    assert_eq!(z, [1.0, 0.0]);
}

#[test]
fn determinants_against_exact_rationals() {
    let mut worst = Worst::new("determinant against rationals, times rcond");
    let mut s = Stream(14);
    for n in 1..=9 {
        for a in [s.matrix(n, n), s.integers(n, n), hilbert(n)] {
            let Some((_, truth)) = exact_solve(&exact(a.as_ref()), &exact_identity(n)) else { continue };
            let truth = truth.to_f64().value();
            let found = determinant(a.as_ref()).expect("finite");
            let log = log_abs_det(a.as_ref()).expect("finite");
            let error = (found / truth - 1.0).abs();
            worst.see(format!("n = {n}, rcond {:.1e}", log.rcond), error * log.rcond);
            assert!(error <= tolerance::residual(n, 1.0 / log.rcond), "{n}: {found} {truth}");
            assert_eq!(log.sign, found.signum());
            assert!((log.log_abs - found.abs().ln()).abs() <= 4.0 * f64::EPSILON * (1.0 + log.log_abs.abs()));
        }
    }
    // |det H_n| = n^{n/2}; the sign of Sylvester's matrix is -1 for n = 2 and 1 after that.
    for k in 1..=6 {
        let n = (1 << k) as f64;
        let d = log_abs_det(hadamard(k).as_ref()).expect("finite");
        assert_eq!(d.sign, if k == 1 { -1.0 } else { 1.0 });
        assert!((d.log_abs - 0.5 * n * n.ln()).abs() <= tolerance::residual(1 << k, 1.0 / d.rcond));
    }
    // Permutations: the sign is the parity.
    let cycle = |n: usize| Mat::from_fn(n, n, |i, j| if (i + 1) % n == j { 1.0 } else { 0.0 });
    for n in 1..=6 {
        assert_eq!(determinant(cycle(n).as_ref()), Ok(if n % 2 == 0 { -1.0 } else { 1.0 }));
    }
}

#[test]
fn singular_matrices() {
    let a = from_rows(&[vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0], vec![7.0, 8.0, 9.0]]).expect("rows");
    let b = Mat::from_fn(3, 1, |i, _| i as f64);
    for a in [a, Mat::zeros(3, 3), Mat::from_fn(3, 3, |_, _| 1.0), diagonal(&[1.0, 0.0, 2.0])] {
        let tolerance = tolerance::singular(3);
        match solve(a.as_ref(), b.as_ref()) {
            Err(LinalgError::Singular { rcond, tolerance: t }) => assert!(rcond <= t && t == tolerance),
            other => panic!("{other:?}"),
        }
        assert!(matches!(inverse(a.as_ref()), Err(LinalgError::Singular { .. })));
        let d = log_abs_det(a.as_ref()).expect("finite");
        assert!(d.sign == 0.0 || d.rcond <= tolerance);
    }
    // Zero pivots met early and late, in integers: exactly singular, so 0 or below the tolerance.
    let mut s = Stream(15);
    for n in 2..20 {
        let (b, c) = (s.integers(n, n - 1), s.integers(n - 1, n));
        let a = matmul(b.as_ref(), c.as_ref());
        assert!(matches!(inverse(a.as_ref()), Err(LinalgError::Singular { .. })), "{n}");
    }
    assert_eq!(determinant(Mat::<f64>::zeros(2, 2).as_ref()), Ok(0.0));
    assert_eq!(log_abs_det(Mat::<f64>::zeros(2, 2).as_ref()).expect("zero").log_abs, f64::NEG_INFINITY);
}

#[test]
fn scale_invariance_is_exact() {
    // Rows and columns multiplied by powers of two: the same bits, scaled.
    let mut s = Stream(16);
    let n = 7;
    let (a, b) = (s.matrix(n, n), s.matrix(n, 1));
    let x = solve(a.as_ref(), b.as_ref()).expect("regular").x;
    let (r, c) = (|i: usize| 2.0_f64.powi(300 - 90 * i as i32), |j: usize| 2.0_f64.powi(40 * j as i32 - 100));
    let a2 = Mat::from_fn(n, n, |i, j| a[(i, j)] * r(i) * c(j));
    let b2 = Mat::from_fn(n, 1, |i, _| b[(i, 0)] * r(i));
    let x2 = solve(a2.as_ref(), b2.as_ref()).expect("regular").x;
    for i in 0..n {
        assert_eq!(x2[(i, 0)] * c(i), x[(i, 0)]);
    }
}

#[test]
fn zero_right_hand_sides() {
    let a = hilbert(4);
    let zero = Mat::<f64>::zeros(4, 2);
    for found in [solve(a.as_ref(), zero.as_ref()), solve_spd(a.as_ref(), zero.as_ref())] {
        let found = found.expect("regular");
        assert_eq!((found.x, found.residual, found.steps), (zero.clone(), 0.0, 0));
    }
}

/// Partial pivoting lets entries of Wilkinson's matrix grow like 1.9^n: the answer is right or refused, and at n = 60
/// (growth 5e16) it has to be refused.
#[test]
fn pivot_growth() {
    let mut s = Stream(17);
    let mut refused = Vec::new();
    for n in [10, 20, 30, 60] {
        let noise = s.matrix(n, n);
        // Zeros above the diagonal stay zero, so the pivots stay 1 and only the last column grows. Every row has an entry
        // exactly 1 on the diagonal: row scaling by powers of two must not bring another pivot forward.
        let a = Mat::from_fn(n, n, |i, j| match (i, j) {
            (i, j) if i == j => 1.0,
            (_, j) if j == n - 1 => 1.0 + 1e-3 * noise[(i, j)],
            (i, j) if i > j => -0.9 + 1e-3 * noise[(i, j)],
            _ => 0.0,
        });
        let b = s.matrix(n, 1);
        match solve(a.as_ref(), b.as_ref()) {
            Ok(x) => {
                let (truth, _) = exact_solve(&exact(a.as_ref()), &exact(b.as_ref())).expect("regular");
                assert!(column_error(x.x.as_ref(), &truth) <= REFINED);
            }
            Err(LinalgError::CertificateFailed { certificate: Certificate::Residual, value, tolerance }) => {
                assert!(value > tolerance);
                refused.push(n);
            }
            Err(e) => panic!("{n}: {e}"),
        }
    }
    eprintln!("pivot growth: refused {refused:?}");
    assert!(refused.contains(&60));
}
