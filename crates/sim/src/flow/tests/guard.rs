//! The energy guard: a gradient flow never climbs.
use solvable_model::Objective;

use super::Modes;
use crate::flow::{FlowError, GradientFlow, Method, Options, integrate};

const METHODS: [Method; 5] =
    [Method::Automatic, Method::DormandPrince5, Method::DormandPrince8, Method::Radau5, Method::Chebyshev2];

/// The value of one objective with the gradient of another.
struct Mixed<F, G>(usize, F, G);

impl<F: Fn(&[f64]) -> f64, G: Fn(&[f64], &mut [f64])> Objective for Mixed<F, G> {
    type Work = ();

    fn dimension(&self) -> usize {
        self.0
    }

    fn work(&self) {}

    fn value(&self, x: &[f64], (): &mut ()) -> f64 {
        (self.1)(x)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], (): &mut ()) {
        (self.2)(x, gradient);
    }
}

#[test]
fn a_wrong_gradient_is_an_error() {
    // A sign is wrong: the field climbs from the start.
    let sign = Mixed(
        2,
        |x: &[f64]| 0.5 * (x[0] * x[0] + x[1] * x[1]),
        |x: &[f64], g: &mut [f64]| {
            g[0] = -x[0];
            g[1] = x[1];
        },
    );
    // A constant is missing: the field descends at first, past the minimum of the value at 0, towards -1/2.
    let constant = Mixed(1, |x: &[f64]| 0.5 * x[0] * x[0], |x: &[f64], g: &mut [f64]| g[0] = x[0] + 0.5);
    for method in METHODS {
        for (rtol, atol) in [(1e-4, 1e-6), (1e-10, 1e-12)] {
            let options = Options::until(20.0).method(method).tolerance(rtol, atol);
            match integrate(&GradientFlow::of(&sign), &[1.0, 0.1], &options) {
                Err(FlowError::EnergyClimbs { time, before, after, rejections, .. }) => {
                    assert!(time == 0.0 && after > before && rejections == 16, "{method:?}");
                }
                other => panic!("{method:?}: {other:?}"),
            }
            match integrate(&GradientFlow::of(&constant), &[2.0], &options) {
                // x = 5/2 exp(-t) - 1/2 vanishes at t = log 5; a long step may end a little beyond.
                Err(FlowError::EnergyClimbs { time, before, .. }) => {
                    let x = 2.5 * (-time).exp() - 0.5;
                    assert!(
                        time > 1.5 && (before - 0.5 * x * x).abs() < 1e-3,
                        "{method:?}: {time}, {before}"
                    );
                }
                other => panic!("{method:?}: {other:?}"),
            }
            // Told not to look, the integrator follows the field.
            let end = integrate(&GradientFlow::of(&constant), &[2.0], &options.clone().energy_guard(false));
            let end = end.expect("a smooth field");
            assert!((end.state[0] + 0.5).abs() < 1e-3 && end.energy.is_none() && end.statistics.climbs == 0);
        }
    }
}

#[test]
fn a_right_gradient_passes_at_any_tolerance() {
    // Fast modes at the edge of stability of explicit methods, and an offset that hides the last decreases in rounding.
    struct Offset(Modes, f64);
    impl Objective for Offset {
        type Work = ();
        fn dimension(&self) -> usize {
            self.0.dimension()
        }
        fn work(&self) {}
        fn value(&self, x: &[f64], work: &mut ()) -> f64 {
            self.0.value(x, work) + self.1
        }
        fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut ()) {
            self.0.gradient(x, gradient, work);
        }
    }
    for method in METHODS {
        for offset in [0.0, 1.0, -1e3] {
            for (rtol, atol) in [(1e-2, 1e-2), (1e-3, 1e-6), (1e-9, 1e-12)] {
                let objective = Offset(Modes(vec![300.0, 40.0, 1.0, 0.0]), offset);
                let options = Options::until(40.0).method(method).tolerance(rtol, atol);
                let mut energies = Vec::new();
                let options = options.record((0..=400).map(|k| 0.1 * f64::from(k)).collect::<Vec<_>>());
                let end = integrate(&GradientFlow::of(&objective), &[1.0, -1.0, 2.0, 3.0], &options)
                    .unwrap_or_else(|e| panic!("{method:?} at {rtol:e}, offset {offset}: {e}"));
                for state in &end.states {
                    energies.push(objective.value(state, &mut ()));
                }
                assert!(end.energy.expect("an objective") <= energies[0]);
                assert_eq!(end.state[3], 3.0);
            }
        }
    }
}

#[test]
fn climbing_steps_are_refused_and_counted() {
    // A loose tolerance lets an explicit step overshoot the fast mode of a narrow valley: the step is within the error
    // tolerance, and climbs.
    let objective = Modes(vec![1e4, 1.0]);
    let options = Options::until(1.0).method(Method::DormandPrince5).tolerance(1e-2, 10.0);
    let end = integrate(&GradientFlow::of(&objective), &[1.0, 1.0], &options).expect("descends in the end");
    assert!(
        end.statistics.climbs > 0 && end.statistics.rejected >= end.statistics.climbs,
        "{:?}",
        end.statistics
    );
    let energy = end.energy.expect("an objective");
    let free = integrate(&GradientFlow::of(&objective), &[1.0, 1.0], &options.energy_guard(false));
    let free = objective.value(&free.expect("bounded by the tolerance").state, &mut ());
    assert!(energy < free, "{energy} against {free} without the guard");
}

#[test]
fn an_objective_that_is_not_finite_is_named() {
    let value =
        Mixed(1, |x: &[f64]| if x[0] > 0.5 { x[0] } else { f64::NAN }, |_: &[f64], g: &mut [f64]| g[0] = 1.0);
    for method in METHODS {
        let result = integrate(&GradientFlow::of(&value), &[1.0], &Options::until(1.0).method(method));
        assert!(
            matches!(result, Err(FlowError::EnergyNotFinite { value, evaluation, .. }) if value.is_nan() && evaluation > 1),
            "{method:?}: {result:?}"
        );
    }
}
