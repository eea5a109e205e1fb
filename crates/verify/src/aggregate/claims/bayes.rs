//! AGG-10: the optimal ridge.
use rand_chacha::ChaCha12Rng;
use solvable_model::aggregate::{IsotropicLimit, LabelPrivacy, Mixing};
use solvable_sim::aggregate::{Population, RidgeExperiment};
use solvable_sim::normal;
use solvable_theory::aggregate::bayes_ridge;

use super::support::{replicas, replicas_at, rho};
use crate::check::{Asymptotic, Bound, Budget, Certificate, Enclosure};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// One design; its risk is averaged over the direction of theta* and the noise.
#[derive(Clone, Debug)]
struct Design {
    n: usize,
    d: usize,
    k: usize,
    r2: f64,
    s2: f64,
    rows: Vec<f64>,
}

impl Cell for Design {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("n", self.n)
            .with("d", self.d)
            .with("k", self.k)
            .with("r2", self.r2)
            .with("s2", self.s2)
    }
}

impl Design {
    fn risk(&self, mixing: Mixing, lambda: f64) -> Result<f64, CheckError> {
        let population = Population::isotropic(self.d, self.r2, self.s2)?;
        let experiment = RidgeExperiment::bags(population, self.n, self.k, mixing, lambda)?;
        Ok(experiment.risk_given(&self.rows, &mut experiment.work())?.total())
    }

    /// lambda* of the theory; gamma = d/n.
    fn lambda(&self) -> Result<f64, CheckError> {
        let gamma = self.d as f64 / self.n as f64;
        let problem = IsotropicLimit::new(gamma, self.k as f64, self.r2, self.s2)?;
        Ok(bayes_ridge(&problem, None)?.lambda)
    }

    /// The least risk over weights and ridges, by coordinate search from a grid.
    fn least(&self, rows: &Self) -> Result<f64, CheckError> {
        let at = |weight: f64, log: f64| rows.risk(rho(weight), log.exp());
        let mut best = (f64::INFINITY, 0.0, 0.0);
        for i in 0..=4 {
            for j in 0..=8 {
                let (weight, log) = (0.25 * f64::from(i), -6.0 + f64::from(j));
                let value = at(weight, log)?;
                if value < best.0 {
                    best = (value, weight, log);
                }
            }
        }
        let mut step = 0.5;
        while step > 1e-4 {
            let (weight, log) = (best.1, best.2);
            for (w, l) in [(step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step)] {
                let (w, l) = ((weight + w).clamp(0.0, 1.0), log + l);
                let value = at(w, l)?;
                if value < best.0 {
                    best = (value, w, l);
                }
            }
            if (best.1, best.2) == (weight, log) {
                step *= 0.5;
            }
        }
        Ok(best.0)
    }
}

fn designs(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Design> {
    let times = if budget == Budget::Quick { 1 } else { 10 };
    let mut cells = Vec::new();
    for _ in 0..times {
        for (n, d, k, r2, s2) in [(30, 10, 3, 1.0, 0.5), (16, 12, 4, 2.0, 1.0), (12, 6, 2, 0.5, 2.0)] {
            let mut rows = vec![0.0; n * d];
            normal::fill(rng, &mut rows);
            cells.push(Design { n, d, k, r2, s2, rows });
        }
    }
    cells
}

fn attained(c: &Design, mixing: Mixing, factor: f64) -> Result<Enclosure, CheckError> {
    let value = c.risk(mixing, factor * c.lambda()?)?;
    Ok(Enclosure { lower: value, upper: value })
}

/// The search stops at steps of 1e-4 in the weight and in log lambda. The risk is quadratic in log lambda near its
/// minimum and monotone in the weight at 1, which the search reaches exactly: 1e-7 of the risk.
fn searched(value: f64) -> Enclosure {
    Enclosure { lower: value * (1.0 - 1e-7), upper: value * (1.0 + 1e-12) }
}

#[derive(Clone, Copy, Debug)]
struct Proportions {
    n: usize,
    d: usize,
    k: usize,
    r2: f64,
    s2: f64,
}

impl Cell for Proportions {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("gamma", self.d as f64 / self.n as f64)
            .with("k", self.k)
            .with("r2", self.r2)
            .with("s2", self.s2)
    }
}

impl Proportions {
    fn problem(&self) -> Result<IsotropicLimit, CheckError> {
        Ok(IsotropicLimit::new(self.d as f64 / self.n as f64, self.k as f64, self.r2, self.s2)?)
    }
}

const SIZES: [f64; 4] = [4.0, 8.0, 16.0, 32.0];

fn at_size(
    c: &Proportions,
    size: f64,
    seed: u64,
    count: u64,
    mixing: Mixing,
    factor: f64,
) -> Result<Estimate, CheckError> {
    let (n, d) = (c.n * size as usize, c.d * size as usize);
    let lambda = factor * bayes_ridge(&c.problem()?, None)?.lambda;
    let experiment = RidgeExperiment::bags(Population::isotropic(d, c.r2, c.s2)?, n, c.k, mixing, lambda)?;
    replicas(
        seed,
        replicas_at(size, SIZES[3], count),
        || experiment.work(),
        |rng, work| experiment.replicate(rng, work).map(|r| r.total()),
    )
}

/// gamma, k, k' > k and kappa from a point of the cube, all positive.
fn pair(x: &[f64]) -> [f64; 4] {
    let k = 1.0 + 20.0 * x[1];
    [(6.0 * x[0] - 4.0).exp(), k, k + 1e-3 + 10.0 * x[2], 40.0 * x[3]]
}

