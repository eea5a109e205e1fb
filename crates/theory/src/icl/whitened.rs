//! What the formulas of one task share.
use std::sync::Arc;

use solvable_linalg::{Mat, MatRef, matmul, symmetric_eigen, symmetrize, transpose_matmul};
use solvable_model::icl::RegressionTask;
use solvable_model::{Covariance, InputError};

use super::IclError;
use super::error::finite;
use super::matrix::{factor, has_accurate_rows, multiple_of_identity, noise_floor, orthogonal_factor};

/// A training law in whitened coordinates: the eigenvalues `beta_i` of `B = Lambda^1/2 Psi Lambda^1/2`, computed once.
///
/// The second moment of the statistic `s = (1/N) sum x_i y_i` is `S = (1 + e) Lambda Psi Lambda + b Lambda` (ICL-2)
/// with `t = tr(Lambda Psi) = sum beta_i` and
///
/// * fixed length N: `e = 1/N`, `b = (t + sigma2)/N`;
/// * random lengths (each prompt divided by its own length): 1/N becomes `E[1/N_k]` (ICL-5);
/// * elliptical covariates of excess kurtosis kappa: `e = (1 + 2 kappa)/N`, `b = ((1 + kappa) t + sigma2)/N` (ICL-26).
///
/// Almost everything about the optimum depends on the task through `beta` alone, so that minimum, risk at another
/// length, rank-k minimum and Bayes bound cost O(d) for each further (N, sigma2) obtained by [`with`](Self::with);
/// clones share the spectrum.
///
/// Algorithm: `Psi = F F'`, and `F' Lambda F = V diag(beta) V'` has the nonzero eigenvalues of B; W = F V then gives
/// `A* = W diag(1/((1+e) beta + b)) W'` without an inverse of Lambda or Psi. O(d^3) once; O(d) and exact when both
/// are diagonal; no second decomposition when one is a multiple of the identity. Eigenvalues of a dense pair are
/// accurate to a few `eps |Lambda| |Psi|`; those below that level are set to 0. Where the diagonal of Psi spans units of
/// more than 64 to 1, or Psi is diagonal, `sum_i Lambda_ii Psi_ii` takes the place of `|Lambda| |Psi|`: covariates in other units,
/// and the prior in the inverse ones, cost no digits.
///
/// ```
/// use solvable_model::icl::RegressionTask;
/// use solvable_theory::icl::{Whitened, minimum};
/// // Isotropic: L* = d (d + 1) / (N + d + 1).
/// let w = Whitened::new(&RegressionTask::isotropic(4, 1.0, 1.0, 0.0, 5)?)?;
/// assert!((minimum(&w)? - 2.0).abs() < 1e-15);
/// let longer = w.with(0.0, 15)?;
/// assert!((minimum(&longer)? - 1.0).abs() < 1e-15);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Whitened {
    pair: Arc<Pair>,
    sigma2: f64,
    inverse_length: f64,
    kappa: f64,
    /// Gaussian covariates and one fixed length: what formulas of second order in 1/N need.
    plain: bool,
}

#[derive(Debug)]
struct Pair {
    lambda: Covariance,
    psi: Covariance,
    /// Descending; d of them.
    beta: Vec<f64>,
    /// Columns w_i in the order of beta; `w_i' Lambda w_j = beta_i delta_ij`, `W W' = Psi`.
    basis: Basis,
    /// F with `F F' = Psi`.
    root: Mat<f64>,
    signal: f64,
}

#[derive(Debug)]
enum Basis {
    /// Lambda and Psi are diagonal: w_i = sqrt(psi_k) e_k with k = order[i].
    Diagonal { order: Vec<usize> },
    /// d x r, r the numerical rank of Psi; missing columns are 0.
    Dense(Mat<f64>),
}

impl Whitened {
    /// Whitens a task. O(d^3); O(d log d) when Lambda and Psi are diagonal.
    ///
    /// # Errors
    /// [`IclError::Linalg`] when a decomposition fails, [`IclError::NotRepresentable`] when `Lambda Psi` overflows.
    pub fn new(task: &RegressionTask) -> Result<Self, IclError> {
        let pair = Arc::new(Pair::new(task.lambda(), task.psi())?);
        let law = Self {
            pair,
            sigma2: task.sigma2(),
            inverse_length: 1.0 / task.context() as f64,
            kappa: 0.0,
            plain: true,
        };
        law.checked()
    }

