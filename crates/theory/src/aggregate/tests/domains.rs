//! The ends of every domain (the limit accepted, the next double refused), and values between them that closed forms give.
use solvable_linalg::Mat;
use solvable_model::InputError;
use solvable_model::aggregate::{
    BagDesign, DiscreteData, Epsilon, FiniteDesign, IntervalData, IntervalFunctional, LabelPrivacy, Mixing,
    PlaneData, PointwiseLoss, SpectralLimit, SpectrumPart,
};

use super::data::random_data;
use super::reference::{at, close, isotropic};
use crate::aggregate::private::*;
use crate::aggregate::*;

const ULPS: f64 = 16.0 * f64::EPSILON;
const BAD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

fn eps(value: f64) -> Epsilon {
    Epsilon::new(value).expect("positive")
}

#[test]
fn bag_sizes() {
    let privacy = LabelPrivacy::new(1.0, Some(2.0)).expect("valid");
    for k in BAD.into_iter().chain([1_f64.next_down(), 0.0, -3.0]) {
        assert!(laplace_noise(&privacy, k, 1.0).is_err() && label_privacy_loss(&privacy, k, 1.0).is_err());
        assert!(critical_snr(0.3, k).is_err());
    }
    assert!(laplace_noise(&privacy, 1.0, 0.0).is_ok() && label_privacy_loss(&privacy, 1.0, 1.0).is_ok());
    // Both losses agree for bags of one; just above there is a ratio.
    assert!(critical_snr(0.3, 1.0).is_err() && critical_snr(0.3, 1_f64.next_up()).is_ok());
    assert_eq!(critical_snr(1.0, 2.0), Ok(0.0));
    assert!(critical_snr(1_f64.next_down(), 2.0).is_ok());
}

#[test]
fn curated_bags() {
    // omega^2 + (1/3) omega (1 - omega), omega = 3/4; s2/(3 k).
    let problem = isotropic(0.25, 4.0, 2.0, 0.5);
    let risk = curated_limit(&problem, 0.75).expect("valid");
    close(risk.bias2, 1.25, ULPS);
    close(risk.var, 1.0 / 24.0, ULPS);
    for (omega, bias2) in [(0.0, 0.0), (1.0, 2.0)] {
        assert_eq!(curated_limit(&problem, omega).expect("an end").bias2, bias2);
    }
    for omega in BAD.into_iter().chain([-f64::MIN_POSITIVE, 1_f64.next_up(), 1.5]) {
        assert!(curated_limit(&problem, omega).is_err(), "{omega}");
    }
    let edge = curated_limit(&isotropic(1.0, 4.0, 2.0, 0.5), 0.0).expect("gamma = 1");
    assert_eq!((edge.bias2, edge.var), (0.0, f64::INFINITY));
    assert_eq!(curated_limit(&isotropic(1.0, 4.0, 2.0, 0.5), 0.5).expect("gamma = 1").bias2, f64::INFINITY);
    assert!(curated_limit(&isotropic(1_f64.next_up(), 4.0, 2.0, 0.5), 0.5).is_err());
    // n = d + 2 is the least; z = 0 has no share.
    let bags = BagDesign::consecutive(6, 2).expect("divides");
    let z = [1.0, 1.0, 2.0, 2.0, -1.0, -1.0];
    assert!(curated_risk(&bags, &z, 4, 1.0, 1.0).is_ok());
    assert!(matches!(
        curated_risk(&bags, &z, 5, 1.0, 1.0),
        Err(AggregateError::NoFormula { n: 6, m: 3, d: 5, .. })
    ));
    assert_eq!(within_bag_share(&bags, &z), Ok(0.0));
    close(within_bag_share(&bags, &[1.0, -1.0, 0.0, 0.0, 2.0, 2.0]).expect("valid"), 0.2, ULPS);
    assert!(within_bag_share(&bags, &[0.0; 6]).is_err());
}

