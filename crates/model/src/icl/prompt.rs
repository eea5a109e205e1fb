//! One prompt.
use solvable_linalg::Mat;

use crate::InputError;

/// N labelled examples and a query.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Covariates, one example a row (N x d).
    pub x: Mat<f64>,
    /// Labels (N).
    pub y: Vec<f64>,
    /// Query covariate (d).
    pub query: Vec<f64>,
}

impl Prompt {
    /// A prompt from its parts; N = 0 is allowed (an empty context).
    ///
    /// # Errors
    /// [`InputError`] when shapes disagree, d = 0, or an entry is not finite.
    pub fn new(x: Mat<f64>, y: Vec<f64>, query: Vec<f64>) -> Result<Self, InputError> {
        let d = query.len();
        InputError::check_count("dimension of x_q", d)?;
        if x.ncols() != d && x.nrows() > 0 {
            let found = (x.nrows(), x.ncols());
            return Err(InputError::Shape { argument: "X".into(), found, expected: (y.len(), d) });
        }
        if y.len() != x.nrows() {
            let expected = (x.nrows(), 1);
            return Err(InputError::Shape { argument: "y".into(), found: (y.len(), 1), expected });
        }
        for i in 0..x.nrows() {
            for j in 0..d {
                let value = x[(i, j)];
                if !value.is_finite() {
                    return Err(InputError::NotFinite { argument: "X".into(), row: i, column: j, value });
                }
            }
        }
        InputError::check_vector("y", &y)?;
        InputError::check_vector("x_q", &query)?;
        Ok(Self { x, y, query })
    }

    /// Dimension d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.query.len()
    }

    /// Number of examples N.
    #[must_use]
    pub fn context(&self) -> usize {
        self.y.len()
    }

    /// The embedding matrix E of shape (d+1) x (N+1): examples as columns `(x_i, y_i)`, then `(x_q, 0)`.
    #[must_use]
    pub fn embedding(&self) -> Mat<f64> {
        let (d, n) = (self.dimension(), self.context());
        Mat::from_fn(d + 1, n + 1, |i, j| match (i < d, j < n) {
            (true, true) => self.x[(j, i)],
            (false, true) => self.y[j],
            (true, false) => self.query[i],
            (false, false) => 0.0,
        })
    }
}
