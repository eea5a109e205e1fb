//! ICL-13 to 15: nonlinear responses.
use solvable_linalg::{Mat, inverse, matmul, max_abs, solve};
use solvable_model::Covariance;
use solvable_model::icl::{Polynomial, SingleIndexMixture};
use solvable_sim::icl::{ContextRisk, PromptSampler, gauss_hermite, tensor_mean};
use solvable_theory::icl::{
    TargetMinimum, TargetMoments, contaminated_moments, minimum, quartic_moment, single_index_moments,
    single_index_step, target_minimum,
};

use super::support::{Case, average, dense, dense3, entries, isotropic, random_task, scaled, transposed};
use crate::check::{Budget, Expectation, Identity};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// The moments of the linear response with noise, as a general target.
fn linear_moments(c: &Case, fourth: f64) -> Result<TargetMoments, CheckError> {
    let t = &c.task;
    let lp = matmul(t.lambda().matrix(), t.psi().matrix());
    let explained = matmul(lp.as_ref(), t.lambda().matrix());
    let power = t.signal() + t.sigma2();
    let d = t.dimension();
    let scatter =
        Mat::from_fn(d, d, |i, j| (fourth - 1.0) * explained[(i, j)] + power * t.lambda().matrix()[(i, j)]);
    Ok(TargetMoments { lambda: t.lambda().clone(), explained, scatter, power })
}

fn answer(m: &TargetMinimum) -> Vec<f64> {
    let mut v = entries(m.a_star.as_ref());
    v.push(m.loss_noisy_target);
    v
}

fn linear_answer(c: &Case, fourth: f64, noisy: bool) -> Result<Vec<f64>, CheckError> {
    let mut m = answer(&target_minimum(&linear_moments(c, fourth)?, c.task.context())?);
    if !noisy {
        *m.last_mut().expect("the loss is last") -= c.task.sigma2();
    }
    Ok(m)
}

/// The minimizer of linear regression by Gaussian elimination, and the minimum plus the noise of the target.
fn regression_answer(c: &Case, context: usize) -> Result<Vec<f64>, CheckError> {
    let t = c.task.with_context(context)?;
    let n = t.context() as f64;
    let lp = matmul(t.lambda().matrix(), t.psi().matrix());
    let b = (t.signal() + t.sigma2()) / n;
    let system = Mat::from_fn(lp.nrows(), lp.nrows(), |i, j| {
        (1.0 + 1.0 / n) * lp[(i, j)] + b * f64::from(u8::from(i == j))
    });
    let a = transposed(solve(system.transpose(), t.psi().matrix())?.x.as_ref());
    let mut v = entries(a.as_ref());
    v.push(minimum(&c.retask(t).law()?)? + c.task.sigma2());
    Ok(v)
}

pub(super) fn general() -> Claim {
    let linear = Identity::new(
        "linear responses",
        "A* and L* of the linear response as a general target, against linear regression",
        |budget, rng| {
            let count = if budget == Budget::Quick { 12 } else { 150 };
            (0..count)
                .map(|k| Case::new("random", random_task(rng, 6, false)).with("instance", f64::from(k)))
                .collect()
        },
        |c| linear_answer(c, 2.0, true),
        |c| regression_answer(c, c.task.context()),
        |c| {
            let l = c.task.lambda();
            let m = linear_moments(c, 2.0)?;
            let d = c.task.dimension() as f64;
            let s = inverse(m.scatter.as_ref())?;
            let condition = max_abs(m.scatter.as_ref()) * max_abs(s.matrix.as_ref());
            Ok(64.0 * d.powi(3) * f64::EPSILON * condition * l.largest_eigenvalue() / l.smallest_eigenvalue())
        },
    )
    .wrong("no Gaussian fourth moment", |c| linear_answer(c, 0.0, true))
    .wrong("noise of the target forgotten", |c| linear_answer(c, 2.0, false))
    .broken("one example more", |c| regression_answer(c, c.task.context() + 1));
    let mixture = Expectation::new(
        "single-index mixture",
        "loss at A* over random contexts with a mildly nonlinear response",
        |_, _| vec![Case::new("two directions", dense(3, 0.1, 60))],
        |c| Ok(target_minimum(&single_index_moments(&index_task(c)?)?, c.task.context())?.loss_noisy_target),
        |c, seed, count| simulate(c, false, seed, count),
    )
    .replicas(16_384, 1 << 19, 1 << 22)
    .wrong("best linear predictor", |c| {
        Ok(target_minimum(&single_index_moments(&index_task(c)?)?, c.task.context())?.best_linear)
    })
    .wrong("one example fewer", |c| {
        Ok(target_minimum(&single_index_moments(&index_task(c)?)?, c.task.context() / 2)?.loss_noisy_target)
    })
    .broken("predictor transposed and halved", |c, seed, count| simulate(c, true, seed, count));
    Claim {
        id: "ICL-13",
        chapter: Chapter::Icl,
        title: "General targets",
        statement: r"Given a random task $f$ let pairs be i.i.d. with $E[xx^\top]=\Lambda\succ0$, $c_f=E[xy\mid f]$, $C=E[c_fc_f^\top]$, $R=E[y^2xx^\top]$. With $S=(1-\frac1N)C+\frac1NR$,

$$A^*=\Lambda^{-1}CS^{-1},\qquad L^*=E[y^2]-\mathrm{tr}(A^*C):$$

the learned algorithm is still one preconditioned gradient step. If $C=0$ nothing is learned.",
        assumptions: "Finite moments; loss against the noisy target.",
        source: "Derived; Mahankali, Hashimoto, Ma, Section 5",
        formula: "solvable_theory::icl::target_minimum",
        simulator: "solvable_sim::icl::ContextRisk; Gaussian elimination",
        checks: vec![Box::new(linear), Box::new(mixture)],
    }
}

