//! Numbers of the specification, printed with 16 digits unless said otherwise.
use solvable_linalg::Mat;
use solvable_model::Covariance;

use super::super::*;
use super::assert_close;

/// Printed by another program in double precision: a few of its roundings.
const PRINTED: f64 = 4e-15;

#[test]
fn trace_moments() {
    for (k, top, bottom) in [
        (1, 1.0, 1.0),
        (2, 11.0, 6.0),
        (3, 79.0, 18.0),
        (4, 445.0, 36.0),
        (5, 1060.0, 27.0),
        (6, 11150.0, 81.0),
        (7, 14210.0, 27.0),
        (8, 528_845.0, 243.0),
    ] {
        // Both are the double nearest to the same rational.
        assert_eq!(wishart_moment(k, 4, 6).expect("valid"), top / bottom, "{k}");
    }
    assert_eq!(wishart_moment(3, 7, 4).expect("valid"), 11.625);
    assert!(wishart_moment(33, 4, 6).is_err() && wishart_moment(2, 0, 6).is_err());
    for (k, expected) in [(3, 2.36), (4, 4.424), (8, 89.58736640000004)] {
        assert_close(marchenko_pastur_moment(k, 0.4).expect("valid"), expected, PRINTED);
    }
}

#[test]
fn matrix_moments() {
    let lambda = Covariance::diagonal("Lambda", &[0.5, 1.0, 2.0]).expect("valid");
    for (k, expected) in [(2, [0.65, 1.9, 6.2]), (3, [1.515, 5.19, 24.3]), (4, [5.0435, 18.221, 113.666])] {
        let m = wishart_matrix_moment(k, &lambda, 5).expect("valid");
        for i in 0..3 {
            assert_close(m[(i, i)], expected[i], PRINTED);
            for j in 0..3 {
                assert!(i == j || m[(i, j)] == 0.0);
            }
        }
    }
}

#[test]
fn risks_at_finite_size() {
    let size = FiniteSize::new(3, 8, 1.5, 0.4).expect("valid");
    let plain = |etas: &[f64]| Schedule::new(etas, &[]).and_then(|s| finite_risk(&size, &s)).expect("valid");
    assert_close(plain(&[0.6]), 1.584, PRINTED);
    assert_close(plain(&[0.5, 0.8]), 0.9146250000000015, PRINTED);
    // Printed ...393 from a floating sum of terms of total size 94; exact rationals give ...438.
    assert_close(plain(&[0.3, 0.3, 0.9]), 0.7343499858398393, 94.0 / 0.73 * f64::EPSILON);
    assert_eq!(plain(&[]), 4.5);
    let best = best_one_step(&size).expect("valid");
    assert_close(best.eta, 0.6521739130434783, PRINTED);
    assert_close(best.risk, 1.5652173913043477, PRINTED);
    let corrected = Schedule::new(&[0.7, 0.9], &[0.12]).expect("valid");
    assert_close(finite_risk(&size, &corrected).expect("valid"), 0.7009503654461902, PRINTED);
    assert_close(limit_risk(&corrected, 0.5, 0.1).expect("valid"), 0.20651385899039987, PRINTED);
    let uniform = Coordinates::uniform(1.0).expect("valid");
    let size = FiniteSize::new(10, 10, 1.0, 0.0).expect("valid");
    let best = best_one_step_on(&size, &uniform).expect("valid");
    assert_close(best.eta, 1.5151515151515151, PRINTED);
    assert_close(best.risk, 1.6498316498316499, PRINTED);
    assert_close(one_step_risk(&size, &uniform, best.eta).expect("valid"), best.risk, PRINTED);
}

