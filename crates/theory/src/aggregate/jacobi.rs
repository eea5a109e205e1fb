//! Exact expected risk at finite size for every rho, no ridge (AGG-7): averages over the real Jacobi ensemble.
//!
//! `u_1, ..., u_d`, the eigenvalues of `W^-1/2 A'A W^-1/2`, are squared cosines of the angles between a uniformly random
//! d-dimensional subspace of R^n and a fixed m-dimensional one. `max(0, d-m)` of them are 0, `max(0, d-(n-m))` are 1, and
//! r = min(d, m, n-d, n-m) are random, with density
//! `prod u^((|m-d|-1)/2) (1-u)^((|n-m-d|-1)/2) prod_{i<j} |u_i - u_j|`.
//!
//! Averages of `sum f(u_i)` and of its square follow from `E prod (1 + t f(u_i))`, which by de Bruijn's formula is a quotient
//! of Pfaffians of the moments `int int sgn(y-x) p_j(x) p_k(y) (1 + t f(x)) (1 + t f(y))`, to second order in t: exact for any
//! r, by one-dimensional quadrature and one r x r inverse.
use std::f64::consts::FRAC_PI_2;

use solvable_linalg::{Mat, inverse, trace_product, transpose_matmul};
use solvable_model::aggregate::{FiniteDesign, Mixing};

use super::error::AggregateError;
use super::risk::Risk;
use crate::quadrature::{GaussRule, gauss_legendre};

/// Largest number of random eigenvalues.
const MAX_RANDOM: usize = 128;
/// Largest number of rows: the quadrature resolves polynomials of degree n.
const MAX_ROWS: usize = 20_000;
/// Nodes a panel.
const NODES: usize = 16;

/// Averages of one function of the random eigenvalues.
#[derive(Clone, Copy, Debug)]
struct Average {
    /// `E sum f`.
    sum: f64,
    /// `E (sum f)^2 - E sum f^2`.
    pairs: f64,
}

/// Exact `E Bias^2`, `E Var` for 0 < rho < 1, n >= d+2 (n >= 2 for d = 1), k >= 2 (AGG-7).
///
/// With tau = 1 - rho, `v = tau (1-u)/(u + tau (1-u))`, `h = u/(u + tau (1-u))^2`, `Q_2 = E sum v^2`, `Q_11 = E (sum v)^2`,
/// `alpha = (d Q_2 - Q_11)/(d (d-1)(d+2))` and `beta = Q_2/d - d alpha`:
/// `E Bias^2 = r2 [beta + alpha (nd-2)/(n-d-1)]`, `E Var = s2 E sum h/(n-d-1)`; for d = 1 `r2 E v^2` and `s2 E h/(n-2)`.
///
/// Relative error about 1e-13 (measured against 30 digits at d = 1 and 2, against AGG-6 at rho = 0 for all d). O(n r^2).
///
/// # Errors
/// [`AggregateError::TooLarge`] beyond n = 20000 or r = 128, [`AggregateError::NoFormula`] outside the domain above.
pub fn interpolated_expected_risk(design: &FiniteDesign, mixing: Mixing) -> Result<Risk, AggregateError> {
    let (n, m, d) = (design.n(), design.m(), design.d());
    let tau = mixing.tau();
    let inside = design.k() >= 2 && tau > 0.0 && !mixing.is_left_limit() && (n >= d + 2 || d == 1);
    if !inside {
        let condition = "rho must be below 1, bags larger than 1, and rows at least d + 2";
        return Err(AggregateError::NoFormula { condition, n, m, d });
    }
    let random = d.min(m).min(n - d).min(n - m);
    for (size, limit) in [(random, MAX_RANDOM), (n, MAX_ROWS)] {
        if size > limit {
            return Err(AggregateError::TooLarge { size: size as f64, limit: limit as f64 });
        }
    }
    let (zeros, ones) = (d.saturating_sub(m) as f64, d.saturating_sub(n - m) as f64);
    let ensemble = Ensemble::new(m.abs_diff(d), (n - m).abs_diff(d), random, tau)?;
    // sin^2 = u, cos^2 = 1 - u.
    let v = |s: f64, c: f64| tau * c / (s + tau * c);
    let h = |s: f64, c: f64| s / ((s + tau * c) * (s + tau * c));
    let squares = ensemble.average(|s, c| v(s, c) * v(s, c), false)?;
    let spread = ensemble.average(h, false)?;
    // v = 1 and h = 0 at u = 0; v = 0 and h = 1 at u = 1.
    let q2 = squares.sum + zeros;
    let total_h = spread.sum + ones;
    let (rows, columns) = (n as f64, d as f64);
    if d == 1 {
        let var = if n == 2 { f64::INFINITY } else { total_h / (rows - 2.0) };
        return Ok(Risk::of(q2, design.r2(), var, design.s2()));
    }
    // (sum v)^2 with the fixed eigenvalues: sum v = zeros + random part.
    let first = ensemble.average(v, true)?;
    let q11 = first.pairs + squares.sum + 2.0 * zeros * first.sum + zeros * zeros;
    let alpha = (columns * q2 - q11) / (columns * (columns - 1.0) * (columns + 2.0));
    let beta = q2 / columns - columns * alpha;
    let bias = beta + alpha * ((rows * columns - 2.0) / (rows - columns - 1.0));
    Ok(Risk::of(bias, design.r2(), total_h / (rows - columns - 1.0), design.s2()))
}

