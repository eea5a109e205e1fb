//! The ends of every domain: the limit itself is accepted, the next double beyond it refused, by name.
use solvable_model::InputError;
use solvable_model::icl::RegressionTask;

use crate::aggregate::{BagProblem, bag_risk, best_bag_size, critical_snr};
use crate::collapse::{
    balanced_margin, deep_branches, minority_threshold, scalar_minimum, squared_minimum, thresholds,
};
use crate::{CertifyError, Interval, IntervalMatrix, enclose_root};

const NOT_NUMBERS: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

#[track_caller]
fn refused<T: std::fmt::Debug>(found: Result<T, CertifyError>, name: &str) {
    match found {
        Err(CertifyError::Input(
            InputError::OutOfDomain { argument, .. }
            | InputError::Count { argument, .. }
            | InputError::Shape { argument, .. },
        )) => assert_eq!(argument.to_string(), name),
        other => panic!("{name} is not refused: {other:?}"),
    }
}

#[test]
fn bag_problems() {
    let (one, two) = ([1.0], [1.0, 1.0]);
    let good =
        BagProblem { k: 1.0, rho: 1.0, lambda: 0.1, sigma2: 0.0, sigma: &one, weight: &one, theta2: &one };
    for problem in [good, BagProblem { rho: 0.0, k: 2.0, ..good }] {
        assert!(bag_risk(&problem).is_ok(), "{problem:?}");
    }
    for x in NOT_NUMBERS {
        refused(bag_risk(&BagProblem { k: x, ..good }), "k");
        refused(bag_risk(&BagProblem { rho: x, ..good }), "rho");
        refused(bag_risk(&BagProblem { lambda: x, ..good }), "lam");
        refused(bag_risk(&BagProblem { sigma2: x, ..good }), "s2");
        let list = [x];
        refused(bag_risk(&BagProblem { sigma: &list, ..good }), "sigma");
        refused(bag_risk(&BagProblem { weight: &list, ..good }), "weight");
        refused(bag_risk(&BagProblem { theta2: &list, ..good }), "theta2");
    }
    let below = -f64::MIN_POSITIVE;
    for k in [1_f64.next_down(), 0.0, -2.0] {
        refused(bag_risk(&BagProblem { k, ..good }), "k");
    }
    for rho in [1_f64.next_up(), below] {
        refused(bag_risk(&BagProblem { rho, ..good }), "rho");
    }
    for lambda in [0.0, -1.0] {
        refused(bag_risk(&BagProblem { lambda, ..good }), "lam");
    }
    refused(bag_risk(&BagProblem { sigma2: below, ..good }), "s2");
    let list = [below];
    refused(bag_risk(&BagProblem { sigma: &list, ..good }), "sigma");
    refused(bag_risk(&BagProblem { weight: &list, ..good }), "weight");
    refused(bag_risk(&BagProblem { theta2: &list, ..good }), "theta2");
    refused(bag_risk(&BagProblem { sigma: &[], weight: &[], theta2: &[], ..good }), "sigma");
    refused(bag_risk(&BagProblem { weight: &two, ..good }), "weight");
    refused(bag_risk(&BagProblem { theta2: &two, ..good }), "theta2");
    // No direction with both variance and multiplicity.
    let (sigma, weight) = ([0.0, 1.0], [1.0, 0.0]);
    refused(bag_risk(&BagProblem { sigma: &sigma, weight: &weight, theta2: &two, ..good }), "weight");
    // One is enough.
    let sigma = [0.0, 1.0];
    assert!(bag_risk(&BagProblem { sigma: &sigma, weight: &two, theta2: &two, ..good }).is_ok());
}

#[test]
fn ratios_and_bag_sizes() {
    for x in NOT_NUMBERS.into_iter().chain([0.0, -0.1]) {
        refused(critical_snr(x, 2), "gamma");
        refused(best_bag_size(x, 1.0, 1.0), "gamma");
    }
    refused(critical_snr(0.3, 1), "k");
    refused(critical_snr(0.3, 0), "k");
    assert!(critical_snr(0.3, 2).is_ok());
    // gamma = 1 is the end of the formula: no signal-to-noise ratio is too small there.
    assert_eq!(critical_snr(1.0, 3).expect("valid"), Some(Interval::zero()));
    for gamma in [0.5, 0.75, 1.0] {
        refused(best_bag_size(gamma, 1.0, 1.0), "gamma");
    }
    assert!(best_bag_size(0.5_f64.next_down(), 1.0, 0.0).is_ok());
    for x in NOT_NUMBERS.into_iter().chain([-1.0]) {
        refused(best_bag_size(0.1, x, 1.0), "r2");
        refused(best_bag_size(0.1, 1.0, x), "s2");
    }
    // 2 r2 (1 - gamma) = gamma (r2 + s2) exactly: gamma = 1/4, r2 = 1, s2 = 5.
    assert!(best_bag_size(0.25, 1.0, 5.0).expect("valid").is_none());
}

