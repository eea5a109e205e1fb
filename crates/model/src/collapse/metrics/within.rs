//! Scatter within classes, agreement of the classifier with the nearest class mean, and the metrics.
use solvable_linalg::{Mat, MatRef, matmul, svd};

use super::distance::{FrameTargets, gof_distance, orthogonal_frame_distance, simplex_distance};
use super::means::{ClassMeans, check_sample};
use crate::{Argument, InputError};

/// Eigenvalues of the between-class covariance below this fraction of the largest count as 0 in its pseudo-inverse.
pub const PSEUDO_INVERSE_CUTOFF: f64 = 1e-10;

/// The metrics of neural collapse (NC-19). `None`: undefined (a matrix to normalise is 0, a simplex of one class, no
/// between-class scatter, or no target given).
///
/// With `hbar_k` the class means, `Sigma_W = (1/N) sum_i (h_i - hbar_y)(h_i - hbar_y)'` and
/// `Sigma_B = (1/K) sum_k (hbar_k - hbar)(hbar_k - hbar)'` around the mean of all samples. Distances are between matrices
/// of Frobenius norm 1.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CollapseMetrics {
    /// `tr(Sigma_W Sigma_B^+)/K`, pseudo-inverse cut at [`PSEUDO_INVERSE_CUTOFF`].
    pub nc1: Option<f64>,
    /// `W W'` from the simplex.
    pub nc2_w_etf: Option<f64>,
    /// `W W'` from the orthogonal frame.
    pub nc2_w_of: Option<f64>,
    /// `W W'` from the general orthogonal frame.
    pub nc2_w_gof: Option<f64>,
    /// Gram matrix of the class means from the simplex.
    pub nc2_h_etf: Option<f64>,
    /// Gram matrix of the class means from the orthogonal frame.
    pub nc2_h_of: Option<f64>,
    /// Gram matrix of the class means from the general orthogonal frame.
    pub nc2_h_gof: Option<f64>,
    /// W times the globally centred class means, from the simplex.
    pub nc3_etf: Option<f64>,
    /// W times the class means, from the orthogonal frame.
    pub nc3_of: Option<f64>,
    /// W times the class means, from the general orthogonal frame.
    pub nc3_gof: Option<f64>,
    /// Fraction of samples that the classifier does not assign to the nearest class mean; 0 without classifier.
    pub nc4: f64,
    /// `tr Sigma_W`.
    pub within_trace: f64,
    /// `tr Sigma_B`.
    pub between_trace: f64,
    /// `W W'`; `None` without classifier.
    pub classifier_gram: Option<Mat<f64>>,
    /// Gram matrix of the class means.
    pub feature_gram: Mat<f64>,
    /// W times the class means; `None` without classifier.
    pub logits: Option<Mat<f64>>,
}

/// A classifier with its rows laid out for one dot product a class.
#[derive(Clone, Debug)]
struct Classifier<'a> {
    w: MatRef<'a, f64>,
    transposed: Mat<f64>,
    bias: Option<&'a [f64]>,
}

/// The second pass over the features. O(K d) memory; O(K d) work a sample.
#[derive(Clone, Debug)]
pub struct WithinClass<'a> {
    means: &'a ClassMeans,
    classifier: Option<Classifier<'a>>,
    /// Left singular vectors of the centred means that are kept, one column each, and `1/s^2`.
    basis: Mat<f64>,
    weights: Vec<f64>,
    between: f64,
    /// Per kept vector, the sum of squares of the projected deviations.
    projected: Vec<f64>,
    within: f64,
    disagreements: usize,
    seen: usize,
    deviation: Vec<f64>,
}

impl<'a> WithinClass<'a> {
    /// Starts the second pass, with the classifier W (one row a class) and its bias where they are given. One thin singular
    /// value decomposition of the d x K centred means; no d x d matrix is formed.
    ///
    /// # Errors
    /// [`InputError`] when W or b has the wrong shape or a non-finite entry, or a certified decomposition fails.
    pub fn new(
        means: &'a ClassMeans,
        classifier: Option<(MatRef<'a, f64>, Option<&'a [f64]>)>,
    ) -> Result<Self, InputError> {
        let (d, k) = (means.means.nrows(), means.counts.len());
        if let Some((w, b)) = classifier {
            let found = (w.nrows(), w.ncols());
            if found != (k, d) {
                return Err(InputError::Shape { argument: "W".into(), found, expected: (k, d) });
            }
            for column in 0..d {
                for row in 0..k {
                    let value = w[(row, column)];
                    if !value.is_finite() {
                        return Err(InputError::NotFinite { argument: "W".into(), row, column, value });
                    }
                }
            }
            if let Some(b) = b {
                if b.len() != k {
                    let found = (b.len(), 1);
                    return Err(InputError::Shape { argument: "b".into(), found, expected: (k, 1) });
                }
                InputError::check_vector("b", b)?;
            }
        }
        let found = svd(means.centred().as_ref())?;
        let largest = found.s[0];
        // On singular values the cut-off is the square root; rounding in the means leaves K epsilon of the mean itself.
        let keep = |s: f64| s > 0.0 && (s / largest).powi(2) > PSEUDO_INVERSE_CUTOFF;
        let rank = found.s.iter().filter(|&&s| keep(s)).count();
        Ok(Self {
            means,
            classifier: classifier.map(|(w, bias)| Classifier {
                w,
                transposed: w.transpose().to_owned(),
                bias,
            }),
            basis: Mat::from_fn(d, rank, |i, j| found.u[(i, j)]),
            weights: found.s[..rank].iter().map(|s| 1.0 / (s * s)).collect(),
            between: found.s.iter().map(|s| s * s).sum::<f64>() / k as f64,
            projected: vec![0.0; rank],
            within: 0.0,
            disagreements: 0,
            seen: 0,
            deviation: vec![0.0; d],
        })
    }

