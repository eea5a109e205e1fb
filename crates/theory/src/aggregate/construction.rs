//! Bags of similar predictions: one-dimensional size-constrained k-means (AGG-15).
use solvable_model::InputError;

use super::error::{AggregateError, finite};
use super::risk::charge;

/// A partition of the values, contiguous in sorted order.
#[derive(Clone, Debug, PartialEq)]
pub struct SortedBags {
    /// Within-bag sum of squares.
    pub cost: f64,
    /// Sizes of the bags along the sorted order.
    pub sizes: Vec<usize>,
    /// Rows of each bag.
    pub bags: Vec<Vec<usize>>,
}

/// Bags of at least `k_min` values of least within-bag sum of squares (AGG-15.2).
///
/// An optimum is contiguous in sorted order with sizes in [k_min, 2 k_min - 1]:
/// `D_j = min_L D_{j-L} + c(j-L, j)`. Block costs are grown backwards from j by Welford's update on the distances from
/// value j, a sum of positive terms: clusters far apart or far from 0 cost no digits. Ties: the shortest last bag. O(n log n + n k_min) time,
/// O(n) memory.
///
/// # Errors
/// [`AggregateError`] when `x` is empty or not finite, `k_min` is 0 or more than n, or a cost overflows.
pub fn optimal_bags(x: &[f64], k_min: usize) -> Result<SortedBags, AggregateError> {
    let (order, sorted) = checked(x)?;
    let n = x.len();
    InputError::check_count("k_min", k_min)?;
    if k_min > n {
        let condition = "at most the number of values";
        return Err(InputError::Count { argument: "k_min".into(), value: k_min as u64, condition }.into());
    }
    let longest = (2 * k_min - 1).min(n);
    let mut best = vec![f64::INFINITY; n + 1];
    let mut last = vec![0; n + 1];
    best[0] = 0.0;
    for j in k_min..=n {
        let mut block = Block::at(sorted[j - 1]);
        for length in 1..=longest.min(j) {
            block.add(sorted[j - length]);
            let total = best[j - length] + block.cost;
            if length >= k_min && total < best[j] {
                best[j] = total;
                last[j] = length;
            }
        }
    }
    finite("cost of the bags", best[n])?;
    let mut sizes = Vec::new();
    let mut j = n;
    while j > 0 {
        sizes.push(last[j]);
        j -= last[j];
    }
    sizes.reverse();
    Ok(cut(&order, &sorted, sizes))
}

/// Bags of exactly `k` values of least within-bag sum of squares: consecutive blocks of the sorted values (AGG-15.1).
///
/// # Errors
/// [`AggregateError`] when `x` is empty or not finite, or `k` does not divide its length.
pub fn optimal_equal_bags(x: &[f64], k: usize) -> Result<SortedBags, AggregateError> {
    let (order, sorted) = checked(x)?;
    divides(k, x.len())?;
    let bags = cut(&order, &sorted, vec![k; x.len() / k]);
    finite("cost of the bags", bags.cost)?;
    Ok(bags)
}

/// Mean cost of a uniformly random partition into bags of exactly `k`:
/// `(n-m)/(n-1) sum_i (x_i - xbar)^2` (AGG-15.3).
///
/// # Errors
/// As [`optimal_equal_bags`].
pub fn random_bag_cost(x: &[f64], k: usize) -> Result<f64, AggregateError> {
    let (_, sorted) = checked(x)?;
    let n = x.len();
    divides(k, n)?;
    if n == 1 {
        return Ok(0.0);
    }
    let mut all = Block::at(sorted[0]);
    sorted.iter().for_each(|&value| all.add(value));
    finite("cost of the bags", charge(all.cost, (n - n / k) as f64 / (n - 1) as f64))
}

/// Largest number of quantile bins of [`quantile_bin_share`].
pub const MAX_BINS: usize = 10_000_000;

/// Within-bag share `omega_m = 1 - m sum_j (phi(q_{j-1}) - phi(q_j))^2` of m equiprobable bins of N(0,1) (AGG-15.4).
///
/// Summed as the within-bin second moments themselves, `int (x - mean_j)^2 phi(x) dx`: positive terms, by Gauss rules.
/// Relative error a few tens of ulps; O(m).
///
/// # Errors
/// [`AggregateError`] when m is 0 or more than [`MAX_BINS`].
pub fn quantile_bin_share(m: usize) -> Result<f64, AggregateError> {
    InputError::check_count("m", m)?;
    if m > MAX_BINS {
        return Err(AggregateError::TooLarge { size: m as f64, limit: MAX_BINS as f64 });
    }
    if m == 1 {
        return Ok(1.0);
    }
    let rule = crate::quadrature::gauss_legendre(16)?;
    let share = 1.0 / m as f64;
    let density = |x: f64| (-0.5 * x * x).exp() * FRAC_1_SQRT_2PI;
    let first = quantile(share);
    let tail = tail_moment(&rule, -first);
    let mut half = 0.0;
    let (mut left, half_bins) = (first, m / 2);
    for j in 2..=half_bins {
        let right = quantile(j as f64 * share);
        half += bin_moment(&rule, left, right, share, density);
        left = right;
    }
    // An odd number leaves one bin around 0.
    let middle = if m.is_multiple_of(2) { 0.0 } else { bin_moment(&rule, left, -left, share, density) };
    Ok(2.0 * (tail + half) + middle)
}

