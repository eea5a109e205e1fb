//! ICL-5: prompts of another length than in training.
use solvable_linalg::{Mat, inverse, matmul, trace_product};
use solvable_model::icl::{PredictorLoss, TestPrompts};
use solvable_sim::icl::ConditionalRisk;
use solvable_theory::icl::{harmonic_length, minimizer, minimum, risk_at_length, risk_floor};

use super::support::{Case, average, dense, dense3, diagonal3, isotropic, rank_deficient};
use crate::check::{Budget, Contraction, Expectation, Identity, Limit};
use crate::statistics::Estimate;
use crate::{Chapter, CheckError, Claim};

fn cells(budget: Budget) -> Vec<Case> {
    let mut cells = vec![
        Case::new("dense", dense(6, 0.25, 12)).with("M", 36.0),
        Case::new("rank deficient", rank_deficient(10, 0.1, 30)).with("M", 60.0),
    ];
    if budget == Budget::Full {
        cells.push(Case::new("rank deficient", rank_deficient(8, 0.5, 12)).with("M", 20.0));
        cells.push(Case::new("isotropic", isotropic(20, 1.0, 0.05, 0.25, 20)).with("M", 80.0));
    }
    cells
}

fn simulate(c: &Case, length: usize, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let a = minimizer(&c.law()?)?;
    let risk = ConditionalRisk::of_test(a.as_ref(), &TestPrompts::of(&c.task, length))?;
    average(seed, count, || risk.work(), |rng, work| risk.draw(rng, work))
}

/// The floor through `A* Lambda - I` with A* by Gaussian elimination: `||Lambda^1/2 (A* Lambda - I) Psi^1/2||^2`.
fn eliminated_floor(c: &Case, n: f64) -> Result<f64, CheckError> {
    let t = &c.task;
    let d = t.dimension();
    let lp = matmul(t.lambda().matrix(), t.psi().matrix());
    let b = (t.signal() + t.sigma2()) / n;
    let unit = |i, j| f64::from(u8::from(i == j));
    let system = Mat::from_fn(d, d, |i, j| (1.0 + 1.0 / n) * lp[(i, j)] + b * unit(i, j));
    // A* Lambda - I = Psi (a Lambda Psi + b)^-1 Lambda - I; its transpose is I - ... with the same trace form. The
    // difference is -(Psi Lambda/n + b)(a Psi Lambda + b)^-1, which does not cancel.
    let pl = lp.transpose();
    let right = inverse(system.transpose())?.matrix;
    let left = Mat::from_fn(d, d, |i, j| pl[(i, j)] / n + b * unit(i, j));
    let e = matmul(left.as_ref(), right.as_ref());
    let m = matmul(matmul(e.as_ref(), t.psi().matrix()).as_ref(), e.transpose());
    Ok(trace_product(t.lambda().matrix(), m.as_ref()))
}

/// N^2 times the floor along doubling N.
fn floors(c: &Case, power: f64) -> Result<Vec<f64>, CheckError> {
    (6..16)
        .map(|k| {
            let n = f64::from(1 << k);
            Ok(n.powf(power) * eliminated_floor(c, n)?)
        })
        .collect()
}

/// `lim N^2 floor = sum (beta_i + t + sigma2)^2 / beta_i`, taken from the formula at N = 2^40.
fn floor_limit(c: &Case) -> Result<f64, CheckError> {
    let n = 1_usize << 40;
    let law = c.law()?.with(c.task.sigma2(), n)?;
    Ok(risk_floor(&law)? * (n as f64).powi(2))
}

const LENGTHS: [usize; 4] = [3, 5, 8, 30];

/// Mean of the losses at the listed lengths, of the optimum for random lengths.
fn mean_loss(c: &Case, lengths: &[usize]) -> Result<f64, CheckError> {
    let a = minimizer(&c.law()?.with_lengths(&LENGTHS)?)?;
    let mut total = 0.0;
    for &n in lengths {
        total += PredictorLoss::new(&c.task.with_context(n)?).at(a.as_ref())?;
    }
    Ok(total / lengths.len() as f64)
}

