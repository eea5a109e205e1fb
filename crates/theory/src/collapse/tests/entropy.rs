//! NC-11 to NC-18: printed tables, cross-checks of independent routes, the raw objective.
use solvable_linalg::{Mat, singular_values};
use solvable_model::Objective;
use solvable_model::collapse::{Bias, ClassCounts, ClassLoss, FreeFeatures, FreeFeaturesLoss};

use super::super::*;
use super::{close, printed, problem};

fn uniform(k: usize, n: usize, depth: usize, lambda: f64, bias: Bias) -> FreeFeatures {
    FreeFeatures::uniform(ClassCounts::balanced(k, n).expect("valid"), depth, k, lambda, bias).expect("valid")
}

#[test]
fn balanced_depth_one() {
    let rows = [
        (4, 5, 0.01, 0.005, 4.098_428_763_893_75, 0.243_001_601_985_054),
        (3, 7, 0.005, 0.002, 4.766_632_875_795_3, 0.096_635_805_928_974_8),
        (5, 2, 0.05, 0.025, 2.772_588_722_239_78, 0.777_661_295_762_166),
        (10, 10, 0.001, 0.001, 5.727_589_381_358_51, 0.191_883_402_652_194),
    ];
    for (k, n, lw, lh, margin, value) in rows {
        for bias in [Bias::None, Bias::Free, Bias::Regularised(0.1)] {
            let p = problem(&vec![n; k], &[k - 1], &[lw], lh, bias);
            let found = balanced_entropy_minimum(&p).expect("covered");
            printed(found.margin, margin, 14);
            printed(found.optimality.value, value, 14);
            assert_eq!(found.optimality.status, Status::Global);
            // The same by the general-depth route.
            let deep = deep_entropy_minimum(&p).expect("covered");
            close(deep.simplex.value, found.optimality.value, 4.0, 0.0);
            assert!(deep.simplex_is_global);
        }
    }
    // Tiny regularisation: m = -log(lambda sqrt n) to the last bits, f = (K-1) t (m + 1) to first order in t.
    let p = problem(&[4, 4, 4], &[3], &[1e-120], 1e-120, Bias::None);
    let found = balanced_entropy_minimum(&p).expect("covered");
    close(found.margin, -(2e-120_f64.ln()), 2.0, 0.0);
    close(found.optimality.value, 4e-120 * (1.0 + found.margin), 4.0, 0.0);
    // At and above the threshold K lambda sqrt(n) = 1.
    let at = balanced_entropy_minimum(&uniform(2, 4, 1, 0.25, Bias::None)).expect("covered");
    assert_eq!((at.margin, at.optimality.value), (0.0, 2.0_f64.ln()));
    let one = balanced_entropy_minimum(&uniform(1, 4, 1, 0.25, Bias::None)).expect("covered");
    assert_eq!((one.margin, one.optimality.value), (0.0, 0.0));
    let refused = balanced_entropy_minimum(&problem(&[3, 2], &[2], &[0.1], 0.1, Bias::None));
    assert!(matches!(refused, Err(CollapseError::NotBalanced { first: 3, other: 2 })));
    let narrow = balanced_entropy_minimum(&problem(&[3, 3, 3], &[1], &[0.1], 0.1, Bias::None));
    assert!(matches!(narrow, Err(CollapseError::TooNarrow { width: 1, needed: 2 })));
    assert!(balanced_entropy_minimum(&uniform(2, 2, 2, 0.1, Bias::None)).is_err());
}

