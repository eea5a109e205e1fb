//! Class means of streamed features.
use solvable_linalg::Mat;

use crate::{Argument, InputError};

/// Running class means, one sample at a time: O(K d) memory.
#[derive(Clone, Debug)]
pub struct ClassMeansBuilder {
    counts: Vec<usize>,
    /// One column a class.
    means: Mat<f64>,
    samples: usize,
}

/// The means of all classes, each with at least one sample.
#[derive(Clone, Debug)]
pub struct ClassMeans {
    pub(super) counts: Vec<usize>,
    pub(super) means: Mat<f64>,
    pub(super) global: Vec<f64>,
    pub(super) samples: usize,
}

impl ClassMeansBuilder {
    /// For K classes of features in dimension d.
    ///
    /// # Errors
    /// [`InputError::Count`] when one of them is 0, or the K x d means are more than
    /// [`LARGEST_LIST`](crate::LARGEST_LIST) numbers.
    pub fn new(classes: usize, dimension: usize) -> Result<Self, InputError> {
        InputError::check_count("K", classes)?;
        InputError::check_count("d", dimension)?;
        InputError::check_list("K d", classes.saturating_mul(dimension))?;
        Ok(Self { counts: vec![0; classes], means: Mat::zeros(dimension, classes), samples: 0 })
    }

    /// Adds one sample. The running mean moves by `(h - mean)/n`: no sum grows with the number of samples. O(d).
    ///
    /// # Errors
    /// [`InputError`] when the label is not a class, the length is wrong, or an entry is not finite; the row named is the
    /// number of the sample, counted from 0.
    pub fn push(&mut self, label: usize, h: &[f64]) -> Result<(), InputError> {
        check_sample(label, h, self.counts.len(), self.means.nrows(), self.samples)?;
        self.samples += 1;
        self.counts[label] += 1;
        let rate = 1.0 / self.counts[label] as f64;
        for (m, v) in self.means.col_as_slice_mut(label).iter_mut().zip(h) {
            *m += (v - *m) * rate;
        }
        Ok(())
    }

    /// The means.
    ///
    /// # Errors
    /// [`InputError::Count`] naming the first class without a sample.
    pub fn finish(self) -> Result<ClassMeans, InputError> {
        if let Some(k) = self.counts.iter().position(|&n| n == 0) {
            let argument = Argument::indexed("class_counts", k);
            return Err(InputError::Count { argument, value: 0, condition: "at least 1" });
        }
        let total = self.samples as f64;
        let share = |k: usize| self.counts[k] as f64 / total;
        let global = (0..self.means.nrows())
            .map(|r| (0..self.counts.len()).map(|k| share(k) * self.means[(r, k)]).sum())
            .collect();
        Ok(ClassMeans { counts: self.counts, means: self.means, global, samples: self.samples })
    }
}

impl ClassMeans {
    /// Samples a class.
    #[must_use]
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// The means, one column a class.
    #[must_use]
    pub fn means(&self) -> &Mat<f64> {
        &self.means
    }

    /// The mean of all samples.
    #[must_use]
    pub fn global(&self) -> &[f64] {
        &self.global
    }

    /// Number of samples N.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The class means less the mean of all samples.
    #[must_use]
    pub fn centred(&self) -> Mat<f64> {
        Mat::from_fn(self.means.nrows(), self.means.ncols(), |r, k| self.means[(r, k)] - self.global[r])
    }
}

/// Refuses a sample that does not fit.
pub(super) fn check_sample(
    label: usize,
    h: &[f64],
    classes: usize,
    dimension: usize,
    index: usize,
) -> Result<(), InputError> {
    if label >= classes {
        let argument = Argument::indexed("labels", index);
        let condition = "less than the number of classes (labels count from 0)";
        return Err(InputError::Count { argument, value: label as u64, condition });
    }
    if h.len() != dimension {
        return Err(InputError::Shape {
            argument: Argument::indexed("features", index),
            found: (h.len(), 1),
            expected: (dimension, 1),
        });
    }
    match h.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(column) => {
            Err(InputError::NotFinite { argument: "features".into(), row: index, column, value: h[column] })
        }
    }
}
