//! ChaCha with 12 rounds, sixteen blocks at a time.
//!
//! Reference: D. J. Bernstein, *ChaCha, a variant of Salsa20* (2008); 64-bit counter and 64-bit stream number.
use crate::lanes::{Kernel, Vector};

/// Blocks computed together.
const BLOCKS: usize = 16;
/// 64-bit words of a batch.
pub(super) const WORDS: usize = BLOCKS * 8;
const DOUBLE_ROUNDS: usize = 6;
/// "expand 32-byte k"
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// The blocks `16 batch .. 16 batch + 16` of one stream.
///
/// The batch is ordered by state word, then by block (so that no transposition is needed): 32-bit word `w` of block
/// `b` is number `16 w + b`, and two consecutive ones make a 64-bit word, the first of them its low half.
pub(super) struct Batch<'a> {
    pub(super) key: &'a [u32; 8],
    pub(super) stream: u64,
    pub(super) batch: u64,
    pub(super) out: &'a mut [u64; WORDS],
}

impl Kernel for Batch<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let mut words = [[0u32; BLOCKS]; 16];
        let (low, high) = (self.stream as u32, (self.stream >> 32) as u32);
        // One block a lane: the compiler turns this loop into vectors.
        for lane in 0..BLOCKS {
            // Sixteen blocks never carry into the high half: the low half of `16 batch` ends in four zero bits.
            let first = self.batch.wrapping_mul(BLOCKS as u64);
            let input = [
                CONSTANTS[0],
                CONSTANTS[1],
                CONSTANTS[2],
                CONSTANTS[3],
                self.key[0],
                self.key[1],
                self.key[2],
                self.key[3],
                self.key[4],
                self.key[5],
                self.key[6],
                self.key[7],
                (first as u32).wrapping_add(lane as u32),
                (first >> 32) as u32,
                low,
                high,
            ];
            let block = rounds(input);
            for (row, word) in words.iter_mut().zip(block) {
                row[lane] = word;
            }
        }
        for (row, out) in words.iter().zip(self.out.as_chunks_mut::<{ BLOCKS / 2 }>().0) {
            for (pair, o) in row.as_chunks::<2>().0.iter().zip(out) {
                *o = u64::from(pair[0]) | u64::from(pair[1]) << 32;
            }
        }
    }
}

#[inline(always)]
fn rounds(input: [u32; 16]) -> [u32; 16] {
    let mut x = input;
    const { assert!(DOUBLE_ROUNDS == 6) };
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    for (a, b) in x.iter_mut().zip(input) {
        *a = a.wrapping_add(b);
    }
    x
}

#[inline(always)]
fn double_round(x: &mut [u32; 16]) {
    quarter(x, 0, 4, 8, 12);
    quarter(x, 1, 5, 9, 13);
    quarter(x, 2, 6, 10, 14);
    quarter(x, 3, 7, 11, 15);
    quarter(x, 0, 5, 10, 15);
    quarter(x, 1, 6, 11, 12);
    quarter(x, 2, 7, 8, 13);
    quarter(x, 3, 4, 9, 14);
}

#[inline(always)]
fn quarter(x: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(16);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(12);
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(8);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(7);
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha12Rng;

    use super::*;
    use crate::lanes::{Isa, dispatch_on};

    /// Against `rand_chacha`, an implementation by others, block by block, on every instruction set; counters and
    /// stream numbers with both halves in use.
    #[test]
    fn blocks_are_those_of_rand_chacha() {
        for (seed, stream, batch) in
            [(0, 0, 0), (7, 1, 3), (u64::MAX, 1 << 40 | 5, 1 << 29), (3, u64::MAX, 1)]
        {
            let mut reference = ChaCha12Rng::seed_from_u64(seed);
            reference.set_stream(stream);
            reference.set_word_pos(u128::from(batch) * 16 * 16);
            let key = super::super::stream::key(seed);
            let mut expected = [0u32; 2 * WORDS];
            for block in 0..BLOCKS {
                for word in 0..16 {
                    expected[BLOCKS * word + block] = reference.next_u32();
                }
            }
            for isa in Isa::available() {
                let mut out = [0; WORDS];
                dispatch_on(isa, Batch { key: &key, stream, batch, out: &mut out });
                for (i, w) in out.iter().enumerate() {
                    assert_eq!(
                        *w,
                        u64::from(expected[2 * i]) | u64::from(expected[2 * i + 1]) << 32,
                        "{isa:?}, word {i}"
                    );
                }
            }
        }
    }
}
