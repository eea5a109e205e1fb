//! Batches: one replica a SIMD lane, the same bits on every instruction set.
//!
//! * [`dispatch`] runs a [`Kernel`] on the best instruction set of the machine.
//! * [`DeepLinearBatch`]: gradient descent on many small deep linear networks.
//! * [`AttentionFlow`]: gradient flow of a linear attention layer in its eigenbasis.
//! * [`Atoms::solve`]: many scalar self-consistent equations.
//! * [`descend_modes`]: Euler steps of many scalar mode equations.
mod attention;
mod deep_linear;
mod exponential;
mod isa;
mod modes;
mod products;
mod self_consistent;
mod sums;
#[cfg(test)]
mod tests;

pub use attention::{AttentionFlow, AttentionFlowEnd, AttentionFlowError};
pub use deep_linear::{BatchError, DeepLinearBatch, LARGEST_WIDTH};
pub use isa::{ISA_VARIABLE, Isa, Kernel, Vector, dispatch, dispatch_on};
pub use modes::{Mode, descend_modes};
pub use self_consistent::{Atoms, AtomsError, Converged};
