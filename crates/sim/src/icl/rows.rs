//! Squared error of `x_q' A s` on prompts drawn from a table, or from the Gaussian law of the same covariance.
use rand::RngExt;
use solvable_linalg::{Mat, MatRef, matmul, transpose_matmul};
use solvable_model::{Covariance, InputError};

use crate::monte_carlo::{Moments, ReplicaError, replicate};
use crate::normal;

/// Where the covariates of a prompt come from.
#[derive(Clone, Copy, Debug)]
pub enum Covariates<'a> {
    /// Rows of a table, drawn with replacement; their second moment need not be computed.
    Rows(MatRef<'a, f64>),
    /// Gaussian with this covariance.
    Gaussian(&'a Covariance),
}

/// Prompts with Gaussian tasks of second moment Psi and Gaussian label noise.
#[derive(Clone, Copy, Debug)]
pub struct PromptLaw<'a> {
    /// Where covariates come from, context and query alike.
    pub covariates: Covariates<'a>,
    /// Second moment of the task.
    pub psi: &'a Covariance,
    /// Label noise variance.
    pub sigma2: f64,
    /// Examples in context.
    pub length: usize,
}

/// Moments over `prompts` simulated prompts of the squared error of `x_q' A s`, `s = (1/M) sum x_i y_i` (s = 0 for M = 0),
/// averaged over the query: `(A s - w)' Lambda (A s - w)`.
///
/// Context, noise and task are drawn; the mean over the query is exact, since only its second moment Lambda enters, and
/// leaves a far less skewed summand. O(M d + d^2) a prompt: everything is expressed in the eigenbasis of Lambda.
///
/// # Errors
/// [`RowsError`] when the law or A is malformed, or when a prompt overflows.
pub fn prompt_losses(
    law: PromptLaw<'_>,
    a: MatRef<'_, f64>,
    seed: u64,
    prompts: u64,
) -> Result<Moments, RowsError> {
    let d = law.psi.dimension();
    InputError::check_nonnegative("sigma2", law.sigma2)?;
    if (a.nrows(), a.ncols()) != (d, d) {
        let found = (a.nrows(), a.ncols());
        return Err(InputError::Shape { argument: "A".into(), found, expected: (d, d) }.into());
    }
    let of_rows;
    let second_moment = match law.covariates {
        Covariates::Gaussian(c) => c,
        Covariates::Rows(rows) => {
            let n = InputError::check_count("rows", rows.nrows())? as f64;
            let gram = transpose_matmul(rows, rows);
            let width = rows.ncols();
            let mean = Mat::from_fn(width, width, |i, j| gram[(i, j)] / n);
            of_rows = Covariance::dense("second moment of the rows", mean.as_ref())?;
            &of_rows
        }
    };
    if second_moment.dimension() != d {
        let found = (1, second_moment.dimension());
        return Err(InputError::Shape { argument: "covariates".into(), found, expected: (1, d) }.into());
    }
    let v = second_moment.eigenvectors();
    let lambda = second_moment.eigenvalues();
    let scales: Vec<f64> = lambda.iter().map(|l| l.sqrt()).collect();
    let a = transpose_matmul(v, matmul(a, v).as_ref());
    // Tasks w = F z with F F' = Psi.
    let root = transpose_matmul(v, law.psi.sqrt().as_ref());
    let table: Vec<f64> = match law.covariates {
        Covariates::Rows(rows) => {
            let rotated = matmul(rows, v);
            (0..rows.nrows() * d).map(|k| rotated[(k / d, k % d)]).collect()
        }
        Covariates::Gaussian(_) => Vec::new(),
    };
    let count = table.len() / d;
    let sigma = law.sigma2.sqrt();
    let moments = replicate(
        seed,
        prompts,
        || [vec![0.0; d], vec![0.0; d], vec![0.0; d], vec![0.0; d], vec![0.0; law.length]],
        |stream, [x, w, s, z, noise]| {
            normal::fill(stream, z);
            product(&root, z, w);
            normal::fill(stream, noise);
            s.fill(0.0);
            for noise in noise.iter() {
                let x: &[f64] = if count > 0 {
                    let row = stream.random_range(0..count as u64) as usize;
                    &table[row * d..(row + 1) * d]
                } else {
                    normal::fill(stream, x);
                    for (x, s) in x.iter_mut().zip(&scales) {
                        *x *= s;
                    }
                    x
                };
                let y = dot(x, w) + sigma * noise;
                for (s, x) in s.iter_mut().zip(x) {
                    *s += x * y;
                }
            }
            let inverse = 1.0 / law.length.max(1) as f64;
            s.iter_mut().for_each(|s| *s *= inverse);
            product(&a, s, z);
            let loss =
                lambda.iter().zip(z.iter().zip(w.iter())).map(|(l, (v, w))| l * (v - w) * (v - w)).sum();
            Ok::<f64, InputError>(loss)
        },
    )?;
    Ok(moments)
}

/// Why a simulation on a table was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowsError {
    /// The law or the predictor is malformed.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A replica failed.
    #[error(transparent)]
    Replica(#[from] ReplicaError<InputError>),
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

/// `out = m x`, column by column.
fn product(m: &Mat<f64>, x: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    for (j, &v) in x.iter().enumerate() {
        for (o, e) in out.iter_mut().zip(m.col(j).iter()) {
            *o += e * v;
        }
    }
}
