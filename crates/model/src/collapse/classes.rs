//! How many samples each class has.
use crate::{Argument, InputError};

/// The class sizes n_1..n_K, each at least 1, and their sum N.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassCounts {
    counts: Vec<usize>,
    total: usize,
}

impl ClassCounts {
    /// Class sizes in the caller's order.
    ///
    /// # Errors
    /// [`InputError::Count`] when there is no class or a class has no sample; [`InputError::Condition`] when the
    /// number of samples overflows.
    pub fn new(counts: Vec<usize>) -> Result<Self, InputError> {
        InputError::check_count("K", counts.len())?;
        let mut total = 0_usize;
        for (k, &n) in counts.iter().enumerate() {
            if n == 0 {
                let argument = Argument::indexed("class_counts", k);
                return Err(InputError::Count { argument, value: 0, condition: "at least 1" });
            }
            total = total.checked_add(n).ok_or(InputError::Condition {
                argument: Argument::indexed("class_counts", k),
                value: n as f64,
                condition: "the total number of samples must fit into a machine word",
            })?;
        }
        Ok(Self { counts, total })
    }

    /// K classes of n samples each.
    ///
    /// # Errors
    /// As [`new`](Self::new); also when K is above [`LARGEST_LIST`](crate::LARGEST_LIST).
    pub fn balanced(k: usize, n: usize) -> Result<Self, InputError> {
        InputError::check_list("K", k)?;
        InputError::check_count("n", n)?;
        Self::new(vec![n; k])
    }

    /// The sizes, in the order given.
    #[must_use]
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// K.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.counts.len()
    }

    /// N.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    /// The common size, when all classes have the same.
    #[must_use]
    pub fn common_size(&self) -> Option<usize> {
        let first = self.counts[0];
        self.counts.iter().all(|&n| n == first).then_some(first)
    }
}
