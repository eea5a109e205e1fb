//! Monte Carlo risk of interpolated bag and instance estimators.
//!
//! `x_i ~ N(0, I_d)`, `y = x' theta + sigma eps`, `n` rows in `m = n / k` bags, only bag means are seen; 20 mixing weights
//! `rho = 0.95, ..., 0`: `[rho Xb'Xb/m + (1 - rho) X'X/n] th = Xb' yb/m`, risk `|th - theta|^2`. The result is the mean risk over `rho` on one given replicate; the
//! seconds are for `replicates` random ones.
use std::time::Duration;

use rand_distr::{ChiSquared, Distribution};
use serde_json::json;
use solvable_linalg::{Mat, cholesky, matmul_into, symmetric_eigen};
use solvable_sim::monte_carlo::{Replicas, Stream};
use solvable_sim::normal;

use super::Report;
use super::prompts::dot;
use crate::gauss::gauss;
use crate::timing::time;

/// Sizes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Rows.
    pub n: usize,
    /// Covariates.
    pub d: usize,
    /// Rows of a bag.
    pub k: usize,
    /// Replicates.
    pub replicates: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { n: 1000, d: 500, k: 4, replicates: 10 }
    }
}

const WEIGHTS: usize = 20;
const SIGMA: f64 = 0.5;

fn rho(i: usize) -> f64 {
    1.0 - (i + 1) as f64 / WEIGHTS as f64
}

/// The risks of one data set, rows of `x` one after the other: Woodbury's identity in the span of the bag means.
fn from_rows(s: &Sizes, theta: &[f64], x: &[f64], noise: &[f64]) -> [f64; WEIGHTS] {
    let Sizes { n, d, k, .. } = *s;
    let m = n / k;
    // Columns are rows of X: contiguous.
    let rows = Mat::from_fn(d, n, |j, i| x[i * d + j]);
    let mut bags = Mat::<f64>::zeros(d, m);
    let mut labels = vec![0.0; m];
    for a in 0..m {
        for i in a * k..(a + 1) * k {
            labels[a] += SIGMA * noise[i] / k as f64;
            for (b, r) in bags.col_as_slice_mut(a).iter_mut().zip(rows.col_as_slice(i)) {
                *b += r / k as f64;
            }
        }
        labels[a] += dot(bags.col_as_slice(a), theta);
    }
    let mut gram = Mat::zeros(d, d);
    matmul_into(gram.as_mut(), rows.as_ref(), rows.transpose());
    for j in 0..d {
        gram.col_as_slice_mut(j).iter_mut().for_each(|g| *g /= n as f64);
    }
    let factor = cholesky(gram.as_ref()).expect("more rows than covariates");
    // G^-1 B, then B' G^-1 B = Z'Z with B = Xb' / sqrt m.
    let root = (m as f64).sqrt();
    let scaled = Mat::from_fn(d, m, |j, a| bags[(j, a)] / root);
    let solved = factor.solve(scaled.as_ref()).expect("a solution");
    let mut inner = Mat::zeros(m, m);
    matmul_into(inner.as_mut(), scaled.transpose(), solved.as_ref());
    let inner = Mat::from_fn(m, m, |i, j| 0.5 * (inner[(i, j)] + inner[(j, i)]));
    let eigen = symmetric_eigen(inner.as_ref()).expect("a decomposition");
    let c: Vec<f64> =
        (0..m).map(|i| (0..m).map(|a| eigen.vectors[(a, i)] * labels[a]).sum::<f64>() / root).collect();
    // th = G^-1 B (I + t Z'Z)^-1 y / (1 - rho), t = rho / (1 - rho).
    let coefficients = Mat::from_fn(m, WEIGHTS, |i, r| {
        let rho = rho(r);
        c[i] / (1.0 + rho / (1.0 - rho) * eigen.values[i]) / (1.0 - rho)
    });
    let mut back = Mat::zeros(m, WEIGHTS);
    matmul_into(back.as_mut(), eigen.vectors.as_ref(), coefficients.as_ref());
    let mut estimates = Mat::zeros(d, WEIGHTS);
    matmul_into(estimates.as_mut(), solved.as_ref(), back.as_ref());
    std::array::from_fn(|r| {
        estimates.col_as_slice(r).iter().zip(theta).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
    })
}

