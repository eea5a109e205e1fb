//! ICL-30 to 38: attention layers that are gradient steps.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use solvable_linalg::{Mat, matmul, max_abs, pseudo_inverse, symmetric_eigen};
use solvable_model::icl::{
    AttentionLayer, AttentionStack, Kernel, Prompt, QueryToken, VectorPrompt, descent_by_attention,
    kernel_descent,
};
use solvable_sim::icl::{gauss_hermite, tensor_points};
use solvable_theory::icl::{FiniteSize, Schedule, best_correction, corrected_condition, finite_risk};

use super::support::{entries, random_covariance, random_matrix};
use crate::check::{Bound, Budget, Identity};
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// A random problem for the constructions.
struct Construction {
    index: usize,
    x: Mat<f64>,
    y: Mat<f64>,
    query: Vec<f64>,
    w0: Mat<f64>,
    steps: Vec<f64>,
    gammas: Vec<f64>,
    layers: Vec<(Mat<f64>, Mat<f64>)>,
}

impl Cell for Construction {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("instance", self.index)
            .with("d", self.x.ncols())
            .with("N", self.x.nrows())
            .with("outputs", self.y.ncols())
            .with("layers", self.steps.len())
    }
}

fn cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Construction> {
    let count = if budget == Budget::Quick { 16 } else { 200 };
    (0..count)
        .map(|index| {
            let d = rng.random_range(1..=5);
            let n = rng.random_range(1..=9);
            let m = if index % 2 == 0 { 1 } else { rng.random_range(2..=3) };
            let k = rng.random_range(2..=4);
            // Steps below 1/|S|, so that four layers do not blow up rounding.
            let x = random_matrix(rng, n, d);
            let size = 1.0 + solvable_linalg::frobenius_norm(x.as_ref()).powi(2) / n as f64;
            let small = |rng: &mut ChaCha12Rng| (0.2 + 0.8 * rng.random::<f64>()) / size;
            let scaled = |rng: &mut ChaCha12Rng| {
                let r = random_matrix(rng, d, d);
                Mat::from_fn(d, d, |i, j| 0.5 / size * r[(i, j)])
            };
            Construction {
                index,
                y: random_matrix(rng, n, m),
                query: (0..d).map(|_| 2.0 * rng.random::<f64>() - 1.0).collect(),
                w0: random_matrix(rng, m, d),
                steps: (0..k).map(|_| small(rng)).collect(),
                gammas: (0..k).map(|_| 0.5 * small(rng)).collect(),
                layers: (0..k).map(|_| (scaled(rng), scaled(rng))).collect(),
                x,
            }
        })
        .collect()
}

impl Construction {
    fn vector_prompt(&self) -> Result<VectorPrompt, CheckError> {
        Ok(VectorPrompt::new(self.x.clone(), self.y.clone(), self.query.clone())?)
    }

    /// The first output as a scalar prompt.
    fn prompt(&self) -> Result<Prompt, CheckError> {
        let y = (0..self.y.nrows()).map(|i| self.y[(i, 0)]).collect();
        Ok(Prompt::new(self.x.clone(), y, self.query.clone())?)
    }

    /// Gradient descent from `w0` on `(1/2N) sum |W x_i - y_i|^2`, written out; returns W x_q and `y - (W - W_0) x`.
    fn descent(&self, steps: &[f64], w0: &Mat<f64>, examples: f64) -> Vec<f64> {
        let (n, d, m) = (self.x.nrows(), self.x.ncols(), self.y.ncols());
        let mut w = w0.clone();
        for eta in steps {
            let mut gradient = Mat::<f64>::zeros(m, d);
            for i in 0..n {
                for o in 0..m {
                    let r: f64 = (0..d).map(|j| w[(o, j)] * self.x[(i, j)]).sum::<f64>() - self.y[(i, o)];
                    for j in 0..d {
                        gradient[(o, j)] += r * self.x[(i, j)] / examples;
                    }
                }
            }
            w = Mat::from_fn(m, d, |o, j| w[(o, j)] - eta * gradient[(o, j)]);
        }
        let mut out: Vec<f64> = (0..m).map(|o| (0..d).map(|j| w[(o, j)] * self.query[j]).sum()).collect();
        for i in 0..n {
            for o in 0..m {
                let change: f64 = (0..d).map(|j| (w[(o, j)] - w0[(o, j)]) * self.x[(i, j)]).sum();
                out.push(self.y[(i, o)] - change);
            }
        }
        out
    }

    fn attention(&self, steps: &[f64], w0: &Mat<f64>, query: QueryToken) -> Result<Vec<f64>, CheckError> {
        let t = descent_by_attention(&self.vector_prompt()?, w0.as_ref(), steps, query)?;
        Ok([t.prediction, entries(t.context.as_ref())].concat())
    }
}

/// Products of at most 4 layers of sums over N and d, each of moderate size.
fn rounding(c: &Construction) -> Result<f64, CheckError> {
    Ok(256.0 * (c.x.nrows() + c.x.ncols()) as f64 * c.steps.len() as f64 * f64::EPSILON)
}

