//! Reference numbers, identities and degenerate inputs.
mod domains;
mod dynamics;
mod entropy;
mod high_precision;
mod squared;
mod table;
mod table_entropy;

use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};

pub(super) fn problem(
    counts: &[usize],
    widths: &[usize],
    lambda_w: &[f64],
    lambda_h: f64,
    bias: Bias,
) -> FreeFeatures {
    let classes = ClassCounts::new(counts.to_vec()).expect("valid");
    FreeFeatures::new(classes, widths.to_vec(), lambda_w.to_vec(), lambda_h, bias).expect("valid")
}

/// Refuses a relative error beyond `units` roundings; `floor` is what absolute rounding leaves of a difference.
#[track_caller]
pub(super) fn close(actual: f64, expected: f64, units: f64, floor: f64) {
    let allowed = units * f64::EPSILON * expected.abs() + floor;
    assert!(
        (actual - expected).abs() <= allowed,
        "{actual:?} against {expected:?}: {:.1} units",
        (actual - expected).abs() / (f64::EPSILON * expected.abs().max(f64::MIN_POSITIVE))
    );
}

/// A number printed with `digits` significant digits.
#[track_caller]
pub(super) fn printed(actual: f64, expected: f64, digits: i32) {
    assert!(
        (actual - expected).abs() <= 0.6 * 10.0_f64.powi(1 - digits) * expected.abs(),
        "{actual:?} against {expected:?}"
    );
}
