//! Fast and slow modes apart by 1e6.
use super::{Modes, largest_difference};
use crate::flow::{FieldFn, FlowError, GradientFlow, Method, Options, integrate};

/// Rates from 1 to 1e6 in `n` modes, logarithmically spaced.
fn modes(n: usize) -> Modes {
    Modes((0..n).map(|i| f64::powf(1e6, i as f64 / (n - 1) as f64)).collect())
}

#[test]
fn slow_modes_set_the_number_of_steps() {
    let n = 20;
    let exact: Vec<f64> = modes(n).0.iter().map(|rate| (-2.0 * rate).exp()).collect();
    let run = |method, relative: f64| {
        let options = Options::until(2.0).method(method).tolerance(relative, relative);
        let end = integrate(&GradientFlow::of(&modes(n)), &vec![1.0; n], &options).expect("smooth");
        let error = largest_difference(&end.state, &exact);
        // Modes only decay, so errors do not grow: their sum bounds the error of the end.
        assert!(
            error <= end.local_error.max(10.0 * relative),
            "{method:?}: {error:e} against {}",
            end.local_error
        );
        end.statistics
    };
    // An explicit method must resolve the fastest mode to the end, with steps of at most about 3.3e-6.
    let explicit = Options::until(2.0).method(Method::DormandPrince5).tolerance(1e-5, 1e-5).max_steps(20_000);
    match integrate(&GradientFlow::of(&modes(n)), &vec![1.0; n], &explicit) {
        Err(FlowError::TooManySteps { time, .. }) => assert!(time < 0.1, "{time}"),
        other => panic!("{other:?}"),
    }
    // The transient takes 20 modes in turn, about ten steps each at order 5 and 1e-5; then the slow mode is alone.
    for relative in [1e-3, 1e-5, 1e-7] {
        let implicit = run(Method::Radau5, relative);
        assert!(implicit.steps + implicit.rejected < 1000, "{implicit:?}");
        assert!(implicit.evaluations < 10_000, "{implicit:?}");
    }
    let stabilised = run(Method::Chebyshev2, 1e-5);
    assert!(stabilised.steps + stabilised.rejected < 2000, "{stabilised:?}");
    assert!(stabilised.evaluations < 100_000, "{stabilised:?}");
}

/// An absolute tolerance alone, in units other than 1: the stabilised method takes as many stages as with a relative one.
#[test]
fn absolute_tolerances_cost_no_more() {
    let n = 20;
    let run = |size: f64, relative, absolute| {
        let options = Options::until(2.0).method(Method::Chebyshev2).tolerance(relative, absolute);
        let end = integrate(&GradientFlow::of(&modes(n)), &vec![size; n], &options).expect("smooth");
        let slowest = size * (-2.0_f64).exp();
        assert!((end.state[0] - slowest).abs() <= 1e-3 * slowest);
        end.statistics.evaluations
    };
    let both = run(1.0, 1e-5, 1e-5);
    for size in [1.0, 1e-6, 1e6] {
        let alone = run(size, 0.0, 1e-5 * size);
        // A tolerance at most twice as tight: steps of order 2 shorten by the cube root of 2 at most, and the slow end, where the
        // relative part had shrunk, costs no more.
        assert!(4 * alone <= 6 * both, "{size:e}: {alone} evaluations against {both}");
    }
}

#[test]
fn the_automatic_method_changes_when_it_should() {
    for (n, expected) in [(20, Method::Radau5), (300, Method::Chebyshev2)] {
        let exact: Vec<f64> = modes(n).0.iter().map(|rate| (-2.0 * rate).exp()).collect();
        let record: Vec<f64> = (0..=20).map(|k| 0.1 * f64::from(k)).collect();
        let options =
            Options::until(2.0).method(Method::Automatic).tolerance(1e-5, 1e-5).record(record.clone());
        let end = integrate(&GradientFlow::of(&modes(n)), &vec![1.0; n], &options).expect("smooth");
        let (time, method) = end.switched.expect("stiff");
        assert_eq!(method, expected);
        // The first modes to become stiff are the fastest: within some hundreds of their lifetimes.
        assert!(time < 1e-3, "{time}");
        assert!(largest_difference(&end.state, &exact) <= end.local_error.max(1e-4));
        assert_eq!(end.times, record);
        assert!(end.statistics.evaluations < 100_000, "{:?}", end.statistics);
    }
    // Where the method for stiff problems costs more, the explicit one returns, at an overhead of less than a half.
    let mild = || Modes((0..300).map(|i| if i == 0 { 30.0 } else { 1.0 }).collect());
    let options = Options::until(10.0).tolerance(1e-9, 1e-9);
    let explicit = options.clone().method(Method::DormandPrince5);
    let run =
        |options: &Options| integrate(&GradientFlow::of(&mild()), &[1.0; 300], options).expect("smooth");
    let (automatic, explicit) = (run(&options), run(&explicit));
    let counts = (automatic.statistics.evaluations, explicit.statistics.evaluations);
    assert!(2 * counts.0 < 3 * counts.1, "{counts:?}, {:?}", automatic.switched);
    // A problem that is not stiff is left alone.
    let options = Options::until(20.0).method(Method::Automatic);
    let oscillator = FieldFn::new(2, |_, x, s| (s[0], s[1]) = (x[1], -x[0]));
    assert_eq!(integrate(&oscillator, &[1.0, 0.0], &options).expect("smooth").switched, None);
    let alone = integrate(&GradientFlow::of(&Modes(vec![1.0, 2.0])), &[1.0, 1.0], &options).expect("smooth");
    assert_eq!(alone.switched, None);
}
