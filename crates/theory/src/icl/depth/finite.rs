//! Exact risks at finite size (ICL-42, 43, 53, 55, 64).
use dashu::rational::RBig;
use solvable_linalg::sum_compensated;
use solvable_model::{Covariance, InputError};

use super::exact::{integrate, multiply, nearest, rational, whole};
use super::rule::noise_ratio;
use super::wishart::{MatrixMoments, exact_moments};
use super::{LARGEST_MOMENT, Schedule};
use crate::icl::IclError;
use crate::icl::error::finite;

/// Sizes and variances of an isotropic problem: x standard Gaussian, w of covariance tau2 I, noise of variance sigma2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FiniteSize {
    d: usize,
    context: usize,
    tau2: f64,
    sigma2: f64,
}

impl FiniteSize {
    /// States the problem.
    ///
    /// # Errors
    /// [`IclError::Input`] when d or N is 0, `tau2` is not positive or `sigma2` negative, or one is not finite.
    pub fn new(d: usize, context: usize, tau2: f64, sigma2: f64) -> Result<Self, IclError> {
        InputError::check_count("d", d)?;
        noise_ratio(context, tau2, sigma2)?;
        Ok(Self { d, context, tau2, sigma2 })
    }

    /// Dimension d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.d
    }

    /// Context length N.
    #[must_use]
    pub fn context(&self) -> usize {
        self.context
    }

    /// Variance of the task, a coordinate.
    #[must_use]
    pub fn tau2(&self) -> f64 {
        self.tau2
    }

    /// Label noise variance.
    #[must_use]
    pub fn sigma2(&self) -> f64 {
        self.sigma2
    }

    /// `s = sigma2/(N tau2)`.
    #[must_use]
    pub fn noise(&self) -> f64 {
        self.sigma2 / self.context as f64 / self.tau2
    }
}

/// The largest degree of the residual polynomial that exact moments reach.
fn check_degree(schedule: &Schedule) -> Result<(), IclError> {
    let degree = schedule.degree();
    if 2 * degree.min(LARGEST_MOMENT) <= LARGEST_MOMENT {
        return Ok(());
    }
    let condition = "at most 16: exact finite-size moments are computed up to order 32";
    let argument = "degree of the residual polynomial".into();
    Err(InputError::Count { argument, value: degree as u64, condition }.into())
}

/// `E (y_q - w'x_q)^2 = d tau2 int p^2 d mu + (d sigma2/N) int lambda q^2 d mu`: risk of descent or GD++ at finite size, not
/// normalised (ICL-42; ICL-53 and ICL-64 with corrections).
///
/// mu is the mean spectral law of S. Exact: steps, variances and moments are rationals, the result is rounded once, so
/// that cancellation between moments (which destroys all digits of deep or badly tuned schedules) does no harm. As depth
/// grows at fixed size the risk of a constant step diverges (ICL-52).
///
/// # Errors
/// [`IclError::Input`] when the degree exceeds 16; [`IclError::NotRepresentable`] on overflow.
///
/// ```
/// use solvable_theory::icl::{FiniteSize, Schedule, finite_risk};
/// // d = N = 1, steps of 1/2: the noise-free risk grows with depth, 3/4, 41/16, ...
/// let size = FiniteSize::new(1, 1, 1.0, 0.0)?;
/// assert_eq!(finite_risk(&size, &Schedule::constant(1, 0.5)?)?, 0.75);
/// assert_eq!(finite_risk(&size, &Schedule::constant(2, 0.5)?)?, 2.5625);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn finite_risk(size: &FiniteSize, schedule: &Schedule) -> Result<f64, IclError> {
    let (bias, variance) = exact_parts(size.d, size.context, schedule)?;
    let total = rational(size.tau2) * bias + rational(size.sigma2) * variance / whole(size.context);
    nearest("risk", &(whole(size.d) * total))
}

/// The normalised risk `int p^2 d mu + s int lambda q^2 d mu` at finite size, exact (ICL-42, ICL-64).
///
/// # Errors
/// As [`finite_risk`], and when d or N is 0 or s is negative or not finite.
pub fn normalised_finite_risk(
    d: usize,
    context: usize,
    s: f64,
    schedule: &Schedule,
) -> Result<f64, IclError> {
    InputError::check_nonnegative("s", s)?;
    let (bias, variance) = exact_parts(d, context, schedule)?;
    nearest("R", &(bias + rational(s) * variance))
}

