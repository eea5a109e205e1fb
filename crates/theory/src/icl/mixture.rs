//! Prompts whose law changes from prompt to prompt (ICL-11, ICL-12).
use solvable_linalg::{
    Mat, MatRef, cholesky, frobenius_norm, kronecker, symmetric_eigen, symmetric_eigenvalues, symmetrize,
};
use solvable_model::InputError;
use solvable_model::icl::{PromptMixture, RegressionTask, TestPrompts};

use super::error::finite;
use super::matrix::{check_square, noise_floor, representable, triple};
use super::{IclError, Whitened, minimizer, risk};

/// Dimension up to which the d^2 x d^2 system is factorised; beyond it, conjugate gradients.
pub const DIRECT_DIMENSION: usize = 16;

/// Relative residual at which conjugate gradients stop.
const RESIDUAL: f64 = 1e-13;

/// The minimizer for a mixture.
#[derive(Clone, Debug)]
pub struct MixtureMinimum {
    /// A*, in general not symmetric.
    pub a_star: Mat<f64>,
    /// The minimum L*.
    pub l_star: f64,
    /// Bound on `||W_l (A - A*) W_s||_F / ||W_l A W_s||_F`, W the square roots of the mean Lambda and mean S: relative
    /// error of A in the natural norm. Infinite when no bound is available (every component singular); about 1e-16
    /// for the direct methods.
    pub error_bound: f64,
    /// Iterations of conjugate gradients; 0 for the direct methods.
    pub iterations: usize,
}

/// `L(A) = sum_k pi_k L_k(A)`: the loss of one matrix on a mixture (ICL-11). O(K d^3).
///
/// # Errors
/// As [`risk`].
pub fn mixture_loss(mixture: &PromptMixture, a: MatRef<'_, f64>) -> Result<f64, IclError> {
    let mut total = 0.0;
    for (weight, task) in mixture.weights().iter().zip(mixture.components()) {
        if *weight > 0.0 {
            total += weight * risk(a, &TestPrompts::of(task, task.context()))?;
        }
    }
    finite("L(A)", total)
}

/// The minimizer of `sum_k pi_k L_k(A)`: the solution of `sum_k pi_k Lambda_k A S_k = sum_k pi_k Lambda_k Psi_k Lambda_k`
/// (ICL-11; jointly diagonal laws: ICL-12 and Zhang, Frei, Bartlett, Theorem 4.5).
///
/// In general not symmetric. `L* >= sum_k pi_k L*_k`: the gap is the price of not knowing which law a prompt follows.
/// The minimum is evaluated as [`mixture_loss`] at the solution, a sum of squares, whose error is quadratic in that of
/// A.
///
/// Algorithm: one component: ICL-3. All diagonal: `a_i = E[lambda_i^2 psi_i]/E[lambda_i s_i]`, O(K d). Otherwise the
/// coordinates are whitened by the mean Lambda and the mean S; for d up to [`DIRECT_DIMENSION`] the symmetric positive
/// definite Kronecker system is factorised (O(d^6)), beyond it conjugate gradients use O(K d^3) an iteration. The error
/// bound is residual over `sum_k pi_k lambda_min(Lambda_k) lambda_min(S_k)` in whitened coordinates, which bounds the
/// smallest eigenvalue of the operator from below (Weyl).
///
/// # Errors
/// [`IclError::NoLabels`] when all labels are 0; [`IclError::Input`] (singular) when several components leave
/// the minimizer undetermined; [`IclError::NotConverged`] when conjugate gradients stall.
pub fn mixture_minimum(mixture: &PromptMixture) -> Result<MixtureMinimum, IclError> {
    let parts: Vec<(f64, &RegressionTask)> = mixture
        .weights()
        .iter()
        .copied()
        .zip(mixture.components())
        .filter(|(weight, _)| *weight > 0.0)
        .collect();
    if parts.iter().all(|(_, task)| task.signal() + task.sigma2() == 0.0) {
        return Err(IclError::NoLabels);
    }
    let (a_star, error_bound, iterations) = if let [(_, task)] = parts[..] {
        (minimizer(&Whitened::new(task)?)?, f64::EPSILON, 0)
    } else if parts.iter().all(|(_, t)| t.lambda().is_diagonal() && t.psi().is_diagonal()) {
        (diagonal_minimizer(&parts)?, f64::EPSILON, 0)
    } else {
        dense_minimizer(&parts, mixture.dimension())?
    };
    let l_star = mixture_loss(mixture, a_star.as_ref())?;
    Ok(MixtureMinimum { a_star, l_star, error_bound, iterations })
}

