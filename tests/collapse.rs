//! Neural collapse: deterministic facts over wide ranges of depth, widths, class counts, regularisations and bias.
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::{Mat, frobenius_norm};
use solvable_model::collapse::{
    Bias, ClassCounts, ClassLoss, FrameTargets, FreeFeatures, FreeFeaturesLoss, collapse_metrics,
};
use solvable_model::{InputError, Objective};
use solvable_sim::collapse::{Network, NetworkOptions};
use solvable_sim::minimise::{LbfgsOptions, lbfgs};
use solvable_theory::collapse::{self as theory, AlignedFlow, CollapseError, ModeState, Status, TwoGroups};
use solvable_verify::collapse::study::{ShapeName, StudyOptions, TrainedLoss, study};

use crate::strata::{Strata, run};

/// Sizes of classes: balanced, tied, one class, single samples.
fn counts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        (1..6_usize, 1..6_usize).prop_map(|(k, n)| vec![n; k]),
        proptest::collection::vec(1..9_usize, 1..6),
        proptest::collection::vec(prop_oneof![Just(1_usize), Just(7)], 2..6),
    ]
}

/// Regularisations from comfortable to far beyond what floating-point products of several can hold.
fn lambda() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-9.0..0.0_f64).prop_map(f64::exp),
        1 => (-276.0..0.0_f64).prop_map(f64::exp),
        1 => Just(1e-120),
        1 => Just(1.0),
    ]
}

fn bias() -> impl Strategy<Value = Bias> {
    prop_oneof![Just(Bias::None), Just(Bias::Free)]
}

fn problem() -> impl Strategy<Value = FreeFeatures> {
    (counts(), 1..5_usize, bias()).prop_flat_map(|(counts, depth, bias)| {
        (proptest::collection::vec(1..7_usize, depth), proptest::collection::vec(lambda(), depth), lambda())
            .prop_map(move |(widths, weights, features)| {
                let classes = ClassCounts::new(counts.clone()).expect("positive counts");
                FreeFeatures::new(classes, widths, weights, features, bias).expect("positive weights")
            })
    })
}

const PROBLEMS: [&str; 12] = [
    "depth 1",
    "depth 3 and more",
    "bottleneck",
    "all dead",
    "some dead",
    "ties among classes",
    "one class",
    "single samples",
    "wider than samples",
    "free bias",
    "product below 1e-200",
    "learnt",
];

fn stratify(strata: &Strata, p: &FreeFeatures, minimum: &theory::SquaredMinimum) {
    let counts = p.classes().counts();
    let log_product: f64 = p.regularisations().iter().map(|l| l.ln()).sum();
    let dead = minimum.modes.iter().filter(|m| m.x == 0.0).count();
    let zero = usize::from(p.bias() == Bias::Free);
    strata.count("depth 1", p.depth() == 1);
    strata.count("depth 3 and more", p.depth() >= 3);
    strata.count("bottleneck", p.rank_bound() + zero < counts.len());
    strata.count("all dead", dead == counts.len());
    strata.count("some dead", dead > zero && dead < counts.len());
    strata.count("ties among classes", counts.windows(2).any(|w| w[0] == w[1]));
    strata.count("one class", counts.len() == 1);
    strata.count("single samples", counts.contains(&1));
    strata.count("wider than samples", p.widths().iter().any(|&d| d > p.classes().total()));
    strata.count("free bias", p.bias() == Bias::Free);
    strata.count("product below 1e-200", log_product < -460.0);
    strata.count("learnt", minimum.rank() > 0);
}

