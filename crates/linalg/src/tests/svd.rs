//! Singular values, pseudo-inverse, QR: one-sided Jacobi, closed forms, Gram-Schmidt in double-double, exact rationals.

use super::Worst;
use super::oracle::{
    exact, exact_product, exact_solve, exact_transpose, gram_schmidt_r, jacobi_singular_values,
    product_error, rational, spectral_error,
};
use super::samples::{self, Stream, hadamard, normalised, ones, rescaled};
use crate::*;

#[test]
fn against_one_sided_jacobi() {
    let mut values = Worst::new("singular value against one-sided Jacobi, relative to the norm");
    let mut residuals = Worst::new("SVD residual in double-double");
    for (name, a) in samples::rectangular() {
        let d = svd(a.as_ref()).expect(name);
        let (m, n, r) = (a.nrows(), a.ncols(), a.nrows().min(a.ncols()));
        assert_eq!(
            (d.u.nrows(), d.u.ncols(), d.v.nrows(), d.v.ncols(), d.s.len()),
            (m, r, n, r, r),
            "{name}"
        );
        assert!(d.s.is_sorted_by(|x, y| x >= y) && d.s[r - 1] >= 0.0, "{name}");
        let (b, k) = normalised(&a);
        let norm = frobenius_norm(b.as_ref());
        let found: Vec<f64> = d.s.iter().map(|&x| rescaled(x, k)).collect();
        for (x, y) in found.iter().zip(jacobi_singular_values(b.as_ref())) {
            if name != "subnormal" {
                values.see(name, (x - y).abs() / norm.max(f64::MIN_POSITIVE));
            }
            let bound = rescaled(d.error, k) + tolerance::residual(m.max(n), norm);
            assert!((x - y).abs() <= bound, "{name}: {x} {y}");
        }
        for q in [&d.u, &d.v] {
            let gram = product_error(Mat::identity(r, r).as_ref(), q.transpose(), q.as_ref());
            assert!(gram <= tolerance::orthogonality(m.max(n)), "{name}: {gram}");
        }
        if name == "subnormal" {
            continue; // its values were rounded to multiples of 2^-1074 on the way out
        }
        let residual = spectral_error(b.as_ref(), d.u.as_ref(), &found, d.v.as_ref());
        residuals.see(name, residual / norm.max(f64::MIN_POSITIVE));
        assert!(residual <= tolerance::residual(m.max(n), norm), "{name}: {residual}");
    }
}

#[test]
fn against_closed_forms() {
    let mut worst = Worst::new("singular value against its closed form");
    let mut check = |a: Mat<f64>, truth: &[f64], name: &str| {
        let d = svd(a.as_ref()).expect("finite");
        for (x, y) in d.s.iter().zip(truth) {
            worst.see(name, (x - y).abs() / truth[0]);
            assert!((x - y).abs() <= d.error + 4.0 * f64::EPSILON * truth[0], "{name}: {x} {y}");
        }
    };
    for k in 1..=6 {
        check(hadamard(k), &vec![2.0_f64.powi(k as i32).sqrt(); 1 << k], "hadamard");
    }
    for (m, n) in [(1, 5), (5, 1), (4, 9), (30, 7)] {
        let mut truth = vec![0.0; m.min(n)];
        truth[0] = ((m * n) as f64).sqrt();
        check(ones(m, n), &truth, "ones");
    }
    // The lower triangle of ones: its inverse is a difference matrix, so s_k = 1 / (2 sin((2k + 1)π / (4n + 2))).
    let n = 25;
    let truth: Vec<f64> = (0..n)
        .map(|k| 0.5 / (std::f64::consts::PI * (2 * k + 1) as f64 / (4 * n + 2) as f64).sin())
        .collect();
    check(Mat::from_fn(n, n, |i, j| if i >= j { 1.0 } else { 0.0 }), &truth, "summation");
}

#[test]
fn ranks() {
    let mut s = Stream(4);
    for r in 0..=6 {
        // Small integers: the product is exact, its rank is r unless the factors happen to be deficient.
        let (b, c) = (s.integers(11, r.max(1)), s.integers(r.max(1), 8));
        let a = if r == 0 { Mat::zeros(11, 8) } else { matmul(b.as_ref(), c.as_ref()) };
        assert_eq!(rank(a.as_ref()), Ok(r));
        assert_eq!(rank(a.transpose()), Ok(r));
    }
    assert_eq!(rank(diagonal(&[1.0, 1e-10, 1e-14, 1e-15]).as_ref()), Ok(3));
    assert_eq!(rank(hadamard(5).as_ref()), Ok(32));
    for (n, expected) in [(5, 5), (8, 8)] {
        assert_eq!(rank(samples::hilbert(n).as_ref()), Ok(expected));
    }
}

