//! Conditional forms against training from raw labels on the same covariates.
//!
//! The estimator is linear in the labels, so training on each unit vector of labels, and on the labels of each unit
//! parameter without noise, gives its conditional bias and variance without a formula.
use rand::RngExt;
use solvable_linalg::Mat;
use solvable_model::aggregate::{
    AggregateData, BagDesign, FiniteDesign, InterpolatedObjective, Mixing, PointwiseLoss, SpectrumPart,
};

use super::*;
use crate::monte_carlo::Stream;
use crate::normal;

/// Bias^2 (averaged over coordinates with the population's energies) and variance, by training n + d times.
fn by_training(
    population: &Population,
    rows: &[f64],
    k: usize,
    mixing: Mixing,
    lambda: f64,
) -> ConditionalRisk {
    let d = population.dimension();
    let n = rows.len() / d;
    let bags = BagDesign::consecutive(n, k).expect("divides");
    let x = Mat::from_fn(n, d, |i, j| rows[i * d + j]);
    let train = |labels: Vec<f64>| {
        let data = AggregateData::new(x.clone(), labels, bags.clone()).expect("finite");
        let objective =
            InterpolatedObjective::new(&data, PointwiseLoss::Squared, mixing, lambda).expect("valid");
        minimise_quadratic(&objective, 1e-12).expect("converges").theta
    };
    let mut risk = ConditionalRisk::default();
    for j in 0..d {
        let theta = train((0..n).map(|i| rows[i * d + j]).collect());
        for (i, t) in theta.iter().enumerate() {
            let error = t - f64::from(u8::from(i == j));
            risk.bias2 += population.energy()[j] * population.sigma()[i] * error * error;
        }
    }
    for i in 0..n {
        let mut unit = vec![0.0; n];
        unit[i] = 1.0;
        let theta = train(unit);
        for (t, sigma) in theta.iter().zip(population.sigma()) {
            risk.var += population.s2() * sigma * t * t;
        }
    }
    risk
}

/// Relative gradient 1e-12, squares, and condition numbers below 1e4 in these draws leave 1e-7.
const TRAINED: f64 = 1e-7;

fn close(a: ConditionalRisk, b: ConditionalRisk, what: &str) {
    for (a, b) in [(a.bias2, b.bias2), (a.var, b.var)] {
        assert!((a - b).abs() <= TRAINED * (1.0 + b.abs()), "{what}: {a} {b}");
    }
}

#[test]
fn ridge_risk_is_that_of_training() {
    let mut rng = Stream::new(11, 0);
    let part = |sigma, weight, theta2| SpectrumPart { sigma, weight, theta2 };
    let skewed = Population::from_parts(&[part(2.0, 0.1, 0.6), part(0.5, 0.2, 0.9)], 20, 0.5).expect("valid");
    let wide = Population::isotropic(15, 1.3, 0.4).expect("valid");
    for (population, n, k) in [(&skewed, 20, 4), (&skewed, 20, 1), (&wide, 12, 3), (&wide, 12, 12)] {
        for rho in [0.0, 0.4, 1.0] {
            let mut rows = vec![0.0; n * population.dimension()];
            population.fill(&mut rng, &mut rows);
            let mixing = Mixing::new(rho).expect("in range");
            let experiment = RidgeExperiment::bags(population.clone(), n, k, mixing, 0.05).expect("valid");
            let risk = experiment.risk_given(&rows, &mut experiment.work()).expect("regular");
            close(risk, by_training(population, &rows, k, mixing, 0.05), &format!("{n} {k} {rho}"));
        }
    }
}

#[test]
fn ridgeless_risk_is_that_of_training_in_every_regime() {
    let mut rng = Stream::new(12, 0);
    let bag = Mixing::BAG;
    let half = Mixing::new(0.5).expect("in range");
    let ins = Mixing::INSTANCE;
    for (n, d, k, mixing) in [
        (24, 4, 2, bag),
        (24, 4, 1, half),
        (12, 3, 3, half),
        (20, 8, 4, half),
        (20, 8, 4, ins),
        (9, 16, 3, half),
        (9, 16, 9, ins),
        (6, 1, 2, half),
    ] {
        let population = Population::isotropic(d, 1.7, 0.6).expect("valid");
        let mut rows = vec![0.0; n * d];
        normal::fill(&mut rng, &mut rows);
        let design = FiniteDesign::new(n, d, k, 1.7, 0.6).expect("valid");
        let experiment = RidgelessExperiment::new(design, mixing);
        let risk = experiment.risk_given(&rows, &mut experiment.work()).expect("regular");
        close(risk, by_training(&population, &rows, k, mixing, 0.0), &format!("{n} {d} {k} {mixing:?}"));
    }
}

