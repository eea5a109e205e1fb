//! Class statistics of a feature file in two passes and bounded memory: `O(K d)` numbers, whatever the number of rows.
//!
//! The first pass gathers class counts and means. The second sees every row again with the means known: it accumulates
//! squared deviations, directly in the span of the class means where NC1 needs them, so that neither a `d x d`
//! covariance nor a difference of large sums is ever formed.
use std::path::Path;

use super::error::SampleError;
use crate::input::Rows;
use crate::study::StudyError;

/// Labels from 0 up to this: beyond it, the column is taken for something other than class numbers.
const MOST_CLASSES: usize = 1 << 16;

/// The two files of a study, opened anew for each pass.
pub(super) struct Samples<'a> {
    pub(super) features: &'a Path,
    pub(super) labels: &'a Path,
}

impl Samples<'_> {
    /// Calls `each(label, row)` for all rows in order and returns their number.
    pub(super) fn for_each(
        &self,
        mut each: impl FnMut(usize, &[f64]) -> Result<(), StudyError>,
    ) -> Result<u64, StudyError> {
        let (mut features, mut labels) = (Rows::open(self.features)?, Rows::open(self.labels)?);
        if labels.columns().len() != 1 {
            let (path, found) = (self.labels.to_owned(), labels.columns().len());
            return Err(SampleError::LabelColumns { path, found }.into());
        }
        let (mut row, mut label) = (Vec::new(), Vec::new());
        let mut count = 0;
        loop {
            let (more, labelled) = (features.next_into(&mut row)?, labels.next_into(&mut label)?);
            match (more, labelled) {
                (true, true) => {}
                (false, false) => break,
                _ => {
                    let longer = if more { self.features } else { self.labels };
                    return Err(SampleError::Lengths { longer: longer.to_owned(), rows: count }.into());
                }
            }
            count += 1;
            each(class(label[0], count, self.labels)?, &row)?;
        }
        if count == 0 {
            return Err(SampleError::Empty { path: self.features.to_owned() }.into());
        }
        Ok(count)
    }
}

fn class(value: f64, row: u64, path: &Path) -> Result<usize, SampleError> {
    if value >= 0.0 && value.fract() == 0.0 && value < MOST_CLASSES as f64 {
        Ok(value as usize)
    } else {
        Err(SampleError::Label { path: path.to_owned(), row, value, most: MOST_CLASSES - 1 })
    }
}

/// Counts and means of the classes.
#[derive(Clone, Debug)]
pub(super) struct ClassMeans {
    pub(super) dimension: usize,
    pub(super) counts: Vec<u64>,
    /// `K x d`, row by row.
    means: Vec<f64>,
}

impl ClassMeans {
    pub(super) fn new() -> Self {
        Self { dimension: 0, counts: Vec::new(), means: Vec::new() }
    }

    /// Welford's update: no large sums, so the error of a mean does not grow with its offset from zero.
    pub(super) fn add(&mut self, label: usize, row: &[f64]) {
        if self.counts.is_empty() {
            self.dimension = row.len();
        }
        if label >= self.counts.len() {
            self.counts.resize(label + 1, 0);
            self.means.resize((label + 1) * self.dimension, 0.0);
        }
        self.counts[label] += 1;
        let weight = 1.0 / self.counts[label] as f64;
        let mean = &mut self.means[label * self.dimension..(label + 1) * self.dimension];
        for (m, &x) in mean.iter_mut().zip(row) {
            *m += (x - *m) * weight;
        }
    }

    /// Refuses what no metric is defined for: gaps in the labels, fewer than two classes, classes of one sample, means
    /// that overflow.
    pub(super) fn checked(self) -> Result<Self, SampleError> {
        if let Some(missing) = self.counts.iter().position(|&n| n == 0) {
            return Err(SampleError::Gap { missing, largest: self.counts.len() - 1 });
        }
        if self.counts.len() < 2 {
            return Err(SampleError::OneClass);
        }
        if let Some(class) = self.counts.iter().position(|&n| n == 1) {
            return Err(SampleError::SingleMember { class });
        }
        if self.means.iter().any(|m| !m.is_finite()) {
            return Err(SampleError::Overflow { what: "class means" });
        }
        Ok(self)
    }

