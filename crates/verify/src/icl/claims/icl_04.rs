//! ICL-4: the papers' conventions.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use solvable_linalg::{Mat, inverse, trace};
use solvable_model::icl::RegressionTask;
use solvable_theory::icl::{
    effective_matrix, factor_product, masked_query_block, minimizer, posterior_mean_step, unnormalised_step,
};

use super::support::{Case, entries, random_covariance, scaled, task};
use crate::check::{Budget, Identity};
use crate::{Chapter, CheckError, Claim};

fn cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Case> {
    let count = if budget == Budget::Quick { 12 } else { 100 };
    (0..count)
        .map(|index| {
            let d = rng.random_range(1..=6);
            let sigma = random_covariance(rng, d, 2 * d + 2);
            let tau2 = 0.2 + rng.random::<f64>();
            let (sigma2, n) = (rng.random::<f64>(), rng.random_range(1..=30));
            let unit = solvable_model::Covariance::isotropic("Psi", d, 1.0).expect("valid");
            Case::new("random", task(sigma, unit, 0.0, n))
                .with("instance", f64::from(index))
                .with("tau2", tau2)
                .with("noise", sigma2)
        })
        .collect()
}

/// Condition of the covariance: what an inverse costs.
fn bound(c: &Case) -> Result<f64, CheckError> {
    let l = c.task.lambda();
    let d = c.task.dimension() as f64;
    let condition = l.largest_eigenvalue() / l.smallest_eigenvalue();
    Ok(64.0 * d * d * f64::EPSILON * condition)
}

/// `Gamma = (1 + 1/N) Lambda + tr(Lambda)/N I`, inverted by Gaussian elimination.
fn inverse_gamma(c: &Case, shift: f64) -> Result<Mat<f64>, CheckError> {
    let (l, n) = (c.task.lambda().matrix(), c.task.context() as f64);
    let t = trace(l) / n;
    let gamma = Mat::from_fn(l.nrows(), l.nrows(), |i, j| {
        (1.0 + shift / n) * l[(i, j)] + t * f64::from(u8::from(i == j))
    });
    Ok(inverse(gamma.as_ref())?.matrix)
}

/// The task of Mahankali, Hashimoto and Ma with prior `tau2 Sigma^-1`.
fn inverse_prior(c: &Case) -> Result<RegressionTask, CheckError> {
    let l = c.task.lambda();
    let inverse = scaled(inverse(l.matrix())?.matrix.as_ref(), c.get("tau2"));
    let symmetric = solvable_linalg::symmetrize(inverse.as_ref());
    let psi = solvable_model::Covariance::dense("Psi", symmetric.as_ref())?;
    Ok(task(l.clone(), psi, c.get("noise"), c.task.context()))
}

fn steps(c: &Case, d_shift: usize, factor: f64) -> Result<Vec<f64>, CheckError> {
    let (d, n) = (c.task.dimension(), c.task.context());
    let ratio = c.get("noise") / c.get("tau2");
    let eta = unnormalised_step(d + d_shift, n, c.get("tau2"), factor * c.get("noise"))?;
    let ridge = posterior_mean_step(d + d_shift, n, c.get("tau2"), factor * c.get("noise"))?;
    debug_assert!(ratio >= 0.0);
    Ok(vec![eta, ridge])
}

/// `n eta` is the multiple of Sigma^-1 in the general minimizer, and that of I in the isotropic one.
fn steps_of_minimizer(c: &Case, noise: bool) -> Result<Vec<f64>, CheckError> {
    let (d, n) = (c.task.dimension(), c.task.context());
    let noise = if noise { c.get("noise") } else { 0.0 };
    let sloped = inverse_prior(c)?;
    let sloped = RegressionTask::new(sloped.lambda().clone(), sloped.psi().clone(), noise, n)?;
    let a = minimizer(&c.retask(sloped).law()?)?;
    // <A, Sigma>/d = n eta.
    let product = solvable_linalg::trace_product(a.as_ref(), c.task.lambda().matrix());
    let flat = RegressionTask::isotropic(d, 1.0, c.get("tau2"), noise, n)?;
    let b = minimizer(&c.retask(flat).law()?)?;
    Ok(vec![product / (d * n) as f64, b[(0, 0)] / n as f64])
}

