//! Candidate geometries: what the Gram matrices of class means and classifiers are compared with.
use serde::Serialize;
use solvable_linalg::{Mat, frobenius_norm, matmul, svd};
use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};
use solvable_theory::collapse::{
    LARGEST_GROUPS, Status, class_grams, critical_products, entropy_program_minimum,
};

use super::error::SampleError;
use super::{Assumed, StudyOptions, TrainedLoss, gram, outer_gram};

/// A candidate geometry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShapeName {
    /// `I - J/K`, with centred means: simplex equiangular tight frame.
    Simplex,
    /// `I`: orthogonal frame.
    OrthogonalFrame,
    /// The minimum of the free-features problem for these class counts, loss, bias and decay.
    Predicted,
}

impl ShapeName {
    /// As printed.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Simplex => "simplex (ETF)",
            Self::OrthogonalFrame => "orthogonal frame",
            Self::Predicted => "predicted for these counts",
        }
    }
}

/// Distances `| A/|A| - T/|T| |` to one candidate: NC2 and NC3 of NC-19.
#[derive(Clone, Debug, Serialize)]
pub struct ShapeDistance {
    /// The candidate.
    pub shape: ShapeName,
    /// Of the Gram matrix of class means (NC2).
    pub features: f64,
    /// Of the Gram matrix of classifier rows (NC2).
    pub classifier: Option<f64>,
    /// Of the classifier times the class means (NC3).
    pub product: Option<f64>,
}

/// What was measured, as Gram matrices of the classes.
pub(super) struct Measured {
    pub(super) feature_gram: Mat<f64>,
    pub(super) centred_gram: Mat<f64>,
    pub(super) classifier_gram: Option<Mat<f64>>,
    product: Option<Mat<f64>>,
    centred_product: Option<Mat<f64>>,
    classifier_singular_values: Vec<f64>,
}

impl Measured {
    pub(super) fn new(
        raw: Mat<f64>,
        centred: Mat<f64>,
        classifier: Option<Mat<f64>>,
    ) -> Result<Self, crate::study::StudyError> {
        let singular = match &classifier {
            Some(w) if frobenius_norm(w.as_ref()) == 0.0 => {
                return Err(SampleError::Zero { what: "the classifier" }.into());
            }
            Some(w) => svd(w.as_ref()).map_err(crate::study::StudyError::refused)?.s,
            None => Vec::new(),
        };
        Ok(Self {
            feature_gram: gram(&raw),
            centred_gram: gram(&centred),
            classifier_gram: classifier.as_ref().map(outer_gram),
            product: classifier.as_ref().map(|w| matmul(w.as_ref(), raw.as_ref())),
            centred_product: classifier.as_ref().map(|w| matmul(w.as_ref(), centred.as_ref())),
            classifier_singular_values: singular,
        })
    }

    /// `Σ n_k |h_k|²`: the squared norm of the class part of the features.
    pub(super) fn squared_feature_norm(&self, counts: &[u64]) -> f64 {
        counts.iter().enumerate().map(|(k, &n)| n as f64 * self.feature_gram[(k, k)]).sum()
    }
}

/// The minimum for the user's class counts.
pub(super) struct Prediction {
    pub(super) assumed: Assumed,
    pub(super) features: Mat<f64>,
    pub(super) classifiers: Mat<f64>,
    pub(super) logits: Mat<f64>,
    /// Whether the class means sum to 0 at the minimum, so that measured means are centred before they are compared.
    pub(super) centred: bool,
    pub(super) threshold_ratios: Vec<f64>,
    pub(super) notes: Vec<String>,
}

