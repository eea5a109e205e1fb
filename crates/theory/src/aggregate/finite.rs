//! Exact expected risk at finite size, isotropic Gaussian covariates, no ridge, ends of the path (AGG-6).
use solvable_model::aggregate::FiniteDesign;

use super::error::AggregateError;
use super::jacobi::interpolated_expected_risk;
use super::risk::Risk;

/// Exact `E Bias^2`, `E Var` of the bag-level estimator (rho = 1), m bags, d covariates (AGG-6).
///
/// `m >= d+2`: 0 and `s2 d/(m-d-1)`; `m <= d-2`: `r2 (1 - m/d)` and `s2 m/(d-m-1)`; `m` in
/// {d-1, d, d+1}: the variance is infinite, the bias as in its neighbour. Exact integers, O(1).
#[must_use]
pub fn bag_level_expected_risk(design: &FiniteDesign) -> Risk {
    let (m, d) = (design.m() as f64, design.d() as f64);
    let (bias, var) = if m >= d + 2.0 {
        (0.0, d / (m - d - 1.0))
    } else if m + 2.0 <= d {
        ((d - m) / d, m / (d - m - 1.0))
    } else {
        ((d - m).max(0.0) / d, f64::INFINITY)
    };
    Risk::of(bias, design.r2(), var, design.s2())
}

/// Exact `E Bias^2`, `E Var` of the instance-level estimator (rho = 0; every rho < 1 when n < d) (AGG-6).
///
/// With q = n - m. `n >= d+2`: `r2 [q(q+2)/(n(n+2)) + m q (d-1)(n+1) / (n(n+2)(n-1)(n-d-1))]` and
/// `s2 m d/(n(n-d-1))`. `n <= d-2`: `r2 [(n+2)(d-n) + q(q+2) + m q (d+1)/(d-n-1)] / (d(n+2))` and
/// `s2 m/(d-n-1)`; this form of the second bias is the specification's with the differences carried out:
/// all terms are positive. n in {d-1, d, d+1}: the variance is infinite, and so is the bias when k >= 2
/// and d >= 2.
#[must_use]
pub fn instance_level_expected_risk(design: &FiniteDesign) -> Risk {
    let (n, m, d) = (design.n() as f64, design.m() as f64, design.d() as f64);
    let q = n - m;
    let (bias, var) = if n >= d + 2.0 {
        let split = if d > 1.0 { m * (d - 1.0) * (n + 1.0) / ((n - 1.0) * (n - d - 1.0)) } else { 0.0 };
        (q / n * (q + 2.0 + split) / (n + 2.0), m * d / (n * (n - d - 1.0)))
    } else if n + 2.0 <= d {
        let sum = (n + 2.0) * (d - n) + q * (q + 2.0 + m * (d + 1.0) / (d - n - 1.0));
        (sum / (d * (n + 2.0)), m / (d - n - 1.0))
    } else if q == 0.0 {
        ((d - n).max(0.0) / d, f64::INFINITY)
    } else if d == 1.0 {
        // n = k = 2: the second term of the bias has the factor d - 1 = 0.
        (q / n * (q + 2.0) / (n + 2.0), f64::INFINITY)
    } else {
        (f64::INFINITY, f64::INFINITY)
    };
    Risk::of(bias, design.r2(), var, design.s2())
}

/// Exact `E Bias^2`, `E Var` of the limit rho -> 1- (AGG-5 iv at finite size).
///
/// n <= d+1 (k >= 2): as for any rho < 1, the instance level. m >= d: as at rho = 1. For m < d <= n-2 it is the interpolator of
/// the bag means with least within-bag seminorm: with `alpha = m(d-m)/(d(d-1)(d+2))`,
/// `beta = (d-m)/d - d alpha`,
/// `E Bias^2 = r2 [beta + alpha (nd-2)/(n-d-1)]`, `E Var = s2 m (n-m-1) / ((n-d-1)(d-m-1))`, the variance
/// infinite at m = d-1.
///
/// Derivation: `W^-1/2 A'A W^-1/2`, W = X'X, has d-m zero eigenvalues; as tau -> 0, V tends to the
/// projection on that null space, which is uniformly distributed and independent of W; AGG-7 with
/// `Q_2 = d-m`, `Q_11 = (d-m)^2`. For the variance, `A W^-1 A'` is matrix Beta_m(d/2, (n-d)/2), whose
/// inverse has mean `(n-m-1)/(d-m-1) I`. `beta = (d-m)[(d-1)(d+2) - m d]/(d(d-1)(d+2))` is summed in the form
/// `(d-m)(d+2)... >= 0` below.
#[must_use]
pub fn left_limit_expected_risk(design: &FiniteDesign) -> Risk {
    let (n, m, d) = (design.n() as f64, design.m() as f64, design.d() as f64);
    if m >= d || design.k() == 1 {
        return bag_level_expected_risk(design);
    }
    if n <= d + 1.0 {
        return instance_level_expected_risk(design);
    }
    // m < d, hence d >= 2. alpha and beta over their common denominator; with e = d - m >= 1,
    // (d-1)(d+2) - m d = d e + d - 2.
    let e = d - m;
    let common = d * (d - 1.0) * (d + 2.0);
    let beta = e * (d * e + d - 2.0) / common;
    let alpha = m * e / common;
    let bias = beta + alpha * ((n * d - 2.0) / (n - d - 1.0));
    let var = if e >= 2.0 { m * (n - m - 1.0) / ((n - d - 1.0) * (e - 1.0)) } else { f64::INFINITY };
    Risk::of(bias, design.r2(), var, design.s2())
}

/// Exact expected risk at rho = 1, rho = 0, the left limit, and in between.
///
/// # Errors
/// As [`interpolated_expected_risk`] for 0 < rho < 1 with k >= 2 and n >= d+2 (AGG-7).
pub fn expected_risk(
    design: &FiniteDesign,
    mixing: solvable_model::aggregate::Mixing,
) -> Result<Risk, AggregateError> {
    if design.k() == 1 || mixing.is_bag_level() {
        Ok(bag_level_expected_risk(design))
    } else if mixing.is_left_limit() {
        Ok(left_limit_expected_risk(design))
    } else if mixing.rho() == 0.0 || design.n() < design.d() + 2 && design.d() > 1 {
        Ok(instance_level_expected_risk(design))
    } else {
        interpolated_expected_risk(design, mixing)
    }
}