#[test]
fn general_covariance() {
    let lambda = Covariance::diagonal("Lambda", &[0.5, 1.0, 2.0]).expect("valid");
    for (etas, expected) in [(&[0.4][..], 2.007), (&[0.3, 0.5][..], 1.2719915771484407)] {
        let found = general_covariance_risk(&lambda, 8, 1.5, 0.4, etas).expect("valid");
        assert_close(found.value, expected, PRINTED);
        assert!((found.value - expected).abs() <= found.error_bound && found.error_bound < 1e-12);
    }
}

#[test]
fn optima_at_finite_size() {
    for (k, top, bottom) in
        [(1, 3.0, 8.0), (2, 194.0, 999.0), (3, 61583.0, 531_468.0), (4, 42_605_293.0, 569_360_673.0)]
    {
        assert_eq!(finite_optimal_risk(k, 5, 10, 0.0).expect("valid"), top / bottom, "{k}");
    }
    for (k, expected) in
        [(1, 0.3939393939393939), (2, 0.23090348478678224), (3, 0.1663092214198471), (4, 0.13562118244849852)]
    {
        assert_close(finite_optimal_risk(k, 5, 10, 0.05).expect("valid"), expected, PRINTED);
    }
    let pair = finite_optimum(2, 5, 10, 0.0).expect("valid");
    assert!(pair.realisable && pair.steps == pair.ridge_steps);
    assert_close(pair.steps[0], 0.38689356497580135, PRINTED);
    assert_close(pair.steps[1], 1.099592921510685, PRINTED);
    assert_eq!(finite_optimal_risk(2, 5, 20, 0.0).expect("valid"), 359.0 / 4969.0);
}

/// The trained weights printed by Ahn et al. lie within 0.03 of these exact optima; printed digits of the specification.
#[test]
fn christoffel_steps() {
    let best = finite_optimum(3, 5, 20, 0.0).expect("valid");
    for (found, expected) in best.steps.iter().zip([0.4224, 0.6891, 1.7142]) {
        assert!((found - expected).abs() < 5e-5, "{found}");
    }
}

#[test]
fn noise_makes_two_steps_coalesce() {
    // s = sigma2/n; the thresholds are printed to 13 digits.
    for (n, d, threshold) in [(20, 5, 4.248641263360), (5, 20, 4.248641263360), (10, 10, 4.809492830915)] {
        let at = |factor: f64| two_layers_realisable(d, n, factor * threshold / n as f64).expect("valid");
        assert!(at(1.0 - 1e-12) && !at(1.0 + 1e-12), "{n} {d}");
    }
    let best = finite_optimum_with_noise(2, 5, 20, 5.0).expect("valid");
    assert!(!best.realisable);
    assert!((best.bound - 0.2650954289).abs() < 5e-11);
    assert!((best.risk - 0.2656326015).abs() < 5e-11);
    assert!(best.steps[0] == best.steps[1]);
    // Three layers whose optimum no plain steps attain: between the bound and the best double step with a rest.
    let three = finite_optimum_with_noise(3, 5, 20, 15.0).expect("valid");
    let two = finite_optimum_with_noise(2, 5, 20, 15.0).expect("valid");
    assert!(!three.realisable && three.bound < three.risk && three.risk < two.risk);
    let schedule = Schedule::new(&three.steps, &[]).expect("valid");
    let exact = normalised_finite_risk(5, 20, 0.75, &schedule).expect("valid");
    assert_close(three.risk, exact, 1e-12);
}

#[test]
fn corrected_stack() {
    // Printed weights have four digits at a minimum: the loss is off by their square times the curvature.
    for (n, a, b, loss) in [
        (20, [0.3383, 2.0908, 8.5681], [0.8776, 0.5782], 1.92262e-4),
        (10, [0.5390, 1.5704, 11.781], [0.2970, 0.9482], 7.85186e-3),
    ] {
        let gammas = [a[0] * b[0], a[1] * b[1]];
        let start = Schedule::new(&a, &gammas).expect("valid");
        let given = normalised_finite_risk(5, n, 0.0, &start).expect("valid");
        let rule = SpectralRule::wishart(5, n, 14).expect("valid");
        assert_close(rule.risk(|l| start.at(l), 0.0).expect("valid"), given, 1e-10);
        let best = best_schedule_from(&rule, 0.0, &[start], true).expect("finite");
        // Six printed digits.
        assert_close(best.risk, loss, 5e-6);
        assert!(best.risk <= given);
    }
}