/// (K, n, M, lambda; simplex margin and value; pair margin and value; bound) of the specification.
#[test]
fn deep_branches_are_those_printed() {
    type Row = (usize, usize, usize, f64, f64, f64, Option<(f64, f64)>, f64);
    let rows: [Row; 7] = [
        (2, 3, 3, 0.01, 5.143_571_072_97, 0.065_515_490_133_711, None, 0.065_515_490_133_711),
        (
            3,
            2,
            2,
            0.001,
            7.339_848_147_36,
            0.015_572_889_550_349,
            Some((6.644_340_302_69, 0.019_016_814_252_12)),
            0.012_596_836_046_356,
        ),
        (
            4,
            2,
            3,
            0.001,
            7.757_517_973_63,
            0.021_155_034_490_716,
            Some((7.387_146_704_14, 0.019_521_921_699_071)),
            0.012_612_882_724_811,
        ),
        (
            4,
            2,
            2,
            0.01,
            4.879_964_438_04,
            0.185_653_396_119_5,
            Some((4.393_079_703_63, 0.185_513_599_847_27)),
            0.134_360_430_041_21,
        ),
        (
            6,
            2,
            2,
            0.001,
            7.337_805_732_09,
            0.038_929_066_537_104,
            Some((7.155_524_008_7, 0.036_537_676_421_153)),
            0.023_771_603_123_84,
        ),
        (
            6,
            2,
            2,
            0.005,
            5.625_147_849_4,
            0.167_308_514_163_52,
            Some((5.442_581_824_24, 0.156_418_662_566_24)),
            0.103_345_329_375_68,
        ),
        (
            10,
            5,
            2,
            1.0 / 1024.0,
            7.037_538_494_43,
            0.090_662_183_212_854,
            Some((7.047_048_688_34, 0.080_012_659_245_128)),
            0.046_306_512_777_538,
        ),
    ];
    for (k, n, depth, lambda, margin, value, pairs, bound) in rows {
        let found = deep_entropy_minimum(&uniform(k, n, depth, lambda, Bias::None)).expect("covered");
        printed(found.simplex.margin, margin, 11);
        printed(found.simplex.value, value, 13);
        printed(found.optimality.lower_bound, bound, 13);
        assert_eq!(found.pairs.is_some(), pairs.is_some());
        if let (Some(f), Some((m, v))) = (found.pairs, pairs) {
            printed(f.margin, m, 11);
            printed(f.value, v, 13);
        }
        assert_eq!(found.simplex_is_global, k == 2);
        assert_eq!(found.optimality.status == Status::Global, k == 2);
    }
}

/// First-order switch-off of the simplex: value of Lambda^(1/L) and the margin there.
#[test]
fn deep_simplex_switches_off() {
    for (k, n, depth, at, margin) in [
        (2, 2, 2, 0.201_540_313_34, 1.133_312_415_97),
        (3, 2, 2, 0.147_499_507_417, 4.0_f64.ln()),
        (3, 2, 3, 0.127_703_158_24, 1.984_644_251_75),
        (10, 5, 2, 0.041_260_656_172_9, 2.262_449_530_57),
    ] {
        let below =
            deep_entropy_minimum(&uniform(k, n, depth, at * (1.0 - 1e-10), Bias::None)).expect("covered");
        let above =
            deep_entropy_minimum(&uniform(k, n, depth, at * (1.0 + 1e-10), Bias::None)).expect("covered");
        assert_eq!(above.simplex, EntropyBranch { margin: 0.0, value: (k as f64).ln() });
        // The margin moves by the relative change of Lambda times a condition of order one.
        assert!((below.simplex.margin - margin).abs() <= 1e-8, "{} {margin}", below.simplex.margin);
    }
}

/// The refutation: in the stated range the pairs win at every regularisation, elsewhere not always.
#[test]
fn pairs_beat_the_simplex_in_the_stated_range() {
    for depth in 1..12 {
        for k in 1..40 {
            let expected = (k >= 4 && depth >= 3) || (k >= 6 && depth == 2);
            assert_eq!(pairs_always_win(k, depth).expect("valid"), expected, "K = {k}, M = {depth}");
            if k < 3 || depth == 1 {
                continue;
            }
            for exponent in [-60, -9, -4, -3, -2] {
                let found = deep_entropy_minimum(&uniform(k, 3, depth, 10.0_f64.powi(exponent), Bias::None))
                    .expect("covered");
                let pairs = found.pairs.expect("K >= 3");
                if expected && found.simplex.margin > 0.0 {
                    assert!(pairs.value < found.simplex.value, "K = {k}, M = {depth}, 1e{exponent}");
                    assert_ne!(found.geometry, EntropyGeometry::Simplex);
                }
                assert!(found.optimality.lower_bound <= pairs.value.min(found.simplex.value));
            }
        }
    }
    // K = 4, M = 2, n = 2: the pair branch wins above 0.0093343135 and loses below.
    let wins = |lambda: f64| {
        let f = deep_entropy_minimum(&uniform(4, 2, 2, lambda, Bias::None)).expect("covered");
        f.pairs.expect("K >= 3").value < f.simplex.value
    };
    assert!(wins(0.009_334_313_6) && !wins(0.009_334_313_4));
}

