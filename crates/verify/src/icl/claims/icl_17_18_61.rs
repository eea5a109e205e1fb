//! ICL-17, 18, 61: the full layer, all blocks.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::{Mat, symmetric_eigenvalues};
use solvable_model::Objective;
use solvable_model::icl::{FullLayerLoss, LayerBlocks, QueryToken, RegressionTask};
use solvable_sim::icl::{PromptGradient, PromptSampler, gauss_hermite, tensor_points};
use solvable_theory::icl::{
    full_layer_loss, minimizer, minimum, mirror_criterion, mirror_eigenvalue, mirror_point, rank_minimum,
};

use super::support::{Case, dense, dense3, diagonal3, isotropic, random_matrix};
use crate::check::{Bound, Budget, Identity};
use crate::{Chapter, CheckError, Claim};

pub(super) fn query(c: &Case) -> QueryToken {
    if c.get("inside") == 1.0 { QueryToken::Inside } else { QueryToken::Masked }
}

fn flipped(q: QueryToken) -> QueryToken {
    if q == QueryToken::Inside { QueryToken::Masked } else { QueryToken::Inside }
}

/// Fixed blocks of size `size`, the same for a dimension.
fn blocks(d: usize, size: f64) -> LayerBlocks {
    let mut rng = ChaCha12Rng::seed_from_u64(d as u64);
    let r = random_matrix(&mut rng, d + 2, d + 1);
    LayerBlocks {
        p: (0..d).map(|j| size * r[(d, j)]).collect(),
        q: (0..d).map(|j| size * r[(d + 1, j)]).collect(),
        u: 0.7,
        key_query: Mat::from_fn(d, d, |i, j| 0.3 * r[(i, j)] + if i == j { 0.4 } else { 0.0 }),
    }
}

/// Mean over all prompts, by a tensor rule that is exact: loss, then gradient of half of it.
///
/// The prompt is filled through the roots of Lambda and Psi; labels are raw.
fn all_prompts(c: &Case, parameters: &[f64], rho: f64, query: QueryToken) -> Result<Vec<f64>, CheckError> {
    let (d, n) = (c.task.dimension(), c.task.context());
    let (root, task_root) = (c.task.lambda().sqrt(), c.task.psi().sqrt());
    let sigma = c.task.sigma2().sqrt();
    let rule = gauss_hermite(4)?;
    let gradient = PromptGradient::new(rho, query)?;
    let mut work = gradient.work(d);
    let mut prompt = PromptSampler::of_task(&c.task).buffer();
    let mut mean = vec![0.0; parameters.len()];
    let noise_dims = if sigma > 0.0 { n } else { 0 };
    let dims = n * d + 2 * d + noise_dims;
    let transform = |root: &Mat<f64>, g: &[f64], out: &mut [f64]| {
        for i in 0..d {
            out[i] = (0..d).map(|j| root[(i, j)] * g[j]).sum();
        }
    };
    let mut loss = 0.0;
    tensor_points(&rule, dims, |z, weight| {
        transform(&task_root, &z[n * d..n * d + d], &mut prompt.w);
        transform(&root, &z[n * d + d..n * d + 2 * d], &mut prompt.query);
        for i in 0..n {
            transform(&root, &z[i * d..(i + 1) * d], &mut prompt.x[i * d..(i + 1) * d]);
            let y: f64 = (0..d).map(|j| prompt.w[j] * prompt.x[i * d + j]).sum();
            prompt.y[i] = y + if sigma > 0.0 { sigma * z[n * d + 2 * d + i] } else { 0.0 };
        }
        prompt.target = prompt.w.iter().zip(&prompt.query).map(|(a, b)| a * b).sum();
        loss += weight * gradient.add(&prompt, parameters, weight, &mut mean, &mut work).powi(2);
    });
    Ok([vec![loss], mean].concat())
}

/// Theory's loss beside the model's gradient.
fn loss_and_gradient(c: &Case, rho: f64, query: QueryToken) -> Result<Vec<f64>, CheckError> {
    let b = blocks(c.task.dimension(), 0.5);
    let objective = FullLayerLoss::new(&c.task, rho, query)?;
    let x = objective.parameters(&b)?;
    let mut gradient = vec![0.0; x.len()];
    objective.gradient(&x, &mut gradient, &mut objective.work());
    Ok([vec![full_layer_loss(&c.task, &b, rho, query)?.loss], gradient].concat())
}

