//! Gradient flow and descent in the factors (u, U): conservation law, limit, certificate, time scales (ICL-19 to 21,
//! 25, 27).
//!
//! The flow is that of `l = L/2` at `A = u U'` (p = q = 0, rho = N):
//! `dU/dt = -u^2 S U Lambda + u Lambda Psi Lambda`, `du/dt = -u tr(Lambda U' S U) + tr(U' Lambda Psi Lambda)`.
use solvable_linalg::{Mat, MatRef, frobenius_norm, matmul, symmetric_eigenvalues, trace_product};
use solvable_model::{Covariance, InputError};

use super::error::finite;
use super::matrix::{check_invertible, check_square, factor, squared_norm_between};
use super::{IclError, Whitened, minimizer};

/// `c = u^2 - ||U||_F^2`, constant along the flow (ICL-19).
///
/// # Errors
/// [`IclError::Input`] when an entry is not finite or U is not square.
pub fn conserved_quantity(u: f64, key_query: MatRef<'_, f64>) -> Result<f64, IclError> {
    check_square("U0", key_query, key_query.nrows())?;
    InputError::check_finite("u0", u)?;
    let norm = frobenius_norm(key_query);
    // (u - norm)(u + norm): no cancellation of squares for balanced starts.
    finite("u^2 - |U|^2", (u.abs() - norm) * (u.abs() + norm))
}

/// Where the flow ends when it converges to a minimizer.
#[derive(Clone, Debug)]
pub struct Limit {
    /// The squared limit of u.
    pub u_inf_squared: f64,
    /// The squared Frobenius norm of the limit of U.
    pub key_query_norm_squared: f64,
    /// The limit A* of `u U'`.
    pub a_star: Mat<f64>,
}

impl Limit {
    /// The limit `A*/u` of U for the positive sign of u; `None` when u tends to 0.
    #[must_use]
    pub fn key_query(&self) -> Option<Mat<f64>> {
        let u = self.u_inf_squared.sqrt();
        let d = self.a_star.nrows();
        (u > 0.0).then(|| Mat::from_fn(d, d, |i, j| self.a_star[(i, j)] / u))
    }
}

/// `u_inf^2 = (c + sqrt(c^2 + 4 ||A*||_F^2))/2`, `U_inf = A*/u_inf`: the limit of every flow that converges to the
/// minimizer, from the conserved quantity c (ICL-20).
///
/// For c = 0, Psi = I, sigma = 0 the limit printed by Zhang, Frei and Bartlett: `u = tr(Gamma^-2)^(1/4)`. For c < 0 the
/// conjugate form is used. O(d^3).
///
/// # Errors
/// [`IclError::Input`] when c is not finite, or Lambda is singular (the minimizer is then not unique); otherwise as
/// [`minimizer`].
pub fn flow_limit(law: &Whitened, c: f64) -> Result<Limit, IclError> {
    InputError::check_finite("c", c)?;
    check_invertible("Lambda", law.lambda(), "the limit of the flow is determined by a unique minimizer")?;
    let a_star = minimizer(law)?;
    let norm = frobenius_norm(a_star.as_ref());
    let larger = 0.5 * (c.abs() + c.hypot(2.0 * norm));
    let smaller = if larger == 0.0 { 0.0 } else { norm * (norm / larger) };
    let (u2, v2) = if c >= 0.0 { (larger, smaller) } else { (smaller, larger) };
    Ok(Limit {
        u_inf_squared: finite("u_inf^2", u2)?,
        key_query_norm_squared: finite("|U_inf|^2", v2)?,
        a_star,
    })
}

/// A proof that the flow converges, with its rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate {
    /// `D0 = L(0) - L(A_0) > 0`: the start is better than zero.
    pub d0: f64,
    /// `u(t)^2 >= u_min_squared` for all t.
    pub u_min_squared: f64,
    /// `l(t) - l* <= (l_0 - l*) e^(-mu t)`.
    pub mu: f64,
}

