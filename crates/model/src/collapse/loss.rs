//! The loss of one sample's logits.

/// The loss of logits z against the class y.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClassLoss {
    /// `|z - e_y|^2 / 2`.
    Squared,
    /// `log sum_j exp(z_j) - z_y`.
    CrossEntropy,
}

impl ClassLoss {
    /// The loss at the logits `z` for the class `y`.
    ///
    /// Cross-entropy is evaluated from the differences `z_j - z_y` and `log1p`: full relative accuracy however small the
    /// loss, no overflow.
    ///
    /// # Panics
    /// If `y` is not an index of `z`.
    #[must_use]
    pub fn value(self, z: &[f64], y: usize) -> f64 {
        match self {
            Self::Squared => {
                let term = |(j, &v): (usize, &f64)| if j == y { v - 1.0 } else { v };
                0.5 * z.iter().enumerate().map(term).map(|r| r * r).sum::<f64>()
            }
            Self::CrossEntropy => {
                let (shift, rest) = relative_sum(z, y);
                if shift > 0.0 { shift + ((-shift).exp() + rest).ln() } else { rest.ln_1p() }
            }
        }
    }

    /// The derivative of the loss in z, written over `z`; returns the loss.
    ///
    /// For cross-entropy: `p - e_y` with p the softmax; the own entry is minus the sum of the others, not a difference.
    ///
    /// # Panics
    /// If `y` is not an index of `z`.
    pub fn derivative_in_place(self, z: &mut [f64], y: usize) -> f64 {
        let loss = self.value(z, y);
        match self {
            Self::Squared => z[y] -= 1.0,
            Self::CrossEntropy => {
                let (shift, rest) = relative_sum(z, y);
                let (shift, own) = if shift > 0.0 { (shift, (-shift).exp()) } else { (0.0, 1.0) };
                let (top, total) = (z[y] + shift, own + rest);
                for (j, v) in z.iter_mut().enumerate() {
                    *v = if j == y { -rest / total } else { (*v - top).exp() / total };
                }
            }
        }
        loss
    }
}

/// `s = max(0, max over j != y of z_j - z_y)` and the sum over j != y of `exp(z_j - z_y - s)`.
fn relative_sum(z: &[f64], y: usize) -> (f64, f64) {
    let own = z[y];
    let others = || z.iter().enumerate().filter(|&(j, _)| j != y).map(|(_, &v)| v - own);
    let shift = others().fold(0.0, f64::max);
    (shift, others().map(|d| (d - shift).exp()).sum())
}