#[test]
fn optimal_ridge_leaves_the_range_of_doubles_with_an_error() {
    // b = r2 (1 - k gamma)/(k gamma) overflows, the risk (about s2 k gamma) does not.
    assert!(bayes_ridge(&isotropic(1e-3, 1.0, 1e307, 1.0), None).is_err());
    assert!(bayes_ridge(&isotropic(0.5, 1.0, 1.7e308, 1.7e308), None).is_err());
    // lambda = gamma s2/r2 overflows.
    assert!(bayes_ridge(&isotropic(0.5, 1.0, 1e-300, 1e10), None).is_err());
    // k gamma = 1/2, r2 = 1, s2 = 0: nothing is lost; with s2 tiny the risk is s2 (k gamma)/(1 - k gamma).
    assert_eq!(bayes_ridge(&isotropic(0.25, 2.0, 1.0, 0.0), None).expect("valid").risk, 0.0);
    assert_eq!(bayes_ridge(&isotropic(0.5, 1.0, 5e-324, 0.0), None).expect("valid").risk, 0.0);
    let huge = LabelPrivacy::new(f64::MAX, Some(f64::MAX)).expect("valid");
    close(laplace_noise(&huge, 1e200, 1.0).expect("valid").scale, 2e-200, ULPS);
    let quiet = bayes_ridge(&isotropic(0.2, 2.0, 1.0, 1e-30), None).expect("valid");
    close(quiet.risk, 1e-30 * 0.4 / 0.6, ULPS);
    close(quiet.lambda, 0.2e-30, ULPS);
    // Too many directions and no noise: r2 (1 - 1/(k gamma)).
    close(bayes_ridge(&isotropic(2.0, 2.0, 3.0, 0.0), None).expect("valid").risk, 2.25, ULPS);
    // Near the top of the range: r2 = 1.5e308 keeps its answer (b <= 0 and b > 0).
    let big = bayes_ridge(&isotropic(2.0, 1.0, 1.5e308, 1.0), None).expect("valid");
    close(big.risk, 0.75e308, ULPS);
    let big = bayes_ridge(&isotropic(0.6, 1.0, 1.5e308, 1.0), None).expect("valid");
    close(big.risk, 1.5, ULPS);
}

/// rho -> 1-, lambda = 0 (AGG-4, AGG-5 iv): the limit tau -> 0 of (A3) to (A5), mpmath at tau = 1e-40; below k gamma = 1 it is
/// the bag level itself, with delta = k gamma/(1 - k gamma) and an unbiased estimator.
#[test]
fn left_limits_of_the_general_equivalent() {
    let spectral = |gamma: f64, k: f64, r2: f64, s2: f64| {
        // Two directions of the same total energy theta*' Sigma theta* = r2.
        let part = |sigma: f64| SpectrumPart { sigma, weight: 0.5 * gamma, theta2: 0.5 * r2 / sigma };
        SpectralLimit::new(vec![part(4.0), part(0.25)], k, s2).expect("valid")
    };
    for (gamma, k, r2, s2, total, within) in [
        (0.5, 4.0, 1.3, 0.7, 2.025, 2.025),
        (0.4, 3.0, 2.0, 0.5, 3.296_296_296_296_295_4, 4.629_629_629_629_629),
    ] {
        let found = bag_equivalent(&spectral(gamma, k, r2, s2), Mixing::LEFT_OF_ONE, 0.0).expect("valid");
        close(found.risk.total(), total, ULPS);
        close(found.within_risk, within, ULPS);
        let interpolates =
            FixedPoint { delta: f64::INFINITY, s: 0.0, share: gamma, ridge: 0.0, threshold: false };
        assert_eq!(found.point, interpolates);
    }
    for mixing in [Mixing::LEFT_OF_ONE, Mixing::BAG] {
        let found = bag_equivalent(&spectral(0.2, 4.0, 1.3, 0.5), mixing, 0.0).expect("valid");
        close(found.point.delta, 4.0, ULPS);
        close(found.risk.var, 2.0, ULPS);
        assert!(found.risk.bias2 < 1e-30);
        close(found.within_risk, 3.3, ULPS);
    }
    // gamma > 1: every rho < 1 interpolates alike.
    let left = bag_equivalent(&spectral(1.5, 2.0, 1.0, 0.5), Mixing::LEFT_OF_ONE, 0.0).expect("valid");
    assert_eq!(left, bag_equivalent(&spectral(1.5, 2.0, 1.0, 0.5), Mixing::INSTANCE, 0.0).expect("valid"));
}