/// The branch values are values of the raw objective: a rank-r factorisation of the logits attains them.
#[test]
fn branch_values_are_attained() {
    for (k, depth, lambda) in [(4, 3, 0.001), (5, 2, 0.002), (6, 2, 0.005), (3, 1, 0.02)] {
        let p = uniform(k, 2, depth, lambda, Bias::None);
        let found = deep_entropy_minimum(&p).expect("covered");
        let pairs = found.pairs.expect("K >= 3");
        let simplex =
            |i: usize, j: usize| found.simplex.margin * (f64::from(u8::from(i == j)) - 1.0 / k as f64);
        let paired = |i: usize, j: usize| {
            let single = k % 2 == 1 && i == k - 1;
            pairs.margin
                * if i == j {
                    1.0
                } else if i / 2 == j / 2 && !single {
                    -1.0
                } else {
                    0.0
                }
        };
        for (value, logits) in
            [(found.simplex.value, Mat::from_fn(k, k, simplex)), (pairs.value, Mat::from_fn(k, k, paired))]
        {
            let objective = FreeFeaturesLoss::collapsed(&p, ClassLoss::CrossEntropy).expect("fits");
            let x = factor(&objective, &logits, 2.0_f64.sqrt(), lambda);
            close(objective.value(&x, &mut objective.work()), value, 64.0, 0.0);
        }
    }
}

/// Balanced factors of class logits: equal regularisation, equal class size with the given root.
fn factor(objective: &FreeFeaturesLoss, logits: &Mat<f64>, root: f64, lambda: f64) -> Vec<f64> {
    let k = logits.nrows();
    let mut d = solvable_linalg::svd(logits.as_ref()).expect("finite");
    // The quasi-norm of depth M turns a rounding s of a zero into s^(2/L).
    let noise = d.rank_tolerance();
    d.s.iter_mut().for_each(|s| *s = if *s <= noise { 0.0 } else { *s });
    let shapes = objective.layout().factors();
    let cost = product_cost(
        &d.s.iter().map(|s| s * root).collect::<Vec<_>>(),
        &vec![lambda; shapes.len() - 1],
        lambda,
    )
    .expect("in range");
    let factors: Vec<Mat<f64>> = (0..shapes.len())
        .map(|l| {
            let s = |j: usize| (cost.layer_energy[j] / lambda).sqrt();
            Mat::from_fn(shapes[l].rows, shapes[l].columns, |i, j| {
                if l == 0 {
                    s(j) * d.u[(i, j)]
                } else if l + 1 < shapes.len() {
                    if i == j { s(i) } else { 0.0 }
                } else {
                    s(i) * d.v[(j, i)]
                }
            })
        })
        .collect();
    assert_eq!(k, shapes[0].rows);
    let views: Vec<_> = factors.iter().map(Mat::as_ref).collect();
    objective.layout().pack(&views, None).expect("shapes")
}

#[test]
fn two_classes_share_a_margin() {
    let p = problem(&[9, 2], &[2, 2], &[0.01, 0.01], 0.01, Bias::None);
    let found = two_class_entropy_minimum(&p).expect("covered");
    // Stationarity written out: m^(1/3) (e^m + 1)^-1 = (N Lambda/2)^(1/3).
    let c = (5.5e-6_f64).cbrt();
    close(found.margin.cbrt() / (found.margin.exp() + 1.0), c, 64.0, 0.0);
    // Balanced: the simplex of NC-13.
    let b = uniform(2, 3, 3, 0.01, Bias::Free);
    let (two, deep) = (two_class_entropy_minimum(&b).expect("ok"), deep_entropy_minimum(&b).expect("ok"));
    close(two.optimality.value, deep.simplex.value, 4.0, 0.0);
    assert!(two_class_entropy_minimum(&problem(&[9, 2], &[2], &[0.01], 0.01, Bias::Free)).is_err());
    assert!(two_class_entropy_minimum(&uniform(3, 2, 1, 0.1, Bias::None)).is_err());
}

