//! Ends of the domains, values next to a threshold, and identities of the targets.
use solvable_model::collapse::{Bias, ClassCounts};

use super::super::*;
use super::{close, problem};

const BAD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

#[test]
fn arguments_outside_are_refused() {
    for x in BAD.into_iter().chain([0.0, -1.0]) {
        assert!(product_cost(&[1.0], &[x], 0.1).is_err() && product_cost(&[1.0], &[0.1], x).is_err(), "{x}");
        assert!(scalar_minimum(2, x).is_err(), "{x}");
    }
    for x in BAD.into_iter().chain([-f64::MIN_POSITIVE]) {
        assert!(product_cost(&[1.0, x], &[0.1], 0.1).is_err(), "{x}");
    }
    assert!(product_cost(&[1.0], &[], 0.1).is_err());
    // (L/2) Lambda^(1/L) sum s^(2/L), L = 2: lambda (s_1 + s_2); 0 costs nothing.
    let cost = product_cost(&[3.0, 0.0, 1.0], &[0.04], 0.01).expect("valid");
    close(cost.value, 0.08, 4.0, 0.0);
    let flow = AlignedFlow::new(3, 2, 0.05).expect("valid");
    for t in [-f64::MIN_POSITIVE, -1.0, f64::NAN, f64::NEG_INFINITY] {
        assert!(flow.squared(0.01, t).is_err(), "{t}");
    }
    assert_eq!(flow.squared(0.01, 0.0), Ok(0.01));
    close(flow.squared(0.01, f64::INFINITY).expect("the limit"), flow.limit(), 4.0, 0.0);
    assert_eq!(flow.squared(0.0, 3.0), Ok(0.0));
    for (a, b) in [(0.0, 1.0), (1.0, 0.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
        assert!(flow.squared_time(1, a, b).is_err() && flow.margin_time(a, b).is_err(), "{a} {b}");
    }
    assert!(flow.squared_time(0, 0.1, 0.2).is_err());
    assert!(AlignedFlow::new(1, 2, 0.05).expect("valid").margin_time(0.1, 0.2).is_err());
    assert!(AlignedFlow::new(2, 2, 0.05).expect("valid").margin_time(0.1, 0.2).is_ok());
    assert!(global_threshold(0).is_err() && spinodal(0).is_err() && scalar_minimum(0, 0.1).is_err());
    // lambda = sqrt(n)/N = 2/8 is where the minimum leaves 0.
    let at = |lambda: f64| hessian_spectrum(&problem(&[4, 4], &[2], &[lambda], lambda, Bias::None));
    assert!(at(0.25).is_err() && at(0.25_f64.next_up()).is_err() && at(0.249).is_ok());
}

/// K = 2, n = 1: `e^m = 1/t - 1`, so that m = 2 artanh(1 - 2t); t = (1 - 2^-30)/2 is a double, as is its square's root.
#[test]
fn margins_next_to_the_threshold_are_accurate() {
    let gap = 2.0_f64.powi(-30);
    let t = 0.5 * (1.0 - gap);
    let found = balanced_entropy_minimum(&problem(&[1, 1], &[2], &[t], t, Bias::None)).expect("covered");
    close(found.margin, 2.0 * gap * (1.0 + gap * gap / 3.0), 8.0, 0.0);
    // Half way and far below, from both sides of any switch: m = ln(1/t - 1).
    for (t, e) in [(0.25, 3.0), (0.2, 4.0), (0.3, 7.0 / 3.0), (1e-12, 1e12 - 1.0)] {
        let p = problem(&[1, 1], &[2], &[t], t, Bias::None);
        let found = balanced_entropy_minimum(&p).expect("covered");
        close(found.margin, f64::ln(e), 8.0, 0.0);
        close(found.optimality.value, t * f64::ln(e) - (-t).ln_1p(), 8.0, 0.0);
    }
    let at = balanced_entropy_minimum(&problem(&[1, 1], &[2], &[0.5], 0.5, Bias::None)).expect("covered");
    assert_eq!((at.margin, at.optimality.value), (0.0, core::f64::consts::LN_2));
}

/// A heavy penalty on the bias shortens the step of the bias: the gap must still close.
#[test]
fn heavy_bias_penalties_are_certified() {
    for weight in [1e-3, 0.5, 20.0, 400.0] {
        let p = problem(&[7, 2, 1], &[3], &[0.02], 0.02, Bias::Regularised(weight));
        let found = entropy_program_minimum(&p).expect("converges");
        assert_eq!(found.optimality.status, Status::Global, "{weight}");
        // Stationary in b: lambda_b b_k = n_k/N - (mean of the probabilities), which sum to 0 over k.
        let sum: f64 = found.bias.iter().sum();
        let size = found.bias.iter().fold(0.0_f64, |m, b| m.max(b.abs()));
        assert!(sum.abs() <= 1e-5 * size + 1e-9, "{weight} {:?}", found.bias);
        assert!(size > 0.0 && size * weight < 1.0, "{weight} {:?}", found.bias);
    }
}

/// Eigenvalues of `diag(n) - n n'/N`: trace, interlacing with the sizes, orthonormal vectors, the matrix itself.
#[test]
fn targets_rebuild_their_matrix() {
    for counts in [
        vec![9, 4],
        vec![1_000_000, 1],
        vec![1000, 999, 998, 1],
        vec![7, 7, 3, 3, 3, 1],
        vec![1, 2, 3, 4, 5, 6, 7, 8],
        vec![1_000_000_000, 1_000_000, 1000, 1],
        vec![50, 49, 1, 1, 1, 1, 1, 1, 1, 1],
        vec![3, 2, 2, 2, 2, 2, 2, 2],
    ] {
        let classes = ClassCounts::new(counts.clone()).expect("valid");
        let found = targets(&classes, Bias::Free).expect("covered");
        let (k, total) = (counts.len(), counts.iter().sum::<usize>() as f64);
        let largest = *counts.iter().max().expect("not empty") as f64;
        let mut sorted: Vec<f64> = counts.iter().map(|&n| n as f64).collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        assert_eq!(found.squares[k - 1], 0.0);
        for j in 0..k - 1 {
            assert!(found.squares[j] <= sorted[j] && found.squares[j] >= sorted[j + 1], "{counts:?} {j}");
        }
        for a in 0..k {
            for b in 0..k {
                let sum: f64 =
                    (0..k).map(|j| found.vectors[(a, j)] * found.squares[j] * found.vectors[(b, j)]).sum();
                let own = if a == b { counts[a] as f64 } else { 0.0 };
                let expected = own - counts[a] as f64 * (counts[b] as f64 / total);
                assert!((sum - expected).abs() <= 64.0 * f64::EPSILON * largest, "{counts:?} {a} {b}");
                let product: f64 = (0..k).map(|i| found.vectors[(i, a)] * found.vectors[(i, b)]).sum();
                assert!((product - f64::from(u8::from(a == b))).abs() <= 64.0 * f64::EPSILON);
            }
        }
    }
}

/// One class of 4, M = 1: beta = N lambda_W lambda_H, x = beta^-1/2 - 1, and the eigenvalue of W W' is N lambda_H x.
#[test]
fn eigenvalues_at_vanishing_regularisation() {
    let (lw, lh) = (2.0_f64.powi(-500), 2.0_f64.powi(-402));
    let p = problem(&[4], &[1], &[lw], lh, Bias::None);
    let found = squared_minimum(&p).expect("in range");
    close(found.classifier_eigenvalues(&p).expect("in range")[0], 2.0_f64.powi(50), 4.0, 0.0);
}

/// Two classes at M = 1, of any sizes: `e^m = 1/c - 1` with `c = lambda sqrt(N/2)`, 0 from c = 1/2 on (NC-13).
#[test]
fn two_classes_at_depth_one() {
    for (counts, lambda) in [([9, 2], 0.01), ([1, 7], 0.2), ([3, 3], 1e-9), ([1, 1], 0.3), ([5, 3], 0.24)] {
        let p = problem(&counts, &[2], &[lambda], lambda, Bias::None);
        let found = two_class_entropy_minimum(&p).expect("covered");
        let c = lambda * (0.5 * (counts[0] + counts[1]) as f64).sqrt();
        let margin = if c < 0.5 { (1.0 / c - 1.0).ln() } else { 0.0 };
        // The margin is a difference from 0 of size ln(1/c - 1): c's rounding counts 1/(1 - c) times.
        close(found.margin, margin, 16.0, 16.0 * f64::EPSILON);
        close(found.optimality.value, -(-c).ln_1p() + c * margin, 16.0, 0.0);
    }
    for lambda in [0.5, 0.500001, 0.7, 3.0] {
        let found = two_class_entropy_minimum(&problem(&[1, 1], &[2], &[lambda], lambda, Bias::None));
        let found = found.expect("covered");
        assert_eq!((found.margin, found.optimality.value), (0.0, core::f64::consts::LN_2), "{lambda}");
    }
}

/// Both branches at depth, n samples a class (NC-13): mpmath, 18 digits.
#[test]
fn deep_branches() {
    for (k, n, depth, lambda, pair, margin, simplex) in [
        (4, 3, 3, 1e-3, 0.021_465_167_970_952_544, 7.648_958_344_168_572, 0.023_267_598_022_100_044),
        (5, 3, 3, 1e-3, 0.029_363_909_358_967_974, 7.648_448_283_807_082, 0.031_023_010_625_443_71),
        (7, 2, 2, 1e-4, 0.005_267_126_781_549_299, 9.737_602_212_465_374, 0.005_524_822_446_994_563),
        (3, 4, 2, 1e-3, 0.023_451_580_120_344_74, 7.097_239_033_905_295, 0.019_240_773_601_600_89),
    ] {
        let p = problem(&vec![n; k], &vec![k; depth], &vec![lambda; depth], lambda, Bias::None);
        let found = deep_entropy_minimum(&p).expect("covered");
        close(found.pairs.expect("K >= 3").value, pair, 16.0, 0.0);
        close(found.simplex.margin, margin, 16.0, 0.0);
        close(found.simplex.value, simplex, 16.0, 0.0);
        assert_eq!(found.optimality.value, found.simplex.value.min(found.pairs.expect("K >= 3").value));
        assert!(found.optimality.lower_bound <= found.optimality.value);
        let narrow = problem(&vec![n; k], &vec![k - 2; depth], &vec![lambda; depth], lambda, Bias::None);
        assert!(matches!(deep_entropy_minimum(&narrow), Err(CollapseError::TooNarrow { .. })));
    }
}

/// All N = 1 and all regularisations 2^-a: beyond any double x^M is `(Lambda)^(-1/(M+1)) = 2^a`, so that W W' has the
/// eigenvalue 1; a = 1015 takes x^M past e^700.
#[test]
fn eigenvalues_of_deep_networks() {
    for (depth, power) in [(1, -1015), (3, -1015), (64, -1015), (65, -1015), (100, -1015), (100, -300)] {
        let lambda = 2.0_f64.powi(power);
        let p = problem(&[1], &vec![1; depth], &vec![lambda; depth], lambda, Bias::None);
        let found = squared_minimum(&p).expect("in range");
        let q = found.classifier_eigenvalues(&p).expect("in range")[0];
        // The logarithm of x^M, up to 704, carries a rounding a unit.
        close(q, 1.0, 2000.0, 0.0);
    }
}

/// Eigenvalues of the Gram matrices: sqrt(lambda_H/lambda_W) m sqrt(n) and sqrt(lambda_W/lambda_H) m/sqrt(n) (NC-12).
#[test]
fn scales_of_balanced_grams() {
    let found =
        balanced_entropy_minimum(&problem(&[5; 4], &[3], &[0.01], 0.0025, Bias::None)).expect("covered");
    close(found.classifier_scale, 0.5 * found.margin * 5.0_f64.sqrt(), 8.0, 0.0);
    close(found.feature_scale, 2.0 * found.margin / 5.0_f64.sqrt(), 8.0, 0.0);
}

/// n = 1, K = 3, lambda = 0.01, kappa = 1/2: sigma = 0.97 in two directions, sigma_0 = 0.94 in one; with lambda = 0.4 only
/// the two, with kappa = 1/2 and N lambda > 1/2. The rank of the solution is the width it needs.
#[test]
fn a_regularised_bias_needs_the_width_of_its_rank() {
    for (lambda, sigma, common, rank) in [(0.01, 0.97, 0.94, 3), (0.2, 0.4, 0.0, 2), (0.4, 0.0, 0.0, 0)] {
        for width in [1, 2, 3] {
            let p = problem(&[1; 3], &[width], &[lambda], lambda, Bias::Regularised(1.0));
            let found = regularised_bias_minimum(&p);
            if width < rank {
                assert_eq!(found, Err(CollapseError::TooNarrow { width, needed: rank }));
                continue;
            }
            let found = found.expect("wide enough");
            close(found.contrast, sigma, 8.0, 0.0);
            close(found.common, common, 8.0, 0.0);
        }
    }
}

/// `u_inf/(1 + (u_inf/u0 - 1) e^(-2 r t))`, r = sqrt(2)/6 - 0.05, at u0 = 1 and t = 1 too; 0 stays 0 forever.
#[test]
fn aligned_flows_at_unit_start_and_time() {
    let flow = AlignedFlow::new(3, 2, 0.05).expect("valid");
    let rate = 2.0_f64.sqrt() / 6.0 - 0.05;
    for (u0, t) in [(1.0, 0.7), (0.3, 1.0), (1.0, 1.0), (2.0, 5.0)] {
        let limit = 6.0 * rate;
        let expected = limit / (1.0 + (limit / u0 - 1.0) * (-2.0 * rate * t).exp());
        close(flow.squared(u0, t).expect("valid"), expected, 16.0, 0.0);
    }
    for t in [0.0, 1.0, f64::INFINITY] {
        assert_eq!(flow.squared(0.0, t), Ok(0.0));
    }
    assert_eq!(flow.squared(0.7, 0.0), Ok(0.7));
}

/// Two classes of a size have one difference within, a single one none; either role.
#[test]
fn groups_of_one_and_of_two_classes() {
    for (k_a, k_b) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2)] {
        let at = two_group_thresholds(&TwoGroups::new(k_a, 9, k_b, 2).expect("valid"), 1).expect("in range");
        assert_eq!((at.majority_within.is_some(), at.minority_within.is_some()), (k_a > 1, k_b > 1));
    }
}