/// Divergences far out: psi is |x|_+ to double precision, so that the gap of (a, b) is (psi(a) + psi(b))/2 - psi((a+b)/2).
#[test]
fn logistic_gaps_of_huge_predictions() {
    let bags = BagDesign::consecutive(2, 2).expect("divides");
    for (a, b, expected) in [
        (300.0, -900.0, 150.0),
        (900.0, -300.0, 150.0),
        (1000.0, -1000.0, 500.0 - std::f64::consts::LN_2),
        (2000.0, -400.0, 200.0),
    ] {
        let gap = loss_gap(PointwiseLoss::Logistic, &bags, &[a, b]).expect("valid");
        close(gap.gap, expected, ULPS);
        let bound = gap.upper.expect("bounded curvature");
        close(bound, gap.within / 8.0, ULPS);
        assert!(gap.gap <= bound);
    }
    let f = [1.0, 2.0];
    assert!(curvature_gap(&bags, &[f64::NAN], &f, |_, _| 1.0).is_err());
    let refused = curvature_gap(&bags, &[1.0, 1.0], &f, |_, _| 1.0).expect_err("two labels, one bag");
    let (found, expected) = ((2, 1), (1, 1));
    assert_eq!(refused, InputError::Shape { argument: "mean labels".into(), found, expected }.into());
    // Curvature 2 + f: u^2/2 (2 + fbar + u/3) summed over u = +-1/2 and divided by 2.
    close(curvature_gap(&bags, &[0.0], &f, |_, f| 2.0 + f).expect("valid"), 0.125 * 3.5, ULPS);
    // Only the label of the own bag enters.
    let bags = BagDesign::consecutive(4, 2).expect("divides");
    let gap = curvature_gap(&bags, &[2.0, 6.0], &[1.0, 3.0, 5.0, 5.0], |y, _| y).expect("valid");
    close(gap, 1.0 / 2.0, ULPS);
}

/// Bags of 1 and 3 rows, rho = 1/2: weights 3/2 and 5/6. The score is (1/m) sum k_a (y_a (1 + w_a delta))^2 for theta = 0.
#[test]
fn gcv_of_unequal_bags_at_any_leverage() {
    let bags = BagDesign::new(4, &[vec![0], vec![1, 2, 3]]).expect("partition");
    let means = Mat::from_fn(2, 1, |_, _| 1.0);
    let (w, labels) = ([1.5, 5.0 / 6.0], [1.0, 2.0]);
    for delta in [1e-6, 0.06, 1.0, 6.0, 300.0] {
        let share = |w: f64| w * delta / (1.0 + w * delta);
        let leverage = 0.5 * (share(w[0]) + share(w[1]));
        let point = PathPoint { theta: vec![0.0], leverage };
        let score = gcv_score(means.as_ref(), &labels, &bags, at(0.5), &point).expect("leverage below 1");
        let expected = 0.5 * ((1.0 + w[0] * delta).powi(2) + 3.0 * (2.0 * (1.0 + w[1] * delta)).powi(2));
        // The leverage is rounded: delta moves by eps/(1 - leverage).
        close(score, expected, ULPS * (1.0 + delta));
    }
    let point = PathPoint { theta: vec![0.0], leverage: 1.0 };
    assert!(gcv_score(means.as_ref(), &labels, &bags, at(0.5), &point).is_none());
    let point = PathPoint { theta: vec![0.0], leverage: 0.0 };
    close(gcv_score(means.as_ref(), &labels, &bags, at(0.5), &point).expect("0"), 6.5, ULPS);
    let path = BagPath::new(means.as_ref(), &[1.0], &bags);
    assert!(path.is_err());
    let x = Mat::from_fn(4, 1, |i, _| i as f64 + 1.0);
    let path = BagPath::new(x.as_ref(), &labels, &bags).expect("valid").ridgeless().expect("certified");
    assert!(path.at(Mixing::BAG).is_err() && path.at(Mixing::LEFT_OF_ONE).is_err());
    assert!(path.at(at(1_f64.next_down())).is_ok());
}

