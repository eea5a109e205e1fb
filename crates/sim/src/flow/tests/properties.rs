//! Properties of every method on random quadratic valleys: sizes, rates over nine decades, flat directions, tolerances.
use std::cell::Cell;

use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};

use super::Modes;
use crate::flow::{GradientFlow, Method, Options, Solution, integrate};

const METHODS: [Method; 5] =
    [Method::Automatic, Method::DormandPrince5, Method::DormandPrince8, Method::Radau5, Method::Chebyshev2];

#[derive(Clone, Debug)]
struct Valley {
    rates: Vec<f64>,
    start: Vec<f64>,
    tolerance: f64,
    method: Method,
}

fn valley() -> impl Strategy<Value = Valley> {
    let mode = (any::<bool>(), any::<bool>(), -4.0..4.0_f64, -1.0..1.0_f64);
    (proptest::collection::vec(mode, 1..9), -8..-2_i32, 0..5_usize).prop_map(|(modes, tolerance, method)| {
        Valley {
            rates: modes.iter().map(|m| if m.0 && m.1 { 0.0 } else { 10_f64.powf(m.2) }).collect(),
            start: modes.iter().map(|m| m.3).collect(),
            tolerance: 10_f64.powi(tolerance),
            method: METHODS[method],
        }
    })
}

fn run(valley: &Valley, octaves: i32) -> Solution {
    let scale = 2_f64.powi(octaves);
    let modes = Modes(valley.rates.iter().map(|r| r * scale).collect());
    let options = Options::until(4.0 / scale)
        .method(valley.method)
        .tolerance(valley.tolerance, valley.tolerance)
        .record([1.0 / scale, 2.0 / scale])
        .initial_step(1e-5 / scale);
    integrate(&GradientFlow::of(&modes), &valley.start, &options)
        .unwrap_or_else(|e| panic!("{valley:?}: {e}"))
}

#[test]
fn valleys() {
    let cases = [const { Cell::new(0) }; 9];
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&valley(), |valley| {
        let solution = run(&valley, 0);
        let modes = Modes(valley.rates.clone());
        let s = solution.statistics;
        // Errors of steps only decay, so that they add up at most. Estimates may understate a step's error at unlucky
        // products of step and rate: two digits are allowed for that.
        let unit = 2.0 * valley.tolerance * (valley.rates.len() as f64).sqrt();
        let exact: Vec<f64> =
            valley.rates.iter().zip(&valley.start).map(|(r, x)| x * (-4.0 * r).exp()).collect();
        let error = super::distance(&solution.state, &exact);
        assert!(error <= 100.0 * s.steps as f64 * unit, "{valley:?}: error {error:e}, {s:?}");
        // Flat directions do not move; the energy does not rise; records are where they were asked for.
        for (i, rate) in valley.rates.iter().enumerate() {
            assert!(*rate > 0.0 || solution.state[i] == valley.start[i]);
        }
        let begin = solvable_model::Objective::value(&modes, &valley.start, &mut ());
        assert!(solution.energy.expect("an objective") <= begin * (1.0 + 1e-13));
        assert_eq!(solution.times, [1.0, 2.0]);
        assert!(s.steps > 0 && s.evaluations > s.steps && s.rejected >= s.climbs + s.not_converged);
        // Time in other units (powers of two, exact): the same bits, down to where slopes are subnormal.
        let same =
            |x: &[f64], y: &[f64]| x.iter().zip(y).all(|(x, y)| x == y || (x.abs().max(y.abs()) < 1e-280));
        for octaves in [-20, 7] {
            let other = run(&valley, octaves);
            assert!(same(&other.state, &solution.state), "{valley:?}");
            assert!(other.states.iter().zip(&solution.states).all(|(x, y)| same(x, y)), "{valley:?}");
            assert_eq!(other.statistics, s);
        }
        let method = METHODS.iter().position(|m| *m == valley.method).expect("one of them");
        let strata = [
            (method, true),
            (5, valley.rates.contains(&0.0)),
            (6, valley.rates.len() == 1),
            (7, valley.rates.iter().any(|r| *r > 1e3) && valley.rates.iter().any(|r| *r < 1.0)),
            (8, valley.method == Method::Automatic && solution.switched.is_some()),
        ];
        strata.iter().filter(|(_, inside)| *inside).for_each(|(k, _)| cases[*k].set(cases[*k].get() + 1));
        Ok(())
    });
    outcome.unwrap_or_else(|e| panic!("{e}"));
    let counts = cases.each_ref().map(Cell::get);
    let names = [
        "automatic",
        "order 5",
        "order 8",
        "implicit",
        "stabilised",
        "flat",
        "one mode",
        "stiff",
        "switched",
    ];
    super::published::show(&[format!("cases: {:?}", names.iter().zip(counts).collect::<Vec<_>>())]);
    assert!(counts.iter().all(|c| *c > 0), "an empty stratum: {counts:?}");
}