/// The prediction, or the reason why there is none.
pub(super) fn predict(
    options: &StudyOptions,
    counts: &[u64],
    measured: &Measured,
    squared_norm: f64,
) -> Result<Prediction, String> {
    let weight_decay = &options.weight_decay;
    if weight_decay.is_empty() {
        return Err("lengths and thresholds need the weight decay of training (--weight-decay)".to_owned());
    }
    let depth = weight_decay.len();
    let (feature_decay, inferred) = match options.feature_decay {
        Some(decay) => (decay, false),
        None => (inferred_decay(weight_decay, measured, squared_norm)?, true),
    };
    let words = |e: &dyn std::fmt::Display| e.to_string();
    let bias = if options.bias.is_some() { Bias::Free } else { Bias::None };
    let classes = ClassCounts::new(counts.iter().map(|&n| n as usize).collect()).map_err(|e| words(&e))?;
    let ratios = threshold_ratios(&classes, weight_decay, feature_decay)?;
    // The minimum is the same for all widths of at least K.
    let widths = vec![classes.classes(); depth];
    let problem = FreeFeatures::new(classes, widths, weight_decay.clone(), feature_decay, bias)
        .map_err(|e| words(&e))?;
    let mut notes = Vec::new();
    let exact =
        options.loss == TrainedLoss::CrossEntropy && depth == 1 && solvable_program(problem.classes());
    let minimum = if exact {
        entropy(&problem, &mut notes)?
    } else {
        if options.loss == TrainedLoss::CrossEntropy {
            notes.push(
                "lengths and angles are those of the squared loss: under cross-entropy the exact minimum is known at depth one, \
                 and computed there up to 64 classes, or 1024 of at most 16 distinct sizes; thresholds are those of depth one for both \
                 losses"
                    .to_owned(),
            );
        }
        squared(&problem, bias)?
    };
    let assumed = Assumed {
        weight_decay: weight_decay.clone(),
        feature_decay,
        inferred,
        claim: minimum.claim,
        bias: minimum.bias,
    };
    Ok(Prediction {
        assumed,
        features: minimum.features,
        classifiers: minimum.classifiers,
        logits: minimum.logits,
        centred: minimum.centred,
        threshold_ratios: ratios,
        notes,
    })
}

struct Minimum {
    features: Mat<f64>,
    classifiers: Mat<f64>,
    logits: Mat<f64>,
    bias: Vec<f64>,
    centred: bool,
    claim: &'static str,
}

fn squared(problem: &FreeFeatures, bias: Bias) -> Result<Minimum, String> {
    let grams = class_grams(problem).map_err(|e| e.to_string())?;
    Ok(Minimum {
        features: grams.features,
        classifiers: grams.classifiers,
        logits: grams.logits,
        bias: grams.bias,
        centred: bias == Bias::Free,
        claim: if bias == Bias::Free { "NC-06" } else { "NC-05" },
    })
}

/// Most classes for which the convex program is solved by first-order steps: each of its thousands decomposes a K x K matrix.
const MOST_PROGRAM: usize = 64;

/// Most classes of few distinct sizes: the program is small then, and one K x K matrix is decomposed at its end.
const MOST_GROUPED: usize = 1024;

fn solvable_program(classes: &ClassCounts) -> bool {
    let mut sizes = classes.counts().to_vec();
    sizes.sort_unstable();
    sizes.dedup();
    let most = if sizes.len() <= LARGEST_GROUPS { MOST_GROUPED } else { MOST_PROGRAM };
    classes.classes() <= most
}

/// Cross-entropy at depth one: `X = U S Q'` gives `W W' = sqrt(lambda_H/lambda_W) U S U'` and the Gram matrix of the means
/// `sqrt(lambda_W/lambda_H) D^(-1/2) Q S Q' D^(-1/2)`.
fn entropy(problem: &FreeFeatures, notes: &mut Vec<String>) -> Result<Minimum, String> {
    let found = entropy_program_minimum(problem).map_err(|e| e.to_string())?;
    if found.optimality.status != Status::Global {
        notes.push(format!("the minimum is certified to {:.1e} only", found.optimality.gap));
    }
    let parts = svd(found.x.as_ref()).map_err(|e| e.to_string())?;
    let k = problem.classes().classes();
    let ratio = (problem.lambda_h() / problem.lambda_w()[0]).sqrt();
    let root = |i: usize| (problem.classes().counts()[i] as f64).sqrt();
    let gram = |u: &Mat<f64>, scale: f64| {
        Mat::from_fn(k, k, |i, j| scale * (0..k).map(|r| parts.s[r] * u[(i, r)] * u[(j, r)]).sum::<f64>())
    };
    let features = gram(&parts.v, 1.0 / ratio);
    Ok(Minimum {
        features: Mat::from_fn(k, k, |i, j| features[(i, j)] / (root(i) * root(j))),
        classifiers: gram(&parts.u, ratio),
        logits: found.logits,
        bias: if problem.bias().is_trained() { found.bias } else { Vec::new() },
        centred: false,
        claim: "NC-14",
    })
}

