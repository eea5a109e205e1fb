//! The Bayes risk of an isotropic task at finite size, averaged over Gaussian inputs (ICL-7).
use solvable_linalg::{Mat, solve};
use solvable_model::InputError;

use super::IclError;
use super::error::finite;
use crate::quadrature::gauss_legendre;

/// Largest min(d, N) of [`isotropic_bayes_risk`], whose cost grows with its 7/2th power.
pub const LARGEST_BAYES_RANK: usize = 128;

/// Largest max(d, N): beyond, the weights of the polynomials lose digits.
pub const LARGEST_BAYES_SIZE: usize = 1_000_000;

/// The Bayes risk `E tr(I/beta + Z'Z/sigma2)^-1` for `B = beta I`: Z is N x d, standard Gaussian (ICL-7).
///
/// Exact at every size: with `lambda = sigma2/beta`, m = min(d, N) and g the eigenvalues of the real Wishart matrix `Z'Z` or `ZZ'`,
/// whichever is m x m,
/// `R = beta (d - m) + sigma2 E sum 1/(g + lambda)`. The joint density of `g = 2u` is proportional to
/// `prod |u_i - u_j| prod u_i^a e^-u_i`, `a = (max(d, N) - m - 1)/2`. De Bruijn's identity makes its normaliser a Pfaffian, and the derivative of
/// the logarithm of that the mean of any sum over eigenvalues: `tr(A^-1 A_f)/2` with
/// `A_jk = int P_j Q_k du`, `(A_f)_jk = int f(2u) (P_j Q_k - P_k Q_j) du`, `P_j = u^a e^-u` times a polynomial of degree j < m,
/// `Q_j(u) = int sgn(v - u) P_j(v) dv`; for odd m a border `int P_j`, `int f P_j`.
///
/// Algorithm: `u = t^2`, which leaves no singularity; Laguerre functions, whose A has a condition number that grows like m, below 1000; panels of 16 nodes,
/// refined towards t = 0 by the distance of the poles `+- i sqrt(lambda/2)`; sums of positive terms otherwise. Relative error about 1e-13
/// while max(d, N) is below 1e4, below 1e-11 at the limit. Cost `O(m^(7/2))`: microseconds to a second.
///
/// # Errors
/// [`IclError::Input`] when beta is negative or not finite, d or N is 0, m or max(d, N) is beyond [`LARGEST_BAYES_RANK`] or
/// [`LARGEST_BAYES_SIZE`]; [`IclError::NotRepresentable`] when `sigma2/beta` is positive and below the smallest normal number, or the
/// risk overflows.
///
/// ```
/// use solvable_theory::icl::isotropic_bayes_risk;
/// // Without noise the posterior is exact in N directions.
/// assert_eq!(isotropic_bayes_risk(2.0, 0.0, 7, 4)?, 6.0);
/// // d = N = 2, beta = sigma2 = 1: 1.072167213356446, from 50 digits.
/// assert!((isotropic_bayes_risk(1.0, 1.0, 2, 2)? - 1.072_167_213_356_446).abs() < 1e-14);
/// # Ok::<(), solvable_theory::icl::IclError>(())
/// ```
pub fn isotropic_bayes_risk(beta: f64, sigma2: f64, d: usize, length: usize) -> Result<f64, IclError> {
    InputError::check_nonnegative("beta", beta)?;
    InputError::check_nonnegative("sigma2", sigma2)?;
    InputError::check_count("d", d)?;
    InputError::check_count("N", length)?;
    let (m, n) = (d.min(length), d.max(length));
    let refuse = |argument: &'static str, value: usize, condition| {
        Err(InputError::Count { argument: argument.into(), value: value as u64, condition }.into())
    };
    if m > LARGEST_BAYES_RANK {
        return refuse("min(d, N)", m, "at most 128");
    }
    if n > LARGEST_BAYES_SIZE {
        return refuse("max(d, N)", n, "at most 1000000");
    }
    let blind = beta * (d - m) as f64;
    if beta == 0.0 || sigma2 == 0.0 {
        return finite("Bayes risk", blind);
    }
    let lambda = sigma2 / beta;
    if lambda < f64::MIN_POSITIVE {
        return Err(IclError::NotRepresentable { quantity: "sigma2/beta" });
    }
    let seen = if lambda >= 1.0 {
        beta * wishart_mean(m, n, lambda, |g| 1.0 / (1.0 + g / lambda))?
    } else {
        sigma2 * wishart_mean(m, n, lambda, |g| 1.0 / (g + lambda))?
    };
    finite("Bayes risk", blind + seen)
}