/// Quadrature nodes in phi, u = sin^2 phi, with the functions `q_j = p_j sin^a cos^b`, p_j orthonormal: analytic in phi, since a
/// and b are whole numbers.
struct Ensemble {
    /// sin^2 and cos^2 at the nodes.
    squares: Vec<(f64, f64)>,
    weights: Vec<f64>,
    /// Nodes x r.
    basis: Mat<f64>,
    /// `int sgn(phi - psi) q_j(psi) dpsi` at the nodes, times the weight of the node.
    signed: Mat<f64>,
    /// Inverse of the skew moment matrix, bordered when r is odd.
    inverse: Mat<f64>,
    panels: Vec<f64>,
    rule: GaussRule,
}

impl Ensemble {
    fn new(a: usize, b: usize, r: usize, tau: f64) -> Result<Self, AggregateError> {
        let rule = gauss_legendre(NODES)?;
        let panels = panels(a + b + 2 * r + 2, tau);
        let count = panels.len() * NODES;
        let (mut squares, mut weights) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut left = 0.0;
        for &width in &panels {
            for (x, w) in rule.nodes.iter().zip(&rule.weights) {
                let phi = left + 0.5 * width * (1.0 + x);
                let (s, c) = phi.sin_cos();
                squares.push((s * s, c * c));
                weights.push(0.5 * width * w);
            }
            left += width;
        }
        let basis = basis(&squares, a as f64, b as f64, r);
        let mut ensemble = Self {
            squares,
            weights,
            signed: Mat::zeros(0, 0),
            inverse: Mat::zeros(0, 0),
            basis,
            panels,
            rule,
        };
        ensemble.signed = ensemble.signed_integrals(&ensemble.basis);
        let moments = transpose_matmul(ensemble.signed.as_ref(), ensemble.basis.as_ref());
        let edge = ensemble.totals(&ensemble.basis);
        ensemble.inverse = inverse(bordered(&moments, &moments, &edge).as_ref())?.matrix;
        Ok(ensemble)
    }

    /// `E sum f`, and the pair average when asked.
    fn average(&self, f: impl Fn(f64, f64) -> f64, pairs: bool) -> Result<Average, AggregateError> {
        let (nodes, r) = (self.basis.nrows(), self.basis.ncols());
        let values: Vec<f64> = self.squares.iter().map(|&(s, c)| f(s, c)).collect();
        let weighted = Mat::from_fn(nodes, r, |i, j| values[i] * self.basis[(i, j)]);
        let edge = self.totals(&weighted);
        // S[q_j, f q_k]; S[f q_j, q_k] = -S[f q_j -> transposed].
        let cross = transpose_matmul(self.signed.as_ref(), weighted.as_ref());
        let first = Mat::from_fn(r, r, |j, k| cross[(j, k)] - cross[(k, j)]);
        let first = bordered(&first, &first, &edge);
        let product = solvable_linalg::matmul(self.inverse.as_ref(), first.as_ref());
        let sum = 0.5 * solvable_linalg::trace(product.as_ref());
        if !pairs {
            return Ok(Average { sum, pairs: 0.0 });
        }
        let signed = self.signed_integrals(&weighted);
        let second = transpose_matmul(signed.as_ref(), weighted.as_ref());
        let none = vec![0.0; r];
        let second = bordered(&second, &second, &none);
        // log det to second order; e_2 = [tr N_2 - tr(N_1^2)/2]/2 + e_1^2/2.
        let curvature = trace_product(self.inverse.as_ref(), second.as_ref())
            - 0.5 * trace_product(product.as_ref(), product.as_ref());
        Ok(Average { sum, pairs: curvature + sum * sum })
    }

