//! Closed forms in the limit against high precision and against their own recursions.
use super::super::*;
use super::assert_close;

/// (K, c, s, R*_K, R*_K - Bayes): mpmath 1.3, 120 to 600 digits, from r of the quadratic, rounded to f64.
#[rustfmt::skip]
const DEPTH: [(usize, f64, f64, f64, f64); 16] = [
    (0, 0.5, 1e5, 1.0, 9.999850002749944e-06),
    (0, 1e4, 0.0, 1.0, 1e-4),
    (1, 0.5, 0.1, 0.375, 0.22666852264521173),
    (2, 0.25, 0.0, 0.047619047619047616, 0.047619047619047616),
    (7, 0.01, 0.0, 9.900000000000002e-15, 9.900000000000002e-15),
    (40, 0.1, 0.0, 9.00000000000002e-41, 9.00000000000002e-41),
    (1000, 0.99, 0.0, 4.3173092608557763e-07, 4.3173092608557763e-07),
    (5, 1.0, 0.0, 0.16666666666666666, 0.16666666666666666),
    (300, 1.0, 1e-12, 0.003322259236046511, 0.0033212592365465107),
    (3, 1.0000000000009095, 0.0, 0.25000000000034106, 0.24999999999943157),
    (10, 0.9999999990686774, 1e-15, 0.09090909048576565, 0.09090905932522245),
    (2, 1e6, 1e-3, 0.999999000000001, 9.99998995000002e-19),
    (5, 1e-6, 1e-9, 1.000000999000997e-09, 9.999989890000019e-31),
    (4, 3.0, 50.0, 0.9814623902050073, 2.0918025487870127e-14),
    (60, 0.3, 1e-13, 1.428571428571137e-13, 2.967381079214198e-32),
    (1, 1e-8, 1e8, 0.9999999900000001, 9.999999700000003e-33),
];

/// A power or exponential carries a few roundings for each unit of its logarithm.
#[test]
fn depth_risk_keeps_relative_accuracy() {
    for (k, c, s, risk, gap) in DEPTH {
        let found = optimal_depth_risk(k, c, s).expect("valid");
        let tolerance = 4.0 * (4.0 - gap.ln()) * f64::EPSILON;
        assert_close(found.risk, risk, tolerance);
        assert_close(found.gap, gap, tolerance);
    }
}

/// Sizes near the ends of the range: overwhelming noise or dimension leaves everything unexplained.
#[test]
fn extreme_parameters_stay_in_range() {
    for (c, s) in [(0.5, 1e308), (1e300, 1e300), (1e308, 0.0), (1e-300, 1e300)] {
        let found = optimal_depth_risk(2, c, s).expect("representable");
        assert!(found.risk <= 1.0 + f64::EPSILON && found.risk > 1.0 - 1e-15, "{c} {s} {found:?}");
    }
    let quiet = optimal_depth_risk(2, 1e-300, 0.0).expect("representable");
    assert!(quiet.risk >= 0.0 && quiet.risk < 1e-300);
}

/// (c, s, t, R): mpmath 1.3, 25 digits, quadrature in the angle on dyadic pieces.
#[rustfmt::skip]
const FLOW: [(f64, f64, f64, f64); 8] = [
    (0.5, 0.1, 2.0, 0.19467110321455838),
    (0.3, 0.0, 3.0, 0.03422934370078794),
    (1.0, 0.0, 100.0, 0.03988175524084353),
    (1.0, 0.2, 10000.0, 13.123956021990297),
    (4.0, 0.05, 10.0, 0.7541666556163883),
    (0.001, 0.0, 20.0, 8.618490381055311e-18),
    (0.9, 1e-6, 10000.0, 9.999999999999711e-06),
    (1000.0, 2.0, 0.001, 0.9991364047811617),
];

#[test]
fn gradient_flow_risk_is_accurate_at_every_scale() {
    for (c, s, t, risk) in FLOW {
        // Rounding of t lambda in the exponent, up to 40 where it matters, beside the rule's 1e-13.
        assert_close(gradient_flow_risk(c, s, t).expect("valid"), risk, 2e-13);
    }
    assert_eq!(gradient_flow_risk(0.5, 0.1, 0.0).expect("valid"), 1.0);
}

