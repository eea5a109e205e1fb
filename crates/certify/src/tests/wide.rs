//! Enclosures of wide inputs, and answers whose search can go astray: every member of the input must be covered.
use crate::aggregate::{BagProblem, bag_risk};
use crate::collapse::{balanced_margin, deep_branches, scalar_minimum};
use crate::{Interval, IntervalMatrix, enclose_eigenvalues};
use solvable_linalg::from_rows;

fn between(a: f64, b: f64) -> Interval {
    Interval::between(a, b).expect("ordered")
}

/// Eigenvalues of matrices whose entries are intervals: those of every member lie inside.
#[test]
fn eigenvalues_of_wide_matrices_cover_all_members() {
    // [[0, t], [t, 0]], |t| <= 1: +-t.
    let a = IntervalMatrix::from_fn(2, 2, |i, j| if i == j { Interval::zero() } else { between(-1.0, 1.0) });
    let e = enclose_eigenvalues(&a).expect("symmetric");
    for t in [-1.0, -0.5, 0.0, 0.5, 1.0_f64] {
        assert!(e[0].contains(t.abs()) && e[1].contains(-t.abs()), "{t}: {e:?}");
    }
    // [[5, 0, t], [0, 3, t], [t, t, 1]], t in [-1/2, 1/2]; with t = 1/2 from the characteristic polynomial
    // (5-x)(3-x)(1-x) = t^2 (8 - 2x): mpmath, 20 digits.
    let wide = between(-0.5, 0.5);
    let a = IntervalMatrix::from_fn(3, 3, |i, j| match (i, j) {
        (0, 0) => Interval::from(5),
        (1, 1) => Interval::from(3),
        (2, 2) => Interval::one(),
        (0, 1) | (1, 0) => Interval::zero(),
        _ => wide.clone(),
    });
    let e = enclose_eigenvalues(&a).expect("symmetric");
    for (k, ends) in
        [[5.0, 5.063_415_447_915_131], [3.0, 3.111_418_479_477_077], [1.0, 0.825_166_072_607_792_1]]
            .iter()
            .enumerate()
    {
        for x in ends {
            assert!(e[k].contains(*x), "{k}: {:?} without {x}", e[k]);
        }
    }
    // Diagonal intervals that overlap: eigenvalues in [2, 4] and [1, 3].
    let a = IntervalMatrix::from_fn(2, 2, |i, j| match (i, j) {
        (0, 0) => between(1.0, 4.0),
        (1, 1) => between(2.0, 3.0),
        _ => Interval::zero(),
    });
    let e = enclose_eigenvalues(&a).expect("symmetric");
    assert!(e[0].contains(2.0) && e[0].contains(4.0) && e[1].contains(1.0) && e[1].contains(3.0));
    assert!(!e[0].contains(4.1) && !e[1].contains(0.9));
}

/// beta (1 + x^2)^2 = 2 x: an interval of beta gives an interval that holds the roots of both ends.
#[test]
fn scalar_minima_of_wide_beta() {
    let beta = between(0.16, 0.16 + 1e-6);
    let best = scalar_minimum(2, &beta).expect("alive");
    for end in [0.16, 0.16 + 1e-6] {
        let point = scalar_minimum(2, &Interval::exact(end).expect("finite")).expect("alive");
        assert!(best.x.encloses(&point.x) && best.value.encloses(&point.value), "{end}");
    }
    assert!(best.x.width() < 1e-4 && best.value.width() < 1e-4);
}

/// Many more directions than rows and a small ridge: the root is far from where few directions put it. k = 1:
/// `lambda delta^2 + (lambda + 1 - gamma) delta = gamma`, with gamma = 8 and delta = 15 at lambda = 113/240.
#[test]
fn overparameterised_bags() {
    let one = [1.0];
    for (gamma, lambda) in [(8.0, 113.0 / 240.0), (10.0, 0.02), (0.01, 3.0), (40.0, 1e-9)] {
        let weight = [gamma];
        let problem =
            BagProblem { k: 1.0, rho: 0.3, lambda, sigma2: 1.0, sigma: &one, weight: &weight, theta2: &one };
        let delta = bag_risk(&problem).expect("certified").delta;
        // Stable form of the positive root; the sum is far from cancelling for these.
        let b: f64 = lambda + 1.0 - gamma;
        let expected = if b < 0.0 {
            (-b + (b * b + 4.0 * lambda * gamma).sqrt()) / (2.0 * lambda)
        } else {
            2.0 * gamma / (b + (b * b + 4.0 * lambda * gamma).sqrt())
        };
        assert!(
            (delta.midpoint() / expected - 1.0).abs() < 8.0 * f64::EPSILON,
            "{gamma}: {delta} {expected}"
        );
    }
    // Eigenvalues far from 1: delta = weight sigma/(s sigma + lambda), s = 1/(1 + delta), checked as written.
    let (sigma, weight, energy) = ([300.0, 0.01], [2.0, 5.0], [1.0, 1.0]);
    let problem = BagProblem {
        k: 1.0,
        rho: 0.0,
        lambda: 0.5,
        sigma2: 1.0,
        sigma: &sigma,
        weight: &weight,
        theta2: &energy,
    };
    let risk = bag_risk(&problem).expect("certified");
    let (delta, s) = (risk.delta.midpoint(), risk.s.midpoint());
    let right: f64 = (0..2).map(|j| weight[j] * sigma[j] / (s * sigma[j] + 0.5)).sum();
    assert!((delta / right - 1.0).abs() < 1e-13 && (s * (1.0 + delta) - 1.0).abs() < 1e-14);
}

