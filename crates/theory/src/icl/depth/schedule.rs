//! Gradient descent and GD++ as polynomial methods (ICL-34).
use dashu::rational::RBig;
use solvable_model::InputError;
use solvable_model::icl::check_corrections;

use super::exact::{Poly, add_scaled, multiply, rational, shift};
use crate::icl::IclError;

/// Steps `eta_k` and corrections `gamma_k` of K layers: `w_K = q(S) b` with residual polynomial `p = 1 - lambda q`.
///
/// On an eigenvalue of S, with `lambda_0 = lambda`, `lambda_{k+1} = lambda_k (1 - gamma_k lambda_k)^2`:
/// `p = prod (1 - eta_k lambda_k)`. Without corrections the degree of p is K, with all of them (3^K - 1)/2.
///
/// ```
/// use solvable_theory::icl::Schedule;
/// let schedule = Schedule::new(&[0.5, 0.25], &[])?;
/// assert_eq!(schedule.residual(2.0), 0.0);
/// assert_eq!(schedule.at(1.0), (0.375, 0.625));
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    etas: Vec<f64>,
    gammas: Vec<f64>,
}

impl Schedule {
    /// A schedule; `gammas` is empty (plain descent) or holds one number a layer, the last of which may be left out as it
    /// cannot reach the prediction.
    ///
    /// # Errors
    /// [`IclError::Input`] when the numbers do not fit or one is not finite.
    pub fn new(etas: &[f64], gammas: &[f64]) -> Result<Self, IclError> {
        InputError::check_vector("etas", etas)?;
        InputError::check_vector("gammas", gammas)?;
        if !gammas.is_empty() {
            check_corrections(etas.len(), gammas.len())?;
        }
        let mut gammas = gammas.to_vec();
        gammas.resize(etas.len(), 0.0);
        if let Some(last) = gammas.last_mut() {
            *last = 0.0;
        }
        Ok(Self { etas: etas.to_vec(), gammas })
    }

    /// K equal steps.
    ///
    /// # Errors
    /// [`IclError::Input`] when the step is not finite or K above [`LARGEST_LIST`](solvable_model::LARGEST_LIST).
    pub fn constant(layers: usize, eta: f64) -> Result<Self, IclError> {
        InputError::check_list("K", layers)?;
        Self::new(&vec![eta; layers], &[])
    }

    /// The steps.
    #[must_use]
    pub fn etas(&self) -> &[f64] {
        &self.etas
    }

    /// The corrections, one a layer; the last is 0.
    #[must_use]
    pub fn gammas(&self) -> &[f64] {
        &self.gammas
    }

    /// Degree bound of p: layers whose step is 0 and corrections that are 0 add nothing. Saturates.
    #[must_use]
    pub fn degree(&self) -> usize {
        let (mut own, mut total) = (1_usize, 0_usize);
        for (&eta, &gamma) in self.etas.iter().zip(&self.gammas) {
            if eta != 0.0 {
                total = total.saturating_add(own);
            }
            if gamma != 0.0 {
                own = own.saturating_mul(3);
            }
        }
        total
    }

    /// `(p, q)` at an eigenvalue lambda >= 0 of S.
    ///
    /// The recursion `q <- q + eta g^2 p`, `p <- (1 - eta lambda g^2) p`, `g <- g (1 - gamma lambda g^2)` needs no division
    /// and is accurate at 0. O(K).
    #[must_use]
    pub fn at(&self, lambda: f64) -> (f64, f64) {
        let (mut p, mut q, mut g) = (1.0, 0.0, 1.0);
        for (&eta, &gamma) in self.etas.iter().zip(&self.gammas) {
            let square = g * g;
            q += eta * square * p;
            p *= 1.0 - eta * (lambda * square);
            g *= 1.0 - gamma * (lambda * square);
        }
        (p, q)
    }

    /// The residual polynomial p at lambda (ICL-34).
    #[must_use]
    pub fn residual(&self, lambda: f64) -> f64 {
        self.at(lambda).0
    }

    /// The polynomials p and q with exact coefficients.
    pub(super) fn polynomials(&self) -> (Poly, Poly) {
        let (mut p, mut q, mut g): (Poly, Poly, Poly) = (vec![RBig::ONE], Vec::new(), vec![RBig::ONE]);
        for (&eta, &gamma) in self.etas.iter().zip(&self.gammas) {
            let (eta, minus_gamma) = (rational(eta), -rational(gamma));
            let square = multiply(&g, &g);
            let update = multiply(&square, &p);
            q = add_scaled(&q, &eta, &update);
            p = add_scaled(&p, &-eta, &shift(&update));
            if !minus_gamma.is_zero() {
                let cube = multiply(&square, &g);
                g = add_scaled(&g, &minus_gamma, &shift(&cube));
            }
        }
        (p, q)
    }
}