fn undetermined(smallest: f64) -> IclError {
    let condition = "the components leave the minimizer undetermined";
    InputError::Singular { argument: "sum of pi_k S_k x Lambda_k".into(), smallest, condition }.into()
}

fn diagonal_minimizer(parts: &[(f64, &RegressionTask)]) -> Result<Mat<f64>, IclError> {
    let d = parts[0].1.dimension();
    let mut a = Mat::zeros(d, d);
    for i in 0..d {
        let (mut gain, mut power) = (0.0, 0.0);
        for (weight, task) in parts {
            let (l, p) = (task.lambda().matrix()[(i, i)], task.psi().matrix()[(i, i)]);
            let n = task.context() as f64;
            let s = (1.0 + 1.0 / n) * l * l * p + (task.signal() + task.sigma2()) / n * l;
            gain += weight * l * l * p;
            power += weight * l * s;
        }
        if power == 0.0 {
            return Err(undetermined(0.0));
        }
        a[(i, i)] = gain / power;
    }
    representable("A*", a)
}

struct Operator {
    /// (pi_k Lambda_k, S_k) in whitened coordinates.
    terms: Vec<(Mat<f64>, Mat<f64>)>,
}

impl Operator {
    fn apply(&self, x: &Mat<f64>) -> Mat<f64> {
        let d = x.nrows();
        let mut sum = Mat::zeros(d, d);
        for (lambda, s) in &self.terms {
            sum += triple(lambda.as_ref(), x.as_ref(), s.as_ref());
        }
        sum
    }
}

fn inner(x: &Mat<f64>, y: &Mat<f64>) -> f64 {
    solvable_linalg::trace_product(x.as_ref(), y.transpose())
}

/// Symmetric inverse square root of a positive definite mean.
fn inverse_root(mean: &Mat<f64>) -> Result<Mat<f64>, IclError> {
    let eigen = symmetric_eigen(mean.as_ref())?;
    let d = mean.nrows();
    if eigen.values[d - 1] <= noise_floor(d, eigen.values[0]) {
        return Err(undetermined(eigen.values[d - 1]));
    }
    Ok(eigen.apply(|x| 1.0 / x.sqrt()))
}

