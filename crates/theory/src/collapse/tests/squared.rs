//! NC-01 to NC-10 against high-precision arithmetic, the printed tables and the objective itself.
use solvable_linalg::{Mat, matmul, singular_values, symmetric_eigenvalues};
use solvable_model::Objective;
use solvable_model::collapse::{Bias, ClassCounts, ClassLoss, FreeFeaturesLoss};

use super::super::*;
use super::table::{MINIMUM, SCALAR, SQUARES};
use super::{close, printed, problem};

#[test]
fn scalar_problem_in_high_precision() {
    for &(depth, beta, x, g, alignment) in SCALAR {
        let found = scalar_minimum(depth, beta).expect("in range");
        // Condition of the root: the derivative of log beta in log x is (M + 1) - 2M/(1 + x^M), 1/2 (x/(1+x)) for M = 1.
        let condition = if x == 0.0 {
            0.0
        } else if depth == 1 {
            1.0 / alignment
        } else {
            1.0 / ((depth as f64 + 1.0) - 2.0 * depth as f64 * (1.0 - alignment))
        };
        close(found.x, x, 6.0 + 4.0 * condition, 0.0);
        close(found.value, g, 8.0, 0.0);
        close(found.alignment, alignment, 4.0 + 4.0 * depth as f64 * condition * (1.0 - alignment), 0.0);
    }
}

#[test]
fn thresholds_are_those_printed() {
    let rows = [
        (2, 0.5, 0.649_519_052_838_329),
        (3, 0.529_133_683_989_400, 0.839_947_366_596_582),
        (4, 0.569_876_764_238_694, 1.065_205_656_063_28),
        (6, 0.637_270_409_443_108, 1.542_451_351_007_61),
        (9, 0.705_511_578_652_533, 2.278_008_107_682_00),
    ];
    for (depth, critical, limit) in rows {
        printed(global_threshold(depth).expect("valid"), critical, 15);
        printed(spinodal(depth).expect("valid"), limit, 14);
    }
    let classes = ClassCounts::new(vec![8, 5, 3, 1]).expect("valid");
    let table = [
        (1, [0.027_681_660_899_7, 0.017_301_038_062_3, 0.010_380_622_837_4, 0.003_460_207_612_46]),
        (2, [8.141_664_970_49e-4, 3.180_337_879_10e-4, 1.144_921_636_47e-4, 1.272_135_151_64e-5]),
        (3, [3.363_618_546_67e-5, 8.211_959_342_46e-6, 1.773_783_217_97e-6, 6.569_567_473_97e-8]),
    ];
    for (depth, row) in table {
        let found = critical_products(&classes, depth).expect("in range");
        found.iter().zip(row).for_each(|(&f, r)| printed(f, r, 11));
    }
    for depth in 1..40 {
        // Just below the spinodal the local minimiser sits at x^M = (M-1)/(M+1); beyond it there is none.
        let s = spinodal(depth).expect("valid");
        assert!(scalar_minimum(depth, s * 1.000_001).expect("valid").local.is_none());
        let below = scalar_minimum(depth, s * 0.999_999).expect("valid").local.expect("exists");
        let place = ((depth - 1) as f64 / (depth + 1) as f64).powf(1.0 / depth as f64);
        // A square-root singularity: 1e-6 in beta is at most 3e-3 in x (M = 1: linear).
        assert!((below.x - place).abs() <= 3e-3, "{depth}: {} {place}", below.x);
    }
}

