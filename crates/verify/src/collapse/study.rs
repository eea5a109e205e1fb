//! `solvable study collapse`: the last layer of a user's own network against the exact geometry for its class counts.
//!
//! The features are read twice, in bounded memory: NC1 to NC4 as defined in NC-19, distances of the measured Gram matrices
//! to each candidate geometry, lengths and angles class by class. With the weight decay of training, the minimum of
//! the free-features problem for *these* class counts is the prediction.
mod error;
mod shapes;
mod stream;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Serialize;
use solvable_linalg::{Mat, matmul, svd, transpose_matmul};

pub use error::SampleError;
pub use shapes::{ShapeDistance, ShapeName};

use shapes::{Measured, Prediction, distances, predict};
use stream::{ClassMeans, Classifier, Samples, Spread};

use crate::figure::{Axis, Colour, Figure, Panel};
use crate::input::Table;
use crate::provenance::Provenance;
use crate::study::StudyError;

/// Eigenvalues of the between-class covariance below this multiple of the largest count as 0 in NC1.
const PSEUDO_INVERSE_CUTOFF: f64 = 1e-10;

/// The loss that the network was trained with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainedLoss {
    /// Squared distance of the logits to the one-hot label.
    Squared,
    /// Cross-entropy.
    CrossEntropy,
}

/// What to study.
#[derive(Clone, Debug)]
pub struct StudyOptions {
    /// Features of the last layer, one row a sample.
    pub features: PathBuf,
    /// Class numbers from 0, one row a sample.
    pub labels: PathBuf,
    /// End-to-end classifier, one row a class.
    pub classifier: Option<PathBuf>,
    /// Bias of the classifier, one number a class.
    pub bias: Option<PathBuf>,
    /// Loss of training.
    pub loss: TrainedLoss,
    /// Weight decay of each linear layer, from the logits down to the features; empty when unknown.
    pub weight_decay: Vec<f64>,
    /// Decay of the features; when absent it is inferred from the layer balance of NC-09.
    pub feature_decay: Option<f64>,
}

/// One class, measured and predicted.
#[derive(Clone, Debug, Serialize)]
pub struct ClassRow {
    /// Its number.
    pub class: usize,
    /// Its samples.
    pub count: u64,
    /// Length of its mean feature.
    pub feature_length: f64,
    /// Predicted length.
    pub predicted_feature_length: Option<f64>,
    /// Root mean squared distance of its samples from their mean.
    pub spread: f64,
    /// Length of its classifier row.
    pub classifier_length: Option<f64>,
    /// Predicted length.
    pub predicted_classifier_length: Option<f64>,
    /// Smallest angle between its mean and another class's, in degrees.
    pub smallest_angle: Option<f64>,
    /// The class at that angle.
    pub nearest_class: Option<usize>,
    /// Predicted angle to that class, in degrees.
    pub predicted_angle: Option<f64>,
    /// Product of all regularisations over its critical value: from 1 on, the class (of several of its size, with a
    /// bias) cannot be told apart at the minimum.
    pub threshold_ratio: Option<f64>,
    /// Whether that is so.
    pub collapsed: Option<bool>,
}

/// What the prediction assumed.
#[derive(Clone, Debug, Serialize)]
pub struct Assumed {
    /// Weight decay of each layer, from the logits down.
    pub weight_decay: Vec<f64>,
    /// Decay of the features.
    pub feature_decay: f64,
    /// Whether that was inferred from the classifier's and the features' norms.
    pub inferred: bool,
    /// Which geometry: the claim it comes from.
    pub claim: &'static str,
    /// The predicted bias, where there is one.
    pub bias: Vec<f64>,
}

