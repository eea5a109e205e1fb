//! The programs against definitions and reference numbers of the specification.
use solvable_model::aggregate::{BagDesign, Epsilon, IntervalData, IntervalFunctional, LabelPrivacy};

use super::*;
use crate::monte_carlo::Stream;

/// Reference numbers are given to 15 digits.
const DIGITS: f64 = 1e-14;

fn median_mechanism(q: usize, n: usize) -> DiscreteMechanism {
    DiscreteMechanism::new(Universe::new(q, n).expect("small"), (0..q).collect(), |data| {
        let mut sorted = data.to_vec();
        sorted.sort_unstable();
        sorted[data.len() / 2]
    })
}

#[test]
fn reference_laws_of_the_specification() {
    let median = median_mechanism(6, 5);
    let law = median.law(&[1, 2, 2, 4, 5], 1.0);
    assert_eq!(law.lengths, [3, 2, 0, 1, 1, 2].map(Some));
    assert!((law.probabilities[0] - 0.070_344_783_079_647_0).abs() < DIGITS);
    assert!((law.probabilities[2] - 0.315_263_445_483_356).abs() < DIGITS);
    let sum =
        DiscreteMechanism::new(Universe::new(3, 4).expect("small"), (0..=8).collect(), |d| d.iter().sum());
    let law = sum.law(&[0, 2, 2, 1], 1.0);
    assert_eq!(law.lengths, [3, 2, 2, 1, 1, 0, 1, 1, 2].map(Some));
    assert!((law.probabilities[5] - 0.210_398_255_340_469).abs() < DIGITS);
    let grid = Universe::new(9, 3).expect("small");
    let plane = DiscreteMechanism::new(grid, (0..9).collect(), |d| coordinatewise_median(3, d));
    let law = plane.law(&[0, 7, 5], 1.0);
    assert_eq!(law.lengths.iter().filter(|l| **l == Some(1)).count(), 8);
    assert!((law.probabilities[4] - 0.170_874_587_880_026).abs() < DIGITS);
    // Exact losses (DP-7).
    assert!((median_mechanism(5, 5).privacy_loss(1.0) - 0.734_418_207_391_478).abs() < DIGITS);
    assert!((median_mechanism(3, 3).privacy_loss(2.0) - 1.143_838_749_487_67).abs() < DIGITS);
    assert!((sum.privacy_loss(1.0) - 0.728_791_454_669_949).abs() < DIGITS);
    assert!((plane.privacy_loss(1.0) - 0.836_110_702_412_444).abs() < DIGITS);
}

#[test]
fn reference_staircases_of_the_specification() {
    let data = IntervalData::new(&[-1.0, 0.2, 0.5, 0.9, 2.0], -2.5, 2.5).expect("inside");
    let one = Epsilon::new(1.0).expect("positive");
    let median = IntervalMechanism::new(&data, IntervalFunctional::Median, 0.1, one).expect("odd");
    let stairs = median.staircase();
    assert!((stairs.normaliser() - 1.916_954_496_790_02).abs() < DIGITS * 10.0);
    // By hand: [rho^2 + sum_j e^(-j/2) (far^2 - near^2)/2 over both sides] / Z.
    assert!((stairs.mean_absolute_deviation() - 1.036_831_483_789_224_5).abs() < DIGITS * 10.0);
    for (x, tail) in
        [(0.2, 0.832_387_188_907_947), (0.5, 0.654_994_728_866_310), (2.0, 0.139_677_907_131_588)]
    {
        assert!((stairs.tail(0.5, x) - tail).abs() < DIGITS * 10.0);
    }
    assert_eq!([0.5, 0.15, -0.5, -2.55].map(|t| median.length(t)), [0, 1, 2, 3].map(Some));
    let data = IntervalData::new(&[0.0, 0.25, 0.5, 1.0], 0.0, 1.0).expect("inside");
    let mean = IntervalMechanism::new(&data, IntervalFunctional::Mean, 0.05, one).expect("valid");
    let stairs = mean.staircase();
    assert!((stairs.normaliser() - 0.560_064_560_250_223).abs() < DIGITS);
    assert!((stairs.mean_absolute_deviation() - 0.216_231_703_180_349).abs() < DIGITS);
    assert!(IntervalMechanism::new(&data, IntervalFunctional::Median, 0.05, one).is_err());
}

