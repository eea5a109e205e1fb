//! AGG-6: exact expected risk at finite size.
use solvable_model::aggregate::{BagDesign, FiniteDesign, Mixing};
use solvable_sim::aggregate::{Population, RidgelessExperiment, TrainingExperiment};
use solvable_theory::aggregate::{Risk, expected_risk};

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
    /// `None`: the sum of both parts.
    part: Option<Part>,
}

impl Cell for Sizes {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("n", self.n)
            .with("d", self.d)
            .with("k", self.k)
            .with("rho", rho_name(self.mixing))
            .with("part", self.part.map_or("risk", Part::name))
    }
}

impl Sizes {
    fn design(&self) -> Result<FiniteDesign, CheckError> {
        Ok(FiniteDesign::new(self.n, self.d, self.k, R2, S2)?)
    }

    fn pick(&self, risk: Risk) -> f64 {
        self.part.map_or(risk.bias2 + risk.var, |p| p.of(risk))
    }
}

fn exact(c: &Sizes) -> Result<f64, CheckError> {
    Ok(c.pick(expected_risk(&c.design()?, c.mixing)?))
}

fn conditional(c: &Sizes, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let experiment = RidgelessExperiment::new(c.design()?, c.mixing);
    replicas(
        seed,
        count,
        || experiment.work(),
        |rng, work| experiment.replicate(rng, work).map(|risk| c.part.map_or(risk.total(), |p| p.seen(risk))),
    )
}

/// Sizes at least 8 away from every singular one: all conditional risks have a finite fourth moment.
fn sizes(budget: Budget) -> Vec<Sizes> {
    let cell = |n, d, k, mixing, part| Sizes { n, d, k, mixing, part };
    let (bias, var) = (Some(Part::Bias), Some(Part::Var));
    let mut cells = vec![
        // Instance level: least squares.
        cell(60, 15, 3, Mixing::INSTANCE, bias),
        cell(60, 15, 3, Mixing::INSTANCE, var),
        // Interpolation: the weight does not matter below n = d.
        cell(12, 100, 4, rho(0.5), var),
        cell(12, 100, 4, rho(0.5), None),
        // Bag level, more bags than covariates (unbiased) and fewer.
        cell(96, 16, 2, Mixing::BAG, var),
        cell(40, 40, 4, Mixing::BAG, bias),
        cell(24, 64, 4, Mixing::BAG, var),
    ];
    if budget == Budget::Full {
        // Skewed, hence many replicas. The left limit with fewer bags than covariates; more sizes.
        cells.push(cell(96, 20, 16, Mixing::LEFT_OF_ONE, bias));
        cells.push(cell(96, 20, 16, Mixing::LEFT_OF_ONE, var));
        cells.push(cell(12, 100, 4, Mixing::INSTANCE, bias));
        cells.push(cell(24, 60, 3, Mixing::INSTANCE, var));
        cells.push(cell(48, 12, 2, Mixing::INSTANCE, bias));
        cells.push(cell(48, 12, 2, Mixing::INSTANCE, var));
    }
    cells
}

fn raw(c: &Sizes, seed: u64, count: u64, k: usize) -> Result<Estimate, CheckError> {
    let population = Population::isotropic(c.d, R2, S2)?;
    let bags = BagDesign::consecutive(c.n, k)?;
    let experiment = TrainingExperiment::new(population, bags, c.mixing, 0.0, None)?;
    replicas(seed, count, || (), |rng, ()| experiment.replicate(rng))
}

/// `E[1/chi^2_nu]` by the trapezoidal rule in log x; `None` where the integral diverges at small x.
///
/// With x = e^u the integrands are analytic in a strip of half-width pi/2 and vanish at both ends: the rule with step h
/// errs by about `e^(-pi^2/h)`, below rounding.
fn inverse_chi_square(nu: f64) -> Option<f64> {
    let h = 1.0 / 32.0;
    let integral = |power: f64, from: f64| -> f64 {
        let steps = ((7.0 - from) / h) as i64;
        (0..=steps).map(|i| from + i as f64 * h).map(|u| (power * u - 0.5 * u.exp()).exp()).sum::<f64>() * h
    };
    let at = |from: f64| integral(0.5 * nu - 1.0, from) / integral(0.5 * nu, from);
    // Where it converges the part below e^(-200) is less than e^(-100) of it.
    let (near, far) = (at(-200.0), at(-400.0));
    (far <= 1.5 * near).then_some(far)
}

