//! Training a deep linear network with free features until the gradient norm is below a tolerance.
//!
//! `L = |W_M ... W_1 H - Y|^2 / (2 N) + lw/2 sum |W_l|^2 + lh/2 |H|^2`, `Y = I_K (x) 1_n'`. The result is the final loss, to be compared with the closed-form minimum.
//! `solvable` minimises over the layers alone, the features eliminated exactly. The other two keep the features: the columns of `H` enter
//! through `H Q` alone, `Q` an orthonormal basis of the rows of `H(0)` and `Y`, a span that no method of gradients leaves, so `N = K n`
//! columns become `d + K`, exactly. `solvable_features` minimises over both, `solvable_gd` follows plain gradient descent step for step.
use std::time::Duration;

use serde_json::json;
use solvable_linalg::{Mat, MatMut, MatRef, matmul_into, qr};
use solvable_model::Objective;
use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};
use solvable_sim::collapse::ProjectedFeatures;
use solvable_sim::minimise::{LbfgsOptions, lbfgs};

use super::Report;
use super::prompts::dot;
use crate::gauss::gauss;
use crate::timing::time;

/// Pairs of memory; more cost more than they save here.
const MEMORY: usize = 2;

/// Sizes and weights.
#[derive(Clone, Copy, Debug)]
pub struct Problem {
    /// Classes.
    pub classes: usize,
    /// Samples of a class.
    pub n: usize,
    /// Width.
    pub d: usize,
    /// Layers.
    pub layers: usize,
    /// Weight decay of the layers.
    pub lw: f64,
    /// Weight decay of the features.
    pub lh: f64,
    /// Step of gradient descent.
    pub rate: f64,
    /// Gradient norm at which to stop.
    pub tolerance: f64,
}

impl Default for Problem {
    fn default() -> Self {
        Self { classes: 10, n: 100, d: 64, layers: 3, lw: 5e-3, lh: 2e-4, rate: 1.5, tolerance: 1e-8 }
    }
}

/// The objective in reduced columns; parameters `W_1, ..., W_M, H` by columns.
struct Reduced {
    p: Problem,
    columns: usize,
    target: Mat<f64>,
}

struct Work {
    /// `T (W_l ... W_1)'`, K by d: the small factor first, so that no product costs `d^3`.
    suffix: Vec<Mat<f64>>,
    /// `W_M ... W_{l+1}`.
    prefix: Vec<Mat<f64>>,
    residual: Mat<f64>,
    /// `R H' / N`.
    t: Mat<f64>,
    gradient_h: Mat<f64>,
}

impl Reduced {
    /// Rows of `W_l`, `l` from 0.
    fn rows(&self, l: usize) -> usize {
        if l + 1 == self.p.layers { self.p.classes } else { self.p.d }
    }

    fn layer<'a>(&self, x: &'a [f64], l: usize) -> MatRef<'a, f64> {
        let d = self.p.d;
        MatRef::from_column_major_slice(&x[l * d * d..][..self.rows(l) * d], self.rows(l), d)
    }

    fn features<'a>(&self, x: &'a [f64]) -> MatRef<'a, f64> {
        let from = self.features_at();
        MatRef::from_column_major_slice(&x[from..], self.p.d, self.columns)
    }

    fn features_at(&self) -> usize {
        (self.p.layers - 1) * self.p.d * self.p.d + self.p.classes * self.p.d
    }

    /// The residual `W_M ... W_1 H - Y` and all products on the way.
    fn forward(&self, x: &[f64], work: &mut Work) {
        let layers = self.p.layers;
        for l in (0..layers - 1).rev() {
            let (first, above) = work.prefix.split_at_mut(l + 1);
            let above = if l + 2 == layers { self.layer(x, layers - 1) } else { above[0].as_ref() };
            matmul_into(first[l].as_mut(), above, self.layer(x, l));
        }
        let whole = if layers == 1 { self.layer(x, 0) } else { work.prefix[0].as_ref() };
        matmul_into(work.residual.as_mut(), whole, self.features(x));
        for j in 0..self.columns {
            for (r, y) in work.residual.col_as_slice_mut(j).iter_mut().zip(self.target.col_as_slice(j)) {
                *r -= y;
            }
        }
    }

    fn loss(&self, x: &[f64], work: &Work) -> f64 {
        let samples = (self.p.classes * self.p.n) as f64;
        let fit: f64 = (0..self.columns)
            .map(|j| dot(work.residual.col_as_slice(j), work.residual.col_as_slice(j)))
            .sum();
        let (w, h) = x.split_at(self.features_at());
        fit / (2.0 * samples) + 0.5 * self.p.lw * dot(w, w) + 0.5 * self.p.lh * dot(h, h)
    }
}

