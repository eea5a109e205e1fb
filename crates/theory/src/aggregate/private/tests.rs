//! Reference numbers (B.6), exhaustive search against formulas, exact privacy inequalities.
use proptest::prelude::*;
use solvable_model::aggregate::{
    DiscreteData, DiscreteFunctional, Epsilon, IntervalData, IntervalFunctional, PlaneData,
};

use super::*;
use crate::aggregate::AggregateError;
use crate::aggregate::tests::reference::close;

const DIGITS_15: f64 = 5e-15 + 16.0 * f64::EPSILON;

fn eps(value: f64) -> Epsilon {
    Epsilon::new(value).expect("positive")
}

fn law(lengths: &[usize], epsilon: f64) -> FiniteLaw {
    let lengths: Vec<_> = lengths.iter().map(|&l| Some(l)).collect();
    inverse_sensitivity_law(&lengths, eps(epsilon)).expect("attainable")
}

#[test]
fn dp_3_to_5_reference() {
    let data = DiscreteData::new(6, &[1, 2, 2, 4, 5]).expect("valid");
    let lengths = order_statistic_lengths(&data, 3).expect("valid");
    assert_eq!(lengths, [3, 2, 0, 1, 1, 2]);
    let expected = [
        0.0703447830796470,
        0.115978940146201,
        0.315263445483356,
        0.191216945572298,
        0.191216945572298,
        0.115978940146201,
    ];
    for (found, expected) in law(&lengths, 1.0).probabilities.iter().zip(expected) {
        close(*found, expected, DIGITS_15);
    }
    let sorted: Vec<f64> = data.sorted().into_iter().map(|x| x as f64).collect();
    for (t, &length) in lengths.iter().enumerate() {
        assert_eq!(order_statistic_length(&sorted, 3, t as f64), Ok(length));
    }
    let data = DiscreteData::new(3, &[0, 2, 2, 1]).expect("valid");
    let lengths = sum_lengths(&data).expect("small");
    assert_eq!(lengths, [3, 2, 2, 1, 1, 0, 1, 1, 2]);
    close(law(&lengths, 1.0).probabilities[5], 0.210398255340469, DIGITS_15);
    close(law(&lengths, 1.0).probabilities[0], 0.0469461964090691, DIGITS_15);
    let data = PlaneData::new(3, &[[0, 0], [2, 1], [1, 2]]).expect("valid");
    let lengths = plane_median_lengths(&data).expect("small");
    assert_eq!(lengths, [1, 1, 1, 1, 0, 1, 1, 1, 1]);
    close(law(&lengths, 1.0).probabilities[4], 0.170874587880026, DIGITS_15);
    let data = DiscreteData::new(3, &[0, 1, 1, 2]).expect("valid");
    let trimmed = functional_lengths(&data, DiscreteFunctional::TrimmedSum { drop: 1 }).expect("small");
    assert_eq!(trimmed, [(0, 2), (1, 1), (2, 0), (3, 1), (4, 2)]);
}

#[test]
fn dp_6_reference() {
    let data = IntervalData::new(&[-1.0, 0.2, 0.5, 0.9, 2.0], -2.5, 2.5).expect("valid");
    let found = inverse_sensitivity_density(&data, IntervalFunctional::Median, 0.1, eps(1.0)).expect("valid");
    assert_eq!(found.intervals(), [(0.5, 0.5), (0.2, 0.9), (-1.0, 2.0), (-2.5, 2.5)]);
    close(found.normaliser(), 1.91695449679002, DIGITS_15);
    for (t, expected) in [
        (-2.55, 0.116398255942990),
        (-0.5, 0.191908280445605),
        (0.15, 0.316403263994154),
        (0.55, 0.521660791466110),
        (1.0, 0.316403263994154),
        (2.7, 0.0),
    ] {
        close(found.density(t).expect("a number"), expected, DIGITS_15);
    }
    for (x, expected) in [(0.2, 0.832387188907947), (0.5, 0.654994728866310), (2.0, 0.139677907131588)] {
        close(found.tail(x).expect("valid"), expected, DIGITS_15);
        close(found.tail_around(0.5, x).expect("valid"), expected, DIGITS_15);
        let outside =
            1.0 - found.distribution(0.5 + x).expect("valid") + found.distribution(0.5 - x).expect("valid");
        assert!((outside - expected).abs() < 1e-14);
    }
    // Segment by segment in 40 digits; the quoted 1.03683147848922 differs in the ninth digit.
    close(found.mean_absolute_error(), 1.0368314837892244, DIGITS_15);
    close(found.mean_absolute_error_around(0.5).expect("finite"), 1.0368314837892244, DIGITS_15);
    // E |M - 3| beyond the support is 3 - E M, and E M = 3 + (E |M - 3| - E |M + 3|)/2.
    let (above, below) = (found.mean_absolute_error_around(3.0), found.mean_absolute_error_around(-3.0));
    close(above.expect("finite") + below.expect("finite"), 6.0, 4.0 * f64::EPSILON);
    let data = IntervalData::new(&[0.0, 0.25, 0.5, 1.0], 0.0, 1.0).expect("valid");
    let found = inverse_sensitivity_density(&data, IntervalFunctional::Mean, 0.05, eps(1.0)).expect("valid");
    let expected = [(0.4375, 0.4375), (0.1875, 0.6875), (0.0625, 0.875), (0.0, 1.0), (0.0, 1.0)];
    assert_eq!(found.intervals(), expected);
    close(found.normaliser(), 0.560064560250223, DIGITS_15);
    for (t, expected) in [(0.44, 1.78550844130045), (0.6, 1.08296561282444), (0.9, 0.656851847592501)] {
        close(found.density(t).expect("a number"), expected, DIGITS_15);
    }
    close(found.mean_absolute_error(), 0.216231703180349, DIGITS_15);
}