/// The convergence certificate of a start (u0, U0): `D0`, `u_min^2 = (c + sqrt(c^2 + 4K^2))/2` with
/// `K = D0/(2 ||Lambda Psi Lambda||_F)`, and `mu = 2 u_min^2 lambda_min(Lambda) lambda_min(S)` (ICL-21).
///
/// The loss decreases along the flow, so that `2 |u| ||U||_F ||Lambda Psi Lambda||_F >= D0` for ever; with the
/// conservation law this bounds |u| away from 0. Contains the initialisations of Zhang, Frei and Bartlett without
/// the factor sqrt(d) in their condition (see [`published_rate`]). O(d^3).
///
/// # Errors
/// [`IclError::NoCertificate`] when `D0 <= 0`; [`IclError::Input`] when U0 is not d x d or not finite, or Lambda or S is
/// singular; [`IclError::NoLabels`] when all labels are 0.
pub fn convergence_certificate(
    law: &Whitened,
    u0: f64,
    key_query: MatRef<'_, f64>,
) -> Result<Certificate, IclError> {
    law.check_labels()?;
    check_square("U0", key_query, law.dimension())?;
    check_invertible("Lambda", law.lambda(), "the rate is proportional to its smallest eigenvalue")?;
    let c = conserved_quantity(u0, key_query)?;
    let cross = law.cross();
    let left = factor(law.lambda())?;
    let right = matmul(law.lambda().matrix(), factor(law.psi())?.as_ref());
    let curvature = (1.0 + law.excess()) * squared_norm_between(right.as_ref(), key_query, left.as_ref())
        + law.noise() * squared_norm_between(left.as_ref(), key_query, left.as_ref());
    let slope = trace_product(key_query.transpose(), cross.as_ref());
    let d0 = finite("D0", u0 * (2.0 * slope - u0 * curvature))?;
    if d0 <= 0.0 {
        return Err(IclError::NoCertificate { gain: d0 });
    }
    let k = 0.5 * d0 / frobenius_norm(cross.as_ref());
    let larger = 0.5 * (c.abs() + c.hypot(2.0 * k));
    let u_min_squared = if c >= 0.0 { larger } else { k * (k / larger) };
    let spectrum = symmetric_eigenvalues(law.statistic().as_ref())?;
    let smallest = spectrum[spectrum.len() - 1];
    let mu = 2.0 * u_min_squared * law.lambda().smallest_eigenvalue() * smallest;
    if mu <= 0.0 {
        let condition = "the rate is proportional to the smallest eigenvalue of S";
        return Err(InputError::Singular { argument: "S".into(), smallest, condition }.into());
    }
    Ok(Certificate { d0, u_min_squared: finite("u_min^2", u_min_squared)?, mu: finite("mu", mu)? })
}

/// The rate of Zhang, Frei and Bartlett for their start `u = sigma0`, `U = sigma0 Theta Theta'`, `||Theta Theta'||_F = 1`
/// (ICL-21):
/// `sigma0^2 ||Lambda Theta||_F^2 [2 - sqrt(d) sigma0^2 ||Gamma||] / (sqrt(d) ||Lambda||^2 tr(Gamma^-1 Lambda^-1) tr(Lambda^-1))`.
///
/// Psi = I, no noise. Never above the rate of [`convergence_certificate`], which only needs `sigma0^2 ||Gamma|| < 2`:
/// there `D0 >= sigma0^2 ||Lambda Theta||_F^2 (2 - sigma0^2 ||Gamma||)`. O(d^3).
///
/// # Errors
/// [`IclError::NoCertificate`] when `sqrt(d) sigma0^2 ||Gamma|| >= 2` or `Lambda Theta = 0`; [`IclError::Input`] when
/// Lambda is singular, Theta has the wrong height or norm, or an argument is not finite.
pub fn published_rate(
    lambda: &Covariance,
    length: usize,
    sigma0: f64,
    theta: MatRef<'_, f64>,
) -> Result<f64, IclError> {
    let d = lambda.dimension();
    InputError::check_count("N", length)?;
    InputError::check_positive("sigma0", sigma0)?;
    if theta.nrows() != d || theta.ncols() == 0 {
        let found = (theta.nrows(), theta.ncols());
        return Err(InputError::Shape { argument: "Theta".into(), found, expected: (d, d) }.into());
    }
    let norm = frobenius_norm(matmul(theta, theta.transpose()).as_ref());
    InputError::check("||Theta Theta'||", norm, (norm - 1.0).abs() <= 1e-10, "1")?;
    check_invertible("Lambda", lambda, "the published rate contains its inverse")?;
    let n = length as f64;
    let trace = lambda.trace();
    let gamma = |l: f64| (1.0 + 1.0 / n) * l + trace / n;
    let top = gamma(lambda.largest_eigenvalue());
    let reach = frobenius_norm(matmul(lambda.matrix(), theta).as_ref()).powi(2);
    let root = (d as f64).sqrt();
    let gain = sigma0 * sigma0 * reach * (2.0 - root * sigma0 * sigma0 * top);
    if gain.is_nan() || gain <= 0.0 {
        return Err(IclError::NoCertificate { gain });
    }
    let both: f64 = lambda.eigenvalues().iter().map(|&l| 1.0 / (gamma(l) * l)).sum();
    let inverse: f64 = lambda.eigenvalues().iter().map(|l| 1.0 / l).sum();
    finite("mu", gain / (root * lambda.largest_eigenvalue().powi(2) * both * inverse))
}

