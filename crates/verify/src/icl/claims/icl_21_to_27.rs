//! ICL-21, 22, 24, 25, 27: how fast gradient flow and descent converge.
use solvable_linalg::{Mat, kronecker, symmetric_eigen, symmetric_eigenvalues};
use solvable_model::icl::{FactoredLoss, PredictorLoss, QueryToken, RegressionTask};
use solvable_model::{Covariance, Objective};
use solvable_sim::flow::GradientFlow;
use solvable_sim::icl::{PromptGradient, PromptSampler, StepRule, descend, gauss_hermite, tensor_mean};
use solvable_theory::icl::{
    IsotropicFlow, Whitened, contraction_factors, convergence_certificate, escape_time, final_rate,
    flow_limit, largest_stable_step, minimizer, minimum, published_rate,
};

use super::icl_19_20_23::{flow, identity, start};
use super::support::{Case, dense3, diagonal, diagonal3, entries, isotropic, task};
use crate::check::{Bound, Contraction, Identity, Limit};
use crate::{Chapter, CheckError, Claim, Parameters};

/// Spectrum, start scale, Theta (d x 1) and length of a start of Zhang, Frei and Bartlett, from the cube.
struct PublishedStart {
    lambda: Covariance,
    n: usize,
    sigma0: f64,
    theta: Mat<f64>,
}

impl PublishedStart {
    /// `share` in (0, 1] of the largest scale that the published condition allows.
    fn at(d: usize, x: &[f64]) -> Self {
        let spectrum: Vec<f64> = x[..d].iter().map(|v| 10f64.powf(2.0 * v - 1.0)).collect();
        let n = 10f64.powf(3.0 * x[3]) as usize;
        let trace: f64 = spectrum.iter().sum();
        let top = spectrum.iter().copied().fold(0.0, f64::max);
        let gamma = (1.0 + 1.0 / n as f64) * top + trace / n as f64;
        let sigma0 = ((0.001 + 0.998 * x[4]) * 2.0 / ((d as f64).sqrt() * gamma)).sqrt();
        let raw: Vec<f64> = (0..d).map(|i| 0.05 + x[5 + i]).collect();
        let norm: f64 = raw.iter().map(|v| v * v).sum::<f64>().sqrt();
        // A column of norm one: |Theta Theta'|_F = 1.
        Self { lambda: diagonal(&spectrum), n, sigma0, theta: Mat::from_fn(d, 1, |i, _| raw[i] / norm) }
    }

    fn law(&self) -> Result<Whitened, CheckError> {
        let d = self.lambda.dimension();
        let t = task(self.lambda.clone(), diagonal(&vec![1.0; d]), 0.0, self.n);
        Ok(Whitened::new(&t)?)
    }

    fn key(&self) -> Mat<f64> {
        let d = self.lambda.dimension();
        Mat::from_fn(d, d, |i, j| self.sigma0 * self.theta[(i, 0)] * self.theta[(j, 0)])
    }

    fn certificate(&self) -> Result<solvable_theory::icl::Certificate, CheckError> {
        Ok(convergence_certificate(&self.law()?, self.sigma0, self.key().as_ref())?)
    }

    fn published(&self) -> Result<f64, CheckError> {
        Ok(published_rate(&self.lambda, self.n, self.sigma0, self.theta.as_ref())?)
    }

    /// `sigma0^2 |Lambda Theta|^2 (2 - sigma0^2 |Gamma|)`.
    fn simple_d0(&self, two: f64) -> f64 {
        let d = self.lambda.dimension();
        let l = |i: usize| self.lambda.matrix()[(i, i)];
        let image: f64 = (0..d).map(|i| (l(i) * self.theta[(i, 0)]).powi(2)).sum();
        let n = self.n as f64;
        let gamma = (1.0 + 1.0 / n) * self.lambda.largest_eigenvalue() + self.lambda.trace() / n;
        self.sigma0.powi(2) * image * (two - self.sigma0.powi(2) * gamma)
    }
}

fn dimensions() -> Vec<Parameters> {
    vec![Parameters::new().with("d", 1), Parameters::new().with("d", 3)]
}

fn dimension(c: &Parameters) -> usize {
    c.as_map()["d"].as_u64().map_or(1, |d| d as usize)
}

const ONLY_SCALAR: &str = "equality in dimension 1 only: at d = 3 the two sides never meet";