#[test]
fn limits() {
    for (k, expected) in [
        (1, 0.375),
        (2, 0.22330097087378664),
        (3, 0.17467948717948734),
        (5, 0.1517448250595349),
        (10, 0.1483528448380811),
    ] {
        assert_close(optimal_depth_risk(k, 0.5, 0.1).expect("valid").risk, expected, PRINTED);
    }
    assert_close(bayes_limit(0.5, 0.1).expect("valid"), 0.14833147735478824, PRINTED);
    let steps = optimal_limit_steps(3, 0.5, 0.1).expect("valid");
    for (found, expected) in steps.iter().zip([0.3846153846153846, 0.625, 1.6666666666666667]) {
        assert_close(*found, expected, PRINTED);
    }
    for (k, expected) in [(1, 0.393939393939), (2, 0.257592800900), (3, 0.218014689713), (4, 0.205723458179)]
    {
        // c = 0.5, s = 0.3 per d: lambda = 0.15; twelve decimals.
        assert!((optimal_depth_risk(k, 0.5, 0.15).expect("valid").risk - expected).abs() < 6e-13);
    }
    let fixed = Schedule::constant(4, 0.7).expect("valid");
    assert_close(limit_risk(&fixed, 0.5, 0.1).expect("valid"), 0.17821585631249975, PRINTED);
    let mixed = Schedule::new(&[0.4, 0.9, 0.6], &[]).expect("valid");
    assert_close(limit_risk(&mixed, 2.0, 0.05).expect("valid"), 3.0442095999999976, PRINTED);
    for (k, expected) in [
        (1, 0.33333333333333337),
        (2, 0.18518518518518512),
        (4, 0.08276177411979868),
        (8, 0.02657575242490584),
    ] {
        let best = best_constant_step(k, 0.5, 0.0).expect("valid");
        assert_close(best.eta, 2.0 / 3.0, PRINTED);
        // The integral for K >= 2 is good to 1e-13.
        assert_close(best.risk, expected, 1e-13);
    }
    let best = best_constant_step(2, 0.5, 0.1).expect("valid");
    assert!((best.eta - 0.6505317).abs() < 1e-7);
    assert_close(best.risk, 0.23903638283468065, PRINTED);
    assert_close(gradient_flow_risk(0.5, 0.1, 2.0).expect("valid"), 0.19467110321455838, 1e-13);
}

#[test]
fn best_two_layer_corrections() {
    // Polished with 40 digits by the specification; 12 to 14 digits printed.
    for (c, s, expected) in [
        (0.25, 0.0, 0.0059225151740966),
        (0.5, 0.0, 0.032258530062852),
        (1.0, 0.0, 0.20213675583133),
        (2.0, 0.0, 0.51612926503143),
        (0.5, 0.1, 0.15890094402263),
    ] {
        let best = best_two_layer_correction(c, s).expect("valid");
        assert_close(best.risk, expected, 2e-13);
        // Four optimal plain layers bound it (degree 4).
        assert!(best.risk >= optimal_depth_risk(4, c, s).expect("valid").risk);
    }
}

#[test]
fn conditioning() {
    let best = best_correction(0.1, 3.0).expect("valid");
    assert_close(best.gamma, 0.2741436565515396, PRINTED);
    assert_close(best.kappa, 5.712975019053589, PRINTED);
    let minimax = minimax_steps(0.2, 3.0, 5).expect("valid");
    assert_close(minimax.max_residual, 0.1417498819242964, 2.0 * PRINTED);
}