fn scale(c: &Construction) -> Result<f64, CheckError> {
    Ok(1.0 + max_abs(c.y.as_ref()) + max_abs(c.w0.as_ref()) * max_abs(c.x.as_ref()))
}

pub(super) fn one_layer() -> Claim {
    let check = Identity::new(
        "one layer",
        "prediction and context slots of one layer, and one explicit gradient step",
        cells,
        |c| Ok(c.descent(&c.steps[..1], &c.w0, c.x.nrows() as f64)),
        |c| c.attention(&c.steps[..1], &c.w0, QueryToken::Masked),
        rounding,
    )
    .scale(scale)
    .wrong("loss divided by N + 1", |c| Ok(c.descent(&c.steps[..1], &c.w0, c.x.nrows() as f64 + 1.0)))
    .wrong("step twice as long", |c| Ok(c.descent(&[2.0 * c.steps[0]], &c.w0, c.x.nrows() as f64)))
    .broken("query among the keys", |c| c.attention(&c.steps[..1], &c.w0, QueryToken::Inside))
    .broken("initial weights forgotten", |c| {
        let zero = Mat::<f64>::zeros(c.w0.nrows(), c.w0.ncols());
        c.attention(&c.steps[..1], &zero, QueryToken::Masked)
    });
    Claim {
        id: "ICL-30",
        chapter: Chapter::Icl,
        title: "One layer is one gradient step",
        statement: r"With $W_K=W_Q=\mathrm{diag}(I_d,0)$, $W_V=\begin{pmatrix}0&0\\W_0&-I_m\end{pmatrix}$, $P=\frac\eta NI$ the layer $e_j\leftarrow e_j+P\sum_i(W_Ve_i)(W_Ke_i)^\top(W_Qe_j)$ leaves $x_j$ unchanged and gives

$$y_j\leftarrow y_j-\Delta W\,x_j,\qquad \Delta W=-\tfrac\eta N\sum_{i\le N}(W_0x_i-y_i)x_i^\top,$$

one step on $\frac1{2N}\sum_i\|Wx_i-y_i\|^2$; a query slot $-W_0x_q$ becomes $-(W_0+\Delta W)x_q$.",
        assumptions: "None: any data, any output dimension, any initial weights.",
        source: "von Oswald et al. (ICML 2023), Proposition 1",
        formula: "explicit gradient step (solvable_verify::icl::claims::icl_30_to_38)",
        simulator: "solvable_model::icl::descent_by_attention",
        checks: vec![Box::new(check)],
    }
}

fn stack_prediction(c: &Construction, query: QueryToken) -> Result<Vec<f64>, CheckError> {
    let stack = AttentionStack::descent(c.x.ncols(), &c.steps, query)?;
    Ok(vec![stack.predict(&c.prompt()?)?])
}

/// Explicit descent from zero on the first output, with the query as an extra example of the given label, if any.
fn scalar_descent(c: &Construction, extra: Option<f64>, examples: f64) -> f64 {
    let (n, d) = (c.x.nrows(), c.x.ncols());
    let mut w = vec![0.0; d];
    for eta in &c.steps {
        let mut g = vec![0.0; d];
        let mut example = |x: &dyn Fn(usize) -> f64, y: f64| {
            let r = (0..d).map(|j| w[j] * x(j)).sum::<f64>() - y;
            for (j, g) in g.iter_mut().enumerate() {
                *g += r * x(j) / examples;
            }
        };
        for i in 0..n {
            example(&|j| c.x[(i, j)], c.y[(i, 0)]);
        }
        if let Some(label) = extra {
            example(&|j| c.query[j], label);
        }
        w.iter_mut().zip(&g).for_each(|(w, g)| *w -= eta * g);
    }
    w.iter().zip(&c.query).map(|(w, x)| w * x).sum()
}