/// At every critical point all `lambda_i |A_i|²` agree (NC-09): the classifier's singular values w_j give the layer energies
/// `q_j = (w_j² Π lambda_m)^(1/M)`, and `lambda_H = Σ q_j / |H|²`.
fn inferred_decay(weight_decay: &[f64], measured: &Measured, squared_norm: f64) -> Result<f64, String> {
    if measured.classifier_singular_values.is_empty() {
        return Err(
            "lengths and thresholds need the decay of the features (--feature-decay), or the classifier to infer it from"
                .to_owned(),
        );
    }
    let m = weight_decay.len() as f64;
    let log_product: f64 = weight_decay.iter().map(|l| l.ln()).sum();
    let energy: f64 = measured
        .classifier_singular_values
        .iter()
        .filter(|w| **w > 0.0)
        .map(|w| ((2.0 * w.ln() + log_product) / m).exp())
        .sum();
    let decay = energy / squared_norm;
    if decay.is_finite() && decay > 0.0 {
        Ok(decay)
    } else {
        Err("the decay of the features cannot be inferred: the features have no length".to_owned())
    }
}

/// Product of all regularisations over the critical one, per class, through logarithms.
fn threshold_ratios(
    classes: &ClassCounts,
    weight_decay: &[f64],
    feature_decay: f64,
) -> Result<Vec<f64>, String> {
    let critical = critical_products(classes, weight_decay.len()).map_err(|e| e.to_string())?;
    let log_product = feature_decay.ln() + weight_decay.iter().map(|l| l.ln()).sum::<f64>();
    Ok(critical.iter().map(|c| (log_product - c.ln()).exp()).collect())
}

/// Distances to all candidates.
pub(super) fn distances(
    measured: &Measured,
    counts: &[u64],
    prediction: Option<&Prediction>,
) -> Result<Vec<ShapeDistance>, SampleError> {
    let k = counts.len();
    let simplex = Mat::from_fn(k, k, |i, j| f64::from(u8::from(i == j)) - 1.0 / k as f64);
    let identity = Mat::from_fn(k, k, |i, j| f64::from(u8::from(i == j)));
    let mut shapes = vec![
        distance(ShapeName::Simplex, measured, true, [&simplex; 3])?,
        distance(ShapeName::OrthogonalFrame, measured, false, [&identity; 3])?,
    ];
    if let Some(p) = prediction {
        // Everything dead: there is no shape to be at a distance from.
        if frobenius_norm(p.features.as_ref()) > 0.0 {
            let targets = [&p.features, &p.classifiers, &p.logits];
            shapes.push(distance(ShapeName::Predicted, measured, p.centred, targets)?);
        }
    }
    Ok(shapes)
}

fn distance(
    shape: ShapeName,
    measured: &Measured,
    centred: bool,
    [features, classifiers, product]: [&Mat<f64>; 3],
) -> Result<ShapeDistance, SampleError> {
    let (grams, products) = if centred {
        (&measured.centred_gram, &measured.centred_product)
    } else {
        (&measured.feature_gram, &measured.product)
    };
    let to = |a: &Mat<f64>, t: &Mat<f64>, what| {
        let (p, q) = (frobenius_norm(a.as_ref()), frobenius_norm(t.as_ref()));
        if p == 0.0 {
            return Err(SampleError::Zero { what });
        }
        let difference = Mat::from_fn(t.nrows(), t.ncols(), |i, j| a[(i, j)] / p - t[(i, j)] / q);
        Ok(frobenius_norm(difference.as_ref()))
    };
    Ok(ShapeDistance {
        shape,
        features: to(grams, features, "the matrix of class means")?,
        classifier: measured
            .classifier_gram
            .as_ref()
            .map(|g| to(g, classifiers, "the classifier"))
            .transpose()?,
        product: products
            .as_ref()
            .map(|p| to(p, product, "the classifier times the class means"))
            .transpose()?,
    })
}