fn column_major(slice: &mut [f64], rows: usize, columns: usize) -> MatMut<'_, f64> {
    MatMut::from_column_major_slice_mut(slice, rows, columns)
}

impl Objective for Reduced {
    type Work = Work;

    fn dimension(&self) -> usize {
        self.features_at() + self.p.d * self.columns
    }

    fn work(&self) -> Work {
        let (k, d, layers) = (self.p.classes, self.p.d, self.p.layers);
        Work {
            suffix: (0..layers).map(|_| Mat::zeros(k, d)).collect(),
            prefix: (0..layers - 1).map(|_| Mat::zeros(k, d)).collect(),
            residual: Mat::zeros(k, self.columns),
            t: Mat::zeros(k, d),
            gradient_h: Mat::zeros(d, self.columns),
        }
    }

    fn value(&self, x: &[f64], work: &mut Work) -> f64 {
        self.forward(x, work);
        self.loss(x, work)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut Work) {
        let _ = self.value_and_gradient(x, gradient, work);
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut Work) -> f64 {
        self.forward(x, work);
        let (k, d, layers) = (self.p.classes, self.p.d, self.p.layers);
        let inverse = 1.0 / (k * self.p.n) as f64;
        matmul_into(work.t.as_mut(), work.residual.as_ref(), self.features(x).transpose());
        for j in 0..d {
            work.t.col_as_slice_mut(j).iter_mut().for_each(|t| *t *= inverse);
        }
        for l in 0..layers {
            // (W_M ... W_{l+1})' T (W_{l-1} ... W_1)'.
            if l == 0 {
                work.suffix[0].copy_from(&work.t);
            } else {
                let (done, rest) = work.suffix.split_at_mut(l);
                matmul_into(rest[0].as_mut(), done[l - 1].as_ref(), self.layer(x, l - 1).transpose());
            }
            let rows = self.rows(l);
            let mut out = column_major(&mut gradient[l * d * d..][..rows * d], rows, d);
            if l + 1 == layers {
                out.copy_from(&work.suffix[l]);
            } else {
                let above =
                    if l + 2 == layers { self.layer(x, layers - 1) } else { work.prefix[l + 1].as_ref() };
                matmul_into(out, above.transpose(), work.suffix[l].as_ref());
            }
        }
        let whole = if layers == 1 { self.layer(x, 0) } else { work.prefix[0].as_ref() };
        matmul_into(work.gradient_h.as_mut(), whole.transpose(), work.residual.as_ref());
        let from = self.features_at();
        for (g, x) in gradient[..from].iter_mut().zip(x) {
            *g += self.p.lw * x;
        }
        for j in 0..self.columns {
            let place = from + j * d;
            let out = gradient[place..place + d].iter_mut().zip(&x[place..place + d]);
            for ((g, x), p) in out.zip(work.gradient_h.col_as_slice(j)) {
                *g = p * inverse + self.p.lh * x;
            }
        }
        self.loss(x, work)
    }
}

/// The given start: `H(0)` row by row, and the layers by columns.
fn start(p: &Problem) -> (Vec<f64>, Vec<f64>) {
    let (k, d) = (p.classes, p.d);
    let mut x = Vec::new();
    for l in 0..p.layers {
        let rows = if l + 1 == p.layers { k } else { d };
        let z = gauss(11 + l as u64, rows * d);
        x.extend((0..rows * d).map(|at| z[(at % rows) * d + at / rows] / (d as f64).sqrt()));
    }
    (gauss(10, d * k * p.n), x)
}

/// The reduced problem and its start.
fn reduce(p: &Problem, h0: &[f64], layers: &[f64]) -> (Reduced, Vec<f64>) {
    let (k, n, d) = (p.classes, p.n, p.d);
    let samples = k * n;
    let y = |c: usize, i: usize| if i / n == c { 1.0 } else { 0.0 };
    let both =
        Mat::from_fn(samples, k + d, |i, c| if c < k { y(c, i) } else { 0.3 * h0[(c - k) * samples + i] });
    let q = qr(both.as_ref()).expect("finite entries").q;
    let columns = q.ncols();
    let mut target = Mat::zeros(k, columns);
    matmul_into(target.as_mut(), Mat::from_fn(k, samples, y).as_ref(), q.as_ref());
    let mut features = Mat::zeros(d, columns);
    matmul_into(
        features.as_mut(),
        Mat::from_fn(d, samples, |i, j| 0.3 * h0[i * samples + j]).as_ref(),
        q.as_ref(),
    );
    let mut x = layers.to_vec();
    x.extend((0..columns).flat_map(|j| features.col_as_slice(j).to_vec()));
    (Reduced { p: *p, columns, target }, x)
}

