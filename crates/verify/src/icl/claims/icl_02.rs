//! ICL-2: the exact loss.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::{Mat, matmul, to_rows};
use solvable_model::icl::{LayerBlocks, Prompt, QueryToken, RegressionTask};
use solvable_sim::icl::{AttentionStack, ConditionalRisk, PromptSampler, StackError};
use solvable_theory::icl::loss_and_gradient;

use super::support::{
    Case, average, dense, dense3, isotropic, random_matrix, rank_deficient, scaled, transposed,
};
use crate::check::{Budget, Expectation, Identity};
use crate::statistics::Estimate;
use crate::{Chapter, CheckError, Claim};

fn loss(c: &Case) -> Result<f64, CheckError> {
    Ok(loss_and_gradient(&c.task, c.matrix.as_ref())?.loss)
}

/// Raw tokens through a layer with `u U' = A`; the query is averaged over d directions in one pass.
fn raw(c: &Case, seed: u64, count: u64, rho: f64, labels: RegressionTask) -> Result<Estimate, CheckError> {
    let d = c.task.dimension();
    let a = c.matrix.as_ref();
    let value = Mat::from_fn(d + 1, d + 1, |i, j| if i == d && j == d { 1.0 } else { 0.0 });
    let key_query = Mat::from_fn(d + 1, d + 1, |i, j| if i < d && j < d { a[(j, i)] } else { 0.0 });
    let stack = AttentionStack::new(d + 1, &[(value, key_query)], rho, QueryToken::Masked)?;
    let errors = StackError::new(PromptSampler::of_task(&labels), stack, 1.0)?;
    let root: Vec<f64> = to_rows(c.task.lambda().sqrt().as_ref()).concat();
    average(seed, count, || errors.work(), |rng, work| errors.draw_over_queries(rng, &root, work))
}

fn conditional(c: &Case, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let risk = ConditionalRisk::of_task(c.matrix.as_ref(), &c.task)?;
    average(seed, count, || risk.work(), |rng, work| risk.draw(rng, work))
}

fn noise_forgotten(c: &Case) -> Result<f64, CheckError> {
    loss(&c.noiseless()?)
}

fn n_plus_one(c: &Case) -> Result<f64, CheckError> {
    loss(&c.longer()?)
}

/// The loss without the Gaussian fourth moment: `E[y^2 x x'] = (t + sigma2) Lambda` only.
fn no_fourth_moment(c: &Case) -> Result<f64, CheckError> {
    let t = &c.task;
    let image = matmul(t.lambda().matrix(), c.matrix.as_ref());
    let cross = matmul(image.as_ref(), t.lambda().matrix());
    let b = matmul(cross.as_ref(), t.psi().matrix());
    // tr(Lambda A (2 Lambda Psi Lambda / N) A').
    let excess = solvable_linalg::trace_product(b.as_ref(), transposed(image.as_ref()).as_ref());
    Ok(loss(c)? - 2.0 * excess / t.context() as f64)
}

/// All signs and directions that average a quadratic exactly: `w = +-sqrt(d) Psi^1/2 e_i`, `eps = +-sqrt(N) sigma e_k`.
fn literal_design(c: &Case, forget_noise: bool) -> Result<Vec<f64>, CheckError> {
    let (d, n) = (c.task.dimension(), c.task.context());
    let x = context_of(c);
    let layer =
        LayerBlocks::reduced(1.0, transposed(c.matrix.as_ref())).layer(n as f64, QueryToken::Inside)?;
    let (root_query, root_task) = (c.task.lambda().sqrt(), c.task.psi().sqrt());
    let (stretch_d, stretch_n) = ((d as f64).sqrt(), (n as f64).sqrt());
    let noise = if forget_noise { 0.0 } else { stretch_n * c.task.sigma2().sqrt() };
    let mut total = 0.0;
    for q in 0..d {
        let query: Vec<f64> = (0..d).map(|i| stretch_d * root_query[(i, q)]).collect();
        let error = |labels: Vec<f64>, target: f64| -> Result<f64, CheckError> {
            let prompt = Prompt::new(x.clone(), labels, query.clone())?;
            Ok((layer.predict(&prompt)? - target).powi(2))
        };
        for k in 0..d {
            let w: Vec<f64> = (0..d).map(|i| stretch_d * root_task[(i, k)]).collect();
            let labels = (0..n).map(|i| (0..d).map(|j| w[j] * x[(i, j)]).sum()).collect();
            let target = (0..d).map(|j| w[j] * query[j]).sum();
            total += error(labels, target)? / (d * d) as f64;
        }
        for k in 0..n {
            let labels = (0..n).map(|i| if i == k { noise } else { 0.0 }).collect();
            total += error(labels, 0.0)? / (d * n) as f64;
        }
    }
    Ok(vec![total])
}

/// A fixed context for a cell, standard normal times the root of Lambda.
fn context_of(c: &Case) -> Mat<f64> {
    let mut rng = ChaCha12Rng::seed_from_u64(c.count("context") as u64);
    let g = random_matrix(&mut rng, c.task.context(), c.task.dimension());
    matmul(g.as_ref(), c.task.lambda().sqrt().as_ref())
}

