//! When classes die (NC-08).
use solvable_model::InputError;
use solvable_model::collapse::ClassCounts;

use super::CollapseError;
use super::range::Scaled;

/// The product Lambda of all regularisations above which a direction with squared target `square` dies (NC-03, NC-08):
/// `Lambda_c = (M-1)^(M-1)/M^(2M) tau^(2M)/N^(M+1)`.
fn critical(depth: usize, square: f64, total: f64) -> Result<f64, CollapseError> {
    let m = Scaled::new(depth as f64);
    let below = if depth == 1 { Scaled::new(1.0) } else { Scaled::new((depth - 1) as f64).power(depth - 1) };
    // (tau^2/(M^2 N))^M (M-1)^(M-1)/N.
    let ratio = Scaled::new(square).over(m).over(m).over(Scaled::new(total));
    ratio.power(depth).times(below).over(Scaled::new(total)).value("the critical product")
}

/// Per class, the product `Lambda_c` of all regularisations at which it dies without bias (NC-08).
///
/// Class k has a zero feature and classifier row when `Lambda > Lambda_c(n_k)` (at equality both may be; M = 1: zero).
/// M = 1: `n_k/N^2`.
///
/// # Errors
/// [`CollapseError::Input`] when M is 0 or above [`LARGEST_LIST`](solvable_model::LARGEST_LIST); [`CollapseError::NotRepresentable`] when the product is outside `f64`.
///
/// ```
/// use solvable_model::collapse::ClassCounts;
/// use solvable_theory::collapse::critical_products;
/// assert_eq!(critical_products(&ClassCounts::new(vec![3, 1])?, 1)?, [3.0 / 16.0, 1.0 / 16.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn critical_products(classes: &ClassCounts, depth: usize) -> Result<Vec<f64>, CollapseError> {
    InputError::check_count("M", depth)?;
    InputError::check_list("M", depth)?;
    let total = classes.total() as f64;
    classes.counts().iter().map(|&n| critical(depth, n as f64, total)).collect()
}

/// Two groups of classes of common sizes: k_A classes of n_A samples, k_B of n_B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoGroups {
    k: [usize; 2],
    n: [usize; 2],
}

impl TwoGroups {
    /// States the groups.
    ///
    /// # Errors
    /// [`InputError::Count`] when one of the numbers is 0; [`InputError::Condition`] when the numbers of classes or of
    /// samples overflow.
    pub fn new(k_a: usize, n_a: usize, k_b: usize, n_b: usize) -> Result<Self, InputError> {
        for (name, value) in [("k_A", k_a), ("n_A", n_a), ("k_B", k_b), ("n_B", n_b)] {
            InputError::check_count(name, value)?;
        }
        let samples = k_a.checked_mul(n_a).and_then(|a| k_b.checked_mul(n_b).and_then(|b| a.checked_add(b)));
        if samples.is_none() || k_a.checked_add(k_b).is_none() {
            return Err(InputError::Condition {
                argument: "n_A".into(),
                value: n_a as f64,
                condition: "the total number of samples must fit into a machine word",
            });
        }
        Ok(Self { k: [k_a, k_b], n: [n_a, n_b] })
    }

    /// k_A, k_B.
    #[must_use]
    pub fn classes(&self) -> [usize; 2] {
        self.k
    }

    /// n_A, n_B.
    #[must_use]
    pub fn sizes(&self) -> [usize; 2] {
        self.n
    }

    /// N.
    #[must_use]
    pub fn total(&self) -> usize {
        self.k[0] * self.n[0] + self.k[1] * self.n[1]
    }

    /// K.
    #[must_use]
    pub fn count(&self) -> usize {
        self.k[0] + self.k[1]
    }

    /// Index of the group of smaller classes; B when the sizes agree.
    #[must_use]
    pub fn minority(&self) -> usize {
        usize::from(self.n[1] <= self.n[0])
    }
}