    /// Adds one sample; the samples must be those of the first pass, in any order.
    ///
    /// # Errors
    /// As [`ClassMeansBuilder::push`](super::ClassMeansBuilder::push).
    pub fn push(&mut self, label: usize, h: &[f64]) -> Result<(), InputError> {
        let (d, k) = (self.means.means.nrows(), self.means.counts.len());
        check_sample(label, h, k, d, self.seen)?;
        self.seen += 1;
        let mean = self.means.means.col_as_slice(label);
        for ((e, v), m) in self.deviation.iter_mut().zip(h).zip(mean) {
            *e = v - m;
        }
        self.within += self.deviation.iter().map(|e| e * e).sum::<f64>();
        for (r, sum) in self.projected.iter_mut().enumerate() {
            let p: f64 = self.basis.col_as_slice(r).iter().zip(&self.deviation).map(|(u, e)| u * e).sum();
            *sum += p * p;
        }
        if let Some(classifier) = &self.classifier {
            let mut best = (0, f64::NEG_INFINITY);
            let mut nearest = (0, f64::INFINITY);
            for c in 0..k {
                let row = classifier.transposed.col_as_slice(c);
                let score = row.iter().zip(h).map(|(w, v)| w * v).sum::<f64>()
                    + classifier.bias.map_or(0.0, |b| b[c]);
                if score > best.1 {
                    best = (c, score);
                }
                let mean = self.means.means.col_as_slice(c);
                let distance = h.iter().zip(mean).map(|(v, m)| (v - m) * (v - m)).sum::<f64>();
                if distance < nearest.1 {
                    nearest = (c, distance);
                }
            }
            self.disagreements += usize::from(best.0 != nearest.0);
        }
        Ok(())
    }

    /// The metrics.
    ///
    /// # Errors
    /// [`InputError::Count`] when the number of samples differs from that of the first pass; [`InputError::Shape`] or
    /// [`InputError::OutOfDomain`] when a frame target does not have one finite entry, at least 0, a class.
    pub fn finish(self, targets: &FrameTargets) -> Result<CollapseMetrics, InputError> {
        if self.seen != self.means.samples {
            return Err(InputError::Count {
                argument: "samples of the second pass".into(),
                value: self.seen as u64,
                condition: "the number of samples of the first pass",
            });
        }
        let k = self.means.counts.len();
        for target in [&targets.classifier, &targets.feature, &targets.logits].into_iter().flatten() {
            check_target(target, k)?;
        }
        let n = self.seen as f64;
        let ratio: f64 = self.projected.iter().zip(&self.weights).map(|(p, w)| p * w).sum();
        let features = matmul(self.means.means.transpose(), self.means.means.as_ref());
        let (mut gram, mut logits, mut centred) = (None, None, None);
        if let Some(Classifier { w, .. }) = self.classifier {
            gram = Some(matmul(w, w.transpose()));
            logits = Some(matmul(w, self.means.means.as_ref()));
            centred = Some(matmul(w, self.means.centred().as_ref()));
        }
        let simplex = |m: &Option<Mat<f64>>| m.as_ref().and_then(|m| simplex_distance(m.as_ref()));
        let frame = |m: &Option<Mat<f64>>| m.as_ref().and_then(|m| orthogonal_frame_distance(m.as_ref()));
        let general = |m: Option<MatRef<'_, f64>>, t: &Option<Vec<f64>>| gof_distance(m?, t.as_ref()?);
        Ok(CollapseMetrics {
            // (1/K) tr(Sigma_W Sigma_B^+) with Sigma_B = C C'/K: the factors K cancel.
            nc1: (!self.weights.is_empty()).then_some(ratio / n),
            nc2_w_etf: simplex(&gram),
            nc2_w_of: frame(&gram),
            nc2_w_gof: general(gram.as_ref().map(Mat::as_ref), &targets.classifier),
            nc2_h_etf: simplex_distance(features.as_ref()),
            nc2_h_of: orthogonal_frame_distance(features.as_ref()),
            nc2_h_gof: general(Some(features.as_ref()), &targets.feature),
            nc3_etf: simplex(&centred),
            nc3_of: frame(&logits),
            nc3_gof: general(logits.as_ref().map(Mat::as_ref), &targets.logits),
            nc4: self.disagreements as f64 / n,
            within_trace: self.within / n,
            between_trace: self.between,
            classifier_gram: gram,
            feature_gram: features,
            logits,
        })
    }
}

fn check_target(target: &[f64], classes: usize) -> Result<(), InputError> {
    if target.len() != classes {
        return Err(InputError::Shape {
            argument: "gof_target".into(),
            found: (target.len(), 1),
            expected: (classes, 1),
        });
    }
    for (k, &t) in target.iter().enumerate() {
        let argument = Argument::indexed("gof_target", k);
        InputError::check(argument, t, t.is_finite() && t >= 0.0, "finite and at least 0")?;
    }
    Ok(())
}
