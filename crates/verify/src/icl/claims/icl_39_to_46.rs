//! ICL-39 to 46, 55, 59: exact risk of several layers at finite size.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::{Mat, symmetric_eigen, symmetric_eigenvalues};
use solvable_model::Covariance;
use solvable_model::icl::{AttentionStack, Prompt, QueryToken, RidgeStack};
use solvable_sim::icl::{CovariateLaw, DepthRisk, Layers, gauss_hermite, tensor_mean};
use solvable_theory::icl::{
    Coordinates, FiniteSize, Schedule, SpectralRule, best_one_step, best_one_step_on, finite_optimal_risk,
    finite_optimum, finite_risk, general_covariance_risk, marchenko_pastur_moment, normalised_finite_risk,
    one_step_risk, prompt_risk, wishart_matrix_moment, wishart_moment,
};

use super::support::{average, diagonal, entries, random_covariance, random_matrix};
use crate::check::{Asymptotic, Bound, Budget, Expectation, Identity};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// A size with variances and a schedule.
#[derive(Clone)]
pub(super) struct Size {
    pub(super) d: usize,
    pub(super) n: usize,
    pub(super) tau2: f64,
    pub(super) sigma2: f64,
    pub(super) etas: Vec<f64>,
    pub(super) gammas: Vec<f64>,
}

impl Cell for Size {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("d", self.d)
            .with("N", self.n)
            .with("tau2", self.tau2)
            .with("sigma2", self.sigma2)
            .with("eta", self.etas.clone())
            .with("gamma", self.gammas.clone())
    }
}

impl Size {
    pub(super) fn plain(d: usize, n: usize, (tau2, sigma2): (f64, f64), etas: &[f64]) -> Self {
        Self { d, n, tau2, sigma2, etas: etas.to_vec(), gammas: Vec::new() }
    }

    fn corrected(mut self, gammas: &[f64]) -> Self {
        self.gammas = gammas.to_vec();
        self
    }

    pub(super) fn size(&self) -> Result<FiniteSize, CheckError> {
        Ok(FiniteSize::new(self.d, self.n, self.tau2, self.sigma2)?)
    }

    pub(super) fn schedule(&self) -> Result<Schedule, CheckError> {
        Ok(Schedule::new(&self.etas, &self.gammas)?)
    }

    pub(super) fn layers(&self) -> Layers {
        if self.gammas.is_empty() {
            return Layers::Descent(self.etas.clone());
        }
        let gamma = |k: usize| self.gammas.get(k).copied().unwrap_or(0.0);
        Layers::Corrected(self.etas.iter().enumerate().map(|(k, eta)| (*eta, gamma(k))).collect())
    }

    pub(super) fn risk(&self) -> Result<DepthRisk, CheckError> {
        Ok(DepthRisk::isotropic(self.d, self.layers(), (self.tau2, self.sigma2), self.n)?)
    }

    fn noiseless(&self) -> Self {
        Self { sigma2: 0.0, ..self.clone() }
    }
}

pub(super) fn sample(risk: &DepthRisk, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    average(seed, count, || risk.work(), |rng, work| risk.draw(rng, work))
}

/// `E S^k` by a tensor rule over X = root G, exact.
fn matrix_moment_by_rule(c: &Parameters, k: usize, extra: usize) -> Result<Vec<f64>, CheckError> {
    let (lambda, n) = moment_cell(c)?;
    let d = lambda.dimension();
    let rule = gauss_hermite(k + 1)?;
    let root = lambda.sqrt();
    let mut out = vec![0.0; d * d];
    for (e, o) in out.iter_mut().enumerate() {
        *o = tensor_mean(&rule, n * d, |z| {
            let g = Mat::from_fn(d, n, |i, j| z[j * d + i]);
            let x = &root * &g;
            let s = Mat::from_fn(d, d, |i, j| {
                (0..n).map(|m| x[(i, m)] * x[(j, m)]).sum::<f64>() / (n + extra) as f64
            });
            let mut power = Mat::<f64>::identity(d, d);
            for _ in 0..k {
                power = &power * &s;
            }
            power[(e / d, e % d)]
        });
    }
    Ok(out)
}

fn moment_cell(c: &Parameters) -> Result<(Covariance, usize), CheckError> {
    let d = c.as_map()["d"].as_u64().unwrap_or(1) as usize;
    let n = c.as_map()["N"].as_u64().unwrap_or(1) as usize;
    let mut rng = ChaCha12Rng::seed_from_u64(100 + d as u64);
    Ok((random_covariance(&mut rng, d, d + 1), n))
}

fn order(c: &Parameters) -> usize {
    c.as_map()["k"].as_u64().unwrap_or(1) as usize
}

