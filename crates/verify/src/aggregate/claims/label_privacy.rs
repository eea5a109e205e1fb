//! AGG-11, AGG-12: label privacy and clipping.
use solvable_model::aggregate::{BagDesign, FiniteDesign, IsotropicLimit, LabelPrivacy, Mixing};
use solvable_sim::aggregate::private::release_log_ratio;
use solvable_sim::aggregate::{ClippedExperiment, Population, TrainingExperiment, laplace};
use solvable_theory::aggregate::{
    clipped_label, clipped_risk, clipping_probability_bound, expected_risk, label_privacy_loss, laplace_noise,
};

use super::bag_size::private_optimum;
use super::support::{replicas, rho, rho_name};
use crate::check::{Asymptotic, Bound, Budget, Expectation, Identity};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// Bags of k, clip level T, privacy epsilon.
#[derive(Clone, Copy, Debug)]
struct Release {
    k: usize,
    t: f64,
    epsilon: f64,
}

impl Cell for Release {
    fn parameters(&self) -> Parameters {
        Parameters::new().with("k", self.k).with("T", self.t).with("eps", self.epsilon)
    }
}

impl Release {
    fn privacy(&self) -> Result<LabelPrivacy, CheckError> {
        Ok(LabelPrivacy::new(self.t, Some(self.epsilon))?)
    }

    /// Scale of the noise at a point of the search: the mechanism's own times a factor in [1/2, 2].
    fn scale(&self, x: &[f64]) -> Result<f64, CheckError> {
        Ok(self.privacy()?.laplace_scale(self.k as f64) * (2.0 * x[0]).exp2() * 0.5)
    }

    /// Log-ratio of the densities of one release under two vectors of labels that differ in the first: labels in
    /// [-2T, 2T], release in [-4T, 4T]. Two bags; the second is the same.
    fn log_ratio(&self, x: &[f64], clip: f64, changed: usize) -> Result<f64, CheckError> {
        let label = |u: f64| (4.0 * u - 2.0) * self.t;
        let bags = BagDesign::consecutive(2 * self.k, self.k)?;
        let mut labels = vec![label(x[3]); 2 * self.k];
        labels[0] = label(x[1]);
        let mut other = labels.clone();
        for y in other.iter_mut().take(changed) {
            *y = label(x[2]);
        }
        let release = [(8.0 * x[4] - 4.0) * self.t, label(x[5])];
        let privacy = LabelPrivacy::new(clip, Some(self.epsilon))?;
        Ok(release_log_ratio(&privacy, &bags, &labels, &other, &release, self.scale(x)?)?)
    }
}

fn releases() -> Vec<Release> {
    vec![
        Release { k: 1, t: 3.0, epsilon: 1.0 },
        Release { k: 4, t: 1.5, epsilon: 0.3 },
        Release { k: 7, t: 2.0, epsilon: 5.0 },
    ]
}

const R2: f64 = 1.0;
const S2: f64 = 0.5;
/// Clip level far outside N(0, 1.5): a label is clipped with probability 1e-10.
const WIDE: f64 = 8.0;

fn private_training(c: &Parameters, seed: u64, count: u64, epsilon: f64) -> Result<Estimate, CheckError> {
    let (n, d, k) = shape(c);
    let privacy = LabelPrivacy::new(WIDE, Some(epsilon))?;
    let bags = BagDesign::consecutive(n, k)?;
    let population = Population::isotropic(d, R2, S2)?;
    let experiment = TrainingExperiment::new(population, bags, Mixing::INSTANCE, 0.0, Some(privacy))?;
    replicas(seed, count, || (), |rng, ()| experiment.replicate(rng))
}

fn shape(c: &Parameters) -> (usize, usize, usize) {
    let read = |key: &str| c.as_map()[key].as_u64().unwrap_or(1) as usize;
    (read("n"), read("d"), read("k"))
}

