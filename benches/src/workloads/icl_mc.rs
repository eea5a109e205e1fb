//! Monte Carlo loss of a linear attention layer with given weights: the mean of `(yhat - y)^2` over prompts.
//!
//! `x = Lambda^(1/2) z`, `Lambda = diag(i^-alpha)`, `U = Gamma^-1`, `v = 1`, `p_i = 0.02 cos i`, `q_i = 0.02 sin i`;
//! `yhat = (u . (h + (p . x) x) + (q . x) t) / N`, `h = sum a_i x_i`, `t = sum a_i y_i`, `a_i = p . x_i + v y_i`, `u = U x`.
use std::time::Duration;

use serde_json::json;
use solvable_sim::monte_carlo::{Moments, Stream, replicate};
use solvable_sim::normal;

use super::Report;
use super::prompts::{Bartlett, Plane, dot};
use crate::timing::time;

/// A layer in whitened coordinates.
#[derive(Clone, Debug)]
struct Layer {
    d: usize,
    n: usize,
    roots: Vec<f64>,
    /// `Lambda^(1/2) U Lambda^(1/2)`, row by row.
    u: Vec<f64>,
    p: Vec<f64>,
    q: Vec<f64>,
    v: f64,
    /// The exact expectation.
    exact: f64,
}

impl Layer {
    fn new(d: usize, n: usize, alpha: f64) -> Self {
        let lambda: Vec<f64> = (1..=d).map(|i| (i as f64).powf(-alpha)).collect();
        let trace: f64 = lambda.iter().sum();
        let gamma: Vec<f64> = lambda.iter().map(|l| (1.0 + 1.0 / n as f64) * l + trace / n as f64).collect();
        let roots: Vec<f64> = lambda.iter().map(|l| l.sqrt()).collect();
        let u = (0..d * d)
            .map(|at| if at / d == at % d { lambda[at / d] / gamma[at / d] } else { 0.0 })
            .collect();
        let p = |i: usize| 0.02 * (i as f64).cos();
        let q = |i: usize| 0.02 * (i as f64).sin();
        let inverse: Vec<f64> = gamma.iter().map(|g| 1.0 / g).collect();
        Self {
            exact: exact(&lambda, n, &inverse, &p, &q),
            p: (0..d).map(|i| roots[i] * p(i)).collect(),
            q: (0..d).map(|i| roots[i] * q(i)).collect(),
            d,
            n,
            roots,
            u,
            v: 1.0,
        }
    }

    fn apply_u(&self, z: &[f64], out: &mut [f64]) {
        for (o, row) in out.iter_mut().zip(self.u.chunks_exact(self.d)) {
            *o = dot(row, z);
        }
    }
}

/// Twice the loss, every Gaussian moment resummed, for diagonal `U` and `v = 1`.
fn exact(lambda: &[f64], n: usize, u: &[f64], p: &dyn Fn(usize) -> f64, q: &dyn Fn(usize) -> f64) -> f64 {
    let d = lambda.len();
    let n = n as f64;
    let trace: f64 = lambda.iter().sum();
    let squares: f64 = lambda.iter().map(|l| l * l).sum();
    let gamma: Vec<f64> = lambda.iter().map(|l| (1.0 + 1.0 / n) * l + trace / n).collect();
    let sum = |f: &dyn Fn(usize) -> f64| (0..d).map(f).sum::<f64>();
    let mut odd = trace;
    for i in 0..d {
        for j in 0..d {
            let m = if i == j { u[i] } else { 0.0 } + p(i) * q(j);
            odd += gamma[i] * lambda[i] * m * m * lambda[j];
            if i == j {
                odd -= 2.0 * lambda[i] * lambda[i] * m;
            }
        }
    }
    let a = |i: usize| u[i] * lambda[i] * p(i);
    let lpp = sum(&|i| lambda[i] * p(i) * p(i));
    let a1 =
        (1.0 + 1.0 / n) * sum(&|i| lambda[i] * a(i) * a(i)) + sum(&|i| (lambda[i] * u[i]).powi(2)) * lpp / n;
    // Q = Lambda^(1/2) U Lambda^(1/2) is diagonal here, pi = Lambda^(1/2) p.
    let t = sum(&|i| lambda[i] * u[i]);
    let q2 = sum(&|i| (lambda[i] * u[i]).powi(2));
    let pqp = sum(&|i| lambda[i] * p(i) * lambda[i] * u[i] * p(i));
    let qp2 = sum(&|i| lambda[i] * (lambda[i] * u[i] * p(i)).powi(2));
    let a2 = (lpp * (t * t + 2.0 * q2) + 4.0 * t * pqp + 8.0 * qp2) / (n * n);
    let a3 = sum(&|i| lambda[i] * q(i) * q(i)) * (1.0 + 2.0 / n) * (trace * trace + 2.0 * squares);
    let c =
        sum(&|i| a(i) * lambda[i] * p(i)) * t + 2.0 * sum(&|i| a(i) * lambda[i] * u[i] * lambda[i] * p(i));
    let a13 =
        sum(&|i| q(i) * lambda[i] * u[i] * (lambda[i] * trace + 2.0 / n * lambda[i] * lambda[i]) * p(i));
    let a23 = trace / n
        * (sum(&|i| q(i) * lambda[i] * p(i)) * t
            + 2.0 * sum(&|i| q(i) * lambda[i] * u[i] * lambda[i] * p(i)));
    odd + a1 + a2 + a3 + 2.0 * (c / n + a13 + a23)
}

