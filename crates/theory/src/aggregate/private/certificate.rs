//! Robustness implies accuracy under privacy, with constants (DP-8), and the certificate of the Gaussian median (DP-9).
use solvable_model::InputError;
use solvable_model::aggregate::Epsilon;

use super::binomial::{both_above, upper_tail};
use crate::aggregate::AggregateError;

/// Bound `(R/rho + 1)^d e^(-eps K/2)` on the probability that the mechanism's output is at path length K or more (B1),
/// for every data set; above 1 it says nothing.
///
/// # Errors
/// [`InputError`] unless d >= 1, R >= 0 and rho > 0 are finite.
pub fn failure_bound(d: usize, radius: f64, rho: f64, epsilon: Epsilon, k: f64) -> Result<f64, InputError> {
    InputError::check_finite("K", k)?;
    Ok((log_volume(d, radius, rho)? - 0.5 * epsilon.get() * k).exp())
}

/// The least integer K >= 1 with `(R/rho + 1)^d e^(-eps K/2) <= beta`:
/// `ceil((2/eps)(d log(R/rho + 1) + log 1/beta))` (DP-8). With probability at least 1 - beta some data set within K-1
/// changes has an estimate within rho of the output.
///
/// # Errors
/// [`AggregateError`] unless d >= 1, R >= 0 finite, rho > 0 finite, 0 < beta < 1, and K is below 2^53.
///
/// ```
/// use solvable_model::aggregate::Epsilon;
/// use solvable_theory::aggregate::private::path_length_needed;
/// // 11 e^(-K/2) <= 0.05 first at K = 11.
/// assert_eq!(path_length_needed(1, 10.0, 1.0, Epsilon::new(1.0)?, 0.05)?, 11.0);
/// # Ok::<(), solvable_theory::aggregate::AggregateError>(())
/// ```
pub fn path_length_needed(
    d: usize,
    radius: f64,
    rho: f64,
    epsilon: Epsilon,
    beta: f64,
) -> Result<f64, AggregateError> {
    let volume = log_volume(d, radius, rho)?;
    InputError::check("beta", beta, beta > 0.0 && beta < 1.0, "between 0 and 1")?;
    let needed = volume - beta.ln();
    let k = (needed / epsilon.get() * 2.0).ceil().max(1.0);
    if k >= 9_007_199_254_740_992.0 {
        return Err(AggregateError::OutOfRange { quantity: "the path length K" });
    }
    // The quotient may have rounded across an integer.
    let holds = |k: f64| 0.5 * epsilon.get() * k >= needed;
    Ok(if holds(k - 1.0) {
        k - 1.0
    } else if holds(k) {
        k
    } else {
        k + 1.0
    })
}

fn log_volume(d: usize, radius: f64, rho: f64) -> Result<f64, InputError> {
    InputError::check_count("d", d)?;
    InputError::check_nonnegative("R", radius)?;
    InputError::check_positive("rho", rho)?;
    let ratio = radius / rho;
    InputError::check_finite("R/rho", ratio)?;
    Ok(d as f64 * ratio.ln_1p())
}

/// Probability that some corruption of j of n = 2h+1 points N(mu, 1) moves their median out of [mu-a, mu+a] (DP-9):
/// `1 - P(N_- <= h-j, N_+ <= h-j)`, (N_-, N_+, rest) multinomial(n; q, q, 1-2q), `q = Phi(-a)`; 1 for j > h.
///
/// Evaluated as `P(N_- > h-j) + P(N_+ > h-j) - P(both)`, at most half of which cancels: full relative accuracy however small.
/// About `sqrt n` terms matter, and are kept.
///
/// # Errors
/// [`InputError`] when n is even or above 10^12, or a is negative or not finite.
pub fn median_failure(n: usize, j: usize, a: f64) -> Result<f64, InputError> {
    if n.is_multiple_of(2) || n > 1_000_000_000_000 {
        let condition = "odd, so that the median is one of the data, and at most 10^12";
        return Err(InputError::Count { argument: "n".into(), value: n as u64, condition });
    }
    InputError::check_nonnegative("a", a)?;
    Ok(failure(n, j, 0.5 * libm::erfc(a * std::f64::consts::FRAC_1_SQRT_2)))
}

fn failure(n: usize, j: usize, q: f64) -> f64 {
    let h = n / 2;
    // At a = 0 every point is on one side or the other.
    if j > h || q >= 0.5 {
        return 1.0;
    }
    if q == 0.0 {
        return 0.0;
    }
    let c = h - j + 1;
    (2.0 * upper_tail(n, q, c) - both_above(n, q, c)).min(1.0)
}

/// Bounds on `P(|M - mu| > a + rho)` for the smoothed private median.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianCertificate {
    /// `min_K beta(K-1, a) + (R/rho + 1) e^(-eps K/2)`.
    pub bound: f64,
    /// Where the minimum is; the smallest such K.
    pub k: usize,
    /// `sum_j [beta(j, a) - beta(j-1, a)] min(1, (R/rho + 1) e^(-eps j/2))`.
    pub refined: f64,
}

/// Certificate of the private median of n N(mu, 1) data clamped to [mu_0 - R, mu_0 + R], which must contain [mu-a, mu+a] (DP-9).
///
/// The refined sum is evaluated as `sum_j beta(j) (w_j - w_{j+1})` with the clipped weights w, all terms positive.
/// O(n) failure probabilities, skipped where they are negligible.
///
/// # Errors
/// [`AggregateError`] when n is even, R or rho is not positive, `a` is not in (0, R], or n exceeds 10^6.
pub fn median_certificate(
    n: usize,
    epsilon: Epsilon,
    radius: f64,
    rho: f64,
    a: f64,
) -> Result<MedianCertificate, AggregateError> {
    InputError::check_positive("R", radius)?;
    InputError::check("a", a, a > 0.0 && a <= radius, "greater than 0 and at most R")?;
    if n > 1_000_000 {
        return Err(AggregateError::TooLarge { size: n as f64, limit: 1e6 });
    }
    // Refuses an even n.
    median_failure(n, 0, a)?;
    let volume = log_volume(1, radius, rho)?;
    let half = 0.5 * epsilon.get();
    let log_weight = |j: usize| volume - half * j as f64;
    let weight = |j: usize| log_weight(j).min(0.0).exp();
    let (h, q) = (n / 2, 0.5 * libm::erfc(a * std::f64::consts::FRAC_1_SQRT_2));
    let (mut bound, mut k, mut refined) = (f64::INFINITY, 1, weight(h + 1));
    let mut beta = 0.0;
    for j in 0..=h {
        // Once 1 to double precision it stays 1.
        if beta < 1.0 - 4.0 * f64::EPSILON {
            beta = failure(n, j, q);
        }
        let candidate = beta + log_weight(j + 1).exp();
        if candidate < bound {
            (bound, k) = (candidate, j + 1);
        }
        // w_j - w_{j+1}, both below 1: a factor 1 - e^{-eps/2}.
        let step = if log_weight(j) <= 0.0 { -weight(j) * (-half).exp_m1() } else { 1.0 - weight(j + 1) };
        refined += beta * step;
    }
    Ok(MedianCertificate { bound, k, refined: refined.min(1.0) })
}
