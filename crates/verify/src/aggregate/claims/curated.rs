//! AGG-14, AGG-15: bags built from the response.
use rand_chacha::ChaCha12Rng;
use solvable_model::aggregate::{BagDesign, FiniteDesign, IsotropicLimit, Mixing};
use solvable_sim::aggregate::{CuratedExperiment, exhaustive_least_cost, random_bags, within_cost};
use solvable_sim::normal;
use solvable_theory::aggregate::{
    curated_limit, curated_risk, expected_risk, optimal_bags, optimal_equal_bags, quantile_bin_share,
    random_bag_cost,
};

use super::support::{Part, replicas};
use crate::check::{Asymptotic, Budget, Contraction, Expectation, Identity, Limit};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

const R2: f64 = 1.2;
const S2: f64 = 0.8;

#[derive(Clone, Debug)]
struct Curated {
    order: &'static str,
    z: Vec<f64>,
    bags: BagDesign,
    d: usize,
    part: Part,
}

impl Cell for Curated {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("bags", self.order)
            .with("n", self.z.len())
            .with("m", self.bags.bags())
            .with("d", self.d)
            .with("part", self.part.name())
    }
}

/// Rows in the order of a key, cut into bags of k.
fn by_key(z: &[f64], k: usize, key: fn(f64) -> f64) -> BagDesign {
    let mut rows: Vec<usize> = (0..z.len()).collect();
    rows.sort_by(|&i, &j| key(z[i]).total_cmp(&key(z[j])));
    let bags: Vec<Vec<usize>> = rows.chunks(k).map(<[usize]>::to_vec).collect();
    BagDesign::new(z.len(), &bags).expect("chunks of a permutation are a partition")
}

fn cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Curated> {
    let mut cells = Vec::new();
    for (n, d, k) in [(60, 10, 3), (40, 20, 4)] {
        let mut z = vec![0.0; n];
        normal::fill(rng, &mut z);
        let mut add = |order, bags: BagDesign, part| {
            if budget == Budget::Full || d == 10 {
                cells.push(Curated { order, z: z.clone(), bags, d, part });
            }
        };
        let drawn = BagDesign::consecutive(n, k).expect("these k divide n");
        for part in Part::BOTH {
            add("as drawn", drawn.clone(), part);
        }
        // The bias of sorted bags is near 0 and skewed: its variance only.
        add("sorted", by_key(&z, k, |x| x), Part::Var);
        add("sorted by |z|", by_key(&z, k, f64::abs), Part::Bias);
    }
    cells
}

fn exact(c: &Curated) -> Result<f64, CheckError> {
    Ok(c.part.of(curated_risk(&c.bags, &c.z, c.d, R2, S2)?.risk))
}

fn simulate(c: &Curated, seed: u64, count: u64, bags: BagDesign) -> Result<Estimate, CheckError> {
    let experiment = CuratedExperiment::new(c.z.clone(), bags, c.d, R2, S2)?;
    let part = c.part;
    replicas(
        seed,
        count,
        || experiment.work(),
        |rng, work| experiment.replicate(rng, work).map(|r| part.seen(r)),
    )
}

fn share(c: &Curated) -> Result<f64, CheckError> {
    Ok(curated_risk(&c.bags, &c.z, c.d, R2, S2)?.omega)
}