fn private_risk(
    c: &Parameters,
    s2_of: impl Fn(&LabelPrivacy, f64) -> Result<f64, CheckError>,
) -> Result<f64, CheckError> {
    let (n, d, k) = shape(c);
    let privacy = LabelPrivacy::new(WIDE, Some(epsilon(c)))?;
    let design = FiniteDesign::new(n, d, k, R2, s2_of(&privacy, k as f64)?)?;
    Ok(expected_risk(&design, Mixing::INSTANCE)?.total())
}

fn epsilon(c: &Parameters) -> f64 {
    c.as_map()["eps"].as_f64().unwrap_or(1.0)
}

/// `Pr(max |y_i| > T)` for n labels N(0, v^2), from the complementary error function.
fn clipped_at_all(n: f64, h: f64) -> f64 {
    let one = libm::erfc(h / std::f64::consts::SQRT_2);
    -(n * (-one).ln_1p()).exp_m1()
}

/// n in 1..=10^6 and h = T/v in (0, 8].
fn many(x: &[f64]) -> (f64, f64) {
    ((1e6_f64.ln() * x[0]).exp().round(), 0.01 + 8.0 * x[1])
}

pub(super) fn mechanism() -> Claim {
    let privacy = Bound::new(
        "privacy",
        "log-ratio of the densities of a release when one label changes, for any labels, release and scale",
        |_, _| releases(),
        6,
        |c, x| Ok(Some(label_privacy_loss(&c.privacy()?, c.k as f64, c.scale(x)?)?)),
        |c, x| c.log_ratio(x, c.t, 1).map(Some),
        // Differences of numbers of the size of the release, over the scale.
        1e-12,
    )
    .tight(1e-6)
    .search(4, 3000, 30_000)
    .wrong("half-range sensitivity T/k", |c, x| {
        Ok(Some(0.5 * label_privacy_loss(&c.privacy()?, c.k as f64, c.scale(x)?)?))
    })
    .wrong("nominal epsilon at any scale", |c, _| Ok(Some(c.epsilon)))
    .broken("labels not clipped", |c, x| c.log_ratio(x, 2.0 * c.t, 1).map(Some))
    .broken("two labels changed", |c, x| {
        c.log_ratio(x, c.t * if c.k == 1 { 1.1 } else { 1.0 }, 2.min(c.k)).map(Some)
    });

    let scale = Identity::new(
        "scale",
        "the mechanism's scale has worst-case log-ratio $\\epsilon$, attained in the tail by labels $\\pm T$",
        |_, _| releases(),
        |c| Ok(vec![c.epsilon]),
        |c| worst_case(c, c.privacy()?.laplace_scale(c.k as f64)),
        |_| Ok(64.0 * f64::EPSILON),
    )
    .wrong("half of epsilon", |c| Ok(vec![0.5 * c.epsilon]))
    .wrong("epsilon a bag: k epsilon", |c| Ok(vec![c.epsilon * (c.k as f64 + 0.5)]))
    .broken("scale T/(k eps)", |c| worst_case(c, c.t / (c.k as f64 * c.epsilon)));

    let variance = Expectation::new(
        "noise",
        "variance of $\\sqrt k$ times the noise on a mean, drawn, plus $\\sigma^2$",
        |_, _| releases(),
        |c| Ok(laplace_noise(&c.privacy()?, c.k as f64, S2)?.s2_eff),
        |c, seed, count| drawn_noise(c, seed, count, c.k as f64),
    )
    // 64 draws a replica: squares of Laplace variables have skewness 6.6, their means of 64 0.8.
    .replicas(2048, 1 << 18, 1 << 20)
    .wrong("variance b^2 for 2 b^2", |c| {
        let noise = laplace_noise(&c.privacy()?, c.k as f64, S2)?;
        Ok(S2 + 0.5 * (noise.s2_eff - S2))
    })
    .wrong("kappa/k^2 for kappa/k", |c| {
        let noise = laplace_noise(&c.privacy()?, c.k as f64, S2)?;
        Ok(S2 + (noise.s2_eff - S2) / (c.k as f64 + 1.0))
    })
    .broken("root of k forgotten", |c, seed, count| {
        drawn_noise(c, seed, count, if c.k == 1 { 2.0 } else { 1.0 })
    });

    let risk = Expectation::new(
        "risk from private labels",
        "$|\\hat\\theta-\\theta^*|^2$ trained on clipped labels with Laplace noise, against AGG-6 with $\\sigma^2_{\\rm eff}$",
        |_, _| {
            [(60, 10, 6, 5.0)]
                .map(|(n, d, k, eps)| Parameters::new().with("n", n).with("d", d).with("k", k).with("eps", eps))
                .to_vec()
        },
        |c: &Parameters| private_risk(c, |privacy, k| Ok(laplace_noise(privacy, k, S2)?.s2_eff)),
        |c, seed, count| private_training(c, seed, count, epsilon(c)),
    )
    .replicas(2048, 1 << 16, 1 << 20)
    .wrong("noise not divided by k", |c| {
        private_risk(c, |privacy, k| Ok(S2 + k * (laplace_noise(privacy, k, S2)?.s2_eff - S2)))
    })
    .wrong("no privacy noise", |c| private_risk(c, |_, _| Ok(S2)))
    .broken("epsilon doubled", |c, seed, count| private_training(c, seed, count, 2.0 * epsilon(c)));

    let clipping = Bound::new(
        "no clipping",
        "probability that any of $n$ labels $N(0,v^2)$ is clipped, against $2n\\bar\\Phi(T/v)$",
        |_, _| vec![Parameters::new().with("v", 1.0)],
        2,
        |_, x| {
            let (n, h) = many(x);
            Ok(Some(clipping_probability_bound(&LabelPrivacy::new(h, None)?, n as usize, 1.0)?))
        },
        |_, x| {
            let (n, h) = many(x);
            Ok(Some(clipped_at_all(n, h)))
        },
        1e-12,
    )
    .tight(1e-6)
    .wrong("one tail", |_, x| {
        let (n, h) = many(x);
        Ok(Some(0.5 * clipping_probability_bound(&LabelPrivacy::new(h, None)?, n as usize, 1.0)?))
    })
    .wrong("variance v for v^2", |_, x| {
        let (n, h) = many(x);
        Ok(Some(clipping_probability_bound(&LabelPrivacy::new(h, None)?, n as usize, 0.8)?))
    })
    .broken("twice as many labels", |_, x| {
        let (n, h) = many(x);
        Ok(Some(clipped_at_all(2.0 * n, h)))
    });

    Claim {
        id: "AGG-11",
        chapter: Chapter::Aggregate,
        title: "Label-private bag means and their optimal size",
        statement: "Labels clipped to $[-T,T]$, bag means released with Laplace noise of scale $b=\\frac{2T}{k\\epsilon}$: the release is $\\epsilon$-label-private, with \
            worst-case log-ratio exactly $\\epsilon$; smaller $b$ is not. $\\sqrt k$ times a released mean has noise variance \
            $\\sigma^2_{\\mathrm{eff}}=\\sigma^2+\\kappa/k$, $\\kappa=8T^2/\\epsilon^2$, and without clipping every risk holds with $\\sigma^2_{\\mathrm{eff}}$. Instance level, no \
            ridge, $\\gamma<1$, if both brackets are positive: \
            $$k^\\star=\\max\\Big(1,\\frac{2[r^2(1-2\\gamma)+\\gamma\\kappa]}{2r^2(1-\\gamma)-\\gamma(r^2+\\sigma^2)}\\Big).$$ No label of $n$ is clipped with probability at least \
            $1-2n\\bar\\Phi(T/v)$.",
        assumptions: "One label changes between neighbours. Privacy and noise are exact; the optimal size is a limit without ridge. Double-precision Laplace samplers are not \
            exactly private.",
        source: "derived; a mechanism of this kind: Javanmard et al. (ICLR 2024, arXiv 2401.11081)",
        formula: "solvable_theory::aggregate::{label_privacy_loss, laplace_noise, optimal_bag_size}",
        simulator: "solvable_sim::aggregate::private::release_log_ratio; solvable_sim::aggregate::TrainingExperiment",
        checks: vec![
            Box::new(privacy),
            Box::new(scale),
            Box::new(variance),
            Box::new(risk),
            Box::new(private_optimum()),
            Box::new(clipping),
            super::enclosures::private_size(),
        ],
    }
}

