//! AGG-13: what training shows.
use solvable_model::aggregate::{Mixing, SpectralLimit, SpectrumPart};
use solvable_sim::aggregate::{ConditionalObservables, Population, RidgeExperiment};
use solvable_theory::aggregate::{Observables, observables};

use super::support::{replicas, replicas_at, rho, rho_name};
use crate::check::Asymptotic;
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    BagLoss,
    Within,
    Leverage,
    Gcv,
}

impl Seen {
    fn name(self) -> &'static str {
        match self {
            Self::BagLoss => "bag loss",
            Self::Within => "within",
            Self::Leverage => "leverage",
            Self::Gcv => "GCV",
        }
    }

    fn limit(self, o: Observables) -> f64 {
        match self {
            Self::BagLoss => o.bag_loss,
            Self::Within => o.within,
            Self::Leverage => o.leverage,
            Self::Gcv => o.gcv,
        }
    }

    fn of(self, o: ConditionalObservables) -> f64 {
        match self {
            Self::BagLoss => o.bag_loss,
            Self::Within => o.within,
            Self::Leverage => o.leverage,
            Self::Gcv => o.gcv,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    n: usize,
    d: usize,
    k: usize,
    mixing: Mixing,
    lambda: f64,
    seen: Seen,
}

impl Cell for Setting {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("gamma", self.d as f64 / self.n as f64)
            .with("k", self.k)
            .with("rho", rho_name(self.mixing))
            .with("lambda", self.lambda)
            .with("seen", self.seen.name())
    }
}

const R2: f64 = 1.0;
const S2: f64 = 0.5;
const SIZES: [f64; 4] = [4.0, 8.0, 16.0, 32.0];

fn limits(c: &Setting, mixing: Mixing) -> Result<Observables, CheckError> {
    let part = SpectrumPart { sigma: 1.0, weight: c.d as f64 / c.n as f64, theta2: R2 };
    Ok(observables(&SpectralLimit::new(vec![part], c.k as f64, S2)?, mixing, c.lambda)?)
}

fn at_size(c: &Setting, size: f64, seed: u64, count: u64, mixing: Mixing) -> Result<Estimate, CheckError> {
    let (n, d) = (c.n * size as usize, c.d * size as usize);
    let experiment = RidgeExperiment::bags(Population::isotropic(d, R2, S2)?, n, c.k, mixing, c.lambda)?;
    let seen = c.seen;
    replicas(
        seed,
        replicas_at(size, SIZES[3], count),
        || experiment.work(),
        |rng, work| experiment.observe(rng, work).map(|o| seen.of(o)),
    )
}

pub(super) fn claim() -> Claim {
    let check = Asymptotic::new(
        "training observables",
        "bag loss, within-bag penalty, leverage and GCV score at the estimator, $n,d\\to\\infty$",
        |_, _| {
            let mut cells = Vec::new();
            for seen in [Seen::BagLoss, Seen::Within, Seen::Leverage, Seen::Gcv] {
                cells.push(Setting { n: 6, d: 1, k: 3, mixing: rho(0.5), lambda: 0.05, seen });
            }
            for seen in [Seen::BagLoss, Seen::Gcv] {
                cells.push(Setting { n: 4, d: 1, k: 2, mixing: Mixing::BAG, lambda: 0.1, seen });
            }
            cells
        },
        |c: &Setting| Ok(c.seen.limit(limits(c, c.mixing)?)),
        |c, size, seed, count| at_size(c, size, seed, count, c.mixing),
        &SIZES,
        &[1.0, 2.0],
        (512, 8192),
    )
    .wrong("leave-one-out factor (1 + delta) once, not twice", |c| {
        let o = limits(c, c.mixing)?;
        let value = c.seen.limit(o);
        Ok(match c.seen {
            Seen::BagLoss | Seen::Within | Seen::Gcv => value * (1.0 - o.leverage),
            Seen::Leverage => value,
        })
    })
    .wrong("risk without the noise of a fresh label", |c| {
        let o = limits(c, c.mixing)?;
        Ok(c.seen.limit(o) * if c.seen == Seen::Leverage { 1.0 } else { o.risk / (o.risk + S2) })
    })
    .wrong("leverage over rows, not bags", |c| {
        let value = c.seen.limit(limits(c, c.mixing)?);
        Ok(if c.seen == Seen::Leverage { value / c.k as f64 } else { value })
    })
    .broken("other weight in training", |c, size, seed, count| {
        at_size(c, size, seed, count, if c.mixing.is_bag_level() { rho(0.2) } else { Mixing::BAG })
    });

    Claim {
        id: "AGG-13",
        chapter: Chapter::Aggregate,
        title: "Training observables, and the risk estimated without individual labels",
        statement: "$$\\frac1n\\|y_A-A\\hat\\theta\\|^2\\to\\frac{p(R+\\sigma^2)}{(1+\\delta)^2},\\qquad \\frac1n\\|D\\hat\\theta\\|^2\\to\\frac{(1-p)R_B}{(1+\\tau\\delta)^2},\\qquad \
            \\frac1m\\mathrm{tr}(AH^{-1}A^\\top)\\to\\frac\\delta{1+\\delta},$$ so the bag-level generalised cross-validation score tends to the prediction error: \
            $$\\frac{\\frac1m\\|y_A-A\\hat\\theta\\|^2}{(1-\\frac1m\\mathrm{tr}(AH^{-1}A^\\top))^2}\\to R+\\sigma^2.$$",
        assumptions: "Gaussian covariates, $n,d\\to\\infty$ in proportion, $\\lambda>0$.",
        source: "derived",
        formula: "solvable_theory::aggregate::observables",
        simulator: "solvable_sim::aggregate::RidgeExperiment::observe",
        checks: vec![Box::new(check)],
    }
}