#[test]
fn ties_have_two_minimisers() {
    for depth in 2..30 {
        let critical = global_threshold(depth).expect("valid");
        for beta in [critical, critical.next_up(), critical.next_down()] {
            let tie = scalar_minimum(depth, beta).expect("valid");
            assert_eq!(tie.state, ModeState::Tie);
            let place = ((depth - 1) as f64).powf(1.0 / depth as f64);
            close(tie.x, place, 12.0, 0.0);
            assert_eq!(tie.value, 1.0);
            assert_eq!(tie.minimisers().len(), 2);
        }
        let above = scalar_minimum(depth, critical * (1.0 + 1e-12)).expect("valid");
        assert_eq!((above.x, above.state), (0.0, ModeState::Dead));
        let below = scalar_minimum(depth, critical * (1.0 - 1e-12)).expect("valid");
        assert_eq!(below.state, ModeState::Alive);
        assert!(below.value <= 1.0);
    }
    assert_eq!(scalar_minimum(1, 1.0).expect("valid").minimisers(), [0.0]);
    assert!(scalar_minimum(1, 1.0_f64.next_down()).expect("valid").x > 0.0);
    for (depth, beta) in [(0, 0.1), (2, 0.0), (2, -1.0), (2, f64::NAN), (2, f64::INFINITY)] {
        assert!(scalar_minimum(depth, beta).is_err());
    }
}

#[test]
fn minimum_in_high_precision() {
    for &(counts, widths, lambda_w, lambda_h, free, value, sigma) in MINIMUM {
        let bias = if free { Bias::Free } else { Bias::None };
        let found = squared_minimum(&problem(counts, widths, lambda_w, lambda_h, bias)).expect("in range");
        close(found.value(), value, 12.0, 0.0);
        assert!(found.optimality.lower_bound <= value && found.optimality.status == Status::Global);
        assert!(found.optimality.gap <= 20.0 * f64::EPSILON * value);
        assert_eq!(found.modes.len(), sigma.len());
        for (mode, &s) in found.modes.iter().zip(sigma) {
            // The difference tau - N lambda (M = 1), or a root at a distance from the spinodal, is conditioned tau/sigma.
            close(mode.singular_value, s, 8.0, 8.0 * f64::EPSILON * mode.target);
            assert_eq!(mode.singular_value == 0.0, s == 0.0);
        }
    }
}

/// The table of the specification, 12 or more digits.
#[test]
fn minimum_is_that_of_the_table() {
    type Row<'a> = (&'a [usize], &'a [usize], &'a [f64], f64, bool, f64, &'a [f64]);
    let rows: [Row<'_>; 8] = [
        (
            &[5, 5, 5],
            &[4],
            &[0.01],
            0.001,
            true,
            0.013_992_135_623_731_0,
            &[2.188_633_812_6, 2.188_633_812_6, 0.0],
        ),
        (
            &[8, 5, 3, 1],
            &[6],
            &[0.01],
            0.002,
            true,
            0.024_209_524_135_025_2,
            &[2.441_827_681_27, 1.821_225_328_35, 1.036_321_690_42, 0.0],
        ),
        (
            &[8, 5, 3, 1],
            &[2],
            &[0.01],
            0.002,
            false,
            0.139_956_169_464_203,
            &[2.752_400_813_51, 2.160_041_666_26, 0.0, 0.0],
        ),
        (
            &[8, 5, 3, 1],
            &[6, 5],
            &[0.005, 0.01],
            0.002,
            false,
            0.042_317_005_118_368_3,
            &[2.772_257_125_43, 2.175_167_879_11, 1.665_482_285_43, 0.918_834_816_728],
        ),
        (
            &[6, 6, 6, 6],
            &[5, 2],
            &[0.005, 0.01],
            0.002,
            true,
            0.150_015_141_429_731,
            &[2.365_888_418_75, 2.365_888_418_75, 0.0, 0.0],
        ),
        (
            &[16, 8, 4, 4],
            &[32, 32, 32],
            &[0.002, 0.002, 0.002],
            0.002,
            false,
            0.025_937_292_617_775_3,
            &[3.967_870_703_38, 2.790_112_096_68, 1.954_218_137_77, 1.954_218_137_77],
        ),
        (
            &[200, 100, 50, 50],
            &[64; 3],
            &[5e-4; 3],
            5e-4,
            false,
            0.012_218_400_372_035_0,
            &[14.088_852_191_8, 9.936_552_849_47, 6.995_450_339_42, 6.995_450_339_42],
        ),
        (
            &[200, 100, 50, 50],
            &[64; 6],
            &[5e-4; 6],
            5e-4,
            false,
            0.013_220_353_373_0,
            &[14.111_943_299_2, 9.961_278_891_49, 7.021_357_843_09, 7.021_357_843_09],
        ),
    ];
    for (counts, widths, lambda_w, lambda_h, free, value, sigma) in rows {
        let bias = if free { Bias::Free } else { Bias::None };
        let found = squared_minimum(&problem(counts, widths, lambda_w, lambda_h, bias)).expect("in range");
        printed(found.value(), value, 12);
        found.modes.iter().zip(sigma).for_each(|(m, &s)| printed(m.singular_value, s, 11));
    }
    let deep = problem(&[200, 100, 50, 50], &[64; 3], &[5e-4; 3], 5e-4, Bias::None);
    let x: Vec<f64> = squared_minimum(&deep).expect("in range").modes.iter().map(|m| m.x).collect();
    for (found, expected) in x.into_iter().zip([6.418_415_203, 5.390_237_174, 4.522_700_618, 4.522_700_618]) {
        printed(found, expected, 10);
    }
}