/// The formula's own minimiser attains its value, is critical and balanced; nothing lies below.
#[test]
fn the_minimum_is_attained_critical_and_never_undercut() {
    let strata = Strata::new("minimum", &PROBLEMS);
    let strategy = (problem(), proptest::collection::vec(-1.0..1.0_f64, 400), 0.01..3.0_f64);
    run(400, strategy, |(p, entries, scale)| {
        let minimum = theory::squared_minimum(&p).map_err(|e| TestCaseError::fail(e.to_string()))?;
        stratify(&strata, &p, &minimum);
        let value = minimum.value();
        prop_assert!(value.is_finite() && value >= 0.0);
        prop_assert!(minimum.optimality.status == Status::Global && minimum.optimality.lower_bound <= value);
        let objective = FreeFeaturesLoss::new(&p, ClassLoss::Squared).expect("small");
        let mut work = objective.work();
        // Sums of at most K N squares of residuals and of all parameters, each rounded a few times per layer.
        let rounding = 1e-12;

        let x: Vec<f64> = (0..objective.dimension()).map(|i| scale * entries[i % entries.len()]).collect();
        prop_assert!(objective.value(&x, &mut work) >= value - rounding);

        match theory::squared_minimizer(&objective) {
            Ok(best) => {
                let mut gradient = vec![0.0; best.len()];
                let attained = objective.value_and_gradient(&best, &mut gradient, &mut work);
                prop_assert!(attained >= value - rounding, "attained {attained:e}, minimum {value:e}");
                // Where the factors are so large that their squares drown the objective, only the bound remains.
                let size = best.iter().fold(1.0_f64, |m, v| m.max(v.abs()));
                let slack = f64::EPSILON * 64.0 * (best.len() as f64) * size.powi(2).max(1.0);
                prop_assert!((attained - value).abs() <= rounding + slack, "{attained} {value} {size:e}");
                if size < 1e3 {
                    // A gradient is a residual, exact to rounding, times the M other factors.
                    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
                    let rest = 64.0 * f64::EPSILON * (best.len() as f64) * size.powi(p.depth() as i32);
                    prop_assert!(norm <= 1e-12 + rest, "gradient {norm:e}, rounding {rest:e}");
                    for b in objective.layout().imbalance(&best, &p.regularisations()).expect("matching") {
                        prop_assert!(frobenius_norm(b.as_ref()) <= 1e-11);
                    }
                }
            }
            // Factors of extreme weights need not fit into doubles.
            Err(CollapseError::NotRepresentable { .. }) => {}
            Err(e) => return Err(TestCaseError::fail(e.to_string())),
        }
        Ok(())
    });
    strata.require();
}

/// More regularisation never lowers the minimum, a wider network never raises it, and both stay between 0 and doing nothing.
#[test]
fn the_minimum_is_monotone() {
    let strata = Strata::new("monotone", &PROBLEMS);
    run(400, (problem(), 0..5_usize, 1.0..100.0_f64), |(p, which, factor)| {
        let minimum = theory::squared_minimum(&p).map_err(|e| TestCaseError::fail(e.to_string()))?;
        stratify(&strata, &p, &minimum);
        let value = minimum.value();
        let (mut weights, mut features) = (p.lambda_w().to_vec(), p.lambda_h());
        match weights.get_mut(which) {
            Some(w) => *w *= factor,
            None => features *= factor,
        }
        let with = |widths: Vec<usize>, weights: Vec<f64>, features: f64| {
            let q =
                FreeFeatures::new(p.classes().clone(), widths, weights, features, p.bias()).expect("valid");
            theory::squared_minimum(&q).map(|m| m.value())
        };
        let heavier =
            with(p.widths().to_vec(), weights, features).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let wider = p.widths().iter().map(|d| d + 1).collect();
        let wider = with(wider, p.lambda_w().to_vec(), p.lambda_h())
            .map_err(|e| TestCaseError::fail(e.to_string()))?;
        // A few roundings of sums of K terms.
        let rounding = 64.0 * f64::EPSILON;
        prop_assert!(heavier >= value * (1.0 - rounding), "{heavier} {value}");
        prop_assert!(wider <= value * (1.0 + rounding), "{wider} {value}");
        // Doing nothing but the bias costs half the mean square of the target.
        let idle: f64 = minimum.modes.iter().map(|m| m.target * m.target).sum::<f64>()
            / (2.0 * p.classes().total() as f64);
        prop_assert!(value <= idle * (1.0 + rounding));
        Ok(())
    });
    strata.require();
}

