//! Nonlinear and misspecified responses (ICL-13 to 15).
use solvable_linalg::{Mat, MatRef, matmul, outer, solve_spd, symmetrize, trace_product};
use solvable_model::icl::{Polynomial, RegressionTask, SingleIndexMixture, check_quadratic_form};
use solvable_model::{Covariance, InputError};

use super::error::finite;
use super::matrix::{check_invertible, representable, triple};
use super::{IclError, Whitened};

/// The moments of a random response that decide the minimizer (ICL-13).
///
/// Given the task f, pairs (x, y) are i.i.d. with `E[xx'] = lambda` for every f.
#[derive(Clone, Debug)]
pub struct TargetMoments {
    /// E[x x'], invertible.
    pub lambda: Covariance,
    /// `C = E[c_f c_f']`, `c_f = E[x y | f]`.
    pub explained: Mat<f64>,
    /// `R - C`, `R = E[y^2 x x']`.
    pub scatter: Mat<f64>,
    /// `E[y^2]`, noise included.
    pub power: f64,
}

/// The minimizer for a general response.
#[derive(Clone, Debug)]
pub struct TargetMinimum {
    /// `A* = Lambda^-1 C S^-1`, in general not symmetric.
    pub a_star: Mat<f64>,
    /// L* against the noisy target.
    pub loss_noisy_target: f64,
    /// What the best linear predictor of each task leaves, `E[y^2] - tr(Lambda^-1 C)`; the limit of L* as N grows.
    pub best_linear: f64,
    /// `L* - best_linear = tr(A*(R - C))/N`.
    pub excess: f64,
}

/// `A* = Lambda^-1 C S^-1` with `S = C + (R - C)/N`, and `L* = E[y^2] - tr(A* C)` (ICL-13).
///
/// The loss is split as `[E[y^2] - tr(Lambda^-1 C)] + tr(A*(R - C))/N`, so that the excess over the best linear predictor
/// keeps relative accuracy for large N. If C = 0 nothing is learned, A* = 0. O(d^3).
///
/// # Errors
/// [`IclError::Input`] when N = 0 or Lambda is singular; [`IclError::Linalg`] when S is singular.
pub fn target_minimum(moments: &TargetMoments, length: usize) -> Result<TargetMinimum, IclError> {
    InputError::check_count("N", length)?;
    check_invertible("Lambda", &moments.lambda, "the best linear predictor needs an invertible E[x x']")?;
    let n = length as f64;
    let d = moments.lambda.dimension();
    let c = &moments.explained;
    let power = finite("E[y^2]", moments.power)?;
    if solvable_linalg::max_abs(c.as_ref()) == 0.0 {
        let a_star = Mat::zeros(d, d);
        return Ok(TargetMinimum { a_star, loss_noisy_target: power, best_linear: power, excess: 0.0 });
    }
    let s = Mat::from_fn(d, d, |i, j| c[(i, j)] + moments.scatter[(i, j)] / n);
    let s = representable("S", symmetrize(s.as_ref()))?;
    let half = solve_spd(s.as_ref(), c.as_ref())?.x;
    let lambda = moments.lambda.matrix();
    let a_star = representable("A*", solve_spd(lambda, half.transpose())?.x)?;
    let projection = solve_spd(lambda, c.as_ref())?.x;
    let explained: f64 = (0..d).map(|i| projection[(i, i)]).sum();
    let best_linear = power - explained;
    let excess = trace_product(a_star.as_ref(), moments.scatter.as_ref()) / n;
    let loss_noisy_target = finite("L*", best_linear + excess)?;
    Ok(TargetMinimum { a_star, loss_noisy_target, best_linear, excess })
}

/// Hermite coefficients: `g(scale z) = sum_k h_k He_k(z)`, He the probabilists' polynomials.
fn hermite(link: &Polynomial, scale: f64) -> Vec<f64> {
    // Horner in the Hermite basis: z He_k = He_{k+1} + k He_{k-1}.
    let mut h: Vec<f64> = vec![0.0];
    for &c in link.coefficients().iter().rev() {
        h = times_argument(&h, scale);
        h[0] += c;
    }
    h
}

