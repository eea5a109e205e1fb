//! Exact risk when bags are built from the projections on the signal (AGG-14).
use solvable_model::InputError;
use solvable_model::aggregate::{BagDesign, IsotropicLimit};

use super::error::{AggregateError, finite};
use super::risk::Risk;

/// Within-bag share and risk, conditional on the projections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CuratedRisk {
    /// `omega = 1 - |Pz|^2/|z|^2`, in [0, 1].
    pub omega: f64,
    /// Expected bias and variance given z.
    pub risk: Risk,
}

/// `omega = sum_a sum_{i in a} (z_i - zbar_a)^2 / |z|^2`: the share of `|z|^2` that bag means lose.
///
/// A sum of squares over a sum of squares, scaled by a power of two near `max |z_i|`, of distances from one value of the
/// bag: no overflow, and no cancellation where the values of a bag are close.
///
/// # Errors
/// [`InputError`] when z does not have one finite entry a row or is 0.
pub fn within_bag_share(bags: &BagDesign, z: &[f64]) -> Result<f64, InputError> {
    Ok(shares(bags, z)?.0)
}

/// `omega` and `1 - omega`, each a sum of squares.
fn shares(bags: &BagDesign, z: &[f64]) -> Result<(f64, f64), InputError> {
    InputError::check_vector("z", z)?;
    if z.len() != bags.rows() {
        let (found, expected) = ((z.len(), 1), (bags.rows(), 1));
        return Err(InputError::Shape { argument: "z".into(), found, expected });
    }
    let largest = z.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    InputError::check("|z|", largest, largest > 0.0, "greater than 0: omega is a share of |z|^2")?;
    let exponent = libm::ilogb(largest);
    let scaled = |row: usize| libm::ldexp(z[row], -exponent);
    let (mut lost, mut kept) = (0.0, 0.0);
    for a in 0..bags.bags() {
        let members = bags.members(a);
        let (anchor, size) = (scaled(members[0]), members.len() as f64);
        let shift = members.iter().map(|&row| scaled(row) - anchor).sum::<f64>() / size;
        lost += members.iter().map(|&row| (scaled(row) - anchor - shift).powi(2)).sum::<f64>();
        kept += size * (anchor + shift).powi(2);
    }
    let all = lost + kept;
    Ok((lost / all, kept / all))
}

/// Exact conditional risk of the ridgeless instance-level estimator given `z = X theta*/|theta*|`, for bags that are
/// any function of z (AGG-14). Isotropic Gaussian covariates, n >= d+2; bags may differ in size.
///
/// With `kappa = (d-1)/((n-1)(n-d-1))`:
/// `E[Bias^2|z] = r2 [omega^2 + kappa omega (1-omega)(|z|^2 + 1)]`,
/// `E[Var|z] = s2 [(1-omega)/|z|^2 + (m-1+omega) kappa (1 + 1/|z|^2)]`. O(n); relative error a few n ulps.
///
/// # Errors
/// [`AggregateError`] when n < d+2, z has the wrong length, a non-finite entry or norm 0, an energy is negative, or a
/// result overflows.
pub fn curated_risk(
    bags: &BagDesign,
    z: &[f64],
    d: usize,
    r2: f64,
    s2: f64,
) -> Result<CuratedRisk, AggregateError> {
    InputError::check_count("d", d)?;
    InputError::check_nonnegative("r2", r2)?;
    InputError::check_nonnegative("s2", s2)?;
    let (n, m) = (bags.rows(), bags.bags());
    if n < d.saturating_add(2) {
        let condition = "rows must be at least d + 2";
        return Err(AggregateError::NoFormula { condition, n, m, d });
    }
    let (omega, kept) = shares(bags, z)?;
    let norm = z.iter().fold(0.0_f64, |norm, x| norm.hypot(*x));
    let (rows, columns) = (n as f64, d as f64);
    let kappa = if d == 1 { 0.0 } else { (columns - 1.0) / ((rows - 1.0) * (rows - columns - 1.0)) };
    let spread = if kappa == 0.0 { 0.0 } else { kappa * omega * kept * (norm * norm + 1.0) };
    let inverse = 1.0 / norm / norm;
    let var = kept * inverse + (m as f64 - 1.0 + omega) * kappa * (1.0 + inverse);
    let risk = Risk::of(omega * omega + spread, r2, var, s2);
    finite("bias", risk.bias2)?;
    finite("variance", risk.var)?;
    Ok(CuratedRisk { omega, risk })
}

/// Limit of the curated risk: `r2 [omega^2 + gamma/(1-gamma) omega (1-omega)]`, `s2 gamma/(k (1-gamma))`, gamma < 1 (AGG-14).
///
/// omega = 0 is what sorted bags of any fixed size reach; `1 - 1/k` is random bags. At gamma = 1 both are infinite.
///
/// # Errors
/// [`InputError`] unless omega is in [0, 1] and gamma is at most 1.
pub fn curated_limit(problem: &IsotropicLimit, omega: f64) -> Result<Risk, InputError> {
    let gamma = problem.gamma();
    InputError::check("gamma", gamma, gamma <= 1.0, "at most 1")?;
    InputError::check("omega", omega, (0.0..=1.0).contains(&omega), "in [0, 1]")?;
    let odds = gamma / (1.0 - gamma);
    let mixed = omega * (1.0 - omega);
    let spread = if mixed == 0.0 { 0.0 } else { odds * mixed };
    Ok(Risk::of(omega * omega + spread, problem.r2(), odds / problem.k(), problem.s2()))
}