pub(super) fn matrix_moments() -> Claim {
    let cells = |budget: Budget| {
        let mut cells = Vec::new();
        for (d, n) in [(1, 1), (1, 3), (2, 1), (2, 2)] {
            let top = if d * n < 4 { 4 } else { 3 };
            for k in 1..=top + usize::from(budget == Budget::Full) {
                cells.push(Parameters::new().with("d", d).with("N", n).with("k", k));
            }
        }
        cells
    };
    let check = Identity::new(
        "matrix moments",
        "E S^k for a dense covariance, against exact averages over all contexts",
        move |budget, _| cells(budget),
        |c| {
            let (lambda, n) = moment_cell(c)?;
            Ok(entries(wishart_matrix_moment(order(c), &lambda, n)?.as_ref()))
        },
        |c| matrix_moment_by_rule(c, order(c), 0),
        |_| Ok(1e-11),
    )
    .wrong("power of the mean", |c| {
        let (lambda, _) = moment_cell(c)?;
        Ok(entries(symmetric_eigen(lambda.matrix())?.apply(|l| l.powi(order(c) as i32)).as_ref()))
    })
    .wrong("one example more", |c| {
        let (lambda, n) = moment_cell(c)?;
        Ok(entries(wishart_matrix_moment(order(c), &lambda, n + 1)?.as_ref()))
    })
    .broken("normaliser N + 1", |c| matrix_moment_by_rule(c, order(c), 1));
    Claim {
        id: "ICL-39",
        chapter: Chapter::Icl,
        title: "Wishart matrix moments",
        statement: r"For $\mathcal W=XX^\top$ with columns i.i.d. $N(0,\Lambda)$, $t_j=\mathrm{tr}\Lambda^j$: $E\mathcal W=N\Lambda$, $E\mathcal W^2=(N^2+N)\Lambda^2+Nt_1\Lambda$,

$$E\mathcal W^3=(N^3+3N^2+4N)\Lambda^3+2(N^2+N)t_1\Lambda^2+\big[(N^2+N)t_2+Nt_1^2\big]\Lambda,$$

and so on: each of the $(2k-1)!!$ pairings contributes $N^{\text{column loops}}\Lambda^\ell\prod t_{\ell_i}$.",
        assumptions: "Gaussian covariates.",
        source: "Classical (Wick); derived",
        formula: "solvable_theory::icl::wishart_matrix_moment",
        simulator: "solvable_sim::icl::gauss_hermite: exact average over all contexts",
        checks: vec![Box::new(check)],
    }
}

/// The integer tables of the specification up to k = 5, entries (a, b, C) with a <= b.
const TABLES: [&[(usize, usize, f64)]; 5] = [
    &[(1, 1, 1.0)],
    &[(1, 1, 1.0), (1, 2, 1.0)],
    &[(1, 1, 4.0), (1, 2, 3.0), (1, 3, 1.0), (2, 2, 3.0)],
    &[(1, 1, 20.0), (1, 2, 21.0), (1, 3, 6.0), (1, 4, 1.0), (2, 2, 17.0), (2, 3, 6.0)],
    &[
        (1, 1, 148.0),
        (1, 2, 160.0),
        (1, 3, 65.0),
        (1, 4, 10.0),
        (1, 5, 1.0),
        (2, 2, 175.0),
        (2, 3, 55.0),
        (2, 4, 10.0),
        (3, 3, 20.0),
    ],
];

fn tabulated(k: usize, d: f64, n: f64, swapped: bool) -> f64 {
    let sum: f64 = TABLES[k - 1]
        .iter()
        .map(|&(a, b, c)| {
            let (a, b) = (a as i32, b as i32);
            let one = d.powi(a) * n.powi(b);
            let other = d.powi(b) * n.powi(a);
            if a == b {
                c * one
            } else if swapped {
                2.0 * c * one
            } else {
                c * (one + other)
            }
        })
        .sum();
    sum / (d * n.powi(k as i32))
}

/// `chi^2_N` moments over N^k, the case d = 1, to order 8.
fn chi_square(n: usize, k: usize) -> f64 {
    (0..k).map(|i| (n + 2 * i) as f64 / n as f64).product()
}

fn size_of(c: &Parameters) -> (usize, usize) {
    let get = |name: &str| c.as_map()[name].as_u64().unwrap_or(1) as usize;
    (get("d"), get("N"))
}

pub(super) fn trace_moments() -> Claim {
    let check = Identity::new(
        "trace moments",
        "m_1 to m_5 for random sizes, against the integer tables",
        |_, rng| {
            (0..16)
                .map(|_| {
                    Parameters::new()
                        .with("d", rng.random_range(1..=200_u32))
                        .with("N", rng.random_range(1..=200_u32))
                })
                .collect()
        },
        |c| {
            let (d, n) = size_of(c);
            (1..=5).map(|k| Ok(wishart_moment(k, d, n)?)).collect()
        },
        |c| {
            let (d, n) = size_of(c);
            Ok((1..=5).map(|k| tabulated(k, d as f64, n as f64, false)).collect())
        },
        |_| Ok(1e-13),
    )
    .wrong("d and N exchanged", |c| {
        let (d, n) = size_of(c);
        (1..=5).map(|k| Ok(wishart_moment(k, n, d)?)).collect()
    })
    .wrong("one example more", |c| {
        let (d, n) = size_of(c);
        (1..=5).map(|k| Ok(wishart_moment(k, d, n + 1)?)).collect()
    })
    .broken("tables not symmetrised", |c| {
        let (d, n) = size_of(c);
        Ok((1..=5).map(|k| tabulated(k, d as f64, n as f64, true)).collect())
    });
    let scalar = Identity::new(
        "one dimension",
        "m_1 to m_8 for d = 1, against the moments of chi^2_N",
        |_, _| [1, 2, 7, 100].iter().map(|&n| Parameters::new().with("d", 1).with("N", n)).collect(),
        |c| (1..=8).map(|k| Ok(wishart_moment(k, 1, size_of(c).1)?)).collect(),
        |c| Ok((1..=8).map(|k| chi_square(size_of(c).1, k)).collect()),
        |_| Ok(1e-13),
    )
    .wrong("one example more", |c| (1..=8).map(|k| Ok(wishart_moment(k, 1, size_of(c).1 + 1)?)).collect())
    .wrong("Marchenko-Pastur moments", |c| {
        (1..=8).map(|k| Ok(marchenko_pastur_moment(k, 1.0 / size_of(c).1 as f64)?)).collect()
    })
    .broken("complex Gaussian", |c| {
        let n = size_of(c).1;
        Ok((1..=8).map(|k| (0..k).map(|i| (n + i) as f64 / n as f64).product()).collect())
    });
    Claim {
        id: "ICL-40",
        chapter: Chapter::Icl,
        title: "Isotropic trace moments",
        statement: r"For $\Lambda=I$, $m_k=\frac1dE\,\mathrm{tr}S^k=\frac1{dN^k}\sum_{a+b\le k+1}C^{(k)}_{ab}d^aN^b$ with symmetric integer tables: $m_1=1$, $m_2=1+\frac{d+1}N$,

$$m_3=\frac{N^2+3N+4+(3N+3)d+d^2}{N^2},\quad m_4=\frac{N^3+6N^2+21N+20+(6N^2+17N+21)d+(6N+6)d^2+d^3}{N^3}.$$",
        assumptions: "Standard Gaussian covariates.",
        source: "Classical; enumeration of pairings",
        formula: "solvable_theory::icl::wishart_moment",
        simulator: "integer tables; chi-square moments",
        checks: vec![Box::new(check), Box::new(scalar)],
    }
}

