//! The best depth-K method at finite size (ICL-44, 45, 46, 62, 63).
use dashu::base::Signed;
use dashu::rational::RBig;
use solvable_model::InputError;

use super::exact::{add_scaled, integrate, multiply, nearest, rational, shift, solve, whole};
use super::real_roots::real_roots;
use super::search::{Search, best_plain};
use super::wishart::exact_moments;
use super::{LARGEST_MOMENT, SpectralRule};
use crate::icl::IclError;

/// The best polynomial of degree K in the finite-size mean, and what scalar steps can do of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteOptimum {
    /// `R*_K = 1 - h'H^-1 h`: the least normalised risk of any degree-K method; a lower bound for K plain layers.
    pub bound: f64,
    /// K steps on the ridge loss, ascending, that attain it: always real and positive (ICL-46).
    pub ridge_steps: Vec<f64>,
    /// Whether K plain steps attain it, i.e. all roots of the residual polynomial are real (ICL-63).
    pub realisable: bool,
    /// Plain steps, ascending: those that attain the bound, or the best found when none do.
    pub steps: Vec<f64>,
    /// The normalised risk of `steps`; equal to the bound when realisable.
    pub risk: f64,
}

/// Largest depth of the exact optimum.
pub const LARGEST_DEPTH: usize = LARGEST_MOMENT / 2;

struct Quadratic {
    moments: Vec<RBig>,
    s: RBig,
    /// Coefficients of the optimal q.
    q: Vec<RBig>,
    minimum: RBig,
}

impl Quadratic {
    /// Minimises `1 - 2 h'q + q'H q`, `H_ij = m_{i+j+2} + s m_{i+j+1}`, `h_i = m_{i+1}`, exactly.
    fn new(layers: usize, d: usize, context: usize, s: RBig) -> Result<Self, IclError> {
        InputError::check_count("d", d)?;
        InputError::check_count("N", context)?;
        if layers > LARGEST_DEPTH {
            let condition = "at most 16: exact finite-size moments are computed up to order 32";
            return Err(InputError::Count { argument: "K".into(), value: layers as u64, condition }.into());
        }
        let moments = exact_moments(d, context, 2 * layers)?;
        let h: Vec<RBig> = moments[1..].iter().take(layers).cloned().collect();
        let matrix: Vec<Vec<RBig>> = (0..layers)
            .map(|i| (0..layers).map(|j| &moments[i + j + 2] + &s * &moments[i + j + 1]).collect())
            .collect();
        // Positive definite: lambda (lambda + s) d mu has infinite support at every finite size.
        let q = solve(matrix, h.clone()).ok_or(IclError::NotRepresentable { quantity: "q" })?;
        let explained = q.iter().zip(&h).fold(RBig::ZERO, |sum, (a, b)| sum + a * b);
        Ok(Self { moments, s, q, minimum: RBig::ONE - explained })
    }

    /// Ascending reciprocals of the roots of `1 - (lambda + shift) q(lambda)`, shifted.
    fn ridge_steps(&self) -> Result<Vec<f64>, IclError> {
        let minus = -RBig::ONE;
        let grown = add_scaled(&shift(&self.q), &self.s, &self.q);
        let polynomial = add_scaled(&[RBig::ONE], &minus, &grown);
        let s = nearest("s", &self.s)?;
        let mut steps: Vec<f64> = real_roots(&polynomial).0.iter().map(|r| 1.0 / (r + s)).collect();
        steps.sort_by(f64::total_cmp);
        Ok(steps)
    }

    /// The same for plain steps, when all roots of `1 - lambda q` are real.
    fn plain_steps(&self) -> Option<Vec<f64>> {
        let polynomial = add_scaled(&[RBig::ONE], &-RBig::ONE, &shift(&self.q));
        let (roots, all_real) = real_roots(&polynomial);
        let mut steps: Vec<f64> = roots.iter().map(|r| 1.0 / r).collect();
        // A degree below K: some steps are 0.
        steps.resize(steps.len().max(self.q.len()), 0.0);
        steps.sort_by(f64::total_cmp);
        (all_real && steps.len() == self.q.len()).then_some(steps)
    }

    /// The exact risk of a double step.
    fn double_step(&self, eta: f64) -> RBig {
        let eta = rational(eta);
        let q = vec![&eta + &eta, -(&eta * &eta)];
        let p = add_scaled(&[RBig::ONE], &-RBig::ONE, &shift(&q));
        integrate(&multiply(&p, &p), &self.moments, 0)
            + &self.s * integrate(&multiply(&q, &q), &self.moments, 1)
    }