/// Variance and flag (1: infinite) at m = 1, ..., d + 6, with `nu(|m - d|)` degrees of freedom.
fn by_inverse_chi_square(d: usize, nu: impl Fn(f64) -> f64) -> Vec<f64> {
    let value = |m: usize| match inverse_chi_square(nu(m.abs_diff(d) as f64)) {
        Some(mean) => [m.min(d) as f64 * mean, 0.0],
        None => [0.0, 1.0],
    };
    (1..=d + 6).flat_map(value).collect()
}

fn bag_variances(d: &usize, infinite_from: impl Fn(usize, usize) -> f64) -> Result<Vec<f64>, CheckError> {
    let mut values = Vec::new();
    for m in 1..=d + 6 {
        let design = FiniteDesign::new(2 * m, *d, 2, 0.0, 1.0)?;
        let var = expected_risk(&design, Mixing::BAG)?.var + infinite_from(m, *d);
        values.extend(if var.is_infinite() { [0.0, 1.0] } else { [var, 0.0] });
    }
    Ok(values)
}

pub(super) fn claim() -> Claim {
    let conditional_check = Expectation::new(
        "conditional",
        "mean over designs of the conditional $\\text{Bias}^2$ and $\\text{Var}$, noise averaged exactly",
        |budget, _| sizes(budget),
        exact,
        conditional,
    )
    .replicas(1024, 1 << 16, 1 << 22)
    .wrong("d/(m-d) for d/(m-d-1): the large-size limit", |c| {
        let design = c.design()?;
        let exact = expected_risk(&design, c.mixing)?;
        let gap = |a: usize| (a.abs_diff(c.d) as f64 - 1.0) / a.abs_diff(c.d) as f64;
        let rows = if c.mixing.is_bag_level() { design.m() } else { c.n };
        Ok(c.pick(Risk { bias2: exact.bias2, var: exact.var * gap(rows) }))
    })
    .wrong("q(q+2) replaced by q^2: the fourth moments of a normal frame forgotten", |c| {
        let risk = expected_risk(&c.design()?, c.mixing)?;
        let (n, q) = (c.n as f64, (c.n - c.n / c.k) as f64);
        let missing = if c.mixing == Mixing::INSTANCE && c.n > c.d {
            R2 * (q * (q + 2.0) / (n * (n + 2.0)) - (q / n).powi(2))
        } else {
            0.0
        };
        Ok(c.pick(Risk { bias2: risk.bias2 - missing, var: risk.var }))
    })
    .wrong("the number of rows for the number of bags", |c| {
        // A bias of 0 is moved off 0: it serves as the scale.
        Ok(c.pick(expected_risk(&FiniteDesign::new(c.n, c.d, 1, R2, S2)?, c.mixing)?) + 1e-9)
    })
    .broken("one bag too many", |c, seed, count| conditional(&Sizes { n: c.n + c.k, ..*c }, seed, count));

    let raw_check = Expectation::new(
        "raw labels",
        "$|\\hat\\theta-\\theta^*|^2$ of the minimiser of the interpolated loss, trained on drawn labels",
        |_, _| {
            vec![
                Sizes { n: 40, d: 10, k: 4, mixing: Mixing::INSTANCE, part: None },
                Sizes { n: 12, d: 24, k: 3, mixing: Mixing::BAG, part: None },
            ]
        },
        exact,
        |c, seed, count| raw(c, seed, count, c.k),
    )
    .replicas(1024, 1 << 16, 1 << 20)
    .wrong("noise forgotten", |c| Ok(expected_risk(&c.design()?, c.mixing)?.bias2 + 1e-3))
    .wrong("noise variance of a bag mean, s2/k", |c| {
        let design = FiniteDesign::new(c.n, c.d, c.k, R2, S2 / c.k as f64)?;
        Ok(c.pick(expected_risk(&design, c.mixing)?))
    })
    .broken("labels of single rows", |c, seed, count| raw(c, seed, count, 1));

    let divergence = Identity::new(
        "divergence",
        "variance at every $m$ around $d$: infinite exactly for $|m-d|\\le1$, else $\\min(m,d)\\,E[1/\\chi^2_{|m-d|+1}]$",
        |_, _| (1..=7).map(|d| Parameters::new().with("d", d)).collect(),
        |c: &Parameters| bag_variances(&dimension(c), |_, _| 0.0),
        |c: &Parameters| Ok(by_inverse_chi_square(dimension(c), |distance| distance + 1.0)),
        // Sums of 13000 positive terms.
        |_| Ok(1e4 * f64::EPSILON),
    )
    .wrong("finite next to the singular size", |c| {
        let d = dimension(c);
        let mut values = bag_variances(&d, |_, _| 0.0)?;
        values[2 * d] = d as f64;
        values[2 * d + 1] = 0.0;
        Ok(values)
    })
    .wrong("infinite two away from the singular size", |c| {
        bag_variances(&dimension(c), |m, d| if m.abs_diff(d) == 2 { f64::INFINITY } else { 0.0 })
    })
    .broken("one degree of freedom more", |c| {
        Ok(by_inverse_chi_square(dimension(c), |distance| distance + 2.0))
    });

    Claim {
        id: "AGG-6",
        chapter: Chapter::Aggregate,
        title: "Exact finite-size risk at the endpoints",
        statement: "With $q=n-m$ and no ridge, for every $n,d,k$, averaged over isotropic Gaussian designs: at bag level \
            $(\\rho=1)$ $\\mathbb E\\,\\text{Bias}^2=0$, $\\mathbb E\\,\\text{Var}=\\sigma^2\\frac d{m-d-1}$ for $m\\ge d+2$, and \
            $r^2(1-\\frac md)$, $\\sigma^2\\frac m{d-m-1}$ for $m\\le d-2$; at instance level $(\\rho=0)$ with $n\\ge d+2$ \
            $$\\mathbb E\\,\\text{Bias}^2=r^2\\Big[\\frac{q(q+2)}{n(n+2)}+\\frac{mq}{n(n+2)}\\cdot\\frac{(d-1)(n+1)}{(n-1)(n-d-1)}\\Big],\
            \\qquad \\mathbb E\\,\\text{Var}=\\sigma^2\\frac{md}{n(n-d-1)},$$ \
            and for $n\\le d-2$ every $\\rho<1$ has \
            $$\\mathbb E\\,\\text{Bias}^2=r^2\\Big[1-\\frac{2m}d+\\frac1d\\Big(\\frac{m(m+2)}{n+2}+n\\eta\\Big(\\frac{nd-2}{d-n-1}-1\\Big)\\Big)\\Big],\
            \\qquad \\mathbb E\\,\\text{Var}=\\sigma^2\\frac m{d-n-1},\\qquad \\eta=\\frac{mq}{n(n+2)(n-1)}.$$ \
            Within one of the singular sizes the variance is infinite.",
        assumptions: "Isotropic Gaussian covariates, $\\lambda=0$, equal bags. The fourth moment of the conditional risk exists \
            when the number of fitted rows and $d$ differ by 8 or more: only such sizes are sampled.",
        source: "derived; model of Javanmard, Chen, Mirrokni, Badanidiyuru, Fu (ICLR 2024, arXiv 2401.11081)",
        formula: "solvable_theory::aggregate::expected_risk",
        simulator: "solvable_sim::aggregate::{TrainingExperiment, RidgelessExperiment}",
        checks: vec![Box::new(raw_check), Box::new(conditional_check), Box::new(divergence)],
    }
}

fn dimension(c: &Parameters) -> usize {
    c.as_map()["d"].as_u64().unwrap_or(1) as usize
}