/// `(1/d) tr S^3` of random contexts with d/N = c.
fn sampled_moment(c: f64, d: f64, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let (d, n) = (d as usize, (d / c).round() as usize);
    average(
        seed,
        count,
        || (vec![0.0; d * n], Mat::<f64>::zeros(d, n), Mat::<f64>::zeros(d, d), Mat::<f64>::zeros(d, d)),
        |rng, (raw, x, s, square)| {
            solvable_sim::normal::fill(rng, raw);
            for (k, v) in raw.iter().enumerate() {
                x[(k % d, k / d)] = *v;
            }
            solvable_linalg::matmul_into(s.as_mut(), x.as_ref(), x.transpose());
            solvable_linalg::matmul_into(square.as_mut(), s.as_ref(), s.as_ref());
            solvable_linalg::trace_product(square.as_ref(), s.as_ref()) / (d as f64 * (n as f64).powi(3))
        },
    )
}

fn aspect(c: &Parameters) -> f64 {
    c.as_map()["c"].as_f64().unwrap_or(1.0)
}

pub(super) fn limit_moments() -> Claim {
    let check = Asymptotic::new(
        "third moment",
        "mean of tr S^3 / d at d = 6 to 36, d/N fixed",
        |_, _| vec![Parameters::new().with("c", 0.5), Parameters::new().with("c", 0.25)],
        |c| Ok(marchenko_pastur_moment(3, aspect(c))?),
        |c, size, seed, count| sampled_moment(aspect(c), size, seed, count),
        &[6.0, 8.0, 12.0, 20.0, 36.0],
        &[1.0, 2.0],
        (2000, 40_000),
    )
    .wrong("1 + 3c", |c| Ok(1.0 + 3.0 * aspect(c)))
    .wrong("finite size d = 20", |c| Ok(wishart_moment(3, 20, (20.0 / aspect(c)).round() as usize)?))
    .broken("aspect ratio inverted", |c, size, seed, count| {
        sampled_moment(1.0 / aspect(c), size, seed, count)
    });
    Claim {
        id: "ICL-41",
        chapter: Chapter::Icl,
        title: "Marchenko-Pastur limit of the moments",
        statement: r"As $d/N\to c$, $m_k\to\mu_k(c)=\sum_{j=0}^{k-1}\frac{c^j}{j+1}\binom kj\binom{k-1}j$ with error $O(1/d)$. For the limit law $\mu$, $\lambda\,d\mu$ is a semicircle law with centre $1+c$ and radius $2\sqrt c$, for every $c>0$.",
        assumptions: "Standard Gaussian covariates.",
        source: "Classical",
        formula: "solvable_theory::icl::marchenko_pastur_moment",
        simulator: "random contexts at five sizes",
        checks: vec![Box::new(check)],
    }
}

/// The risk averaged exactly over all contexts (d N <= 4 coordinates).
pub(super) fn all_contexts(c: &Size) -> Result<Vec<f64>, CheckError> {
    let risk = c.risk()?;
    // p^2 has degree at most 2 (3^K - 1)/2 in S, twice that in X.
    let degree = if c.gammas.is_empty() { c.etas.len() } else { 4 };
    let rule = gauss_hermite(2 * degree + 1)?;
    let mut failure = None;
    let mean = tensor_mean(&rule, c.d * c.n, |z| {
        let x = Mat::from_fn(c.d, c.n, |i, j| z[j * c.d + i]);
        risk.of(&x).unwrap_or_else(|e| {
            failure = Some(e);
            0.0
        })
    });
    failure.map_or(Ok(vec![mean]), |e| Err(e.into()))
}

