//! Ends of the domains, refusals of lost digits, and minima with a rival.
use solvable_model::Covariance;

use super::super::*;
use super::assert_close;

const BAD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// Jensen: the fourth moment is at least the squared variance; signs +-sqrt(v) have exactly that.
#[test]
fn coordinates() {
    for v in [1.0, 0.3, 7.0] {
        let limit = v * v;
        assert!(Coordinates::new(v, limit).is_ok() && Coordinates::new(v, 3.0 * limit).is_ok());
        assert!(Coordinates::new(v, limit * (1.0 - 1e-12)).is_err());
        for fourth in BAD.into_iter().chain([0.0, -1.0]) {
            assert!(Coordinates::new(v, fourth).is_err(), "{fourth}");
        }
    }
    for v in BAD.into_iter().chain([0.0, -1.0]) {
        assert!(Coordinates::new(v, 1.0).is_err() && Coordinates::uniform(v).is_err(), "{v}");
    }
    assert!(Coordinates::uniform(1e-78).is_err() && Coordinates::uniform(1e78).is_err());
    // Uniform on [-1, 1], d = 2, N = 4, tau2 = 1, no noise: v = 1/3, mu_4/v = 3/5, c_N = (1 + 1/3 + 3/5)/4.
    let size = FiniteSize::new(2, 4, 1.0, 0.0).expect("valid");
    let law = Coordinates::uniform(1.0).expect("valid");
    let best = best_one_step_on(&size, &law).expect("valid");
    let c = (1.0 + 1.0 / 3.0 + 0.6) / 4.0;
    assert_close(best.eta, 1.0 / c, 8.0 * f64::EPSILON);
    assert_close(best.risk, 2.0 / 3.0 * (1.0 - 1.0 / (3.0 * c)), 8.0 * f64::EPSILON);
    // The risk as written: tau2 v d [1 - 2 eta v + eta^2 v c_N].
    for eta in [0.0, 0.5, -1.0, 3.0] {
        let expected = 2.0 / 3.0 * (1.0 - 2.0 * eta / 3.0 + eta * eta * c / 3.0);
        assert_close(one_step_risk(&size, &law, eta).expect("valid"), expected, 16.0 * f64::EPSILON);
    }
    assert_close(one_step_risk(&size, &law, best.eta).expect("valid"), best.risk, 16.0 * f64::EPSILON);
}

/// Eight steps of 1 on a long prompt leave (1 - S)^16, far below the rounding of the moments: refused, not returned.
#[test]
fn lost_digits_are_refused() {
    let lambda = Covariance::diagonal("Lambda", &[1.0]).expect("valid");
    let found = general_covariance_risk(&lambda, 1_000_000, 1.0, 0.0, &[1.0; 8]);
    assert!(matches!(found, Err(crate::icl::IclError::NotRepresentable { .. })), "{found:?}");
    // One step keeps all digits: E (1 - S)^2 = 2/N in one dimension.
    let found = general_covariance_risk(&lambda, 10, 1.0, 0.0, &[1.0]).expect("accurate");
    assert!((found.value - 0.2).abs() <= found.error_bound && found.error_bound < 1e-13);
    assert!(general_covariance_risk(&lambda, 10, 1.0, 0.0, &[0.1; 17]).is_err());
}

