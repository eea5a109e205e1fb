//! Central moments up to the fourth, and how two sets merge.

/// Count, mean and central moments of a sample.
///
/// Holds the mean and the sums `M_p = sum (x - mean)^p` for p = 2, 3, 4, which merge without cancellation
/// (Pébay, *Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical
/// moments*, 2008).
///
/// ```
/// use solvable_sim::monte_carlo::Moments;
///
/// let m: Moments = [1.0, 2.0, 3.0, 6.0].into_iter().collect();
/// assert_eq!(m.mean(), 3.0);
/// assert_eq!(m.variance(), 14.0 / 3.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    pub(super) count: u64,
    pub(super) mean: f64,
    pub(super) m2: f64,
    pub(super) m3: f64,
    pub(super) m4: f64,
}

impl Moments {
    /// The moments of a single value.
    #[must_use]
    pub fn of(value: f64) -> Self {
        Self { count: 1, mean: value, ..Self::default() }
    }

    /// Number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sample mean (0 for an empty sample).
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Unbiased sample variance `M_2 / (n - 1)`; 0 when fewer than two values are there.
    #[must_use]
    pub fn variance(&self) -> f64 {
        if self.count < 2 { 0.0 } else { self.m2 / (self.count - 1) as f64 }
    }

    /// Standard error of the mean, `sqrt(variance / n)`; 0 for an empty sample.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.variance() / self.count as f64).sqrt() }
    }

    /// Skewness `sqrt(n) M_3 / M_2^(3/2)`; 0 for a constant sample.
    #[must_use]
    pub fn skewness(&self) -> f64 {
        let s = self.deviation();
        if s == 0.0 { 0.0 } else { self.m3 / self.count as f64 / s / s / s }
    }

    /// Kurtosis `n M_4 / M_2^2` (3 for a normal law); 0 for a constant sample.
    #[must_use]
    pub fn kurtosis(&self) -> f64 {
        let s = self.deviation();
        if s == 0.0 { 0.0 } else { self.m4 / self.count as f64 / s / s / s / s }
    }

    /// Root of the biased variance.
    fn deviation(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.m2 / self.count as f64).sqrt() }
    }

    pub(super) fn is_finite(&self) -> bool {
        self.mean.is_finite() && self.m4.is_finite() && self.m3.is_finite() && self.m2.is_finite()
    }

    /// Adds the moments of a disjoint sample. Not associative in the last bits: the order is part of the result.
    pub fn absorb(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (a, b) = (*self, *other);
        let delta = b.mean - a.mean;
        let square = delta * delta;
        if a.count == b.count {
            let n = a.count as f64;
            // From `a.mean`, so that a constant sample keeps its mean and its zero variance to the bit.
            self.mean = a.mean + 0.5 * delta;
            self.m2 = (a.m2 + b.m2) + square * (0.5 * n);
            self.m3 = (a.m3 + b.m3) + 1.5 * delta * (b.m2 - a.m2);
            self.m4 = (a.m4 + b.m4)
                + square * (square * (0.125 * n) + 1.5 * (a.m2 + b.m2))
                + 2.0 * delta * (b.m3 - a.m3);
        } else {
            let (na, nb) = (a.count as f64, b.count as f64);
            let n = na + nb;
            let (fa, fb) = (na / n, nb / n);
            self.mean = a.mean + fb * delta;
            self.m2 = (a.m2 + b.m2) + square * (na * fb);
            self.m3 = (a.m3 + b.m3)
                + square * delta * (na * fb * (fa - fb))
                + 3.0 * delta * (fa * b.m2 - fb * a.m2);
            self.m4 = (a.m4 + b.m4)
                + square * square * (na * fb * (fa * fa - fa * fb + fb * fb))
                + 6.0 * square * (fa * fa * b.m2 + fb * fb * a.m2)
                + 4.0 * delta * (fa * b.m3 - fb * a.m3);
        }
        self.count = a.count + b.count;
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut tree = super::tree::Tree::<Self>::new();
        for (i, value) in values.into_iter().enumerate() {
            tree.push(i as u64, 1, |leaf| *leaf = Self::of(value));
        }
        tree.total().unwrap_or_default()
    }
}
