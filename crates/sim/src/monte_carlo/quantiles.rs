//! Quantiles of a sample, with intervals that hold for any law.
use solvable_model::InputError;

/// A sorted sample.
///
/// Exact, and so holds every value: 8 bytes a replica. Samples of ranges of replicas ([`Replicas::values`](super::Replicas::values))
/// [`merge`](Self::merge) to the same bits in any order and grouping.
///
/// ```
/// use solvable_sim::monte_carlo::Quantiles;
///
/// let q = Quantiles::new(vec![3.0, 1.0, 2.0, 4.0]).expect("finite values");
/// assert_eq!(q.at(0.5)?, 2.0);
/// assert_eq!((q.at(0.0)?, q.at(1.0)?), (1.0, 4.0));
/// # Ok::<(), solvable_model::InputError>(())
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

    /// Adds a disjoint sample: one pass over both.
    pub fn merge(&mut self, other: &Self) {
        let (left, right) = (std::mem::take(&mut self.sorted), &other.sorted);
        let mut merged = Vec::with_capacity(left.len() + right.len());
        let mut rest = right.as_slice();
        for value in left {
            // Values that compare equal have the same bits, so that their order is no matter.
            let before = rest.partition_point(|v| v.total_cmp(&value).is_lt());
            merged.extend_from_slice(&rest[..before]);
            merged.push(value);
            rest = &rest[before..];
        }
        merged.extend_from_slice(rest);
        self.sorted = merged;
    }

    /// The smallest value that at least a fraction `p` of the sample does not exceed.
    ///
    /// # Errors
    /// A `p` outside `[0, 1]`, or NaN.
    pub fn at(&self, p: f64) -> Result<f64, InputError> {
        check_fraction("p", p)?;
        let n = self.sorted.len();
        let rank = (p * n as f64).ceil() as usize;
        Ok(self.sorted[rank.clamp(1, n) - 1])
    }

    /// An interval that contains the `p`-quantile with probability at least `1 - level`, whatever the law.
    ///
    /// # Formula
    /// The number of values below the quantile is binomial; by Hoeffding's inequality it leaves `n p ± sqrt(n ln(2 / level) / 2)` with
    /// probability at most `level`. Ranks outside the sample give an infinite end.
    ///
    /// # Errors
    /// A `p` outside `[0, 1]`, a level outside `(0, 1]`, or NaN.
    pub fn interval(&self, p: f64, level: f64) -> Result<(f64, f64), InputError> {
        check_fraction("p", p)?;
        InputError::check("level", level, level > 0.0 && level <= 1.0, "above 0 and at most 1")?;
        let n = self.sorted.len() as f64;
        let half = (0.5 * n * (2.0_f64.ln() - level.ln())).sqrt();
        let (low, high) = (n * p - half, n * p + half);
        // Order statistics: at most `low` values below, so the value of rank floor(low) is not above the quantile.
        let lower = if low < 1.0 { f64::NEG_INFINITY } else { self.sorted[low.floor() as usize - 1] };
        let upper = self.sorted.get(high.ceil() as usize).copied().unwrap_or(f64::INFINITY);
        Ok((lower, upper))
    }
}

fn check_fraction(name: &'static str, p: f64) -> Result<f64, InputError> {
    InputError::check(name, p, (0.0..=1.0).contains(&p), "at least 0 and at most 1")
}