/// Hermite coefficients of `scale z g(z)`.
fn times_argument(h: &[f64], scale: f64) -> Vec<f64> {
    let mut out = vec![0.0; h.len() + 1];
    for (k, &x) in h.iter().enumerate() {
        out[k + 1] += scale * x;
        if k > 0 {
            out[k - 1] += scale * k as f64 * x;
        }
    }
    out
}

/// `sum_k k! h_k^2 = E[g(z)^2]`, from index `from` on.
fn hermite_power(h: &[f64], skip: Option<usize>) -> f64 {
    let mut factorial = 1.0;
    let mut total = 0.0;
    for (k, &x) in h.iter().enumerate() {
        if k > 0 {
            factorial *= k as f64;
        }
        if skip != Some(k) {
            total += factorial * x * x;
        }
    }
    total
}

/// The best step for single-index responses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SingleIndexStep {
    /// `A* = eta I`.
    pub eta: f64,
    /// L* against the noisy target.
    pub loss_noisy_target: f64,
    /// `E[g^2] + sigma2 - alpha^2`: what the best linear predictor leaves.
    pub best_linear: f64,
}

/// `eta* = N alpha^2 / ((N-1) alpha^2 + (d-1) m0 + m2)`, `L* = m0 - eta* alpha^2` for `y = g(v'x) + noise`, x standard Gaussian
/// and v uniform on the sphere (ICL-14; Mahankali, Hashimoto, Ma, Section 5).
///
/// `alpha = E[z g]`, `m0 = E[g^2] + sigma2`, `m2 = E[z^2 g^2] + sigma2`. Exactly 0 when g has no linear Hermite component
/// (z^2, z^3 - 3z): nothing is learned. The loss is `(m0 - alpha^2) + alpha^2 (1 - eta*)`, both parts sums of positive
/// terms in the Hermite coefficients of g. O(degree^2).
///
/// # Errors
/// [`IclError::Input`] when d or N is 0 or `sigma2` is negative or not finite; [`IclError::NoLabels`] when g = 0 and
/// sigma2 = 0.
///
/// ```
/// use solvable_model::icl::Polynomial;
/// use solvable_theory::icl::single_index_step;
/// // g = z is linear regression with Psi = I/d: eta = N/(N + d + 1).
/// let step = single_index_step(&Polynomial::new(&[0.0, 1.0])?, 4, 5, 0.0)?;
/// assert!((step.eta - 0.5).abs() < 1e-15 && step.best_linear == 0.0);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn single_index_step(
    link: &Polynomial,
    d: usize,
    length: usize,
    sigma2: f64,
) -> Result<SingleIndexStep, IclError> {
    InputError::check_count("d", d)?;
    InputError::check_count("N", length)?;
    InputError::check_nonnegative("sigma2", sigma2)?;
    let (d, n) = (d as f64, length as f64);
    let h = hermite(link, 1.0);
    let alpha = h.get(1).copied().unwrap_or(0.0);
    let m0 = hermite_power(&h, None) + sigma2;
    let m2 = hermite_power(&times_argument(&h, 1.0), None) + sigma2;
    if m0 == 0.0 {
        return Err(IclError::NoLabels);
    }
    let a2 = alpha * alpha;
    let scatter = (d - 1.0) * m0 + m2;
    let total = finite("E[(x_q's)^2]", (n - 1.0) * a2 + scatter)?;
    // m2 >= alpha^2 by Cauchy-Schwarz (it is E[(zg)^2]): the difference loses nothing relative to m2.
    let shortfall = ((d - 1.0) * m0 + (m2 - a2)) / total;
    let best_linear = hermite_power(&h, Some(1)) + sigma2;
    let eta = if a2 == 0.0 { 0.0 } else { n * (a2 / total) };
    let loss = if a2 == 0.0 { m0 } else { best_linear + a2 * shortfall };
    Ok(SingleIndexStep { eta, loss_noisy_target: finite("L*", loss)?, best_linear })
}

