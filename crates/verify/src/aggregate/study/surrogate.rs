//! The Gaussian problem that stands for the user's: spectrum, energies and noise estimated from bags, and its risk.
use std::collections::BTreeMap;

use solvable_linalg::{Mat, MatRef, SymmetricEigen};
use solvable_model::aggregate::{BagDesign, GroupedLimit, Mixing, RowGroup, SpectrumPart};
use solvable_theory::aggregate::equivalent;

use crate::study::StudyError;

/// Sizes of the training bags.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    pub(super) rows: usize,
    pub(super) bags: usize,
    /// Bags of each size.
    pub(super) counts: BTreeMap<usize, usize>,
}

impl Sizes {
    pub(super) fn of(bags: &BagDesign) -> Self {
        let mut counts = BTreeMap::new();
        (0..bags.bags()).for_each(|a| *counts.entry(bags.size(a)).or_insert(0) += 1);
        Self { rows: bags.rows(), bags: bags.bags(), counts }
    }

    /// Average of 1/k over bags.
    fn mean_inverse(&self) -> f64 {
        self.counts.iter().map(|(k, c)| *c as f64 / *k as f64).sum::<f64>() / self.bags as f64
    }

    fn weight(&self, size: usize, mixing: Mixing) -> f64 {
        if self.counts.len() == 1 {
            return 1.0;
        }
        mixing.rho() * (self.rows as f64 / (self.bags as f64 * size as f64)) + mixing.tau()
    }

    /// Bag rows by size, and the within-bag rows.
    fn groups(&self, mixing: Mixing, s2: f64, kappa: f64) -> Vec<RowGroup> {
        let n = self.rows as f64;
        let mut groups: Vec<RowGroup> = self
            .counts
            .iter()
            .map(|(&size, &count)| RowGroup {
                fraction: count as f64 / n,
                row_weight: self.weight(size, mixing),
                target: 1.0,
                noise_variance: s2 + kappa / size as f64,
            })
            .collect();
        groups.push(RowGroup {
            fraction: (self.rows - self.bags) as f64 / n,
            row_weight: mixing.tau(),
            target: 0.0,
            noise_variance: 0.0,
        });
        groups
    }
}

/// Spectrum of the covariates, energy of the parameter in each direction, noise of a label.
#[derive(Clone, Debug)]
pub(super) struct Surrogate {
    pub(super) sigma: Vec<f64>,
    pub(super) energy: Vec<f64>,
    pub(super) s2: f64,
    pub(super) kappa: f64,
}

/// A fitted bag-level ridge estimator to calibrate on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference<'a> {
    pub(super) lambda: f64,
    pub(super) theta: &'a [f64],
    pub(super) gcv: f64,
    /// `sum_a k_a ybar_a^2/m`: signal plus noise.
    pub(super) second_moment: f64,
}

