//! The exact final rate of the flow (ICL-24).
use solvable_linalg::{Mat, MatRef, matmul, symmetric_eigen, transpose_matmul};
use solvable_model::InputError;

use super::error::finite;
use super::{IclError, Whitened, flow_limit};

/// How fast the flow finishes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FinalRate {
    /// `||A - A*||` decays like `e^(-r_min t)`, `l - l*` like `e^(-2 r_min t)`, generically.
    pub r_min: f64,
    /// `u_inf^2 lambda_min(Lambda) lambda_min(S) <= r_min`.
    pub lower_bound: f64,
    /// The limit of u squared.
    pub u_inf_squared: f64,
}

/// `r_min = lambda_min(R)`, `R = (S x Lambda)^1/2 (u^2 I + u^-2 vec A* vec A*') (S x Lambda)^1/2`, x the Kronecker
/// product (ICL-24).
///
/// Algorithm: in the eigenbases of Lambda (values l_i) and S (values s_j), R is the diagonal matrix `u^2 l_i s_j` plus
/// the rank-one matrix `u^-2 z z'`, `z_ij = sqrt(l_i s_j) (V_l' A* V_s)_ij`. Its smallest eigenvalue is the root of the
/// secular equation `1 + u^-2 sum z_k^2/(delta_k - mu) = 0` between the two smallest delta, found by bisection on the
/// distance from the smallest (so that all differences are exact). The d^2 x d^2 problem costs O(d^3) and a few hundred
/// O(d^2) evaluations at any d, without iterating on vectors.
///
/// # Errors
/// As [`flow_limit`]; [`IclError::Input`] when Lambda or S is singular, or A* = 0 (no minimizer to converge to but 0).
pub fn final_rate(law: &Whitened, c: f64) -> Result<FinalRate, IclError> {
    let limit = flow_limit(law, c)?;
    let u2 = positive_limit(limit.u_inf_squared)?;
    let s = symmetric_eigen(law.statistic().as_ref())?;
    let lambda = law.lambda();
    let image = rotated(limit.a_star.as_ref(), lambda.eigenvectors(), s.vectors.as_ref());
    let d = law.dimension();
    let smallest = s.values[d - 1];
    if smallest <= 0.0 {
        let condition = "the final rate is proportional to the smallest eigenvalue of S";
        return Err(InputError::Singular { argument: "S".into(), smallest, condition }.into());
    }
    let mut modes = Vec::with_capacity(d * d);
    for j in 0..d {
        for i in 0..d {
            let kappa = lambda.eigenvalues()[i] * s.values[j];
            modes.push((u2 * kappa, kappa * (image[(i, j)] * (image[(i, j)] / u2))));
        }
    }
    let r_min = finite("r_min", smallest_eigenvalue(&modes))?;
    let lower_bound = u2 * (lambda.smallest_eigenvalue() * smallest);
    Ok(FinalRate { r_min, lower_bound, u_inf_squared: u2 })
}

/// The rate seen by a start that is diagonal in the common eigenbasis, for commuting Lambda and Psi (ICL-24).
///
/// Such a start stays diagonal: only the d diagonal modes `u^2 kappa_i`, `kappa_i = s_i lambda_i`, and the rank-one term
/// remain. For Lambda and Psi both diagonal, or one a multiple of the identity. O(d^3), O(d) if diagonal.
///
/// # Errors
/// As [`final_rate`]; [`IclError::Input`] when A* and Lambda have no common eigenbasis.
pub fn diagonal_start_rate(law: &Whitened, c: f64) -> Result<FinalRate, IclError> {
    let limit = flow_limit(law, c)?;
    let u2 = positive_limit(limit.u_inf_squared)?;
    let lambda = law.lambda();
    let d = law.dimension();
    // A multiple of the identity has every basis: take the other matrix's.
    let basis = if super::matrix::multiple_of_identity(lambda).is_some() {
        law.psi().eigenvectors()
    } else {
        lambda.eigenvectors()
    };
    let image = rotated(limit.a_star.as_ref(), basis, basis);
    let s = rotated(law.statistic().as_ref(), basis, basis);
    let l = rotated(lambda.matrix(), basis, basis);
    let scale = solvable_linalg::max_abs(s.as_ref());
    for i in 0..d {
        for j in 0..d {
            if i != j && s[(i, j)].abs() > 64.0 * d as f64 * f64::EPSILON * scale {
                return Err(InputError::Condition {
                    argument: "Psi".into(),
                    value: s[(i, j)],
                    condition: "Lambda and Psi must commute for a start to stay diagonal",
                }
                .into());
            }
        }
    }
    let modes: Vec<(f64, f64)> = (0..d)
        .map(|i| {
            let kappa = l[(i, i)] * s[(i, i)];
            (u2 * kappa, kappa * (image[(i, i)] * (image[(i, i)] / u2)))
        })
        .collect();
    let lower = modes.iter().map(|m| m.0).fold(f64::INFINITY, f64::min);
    if lower <= 0.0 {
        let condition = "the final rate is proportional to the smallest eigenvalue of S";
        return Err(InputError::Singular { argument: "S".into(), smallest: lower, condition }.into());
    }
    let r_min = finite("r_min", smallest_eigenvalue(&modes))?;
    Ok(FinalRate { r_min, lower_bound: lower, u_inf_squared: u2 })
}

fn positive_limit(u2: f64) -> Result<f64, IclError> {
    let condition = "the flow must converge to a nonzero minimizer with u_inf^2 > 0";
    if u2 > 0.0 {
        Ok(u2)
    } else {
        Err(InputError::Condition { argument: "u_inf^2".into(), value: u2, condition }.into())
    }
}

fn rotated(a: MatRef<'_, f64>, left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    transpose_matmul(left, matmul(a, right).as_ref())
}

/// Smallest eigenvalue of `diag(delta) + z z'` from the pairs (delta_k, z_k^2), all nonnegative.
fn smallest_eigenvalue(modes: &[(f64, f64)]) -> f64 {
    let first =
        (0..modes.len()).min_by(|&i, &j| modes[i].0.total_cmp(&modes[j].0)).expect("at least one mode");
    let (delta, own) = modes[first];
    let total: f64 = modes.iter().map(|m| m.1).sum();
    let gap = modes
        .iter()
        .enumerate()
        .filter(|(k, _)| *k != first)
        .map(|(_, m)| m.0 - delta)
        .fold(f64::INFINITY, f64::min);
    // Interlacing: the eigenvalue lies in [delta, delta + min(gap, z'z)]; a repeated delta stays an eigenvalue.
    let (mut low, mut high) = (0.0_f64, gap.min(total));
    if own == 0.0 || high == 0.0 {
        return delta;
    }
    // f(tau) = 1 + sum z_k^2/(delta_k - delta - tau) rises from -inf at 0 to +inf (or a positive value) at the gap.
    let secular = |tau: f64| -> f64 {
        let rest: f64 = modes
            .iter()
            .enumerate()
            .filter(|(k, _)| *k != first)
            .map(|(_, m)| m.1 / (m.0 - delta - tau))
            .sum();
        1.0 + rest - own / tau
    };
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high || high - low <= 0.25 * f64::EPSILON * (delta + low) {
            break;
        }
        if secular(middle) < 0.0 { low = middle } else { high = middle }
    }
    delta + 0.5 * (low + high)
}