/// The log-ratio at a release beyond both means, labels T and -T.
fn worst_case(c: &Release, scale: f64) -> Result<Vec<f64>, CheckError> {
    let bags = BagDesign::consecutive(c.k, c.k)?;
    let mut labels = vec![0.25 * c.t; c.k];
    labels[0] = c.t;
    let mut other = labels.clone();
    other[0] = -c.t;
    Ok(vec![release_log_ratio(&c.privacy()?, &bags, &labels, &other, &[1.5 * c.t], scale)?])
}

fn drawn_noise(c: &Release, seed: u64, count: u64, factor: f64) -> Result<Estimate, CheckError> {
    let scale = c.privacy()?.laplace_scale(c.k as f64);
    replicas(
        seed,
        count,
        || (),
        |rng, ()| {
            let squares: f64 = (0..64).map(|_| laplace(rng, scale).powi(2)).sum();
            Ok::<_, std::convert::Infallible>(S2 + factor * squares / 64.0)
        },
    )
}

/// Proportions, weight, ridge, clip level and privacy.
#[derive(Clone, Copy, Debug)]
struct Clipping {
    n: usize,
    d: usize,
    k: usize,
    mixing: Mixing,
    lambda: f64,
    t: f64,
    epsilon: Option<f64>,
}

impl Cell for Clipping {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("gamma", self.d as f64 / self.n as f64)
            .with("k", self.k)
            .with("rho", rho_name(self.mixing))
            .with("lambda", self.lambda)
            .with("T", self.t)
            .with("eps", self.epsilon)
    }
}