fn dense_minimizer(parts: &[(f64, &RegressionTask)], d: usize) -> Result<(Mat<f64>, f64, usize), IclError> {
    let laws: Vec<Whitened> = parts.iter().map(|(_, t)| Whitened::new(t)).collect::<Result<_, _>>()?;
    let mut mean_lambda = Mat::zeros(d, d);
    let mut mean_s = Mat::zeros(d, d);
    let mut cross = Mat::zeros(d, d);
    let statistics: Vec<Mat<f64>> = laws.iter().map(Whitened::statistic).collect();
    for (((weight, task), law), s) in parts.iter().zip(&laws).zip(&statistics) {
        let own = law.cross();
        for j in 0..d {
            for i in 0..d {
                mean_lambda[(i, j)] += weight * task.lambda().matrix()[(i, j)];
                mean_s[(i, j)] += weight * s[(i, j)];
                cross[(i, j)] += weight * own[(i, j)];
            }
        }
    }
    let mean_lambda = representable("mean Lambda", symmetrize(mean_lambda.as_ref()))?;
    let mean_s = representable("mean S", symmetrize(mean_s.as_ref()))?;
    let (left, right) = (inverse_root(&mean_lambda)?, inverse_root(&mean_s)?);
    let whiten =
        |root: &Mat<f64>, m: MatRef<'_, f64>| symmetrize(triple(root.as_ref(), m, root.as_ref()).as_ref());
    let mut floor = 0.0;
    let mut terms = Vec::with_capacity(parts.len());
    for ((weight, task), s) in parts.iter().zip(&statistics) {
        let lambda = whiten(&left, task.lambda().matrix());
        let s = whiten(&right, s.as_ref());
        let least = |m: &Mat<f64>| -> Result<f64, IclError> {
            let values = symmetric_eigenvalues(m.as_ref())?;
            Ok((values[d - 1] - noise_floor(d, values[0])).max(0.0))
        };
        floor += weight * least(&lambda)? * least(&s)?;
        terms.push((Mat::from_fn(d, d, |i, j| weight * lambda[(i, j)]), s));
    }
    let operator = Operator { terms };
    let target = triple(left.as_ref(), cross.as_ref(), right.as_ref());
    let (x, iterations) = if d <= DIRECT_DIMENSION {
        (direct(&operator, &target)?, 0)
    } else {
        conjugate_gradients(&operator, &target)?
    };
    let residual = frobenius_norm((&target - operator.apply(&x)).as_ref());
    let size = frobenius_norm(x.as_ref());
    let bound = if size == 0.0 {
        0.0
    } else if floor > 0.0 {
        residual / floor / size
    } else {
        f64::INFINITY
    };
    let a = triple(left.as_ref(), x.as_ref(), right.as_ref());
    Ok((representable("A*", a)?, bound, iterations))
}

fn direct(operator: &Operator, target: &Mat<f64>) -> Result<Mat<f64>, IclError> {
    let d = target.nrows();
    let mut system = Mat::zeros(d * d, d * d);
    for (lambda, s) in &operator.terms {
        system += kronecker(s.as_ref(), lambda.as_ref());
    }
    let system = symmetrize(system.as_ref());
    let rhs: Vec<f64> = (0..d * d).map(|k| target[(k % d, k / d)]).collect();
    let factor = cholesky(system.as_ref()).map_err(|_| undetermined(0.0))?;
    if factor.rcond() <= solvable_linalg::tolerance::singular(d * d) {
        return Err(undetermined(factor.rcond()));
    }
    let x = factor.solve_vec(&rhs)?;
    Ok(Mat::from_fn(d, d, |i, j| x[j * d + i]))
}

/// Plain conjugate gradients in whitened coordinates.
fn conjugate_gradients(operator: &Operator, target: &Mat<f64>) -> Result<(Mat<f64>, usize), IclError> {
    let d = target.nrows();
    let scale = frobenius_norm(target.as_ref());
    let mut x = target.clone();
    if scale == 0.0 {
        return Ok((x, 0));
    }
    // The mean operator is the identity here: the target itself is a good start.
    let mut residual = target - operator.apply(&x);
    let mut direction = residual.clone();
    let mut power = inner(&residual, &residual);
    let limit = 20 * d;
    for iteration in 0..limit {
        if power.sqrt() <= RESIDUAL * scale {
            return Ok((x, iteration));
        }
        let image = operator.apply(&direction);
        let curvature = inner(&direction, &image);
        if curvature.is_nan() || curvature <= 0.0 {
            return Err(undetermined(curvature));
        }
        let step = power / curvature;
        x += &direction * step;
        residual -= &image * step;
        let next = inner(&residual, &residual);
        let ratio = next / power;
        direction = &residual + &direction * ratio;
        power = next;
    }
    let reached = frobenius_norm((target - operator.apply(&x)).as_ref()) / scale;
    if reached <= 100.0 * RESIDUAL {
        return Ok((x, limit));
    }
    Err(IclError::NotConverged { iterations: limit, residual: reached, tolerance: RESIDUAL })
}