/// `tr Lambda [(A G - I) Psi (A G - I)' + (sigma2/N) A G A']` at the fixed context.
fn conditional_formula(c: &Case) -> Result<Vec<f64>, CheckError> {
    let (d, n) = (c.task.dimension(), c.task.context() as f64);
    let x = context_of(c);
    let g = scaled(solvable_linalg::transpose_matmul(x.as_ref(), x.as_ref()).as_ref(), 1.0 / n);
    let ag = matmul(c.matrix.as_ref(), g.as_ref());
    let e = Mat::from_fn(d, d, |i, j| ag[(i, j)] - f64::from(u8::from(i == j)));
    let bias = matmul(matmul(e.as_ref(), c.task.psi().matrix()).as_ref(), e.transpose());
    let noise = matmul(ag.as_ref(), c.matrix.transpose());
    let trace = |m: &Mat<f64>| solvable_linalg::trace_product(c.task.lambda().matrix(), m.as_ref());
    Ok(vec![trace(&bias) + c.task.sigma2() / n * trace(&noise)])
}

pub(super) fn claim() -> Claim {
    let raw_check = Expectation::new(
        "raw prompts",
        "squared error of the attention forward pass on random prompts",
        |_, _| vec![Case::new("isotropic", isotropic(6, 1.0, 0.5, 0.5, 8))],
        loss,
        |c, seed, count| raw(c, seed, count, c.task.context() as f64, c.task.clone()),
    )
    .replicas(16_384, 1 << 19, 1 << 22)
    .wrong("1/(N+1) for 1/N", n_plus_one)
    .wrong("noise forgotten", noise_forgotten)
    .wrong("no Gaussian fourth moment", no_fourth_moment)
    .broken("normaliser N+1", |c, seed, count| {
        raw(c, seed, count, c.task.context() as f64 + 1.0, c.task.clone())
    })
    .broken("labels without noise", |c, seed, count| {
        raw(c, seed, count, c.task.context() as f64, c.noiseless()?.task)
    });
    let averaged = Expectation::new(
        "averaged labels",
        "loss given the context, over random contexts",
        |budget, _| {
            let mut cells = vec![
                Case::new("dense", dense(6, 0.25, 24)),
                Case::new("rank deficient", rank_deficient(10, 0.1, 20)),
            ];
            if budget == Budget::Full {
                cells.push(Case::new("isotropic", isotropic(20, 1.0, 0.05, 0.0, 40)));
                cells.push(Case::new("one dimension", isotropic(1, 2.0, 0.7, 0.3, 60)));
            }
            cells
        },
        loss,
        conditional,
    )
    .replicas(16_384, 1 << 19, 1 << 22)
    .wrong("1/(N+1) for 1/N", n_plus_one)
    .wrong("noise forgotten", noise_forgotten)
    .wrong("no Gaussian fourth moment", no_fourth_moment)
    .broken("one example fewer", |c, seed, count| {
        conditional(&c.retask(c.task.with_context(c.task.context() - 1)?), seed, count)
    });
    let labels = Identity::new(
        "conditional form",
        "loss given one context: formula, and literal forward passes over exact designs of labels",
        |_, _| {
            vec![
                Case::new("dense", dense3()).with("context", 1.0),
                Case::new("rank deficient", rank_deficient(5, 0.3, 2)).with("context", 2.0),
            ]
        },
        conditional_formula,
        |c| literal_design(c, false),
        // Sums of N (d+1)^2 products, all of order one.
        |c| {
            let terms = c.task.context() * (c.task.dimension() + 1).pow(2);
            Ok(16.0 * terms as f64 * f64::EPSILON)
        },
    )
    .wrong("1/(N+1) for 1/N", |c| {
        let n = c.task.context() as f64;
        let shorter = c.clone().with_matrix(scaled(c.matrix.as_ref(), n / (n + 1.0)));
        conditional_formula(&shorter)
    })
    .wrong("predictor transposed", |c| {
        conditional_formula(&c.clone().with_matrix(transposed(c.matrix.as_ref())))
    })
    .broken("labels without noise", |c| literal_design(c, true));
    Claim {
        id: "ICL-2",
        chapter: Chapter::Icl,
        title: "Exact loss of every predictor",
        statement: r"With $t=\mathrm{tr}(\Lambda\Psi)$ and $S_N=(1+\frac1N)\Lambda\Psi\Lambda+\frac{t+\sigma^2}N\Lambda$, the loss of the predictor $\hat y=x_q^\top A\,\frac1N\sum_i x_iy_i$ is, for every $N\ge1$ and every matrix $A$,

$$L(A)=\mathrm{tr}(\Lambda AS_NA^\top)-2\,\mathrm{tr}(\Lambda A\Lambda\Psi)+\mathrm{tr}(\Lambda\Psi).$$",
        assumptions: "Gaussian covariates of any rank; task and noise with second moments $\\Psi$ and $\\sigma^2$, independent; noiseless target.",
        source: "Derived (Wick); contains Zhang, Frei, Bartlett; Ahn et al.; Mahankali, Hashimoto, Ma",
        formula: "solvable_theory::icl::loss_and_gradient",
        simulator: "solvable_sim::icl::{StackError, ConditionalRisk}; solvable_model::icl::LinearAttention",
        checks: vec![Box::new(raw_check), Box::new(averaged), Box::new(labels)],
    }
}