#[test]
fn free_bias_targets_in_high_precision() {
    for &(counts, squares) in SQUARES {
        let classes = ClassCounts::new(counts.to_vec()).expect("valid");
        let found = targets(&classes, Bias::Free).expect("covered");
        assert_eq!(found.squares.len(), squares.len());
        for (&f, &s) in found.squares.iter().zip(squares) {
            close(f, s, 8.0 + counts.len() as f64, 0.0);
        }
        let u = &found.vectors;
        let k = counts.len();
        for j in 0..k {
            for l in 0..=j {
                let product: f64 = (0..k).map(|i| u[(i, j)] * u[(i, l)]).sum();
                let expected = f64::from(u8::from(j == l));
                assert!((product - expected).abs() <= 8.0 * k as f64 * f64::EPSILON, "{j} {l} {product:e}");
            }
            // (D - mu) u = n (n'u)/N up to rounding of the largest entry.
            let total = classes.total() as f64;
            let inner: f64 = (0..k).map(|i| counts[i] as f64 * u[(i, j)]).sum::<f64>() / total;
            for i in 0..k {
                let n = counts[i] as f64;
                let residual = (n - found.squares[j]) * u[(i, j)] - n * inner;
                assert!(
                    residual.abs()
                        <= 32.0
                            * k as f64
                            * f64::EPSILON
                            * (n * u[(i, j)].abs()
                                + n * inner.abs()
                                + found.squares[j] * u[(i, j)].abs()
                                + n * counts
                                    .iter()
                                    .enumerate()
                                    .map(|(h, &c)| c as f64 / total * u[(h, j)].abs())
                                    .sum::<f64>())
                );
            }
        }
    }
    let one = targets(&ClassCounts::new(vec![9]).expect("valid"), Bias::Free).expect("covered");
    assert_eq!(one.squares, [0.0]);
    let refused = targets(&ClassCounts::new(vec![9]).expect("valid"), Bias::Regularised(0.1));
    assert!(matches!(refused, Err(CollapseError::Bias { .. })));
}

