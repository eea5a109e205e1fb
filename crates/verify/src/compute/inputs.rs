//! Typed access to the keys of a `compute` input.
use serde_json::{Map, Value};
use solvable_linalg::Mat;

use super::ComputeError;

/// The type of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A number; "inf" and "-inf" are read too.
    Number,
    /// A whole number, at least 0 (3 and 3.0 alike).
    Count,
    /// true or false.
    Boolean,
    /// A list of numbers.
    Vector,
    /// A list of rows of equal length.
    Matrix,
    /// A list of matrices.
    Matrices,
    /// A list of lists of numbers, of any lengths.
    Lists,
    /// A string.
    Text,
    /// A number, or a string that stands for a value no number can name.
    NumberOrText,
    /// An object with these keys.
    Object(&'static [Key]),
}

impl Shape {
    /// In words, for messages and `describe`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Count => "a whole number, at least 0",
            Self::Boolean => "true or false",
            Self::Vector => "a list of numbers",
            Self::Matrix => "a matrix: a list of rows of equal length",
            Self::Matrices => "a list of matrices",
            Self::Lists => "a list of lists of numbers",
            Self::Text => "a string",
            Self::NumberOrText => "a number or a string",
            Self::Object(_) => "an object",
        }
    }
}

/// An input key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub shape: Shape,
    /// Whether it may be left out.
    pub optional: bool,
}

impl Key {
    /// A required key.
    #[must_use]
    pub const fn new(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, optional: false }
    }

    /// A key that may be left out.
    #[must_use]
    pub const fn optional(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, optional: true }
    }
}

/// The checked keys of one call: every declared key present has its declared type.
#[derive(Debug)]
pub struct Inputs<'a> {
    object: &'a Map<String, Value>,
}

impl<'a> Inputs<'a> {
    /// Checks the types of all keys.
    ///
    /// # Errors
    /// [`ComputeError::WrongType`] or [`ComputeError::MissingKey`] for the first offender.
    pub fn new(object: &'a Map<String, Value>, keys: &[Key]) -> Result<Self, ComputeError> {
        check_object(object, keys, "")?;
        Ok(Self { object })
    }

    /// Whether an optional key is present.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.object.get(key).is_some_and(|v| !v.is_null())
    }

    fn get(&self, key: &str) -> Result<&'a Value, ComputeError> {
        self.object.get(key).ok_or_else(|| wrong(key, "present", &Value::Null))
    }

    /// A number.
    ///
    /// # Errors
    /// [`ComputeError::WrongType`] when the key is absent or not a number.
    pub fn number(&self, key: &str) -> Result<f64, ComputeError> {
        let value = self.get(key)?;
        as_number(value).ok_or_else(|| wrong(key, Shape::Number.words(), value))
    }

    /// A whole number.
    ///
    /// # Errors
    /// [`ComputeError::WrongType`] when the key is absent or not a whole number.
    pub fn count(&self, key: &str) -> Result<usize, ComputeError> {
        let value = self.get(key)?;
        as_count(value).ok_or_else(|| wrong(key, Shape::Count.words(), value))
    }

    /// true or false.
    ///
    /// # Errors
    /// [`ComputeError::WrongType`] when the key is absent or not a boolean.
    pub fn boolean(&self, key: &str) -> Result<bool, ComputeError> {
        let value = self.get(key)?;
        value.as_bool().ok_or_else(|| wrong(key, Shape::Boolean.words(), value))
    }

    /// A string.
    ///
    /// # Errors
    /// [`ComputeError::WrongType`] when the key is absent or not a string.
    pub fn text(&self, key: &str) -> Result<&'a str, ComputeError> {
        let value = self.get(key)?;
        value.as_str().ok_or_else(|| wrong(key, Shape::Text.words(), value))
    }

    /// A list of numbers.
    ///
    /// # Errors
    /// [`ComputeError::WrongType`] when the key is absent or of another type.
    pub fn vector(&self, key: &str) -> Result<Vec<f64>, ComputeError> {
        let value = self.get(key)?;
        as_vector(value).ok_or_else(|| wrong(key, Shape::Vector.words(), value))
    }

    /// A list of whole numbers.
    ///
    /// # Errors
    /// [`ComputeError::WrongType`] when the key is absent or an entry is not a whole number.
    pub fn counts(&self, key: &str) -> Result<Vec<usize>, ComputeError> {
        let value = self.get(key)?;
        let list = value.as_array().and_then(|l| l.iter().map(as_count).collect::<Option<Vec<_>>>());
        list.ok_or_else(|| wrong(key, "a list of whole numbers, each at least 0", value))
    }

    /// A list of lists of numbers.
    ///
    /// # Errors
    /// [`ComputeError::WrongType`] when the key is absent or of another type.
    pub fn lists(&self, key: &str) -> Result<Vec<Vec<f64>>, ComputeError> {
        let value = self.get(key)?;
        as_lists(value).ok_or_else(|| wrong(key, Shape::Lists.words(), value))
    }

    /// A matrix.
    ///
    /// # Errors
    /// [`ComputeError::WrongType`] when the key is absent, empty or ragged.
    pub fn matrix(&self, key: &str) -> Result<Mat<f64>, ComputeError> {
        let value = self.get(key)?;
        as_matrix(value).ok_or_else(|| wrong(key, Shape::Matrix.words(), value))
    }

    /// A list of matrices.
    ///
    /// # Errors
    /// [`ComputeError::WrongType`] when the key is absent or of another type.
    pub fn matrices(&self, key: &str) -> Result<Vec<Mat<f64>>, ComputeError> {
        let value = self.get(key)?;
        let list = value.as_array().and_then(|l| l.iter().map(as_matrix).collect::<Option<Vec<_>>>());
        list.ok_or_else(|| wrong(key, Shape::Matrices.words(), value))
    }

    /// The keys of a nested object.
    ///
    /// # Errors
    /// [`ComputeError::WrongType`] when the key is absent or not an object.
    pub fn object(&self, key: &str) -> Result<Inputs<'a>, ComputeError> {
        let value = self.get(key)?;
        let object = value.as_object().ok_or_else(|| wrong(key, "an object", value))?;
        Ok(Inputs { object })
    }
}

