//! Products of the regularisations at which modes die (NC-08), and the threshold of minority collapse (NC-16).
use solvable_model::InputError;

use super::squared::{check_depth, whole};
use crate::{CertifyError, Interval};

/// Encloses `Lambda_c = (M-1)^(M-1)/M^(2M) tau^(2M)/N^(M+1)`, the product of all regularisations at which a mode of squared target
/// tau^2 dies (NC-08); `tau^2/N^2` at depth one.
///
/// # Errors
/// [`CertifyError::Input`] when M or N is 0.
pub fn critical_product(depth: u32, square: &Interval, total: u64) -> Result<Interval, CertifyError> {
    check_depth(depth)?;
    InputError::check_count("N", total as usize)?;
    let m = Interval::from(i64::from(depth));
    let share = (square.clone() / whole(total))?;
    let above = Interval::from(i64::from(depth) - 1).powi(depth - 1) * share.powi(depth);
    above / (m.powi(2 * depth) * whole(total))
}

/// The thresholds of two groups with a free bias.
#[derive(Clone, Debug)]
pub struct GroupThresholds {
    /// Differences among the smaller classes: minority collapse. `None` for a single such class.
    pub minority_within: Option<Interval>,
    /// The difference of the groups.
    pub between: Interval,
    /// Differences among the larger classes; `None` for a single such class.
    pub majority_within: Option<Interval>,
}

/// Encloses the three products at which the modes of two groups die with a free bias (NC-08): squared targets `n_minority`,
/// `K n_A n_B/N`, `n_majority`, the first eigenvalues of `diag(n) - n n'/N`.
///
/// # Errors
/// [`CertifyError::Input`] when a count is 0 or N does not fit 64 bits.
pub fn group_thresholds(
    (k_a, n_a): (u64, u64),
    (k_b, n_b): (u64, u64),
    depth: u32,
) -> Result<GroupThresholds, CertifyError> {
    for (name, count) in [("k_A", k_a), ("n_A", n_a), ("k_B", k_b), ("n_B", n_b)] {
        InputError::check_count(name, count as usize)?;
    }
    let samples = k_a.checked_mul(n_a).zip(k_b.checked_mul(n_b)).and_then(|(a, b)| a.checked_add(b));
    let total = samples.ok_or(InputError::Condition {
        argument: "N".into(),
        value: f64::INFINITY,
        condition: "the number of samples must fit 64 bits",
    })?;
    let within = |k: u64, n: u64| (k >= 2).then(|| critical_product(depth, &whole(n), total)).transpose();
    let cross = ((whole(k_a) + whole(k_b)) * whole(n_a) * whole(n_b) / whole(total))?;
    let (minority, majority) = if n_b <= n_a { ((k_b, n_b), (k_a, n_a)) } else { ((k_a, n_a), (k_b, n_b)) };
    Ok(GroupThresholds {
        minority_within: within(minority.0, minority.1)?,
        between: critical_product(depth, &cross, total)?,
        majority_within: within(majority.0, majority.1)?,
    })
}

/// Encloses `sqrt(n_minority)/N`, the value of `sqrt(lambda_w lambda_h)` from which on the features of a group of two or more classes
/// coincide (NC-16).
///
/// # Errors
/// [`CertifyError::Input`] when a count is 0.
pub fn minority_threshold(minority: u64, total: u64) -> Result<Interval, CertifyError> {
    InputError::check_count("n_B", minority as usize)?;
    InputError::check_count("N", total as usize)?;
    whole(minority).sqrt()? / whole(total)
}

/// Encloses `(sqrt(n_B)/lambda - k_B n_B)/k_A`: group B has coinciding features when n_A is at least this, all else fixed (NC-16).
///
/// # Errors
/// [`CertifyError::Input`] when a count is 0 or lambda is not positive.
pub fn critical_majority(k_a: u64, (k_b, n_b): (u64, u64), lambda: f64) -> Result<Interval, CertifyError> {
    for (name, count) in [("k_A", k_a), ("k_B", k_b), ("n_B", n_b)] {
        InputError::check_count(name, count as usize)?;
    }
    InputError::check_positive("lambda", lambda)?;
    let reach = (whole(n_b).sqrt()? / Interval::exact(lambda)?)?;
    (reach - whole(k_b) * whole(n_b)) / whole(k_a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collapse::thresholds;

    #[test]
    fn products_are_the_scalar_threshold() {
        // Reference numbers of the specification, n = (8, 5, 3, 1).
        for (depth, n, value) in [
            (1, 8, 0.0276816608997),
            (2, 5, 3.18033787910e-4),
            (3, 1, 6.56956747397e-8),
            (3, 8, 3.36361854667e-5),
        ] {
            let x = critical_product(depth, &whole(n), 17).expect("valid");
            assert!((x.midpoint() / value - 1.0).abs() < 1e-11, "{x} {value}");
        }
        // beta_c^M = M^M N^M (N Lambda_c)/tau^(2M).
        for depth in [2_u32, 3, 6, 40] {
            let product = critical_product(depth, &whole(5), 17).expect("valid");
            let m = Interval::from(i64::from(depth));
            let power =
                (m.powi(depth) * whole(17).powi(depth + 1) * product / whole(5).powi(depth)).expect("5 > 0");
            let beta = power.root(depth).expect("positive");
            assert!(beta.intersection(&thresholds(depth).expect("valid").beta_c).is_some(), "depth {depth}");
        }
        assert!(critical_product(0, &whole(5), 17).is_err() && critical_product(1, &whole(5), 0).is_err());
    }

    #[test]
    fn the_majority_that_makes_the_minority_collapse() {
        // sqrt(100) / 0.005 = 2000 up to the rounding of 0.005: (2000 - 500) / 5.
        let n = critical_majority(5, (5, 100), 0.005).expect("valid");
        assert!((n.midpoint() - 300.0).abs() < 1e-12 && n.width() < 1e-45);
        assert!(
            critical_majority(0, (5, 100), 0.005).is_err() && critical_majority(5, (5, 100), 0.0).is_err()
        );
    }

    #[test]
    fn groups_die_in_order() {
        let t = group_thresholds((4, 9), (3, 2), 1).expect("valid");
        let (minority, majority) =
            (t.minority_within.expect("3 classes"), t.majority_within.expect("4 classes"));
        assert!(minority.is_below(&t.between) && t.between.is_below(&majority));
        // Depth one: tau^2/N^2 = 2/42^2, 7 * 18 / 42^3, 9/42^2.
        assert!((minority.midpoint() - 2.0 / 1764.0).abs() < 1e-18);
        assert!((t.between.midpoint() - 126.0 / 74088.0).abs() < 1e-17);
        assert!(group_thresholds((1, 9), (1, 2), 2).expect("valid").minority_within.is_none());
        assert!(group_thresholds((0, 9), (1, 2), 2).is_err());
        assert!(group_thresholds((u64::MAX, 9), (1, 2), 2).is_err());
    }
}
