//! Learning from bags: deterministic facts over wide ranges of sizes, spectra, weights and data.
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use solvable_linalg::Mat;
use solvable_model::aggregate::{
    AggregateData, BagDesign, DiscreteData, Epsilon, FiniteDesign, GroupedLimit, InterpolatedObjective,
    IntervalData, IntervalFunctional, IsotropicLimit, LabelPrivacy, Mixing, PlaneData, PointwiseLoss,
    RowGroup, SpectralLimit, SpectrumPart,
};
use solvable_model::{InputError, Objective};
use solvable_sim::aggregate::within_cost;
use solvable_theory::aggregate::private as dp;
use solvable_theory::aggregate::{self as theory, AggregateError};

use crate::strata::{Strata, run};

/// A weight with its ends well represented.
fn weight() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), Just(1.0 - 1e-9), 0.0..=1.0_f64]
}

fn ridge() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), (-12.0..3.0_f64).prop_map(f64::exp), Just(1e8)]
}

/// Rows, covariates, bag size: bags of 1 and one bag of all, fewer rows than covariates.
fn sizes() -> impl Strategy<Value = (usize, usize, usize)> {
    let bags = prop_oneof![Just((1, 12)), Just((12, 1)), Just((1, 1)), (1..6_usize, 1..6_usize)];
    (bags, 1..15_usize).prop_map(|((k, m), d)| (k * m, d, k))
}

#[derive(Clone, Debug)]
struct Problem {
    k: usize,
    rows: Vec<f64>,
    labels: Vec<f64>,
    d: usize,
    rank: usize,
    rho: f64,
    lambda: f64,
}

/// Covariates of a given rank, columns of very different lengths, ties among rows.
fn problem() -> impl Strategy<Value = Problem> {
    sizes().prop_flat_map(|(n, d, k)| {
        let number = -2.0..2.0_f64;
        (
            proptest::collection::vec(number.clone(), n * d),
            proptest::collection::vec(number.clone(), n),
            proptest::collection::vec(prop_oneof![Just(1.0), Just(1e-3), Just(30.0)], d),
            1..=d,
            any::<bool>(),
            weight(),
            ridge(),
        )
            .prop_map(move |(mut rows, labels, lengths, rank, tied, rho, lambda)| {
                for row in rows.chunks_exact_mut(d) {
                    for j in rank..d {
                        row[j] = row[j % rank];
                    }
                    for (x, length) in row.iter_mut().zip(&lengths) {
                        *x *= length;
                    }
                }
                if tied {
                    let first = rows[..d].to_vec();
                    rows[(n - 1) * d..].copy_from_slice(&first);
                }
                Problem { k, rows, labels, d, rank, rho, lambda }
            })
    })
}

impl Problem {
    fn data(&self) -> AggregateData {
        let n = self.labels.len();
        let x = Mat::from_fn(n, self.d, |i, j| self.rows[i * self.d + j]);
        AggregateData::new(x, self.labels.clone(), BagDesign::consecutive(n, self.k).expect("k divides n"))
            .expect("finite")
    }
}

