//! Statistics of the comparisons: quantiles, fits, goodness of fit.
mod fit;
mod kolmogorov;
mod normal;

pub use fit::{Fit, FitError, fit_powers};
pub use kolmogorov::{UniformityTest, kolmogorov_smirnov_uniform};
pub use normal::{chi_square_upper_tail, normal_quantile_two_sided, normal_two_sided_p};

/// A Monte Carlo estimate of an expectation, with what is needed to judge it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Sample mean.
    pub mean: f64,
    /// Unbiased sample variance of one summand.
    pub variance: f64,
    /// Sample skewness of one summand.
    pub skewness: f64,
    /// Number of independent summands.
    pub count: u64,
}

impl Estimate {
    /// Standard error of the mean.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        (self.variance / self.count as f64).sqrt()
    }
}
