//! `solvable study aggregate`: learning from bags of the user's own table.
//!
//! Bags are formed at random or read; only their average labels are learnt from. The family of estimators is fitted over
//! a grid of (rho, lambda), one is chosen by the bag-level GCV score, and the deterministic equivalent with the estimated
//! covariance predicts the error on individual labels of all of them from the bags alone. Held-out individual
//! labels, where there are any, say what is true.
mod bags;
mod figure;
mod surrogate;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
use serde::{Serialize, Serializer};
use solvable_linalg::{Mat, MatRef, SymmetricEigen, symmetric_eigen, transpose_matmul};
use solvable_model::aggregate::{LabelPrivacy, Mixing};
use solvable_sim::aggregate::{Population, RidgeExperiment, laplace};
use solvable_sim::monte_carlo;
use solvable_theory::aggregate::{
    BagPath, PathPoint, bag_means, gcv_score, noise_of_privacy, optimal_bag_size,
};

use self::bags::Split;
use self::surrogate::{Reference, Sizes, Surrogate};
use crate::cell::{Parameters, Purpose, cell_seed};
use crate::input::Table;
use crate::provenance::Provenance;
use crate::study::{Centring, Features, StudyError};

/// What to study.
#[derive(Clone, Debug)]
pub struct StudyOptions {
    /// Table of covariates, samples as rows.
    pub features: PathBuf,
    /// One column: individual labels, one a row; or, with a bag file, average labels, one a bag.
    pub response: PathBuf,
    /// Size of random bags.
    pub bag_size: Option<usize>,
    /// File of bags.
    pub bags: Option<PathBuf>,
    /// Share of the rows held out.
    pub test_fraction: f64,
    /// Treatment of the columns; labels are centred by their bag average unless raw.
    pub treatment: Centring,
    /// Weights of the bag-level loss.
    pub rhos: Vec<f64>,
    /// Ridges; around the average eigenvalue of the covariance when empty.
    pub lambdas: Vec<f64>,
    /// Clip level of `label - label_center`, for private labels.
    pub clip: Option<f64>,
    /// Privacy level.
    pub epsilon: Option<f64>,
    /// Public centre that is subtracted before clipping.
    pub label_center: f64,
    /// Random splits; 0 for 20 on small tables and 1 on large ones.
    pub repeats: usize,
    /// Seed.
    pub seed: u64,
}

/// One estimator of the grid, averaged over the splits.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GridRow {
    /// Weight of the bag-level loss.
    pub rho: f64,
    /// Ridge.
    pub lambda: f64,
    /// Bag-level GCV score; null where the estimator interpolates.
    pub gcv: Option<f64>,
    /// Average leverage of the bag rows.
    pub leverage: f64,
    /// Predicted error on a fresh individual label, from bags alone.
    #[serde(serialize_with = "infinite_as_text")]
    pub predicted: f64,
    /// Mean squared error on held-out individual labels.
    pub measured: Option<f64>,
    /// Its standard error: over splits, or over test rows when there is one split.
    pub measured_error: Option<f64>,
}

/// The best ridge at one rho.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RhoRow {
    /// Tuned by GCV over lambda.
    pub tuned: GridRow,
    /// Error on simulated Gaussian tables over the predicted error, minus 1: same sizes, and the covariance,
    /// parameter and noise estimated on the first split.
    pub simulated: Option<f64>,
    /// Its standard error.
    pub simulated_error: Option<f64>,
    /// Without ridge, where lambda = 0 is in the grid.
    pub ridgeless: Option<GridRow>,
}

/// Predicted error against bag size.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SizeRow {
    /// Bag size.
    pub k: usize,
    /// Instance level, no ridge.
    #[serde(serialize_with = "infinite_as_text")]
    pub instance_ridgeless: f64,
    /// Instance level, best ridge of the grid.
    #[serde(serialize_with = "infinite_as_text")]
    pub instance: f64,
    /// Bag level, best ridge of the grid.
    #[serde(serialize_with = "infinite_as_text")]
    pub bag: f64,
}