    /// The same Lambda and Psi with another noise variance and context length. O(1).
    ///
    /// # Errors
    /// [`IclError::Input`] when `sigma2` is negative or not finite, or `length` is 0.
    pub fn with(&self, sigma2: f64, length: usize) -> Result<Self, IclError> {
        InputError::check_nonnegative("sigma2", sigma2)?;
        InputError::check_count("N", length)?;
        let plain = self.kappa == 0.0;
        Self { sigma2, inverse_length: 1.0 / length as f64, plain, ..self.clone() }.checked()
    }

    /// The same law with prompts of random length, uniform over the list, each normalised by its own length.
    ///
    /// S is affine in 1/N, so that only the harmonic mean of the lengths matters (ICL-5).
    ///
    /// # Errors
    /// [`IclError::Input`] when the list is empty or a length is 0.
    pub fn with_lengths(&self, lengths: &[usize]) -> Result<Self, IclError> {
        let inverse_length = 1.0 / super::harmonic_length(lengths)?;
        let plain = self.kappa == 0.0 && lengths.iter().all(|&n| n == lengths[0]);
        Self { inverse_length, plain, ..self.clone() }.checked()
    }

    /// The same law with elliptical covariates `x = r g`, `E r^2 = 1`, `E r^4 = 1 + kappa` (ICL-26).
    ///
    /// # Errors
    /// [`IclError::Input`] when `kappa` is negative (no such r) or not finite.
    pub fn elliptical(&self, kappa: f64) -> Result<Self, IclError> {
        InputError::check_nonnegative("kappa", kappa)?;
        let plain = self.plain && kappa == 0.0;
        Self { kappa, plain, ..self.clone() }.checked()
    }

    fn checked(self) -> Result<Self, IclError> {
        finite("(1 + 2 kappa) / N", self.excess())?;
        finite("E[y^2] / N", self.noise())?;
        Ok(self)
    }

    /// Dimension d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.pair.beta.len()
    }

    /// Covariate covariance Lambda.
    #[must_use]
    pub fn lambda(&self) -> &Covariance {
        &self.pair.lambda
    }

    /// Task second moment Psi.
    #[must_use]
    pub fn psi(&self) -> &Covariance {
        &self.pair.psi
    }

    /// Eigenvalues of B, descending.
    #[must_use]
    pub fn spectrum(&self) -> &[f64] {
        &self.pair.beta
    }

    /// `t = tr(Lambda Psi)`, the loss of the zero predictor.
    #[must_use]
    pub fn signal(&self) -> f64 {
        self.pair.signal
    }

    /// Label noise variance.
    #[must_use]
    pub fn sigma2(&self) -> f64 {
        self.sigma2
    }

    /// e in `S = (1 + e) Lambda Psi Lambda + b Lambda`.
    #[must_use]
    pub fn excess(&self) -> f64 {
        (1.0 + 2.0 * self.kappa) * self.inverse_length
    }

    /// b in `S = (1 + e) Lambda Psi Lambda + b Lambda`.
    #[must_use]
    pub fn noise(&self) -> f64 {
        self.label_power() * self.inverse_length
    }

    /// N b: the part of `Var(x y)` that is a multiple of Lambda, `(1 + kappa) t + sigma2`.
    pub(super) fn label_power(&self) -> f64 {
        (1.0 + self.kappa) * self.pair.signal + self.sigma2
    }

    /// N e.
    pub(super) fn unit_excess(&self) -> f64 {
        1.0 + 2.0 * self.kappa
    }

    /// Mean inverse length.
    pub(super) fn inverse_length(&self) -> f64 {
        self.inverse_length
    }

    /// Refuses the law whose labels all vanish.
    pub(super) fn check_labels(&self) -> Result<(), IclError> {
        if self.pair.signal == 0.0 && self.sigma2 == 0.0 { Err(IclError::NoLabels) } else { Ok(()) }
    }

    /// Refuses random lengths and elliptical covariates.
    pub(super) fn check_plain(&self) -> Result<(), IclError> {
        if self.plain {
            return Ok(());
        }
        let condition = "this formula needs Gaussian covariates (kappa = 0) and one fixed context length";
        Err(InputError::Condition { argument: "kappa".into(), value: self.kappa, condition }.into())
    }

    /// `(g, 1 - g)` with `g = beta / ((1+e) beta + b)` for an eigenvalue beta; both ratios of positive sums.
    pub(super) fn gain(&self, beta: f64) -> (f64, f64) {
        let (e, b) = (self.excess(), self.noise());
        if beta == 0.0 {
            (0.0, 1.0)
        } else if b <= beta {
            let q = b / beta;
            (1.0 / (1.0 + e + q), (e + q) / (1.0 + e + q))
        } else {
            let q = beta / b;
            (q / ((1.0 + e) * q + 1.0), (e * q + 1.0) / ((1.0 + e) * q + 1.0))
        }
    }

    /// `sum_i f(beta_i) w_i w_i'`, exactly symmetric. O(d^3), O(d^2) when diagonal.
    pub(super) fn combine(&self, f: impl Fn(usize, f64) -> f64) -> Mat<f64> {
        let d = self.dimension();
        let beta = &self.pair.beta;
        match &self.pair.basis {
            Basis::Diagonal { order } => {
                let psi = self.pair.psi.matrix();
                let mut a = Mat::zeros(d, d);
                for (i, &k) in order.iter().enumerate() {
                    // A zero prior direction stays 0 even where f is infinite.
                    a[(k, k)] = if psi[(k, k)] == 0.0 { 0.0 } else { psi[(k, k)] * f(i, beta[i]) };
                }
                a
            }
            Basis::Dense(w) => {
                let values: Vec<f64> = (0..w.ncols()).map(|i| f(i, beta[i])).collect();
                let scaled = Mat::from_fn(d, w.ncols(), |i, j| w[(i, j)] * values[j]);
                symmetrize(matmul(scaled.as_ref(), w.transpose()).as_ref())
            }
        }
    }

    /// `Lambda Psi Lambda`.
    pub(super) fn cross(&self) -> Mat<f64> {
        let lambda = self.pair.lambda.matrix();
        let d = self.dimension();
        if let Basis::Diagonal { .. } = self.pair.basis {
            let psi = self.pair.psi.matrix();
            return Mat::from_fn(d, d, |i, j| {
                if i == j { lambda[(i, i)] * psi[(i, i)] * lambda[(i, i)] } else { 0.0 }
            });
        }
        let f = matmul(lambda, self.pair.root.as_ref());
        symmetrize(matmul(f.as_ref(), f.transpose()).as_ref())
    }

    /// `S = (1 + e) Lambda Psi Lambda + b Lambda`.
    pub(super) fn statistic(&self) -> Mat<f64> {
        let (e, b) = (self.excess(), self.noise());
        let cross = self.cross();
        let lambda: MatRef<'_, f64> = self.pair.lambda.matrix();
        let d = self.dimension();
        Mat::from_fn(d, d, |i, j| (1.0 + e) * cross[(i, j)] + b * lambda[(i, j)])
    }
}