pub(super) fn polynomial_risk() -> Claim {
    let exact = Identity::new(
        "all contexts",
        "risk of descent and of corrected layers, against exact averages over every context",
        |_, _| {
            vec![
                Size::plain(1, 1, (1.0, 0.3), &[0.5, 0.3, 0.2]),
                Size::plain(2, 1, (1.5, 0.4), &[0.4, 0.7]),
                Size::plain(1, 3, (0.7, 0.2), &[0.5, 0.8, 0.1]),
                Size::plain(2, 1, (1.5, 0.4), &[0.5, 0.6]).corrected(&[0.12]),
                Size::plain(1, 2, (1.0, 0.0), &[0.3, 0.6]).corrected(&[0.2]),
            ]
        },
        |c| Ok(vec![finite_risk(&c.size()?, &c.schedule()?)?]),
        all_contexts,
        |_| Ok(1e-10),
    )
    .wrong("noise forgotten", |c| Ok(vec![finite_risk(&c.noiseless().size()?, &c.schedule()?)?]))
    .wrong("correction forgotten", |c| Ok(vec![finite_risk(&c.size()?, &Schedule::new(&c.etas, &[])?)?]))
    .wrong("one example more", |c| {
        let longer = FiniteSize::new(c.d, c.n + 1, c.tau2, c.sigma2)?;
        Ok(vec![finite_risk(&longer, &c.schedule()?)?])
    })
    .broken("last layer left out", |c| {
        let mut shorter = c.clone();
        shorter.etas.pop();
        all_contexts(&shorter)
    });
    let sampled = Expectation::new(
        "random contexts",
        "risk given the context, over random contexts",
        |_, _| {
            vec![
                Size::plain(12, 60, (1.5, 2.0), &[0.4, 0.7]),
                Size::plain(12, 60, (1.0, 1.0), &[0.6, 0.7]).corrected(&[0.1]),
            ]
        },
        |c| Ok(finite_risk(&c.size()?, &c.schedule()?)?),
        |c, seed, count| sample(&c.risk()?, seed, count),
    )
    .replicas(4096, 1 << 16, 1 << 20)
    .wrong("noise forgotten", |c| Ok(finite_risk(&c.noiseless().size()?, &c.schedule()?)?))
    .wrong("infinite context", |c| {
        let long = FiniteSize::new(c.d, 1_000_000, c.tau2, c.sigma2)?;
        Ok(finite_risk(&long, &c.schedule()?)?)
    })
    .broken("steps halved", |c, seed, count| {
        let mut halved = c.clone();
        halved.etas.iter_mut().for_each(|e| *e *= 0.5);
        sample(&halved.risk()?, seed, count)
    });
    Claim {
        id: "ICL-42",
        chapter: Chapter::Icl,
        title: "Risk of any polynomial method at finite size",
        statement: r"For $\Lambda=I$, any $q$ and $p=1-\lambda q$, with $\mu$ the mean spectral law of $S$ and $s=\sigma^2/(N\tau^2)$,

$$\frac{\mathcal R}{d\tau^2}=\int p^2\,d\mu+s\int\lambda q^2\,d\mu .$$

It covers $K$ layers of descent and of curvature-corrected descent through the moments $m_k$.",
        assumptions: "Standard Gaussian covariates; task covariance $\\tau^2I$.",
        source: "Derived",
        formula: "solvable_theory::icl::finite_risk",
        simulator: "solvable_sim::icl::DepthRisk",
        checks: vec![Box::new(exact), Box::new(sampled)],
    }
}

/// The context of a cell, one example a row.
fn fixed_context(c: &Size) -> Mat<f64> {
    random_matrix(&mut ChaCha12Rng::seed_from_u64((c.d * 31 + c.n) as u64), c.n, c.d)
}

/// Mean squared error of literal layers over exact designs of tasks, noise and queries.
fn literal_designs(c: &Size, query: QueryToken) -> Result<Vec<f64>, CheckError> {
    let x = fixed_context(c);
    let (d, n) = (c.d, c.n);
    let stack = AttentionStack::corrected_descent(
        d,
        &c.etas,
        if c.gammas.is_empty() { &[0.0, 0.0, 0.0][..c.etas.len()] } else { &c.gammas },
        None,
        query,
    )?;
    let mut total = 0.0;
    for q in 0..d {
        let mut xq = vec![0.0; d];
        xq[q] = (d as f64).sqrt();
        let error = |y: Vec<f64>, target: f64| -> Result<f64, CheckError> {
            Ok((stack.predict(&Prompt::new(x.clone(), y, xq.clone())?)? - target).powi(2))
        };
        for k in 0..d {
            let size = (d as f64 * c.tau2).sqrt();
            let y = (0..n).map(|i| size * x[(i, k)]).collect();
            total += error(y, if k == q { size * xq[q] } else { 0.0 })? / (d * d) as f64;
        }
        for k in 0..n {
            let size = (n as f64 * c.sigma2).sqrt();
            total += error((0..n).map(|i| if i == k { size } else { 0.0 }).collect(), 0.0)? / (d * n) as f64;
        }
    }
    Ok(vec![total])
}

pub(super) fn conditional() -> Claim {
    let check = Identity::new(
        "one context",
        "risk from the eigenvalues of S, against literal layers over exact designs of tasks, noise and queries",
        |_, _| {
            vec![
                Size::plain(3, 7, (1.2, 0.5), &[0.4, 0.3]),
                Size::plain(4, 2, (0.8, 0.1), &[0.2, 0.5, 0.1]),
                Size::plain(2, 9, (1.0, 0.7), &[0.5, 0.4, 0.3]).corrected(&[0.1, 0.2]),
            ]
        },
        |c| spectral(c, 1.0, 1.0),
        |c| literal_designs(c, QueryToken::Masked),
        |_| Ok(1e-12),
    )
    .wrong("noise forgotten", |c| spectral(c, 0.0, 1.0))
    .wrong("null eigenvalues left out", |c| {
        let v = spectral(c, 1.0, 1.0)?;
        Ok(vec![v[0] - c.tau2 * c.d.saturating_sub(c.n) as f64])
    })
    .wrong("prior twice as wide", |c| spectral(c, 1.0, 2.0))
    .broken("query among the keys", |c| literal_designs(c, QueryToken::Inside));
    Claim {
        id: "ICL-59",
        chapter: Chapter::Icl,
        title: "Risk of one prompt",
        statement: r"For every realisation of $X$, averaged over task, noise and query ($\Lambda=I$ query),

$$R(X)=\frac1d\sum_{i=1}^d\big[p(\lambda_i)^2+s\,\lambda_iq(\lambda_i)^2\big],$$

$\lambda_i$ all $d$ eigenvalues of $S$; null ones contribute 1.",
        assumptions: "Task covariance $\\tau^2I$, isotropic query.",
        source: "Derived",
        formula: "solvable_theory::icl::prompt_risk",
        simulator: "solvable_model::icl::AttentionStack on raw tokens",
        checks: vec![Box::new(check)],
    }
}

