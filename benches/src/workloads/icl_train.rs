//! Training a linear attention layer by plain SGD on fresh prompts, from `p = q = 0`, `U = s I / sqrt d`, `v = s`, `Lambda = I`.
//!
//! The seconds are per step (drawing the prompts included); the result is the population loss after the run, on 20,000 fresh prompts.
use std::time::Duration;

use serde_json::json;
use solvable_sim::monte_carlo::{Replicas, Stream, replicate};
use solvable_sim::normal;

use super::Report;
use super::prompts::{Bartlett, Plane, dot};
use crate::timing::time;

/// Sizes and step of a training run.
#[derive(Clone, Copy, Debug)]
pub struct Training {
    /// Dimension.
    pub d: usize,
    /// Examples of a prompt.
    pub n: usize,
    /// Prompts of a step.
    pub batch: u64,
    /// Steps.
    pub steps: u64,
    /// Step size.
    pub rate: f64,
    /// Scale of the start.
    pub s: f64,
}

impl Default for Training {
    fn default() -> Self {
        Self { d: 20, n: 40, batch: 2048, steps: 200, rate: 1e-3, s: 0.8 }
    }
}

/// Parameters, and gradients of the same layout: `U` row by row, `p`, `q`, `v`.
struct Weights {
    d: usize,
    flat: Vec<f64>,
}

impl Weights {
    fn start(t: &Training) -> Self {
        let mut flat = vec![0.0; t.d * t.d + 2 * t.d + 1];
        for i in 0..t.d {
            flat[i * t.d + i] = t.s / (t.d as f64).sqrt();
        }
        flat[t.d * t.d + 2 * t.d] = t.s;
        Self { d: t.d, flat }
    }

    fn u(&self) -> &[f64] {
        &self.flat[..self.d * self.d]
    }
    fn p(&self) -> &[f64] {
        &self.flat[self.d * self.d..][..self.d]
    }
    fn q(&self) -> &[f64] {
        &self.flat[self.d * self.d + self.d..][..self.d]
    }
    fn v(&self) -> f64 {
        self.flat[self.d * self.d + 2 * self.d]
    }
}

struct Work {
    normals: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
    u: Vec<f64>,
    /// `M a` and `M b`.
    ma: Vec<f64>,
    mb: Vec<f64>,
    plane: Plane,
}

impl Work {
    fn new(d: usize) -> Self {
        let zeros = || vec![0.0; d];
        Self {
            normals: vec![0.0; 4 * d + 1],
            a: zeros(),
            b: zeros(),
            u: zeros(),
            ma: zeros(),
            mb: zeros(),
            plane: Plane::new(d),
        }
    }
}

/// Draws a prompt by its sufficient statistics: `M a`, `M b` for `a = p + v w`, `b = u + (q . z) w`, `u = U z`. Returns the error `yhat - y` and `t = w' M a`.
fn prompt(
    weights: &Weights,
    n: usize,
    bartlett: &Bartlett,
    stream: &mut Stream,
    work: &mut Work,
) -> (f64, f64) {
    let d = weights.d;
    normal::fill(stream, &mut work.normals);
    let (w, rest) = work.normals.split_at(d);
    let (z, rest) = rest.split_at(d);
    let (g1, rest) = rest.split_at(d);
    let (g2, last) = rest.split_at(d);
    for (o, row) in work.u.iter_mut().zip(weights.u().chunks_exact(d)) {
        *o = dot(row, z);
    }
    let (qz, pz, v) = (dot(weights.q(), z), dot(weights.p(), z), weights.v());
    for i in 0..d {
        work.a[i] = weights.p()[i] + v * w[i];
        work.b[i] = work.u[i] + qz * w[i];
    }
    let plane = &mut work.plane;
    plane.set(&work.a, &work.b);
    let f = bartlett.draw(stream, last[0]);
    let (s11, s21, s22) = (f.t11 * f.t11, f.t21 * f.t11, f.t21 * f.t21 + f.t22 * f.t22);
    // M e1 = S11 e1 + S21 e2 + P (T11 g1), M e2 = S21 e1 + S22 e2 + P (T21 g1 + T22 g2).
    let (p11, p12) = (dot(g1, &plane.e1), dot(g1, &plane.e2));
    let (p21, p22) = (dot(g2, &plane.e1), dot(g2, &plane.e2));
    let (c11, c12) = (s11 - f.t11 * p11, s21 - f.t11 * p12);
    let (c21, c22) = (s21 - f.t21 * p11 - f.t22 * p21, s22 - f.t21 * p12 - f.t22 * p22);
    for i in 0..d {
        let (e1, e2) = (plane.e1[i], plane.e2[i]);
        let m1 = c11 * e1 + c12 * e2 + f.t11 * g1[i];
        let m2 = c21 * e1 + c22 * e2 + f.t21 * g1[i] + f.t22 * g2[i];
        work.ma[i] = plane.a1 * m1;
        work.mb[i] = plane.b1 * m1 + plane.b2 * m2;
    }
    let t = dot(w, &work.ma);
    let prediction = (dot(&work.u, &work.ma) + pz * dot(&work.u, z) + qz * t) / n as f64;
    (prediction - dot(w, z), t)
}