/// Largest `(l(t) - l*) e^(rate t) / (l_0 - l*)` over sample times of the flow.
fn worst_decay(c: &Case, rate: f64) -> Result<f64, CheckError> {
    let loss = FactoredLoss::new(&c.task);
    let x = start(c.get("u0"), c.get("theta0"), &identity(c.task.dimension()));
    let times: Vec<f64> = (0..40).map(|k| 0.01 * 1.22_f64.powi(k)).collect();
    let floor = 0.5 * minimum(&c.law()?)?;
    let mut work = loss.work();
    let first = loss.value(&x, &mut work) - floor;
    let mut worst: f64 = 0.0;
    for (t, s) in times.iter().zip(flow(&GradientFlow::of(&loss), &x, &times)?) {
        worst = worst.max((loss.value(&s, &mut work) - floor) / first * (rate * t).exp());
    }
    Ok(worst)
}

fn decay_cells() -> Vec<Case> {
    let case = |label, task, u0, theta0| Case::new(label, task).with("u0", u0).with("theta0", theta0);
    vec![
        case("dense", dense3(), 0.3, 0.3),
        case("diagonal", diagonal3(), 0.7, 0.5),
        case("isotropic", isotropic(2, 1.0, 1.0, 0.0, 5), 0.2, 0.4),
    ]
}

fn cell_certificate(c: &Case) -> Result<solvable_theory::icl::Certificate, CheckError> {
    let d = c.task.dimension() as f64;
    let key = Mat::from_fn(c.task.dimension(), c.task.dimension(), |i, j| {
        if i == j { c.get("theta0") / d.sqrt() } else { 0.0 }
    });
    Ok(convergence_certificate(&c.law()?, c.get("u0"), key.as_ref())?)
}