fn spectral(c: &Size, noise: f64, prior: f64) -> Result<Vec<f64>, CheckError> {
    let x = fixed_context(c);
    let tau2 = prior * c.tau2;
    let risk = prompt_risk(x.as_ref(), &c.schedule()?, tau2, noise * c.sigma2)?;
    Ok(vec![c.d as f64 * tau2 * risk])
}

fn uniform_risk(c: &Size, a: f64, gaussian: bool) -> Result<DepthRisk, CheckError> {
    let v = a * a / 3.0;
    let lambda = Covariance::isotropic("Lambda", c.d, v)?;
    let law = if gaussian { CovariateLaw::gaussian(&lambda) } else { CovariateLaw::uniform(c.d, a)? };
    Ok(DepthRisk::new(law, &lambda, c.layers(), (c.tau2, c.sigma2), c.n)?)
}

pub(super) fn one_step() -> Claim {
    let uniform = Expectation::new(
        "uniform inputs",
        "risk of one step on coordinates uniform on [-1, 1], over random contexts",
        |_, _| vec![Size::plain(2, 10, (1.0, 0.2), &[2.0]), Size::plain(10, 10, (1.0, 0.0), &[1.5])],
        |c| Ok(one_step_risk(&c.size()?, &Coordinates::uniform(1.0)?, c.etas[0])?),
        |c, seed, count| sample(&uniform_risk(c, 1.0, false)?, seed, count),
    )
    .replicas(16_384, 1 << 18, 1 << 21)
    .wrong("Gaussian fourth moment", |c| {
        Ok(one_step_risk(&c.size()?, &Coordinates::new(1.0 / 3.0, 1.0 / 3.0)?, c.etas[0])?)
    })
    .wrong("one example more", |c| {
        let longer = FiniteSize::new(c.d, c.n + 1, c.tau2, c.sigma2)?;
        Ok(one_step_risk(&longer, &Coordinates::uniform(1.0)?, c.etas[0])?)
    })
    .broken("Gaussian inputs", |c, seed, count| sample(&uniform_risk(c, 1.0, true)?, seed, count));
    let best = Identity::new(
        "best step",
        "best step and risk, Gaussian and uniform; the parabola through three risks; the paper's default case",
        |_, _| {
            vec![Size::plain(10, 10, (1.0, 0.0), &[1.0]), Size::plain(4, 7, (1.3, 0.6), &[1.0])]
        },
        |c| best_steps(c, 1.0),
        |c| {
            let law = Coordinates::uniform(1.0)?;
            let size = c.size()?;
            let mut out = parabola(|eta| Ok(finite_risk(&size, &Schedule::new(&[eta], &[])?)?))?;
            out.extend(parabola(|eta| Ok(one_step_risk(&size, &law, eta)?))?);
            // von Oswald et al.: d = N = 10, a = 1, tau = 1, sigma = 0.
            out.extend([50.0 / 33.0, 1.649_831_649_831_65]);
            Ok(out)
        },
        |_| Ok(1e-12),
    )
    .wrong("N + d for N + d + 1", |c| {
        let mut v = best_steps(c, 1.0)?;
        v[0] = c.n as f64 / ((c.n + c.d) as f64 + c.sigma2 / c.tau2);
        Ok(v)
    })
    .wrong("noise doubled", |c| best_steps(c, 2.0))
    .broken("half-width 2", |c| {
        let law = Coordinates::uniform(2.0)?;
        let size = c.size()?;
        let mut out = parabola(|eta| Ok(finite_risk(&size, &Schedule::new(&[eta], &[])?)?))?;
        out.extend(parabola(|eta| Ok(one_step_risk(&size, &law, eta)?))?);
        out.extend([50.0 / 33.0, 1.649_831_649_831_65]);
        Ok(out)
    });
    Claim {
        id: "ICL-43",
        chapter: Chapter::Icl,
        title: "One layer on any i.i.d. coordinates",
        statement: r"For Gaussian inputs $R=1-2\eta+\eta^2(1+\frac{d+1}N+s)$, $\eta^*=\frac N{N+d+1+\sigma^2/\tau^2}$, $R^*=1-\eta^*$. For i.i.d. coordinates of variance $v$ and fourth moment $\mu_4$,

$$\mathcal R=\tau^2vd\Big[1-2\eta v+\eta^2\Big((1-\tfrac1N)v^2+\tfrac{(d-1)v^2+\mu_4}{N}\Big)\Big]+\tfrac{\sigma^2\eta^2v^2d}{N}.$$",
        assumptions: "Task covariance $\\tau^2I$; query of the same law.",
        source: "Derived; von Oswald et al. use uniform inputs",
        formula: "solvable_theory::icl::{best_one_step, one_step_risk, best_one_step_on}",
        simulator: "solvable_sim::icl::DepthRisk on uniform inputs",
        checks: vec![Box::new(uniform), Box::new(best)],
    }
}

fn best_steps(c: &Size, noise: f64) -> Result<Vec<f64>, CheckError> {
    let size = FiniteSize::new(c.d, c.n, c.tau2, noise * c.sigma2)?;
    let law = Coordinates::uniform(1.0)?;
    let (g, u) = (best_one_step(&size)?, best_one_step_on(&size, &law)?);
    let default = best_one_step_on(&FiniteSize::new(10, 10, 1.0, 0.0)?, &law)?;
    Ok(vec![g.eta, g.risk, u.eta, u.risk, default.eta, default.risk])
}

