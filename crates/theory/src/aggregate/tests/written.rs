//! Formulas as the specification writes them, evaluated slowly, against the ones that avoid cancellation.
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use solvable_model::aggregate::{GroupedLimit, RowGroup, SpectrumPart};

use crate::aggregate::*;

/// (A4) by bisection of `delta = sum_j omega_j sigma_j/(s sigma_j + lambda)`, `s = sum_g p_g w_g/(1 + w_g delta)`:
/// delta, bias, variance and `1 - FG`.
fn grouped(groups: &[RowGroup], parts: &[SpectrumPart], lambda: f64) -> [f64; 4] {
    let s = |delta: f64| {
        groups.iter().map(|g| g.fraction * g.row_weight / (1.0 + g.row_weight * delta)).sum::<f64>()
    };
    let right =
        |delta: f64| parts.iter().map(|p| p.weight * p.sigma / (s(delta) * p.sigma + lambda)).sum::<f64>();
    let (mut low, mut high) = (1e-40_f64, 1e40_f64);
    for _ in 0..200 {
        let middle = (low * high).sqrt();
        if middle < right(middle) { low = middle } else { high = middle }
    }
    let delta = (low * high).sqrt();
    let s = s(delta);
    let damped = |g: &RowGroup| g.fraction * g.row_weight / (1.0 + g.row_weight * delta);
    let square = |g: &RowGroup| damped(g) * g.row_weight / (1.0 + g.row_weight * delta);
    let drive: f64 = groups.iter().map(|g| damped(g) * g.target).sum();
    let error = |target: f64| -> f64 {
        let own = |p: &SpectrumPart| p.sigma * drive / (s * p.sigma + lambda) - target;
        parts.iter().map(|p| p.sigma * p.theta2 * own(p) * own(p)).sum()
    };
    let f: f64 = parts.iter().map(|p| p.weight * (p.sigma / (s * p.sigma + lambda)).powi(2)).sum();
    let gap = 1.0 - f * groups.iter().map(square).sum::<f64>();
    let signal: f64 = groups.iter().map(|g| square(g) * error(g.target)).sum();
    let noise: f64 = groups.iter().map(|g| square(g) * g.noise_variance).sum();
    [delta, error(1.0) + f * signal / gap, f * noise / gap, gap]
}

#[test]
fn the_equivalent_of_groups() {
    let seen = [const { AtomicUsize::new(0) }; 4];
    let group = (0.01..1.0_f64, -7.0..7.0_f64, -2.0..2.0_f64, 0.0..3.0_f64, 0..5_u8).prop_map(
        |(fraction, weight, target, noise_variance, kind)| RowGroup {
            fraction,
            row_weight: if kind == 0 { 0.0 } else { weight.exp() },
            target,
            noise_variance,
        },
    );
    let part =
        (-6.0..6.0_f64, -5.0..2.0_f64, 0.0..3.0_f64, 0..6_u8).prop_map(|(sigma, weight, theta2, kind)| {
            SpectrumPart { sigma: if kind == 0 { 0.0 } else { sigma.exp() }, weight: weight.exp(), theta2 }
        });
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let draws =
        (prop::collection::vec(group, 1..5), prop::collection::vec(part, 1..5), -12.0..6.0_f64, 0..4_u8);
    proptest!(config, |((mut groups, mut parts, log, kind) in draws)| {
        let total: f64 = groups.iter().map(|g| g.fraction).sum();
        groups.iter_mut().for_each(|g| g.fraction /= total);
        // A quarter of the draws near the interpolation threshold: as many rows in use as directions with variance.
        let rows: f64 = groups.iter().filter(|g| g.row_weight > 0.0).map(|g| g.fraction).sum();
        let columns: f64 = parts.iter().filter(|p| p.sigma > 0.0).map(|p| p.weight).sum();
        let close = kind == 0 && rows > 0.0 && columns > 0.0;
        if close {
            parts.iter_mut().for_each(|p| p.weight *= rows / columns);
        }
        let lambda = if close { (log - 6.0).exp() } else { log.exp() };
        let [delta, bias2, var, gap] = grouped(&groups, &parts, lambda);
        let directions: f64 = parts.iter().map(|p| p.weight).sum();
        let problem = GroupedLimit::new(groups.clone(), parts.clone()).expect("valid");
        let found = equivalent(&problem, lambda).expect("in range");
        // delta moves by eps/gap, and gap with it; 30 terms.
        let allowed = 100.0 * f64::EPSILON / (gap * gap);
        if allowed > 1e-3 {
            return Ok(());
        }
        let kinds = [directions > 1.0, directions < 1.0, gap < 0.1, groups.iter().any(|g| g.row_weight == 0.0)];
        for (count, kind) in seen.iter().zip(kinds) {
            count.fetch_add(usize::from(kind), Ordering::Relaxed);
        }
        if parts.iter().any(|p| p.sigma > 0.0) {
            prop_assert!((found.point.delta / delta - 1.0).abs() <= allowed, "{} {delta}", found.point.delta);
        }
        // A bias is a sum of squares of differences of numbers of order 2.
        let size: f64 = parts.iter().map(|p| p.sigma * p.theta2 * 16.0).sum();
        prop_assert!((found.bias2 - bias2).abs() <= allowed * (bias2 + size), "{} {bias2}", found.bias2);
        prop_assert!((found.var - var).abs() <= allowed * var, "{} {var}", found.var);
    });
    let seen = seen.map(AtomicUsize::into_inner);
    let strata = "overparametrised, underparametrised, near the threshold, idle rows";
    assert!(seen.iter().all(|&n| n >= 10), "{strata}: {seen:?}");
}