/// Nodes of a panel.
const NODES: usize = 16;

/// `E sum f(g)` over the m eigenvalues of a real Wishart matrix with n degrees of freedom, m <= n, for f with its
/// singularities at or beyond distance `gap` below 0.
fn wishart_mean(m: usize, n: usize, gap: f64, f: impl Fn(f64) -> f64) -> Result<f64, IclError> {
    let rule = gauss_legendre(NODES)?;
    let inner = running_integrals(&rule.nodes, &rule.weights);
    let edges = panels(m, n, gap);
    let points = (edges.len() - 1) * NODES;
    // Rows: functions P_j dt; columns: points. `below` integrates from 0 to the point.
    let mut values = vec![0.0; m * points];
    let mut below = vec![0.0; m * points];
    let mut weights = vec![0.0; points];
    let mut f_weights = vec![0.0; points];
    let mut total = vec![0.0; m];
    let mut column = vec![0.0; m];
    for (panel, ends) in edges.windows(2).enumerate() {
        let half = 0.5 * (ends[1] - ends[0]);
        let first = panel * NODES;
        for (i, (&x, &w)) in rule.nodes.iter().zip(&rule.weights).enumerate() {
            let t = ends[0] + half * (1.0 + x);
            laguerre_functions(2.0 * t * t, (n - m) as f64, &mut column);
            for (j, &value) in column.iter().enumerate() {
                values[j * points + first + i] = value;
            }
            weights[first + i] = half * w;
            f_weights[first + i] = half * w * f(2.0 * t * t);
        }
        for (j, sum) in total.iter_mut().enumerate() {
            let row = &values[j * points + first..][..NODES];
            for (i, integral) in inner.iter().enumerate() {
                let part: f64 = integral.iter().zip(row).map(|(s, p)| s * p).sum();
                below[j * points + first + i] = *sum + half * part;
            }
            *sum += half * rule.weights.iter().zip(row).map(|(w, p)| w * p).sum::<f64>();
        }
    }
    // `below` becomes Q = total - 2 int_0.
    for (row, sum) in below.chunks_mut(points).zip(&total) {
        row.iter_mut().for_each(|q| *q = sum - 2.0 * *q);
    }
    let order = m + m % 2;
    let mut a = Mat::zeros(order, order);
    let mut derivative = Mat::zeros(order, order);
    let row = |list: &[f64], j: usize| list[j * points..(j + 1) * points].to_vec();
    for j in 0..m {
        let (p_j, q_j) = (row(&values, j), row(&below, j));
        for k in 0..j {
            let (p_k, q_k) = (&values[k * points..][..points], &below[k * points..][..points]);
            let (mut plain, mut weighted) = (0.0, 0.0);
            for i in 0..points {
                let wedge = p_j[i] * q_k[i] - p_k[i] * q_j[i];
                plain += weights[i] * wedge;
                weighted += f_weights[i] * wedge;
            }
            // A is antisymmetric: half of the wedge.
            (a[(j, k)], a[(k, j)]) = (0.5 * plain, -0.5 * plain);
            (derivative[(j, k)], derivative[(k, j)]) = (weighted, -weighted);
        }
        if order > m {
            let weighted: f64 = f_weights.iter().zip(&p_j).map(|(w, p)| w * p).sum();
            (a[(j, m)], a[(m, j)]) = (total[j], -total[j]);
            (derivative[(j, m)], derivative[(m, j)]) = (weighted, -weighted);
        }
    }
    let x = solve(a.as_ref(), derivative.as_ref())?.x;
    Ok(0.5 * (0..order).map(|i| x[(i, i)]).sum::<f64>())
}

