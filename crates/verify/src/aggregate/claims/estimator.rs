//! AGG-3, AGG-16: the estimator on given data, and its gradient flow.
use rand_chacha::ChaCha12Rng;
use solvable_linalg::Mat;
use solvable_model::Objective;
use solvable_model::aggregate::{
    AggregateData, BagDesign, FiniteDesign, InterpolatedObjective, Mixing, PointwiseLoss, SpectrumPart,
};
use solvable_sim::aggregate::{Population, RidgeExperiment, minimise_quadratic};
use solvable_sim::flow::{DescentOptions, GradientFlow, Options, descend, integrate};
use solvable_sim::normal;
use solvable_theory::aggregate::{BagFlow, estimate, expected_risk};

use super::support::{replicas, rho, rho_name};
use crate::check::{Budget, Contraction, Expectation, Identity, Limit};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

#[derive(Clone, Debug)]
struct Instance {
    k: usize,
    x: Mat<f64>,
    labels: Vec<f64>,
    mixing: Mixing,
    lambda: f64,
    /// A second weight, or nothing.
    other: Mixing,
}

impl Cell for Instance {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("n", self.x.nrows())
            .with("d", self.x.ncols())
            .with("k", self.k)
            .with("rho", rho_name(self.mixing))
            .with("lambda", self.lambda)
            .with("other", rho_name(self.other))
    }
}

impl Instance {
    fn data(&self, k: usize) -> Result<AggregateData, CheckError> {
        let bags = BagDesign::consecutive(self.x.nrows(), k)?;
        Ok(AggregateData::new(self.x.clone(), self.labels.clone(), bags)?)
    }
}

fn instance(
    rng: &mut ChaCha12Rng,
    (n, d, k): (usize, usize, usize),
    mixing: Mixing,
    lambda: f64,
    other: Mixing,
) -> Instance {
    let mut numbers = vec![0.0; n * d + n];
    normal::fill(rng, &mut numbers);
    let x = Mat::from_fn(n, d, |i, j| numbers[i * d + j]);
    Instance { k, x, labels: numbers[n * d..].to_vec(), mixing, lambda, other }
}

fn trained(c: &Instance, k: usize, mixing: Mixing, lambda: f64) -> Result<Vec<f64>, CheckError> {
    let data = c.data(k)?;
    let objective = InterpolatedObjective::new(&data, PointwiseLoss::Squared, mixing, lambda)?;
    Ok(minimise_quadratic(&objective, 1e-12)?.theta)
}

fn solved(c: &Instance, mixing: Mixing, lambda: f64) -> Result<Vec<f64>, CheckError> {
    Ok(estimate(&c.data(c.k)?, mixing, lambda)?.theta)
}

/// Relative gradients of 1e-12 and condition numbers of H below 1e5 in these shapes leave 1e-7 of the parameter.
const TRAINED: f64 = 1e-7;

fn repeat(budget: Budget) -> usize {
    if budget == Budget::Quick { 1 } else { 10 }
}

