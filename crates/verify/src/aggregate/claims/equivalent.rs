//! AGG-4: deterministic equivalent, general covariance.
use solvable_model::aggregate::{GroupedLimit, Mixing, RowGroup, SpectralLimit, SpectrumPart};
use solvable_sim::aggregate::{Population, RidgeExperiment};
use solvable_theory::aggregate::{bag_equivalent, equivalent};

use super::support::{Part, replicas, replicas_at, rho, rho_name};
use crate::check::{Asymptotic, Budget, Identity};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

const S2: f64 = 0.5;

/// Three eigenvalues; multiplicities 3, 2, 1 at 20 rows.
fn spectrum() -> Vec<SpectrumPart> {
    [(2.0, 0.15, 0.6), (0.5, 0.1, 0.9), (0.05, 0.05, 1.8)]
        .map(|(sigma, weight, theta2)| SpectrumPart { sigma, weight, theta2 })
        .to_vec()
}

/// Rows are this many times the rows of the smallest size.
const SIZES: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

/// Rows of the smallest size where the fit is a straight line: doubled on the full budget, whose errors would show the curvature
/// of sizes from 20 rows on.
fn least_rows(budget: Budget) -> usize {
    match budget {
        Budget::Quick => 20,
        Budget::Full => 40,
    }
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    k: usize,
    mixing: Mixing,
    lambda: f64,
    part: Part,
    /// Rows of the smallest size.
    rows: usize,
}

impl Cell for Setting {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("k", self.k)
            .with("rho", rho_name(self.mixing))
            .with("lambda", self.lambda)
            .with("part", self.part.name())
    }
}

const BAGS: [(usize, f64, f64); 4] = [(4, 0.5, 0.05), (2, 0.8, 0.2), (2, 1.0, 0.1), (4, 0.2, 0.0)];

fn settings(part: Part, rows: usize) -> Vec<Setting> {
    let setting = |(k, weight, lambda)| Setting { k, mixing: rho(weight), lambda, part, rows };
    // Too small a correction for its slope to be seen (bias without ridge), or too curved for the variances' fit.
    let seen = |c: &Setting| match part {
        Part::Bias => c.lambda > 0.0,
        Part::Var => !c.mixing.is_bag_level(),
    };
    BAGS.into_iter().map(setting).filter(seen).collect()
}

fn limit(c: &Setting, parts: Vec<SpectrumPart>) -> Result<f64, CheckError> {
    let problem = SpectralLimit::new(parts, c.k as f64, S2)?;
    Ok(c.part.of(bag_equivalent(&problem, c.mixing, c.lambda)?.risk))
}

fn at_size(
    c: &Setting,
    size: f64,
    seed: u64,
    count: u64,
    mixing: Mixing,
    ridge: f64,
) -> Result<Estimate, CheckError> {
    let n = c.rows * size as usize;
    let population = Population::from_parts(&spectrum(), n, S2)?;
    let experiment = RidgeExperiment::bags(population, n, c.k, mixing, ridge)?;
    let part = c.part;
    replicas(
        seed,
        replicas_at(size, SIZES[3], count),
        || experiment.work(),
        |rng, work| experiment.replicate(rng, work).map(|r| part.seen(r)),
    )
}

/// Three groups of rows: clean, noisy with half the weight and a shrunken target, and without signal.
fn groups() -> Vec<RowGroup> {
    [(0.5, 1.0, 1.0, 0.5), (0.3, 0.5, 0.7, 1.5), (0.2, 0.8, 0.0, 0.2)]
        .map(|(fraction, row_weight, target, noise_variance)| RowGroup {
            fraction,
            row_weight,
            target,
            noise_variance,
        })
        .to_vec()
}

fn grouped(c: &Setting, groups: Vec<RowGroup>) -> Result<f64, CheckError> {
    let limit = equivalent(&GroupedLimit::new(groups, spectrum())?, c.lambda)?;
    Ok(match c.part {
        Part::Bias => limit.bias2,
        Part::Var => limit.var,
    })
}

