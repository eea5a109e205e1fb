//! A derivative-free maximiser for the adversarial search of bound checks.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;

/// The best value found and its point.
pub(crate) type Best = (f64, Vec<f64>);

/// Maximises `f` over the unit cube by pattern search from a given start, if any, and from random ones; `None` from `f`
/// marks points outside the bound's hypotheses. Returns the best value, its point and the evaluations spent.
///
/// Each start polls the coordinate directions and one random direction at a step that halves when nothing improves,
/// from 0.25 to 1e-4: enough to climb ridges of smooth ratios, without assuming them smooth.
pub(crate) fn maximise<E>(
    dimension: usize,
    given: Option<Vec<f64>>,
    starts: usize,
    evaluations: u64,
    rng: &mut ChaCha12Rng,
    mut f: impl FnMut(&[f64]) -> Result<Option<f64>, E>,
) -> Result<(Option<Best>, u64), E> {
    let mut best: Option<Best> = None;
    let mut spent = 0;
    let mut started = 0;
    let starts = starts.max(1) + usize::from(given.is_some());
    let mut given = given;
    while started < starts || best.is_none() && spent < evaluations {
        started += 1;
        if spent >= evaluations {
            break;
        }
        let mut point = given.take().unwrap_or_else(|| (0..dimension).map(|_| rng.random::<f64>()).collect());
        spent += 1;
        let Some(mut value) = f(&point)? else { continue };
        let mut step = 0.25;
        while step > 1e-4 && spent < evaluations {
            let mut improved = false;
            for k in 0..=2 * dimension {
                let mut trial = point.clone();
                if k < 2 * dimension {
                    trial[k / 2] += if k % 2 == 0 { step } else { -step };
                } else {
                    for t in &mut trial {
                        *t += step * (2.0 * rng.random::<f64>() - 1.0);
                    }
                }
                for t in &mut trial {
                    *t = t.clamp(0.0, 1.0);
                }
                spent += 1;
                if let Some(v) = f(&trial)?
                    && v > value
                {
                    value = v;
                    point = trial;
                    improved = true;
                }
            }
            if !improved {
                step *= 0.5;
            }
        }
        if best.as_ref().is_none_or(|(b, _)| value > *b) {
            best = Some((value, point));
        }
    }
    Ok((best, spent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn climbs_to_a_known_maximum_and_skips_excluded_points() {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let (best, spent) = maximise::<()>(3, None, 4, 20_000, &mut rng, |x| {
            Ok((x[0] < 0.9).then(|| 1.0 - x.iter().map(|v| (v - 0.3).powi(2)).sum::<f64>()))
        })
        .expect("infallible");
        // The final step 1e-4 bounds the distance to the maximum by a few steps, the loss by its square.
        assert!(best.expect("found").0 > 1.0 - 1e-6);
        assert!(spent <= 20_000 + 7);
    }

    #[test]
    fn begins_at_the_given_point() {
        // A needle that no random start meets.
        let needle = |x: &[f64]| if x[0] == 0.125 && x[1] == 0.5 { 2.0 } else { x[0] };
        let search = |given| {
            let mut rng = ChaCha12Rng::seed_from_u64(2);
            let (best, _) =
                maximise::<()>(2, given, 4, 2000, &mut rng, |x| Ok(Some(needle(x)))).expect("infallible");
            best.expect("found")
        };
        assert_eq!(search(Some(vec![0.125, 0.5])), (2.0, vec![0.125, 0.5]));
        assert_eq!(search(None).0, 1.0);
    }
}