pub(super) fn many_layers() -> Claim {
    let check = Identity::new(
        "K layers",
        "prediction and context slots of K layers with the same initial weights, and K explicit steps",
        cells,
        |c| Ok(c.descent(&c.steps, &c.w0, c.x.nrows() as f64)),
        |c| c.attention(&c.steps, &c.w0, QueryToken::Masked),
        rounding,
    )
    .scale(scale)
    .wrong("loss divided by N + 1", |c| Ok(c.descent(&c.steps, &c.w0, c.x.nrows() as f64 + 1.0)))
    .wrong("one layer fewer", |c| Ok(c.descent(&c.steps[1..], &c.w0, c.x.nrows() as f64)))
    .broken("query among the keys", |c| c.attention(&c.steps, &c.w0, QueryToken::Inside));
    let sparse = Identity::new(
        "sparse form",
        "prediction of K layers in the form of Ahn et al., and K explicit steps from zero",
        cells,
        |c| Ok(vec![scalar_descent(c, None, c.x.nrows() as f64)]),
        |c| stack_prediction(c, QueryToken::Masked),
        rounding,
    )
    .scale(scale)
    .wrong("loss divided by N + 1", |c| Ok(vec![scalar_descent(c, None, c.x.nrows() as f64 + 1.0)]))
    .wrong("sign of the read-out", |c| Ok(vec![-scalar_descent(c, None, c.x.nrows() as f64)]))
    .broken("query among the keys", |c| stack_prediction(c, QueryToken::Inside));
    Claim {
        id: "ICL-31",
        chapter: Chapter::Icl,
        title: "K layers are K gradient steps",
        statement: r"Repeating the layer of ICL-30 with the same $W_0$ and steps $\eta_1,\dots,\eta_K$ gives context slots $y_i-(W_K-W_0)x_i$ and query slot $-W_Kx_q$, where $W_{k}=W_{k-1}-\eta_{k}\nabla L(W_{k-1})$ on the **original** data. In the form $Z\mapsto Z+\frac1NPZMZ^\top QZ$: $P=\mathrm{diag}(0_d,1)$, $Q=\mathrm{diag}(-\eta_kI_d,0)$, prediction minus the query's slot.",
        assumptions: "None; the query is masked.",
        source: "von Oswald et al. (ICML 2023); Ahn et al. (NeurIPS 2023), Lemma 1",
        formula: "explicit gradient descent (solvable_verify::icl::claims::icl_30_to_38)",
        simulator: "solvable_model::icl::{descent_by_attention, AttentionStack}",
        checks: vec![Box::new(check), Box::new(sparse)],
    }
}

pub(super) fn no_mask() -> Claim {
    let check = Identity::new(
        "no mask",
        "prediction of K layers without a mask, and descent with the query as an example of label 0",
        cells,
        |c| Ok(vec![scalar_descent(c, Some(0.0), c.x.nrows() as f64)]),
        |c| stack_prediction(c, QueryToken::Inside),
        rounding,
    )
    .scale(scale)
    .wrong("loss divided by N + 1", |c| Ok(vec![scalar_descent(c, Some(0.0), c.x.nrows() as f64 + 1.0)]))
    .wrong("query ignored", |c| Ok(vec![scalar_descent(c, None, c.x.nrows() as f64)]))
    .wrong("query with label 1", |c| Ok(vec![scalar_descent(c, Some(1.0), c.x.nrows() as f64)]))
    .broken("masked", |c| stack_prediction(c, QueryToken::Masked));
    Claim {
        id: "ICL-32",
        chapter: Chapter::Icl,
        title: "Without a mask the query is an example with label 0",
        statement: r"Without the mask the $K$-layer prediction is $\tilde w_K^\top x_q$, $\tilde w$ following gradient descent from 0 on

$$\tilde L(w)=\frac1{2N}\Big[\sum_{i\le N}(w^\top x_i-y_i)^2+(w^\top x_q)^2\Big],$$

still divided by $N$. For one layer from $W_0=0$ the mask is irrelevant; for more it is not.",
        assumptions: "None.",
        source: "Derived; von Oswald et al. keep the query for one layer",
        formula: "explicit gradient descent (solvable_verify::icl::claims::icl_30_to_38)",
        simulator: "solvable_model::icl::AttentionStack",
        checks: vec![Box::new(check)],
    }
}

/// `w_{k+1} = w_k - G'A'G (b - S w_k)`, `G_{k+1} = (I + B G S G' A) G`.
fn preconditioned(c: &Construction, transposed: bool, keep_gain: bool) -> Vec<f64> {
    let (n, d) = (c.x.nrows(), c.x.ncols());
    let s = Mat::from_fn(d, d, |i, j| (0..n).map(|k| c.x[(k, i)] * c.x[(k, j)]).sum::<f64>() / n as f64);
    let b = Mat::from_fn(d, 1, |i, _| (0..n).map(|k| c.x[(k, i)] * c.y[(k, 0)]).sum::<f64>() / n as f64);
    let mut w = Mat::<f64>::zeros(d, 1);
    let mut g = Mat::<f64>::identity(d, d);
    for (a, corrector) in &c.layers {
        let inner = if transposed { a.transpose().to_owned() } else { a.clone() };
        let residual = &b - &s * &w;
        let step = g.transpose() * &inner * &g * &residual;
        if keep_gain {
            let sk = &g * &s * g.transpose();
            let factor = corrector * &sk * a;
            g = &g + &factor * &g;
        }
        w = &w - &step;
    }
    vec![(0..d).map(|j| w[(j, 0)] * c.query[j]).sum()]
}

fn sparse_stack(c: &Construction, correct: bool) -> Result<Vec<f64>, CheckError> {
    let d = c.x.ncols();
    let zero = Mat::<f64>::zeros(d, d);
    let layers = c
        .layers
        .iter()
        .map(|(a, b)| AttentionLayer::sparse(a.as_ref(), if correct { b.as_ref() } else { zero.as_ref() }))
        .collect::<Result<_, _>>()?;
    Ok(vec![AttentionStack::new(d, layers, QueryToken::Masked)?.predict(&c.prompt()?)?])
}

