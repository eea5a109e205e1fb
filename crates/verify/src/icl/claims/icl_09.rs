//! ICL-9: risk on any test distribution.
use solvable_linalg::{Mat, to_rows};
use solvable_model::Covariance;
use solvable_model::icl::{Polynomial, QueryToken, SingleIndexMixture, TestMoments};
use solvable_sim::icl::{AttentionStack, CovariateLaw, PromptSampler, StackError};
use solvable_theory::icl::{general_risk, trained_general_risk};

use super::support::{Case, average, entries, isotropic, random_task};
use crate::check::{Budget, Expectation, Identity};
use crate::statistics::Estimate;
use crate::{Chapter, CheckError, Claim};

const W: [f64; 2] = [1.0, -0.6];

/// Moments of `y = w'x + noise` with coordinates uniform on `[-a, a]`, or Gaussian ones of the same variance.
fn moments(c: &Case, gaussian: bool) -> Result<TestMoments, CheckError> {
    let (a, noise) = (c.get("a"), c.task.sigma2());
    let v = a * a / 3.0;
    let fourth = if gaussian { 3.0 * v * v } else { a.powi(4) / 5.0 };
    let norm: f64 = W.iter().map(|w| w * w).sum();
    // E[y^2 x x'] - E[xy] E[xy]'.
    let scatter = Mat::from_fn(2, 2, |i, j| {
        if i == j {
            v * v * (norm - W[i] * W[i]) + fourth * W[i] * W[i] + noise * v - v * v * W[i] * W[i]
        } else {
            v * v * W[i] * W[j]
        }
    });
    let covariance = Covariance::dense("Cov_xy", scatter.as_ref())?;
    let cross = W.iter().map(|w| v * w).collect();
    Ok(TestMoments::new(Covariance::isotropic("Lambda", 2, v)?, cross, covariance, v * norm + noise)?)
}

/// Risk against the noiseless target.
fn predict(c: &Case, gaussian: bool, length: usize) -> Result<f64, CheckError> {
    let law = moments(c, gaussian)?;
    Ok(trained_general_risk(&law, c.task.context(), length)?.total - c.task.sigma2())
}

/// `Gamma^-1` for Lambda = v I.
fn step(c: &Case) -> f64 {
    let (v, n) = (c.get("a").powi(2) / 3.0, c.task.context() as f64);
    1.0 / ((1.0 + 1.0 / n) * v + 2.0 * v / n)
}

fn simulate(c: &Case, gaussian: bool, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let (m, v) = (c.count("M"), c.get("a").powi(2) / 3.0);
    let lambda = Covariance::isotropic("Lambda", 2, v)?;
    let line = Polynomial::new(&[0.0, 1.0])?;
    let task = SingleIndexMixture::new(lambda.clone(), &[1.0], vec![W.to_vec()], line, c.task.sigma2(), m)?;
    let mut law = PromptSampler::of_single_index(&task);
    if !gaussian {
        law = law.with_covariates(&CovariateLaw::uniform(2, c.get("a"))?)?;
    }
    let stack = AttentionStack::gradient_steps(2, &[step(c)], m as f64, QueryToken::Masked)?;
    let errors = StackError::new(law, stack, -1.0)?;
    let root: Vec<f64> = to_rows(lambda.sqrt().as_ref()).concat();
    average(seed, count, || errors.work(), |rng, work| errors.draw_over_queries(rng, &root, work))
}

/// Moments of a Gaussian linear law with one task.
fn gaussian_moments(c: &Case) -> Result<TestMoments, CheckError> {
    let (l, d) = (c.task.lambda(), c.task.dimension());
    let w: Vec<f64> = (0..d).map(|i| (1.0 + 2.0 * i as f64).cos()).collect();
    let lw: Vec<f64> = (0..d).map(|i| (0..d).map(|j| l.matrix()[(i, j)] * w[j]).sum()).collect();
    let power: f64 = w.iter().zip(&lw).map(|(a, b)| a * b).sum();
    let total = power + c.task.sigma2();
    let scatter = Mat::from_fn(d, d, |i, j| total * l.matrix()[(i, j)] + lw[i] * lw[j]);
    Ok(TestMoments::new(l.clone(), lw, Covariance::dense("Cov_xy", scatter.as_ref())?, total)?)
}