#[test]
fn extreme_privacy_levels_do_not_underflow() {
    // Ties: the first two segments are empty, and e^(-eps/2) itself is 0 in double precision.
    let data = IntervalData::new(&[0.0, 0.5, 0.5, 0.5, 1.0], 0.0, 1.0).expect("valid");
    let found = inverse_sensitivity_density(&data, IntervalFunctional::Median, 0.0, eps(1e6)).expect("valid");
    // Segment j = 2 is [0, 1] at once: uniform.
    close(found.density(0.25).expect("valid"), 1.0, 4.0 * f64::EPSILON);
    close(found.tail(0.25).expect("valid"), 0.5, 4.0 * f64::EPSILON);
    close(found.mean_absolute_error(), 0.25, 4.0 * f64::EPSILON);
    let loss = order_statistic_privacy_loss(5, 5, 3, eps(1e-9)).expect("small");
    // Linear in epsilon: the limit of loss/eps, from mean path lengths (rational).
    let limit = linear_loss(5, 5, 3);
    close(loss.loss / 1e-9, limit, 1e-8);
    let loss = order_statistic_privacy_loss(5, 5, 3, eps(2000.0)).expect("small").loss;
    assert!(loss.is_finite() && loss <= 2000.0);
}

/// `max |(len - mean len) - (len' - mean len')|/2`.
fn linear_loss(q: usize, n: usize, j: usize) -> f64 {
    let mut worst = 0.0_f64;
    for_all_neighbours(q, n, |a, b| {
        let lengths = |s: &DiscreteData| -> Vec<f64> {
            let l = order_statistic_lengths(s, j).expect("valid");
            let mean = l.iter().sum::<usize>() as f64 / q as f64;
            l.into_iter().map(|l| l as f64 - mean).collect()
        };
        for (x, y) in lengths(a).iter().zip(lengths(b)) {
            worst = worst.max(0.5 * (x - y).abs());
        }
    });
    worst
}

fn multisets_of(q: usize, n: usize) -> Vec<DiscreteData> {
    let mut all = Vec::new();
    let mut counts = vec![0; q];
    counts[0] = n;
    loop {
        all.push(DiscreteData::from_counts(counts.clone()).expect("n >= 1"));
        if !search::advance(&mut counts) {
            return all;
        }
    }
}

fn for_all_neighbours(q: usize, n: usize, mut visit: impl FnMut(&DiscreteData, &DiscreteData)) {
    let all = multisets_of(q, n);
    for a in &all {
        for b in &all {
            if multiset_distance(a, b).expect("same size") == 1 {
                visit(a, b);
            }
        }
    }
}

/// Breadth-first search as written: levels of single replacements.
fn searched(data: &DiscreteData, output: usize, value: impl Fn(&DiscreteData) -> usize) -> usize {
    let all = multisets_of(data.universe(), data.n());
    let mut seen = vec![false; all.len()];
    let mut front = vec![all.iter().position(|s| s == data).expect("listed")];
    for length in 0.. {
        assert!(!front.is_empty(), "output {output} not reached");
        if front.iter().any(|&s| value(&all[s]) == output) {
            return length;
        }
        front.iter().for_each(|&s| seen[s] = true);
        let near = |s: &usize| {
            !seen[*s] && front.iter().any(|&f| multiset_distance(&all[f], &all[*s]).expect("same size") == 1)
        };
        front = (0..all.len()).filter(near).collect();
    }
    unreachable!("levels end")
}

