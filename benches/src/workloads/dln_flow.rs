//! Gradient descent on deep linear networks: one big network, or a batch of small ones.
//!
//! `L = 1/2 |W_L ... W_1 - A|_F^2`; the result is the loss after exactly `steps` steps (mean over networks), the seconds are per step.
use std::time::Duration;

use serde_json::json;
use solvable_linalg::{Mat, MatRef, matmul_add, matmul_into};
use solvable_sim::lanes::DeepLinearBatch;

use super::Report;
use crate::gauss::gauss;
use crate::timing::time;

/// Parameters of the batch: `networks` networks of `depth` layers, `width` by `width`.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// Number of networks.
    pub networks: usize,
    /// Width of every layer.
    pub width: usize,
    /// Number of layers.
    pub depth: usize,
    /// Gradient steps.
    pub steps: usize,
    /// Step size.
    pub step: f64,
}

impl Default for Batch {
    fn default() -> Self {
        Self { networks: 1000, width: 16, depth: 3, steps: 200, step: 0.05 }
    }
}

impl Batch {
    /// `W_l = 0.7 I + 0.3 / sqrt(w) gauss(20 + l)`, `A = gauss(30) / sqrt(w)`.
    #[must_use]
    pub fn start(&self) -> DeepLinearBatch {
        let (w, b) = (self.width, self.networks);
        let root = (w as f64).sqrt();
        let mut batch = DeepLinearBatch::new(&vec![w; self.depth + 1], b).expect("valid widths");
        for l in 0..self.depth {
            let z = gauss(20 + l as u64, b * w * w);
            for (r, entries) in z.chunks(w * w).enumerate() {
                let weight: Vec<f64> = entries
                    .iter()
                    .enumerate()
                    .map(|(at, g)| if at / w == at % w { 0.7 } else { 0.0 } + 0.3 / root * g)
                    .collect();
                batch.set_weight(r, l, &weight).expect("the right size");
            }
        }
        for (r, entries) in gauss(30, b * w * w).chunks(w * w).enumerate() {
            let target: Vec<f64> = entries.iter().map(|g| g / root).collect();
            batch.set_target(r, &target).expect("the right size");
        }
        batch
    }

    /// Runs and reports.
    #[must_use]
    pub fn run(&self, repetitions: usize, limit: Duration) -> Report {
        let start = self.start();
        let mut batch = start.clone();
        let ((), times) = time(repetitions, limit, || {
            batch.clone_from(&start);
            batch.descend(self.step, self.steps).expect("a finite step");
        });
        let loss = (0..self.networks).map(|r| batch.loss(r).expect("a network of the batch")).sum::<f64>();
        let flops = 2.0 * (3 * (self.depth - 1)) as f64 * (self.width as f64).powi(3) * self.networks as f64;
        let times = times.per(self.steps as f64);
        let rate = flops * 1e-9 / times.cpu_min().unwrap_or(times.wall_min());
        Report {
            workload: "dln_flow",
            implementation: "solvable",
            parameters: json!({ "mode": "batch", "width": self.width, "depth": self.depth, "B": self.networks,
                "steps": self.steps, "lr": self.step }),
            times,
            result: loss / self.networks as f64,
            extra: json!({ "seconds_are": "per step", "gflops": rate }),
        }
    }
}

/// Parameters of the big network.
#[derive(Clone, Copy, Debug)]
pub struct Big {
    /// Width of every layer.
    pub width: usize,
    /// Number of layers.
    pub depth: usize,
    /// Gradient steps.
    pub steps: usize,
    /// Step size.
    pub step: f64,
}

impl Default for Big {
    fn default() -> Self {
        Self { width: 128, depth: 4, steps: 1000, step: 0.01 }
    }
}

impl Big {
    fn start(&self) -> (Vec<Mat<f64>>, Mat<f64>) {
        let w = self.width;
        let root = (w as f64).sqrt();
        let weights = (0..self.depth)
            .map(|l| {
                let z = gauss(20 + l as u64, w * w);
                Mat::from_fn(w, w, |i, j| if i == j { 0.6 } else { 0.0 } + 0.2 / root * z[i * w + j])
            })
            .collect();
        let (left, right) = (gauss(30, w * 8), gauss(31, 8 * w));
        let target = Mat::from_fn(w, w, |i, j| {
            (0..8).map(|k| left[i * 8 + k] * right[k * w + j]).sum::<f64>() / w as f64
        });
        (weights, target)
    }

