//! Splitting, stopping, watching, variance reduction, quantiles, sums.
use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::Rng;

use super::super::*;
use super::{cubes, pool};
use crate::normal;

fn pair(stream: &mut Stream, (): &mut (), out: &mut [f64]) -> Result<(), Infallible> {
    normal::fill(stream, out);
    out[1] += out[0];
    Ok(())
}

/// However a run is split, in whatever order the parts come, written out and read back: the same bits.
#[test]
fn any_split_merges_to_the_same_bits() {
    let mut draws = Stream::new(8, 0);
    for count in [1, 2, 63, 64, 1000, 2049] {
        let whole = Replicas::new(6, count).vector_moments(2, || (), pair).unwrap();
        for parts in [1, 2, 3, 7, 13] {
            let mut cuts: Vec<u64> = (1..parts).map(|_| draws.next_u64() % (count + 1)).collect();
            cuts.extend([0, count]);
            cuts.sort_unstable();
            let mut pieces: Vec<Partial> = cuts
                .windows(2)
                .filter(|w| w[0] < w[1])
                .map(|w| {
                    let range = Replicas::new(6, w[1] - w[0]).starting_at(w[0]);
                    pool(1 + (draws.next_u32() % 3) as usize)
                        .install(|| range.partial(2, true, || (), pair).unwrap().complete().unwrap())
                })
                .map(|p| Partial::from_nodes(p.seed(), p.nodes()).unwrap())
                .collect();
            let mut merged = pieces.swap_remove((draws.next_u64() % pieces.len() as u64) as usize);
            while !pieces.is_empty() {
                let next = pieces.swap_remove((draws.next_u64() % pieces.len() as u64) as usize);
                merged.merge(&next).unwrap();
            }
            assert_eq!(merged.total(count).unwrap(), whole, "{count} replicas cut at {cuts:?}");
        }
    }
}

#[test]
fn partial_results_that_do_not_fit_are_refused() {
    let range = |seed, first, count| {
        Replicas::new(seed, count)
            .starting_at(first)
            .partial(2, true, || (), pair)
            .unwrap()
            .complete()
            .unwrap()
    };
    let mut a = range(6, 0, 10);
    assert_eq!(a.merge(&range(7, 10, 4)).unwrap_err(), PartialError::Seeds { left: 6, right: 7 });
    assert_eq!(a.merge(&range(6, 9, 4)).unwrap_err(), PartialError::Overlap { replica: 9 });
    a.merge(&range(6, 12, 4)).unwrap();
    assert_eq!(a.total(16).unwrap_err(), PartialError::Missing { replica: 10 });
    assert_eq!(range(6, 0, 10).total(9).unwrap_err(), PartialError::Overlap { replica: 9 });
    let good: Vec<PartialNode> = range(6, 0, 4).nodes().collect();
    let broken = |change: fn(&mut PartialNode)| {
        let mut nodes = good.clone();
        change(&mut nodes[0]);
        Partial::from_nodes(6, nodes).map(|_| ()).unwrap_err()
    };
    assert!(matches!(broken(|n| n.first = 2), PartialError::Node { .. }));
    assert!(matches!(broken(|n| n.count = 5), PartialError::Node { .. }));
    assert!(matches!(broken(|n| n.moments[0][1] = f64::NAN), PartialError::Node { .. }));
    assert!(matches!(broken(|n| n.products.push(0.0)), PartialError::Node { .. }));
    assert!(matches!(broken(|n| n.level = 64), PartialError::Node { .. }));
}

#[test]
fn cancelled_and_late_runs_say_how_far_they_came() {
    let (flag, seen) = (AtomicBool::new(false), AtomicU64::new(0));
    let control = Control::new().cancelled_by(&flag);
    let sample = |_: &mut Stream, (): &mut ()| {
        if seen.fetch_add(1, Ordering::Relaxed) == 50 {
            flag.store(true, Ordering::Relaxed);
        }
        Ok::<_, Infallible>(1.0)
    };
    match Replicas::new(1, 1 << 40).under(&control).moments(|| (), sample) {
        Err(ReplicaError::Stopped { why: Stop::Cancelled, count, done }) => {
            assert!(count == 1 << 40 && done < 1 << 20)
        }
        other => panic!("{other:?}"),
    }
    let control = Control::new().until(Instant::now() + Duration::from_millis(20));
    let start = Instant::now();
    let late = Replicas::new(1, 1 << 50).under(&control).moments(|| (), cubes);
    assert!(matches!(late, Err(ReplicaError::Stopped { why: Stop::Deadline, .. })), "{late:?}");
    assert!(start.elapsed() >= Duration::from_millis(20));
}

