//! The estimators that are made private, as written.
use super::{DiscreteData, IntervalData};
use crate::InputError;

/// A deterministic integer-valued functional of a multiset on {0, ..., q-1}.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscreteFunctional {
    /// The j-th smallest value, j counted from 1; the median of n = 2h+1 data is j = h+1, the lower median
    /// of an even number j = n/2.
    OrderStatistic {
        /// Rank, from 1.
        j: usize,
    },
    /// The sum.
    Sum,
    /// The sum after dropping the `drop` smallest and the `drop` largest values.
    TrimmedSum {
        /// Values dropped at each end.
        drop: usize,
    },
}

impl DiscreteFunctional {
    /// Refuses a functional that is not defined for n data.
    ///
    /// # Errors
    /// [`InputError::Count`] when j is not in 1..=n, or trimming leaves nothing.
    pub fn check(self, n: usize) -> Result<(), InputError> {
        let (argument, value, condition) = match self {
            Self::OrderStatistic { j } if j == 0 || j > n => ("j", j, "between 1 and the number of data"),
            Self::TrimmedSum { drop } if drop > n || 2 * drop >= n => {
                ("number dropped at each end", drop, "less than half the number of data")
            }
            _ => return Ok(()),
        };
        Err(InputError::Count { argument: argument.into(), value: value as u64, condition })
    }

    /// The value on `data`.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn evaluate(self, data: &DiscreteData) -> Result<usize, InputError> {
        self.check(data.n())?;
        let sorted = data.sorted();
        Ok(match self {
            Self::OrderStatistic { j } => sorted[j - 1],
            Self::Sum => sorted.iter().sum(),
            Self::TrimmedSum { drop } => sorted[drop..sorted.len() - drop].iter().sum(),
        })
    }
}

/// A location functional of numbers in an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntervalFunctional {
    /// The median of an odd number of data.
    Median,
    /// The average.
    Mean,
}

impl IntervalFunctional {
    /// The value on `data`.
    ///
    /// # Errors
    /// [`InputError::Count`] for the median of an even number of data.
    pub fn evaluate(self, data: &IntervalData) -> Result<f64, InputError> {
        let n = data.n();
        match self {
            Self::Median if n.is_multiple_of(2) => Err(InputError::Count {
                argument: "number of data".into(),
                value: n as u64,
                condition: "odd for the median (use an order statistic)",
            }),
            Self::Median => Ok(data.sorted()[n / 2]),
            // Each term is divided first: the sum of large finite data may overflow.
            Self::Mean => Ok(data.sorted().iter().map(|x| x / n as f64).sum()),
        }
    }
}
