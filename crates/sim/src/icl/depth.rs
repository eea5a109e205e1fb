//! Several layers: the risk of one prompt, averaged over task, noise and query.
use rand::Rng;
use solvable_linalg::{Mat, matmul_into, trace_product};
use solvable_model::{Covariance, InputError};

use super::covariates::CovariateLaw;

/// What the layers do to the estimate.
#[derive(Clone, Debug)]
pub enum Layers {
    /// Gradient steps `w <- w - eta_k (S w - b)`.
    Descent(Vec<f64>),
    /// Curvature-corrected steps (eta_k, gamma_k): the inputs become `(I - gamma_k S_k) x` after each.
    Corrected(Vec<(f64, f64)>),
    /// Gradient steps on the ridge loss, `w <- w - eta_k [(S + s I) w - b]`.
    Ridge {
        /// The ridge s.
        ridge: f64,
        /// The steps.
        steps: Vec<f64>,
    },
    /// The ridge estimate itself, `(S + s I)^-1 b`.
    Converged {
        /// The ridge s, positive.
        ridge: f64,
    },
}

/// The risk of a multi-layer model given the covariates of the context: `tau2 tr(Lambda P^2) + (sigma2/N) tr(Lambda Q S Q)`.
///
/// `S = X'X/N`; the estimate is `Q b`, and `P = I - Q S` multiplies the task in its error. Both matrices follow the layers,
/// never a polynomial's coefficients or eigenvalues. Task covariance `tau2 I`, query of covariance Lambda.
#[derive(Clone, Debug)]
pub struct DepthRisk {
    covariates: CovariateLaw,
    root: Mat<f64>,
    lambda: Mat<f64>,
    layers: Layers,
    tau2: f64,
    sigma2: f64,
    length: usize,
}

/// Temporaries of [`DepthRisk`].
#[derive(Clone, Debug)]
pub struct DepthWork {
    raw: Vec<f64>,
    rows: Vec<f64>,
    g: Mat<f64>,
    x: Mat<f64>,
    s: Mat<f64>,
    current: Mat<f64>,
    gain: Mat<f64>,
    p: Mat<f64>,
    q: Mat<f64>,
    a: Mat<f64>,
    b: Mat<f64>,
}

impl DepthRisk {
    /// The risk of layers on prompts of `length` examples with covariates of any law, whose query has covariance `lambda`.
    ///
    /// # Errors
    /// [`InputError`] when dimensions differ, `length` is 0, `tau2` or `sigma2` is negative, or a step is not finite.
    pub fn new(
        covariates: CovariateLaw,
        lambda: &Covariance,
        layers: Layers,
        (tau2, sigma2): (f64, f64),
        length: usize,
    ) -> Result<Self, InputError> {
        let d = covariates.dimension();
        if lambda.dimension() != d {
            let found = (lambda.dimension(), lambda.dimension());
            return Err(InputError::Shape { argument: "Lambda".into(), found, expected: (d, d) });
        }
        InputError::check_count("N", length)?;
        InputError::check_nonnegative("tau2", tau2)?;
        InputError::check_nonnegative("sigma2", sigma2)?;
        match &layers {
            Layers::Descent(steps) => InputError::check_vector("eta", steps)?,
            Layers::Corrected(pairs) => {
                for (eta, gamma) in pairs {
                    InputError::check_vector("eta, gamma", &[*eta, *gamma])?;
                }
            }
            Layers::Ridge { ridge, steps } => {
                InputError::check_nonnegative("ridge", *ridge)?;
                InputError::check_vector("eta", steps)?;
            }
            Layers::Converged { ridge } => {
                InputError::check_positive("ridge", *ridge)?;
            }
        }
        let root = covariates.root();
        let lambda = lambda.matrix().to_owned();
        Ok(Self { covariates, root, lambda, layers, tau2, sigma2, length })
    }

    /// Standard Gaussian covariates.
    ///
    /// # Errors
    /// As [`new`](Self::new), and when d is 0.
    pub fn isotropic(
        d: usize,
        layers: Layers,
        variances: (f64, f64),
        length: usize,
    ) -> Result<Self, InputError> {
        let unit = Covariance::isotropic("Lambda", d, 1.0)?;
        Self::new(CovariateLaw::gaussian(&unit), &unit, layers, variances, length)
    }

    /// Temporaries.
    #[must_use]
    pub fn work(&self) -> DepthWork {
        let (d, n) = (self.root.nrows(), self.length);
        let square = || Mat::<f64>::zeros(d, d);
        DepthWork {
            raw: vec![0.0; n * d],
            rows: vec![0.0; 2 * d * d],
            g: Mat::zeros(d, n),
            x: Mat::zeros(d, n),
            s: square(),
            current: square(),
            gain: square(),
            p: square(),
            q: square(),
            a: square(),
            b: square(),
        }
    }

    /// The risk of one random context.
    pub fn draw<R: Rng>(&self, rng: &mut R, work: &mut DepthWork) -> f64 {
        let d = self.root.nrows();
        self.covariates.fill_raw(rng, &mut work.raw);
        for (k, g) in work.raw.chunks_exact(d).enumerate() {
            for (i, g) in g.iter().enumerate() {
                work.g[(i, k)] = *g;
            }
        }
        matmul_into(work.x.as_mut(), self.root.as_ref(), work.g.as_ref());
        self.of_context(work)
    }

