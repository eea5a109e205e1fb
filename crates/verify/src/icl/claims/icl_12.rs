//! ICL-12: jointly diagonal random covariances and the irreducible error.
use solvable_linalg::{Mat, matmul, qr};
use solvable_model::icl::{PromptMixture, RegressionTask};
use solvable_sim::icl::gauss_laguerre;
use solvable_theory::icl::{exponential_spectra, mixture_floor, mixture_minimum};

use super::support::{Case, diagonal, entries, isotropic, random_matrix, task, transposed};
use crate::check::Identity;
use crate::{Chapter, CheckError, Claim};

/// The product rule with 3 nodes a coordinate: exact for the moments up to degree 5 that enter.
fn product_mixture(d: usize, n: usize) -> Result<PromptMixture, CheckError> {
    let rule = gauss_laguerre(3)?;
    let mut weights = Vec::new();
    let mut components = Vec::new();
    for k in 0..3_usize.pow(d as u32) {
        let digits: Vec<usize> = (0..d).map(|i| k / 3_usize.pow(i as u32) % 3).collect();
        weights.push(digits.iter().map(|&i| rule[i].1).product::<f64>());
        let l: Vec<f64> = digits.iter().map(|&i| rule[i].0).collect();
        components.push(task(diagonal(&l), diagonal(&vec![1.0; d]), 0.0, n));
    }
    let total: f64 = weights.iter().sum();
    Ok(PromptMixture::new(&weights.iter().map(|w| w / total).collect::<Vec<_>>(), components)?)
}

/// `a` and `L*` by Gauss-Laguerre moments: `a = E l^2 / E[l s]`, `L* = E tr - a E tr Lambda^2`, by direct sums.
fn direct_sums(c: &Case, extra: f64) -> Result<Vec<f64>, CheckError> {
    let (d, n) = (c.task.dimension(), c.task.context() as f64);
    let rule = gauss_laguerre(3)?;
    let (mut slope, mut curvature) = (0.0, 0.0);
    for k in 0..3_usize.pow(d as u32) {
        let digits: Vec<usize> = (0..d).map(|i| k / 3_usize.pow(i as u32) % 3).collect();
        let w: f64 = digits.iter().map(|&i| rule[i].1).product();
        let l: Vec<f64> = digits.iter().map(|&i| rule[i].0).collect();
        let trace: f64 = l.iter().sum();
        slope += w * l.iter().map(|l| l * l).sum::<f64>();
        curvature += w * l.iter().map(|l| l * l * (l + (extra * l + trace) / n)).sum::<f64>();
    }
    let a = slope / curvature;
    Ok(vec![a, d as f64 - a * slope])
}

fn formula(c: &Case, d_shift: usize) -> Result<Vec<f64>, CheckError> {
    let e = exponential_spectra(c.task.dimension() + d_shift, c.task.context())?;
    Ok(vec![e.a, e.l_star])
}

/// Two diagonal laws, and the same laws in rotated coordinates, where nothing is diagonal.
fn rotated(c: &Case) -> Result<Vec<f64>, CheckError> {
    use rand_chacha::rand_core::SeedableRng;
    let d = 3;
    let mut rng = rand_chacha::ChaCha12Rng::seed_from_u64(c.task.context() as u64);
    let q = qr(random_matrix(&mut rng, d, d).as_ref())?.q;
    let turn = |m: solvable_linalg::MatRef<'_, f64>| {
        let r = matmul(matmul(q.as_ref(), m).as_ref(), q.transpose());
        solvable_linalg::symmetrize(r.as_ref())
    };
    let laws = two_diagonal(c.task.context());
    let turned = laws
        .iter()
        .map(|t| {
            let lambda = solvable_model::Covariance::dense("Lambda", turn(t.lambda().matrix()).as_ref())?;
            let psi = solvable_model::Covariance::dense("Psi", turn(t.psi().matrix()).as_ref())?;
            Ok(RegressionTask::new(lambda, psi, t.sigma2(), t.context())?)
        })
        .collect::<Result<Vec<_>, CheckError>>()?;
    let a = mixture_minimum(&PromptMixture::new(&[0.3, 0.7], turned)?)?.a_star;
    let back = matmul(matmul(q.transpose(), a.as_ref()).as_ref(), q.as_ref());
    Ok(entries(back.as_ref()))
}

fn two_diagonal(n: usize) -> Vec<RegressionTask> {
    vec![
        task(diagonal(&[2.0, 1.0, 0.5]), diagonal(&[1.0, 0.3, 2.0]), 0.2, n),
        task(diagonal(&[0.4, 1.5, 1.0]), diagonal(&[0.5, 1.0, 1.0]), 0.0, 2 * n),
    ]
}

