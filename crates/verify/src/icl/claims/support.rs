//! What the claims of this chapter share: cells, random instances, estimates.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use solvable_linalg::{Mat, MatRef};
use solvable_model::Covariance;
use solvable_model::icl::RegressionTask;
use solvable_sim::monte_carlo::{Stream, replicate};
use solvable_sim::normal;
use solvable_theory::icl::{IclError, Whitened};

use crate::statistics::Estimate;
use crate::{Cell, CheckError, Parameters};

impl From<IclError> for CheckError {
    fn from(error: IclError) -> Self {
        Self::from_error(error)
    }
}

/// A task with a name and further numbers that identify the cell.
#[derive(Clone, Debug)]
pub(super) struct Case {
    label: &'static str,
    /// The task.
    pub(super) task: RegressionTask,
    values: Vec<(&'static str, f64)>,
    /// A predictor or another matrix that belongs to the cell.
    pub(super) matrix: Mat<f64>,
}

impl Case {
    /// A named task; the matrix is a fixed nonsymmetric one near I/3.
    pub(super) fn new(label: &'static str, task: RegressionTask) -> Self {
        let d = task.dimension();
        let matrix = Mat::from_fn(d, d, |i, j| {
            let diagonal = if i == j { 0.35 } else { 0.0 };
            diagonal + 0.2 / d as f64 * (1.0 + 2.0 * i as f64 - 3.0 * j as f64).sin()
        });
        Self { label, task, values: Vec::new(), matrix }
    }

    /// Adds an identifying number.
    pub(super) fn with(mut self, name: &'static str, value: f64) -> Self {
        self.values.push((name, value));
        self
    }

    /// Sets the matrix.
    pub(super) fn with_matrix(mut self, matrix: Mat<f64>) -> Self {
        self.matrix = matrix;
        self
    }

    /// The number of this name.
    pub(super) fn get(&self, name: &str) -> f64 {
        self.values.iter().find(|(n, _)| *n == name).map_or(f64::NAN, |(_, v)| *v)
    }

    /// The same number as a count.
    pub(super) fn count(&self, name: &str) -> usize {
        self.get(name) as usize
    }

    /// The same cell with another task: how wrong formulas are made.
    pub(super) fn retask(&self, task: RegressionTask) -> Self {
        Self { task, ..self.clone() }
    }

    /// The same cell with the noise forgotten.
    pub(super) fn noiseless(&self) -> Result<Self, CheckError> {
        let t = &self.task;
        Ok(self.retask(RegressionTask::new(t.lambda().clone(), t.psi().clone(), 0.0, t.context())?))
    }

    /// The same cell with N replaced by N + 1.
    pub(super) fn longer(&self) -> Result<Self, CheckError> {
        Ok(self.retask(self.task.with_context(self.task.context() + 1)?))
    }

