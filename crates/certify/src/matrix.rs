//! Matrices of intervals.
use solvable_linalg::{Mat, MatRef};

use crate::{CertifyError, Interval};

/// A matrix of intervals, row by row.
///
/// Products are plain sums of products: O(n^3) interval operations of about a microsecond.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalMatrix {
    rows: usize,
    columns: usize,
    entries: Vec<Interval>,
}

impl IntervalMatrix {
    /// The exact values of a matrix of doubles.
    ///
    /// # Errors
    /// [`CertifyError::NotFinite`] for NaN and infinities.
    pub fn exact(a: MatRef<'_, f64>) -> Result<Self, CertifyError> {
        let (rows, columns) = (a.nrows(), a.ncols());
        let entries = (0..rows * columns)
            .map(|k| Interval::exact(a[(k / columns, k % columns)]))
            .collect::<Result<_, _>>()?;
        Ok(Self { rows, columns, entries })
    }

    /// A matrix from its entries.
    #[must_use]
    pub fn from_fn(rows: usize, columns: usize, mut entry: impl FnMut(usize, usize) -> Interval) -> Self {
        let entries = (0..rows * columns).map(|k| entry(k / columns, k % columns)).collect();
        Self { rows, columns, entries }
    }

    /// The identity.
    #[must_use]
    pub fn identity(size: usize) -> Self {
        Self::from_fn(size, size, |i, j| Interval::from(i64::from(i == j)))
    }

    /// Rows.
    #[must_use]
    pub fn nrows(&self) -> usize {
        self.rows
    }

    /// Columns.
    #[must_use]
    pub fn ncols(&self) -> usize {
        self.columns
    }

    /// Entry (i, j).
    ///
    /// # Panics
    /// Outside the matrix, as indexing does.
    #[must_use]
    pub fn get(&self, i: usize, j: usize) -> &Interval {
        assert!(
            i < self.rows && j < self.columns,
            "entry ({i}, {j}) of a {} x {} matrix",
            self.rows,
            self.columns
        );
        &self.entries[i * self.columns + j]
    }

    /// The transpose.
    #[must_use]
    pub fn transpose(&self) -> Self {
        Self::from_fn(self.columns, self.rows, |i, j| self.get(j, i).clone())
    }

    /// `f` of every entry.
    #[must_use]
    pub fn map(&self, f: impl Fn(&Interval) -> Interval) -> Self {
        Self { entries: self.entries.iter().map(f).collect(), ..*self }
    }

    /// The product; shapes must fit.
    ///
    /// # Panics
    /// When the inner dimensions differ.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        assert_eq!(self.columns, other.rows, "inner dimensions of a product");
        Self::from_fn(self.rows, other.columns, |i, j| {
            (0..self.columns)
                .fold(Interval::zero(), |sum, k| sum + self.get(i, k).clone() * other.get(k, j).clone())
        })
    }

    /// Entrywise sum.
    ///
    /// # Panics
    /// When the shapes differ.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns), "shapes of a sum");
        Self::from_fn(self.rows, self.columns, |i, j| self.get(i, j).clone() + other.get(i, j).clone())
    }

    /// The trace of a square matrix.
    #[must_use]
    pub fn trace(&self) -> Interval {
        (0..self.rows.min(self.columns)).fold(Interval::zero(), |sum, i| sum + self.get(i, i).clone())
    }

    /// Doubles in the middle of the entries.
    #[must_use]
    pub fn midpoint(&self) -> Mat<f64> {
        Mat::from_fn(self.rows, self.columns, |i, j| self.get(i, j).midpoint())
    }

    /// X with `self X = right`, for every choice of members: Gaussian elimination, pivots by size.
    ///
    /// # Errors
    /// [`CertifyError::Singular`] when a pivot may be 0.
    ///
    /// # Panics
    /// When the matrix is not square or the right side has another number of rows.
    pub fn solve(&self, right: &Self) -> Result<Self, CertifyError> {
        let n = self.rows;
        assert!(self.columns == n && right.rows == n, "shapes of a linear system");
        let width = n + right.columns;
        let mut work: Vec<Vec<Interval>> = (0..n)
            .map(|i| {
                let left = (0..n).map(|j| self.get(i, j).clone());
                left.chain((0..right.columns).map(|j| right.get(i, j).clone())).collect()
            })
            .collect();
        for k in 0..n {
            let pivot = (k..n)
                .filter(|&i| !work[i][k].contains_zero())
                .max_by(|&a, &b| work[a][k].magnitude().high().cmp(work[b][k].magnitude().high()))
                .ok_or(CertifyError::Singular { size: n })?;
            work.swap(k, pivot);
            for i in k + 1..n {
                let factor = (work[i][k].clone() / work[k][k].clone())?;
                if factor == Interval::zero() {
                    continue;
                }
                for j in k + 1..width {
                    let update = factor.clone() * work[k][j].clone();
                    work[i][j] = work[i][j].clone() - update;
                }
            }
        }
        for k in (0..n).rev() {
            for j in n..width {
                let known =
                    (k + 1..n).fold(Interval::zero(), |sum, m| sum + work[k][m].clone() * work[m][j].clone());
                work[k][j] = ((work[k][j].clone() - known) / work[k][k].clone())?;
            }
        }
        Ok(Self::from_fn(n, right.columns, |i, j| work[i][n + j].clone()))
    }
}