/// The result of a study.
#[derive(Clone, Debug, Serialize)]
pub struct Study {
    /// Version, commit, instruction set.
    pub provenance: Provenance,
    /// The features file.
    pub features: PathBuf,
    /// Samples.
    pub samples: u64,
    /// Dimension of the features.
    pub dimension: usize,
    /// `tr(Sigma_W Sigma_B^+)/K`.
    pub nc1: f64,
    /// Rank of the between-class covariance, at a cut-off of 1e-10.
    pub between_rank: usize,
    /// Fraction of samples whose classifier and nearest class mean differ.
    pub nc4: Option<f64>,
    /// Fraction of samples that the classifier gives another label.
    pub classifier_error: Option<f64>,
    /// Fraction of samples nearest to another class's mean.
    pub nearest_mean_error: f64,
    /// Distances to the candidate geometries (NC2 and NC3).
    pub shapes: Vec<ShapeDistance>,
    /// The candidate nearest to the class means.
    pub nearest_shape: ShapeName,
    /// What the prediction assumed, where one was possible.
    pub assumed: Option<Assumed>,
    /// Why there is no prediction, or empty.
    pub no_prediction: String,
    /// Remarks on the prediction.
    pub notes: Vec<String>,
    /// One row a class.
    pub classes: Vec<ClassRow>,
    /// Cosines between class means, measured.
    pub cosines: Vec<Vec<f64>>,
    /// Cosines between class means, predicted; 0 for collapsed classes.
    pub predicted_cosines: Option<Vec<Vec<f64>>>,
    /// Cosines between class means less the mean of all samples.
    pub centred_cosines: Vec<Vec<f64>>,
}

/// Runs a study. Reads the features twice; holds `O(K d + K²)` numbers.
///
/// # Errors
/// [`StudyError`] naming the file, row, column, label, option or condition.
pub fn study(options: &StudyOptions) -> Result<Study, StudyError> {
    check_options(options)?;
    let samples = Samples { features: &options.features, labels: &options.labels };
    let mut means = ClassMeans::new();
    let count = samples.for_each(|label, row| {
        means.add(label, row);
        Ok(())
    })?;
    let means = means.checked()?;
    let (classes, d) = (means.classes(), means.dimension);
    let head = Head::read(options, classes, d)?;

    let global = means.global_mean();
    let raw = Mat::from_fn(d, classes, |i, k| means.mean(k)[i]);
    let centred = Mat::from_fn(d, classes, |i, k| means.mean(k)[i] - global[i]);
    let thin = svd(centred.as_ref()).map_err(StudyError::refused)?;
    // Beyond rounding of the means themselves there must be something between the classes.
    let size = solvable_linalg::max_abs(raw.as_ref());
    if thin.s[0] <= 8.0 * f64::EPSILON * size * (classes as f64).sqrt() {
        return Err(SampleError::NoSpread.into());
    }
    let kept: Vec<usize> =
        (0..thin.s.len()).filter(|&j| (thin.s[j] / thin.s[0]).powi(2) > PSEUDO_INVERSE_CUTOFF).collect();
    let directions: Vec<f64> =
        kept.iter().flat_map(|&j| (0..d).map(move |i| (i, j))).map(|at| thin.u[at]).collect();

    let mut spread = Spread::new(classes, d, kept.len());
    let weights: Vec<f64> =
        head.classifier.as_ref().map(|w| solvable_linalg::to_rows(w.as_ref()).concat()).unwrap_or_default();
    let classifier = head.classifier.is_some().then_some(Classifier { weights: &weights, bias: &head.bias });
    samples.for_each(|label, row| {
        spread.add(label, row, &means, &directions, classifier.as_ref());
        Ok(())
    })?;
    let n = count as f64;
    if spread.by_class.iter().any(|v| !v.is_finite()) {
        return Err(SampleError::Overflow { what: "squared deviations" }.into());
    }
    let nc1 = kept.iter().zip(&spread.along).map(|(&j, sum)| sum / (n * thin.s[j] * thin.s[j])).sum();

    let measured = Measured::new(raw, centred, head.classifier)?;
    let squared_norm = measured.squared_feature_norm(&means.counts) + spread.by_class.iter().sum::<f64>();
    let (prediction, no_prediction) = match predict(options, &means.counts, &measured, squared_norm) {
        Ok(prediction) => (Some(prediction), String::new()),
        Err(reason) => (None, reason),
    };
    let shapes = distances(&measured, &means.counts, prediction.as_ref())?;
    let nearest_shape = shapes
        .iter()
        .min_by(|a, b| a.features.total_cmp(&b.features))
        .map_or(ShapeName::Simplex, |s| s.shape);
    let rows = class_rows(&means.counts, &spread, &measured, prediction.as_ref());
    let fraction = |part: u64| part as f64 / n;
    Ok(Study {
        provenance: Provenance::current(),
        features: options.features.clone(),
        samples: count,
        dimension: d,
        nc1,
        between_rank: kept.len(),
        nc4: classifier.as_ref().map(|_| fraction(spread.disagree)),
        classifier_error: classifier.as_ref().map(|_| fraction(spread.classifier_wrong)),
        nearest_mean_error: fraction(spread.nearest_wrong),
        shapes,
        nearest_shape,
        assumed: prediction.as_ref().map(|p| p.assumed.clone()),
        no_prediction,
        notes: prediction.as_ref().map(|p| p.notes.clone()).unwrap_or_default(),
        classes: rows,
        cosines: cosines(&measured.feature_gram),
        predicted_cosines: prediction.as_ref().map(|p| cosines(&p.features)),
        centred_cosines: cosines(&measured.centred_gram),
    })
}