/// The privacy of the released labels.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PrivacyRow {
    /// Clip level.
    pub clip: f64,
    /// Privacy level; null: clipped without noise.
    pub epsilon: Option<f64>,
    /// Share of training labels that were clipped.
    pub clipped: f64,
    /// `kappa = 8 T^2/eps^2`: noise variance of a released mean of k labels, times k, is kappa/k.
    pub kappa: f64,
}

/// The result of a study.
#[derive(Clone, Debug, Serialize)]
pub struct Study {
    /// Version, commit, instruction set.
    pub provenance: Provenance,
    /// The features file.
    pub features: PathBuf,
    /// The response file.
    pub response: PathBuf,
    /// Rows of the table.
    pub samples: usize,
    /// Features.
    pub dimension: usize,
    /// Treatment of the columns.
    pub treatment: Centring,
    /// Names of constant columns.
    pub constant_columns: Vec<String>,
    /// Training rows of the first split.
    pub training: usize,
    /// Held-out rows of the first split.
    pub held_out: usize,
    /// Bags of the first split.
    pub bags: usize,
    /// Their sizes, smallest and largest.
    pub sizes: (usize, usize),
    /// Splits.
    pub repeats: usize,
    /// Seed.
    pub seed: u64,
    /// Estimated rank of the covariance.
    pub rank: usize,
    /// Estimated signal `theta*' Sigma theta*`, mean over splits.
    pub signal: f64,
    /// Estimated noise variance of an individual label, mean over splits.
    pub noise: f64,
    /// Error of predicting the average, on held-out labels.
    pub baseline: Option<f64>,
    /// The estimators.
    pub grid: Vec<GridRow>,
    /// Best ridge at each rho.
    pub by_rho: Vec<RhoRow>,
    /// Index in `grid` of the estimator with the least GCV score on the first split.
    pub chosen: usize,
    /// Its coefficients on the first split, in units of the treated columns.
    pub coefficients: Vec<f64>,
    /// Predicted error against bag size, same training rows.
    pub by_size: Vec<SizeRow>,
    /// Bag size with the least predicted error at the best ridge of both losses.
    pub best_size: usize,
    /// Real-valued optimal bag size of the ridgeless instance-level loss for isotropic covariates of the same
    /// rank, signal and noise (AGG-9, AGG-11); "inf": predict the average.
    #[serde(serialize_with = "infinite_as_text")]
    pub isotropic_size: f64,
    /// Privacy, where asked for.
    pub privacy: Option<PrivacyRow>,
    /// Median over the grid of `|predicted/measured - 1|`.
    pub typical_discrepancy: Option<f64>,
}

fn infinite_as_text<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_infinite() { serializer.serialize_str("inf") } else { serializer.serialize_f64(*value) }
}

/// Above this many rows times squared features, Gaussian tables are not simulated and one split is the default.
const LARGE: f64 = 2e8;
/// Simulated tables a rho.
const SIMULATED: u64 = 48;

enum Labels {
    Individual(Vec<f64>),
    Means(Vec<f64>),
}

struct Problem<'a> {
    options: &'a StudyOptions,
    /// Treated covariates in at most as many coordinates as rows.
    x: MatRef<'a, f64>,
    labels: Labels,
    given: Option<Vec<Vec<usize>>>,
    privacy: Option<LabelPrivacy>,
    covariance: SymmetricEigen,
    rhos: Vec<Mixing>,
    lambdas: Vec<f64>,
    /// Rows times squared features above [`LARGE`].
    large: bool,
}

/// What one split gave.
struct Run {
    sizes: Sizes,
    surrogate: Surrogate,
    /// (rho, lambda) in the order of the grid.
    fits: Vec<Fit>,
    baseline: Option<f64>,
    clipped: f64,
    test_rows: usize,
}

struct Fit {
    point: PathPoint,
    gcv: Option<f64>,
    predicted: f64,
    /// Mean squared error and its standard error on test rows.
    measured: Option<(f64, f64)>,
}

