use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::{Mat, frobenius_norm, from_rows, transpose_matmul};
use solvable_model::Objective;
use solvable_model::collapse::{Bias, ClassCounts, ClassLoss, FreeFeatures, FreeFeaturesLoss};

use super::*;

fn loss(counts: &[usize], widths: &[usize], lambda_w: &[f64], bias: Bias) -> FreeFeaturesLoss {
    let classes = ClassCounts::new(counts.to_vec()).expect("valid");
    let problem = FreeFeatures::new(classes, widths.to_vec(), lambda_w.to_vec(), 0.02, bias).expect("valid");
    FreeFeaturesLoss::new(&problem, ClassLoss::Squared).expect("small")
}

/// Reference rows of the scalar problem, 15 digits: M, beta, x, minimum, sigma/tau.
const MODES: [(usize, f64, f64, f64, f64); 6] = [
    (1, 0.25, 1.0, 0.75, 0.5),
    (2, 0.1, 2.44927966412603, 0.38780611494773, 0.857121851464873),
    (3, 0.1, 2.24308049298743, 0.305702447050334, 0.918605602248408),
    (2, 0.49, 1.02000781146885, 0.989899980380764, 0.509903847238971),
    (5, 1e-6, 13.0765934602488, 1.56919189922263e-5, 0.999997384674468),
    (3, 0.529, 1.26008021753125, 0.999831558088863, 0.666750876985169),
];

#[test]
fn searched_modes_match_the_reference_table() {
    for (m, beta, x, value, ratio) in MODES {
        let depth = m as f64;
        let c = (beta / depth).powf(depth / (depth + 1.0));
        let mode = search_mode(m + 1, c);
        // The table is rounded to 15 digits; the root's condition is largest next to the threshold.
        let near = |a: f64, b: f64| ((a - b) / b).abs() < 2e-13;
        assert!(near((mode.ratio / mode.missing).powf(1.0 / depth), x), "M={m} beta={beta}: {mode:?}");
        assert!(near(mode.value, value) && near(mode.ratio, ratio), "M={m} beta={beta}: {mode:?}");
    }
    // Above the thresholds 1 (M = 1) and 1/2 (M = 2).
    assert_eq!(search_mode(2, 1.01).ratio, 0.0);
    assert_eq!(search_mode(3, (0.5001_f64 / 2.0).powf(2.0 / 3.0)).ratio, 0.0);
    assert!(search_mode(3, (0.4999_f64 / 2.0).powf(2.0 / 3.0)).ratio > 0.5);
}

#[test]
fn balanced_starts_are_balanced_and_aligned_starts_carry_their_modes() {
    let mut rng = ChaCha12Rng::seed_from_u64(3);
    let objective = loss(&[3, 2, 2], &[4, 5], &[0.1, 0.3], Bias::None);
    let x = balanced_start(&objective, 0.7, &mut rng).expect("full rank");
    for b in balance(&objective, &x, &[0.1, 0.3, 0.02]) {
        assert!(frobenius_norm(b.as_ref()) < 1e-14);
    }
    let modes = Mat::from_fn(3, 3, |i, j| f64::from(i == j));
    let x = aligned_start(&objective, &modes, 0.5, &[], &mut rng).expect("full rank");
    // Logits of class k: 0.5^3 e_k / sqrt(n_k) on every sample; nothing varies within classes.
    let seen = observe(&objective, &x);
    let expected =
        Mat::from_fn(3, 3, |i, k| if i == k { 0.125 / [3.0_f64, 2.0, 2.0][k].sqrt() } else { 0.0 });
    assert!(relative_distance(&seen.logits(), &expected) < 1e-14);
    assert!(seen.within < 1e-15);
    assert!(layer_means(&objective, &x).len() == 2);
}

#[test]
fn collapsed_columns_are_observed_as_class_means() {
    let mut rng = ChaCha12Rng::seed_from_u64(5);
    let full = loss(&[3, 1], &[2], &[0.1], Bias::Free);
    let small = FreeFeaturesLoss::collapsed(full.problem(), ClassLoss::Squared).expect("small");
    let x = gaussian_start(small.layout(), 1.0, &mut rng);
    let features = small.layout().features(&x);
    let columns = Mat::from_fn(2, 4, |i, c| {
        let k = full.labels()[c];
        features[(i, k)] / [3.0_f64, 1.0][k].sqrt()
    });
    let factors = [small.layout().factors()[0].view(&x), columns.as_ref()];
    let y = full.layout().pack(&factors, Some(&[0.0, 0.0])).expect("same shapes");
    let (a, b) = (observe(&small, &x), observe(&full, &y));
    assert!(relative_distance(&a.means, &b.means) < 1e-15);
    assert!(relative_distance(&a.classifier, &b.classifier) == 0.0 && b.within < 1e-15);
}