/// Two directions, a response that is linear up to a small quadratic part.
fn index_task(c: &Case) -> Result<SingleIndexMixture, CheckError> {
    let link = Polynomial::new(&[0.1, 0.8, 0.1])?;
    let directions = vec![vec![1.0, 0.2, -0.3], vec![-0.4, 0.9, 0.5]];
    let t = &c.task;
    Ok(SingleIndexMixture::new(t.lambda().clone(), &[0.6, 0.4], directions, link, t.sigma2(), t.context())?)
}

fn simulate(c: &Case, broken: bool, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let task = index_task(c)?;
    let mut a = target_minimum(&single_index_moments(&task)?, task.context())?.a_star;
    if broken {
        a = scaled(a.transpose(), 0.5);
    }
    context_risk(&a, PromptSampler::of_single_index(&task), task.lambda(), power_of(&task)?, seed, count)
}

/// A polynomial response in a rotation-invariant task.
struct Link {
    coefficients: Vec<f64>,
    d: usize,
    n: usize,
    sigma2: f64,
}

impl Cell for Link {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("g", format!("{:?}", self.coefficients))
            .with("d", self.d)
            .with("N", self.n)
            .with("sigma2", self.sigma2)
    }
}

fn links() -> Vec<Link> {
    let link =
        |coefficients: &[f64], d, n, sigma2| Link { coefficients: coefficients.to_vec(), d, n, sigma2 };
    vec![
        link(&[0.0, 1.0], 4, 5, 0.0),
        link(&[0.3, 0.8, -0.5, 0.4], 4, 5, 0.1),
        link(&[0.0, 0.5, 1.0], 2, 30, 0.5),
        link(&[0.0, -3.0, 0.0, 1.0], 3, 6, 0.2),
        link(&[-1.0, 0.0, 1.0], 3, 6, 0.2),
        link(&[0.0, 1.0, 0.0, 0.0, 0.2], 5, 12, 0.0),
    ]
}

fn step_and_loss(c: &Link, d: usize, sigma2: f64) -> Result<Vec<f64>, CheckError> {
    let s = single_index_step(&Polynomial::new(&c.coefficients)?, d, c.n, sigma2)?;
    Ok(vec![s.eta, s.loss_noisy_target])
}

/// The same from brute force: with the direction fixed, `E[y_q x_q's]` and `E[(x_q's)^2]` by Gauss rules over one example.
///
/// `s` is a mean of N independent terms y x: `E[(x_q's)^2] = |E yx|^2 (1 - 1/N) + E y^2|x|^2 / N`, the last from the
/// radial coordinate (Gauss-Hermite) and d - 1 tangential ones of variance one.
fn brute_force(c: &Link, tangential: f64) -> Result<Vec<f64>, CheckError> {
    let g = Polynomial::new(&c.coefficients)?;
    let rule = gauss_hermite(c.coefficients.len() + 3)?;
    let mean = |f: &dyn Fn(f64) -> f64| tensor_mean(&rule, 1, |z| f(z[0]));
    let along = mean(&|z| z * g.value(z));
    let power = mean(&|z| g.value(z).powi(2)) + c.sigma2;
    let radial = mean(&|z| z * z * g.value(z).powi(2)) + c.sigma2;
    let n = c.n as f64;
    let square = along * along * (1.0 - 1.0 / n) + (radial + (c.d as f64 - 1.0) * power * tangential) / n;
    // A response without a linear Hermite component gives exactly 0 in theory, rounding here.
    let eta = along * along / square;
    Ok(vec![eta, power - eta * along * along])
}