/// Runs a study.
///
/// # Errors
/// [`StudyError`] naming the file, row, column, option or condition.
pub fn study(options: &StudyOptions) -> Result<Study, StudyError> {
    let privacy = check_options(options)?;
    let features = Features::read(&options.features, options.treatment)?;
    let (rows, dimension) = (features.rows(), features.dimension());
    let given = options.bags.as_ref().map(|path| bags::read(path, rows)).transpose()?;
    let labels = read_labels(options, rows, given.as_ref().map(Vec::len))?;
    let compressed = surrogate::compress(features.values())?;
    let x = compressed.as_ref().map_or_else(|| features.values(), |(z, _)| z.as_ref());
    let gram = transpose_matmul(x, x);
    let scaled = Mat::from_fn(gram.nrows(), gram.ncols(), |i, j| gram[(i, j)] / rows as f64);
    let covariance = symmetric_eigen(scaled.as_ref()).map_err(StudyError::refused)?;
    drop((gram, scaled));
    let large = rows as f64 * (x.ncols() as f64).powi(2) > LARGE;
    let repeats = match (&labels, options.repeats) {
        (Labels::Means(_), _) => 1,
        (_, 0) if large => 1,
        (_, 0) => 20,
        (_, count) => count,
    };
    let rhos = options.rhos.iter().map(|&rho| Mixing::new(rho)).collect::<Result<Vec<_>, _>>()?;
    let lambdas = lambdas(options, &covariance);
    let problem = Problem { options, x, labels, given, privacy, covariance, rhos, lambdas, large };
    // Large tables one after another: memory for one at a time.
    let runs: Vec<Run> = if large {
        (0..repeats as u64).map(|replica| problem.run(replica)).collect::<Result<_, _>>()?
    } else {
        (0..repeats as u64).into_par_iter().map(|replica| problem.run(replica)).collect::<Result<_, _>>()?
    };
    let grid = problem.grid(&runs);
    let first = &runs[0];
    let chosen = (0..grid.len())
        .filter(|&i| first.fits[i].gcv.is_some())
        .min_by(|&i, &j| {
            first.fits[i].gcv.unwrap_or(f64::INFINITY).total_cmp(&first.fits[j].gcv.unwrap_or(f64::INFINITY))
        })
        .unwrap_or(0);
    let theta = &first.fits[chosen].point.theta;
    let coefficients = compressed.as_ref().map_or_else(
        || theta.clone(),
        |(_, q)| {
            let mut out = vec![0.0; q.nrows()];
            solvable_linalg::mat_vec(q.as_ref(), theta, &mut out);
            out
        },
    );
    let by_rho = problem.by_rho(&grid, first, large)?;
    let by_size = problem.by_size(&runs)?;
    let best = |row: &SizeRow| row.instance.min(row.bag);
    let best_size = by_size.iter().min_by(|a, b| best(a).total_cmp(&best(b))).map_or(1, |row| row.k);
    let average = |f: fn(&Run) -> f64| runs.iter().map(f).sum::<f64>() / repeats as f64;
    let (signal, noise) = (average(|r| r.surrogate.signal()), average(|r| r.surrogate.s2));
    let rank = first.surrogate.rank();
    let gamma = rank as f64 / first.sizes.rows as f64;
    let mut discrepancies: Vec<f64> = grid
        .iter()
        .filter_map(|row| Some((row.predicted / row.measured? - 1.0).abs()))
        .filter(|v| v.is_finite())
        .collect();
    discrepancies.sort_by(f64::total_cmp);
    let baselines: Option<Vec<f64>> = runs.iter().map(|r| r.baseline).collect();
    Ok(Study {
        provenance: Provenance::current(),
        features: features.path().to_owned(),
        response: options.response.clone(),
        samples: rows,
        dimension,
        treatment: options.treatment,
        constant_columns: features.constant().iter().map(|&j| features.columns()[j].clone()).collect(),
        training: first.sizes.rows,
        held_out: first.test_rows,
        bags: first.sizes.bags,
        sizes: (
            first.sizes.counts.keys().next().copied().unwrap_or(0),
            first.sizes.counts.keys().next_back().copied().unwrap_or(0),
        ),
        repeats,
        seed: options.seed,
        rank,
        signal,
        noise,
        baseline: baselines.map(|b| b.iter().sum::<f64>() / b.len() as f64),
        grid,
        by_rho,
        chosen,
        coefficients,
        by_size,
        best_size,
        isotropic_size: optimal_bag_size(gamma, signal, noise, problem.privacy.as_ref())?,
        privacy: problem.privacy.map(|privacy| PrivacyRow {
            clip: privacy.clip_level(),
            epsilon: privacy.epsilon(),
            clipped: average(|r| r.clipped),
            kappa: noise_of_privacy(&privacy),
        }),
        typical_discrepancy: discrepancies.get(discrepancies.len() / 2).copied(),
    })
}