#[test]
fn interpolating_bags_keep_a_fixed_direction() {
    // rho = 1, m < d: the bias is that of theta* = r e_1.
    let mut rng = Stream::new(13, 0);
    let (n, d, k) = (12, 9, 3);
    let mut rows = vec![0.0; n * d];
    normal::fill(&mut rng, &mut rows);
    let mut population = Population::isotropic(d, 2.0, 0.3).expect("valid");
    let experiment =
        RidgelessExperiment::new(FiniteDesign::new(n, d, k, 2.0, 0.3).expect("valid"), Mixing::BAG);
    let risk = experiment.risk_given(&rows, &mut experiment.work()).expect("regular");
    population = population.concentrated(0);
    close(risk, by_training(&population, &rows, k, Mixing::BAG, 0.0), "fixed direction");
}

#[test]
fn left_limit_is_approached_by_a_small_weight() {
    // With tau the distance to the limit is of order tau (the penalty's relative weight).
    let mut rng = Stream::new(14, 0);
    for (n, d, k) in [(40, 12, 4), (12, 8, 3), (20, 20, 2), (24, 4, 2)] {
        let mut rows = vec![0.0; n * d];
        normal::fill(&mut rng, &mut rows);
        let design = FiniteDesign::new(n, d, k, 1.0, 1.0).expect("valid");
        let at = |mixing| {
            let experiment = RidgelessExperiment::new(design, mixing);
            experiment.risk_given(&rows, &mut experiment.work()).expect("regular")
        };
        let limit = at(Mixing::LEFT_OF_ONE);
        let distance = |tau: f64| {
            let near = at(Mixing::new(1.0 - tau).expect("in range"));
            (near.bias2 - limit.bias2).abs() + (near.var - limit.var).abs()
        };
        let (coarse, fine) = (distance(1.0 / 1024.0), distance(1.0 / 4096.0));
        let scale = 1.0 + limit.total();
        assert!(fine < 0.5 * coarse || fine < 1e-9 * scale, "{n} {d} {k}: {coarse} {fine} {limit:?}");
    }
}

#[test]
fn observables_are_those_of_training() {
    let mut rng = Stream::new(15, 0);
    let (n, d, k, s2, lambda) = (12, 4, 3, 0.7, 0.1);
    let population = Population::isotropic(d, 1.0, s2).expect("valid");
    let mixing = Mixing::new(0.5).expect("in range");
    let mut rows = vec![0.0; n * d];
    population.fill(&mut rng, &mut rows);
    let experiment = RidgeExperiment::bags(population.clone(), n, k, mixing, lambda).expect("valid");
    let seen = experiment.observe_given(&rows, &mut experiment.work()).expect("regular");
    let bags = BagDesign::consecutive(n, k).expect("divides");
    let x = Mat::from_fn(n, d, |i, j| rows[i * d + j]);
    let (mut bag_loss, mut within, mut leverage) = (0.0, 0.0, 0.0);
    let mut add = |labels: Vec<f64>, weight: f64, unit: Option<usize>| {
        let data = AggregateData::new(x.clone(), labels, bags.clone()).expect("finite");
        let objective =
            InterpolatedObjective::new(&data, PointwiseLoss::Squared, mixing, lambda).expect("valid");
        let theta = minimise_quadratic(&objective, 1e-12).expect("converges").theta;
        let f = data.predictions(&theta).expect("finite");
        let loss = PointwiseLoss::Squared;
        let bag = loss.bag_loss(&bags, data.mean_labels(), &f).expect("shapes");
        let instance = loss.instance_loss(&bags, data.mean_labels(), &f).expect("shapes");
        bag_loss += weight * bag;
        within += weight * (instance - bag);
        if let Some(i) = unit {
            // Diagonal of A H^-1 A': fitted mean of its own bag per unit label mean, k mean(f) over the bag.
            let a = i / k;
            leverage += (0..k).map(|l| f[a * k + l]).sum::<f64>() / (n / k) as f64;
        }
    };
    for j in 0..d {
        add((0..n).map(|i| rows[i * d + j]).collect(), 1.0 / d as f64, None);
    }
    for i in 0..n {
        let mut unit = vec![0.0; n];
        unit[i] = 1.0;
        add(unit, s2, (i % k == 0).then_some(i));
    }
    assert!((seen.bag_loss - bag_loss).abs() < TRAINED);
    assert!((seen.within - within).abs() < TRAINED);
    assert!((seen.leverage - leverage).abs() < TRAINED, "{} {leverage}", seen.leverage);
    let gcv = bag_loss * k as f64 / (1.0 - leverage).powi(2);
    assert!((seen.gcv - gcv).abs() < TRAINED * (1.0 + gcv), "{} {gcv}", seen.gcv);
}

