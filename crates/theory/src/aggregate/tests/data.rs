//! Given data: losses, estimator, flow, curated bags, bag construction.
use proptest::prelude::*;
use solvable_linalg::{Mat, from_rows};
use solvable_model::Objective;
use solvable_model::aggregate::{
    AggregateData, BagDesign, FiniteDesign, InterpolatedObjective, Mixing, PointwiseLoss,
};

use super::reference::{at, close};
use crate::aggregate::*;

fn small() -> AggregateData {
    let x = from_rows(&[vec![1.0, 0.0], vec![2.0, 1.0], vec![0.0, -1.0], vec![1.0, 1.0]]).expect("rows");
    AggregateData::new(x, vec![1.0, 2.0, 0.0, 3.0], BagDesign::consecutive(4, 2).expect("divides"))
        .expect("valid")
}

/// Deterministic entries in (-1, 1) without structure: fractions of multiples of the golden ratio.
fn scattered(rows: usize, columns: usize, seed: u64) -> Mat<f64> {
    let golden = 0.618_033_988_749_894_9;
    Mat::from_fn(rows, columns, |i, j| {
        let index = (seed as f64 + 1.0) * 7.0 + (i * columns + j + 1) as f64;
        let t = (index * golden + index * index * 0.123_456_789).fract();
        2.0 * t - 1.0
    })
}

pub(super) fn random_data(bags: BagDesign, d: usize, seed: u64) -> AggregateData {
    let n = bags.rows();
    let y = scattered(n, 1, seed + 100);
    AggregateData::new(scattered(n, d, seed), (0..n).map(|i| y[(i, 0)]).collect(), bags).expect("valid")
}

#[test]
fn reference_numbers() {
    let data = small();
    let seen = losses(&data, &[0.5, 0.5], at(0.4), 0.1).expect("valid");
    assert_eq!((seen.bag, seen.instance, seen.within), (0.90625, 1.3125, 0.40625));
    close(seen.interpolated, 1.2, 4.0 * f64::EPSILON);
    let theta = estimate(&data, at(0.4), 0.1).expect("valid").theta;
    close(theta[0], 1.25, 16.0 * f64::EPSILON);
    close(theta[1], -0.625, 16.0 * f64::EPSILON);
    let flow = BagFlow::new(&data, at(0.4), 0.1).expect("valid");
    // Quoted to 8 decimals.
    for (t, expected) in [(0.5, [0.75561672, 0.05383114]), (2.0, [1.09884295, -0.32408576])] {
        let found = flow.at(&[0.0, 0.0], t).expect("valid");
        assert!((found[0] - expected[0]).abs() < 6e-9 && (found[1] - expected[1]).abs() < 6e-9, "{found:?}");
    }
    let bags = BagDesign::consecutive(4, 2).expect("divides");
    let f = [1.0, -1.0, 0.0, 3.0];
    let logistic = loss_gap(PointwiseLoss::Logistic, &bags, &f).expect("valid");
    close(logistic.gap, 0.144784247521184, 4e-15);
    assert_eq!(logistic.upper, Some(0.203125));
    close(loss_gap(PointwiseLoss::Poisson, &bags, &f).expect("valid").gap, 3.30208001303551, 2e-15);
}