#[test]
fn two_groups_are_those_printed() {
    type Row = ([usize; 4], f64, f64, Bias, f64, [f64; 4], f64);
    let rows: [Row; 5] = [
        (
            [3, 6, 2, 2],
            0.01,
            0.005,
            Bias::None,
            0.299_890_235_922_6,
            [4.451_975_089_96, 3.520_732_574_886, 4.133_343_511_978, 3.899_035_889_448],
            0.0,
        ),
        (
            [3, 6, 2, 2],
            0.01,
            0.005,
            Bias::Regularised(0.05),
            0.298_366_297_817_4,
            [4.397_761_228_914, 3.600_519_645_557, 3.990_646_318_437, 4.029_624_203_152],
            0.206_849_340_310_8,
        ),
        (
            [2, 10, 3, 1],
            0.04,
            0.025,
            Bias::None,
            0.849_902_436_666_8,
            [3.216_620_218_767, 0.902_361_923_996_9, 2.675_846_288_187, 1.691_147_452_256],
            0.0,
        ),
        (
            [2, 10, 3, 1],
            0.004,
            0.01,
            Bias::Free,
            0.216_154_731_181_8,
            [4.070_543_806_543, 3.783_278_782_247, 2.541_235_473_37, 5.895_276_322_155],
            2.880_468_309_037,
        ),
        (
            [3, 20, 3, 1],
            0.03,
            0.03,
            Bias::None,
            1.273_400_899_501,
            [2.591_818_426_405, 0.0, 1.891_602_771_676, 0.253_347_509_882_3],
            0.0,
        ),
    ];
    for ([k_a, n_a, k_b, n_b], lw, lh, bias, value, margins, gap) in rows {
        let groups = TwoGroups::new(k_a, n_a, k_b, n_b).expect("valid");
        let found = two_group_entropy_minimum(&groups, lw, lh, bias).expect("covered");
        printed(found.optimality.value, value, 13);
        for (f, e) in found.within.into_iter().chain(found.across).zip(margins) {
            printed(f, e, 11);
        }
        printed(found.bias_gap, gap, 11);
        assert_eq!(found.minority_collapsed, margins[1] == 0.0);
        assert_eq!(found.optimality.status, Status::Global, "{:?}", found.optimality);
        // The same by the convex program.
        let mut counts = vec![n_a; k_a];
        counts.extend(vec![n_b; k_b]);
        let program =
            entropy_program_minimum(&problem(&counts, &[k_a + k_b], &[lw], lh, bias)).expect("covered");
        assert_eq!(program.optimality.status, Status::Global, "{:?} {}", program.optimality, program.steps);
        close(program.optimality.value, value, 0.0, 1e-12);
        // Cosines from the polar factor of X itself.
        let svd = solvable_linalg::svd(program.x.as_ref()).expect("finite");
        let polar = |i: usize, j: usize| {
            (0..svd.s.len()).map(|l| svd.s[l] * svd.v[(i, l)] * svd.v[(j, l)]).sum::<f64>()
        };
        let cosine = found.feature_cosine(&groups, 1).expect("two classes");
        let (first, second) = (k_a, k_a + 1);
        assert!((polar(first, second) / polar(first, first) - cosine).abs() <= 1e-4);
        // X is conditioned by the square root of the gap.
        let x = reconstruct(&groups, found.within, found.between);
        let s = singular_values(x.as_ref()).expect("finite");
        for (a, b) in s.iter().zip(&program.singular_values) {
            assert!((a - b).abs() <= 1e-4, "{a} {b}");
        }
    }
}

