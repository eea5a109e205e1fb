//! AGG-1, AGG-2: bag-level and instance-level losses on given data.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use solvable_linalg::Mat;
use solvable_model::Objective;
use solvable_model::aggregate::{AggregateData, BagDesign, InterpolatedObjective, Mixing, PointwiseLoss};
use solvable_sim::normal;
use solvable_theory::aggregate::{loss_gap, losses, within_bag_variance};

use super::support::rho;
use crate::check::{Bound, Budget, Identity};
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

#[derive(Clone, Debug)]
struct Instance {
    k: usize,
    data: AggregateData,
    theta: Vec<f64>,
    mixing: Mixing,
    lambda: f64,
}

impl Cell for Instance {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("n", self.data.rows())
            .with("d", self.data.dimension())
            .with("k", self.k)
            .with("rho", self.mixing.rho())
            .with("lambda", self.lambda)
    }
}

fn instances(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Instance> {
    let times = if budget == Budget::Quick { 1 } else { 20 };
    let shapes = [(6, 2, 1), (12, 3, 3), (12, 20, 4), (9, 1, 9), (200, 30, 5), (4, 2, 2)];
    let mut cells = Vec::new();
    for _ in 0..times {
        for (n, d, k) in shapes {
            let mut numbers = vec![0.0; n * d + n + d];
            normal::fill(rng, &mut numbers);
            let x = Mat::from_fn(n, d, |i, j| numbers[i * d + j]);
            let labels = numbers[n * d..n * d + n].iter().map(|y| 3.0 * y).collect();
            let bags = BagDesign::consecutive(n, k).expect("these k divide n");
            cells.push(Instance {
                k,
                data: AggregateData::new(x, labels, bags).expect("normal numbers are finite"),
                theta: numbers[n * d + n..].to_vec(),
                mixing: rho(rng.random()),
                lambda: rng.random(),
            });
        }
    }
    cells
}

/// Losses by decomposition: bag, instance, within, interpolated.
fn decomposed(c: &Instance) -> Result<Vec<f64>, CheckError> {
    let l = losses(&c.data, &c.theta, c.mixing, c.lambda)?;
    Ok(vec![l.bag, l.instance, l.within, l.interpolated])
}

/// Losses as written, the within-bag penalty from all pairs of rows of a bag.
fn as_written(c: &Instance, individual_labels: bool) -> Result<Vec<f64>, CheckError> {
    let bags = c.data.bags();
    let f = c.data.predictions(&c.theta)?;
    let loss = PointwiseLoss::Squared;
    let bag = loss.bag_loss(bags, c.data.mean_labels(), &f)?;
    let instance = if individual_labels {
        let n = f.len() as f64;
        f.iter().zip(c.data.labels()).map(|(f, y)| loss.value(*y, *f)).sum::<f64>() / n
    } else {
        loss.instance_loss(bags, c.data.mean_labels(), &f)?
    };
    let mut pairs = 0.0;
    for a in 0..bags.bags() {
        for &i in bags.members(a) {
            pairs += bags.members(a).iter().map(|&j| (f[i] - f[j]).powi(2)).sum::<f64>();
        }
    }
    let within = pairs / (2.0 * f.len() as f64 * c.k as f64);
    let objective = InterpolatedObjective::new(&c.data, loss, c.mixing, c.lambda)?;
    let value = objective.value(&c.theta, &mut objective.work());
    Ok(vec![bag, instance, within, value])
}

pub(super) fn decomposition() -> Claim {
    let identity = Identity::new(
        "decomposition",
        "$L_{bag}$, $L_{ins}$, $R_w$ and the interpolated loss, by the decomposition and as written",
        instances,
        decomposed,
        |c| as_written(c, false),
        // Sums of n terms of predictions of d terms, squares of sums that may cancel by a few digits.
        |c| Ok(16.0 * (c.data.rows() + c.data.dimension()) as f64 * f64::EPSILON),
    )
    .wrong("unbiased within-bag variance, k/(k-1)", |c| {
        let mut l = decomposed(c)?;
        let k = c.k as f64;
        l[2] *= if c.k > 1 { k / (k - 1.0) } else { 1.0 };
        Ok(l)
    })
    .wrong("rho R_w for (1 - rho) R_w", |c| {
        let mut l = decomposed(c)?;
        l[3] += (2.0 * c.mixing.rho() - 1.0) * l[2];
        Ok(l)
    })
    .broken("individual labels at instance level", |c| as_written(c, true));
    Claim {
        id: "AGG-1",
        chapter: Chapter::Aggregate,
        title: "Instance level is bag level plus within-bag variance",
        statement: "$$L_{ins}(\\theta)=L_{bag}(\\theta)+R_w(\\theta),\\qquad R_w=\\frac1n\\sum_a\\sum_{i\\in a}\\big((x_i-\\bar x_a)^\\top\\theta\\big)^2\
            =\\frac1{2nk}\\sum_a\\sum_{i,j\\in a}\\big((x_i-x_j)^\\top\\theta\\big)^2,$$ hence \
            $\\rho L_{bag}+(1-\\rho)L_{ins}=L_{bag}+(1-\\rho)R_w$; $R_w$ does not involve labels.",
        assumptions: "Bags of equal size; any covariates, labels and parameter.",
        source: "derived; the two losses: Javanmard et al. (ICLR 2024, arXiv 2401.11081)",
        formula: "solvable_theory::aggregate::losses",
        simulator: "solvable_model::aggregate::{PointwiseLoss, InterpolatedObjective}, as written",
        checks: vec![Box::new(identity)],
    }
}

#[derive(Clone, Debug)]
struct Predictions {
    name: &'static str,
    loss: PointwiseLoss,
    bags: BagDesign,
    labels: Vec<f64>,
    f: Vec<f64>,
}

impl Cell for Predictions {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("loss", self.name)
            .with("n", self.f.len())
            .with("k", self.bags.equal_size().unwrap_or(0))
    }
}

