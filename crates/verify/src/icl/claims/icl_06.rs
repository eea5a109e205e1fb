//! ICL-6: the best multiple of the identity.
use solvable_linalg::Mat;
use solvable_model::icl::{PredictorLoss, RegressionTask};
use solvable_sim::icl::ConditionalRisk;
use solvable_theory::icl::{best_scalar_step, minimum};

use super::support::{Case, average, isotropic, random_task, scaled};
use crate::check::{Asymptotic, Bound, Budget, Identity};
use crate::statistics::Estimate;
use crate::{Chapter, CheckError, Claim};

/// Vertex and value of the parabola through the losses at eta = 0, 1/2, 1 (in units of 1/|Lambda|).
fn parabola(task: &RegressionTask) -> Result<Vec<f64>, CheckError> {
    let loss = PredictorLoss::new(task);
    let d = task.dimension();
    let unit = 1.0 / task.lambda().largest_eigenvalue();
    let at = |eta: f64| loss.at(scaled(Mat::<f64>::identity(d, d).as_ref(), eta * unit).as_ref());
    let (f0, f1, f2) = (at(0.0)?, at(0.5)?, at(1.0)?);
    let curvature = 2.0 * (f2 - 2.0 * f1 + f0);
    let slope = 4.0 * f1 - f2 - 3.0 * f0;
    Ok(vec![-slope / (2.0 * curvature) * unit, f0 - slope * slope / (4.0 * curvature)])
}

/// lambda, psi, sigma2/(d lambda psi), N/d of the proportional limit.
fn proportional(c: &Case, d: f64) -> Result<RegressionTask, CheckError> {
    let n = (c.get("gamma") * d).round() as usize;
    Ok(RegressionTask::isotropic(d as usize, 1.0, 1.0 / d, c.get("rho"), n)?)
}

fn simulate(task: &RegressionTask, eta: f64, seed: u64, count: u64) -> Result<Estimate, CheckError> {
    let d = task.dimension();
    let a = scaled(Mat::<f64>::identity(d, d).as_ref(), eta);
    let risk = ConditionalRisk::of_task(a.as_ref(), task)?;
    average(seed, count, || risk.work(), |rng, work| risk.draw(rng, work))
}

fn limit(c: &Case, extra: f64) -> f64 {
    (extra + c.get("rho")) / (c.get("gamma") + 1.0 + c.get("rho"))
}

/// A task from a point of the cube: three eigenvalues, three prior variances, noise, length.
fn from_cube(x: &[f64]) -> Result<RegressionTask, CheckError> {
    let wide = |v: f64| 10f64.powf(3.0 * v - 1.5);
    let l: Vec<f64> = x[..3].iter().map(|v| wide(*v)).collect();
    let p: Vec<f64> = x[3..6].iter().map(|v| wide(*v)).collect();
    let n = 1 + (60.0 * x[7]) as usize;
    Ok(super::support::task(
        super::support::diagonal(&l),
        super::support::diagonal(&p),
        wide(x[6]) - 10f64.powf(-1.5),
        n,
    ))
}

