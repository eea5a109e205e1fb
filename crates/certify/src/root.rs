//! Scalar roots: existence by a certified sign change, uniqueness by a certified derivative.
use crate::{CertifyError, Interval};

/// A function of intervals.
pub type Evaluate<'a> = dyn Fn(&Interval) -> Result<Interval, CertifyError> + 'a;

/// A root that certainly exists between two doubles.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Whether the derivative was certified not to vanish between the ends, so that the root is the only one there.
    pub unique: bool,
}

impl Root {
    /// The root as an interval.
    ///
    /// # Errors
    /// Never for a root made by this crate.
    pub fn interval(&self) -> Result<Interval, CertifyError> {
        Interval::between(self.low, self.high)
    }
}

/// Encloses the root of a continuous function near an approximation.
///
/// Doubles around `near` are tried at growing distance until f has certified opposite signs; then the bracket is halved
/// over the doubles as long as signs can be certified. With a well conditioned root the ends are neighbouring doubles.
/// `derivative`, when given, is evaluated over the whole bracket (interval Newton's uniqueness condition).
///
/// # Errors
/// [`CertifyError::NoRoot`] when no sign change is found within a relative distance of 2^-10, or an evaluation fails.
///
/// ```
/// use solvable_certify::{Interval, enclose_root};
/// // x^2 = 2.
/// let f = |x: &Interval| Ok(x.square() - Interval::from(2));
/// let root = enclose_root(1.414, f, Some(&|x: &Interval| Ok(x.scaled(1))))?;
/// assert!(root.unique && root.high == root.low.next_up());
/// assert!(root.low < 2f64.sqrt().next_up() && root.high > 2f64.sqrt().next_down());
/// # Ok::<(), solvable_certify::CertifyError>(())
/// ```
pub fn enclose_root(
    near: f64,
    f: impl Fn(&Interval) -> Result<Interval, CertifyError>,
    derivative: Option<&Evaluate<'_>>,
) -> Result<Root, CertifyError> {
    if !near.is_finite() {
        return Err(CertifyError::NotFinite { value: near });
    }
    let sign = |x: f64| -> Option<i32> {
        let value = Interval::exact(x).and_then(|x| f(&x)).ok()?;
        if value.is_positive() {
            Some(1)
        } else if value.is_negative() {
            Some(-1)
        } else if value == Interval::zero() {
            Some(0)
        } else {
            None
        }
    };
    if sign(near) == Some(0) {
        let unique = is_unique(near, near, derivative);
        return Ok(Root { low: near, high: near, unique });
    }
    let (mut low, mut high, signs) = bracket(near, sign)?;
    if signs.0 == 0 || signs.1 == 0 {
        let exact = if signs.0 == 0 { low } else { high };
        return Ok(Root { low: exact, high: exact, unique: is_unique(exact, exact, derivative) });
    }
    while let Some(middle) = between(low, high) {
        match sign(middle) {
            Some(0) => {
                (low, high) = (middle, middle);
                break;
            }
            Some(s) if s == signs.0 => low = middle,
            Some(_) => high = middle,
            // Closer than the evaluation can tell.
            None => break,
        }
    }
    Ok(Root { low, high, unique: is_unique(low, high, derivative) })
}

/// Shrinks an interval that holds exactly one root by interval Newton steps `X <- X n (m - f(m)/f'(X))`, m in the middle.
///
/// Every root of f in the start is kept. Stops when a step no longer halves the width: at the accuracy of the evaluation.
///
/// # Errors
/// [`CertifyError::NoRoot`] when the start turns out to hold none, or an evaluation fails.
pub fn newton(
    start: Interval,
    f: impl Fn(&Interval) -> Result<Interval, CertifyError>,
    derivative: impl Fn(&Interval) -> Result<Interval, CertifyError>,
) -> Result<Interval, CertifyError> {
    let mut x = start;
    for _ in 0..8 {
        let m = x.middle();
        let step = (f(&m)? / derivative(&x)?)?;
        let next = x.intersection(&(m - step)).ok_or(CertifyError::NoRoot {
            near: x.midpoint(),
            reason: "the Newton step leaves the interval",
        })?;
        let done = next.width() > 0.5 * x.width();
        x = next;
        if done {
            break;
        }
    }
    Ok(x)
}

fn is_unique(low: f64, high: f64, derivative: Option<&Evaluate<'_>>) -> bool {
    let Some(derivative) = derivative else { return false };
    Interval::between(low, high).and_then(|x| derivative(&x)).is_ok_and(|d| !d.contains_zero())
}

/// Doubles around `near` with certified signs that differ.
fn bracket(near: f64, sign: impl Fn(f64) -> Option<i32>) -> Result<(f64, f64, (i32, i32)), CertifyError> {
    let mut distance = near.abs().max(f64::MIN_POSITIVE) * f64::EPSILON;
    let largest = near.abs().max(f64::MIN_POSITIVE) * 2f64.powi(-10);
    while distance <= largest {
        let (low, high) = (near - distance, near + distance);
        if let (Some(a), Some(b)) = (sign(low), sign(high))
            && (a != b || a == 0)
        {
            return Ok((low, high, (a, b)));
        }
        distance *= 2.0;
    }
    Err(CertifyError::NoRoot { near, reason: "no certified sign change within a relative distance of 2^-10" })
}

/// A double strictly between two others, halving the number of doubles rather than the distance.
fn between(low: f64, high: f64) -> Option<f64> {
    if low.next_up() >= high {
        return None;
    }
    if low.signum() != high.signum() {
        return Some(0.0).filter(|z| low < *z && *z < high).or(Some(0.5 * low + 0.5 * high));
    }
    let (a, b) = (low.to_bits().min(high.to_bits()), low.to_bits().max(high.to_bits()));
    Some(f64::from_bits(a + (b - a) / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Doubles beside the start that are roots themselves are returned as points, from below and from above.
    #[test]
    fn roots_at_the_ends_of_the_bracket_are_exact() {
        for near in [1.0, -3.0, 0.1] {
            for root in [near - f64::abs(near) * f64::EPSILON, near + f64::abs(near) * f64::EPSILON] {
                for sign in [1, -1] {
                    let shifted = |x: &Interval| {
                        Ok((x.clone() - Interval::exact(root)?) * Interval::from(i64::from(sign)))
                    };
                    let slope = |_: &Interval| Ok(Interval::from(i64::from(sign)));
                    let found = enclose_root(near, shifted, Some(&slope)).expect("a root");
                    assert_eq!((found.low, found.high, found.unique), (root, root, true), "{near} {sign}");
                }
            }
        }
    }
}