/// Adds the gradient of half the squared error times N.
fn add_gradient(
    weights: &Weights,
    n: usize,
    bartlett: &Bartlett,
    stream: &mut Stream,
    work: &mut Work,
    sum: &mut [f64],
) {
    let d = weights.d;
    let (error, t) = prompt(weights, n, bartlett, stream, work);
    let (w, z) = (&work.normals[..d], &work.normals[d..2 * d]);
    let pz = dot(weights.p(), z);
    let (gu, rest) = sum.split_at_mut(d * d);
    let (gp, rest) = rest.split_at_mut(d);
    let (gq, gv) = rest.split_at_mut(d);
    for (i, row) in gu.chunks_exact_mut(d).enumerate() {
        let h = error * (work.ma[i] + pz * z[i]);
        for (g, z) in row.iter_mut().zip(z) {
            *g += h * z;
        }
    }
    let zu = dot(z, &work.u);
    for i in 0..d {
        gp[i] += error * (work.mb[i] + zu * z[i]);
        gq[i] += error * t * z[i];
    }
    gv[0] += error * dot(w, &work.mb);
}

/// Trains and reports.
#[must_use]
pub fn run(t: &Training, repetitions: usize, limit: Duration) -> Report {
    let bartlett = Bartlett::new(t.n);
    let (d, n) = (t.d, t.n);
    let mut seed = 0;
    let (weights, times) = time(repetitions, limit, || {
        let mut weights = Weights::start(t);
        for _ in 0..t.steps {
            seed += 1;
            let gradient = Replicas::new(seed, t.batch)
                .sum(
                    weights.flat.len(),
                    || Work::new(d),
                    |stream, work, sum| {
                        add_gradient(&weights, n, &bartlett, stream, work, sum);
                    },
                )
                .expect("finite gradients");
            let scale = t.rate / (n as f64 * t.batch as f64);
            for (w, g) in weights.flat.iter_mut().zip(&gradient) {
                *w -= scale * g;
            }
        }
        weights
    });
    let evaluation = replicate(
        u64::MAX,
        20_000,
        || Work::new(d),
        |stream, work| {
            let (error, _) = prompt(&weights, n, &bartlett, stream, work);
            Ok::<_, std::convert::Infallible>(0.5 * error * error)
        },
    )
    .expect("finite errors");
    let gamma = 1.0 + 1.0 / n as f64 + d as f64 / n as f64;
    let distance = (0..d * d)
        .map(|at| (weights.v() * weights.u()[at] - if at / d == at % d { 1.0 / gamma } else { 0.0 }).powi(2))
        .sum::<f64>()
        .sqrt();
    Report {
        workload: "icl_train",
        implementation: "solvable",
        parameters: json!({ "d": d, "N": n, "batch": t.batch, "steps": t.steps, "lr": t.rate, "s": t.s }),
        times: times.per(t.steps as f64),
        result: evaluation.mean(),
        extra: json!({ "stderr": evaluation.standard_error(), "loss_min": 0.5 * d as f64 * (1.0 - 1.0 / gamma),
            "seconds_are": "per step", "vU_dist": distance * gamma / (d as f64).sqrt() }),
    }
}
