//! AGG-5: isotropic closed forms.
use solvable_model::aggregate::{FiniteDesign, IsotropicLimit, Mixing};
use solvable_sim::aggregate::{Population, RidgeExperiment, RidgelessExperiment};
use solvable_theory::aggregate::{Risk, expected_risk, ridge_limit, ridgeless_risk};

use super::support::{Part, replicas, replicas_at, rho, rho_name};
use crate::check::{Asymptotic, Budget, Contraction, Limit};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

const R2: f64 = 1.3;
const S2: f64 = 0.7;

/// d and n in lowest terms times the smallest size.
#[derive(Clone, Copy, Debug)]
struct Proportions {
    /// Rows and covariates at size 1; k divides the first.
    n: usize,
    d: usize,
    k: usize,
    mixing: Mixing,
    lambda: f64,
    part: Part,
}

impl Cell for Proportions {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("gamma", self.d as f64 / self.n as f64)
            .with("k", self.k)
            .with("rho", rho_name(self.mixing))
            .with("lambda", self.lambda)
            .with("part", self.part.name())
    }
}

impl Proportions {
    fn problem(&self) -> Result<IsotropicLimit, CheckError> {
        Ok(IsotropicLimit::new(self.d as f64 / self.n as f64, self.k as f64, R2, S2)?)
    }
}

fn risk(problem: &IsotropicLimit, mixing: Mixing, lambda: f64) -> Result<Risk, CheckError> {
    Ok(if lambda > 0.0 {
        ridge_limit(problem, mixing, lambda)?.risk
    } else {
        ridgeless_risk(problem, mixing)
    })
}

fn limit(c: &Proportions) -> Result<f64, CheckError> {
    Ok(c.part.of(risk(&c.problem()?, c.mixing, c.lambda)?))
}

/// The largest size: covariates and rows are this many times those of the cell.
const SIZES: [f64; 4] = [4.0, 8.0, 16.0, 32.0];

fn at_size(
    c: &Proportions,
    size: f64,
    seed: u64,
    count: u64,
    mixing: Mixing,
) -> Result<Estimate, CheckError> {
    let (n, d) = (c.n * size as usize, c.d * size as usize);
    let count = replicas_at(size, SIZES[3], count);
    let part = c.part;
    if c.lambda > 0.0 {
        let experiment = RidgeExperiment::bags(Population::isotropic(d, R2, S2)?, n, c.k, mixing, c.lambda)?;
        replicas(
            seed,
            count,
            || experiment.work(),
            |rng, work| experiment.replicate(rng, work).map(|r| part.seen(r)),
        )
    } else {
        let experiment = RidgelessExperiment::new(FiniteDesign::new(n, d, c.k, R2, S2)?, mixing);
        replicas(
            seed,
            count,
            || experiment.work(),
            |rng, work| experiment.replicate(rng, work).map(|r| part.seen(r)),
        )
    }
}

fn cell(n: usize, d: usize, k: usize, mixing: Mixing, lambda: f64, part: Part) -> Proportions {
    Proportions { n, d, k, mixing, lambda, part }
}

/// Biases whose finite-size correction is curved: fitted with 1/d and 1/d^2.
fn curved() -> Vec<Proportions> {
    vec![
        // (i) with ridge, (ii) without.
        cell(4, 1, 4, rho(0.5), 0.1, Part::Bias),
        cell(6, 1, 3, rho(0.7), 0.05, Part::Bias),
        cell(6, 1, 2, rho(0.5), 0.0, Part::Bias),
        cell(4, 1, 4, rho(0.9), 0.0, Part::Bias),
    ]
}

/// Variances, and biases with a small correction: fitted with 1/d.
fn straight() -> Vec<Proportions> {
    vec![
        cell(4, 1, 4, rho(0.5), 0.01, Part::Var),
        cell(2, 3, 2, rho(0.3), 0.4, Part::Bias),
        cell(2, 3, 2, rho(0.3), 0.1, Part::Var),
        cell(6, 1, 2, rho(0.5), 0.0, Part::Var),
        cell(6, 1, 3, rho(0.7), 0.02, Part::Var),
        // (iv) left limit: its variance has no fourth moment at the small sizes.
        cell(8, 2, 8, Mixing::LEFT_OF_ONE, 0.0, Part::Bias),
    ]
}

