//! In-context linear regression by linear self-attention: samplers, forward passes and training.
//!
//! | file | content |
//! |---|---|
//! | `covariates`, `prompts` | random covariates and prompts: Gaussian of any rank, elliptical, uniform, mixtures, nonlinear responses |
//! | `stack` | forward passes of any number of layers on raw tokens |
//! | `gauss` | Gauss rules, for exact expectations of small prompts |
//! | `literal` | squared errors of literal forward passes on random prompts |
//! | `bayes` | the Bayes predictor |
//! | `depth` | several layers: the risk of one prompt |
//! | `training` | explicit steps on population losses, gradients of single prompts, stochastic descent |
//! | `stack_training` | squared error of several layers of full matrices over many prompts, with its gradient |
//! | `rows` | prompts resampled from a data matrix |
//! | `conditional` | the same errors with task, noise and query averaged exactly |
mod bayes;
mod conditional;
mod covariates;
mod depth;
mod gauss;
mod literal;
mod prompts;
mod rows;
mod stack;
mod stack_training;
mod training;

pub use bayes::{BayesRisk, BayesWork};
pub use conditional::{
    ConditionalRisk, ConditionalWork, ContextRisk, ContextWork, ExponentialSpectrumRisk, MixtureRisk,
};
pub use covariates::{CovariateLaw, GaussianVectors};
pub use depth::{DepthRisk, DepthWork, Layers};
pub use gauss::{Rule, gauss_hermite, gauss_laguerre, tensor_mean, tensor_points};
pub use literal::{LiteralError, StackError, StackErrorWork};
pub use prompts::{PromptBuffer, PromptSampler};
pub use rows::{Covariates, PromptLaw, RowsError, prompt_losses};
pub use stack::{AttentionStack, StackWork};
pub use stack_training::{StackLoss, StackLossWork};
pub use training::{PromptGradient, PromptGradientWork, StepRule, StochasticDescent, descend};
