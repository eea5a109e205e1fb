//! ICL-47 to 54, 56 to 58: the large-size limit of several layers, and the baselines.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use solvable_linalg::{Mat, inverse, symmetric_eigenvalues};
use solvable_model::icl::{AttentionStack, Prompt, QueryToken};
use solvable_sim::icl::{DepthRisk, Layers, gauss_hermite, tensor_mean};
use solvable_theory::icl::{
    FiniteSize, Schedule, averaging_risk, bayes_limit, best_constant_step, best_two_layer_correction,
    finite_risk, gradient_flow_risk, largest_convergent_step, least_squares_risk, limit_risk, minimax_steps,
    optimal_depth_risk, optimal_limit_steps, recursive_ridge, ridge,
};

use super::icl_39_to_46::sample;
use super::support::{average, random_matrix};
use crate::check::{
    Asymptotic, Bound, Budget, Contraction, Enclosed, Expectation, Identity, Limit, increment, scale,
};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// Aspect ratio, noise, depth and whatever else identifies a cell.
#[derive(Clone)]
struct Large {
    c: f64,
    s: f64,
    layers: usize,
}

impl Cell for Large {
    fn parameters(&self) -> Parameters {
        Parameters::new().with("c", self.c).with("s", self.s).with("K", self.layers)
    }
}

fn large(c: f64, s: f64, layers: usize) -> Large {
    Large { c, s, layers }
}

/// Normalised risk of random contexts at dimension d: task variance 1/d, `sigma2 = s N / d`.
fn normalised(c: &Large, d: f64, layers: Layers, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let (size, n) = (d as usize, (d / c.c).round() as usize);
    let variances = (1.0 / d, c.s * n as f64 / d);
    sample(&DepthRisk::isotropic(size, layers, variances, n)?, seed, count)
}

/// The optimal layers at the limit: plain steps, or ridge steps with noise.
fn optimal_layers(c: &Large, layers: usize, ridge: f64) -> Result<Layers, CheckError> {
    let steps = optimal_limit_steps(layers, c.c, c.s)?;
    Ok(if c.s == 0.0 { Layers::Descent(steps) } else { Layers::Ridge { ridge, steps } })
}

/// `u_K = 1/(1 + c + s - c u_{K-1})`: the continued fraction for 1 - R_K.
fn continued_fraction(c: &Large, layers: usize, shift: f64) -> f64 {
    (0..layers).fold(0.0, |u, _| 1.0 / (shift + c.c + c.s - c.c * u))
}

pub(super) fn optimal_depth() -> Claim {
    let sampled = Asymptotic::new(
        "optimal steps",
        "risk of K layers with the limit's optimal steps, random contexts at d = 10 to 48",
        |budget, _| {
            let mut cells = vec![large(1.0, 0.0, 2), large(0.5, 0.3, 2)];
            if budget == Budget::Full {
                // Deeper stacks have corrections beyond 1/d^2 at these sizes: the other checks cover every depth exactly.
                cells.push(large(2.0, 0.0, 2));
                cells.push(large(0.25, 0.1, 2));
                cells.push(large(2.0, 0.5, 2));
            }
            cells
        },
        |c| Ok(optimal_depth_risk(c.layers, c.c, c.s)?.risk),
        |c, d, seed, count| normalised(c, d, optimal_layers(c, c.layers, c.s)?, seed, count),
        &[10.0, 14.0, 20.0, 30.0, 48.0],
        &[1.0, 2.0],
        (1500, 30_000),
    )
    .wrong("one layer more", |c| Ok(optimal_depth_risk(c.layers + 1, c.c, c.s)?.risk))
    .wrong("one layer fewer", |c| Ok(optimal_depth_risk(c.layers - 1, c.c, c.s)?.risk))
    .broken("one layer fewer", |c, d, seed, count| {
        let mut layers = optimal_layers(c, c.layers, c.s)?;
        if let Layers::Descent(steps) | Layers::Ridge { steps, .. } = &mut layers {
            steps.pop();
        }
        normalised(c, d, layers, seed, count)
    });
    let recursion = Identity::new(
        "continued fraction",
        "optimal risk for random aspect ratios, noise and depths",
        |_, rng| {
            (0..24)
                .map(|k| {
                    let c = 10f64.powf(2.0 * rng.random::<f64>() - 1.0);
                    let s = if k % 3 == 0 { 0.0 } else { rng.random::<f64>() };
                    large(c, s, k % 8)
                })
                .collect()
        },
        |c| Ok(vec![1.0 - optimal_depth_risk(c.layers, c.c, c.s)?.risk]),
        |c| Ok(vec![continued_fraction(c, c.layers, 1.0)]),
        |_| Ok(1e-13),
    )
    .scale(|_| Ok(1.0))
    .wrong("one layer more", |c| Ok(vec![1.0 - optimal_depth_risk(c.layers + 1, c.c, c.s)?.risk]))
    .wrong("aspect ratio inverted", |c| Ok(vec![1.0 - optimal_depth_risk(c.layers, 1.0 / c.c, c.s)?.risk]))
    .broken("1 forgotten", |c| Ok(vec![continued_fraction(c, c.layers, 0.9)]));
    let enclosed = Enclosed {
        claim: "ICL-47",
        key: "R",
        what: "optimal risk against its enclosure by the continued fraction",
        relative: Enclosed::ROUNDING,
        cells: || {
            [(0.5, 0.1, 4), (0.5, 0.0, 6), (2.0, 0.3, 3), (1.0, 1e-6, 20)]
                .map(|(c, s, layers)| serde_json::json!({"c": c, "s": s, "K": layers}))
                .to_vec()
        },
    };
    let enclosure = enclosed.check(
        [("one layer more", |m| increment(m, "K")), ("noise forgotten", |m| scale(m, "s", 0.0))],
        ("one percent more features", |m| scale(m, "c", 1.01)),
    );
    Claim {
        id: "ICL-47",
        chapter: Chapter::Icl,
        title: "The optimal risk of any depth in the limit",
        statement: r"As $d/N\to c$, with $r\in(0,1]$, $r+\frac1r=\frac{1+c+s}{\sqrt c}$, the least risk of any depth-$K$ polynomial method is

$$R^*_K(c,s)=1-\frac{r}{\sqrt c}\;\frac{1-r^{2K}}{1-r^{2K+2}},$$

with steps $\eta_k=1/(1+c+s+2\sqrt c\cos\frac{k\pi}{K+1})$ on the ridge loss. Without noise these are plain steps and $R^*_K=1/(1+c^{-1}+\dots+c^{-K})$. $u_K=1-R^*_K$ satisfies $u_K=1/(1+c+s-c\,u_{K-1})$.",
        assumptions: "Standard Gaussian covariates; task covariance $\\tau^2I$.",
        source: "Derived",
        formula: "solvable_theory::icl::{optimal_depth_risk, optimal_limit_steps}",
        simulator: "solvable_sim::icl::DepthRisk at five sizes",
        checks: vec![Box::new(sampled), Box::new(recursion), enclosure],
    }
}

