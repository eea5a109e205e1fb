//! Gradient flow and other ordinary differential equations `dx/dt = f(t, x)`.
//!
//! | file | content |
//! |---|---|
//! | `field` | [`VectorField`], [`GradientFlow`] of an objective, [`FieldFn`] |
//! | `options` | [`Options`]: interval, [`Method`], tolerances, stopping rules, limits |
//! | `driver` | [`integrate`] and [`integrate_observed`] |
//! | `accuracy` | [`integrate_measured`]: with the measured error of the whole integration |
//! | `solution` | [`Solution`], [`Statistics`] |
//! | `descent` | [`descend`], [`descend_stochastic`]: gradient descent, heavy ball, fresh samples |
//! | `error` | [`FlowError`] |
//! | `radau`, `jacobian`, `lu` | implicit method of order 5 with a dense Jacobian |
//! | `chebyshev` | stabilised explicit method of order 2, for large stiff systems |
//! | `explicit`, `tableau` | explicit Runge-Kutta pairs of orders 5(4) and 8(5, 3) |
mod accuracy;
mod chebyshev;
mod descent;
mod driver;
mod error;
mod evaluator;
mod explicit;
mod field;
mod jacobian;
mod lu;
mod options;
mod radau;
mod solution;
mod stepper;
mod tableau;

pub use accuracy::{Measured, integrate_measured};
pub use descent::{
    Descent, DescentOptions, StochasticGradient, descend, descend_observed, descend_stochastic,
    descend_stochastic_observed,
};
pub use driver::{integrate, integrate_observed};
pub use error::{FlowError, NotFinite};
pub use field::{FieldFn, GradientFlow, VectorField};
pub use options::{Method, Options};
pub use solution::{Solution, Statistics, Stop};

#[cfg(test)]
mod tests;
