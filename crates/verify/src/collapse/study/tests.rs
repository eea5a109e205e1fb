use std::fs;
use std::path::{Path, PathBuf};

use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::Mat;
use solvable_model::collapse::{
    Bias, ClassCounts, ClassLoss, FrameTargets, FreeFeatures, FreeFeaturesLoss, collapse_metrics,
};
use solvable_theory::collapse::squared_minimizer;

use super::*;

/// A directory of its own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("solvable-collapse-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a temporary file");
        path
    }

    fn rows(&self, name: &str, rows: usize, columns: usize, at: impl Fn(usize, usize) -> f64) -> PathBuf {
        let line = |i: usize| (0..columns).map(|j| format!("{:e}", at(i, j))).collect::<Vec<_>>().join(",");
        self.file(name, &(0..rows).map(|i| line(i) + "\n").collect::<String>())
    }

    fn labels(&self, labels: &[usize]) -> PathBuf {
        self.rows("labels.csv", labels.len(), 1, |i, _| labels[i] as f64)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options(features: &Path, labels: &Path) -> StudyOptions {
    StudyOptions {
        features: features.to_owned(),
        labels: labels.to_owned(),
        classifier: None,
        bias: None,
        loss: TrainedLoss::Squared,
        weight_decay: Vec::new(),
        feature_decay: None,
    }
}

/// The exact minimiser of a problem as a user's network: everything predicted must be met, and the feature decay found
/// from the balance of the layers.
#[test]
fn the_exact_minimiser_is_recognised() {
    for (bias, depth) in [(Bias::None, 1), (Bias::None, 3), (Bias::Free, 2)] {
        let scratch = Scratch::new(&format!("exact-{depth}-{}", bias.is_trained()));
        let counts = [15, 8, 4, 2];
        let classes = ClassCounts::new(counts.to_vec()).expect("valid");
        let decay = [0.004, 0.008, 0.002];
        let problem =
            FreeFeatures::new(classes, vec![6; depth], decay[..depth].to_vec(), 0.003, bias).expect("valid");
        let objective = FreeFeaturesLoss::new(&problem, ClassLoss::Squared).expect("small");
        let x = squared_minimizer(&objective).expect("solvable");
        let (h, w) = (objective.layout().features(&x), objective.layout().classifier(&x));
        let features = scratch.rows("features.csv", h.ncols(), h.nrows(), |i, j| h[(j, i)]);
        let labels = scratch.labels(objective.labels());
        let mut o = options(&features, &labels);
        o.classifier = Some(scratch.rows("w.csv", w.nrows(), w.ncols(), |i, j| w[(i, j)]));
        if let Some(b) = objective.layout().bias(&x) {
            o.bias = Some(scratch.rows("b.csv", 4, 1, |i, _| b[i]));
        }
        o.weight_decay = decay[..depth].to_vec();
        let s = study(&o).expect("a study");
        // Parameters are exact to a few roundings, distances are square roots of squares of them.
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * (1.0 + b.abs());
        let assumed = s.assumed.as_ref().expect("a prediction");
        assert!(assumed.inferred && near(assumed.feature_decay, 0.003), "{}", assumed.feature_decay);
        assert!(s.nc1 < 1e-25 && s.nc4 == Some(0.0), "{}", s.nc1);
        assert_eq!(s.nearest_shape, ShapeName::Predicted);
        let shape = s.shapes.iter().find(|s| s.shape == ShapeName::Predicted).expect("predicted");
        assert!(shape.features < 1e-12 && shape.classifier < Some(1e-12) && shape.product < Some(1e-12));
        for c in &s.classes {
            assert!(near(c.feature_length, c.predicted_feature_length.expect("predicted")));
            assert!(near(
                c.classifier_length.expect("given"),
                c.predicted_classifier_length.expect("predicted")
            ));
            assert_eq!(c.collapsed, Some(false));
            // Angles lose half the digits near 0 and 180 degrees only.
            assert!((c.smallest_angle.expect("K > 1") - c.predicted_angle.expect("alive")).abs() < 1e-5);
        }
        assert!(s.figure().is_finite() && s.angles().is_finite());
    }
}

/// Streaming sums against the same metrics computed on the whole matrices.
#[test]
fn streamed_metrics_agree_with_those_in_memory() {
    let mut rng = ChaCha12Rng::seed_from_u64(11);
    let scratch = Scratch::new("stream");
    let (d, n, k) = (13, 60, 4);
    let labels: Vec<usize> = (0..n).map(|i| i % k).collect();
    let h = Mat::from_fn(d, n, |r, i| {
        100.0 + 3.0 * f64::from(u8::from(r == labels[i])) + rng.random::<f64>() - 0.5
    });
    let w = Mat::from_fn(k, d, |_, _| rng.random::<f64>() - 0.5);
    let b: Vec<f64> = (0..k).map(|_| rng.random::<f64>()).collect();
    let features = scratch.rows("features.csv", n, d, |i, j| h[(j, i)]);
    let mut o = options(&features, &scratch.labels(&labels));
    o.classifier = Some(scratch.rows("w.csv", k, d, |i, j| w[(i, j)]));
    o.bias = Some(scratch.rows("b.csv", 1, k, |_, j| b[j]));
    let s = study(&o).expect("a study");
    let m =
        collapse_metrics(h.as_ref(), &labels, w.as_ref(), Some(&b), &FrameTargets::default()).expect("valid");
    let near = |a: Option<f64>, b: Option<f64>| {
        let (a, b) = (a.expect("defined"), b.expect("defined"));
        // Offsets of 100 cost two digits of the differences.
        (a - b).abs() <= 1e-10 * b.abs()
    };
    assert!(near(Some(s.nc1), m.nc1) && s.nc4 == Some(m.nc4));
    let of = |name| s.shapes.iter().find(|s| s.shape == name).expect("listed");
    let (simplex, frame) = (of(ShapeName::Simplex), of(ShapeName::OrthogonalFrame));
    assert!(near(simplex.classifier, m.nc2_w_etf) && near(simplex.product, m.nc3_etf));
    assert!(near(frame.classifier, m.nc2_w_of) && near(Some(frame.features), m.nc2_h_of));
    assert!(near(frame.product, m.nc3_of));
    let within: f64 = s.classes.iter().map(|c| c.spread.powi(2) * c.count as f64).sum();
    assert!((within / n as f64 / m.within_trace - 1.0).abs() < 1e-10);
    assert!(s.assumed.is_none() && s.no_prediction.contains("--weight-decay"));
}

#[test]
fn classes_below_their_threshold_are_named() {
    let scratch = Scratch::new("threshold");
    // N = 12; M = 1: class k dies when lambda^2 >= n_k/144: with 0.1^2 * 1 = 0.01 class 1 (n = 2: 0.0139) lives,
    // with 0.02 it does not, nor would n = 2 at any depth-one decay above.
    let labels: Vec<usize> = [vec![0; 10], vec![1; 2]].concat();
    let features =
        scratch.rows("features.csv", 12, 3, |i, j| f64::from(u8::from(j == labels[i])) + 1e-3 * i as f64);
    let mut o = options(&features, &scratch.labels(&labels));
    o.feature_decay = Some(0.1);
    for (decay, collapsed) in [(0.1, false), (0.2, true)] {
        o.weight_decay = vec![decay];
        let s = study(&o).expect("a study");
        assert_eq!(s.classes[0].collapsed, Some(false));
        assert_eq!(s.classes[1].collapsed, Some(collapsed), "{:?}", s.classes[1].threshold_ratio);
    }
}

#[test]
fn bad_samples_are_refused_in_one_sentence() {
    let scratch = Scratch::new("bad");
    let good = scratch.rows("good.csv", 4, 2, |i, j| (i * 2 + j * i) as f64);
    let labels = |text: &str| scratch.file("labels.csv", text);
    for (text, words) in [
        ("0\n0\n2\n2\n", vec!["label 1", "gaps"]),
        ("0\n0\n0\n1\n", vec!["class 1", "single sample"]),
        ("0\n0\n0\n0\n", vec!["two"]),
        ("0\n0\n1.5\n1\n", vec!["row 3", "1.5"]),
        ("0\n0\n-1\n1\n", vec!["row 3", "-1"]),
        ("0\n0\n1e9\n1\n", vec!["row 3", "1000000000"]),
        ("0\n0\n1\n", vec!["good.csv", "more rows", "3"]),
        ("0\n0\n1\n1\n1\n", vec!["labels.csv", "more rows", "4"]),
        ("0,1\n0,1\n1,1\n1,0\n", vec!["2 columns"]),
    ] {
        let message = study(&options(&good, &labels(text))).expect_err(text).to_string();
        assert!(words.iter().all(|w| message.contains(w)), "{text:?}: {message}");
    }
    let good_labels = scratch.labels(&[0, 0, 1, 1]);
    let nan = scratch.file("nan.csv", "1,2\n3,nan\n1,1\n0,0\n");
    let message = study(&options(&nan, &good_labels)).expect_err("NaN").to_string();
    assert!(message.contains("row 2") && message.contains("column 2"), "{message}");
    let same = scratch.rows("same.csv", 4, 2, |i, _| (i % 2) as f64);
    let message = study(&options(&same, &good_labels)).expect_err("no spread").to_string();
    assert!(message.contains("class means agree"), "{message}");
    let huge = scratch.rows("huge.csv", 4, 2, |i, j| [1e300, -1e300, 2e300, 1e299][i] * (1.0 + j as f64));
    let message = study(&options(&huge, &good_labels)).expect_err("overflow").to_string();
    assert!(message.contains("overflow") || message.contains("range"), "{message}");
    let mut o = options(&good, &good_labels);
    o.classifier = Some(scratch.rows("w.csv", 3, 2, |_, _| 1.0));
    let message = study(&o).expect_err("shape").to_string();
    assert!(message.contains("3 x 2") && message.contains("2 x 2"), "{message}");
    o.classifier = None;
    o.weight_decay = vec![-1.0];
    let message = study(&o).expect_err("decay").to_string();
    assert!(message.contains("--weight-decay -1"), "{message}");
}