/// Steps of a cell with schedules, drawn once.
struct Scheduled {
    large: Large,
    etas: Vec<f64>,
}

impl Cell for Scheduled {
    fn parameters(&self) -> Parameters {
        self.large.parameters().with("eta", self.etas.clone())
    }
}

fn scheduled(rng: &mut ChaCha12Rng) -> Vec<Scheduled> {
    (0..16)
        .map(|k| {
            let c = 10f64.powf(1.5 * rng.random::<f64>() - 0.75);
            let s = if k % 4 == 0 { 0.0 } else { 0.5 * rng.random::<f64>() };
            let layers = k % 5 + 1;
            let unit = 1.0 / (1.0 + c);
            let etas = (0..layers).map(|_| unit * (0.2 + 1.2 * rng.random::<f64>())).collect();
            Scheduled { large: large(c, s, layers), etas }
        })
        .collect()
}

/// `1 - sum w q (1 + p) + s sum w q^2` on n second-kind Chebyshev nodes of the semicircle law.
fn chebyshev_sum(c: &Scheduled, extra: usize, noise: f64) -> f64 {
    let n = c.etas.len() + extra;
    let (a, s) = (c.large.c, noise * c.large.s);
    let mut risk = 1.0;
    for k in 1..=n {
        let angle = k as f64 * std::f64::consts::PI / (n + 1) as f64;
        let rho = 1.0 + a + 2.0 * a.sqrt() * angle.cos();
        let weight = 2.0 / (n + 1) as f64 * angle.sin().powi(2);
        let (mut p, mut q) = (1.0, 0.0);
        for eta in &c.etas {
            q += eta * p;
            p *= 1.0 - eta * rho;
        }
        risk += weight * (s * q * q - q * (1.0 + p));
    }
    risk
}

fn limit_of(c: &Scheduled, noise: f64, aspect: f64) -> Result<Vec<f64>, CheckError> {
    let schedule = Schedule::new(&c.etas, &[])?;
    Ok(vec![limit_risk(&schedule, aspect, noise * c.large.s)?])
}

pub(super) fn any_steps() -> Claim {
    let check = Identity::new(
        "Chebyshev sum",
        "limit risk of random steps, against the sum over second-kind Chebyshev nodes",
        |_, rng| scheduled(rng),
        |c| limit_of(c, 1.0, c.large.c),
        |c| Ok(vec![chebyshev_sum(c, 3, 1.0)]),
        |_| Ok(1e-12),
    )
    .scale(|c| Ok(1.0 + limit_of(c, 1.0, c.large.c)?[0]))
    .wrong("noise forgotten", |c| limit_of(c, 0.0, c.large.c))
    .wrong("aspect ratio inverted", |c| limit_of(c, 1.0, 1.0 / c.large.c))
    .broken("noise doubled", |c| Ok(vec![chebyshev_sum(c, 3, 2.0)]));
    let sampled = Asymptotic::new(
        "random contexts",
        "risk of given steps at d = 8 to 48, extrapolated",
        |_, _| vec![Scheduled { large: large(0.5, 0.1, 2), etas: vec![0.4, 0.9] }],
        |c| Ok(limit_of(c, 1.0, c.large.c)?[0]),
        |c, d, seed, count| normalised(&c.large, d, Layers::Descent(c.etas.clone()), seed, count),
        &[8.0, 12.0, 18.0, 28.0, 48.0],
        &[1.0, 2.0],
        (2000, 40_000),
    )
    .wrong("noise forgotten", |c| Ok(limit_of(c, 0.0, c.large.c)?[0]))
    .wrong("aspect ratio inverted", |c| Ok(limit_of(c, 1.0, 1.0 / c.large.c)?[0]))
    .broken("first step twice", |c, d, seed, count| {
        normalised(&c.large, d, Layers::Descent(vec![c.etas[0]; 2]), seed, count)
    });
    Claim {
        id: "ICL-48",
        chapter: Chapter::Icl,
        title: "Any steps in the limit: an exact finite sum",
        statement: r"With nodes $\rho_k=1+c+2\sqrt c\cos\frac{k\pi}{n+1}$, weights $\omega_k=\frac2{n+1}\sin^2\frac{k\pi}{n+1}$ and any $n\ge\deg p$,

$$R=1-\sum_{k=1}^n\omega_k\,q(\rho_k)\,[1+p(\rho_k)]+s\sum_{k=1}^n\omega_k\,q(\rho_k)^2$$

exactly, for all $c>0$.",
        assumptions: "As for ICL-47.",
        source: "Derived",
        formula: "solvable_theory::icl::limit_risk",
        simulator: "Chebyshev sum; solvable_sim::icl::DepthRisk at five sizes",
        checks: vec![Box::new(check), Box::new(sampled)],
    }
}

