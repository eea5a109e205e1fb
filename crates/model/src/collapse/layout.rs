//! Where each factor lives in the flat parameter vector.
use solvable_linalg::{Mat, MatRef, matmul};

use super::FreeFeatures;
use crate::InputError;

/// One factor of the product: `rows x columns`, stored row by row from `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorShape {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// First entry in the parameter vector.
    pub offset: usize,
}

impl FactorShape {
    /// The entries of the factor within a parameter vector.
    #[must_use]
    pub fn range(&self) -> core::ops::Range<usize> {
        self.offset..self.offset + self.rows * self.columns
    }

    /// The factor within a parameter vector.
    ///
    /// # Panics
    /// If the vector is too short.
    #[must_use]
    pub fn view<'a>(&self, x: &'a [f64]) -> MatRef<'a, f64> {
        MatRef::from_row_major_slice(&x[self.range()], self.rows, self.columns)
    }
}

/// The order of the parameters: W_M, ..., W_1, H_1, each row by row, then b where it is trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterLayout {
    /// W_M, ..., W_1, H_1.
    factors: Vec<FactorShape>,
    bias: Option<usize>,
    dimension: usize,
    classes: usize,
}

impl ParameterLayout {
    /// The layout of a problem whose features have `columns` columns.
    pub(super) fn new(problem: &FreeFeatures, columns: usize) -> Result<Self, InputError> {
        let classes = problem.classes().classes();
        let too_large = InputError::Condition {
            argument: "N".into(),
            value: columns as f64,
            condition: "the parameters W_M..W_1, H_1 must fit into memory",
        };
        let mut factors = Vec::with_capacity(problem.depth() + 1);
        let (mut rows, mut offset) = (classes, 0_usize);
        for &columns in problem.widths().iter().chain(core::iter::once(&columns)) {
            factors.push(FactorShape { rows, columns, offset });
            let size = rows.checked_mul(columns).and_then(|s| s.checked_add(offset));
            // A slice holds at most isize::MAX bytes.
            offset = size.filter(|&s| s <= isize::MAX as usize / 16).ok_or_else(|| too_large.clone())?;
            rows = columns;
        }
        let bias = problem.bias().is_trained().then_some(offset);
        let dimension = offset + if bias.is_some() { classes } else { 0 };
        Ok(Self { factors, bias, dimension, classes })
    }

    /// Number of parameters.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The shapes of W_M, ..., W_1, H_1.
    #[must_use]
    pub fn factors(&self) -> &[FactorShape] {
        &self.factors
    }

    /// The features H_1 of a parameter vector.
    ///
    /// # Panics
    /// If the vector is too short.
    #[must_use]
    pub fn features<'a>(&self, x: &'a [f64]) -> MatRef<'a, f64> {
        self.factors[self.factors.len() - 1].view(x)
    }

    /// The bias of a parameter vector, where it is trained.
    ///
    /// # Panics
    /// If the vector is too short.
    #[must_use]
    pub fn bias<'a>(&self, x: &'a [f64]) -> Option<&'a [f64]> {
        self.bias.map(|start| &x[start..start + self.classes])
    }

    /// First entry of the bias, where it is trained.
    #[must_use]
    pub fn bias_offset(&self) -> Option<usize> {
        self.bias
    }

    /// The end-to-end classifier `W = W_M ... W_1`.
    ///
    /// # Panics
    /// If the vector is too short.
    #[must_use]
    pub fn classifier(&self, x: &[f64]) -> Mat<f64> {
        let weights = &self.factors[..self.factors.len() - 1];
        let top = weights[0].view(x).to_owned();
        weights[1..].iter().fold(top, |product, w| matmul(product.as_ref(), w.view(x)))
    }

    /// `B_i = c_i A_i' A_i - c_(i+1) A_(i+1) A_(i+1)'` of neighbouring factors A = W_M, ..., W_1, H_1 with weights c.
    ///
    /// With the regularisations as weights all vanish at every critical point of any loss (NC-09); with equal weights they
    /// decay at a known rate along gradient flow (NC-20). M matrices, of the sizes of the widths.
    ///
    /// # Errors
    /// [`InputError::Shape`] when `x` does not have one entry a parameter or `weights` one a factor.
    pub fn imbalance(&self, x: &[f64], weights: &[f64]) -> Result<Vec<Mat<f64>>, InputError> {
        for (argument, found, expected) in
            [("parameters", x.len(), self.dimension), ("weights", weights.len(), self.factors.len())]
        {
            if found != expected {
                let (found, expected) = ((found, 1), (expected, 1));
                return Err(InputError::Shape { argument: argument.into(), found, expected });
            }
        }
        let pairs = self.factors.windows(2).zip(weights.windows(2));
        Ok(pairs
            .map(|(factors, c)| {
                let (above, below) = (factors[0].view(x), factors[1].view(x));
                let (left, right) = (matmul(above.transpose(), above), matmul(below, below.transpose()));
                Mat::from_fn(left.nrows(), left.ncols(), |i, j| c[0] * left[(i, j)] - c[1] * right[(i, j)])
            })
            .collect())
    }

    /// A parameter vector from W_M, ..., W_1, H_1 and b.
    ///
    /// # Errors
    /// [`InputError::Shape`] when the number of factors, a factor or the bias has the wrong shape (a bias must be given
    /// exactly when it is trained), [`InputError::NotFinite`] for a NaN or infinite entry.
    pub fn pack(&self, factors: &[MatRef<'_, f64>], bias: Option<&[f64]>) -> Result<Vec<f64>, InputError> {
        if factors.len() != self.factors.len() {
            return Err(InputError::Shape {
                argument: "factors".into(),
                found: (factors.len(), 1),
                expected: (self.factors.len(), 1),
            });
        }
        let expected = if self.bias.is_some() { self.classes } else { 0 };
        let found = bias.map_or(0, <[f64]>::len);
        if found != expected {
            return Err(InputError::Shape {
                argument: "b".into(),
                found: (found, 1),
                expected: (expected, 1),
            });
        }
        let mut x = Vec::with_capacity(self.dimension);
        for (i, (shape, factor)) in self.factors.iter().zip(factors).enumerate() {
            let argument = || crate::Argument::indexed("factors", i);
            let (found, expected) = ((factor.nrows(), factor.ncols()), (shape.rows, shape.columns));
            if found != expected {
                return Err(InputError::Shape { argument: argument(), found, expected });
            }
            for row in 0..shape.rows {
                for column in 0..shape.columns {
                    let value = factor[(row, column)];
                    if !value.is_finite() {
                        return Err(InputError::NotFinite { argument: argument(), row, column, value });
                    }
                    x.push(value);
                }
            }
        }
        if let Some(b) = bias {
            InputError::check_vector("b", b)?;
            x.extend_from_slice(b);
        }
        Ok(x)
    }
}