    fn totals(&self, columns: &Mat<f64>) -> Vec<f64> {
        (0..columns.ncols())
            .map(|j| self.weights.iter().enumerate().map(|(i, w)| w * columns[(i, j)]).sum())
            .collect()
    }

    /// `w_i int sgn(phi_i - psi) F_j(psi) dpsi`: panel totals, and the antiderivative of the interpolant inside a panel.
    fn signed_integrals(&self, columns: &Mat<f64>) -> Mat<f64> {
        let inside = antiderivative(&self.rule);
        let totals = self.totals(columns);
        let mut out = Mat::zeros(columns.nrows(), columns.ncols());
        for j in 0..columns.ncols() {
            let mut before = 0.0;
            for (panel, &width) in self.panels.iter().enumerate() {
                let start = panel * NODES;
                for i in 0..NODES {
                    let part: f64 = (0..NODES).map(|l| inside[i][l] * columns[(start + l, j)]).sum();
                    let below = before + 0.5 * width * part;
                    out[(start + i, j)] = self.weights[start + i] * (2.0 * below - totals[j]);
                }
                before += (0..NODES).map(|l| self.weights[start + l] * columns[(start + l, j)]).sum::<f64>();
            }
        }
        out
    }
}

/// Skew part of a moment matrix (rounding breaks skewness), with the border of odd sizes.
fn bordered(upper: &Mat<f64>, lower: &Mat<f64>, edge: &[f64]) -> Mat<f64> {
    let r = edge.len();
    let size = if r.is_multiple_of(2) { r } else { r + 1 };
    Mat::from_fn(size, size, |j, k| match (j < r, k < r) {
        (true, true) => 0.5 * (upper[(j, k)] - lower[(k, j)]),
        (true, false) => edge[j],
        (false, true) => -edge[k],
        (false, false) => 0.0,
    })
}

/// Panel widths on [0, pi/2]: geometric from sqrt(tau), the distance of the poles of v and h from 0, and never wider than
/// 4 radians of phase of a trigonometric polynomial of the given degree.
fn panels(degree: usize, tau: f64) -> Vec<f64> {
    let widest = (4.0 / degree as f64).min(0.25);
    let mut edges = vec![0.0];
    let mut edge = tau.sqrt().min(FRAC_PI_2);
    while edge < FRAC_PI_2 {
        edges.push(edge);
        edge *= 2.0;
    }
    edges.push(FRAC_PI_2);
    let mut widths = Vec::new();
    for pair in edges.windows(2) {
        let length = pair[1] - pair[0];
        let pieces = (length / widest).ceil().max(1.0);
        widths.extend(std::iter::repeat_n(length / pieces, pieces as usize));
    }
    widths
}

/// Integrals from -1 to node i of the Lagrange polynomial of node l.
fn antiderivative(rule: &GaussRule) -> Vec<Vec<f64>> {
    let legendre = |x: f64| {
        let mut p = vec![1.0, x];
        for k in 1..=NODES {
            let k = k as f64;
            let next = ((2.0 * k + 1.0) * x * p[p.len() - 1] - k * p[p.len() - 2]) / (k + 1.0);
            p.push(next);
        }
        p
    };
    let at_nodes: Vec<Vec<f64>> = rule.nodes.iter().map(|&x| legendre(x)).collect();
    let entry = |i: usize, l: usize| {
        let x = rule.nodes[i];
        let mut sum = 0.5 * (x + 1.0);
        for k in 1..NODES {
            sum += 0.5 * at_nodes[l][k] * (at_nodes[i][k + 1] - at_nodes[i][k - 1]);
        }
        rule.weights[l] * sum
    };
    (0..NODES).map(|i| (0..NODES).map(|l| entry(i, l)).collect()).collect()
}