#[test]
fn gap_is_the_difference_of_the_losses_as_written() {
    let bags = BagDesign::consecutive(12, 3).expect("divides");
    let f: Vec<f64> = (0..12).map(|i| 3.0 * scattered(12, 1, 5)[(i, 0)]).collect();
    let labels = [0.0, 1.0, 0.5, 0.25];
    for loss in [PointwiseLoss::Squared, PointwiseLoss::Logistic, PointwiseLoss::Poisson] {
        let bag = loss.bag_loss(&bags, &labels, &f).expect("valid");
        let instance = loss.instance_loss(&bags, &labels, &f).expect("valid");
        let found = loss_gap(loss, &bags, &f).expect("valid");
        // Losses below 30; each average rounds a few times.
        assert!((instance - bag - found.gap).abs() < 30.0 * 16.0 * f64::EPSILON, "{loss:?}");
        assert!(found.gap >= 0.0 && found.upper.is_none_or(|u| found.gap <= u * (1.0 + 1e-15)));
    }
    // From curvatures: logistic, Poisson, and a loss whose gap depends on labels, (f - y)^4.
    let sigma = |f: f64| 1.0 / (1.0 + (-f).exp());
    let gap = |l: PointwiseLoss| loss_gap(l, &bags, &f).expect("valid").gap;
    let logistic = curvature_gap(&bags, &labels, &f, |_, f| sigma(f) * sigma(-f)).expect("valid");
    close(logistic, gap(PointwiseLoss::Logistic), 1e-14);
    let poisson = curvature_gap(&bags, &labels, &f, |_, f| f.exp()).expect("valid");
    close(poisson, gap(PointwiseLoss::Poisson), 1e-14);
    let quartic = curvature_gap(&bags, &labels, &f, |y, f| 12.0 * (f - y).powi(2)).expect("valid");
    let mut direct = 0.0;
    for a in 0..4 {
        let mean = bags.means(&f).expect("shape")[a];
        let rows = bags.members(a).iter().map(|&i| (f[i] - labels[a]).powi(4)).sum::<f64>() / 3.0;
        direct += (rows - (mean - labels[a]).powi(4)) / 4.0;
    }
    close(quartic, direct, 1e-12);
    let single = BagDesign::consecutive(12, 1).expect("divides");
    assert_eq!(loss_gap(PointwiseLoss::Logistic, &single, &f).expect("valid").gap, 0.0);
    let unequal = BagDesign::new(3, &[vec![0, 1], vec![2]]).expect("partition");
    let refused = loss_gap(PointwiseLoss::Squared, &unequal, &f[..3]).expect_err("unequal bags");
    assert_eq!(refused, AggregateError::UnequalBags { first: 2, bag: 1 });
    assert!(
        loss_gap(PointwiseLoss::Poisson, &BagDesign::consecutive(2, 2).expect("divides"), &[0.0, 1e4])
            .is_err()
    );
}

#[test]
fn the_gradient_vanishes_at_the_estimate() {
    let designs = [
        BagDesign::consecutive(12, 3).expect("divides"),
        BagDesign::new(9, &[vec![0, 4], vec![1], vec![2, 3, 5, 8], vec![6, 7]]).expect("partition"),
        BagDesign::consecutive(5, 5).expect("divides"),
    ];
    for (seed, bags) in designs.into_iter().enumerate() {
        for d in [1, 2, 4, 7, 15] {
            let data = random_data(bags.clone(), d, seed as u64);
            for rho in [0.0, 0.3, 0.99, 1.0] {
                for lambda in [0.0, 1e-12, 0.1, 1e6] {
                    let theta = estimate(&data, at(rho), lambda).expect("valid").theta;
                    let objective =
                        InterpolatedObjective::new(&data, PointwiseLoss::Squared, at(rho), lambda)
                            .expect("valid");
                    let mut gradient = vec![0.0; d];
                    objective.gradient(&theta, &mut gradient, &mut objective.work());
                    let size = theta.iter().fold(1.0_f64, |m, t| m.max(t.abs()));
                    // Entries of X, y below 1: |gradient| rounds within n d epsilon (size + lambda size).
                    let bound = 40.0 * data.rows() as f64 * d as f64 * f64::EPSILON * size * (1.0 + lambda);
                    for g in gradient {
                        assert!(g.abs() < bound, "d {d} rho {rho} lambda {lambda}: {g:e} {bound:e}");
                    }
                }
            }
        }
    }
}