/// A⁺ = C'(CC')⁻¹(B'B)⁻¹B' for a full-rank factorisation A = B C, over the rationals.
#[test]
fn pseudo_inverse_against_exact_rationals() {
    let mut worst = Worst::new("pseudo-inverse against rationals, relative error over condition");
    let mut s = Stream(5);
    for (m, r, n) in [(1, 1, 1), (4, 4, 4), (6, 2, 3), (3, 2, 7), (7, 3, 7), (9, 1, 5), (5, 5, 8), (10, 4, 4)]
    {
        let (b, c) = (s.integers(m, r), s.integers(r, n));
        let a = matmul(b.as_ref(), c.as_ref());
        let p = pseudo_inverse(a.as_ref()).expect("finite");
        assert_eq!(p.rank, r);
        let (b, c) = (exact(b.as_ref()), exact(c.as_ref()));
        let (bt, ct) = (exact_transpose(&b), exact_transpose(&c));
        let (left, _) = exact_solve(&exact_product(&bt, &b), &bt).expect("full rank");
        // C'(CC')⁻¹ is the transpose of (CC')⁻¹C.
        let (right, _) = exact_solve(&exact_product(&c, &ct), &c).expect("full rank");
        let truth = exact_product(&exact_transpose(&right), &left);
        let truth = Mat::from_fn(n, m, |i, j| truth[i][j].to_f64().value());
        let norm = frobenius_norm(truth.as_ref());
        let error = certificate::distance(p.matrix.as_ref(), truth.as_ref()) / norm;
        worst.see(format!("{m} x {n}, rank {r}"), error / p.condition);
        // Wedin: the relative change is at most 3 condition times the relative backward error.
        assert!(error <= 3.0 * tolerance::residual(m.max(n), p.condition), "{m} {r} {n}: {error}");
    }
    let p = pseudo_inverse(Mat::<f64>::zeros(2, 3).as_ref()).expect("zero");
    assert_eq!((p.rank, p.matrix, p.condition), (0, Mat::zeros(3, 2), 1.0));
    let p = pseudo_inverse(diagonal(&[2e-200, 4e-200, 0.0]).as_ref()).expect("diagonal");
    assert_eq!(p.rank, 2);
    assert!((p.matrix[(0, 0)] * 2e-200 - 1.0).abs() <= 4.0 * f64::EPSILON);
}

#[test]
fn qr_against_gram_schmidt() {
    let mut worst = Worst::new("R against Gram-Schmidt in double-double, over the condition");
    let mut s = Stream(6);
    for (m, n) in [(1, 1), (2, 2), (5, 3), (20, 20), (40, 7), (33, 32)] {
        let a = s.matrix(m, n);
        let f = qr(a.as_ref()).expect("finite");
        let truth = gram_schmidt_r(a.as_ref());
        let singular = jacobi_singular_values(a.as_ref());
        let condition = singular[0] / singular[n - 1];
        let norm = frobenius_norm(a.as_ref());
        let error = certificate::distance(f.r.as_ref(), truth.as_ref()) / norm;
        worst.see(format!("{m} x {n}"), error / condition);
        // Stewart: R moves by at most sqrt 2 condition times the relative backward error, to first order.
        assert!(error <= 2.0 * tolerance::residual(m, condition), "{m} {n}: {error}");
    }
}

#[test]
fn qr_of_structured_matrices() {
    let mut worst = Worst::new("QR residual in double-double");
    for (name, a) in samples::rectangular() {
        let f = qr(a.as_ref()).expect(name);
        let (b, k) = normalised(&a);
        let r = a.nrows().min(a.ncols());
        assert_eq!((f.q.ncols(), f.r.nrows()), (r, r), "{name}");
        for j in 0..f.r.ncols() {
            assert!((j + 1..r).all(|i| f.r[(i, j)] == 0.0) && (j >= r || f.r[(j, j)] >= 0.0), "{name}");
        }
        if name == "subnormal" {
            continue;
        }
        let upper = Mat::from_fn(r, a.ncols(), |i, j| rescaled(f.r[(i, j)], k));
        let norm = frobenius_norm(b.as_ref());
        let residual = product_error(b.as_ref(), f.q.as_ref(), upper.as_ref());
        worst.see(name, residual / norm.max(f64::MIN_POSITIVE));
        assert!(residual <= tolerance::residual(a.nrows().max(a.ncols()), norm), "{name}: {residual}");
        let gram = product_error(Mat::identity(r, r).as_ref(), f.q.transpose(), f.q.as_ref());
        assert!(gram <= tolerance::orthogonality(a.nrows()), "{name}: {gram}");
    }
}