#[test]
fn closed_forms_agree_with_breadth_first_search() {
    for (q, n, j) in [(4, 5, 3), (5, 4, 2), (4, 4, 3), (3, 5, 1), (4, 5, 5), (2, 1, 1), (1, 3, 2)] {
        for data in multisets_of(q, n) {
            let lengths = order_statistic_lengths(&data, j).expect("valid");
            let functional = DiscreteFunctional::OrderStatistic { j };
            for (t, &length) in lengths.iter().enumerate() {
                assert_eq!(searched(&data, t, |s| functional.evaluate(s).expect("valid")), length);
            }
        }
    }
    for (q, n) in [(3, 4), (4, 3), (2, 5), (1, 2)] {
        for data in multisets_of(q, n) {
            let lengths = sum_lengths(&data).expect("small");
            for (t, &length) in lengths.iter().enumerate() {
                assert_eq!(
                    searched(&data, t, |s| DiscreteFunctional::Sum.evaluate(s).expect("valid")),
                    length
                );
            }
            let found = path_lengths(&data, |s| DiscreteFunctional::Sum.evaluate(s)).expect("small");
            assert!(found.iter().all(|a| lengths[a.output] == a.length) && found.len() == lengths.len());
        }
    }
    // Plane median: symbols are cells of the grid.
    for (side, n) in [(2, 5), (3, 3)] {
        let plane = |s: &DiscreteData| {
            let points: Vec<_> = s.sorted().into_iter().map(|c| [c / side, c % side]).collect();
            PlaneData::new(side, &points).expect("odd")
        };
        for data in multisets_of(side * side, n).into_iter().step_by(7) {
            let lengths = plane_median_lengths(&plane(&data)).expect("small");
            let found = path_lengths(&data, |s| {
                let [a, b] = plane(s).median();
                Ok(a * side + b)
            });
            for a in found.expect("small") {
                assert_eq!(lengths[a.output], a.length, "{data:?}");
            }
        }
    }
}

#[test]
fn dp_7_reference_and_laws() {
    for (q, n, j, epsilon, expected) in [
        (5, 5, 3, 1.0, 0.734418207391478),
        (5, 5, 3, 0.5, 0.384200905941571),
        (3, 3, 2, 2.0, 1.14383874948767),
        (9, 5, 3, 1.0, 0.836110702412444),
        (5, 7, 4, 1.0, 0.738993647418154),
        (4, 5, 3, 1.0, 0.6854632984444834),
    ] {
        let found = order_statistic_privacy_loss(q, n, j, eps(epsilon)).expect("small");
        close(found.loss, expected, DIGITS_15);
        assert!(found.loss <= epsilon);
        let functional = DiscreteFunctional::OrderStatistic { j };
        let general = privacy_loss(q, n, eps(epsilon), |s| functional.evaluate(s)).expect("small");
        close(general.loss, found.loss, 4.0 * f64::EPSILON);
    }
    close(sum_privacy_loss(3, 4, eps(1.0)).expect("small").loss, 0.728791454669949, DIGITS_15);
    close(plane_median_privacy_loss(3, 3, eps(1.0)).expect("small").loss, 0.836110702412444, DIGITS_15);
    // Against the laws themselves, output by output.
    let mut worst = 0.0_f64;
    for_all_neighbours(4, 4, |a, b| {
        let of =
            |s: &DiscreteData| law(&order_statistic_lengths(s, 2).expect("valid"), 1.7).log_probabilities;
        for (x, y) in of(a).iter().zip(of(b)) {
            worst = worst.max((x - y).abs());
        }
    });
    close(order_statistic_privacy_loss(4, 4, 2, eps(1.7)).expect("small").loss, worst, 16.0 * f64::EPSILON);
    let refused = order_statistic_privacy_loss(40, 40, 3, eps(1.0)).expect_err("too large");
    assert!(matches!(refused, AggregateError::TooLarge { .. }));
    assert!(plane_median_privacy_loss(3, 4, eps(1.0)).is_err());
}