pub(super) fn claim() -> Claim {
    let vertex = Identity::new(
        "parabola",
        "step and loss, against the vertex of the parabola through three losses",
        |budget, rng| {
            let count = if budget == Budget::Quick { 12 } else { 200 };
            (0..count)
                .map(|k| Case::new("random", random_task(rng, 8, true)).with("instance", f64::from(k)))
                .collect()
        },
        |c| {
            let s = best_scalar_step(&c.law()?)?;
            Ok(vec![s.eta, s.loss])
        },
        |c| parabola(&c.task),
        |c| Ok(1024.0 * c.task.dimension() as f64 * f64::EPSILON),
    )
    // The second difference of the losses cancels the signal.
    .scale(|c| {
        let l = c.task.lambda().largest_eigenvalue();
        let parabola = parabola(&c.task)?;
        Ok((parabola[0].abs() + 1.0 / l).max(c.task.signal()) * (1.0 + parabola[0] * l))
    })
    .wrong("1/(N+1) for 1/N", |c| {
        let s = best_scalar_step(&c.longer()?.law()?)?;
        Ok(vec![s.eta, s.loss])
    })
    .wrong("noise forgotten", |c| {
        let s = best_scalar_step(&c.noiseless()?.law()?)?;
        Ok(vec![s.eta, s.loss])
    })
    .broken("half the context", |c| parabola(&c.task.with_context(c.task.context().div_ceil(2) + 1)?));
    let proportional_limit = Asymptotic::new(
        "proportional limit",
        "loss of the optimal step at d = 8 to 48, N/d and the noise ratio fixed",
        |_, _| {
            vec![
                Case::new("isotropic", isotropic(1, 1.0, 1.0, 0.0, 1)).with("gamma", 2.0).with("rho", 0.5),
                Case::new("isotropic", isotropic(1, 1.0, 1.0, 0.0, 1)).with("gamma", 0.5).with("rho", 0.0),
            ]
        },
        |c| Ok(limit(c, 1.0)),
        |c, size, seed, count| {
            let task = proportional(c, size)?;
            let eta = best_scalar_step(&c.retask(task.clone()).law()?)?.eta;
            simulate(&task, eta, seed, count)
        },
        &[8.0, 12.0, 20.0, 32.0, 48.0],
        &[1.0, 2.0],
        (800, 40_000),
    )
    .wrong("1 forgotten beside the noise", |c| Ok(limit(c, 0.9)))
    .wrong("no penalty for the dimension", |c| {
        Ok((1.0 + c.get("rho")) / (c.get("gamma") + c.get("rho") + 0.5))
    })
    .broken("step of a longer context", |c, size, seed, count| {
        let task = proportional(c, size)?;
        let longer = task.with_context(2 * task.context())?;
        let eta = best_scalar_step(&c.retask(longer).law()?)?.eta;
        simulate(&task, eta, seed, count)
    });
    let order = Bound::new(
        "never below the minimum",
        "L* over L(eta* I), maximised over spectra, priors, noise and length",
        |_, _| vec![Case::new("diagonal", isotropic(3, 1.0, 1.0, 0.0, 1))],
        8,
        |c, x| Ok(Some(best_scalar_step(&c.retask(from_cube(x)?).law()?)?.loss)),
        |c, x| Ok(Some(minimum(&c.retask(from_cube(x)?).law()?)?)),
        256.0 * f64::EPSILON,
    )
    .tight(0.01)
    .wrong("noise forgotten in the step's loss", |c, x| {
        Ok(Some(best_scalar_step(&c.retask(from_cube(x)?).noiseless()?.law()?)?.loss))
    })
    .wrong("two percent low", |c, x| Ok(Some(0.98 * best_scalar_step(&c.retask(from_cube(x)?).law()?)?.loss)))
    .broken("minimum of half the context", |c, x| {
        let t = from_cube(x)?;
        Ok(Some(minimum(&c.retask(t.with_context(t.context().div_ceil(2))?).law()?)?))
    });
    Claim {
        id: "ICL-6",
        chapter: Chapter::Icl,
        title: "The best scalar step",
        statement: r"Among $A=\eta I$ the loss is least at

$$\eta^*=\frac{\mathrm{tr}(\Lambda^2\Psi)}{a_N\mathrm{tr}(\Lambda^3\Psi)+b_N\mathrm{tr}(\Lambda^2)},\qquad L(\eta^*I)=t-\eta^*\,\mathrm{tr}(\Lambda^2\Psi)\ge L^*.$$

For $\Lambda=\lambda I$, $\Psi=\psi I$ it is the global minimizer, and $L^*/(d\lambda\psi)\to\frac{1+\rho}{\gamma+1+\rho}$ as $d\to\infty$ with $N/d\to\gamma$, $\sigma^2/(d\lambda\psi)\to\rho$.",
        assumptions: "As for ICL-2.",
        source: "Derived; isotropic case: Mahankali, Hashimoto, Ma; Ahn et al.",
        formula: "solvable_theory::icl::best_scalar_step",
        simulator: "solvable_sim::icl::ConditionalRisk; solvable_model::icl::PredictorLoss",
        checks: vec![Box::new(vertex), Box::new(proportional_limit), Box::new(order)],
    }
}