impl Problem<'_> {
    fn mean_eigenvalue(&self) -> f64 {
        self.covariance.values.iter().map(|s| s.max(0.0)).sum::<f64>()
    }

    fn run(&self, replica: u64) -> Result<Run, StudyError> {
        let options = self.options;
        let rows = self.x.nrows();
        let test_rows = match self.labels {
            Labels::Individual(_) => (options.test_fraction * rows as f64).round() as usize,
            Labels::Means(_) => 0,
        };
        let seed = cell_seed(options.seed, "study", "aggregate", Purpose::Decision, &Parameters::new());
        let k = options.bag_size.unwrap_or(1);
        let few = || {
            let condition =
                "at least 2 bags of training rows are needed: lower the bag size or the test fraction";
            StudyError::FewRows { path: options.features.clone(), rows, condition }
        };
        if self.given.is_none() && k > rows - test_rows {
            return Err(few());
        }
        let split = bags::split(rows, self.given.as_deref(), k, test_rows, seed, replica)?;
        if split.bags.bags() < 2 {
            return Err(few());
        }
        let (means, clipped) = self.release(&split, seed, replica)?;
        // Labels are centred by what the bags tell.
        let n = split.bags.rows() as f64;
        let offset = if options.treatment == Centring::Raw {
            0.0
        } else {
            means.iter().enumerate().map(|(a, y)| y * split.bags.size(a) as f64 / n).sum()
        };
        let means: Vec<f64> = means.iter().map(|y| y - offset).collect();
        let train = Mat::from_fn(split.train.len(), self.x.ncols(), |i, j| self.x[(split.train[i], j)]);
        let path = BagPath::new(train.as_ref(), &means, &split.bags).map_err(StudyError::refused)?;
        let averages = bag_means(train.as_ref(), &split.bags);
        drop(train);
        let points = self.points(&path)?;
        drop(path);
        let sizes = Sizes::of(&split.bags);
        let scores: Vec<Option<f64>> = points
            .iter()
            .enumerate()
            .map(|(i, point)| {
                gcv_score(averages.as_ref(), &means, &split.bags, self.rhos[i / self.lambdas.len()], point)
            })
            .collect();
        let surrogate = self.surrogate(&split, &means, &averages, &points, &scores, &sizes)?;
        let test = self.test_labels(&split, offset);
        let covariates = Mat::from_fn(split.test.len(), self.x.ncols(), |i, j| self.x[(split.test[i], j)]);
        let mut fits = Vec::with_capacity(points.len());
        let mut predictions = vec![0.0; split.test.len()];
        for (i, (point, gcv)) in points.into_iter().zip(scores).enumerate() {
            let (rho, lambda) = (self.rhos[i / self.lambdas.len()], self.lambdas[i % self.lambdas.len()]);
            let predicted = surrogate.error(&sizes, rho, lambda)?;
            let measured = test.as_ref().map(|labels| {
                solvable_linalg::mat_vec(covariates.as_ref(), &point.theta, &mut predictions);
                mean_square(labels.iter().zip(&predictions).map(|(y, f)| y - f))
            });
            fits.push(Fit { point, gcv, predicted, measured });
        }
        let baseline = test.as_ref().map(|labels| mean_square(labels.iter().copied()).0);
        Ok(Run { sizes, surrogate, fits, baseline, clipped, test_rows: split.test.len() })
    }

    /// Average labels as the learner sees them, and the share that was clipped.
    fn release(&self, split: &Split, seed: u64, replica: u64) -> Result<(Vec<f64>, f64), StudyError> {
        let labels = match &self.labels {
            Labels::Means(means) => return Ok((split.names.iter().map(|&b| means[b]).collect(), 0.0)),
            Labels::Individual(y) => y,
        };
        let train: Vec<f64> = split.train.iter().map(|&i| labels[i]).collect();
        let Some(privacy) = &self.privacy else { return Ok((split.bags.means(&train)?, 0.0)) };
        let centred: Vec<f64> = train.iter().map(|y| y - self.options.label_center).collect();
        let clipped = centred.iter().filter(|y| y.abs() > privacy.clip_level()).count();
        // A stream of its own: the noise must not repeat the shuffle.
        let mut rng = ChaCha12Rng::seed_from_u64(seed ^ 0x5eed_1ab1_e000_0001);
        rng.set_stream(replica);
        let means = privacy.release(&split.bags, &centred, |scale| laplace(&mut rng, scale))?;
        Ok((means, clipped as f64 / train.len() as f64))
    }

    fn test_labels(&self, split: &Split, offset: f64) -> Option<Vec<f64>> {
        let Labels::Individual(labels) = &self.labels else { return None };
        if split.test.len() < 2 {
            return None;
        }
        let center = if self.privacy.is_some() { self.options.label_center } else { 0.0 };
        Some(split.test.iter().map(|&i| labels[i] - center - offset).collect())
    }

    /// The grid: one decomposition a rho for all ridges, one for all rho < 1 without ridge.
    fn points(&self, path: &BagPath) -> Result<Vec<PathPoint>, StudyError> {
        let below = self.rhos.iter().any(|rho| rho.rho() < 1.0);
        let ridgeless = if below && self.lambdas.contains(&0.0) {
            Some(path.ridgeless().map_err(StudyError::refused)?)
        } else {
            None
        };
        let one_rho = |&rho: &Mixing| {
            let direct = |lambda: f64| lambda == 0.0 && rho.rho() < 1.0;
            let ridge = if self.lambdas.iter().all(|&l| direct(l)) {
                None
            } else {
                Some(path.at_rho(rho).map_err(StudyError::refused)?)
            };
            let point = |&lambda: &f64| match (&ridgeless, &ridge) {
                (Some(path), _) if direct(lambda) => path.at(rho).map_err(StudyError::refused),
                (_, Some(path)) => path.at(lambda).map_err(StudyError::refused),
                _ => Err(StudyError::Option { option: "lambda", value: lambda, condition: "in the grid" }),
            };
            self.lambdas.iter().map(point).collect::<Result<Vec<_>, StudyError>>()
        };
        // One decomposition holds about ten matrices d x d: as many of them as cores would outweigh a large table.
        let nested: Vec<Vec<PathPoint>> = if self.large {
            self.rhos.iter().map(one_rho).collect::<Result<_, _>>()?
        } else {
            self.rhos.par_iter().map(one_rho).collect::<Result<_, _>>()?
        };
        Ok(nested.into_iter().flatten().collect())
    }

    /// Calibrates on the bag-level ridge with the least GCV score; fitted for that purpose if rho = 1 is not in the grid.
    fn surrogate(
        &self,
        split: &Split,
        means: &[f64],
        averages: &Mat<f64>,
        points: &[PathPoint],
        scores: &[Option<f64>],
        sizes: &Sizes,
    ) -> Result<Surrogate, StudyError> {
        let m = split.bags.bags() as f64;
        let second_moment =
            means.iter().enumerate().map(|(a, y)| split.bags.size(a) as f64 * y * y).sum::<f64>() / m;
        let kappa = self.privacy.as_ref().map_or(0.0, noise_of_privacy);
        let count = self.lambdas.len();
        let in_grid = self
            .rhos
            .iter()
            .position(|rho| rho.rho() == 1.0)
            .filter(|_| self.lambdas.iter().any(|l| *l > 0.0));
        if let Some(place) = in_grid {
            let candidates = (place * count..(place + 1) * count).filter(|&i| self.lambdas[i % count] > 0.0);
            let best = candidates.filter_map(|i| Some((i, scores[i]?))).min_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((i, gcv)) = best {
                let (lambda, theta) = (self.lambdas[i % count], points[i].theta.as_slice());
                let reference = Reference { lambda, theta, gcv, second_moment };
                return Surrogate::calibrate(&self.covariance, sizes, kappa, reference);
            }
        }
        let train = Mat::from_fn(split.train.len(), self.x.ncols(), |i, j| self.x[(split.train[i], j)]);
        let path = BagPath::new(train.as_ref(), means, &split.bags).map_err(StudyError::refused)?;
        let ridge = path.at_rho(Mixing::BAG).map_err(StudyError::refused)?;
        let mut best: Option<(f64, PathPoint, f64)> = None;
        for lambda in default_lambdas(self.mean_eigenvalue() / self.covariance.values.len() as f64) {
            let point = ridge.at(lambda).map_err(StudyError::refused)?;
            let score = gcv_score(averages.as_ref(), means, &split.bags, Mixing::BAG, &point);
            if let Some(gcv) = score.filter(|g| lambda > 0.0 && best.as_ref().is_none_or(|b| *g < b.2)) {
                best = Some((lambda, point, gcv));
            }
        }
        let Some((lambda, point, gcv)) = best else {
            let condition = "a bag-level fit with a GCV score could not be found; use more bags";
            return Err(StudyError::FewRows {
                path: self.options.features.clone(),
                rows: self.x.nrows(),
                condition,
            });
        };
        let reference = Reference { lambda, theta: &point.theta, gcv, second_moment };
        Surrogate::calibrate(&self.covariance, sizes, kappa, reference)
    }

    fn grid(&self, runs: &[Run]) -> Vec<GridRow> {
        let count = runs.len() as f64;
        let row = |i: usize| {
            let mean = |f: &dyn Fn(&Fit) -> f64| runs.iter().map(|r| f(&r.fits[i])).sum::<f64>() / count;
            let scores: Option<Vec<f64>> = runs.iter().map(|r| r.fits[i].gcv).collect();
            let measured: Option<Vec<(f64, f64)>> = runs.iter().map(|r| r.fits[i].measured).collect();
            let measured = measured.map(|list| {
                let average = list.iter().map(|m| m.0).sum::<f64>() / count;
                let error = if list.len() == 1 {
                    list[0].1
                } else {
                    let variance = list.iter().map(|m| (m.0 - average).powi(2)).sum::<f64>() / (count - 1.0);
                    (variance / count).sqrt()
                };
                (average, error)
            });
            GridRow {
                rho: self.rhos[i / self.lambdas.len()].rho(),
                lambda: self.lambdas[i % self.lambdas.len()],
                gcv: scores.map(|s| s.iter().sum::<f64>() / count),
                leverage: mean(&|f| f.point.leverage),
                predicted: mean(&|f| f.predicted),
                measured: measured.map(|m| m.0),
                measured_error: measured.map(|m| m.1),
            }
        };
        (0..self.rhos.len() * self.lambdas.len()).map(row).collect()
    }

    fn by_rho(&self, grid: &[GridRow], first: &Run, large: bool) -> Result<Vec<RhoRow>, StudyError> {
        let count = self.lambdas.len();
        let mut rows = Vec::with_capacity(self.rhos.len());
        for (place, &rho) in self.rhos.iter().enumerate() {
            let block = &grid[place * count..(place + 1) * count];
            let score = |row: &GridRow| row.gcv.unwrap_or(f64::INFINITY);
            let Some(tuned) = block.iter().min_by(|a, b| score(a).total_cmp(&score(b))).copied() else {
                continue;
            };
            let simulated = if large || tuned.lambda == 0.0 || first.sizes.counts.len() > 1 {
                None
            } else {
                Some(self.simulate(first, rho, tuned.lambda)?)
            };
            rows.push(RhoRow {
                tuned,
                simulated: simulated.map(|s| s.0),
                simulated_error: simulated.map(|s| s.1),
                ridgeless: block.iter().find(|row| row.lambda == 0.0).copied(),
            });
        }
        Ok(rows)
    }

    /// Relative excess of the error on Gaussian tables of the same size over the prediction (first split).
    fn simulate(&self, run: &Run, rho: Mixing, lambda: f64) -> Result<(f64, f64), StudyError> {
        let (n, k) = (run.sizes.rows, run.sizes.rows / run.sizes.bags);
        let noise = run.surrogate.s2 + run.surrogate.kappa / k as f64;
        let parts = run.surrogate.parts(n as f64);
        let population = Population::from_parts(&parts, n, noise)?;
        let experiment = RidgeExperiment::bags(population, n, k, rho, lambda)?;
        let parameters = Parameters::new().with("rho", rho.rho()).with("lambda", lambda);
        let seed = cell_seed(self.options.seed, "study", "aggregate", Purpose::Pilot, &parameters);
        let moments = monte_carlo::replicate(
            seed,
            SIMULATED,
            || experiment.work(),
            |rng, work| experiment.replicate(rng, work).map(|risk| risk.total()),
        )
        .map_err(StudyError::refused)?;
        let predicted = run.surrogate.error(&run.sizes, rho, lambda)?;
        if predicted <= 0.0 {
            return Ok((0.0, 0.0));
        }
        Ok(((moments.mean() + run.surrogate.s2) / predicted - 1.0, moments.standard_error() / predicted))
    }

    /// Averages over the splits.
    fn by_size(&self, runs: &[Run]) -> Result<Vec<SizeRow>, StudyError> {
        let tables = runs.iter().map(|run| self.sizes_of(run)).collect::<Result<Vec<_>, _>>()?;
        // Splits of a bag file may differ in their number of rows, and so in the last sizes.
        let common = tables.iter().map(Vec::len).min().unwrap_or(0);
        let average = |i: usize, f: fn(&SizeRow) -> f64| {
            tables.iter().map(|table| f(&table[i])).sum::<f64>() / tables.len() as f64
        };
        let row = |i: usize| SizeRow {
            k: tables[0][i].k,
            instance_ridgeless: average(i, |r| r.instance_ridgeless),
            instance: average(i, |r| r.instance),
            bag: average(i, |r| r.bag),
        };
        Ok((0..common).map(row).collect())
    }

    fn sizes_of(&self, run: &Run) -> Result<Vec<SizeRow>, StudyError> {
        let n = run.sizes.rows;
        let mut list = vec![1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64];
        list.extend(self.options.bag_size);
        list.retain(|&k| k <= (n / 2).max(1));
        list.sort_unstable();
        list.dedup();
        let lambdas = default_lambdas(self.mean_eigenvalue() / self.covariance.values.len() as f64);
        let row = |&k: &usize| {
            // Bags need not divide n here: the limit knows their share only.
            let problem = solvable_model::aggregate::SpectralLimit::new(
                run.surrogate.parts(n as f64),
                k as f64,
                run.surrogate.s2 + run.surrogate.kappa / k as f64,
            )?;
            let error = |rho: Mixing, lambda: f64| {
                let limit = solvable_theory::aggregate::bag_equivalent(&problem, rho, lambda);
                limit.map(|l| l.risk.total() + run.surrogate.s2).map_err(StudyError::refused)
            };
            let best = |rho: Mixing| {
                lambdas
                    .iter()
                    .try_fold(f64::INFINITY, |best: f64, &l| Ok::<_, StudyError>(best.min(error(rho, l)?)))
            };
            Ok(SizeRow {
                k,
                instance_ridgeless: error(Mixing::INSTANCE, 0.0)?,
                instance: best(Mixing::INSTANCE)?,
                bag: best(Mixing::BAG)?,
            })
        };
        list.iter().map(row).collect()
    }
}