fn exact_prompts(c: &Case, rho: f64, query: QueryToken) -> Result<Vec<f64>, CheckError> {
    let objective = FullLayerLoss::new(&c.task, rho, query)?;
    let x = objective.parameters(&blocks(c.task.dimension(), 0.5))?;
    all_prompts(c, &x, rho, query)
}

fn small_cells(budget: Budget) -> Vec<Case> {
    let mut cells = Vec::new();
    for inside in [0.0, 1.0] {
        let case = |label, task: RegressionTask, rho: f64| {
            Case::new(label, task).with("rho", rho).with("inside", inside)
        };
        cells.push(case("two dimensions", dense(2, 0.3, 1), 1.0));
        cells.push(case("one dimension", isotropic(1, 1.3, 0.8, 0.2, 2), 3.0));
        cells.push(case("two dimensions, no noise", dense(2, 0.0, 1), 2.5));
        if budget == Budget::Full {
            cells.push(case("two examples", dense(2, 0.3, 2), 2.0));
            cells.push(case("three examples", isotropic(1, 0.7, 1.1, 0.4, 3), 3.0));
        }
    }
    cells
}

pub(super) fn full_loss() -> Claim {
    let exact = Identity::new(
        "all prompts",
        "loss and gradient, against exact averages over every prompt by tensor Gauss rules",
        |budget, _| small_cells(budget),
        |c| loss_and_gradient(c, c.get("rho"), query(c)),
        |c| exact_prompts(c, c.get("rho"), query(c)),
        |_| Ok(1e-11),
    )
    .wrong("query on the wrong side of the mask", |c| loss_and_gradient(c, c.get("rho"), flipped(query(c))))
    .wrong("even part forgotten", |c| {
        let mut v = loss_and_gradient(c, c.get("rho"), query(c))?;
        v[0] = full_layer_loss(&c.task, &blocks(c.task.dimension(), 0.5), c.get("rho"), query(c))?.odd_part;
        Ok(v)
    })
    .wrong("normaliser N + 1", |c| loss_and_gradient(c, c.get("rho") + 1.0, query(c)))
    .broken("query on the wrong side of the mask", |c| exact_prompts(c, c.get("rho"), flipped(query(c))));
    Claim {
        id: "ICL-17",
        chapter: Chapter::Icl,
        title: "Loss of the full layer",
        statement: r"If $(w,\varepsilon)$ and $(-w,-\varepsilon)$ have the same law,

$$L_{\rm full}(p,U,u,q)=L(A)+L_{\rm even},\qquad A=\tfrac N\rho\,(uU^\top+qp^\top),\qquad L_{\rm even}=E\big[(p^\top\hat GUx_q+u\hat v\,q^\top x_q)^2\big]\ge0,$$

a polynomial known in closed form for Gaussian $w$ and noise, query inside or masked. The gradient in $(p,q)$ vanishes at $p=q=0$: that set is invariant, which justifies the reduced model.",
        assumptions: "Gaussian covariates, task and noise.",
        source: "Derived",
        formula: "solvable_theory::icl::full_layer_loss; solvable_model::icl::FullLayerLoss",
        simulator: "solvable_sim::icl::{PromptGradient, gauss_hermite}",
        checks: vec![Box::new(exact)],
    }
}

/// The Hessian of half the loss in (U, u) at a point with u = 0, U = 0.
///
/// The gradient is a cubic polynomial there: the five-point formula is exact up to rounding, for any step.
fn second_variation(c: &Case, at: &LayerBlocks, q: QueryToken) -> Result<Vec<f64>, CheckError> {
    let d = c.task.dimension();
    let objective = FullLayerLoss::new(&c.task, c.task.context() as f64, q)?;
    let x = objective.parameters(at)?;
    let size = d * d + 1;
    let h = 0.25;
    let mut gradient = vec![0.0; x.len()];
    let mut hessian = Mat::<f64>::zeros(size, size);
    for j in 0..size {
        for (shift, weight) in [(1.0, 8.0), (-1.0, -8.0), (2.0, -1.0), (-2.0, 1.0)] {
            let mut y = x.clone();
            y[d + j] += shift * h;
            objective.gradient(&y, &mut gradient, &mut objective.work());
            for i in 0..size {
                hessian[(i, j)] += weight * gradient[d + i] / (12.0 * h);
            }
        }
    }
    Ok(symmetric_eigenvalues(solvable_linalg::symmetrize(hessian.as_ref()).as_ref())?)
}

fn smallest(c: &Case, q: QueryToken) -> Result<Vec<f64>, CheckError> {
    let point = mirror_point(&c.law()?, 0)?;
    let values = second_variation(c, &point.blocks, q)?;
    Ok(vec![*values.last().expect("a Hessian has eigenvalues")])
}

