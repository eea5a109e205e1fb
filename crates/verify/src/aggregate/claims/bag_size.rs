//! AGG-8, AGG-9: which loss, and which bag size, without privacy; the optimal sizes of AGG-11.
use solvable_model::aggregate::{FiniteDesign, IsotropicLimit, LabelPrivacy, Mixing};
use solvable_sim::aggregate::RidgelessExperiment;
use solvable_theory::aggregate::{
    Risk, critical_snr, expected_risk, noise_of_privacy, optimal_bag_size,
    optimal_overparameterised_bag_size, ridgeless_risk,
};

use super::support::replicas;
use crate::check::{Contraction, Expectation, Identity, Limit};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// gamma = d/n in whole numbers, and the bag size.
#[derive(Clone, Copy, Debug)]
struct Shape {
    n: usize,
    d: usize,
    k: usize,
    /// Signal-to-noise ratio over the critical one.
    multiple: f64,
}

impl Shape {
    fn gamma(&self) -> f64 {
        self.d as f64 / self.n as f64
    }

    fn critical(&self) -> Result<f64, CheckError> {
        Ok(critical_snr(self.gamma(), self.k as f64)?)
    }
}

impl Cell for Shape {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("n", self.n)
            .with("d", self.d)
            .with("k", self.k)
            .with("snr over critical", self.multiple)
    }
}

fn shapes() -> Vec<Shape> {
    [(60, 3, 4), (60, 6, 2), (60, 12, 4), (60, 18, 5), (60, 30, 4), (60, 36, 2), (60, 39, 3)]
        .map(|(n, d, k)| Shape { n, d, k, multiple: 1.0 })
        .to_vec()
}

fn at(c: &Shape, snr: f64, mixing: Mixing) -> Result<f64, CheckError> {
    let problem = IsotropicLimit::new(c.gamma(), c.k as f64, snr, 1.0)?;
    Ok(ridgeless_risk(&problem, mixing).total())
}

/// The ratio at which the exact expected risks of AGG-6 cross, at sizes multiplied by 2^3, ..., 2^14.
fn crossings(c: &Shape, numerator: impl Fn(Risk, Risk) -> f64) -> Result<Vec<f64>, CheckError> {
    (3..=14)
        .map(|power| {
            let design = FiniteDesign::new(c.n << power, c.d << power, c.k, 1.0, 1.0)?;
            let bag = expected_risk(&design, Mixing::BAG)?;
            let instance = expected_risk(&design, Mixing::INSTANCE)?;
            Ok(numerator(bag, instance) / (instance.bias2 - bag.bias2))
        })
        .collect()
}

const S2: f64 = 1.0;

/// Paired difference of conditional risks, instance minus bag, on the same number of designs.
fn difference(c: &Shape, seed: u64, count: u64, first: Mixing) -> Result<Estimate, CheckError> {
    let design = FiniteDesign::new(c.n, c.d, c.k, c.multiple * c.critical()? * S2, S2)?;
    let (a, b) = (RidgelessExperiment::new(design, first), RidgelessExperiment::new(design, Mixing::BAG));
    replicas(
        seed,
        count,
        || (a.work(), b.work()),
        |rng, (wa, wb)| {
            Ok::<_, solvable_sim::aggregate::SimulationError>(
                a.replicate(rng, wa)?.total() - b.replicate(rng, wb)?.total(),
            )
        },
    )
}

fn exact_difference(c: &Shape, multiple: f64) -> Result<f64, CheckError> {
    let design = FiniteDesign::new(c.n, c.d, c.k, multiple * c.critical()? * S2, S2)?;
    Ok(expected_risk(&design, Mixing::INSTANCE)?.total() - expected_risk(&design, Mixing::BAG)?.total())
}