/// A proved bound is at most the value, and within the stated roundings of it.
#[test]
fn bounds_of_a_regularised_bias_are_bounds() {
    for lambda in [1e-4, 0.01, 0.2, 3.0] {
        let p = problem(&[2; 3], &[3], &[lambda], lambda, Bias::Regularised(0.7));
        let found = regularised_bias_minimum(&p).expect("wide enough").optimality;
        assert!(found.lower_bound < found.value, "{lambda}");
        assert!(found.lower_bound >= found.value * (1.0 - 32.0 * f64::EPSILON), "{lambda}");
    }
}

/// K = 4, n = 1, lambda = t = (1 - 2^-j)/4, exact in doubles: the margin log(1/t - 3) = log(1 + 4/(2^j - 1)) keeps its digits up
/// to the threshold K t = 1.
#[test]
fn margins_close_to_the_threshold() {
    for j in 1..=24 {
        let t = 0.25 * (1.0 - 2.0_f64.powi(-j));
        let found = balanced_entropy_minimum(&problem(&[1; 4], &[3], &[t], t, Bias::None)).expect("covered");
        let margin = (4.0 / (2.0_f64.powi(j) - 1.0)).ln_1p();
        close(found.margin, margin, 8.0, 0.0);
        close(found.optimality.value, 3.0 * t * margin - (-3.0 * t).ln_1p(), 8.0, 0.0);
    }
}

