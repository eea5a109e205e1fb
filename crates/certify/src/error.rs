//! What an enclosure refuses.

/// Why there is no rigorous answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertifyError {
    /// NaN or an infinity.
    #[error("{value} is not a finite number")]
    NotFinite {
        /// The value.
        value: f64,
    },
    /// An interval whose ends are in the wrong order.
    #[error("[{low}, {high}] is empty")]
    Empty {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// An argument that is not certainly in the domain of a function.
    #[error("{function} of [{low:e}, {high:e}] is refused: it must be {condition}")]
    Domain {
        /// The function.
        function: &'static str,
        /// Lower end of the argument.
        low: f64,
        /// Upper end of the argument.
        high: f64,
        /// The condition.
        condition: &'static str,
    },
    /// No sign change could be certified near an approximate root.
    #[error("no root could be certified near {near:e}: {reason}")]
    NoRoot {
        /// The approximate root.
        near: f64,
        /// Why.
        reason: &'static str,
    },
    /// Two numbers that differ by less than their enclosures can tell.
    #[error("{left} and {right} are too close to be ordered with certainty (near {near:e})")]
    Undecided {
        /// The first quantity.
        left: &'static str,
        /// The second quantity.
        right: &'static str,
        /// About where both lie.
        near: f64,
    },
    /// A matrix that could not be certified regular.
    #[error("the {size} x {size} matrix could not be certified invertible")]
    Singular {
        /// Its size.
        size: usize,
    },
    /// The statement refused the input.
    #[error(transparent)]
    Input(#[from] solvable_model::InputError),
    /// A decomposition that supplies the approximation failed.
    #[error(transparent)]
    Linalg(#[from] solvable_linalg::LinalgError),
    /// The theory that supplies the approximation refused.
    #[error("{0}")]
    Theory(Box<Refusal>),
}

/// The refusal of a theory function, kept as its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    message: String,
}

impl CertifyError {
    /// Wraps the refusal of the theory.
    pub fn theory(error: &dyn std::error::Error) -> Self {
        Self::Theory(Box::new(Refusal { message: error.to_string() }))
    }
}