fn mirror_cells() -> Vec<Case> {
    let mut cells = Vec::new();
    for inside in [0.0, 1.0] {
        let t3 = dense3();
        for (label, task) in [
            ("dense", t3.clone()),
            ("dense", t3.with_context(3).expect("valid")),
            ("diagonal", diagonal3()),
            ("isotropic", isotropic(2, 1.0, 1.0, 0.0, 1)),
            ("isotropic", isotropic(2, 1.0, 1.0, 15.0, 10)),
            ("isotropic", isotropic(2, 1.0, 1.0, 0.0, 10)),
            ("isotropic", isotropic(4, 1.0, 1.0, 0.5, 3)),
        ] {
            cells.push(Case::new(label, task).with("inside", inside));
        }
    }
    cells
}

/// Loss and gradient at a mirror point in the model's objective; the loss is L, the gradient that of L/2.
fn stationary(c: &Case, rho: f64) -> Result<Vec<f64>, CheckError> {
    let law = c.law()?;
    let objective = FullLayerLoss::new(&c.task, rho, query(c))?;
    let mut out = Vec::new();
    for index in 0..c.task.dimension() {
        let x = objective.parameters(&mirror_point(&law, index)?.blocks)?;
        let mut gradient = vec![0.0; x.len()];
        let value = objective.value_and_gradient(&x, &mut gradient, &mut objective.work());
        out.push(2.0 * value);
        out.push(gradient.iter().map(|g| g * g).sum::<f64>().sqrt());
    }
    Ok(out)
}

fn mirror_losses(c: &Case, factor: f64) -> Result<Vec<f64>, CheckError> {
    let law = c.law()?;
    let mut out = Vec::new();
    for index in 0..c.task.dimension() {
        out.push(factor * mirror_point(&law, index)?.loss);
        out.push(0.0);
    }
    Ok(out)
}

/// A point of all blocks in dimension 2 from the cube.
fn cube_blocks(x: &[f64]) -> LayerBlocks {
    let v = |i: usize| 4.0 * (x[i] - 0.5);
    LayerBlocks {
        p: vec![v(0), v(1)],
        u: v(2),
        q: vec![v(3), v(4)],
        key_query: Mat::from_fn(2, 2, |i, j| v(5 + 2 * i + j)),
    }
}