#[test]
fn flows_start_at_time_0() {
    let data = random_data(BagDesign::consecutive(6, 2).expect("divides"), 2, 5);
    let flow = BagFlow::new(&data, at(0.5), 0.1).expect("valid");
    for t in [-f64::MIN_POSITIVE, -1.0, f64::NAN, f64::NEG_INFINITY] {
        assert!(flow.at(&[1.0, 2.0], t).is_err(), "{t}");
    }
    for found in
        [flow.at(&[1.0, 2.0], 0.0), flow.descent(&[1.0, 2.0], 0.1, 0), flow.descent(&[1.0, 2.0], 0.0, 9)]
    {
        let found = found.expect("valid");
        assert!((found[0] - 1.0).abs() < ULPS && (found[1] - 2.0).abs() < 2.0 * ULPS);
    }
    let end = flow.at(&[1.0, 2.0], f64::INFINITY).expect("the limit");
    let best = estimate(&data, at(0.5), 0.1).expect("valid").theta;
    assert!(end.iter().zip(&best).all(|(a, b)| (a - b).abs() < 1e-12));
}

#[test]
fn privacy_consequences() {
    // e^(eps j) beta, (log 1/beta)/(2 eps), the bound of (B1): eps = 1/10.
    close(robust_failure(eps(0.1), 1e-6, 20).expect("valid"), 2_f64.exp() * 1e-6, 4.0 * ULPS);
    close(robust_failure(eps(0.1), 1e-6, 0).expect("valid"), 1e-6, 4.0 * ULPS);
    assert_eq!(robust_failure(eps(1.0), 0.5, 1), Ok(1.0));
    close(corruption_budget(eps(0.5), (-2.0_f64).exp()).expect("valid"), 2.0, ULPS);
    // 11 e^-5.
    close(failure_bound(1, 10.0, 1.0, eps(1.0), 10.0).expect("valid"), 11.0 * (-5.0_f64).exp(), ULPS);
    close(failure_bound(3, 1.0, 1.0, eps(0.5), 0.0).expect("valid"), 8.0, ULPS);
    for beta in BAD.into_iter().chain([0.0, 1.0, -0.5, 1.5]) {
        assert!(robust_failure(eps(1.0), beta, 1).is_err(), "{beta}");
        assert!(corruption_budget(eps(1.0), beta).is_err());
        assert!(path_length_needed(1, 1.0, 1.0, eps(1.0), beta).is_err());
    }
    assert!(path_length_needed(1, 1.0, 1.0, eps(1e-300), 0.5).is_err());
    assert_eq!(path_length_needed(1, 0.0, 1.0, eps(9.0), 1_f64.next_down()).expect("valid"), 1.0);
    // log 4 over log 2: exactly 4 changes of eps = log 2.
    let exact = path_length_needed(1, 0.0, 1.0, eps(std::f64::consts::LN_2), 0.25).expect("valid");
    assert_eq!(exact, 4.0);
    use std::f64::consts::PI;
    let spread = normal_median_spread(10, eps(2.0)).expect("valid");
    close(spread.sampling, PI / 20.0, ULPS);
    close(spread.privacy, PI / 25.0, ULPS);
    close(spread.total(), PI * 0.09, ULPS);
    assert_eq!(median_noise_scale(0.25), Ok(8.0));
    assert!(median_noise_scale(0.0).is_err() && normal_median_spread(0, eps(1.0)).is_err());
    assert!(packing_bound(0, 3, eps(1.0)).is_err() && packing_bound(3, 4, eps(1.0)).is_err());
    let one = packing_bound(1, 3, eps(1.0)).expect("valid");
    assert_eq!((one.upper, one.inverse_sensitivity), (1.0, 1.0));
    // The centre may be at most R away.
    for a in BAD.into_iter().chain([0.0, -1.0, 1_f64.next_up()]) {
        assert!(median_certificate(5, eps(1.0), 1.0, 0.1, a).is_err(), "{a}");
    }
    assert!(median_certificate(5, eps(1.0), 1.0, 0.1, 1.0).is_ok());
    assert_eq!(
        median_certificate(1_000_001, eps(1.0), 1.0, 0.1, 0.5),
        Err(AggregateError::TooLarge { size: 1_000_001.0, limit: 1e6 })
    );
}