pub(super) fn single_index() -> Claim {
    let check = Identity::new(
        "step and loss",
        "eta* and L* for polynomial links, against Gauss-Hermite brute force",
        |_, _| links(),
        |c| step_and_loss(c, c.d, c.sigma2),
        |c| brute_force(c, 1.0),
        |_| Ok(1e-13),
    )
    .scale(|c| Ok(1.0 + brute_force(c, 1.0)?[1]))
    .wrong("one dimension more", |c| step_and_loss(c, c.d + 1, c.sigma2))
    .wrong("noise forgotten", |c| step_and_loss(c, c.d, 0.0))
    .broken("tangential directions counted twice", |c| brute_force(c, 2.0));
    let loss = Expectation::new(
        "loss on prompts",
        "loss of the optimal step over random contexts, mildly nonlinear response, random direction",
        |_, _| vec![Link { coefficients: vec![0.1, 0.8, 0.1], d: 4, n: 60, sigma2: 0.2 }],
        |c| Ok(step_and_loss(c, c.d, c.sigma2)?[1]),
        |c, seed, count| prompts(c, 1.0, seed, count),
    )
    .replicas(16_384, 1 << 19, 1 << 22)
    .wrong("no excess over the best linear predictor", |c| {
        Ok(single_index_step(&Polynomial::new(&c.coefficients)?, c.d, c.n, c.sigma2)?.best_linear)
    })
    .wrong("noise forgotten", |c| Ok(step_and_loss(c, c.d, 0.0)?[1]))
    .broken("step half as long", |c, seed, count| prompts(c, 0.5, seed, count));
    Claim {
        id: "ICL-14",
        chapter: Chapter::Icl,
        title: "Rotation-invariant single-index targets",
        statement: r"For $\Lambda=I$, $v$ uniform on the sphere, $y=g(v^\top x)+\varepsilon$, with $\alpha=E[zg(z)]$, $m_0=E[g^2]+\sigma^2$, $m_2=E[z^2g^2]+\sigma^2$:

$$A^*=\eta^*I,\quad\eta^*=\frac{N\alpha^2}{(N-1)\alpha^2+(d-1)m_0+m_2},\qquad L^*=m_0-\eta^*\alpha^2 .$$

Links without a linear Hermite component, as $z^2$ or $z^3-3z$, are not learned at all.",
        assumptions: "Standard Gaussian covariates; loss against the noisy target.",
        source: "Derived; Mahankali, Hashimoto, Ma, Section 5",
        formula: "solvable_theory::icl::single_index_step",
        simulator: "solvable_sim::icl::{ContextRisk, gauss_hermite}",
        checks: vec![Box::new(check), Box::new(loss)],
    }
}

fn prompts(c: &Link, factor: f64, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let eta = factor * step_and_loss(c, c.d, c.sigma2)?[0];
    let link = Polynomial::new(&c.coefficients)?;
    let law = PromptSampler::rotation_invariant(c.d, link, c.sigma2, c.n)?;
    let a = scaled(Mat::<f64>::identity(c.d, c.d).as_ref(), eta);
    let rule = gauss_hermite(c.coefficients.len() + 1)?;
    let power = tensor_mean(&rule, 1, |z| law_value(&c.coefficients, z[0]).powi(2)) + c.sigma2;
    let lambda = super::support::diagonal(&vec![1.0; c.d]);
    context_risk(&a, law, &lambda, (c.coefficients[1], power), seed, count)
}

/// `E[(x'Qx)^2 x x']` by a tensor rule over `x = root g`.
fn quartic_by_rule(c: &Case, nodes: usize) -> Result<Vec<f64>, CheckError> {
    let d = c.task.dimension();
    let rule = gauss_hermite(nodes)?;
    let root = c.task.lambda().sqrt();
    let q = symmetric(c);
    let mut out = vec![0.0; d * d];
    let mut x = vec![0.0; d];
    for k in 0..d * d {
        out[k] = tensor_mean(&rule, d, |g| {
            for i in 0..d {
                x[i] = (0..d).map(|j| root[(i, j)] * g[j]).sum();
            }
            let form = solvable_linalg::quadratic_form(&x, q.as_ref(), &x);
            form * form * x[k / d] * x[k % d]
        });
    }
    Ok(out)
}

