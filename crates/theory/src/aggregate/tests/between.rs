//! Exact finite-size risk between the ends (AGG-7).
use solvable_model::aggregate::{FiniteDesign, Mixing};

use super::reference::{at, close};
use crate::aggregate::*;

fn design(n: usize, d: usize, k: usize) -> FiniteDesign {
    FiniteDesign::new(n, d, k, 1.0, 1.0).expect("valid")
}

#[test]
fn direct_integration_of_one_and_two_eigenvalues() {
    // mpmath with 25 digits: one integral (d = 1, or one random eigenvalue), two nested ones for (12, 2, 3), (10, 2, 5).
    for (n, d, k, rho, bias2, var) in [
        (10, 1, 2, 0.8, 0.063_346_939_453_727_42, 0.169_915_583_983_991_63),
        (12, 1, 3, 0.7, 0.21533689760840627, 0.10571547971399138),
        (3, 1, 3, 0.999, 0.02480174905892306, 23.872_437_058_096_5),
        (12, 2, 3, 0.7, 0.27092602669016688, 0.21879881907674124),
        (10, 2, 5, 0.9, 0.357_336_121_164_381_6, 0.513_227_620_481_765),
        (8, 2, 8, 0.5, 0.747_615_933_059_412_7, 0.10842586675094994),
        (9, 2, 3, 0.125, 0.49894214921790898, 0.125_995_557_080_328_3),
    ] {
        let risk = expected_risk(&design(n, d, k), at(rho)).expect("valid");
        close(risk.bias2, bias2, 1e-13);
        close(risk.var, var, 1e-13);
    }
}

#[test]
fn instance_level_and_left_limit_are_the_ends_of_the_path() {
    let sizes = [
        (12, 1, 3),
        (12, 2, 3),
        (30, 7, 3),
        (30, 15, 3),
        (60, 20, 2),
        (40, 30, 8),
        (100, 17, 50),
        (240, 90, 4),
    ];
    for (n, d, k) in sizes {
        let design = design(n, d, k);
        let start = interpolated_expected_risk(&design, Mixing::INSTANCE).expect("valid");
        let exact = instance_level_expected_risk(&design);
        close(start.bias2, exact.bias2, 1e-12);
        close(start.var, exact.var, 1e-12);
        let m = n / k;
        // sqrt(tau) corrections come from eigenvalues near 0, rare when |m - d| is large.
        if m.abs_diff(d) >= 5 {
            let near = interpolated_expected_risk(&design, at(1.0 - 0.5 * f64::EPSILON)).expect("valid");
            let limit = left_limit_expected_risk(&design);
            assert!((near.bias2 - limit.bias2).abs() < 1e-11 * (1.0 + limit.bias2), "{n} {d} {k}");
            close(near.var, limit.var, 1e-10);
        }
    }
}

#[test]
fn two_rows_and_one_covariate_have_a_finite_bias_only() {
    // u is Beta(1/2, 1/2): E v^2 = sqrt(tau) (1 + 2 sqrt(tau))/(2 (1 + sqrt(tau))^2).
    for tau in [1.0, 0.25, 0.01] {
        let root: f64 = f64::sqrt(tau);
        let expected = root * (1.0 + 2.0 * root) / (2.0 * (1.0 + root) * (1.0 + root));
        let risk = expected_risk(&design(2, 1, 2), at(1.0 - tau)).expect("valid");
        close(risk.bias2, expected, 1e-13);
        assert_eq!(risk.var, f64::INFINITY);
    }
    assert!(expected_risk(&design(300, 140, 2), at(0.5)).is_err());
    assert!(interpolated_expected_risk(&design(12, 2, 3), Mixing::BAG).is_err());
}
