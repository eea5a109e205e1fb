//! How collapsed features and classifiers are: the metrics NC1 to NC4 (NC-19).
//!
//! Features are read twice, sample by sample and in bounded memory: [`ClassMeansBuilder`] finds the class means,
//! [`WithinClass`] measures the scatter around them and compares the classifier with the nearest class mean.
//! [`collapse_metrics`] does both for features in memory.
mod distance;
mod means;
#[cfg(test)]
mod tests;
mod within;

pub use distance::{FrameTargets, gof_distance, orthogonal_frame_distance, simplex_distance};
pub use means::{ClassMeans, ClassMeansBuilder};
pub use within::{CollapseMetrics, PSEUDO_INVERSE_CUTOFF, WithinClass};

use solvable_linalg::MatRef;

use crate::InputError;

/// The metrics of features H (one column a sample), their labels (from 0), a classifier W and a bias (NC-19).
///
/// # Errors
/// [`InputError`] when shapes differ, a label is not below the number of rows of W, a class has no sample, or an entry is
/// not finite.
///
/// ```
/// use solvable_linalg::from_rows;
/// use solvable_model::collapse::{FrameTargets, collapse_metrics};
/// let h = from_rows(&[vec![1.0, 1.0, 0.0], vec![0.0, 0.0, 1.0]])?;
/// let m = collapse_metrics(h.as_ref(), &[0, 0, 1], h.as_ref().submatrix(0, 1, 2, 2), None, &FrameTargets::default())?;
/// assert_eq!(m.nc1, Some(0.0));
/// assert!(m.nc2_w_of.is_some_and(|d| d < 1e-15) && m.nc4 == 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn collapse_metrics(
    h: MatRef<'_, f64>,
    labels: &[usize],
    w: MatRef<'_, f64>,
    b: Option<&[f64]>,
    targets: &FrameTargets,
) -> Result<CollapseMetrics, InputError> {
    if labels.len() != h.ncols() {
        return Err(InputError::Shape {
            argument: "labels".into(),
            found: (labels.len(), 1),
            expected: (h.ncols(), 1),
        });
    }
    let mut builder = ClassMeansBuilder::new(w.nrows(), h.nrows())?;
    let mut sample = vec![0.0; h.nrows()];
    let read = |i: usize, sample: &mut [f64]| {
        for (r, v) in sample.iter_mut().enumerate() {
            *v = h[(r, i)];
        }
    };
    for (i, &label) in labels.iter().enumerate() {
        read(i, &mut sample);
        builder.push(label, &sample)?;
    }
    let means = builder.finish()?;
    let mut within = WithinClass::new(&means, Some((w, b)))?;
    for (i, &label) in labels.iter().enumerate() {
        read(i, &mut sample);
        within.push(label, &sample)?;
    }
    within.finish(targets)
}
