//! ICL-26 and 28: elliptical covariates, priors with a mean.
use solvable_linalg::{Mat, to_rows};
use solvable_model::icl::{QueryToken, prior_second_moment};
use solvable_sim::icl::{AttentionStack, ConditionalRisk, CovariateLaw, PromptSampler, StackError};
use solvable_theory::icl::{Whitened, minimizer, minimum, risk_at_length};

use super::support::{Case, average, dense, dense3, isotropic, scaled, task};
use crate::check::{Budget, Expectation, Identity};
use crate::statistics::Estimate;
use crate::{Chapter, CheckError, Claim};

fn elliptical(c: &Case, kappa: f64) -> Result<Whitened, CheckError> {
    Ok(c.law()?.elliptical(kappa)?)
}

fn simulate(c: &Case, kappa: f64, length: usize, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let a = minimizer(&elliptical(c, c.get("kappa"))?)?;
    let law = CovariateLaw::elliptical(c.task.lambda(), kappa)?;
    let risk = ConditionalRisk::new(a.as_ref(), law, c.task.lambda(), c.task.psi(), c.task.sigma2(), length)?;
    average(seed, count, || risk.work(), |rng, work| risk.draw(rng, work))
}

pub(super) fn heavy_tails() -> Claim {
    let check = Expectation::new(
        "two-point radius",
        "minimum for elliptical covariates, and the risk of its minimizer at twice the length",
        |_, _| {
            vec![
                Case::new("dense", dense(6, 0.25, 40)).with("kappa", 0.5).with("M", 40.0),
                Case::new("dense", dense(6, 0.25, 40)).with("kappa", 0.9).with("M", 60.0),
            ]
        },
        |c| Ok(risk_at_length(&elliptical(c, c.get("kappa"))?, c.count("M"))?),
        |c, seed, count| simulate(c, c.get("kappa"), c.count("M"), seed, count),
    )
    .replicas(16_384, 1 << 18, 1 << 22)
    .wrong("Gaussian covariates", |c| Ok(risk_at_length(&c.law()?, c.count("M"))?))
    .wrong("kappa doubled", |c| Ok(risk_at_length(&elliptical(c, 2.0 * c.get("kappa"))?, c.count("M"))?))
    .broken("half the kurtosis", |c, seed, count| {
        simulate(c, 0.5 * c.get("kappa"), c.count("M"), seed, count)
    });
    let value = Identity::new(
        "reference",
        "minimum at kappa = 1/4, from a committed high-precision table; Gaussian limit",
        |_, _| vec![Case::new("dense", dense3())],
        |c| Ok(vec![minimum(&elliptical(c, 0.25)?)?, minimum(&elliptical(c, 0.0)?)?]),
        |_| Ok(vec![0.917_473_708_226_106, 0.780_801_568_902_259]),
        |_| Ok(1e-14 * 8.0),
    )
    .wrong("kappa for 2 kappa", |c| {
        let n = c.task.context();
        Ok(vec![minimum(&c.law()?.with(c.task.sigma2(), n - 1)?)?, minimum(&c.law()?)?])
    })
    .wrong("noise forgotten", |c| {
        let c = c.noiseless()?;
        Ok(vec![minimum(&elliptical(&c, 0.25)?)?, minimum(&c.law()?)?])
    })
    .broken("values exchanged", |_| Ok(vec![0.780_801_568_902_259, 0.917_473_708_226_106]));
    Claim {
        id: "ICL-26",
        chapter: Chapter::Icl,
        title: "Elliptical covariates act like a shorter context",
        statement: r"For $x=r\,g$, $g\sim N(0,\Lambda)$, $r$ independent per token, $E r^2=1$, $E r^4=1+\kappa$, everything of ICL-2, 3, 5, 6, 16 holds with $a_N=1+\frac{1+2\kappa}N$, $b_N=\frac{(1+\kappa)t+\sigma^2}N$, and

$$L^*=\sum_i\beta_i\frac{(a_N-1)\beta_i+b_N}{a_N\beta_i+b_N}.$$",
        assumptions: "$\\kappa\\ge0$ finite.",
        source: "Derived",
        formula: "solvable_theory::icl::Whitened::elliptical",
        simulator: "solvable_sim::icl::ConditionalRisk on a two-point radius",
        checks: vec![Box::new(check), Box::new(value)],
    }
}

const MEAN: [f64; 8] = [0.3, -0.15, 0.1, 0.2, -0.25, 0.05, 0.3, -0.1];

/// The cell's task with the prior's second moment `Psi_0 + mean mean'`.
fn shifted(c: &Case, mean: &[f64]) -> Result<Case, CheckError> {
    let t = &c.task;
    let psi = prior_second_moment(mean, t.psi())?;
    Ok(c.retask(task(t.lambda().clone(), psi, t.sigma2(), t.context())))
}

/// Raw prompts with a task mean, query averaged over d directions in one pass.
fn raw(c: &Case, mean: &[f64], seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let d = c.task.dimension();
    let a = minimizer(&shifted(c, &MEAN)?.law()?)?;
    let layer = (scaled(a.transpose(), -1.0), Mat::<f64>::zeros(d, d));
    let stack = AttentionStack::sparse(d, &[layer], c.task.context() as f64, QueryToken::Masked)?;
    let sampler = PromptSampler::of_task(&c.task).with_task_mean(mean)?;
    let errors = StackError::new(sampler, stack, -1.0)?;
    let root: Vec<f64> = to_rows(c.task.lambda().sqrt().as_ref()).concat();
    average(seed, count, || errors.work(), |rng, work| errors.draw_over_queries(rng, &root, work))
}

pub(super) fn prior_mean() -> Claim {
    let check = Expectation::new(
        "raw prompts",
        "minimum for a prior with a mean, by the forward pass on raw prompts",
        |budget, _| {
            let n = if budget == Budget::Quick { 30 } else { 48 };
            vec![Case::new("isotropic", isotropic(8, 1.0, 0.1, 0.25, n))]
        },
        |c| Ok(minimum(&shifted(c, &MEAN)?.law()?)?),
        |c, seed, count| raw(c, &MEAN, seed, count),
    )
    .replicas(16_384, 1 << 18, 1 << 22)
    .wrong("mean forgotten", |c| Ok(minimum(&c.law()?)?))
    .wrong("mean doubled", |c| Ok(minimum(&shifted(c, &MEAN.map(|m| 2.0 * m))?.law()?)?))
    .broken("prompts without the mean", |c, seed, count| raw(c, &[0.0; 8], seed, count));
    Claim {
        id: "ICL-28",
        chapter: Chapter::Icl,
        title: "Priors with a mean",
        statement: r"If $Ew=\mu\ne0$, $\mathrm{Cov}\,w=\Psi_0$, the results on predictors $x_q^\top As$ hold with $\Psi=\Psi_0+\mu\mu^\top$. The full layer could use its other blocks then: ICL-17 and ICL-18 do not apply.",
        assumptions: "As for ICL-2.",
        source: "Derived",
        formula: "solvable_theory::icl::minimum at solvable_model::icl::prior_second_moment",
        simulator: "solvable_sim::icl::StackError",
        checks: vec![Box::new(check)],
    }
}