/// Rows of AGG-5 (iii) and (iv), by doubling the sizes of AGG-6.
fn endpoints() -> Vec<Proportions> {
    let mut cells = Vec::new();
    for (n, d, k, mixing) in [
        (12, 2, 3, Mixing::INSTANCE),
        (12, 9, 2, Mixing::INSTANCE),
        (12, 18, 4, rho(0.5)),
        (12, 30, 3, Mixing::INSTANCE),
        (12, 6, 6, Mixing::LEFT_OF_ONE),
    ] {
        cells.extend(Part::BOTH.map(|part| Proportions { n, d, k, mixing, lambda: 0.0, part }));
    }
    // The bias is the same at every size: nothing to extrapolate.
    for (n, d, k, mixing) in [
        (12, 2, 3, Mixing::BAG),
        (12, 4, 6, Mixing::BAG),
        (12, 2, 3, Mixing::LEFT_OF_ONE),
        (12, 7, 1, Mixing::INSTANCE),
        (12, 18, 1, Mixing::INSTANCE),
    ] {
        cells.push(Proportions { n, d, k, mixing, lambda: 0.0, part: Part::Var });
    }
    cells
}

/// `E` at sizes 2^4, ..., 2^16 times the cell's.
fn doubling(c: &Proportions, mixing: Mixing) -> Result<Vec<f64>, CheckError> {
    (4..=16)
        .map(|power| {
            let size = 1 << power;
            let design = FiniteDesign::new(c.n * size, c.d * size, c.k, R2, S2)?;
            Ok(c.part.of(expected_risk(&design, mixing)?))
        })
        .collect()
}