/// `int p^2 d mu` and `int lambda q^2 d mu`.
fn exact_parts(d: usize, context: usize, schedule: &Schedule) -> Result<(RBig, RBig), IclError> {
    check_degree(schedule)?;
    let moments = exact_moments(d, context, 2 * schedule.degree())?;
    let (p, q) = schedule.polynomials();
    let bias = trimmed_integral(&multiply(&p, &p), &moments, 0);
    let variance = trimmed_integral(&multiply(&q, &q), &moments, 1);
    Ok((bias, variance))
}

/// Zero leading coefficients may lie beyond the moments.
fn trimmed_integral(a: &[RBig], moments: &[RBig], offset: usize) -> RBig {
    let end = a.iter().rposition(|c| !c.is_zero()).map_or(0, |i| i + 1);
    integrate(&a[..end], moments, offset)
}

/// The best single step and its risk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneStep {
    /// The best step.
    pub eta: f64,
    /// Its risk, not normalised.
    pub risk: f64,
}

/// `eta* = N/(N + d + 1 + sigma2/tau2)`, risk `d tau2 (1 - eta*)`: the best step of one layer (ICL-43). O(1).
///
/// # Errors
/// [`IclError::NotRepresentable`] on overflow.
pub fn best_one_step(size: &FiniteSize) -> Result<OneStep, IclError> {
    let (d, n) = (size.d as f64, size.context as f64);
    let rest = d + 1.0 + finite("sigma2/tau2", size.sigma2 / size.tau2)?;
    let total = n + rest;
    Ok(OneStep { eta: n / total, risk: finite("risk", d * size.tau2 * (rest / total))? })
}

/// Covariates with i.i.d. coordinates: zero mean, a variance and a fourth moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinates {
    variance: f64,
    fourth: f64,
}

impl Coordinates {
    /// From the variance v and the fourth moment.
    ///
    /// # Errors
    /// [`IclError::Input`] unless v is positive and the fourth moment at least v^2 (Jensen) and finite.
    pub fn new(variance: f64, fourth: f64) -> Result<Self, IclError> {
        InputError::check_positive("variance", variance)?;
        let square = variance * variance;
        let holds = fourth.is_finite() && fourth >= square * (1.0 - 4.0 * f64::EPSILON);
        InputError::check("fourth moment", fourth, holds, "finite and at least the squared variance")?;
        Ok(Self { variance, fourth })
    }

    /// Uniform on [-a, a]: `v = a^2/3`, fourth moment `a^4/5`.
    ///
    /// # Errors
    /// [`IclError::Input`] unless a is positive, finite, and its powers representable.
    pub fn uniform(a: f64) -> Result<Self, IclError> {
        InputError::check_positive("a", a)?;
        let square = a * a;
        let fourth = finite("a^4", square * square)? / 5.0;
        InputError::check("a", a, fourth >= f64::MIN_POSITIVE, "large enough that a^4 does not vanish")?;
        Self::new(square / 3.0, fourth)
    }

    /// `c_N = [(N - 1) v + (d - 1) v + mu_4/v]/N`: the curvature of the risk in the step, over `tau2 v^2 d`, without noise.
    fn curvature(&self, size: &FiniteSize) -> f64 {
        let (d, n) = (size.d as f64, size.context as f64);
        self.variance + self.excess(d) / n
    }

    /// `(d - 2) v + mu_4/v`: N times what the curvature exceeds v by; at least (d - 1) v.
    fn excess(&self, d: f64) -> f64 {
        (d - 1.0) * self.variance + (self.fourth / self.variance - self.variance).max(0.0)
    }
}