pub(super) fn claim() -> Claim {
    let published = Identity::new(
        "trained preconditioners",
        "minimizer against Gamma^-1 of Zhang et al. and the block of Ahn et al.",
        cells,
        |c| {
            let a = minimizer(&c.law()?)?;
            let block = masked_query_block(c.task.lambda(), c.task.context())?;
            Ok([entries(a.as_ref()), entries(scaled(block.as_ref(), -1.0).as_ref())].concat())
        },
        |c| {
            let g = entries(inverse_gamma(c, 1.0)?.as_ref());
            Ok([g.clone(), g].concat())
        },
        bound,
    )
    .wrong("1/(N+1) for 1/N", |c| {
        let a = minimizer(&c.longer()?.law()?)?;
        let block = masked_query_block(c.task.lambda(), c.task.context() + 1)?;
        Ok([entries(a.as_ref()), entries(scaled(block.as_ref(), -1.0).as_ref())].concat())
    })
    .wrong("sign of the block forgotten", |c| {
        let a = minimizer(&c.law()?)?;
        let block = masked_query_block(c.task.lambda(), c.task.context())?;
        Ok([entries(a.as_ref()), entries(block.as_ref())].concat())
    })
    .broken("Gamma without 1/N beside Lambda", |c| {
        let g = entries(inverse_gamma(c, 0.0)?.as_ref());
        Ok([g.clone(), g].concat())
    });
    let step = Identity::new(
        "unnormalised step",
        "eta of Mahankali et al., two routes, against the general minimizer, flat and sloped",
        cells,
        |c| steps(c, 0, 1.0),
        |c| steps_of_minimizer(c, true),
        bound,
    )
    .wrong("n + d for n + d + 1", |c| {
        let shifted = c.task.dimension() - 1;
        if shifted == 0 {
            return steps(c, 1, 1.0);
        }
        let eta = unnormalised_step(shifted, c.task.context(), c.get("tau2"), c.get("noise"))?;
        Ok(vec![eta, eta])
    })
    .wrong("noise doubled", |c| steps(c, 0, 2.0))
    .broken("noise forgotten", |c| steps_of_minimizer(c, false));
    let normaliser = Identity::new(
        "normaliser",
        "effective matrix of the optimal factors under rho = N + 1",
        cells,
        |c| {
            let rho = c.task.context() as f64 + 1.0;
            let product = factor_product(&c.law()?, rho)?;
            let u = 0.7;
            // u U' = product.
            let key = Mat::from_fn(product.nrows(), product.nrows(), |i, j| product[(j, i)] / u);
            Ok(entries(effective_matrix(u, key.as_ref(), c.task.context(), rho)?.as_ref()))
        },
        |c| Ok(entries(inverse_gamma(c, 1.0)?.as_ref())),
        bound,
    )
    .wrong("rho = N", |c| {
        let rho = c.task.context() as f64 + 1.0;
        let product = factor_product(&c.law()?, c.task.context() as f64)?;
        let key = scaled(product.as_ref(), 1.0);
        Ok(entries(effective_matrix(1.0, key.as_ref(), c.task.context(), rho)?.as_ref()))
    })
    .wrong("factor inverted", |c| {
        let n = c.task.context() as f64;
        let a = scaled(minimizer(&c.law()?)?.as_ref(), (n / (n + 1.0)).powi(2));
        Ok(entries(a.as_ref()))
    })
    .broken("Gamma without 1/N beside Lambda", |c| Ok(entries(inverse_gamma(c, 0.0)?.as_ref())));
    Claim {
        id: "ICL-4",
        chapter: Chapter::Icl,
        title: "The conventions of the papers",
        statement: r"Zhang et al. ($\Psi=I$, $\sigma=0$, $\rho=N$, query inside): $uU=\Gamma^{-1}$, $\Gamma=(1+\frac1N)\Lambda+\frac1N\mathrm{tr}(\Lambda)I$. Ahn et al. (query masked, prediction minus the read-out): $Q_{11}=-\Gamma^{-1}$. Mahankali et al. (no $1/n$; $\Lambda=I,\Psi=\tau^2I$, or $\Lambda=\Sigma,\Psi=\tau^2\Sigma^{-1}$): $A=n\eta I$, or $n\eta\Sigma^{-1}$, with

$$\eta=\frac1{n+d+1+\sigma^2/\tau^2}.$$

Under the normaliser $\rho$ the factors satisfy $uU^\top=\frac\rho NA^*$.",
        assumptions: "As for ICL-2.",
        source: "Zhang, Frei, Bartlett; Ahn et al.; Mahankali, Hashimoto, Ma",
        formula: "solvable_theory::icl::{masked_query_block, unnormalised_step, posterior_mean_step, factor_product, effective_matrix}",
        simulator: "Gaussian elimination; solvable_theory::icl::minimizer on the other paper's law",
        checks: vec![Box::new(published), Box::new(step), Box::new(normaliser)],
    }
}