#[test]
fn progress_is_told_and_ends_at_the_end() {
    let heard = Mutex::new(Vec::new());
    let tell = |p: Progress| heard.lock().unwrap().push(p);
    let control = Control::new().watched_by(&tell);
    pool(1).install(|| Replicas::new(1, 5000).under(&control).moments(|| (), cubes)).unwrap();
    let heard = heard.into_inner().unwrap();
    let last = heard.last().unwrap();
    assert_eq!((last.done, last.count, last.left), (5000, 5000, Some(Duration::ZERO)));
    assert!(heard.windows(2).all(|w| w[0].done < w[1].done));
    // On the way: as if the rest went at the rate so far.
    let heard = Mutex::new(Vec::new());
    let tell = |p: Progress| heard.lock().unwrap().push(p);
    let control = Control::new().watched_by(&tell);
    let sleep = |_: &mut Stream, (): &mut ()| {
        std::thread::sleep(Duration::from_millis(5));
        Ok::<_, Infallible>(1.0)
    };
    pool(2).install(|| Replicas::new(1, 160).under(&control).moments(|| (), sleep)).unwrap();
    let heard = heard.into_inner().unwrap();
    // At least 0.4 seconds: a message on the way and one at the end.
    assert!(heard.len() >= 2 && heard[0].done < 160 && heard[heard.len() - 1].done == 160, "{heard:?}");
    for p in heard {
        let rate = p.done as f64 / p.elapsed.as_secs_f64();
        let left = p.left.expect("a replica is done").as_secs_f64();
        assert!((left - (p.count - p.done) as f64 / rate).abs() <= 1e-8 * (1.0 + left), "{p:?}");
    }
}

/// `x = u^3` with antithetic `1 - u`: both are means of 1/4, and the pair mean has a smaller variance.
#[test]
fn antithetic_pairs() {
    let sample = |stream: &mut Stream, (): &mut (), sign: Sign| {
        let u = (stream.next_u64() >> 11) as f64 * 2f64.powi(-53);
        Ok::<_, Infallible>(if sign == Sign::Plus { u } else { 1.0 - u })
    };
    // Linear: the pair mean is 1/2 whatever u.
    let linear = Replicas::new(4, 100).antithetic(|| (), sample).unwrap();
    assert!((linear.mean() - 0.5).abs() < 4.0 * f64::EPSILON && linear.variance() < 1e-30);
    let cubic =
        Replicas::new(4, 20_000).antithetic(|| (), |s, w, g| sample(s, w, g).map(|u| u * u * u)).unwrap();
    assert!((cubic.mean() - 0.25).abs() < 4.892 * cubic.standard_error());
    // Var of (u^3 + (1-u)^3)/2 = (1 - 3u + 3u^2)/2 is 1/80, against 9/112 / 2 for two independent draws; level 1e-6.
    let error = ((cubic.kurtosis() - 1.0) / 20_000.0).sqrt() / 80.0;
    assert!((cubic.variance() - 1.0 / 80.0).abs() < 4.892 * error);
}

/// `x = z + z^2`, `c = z`: the residual is `z^2` whatever the coefficient near 1, with variance 2.
#[test]
fn control_variates() {
    let sample = |stream: &mut Stream, (): &mut ()| {
        let mut z = [0.0];
        normal::fill(stream, &mut z);
        Ok::<_, Infallible>([z[0] + z[0] * z[0], z[0]])
    };
    let run = Replicas::new(4, 50_000).control_variate(4000, 0.0, || (), sample).unwrap();
    // The pilot's coefficient has variance E z^2 (z^2 - ...)^2 / n < 15 / 4000.
    assert!((run.coefficient - 1.0).abs() < 4.892 * (15.0_f64 / 4000.0).sqrt());
    assert!((run.moments.mean() - 1.0).abs() < 4.892 * run.moments.standard_error());
    let expected = 2.0 + (run.coefficient - 1.0).powi(2);
    let error = run.moments.variance() * ((run.moments.kurtosis() - 1.0) / 50_000.0).sqrt();
    assert!((run.moments.variance() - expected).abs() < 4.892 * error);
    // A control that does not vary is no help and no harm.
    let flat = |stream: &mut Stream, w: &mut ()| cubes(stream, w).map(|x| [x, 3.0]);
    let run = Replicas::new(4, 1000).control_variate(100, 3.0, || (), flat).unwrap();
    assert_eq!((run.coefficient, run.moments), (0.0, replicate(4, 1000, || (), cubes).unwrap()));
}