impl Pair {
    fn new(lambda: &Covariance, psi: &Covariance) -> Result<Self, IclError> {
        let d = lambda.dimension();
        let mut root = Mat::zeros(0, 0);
        let (beta, basis) = if lambda.is_diagonal() && psi.is_diagonal() {
            let products: Vec<f64> = (0..d).map(|i| lambda.matrix()[(i, i)] * psi.matrix()[(i, i)]).collect();
            let mut order: Vec<usize> = (0..d).collect();
            order.sort_by(|&i, &j| products[j].total_cmp(&products[i]));
            (order.iter().map(|&i| products[i]).collect(), Basis::Diagonal { order })
        } else if let Some(value) = multiple_of_identity(psi) {
            root = factor(psi)?;
            let v = lambda.eigenvectors();
            let w = Mat::from_fn(d, d, |i, j| value.sqrt() * v[(i, j)]);
            (lambda.eigenvalues().iter().map(|l| value * l).collect(), Basis::Dense(w))
        } else if let Some(value) = multiple_of_identity(lambda) {
            root = factor(psi)?;
            let orthogonal = orthogonal_factor(psi);
            (psi.eigenvalues().iter().map(|l| value * l).collect(), Basis::Dense(orthogonal))
        } else {
            root = factor(psi)?;
            let f = &root;
            let scale = if has_accurate_rows(psi) {
                let powers = (0..d).map(|i| lambda.matrix()[(i, i)] * psi.matrix()[(i, i)]);
                finite("sum Lambda_ii Psi_ii", powers.sum())?
            } else {
                finite("|Lambda| |Psi|", lambda.largest_eigenvalue() * psi.largest_eigenvalue())?
            };
            let c = transpose_matmul(f.as_ref(), matmul(lambda.matrix(), f.as_ref()).as_ref());
            let eigen = symmetric_eigen(symmetrize(c.as_ref()).as_ref())?;
            let floor = eigen.error + noise_floor(d, scale);
            let mut beta: Vec<f64> = eigen.values.iter().map(|&b| if b > floor { b } else { 0.0 }).collect();
            beta.resize(d, 0.0);
            (beta, Basis::Dense(matmul(f.as_ref(), eigen.vectors.as_ref())))
        };
        let signal = finite("tr(Lambda Psi)", beta.iter().rev().sum())?;
        Ok(Self { lambda: lambda.clone(), psi: psi.clone(), beta, basis, root, signal })
    }
}