/// Ends of the panels in t = sqrt(g/2): from seven widths of the Gaussian edge below the spectrum to seven above, not wider than the
/// oscillations of the last function ask for, nor than the distance to the poles of f.
fn panels(m: usize, n: usize, gap: f64) -> Vec<f64> {
    let (small, large) = ((m as f64).sqrt(), (n as f64).sqrt());
    let root_half = core::f64::consts::FRAC_1_SQRT_2;
    let end = (small + large) * root_half + 7.0;
    let width = (1.2 / small).min(0.35);
    let near = (0.5 * gap).sqrt();
    let mut edges = vec![((large - small) * root_half - 7.0).max(0.0)];
    loop {
        let t = edges[edges.len() - 1];
        if t >= end {
            return edges;
        }
        edges.push(t + width.min(near.max(t)));
    }
}

/// Orthonormal Laguerre polynomials for `x^alpha e^-x` times the square root of that weight, all times one constant.
fn laguerre_functions(x: f64, alpha: f64, out: &mut [f64]) {
    // Relative to the maximum of the weight, at x = alpha, so that nothing overflows.
    let log_weight = if alpha == 0.0 {
        -x
    } else if x < 0.5 * alpha {
        // The difference below would lose a small x.
        alpha * ((x / alpha).ln() + 1.0) - x
    } else {
        let delta = (x - alpha) / alpha;
        alpha * (delta.ln_1p() - delta)
    };
    out[0] = (0.5 * log_weight).exp();
    for k in 1..out.len() {
        let j = k as f64;
        let step = |k: f64| (k * (k + alpha)).sqrt();
        let earlier = if k == 1 { 0.0 } else { step(j - 1.0) * out[k - 2] };
        out[k] = ((x - (2.0 * j - 1.0 + alpha)) * out[k - 1] - earlier) / step(j);
    }
}

/// `S[i][k]`: the integral from -1 to node i of the polynomial that is 1 at node k and 0 at the others.
fn running_integrals(nodes: &[f64], weights: &[f64]) -> Vec<[f64; NODES]> {
    let legendre = |x: f64| {
        let mut p = [1.0; NODES + 1];
        p[1] = x;
        for n in 1..NODES {
            let k = n as f64;
            p[n + 1] = ((2.0 * k + 1.0) * x * p[n] - k * p[n - 1]) / (k + 1.0);
        }
        p
    };
    let table: Vec<[f64; NODES + 1]> = nodes.iter().map(|&x| legendre(x)).collect();
    (0..NODES)
        .map(|i| {
            core::array::from_fn(|k| {
                let sum: f64 = (1..NODES).map(|n| table[k][n] * (table[i][n + 1] - table[i][n - 1])).sum();
                0.5 * weights[k] * (nodes[i] + 1.0 + sum)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found / expected - 1.0).abs() <= tolerance, "{found:e} {expected:e}");
    }

    /// E tr G = mN, E tr G^2 = mN (m + N + 1), E tr G^-1 = m/(N - m - 1).
    #[test]
    fn moments_of_the_wishart_law() {
        for m in [1, 2, 3, 4, 7, 8, 31, 64, 128] {
            let wide = if m < 32 { vec![m, m + 1, m + 2, 2 * m + 5, 1000, 20_000] } else { vec![m, m + 3] };
            for n in wide {
                let (p, q) = (m as f64, n as f64);
                let tolerance = 2e-13 * (1.0 + q / 2e3).sqrt();
                close(wishart_mean(m, n, 1.0, |g| g).expect("valid"), p * q, tolerance);
                close(wishart_mean(m, n, 1.0, |_| 1.0).expect("valid"), p, tolerance);
                close(wishart_mean(m, n, 1.0, |g| g * g).expect("valid"), p * q * (p + q + 1.0), tolerance);
                if n >= m + 2 {
                    close(
                        wishart_mean(m, n, 1.0, |g| g.recip()).expect("valid"),
                        p / (q - p - 1.0),
                        10.0 * tolerance,
                    );
                }
            }
        }
    }
}