#[test]
fn estimators_are_stationary_whatever_the_rank() {
    let strata = Strata::new(
        "estimator",
        &[
            "d > n",
            "bags of 1",
            "one bag",
            "rank below d",
            "no ridge",
            "rho = 0",
            "rho = 1",
            "huge ridge",
            "one row",
        ],
    );
    run(300, problem(), |p| {
        let n = p.labels.len();
        strata.count("d > n", p.d > n);
        strata.count("bags of 1", p.k == 1);
        strata.count("one bag", p.k == n && n > 1);
        strata.count("rank below d", p.rank < p.d);
        strata.count("no ridge", p.lambda == 0.0);
        strata.count("rho = 0", p.rho == 0.0);
        strata.count("rho = 1", p.rho == 1.0);
        strata.count("huge ridge", p.lambda > 1e7);
        strata.count("one row", n == 1);
        let data = p.data();
        let mixing = Mixing::new(p.rho).expect("in range");
        let theta = theory::estimate(&data, mixing, p.lambda).expect("solvable").theta;
        let objective =
            InterpolatedObjective::new(&data, PointwiseLoss::Squared, mixing, p.lambda).expect("valid");
        let mut work = objective.work();
        let (mut at, mut zero) = (vec![0.0; p.d], vec![0.0; p.d]);
        objective.gradient(&theta, &mut at, &mut work);
        objective.gradient(&vec![0.0; p.d], &mut zero, &mut work);
        // Backward stable as least squares on the rows of X/sqrt(n) and sqrt(lambda) I: the gradient is that of rows
        // perturbed by rounding of the largest of them; ranks are decided at that size too.
        let square: f64 = p.rows.iter().map(|x| x * x).sum::<f64>() / n as f64;
        let norm = theta.iter().map(|t| t * t).sum::<f64>().sqrt();
        let labels = (p.labels.iter().map(|y| y * y).sum::<f64>() / n as f64).sqrt();
        let scale = (square + p.lambda) * norm + (square + p.lambda).sqrt() * labels;
        let bound = 1e3 * (n + p.d) as f64 * f64::EPSILON * scale;
        for (j, g) in at.iter().enumerate() {
            prop_assert!(g.abs() <= bound, "gradient[{j}] = {g:e}, bound {bound:e}, {theta:?}");
        }
        // Never above the value at 0.
        let (value, start) =
            (objective.value(&theta, &mut work), objective.value(&vec![0.0; p.d], &mut work));
        prop_assert!(value <= start * (1.0 + 1e-9) + 1e-12 * scale, "{value} {start}");
        // The losses add up (AGG-1).
        let l = theory::losses(&data, &theta, mixing, p.lambda).expect("finite");
        prop_assert!((l.bag + l.within - l.instance).abs() <= 1e-13 * l.instance);
        // Residuals of interpolating estimators are rounding.
        let rounding = 1e-13 * (square * norm * norm + labels * labels);
        prop_assert!(
            (l.interpolated - value).abs() <= 1e-11 * value + rounding,
            "{} {value}",
            l.interpolated
        );
        Ok(())
    });
    strata.require();
}

#[test]
fn optimal_ridge_is_below_every_other_limit() {
    let strata = Strata::new(
        "limits",
        &["gamma > 1", "gamma = 1", "k gamma = 1", "k = 1", "no signal", "no noise", "no ridge"],
    );
    let gamma = prop_oneof![Just(1.0), Just(0.25), (-6.0..4.0_f64).prop_map(f64::exp)];
    let k = prop_oneof![Just(1.0), Just(4.0), (1..40_u32).prop_map(f64::from), 1.0..50.0_f64];
    let energy = || prop_oneof![Just(0.0), (-8.0..8.0_f64).prop_map(f64::exp)];
    run(2000, (gamma, k, energy(), energy(), weight(), ridge()), |(gamma, k, r2, s2, rho, lambda)| {
        strata.count("gamma > 1", gamma > 1.0);
        strata.count("gamma = 1", gamma == 1.0);
        strata.count("k gamma = 1", k * gamma == 1.0);
        strata.count("k = 1", k == 1.0);
        strata.count("no signal", r2 == 0.0);
        strata.count("no noise", s2 == 0.0);
        strata.count("no ridge", lambda == 0.0);
        let problem = IsotropicLimit::new(gamma, k, r2, s2).expect("valid");
        let mixing = Mixing::new(rho).expect("in range");
        let limit = theory::ridge_limit(&problem, mixing, lambda).expect("in range");
        prop_assert!(limit.risk.bias2 >= 0.0 && limit.risk.var >= 0.0, "{limit:?}");
        prop_assert!(limit.risk.bias2.is_finite() || lambda == 0.0, "{limit:?}");
        let best = theory::bayes_ridge(&problem, None).expect("in range");
        prop_assert!(best.risk <= limit.risk.total() * (1.0 + 1e-10), "{best:?} {limit:?}");
        prop_assert!((0.0..=r2 * (1.0 + 1e-12)).contains(&best.risk));
        // A spectrum of one eigenvalue, whole or in two parts, is isotropic.
        if lambda > 0.0 {
            let part = |share: f64| SpectrumPart { sigma: 1.0, weight: share * gamma, theta2: share * r2 };
            for parts in [vec![part(1.0)], vec![part(0.25), part(0.75)]] {
                let spectral = SpectralLimit::new(parts, k, s2).expect("valid");
                let other = theory::bag_equivalent(&spectral, mixing, lambda).expect("in range").risk;
                let scale = limit.risk.total().max(f64::MIN_POSITIVE);
                prop_assert!(
                    (other.total() - limit.risk.total()).abs() <= 1e-8 * scale,
                    "{other:?} {limit:?}"
                );
            }
        }
        Ok(())
    });
    strata.require();
}