/// The constructed parameters attain f*, are a critical point of the raw objective, and have the promised geometry.
#[test]
fn minimiser_attains_the_minimum() {
    type Case<'a> = (&'a [usize], &'a [usize], &'a [f64], f64, Bias);
    let cases: [Case<'_>; 7] = [
        (&[4, 3, 2], &[5], &[0.01], 0.003, Bias::None),
        (&[15, 8, 4, 2], &[6, 5, 7], &[0.004, 0.01, 0.002], 0.003, Bias::None),
        (&[15, 8, 4, 2], &[6, 4], &[0.004, 0.01], 0.003, Bias::Free),
        (&[5, 5, 5], &[2], &[0.01], 0.003, Bias::Free),
        (&[6, 3, 1], &[2, 4], &[0.01, 0.02], 0.003, Bias::None),
        (&[3, 3, 3, 3], &[2, 3], &[0.01, 0.02], 0.003, Bias::Free),
        (&[4], &[1], &[0.1], 0.2, Bias::None),
    ];
    for (counts, widths, lambda_w, lambda_h, bias) in cases {
        let p = problem(counts, widths, lambda_w, lambda_h, bias);
        let minimum = squared_minimum(&p).expect("in range");
        for objective in [
            FreeFeaturesLoss::new(&p, ClassLoss::Squared).expect("fits"),
            FreeFeaturesLoss::collapsed(&p, ClassLoss::Squared).expect("fits"),
        ] {
            let x = squared_minimizer(&objective).expect("in range");
            let mut gradient = vec![0.0; x.len()];
            let value = objective.value_and_gradient(&x, &mut gradient, &mut objective.work());
            close(value, minimum.value(), 32.0, 0.0);
            let worst = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
            // Every entry of the gradient is a difference of products of factors of size at most 10.
            assert!(worst <= 64.0 * f64::EPSILON, "{worst:e}");
            let w = objective.layout().classifier(&x);
            if minimum.tied_cut.is_none() {
                let grams = class_grams(&p).expect("no tied cut");
                let gram = matmul(w.as_ref(), w.transpose());
                for i in 0..counts.len() {
                    for j in 0..counts.len() {
                        close(
                            gram[(i, j)],
                            grams.classifiers[(i, j)],
                            0.0,
                            1e-14 * grams.classifiers[(0, 0)].max(1.0),
                        );
                    }
                }
                let h = objective.layout().features(&x);
                for (c, &k) in objective.labels().iter().enumerate() {
                    let norm: f64 =
                        (0..h.nrows()).map(|r| (h[(r, c)] * objective.column_scale(k)).powi(2)).sum();
                    close(norm, grams.features[(k, k)], 64.0, 0.0);
                    for i in 0..counts.len() {
                        let logit: f64 =
                            (0..h.nrows()).map(|r| w[(i, r)] * h[(r, c)] * objective.column_scale(k)).sum();
                        close(logit, grams.logits[(i, k)], 0.0, 64.0 * f64::EPSILON);
                    }
                }
            }
            // Any perturbation is worse: the certificate at work.
            let mut y = x.clone();
            for (i, v) in y.iter_mut().enumerate() {
                *v += 0.1 * (((i + 1) as f64 * 0.618).fract() - 0.5);
            }
            let worse = objective.value(&y, &mut objective.work());
            let gap = squared_gap(&p, worse).expect("finite");
            assert!(gap.gap > 0.0 && gap.status == Status::BestKnown);
            assert_eq!(squared_gap(&p, value).expect("finite").status, Status::Global);
            // Single precision may fall below by its rounding; what lies further below is not a value of this objective.
            assert_eq!(squared_gap(&p, value * (1.0 - 1e-7)).expect("finite").status, Status::Global);
            assert!(matches!(squared_gap(&p, value * (1.0 - 1e-4)), Err(CollapseError::Input(_))));
        }
    }
}

