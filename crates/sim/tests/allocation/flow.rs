//! Flows, descents and minimisers: as many allocations, and bytes, for a long run as for a short one.
use rand::Rng;
use solvable_model::Objective;
use solvable_sim::flow::{
    DescentOptions, GradientFlow, Method, Options, StochasticGradient, descend_observed,
    descend_stochastic_observed, integrate_observed,
};
use solvable_sim::minimise::{LbfgsOptions, MinimiseError, lbfgs};
use solvable_sim::monte_carlo::Stream;
use solvable_sim::normal;

use super::allocations;

/// `sum_i rate_i (cosh x_i - 1)`: a flow that is neither linear nor ever at rest.
struct Valley(Vec<f64>);

impl Objective for Valley {
    type Work = ();

    fn dimension(&self) -> usize {
        self.0.len()
    }

    fn work(&self) {}

    fn value(&self, x: &[f64], (): &mut ()) -> f64 {
        x.iter().zip(&self.0).map(|(x, rate)| rate * (x.cosh() - 1.0)).sum()
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], (): &mut ()) {
        for ((g, x), rate) in gradient.iter_mut().zip(x).zip(&self.0) {
            *g = rate * x.sinh();
        }
    }
}

impl StochasticGradient for Valley {
    type Work = Vec<f64>;

    fn dimension(&self) -> usize {
        self.0.len()
    }

    fn work(&self) -> Vec<f64> {
        vec![0.0; self.0.len()]
    }

    fn sample<R: Rng + ?Sized>(&self, x: &[f64], gradient: &mut [f64], rng: &mut R, z: &mut Vec<f64>) {
        normal::fill(rng, z);
        for i in 0..x.len() {
            gradient[i] = self.0[i] * x[i] + z[i];
        }
    }
}

fn valley() -> Valley {
    Valley((0..40).map(|i| f64::powi(1.2, i)).collect())
}

#[test]
fn integrators() {
    let valley = valley();
    let start = vec![1.0; 40];
    let methods = [Method::DormandPrince5, Method::DormandPrince8, Method::Radau5, Method::Chebyshev2];
    for method in methods {
        let run = |steps: u64, records: u32| {
            let record: Vec<f64> = (1..=records).map(|k| f64::from(k) * 1e-6).collect();
            let options = Options::until(1e6).method(method).max_step(1e-2).max_steps(steps).record(record);
            let mut seen = 0;
            let counted = allocations(|| {
                let limited = integrate_observed(&GradientFlow::of(&valley), &start, &options, |_, x| {
                    seen += usize::from(x[0] > 0.0);
                });
                limited.expect_err("a limit on steps");
            });
            assert!(seen > 0);
            counted
        };
        // Many steps, with as many records as one likes, cost the allocations of the set-up.
        assert_eq!(run(60, 5), run(6000, 5), "{method:?}: steps");
        assert_eq!(run(60, 5), run(60, 500), "{method:?}: records");
    }
    // The automatic method makes its second one when it first needs it, here within 6000 steps, and keeps it.
    let run = |steps: u64| {
        let options = Options::until(1e6).max_step(1e-2).max_steps(steps);
        allocations(|| {
            integrate_observed(&GradientFlow::of(&valley), &start, &options, |_, _| ())
                .expect_err("a limit on steps");
        })
    };
    assert_eq!(run(6000), run(30_000));
}

#[test]
fn descents() {
    let valley = valley();
    let start = vec![0.1; 40];
    let run = |iterations: u64| {
        let options = DescentOptions::new(1e-4, iterations).momentum(0.5).record([0, 5]);
        let plain = allocations(|| {
            descend_observed(&valley, &start, &options, |_, _| ()).expect("stable");
        });
        let stochastic = allocations(|| {
            descend_stochastic_observed(&valley, &start, &options, &mut Stream::new(1, 0), |_, _| ())
                .expect("stable");
        });
        (plain, stochastic)
    };
    assert_eq!(run(10), run(10_000));
}

#[test]
fn minimisers() {
    let valley = valley();
    let start = vec![3.0; 40];
    let run = |iterations| {
        allocations(|| {
            let options = LbfgsOptions::default().gradient_norm(0.0).max_iterations(iterations);
            let limited = lbfgs(&valley, &start, &options);
            assert!(matches!(limited, Err(MinimiseError::NotConverged { .. })), "{limited:?}");
        })
    };
    assert_eq!(run(3), run(30));
}