pub(super) fn risk() -> Claim {
    let conditional = Expectation::new(
        "conditional on the projection",
        "mean of both parts over the other $d-1$ columns, bags sorted, as drawn, and sorted by $|z|$",
        cells,
        exact,
        |c, seed, count| simulate(c, seed, count, c.bags.clone()),
    )
    .replicas(2048, 1 << 16, 1 << 20)
    .wrong("d for d - 1 in kappa_0", |c| {
        let value = exact(c)?;
        let d = c.d as f64;
        let w = share(c)?;
        let base = if c.part == Part::Bias { R2 * w * w } else { 0.0 };
        Ok(base + (value - base) * d / (d - 1.0))
    })
    .wrong("random bags: the share q/n of independent bags", |c| {
        let n = c.z.len();
        let design = FiniteDesign::new(n, c.d, n / c.bags.bags(), R2, S2)?;
        Ok(1.001 * c.part.of(expected_risk(&design, Mixing::INSTANCE)?))
    })
    .broken("bags of other rows", |c, seed, count| {
        simulate(c, seed, count, by_key(&c.z, 2 * c.z.len() / c.bags.bags(), |x| -x))
    });

    let large = Limit::new(
        "large sizes",
        "the exact conditional risk for $z$ with $\\|z\\|^2=n$ and a fixed within-bag share, sizes doubled",
        |_, _| {
            [(0.25, 2, Part::Bias), (0.25, 2, Part::Var), (0.5, 4, Part::Bias), (0.125, 4, Part::Var)]
                .map(|(gamma, k, part)| Shape { gamma, k, part })
                .to_vec()
        },
        |c: &Shape| c.limit(0.5),
        Shape::sizes,
        |_| Ok(Contraction::Order { order: 1.0, tolerance: 0.05 }),
        1e-12,
    )
    .wrong("share 1 - 1/k of random bags", |c| c.limit(1.0 - 1.0 / (1.0 + c.k as f64)))
    .wrong("omega for omega squared", |c| {
        Ok(c.limit(0.5)? + if c.part == Part::Bias { R2 * 0.25 } else { 0.01 })
    })
    .broken("twice the covariates", |c| Shape { gamma: 1.5 * c.gamma, ..*c }.sizes());

    Claim {
        id: "AGG-14",
        chapter: Chapter::Aggregate,
        title: "Exact risk of bags built from the response",
        statement: "Isotropic, instance level, no ridge, $n\\ge d+2$, bags any function of $z=X\\theta^*/\\|\\theta^*\\|$. With $\\omega=1-\\|Pz\\|^2/\\|z\\|^2$ and \
            $\\kappa_0=\\frac{d-1}{(n-1)(n-d-1)}$: $$\\mathbb E[\\text{Bias}^2\\mid z]=r^2[\\omega^2+\\kappa_0\\omega(1-\\omega)(\\|z\\|^2+1)],$$ \
            $$\\mathbb E[\\text{Var}\\mid z]=\\sigma^2\\Big[\\frac{1-\\omega}{\\|z\\|^2}+(m-1+\\omega)\\kappa_0\\Big(1+\\frac1{\\|z\\|^2}\\Big)\\Big].$$ Limit: \
            $r^2[\\omega^2+\\frac\\gamma{1-\\gamma}\\omega(1-\\omega)]$ and $\\sigma^2\\frac{p\\gamma}{1-\\gamma}$. Sorted bags have $\\omega\\to0$: bags leak $z$.",
        assumptions: "Gaussian covariates. Fourth moments exist for $n\\ge d+8$; only such sizes are sampled.",
        source: "derived",
        formula: "solvable_theory::aggregate::{curated_risk, curated_limit}",
        simulator: "solvable_sim::aggregate::CuratedExperiment",
        checks: vec![Box::new(conditional), Box::new(large)],
    }
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    gamma: f64,
    k: usize,
    part: Part,
}

impl Cell for Shape {
    fn parameters(&self) -> Parameters {
        Parameters::new().with("gamma", self.gamma).with("k", self.k).with("part", self.part.name())
    }
}

impl Shape {
    fn limit(&self, omega: f64) -> Result<f64, CheckError> {
        Ok(self.part.of(curated_limit(&IsotropicLimit::new(self.gamma, self.k as f64, R2, S2)?, omega)?))
    }

    /// z = ±1 so that half of each bag is +1 in every second bag and all are +1 in the others: share 1/2.
    fn sizes(&self) -> Result<Vec<f64>, CheckError> {
        (3..=9)
            .map(|power| {
                let n = (2 * self.k) << power;
                let z: Vec<f64> = (0..n)
                    .map(|i| if (i / self.k).is_multiple_of(2) && i % 2 == 1 { -1.0 } else { 1.0 })
                    .collect();
                let d = (self.gamma * n as f64).round() as usize;
                let bags = BagDesign::consecutive(n, self.k)?;
                Ok(self.part.of(curated_risk(&bags, &z, d, R2, S2)?.risk))
            })
            .collect()
    }
}