pub(super) fn certificate() -> Claim {
    let sharper = Bound::new(
        "sharper than published",
        "published rate over the certified one, maximised over spectra, starts and lengths",
        |_, _| dimensions(),
        8,
        |c, x| Ok(Some(PublishedStart::at(dimension(c), x).certificate()?.mu)),
        |c, x| Ok(Some(PublishedStart::at(dimension(c), x).published()?)),
        1e-10,
    )
    .slack(ONLY_SCALAR)
    .search(8, 4000, 60_000)
    .wrong("rate halved", |c, x| Ok(Some(0.5 * PublishedStart::at(dimension(c), x).certificate()?.mu)))
    .wrong("two percent low", |c, x| Ok(Some(0.98 * PublishedStart::at(dimension(c), x).certificate()?.mu)))
    .broken("sqrt(d) left out twice", |c, x| {
        let s = PublishedStart::at(dimension(c), x);
        Ok(Some(s.published()? * dimension(c) as f64 * 1.02))
    });
    let start_value = Bound::new(
        "start better than zero",
        "sigma0^2 |Lambda Theta|^2 (2 - sigma0^2 |Gamma|) over D_0, maximised",
        |_, _| dimensions(),
        8,
        |c, x| Ok(Some(PublishedStart::at(dimension(c), x).certificate()?.d0)),
        |c, x| Ok(Some(PublishedStart::at(dimension(c), x).simple_d0(2.0))),
        1e-10,
    )
    .slack(ONLY_SCALAR)
    .search(8, 4000, 60_000)
    .wrong("two percent low", |c, x| Ok(Some(0.98 * PublishedStart::at(dimension(c), x).certificate()?.d0)))
    .wrong("half", |c, x| Ok(Some(0.5 * PublishedStart::at(dimension(c), x).certificate()?.d0)))
    .broken("2.1 for 2", |c, x| Ok(Some(PublishedStart::at(dimension(c), x).simple_d0(2.1))));
    let stays = Bound::new(
        "u stays away from 0",
        "u_min^2 over the least u^2 along the flow, maximised over the start",
        |_, _| vec![Case::new("dense", dense3())],
        2,
        |c, x| {
            let (u0, theta0) = (0.01 + 0.8 * x[0], 0.01 + 0.8 * x[1]);
            let loss = FactoredLoss::new(&c.task);
            let s = start(u0, theta0, &identity(3));
            let times: Vec<f64> = (0..24).map(|k| 0.02 * 1.4_f64.powi(k)).collect();
            let states = flow(&GradientFlow::of(&loss), &s, &times)?;
            Ok(Some(states.iter().map(|s| s[0] * s[0]).fold(u0 * u0, f64::min)))
        },
        |c, x| {
            let cell = c.clone().with("u0", 0.01 + 0.8 * x[0]).with("theta0", 0.01 + 0.8 * x[1]);
            Ok(cell_certificate(&cell).ok().map(|v| v.u_min_squared))
        },
        1e-9,
    )
    .slack("the start itself satisfies the bound with room to spare for this direction of U")
    .search(4, 250, 4000)
    .wrong("one tenth of u^2", |_, x| {
        let u0 = 0.01 + 0.8 * x[0];
        Ok(Some(0.1 * u0 * u0))
    })
    .wrong("smallest u^2 of an unbalanced start", |_, x| Ok(Some(0.0001 * (0.01 + 0.8 * x[1]).powi(2))))
    .broken("limit of u^2", |c, _| Ok(Some(flow_limit(&c.law()?, 0.0)?.u_inf_squared)));
    let decay = Bound::new(
        "exponential decay",
        "(l(t) - l*) e^(mu t) / (l_0 - l*) at the worst time, against 1",
        |_, _| decay_cells(),
        1,
        |_, _| Ok(Some(1.0)),
        |c, _| Ok(Some(worst_decay(c, cell_certificate(c)?.mu)?)),
        1e-9,
    )
    .slack("at positive times the loss is strictly below the bound")
    .search(1, 1, 1)
    .wrong("one half", |_, _| Ok(Some(0.5)))
    .wrong("0.6", |_, _| Ok(Some(0.6)))
    .broken("the final rate from the start", |c, _| {
        let u2 = c.get("u0").powi(2) - c.get("theta0").powi(2);
        Ok(Some(worst_decay(c, 2.0 * final_rate(&c.law()?, u2)?.r_min)?))
    });
    Claim {
        id: "ICL-21",
        chapter: Chapter::Icl,
        title: "Global convergence with an explicit rate, without the factor sqrt(d)",
        statement: r"Let $\Lambda,S_N\succ0$ and let the start be better than zero, $D_0=L(0)-L(A_0)>0$. With $c=u^2-\|U\|_F^2$ and $K=D_0/(2\|\Lambda\Psi\Lambda\|_F)$, for all times

$$u(t)^2\ge u_{\min}^2=\tfrac12\big(c+\sqrt{c^2+4K^2}\big),\qquad \ell(t)-\ell^*\le(\ell_0-\ell^*)e^{-\mu t},\quad \mu=2u_{\min}^2\lambda_{\min}(\Lambda)\lambda_{\min}(S_N).$$

For the start $u_0=\sigma_0$, $U_0=\sigma_0\Theta\Theta^\top$ of Zhang et al., $D_0\ge\sigma_0^2\|\Lambda\Theta\|_F^2(2-\sigma_0^2\|\Gamma\|)$: their condition $\sigma_0^2\|\Gamma\|\sqrt d<2$ does not need $\sqrt d$, and their rate never exceeds $\mu$.",
        assumptions: "As for ICL-2.",
        source: "Derived; Zhang, Frei, Bartlett, Theorem 4.1 and Lemma 5.2",
        formula: "solvable_theory::icl::{convergence_certificate, published_rate}",
        simulator: "solvable_sim::flow::integrate; adversarial search",
        checks: vec![Box::new(sharper), Box::new(start_value), Box::new(stays), Box::new(decay)],
    }
}

/// u, theta and the time of an isotropic cell.
fn closed(c: &Case, factor: f64) -> Result<f64, CheckError> {
    let (t, d) = (&c.task, c.task.dimension());
    let lambda = t.lambda().largest_eigenvalue();
    let psi = t.psi().largest_eigenvalue();
    let flow = IsotropicFlow::new(d, lambda, psi, t.sigma2(), t.context())?;
    Ok(flow.at(c.get("u0"), c.get("theta0"), factor * c.get("t"))?.u)
}

fn halved(c: &Case, rule: StepRule, first: u32, levels: u32) -> Result<Vec<f64>, CheckError> {
    let loss = FactoredLoss::new(&c.task);
    (first..first + levels)
        .map(|k| {
            let steps = 1_usize << k;
            let mut x = start(c.get("u0"), c.get("theta0"), &identity(c.task.dimension()));
            descend(&loss, &mut x, c.get("t") / steps as f64, steps, rule);
            Ok(x[0])
        })
        .collect()
}

fn isotropic_cells() -> Vec<Case> {
    let case = |u0, theta0, t| {
        Case::new("isotropic", isotropic(4, 1.3, 0.7, 0.1, 5))
            .with("u0", u0)
            .with("theta0", theta0)
            .with("t", t)
    };
    vec![case(0.1, 0.1, 1.0), case(0.5, 0.0, 1.0), case(0.05, 0.4, 1.5)]
}

