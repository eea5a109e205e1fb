//! Workloads that are compared with strong Python implementations of the same problem.
//!
//! Each workload reproduces the numbers of its peer scripts in `benches/peers`: same parameters, same inputs, same result.
pub mod gauss;
pub mod timing;
pub mod workloads;