#[test]
fn collapse_problems() {
    refused(thresholds(0), "M");
    // Depth one: both are 1, and beta = 1 is the exact end, where the minimiser is 0.
    let one = thresholds(1).expect("valid");
    assert_eq!((one.beta_c, one.beta_s), (Interval::one(), Interval::one()));
    let end = scalar_minimum(1, &Interval::one()).expect("decided");
    assert_eq!((end.x, end.value), (Interval::zero(), Interval::one()));
    let inside = scalar_minimum(1, &Interval::exact(1_f64.next_down()).expect("finite")).expect("decided");
    assert!(inside.x.is_positive() && inside.value.is_below(&Interval::one()));
    let around = Interval::between(0.75, 1.25).expect("ordered");
    assert!(matches!(scalar_minimum(1, &around), Err(CertifyError::Undecided { .. })));
    refused(scalar_minimum(2, &Interval::zero()), "beta");
    refused(scalar_minimum(2, &Interval::from(-1)), "beta");
    assert!(matches!(
        scalar_minimum(2, &Interval::between(-0.1, 0.3).expect("ordered")),
        Err(CertifyError::Domain { function: "beta", .. })
    ));
    for x in NOT_NUMBERS.into_iter().chain([0.0, -0.1]) {
        refused(squared_minimum(&[3], &[x], 0.1, 1, false), "lambda_w");
        refused(squared_minimum(&[3], &[0.1], x, 1, false), "lambda_h");
        refused(balanced_margin(2, 4, x, 0.1), "lambda_w");
        refused(balanced_margin(2, 4, 0.1, x), "lambda_h");
        refused(deep_branches(4, 2, 2, x), "lambda");
    }
    refused(squared_minimum(&[3], &[], 0.1, 1, false), "M");
    refused(squared_minimum(&[], &[0.1], 0.1, 1, false), "class_counts");
    refused(squared_minimum(&[3], &[0.1], 0.1, 0, false), "widths");
    let Err(CertifyError::Input(InputError::Count { argument, value, .. })) =
        squared_minimum(&[3, 2, 0], &[0.1], 0.1, 2, false)
    else {
        panic!("an empty class is refused");
    };
    assert_eq!((argument.to_string(), value), ("class_counts[2]".into(), 0));
    for (k, n, name) in [(1, 4, "K"), (0, 4, "K"), (2, 0, "n")] {
        refused(balanced_margin(k, n, 0.1, 0.1), name);
        refused(deep_branches(k, n, 2, 0.1), name);
    }
    refused(deep_branches(4, 2, 0, 0.1), "M");
    refused(minority_threshold(0, 5), "n_B");
    refused(minority_threshold(5, 0), "N");
    // sqrt(4)/16.
    assert!(minority_threshold(4, 16).expect("valid").contains(0.125));
}

#[test]
fn undefined_optima() {
    // Labels exist with noise alone.
    let task = |psi: f64, sigma2: f64| RegressionTask::isotropic(2, 1.0, psi, sigma2, 3).expect("valid");
    assert!(matches!(crate::icl::optimum(&task(0.0, 0.0)), Err(CertifyError::Singular { size: 2 })));
    assert!(crate::icl::optimum(&task(0.0, 1.0)).expect("regular").l_star.contains(0.0));
}

