//! ICL-29 and 60: where training of the full layer ends.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_model::Objective;
use solvable_model::icl::{FullLayerLoss, RegressionTask};
use solvable_sim::flow::{GradientFlow, Method, Options, integrate};
use solvable_sim::normal;
use solvable_theory::icl::{minimum, mirror_point, rank_minimum};

use super::icl_17_18_61::query;
use super::support::{Case, dense, isotropic};
use crate::check::{Budget, Identity, Observation, Seen};
use crate::{Chapter, CheckError, Claim};

/// Final losses of gradient flows of all blocks from i.i.d. Gaussian starts; `structured` starts have p = q = 0.
fn final_losses(
    c: &Case,
    scale: f64,
    structured: bool,
    runs: usize,
    seed: u64,
) -> Result<Vec<f64>, CheckError> {
    let objective = FullLayerLoss::new(&c.task, c.task.context() as f64, query(c))?;
    let d = c.task.dimension();
    let options =
        Options::until(400.0).method(Method::DormandPrince5).tolerance(1e-7, 1e-9).stop_at_slope(1e-7);
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    (0..runs)
        .map(|_| {
            let mut x = vec![0.0; objective.dimension()];
            normal::fill(&mut rng, &mut x);
            x.iter_mut().for_each(|v| *v *= scale);
            if structured {
                x[..d].fill(0.0);
                let n = x.len();
                x[n - d..].fill(0.0);
            }
            let end =
                integrate(&GradientFlow::of(&objective), &x, &options).map_err(CheckError::from_error)?;
            Ok(2.0 * objective.value(&end.state, &mut objective.work()))
        })
        .collect()
}

fn runs(budget: Budget) -> usize {
    if budget == Budget::Quick { 12 } else { 400 }
}

/// Fraction of runs within 1e-3 of a loss, with its 95% half-width.
fn fraction(losses: &[f64], target: f64) -> Seen {
    let n = losses.len() as f64;
    let hits = losses.iter().filter(|l| (*l / target - 1.0).abs() < 1e-3).count() as f64;
    let p = hits / n;
    // Agresti and Coull's interval.
    let center = (hits + 2.0) / (n + 4.0);
    Seen { value: p, half_width: 1.96 * (center * (1.0 - center) / (n + 4.0)).sqrt(), count: n as u64 }
}

fn anisotropic() -> RegressionTask {
    dense(2, 0.3, 6)
}

pub(super) fn generic_starts() -> Claim {
    let cells = |_: Budget| {
        [0.7, 0.1]
            .iter()
            .map(|&scale| Case::new("dense", anisotropic()).with("inside", 1.0).with("scale", scale))
            .collect::<Vec<_>>()
    };
    let global = Observation::new(
        "ends at the minimum",
        "fraction of generic starts that end at L*",
        move |budget, _| cells(budget),
        |c, seed, budget| {
            let losses = final_losses(c, c.get("scale"), false, runs(budget), seed)?;
            Ok(fraction(&losses, minimum(&c.law()?)?))
        },
    );
    let mirror = Observation::new(
        "ends at the mirror point",
        "fraction of generic starts that end at the rank-one minimum L*_1",
        move |budget, _| cells(budget),
        |c, seed, budget| {
            let losses = final_losses(c, c.get("scale"), false, runs(budget), seed)?;
            Ok(fraction(&losses, rank_minimum(&c.law()?, 1)?))
        },
    );
    Claim {
        id: "ICL-29",
        chapter: Chapter::Icl,
        title: "Generic initialisation of the full layer: two outcomes",
        statement: r"The structured start of Zhang et al. has $p=q=0$ and stays there; a generic start of all blocks can end on the mirror branch $u=0$, $U=0$. In a two-dimensional anisotropic example ($N=6$, $\sigma^2=0.3$, query inside) gradient flow from i.i.d. Gaussian starts ends at $L^*$ in part of the runs and near $L_1^*$ in others. The frequencies are recorded, not asserted.",
        assumptions: "As for ICL-17.",
        source: "Empirical",
        formula: "solvable_theory::icl::{minimum, rank_minimum} (the two losses)",
        simulator: "solvable_sim::flow::integrate on solvable_model::icl::FullLayerLoss",
        checks: vec![Box::new(global), Box::new(mirror)],
    }
}

