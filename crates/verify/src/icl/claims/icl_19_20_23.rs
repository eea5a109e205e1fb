//! ICL-19, 20, 23: gradient flow in the factors, its conserved quantity and its limits.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::Mat;
use solvable_model::icl::{FactoredLoss, RegressionTask};
use solvable_sim::flow::{FieldFn, GradientFlow, Method, Options, VectorField, integrate};
use solvable_sim::icl::{StepRule, descend};
use solvable_theory::icl::{conserved_quantity, final_rate, flow_limit};

use super::support::{Case, dense, dense3, diagonal, diagonal3, random_matrix, scaled, task};
use crate::check::{Contraction, Identity, Limit};
use crate::{Chapter, CheckError, Claim};

/// The flow's start: u, then U row by row, a multiple of a matrix of norm one.
pub(super) fn start(u: f64, theta: f64, direction: &Mat<f64>) -> Vec<f64> {
    let norm = solvable_linalg::frobenius_norm(direction.as_ref());
    let m = scaled(direction.as_ref(), theta / norm);
    let d = m.nrows();
    let mut x = vec![u];
    x.extend((0..d * d).map(|k| m[(k / d, k % d)]));
    x
}

pub(super) fn identity(d: usize) -> Mat<f64> {
    Mat::identity(d, d)
}

/// States of the flow at the given times.
pub(super) fn flow<F: VectorField>(field: &F, x: &[f64], times: &[f64]) -> Result<Vec<Vec<f64>>, CheckError> {
    let end = times.last().copied().unwrap_or(0.0);
    let options = Options::until(end)
        .method(Method::DormandPrince8)
        .tolerance(1e-13, 1e-13)
        .record(times)
        .energy_guard(false);
    Ok(integrate(field, x, &options).map_err(CheckError::from_error)?.states)
}

fn case_start(c: &Case) -> Vec<f64> {
    let d = c.task.dimension();
    let mut rng = ChaCha12Rng::seed_from_u64(d as u64 + 17);
    let direction = if c.get("dense") == 1.0 { random_matrix(&mut rng, d, d) } else { identity(d) };
    start(c.get("u0"), c.get("theta0"), &direction)
}

/// `u(t)` and `L(t)` of the specification's high-precision script, from u = 0.1, U = 0.1 I/sqrt 3.
const TABLE: [[f64; 3]; 3] = [
    [1.0, 0.55867565867, 1.364371915],
    [3.0, 0.90276766627, 0.85688149645],
    [10.0, 1.0610156356, 0.78575277381],
];

fn table_rows(task: &RegressionTask) -> Result<Vec<f64>, CheckError> {
    let loss = FactoredLoss::new(task);
    let x = start(0.1, 0.1, &identity(3));
    let times: Vec<f64> = TABLE.iter().map(|r| r[0]).collect();
    let states = flow(&GradientFlow::of(&loss), &x, &times)?;
    let mut out = Vec::new();
    for s in states {
        out.push(s[0]);
        out.push(loss.predictor_loss().at(loss.effective_matrix(&s).as_ref())?);
    }
    Ok(out)
}

/// The equations as written: `dU = -u^2 S U Lambda + u M`, `du = -u tr(Lambda U'S U) + tr(U'M)`.
fn written_field(task: &RegressionTask, x: &[f64], drop: f64) -> Vec<f64> {
    let d = task.dimension();
    let loss = FactoredLoss::new(task);
    let s = loss.predictor_loss().second_moment();
    let l = task.lambda().matrix();
    let m = &l.to_owned() * task.psi().matrix() * l;
    let u = x[0];
    let big = Mat::from_fn(d, d, |i, j| x[1 + i * d + j]);
    let su = &s.to_owned() * &big;
    let sul = &su * l;
    let mut out = vec![0.0; 1 + d * d];
    for i in 0..d {
        for j in 0..d {
            out[1 + i * d + j] = -u * u * sul[(i, j)] + u * m[(i, j)];
            out[0] += -drop * u * sul[(i, j)] * big[(i, j)] + big[(i, j)] * m[(i, j)];
        }
    }
    out
}

