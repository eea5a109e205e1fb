//! `solvable study icl`: in-context regression on the user's own covariates.
//!
//! The second moment of the rows is taken as Lambda; theory predicts the trained layer and its risk for it. Two
//! simulations judge the prediction: prompts of Gaussian covariates with that second moment, and prompts whose
//! covariates are the user's rows themselves, drawn with replacement. For the latter the exact risk (ICL-9 averaged over
//! tasks) is known too, so that the price of non-Gaussian rows is a number and not noise.
use std::path::PathBuf;

use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
use serde::Serialize;
use solvable_linalg::{Mat, MatRef, transpose_matmul};
use solvable_model::Covariance;
use solvable_model::icl::{RegressionTask, TestPrompts};
use solvable_sim::icl::{Covariates, PromptLaw, prompt_losses};
use solvable_theory::icl::{LengthRisk, Whitened, minimizer, minimum, risk, risk_on_gaussian, risk_on_rows};

use crate::Verdict;
use crate::cell::{Purpose, cell_seed};
use crate::check::POWER_QUANTILE;
use crate::figure::{Axis, Colour, Figure, Panel};
use crate::input::Table;
use crate::provenance::Provenance;
use crate::statistics::normal_quantile_two_sided;
use crate::study::{Centring, Features, StudyError};

/// What to study.
#[derive(Clone, Debug)]
pub struct StudyOptions {
    /// Table of covariates, samples as rows.
    pub features: PathBuf,
    /// Training context length N.
    pub context: usize,
    /// Label noise variance sigma2.
    pub noise: f64,
    /// Second moment of the task: a d x d table, or d diagonal entries; the identity when absent.
    pub prior: Option<PathBuf>,
    /// Treatment of the columns.
    pub treatment: Centring,
    /// Test lengths; around N when empty.
    pub lengths: Vec<usize>,
    /// Factors by which all test covariates are multiplied.
    pub stretches: Vec<f64>,
    /// Bootstrap resamples of the rows; 0 for none, else at least 20.
    pub bootstrap: usize,
    /// Simulated prompts a law and a length of at least N; up to 64 times as many for shorter ones.
    pub prompts: u64,
    /// Seed.
    pub seed: u64,
}

/// A number with its 95% bootstrap interval, where one was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The value on the data.
    pub value: f64,
    /// Lower end, from resampled rows.
    pub low: Option<f64>,
    /// Upper end, from resampled rows.
    pub high: Option<f64>,
}

/// A simulated risk beside its prediction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Simulated {
    /// Mean squared error over the prompts.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// `(mean - prediction) / standard_error`.
    pub z: f64,
    /// Threshold of |z|: the normal quantile plus `|skewness| (q^2 - 1) / (6 sqrt(n))`, the first term that skewness adds
    /// to a quantile of the mean (Cornish and Fisher).
    pub critical: f64,
    /// Whether that correction is small enough to trust, `|skewness| q^3 <= 6 sqrt(n)`.
    pub judged: bool,
}

/// The risk at one test length.
#[derive(Clone, Debug, Serialize)]
pub struct LengthRow {
    /// Examples in the test prompt, M.
    pub length: usize,
    /// Predicted for Gaussian covariates (ICL-5).
    pub gaussian: Interval,
    /// Exact for covariates drawn from the rows (ICL-9).
    pub rows: Interval,
    /// `rows / gaussian - 1`: what the rows' fourth moments add.
    pub discrepancy: Interval,
    /// Simulated with Gaussian covariates.
    pub simulated_gaussian: Simulated,
    /// Simulated with rows drawn with replacement.
    pub simulated_rows: Simulated,
}

/// What a stretch of all test covariates costs at length N (ICL-8).
#[derive(Clone, Debug, Serialize)]
pub struct StretchRow {
    /// Factor gamma.
    pub factor: f64,
    /// Risk of the trained layer on stretched prompts.
    pub risk: Interval,
    /// Risk of the layer that had been trained on stretched prompts.
    pub retrained: Interval,
}

