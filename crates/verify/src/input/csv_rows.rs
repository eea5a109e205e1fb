//! Rows of a CSV file.
use std::fs::File;
use std::io;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::ReadError;

/// Spellings of a missing value.
const MISSING: [&str; 5] = ["", "na", "n/a", "null", "?"];

pub(super) struct CsvRows {
    reader: csv::Reader<File>,
    header: Option<Vec<String>>,
    /// The first data row, read to find out whether there is a header.
    pending: Option<StringRecord>,
    record: StringRecord,
    width: usize,
}

impl CsvRows {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(file);
        let mut record = StringRecord::new();
        let any = reader.read_record(&mut record).map_err(|e| fail(path, e))?;
        if !any {
            return Err(ReadError::Empty { path: path.to_owned() });
        }
        let width = record.len();
        // "nan" and "inf" parse as numbers: such a first line is data, and refused as such.
        let is_header =
            record.iter().any(|f| f.parse::<f64>().is_err() && !MISSING.contains(&f.to_lowercase().as_str()));
        let (header, pending) = if is_header {
            (Some(record.iter().map(str::to_owned).collect()), None)
        } else {
            (None, Some(record.clone()))
        };
        Ok(Self { reader, header, pending, record, width })
    }

    pub(super) fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn next_into(
        &mut self,
        path: &Path,
        row: u64,
        values: &mut Vec<f64>,
    ) -> Result<bool, ReadError> {
        if let Some(first) = self.pending.take() {
            self.record = first;
        } else if !self.reader.read_record(&mut self.record).map_err(|e| fail(path, e))? {
            return Ok(false);
        }
        if self.record.len() != self.width {
            let (found, expected) = (self.record.len(), self.width);
            return Err(ReadError::Ragged { path: path.to_owned(), row, found, expected });
        }
        for (index, field) in self.record.iter().enumerate() {
            let column = index + 1;
            match field.parse::<f64>() {
                Ok(value) => values.push(value),
                Err(_) if MISSING.contains(&field.to_lowercase().as_str()) => {
                    return Err(ReadError::Missing { path: path.to_owned(), row, column });
                }
                Err(_) => {
                    let text = field.chars().take(40).collect();
                    return Err(ReadError::NotANumber { path: path.to_owned(), row, column, text });
                }
            }
        }
        Ok(true)
    }
}

fn fail(path: &Path, error: csv::Error) -> ReadError {
    ReadError::Io { path: path.to_owned(), source: io::Error::from(error) }
}
