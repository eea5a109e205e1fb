//! ICL-7, isotropic: against values of 50 digits, one dimension, duality, bounds and limits.
use solvable_model::icl::RegressionTask;

use super::super::{Whitened, bayes_lower_bound, isotropic_bayes_risk, minimum, scalar_bayes_risk};

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found / expected - 1.0).abs() <= tolerance, "{found:e} {expected:e}");
}

/// Risk per dimension at d = 8, sigma2 = 1/4, beta = 1; and d x N at beta = sigma2 = 1. Pfaffians in 50 digits, printed to 12 and 16.
#[test]
fn values_of_fifty_digits() {
    let by_length = [
        0.879914146005,
        0.761487960539,
        0.645572846066,
        0.533545421494,
        0.427585552108,
        0.330922539484,
        0.247681609683,
        0.181653892660,
        0.133785792621,
        0.100742853070,
        0.078194158737,
        0.062617332790,
        0.051590653617,
        0.043555552920,
        0.037527524313,
    ];
    for (k, value) in by_length.into_iter().enumerate() {
        let found = isotropic_bayes_risk(1.0, 0.25, 8, k + 1).expect("valid") / 8.0;
        assert!((found - value).abs() <= 5.1e-13, "{found} {value}");
    }
    for (d, n, value) in [
        (1, 3, 0.3443204575812015),
        (2, 2, 1.072167213356446),
        (3, 5, 0.878127415627346),
        (5, 3, 2.878127415627346),
    ] {
        close(isotropic_bayes_risk(1.0, 1.0, d, n).expect("valid"), value, 4e-15);
    }
}

/// d = 1 is an incomplete gamma function; the answer depends on scales through sigma2/beta alone.
#[test]
fn one_dimension_and_units() {
    for n in [1, 2, 3, 10, 57, 400, 30_000] {
        for (beta, sigma2) in
            [(1.0, 1e-6), (1.3, 0.4), (0.2, 7.0), (1e-3, 1e9), (1e200, 1e198), (1e-250, 1e-249)]
        {
            let expected = scalar_bayes_risk(beta, sigma2, n).expect("valid");
            close(isotropic_bayes_risk(beta, sigma2, 1, n).expect("valid"), expected, 1e-12);
        }
    }
}

/// Above Jensen's bound, below linear attention, above Bayes with one more example; with d and N exchanged the seen part is the same.
#[test]
fn bounds_monotony_duality() {
    for (d, n) in [(2, 1), (3, 3), (5, 2), (8, 21), (13, 13), (40, 17)] {
        for sigma2 in [1e-8, 0.01, 0.7, 30.0, 1e6] {
            let law = Whitened::new(&RegressionTask::isotropic(d, 1.0, 1.5, sigma2, n).expect("valid"))
                .expect("valid");
            let risk = isotropic_bayes_risk(1.5, sigma2, d, n).expect("valid");
            assert!(bayes_lower_bound(&law).expect("plain") * (1.0 - 1e-12) <= risk, "{d} {n} {sigma2}");
            assert!(risk <= minimum(&law).expect("plain") * (1.0 + 1e-12), "{d} {n} {sigma2}");
            assert!(isotropic_bayes_risk(1.5, sigma2, d, n + 1).expect("valid") < risk * (1.0 + 1e-12));
            let dual = isotropic_bayes_risk(1.5, sigma2, n, d).expect("valid");
            close(
                dual - 1.5 * n as f64,
                risk - 1.5 * d as f64,
                1e-12 * (d + n) as f64 * 1.5 / (risk - 1.5 * d as f64).abs(),
            );
        }
    }
}

/// Weak noise: sigma2 d/(N - d - 1) for N > d + 1; strong noise: beta d; edges of the domain.
#[test]
fn limits_and_refusals() {
    close(isotropic_bayes_risk(1.0, 1e-30, 5, 11).expect("valid"), 1e-30, 1e-12);
    close(isotropic_bayes_risk(2.0, 1e300, 5, 11).expect("valid"), 10.0, 1e-15);
    // d = N = 1: E 1/(g + lambda) = sqrt(pi/(2 lambda)) at leading order.
    close(
        isotropic_bayes_risk(1.0, 1e-20, 1, 1).expect("valid"),
        1e-20 * (0.5e20 * core::f64::consts::PI).sqrt(),
        1e-9,
    );
    assert_eq!(isotropic_bayes_risk(0.0, 1.0, 3, 2), Ok(0.0));
    assert_eq!(isotropic_bayes_risk(2.0, 0.0, 3, 2), Ok(2.0));
    for refused in [
        isotropic_bayes_risk(-1.0, 1.0, 3, 2),
        isotropic_bayes_risk(1.0, f64::NAN, 3, 2),
        isotropic_bayes_risk(1.0, 1.0, 0, 2),
        isotropic_bayes_risk(1.0, 1.0, 3, 0),
        isotropic_bayes_risk(1.0, 1.0, 129, 129),
        isotropic_bayes_risk(1.0, 1.0, 2, 1_000_001),
        isotropic_bayes_risk(1e300, 1e-300, 2, 2),
    ] {
        assert!(refused.is_err(), "{refused:?}");
    }
}
