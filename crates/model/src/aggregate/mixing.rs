//! The weight between the two losses.
use crate::InputError;

/// `rho` in [0, 1]: weight of the bag-level loss; `tau = 1 - rho` is that of the instance-level loss.
///
/// Without ridge the estimator may jump at `rho = 1`, so the limit from the left is a value of its own:
/// [`LEFT_OF_ONE`](Self::LEFT_OF_ONE).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixing {
    rho: f64,
    left: bool,
}

impl Mixing {
    /// `rho = 1`: bag level.
    pub const BAG: Self = Self { rho: 1.0, left: false };
    /// `rho = 0`: instance level.
    pub const INSTANCE: Self = Self { rho: 0.0, left: false };
    /// The limit `rho -> 1` from below.
    pub const LEFT_OF_ONE: Self = Self { rho: 1.0, left: true };

    /// The weight `rho`.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] unless `0 <= rho <= 1`.
    pub fn new(rho: f64) -> Result<Self, InputError> {
        InputError::check("rho", rho, (0.0..=1.0).contains(&rho), "in [0, 1]")?;
        Ok(Self { rho, left: false })
    }

    /// The weight of the bag-level loss; 1 for the left limit.
    #[must_use]
    pub fn rho(self) -> f64 {
        self.rho
    }

    /// `1 - rho`, the weight of the instance-level loss (exact for `rho >= 1/2`).
    #[must_use]
    pub fn tau(self) -> f64 {
        1.0 - self.rho
    }

    /// Whether this is [`LEFT_OF_ONE`](Self::LEFT_OF_ONE).
    #[must_use]
    pub fn is_left_limit(self) -> bool {
        self.left
    }

    /// Whether `rho = 1` exactly, not as a limit: the within-bag rows are absent.
    #[must_use]
    pub fn is_bag_level(self) -> bool {
        self.rho == 1.0 && !self.left
    }
}