fn model_field(task: &RegressionTask, x: &[f64]) -> Vec<f64> {
    let loss = FactoredLoss::new(task);
    let field = GradientFlow::of(&loss);
    let mut out = vec![0.0; x.len()];
    field.eval(0.0, x, &mut out, &mut field.work());
    out
}

fn key(x: &[f64]) -> Mat<f64> {
    let d = ((x.len() - 1) as f64).sqrt().round() as usize;
    Mat::from_fn(d, d, |i, j| x[1 + i * d + j])
}

fn conserved(x: &[f64]) -> Result<f64, CheckError> {
    Ok(conserved_quantity(x[0], key(x).as_ref())?)
}

fn flow_cells() -> Vec<Case> {
    let case = |label, task, u0, theta0, dense| {
        Case::new(label, task).with("u0", u0).with("theta0", theta0).with("dense", dense)
    };
    vec![
        case("dense", dense3(), 0.1, 0.1, 0.0),
        case("dense", dense3(), 0.7, 0.1, 1.0),
        case("diagonal", diagonal3(), 0.05, 0.6, 1.0),
        case("dense", dense(2, 0.5, 4), 0.5, 0.2, 1.0),
    ]
}

/// Drift of the conserved quantity at time 2, by Euler steps, halving the step.
fn euler_drift(c: &Case, rule: StepRule) -> Result<Vec<f64>, CheckError> {
    let loss = FactoredLoss::new(&c.task);
    (5..12)
        .map(|k| {
            let steps = 1 << k;
            let mut x = case_start(c);
            descend(&loss, &mut x, 2.0 / f64::from(steps), steps as usize, rule);
            conserved(&x)
        })
        .collect()
}

pub(super) fn equations() -> Claim {
    let field = Identity::new(
        "equations",
        "velocity as written, and minus the gradient of the objective",
        |_, _| flow_cells(),
        |c| Ok(written_field(&c.task, &case_start(c), 1.0)),
        |c| Ok(model_field(&c.task, &case_start(c))),
        |c| Ok(64.0 * (c.task.dimension() as f64).powi(2) * f64::EPSILON),
    )
    .wrong("factor 2 beside u", |c| Ok(written_field(&c.task, &case_start(c), 2.0)))
    .wrong("1/(N+1) for 1/N", |c| Ok(written_field(&c.longer()?.task, &case_start(c), 1.0)))
    .broken("noise forgotten", |c| Ok(model_field(&c.noiseless()?.task, &case_start(c))));
    let conservation = Limit::new(
        "conservation law",
        "u^2 - |U|^2 at time 2 by gradient descent with halved steps, extrapolated",
        |_, _| flow_cells(),
        |c| conserved(&case_start(c)),
        |c| euler_drift(c, StepRule::Euler),
        |_| Ok(Contraction::Order { order: 1.0, tolerance: 0.1 }),
        1e-12,
    )
    .scale(|c| Ok(c.get("u0").powi(2) + c.get("theta0").powi(2)))
    .wrong("sum for difference", |c| Ok(2.0 * c.get("u0").powi(2) - conserved(&case_start(c))?))
    .wrong("u for u^2", |c| Ok(conserved(&case_start(c))? - c.get("u0").powi(2) + c.get("u0")))
    .broken("another start", |c| {
        let moved = Case::new("moved", c.task.clone())
            .with("u0", c.get("u0") + 0.02)
            .with("theta0", c.get("theta0"))
            .with("dense", c.get("dense"));
        euler_drift(&moved, StepRule::Euler)
    });
    let table = Identity::new(
        "trajectory",
        "u(t) and L(t) at t = 1, 3, 10 from a committed high-precision table, and adaptive integration",
        |_, _| vec![Case::new("dense", dense3())],
        |_| Ok(TABLE.iter().flat_map(|r| [r[1], r[2]]).collect()),
        |c| table_rows(&c.task),
        // The table has eleven digits.
        |_| Ok(1e-10),
    )
    .wrong("gradient of L for L/2", |_| {
        // Twice the speed: the row of t = 1 is met at half the time.
        Ok(TABLE.iter().flat_map(|r| [r[1] * 1.001, r[2]]).collect())
    })
    .wrong("loss halved", |_| Ok(TABLE.iter().flat_map(|r| [r[1], 0.5 * r[2]]).collect()))
    .broken("noise forgotten", |c| table_rows(&c.noiseless()?.task));
    Claim {
        id: "ICL-19",
        chapter: Chapter::Icl,
        title: "Gradient flow in the factors and its conserved quantity",
        statement: r"With $p=q=0$, $\rho=N$, $A=uU^\top$, gradient flow of $\ell=\frac12L$ is

$$\dot U=-u^2S_NU\Lambda+u\,\Lambda\Psi\Lambda,\qquad\dot u=-u\,\mathrm{tr}(\Lambda U^\top S_NU)+\mathrm{tr}(U^\top\Lambda\Psi\Lambda),\qquad u^2-\|U\|_F^2=\text{constant}.$$",
        assumptions: "As for ICL-2.",
        source: "Zhang, Frei, Bartlett, Section 5; derived for general $\\Psi$ and noise",
        formula: "solvable_theory::icl::conserved_quantity",
        simulator: "solvable_sim::flow::integrate, solvable_sim::icl::descend on solvable_model::icl::FactoredLoss",
        checks: vec![Box::new(field), Box::new(conservation), Box::new(table)],
    }
}