    pub(super) fn classes(&self) -> usize {
        self.counts.len()
    }

    pub(super) fn mean(&self, class: usize) -> &[f64] {
        &self.means[class * self.dimension..(class + 1) * self.dimension]
    }

    /// The mean of all samples.
    pub(super) fn global_mean(&self) -> Vec<f64> {
        let total: u64 = self.counts.iter().sum();
        let mut global = vec![0.0; self.dimension];
        for (k, &n) in self.counts.iter().enumerate() {
            let weight = n as f64 / total as f64;
            for (g, &m) in global.iter_mut().zip(self.mean(k)) {
                *g += weight * m;
            }
        }
        global
    }
}

/// What a classifier says of a feature vector.
pub(super) struct Classifier<'a> {
    /// `K x d`, row by row.
    pub(super) weights: &'a [f64],
    pub(super) bias: &'a [f64],
}

impl Classifier<'_> {
    /// The class with the largest logit; the lowest of several.
    fn predict(&self, row: &[f64]) -> usize {
        best((0..self.bias.len()).map(|k| {
            let w = &self.weights[k * row.len()..(k + 1) * row.len()];
            self.bias[k] + lanes(w, row, |a, b| a * b)
        }))
    }
}

/// Sums over the second pass.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    /// Sum of squared deviations from the class mean, by class.
    pub(super) by_class: Vec<f64>,
    /// Sum of squared components of the deviations along each given direction.
    pub(super) along: Vec<f64>,
    /// Samples nearest to another class's mean.
    pub(super) nearest_wrong: u64,
    /// Samples that the classifier gives another label.
    pub(super) classifier_wrong: u64,
    /// Samples on which classifier and nearest mean differ.
    pub(super) disagree: u64,
    deviation: Vec<f64>,
}

impl Spread {
    pub(super) fn new(classes: usize, dimension: usize, directions: usize) -> Self {
        Self {
            by_class: vec![0.0; classes],
            along: vec![0.0; directions],
            nearest_wrong: 0,
            classifier_wrong: 0,
            disagree: 0,
            deviation: vec![0.0; dimension],
        }
    }

    /// `directions` holds orthonormal vectors of the feature space, one after the other.
    pub(super) fn add(
        &mut self,
        label: usize,
        row: &[f64],
        means: &ClassMeans,
        directions: &[f64],
        classifier: Option<&Classifier<'_>>,
    ) {
        let d = means.dimension;
        for ((v, &x), &m) in self.deviation.iter_mut().zip(row).zip(means.mean(label)) {
            *v = x - m;
        }
        self.by_class[label] += lanes(&self.deviation, &self.deviation, |a, b| a * b);
        for (j, sum) in self.along.iter_mut().enumerate() {
            let component = lanes(&self.deviation, &directions[j * d..(j + 1) * d], |a, b| a * b);
            *sum += component * component;
        }
        // Distances, not expanded squares: exact ties stay ties.
        let nearest = best((0..means.classes()).map(|k| {
            -lanes(row, means.mean(k), |a, b| {
                let t = a - b;
                t * t
            })
        }));
        self.nearest_wrong += u64::from(nearest != label);
        if let Some(classifier) = classifier {
            let said = classifier.predict(row);
            self.classifier_wrong += u64::from(said != label);
            self.disagree += u64::from(said != nearest);
        }
    }
}

/// Index of the largest value; the lowest of several.
fn best(values: impl Iterator<Item = f64>) -> usize {
    let mut winner = (0, f64::NEG_INFINITY);
    for (k, v) in values.enumerate() {
        if v > winner.1 {
            winner = (k, v);
        }
    }
    winner.0
}

/// `Σ term(a_i, b_i)` in eight interleaved sums, which the compiler vectorises.
fn lanes(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (x, y) in a8.iter().zip(b8) {
        for l in 0..8 {
            sums[l] += term(x[l], y[l]);
        }
    }
    for (l, (&x, &y)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[l] += term(x, y);
    }
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]))
}