#[test]
fn intervals_at_their_ends() {
    let x = Interval::between(-1.0, 2.0).expect("ordered");
    for (value, member) in [
        (-1.0, true),
        (2.0, true),
        (0.5, true),
        ((-1_f64).next_down(), false),
        (2_f64.next_up(), false),
        (-7.0, false),
        (7.0, false),
        (f64::NAN, false),
        (f64::INFINITY, false),
        (f64::NEG_INFINITY, false),
    ] {
        assert_eq!(x.contains(value), member, "{value}");
    }
    let between = |a: f64, b: f64| Interval::between(a, b).expect("ordered");
    assert!(x.encloses(&x) && x.encloses(&between(-1.0, 0.0)) && x.encloses(&between(1.0, 2.0)));
    assert!(
        !x.encloses(&between(-1.5, 0.0))
            && !x.encloses(&between(0.0, 2.5))
            && !x.encloses(&between(-2.0, 3.0))
    );
    assert!(!x.encloses(&between(3.0, 4.0)) && !x.encloses(&between(-4.0, -3.0)));
    let zero = Interval::zero();
    assert!(zero.contains_zero() && !zero.is_positive() && !zero.is_negative());
    assert!(between(0.0, 1.0).contains_zero() && between(-1.0, 0.0).contains_zero());
    assert!(!between(1.0, 2.0).contains_zero() && !between(-2.0, -1.0).contains_zero());
    // Below is strict.
    assert!(
        !between(0.0, 1.0).is_below(&between(1.0, 2.0)) && between(0.0, 1.0).is_below(&between(1.5, 2.0))
    );
    assert!(!between(3.0, 4.0).is_below(&between(1.0, 2.0)));
    assert_eq!(between(0.0, 1.0).intersection(&between(1.0, 2.0)), Some(Interval::one()));
    assert_eq!(between(0.0, 1.0).intersection(&between(1.5, 2.0)), None);
    assert_eq!(between(1.5, 2.0).intersection(&between(0.0, 1.0)), None);
    assert_eq!(between(0.0, 1.0).hull(&between(2.0, 3.0)), between(0.0, 3.0));
    assert_eq!(between(-3.0, 1.0).max(&between(-1.0, 0.5)), between(-1.0, 1.0));
    assert_eq!(x.nonnegative(), Some(between(0.0, 2.0)));
    assert_eq!(between(-2.0, -1.0).nonnegative(), None);
    assert_eq!(between(-2.0, 0.0).nonnegative(), Some(Interval::zero()));
    for (y, magnitude) in [(between(-3.0, 1.0), 3), (between(-1.0, 3.0), 3), (between(-3.0, -1.0), 3)] {
        assert_eq!(y.magnitude(), Interval::from(magnitude));
        assert_eq!(y.symmetric(), between(-3.0, 3.0));
    }
    assert_eq!(between(-3.0, 1.0).abs(), between(0.0, 3.0));
    assert_eq!(between(-3.0, -1.0).abs(), between(1.0, 3.0));
    assert_eq!(between(1.0, 3.0).abs(), between(1.0, 3.0));
    assert_eq!(between(-3.0, 1.0).square(), between(0.0, 9.0));
    assert_eq!(between(-3.0, 1.0).powi(2), between(0.0, 9.0));
    assert_eq!(between(-3.0, 1.0).powi(3), between(-27.0, 1.0));
    assert_eq!(between(-3.0, -2.0).powi(3), between(-27.0, -8.0));
    assert_eq!(between(-3.0, 1.0).powi(0), Interval::one());
    assert_eq!(between(-3.0, 1.0) * between(-5.0, 2.0), between(-6.0, 15.0));
    assert_eq!((between(1.0, 6.0) / between(2.0, 4.0)).expect("positive"), between(0.25, 3.0));
    assert_eq!((between(1.0, 6.0) / between(-4.0, -2.0)).expect("negative"), between(-3.0, -0.25));
    assert_eq!(between(-1.0, 6.0).width(), 7.0);
    assert_eq!(between(-1.0, 6.0).midpoint(), 2.5);
    assert_eq!(between(-1.0, 6.0).middle(), Interval::exact(2.5).expect("finite"));
    assert!(Interval::between(1.0, 1.0).is_ok() && Interval::between(1_f64.next_up(), 1.0).is_err());
    for bad in NOT_NUMBERS {
        assert!(Interval::between(bad, 1.0).is_err() && Interval::between(-1.0, bad).is_err());
    }
}

