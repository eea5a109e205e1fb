//! Cholesky factorisation for inner loops.
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltError, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::prelude::ReborrowMut;
use faer::{MatMut, MatRef, Par, Spec};

use crate::LinalgError;

/// Factors one matrix after another without allocating; what [`crate::cholesky`] is not for.
///
/// Nothing is scaled, certified or refined: the backward error is the usual `(n + 1) u |L| |L'|` entry by entry, and the
/// caller knows how large the entries and the condition number can be.
///
/// ```
/// use solvable_linalg::{CholeskyInPlace, from_rows};
/// let mut a = from_rows(&[vec![4.0, 2.0], vec![2.0, 5.0]])?;
/// let mut b = from_rows(&[vec![6.0], vec![7.0]])?;
/// CholeskyInPlace::new(2).factor(a.as_mut())?;
/// CholeskyInPlace::solve(a.as_ref(), b.as_mut());
/// assert_eq!((b[(0, 0)], b[(1, 0)]), (1.0, 1.0));
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
pub struct CholeskyInPlace {
    scratch: MemBuffer,
}

impl core::fmt::Debug for CholeskyInPlace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CholeskyInPlace").finish_non_exhaustive()
    }
}

impl CholeskyInPlace {
    /// For matrices up to `n` by `n`.
    #[must_use]
    pub fn new(n: usize) -> Self {
        let need = cholesky_in_place_scratch::<f64>(n, Par::Seq, Spec::default());
        Self { scratch: MemBuffer::new(need) }
    }

    /// Overwrites the lower triangle of A by L, A = L L'; the upper one is neither read nor written. n³/3 operations.
    ///
    /// # Errors
    /// [`LinalgError::NotPositiveDefinite`] with the index of the first pivot that is not positive, which is also what
    /// becomes of NaN; A is then lost.
    ///
    /// # Panics
    /// If A is not square, or larger than what was announced.
    pub fn factor(&mut self, a: MatMut<'_, f64>) -> Result<(), LinalgError> {
        let stack = MemStack::new(&mut self.scratch);
        match cholesky_in_place(a, Default::default(), Par::Seq, stack, Spec::default()) {
            Ok(_) => Ok(()),
            Err(LltError::NonPositivePivot { index }) => Err(LinalgError::NotPositiveDefinite { index }),
        }
    }

    /// Overwrites B by L^-1 B.
    ///
    /// # Panics
    /// If the shapes do not match.
    pub fn solve_lower(l: MatRef<'_, f64>, b: MatMut<'_, f64>) {
        solve_lower_triangular_in_place(l, b, Par::Seq);
    }

    /// Overwrites B by L'^-1 B.
    ///
    /// # Panics
    /// If the shapes do not match.
    pub fn solve_upper(l: MatRef<'_, f64>, b: MatMut<'_, f64>) {
        solve_upper_triangular_in_place(l.transpose(), b, Par::Seq);
    }

    /// Overwrites B by A^-1 B, A = L L'.
    ///
    /// # Panics
    /// If the shapes do not match.
    pub fn solve(l: MatRef<'_, f64>, mut b: MatMut<'_, f64>) {
        Self::solve_lower(l, b.rb_mut());
        Self::solve_upper(l, b);
    }
}
