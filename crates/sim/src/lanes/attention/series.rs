//! Taylor series of the reduced flow about a point, in `tau`.
use super::AttentionFlow;
use crate::lanes::isa::Vector;
use crate::lanes::sums::{PARTS, convolution, exponential_series, self_convolution, tree};

/// Order of the series.
pub(super) const ORDER: usize = 20;
/// Number of coefficients.
pub(super) const TERMS: usize = ORDER + 1;
/// Local error over scale.
const TOLERANCE: f64 = 1e-14;
/// `1/n`.
const INVERSE: [f64; TERMS + 1] = {
    let mut list = [0.0; TERMS + 1];
    let mut n = 1;
    while n < list.len() {
        list[n] = 1.0 / n as f64;
        n += 1;
    }
    list
};

/// Eight modes, order by order.
pub(super) type Modes = [[f64; PARTS]; TERMS];

/// The series about the present `tau`.
pub(super) struct Series {
    /// Of `g_i`.
    pub(super) g: Vec<Modes>,
    /// Of `sum_{i != j} U_ij^2`, `v^2`, `1/v`, `1/v^2`, `t`.
    off: [f64; TERMS],
    square: [f64; TERMS],
    inverse: [f64; TERMS],
    inverse_square: [f64; TERMS],
    time: [f64; TERMS + 1],
    /// Present weights of the exponentials that have not decayed to nothing.
    pub(super) weights: Vec<f64>,
    /// A point of the series.
    at: Vec<[f64; PARTS]>,
}

/// Even and odd orders side by side: half as long a chain of dependent operations.
#[inline(always)]
fn horner(coefficients: &[f64], h: f64) -> f64 {
    let square = h * h;
    let (pairs, last) = coefficients.as_chunks::<2>();
    let (mut even, mut odd) = (last.first().copied().unwrap_or(0.0), 0.0);
    for [e, o] in pairs.iter().rev() {
        even = even * square + e;
        odd = odd * square + o;
    }
    even + odd * h
}

#[inline(always)]
fn horner_slope(coefficients: &[f64], h: f64) -> f64 {
    coefficients.iter().enumerate().skip(1).rev().fold(0.0, |sum, (n, c)| sum * h + n as f64 * c)
}

impl Series {
    pub(super) fn new(flow: &AttentionFlow) -> Self {
        let mut g = vec![[[0.0; PARTS]; TERMS]; flow.modes.len()];
        for (g, modes) in g.iter_mut().zip(&flow.modes) {
            g[0] = modes.start;
        }
        Self {
            g,
            off: [0.0; TERMS],
            square: [0.0; TERMS],
            inverse: [0.0; TERMS],
            inverse_square: [0.0; TERMS],
            time: [0.0; TERMS + 1],
            weights: flow.weights.clone(),
            at: vec![[0.0; PARTS]; flow.modes.len()],
        }
    }

    /// All coefficients from `g`'s zeroth ones and the weights.
    ///
    /// The newest coefficient of `1/v` reaches the next one of `v^2` through numbers alone: in `2 sum g_0 g_n` the definition of `g_n` is put in.
    /// So the sums over modes stay out of the chain of dependent operations.
    #[inline(always)]
    pub(super) fn expand<V: Vector>(&mut self, flow: &AttentionFlow, time: f64) {
        let Self { g, off, square, inverse, inverse_square, time: times, weights, .. } = self;
        exponential_series::<V, _>(weights, &flow.rates, off);
        let (mut own, mut push) = ([0.0; PARTS], [0.0; PARTS]);
        for (g, modes) in g.iter().zip(&flow.modes) {
            for i in 0..PARTS {
                own[i] += g[0][i] * g[0][i];
                push[i] += modes.drive[i] * g[0][i];
            }
        }
        let twice_push = 2.0 * tree(push);
        square[0] = flow.conserved + off[0] + tree(own);
        let over = 1.0 / square[0];
        inverse[0] = over.sqrt();
        inverse_square[0] = over;
        let half = 0.5 / inverse[0];
        for n in 1..TERMS {
            let next = INVERSE[n];
            let f = inverse[n - 1];
            let rest = advance::<V>(g, flow, n, f);
            square[n] = (rest + off[n]) + (next * twice_push) * f;
            // A s = 1 and f f = s, the newest factors last.
            let (mut s, mut own) = (square[n] * over, 0.0);
            if n > 1 {
                s +=
                    convolution(&square[2..n], &inverse_square[1..n - 1]) + square[1] * inverse_square[n - 1];
                own = if n > 2 { self_convolution(&inverse[2..n - 1]) + 2.0 * inverse[1] * f } else { f * f };
            }
            inverse_square[n] = -s * over;
            inverse[n] = (inverse_square[n] - own) * half;
        }
        // dt = dtau / v^2.
        times[0] = time;
        for n in 0..TERMS {
            times[n + 1] = inverse_square[n] * INVERSE[n + 1];
        }
    }