/// `a_i = E[l_i^2 psi_i] / E[l_i s_i]`, as written.
fn ratio_of_means(c: &Case, weights: [f64; 2], own_lengths: bool) -> Vec<f64> {
    let laws = two_diagonal(c.task.context());
    let mut out = Mat::<f64>::zeros(3, 3);
    for i in 0..3 {
        let (mut top, mut bottom) = (0.0, 0.0);
        for (w, t) in weights.iter().zip(&laws) {
            let (l, p) = (t.lambda().matrix()[(i, i)], t.psi().matrix()[(i, i)]);
            let n = if own_lengths { t.context() } else { c.task.context() } as f64;
            let s = (1.0 + 1.0 / n) * l * l * p + (t.signal() + t.sigma2()) / n * l;
            top += w * l * l * p;
            bottom += w * l * s;
        }
        out[(i, i)] = top / bottom;
    }
    entries(transposed(out.as_ref()).as_ref())
}

pub(super) fn claim() -> Claim {
    let exponential = Identity::new(
        "Exp(1) spectra",
        "minimizer and minimum against exact Gauss-Laguerre sums",
        |_, _| {
            vec![
                Case::new("exponential", isotropic(1, 1.0, 1.0, 0.0, 3)),
                Case::new("exponential", isotropic(3, 1.0, 1.0, 0.0, 7)),
                Case::new("exponential", isotropic(5, 1.0, 1.0, 0.0, 1_000_000)),
            ]
        },
        |c| formula(c, 0),
        |c| direct_sums(c, 1.0),
        |c| Ok(64.0 * (c.task.dimension() * 3_usize.pow(c.task.dimension() as u32)) as f64 * f64::EPSILON),
    )
    .wrong("one dimension more", |c| formula(c, 1))
    .wrong("1/(N+1) for 1/N", |c| formula(&c.longer()?, 0))
    .broken("no fourth moment", |c| direct_sums(c, 0.0));
    let mixture = Identity::new(
        "finite mixture",
        "minimum over product mixtures, general solver against the closed form",
        |_, _| {
            vec![
                Case::new("exponential", isotropic(2, 1.0, 1.0, 0.0, 4)),
                Case::new("exponential", isotropic(4, 1.0, 1.0, 0.0, 50)),
            ]
        },
        |c| Ok(vec![formula(c, 0)?[1], c.task.dimension() as f64 / 3.0]),
        |c| {
            let m = product_mixture(c.task.dimension(), c.task.context())?;
            Ok(vec![mixture_minimum(&m)?.l_star, mixture_floor(&m)?])
        },
        |_| Ok(1e-13),
    )
    .wrong("one dimension more", |c| Ok(vec![formula(c, 1)?[1], c.task.dimension() as f64 / 3.0]))
    .wrong("floor d/4", |c| Ok(vec![formula(c, 0)?[1], c.task.dimension() as f64 / 4.0]))
    .broken("context one longer", |c| {
        let m = product_mixture(c.task.dimension(), c.task.context() + 1)?;
        Ok(vec![mixture_minimum(&m)?.l_star, mixture_floor(&m)?])
    });
    let jointly = Identity::new(
        "jointly diagonal",
        "a_i as a ratio of means, against the general solver in rotated coordinates",
        |_, _| {
            vec![
                Case::new("two laws", isotropic(3, 1.0, 1.0, 0.0, 5)),
                Case::new("two laws", isotropic(3, 1.0, 1.0, 0.0, 40)),
            ]
        },
        |c| Ok(ratio_of_means(c, [0.3, 0.7], true)),
        rotated,
        |_| Ok(1e-12),
    )
    .wrong("weights swapped", |c| Ok(ratio_of_means(c, [0.7, 0.3], true)))
    .wrong("one length for all", |c| Ok(ratio_of_means(c, [0.3, 0.7], false)))
    .broken("not rotated back", |c| {
        let mut a = rotated(c)?;
        a.swap(0, 4);
        Ok(a)
    });
    Claim {
        id: "ICL-12",
        chapter: Chapter::Icl,
        title: "Random covariances leave an irreducible error",
        statement: r"If all $\Lambda_k,\Psi_k$ are diagonal, $A^*=\mathrm{diag}(a_i)$ with $a_i=E[\lambda_i^2\psi_i]/E[\lambda_is_i]$, $s_i=a_N\lambda_i^2\psi_i+b_N\lambda_i$. For i.i.d. $\lambda_i\sim\mathrm{Exp}(1)$, $\Psi=I$, $\sigma=0$,

$$a_i=\frac{2}{6+(2d+10)/N}\to\frac13,\qquad L^*\to\frac d3\quad\text{against }L(0)=d$$

as the prompts grow: the error does not vanish.",
        assumptions: "As for ICL-2, for each component.",
        source: "Zhang, Frei, Bartlett, Theorem 4.5; derived",
        formula: "solvable_theory::icl::{exponential_spectra, mixture_minimum, mixture_floor}",
        simulator: "Gauss-Laguerre sums, exact for these polynomials; the general solver",
        checks: vec![Box::new(exponential), Box::new(mixture), Box::new(jointly)],
    }
}
