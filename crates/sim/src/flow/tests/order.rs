//! Orders of convergence, measured with fixed steps.
use crate::flow::{FieldFn, Method, Options, VectorField, integrate};

use super::distance;

/// Least squares fit of `log e = p log h + a + c h` (the next order of the error; `c` only if `corrected`): p and its
/// standard error.
fn fit(h: &[f64], errors: &[f64], corrected: bool) -> (f64, f64) {
    let columns = if corrected { 3 } else { 2 };
    let rows: Vec<[f64; 3]> = h.iter().map(|h| [h.ln(), 1.0, *h]).collect();
    let y: Vec<f64> = errors.iter().map(|e| e.ln()).collect();
    // Normal equations with the identity beside them, by Gauss-Jordan elimination: three well separated columns.
    let mut m = [[0.0; 7]; 3];
    for i in 0..columns {
        for (row, y) in rows.iter().zip(&y) {
            for j in 0..columns {
                m[i][j] += row[i] * row[j];
            }
            m[i][3] += row[i] * y;
        }
        m[i][4 + i] = 1.0;
    }
    for i in 0..columns {
        let pivot = m[i][i];
        m[i].iter_mut().for_each(|v| *v /= pivot);
        for k in (0..columns).filter(|&k| k != i) {
            let (factor, row) = (m[k][i], m[i]);
            m[k].iter_mut().zip(row).for_each(|(v, r)| *v -= factor * r);
        }
    }
    let fitted = |row: &[f64; 3]| (0..columns).map(|j| row[j] * m[j][3]).sum::<f64>();
    let residual: f64 = rows.iter().zip(&y).map(|(row, y)| (y - fitted(row)).powi(2)).sum();
    (m[0][3], (residual / (h.len() - columns) as f64 * m[0][4]).sqrt())
}

/// Slope of log(error) against log(h) at h -> 0 and the half-width of its interval: 4 standard errors plus the change
/// that the correction of the next order makes, which bounds what the order after it could.
pub(super) fn slope(h: &[f64], errors: &[f64]) -> (f64, f64) {
    let (plain, _) = fit(h, errors, false);
    let (p, error) = fit(h, errors, true);
    (p, 4.0 * error + (p - plain).abs())
}

/// A Kepler orbit of eccentricity 0.1 (DETEST D1) from perihelion, beside it the non-autonomous DETEST A3,
/// y' = y cos t, y = exp(sin t), and a mode of the given rate at rest, which a stabilised method must nevertheless expect to move:
/// the field, the initial state, and the state at time t.
pub(super) fn orbit(t: f64, rate: f64) -> (impl VectorField, [f64; 6], [f64; 6]) {
    let field = FieldFn::new(6, move |t, x, slope| {
        let r3 = (x[0] * x[0] + x[1] * x[1]).powf(1.5);
        slope[0] = x[2];
        slope[1] = x[3];
        slope[2] = -x[0] / r3;
        slope[3] = -x[1] / r3;
        slope[4] = x[4] * f64::cos(t);
        slope[5] = -rate * x[5];
    });
    let e: f64 = 0.1;
    // Eccentric anomaly: u - e sin u = t, by Newton's method.
    let mut u = t;
    for _ in 0..20 {
        u -= (u - e * u.sin() - t) / (1.0 - e * u.cos());
    }
    let (root, speed) = ((1.0 - e * e).sqrt(), 1.0 / (1.0 - e * u.cos()));
    let exact = [u.cos() - e, root * u.sin(), -u.sin() * speed, root * u.cos() * speed, t.sin().exp(), 0.0];
    (field, [1.0 - e, 0.0, 0.0, ((1.0 + e) / (1.0 - e)).sqrt(), 1.0, 0.0], exact)
}

