//! ICL-10: a published risk bound.
use solvable_theory::icl::published_risk_bound;

use super::support::diagonal;
use crate::check::Bound;
use crate::{Chapter, CheckError, Claim, Parameters};

/// Eigenvalues in a range of 10^3, N and M up to 10^5, from a point of the cube.
fn at(x: &[f64]) -> (Vec<f64>, usize, usize) {
    let spectrum = x[..3].iter().map(|v| 10f64.powf(3.0 * v - 1.5)).collect();
    let length = |v: f64| 10f64.powf(5.0 * v) as usize;
    (spectrum, length(x[3]).max(1), length(x[4]).max(1))
}

fn bound(x: &[f64]) -> Result<f64, CheckError> {
    let (l, n, m) = at(x);
    Ok(published_risk_bound(&diagonal(&l), n, m)?.bound)
}

/// The two terms of the bound with other constants.
fn variant(x: &[f64], linear: f64, cross: f64) -> f64 {
    let (l, n, m) = at(x);
    let d = l.len() as f64;
    let trace: f64 = l.iter().sum();
    let kappa = l.iter().copied().fold(0.0, f64::max) / l.iter().copied().fold(f64::INFINITY, f64::min);
    (d + linear) * trace / m as f64 + (1.0 + cross * d + d * d * kappa) * trace / (n as f64).powi(2)
}

fn exact(x: &[f64], shorter: usize) -> Result<f64, CheckError> {
    let (l, n, m) = at(x);
    Ok(published_risk_bound(&diagonal(&l), n, m.saturating_sub(shorter).max(1))?.exact)
}

pub(super) fn claim() -> Claim {
    let check = Bound::new(
        "published bound",
        "exact risk over its published bound, maximised over spectra and lengths",
        |_, _| vec![Parameters::new().with("d", 3)],
        5,
        |_, x| Ok(Some(bound(x)?)),
        |_, x| Ok(Some(exact(x, 0)?)),
        64.0 * f64::EPSILON,
    )
    .tight(0.01)
    .search(8, 6000, 200_000)
    .wrong("d for d + 1", |_, x| Ok(Some(variant(x, 0.0, 2.0))))
    .wrong("no cross term", |_, x| Ok(Some(variant(x, 1.0, 0.0))))
    .broken("half the test length", |_, x| exact(x, at(x).2 / 2).map(Some));
    Claim {
        id: "ICL-10",
        chapter: Chapter::Icl,
        title: "The risk bound of Zhang, Frei and Bartlett",
        statement: r"For $\Psi=I$, $\sigma=0$ and $\kappa$ the condition number of $\Lambda$,

$$L(\Gamma^{-1};M)\le\frac{(d+1)\mathrm{tr}\Lambda}{M}+\frac{(1+2d+d^2\kappa)\mathrm{tr}\Lambda}{N^2},$$

with equality in the limit of long prompts and a flat spectrum.",
        assumptions: "As for ICL-2, $\\Lambda$ invertible.",
        source: "Zhang, Frei, Bartlett, Corollary 4.3",
        formula: "solvable_theory::icl::published_risk_bound",
        simulator: "adversarial search over the exact risk (ICL-5)",
        checks: vec![Box::new(check)],
    }
}
