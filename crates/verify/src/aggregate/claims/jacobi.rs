//! AGG-7: exact finite-size risk for every weight.
use solvable_model::aggregate::{FiniteDesign, Mixing};
use solvable_sim::aggregate::RidgelessExperiment;
use solvable_theory::aggregate::interpolated_expected_risk;

use super::support::{Part, replicas, rho, rho_name};
use crate::check::{Budget, Expectation, Identity};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

const R2: f64 = 1.3;
const S2: f64 = 0.7;

#[derive(Clone, Copy, Debug)]
struct Sizes {
    n: usize,
    d: usize,
    k: usize,
    mixing: Mixing,
    part: Part,
}

impl Cell for Sizes {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("n", self.n)
            .with("d", self.d)
            .with("k", self.k)
            .with("rho", rho_name(self.mixing))
            .with("part", self.part.name())
    }
}

impl Sizes {
    fn exact(&self, mixing: Mixing) -> Result<f64, CheckError> {
        let design = FiniteDesign::new(self.n, self.d, self.k, R2, S2)?;
        Ok(self.part.of(interpolated_expected_risk(&design, mixing)?))
    }
}

fn cells(budget: Budget) -> Vec<Sizes> {
    let mut shapes = vec![(48, 12, 4, 0.7), (30, 6, 3, 0.5)];
    if budget == Budget::Full {
        shapes.extend([(60, 2, 3, 0.7), (60, 1, 5, 0.9), (45, 10, 5, 0.8), (36, 9, 12, 0.95)]);
    }
    shapes
        .into_iter()
        .flat_map(|(n, d, k, weight)| Part::BOTH.map(|part| Sizes { n, d, k, mixing: rho(weight), part }))
        .collect()
}

fn simulate(c: &Sizes, seed: u64, count: u64, mixing: Mixing, k: usize) -> Result<Estimate, CheckError> {
    let experiment = RidgelessExperiment::new(FiniteDesign::new(c.n, c.d, k, R2, S2)?, mixing);
    let part = c.part;
    replicas(
        seed,
        count,
        || experiment.work(),
        |rng, work| experiment.replicate(rng, work).map(|r| part.seen(r)),
    )
}

/// `E v^2` and `E h/(n - 2)` for one covariate, `u ~ Beta(m/2, q/2)`, by the trapezoidal rule after
/// `u = 1/(1 + exp(-2 sinh t))`: doubly exponential decay at both ends.
fn one_covariate(n: usize, k: usize, tau: f64) -> Vec<f64> {
    let (m, q) = ((n / k) as f64, (n - n / k) as f64);
    let h = 1.0 / 64.0;
    let mut sums = [0.0; 3];
    for i in -512..=512_i32 {
        let t = f64::from(i) * h;
        let w = 2.0 * t.sinh();
        // u, 1 - u, and du/dt = u (1 - u) 2 cosh t.
        let (u, v) = (1.0 / (1.0 + (-w).exp()), 1.0 / (1.0 + w.exp()));
        let density = u.powf(0.5 * m) * v.powf(0.5 * q) * 2.0 * t.cosh();
        let mixed = u + tau * v;
        sums[0] += density;
        sums[1] += density * (tau * v / mixed).powi(2);
        sums[2] += density * u / (mixed * mixed);
    }
    vec![R2 * sums[1] / sums[0], S2 * sums[2] / sums[0] / (n as f64 - 2.0)]
}

fn read(c: &Parameters) -> (usize, usize, f64) {
    let whole = |key: &str| c.as_map()[key].as_u64().unwrap_or(1) as usize;
    (whole("n"), whole("k"), c.as_map()["rho"].as_f64().unwrap_or(0.0))
}

fn both(c: &Parameters, swap: bool) -> Result<Vec<f64>, CheckError> {
    let (n, k, weight) = read(c);
    let weight = if swap { 1.0 - weight } else { weight };
    let risk = interpolated_expected_risk(&FiniteDesign::new(n, 1, k, R2, S2)?, rho(weight))?;
    Ok(vec![risk.bias2, risk.var])
}

