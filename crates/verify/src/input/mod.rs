//! A user's own tables: CSV and NumPy files, read row by row.
//!
//! [`Rows`] streams a file in bounded memory; [`Table`] holds a whole one. Numbers must be finite: a missing value, a
//! text entry, a NaN or an infinity is refused with its row and column. A CSV file may start with a header line: its
//! first line is a header when any of its fields is not a number.
mod csv_rows;
mod npy_rows;

use std::io;
use std::path::{Path, PathBuf};

use solvable_linalg::Mat;

use csv_rows::CsvRows;
use npy_rows::NpyRows;

/// Why a table was refused. Rows and columns count from 1, header excluded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// The file is neither called .csv nor .npy.
    #[error("{path}: the name must end in .csv, .txt or .npy", path = path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The file has no data rows.
    #[error("{path} holds no data rows", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A row of another length than the first.
    #[error("{path}, row {row}: {found} fields, expected {expected}", path = path.display())]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The row.
        row: u64,
        /// Its length.
        found: usize,
        /// The length of the first row.
        expected: usize,
    },
    /// A missing value.
    #[error(
        "{path}, row {row}, column {column}: the value is missing; drop the row or fill it in",
        path = path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The row.
        row: u64,
        /// The column.
        column: usize,
    },
    /// An entry that is not a number.
    #[error(
        "{path}, row {row}, column {column}: {text:?} is not a number; encode or drop text columns",
        path = path.display()
    )]
    NotANumber {
        /// The file.
        path: PathBuf,
        /// The row.
        row: u64,
        /// The column.
        column: usize,
        /// The entry.
        text: String,
    },
    /// A NaN or an infinity.
    #[error("{path}, row {row}, column {column}: {value} is not finite", path = path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The row.
        row: u64,
        /// The column.
        column: usize,
        /// The entry.
        value: f64,
    },
    /// A NumPy array that is not a real matrix or vector.
    #[error("{path}: {reason}", path = path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
}

enum Source {
    Csv(CsvRows),
    Npy(NpyRows),
}

/// The rows of a table file, one at a time.
pub struct Rows {
    path: PathBuf,
    source: Source,
    row: u64,
}

impl Rows {
    /// Opens a `.csv` (or `.txt`) or `.npy` file and reads its header.
    ///
    /// # Errors
    /// [`ReadError`] when the file cannot be opened or is of an unknown or unsupported format.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
        let source = match extension.as_str() {
            "csv" | "txt" => Source::Csv(CsvRows::open(path)?),
            "npy" => Source::Npy(NpyRows::open(path)?),
            _ => return Err(ReadError::UnknownFormat { path: path.to_owned() }),
        };
        Ok(Self { path: path.to_owned(), source, row: 0 })
    }

    /// Column names: from the header, or `column 1`, `column 2`, ...
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let (header, width) = match &self.source {
            Source::Csv(rows) => (rows.header(), rows.width()),
            Source::Npy(rows) => (None, rows.width()),
        };
        header.map_or_else(|| (1..=width).map(|i| format!("column {i}")).collect(), <[String]>::to_vec)
    }

    /// Reads the next row into `row`; false at the end.
    ///
    /// # Errors
    /// [`ReadError`] naming row and column of the first bad entry.
    pub fn next_into(&mut self, row: &mut Vec<f64>) -> Result<bool, ReadError> {
        row.clear();
        self.row += 1;
        let more = match &mut self.source {
            Source::Csv(rows) => rows.next_into(&self.path, self.row, row)?,
            Source::Npy(rows) => rows.next_into(&self.path, row)?,
        };
        if let Some(column) = row.iter().position(|v| !v.is_finite()) {
            let (path, value) = (self.path.clone(), row[column]);
            return Err(ReadError::NotFinite { path, row: self.row, column: column + 1, value });
        }
        Ok(more)
    }
}

/// A whole table in memory.
#[derive(Clone, Debug)]
pub struct Table {
    /// Column names.
    pub columns: Vec<String>,
    /// Entries, samples as rows.
    pub values: Mat<f64>,
}

impl Table {
    /// Reads a whole file.
    ///
    /// # Errors
    /// [`ReadError`], also when there are no data rows.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let mut rows = Rows::open(path)?;
        let columns = rows.columns();
        let mut flat = Vec::new();
        let mut row = Vec::new();
        let mut count = 0;
        while rows.next_into(&mut row)? {
            flat.extend_from_slice(&row);
            count += 1;
        }
        if count == 0 || columns.is_empty() {
            return Err(ReadError::Empty { path: path.to_owned() });
        }
        let width = columns.len();
        Ok(Self { columns, values: Mat::from_fn(count, width, |i, j| flat[i * width + j]) })
    }
}

#[cfg(test)]
mod tests;