/// Critical points of the specification's list: isotropic, sigma = 0, value of L/2.
const SURVIVORS: [(usize, usize, f64, f64); 3] =
    [(2, 12, 1.0, 0.526_694_126_6), (2, 30, 1.0, 0.361_109_575_4), (3, 30, 0.0, 0.608_030_945_7)];

pub(super) fn surviving_branch() -> Claim {
    let survivors = Observation::new(
        "non-global minima",
        "fraction of generic starts that end at the surviving non-global value, isotropic, sigma = 0",
        |_, _| {
            SURVIVORS[..2]
                .iter()
                .map(|&(d, n, inside, _)| {
                    Case::new("isotropic", isotropic(d, 1.0, 1.0, 0.0, n)).with("inside", inside)
                })
                .collect()
        },
        |c, seed, budget| {
            let losses = final_losses(c, 0.1, false, runs(budget), seed)?;
            let value = SURVIVORS
                .iter()
                .find(|s| (s.0, s.1) == (c.task.dimension(), c.task.context()))
                .map_or(f64::NAN, |s| 2.0 * s.3);
            Ok(fraction(&losses, value))
        },
    );
    let structured = Identity::new(
        "structured starts",
        "final loss of starts with p = q = 0 and a positive multiple of the identity: always the minimum",
        |_, _| {
            vec![
                Case::new("isotropic", isotropic(2, 1.0, 1.0, 0.0, 4)).with("inside", 1.0),
                Case::new("dense", anisotropic()).with("inside", 1.0),
            ]
        },
        |c| Ok(vec![minimum(&c.law()?)?; 3]),
        |c| {
            let objective = FullLayerLoss::new(&c.task, c.task.context() as f64, query(c))?;
            let d = c.task.dimension();
            [0.3, 0.1, 0.02]
                .iter()
                .map(|&scale| {
                    let mut x = vec![0.0; objective.dimension()];
                    x[d + d * d] = scale;
                    for i in 0..d {
                        x[d + i * d + i] = scale / (d as f64).sqrt();
                    }
                    let options = Options::until(2000.0)
                        .method(Method::DormandPrince5)
                        .tolerance(1e-8, 1e-10)
                        .stop_at_slope(1e-8);
                    let end = integrate(&GradientFlow::of(&objective), &x, &options)
                        .map_err(CheckError::from_error)?;
                    Ok(2.0 * objective.value(&end.state, &mut objective.work()))
                })
                .collect()
        },
        // A slope of 1e-8 leaves an excess of its square over the smallest curvature.
        |_| Ok(1e-9),
    )
    .wrong("mirror loss", |c| Ok(vec![mirror_point(&c.law()?, 0)?.loss; 3]))
    .wrong("one example more", |c| Ok(vec![minimum(&c.longer()?.law()?)?; 3]))
    .broken("loss at the start", |c| Ok(vec![c.task.signal(); 3]));
    Claim {
        id: "ICL-60",
        chapter: Chapter::Icl,
        title: "A branch that survives beside the global minimum",
        statement: r"When the mirror point is a saddle (ICL-61) a non-global local minimum can survive nearby: isotropic, $\sigma=0$, $d=2$, query inside, $\frac12L=0.5266941266$ at $N=12$ and $0.3611095754$ at $N=30$, above the global $\frac d2(1-\beta)$. The loss of the four blocks is not benign; structured starts ($p=q=0$, better than zero) always reach the global minimum. The frequencies are recorded, not asserted.",
        assumptions: "As for ICL-17.",
        source: "Empirical; derived for structured starts (ICL-21)",
        formula: "solvable_theory::icl::minimum",
        simulator: "solvable_sim::flow::integrate on solvable_model::icl::FullLayerLoss",
        checks: vec![Box::new(survivors), Box::new(structured)],
    }
}
