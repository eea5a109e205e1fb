//! Group privacy, the private median in large samples, and a packing lower bound (DP-10, DP-11, DP-13).
use solvable_model::InputError;
use solvable_model::aggregate::{DiscreteData, Epsilon};

use super::law::inverse_sensitivity_law;
use super::lengths::order_statistic_lengths;
use super::search::multiset_distance;

/// Probabilities of an event under two data sets and what privacy says of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupPrivacy {
    /// Replacements between the data sets.
    pub distance: usize,
    /// Probability under the first.
    pub p_a: f64,
    /// Probability under the second.
    pub p_b: f64,
    /// `e^(eps distance) p_a`, which `p_b` does not exceed; `+inf` when beyond the range of doubles.
    pub bound: f64,
}

/// Group privacy of the private j-th smallest value on an event of outputs (DP-10).
///
/// # Errors
/// [`InputError`] when sizes or universes differ, j is not in 1..=n, or the event names an output outside the universe.
pub fn group_privacy(
    a: &DiscreteData,
    b: &DiscreteData,
    j: usize,
    epsilon: Epsilon,
    event: &[usize],
) -> Result<GroupPrivacy, InputError> {
    let distance = multiset_distance(a, b)?;
    let law = |data: &DiscreteData| {
        let lengths: Vec<_> = order_statistic_lengths(data, j)?.into_iter().map(Some).collect();
        inverse_sensitivity_law(&lengths, epsilon)
    };
    let (law_a, law_b) = (law(a)?, law(b)?);
    let log_a = law_a.log_probability(event)?;
    let p_b = law_b.probability(event)?;
    let bound = (epsilon.get() * distance as f64 + log_a).exp();
    Ok(GroupPrivacy { distance, p_a: log_a.exp(), p_b, bound })
}

/// Failure probability `min(1, e^(eps j) beta)` that an eps-private mechanism which fails with probability beta can have
/// after j points were corrupted (DP-10).
///
/// # Errors
/// [`InputError`] unless 0 < beta < 1.
pub fn robust_failure(epsilon: Epsilon, beta: f64, j: usize) -> Result<f64, InputError> {
    InputError::check("beta", beta, beta > 0.0 && beta < 1.0, "between 0 and 1")?;
    Ok((epsilon.get() * j as f64 + beta.ln()).exp().min(1.0))
}

/// Number of corruptions `log(1/beta)/(2 eps)` up to which the failure probability stays at most `sqrt(beta)` (DP-10).
///
/// # Errors
/// [`InputError`] unless 0 < beta < 1.
pub fn corruption_budget(epsilon: Epsilon, beta: f64) -> Result<f64, InputError> {
    InputError::check("beta", beta, beta > 0.0 && beta < 1.0, "between 0 and 1")?;
    Ok(-beta.ln() / (2.0 * epsilon.get()))
}

/// Scale `2/phi_0` of the Laplace limit of `n eps (M - median)`, phi_0 the density at the median (DP-11).
///
/// # Errors
/// [`InputError`] unless the density is finite and positive.
pub fn median_noise_scale(density: f64) -> Result<f64, InputError> {
    Ok(2.0 / InputError::check_positive("density", density)?)
}

/// Large-sample variance of the private median of N(mu, 1) data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianSpread {
    /// `pi/(2n)`, from sampling.
    pub sampling: f64,
    /// `16 pi/(n eps)^2`, from privacy.
    pub privacy: f64,
}

impl MedianSpread {
    /// The sum.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.sampling + self.privacy
    }
}

/// Variance `pi/(2n) + 16 pi/(n^2 eps^2)` as eps -> 0, n eps -> infinity, for standard normal data (DP-11). Privacy is
/// free once `n eps^2` is much larger than 32.
///
/// # Errors
/// [`InputError`] when n is 0.
pub fn normal_median_spread(n: usize, epsilon: Epsilon) -> Result<MedianSpread, InputError> {
    use std::f64::consts::PI;
    let size = InputError::check_count("n", n)? as f64;
    let ratio = 4.0 / (size * epsilon.get());
    Ok(MedianSpread { sampling: PI / (2.0 * size), privacy: PI * ratio * ratio })
}

/// Success probabilities on the packing family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PackingBound {
    /// `1/(1 + (q-1) e^-eps)`: no eps-private mechanism does better on all of the family.
    pub upper: f64,
    /// `1/(1 + (q-1) e^(-eps/2))`: what the inverse-sensitivity mechanism attains on each.
    pub inverse_sensitivity: f64,
}

/// The data sets `(lo^h, t, hi^h)`, t in a q-point grid, n = 2h+1, are pairwise neighbours with medians t (DP-13).
///
/// # Errors
/// [`InputError`] when q is 0 or n is even.
pub fn packing_bound(q: usize, n: usize, epsilon: Epsilon) -> Result<PackingBound, InputError> {
    let others = InputError::check_count("q", q)? as f64 - 1.0;
    if n.is_multiple_of(2) {
        let condition = "odd, so that the median is one of the data";
        return Err(InputError::Count { argument: "n".into(), value: n as u64, condition });
    }
    let success = |exponent: f64| 1.0 / (1.0 + others * (-exponent).exp());
    Ok(PackingBound { upper: success(epsilon.get()), inverse_sensitivity: success(0.5 * epsilon.get()) })
}