/// The moments of a single-index mixture (ICL-15a):
/// `C = sum_k pi_k alpha_k^2 Lambda v_k v_k' Lambda`, `R = sum_k pi_k [(E_k g^2 + sigma2) Lambda + kappa_k Lambda v_k v_k' Lambda]`.
///
/// With `s_k^2 = v_k' Lambda v_k` and `z ~ N(0, s_k^2)`: `alpha_k = E[z g]/s_k^2`, `kappa_k = (E[g^2 z^2] - s_k^2
/// E[g^2])/s_k^4`, exact from the Hermite coefficients of g. O(K d^2).
///
/// # Errors
/// [`IclError::NotRepresentable`] on overflow.
pub fn single_index_moments(task: &SingleIndexMixture) -> Result<TargetMoments, IclError> {
    let lambda = task.lambda();
    let d = lambda.dimension();
    let mut explained = Mat::zeros(d, d);
    let mut scatter = Mat::zeros(d, d);
    let mut power = 0.0;
    for (weight, v) in task.weights().iter().zip(task.directions()) {
        let image: Vec<f64> = (0..d).map(|i| (0..d).map(|j| lambda.matrix()[(i, j)] * v[j]).sum()).collect();
        let variance: f64 = image.iter().zip(v).map(|(x, y)| x * y).sum();
        let h = hermite(task.link(), variance.sqrt());
        let alpha2 = h.get(1).copied().unwrap_or(0.0).powi(2) / variance;
        let own = hermite_power(&h, None);
        let weighted = hermite_power(&times_argument(&h, 1.0), None);
        let kappa = (weighted - own) / variance;
        let label = own + task.sigma2();
        power += weight * label;
        let square = outer(&image, &image);
        for j in 0..d {
            for i in 0..d {
                explained[(i, j)] += weight * alpha2 * square[(i, j)];
                scatter[(i, j)] +=
                    weight * (label * lambda.matrix()[(i, j)] + (kappa - alpha2) * square[(i, j)]);
            }
        }
    }
    Ok(TargetMoments {
        lambda: lambda.clone(),
        explained: representable("C", explained)?,
        scatter: representable("R", scatter)?,
        power: finite("E[y^2]", power)?,
    })
}

/// `E[(x'Qx)^2 x x'] = [(tr Q Lambda)^2 + 2 tr(Q Lambda Q Lambda)] Lambda + 4 tr(Q Lambda) Lambda Q Lambda + 8 Lambda Q Lambda Q
/// Lambda` for `x ~ N(0, Lambda)` and symmetric Q (ICL-15b). O(d^3).
///
/// # Errors
/// [`IclError::Input`] when Q is not symmetric d x d and finite.
pub fn quartic_moment(q: MatRef<'_, f64>, lambda: &Covariance) -> Result<Mat<f64>, IclError> {
    let d = lambda.dimension();
    check_quadratic_form(q, d)?;
    let l = lambda.matrix();
    let ql = matmul(q, l);
    let mean: f64 = (0..d).map(|i| ql[(i, i)]).sum();
    let square = trace_product(ql.as_ref(), ql.as_ref());
    let once = triple(l, q, l);
    let twice = triple(l, q, once.as_ref());
    let sum = Mat::from_fn(d, d, |i, j| {
        (mean * mean + 2.0 * square) * l[(i, j)] + 4.0 * mean * once[(i, j)] + 8.0 * twice[(i, j)]
    });
    representable("E[(x'Qx)^2 x x']", symmetrize(sum.as_ref()))
}

/// The moments of `y = w'x + x'Qx + noise`, w of symmetric law with second moment Psi, Q fixed (ICL-15b).
///
/// C is that of the linear task; the quadratic part acts as anisotropic label noise: R gains [`quartic_moment`]. O(d^3).
///
/// # Errors
/// As [`quartic_moment`].
pub fn contaminated_moments(task: &RegressionTask, q: MatRef<'_, f64>) -> Result<TargetMoments, IclError> {
    let lambda = task.lambda();
    let l = lambda.matrix();
    let quartic = quartic_moment(q, lambda)?;
    let d = lambda.dimension();
    let cross = Whitened::new(task)?.cross();
    let ql = matmul(q, l);
    let mean: f64 = (0..d).map(|i| ql[(i, i)]).sum();
    let square = trace_product(ql.as_ref(), ql.as_ref());
    let label = task.signal() + task.sigma2();
    let scatter = Mat::from_fn(d, d, |i, j| cross[(i, j)] + label * l[(i, j)] + quartic[(i, j)]);
    Ok(TargetMoments {
        lambda: lambda.clone(),
        explained: cross,
        scatter: representable("R", scatter)?,
        power: finite("E[y^2]", label + mean * mean + 2.0 * square)?,
    })
}