#[test]
fn dense_metrics_of_a_worked_configuration() {
    // Means (1,0), (-1,0), within-class deviations of +-0.5 along the second axis: invisible to NC1. And along the first.
    let labels = [0, 0, 1, 1];
    let w = from_rows(&[vec![1.0, 0.0], vec![-1.0, 0.0]]).expect("rectangular");
    let blind = from_rows(&[vec![1.0, 1.0, -1.0, -1.0], vec![0.5, -0.5, 0.5, -0.5]]).expect("rectangular");
    let m = dense_metrics(blind.as_ref(), &labels, w.as_ref(), &[0.0, 0.0]).expect("finite");
    assert!(m.nc1.abs() < 1e-15 && m.nc4 == 0.0);
    // Sigma_W = 0.25 e1 e1', Sigma_B = e1 e1': NC1 = 0.25 / 2.
    let seen = from_rows(&[vec![1.5, 0.5, -1.5, -0.5], vec![0.0; 4]]).expect("rectangular");
    let m = dense_metrics(seen.as_ref(), &labels, w.as_ref(), &[0.0, 0.0]).expect("finite");
    assert!((m.nc1 - 0.125).abs() < 1e-15 && m.nc4 == 0.0);
    // A bias of 10 sends everything to class 0: the two samples of class 1 disagree.
    let m = dense_metrics(seen.as_ref(), &labels, w.as_ref(), &[10.0, 0.0]).expect("finite");
    assert_eq!(m.nc4, 0.5);
    let gram = transpose_matmul(m.means.as_ref(), m.means.as_ref());
    let etf = from_rows(&[vec![1.0, -1.0], vec![-1.0, 1.0]]).expect("rectangular");
    assert!(shape_distance(&gram, &etf) < 1e-15);
}

/// Central differences of the value, at a step where the error is near 1e-9.
#[test]
fn gradient_of_the_network() {
    let mut rng = ChaCha12Rng::seed_from_u64(7);
    let inputs = Mat::from_fn(3, 5, |i, j| ((i * 5 + j) as f64 * 1.7).sin());
    for (loss, bias) in [(ClassLoss::Squared, true), (ClassLoss::CrossEntropy, false)] {
        let options = NetworkOptions {
            hidden: 4,
            widths: vec![3, 2, 4],
            loss,
            bias,
            lambda_w: 0.1,
            lambda_h: 0.2,
            lambda_backbone: 0.05,
        };
        let network = Network::new(inputs.as_ref(), &[0, 1, 2, 0, 1], options).expect("valid");
        let mut x = network.start(1.0, &mut rng);
        let (mut work, mut gradient) = (network.work(), vec![0.0; x.len()]);
        network.value_and_gradient(&x, &mut gradient, &mut work);
        for i in 0..x.len() {
            let (h, old) = (1e-5, x[i]);
            x[i] = old + h;
            let up = network.value(&x, &mut work);
            x[i] = old - h;
            let down = network.value(&x, &mut work);
            x[i] = old;
            assert!(((up - down) / (2.0 * h) - gradient[i]).abs() < 1e-8, "entry {i}");
        }
    }
}