pub(super) fn trajectory() -> Claim {
    let check = Limit::new(
        "closed form",
        "u(t) by the Runge-Kutta method of order 4 with halved steps, extrapolated",
        |_, _| isotropic_cells(),
        |c| closed(c, 1.0),
        |c| halved(c, StepRule::RungeKutta4, 2, 7),
        |_| Ok(Contraction::Order { order: 4.0, tolerance: 0.3 }),
        1e-14,
    )
    .wrong("twice the time", |c| closed(c, 2.0))
    .wrong("balanced formula", |c| {
        let mean = (0.5 * (c.get("u0").powi(2) + c.get("theta0").powi(2))).sqrt();
        let balanced = Case::new("isotropic", c.task.clone())
            .with("u0", mean)
            .with("theta0", mean)
            .with("t", c.get("t"));
        closed(&balanced, 1.001)
    })
    .broken("noise forgotten", |c| halved(&c.noiseless()?, StepRule::RungeKutta4, 2, 7));
    Claim {
        id: "ICL-22",
        chapter: Chapter::Icl,
        title: "The trajectory in closed form, isotropic case",
        statement: r"For $\Lambda=\lambda I$, $\Psi=\psi I$, $U_0=\vartheta_0I/\sqrt d$ the flow keeps $U=\vartheta(t)I/\sqrt d$. With $\alpha=\sqrt d\,\lambda^2\psi$, $\kappa=\lambda s$, $r=u\vartheta$: $\dot r=\sqrt{c^2+4r^2}\,(\alpha-\kappa r)$; balanced starts follow a logistic curve,

$$u^2=\vartheta^2=\dfrac{r_\infty}{1+(r_\infty/u_0^2-1)e^{-2\alpha t}},\qquad r_\infty=\alpha/\kappa,$$

and every other start a hyperbolic tangent.",
        assumptions: "As for ICL-2, isotropic.",
        source: "Derived",
        formula: "solvable_theory::icl::IsotropicFlow",
        simulator: "solvable_sim::icl::descend on solvable_model::icl::FactoredLoss",
        checks: vec![Box::new(check)],
    }
}

/// Smallest two eigenvalues of the d^2 x d^2 rate matrix, formed as written.
fn rates(c: &Case, balance: f64) -> Result<(f64, f64), CheckError> {
    let limit = flow_limit(&c.law()?, balance)?;
    let u2 = limit.u_inf_squared;
    let a = &limit.a_star;
    let d = c.task.dimension();
    let loss = PredictorLoss::new(&c.task);
    let root = symmetric_eigen(kronecker(loss.second_moment(), c.task.lambda().matrix()).as_ref())?.sqrt()?;
    // vec stacks columns.
    let inner = Mat::from_fn(d * d, d * d, |i, j| {
        let unit = if i == j { u2 } else { 0.0 };
        unit + a[(i % d, i / d)] * a[(j % d, j / d)] / u2
    });
    let r = &root * &inner * &root;
    let values = symmetric_eigenvalues(solvable_linalg::symmetrize(r.as_ref()).as_ref())?;
    let n = values.len();
    Ok((values[n - 1], values[n - 2]))
}

/// Decay rate of `|A - A*|^2` in the metric of the loss, between two late times of the flow.
fn measured_rate(c: &Case, task: &RegressionTask) -> Result<f64, CheckError> {
    let d = c.task.dimension();
    let balance = c.get("u0").powi(2) - c.get("theta0").powi(2);
    let (r, _) = rates(c, balance)?;
    let loss = FactoredLoss::new(task);
    let mut x = start(c.get("u0"), c.get("theta0"), &identity(d));
    // A component along every direction: generic starts see the slowest mode.
    x[2] += 1e-3;
    let times = [late(r), late(r) + 3.0 / r];
    let a_star = minimizer(&Whitened::new(task)?)?;
    let s = loss.predictor_loss().second_moment().to_owned();
    let l = task.lambda().matrix();
    let mut excess = Vec::new();
    for state in flow(&GradientFlow::of(&loss), &x, &times)? {
        let a = loss.effective_matrix(&state);
        let delta = Mat::from_fn(d, d, |i, j| a[(i, j)] - a_star[(i, j)]);
        let image = l * &delta * &s;
        excess.push(solvable_linalg::trace_product(image.as_ref(), delta.transpose()));
    }
    Ok(0.5 * (excess[0] / excess[1]).ln() / (times[1] - times[0]))
}

