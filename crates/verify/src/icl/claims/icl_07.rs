//! ICL-7: comparison with the Bayes predictor.
use solvable_sim::icl::BayesRisk;
use solvable_theory::icl::{bayes_lower_bound, isotropic_bayes_risk, minimum, scalar_bayes_risk};

use super::support::{Case, average, dense3, isotropic};
use crate::check::{Bound, Expectation, Observation, Seen};
use crate::statistics::Estimate;
use crate::{Chapter, CheckError, Claim};

fn simulate(c: &Case, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let risk = BayesRisk::new(&c.task)?;
    average(seed, count, || risk.work(), |rng, work| risk.draw(rng, work))
}

fn scalar(c: &Case) -> Result<f64, CheckError> {
    Ok(scalar_bayes_risk(c.task.signal(), c.task.sigma2(), c.task.context())?)
}

/// The covariance is the identity: beta is the prior variance of one weight.
fn exact(c: &Case) -> Result<f64, CheckError> {
    let (task, d) = (&c.task, c.task.dimension());
    Ok(isotropic_bayes_risk(task.signal() / d as f64, task.sigma2(), d, task.context())?)
}

/// A one-dimensional task from the cube: signal over noise, and length.
fn at(c: &Case, x: &[f64]) -> Result<Case, CheckError> {
    let beta = 10f64.powf(6.0 * x[0] - 3.0);
    let n = 10f64.powf(3.0 * x[1]) as usize;
    let task = solvable_model::icl::RegressionTask::isotropic(1, 1.0, beta, 1.0, n.max(1))?;
    Ok(c.retask(task))
}

pub(super) fn claim() -> Claim {
    let scalar_check = Expectation::new(
        "one dimension",
        "posterior variance over random contexts",
        |_, _| {
            vec![
                Case::new("one dimension", isotropic(1, 1.0, 1.3, 0.4, 4)),
                Case::new("one dimension", isotropic(1, 1.0, 0.3, 2.0, 1)),
                Case::new("one dimension", isotropic(1, 1.0, 5.0, 0.5, 25)),
            ]
        },
        scalar,
        simulate,
    )
    .wrong("one example more", |c| scalar(&c.longer()?))
    .wrong("Jensen's bound", |c| Ok(bayes_lower_bound(&c.law()?)?))
    .wrong("linear attention", |c| Ok(minimum(&c.law()?)?))
    .broken("one example more", |c, seed, count| simulate(&c.longer()?, seed, count));
    let isotropic_check = Expectation::new(
        "isotropic",
        "posterior variance over random contexts, fewer and more examples than dimensions",
        |_, _| {
            vec![
                Case::new("fewer", isotropic(5, 1.0, 1.0, 0.3, 3)),
                Case::new("as many", isotropic(4, 1.0, 2.0, 0.5, 4)),
                Case::new("more", isotropic(3, 1.0, 0.7, 1.5, 8)),
            ]
        },
        exact,
        simulate,
    )
    .wrong("one example more", |c| exact(&c.longer()?))
    .wrong("Jensen's bound", |c| Ok(bayes_lower_bound(&c.law()?)?))
    .wrong("linear attention", |c| Ok(minimum(&c.law()?)?))
    .broken("one example more", |c, seed, count| simulate(&c.longer()?, seed, count));
    let below = Bound::new(
        "Jensen",
        "lower bound over the Bayes risk, maximised over signal and length (d = 1)",
        |_, _| vec![Case::new("one dimension", isotropic(1, 1.0, 1.0, 1.0, 1))],
        2,
        |c, x| Ok(Some(scalar(&at(c, x)?)?)),
        |c, x| Ok(Some(bayes_lower_bound(&at(c, x)?.law()?)?)),
        64.0 * f64::EPSILON,
    )
    .tight(0.01)
    .search(6, 1500, 60_000)
    .wrong("two percent low", |c, x| Ok(Some(0.98 * scalar(&at(c, x)?)?)))
    .wrong("one example more", |c, x| Ok(Some(scalar(&at(c, x)?.longer()?)?)))
    .broken("linear attention", |c, x| Ok(Some(minimum(&at(c, x)?.law()?)?)));
    let above = Bound::new(
        "linear attention is suboptimal",
        "Bayes risk over L*, maximised over signal and length (d = 1)",
        |_, _| vec![Case::new("one dimension", isotropic(1, 1.0, 1.0, 1.0, 1))],
        2,
        |c, x| Ok(Some(minimum(&at(c, x)?.law()?)?)),
        |c, x| Ok(Some(scalar(&at(c, x)?)?)),
        64.0 * f64::EPSILON,
    )
    .tight(0.01)
    .search(6, 1500, 60_000)
    .wrong("two percent low", |c, x| Ok(Some(0.98 * minimum(&at(c, x)?.law()?)?)))
    .wrong("Jensen's bound", |c, x| Ok(Some(bayes_lower_bound(&at(c, x)?.law()?)?)))
    .broken("two examples fewer", |c, x| {
        let short = at(c, x)?;
        let n = short.task.context();
        Ok(Some(scalar_bayes_risk(short.task.signal(), 1.0, n.saturating_sub(2).max(1))? * 1.02))
    });
    let seen = Observation::new(
        "anisotropic Bayes risk",
        "Bayes risk where no closed form is known, between the two bounds",
        |_, _| vec![Case::new("dense", dense3())],
        |c, seed, budget| {
            let count = if budget == crate::check::Budget::Quick { 20_000 } else { 1_000_000 };
            let estimate = simulate(c, seed, count)?;
            Ok(Seen { value: estimate.mean, half_width: 4.9 * estimate.standard_error(), count })
        },
    );
    Claim {
        id: "ICL-7",
        chapter: Chapter::Icl,
        title: "Linear attention against the Bayes predictor",
        statement: r"With Gaussian prior and noise the Bayes risk lies between

$$\sum_i\frac{\beta_i\sigma^2}{\sigma^2+N\beta_i}\ \le\ R_{\rm Bayes}\ \le\ L^*,$$

and in one dimension equals $E\big[1/(1/\beta+\chi^2_N/\sigma^2)\big]=\frac{\sigma^2}2e^{h}h^{N/2-1}\Gamma(1-\tfrac N2,h)$, $h=\frac{\sigma^2}{2\beta}$. For $B=\beta I$ in any dimension it is $\beta(d-m)+\sigma^2E\sum_{i\le m}\frac{1}{g_i+\sigma^2/\beta}$, $m=\min(d,N)$, $g$ the eigenvalues of an $m\times m$ Wishart matrix: a ratio of Pfaffians, exact at every size.",
        assumptions: "Gaussian covariates, prior and noise.",
        source: "Derived",
        formula: "solvable_theory::icl::{isotropic_bayes_risk, scalar_bayes_risk, bayes_lower_bound}",
        simulator: "solvable_sim::icl::BayesRisk",
        checks: vec![
            Box::new(scalar_check),
            Box::new(isotropic_check),
            Box::new(below),
            Box::new(above),
            Box::new(seen),
        ],
    }
}