#[test]
fn elementary_functions_at_their_ends() {
    let between = |a: f64, b: f64| Interval::between(a, b).expect("ordered");
    assert!(Interval::from(1 << 20).exp().is_ok() && Interval::from((1 << 20) + 1).exp().is_err());
    assert!(Interval::from(-(1 << 20)).exp().is_ok() && Interval::from(-(1 << 20) - 1).exp().is_err());
    assert_eq!(Interval::zero().exp().expect("small"), Interval::one());
    assert!(Interval::zero().ln().is_err() && between(0.0, 1.0).ln().is_err());
    assert_eq!(Interval::zero().sqrt().expect("at least 0"), Interval::zero());
    assert!(between(-f64::MIN_POSITIVE, 1.0).sqrt().is_err());
    for n in [1, 2, 3, 5] {
        assert_eq!(Interval::zero().root(n).expect("at least 0"), Interval::zero());
        assert!(between(-1.0, 1.0).root(n).is_err());
        let power = between(2.0, 3.0).powi(n);
        let root = power.root(n).expect("positive");
        assert!(root.contains(2.0) && root.contains(3.0) && root.width() < 1.0 + 1e-15);
    }
    assert!(Interval::one().root(0).is_err());
    // tanh(ln 2) = 3/5; odd, monotone, within (-1, 1).
    let t = Interval::ln_2().tanh().expect("small");
    let three_fifths = (Interval::from(3) / Interval::from(5)).expect("5 is not 0");
    assert!(t.intersection(&three_fifths).is_some() && t.width() < 1e-45);
    let wide = between(-1.0, 2.0).tanh().expect("small");
    assert!(wide.contains(1_f64.tanh() * -0.999) && wide.contains(2_f64.tanh() * 0.999));
    assert!(!wide.contains(2_f64.tanh() * 1.001) && !wide.contains(1_f64.tanh() * -1.001));
    assert!(between(0.0, 1.0).tanh().expect("small").contains(0.0));
    // 2^10 and 2^-1/2.
    let two = Interval::from(2);
    assert!(two.pow(&Interval::from(10)).expect("small").contains(1024.0));
    let root = two.pow(&Interval::exact(-0.5).expect("finite")).expect("small");
    assert!((root.square() * two).contains(1.0) && root.width() < 1e-45);
    assert!(Interval::zero().pow(&Interval::one()).is_err());
}

/// Roots of either sign, at 0, and at an end of the search.
#[test]
fn roots_on_both_sides() {
    let square = |x: &Interval| Ok(x.square() - Interval::from(2));
    let slope = |x: &Interval| Ok(x.scaled(1));
    for sign in [1.0, -1.0] {
        let root = enclose_root(sign * 1.4145, square, Some(&slope)).expect("near");
        assert!(root.unique && root.high == root.low.next_up());
        let (a, b) = (root.low.abs(), root.high.abs());
        assert!(
            a.min(b) < std::f64::consts::SQRT_2.next_up() && a.max(b) > std::f64::consts::SQRT_2.next_down()
        );
        let found = crate::newton(root.interval().expect("ordered"), square, slope).expect("holds one");
        assert!(found.square().contains(2.0) && found.width() < 1e-50);
        // 1.4 is further than 2^-10 away.
        assert!(enclose_root(sign * 1.4, square, None).is_err());
    }
    let decreasing = |x: &Interval| Ok(Interval::from(5) - x.clone());
    let exact = enclose_root(5.0, decreasing, Some(&|_: &Interval| Ok(Interval::from(-1)))).expect("exact");
    assert_eq!((exact.low, exact.high, exact.unique), (5.0, 5.0, true));
    let near = enclose_root(5.001, decreasing, None).expect("near");
    assert!(near.low <= 5.0 && near.high >= 5.0 && near.high <= near.low.next_up().next_up() && !near.unique);
    // x^3 is not certified unique by a slope that vanishes, 0 is an exact root.
    let flat = enclose_root(0.0, |x| Ok(x.powi(3)), Some(&|x: &Interval| Ok(x.square() * Interval::from(3))));
    let flat = flat.expect("exact");
    assert_eq!((flat.low, flat.high, flat.unique), (0.0, 0.0, false));
    // No root in the start.
    let away = Interval::between(2.0, 3.0).expect("ordered");
    assert!(matches!(crate::newton(away, square, slope), Err(CertifyError::NoRoot { .. })));
}

#[test]
fn singular_systems_are_refused() {
    let a = IntervalMatrix::from_fn(2, 2, |i, j| Interval::from((i as i64 + 1) * (j as i64 + 1)));
    let right = IntervalMatrix::from_fn(2, 1, |_, _| Interval::one());
    assert!(matches!(a.solve(&right), Err(CertifyError::Singular { size: 2 })));
    // A pivot of 0 in the first place is no obstacle: x = (3, 2).
    let a = IntervalMatrix::from_fn(2, 2, |i, j| Interval::from(i64::from(i != j)));
    let right = IntervalMatrix::from_fn(2, 1, |i, _| Interval::from(i as i64 + 2));
    let x = a.solve(&right).expect("regular");
    assert!(x.get(0, 0).contains(3.0) && x.get(1, 0).contains(2.0));
}