#[test]
fn finite_laws_and_lengths() {
    let law = inverse_sensitivity_law(&[Some(0), Some(1), None, Some(2)], eps(2.0)).expect("attainable");
    let weights = [1.0, (-1.0_f64).exp(), 0.0, (-2.0_f64).exp()];
    let total: f64 = weights.iter().sum();
    for (event, members) in [(&[0, 3][..], [0, 3]), (&[1, 0, 1], [0, 1]), (&[2, 1], [1, 2])] {
        let expected = (weights[members[0]] + weights[members[1]]) / total;
        close(law.probability(event).expect("outputs"), expected, ULPS);
        close(law.log_probability(event).expect("outputs"), expected.ln(), 4.0 * ULPS);
    }
    assert!(law.log_probability(&[0, 1, 2, 3]).expect("all").abs() < ULPS);
    assert_eq!(law.log_probability(&[2]), Ok(f64::NEG_INFINITY));
    let refused = law.probability(&[0, 4]).expect_err("no output 4");
    assert!(refused.to_string().contains("event[1] = 4"), "{refused}");
    assert!(inverse_sensitivity_law(&[None, None], eps(1.0)).is_err());
    // The first datum out of order is named.
    let refused = order_statistic_length(&[1.0, 3.0, 2.0, 0.0], 1, 0.0).expect_err("not sorted");
    assert!(matches!(refused, InputError::OutOfDomain { value: 2.0, .. }), "{refused}");
    assert!(refused.to_string().contains("data[2] = 2"), "{refused}");
    for (j, fine) in [(0, false), (1, true), (4, true), (5, false)] {
        assert_eq!(order_statistic_length(&[0.0, 1.0, 1.0, 2.0], j, 1.0).is_ok(), fine, "{j}");
    }
    assert!(order_statistic_length(&[], 1, 0.0).is_err());
    assert!(order_statistic_length(&[1.0], 1, f64::NAN).is_err());
    // Steps of the refused enumerations: C(1001, 2) 2 1000, and q^2 n.
    let data = DiscreteData::new(1000, &[0, 1]).expect("valid");
    let refused = path_lengths(&data, |_| Ok(0)).expect_err("too large");
    assert_eq!(refused, AggregateError::TooLarge { size: 1.001e9, limit: ENUMERATION_LIMIT });
    let plane = PlaneData::new(10_001, &[[0, 0]]).expect("valid");
    let refused = plane_median_lengths(&plane).expect_err("too large");
    assert_eq!(refused, AggregateError::TooLarge { size: 100_020_001.0, limit: ENUMERATION_LIMIT });
    let (a, b) = (DiscreteData::new(3, &[0, 1]).expect("valid"), DiscreteData::new(3, &[0]).expect("valid"));
    let c = DiscreteData::new(4, &[0, 1]).expect("valid");
    assert!(multiset_distance(&a, &b).is_err() && multiset_distance(&a, &c).is_err());
}

