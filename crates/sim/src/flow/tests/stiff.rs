//! Fast and slow modes apart by 1e6.
use super::{Modes, largest_difference};
use crate::flow::{FlowError, GradientFlow, Method, Options, integrate};

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
    let explicit = Options::until(2.0).tolerance(1e-5, 1e-5).max_steps(20_000);
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