/// Vertex and value of the parabola through three values.
fn parabola(f: impl Fn(f64) -> Result<f64, CheckError>) -> Result<Vec<f64>, CheckError> {
    let (f0, f1, f2) = (f(0.0)?, f(0.5)?, f(1.0)?);
    let curvature = 2.0 * (f2 - 2.0 * f1 + f0);
    let slope = 4.0 * f1 - f2 - 3.0 * f0;
    Ok(vec![-slope / (2.0 * curvature), f0 - slope * slope / (4.0 * curvature)])
}

/// The closed form of two layers from moments: free steps, and equal steps of size eta.
fn two_layers(c: &Size, extra: f64) -> Result<Vec<f64>, CheckError> {
    let m: Vec<f64> = (0..=4).map(|k| wishart_moment(k, c.d, c.n)).collect::<Result<_, _>>()?;
    let s = c.sigma2 / (c.n as f64 * c.tau2);
    let (h00, h01, h11) = (m[2] + s, m[3] + s * m[2], m[4] + s * m[3]);
    let best = 1.0 - (h11 - 2.0 * m[2] * h01 + m[2] * m[2] * h00) / (h00 * h11 - h01 * h01);
    let e = c.etas[0];
    let equal = 1.0 - 4.0 * e + 6.0 * e * e * m[2] - 4.0 * e.powi(3) * m[3]
        + e.powi(4) * m[4]
        + extra * s * (4.0 * e * e - 4.0 * e.powi(3) * m[2] + e.powi(4) * m[3]);
    Ok(vec![best, equal])
}

pub(super) fn two_steps() -> Claim {
    let check = Identity::new(
        "closed form",
        "optimal risk of two layers, and the risk of two equal steps, against the moment formulas",
        |_, _| {
            vec![
                Size::plain(5, 10, (1.0, 0.0), &[0.4, 0.4]),
                Size::plain(5, 10, (1.0, 0.5), &[0.5, 0.5]),
                Size::plain(20, 9, (2.0, 3.0), &[0.2, 0.2]),
                Size::plain(1, 1, (1.0, 0.1), &[0.3, 0.3]),
            ]
        },
        |c| {
            let s = c.sigma2 / (c.n as f64 * c.tau2);
            let equal = normalised_finite_risk(c.d, c.n, s, &c.schedule()?)?;
            Ok(vec![finite_optimal_risk(2, c.d, c.n, s)?, equal])
        },
        |c| two_layers(c, 1.0),
        |_| Ok(1e-12),
    )
    .wrong("noise doubled", |c| {
        let s = 2.0 * c.sigma2 / (c.n as f64 * c.tau2);
        let equal = normalised_finite_risk(c.d, c.n, s, &c.schedule()?)?;
        Ok(vec![finite_optimal_risk(2, c.d, c.n, s)?, equal])
    })
    .wrong("one layer", |c| {
        let s = c.sigma2 / (c.n as f64 * c.tau2);
        let equal = normalised_finite_risk(c.d, c.n, s, &c.schedule()?)?;
        Ok(vec![finite_optimal_risk(1, c.d, c.n, s)?, equal])
    })
    .broken("noise forgotten in the equal steps", |c| two_layers(c, 0.0));
    Claim {
        id: "ICL-44",
        chapter: Chapter::Icl,
        title: "Two layers",
        statement: r"With $\alpha=\eta_1+\eta_2$, $\beta=\eta_1\eta_2$, $H_{00}=m_2+s$, $H_{01}=m_3+sm_2$, $H_{11}=m_4+sm_3$ the risk is a convex quadratic in $(\alpha,-\beta)$ with minimum

$$R^*=1-\frac{H_{11}-2m_2H_{01}+m_2^2H_{00}}{H_{00}H_{11}-H_{01}^2}.$$",
        assumptions: "As for ICL-42.",
        source: "Derived",
        formula: "solvable_theory::icl::{finite_optimal_risk, normalised_finite_risk}",
        simulator: "the moment formulas written out",
        checks: vec![Box::new(check)],
    }
}

/// K steps from the cube, in units of the optimal ones.
fn cube_schedule(c: &Size, x: &[f64]) -> Result<Schedule, CheckError> {
    let k = c.etas.len();
    Ok(Schedule::new(&x[..k].iter().map(|v| 4.0 * v).collect::<Vec<_>>(), &[])?)
}

fn level(c: &Size) -> f64 {
    c.sigma2 / (c.n as f64 * c.tau2)
}