fn check_options(options: &StudyOptions) -> Result<(), StudyError> {
    for (option, values) in [
        ("weight-decay", options.weight_decay.as_slice()),
        ("feature-decay", options.feature_decay.as_slice()),
    ] {
        if let Some(&value) = values.iter().find(|v| !(v.is_finite() && **v > 0.0)) {
            return Err(StudyError::Option { option, value, condition: "finite and greater than 0" });
        }
    }
    Ok(())
}

/// The user's classifier and bias.
struct Head {
    classifier: Option<Mat<f64>>,
    bias: Vec<f64>,
}

impl Head {
    fn read(options: &StudyOptions, classes: usize, d: usize) -> Result<Self, StudyError> {
        let classifier = options.classifier.as_deref().map(|path| matrix(path, (classes, d))).transpose()?;
        let bias = match &options.bias {
            None => vec![0.0; classes],
            Some(path) => {
                let table = Table::read(path)?.values;
                let found = (table.nrows(), table.ncols());
                if found == (classes, 1) {
                    (0..classes).map(|k| table[(k, 0)]).collect()
                } else if found == (1, classes) {
                    (0..classes).map(|k| table[(0, k)]).collect()
                } else {
                    let reason = "the bias has one number a class";
                    return Err(StudyError::Mismatch {
                        path: path.clone(),
                        found,
                        expected: (classes, 1),
                        reason,
                    });
                }
            }
        };
        Ok(Self { classifier, bias })
    }
}

fn matrix(path: &Path, expected: (usize, usize)) -> Result<Mat<f64>, StudyError> {
    let table = Table::read(path)?.values;
    let found = (table.nrows(), table.ncols());
    if found == expected {
        return Ok(table);
    }
    let reason = "the classifier has one row a class and one column a feature";
    Err(StudyError::Mismatch { path: path.to_owned(), found, expected, reason })
}

/// Cosines from a Gram matrix; 0 where a vector is 0.
fn cosines(gram: &Mat<f64>) -> Vec<Vec<f64>> {
    (0..gram.nrows())
        .map(|k| {
            (0..gram.ncols())
                .map(|l| {
                    let lengths = (gram[(k, k)].max(0.0) * gram[(l, l)].max(0.0)).sqrt();
                    if lengths > 0.0 { (gram[(k, l)] / lengths).clamp(-1.0, 1.0) } else { 0.0 }
                })
                .collect()
        })
        .collect()
}

