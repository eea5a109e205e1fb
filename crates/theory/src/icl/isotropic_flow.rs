//! The trajectory of the isotropic flow in closed form (ICL-22).
use solvable_model::InputError;

use super::IclError;
use super::error::finite;

/// The flow with `Lambda = lambda I`, `Psi = psi I`, started at u = u0, `U = theta0 I/sqrt(d)`.
///
/// `U = theta(t) I/sqrt(d)` for all t, and with `s = (1+1/N) lambda^2 psi + b lambda`, `kappa = lambda s`,
/// `alpha = sqrt(d) lambda^2 psi`: `du/dt = (alpha - kappa u theta) theta`-type equations,
/// `du/dt = alpha theta - kappa u theta^2`, `dtheta/dt = alpha u - kappa u^2 theta`.
#[derive(Clone, Copy, Debug)]
pub struct IsotropicFlow {
    alpha: f64,
    kappa: f64,
}

/// A point of the trajectory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowPoint {
    /// u(t).
    pub u: f64,
    /// theta(t), with `U(t) = theta(t) I/sqrt(d)`.
    pub theta: f64,
}

impl IsotropicFlow {
    /// States the flow: dimension, covariate variance, task variance per coordinate, noise variance, context length.
    ///
    /// # Errors
    /// [`IclError::Input`] when d or N is 0 or a variance is negative or not finite; [`IclError::NotRepresentable`] when a
    /// coefficient overflows.
    pub fn new(d: usize, lambda: f64, psi: f64, sigma2: f64, length: usize) -> Result<Self, IclError> {
        InputError::check_count("d", d)?;
        InputError::check_count("N", length)?;
        InputError::check_nonnegative("lambda", lambda)?;
        InputError::check_nonnegative("psi", psi)?;
        InputError::check_nonnegative("sigma2", sigma2)?;
        let (d, n) = (d as f64, length as f64);
        let signal = lambda * psi;
        let s = lambda * ((1.0 + 1.0 / n) * signal + (d * signal + sigma2) / n);
        let alpha = finite("sqrt(d) lambda^2 psi", d.sqrt() * lambda * signal)?;
        let kappa = finite("lambda s", lambda * s)?;
        Ok(Self { alpha, kappa })
    }

    /// `alpha = sqrt(d) lambda^2 psi`: half the rate of the logistic growth from small balanced starts.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// `r_inf = alpha/kappa`: the limit of u theta. Infinite or undefined products are 0 when alpha is 0.
    #[must_use]
    pub fn limit(&self) -> f64 {
        if self.alpha == 0.0 { 0.0 } else { self.alpha / self.kappa }
    }

    /// The time at which `u theta` is half its limit, from a small balanced start u0 = theta0:
    /// `ln(r_inf/u0^2 - 1)/(2 alpha)`; `None` when the start is already beyond (ICL-22).
    #[must_use]
    pub fn half_time(&self, u0: f64) -> Option<f64> {
        let ratio = self.limit() / (u0 * u0);
        (ratio.is_finite() && ratio > 2.0).then(|| (ratio - 1.0).ln() / (2.0 * self.alpha))
    }

    /// `(u(t), theta(t))` (ICL-22), for every start: any signs, any balance, zeros included.
    ///
    /// With `P = u + theta`, `Q = u - theta` the equations are `dP/dt = (alpha - kappa r) P`, `dQ/dt = -(alpha - kappa r)
    /// Q`, `r = (P^2 - Q^2)/4`, hence `P = P_0 sqrt(G)`, `Q = Q_0/sqrt(G)` with the Riccati equation
    /// `dG/dt = -a G^2 + 2 alpha G + a'`, `a = kappa P_0^2/2`, `a' = kappa Q_0^2/2`, G(0) = 1. With
    /// `D = sqrt(alpha^2 + a a')` and `E = e^(-2 D t)`
    ///
    /// `G = [(D+alpha) + (D-alpha) E + a'(1-E)] / [(D-alpha) + (D+alpha) E + a (1-E)]`.
    ///
    /// All terms are nonnegative (`D - alpha = a a'/(D+alpha)`), so that nothing cancels, for any t and any
    /// `c = P_0 Q_0`: the logistic solution c = 0 and the hyperbolic one are the same expression. Relative accuracy a few
    /// ulps times the number of e-foldings. O(1).
    ///
    /// # Errors
    /// [`IclError::Input`] when t is negative or an argument is not finite; [`IclError::NotRepresentable`] on overflow.
    ///
    /// ```
    /// use solvable_theory::icl::IsotropicFlow;
    /// let end = IsotropicFlow::new(2, 1.0, 1.0, 0.0, 3)?.at(0.1, 0.1, 1e3)?;
    /// // ||A*||_F = sqrt(2)/2 and u_inf^2 = ||A*||_F for a balanced start.
    /// assert!((end.u.powi(2) - 0.5_f64.sqrt()).abs() < 1e-15);
    /// # Ok::<(), solvable_theory::icl::IclError>(())
    /// ```
    pub fn at(&self, u0: f64, theta0: f64, t: f64) -> Result<FlowPoint, IclError> {
        InputError::check_finite("u0", u0)?;
        InputError::check_finite("theta0", theta0)?;
        InputError::check_nonnegative("t", t)?;
        let (sum, difference) = (u0 + theta0, u0 - theta0);
        let alpha = self.alpha;
        let a = finite("kappa (u0 + theta0)^2", 0.5 * self.kappa * sum * sum)?;
        let b = finite("kappa (u0 - theta0)^2", 0.5 * self.kappa * difference * difference)?;
        let root = a.sqrt() * b.sqrt();
        let d = alpha.hypot(root);
        // (numerator - denominator) / denominator of G.
        let excess = if d == 0.0 {
            (b - a) * t / (1.0 + a * t)
        } else {
            let complement = -(-2.0 * d * t).exp_m1();
            let plus = d + alpha;
            let minus = root * (root / plus);
            let denominator = minus + plus * (-2.0 * d * t).exp() + a * complement;
            complement * (2.0 * alpha + b - a) / denominator
        };
        let half = 0.5 * excess.ln_1p();
        let (u, theta) = if half.abs() < 0.5 {
            let (ch, sh) = (half.cosh(), half.sinh());
            (u0 * ch + theta0 * sh, theta0 * ch + u0 * sh)
        } else {
            let (p, q) = (sum * half.exp(), difference * (-half).exp());
            (0.5 * (p + q), 0.5 * (p - q))
        };
        Ok(FlowPoint { u: finite("u", u)?, theta: finite("theta", theta)? })
    }
}

#[cfg(test)]
impl IsotropicFlow {
    pub(super) fn kappa_for_tests(&self) -> f64 {
        self.kappa
    }
}