pub(super) fn comparison() -> Claim {
    let crossing = Identity::new(
        "crossing",
        "limiting risks of both losses at the critical ratio",
        |_, _| shapes(),
        |c| Ok(vec![at(c, c.critical()?, Mixing::INSTANCE)?]),
        |c| Ok(vec![at(c, c.critical()?, Mixing::BAG)?]),
        |_| Ok(1e-11),
    )
    .wrong("bag size off by one half", |c| {
        Ok(vec![at(c, critical_snr(c.gamma(), c.k as f64 - 0.5)?, Mixing::INSTANCE)?])
    })
    .wrong("rho = 1/2 for rho = 0", |c| Ok(vec![at(c, c.critical()?, super::support::rho(0.5))?]))
    .broken("bag level at twice the ratio", |c| {
        Ok(vec![at(c, 2.0 * c.critical()? + 1.0, Mixing::BAG)? + 1e-6])
    });

    let finite = Limit::new(
        "crossing of exact risks",
        "the ratio at which the exact expected risks cross, sizes doubled",
        |_, _| shapes(),
        Shape::critical,
        |c| crossings(c, |bag, instance| bag.var - instance.var),
        |_| Ok(Contraction::Order { order: 1.0, tolerance: 0.02 }),
        1e-12,
    )
    .wrong("gamma = n/d", |c| Ok(critical_snr(1.0 / c.gamma(), c.k as f64)? + 0.1))
    .wrong("bag size off by one half", |c| Ok(critical_snr(c.gamma(), c.k as f64 - 0.5)?))
    .broken("variances added", |c| crossings(c, |bag, instance| bag.var + instance.var));

    let ordered = Expectation::new(
        "order of the risks",
        "instance minus bag risk at half and at twice the critical ratio, simulated",
        |_, _| {
            [0.5, 2.0]
                .into_iter()
                .flat_map(|multiple| [(96, 8, 3)].map(|(n, d, k)| Shape { n, d, k, multiple }))
                .collect()
        },
        |c| exact_difference(c, c.multiple),
        |c, seed, count| difference(c, seed, count, Mixing::INSTANCE),
    )
    .scale(|c| Ok(c.multiple * c.critical()? * S2 + S2))
    .replicas(2048, 1 << 16, 1 << 20)
    .wrong("order reversed", |c| Ok(-exact_difference(c, c.multiple)?))
    .wrong("always at the critical ratio", |c| exact_difference(c, 1.0))
    .broken("bag level twice", |c, seed, count| difference(c, seed, count, Mixing::BAG));

    Claim {
        id: "AGG-8",
        chapter: Chapter::Aggregate,
        title: "When the instance-level loss wins",
        statement: "Without ridge, isotropic, $k\\ge2$: instance level has the smaller limiting risk exactly when $r^2/\\sigma^2<\\mathrm{snr}_c$, \
            $$\\mathrm{snr}_c=\\begin{cases}\\frac{k\\gamma(k+1-k\\gamma)}{(1-k\\gamma)(k-1-k\\gamma+2\\gamma)} & k\\gamma<1\\\\ +\\infty & k\\gamma=1\\\\ \
            \\max\\Big(0,\\frac{\\gamma(1-\\gamma-\\gamma^2+p\\gamma)}{(\\gamma-p)(1-3\\gamma+3\\gamma^2+p\\gamma(1-2\\gamma))}\\Big) & p<\\gamma<1\\\\ 0 & \\gamma\\ge1\\end{cases}$$ \
            For $\\gamma\\ge1$ the bag-level minimum-norm estimator always wins.",
        assumptions: "Isotropic Gaussian covariates, $\\lambda=0$; limit $n,d\\to\\infty$.",
        source: "derived",
        formula: "solvable_theory::aggregate::critical_snr",
        simulator: "solvable_sim::aggregate::RidgelessExperiment; solvable_theory::aggregate::expected_risk",
        checks: vec![
            Box::new(crossing),
            Box::new(finite),
            Box::new(ordered),
            super::enclosures::critical_ratio(),
        ],
    }
}

/// Where a function of 1/k on (0, 1] is least: a grid in 1/k, then golden section around its best point.
pub(super) fn least(
    low: f64,
    high: f64,
    f: impl Fn(f64) -> Result<f64, CheckError>,
) -> Result<f64, CheckError> {
    let points = 400;
    let at = |i: usize| low + (high - low) * i as f64 / points as f64;
    let mut best = (f64::INFINITY, 0);
    for i in 1..=points {
        let value = f(at(i))?;
        if value < best.0 {
            best = (value, i);
        }
    }
    let (mut a, mut b) = (at(best.1 - 1), at((best.1 + 1).min(points)));
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    while b - a > 1e-9 * b {
        let (c, d) = (b - golden * (b - a), a + golden * (b - a));
        if f(c)? < f(d)? { b = d } else { a = c }
    }
    Ok(0.5 * (a + b))
}

/// A setting of the optimum: energies and, with privacy, the clip level and epsilon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tuning {
    gamma: f64,
    r2: f64,
    s2: f64,
    privacy: Option<(f64, f64)>,
}

