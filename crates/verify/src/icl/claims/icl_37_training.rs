//! ICL-37, trained: all entries of two layers, from unstructured starts, over every prompt.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::{Mat, frobenius_norm, matmul, symmetric_eigen};
use solvable_model::Objective;
use solvable_sim::icl::{StackLoss, gauss_hermite};
use solvable_sim::minimise::{LbfgsOptions, lbfgs};
use solvable_sim::normal;
use solvable_theory::icl::{finite_optimum, optimal_depth_risk};

use super::icl_30_to_38::COVARIANCE;
use crate::check::Identity;
use crate::{CheckError, Parameters};

const D: usize = 2;
const N: usize = 2;
const LAYERS: usize = 2;
const NAME: &str = "training";
const STARTS: u64 = 3;
/// Standard deviation of the entries at the start.
const SPREAD: f64 = 0.3;

/// Risk over d, the multiples of the identity that the whitened matrices are (the layers commute: smaller step first), and
/// 0 for what remains beside those multiples.
fn predicted(risk: f64) -> Result<Vec<f64>, CheckError> {
    let steps = finite_optimum(LAYERS, D, N, 0.0)?.steps;
    Ok(vec![risk, steps[0], steps[1], 0.0])
}

/// What training of the entries reaches: the lowest of several starts.
fn trained(c: &Parameters, rho: f64) -> Result<Vec<f64>, CheckError> {
    let lambda = Mat::from_fn(D, D, |i, j| COVARIANCE[i][j]);
    let eigen = symmetric_eigen(lambda.as_ref())?;
    let (root, inverse) = (eigen.apply(f64::sqrt), eigen.apply(|v| 1.0 / v.sqrt()));
    // Five nodes are exact for degree 8 in each entry.
    let loss =
        StackLoss::new(D, LAYERS, rho)?.over_all(&gauss_hermite(5)?, N, root.as_ref(), inverse.as_ref());
    let mut best: Option<(f64, Vec<f64>)> = None;
    for start in 0..STARTS {
        let mut rng = ChaCha12Rng::seed_from_u64(c.as_map()["seed"].as_u64().unwrap_or(0));
        rng.set_stream(start);
        let mut x = vec![0.0; loss.dimension()];
        normal::fill(&mut rng, &mut x);
        x.iter_mut().for_each(|v| *v *= SPREAD);
        let end =
            lbfgs(&loss, &x, &LbfgsOptions::default().gradient_norm(1e-9)).map_err(CheckError::from_error)?;
        if best.as_ref().is_none_or(|b| end.value < b.0) {
            best = Some((end.value, end.x));
        }
    }
    let (value, x) = best.ok_or(CheckError::IllDeclared { check: NAME, reason: "training needs a start" })?;
    let (mut multiples, mut rest) = (Vec::new(), 0.0_f64);
    for layer in 0..LAYERS {
        let (from, _) = loss.places(layer);
        let a = Mat::from_fn(D, D, |i, j| x[from + i * D + j]);
        let whitened = matmul(matmul(root.as_ref(), a.as_ref()).as_ref(), root.as_ref());
        let mean = (0..D).map(|i| whitened[(i, i)]).sum::<f64>() / D as f64;
        let other = Mat::from_fn(D, D, |i, j| whitened[(i, j)] - if i == j { mean } else { 0.0 });
        rest = rest.max(frobenius_norm(other.as_ref()));
        multiples.push(-mean);
    }
    multiples.sort_by(f64::total_cmp);
    Ok([vec![value / D as f64], multiples, vec![rest]].concat())
}

pub(super) fn check() -> Identity<Parameters> {
    Identity::new(
        NAME,
        "risk and matrices after training all entries of two layers from unstructured starts, over every prompt (d = N = 2)",
        // 32 bits survive JSON readers that keep numbers as doubles.
        |_, rng| vec![Parameters::new().with("seed", rng.random::<u32>())],
        |_| predicted(finite_optimum(LAYERS, D, N, 0.0)?.bound),
        |c| trained(c, N as f64),
        // A gradient of 1e-9 over a curvature of 0.1 and more.
        |_| Ok(1e-7),
    )
    .scale(|_| Ok(1.0))
    .wrong("optimum of large dimension", |_| {
        predicted(optimal_depth_risk(LAYERS, D as f64 / N as f64, 0.0)?.risk)
    })
    .wrong("one example more", |_| predicted(finite_optimum(LAYERS, D, N + 1, 0.0)?.bound))
    .broken("normaliser N + 1", |c| trained(c, N as f64 + 1.0))
}
