//! What the machine can do: matrix products, separate multiplications and additions, memory bandwidth, normal numbers.
use std::time::Duration;

use serde_json::json;
use solvable_linalg::{Mat, matmul_into};
use solvable_sim::lanes::{Kernel, Vector, dispatch};
use solvable_sim::{monte_carlo::Stream, normal};

use super::Report;
use crate::timing::time;

/// Multiplications and additions in registers, never fused: the peak of kernels whose bits depend on no instruction set.
struct Separate {
    rounds: usize,
}

/// Independent chains: enough to hide the latency of both operations, few enough for 16 registers.
const CHAINS: usize = 14;

impl Kernel for Separate {
    type Output = (f64, f64);

    /// Operations done, and a number that depends on all of them.
    #[inline(always)]
    fn run<V: Vector>(self) -> (f64, f64) {
        let (factor, term) = (V::splat(std::hint::black_box(0.5)), V::splat(std::hint::black_box(1.0)));
        let mut chains: [V; CHAINS] = std::array::from_fn(|i| V::splat(i as f64));
        for _ in 0..self.rounds {
            for x in &mut chains {
                *x = x.times(factor).plus(term);
            }
        }
        // All lanes count, or the compiler leaves some out.
        let mut lanes = [0.0; 8];
        let mut sum = 0.0;
        for x in chains {
            x.store(&mut lanes);
            sum += lanes.iter().sum::<f64>();
        }
        ((2 * CHAINS * V::LENGTH * self.rounds) as f64, sum)
    }
}

/// Rates: `gemm` in GFLOP/s, `separate` in GFLOP/s, `stream_add` in GB/s, `normals` in millions a second, one thread.
#[must_use]
pub fn run(repetitions: usize) -> Vec<Report> {
    let limit = Duration::from_secs(20);
    let mut reports = Vec::new();
    let mut report = |implementation, parameters, times: crate::timing::Times, work: f64, unit: &str| {
        let result = work / times.cpu_mean().unwrap_or(times.wall_min());
        reports.push(Report {
            workload: "limits",
            implementation,
            parameters,
            times,
            result,
            extra: json!({ "unit": unit }),
        });
    };

    let n = 1024;
    let a = Mat::from_fn(n, n, |i, j| ((i * 7 + j * 3) % 11) as f64 - 5.0);
    let b = Mat::from_fn(n, n, |i, j| ((i * 5 + j * 2) % 13) as f64 - 6.0);
    let mut c = Mat::zeros(n, n);
    let ((), times) = time(repetitions, limit, || matmul_into(c.as_mut(), a.as_ref(), b.as_ref()));
    report("gemm", json!({ "n": n }), times, 2e-9 * (n as f64).powi(3), "GFLOP/s");

    let rounds = 5_000_000;
    let ((operations, _), times) =
        time(repetitions, limit, || std::hint::black_box(dispatch(Separate { rounds })));
    report("separate", json!({ "chains": CHAINS }), times, 1e-9 * operations, "GFLOP/s");

    let n = 1 << 25;
    let (x, y, mut z) = (vec![1.0_f64; n], vec![2.0_f64; n], vec![0.0_f64; n]);
    let ((), times) = time(repetitions, limit, || {
        for ((z, x), y) in z.iter_mut().zip(&x).zip(&y) {
            *z = x + y;
        }
    });
    report("stream_add", json!({ "n": n }), times, 24e-9 * n as f64, "GB/s");
    drop((x, y, z));

    let n = 1 << 20;
    let mut z = vec![0.0; n];
    let mut stream = Stream::new(1, 0);
    let ((), times) = time(repetitions, limit, || normal::fill(&mut stream, &mut z));
    report("normals", json!({ "n": n }), times, 1e-6 * n as f64, "1e6 normals/s");

    let mut bytes = vec![0u8; n];
    let ((), times) = time(repetitions, limit, || rand::Rng::fill_bytes(&mut stream, &mut bytes));
    report("random_bytes", json!({ "n": n }), times, 1e-9 * n as f64, "GB/s");
    reports
}