pub(super) fn claim() -> Claim {
    let risk = Expectation::new(
        "risk at another length",
        "loss of the length-N minimizer given a context of M examples, over random contexts",
        |budget, _| cells(budget),
        |c| Ok(risk_at_length(&c.law()?, c.count("M"))?),
        |c, seed, count| simulate(c, c.count("M"), seed, count),
    )
    .replicas(16_384, 1 << 19, 1 << 22)
    .wrong("training length for test length", |c| Ok(minimum(&c.law()?)?))
    .wrong("floor forgotten", |c| Ok(risk_at_length(&c.law()?, c.count("M"))? - risk_floor(&c.law()?)?))
    .wrong("M + 1 for M", |c| Ok(risk_at_length(&c.law()?, c.count("M") + 1)?))
    .broken("one example fewer", |c, seed, count| simulate(c, c.count("M") - 1, seed, count));
    let floor = Limit::new(
        "floor",
        "N^2 times the risk at infinite M, along doubling N",
        |_, _| vec![Case::new("dense", dense3()), Case::new("diagonal", diagonal3())],
        floor_limit,
        |c| floors(c, 2.0),
        |_| Ok(Contraction::Order { order: 1.0, tolerance: 0.1 }),
        1e-12,
    )
    .wrong("two percent low", |c| Ok(0.98 * floor_limit(c)?))
    .wrong("noise forgotten", |c| floor_limit(&c.noiseless()?))
    .broken("N^1.9 for N^2", |c| floors(c, 1.9));
    let lengths = Identity::new(
        "random lengths",
        "minimum for random lengths, and the mean of the losses at its minimizer; harmonic mean length",
        |_, _| vec![Case::new("dense", dense3()), Case::new("rank deficient", rank_deficient(6, 0.4, 9))],
        |c| Ok(vec![minimum(&c.law()?.with_lengths(&LENGTHS)?)?, harmonic_length(&LENGTHS)?]),
        |c| {
            let inverse: f64 = LENGTHS.iter().map(|&n| 1.0 / n as f64).sum();
            Ok(vec![mean_loss(c, &LENGTHS)?, LENGTHS.len() as f64 / inverse])
        },
        |c| Ok(64.0 * (c.task.dimension() as f64).powi(2) * f64::EPSILON),
    )
    .wrong("arithmetic mean length", |c| {
        let mean = LENGTHS.iter().sum::<usize>() / LENGTHS.len();
        Ok(vec![minimum(&c.law()?.with(c.task.sigma2(), mean)?)?, mean as f64])
    })
    .wrong("shortest length", |c| {
        Ok(vec![minimum(&c.law()?.with(c.task.sigma2(), LENGTHS[0])?)?, LENGTHS[0] as f64])
    })
    .broken("one length left out", |c| Ok(vec![mean_loss(c, &LENGTHS[1..])?, harmonic_length(&LENGTHS)?]));
    Claim {
        id: "ICL-5",
        chapter: Chapter::Icl,
        title: "Prompts longer or shorter than in training",
        statement: r"With $g_i=\beta_i/(a_N\beta_i+b_N)$ the minimizer trained at length $N$ has on prompts of $M$ examples the risk

$$L(A_N^*;M)=\sum_i\Big[\beta_i(1-g_i)^2+\tfrac1M g_i^2(\beta_i+t+\sigma^2)\Big],$$

affine in $1/M$. As $M\to\infty$ a floor $\sum_i\beta_i(1-g_i)^2=O(1/N^2)$ remains. When training prompts have random lengths $N_k$, the optimum is that of their harmonic mean $1/E[1/N_k]$.",
        assumptions: "As for ICL-2.",
        source: "Derived; Zhang, Frei, Bartlett, Section 4",
        formula: "solvable_theory::icl::{risk_at_length, risk_floor, harmonic_length}",
        simulator: "solvable_sim::icl::ConditionalRisk; Gaussian elimination",
        checks: vec![Box::new(risk), Box::new(floor), Box::new(lengths)],
    }
}