/// Mean of squares and its standard error.
fn mean_square(residuals: impl Iterator<Item = f64>) -> (f64, f64) {
    let squares: Vec<f64> = residuals.map(|r| r * r).collect();
    let n = squares.len() as f64;
    let mean = squares.iter().sum::<f64>() / n;
    let variance = squares.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, (variance / n).sqrt())
}

/// 0 and thirteen ridges from 1e-4 to 1e2 times the mean eigenvalue.
fn default_lambdas(mean_eigenvalue: f64) -> Vec<f64> {
    let ridge = |i: i32| mean_eigenvalue * 10.0_f64.powf(f64::from(i) / 2.0);
    std::iter::once(0.0).chain((-8..=4).map(ridge)).collect()
}

fn lambdas(options: &StudyOptions, covariance: &SymmetricEigen) -> Vec<f64> {
    let mut list = if options.lambdas.is_empty() {
        let total: f64 = covariance.values.iter().map(|s| s.max(0.0)).sum();
        default_lambdas(total / covariance.values.len() as f64)
    } else {
        options.lambdas.clone()
    };
    list.sort_by(f64::total_cmp);
    list.dedup();
    list
}

fn read_labels(options: &StudyOptions, rows: usize, bags: Option<usize>) -> Result<Labels, StudyError> {
    let table = Table::read(&options.response)?;
    let found = (table.values.nrows(), table.values.ncols());
    let labels = (0..found.0).map(|i| table.values[(i, 0)]).collect();
    if found == (rows, 1) {
        return Ok(Labels::Individual(labels));
    }
    if found.1 == 1 && Some(found.0) == bags {
        if options.clip.is_some() {
            let condition =
                "left out when the response holds averages of bags: clipping acts on individual labels";
            return Err(StudyError::Option { option: "clip", value: options.clip.unwrap_or(0.0), condition });
        }
        return Ok(Labels::Means(labels));
    }
    let reason =
        "one column with a label for each row of the features, or an average for each bag of the bag file";
    Err(StudyError::Mismatch { path: options.response.clone(), found, expected: (rows, 1), reason })
}