/// Modes obey their stationarity condition to relative accuracy, whatever the size of the regularisation, and die at the
/// threshold that is stated for their class.
#[test]
fn modes_are_stationary_and_die_at_their_threshold() {
    let strata =
        Strata::new("modes", &["alive", "dead", "tiny beta", "deep", "local minimum above the threshold"]);
    run(2000, (1..12_usize, prop_oneof![(-276.0..3.0_f64), (-2.0..1.0_f64)]), |(depth, ln_beta)| {
        let beta = ln_beta.exp();
        let m = theory::scalar_minimum(depth, beta).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let critical = theory::global_threshold(depth).expect("positive depth");
        strata.count("alive", m.state == ModeState::Alive);
        strata.count("dead", m.state == ModeState::Dead);
        strata.count("tiny beta", beta < 1e-100);
        strata.count("deep", depth > 6);
        strata.count("local minimum above the threshold", beta > critical && m.local.is_some());
        prop_assert!(
            m.value > 0.0 && m.value <= 1.0 && (0.0..1.0).contains(&m.alignment) || m.alignment == 1.0
        );
        if (beta / critical - 1.0).abs() > 1e-12 {
            prop_assert_eq!(m.state == ModeState::Alive, beta < critical);
        }
        if m.state == ModeState::Alive && (depth > 1 || beta < 0.99) {
            // ln of both sides of beta (1 + x^M)^2 = M x^(M-1), by log1p.
            let d = depth as f64;
            let power = d * m.x.ln();
            let soft = if power > 700.0 { power } else { power.exp().ln_1p() };
            let residual = ln_beta + 2.0 * soft - d.ln() - (d - 1.0) * m.x.ln();
            let rounding = 64.0 * f64::EPSILON * (1.0 + ln_beta.abs() + power.abs());
            prop_assert!(residual.abs() <= rounding, "{residual:e} {rounding:e}");
        }
        Ok(())
    });
    strata.require();

    let strata = Strata::new("thresholds", &["alive", "dead"]);
    run(500, (counts(), 1..5_usize, 0.05..3.0_f64, 0..5_usize), |(counts, depth, factor, pick)| {
        let classes = ClassCounts::new(counts.clone()).expect("positive counts");
        let critical =
            theory::critical_products(&classes, depth).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let k = pick % counts.len();
        let product = critical[k] * factor;
        if (factor - 1.0).abs() < 1e-9 {
            return Ok(());
        }
        let lambda = product.powf(1.0 / (depth as f64 + 1.0));
        let p = FreeFeatures::uniform(classes, depth, counts.len(), lambda, Bias::None).expect("valid");
        let frame = theory::orthogonal_frame(&p).map_err(|e| TestCaseError::fail(e.to_string()))?;
        strata.count("alive", factor < 1.0);
        strata.count("dead", factor > 1.0);
        prop_assert_eq!(frame[k].own_logit > 0.0, factor < 1.0);
        // A larger class never has the smaller logit.
        for (i, a) in counts.iter().enumerate() {
            for (j, b) in counts.iter().enumerate() {
                prop_assert!(a < b || frame[i].own_logit >= frame[j].own_logit * (1.0 - 1e-14));
            }
        }
        Ok(())
    });
    strata.require();
}

