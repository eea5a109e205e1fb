//! In-context linear regression by linear self-attention: the statement.
//!
//! A prompt holds N labelled examples `(x_i, y_i)` and a query `x_q`; covariates are i.i.d. with second
//! moment Lambda, `y_i = w'x_i + noise`, the task w has second moment Psi and the noise variance sigma2.
//! One layer of linear self-attention maps the prompt to a prediction of `w'x_q`; training minimises the
//! expected squared error. Conventions (normaliser, query token) are options of [`LinearAttention`].
mod attention;
mod full_loss;
mod kernel_layers;
mod layers;
mod loss;
mod mixture;
mod prompt;
mod regression;
mod ridge_layers;
mod target;
mod test_law;
mod token_layer;

pub use attention::{LayerBlocks, LinearAttention, QueryToken};
pub use full_loss::FullLayerLoss;
pub use kernel_layers::{Kernel, KernelTokens, kernel_descent};
pub use layers::{AttentionLayer, AttentionStack, check_corrections};
pub use loss::{FactoredLoss, LossWork, PredictorLoss};
pub use mixture::{PromptMixture, check_weights, prior_second_moment};
pub use prompt::Prompt;
pub use regression::RegressionTask;
pub use ridge_layers::RidgeStack;
pub use target::{LARGEST_DEGREE, Polynomial, SingleIndexMixture, check_quadratic_form};
pub use test_law::{TestMoments, TestPrompts};
pub use token_layer::{DescentTokens, TokenAttention, VectorPrompt, descent_by_attention};
