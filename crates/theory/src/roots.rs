//! Roots of scalar functions between two points of opposite sign, with counted evaluations.

/// Why no root was returned.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// The ends do not bracket a root.
    #[error("no sign change: f({a:?}) = {fa:?} and f({b:?}) = {fb:?}")]
    NoSignChange {
        /// Left end.
        a: f64,
        /// Right end.
        b: f64,
        /// Value at the left end.
        fa: f64,
        /// Value at the right end.
        fb: f64,
    },
    /// The function returned NaN.
    #[error("f({x:?}) is not a number")]
    NotANumber {
        /// Where.
        x: f64,
    },
    /// The interval or the tolerance is not usable.
    #[error("cannot search [{a:?}, {b:?}] with tolerance {tolerance:?}: need finite a <= b, tolerance >= 0")]
    BadInterval {
        /// Left end.
        a: f64,
        /// Right end.
        b: f64,
        /// Tolerance.
        tolerance: f64,
    },
}

/// A bracketed root.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Root {
    /// The point returned: the end of the final bracket where |f| is smaller.
    pub x: f64,
    /// f there.
    pub value: f64,
    /// Final bracket; f changes sign across it, or vanishes at `x`.
    pub bracket: (f64, f64),
    /// Number of evaluations of f.
    pub evaluations: usize,
}

/// A root of `f` in [a, b], where f(a) and f(b) have opposite signs (or one is 0), by the ITP method.
///
/// Interpolate, truncate, project (Oliveira and Takahashi, *ACM Trans. Math. Softw.* 47, 2020) with
/// kappa_1 = 0.2 / (b - a), kappa_2 = 2, n_0 = 1. f need not be continuous: what is found is a sign change.
///
/// Guarantee: after at most `ceil(log2((b - a) / w)) + 4` evaluations (two of them at the ends, one spare for
/// rounding), where `w = 2 max(tolerance, 2 ulp)`, the bracket is at most w wide: at most two evaluations
/// more than bisection. On smooth functions the order is superlinear.
///
/// # Errors
/// [`RootError`] when there is no sign change, f returns NaN, or the interval or tolerance is not usable.
///
/// ```
/// use solvable_theory::roots::itp;
/// let root = itp(|x| x * x - 2.0, 0.0, 2.0, 0.0)?;
/// assert!((root.x - 2.0_f64.sqrt()).abs() <= 4.0 * f64::EPSILON);
/// # Ok::<(), solvable_theory::roots::RootError>(())
/// ```
pub fn itp(mut f: impl FnMut(f64) -> f64, a: f64, b: f64, tolerance: f64) -> Result<Root, RootError> {
    let usable = a.is_finite() && b.is_finite() && a <= b && (b - a).is_finite() && tolerance >= 0.0;
    if !usable {
        return Err(RootError::BadInterval { a, b, tolerance });
    }
    let (fa, fb) = (number(a, f(a))?, number(b, f(b))?);
    let mut evaluations = 2;
    for (x, value) in [(a, fa), (b, fb)] {
        if value == 0.0 {
            return Ok(Root { x, value, bracket: (x, x), evaluations });
        }
    }
    if (fa > 0.0) == (fb > 0.0) {
        return Err(RootError::NoSignChange { a, b, fa, fb });
    }
    // g = sign * f increases through the root.
    let sign = if fb > 0.0 { 1.0 } else { -1.0 };
    let (mut left, mut right, mut g_left, mut g_right) = (a, b, sign * fa, sign * fb);
    let spacing = 2.0 * f64::EPSILON * a.abs().max(b.abs()) + f64::MIN_POSITIVE;
    let half_width = tolerance.max(spacing);
    let kappa = 0.2 / (b - a);
    let halvings = ((b - a) / (2.0 * half_width)).log2().ceil().max(0.0);
    let mut reach = half_width * (halvings + 1.0).exp2();
    while right - left > 2.0 * half_width {
        let middle = left + 0.5 * (right - left);
        let radius = (reach - 0.5 * (right - left)).max(0.0);
        let span = g_right - g_left;
        let secant = if span.is_finite() {
            (left * (g_right / span) - right * (g_left / span)).clamp(left, right)
        } else {
            middle
        };
        let direction = if middle >= secant { 1.0 } else { -1.0 };
        let push = kappa * (right - left) * (right - left);
        let truncated = if push <= (middle - secant).abs() { secant + direction * push } else { middle };
        let x = if (truncated - middle).abs() <= radius { truncated } else { middle - direction * radius };
        let g = sign * number(x, f(x))?;
        evaluations += 1;
        if g > 0.0 {
            (right, g_right) = (x, g);
        } else if g < 0.0 {
            (left, g_left) = (x, g);
        } else {
            return Ok(Root { x, value: 0.0, bracket: (x, x), evaluations });
        }
        reach *= 0.5;
    }
    let (x, value) = if g_left.abs() < g_right { (left, sign * g_left) } else { (right, sign * g_right) };
    Ok(Root { x, value, bracket: (left, right), evaluations })
}

fn number(x: f64, value: f64) -> Result<f64, RootError> {
    if value.is_nan() { Err(RootError::NotANumber { x }) } else { Ok(value) }
}

