//! Losses of one prediction, and their bag-level and instance-level averages (AGG-1, AGG-2).
use super::BagDesign;
use crate::InputError;

/// The loss of a prediction f (a natural parameter for the last two) against a label y.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PointwiseLoss {
    /// `(y - f)^2`, no factor 1/2.
    Squared,
    /// `log(1 + e^f) - y f`.
    Logistic,
    /// `e^f - y f`.
    Poisson,
}

impl PointwiseLoss {
    /// The loss at label `y` and prediction `f`.
    #[must_use]
    pub fn value(self, y: f64, f: f64) -> f64 {
        match self {
            Self::Squared => (y - f) * (y - f),
            Self::Logistic => f.max(0.0) + (-f.abs()).exp().ln_1p() - y * f,
            Self::Poisson => f.exp() - y * f,
        }
    }

    /// The derivative of the loss in `f`.
    #[must_use]
    pub fn derivative(self, y: f64, f: f64) -> f64 {
        match self {
            Self::Squared => 2.0 * (f - y),
            Self::Logistic => {
                // e^-|f| cannot overflow.
                let e = (-f.abs()).exp();
                (if f >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }) - y
            }
            Self::Poisson => f.exp() - y,
        }
    }

    /// Bag-level loss `(1/m) sum_a l(ybar_a, fbar_a)`, fbar the bag's mean prediction.
    ///
    /// # Errors
    /// [`InputError`] when `predictions` does not have one finite entry a row or `mean_labels` one a bag.
    pub fn bag_loss(
        self,
        bags: &BagDesign,
        mean_labels: &[f64],
        predictions: &[f64],
    ) -> Result<f64, InputError> {
        check(bags, mean_labels, predictions)?;
        let m = bags.bags();
        let total: f64 = (0..m).map(|a| self.value(mean_labels[a], bags.mean(a, predictions))).sum();
        Ok(total / m as f64)
    }

    /// Instance-level loss `(1/n) sum_a sum_{i in a} l(ybar_a, f_i)`.
    ///
    /// # Errors
    /// As [`bag_loss`](Self::bag_loss).
    pub fn instance_loss(
        self,
        bags: &BagDesign,
        mean_labels: &[f64],
        predictions: &[f64],
    ) -> Result<f64, InputError> {
        check(bags, mean_labels, predictions)?;
        let total: f64 =
            bags.bag_of().iter().zip(predictions).map(|(&a, &f)| self.value(mean_labels[a], f)).sum();
        Ok(total / bags.rows() as f64)
    }
}

fn check(bags: &BagDesign, mean_labels: &[f64], predictions: &[f64]) -> Result<(), InputError> {
    for (argument, vector, length) in
        [("mean labels", mean_labels, bags.bags()), ("predictions", predictions, bags.rows())]
    {
        if vector.len() != length {
            let (found, expected) = ((vector.len(), 1), (length, 1));
            return Err(InputError::Shape { argument: argument.into(), found, expected });
        }
        InputError::check_vector(argument, vector)?;
    }
    Ok(())
}