pub(super) fn sparse_family() -> Claim {
    let check = Identity::new(
        "data-dependent preconditioner",
        "prediction of sparse layers with random nonsymmetric A, B, and preconditioned descent",
        cells,
        |c| Ok(preconditioned(c, true, true)),
        |c| sparse_stack(c, true),
        rounding,
    )
    .scale(scale)
    .wrong("A for its transpose", |c| Ok(preconditioned(c, false, true)))
    .wrong("fixed preconditioner", |c| Ok(preconditioned(c, true, false)))
    .broken("inputs not updated", |c| sparse_stack(c, false));
    Claim {
        id: "ICL-33",
        chapter: Chapter::Icl,
        title: "Sparse layers are descent with a data-dependent preconditioner",
        statement: r"Layers $P_k=\mathrm{diag}(B_k,1)$, $Q_k=\mathrm{diag}(A_k,0)$ with arbitrary $A_k,B_k$ predict $w_K^\top x_q$, where $G_0=I$, $w_0=0$ and

$$w_{k+1}=w_k-G_k^\top A_k^\top G_k\,(b-Sw_k),\qquad G_{k+1}=(I+B_kG_kSG_k^\top A_k)G_k .$$",
        assumptions: "None.",
        source: "Ahn et al. (NeurIPS 2023); derived for nonsymmetric matrices",
        formula: "recursion above (solvable_verify::icl::claims::icl_30_to_38)",
        simulator: "solvable_model::icl::AttentionStack",
        checks: vec![Box::new(check)],
    }
}

/// `q(S) b . x_q` through the eigenvalues of S.
fn polynomial(c: &Construction, gammas: &[f64], sign: f64) -> Result<Vec<f64>, CheckError> {
    let (n, d) = (c.x.nrows(), c.x.ncols());
    let schedule = Schedule::new(&c.steps, gammas)?;
    let s = Mat::from_fn(d, d, |i, j| (0..n).map(|k| c.x[(k, i)] * c.x[(k, j)]).sum::<f64>() / n as f64);
    let q = symmetric_eigen(s.as_ref())?.apply(|l| schedule.at(l.max(0.0)).1);
    let b: Vec<f64> =
        (0..d).map(|i| (0..n).map(|k| c.x[(k, i)] * c.y[(k, 0)]).sum::<f64>() / n as f64).collect();
    Ok(vec![sign * solvable_linalg::quadratic_form(&c.query, q.as_ref(), &b)])
}

fn corrected(c: &Construction, factor: f64) -> Result<Vec<f64>, CheckError> {
    let gammas: Vec<f64> = c.gammas.iter().map(|g| factor * g).collect();
    let d = c.x.ncols();
    let stack = AttentionStack::corrected_descent(d, &c.steps, &gammas, None, QueryToken::Masked)?;
    Ok(vec![stack.predict(&c.prompt()?)?])
}

pub(super) fn curvature() -> Claim {
    let check = Identity::new(
        "polynomial",
        "prediction of curvature-corrected layers, and the polynomial q(S) b",
        cells,
        |c| polynomial(c, &c.gammas, 1.0),
        |c| corrected(c, 1.0),
        rounding,
    )
    .scale(scale)
    .wrong("plain descent", |c| polynomial(c, &[], 1.0))
    .wrong("sign of the read-out", |c| polynomial(c, &c.gammas, -1.0))
    .broken("gamma for the unnormalised X X'", |c| corrected(c, c.x.nrows() as f64));
    Claim {
        id: "ICL-34",
        chapter: Chapter::Icl,
        title: "Curvature-corrected layers are a polynomial method",
        statement: r"Layers $P_k=\mathrm{diag}(\gamma_kI,\eta_k)$, $Q_k=\mathrm{diag}(-I,0)$ give $w_K=q_K(S)\,b$ with, on an eigenvalue $\lambda$ of $S$,

$$\lambda_0=\lambda,\quad\lambda_{k+1}=\lambda_k(1-\gamma_k\lambda_k)^2,\qquad p_K(\lambda)=\prod_{k<K}(1-\eta_k\lambda_k),\qquad q_K=\frac{1-p_K}{\lambda},$$

of degree $(3^K-1)/2$ in general.",
        assumptions: "None; the query is masked.",
        source: "von Oswald et al. (GD++); Ahn et al.; derived",
        formula: "solvable_theory::icl::Schedule",
        simulator: "solvable_model::icl::AttentionStack::corrected_descent",
        checks: vec![Box::new(check)],
    }
}

/// m, M and gamma from the cube: condition up to 10^4.
fn interval(x: &[f64]) -> (f64, f64, f64) {
    let m = 10f64.powf(2.0 * x[0] - 1.0);
    let top = m * 10f64.powf(4.0 * x[1]);
    (m, top, 0.999 * x[2] / top)
}

/// `max f / min f` on a grid of [m, M] with its critical point.
fn gridded(m: f64, top: f64, gamma: f64) -> f64 {
    let f = |l: f64| l * (1.0 - gamma * l).powi(2);
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    let peak = if gamma > 0.0 { 1.0 / (3.0 * gamma) } else { top };
    for k in 0..=60 {
        let l = m + (top - m) * f64::from(k) / 60.0;
        low = low.min(f(l));
        high = high.max(f(l));
    }
    if (m..=top).contains(&peak) {
        high = high.max(f(peak));
    }
    high / low
}