fn grouped_at_size(
    c: &Setting,
    size: f64,
    seed: u64,
    count: u64,
    groups: &[RowGroup],
) -> Result<Estimate, CheckError> {
    let n = c.rows * size as usize;
    let population = Population::from_parts(&spectrum(), n, 0.0)?;
    let experiment = RidgeExperiment::groups(population, n, groups, c.lambda)?;
    let part = c.part;
    replicas(
        seed,
        replicas_at(size, SIZES[3], count),
        || experiment.work(),
        |rng, work| experiment.replicate(rng, work).map(|r| part.seen(r)),
    )
}

/// The right-hand sides of (A3) at the returned point.
fn fixed_point_sides(c: &Setting, bag_weight: f64) -> Result<Vec<f64>, CheckError> {
    let point = point(c)?;
    let (p, tau) = (1.0 / c.k as f64, c.mixing.tau());
    let s = p * bag_weight / (1.0 + bag_weight * point[0]) + (1.0 - p) * tau / (1.0 + tau * point[0]);
    let delta = spectrum().iter().map(|j| j.weight * j.sigma / (point[1] * j.sigma + c.lambda)).sum();
    Ok(vec![delta, s])
}

fn point(c: &Setting) -> Result<Vec<f64>, CheckError> {
    let problem = SpectralLimit::new(spectrum(), c.k as f64, S2)?;
    let point = bag_equivalent(&problem, c.mixing, c.lambda)?.point;
    Ok(vec![point.delta, point.s])
}

/// One eigenvalue with the same trace and the same energy of predictions.
fn flattened() -> Vec<SpectrumPart> {
    let parts = spectrum();
    let weight: f64 = parts.iter().map(|j| j.weight).sum();
    let sigma = parts.iter().map(|j| j.weight * j.sigma).sum::<f64>() / weight;
    let theta2 = parts.iter().map(|j| j.sigma * j.theta2).sum::<f64>() / sigma;
    vec![SpectrumPart { sigma, weight, theta2 }]
}