/// `1 - (1/(1+c)) sum_{j<K} Cat_j x^j`, x = c/(1+c)^2.
fn catalan(c: &Large, layers: usize) -> f64 {
    let x = c.c / (1.0 + c.c).powi(2);
    let (mut term, mut sum) = (1.0, 0.0);
    for j in 0..layers {
        sum += term;
        term *= x * 2.0 * (2 * j + 1) as f64 / (j + 2) as f64;
    }
    1.0 - sum / (1.0 + c.c)
}

pub(super) fn constant_step() -> Claim {
    let value = Identity::new(
        "Catalan sum",
        "best constant step and its risk without noise",
        |_, _| {
            let mut cells = Vec::new();
            for c in [0.2, 0.5, 1.0, 2.0, 3.0] {
                for k in [1, 2, 4, 8] {
                    cells.push(large(c, 0.0, k));
                }
            }
            cells
        },
        |c| {
            let b = best_constant_step(c.layers, c.c, 0.0)?;
            Ok(vec![b.eta, b.risk])
        },
        |c| Ok(vec![1.0 / (1.0 + c.c), catalan(c, c.layers)]),
        |_| Ok(1e-12),
    )
    .wrong("one layer more", |c| {
        let b = best_constant_step(c.layers + 1, c.c, 0.0)?;
        Ok(vec![b.eta, b.risk])
    })
    .wrong("largest convergent step", |c| {
        Ok(vec![largest_convergent_step(c.c)?, best_constant_step(c.layers, c.c, 0.0)?.risk])
    })
    .broken("one layer fewer", |c| Ok(vec![1.0 / (1.0 + c.c), catalan(c, c.layers - 1)]));
    let best = Bound::new(
        "no constant step does better",
        "risk at 1/(1+c) over the risk at any step, maximised",
        |_, _| vec![large(0.5, 0.0, 2), large(0.3, 0.0, 5), large(1.5, 0.0, 3)],
        1,
        |c, x| Ok(Some(limit_risk(&Schedule::constant(c.layers, 3.0 * x[0] / (1.0 + c.c))?, c.c, 0.0)?)),
        |c, _| Ok(Some(best_constant_step(c.layers, c.c, 0.0)?.risk)),
        1e-12,
    )
    .tight(1e-4)
    .search(3, 300, 3000)
    .wrong("half a percent low", |c, x| {
        Ok(Some(0.995 * limit_risk(&Schedule::constant(c.layers, 3.0 * x[0] / (1.0 + c.c))?, c.c, 0.0)?))
    })
    .wrong("one layer more", |c, x| {
        Ok(Some(limit_risk(&Schedule::constant(c.layers + 1, 3.0 * x[0] / (1.0 + c.c))?, c.c, 0.0)?))
    })
    .broken("risk at a step ten percent too long", |c, _| {
        Ok(Some(limit_risk(&Schedule::constant(c.layers, 1.2 / (1.0 + c.c))?, c.c, 0.0)?))
    });
    Claim {
        id: "ICL-49",
        chapter: Chapter::Icl,
        title: "The best constant step does not depend on the depth",
        statement: r"Without noise, for every $K\ge1$ the limit risk of $K$ equal steps is least at

$$\eta^*=\frac1{1+c},\qquad R_K(\eta^*)=1-\frac1{1+c}\sum_{j=0}^{K-1}\mathrm{Cat}_j\Big(\frac{c}{(1+c)^2}\Big)^j .$$",
        assumptions: "As for ICL-47, $s=0$.",
        source: "Derived",
        formula: "solvable_theory::icl::best_constant_step",
        simulator: "Catalan sum; search over solvable_theory::icl::limit_risk",
        checks: vec![Box::new(value), Box::new(best)],
    }
}