pub(super) fn condition() -> Claim {
    let best = Bound::new(
        "best correction",
        "condition number after the best correction, over that of any other, maximised",
        |_, _| vec![Parameters::new().with("condition", "1 to 10^4")],
        3,
        |_, x| {
            let (m, top, gamma) = interval(x);
            Ok(Some(gridded(m, top, gamma)))
        },
        |_, x| {
            let (m, top, _) = interval(x);
            Ok(Some(best_correction(m, top)?.kappa))
        },
        1e-12,
    )
    .tight(0.001)
    .wrong("two percent low", |_, x| {
        let (m, top, gamma) = interval(x);
        Ok(Some(0.98 * gridded(m, top, gamma)))
    })
    .wrong("interval of half the length", |_, x| {
        let (m, top, gamma) = interval(x);
        Ok(Some(gridded(m, 0.5 * (m + top), gamma)))
    })
    .broken("condition of the uncorrected spectrum", |_, x| {
        let (m, top, _) = interval(x);
        Ok(Some(top / m))
    });
    let value = Identity::new(
        "value",
        "best gamma, its condition number, and that of gamma = 1/(3M), against the grid",
        |_, rng| {
            (0..12)
                .map(|k| {
                    let m = 10f64.powf(2.0 * rng.random::<f64>() - 1.0);
                    let top = m * 10f64.powf(3.0 * rng.random::<f64>());
                    Parameters::new().with("instance", k).with("m", m).with("M", top)
                })
                .collect()
        },
        |c| {
            let (m, top) = ends(c);
            let b = best_correction(m, top)?;
            Ok(vec![
                b.kappa,
                corrected_condition(m, top, b.gamma)?,
                corrected_condition(m, top, 1.0 / (3.0 * top))?,
            ])
        },
        |c| {
            let (m, top) = ends(c);
            let gamma = best_correction(m, top)?.gamma;
            Ok(vec![gridded(m, top, gamma), gridded(m, top, gamma), gridded(m, top, 1.0 / (3.0 * top))])
        },
        |c| Ok(64.0 * f64::EPSILON * (ends(c).1 / ends(c).0)),
    )
    .wrong("4/27 of the condition", |c| {
        let (m, top) = ends(c);
        let k = 4.0 / 27.0 * top / m;
        Ok(vec![k, k, corrected_condition(m, top, 1.0 / (3.0 * top))?])
    })
    .wrong("edges exchanged", |c| {
        let (m, top) = ends(c);
        let b = best_correction(m, top)?;
        Ok(vec![1.0 / b.kappa, b.kappa, b.kappa])
    })
    .broken("gamma too small", |c| {
        let (m, top) = ends(c);
        let gamma = 0.95 * best_correction(m, top)?.gamma;
        Ok(vec![gridded(m, top, gamma), gridded(m, top, gamma), gridded(m, top, 1.0 / (3.0 * top))])
    });
    Claim {
        id: "ICL-35",
        chapter: Chapter::Icl,
        title: "What one correction does to the condition number",
        statement: r"For $f_\gamma(\lambda)=\lambda(1-\gamma\lambda)^2$ on $[m,M]$, $\kappa=M/m$, the ratio $\max f/\min f$ over $0\le\gamma<1/M$ is least at

$$\gamma^*=\frac1{M+\sqrt{Mm}+m},\qquad \kappa'^*=\frac{4(\kappa+\sqrt\kappa+1)^3}{27\,\kappa(\sqrt\kappa+1)^2}\to\tfrac4{27}\kappa .$$",
        assumptions: "$0<m\\le M$.",
        source: "Derived",
        formula: "solvable_theory::icl::{best_correction, corrected_condition}",
        simulator: "search on a grid",
        checks: vec![Box::new(best), Box::new(value)],
    }
}

fn ends(c: &Parameters) -> (f64, f64) {
    let number = |name: &str| c.as_map()[name].as_f64().unwrap_or(1.0);
    (number("m"), number("M"))
}

/// Predictions on raw data of covariance Lambda with whitening layers, and on whitened data.
fn whitened_layers(c: &Construction, whiten: bool) -> Result<Vec<f64>, CheckError> {
    use rand_chacha::rand_core::SeedableRng;
    let d = c.x.ncols();
    let mut rng = ChaCha12Rng::seed_from_u64(c.index as u64);
    let lambda = random_covariance(&mut rng, d, 2 * d + 2);
    let root = lambda.sqrt();
    let x = matmul(c.x.as_ref(), root.as_ref());
    let query = (0..d).map(|i| (0..d).map(|j| root[(i, j)] * c.query[j]).sum()).collect();
    let y = (0..c.y.nrows()).map(|i| c.y[(i, 0)]).collect();
    let gammas: Vec<f64> = c.gammas.clone();
    let stack = AttentionStack::corrected_descent(
        d,
        &c.steps,
        &gammas,
        whiten.then_some(&lambda),
        QueryToken::Masked,
    )?;
    Ok(vec![stack.predict(&Prompt::new(x, y, query)?)?])
}

