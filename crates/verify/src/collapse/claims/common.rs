//! Cells of this chapter and what its checks share.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use solvable_linalg::Mat;
use solvable_model::collapse::{Bias, ClassCounts, ClassLoss, FreeFeatures, FreeFeaturesLoss};
use solvable_sim::collapse::{Training, train};
use solvable_sim::minimise::Minimum;

use crate::check::Budget;
use crate::{Cell, CheckError, Parameters};

/// A problem to train, and how.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) counts: Vec<usize>,
    pub(super) widths: Vec<usize>,
    pub(super) lambda_w: Vec<f64>,
    pub(super) lambda_h: f64,
    pub(super) bias: Bias,
    pub(super) loss: ClassLoss,
    /// Seed of the starts.
    pub(super) seed: u64,
}

impl Setting {
    /// Squared loss, no bias.
    pub(super) fn squared(
        counts: &[usize],
        widths: &[usize],
        lambda_w: &[f64],
        lambda_h: f64,
        rng: &mut ChaCha12Rng,
    ) -> Self {
        Self {
            counts: counts.to_vec(),
            widths: widths.to_vec(),
            lambda_w: lambda_w.to_vec(),
            lambda_h,
            bias: Bias::None,
            loss: ClassLoss::Squared,
            // 32 bits survive JSON readers that keep numbers as doubles.
            seed: u64::from(rng.random::<u32>()),
        }
    }

    /// The same with a bias.
    pub(super) fn with_bias(mut self, bias: Bias) -> Self {
        self.bias = bias;
        self
    }

    /// The same with cross-entropy.
    pub(super) fn cross_entropy(mut self) -> Self {
        self.loss = ClassLoss::CrossEntropy;
        self
    }

    /// A corrupted copy, for sabotages.
    pub(super) fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut copy = self.clone();
        change(&mut copy);
        copy
    }

    pub(super) fn depth(&self) -> usize {
        self.widths.len()
    }

    pub(super) fn total(&self) -> f64 {
        self.counts.iter().sum::<usize>() as f64
    }

    /// Product of all regularisations.
    pub(super) fn product(&self) -> f64 {
        self.lambda_h * self.lambda_w.iter().product::<f64>()
    }

    /// lambda_WM, ..., lambda_W1, lambda_H.
    pub(super) fn lambdas(&self) -> Vec<f64> {
        self.lambda_w.iter().copied().chain([self.lambda_h]).collect()
    }

    pub(super) fn problem(&self) -> Result<FreeFeatures, CheckError> {
        let classes = ClassCounts::new(self.counts.clone())?;
        Ok(FreeFeatures::new(classes, self.widths.clone(), self.lambda_w.clone(), self.lambda_h, self.bias)?)
    }

    /// The objective in the raw parameters, one feature column a sample.
    pub(super) fn objective(&self) -> Result<FreeFeaturesLoss, CheckError> {
        Ok(FreeFeaturesLoss::new(&self.problem()?, self.loss)?)
    }
}

impl Cell for Setting {
    fn parameters(&self) -> Parameters {
        let bias = match self.bias {
            Bias::None => "none".to_owned(),
            Bias::Free => "free".to_owned(),
            other => format!("{}", other.weight()),
        };
        Parameters::new()
            .with("n", self.counts.clone())
            .with("d", self.widths.clone())
            .with("lw", self.lambda_w.clone())
            .with("lh", self.lambda_h)
            .with("bias", bias)
            .with("loss", if self.loss == ClassLoss::Squared { "squared" } else { "cross-entropy" })
            .with("seed", self.seed)
    }
}

/// Quick and full budgets in one word.
pub(super) fn pick<T>(budget: Budget, quick: T, full: T) -> T {
    match budget {
        Budget::Quick => quick,
        Budget::Full => full,
    }
}

/// A number between `low` and `high`, uniform in its logarithm.
pub(super) fn log_uniform(rng: &mut ChaCha12Rng, low: f64, high: f64) -> f64 {
    low * (high / low).powf(rng.random::<f64>())
}

/// A whole number from `low` to `high`, both included.
pub(super) fn whole(rng: &mut ChaCha12Rng, low: usize, high: usize) -> usize {
    rng.random_range(low as u64..=high as u64) as usize
}

/// Wraps an error of theory or simulation.
pub(super) fn refused(error: impl std::error::Error + Send + Sync + 'static) -> CheckError {
    CheckError::from_error(error)
}

/// Entries of a matrix, row by row.
pub(super) fn entries(matrix: &Mat<f64>) -> Vec<f64> {
    solvable_linalg::to_rows(matrix.as_ref()).into_iter().flatten().collect()
}

/// Gradient norm at which training ends.
pub(super) const TERMINAL_GRADIENT: f64 = 1e-11;

/// Trains the raw parameters and returns the lowest end point.
pub(super) fn trained(setting: &Setting) -> Result<(FreeFeaturesLoss, Minimum), CheckError> {
    let objective = setting.objective()?;
    let end = train(&objective, &Training::new(STARTS, setting.seed)).map_err(refused)?;
    Ok((objective, end))
}

/// Starts a problem. In hundreds of runs over such problems fewer than one in ten ended in a minimum that is not global.
pub(super) const STARTS: usize = 8;

/// Bound of the relative error of lengths, angles and singular values of a trained network: the terminal gradient over the
/// smallest curvature across the manifold of minimisers (of the order of the smallest regularisation, NC-23), times the
/// sizes of the factors and of their relative sensitivities (together below 100 in these cells).
pub(super) fn geometry_bound(setting: &Setting) -> Result<f64, CheckError> {
    let smallest = setting.lambdas().into_iter().fold(f64::INFINITY, f64::min);
    Ok(100.0 * TERMINAL_GRADIENT / smallest)
}

/// Bound of the relative error of a trained value: rounding of its sums, and the square of the terminal gradient over the
/// smallest curvature, which is far less.
pub(super) fn value_bound(setting: &Setting) -> Result<f64, CheckError> {
    let smallest = setting.lambdas().into_iter().fold(f64::INFINITY, f64::min);
    Ok(256.0 * f64::EPSILON + TERMINAL_GRADIENT * TERMINAL_GRADIENT / (smallest * smallest))
}

/// Where a quantity that falls to 0 at 1 vanishes, from its values at `1 - h` for h = 2%, 4%, ..., 10%: Neville's extrapolation
/// of the inverse function to 0.
pub(super) fn vanishing_point(
    mut quantity: impl FnMut(f64) -> Result<f64, CheckError>,
) -> Result<f64, CheckError> {
    let places: Vec<f64> = (1..=5).map(|k| 1.0 - 0.02 * f64::from(k)).collect();
    let values = places.iter().map(|&p| quantity(p)).collect::<Result<Vec<_>, _>>()?;
    let mut table = places;
    for order in 1..values.len() {
        for i in 0..values.len() - order {
            let (a, b) = (values[i], values[i + order]);
            table[i] = (b * table[i] - a * table[i + 1]) / (b - a);
        }
    }
    Ok(table[0])
}

/// Bound of the error of [`vanishing_point`]: the product of five relative distances of up to a tenth, times the derivatives
/// of a smooth function of size one; and values trained to about 1e-9, an amplification of a hundred.
pub(super) const VANISHING: f64 = 1e-4;
