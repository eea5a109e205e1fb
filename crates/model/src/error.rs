//! Refusals of invalid input: each names the argument, its value and the condition it broke.
use core::fmt;

/// Longest list that a single number makes this library allocate (2 GiB of `f64`).
///
/// A size far above it is a slip of the caller, which deserves a refusal rather than an exhausted machine.
pub const LARGEST_LIST: usize = 1 << 28;

/// Largest dimension of a dense square matrix that a single number makes this library allocate (8 GiB of `f64`).
pub const LARGEST_DIMENSION: usize = 1 << 15;

/// The name of an argument, with an index where the argument is one of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    name: &'static str,
    index: Option<usize>,
}

impl Argument {
    /// Argument `name[index]`.
    #[must_use]
    pub fn indexed(name: &'static str, index: usize) -> Self {
        Self { name, index: Some(index) }
    }

    /// The name without the index.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl From<&'static str> for Argument {
    fn from(name: &'static str) -> Self {
        Self { name, index: None }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            None => write!(f, "{}", self.name),
            Some(i) => write!(f, "{}[{i}]", self.name),
        }
    }
}

/// Input that a problem statement refuses.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A scalar outside its domain.
    #[error("{argument} = {value:?} is refused: it must be {condition}")]
    OutOfDomain {
        /// Which argument.
        argument: Argument,
        /// Its value.
        value: f64,
        /// The condition it broke, e.g. "finite and at least 0".
        condition: &'static str,
    },
    /// An integer outside its domain.
    #[error("{argument} = {value} is refused: it must be {condition}")]
    Count {
        /// Which argument.
        argument: Argument,
        /// Its value.
        value: u64,
        /// The condition it broke, e.g. "at least 1".
        condition: &'static str,
    },
    /// A NaN or infinite entry of a vector or matrix (`column` is 0 for vectors).
    #[error(
        "{argument} has the entry {value} in row {row}, column {column} (counted from 0): entries must be finite"
    )]
    NotFinite {
        /// Which argument.
        argument: Argument,
        /// Row of the first such entry.
        row: usize,
        /// Column of the first such entry.
        column: usize,
        /// The entry.
        value: f64,
    },
    /// A vector or matrix of the wrong shape (columns are 1 for vectors).
    #[error("{argument} is {} x {}: expected {} x {}", found.0, found.1, expected.0, expected.1)]
    Shape {
        /// Which argument.
        argument: Argument,
        /// Shape found, (rows, columns).
        found: (usize, usize),
        /// Shape expected, (rows, columns).
        expected: (usize, usize),
    },
    /// A matrix that must be symmetric is not.
    #[error(
        "{argument} is not symmetric: entries ({row}, {column}) and ({column}, {row}) differ by {difference:e}"
    )]
    NotSymmetric {
        /// Which argument.
        argument: Argument,
        /// Row of the worst entry.
        row: usize,
        /// Column of the worst entry.
        column: usize,
        /// Absolute difference of the two entries.
        difference: f64,
    },
    /// A matrix that must be positive semidefinite is not.
    #[error("{argument} is not positive semidefinite: smallest eigenvalue {eigenvalue:e}")]
    NotPositiveSemidefinite {
        /// Which argument.
        argument: Argument,
        /// The offending eigenvalue.
        eigenvalue: f64,
    },
    /// A matrix that must be invertible here is singular to working precision.
    #[error("{argument} is singular (smallest eigenvalue or singular value {smallest:e}): {condition}")]
    Singular {
        /// Which argument.
        argument: Argument,
        /// The smallest eigenvalue or singular value.
        smallest: f64,
        /// Why invertibility is needed.
        condition: &'static str,
    },
    /// A condition that involves several arguments.
    #[error("{argument} = {value:?} is refused: {condition}")]
    Condition {
        /// The argument, or the quantity derived from the arguments, that decides.
        argument: Argument,
        /// Its value.
        value: f64,
        /// The condition it broke, in words.
        condition: &'static str,
    },
    /// A certified decomposition failed.
    #[error(transparent)]
    Linalg(#[from] solvable_linalg::LinalgError),
}

impl InputError {
    /// Refuses a non-finite scalar.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] when `value` is NaN or infinite.
    pub fn check_finite(argument: &'static str, value: f64) -> Result<f64, Self> {
        Self::check(argument, value, value.is_finite(), "finite")
    }

    /// Refuses a scalar unless it is finite and `>= 0`.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] otherwise.
    pub fn check_nonnegative(argument: &'static str, value: f64) -> Result<f64, Self> {
        Self::check(argument, value, value.is_finite() && value >= 0.0, "finite and at least 0")
    }

    /// Refuses a scalar unless it is finite and `> 0`.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] otherwise.
    pub fn check_positive(argument: &'static str, value: f64) -> Result<f64, Self> {
        Self::check(argument, value, value.is_finite() && value > 0.0, "finite and greater than 0")
    }

    /// Refuses `value` unless `holds`.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] when `holds` is false.
    pub fn check(
        argument: impl Into<Argument>,
        value: f64,
        holds: bool,
        condition: &'static str,
    ) -> Result<f64, Self> {
        if holds { Ok(value) } else { Err(Self::OutOfDomain { argument: argument.into(), value, condition }) }
    }

    /// Refuses a count of 0.
    ///
    /// # Errors
    /// [`InputError::Count`] when `value` is 0.
    pub fn check_count(argument: &'static str, value: usize) -> Result<usize, Self> {
        if value >= 1 {
            Ok(value)
        } else {
            Err(Self::Count { argument: argument.into(), value: value as u64, condition: "at least 1" })
        }
    }

    /// Refuses a length above [`LARGEST_LIST`].
    ///
    /// # Errors
    /// [`InputError::Count`] when `value` is larger.
    pub fn check_list(argument: &'static str, value: usize) -> Result<usize, Self> {
        if value <= LARGEST_LIST {
            Ok(value)
        } else {
            let condition = "at most 2^28, the longest list that is allocated";
            Err(Self::Count { argument: argument.into(), value: value as u64, condition })
        }
    }

    /// Refuses a dimension above [`LARGEST_DIMENSION`].
    ///
    /// # Errors
    /// [`InputError::Count`] when `value` is larger.
    pub fn check_dimension(argument: impl Into<Argument>, value: usize) -> Result<usize, Self> {
        if value <= LARGEST_DIMENSION {
            Ok(value)
        } else {
            let condition = "at most 32768 in dimension, the largest dense matrix that is allocated";
            Err(Self::Count { argument: argument.into(), value: value as u64, condition })
        }
    }

    /// Refuses a vector with a NaN or infinite entry.
    ///
    /// # Errors
    /// [`InputError::NotFinite`] at the first such entry.
    pub fn check_vector(argument: &'static str, vector: &[f64]) -> Result<(), Self> {
        match vector.iter().position(|v| !v.is_finite()) {
            None => Ok(()),
            Some(row) => {
                Err(Self::NotFinite { argument: argument.into(), row, column: 0, value: vector[row] })
            }
        }
    }
}
