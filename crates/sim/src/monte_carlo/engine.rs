//! Workers that take blocks of replicas from a common counter.
//!
//! Which worker takes which block is a matter of chance; nothing in the result depends on it.
use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::control::{Control, Meter, Stop};
use super::error::{Cause, FailedReplica};
use super::stream::{self, Stream};
use super::tree::{Summary, Tree};

/// How many failed replicas a run remembers (those with the lowest indices); it counts them all.
const REMEMBERED: usize = 32;

/// Largest number of replicas that a worker takes at once.
const LARGEST_BLOCK: u64 = 1024;

/// What a run gave, gathered from the workers.
pub(super) struct Shared<S, E> {
    pub(super) tree: Tree<S>,
    pub(super) failures: Failures<E>,
    pub(super) stopped: Option<(Stop, u64)>,
}

/// The replicas of a run.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) seed: u64,
    /// Added to every index to give the stream: 0, or `2^63` for pilots.
    pub(super) offset: u64,
    pub(super) first: u64,
    pub(super) count: u64,
    pub(super) control: Option<&'a Control<'a>>,
}

/// Failed replicas: the lowest indices, and how many in all.
#[derive(Clone, Debug)]
pub(super) struct Failures<E> {
    pub(super) first: Vec<FailedReplica<E>>,
    pub(super) count: u64,
}

impl<E> Failures<E> {
    pub(super) fn new() -> Self {
        Self { first: Vec::new(), count: 0 }
    }

    pub(super) fn add(&mut self, failure: FailedReplica<E>) {
        self.count += 1;
        self.keep(failure);
    }

    pub(super) fn take_from(&mut self, other: &mut Self) {
        self.count += other.count;
        other.count = 0;
        for failure in other.first.drain(..) {
            self.keep(failure);
        }
    }

    fn keep(&mut self, failure: FailedReplica<E>) {
        let at = self.first.partition_point(|f| f.index < failure.index);
        if at < REMEMBERED {
            self.first.insert(at, failure);
            self.first.truncate(REMEMBERED);
        }
    }
}

/// Size of a block: a power of two, so that an aligned block is one node of the tree, with about 32 blocks a thread.
fn block_size(count: u64, threads: u64) -> u64 {
    let wanted = (count / (32 * threads)).clamp(1, LARGEST_BLOCK);
    1 << wanted.ilog2()
}

/// Runs the replicas of a job; `sample` writes the values of one replica. A value that is not finite, or an error, takes the replica out.
pub(super) fn run<S, W, E>(
    job: Job<'_>,
    dimension: usize,
    work: impl Fn() -> W + Sync,
    sample: impl Fn(&mut Stream, &mut W, &mut [f64]) -> Result<(), E> + Sync,
    summarise: impl Fn(&mut S, &[f64]) + Sync,
) -> Shared<S, E>
where
    S: Summary + Send,
    E: Send,
{
    let threads = rayon::current_num_threads() as u64;
    blocks(
        job,
        block_size(job.count, threads),
        || (work(), vec![0.0; dimension]),
        |stream, (w, values), index, out| {
            let cause = match sample(stream, w, values) {
                Err(error) => Some(Cause::Sampler(error)),
                Ok(()) => values
                    .iter()
                    .position(|v| !v.is_finite())
                    .map(|component| Cause::NotFinite { component, value: values[component] }),
            };
            match cause {
                Some(cause) => {
                    out.failures.add(FailedReplica { index, cause });
                    out.tree.push(index, 1, |leaf| summarise(leaf, &[]));
                }
                None => out.tree.push(index, 1, |leaf| summarise(leaf, values)),
            }
        },
    )
}

/// Runs the replicas of a job in aligned chunks; those of a chunk fill one summary in order.
pub(super) fn run_chunks<S, W>(
    job: Job<'_>,
    chunk: u64,
    work: impl Fn() -> W + Sync,
    clear: impl Fn(&mut S) + Sync,
    add: impl Fn(&mut Stream, &mut W, &mut S) + Sync,
) -> Shared<S, Infallible>
where
    S: Summary + Send,
{
    let last = job.first + job.count - 1;
    blocks(
        job,
        chunk,
        || {
            let mut sum = S::default();
            clear(&mut sum);
            (work(), sum)
        },
        |stream, (w, sum), index, out| {
            add(stream, w, sum);
            if (index + 1).is_multiple_of(chunk) || index == last {
                out.tree.push(index / chunk * chunk, chunk, |leaf| std::mem::swap(leaf, sum));
                clear(sum);
            }
        },
    )
}

/// Gives blocks of replicas (aligned at multiples of `block`; the first and the last may be cut) to whichever worker is free.
fn blocks<S, W, E>(
    job: Job<'_>,
    block: u64,
    work: impl Fn() -> W + Sync,
    replica: impl Fn(&mut Stream, &mut W, u64, &mut Shared<S, E>) + Sync,
) -> Shared<S, E>
where
    S: Summary + Send,
    E: Send,
{
    let Job { seed, offset, first, count, control } = job;
    let threads = rayon::current_num_threads() as u64;
    let blocks = (first + count).div_ceil(block) - first / block;
    let next = AtomicU64::new(0);
    let key = stream::key(seed);
    let meter = Meter::new(control, count);
    let empty = || Shared { tree: Tree::<S>::new(), failures: Failures::<E>::new(), stopped: None };
    let shared = Mutex::new(empty());

    (0..threads.min(blocks)).into_par_iter().for_each(|_| {
        let mut state: Option<W> = None;
        let mut local = empty();
        let mut stream = Stream::with_key(key, first);
        'blocks: loop {
            let taken = next.fetch_add(1, Ordering::Relaxed);
            if taken >= blocks {
                break;
            }
            let worker = state.get_or_insert_with(&work);
            let start = ((first / block + taken) * block).max(first);
            let end = ((first / block + taken + 1) * block).min(first + count);
            for index in start..end {
                if let Some(why) = meter.stopped() {
                    local.stopped = Some((why, 0));
                    break 'blocks;
                }
                stream.restart(index + offset);
                replica(&mut stream, worker, index, &mut local);
            }
            meter.add(end - start);
            let mut shared = shared.lock().expect("no worker panics while it holds the lock");
            shared.tree.take_from(&mut local.tree);
            shared.failures.take_from(&mut local.failures);
        }
        if local.stopped.is_some() {
            shared.lock().expect("no worker panics while it holds the lock").stopped = local.stopped;
        }
    });
    let mut shared = shared.into_inner().expect("no worker panics while it holds the lock");
    if let Some((_, done)) = &mut shared.stopped {
        *done = meter.done();
    }
    shared
}
