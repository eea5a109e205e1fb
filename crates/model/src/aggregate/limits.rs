//! Sizes and energies of the proportional limit n, d -> infinity.
use super::Mixing;
use crate::{Argument, Covariance, InputError};

/// Isotropic covariates, `gamma = d / n`, bags of `k`, `|theta*|^2 = r2`, noise variance `s2`.
///
/// The bag size may be any real number at least 1: formulas depend on it through `p = 1 / k`, bags a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IsotropicLimit {
    gamma: f64,
    k: f64,
    r2: f64,
    s2: f64,
}

impl IsotropicLimit {
    /// States the limit.
    ///
    /// # Errors
    /// [`InputError`] unless `gamma > 0`, `k >= 1`, `r2 >= 0`, `s2 >= 0`, all finite.
    pub fn new(gamma: f64, k: f64, r2: f64, s2: f64) -> Result<Self, InputError> {
        InputError::check_positive("gamma", gamma)?;
        InputError::check("k", k, k.is_finite() && k >= 1.0, "finite and at least 1")?;
        InputError::check_nonnegative("r2", r2)?;
        InputError::check_nonnegative("s2", s2)?;
        Ok(Self { gamma, k, r2, s2 })
    }

    /// d / n.
    #[must_use]
    pub fn gamma(&self) -> f64 {
        self.gamma
    }

    /// Bag size.
    #[must_use]
    pub fn k(&self) -> f64 {
        self.k
    }

    /// Signal energy.
    #[must_use]
    pub fn r2(&self) -> f64 {
        self.r2
    }

    /// Noise variance.
    #[must_use]
    pub fn s2(&self) -> f64 {
        self.s2
    }
}

/// A group of eigenvalues of the covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpectrumPart {
    /// The eigenvalue sigma.
    pub sigma: f64,
    /// Its multiplicity over n.
    pub weight: f64,
    /// Energy of theta* in its eigenspace.
    pub theta2: f64,
}

fn check_spectrum(parts: &[SpectrumPart]) -> Result<(), InputError> {
    InputError::check_count("number of eigenvalues", parts.len())?;
    for (j, part) in parts.iter().enumerate() {
        for (name, value) in [("sigma", part.sigma), ("theta2", part.theta2)] {
            let ok = value.is_finite() && value >= 0.0;
            InputError::check(Argument::indexed(name, j), value, ok, "finite and at least 0")?;
        }
        let ok = part.weight.is_finite() && part.weight > 0.0;
        InputError::check(Argument::indexed("weight", j), part.weight, ok, "finite and greater than 0")?;
    }
    Ok(())
}

/// The bag problem with a general covariance: spectrum, bag size k, noise variance s2.
#[derive(Clone, Debug, PartialEq)]
pub struct SpectralLimit {
    parts: Vec<SpectrumPart>,
    k: f64,
    s2: f64,
}

impl SpectralLimit {
    /// States the problem from groups of eigenvalues.
    ///
    /// # Errors
    /// [`InputError`] when there is no eigenvalue, one is negative, a weight is not positive, `k < 1`,
    /// `s2 < 0`, or a number is not finite.
    pub fn new(parts: Vec<SpectrumPart>, k: f64, s2: f64) -> Result<Self, InputError> {
        check_spectrum(&parts)?;
        InputError::check("k", k, k.is_finite() && k >= 1.0, "finite and at least 1")?;
        InputError::check_nonnegative("s2", s2)?;
        Ok(Self { parts, k, s2 })
    }