/// The flow has a value at every start and time, the ends of the range of doubles included.
#[test]
fn aligned_flows_are_numbers_everywhere() {
    let numbers = [0.0, 5e-324, 1e-200, 1e-8, 1.0, 1e8, 1e200, f64::MAX];
    for n in [1, 7, 1 << 53] {
        for lambda in numbers {
            let flow = AlignedFlow::new(3, n, lambda).expect("valid");
            for u0 in numbers {
                for t in numbers.into_iter().chain([f64::INFINITY]) {
                    let u = flow.squared(u0, t).expect("valid");
                    // Between the start and the limit, which attracts from both sides.
                    let (low, high) = (u0.min(flow.limit()), u0.max(flow.limit()));
                    let slack = 8.0 * f64::EPSILON * high;
                    assert!(u >= low - slack && u <= high + slack, "{n} {lambda} {u0} {t}: {u}");
                }
            }
        }
    }
}

#[test]
fn endless_depths_have_no_critical_product() {
    let two = ClassCounts::new(vec![3, 1]).expect("valid");
    let groups = TwoGroups::new(2, 3, 2, 1).expect("valid");
    for depth in [usize::MAX, 1 << 60] {
        assert!(critical_products(&two, depth).is_err() && two_group_thresholds(&groups, depth).is_err());
    }
}