#[derive(Clone, Debug)]
struct Values {
    x: Vec<f64>,
    k: usize,
    equal: bool,
}

impl Cell for Values {
    fn parameters(&self) -> Parameters {
        let what = if self.equal { "exactly" } else { "at least" };
        // The values, so that cells of equal size keep their own streams.
        Parameters::new().with("bags of", what).with("k", self.k).with("x", self.x.clone())
    }
}

fn values(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Values> {
    let times = if budget == Budget::Quick { 1 } else { 5 };
    let mut cells = vec![
        Values { x: vec![0.0, 1.0, 10.0, 11.0, 12.0, 30.0, 31.0], k: 2, equal: false },
        Values { x: vec![0.0, 1.0, 10.0, 11.0, 12.0, 30.0, 31.0], k: 3, equal: false },
        // Ties, and all equal but one.
        Values { x: vec![1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 5.0], k: 3, equal: false },
        Values { x: vec![0.0, 0.0, 0.0, 0.0, 1.0], k: 2, equal: false },
        Values { x: vec![3.0, -1.0, 2.0], k: 3, equal: true },
    ];
    for _ in 0..times {
        for (n, k, equal) in [(9, 3, true), (8, 2, true), (9, 2, false), (8, 3, false), (6, 1, false)] {
            let mut x = vec![0.0; n];
            normal::fill(rng, &mut x);
            cells.push(Values { x, k, equal });
        }
    }
    cells
}

fn best(c: &Values) -> Result<f64, CheckError> {
    Ok(if c.equal { optimal_equal_bags(&c.x, c.k)?.cost } else { optimal_bags(&c.x, c.k)?.cost })
}

/// Blocks of k of the values in the given order, the rest joined to the last block.
fn blocks(c: &Values, sorted: bool) -> f64 {
    let mut rows: Vec<usize> = (0..c.x.len()).collect();
    if sorted {
        rows.sort_by(|&i, &j| c.x[i].total_cmp(&c.x[j]));
    } else {
        rows.reverse();
    }
    let m = (c.x.len() / c.k).max(1);
    let mut bags: Vec<Vec<usize>> = rows[..m * c.k].chunks(c.k).map(<[usize]>::to_vec).collect();
    if let Some(last) = bags.last_mut() {
        last.extend(&rows[m * c.k..]);
    }
    within_cost(&c.x, &bags)
}

fn mean_cost(c: &Values, seed: u64, count: u64, k: usize) -> Result<Estimate, CheckError> {
    let n = c.x.len();
    replicas(
        seed,
        count,
        || (),
        |rng, ()| {
            let design = random_bags(rng, n, k)?;
            let bags: Vec<Vec<usize>> = (0..design.bags()).map(|a| design.members(a).to_vec()).collect();
            Ok::<_, solvable_model::InputError>(within_cost(&c.x, &bags))
        },
    )
}

/// Share of a sorted normal sample of m K values lost by blocks of K.
fn sample_share(size: f64, seed: u64, count: u64, bins: usize) -> Result<Estimate, CheckError> {
    let n = bins * size as usize;
    replicas(
        seed,
        (count as f64 * 64.0 / size).ceil() as u64,
        || vec![0.0; n],
        |rng, x| {
            normal::fill(rng, x);
            x.sort_unstable_by(f64::total_cmp);
            let within: f64 = x
                .chunks_exact(n / bins)
                .map(|block| {
                    let mean = block.iter().sum::<f64>() / block.len() as f64;
                    block.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>()
                })
                .sum();
            Ok::<_, std::convert::Infallible>(within / n as f64)
        },
    )
}

fn bins(c: &Parameters) -> usize {
    c.as_map()["m"].as_u64().unwrap_or(1) as usize
}

pub(super) fn construction() -> Claim {
    let optimum = Identity::new(
        "optimal bags",
        "least within-bag cost against all partitions of up to 9 values",
        values,
        |c| Ok(vec![best(c)?]),
        |c| {
            let k = c.k;
            let least = if c.equal {
                exhaustive_least_cost(&c.x, |s| s == k)?
            } else {
                exhaustive_least_cost(&c.x, |s| s >= k)?
            };
            Ok(vec![least])
        },
        |_| Ok(256.0 * f64::EPSILON),
    )
    .scale(|c| {
        let all: Vec<usize> = (0..c.x.len()).collect();
        Ok(within_cost(&c.x, &[all]))
    })
    .wrong("blocks of k in sorted order, the rest with the last", |c| Ok(vec![blocks(c, true)]))
    .wrong("blocks in the given order", |c| Ok(vec![blocks(c, false)]))
    .broken("bags of at most k", |c| {
        let k = c.k;
        Ok(vec![exhaustive_least_cost(&c.x, |s| s <= k)?])
    });

    let random = Expectation::new(
        "random bags",
        "mean cost of a random partition into bags of exactly $k$",
        |_, rng: &mut ChaCha12Rng| {
            let mut x = vec![0.0; 40];
            normal::fill(rng, &mut x);
            vec![Values { x: x.clone(), k: 4, equal: true }, Values { x, k: 5, equal: true }]
        },
        |c: &Values| Ok(random_bag_cost(&c.x, c.k)?),
        |c, seed, count| mean_cost(c, seed, count, c.k),
    )
    .replicas(2048, 1 << 18, 1 << 20)
    .wrong("with replacement: (n-m)/n", |c| {
        let n = c.x.len() as f64;
        Ok(random_bag_cost(&c.x, c.k)? * (n - 1.0) / n)
    })
    .wrong("all of the variance", |c| {
        let all: Vec<usize> = (0..c.x.len()).collect();
        Ok(within_cost(&c.x, &[all]))
    })
    .broken("bags half as large", |c, seed, count| mean_cost(c, seed, count, c.k / 2));

    let quantiles = Asymptotic::new(
        "quantile bins",
        "share of the variance of a sorted normal sample lost by $m$ equal blocks, blocks of 16 to 128",
        |_, _| [2, 4, 10].map(|m| Parameters::new().with("m", m)).to_vec(),
        |c: &Parameters| Ok(quantile_bin_share(bins(c))?),
        |c, size, seed, count| sample_share(size, seed, count, bins(c)),
        // Smaller blocks are curved beyond a straight line at the full budget's errors.
        &[16.0, 32.0, 64.0, 128.0],
        &[1.0],
        (1500, 10_000),
    )
    .wrong("one bin more", |c| Ok(quantile_bin_share(bins(c) + 1)?))
    .wrong("equal widths: 1/m^2", |c| Ok((bins(c) as f64).powi(-2)))
    .broken("half as many blocks", |c, size, seed, count| sample_share(size, seed, count, bins(c) / 2));

    Claim {
        id: "AGG-15",
        chapter: Chapter::Aggregate,
        title: "Bag construction as one-dimensional k-means with size limits",
        statement: "For values $\\mu_i$ the within-bag cost is $\\mathcal C=\\sum_a\\sum_{i\\in a}(\\mu_i-\\bar\\mu_a)^2$. Bags of exactly $k$: consecutive blocks of the sorted \
            values are optimal. Bags of at least $k$: an optimum is contiguous in sorted order with sizes in $[k,2k-1]$. Random bags of exactly $k$: \
            $\\mathbb E\\,\\mathcal C=\\frac{n-m}{n-1}\\sum_i(\\mu_i-\\bar\\mu)^2$. In $m$ equiprobable bins of $N(0,1)$ with edges $q_j$: \
            $$\\omega_m=1-m\\sum_{j=1}^m\\big(\\varphi(q_{j-1})-\\varphi(q_j)\\big)^2.$$",
        assumptions: "Any real values; the last statement is for large samples.",
        source: "reduction: Javanmard, Fahrbach, Mirrokni, PriorBoost (ICML 2024, arXiv 2402.04987); statements derived",
        formula: "solvable_theory::aggregate::{optimal_bags, optimal_equal_bags, random_bag_cost, quantile_bin_share}",
        simulator: "solvable_sim::aggregate::{exhaustive_least_cost, random_bags}",
        checks: vec![Box::new(optimum), Box::new(random), Box::new(quantiles)],
    }
}