#[test]
fn exact_risks_are_infinite_only_next_to_singular_sizes() {
    let strata = Strata::new(
        "finite sizes",
        &["n = d", "n < d", "m < d < n", "m = d", "d = 1", "one bag", "k = 1", "left limit"],
    );
    let size = (1..8_usize, 1..12_usize, 1..40_usize);
    run(1500, (size, any::<bool>(), any::<bool>()), |((k, m, d), bag, left)| {
        let n = k * m;
        strata.count("n = d", n == d);
        strata.count("n < d", n < d);
        strata.count("m < d < n", m < d && d < n);
        strata.count("m = d", m == d);
        strata.count("d = 1", d == 1);
        strata.count("one bag", m == 1);
        strata.count("k = 1", k == 1);
        let design = FiniteDesign::new(n, d, k, 1.0, 1.0).expect("valid");
        let mixing = if left {
            Mixing::LEFT_OF_ONE
        } else if bag {
            Mixing::BAG
        } else {
            Mixing::INSTANCE
        };
        strata.count("left limit", left);
        let risk = theory::expected_risk(&design, mixing).expect("an endpoint");
        prop_assert!(risk.bias2 >= 0.0 && risk.var > 0.0, "{risk:?}");
        if !left {
            let fitted = if bag { m } else { n };
            prop_assert_eq!(risk.var.is_infinite(), fitted.abs_diff(d) <= 1);
            if bag && m >= d {
                prop_assert_eq!(risk.bias2, 0.0);
            }
        }
        // Between the ends, at the ends' limits.
        if n >= d + 2 && k >= 2 && !left {
            let inside = theory::interpolated_expected_risk(&design, Mixing::new(1e-9).expect("in range"))
                .expect("domain");
            let end = theory::instance_level_expected_risk(&design);
            prop_assert!((inside.total() - end.total()).abs() <= 1e-6 * end.total(), "{inside:?} {end:?}");
        }
        Ok(())
    });
    strata.require();
}

#[test]
fn optimal_bags_are_contiguous_and_never_beaten() {
    let strata = Strata::new("bag construction", &["ties", "k = 1", "k = n", "far apart"]);
    let value = prop_oneof![Just(0.0), Just(1e6), -3.0..3.0_f64];
    run(600, (proptest::collection::vec(value, 1..40), 1..9_usize, any::<u64>()), |(x, k, shuffle)| {
        let k = k.min(x.len());
        let best = theory::optimal_bags(&x, k).expect("finite");
        let mut sorted = x.clone();
        sorted.sort_by(f64::total_cmp);
        strata.count("ties", sorted.windows(2).any(|w| w[0] == w[1]));
        strata.count("k = 1", k == 1);
        strata.count("k = n", k == x.len());
        strata.count("far apart", sorted[sorted.len() - 1] - sorted[0] > 1e5);
        prop_assert!(best.sizes.iter().all(|s| (k..2 * k).contains(s)), "{:?}", best.sizes);
        prop_assert_eq!(best.sizes.iter().sum::<usize>(), x.len());
        // Contiguous along the sorted order.
        let mut last = f64::NEG_INFINITY;
        for bag in &best.bags {
            let low = bag.iter().map(|&i| x[i]).fold(f64::INFINITY, f64::min);
            prop_assert!(low >= last);
            last = bag.iter().map(|&i| x[i]).fold(f64::NEG_INFINITY, f64::max);
        }
        let scale: f64 = x.iter().map(|v| v * v).sum();
        prop_assert!(
            (within_cost(&x, &best.bags) - best.cost).abs() <= 1e-13 * x.len() as f64 * (scale + 1.0)
        );
        // Against blocks of a shuffled order.
        let mut rows: Vec<usize> = (0..x.len()).collect();
        rows.sort_by_key(|&i| (i as u64).wrapping_mul(shuffle | 1).rotate_left(17) ^ shuffle);
        let m = x.len() / k;
        let mut bags: Vec<Vec<usize>> = rows[..m * k].chunks(k).map(<[usize]>::to_vec).collect();
        bags[m - 1].extend(&rows[m * k..]);
        prop_assert!(best.cost <= within_cost(&x, &bags) + 1e-12 * (scale + 1.0));
        Ok(())
    });
    strata.require();
}