pub(super) fn minima() -> Claim {
    let points = Identity::new(
        "mirror points",
        "losses and gradients at the points that read labels as keys",
        |_, _| mirror_cells(),
        |c| mirror_losses(c, 1.0),
        |c| stationary(c, c.task.context() as f64),
        |c| Ok(256.0 * (c.task.dimension() as f64).powi(3) * f64::EPSILON),
    )
    .scale(|c| Ok(c.task.signal() * (1.0 + c.task.lambda().largest_eigenvalue())))
    .wrong("global minimum", |c| {
        let mut v = mirror_losses(c, 1.0)?;
        v[0] = minimum(&c.law()?)?;
        Ok(v)
    })
    .wrong("one example more", |c| mirror_losses(&c.longer()?, 1.0))
    .broken("normaliser N + 1", |c| stationary(c, c.task.context() as f64 + 1.0));
    let eigenvalue = Identity::new(
        "second variation",
        "smallest eigenvalue at the mirror point, against differences of the objective's gradient",
        |_, _| mirror_cells(),
        |c| Ok(vec![mirror_eigenvalue(&c.law()?, query(c))?.min_eig]),
        |c| smallest(c, query(c)),
        |_| Ok(1e-11),
    )
    .scale(|c| Ok(1.0 + c.task.signal() + c.task.sigma2()))
    .wrong("query on the wrong side of the mask", |c| {
        Ok(vec![mirror_eigenvalue(&c.law()?, flipped(query(c)))?.min_eig])
    })
    .wrong("noise forgotten", |c| Ok(vec![mirror_eigenvalue(&c.noiseless()?.law()?, query(c))?.min_eig]))
    .broken("query on the wrong side of the mask", |c| smallest(c, flipped(query(c))));
    let sign = Identity::new(
        "criterion",
        "whether the mirror point is a strict local minimum: closed criterion, and eigenvalue of the objective",
        |_, _| mirror_cells(),
        |c| Ok(vec![mirror_criterion(&c.law()?, query(c))?.criterion.signum()]),
        |c| Ok(vec![smallest(c, query(c))?[0].signum()]),
        |_| Ok(f64::EPSILON),
    )
    .wrong("query on the wrong side of the mask", |c| {
        Ok(vec![mirror_criterion(&c.law()?, flipped(query(c)))?.criterion.signum()])
    })
    .wrong("always a minimum", |_| Ok(vec![1.0]))
    .wrong("never a minimum", |_| Ok(vec![-1.0]))
    .broken("noise forgotten", |c| Ok(vec![smallest(&c.noiseless()?, query(c))?[0].signum()]));
    let global = Bound::new(
        "global minimum",
        "L* over the loss of any layer, maximised over all blocks (d = 2)",
        |_, _| vec![Case::new("dense", dense(2, 0.3, 6)).with("inside", 1.0)],
        9,
        |c, x| Ok(Some(full_layer_loss(&c.task, &cube_blocks(x), 6.0, query(c))?.loss)),
        |c, _| Ok(Some(minimum(&c.law()?)?)),
        1e-12,
    )
    .tight(0.001)
    .attained(|c| {
        // u U' = A* at rho = N, p = q = 0.
        let best = minimizer(&c.law()?)?;
        let mut x = vec![0.5; 9];
        x[2] = 0.75;
        for (k, v) in [best[(0, 0)], best[(1, 0)], best[(0, 1)], best[(1, 1)]].into_iter().enumerate() {
            x[5 + k] = 0.5 + v / 4.0;
        }
        Ok(x)
    })
    .search(8, 20_000, 200_000)
    .wrong("two percent low", |c, x| {
        Ok(Some(0.98 * full_layer_loss(&c.task, &cube_blocks(x), 6.0, query(c))?.loss))
    })
    .wrong("loss of a longer context", |c, x| {
        let longer = c.task.with_context(12)?;
        Ok(Some(full_layer_loss(&longer, &cube_blocks(x), 12.0, query(c))?.loss))
    })
    .broken("rank-one minimum", |c, _| Ok(Some(rank_minimum(&c.law()?, 1)?)));
    Claim {
        id: "ICL-18",
        chapter: Chapter::Icl,
        title: "Minima of the full layer, global and spurious",
        statement: r"(a) $\min L_{\rm full}=L^*$; if $\mathrm{rank}\,A^*\ge2$ it is attained only at $p=q=0$, $uU^\top=\frac\rho NA^*$. (b) The point $u=0,U=0$, $qp^\top=\frac\rho NA_1$ is stationary with loss $L_1^*>L^*$: it reads labels in the key slot and inputs in the value slot. It is a strict local minimum up to gauge iff a quadratic form in $(\delta U,\delta u)$ is positive definite; for $\Lambda=\Psi=I$, query masked, iff

$$N\Big\{\big(1+\tfrac2N\big)\big[(d+\sigma^2)^2+2d\big]-\frac{(d+\sigma^2+2/N)^2}{1+2/N}\Big\}>(d-1)(N+1+d+\sigma^2)^2 .$$",
        assumptions: "As for ICL-17, $\\Lambda\\succ0$.",
        source: "Derived",
        formula: "solvable_theory::icl::{mirror_point, mirror_eigenvalue, mirror_criterion}",
        simulator: "solvable_model::icl::FullLayerLoss, differentiated",
        checks: vec![Box::new(points), Box::new(eigenvalue), Box::new(sign), Box::new(global)],
    }
}

/// The 3 x 3 matrix of the isotropic case; rows: the transversal multiple of U, the longitudinal one, u.
fn three_by_three(c: &Case, theta: f64, fourth: f64) -> Result<f64, CheckError> {
    let (d, n) = (c.task.dimension() as f64, c.task.context() as f64);
    let tau = d + c.task.sigma2();
    let beta = n / (n + 1.0 + tau);
    let e2 = (1.0 + 2.0 / n) * (tau * tau + 2.0 * d);
    let m = Mat::from_fn(3, 3, |i, j| match (i.min(j), i.max(j)) {
        (0, 0) => (d - 1.0) / n + theta * (d - 1.0) * (d + 1.0) / (n * n),
        (0, 1) => theta * (d - 1.0) / n + theta * 3.0 * (d - 1.0) / (n * n),
        (0, _) => -(d - 1.0) * (1.0 - theta * tau * beta / n),
        (1, 1) => 1.0 + 2.0 / n + 6.0 * theta / n + fourth * theta / (n * n),
        (1, _) => beta * (tau + 2.0 / n) + 3.0 * theta * tau * beta / n,
        _ => e2 * beta * beta,
    });
    Ok(*symmetric_eigenvalues(m.as_ref())?.last().expect("three eigenvalues"))
}