impl Clipping {
    fn limit(&self, t: f64, factor: f64) -> Result<f64, CheckError> {
        let problem = IsotropicLimit::new(self.d as f64 / self.n as f64, self.k as f64, R2, S2)?;
        let privacy = LabelPrivacy::new(t, self.epsilon.map(|e| e * factor))?;
        Ok(clipped_risk(&problem, self.mixing, self.lambda, &privacy)?.equivalent.total())
    }
}

const SIZES: [f64; 4] = [4.0, 8.0, 16.0, 32.0];

fn clipped_at_size(c: &Clipping, size: f64, seed: u64, count: u64, t: f64) -> Result<Estimate, CheckError> {
    let (n, d) = (c.n * size as usize, c.d * size as usize);
    let privacy = LabelPrivacy::new(t, c.epsilon)?;
    let experiment =
        ClippedExperiment::new(Population::isotropic(d, R2, S2)?, n, c.k, c.mixing, c.lambda, privacy)?;
    // The deviation falls like the root of the size: labels are drawn.
    let count = (count as f64 * SIZES[3] / size).ceil() as u64;
    replicas(seed, count, || experiment.work(), |rng, work| experiment.replicate(rng, work))
}

/// `Pr(|y| < T)`, `E clip(y)^2` and `E[clip(y) x]`-gain by the trapezoidal rule on the normal density between kinks.
fn by_quadrature(t: f64, v: f64) -> Vec<f64> {
    // tanh-sinh between -T/v and T/v; the tail mass from erfc.
    let h = t / v;
    let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let (mut mass, mut second) = (0.0, 0.0);
    let step = 1.0 / 64.0;
    for i in -256..=256_i32 {
        let s = f64::from(i) * step;
        let inner = 0.5 * std::f64::consts::PI * s.sinh();
        let z = h * inner.tanh();
        let weight = h * 0.5 * std::f64::consts::PI * s.cosh() / inner.cosh().powi(2) * step;
        mass += weight * density(z);
        second += weight * density(z) * z * z;
    }
    let tails = libm::erfc(h / std::f64::consts::SQRT_2);
    vec![mass, v * v * second + t * t * tails]
}

fn moments(c: &Parameters) -> Result<Vec<f64>, CheckError> {
    let (t, r2, s2) = (read(c, "T"), read(c, "r2"), read(c, "s2"));
    let label = clipped_label(t, r2, s2)?;
    Ok(vec![label.mu, label.second_moment])
}