/// The result of a study.
#[derive(Clone, Debug, Serialize)]
pub struct Study {
    /// Version, commit, instruction set.
    pub provenance: Provenance,
    /// The features file.
    pub features: PathBuf,
    /// Samples.
    pub samples: usize,
    /// Features d.
    pub dimension: usize,
    /// Treatment of the columns.
    pub treatment: Centring,
    /// Names of constant columns.
    pub constant_columns: Vec<String>,
    /// Training context length N.
    pub context: usize,
    /// Noise variance.
    pub noise: f64,
    /// Seed.
    pub seed: u64,
    /// Eigenvalues of Lambda above n eps times the largest.
    pub rank: usize,
    /// `tr(Lambda)^2 / tr(Lambda^2)`.
    pub effective_rank: f64,
    /// Largest over smallest eigenvalue of that rank.
    pub condition: f64,
    /// Eigenvalues of Lambda, descending.
    pub spectrum: Vec<f64>,
    /// `t = tr(Lambda Psi)`: the risk of predicting 0.
    pub signal: f64,
    /// The minimizer A*, row by row.
    pub minimizer: Vec<Vec<f64>>,
    /// Its loss at length N.
    pub minimum: Interval,
    /// Risk against test length.
    pub lengths: Vec<LengthRow>,
    /// Covariate shift by a factor.
    pub stretches: Vec<StretchRow>,
    /// Bootstrap resamples.
    pub bootstrap: usize,
    /// Prompts a simulated point at lengths of at least N.
    pub prompts: u64,
    /// Rejection threshold of |z|: [`FAMILY_LEVEL`] shared by the comparisons, before the correction for skewness.
    pub critical_z: f64,
    /// The largest |z| over all simulated points.
    pub largest_z: f64,
    /// The coarsest relative change of a prediction that its simulation would have noticed (probability 0.95).
    pub resolution: f64,
    /// Whether simulation agrees with theory.
    pub verdict: Verdict,
}

/// Probability that a study of a true prediction reports a disagreement, over all its comparisons.
pub const FAMILY_LEVEL: f64 = 1e-3;

/// The numbers that are bootstrapped, in one vector.
struct Point {
    task: RegressionTask,
    a: Mat<f64>,
    numbers: Vec<f64>,
}

