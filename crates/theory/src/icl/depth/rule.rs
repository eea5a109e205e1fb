//! Spectral laws as finite sums of positive weights: exact risks of polynomial methods (ICL-42, 48, 59).
use dashu::rational::RBig;
use solvable_linalg::{MatRef, singular_values};
use solvable_model::InputError;

use super::exact::nearest;
use super::real_roots::real_roots;
use super::wishart::exact_moments;
use super::{LARGEST_MOMENT, Schedule};
use crate::icl::IclError;
use crate::icl::error::finite;
use crate::roots::itp;

/// Largest number of nodes of a Gauss rule for the Marchenko-Pastur law.
pub const LARGEST_RULE: usize = 4096;

/// Nodes and weights: `int f d mu = sum_k weights[k] f(nodes[k])` for the polynomials the rule is exact for.
///
/// All weights are positive, so that a risk, an integral of squares, is evaluated without cancellation however small.
#[derive(Clone, Debug, PartialEq)]
pub struct SpectralRule {
    nodes: Vec<f64>,
    weights: Vec<f64>,
}

impl SpectralRule {
    /// The empirical law of one prompt: all d eigenvalues of `S = X X'/N`, equal weights, X given one example a row
    /// (N x d). Exact for every function. O(N d min(N, d)).
    ///
    /// The nonzero eigenvalues are squared singular values; when N < d the others are exactly 0.
    ///
    /// # Errors
    /// [`IclError::Linalg`] when X is empty or not finite.
    pub fn prompt(x: MatRef<'_, f64>) -> Result<Self, IclError> {
        let (n, d) = (x.nrows(), x.ncols());
        let values = singular_values(x)?;
        let mut nodes: Vec<f64> = values.iter().map(|v| v * (v / n as f64)).collect();
        nodes.resize(d, 0.0);
        nodes.reverse();
        Ok(Self { nodes, weights: vec![1.0 / d as f64; d] })
    }

    /// The n-point Gauss rule of the Marchenko-Pastur law of aspect ratio c = d/N, atom at 0 included: exact for
    /// polynomials of degree 2n - 1.
    ///
    /// Orthonormal polynomials `U_j(z) + sqrt(c) U_{j-1}(z)`, `lambda = 1 + c + 2 sqrt(c) z` (recurrence coefficients 1, 1+c,
    /// 1+c, ...; c, c, ...). With `z = -cos psi` the nodes solve `n psi + arg(e^(i psi) - sqrt c) = k pi`, one in each
    /// interval of length pi/n; for `sqrt c > 1 + 1/n` one node leaves the bulk and approaches the atom. Nodes are formed
    /// as distances from the lower edge. O(n^2) for the weights.
    ///
    /// # Errors
    /// [`IclError::Input`] unless c is positive and n between 1 and [`LARGEST_RULE`].
    pub fn marchenko_pastur(c: f64, n: usize) -> Result<Self, IclError> {
        InputError::check_positive("c", c)?;
        if n == 0 || n > LARGEST_RULE {
            let condition = "between 1 and 4096";
            return Err(
                InputError::Count { argument: "number of nodes".into(), value: n as u64, condition }.into()
            );
        }
        let root = c.sqrt();
        // 1 - sqrt c without cancellation.
        let gap = (1.0 - c) / (1.0 + root);
        let size = n as f64;
        let mut rule = Self { nodes: Vec::with_capacity(n), weights: Vec::with_capacity(n) };
        let detached = size * -gap >= 1.0;
        if detached {
            rule.push_detached(root, size);
        }
        let argument = |psi: f64| {
            let half = (0.5 * psi).sin();
            psi.sin().atan2(gap - 2.0 * half * half)
        };
        for k in usize::from(detached) + 1..=n {
            let k = k as f64;
            let phase = |psi: f64| size * psi + argument(psi) - k * core::f64::consts::PI;
            let mut low = (k - 1.0) * core::f64::consts::PI / size;
            if k == 1.0 && gap < 0.0 {
                // The phase starts at pi, dips and returns: the root lies beyond the dip at
                // cos psi = (n (1 + c) + 1)/(sqrt c (2n + 1)); 1 - cos psi is written without cancellation.
                let drop = -gap * (1.0 + size * gap) / (root * (2.0 * size + 1.0));
                low = 2.0 * (0.5 * drop.max(0.0)).sqrt().min(1.0).asin();
            }
            let high = (k * core::f64::consts::PI / size).min(core::f64::consts::PI);
            let psi = match itp(phase, low, high, 0.0) {
                Ok(root) => root.x,
                // Rounding at the ends of the interval: the root is the nearer one.
                Err(_) => {
                    if phase(low).abs() <= phase(high).abs() {
                        low
                    } else {
                        high
                    }
                }
            };
            let half = (0.5 * psi).sin();
            rule.nodes.push(gap * gap + 4.0 * root * half * half);
            let z2 = -2.0 * psi.cos();
            let (mut before, mut now, mut sum) = (1.0, z2 + root, 1.0);
            for _ in 1..n {
                sum += now * now;
                (before, now) = (now, z2 * now - before);
            }
            rule.weights.push(1.0 / sum);
        }
        Ok(rule)
    }