/// Lengths of a functional on a dataset.
fn lengths(kind: u8, q: usize, data: &[usize], j: usize) -> Vec<usize> {
    match kind {
        0 => dp::order_statistic_lengths(&DiscreteData::new(q, data).expect("inside"), j).expect("rank"),
        1 => dp::sum_lengths(&DiscreteData::new(q, data).expect("inside")).expect("small"),
        _ => {
            let points: Vec<[usize; 2]> = data.iter().map(|&c| [c % q, (c * 7 + 3) % q]).collect();
            dp::plane_median_lengths(&PlaneData::new(q, &points).expect("odd")).expect("small")
        }
    }
}

#[test]
fn one_replaced_point_changes_lengths_by_at_most_one_and_laws_by_epsilon() {
    let strata = Strata::new(
        "neighbours",
        &["order statistic", "sum", "plane", "one point", "one symbol", "ends", "large eps n"],
    );
    let case =
        (0..3_u8, 1..30_usize, 0..40_usize, -5.0..6.0_f64).prop_flat_map(|(kind, q, h, log_epsilon)| {
            let n = 2 * h + 1;
            let data = proptest::collection::vec(0..q, n);
            (Just(kind), Just(q), data, 0..n, 0..q, 1..=n, Just(log_epsilon.exp()))
        });
    run(1500, case, |(kind, q, data, position, symbol, j, epsilon)| {
        let n = data.len();
        strata.count("order statistic", kind == 0);
        strata.count("sum", kind == 1);
        strata.count("plane", kind == 2);
        strata.count("one point", n == 1);
        strata.count("one symbol", q == 1);
        strata.count("ends", kind == 0 && (j == 1 || j == n) && n > 1);
        strata.count("large eps n", epsilon * n as f64 > 1500.0);
        let mut other = data.clone();
        other[position] = symbol;
        let (a, b) = (lengths(kind, q, &data, j), lengths(kind, q, &other, j));
        prop_assert!(a.iter().zip(&b).all(|(x, y)| x.abs_diff(*y) <= 1));
        prop_assert_eq!(a.iter().filter(|l| **l == 0).count(), 1);
        prop_assert!(a.iter().all(|l| *l <= n));
        let level = Epsilon::new(epsilon).expect("positive");
        let law = |lengths: &[usize]| {
            let some: Vec<Option<usize>> = lengths.iter().map(|&l| Some(l)).collect();
            dp::inverse_sensitivity_law(&some, level).expect("attainable")
        };
        let (p, r) = (law(&a), law(&b));
        prop_assert!((p.probabilities.iter().sum::<f64>() - 1.0).abs() <= 1e-13);
        for (x, y) in p.log_probabilities.iter().zip(&r.log_probabilities) {
            // Exact up to the rounding of two logarithms of the size of epsilon n.
            let rounding = 8.0 * f64::EPSILON * (1.0 + epsilon * n as f64);
            prop_assert!((x - y).abs() <= epsilon + rounding, "{x} {y} {epsilon}");
        }
        Ok(())
    });
    strata.require();
}

