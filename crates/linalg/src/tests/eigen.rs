//! Eigenvalues: Jacobi rotations, closed forms, reconstruction in double-double; Gauss rules in closed form.

use super::Worst;
use super::oracle::{jacobi_eigenvalues, product_error, spectral_error};
use super::samples::{self, hadamard, normalised, ones, path, rescaled, simplex};
use crate::*;

fn closed_form(e: &SymmetricEigen, truth: &[f64], worst: &mut Worst, name: &str) {
    let scale = truth.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let mut sorted = truth.to_vec();
    sorted.sort_by(|x, y| y.total_cmp(x));
    for (x, y) in e.values.iter().zip(&sorted) {
        worst.see(name, (x - y).abs() / scale);
        // The formula itself is rounded: 4 units.
        assert!((x - y).abs() <= e.error + 4.0 * f64::EPSILON * scale, "{name}: {x} {y}");
    }
}

#[test]
fn against_jacobi_rotations() {
    let mut values = Worst::new("eigenvalue against Jacobi, relative to the norm");
    let mut residuals = Worst::new("eigen residual in double-double");
    for (name, a) in samples::symmetric() {
        let e = symmetric_eigen(a.as_ref()).expect(name);
        let n = a.nrows();
        assert!(e.values.is_sorted_by(|x, y| x >= y), "{name}");
        let (b, k) = normalised(&a);
        let norm = frobenius_norm(b.as_ref());
        let truth = jacobi_eigenvalues(symmetrize(b.as_ref()).as_ref());
        let found: Vec<f64> = e.values.iter().map(|&x| rescaled(x, k)).collect();
        for (x, y) in found.iter().zip(&truth) {
            if name != "subnormal" {
                values.see(name, (x - y).abs() / norm.max(f64::MIN_POSITIVE));
            }
            // The certified bound, and the rotations' own error.
            let bound = rescaled(e.error, k) + tolerance::residual(n, norm);
            assert!((x - y).abs() <= bound, "{name}: {x} {y}");
        }
        if name == "subnormal" {
            continue; // its values were rounded to multiples of 2^-1074 on the way out
        }
        let residual = spectral_error(b.as_ref(), e.vectors.as_ref(), &found, e.vectors.as_ref());
        residuals.see(name, residual / norm.max(f64::MIN_POSITIVE));
        assert!(residual <= tolerance::residual(n, norm), "{name}: {residual}");
        // What the certificate reported is what double-double finds, up to the rounding of the check (γ_{n+1} Σ|λ|).
        let rounding = tolerance::gamma(n + 3) * found.iter().map(|x| x.abs()).sum::<f64>();
        assert!((residual - e.residual * norm).abs() <= rounding, "{name}: {residual} {}", e.residual);
        let gram = product_error(Mat::identity(n, n).as_ref(), e.vectors.transpose(), e.vectors.as_ref());
        assert!(gram <= tolerance::orthogonality(n), "{name}: {gram}");
    }
}

#[test]
fn against_closed_forms() {
    let mut worst = Worst::new("eigenvalue against its closed form");
    let eigen = |a: &Mat<f64>| symmetric_eigen(a.as_ref()).expect("symmetric");
    for n in [2, 3, 10, 41] {
        let mut truth = vec![0.0; n];
        truth[0] = n as f64;
        closed_form(&eigen(&ones(n, n)), &truth, &mut worst, "ones");
        let mut truth = vec![n as f64 / (n as f64 - 1.0); n];
        truth[0] = 0.0;
        closed_form(&eigen(&simplex(n)), &truth, &mut worst, "simplex");
        let truth: Vec<f64> =
            (0..n).map(|k| 4.0 * (std::f64::consts::FRAC_PI_2 * k as f64 / n as f64).sin().powi(2)).collect();
        closed_form(&eigen(&path(n)), &truth, &mut worst, "path");
    }
    for k in 1..=7 {
        let root = 2.0_f64.powi(k as i32).sqrt();
        let truth: Vec<f64> = (0..1 << k).map(|i| if i % 2 == 0 { root } else { -root }).collect();
        closed_form(&eigen(&hadamard(k)), &truth, &mut worst, "hadamard");
    }
}