/// Cross-entropy: every reported value lies between its lower bound and that of doing nothing, and the special cases agree
/// with the general program.
#[test]
fn cross_entropy_values_lie_between_their_bounds() {
    let names = ["collapsed", "learnt", "two groups", "balanced", "best known"];
    let strata = Strata::new("cross-entropy", &names);
    let groups = (1..4_usize, 1..8_usize, 1..4_usize, 1..4_usize);
    let bias = prop_oneof![Just(Bias::None), Just(Bias::Free), Just(Bias::Regularised(0.07))];
    run(60, (groups, 0.02..1.2_f64, 0.1..10.0_f64, bias, 1..4_usize), |(g, relative, ratio, bias, depth)| {
        let (k_a, n_a, k_b, n_b) = g;
        let counts = [vec![n_a; k_a], vec![n_b; k_b]].concat();
        let k = counts.len();
        let classes = ClassCounts::new(counts).expect("positive counts");
        // lambda in units of the threshold of the larger group.
        let lambda = relative * (n_a.max(n_b) as f64).sqrt() / classes.total() as f64;
        let (weights, features) = (lambda * ratio, lambda / ratio);
        let fail = |e: CollapseError| TestCaseError::fail(e.to_string());
        let idle = (k as f64).ln();
        if k >= 2 {
            let two = TwoGroups::new(k_a, n_a, k_b, n_b).expect("positive");
            let reduced = theory::two_group_entropy_minimum(&two, weights, features, bias).map_err(fail)?;
            let p =
                FreeFeatures::new(classes.clone(), vec![k], vec![weights], features, bias).expect("valid");
            let program = theory::entropy_program_minimum(&p).map_err(fail)?;
            strata.count("two groups", true);
            strata.count("collapsed", reduced.minority_collapsed);
            strata.count("learnt", program.singular_values[0] > 1e-3);
            for o in [reduced.optimality, program.optimality] {
                prop_assert!(o.lower_bound <= o.value && o.value <= idle * (1.0 + 1e-12));
            }
            // Both are certified: their intervals meet.
            let (a, b) = (reduced.optimality, program.optimality);
            prop_assert!(a.lower_bound <= b.value && b.lower_bound <= a.value, "{a:?} {b:?}");
        }
        let balanced = ClassCounts::balanced(k_a + 1, n_a).expect("positive");
        let lambda = relative / ((k_a + 1) as f64 * (n_a as f64).sqrt());
        let p = FreeFeatures::uniform(balanced, depth, k_a + 1, lambda, Bias::None).expect("valid");
        let deep = theory::deep_entropy_minimum(&p).map_err(fail)?;
        let idle = ((k_a + 1) as f64).ln();
        strata.count("balanced", true);
        strata.count("best known", deep.optimality.status == Status::BestKnown);
        let o = deep.optimality;
        prop_assert!(o.lower_bound <= o.value && o.value <= deep.simplex.value && o.value <= idle);
        if depth == 1 {
            let exact = theory::balanced_entropy_minimum(&p).map_err(fail)?;
            prop_assert!((exact.optimality.value - o.value).abs() <= 1e-14 * idle);
        }
        Ok(())
    });
    strata.require();
}

/// Whatever is not a problem is refused with an error: no panic, no NaN.
#[test]
fn garbage_is_refused() {
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0];
    assert!(ClassCounts::new(vec![]).is_err() && ClassCounts::new(vec![3, 0]).is_err());
    assert!(ClassCounts::new(vec![usize::MAX, 2]).is_err());
    let classes = || ClassCounts::new(vec![3, 2]).expect("valid");
    assert!(FreeFeatures::new(classes(), vec![], vec![], 0.1, Bias::None).is_err());
    assert!(FreeFeatures::new(classes(), vec![2], vec![0.1, 0.1], 0.1, Bias::None).is_err());
    assert!(FreeFeatures::new(classes(), vec![0], vec![0.1], 0.1, Bias::None).is_err());
    for v in bad {
        assert!(FreeFeatures::new(classes(), vec![2], vec![v], 0.1, Bias::None).is_err(), "{v}");
        assert!(FreeFeatures::new(classes(), vec![2], vec![0.1], v, Bias::None).is_err(), "{v}");
        assert!(theory::scalar_minimum(2, v).is_err(), "{v}");
        assert!(theory::product_cost(&[1.0], &[v], 0.1).is_err(), "{v}");
        assert!(theory::minority_collapse(&TwoGroups::new(2, 5, 2, 1).expect("valid"), v).is_err(), "{v}");
        if v != 0.0 {
            assert!(Bias::regularised(v).is_err(), "{v}");
            assert!(theory::product_cost(&[v], &[0.1], 0.1).is_err(), "{v}");
            assert!(AlignedFlow::new(2, 3, v).is_err(), "{v}");
            assert!(AlignedFlow::new(2, 3, 0.1).expect("valid").squared(v, 1.0).is_err(), "{v}");
        }
    }
    for regularised in [f64::NAN, -1.0, f64::INFINITY] {
        let p = FreeFeatures::new(classes(), vec![2], vec![0.1], 0.1, Bias::Regularised(regularised));
        assert!(p.is_err(), "{regularised}");
    }
    assert!(theory::scalar_minimum(0, 0.1).is_err() && theory::global_threshold(0).is_err());
    assert!(TwoGroups::new(0, 1, 1, 1).is_err() && TwoGroups::new(1, 1, 1, 0).is_err());
    assert!(theory::seli_geometry(&ClassCounts::new(vec![4]).expect("valid")).is_err());
    // Formulas outside their hypotheses.
    let unbalanced = FreeFeatures::uniform(classes(), 2, 3, 0.1, Bias::Free).expect("valid");
    let shallow = FreeFeatures::uniform(classes(), 1, 3, 0.1, Bias::Free).expect("valid");
    assert!(matches!(theory::balanced_entropy_minimum(&shallow), Err(CollapseError::NotBalanced { .. })));
    assert!(matches!(theory::balanced_entropy_minimum(&unbalanced), Err(CollapseError::Depth { .. })));
    assert!(matches!(theory::orthogonal_frame(&unbalanced), Err(CollapseError::Bias { .. })));
    assert!(
        theory::hessian_spectrum(&unbalanced).is_err()
            && theory::entropy_program_minimum(&unbalanced).is_err()
    );
}

