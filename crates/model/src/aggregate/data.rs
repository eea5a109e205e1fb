//! Covariates, labels and bags.
use solvable_linalg::{Mat, MatRef};

use super::BagDesign;
use crate::InputError;

/// n rows of covariates, their individual labels, and the bags; a learner may use the labels only through
/// [`mean_labels`](Self::mean_labels).
#[derive(Clone, Debug)]
pub struct AggregateData {
    x: Mat<f64>,
    y: Vec<f64>,
    bags: BagDesign,
    mean_labels: Vec<f64>,
}

impl AggregateData {
    /// States the data; `x` is n x d, one row an example.
    ///
    /// # Errors
    /// [`InputError`] when shapes disagree with the bags, d = 0, or an entry is not finite.
    pub fn new(x: Mat<f64>, y: Vec<f64>, bags: BagDesign) -> Result<Self, InputError> {
        InputError::check_vector("y", &y)?;
        if y.len() != bags.rows() {
            let (found, expected) = ((y.len(), 1), (bags.rows(), 1));
            return Err(InputError::Shape { argument: "y".into(), found, expected });
        }
        let mean_labels = bags.means(&y)?;
        Self::checked(x, y, bags, mean_labels)
    }

    /// Data whose individual labels are not known: `mean_labels` has one entry a bag.
    ///
    /// [`labels`](Self::labels) then returns each row's bag average.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_means(x: Mat<f64>, mean_labels: Vec<f64>, bags: BagDesign) -> Result<Self, InputError> {
        InputError::check_vector("mean labels", &mean_labels)?;
        if mean_labels.len() != bags.bags() {
            let (found, expected) = ((mean_labels.len(), 1), (bags.bags(), 1));
            return Err(InputError::Shape { argument: "mean labels".into(), found, expected });
        }
        let y = bags.bag_of().iter().map(|&a| mean_labels[a]).collect();
        Self::checked(x, y, bags, mean_labels)
    }

    fn checked(x: Mat<f64>, y: Vec<f64>, bags: BagDesign, mean_labels: Vec<f64>) -> Result<Self, InputError> {
        let n = bags.rows();
        InputError::check_count("number of columns of X", x.ncols())?;
        if x.nrows() != n {
            let (found, expected) = ((x.nrows(), x.ncols()), (n, x.ncols()));
            return Err(InputError::Shape { argument: "X".into(), found, expected });
        }
        for column in 0..x.ncols() {
            for row in 0..n {
                let value = x[(row, column)];
                if !value.is_finite() {
                    return Err(InputError::NotFinite { argument: "X".into(), row, column, value });
                }
            }
        }
        Ok(Self { x, y, bags, mean_labels })
    }

    /// Number of rows n.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.x.nrows()
    }

    /// Number of covariates d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.x.ncols()
    }

    /// Covariates, n x d.
    #[must_use]
    pub fn covariates(&self) -> MatRef<'_, f64> {
        self.x.as_ref()
    }

    /// Individual labels.
    #[must_use]
    pub fn labels(&self) -> &[f64] {
        &self.y
    }

    /// The bags.
    #[must_use]
    pub fn bags(&self) -> &BagDesign {
        &self.bags
    }

    /// Average label of each bag: all that a learner sees of the labels.
    #[must_use]
    pub fn mean_labels(&self) -> &[f64] {
        &self.mean_labels
    }

    /// Linear predictions `X theta`.
    ///
    /// # Errors
    /// [`InputError`] when `theta` has the wrong length or a non-finite entry.
    pub fn predictions(&self, theta: &[f64]) -> Result<Vec<f64>, InputError> {
        if theta.len() != self.dimension() {
            let (found, expected) = ((theta.len(), 1), (self.dimension(), 1));
            return Err(InputError::Shape { argument: "theta".into(), found, expected });
        }
        InputError::check_vector("theta", theta)?;
        let mut f = vec![0.0; self.rows()];
        solvable_linalg::mat_vec(self.x.as_ref(), theta, &mut f);
        Ok(f)
    }
}