fn symmetric(c: &Case) -> Mat<f64> {
    solvable_linalg::symmetrize(c.matrix.as_ref())
}

/// The bracket with other coefficients.
fn bracket(c: &Case, linear: f64, cubic: f64) -> Vec<f64> {
    let l = c.task.lambda().matrix();
    let q = symmetric(c);
    let lq = matmul(l, q.as_ref());
    let lql = matmul(lq.as_ref(), l);
    let lqlql = matmul(lq.as_ref(), lql.as_ref());
    let t = solvable_linalg::trace(lq.as_ref());
    let t2 = solvable_linalg::trace_product(lq.as_ref(), lq.as_ref());
    let d = l.nrows();
    entries(
        Mat::from_fn(d, d, |i, j| {
            (t * t + 2.0 * t2) * l[(i, j)] + linear * t * lql[(i, j)] + cubic * lqlql[(i, j)]
        })
        .as_ref(),
    )
}

/// C and R of a single-index mixture by tensor rules.
fn mixture_by_rule(c: &Case, noise: bool) -> Result<Vec<f64>, CheckError> {
    let task = index_task(c)?;
    let d = 3;
    let rule = gauss_hermite(6)?;
    let root = task.lambda().sqrt();
    let (mut explained, mut scatter) = (vec![0.0; d * d], vec![0.0; d * d]);
    for (weight, v) in task.weights().iter().zip(task.directions()) {
        let mut x = [0.0; 3];
        let mut moment = |f: &dyn Fn(f64, &[f64; 3]) -> f64| {
            tensor_mean(&rule, d, |g| {
                for i in 0..d {
                    x[i] = (0..d).map(|j| root[(i, j)] * g[j]).sum();
                }
                let z: f64 = v.iter().zip(&x).map(|(a, b)| a * b).sum();
                f(task.link().value(z), &x)
            })
        };
        let cross: Vec<f64> = (0..d).map(|i| moment(&|y, x| y * x[i])).collect();
        let noise = if noise { task.sigma2() } else { 0.0 };
        for k in 0..d * d {
            let (i, j) = (k / d, k % d);
            explained[k] += weight * cross[i] * cross[j];
            scatter[k] += weight * moment(&|y, x| (y * y + noise) * x[i] * x[j]);
        }
    }
    // Theory returns R - C.
    let rest = scatter.iter().zip(&explained).map(|(r, c)| r - c);
    Ok(explained.iter().copied().chain(rest).collect())
}

fn mixture_moments(c: &Case) -> Result<Vec<f64>, CheckError> {
    let m = single_index_moments(&index_task(c)?)?;
    Ok([entries(m.explained.as_ref()), entries(m.scatter.as_ref())].concat())
}