pub(super) fn noisy_constant_step() -> Claim {
    let grid = |c: &Large, x: &[f64]| -> Result<f64, CheckError> {
        let edge = (1.0 + c.c.sqrt()).powi(2);
        Ok(limit_risk(&Schedule::constant(c.layers, 3.0 * x[0] / edge)?, c.c, c.s)?)
    };
    let check = Bound::new(
        "global over steps",
        "best constant-step risk with noise, over the risk at any step, two local minima included",
        |_, _| vec![large(0.1, 0.5, 4), large(0.5, 0.1, 2), large(0.1, 0.05, 10), large(1.0, 0.3, 3)],
        1,
        move |c, x| Ok(Some(grid(c, x)?)),
        |c, _| Ok(Some(best_constant_step(c.layers, c.c, c.s)?.risk)),
        1e-11,
    )
    .tight(1e-4)
    .search(6, 400, 4000)
    .wrong("half a percent low", move |c, x| Ok(Some(0.995 * grid(c, x)?)))
    .wrong("noise forgotten", |c, x| {
        let edge = (1.0 + c.c.sqrt()).powi(2);
        Ok(Some(limit_risk(&Schedule::constant(c.layers, 3.0 * x[0] / edge)?, c.c, 0.0)?))
    })
    .broken("risk at the noise-free optimum", |c, _| {
        Ok(Some(limit_risk(&Schedule::constant(c.layers, 1.0 / (1.0 + c.c))?, c.c, c.s)?))
    });
    let table = Identity::new(
        "one and two layers",
        "best step: 1/(1 + c + s) for one layer, and the tabulated minimum for two",
        |_, _| vec![large(0.5, 0.1, 2)],
        |c| {
            let (one, two) = (best_constant_step(1, c.c, c.s)?, best_constant_step(2, c.c, c.s)?);
            Ok(vec![one.eta, two.risk])
        },
        |c| Ok(vec![1.0 / (1.0 + c.c + c.s), 0.239_036_382_834_680_65]),
        |_| Ok(1e-13),
    )
    .wrong("noise forgotten", |c| {
        let (one, two) = (best_constant_step(1, c.c, 0.0)?, best_constant_step(2, c.c, 0.0)?);
        Ok(vec![one.eta, two.risk])
    })
    .wrong("one layer for two", |c| {
        let one = best_constant_step(1, c.c, c.s)?;
        Ok(vec![one.eta, one.risk])
    })
    .broken("1/(1 + c)", |c| Ok(vec![1.0 / (1.0 + c.c), 0.239_036_382_834_680_65]));
    Claim {
        id: "ICL-50",
        chapter: Chapter::Icl,
        title: "The best constant step with noise",
        statement: r"For $K=1$, $\eta^*=1/(1+c+s)$. For $K\ge2$ there is no closed form, and the risk of $K$ equal steps can have two local minima; the global one is bracketed on a fine grid of steps in $(0,3/\lambda_+]$.",
        assumptions: "As for ICL-47.",
        source: "Derived",
        formula: "solvable_theory::icl::best_constant_step",
        simulator: "search over solvable_theory::icl::limit_risk",
        checks: vec![Box::new(check), Box::new(table)],
    }
}

/// `max |p|` over [m, M] on a grid.
fn residual(etas: &[f64], m: f64, top: f64) -> f64 {
    (0..=400)
        .map(|k| {
            let l = m + (top - m) * f64::from(k) / 400.0;
            etas.iter().map(|e| 1.0 - e * l).product::<f64>().abs()
        })
        .fold(0.0, f64::max)
}

pub(super) fn minimax() -> Claim {
    let check = Bound::new(
        "no schedule does better",
        "largest residual of the minimax schedule over that of any other, m = 0.2, M = 3",
        |_, _| (1..=3).map(|k| Parameters::new().with("K", k)).collect(),
        3,
        |c, x| {
            let k = depth(c);
            let etas: Vec<f64> = x[..k].iter().map(|v| 0.3 + 4.7 * v).collect();
            Ok(Some(residual(&etas, 0.2, 3.0)))
        },
        |c, _| Ok(Some(minimax_steps(0.2, 3.0, depth(c))?.max_residual)),
        1e-4,
    )
    .tight(0.001)
    .attained(|c| {
        let mut x: Vec<f64> =
            minimax_steps(0.2, 3.0, depth(c))?.etas.iter().map(|e| (e - 0.3) / 4.7).collect();
        x.resize(3, 0.5);
        Ok(x)
    })
    .search(6, 1500, 20_000)
    .wrong("two percent low", |c, x| {
        let etas: Vec<f64> = x[..depth(c)].iter().map(|v| 0.3 + 4.7 * v).collect();
        Ok(Some(0.98 * residual(&etas, 0.2, 3.0)))
    })
    .wrong("shorter interval", |c, x| {
        let etas: Vec<f64> = x[..depth(c)].iter().map(|v| 0.3 + 4.7 * v).collect();
        Ok(Some(residual(&etas, 0.3, 3.0)))
    })
    .broken("one layer fewer", |c, _| Ok(Some(minimax_steps(0.2, 3.0, depth(c) - 1)?.max_residual)));
    let value = Identity::new(
        "equal ripple",
        "largest residual: 1/cosh(K arccosh((M+m)/(M-m))), the tabulated value, and the schedule on a grid",
        |_, _| (1..=6).map(|k| Parameters::new().with("K", k)).collect(),
        |c| {
            let five = minimax_steps(0.2, 3.0, 5)?.max_residual;
            Ok(vec![minimax_steps(0.2, 3.0, depth(c))?.max_residual, five])
        },
        |c| {
            let x: f64 = 3.2 / 2.8;
            Ok(vec![1.0 / (depth(c) as f64 * x.acosh()).cosh(), 0.141_749_881_924_296_4])
        },
        |_| Ok(1e-13),
    )
    .wrong("rate of the constant step", |c| {
        let five = minimax_steps(0.2, 3.0, 5)?.max_residual;
        Ok(vec![(14.0_f64 / 16.0).powi(depth(c) as i32), five])
    })
    .wrong("one layer more", |c| {
        let five = minimax_steps(0.2, 3.0, 6)?.max_residual;
        Ok(vec![minimax_steps(0.2, 3.0, depth(c) + 1)?.max_residual, five])
    })
    .broken("condition squared", |c| {
        let x: f64 = 3.2 / 2.8;
        Ok(vec![1.0 / (2.0 * depth(c) as f64 * x.acosh()).cosh(), 0.141_749_881_924_296_4])
    });
    Claim {
        id: "ICL-51",
        chapter: Chapter::Icl,
        title: "The minimax schedule",
        statement: r"For a spectrum in $[m,M]$, $m>0$, the steps $\eta_k=1/\big(\frac{M+m}2-\frac{M-m}2\cos\frac{(2k-1)\pi}{2K}\big)$ minimise $\max_{[m,M]}|p|$, with value

$$\frac1{\cosh\!\big(K\,\mathrm{arccosh}\frac{M+m}{M-m}\big)}\le2\Big(\frac{\sqrt\kappa-1}{\sqrt\kappa+1}\Big)^K .$$",
        assumptions: "$0<m\\le M$.",
        source: "Chebyshev; classical",
        formula: "solvable_theory::icl::minimax_steps",
        simulator: "search over schedules on a grid of eigenvalues",
        checks: vec![Box::new(check), Box::new(value)],
    }
}