    /// The step at which the last two coefficients are below the tolerance.
    #[inline(always)]
    pub(super) fn step(&self) -> f64 {
        let largest = |n: usize| {
            self.g.iter().flat_map(|g| &g[n]).fold(0.0_f64, |m, x| if x.abs() > m { x.abs() } else { m })
        };
        // U is compared with v, which shares its unit: v^2 - |U|^2 is conserved.
        let mut h = f64::INFINITY;
        for n in [ORDER, ORDER - 1] {
            let term = (largest(n) * self.inverse[0])
                .max(self.inverse[n].abs() / self.inverse[0])
                .max(self.time[n].abs() / (self.time[1] + self.time[0]));
            // A vanishing coefficient allows any step; a root is taken only where it shortens the step.
            if term * h.powi(n as i32) > TOLERANCE {
                h = (TOLERANCE / term).powf(INVERSE[n]);
            }
        }
        h
    }

    /// `t` at `h`.
    #[inline(always)]
    pub(super) fn time(&self, h: f64) -> f64 {
        horner(&self.time, h)
    }

    /// Where in `[0, h]` the time is `wanted`; `t` is increasing: Newton from the chord, kept inside.
    #[inline(always)]
    pub(super) fn when(&self, wanted: f64, h: f64) -> f64 {
        let mut x = h * ((wanted - self.time[0]) / (self.time(h) - self.time[0])).clamp(0.0, 1.0);
        for _ in 0..20 {
            let next = (x - (self.time(x) - wanted) / horner_slope(&self.time, x)).clamp(0.0, h);
            let settled = (next - x).abs() <= 4.0 * f64::EPSILON * h;
            x = next;
            if settled {
                break;
            }
        }
        x
    }

    /// `g` at `h` into `at`; the off-diagonal sum there.
    #[inline(always)]
    fn evaluate<V: Vector>(&mut self, h: f64) -> f64 {
        let x = V::splat(h);
        for (at, g) in self.at.iter_mut().zip(&self.g) {
            for from in (0..PARTS).step_by(V::LENGTH) {
                let mut sum = V::load(&g[ORDER][from..]);
                for row in g[..ORDER].iter().rev() {
                    sum = sum.times(x).plus(V::load(&row[from..]));
                }
                sum.store(&mut at[from..]);
            }
        }
        horner(&self.off, h).max(0.0)
    }

    /// `|v U - Gamma^-1|^2 / (target |Gamma^-1|)^2` at `h`; the point is kept for [`Self::move_there`].
    #[inline(always)]
    pub(super) fn distance<V: Vector>(&mut self, flow: &AttentionFlow, h: f64, target: f64) -> f64 {
        let off = self.evaluate::<V>(h);
        let mut parts = [0.0; PARTS];
        for at in &self.at {
            for i in 0..PARTS {
                parts[i] += at[i] * at[i];
            }
        }
        let v2 = (flow.conserved + off + tree(parts)).max(0.0);
        let v = v2.sqrt();
        let mut parts = [0.0; PARTS];
        for (at, modes) in self.at.iter().zip(&flow.modes) {
            for i in 0..PARTS {
                let apart = v * at[i] - modes.goal[i];
                parts[i] += apart * apart;
            }
        }
        (tree(parts) + v2 * off) / ((target * flow.goal_norm) * (target * flow.goal_norm))
    }

