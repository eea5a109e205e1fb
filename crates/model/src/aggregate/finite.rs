//! Sizes and energies at finite size.
use crate::InputError;

/// n rows x_i ~ N(0, I_d) in bags of k, labels `x' theta* + noise`, `|theta*|^2 = r2`, noise variance s2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FiniteDesign {
    n: usize,
    d: usize,
    k: usize,
    r2: f64,
    s2: f64,
}

impl FiniteDesign {
    /// States the sizes and energies.
    ///
    /// # Errors
    /// [`InputError`] when a size is 0 or at least 2^31, k does not divide n, or an energy is negative or
    /// not finite.
    pub fn new(n: usize, d: usize, k: usize, r2: f64, s2: f64) -> Result<Self, InputError> {
        for (argument, value) in [("n", n), ("d", d), ("k", k)] {
            InputError::check_count(argument, value)?;
            if value as u64 >= 1 << 31 {
                return Err(InputError::Count {
                    argument: argument.into(),
                    value: value as u64,
                    condition: "below 2^31",
                });
            }
        }
        if !n.is_multiple_of(k) {
            return Err(InputError::Count {
                argument: "k".into(),
                value: k as u64,
                condition: "a divisor of the number of rows n",
            });
        }
        InputError::check_nonnegative("r2", r2)?;
        InputError::check_nonnegative("s2", s2)?;
        Ok(Self { n, d, k, r2, s2 })
    }

    /// Number of rows n.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// Number of covariates d.
    #[must_use]
    pub fn d(&self) -> usize {
        self.d
    }

    /// Bag size k.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// Number of bags m = n / k.
    #[must_use]
    pub fn m(&self) -> usize {
        self.n / self.k
    }

    /// Signal energy `|theta*|^2`.
    #[must_use]
    pub fn r2(&self) -> f64 {
        self.r2
    }

    /// Noise variance of a label.
    #[must_use]
    pub fn s2(&self) -> f64 {
        self.s2
    }
}