pub(super) fn any_depth() -> Claim {
    let check = Bound::new(
        "no steps do better",
        "optimal risk over the risk of any steps, maximised over the steps",
        |_, _| {
            vec![
                Size::plain(5, 20, (1.0, 0.0), &[0.0; 3]),
                Size::plain(5, 10, (1.0, 0.5), &[0.0; 2]),
                Size::plain(20, 9, (1.0, 0.0), &[0.0; 3]),
            ]
        },
        3,
        |c, x| {
            let rule = SpectralRule::wishart(c.d, c.n, c.etas.len() + 1)?;
            let schedule = cube_schedule(c, x)?;
            Ok(Some(rule.risk(|l| schedule.at(l), level(c))?))
        },
        |c, _| Ok(Some(finite_optimal_risk(c.etas.len(), c.d, c.n, level(c))?)),
        1e-11,
    )
    .tight(0.01)
    .search(4, 600, 20_000)
    .wrong("two percent low", |c, x| {
        let rule = SpectralRule::wishart(c.d, c.n, c.etas.len() + 1)?;
        let schedule = cube_schedule(c, x)?;
        Ok(Some(0.98 * rule.risk(|l| schedule.at(l), level(c))?))
    })
    .wrong("noise forgotten", |c, x| {
        let rule = SpectralRule::wishart(c.d, c.n, c.etas.len() + 1)?;
        let schedule = cube_schedule(c, x)?;
        Ok(Some(rule.risk(|l| schedule.at(l), 0.0)?))
    })
    .broken("one layer fewer", |c, _| Ok(Some(finite_optimal_risk(c.etas.len() - 1, c.d, c.n, level(c))?)));
    let monotone = Bound::new(
        "decreasing in depth",
        "optimal risk of K + 1 layers over that of K, over sizes and noise",
        |_, _| (1..=3).map(|k| Parameters::new().with("K", k)).collect(),
        3,
        |c, x| {
            let (d, n, s) = cube_size(x);
            Ok(Some(finite_optimal_risk(order_k(c), d, n, s)?))
        },
        |c, x| {
            let (d, n, s) = cube_size(x);
            Ok(Some(finite_optimal_risk(order_k(c) + 1, d, n, s)?))
        },
        1e-12,
    )
    .tight(0.05)
    .search(3, 150, 2000)
    .wrong("eight percent low", |c, x| {
        let (d, n, s) = cube_size(x);
        Ok(Some(0.92 * finite_optimal_risk(order_k(c), d, n, s)?))
    })
    .wrong("longer context", |c, x| {
        let (d, n, s) = cube_size(x);
        Ok(Some(finite_optimal_risk(order_k(c), d, 2 * n, s)?))
    })
    .broken("zero layers", |_, _| Ok(Some(1.05)));
    Claim {
        id: "ICL-45",
        chapter: Chapter::Icl,
        title: "The optimum of any depth at finite size",
        statement: r"The polynomial $q$ of degree below $K$ that minimises the risk solves $Hq=h$, $H_{ij}=m_{i+j+2}+s\,m_{i+j+1}$, $h_i=m_{i+1}$, and

$$R^*_K=1-h^\top H^{-1}h,$$

nonincreasing in $K$, is a lower bound for $K$ layers of descent.",
        assumptions: "As for ICL-42.",
        source: "Derived",
        formula: "solvable_theory::icl::finite_optimal_risk",
        simulator: "adversarial search over steps on solvable_theory::icl::SpectralRule",
        checks: vec![Box::new(check), Box::new(monotone)],
    }
}

fn order_k(c: &Parameters) -> usize {
    c.as_map()["K"].as_u64().unwrap_or(1) as usize
}

fn cube_size(x: &[f64]) -> (usize, usize, f64) {
    let d = 10f64.powf(1.5 * x[0]) as usize;
    let n = 10f64.powf(1.5 * x[1]) as usize;
    (d.max(1), n.max(1), 5.0 * x[2])
}

/// Ridge layers on raw tokens against the polynomial of the ridge steps.
fn ridge_literal(c: &Size, ridge: f64) -> Result<Vec<f64>, CheckError> {
    let x = fixed_context(c);
    let y: Vec<f64> = (0..c.n).map(|i| (1.0 + i as f64).sin()).collect();
    let query: Vec<f64> = (0..c.d).map(|i| (1.0 + i as f64).cos()).collect();
    Ok(vec![RidgeStack::new(ridge, &c.etas)?.predict(&Prompt::new(x, y, query)?)?])
}

fn ridge_polynomial(c: &Size, ridge: f64) -> Result<Vec<f64>, CheckError> {
    let x = fixed_context(c);
    let n = c.n as f64;
    let s = Mat::from_fn(c.d, c.d, |i, j| (0..c.n).map(|k| x[(k, i)] * x[(k, j)]).sum::<f64>() / n);
    let q = symmetric_eigen(s.as_ref())?.apply(|l| {
        let p: f64 = c.etas.iter().map(|e| 1.0 - e * (l + ridge)).product();
        (1.0 - p) / (l + ridge)
    });
    let b: Vec<f64> =
        (0..c.d).map(|i| (0..c.n).map(|k| x[(k, i)] * (1.0 + k as f64).sin()).sum::<f64>() / n).collect();
    let query: Vec<f64> = (0..c.d).map(|i| (1.0 + i as f64).cos()).collect();
    Ok(vec![solvable_linalg::quadratic_form(&query, q.as_ref(), &b)])
}

pub(super) fn ridge_structure() -> Claim {
    let attained = Expectation::new(
        "attained by ridge steps",
        "risk of the optimal steps on the ridge loss, over random contexts",
        |budget, _| {
            let mut cells = vec![Size::plain(12, 60, (1.0, 30.0), &[0.0; 2])];
            if budget == Budget::Full {
                cells.push(Size::plain(24, 120, (1.0, 24.0), &[0.0; 3]));
            }
            cells
        },
        |c| Ok(finite_optimum(c.etas.len(), c.d, c.n, level(c))?.bound),
        |c, seed, count| ridge_sample(c, level(c), seed, count),
    )
    .replicas(8192, 1 << 16, 1 << 20)
    .wrong("one layer more", |c| Ok(finite_optimum(c.etas.len() + 1, c.d, c.n, level(c))?.bound))
    .wrong("noise forgotten", |c| Ok(finite_optimum(c.etas.len(), c.d, c.n, 0.0)?.bound))
    .broken("plain loss for the ridge loss", |c, seed, count| ridge_sample(c, 0.0, seed, count));
    let realised = Identity::new(
        "realised by layers",
        "prediction of ridge layers on raw tokens, and the polynomial",
        |_, _| {
            vec![Size::plain(3, 6, (1.0, 1.0), &[0.3, 0.2, 0.4]), Size::plain(4, 2, (1.0, 1.0), &[0.1, 0.3])]
        },
        |c| ridge_polynomial(c, 0.3),
        |c| ridge_literal(c, 0.3),
        |_| Ok(1e-12),
    )
    .scale(|_| Ok(1.0))
    .wrong("plain descent", |c| ridge_polynomial(c, 1e-300))
    .wrong("ridge doubled", |c| ridge_polynomial(c, 0.6))
    .broken("ridge left out of the layer", |c| ridge_literal(c, 0.0));
    Claim {
        id: "ICL-46",
        chapter: Chapter::Icl,
        title: "The optimum is descent on the ridge loss",
        statement: r"Let $\pi_K$ be the degree-$K$ orthogonal polynomial of $\lambda\,d\mu$, with roots $\rho_k>0$. The optimal $q$ is

$$q^*(\lambda)=\frac{1-\pi_K(\lambda)/\pi_K(-s)}{\lambda+s}:$$

$K$ steps $w\leftarrow w-\eta_k[(S+sI)w-b]$ with real positive $\eta_k=1/(\rho_k+s)$, in any order. Tokens $(x,y,r)$ with the token-wise map $r\leftarrow(1-\eta s)r+\eta sy$ realise them. As plain descent the same polynomial may need complex steps.",
        assumptions: "As for ICL-42.",
        source: "Derived",
        formula: "solvable_theory::icl::finite_optimum",
        simulator: "solvable_sim::icl::DepthRisk; solvable_model::icl::RidgeStack",
        checks: vec![Box::new(attained), Box::new(realised)],
    }
}