/// `sum_i E[psi_i lambda_i (1 - a_i lambda_i)^2]`, `a_i = E[lambda_i^2 psi_i]/E[lambda_i^3 psi_i]`: what remains of the loss of
/// a jointly diagonal mixture as both context lengths grow (ICL-12).
///
/// Equal to `sum_i E[lambda_i psi_i] - (E[lambda_i^2 psi_i])^2/E[lambda_i^3 psi_i]`, without the cancellation; zero only
/// if each lambda_i is the same in all components where psi_i > 0. O(K d).
///
/// # Errors
/// [`IclError::Input`] when a component is not diagonal.
pub fn mixture_floor(mixture: &PromptMixture) -> Result<f64, IclError> {
    let parts: Vec<(f64, &RegressionTask)> =
        mixture.weights().iter().copied().zip(mixture.components()).collect();
    for (k, (_, task)) in parts.iter().enumerate() {
        if !(task.lambda().is_diagonal() && task.psi().is_diagonal()) {
            return Err(InputError::Condition {
                argument: solvable_model::Argument::indexed("Lambdas", k),
                value: 0.0,
                condition: "the floor is known for diagonal Lambda and Psi",
            }
            .into());
        }
    }
    let mut total = 0.0;
    for i in 0..mixture.dimension() {
        let pair = |task: &RegressionTask| (task.lambda().matrix()[(i, i)], task.psi().matrix()[(i, i)]);
        let moment = |k: i32| -> f64 {
            parts
                .iter()
                .map(|(w, t)| {
                    let (l, p) = pair(t);
                    w * l.powi(k) * p
                })
                .sum()
        };
        let (second, third) = (moment(2), moment(3));
        if third > 0.0 {
            let a = second / third;
            total += parts
                .iter()
                .map(|(w, t)| {
                    let (l, p) = pair(t);
                    w * l * p * (1.0 - a * l).powi(2)
                })
                .sum::<f64>();
        }
    }
    finite("floor", total)
}

/// The minimizer for spectra drawn i.i.d. from Exp(1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExponentialSpectra {
    /// The diagonal entry `a = 2/(6 + (2d+10)/N)` of `A* = a I`.
    pub a: f64,
    /// `L* = d (2 + (2d+10)/N)/(6 + (2d+10)/N)`, which tends to d/3; L(0) = d.
    pub l_star: f64,
}

/// `A* = a I` for diagonal covariances with i.i.d. Exp(1) entries, Psi = I, no noise (ICL-12). O(1).
///
/// # Errors
/// [`IclError::Input`] when d or N is 0.
pub fn exponential_spectra(d: usize, length: usize) -> Result<ExponentialSpectra, IclError> {
    InputError::check_count("d", d)?;
    InputError::check_count("N", length)?;
    let d = d as f64;
    let extra = (2.0 * d + 10.0) / length as f64;
    Ok(ExponentialSpectra { a: 2.0 / (6.0 + extra), l_star: d * ((2.0 + extra) / (6.0 + extra)) })
}

/// The normalised factors of a limit as Zhang, Frei and Bartlett print it: `u = ||A*||_F^(1/2)`, `U' = A*/u` (ICL-12, 20), so
/// that `u U' = A*`.
///
/// # Errors
/// [`IclError::Input`] when A is not square or not finite.
pub fn balanced_factors(a: MatRef<'_, f64>) -> Result<(f64, Mat<f64>), IclError> {
    check_square("A", a, a.nrows())?;
    let u = frobenius_norm(a).sqrt();
    let scale = if u == 0.0 { 0.0 } else { 1.0 / u };
    Ok((u, Mat::from_fn(a.nrows(), a.nrows(), |i, j| scale * a[(j, i)])))
}
