//! Runs over replicas: what to run, and what to keep of it.
use std::convert::Infallible;

use super::control::Control;
use super::engine::{self, Job, Shared};
use super::error::{FailedReplica, ReplicaError};
use super::moments::Moments;
use super::partial::Partial;
use super::stream::Stream;
use super::tree::Summary;
use super::vector::VectorMoments;

/// Mean, variance, skewness and kurtosis of one observable over `count` replicas.
///
/// `sample` gets the replica's own [`Stream`] and a work space made by `work`, once a worker. It must not keep
/// anything in the work space that changes a later replica. The same bits for any number of threads.
/// For more observables, all values, a range of replicas: [`Replicas`].
///
/// # Errors
/// No replicas; a replica whose sampler fails or returns NaN or an infinity (the others are computed, the error
/// names the lowest index); values so large that their fourth power overflows.
///
/// ```
/// use solvable_sim::{monte_carlo::{ReplicaError, replicate}, normal};
///
/// // The mean of |z|^2 for z in R^3 is 3, its variance 6.
/// let moments = replicate(1, 10_000, || [0.0; 3], |stream, z| {
///     normal::fill(stream, z);
///     Ok::<_, std::convert::Infallible>(z.iter().map(|x| x * x).sum())
/// })?;
/// assert!((moments.mean() - 3.0).abs() < 5.0 * (6.0_f64 / 10_000.0).sqrt());
/// # Ok::<(), ReplicaError<std::convert::Infallible>>(())
/// ```
pub fn replicate<W, E: Send>(
    seed: u64,
    count: u64,
    work: impl Fn() -> W + Sync,
    sample: impl Fn(&mut Stream, &mut W) -> Result<f64, E> + Sync,
) -> Result<Moments, ReplicaError<E>> {
    Replicas::new(seed, count).moments(work, sample)
}

/// A run over replicas, with its options.
#[derive(Clone, Copy, Debug)]
pub struct Replicas<'a> {
    seed: u64,
    offset: u64,
    first: u64,
    count: u64,
    control: Option<&'a Control<'a>>,
}

/// What a run gave, with the replicas that failed left out of it.
#[derive(Clone, Debug)]
pub struct Outcome<T, E> {
    /// The result over the replicas that did not fail.
    pub result: T,
    /// The failed replicas with the lowest indices (at most 32 are kept).
    pub failures: Vec<FailedReplica<E>>,
    /// How many failed.
    pub failed: u64,
    /// How many were run.
    pub count: u64,
}

impl<T, E> Outcome<T, E> {
    /// The result, if no replica failed.
    ///
    /// # Errors
    /// The failed replica with the lowest index.
    pub fn complete(self) -> Result<T, ReplicaError<E>> {
        let (failed, count) = (self.failed, self.count);
        match self.failures.into_iter().next() {
            None => Ok(self.result),
            Some(f) => Err(ReplicaError::Replica { index: f.index, cause: f.cause, failed, count }),
        }
    }
}

/// Where the streams of pilots begin.
const PILOT: u64 = 1 << 63;

impl<'a> Replicas<'a> {
    /// The replicas `0 .. count` of the run with this seed.
    #[must_use]
    pub fn new(seed: u64, count: u64) -> Self {
        Self { seed, offset: 0, first: 0, count, control: None }
    }

    /// Starts at another replica: `first .. first + count`.
    #[must_use]
    pub fn starting_at(self, first: u64) -> Self {
        Self { first, ..self }
    }

    /// Lets the run be stopped and watched.
    #[must_use]
    pub fn under<'b>(self, control: &'b Control<'b>) -> Replicas<'b> {
        Replicas {
            seed: self.seed,
            offset: self.offset,
            first: self.first,
            count: self.count,
            control: Some(control),
        }
    }

    /// The same run with streams that no replica of it uses: to choose sizes and coefficients with.
    #[must_use]
    pub fn pilot(self, count: u64) -> Self {
        Self { offset: PILOT, first: 0, count, ..self }
    }