/// The first phase of the flow from a small start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Escape {
    /// Rate of the one growing direction, `||Lambda Psi Lambda||_F`.
    pub rate: f64,
    /// Rate at which the label block (p, q) of the full layer grows, `||Lambda Psi Lambda||_op`.
    pub label_rate: f64,
    /// Component of the start along the growing direction, `u0 + <M, U0>/||M||_F`; its sign is the sign of the final u.
    pub projection: f64,
    /// `ln(2/|projection|)/rate`, up to a constant of order 1/rate as the start shrinks.
    pub time: f64,
}

/// Escape from 0: near it the flow is `dU/dt = u M`, `du/dt = <M, U>` with `M = Lambda Psi Lambda` (ICL-25).
///
/// Infinite time when M = 0 or the start has no component along the growing direction. O(d^3).
///
/// # Errors
/// [`IclError::Input`] when U0 is not d x d or not finite.
pub fn escape_time(law: &Whitened, u0: f64, key_query: MatRef<'_, f64>) -> Result<Escape, IclError> {
    check_square("U0", key_query, law.dimension())?;
    InputError::check_finite("u0", u0)?;
    let cross = law.cross();
    let rate = finite("|Lambda Psi Lambda|", frobenius_norm(cross.as_ref()))?;
    if rate == 0.0 {
        return Ok(Escape { rate, label_rate: 0.0, projection: u0, time: f64::INFINITY });
    }
    let label_rate = symmetric_eigenvalues(cross.as_ref())?[0];
    let unit = Mat::from_fn(cross.nrows(), cross.ncols(), |i, j| cross[(i, j)] / rate);
    let projection = finite("u0 + <M, U0>/|M|", u0 + trace_product(unit.transpose(), key_query))?;
    // Infinite for a projection of 0.
    let time = (2.0 / projection.abs()).ln() / rate;
    Ok(Escape { rate, label_rate, projection, time })
}

/// `2 / (lambda_max(Lambda) lambda_max(S))`: gradient descent on `L/2` in A is stable below this step (ICL-27).
///
/// # Errors
/// [`IclError::NoLabels`] or [`IclError::NoCovariates`] when S = 0 (every step is stable);
/// [`IclError::NotRepresentable`] when S or the step is outside the range of `f64`.
pub fn largest_stable_step(law: &Whitened) -> Result<f64, IclError> {
    law.check_labels()?;
    if law.lambda().largest_eigenvalue() == 0.0 {
        return Err(IclError::NoCovariates);
    }
    let top = symmetric_eigenvalues(law.statistic().as_ref())?[0];
    if top <= 0.0 {
        return Err(IclError::NotRepresentable { quantity: "S" });
    }
    // Divided one after the other: the product of the two may underflow where the step does not.
    let step = finite("step", 2.0 / top / law.lambda().largest_eigenvalue())?;
    if step == 0.0 { Err(IclError::NotRepresentable { quantity: "step" }) } else { Ok(step) }
}

/// `1 - h lambda_i(Lambda) lambda_j(S)`: the exact contraction of mode (i, j) in one step of gradient descent on `L/2` in
/// A, in the eigenbases of Lambda (rows, descending) and S (columns, descending) (ICL-27). O(d^3).
///
/// # Errors
/// [`IclError::Input`] when h is not finite; [`IclError::NotRepresentable`] on overflow.
pub fn contraction_factors(law: &Whitened, step: f64) -> Result<Mat<f64>, IclError> {
    InputError::check_finite("step", step)?;
    let lambda = law.lambda().eigenvalues();
    let s = symmetric_eigenvalues(law.statistic().as_ref())?;
    let d = law.dimension();
    super::matrix::representable("contraction", Mat::from_fn(d, d, |i, j| 1.0 - step * lambda[i] * s[j]))
}