/// `solvable`, `solvable_features`, `solvable_gd`.
#[must_use]
pub fn run(p: &Problem, repetitions: usize, limit: Duration) -> Vec<Report> {
    let (h0, layers) = start(p);
    let report = |implementation, times, result, steps: u64, norm: f64| Report {
        workload: "collapse_gd",
        implementation,
        parameters: json!({ "K": p.classes, "n": p.n, "d": p.d, "M": p.layers, "lw": p.lw, "lh": p.lh, "lr": p.rate,
            "tol": p.tolerance }),
        times,
        result,
        extra: json!({ "loss_min": minimum(p), "gap": result - minimum(p), "grad_norm": norm, "steps": steps,
            "done": norm < p.tolerance }),
    };
    let options = LbfgsOptions::default().memory(MEMORY).gradient_norm(p.tolerance);
    let (best, quasi_newton) = time(repetitions, limit, || {
        lbfgs(&projected(p), &top_down(p, &layers), &options).expect("a minimum")
    });
    let (whole, features) = time(repetitions, limit, || {
        let (problem, start) = reduce(p, &h0, &layers);
        lbfgs(&problem, &start, &options).expect("a minimum")
    });
    let (end, descent) = time(repetitions, limit, || {
        let (problem, mut x) = reduce(p, &h0, &layers);
        let (mut work, mut gradient) = (problem.work(), vec![0.0; x.len()]);
        for step in 0.. {
            let value = problem.value_and_gradient(&x, &mut gradient, &mut work);
            let norm = if step % 50 == 0 { dot(&gradient, &gradient).sqrt() } else { f64::INFINITY };
            if norm < p.tolerance || step == 400_000 {
                return (value, step, norm);
            }
            for (x, g) in x.iter_mut().zip(&gradient) {
                *x -= p.rate * g;
            }
        }
        unreachable!("the loop ends by its return")
    });
    vec![
        report("solvable", quasi_newton, best.value, best.evaluations, best.gradient_norm),
        report("solvable_features", features, whole.value, whole.evaluations, whole.gradient_norm),
        report("solvable_gd", descent, end.0, end.1, end.2),
    ]
}

/// The loss as a function of the layers alone.
fn projected(p: &Problem) -> ProjectedFeatures {
    let classes = ClassCounts::new(vec![p.n; p.classes]).expect("valid");
    let problem = FreeFeatures::new(classes, vec![p.d; p.layers], vec![p.lw; p.layers], p.lh, Bias::None);
    ProjectedFeatures::new(&problem.expect("valid")).expect("small")
}

/// The layers from the top, row by row, out of layers from below by columns.
fn top_down(p: &Problem, layers: &[f64]) -> Vec<f64> {
    let (k, d) = (p.classes, p.d);
    let mut x = Vec::new();
    for l in (0..p.layers).rev() {
        let rows = if l + 1 == p.layers { k } else { d };
        let w = &layers[l * d * d..][..rows * d];
        x.extend((0..rows * d).map(|at| w[(at % d) * rows + at / d]));
    }
    x
}

/// The closed-form minimum: `K min_{s,h} [(s^M h - 1)^2/(2 K) + M lw s^2/2 + n lh h^2/2]`, or 1/2 at the origin.
fn minimum(p: &Problem) -> f64 {
    let (k, n, m) = (p.classes as f64, p.n as f64, p.layers as i32);
    let value = |s: f64| {
        let h = s.powi(m) / k / (s.powi(2 * m) / k + n * p.lh);
        k * ((s.powi(m) * h - 1.0).powi(2) / (2.0 * k)
            + p.layers as f64 * p.lw * s * s / 2.0
            + n * p.lh * h * h / 2.0)
    };
    let best =
        (0..=3000).map(|i| i as f64 * 1e-3).min_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap_or(0.0);
    let (mut a, mut b) = ((best - 1e-3).max(0.0), best + 1e-3);
    for _ in 0..200 {
        let (c, d) = (a + (b - a) / 3.0, b - (b - a) / 3.0);
        if value(c) < value(d) { b = d } else { a = c }
    }
    value(0.5 * (a + b)).min(0.5)
}