/// Whether errors fall with the given power of h, as far as they determine one: the power and its interval, or why not.
pub(super) fn falls_as(order: f64, h: &[f64], errors: &[f64]) -> Result<(f64, f64), String> {
    let (p, width) = slope(h, errors);
    // Written so that a NaN is a refusal.
    let determined = width < 0.5;
    let agrees = (p - order).abs() <= width;
    if !determined {
        return Err(format!("the order is not determined: {p} +- {width}, errors {errors:?}"));
    }
    if !agrees {
        return Err(format!("order {p} +- {width}, expected {order}, errors {errors:?}"));
    }
    Ok((p, width))
}

/// Asserts that errors at time 5 fall with the given power of h.
/// `fast` is the rate of the mode at rest times the step.
pub(super) fn assert_order(method: Method, order: f64, steps: &[u32], fast: f64) {
    let (mut h, mut errors) = (Vec::new(), Vec::new());
    for &steps in steps {
        let (field, x0, exact) = orbit(5.0, fast * f64::from(steps) / 5.0);
        h.push(5.0 / f64::from(steps));
        let options =
            Options::until(5.0).method(method).fixed_step(5.0 / f64::from(steps)).tolerance(1e-15, 1e-15);
        let end = integrate(&field, &x0, &options).expect("smooth");
        assert_eq!(end.statistics.steps, u64::from(steps));
        errors.push(distance(&end.state, &exact));
    }
    let (p, width) = falls_as(order, &h, &errors).unwrap_or_else(|why| panic!("{method:?}: {why}"));
    super::published::show(&[format!("{method:?}: order {p:.3} +- {width:.3}, errors {errors:?}")]);
}

/// Rate times step for which the stabilised method takes this many stages, halfway between those for one less and one more.
pub(super) fn fast_for(stages: u32) -> f64 {
    // Stages are floor(1 + sqrt(1 + 1.54 h rho)), with a margin of 1.2 on the rate.
    ((f64::from(stages) - 0.5).powi(2) - 1.0) / (1.54 * 1.2)
}

#[test]
fn explicit_pairs_converge_at_their_orders() {
    assert_order(Method::DormandPrince5, 5.0, &[100, 125, 160, 200, 250, 320, 400], 0.0);
    assert_order(Method::DormandPrince8, 8.0, &[17, 20, 24, 28, 34, 40, 48], 0.0);
}

#[test]
fn implicit_method_converges_at_its_order() {
    assert_order(Method::Radau5, 5.0, &[40, 50, 63, 80, 100, 125, 160], 0.0);
}

#[test]
fn stabilised_method_converges_at_its_order() {
    // 2 stages, and what the fast mode asks for: 10 and 40.
    for fast in [0.0, fast_for(10), fast_for(40)] {
        assert_order(Method::Chebyshev2, 2.0, &[400, 560, 800, 1120, 1600, 2240, 3200], fast);
    }
}

#[test]
fn dense_outputs_have_their_orders() {
    // The error inside a single step from the exact start falls as h to the order of the dense output plus one: orders
    // 4 and 7 for the explicit pairs, 3 for the collocation polynomial of Radau IIA; the cubic of the stabilised method
    // inherits the error of its step, of order 2.
    let cases = [
        (Method::DormandPrince5, 5.0, 0.2),
        (Method::DormandPrince8, 8.0, 0.5),
        (Method::Radau5, 4.0, 0.2),
        (Method::Chebyshev2, 3.0, 0.1),
    ];
    for (method, expected, longest) in cases {
        // (Not 0.4: there the leading error of Radau's polynomial, the integral of (s - c1)(s - c2)(s - 1), vanishes.)
        for theta in [0.25, 0.5, 0.75] {
            let h: Vec<f64> = (0..7).map(|k| longest * f64::powi(0.8, k)).collect();
            let errors: Vec<f64> = h
                .iter()
                .map(|&h| {
                    let (field, x0, exact) = orbit(theta * h, 0.0);
                    let options = Options::until(h).method(method).fixed_step(h).tolerance(1e-15, 1e-15);
                    let end = integrate(&field, &x0, &options.record([theta * h])).expect("smooth");
                    distance(&end.states[0], &exact)
                })
                .collect();
            falls_as(expected, &h, &errors).unwrap_or_else(|why| panic!("{method:?} at {theta}: {why}"));
        }
    }
}
