//! Determinism, moments against direct sums, failures.
mod options;

use std::convert::Infallible;

use rand::Rng;
use solvable_model::Objective;

use super::*;
use crate::flow::{FlowError, GradientFlow, Options, integrate};
use crate::normal;

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool")
}

fn cubes(stream: &mut Stream, _: &mut ()) -> Result<f64, Infallible> {
    let u = (stream.next_u64() >> 11) as f64 * 2f64.powi(-53);
    Ok(u * u * u)
}

#[test]
fn same_bits_for_any_number_of_threads() {
    for count in [1, 2, 31, 1000, 4097, 20_011] {
        let runs: Vec<Moments> = [1, 2, 7]
            .iter()
            .map(|&t| pool(t).install(|| replicate(5, count, || (), cubes).unwrap()))
            .collect();
        assert_eq!(runs[0], runs[1], "{count} replicas, 2 threads");
        assert_eq!(runs[0], runs[2], "{count} replicas, 7 threads");
        assert_eq!(runs[0].count(), count);
    }
}

#[test]
fn moments_agree_with_direct_sums() {
    let values = Replicas::new(9, 3001).values(|| (), cubes).unwrap();
    let m = replicate(9, 3001, || (), cubes).unwrap();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let central = |p: i32| values.iter().map(|v| (v - mean).powi(p)).sum::<f64>() / n;
    // Both sides lose at most about n ulps of sums whose terms are below 1.
    let bound = n * f64::EPSILON;
    assert!((m.mean() - mean).abs() < bound);
    assert!((m.variance() * (n - 1.0) / n - central(2)).abs() < bound);
    let (s2, s3, s4) = (central(2), central(3), central(4));
    assert!((m.skewness() - s3 / s2.powf(1.5)).abs() < bound / s2.powf(1.5));
    assert!((m.kurtosis() - s4 / (s2 * s2)).abs() < bound / (s2 * s2));
}

#[test]
fn values_are_those_of_their_own_streams() {
    let values = pool(7).install(|| Replicas::new(3, 500).values(|| (), cubes)).unwrap();
    for (i, v) in values.iter().enumerate() {
        assert_eq!(*v, cubes(&mut Stream::new(3, i as u64), &mut ()).unwrap());
    }
}

#[test]
fn covariances_of_a_linear_map() {
    // (u, 2u, 3): variances s, 4s, 0; covariances 2s, 0, 0.
    let m = Replicas::new(1, 777)
        .vector_moments(
            3,
            || (),
            |stream, (), out| {
                let u = cubes(stream, &mut ())?;
                out.copy_from_slice(&[u, 2.0 * u, 3.0]);
                Ok::<_, Infallible>(())
            },
        )
        .unwrap();
    let s = m.component(0).unwrap().variance();
    assert_eq!(m.component(1).unwrap().variance(), 4.0 * s);
    assert_eq!(m.component(2).unwrap().variance(), 0.0);
    assert!((m.covariance(0, 1).unwrap() - 2.0 * s).abs() <= 4.0 * f64::EPSILON * s);
    assert_eq!(m.covariance(2, 1), Some(0.0));
    assert_eq!(m.covariance(1, 3), None);
}

#[test]
fn failing_replicas_are_named_and_the_others_go_on() {
    #[derive(Debug, Clone, PartialEq, thiserror::Error)]
    #[error("singular")]
    struct Singular;
    let sample = |stream: &mut Stream, _: &mut (), reference: u64| {
        let mut at_40 = Stream::new(2, 40);
        let mut at_71 = Stream::new(2, 71);
        match stream.next_u64() {
            x if x == at_40.next_u64() => Err(Singular),
            x if x == at_71.next_u64() => Ok(f64::NAN),
            _ => Ok(reference as f64),
        }
    };
    let outcome = Replicas::new(2, 100).try_moments(|| (), |s, w| sample(s, w, 7)).unwrap();
    assert_eq!((outcome.failed, outcome.result.count(), outcome.result.mean()), (2, 98, 7.0));
    assert_eq!(outcome.failures[0], FailedReplica { index: 40, cause: Cause::Sampler(Singular) });
    assert_eq!(outcome.failures[1].index, 71);
    let error = replicate(2, 100, || (), |s, w| sample(s, w, 7)).unwrap_err();
    assert_eq!(
        error,
        ReplicaError::Replica { index: 40, cause: Cause::Sampler(Singular), failed: 2, count: 100 }
    );
}