/// `R(eta) = tau2 v d [1 - 2 eta v + eta^2 v (c_N + s)]`: risk of one layer of step eta on such covariates, query of the same
/// law, not normalised (ICL-43); `s = sigma2/(N tau2)`.
///
/// Evaluated as `tau2 v d [(1 - eta v)^2 + eta^2 v (c_N - v + s)]`, a sum of squares. O(1).
///
/// # Errors
/// [`IclError::Input`] when eta is not finite; [`IclError::NotRepresentable`] on overflow.
pub fn one_step_risk(size: &FiniteSize, law: &Coordinates, eta: f64) -> Result<f64, IclError> {
    InputError::check_finite("eta", eta)?;
    let (d, n, v) = (size.d as f64, size.context as f64, law.variance);
    let spread = law.excess(d) / n + size.noise();
    let bracket = (1.0 - eta * v) * (1.0 - eta * v) + eta * v * (eta * spread);
    finite("risk", size.tau2 * v * d * bracket)
}

/// The best step of one layer on such covariates, `eta* = 1/(c_N + s)`, and its risk `tau2 v d (1 - v eta*)` (ICL-43).
///
/// Uniform inputs are those of the experiments of von Oswald et al. O(1).
///
/// # Errors
/// [`IclError::NotRepresentable`] on overflow.
pub fn best_one_step_on(size: &FiniteSize, law: &Coordinates) -> Result<OneStep, IclError> {
    let (d, n, v) = (size.d as f64, size.context as f64, law.variance);
    let total = law.curvature(size) + size.noise();
    let rest = law.excess(d) / n + size.noise();
    Ok(OneStep {
        eta: finite("eta", 1.0 / total)?,
        risk: finite("risk", size.tau2 * v * d * (rest / total))?,
    })
}

/// A value with a bound on its rounding error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedValue {
    /// The value.
    pub value: f64,
    /// Bound on its absolute error.
    pub error_bound: f64,
}

/// `tau2 tr(Lambda E p(S)^2) + (sigma2/N) tr(Lambda E[q(S)^2 S])`: risk of plain descent, no preconditioner, on covariates of
/// any covariance with prior `tau2 I` (ICL-55), not normalised.
///
/// Any number of steps K <= 16, from the moments of [`wishart_matrix_moment`](super::wishart_matrix_moment). Powers of the
/// steps times Lambda's largest eigenvalue weigh the moments with alternating signs: the bound on the rounding error is
/// returned, and a value it exceeds is refused. For a general prior the cross moments are not covered.
///
/// # Errors
/// [`IclError::Input`] when N = 0, K > 16, `tau2` is not positive or `sigma2` negative; [`IclError::NotRepresentable`] on
/// overflow or when cancellation leaves no digit.
pub fn general_covariance_risk(
    lambda: &Covariance,
    context: usize,
    tau2: f64,
    sigma2: f64,
    etas: &[f64],
) -> Result<BoundedValue, IclError> {
    let s = noise_ratio(context, tau2, sigma2)?;
    let schedule = Schedule::new(etas, &[])?;
    check_degree(&schedule)?;
    let moments = MatrixMoments::new(lambda, context, 2 * etas.len())?;
    // In units where the largest eigenvalue is 1: steps grow by it, s shrinks.
    let scaled: Vec<f64> = etas.iter().map(|e| e * moments.scale).collect();
    InputError::check_vector("etas times the largest eigenvalue of Lambda", &scaled)?;
    let (p, q) = Schedule::new(&scaled, &[])?.polynomials();
    let square = multiply(&p, &p);
    let noise = multiply(&q, &q);
    let ratio = rational(s) / rational(moments.scale);
    let mut terms = Vec::with_capacity(square.len());
    for (j, c) in square.iter().enumerate() {
        let extra = j.checked_sub(1).and_then(|i| noise.get(i)).map_or(RBig::ZERO, |x| &ratio * x);
        let weight = nearest("coefficient", &(c + extra))?;
        terms.push(weight * moments.weighted_trace(j));
    }
    let value = finite("risk", tau2 * (moments.scale * sum_compensated(&terms)))?;
    let magnitude: f64 = terms.iter().map(|t| t.abs()).sum();
    // Each moment carries about four roundings an order and one a dimension.
    let roundings = 8.0 * etas.len() as f64 + 16.0 + lambda.dimension() as f64;
    let error_bound = tau2 * moments.scale * magnitude * roundings * f64::EPSILON;
    if value.is_nan() || value < error_bound && magnitude > 0.0 {
        return Err(IclError::NotRepresentable {
            quantity: "risk (cancellation between moments leaves no digit)",
        });
    }
    Ok(BoundedValue { value, error_bound })
}