/// Minimum-norm minimisers as written: `X^+ P y` below bag level, `A^+ y_A` at bag level (AGG-3 d).
#[test]
fn few_rows_give_one_estimator_below_bag_level_and_another_at_it() {
    let data = random_data(BagDesign::consecutive(6, 2).expect("divides"), 11, 3);
    let (n, x) = (6, data.covariates());
    let spread = Mat::from_fn(n, 1, |i, _| data.mean_labels()[data.bags().bag_of()[i]]);
    let direct = solvable_linalg::least_squares(x, spread.as_ref()).expect("fits").x;
    let means = Mat::from_fn(3, 11, |a, j| 0.5 * (x[(2 * a, j)] + x[(2 * a + 1, j)]));
    let labels = Mat::from_fn(3, 1, |a, _| data.mean_labels()[a]);
    let bag = solvable_linalg::least_squares(means.as_ref(), labels.as_ref()).expect("fits").x;
    let mut apart = 0.0_f64;
    for j in 0..11 {
        for mixing in [at(0.0), at(0.3), at(0.9), at(1.0 - 0.5 * f64::EPSILON), Mixing::LEFT_OF_ONE] {
            let theta = estimate(&data, mixing, 0.0).expect("valid").theta;
            assert!((theta[j] - direct[(j, 0)]).abs() < 1e-12, "{mixing:?}");
        }
        let theta = estimate(&data, Mixing::BAG, 0.0).expect("valid").theta;
        assert!((theta[j] - bag[(j, 0)]).abs() < 1e-12);
        apart = apart.max((bag[(j, 0)] - direct[(j, 0)]).abs());
    }
    assert!(apart > 1e-3);
}

/// m < d < n: the limit tau -> 0 interpolates the bags with least within-bag variance, at any distance from 1.
#[test]
fn the_left_limit_is_approached_linearly_in_tau() {
    let data = random_data(BagDesign::consecutive(12, 4).expect("divides"), 5, 8);
    let limit = estimate(&data, Mixing::LEFT_OF_ONE, 0.0).expect("valid").theta;
    let bag = estimate(&data, Mixing::BAG, 0.0).expect("valid").theta;
    let jump = (0..5).map(|j| (limit[j] - bag[j]).abs()).fold(0.0, f64::max);
    assert!(jump > 1e-2);
    let mut slope = 0.0;
    for exponent in [6, 20, 40, 52] {
        let tau = 0.5_f64.powi(exponent);
        let theta = estimate(&data, at(1.0 - tau), 0.0).expect("valid").theta;
        let distance = (0..5).map(|j| (theta[j] - limit[j]).abs()).fold(0.0, f64::max);
        if exponent == 20 {
            slope = distance / tau;
        }
        // Linear, and then only rounding: conditioning of these data is below 1e3.
        if exponent > 20 {
            assert!(distance <= 2.0 * slope * tau + 1e4 * f64::EPSILON, "{exponent}: {distance:e}");
        }
    }
    assert!(slope > 0.0);
}

#[test]
fn the_flow_starts_ends_and_moves_as_the_gradient_says() {
    for (n, k, d, lambda) in
        [(8, 2, 3, 0.2), (8, 2, 3, 0.0), (6, 3, 10, 0.0), (6, 3, 10, 0.5), (4, 4, 2, 0.0)]
    {
        let data = random_data(BagDesign::consecutive(n, k).expect("divides"), d, 4);
        for rho in [0.0, 0.6, 1.0] {
            let flow = BagFlow::new(&data, at(rho), lambda).expect("valid");
            let start: Vec<f64> = (0..d).map(|j| 0.3 * j as f64 - 0.5).collect();
            let now = flow.at(&start, 0.0).expect("valid");
            assert!((0..d).all(|j| (now[j] - start[j]).abs() < 1e-14));
            // From 0 the flow ends at the minimum-norm minimiser.
            let end = flow.at(&vec![0.0; d], f64::INFINITY).expect("valid");
            let theta = estimate(&data, at(rho), lambda).expect("valid").theta;
            assert!((0..d).all(|j| (end[j] - theta[j]).abs() < 1e-11), "{n} {k} {d} {lambda} {rho}");
            let objective =
                InterpolatedObjective::new(&data, PointwiseLoss::Squared, at(rho), lambda).expect("valid");
            let mut gradient = vec![0.0; d];
            let middle = flow.at(&start, 0.4).expect("valid");
            objective.gradient(&middle, &mut gradient, &mut objective.work());
            // Central difference: h^2 |theta'''|/6 + epsilon/h, derivatives below 100.
            let h = 1e-5;
            let (before, after) = (flow.at(&start, 0.4 - h), flow.at(&start, 0.4 + h));
            let (before, after) = (before.expect("valid"), after.expect("valid"));
            for j in 0..d {
                let slope = (after[j] - before[j]) / (2.0 * h);
                assert!((slope + gradient[j]).abs() < 100.0 * h * h + 8.0 * f64::EPSILON / h);
            }
            // Descent as written.
            let eta = 0.5 * flow.largest_step();
            let mut walk = start.clone();
            for _ in 0..7 {
                objective.gradient(&walk, &mut gradient, &mut objective.work());
                (0..d).for_each(|j| walk[j] -= eta * gradient[j]);
            }
            let jumped = flow.descent(&start, eta, 7).expect("valid");
            assert!((0..d).all(|j| (walk[j] - jumped[j]).abs() < 1e-12), "{walk:?} {jumped:?}");
        }
    }
}