#[test]
fn a_target_error_is_reached_on_fresh_streams() {
    let run = Replicas::new(5, 1_000_000).to_standard_error(1e-3, 2000, || (), cubes).unwrap();
    assert!(run.within_reach);
    assert!(run.moments.standard_error() < 1e-3 && run.moments.count() < 200_000, "{run:?}");
    assert_eq!(run.moments, replicate(5, run.moments.count(), || (), cubes).unwrap());
    assert_ne!(run.pilot, replicate(5, 2000, || (), cubes).unwrap());
    let far = Replicas::new(5, 3000).to_standard_error(1e-9, 100, || (), cubes).unwrap();
    assert!(!far.within_reach && far.moments.count() == 3000);
    let nothing = Replicas::new(5, 3000).to_standard_error(0.0, 100, || (), cubes).unwrap();
    assert!(!nothing.within_reach && nothing.moments.count() == 3000);
    let constant =
        Replicas::new(5, 3000).to_standard_error(0.1, 100, || (), |_, ()| Ok::<_, Infallible>(2.0)).unwrap();
    assert!(constant.within_reach && constant.moments.count() == 100);
}

/// Coverage of the interval for the median of `u^3` (which is 1/8): it holds with probability 1 - 1e-6 in each run.
#[test]
fn quantile_intervals_contain_the_quantile() {
    let mut width = 0.0_f64;
    for seed in 0..20 {
        let q = Quantiles::new(Replicas::new(seed, 2000).values(|| (), cubes).unwrap()).unwrap();
        for (p, exact) in [(0.5, 0.125), (0.9, 0.729), (0.1, 0.001)] {
            let (low, high) = q.interval(p, 1e-6).unwrap();
            assert!(low <= exact && exact <= high, "seed {seed}: {exact} not in [{low}, {high}]");
            width = width.max(high - low);
        }
    }
    assert!(width < 0.4, "{width}");
    assert_eq!(Quantiles::new(vec![]), None);
    assert_eq!(Quantiles::new(vec![1.0, f64::NAN]), None);
    let q = Quantiles::new(vec![5.0]).unwrap();
    assert_eq!(q.interval(0.5, 0.01), Ok((f64::NEG_INFINITY, f64::INFINITY)));
    for p in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(q.at(p).is_err() && q.interval(p, 0.01).is_err(), "{p}");
    }
    for level in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(q.interval(0.5, level).is_err(), "{level}");
    }
    // The smallest level there is gives an interval, not an overflow.
    assert_eq!(q.interval(0.5, f64::from_bits(1)), Ok((f64::NEG_INFINITY, f64::INFINITY)));
}

/// Quantiles of ranges of replicas, merged in any order: those of the whole run, to the bit.
#[test]
fn quantiles_of_any_split_merge_to_the_same_bits() {
    // Ties, both zeros, and values over the whole range of exponents.
    let sample = |stream: &mut Stream, (): &mut ()| {
        let u = stream.next_u64();
        Ok::<_, Infallible>(match u % 4 {
            0 => 0.0,
            1 => -0.0,
            2 => (u >> 62) as f64,
            _ => cubes(stream, &mut ())?.powi(40) - 0.5,
        })
    };
    let bits = |q: &Quantiles| q.sorted().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let range = |first, count| {
        let run = Replicas::new(11, count).starting_at(first);
        Quantiles::new(run.values(|| (), sample).unwrap()).unwrap()
    };
    let whole = range(0, 1000);
    let mut draws = Stream::new(12, 0);
    for _ in 0..20 {
        let mut cuts: Vec<u64> = (0..6).map(|_| draws.next_u64() % 1001).collect();
        cuts.extend([0, 1000]);
        cuts.sort_unstable();
        let mut parts: Vec<Quantiles> =
            cuts.windows(2).filter(|w| w[0] < w[1]).map(|w| range(w[0], w[1] - w[0])).collect();
        while parts.len() > 1 {
            let taken = parts.swap_remove((draws.next_u64() % parts.len() as u64) as usize);
            let at = (draws.next_u64() % parts.len() as u64) as usize;
            parts[at].merge(&taken);
        }
        assert_eq!(bits(&parts[0]), bits(&whole), "{cuts:?}");
    }
    for p in [0.0, 0.1, 0.5, 0.9, 1.0] {
        let at = whole.at(p).unwrap();
        let below = whole.sorted().iter().filter(|v| **v <= at).count() as f64;
        assert!(below >= p * 1000.0);
    }
}