/// Metrics of arbitrary finite features are finite or declared undefined; a NaN is named.
#[test]
fn metrics_never_return_nan() {
    let strata =
        Strata::new("metrics", &["one class", "coinciding means", "zero classifier", "huge", "ordinary"]);
    let entry = prop_oneof![3 => -1.0..1.0_f64, 1 => Just(0.0), 1 => Just(1e100), 1 => Just(-1e-100)];
    let strategy = (1..5_usize, 1..5_usize, proptest::collection::vec(entry, 64), 0..3_u8);
    run(400, strategy, |(k, d, entries, kind)| {
        let n = 2 * k + 1;
        let labels: Vec<usize> = (0..n).map(|i| i % k).collect();
        let at = |i: usize| entries[i % entries.len()];
        let h = Mat::from_fn(d, n, |r, i| match kind {
            0 => at(r),
            _ => at(r * n + i),
        });
        let w = Mat::from_fn(k, d, |i, r| if kind == 1 { 0.0 } else { at(7 + i * d + r) });
        let m = match collapse_metrics(h.as_ref(), &labels, w.as_ref(), None, &FrameTargets::default()) {
            Ok(m) => m,
            // Squares of 1e100 fit, but their products with inverses need not: refused, not NaN.
            Err(_) => return Ok(()),
        };
        strata.count("one class", k == 1);
        strata.count("coinciding means", kind == 0 && k > 1);
        strata.count("zero classifier", kind == 1);
        strata.count("huge", entries.iter().take(8).any(|v| *v > 1e99));
        strata.count("ordinary", kind == 2 && k > 1);
        prop_assert!((0.0..=1.0).contains(&m.nc4) && !m.within_trace.is_nan());
        let all = [m.nc1, m.nc2_w_etf, m.nc2_w_of, m.nc2_h_etf, m.nc2_h_of, m.nc3_etf, m.nc3_of];
        prop_assert!(all.iter().flatten().all(|v| !v.is_nan() && *v >= 0.0), "{all:?}");
        prop_assert!(all[1..].iter().flatten().all(|v| *v <= 2.0 + 1e-12), "{all:?}");
        if kind == 1 {
            prop_assert!(m.nc2_w_of.is_none() && m.nc3_of.is_none());
        }
        if k == 1 {
            prop_assert!(m.nc2_h_etf.is_none() && m.nc2_w_etf.is_none());
        }
        Ok(())
    });
    strata.require();
    let mut h = Mat::<f64>::zeros(2, 3);
    h[(1, 2)] = f64::NAN;
    let refused =
        collapse_metrics(h.as_ref(), &[0, 1, 0], Mat::zeros(2, 2).as_ref(), None, &FrameTargets::default());
    assert!(matches!(refused, Err(InputError::NotFinite { row: 2, column: 1, .. })));
}