#[test]
fn smoothed_laws_are_probabilities_and_private() {
    let strata = Strata::new(
        "intervals",
        &["median", "mean", "one point", "ties", "no smoothing", "data on an end", "eps n > 1500"],
    );
    let point = || prop_oneof![Just(-1.0), Just(1.0), Just(0.25), -1.0..=1.0_f64];
    let radius = prop_oneof![Just(0.0), (-12.0..0.0_f64).prop_map(f64::exp)];
    let case = (any::<bool>(), proptest::collection::vec(point(), 1..60), point(), radius, -4.0..5.0_f64);
    run(800, case, |(median, mut data, value, radius, log_epsilon)| {
        if median && data.len().is_multiple_of(2) {
            data.pop();
        }
        let epsilon = log_epsilon.exp();
        let functional = if median { IntervalFunctional::Median } else { IntervalFunctional::Mean };
        strata.count("median", median);
        strata.count("mean", !median);
        strata.count("one point", data.len() == 1);
        let mut sorted = data.clone();
        sorted.sort_by(f64::total_cmp);
        strata.count("ties", sorted.windows(2).any(|w| w[0] == w[1]));
        strata.count("no smoothing", radius == 0.0);
        strata.count("data on an end", sorted[0] == -1.0);
        strata.count("eps n > 1500", epsilon * data.len() as f64 > 1500.0);
        let level = Epsilon::new(epsilon).expect("positive");
        let law = |data: &[f64]| {
            let data = IntervalData::new(data, -1.0, 1.0).expect("inside");
            dp::inverse_sensitivity_density(&data, functional, radius, level).expect("defined")
        };
        let first = law(&data);
        let grid: Vec<f64> =
            (0..=50).map(|i| (-1.0 - radius) + (2.0 + 2.0 * radius) * f64::from(i) / 50.0).collect();
        let mut below = 0.0;
        for &t in &grid {
            let d = first.distribution(t).expect("a number");
            prop_assert!(d >= below - 1e-14 && d <= 1.0 + 1e-14, "{below} {d}");
            below = d;
        }
        prop_assert!((first.distribution(2.0 + radius).expect("a number") - 1.0).abs() <= 1e-13);
        prop_assert!(first.tail(0.0).expect("a number") <= 1.0 + 1e-14);
        prop_assert!(first.mean_absolute_error() >= 0.0 && first.mean_absolute_error() <= 2.0 + radius);
        let last = data.len() - 1;
        data[last] = value;
        let second = law(&data);
        for &t in &grid {
            let (x, y) = (first.density(t).expect("a number"), second.density(t).expect("a number"));
            // Where both are normal numbers: lengths near a jump are decided by rounded ends of intervals.
            let same_side = first.length(t).zip(second.length(t)).is_some_and(|(a, b)| a.abs_diff(b) <= 1);
            if x > 1e-290 && y > 1e-290 && same_side && epsilon < 500.0 {
                prop_assert!((x.ln() - y.ln()).abs() <= epsilon * (1.0 + 1e-9) + 1e-9, "{x} {y} {epsilon}");
            }
        }
        Ok(())
    });
    strata.require();
}

/// Numbers that a careless caller may pass; products of a few of them stay in range.
fn garbage() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.0),
        Just(-0.0),
        Just(-1.0),
        Just(1.0),
        Just(1e30),
        Just(1e-30),
        -3.0..3.0_f64,
    ]
}

fn count() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(1), Just(2), Just(usize::MAX), 0..20_usize]
}

/// An answer holds numbers or infinities, never NaN.
fn no_nan<E>(answer: Result<Vec<f64>, E>) -> Result<bool, TestCaseError> {
    if let Ok(values) = &answer {
        prop_assert!(values.iter().all(|v| !v.is_nan()), "{values:?}");
    }
    Ok(answer.is_err())
}