#[test]
fn interval_laws_at_their_ends() {
    let data = IntervalData::new(&[-0.5, 0.0, 0.5], -1.0, 1.0).expect("valid");
    let law = |rho: f64| inverse_sensitivity_density(&data, IntervalFunctional::Median, rho, eps(1.0));
    for rho in BAD.into_iter().chain([-f64::MIN_POSITIVE]) {
        assert!(law(rho).is_err(), "{rho}");
    }
    let law = law(0.0).expect("rho = 0");
    for t in [f64::NAN, -f64::NAN] {
        assert!(law.density(t).is_err() && law.distribution(t).is_err());
        assert!(law.tail(t).is_err() && law.tail_around(0.0, t).is_err());
    }
    for c in BAD {
        assert!(law.tail_around(c, 0.1).is_err() && law.mean_absolute_error_around(c).is_err());
    }
    assert!(law.tail(-f64::MIN_POSITIVE).is_err() && law.tail_around(0.0, -f64::MIN_POSITIVE).is_err());
    assert_eq!((law.density(f64::INFINITY), law.density(f64::NEG_INFINITY)), (Ok(0.0), Ok(0.0)));
    assert_eq!(law.distribution(f64::NEG_INFINITY), Ok(0.0));
    close(law.distribution(f64::INFINITY).expect("a number"), 1.0, ULPS);
    close(law.tail(0.0).expect("valid"), 1.0, ULPS);
    assert_eq!((law.tail(f64::INFINITY), law.tail_around(0.3, f64::INFINITY)), (Ok(0.0), Ok(0.0)));
    // Segments of length 1 and 1 with weights e^-1/2 and e^-1; the first segment is a point.
    let (inner, outer) = ((-0.5_f64).exp(), (-1.0_f64).exp());
    close(law.density(0.2).expect("inside"), inner / (inner + outer), ULPS);
    close(law.density(0.7).expect("inside"), outer / (inner + outer), ULPS);
    close(law.tail(0.5).expect("valid"), outer / (inner + outer), ULPS);
    close(law.tail_around(0.5, 0.25).expect("valid"), (0.75 * inner + 0.75 * outer) / (inner + outer), ULPS);
    close(law.distribution(-0.75).expect("valid"), 0.25 * outer / (inner + outer), ULPS);
    close(law.distribution(0.25).expect("valid"), (0.5 * outer + 0.75 * inner) / (inner + outer), ULPS);
    // Around a point inside: (0.7^2 + 0.3^2)/2 on [-1/2, 1/2], (0.55 + 0.95)/2 on the rest.
    let around = law.mean_absolute_error_around(0.2).expect("finite");
    close(around, (0.29 * inner + 0.75 * outer) / (inner + outer), ULPS);
    close(law.mean_absolute_error(), (0.25 * inner + 0.75 * outer) / (inner + outer), ULPS);
    // A support beyond the doubles.
    let wide = IntervalData::new(&[0.0], -0.8e308, 0.8e308).expect("valid");
    let refused = inverse_sensitivity_density(&wide, IntervalFunctional::Median, 0.2e308, eps(1.0));
    assert_eq!(refused, Err(AggregateError::OutOfRange { quantity: "support" }));
    let far = IntervalData::new(&[1e308], 0.9e308, 1.1e308).expect("valid");
    assert!(inverse_sensitivity_density(&far, IntervalFunctional::Median, 0.0, eps(1.0)).is_ok());
}

/// The formulas of AGG-6 at the sizes where they begin and end: n = d + 2 and n = d - 2, in rationals.
#[test]
fn instance_level_at_its_smallest_sizes() {
    for (n, d, k, bias2, var) in [
        (5, 3, 1, 0.0, 3.0),
        (6, 4, 2, 1.1, 2.0),
        (6, 8, 2, 1.75, 3.0),
        (6, 5, 2, f64::INFINITY, f64::INFINITY),
        (6, 6, 2, f64::INFINITY, f64::INFINITY),
        (6, 7, 2, f64::INFINITY, f64::INFINITY),
    ] {
        let risk = instance_level_expected_risk(&FiniteDesign::new(n, d, k, 1.0, 1.0).expect("valid"));
        close(risk.bias2, bias2, ULPS);
        close(risk.var, var, ULPS);
    }
}

/// Every wrong length is refused with what was found and what was expected.
#[test]
fn shapes_are_named() {
    let bags = BagDesign::consecutive(6, 2).expect("divides");
    let shape = |argument: &'static str, found: usize, expected: usize| {
        InputError::Shape { argument: argument.into(), found: (found, 1), expected: (expected, 1) }.into()
    };
    for wrong in [0, 2, 4, 6] {
        let refused = curvature_gap(&bags, &vec![0.0; wrong], &[0.0; 6], |_, _| 1.0).expect_err("three bags");
        assert_eq!(refused, shape("mean labels", wrong, 3));
    }
}

/// Rows (1, 0) and (0, s) in bags of one: the estimator is (1, 1/s), until s^2 is within the rounding `d eps` of the
/// largest eigenvalue and the direction counts as absent.
#[test]
fn directions_within_rounding_are_dropped() {
    let bags = BagDesign::consecutive(2, 1).expect("divides");
    for (power, seen) in [(-10, true), (-25, true), (-26, false), (-27, false), (-40, false)] {
        let s = 2.0_f64.powi(power);
        let x = Mat::from_fn(2, 2, |i, j| {
            if i != j {
                0.0
            } else if i == 0 {
                1.0
            } else {
                s
            }
        });
        let path = BagPath::new(x.as_ref(), &[1.0, 1.0], &bags).expect("valid");
        let expected = [1.0, if seen { 1.0 / s } else { 0.0 }];
        let found = path.ridgeless().expect("certified").at(at(0.5)).expect("below 1").theta;
        close(found[0], expected[0], ULPS);
        close(found[1], expected[1], ULPS);
        let found = path.at_rho(at(0.5)).expect("certified").at(0.0).expect("valid").theta;
        close(found[0], expected[0], ULPS);
        close(found[1], expected[1], ULPS);
    }
}