/// The positive root of an increasing function of log x, by Newton's method kept inside a bracket.
///
/// `f` returns (E, E') with `E' = dE / d log x > 0`; the root must lie in [low, high], both positive. A step
/// multiplies x by `1 + s` (s >= 0) or divides by `1 - s` (s < 0), s = -E/E': Newton in x upwards and in
/// 1/x downwards, so x stays positive and neither range overflows. A step that leaves the bracket, and every
/// step after three in a row that were long (|s| > 1/2), is replaced by the geometric mean of the bracket.
///
/// Stops when |s| is at most 2 epsilon, or when rounding in E has closed the bracket. E decides the accuracy:
/// the relative error of the root is the rounding of E over E'. Geometric means reach any magnitude
/// of a double within 11 evaluations; from a good `start` Newton needs 4 to 8. No allocation.
pub(crate) fn increasing_log_newton(
    mut f: impl FnMut(f64) -> (f64, f64),
    mut low: f64,
    mut high: f64,
    start: f64,
) -> f64 {
    let mut x = if start >= low && start <= high { start } else { low };
    let mut long_steps = 0;
    // 3 Newton steps, 11 + 52 halvings of exponent and mantissa at worst, and spare.
    for _ in 0..100 {
        let (e, slope) = f(x);
        if e == 0.0 {
            return x;
        }
        if e > 0.0 {
            high = high.min(x);
        } else {
            low = low.max(x);
        }
        let step = -e / slope;
        if step.abs() <= 2.0 * f64::EPSILON {
            return x;
        }
        let newton = if step >= 0.0 { x + x * step } else { x / (1.0 - step) };
        let inside = newton > low && newton < high;
        if step.abs() > 0.5 {
            long_steps += 1;
        } else {
            long_steps = 0;
        }
        if step.abs() < 1e-6 && !inside {
            // The bracket is at the rounding of E already, or the root is its end.
            return newton.clamp(low, high);
        }
        let next = if inside && long_steps <= 3 { newton } else { low.sqrt() * high.sqrt() };
        if next == x || !(next > low && next < high) {
            return x;
        }
        x = next;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root on an end of the bracket, approached from a start a millionth away: the last step is taken.
    #[test]
    fn a_root_on_the_end_of_the_bracket_keeps_its_digits() {
        for (low, high) in [(1.0, 4.0), (2.0, 8.0)] {
            let root = if low == 1.0 { 4.0 } else { 2.0 };
            let x = increasing_log_newton(
                |x: f64| (x.ln() - f64::ln(root), 1.0),
                low,
                high,
                root * if root == low { 1.0 + 5e-7 } else { 1.0 - 5e-7 },
            );
            assert!((x / root - 1.0).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn roots_are_found_within_the_promised_evaluations() {
        type Case = (fn(f64) -> f64, f64, f64, f64);
        let cases: [Case; 6] = [
            (|x| x * x * x, -1.0, 2.0, 0.0),
            (|x| x.powi(9) - 0.5, 0.0, 1.0, 0.5_f64.powf(1.0 / 9.0)),
            (|x| if x < 0.3 { -1e-300 } else { 1e300 }, 0.0, 1.0, 0.3),
            (|x| 1.0 - x, 0.0, 100.0, 1.0),
            (|x| (x - 0.1).atan() * 1e-200, -5.0, 1e6, 0.1),
            (|x| x.exp() - 1e5, -700.0, 700.0, 1e5_f64.ln()),
        ];
        for (i, (f, a, b, x)) in cases.into_iter().enumerate() {
            for tolerance in [0.0, 1e-9] {
                let root = itp(f, a, b, tolerance).expect("brackets a root");
                let half = tolerance.max(2.0 * f64::EPSILON * a.abs().max(b.abs()));
                let bound = ((b - a) / (2.0 * half)).log2().ceil() as usize + 4;
                assert!(root.evaluations <= bound, "case {i}: {} > {bound}", root.evaluations);
                assert!(root.bracket.1 - root.bracket.0 <= 2.0 * half);
                // Of the two ends the one where f is smaller.
                assert_eq!(root.value, f(root.x), "case {i}");
                for end in [root.bracket.0, root.bracket.1] {
                    assert!(root.value.abs() <= f(end).abs(), "case {i}: {} {end}", root.x);
                }
                // x^3 is 0 to working precision below 1e-100.
                assert!((root.x - x).abs() <= 2.0 * half + 1e-100, "case {i}: {} {x}", root.x);
            }
        }
    }

    #[test]
    fn unusable_input_is_refused() {
        assert!(matches!(itp(|x| x * x + 1.0, -1.0, 1.0, 0.0), Err(RootError::NoSignChange { .. })));
        assert!(matches!(itp(|_| f64::NAN, -1.0, 1.0, 0.0), Err(RootError::NotANumber { .. })));
        assert!(matches!(itp(|x| x, 1.0, -1.0, 0.0), Err(RootError::BadInterval { .. })));
        assert!(matches!(itp(|x| x, f64::NAN, 1.0, 0.0), Err(RootError::BadInterval { .. })));
    }

    #[test]
    fn logarithmic_newton_covers_the_range_of_doubles() {
        for exponent in [-300, -20, 0, 7, 300] {
            let target = 3.0 * 10.0_f64.powi(exponent);
            let (mut worst, mut count) = (0.0_f64, 0);
            for start in [1e-307, 1.0, 1e307] {
                // E = x/(x + target) - 1/2, flat at both ends.
                let x = increasing_log_newton(
                    |x| {
                        count += 1;
                        let share = 1.0 / (1.0 + target / x);
                        (share - 0.5, share * (1.0 - share))
                    },
                    1e-307,
                    1e307,
                    start,
                );
                worst = worst.max((x / target - 1.0).abs());
            }
            assert!(worst <= 8.0 * f64::EPSILON && count < 3 * 40, "{exponent}: {worst:e} {count}");
        }
    }
}