/// Reference minima, 12 digits or more: class sizes, widths and weights from the top layer down, features, free bias, value.
type Row = (&'static [usize], &'static [usize], &'static [f64], f64, bool, f64);

const MINIMA: [Row; 8] = [
    (&[5, 5, 5], &[4], &[0.01], 0.001, false, 0.0209882034355964),
    (&[5, 5, 5], &[4], &[0.01], 0.001, true, 0.0139921356237310),
    (&[8, 5, 3, 1], &[6], &[0.01], 0.002, true, 0.0242095241350252),
    (&[8, 5, 3, 1], &[2], &[0.01], 0.002, false, 0.139956169464203),
    (&[8, 5, 3, 1], &[6, 5], &[0.005, 0.01], 0.002, false, 0.0423170051183683),
    (&[8, 5, 3, 1], &[6, 5], &[0.005, 0.01], 0.002, true, 0.0306353252471684),
    (&[8, 5, 5, 1], &[5, 3, 6], &[0.005, 0.01, 0.003], 0.002, false, 0.0650000274074044),
    (&[6, 6, 6, 6], &[5, 2], &[0.005, 0.01], 0.002, true, 0.150015141429731),
];

fn stated((counts, widths, lambda_w, lambda_h, free, _): Row) -> FreeFeatures {
    let bias = if free { Bias::Free } else { Bias::None };
    let classes = ClassCounts::new(counts.to_vec()).expect("valid");
    FreeFeatures::new(classes, widths.to_vec(), lambda_w.to_vec(), lambda_h, bias).expect("valid")
}

#[test]
fn training_reaches_the_reference_minima() {
    for row in MINIMA {
        let (problem, (counts, widths, .., value)) = (stated(row), row);
        let objective = FreeFeaturesLoss::new(&problem, ClassLoss::Squared).expect("small");
        let ends = train_all(&objective, &Training::new(12, 1)).expect("trains");
        let best = ends.iter().map(|e| e.value).fold(f64::INFINITY, f64::min);
        // The table is rounded to 15 decimals; a gradient of 1e-11 leaves a gap of 1e-22 / curvature.
        assert!((best - value).abs() < 2e-15, "{counts:?} {widths:?}: {best} {value}");
    }
}

/// Problems of every kind of bias and of unequal classes, widths below and above K, and a point for the layers of each.
fn projected_cases() -> Vec<(ProjectedFeatures, Vec<f64>)> {
    let mut rng = ChaCha12Rng::seed_from_u64(11);
    let mut cases = Vec::new();
    for counts in [&[1][..], &[4, 4], &[9, 1, 3], &[50, 1, 1, 7, 20]] {
        for widths in [&[1][..], &[6], &[3, 8], &[7, 2, 5]] {
            for bias in [Bias::None, Bias::Free, Bias::Regularised(0.3)] {
                let lambda_w: Vec<f64> = (0..widths.len()).map(|m| 0.01 * (1 + m) as f64).collect();
                let problem = loss(counts, widths, &lambda_w, bias).problem().clone();
                let projected = ProjectedFeatures::new(&problem).expect("small");
                let x = gaussian_start(projected.whole().layout(), 1.0, &mut rng);
                let layers = projected.dimension();
                cases.push((projected, x[..layers].to_vec()));
            }
        }
    }
    cases
}

#[test]
fn projected_features_are_the_best_ones() {
    for (projected, x) in projected_cases() {
        let whole = projected.whole();
        let mut gradient = vec![0.0; x.len()];
        let value = projected.value_and_gradient(&x, &mut gradient, &mut projected.work());
        assert_eq!(value, projected.value(&x, &mut projected.work()));
        let all = projected.complete(&x).expect("positive definite");
        let mut full = vec![0.0; all.len()];
        let same = whole.value_and_gradient(&all, &mut full, &mut whole.work());
        // Condition of P P' + N lambda_H I, whose inverse enters three times.
        let p = whole.layout().classifier(&x);
        let shift = whole.problem().lambda_h() * whole.problem().classes().total() as f64;
        let rounding = 1e3 * f64::EPSILON * (1.0 + frobenius_norm(p.as_ref()).powi(2) / shift);
        assert!((value - same).abs() <= rounding * value, "{value} {same}");
        let scale = gradient.iter().chain(&x).fold(value, |m, g| m.max(g.abs()));
        // The loss is convex in features and bias: a vanishing gradient there is a minimum.
        for (i, g) in full.iter().enumerate() {
            let expected = gradient.get(i).copied().unwrap_or(0.0);
            assert!((g - expected).abs() <= rounding * scale, "entry {i} of {}: {g} {expected}", all.len());
        }
    }
}

#[test]
fn training_the_layers_alone_ends_where_training_everything_does() {
    for row in MINIMA {
        let (problem, (counts, widths, .., value)) = (stated(row), row);
        let projected = ProjectedFeatures::new(&problem).expect("small");
        let ends = train_projected(&projected, &Training::new(12, 1)).expect("trains");
        let best = ends.iter().map(|e| e.value).fold(f64::INFINITY, f64::min);
        assert!((best - value).abs() < 2e-15, "{counts:?} {widths:?}: {best} {value}");
        for end in &ends {
            let all = projected.complete(&end.x).expect("positive definite");
            let mut gradient = vec![0.0; all.len()];
            projected.whole().gradient(&all, &mut gradient, &mut projected.whole().work());
            assert!(solvable_linalg::dot(&gradient, &gradient).sqrt() < 1e-10, "{counts:?} {widths:?}");
        }
    }
}

#[test]
fn layers_that_are_not_finite_have_no_best_features() {
    let (projected, mut x) = projected_cases().pop().expect("cases");
    x[0] = f64::INFINITY;
    assert!(projected.complete(&x).is_err());
    assert!(projected.value(&x, &mut projected.work()).is_nan());
}