/// Late enough for other modes to have died, early enough for rounding.
fn late(r: f64) -> f64 {
    15.0 / r
}

fn rate_cells() -> Vec<Case> {
    let case = |u0, theta0| Case::new("dense", dense3()).with("u0", u0).with("theta0", theta0);
    vec![case(0.1, 0.1), case(0.8, 0.37), case(0.2, 0.7)]
}

fn theory_rate(c: &Case) -> Result<f64, CheckError> {
    Ok(final_rate(&c.law()?, c.get("u0").powi(2) - c.get("theta0").powi(2))?.r_min)
}

pub(super) fn final_decay() -> Claim {
    let matrix = Identity::new(
        "rate matrix",
        "r_min by the secular equation, and by eigenvalues of the d^2 x d^2 matrix",
        |_, _| rate_cells(),
        |c| Ok(vec![theory_rate(c)?]),
        |c| Ok(vec![rates(c, c.get("u0").powi(2) - c.get("theta0").powi(2))?.0]),
        |c| Ok(1e3 * (c.task.dimension() as f64).powi(4) * f64::EPSILON),
    )
    .wrong("balanced", |c| Ok(vec![final_rate(&c.law()?, 0.0)?.r_min]))
    .wrong("lower bound for the rate", |c| {
        Ok(vec![final_rate(&c.law()?, c.get("u0").powi(2) - c.get("theta0").powi(2))?.lower_bound])
    })
    .broken("second smallest", |c| Ok(vec![rates(c, c.get("u0").powi(2) - c.get("theta0").powi(2))?.1]));
    let slope = Identity::new(
        "measured slope",
        "half the slope of log(l - l*) late in the flow",
        |_, _| rate_cells(),
        |c| Ok(vec![theory_rate(c)?]),
        |c| Ok(vec![measured_rate(c, &c.task)?]),
        |c| {
            // Other modes are smaller by e^(-2 gap t), second-order terms by e^(-r t); both with constants of order one.
            let (r1, r2) = rates(c, c.get("u0").powi(2) - c.get("theta0").powi(2))?;
            let t = late(r1);
            Ok(30.0 * (-(2.0 * (r2 - r1) * t)).exp() + 30.0 * (-r1 * t).exp())
        },
    )
    .wrong("twice the rate", |c| Ok(vec![2.0 * theory_rate(c)?]))
    .wrong("lower bound for the rate", |c| {
        Ok(vec![final_rate(&c.law()?, c.get("u0").powi(2) - c.get("theta0").powi(2))?.lower_bound])
    })
    .broken("noise forgotten", |c| Ok(vec![measured_rate(c, &c.noiseless()?.task)?]));
    Claim {
        id: "ICL-24",
        chapter: Chapter::Icl,
        title: "The exact final rate",
        statement: r"$\|A-A^*\|$ decays like $e^{-r_{\min}t}$ and $\ell-\ell^*$ like $e^{-2r_{\min}t}$, where $r_{\min}$ is generically the smallest eigenvalue of

$$\mathcal R=(S\otimes\Lambda)^{1/2}\Big(u_\infty^2I+u_\infty^{-2}\,\mathrm{vec}A^*\mathrm{vec}A^{*\top}\Big)(S\otimes\Lambda)^{1/2},\qquad u_\infty^2\lambda_{\min}(\Lambda)\lambda_{\min}(S)\le r_{\min}.$$",
        assumptions: "$\\Lambda,S\\succ0$; the trajectory converges to a minimizer.",
        source: "Derived",
        formula: "solvable_theory::icl::final_rate",
        simulator: "solvable_sim::flow::integrate; dense eigenvalues",
        checks: vec![Box::new(matrix), Box::new(slope)],
    }
}

/// Time at which the loss is half-way between t and L*, by integration and bisection on the dense record.
fn half_time(c: &Case, task: &RegressionTask, scale: f64) -> Result<f64, CheckError> {
    let loss = FactoredLoss::new(task);
    let d = task.dimension();
    let x = start(scale, scale, &identity(d));
    let goal = 0.25 * (task.signal() + minimum(&c.law()?)?);
    let mut work = loss.work();
    // The flow is started again from the last time before the half-way point, ten times finer each time.
    let (mut state, mut from, mut step) = (x, 0.0, 2.0);
    for _ in 0..9 {
        let times: Vec<f64> = (1..=40).map(|k| step * f64::from(k)).collect();
        let states = flow(&GradientFlow::of(&loss), &state, &times)?;
        let Some(k) = states.iter().position(|s| loss.value(s, &mut work) < goal) else {
            from += times[times.len() - 1];
            state = states.last().cloned().unwrap_or_default();
            continue;
        };
        if k > 0 {
            from += times[k - 1];
            state = states[k - 1].clone();
        }
        step /= 20.0;
    }
    Ok(from)
}

