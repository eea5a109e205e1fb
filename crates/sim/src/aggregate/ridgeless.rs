//! Risk without ridge given isotropic covariates: every regime of n, d, m and the mixing weight.
//!
//! Without ridge the estimator is the minimum-norm minimiser. Which factorisation gives it depends on which systems are
//! solvable, so each regime has its own conditional form; none of them samples the noise.
use rand::Rng;
use solvable_model::InputError;
use solvable_model::aggregate::{FiniteDesign, Mixing};

use super::dense::{
    add_gram, add_multiple, cholesky, dot, energy, mirror, multiply, solve, solve_transposed,
};
use super::{ConditionalRisk, SimulationError};
use crate::normal;

/// The minimum-norm estimator of isotropic bags.
#[derive(Clone, Debug)]
pub struct RidgelessExperiment {
    design: FiniteDesign,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// rho = 1, m >= d: least squares on the bag rows.
    BagPrimal,
    /// rho = 1, m < d: interpolates the bag rows.
    BagDual,
    /// rho < 1, n >= d: `H = A'A + tau D'D`.
    Primal { tau: f64 },
    /// rho < 1, n < d: `X^+ P y` for every rho.
    Dual,
    /// rho -> 1 from below, m < d <= n: among the interpolators of the bag rows, the least within-bag seminorm.
    LeftLimit,
}

/// Temporaries of [`RidgelessExperiment::replicate`].
#[derive(Clone, Debug)]
pub struct RidgelessWork {
    x: Vec<f64>,
    a: Vec<f64>,
    transposed: Vec<f64>,
    gram: Vec<f64>,
    within: Vec<f64>,
    right: Vec<f64>,
    inverse: Vec<f64>,
    vector: Vec<f64>,
}

impl RidgelessExperiment {
    /// Chooses the form of the regime.
    ///
    /// The left limit is that of `rho = 1` itself when `m >= d`, and the common value of all `rho < 1` when `n < d`.
    #[must_use]
    pub fn new(design: FiniteDesign, mixing: Mixing) -> Self {
        let (n, d, m) = (design.n(), design.d(), design.m());
        let bag = if m >= d { Form::BagPrimal } else { Form::BagDual };
        // Bags of one row: both losses are the same.
        let form = if mixing.is_bag_level() || design.k() == 1 {
            bag
        } else if n < d {
            Form::Dual
        } else if !mixing.is_left_limit() {
            Form::Primal { tau: mixing.tau() }
        } else if m >= d {
            Form::BagPrimal
        } else {
            Form::LeftLimit
        };
        Self { design, form }
    }

    /// Fresh temporaries.
    #[must_use]
    pub fn work(&self) -> RidgelessWork {
        let (n, d, m) = (self.design.n(), self.design.d(), self.design.m());
        let side = match self.form {
            Form::Dual => n,
            Form::BagDual => m,
            _ => d,
        };
        RidgelessWork {
            x: vec![0.0; n * d],
            a: vec![0.0; m * d],
            transposed: vec![0.0; n.max(d) * n.max(d).max(m)],
            gram: vec![0.0; side * side],
            within: vec![0.0; d * d],
            right: vec![0.0; side.max(d) * side.max(d).max(m)],
            inverse: vec![0.0; side * side],
            vector: vec![0.0; n.max(d).max(m)],
        }
    }

    /// Draws covariates and returns the conditional risk.
    ///
    /// Averages over the direction of theta* too, except at `rho = 1` with `m < d`, where the average is the constant
    /// `r2 (1 - m/d)`: there theta* has a fixed direction.
    ///
    /// # Errors
    /// [`SimulationError::Singular`] when a drawn system is singular to working precision.
    pub fn replicate<R: Rng + ?Sized>(
        &self,
        rng: &mut R,
        work: &mut RidgelessWork,
    ) -> Result<ConditionalRisk, SimulationError> {
        normal::fill(rng, &mut work.x);
        self.evaluate(work)
    }

    /// The conditional risk of given covariates, n rows of d numbers.
    ///
    /// # Errors
    /// As [`replicate`](Self::replicate), and [`SimulationError::Input`] for a wrong number of entries.
    pub fn risk_given(
        &self,
        rows: &[f64],
        work: &mut RidgelessWork,
    ) -> Result<ConditionalRisk, SimulationError> {
        if rows.len() != work.x.len() {
            let (found, expected) = ((rows.len(), 1), (work.x.len(), 1));
            return Err(InputError::Shape { argument: "rows".into(), found, expected }.into());
        }
        InputError::check_vector("rows", rows)?;
        work.x.copy_from_slice(rows);
        self.evaluate(work)
    }

