//! Batches: one replica a SIMD lane, the same bits on every instruction set.
mod dispatch;

#[cfg(test)]
pub(crate) use dispatch::dispatch_on;
pub use dispatch::{ISA_VARIABLE, Isa};
pub(crate) use dispatch::{Kernel, dispatch};
