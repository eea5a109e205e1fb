//! ICL-8: shifted tasks, queries and covariates.
use solvable_linalg::Mat;
use solvable_model::icl::TestPrompts;
use solvable_sim::icl::ConditionalRisk;
use solvable_theory::icl::{minimizer, risk};

use super::support::{Case, average, dense, diagonal};
use crate::check::{Asymptotic, Budget, Expectation};
use crate::statistics::Estimate;
use crate::{Chapter, CheckError, Claim};

/// What a version of the test law does differently.
#[derive(Clone, Copy, PartialEq)]
enum Version {
    Stated,
    RolesSwapped,
    NoNoise,
    OneFewer,
    NoTaskShift,
}

/// The test law of a cell: shift 0 task, 1 query, 2 covariates, 3 all of them with a fixed task.
fn prompts(c: &Case, version: Version) -> Result<TestPrompts, CheckError> {
    let (t, d) = (&c.task, c.task.dimension());
    let steep: Vec<f64> = (0..d).map(|i| 2.5 / (1.0 + i as f64)).collect();
    let rising: Vec<f64> = (0..d).map(|i| 0.4 * (1.0 + i as f64)).collect();
    let shift = c.count("shift");
    let pick = |on: bool, shifted: &[f64], kept: &solvable_model::Covariance| {
        if on { diagonal(shifted) } else { kept.clone() }
    };
    let mut context = pick(shift >= 2, &steep, t.lambda());
    let mut query = pick(shift == 1 || shift == 3, &rising, t.lambda());
    if version == Version::RolesSwapped {
        std::mem::swap(&mut context, &mut query);
    }
    let noise = if version == Version::NoNoise { 0.0 } else { 0.3 };
    let length = c.count("M") - usize::from(version == Version::OneFewer);
    if shift == 3 {
        let w: Vec<f64> = (0..d).map(|i| 1.0 - 0.4 * i as f64).collect();
        return Ok(TestPrompts::fixed_task(context, query, &w, noise, length)?);
    }
    let psi = pick(shift == 0 && version != Version::NoTaskShift, &rising, t.psi());
    Ok(TestPrompts::new(context, query, psi, noise, length)?)
}

fn predict(c: &Case, version: Version) -> Result<f64, CheckError> {
    let a = minimizer(&c.law()?)?;
    Ok(risk(a.as_ref(), &prompts(c, version)?)?)
}

fn simulate(c: &Case, version: Version, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let a = minimizer(&c.law()?)?;
    let risk = ConditionalRisk::of_test(a.as_ref(), &prompts(c, version)?)?;
    average(seed, count, || risk.work(), |rng, work| risk.draw(rng, work))
}

/// Training and test of length `size`, covariates stretched so that their covariance is multiplied by c.
fn stretched(c: &Case, size: f64, factor: f64, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let n = size as usize;
    let task = c.task.with_context(n)?;
    let a: Mat<f64> = minimizer(&c.retask(task.clone()).law()?)?;
    let context = task.lambda().scaled(factor)?;
    let law = TestPrompts::new(context.clone(), context, task.psi().clone(), task.sigma2(), n)?;
    let risk = ConditionalRisk::of_test(a.as_ref(), &law)?;
    average(seed, count, || risk.work(), |rng, work| risk.draw(rng, work))
}

/// `(c - 1)^2 tr(Lambda_q Psi)` with Lambda_q = c Lambda.
fn stretched_limit(c: &Case, power: i32) -> f64 {
    let factor = c.get("c");
    (factor - 1.0).powi(2) * factor.powi(power) * c.task.signal()
}

pub(super) fn claim() -> Claim {
    let shifts = Expectation::new(
        "shifts",
        "risk of the trained predictor under task, query and covariate shift, over random contexts",
        |budget, _| {
            let shifts: &[f64] = if budget == Budget::Quick { &[0.0, 3.0] } else { &[0.0, 1.0, 2.0, 3.0] };
            shifts
                .iter()
                .map(|&k| Case::new("dense", dense(4, 0.2, 20)).with("shift", k).with("M", 30.0))
                .collect()
        },
        |c| predict(c, Version::Stated),
        |c, seed, count| simulate(c, Version::Stated, seed, count),
    )
    .replicas(16_384, 1 << 18, 1 << 22)
    .wrong("context and query swapped", |c| predict(c, Version::RolesSwapped))
    .wrong("noise forgotten", |c| predict(c, Version::NoNoise))
    .wrong("task shift ignored", |c| predict(c, Version::NoTaskShift))
    .broken("context and query swapped", |c, seed, count| simulate(c, Version::RolesSwapped, seed, count))
    .broken("one example fewer", |c, seed, count| simulate(c, Version::OneFewer, seed, count));
    let limit = Asymptotic::new(
        "covariate shift does not heal",
        "risk with covariates stretched, training and test length N = M = 16 to 160",
        |_, _| vec![Case::new("dense", dense(3, 0.1, 10)).with("c", 2.25)],
        |c| Ok(stretched_limit(c, 1)),
        |c, size, seed, count| stretched(c, size, c.get("c"), seed, count),
        &[16.0, 24.0, 40.0, 80.0, 160.0],
        &[1.0, 2.0],
        (10_000, 400_000),
    )
    .wrong("query covariance not stretched", |c| Ok(stretched_limit(c, 0)))
    .wrong("covariates for their covariance", |c| {
        let root = c.get("c").sqrt();
        Ok((root - 1.0).powi(2) * c.get("c") * c.task.signal())
    })
    .broken("stretched too little", |c, size, seed, count| {
        stretched(c, size, 0.95 * c.get("c"), seed, count)
    });
    Claim {
        id: "ICL-8",
        chapter: Chapter::Icl,
        title: "Task, query and covariate shift",
        statement: r"For any $A$ and a test prompt with context covariance $\Lambda_c$, query second moment $\Lambda_q$, task moment $\Psi_t$, noise $\sigma_t^2$ and length $M$ the risk is

$$R=\mathrm{tr}\,\Lambda_q\big[AS_tA^\top-A\Lambda_c\Psi_t-\Psi_t\Lambda_cA^\top+\Psi_t\big],\quad S_t=(1+\tfrac1M)\Lambda_c\Psi_t\Lambda_c+\tfrac1M(\mathrm{tr}(\Lambda_c\Psi_t)+\sigma_t^2)\Lambda_c .$$

Task shift and query shift are harmless as $M,N\to\infty$; with $\Lambda_c=c\Lambda$ the error $(c-1)^2\mathrm{tr}(\Lambda_q\Psi_t)$ remains.",
        assumptions: "Gaussian context covariates; the query need not be Gaussian.",
        source: "Derived; Zhang, Frei, Bartlett, Section 4.2",
        formula: "solvable_theory::icl::risk",
        simulator: "solvable_sim::icl::ConditionalRisk",
        checks: vec![Box::new(shifts), Box::new(limit)],
    }
}