fn depth(c: &Parameters) -> usize {
    c.as_map()["K"].as_u64().unwrap_or(1) as usize
}

/// Risk of K constant steps at d = N = 1, by a Gauss rule over the single covariate.
fn scalar_depth(layers: usize, eta: f64) -> Result<f64, CheckError> {
    let rule = gauss_hermite(2 * layers + 2)?;
    Ok(tensor_mean(&rule, 1, |z| (1.0 - eta * z[0] * z[0]).powi(2 * layers as i32)))
}

/// Growth of the label slots of literal layers with a constant step near the threshold of one prompt.
fn grows(seed: u64, share: f64) -> Result<bool, CheckError> {
    use rand_chacha::rand_core::SeedableRng;
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let x = random_matrix(&mut rng, 8, 3);
    let s = Mat::from_fn(3, 3, |i, j| (0..8).map(|k| x[(k, i)] * x[(k, j)]).sum::<f64>() / 8.0);
    let top = symmetric_eigenvalues(s.as_ref())?[0];
    let y: Vec<f64> = (0..8).map(|i| (1.0 + i as f64).sin()).collect();
    let prompt = Prompt::new(x, y, vec![1.0, -0.5, 0.3])?;
    let run = |layers: usize| -> Result<f64, CheckError> {
        let stack = AttentionStack::descent(3, &vec![share * 2.0 / top; layers], QueryToken::Masked)?;
        Ok(stack.predict(&prompt)?)
    };
    // Two successive changes, far out.
    let (a, b, c, d) = (run(400)?, run(401)?, run(480)?, run(481)?);
    Ok((d - c).abs() > (b - a).abs())
}

pub(super) fn divergence() -> Claim {
    let finite = Identity::new(
        "finite size diverges",
        "risk of 1 to 4 constant steps at d = N = 1, against exact Gauss sums",
        |_, _| [0.5, 0.2, 0.8].iter().map(|&e| Parameters::new().with("eta", e)).collect(),
        |c| {
            let size = FiniteSize::new(1, 1, 1.0, 0.0)?;
            (1..=4).map(|k| Ok(finite_risk(&size, &Schedule::constant(k, eta(c))?)?)).collect()
        },
        |c| (1..=4).map(|k| scalar_depth(k, eta(c))).collect(),
        |_| Ok(1e-12),
    )
    .wrong("converges like the limit", |c| {
        (1..=4).map(|k| Ok(limit_risk(&Schedule::constant(k, eta(c))?, 1.0, 0.0)?)).collect()
    })
    .wrong("one layer fewer", |c| {
        let size = FiniteSize::new(1, 1, 1.0, 0.0)?;
        (1..=4).map(|k| Ok(finite_risk(&size, &Schedule::constant(k - 1, eta(c))?)?)).collect()
    })
    .broken("step halved", |c| (1..=4).map(|k| scalar_depth(k, 0.5 * eta(c))).collect());
    let threshold = Identity::new(
        "threshold of one prompt",
        "whether changes of the prediction grow with depth, just below and above 2/lambda_max",
        |_, _| {
            let mut cells = Vec::new();
            for seed in 0..4 {
                for share in [0.97, 1.03] {
                    cells.push(Parameters::new().with("prompt", seed).with("share", share));
                }
            }
            cells
        },
        |c| Ok(vec![f64::from(u8::from(c.as_map()["share"].as_f64() > Some(1.0)))]),
        |c| {
            let seed = c.as_map()["prompt"].as_u64().unwrap_or(0);
            Ok(vec![f64::from(u8::from(grows(seed, c.as_map()["share"].as_f64().unwrap_or(1.0))?))])
        },
        |_| Ok(f64::EPSILON),
    )
    .scale(|_| Ok(1.0))
    .wrong("never", |_| Ok(vec![0.0]))
    .wrong("always", |_| Ok(vec![1.0]))
    .broken("steps half as long", |c| {
        let seed = c.as_map()["prompt"].as_u64().unwrap_or(0);
        Ok(vec![f64::from(u8::from(grows(seed, 0.5 * c.as_map()["share"].as_f64().unwrap_or(1.0))?))])
    });
    Claim {
        id: "ICL-52",
        chapter: Chapter::Icl,
        title: "Divergence with depth",
        statement: r"On one prompt a constant step converges as the depth grows iff $0<\eta<2/\lambda_{\max}(S)$. At finite size with Gaussian data the mean risk diverges as $K\to\infty$ for every fixed $\eta>0$: for $d=N=1$, $\eta=\frac12$, $R_1=\frac34$, $R_2=\frac{41}{16}$, growing without bound.",
        assumptions: "Standard Gaussian covariates for the mean risk.",
        source: "Derived",
        formula: "solvable_theory::icl::finite_risk",
        simulator: "solvable_sim::icl::gauss_hermite; solvable_model::icl::AttentionStack",
        checks: vec![Box::new(finite), Box::new(threshold)],
    }
}

fn eta(c: &Parameters) -> f64 {
    c.as_map()["eta"].as_f64().unwrap_or(0.0)
}