fn check_options(options: &StudyOptions) -> Result<Option<LabelPrivacy>, StudyError> {
    let refuse = |option, value, condition| Err(StudyError::Option { option, value, condition });
    match (options.bag_size, &options.bags) {
        (None, None) => return refuse("bag-size", 0.0, "given, or a bag file with --bags"),
        (Some(k), Some(_)) => return refuse("bag-size", k as f64, "left out when a bag file is given"),
        (Some(0), None) => return refuse("bag-size", 0.0, "at least 1"),
        _ => {}
    }
    let fraction = options.test_fraction;
    if !(0.0..1.0).contains(&fraction) {
        return refuse("test-fraction", fraction, "at least 0 and less than 1");
    }
    if options.rhos.is_empty() {
        return refuse("rho", f64::NAN, "at least one number in [0, 1]");
    }
    if let Some(&bad) = options.rhos.iter().find(|r| !(0.0..=1.0).contains(*r)) {
        return refuse("rho", bad, "in [0, 1]");
    }
    if let Some(&bad) = options.lambdas.iter().find(|l| !(l.is_finite() && **l >= 0.0)) {
        return refuse("lambda", bad, "finite and at least 0");
    }
    if !options.label_center.is_finite() {
        return refuse("label-center", options.label_center, "finite");
    }
    match (options.clip, options.epsilon) {
        (None, Some(epsilon)) => refuse("epsilon", epsilon, "given together with --clip"),
        (None, None) => Ok(None),
        (Some(clip), epsilon) => Ok(Some(LabelPrivacy::new(clip, epsilon)?)),
    }
}