/// `int_t^inf (x - mean)^2 phi(x) dx`, mean that of the tail, t >= 0.
///
/// With x = t + y the weight is `phi(t) e^(-t y - y^2/2)`, below e^-50 past `sqrt(t^2+100) - t`.
fn tail_moment(rule: &crate::quadrature::GaussRule, t: f64) -> f64 {
    const PANELS: usize = 8;
    let end = 100.0 / ((t * t + 100.0).sqrt() + t);
    let radius = 0.5 * end / PANELS as f64;
    let moment = |g: &dyn Fn(f64) -> f64| -> f64 {
        (0..PANELS)
            .map(|panel| {
                let center = (2 * panel + 1) as f64 * radius;
                radius
                    * rule.integrate(|s| {
                        let y = center + radius * s;
                        g(y) * (-y * (t + 0.5 * y)).exp()
                    })
            })
            .sum()
    };
    let mean = moment(&|y| y) / moment(&|_| 1.0);
    (-0.5 * t * t).exp() * FRAC_1_SQRT_2PI * moment(&|y| (y - mean) * (y - mean))
}

const FRAC_1_SQRT_2PI: f64 = 0.398_942_280_401_432_7;

fn bin_moment(
    rule: &crate::quadrature::GaussRule,
    a: f64,
    b: f64,
    share: f64,
    density: impl Fn(f64) -> f64,
) -> f64 {
    // phi(a) - phi(b) = phi(a) (1 - e^{-(b-a)(b+a)/2}).
    let mean = -density(a) * (-0.5 * (b - a) * (b + a)).exp_m1() / share;
    let (center, radius) = (0.5 * (a + b), 0.5 * (b - a));
    radius
        * rule.integrate(|t| {
            let x = center + radius * t;
            (x - mean) * (x - mean) * density(x)
        })
}

/// The quantile of N(0, 1) at p <= 1/2, polished by one Newton step on the lower tail.
fn quantile(p: f64) -> f64 {
    use statrs::distribution::{ContinuousCDF, Normal};
    if p >= 0.5 {
        return 0.0;
    }
    let x = Normal::standard().inverse_cdf(p);
    let tail = 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    x + (p - tail) / ((-0.5 * x * x).exp() * FRAC_1_SQRT_2PI)
}

/// Count, mean and sum of squared deviations, updated one value at a time.
///
/// The mean is that of the distances from `anchor`, a value of the block: a running mean of values far from 0 would be
/// rounded to their spacing, which may be a large part of their differences.
#[derive(Clone, Copy, Debug)]
struct Block {
    anchor: f64,
    count: f64,
    mean: f64,
    cost: f64,
}

impl Block {
    fn at(anchor: f64) -> Self {
        Self { anchor, count: 0.0, mean: 0.0, cost: 0.0 }
    }

    fn add(&mut self, value: f64) {
        let distance = value - self.anchor;
        self.count += 1.0;
        let step = distance - self.mean;
        self.mean += step / self.count;
        self.cost += step * (distance - self.mean);
    }
}

fn checked(x: &[f64]) -> Result<(Vec<usize>, Vec<f64>), InputError> {
    InputError::check_count("number of values", x.len())?;
    InputError::check_vector("x", x)?;
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&i, &j| x[i].total_cmp(&x[j]));
    let sorted = order.iter().map(|&i| x[i]).collect();
    Ok((order, sorted))
}

fn divides(k: usize, n: usize) -> Result<(), InputError> {
    InputError::check_count("k", k)?;
    if n.is_multiple_of(k) {
        return Ok(());
    }
    let condition = "a divisor of the number of values";
    Err(InputError::Count { argument: "k".into(), value: k as u64, condition })
}

fn cut(order: &[usize], sorted: &[f64], sizes: Vec<usize>) -> SortedBags {
    let (mut cost, mut start) = (0.0, 0);
    let mut bags = Vec::with_capacity(sizes.len());
    for &size in &sizes {
        let mut block = Block::at(sorted[start]);
        sorted[start..start + size].iter().for_each(|&value| block.add(value));
        cost += block.cost;
        bags.push(order[start..start + size].to_vec());
        start += size;
    }
    SortedBags { cost, sizes, bags }
}