    /// Number of replicas.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn of_size(self, count: u64) -> Self {
        Self { count, ..self }
    }

    /// Moments of one observable. See [`replicate`].
    ///
    /// # Errors
    /// As [`replicate`].
    pub fn moments<W, E: Send>(
        &self,
        work: impl Fn() -> W + Sync,
        sample: impl Fn(&mut Stream, &mut W) -> Result<f64, E> + Sync,
    ) -> Result<Moments, ReplicaError<E>> {
        self.try_moments(work, sample)?.complete()
    }

    /// Moments of one observable over the replicas that succeed, and the list of those that fail.
    ///
    /// # Errors
    /// No replicas, or an overflow.
    pub fn try_moments<W, E: Send>(
        &self,
        work: impl Fn() -> W + Sync,
        sample: impl Fn(&mut Stream, &mut W) -> Result<f64, E> + Sync,
    ) -> Result<Outcome<Moments, E>, ReplicaError<E>> {
        let scalar = |stream: &mut Stream, w: &mut W, out: &mut [f64]| {
            out[0] = sample(stream, w)?;
            Ok(())
        };
        let summarise = |leaf: &mut Moments, values: &[f64]| {
            *leaf = values.first().map_or_else(Moments::default, |&v| Moments::of(v));
        };
        self.outcome(self.run(1, work, scalar, summarise)?, Moments::is_finite)
    }

    /// Moments of `dimension` observables of each replica, with their covariance matrix.
    ///
    /// `sample` writes them into the slice it is given. Costs `dimension^2` operations and numbers a replica.
    ///
    /// # Errors
    /// As [`replicate`].
    pub fn vector_moments<W, E: Send>(
        &self,
        dimension: usize,
        work: impl Fn() -> W + Sync,
        sample: impl Fn(&mut Stream, &mut W, &mut [f64]) -> Result<(), E> + Sync,
    ) -> Result<VectorMoments, ReplicaError<E>> {
        self.try_vector_moments(dimension, true, work, sample)?.complete()
    }

    /// Moments of `dimension` observables of each replica, without covariances (cost linear in the dimension).
    ///
    /// # Errors
    /// As [`replicate`].
    pub fn component_moments<W, E: Send>(
        &self,
        dimension: usize,
        work: impl Fn() -> W + Sync,
        sample: impl Fn(&mut Stream, &mut W, &mut [f64]) -> Result<(), E> + Sync,
    ) -> Result<VectorMoments, ReplicaError<E>> {
        self.try_vector_moments(dimension, false, work, sample)?.complete()
    }

    /// Moments of several observables over the replicas that succeed, and the list of those that fail.
    ///
    /// # Errors
    /// No replicas, or an overflow.
    pub fn try_vector_moments<W, E: Send>(
        &self,
        dimension: usize,
        covariances: bool,
        work: impl Fn() -> W + Sync,
        sample: impl Fn(&mut Stream, &mut W, &mut [f64]) -> Result<(), E> + Sync,
    ) -> Result<Outcome<VectorMoments, E>, ReplicaError<E>> {
        let summarise =
            |leaf: &mut VectorMoments, values: &[f64]| leaf.set(values, covariances && !values.is_empty());
        self.outcome(self.run(dimension, work, sample, summarise)?, VectorMoments::is_finite)
    }

    /// The value of every replica, in order of index: for quantiles, histograms, figures.
    ///
    /// # Errors
    /// No replicas, or a replica that fails.
    pub fn values<W, E: Send>(
        &self,
        work: impl Fn() -> W + Sync,
        sample: impl Fn(&mut Stream, &mut W) -> Result<f64, E> + Sync,
    ) -> Result<Vec<f64>, ReplicaError<E>> {
        #[derive(Clone, Default)]
        struct Values(Vec<f64>);
        impl Summary for Values {
            fn absorb(&mut self, right: &Self) {
                self.0.extend_from_slice(&right.0);
            }
        }
        let scalar = |stream: &mut Stream, w: &mut W, out: &mut [f64]| {
            out[0] = sample(stream, w)?;
            Ok(())
        };
        let summarise = |leaf: &mut Values, values: &[f64]| {
            leaf.0.clear();
            leaf.0.extend_from_slice(values);
        };
        let run = self.run(1, work, scalar, summarise)?;
        self.outcome(run, |_: &Values| true)?.complete().map(|v| v.0)
    }

    /// Moments of a range of replicas, to be merged with those of other ranges. A failed replica is left out and listed.
    ///
    /// # Errors
    /// No replicas, or a stop from outside.
    pub fn partial<W, E: Send>(
        &self,
        dimension: usize,
        covariances: bool,
        work: impl Fn() -> W + Sync,
        sample: impl Fn(&mut Stream, &mut W, &mut [f64]) -> Result<(), E> + Sync,
    ) -> Result<Outcome<Partial, E>, ReplicaError<E>> {
        let summarise =
            |leaf: &mut VectorMoments, values: &[f64]| leaf.set(values, covariances && !values.is_empty());
        let Shared { tree, failures, .. } = self.run(dimension, work, sample, summarise)?;
        if !tree.nodes().iter().all(|n| n.summary.is_finite()) {
            return Err(ReplicaError::Overflow { count: self.count });
        }
        let result = Partial::new(self.seed, tree);
        Ok(Outcome { result, failures: failures.first, failed: failures.count, count: self.count })
    }

    fn job<E>(&self) -> Result<Job<'a>, ReplicaError<E>> {
        let Self { seed, offset, first, count, control } = *self;
        if count == 0 {
            return Err(ReplicaError::NoReplicas);
        }
        if first.checked_add(count).is_none_or(|end| end > PILOT) {
            return Err(ReplicaError::Range { first, count });
        }
        Ok(Job { seed, offset, first, count, control })
    }

    fn run<S: Summary + Send, W, E: Send>(
        &self,
        dimension: usize,
        work: impl Fn() -> W + Sync,
        sample: impl Fn(&mut Stream, &mut W, &mut [f64]) -> Result<(), E> + Sync,
        summarise: impl Fn(&mut S, &[f64]) + Sync,
    ) -> Result<Shared<S, E>, ReplicaError<E>> {
        self.finished(engine::run(self.job()?, dimension, work, sample, summarise))
    }

    pub(super) fn chunks<S: Summary + Send, W>(
        &self,
        chunk: u64,
        work: impl Fn() -> W + Sync,
        clear: impl Fn(&mut S) + Sync,
        add: impl Fn(&mut Stream, &mut W, &mut S) + Sync,
    ) -> Result<S, ReplicaError<Infallible>> {
        let shared = self.finished(engine::run_chunks(self.job()?, chunk, work, clear, add))?;
        Ok(shared.tree.total().unwrap_or_default())
    }

    fn finished<S, E>(&self, shared: Shared<S, E>) -> Result<Shared<S, E>, ReplicaError<E>> {
        match shared.stopped {
            Some((why, done)) => Err(ReplicaError::Stopped { done, count: self.count, why }),
            None => Ok(shared),
        }
    }

    fn outcome<S: Summary, E>(
        &self,
        shared: Shared<S, E>,
        finite: impl Fn(&S) -> bool,
    ) -> Result<Outcome<S, E>, ReplicaError<E>> {
        let result = shared.tree.total().unwrap_or_default();
        if !finite(&result) {
            return Err(ReplicaError::Overflow { count: self.count });
        }
        let failures = shared.failures;
        Ok(Outcome { result, failures: failures.first, failed: failures.count, count: self.count })
    }
}