/// The first images of the digits 0 to 3, as columns, with their labels.
fn digits(per_class: [usize; 4]) -> (Mat<f64>, Vec<usize>) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
    let read = |name: &str| std::fs::read_to_string(data.join(name)).expect("the shipped digits");
    let (images, labels) = (read("digits.csv"), read("digits_labels.csv"));
    let mut taken = [0; 4];
    let (mut pixels, mut kept) = (Vec::new(), Vec::new());
    for (image, label) in images.lines().zip(labels.lines()).skip(1) {
        let label: usize = label.parse().expect("a digit");
        if label < 4 && taken[label] < per_class[label] {
            taken[label] += 1;
            kept.push(label);
            pixels.extend(image.split(',').map(|v| v.parse::<f64>().expect("an intensity") / 16.0));
        }
    }
    let width = pixels.len() / kept.len();
    (Mat::from_fn(width, kept.len(), |i, j| pixels[j * width + i]), kept)
}

fn write_rows(path: &Path, rows: usize, columns: usize, at: impl Fn(usize, usize) -> f64) {
    let line = |i| (0..columns).map(|j| format!("{:e}", at(i, j))).collect::<Vec<_>>().join(",");
    let text: String = (0..rows).map(|i| line(i) + "\n").collect();
    std::fs::write(path, text).expect("a temporary file");
}

/// A network on the digits, balanced and 1:10, deep linear head: the study of its last layer finds the decay of the features
/// from the balance of the layers, and the predicted geometry at a tenth of the distance of the others.
#[test]
fn a_trained_network_is_recognised() {
    let directory = std::env::temp_dir().join(format!("solvable-digits-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a temporary directory");
    for per_class in [[10; 4], [20, 20, 2, 2]] {
        let (inputs, labels) = digits(per_class);
        let (lambda_w, lambda_h) = (5e-3, 5e-4);
        let options = NetworkOptions {
            hidden: 64,
            widths: vec![8, 8],
            loss: ClassLoss::Squared,
            bias: false,
            lambda_w,
            lambda_h,
            lambda_backbone: 1e-7,
        };
        let network = Network::new(inputs.as_ref(), &labels, options).expect("valid");
        let start = network.start(2.0, &mut ChaCha12Rng::seed_from_u64(1));
        let lbfgs_options = LbfgsOptions::default().memory(30).gradient_norm(1e-3);
        let x = lbfgs(&network, &start, &lbfgs_options).expect("converges").x;
        let (h, w) = (network.features(&x), network.classifier(&x));
        let file = |name: &str| directory.join(name);
        write_rows(&file("h.csv"), h.ncols(), h.nrows(), |i, j| h[(j, i)]);
        write_rows(&file("y.csv"), labels.len(), 1, |i, _| labels[i] as f64);
        write_rows(&file("w.csv"), w.nrows(), w.ncols(), |i, j| w[(i, j)]);
        let s = study(&StudyOptions {
            features: file("h.csv"),
            labels: file("y.csv"),
            classifier: Some(file("w.csv")),
            bias: None,
            loss: TrainedLoss::Squared,
            weight_decay: vec![lambda_w; 2],
            feature_decay: None,
        })
        .expect("a study");
        let inferred = s.assumed.as_ref().expect("a prediction").feature_decay;
        println!("{per_class:?}: NC1 {:.1e}, feature decay {inferred:.3e}, {:?}", s.nc1, s.shapes);
        let distance = |name| s.shapes.iter().find(|s| s.shape == name).expect("listed").features;
        // A gradient of 1e-3 against curvatures of the order of the decays leaves errors of percents.
        assert!((inferred / lambda_h - 1.0).abs() < 0.1, "{inferred}");
        assert_eq!(s.nc4, Some(0.0));
        if per_class[0] != per_class[3] {
            let others = distance(ShapeName::Simplex).min(distance(ShapeName::OrthogonalFrame));
            assert!(distance(ShapeName::Predicted) < 0.1 * others, "{:?}", s.shapes);
            assert_eq!(s.nearest_shape, ShapeName::Predicted);
        }
        assert!(s.classes.iter().all(|c| c.collapsed == Some(false)));
    }
    let _ = std::fs::remove_dir_all(&directory);
}