impl Cell for Tuning {
    fn parameters(&self) -> Parameters {
        let p = Parameters::new().with("gamma", self.gamma).with("r2", self.r2).with("s2", self.s2);
        self.privacy.map_or(p.clone(), |(t, epsilon)| p.with("T", t).with("eps", epsilon))
    }
}

impl Tuning {
    fn privacy(&self) -> Result<Option<LabelPrivacy>, CheckError> {
        Ok(self.privacy.map(|(t, epsilon)| LabelPrivacy::new(t, Some(epsilon))).transpose()?)
    }

    fn kappa(&self) -> Result<f64, CheckError> {
        Ok(self.privacy()?.map_or(0.0, |p| noise_of_privacy(&p)))
    }

    /// Limiting risk of instance level (or bag level) at bags of 1/p.
    fn risk(&self, p: f64, mixing: Mixing, kappa: f64) -> Result<f64, CheckError> {
        let problem = IsotropicLimit::new(self.gamma, 1.0 / p, self.r2, self.s2 + kappa * p)?;
        Ok(ridgeless_risk(&problem, mixing).total())
    }

    /// 1 / k*.
    fn share(&self) -> Result<f64, CheckError> {
        Ok(1.0 / optimal_bag_size(self.gamma, self.r2, self.s2, self.privacy()?.as_ref())?)
    }
}

fn tuning(gamma: f64, r2: f64, s2: f64) -> Tuning {
    Tuning { gamma, r2, s2, privacy: None }
}

/// Golden section finds a minimum of a smooth function to the square root of rounding.
const FOUND: f64 = 1e-5;

pub(super) fn bag_size() -> Claim {
    let optimum = Identity::new(
        "optimum",
        "$1/k^\\star$ against the least limiting risk over real $k$ (0: no bag is small enough)",
        |_, _| {
            vec![
                tuning(0.1, 0.5, 1.0),
                tuning(0.3, 1.0, 1.5),
                tuning(0.2, 1.0, 2.0),
                // k = 1 exactly when r2 >= s2.
                tuning(0.2, 1.1, 1.0),
                tuning(0.45, 0.9, 1.0),
                // Predict 0.
                tuning(0.4, 0.2, 1.0),
                // Concave: one end or the other.
                tuning(0.7, 3.0, 1.0),
                tuning(0.7, 1.0, 1.0),
            ]
        },
        |c: &Tuning| Ok(vec![c.share()?]),
        // The grid begins at p = 0 where k is infinite: 1e-9 stands for it.
        |c| Ok(vec![least(1e-9, 1.0, |p| c.risk(p, Mixing::INSTANCE, 0.0))?]),
        |_| Ok(FOUND),
    )
    .scale(|_| Ok(1.0))
    .wrong("gamma forgotten: 1/k = 1 - s2/r2 ...", |c| Ok(vec![(c.r2 / (c.r2 + c.s2)).min(1.0)]))
    .wrong("a factor 2", |c| Ok(vec![(0.5 * c.share()?).min(1.0)]))
    .broken("bag-level risk", |c| Ok(vec![least(1e-9, 1.0, |p| c.risk(p, Mixing::BAG, 0.0))?]));

    let threshold = Identity::new(
        "threshold",
        "slope of the limiting risk in $1/k$ at $k=1$ vanishes at $r^2=\\sigma^2$, and at $k=\\infty$ at $r^2/\\sigma^2=\\gamma/(2-3\\gamma)$",
        |_, _| [0.05, 0.2, 0.35, 0.49].map(|gamma| tuning(gamma, 1.0, 1.0)).to_vec(),
        |c| Ok(vec![1.0, c.gamma / (2.0 - 3.0 * c.gamma)]),
        |c| Ok(vec![root_of_slope(c, 1.0)?, root_of_slope(c, 0.0)?]),
        |_| Ok(1e-8),
    )
    .wrong("threshold gamma at k = 1", |c| Ok(vec![c.gamma, c.gamma / (2.0 - 3.0 * c.gamma)]))
    .wrong("gamma/(2 - gamma) at infinity", |c| Ok(vec![1.0, c.gamma / (2.0 - c.gamma)]))
    .broken("slope at k = 2", |c| Ok(vec![root_of_slope(c, 0.5)?, root_of_slope(c, 0.0)?]));

    Claim {
        id: "AGG-9",
        chapter: Chapter::Aggregate,
        title: "Optimal bag size without privacy",
        statement: "Instance level without ridge, $\\gamma<\\frac12$: the limiting risk is convex in $1/k$ and least at \
            $$k^\\star=\\max\\Big(1,\\frac{2r^2(1-2\\gamma)}{2r^2(1-\\gamma)-\\gamma(r^2+\\sigma^2)}\\Big)$$ if the denominator is positive, else at $k=\\infty$. So \
            $k=1$ is optimal exactly when $r^2\\ge\\sigma^2$ and $k=\\infty$ when $r^2/\\sigma^2\\le\\frac\\gamma{2-3\\gamma}$. For $\\frac12\\le\\gamma<1$ the risk is \
            concave: $k=1$ if $r^2/\\sigma^2>\\frac\\gamma{1-\\gamma}$, else $k=\\infty$.",
        assumptions: "Isotropic Gaussian covariates, $\\lambda=0$, limit $n,d\\to\\infty$; real $k$.",
        source: "derived",
        formula: "solvable_theory::aggregate::optimal_bag_size",
        simulator: "search over the limiting risks of AGG-5",
        checks: vec![Box::new(optimum), Box::new(threshold), super::enclosures::best_size()],
    }
}