/// ICL-50: two local minima; mpmath, 17 digits, of the risk as the trapezoidal sum over the semicircle (400 points).
#[test]
fn constant_steps_with_a_rival_minimum() {
    for (k, c, s, eta, risk) in [
        (4, 0.1, 0.5, 0.246474906533, 0.353_766_428_012_163_24),
        (10, 0.1, 0.05, 0.348553460901, 0.053_311_732_260_475_3),
        (6, 0.1, 0.5, 0.172099582794, 0.352_799_933_560_757_95),
        (2, 0.3, 0.2, 0.715151262057, 0.230_788_623_039_760_53),
    ] {
        let found = best_constant_step(k, c, s).expect("valid");
        assert_close(found.eta, eta, 1e-11);
        assert_close(found.risk, risk, 64.0 * f64::EPSILON);
    }
    assert!(best_constant_step(LARGEST_RULE, 0.5, 0.1).is_err());
    for x in BAD.into_iter().chain([0.0, -1.0]) {
        assert!(best_constant_step(2, x, 0.1).is_err(), "{x}");
    }
    for s in BAD.into_iter().chain([-f64::MIN_POSITIVE]) {
        assert!(best_constant_step(2, 0.5, s).is_err() && gradient_flow_risk(0.5, s, 1.0).is_err(), "{s}");
    }
    assert!(limit_risk(&Schedule::constant(LARGEST_RULE, 0.1).expect("valid"), 0.5, 0.1).is_err());
    assert!(SpectralRule::marchenko_pastur(0.5, 0).is_err());
    assert!(SpectralRule::marchenko_pastur(0.5, LARGEST_RULE + 1).is_err());
}

/// f = lambda (1 - gamma lambda)^2 on [1/2, 2], worked out by hand.
#[test]
fn condition_numbers() {
    let at = |gamma: f64| corrected_condition(0.5, 2.0, gamma).expect("valid");
    // f(2)/f(1/2) = 4 at gamma = 0, 4 (3/1.5)^2 at gamma = -1, 4 (7/1)^2 beyond both zeros.
    for (gamma, expected) in [(0.0, 4.0), (-1.0, 16.0), (4.0, 196.0)] {
        assert_close(at(gamma), expected, 8.0 * f64::EPSILON);
    }
    // The maximum 4/(27 gamma) is inside, the minimum at an end: 0.32 at the top for gamma = 0.3.
    assert_close(at(0.3), 4.0 / 8.1 / 0.32, 16.0 * f64::EPSILON);
    // gamma = 1/4: f(1/2) = 49/128 < f(2) = 1/2; the maximum 16/27.
    assert_close(at(0.25), 16.0 / 27.0 * 128.0 / 49.0, 16.0 * f64::EPSILON);
    // The zero 1/gamma in [1/2, 2], its ends included.
    for gamma in [0.5, 1.0, 2.0] {
        assert_eq!(at(gamma), f64::INFINITY);
    }
    assert!(at(0.499).is_finite() && at(2.001).is_finite());
    // kappa = 4: 4 (4 + 2 + 1)^3/(27 * 4 * 9), gamma = 1/(2 + 1 + 1/2).
    let best = best_correction(0.5, 2.0).expect("valid");
    assert_close(best.kappa, 343.0 / 243.0, 8.0 * f64::EPSILON);
    assert_close(best.gamma, 2.0 / 7.0, 8.0 * f64::EPSILON);
    assert_close(at(best.gamma), best.kappa, 16.0 * f64::EPSILON);
    for (m, top) in [(1.0, 1_f64.next_down()), (1.0, f64::INFINITY), (1.0, f64::NAN), (0.0, 1.0), (-1.0, 1.0)]
    {
        assert!(best_correction(m, top).is_err() && corrected_condition(m, top, 0.1).is_err());
        assert!(minimax_steps(m, top, 2).is_err());
    }
    assert_eq!(best_correction(1.0, 1.0).expect("one point").kappa, 1.0);
    let steps = minimax_steps(1.0, 1.0, 2).expect("one point");
    assert_eq!((steps.etas, steps.max_residual), (vec![1.0, 1.0], 0.0));
    // K = 1: step 2/(M + m), residual (M - m)/(M + m).
    let steps = minimax_steps(1.0, 3.0, 1).expect("valid");
    assert_close(steps.etas[0], 0.5, 8.0 * f64::EPSILON);
    assert_close(steps.max_residual, 0.5, 8.0 * f64::EPSILON);
}

#[test]
fn two_corrected_layers_have_two_steps_and_one_correction() {
    let found = best_two_layer_correction(0.5, 0.1).expect("valid");
    assert_eq!((found.etas.len(), found.gammas.len()), (2, 1));
    let schedule = Schedule::new(&found.etas, &found.gammas).expect("valid");
    assert_close(limit_risk(&schedule, 0.5, 0.1).expect("valid"), found.risk, 1e-12);
}
