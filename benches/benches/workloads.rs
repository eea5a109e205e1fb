//! One group a workload. Every run reports its own time (inputs are made outside of it), which criterion then collects.
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use solvable_benches::workloads::{
    Report, agg_mc, collapse_gd, dln_flow, icl_flow, icl_mc, icl_train, limits, scalar_theory,
};

const ONCE: usize = 1;
const LIMIT: Duration = Duration::ZERO;

/// A group of runs with a parameter; the first implementation of a report counts.
fn group<T: std::fmt::Display>(
    c: &mut Criterion,
    name: &str,
    sizes: impl IntoIterator<Item = T>,
    run: impl Fn(&T) -> Vec<Report>,
) {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for size in sizes {
        group.bench_function(BenchmarkId::from_parameter(&size), |bench| {
            bench.iter_custom(|count| {
                (0..count).map(|_| Duration::from_secs_f64(run(&size)[0].times.wall_min())).sum()
            });
        });
    }
    group.finish();
}

fn workloads(c: &mut Criterion) {
    solvable_linalg::sequential();
    group(c, "icl_flow", [8, 32, 128], |d| vec![icl_flow::run(*d, ONCE, LIMIT)]);
    group(c, "icl_mc", [1000, 10_000], |prompts| icl_mc::run(20, 40, *prompts, ONCE, LIMIT));
    group(c, "icl_train", [256, 2048], |batch| {
        vec![icl_train::run(
            &icl_train::Training { batch: *batch, steps: 10, ..Default::default() },
            ONCE,
            LIMIT,
        )]
    });
    group(c, "agg_mc", [1], |replicates| {
        agg_mc::run(&agg_mc::Sizes { replicates: *replicates, ..Default::default() }, true, ONCE, LIMIT)
    });
    group(c, "collapse_gd", [8, 16], |d| {
        collapse_gd::run(
            &collapse_gd::Problem { d: *d, classes: 4, n: 20, ..Default::default() },
            ONCE,
            LIMIT,
        )
    });
    group(c, "dln_flow_batch", [8, 16, 32], |width| {
        vec![
            dln_flow::Batch { width: *width, networks: 64, steps: 10, ..Default::default() }.run(ONCE, LIMIT),
        ]
    });
    group(c, "dln_flow_big", [64, 128], |width| {
        vec![dln_flow::Big { width: *width, steps: 10, ..Default::default() }.run(ONCE, LIMIT)]
    });
    group(c, "scalar_theory", [10_000, 100_000], |n| vec![scalar_theory::run(*n, 8, ONCE, LIMIT)]);
    group(c, "limits", [1], |repetitions| limits::run(*repetitions));
}

criterion_group!(benches, workloads);
criterion_main!(benches);