/// Limiting risk of the tuned ridge with label noise 0.5 + kappa/k; privacy written as T = 1, eps = sqrt(8/kappa).
fn tuned(gamma: f64, k: f64, kappa: f64) -> Result<f64, CheckError> {
    let problem = IsotropicLimit::new(gamma, k, 1.0, 0.5)?;
    let privacy = if kappa > 0.0 { Some(LabelPrivacy::new(1.0, Some((8.0 / kappa).sqrt()))?) } else { None };
    Ok(bayes_ridge(&problem, privacy.as_ref())?.risk)
}

pub(super) fn claim() -> Claim {
    let optimal = Certificate::new(
        "optimal tuning",
        "conditional risk at $\\rho=1$, $\\lambda^\\star$, against the least over all $(\\rho,\\lambda)$ on the same design",
        designs,
        |c| attained(c, Mixing::BAG, 1.0),
        |c| Ok(searched(c.least(c)?)),
    )
    .wrong("lambda* k times too large", |c| attained(c, Mixing::BAG, c.k as f64))
    .wrong("lambda* at instance level", |c| attained(c, Mixing::INSTANCE, 1.0))
    .wrong("half of lambda*", |c| attained(c, Mixing::BAG, 0.5))
    .broken("the optimum of other noise", |c| Ok(searched(c.least(&Design { s2: 0.5 * c.s2, ..c.clone() })?)));

    let limit = Asymptotic::new(
        "tuned risk",
        "mean conditional risk at the optimal ridge, $n,d\\to\\infty$",
        |_, _| {
            vec![
                Proportions { n: 4, d: 1, k: 4, r2: 1.0, s2: 0.5 },
                Proportions { n: 2, d: 1, k: 2, r2: 2.0, s2: 1.0 },
                Proportions { n: 3, d: 4, k: 3, r2: 1.0, s2: 0.2 },
            ]
        },
        |c: &Proportions| Ok(bayes_ridge(&c.problem()?, None)?.risk),
        |c, size, seed, count| at_size(c, size, seed, count, Mixing::BAG, 1.0),
        &SIZES,
        &[1.0, 2.0],
        (256, 8192),
    )
    .wrong("k gamma for gamma: bags counted twice", |c| {
        let problem = IsotropicLimit::new((c.d * c.k) as f64 / c.n as f64, c.k as f64, c.r2, c.s2)?;
        Ok(bayes_ridge(&problem, None)?.risk)
    })
    .wrong("noise of a mean, s2/k", |c| {
        let problem = IsotropicLimit::new(c.d as f64 / c.n as f64, c.k as f64, c.r2, c.s2 / c.k as f64)?;
        Ok(bayes_ridge(&problem, None)?.risk)
    })
    .broken("instance level", |c, size, seed, count| at_size(c, size, seed, count, Mixing::INSTANCE, 1.0))
    .broken("five times the ridge", |c, size, seed, count| at_size(c, size, seed, count, Mixing::BAG, 5.0));

    let monotone = Bound::new(
        "aggregation never helps",
        "risk at bags of $k$ against that at larger bags $k'$, over $\\gamma$, $k$, $k'$ and the privacy noise $\\kappa$",
        |_, _| vec![Parameters::new().with("r2", 1.0).with("s2", 0.5)],
        4,
        |_, x| {
            let [gamma, _, other, kappa] = pair(x);
            tuned(gamma, other, kappa).map(Some)
        },
        |_, x| {
            let [gamma, k, _, kappa] = pair(x);
            tuned(gamma, k, kappa).map(Some)
        },
        1e-13,
    )
    .tight(0.001)
    .search(4, 2000, 40_000)
    .wrong("privacy noise that falls as 1/k^2", |_, x| {
        let [gamma, k, other, kappa] = pair(x);
        tuned(gamma, other, kappa * k / other).map(Some)
    })
    .wrong("privacy forgotten for the larger bags", |_, x| {
        let [gamma, _, other, _] = pair(x);
        tuned(gamma, other, 0.0).map(Some)
    })
    .broken("risk at the square of k", |_, x| {
        let [gamma, k, _, kappa] = pair(x);
        tuned(gamma, k * k, kappa).map(Some)
    });

    Claim {
        id: "AGG-10",
        chapter: Chapter::Aggregate,
        title: "The tuned bag-level ridge is optimal, and aggregation never helps it",
        statement: "Isotropic designs. Over all estimators linear in the bag means and rotation-equivariant, in particular over all $(\\rho,\\lambda)$, the risk \
            is least at $\\rho=1$, $\\lambda^\\star=\\gamma\\sigma^2/r^2$, on every design when averaged over the direction of $\\theta^*$. Its limit is \
            $$R=\\frac12\\Big[-b+\\sqrt{b^2+4r^2\\sigma^2}\\Big],\\qquad b=\\sigma^2+\\frac{r^2}{k\\gamma}-r^2.$$ With label noise $\\sigma^2+\\kappa/k$ the same formula is \
            strictly increasing in $k$ for every $\\kappa\\ge0$: $k=1$ is best at any privacy level.",
        assumptions: "Isotropic Gaussian covariates; the optimality is exact at every size, the formula for $R$ is a limit.",
        source: "derived",
        formula: "solvable_theory::aggregate::bayes_ridge",
        simulator: "solvable_sim::aggregate::RidgeExperiment",
        checks: vec![Box::new(optimal), Box::new(limit), Box::new(monotone), super::enclosures::bayes_risk()],
    }
}
