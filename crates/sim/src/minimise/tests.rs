//! Tests of the minimisers.
use super::{LbfgsOptions, MinimiseError, Termination, lbfgs};
use solvable_model::Objective;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// An objective from a closure that writes the gradient and returns the value.
struct From<F>(usize, F);

impl<F: Fn(&[f64], &mut [f64]) -> f64> Objective for From<F> {
    type Work = Vec<f64>;

    fn dimension(&self) -> usize {
        self.0
    }

    fn work(&self) -> Vec<f64> {
        vec![0.0; self.0]
    }

    fn value(&self, x: &[f64], work: &mut Vec<f64>) -> f64 {
        (self.1)(x, work)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], _: &mut Vec<f64>) {
        (self.1)(x, gradient);
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64], _: &mut Vec<f64>) -> f64 {
        (self.1)(x, gradient)
    }
}

/// The chained Rosenbrock function plus an offset: minimum at (1, ..., 1).
fn rosenbrock(n: usize, offset: f64) -> impl Objective {
    From(n, move |x: &[f64], g: &mut [f64]| {
        g.fill(0.0);
        let mut value = offset;
        for i in 0..x.len() - 1 {
            let (a, b) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
            value += 100.0 * a * a + b * b;
            g[i] += -400.0 * a * x[i] - 2.0 * b;
            g[i + 1] += 200.0 * a;
        }
        value
    })
}

/// `sum_i rates[i] (x_i - 1)^2 / 2 + offset`.
fn quadratic(rates: Vec<f64>, offset: f64) -> impl Objective {
    From(rates.len(), move |x: &[f64], g: &mut [f64]| {
        let mut value = offset;
        for i in 0..x.len() {
            g[i] = rates[i] * (x[i] - 1.0);
            value += 0.5 * g[i] * (x[i] - 1.0);
        }
        value
    })
}

#[test]
fn reaches_the_floor_of_the_gradient() {
    // A gradient evaluated at a point rounded to epsilon has size about (curvature) epsilon, whatever the offset hides
    // of the objective: the curvature of the chain is at most about 1200 a coordinate.
    for n in [2, 10, 100] {
        for offset in [0.0, 1.0, -1e6] {
            let floor = 1200.0 * f64::EPSILON * (n as f64).sqrt();
            let x0: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { -1.2 } else { 1.0 }).collect();
            let options = LbfgsOptions::default().gradient_norm(0.0);
            let end = lbfgs(&rosenbrock(n, offset), &x0, &options).expect("smooth");
            assert!(end.gradient_norm <= floor, "n = {n}, offset {offset}: {end:?}");
        }
    }
    for condition in [1.0, 1e3, 1e6] {
        let rates: Vec<f64> = (0..40).map(|i| f64::powf(condition, f64::from(i) / 39.0)).collect();
        let options = LbfgsOptions::default().gradient_norm(0.0);
        let end = lbfgs(&quadratic(rates.clone(), 3.0), &vec![0.0; 40], &options).expect("smooth");
        // Each coordinate can be off by one spacing of floating-point numbers at 1.
        let floor = f64::EPSILON * rates.iter().map(|r| r * r).sum::<f64>().sqrt();
        assert!(end.gradient_norm <= floor, "condition {condition:e}: {end:?}");
    }
}

#[test]
fn stops_at_the_norm_asked_for() {
    let x0 = vec![-1.0; 20];
    let end = lbfgs(&rosenbrock(20, 0.0), &x0, &LbfgsOptions::default().gradient_norm(1e-6)).expect("smooth");
    assert_eq!(end.termination, Termination::Gradient);
    assert!(end.gradient_norm <= 1e-6 && end.evaluations >= end.iterations);
    // A quadratic with k distinct rates and memory >= k ends after few more than k steps.
    let rates: Vec<f64> = (0..60).map(|i| f64::from(1 + i % 3)).collect();
    let end = lbfgs(&quadratic(rates, 0.0), &vec![5.0; 60], &LbfgsOptions::default()).expect("smooth");
    assert!(end.iterations <= 12, "{}", end.iterations);
}