/// Runs a study.
///
/// # Errors
/// [`StudyError`] naming the file, row, column, option or condition.
pub fn study(options: &StudyOptions) -> Result<Study, StudyError> {
    check_options(options)?;
    let features = Features::read(&options.features, options.treatment)?;
    let d = features.dimension();
    let psi = prior(options, d)?;
    let lengths = lengths(options);
    let point = evaluate(features.values(), &psi, options, &lengths)?;
    let spread = bootstrap(&features, &psi, options, &lengths)?;
    // Discrepancies are ratios minus 1: intervals are made of the ratios.
    let shift = |k: usize| if k >= 1 && k < 1 + 3 * lengths.len() && k.is_multiple_of(3) { 1.0 } else { 0.0 };
    let interval = |k: usize| interval(point.numbers[k], spread.iter().map(|row| row[k]), shift(k));
    let lambda = point.task.lambda();
    let comparisons = 2 * lengths.len();
    let quantile = normal_quantile_two_sided(FAMILY_LEVEL / comparisons as f64);
    let mut rows = Vec::new();
    for (i, &length) in lengths.iter().enumerate() {
        let [gaussian, on_rows, discrepancy] = [0, 1, 2].map(|k| interval(1 + 3 * i + k));
        let simulate = |name: &str, covariates: Covariates<'_>, predicted: f64| {
            let law = PromptLaw { covariates, psi: &psi, sigma2: options.noise, length };
            let parameters = crate::Parameters::new().with("M", length).with("law", name);
            let seed = cell_seed(options.seed, "study", "icl", Purpose::Decision, &parameters);
            // Shorter prompts are cheaper and more skewed: more of them, at equal cost.
            let prompts =
                options.prompts.saturating_mul((options.context / length.max(1)).clamp(1, 64) as u64);
            let m = prompt_losses(law, point.a.as_ref(), seed, prompts).map_err(StudyError::refused)?;
            let error = m.standard_error();
            let z = if error > 0.0 { (m.mean() - predicted) / error } else { 0.0 };
            let skew = m.skewness().abs() / (6.0 * (m.count() as f64).sqrt());
            let judged = skew * quantile.powi(3) <= 1.0;
            let critical = quantile + skew * (quantile * quantile - 1.0);
            Ok::<_, StudyError>(Simulated { mean: m.mean(), standard_error: error, z, critical, judged })
        };
        rows.push(LengthRow {
            length,
            gaussian,
            rows: on_rows,
            discrepancy,
            simulated_gaussian: simulate("gaussian", Covariates::Gaussian(lambda), gaussian.value)?,
            simulated_rows: simulate("rows", Covariates::Rows(features.values()), on_rows.value)?,
        });
    }
    let offset = 1 + 3 * lengths.len();
    let stretches = options.stretches.iter().enumerate().map(|(i, &factor)| StretchRow {
        factor,
        risk: interval(offset + 2 * i),
        retrained: interval(offset + 2 * i + 1),
    });
    let spectrum = lambda.eigenvalues().to_vec();
    let floor = features.rows() as f64 * f64::EPSILON * spectrum[0];
    let rank = spectrum.iter().filter(|l| **l > floor).count();
    // Ratios to the largest eigenvalue: squares of tiny or huge ones stay in range.
    let relative: Vec<f64> = spectrum.iter().map(|l| l / spectrum[0]).collect();
    let effective_rank = relative.iter().sum::<f64>().powi(2) / relative.iter().map(|l| l * l).sum::<f64>();
    let points = || {
        rows.iter().flat_map(|r: &LengthRow| {
            [(r.gaussian.value, r.simulated_gaussian), (r.rows.value, r.simulated_rows)]
        })
    };
    let largest_z = points().map(|(_, s)| s.z.abs()).fold(0.0, f64::max);
    let resolution = points()
        .map(|(p, s)| (s.critical + POWER_QUANTILE) * s.standard_error / p.abs().max(f64::MIN_POSITIVE))
        .fold(0.0, f64::max);
    let verdict = if points().any(|(_, s)| s.judged && s.z.abs() > s.critical) {
        Verdict::Fail
    } else if points().any(|(_, s)| !s.judged) {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    };
    Ok(Study {
        provenance: Provenance::current(),
        features: features.path().to_owned(),
        samples: features.rows(),
        dimension: d,
        treatment: features.treatment(),
        constant_columns: features.constant().iter().map(|&j| features.columns()[j].clone()).collect(),
        context: options.context,
        noise: options.noise,
        seed: options.seed,
        rank,
        effective_rank,
        condition: spectrum[0] / spectrum[rank.max(1) - 1],
        signal: point.task.signal(),
        minimizer: solvable_linalg::to_rows(point.a.as_ref()),
        minimum: interval(0),
        stretches: stretches.collect(),
        bootstrap: options.bootstrap,
        prompts: options.prompts,
        critical_z: quantile,
        largest_z,
        resolution,
        verdict,
        lengths: rows,
        spectrum,
    })
}

/// The basic bootstrap interval of a positive quantity, on the logarithmic scale: resampled values are to the value as the
/// value is to the truth. It undoes the bias of resampling (repeated rows lower the rank), which percentiles double.
/// `value + shift` is the positive quantity.
fn interval(value: f64, resampled: impl Iterator<Item = f64>, shift: f64) -> Interval {
    let mut column: Vec<f64> = resampled.map(|v| v + shift).collect();
    column.sort_by(f64::total_cmp);
    let positive = value + shift;
    let at = |q: f64| {
        let other = *column.get(((column.len().max(1) - 1) as f64 * q).round() as usize)?;
        Some(if other > 0.0 { positive * (positive / other) - shift } else { value })
    };
    Interval { value, low: at(0.975), high: at(0.025) }
}