#[test]
fn curated_bags_reference_and_reduction_to_random_bags() {
    let z = [-1.5, -0.5, 0.0, 0.5, 1.0, 2.0, -2.0, 0.25, 0.75];
    let bags = BagDesign::consecutive(9, 3).expect("divides");
    let found = curated_risk(&bags, &z, 3, 1.0, 1.0).expect("valid");
    close(found.omega, 0.535353535353535, 2e-15);
    close(found.risk.bias2, 0.452955055606571, 4e-15);
    close(found.risk.var, 0.174558718498112, 4e-15);
    let mut sorted = z;
    sorted.sort_by(f64::total_cmp);
    let found = curated_risk(&bags, &sorted, 3, 1.0, 1.0).expect("valid");
    close(found.omega, 0.175084175084175, 4e-15);
    close(found.risk.bias2, 0.127241834733417, 4e-15);
    close(found.risk.var, 0.184202292283100, 4e-15);
    // Random bags: omega ~ Beta(q/2, m/2) independent of |z|^2 ~ chi^2_n. The risk is quadratic in omega, so one
    // can average by moments: E omega, E omega^2 and E |z|^2 = n, E 1/|z|^2 = 1/(n-2).
    for (n, d, k) in [(9_usize, 3_usize, 3_usize), (40, 20, 4), (12, 1, 3)] {
        let (m, q) = ((n / k) as f64, (n - n / k) as f64);
        let rows = n as f64;
        let (e1, e2) = (q / rows, q * (q + 2.0) / (rows * (rows + 2.0)));
        let columns = d as f64;
        let kappa = (columns - 1.0) / ((rows - 1.0) * (rows - columns - 1.0));
        let bias = e2 + kappa * (e1 - e2) * (rows + 1.0);
        let inverse = 1.0 / (rows - 2.0);
        let var = (1.0 - e1) * inverse + (m - 1.0 + e1) * kappa * (1.0 + inverse);
        let exact = instance_level_expected_risk(&FiniteDesign::new(n, d, k, 1.0, 1.0).expect("valid"));
        close(bias, exact.bias2, 1e-14);
        close(var, exact.var, 1e-14);
    }
    assert!(curated_risk(&bags, &[0.0; 9], 3, 1.0, 1.0).is_err());
    assert!(curated_risk(&bags, &z, 8, 1.0, 1.0).is_err());
}