fn check_object(object: &Map<String, Value>, keys: &[Key], prefix: &str) -> Result<(), ComputeError> {
    for key in keys {
        let path = format!("{prefix}{}", key.name);
        let Some(value) = object.get(key.name) else {
            if key.optional {
                continue;
            }
            return Err(wrong(&path, "present", &Value::Null));
        };
        if key.optional && value.is_null() {
            continue;
        }
        let fits = match key.shape {
            Shape::Number => as_number(value).is_some(),
            Shape::Count => as_count(value).is_some(),
            Shape::Boolean => value.is_boolean(),
            Shape::Text => value.is_string(),
            Shape::NumberOrText => value.is_number() || value.is_string(),
            Shape::Vector => as_vector(value).is_some(),
            Shape::Lists => as_lists(value).is_some(),
            Shape::Matrix => as_matrix(value).is_some(),
            Shape::Matrices => value.as_array().is_some_and(|l| l.iter().all(|m| as_matrix(m).is_some())),
            Shape::Object(_) => value.is_object(),
        };
        if !fits {
            return Err(wrong(&path, key.shape.words(), value));
        }
        if let (Shape::Object(inner), Some(nested)) = (key.shape, value.as_object()) {
            let path = format!("{path}.");
            check_object(nested, inner, &path)?;
            if let Some(name) = nested.keys().find(|n| inner.iter().all(|k| k.name != *n)) {
                return Err(wrong(&format!("{path}{name}"), "absent: it is not a known key", &nested[name]));
            }
        }
    }
    Ok(())
}

fn wrong(key: &str, expected: &'static str, found: &Value) -> ComputeError {
    let mut text = if found.is_null() { "nothing".to_owned() } else { found.to_string() };
    if text.chars().count() > 60 {
        text = text.chars().take(57).collect::<String>() + "...";
    }
    ComputeError::WrongType { key: key.to_owned(), expected, found: text }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => match s.as_str() {
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// Whole numbers are exact in double precision up to 2^53; larger ones are refused as not whole.
fn as_count(value: &Value) -> Option<usize> {
    if let Some(n) = value.as_u64() {
        return usize::try_from(n).ok();
    }
    let v = value.as_f64()?;
    (v >= 0.0 && v.fract() == 0.0 && v <= 9_007_199_254_740_992.0).then_some(v as usize)
}

fn as_vector(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(as_number).collect()
}

fn as_lists(value: &Value) -> Option<Vec<Vec<f64>>> {
    value.as_array()?.iter().map(as_vector).collect()
}

fn as_matrix(value: &Value) -> Option<Mat<f64>> {
    let rows = as_lists(value)?;
    let columns = rows.first()?.len();
    if columns == 0 || rows.iter().any(|r| r.len() != columns) {
        return None;
    }
    Some(Mat::from_fn(rows.len(), columns, |i, j| rows[i][j]))
}