/// `(t(s/4) - t(s)) / ln 4` along shrinking scales.
fn escape_slopes(c: &Case, task: &RegressionTask) -> Result<Vec<f64>, CheckError> {
    let times =
        (0..8).map(|k| half_time(c, task, 0.3 * 4f64.powi(-k))).collect::<Result<Vec<_>, CheckError>>()?;
    Ok(times.windows(2).map(|w| (w[1] - w[0]) / 4f64.ln()).collect())
}

fn escape_rate(c: &Case, label: bool) -> Result<f64, CheckError> {
    let e = escape_time(&c.law()?, 0.1, identity(c.task.dimension()).as_ref())?;
    Ok(1.0 / if label { e.label_rate } else { e.rate })
}

pub(super) fn escape() -> Claim {
    let check = Limit::new(
        "escape from zero",
        "growth of the half-way time a factor e of the initial scale, as the scale shrinks",
        |_, _| vec![Case::new("isotropic", isotropic(3, 1.0, 0.8, 0.2, 6)), Case::new("dense", dense3())],
        |c| escape_rate(c, false),
        |c| escape_slopes(c, &c.task),
        // The initial scale enters the equations through its square; components of U that neither grow nor decay, absent
        // for a start along Lambda Psi Lambda, are still of its own size at the escape.
        |c| {
            let d = c.task.dimension();
            let aligned = c.task.lambda().is_diagonal() && d == 3 && c.task.lambda().trace() == 3.0;
            Ok(Contraction::Order { order: if aligned { 4.0 } else { 2.0 }, tolerance: 0.3 })
        },
        1e-8,
    )
    .wrong("operator norm", |c| escape_rate(c, true))
    .wrong("rate of the loss", |c| Ok(0.5 * escape_rate(c, false)?))
    .broken("one example more, noise forgotten", |c| {
        let quiet = c.noiseless()?;
        let s = escape_slopes(c, &quiet.task)?;
        Ok(s.iter().map(|v| v * 1.001).collect())
    });
    Claim {
        id: "ICL-25",
        chapter: Chapter::Icl,
        title: "Time scale at small initialisation",
        statement: r"Near 0 the flow has one growing direction, with rate $\|\mathcal M\|_F$, $\mathcal M=\Lambda\Psi\Lambda$:

$$t_{\rm esc}=\frac{1}{\|\mathcal M\|_F}\ln\frac{2}{|u_0+\langle\mathcal M,U_0\rangle/\|\mathcal M\|_F|}+O(1),$$

the sign between the bars being that of the final $u$. The $(p,q)$ block of the full layer grows only at the rate $\|\mathcal M\|_{op}\le\|\mathcal M\|_F$.",
        assumptions: "As for ICL-2; initial scale tending to 0.",
        source: "Derived",
        formula: "solvable_theory::icl::escape_time",
        simulator: "solvable_sim::flow::integrate",
        checks: vec![Box::new(check)],
    }
}

/// Ratio of every mode of `A - A*` over one step, in the eigenbases of Lambda and S.
fn mode_ratios(c: &Case, h: f64) -> Result<Vec<f64>, CheckError> {
    let d = c.task.dimension();
    let loss = PredictorLoss::new(&c.task);
    let a_star = minimizer(&c.law()?)?;
    let left = symmetric_eigen(c.task.lambda().matrix())?.vectors;
    let right = symmetric_eigen(loss.second_moment())?.vectors;
    let mut a = c.matrix.clone();
    let before = modes(&left, &right, &a, &a_star);
    let mut x = entries(a.as_ref());
    let mut g = vec![0.0; d * d];
    loss.gradient(&x, &mut g, &mut loss.work());
    x.iter_mut().zip(&g).for_each(|(x, g)| *x -= 0.5 * h * g);
    a = Mat::from_fn(d, d, |i, j| x[i * d + j]);
    let after = modes(&left, &right, &a, &a_star);
    Ok(after.iter().zip(&before).map(|(a, b)| a / b).collect())
}