#[test]
fn diagonal_matrices_are_exact() {
    let entries = [1e-150, -1e150, 0.0, 1e150, 5e-324, 1e-150, -0.5, f64::MAX];
    let e = symmetric_eigen(diagonal(&entries).as_ref()).expect("diagonal");
    let mut sorted = entries.to_vec();
    sorted.sort_by(|x, y| y.total_cmp(x));
    assert_eq!(e.values, sorted);
    assert_eq!((e.residual, e.orthogonality, e.error), (0.0, 0.0, 0.0));
    for (j, value) in e.values.iter().enumerate() {
        let ones: Vec<usize> = (0..8).filter(|&i| e.vectors[(i, j)] == 1.0).collect();
        assert_eq!(ones.len(), 1);
        assert_eq!(entries[ones[0]], *value);
        assert_eq!((0..8).filter(|&i| e.vectors[(i, j)] == 0.0).count(), 7);
    }
    assert_eq!(e.reconstruct(), diagonal(&entries));
}

#[test]
fn functions_of_a_matrix() {
    let mut worst = Worst::new("square of the square root, relative to the norm");
    for (name, a) in samples::symmetric() {
        let e = symmetric_eigen(a.as_ref()).expect(name);
        let smallest = e.values[e.values.len() - 1];
        match e.sqrt() {
            Ok(root) => {
                assert!(smallest >= -e.error, "{name}");
                assert_eq!(root, root.transpose().to_owned(), "{name}");
                let (b, k) = normalised(&a);
                // The root scales as 2^(k/2): make k even.
                let (b, k) = if k % 2 == 0 {
                    (b, k)
                } else {
                    (Mat::from_fn(b.nrows(), b.ncols(), |i, j| 2.0 * b[(i, j)]), k - 1)
                };
                let root = Mat::from_fn(a.nrows(), a.nrows(), |i, j| rescaled(root[(i, j)], k / 2));
                let norm = frobenius_norm(b.as_ref());
                let error = product_error(b.as_ref(), root.as_ref(), root.as_ref());
                if name != "subnormal" {
                    worst.see(name, error / norm.max(f64::MIN_POSITIVE));
                }
                // Two more products than the reconstruction, and the clamped eigenvalues.
                let clamped = rescaled(e.error, k) * (a.nrows() as f64).sqrt();
                assert!(error <= 3.0 * tolerance::residual(a.nrows(), norm) + clamped, "{name}: {error}");
            }
            Err(LinalgError::NegativeEigenvalue { value, tolerance }) => {
                assert_eq!((value, tolerance), (smallest, e.error), "{name}");
                assert!(value < -tolerance);
            }
            Err(other) => panic!("{name}: {other}"),
        }
    }
    // The caller's own tolerance decides on both sides.
    let e = symmetric_eigen(diagonal(&[1.0, -1e-9]).as_ref()).expect("diagonal");
    assert!(e.sqrt().is_err() && e.sqrt_within(1e-10).is_err() && e.sqrt_within(f64::NAN).is_err());
    assert_eq!(e.sqrt_within(1e-9).expect("within"), diagonal(&[1.0, 0.0]));
    // f = inverse: A f(A) = I for a well-conditioned matrix with closed form, I + J.
    let n = 6;
    let a = Mat::from_fn(n, n, |i, j| if i == j { 2.0 } else { 1.0 });
    let inv = symmetric_eigen(a.as_ref()).expect("symmetric").apply(|x| 1.0 / x);
    let truth = Mat::from_fn(n, n, |i, j| f64::from(u8::from(i == j)) - 1.0 / (n + 1) as f64);
    assert!(certificate::distance(inv.as_ref(), truth.as_ref()) <= tolerance::residual(n, 7.0));
}

#[test]
fn eigenvalues_alone_are_the_same() {
    for (name, a) in samples::symmetric() {
        assert_eq!(
            symmetric_eigenvalues(a.as_ref()),
            symmetric_eigen(a.as_ref()).map(|e| e.values),
            "{name}"
        );
    }
}