    /// Runs and reports, with the time of the matrix products alone beside it.
    #[must_use]
    pub fn run(&self, repetitions: usize, limit: Duration) -> Report {
        let (start, target) = self.start();
        let w = self.width;
        let mut network = BigNetwork::new(w, self.depth);
        let ((), times) = time(repetitions, limit, || {
            network.weights.clone_from(&start);
            for _ in 0..self.steps {
                network.step(&target, self.step);
            }
        });
        let loss = network.loss(&target);
        let (a, b, mut c) = (start[0].clone(), start[1].clone(), Mat::zeros(w, w));
        let products = 3 * (self.depth - 1);
        let ((), alone) = time(repetitions, limit, || {
            for _ in 0..50 * products {
                matmul_into(c.as_mut(), a.as_ref(), b.as_ref());
            }
        });
        let (times, alone) = (times.per(self.steps as f64), alone.per(50.0));
        Report {
            workload: "dln_flow",
            implementation: "solvable",
            parameters: json!({ "mode": "big", "width": w, "depth": self.depth, "B": 1, "steps": self.steps, "lr": self.step }),
            result: loss,
            extra: json!({ "seconds_are": "per step", "products_alone": alone.cpu_min().unwrap_or(alone.wall_min()) }),
            times,
        }
    }
}

/// One network of large matrices; every product goes into memory that is there already.
struct BigNetwork {
    weights: Vec<Mat<f64>>,
    /// `W_l ... W_1` for `l > 1`.
    prefixes: Vec<Mat<f64>>,
    back: [Mat<f64>; 2],
}

impl BigNetwork {
    fn new(width: usize, depth: usize) -> Self {
        let zeros = || Mat::zeros(width, width);
        Self {
            weights: (0..depth).map(|_| zeros()).collect(),
            prefixes: (1..depth).map(|_| zeros()).collect(),
            back: [zeros(), zeros()],
        }
    }

    fn forward(&mut self) {
        for l in 1..self.weights.len() {
            let (done, rest) = self.prefixes.split_at_mut(l - 1);
            let before = done.last().unwrap_or(&self.weights[0]);
            matmul_into(rest[0].as_mut(), self.weights[l].as_ref(), before.as_ref());
        }
    }

    fn output(&self) -> MatRef<'_, f64> {
        self.prefixes.last().unwrap_or(&self.weights[0]).as_ref()
    }

    fn step(&mut self, target: &Mat<f64>, step: f64) {
        self.forward();
        let [mut current, mut next] = self.back.each_mut();
        let output = self.prefixes.last().unwrap_or(&self.weights[0]);
        for j in 0..target.ncols() {
            let residual = current.col_as_slice_mut(j).iter_mut();
            for ((r, p), a) in residual.zip(output.col_as_slice(j)).zip(target.col_as_slice(j)) {
                *r = p - a;
            }
        }
        for l in (1..self.weights.len()).rev() {
            matmul_into(next.as_mut(), self.weights[l].transpose(), current.as_ref());
            let (below, weight) = self.weights.split_at_mut(l);
            let before = if l == 1 { &below[0] } else { &self.prefixes[l - 2] };
            matmul_add(weight[0].as_mut(), -step, current.as_ref(), before.transpose());
            std::mem::swap(&mut current, &mut next);
        }
        for j in 0..current.ncols() {
            for (w, g) in self.weights[0].col_as_slice_mut(j).iter_mut().zip(current.col_as_slice(j)) {
                *w -= step * g;
            }
        }
    }

    fn loss(&mut self, target: &Mat<f64>) -> f64 {
        self.forward();
        let p = self.output();
        let mut sum = 0.0;
        for j in 0..target.ncols() {
            for i in 0..target.nrows() {
                sum += (p[(i, j)] - target[(i, j)]).powi(2);
            }
        }
        0.5 * sum
    }
}