#[test]
fn garbage_is_refused_or_answered_without_nan() {
    let strata = Strata::new("garbage", &["refused", "answered"]);
    let numbers = proptest::collection::vec(garbage(), 6);
    run(4000, (numbers, proptest::collection::vec(count(), 4)), |(x, c)| {
        let mixing = Mixing::new(x[0]);
        let isotropic = || -> Result<Vec<f64>, AggregateError> {
            let problem = IsotropicLimit::new(x[1], x[2], x[3], x[4])?;
            let mixing = mixing.clone()?;
            let risk = theory::ridgeless_risk(&problem, mixing);
            let ridge = theory::ridge_limit(&problem, mixing, x[5])?;
            let best = theory::bayes_ridge(&problem, None)?;
            Ok(vec![
                risk.bias2,
                risk.var,
                ridge.risk.bias2,
                ridge.risk.var,
                ridge.delta,
                best.risk,
                best.lambda,
            ])
        };
        let sizes = || -> Result<Vec<f64>, AggregateError> {
            let design = FiniteDesign::new(c[0], c[1], c[2], x[3], x[4])?;
            let risk = theory::expected_risk(&design, mixing.clone()?)?;
            Ok(vec![risk.bias2, risk.var])
        };
        let bag_sizes = || -> Result<Vec<f64>, InputError> {
            let privacy = LabelPrivacy::new(x[1], Some(x[2]))?;
            Ok(vec![
                theory::optimal_bag_size(x[3], x[4], x[5], Some(&privacy))?,
                theory::critical_snr(x[3], x[4])?,
                theory::laplace_noise(&privacy, x[4], x[5])?.s2_eff,
                theory::label_privacy_loss(&privacy, x[4], x[5])?,
            ])
        };
        let spectral = || -> Result<Vec<f64>, AggregateError> {
            let parts = vec![SpectrumPart { sigma: x[0], weight: x[1], theta2: x[2] }];
            let groups =
                vec![RowGroup { fraction: x[3], row_weight: x[4], target: x[5], noise_variance: x[0] }];
            let answer = theory::equivalent(&GroupedLimit::new(groups, parts)?, x[5])?;
            Ok(vec![answer.bias2, answer.var, answer.point.delta, answer.point.s])
        };
        let clipped = || -> Result<Vec<f64>, InputError> {
            let label = theory::clipped_label(x[0], x[1], x[2])?;
            Ok(vec![label.mu, label.second_moment, label.residual])
        };
        let private = || -> Result<Vec<f64>, AggregateError> {
            let epsilon = Epsilon::new(x[0])?;
            let data = IntervalData::new(&x[3..], x[1], x[2])?;
            let law = dp::inverse_sensitivity_density(&data, IntervalFunctional::Mean, x[5], epsilon)?;
            Ok(vec![law.tail(x[4])?, law.distribution(x[3])?, law.mean_absolute_error()])
        };
        let discrete = || -> Result<Vec<f64>, AggregateError> {
            let data = DiscreteData::new(c[0].min(50), &c[1..])?;
            let found = dp::order_statistic_lengths(&data, c[3])?;
            let cert = dp::median_certificate(c[0].min(99), Epsilon::new(x[0])?, x[1], x[2], x[3])?;
            Ok(vec![found.len() as f64, cert.bound, cert.refined])
        };
        let certificates = || -> Result<Vec<f64>, AggregateError> {
            let epsilon = Epsilon::new(x[0])?;
            Ok(vec![
                dp::failure_bound(c[0].min(9), x[1], x[2], epsilon, x[3])?,
                dp::path_length_needed(c[0].min(9), x[1], x[2], epsilon, x[4])?,
            ])
        };
        let given = || -> Result<Vec<f64>, AggregateError> {
            let bags = BagDesign::consecutive(c[0].min(6), c[1])?;
            let rows = bags.rows();
            let matrix = Mat::from_fn(rows, 2, |i, j| x[(i + 2 * j) % 6]);
            let data = AggregateData::new(matrix, (0..rows).map(|i| x[i]).collect(), bags)?;
            let mut values = theory::estimate(&data, mixing.clone()?, x[5])?.theta;
            values.push(theory::losses(&data, &[x[0], x[1]], mixing.clone()?, x[5])?.interpolated);
            Ok(values)
        };
        let bags = || -> Result<Vec<f64>, AggregateError> { Ok(vec![theory::optimal_bags(&x, c[0])?.cost]) };
        for refused in [
            no_nan(isotropic())?,
            no_nan(sizes())?,
            no_nan(bag_sizes())?,
            no_nan(spectral())?,
            no_nan(clipped())?,
            no_nan(private())?,
            no_nan(discrete())?,
            no_nan(certificates())?,
            no_nan(given())?,
            no_nan(bags())?,
        ] {
            strata.count("refused", refused);
            strata.count("answered", !refused);
        }
        Ok(())
    });
    strata.require();
}
