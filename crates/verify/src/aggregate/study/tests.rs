//! The study on the shipped table and on small tables made here.
use std::path::{Path, PathBuf};

use solvable_model::aggregate::{AggregateData, BagDesign};
use solvable_theory::aggregate::estimate;

use super::*;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data").join(name)
}

fn diabetes(bag_size: usize) -> StudyOptions {
    StudyOptions {
        features: data("diabetes.csv"),
        response: data("diabetes_response.csv"),
        bag_size: Some(bag_size),
        bags: None,
        test_fraction: 0.25,
        treatment: Centring::Standardised,
        rhos: vec![0.0, 0.5, 1.0],
        lambdas: Vec::new(),
        clip: None,
        epsilon: None,
        label_center: 0.0,
        repeats: 4,
        seed: 1,
    }
}

struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("solvable-study-{}-{name}.csv", std::process::id()));
        std::fs::write(&path, text).expect("temporary directory");
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn the_shipped_table_is_predicted_from_its_bags() {
    let s = study(&diabetes(4)).expect("valid");
    assert_eq!((s.samples, s.dimension, s.training % 4, s.bags * 4), (442, 10, 0, s.training));
    assert_eq!(s.grid.len(), 3 * 14);
    // Chosen has the least score of the first split; predictions exist everywhere, measurements too.
    assert!(s.grid.iter().all(|r| r.predicted.is_finite() && r.measured.is_some()));
    // Measured errors have a standard error of 2 to 4 percent; the model is linear and the rows are not Gaussian.
    let typical = s.typical_discrepancy.expect("measured");
    assert!(typical < 0.1, "{typical}");
    // The bag-level ridge beats instance level here, and both beat the average: signal-to-noise is 1 > snr_c at gamma = .03.
    let error = |rho: f64| s.by_rho.iter().find(|r| r.tuned.rho == rho).map(|r| r.tuned);
    let (instance, bag) = (error(0.0).expect("in the grid"), error(1.0).expect("in the grid"));
    assert!(bag.measured < instance.measured && bag.predicted < instance.predicted);
    assert!(instance.measured < s.baseline);
    for row in &s.by_rho {
        // Equivalent against simulation on Gaussian tables: finite-size offsets of order 1/d are below 3%.
        assert!(row.simulated.expect("small table").abs() < 0.03, "{row:?}");
    }
    assert_eq!(s.best_size, 1);
    assert_eq!(s.coefficients.len(), 10);
    let again = study(&diabetes(4)).expect("valid");
    assert_eq!(serde_json::to_string(&s).expect("json"), serde_json::to_string(&again).expect("json"));
    assert!(s.figure().is_finite());
}

#[test]
fn privacy_moves_the_best_bag_away_from_one_only_at_instance_level_without_ridge() {
    let options = StudyOptions { clip: Some(150.0), epsilon: Some(0.5), label_center: 150.0, ..diabetes(6) };
    let s = study(&options).expect("valid");
    let p = s.privacy.expect("asked for");
    assert_eq!(p.kappa, 8.0 * 300.0 * 300.0);
    assert!(p.clipped < 0.2);
    // AGG-10(c): with the optimal ridge, k = 1 at any privacy level (isotropic); ridgeless instance level wants larger bags.
    assert!(s.isotropic_size > 2.0, "{}", s.isotropic_size);
    assert!(study(&StudyOptions { epsilon: Some(1.0), ..diabetes(4) }).is_err());
    assert!(study(&StudyOptions { clip: Some(-1.0), ..diabetes(4) }).is_err());
}

/// Bag averages instead of labels, unequal bags, more features than rows: the coefficients are those of the estimator.
#[test]
fn coefficients_are_the_estimators() {
    let (rows, columns) = (9, 13);
    let entry = |i: usize, j: usize| ((i * 31 + j * 17 + i * j * 7) % 23) as f64 / 11.5 - 1.0;
    let table: String = (0..rows)
        .map(|i| (0..columns).map(|j| entry(i, j).to_string()).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    let features = Temporary::new("features", &table);
    let bags = Temporary::new("bags", "bag\n1\n1\n2\n2\n2\n3\n4\n4\n1\n");
    let response = Temporary::new("means", "0.5\n-1\n2\n0.25\n");
    let options = StudyOptions {
        features: features.0.clone(),
        response: response.0.clone(),
        bag_size: None,
        bags: Some(bags.0.clone()),
        treatment: Centring::Raw,
        rhos: vec![0.3],
        lambdas: vec![0.05],
        ..diabetes(1)
    };
    let s = study(&options).expect("valid");
    assert_eq!((s.held_out, s.bags, s.sizes, s.baseline), (0, 4, (1, 3), None));
    let x = Mat::from_fn(rows, columns, entry);
    let design = BagDesign::from_labels(&[1, 1, 2, 2, 2, 3, 4, 4, 1]).expect("partition");
    let direct = AggregateData::from_means(x, vec![0.5, -1.0, 2.0, 0.25], design).expect("valid");
    let theta = estimate(&direct, Mixing::new(0.3).expect("in range"), 0.05).expect("valid").theta;
    for (found, expected) in s.coefficients.iter().zip(&theta) {
        // Gram matrix of condition below 1e3.
        assert!((found - expected).abs() < 1e-11, "{found} {expected}");
    }
}

#[test]
fn wrong_requests_are_refused_by_name() {
    let refused = |options: StudyOptions| study(&options).expect_err("refused").to_string();
    assert!(refused(StudyOptions { bag_size: None, ..diabetes(4) }).contains("--bag-size"));
    assert!(refused(diabetes(0)).contains("--bag-size 0"));
    for size in [300, 443, usize::MAX] {
        assert!(refused(diabetes(size)).contains("at least 2 bags"));
    }
    assert!(refused(StudyOptions { rhos: vec![1.5], ..diabetes(4) }).contains("--rho 1.5"));
    assert!(refused(StudyOptions { lambdas: vec![-1.0], ..diabetes(4) }).contains("--lambda -1"));
    assert!(refused(StudyOptions { test_fraction: 1.0, ..diabetes(4) }).contains("--test-fraction 1"));
    assert!(refused(StudyOptions { response: data("diabetes.csv"), ..diabetes(4) }).contains("442 x 10"));
    let short = Temporary::new("short", "1\n2\n");
    let message = refused(StudyOptions { bag_size: None, bags: Some(short.0.clone()), ..diabetes(4) });
    assert!(message.contains("row 3 of the features is in 0 bags"), "{message}");
}