fn check_options(options: &StudyOptions) -> Result<(), StudyError> {
    let refuse = |option, value, condition| Err(StudyError::Option { option, value, condition });
    if options.context == 0 {
        return refuse("context", 0.0, "at least 1");
    }
    if !(options.noise.is_finite() && options.noise >= 0.0) {
        return refuse("noise", options.noise, "finite and at least 0");
    }
    if options.bootstrap > 0 && options.bootstrap < 20 {
        return refuse("bootstrap", options.bootstrap as f64, "0, or at least 20 for 95% intervals");
    }
    if options.prompts < 100 {
        return refuse("prompts", options.prompts as f64, "at least 100");
    }
    if let Some(&bad) = options.stretches.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
        return refuse("stretch", bad, "finite and greater than 0");
    }
    Ok(())
}

fn lengths(options: &StudyOptions) -> Vec<usize> {
    let n = options.context;
    let mut lengths = if options.lengths.is_empty() {
        vec![1, n / 4, n / 2, n, 2 * n, 4 * n]
    } else {
        options.lengths.clone()
    };
    if options.lengths.is_empty() {
        lengths.retain(|m| *m > 0);
    }
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

/// The prior of the task.
fn prior(options: &StudyOptions, d: usize) -> Result<Covariance, StudyError> {
    let Some(path) = &options.prior else { return Ok(Covariance::isotropic("Psi", d, 1.0)?) };
    let table = Table::read(path)?.values;
    let found = (table.nrows(), table.ncols());
    if found == (d, d) {
        Ok(Covariance::dense("Psi", table.as_ref())?)
    } else if found == (1, d) || found == (d, 1) {
        let entries: Vec<f64> =
            (0..d).map(|k| if found.0 == 1 { table[(0, k)] } else { table[(k, 0)] }).collect();
        Ok(Covariance::diagonal("Psi", &entries)?)
    } else {
        let reason = "a prior is a d x d matrix, or d diagonal entries, for d feature columns";
        Err(StudyError::Mismatch { path: path.clone(), found, expected: (d, d), reason })
    }
}

/// The prediction for one table: L*, then (Gaussian, rows, discrepancy) a length, then (risk, retrained) a stretch.
fn evaluate(
    x: MatRef<'_, f64>,
    psi: &Covariance,
    options: &StudyOptions,
    lengths: &[usize],
) -> Result<Point, StudyError> {
    let (n, d) = (x.nrows() as f64, x.ncols());
    let gram = transpose_matmul(x, x);
    let lambda = Covariance::dense("Lambda", Mat::from_fn(d, d, |i, j| gram[(i, j)] / n).as_ref())?;
    let task = RegressionTask::new(lambda.clone(), psi.clone(), options.noise, options.context)?;
    let law = Whitened::new(&task).map_err(StudyError::refused)?;
    let a = minimizer(&law).map_err(StudyError::refused)?;
    let mut numbers = vec![minimum(&law).map_err(StudyError::refused)?];
    let gaussian: LengthRisk = risk_on_gaussian(&task, a.as_ref()).map_err(StudyError::refused)?;
    let rows = risk_on_rows(a.as_ref(), x, psi, options.noise).map_err(StudyError::refused)?;
    for &length in lengths {
        let (g, r) = (gaussian.at(length), rows.at(length));
        numbers.extend([g, r, if g > 0.0 { r / g - 1.0 } else { 0.0 }]);
    }
    for &factor in &options.stretches {
        let stretched = lambda.scaled(factor * factor)?;
        let prompts = TestPrompts::new(
            stretched.clone(),
            stretched.clone(),
            psi.clone(),
            options.noise,
            options.context,
        )?;
        let trained = risk(a.as_ref(), &prompts).map_err(StudyError::refused)?;
        let other = RegressionTask::new(stretched, psi.clone(), options.noise, options.context)?;
        let best = Whitened::new(&other).and_then(|law| minimum(&law)).map_err(StudyError::refused)?;
        numbers.extend([trained, best]);
    }
    Ok(Point { task, a, numbers })
}

/// The same numbers for resampled rows, one replica a stream. Resamples without variation are drawn again.
fn bootstrap(
    features: &Features,
    psi: &Covariance,
    options: &StudyOptions,
    lengths: &[usize],
) -> Result<Vec<Vec<f64>>, StudyError> {
    let seed = cell_seed(options.seed, "study", "icl", Purpose::Pilot, &crate::Parameters::new());
    let n = features.rows();
    (0..options.bootstrap as u64)
        .into_par_iter()
        .map(|replica| {
            let mut rng = ChaCha12Rng::seed_from_u64(seed);
            rng.set_stream(replica);
            loop {
                let rows: Vec<usize> = (0..n).map(|_| rng.random_range(0..n as u64) as usize).collect();
                if let Some(values) = features.resampled(&rows) {
                    return evaluate(values.as_ref(), psi, options, lengths).map(|p| p.numbers);
                }
            }
        })
        .collect()
}

impl Study {
    /// Exit status: 0 agreement, 1 disagreement, 3 not conclusive.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self.verdict {
            Verdict::Pass | Verdict::Recorded => 0,
            Verdict::Inconclusive => 3,
            Verdict::Fail => 1,
        }
    }

    /// Risk against test length, and against the stretch of the covariates.
    #[must_use]
    pub fn figure(&self) -> Figure {
        let x = |r: &LengthRow| r.length as f64;
        let rows: Vec<&LengthRow> = self.lengths.iter().filter(|r| r.length > 0).collect();
        let band = |f: fn(&LengthRow) -> Interval| {
            let band = rows.iter().filter_map(move |r| Some((x(r), f(r).low?, f(r).high?)));
            band.collect::<Vec<_>>()
        };
        let points = |f: fn(&LengthRow) -> Simulated| {
            rows.iter().map(|r| (x(r), f(r).mean, f(r).critical * f(r).standard_error)).collect::<Vec<_>>()
        };
        let mut risk = Panel::new(Axis::log("test length M (examples)"), Axis::log("risk"))
            .title("Risk against test length");
        if self.bootstrap > 0 {
            risk = risk.band("95% bootstrap, Gaussian", Colour::Blue, band(|r| r.gaussian)).band(
                "95% bootstrap, rows",
                Colour::Orange,
                band(|r| r.rows),
            );
        }
        let risk = risk
            .line("predicted, Gaussian", Colour::Blue, rows.iter().map(|r| (x(r), r.gaussian.value)))
            .points("simulated, Gaussian", Colour::Blue, points(|r| r.simulated_gaussian))
            .line("exact, own rows", Colour::Orange, rows.iter().map(|r| (x(r), r.rows.value)))
            .points("simulated, own rows", Colour::Orange, points(|r| r.simulated_rows));
        let mut figure = Figure::new(format!(
            "{}: {} samples, d = {}, N = {}, noise {}, {} prompts a point, seed {}",
            self.features.display(),
            self.samples,
            self.dimension,
            self.context,
            self.noise,
            self.prompts,
            self.seed
        ))
        .panel(risk);
        if self.stretches.len() > 1 {
            let curve = |f: fn(&StretchRow) -> f64| self.stretches.iter().map(move |r| (r.factor, f(r)));
            figure = figure.panel(
                Panel::new(Axis::log("stretch of the covariates"), Axis::log("risk at M = N"))
                    .title("Covariate shift by a factor")
                    .line("trained on the data", Colour::Blue, curve(|r| r.risk.value))
                    .dashed("trained on stretched data", Colour::Green, curve(|r| r.retrained.value)),
            );
        }
        figure
    }
}
