//! ICL-16: the best matrix of rank k.
use solvable_linalg::{Mat, singular_values, svd};
use solvable_model::icl::PredictorLoss;
use solvable_theory::icl::{minimum, rank_minimizer, rank_minimum};

use super::support::{Case, dense, dense3, random_task};
use crate::check::{Bound, Budget, Identity};
use crate::{Chapter, CheckError, Claim};

fn values(c: &Case) -> Result<Vec<f64>, CheckError> {
    let law = c.law()?;
    (0..=c.task.dimension()).map(|k| Ok(rank_minimum(&law, k)?)).collect()
}

/// Losses of the returned matrices, and the singular values that exceed their rank.
fn attained(c: &Case, context: usize) -> Result<Vec<f64>, CheckError> {
    let law = c.law()?;
    let loss = PredictorLoss::new(&c.task.with_context(context)?);
    (0..=c.task.dimension())
        .map(|k| {
            let a = rank_minimizer(&law, k)?;
            let s = singular_values(a.as_ref())?;
            // Relative to the matrix, whose size is the inverse of that of Lambda.
            let beyond = s.get(k).map_or(0.0, |v| if s[0] > 0.0 { v / s[0] } else { 0.0 });
            Ok(loss.at(a.as_ref())? + c.task.signal() * beyond)
        })
        .collect()
}

/// A matrix `U V'` with k columns from a point of the cube.
fn factors(c: &Case, k: usize, x: &[f64]) -> Mat<f64> {
    let d = c.task.dimension();
    let entry = |i: usize| 3.0 * (2.0 * x[i] - 1.0);
    Mat::from_fn(d, d, |i, j| (0..k).map(|m| entry(m * d + i) * entry(k * d + m * d + j)).sum())
}

/// The point of the cube whose factors give the best matrix of rank k.
fn best_factors(c: &Case, k: usize) -> Result<Vec<f64>, CheckError> {
    let d = c.task.dimension();
    let parts = svd(rank_minimizer(&c.law()?, k)?.as_ref())?;
    let entry = |v: f64| 0.5 + v / 6.0;
    let mut x = vec![0.5; 2 * k * d];
    for m in 0..k {
        let root = parts.s[m].sqrt();
        for i in 0..d {
            x[m * d + i] = entry(root * parts.u[(i, m)]);
            x[k * d + m * d + i] = entry(root * parts.v[(i, m)]);
        }
    }
    Ok(x)
}

fn factored_loss(c: &Case, k: usize, x: &[f64]) -> Result<Option<f64>, CheckError> {
    Ok(Some(PredictorLoss::new(&c.task).at(factors(c, k, x).as_ref())?))
}

pub(super) fn claim() -> Claim {
    let identity = Identity::new(
        "attained",
        "L*_k for all k, and the losses of the returned matrices",
        |budget, rng| {
            let count = if budget == Budget::Quick { 10 } else { 120 };
            (0..count)
                .map(|k| Case::new("random", random_task(rng, 7, true)).with("instance", f64::from(k)))
                .collect()
        },
        values,
        |c| attained(c, c.task.context()),
        |c| Ok(256.0 * (c.task.dimension() as f64).powi(2) * f64::EPSILON),
    )
    .wrong("smallest eigenvalues first", |c| {
        let (v, t) = (values(c)?, c.task.signal());
        let full = v[v.len() - 1];
        Ok(v.iter().rev().map(|x| t + full - x).collect())
    })
    .wrong("1/(N+1) for 1/N", |c| values(&c.longer()?))
    .broken("loss of a longer context", |c| attained(c, c.task.context() + 1));
    let rank_one = Bound::new(
        "rank one cannot do better",
        "L*_1 over the loss of a rank-one matrix, maximised over its factors",
        |_, _| vec![Case::new("dense", dense3()), Case::new("dense", dense(3, 0.4, 5))],
        6,
        |c, x| factored_loss(c, 1, x),
        |c, _| Ok(Some(rank_minimum(&c.law()?, 1)?)),
        1e-12,
    )
    .tight(0.001)
    .attained(|c| best_factors(c, 1))
    .search(6, 8000, 100_000)
    .wrong("rank two allowed", |c, x| {
        let d = c.task.dimension();
        let wide: Vec<f64> = (0..4 * d).map(|i| x[i % 6]).collect();
        Ok(factored_loss(c, 2, &wide)?.map(|l| 0.97 * l))
    })
    .wrong("one percent low", |c, x| Ok(factored_loss(c, 1, x)?.map(|l| 0.99 * l)))
    .broken("loss of the zero matrix", |c, _| Ok(Some(c.task.signal())));
    let rank_two = Bound::new(
        "rank two cannot do better",
        "L*_2 over the loss of a rank-two matrix, maximised over its factors",
        |_, _| vec![Case::new("dense", dense3())],
        12,
        |c, x| factored_loss(c, 2, x),
        |c, _| Ok(Some(rank_minimum(&c.law()?, 2)?)),
        1e-12,
    )
    .tight(0.001)
    .attained(|c| best_factors(c, 2))
    .search(6, 20_000, 200_000)
    .wrong("full rank allowed", |c, _| Ok(Some(minimum(&c.law()?)?)))
    .wrong("two percent low", |c, x| Ok(factored_loss(c, 2, x)?.map(|l| 0.98 * l)))
    .broken("rank one", |c, _| Ok(Some(rank_minimum(&c.law()?, 1)?)));
    Claim {
        id: "ICL-16",
        chapter: Chapter::Icl,
        title: "Low-rank predictors",
        statement: r"With $\beta_1\ge\dots\ge\beta_d$ the eigenvalues of $B$ and $e_i$ its eigenvectors,

$$\min_{\mathrm{rank}A\le k}L(A)=t-\sum_{i\le k}\dfrac{\beta_i^2}{a_N\beta_i+b_N},$$

attained at $A_k=\Lambda^{-1/2}\big(\sum_{i\le k}g_ie_ie_i^\top\big)\Lambda^{-1/2}$.",
        assumptions: "As for ICL-2.",
        source: "Derived; Li, Rawat, Oymak (NeurIPS 2024)",
        formula: "solvable_theory::icl::{rank_minimum, rank_minimizer}",
        simulator: "adversarial search over factors of solvable_model::icl::PredictorLoss",
        checks: vec![Box::new(identity), Box::new(rank_one), Box::new(rank_two)],
    }
}