    /// The node near the atom: `z = -cosh phi`, `sinh((n+1) phi) = sqrt(c) sinh(n phi)`.
    fn push_detached(&mut self, root: f64, size: f64) {
        let ratio = |phi: f64| {
            let quotient = if phi == 0.0 {
                (size + 1.0) / size
            } else {
                phi.exp() * ((-2.0 * (size + 1.0) * phi).exp_m1() / (-2.0 * size * phi).exp_m1())
            };
            quotient - root
        };
        let phi = itp(ratio, 0.0, root.ln(), 0.0).map_or(root.ln(), |r| r.x);
        let decay = (-size * phi).exp();
        let g = root - (-phi).exp();
        self.nodes.push(decay * g * (decay * g));
        let mut sum = 0.0;
        let mut j = 0.0;
        while j < size {
            // g e^(-n phi) sinh((n-j) phi)/sinh(phi), written with decaying exponentials.
            let value = if phi == 0.0 {
                g * (size - j)
            } else {
                g * (-j * phi).exp() * (-(-2.0 * (size - j) * phi).exp_m1()) / (2.0 * phi.sinh())
            };
            sum += value * value;
            j += 1.0;
        }
        self.weights.push(1.0 / sum);
    }

    /// The n-point Gauss rule of the mean spectral law at finite size (standard Gaussian covariates, dimension d, N
    /// examples), exact for polynomials of degree 2n - 1.
    ///
    /// Recurrence coefficients from exact rational moments, nodes from exact signs: every digit is correct where floating
    /// point Hankel matrices have lost all of them.
    ///
    /// # Errors
    /// [`IclError::Input`] when d or N is 0, n is 0 or 2n exceeds [`LARGEST_MOMENT`].
    pub fn wishart(d: usize, context: usize, n: usize) -> Result<Self, IclError> {
        if n == 0 || n > LARGEST_MOMENT / 2 {
            let condition = "between 1 and 16 at finite size";
            return Err(
                InputError::Count { argument: "number of nodes".into(), value: n as u64, condition }.into()
            );
        }
        let moments = exact_moments(d, context, 2 * n - 1)?;
        let (alpha, beta) = recurrence(&moments, n);
        let mut before: Vec<RBig> = Vec::new();
        let mut now = vec![RBig::ONE];
        for k in 0..n {
            let next = super::exact::add_scaled(
                &super::exact::add_scaled(&super::exact::shift(&now), &-alpha[k].clone(), &now),
                &-beta[k].clone(),
                &before,
            );
            (before, now) = (now, next);
        }
        let (nodes, _) = real_roots(&now);
        let a = alpha.iter().map(|x| nearest("alpha", x)).collect::<Result<Vec<_>, _>>()?;
        let b = beta.iter().map(|x| nearest("beta", x)).collect::<Result<Vec<_>, _>>()?;
        let weights = nodes
            .iter()
            .map(|&x| {
                let (mut before, mut now, mut sum) = (0.0, 1.0, 0.0);
                for k in 0..n {
                    sum += now * now;
                    if k + 1 < n {
                        let last = if k == 0 { 0.0 } else { b[k].sqrt() };
                        (before, now) = (now, ((x - a[k]) * now - last * before) / b[k + 1].sqrt());
                    }
                }
                1.0 / sum
            })
            .collect();
        Ok(Self { nodes, weights })
    }