pub(super) fn equivariance() -> Claim {
    let check = Identity::new(
        "covariance equivariance",
        "prediction on white data, and of preconditioned layers on the same data with covariance Lambda",
        cells,
        |c| polynomial(c, &c.gammas, 1.0),
        |c| whitened_layers(c, true),
        |c| {
            use rand_chacha::rand_core::SeedableRng;
            let d = c.x.ncols();
            let lambda = random_covariance(&mut ChaCha12Rng::seed_from_u64(c.index as u64), d, 2 * d + 2);
            Ok(rounding(c)? * lambda.largest_eigenvalue() / lambda.smallest_eigenvalue())
        },
    )
    .scale(scale)
    .wrong("plain descent", |c| polynomial(c, &[], 1.0))
    .wrong("sign of the read-out", |c| polynomial(c, &c.gammas, -1.0))
    .broken("no preconditioner", |c| whitened_layers(c, false));
    Claim {
        id: "ICL-36",
        chapter: Chapter::Icl,
        title: "Covariance equivariance",
        statement: r"With $X=\Lambda^{1/2}U$, $x_q=\Lambda^{1/2}u_q$, the layers $A_k=-\eta_k\Lambda^{-1}$, $B_k=(\gamma_k/\eta_k)I$ on $(X,y,x_q)$ give, for every realisation, the prediction of $A_k=-\eta_kI$ and the same $B_k$ on $(U,y,u_q)$. With $w\sim(0,\tau^2\Lambda^{-1})$ every isotropic risk of this chapter holds for covariance $\Lambda$.",
        assumptions: "$\\Lambda\\succ0$.",
        source: "Derived; Ahn et al., Section 4",
        formula: "solvable_theory::icl::Schedule on white data",
        simulator: "solvable_model::icl::AttentionStack::corrected_descent",
        checks: vec![Box::new(check)],
    }
}

/// Risk of two sparse layers, d = N = 2, whitened coordinates, no noise, averaged exactly over all prompts.
///
/// `parameters`: A_0, B_0, A_1 row by row, in whitened coordinates. The error is `(I - M(X)) w`, so that with
/// `E w w' = I` the risk is `E |I - M|_F^2`; M from the recursion of ICL-33.
fn exact_two_layers(parameters: &[f64; 12]) -> Result<f64, CheckError> {
    // Degree 16 in X: nine nodes are exact.
    let rule = gauss_hermite(9)?;
    let m = |k: usize| Mat::from_fn(2, 2, |i, j| parameters[4 * k + 2 * i + j]);
    let (a0, b0, a1) = (m(0), m(1), m(2));
    let mul = |a: [f64; 4], b: [f64; 4]| {
        [
            a[0] * b[0] + a[1] * b[2],
            a[0] * b[1] + a[1] * b[3],
            a[2] * b[0] + a[3] * b[2],
            a[2] * b[1] + a[3] * b[3],
        ]
    };
    let flat = |m: &Mat<f64>| [m[(0, 0)], m[(0, 1)], m[(1, 0)], m[(1, 1)]];
    let t = |a: [f64; 4]| [a[0], a[2], a[1], a[3]];
    let (a0, b0, a1) = (flat(&a0), flat(&b0), flat(&a1));
    let mut risk = 0.0;
    tensor_points(&rule, 4, |z, weight| {
        let x = [z[0], z[1], z[2], z[3]];
        let mut s = mul(x, t(x));
        s.iter_mut().for_each(|v| *v *= 0.5);
        // w_1 = -A_0' S w.
        let e1 = mul(t(a0), s);
        let error1 = [1.0 + e1[0], e1[1], e1[2], 1.0 + e1[3]];
        let gain = mul(mul(b0, s), a0);
        let g = [1.0 + gain[0], gain[1], gain[2], 1.0 + gain[3]];
        let step = mul(mul(mul(t(g), mul(t(a1), g)), s), error1);
        risk += weight * (0..4).map(|k| (error1[k] + step[k]).powi(2)).sum::<f64>();
    });
    Ok(risk)
}

/// The gradient by differences that are exact for polynomials of degree 6.
fn exact_gradient(at: &[f64; 12]) -> Result<Vec<f64>, CheckError> {
    let h = 0.02;
    (0..12)
        .map(|k| {
            let mut slope = 0.0;
            for (shift, weight) in [(1.0, 45.0), (2.0, -9.0), (3.0, 1.0)] {
                let mut up = *at;
                let mut down = *at;
                up[k] += shift * h;
                down[k] -= shift * h;
                slope += weight * (exact_two_layers(&up)? - exact_two_layers(&down)?);
            }
            Ok(slope / (60.0 * h))
        })
        .collect()
}

fn symmetric_point(a0: f64, b0: f64, a1: f64) -> [f64; 12] {
    [-a0, 0.0, 0.0, -a0, b0, 0.0, 0.0, b0, -a1, 0.0, 0.0, -a1]
}