    /// The whitened law of the task.
    pub(super) fn law(&self) -> Result<Whitened, CheckError> {
        Ok(Whitened::new(&self.task)?)
    }
}

impl Cell for Case {
    fn parameters(&self) -> Parameters {
        let mut p = Parameters::new()
            .with("law", self.label)
            .with("d", self.task.dimension())
            .with("N", self.task.context())
            .with("sigma2", self.task.sigma2());
        for &(name, value) in &self.values {
            p = p.with(name, value);
        }
        p
    }
}

/// A covariance from rows that are valid by construction.
pub(super) fn covariance(rows: &[&[f64]]) -> Covariance {
    let rows: Vec<Vec<f64>> = rows.iter().map(|r| r.to_vec()).collect();
    Covariance::from_rows("Lambda", &rows).expect("a valid covariance is written here")
}

/// A task from parts that are valid by construction.
pub(super) fn task(lambda: Covariance, psi: Covariance, sigma2: f64, context: usize) -> RegressionTask {
    RegressionTask::new(lambda, psi, sigma2, context).expect("a valid task is written here")
}

/// The isotropic task.
pub(super) fn isotropic(d: usize, lambda: f64, psi: f64, sigma2: f64, context: usize) -> RegressionTask {
    RegressionTask::isotropic(d, lambda, psi, sigma2, context).expect("a valid task is written here")
}

/// Two covariances that do not commute, with noise.
pub(super) fn dense3() -> RegressionTask {
    task(
        covariance(&[&[1.5, 0.4, 0.0], &[0.4, 1.0, 0.2], &[0.0, 0.2, 0.6]]),
        covariance(&[&[1.0, -0.3, 0.1], &[-0.3, 0.8, 0.0], &[0.1, 0.0, 0.5]]),
        0.25,
        8,
    )
}

/// A larger pair that does not commute: correlations `0.5^|i-j|` for covariates, `(-0.3)^|i-j|` for decreasing weights.
pub(super) fn dense(d: usize, sigma2: f64, context: usize) -> RegressionTask {
    let toeplitz = |base: f64, decay: f64| {
        let weight = |i: usize| (1.0 / (1.0 + decay * i as f64)).sqrt();
        let m = Mat::from_fn(d, d, |i, j| base.powi(i.abs_diff(j) as i32) * weight(i) * weight(j));
        Covariance::dense("Lambda", m.as_ref()).expect("a Toeplitz correlation is a covariance")
    };
    task(toeplitz(0.5, 0.0), toeplitz(-0.3, 0.3), sigma2, context)
}

/// A diagonal covariance of condition 4, no noise.
pub(super) fn diagonal3() -> RegressionTask {
    task(diagonal(&[2.0, 1.0, 0.5]), diagonal(&[1.0; 3]), 0.0, 10)
}

/// A diagonal covariance from entries that are valid by construction.
pub(super) fn diagonal(entries: &[f64]) -> Covariance {
    Covariance::diagonal("Lambda", entries).expect("a valid covariance is written here")
}

/// A power-law covariance of rank d - 2 with a full prior.
pub(super) fn rank_deficient(d: usize, sigma2: f64, context: usize) -> RegressionTask {
    let entries: Vec<f64> = (1..=d).map(|i| if i + 2 > d { 0.0 } else { 2.0 / i as f64 }).collect();
    task(diagonal(&entries), diagonal(&vec![1.0 / d as f64; d]), sigma2, context)
}

/// A random positive semidefinite matrix: Wishart with `rank` degrees of freedom, trace about d.
pub(super) fn random_covariance(rng: &mut ChaCha12Rng, d: usize, rank: usize) -> Covariance {
    let g = random_matrix(rng, d, rank.max(1));
    let scale = 1.0 / rank.max(1) as f64;
    let m = Mat::from_fn(d, d, |i, j| scale * (0..g.ncols()).map(|k| g[(i, k)] * g[(j, k)]).sum::<f64>());
    Covariance::dense("Lambda", m.as_ref()).expect("a Gram matrix is a covariance")
}

/// Independent standard normal entries.
pub(super) fn random_matrix(rng: &mut ChaCha12Rng, rows: usize, columns: usize) -> Mat<f64> {
    let mut entries = vec![0.0; rows * columns];
    normal::fill(rng, &mut entries);
    Mat::from_fn(rows, columns, |i, j| entries[i * columns + j])
}

/// A random task: dense, of random rank, noise and length.
pub(super) fn random_task(rng: &mut ChaCha12Rng, largest_d: usize, singular: bool) -> RegressionTask {
    let d = rng.random_range(1..=largest_d);
    let rank = |rng: &mut ChaCha12Rng| if singular { rng.random_range(1..=d) } else { d + 2 };
    let (r1, r2) = (rank(rng), rank(rng));
    let lambda = random_covariance(rng, d, r1);
    let psi = random_covariance(rng, d, r2);
    let sigma2 = if rng.random::<bool>() { 0.0 } else { rng.random::<f64>() * 2.0 };
    let context = rng.random_range(1..=40);
    task(lambda, psi, sigma2, context)
}

/// Monte Carlo over the replicas of a cell.
pub(super) fn average<W>(
    seed: u64,
    count: u64,
    work: impl Fn() -> W + Sync,
    draw: impl Fn(&mut Stream, &mut W) -> f64 + Sync,
) -> Result<Estimate, CheckError> {
    let moments =
        replicate(seed, count, work, |stream, w| Ok::<_, std::convert::Infallible>(draw(stream, w)))
            .map_err(CheckError::from_error)?;
    Ok(Estimate {
        mean: moments.mean(),
        variance: moments.variance(),
        skewness: moments.skewness(),
        count: moments.count(),
    })
}

/// Entries row by row.
pub(super) fn entries(m: MatRef<'_, f64>) -> Vec<f64> {
    (0..m.nrows()).flat_map(|i| (0..m.ncols()).map(move |j| m[(i, j)])).collect()
}

/// The transpose.
pub(super) fn transposed(m: MatRef<'_, f64>) -> Mat<f64> {
    m.transpose().to_owned()
}

/// `factor m`.
pub(super) fn scaled(m: MatRef<'_, f64>, factor: f64) -> Mat<f64> {
    Mat::from_fn(m.nrows(), m.ncols(), |i, j| factor * m[(i, j)])
}
