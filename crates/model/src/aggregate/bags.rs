//! Which rows form a bag.
use crate::{Argument, InputError};

/// A partition of the rows 0..n into non-empty bags, equal or unequal in size.
///
/// ```
/// use solvable_model::aggregate::BagDesign;
/// let bags = BagDesign::consecutive(6, 2)?;
/// assert_eq!(bags.members(1), [2, 3]);
/// assert_eq!(bags.means(&[1.0, 3.0, 0.0, 2.0, 5.0, 5.0])?, [2.0, 1.0, 5.0]);
/// # Ok::<(), solvable_model::InputError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BagDesign {
    /// Rows, bag after bag.
    rows: Vec<usize>,
    /// Bag a holds `rows[starts[a]..starts[a + 1]]`.
    starts: Vec<usize>,
    /// Bag of each row.
    bag_of: Vec<usize>,
}

impl BagDesign {
    /// Bags of `k` consecutive rows each.
    ///
    /// # Errors
    /// [`InputError`] when `n` or `k` is 0, `n` is above [`LARGEST_LIST`](crate::LARGEST_LIST) or `k` does not divide `n`.
    pub fn consecutive(n: usize, k: usize) -> Result<Self, InputError> {
        InputError::check_count("n", n)?;
        InputError::check_list("n", n)?;
        InputError::check_count("k", k)?;
        if !n.is_multiple_of(k) {
            return Err(InputError::Count {
                argument: "k".into(),
                value: k as u64,
                condition: "a divisor of the number of rows n",
            });
        }
        Ok(Self {
            rows: (0..n).collect(),
            starts: (0..=n / k).map(|a| a * k).collect(),
            bag_of: (0..n).map(|i| i / k).collect(),
        })
    }

    /// Bags given as lists of row numbers, counted from 0; together they must hold each row once.
    ///
    /// # Errors
    /// [`InputError`] when `n` is 0 or above [`LARGEST_LIST`](crate::LARGEST_LIST), a bag is empty, a bag names a row that is not below `n` (the bag is
    /// named), or a row is in no bag or in several (the row is named).
    pub fn new(n: usize, bags: &[Vec<usize>]) -> Result<Self, InputError> {
        InputError::check_count("n", n)?;
        InputError::check_list("n", n)?;
        let mut times = vec![0_u32; n];
        for (a, bag) in bags.iter().enumerate() {
            if bag.is_empty() {
                return Err(InputError::Count {
                    argument: Argument::indexed("size of bag", a),
                    value: 0,
                    condition: "at least 1",
                });
            }
            for &row in bag {
                let Some(t) = times.get_mut(row) else {
                    return Err(InputError::Count {
                        argument: Argument::indexed("row in bag", a),
                        value: row as u64,
                        condition: "a row number below the number of rows n",
                    });
                };
                *t += 1;
            }
        }
        if let Some(row) = times.iter().position(|&t| t != 1) {
            return Err(InputError::Count {
                argument: Argument::indexed("number of bags that hold row", row),
                value: u64::from(times[row]),
                condition: "1: bags must not overlap and must cover all rows",
            });
        }
        let mut bag_of = vec![0; n];
        let mut starts = Vec::with_capacity(bags.len() + 1);
        let mut rows = Vec::with_capacity(n);
        starts.push(0);
        for (a, bag) in bags.iter().enumerate() {
            for &row in bag {
                bag_of[row] = a;
            }
            rows.extend_from_slice(bag);
            starts.push(rows.len());
        }
        Ok(Self { rows, starts, bag_of })
    }

    /// Bags given by the label of each row; bags are numbered by increasing label.
    ///
    /// # Errors
    /// [`InputError`] when `labels` is empty.
    pub fn from_labels(labels: &[u64]) -> Result<Self, InputError> {
        let mut names = labels.to_vec();
        names.sort_unstable();
        names.dedup();
        let mut bags = vec![Vec::new(); names.len()];
        for (row, label) in labels.iter().enumerate() {
            let a = names.binary_search(label).expect("every label was collected above");
            bags[a].push(row);
        }
        Self::new(labels.len(), &bags)
    }

    /// Number of rows n.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.bag_of.len()
    }

    /// Number of bags m.
    #[must_use]
    pub fn bags(&self) -> usize {
        self.starts.len() - 1
    }

    /// Rows of bag `a`.
    ///
    /// # Panics
    /// When `a` is not below [`bags`](Self::bags).
    #[must_use]
    pub fn members(&self, a: usize) -> &[usize] {
        &self.rows[self.starts[a]..self.starts[a + 1]]
    }

    /// Size of bag `a`.
    ///
    /// # Panics
    /// When `a` is not below [`bags`](Self::bags).
    #[must_use]
    pub fn size(&self, a: usize) -> usize {
        self.starts[a + 1] - self.starts[a]
    }

    /// Bag of each row.
    #[must_use]
    pub fn bag_of(&self) -> &[usize] {
        &self.bag_of
    }

    /// The common bag size k, when all bags have the same.
    #[must_use]
    pub fn equal_size(&self) -> Option<usize> {
        let k = self.size(0);
        (1..self.bags()).all(|a| self.size(a) == k).then_some(k)
    }

    /// Average of `values` over each bag, in the order of the bags.
    ///
    /// # Errors
    /// [`InputError::Shape`] when `values` does not have one entry a row.
    pub fn means(&self, values: &[f64]) -> Result<Vec<f64>, InputError> {
        if values.len() != self.rows() {
            return Err(InputError::Shape {
                argument: "values".into(),
                found: (values.len(), 1),
                expected: (self.rows(), 1),
            });
        }
        Ok((0..self.bags()).map(|a| self.mean(a, values)).collect())
    }

    /// Average over one bag; `values` has one entry a row.
    pub(super) fn mean(&self, a: usize, values: &[f64]) -> f64 {
        let members = self.members(a);
        members.iter().map(|&i| values[i]).sum::<f64>() / members.len() as f64
    }
}