    /// States the problem of n rows of covariance `covariance` and of parameter `theta`: one part an
    /// eigenvalue, with weight 1/n.
    ///
    /// # Errors
    /// As [`new`](Self::new), and when `theta` has the wrong length or `n` is 0.
    pub fn from_covariance(
        covariance: &Covariance,
        theta: &[f64],
        n: usize,
        k: f64,
        s2: f64,
    ) -> Result<Self, InputError> {
        let d = covariance.dimension();
        InputError::check_count("n", n)?;
        InputError::check_vector("theta", theta)?;
        if theta.len() != d {
            let (found, expected) = ((theta.len(), 1), (d, 1));
            return Err(InputError::Shape { argument: "theta".into(), found, expected });
        }
        let v = covariance.eigenvectors();
        let parts = (0..d)
            .map(|j| {
                let coordinate: f64 = (0..d).map(|i| v[(i, j)] * theta[i]).sum();
                SpectrumPart {
                    sigma: covariance.eigenvalues()[j],
                    weight: 1.0 / n as f64,
                    theta2: coordinate * coordinate,
                }
            })
            .collect();
        Self::new(parts, k, s2)
    }

    /// The spectrum.
    #[must_use]
    pub fn parts(&self) -> &[SpectrumPart] {
        &self.parts
    }

    /// Bag size.
    #[must_use]
    pub fn k(&self) -> f64 {
        self.k
    }

    /// Noise variance.
    #[must_use]
    pub fn s2(&self) -> f64 {
        self.s2
    }

    /// The same problem as rows in two groups: bag rows of weight 1 that carry the label, and within-bag
    /// rows of weight `tau` that carry the label 0.
    #[must_use]
    pub fn groups(&self, mixing: Mixing) -> [RowGroup; 2] {
        bag_groups(self.k, self.s2, mixing)
    }
}

fn bag_groups(k: f64, s2: f64, mixing: Mixing) -> [RowGroup; 2] {
    [
        RowGroup { fraction: 1.0 / k, row_weight: 1.0, target: 1.0, noise_variance: s2 },
        RowGroup { fraction: (k - 1.0) / k, row_weight: mixing.tau(), target: 0.0, noise_variance: 0.0 },
    ]
}

/// Rows that share a weight, a target and a noise level: labels `target * x' theta* + noise`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowGroup {
    /// Share of all rows.
    pub fraction: f64,
    /// Weight in the squared loss.
    pub row_weight: f64,
    /// Multiplier mu of `x' theta*` in the label.
    pub target: f64,
    /// Variance of the noise, uncorrelated with x.
    pub noise_variance: f64,
}

/// How far the fractions may be from 1 in sum: they are rounded quotients.
const FRACTION_SLACK: f64 = 1e-9;

/// Weighted ridge regression with rows in groups and a general covariance (AGG-4).
#[derive(Clone, Debug, PartialEq)]
pub struct GroupedLimit {
    groups: Vec<RowGroup>,
    parts: Vec<SpectrumPart>,
}

impl GroupedLimit {
    /// States the problem.
    ///
    /// # Errors
    /// [`InputError`] when there is no group or eigenvalue, a fraction, weight, noise variance or
    /// eigenvalue is negative, the fractions do not sum to 1 within 1e-9, or a number is not finite.
    pub fn new(groups: Vec<RowGroup>, parts: Vec<SpectrumPart>) -> Result<Self, InputError> {
        check_spectrum(&parts)?;
        InputError::check_count("number of groups", groups.len())?;
        for (g, group) in groups.iter().enumerate() {
            for (name, value) in [
                ("fraction", group.fraction),
                ("row_weight", group.row_weight),
                ("noise_variance", group.noise_variance),
            ] {
                let ok = value.is_finite() && value >= 0.0;
                InputError::check(Argument::indexed(name, g), value, ok, "finite and at least 0")?;
            }
            let target = group.target;
            InputError::check(Argument::indexed("target", g), target, target.is_finite(), "finite")?;
        }
        let total: f64 = groups.iter().map(|g| g.fraction).sum();
        InputError::check("sum of fraction", total, (total - 1.0).abs() <= FRACTION_SLACK, "1")?;
        Ok(Self { groups, parts })
    }

    /// Row groups.
    #[must_use]
    pub fn groups(&self) -> &[RowGroup] {
        &self.groups
    }

    /// The spectrum.
    #[must_use]
    pub fn parts(&self) -> &[SpectrumPart] {
        &self.parts
    }
}
