//! Quantiles of a sample, with intervals that hold for any law.

/// A sorted sample.
///
/// ```
/// use solvable_sim::monte_carlo::Quantiles;
///
/// let q = Quantiles::new(vec![3.0, 1.0, 2.0, 4.0]).expect("finite values");
/// assert_eq!(q.at(0.5), 2.0);
/// assert_eq!((q.at(0.0), q.at(1.0)), (1.0, 4.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles {
    sorted: Vec<f64>,
}

impl Quantiles {
    /// Sorts a sample; `None` if it is empty or holds NaN.
    #[must_use]
    pub fn new(mut values: Vec<f64>) -> Option<Self> {
        if values.is_empty() || values.iter().any(|v| v.is_nan()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Self { sorted: values })
    }

    /// The sample in increasing order.
    #[must_use]
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// The smallest value that at least a fraction `p` of the sample does not exceed (`p` is cut to `[0, 1]`).
    #[must_use]
    pub fn at(&self, p: f64) -> f64 {
        let n = self.sorted.len();
        let rank = (p.clamp(0.0, 1.0) * n as f64).ceil() as usize;
        self.sorted[rank.clamp(1, n) - 1]
    }

    /// An interval that contains the `p`-quantile with probability at least `1 - level`, whatever the law.
    ///
    /// # Formula
    /// The number of values below the quantile is binomial; by Hoeffding's inequality it leaves `n p ± sqrt(n ln(2 / level) / 2)` with
    /// probability at most `level`. Ranks outside the sample give an infinite end.
    #[must_use]
    pub fn interval(&self, p: f64, level: f64) -> (f64, f64) {
        let n = self.sorted.len() as f64;
        let half = (0.5 * n * (2.0 / level.clamp(f64::MIN_POSITIVE, 1.0)).ln()).sqrt();
        let (low, high) = (n * p.clamp(0.0, 1.0) - half, n * p.clamp(0.0, 1.0) + half);
        // Order statistics: at most `low` values below, so the value of rank floor(low) is not above the quantile.
        let lower = if low < 1.0 { f64::NEG_INFINITY } else { self.sorted[low.floor() as usize - 1] };
        let upper = self.sorted.get(high.ceil() as usize).copied().unwrap_or(f64::INFINITY);
        (lower, upper)
    }
}
