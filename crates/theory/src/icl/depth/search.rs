//! Minimisation of the risk over steps and corrections, by damped least squares from many starts.
use solvable_model::{Argument, InputError};

use super::{Schedule, SpectralRule};
use crate::icl::IclError;

/// The best schedule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Steps, one a layer.
    pub etas: Vec<f64>,
    /// Corrections, one a layer but the last; empty for plain descent.
    pub gammas: Vec<f64>,
    /// The normalised risk there.
    pub risk: f64,
}

const ITERATIONS: usize = 400;

/// Residuals and their derivatives: the risk is their sum of squares.
struct Problem<'a> {
    rule: &'a SpectralRule,
    s: f64,
    layers: usize,
    corrected: bool,
}

impl Problem<'_> {
    fn parameters(&self) -> usize {
        if self.corrected { 2 * self.layers - 1 } else { self.layers }
    }

    fn risk(&self, x: &[f64]) -> f64 {
        let mut total = 0.0;
        for (&node, &weight) in self.rule.nodes().iter().zip(self.rule.weights()) {
            let (p, q) = self.values(x, node, &mut []);
            total += weight * (p * p + self.s * node * q * q);
        }
        if total.is_finite() { total } else { f64::INFINITY }
    }

    /// (p, q), and their gradients into `slopes` (p first, then q) unless it is empty.
    fn values(&self, x: &[f64], node: f64, slopes: &mut [f64]) -> (f64, f64) {
        let m = self.parameters();
        let wanted = !slopes.is_empty();
        let (mut p, mut q, mut g) = (1.0, 0.0, 1.0);
        let mut dg = [0.0; 32];
        slopes.fill(0.0);
        for k in 0..self.layers {
            let eta = x[k];
            let square = g * g;
            let factor = 1.0 - eta * node * square;
            if wanted {
                let (dp, dq) = slopes.split_at_mut(m);
                for i in 0..m {
                    let own = if i == k { square } else { 0.0 };
                    let weight = own + 2.0 * eta * g * dg[i];
                    dq[i] += weight * p + eta * square * dp[i];
                    dp[i] = factor * dp[i] - node * weight * p;
                }
            }
            q += eta * square * p;
            p *= factor;
            if self.corrected && k + 1 < self.layers {
                let gamma = x[self.layers + k];
                for (i, slope) in dg[..m].iter_mut().enumerate() {
                    *slope *= 1.0 - 3.0 * gamma * node * square;
                    if i == self.layers + k {
                        *slope -= node * square * g;
                    }
                }
                g *= 1.0 - gamma * node * square;
            }
        }
        (p, q)
    }

    /// Gradient/2 and Gauss-Newton matrix.
    fn normal_equations(&self, x: &[f64], gradient: &mut [f64], matrix: &mut [f64], slopes: &mut [f64]) {
        let m = self.parameters();
        gradient.fill(0.0);
        matrix.fill(0.0);
        for (&node, &weight) in self.rule.nodes().iter().zip(self.rule.weights()) {
            let (p, q) = self.values(x, node, slopes);
            let noise = self.s * node;
            let (dp, dq) = slopes.split_at(m);
            for i in 0..m {
                gradient[i] += weight * (p * dp[i] + noise * q * dq[i]);
                for j in 0..=i {
                    matrix[i * m + j] += weight * (dp[i] * dp[j] + noise * dq[i] * dq[j]);
                }
            }
        }
    }

    fn descend(&self, start: &[f64]) -> (Vec<f64>, f64) {
        let m = self.parameters();
        let mut x = start.to_vec();
        let mut value = self.risk(&x);
        let (mut gradient, mut matrix, mut slopes) = (vec![0.0; m], vec![0.0; m * m], vec![0.0; 2 * m]);
        let mut factor = vec![0.0; m * m];
        let mut damping = 1e-3;
        let mut stalled = 0;
        for _ in 0..ITERATIONS {
            self.normal_equations(&x, &mut gradient, &mut matrix, &mut slopes);
            let mut improved = false;
            for _ in 0..30 {
                let Some(step) = damped_step(&matrix, &gradient, damping, &mut factor) else {
                    damping *= 10.0;
                    continue;
                };
                let trial: Vec<f64> = x.iter().zip(&step).map(|(a, b)| a - b).collect();
                let reached = self.risk(&trial);
                if reached < value {
                    stalled = if value - reached <= 1e-15 * value { stalled + 1 } else { 0 };
                    (x, value) = (trial, reached);
                    damping = (damping * 0.2).max(1e-14);
                    improved = true;
                    break;
                }
                damping *= 4.0;
                if damping > 1e12 {
                    break;
                }
            }
            if !improved || stalled >= 3 {
                break;
            }
        }
        (x, value)
    }
}

