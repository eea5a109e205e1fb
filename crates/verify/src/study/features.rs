//! A feature table with its treatment written down.
use std::path::{Path, PathBuf};

use solvable_linalg::{Mat, MatRef, sum_compensated};

use super::StudyError;
use crate::input::Table;

/// What is done to the columns of a table before its second moment is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Centring {
    /// Nothing: the second moment contains the means.
    Raw,
    /// Column means are subtracted.
    Centred,
    /// Column means are subtracted and columns divided by their standard deviation (denominator n).
    Standardised,
}

/// A feature matrix, samples as rows, after its treatment.
#[derive(Clone, Debug)]
pub struct Features {
    path: PathBuf,
    columns: Vec<String>,
    values: Mat<f64>,
    constant: Vec<usize>,
    treatment: Centring,
}

impl Features {
    /// Reads a table of at least two rows and treats its columns.
    ///
    /// A constant column is kept, so that column numbers stay those of the file; under [`Centring::Centred`] and
    /// [`Centring::Standardised`] it becomes exactly zero and has no influence, and [`constant`](Self::constant)
    /// names it.
    ///
    /// # Errors
    /// [`StudyError::Read`] for what is not a finite numeric table, [`StudyError::FewRows`] for a single row,
    /// [`StudyError::Constant`] when no column varies.
    pub fn read(path: &Path, treatment: Centring) -> Result<Self, StudyError> {
        let table = Table::read(path)?;
        Self::new(path, table, treatment)
    }

    /// Treats a table that was read from `path`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn new(path: &Path, table: Table, treatment: Centring) -> Result<Self, StudyError> {
        let (n, d) = (table.values.nrows(), table.values.ncols());
        if n < 2 {
            let condition = "a second moment needs at least 2";
            return Err(StudyError::FewRows { path: path.to_owned(), rows: n, condition });
        }
        let mut values = table.values;
        let constant = treat(&mut values, treatment);
        if constant.len() == d {
            return Err(StudyError::Constant { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), columns: table.columns, values, constant, treatment })
    }

    /// The table made of these rows (counted from 0, repeats allowed), treated afresh: a bootstrap resample. `None` when
    /// no column of it varies.
    ///
    /// # Panics
    /// When a row number is not below [`rows`](Self::rows).
    #[must_use]
    pub fn resampled(&self, rows: &[usize]) -> Option<Mat<f64>> {
        let mut values = Mat::from_fn(rows.len(), self.dimension(), |i, j| self.values[(rows[i], j)]);
        let constant = treat(&mut values, self.treatment);
        (constant.len() < self.dimension()).then_some(values)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Column names.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The treated values, samples as rows.
    #[must_use]
    pub fn values(&self) -> MatRef<'_, f64> {
        self.values.as_ref()
    }

    /// Samples.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.nrows()
    }

    /// Features.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.values.ncols()
    }

    /// Columns (counted from 0) whose entries are all equal in the file.
    #[must_use]
    pub fn constant(&self) -> &[usize] {
        &self.constant
    }

    /// The treatment.
    #[must_use]
    pub fn treatment(&self) -> Centring {
        self.treatment
    }
}

/// Treats the columns in place; returns the constant ones.
fn treat(values: &mut Mat<f64>, treatment: Centring) -> Vec<usize> {
    let (n, d) = (values.nrows(), values.ncols());
    let mut constant = Vec::new();
    for j in 0..d {
        let column: Vec<f64> = (0..n).map(|i| values[(i, j)]).collect();
        let flat = column.iter().all(|v| *v == column[0]);
        if flat {
            constant.push(j);
        }
        if treatment == Centring::Raw {
            continue;
        }
        // Each term divided first: a sum of n large finite entries may overflow.
        let terms: Vec<f64> = column.iter().map(|v| v / n as f64).collect();
        let mean = sum_compensated(&terms);
        let centred: Vec<f64> = column.iter().map(|v| if flat { 0.0 } else { v - mean }).collect();
        let largest = centred.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let scale = if treatment == Centring::Standardised && !flat {
            let squares: Vec<f64> = centred.iter().map(|v| (v / largest).powi(2) / n as f64).collect();
            largest * sum_compensated(&squares).sqrt()
        } else {
            1.0
        };
        for (i, v) in centred.iter().enumerate() {
            values[(i, j)] = v / scale;
        }
    }
    constant
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[f64]]) -> Table {
        let d = rows[0].len();
        Table {
            columns: (0..d).map(|j| format!("c{j}")).collect(),
            values: Mat::from_fn(rows.len(), d, |i, j| rows[i][j]),
        }
    }

    #[test]
    fn centring_is_exact_for_constant_columns_and_huge_entries() {
        let rows: &[&[f64]] = &[&[0.1, 1e308, 1.0], &[0.1, 1e308, 3.0], &[0.1, -1e308, 5.0]];
        let f = Features::new(Path::new("x.csv"), table(rows), Centring::Standardised).expect("valid");
        assert_eq!(f.constant(), [0]);
        for i in 0..3 {
            assert_eq!(f.values()[(i, 0)], 0.0);
        }
        for j in 1..3 {
            let column: Vec<f64> = (0..3).map(|i| f.values()[(i, j)]).collect();
            assert!(column.iter().sum::<f64>().abs() < 1e-14);
            assert!((column.iter().map(|v| v * v).sum::<f64>() - 3.0).abs() < 1e-14);
        }
    }

    #[test]
    fn one_row_and_constant_tables_are_refused() {
        let one = Features::new(Path::new("x.csv"), table(&[&[1.0, 2.0]]), Centring::Raw);
        assert!(one.expect_err("one row").to_string().contains("1 data rows"));
        let flat = Features::new(Path::new("x.csv"), table(&[&[1.0], &[1.0]]), Centring::Centred);
        assert!(flat.expect_err("constant").to_string().contains("constant"));
    }
}
