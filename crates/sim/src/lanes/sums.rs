//! Sums of long vectors with the same bits on every instruction set: eight partial sums, then a fixed tree.
use super::isa::Vector;

/// Eight partial sums, whatever the registers.
pub(super) const PARTS: usize = 8;

#[inline(always)]
fn tree(p: [f64; PARTS]) -> f64 {
    ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]))
}

/// `sum a_i`.
#[inline(always)]
pub(super) fn total<V: Vector>(a: &[f64]) -> f64 {
    let mut parts = [0.0; PARTS];
    for from in (0..PARTS).step_by(V::LENGTH) {
        let mut sum = V::splat(0.0);
        for x in a.as_chunks::<PARTS>().0 {
            sum = sum.plus(V::load(&x[from..]));
        }
        sum.store(&mut parts[from..]);
    }
    tree(parts)
}

/// `sum_{a + b = n} sum_i c_a,i c_b,i` for rows of length `d` (a multiple of eight): the products of a power series with itself.
///
/// The newest row comes last, so that all other terms are summed while it is still being computed.
#[inline(always)]
pub(super) fn self_product<V: Vector>(rows: &[f64], d: usize, n: usize) -> f64 {
    let mut parts = [0.0; PARTS];
    let row = |a: usize| rows[a * d..(a + 1) * d].as_chunks::<PARTS>().0;
    for from in (0..PARTS).step_by(V::LENGTH) {
        let mut sum = V::splat(0.0);
        for a in (0..n.div_ceil(2)).rev() {
            for (x, y) in row(a).iter().zip(row(n - a)) {
                sum = sum.plus(V::load(&x[from..]).times(V::load(&y[from..])));
            }
        }
        sum = sum.plus(sum);
        if n.is_multiple_of(2) {
            for x in row(n / 2) {
                let x = V::load(&x[from..]);
                sum = sum.plus(x.times(x));
            }
        }
        sum.store(&mut parts[from..]);
    }
    tree(parts)
}
