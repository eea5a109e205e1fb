//! Keys that several blocks share, and the problems read from them.
use solvable_linalg::Mat;
use solvable_model::icl::{QueryToken, RegressionTask};
use solvable_model::{Covariance, InputError};
use solvable_theory::icl::Whitened;

use crate::compute::{ComputeError, Inputs, Key, Shape};

pub(super) const LAMBDA: Key = Key::new("Lambda", Shape::Matrix);
pub(super) const PSI: Key = Key::new("Psi", Shape::Matrix);
pub(super) const SIGMA2: Key = Key::new("sigma2", Shape::Number);
pub(super) const N: Key = Key::new("N", Shape::Count);
pub(super) const M: Key = Key::new("M", Shape::Count);
pub(super) const D: Key = Key::new("d", Shape::Count);
pub(super) const QUERY: Key = Key::new("query_in_attention", Shape::Boolean);
/// The keys of a training law.
pub(super) const TASK: &[Key] = &[LAMBDA, PSI, SIGMA2, N];

/// A covariance under its own key.
pub(super) fn covariance(inputs: &Inputs<'_>, key: &'static str) -> Result<Covariance, ComputeError> {
    Ok(Covariance::dense(key, inputs.matrix(key)?.as_ref())?)
}

/// The training law of the keys Lambda, Psi, sigma2, N.
pub(super) fn task(inputs: &Inputs<'_>) -> Result<RegressionTask, ComputeError> {
    let (lambda, psi) = (covariance(inputs, "Lambda")?, covariance(inputs, "Psi")?);
    Ok(RegressionTask::new(lambda, psi, inputs.number("sigma2")?, inputs.count("N")?)?)
}

/// [`task`], whitened.
pub(super) fn law(inputs: &Inputs<'_>) -> Result<Whitened, ComputeError> {
    Ok(Whitened::new(&task(inputs)?)?)
}

/// The isotropic training law Lambda = Psi = I of the keys d, N, sigma2.
pub(super) fn isotropic_law(inputs: &Inputs<'_>) -> Result<Whitened, ComputeError> {
    let (d, n) = (inputs.count("d")?, inputs.count("N")?);
    Ok(Whitened::new(&RegressionTask::isotropic(d, 1.0, 1.0, inputs.number("sigma2")?, n)?)?)
}

/// The convention of the key query_in_attention.
pub(super) fn query(inputs: &Inputs<'_>) -> Result<QueryToken, ComputeError> {
    Ok(if inputs.boolean("query_in_attention")? { QueryToken::Inside } else { QueryToken::Masked })
}

/// Refuses a list of another length.
pub(super) fn check_length(
    argument: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), ComputeError> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = ((found, 1), (expected, 1));
    Err(InputError::Shape { argument: argument.into(), found, expected }.into())
}

/// The diagonal of a square matrix.
pub(super) fn diagonal_of(m: &Mat<f64>) -> Vec<f64> {
    (0..m.nrows()).map(|i| m[(i, i)]).collect()
}

/// How a matrix of examples is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One example a column (d x N), as in the papers on depth.
    Columns,
    /// One example a row (N x d), as in data files.
    Rows,
}

impl Layout {
    /// The same examples, one a row.
    pub(super) fn rows(self, m: Mat<f64>) -> Mat<f64> {
        match self {
            Self::Columns => m.transpose().to_owned(),
            Self::Rows => m,
        }
    }

    /// Back from one example a row to the layout of the input.
    pub(super) fn restore(self, m: Mat<f64>) -> Mat<f64> {
        self.rows(m)
    }
}

/// The layout of examples of `dimension` numbers each, `count` of them where known: columns, unless only rows fit.
pub(super) fn layout(m: &Mat<f64>, dimension: usize, count: Option<usize>) -> Layout {
    let fits = |rows: usize, columns: usize| rows == dimension && count.is_none_or(|n| columns == n);
    if !fits(m.nrows(), m.ncols()) && fits(m.ncols(), m.nrows()) { Layout::Rows } else { Layout::Columns }
}
