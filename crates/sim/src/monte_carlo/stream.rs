//! The random stream of a replica.
use std::convert::Infallible;

use rand::{SeedableRng, TryRng};
use rand_chacha::ChaCha12Rng;

use super::chacha::{Batch, WORDS};
use crate::lanes::dispatch;

/// The key that belongs to a seed: the one of `ChaCha12Rng::seed_from_u64`.
pub(super) fn key(seed: u64) -> [u32; 8] {
    let bytes = ChaCha12Rng::seed_from_u64(seed).get_seed();
    let mut key = [0; 8];
    for (word, chunk) in key.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*chunk);
    }
    key
}

/// The random numbers of one replica: ChaCha with 12 rounds, key from the seed, stream number from the replica.
///
/// Counter-based: stream `i` costs the same to reach for any `i`, and no two replicas share a number. It implements
/// [`rand::Rng`], so every distribution of `rand_distr` can be drawn from it; for normals prefer
/// [`crate::normal::fill`].
///
/// The numbers are the blocks of `rand_chacha`'s `ChaCha12Rng` with the same seed and stream, in another order: sixteen blocks
/// are computed at a time, one a SIMD lane, and read word by word across the blocks. Every draw takes whole 64-bit words (`next_u32` the
/// high half of one, bytes the first bytes of as many as needed).
///
/// ```
/// use rand::Rng;
/// use solvable_sim::monte_carlo::Stream;
///
/// let (mut a, mut b) = (Stream::new(1, 7), Stream::new(1, 7));
/// assert_eq!(a.next_u64(), b.next_u64());
/// assert_ne!(a.next_u64(), Stream::new(1, 8).next_u64());
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 8],
    stream: u64,
    /// The next batch to compute.
    batch: u64,
    /// Words of the current batch already used; `WORDS` when none is left.
    used: usize,
    words: [u64; WORDS],
}

impl Stream {
    /// The stream of replica `index` in a run with this seed.
    #[must_use]
    pub fn new(seed: u64, index: u64) -> Self {
        Self::with_key(key(seed), index)
    }

    pub(super) fn with_key(key: [u32; 8], index: u64) -> Self {
        Self { key, stream: index, batch: 0, used: WORDS, words: [0; WORDS] }
    }

    /// Becomes the stream of another replica of the same run.
    pub(super) fn restart(&mut self, index: u64) {
        self.stream = index;
        self.batch = 0;
        self.used = WORDS;
    }

    fn refill(&mut self) {
        dispatch(Batch { key: &self.key, stream: self.stream, batch: self.batch, out: &mut self.words });
        self.batch = self.batch.wrapping_add(1);
        self.used = 0;
    }

    #[inline]
    fn word(&mut self) -> u64 {
        if self.used == WORDS {
            self.refill();
        }
        let word = self.words[self.used];
        self.used += 1;
        word
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.word() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.word())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let (mut chunks, rest) = bytes.as_chunks_mut::<8>();
        while !chunks.is_empty() {
            if self.used == WORDS {
                self.refill();
            }
            let here = chunks.len().min(WORDS - self.used);
            let (now, later) = chunks.split_at_mut(here);
            for (chunk, word) in now.iter_mut().zip(&self.words[self.used..]) {
                *chunk = word.to_le_bytes();
            }
            self.used += here;
            chunks = later;
        }
        if !rest.is_empty() {
            let word = self.word().to_le_bytes();
            rest.copy_from_slice(&word[..rest.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    /// However a stretch of words is asked for, it is the same stretch.
    #[test]
    fn bytes_words_and_halves_agree() {
        let mut words = Stream::new(4, 9);
        let expected: Vec<u64> = (0..1000).map(|_| words.next_u64()).collect();
        let mut bytes = vec![0; 8 * 1000];
        let mut stream = Stream::new(4, 9);
        for (from, to) in [(0, 3), (3, 127), (127, 129), (129, 640), (640, 1000)] {
            stream.fill_bytes(&mut bytes[8 * from..8 * to]);
        }
        let read: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|c| u64::from_le_bytes(*c)).collect();
        assert_eq!(read, expected);
        let mut halves = Stream::new(4, 9);
        let mut odd = [0; 3];
        assert_eq!(u64::from(halves.next_u32()), expected[0] >> 32);
        halves.fill_bytes(&mut odd);
        assert_eq!(odd, expected[1].to_le_bytes()[..3]);
        assert_eq!(halves.next_u64(), expected[2]);
    }

    #[test]
    fn restart_is_a_new_stream() {
        let mut a = Stream::new(4, 1);
        a.next_u64();
        a.restart(2);
        let mut b = Stream::new(4, 2);
        assert!((0..300).all(|_| a.next_u64() == b.next_u64()));
    }
}