    /// The nodes, ascending.
    #[must_use]
    pub fn nodes(&self) -> &[f64] {
        &self.nodes
    }

    /// The weights, positive, summing to 1.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// `sum_k weights[k] f(nodes[k])`.
    #[must_use]
    pub fn integrate(&self, mut f: impl FnMut(f64) -> f64) -> f64 {
        self.nodes.iter().zip(&self.weights).map(|(&x, w)| w * f(x)).sum()
    }

    /// The normalised risk `int [p^2 + s lambda q^2] d mu` of a method with values (p, q) (ICL-42): a sum of positive terms.
    ///
    /// # Errors
    /// [`IclError::Input`] when s is negative or not finite; [`IclError::NotRepresentable`] on overflow.
    pub fn risk(&self, mut method: impl FnMut(f64) -> (f64, f64), s: f64) -> Result<f64, IclError> {
        InputError::check_nonnegative("s", s)?;
        let value = self.integrate(|x| {
            let (p, q) = method(x);
            p * p + s * (x * q * q)
        });
        finite("R", value)
    }
}

/// Recurrence coefficients of the orthogonal polynomials of a measure from its moments (Chebyshev's algorithm), exact.
pub(super) fn recurrence(moments: &[RBig], n: usize) -> (Vec<RBig>, Vec<RBig>) {
    let mut alpha = vec![&moments[1] / &moments[0]];
    let mut beta = vec![moments[0].clone()];
    let mut before = vec![RBig::ZERO; 2 * n];
    let mut now = moments[..2 * n].to_vec();
    for k in 1..n {
        let next: Vec<RBig> = (0..2 * n)
            .map(|l| {
                if l < k || l + k >= 2 * n {
                    return RBig::ZERO;
                }
                &now[l + 1] - &alpha[k - 1] * &now[l] - &beta[k - 1] * &before[l]
            })
            .collect();
        alpha.push(&next[k + 1] / &next[k] - &now[k] / &now[k - 1]);
        beta.push(&next[k] / &now[k - 1]);
        (before, now) = (now, next);
    }
    (alpha, beta)
}

/// The normalised risk of a schedule on one prompt, averaged over task, noise and query:
/// `R(X) = (1/d) sum_i [p(lambda_i)^2 + s lambda_i q(lambda_i)^2]`, `s = sigma2/(N tau2)` (ICL-59). X is N x d.
///
/// # Errors
/// [`IclError::Input`] when `tau2` is not positive or `sigma2` negative; [`IclError::Linalg`] when X is empty or not
/// finite.
pub fn prompt_risk(x: MatRef<'_, f64>, schedule: &Schedule, tau2: f64, sigma2: f64) -> Result<f64, IclError> {
    let s = noise_ratio(x.nrows(), tau2, sigma2)?;
    SpectralRule::prompt(x)?.risk(|l| schedule.at(l), s)
}

/// The normalised Bayes risk of one prompt, `(1/d) sum_i s/(lambda_i + s)`; without noise the fraction of null
/// eigenvalues (ICL-54). X is N x d.
///
/// # Errors
/// As [`prompt_risk`].
pub fn prompt_bayes_risk(x: MatRef<'_, f64>, tau2: f64, sigma2: f64) -> Result<f64, IclError> {
    let s = noise_ratio(x.nrows(), tau2, sigma2)?;
    let ridge = |l: f64| if l == 0.0 { 1.0 } else { s / (l + s) };
    Ok(SpectralRule::prompt(x)?.integrate(ridge))
}

/// `s = sigma2/(N tau2)`.
pub(super) fn noise_ratio(n: usize, tau2: f64, sigma2: f64) -> Result<f64, IclError> {
    InputError::check_count("N", n)?;
    InputError::check_positive("tau2", tau2)?;
    InputError::check_nonnegative("sigma2", sigma2)?;
    finite("sigma2/(N tau2)", sigma2 / n as f64 / tau2)
}
