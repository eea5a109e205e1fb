//! The bias of the last layer.
use crate::InputError;

/// The bias b added to the logits.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Bias {
    /// No bias: b = 0.
    None,
    /// Trained and not regularised.
    Free,
    /// Trained, with the penalty `lambda_b |b|^2 / 2`; lambda_b is positive and finite. Built by
    /// [`Bias::regularised`].
    Regularised(f64),
}

impl Bias {
    /// A trained bias with the penalty `lambda_b |b|^2 / 2`; `lambda_b = 0` is the free bias.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] when `lambda_b` is negative, NaN or infinite.
    pub fn regularised(lambda_b: f64) -> Result<Self, InputError> {
        InputError::check_nonnegative("lambda_b", lambda_b)?;
        Ok(if lambda_b == 0.0 { Self::Free } else { Self::Regularised(lambda_b) })
    }

    /// Whether b is a parameter.
    #[must_use]
    pub fn is_trained(self) -> bool {
        self != Self::None
    }

    /// The weight lambda_b of the penalty; 0 where there is none.
    #[must_use]
    pub fn weight(self) -> f64 {
        if let Self::Regularised(lambda_b) = self { lambda_b } else { 0.0 }
    }
}