/// Solves `(A + damping diag A) step = g` by Cholesky; A holds its lower triangle.
fn damped_step(a: &[f64], g: &[f64], damping: f64, l: &mut [f64]) -> Option<Vec<f64>> {
    let m = g.len();
    for i in 0..m {
        for j in 0..=i {
            let mut sum = a[i * m + j] * if i == j { 1.0 + damping } else { 1.0 };
            for k in 0..j {
                sum -= l[i * m + k] * l[j * m + k];
            }
            if i == j {
                if sum.is_nan() || sum <= 0.0 {
                    return None;
                }
                l[i * m + i] = sum.sqrt();
            } else {
                l[i * m + j] = sum / l[j * m + j];
            }
        }
    }
    let mut step = g.to_vec();
    for i in 0..m {
        for k in 0..i {
            step[i] -= l[i * m + k] * step[k];
        }
        step[i] /= l[i * m + i];
    }
    for i in (0..m).rev() {
        for k in i + 1..m {
            step[i] -= l[k * m + i] * step[k];
        }
        step[i] /= l[i * m + i];
    }
    Some(step)
}

fn best_of(
    problem: &Problem<'_>,
    starts: impl Iterator<Item = Vec<f64>>,
) -> Result<(Vec<f64>, f64), IclError> {
    starts
        .map(|start| problem.descend(&start))
        .filter(|(_, value)| value.is_finite())
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .ok_or(IclError::NotRepresentable { quantity: "risk" })
}

/// The best plain steps found for a rule exact to degree 2K, from perturbations of a guess.
pub(super) fn best_plain(
    rule: &SpectralRule,
    s: f64,
    layers: usize,
    guess: &[f64],
) -> Result<Search, IclError> {
    let problem = Problem { rule, s, layers, corrected: false };
    let mean = guess.iter().sum::<f64>() / guess.len().max(1) as f64;
    // From equal steps to widely spread ones, at three scales; slightly unequal, as equal steps stay equal.
    let starts = (0..24).map(|i| {
        let (spread, scale) = (f64::from(i % 8) / 4.0, [0.6, 1.0, 1.5][i as usize / 8]);
        guess
            .iter()
            .enumerate()
            .map(|(k, e)| {
                scale * (mean + spread * (e - mean)) * (1.0 + 0.01 * (k as f64 - 0.5 * layers as f64))
            })
            .collect()
    });
    let (etas, risk) = best_of(&problem, starts)?;
    Ok(Search { etas, gammas: Vec::new(), risk })
}

/// The best two-layer GD++ found for a rule exact to degree 8 (ICL-53), in units of the mean eigenvalue `scale`.
pub(super) fn best_two_corrected(rule: &SpectralRule, s: f64, scale: f64) -> Result<Search, IclError> {
    const FIRST: [f64; 5] = [0.0, 0.3, 0.7, 1.0, 2.0];
    const SECOND: [f64; 6] = [0.4, 1.0, 2.0, 3.5, 5.0, 7.0];
    const CORRECTION: [f64; 7] = [-0.5, 0.1, 0.3, 0.5, 0.7, 0.9, 1.3];
    let problem = Problem { rule, s, layers: 2, corrected: true };
    let starts = FIRST.iter().flat_map(|&a| {
        SECOND
            .iter()
            .flat_map(move |&b| CORRECTION.iter().map(move |&g| vec![a / scale, b / scale, g / scale]))
    });
    let (x, risk) = best_of(&problem, starts)?;
    Ok(Search { etas: x[..2].to_vec(), gammas: x[2..].to_vec(), risk })
}

