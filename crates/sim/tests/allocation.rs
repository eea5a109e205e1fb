//! Inner loops do not allocate, and memory does not grow with the number of replicas or steps: a counting allocator.

// The one way to count allocations is to be the allocator.
#![allow(unsafe_code)]

#[path = "allocation/chapters.rs"]
mod chapters;
#[path = "allocation/flow.rs"]
mod flow;
#[path = "allocation/minimise.rs"]
mod minimise;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;

use solvable_sim::lanes::{Atoms, AttentionFlow, DeepLinearBatch, Mode, descend_modes};
use solvable_sim::monte_carlo::{Replicas, Stream, replicate};
use solvable_sim::normal;

struct Counting;

thread_local! {
    /// Allocations of this thread, and their bytes.
    static COUNT: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

// SAFETY: every call is forwarded unchanged to the system allocator; counting touches a thread-local pair of integers only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|c| c.set((c.get().0 + 1, c.get().1 + layout.size())));
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations and bytes of the calling thread.
fn allocations(f: impl FnOnce()) -> (usize, usize) {
    let before = COUNT.with(Cell::get);
    f();
    let after = COUNT.with(Cell::get);
    (after.0 - before.0, after.1 - before.1)
}

/// Everything on one thread, whose allocations are counted.
fn alone<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one").install(f)
}

#[test]
fn normal_numbers_and_streams() {
    let (mut z, mut odd) = (vec![0.0; 1000], [0.0; 7]);
    assert_eq!(
        allocations(|| {
            let mut stream = Stream::new(1, 2);
            normal::fill(&mut stream, &mut z);
            normal::fill(&mut stream, &mut odd);
        }),
        (0, 0)
    );
}

#[test]
fn memory_does_not_grow_with_the_number_of_replicas() {
    alone(|| {
        let scalar = |count| {
            allocations(|| {
                let sample = |stream: &mut Stream, z: &mut Vec<f64>| {
                    normal::fill(stream, z);
                    Ok::<_, Infallible>(z[0])
                };
                replicate(1, count, || vec![0.0; 4], sample).expect("finite values");
            })
        };
        let vector = |count| {
            allocations(|| {
                let sample = |stream: &mut Stream, (): &mut (), out: &mut [f64]| {
                    normal::fill(stream, out);
                    Ok::<_, Infallible>(())
                };
                Replicas::new(1, count).vector_moments(5, || (), sample).expect("finite values");
            })
        };
        let sum = |count| {
            allocations(|| {
                let add = |stream: &mut Stream, (): &mut (), sum: &mut [f64]| normal::fill(stream, sum);
                Replicas::new(1, count).sum(5, || (), add).expect("finite values");
            })
        };
        for (name, run) in
            [("moments", &scalar as &dyn Fn(u64) -> _), ("covariances", &vector), ("sums", &sum)]
        {
            run(1 << 12);
            // Powers of two: the tree ends as one node. The deeper one may keep a few more summaries of fixed size in flight.
            let (few, many) = (run(1 << 13), run(1 << 17));
            assert!(many.0 <= few.0 + 16, "{name}: {few:?} allocations for 2^13 replicas, {many:?} for 2^17");
            assert!(
                many.1 <= few.1 + (1 << 14),
                "{name}: {few:?} bytes for 2^13 replicas, {many:?} for 2^17"
            );
        }
    });
}

/// On several threads, whose allocations are summed: each worker holds a few summaries a level of the tree, no more.
#[test]
fn memory_does_not_grow_with_the_number_of_replicas_on_several_threads() {
    let threads = 3;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let counted = || pool.broadcast(|_| COUNT.with(Cell::get).0).into_iter().sum::<usize>();
    let run = |count| {
        let before = counted();
        pool.install(|| {
            let sample = |stream: &mut Stream, (): &mut (), out: &mut [f64]| {
                normal::fill(stream, out);
                // Some replicas fail: the list of them is of bounded length.
                if out[0] > 2.0 { Err("large") } else { Ok(()) }
            };
            let outcome = Replicas::new(1, count).try_vector_moments(5, true, || (), sample);
            assert!(outcome.expect("finite values").failed > 0);
        });
        counted() - before
    };
    run(1 << 12);
    // Two vectors a summary, two summaries a level and worker; what rayon itself allocates is a few dozen.
    let slack = 2 * 2 * 17 * threads + 64;
    let (few, many) = (run(1 << 13), run(1 << 17));
    assert!(many <= few + slack, "{few} allocations for 2^13 replicas, {many} for 2^17");
}

#[test]
fn descent_of_a_batch() {
    alone(|| {
        let mut batch = DeepLinearBatch::new(&[6, 5, 6], 20).expect("valid widths");
        batch.descend(0.1, 1).expect("a finite step");
        let counts: Vec<_> =
            [1, 1000].map(|steps| allocations(|| batch.descend(0.1, steps).expect("a finite step"))).into();
        assert_eq!(counts[0], counts[1], "one step and a thousand");
    });
}

#[test]
fn steps_of_the_attention_flow() {
    let d = 9;
    let lambda: Vec<f64> = (1..=d).map(|i| 1.0 / i as f64).collect();
    let start: Vec<f64> =
        (0..d * d).map(|at| if at / d == at % d { 0.1 } else { 0.001 * (at % 5) as f64 }).collect();
    let flow = AttentionFlow::new(&lambda, 20, &start, 0.1).expect("a start away from zero");
    let run = |target| {
        let mut steps = 0;
        let counted = allocations(|| steps = flow.until(target, 0.0).expect("reached").steps);
        (steps, counted)
    };
    let (early, late) = (run(0.5), run(1e-9));
    assert!(late.0 > early.0 + 20, "{early:?} {late:?}");
    assert_eq!(early.1, late.1, "{} steps and {}", early.0, late.0);
}

#[derive(Clone, Copy)]
struct Logistic;

impl Mode<1> for Logistic {
    #[inline(always)]
    fn rate(self, s: f64, [target]: [f64; 1]) -> f64 {
        s * (target - s)
    }
}

#[test]
fn scalar_equations_and_modes() {
    let law = Atoms::new(&[1.0, 2.0, 5.0], &[0.2, 0.3, 0.5]).expect("a law");
    let (lambda, gamma, mut kappa) = (vec![0.1; 1001], vec![0.7; 1001], vec![0.0; 1001]);
    let (mut modes, targets) = (vec![0.01; 1001], vec![1.0; 1001]);
    // The instruction set is read from the environment once: here, not below.
    law.solve(&lambda, &gamma, &mut kappa).expect("solvable");
    assert_eq!(
        allocations(|| {
            law.solve(&lambda, &gamma, &mut kappa).expect("solvable");
            descend_modes(Logistic, &mut modes, [&targets], 0.1, 200).expect("stable");
        }),
        (0, 0)
    );
}
