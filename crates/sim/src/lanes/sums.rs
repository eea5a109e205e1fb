//! Sums of long vectors with the same bits on every instruction set: eight partial sums, then a fixed tree.
use super::isa::Vector;

/// Eight partial sums, whatever the registers.
pub(super) const PARTS: usize = 8;

#[inline(always)]
pub(super) fn tree(p: [f64; PARTS]) -> f64 {
    ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]))
}

/// `to_n = sum_m w_m (-rate_m scale)^n / n!`; the number of weights is a multiple of eight, the rates are at least as many.
#[inline(always)]
pub(super) fn exponential_series<V: Vector, const N: usize>(
    weights: &[f64],
    rates: &[f64],
    scale: f64,
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
    let mut power = 1.0;
    for n in 0..N {
        to[n] = (power * factors[n]) * tree(sums[n]);
        power *= scale;
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
    let (mut powers, mut factors) = ([V::splat(0.0); M], [V::splat(0.0); M]);
    for m in 0..M {
        powers[m] = V::load(&weights[m][from..]);
        factors[m] = V::load(&rates[m][from..]);
    }
    for sum in sums {
        let mut part = V::load(&sum[from..]);
        for m in 0..M {
            part = part.plus(powers[m]);
            powers[m] = powers[m].times(factors[m]);
        }
        part.store(&mut sum[from..]);
    }
}
