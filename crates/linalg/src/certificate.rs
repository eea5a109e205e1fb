//! The a-posteriori checks. Each takes the input and the factors, whoever computed them, and says how far the defining
//! identities are from holding, or refuses. Inputs are already scaled: largest entry in [1, 2), or all zero.

use crate::error::{Certificate, LinalgError};
use crate::ops::{dot, frobenius_norm, matmul, sum, trace, transpose_matmul};
use crate::tolerance;
use faer::{Mat, MatRef};

/// What an accepted factorisation is known to satisfy.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Accepted {
    /// `||A - product||_F / ||A||_F`; 0 for A = 0.
    pub(crate) residual: f64,
    /// Largest `||V'V - I||_F` over the orthonormal factors.
    pub(crate) orthogonality: f64,
    /// Bound on the distance of each value from the exact one (Weyl), rounding of the check included.
    pub(crate) error: f64,
}

/// Refuses `value > tolerance`, and NaN.
pub(crate) fn within(certificate: Certificate, value: f64, tolerance: f64) -> Result<(), LinalgError> {
    if value <= tolerance {
        Ok(())
    } else {
        Err(LinalgError::CertificateFailed { certificate, value, tolerance })
    }
}

/// `||A - B||_F`.
pub(crate) fn distance(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> f64 {
    frobenius_norm((a - b).as_ref())
}

/// `||V'V - I||_F`, refused above [`tolerance::orthogonality`].
pub(crate) fn orthonormal(v: MatRef<'_, f64>) -> Result<f64, LinalgError> {
    let mut gram = transpose_matmul(v, v);
    for i in 0..gram.nrows() {
        gram[(i, i)] -= 1.0;
    }
    let departure = frobenius_norm(gram.as_ref());
    within(Certificate::Orthogonality, departure, tolerance::orthogonality(v.nrows()))?;
    Ok(departure)
}

/// Values in descending order, none below `floor`.
fn descending(values: &[f64], floor: f64) -> Result<(), LinalgError> {
    let rise = values.windows(2).map(|w| w[1] - w[0]).fold(0.0, f64::max);
    let below = values.last().map_or(0.0, |last| floor - last);
    within(Certificate::Ordering, rise.max(below), 0.0)
}

/// U diag(values) V'.
pub(crate) fn product(u: MatRef<'_, f64>, values: &[f64], v: MatRef<'_, f64>) -> Mat<f64> {
    let scaled = Mat::from_fn(u.nrows(), values.len(), |i, j| u[(i, j)] * values[j]);
    matmul(scaled.as_ref(), v.transpose())
}

fn relative(value: f64, norm: f64) -> f64 {
    if norm == 0.0 { 0.0 } else { value / norm }
}

/// A = V D V', V'V = I, tr A = Σ λ, `||A||_F^2` = Σ λ², λ descending.
///
/// The error bound: with Q the orthogonal polar factor of V, `||V - Q||_2 <= δ = ||V'V - I||_2`, so A differs from
/// Q D Q' by at most `||A - VDV'|| + ||D|| δ (2 + δ)`, and eigenvalues move by no more than that (Weyl). Multiplying back
/// rounds by at most γ_{n+1} `|| |V||D||V'| ||_F <= γ_{n+1} Σ|λ| ||v||^2`, the Gram matrix by at most γ_n n.
pub(crate) fn symmetric_eigen(
    a: MatRef<'_, f64>,
    values: &[f64],
    vectors: MatRef<'_, f64>,
) -> Result<Accepted, LinalgError> {
    let n = a.nrows();
    let norm = frobenius_norm(a);
    descending(values, f64::NEG_INFINITY)?;
    let orthogonality = orthonormal(vectors)?;
    let residual = distance(a, product(vectors, values, vectors).as_ref());
    within(Certificate::Residual, residual, tolerance::residual(n, norm))?;
    within(Certificate::Trace, (trace(a) - sum(values)).abs(), tolerance::trace(n, norm))?;
    let squares = (norm * norm - dot(values, values)).abs();
    within(Certificate::FrobeniusNorm, squares, tolerance::squared_norm(n, norm))?;
    let largest = values.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let total = sum(&values.iter().map(|x| x.abs()).collect::<Vec<_>>());
    let delta = orthogonality + tolerance::gamma(n) * n as f64;
    let error = residual + tolerance::gamma(n + 3) * total * (1.0 + delta) + largest * delta * (2.0 + delta);
    Ok(Accepted { residual: relative(residual, norm), orthogonality, error })
}

/// A = U S V', U'U = V'V = I, s descending and nonnegative, `||A||_F^2` = Σ s². Error bound as for eigenvalues.
pub(crate) fn svd(
    a: MatRef<'_, f64>,
    u: MatRef<'_, f64>,
    s: &[f64],
    v: MatRef<'_, f64>,
) -> Result<Accepted, LinalgError> {
    let (m, n) = (a.nrows(), a.ncols());
    let big = m.max(n);
    let norm = frobenius_norm(a);
    descending(s, 0.0)?;
    let (du, dv) = (orthonormal(u)?, orthonormal(v)?);
    let residual = distance(a, product(u, s, v).as_ref());
    within(Certificate::Residual, residual, tolerance::residual(big, norm))?;
    let squares = (norm * norm - dot(s, s)).abs();
    within(Certificate::FrobeniusNorm, squares, tolerance::squared_norm(big, norm))?;
    let r = s.len();
    let (eu, ev) = (du + tolerance::gamma(m) * r as f64, dv + tolerance::gamma(n) * r as f64);
    let error = residual
        + tolerance::gamma(r + 3) * sum(s) * (1.0 + eu) * (1.0 + ev)
        + s.first().copied().unwrap_or(0.0) * (eu * (1.0 + ev) + ev);
    Ok(Accepted { residual: relative(residual, norm), orthogonality: du.max(dv), error })
}

/// A = L L' entry by entry relative to sqrt(a_ii a_jj) (A has diagonal entries in [1, 4)), and tr A = Σ l_ij².
pub(crate) fn cholesky(a: MatRef<'_, f64>, l: MatRef<'_, f64>) -> Result<Accepted, LinalgError> {
    let n = a.nrows();
    let norm = frobenius_norm(a);
    let upper = (0..n).flat_map(|j| (0..j).map(move |i| (i, j))).map(|p| l[p].abs()).fold(0.0, f64::max);
    within(Certificate::Ordering, upper, 0.0)?;
    let residual = distance(a, matmul(l, l.transpose()).as_ref());
    within(Certificate::Residual, residual, tolerance::residual(n, norm))?;
    let length = frobenius_norm(l);
    within(Certificate::Trace, (trace(a) - length * length).abs(), tolerance::trace(n, norm))?;
    Ok(Accepted { residual: relative(residual, norm), orthogonality: 0.0, error: residual })
}

/// A = Q R, Q'Q = I, R upper triangular with nonnegative diagonal.
pub(crate) fn qr(
    a: MatRef<'_, f64>,
    q: MatRef<'_, f64>,
    r: MatRef<'_, f64>,
) -> Result<Accepted, LinalgError> {
    let norm = frobenius_norm(a);
    let mut wrong = 0.0_f64;
    for j in 0..r.ncols() {
        for i in j + 1..r.nrows() {
            wrong = wrong.max(r[(i, j)].abs());
        }
        if j < r.nrows() {
            wrong = wrong.max(-r[(j, j)]);
        }
    }
    within(Certificate::Ordering, wrong, 0.0)?;
    let orthogonality = orthonormal(q)?;
    let residual = distance(a, matmul(q, r).as_ref());
    within(Certificate::Residual, residual, tolerance::residual(a.nrows().max(a.ncols()), norm))?;
    Ok(Accepted { residual: relative(residual, norm), orthogonality, error: residual })
}

/// P A = L U, for the rows of A in pivot order.
pub(crate) fn lu(
    pa: MatRef<'_, f64>,
    l: MatRef<'_, f64>,
    u: MatRef<'_, f64>,
) -> Result<Accepted, LinalgError> {
    let norm = frobenius_norm(pa);
    let residual = distance(pa, matmul(l, u).as_ref());
    within(Certificate::Residual, residual, tolerance::residual(pa.nrows(), norm))?;
    Ok(Accepted { residual: relative(residual, norm), orthogonality: 0.0, error: residual })
}