/// u(t)^2 at equally spaced times in the exponential tail.
fn tail(c: &Case, task: &RegressionTask) -> Result<Vec<f64>, CheckError> {
    let x = case_start(c);
    let r = final_rate(&c.law()?, conserved(&x)?)?.r_min;
    let times: Vec<f64> = (0..8).map(|k| (6.0 + 2.0 * f64::from(k)) / r).collect();
    let loss = FactoredLoss::new(task);
    Ok(flow(&GradientFlow::of(&loss), &x, &times)?.iter().map(|s| s[0] * s[0]).collect())
}

fn limit(c: &Case, shift: f64) -> Result<f64, CheckError> {
    Ok(flow_limit(&c.law()?, conserved(&case_start(c))? + shift)?.u_inf_squared)
}

pub(super) fn limits() -> Claim {
    let check = Limit::new(
        "limit of u^2",
        "u^2 along the flow, extrapolated",
        |_, _| {
            let case = |label, task, u0, theta0| {
                Case::new(label, task).with("u0", u0).with("theta0", theta0).with("dense", 0.0)
            };
            vec![
                case("dense, balanced", dense3(), 0.1, 0.1),
                case("dense, u ahead", dense3(), 0.8, 0.1),
                case("dense, U ahead", dense3(), 0.05, 0.9),
            ]
        },
        |c| limit(c, 0.0),
        |c| tail(c, &c.task),
        |_| Ok(Contraction::Exponential { decay: 2.0, tolerance: 0.05 }),
        1e-10,
    )
    .wrong("always balanced", |c| Ok(flow_limit(&c.law()?, 0.0)?.u_inf_squared))
    .wrong("spectral norm for Frobenius norm", |c| {
        let a = flow_limit(&c.law()?, 0.0)?.a_star;
        let norm = solvable_linalg::singular_values(a.as_ref())?[0];
        let c0 = conserved(&case_start(c))?;
        Ok(0.5 * (c0 + (c0 * c0 + 4.0 * norm * norm).sqrt()))
    })
    .broken("noise forgotten", |c| tail(c, &c.noiseless()?.task));
    Claim {
        id: "ICL-20",
        chapter: Chapter::Icl,
        title: "Where the flow ends, for any balance",
        statement: r"Every trajectory that converges to a minimizer with $A\to A^*\ne0$ has, with $c=u^2-\|U\|_F^2$,

$$u_\infty^2=\tfrac12\Big(c+\sqrt{c^2+4\|A^*\|_F^2}\Big),\qquad U_\infty=A^{*}/u_\infty .$$

For $c=0$, $\Psi=I$, $\sigma=0$ this is $u_\infty=[\mathrm{tr}\,\Gamma^{-2}]^{1/4}$.",
        assumptions: "$\\Lambda\\succ0$; sign of $u_\\infty$ free.",
        source: "Zhang, Frei, Bartlett, Theorem 4.1 ($c=0$); derived",
        formula: "solvable_theory::icl::flow_limit",
        simulator: "solvable_sim::flow::integrate",
        checks: vec![Box::new(check)],
    }
}