/// The best schedule reached by damped least squares from given starts, all of the same depth, for a rule exact to twice the
/// degree of the residual polynomial plus one; with `corrected` the corrections of all layers but the last move too.
///
/// Finds the local minimum near each start: an upper bound of the global one (ICL-64: three layers of GD++ have several).
///
/// # Errors
/// [`IclError::Input`] when there is no start, the depths differ or exceed 16, or s is negative or not finite;
/// [`IclError::NotRepresentable`] when no start has a finite risk.
pub fn best_schedule_from(
    rule: &SpectralRule,
    s: f64,
    starts: &[Schedule],
    corrected: bool,
) -> Result<Search, IclError> {
    InputError::check_nonnegative("s", s)?;
    InputError::check_count("number of starts", starts.len())?;
    let layers = starts[0].etas().len();
    for (k, start) in starts.iter().enumerate() {
        let found = start.etas().len();
        if found != layers || !(1..=16).contains(&layers) {
            let (found, expected) = ((found, 1), (layers.clamp(1, 16), 1));
            let argument = Argument::indexed("starts", k);
            return Err(InputError::Shape { argument, found, expected }.into());
        }
    }
    let problem = Problem { rule, s, layers, corrected };
    let lists = starts.iter().map(|x| {
        let gammas = if corrected { &x.gammas()[..layers - 1] } else { &[] };
        x.etas().iter().chain(gammas).copied().collect::<Vec<f64>>()
    });
    let (x, risk) = best_of(&problem, lists)?;
    Ok(Search { etas: x[..layers].to_vec(), gammas: x[layers..].to_vec(), risk })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (A + damping diag A) step = g for a matrix of order 3: by multiplication.
    #[test]
    fn damped_steps_solve_their_system() {
        let a = [4.0, 0.0, 0.0, 1.0, 5.0, 0.0, -2.0, 0.5, 6.0];
        let g = [1.0, -2.0, 3.0];
        for damping in [0.0, 0.25, 8.0] {
            let step = damped_step(&a, &g, damping, &mut [0.0; 9]).expect("positive definite");
            for i in 0..3 {
                let entry = |j: usize| {
                    let (row, column) = (i.max(j), i.min(j));
                    a[3 * row + column] * if i == j { 1.0 + damping } else { 1.0 }
                };
                let product: f64 = (0..3).map(|j| entry(j) * step[j]).sum();
                assert!((product - g[i]).abs() < 1e-14, "{damping} {i}: {product}");
            }
        }
        for indefinite in [[1.0, 0.0, 2.0, 1.0], [0.0, 0.0, 0.0, 1.0], [f64::NAN, 0.0, 0.0, 1.0]] {
            assert!(damped_step(&indefinite, &[1.0, 1.0], 0.0, &mut [0.0; 4]).is_none());
        }
    }

    /// Slopes of (p, q) against central differences, whose error is h^2 times a third derivative plus eps/h.
    #[test]
    fn slopes_are_those_of_the_values() {
        let rule = SpectralRule::marchenko_pastur(0.5, 3).expect("valid");
        let h = 1e-5;
        for (layers, corrected) in [(1, false), (3, false), (1, true), (2, true), (4, true)] {
            let problem = Problem { rule: &rule, s: 0.3, layers, corrected };
            let m = problem.parameters();
            let x: Vec<f64> = (0..m).map(|i| 0.3 + 0.17 * ((3 * i + 1) % 5) as f64).collect();
            let mut slopes = vec![0.0; 2 * m];
            for node in [0.2, 0.7, 1.3] {
                let plain = problem.values(&x, node, &mut []);
                assert_eq!(problem.values(&x, node, &mut slopes), plain);
                for i in 0..m {
                    let at = |shift: f64| {
                        let mut moved = x.clone();
                        moved[i] += shift;
                        problem.values(&moved, node, &mut [])
                    };
                    let (up, down) = (at(h), at(-h));
                    for (found, difference) in [(slopes[i], up.0 - down.0), (slopes[m + i], up.1 - down.1)] {
                        let expected = difference / (2.0 * h);
                        assert!(
                            (found - expected).abs() < 1e-7,
                            "{layers} {corrected} {node} {i}: {found} {expected}"
                        );
                    }
                }
            }
        }
    }
}