#[test]
fn dp_8_9_and_13_reference() {
    for (n, j, a, expected) in [
        (25, 3, 0.5, 0.422378436583626),
        (25, 0, 0.5, 0.044297124012359),
        (101, 10, 0.4, 0.233773163188276),
        (41, 5, 0.6, 0.14266691897414163),
    ] {
        close(median_failure(n, j, a).expect("valid"), expected, 8e-15 * 4.0);
    }
    // mpmath, 60 digits: probabilities that 1 - sum cannot resolve.
    for (n, j, a, expected) in [
        (201, 0, 2.0, 4.1951376180644678e-108),
        (101, 0, 3.0, 1.652_785_944_544_673e-117),
        (9, 2, 1.5, 0.036_793_729_739_684_35),
        (61, 20, 2.5, 3.3282817391510368e-13),
    ] {
        close(median_failure(n, j, a).expect("valid"), expected, 1e-12);
    }
    assert_eq!(median_failure(25, 13, 0.5), Ok(1.0));
    assert_eq!(median_failure(25, 0, 0.0), Ok(1.0));
    assert!(median_failure(24, 0, 0.5).is_err());
    for (n, epsilon, radius, rho, a, bound, k, refined, digits) in [
        (101, 1.0, 10.0, 0.1, 0.8, 0.0172361458492306, 19, 0.000_722_820_778_142_116_7, 1e-12),
        (501, 0.5, 10.0, 0.02, 0.3, 0.0809288042098899, 38, 0.0110596677689, 1e-11),
        // mpmath, 60 digits.
        (51, 2.0, 5.0, 0.01, 1.5, 0.000_367_395_237_297_897_4, 15, 1.2347416933818582e-6, 1e-12),
        (21, 30.0, 5.0, 0.25, 2.0, 2.278_819_779_366_141e-11, 2, 4.829_826_200_925_851e-13, 1e-12),
    ] {
        let found = median_certificate(n, eps(epsilon), radius, rho, a).expect("valid");
        close(found.bound, bound, 1e-13);
        assert_eq!(found.k, k);
        close(found.refined, refined, digits);
        assert!(found.refined <= found.bound);
    }
    assert!(median_certificate(101, eps(1.0), 1.0, 0.1, 1.5).is_err());
    let found = packing_bound(5, 7, eps(1.0)).expect("valid");
    close(found.upper, 0.404609675191690, DIGITS_15);
    close(found.inverse_sensitivity, 0.291875132740578, DIGITS_15);
    for (d, radius, rho, epsilon, beta) in
        [(1, 10.0, 1.0, 1.0, 0.05), (7, 3.0, 0.01, 0.3, 1e-9), (1, 0.0, 1.0, 9.0, 0.9)]
    {
        let k = path_length_needed(d, radius, rho, eps(epsilon), beta).expect("valid");
        let tail = |k: f64| failure_bound(d, radius, rho, eps(epsilon), k).expect("valid");
        assert!(tail(k) <= beta * (1.0 + 1e-14) && (k == 1.0 || tail(k - 1.0) > beta));
    }
}

#[test]
fn packing_family_is_attained_and_group_privacy_holds() {
    for (q, h) in [(5, 3), (2, 1), (7, 2)] {
        for t in 0..q {
            let mut data = vec![t];
            data.extend(std::iter::repeat_n(0, h));
            data.extend(std::iter::repeat_n(q - 1, h));
            let data = DiscreteData::new(q, &data).expect("valid");
            let found = law(&order_statistic_lengths(&data, h + 1).expect("valid"), 1.3).probabilities[t];
            close(found, packing_bound(q, 2 * h + 1, eps(1.3)).expect("valid").inverse_sensitivity, 1e-15);
        }
    }
    let all = multisets_of(4, 5);
    for a in &all {
        for b in &all {
            for event in [&[0][..], &[0, 1], &[2, 3, 2], &[]] {
                let found = group_privacy(a, b, 3, eps(1.0), event).expect("valid");
                assert!(found.p_b <= found.bound * (1.0 + 8.0 * f64::EPSILON));
                if event.is_empty() {
                    assert_eq!((found.p_a, found.bound), (0.0, 0.0));
                }
            }
        }
    }
    assert!(group_privacy(&all[0], &all[1], 3, eps(1.0), &[4]).is_err());
}

