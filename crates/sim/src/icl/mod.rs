//! In-context linear regression by linear self-attention: samplers, forward passes and training.
//!
//! | file | content |
//! |---|---|
//! | `covariates`, `prompts` | random covariates and prompts: Gaussian of any rank, elliptical, uniform, mixtures, nonlinear responses |
//! | `stack` | forward passes of any number of layers on raw tokens |
//! | `literal` | squared errors of literal forward passes on random prompts |
//! | `bayes` | the Bayes predictor |
//! | `rows` | prompts resampled from a data matrix |
//! | `conditional` | the same errors with task, noise and query averaged exactly |
mod bayes;
mod conditional;
mod covariates;
mod literal;
mod prompts;
mod rows;
mod stack;

pub use bayes::{BayesRisk, BayesWork};
pub use conditional::{ConditionalRisk, ConditionalWork, ExponentialSpectrumRisk, MixtureRisk};
pub use covariates::{CovariateLaw, GaussianVectors};
pub use literal::{LiteralError, StackError, StackErrorWork};
pub use prompts::{PromptBuffer, PromptSampler};
pub use rows::{Covariates, PromptLaw, RowsError, prompt_losses};
pub use stack::{AttentionStack, StackWork};