    /// The risk of the context given one example a column (d x N).
    ///
    /// # Errors
    /// [`InputError::Shape`] when the matrix is not d x N.
    pub fn of(&self, x: &Mat<f64>) -> Result<f64, InputError> {
        let expected = (self.root.nrows(), self.length);
        let found = (x.nrows(), x.ncols());
        if found != expected {
            return Err(InputError::Shape { argument: "X".into(), found, expected });
        }
        let mut work = self.work();
        work.x = x.clone();
        Ok(self.of_context(&mut work))
    }

    fn of_context(&self, work: &mut DepthWork) -> f64 {
        let d = self.root.nrows();
        let n = self.length as f64;
        matmul_into(work.s.as_mut(), work.x.as_ref(), work.x.transpose());
        each(&mut work.s, |_, _, v| v / n);
        set_identity(&mut work.p, 1.0);
        each(&mut work.q, |_, _, _| 0.0);
        match &self.layers {
            Layers::Descent(steps) => {
                for eta in steps {
                    add(&mut work.q, *eta, &work.p);
                    matmul_into(work.a.as_mut(), work.s.as_ref(), work.p.as_ref());
                    add(&mut work.p, -eta, &work.a);
                }
            }
            Layers::Corrected(pairs) => {
                work.current.copy_from(&work.s);
                set_identity(&mut work.gain, 1.0);
                for (eta, gamma) in pairs {
                    // The step sees inputs G x: q gains eta G'G p, the residual loses eta S_k p.
                    matmul_into(work.a.as_mut(), work.gain.as_ref(), work.p.as_ref());
                    matmul_into(work.b.as_mut(), work.gain.transpose(), work.a.as_ref());
                    add(&mut work.q, *eta, &work.b);
                    matmul_into(work.a.as_mut(), work.s.as_ref(), work.b.as_ref());
                    add(&mut work.p, -eta, &work.a);
                    // G <- (I - gamma S_k) G, S_k = G S G'.
                    matmul_into(work.a.as_mut(), work.current.as_ref(), work.gain.as_ref());
                    add(&mut work.gain, -gamma, &work.a);
                    matmul_into(work.a.as_mut(), work.gain.as_ref(), work.s.as_ref());
                    matmul_into(work.current.as_mut(), work.a.as_ref(), work.gain.transpose());
                }
            }
            Layers::Ridge { ridge, steps } => {
                for eta in steps {
                    // Q <- Q + eta (I - (S + s) Q).
                    matmul_into(work.a.as_mut(), work.s.as_ref(), work.q.as_ref());
                    add(&mut work.a, *ridge, &work.q);
                    add(&mut work.q, -eta, &work.a);
                    for i in 0..d {
                        work.q[(i, i)] += eta;
                    }
                }
                matmul_into(work.a.as_mut(), work.s.as_ref(), work.q.as_ref());
                set_identity(&mut work.p, 1.0);
                add(&mut work.p, -1.0, &work.a);
            }
            Layers::Converged { ridge } => {
                work.current.copy_from(&work.s);
                for i in 0..d {
                    work.current[(i, i)] += ridge;
                }
                invert(&work.current, &mut work.q, &mut work.rows);
                each(&mut work.p, |_, _, _| 0.0);
                add(&mut work.p, *ridge, &work.q);
            }
        }
        matmul_into(work.a.as_mut(), work.p.as_ref(), work.p.transpose());
        matmul_into(work.b.as_mut(), work.s.as_ref(), work.q.as_ref());
        matmul_into(work.current.as_mut(), work.q.transpose(), work.b.as_ref());
        let bias = trace_product(self.lambda.as_ref(), work.a.as_ref());
        let noise = trace_product(self.lambda.as_ref(), work.current.as_ref());
        self.tau2 * bias + self.sigma2 / n * noise
    }
}

fn each(m: &mut Mat<f64>, f: impl Fn(usize, usize, f64) -> f64) {
    for j in 0..m.ncols() {
        for i in 0..m.nrows() {
            m[(i, j)] = f(i, j, m[(i, j)]);
        }
    }
}

fn set_identity(m: &mut Mat<f64>, value: f64) {
    each(m, |i, j, _| if i == j { value } else { 0.0 });
}

fn add(m: &mut Mat<f64>, factor: f64, other: &Mat<f64>) {
    each(m, |i, j, v| v + factor * other[(i, j)]);
}

/// The inverse of a positive definite matrix by Gauss and Jordan's elimination, which needs no pivots for one.
/// `rows` holds 2 d^2 numbers: the matrix and its inverse side by side, row by row.
fn invert(m: &Mat<f64>, out: &mut Mat<f64>, rows: &mut [f64]) {
    let d = m.nrows();
    let width = 2 * d;
    for (i, row) in rows.chunks_exact_mut(width).enumerate() {
        for j in 0..d {
            row[j] = m[(i, j)];
            row[d + j] = if i == j { 1.0 } else { 0.0 };
        }
    }
    for k in 0..d {
        let (before, rest) = rows.split_at_mut(k * width);
        let (row, after) = rest.split_at_mut(width);
        let pivot = 1.0 / row[k];
        row.iter_mut().for_each(|v| *v *= pivot);
        for other in before.chunks_exact_mut(width).chain(after.chunks_exact_mut(width)) {
            let factor = other[k];
            other.iter_mut().zip(&*row).for_each(|(o, r)| *o -= factor * r);
        }
    }
    for (i, row) in rows.chunks_exact(width).enumerate() {
        for j in 0..d {
            out[(i, j)] = row[d + j];
        }
    }
}
