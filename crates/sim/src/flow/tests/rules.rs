//! Records, rules that end an integration, limits, refusals.
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::{Modes, largest_difference};
use crate::flow::{FieldFn, FlowError, GradientFlow, Method, Options, Stop, integrate, integrate_observed};

const METHODS: [Method; 5] =
    [Method::Automatic, Method::DormandPrince5, Method::DormandPrince8, Method::Radau5, Method::Chebyshev2];

#[test]
fn records_are_exact_at_the_times_asked_for() {
    for method in METHODS {
        let modes = Modes(vec![1.0, 0.1, 0.0]);
        let times: Vec<f64> = (0..=40).map(|k| 0.25 * f64::from(k)).collect();
        let options = Options::until(10.0).method(method).tolerance(1e-10, 1e-10).record(times.clone());
        let solution = integrate(&GradientFlow::of(&modes), &[2.0, -1.0, 3.0], &options).expect("smooth");
        assert_eq!(solution.times, times);
        assert_eq!(solution.states[0], [2.0, -1.0, 3.0]);
        assert_eq!(solution.states[40], solution.state);
        for (t, x) in times.iter().zip(&solution.states) {
            let exact = [2.0 * (-t).exp(), -(-0.1 * t).exp(), 3.0];
            // The flow contracts, so that errors of steps add up at most; dense output adds that of about one more.
            let bound = solution.local_error + 1e-8;
            assert!(largest_difference(x, &exact) < bound, "{method:?} at {t}: {x:?}");
        }
        // Steps do not depend on the records.
        let plain = Options::until(10.0).method(method).tolerance(1e-10, 1e-10);
        let plain = integrate(&GradientFlow::of(&modes), &[2.0, -1.0, 3.0], &plain).expect("smooth");
        assert_eq!(plain.state, solution.state);
    }
}

#[test]
fn rules_end_where_they_should() {
    let modes = Modes(vec![1.0]);
    let flow = GradientFlow::of(&modes);
    for method in METHODS {
        let base = Options::forever().method(method).tolerance(1e-10, 1e-12);
        let end = integrate(&flow, &[1.0], &base.clone().stop_at_slope(1e-3)).expect("ends");
        assert_eq!(end.stop, Stop::Slope);
        assert!(end.slope_norm <= 1e-3 && end.time >= 1e3_f64.ln());
        let options = base.clone().stop_near([0.0], 1e-3).record([1.0, 6.9, 6.95]);
        let end = integrate(&flow, &[1.0], &options).expect("ends");
        assert_eq!(end.stop, Stop::Near);
        assert!((end.time - 1e3_f64.ln()).abs() < 1e-6, "{}", end.time);
        assert_eq!(end.times, [1.0, 6.9]);
        let at_once = integrate(&flow, &[5e-4], &base.stop_near([0.0], 1e-3)).expect("ends");
        assert_eq!((at_once.time, at_once.statistics.steps), (0.0, 0));
    }
}

/// With an absolute tolerance of 0 a component at rest at 0 is exact, and one that leaves 0 is followed, or the tolerances are
/// said to be too tight: no integration gets lost.
#[test]
fn tolerances_may_be_purely_relative() {
    let modes = Modes(vec![1.0, 0.0, 3.0, 2.0]);
    let leaving = FieldFn::new(2, |_, x, slope| (slope[0], slope[1]) = (1.0, x[0] - x[1]));
    for method in METHODS {
        let options = Options::until(2.0).method(method).tolerance(1e-7, 0.0).max_steps(20_000);
        let end = integrate(&GradientFlow::of(&modes), &[1.0, 0.0, 0.0, -1.0], &options)
            .unwrap_or_else(|e| panic!("{method:?}: {e}"));
        assert_eq!((end.state[1], end.state[2]), (0.0, 0.0));
        let exact = [(-2.0_f64).exp(), -(-4.0_f64).exp()];
        assert!((end.state[0] / exact[0] - 1.0).abs() < 1e-4 && (end.state[3] / exact[1] - 1.0).abs() < 1e-4);
        // x = t, y = t - 1 + 2 exp(-t) from y = 1.
        match integrate(&leaving, &[0.0, 1.0], &options) {
            Ok(end) => {
                let exact = 1.0 + 2.0 * (-2.0_f64).exp();
                assert!((end.state[0] - 2.0).abs() < 1e-6 && (end.state[1] / exact - 1.0).abs() < 1e-4);
            }
            // The implicit method has no unit for the increments of its first step.
            Err(FlowError::StepTooSmall { time, .. }) => assert!(method == Method::Radau5 && time == 0.0),
            Err(other) => panic!("{method:?}: {other}"),
        }
    }
}

