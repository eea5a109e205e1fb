//! Gradient flow of one linear attention layer, from a dense start to a relative distance of 1e-8 of the minimum.
//!
//! `Lambda = diag(i^-alpha)`, `N = 2 d`, `U(0) = s T T' / |T T'|`, `T = I + gauss(101) / (2 sqrt d)`, `v(0) = s`. The result is the time at which the
//! distance falls below the tolerance; the loss at t = 10 is compared digit for digit.
use std::time::Duration;

use serde_json::json;
use solvable_linalg::{Mat, matmul};
use solvable_sim::lanes::AttentionFlow;

use super::Report;
use crate::gauss::gauss;
use crate::timing::time;

/// Runs in dimension `d`. The set-up (the exact reduction) is part of the time.
#[must_use]
pub fn run(d: usize, repetitions: usize, limit: Duration) -> Report {
    let (n, alpha, s, target, reference) = (2 * d, 0.5, 0.1, 1e-8, 10.0);
    let lambda: Vec<f64> = (1..=d).map(|i| (i as f64).powf(-alpha)).collect();
    let z = gauss(101, d * d);
    let t =
        Mat::from_fn(d, d, |i, j| (if i == j { 1.0 } else { 0.0 }) + 0.5 * z[i * d + j] / (d as f64).sqrt());
    let product = matmul(t.as_ref(), t.transpose());
    let mut start: Vec<f64> = (0..d * d).map(|at| product[(at / d, at % d)]).collect();
    let norm = start.iter().map(|u| u * u).sum::<f64>().sqrt();
    start.iter_mut().for_each(|u| *u *= s / norm);
    let (end, times) = time(repetitions, limit, || {
        AttentionFlow::new(&lambda, n, &start, s)
            .and_then(|flow| flow.until(target, reference))
            .expect("the flow reaches its minimum")
    });
    Report {
        workload: "icl_flow",
        implementation: "solvable",
        parameters: json!({ "d": d, "N": n, "alpha": alpha, "s": s, "tol": target }),
        times,
        result: end.time,
        extra: json!({ "loss_at_t_ref": end.loss_at_reference, "t_ref": reference, "work": { "steps": end.steps } }),
    }
}