#[test]
fn the_first_bag_of_another_size_is_named() {
    for (sizes, first, bag) in [(vec![3, 3, 1], 3, 2), (vec![1, 2, 2], 1, 1), (vec![2, 2, 2, 3, 1], 2, 3)] {
        let mut next = 0;
        let members: Vec<Vec<usize>> = sizes
            .iter()
            .map(|&size| {
                next += size;
                (next - size..next).collect()
            })
            .collect();
        let bags = BagDesign::new(next, &members).expect("partition");
        let refused = loss_gap(PointwiseLoss::Squared, &bags, &vec![0.0; next]).expect_err("unequal");
        assert_eq!(refused, AggregateError::UnequalBags { first, bag });
    }
}

/// rho -> 1- without ridge, 1/k < gamma < 1: all directions are used up, with s = 0 and no ridge left at delta = inf.
#[test]
fn clipped_labels_at_the_left_limit() {
    let privacy = LabelPrivacy::new(1.5, Some(2.0)).expect("valid");
    let point = |gamma: f64| {
        let problem = isotropic(gamma, 4.0, 1.0, 0.5);
        clipped_risk(&problem, Mixing::LEFT_OF_ONE, 0.0, &privacy).expect("in range").equivalent.point
    };
    let expected = FixedPoint { delta: f64::INFINITY, s: 0.0, share: 0.5, ridge: 0.0, threshold: false };
    assert_eq!(point(0.5), expected);
    assert!(point(0.2).delta.is_finite());
}

/// The least K with eps K/2 at least `log(1/beta)`, in the arithmetic of doubles, also where the quotient rounds across an
/// integer.
#[test]
fn path_lengths_are_the_least_that_suffice() {
    let mut rounded = 0;
    for i in 1..400 {
        let beta = 1.0 / (1.0 + 0.37 * f64::from(i));
        let needed = -beta.ln();
        for m in 2..60 {
            // Epsilon next to the one for which m changes are exactly enough.
            for e in [2.0 * needed / f64::from(m), (2.0 * needed / f64::from(m)).next_down()] {
                let k = path_length_needed(1, 0.0, 1.0, eps(e), beta).expect("valid");
                assert!(
                    0.5 * e * k >= needed && (k == 1.0 || 0.5 * e * (k - 1.0) < needed),
                    "{beta} {e} {k}"
                );
                rounded += usize::from(k != (needed / e * 2.0).ceil());
            }
        }
    }
    assert!(rounded > 0, "no quotient was rounded across an integer");
}

/// `E |M - c|` is the integral of the density times the distance, segment by segment; c anywhere, inside outer segments too.
#[test]
fn distances_from_any_point() {
    let data = IntervalData::new(&[-0.9, -0.2, 0.1, 0.3, 0.8], -1.0, 2.0).expect("valid");
    for functional in [IntervalFunctional::Median, IntervalFunctional::Mean] {
        for rho in [0.0, 0.15] {
            let law = inverse_sensitivity_density(&data, functional, rho, eps(1.3)).expect("valid");
            let mut ends: Vec<f64> = law.intervals().iter().flat_map(|&(l, u)| [l - rho, u + rho]).collect();
            ends.sort_by(f64::total_cmp);
            for c in [-1.5, -0.95, -0.5, -0.1, 0.05, 0.22, 0.6, 1.4, 2.5] {
                let mut expected = 0.0;
                for pair in ends.windows(2) {
                    let (a, b) = (pair[0], pair[1]);
                    let density = law.density(0.5 * (a + b)).expect("a number");
                    // The antiderivative of |t - c| is (t - c) |t - c|/2.
                    expected += density * 0.5 * ((b - c) * (b - c).abs() - (a - c) * (a - c).abs());
                }
                let found = law.mean_absolute_error_around(c).expect("finite");
                close(found, expected, 64.0 * ULPS);
            }
        }
    }
}
