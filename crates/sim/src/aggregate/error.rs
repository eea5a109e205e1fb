//! Why a simulation could not be carried out.
use solvable_linalg::LinalgError;
use solvable_model::InputError;

/// A simulation that could not be carried out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// The statement of the problem was refused.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A drawn system was singular to working precision (probability 0, unless the sizes force it).
    #[error("pivot {index} of a drawn system is {pivot:e}: the design is singular to working precision")]
    Singular {
        /// Which pivot.
        index: usize,
        /// Its value.
        pivot: f64,
    },
    /// A regime in which this conditional form does not hold.
    #[error("{form} needs {condition}; here n = {n}, d = {d}, m = {m} bags")]
    Regime {
        /// The form.
        form: &'static str,
        /// What it needs.
        condition: &'static str,
        /// Rows.
        n: usize,
        /// Covariates.
        d: usize,
        /// Bags.
        m: usize,
    },
    /// An iteration that did not reach its accuracy.
    #[error(
        "{what} stopped after {iterations} steps at a relative gradient of {reached:e}, wanted {wanted:e}"
    )]
    NotConverged {
        /// What iterated.
        what: &'static str,
        /// Steps spent.
        iterations: usize,
        /// Relative gradient reached.
        reached: f64,
        /// Relative gradient wanted.
        wanted: f64,
    },
    /// An enumeration larger than allowed.
    #[error("{what} has {size:e} elements: more than {most:e} are refused")]
    TooLarge {
        /// What would be enumerated.
        what: &'static str,
        /// Its size.
        size: f64,
        /// The most allowed.
        most: f64,
    },
    /// A certified decomposition failed.
    #[error(transparent)]
    Linalg(#[from] LinalgError),
}