fn isotropic_grid(budget: Budget) -> Vec<Case> {
    let longest = if budget == Budget::Quick { 8 } else { 40 };
    let mut cells = Vec::new();
    for inside in [0.0, 1.0] {
        for d in [2, 3, 4, 5, 8] {
            for n in 1..=longest {
                cells.push(Case::new("isotropic", isotropic(d, 1.0, 1.0, 0.0, n)).with("inside", inside));
            }
        }
    }
    cells
}

pub(super) fn criterion() -> Claim {
    let check = Identity::new(
        "isotropic criterion",
        "sign of the general criterion, and of the smallest eigenvalue of the 3 x 3 matrix, on a grid",
        |budget, _| isotropic_grid(budget),
        |c| Ok(vec![mirror_criterion(&c.law()?, query(c))?.criterion.signum()]),
        |c| Ok(vec![three_by_three(c, c.get("inside"), 15.0)?.signum()]),
        |_| Ok(f64::EPSILON),
    )
    .wrong("query on the wrong side of the mask", |c| {
        Ok(vec![mirror_criterion(&c.law()?, flipped(query(c)))?.criterion.signum()])
    })
    .wrong("one example more", |c| {
        Ok(vec![mirror_criterion(&c.longer()?.law()?, query(c))?.criterion.signum()])
    })
    .broken("query always masked", |c| Ok(vec![three_by_three(c, 0.0, 15.0)?.signum()]));
    let table = Identity::new(
        "longest context",
        "largest N at which the mirror point is a strict local minimum, sigma = 0, N up to 30",
        |_, _| {
            [2, 3, 4, 5, 8]
                .iter()
                .flat_map(|&d| {
                    [0.0, 1.0].map(|inside| {
                        Case::new("isotropic", isotropic(d, 1.0, 1.0, 0.0, 1)).with("inside", inside)
                    })
                })
                .collect()
        },
        |c| longest_context(c, query(c)),
        |c| {
            let d = c.task.dimension();
            let inside = c.get("inside") == 1.0;
            Ok(vec![match (d, inside) {
                (2, true) => 4.0,
                (3, true) => 3.0,
                (_, true) => 2.0,
                (2, false) => 1.0,
                _ => 0.0,
            }])
        },
        |_| Ok(f64::EPSILON),
    )
    .wrong("query on the wrong side of the mask", |c| longest_context(c, flipped(query(c))))
    .wrong("one more", |c| Ok(vec![longest_context(c, query(c))?[0] + 1.0]))
    .broken("masked values for all", |c| Ok(vec![if c.task.dimension() == 2 { 1.0 } else { 0.0 }]));
    Claim {
        id: "ICL-61",
        chapter: Chapter::Icl,
        title: "When the mirror point is a local minimum, both query conventions",
        statement: r"For $\Lambda=\Psi=I$, with $\tau=d+\sigma^2$, $\beta=\frac N{N+1+\tau}$, $\theta=1$ for a query inside and $0$ for a masked one, the point that reads labels as keys is a strict local minimum modulo symmetries iff a symmetric $3\times3$ matrix is positive definite, with entries

$$\mathsf M_{11}=\tfrac{d-1}{N}+\theta\tfrac{(d-1)(d+1)}{N^2},\quad \mathsf M_{22}=1+\tfrac2N+\tfrac{6\theta}N+\tfrac{15\theta}{N^2},\quad \mathsf M_{33}=(1+\tfrac2N)(\tau^2+2d)\beta^2,$$

$$\mathsf M_{12}=\theta\tfrac{d-1}N+\theta\tfrac{3(d-1)}{N^2},\quad \mathsf M_{13}=-(d-1)(1-\tfrac{\theta\tau\beta}N),\quad \mathsf M_{23}=\beta(\tau+\tfrac2N)+\tfrac{3\theta\tau\beta}N .$$

With $\sigma=0$ and the query inside this holds exactly for $N\le4$ ($d=2$), $N\le3$ ($d=3$), $N\le2$ ($d=4,5,8$); masked, only for $(d,N)=(2,1)$ among these.",
        assumptions: "As for ICL-17.",
        source: "Derived",
        formula: "solvable_theory::icl::mirror_criterion",
        simulator: "eigenvalues of the 3 x 3 matrix; the published table of signs",
        checks: vec![Box::new(check), Box::new(table)],
    }
}

fn longest_context(c: &Case, q: QueryToken) -> Result<Vec<f64>, CheckError> {
    let mut longest = 0;
    for n in 1..=30 {
        if mirror_criterion(&c.law()?.with(0.0, n)?, q)?.local_min {
            longest = n;
        }
    }
    Ok(vec![longest as f64])
}