/// Work space of a worker.
struct Work {
    /// `w`, `z` and the normals of the reduction, or the prompt.
    normals: Vec<f64>,
    w: Vec<f64>,
    u: Vec<f64>,
    h: Vec<f64>,
    plane: Plane,
}

impl Layer {
    fn work(&self, normals: usize) -> Work {
        let zeros = || vec![0.0; self.d];
        Work { normals: vec![0.0; normals], w: zeros(), u: zeros(), h: zeros(), plane: Plane::new(self.d) }
    }

    /// The squared error of a prompt drawn example by example.
    fn raw(&self, stream: &mut Stream, work: &mut Work) -> f64 {
        let d = self.d;
        normal::fill(stream, &mut work.normals);
        let (w, rest) = work.normals.split_at(d);
        let (z, examples) = rest.split_at(d);
        for ((o, x), r) in work.w.iter_mut().zip(w).zip(&self.roots) {
            *o = x * r;
        }
        work.h.fill(0.0);
        let mut t = 0.0;
        for x in examples.chunks_exact(d) {
            let y = dot(x, &work.w);
            let a = dot(x, &self.p) + self.v * y;
            t += a * y;
            for (h, x) in work.h.iter_mut().zip(x) {
                *h += a * x;
            }
        }
        self.apply_u(z, &mut work.u);
        let prediction = dot(&work.u, &work.h) + dot(&self.p, z) * dot(&work.u, z) + dot(&self.q, z) * t;
        let error = prediction / self.n as f64 - dot(&work.w, z);
        error * error
    }

    /// The squared error of a prompt drawn by its sufficient statistics in the plane of `w` and `p`.
    fn reduced(&self, bartlett: &Bartlett, stream: &mut Stream, work: &mut Work) -> f64 {
        let d = self.d;
        normal::fill(stream, &mut work.normals);
        let (w, rest) = work.normals.split_at(d);
        let (z, extra) = rest.split_at(d);
        for ((o, x), r) in work.w.iter_mut().zip(w).zip(&self.roots) {
            *o = x * r;
        }
        let plane = &mut work.plane;
        plane.set(&work.w, &self.p);
        let factor = bartlett.draw(stream, extra[0]);
        // S (c1, c2) for the weights c of a_i = c1 alpha_i + c2 beta_i, through the factor: |T' c|^2 = sum a_i^2.
        let (c1, c2) = (plane.b1 + self.v * plane.a1, plane.b2);
        let (r1, r2) = (factor.t11 * c1 + factor.t21 * c2, factor.t22 * c2);
        let (s1, s2) = (factor.t11 * r1, factor.t21 * r1 + factor.t22 * r2);
        self.apply_u(z, &mut work.u);
        let (u1, u2) = (dot(&work.u, &plane.e1), dot(&work.u, &plane.e2));
        let across = (dot(&work.u, &work.u) - u1 * u1 - u2 * u2).max(0.0);
        let uh = u1 * s1 + u2 * s2 + (across * (r1 * r1 + r2 * r2)).sqrt() * extra[1];
        let prediction = uh + dot(&self.p, z) * dot(&work.u, z) + dot(&self.q, z) * plane.a1 * s1;
        let error = prediction / self.n as f64 - dot(&work.w, z);
        error * error
    }
}

/// Both samplers: `solvable` by sufficient statistics, `solvable_raw` example by example.
#[must_use]
pub fn run(d: usize, n: usize, prompts: u64, repetitions: usize, limit: Duration) -> Vec<Report> {
    let layer = Layer::new(d, n, 0.5);
    let bartlett = Bartlett::new(n);
    let mut seed = 0;
    let mut report = |implementation, sample: &(dyn Fn(u64) -> Moments + Sync)| {
        let (moments, times) = time(repetitions, limit, || {
            seed += 1;
            sample(seed)
        });
        let z = (moments.mean() - layer.exact) / moments.standard_error();
        Report {
            workload: "icl_mc",
            implementation,
            parameters: json!({ "d": d, "N": n, "B": prompts, "alpha": 0.5 }),
            times,
            result: moments.mean(),
            extra: json!({ "stderr": moments.standard_error(), "exact": layer.exact, "z": z }),
        }
    };
    type Never = std::convert::Infallible;
    vec![
        report("solvable", &|seed| {
            let sample = |s: &mut Stream, w: &mut Work| Ok::<_, Never>(layer.reduced(&bartlett, s, w));
            replicate(seed, prompts, || layer.work(2 * d + 2), sample).expect("finite errors")
        }),
        report("solvable_raw", &|seed| {
            let sample = |s: &mut Stream, w: &mut Work| Ok::<_, Never>(layer.raw(s, w));
            replicate(seed, prompts, || layer.work(d * (n + 2)), sample).expect("finite errors")
        }),
    ]
}