/// A pilot that cannot see a variance is refused: it would take any observable for a constant.
#[test]
fn pilots_too_short_are_refused() {
    for pilot in [0, 1] {
        let target = Replicas::new(5, 1000).to_standard_error(1e-6, pilot, || (), cubes);
        assert_eq!(target.unwrap_err(), ReplicaError::Pilot { pilot });
        let both = |stream: &mut Stream, w: &mut ()| cubes(stream, w).map(|x| [x, x]);
        let control = Replicas::new(5, 1000).control_variate(pilot, 0.25, || (), both);
        assert_eq!(control.unwrap_err(), ReplicaError::Pilot { pilot });
    }
}

/// The estimate at a target error is unbiased although the variance decides how many replicas are run; a run that stops as
/// soon as its own standard error is small enough is not, where mean and variance are correlated.
#[test]
fn choosing_the_number_of_replicas_does_not_bias_the_mean() {
    const RUNS: u64 = 10_000;
    // Exponential numbers: mean and variance 1, skewness 2.
    let exponential = |stream: &mut Stream, (): &mut ()| {
        let u = ((stream.next_u64() >> 11) as f64 + 1.0) * 2f64.powi(-53);
        Ok::<_, Infallible>(-u.ln())
    };
    let (mut ours, mut naive) = (Vec::new(), Vec::new());
    for seed in 0..RUNS {
        let run = Replicas::new(seed, 1000).to_standard_error(0.2, 20, || (), exponential).unwrap();
        ours.push(run.moments.mean());
        let mut sum: Option<Moments> = None;
        for replica in 0..1000 {
            let one = Moments::of(exponential(&mut Stream::new(seed, replica), &mut ()).unwrap());
            match &mut sum {
                None => sum = Some(one),
                Some(sum) => sum.absorb(&one),
            }
            if replica >= 19 && sum.as_ref().unwrap().standard_error() <= 0.2 {
                break;
            }
        }
        naive.push(sum.unwrap().mean());
    }
    // Level 1e-6 for ours.
    let of = |means: Vec<f64>| means.into_iter().collect::<Moments>();
    let (ours, naive) = (of(ours), of(naive));
    assert!(
        RUNS as f64 >= (ours.skewness() * 4.892_f64.powi(3) / 0.6).powi(2),
        "skewness {}",
        ours.skewness()
    );
    let score = |m: &Moments| (m.mean() - 1.0) / m.standard_error();
    assert!(score(&ours).abs() < 4.892, "{}", score(&ours));
    assert!(score(&naive) < -4.892 - 1.645, "{}", score(&naive));
}

#[test]
fn sums_are_the_same_for_any_number_of_threads() {
    let add = |stream: &mut Stream, z: &mut [f64; 3], sum: &mut [f64]| {
        normal::fill(stream, z);
        sum.iter_mut().zip(z).for_each(|(s, x)| *s += *x);
    };
    for count in [1, 63, 64, 65, 1000] {
        let sums: Vec<Vec<f64>> = [1, 2, 7]
            .iter()
            .map(|&t| pool(t).install(|| Replicas::new(3, count).sum(3, || [0.0; 3], add)).unwrap())
            .collect();
        assert_eq!(sums[0], sums[1]);
        assert_eq!(sums[0], sums[2]);
        let means = Replicas::new(3, count)
            .component_moments(
                3,
                || (),
                |stream, (), out| {
                    normal::fill(stream, out);
                    Ok::<_, Infallible>(())
                },
            )
            .unwrap();
        for (s, m) in sums[0].iter().zip(means.components()) {
            // Both lose at most a few ulps of the sum of absolute values, which is below 2 n here.
            assert!((s - m.mean() * count as f64).abs() < 64.0 * f64::EPSILON * 2.0 * count as f64);
        }
    }
    let bad = Replicas::new(3, 100).sum(2, || (), |_, (), sum| sum[1] += f64::INFINITY);
    assert_eq!(bad.unwrap_err(), ReplicaError::Sum { component: 1, value: f64::INFINITY });
}