#[test]
fn frame_without_bias() {
    let p = problem(&[2, 15, 4, 8], &[6, 5, 7], &[0.004, 0.01, 0.002], 0.003, Bias::None);
    let frame = orthogonal_frame(&p).expect("covered");
    let grams = class_grams(&p).expect("covered");
    for (k, f) in frame.iter().enumerate() {
        close(f.w_norm_sq, grams.classifiers[(k, k)], 16.0, 0.0);
        close(f.h_norm_sq, grams.features[(k, k)], 16.0, 0.0);
        close(f.own_logit, grams.logits[(k, k)], 16.0, 0.0);
        close(f.w_over_h * f.w_over_h * f.h_norm_sq, f.w_norm_sq, 16.0, 0.0);
        // W is the product of the layers: its singular value squared is the product of theirs.
        let s: f64 = f.layer_singular_values[..3].iter().map(|s| s * s).product();
        close(s, f.w_norm_sq, 16.0, 0.0);
        let n = p.classes().counts()[k] as f64;
        close(
            f.layer_features[2] * n,
            f.layer_singular_values[1..].iter().map(|s| s * s).product(),
            16.0,
            0.0,
        );
    }
    // The second largest class is the fourth of the list.
    assert!(frame[1].w_norm_sq > frame[3].w_norm_sq && frame[3].w_norm_sq > frame[2].w_norm_sq);
    let tied = problem(&[3, 3, 3], &[2], &[0.01], 0.01, Bias::None);
    assert!(matches!(orthogonal_frame(&tied), Err(CollapseError::TiedCut { rank: 2, .. })));
    let minimum = squared_minimum(&tied).expect("the spectrum is determined");
    assert_eq!(minimum.rank(), 2);
    let free = problem(&[3, 3, 3], &[2], &[0.01], 0.01, Bias::Free);
    assert!(matches!(orthogonal_frame(&free), Err(CollapseError::Bias { .. })));
    // Simplex: cosine -1/(K - 1).
    let grams = class_grams(&free).expect("width K - 1 is enough");
    close(grams.features[(0, 1)] / grams.features[(0, 0)], -0.5, 16.0, 0.0);
    // Dead classes keep N lambda_H as the ratio of two zeros' formula.
    let dead = problem(&[9, 1], &[2], &[0.1], 0.1, Bias::None);
    let frame = orthogonal_frame(&dead).expect("covered");
    assert_eq!((frame[1].w_norm_sq, frame[1].state), (0.0, ModeState::Dead));
}

/// Random products never cost less than the bound; the bound is attained above.
#[test]
fn no_product_is_cheaper() {
    let number = |i: usize| ((i + 1) as f64 * 0.754_877_666_246_693).fract() * 2.0 - 1.0;
    let mut tightest = f64::INFINITY;
    for case in 0..40 {
        let (k, d, e, n) = (1 + case % 4, 1 + case % 3, 2 + case % 2, 5);
        let a = Mat::from_fn(k, d, |i, j| number(i + 7 * j + 31 * case));
        let b = Mat::from_fn(d, e, |i, j| number(i + 5 * j + 17 * case + 3));
        let c = Mat::from_fn(e, n, |i, j| number(i + 3 * j + 13 * case + 5));
        let (lw, lh) = ([0.3, 0.02], 0.7);
        let z = matmul(matmul(a.as_ref(), b.as_ref()).as_ref(), c.as_ref());
        let cost = product_cost(&singular_values(z.as_ref()).expect("finite"), &lw, lh).expect("in range");
        let square = |m: &Mat<f64>| m.squared_norm_l2();
        let spent = 0.5 * (lw[0] * square(&a) + lw[1] * square(&b) + lh * square(&c));
        assert!(spent >= cost.value * (1.0 - 1e-14), "{spent} {}", cost.value);
        tightest = tightest.min(spent / cost.value);
    }
    assert!(tightest < 3.0, "the search must come near the bound: {tightest}");
    assert!(product_cost(&[1.0], &[], 1.0).is_err());
    assert!(product_cost(&[-1.0], &[1.0], 1.0).is_err());
    assert!(product_cost(&[1.0], &[0.0], 1.0).is_err());
}