/// Sharp thresholds, single classes in a group, extreme regularisation, and the balanced limit.
#[test]
fn two_groups_in_the_corners() {
    let groups = TwoGroups::new(5, 500, 5, 100).expect("valid");
    let critical = minority_collapse(&groups, 0.005).expect("two classes").critical_lambda;
    for bias in [Bias::None, Bias::Free] {
        let at =
            |f: f64| two_group_entropy_minimum(&groups, critical * f, critical * f, bias).expect("covered");
        let (below, above) = (at(0.999), at(1.001));
        assert!(below.within[1] > 0.0 && !below.minority_collapsed);
        assert!(above.within[1] == 0.0 && above.minority_collapsed && above.across[1] > 0.1);
    }
    // Equal groups are the balanced problem, whatever the split.
    for (k_a, k_b) in [(1, 1), (1, 3), (2, 2), (5, 1)] {
        for lambda in [0.3, 0.05, 1e-3, 1e-8, 1e-30, 1e-120] {
            for bias in [Bias::None, Bias::Free, Bias::Regularised(0.2)] {
                let groups = TwoGroups::new(k_a, 7, k_b, 7).expect("valid");
                let found = two_group_entropy_minimum(&groups, lambda, lambda, bias).expect("covered");
                let exact =
                    balanced_entropy_minimum(&uniform(k_a + k_b, 7, 1, lambda, bias)).expect("covered");
                close(found.optimality.value, exact.optimality.value, 64.0, 0.0);
                let scale = 1e-10 * exact.margin.max(1.0);
                assert!(
                    (found.across[0] - exact.margin).abs() <= scale,
                    "{k_a} {k_b} {lambda} {found:?} {}",
                    exact.margin
                );
            }
        }
    }
    // All zero with a free bias: the gap is log(n_A/n_B).
    let groups = TwoGroups::new(2, 9, 3, 2).expect("valid");
    let found = two_group_entropy_minimum(&groups, 1.0, 1.0, Bias::Free).expect("covered");
    assert_eq!((found.within, found.between), ([0.0; 2], [0.0; 2]));
    close(found.bias_gap, 4.5_f64.ln(), 0.0, 1e-10);
    assert!(two_group_entropy_minimum(&groups, 0.0, 1.0, Bias::None).is_err());
    assert!(two_group_entropy_minimum(&groups, 1.0, f64::NAN, Bias::None).is_err());
}

/// Zero thresholds of the convex program, both sides.
#[test]
fn program_dies_at_its_threshold() {
    for bias in [Bias::None, Bias::Free] {
        let p = |l: f64| problem(&[9, 5, 2, 2], &[4], &[l], l, bias);
        let at = all_zero_threshold(&p(0.1)).expect("covered");
        let rank = |l: f64| {
            let found = entropy_program_minimum(&p(l)).expect("covered");
            assert_eq!(found.optimality.status, Status::Global, "{:?}", found.optimality);
            found.singular_values[0]
        };
        assert!(rank(at * 0.98) > 1e-3 && rank(at * 1.02) == 0.0);
    }
    let narrow = entropy_program_minimum(&problem(&[9, 5, 2], &[2], &[0.1], 0.1, Bias::None));
    assert!(matches!(narrow, Err(CollapseError::TooNarrow { .. })));
}