/// Full column rank: the normal equations over the rationals.
#[test]
fn least_squares_against_exact_rationals() {
    let mut worst = Worst::new("least squares against rationals, over condition squared");
    let mut s = Stream(7);
    for (m, n, p) in [(1, 1, 1), (3, 2, 1), (8, 3, 2), (12, 6, 1), (20, 4, 3), (5, 5, 2)] {
        let (a, b) = (s.integers(m, n), s.integers(m, p));
        let fit = least_squares(a.as_ref(), b.as_ref()).expect("finite");
        assert_eq!(fit.rank, n);
        let (ea, eb) = (exact(a.as_ref()), exact(b.as_ref()));
        let at = exact_transpose(&ea);
        let (truth, _) = exact_solve(&exact_product(&at, &ea), &exact_product(&at, &eb)).expect("full rank");
        let difference = Mat::from_fn(n, p, |i, j| (rational(fit.x[(i, j)]) - &truth[i][j]).to_f64().value());
        let condition = fit.singular_values[0] / fit.singular_values[n - 1];
        // Wedin: error <= backward error (2 condition |x| + condition² |r| / |A|) to first order.
        let size = frobenius_norm(fit.x.as_ref()) + fit.residual_norm / fit.singular_values[n - 1];
        let error = frobenius_norm(difference.as_ref()) / size;
        worst.see(format!("{m} x {n}"), error / condition);
        assert!(error <= 4.0 * tolerance::residual(m, condition), "{m} {n}: {error}");
        let product = exact_product(&ea, &truth);
        let squares = (0..m).flat_map(|i| (0..p).map(move |j| (i, j))).fold(0.0, |t, (i, j)| {
            let r = (&product[i][j] - &eb[i][j]).to_f64().value();
            t + r * r
        });
        // The returned X leaves its own backward error times |A||X| beside the exact residual.
        let size = frobenius_norm(a.as_ref()) * frobenius_norm(fit.x.as_ref()) + frobenius_norm(b.as_ref());
        assert!((fit.residual_norm - squares.sqrt()).abs() <= tolerance::residual(m, size), "{m} {n}");
    }
}

#[test]
fn least_squares_of_smallest_norm() {
    // x y' z = b: z = y (x'b) / (|x|²|y|²).
    let (x, y) = ([1.0, 2.0, -2.0], [3.0, 0.0, 4.0, 12.0]);
    let b = Mat::from_fn(3, 1, |i, _| [5.0, 1.0, -1.0][i]);
    let fit = least_squares(outer(&x, &y).as_ref(), b.as_ref()).expect("finite");
    assert_eq!(fit.rank, 1);
    for i in 0..4 {
        assert!((fit.x[(i, 0)] - y[i] * 9.0 / (9.0 * 169.0)).abs() <= tolerance::residual(4, 1.0 / 13.0));
    }
    // Nothing to fit with: 0, and all of b is left over.
    let fit = least_squares(Mat::<f64>::zeros(3, 2).as_ref(), b.as_ref()).expect("zero");
    assert_eq!((fit.rank, fit.x, fit.optimality), (0, Mat::zeros(2, 1), 0.0));
    assert!((fit.residual_norm - 27.0_f64.sqrt()).abs() <= 8.0 * f64::EPSILON);
    // Underdetermined, exact: X = A'(AA')⁻¹ B.
    let mut s = Stream(8);
    let (a, b) = (s.integers(3, 9), s.integers(3, 2));
    let fit = least_squares(a.as_ref(), b.as_ref()).expect("finite");
    let ea = exact(a.as_ref());
    let gram = exact_product(&ea, &exact_transpose(&ea));
    let (inner, _) = exact_solve(&gram, &exact(b.as_ref())).expect("full rank");
    let truth = exact_product(&exact_transpose(&ea), &inner);
    let truth = Mat::from_fn(9, 2, |i, j| truth[i][j].to_f64().value());
    let condition = fit.singular_values[0] / fit.singular_values[2];
    let error = certificate::distance(fit.x.as_ref(), truth.as_ref());
    assert!(error <= 3.0 * tolerance::residual(9, condition * frobenius_norm(truth.as_ref())), "{error}");
}