/// Work space of the reduced sampler; matrices by columns.
struct Work {
    normals: Vec<f64>,
    /// Bartlett factor of the scatter within bags: blocks 11, 21, 22.
    l11: Mat<f64>,
    l21: Mat<f64>,
    l22: Mat<f64>,
    /// Lower triangular factor of the bag means, then `L22^-1 T`.
    z: Mat<f64>,
}

/// The same risks in law, from the sufficient statistics in coordinates where the bag means span the last `m` axes.
///
/// `X'X = k Xb'Xb + D` with the scatter within bags `D` a Wishart matrix of `n - m` degrees of freedom, independent of the means. The means' Gram matrix is a
/// Wishart matrix of `d` degrees of freedom, their span is uniform and may be taken for the last axes while `theta` becomes uniform on
/// its sphere. With `D/n = L L'` (Bartlett), `B = [0; T]` and `Z = L22^-1 T`, `th = L^-T [0; ((1 - rho) I + Z Z')^-1 Z y]`: conjugate gradients solve all
/// 20 shifts in one Krylov space.
struct Reduced {
    s: Sizes,
    scatter: Vec<ChiSquared<f64>>,
    means: Vec<ChiSquared<f64>>,
}

impl Reduced {
    fn new(s: Sizes) -> Self {
        let m = s.n / s.k;
        let chi = |k: usize| ChiSquared::new(k as f64).expect("positive degrees of freedom");
        Self {
            s,
            scatter: (0..s.d).map(|i| chi(s.n - m - i)).collect(),
            means: (0..m).map(|i| chi(s.d - m + 1 + i)).collect(),
        }
    }

    fn work(&self) -> Work {
        let (d, m) = (self.s.d, self.s.n / self.s.k);
        let zeros = |r, c| Mat::zeros(r, c);
        Work {
            normals: vec![0.0; d.max(2 * d)],
            l11: zeros(d - m, d - m),
            l21: zeros(m, d - m),
            l22: zeros(m, m),
            z: zeros(m, m),
        }
    }

    fn sample(&self, stream: &mut Stream, work: &mut Work) -> [f64; WEIGHTS] {
        let (d, n) = (self.s.d, self.s.n);
        let m = n / self.s.k;
        let e = d - m;
        let scale = 1.0 / (n as f64).sqrt();
        for j in 0..d {
            let column = &mut work.normals[..d - j];
            normal::fill(stream, column);
            column[0] = self.scatter[j].sample(stream).sqrt();
            column.iter_mut().for_each(|x| *x *= scale);
            if j < e {
                work.l11.col_as_slice_mut(j)[j..].copy_from_slice(&column[..e - j]);
                work.l21.col_as_slice_mut(j).copy_from_slice(&column[e - j..]);
            } else {
                work.l22.col_as_slice_mut(j - e)[j - e..].copy_from_slice(column);
            }
        }
        for j in 0..m {
            let column = &mut work.z.col_as_slice_mut(j)[j..];
            normal::fill(stream, column);
            column[0] = self.means[j].sample(stream).sqrt();
            column.iter_mut().for_each(|x| *x *= scale);
            // Forward substitution keeps the column below its diagonal.
            solve_lower(&work.l22, j, column);
        }
        let (noise, rest) = work.normals.split_at_mut(m);
        normal::fill(stream, noise);
        let theta = &mut rest[..d];
        normal::fill(stream, theta);
        let norm = dot(theta, theta).sqrt();
        theta.iter_mut().for_each(|x| *x /= norm);
        // y = B' theta + sigma noise / sqrt n, and B = [0; T] = L22 Z: Z' (L22' theta_2).
        let mut pulled = vec![0.0; m];
        for (j, p) in pulled.iter_mut().enumerate() {
            *p = dot(&work.l22.col_as_slice(j)[j..], &theta[e + j..]);
        }
        let y: Vec<f64> = (0..m)
            .map(|j| dot(&work.z.col_as_slice(j)[j..], &pulled[j..]) + SIGMA * scale * noise[j])
            .collect();
        let mut right = vec![0.0; m];
        for (j, y) in y.iter().enumerate() {
            axpy(*y, &work.z.col_as_slice(j)[j..], &mut right[j..]);
        }
        let solutions = shifted_solves(&work.z, &right);
        let theta: &[f64] = theta;
        std::array::from_fn(|r| {
            let mut x2 = solutions[r].clone();
            solve_upper(&work.l22, &mut x2);
            let mut x1: Vec<f64> = (0..e).map(|j| -dot(work.l21.col_as_slice(j), &x2)).collect();
            solve_upper(&work.l11, &mut x1);
            let square = |x: &[f64], t: &[f64]| x.iter().zip(t).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            square(&x1, &theta[..e]) + square(&x2, &theta[e..])
        })
    }
}

fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// `L x = b` in place, for the rows from `first` on.
fn solve_lower(l: &Mat<f64>, first: usize, b: &mut [f64]) {
    for i in 0..b.len() {
        let column = &l.col_as_slice(first + i)[first + i..];
        let x = b[i] / column[0];
        b[i] = x;
        axpy(-x, &column[1..], &mut b[i + 1..]);
    }
}

/// `L' x = b` in place.
fn solve_upper(l: &Mat<f64>, b: &mut [f64]) {
    for i in (0..b.len()).rev() {
        let column = &l.col_as_slice(i)[i..];
        b[i] = (b[i] - dot(&column[1..], &b[i + 1..])) / column[0];
    }
}

/// `((1 - rho) I + Z Z')^-1 b` for all 20 weights: conjugate gradients on the smallest shift, the others share its Krylov space
/// (Frommer and Maass, *Fast CG-based methods for Tikhonov-Phillips regularization*, 1999).
fn shifted_solves(z: &Mat<f64>, b: &[f64]) -> Vec<Vec<f64>> {
    let m = b.len();
    let base = 1.0 - rho(0);
    let shifts: Vec<f64> = (0..WEIGHTS).map(|i| (1.0 - rho(i)) - base).collect();
    let mut x = vec![vec![0.0; m]; WEIGHTS];
    let mut directions = vec![b.to_vec(); WEIGHTS];
    let (mut zeta, mut zeta_old) = (vec![1.0; WEIGHTS], vec![1.0; WEIGHTS]);
    let mut r = b.to_vec();
    let mut rr = dot(&r, &r);
    let stop = rr * 1e-28;
    let (mut alpha_old, mut beta_old) = (1.0, 0.0);
    let (mut inner, mut q) = (vec![0.0; m], vec![0.0; m]);
    for _ in 0..10 * m {
        if rr <= stop {
            break;
        }
        let p = &directions[0];
        for (j, t) in inner.iter_mut().enumerate() {
            *t = dot(&z.col_as_slice(j)[j..], &p[j..]);
        }
        q.iter_mut().zip(p).for_each(|(q, p)| *q = base * p);
        for (j, t) in inner.iter().enumerate() {
            axpy(*t, &z.col_as_slice(j)[j..], &mut q[j..]);
        }
        let alpha = rr / dot(&directions[0], &q);
        let mut scaled = [alpha; WEIGHTS];
        let mut next = vec![1.0; WEIGHTS];
        for i in 1..WEIGHTS {
            let denominator = alpha * beta_old * (zeta_old[i] - zeta[i])
                + zeta_old[i] * alpha_old * (1.0 + shifts[i] * alpha);
            next[i] = if denominator == 0.0 { 0.0 } else { zeta[i] * zeta_old[i] * alpha_old / denominator };
            scaled[i] = if zeta[i] == 0.0 { 0.0 } else { alpha * next[i] / zeta[i] };
        }
        for i in 0..WEIGHTS {
            axpy(scaled[i], &directions[i], &mut x[i]);
        }
        axpy(-alpha, &q, &mut r);
        let new = dot(&r, &r);
        let beta = new / rr;
        for i in 0..WEIGHTS {
            let ratio = if zeta[i] == 0.0 { 0.0 } else { next[i] / zeta[i] };
            let factor = beta * ratio * ratio;
            for (p, r) in directions[i].iter_mut().zip(&r) {
                *p = next[i] * r + factor * *p;
            }
        }
        zeta_old = std::mem::replace(&mut zeta, next);
        (alpha_old, beta_old, rr) = (alpha, beta, new);
    }
    x
}