fn minimisers(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Instance> {
    let mut cells = Vec::new();
    for _ in 0..repeat(budget) {
        for (shape, weight, lambda) in [
            ((24, 5, 3), 0.4, 0.1),
            ((24, 5, 3), 1.0, 0.0),
            ((20, 4, 1), 0.7, 0.0),
            ((24, 8, 4), 0.5, 0.0),
            ((12, 20, 3), 0.2, 0.05),
            ((12, 20, 3), 1.0, 0.0),
            ((9, 14, 9), 0.0, 0.0),
        ] {
            cells.push(instance(rng, shape, rho(weight), lambda, rho(weight)));
        }
    }
    cells
}

/// `theta_1 + theta_2 / 2 + ...`: one number of a vector.
fn marker(theta: &[f64]) -> f64 {
    theta.iter().enumerate().map(|(j, t)| t / (1.0 + j as f64)).sum()
}

fn spectrum() -> Vec<SpectrumPart> {
    [(2.0, 0.1, 0.6), (0.5, 0.1, 0.9), (0.05, 0.05, 1.8)]
        .map(|(sigma, weight, theta2)| SpectrumPart { sigma, weight, theta2 })
        .to_vec()
}

const S2: f64 = 0.5;

fn invariant(c: &Parameters, r2: f64) -> Result<f64, CheckError> {
    let (n, k) = sizes(c);
    Ok(expected_risk(&FiniteDesign::new(n, n / 4, k, r2, S2)?, Mixing::INSTANCE)?.total())
}

fn sizes(c: &Parameters) -> (usize, usize) {
    let read = |key: &str| c.as_map()[key].as_u64().unwrap_or(1) as usize;
    (read("n"), read("k"))
}

fn skewed_designs(c: &Parameters, seed: u64, count: u64, lambda: f64) -> Result<Estimate, CheckError> {
    let (n, k) = sizes(c);
    let population = Population::from_parts(&spectrum(), n, S2)?;
    let experiment = RidgeExperiment::bags(population, n, k, Mixing::INSTANCE, lambda)?;
    replicas(
        seed,
        count,
        || experiment.work(),
        |rng, work| experiment.replicate(rng, work).map(|r| r.total()),
    )
}

pub(super) fn structure() -> Claim {
    let minimiser = Identity::new(
        "minimiser",
        "$\\hat\\theta$ against conjugate gradients on the loss as written, from raw labels",
        minimisers,
        |c| solved(c, c.mixing, c.lambda),
        |c| trained(c, c.k, c.mixing, c.lambda),
        |_| Ok(TRAINED),
    )
    .wrong("ridge lambda for n lambda", |c| {
        let n = c.x.nrows() as f64;
        solved(c, c.mixing, c.lambda / n)
    })
    .wrong("rho and 1 - rho exchanged", |c| solved(c, rho(1.0 - c.mixing.rho()), c.lambda))
    .broken("trained on single rows", |c| trained(c, 1, c.mixing, c.lambda));

    let weights = Identity::new(
        "weights below n = d",
        "minimum-norm $\\hat\\theta$ at one $\\rho<1$ against training at another, $n\\le d$, no ridge",
        |budget, rng| {
            let mut cells = Vec::new();
            for _ in 0..repeat(budget) {
                for (a, b) in [(0.0, 0.3), (0.3, 0.9), (0.9, 0.0)] {
                    cells.push(instance(rng, (10, 16, 2), rho(a), 0.0, rho(b)));
                    cells.push(instance(rng, (12, 13, 4), rho(a), 0.0, rho(b)));
                }
                cells.push(instance(rng, (10, 16, 5), Mixing::LEFT_OF_ONE, 0.0, rho(0.5)));
            }
            cells
        },
        |c| solved(c, c.mixing, 0.0),
        |c| trained(c, c.k, c.other, 0.0),
        |_| Ok(TRAINED),
    )
    .wrong("the estimator of rho = 1", |c| solved(c, Mixing::BAG, 0.0))
    .wrong("a ridge of 1e-3", |c| solved(c, c.mixing, 1e-3))
    .broken("trained at rho = 1", |c| trained(c, c.k, Mixing::BAG, 0.0));

    let jump = Limit::new(
        "left limit",
        "a linear functional of training at $\\tau=1-\\rho=2^{-10},\\dots,2^{-16}$, against $\\rho\\to1^-$; $m<d<n$",
        |budget, rng| {
            (0..repeat(budget))
                .flat_map(|_| {
                    [
                        instance(rng, (40, 12, 8), Mixing::LEFT_OF_ONE, 0.0, Mixing::BAG),
                        instance(rng, (30, 12, 5), Mixing::LEFT_OF_ONE, 0.0, Mixing::BAG),
                    ]
                })
                .collect()
        },
        |c| Ok(marker(&solved(c, c.mixing, 0.0)?)),
        |c| (10..=16).map(|j| Ok(marker(&trained(c, c.k, rho(1.0 - (-f64::from(j)).exp2()), 0.0)?))).collect(),
        |_| Ok(Contraction::Order { order: 1.0, tolerance: 0.1 }),
        1e-9,
    )
    .scale(|c| {
        let theta = solved(c, c.mixing, 0.0)?;
        Ok(theta.iter().map(|t| t * t).sum::<f64>().sqrt())
    })
    .wrong("the value at rho = 1", |c| Ok(marker(&solved(c, Mixing::BAG, 0.0)?)))
    .wrong("the value at rho = 0", |c| Ok(marker(&solved(c, Mixing::INSTANCE, 0.0)?)))
    .broken("with a ridge", |c| {
        (10..=16).map(|j| Ok(marker(&trained(c, c.k, rho(1.0 - (-f64::from(j)).exp2()), 1e-2)?))).collect()
    });

    let invariance = Expectation::new(
        "affine invariance",
        "mean risk with eigenvalues 2, 0.5, 0.05, no ridge, against AGG-6 with $r^2=\\theta^{*\\top}\\Sigma\\theta^*$",
        |_, _| vec![Parameters::new().with("n", 40).with("k", 4), Parameters::new().with("n", 60).with("k", 2)],
        |c| invariant(c, spectrum().iter().map(|j| j.sigma * j.theta2).sum()),
        |c, seed, count| skewed_designs(c, seed, count, 0.0),
    )
    .replicas(2048, 1 << 15, 1 << 20)
    .wrong("norm of theta* without the covariance", |c| invariant(c, spectrum().iter().map(|j| j.theta2).sum()))
    .wrong("mean eigenvalue", |c| invariant(c, 1.03 * spectrum().iter().map(|j| j.theta2).sum::<f64>()))
    .broken("with a ridge", |c, seed, count| skewed_designs(c, seed, count, 1.0));

    Claim {
        id: "AGG-3",
        chapter: Chapter::Aggregate,
        title: "Structure of the interpolating estimator",
        statement: "With $A$ the bag rows $\\sqrt k\\,\\bar x_a$, $y_A$ the entries $\\sqrt k\\,\\bar y_a$, $D$ the within-bag deviations and $\\tau=1-\\rho$, \
            $$\\hat\\theta=H^{-1}A^\\top y_A,\\qquad H=A^\\top A+\\tau D^\\top D+n\\lambda I,$$ the minimum-norm minimiser for singular $H$. Without ridge: for \
            $n\\le d$ every $\\rho<1$ gives the same estimator, different from $\\rho=1$; for $m<d<n$ the path $\\rho\\mapsto\\hat\\theta$ jumps at \
            $\\rho=1$; for invertible $H$ the law of the risk depends on $(\\Sigma,\\theta^*)$ only through $\\theta^{*\\top}\\Sigma\\theta^*$.",
        assumptions: "Squared loss, equal bags; Gaussian covariates for the invariance.",
        source: "derived",
        formula: "solvable_theory::aggregate::estimate",
        simulator: "solvable_sim::aggregate::{minimise_quadratic, RidgeExperiment}",
        checks: vec![Box::new(minimiser), Box::new(weights), Box::new(jump), Box::new(invariance)],
    }
}

const TIME: f64 = 0.75;

fn flow_cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Instance> {
    let mut cells = Vec::new();
    for _ in 0..repeat(budget) {
        cells.push(instance(rng, (24, 5, 3), rho(0.4), 0.1, Mixing::BAG));
        cells.push(instance(rng, (8, 12, 2), rho(0.3), 0.0, Mixing::BAG));
        cells.push(instance(rng, (12, 6, 4), Mixing::BAG, 0.0, Mixing::BAG));
    }
    cells
}

fn start(c: &Instance) -> Vec<f64> {
    (0..c.x.ncols()).map(|j| 1.0 - 0.3 * j as f64).collect()
}

/// The way travelled, along the first gradient: every mode of H adds terms of one sign, to the value and to the leading
/// error of a step, so that neither can cancel.
fn travelled(c: &Instance, end: &[f64]) -> Result<f64, CheckError> {
    let data = c.data(c.k)?;
    let objective = InterpolatedObjective::new(&data, PointwiseLoss::Squared, c.mixing, c.lambda)?;
    let (start, mut gradient) = (start(c), vec![0.0; end.len()]);
    objective.gradient(&start, &mut gradient, &mut objective.work());
    Ok(gradient.iter().zip(start.iter().zip(end)).map(|(g, (s, e))| g * (s - e)).sum())
}

fn exact_flow(c: &Instance, t: f64) -> Result<f64, CheckError> {
    let flow = BagFlow::new(&c.data(c.k)?, c.mixing, c.lambda)?;
    travelled(c, &flow.at(&start(c), t)?)
}

fn euler(c: &Instance, mixing: Mixing) -> Result<Vec<f64>, CheckError> {
    let data = c.data(c.k)?;
    let objective = InterpolatedObjective::new(&data, PointwiseLoss::Squared, mixing, c.lambda)?;
    (5..=13)
        .map(|j| {
            let steps = 1_u64 << j;
            let options = DescentOptions::new(TIME / steps as f64, steps);
            travelled(c, &descend(&objective, &start(c), &options).map_err(CheckError::from_error)?.state)
        })
        .collect()
}

fn runge_kutta(c: &Instance, mixing: Mixing) -> Result<Vec<f64>, CheckError> {
    let data = c.data(c.k)?;
    let objective = InterpolatedObjective::new(&data, PointwiseLoss::Squared, mixing, c.lambda)?;
    (2..=7)
        .map(|j| {
            let options = Options::until(TIME).fixed_step(TIME / f64::from(1 << j));
            let end = integrate(&GradientFlow::of(&objective), &start(c), &options);
            travelled(c, &end.map_err(CheckError::from_error)?.state)
        })
        .collect()
}

fn exact_descent(c: &Instance, eta: f64, steps: usize) -> Result<Vec<f64>, CheckError> {
    Ok(BagFlow::new(&c.data(c.k)?, c.mixing, c.lambda)?.descent(&start(c), eta, steps)?)
}

fn run_descent(c: &Instance, eta: f64, steps: u64) -> Result<Vec<f64>, CheckError> {
    let data = c.data(c.k)?;
    let objective = InterpolatedObjective::new(&data, PointwiseLoss::Squared, c.mixing, c.lambda)?;
    let options = DescentOptions::new(eta, steps);
    Ok(descend(&objective, &start(c), &options).map_err(CheckError::from_error)?.state)
}

/// Half the largest stable step.
fn step(c: &Instance) -> Result<f64, CheckError> {
    Ok(0.5 * BagFlow::new(&c.data(c.k)?, c.mixing, c.lambda)?.largest_step())
}

/// Loss after 200 steps over the loss after 100, at a multiple of the largest stable step: below 1 or above.
fn grows(c: &Instance, multiple: f64, k: usize) -> Result<f64, CheckError> {
    let largest = BagFlow::new(&c.data(c.k)?, c.mixing, c.lambda)?.largest_step();
    let other = Instance { k, ..c.clone() };
    let end = run_descent(&other, multiple * largest, 400)?;
    let middle = run_descent(&other, multiple * largest, 200)?;
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    Ok(f64::from(u8::from(norm(&end) > 2.0 * norm(&middle))))
}

pub(super) fn flow() -> Claim {
    let order_one = Limit::new(
        "Euler",
        "way travelled along the first gradient at time 0.75, by descent at step $h\\to0$",
        flow_cells,
        |c| exact_flow(c, TIME),
        |c| euler(c, c.mixing),
        |_| Ok(Contraction::Order { order: 1.0, tolerance: 0.05 }),
        1e-12,
    )
    .wrong("rate H/n for 2H/n", |c| exact_flow(c, 0.5 * TIME))
    .wrong("the end of training", |c| exact_flow(c, f64::INFINITY))
    .broken("rho halved", |c| euler(c, rho(0.5 * c.mixing.rho())));

    let order_five = Limit::new(
        "Runge-Kutta",
        "the same way by a fixed-step method of order 5",
        flow_cells,
        |c| exact_flow(c, TIME),
        |c| runge_kutta(c, c.mixing),
        |_| Ok(Contraction::Order { order: 5.0, tolerance: 0.5 }),
        1e-12,
    )
    .wrong("rate H/n for 2H/n", |c| exact_flow(c, 0.5 * TIME))
    .wrong("one permille late", |c| exact_flow(c, 1.001 * TIME))
    .broken("rho halved", |c| runge_kutta(c, rho(0.5 * c.mixing.rho())));

    let descent = Identity::new(
        "descent",
        "gradient descent after 50 steps, at half the largest stable step",
        flow_cells,
        |c| exact_descent(c, step(c)?, 50),
        |c| run_descent(c, step(c)?, 50),
        // 50 contracting steps, n + d rounded terms a gradient.
        |c| Ok(8.0 * 50.0 * (c.x.nrows() + c.x.ncols()) as f64 * f64::EPSILON),
    )
    .wrong("one step fewer", |c| exact_descent(c, step(c)?, 49))
    .wrong("the flow at the same time", |c| {
        let flow = BagFlow::new(&c.data(c.k)?, c.mixing, c.lambda)?;
        Ok(flow.at(&start(c), 50.0 * step(c)?)?)
    })
    .broken("half the step", |c| run_descent(c, 0.5 * step(c)?, 50));

    let stability = Identity::new(
        "largest step",
        "whether descent diverges at 0.98 and 1.02 times $n/\\lambda_{\\max}(H)$",
        flow_cells,
        |_| Ok(vec![0.0, 1.0]),
        |c| Ok(vec![grows(c, 0.98, c.k)?, grows(c, 1.02, c.k)?]),
        |_| Ok(1e-3),
    )
    .wrong("2n over the largest eigenvalue", |_| Ok(vec![0.0, 0.0]))
    .wrong("n/2 over the largest eigenvalue", |_| Ok(vec![1.0, 1.0]))
    .broken("the step of other bags", |c| {
        let one = if c.k == 1 { c.x.nrows() } else { 1 };
        Ok(vec![grows(c, 0.7, one)?, grows(c, 0.6, one)?])
    });

    Claim {
        id: "AGG-16",
        chapter: Chapter::Aggregate,
        title: "Gradient flow and descent",
        statement: "Gradient flow on $\\rho L_{bag}+(1-\\rho)L_{ins}+\\lambda\\|\\theta\\|^2$ is \
            $$\\theta(t)=\\hat\\theta+e^{-2Ht/n}(\\theta_0-\\hat\\theta);$$ components in the kernel of $H$ stay at $\\theta_0$. Gradient descent with step $\\eta$ is \
            $\\hat\\theta+(I-\\frac{2\\eta}nH)^t(\\theta_0-\\hat\\theta)$ and converges exactly for $\\eta<n/\\lambda_{\\max}(H)$.",
        assumptions: "Squared loss; any data.",
        source: "derived",
        formula: "solvable_theory::aggregate::BagFlow",
        simulator: "solvable_sim::flow::{descend, integrate}",
        checks: vec![Box::new(order_one), Box::new(order_five), Box::new(descent), Box::new(stability)],
    }
}
