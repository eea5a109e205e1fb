//! Every bound used to accept or refuse a result, as a function of dimension, machine epsilon and norm.
//!
//! **The constant.** A backward stable factorisation (Householder reductions, Cholesky, implicit QR) returns the exact
//! factors of A + E. Worst-case analysis bounds the relative size of E by a low power of n times epsilon (Higham,
//! *Accuracy and Stability of Numerical Algorithms*, 2nd ed., chs. 10, 19); rounding errors of mixed sign make it grow
//! like sqrt(n) epsilon with a constant of a few units (Higham and Mary, *SIAM J. Sci. Comput.* 41, 2019). Multiplying
//! the factors back adds as much again. `16 n epsilon` therefore leaves a factor of at least 16 sqrt(n) / few above what
//! a correct result shows, and a wrong entry larger than `16 n epsilon` times the norm is always refused. The constant
//! was fixed by this argument, not fitted: the tests print how far below the bound results really are.

/// Spacing of `f64` at 1, 2^-52: twice the unit roundoff.
pub const EPSILON: f64 = f64::EPSILON;

/// Unit roundoff 2^-53.
pub const UNIT: f64 = 0.5 * f64::EPSILON;

/// Acceptance constant c of the bounds `c n epsilon norm`; the module documentation has the argument.
pub const ACCEPTANCE: f64 = 16.0;

/// γ_n = n u / (1 - n u): the bound on the relative error of n rounded operations (Higham, Lemma 3.1).
///
/// Infinite when n u >= 1, where the bound does not exist.
#[must_use]
pub fn gamma(n: usize) -> f64 {
    let nu = n as f64 * UNIT;
    if nu < 1.0 { nu / (1.0 - nu) } else { f64::INFINITY }
}

/// Largest accepted `||A - product of factors||_F`: `16 n epsilon norm`, n the larger dimension, norm = `||A||_F`.
#[must_use]
pub fn residual(n: usize, norm: f64) -> f64 {
    ACCEPTANCE * n as f64 * EPSILON * norm
}

/// Largest accepted `||V'V - I||_F` for n rows: `16 n epsilon`.
///
/// The norm of V would enter as `||V||_2^2 = 1`. A product of k Householder reflections departs from orthogonality by
/// at most k times the constant of one reflection, each a few units of roundoff.
#[must_use]
pub fn orthogonality(n: usize) -> f64 {
    ACCEPTANCE * n as f64 * EPSILON
}

/// Largest accepted `|tr A - sum of eigenvalues|`: `(sqrt(n) + 1) * residual(n, norm)`.
///
/// With A = V D V' + E, `|tr E| <= sqrt(n) ||E||_F` and `|tr D(V'V - I)| <= ||D||_F ||V'V - I||_F`.
#[must_use]
pub fn trace(n: usize, norm: f64) -> f64 {
    ((n as f64).sqrt() + 1.0) * residual(n, norm)
}

/// Largest accepted `| ||A||_F^2 - sum of squared values |`: `4 norm residual(n, norm)`.
///
/// `||A||_F - ||D||_F` is at most `||E||_F + ||D||_F ||V'V - I||`, two residual bounds; squares double the relative error.
#[must_use]
pub fn squared_norm(n: usize, norm: f64) -> f64 {
    4.0 * norm * residual(n, norm)
}

/// Largest accepted difference between `a_ij` and `a_ji`: `4 n epsilon max_abs`.
///
/// A symmetric product such as X X' evaluated by a blocked kernel may differ across the diagonal by the rounding of two
/// sums, at most 2 γ_n each time the size of the entries. Larger differences mean that the matrix is not symmetric.
#[must_use]
pub fn symmetry(n: usize, max_abs: f64) -> f64 {
    4.0 * n as f64 * EPSILON * max_abs
}

/// Singular values at or below `4 max(m, n) epsilon s_max` count as zero.
///
/// Rounding the entries of a rank-deficient matrix moves its zero singular values by up to `epsilon/2 ||A||_F`, the
/// algorithm by a few times as much (Weyl). The customary constant is 1; 4 keeps a margin for n = 2.
#[must_use]
pub fn rank(rows: usize, columns: usize, largest: f64) -> f64 {
    4.0 * rows.max(columns) as f64 * EPSILON * largest
}

/// Reciprocal condition numbers at or below `n epsilon` count as singular.
///
/// LU of an exactly singular matrix is the exact factorisation of a matrix at distance about `n u ||A||`, whose
/// reciprocal condition is at most that distance (Eckart-Young-Kahan): a larger estimate proves nothing singular.
#[must_use]
pub fn singular(n: usize) -> f64 {
    n as f64 * EPSILON
}

/// Largest accepted normwise backward error `||b - A x|| / (||A|| ||x|| + ||b||)`, maximum norms: `16 n epsilon`.
#[must_use]
pub fn backward_error(n: usize) -> f64 {
    ACCEPTANCE * n as f64 * EPSILON
}
