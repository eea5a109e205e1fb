//! Bias and variance.

/// Excess risk `risk = bias2 + var`, averaged over the label noise; `+inf` where the theory says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    /// Squared bias.
    pub bias2: f64,
    /// Variance.
    pub var: f64,
}

impl Risk {
    /// `bias2 + var`: the excess risk. The prediction error of a fresh pair adds the noise variance.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.bias2 + self.var
    }

    /// Coefficients of the signal energy and the noise variance; an energy of exactly 0 contributes 0 even
    /// where its coefficient diverges.
    pub(super) fn of(bias: f64, r2: f64, var: f64, s2: f64) -> Self {
        Self { bias2: charge(bias, r2), var: charge(var, s2) }
    }
}

/// `coefficient * energy`, 0 when the energy is 0.
pub(super) fn charge(coefficient: f64, energy: f64) -> f64 {
    if energy == 0.0 { 0.0 } else { coefficient * energy }
}

/// `1 - k gamma`, correctly rounded; exactly 0 when gamma is 1/k up to its own rounding.
///
/// A user who writes gamma = 1/3 and k = 3 means the singular point, although the exact product of the
/// two doubles is not 1: it is within half an epsilon. Everywhere else the fused form has no rounding error
/// before its last.
pub(super) fn one_minus_product(k: f64, gamma: f64) -> f64 {
    let gap = f64::mul_add(-k, gamma, 1.0);
    if gap.abs() <= 0.5 * f64::EPSILON { 0.0 } else { gap }
}
