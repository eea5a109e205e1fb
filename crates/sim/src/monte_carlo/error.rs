//! Why a run gave no estimate.
use super::control::Stop;

/// A run over replicas that cannot give its estimate. `E` is the error of the sampler.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicaError<E> {
    /// An empty run has no mean.
    #[error("at least one replica is needed, got 0")]
    NoReplicas,
    /// Replica indices are 63-bit numbers; the upper half belongs to pilot runs.
    #[error("replicas {first}..{first}+{count} reach beyond 2^63")]
    Range {
        /// First index of the range.
        first: u64,
        /// Number of replicas.
        count: u64,
    },
    /// A pilot from which no variance can be estimated.
    #[error("the pilot has {pilot} replicas: at least 2 are needed to estimate a variance")]
    Pilot {
        /// Its number of replicas.
        pilot: u64,
    },
    /// Some replicas failed; the others were computed. The one with the lowest index is shown.
    #[error("{failed} of {count} replicas failed, the first is replica {index}: {cause}")]
    Replica {
        /// The lowest index that failed.
        index: u64,
        /// What happened to it.
        cause: Cause<E>,
        /// How many failed.
        failed: u64,
        /// How many were run.
        count: u64,
    },
    /// The run was stopped from outside.
    #[error("stopped after {done} of {count} replicas: {why}")]
    Stopped {
        /// Replicas finished.
        done: u64,
        /// Replicas in all.
        count: u64,
        /// Who stopped it.
        why: Stop,
    },
    /// A sum over replicas is not finite.
    #[error("component {component} of the sum over replicas is {value}")]
    Sum {
        /// Which component.
        component: usize,
        /// Its value.
        value: f64,
    },
    /// All values are finite, but their fourth powers are not.
    #[error("the fourth central moment of {count} finite values overflows: rescale the observable")]
    Overflow {
        /// How many were run.
        count: u64,
    },
}

/// What happened to a replica that failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause<E> {
    /// The sampler returned an error.
    #[error("{0}")]
    Sampler(E),
    /// The sampler returned NaN or an infinity.
    #[error("observable {component} is {value}")]
    NotFinite {
        /// Which observable, from 0.
        component: usize,
        /// Its value.
        value: f64,
    },
}

/// A replica that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedReplica<E> {
    /// Its index.
    pub index: u64,
    /// What happened.
    pub cause: Cause<E>,
}