    fn evaluate(&self, work: &mut RidgelessWork) -> Result<ConditionalRisk, SimulationError> {
        let (k, d) = (self.design.k(), self.design.d());
        let root = (k as f64).sqrt();
        for (bag, a) in work.x.chunks_exact(k * d).zip(work.a.chunks_exact_mut(d)) {
            a.fill(0.0);
            for row in bag.chunks_exact(d) {
                add_multiple(a, 1.0 / root, row);
            }
        }
        match self.form {
            Form::BagPrimal => self.bag_primal(work),
            Form::BagDual => self.bag_dual(work),
            Form::Primal { tau } => self.primal(tau, work),
            Form::Dual => self.dual(work),
            Form::LeftLimit => self.left_limit(work),
        }
    }

    /// Unbiased; `Var = s2 tr (A'A)^(-1)`.
    fn bag_primal(&self, work: &mut RidgelessWork) -> Result<ConditionalRisk, SimulationError> {
        let d = self.design.d();
        work.gram.fill(0.0);
        add_gram(&mut work.gram, &work.a, d);
        let trace = inverse_trace(&mut work.gram, &mut work.inverse, d)?;
        Ok(ConditionalRisk { bias2: 0.0, var: self.design.s2() * trace })
    }

    /// `Bias^2 = r2 (1 - |R^(-T) A e_1|^2)` with `A A' = R'R`; `Var = s2 tr (A A')^(-1)`.
    fn bag_dual(&self, work: &mut RidgelessWork) -> Result<ConditionalRisk, SimulationError> {
        let (d, m) = (self.design.d(), self.design.m());
        outer_gram(&mut work.gram, &work.a, m, d);
        for i in 0..m {
            work.vector[i] = work.a[i * d];
        }
        let trace = inverse_trace(&mut work.gram, &mut work.inverse, m)?;
        solve_transposed(&work.gram, m, &mut work.vector[..m], 1);
        let explained = energy(&work.vector[..m]);
        Ok(ConditionalRisk { bias2: self.design.r2() * (1.0 - explained), var: self.design.s2() * trace })
    }

    /// `Bias^2 = (r2/d) |H^(-1) tau D'D|_F^2`, `Var = s2 |H^(-1) A'|_F^2`.
    fn primal(&self, tau: f64, work: &mut RidgelessWork) -> Result<ConditionalRisk, SimulationError> {
        let (d, m) = (self.design.d(), self.design.m());
        self.centre(work);
        work.within.fill(0.0);
        add_gram(&mut work.within, &work.x, d);
        work.gram.fill(0.0);
        add_gram(&mut work.gram, &work.a, d);
        for (h, b) in work.gram.iter_mut().zip(&mut work.within) {
            *b *= tau;
            *h += *b;
        }
        mirror(&mut work.within, d);
        cholesky(&mut work.gram, d)?;
        solve(&work.gram, d, &mut work.within, d);
        transpose(&mut work.transposed, &work.a, m, d);
        solve(&work.gram, d, &mut work.transposed[..d * m], m);
        Ok(ConditionalRisk {
            bias2: self.design.r2() / d as f64 * energy(&work.within),
            var: self.design.s2() * energy(&work.transposed[..d * m]),
        })
    }

    /// `K = X X'`: `Bias^2 = (r2/d) [tr(P K^(-1) P K) - 2m + d]`, `Var = s2 tr(K^(-1) P)`.
    fn dual(&self, work: &mut RidgelessWork) -> Result<ConditionalRisk, SimulationError> {
        let (n, d, m, k) = (self.design.n(), self.design.d(), self.design.m(), self.design.k());
        outer_gram(&mut work.gram, &work.x, n, d);
        work.inverse.copy_from_slice(&work.gram);
        // Sums of K over blocks of bags.
        let blocks = &mut work.transposed[..m * m];
        block_sums(blocks, &work.inverse, n, k);
        cholesky(&mut work.gram, n)?;
        identity(&mut work.inverse, n);
        solve(&work.gram, n, &mut work.inverse, n);
        let sums = &mut work.right[..m * m];
        block_sums(sums, &work.inverse, n, k);
        let k2 = (k * k) as f64;
        let trace = dot(blocks, sums) / k2;
        let var = (0..m).map(|a| sums[a * m + a]).sum::<f64>() / k as f64;
        let bias2 = self.design.r2() / d as f64 * (trace - 2.0 * m as f64 + d as f64);
        Ok(ConditionalRisk { bias2, var: self.design.s2() * var })
    }