fn modes(left: &Mat<f64>, right: &Mat<f64>, a: &Mat<f64>, a_star: &Mat<f64>) -> Vec<f64> {
    let delta = a - a_star;
    entries((left.transpose() * &delta * right).as_ref())
}

/// Mean square distance from A* after one step of SGD from `A* + start` (d = 1), exact.
fn sgd_second_moment(c: &Case, batch: f64, cross: f64) -> Result<f64, CheckError> {
    let (t, n) = (&c.task, c.task.context() as f64);
    let (l, p, noise) = (t.lambda().largest_eigenvalue(), t.psi().largest_eigenvalue(), t.sigma2());
    let a = minimizer(&c.law()?)?[(0, 0)];
    // Given w and q = sum x_i^2/N (N q/l is chi^2_N): s ~ N(w q, noise q/N). m(k) = E q^k.
    let m = |k: i32| (0..k).map(|i| l * (1.0 + 2.0 * f64::from(i) / n)).product::<f64>();
    let (w2, w4) = (p, 3.0 * p * p);
    let v = noise / n;
    let s2 = w2 * m(2) + v * m(1);
    let s4 = w4 * m(4) + 6.0 * w2 * v * m(3) + 3.0 * v * v * m(2);
    let ws3 = w4 * m(3) + 3.0 * w2 * v * m(2);
    let w2s2 = w4 * m(2) + w2 * v * m(1);
    // r = A* s - w; curvature m = x_q^2 s^2, kick n = x_q^2 s r, E x_q^4 = 3 l^2.
    let s2r2 = a * a * s4 - 2.0 * a * ws3 + w2s2;
    let s3r = a * s4 - ws3;
    let (curvature, fourth, h, e) = (l * s2, 3.0 * l * l, c.get("h"), c.get("start"));
    let variance = (fourth * s4 - curvature * curvature) / batch;
    let shrink = 1.0 - 2.0 * h * curvature + h * h * (curvature * curvature + variance);
    let kicks = fourth * s2r2 + cross * 2.0 * e * fourth * s3r;
    Ok(e * e * shrink + h * h * kicks / batch)
}

/// The same over every batch of raw prompts, by a tensor rule. At u = 1, U = A the gradient in U is that of A.
fn sgd_all_batches(c: &Case, batch: usize) -> Result<f64, CheckError> {
    let a = minimizer(&c.law()?)?[(0, 0)];
    let n = c.task.context();
    let gradient = PromptGradient::new(n as f64, QueryToken::Masked)?;
    let (l, p) = (c.task.lambda().largest_eigenvalue().sqrt(), c.task.psi().largest_eigenvalue().sqrt());
    let sigma = c.task.sigma2().sqrt();
    let mut prompt = PromptSampler::of_task(&c.task).buffer();
    let mut work = gradient.work(1);
    // Squares of x^4 w^2: degree 8 in a covariate.
    let rule = gauss_hermite(5)?;
    let per_prompt = 2 * n + 2;
    let parameters = [0.0, a + c.get("start"), 1.0, 0.0];
    Ok(tensor_mean(&rule, batch * per_prompt, |z| {
        let mut g = [0.0; 4];
        for z in z.chunks_exact(per_prompt) {
            prompt.w[0] = p * z[0];
            prompt.query[0] = l * z[1];
            for i in 0..n {
                prompt.x[i] = l * z[2 + i];
                prompt.y[i] = prompt.w[0] * prompt.x[i] + sigma * z[2 + n + i];
            }
            prompt.target = prompt.w[0] * prompt.query[0];
            gradient.add(&prompt, &parameters, 1.0 / batch as f64, &mut g, &mut work);
        }
        (parameters[1] - c.get("h") * g[1] - a).powi(2)
    }))
}