    /// The best double step: the stationary points of the quartic are the roots of a cubic.
    fn best_double_step(&self) -> Result<(f64, f64), IclError> {
        let m = &self.moments;
        let s = &self.s;
        // R(a) = 1 - 4 m1 a + (6 m2 + 4 s m1) a^2 - (4 m3 + 4 s m2) a^3 + (m4 + s m3) a^4, differentiated, over 4.
        let slope = [
            -m[1].clone(),
            (&m[2] * whole(6) + s * &m[1] * whole(4)) / whole(2),
            -(&m[3] + s * &m[2]) * whole(3),
            &m[4] + s * &m[3],
        ];
        let mut best: Option<(f64, RBig)> = None;
        for root in real_roots(&slope).0 {
            let value = self.double_step(root);
            if best.as_ref().is_none_or(|b| value < b.1) {
                best = Some((root, value));
            }
        }
        let (eta, value) = best.ok_or(IclError::NotRepresentable { quantity: "eta" })?;
        Ok((eta, nearest("R", &value)?))
    }
}

/// The optimum over polynomial methods of degree K at finite size, standard Gaussian covariates, `s = sigma2/(N tau2)`
/// (ICL-44, 45, 46, 62, 63).
///
/// For s = 0 the plain steps `1/rho_k`, rho the zeros of the orthogonal polynomial of `lambda d mu`, attain the bound
/// `1/sum_k p_k(0)^2` (a Christoffel function): real, positive, distinct. For s > 0 they exist only while all roots of
/// `1 - lambda q` are real; otherwise the bound stays out of reach of K scalar-step layers (layers of the ridge loss attain
/// it, [`RidgeStack`](solvable_model::icl::RidgeStack)), and the best real steps are searched: K = 2 exactly (the steps
/// coalesce; least root of a quartic), K >= 3 by least squares from many starts, the best found.
///
/// Exact rational arithmetic: floating point Hankel systems lose all digits near K = 6. Cost: moments up to 2K, see
/// [`wishart_moment`](super::wishart_moment).
///
/// # Errors
/// [`IclError::Input`] when d or N is 0, K exceeds [`LARGEST_DEPTH`], or s is negative or not finite.
///
/// ```
/// let best = solvable_theory::icl::finite_optimum(2, 5, 10, 0.0)?;
/// assert_eq!(best.bound, 194.0 / 999.0);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn finite_optimum(layers: usize, d: usize, context: usize, s: f64) -> Result<FiniteOptimum, IclError> {
    InputError::check_nonnegative("s", s)?;
    complete(Quadratic::new(layers, d, context, rational(s))?, d, context)
}

/// [`finite_optimum`] with `s = sigma2/N` formed exactly (tau2 = 1).
///
/// # Errors
/// As [`finite_optimum`].
pub fn finite_optimum_with_noise(
    layers: usize,
    d: usize,
    context: usize,
    sigma2: f64,
) -> Result<FiniteOptimum, IclError> {
    InputError::check_nonnegative("sigma2", sigma2)?;
    InputError::check_count("N", context)?;
    complete(Quadratic::new(layers, d, context, rational(sigma2) / whole(context))?, d, context)
}

/// The least normalised risk alone, without steps (ICL-45).
///
/// # Errors
/// As [`finite_optimum`].
pub fn finite_optimal_risk(layers: usize, d: usize, context: usize, s: f64) -> Result<f64, IclError> {
    InputError::check_nonnegative("s", s)?;
    nearest("R", &Quadratic::new(layers, d, context, rational(s))?.minimum)
}

fn complete(problem: Quadratic, d: usize, context: usize) -> Result<FiniteOptimum, IclError> {
    let layers = problem.q.len();
    let bound = nearest("R", &problem.minimum)?;
    let ridge_steps = problem.ridge_steps()?;
    if let Some(steps) = problem.plain_steps() {
        return Ok(FiniteOptimum { bound, ridge_steps, realisable: true, steps, risk: bound });
    }
    let (mut steps, risk) = if layers == 2 {
        let (eta, risk) = problem.best_double_step()?;
        (vec![eta; 2], risk)
    } else {
        let s = nearest("s", &problem.s)?;
        let rule = SpectralRule::wishart(d, context, (layers + 1).min(LARGEST_MOMENT / 2))?;
        let Search { etas, risk, .. } = best_plain(&rule, s, layers, &ridge_steps)?;
        (etas, risk)
    };
    steps.sort_by(f64::total_cmp);
    Ok(FiniteOptimum { bound, ridge_steps, realisable: false, steps, risk })
}

/// Whether two plain layers attain the optimum at this noise: `q_0^2 + 4 q_1 >= 0` (ICL-63), decided exactly.
///
/// # Errors
/// As [`finite_optimum`].
pub fn two_layers_realisable(d: usize, context: usize, s: f64) -> Result<bool, IclError> {
    InputError::check_nonnegative("s", s)?;
    let q = Quadratic::new(2, d, context, rational(s))?.q;
    Ok(!(&q[0] * &q[0] + whole(4) * &q[1]).is_negative())
}