/// The nonzero simplex exists for lambda up to `max_m m^(1-2/L) n^(-1/L)/(e^m + K - 1)` (NC-13): mpmath, 20 digits.
#[test]
fn the_simplex_branch_ends_where_it_must() {
    for (k, n, depth, critical) in [
        (4, 2, 2, 0.141_008_758_383_219_36),
        (5, 3, 3, 0.113_835_960_191_405_11),
        (3, 7, 2, 0.115_681_854_928_720_73),
    ] {
        let inside = deep_branches(k, n, depth, critical * (1.0 - 1e-6)).expect("certified");
        let branch = inside.simplex.expect("a stationary margin");
        // Beside the fold the branch is above the origin, which is then the better of the two.
        assert!(inside.origin.is_below(&branch.value));
        assert_eq!(inside.refutation, inside.origin.clone() - inside.pairs.value);
        let outside = deep_branches(k, n, depth, critical * (1.0 + 1e-6)).expect("certified");
        assert!(outside.simplex.is_none());
    }
}

/// Minima of both branches (NC-13): mpmath, 18 digits. The pairs are evaluated at an approximate minimiser, second order in
/// its error.
#[test]
fn branches_have_their_reference_values() {
    for (k, n, depth, lambda, pairs, margin, simplex) in [
        (4, 3, 3, 1e-3, 0.021_465_167_970_952_544, 7.648_958_344_168_572, 0.023_267_598_022_100_044),
        (5, 3, 3, 1e-3, 0.029_363_909_358_967_974, 7.648_448_283_807_082, 0.031_023_010_625_443_71),
        (7, 2, 2, 1e-4, 0.005_267_126_781_549_299, 9.737_602_212_465_374, 0.005_524_822_446_994_563),
        (3, 4, 2, 1e-3, 0.023_451_580_120_344_74, 7.097_239_033_905_295, 0.019_240_773_601_600_886),
    ] {
        let found = deep_branches(k, n, depth, lambda).expect("certified");
        let branch = found.simplex.expect("alive");
        for (x, expected) in [(&found.pairs.value, pairs), (&branch.margin, margin), (&branch.value, simplex)]
        {
            assert!((x.midpoint() / expected - 1.0).abs() < 1e-14, "{k}: {x} against {expected}");
        }
        assert!((found.refutation.midpoint() - (simplex - pairs)).abs() < 1e-15);
    }
}

/// `K lambda sqrt(n) = 1` exactly: K = 2, n = 4, lambda = 1/4. One ulp below the margin is positive.
#[test]
fn the_threshold_of_the_margin() {
    let at = balanced_margin(2, 4, 0.25, 0.25).expect("decided");
    assert_eq!(at.margin, Interval::zero());
    assert!((at.value.midpoint() - std::f64::consts::LN_2).abs() < 1e-16);
    let below = balanced_margin(2, 4, 0.25_f64.next_down(), 0.25).expect("decided");
    assert!(below.margin.is_positive() && below.value.is_below(&at.value));
    let above = balanced_margin(2, 4, 0.25_f64.next_up(), 0.25).expect("decided");
    assert_eq!(above.margin, Interval::zero());
    // Three classes: 2 e^-m, value against the formula: K = 3, n = 4, lambda = 1/20: e^m = 8.
    let three = balanced_margin(3, 4, 0.1, 0.025).expect("decided");
    assert!((three.margin.midpoint() - 8_f64.ln()).abs() < 1e-14);
    let value = 1.25_f64.ln() + 0.2 * 8_f64.ln();
    assert!((three.value.midpoint() - value).abs() < 1e-15);
}

/// `R diag(x, y) R'` in hundredths of a rotation by a Pythagorean triple: eigenvalues known exactly, eigenvectors not in doubles.
/// Whatever the refined basis still lacks of orthonormality is part of the enclosure.
#[test]
fn eigenvalues_known_exactly_are_enclosed() {
    for (a, b, c) in
        [(3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (12, 35, 37), (9, 40, 41)]
    {
        for (x, y) in
            [(7_i32, 2_i32), (1, 0), (5, -5), (1000, 1), (-3, -4), (999_983, 99_991), (3, 2), (1, -1000)]
        {
            let entries = [x * a * a + y * b * b, (x - y) * a * b, x * b * b + y * a * a];
            let matrix = from_rows(&[
                vec![f64::from(entries[0]), f64::from(entries[1])],
                vec![f64::from(entries[1]), f64::from(entries[2])],
            ]);
            let exact = IntervalMatrix::exact(matrix.expect("rows").as_ref()).expect("finite");
            let found = enclose_eigenvalues(&exact).expect("symmetric");
            for (e, value) in found.iter().zip([x.max(y) * c * c, x.min(y) * c * c]) {
                assert!(e.contains(f64::from(value)), "{a} {b} {x} {y}: {e} {value}");
                assert!(e.width() <= 1e-50 * f64::from(x.abs().max(y.abs()) * c * c), "{e}");
            }
        }
    }
}