pub(super) fn discretisation() -> Claim {
    let euler = Limit::new(
        "gradient descent",
        "u(t) by gradient descent with halved steps, against the closed-form flow",
        |_, _| isotropic_cells(),
        |c| closed(c, 1.0),
        |c| halved(c, StepRule::Euler, 6, 7),
        |_| Ok(Contraction::Order { order: 1.0, tolerance: 0.1 }),
        1e-13,
    )
    .wrong("twice the time", |c| closed(c, 2.0))
    .wrong("one percent late", |c| closed(c, 1.01))
    .broken("noise forgotten", |c| halved(&c.noiseless()?, StepRule::Euler, 6, 7));
    let contraction = Identity::new(
        "contraction of each mode",
        "one step of gradient descent in A, mode by mode; largest stable step",
        |_, _| {
            vec![
                Case::new("dense", dense3()).with("h", 0.2),
                Case::new("diagonal", diagonal3()).with("h", 0.05),
            ]
        },
        |c| {
            let mut v = entries(contraction_factors(&c.law()?, c.get("h"))?.as_ref());
            v.push(largest_stable_step(&c.law()?)?);
            Ok(v)
        },
        |c| {
            let mut v = mode_ratios(c, c.get("h"))?;
            let s = symmetric_eigenvalues(PredictorLoss::new(&c.task).second_moment())?;
            v.push(2.0 / (c.task.lambda().largest_eigenvalue() * s[0]));
            Ok(v)
        },
        // A mode of A - A* may be small; its ratio loses that many digits.
        |c| {
            let loss = PredictorLoss::new(&c.task);
            let left = symmetric_eigen(c.task.lambda().matrix())?.vectors;
            let right = symmetric_eigen(loss.second_moment())?.vectors;
            let m = modes(&left, &right, &c.matrix, &minimizer(&c.law()?)?);
            let least = m.iter().fold(f64::INFINITY, |a, b| a.min(b.abs()));
            Ok(256.0 * f64::EPSILON / least)
        },
    )
    .wrong("gradient of L for L/2", |c| {
        Ok(entries(contraction_factors(&c.law()?, 2.0 * c.get("h"))?.as_ref())
            .into_iter()
            .chain([largest_stable_step(&c.law()?)?])
            .collect())
    })
    .wrong("noise forgotten", |c| {
        let law = c.noiseless()?.law()?;
        let mut v = entries(contraction_factors(&law, c.get("h"))?.as_ref());
        v.push(largest_stable_step(&law)? * 1.01);
        Ok(v)
    })
    .broken("step twice as long", |c| {
        let mut v = mode_ratios(c, 2.0 * c.get("h"))?;
        v.push(largest_stable_step(&c.law()?)?);
        Ok(v)
    });
    let fluctuation = Identity::new(
        "finite batches",
        "mean square distance from A* after a step of SGD on fresh prompts, over every batch (d = 1)",
        |_, _| {
            let cell = |n, batch, start| {
                Case::new("one dimension", isotropic(1, 0.9, 1.2, 0.3, n))
                    .with("h", 0.2)
                    .with("batch", batch)
                    .with("start", start)
            };
            vec![cell(1, 1.0, 0.0), cell(1, 2.0, 0.0), cell(1, 2.0, 0.3), cell(3, 1.0, -0.2)]
        },
        |c| Ok(vec![sgd_second_moment(c, c.get("batch"), 1.0)?]),
        |c| Ok(vec![sgd_all_batches(c, c.count("batch"))?]),
        |_| Ok(1e-11),
    )
    .wrong("batch size ignored", |c| Ok(vec![sgd_second_moment(c, 1.0, 1.0)?]))
    .wrong("noise independent of the curvature", |c| Ok(vec![sgd_second_moment(c, c.get("batch"), 0.0)?]))
    .broken("one prompt a batch", |c| Ok(vec![sgd_all_batches(c, 1)?]));
    Claim {
        id: "ICL-27",
        chapter: Chapter::Icl,
        title: "Gradient descent, its stability, and finite batches",
        statement: r"Gradient descent with step $h$ follows the flow with error $O(h)$ (Runge-Kutta: $O(h^4)$, ICL-22). On the convex problem in $A$ it contracts mode $(i,j)$, in the eigenbases of $\Lambda$ and $S$, by exactly $1-h\lambda_i(\Lambda)\lambda_j(S)$, and is stable for $h<2/(\lambda_{\max}(\Lambda)\lambda_{\max}(S))$. With $B$ fresh prompts a step, the mean square distance $V$ from $A^*$ (in one dimension, mean $\bar e$) obeys $V'=V\,E(1-h\hat m)^2+2h^2\bar e\,E\hat m\hat n+h^2E\hat n^2$, with $\hat m,\hat n$ batch means of $x_q^2s^2$ and $x_q^2s(A^*s-w)$: to leading order it settles proportionally to $h/B$.",
        assumptions: "As for ICL-2; Gaussian task and noise for the last part.",
        source: "Derived",
        formula: "solvable_theory::icl::{contraction_factors, largest_stable_step}",
        simulator: "solvable_sim::icl::{descend, PromptGradient}",
        checks: vec![Box::new(euler), Box::new(contraction), Box::new(fluctuation)],
    }
}
