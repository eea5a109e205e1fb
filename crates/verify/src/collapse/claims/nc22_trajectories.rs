//! NC-22: closed trajectories from aligned, layer-balanced starts.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::Mat;
use solvable_model::collapse::Bias;
use solvable_sim::collapse::{aligned_start, descended, observe, runge_kutta4, spread_start};
use solvable_theory::collapse::AlignedFlow;

use super::common::{Setting, log_uniform, pick, refused};
use crate::check::{Budget, Contraction, Limit};
use crate::{Chapter, CheckError, Claim, Parameters};

/// A balanced problem with its start and time.
struct Trajectory {
    setting: Setting,
    /// Singular value of every factor at the start.
    s0: f64,
    time: f64,
}

impl crate::Cell for Trajectory {
    fn parameters(&self) -> Parameters {
        self.setting.parameters().with("s0", self.s0).with("t", self.time)
    }
}

impl Trajectory {
    fn flow(&self) -> Result<AlignedFlow, CheckError> {
        let s = &self.setting;
        AlignedFlow::new(s.counts.len(), s.counts[0], s.lambda_h).map_err(refused)
    }

    fn root(&self) -> f64 {
        (self.setting.counts[0] as f64).sqrt()
    }

    /// Contrasts where a bias takes the common direction, or where cross-entropy leaves it alone; else one mode a class.
    fn modes(&self) -> Mat<f64> {
        let k = self.setting.counts.len();
        if self.setting.bias == Bias::None
            && self.setting.loss == solvable_model::collapse::ClassLoss::Squared
        {
            return Mat::from_fn(k, k, |i, j| f64::from(u8::from(i == j)));
        }
        Mat::from_fn(k, k - 1, |i, j| {
            let size = ((j + 1) * (j + 2)) as f64;
            match i.cmp(&(j + 1)) {
                std::cmp::Ordering::Less => 1.0 / size.sqrt(),
                std::cmp::Ordering::Equal => -((j + 1) as f64) / size.sqrt(),
                std::cmp::Ordering::Greater => 0.0,
            }
        })
    }

    /// The common singular value of the logits at the time, by ever finer steps.
    fn simulate(
        &self,
        corrupt: impl Fn(&mut Setting),
        aligned: bool,
        euler: bool,
    ) -> Result<Vec<f64>, CheckError> {
        let objective = self.setting.but(corrupt).objective()?;
        let k = self.setting.counts.len();
        let mut rng = ChaCha12Rng::seed_from_u64(self.setting.seed);
        let bias =
            if objective.layout().bias_offset().is_some() { vec![1.0 / k as f64; k] } else { Vec::new() };
        let start = if aligned {
            aligned_start(&objective, &self.modes(), self.s0, &bias, &mut rng)?
        } else {
            spread_start(objective.layout(), self.s0.powi(self.setting.depth() as i32 + 1), &mut rng)
        };
        let levels = if euler { 4..13 } else { 4..10 };
        levels
            .map(|level| {
                let steps = 1_u64 << level;
                let end = if euler {
                    descended(&objective, &start, self.time / steps as f64, steps).map_err(refused)?
                } else {
                    runge_kutta4(&objective, &start, self.time, steps)
                };
                let z = observe(&objective, &end).logits();
                // u on each mode: differences of logits see the contrasts, and all modes where there are K.
                Ok(self.root() * (z[(0, 0)] - z[(1, 0)]))
            })
            .collect()
    }
}

fn squared_cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Trajectory> {
    let mut cells = Vec::new();
    for i in 0..pick(budget, 3, 9) {
        let lambda = log_uniform(rng, 0.02, 0.08);
        let bias = if i % 3 == 1 { Bias::Free } else { Bias::None };
        let setting = Setting::squared(&[2; 3], &[4], &[lambda], lambda, rng).with_bias(bias);
        // The last of each three is beyond its threshold: it decays.
        let setting =
            if i % 3 == 2 { setting.but(|s| (s.lambda_w, s.lambda_h) = (vec![0.4], 0.4)) } else { setting };
        cells.push(Trajectory { setting, s0: log_uniform(rng, 0.2, 0.5), time: 6.0 });
    }
    cells
}

/// The time that theory gives to the passage from s0 to s1; simulated for that long.
fn deep_cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Trajectory> {
    let mut cells = Vec::new();
    for depth in 2..=pick(budget, 3, 4) {
        let setting = Setting::squared(&[2; 3], &vec![3; depth], &vec![0.01; depth], 0.01, rng);
        let s0 = log_uniform(rng, 0.7, 0.8);
        cells.push(Trajectory { setting, s0, time: 0.0 });
    }
    for cell in &mut cells {
        let flow = AlignedFlow::new(3, 2, 0.01).and_then(|f| {
            f.squared_time(cell.setting.depth(), cell.s0, 1.0).map_err(|_| {
                solvable_model::InputError::Condition {
                    argument: "s1".into(),
                    value: 1.0,
                    condition: "reached by the flow",
                }
            })
        });
        cell.time = flow.unwrap_or(f64::NAN);
    }
    cells
}