pub(super) fn claim() -> Claim {
    let bias = Asymptotic::new(
        "bias",
        "mean conditional $\\text{Bias}^2$ at $n,d\\to\\infty$ in proportion",
        |_, _| curved(),
        limit,
        |c, size, seed, count| at_size(c, size, seed, count, c.mixing),
        &SIZES,
        &[1.0, 2.0],
        (256, 4096),
    )
    .wrong("weight 1 for the within-bag rows", |c| {
        Ok(c.part.of(risk(&c.problem()?, Mixing::INSTANCE, c.lambda)?))
    })
    .wrong("gamma = n/d", |c| {
        let problem = IsotropicLimit::new(c.n as f64 / c.d as f64, c.k as f64, R2, S2)?;
        Ok(c.part.of(risk(&problem, c.mixing, c.lambda)?))
    })
    .wrong("fluctuations forgotten", |c| {
        // The first term of (A5) alone: a = r2 ((s_B + lambda)/(s + lambda))^2.
        let point = ridge_limit(&c.problem()?, c.mixing, c.lambda)?;
        let bag = 1.0 / c.k as f64 / (1.0 + point.delta);
        Ok(R2 * ((point.s - bag + c.lambda) / (point.s + c.lambda)).powi(2))
    })
    .broken("bags of twice the size", |c, size, seed, count| {
        at_size(&Proportions { k: 2 * c.k, n: 2 * c.n, d: 2 * c.d, ..*c }, size, seed, count, c.mixing)
    });

    let variance = Asymptotic::new(
        "variance and left limit",
        "mean conditional $\\text{Var}$, and $\\text{Bias}^2$ for $\\gamma>1$ and at $\\rho\\to1^-$",
        // Twice the sizes on the full budget, whose errors would show the curvature of the smaller ones.
        |budget, _| {
            let factor = if budget == Budget::Quick { 1 } else { 2 };
            straight().into_iter().map(|c| Proportions { n: factor * c.n, d: factor * c.d, ..c }).collect()
        },
        limit,
        |c, size, seed, count| at_size(c, size, seed, count, c.mixing),
        &SIZES,
        &[1.0],
        (128, 160),
    )
    .wrong("the jump at rho = 1 ignored", |c| {
        let mixing = if c.mixing.is_left_limit() { Mixing::BAG } else { c.mixing };
        Ok(c.part.of(risk(&c.problem()?, mixing, c.lambda)?))
    })
    .wrong("noise of a mean of k labels, s2/k", |c| {
        let problem = IsotropicLimit::new(c.d as f64 / c.n as f64, c.k as f64, R2, S2 / c.k as f64)?;
        Ok(c.part.of(risk(&problem, c.mixing, c.lambda)?))
    })
    .wrong("leave-one-out correction 1/(1-FG) at first order forgotten", |c| {
        let value = limit(c)?;
        Ok(if c.part == Part::Var { value / (1.0 + c.d as f64 / c.n as f64) } else { value })
    })
    .broken("rho = 1 estimator", |c, size, seed, count| at_size(c, size, seed, count, Mixing::BAG));

    let endpoints_check = Limit::new(
        "exact finite sizes",
        "the exact expectations of AGG-6 as $n,d$ double",
        |_, _| endpoints(),
        limit,
        |c| doubling(c, c.mixing),
        |_| Ok(Contraction::Order { order: 1.0, tolerance: 0.01 }),
        // Sums of a few products of exact integers.
        64.0 * f64::EPSILON,
    )
    .wrong("gamma = n/d", |c| {
        let problem = IsotropicLimit::new(c.n as f64 / c.d as f64, c.k as f64, R2, S2)?;
        // A bias of 0 is moved off 0: it serves as the scale.
        Ok(c.part.of(ridgeless_risk(&problem, c.mixing)) + 1e-9)
    })
    .wrong("the left limit has the value at rho = 1", |c| {
        let mixing = if c.mixing.is_left_limit() { Mixing::BAG } else { c.mixing };
        Ok(c.part.of(ridgeless_risk(&c.problem()?, mixing)))
    })
    .broken("finite sizes of bag level", |c| doubling(c, Mixing::BAG));

    Claim {
        id: "AGG-5",
        chapter: Chapter::Aggregate,
        title: "Isotropic closed forms, with the jump at bag level",
        statement: "As $n,d\\to\\infty$ with $d/n\\to\\gamma$, $p=1/k$, $\\tau=1-\\rho$: (i) for $\\lambda>0$, $\\delta$ is the positive root of \
            $$\\lambda\\delta+\\frac{p\\delta}{1+\\delta}+\\frac{(1-p)\\tau\\delta}{1+\\tau\\delta}=\\gamma$$ and bias and variance are those of AGG-4 with \
            $F=\\gamma/(s+\\lambda)^2$; (ii) for $\\lambda=0$, $0<\\tau\\le1$, $\\gamma<1$, \
            $$\\tau(1-\\gamma)\\delta^2+[p+(1-p)\\tau-\\gamma(1+\\tau)]\\delta-\\gamma=0;$$ (iii) at the endpoints, for example \
            $\\rho=0$, $\\gamma<1$: $$\\text{Bias}^2=r^2\\Big[(1-p)^2+\\frac{\\gamma}{1-\\gamma}p(1-p)\\Big],\\qquad \\text{Var}=\\sigma^2\\frac{p\\gamma}{1-\\gamma};$$ \
            (iv) the limit $\\rho\\to1^-$ for $p<\\gamma<1$ is \
            $$\\text{Bias}^2=r^2\\frac{(\\gamma-p)(1-\\gamma+p)}{\\gamma(1-\\gamma)},\\qquad \\text{Var}=\\sigma^2\\frac{p(1-p)}{(\\gamma-p)(1-\\gamma)},$$ \
            strictly worse than the value at $\\rho=1$.",
        assumptions: "Isotropic Gaussian covariates, equal bags; error $O(1/d)$ in the mean.",
        source: "derived; model of Javanmard et al. (ICLR 2024, arXiv 2401.11081)",
        formula: "solvable_theory::aggregate::{ridge_limit, ridgeless_risk}",
        simulator: "solvable_sim::aggregate::{RidgeExperiment, RidgelessExperiment}",
        checks: vec![
            Box::new(bias),
            Box::new(variance),
            Box::new(endpoints_check),
            super::enclosures::isotropic_risk(),
        ],
    }
}
