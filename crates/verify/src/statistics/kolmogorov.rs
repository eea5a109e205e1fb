//! The one-sample Kolmogorov-Smirnov test of uniformity.

/// Outcome of a uniformity test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UniformityTest {
    /// Number of values.
    pub count: usize,
    /// Largest distance between the empirical and the uniform distribution function.
    pub distance: f64,
    /// `P(distance or more)` under uniformity.
    pub p_value: f64,
}

/// Tests whether `values` look uniform on [0, 1].
///
/// The tail uses Kolmogorov's series with Stephens' finite-n argument
/// `(sqrt(n) + 0.12 + 0.11/sqrt(n)) D`, accurate to 1e-3 for n >= 20. Returns `None` for no values or a
/// value outside [0, 1].
#[must_use]
pub fn kolmogorov_smirnov_uniform(values: &[f64]) -> Option<UniformityTest> {
    if values.is_empty() || values.iter().any(|v| !(0.0..=1.0).contains(v)) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distance = sorted
        .iter()
        .enumerate()
        .map(|(i, &v)| (v - i as f64 / n).max((i + 1) as f64 / n - v))
        .fold(0.0, f64::max);
    let root = n.sqrt();
    let argument = (root + 0.12 + 0.11 / root) * distance;
    // The alternating series converges too slowly near 0, where the probability is 1 to double precision.
    let p_value = if argument < 0.2 {
        1.0
    } else {
        let mut sum = 0.0;
        for k in 1..=100 {
            let term = (-2.0 * f64::from(k * k) * argument * argument).exp();
            sum += if k % 2 == 1 { term } else { -term };
        }
        (2.0 * sum).clamp(0.0, 1.0)
    };
    Some(UniformityTest { count: sorted.len(), distance, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separates_uniform_from_biased_values() {
        let n = 1000;
        let grid: Vec<f64> = (0..n).map(|i| (f64::from(i) + 0.5) / f64::from(n)).collect();
        let uniform = kolmogorov_smirnov_uniform(&grid).expect("valid");
        assert!((uniform.distance - 0.0005).abs() < 1e-12 && uniform.p_value > 0.999);
        let squared: Vec<f64> = grid.iter().map(|v| v * v).collect();
        assert!(kolmogorov_smirnov_uniform(&squared).expect("valid").p_value < 1e-12);
        assert!(kolmogorov_smirnov_uniform(&[]).is_none());
        assert!(kolmogorov_smirnov_uniform(&[f64::NAN]).is_none());
    }

    /// The asymptotic 5% point of sqrt(n) D is 1.3581 (Smirnov 1948).
    #[test]
    fn tail_matches_the_published_critical_point() {
        let n = 1_000_000_usize;
        let shift = 1.3581 / (n as f64).sqrt();
        let values: Vec<f64> = (0..n).map(|i| ((i as f64 + 0.5) / n as f64 + shift).min(1.0)).collect();
        let p = kolmogorov_smirnov_uniform(&values).expect("valid").p_value;
        assert!((p - 0.05).abs() < 5e-4, "{p}");
    }
}
