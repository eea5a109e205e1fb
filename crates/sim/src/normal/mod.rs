//! Standard normal numbers from a replica's stream.
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// Fills a slice with independent standard normal numbers.
///
/// ```
/// use solvable_sim::{monte_carlo::Stream, normal};
///
/// let mut z = [0.0; 4];
/// normal::fill(&mut Stream::new(1, 0), &mut z);
/// assert!(z.iter().all(|x| x.is_finite()));
/// ```
pub fn fill<R: Rng + ?Sized>(rng: &mut R, out: &mut [f64]) {
    for x in out {
        *x = StandardNormal.sample(rng);
    }
}