/// Replacing one datum never moves the continuous law by more than epsilon, at any point.
fn density_ratio(
    data: &[f64],
    changed: &[f64],
    functional: IntervalFunctional,
    rho: f64,
    epsilon: f64,
) -> f64 {
    let of = |x: &[f64]| {
        let data = IntervalData::new(x, -1.0, 1.0).expect("inside");
        inverse_sensitivity_density(&data, functional, rho, eps(epsilon)).expect("valid")
    };
    let (a, b) = (of(data), of(changed));
    let mut worst = 0.0_f64;
    for i in -120..=120 {
        // Not at the breakpoints of the data on a grid, where rounding decides the segment.
        let t = f64::from(i) / 100.0 + 0.001_234;
        let (x, y) = (a.density(t).expect("valid"), b.density(t).expect("valid"));
        if x > 0.0 || y > 0.0 {
            worst = worst.max((x / y).ln().abs());
        }
    }
    worst
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn interval_laws_are_private_normalised_and_obey_the_tail_bound(
        data in proptest::collection::vec(
            prop_oneof![(-4_i32..=4).prop_map(|x| f64::from(x) / 4.0), -1.0_f64..=1.0], 1..12),
        index in 0_usize..12,
        value in -1.0_f64..=1.0,
        rho in prop_oneof![Just(0.05), 0.001_f64..0.5],
        epsilon in 0.05_f64..6.0,
        mean in any::<bool>(),
    ) {
        let functional = if mean { IntervalFunctional::Mean } else { IntervalFunctional::Median };
        prop_assume!(mean || data.len() % 2 == 1);
        let mut changed = data.clone();
        let n = data.len();
        changed[index % n] = value;
        prop_assert!(density_ratio(&data, &changed, functional, rho, epsilon) <= epsilon + 1e-12);
        let interval = IntervalData::new(&data, -1.0, 1.0).expect("inside");
        let found = inverse_sensitivity_density(&interval, functional, rho, eps(epsilon)).expect("valid");
        prop_assert!((found.distribution(5.0).expect("valid") - 1.0).abs() < 1e-13);
        prop_assert!((found.tail(0.0).expect("valid") - 1.0).abs() < 1e-13);
        // (B1): mass at path length >= K is at most (R/rho + 1) e^(-eps K/2), R = 1.
        let center = found.center();
        for k in 1..found.intervals().len() {
            let (l, u) = found.intervals()[k - 1];
            // The smallest radius around the centre that holds all shorter lengths gives a lower bound of that mass.
            let reach = (center - l).max(u - center) + rho;
            let bound = failure_bound(1, 1.0, rho, eps(epsilon), k as f64).expect("valid");
            prop_assert!(found.tail(reach).expect("valid") <= bound * (1.0 + 1e-12));
        }
    }
}

/// DP-10 on every pair of data sets and every event of a small universe: probabilities from the definition, in plain sums.
#[test]
fn group_privacy_holds_with_probabilities_from_the_definition() {
    let (q, j, epsilon) = (3, 2, 0.8);
    let sets: Vec<[usize; 3]> =
        (0..q).flat_map(|a| (a..q).flat_map(move |b| (b..q).map(move |c| [a, b, c]))).collect();
    let probability = |set: &[usize; 3], event: &[usize]| {
        // The median is t after as many replacements as there are values too many on one side.
        let weight = |t: usize| {
            let low = set.iter().filter(|x| **x < t).count();
            let high = set.iter().filter(|x| **x > t).count();
            (-0.5 * epsilon * low.saturating_sub(j - 1).max(high.saturating_sub(3 - j)) as f64).exp()
        };
        event.iter().map(|&t| weight(t)).sum::<f64>() / (0..q).map(weight).sum::<f64>()
    };
    let mut tightest = 0.0_f64;
    for a in &sets {
        for b in &sets {
            // A multiset distance by removal of common values.
            let mut left = b.to_vec();
            let distance = a
                .iter()
                .filter(|x| left.iter().position(|y| y == *x).map(|i| left.swap_remove(i)).is_none())
                .count();
            for event in [&[0][..], &[1], &[2], &[0, 2], &[1, 2]] {
                let (da, db) =
                    (DiscreteData::new(q, a).expect("valid"), DiscreteData::new(q, b).expect("valid"));
                let g = group_privacy(&da, &db, j, eps(epsilon), event).expect("valid");
                assert_eq!(g.distance, distance, "{a:?} {b:?}");
                close(g.p_a, probability(a, event), DIGITS_15);
                close(g.p_b, probability(b, event), DIGITS_15);
                close(g.bound, (epsilon * distance as f64).exp() * probability(a, event), DIGITS_15);
                assert!(g.p_b <= g.bound * (1.0 + DIGITS_15));
                tightest = tightest.max(g.p_b / g.bound);
            }
        }
    }
    // Equal data sets attain it.
    close(tightest, 1.0, DIGITS_15);
}