/// Products Lambda at which the three sets of modes of two groups die (NC-08).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TwoGroupThresholds {
    /// Differences among the smaller classes: minority collapse. `None` for a single such class.
    pub minority_within: Option<f64>,
    /// The difference of the groups.
    pub between: f64,
    /// Differences among the larger classes; `None` for a single such class.
    pub majority_within: Option<f64>,
}

/// The thresholds of two groups with a free bias (NC-08): squared targets `n_minority`, `K n_A n_B/N`, `n_majority`.
///
/// As Lambda grows the differences within the minority die first: all its classes then share one *non-zero* feature and
/// one classifier row, while the majority stays distinct.
///
/// # Errors
/// As [`critical_products`].
pub fn two_group_thresholds(groups: &TwoGroups, depth: usize) -> Result<TwoGroupThresholds, CollapseError> {
    InputError::check_count("M", depth)?;
    InputError::check_list("M", depth)?;
    let total = groups.total() as f64;
    let [n_a, n_b] = groups.n.map(|n| n as f64);
    let within =
        |g: usize| (groups.k[g] >= 2).then(|| critical(depth, groups.n[g] as f64, total)).transpose();
    let minority = groups.minority();
    Ok(TwoGroupThresholds {
        minority_within: within(minority)?,
        between: critical(depth, groups.count() as f64 * (n_a / total) * n_b, total)?,
        majority_within: within(1 - minority)?,
    })
}

/// Where minority collapse sets in at depth one (NC-08 with a free bias, NC-16 for cross-entropy with any bias).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MinorityCollapse {
    /// `sqrt(n)/N` of the smaller classes: they coincide exactly when `sqrt(lambda_W lambda_H)` is at least this.
    pub critical_lambda: f64,
    /// `(sqrt(n_B)/lambda - k_B n_B)/k_A`: group B collapses when n_A is at least this, all else fixed. At most 0: it
    /// is collapsed for every n_A.
    pub critical_majority: f64,
}

/// The sharp threshold of minority collapse at depth one, in the regularisation and in the majority's size (NC-16).
///
/// A group of at least two classes of common size n has coinciding features exactly when `sqrt(n) <= N lambda`,
/// `lambda = sqrt(lambda_W lambda_H)`, whatever the bias, the other groups and K: with a vanishing margin the gradient
/// on the within-group contrasts is `-sqrt(n)/N I`, to be compared with the radius lambda of the nuclear norm.
///
/// # Errors
/// [`CollapseError::Input`] when lambda is not finite and positive, or the smaller classes are a single one.
///
/// ```
/// use solvable_theory::collapse::{TwoGroups, minority_collapse};
/// let at = minority_collapse(&TwoGroups::new(5, 500, 5, 100)?, 0.005)?;
/// assert!((at.critical_lambda - 10.0 / 3000.0).abs() <= 1e-18);
/// assert!((at.critical_majority - 300.0).abs() <= 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn minority_collapse(groups: &TwoGroups, lambda: f64) -> Result<MinorityCollapse, CollapseError> {
    InputError::check_positive("lambda", lambda)?;
    let minority = groups.minority();
    if groups.k[minority] < 2 {
        return Err(CollapseError::Input(InputError::Count {
            argument: if minority == 0 { "k_A" } else { "k_B" }.into(),
            value: groups.k[minority] as u64,
            condition: "at least 2: a single class cannot coincide with another of its group",
        }));
    }
    let n_b = groups.n[1] as f64;
    let [k_a, k_b] = groups.k.map(|k| k as f64);
    let critical_majority = (n_b.sqrt() / lambda - k_b * n_b) / k_a;
    if !critical_majority.is_finite() {
        return Err(CollapseError::NotRepresentable { quantity: "the critical majority size" });
    }
    let critical_lambda = (groups.n[minority] as f64).sqrt() / groups.total() as f64;
    Ok(MinorityCollapse { critical_lambda, critical_majority })
}