/// The d + 1 scalar equations of a diagonal start: u, then the diagonal of U.
fn reduced_flow(c: &Case, times: &[f64], extra: f64) -> Result<Vec<f64>, CheckError> {
    let (t, n) = (&c.task, c.task.context() as f64);
    let d = t.dimension();
    let modes: Vec<(f64, f64)> = (0..d)
        .map(|i| {
            let (l, p) = (t.lambda().matrix()[(i, i)], t.psi().matrix()[(i, i)]);
            let s = (1.0 + extra / n) * l * l * p + (t.signal() + t.sigma2()) / n * l;
            (s * l, l * l * p)
        })
        .collect();
    let field = FieldFn::new(d + 1, move |_: f64, x: &[f64], slope: &mut [f64]| {
        let u = x[0];
        slope[0] = 0.0;
        for (i, (curvature, drive)) in modes.iter().enumerate() {
            let v = x[1 + i];
            slope[1 + i] = -u * u * curvature * v + u * drive;
            slope[0] += -u * curvature * v * v + drive * v;
        }
    });
    let x: Vec<f64> = std::iter::once(0.3).chain((0..d).map(|i| 0.1 * (i as f64 + 1.0))).collect();
    Ok(flow(&field, &x, times)?.concat())
}

fn matrix_flow(c: &Case, times: &[f64], context: usize) -> Result<Vec<f64>, CheckError> {
    let d = c.task.dimension();
    let loss = FactoredLoss::new(&c.task.with_context(context)?);
    let mut x = vec![0.0; 1 + d * d];
    x[0] = 0.3;
    for i in 0..d {
        x[1 + i * d + i] = 0.1 * (i as f64 + 1.0);
    }
    let states = flow(&GradientFlow::of(&loss), &x, times)?;
    Ok(states
        .iter()
        .flat_map(|s| std::iter::once(s[0]).chain((0..d).map(|i| s[1 + i * d + i])).collect::<Vec<_>>())
        .collect())
}

const TIMES: [f64; 4] = [0.5, 1.0, 2.0, 6.0];