#[test]
fn dual_meets_the_primal_at_depth_one() {
    for (counts, lambda_w, lambda_h, bias) in [
        (vec![8, 5, 3, 1], 0.01, 0.002, Bias::None),
        (vec![8, 5, 3, 1], 0.05, 0.04, Bias::Free),
        (vec![4, 4], 10.0, 10.0, Bias::None),
    ] {
        let p = problem(&counts, &[4], &[lambda_w], lambda_h, bias);
        close(squared_dual(&p).expect("covered"), squared_minimum(&p).expect("covered").value(), 16.0, 0.0);
        let narrow = problem(&counts, &[1], &[lambda_w], lambda_h, bias);
        let (dual, primal) =
            (squared_dual(&narrow).expect("covered"), squared_minimum(&narrow).expect("covered"));
        assert!(dual <= primal.value() * (1.0 + 1e-15));
    }
    let deep = problem(&[2, 1], &[2, 2], &[0.1, 0.1], 0.1, Bias::None);
    assert!(matches!(squared_dual(&deep), Err(CollapseError::Depth { depth: 2, .. })));
}

#[test]
fn two_groups_die_in_order() {
    let groups = TwoGroups::new(4, 9, 3, 2).expect("valid");
    let at = two_group_thresholds(&groups, 1).expect("in range");
    let n = 42.0 * 42.0;
    close(at.minority_within.expect("three classes"), 2.0 / n, 4.0, 0.0);
    close(at.between, 7.0 * 18.0 / 42.0 / n, 4.0, 0.0);
    close(at.majority_within.expect("four classes"), 9.0 / n, 4.0, 0.0);
    // Roles follow the sizes.
    let swapped = two_group_thresholds(&TwoGroups::new(3, 2, 4, 9).expect("valid"), 3).expect("in range");
    let same = two_group_thresholds(&groups, 3).expect("in range");
    assert_eq!(swapped.minority_within, same.minority_within);
    assert!(
        two_group_thresholds(&TwoGroups::new(4, 9, 1, 2).expect("valid"), 2)
            .expect("ok")
            .minority_within
            .is_none()
    );
    assert!(minority_collapse(&TwoGroups::new(4, 9, 1, 2).expect("valid"), 0.1).is_err());
    assert!(TwoGroups::new(4, 0, 1, 2).is_err() && TwoGroups::new(0, 1, 1, 2).is_err());
    assert!(TwoGroups::new(usize::MAX, 2, 1, 2).is_err());
    close(
        minority_collapse(&TwoGroups::new(3, 500, 7, 100).expect("valid"), 0.005)
            .expect("ok")
            .critical_majority,
        1300.0 / 3.0,
        4.0,
        0.0,
    );
    // At the thresholds of three groups of modes the minimum loses exactly those modes (free bias, M = 2).
    let at = two_group_thresholds(&groups, 2).expect("in range");
    let ranks = |factor: f64, product: f64| {
        let l = (product * factor).cbrt();
        let p = problem(&[9, 9, 9, 9, 2, 2, 2], &[8, 8], &[l, l], l, Bias::Free);
        squared_minimum(&p).expect("in range").rank()
    };
    for (product, above, below) in [
        (at.minority_within.expect("some"), 4, 6),
        (at.between, 3, 4),
        (at.majority_within.expect("some"), 0, 3),
    ] {
        assert_eq!((ranks(1.0 + 1e-9, product), ranks(1.0 - 1e-9, product)), (above, below));
    }
}

/// Spectra of the constructed Gram matrices against the eigenvalues of the definition, for a free bias and imbalance.
#[test]
fn free_bias_spectrum_is_that_of_the_dense_matrix() {
    let counts = [15.0, 8.0, 4.0, 2.0];
    let total: f64 = counts.iter().sum();
    let dense =
        Mat::from_fn(4, 4, |i, j| if i == j { counts[i] } else { 0.0 } - counts[i] * counts[j] / total);
    let e = symmetric_eigenvalues(dense.as_ref()).expect("symmetric");
    let t = targets(&ClassCounts::new(vec![15, 8, 4, 2]).expect("valid"), Bias::Free).expect("covered");
    for (a, b) in e.iter().zip(&t.squares) {
        assert!((a - b).abs() <= 64.0 * f64::EPSILON * 15.0);
    }
}
