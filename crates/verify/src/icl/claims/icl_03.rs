//! ICL-3: minimizer, minimum, quadratic identity.
use solvable_linalg::{Mat, inverse, matmul, max_abs, solve};
use solvable_model::Objective;
use solvable_model::icl::{PredictorLoss, RegressionTask};
use solvable_theory::icl::{excess_loss, minimizer, minimum};

use super::support::{Case, dense3, diagonal3, entries, isotropic, random_matrix, random_task, transposed};
use crate::check::{Budget, Certificate, Contraction, Enclosure, Identity, Limit};
use crate::{Chapter, CheckError, Claim};

fn random_cells(budget: Budget, rng: &mut rand_chacha::ChaCha12Rng, singular: bool) -> Vec<Case> {
    let count = if budget == Budget::Quick { 12 } else { 200 };
    (0..count)
        .map(|index| {
            let task = random_task(rng, 8, singular);
            let d = task.dimension();
            let matrix = random_matrix(rng, d, d);
            Case::new("random", task).with("instance", f64::from(index)).with_matrix(matrix)
        })
        .collect()
}

/// `Psi (a Lambda Psi + b I)^-1` by Gaussian elimination.
fn eliminated(c: &Case, shift: f64) -> Result<Mat<f64>, CheckError> {
    let system = system(c, shift);
    let z = solve(system.transpose(), c.task.psi().matrix())?.x;
    Ok(transposed(z.as_ref()))
}

/// `a Lambda Psi + b I` with `a = 1 + shift/N`.
fn system(c: &Case, shift: f64) -> Mat<f64> {
    let (t, n) = (&c.task, c.task.context() as f64);
    let product = matmul(t.lambda().matrix(), t.psi().matrix());
    let b = (t.signal() + t.sigma2()) / n;
    let d = t.dimension();
    Mat::from_fn(d, d, |i, j| (1.0 + shift / n) * product[(i, j)] + b * f64::from(u8::from(i == j)))
}

fn loss_at(task: &RegressionTask, a: &Mat<f64>) -> Result<f64, CheckError> {
    Ok(PredictorLoss::new(task).at(a.as_ref())?)
}

fn split(c: &Case, matrix: &Mat<f64>) -> Result<Vec<f64>, CheckError> {
    let law = c.law()?;
    Ok(vec![minimum(&law)? + excess_loss(&law, matrix.as_ref())?])
}

/// Rates of gradient descent on L/2 with step h: `1 - h kappa`, kappa the curvatures `lambda_i(Lambda) lambda_j(S)`.
fn curvatures(task: &RegressionTask) -> Result<(f64, f64), CheckError> {
    let loss = PredictorLoss::new(task);
    let s = solvable_linalg::symmetric_eigenvalues(loss.second_moment())?;
    let smallest = s.last().copied().unwrap_or(0.0);
    Ok((task.lambda().smallest_eigenvalue() * smallest, task.lambda().largest_eigenvalue() * s[0]))
}

const LEVELS: usize = 8;

/// Losses along gradient descent from 0, `every` steps apart.
fn descent(task: &RegressionTask, levels: usize) -> Result<(Vec<f64>, Vec<f64>), CheckError> {
    let loss = PredictorLoss::new(task);
    let mut work = loss.work();
    let (slow, fast) = curvatures(task)?;
    let h = 1.0 / fast;
    // A level divides the slowest mode's share of the loss by about e^1.6.
    let every = ((0.8 / (h * slow)).ceil() as usize).max(1);
    let mut a = vec![0.0; loss.dimension()];
    let mut gradient = a.clone();
    let mut values = Vec::new();
    for level in 0..levels {
        if level > 0 {
            for _ in 0..every {
                loss.gradient(&a, &mut gradient, &mut work);
                a.iter_mut().zip(&gradient).for_each(|(x, g)| *x -= 0.5 * h * g);
            }
        }
        values.push(loss.value(&a, &mut work));
    }
    Ok((values, a))
}

fn descent_contraction(c: &Case) -> Result<Contraction, CheckError> {
    let (slow, fast) = curvatures(&c.task)?;
    let every = ((0.8 * fast / slow).ceil()).max(1.0);
    let decay = -2.0 * every * (-slow / fast).ln_1p();
    Ok(Contraction::Exponential { decay, tolerance: 0.02 })
}

/// `[L(A) - |grad|^2 / (2 mu), L(A)]`-type bound of a mu-strongly convex function at a nearly stationary point.
fn strong_convexity_bound(c: &Case, factor: f64) -> Result<Enclosure, CheckError> {
    let loss = PredictorLoss::new(&c.task);
    let mut work = loss.work();
    let (_, a) = descent(&c.task, 3 * LEVELS)?;
    let mut gradient = vec![0.0; a.len()];
    let value = loss.value_and_gradient(&a, &mut gradient, &mut work);
    let (slow, _) = curvatures(&c.task)?;
    let square: f64 = gradient.iter().map(|g| g * g).sum();
    // The Hessian of L is 2 S x Lambda.
    let lower = factor * value - square / (4.0 * slow);
    let d = c.task.dimension() as f64;
    let rounding = 32.0 * d * d * f64::EPSILON * c.task.signal();
    Ok(Enclosure { lower: lower - rounding, upper: lower + rounding })
}

fn attained(c: &Case) -> Result<Enclosure, CheckError> {
    let value = minimum(&c.law()?)?;
    // A sum of d positive terms of relative error a few eps; the eigenvalues err by d eps tr.
    let error = 32.0 * (c.task.dimension() as f64).powi(2) * f64::EPSILON * c.task.signal();
    Ok(Enclosure { lower: value - error, upper: value + error })
}

