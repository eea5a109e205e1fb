//! In-context linear regression by linear self-attention.
mod rows;

pub use rows::{Covariates, PromptLaw, RowsError, prompt_losses};
