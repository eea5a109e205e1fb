//! Standard normal numbers from a replica's stream, vectorised.
mod kernel;
#[cfg(test)]
mod tests;

use rand::Rng;

use crate::lanes::dispatch;
use kernel::{PAIRS, Transform};

/// Words drawn at once.
const WORDS: usize = 128;

/// Fills a slice with independent standard normal numbers.
///
/// # Formula
/// Box and Muller: `sqrt(-2 ln u) (cos t, sin t)`, `u` uniform on the multiples of `2^-52` in (0, 1], `t` uniform on the circle (52 bits in each octant).
/// The largest value is `sqrt(104 ln 2) = 8.49`, beyond which a normal number lies with probability `2e-17`. Logarithm, sine and
/// cosine are polynomials with absolute errors of a few `1e-16`; separate multiplications and additions, so the same bits on every instruction set.
///
/// # Draws
/// Two 64-bit words for each pair of numbers: `n` numbers take `n` words, rounded up to even. Pairs are laid out in blocks of 32
/// numbers, so one call for `n + m` numbers is not the same as one for `n` followed by one for `m`.
///
/// ```
/// use solvable_sim::{monte_carlo::Stream, normal};
///
/// let mut z = [0.0; 4];
/// normal::fill(&mut Stream::new(1, 0), &mut z);
/// assert!(z.iter().all(|x| x.is_finite()));
/// ```
pub fn fill<R: Rng + ?Sized>(rng: &mut R, out: &mut [f64]) {
    let mut bytes = [0u8; 8 * WORDS];
    let mut words = [0u64; WORDS];
    for part in out.chunks_mut(WORDS) {
        let needed = part.len().next_multiple_of(2);
        rng.fill_bytes(&mut bytes[..8 * needed]);
        for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*chunk);
        }
        let whole = part.len() / (2 * PAIRS) * (2 * PAIRS);
        let (blocks, rest) = part.split_at_mut(whole);
        dispatch(Transform { words: &words[..whole], out: blocks });
        if !rest.is_empty() {
            // The same block, with fewer pairs: unused lanes are computed and dropped.
            let pairs = (needed - whole) / 2;
            let mut padded = [0u64; 2 * PAIRS];
            padded[..pairs].copy_from_slice(&words[whole..whole + pairs]);
            padded[PAIRS..PAIRS + pairs].copy_from_slice(&words[whole + pairs..needed]);
            let mut block = [0.0; 2 * PAIRS];
            dispatch(Transform { words: &padded, out: &mut block });
            let first = pairs.min(rest.len());
            rest[..first].copy_from_slice(&block[..first]);
            let second = rest.len() - first;
            rest[first..].copy_from_slice(&block[PAIRS..PAIRS + second]);
        }
    }
}