/// Covariance of the specification's example.
pub(super) const COVARIANCE: [[f64; 2]; 2] = [[1.0, 0.4], [0.4, 2.0]];

/// The restricted minimum of the specification, d = N = 2, K = 2, no noise.
const CORRECTED: (f64, f64, f64) = (0.34091956, 0.31250349, 1.46639385);
const PLAIN: (f64, f64) = (0.18629049, 0.64887434);

fn critical(corrected: bool, shift: f64) -> Result<Vec<f64>, CheckError> {
    let point = if corrected {
        symmetric_point(CORRECTED.0 + shift, CORRECTED.1, CORRECTED.2)
    } else {
        symmetric_point(PLAIN.0 + shift, 0.0, PLAIN.1)
    };
    Ok([vec![exact_two_layers(&point)?], exact_gradient(&point)?].concat())
}

fn predicted_critical(corrected: bool, slope: f64) -> Result<Vec<f64>, CheckError> {
    let size = FiniteSize::new(2, 2, 1.0, 0.0)?;
    // B = (gamma/eta) I.
    let schedule = if corrected {
        Schedule::new(&[CORRECTED.0, CORRECTED.2], &[CORRECTED.0 * CORRECTED.1])?
    } else {
        Schedule::new(&[PLAIN.0, PLAIN.1], &[])?
    };
    let mut out = vec![0.0; 13];
    out[0] = finite_risk(&size, &schedule)?;
    if !corrected {
        // The wider family is not critical here: dB_0 = -0.2202 I.
        out[5] = slope;
        out[8] = slope;
    }
    Ok(out)
}

pub(super) fn symmetric_family() -> Claim {
    let at = |c: &Parameters| c.as_map()["corrected"] == true;
    let check = Identity::new(
        "critical points",
        "risk and all 12 derivatives at the restricted minima, by exact averages over all prompts (d = N = 2)",
        |_, _| vec![Parameters::new().with("corrected", true), Parameters::new().with("corrected", false)],
        move |c| predicted_critical(at(c), -0.2202),
        move |c| critical(at(c), 0.0),
        // The points are given to 8 digits; the slope -0.2202 to 4.
        move |c| Ok(if at(c) { 2e-6 } else { 6e-5 }),
    )
    .scale(|_| Ok(1.0))
    .wrong("plain descent is critical too", move |c| predicted_critical(at(c), 0.0))
    .wrong("other normalisation of the prior", move |c| {
        let mut v = predicted_critical(at(c), -0.2202)?;
        v[0] *= 0.5;
        Ok(v)
    })
    .broken("another first step", move |c| critical(at(c), 0.01));
    Claim {
        id: "ICL-37",
        chapter: Chapter::Icl,
        title: "The symmetric family contains critical points of the full sparse family",
        statement: r"For $x\sim N(0,\Lambda)$, $w\sim N(0,\Lambda^{-1})$ a critical point of the risk restricted to $A_k=-a_k\Lambda^{-1}$, $B_k=b_kI$ is a critical point among all $A_k,B_k$. Plain descent with optimal steps is not: at $d=N=2$, $K=2$, $\sigma=0$, its risk is $85/91$ and, with the smaller step $0.18629$ before $0.64887$, $\partial f/\partial B_0=-0.2202\,I$; with $B_0$ free the minimum of the family is $0.7005570030$.",
        assumptions: "As stated.",
        source: "Ahn et al., Theorem 3; derived (Schur)",
        formula: "solvable_theory::icl::finite_risk",
        simulator: "solvable_sim::icl::{gauss_hermite, StackLoss}: exact average over all prompts",
        checks: vec![Box::new(check), Box::new(super::icl_37_training::check())],
    }
}

/// Primal: descent on the features through literal layers.
fn primal(c: &Construction) -> Result<Vec<f64>, CheckError> {
    let prompt = Kernel::Quadratic.feature_prompt(&c.prompt()?)?;
    let d = prompt.dimension();
    let stack = AttentionStack::descent(d, &kernel_steps(c), QueryToken::Masked)?;
    Ok(vec![stack.predict(&prompt)?])
}

/// Steps below the inverse of the kernel's trace.
fn kernel_steps(c: &Construction) -> Vec<f64> {
    let n = c.x.nrows();
    let row = |i: usize| -> Vec<f64> { (0..c.x.ncols()).map(|j| c.x[(i, j)]).collect() };
    let trace: f64 = (0..n).map(|i| Kernel::Quadratic.value(&row(i), &row(i))).sum::<f64>() / n as f64;
    c.steps.iter().enumerate().map(|(k, _)| (0.5 + 0.1 * k as f64) / trace).collect()
}

