//! A derivative-free maximiser for the adversarial search of bound checks.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;

/// The best value found and its point.
pub(crate) type Best = (f64, Vec<f64>);

/// Maximises `f` over the unit cube by random starts followed by pattern search; `None` from `f` marks
/// points outside the bound's hypotheses. Returns the best value, its point and the evaluations spent.
///
/// Each start polls the coordinate directions and one random direction at a step that halves when nothing improves,
/// from 0.25 to 1e-4: enough to climb ridges of smooth ratios, without assuming them smooth.
pub(crate) fn maximise<E>(
    dimension: usize,
    starts: usize,
    evaluations: u64,
    rng: &mut ChaCha12Rng,
    mut f: impl FnMut(&[f64]) -> Result<Option<f64>, E>,
) -> Result<(Option<Best>, u64), E> {
    let mut best: Option<Best> = None;
    let mut spent = 0;
    let mut started = 0;
    while started < starts.max(1) || best.is_none() && spent < evaluations {
        started += 1;
        if spent >= evaluations {
            break;
        }
        let mut point: Vec<f64> = (0..dimension).map(|_| rng.random::<f64>()).collect();
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
        let (best, spent) = maximise::<()>(3, 4, 20_000, &mut rng, |x| {
            Ok((x[0] < 0.9).then(|| 1.0 - x.iter().map(|v| (v - 0.3).powi(2)).sum::<f64>()))
        })
        .expect("infallible");
        // The final step 1e-4 bounds the distance to the maximum by a few steps, the loss by its square.
        assert!(best.expect("found").0 > 1.0 - 1e-6);
        assert!(spent <= 20_000 + 7);
    }
}