fn read(c: &Parameters, key: &str) -> f64 {
    c.as_map()[key].as_f64().unwrap_or(f64::NAN)
}

pub(super) fn clipping() -> Claim {
    let channel = Identity::new(
        "channel",
        "gain and second moment of a clipped label, against quadrature",
        |_, _| {
            [(1.0, 1.0, 0.5), (2.0, 0.7, 0.3), (0.05, 1.0, 1.0), (6.0, 1.0, 0.2), (0.7, 0.0, 1.0)]
                .map(|(t, r2, s2)| Parameters::new().with("T", t).with("r2", r2).with("s2", s2))
                .to_vec()
        },
        moments,
        |c| Ok(by_quadrature(read(c, "T"), (read(c, "r2") + read(c, "s2")).sqrt())),
        // 513 positive terms.
        |_| Ok(1e3 * f64::EPSILON),
    )
    .wrong("v for v^2", |c| {
        let (t, v2) = (read(c, "T"), read(c, "r2") + read(c, "s2"));
        let label = clipped_label(t, v2 * v2 + 0.1, 0.0)?;
        Ok(vec![label.mu, label.second_moment])
    })
    .wrong("mass outside forgotten", |c| {
        let mut m = moments(c)?;
        let t = read(c, "T");
        m[1] -= 0.5 * t * t * (1.0 - m[0]) + 1e-6;
        Ok(m)
    })
    .broken("clipped at 2T", |c| {
        Ok(by_quadrature(2.0 * read(c, "T"), (read(c, "r2") + read(c, "s2")).sqrt()))
    });

    let risk = Asymptotic::new(
        "risk",
        "mean risk of training on clipped labels, Laplace noise averaged exactly, $n,d\\to\\infty$",
        |budget, _| {
            let cell = |n, k, mixing, lambda, t, epsilon| Clipping { n, d: 1, k, mixing, lambda, t, epsilon };
            let mut cells = vec![cell(4, 2, Mixing::BAG, 0.02, 0.7, None)];
            if budget == Budget::Full {
                cells.push(cell(3, 3, rho(0.3), 0.01, 1.0, Some(4.0)));
                cells.push(cell(4, 4, rho(0.5), 0.1, 1.0, Some(4.0)));
            }
            cells
        },
        |c: &Clipping| c.limit(c.t, 1.0),
        |c, size, seed, count| clipped_at_size(c, size, seed, count, c.t),
        &SIZES,
        &[1.0],
        (4000, 30_000),
    )
    .wrong("clipping bias forgotten", |c| c.limit(1e3 * c.t, 1e3))
    .wrong("clip level T v", |c| c.limit(c.t * (R2 + S2).sqrt(), (R2 + S2).sqrt()))
    .broken("labels clipped at T/2", |c, size, seed, count| clipped_at_size(c, size, seed, count, 0.5 * c.t));

    Claim {
        id: "AGG-12",
        chapter: Chapter::Aggregate,
        title: "Clipping at a fixed level",
        statement: "With $v^2=r^2+\\sigma^2$, $h=T/v$, clipping Gaussian labels at $T$ acts as a linear channel with gain and residual variance \
            $$\\mu=\\mathrm{erf}(h/\\sqrt2),\\qquad M_2=v^2[\\mu-2h\\varphi(h)]+T^2(1-\\mu),\\qquad \\sigma_\\mu^2=M_2-\\mu^2r^2,$$ and the risk tends to that of AGG-4 with the \
            groups $(p,1,\\mu,\\sigma_\\mu^2+\\kappa/k)$ and $(1-p,\\tau,0,0)$.",
        assumptions: "Isotropic Gaussian covariates, Gaussian label noise, $n,d\\to\\infty$.",
        source: "derived",
        formula: "solvable_theory::aggregate::{clipped_label, clipped_risk}",
        simulator: "solvable_sim::aggregate::ClippedExperiment",
        checks: vec![Box::new(channel), Box::new(risk)],
    }
}
