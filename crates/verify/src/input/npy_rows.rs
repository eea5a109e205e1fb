//! Rows of a NumPy `.npy` file.
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use npyz::{DType, Deserialize, NpyFile, Order, TypeChar};

use super::ReadError;

type Values = Box<dyn Iterator<Item = io::Result<f64>>>;

pub(super) struct NpyRows {
    values: Values,
    rows: u64,
    width: usize,
    done: u64,
}

impl NpyRows {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let fail = |source| ReadError::Io { path: path.to_owned(), source };
        let refuse = |reason| ReadError::Array { path: path.to_owned(), reason };
        let file = NpyFile::new(BufReader::new(File::open(path).map_err(fail)?)).map_err(fail)?;
        let (rows, width) = match *file.shape() {
            [n] => (n, 1),
            [n, d] => (n, usize::try_from(d).map_err(|_| refuse("the array is too wide"))?),
            _ => return Err(refuse("the array must have one or two dimensions")),
        };
        if width == 0 {
            return Err(refuse("the array has no columns"));
        }
        let fortran = file.order() == Order::Fortran && width > 1 && rows > 1;
        let values = read(file).ok_or_else(|| {
            refuse("the array must hold real numbers (float32, float64, integers or booleans)")
        })?;
        // Columns come first in Fortran order: such a file cannot be streamed by rows.
        let values = if fortran {
            let flat = values.collect::<io::Result<Vec<f64>>>().map_err(fail)?;
            let n = usize::try_from(rows).map_err(|_| refuse("the array is too long"))?;
            Box::new((0..n * width).map(move |k| Ok(flat[(k % width) * n + k / width])))
        } else {
            values
        };
        Ok(Self { values, rows, width, done: 0 })
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn next_into(&mut self, path: &Path, values: &mut Vec<f64>) -> Result<bool, ReadError> {
        if self.done == self.rows {
            return Ok(false);
        }
        self.done += 1;
        for _ in 0..self.width {
            let value = self
                .values
                .next()
                .unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))
                .map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
            values.push(value);
        }
        Ok(true)
    }
}

fn read(file: NpyFile<BufReader<File>>) -> Option<Values> {
    let DType::Plain(kind) = file.dtype() else { return None };
    match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 8) => column::<f64>(file, |v| v),
        (TypeChar::Float, 4) => column::<f32>(file, f64::from),
        (TypeChar::Int, 8) => column::<i64>(file, |v| v as f64),
        (TypeChar::Int, 4) => column::<i32>(file, f64::from),
        (TypeChar::Int, 2) => column::<i16>(file, f64::from),
        (TypeChar::Int, 1) => column::<i8>(file, f64::from),
        (TypeChar::Uint, 8) => column::<u64>(file, |v| v as f64),
        (TypeChar::Uint, 4) => column::<u32>(file, f64::from),
        (TypeChar::Uint, 2) => column::<u16>(file, f64::from),
        (TypeChar::Uint, 1) => column::<u8>(file, f64::from),
        (TypeChar::Bool, _) => column::<bool>(file, |v| f64::from(u8::from(v))),
        _ => None,
    }
}

fn column<T: Deserialize + 'static>(
    file: NpyFile<BufReader<File>>,
    convert: impl Fn(T) -> f64 + 'static,
) -> Option<Values> {
    let data = file.data::<T>().ok()?;
    Some(Box::new(data.map(move |v| v.map(&convert))))
}
