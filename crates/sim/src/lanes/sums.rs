//! Sums of long vectors with the same bits on every instruction set: eight partial sums, then a fixed tree.
use super::isa::Vector;

/// Eight partial sums, whatever the registers.
pub(super) const PARTS: usize = 8;

#[inline(always)]
pub(super) fn tree(p: [f64; PARTS]) -> f64 {
    ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]))
}

/// `sum_j a_j b_(last - j)` of two lists of one length: four partial sums, then the entries left over.
#[inline(always)]
pub(super) fn convolution(a: &[f64], b: &[f64]) -> f64 {
    let b = &b[..a.len()];
    let ((fours, rest), (end, reversed)) = (a.as_chunks::<4>(), b.as_rchunks::<4>());
    let mut sums = [0.0; 4];
    for (x, y) in fours.iter().zip(reversed.iter().rev()) {
        for i in 0..4 {
            sums[i] += x[i] * y[3 - i];
        }
    }
    let mut last = 0.0;
    for (x, y) in rest.iter().zip(end.iter().rev()) {
        last += x * y;
    }
    ((sums[0] + sums[1]) + (sums[2] + sums[3])) + last
}

/// `sum_j a_j a_(last - j)`.
#[inline(always)]
pub(super) fn self_convolution(a: &[f64]) -> f64 {
    let n = a.len();
    let twice = convolution(&a[..n / 2], &a[n - n / 2..]);
    2.0 * twice + if n % 2 == 1 { a[n / 2] * a[n / 2] } else { 0.0 }
}

/// `to_n = sum_m w_m (-rate_m)^n / n!`; the number of weights is a multiple of eight, the rates are at least as many.
#[inline(always)]
pub(super) fn exponential_series<V: Vector, const N: usize>(
    weights: &[f64],
    rates: &[f64],
    to: &mut [f64; N],
) {
    let mut sums = [[0.0; PARTS]; N];
    let weights = weights.as_chunks::<PARTS>().0;
    let rates = &rates.as_chunks::<PARTS>().0[..weights.len()];
    for from in (0..PARTS).step_by(V::LENGTH) {
        let (fours, last_weights) = weights.as_chunks::<4>();
        let (four_rates, last_rates) = rates.as_chunks::<4>();
        for (w, r) in fours.iter().zip(four_rates) {
            add_moments::<V, 4, N>(w, r, from, &mut sums);
        }
        for (w, r) in last_weights.iter().zip(last_rates) {
            add_moments::<V, 1, N>(&[*w], &[*r], from, &mut sums);
        }
    }
    let factors = const { alternating::<N>() };
    for n in 0..N {
        to[n] = factors[n] * tree(sums[n]);
    }
}

/// `(-1)^n / n!`.
const fn alternating<const N: usize>() -> [f64; N] {
    let mut list = [1.0; N];
    let mut n = 1;
    while n < N {
        list[n] = -list[n - 1] / n as f64;
        n += 1;
    }
    list
}

/// Adds `w rate^n` to the sums.
#[inline(always)]
fn add_moments<V: Vector, const M: usize, const N: usize>(
    weights: &[[f64; PARTS]; M],
    rates: &[[f64; PARTS]; M],
    from: usize,
    sums: &mut [[f64; PARTS]; N],
) {
    let mut powers: [V; M] = std::array::from_fn(|m| V::load(&weights[m][from..]));
    let rates: [V; M] = std::array::from_fn(|m| V::load(&rates[m][from..]));
    for sum in sums {
        let mut part = V::load(&sum[from..]);
        for m in 0..M {
            part = part.plus(powers[m]);
            powers[m] = powers[m].times(rates[m]);
        }
        part.store(&mut sum[from..]);
    }
}