#[test]
fn limits_are_errors() {
    let modes = Modes(vec![1.0]);
    let flow = GradientFlow::of(&modes);
    let run = |options: Options| integrate(&flow, &[1.0], &options).expect_err("limited");
    assert!(matches!(run(Options::until(9.0).max_steps(3)), FlowError::TooManySteps { limit: 3, .. }));
    let limited = run(Options::until(9.0).max_evaluations(9));
    assert!(matches!(limited, FlowError::TooManyEvaluations { limit: 9, .. }));
    let flag = Arc::new(AtomicBool::new(true));
    assert!(matches!(run(Options::until(9.0).stop_flag(flag)), FlowError::Cancelled { time: 0.0 }));
    let deadline = run(Options::until(9.0).deadline(Instant::now()));
    assert!(matches!(deadline, FlowError::DeadlinePassed { time: 0.0 }));
}

#[test]
fn cancelled_between_records() {
    let modes = Modes(vec![1.0]);
    let flag = Arc::new(AtomicBool::new(false));
    let options = Options::until(100.0).record([1.0, 2.0, 50.0]).stop_flag(flag.clone());
    let mut seen = Vec::new();
    let result = integrate_observed(&GradientFlow::of(&modes), &[1.0], &options, |t, _| {
        seen.push(t);
        flag.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(matches!(result, Err(FlowError::Cancelled { time }) if (1.0..50.0).contains(&time)));
    assert!(!seen.is_empty() && seen.len() < 3);
}

#[test]
fn a_field_that_is_not_finite_is_named() {
    // dx/dt = x^2 is infinite at t = 1; sqrt is NaN below 0.
    let explosion = FieldFn::new(1, |_, x, slope| slope[0] = x[0] * x[0]);
    for method in METHODS {
        let result = integrate(&explosion, &[1.0], &Options::until(2.0).method(method));
        let time = match result {
            Err(FlowError::StepTooSmall { time, .. }) => time,
            Err(FlowError::NotFinite(found)) => found.time,
            other => panic!("{method:?}: {other:?}"),
        };
        assert!((time - 1.0).abs() < 1e-4, "{method:?}: {time}");
        let nowhere = FieldFn::new(2, |t, _, slope| {
            slope[0] = 1.0;
            slope[1] = if t < 0.5 { 1.0 } else { f64::NAN };
        });
        match integrate(&nowhere, &[1.0, 1.0], &Options::until(2.0).method(method)) {
            Err(FlowError::NotFinite(found)) => {
                assert_eq!(found.component, 1);
                assert!(found.value.is_nan() && (found.time - 0.5).abs() < 1e-6 && found.evaluation > 1);
            }
            other => panic!("{method:?}: {other:?}"),
        }
    }
    let start = FieldFn::new(1, |_, _, slope: &mut [f64]| slope[0] = f64::INFINITY);
    let result = integrate(&start, &[1.0], &Options::until(2.0));
    assert!(matches!(result, Err(FlowError::NotFinite(found)) if found.evaluation == 1 && found.time == 0.0));
}

#[test]
fn arguments_are_refused() {
    let modes = Modes(vec![1.0, 2.0]);
    let flow = GradientFlow::of(&modes);
    let refused = [
        (vec![1.0], Options::until(1.0)),
        (vec![f64::NAN, 1.0], Options::until(1.0)),
        (vec![1.0, 1.0], Options::until(-1.0)),
        (vec![1.0, 1.0], Options::until(f64::NAN)),
        (vec![1.0, 1.0], Options::forever()),
        (vec![1.0, 1.0], Options::until(1.0).start(f64::INFINITY)),
        (vec![1.0, 1.0], Options::until(1.0).tolerance(-1.0, 1e-3)),
        (vec![1.0, 1.0], Options::until(1.0).tolerance(0.0, 0.0)),
        (vec![1.0, 1.0], Options::until(1.0).initial_step(0.0)),
        (vec![1.0, 1.0], Options::until(1.0).fixed_step(f64::NAN)),
        (vec![1.0, 1.0], Options::until(1.0).max_step(0.0)),
        (vec![1.0, 1.0], Options::until(1.0).record([0.5, 0.5])),
        (vec![1.0, 1.0], Options::until(1.0).record([1.5])),
        (vec![1.0, 1.0], Options::until(1.0).record([f64::NAN])),
        (vec![1.0, 1.0], Options::until(1.0).stop_at_slope(-1.0)),
        (vec![1.0, 1.0], Options::until(1.0).stop_near([0.0], 1.0)),
        (vec![1.0, 1.0], Options::until(1.0).stop_near([0.0, 0.0], 0.0)),
        (vec![1.0, 1.0], Options::until(1.0).energy_rounding(f64::NAN)),
    ];
    for (index, (x0, options)) in refused.iter().enumerate() {
        let result = integrate(&flow, x0, options);
        assert!(matches!(result, Err(FlowError::Input(_))), "case {index}: {result:?}");
    }
    let empty = integrate(&FieldFn::new(0, |_, _, _: &mut [f64]| ()), &[], &Options::until(1.0));
    assert!(matches!(empty, Err(FlowError::Input(_))));
    // An interval of length 0 is the initial state.
    let end = integrate(&flow, &[1.0, 1.0], &Options::until(0.0).record([0.0])).expect("nothing to do");
    assert_eq!((end.state.as_slice(), end.statistics.steps, end.times.len()), (&[1.0, 1.0][..], 0, 1));
}