pub(super) fn anisotropic() -> Claim {
    let quartic = Identity::new(
        "quadratic contamination",
        "E[(x'Qx)^2 x x'] against a tensor Gauss-Hermite rule",
        |_, _| {
            vec![
                Case::new("dense", dense3()),
                Case::new("two dimensions", dense(2, 0.0, 3)),
                Case::new("singular", super::support::rank_deficient(3, 0.0, 3)),
            ]
        },
        |c| Ok(entries(quartic_moment(symmetric(c).as_ref(), c.task.lambda())?.as_ref())),
        |c| quartic_by_rule(c, 5),
        |_| Ok(1e-12),
    )
    .wrong("2 for 4", |c| Ok(bracket(c, 2.0, 8.0)))
    .wrong("4 for 8", |c| Ok(bracket(c, 4.0, 4.0)))
    .broken("two nodes", |c| quartic_by_rule(c, 2));
    let moments = Identity::new(
        "single-index moments",
        "C and R - C of two directions, against a tensor Gauss-Hermite rule",
        |_, _| vec![Case::new("two directions", dense(3, 0.1, 5))],
        mixture_moments,
        |c| mixture_by_rule(c, true),
        |_| Ok(1e-12),
    )
    .wrong("noise forgotten", |c| mixture_moments(&c.noiseless()?))
    .wrong("isotropic covariates", |c| mixture_moments(&c.retask(isotropic(3, 1.0, 1.0, 0.1, 5))))
    .broken("labels without noise", |c| mixture_by_rule(c, false));
    let loss = Expectation::new(
        "loss with a quadratic part",
        "loss at A* over random contaminated contexts",
        |_, _| vec![Case::new("dense", dense(7, 0.1, 60))],
        |c| {
            let m = contaminated_moments(&c.task, small(c).as_ref())?;
            Ok(target_minimum(&m, c.task.context())?.loss_noisy_target)
        },
        |c, seed, count| contaminated(c, true, seed, count),
    )
    .replicas(16_384, 1 << 19, 1 << 22)
    .wrong("no contamination", |c| Ok(minimum(&c.law()?)? + c.task.sigma2()))
    .wrong("contamination doubled", |c| {
        let m = contaminated_moments(&c.task, scaled(small(c).as_ref(), 2.0).as_ref())?;
        Ok(target_minimum(&m, c.task.context())?.loss_noisy_target)
    })
    .broken("linear prompts", |c, seed, count| contaminated(c, false, seed, count));
    Claim {
        id: "ICL-15",
        chapter: Chapter::Icl,
        title: "Anisotropic single-index targets and quadratic contamination",
        statement: r"(a) With direction $v_k$ of probability $\pi_k$, $\varsigma_k^2=v_k^\top\Lambda v_k$, $\alpha_k=E[zg]/\varsigma_k^2$, $\kappa_k=(E[g^2z^2]-\varsigma_k^2E[g^2])/\varsigma_k^4$: $C=\sum_k\pi_k\alpha_k^2\Lambda v_kv_k^\top\Lambda$, $R=\sum_k\pi_k[(E_kg^2+\sigma^2)\Lambda+\kappa_k\Lambda v_kv_k^\top\Lambda]$. (b) A fixed quadratic part $x^\top Qx$ of the response leaves $C$ unchanged and adds to $R$

$$E[(x^\top Qx)^2xx^\top]=\big[(\mathrm{tr}\,Q\Lambda)^2+2\,\mathrm{tr}(Q\Lambda Q\Lambda)\big]\Lambda+4\,\mathrm{tr}(Q\Lambda)\,\Lambda Q\Lambda+8\,\Lambda Q\Lambda Q\Lambda .$$",
        assumptions: "Gaussian covariates; symmetric law of $w$ in (b).",
        source: "Derived",
        formula: "solvable_theory::icl::{single_index_moments, quartic_moment, contaminated_moments}",
        simulator: "solvable_sim::icl::{gauss_hermite, ContextRisk}",
        checks: vec![Box::new(quartic), Box::new(moments), Box::new(loss)],
    }
}

/// A mild quadratic part.
fn small(c: &Case) -> Mat<f64> {
    scaled(symmetric(c).as_ref(), 0.4)
}

fn contaminated(c: &Case, quadratic: bool, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let q = small(c);
    let m = contaminated_moments(&c.task, q.as_ref())?;
    let a = target_minimum(&m, c.task.context())?.a_star;
    let mut law = PromptSampler::of_task(&c.task);
    if quadratic {
        law = law.with_quadratic(q.as_ref())?;
    }
    // E[y^2] of w'x + x'Qx + noise, by a tensor rule for the quadratic part.
    let d = c.task.dimension();
    let root = c.task.lambda().sqrt();
    let mut x = vec![0.0; d];
    let form = tensor_mean(&gauss_hermite(4)?, d, |g| {
        for i in 0..d {
            x[i] = (0..d).map(|j| root[(i, j)] * g[j]).sum();
        }
        solvable_linalg::quadratic_form(&x, q.as_ref(), &x).powi(2)
    });
    let power = c.task.signal() + c.task.sigma2() + form;
    context_risk(&a, law, c.task.lambda(), (1.0, power), seed, count)
}

/// g(z) from coefficients.
fn law_value(coefficients: &[f64], z: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * z + c)
}

/// Slope of the regression of y on w'x, and E[y^2], of the mixture of mildly nonlinear responses.
fn power_of(task: &SingleIndexMixture) -> Result<(f64, f64), CheckError> {
    let rule = gauss_hermite(4)?;
    let mut power = task.sigma2();
    for (weight, v) in task.weights().iter().zip(task.directions()) {
        let root = solvable_linalg::quadratic_form(v, task.lambda().matrix(), v).sqrt();
        power += weight * tensor_mean(&rule, 1, |z| task.link().value(root * z[0]).powi(2));
    }
    // Links of degree two: E[z g]/E[z^2] is the linear coefficient, whatever the variance.
    Ok((task.link().coefficients()[1], power))
}

fn context_risk(
    a: &Mat<f64>,
    law: PromptSampler,
    lambda: &Covariance,
    (slope, power): (f64, f64),
    seed: u64,
    count: u64,
) -> Result<Estimate, CheckError> {
    let risk = ContextRisk::new(a.as_ref(), law, lambda, slope, power)?;
    average(seed, count, || risk.work(), |rng, work| risk.draw(rng, work))
}
