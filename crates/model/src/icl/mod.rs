//! In-context linear regression by linear self-attention: the statement.
//!
//! A prompt holds N labelled examples `(x_i, y_i)` and a query `x_q`; covariates are i.i.d. with second
//! moment Lambda, `y_i = w'x_i + noise`, the task w has second moment Psi and the noise variance sigma2.
//! One layer of linear self-attention maps the prompt to a prediction of `w'x_q`; training minimises the
//! expected squared error. Conventions (normaliser, query token) are options of [`LinearAttention`].
mod attention;
mod loss;
mod prompt;
mod regression;
mod test_law;

pub use attention::{LayerBlocks, LinearAttention, QueryToken};
pub use loss::{FactoredLoss, LossWork, PredictorLoss};
pub use prompt::Prompt;
pub use regression::RegressionTask;
pub use test_law::{TestMoments, TestPrompts};
