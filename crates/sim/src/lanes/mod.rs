//! Batches: one replica a SIMD lane, the same bits on every instruction set.
//!
//! * [`dispatch`] runs a [`Kernel`] on the best instruction set of the machine.
//! * [`DeepLinearBatch`]: gradient descent on many small deep linear networks.
mod deep_linear;
mod isa;
mod products;
#[cfg(test)]
mod tests;

pub use deep_linear::{BatchError, DeepLinearBatch, LARGEST_WIDTH};
pub use isa::{ISA_VARIABLE, Isa, Kernel, Vector, dispatch, dispatch_on};