    /// With `W = X'X = R'R` and `C = R^(-T) A'`, the estimator is `R^(-1) C (C'C)^(-1) y_A`: on the interpolators of A the
    /// within-bag seminorm and `theta' W theta` differ by a constant.
    fn left_limit(&self, work: &mut RidgelessWork) -> Result<ConditionalRisk, SimulationError> {
        let (d, m) = (self.design.d(), self.design.m());
        work.gram.fill(0.0);
        add_gram(&mut work.gram, &work.x, d);
        cholesky(&mut work.gram, d)?;
        // Rows of `c` are the columns of C: c = A R^(-1), by solving R' for d x m and transposing back.
        transpose(&mut work.transposed, &work.a, m, d);
        let c = &mut work.transposed[..d * m];
        solve_transposed(&work.gram, d, c, m);
        // C'C = sum over rows of C of outer products.
        let small = &mut work.inverse[..m * m];
        small.fill(0.0);
        add_gram(small, c, m);
        cholesky(small, m)?;
        // Q' = R_c^(-T) C' has orthonormal rows; T = (C'C)^(-1) C' = R_c^(-1) Q'.
        let q = &mut work.right[..m * d];
        transpose(q, c, d, m);
        solve_transposed(small, m, q, d);
        // Var = s2 |R^(-1) Q R_c^(-T)|^2: solve R for Q (d x m), then R_c from the other side.
        let basis = &mut work.within[..d * m];
        transpose(basis, q, m, d);
        super::dense::solve_upper(&work.gram, d, basis, m);
        let across = &mut work.x[..m * d];
        transpose(across, basis, d, m);
        super::dense::solve_upper(small, m, across, d);
        let var = energy(across);
        // Bias: -R^(-1) (I - Q Q') R.
        let projector = &mut work.transposed[..d * d];
        for i in 0..d {
            for j in 0..d {
                let inner: f64 = (0..m).map(|l| q[l * d + i] * q[l * d + j]).sum();
                projector[i * d + j] = f64::from(u8::from(i == j)) - inner;
            }
        }
        let upper = &mut work.x[..d * d];
        for i in 0..d {
            for j in 0..d {
                upper[i * d + j] = if j >= i { work.gram[i * d + j] } else { 0.0 };
            }
        }
        let bias = &mut work.within[..d * d];
        multiply(bias, projector, upper, d, d);
        super::dense::solve_upper(&work.gram, d, bias, d);
        let bias2 = self.design.r2() / d as f64 * energy(bias);
        Ok(ConditionalRisk { bias2, var: self.design.s2() * var })
    }

    /// Subtracts the bag means from the rows.
    fn centre(&self, work: &mut RidgelessWork) {
        let (k, d) = (self.design.k(), self.design.d());
        let root = (k as f64).sqrt();
        for (bag, a) in work.x.chunks_exact_mut(k * d).zip(work.a.chunks_exact(d)) {
            for row in bag.chunks_exact_mut(d) {
                add_multiple(row, -1.0 / root, a);
            }
        }
    }
}

/// Upper triangle of `rows rows'`.
fn outer_gram(g: &mut [f64], rows: &[f64], n: usize, d: usize) {
    for i in 0..n {
        for j in i..n {
            let inner = dot(&rows[i * d..(i + 1) * d], &rows[j * d..(j + 1) * d]);
            g[i * n + j] = inner;
            g[j * n + i] = inner;
        }
    }
}

fn transpose(out: &mut [f64], a: &[f64], rows: usize, columns: usize) {
    for i in 0..rows {
        for j in 0..columns {
            out[j * rows + i] = a[i * columns + j];
        }
    }
}

fn identity(out: &mut [f64], d: usize) {
    out.fill(0.0);
    for i in 0..d {
        out[i * d + i] = 1.0;
    }
}

/// Factors the matrix in place and returns the trace of its inverse, `|R^(-T)|_F^2`.
fn inverse_trace(g: &mut [f64], scratch: &mut [f64], d: usize) -> Result<f64, SimulationError> {
    cholesky(g, d)?;
    identity(scratch, d);
    solve_transposed(g, d, scratch, d);
    Ok(energy(&scratch[..d * d]))
}

/// Sums of an n x n matrix over k x k blocks.
fn block_sums(out: &mut [f64], a: &[f64], n: usize, k: usize) {
    let m = n / k;
    out[..m * m].fill(0.0);
    for i in 0..n {
        for j in 0..n {
            out[i / k * m + j / k] += a[i * n + j];
        }
    }
}