/// `u_K = 1/(1 + c + s - c u_{K-1})`, u = 1 - R: the continued fraction.
#[test]
fn recursion_in_depth() {
    for c in [0.05, 0.5, 1.0, 2.0, 20.0] {
        for s in [0.0, 0.01, 1.0] {
            let mut explained = 0.0;
            for k in 1..12 {
                explained = 1.0 / (1.0 + c + s - c * explained);
                let found = optimal_depth_risk(k, c, s).expect("valid").risk;
                assert!((found - (1.0 - explained)).abs() <= 16.0 * f64::EPSILON * (1.0 + c), "{c} {s} {k}");
            }
            let deep = optimal_depth_risk(100_000, c, s).expect("valid");
            assert!(deep.risk >= deep.bayes && deep.gap <= 1.1e-5);
        }
    }
}

/// Without noise the optimal steps are plain steps; their risk in the positive Gauss sum is the closed form.
#[test]
fn optimal_steps_attain_the_optimal_risk() {
    for c in [0.01, 0.3, 1.0, 2.5] {
        for k in 1..8 {
            let schedule =
                Schedule::new(&optimal_limit_steps(k, c, 0.0).expect("valid"), &[]).expect("valid");
            let expected = optimal_depth_risk(k, c, 0.0).expect("valid").risk;
            // The residual is the product of factors near 0: each node's rounding enters relative to the factor.
            assert_close(limit_risk(&schedule, c, 0.0).expect("valid"), expected, 1e-11);
        }
    }
}

/// `1 - (1/(1+c)) sum Cat_j (c/(1+c)^2)^j`.
#[test]
fn constant_step_without_noise_is_a_catalan_sum() {
    for c in [0.1, 0.5, 1.0, 1.5, 10.0] {
        for k in 1..12 {
            let x = c / ((1.0 + c) * (1.0 + c));
            let (mut term, mut sum) = (1.0, 0.0);
            for j in 0..k {
                sum += term;
                term *= x * 2.0 * (2.0 * f64::from(j) + 1.0) / (f64::from(j) + 2.0);
            }
            let found = best_constant_step(k as usize, c, 0.0).expect("valid");
            assert!((found.risk - (1.0 - sum / (1.0 + c))).abs() <= 1e-13, "{c} {k}");
            let fixed = Schedule::constant(k as usize, found.eta).expect("valid");
            assert_close(limit_risk(&fixed, c, 0.0).expect("valid"), found.risk, 1e-10);
        }
    }
    // c = 1: C(2K, K)/4^K.
    let found = best_constant_step(10, 1.0, 0.0).expect("valid").risk;
    assert_close(found, 184_756.0 / 1_048_576.0, 1e-13);
}

/// No point of a fine grid is better, also where the risk has two local minima (c = 0.1, s = 0.5, K even).
#[test]
fn constant_step_with_noise_is_global() {
    let mut double = 0;
    let mild = [(0.1, 0.5), (0.1, 0.05), (0.5, 0.1), (2.0, 1.0), (1.0, 1e4), (0.01, 0.9)];
    // Minima a factor of 3 to 50 apart.
    let apart = [(0.001, 0.3), (0.001, 0.7), (0.001, 1.0), (0.001, 3.0), (0.003, 0.5), (0.01, 2.0)];
    for (c, s) in mild.into_iter().chain(apart) {
        for k in [2, 3, 4, 6, 8, 10] {
            let found = best_constant_step(k, c, s).expect("valid");
            let value =
                |eta: f64| Schedule::constant(k, eta).and_then(|x| limit_risk(&x, c, s)).expect("valid");
            assert_close(value(found.eta), found.risk, 1e-12);
            let top = 3.0 / marchenko_pastur_edges(c).expect("valid").1;
            let grid: Vec<f64> = (1..=90).map(|i| value(top * f64::from(i) / 90.0)).collect();
            assert!(grid.iter().all(|&r| r >= found.risk * (1.0 - 1e-13)), "{c} {s} {k}");
            let minima = grid.windows(3).filter(|w| w[1] < w[0] && w[1] < w[2]).count();
            double += usize::from(minima > 1);
        }
    }
    assert!(double > 0, "the grid must contain a case with two minima");
}

/// Sizes that no machine holds are refused before anything is allocated.
#[test]
fn endless_schedules_are_refused() {
    for k in [usize::MAX, (1 << 28) + 1] {
        assert!(minimax_steps(0.5, 2.0, k).is_err() && optimal_limit_steps(k, 0.5, 0.0).is_err());
        assert!(Schedule::constant(k, 0.1).is_err());
        assert!(optimal_depth_risk(k, 0.5, 0.1).is_ok(), "needs no list");
    }
}