fn predictions(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Predictions> {
    let times = if budget == Budget::Quick { 1 } else { 20 };
    let mut cells = Vec::new();
    for _ in 0..times {
        for (n, k) in [(4, 2), (12, 3), (5, 1), (7, 7), (120, 4)] {
            for (name, loss) in [
                ("squared", PointwiseLoss::Squared),
                ("logistic", PointwiseLoss::Logistic),
                ("poisson", PointwiseLoss::Poisson),
            ] {
                let mut f = vec![0.0; n];
                normal::fill(rng, &mut f);
                for f in &mut f {
                    *f *= 2.0;
                }
                let labels = (0..n / k).map(|_| rng.random()).collect();
                let bags = BagDesign::consecutive(n, k).expect("these k divide n");
                cells.push(Predictions { name, loss, bags, labels, f });
            }
        }
    }
    cells
}

fn raw_gap(c: &Predictions) -> Result<f64, CheckError> {
    let instance = c.loss.instance_loss(&c.bags, &c.labels, &c.f)?;
    Ok(instance - c.loss.bag_loss(&c.bags, &c.labels, &c.f)?)
}

/// `log(1 + e^f) - y f` at the logit of the bag's mean probability.
fn gap_of_mean_probability(c: &Predictions) -> Result<f64, CheckError> {
    let instance = c.loss.instance_loss(&c.bags, &c.labels, &c.f)?;
    let total: f64 = (0..c.bags.bags())
        .map(|a| {
            let members = c.bags.members(a);
            let mean =
                members.iter().map(|&i| 1.0 / (1.0 + (-c.f[i]).exp())).sum::<f64>() / members.len() as f64;
            c.loss.value(c.labels[a], (mean / (1.0 - mean)).ln())
        })
        .sum();
    Ok(instance - total / c.bags.bags() as f64)
}

/// Four predictions in two bags, in [-4, 4]; `None` where the spread is too small for the raw difference.
fn four(x: &[f64]) -> Option<(BagDesign, Vec<f64>)> {
    let f: Vec<f64> = x.iter().map(|x| 8.0 * x - 4.0).collect();
    let spread = (f[0] - f[1]).abs() + (f[2] - f[3]).abs();
    let bags = BagDesign::consecutive(4, 2).expect("2 divides 4");
    (spread > 0.1).then_some((bags, f))
}

fn logistic_gap(x: &[f64], labels: [f64; 2]) -> Result<Option<f64>, CheckError> {
    let Some((bags, f)) = four(x) else { return Ok(None) };
    let loss = PointwiseLoss::Logistic;
    let gap = loss.instance_loss(&bags, &labels, &f)? - loss.bag_loss(&bags, &labels, &f)?;
    Ok(Some(gap))
}

fn one_cell(_: Budget, _: &mut ChaCha12Rng) -> Vec<Parameters> {
    vec![Parameters::new().with("loss", "logistic").with("n", 4).with("k", 2)]
}

pub(super) fn general() -> Claim {
    let identity = Identity::new(
        "gap",
        "$L_{ins}-L_{bag}$ without labels, against the difference of the losses as written on random labels",
        predictions,
        |c: &Predictions| Ok(vec![loss_gap(c.loss, &c.bags, &c.f)?.gap]),
        |c| Ok(vec![raw_gap(c)?]),
        // The raw difference cancels: it is judged against the losses themselves.
        |c| Ok(32.0 * c.f.len() as f64 * f64::EPSILON),
    )
    .scale(|c| {
        let instance = c.loss.instance_loss(&c.bags, &c.labels, &c.f)?;
        Ok(1.0 + instance.abs())
    })
    .wrong("half the within-bag variance for every loss", |c| {
        Ok(vec![0.5 * within_bag_variance(&c.bags, &c.f)?])
    })
    .wrong("linear terms kept: psi(f) alone at the first row of a bag", |c| {
        Ok(vec![loss_gap(c.loss, &c.bags, &c.f)?.gap + 1e-3 * c.f[0]])
    })
    .broken("bag prediction is a mean of probabilities", |c| {
        Ok(vec![if c.name == "logistic" { gap_of_mean_probability(c)? } else { raw_gap(c)? }])
    });

    let upper = Bound::new(
        "logistic bound",
        "gap of the logistic loss as written, against $V/8$",
        one_cell,
        4,
        |_, x| {
            let Some((bags, f)) = four(x) else { return Ok(None) };
            Ok(loss_gap(PointwiseLoss::Logistic, &bags, &f)?.upper)
        },
        |_, x| logistic_gap(x, [0.3, 0.8]),
        1e-11,
    )
    .tight(0.01)
    .search(4, 3000, 40_000)
    .wrong("V/16", |_, x| {
        let Some((bags, f)) = four(x) else { return Ok(None) };
        Ok(Some(within_bag_variance(&bags, &f)? / 16.0))
    })
    .wrong("curvature at the mean prediction for its supremum", |_, x| {
        let Some((bags, f)) = four(x) else { return Ok(None) };
        let mean = f.iter().sum::<f64>() / 4.0;
        let p = 1.0 / (1.0 + (-mean).exp());
        Ok(Some(0.5 * p * (1.0 - p) * within_bag_variance(&bags, &f)?))
    })
    .broken("sum over rows instead of the mean", |_, x| Ok(logistic_gap(x, [0.3, 0.8])?.map(|g| 4.0 * g)));

    let lower = Bound::new(
        "lower bound",
        "$\\frac{c_-}2V$ with $c_-=\\min\\ell''$ over the predictions, against the gap as written",
        one_cell,
        4,
        |_, x| logistic_gap(x, [0.1, 0.6]),
        |_, x| four(x).map(|(bags, f)| lower_bound(&bags, &f, f64::max)).transpose(),
        1e-11,
    )
    .tight(0.02)
    .search(4, 3000, 40_000)
    .wrong("gap of the first bag alone", |_, x| {
        let Some((_, f)) = four(x) else { return Ok(None) };
        let bags = BagDesign::consecutive(2, 2)?;
        let gap = loss_gap(PointwiseLoss::Logistic, &bags, &f[..2])?.gap;
        Ok(Some(0.5 * gap))
    })
    .wrong("half the gap", |_, x| Ok(logistic_gap(x, [0.1, 0.6])?.map(|g| 0.5 * g)))
    .broken("largest curvature for the smallest", |_, x| {
        four(x).map(|(bags, f)| lower_bound(&bags, &f, f64::min)).transpose()
    });

    Claim {
        id: "AGG-2",
        chapter: Chapter::Aggregate,
        title: "Gap of general losses",
        statement: "For a canonical loss $\\ell(y,f)=\\psi(f)-yf$ and the bag prediction $\\bar f_a=\\frac1k\\sum_{i\\in a}f_i$, \
            $$L_{ins}-L_{bag}=\\frac1m\\sum_a\\Big[\\frac1k\\sum_{i\\in a}\\psi(f_i)-\\psi(\\bar f_a)\\Big]\\ge0$$ does not depend on labels; if \
            $c_-\\le\\psi''\\le c_+$ on the predictions, $\\frac{c_-}2V\\le L_{ins}-L_{bag}\\le\\frac{c_+}2V$ with \
            $V=\\frac1n\\sum_a\\sum_{i\\in a}(f_i-\\bar f_a)^2$. Squared loss: the gap is $V$; logistic: at most $V/8$.",
        assumptions: "Bags of equal size. The bag prediction averages natural parameters, not probabilities.",
        source: "derived",
        formula: "solvable_theory::aggregate::loss_gap",
        simulator: "solvable_model::aggregate::PointwiseLoss, as written",
        checks: vec![Box::new(identity), Box::new(upper), Box::new(lower)],
    }
}

/// `V/2` times the logistic curvature at the prediction of extreme absolute value.
fn lower_bound(bags: &BagDesign, f: &[f64], extreme: fn(f64, f64) -> f64) -> Result<f64, CheckError> {
    let far = f.iter().fold(f[0].abs(), |m, f| extreme(m, f.abs()));
    let e = (-far).exp();
    Ok(0.5 * e / (1.0 + e).powi(2) * within_bag_variance(bags, f)?)
}