fn class_rows(
    counts: &[u64],
    spread: &Spread,
    measured: &Measured,
    prediction: Option<&Prediction>,
) -> Vec<ClassRow> {
    // Angles are compared in the frame that the prediction lives in.
    let centred = prediction.is_some_and(|p| p.centred);
    let gram = if centred { &measured.centred_gram } else { &measured.feature_gram };
    let seen = cosines(gram);
    let expected = prediction.map(|p| cosines(&p.features));
    let length = |gram: &Mat<f64>, k: usize| gram[(k, k)].max(0.0).sqrt();
    counts
        .iter()
        .enumerate()
        .map(|(k, &count)| {
            let nearest = (0..counts.len())
                .filter(|&l| l != k && gram[(l, l)] > 0.0 && gram[(k, k)] > 0.0)
                .max_by(|&a, &b| seen[k][a].total_cmp(&seen[k][b]));
            let degrees = |c: f64| c.acos().to_degrees();
            ClassRow {
                class: k,
                count,
                feature_length: length(gram, k),
                predicted_feature_length: prediction.map(|p| length(&p.features, k)),
                spread: (spread.by_class[k] / count as f64).sqrt(),
                classifier_length: measured.classifier_gram.as_ref().map(|g| length(g, k)),
                predicted_classifier_length: prediction.map(|p| length(&p.classifiers, k)),
                smallest_angle: nearest.map(|l| degrees(seen[k][l])),
                nearest_class: nearest,
                predicted_angle: nearest.and_then(|l| {
                    let p = prediction?;
                    let defined = p.features[(k, k)] > 0.0 && p.features[(l, l)] > 0.0;
                    defined.then(|| degrees(expected.as_ref().map_or(0.0, |e| e[k][l])))
                }),
                threshold_ratio: prediction.map(|p| p.threshold_ratios[k]),
                collapsed: prediction.map(|p| p.threshold_ratios[k] >= 1.0),
            }
        })
        .collect()
}

impl Study {
    /// Lengths of class means and classifier rows, measured and predicted, by class.
    #[must_use]
    pub fn figure(&self) -> Figure {
        let points = |f: fn(&ClassRow) -> Option<f64>| {
            self.classes.iter().filter_map(move |r| Some((r.class as f64, f(r)?)))
        };
        let panel = |title: &str,
                     seen: fn(&ClassRow) -> Option<f64>,
                     expected: fn(&ClassRow) -> Option<f64>| {
            let mut panel =
                Panel::new(Axis::linear("class").whole(), Axis::linear("length").include(0.0)).title(title);
            if self.assumed.is_some() {
                panel = panel.line("predicted", Colour::Blue, points(expected));
            }
            panel.points("measured", Colour::Orange, points(seen).map(|(x, y)| (x, y, 0.0)))
        };
        let mut figure = Figure::new(format!(
            "{}: {} samples, d = {}, {} classes",
            self.features.display(),
            self.samples,
            self.dimension,
            self.classes.len()
        ))
        .panel(panel("Class means", |r| Some(r.feature_length), |r| r.predicted_feature_length));
        if self.classes.iter().any(|r| r.classifier_length.is_some()) {
            figure = figure.panel(panel(
                "Classifier rows",
                |r| r.classifier_length,
                |r| r.predicted_classifier_length,
            ));
        }
        figure
    }

    /// The angles between class means as heat maps, measured beside predicted; of many classes, the first 128.
    #[must_use]
    pub fn angles(&self) -> Figure {
        const MOST: usize = 128;
        let mut maps = vec![
            ("measured".to_owned(), &self.cosines),
            ("measured, centred".to_owned(), &self.centred_cosines),
        ];
        if let (Some(predicted), Some(assumed)) = (&self.predicted_cosines, &self.assumed) {
            maps.push((format!("predicted ({})", assumed.claim), predicted));
        }
        let classes = self.classes.len();
        let shown = if classes > MOST { format!(", the first {MOST} drawn") } else { String::new() };
        let mut figure = Figure::new(format!("{}: {classes} classes{shown}", self.features.display()))
            .columns(maps.len())
            .size(330.0 * maps.len() as f64, 358.0);
        for (title, cosines) in maps {
            let rows: Vec<Vec<f64>> =
                cosines.iter().take(MOST).map(|row| row.iter().take(MOST).copied().collect()).collect();
            let map = Panel::heat_map("class", "cosine, from \u{2212}1 to 1", 1.0, &rows);
            figure = figure.panel(map.title(title));
        }
        figure
    }
}

/// `A A'`.
fn outer_gram(a: &Mat<f64>) -> Mat<f64> {
    matmul(a.as_ref(), a.transpose())
}

/// `A' A`.
fn gram(a: &Mat<f64>) -> Mat<f64> {
    transpose_matmul(a.as_ref(), a.as_ref())
}