    /// The loss at `h`: `tr(Lambda)/2 + v^2 (sum K U^2)/2 - v sum lambda^2 g`.
    #[inline(always)]
    pub(super) fn loss<V: Vector>(&mut self, flow: &AttentionFlow, h: f64) -> f64 {
        let off = self.evaluate::<V>(h);
        let (mut square, mut weighted, mut overlap) = ([0.0; PARTS], [0.0; PARTS], [0.0; PARTS]);
        for (at, modes) in self.at.iter().zip(&flow.modes) {
            for i in 0..PARTS {
                let own = at[i] * at[i];
                square[i] += own;
                weighted[i] += modes.rate[i] * own;
                overlap[i] += modes.drive[i] * at[i];
            }
        }
        let v2 = (flow.conserved + off + tree(square)).max(0.0);
        // d/dtau of sum U_ij^2 is -2 sum K U^2.
        let slope = horner_slope(&self.off, h);
        0.5 * flow.trace + 0.5 * v2 * (tree(weighted) - 0.5 * slope) - v2.sqrt() * tree(overlap)
    }

    /// Makes the point evaluated last the present one.
    #[inline(always)]
    pub(super) fn move_there(&mut self) {
        for (g, at) in self.g.iter_mut().zip(&self.at) {
            g[0] = *at;
        }
    }

    /// `v^2` at the present point.
    #[inline(always)]
    pub(super) fn square(&self) -> f64 {
        self.square[0]
    }
}

/// The coefficients `g_n = (drive f - rate g_(n-1)) / n`, and what they add to `v^2` at order `n` but for the part with `f`:
/// `sum g_a g_b` over `a + b = n`, where `a, b > 0`, and `-2 rate g_0 g_(n-1) / n`.
#[inline(always)]
fn advance<V: Vector>(g: &mut [Modes], flow: &AttentionFlow, n: usize, f: f64) -> f64 {
    let (mut pairs, mut rest) = ([0.0; PARTS], [0.0; PARTS]);
    let (factor, f) = (V::splat(INVERSE[n]), V::splat(f));
    for from in (0..PARTS).step_by(V::LENGTH) {
        let zero = V::splat(0.0);
        let (mut odd, mut even, mut middle, mut pulled) = (zero, zero, zero, zero);
        for (g, modes) in g.iter_mut().zip(&flow.modes) {
            let at = |a: usize| V::load(&g[a][from..]);
            // The newest last, as everywhere; two sums side by side.
            let mut a = (n - 1) / 2;
            while a > 1 {
                even = even.plus(at(a).times(at(n - a)));
                odd = odd.plus(at(a - 1).times(at(n - a + 1)));
                a -= 2;
            }
            if a == 1 {
                odd = odd.plus(at(1).times(at(n - 1)));
            }
            if n.is_multiple_of(2) {
                middle = middle.plus(at(n / 2).times(at(n / 2)));
            }
            let slower = V::load(&modes.rate[from..]).times(at(n - 1));
            pulled = pulled.plus(slower.times(at(0)));
            let new = factor.times(V::load(&modes.drive[from..]).times(f).minus(slower));
            new.store(&mut g[n][from..]);
        }
        odd.plus(even).store(&mut pairs[from..]);
        let twice = pulled.plus(pulled).times(factor);
        middle.minus(twice).store(&mut rest[from..]);
    }
    let mut sum = [0.0; PARTS];
    for i in 0..PARTS {
        sum[i] = 2.0 * pairs[i] + rest[i];
    }
    tree(sum)
}
