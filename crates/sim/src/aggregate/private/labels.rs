//! Likelihood ratios of released bag means.
use solvable_model::InputError;
use solvable_model::aggregate::{BagDesign, LabelPrivacy};

/// `log p(release | labels) / p(release | other labels)` of means of clipped labels with independent Laplace noise of the
/// given scale, from the densities `exp(-|x - mean| / scale) / (2 scale)` bag by bag.
///
/// # Errors
/// [`InputError`] when a shape is wrong or the scale is not positive.
pub fn release_log_ratio(
    privacy: &LabelPrivacy,
    bags: &BagDesign,
    labels: &[f64],
    other: &[f64],
    release: &[f64],
    scale: f64,
) -> Result<f64, InputError> {
    InputError::check_positive("scale", scale)?;
    let clipped = |labels: &[f64]| -> Result<Vec<f64>, InputError> {
        bags.means(&labels.iter().map(|&y| privacy.clip(y)).collect::<Vec<_>>())
    };
    let (a, b) = (clipped(labels)?, clipped(other)?);
    if release.len() != a.len() {
        let (found, expected) = ((release.len(), 1), (a.len(), 1));
        return Err(InputError::Shape { argument: "release".into(), found, expected });
    }
    Ok(release.iter().zip(a.iter().zip(&b)).map(|(x, (a, b))| ((x - b).abs() - (x - a).abs()) / scale).sum())
}