pub(super) fn claim() -> Claim {
    let bias = Asymptotic::new(
        "bias",
        "mean conditional $\\text{Bias}^2$ of bags, eigenvalues 2, 0.5, 0.05, sizes $n=20,\\dots,160$",
        |_, _| settings(Part::Bias, 20),
        |c| limit(c, spectrum()),
        |c, size, seed, count| at_size(c, size, seed, count, c.mixing, c.lambda),
        &SIZES,
        &[1.0, 2.0],
        (192, 3000),
    )
    .wrong("isotropic covariance of the same trace", |c| limit(c, flattened()))
    .wrong("energies measured with the covariance", |c| {
        let parts = spectrum().into_iter().map(|j| SpectrumPart { theta2: j.sigma * j.theta2, ..j });
        limit(c, parts.collect())
    })
    .broken("ridge m lambda for n lambda", |c, size, seed, count| {
        at_size(c, size, seed, count, c.mixing, c.lambda / c.k as f64)
    });

    let variance = Asymptotic::new(
        "variance",
        "mean conditional $\\text{Var}$ of bags, same covariance and sizes",
        |budget, _| settings(Part::Var, least_rows(budget)),
        |c| limit(c, spectrum()),
        |c, size, seed, count| at_size(c, size, seed, count, c.mixing, c.lambda),
        &SIZES,
        &[1.0],
        (128, 128),
    )
    .wrong("isotropic covariance of the same trace", |c| limit(c, flattened()))
    .wrong("noise of a mean of k labels, s2/k", |c| {
        let problem = SpectralLimit::new(spectrum(), c.k as f64, S2 / c.k as f64)?;
        Ok(c.part.of(bag_equivalent(&problem, c.mixing, c.lambda)?.risk))
    })
    .broken("instance-level rows", |c, size, seed, count| {
        at_size(c, size, seed, count, Mixing::INSTANCE, c.lambda)
    });

    let general = Asymptotic::new(
        "groups of rows",
        "mean conditional risk of three groups of rows with their own weight, target and noise",
        |budget, _| {
            let rows = least_rows(budget);
            [(0.1, Part::Bias), (0.1, Part::Var), (0.03, Part::Var)]
                .map(|(lambda, part)| Setting { k: 1, mixing: Mixing::INSTANCE, lambda, part, rows })
                .to_vec()
        },
        |c| grouped(c, groups()),
        |c, size, seed, count| grouped_at_size(c, size, seed, count, &groups()),
        &SIZES,
        &[1.0],
        (128, 128),
    )
    .wrong("weights squared in the mean", |c| {
        let squared = groups().into_iter().map(|g| RowGroup { row_weight: g.row_weight.powi(2), ..g });
        grouped(c, squared.collect())
    })
    .wrong("targets ignored, noise averaged", |c| {
        let same = groups().into_iter().map(|g| RowGroup { target: 1.0, noise_variance: 0.7, ..g });
        grouped(c, same.collect())
    })
    .broken("all rows of weight 1", |c, size, seed, count| {
        let flat: Vec<RowGroup> = groups().into_iter().map(|g| RowGroup { row_weight: 1.0, ..g }).collect();
        grouped_at_size(c, size, seed, count, &flat)
    });

    let fixed_point = Identity::new(
        "fixed point",
        "$\\delta$ and $s$ against the right-hand sides of their equations",
        |_, _| settings(Part::Var, 20),
        point,
        |c| fixed_point_sides(c, 1.0),
        // The equations contract near their solution in these settings; a few rounded operations a side.
        |_| Ok(64.0 * f64::EPSILON),
    )
    .wrong("1 + delta forgotten", |c| {
        let mut point = point(c)?;
        point[1] *= 1.0 + point[0];
        Ok(point)
    })
    .wrong("trace without the covariance", |c| {
        let p = point(c)?;
        Ok(vec![spectrum().iter().map(|j| j.weight / (p[1] * j.sigma + c.lambda)).sum(), p[1]])
    })
    .broken("bag rows of weight k", |c| fixed_point_sides(c, c.k as f64));

    Claim {
        id: "AGG-4",
        chapter: Chapter::Aggregate,
        title: "Deterministic equivalent for any covariance",
        statement: "Rows in groups with fractions $p_g$, weights $w_g$, labels $\\mu_gx^\\top\\theta^*$ plus noise of variance $\\sigma_g^2$; $\\Sigma$ has \
            eigenvalues $\\sigma_j$. For $\\lambda>0$ let $(\\delta,s)$ be the unique positive solution of \
            $$s=\\sum_g\\frac{p_gw_g}{1+w_g\\delta},\\qquad \\delta=\\frac1n\\sum_{j=1}^d\\frac{\\sigma_j}{s\\sigma_j+\\lambda},$$ \
            $$g_g=\\frac{p_gw_g^2}{(1+w_g\\delta)^2},\\quad G=\\sum_gg_g,\\quad F=\\frac1n\\sum_j\\frac{\\sigma_j^2}{(s\\sigma_j+\\lambda)^2},\\quad \
            V=\\frac{\\sum_gg_g(b_g+\\sigma_g^2)}{1-FG}.$$ Then the excess risk of weighted ridge regression tends to \
            $$R=\\sum_j\\sigma_j(\\bar\\theta_j-\\theta_j^*)^2+FV.$$ Bags are the groups $(p,1,1,\\sigma^2)$ and $(1-p,\\tau,0,0)$.",
        assumptions: "Gaussian covariates; $n,d\\to\\infty$ in proportion; error $O(1/d)$ in the mean. The case $\\lambda=0$ is the limit \
            $\\lambda\\to0^+$, away from singular sizes.",
        source: "derived; model of Javanmard et al. (ICLR 2024, arXiv 2401.11081)",
        formula: "solvable_theory::aggregate::{bag_equivalent, equivalent}",
        simulator: "solvable_sim::aggregate::RidgeExperiment",
        checks: vec![
            Box::new(bias),
            Box::new(variance),
            Box::new(general),
            Box::new(fixed_point),
            super::enclosures::fixed_point(),
        ],
    }
}