impl Surrogate {
    /// Estimates energies and noise from one bag-level ridge fit.
    ///
    /// In the eigenbasis of the covariance the equivalent says that the estimator's coordinate is
    /// `s sigma/(s sigma + lambda)` times theta*'s plus a fluctuation of variance `V sigma/(n (s sigma + lambda)^2)`,
    /// `V = sum_g g_g (R + noise)`, and the GCV score estimates `R + noise`: solved for theta*'s energy (negative values become 0).
    /// A common factor of the energies and the noise then solve two equations: signal plus noise is the second moment
    /// of the bag labels, and the predicted error of the reference is its GCV score.
    pub(super) fn calibrate(
        eigen: &SymmetricEigen,
        sizes: &Sizes,
        kappa: f64,
        reference: Reference<'_>,
    ) -> Result<Self, StudyError> {
        let sigma: Vec<f64> = eigen.values.iter().map(|s| s.max(0.0)).collect();
        let d = sigma.len();
        let n = sizes.rows as f64;
        let mut trial = Self { energy: vec![0.0; d], s2: 0.0, kappa: 0.0, sigma };
        let lambda = reference.lambda;
        let point = trial.limit(sizes, Mixing::BAG, lambda)?.point;
        let groups = sizes.groups(Mixing::BAG, 0.0, 0.0);
        let square = |g: &RowGroup| g.fraction * (g.row_weight / (1.0 + g.row_weight * point.delta)).powi(2);
        let v = reference.gcv * groups.iter().map(square).sum::<f64>();
        let energy = (0..d)
            .map(|j| {
                let coordinate: f64 = (0..d).map(|i| eigen.vectors[(i, j)] * reference.theta[i]).sum();
                let scale = point.s * trial.sigma[j] + lambda;
                let kept = point.s * trial.sigma[j] / scale;
                let spread = v * (trial.sigma[j] / scale) / (n * scale);
                if kept > 0.0 { (coordinate * coordinate - spread).max(0.0) / (kept * kept) } else { 0.0 }
            })
            .collect();
        trial.energy = energy;
        let signal = trial.signal();
        let bias = trial.limit(sizes, Mixing::BAG, lambda)?.bias2;
        let none = Self { energy: vec![0.0; d], s2: 1.0, ..trial.clone() };
        let var = none.limit(sizes, Mixing::BAG, lambda)?.var;
        let private = Self { s2: 0.0, kappa, ..none }.limit(sizes, Mixing::BAG, lambda)?.var;
        let extra = kappa * sizes.mean_inverse();
        let (moment, score) = ((reference.second_moment - extra).max(0.0), reference.gcv - private - extra);
        let ratio = if signal > 0.0 { bias / signal } else { 0.0 };
        let slope = 1.0 + var - ratio;
        let s2 = if signal > 0.0 && slope > 0.0 {
            ((score - ratio * moment) / slope).clamp(0.0, moment)
        } else {
            moment
        };
        let factor = if signal > 0.0 { (moment - s2) / signal } else { 0.0 };
        trial.energy.iter_mut().for_each(|e| *e *= factor);
        Ok(Self { s2, kappa, ..trial })
    }

    /// `theta*' Sigma theta*`.
    pub(super) fn signal(&self) -> f64 {
        self.sigma.iter().zip(&self.energy).map(|(s, e)| s * e).sum()
    }

    /// Directions with variance.
    pub(super) fn rank(&self) -> usize {
        let floor = self.sigma.len() as f64 * f64::EPSILON * self.sigma.first().copied().unwrap_or(0.0);
        self.sigma.iter().filter(|s| **s > floor).count()
    }

    pub(super) fn parts(&self, n: f64) -> Vec<SpectrumPart> {
        let rank = self.rank();
        (0..rank.max(1))
            .map(|j| SpectrumPart { sigma: self.sigma[j], weight: 1.0 / n, theta2: self.energy[j] })
            .collect()
    }

    fn limit(
        &self,
        sizes: &Sizes,
        mixing: Mixing,
        lambda: f64,
    ) -> Result<solvable_theory::aggregate::Equivalent, StudyError> {
        let groups = sizes.groups(mixing, self.s2, self.kappa);
        let problem = GroupedLimit::new(groups, self.parts(sizes.rows as f64))?;
        equivalent(&problem, lambda).map_err(StudyError::refused)
    }

    /// Predicted error on one fresh individual label: the equivalent's risk plus the label noise.
    pub(super) fn error(&self, sizes: &Sizes, mixing: Mixing, lambda: f64) -> Result<f64, StudyError> {
        Ok(self.limit(sizes, mixing, lambda)?.total() + self.s2)
    }
}

/// Coordinates Z and their basis Q.
pub(super) type Coordinates = (Mat<f64>, Mat<f64>);

/// Orthonormal coordinates for rows fewer than features: X = Z Q', Z n x n; `None` when there is nothing to gain.
pub(super) fn compress(x: MatRef<'_, f64>) -> Result<Option<Coordinates>, StudyError> {
    if x.ncols() <= x.nrows() {
        return Ok(None);
    }
    let factors = solvable_linalg::qr(x.transpose()).map_err(StudyError::refused)?;
    Ok(Some((factors.r.transpose().to_owned(), factors.q)))
}