#[test]
fn the_corruption_budget_is_where_failure_reaches_the_square_root() {
    // e^-10 at epsilon 1/2: ten corruptions leave e^-5.
    let beta = (-10.0_f64).exp();
    close(corruption_budget(eps(0.5), beta).expect("valid"), 10.0, DIGITS_15);
    close(robust_failure(eps(0.5), beta, 10).expect("valid"), (-5.0_f64).exp(), DIGITS_15);
    assert!(robust_failure(eps(0.5), beta, 11).expect("valid") > (-5.0_f64).exp());
    for beta in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(corruption_budget(eps(0.5), beta).is_err() && robust_failure(eps(0.5), beta, 1).is_err());
    }
}

/// The variance of a Laplace law of scale b is 2 b^2, that of a sample median 1/(4 n phi_0^2).
#[test]
fn the_spread_of_the_normal_median_adds_two_variances() {
    let density = 1.0 / (2.0 * std::f64::consts::PI).sqrt();
    for (n, epsilon) in [(101, 1.0), (10_001, 0.05), (3, 4.0)] {
        let spread = normal_median_spread(n, eps(epsilon)).expect("valid");
        let scale = median_noise_scale(density).expect("valid") / (n as f64 * epsilon);
        close(spread.privacy, 2.0 * scale * scale, DIGITS_15);
        close(spread.sampling, 1.0 / (4.0 * n as f64 * density * density), DIGITS_15);
        close(spread.total(), spread.privacy + spread.sampling, DIGITS_15);
        // Privacy is free once n eps^2 is much larger than 32.
        close(spread.privacy / spread.sampling, 32.0 / (n as f64 * epsilon * epsilon), DIGITS_15);
    }
    assert!(normal_median_spread(0, eps(1.0)).is_err());
    // B.3: 2 sqrt(2 pi).
    close(median_noise_scale(density).expect("valid"), 5.013256549262, 1e-12);
}

/// Sizes beyond the stated limit are refused before anything is summed; the largest allowed one is answered.
#[test]
fn endless_medians_are_refused() {
    for n in [usize::MAX, (1 << 53) + 1] {
        assert!(median_failure(n, 0, 0.5).is_err());
        assert!(median_certificate(n, eps(1.0), 10.0, 0.1, 0.5).is_err());
    }
    let far = median_failure(999_999_999_999, 0, 0.5).expect("in the domain");
    assert_eq!(far, 0.0);
}

/// An enumeration that would never end is refused at once, without counting what it would enumerate.
#[test]
fn endless_enumerations_are_refused_at_once() {
    for (q, n) in [(2, usize::MAX), (usize::MAX, 2), (1 << 53, 1 << 53), (usize::MAX, usize::MAX)] {
        assert!(order_statistic_privacy_loss(q, n, 1, eps(1.0)).is_err(), "{q} {n}");
        assert!(sum_privacy_loss(q, n, eps(1.0)).is_err(), "{q} {n}");
    }
    let many = DiscreteData::from_counts(vec![usize::MAX, 0]).expect("fits");
    assert_eq!(order_statistic_lengths(&many, 3).expect("in the domain"), [0, usize::MAX - 2]);
    // binomial(5 + 2, 2) = 21, binomial(4 + 3, 4) = 35.
    assert_eq!((search::multisets(5, 3), search::multisets(4, 4)), (21.0, 35.0));
}

/// The mean error of an interval law is a number on intervals of any length: the same law in other units, and ends next to the
/// largest double.
#[test]
fn mean_errors_of_long_intervals_do_not_overflow() {
    let law = |unit: f64, e: f64| {
        let data = IntervalData::new(&[0.25 * unit], -unit, unit).expect("inside");
        inverse_sensitivity_density(&data, IntervalFunctional::Mean, 0.125 * unit, eps(e)).expect("valid")
    };
    for e in [0.5, 3.0, 1e200] {
        let one = law(1.0, e).mean_absolute_error();
        for unit in [2.0_f64.powi(-600), 2.0_f64.powi(600), 2.0_f64.powi(1000)] {
            close(law(unit, e).mean_absolute_error() / unit, one, DIGITS_15);
        }
    }
}