#[test]
fn baselines() {
    let risk = |n, d| least_squares_risk(&FiniteSize::new(d, n, 1.5, 0.4).expect("valid")).expect("valid");
    assert_close(risk(9, 3), 0.24, PRINTED);
    assert_close(risk(3, 8), 7.8, PRINTED);
    for n in [4, 5, 6] {
        assert_eq!(risk(n, 5), f64::INFINITY);
        let quiet = FiniteSize::new(5, n, 1.5, 0.0).expect("valid");
        assert_eq!(least_squares_risk(&quiet).expect("valid"), 1.5 * (5.0 - n as f64).max(0.0));
    }
    // Averaging is one layer at step 1.
    let size = FiniteSize::new(6, 4, 0.7, 0.3).expect("valid");
    let one = finite_risk(&size, &Schedule::constant(1, 1.0).expect("valid")).expect("valid");
    assert_close(averaging_risk(&size).expect("valid"), one, PRINTED);
    let x = Mat::from_fn(6, 3, |i, j| ((5 * i + 3 * j) % 7) as f64 / 4.0 - 0.75);
    let y = [1.0, -0.5, 2.0, 0.25, 0.5, -1.0];
    let (closed, stepped) =
        (ridge(&x, &y, 0.05).expect("valid"), recursive_ridge(&x, &y, 0.05).expect("valid"));
    for (a, b) in closed.iter().zip(&stepped) {
        assert!((a - b).abs() < 1e-13, "{a} {b}");
    }
    assert!(ridge(&x, &y, 0.0).is_err() && ridge(&x, &y[..5], 1.0).is_err());
    let w = single_example_step(&[1.0, -1.0], &[2.0, 0.5], 0.5, 0.1, 0.05).expect("valid");
    // x'w - y = 1: w - 0.2 (x + 0.05 w).
    assert_close(w[0], 0.59, PRINTED);
    assert_close(w[1], -1.09, PRINTED);
}

#[test]
fn refuses_what_has_no_answer() {
    for c in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(optimal_depth_risk(2, c, 0.0).is_err() && bayes_limit(c, 0.0).is_err());
        assert!(marchenko_pastur_moment(2, c).is_err() && optimal_limit_steps(2, c, 0.0).is_err());
        assert!(best_constant_step(2, c, 0.1).is_err() && gradient_flow_risk(c, 0.0, 1.0).is_err());
        assert!(best_two_layer_correction(c, 0.0).is_err() && SpectralRule::marchenko_pastur(c, 3).is_err());
    }
    for s in [-1e-300, f64::NAN, f64::INFINITY] {
        assert!(optimal_depth_risk(2, 0.5, s).is_err() && finite_optimal_risk(2, 3, 4, s).is_err());
        assert!(best_constant_step(3, 0.5, s).is_err() && gradient_flow_risk(0.5, s, 1.0).is_err());
    }
    assert!(gradient_flow_risk(0.5, 0.1, -1.0).is_err());
    for (m, top) in [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, f64::NAN), (f64::NAN, 1.0)] {
        assert!(best_correction(m, top).is_err() && minimax_steps(m, top, 3).is_err());
        assert!(corrected_condition(m, top, 0.1).is_err());
    }
    for (d, n, tau2, sigma2) in
        [(0, 1, 1.0, 0.0), (1, 0, 1.0, 0.0), (1, 1, 0.0, 0.0), (1, 1, 1.0, -1.0), (1, 1, f64::NAN, 0.0)]
    {
        assert!(FiniteSize::new(d, n, tau2, sigma2).is_err());
    }
    assert!(Schedule::new(&[0.1; 3], &[0.1]).is_err() && Schedule::new(&[f64::NAN], &[]).is_err());
    let deep = finite_optimal_risk(17, 3, 4, 0.0).expect_err("beyond the exact moments").to_string();
    assert!(deep.contains("K = 17") && deep.contains("16"), "{deep}");
}