/// The gradient flow of `-x^3 / 3`, NaN below -1: from x > 0 it is infinite at time 1/x.
struct Fragile;

impl Objective for Fragile {
    type Work = ();

    fn dimension(&self) -> usize {
        1
    }

    fn work(&self) {}

    fn value(&self, x: &[f64], (): &mut ()) -> f64 {
        if x[0] < -1.0 { f64::NAN } else { -x[0].powi(3) / 3.0 }
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], (): &mut ()) {
        gradient[0] = if x[0] < -1.0 { f64::NAN } else { -x[0] * x[0] };
    }
}

/// Objectives that overflow or are NaN stop their own replicas, by name, on any number of threads; the others reach their ends.
#[test]
fn objectives_that_fail_stop_their_replicas_alone() {
    let start = |replica| {
        let mut x = [0.0];
        normal::fill(&mut Stream::new(13, replica), &mut x);
        x[0]
    };
    let sample = |stream: &mut Stream, (): &mut ()| {
        let mut x = [0.0];
        normal::fill(stream, &mut x);
        let end = integrate(&GradientFlow::of(&Fragile), &x, &Options::until(1.0))?;
        // The solution is x / (1 - t x): the inverse falls by 1.
        Ok::<_, FlowError>(1.0 / x[0] - 1.0 / end.state[0])
    };
    for threads in [1, 2, 7] {
        let run = || Replicas::new(13, 100).try_moments(|| (), sample);
        let outcome = pool(threads).install(run).unwrap();
        // Replicas that are infinite just at the end may go either way.
        let sure = |x: f64| !(-1.0..=1.001).contains(&x);
        let expected: Vec<u64> = (0..100).filter(|&r| sure(start(r))).collect();
        assert!((5..=32).contains(&expected.len()) && (0..100).all(|r| !(1.0..=1.001).contains(&start(r))));
        assert_eq!(outcome.failures.iter().map(|f| f.index).collect::<Vec<_>>(), expected);
        assert_eq!(outcome.failed + outcome.result.count(), 100);
        for failure in &outcome.failures {
            let x = start(failure.index);
            let Cause::Sampler(error) = &failure.cause else { panic!("{failure:?}") };
            let time = match error {
                FlowError::NotFinite(found) => found.time,
                FlowError::StepTooSmall { time, .. } => *time,
                other => panic!("{other}"),
            };
            let exact = if x > 0.0 { 1.0 / x } else { 0.0 };
            assert!((time - exact).abs() < 1e-4, "{time} from {x}");
        }
        assert!((outcome.result.mean() - 1.0).abs() < 1e-4, "{}", outcome.result.mean());
        let message = outcome.complete().unwrap_err().to_string();
        assert!(message.contains(&format!("the first is replica {}:", expected[0])), "{message}");
    }
}

#[test]
fn empty_and_overflowing_runs_are_refused() {
    assert_eq!(replicate(1, 0, || (), cubes).unwrap_err(), ReplicaError::NoReplicas);
    let huge = |stream: &mut Stream, (): &mut ()| Ok::<_, Infallible>(1e200 * stream.next_u32() as f64);
    assert_eq!(replicate(1, 10, || (), huge).unwrap_err(), ReplicaError::Overflow { count: 10 });
    let beyond = Replicas::new(1, 2).starting_at(1 << 63).moments(|| (), cubes);
    assert!(matches!(beyond, Err(ReplicaError::Range { .. })));
}
