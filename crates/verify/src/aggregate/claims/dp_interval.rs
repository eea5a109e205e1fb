//! DP-2, 6, 8: the smoothed mechanism on an interval.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use solvable_model::aggregate::{Epsilon, IntervalData, IntervalFunctional};
use solvable_sim::aggregate::private::IntervalMechanism;
use solvable_theory::aggregate::private::{
    IntervalLaw, failure_bound, inverse_sensitivity_density, path_length_needed,
};

use super::support::replicas;
use crate::check::{Bound, Budget, Expectation, Identity};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

#[derive(Clone, Debug)]
struct Sample {
    functional: IntervalFunctional,
    data: Vec<f64>,
    lo: f64,
    hi: f64,
    radius: f64,
    epsilon: f64,
}

impl Cell for Sample {
    fn parameters(&self) -> Parameters {
        let name = if self.functional == IntervalFunctional::Median { "median" } else { "mean" };
        Parameters::new()
            .with("f", name)
            .with("data", self.data.clone())
            .with("lo", self.lo)
            .with("hi", self.hi)
            .with("rho", self.radius)
            .with("eps", self.epsilon)
    }
}

impl Sample {
    fn law(&self) -> Result<IntervalLaw, CheckError> {
        let data = IntervalData::new(&self.data, self.lo, self.hi)?;
        Ok(inverse_sensitivity_density(&data, self.functional, self.radius, Epsilon::new(self.epsilon)?)?)
    }

    fn literal(&self, data: &[f64], epsilon: f64) -> Result<IntervalMechanism, CheckError> {
        let data = IntervalData::new(data, self.lo, self.hi)?;
        Ok(IntervalMechanism::new(&data, self.functional, self.radius, Epsilon::new(epsilon)?)?)
    }

    /// Points at which laws are compared, away from the jumps with probability 1.
    fn points(&self) -> Vec<f64> {
        let (low, high) = (self.lo - self.radius, self.hi + self.radius);
        (0..40).map(|i| low + (high - low) * (0.011 + 0.0247 * f64::from(i)).min(0.999)).collect()
    }
}