fn entropy_cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Trajectory> {
    let mut cells = Vec::new();
    for _ in 0..pick(budget, 1, 4) {
        let lambda = log_uniform(rng, 0.01, 0.02);
        let setting = Setting::squared(&[2; 3], &[3], &[lambda], lambda, rng).cross_entropy();
        let m0 = log_uniform(rng, 0.1, 0.3);
        let time = AlignedFlow::new(3, 2, lambda).ok().and_then(|f| f.margin_time(m0, 2.0).ok());
        // u = m sqrt(n), shared by two factors.
        let s0 = (m0 * 2.0_f64.sqrt()).sqrt();
        cells.push(Trajectory { setting, s0, time: time.unwrap_or(f64::NAN) });
    }
    cells
}

fn order(order: f64) -> impl Fn(&Trajectory) -> Result<Contraction, CheckError> {
    move |_| Ok(Contraction::Order { order, tolerance: 0.1 * order })
}

fn squared(cell: &Trajectory, factor: f64) -> Result<f64, CheckError> {
    cell.flow()?.squared(cell.s0 * cell.s0, factor * cell.time).map_err(refused)
}

fn logistic(euler: bool) -> Limit<Trajectory> {
    let name = if euler { "logistic-descent" } else { "logistic-order-four" };
    Limit::new(
        name,
        "squared loss, depth one: singular value of the logits at a time",
        squared_cells,
        |cell: &Trajectory| squared(cell, 1.0),
        move |cell| cell.simulate(|_| {}, true, euler),
        order(if euler { 1.0 } else { 4.0 }),
        1e-13,
    )
    .wrong("rate r for 2r", |cell| squared(cell, 0.5))
    .wrong("the limit sqrt(n), without shrinkage", |cell| {
        let s = &cell.setting;
        let free = AlignedFlow::new(s.counts.len(), s.counts[0], 0.0).map_err(refused)?;
        free.squared(cell.s0 * cell.s0, cell.time).map_err(refused)
    })
    .broken("losses summed, not averaged", move |cell| {
        let n = cell.setting.total();
        cell.simulate(
            |s| {
                s.lambda_h /= n;
                s.lambda_w[0] /= n;
            },
            true,
            euler,
        )
    })
    .broken("a start that is not aligned", move |cell| cell.simulate(|_| {}, false, euler))
}

pub(super) fn claim() -> Claim {
    let deep = Limit::new(
        "deep-passage",
        "squared loss, depth two and more: logits after the predicted time from s0 to 1",
        deep_cells,
        |_: &Trajectory| Ok(1.0),
        |cell| cell.simulate(|_| {}, true, false),
        order(4.0),
        // The predicted time comes from a quadrature to 1e-12.
        1e-11,
    )
    .wrong("passage to 1.01", |cell| Ok(1.01_f64.powi(cell.setting.depth() as i32 + 1)))
    .wrong("the scale of a factor for that of the product", |cell| Ok(cell.s0.max(0.5) / 0.5))
    .broken("one layer with twice the decay", |cell| cell.simulate(|s| s.lambda_w[0] *= 2.0, true, false));
    let margin = Limit::new(
        "margin-passage",
        "cross-entropy, depth one: margin after the predicted time to reach 2",
        entropy_cells,
        |cell: &Trajectory| Ok(2.0 * cell.root()),
        |cell| cell.simulate(|_| {}, true, false),
        order(4.0),
        1e-11,
    )
    .wrong("logits that are not scaled by sqrt(n)", |_| Ok(2.0))
    .wrong("own logit for margin", |cell| {
        let k = cell.setting.counts.len() as f64;
        Ok(2.0 * cell.root() * (1.0 - 1.0 / k))
    })
    .broken("squared loss trained", |cell| {
        cell.simulate(|s| s.loss = solvable_model::collapse::ClassLoss::Squared, true, false)
    });
    Claim {
        id: "NC-22",
        chapter: Chapter::Collapse,
        title: "Closed trajectories from aligned starts",
        statement: "Balanced classes, equal decays, all factors started at $s_0$ on aligned modes. Squared loss at depth one: \
            $$u(t)=\\frac{u_\\infty}{1+(u_\\infty/u_0-1)e^{-2rt}},\\qquad r=\\frac{\\sqrt n}N-\\lambda,\\quad u_\\infty=Nr,$$ with decay to zero \
            for $r<0$. Depth $M$: $\\dot s=-\\frac1Ns^{L-1}(s^L-\\sqrt n)-\\lambda s$. Cross-entropy at depth one: $\\dot m=2m\\Big[\\frac1{\\sqrt n\
            (e^m+K-1)}-\\lambda\\Big]$.",
        assumptions: "Aligned, layer-balanced starts only; with a free bias started at $1/K$ on the contrasts.",
        source: "Derived; the case without decay is Mixon et al., arXiv 2011.11619",
        formula: "solvable_theory::collapse::AlignedFlow",
        simulator: "solvable_sim::collapse::{aligned_start, descended, runge_kutta4} on raw parameters",
        checks: vec![Box::new(logistic(true)), Box::new(logistic(false)), Box::new(deep), Box::new(margin)],
    }
}