#[test]
fn bag_construction_reference() {
    let x = [31.0, 0.0, 1.0, 12.0, 10.0, 11.0, 30.0];
    let two = optimal_bags(&x, 2).expect("valid");
    assert_eq!((two.cost, two.sizes.as_slice()), (3.0, &[2, 3, 2][..]));
    let three = optimal_bags(&x, 3).expect("valid");
    close(three.cost, 329.666666666667, 3e-15);
    assert_eq!(three.sizes, [4, 3]);
    for (m, expected) in [
        (1, 1.0),
        (2, 0.363380227632419),
        (4, 0.139441421951105),
        (5, 0.103044882803694),
        (10, 0.0409535481296864),
        // From the definition, by mpmath with 40 digits.
        (3, 0.206_771_223_136_349_1),
        (7, 0.065_632_279_285_628_36),
        (100, 0.0022722020600076115),
        (1000, 0.00015378833802952368),
    ] {
        // Quoted to 15 digits; sums of m terms.
        close(quantile_bin_share(m).expect("valid"), expected, 5e-15 + 64.0 * f64::EPSILON);
    }
    assert!(optimal_bags(&x, 8).is_err() && optimal_bags(&[], 1).is_err() && optimal_bags(&x, 0).is_err());
    assert!(random_bag_cost(&x, 2).is_err() && quantile_bin_share(0).is_err());
    assert!(optimal_bags(&[f64::NAN], 1).is_err());
    // Clusters far apart: 1/2 each, exactly.
    let far = optimal_bags(&[-1e15, 1e15, 1e15 + 1.0, -1e15 + 1.0], 2).expect("valid");
    assert_eq!(far.cost, 1.0);
}

/// Costs depend on distances alone: eighths moved by 2^48 are still eighths, so that every bit must agree.
#[test]
fn bag_costs_do_not_depend_on_the_origin() {
    let x = [0.125, 3.5, -2.25, 0.75, 1.875, -1.5, 2.625, -0.375, 0.5, 4.125, -3.0, 1.25];
    for shift in [2.0_f64.powi(30), -(2.0_f64.powi(48))] {
        let moved = x.map(|v| v + shift);
        for k in [2, 3, 4, 12] {
            assert_eq!(optimal_bags(&moved, k), optimal_bags(&x, k));
            assert_eq!(optimal_equal_bags(&moved, k), optimal_equal_bags(&x, k));
            assert_eq!(random_bag_cost(&moved, k), random_bag_cost(&x, k));
        }
    }
}

/// omega and 1 - omega are sums of squares: small ones keep their digits.
#[test]
fn small_shares_of_curated_bags_keep_their_digits() {
    let bags = BagDesign::consecutive(4, 2).expect("divides");
    let delta = 2.0_f64.powi(-30);
    // Within a bag +- delta about 1 + delta.
    let near = [1.0, 1.0 + 2.0 * delta, 1.0, 1.0 + 2.0 * delta];
    let norm = 2.0 * (1.0 + (1.0 + 2.0 * delta).powi(2));
    close(within_bag_share(&bags, &near).expect("valid"), 4.0 * delta * delta / norm, 8.0 * f64::EPSILON);
    // Means of delta: for d = 1 the variance is s2 (1 - omega)/|z|^2, with |z|^2 (1 - omega) = 4 delta^2.
    let opposite = [1.0, -1.0 + 2.0 * delta, 1.0, -1.0 + 2.0 * delta];
    let norm = 2.0 * (1.0 + (1.0 - 2.0 * delta).powi(2));
    let found = curated_risk(&bags, &opposite, 1, 1.0, 3.0).expect("valid");
    close(found.risk.var, 3.0 * 4.0 * delta * delta / (norm * norm), 16.0 * f64::EPSILON);
    for scale in [5e-324, 1e308] {
        let found = within_bag_share(&bags, &[scale, -scale, scale, scale]).expect("valid");
        assert_eq!(found, 0.5);
    }
}

/// All partitions of 0..n into blocks, as restricted growth strings.
fn partitions(n: usize, visit: &mut impl FnMut(&[usize], usize)) {
    fn extend(string: &mut Vec<usize>, blocks: usize, n: usize, visit: &mut impl FnMut(&[usize], usize)) {
        if string.len() == n {
            visit(string, blocks);
            return;
        }
        for b in 0..=blocks {
            string.push(b);
            extend(string, blocks.max(b + 1), n, visit);
            string.pop();
        }
    }
    extend(&mut Vec::new(), 0, n, visit);
}