/// Chebyshev's rules in closed form. First kind: nodes cos((2k - 1)π / 2n), weights 1/n; Jacobi matrix 0 on the diagonal,
/// 1/√2, 1/2, 1/2, ... beside it. Second kind: nodes cos(kπ/(n + 1)), weights 2 sin²(kπ/(n + 1))/(n + 1); 1/2 throughout.
#[test]
fn gauss_chebyshev() {
    let mut nodes = Worst::new("Gauss-Chebyshev node (largest is 1)");
    let mut weights = Worst::new("Gauss-Chebyshev weight, relative, over n");
    for n in [2, 3, 8, 31, 100] {
        for kind in [1, 2] {
            let mut off = vec![0.5; n - 1];
            if kind == 1 {
                off[0] = 0.5_f64.sqrt();
            }
            let rule = tridiagonal_eigen(&vec![0.0; n], &off).expect("finite");
            assert!(rule.refined && rule.values.is_sorted());
            for k in 0..n {
                let pi = std::f64::consts::PI;
                let (node, weight) = if kind == 1 {
                    ((pi * (2 * (n - k) - 1) as f64 / (2 * n) as f64).cos(), 1.0 / n as f64)
                } else {
                    let angle = pi * (n - k) as f64 / (n + 1) as f64;
                    (angle.cos(), 2.0 * angle.sin().powi(2) / (n + 1) as f64)
                };
                let row = format!("kind {kind}, n = {n}, k = {k}");
                nodes.see(&row, (rule.values[k] - node).abs());
                let relative = (rule.first_components[k].powi(2) / weight - 1.0).abs();
                weights.see(&row, relative / n as f64);
                // Rayleigh quotient: the rounding of the entries of T (one unit of its norm, 1) and of the value.
                assert!((rule.values[k] - node).abs() <= 4.0 * f64::EPSILON, "{row}");
                // A weight as a function of its node has logarithmic derivative at most of order n² (at the ends).
                assert!(relative <= 4.0 * f64::EPSILON * (n * n) as f64, "{row}: {relative}");
            }
        }
    }
}

/// Gauss-Hermite weights far below epsilon, against w = 1 / (n p_{n-1}(x)²) with x and the orthonormal p from Newton's
/// method on the three-term recurrence (a different route: no matrix).
#[test]
fn tiny_weights_keep_their_digits() {
    let n = 60;
    let off: Vec<f64> = (1..n).map(|k| (k as f64).sqrt()).collect();
    let rule = tridiagonal_eigen(&vec![0.0; n], &off).expect("finite");
    assert!(rule.refined);
    let mut worst = Worst::new("Gauss-Hermite weight, relative");
    for k in 0..n {
        let (mut x, mut last) = (rule.values[k] + 1e-4, 0.0);
        for _ in 0..12 {
            // Orthonormal for the standard normal: √(i+1) p_{i+1} = x p_i - √i p_{i-1}; p_n' = √n p_{n-1}.
            let (mut p, mut q) = (1.0_f64, 0.0_f64);
            for i in 0..n {
                (p, q) = ((x * p - (i as f64).sqrt() * q) / ((i + 1) as f64).sqrt(), p);
            }
            last = q;
            x -= p / ((n as f64).sqrt() * q);
        }
        let weight = 1.0 / (n as f64 * last * last);
        let relative = (rule.first_components[k].powi(2) / weight - 1.0).abs();
        worst.see(format!("node {x:.3}, weight {weight:.1e}"), relative);
        // d log w / dx = x at a node, and the node is known to epsilon times the norm: x epsilon √n, a few dozen times.
        let norm = 2.0 * (n as f64).sqrt();
        assert!(relative <= 8.0 * f64::EPSILON * norm * norm, "{x}: {relative}");
    }
    assert!(rule.first_components[0] < 1e-20, "the case is meant to be extreme");
}

/// Wilkinson's matrix has pairs of eigenvalues equal to all digits: the answer may be coarser, never wrong.
#[test]
fn close_pairs() {
    let n = 21;
    let d: Vec<f64> = (0..n).map(|i: usize| i.abs_diff(10) as f64).collect();
    let rule = tridiagonal_eigen(&d, &vec![1.0; n - 1]).expect("finite");
    let mass: f64 = rule.first_components.iter().map(|x| x * x).sum();
    assert!((mass - 1.0).abs() <= 2.0 * tolerance::orthogonality(n));
    // Largest eigenvalue (Wilkinson, The Algebraic Eigenvalue Problem, p. 309).
    assert!((rule.values[n - 1] - 10.746_194_182_903_39).abs() <= 1e-13);
    // Decoupled blocks: the first components of the second block are zero.
    let rule = tridiagonal_eigen(&[1.0, 2.0, 3.0], &[0.5, 0.0]).expect("finite");
    assert!(!rule.refined && rule.first_components[2] == 0.0);
}