/// Both samplers: `solvable` by sufficient statistics and, unless only that is wanted, `solvable_raw` from rows.
#[must_use]
pub fn run(s: &Sizes, reduced_only: bool, repetitions: usize, limit: Duration) -> Vec<Report> {
    let Sizes { n, d, k, replicates } = *s;
    // Gram matrix, its factor, solutions for all bag means, their products: what any route from the rows has to do.
    let (rows, dimension, bags) = (n as f64, d as f64, (n / k) as f64);
    let from_rows_gflop = 1e-9
        * replicates as f64
        * (rows * dimension * dimension
            + dimension.powi(3) / 3.0
            + 2.0 * dimension * dimension * bags
            + dimension * bags * bags);
    let mut theta = gauss(3, d);
    let norm = dot(&theta, &theta).sqrt();
    theta.iter_mut().for_each(|x| *x /= norm);
    let given = from_rows(s, &theta, &gauss(1, n * d), &gauss(2, n));
    let result = given.iter().sum::<f64>() / WEIGHTS as f64;
    let reduced = Reduced::new(*s);
    let mut seed = 0;
    let mut report = |implementation, raw: bool| {
        let (moments, times) = time(repetitions, limit, || {
            seed += 1;
            let replicas = Replicas::new(seed, replicates);
            type Never = std::convert::Infallible;
            let mean = |risks: [f64; WEIGHTS]| Ok::<_, Never>(risks.iter().sum::<f64>() / WEIGHTS as f64);
            if raw {
                let work = || vec![0.0; n * (d + 1)];
                replicas.moments(work, |stream, normals: &mut Vec<f64>| {
                    normal::fill(stream, normals);
                    let (x, noise) = normals.split_at(n * d);
                    mean(from_rows(s, &theta, x, noise))
                })
            } else {
                replicas.moments(|| reduced.work(), |stream, work| mean(reduced.sample(stream, work)))
            }
            .expect("finite risks")
        });
        Report {
            workload: "agg_mc",
            implementation,
            parameters: json!({ "n": n, "d": d, "k": k, "nrho": WEIGHTS, "reps_mc": replicates, "sigma": SIGMA, "lam": 0.0 }),
            result,
            extra: json!({ "risk_det_first": given[0], "risk_det_last": given[WEIGHTS - 1],
                "seconds_per_replicate": times.wall_median() / replicates as f64,
                "from_rows_gflop": from_rows_gflop, "mc_risk_mean": moments.mean(), "mc_se": moments.standard_error() }),
            times,
        }
    };
    let mut reports = vec![report("solvable", false)];
    if !reduced_only {
        reports.push(report("solvable_raw", true));
    }
    reports
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both samplers estimate the same expectations: level 1e-6 for the difference of means.
    #[test]
    fn the_reduction_has_the_law_of_the_rows() {
        let s = Sizes { n: 48, d: 20, k: 4, replicates: 4000 };
        let reports = run(&s, false, 1, Duration::from_secs(1));
        let number = |r: &Report, key: &str| r.extra[key].as_f64().expect("a number");
        let difference = number(&reports[0], "mc_risk_mean") - number(&reports[1], "mc_risk_mean");
        let error = number(&reports[0], "mc_se").hypot(number(&reports[1], "mc_se"));
        assert!(difference.abs() < 4.892 * error, "{difference} +- {error}");
    }
}