/// The specification's best values of two corrected layers (40-digit polish), by (c, s).
const CORRECTED: [(f64, f64, f64); 5] = [
    (0.25, 0.0, 0.005_922_515_174_096_6),
    (0.5, 0.0, 0.032_258_530_062_852),
    (1.0, 0.0, 0.202_136_755_831_33),
    (2.0, 0.0, 0.516_129_265_031_43),
    (0.5, 0.1, 0.158_900_944_022_63),
];

fn table_value(c: &Large) -> f64 {
    CORRECTED.iter().find(|r| r.0 == c.c && r.1 == c.s).map_or(f64::NAN, |r| r.2)
}

pub(super) fn corrected_layers() -> Claim {
    let at = |c: &Large, x: &[f64]| -> Result<f64, CheckError> {
        let etas = [2.0 * x[0], 5.0 * x[1]];
        Ok(limit_risk(&Schedule::new(&etas, &[x[2]])?, c.c, c.s)?)
    };
    let bound = Bound::new(
        "four plain layers are better",
        "optimal depth-4 risk over the risk of two corrected layers, maximised over their parameters",
        |_, _| vec![large(0.5, 0.0, 4), large(1.0, 0.0, 4), large(0.5, 0.1, 4)],
        3,
        move |c, x| Ok(Some(at(c, x)?)),
        |c, _| Ok(Some(optimal_depth_risk(4, c.c, c.s)?.risk)),
        1e-11,
    )
    .tight(0.03)
    .attained(|c| {
        let best = best_two_layer_correction(c.c, c.s)?;
        Ok(vec![best.etas[0] / 2.0, best.etas[1] / 5.0, best.gammas[0]])
    })
    .slack("two corrected layers come within a few percent of four plain ones and do not attain them")
    .search(8, 4000, 40_000)
    .wrong("three percent low", move |c, x| Ok(Some(0.97 * at(c, x)?)))
    .wrong("noise forgotten", move |c, x| Ok(Some(at(&large(c.c, 0.0, 4), x)?)))
    .broken("two plain layers", |c, _| Ok(Some(optimal_depth_risk(2, c.c, c.s)?.risk)));
    let table = Identity::new(
        "best values",
        "best risk of two corrected layers, against values polished to 40 digits",
        |_, _| CORRECTED.iter().map(|r| large(r.0, r.1, 2)).collect(),
        |c| Ok(vec![best_two_layer_correction(c.c, c.s)?.risk]),
        |c| Ok(vec![table_value(c)]),
        |_| Ok(1e-10),
    )
    .scale(|_| Ok(1.0))
    .wrong("four plain layers", |c| Ok(vec![optimal_depth_risk(4, c.c, c.s)?.risk]))
    .wrong("two plain layers", |c| Ok(vec![optimal_depth_risk(2, c.c, c.s)?.risk]))
    .broken("next row of the table", |c| {
        let k = CORRECTED.iter().position(|r| r.0 == c.c && r.1 == c.s).unwrap_or(0);
        Ok(vec![CORRECTED[(k + 1) % 5].2])
    });
    Claim {
        id: "ICL-53",
        chapter: Chapter::Icl,
        title: "Curvature correction: two layers against four",
        statement: r"Two corrected layers have the residual polynomial $(1-\eta_0\lambda)(1-\eta_1\lambda(1-\gamma\lambda)^2)$ of degree 4: for all parameters their risk is at least $R^*_4$, and the best comes within parts in $10^5$ of it at $c=\frac12$, $s=0$: $0.0322585300629$ against $0.0322580645$.",
        assumptions: "As for ICL-47; the tabulated optima are the best of many starts.",
        source: "Derived; von Oswald et al. (GD++)",
        formula: "solvable_theory::icl::{best_two_layer_correction, limit_risk, optimal_depth_risk}",
        simulator: "search over parameters; values polished to 40 digits",
        checks: vec![Box::new(bound), Box::new(table)],
    }
}

pub(super) fn bayes() -> Claim {
    let check = Asymptotic::new(
        "ridge",
        "risk of the ridge estimate at d = 6 to 30, extrapolated",
        |_, _| vec![large(0.5, 0.1, 0), large(2.0, 0.3, 0)],
        |c| Ok(bayes_limit(c.c, c.s)?),
        |c, d, seed, count| normalised(c, d, Layers::Converged { ridge: c.s }, seed, count),
        &[6.0, 8.0, 12.0, 18.0, 30.0],
        &[1.0, 2.0],
        (2500, 60_000),
    )
    .wrong("noise doubled", |c| Ok(bayes_limit(c.c, 2.0 * c.s)?))
    .wrong("aspect ratio inverted", |c| Ok(bayes_limit(1.0 / c.c, c.s)?))
    .broken("ridge twice as large", |c, d, seed, count| {
        normalised(c, d, Layers::Converged { ridge: 2.5 * c.s }, seed, count)
    });
    let value = Identity::new(
        "closed form",
        "limit Bayes risk: 1 - r/sqrt c, and the value for no noise",
        |_, rng| {
            (0..20)
                .map(|k| {
                    let s = if k % 5 == 0 { 0.0 } else { 10f64.powf(3.0 * rng.random::<f64>() - 2.0) };
                    large(10f64.powf(2.0 * rng.random::<f64>() - 1.0), s, 0)
                })
                .collect()
        },
        |c| Ok(vec![bayes_limit(c.c, c.s)?]),
        |c| Ok(vec![bayes_by_root(c, 1.0)]),
        |_| Ok(1e-13),
    )
    .scale(|c| Ok(1.0 / c.c.min(1.0)))
    .wrong("noise doubled", |c| Ok(vec![bayes_limit(c.c, 2.0 * c.s + 1e-3)?]))
    .wrong("one layer", |c| Ok(vec![optimal_depth_risk(1, c.c, c.s)?.risk]))
    .broken("noise halved", |c| Ok(vec![bayes_by_root(c, 0.5)]));
    Claim {
        id: "ICL-54",
        chapter: Chapter::Icl,
        title: "The Bayes risk is that of ridge regression",
        statement: r"For Gaussian $w,\varepsilon$ the posterior mean is $(S+sI)^{-1}b$, with risk $\frac1d\sum_i\frac{s}{\lambda_i+s}$ given $X$; in the limit

$$R_{\rm Bayes}=\dfrac{c-1-s+\sqrt{(1-\sqrt c)^2+s}\sqrt{(1+\sqrt c)^2+s}}{2c},\qquad s=0:\ (1-\tfrac1c)_+ .$$",
        assumptions: "As for ICL-47, Gaussian task and noise.",
        source: "Classical; derived",
        formula: "solvable_theory::icl::bayes_limit",
        simulator: "solvable_sim::icl::DepthRisk (ridge estimate)",
        checks: vec![Box::new(check), Box::new(value)],
    }
}