#[test]
fn regularised_bias_is_that_printed() {
    let p = |l: f64| problem(&[5; 4], &[4], &[0.01], 0.005, Bias::Regularised(l));
    let found = regularised_bias_minimum(&p(0.3)).expect("covered");
    printed(found.optimality.value, 0.059_578_886_536_701, 14);
    printed(found.contrast, 2.094_646_621_26, 12);
    printed(found.common, 1.623_242_100_47, 12);
    let weak = regularised_bias_minimum(&p(0.02)).expect("covered");
    printed(weak.optimality.value, 0.048_385_145_294_683, 14);
    assert_eq!(weak.common, 0.0);
    close(weak.feature_cosine.expect("alive"), -1.0 / 3.0, 4.0, 0.0);
    // Limits: free bias, no bias.
    let free = problem(&[5; 4], &[4], &[0.01], 0.005, Bias::Free);
    let exact = squared_minimum(&free).expect("covered").value();
    close(regularised_bias_minimum(&free).expect("covered").optimality.value, exact, 8.0, 0.0);
    let none = squared_minimum(&problem(&[5; 4], &[4], &[0.01], 0.005, Bias::None)).expect("covered").value();
    close(regularised_bias_minimum(&p(1e18)).expect("covered").optimality.value, none, 16.0, 0.0);
    // The candidate attains its value in the raw parameters, at M = 1 and 2.
    for depth in [1, 2] {
        let p = problem(&[3; 4], &vec![4; depth], &[0.01, 0.02][..depth], 0.005, Bias::Regularised(0.3));
        let found = regularised_bias_minimum(&p).expect("covered");
        let k = 4.0;
        let (s, s0) = (found.contrast, found.common);
        let root = 3.0_f64.sqrt();
        let z = Mat::from_fn(4, 4, |i, j| (s * (f64::from(u8::from(i == j)) - 1.0 / k) + s0 / k) / root);
        let cost = product_cost(&[s, s, s, s0], p.lambda_w(), p.lambda_h()).expect("in range").value;
        let mut data = 0.0;
        for c in 0..4 {
            for j in 0..4 {
                let target = f64::from(u8::from(c == j));
                data += (z[(j, c)] + found.bias_entry - target).powi(2) / 8.0;
            }
        }
        let bias = 0.5 * 0.3 * k * found.bias_entry.powi(2);
        close(found.optimality.value, data + cost + bias, 64.0, 0.0);
        assert_eq!(found.optimality.status == Status::Global, depth == 1);
        assert!(found.optimality.lower_bound <= found.optimality.value);
    }
    assert!(regularised_bias_minimum(&problem(&[3, 2], &[2], &[0.1], 0.1, Bias::Regularised(0.1))).is_err());
    let narrow = regularised_bias_minimum(&problem(&[5; 4], &[3], &[0.01], 0.005, Bias::Regularised(0.3)));
    assert!(matches!(narrow, Err(CollapseError::TooNarrow { width: 3, needed: 4 })));
}

#[test]
fn vanishing_regularisation_is_that_printed() {
    let found = seli_geometry(&ClassCounts::new(vec![5, 3, 1]).expect("valid")).expect("covered");
    printed(found.nuclear_norm, 3.396_726_253_607_344, 15);
    printed(found.singular_values[0], 2.038_308_25, 9);
    for (i, j, w, h) in [
        (0, 0, 1.328_509_5, 0.338_034_33),
        (1, 1, 1.132_242_08, 0.408_917_79),
        (2, 2, 0.935_974_67, 0.479_801_25),
        (0, 1, -0.762_388_45, -0.133_575_43),
        (0, 2, -0.566_121_04, -0.204_458_89),
        (1, 2, -0.369_853_63, -0.275_342_35),
    ] {
        printed(found.classifiers[(i, j)], w, 8);
        printed(found.features[(i, j)], h, 8);
    }
    for counts in [vec![5, 3, 1], vec![10, 10, 1, 1], vec![7, 7, 7, 2, 1], vec![1_000_000, 1]] {
        let found = seli_geometry(&ClassCounts::new(counts.clone()).expect("valid")).expect("covered");
        assert!(found.dual_violation <= 64.0 * f64::EPSILON, "{counts:?} {:e}", found.dual_violation);
        close(found.dual_value, found.nuclear_norm, 64.0, 0.0);
    }
    assert!(seli_geometry(&ClassCounts::new(vec![5]).expect("valid")).is_err());
}

