//! Gauss rules, for expectations that sampling cannot reach: exact for polynomials of degree 2n - 1.
use solvable_linalg::{LinalgError, tridiagonal_eigen};

/// Nodes and probabilities.
pub type Rule = Vec<(f64, f64)>;

/// The n-point rule of the standard normal law.
///
/// # Errors
/// [`LinalgError`] when n = 0.
pub fn gauss_hermite(n: usize) -> Result<Rule, LinalgError> {
    let off: Vec<f64> = (1..n).map(|k| (k as f64).sqrt()).collect();
    rule(&vec![0.0; n], &off)
}

/// The n-point rule of the law Exp(1).
///
/// # Errors
/// [`LinalgError`] when n = 0.
pub fn gauss_laguerre(n: usize) -> Result<Rule, LinalgError> {
    let diagonal: Vec<f64> = (0..n).map(|k| 2.0 * k as f64 + 1.0).collect();
    let off: Vec<f64> = (1..n).map(|k| k as f64).collect();
    rule(&diagonal, &off)
}

fn rule(diagonal: &[f64], off: &[f64]) -> Result<Rule, LinalgError> {
    let eigen = tridiagonal_eigen(diagonal, off)?;
    Ok(eigen.values.iter().zip(&eigen.first_components).map(|(x, v)| (*x, v * v)).collect())
}

/// The expectation of `f` over independent coordinates that all follow `rule`: `len^dimension` evaluations.
pub fn tensor_mean(rule: &[(f64, f64)], dimension: usize, mut f: impl FnMut(&[f64]) -> f64) -> f64 {
    let mut total = 0.0;
    tensor_points(rule, dimension, |point, weight| total += weight * f(point));
    total
}

/// Hands every point of the tensor rule to `f`, with its weight: the product of the coordinates' weights.
pub fn tensor_points(rule: &[(f64, f64)], dimension: usize, mut f: impl FnMut(&[f64], f64)) {
    let mut index = vec![0; dimension];
    let mut point = vec![rule[0].0; dimension];
    loop {
        f(&point, index.iter().map(|&k| rule[k].1).product());
        // The next index, as an odometer.
        let mut place = 0;
        loop {
            if place == dimension {
                return;
            }
            index[place] += 1;
            if index[place] < rule.len() {
                point[place] = rule[index[place]].0;
                break;
            }
            index[place] = 0;
            point[place] = rule[0].0;
            place += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_the_two_laws() {
        let normal = gauss_hermite(5).expect("a rule");
        let exponential = gauss_laguerre(4).expect("a rule");
        let moment = |rule: &[(f64, f64)], k: i32| rule.iter().map(|(x, w)| w * x.powi(k)).sum::<f64>();
        for (k, exact) in [(0, 1.0), (2, 1.0), (4, 3.0), (6, 15.0), (8, 105.0)] {
            assert!((moment(&normal, k) - exact).abs() < 1e-13 * exact, "{k}");
        }
        for (k, exact) in [(0, 1.0), (1, 1.0), (2, 2.0), (5, 120.0), (7, 5040.0)] {
            assert!((moment(&exponential, k) - exact).abs() < 1e-12 * exact, "{k}");
        }
        let product = tensor_mean(&normal, 3, |x| x[0] * x[0] * x[1].powi(4) * (1.0 + x[2]));
        assert!((product - 3.0).abs() < 1e-13);
    }
}
