//! Clipping and Laplace noise on bag means (AGG-11).
use super::BagDesign;
use crate::InputError;

/// Labels are clipped to [-T, T]; each bag mean is released with Laplace noise, or without any.
///
/// Changing one label moves one mean of k labels by at most `2 T / k`, so noise of scale
/// [`laplace_scale`](Self::laplace_scale) makes the release epsilon-label-private. Double-precision Laplace
/// samplers are not exactly private: this is a numerical laboratory, not a privacy product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelPrivacy {
    clip: f64,
    epsilon: Option<f64>,
}

impl LabelPrivacy {
    /// Clip level T and privacy epsilon; `None` clips without noise.
    ///
    /// # Errors
    /// [`InputError`] unless T and epsilon are finite and positive.
    pub fn new(clip: f64, epsilon: Option<f64>) -> Result<Self, InputError> {
        InputError::check_positive("T", clip)?;
        if let Some(epsilon) = epsilon {
            InputError::check_positive("eps", epsilon)?;
        }
        Ok(Self { clip, epsilon })
    }

    /// The clip level T.
    #[must_use]
    pub fn clip_level(&self) -> f64 {
        self.clip
    }

    /// The privacy level, `None` without noise.
    #[must_use]
    pub fn epsilon(&self) -> Option<f64> {
        self.epsilon
    }

    /// A label clipped to [-T, T].
    #[must_use]
    pub fn clip(&self, label: f64) -> f64 {
        label.clamp(-self.clip, self.clip)
    }

    /// Scale `2 T / (k epsilon)` of the Laplace noise on a mean of `size` labels; 0 without noise.
    #[must_use]
    pub fn laplace_scale(&self, size: f64) -> f64 {
        // Divided one by one: neither product overflows, so that huge arguments give a ratio and not inf/inf.
        self.epsilon.map_or(0.0, |epsilon| 2.0 * (self.clip / size / epsilon))
    }

    /// The release: means of the clipped labels plus `laplace(scale)` drawn by the caller for each bag.
    ///
    /// # Errors
    /// [`InputError::Shape`] when `labels` does not have one entry a row.
    pub fn release(
        &self,
        bags: &BagDesign,
        labels: &[f64],
        mut laplace: impl FnMut(f64) -> f64,
    ) -> Result<Vec<f64>, InputError> {
        let clipped: Vec<f64> = labels.iter().map(|&y| self.clip(y)).collect();
        let mut means = bags.means(&clipped)?;
        if self.epsilon.is_some() {
            for (a, mean) in means.iter_mut().enumerate() {
                *mean += laplace(self.laplace_scale(bags.size(a) as f64));
            }
        }
        Ok(means)
    }
}