/// `q_j = p_j sin^a cos^b / sqrt(B)`, p_j orthonormal for the law Beta(a+1, b+1) of u: three-term recursion, the first
/// function in logarithms.
fn basis(squares: &[(f64, f64)], a: f64, b: f64, r: usize) -> Mat<f64> {
    let log_beta = statrs::function::beta::ln_beta(a + 1.0, b + 1.0);
    let total = a + b;
    // Jacobi matrix of Beta(a+1, b+1) on [0, 1].
    let center = |k: f64| {
        let x = if k == 0.0 {
            (a - b) / (total + 2.0)
        } else {
            (a - b) * (total / (2.0 * k + total)) / (2.0 * k + total + 2.0)
        };
        0.5 * (1.0 + x)
    };
    let off = |k: f64| {
        let s = 2.0 * k + total;
        let tail = if k == 1.0 { 1.0 } else { (k + total) / (s - 1.0) };
        0.5 * (4.0 * k * (k + a) * (k + b) * tail / (s * s * (s + 1.0))).sqrt()
    };
    let mut out = Mat::zeros(squares.len(), r);
    for (i, &(s, c)) in squares.iter().enumerate() {
        let power = |x: f64, p: f64| if p == 0.0 { 0.0 } else { 0.5 * p * x.ln() };
        let (mut last, mut now) = (0.0, (power(s, a) + power(c, b) - 0.5 * log_beta).exp());
        for j in 0..r {
            out[(i, j)] = now;
            let k = j as f64;
            let before = if j == 0 { 0.0 } else { off(k) };
            let next = ((s - center(k)) * now - before * last) / off(k + 1.0);
            (last, now) = (now, next);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments of the ensemble that are known for all sizes: `E sum u = d m/n`, from `E V = (m/n) I`, and
    /// `E sum u^2`, `E (sum u)^2` from the second moments of a uniformly random projection.
    #[test]
    fn moments_of_random_projections() {
        for (n, m, d) in [
            (12_usize, 4_usize, 1_usize),
            (12, 4, 2),
            (20, 10, 3),
            (30, 10, 7),
            (30, 20, 15),
            (200, 50, 40),
            (400, 133, 61),
            (24, 4, 18),
            (60, 2, 40),
        ] {
            let r = d.min(m).min(n - d).min(n - m);
            let ensemble = Ensemble::new(m.abs_diff(d), (n - m).abs_diff(d), r, 0.5).expect("valid");
            let ones = d.saturating_sub(n - m) as f64;
            let u = ensemble.average(|s, _| s, true).expect("valid");
            let square = ensemble.average(|s, _| s * s, false).expect("valid").sum;
            let count = ensemble.average(|_, _| 1.0, true).expect("valid");
            let (nf, mf, df) = (n as f64, m as f64, d as f64);
            // Entries of a uniform projection of rank m in R^n, compressed to d coordinates.
            let diagonal = mf * (mf + 2.0) / (nf * (nf + 2.0));
            let off = mf * (nf - mf) / (nf * (nf + 2.0) * (nf - 1.0));
            let cross = (mf * mf - nf * diagonal) / (nf * (nf - 1.0));
            let first = df * mf / nf;
            let second = df * diagonal + df * (df - 1.0) * off;
            let total = df * diagonal + df * (df - 1.0) * cross;
            let q11 = u.pairs + square + 2.0 * ones * u.sum + ones * ones;
            for (found, expected) in [
                (u.sum + ones, first),
                (square + ones, second),
                (q11, total),
                (count.sum, r as f64),
                (count.pairs, (r * (r - 1)) as f64),
            ] {
                let error = (found - expected).abs() / expected.max(1.0);
                assert!(error < 1e-12, "{n} {m} {d}: {found} {expected} {error:e}");
            }
        }
    }
}