#[test]
fn crosses_regions_where_the_objective_is_not_finite() {
    // x - log x is NaN for x < 0; the first steps overshoot from 1e-3, where the gradient is -999.
    let barrier = From(2, |x: &[f64], g: &mut [f64]| {
        g[0] = 1.0 - 1.0 / x[0];
        g[1] = 1e4 * x[1];
        x[0] - x[0].ln() + 5e3 * x[1] * x[1]
    });
    let end = lbfgs(&barrier, &[1e-3, 1.0], &LbfgsOptions::default()).expect("convex");
    assert!((end.x[0] - 1.0).abs() < 1e-9 && end.x[1].abs() < 1e-13);
}

#[test]
fn a_wrong_gradient_is_an_error() {
    // The sign of a term is wrong: -g points uphill at x0.
    let uphill = From(2, |x: &[f64], g: &mut [f64]| {
        g[0] = -2.0 * x[0];
        g[1] = x[1];
        x[0] * x[0] + 0.5 * x[1] * x[1]
    });
    let result = lbfgs(&uphill, &[1.0, 0.1], &LbfgsOptions::default());
    assert!(
        matches!(result, Err(MinimiseError::NoDescent { change, expected, .. }) if change > 0.0 && expected < 0.0),
        "{result:?}"
    );
    // A coupling that the objective lacks: uphill where 1e4 y^2 + x^2 < 3e4 x y.
    let coupled = From(2, |x: &[f64], g: &mut [f64]| {
        g[0] = x[0];
        g[1] = 100.0 * x[1] - 300.0 * x[0];
        0.5 * x[0] * x[0] + 50.0 * x[1] * x[1]
    });
    let result = lbfgs(&coupled, &[1.0, 0.1], &LbfgsOptions::default());
    assert!(matches!(result, Err(MinimiseError::NoDescent { .. })), "{result:?}");
}

#[test]
fn what_cannot_be_minimised_is_refused() {
    let slope = From(1, |x: &[f64], g: &mut [f64]| {
        g[0] = -1.0;
        -x[0]
    });
    assert!(matches!(lbfgs(&slope, &[0.0], &LbfgsOptions::default()), Err(MinimiseError::Unbounded { .. })));
    let nan = From(1, |_: &[f64], g: &mut [f64]| {
        g[0] = f64::NAN;
        1.0
    });
    assert!(matches!(lbfgs(&nan, &[0.0], &LbfgsOptions::default()), Err(MinimiseError::NotFinite { .. })));
    let chain = rosenbrock(10, 0.0);
    let run = |x0: &[f64], options| lbfgs(&chain, x0, &options);
    let options = LbfgsOptions::default;
    let x0 = [-1.0; 10];
    assert!(matches!(run(&[0.0], options()), Err(MinimiseError::Input(_))));
    assert!(matches!(run(&[f64::INFINITY; 10], options()), Err(MinimiseError::Input(_))));
    assert!(matches!(run(&x0, options().memory(0)), Err(MinimiseError::Input(_))));
    assert!(matches!(run(&x0, options().gradient_norm(-1.0)), Err(MinimiseError::Input(_))));
    let limited = run(&x0, options().max_iterations(3));
    assert!(matches!(limited, Err(MinimiseError::NotConverged { iterations: 3, .. })));
    let stopped = run(&x0, options().stop_flag(Arc::new(AtomicBool::new(true))));
    assert!(matches!(stopped, Err(MinimiseError::Cancelled { iteration: 0 })));
    let late = run(&x0, options().deadline(Instant::now()));
    assert!(matches!(late, Err(MinimiseError::DeadlinePassed { iteration: 0 })));
}

#[test]
fn a_stationary_start_is_returned() {
    let end = lbfgs(&quadratic(vec![1.0; 3], 0.0), &[1.0; 3], &LbfgsOptions::default()).expect("stationary");
    assert_eq!((end.x.as_slice(), end.iterations), (&[1.0; 3][..], 0));
}