fn ridge_sample(c: &Size, ridge: f64, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let steps = finite_optimum(c.etas.len(), c.d, c.n, level(c))?.ridge_steps;
    // Normalised: task variance 1/d.
    let variances = (1.0 / c.d as f64, level(c) * c.n as f64 / c.d as f64);
    let risk = DepthRisk::isotropic(c.d, Layers::Ridge { ridge, steps }, variances, c.n)?;
    sample(&risk, seed, count)
}

fn general_cell(c: &Size) -> Covariance {
    let entries: Vec<f64> = (0..c.d).map(|i| 2.0 / (1.0 + i as f64)).collect();
    diagonal(&entries)
}

fn general_formula(c: &Size) -> Result<f64, CheckError> {
    Ok(general_covariance_risk(&general_cell(c), c.n, c.tau2, c.sigma2, &c.etas)?.value)
}

fn general_sample(c: &Size, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let lambda = general_cell(c);
    let law = CovariateLaw::gaussian(&lambda);
    sample(&DepthRisk::new(law, &lambda, c.layers(), (c.tau2, c.sigma2), c.n)?, seed, count)
}

pub(super) fn general_covariance() -> Claim {
    let check = Expectation::new(
        "random contexts",
        "risk of one and two plain layers for a power-law covariance, over random contexts",
        |_, _| vec![Size::plain(4, 30, (1.5, 4.0), &[0.4]), Size::plain(4, 60, (1.5, 4.0), &[0.3, 0.4])],
        general_formula,
        general_sample,
    )
    .replicas(8192, 1 << 18, 1 << 21)
    .wrong("noise forgotten", |c| general_formula(&c.noiseless()))
    .wrong("identity covariance", |c| Ok(finite_risk(&c.size()?, &c.schedule()?)?))
    .wrong("twice the context", |c| general_formula(&Size { n: 2 * c.n, ..c.clone() }))
    .broken("labels without noise", |c, seed, count| general_sample(&c.noiseless(), seed, count));
    let one = Identity::new(
        "one layer",
        "one layer for random covariances, against its explicit formula",
        |_, rng| {
            (0..10)
                .map(|k| {
                    let d = rng.random_range(1..=6);
                    Size::plain(d, rng.random_range(1..=20), (1.0 + f64::from(k), 0.5), &[0.3])
                })
                .collect()
        },
        |c| Ok(vec![general_formula(c)?]),
        |c| explicit_one(c, 1.0),
        |_| Ok(1e-12),
    )
    .wrong("noise forgotten", |c| Ok(vec![general_formula(&c.noiseless())?]))
    .wrong("one example more", |c| Ok(vec![general_formula(&Size { n: c.n + 1, ..c.clone() })?]))
    .broken("1 for 1 + 1/N", |c| explicit_one(c, 0.0));
    Claim {
        id: "ICL-55",
        chapter: Chapter::Icl,
        title: "General covariance without preconditioner",
        statement: r"For $w\sim(0,\tau^2I)$, $x,x_q\sim N(0,\Lambda)$ and scalar steps

$$\mathcal R=\tau^2\,\mathrm{tr}\big(\Lambda\,E\,p(S)^2\big)+\tfrac{\sigma^2}N\mathrm{tr}\big(\Lambda\,E\,[q(S)^2S]\big);$$

for one layer $\tau^2\big[t_1-2\eta t_2+\eta^2\big((1+\frac1N)t_3+\frac{t_1t_2}{N}\big)\big]+\frac{\sigma^2}{N}\eta^2t_2$.",
        assumptions: "Gaussian covariates; task covariance $\\tau^2I$.",
        source: "Derived",
        formula: "solvable_theory::icl::general_covariance_risk",
        simulator: "solvable_sim::icl::DepthRisk",
        checks: vec![Box::new(check), Box::new(one)],
    }
}

fn explicit_one(c: &Size, shift: f64) -> Result<Vec<f64>, CheckError> {
    let lambda = general_cell(c);
    let l = symmetric_eigenvalues(lambda.matrix())?;
    let t = |k: i32| l.iter().map(|v| v.powi(k)).sum::<f64>();
    let (n, eta) = (c.n as f64, c.etas[0]);
    let bias = t(1) - 2.0 * eta * t(2) + eta * eta * ((1.0 + shift / n) * t(3) + t(1) * t(2) / n);
    Ok(vec![c.tau2 * bias + c.sigma2 / n * eta * eta * t(2)])
}