#[test]
fn nonnegative_features_are_those_printed() {
    for (counts, lw, lh, value, margins) in [
        (
            [6, 4, 2],
            0.01,
            0.005,
            0.170_591_459_661_541,
            [4.229_904_618_280_48, 4.020_608_798_822_77, 3.659_059_965_841_19],
        ),
        (
            [20, 2, 2],
            0.03,
            0.02,
            0.492_063_879_112_105,
            [2.811_442_770_373_06, 1.359_066_142_254_01, 1.359_066_142_254_01],
        ),
    ] {
        let p = problem(&counts, &[3], &[lw], lh, Bias::None);
        let found = nonnegative_entropy_minimum(&p).expect("covered");
        printed(found.optimality.value, value, 14);
        found.margins.iter().zip(margins).for_each(|(&f, e)| printed(f, e, 14));
        // Attained: means on separate axes, rows W = m (e_k - 1/K) hbar'/|hbar|^2.
        let objective = FreeFeaturesLoss::collapsed(&p, ClassLoss::CrossEntropy).expect("fits");
        let w = Mat::from_fn(3, 3, |i, j| {
            found.margins[j] * (f64::from(u8::from(i == j)) - 1.0 / 3.0) / found.feature_norm_sq[j].sqrt()
        });
        let h = Mat::from_fn(3, 3, |i, j| {
            if i == j { (found.feature_norm_sq[i] * counts[i] as f64).sqrt() } else { 0.0 }
        });
        let x = objective.layout().pack(&[w.as_ref(), h.as_ref()], None).expect("shapes");
        close(objective.value(&x, &mut objective.work()), value, 64.0, 0.0);
    }
    // A class below its threshold: N lambda (1 + 1/(K-1)) = sqrt(n K/(K-1)).
    let p = problem(&[50, 1], &[2], &[0.05], 0.05, Bias::None);
    let found = nonnegative_entropy_minimum(&p).expect("covered");
    assert!(found.margins[0] > 0.0 && found.margins[1] == 0.0 && found.feature_norm_sq[1] == 0.0);
    assert!(nonnegative_entropy_minimum(&problem(&[3, 2], &[1], &[0.1], 0.1, Bias::None)).is_err());
}

/// Newton in the groups against two groups, the balanced closed form and the size of its own gap, from weak to extreme
/// regularisation; a thousand classes.
#[test]
fn groups_are_solved_at_any_margin() {
    for (counts, most) in [
        (vec![6, 6, 6, 2, 2], 1e-13),
        (vec![9, 5, 5, 2, 1, 1, 1], 1e-13),
        ([vec![500; 700], vec![50; 300]].concat(), 1e-13),
        ((1..=12).collect::<Vec<_>>(), 1e-12),
    ] {
        for lambda in [1e-2, 1e-3, 1e-5, 1e-9, 1e-20, 1e-60] {
            for bias in [Bias::None, Bias::Free, Bias::Regularised(0.05)] {
                let p = problem(&counts, &[counts.len()], &[lambda], lambda, bias);
                let found = entropy_program_minimum(&p).expect("covered");
                let gap = found.optimality.gap / found.optimality.value;
                assert!(
                    gap <= most,
                    "{} classes, {lambda:e} {bias:?}: {gap:e}, {} steps",
                    counts.len(),
                    found.steps
                );
                if counts.len() == 5 || counts.len() == 1000 {
                    let (a, b) = if counts.len() == 5 { ((3, 6), (2, 2)) } else { ((700, 500), (300, 50)) };
                    let groups = TwoGroups::new(a.0, a.1, b.0, b.1).expect("valid");
                    let two = two_group_entropy_minimum(&groups, lambda, lambda, bias).expect("covered");
                    assert_eq!(
                        two.optimality.status,
                        Status::Global,
                        "{lambda:e} {bias:?} {:?}",
                        two.optimality
                    );
                    close(found.optimality.value, two.optimality.value, 64.0, 0.0);
                }
            }
        }
    }
    let p = problem(&[7; 40], &[40], &[1e-30], 1e-30, Bias::None);
    let found = entropy_program_minimum(&p).expect("covered");
    close(found.optimality.value, balanced_entropy_minimum(&p).expect("covered").optimality.value, 64.0, 0.0);
}

/// K x K matrices that no machine holds are refused, not attempted; what needs none is answered.
#[test]
fn endless_classes_are_refused_where_a_matrix_is_needed() {
    let many = ClassCounts::balanced(40_000, 1).expect("a list");
    let wide = FreeFeatures::new(many.clone(), vec![40_000], vec![1e-9], 1e-9, Bias::None).expect("valid");
    assert!(targets(&many, Bias::Free).is_err() && seli_geometry(&many).is_err());
    assert!(entropy_program_minimum(&wide).is_err());
    assert!(balanced_entropy_minimum(&wide).is_ok());
}