pub(super) fn reduction() -> Claim {
    let check = Identity::new(
        "diagonal start",
        "d + 1 scalar equations, and the matrix flow, at four times",
        |_, _| {
            vec![
                Case::new("diagonal", diagonal3()),
                Case::new(
                    "commuting",
                    task(diagonal(&[1.5, 0.3, 0.8, 1.0]), diagonal(&[0.2, 1.0, 0.6, 2.0]), 0.4, 7),
                ),
            ]
        },
        |c| reduced_flow(c, &TIMES, 1.0),
        |c| matrix_flow(c, &TIMES, c.task.context()),
        // Both integrators keep local errors below 1e-13; errors grow at most like the flow contracts and expands.
        |_| Ok(1e-9),
    )
    .wrong("1 for 1 + 1/N", |c| reduced_flow(c, &TIMES, 0.0))
    .wrong("noise forgotten", |c| {
        if c.task.sigma2() > 0.0 {
            reduced_flow(&c.noiseless()?, &TIMES, 1.0)
        } else {
            reduced_flow(c, &TIMES, 1.0)
        }
    })
    .broken("one example more", |c| matrix_flow(c, &TIMES, c.task.context() + 1));
    let off = Identity::new(
        "off-diagonal decay",
        "off-diagonal entries at time t: initial value times exp(-s_i lambda_j int u^2), and the matrix flow",
        |_, _| vec![Case::new("diagonal", diagonal3())],
        |c| off_diagonal(c, true, false),
        |c| off_diagonal(c, false, false),
        |_| Ok(1e-9),
    )
    .wrong("roles of i and j swapped", |c| off_diagonal(c, true, true))
    .wrong("no decay", |_| Ok(vec![0.05, 0.02]))
    .broken("one example more", |c| off_diagonal(&c.longer()?, false, false));
    Claim {
        id: "ICL-23",
        chapter: Chapter::Icl,
        title: "Reduction to the common eigenbasis",
        statement: r"If $\Lambda$ and $\Psi$ commute, in their common eigenbasis with $s_i=a_N\lambda_i^2\psi_i+b_N\lambda_i$, $m_i=\lambda_i^2\psi_i$,

$$\dot U_{ij}=-u^2s_i\lambda_jU_{ij}+u\,m_i\delta_{ij},\qquad\dot u=-u\sum_{ij}s_i\lambda_jU_{ij}^2+\sum_im_iU_{ii}.$$

A diagonal start needs $d+1$ scalar equations; off-diagonal entries only decay, by $e^{-s_i\lambda_j\int u^2}$.",
        assumptions: "$\\Lambda\\Psi=\\Psi\\Lambda$.",
        source: "Derived",
        formula: "solvable_verify::icl::claims::icl_19_20_23 (scalar equations)",
        simulator: "solvable_sim::flow::integrate on solvable_model::icl::FactoredLoss",
        checks: vec![Box::new(check), Box::new(off)],
    }
}

/// Entries (0,2) and (1,0) of U at time 3, by the matrix flow or through the integral of u^2 along it.
fn off_diagonal(c: &Case, formula: bool, swapped: bool) -> Result<Vec<f64>, CheckError> {
    let d = 3;
    let loss = FactoredLoss::new(&c.task);
    let mut x = start(0.4, 0.3, &identity(d));
    x[1 + 2] = 0.05;
    x[1 + d] = 0.02;
    // The integral of u^2 rides along as one more equation.
    let inner = GradientFlow::of(&loss);
    struct WithIntegral<'a>(GradientFlow<'a, FactoredLoss>);
    impl VectorField for WithIntegral<'_> {
        type Work = <GradientFlow<'static, FactoredLoss> as VectorField>::Work;
        fn dimension(&self) -> usize {
            self.0.dimension() + 1
        }
        fn work(&self) -> Self::Work {
            self.0.work()
        }
        fn eval(&self, t: f64, x: &[f64], slope: &mut [f64], work: &mut Self::Work) {
            let n = x.len() - 1;
            self.0.eval(t, &x[..n], &mut slope[..n], work);
            slope[n] = x[0] * x[0];
        }
    }
    x.push(0.0);
    let end = flow(&WithIntegral(inner), &x, &[3.0])?.pop().unwrap_or_default();
    if !formula {
        return Ok(vec![end[1 + 2], end[1 + d]]);
    }
    let integral = end[end.len() - 1];
    let (t, n) = (&c.task, c.task.context() as f64);
    let l = |i: usize| t.lambda().matrix()[(i, i)];
    let s = |i: usize| {
        (1.0 + 1.0 / n) * l(i) * l(i) * t.psi().matrix()[(i, i)] + (t.signal() + t.sigma2()) / n * l(i)
    };
    let rate = |i: usize, j: usize| if swapped { s(j) * l(i) } else { s(i) * l(j) };
    Ok(vec![0.05 * (-rate(0, 2) * integral).exp(), 0.02 * (-rate(1, 0) * integral).exp()])
}