#[test]
fn draws_have_their_frequencies() {
    // Hoeffding at level 1e-6: |frequency - p| <= sqrt(ln(2e6) / (2 n)) = 0.0191 for n = 20000.
    let law = median_mechanism(4, 5).law(&[0, 1, 1, 2, 3], 1.0);
    let mut rng = Stream::new(21, 0);
    let n = 20_000;
    let mut counts = [0_u32; 4];
    for _ in 0..n {
        counts[law.sample(&mut rng)] += 1;
    }
    for (count, p) in counts.iter().zip(&law.probabilities) {
        assert!((f64::from(*count) / f64::from(n) - p).abs() < 0.0191);
    }
    let data = IntervalData::new(&[0.1, 0.4, 0.9], 0.0, 1.0).expect("inside");
    let epsilon = Epsilon::new(2.0).expect("positive");
    let mechanism = IntervalMechanism::new(&data, IntervalFunctional::Median, 0.1, epsilon).expect("odd");
    let top = 1.0 - mechanism.staircase().length_tail(1);
    let hits = (0..n).filter(|_| mechanism.length(mechanism.sample(&mut rng)) == Some(0)).count();
    assert!((hits as f64 / f64::from(n) - top).abs() < 0.0191);
}

#[test]
fn corrupted_medians_are_those_of_the_best_replacements() {
    let sorted = [-2.0, -0.5, 0.1, 0.8, 3.0];
    for j in 0..=3 {
        // All subsets of j points sent to either end.
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for subset in 0_usize..32 {
            if subset.count_ones() as usize != j {
                continue;
            }
            for (end, up) in [(f64::INFINITY, true), (f64::NEG_INFINITY, false)] {
                let mut moved: Vec<f64> =
                    (0..5).map(|i| if subset >> i & 1 == 1 { end } else { sorted[i] }).collect();
                moved.sort_by(f64::total_cmp);
                if up { high = high.max(moved[2]) } else { low = low.min(moved[2]) }
            }
        }
        assert_eq!(corrupted_median_range(&sorted, j), [low, high]);
    }
    // The exact error against the subset program without smoothing.
    let data = IntervalData::new(&sorted, -10.0, 10.0).expect("inside");
    let epsilon = Epsilon::new(1.5).expect("positive");
    let mechanism = IntervalMechanism::new(&data, IntervalFunctional::Median, 0.0, epsilon).expect("odd");
    let expected = mechanism.staircase().mean_absolute_deviation();
    assert!((private_median_error(&sorted, 1.5, 10.0) - expected).abs() < 1e-13);
}

/// The control has mean 0, and without it the deviation of the error is several times as large.
#[test]
fn the_control_of_the_median_error_has_mean_zero() {
    let (n, epsilon, samples) = (577, 1.0 / 6.0, 4000);
    let (mut control, mut raw, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let mut data = vec![0.0; n];
    for replica in 0..samples {
        central_order_statistics(&mut Stream::new(5, replica), &mut data);
        let (error, c) = (private_median_error(&data, epsilon, 10.0), private_median_control(&data, epsilon));
        control.push(c);
        raw.push(error);
        rest.push(error - c);
    }
    let moments = |list: &[f64]| {
        let mean = list.iter().sum::<f64>() / list.len() as f64;
        let variance = list.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / list.len() as f64;
        (mean, variance.sqrt())
    };
    // Five standard errors: a false alarm in 1.7 million.
    let (mean, deviation) = moments(&control);
    assert!(mean.abs() < 5.0 * deviation / (samples as f64).sqrt(), "{mean} {deviation}");
    // To first order in epsilon nothing is left: the square of a relative deviation of 0.1 is.
    assert!(moments(&rest).1 < 0.3 * moments(&raw).1);
    // Two points apart by nothing, and a single one.
    assert_eq!(private_median_control(&[0.3], 1.0), 0.0);
}

#[test]
fn ratios_of_released_means() {
    let privacy = LabelPrivacy::new(1.0, Some(0.5)).expect("valid");
    let bags = BagDesign::consecutive(4, 2).expect("divides");
    let ratio = |other: &[f64], release: &[f64]| {
        release_log_ratio(&privacy, &bags, &[1.0, 0.0, 0.3, 0.3], other, release, 2.0).expect("shapes")
    };
    // Beyond both means: one label from 1 to -1 moves one mean by 1.
    assert_eq!(ratio(&[-1.0, 0.0, 0.3, 0.3], &[5.0, 0.0]), 0.5);
    // Clipped labels do not matter beyond the clip level.
    assert_eq!(ratio(&[9.0, 0.0, 0.3, 0.3], &[5.0, 0.0]), 0.0);
    assert!(release_log_ratio(&privacy, &bags, &[0.0; 4], &[0.0; 4], &[0.0], 1.0).is_err());
}

#[test]
fn large_universes_are_refused() {
    assert!(Universe::new(10, 10).is_err() && Universe::new(0, 3).is_err() && Universe::new(3, 0).is_err());
}