/// Dual: `(1/N) k_q' q(K/N) y` by matrix recursion.
fn dual(c: &Construction, extra: f64) -> Result<Vec<f64>, CheckError> {
    let n = c.x.nrows();
    let row = |i: usize| -> Vec<f64> { (0..c.x.ncols()).map(|j| c.x[(i, j)]).collect() };
    let k = Mat::from_fn(n, n, |i, j| Kernel::Quadratic.value(&row(i), &row(j)) / (n as f64 + extra));
    let schedule = Schedule::new(&kernel_steps(c), &[])?;
    let q = symmetric_eigen(k.as_ref())?.apply(|l| schedule.at(l.max(0.0)).1);
    let kq: Vec<f64> =
        (0..n).map(|i| Kernel::Quadratic.value(&row(i), &c.query) / (n as f64 + extra)).collect();
    let y: Vec<f64> = (0..n).map(|i| c.y[(i, 0)]).collect();
    Ok(vec![solvable_linalg::quadratic_form(&kq, q.as_ref(), &y)])
}

/// Many layers with a constant step: the interpolating fit, with the predicted error factor.
fn deep_kernel(c: &Construction, steps: usize) -> Result<(f64, f64), CheckError> {
    let n = c.x.nrows().min(3);
    let row = |i: usize| -> Vec<f64> { (0..c.x.ncols()).map(|j| c.x[(i, j)]).collect() };
    let k = Mat::from_fn(n, n, |i, j| Kernel::Quadratic.value(&row(i), &row(j)));
    let kq: Vec<f64> = (0..n).map(|i| Kernel::Quadratic.value(&row(i), &c.query)).collect();
    let y: Vec<f64> = (0..n).map(|i| c.y[(i, 0)]).collect();
    let fit = solvable_linalg::quadratic_form(&kq, pseudo_inverse(k.as_ref())?.matrix.as_ref(), &y);
    let top = symmetric_eigen(k.as_ref())?.values[0] / n as f64;
    let x = Mat::from_fn(n, c.x.ncols(), |i, j| c.x[(i, j)]);
    let prompt = Prompt::new(x, y, c.query.clone())?;
    let deep = kernel_descent(Kernel::Quadratic, &prompt, &vec![1.0 / top; steps])?;
    Ok((fit, deep.prediction))
}

pub(super) fn kernels() -> Claim {
    let check = Identity::new(
        "primal and dual",
        "kernel form of the prediction, and literal layers on the features",
        cells,
        |c| dual(c, 0.0),
        primal,
        rounding,
    )
    .scale(scale)
    .wrong("1/(N+1) for 1/N", |c| dual(c, 1.0))
    .wrong("twice the prediction", |c| Ok(vec![2.0 * dual(c, 0.0)?[0]]))
    .broken("linear kernel", |c| stack_prediction(c, QueryToken::Masked));
    let deep = Identity::new(
        "infinite depth",
        "minimum-norm fit k_q' K^+ y, and 2000 layers of constant step on up to three examples",
        |_, rng| {
            // Well conditioned kernels only: the error factor is (1 - 1/kappa)^K.
            cells(Budget::Full, rng)
                .into_iter()
                .filter(|c| well_conditioned(c).unwrap_or(false))
                .take(6)
                .collect()
        },
        |c| Ok(vec![deep_kernel(c, 1)?.0]),
        |c| Ok(vec![deep_kernel(c, 2000)?.1]),
        |_| Ok(1e-10),
    )
    .scale(scale)
    .wrong("average of the labels", |c| {
        Ok(vec![(0..c.y.nrows()).map(|i| c.y[(i, 0)]).sum::<f64>() / c.y.nrows() as f64])
    })
    .wrong("sign", |c| Ok(vec![-deep_kernel(c, 1)?.0]))
    .broken("three layers", |c| Ok(vec![deep_kernel(c, 3)?.1]));
    Claim {
        id: "ICL-38",
        chapter: Chapter::Icl,
        title: "Kernel form, and the limit of infinite depth",
        statement: r"With features $\phi$, $\mathcal K_{ij}=\phi(x_i)^\top\phi(x_j)$, $k_q=\phi(X)^\top\phi(x_q)$ and $q=(1-p)/\lambda$,

$$\hat y_q=\tfrac1N\,k_q^\top\,q(\tfrac1N\mathcal K)\,y^\top .$$

As $K\to\infty$ with $0<\eta<2/\lambda_{\max}(\mathcal K/N)$ it tends to the minimum-norm least-squares fit $k_q^\top\mathcal K^{+}y^\top$.",
        assumptions: "None.",
        source: "Derived; von Oswald et al., Section 3",
        formula: "solvable_theory::icl::Schedule on the kernel matrix",
        simulator: "solvable_model::icl::{AttentionStack, kernel_descent}",
        checks: vec![Box::new(check), Box::new(deep)],
    }
}

fn well_conditioned(c: &Construction) -> Result<bool, CheckError> {
    let n = c.x.nrows().min(3);
    let row = |i: usize| -> Vec<f64> { (0..c.x.ncols()).map(|j| c.x[(i, j)]).collect() };
    let k = Mat::from_fn(n, n, |i, j| Kernel::Quadratic.value(&row(i), &row(j)));
    let v = symmetric_eigen(k.as_ref())?.values;
    Ok(v[n - 1] > 0.02 * v[0])
}