/// The r2/s2 at which the derivative of the instance-level risk in p = 1/k vanishes at `p`. The risk is quadratic in p and
/// affine in r2: differences are exact up to rounding.
fn root_of_slope(c: &Tuning, p: f64) -> Result<f64, CheckError> {
    let slope = |r2: f64| -> Result<f64, CheckError> {
        let at = |p: f64| Tuning { r2, ..*c }.risk(p, Mixing::INSTANCE, 0.0);
        // Parabola through 1/4, 1/2, 1.
        let (a, b, e) = (at(0.25)?, at(0.5)?, at(1.0)?);
        let curvature = ((e - b) / 0.5 - (b - a) / 0.25) / 0.75;
        Ok((b - a) / 0.25 + curvature * (2.0 * p - 0.75))
    };
    let (zero, one) = (slope(0.0)?, slope(1.0)?);
    Ok(zero / (zero - one))
}

/// The optimum with privacy: instance level, and bag level above the singular size (AGG-11).
pub(super) fn private_optimum() -> Identity<Tuning> {
    let private = |gamma, r2, s2, t, epsilon| Tuning { gamma, r2, s2, privacy: Some((t, epsilon)) };
    Identity::new(
        "optimal bag size",
        "$1/k^\\star$ at instance level, and $1/k$ of the best overparameterised bag-level estimator, against a search",
        move |_, _| {
            vec![
                private(0.2, 1.0, 0.5, 3.0, 1.0),
                private(0.1, 1.0, 1.0, 3.0, 0.5),
                private(0.3, 2.0, 0.5, 4.0, 2.0),
                private(0.6, 2.0, 0.5, 3.0, 4.0),
            ]
        },
        |c: &Tuning| {
            let over = optimal_overparameterised_bag_size(c.gamma, c.r2, c.s2, c.privacy()?.as_ref())?;
            Ok(vec![c.share()?, 1.0 / over.k])
        },
        |c| searched(c, c.kappa()?),
        |_| Ok(FOUND),
    )
    .wrong("privacy noise forgotten", |c| {
        let public = Tuning { privacy: None, ..*c };
        let over = optimal_overparameterised_bag_size(c.gamma, c.r2, c.s2, None)?;
        Ok(vec![public.share()?, 1.0 / over.k])
    })
    .wrong("half-range sensitivity", |c| {
        let half = Tuning { privacy: c.privacy.map(|(t, epsilon)| (0.5 * t, epsilon)), ..*c };
        let over = optimal_overparameterised_bag_size(c.gamma, c.r2, c.s2, half.privacy()?.as_ref())?;
        Ok(vec![half.share()?, 1.0 / over.k])
    })
    .broken("Laplace variance b^2 for 2 b^2", |c| searched(c, 0.5 * c.kappa()?))
}

fn searched(c: &Tuning, kappa: f64) -> Result<Vec<f64>, CheckError> {
    let instance = least(1e-9, 1.0, |p| c.risk(p, Mixing::INSTANCE, kappa))?;
    let high = c.gamma.min(1.0);
    let bag = least(1e-9, high * (1.0 - 1e-9), |p| c.risk(p, Mixing::BAG, kappa))?;
    Ok(vec![instance, bag])
}