fn samples(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Sample> {
    let mut cells = vec![
        Sample {
            functional: IntervalFunctional::Median,
            data: vec![-1.0, 0.2, 0.5, 0.9, 2.0],
            lo: -2.5,
            hi: 2.5,
            radius: 0.1,
            epsilon: 1.0,
        },
        // Ties, data on an end, one point.
        Sample {
            functional: IntervalFunctional::Median,
            data: vec![0.0, 0.0, 0.0, 0.7, 1.0],
            lo: 0.0,
            hi: 1.0,
            radius: 0.05,
            epsilon: 2.0,
        },
        Sample {
            functional: IntervalFunctional::Median,
            data: vec![0.3],
            lo: 0.0,
            hi: 1.0,
            radius: 0.2,
            epsilon: 0.5,
        },
    ];
    let times = if budget == Budget::Quick { 1 } else { 10 };
    for _ in 0..times {
        for (functional, n) in
            [(IntervalFunctional::Median, 7), (IntervalFunctional::Mean, 4), (IntervalFunctional::Mean, 7)]
        {
            let data = (0..n).map(|_| rng.random::<f64>() * 4.0 - 2.0).collect();
            let (radius, epsilon) = (0.01 + 0.2 * rng.random::<f64>(), 0.3 + 2.0 * rng.random::<f64>());
            cells.push(Sample { functional, data, lo: -2.5, hi: 2.5, radius, epsilon });
        }
    }
    cells
}

/// Normaliser, mean absolute error, three tails, and the density at 40 points.
fn by_theory(c: &Sample) -> Result<Vec<f64>, CheckError> {
    let law = c.law()?;
    let mut values = vec![law.normaliser(), law.mean_absolute_error()];
    for x in [0.2, 0.5, 2.0] {
        values.push(law.tail(x)?);
    }
    for t in c.points() {
        values.push(law.density(t)?);
    }
    Ok(values)
}

fn by_subsets(c: &Sample, rate: f64, radius: f64) -> Result<Vec<f64>, CheckError> {
    let other = Sample { radius, ..c.clone() };
    let epsilon = rate * c.epsilon;
    let mechanism = other.literal(&c.data, epsilon)?;
    let stairs = mechanism.staircase();
    let total = stairs.normaliser();
    let mut values = vec![total, stairs.mean_absolute_deviation()];
    for x in [0.2, 0.5, 2.0] {
        values.push(stairs.tail(mechanism.centre(), x));
    }
    for t in c.points() {
        values.push(mechanism.length(t).map_or(0.0, |l| (-0.5 * epsilon * l as f64).exp() / total));
    }
    Ok(values)
}

fn lengths_by_theory(c: &Sample) -> Result<Vec<f64>, CheckError> {
    let law = c.law()?;
    Ok(c.points().iter().map(|&t| law.length(t).map_or(-1.0, |l| l as f64)).collect())
}

fn sampled(c: &Sample, seed: u64, count: u64, epsilon: f64) -> Result<Estimate, CheckError> {
    let mechanism = c.literal(&c.data, epsilon)?;
    let centre = mechanism.centre();
    replicas(
        seed,
        count,
        || (),
        |rng, ()| {
            // Four draws a replica: less skewed.
            let total: f64 = (0..4).map(|_| (mechanism.sample(rng) - centre).abs()).sum();
            Ok::<_, std::convert::Infallible>(0.25 * total)
        },
    )
}

pub(super) fn output_law() -> Claim {
    let law = Identity::new(
        "law",
        "normaliser, mean absolute error, tails and density, against lengths from all subsets of changed points",
        samples,
        by_theory,
        |c| by_subsets(c, 1.0, c.radius),
        // Ends of segments found to an ulp of the range; at most 2n+1 segments.
        |c| Ok(256.0 * c.data.len() as f64 * f64::EPSILON),
    )
    .scale(|c| Ok(by_theory(c)?.into_iter().fold(1.0, f64::max)))
    .wrong("weights exp(-eps length)", |c| by_theory(&Sample { epsilon: 2.0 * c.epsilon, ..c.clone() }))
    .wrong("normaliser without the flat top 2 rho", |c| {
        let mut values = by_theory(c)?;
        values[0] -= 2.0 * c.radius;
        Ok(values)
    })
    .broken("no smoothing", |c| by_subsets(c, 1.0, 0.5 * c.radius));

    let lengths = Identity::new(
        "lengths",
        "path length at 40 points, against all subsets of changed points",
        samples,
        lengths_by_theory,
        |c| {
            let mechanism = c.literal(&c.data, c.epsilon)?;
            Ok(c.points().iter().map(|&t| mechanism.length(t).map_or(-1.0, |l| l as f64)).collect())
        },
        |_| Ok(f64::EPSILON),
    )
    .wrong("one change more outside the top", |c| {
        Ok(lengths_by_theory(c)?.into_iter().map(|l| if l > 0.0 { l + 1.0 } else { l }).collect())
    })
    .wrong("half as many changes", |c| {
        Ok(lengths_by_theory(c)?.into_iter().map(|l| (0.5 * l).ceil()).collect())
    })
    .broken("changed points count twice", |c| {
        let mechanism = c.literal(&c.data, c.epsilon)?;
        Ok(c.points().iter().map(|&t| mechanism.length(t).map_or(-1.0, |l| 2.0 * l as f64)).collect())
    });

    let draws = Expectation::new(
        "draws",
        "mean absolute error of rejection samples",
        |_, rng| {
            samples(Budget::Quick, rng)
                .into_iter()
                .filter(|c| c.data.len() == 5 || c.data.len() == 4)
                .collect()
        },
        |c| Ok(c.law()?.mean_absolute_error()),
        |c, seed, count| sampled(c, seed, count, c.epsilon),
    )
    .replicas(2048, 1 << 17, 1 << 20)
    .wrong("normaliser forgotten", |c| {
        let law = c.law()?;
        Ok(law.mean_absolute_error() * law.normaliser())
    })
    .wrong("half-width of the top", |c| Ok(0.5 * c.radius))
    .broken("weights exp(-eps length)", |c, seed, count| sampled(c, seed, count, 2.0 * c.epsilon));

    claim(
        "DP-6",
        "Exact output law of the private median and mean",
        "Values reachable with $j$ changes form nested intervals $A_j=[\\ell_j,u_j]$: for the median of $n=2h+1$ data $\\ell_j=x_{(h+1-j)}$, $u_j=x_{(h+1+j)}$, beyond the data $lo$ and $hi$. Then \
            $$Z=2\\rho+\\sum_{j\\ge1}e^{-\\epsilon j/2}\\big[(\\ell_{j-1}-\\ell_j)+(u_j-u_{j-1})\\big],\\qquad \\pi(t)=e^{-\\epsilon\\,\\mathrm{len}^\\rho(S;t)/2}/Z$$ on \
            $[lo-\\rho,hi+\\rho]$, from which tails and $\\mathbb E|M-f(S)|$ follow exactly.",
        "solvable_theory::aggregate::private::inverse_sensitivity_density",
        vec![Box::new(law), Box::new(lengths), Box::new(draws)],
    )
}

/// Three data, the replaced value and t from a point of the cube; lo = 0, hi = 1.
#[derive(Clone, Copy, Debug)]
struct Continuous {
    functional: IntervalFunctional,
    radius: f64,
    epsilon: f64,
}

impl Cell for Continuous {
    fn parameters(&self) -> Parameters {
        let name = if self.functional == IntervalFunctional::Median { "median" } else { "mean" };
        Parameters::new().with("f", name).with("n", 3).with("rho", self.radius).with("eps", self.epsilon)
    }
}

impl Continuous {
    /// `|log pi_S(t) - log pi_S'(t)|`; `support` restricts proposals to the data's own range: a broken mechanism.
    fn loss(&self, x: &[f64], rate: f64, changed: usize) -> Result<f64, CheckError> {
        let base = Sample {
            functional: self.functional,
            data: x[..3].to_vec(),
            lo: 0.0,
            hi: 1.0,
            radius: self.radius,
            epsilon: rate * self.epsilon,
        };
        let mut other = base.data.clone();
        for value in other.iter_mut().take(changed) {
            *value = x[3];
        }
        let t = -self.radius + (1.0 + 2.0 * self.radius) * x[4];
        let log = |data: &[f64]| -> Result<f64, CheckError> {
            let mechanism = base.literal(data, base.epsilon)?;
            let length = mechanism.length(t).unwrap_or(usize::MAX >> 12) as f64;
            Ok(-0.5 * base.epsilon * length - mechanism.staircase().normaliser().ln())
        };
        Ok((log(&base.data)? - log(&other)?).abs())
    }
}

pub(super) fn smoothed() -> Claim {
    let check = Bound::new(
        "privacy",
        "log-ratio of output densities on neighbouring datasets of three numbers, at any output",
        |_, _| {
            vec![
                Continuous { functional: IntervalFunctional::Median, radius: 0.02, epsilon: 1.0 },
                Continuous { functional: IntervalFunctional::Mean, radius: 0.05, epsilon: 2.0 },
            ]
        },
        5,
        |c, _| Ok(Some(c.epsilon)),
        |c, x| c.loss(x, 1.0, 1).map(Some),
        1e-10,
    )
    .slack("the loss of a mechanism of three points stays below epsilon")
    .search(4, 700, 12_000)
    .wrong("half of epsilon", |c, _| Ok(Some(0.5 * c.epsilon)))
    .wrong("epsilon over n", |c, _| Ok(Some(c.epsilon / 3.0)))
    .broken("weights exp(-eps length)", |c, x| c.loss(x, 2.0, 1).map(Some))
    .broken("all points replaced", |c, x| c.loss(x, 1.5, 3).map(Some));
    claim(
        "DP-2",
        "The smoothed mechanism is private",
        "With $\\mathrm{len}^\\rho_f(S;t)=\\min\\{d_H(S,S'):\\|f(S')-t\\|\\le\\rho\\}$, the density proportional to $e^{-\\epsilon\\,\\mathrm{len}^\\rho_f(S;t)/2}$ on the fixed set \
            $[lo-\\rho,hi+\\rho]$ is $\\epsilon$-differentially private.",
        "solvable_theory::aggregate::private::inverse_sensitivity_density",
        vec![Box::new(check)],
    )
}

/// R = 1: three data in [-1, 1], rho from 0.007 to 1, epsilon from 0.4 to 20, K from 1 to 3.
fn robust(x: &[f64]) -> (Vec<f64>, f64, f64, usize) {
    let data = x[..3].iter().map(|u| 2.0 * u - 1.0).collect();
    let k = 1 + ((x[5] * 3.0) as usize).min(2);
    (data, (-5.0 * x[3]).exp(), (4.0 * x[4] - 1.0).exp(), k)
}

fn tail_at(data: &[f64], radius: f64, epsilon: f64, k: usize) -> Result<f64, CheckError> {
    let data = IntervalData::new(data, -1.0, 1.0)?;
    let mechanism =
        IntervalMechanism::new(&data, IntervalFunctional::Median, radius, Epsilon::new(epsilon)?)?;
    Ok(mechanism.staircase().length_tail(k))
}

pub(super) fn robust_implies_private() -> Claim {
    let tail = Bound::new(
        "tail",
        "probability of path length $K$ or more for the median of three numbers, against $(R/\\rho+1)e^{-\\epsilon K/2}$",
        |_, _| vec![Parameters::new().with("n", 3).with("R", 1.0)],
        6,
        |_, x| {
            let (_, radius, epsilon, k) = robust(x);
            Ok(Some(failure_bound(1, 1.0, radius, Epsilon::new(epsilon)?, k as f64)?))
        },
        |_, x| {
            let (data, radius, epsilon, k) = robust(x);
            tail_at(&data, radius, epsilon, k).map(Some)
        },
        1e-9,
    )
    .tight(0.05)
    .search(8, 4000, 60_000)
    .wrong("e^(-eps K)", |_, x| {
        let (_, radius, epsilon, k) = robust(x);
        Ok(Some(failure_bound(1, 1.0, radius, Epsilon::new(2.0 * epsilon)?, k as f64)?))
    })
    .wrong("half the radius of the range", |_, x| {
        let (_, radius, epsilon, k) = robust(x);
        Ok(Some(failure_bound(1, 0.5, radius, Epsilon::new(epsilon)?, k as f64)?))
    })
    .broken("path length K - 1 or more", |_, x| {
        let (data, radius, epsilon, k) = robust(x);
        tail_at(&data, radius, epsilon, k - 1).map(Some)
    });

    let needed = Bound::new(
        "path length needed",
        "probability of path length $K$ or more at the $K$ that theory gives for $\\beta$, against $\\beta$",
        |_, _| vec![Parameters::new().with("n", 3).with("R", 1.0)],
        6,
        |_, x| Ok(needed_for(x)?.map(|(beta, _)| beta)),
        |_, x| {
            let (data, radius, epsilon, _) = robust(x);
            let Some((_, k)) = needed_for(x)? else { return Ok(None) };
            tail_at(&data, radius, epsilon, k).map(Some)
        },
        1e-9,
    )
    .slack("K is a whole number")
    .search(4, 1500, 20_000)
    .wrong("a tenth of beta", |_, x| Ok(needed_for(x)?.map(|(beta, _)| 0.1 * beta)))
    .wrong("beta squared", |_, x| Ok(needed_for(x)?.map(|(beta, _)| beta * beta)))
    .broken("one change fewer", |_, x| {
        let (data, radius, epsilon, _) = robust(x);
        let Some((_, k)) = needed_for(x)? else { return Ok(None) };
        tail_at(&data, radius, epsilon, k - 1).map(Some)
    });

    claim(
        "DP-8",
        "Robust estimators are private, with constants",
        "$f$ with values in a ball of radius $R$ of $\\mathbb R^d$, the smoothed mechanism, every dataset $S$ and every $K\\ge1$: \
            $$\\Pr[\\mathrm{len}^\\rho(S;M)\\ge K]\\le\\Big(\\frac R\\rho+1\\Big)^de^{-\\epsilon K/2}.$$ With $K=\\lceil\\frac2\\epsilon(d\\log(\\frac R\\rho+1)+\\log\\frac1\\beta)\\rceil$ some dataset within $K-1$ \
            changes has an estimate within $\\rho$ of the output, with probability at least $1-\\beta$.",
        "solvable_theory::aggregate::private::{failure_bound, path_length_needed}",
        vec![Box::new(tail), Box::new(needed)],
    )
}

/// beta in (0.001, 0.9) and the K it needs; `None` where K is beyond the three data (a tail of 0).
fn needed_for(x: &[f64]) -> Result<Option<(f64, usize)>, CheckError> {
    let (_, radius, epsilon, _) = robust(x);
    let beta = 0.001 + 0.9 * x[5];
    let k = path_length_needed(1, 1.0, radius, Epsilon::new(epsilon)?, beta)?;
    Ok((k <= 3.0).then_some((beta, k as usize)))
}

fn claim(
    id: &'static str,
    title: &'static str,
    statement: &'static str,
    formula: &'static str,
    checks: Vec<Box<dyn crate::check::Check>>,
) -> Claim {
    Claim {
        id,
        chapter: Chapter::Aggregate,
        title,
        statement,
        assumptions: "Data in a fixed interval known beforehand; neighbours differ in one replaced number.",
        source: "Asi, Ullman, Zakynthinou (ICML 2023, arXiv 2302.01855): definitions; constants derived",
        formula,
        simulator: "solvable_sim::aggregate::private::IntervalMechanism, all subsets of changed points",
        checks,
    }
}