/// Legendre, Laguerre and Hermite rules integrate monomials up to degree 2n - 1 exactly.
#[test]
fn gauss_rules_reproduce_moments() {
    let mut worst = Worst::new("moment of a Gauss rule, relative to the absolute moment");
    type Family = (&'static str, fn(usize) -> (f64, f64), fn(usize) -> f64);
    let families: [Family; 3] = [
        // Recurrence (a_k, b_{k+1}), and the k-th moment of the probability measure.
        (
            "Legendre",
            |k| {
                (0.0, {
                    let m = (k + 1) as f64;
                    m * m / (4.0 * m * m - 1.0)
                })
            },
            |k| if k % 2 == 0 { 1.0 / (k + 1) as f64 } else { 0.0 },
        ),
        (
            "Laguerre",
            |k| ((2 * k + 1) as f64, ((k + 1) as f64).powi(2)),
            |k| (1..=k).map(|i| i as f64).product(),
        ),
        (
            "Hermite",
            |k| (0.0, (k + 1) as f64),
            |k| if k % 2 == 0 { (1..k).step_by(2).map(|i| i as f64).product() } else { 0.0 },
        ),
    ];
    for (name, recurrence, moment) in families {
        for n in [1, 2, 5, 12] {
            let a: Vec<f64> = (0..n).map(|k| recurrence(k).0).collect();
            let b: Vec<f64> = (0..n - 1).map(|k| recurrence(k).1.sqrt()).collect();
            let rule = tridiagonal_eigen(&a, &b).expect("finite");
            let top = rule.values.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
            for degree in 0..2 * n {
                let term = |k: usize| rule.first_components[k].powi(2) * rule.values[k].powi(degree as i32);
                let found: f64 = (0..n).map(term).sum();
                let size = top.powi(degree as i32);
                worst.see(format!("{name}, n = {n}, degree {degree}"), (found - moment(degree)).abs() / size);
                // e_1' T^degree e_1: each of `degree` factors contributes a relative backward error of the certificate.
                let bound = (degree + 2) as f64 * tolerance::residual(n, size) * (n as f64).sqrt();
                assert!((found - moment(degree)).abs() <= bound, "{name} {n} {degree}: {found}");
            }
        }
    }
}

/// Bisection with Sturm counts on random tridiagonal matrices.
#[test]
fn tridiagonal_against_sturm_bisection() {
    let mut worst = Worst::new("tridiagonal eigenvalue against Sturm bisection");
    let mut s = samples::Stream(33);
    for n in [1, 2, 3, 10, 40] {
        let d: Vec<f64> = (0..n).map(|_| s.uniform()).collect();
        let off: Vec<f64> = (1..n).map(|_| s.uniform()).collect();
        let e = tridiagonal_eigen(&d, &off).expect("finite");
        // Number of eigenvalues below x: negative pivots of T - x I.
        let below = |x: f64| {
            let mut q = 1.0_f64;
            (0..n)
                .filter(|&i| {
                    let previous = if q == 0.0 { f64::EPSILON } else { q };
                    q = d[i] - x - if i == 0 { 0.0 } else { off[i - 1] * off[i - 1] / previous };
                    q < 0.0
                })
                .count()
        };
        for (k, &value) in e.values.iter().enumerate() {
            let (mut low, mut high) = (-4.0, 4.0);
            for _ in 0..70 {
                let middle = 0.5 * (low + high);
                if below(middle) > k { high = middle } else { low = middle }
            }
            worst.see(format!("n = {n}, refined {}", e.refined), (value - low).abs());
            // Sturm counts are exact for a matrix within a few units of T, entry by entry.
            assert!(
                (value - low).abs() <= 16.0 * f64::EPSILON + if e.refined { 0.0 } else { e.error },
                "{n} {k}: {value} {low}"
            );
        }
    }
}
