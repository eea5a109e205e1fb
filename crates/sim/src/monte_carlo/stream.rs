//! The random stream of a replica.
use std::convert::Infallible;

use rand::{Rng, SeedableRng, TryRng};
use rand_chacha::ChaCha12Rng;

/// The random numbers of one replica: ChaCha with 12 rounds, key from the seed, stream number from the replica.
///
/// Counter-based: stream `i` costs the same to reach for any `i`, and no two replicas share a number. It implements
/// [`rand::Rng`], so every distribution of `rand_distr` can be drawn from it; for normals prefer
/// [`crate::normal::fill`].
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
    inner: ChaCha12Rng,
}

impl Stream {
    /// The stream of replica `index` in a run with this seed.
    #[must_use]
    pub fn new(seed: u64, index: u64) -> Self {
        let mut inner = ChaCha12Rng::seed_from_u64(seed);
        inner.set_stream(index);
        Self { inner }
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.inner.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.inner.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.inner.fill_bytes(bytes);
        Ok(())
    }
}