fn regular_cells() -> Vec<Case> {
    vec![
        Case::new("dense", dense3()),
        Case::new("diagonal", diagonal3()),
        Case::new("isotropic", isotropic(5, 1.3, 0.7, 0.1, 4)),
    ]
}

pub(super) fn claim() -> Claim {
    let quadratic = Identity::new(
        "quadratic identity",
        "L(A) at a random A: minimum plus excess, and the objective",
        |budget, rng| random_cells(budget, rng, true),
        |c| split(c, &c.matrix),
        |c| Ok(vec![loss_at(&c.task, &c.matrix)?]),
        // Products of three d x d matrices, and eigenvalues good to d eps of the norm.
        |c| Ok(64.0 * (c.task.dimension() as f64).powi(2) * f64::EPSILON),
    )
    .scale(|c| {
        let (l, a) = (max_abs(c.task.lambda().matrix()), max_abs(c.matrix.as_ref()).max(1.0));
        let d = c.task.dimension() as f64;
        // |Lambda| |A| |S| |A| bounds every term.
        let s = max_abs(PredictorLoss::new(&c.task).second_moment());
        Ok(d * d * l * a * a * s + c.task.signal())
    })
    .wrong("1/(N+1) for 1/N", |c| split(&c.longer()?, &c.matrix))
    .wrong("A transposed", |c| split(c, &transposed(c.matrix.as_ref())))
    .wrong("excess without the minimum", |c| Ok(vec![excess_loss(&c.law()?, c.matrix.as_ref())?]))
    .broken("twice the examples", |c| {
        let n = c.task.context();
        Ok(vec![loss_at(&c.task.with_context(2 * n)?, &c.matrix)?])
    });
    let matrix = Identity::new(
        "minimizer",
        "entries of A*: whitened form, and Gaussian elimination",
        |budget, rng| random_cells(budget, rng, false),
        |c| Ok(entries(minimizer(&c.law()?)?.as_ref())),
        |c| Ok(entries(eliminated(c, 1.0)?.as_ref())),
        |c| {
            let m = system(c, 1.0);
            let condition = max_abs(m.as_ref()) * max_abs(inverse(m.as_ref())?.matrix.as_ref());
            let d = c.task.dimension() as f64;
            Ok(64.0 * d * d * f64::EPSILON * condition.max(1.0))
        },
    )
    .wrong("noise forgotten", |c| Ok(entries(minimizer(&c.noiseless()?.law()?)?.as_ref())))
    .wrong("1/(N+1) for 1/N", |c| Ok(entries(minimizer(&c.longer()?.law()?)?.as_ref())))
    .broken("factor 1 for 1 + 1/N", |c| Ok(entries(eliminated(c, 0.0)?.as_ref())));
    let limit = Limit::new(
        "gradient descent",
        "loss along gradient descent in A from 0, extrapolated",
        |_, _| vec![Case::new("dense", dense3()), Case::new("diagonal", diagonal3())],
        |c| Ok(minimum(&c.law()?)?),
        |c| Ok(descent(&c.task, LEVELS)?.0),
        descent_contraction,
        1e-14,
    )
    .wrong("1/(N+1) for 1/N", |c| Ok(minimum(&c.longer()?.law()?)?))
    .wrong("one percent low", |c| Ok(0.99 * minimum(&c.law()?)?))
    .broken("half the samples", |c| Ok(descent(&c.task.with_context(c.task.context() / 2)?, LEVELS)?.0));
    let certificate = Certificate::new(
        "strong convexity",
        "L* against the lower bound L(A) - |grad|^2/(2 mu) at the end of gradient descent",
        |_, _| regular_cells(),
        attained,
        |c| strong_convexity_bound(c, 1.0),
    )
    .wrong("1/(N+1) for 1/N", |c| attained(&c.longer()?))
    .wrong("minimum of twice the noise", |c| {
        let t = &c.task;
        let noisy =
            RegressionTask::new(t.lambda().clone(), t.psi().clone(), 2.0 * t.sigma2() + 0.1, t.context())?;
        attained(&c.retask(noisy))
    })
    .broken("loss scaled by 0.99", |c| strong_convexity_bound(c, 0.99));
    Claim {
        id: "ICL-3",
        chapter: Chapter::Icl,
        title: "The minimizer for any covariance, prior and noise",
        statement: r"With $a_N=1+\frac1N$ and $b_N=\frac{t+\sigma^2}N$, a minimizer of the loss, the only one if $\Lambda\succ0$ and $b_N>0$, is

$$A^*=\Psi\,(a_N\Lambda\Psi+b_NI)^{-1},$$

symmetric and positive semidefinite for every pair $(\Lambda,\Psi)$. With $\beta_i$ the eigenvalues of $\Lambda^{1/2}\Psi\Lambda^{1/2}$,

$$L(A)=L^*+\big\|\Lambda^{1/2}(A-A^*)S_N^{1/2}\big\|_F^2,\qquad L^*=\sum_{i=1}^d\beta_i\,\frac{\beta_i+t+\sigma^2}{(N+1)\beta_i+t+\sigma^2}.$$",
        assumptions: "As for ICL-2.",
        source: "Derived; Zhang, Frei, Bartlett, Theorem 4.1; Ahn et al., Theorem 1; Mahankali, Hashimoto, Ma",
        formula: "solvable_theory::icl::{minimizer, minimum, excess_loss}",
        simulator: "gradient descent on solvable_model::icl::PredictorLoss; Gaussian elimination",
        checks: vec![Box::new(quadratic), Box::new(matrix), Box::new(limit), Box::new(certificate)],
    }
}
