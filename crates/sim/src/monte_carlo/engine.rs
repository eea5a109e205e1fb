//! Workers that take blocks of replicas from a common counter.
//!
//! Which worker takes which block is a matter of chance; nothing in the result depends on it.
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::error::{Cause, FailedReplica};
use super::stream::{self, Stream};
use super::tree::{Summary, Tree};

/// How many failed replicas a run remembers (those with the lowest indices); it counts them all.
const REMEMBERED: usize = 32;

/// Largest number of replicas that a worker takes at once.
const LARGEST_BLOCK: u64 = 1024;

/// What a run has so far, shared by the workers.
pub(super) struct Shared<S, E> {
    pub(super) tree: Tree<S>,
    pub(super) failures: Failures<E>,
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

/// Runs the replicas `first .. first + count`.
///
/// `sample` writes the values of one replica; a value that is not finite, or an error, takes the replica out.
pub(super) fn run<S, W, E>(
    seed: u64,
    first: u64,
    count: u64,
    dimension: usize,
    work: impl Fn() -> W + Sync,
    sample: impl Fn(&mut Stream, &mut W, &mut [f64]) -> Result<(), E> + Sync,
    summarise: impl Fn(&mut S, u64, &[f64]) + Sync,
) -> Shared<S, E>
where
    S: Summary + Send,
    E: Send,
{
    let threads = rayon::current_num_threads() as u64;
    let block = block_size(count, threads);
    // Blocks lie on multiples of their size; the first and the last may be cut.
    let blocks = (first + count).div_ceil(block) - first / block;
    let next = AtomicU64::new(0);
    let key = stream::key(seed);
    let shared = Mutex::new(Shared { tree: Tree::<S>::new(), failures: Failures::<E>::new() });

    (0..threads.min(blocks)).into_par_iter().for_each(|_| {
        let mut state: Option<(W, Vec<f64>)> = None;
        let mut local = Tree::<S>::new();
        let mut failures = Failures::<E>::new();
        let mut stream = Stream::with_key(key, first);
        loop {
            let taken = next.fetch_add(1, Ordering::Relaxed);
            if taken >= blocks {
                break;
            }
            let (worker, values) = state.get_or_insert_with(|| (work(), vec![0.0; dimension]));
            let start = ((first / block + taken) * block).max(first);
            let end = ((first / block + taken + 1) * block).min(first + count);
            for index in start..end {
                stream.restart(index);
                let cause = match sample(&mut stream, worker, values) {
                    Err(error) => Some(Cause::Sampler(error)),
                    Ok(()) => values
                        .iter()
                        .position(|v| !v.is_finite())
                        .map(|component| Cause::NotFinite { component, value: values[component] }),
                };
                if let Some(cause) = cause {
                    failures.add(FailedReplica { index, cause });
                    local.push(index, 1, |leaf| summarise(leaf, index, &[]));
                } else {
                    local.push(index, 1, |leaf| summarise(leaf, index, values));
                }
            }
            let mut shared = shared.lock().expect("no worker panics while it holds the lock");
            shared.tree.take_from(&mut local);
            shared.failures.take_from(&mut failures);
        }
    });
    shared.into_inner().expect("no worker panics while it holds the lock")
}