fn bayes_by_root(c: &Large, noise: f64) -> f64 {
    let s = noise * c.s;
    let d = ((1.0 - c.c.sqrt()).powi(2) + s).sqrt() * ((1.0 + c.c.sqrt()).powi(2) + s).sqrt();
    let r = 2.0 * c.c.sqrt() / (1.0 + c.c + s + d);
    1.0 - r / c.c.sqrt()
}

/// Sizes of the least-squares baselines.
#[derive(Clone)]
struct Fit {
    d: usize,
    n: usize,
    tau2: f64,
    sigma2: f64,
}

impl Cell for Fit {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("d", self.d)
            .with("N", self.n)
            .with("tau2", self.tau2)
            .with("sigma2", self.sigma2)
    }
}

/// `sigma2 tr (X'X)^-1`, or for N < d `tau2 (d - N) + sigma2 tr (XX')^-1`, given X.
fn least_squares_sample(c: &Fit, shift: usize, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let (small, large) = (c.d.min(c.n), c.d.max(c.n) + shift);
    let null = c.tau2 * c.d.saturating_sub(c.n) as f64;
    average(
        seed,
        count,
        || (vec![0.0; small * large], Mat::<f64>::zeros(small, small)),
        |rng, (raw, gram)| {
            solvable_sim::normal::fill(rng, raw);
            for i in 0..small {
                for j in 0..small {
                    gram[(i, j)] = raw.chunks_exact(small).map(|x| x[i] * x[j]).sum::<f64>();
                }
            }
            // A singular Gram matrix has probability 0; it would show as NaN and stop the run.
            let trace =
                inverse(gram.as_ref()).map_or(f64::NAN, |i| (0..small).map(|k| i.matrix[(k, k)]).sum());
            null + c.sigma2 * trace
        },
    )
}

pub(super) fn least_squares_baselines() -> Claim {
    let check = Expectation::new(
        "least squares",
        "risk of least squares (N > d) and of the minimum-norm fit (N < d) given the context",
        |_, _| {
            vec![Fit { d: 4, n: 40, tau2: 1.5, sigma2: 0.4 }, Fit { d: 40, n: 4, tau2: 0.05, sigma2: 4.0 }]
        },
        |c| Ok(least_squares_risk(&FiniteSize::new(c.d, c.n, c.tau2, c.sigma2)?)?),
        |c, seed, count| least_squares_sample(c, 0, seed, count),
    )
    .replicas(4096, 1 << 16, 1 << 20)
    .wrong("N - d for N - d - 1", |c| {
        let (d, n) = (c.d as f64, c.n as f64);
        let gap = (d - n).abs();
        let exact = least_squares_risk(&FiniteSize::new(c.d, c.n, c.tau2, c.sigma2)?)?;
        Ok(exact + c.sigma2 * d.min(n) * (1.0 / gap - 1.0 / (gap - 1.0)))
    })
    .wrong("averaging", |c| Ok(averaging_risk(&FiniteSize::new(c.d, c.n, c.tau2, c.sigma2)?)?))
    .broken("two examples more", |c, seed, count| least_squares_sample(c, 2, seed, count));
    let average_check = Identity::new(
        "averaging",
        "risk of averaging, and of one layer of step 1",
        |_, _| vec![Fit { d: 3, n: 7, tau2: 1.5, sigma2: 0.4 }, Fit { d: 9, n: 2, tau2: 0.5, sigma2: 2.0 }],
        |c| Ok(vec![averaging_risk(&FiniteSize::new(c.d, c.n, c.tau2, c.sigma2)?)?]),
        |c| one_unit_step(c, 1.0),
        |_| Ok(1e-13),
    )
    .wrong("noise forgotten", |c| Ok(vec![averaging_risk(&FiniteSize::new(c.d, c.n, c.tau2, 0.0)?)?]))
    .wrong("one example more", |c| {
        Ok(vec![averaging_risk(&FiniteSize::new(c.d, c.n + 1, c.tau2, c.sigma2)?)?])
    })
    .broken("step 0.9", |c| one_unit_step(c, 0.9));
    Claim {
        id: "ICL-56",
        chapter: Chapter::Icl,
        title: "Least squares and averaging",
        statement: r"Without normalisation: least squares has risk $\sigma^2\frac d{N-d-1}$ for $N>d+1$, the minimum-norm fit $\tau^2(d-N)+\sigma^2\frac N{d-N-1}$ for $N<d-1$, averaging $\frac1N\sum y_ix_i$ has $\tau^2d\frac{d+1}N+\sigma^2\frac dN$.",
        assumptions: "Standard Gaussian covariates.",
        source: "Classical; baselines of Garg et al. (NeurIPS 2022)",
        formula: "solvable_theory::icl::{least_squares_risk, averaging_risk}",
        simulator: "traces of inverse Gram matrices of random contexts",
        checks: vec![Box::new(check), Box::new(average_check)],
    }
}

