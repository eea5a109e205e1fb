//! Monte Carlo over replicas: one random stream a replica, moments merged in a fixed shape.
//!
//! Replica `i` of a run draws from [`Stream::new(seed, i)`](Stream::new), whatever thread computes it, and the
//! moments of all replicas are merged along the dyadic tree over replica indices. So a run gives the same bits for
//! any number of threads and for any split into ranges that are merged again.
//!
//! * [`replicate`]: moments of one observable. [`Replicas`] is the same with options and more kinds of result.
//! * [`Moments`], [`VectorMoments`]: mean, variance, skewness, kurtosis; covariances. [`Quantiles`].
//! * [`Partial`]: results of ranges of replicas, to be merged later. [`Control`]: cancelling, deadlines, progress.
mod chacha;
mod control;
mod engine;
mod error;
mod moments;
mod partial;
mod quantiles;
mod replicas;
mod stream;
mod sums;
#[cfg(test)]
mod tests;
mod tree;
mod variates;
mod vector;

pub use control::{Control, Progress, Stop};
pub use error::{Cause, FailedReplica, ReplicaError};
pub use moments::Moments;
pub use partial::{Partial, PartialError, PartialNode};
pub use quantiles::Quantiles;
pub use replicas::{Outcome, Replicas, replicate};
pub use stream::Stream;
pub use variates::{Controlled, Sign, Targeted};
pub use vector::VectorMoments;
