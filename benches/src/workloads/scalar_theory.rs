//! A million self-consistent equations `kappa - lambda = gamma kappa sum_j w_j s_j / (s_j + kappa)`.
//!
//! Atoms `s_j = 1/j` of weight `1/J`; `lambda = 10^(-4 + 5 u)`, `gamma = 0.1 + 3.9 u'`. The result is the mean root.
use std::time::Duration;

use rayon::prelude::*;
use serde_json::json;
use solvable_sim::lanes::Atoms;

use super::Report;
use crate::gauss::uniform;
use crate::timing::time;

/// Equations given to a worker at once.
const CHUNK: usize = 4096;

/// Runs `n` equations with `atoms` atoms.
#[must_use]
pub fn run(n: usize, atoms: usize, repetitions: usize, limit: Duration) -> Report {
    let s: Vec<f64> = (1..=atoms).map(|j| 1.0 / j as f64).collect();
    let w = vec![1.0 / atoms as f64; atoms];
    let lambda: Vec<f64> = uniform(51, n).iter().map(|u| 10f64.powf(-4.0 + 5.0 * u)).collect();
    let gamma: Vec<f64> = uniform(52, n).iter().map(|u| 0.1 + 3.9 * u).collect();
    let law = Atoms::new(&s, &w).expect("valid atoms");
    let mut kappa = vec![0.0; n];
    let ((), times) = time(repetitions, limit, || {
        kappa.par_chunks_mut(CHUNK).zip(lambda.par_chunks(CHUNK)).zip(gamma.par_chunks(CHUNK)).for_each(
            |((kappa, lambda), gamma)| {
                law.solve(lambda, gamma, kappa).expect("valid equations");
            },
        );
    });
    let mut worst = 0.0_f64;
    let mut fraction = 0.0;
    for ((k, l), g) in kappa.iter().zip(&lambda).zip(&gamma) {
        let f: f64 = s.iter().zip(&w).map(|(s, w)| w * s / (s + k)).sum();
        worst = worst.max((k - l - g * k * f).abs() / (l + g * k * f));
        fraction += f;
    }
    Report {
        workload: "scalar_theory",
        implementation: "solvable",
        parameters: json!({ "n": n, "J": atoms }),
        times,
        result: kappa.iter().sum::<f64>() / n as f64,
        extra: json!({ "mean_df": fraction / n as f64, "worst_residual": worst }),
    }
}