#[test]
fn curated_bags_follow_training() {
    let mut rng = Stream::new(16, 0);
    let (n, d) = (10, 3);
    let mut z = vec![0.0; n];
    normal::fill(&mut rng, &mut z);
    let bags = BagDesign::new(n, &[vec![3, 1, 9], vec![0], vec![2, 4, 5, 6], vec![7, 8]]).expect("partition");
    let experiment = CuratedExperiment::new(z.clone(), bags.clone(), d, 1.5, 0.5).expect("valid");
    let mut rows = vec![0.0; n * d];
    normal::fill(&mut rng, &mut rows);
    for (row, z) in rows.chunks_exact_mut(d).zip(&z) {
        row[0] = *z;
    }
    let risk = experiment.risk_given(&rows, &mut experiment.work()).expect("regular");
    let x = Mat::from_fn(n, d, |i, j| rows[i * d + j]);
    let train = |labels: Vec<f64>| {
        let data = AggregateData::new(x.clone(), labels, bags.clone()).expect("finite");
        let objective =
            InterpolatedObjective::new(&data, PointwiseLoss::Squared, Mixing::INSTANCE, 0.0).expect("valid");
        minimise_quadratic(&objective, 1e-12).expect("converges").theta
    };
    let mut theta = train(z);
    theta[0] -= 1.0;
    let bias2 = 1.5 * theta.iter().map(|t| t * t).sum::<f64>();
    let mut var = 0.0;
    for i in 0..n {
        let mut unit = vec![0.0; n];
        unit[i] = 1.0;
        var += 0.5 * train(unit).iter().map(|t| t * t).sum::<f64>();
    }
    close(risk, ConditionalRisk { bias2, var }, "curated");
}

#[test]
fn partitions_are_counted_by_bell_and_multinomial_numbers() {
    let count = |n, sizes: &dyn Fn(usize) -> bool| {
        let mut count = 0;
        each_partition(n, sizes, |_| count += 1).expect("small");
        count
    };
    assert_eq!(count(5, &|_| true), 52);
    assert_eq!(count(8, &|_| true), 4140);
    assert_eq!(count(6, &|k| k == 2), 15);
    assert_eq!(count(9, &|k| k == 3), 280);
    assert!(exhaustive_least_cost(&[0.0; 13], |_| true).is_err());
    assert!(exhaustive_least_cost(&[0.0; 3], |k| k == 2).is_err());
}

#[test]
fn laplace_variables_have_their_distribution_function() {
    // Dvoretzky-Kiefer-Wolfowitz at level 1e-6, n = 20000: distance at most sqrt(ln(2e6) / (2n)) = 0.01905.
    let mut rng = Stream::new(17, 0);
    let n = 20_000;
    let mut draws: Vec<f64> = (0..n).map(|_| laplace(&mut rng, 2.0)).collect();
    draws.sort_by(f64::total_cmp);
    let cdf = |x: f64| if x < 0.0 { 0.5 * (x / 2.0).exp() } else { 1.0 - 0.5 * (-x / 2.0).exp() };
    for (i, &x) in draws.iter().enumerate() {
        let step = i as f64 / n as f64;
        assert!((cdf(x) - step).abs() < 0.0191 + 1.0 / n as f64);
    }
    let u: f64 = rng.random();
    assert!((0.0..1.0).contains(&u));
}