pub(super) fn claim() -> Claim {
    let conditional = Expectation::new(
        "conditional",
        "mean over designs of the conditional $\\text{Bias}^2$ and $\\text{Var}$ at $0<\\rho<1$",
        |budget, _| cells(budget),
        |c| c.exact(c.mixing),
        |c, seed, count| simulate(c, seed, count, c.mixing, c.k),
    )
    .replicas(2048, 1 << 16, 1 << 21)
    .wrong("rho and 1 - rho exchanged", |c| c.exact(rho(1.0 - c.mixing.rho() + 1e-9)))
    .wrong("tau squared", |c| c.exact(rho(1.0 - c.mixing.tau().powi(2))))
    .broken("instance level", |c, seed, count| simulate(c, seed, count, Mixing::INSTANCE, c.k));

    let one = Identity::new(
        "one covariate",
        "$d=1$: both parts against a doubly exponential quadrature of the Beta law",
        |_, _| {
            [(12, 3, 0.7), (12, 2, 0.5), (40, 4, 0.1), (9, 9, 0.6), (200, 5, 0.9)]
                .map(|(n, k, weight)| Parameters::new().with("n", n).with("k", k).with("rho", weight))
                .to_vec()
        },
        |c: &Parameters| both(c, false),
        |c| {
            let (n, k, weight) = read(c);
            Ok(one_covariate(n, k, 1.0 - weight))
        },
        // Powers of numbers with relative errors of a few eps times their exponents, up to 80.
        |c| Ok(64.0 * read(c).0 as f64 * f64::EPSILON + 1e-12),
    )
    .wrong("rho and 1 - rho exchanged", |c| {
        let value = both(c, true)?;
        Ok(if read(c).2 == 0.5 { vec![0.0; 2] } else { value })
    })
    .wrong("n - 1 degrees of freedom", |c| {
        let (n, ..) = read(c);
        let mut value = both(c, false)?;
        value[1] *= (n as f64 - 2.0) / (n as f64 - 1.0);
        Ok(value)
    })
    .broken("half the degrees of freedom", |c| {
        let (n, k, weight) = read(c);
        Ok(one_covariate(n / k * k / 2 * 2, k * 2, 1.0 - weight))
    });

    Claim {
        id: "AGG-7",
        chapter: Chapter::Aggregate,
        title: "Exact finite-size risk for every weight",
        statement: "Isotropic designs, no ridge, $n\\ge d+2$: with $u_1,\\dots,u_d$ the eigenvalues of $W^{-1/2}A^\\top AW^{-1/2}$, $W=X^\\top X$ (a Jacobi ensemble), \
            $v_i=\\frac{\\tau(1-u_i)}{u_i+\\tau(1-u_i)}$, $h_i=\\frac{u_i}{(u_i+\\tau(1-u_i))^2}$, $Q_2=\\mathbb E\\sum v_i^2$, $Q_{11}=\\mathbb E(\\sum v_i)^2$, \
            $$\\alpha=\\frac{dQ_2-Q_{11}}{d(d-1)(d+2)},\\quad\\beta=\\frac{Q_2}d-d\\alpha,\\quad \
            \\mathbb E\\,\\text{Bias}^2=r^2\\Big[\\beta+\\alpha\\frac{nd-2}{n-d-1}\\Big],\\quad \\mathbb E\\,\\text{Var}=\\frac{\\sigma^2}{n-d-1}\\mathbb E\\sum_ih_i.$$",
        assumptions: "Isotropic Gaussian covariates, $0<\\rho<1$, $k\\ge2$. Fourth moments of the conditional risk exist for $n\\ge d+8$; only such sizes are sampled.",
        source: "derived",
        formula: "solvable_theory::aggregate::interpolated_expected_risk",
        simulator: "solvable_sim::aggregate::RidgelessExperiment",
        checks: vec![Box::new(conditional), Box::new(one)],
    }
}
