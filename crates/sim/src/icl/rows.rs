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
/// leaves a far less skewed summand. O(M d + d^2) a prompt: everything is expressed in the eigenbasis of Lambda. Covariates in
/// units of more than 64 to 1 are brought to one by powers of two first, an equal problem: eigenvalues and roots are accurate
/// relative to the largest only.
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
    if let Some(units) = units(second_moment) {
        // x = D x', w = D^-1 w': the same labels and the same error, with D A D for A.
        let psi = Mat::from_fn(d, d, |i, j| law.psi.matrix()[(i, j)] * units[i] * units[j]);
        let psi = Covariance::dense("Psi", psi.as_ref())?;
        let a = Mat::from_fn(d, d, |i, j| a[(i, j)] * units[i] * units[j]);
        let (table, gaussian);
        let covariates = match law.covariates {
            Covariates::Rows(rows) => {
                table = Mat::from_fn(rows.nrows(), d, |i, j| rows[(i, j)] / units[j]);
                Covariates::Rows(table.as_ref())
            }
            Covariates::Gaussian(c) => {
                let scaled = Mat::from_fn(d, d, |i, j| c.matrix()[(i, j)] / units[i] / units[j]);
                gaussian = Covariance::dense("covariance", scaled.as_ref())?;
                Covariates::Gaussian(&gaussian)
            }
        };
        return prompt_losses(PromptLaw { covariates, psi: &psi, ..law }, a.as_ref(), seed, prompts);
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

/// Powers of two near the standard deviations, where these differ by more than 64; 1 for a constant covariate, which has none.
fn units(second_moment: &Covariance) -> Option<Vec<f64>> {
    let deviation = |i: usize| second_moment.matrix()[(i, i)].max(0.0).sqrt();
    let near = |x: f64| if x > 0.0 { x.log2().round().exp2() } else { 1.0 };
    let spread: Vec<f64> = (0..second_moment.dimension()).map(deviation).filter(|&x| x > 0.0).collect();
    let (least, largest) =
        spread.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), &x| (low.min(x), high.max(x)));
    // Rounded units leave a spread of at most 2: what has been scaled is not scaled again.
    (largest > 64.0 * least).then(|| (0..second_moment.dimension()).map(|i| near(deviation(i))).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Covariates in other units, with task and predictor in the inverse ones, are the same problem, and the same streams draw it.
    /// Powers of two change no rounding, so the bits are the same too.
    #[test]
    fn losses_do_not_depend_on_the_units_of_single_covariates() {
        let lambda = [[1.5, 0.4, 0.0], [0.4, 1.0, 0.2], [0.0, 0.2, 0.6]];
        let psi = [[1.0, -0.3, 0.1], [-0.3, 0.8, 0.0], [0.1, 0.0, 0.5]];
        let run = |k: i32, rows: bool| {
            let unit = [2.0_f64.powi(k), 1.0, 2.0_f64.powi(-k)];
            let scaled = |m: &[[f64; 3]; 3], p: i32| {
                Mat::from_fn(3, 3, |i, j| m[i][j] * unit[i].powi(p) * unit[j].powi(p))
            };
            let covariance = Covariance::dense("Lambda", scaled(&lambda, 1).as_ref()).expect("valid");
            let task = Covariance::dense("Psi", scaled(&psi, -1).as_ref()).expect("valid");
            let table = Mat::from_fn(7, 3, |i, j| ((i * 5 + j * 3) % 7) as f64 * unit[j] - 3.0 * unit[j]);
            let a = Mat::from_fn(3, 3, |i, j| (0.4 - 0.1 * (i + j) as f64) / unit[i] / unit[j]);
            let covariates =
                if rows { Covariates::Rows(table.as_ref()) } else { Covariates::Gaussian(&covariance) };
            let law = PromptLaw { covariates, psi: &task, sigma2: 0.25, length: 6 };
            prompt_losses(law, a.as_ref(), 7, 4000).expect("finite")
        };
        for rows in [false, true] {
            // The reference is far enough from one unit to be scaled too: the streams then meet the same matrices.
            let one = run(8, rows);
            for k in [13, 27, -27] {
                let same = run(k, rows);
                assert_eq!(same.mean(), one.mean(), "{rows} 2^{k}");
            }
        }
    }
}