fn one_unit_step(c: &Fit, step: f64) -> Result<Vec<f64>, CheckError> {
    let size = FiniteSize::new(c.d, c.n, c.tau2, c.sigma2)?;
    Ok(vec![finite_risk(&size, &Schedule::new(&[step], &[])?)?])
}

/// A random regression problem for the recursions.
struct Problem {
    index: usize,
    x: Mat<f64>,
    y: Vec<f64>,
}

impl Cell for Problem {
    fn parameters(&self) -> Parameters {
        Parameters::new().with("instance", self.index).with("d", self.x.ncols()).with("N", self.x.nrows())
    }
}

pub(super) fn recursion() -> Claim {
    let check = Identity::new(
        "rank-one updates",
        "ridge regression: the closed form and the recursion over examples in reversed order",
        |_, rng| {
            (0..12)
                .map(|index| {
                    let (d, n) = (rng.random_range(1..=6), rng.random_range(1..=12));
                    let x = random_matrix(rng, n, d);
                    let y = (0..n).map(|_| 2.0 * rng.random::<f64>() - 1.0).collect();
                    Problem { index, x, y }
                })
                .collect()
        },
        |c| Ok(ridge(&c.x, &c.y, 0.3)?),
        |c| reversed(c, 0.3),
        |_| Ok(1e-11),
    )
    .scale(|_| Ok(1.0))
    .wrong("ridge doubled", |c| Ok(ridge(&c.x, &c.y, 0.6)?))
    .wrong("labels negated", |c| Ok(ridge(&c.x, &c.y, 0.3)?.iter().map(|w| -w).collect()))
    .broken("last example left out", |c| {
        let n = c.x.nrows();
        if n == 1 {
            return Ok(vec![0.0; c.x.ncols()]);
        }
        let x = Mat::from_fn(n - 1, c.x.ncols(), |i, j| c.x[(i, j)]);
        reversed(&Problem { index: 0, x, y: c.y[..n - 1].to_vec() }, 0.3)
    });
    Claim {
        id: "ICL-57",
        chapter: Chapter::Icl,
        title: "Ridge regression by rank-one updates",
        statement: r"From $V_0=\lambda^{-1}I$, $w_0=0$ the recursions $V_{i}=V_{i-1}-\frac{V_{i-1}x_ix_i^\top V_{i-1}}{1+x_i^\top V_{i-1}x_i}$, $w_i=w_{i-1}+V_ix_i(y_i-w_{i-1}^\top x_i)$ give after $N$ examples exactly $w_N=(\lambda I+XX^\top)^{-1}Xy^\top$, in any order of examples.",
        assumptions: "$\\lambda>0$.",
        source: "Akyurek et al. (ICLR 2023); Sherman and Morrison",
        formula: "solvable_theory::icl::ridge",
        simulator: "solvable_theory::icl::recursive_ridge on reversed examples",
        checks: vec![Box::new(check)],
    }
}

fn reversed(c: &Problem, lambda: f64) -> Result<Vec<f64>, CheckError> {
    let n = c.x.nrows();
    let x = Mat::from_fn(n, c.x.ncols(), |i, j| c.x[(n - 1 - i, j)]);
    let y: Vec<f64> = c.y.iter().rev().copied().collect();
    Ok(recursive_ridge(&x, &y, lambda)?)
}

fn total_time(c: &Large) -> f64 {
    c.layers as f64
}

fn deeper(c: &Large, factor: f64) -> Result<Vec<f64>, CheckError> {
    (4..11)
        .map(|k| {
            let layers = 1_usize << k;
            let eta = factor * total_time(c) / layers as f64;
            Ok(limit_risk(&Schedule::constant(layers, eta)?, c.c, c.s)?)
        })
        .collect()
}

pub(super) fn continuous_depth() -> Claim {
    let check = Limit::new(
        "more and smaller steps",
        "risk of K steps t/K as K doubles, extrapolated; the depth column is t",
        |_, _| vec![large(0.5, 0.1, 2), large(2.0, 0.0, 1), large(1.0, 0.3, 3)],
        |c| Ok(gradient_flow_risk(c.c, c.s, total_time(c))?),
        |c| deeper(c, 1.0),
        |_| Ok(Contraction::Order { order: 1.0, tolerance: 0.1 }),
        1e-12,
    )
    .wrong("noise doubled", |c| Ok(gradient_flow_risk(c.c, 2.0 * c.s + 0.01, total_time(c))?))
    .wrong("one percent late", |c| Ok(gradient_flow_risk(c.c, c.s, 1.01 * total_time(c))?))
    .broken("steps half as long", |c| deeper(c, 0.5));
    Claim {
        id: "ICL-58",
        chapter: Chapter::Icl,
        title: "Continuous depth",
        statement: r"With $\eta=t/K$ and $K\to\infty$, $p=e^{-t\lambda}$ and $R_K(t/K)-R(t)=O(1/K)$, where

$$R(t)=1+\sum_k\omega_k\big[-q(1+p)+s\,q^2\big](\rho_k),\qquad q=(1-e^{-t\lambda})/\lambda .$$",
        assumptions: "As for ICL-47.",
        source: "Derived",
        formula: "solvable_theory::icl::gradient_flow_risk",
        simulator: "risk of 16 to 1024 layers, extrapolated",
        checks: vec![Box::new(check)],
    }
}