fn parts(r: &solvable_theory::icl::GeneralRisk) -> Vec<f64> {
    vec![r.best_linear, r.bias, r.variance, r.total]
}

/// The general form at `Gamma^-1` from Gaussian elimination.
fn through_inverse(c: &Case, n: usize) -> Result<Vec<f64>, CheckError> {
    let l = c.task.lambda().matrix();
    let n = n as f64;
    let t = solvable_linalg::trace(l) / n;
    let gamma = Mat::from_fn(l.nrows(), l.nrows(), |i, j| {
        (1.0 + 1.0 / n) * l[(i, j)] + t * f64::from(u8::from(i == j))
    });
    let a = solvable_linalg::inverse(gamma.as_ref())?.matrix;
    debug_assert!(entries(a.as_ref()).iter().all(|v| v.is_finite()));
    Ok(parts(&general_risk(a.as_ref(), &gaussian_moments(c)?, 17)?))
}

pub(super) fn claim() -> Claim {
    let uniform = Expectation::new(
        "uniform covariates",
        "risk on covariates that are not Gaussian, by the forward pass on raw prompts",
        |_, _| vec![Case::new("uniform", isotropic(2, 1.0, 1.0, 0.15, 12)).with("a", 1.5).with("M", 10.0)],
        |c| predict(c, false, c.count("M")),
        |c, seed, count| simulate(c, false, seed, count),
    )
    .replicas(16_384, 1 << 19, 1 << 22)
    .wrong("Gaussian fourth moment", |c| predict(c, true, c.count("M")))
    .wrong("one example more", |c| predict(c, false, c.count("M") + 1))
    .broken("Gaussian covariates", |c, seed, count| simulate(c, true, seed, count));
    let terms = Identity::new(
        "three terms",
        "best linear, bias, variance, total: expanded form, and the general form at the inverse",
        |budget, rng| {
            let count = if budget == Budget::Quick { 12 } else { 150 };
            (0..count)
                .map(|k| Case::new("random", random_task(rng, 6, false)).with("instance", f64::from(k)))
                .collect()
        },
        |c| Ok(parts(&trained_general_risk(&gaussian_moments(c)?, c.task.context(), 17)?)),
        |c| through_inverse(c, c.task.context()),
        |c| {
            let l = c.task.lambda();
            let condition = l.largest_eigenvalue() / l.smallest_eigenvalue();
            Ok(64.0 * (c.task.dimension() as f64).powi(2) * f64::EPSILON * condition)
        },
    )
    .wrong("1/(N+1) for 1/N", |c| {
        Ok(parts(&trained_general_risk(&gaussian_moments(c)?, c.task.context() + 1, 17)?))
    })
    .wrong("variance of 18 examples", |c| {
        Ok(parts(&trained_general_risk(&gaussian_moments(c)?, c.task.context(), 18)?))
    })
    .broken("trained on twice the length", |c| through_inverse(c, 2 * c.task.context()));
    Claim {
        id: "ICL-9",
        chapter: Chapter::Icl,
        title: "Risk on any test distribution",
        statement: r"Let test pairs be i.i.d. from any law with $E[xx^\top]=\Lambda\succ0$, $c=E[xy]$, $\Sigma=\mathrm{Cov}(xy)$, and $a=\Lambda^{-1}c$. For every $A$

$$E(\hat y-y_q)^2=\underbrace{E[y^2]-c^\top a}_{\text{best linear}}+\|\Lambda^{1/2}(Ac-a)\|^2+\tfrac1M\mathrm{tr}(\Sigma A^\top\Lambda A).$$

For $A=\Gamma^{-1}$ the bias is $\frac1{N^2}\big[a^\top\Gamma^{-2}\Lambda^3a+2\mathrm{tr}(\Lambda)a^\top\Gamma^{-2}\Lambda^2a+\mathrm{tr}(\Lambda)^2a^\top\Gamma^{-2}\Lambda a\big]$.",
        assumptions: "Finite moments; covariates need not be Gaussian, responses need not be linear.",
        source: "Zhang, Frei, Bartlett, Theorem 4.2; derived",
        formula: "solvable_theory::icl::{general_risk, trained_general_risk}",
        simulator: "solvable_sim::icl::StackError on uniform covariates",
        checks: vec![Box::new(uniform), Box::new(terms)],
    }
}