fn partition_cost(x: &[f64], string: &[usize], blocks: usize) -> (f64, Vec<usize>) {
    let mut cost = 0.0;
    let mut sizes = vec![0; blocks];
    for (b, size) in sizes.iter_mut().enumerate() {
        let members: Vec<f64> = x.iter().zip(string).filter(|(_, s)| **s == b).map(|(v, _)| *v).collect();
        *size = members.len();
        let mean = members.iter().sum::<f64>() / members.len() as f64;
        cost += members.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
    }
    (cost, sizes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn constructed_bags_are_optimal_among_all_partitions(
        x in proptest::collection::vec(prop_oneof![(-4_i32..4).prop_map(f64::from), -1.0_f64..1.0], 1..8),
        k in 1_usize..4,
    ) {
        let n = x.len();
        prop_assume!(k <= n);
        let (mut best, mut equal, mut total, mut count) = (f64::INFINITY, f64::INFINITY, 0.0, 0.0);
        partitions(n, &mut |string, blocks| {
            let (cost, sizes) = partition_cost(&x, string, blocks);
            if sizes.iter().all(|&s| s >= k) {
                best = best.min(cost);
            }
            if sizes.iter().all(|&s| s == k) {
                equal = equal.min(cost);
                total += cost;
                count += 1.0;
            }
        });
        let slack = 1e3 * f64::EPSILON;
        let found = optimal_bags(&x, k).expect("valid");
        prop_assert!((found.cost - best).abs() <= slack);
        prop_assert!(found.sizes.iter().all(|s| (k..2 * k).contains(s)));
        prop_assert!(BagDesign::new(n, &found.bags).is_ok());
        if n % k == 0 {
            prop_assert!((optimal_equal_bags(&x, k).expect("valid").cost - equal).abs() <= slack);
            // Every partition into bags of k is equally likely.
            prop_assert!((random_bag_cost(&x, k).expect("valid") - total / count).abs() <= slack);
        }
    }
}

/// Two covariates by Cramer's rule: a ridge of any size leaves every digit.
#[test]
fn huge_ridges_cost_no_digits() {
    let rows = [[1.0, 0.5], [-0.25, 2.0], [3.0, 1.0], [0.5, -1.5]];
    let x = Mat::from_fn(4, 2, |i, j| rows[i][j]);
    let y = [1.0, -2.0, 0.5, 4.0];
    let bags = BagDesign::consecutive(4, 2).expect("divides");
    let data = AggregateData::new(x, y.to_vec(), bags).expect("valid");
    for rho in [0.3, 1.0] {
        for exponent in [0, 4, 8, 16, 60, 150] {
            let lambda = 10.0_f64.powi(exponent);
            // H/lambda, in terms that cannot overflow.
            let (mut h, mut b) = ([[4.0, 0.0], [0.0, 4.0]], [0.0; 2]);
            for bag in 0..2 {
                let mean = |f: &dyn Fn(usize) -> f64| 0.5 * (f(2 * bag) + f(2 * bag + 1));
                let label = mean(&|i| y[i]);
                let centre = [0, 1].map(|j| mean(&|i| rows[i][j]));
                for i in 2 * bag..2 * bag + 2 {
                    for j in 0..2 {
                        b[j] += centre[j] * label;
                        for l in 0..2 {
                            let within = (rows[i][j] - centre[j]) * (rows[i][l] - centre[l]);
                            h[j][l] += (centre[j] * centre[l] + (1.0 - rho) * within) / lambda;
                        }
                    }
                }
            }
            let determinant = h[0][0] * h[1][1] - h[0][1] * h[1][0];
            let expected = [
                (h[1][1] * b[0] - h[0][1] * b[1]) / determinant / lambda,
                (h[0][0] * b[1] - h[1][0] * b[0]) / determinant / lambda,
            ];
            let theta = estimate(&data, at(rho), lambda).expect("valid").theta;
            let size = expected[0].abs().max(expected[1].abs());
            for j in 0..2 {
                let error = (theta[j] - expected[j]).abs();
                assert!(error <= 256.0 * f64::EPSILON * size, "1e{exponent} {rho}: {error:e} of {size:e}");
            }
        }
    }
}
