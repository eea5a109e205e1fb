//! Power series of the reduced flow about a point, in `x`: `tau` moves on by `S x / (1 - x)`.
use super::{AttentionFlow, decay};
use crate::lanes::isa::Vector;
use crate::lanes::sums::{PARTS, exponential_series, tree};

/// Order of the series.
pub(super) const ORDER: usize = 20;
/// Number of coefficients.
pub(super) const TERMS: usize = ORDER + 1;
/// Local error over scale.
const TOLERANCE: f64 = 1e-14;
/// `x` is at most this.
const LONGEST: f64 = 0.9;
/// `S` in steps of `tau`: singularities behind and infinity ahead are then about equally far in `x`.
const STRETCH: f64 = 6.0;
/// `S` times the fastest rate at most: what rounding stirs up of the fast modes grows like `exp(S rate / 2)` in the coefficients.
const STIFFEST: f64 = 45.0;
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
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Modes(pub(super) [[f64; PARTS]; TERMS]);

/// A number of eight modes.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Eight([f64; PARTS]);

/// The series about the present `tau`.
pub(super) struct Series {
    /// Of `g_i / v_0`.
    g: Vec<Modes>,
    /// `rate_i scale`.
    rates: Vec<Eight>,
    /// `v_0^2`.
    whole: f64,
    /// `S` in `tau = S x / (1 - x)`.
    scale: f64,
    /// Of `v_0 / v`, `t`.
    phi: [f64; TERMS],
    time: [f64; TERMS + 1],
    /// Present weights of the exponentials that have not decayed to nothing.
    weights: Vec<f64>,
    next: Vec<f64>,
    tau: f64,
    longest: f64,
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

/// `x^(1/n)` for `x > 0` within a thousandth: binary logarithm and power by the bits of a number, with parabolas in between.
#[inline(always)]
fn root(x: f64, n: usize) -> f64 {
    let bits = x.clamp(f64::MIN_POSITIVE, f64::MAX).to_bits();
    let fraction = f64::from_bits(bits & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000) - 1.0;
    let log = ((bits >> 52) as f64 - 1023.0) + fraction * (1.0 + 0.345 * (1.0 - fraction));
    let power = log * INVERSE[n];
    let whole = power.floor();
    let part = power - whole;
    let value = 1.0 + part * (1.0 - 0.34 * (1.0 - part));
    value * f64::from_bits(((whole as i64 + 1023) as u64) << 52)
}

#[inline(always)]
fn horner_slope(coefficients: &[f64], h: f64) -> f64 {
    coefficients.iter().enumerate().skip(1).rev().fold(0.0, |sum, (n, c)| sum * h + n as f64 * c)
}

impl Series {
    pub(super) fn new(flow: &AttentionFlow) -> Self {
        let mut g = vec![Modes([[0.0; PARTS]; TERMS]); flow.modes.len()];
        for (Modes(g), modes) in g.iter_mut().zip(&flow.modes) {
            g[0] = modes.start;
        }
        // The nearest singularity is v = 0: from there v^2 grows with the power 2/3 of tau, as at equal distance from there it does now.
        let (mut whole, mut push, mut pull) = (flow.conserved, 0.0, 0.0);
        for modes in &flow.modes {
            for i in 0..PARTS {
                let square = modes.start[i] * modes.start[i];
                whole += square;
                push += modes.drive[i] * modes.start[i];
                pull += 2.0 * modes.rate[i] * square;
            }
        }
        for (w, rate) in flow.weights.iter().zip(&flow.rates) {
            whole += w;
            pull += rate * w;
        }
        let longest = STIFFEST / flow.fastest;
        let scale = (4.0 / 3.0 * whole / (2.0 * push / whole.sqrt() - pull).abs()).min(longest);
        Self {
            g,
            rates: vec![Eight([0.0; PARTS]); flow.modes.len()],
            whole,
            scale,
            longest,
            phi: [0.0; TERMS],
            time: [0.0; TERMS + 1],
            weights: flow.weights.clone(),
            next: flow.weights.clone(),
            tau: 0.0,
            at: vec![[0.0; PARTS]; flow.modes.len()],
        }
    }

    /// All coefficients from `g`'s zeroth ones and the weights.
    ///
    /// With `a = v^2 / v_0^2`: `sigma = 1 / a` and `phi = sigma^(1/2)` from `a sigma = 1`, `phi phi = sigma`. The newest coefficient of `phi` reaches
    /// the next one of `a` through numbers alone (see [`advance`]), so that the sums over modes stay out of the chain of dependent operations, which
    /// is what a step of few modes costs. Every order is code of its own for the same reason.
    #[inline(always)]
    pub(super) fn expand<V: Vector>(&mut self, flow: &AttentionFlow, time: f64) {
        let Self { g, rates, phi, time: times, weights, whole, scale, .. } = self;
        let scale = *scale;
        let mut moments = [0.0; TERMS];
        exponential_series::<V, _>(weights, &flow.rates, scale, &mut moments);
        let mut off = [0.0; TERMS];
        turn::<V>(&moments, &mut off);
        let (mut own, mut push) = ([0.0; PARTS], [0.0; PARTS]);
        for (Modes(g), modes) in g.iter().zip(&flow.modes) {
            for i in 0..PARTS {
                own[i] += g[0][i] * g[0][i];
                push[i] += modes.drive[i] * g[0][i];
            }
        }
        *whole = flow.conserved + moments[0] + tree(own);
        let over = 1.0 / *whole;
        let root = over.sqrt();
        // g is held in units of v_0.
        for ((Modes(g), Eight(rates)), modes) in g.iter_mut().zip(&mut *rates).zip(&flow.modes) {
            for i in 0..PARTS {
                g[0][i] *= root;
                rates[i] = modes.rate[i] * scale;
            }
        }
        let drive = over * scale;
        let push = (root * tree(push)) * drive;
        let half_over = 0.5 * over;
        let (mut a, mut sigma) = ([0.0; TERMS], [0.0; TERMS]);
        (a[0], sigma[0], phi[0]) = (1.0, 1.0, 1.0);
        macro_rules! orders {
            ($($n:literal)*) => {$({
                const N: usize = $n;
                let newest = phi[N - 1];
                let half = advance::<V, N>(g, rates, flow, newest * drive);
                let c = push * INVERSE[N];
                let rest = half + half_over * off[N];
                a[N] = 2.0 * (rest + c * newest);
                if N == 1 {
                    sigma[1] = -a[1];
                    phi[1] = 0.5 * sigma[1];
                } else {
                    let inside = convolution_inside::<N>(&a, &sigma);
                    let own = squares_inside::<N>(phi);
                    let pulled = a[1] * sigma[N - 1];
                    sigma[N] = -(a[N] + inside) - pulled;
                    let kept = if N == 2 { 0.5 * phi[1] } else { phi[1] };
                    phi[N] = ((-0.5 * (inside + own) - rest) - 0.5 * pulled) - (c + kept) * newest;
                }
            })*};
        }
        orders!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20);
        // dt = dtau / v^2 = scale sigma dx / (v_0 (1 - x))^2.
        times[0] = time;
        let (mut once, mut twice) = (0.0, 0.0);
        for n in 0..TERMS {
            once += sigma[n];
            twice += once;
            times[n + 1] = drive * twice * INVERSE[n + 1];
        }
    }

    /// The step at which the last two coefficients are below the tolerance.
    #[inline(always)]
    pub(super) fn step<V: Vector>(&self) -> f64 {
        // U is compared with v, which shares its unit: v^2 - |U|^2 is conserved.
        let mut h = LONGEST;
        for n in [ORDER, ORDER - 1] {
            let mut largest = [0.0; PARTS];
            for from in (0..PARTS).step_by(V::LENGTH) {
                let zero = V::splat(0.0);
                let mut most = zero;
                for Modes(g) in &self.g {
                    let g = V::load(&g[n][from..]);
                    let size = g.if_positive(g, zero.minus(g));
                    most = size.minus(most).if_positive(size, most);
                }
                most.store(&mut largest[from..]);
            }
            let mut term = self.phi[n].abs().max(self.time[n].abs() / (self.time[1] + self.time[0]));
            for x in largest {
                term = term.max(x);
            }
            h = h.min(root(TOLERANCE / term, n));
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

    /// `g` at `h` into `at`, the exponentials there into `next`; the off-diagonal sum, not from its series: late on it is far below the
    /// rounding of `v^2`, and counts in the distance.
    #[inline(always)]
    fn evaluate<V: Vector>(&mut self, flow: &AttentionFlow, h: f64) -> f64 {
        let tau = self.tau + self.along(h);
        let mut off = [0.0; PARTS];
        // From the start each time: repeated factors would pile up their roundings.
        for ((next, from), rate) in self.next.iter_mut().zip(&flow.weights).zip(&flow.rates) {
            *next = from * decay(rate * tau);
        }
        for eight in self.next.as_chunks::<PARTS>().0 {
            for i in 0..PARTS {
                off[i] += eight[i];
            }
        }
        let (x, square, unit) = (V::splat(h), V::splat(h * h), V::splat(self.whole.sqrt()));
        for (at, Modes(g)) in self.at.iter_mut().zip(&self.g) {
            for from in (0..PARTS).step_by(V::LENGTH) {
                // Even and odd orders side by side, as in `horner`.
                let mut even = V::load(&g[ORDER][from..]);
                let mut odd = V::splat(0.0);
                for [low, high] in g[..ORDER].as_chunks::<2>().0.iter().rev() {
                    even = even.times(square).plus(V::load(&low[from..]));
                    odd = odd.times(square).plus(V::load(&high[from..]));
                }
                unit.times(even.plus(odd.times(x))).store(&mut at[from..]);
            }
        }
        tree(off)
    }

    /// `|v U - Gamma^-1|^2 / (target |Gamma^-1|)^2` at `h`; the point is kept for [`Self::move_there`].
    #[inline(always)]
    pub(super) fn distance<V: Vector>(&mut self, flow: &AttentionFlow, h: f64, target: f64) -> f64 {
        let off = self.evaluate::<V>(flow, h);
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
        let off = self.evaluate::<V>(flow, h);
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
        let slope: f64 = self.next.iter().zip(&flow.rates).map(|(w, rate)| w * rate).sum();
        0.5 * flow.trace + 0.5 * v2 * (tree(weighted) + 0.5 * slope) - v2.sqrt() * tree(overlap)
    }

    /// Makes the point evaluated last, `h`, the present one; exponentials below `negligible` are dropped, whole groups from the end.
    #[inline(always)]
    pub(super) fn move_there(&mut self, h: f64, negligible: f64) {
        for (Modes(g), at) in self.g.iter_mut().zip(&self.at) {
            g[0] = *at;
        }
        let step = self.along(h);
        self.tau += step;
        self.scale = (STRETCH * step).min(self.longest);
        std::mem::swap(&mut self.weights, &mut self.next);
        while let Some(last) = self.weights.last_chunk::<PARTS>()
            && last.iter().all(|w| w.abs() < negligible)
        {
            self.weights.truncate(self.weights.len() - PARTS);
        }
        self.next.truncate(self.weights.len());
    }

    /// `tau` from the present point to `x`.
    #[inline(always)]
    pub(super) fn along(&self, x: f64) -> f64 {
        self.scale * (x / (1.0 - x))
    }

    /// The inverse of [`Self::along`].
    #[inline(always)]
    pub(super) fn back(&self, tau: f64) -> f64 {
        tau / (self.scale + tau)
    }

    /// `v^2` at the present point.
    #[inline(always)]
    pub(super) fn square(&self) -> f64 {
        self.whole
    }
}

/// `sum a_k b_(n - k)` over `1 < k < n`, from the middle outwards: the newest last.
#[inline(always)]
fn convolution_inside<const N: usize>(a: &[f64; TERMS], b: &[f64; TERMS]) -> f64 {
    if N < 3 {
        return 0.0;
    }
    let (mut low, mut high) = if N.is_multiple_of(2) { (a[N / 2] * b[N / 2], 0.0) } else { (0.0, 0.0) };
    for k in (2..N.div_ceil(2)).rev() {
        low += a[k] * b[N - k];
        high += a[N - k] * b[k];
    }
    (low + high) + a[N - 1] * b[1]
}

/// `sum phi_k phi_(n - k)` over `1 < k < n - 1`, the newest last.
#[inline(always)]
fn squares_inside<const N: usize>(phi: &[f64; TERMS]) -> f64 {
    let mut sum = if N.is_multiple_of(2) && N > 2 { 0.5 * phi[N / 2] * phi[N / 2] } else { 0.0 };
    for k in (2..N.div_ceil(2)).rev() {
        sum += phi[k] * phi[N - k];
    }
    sum + sum
}

/// The coefficients `g_n = (drive phi - slower) / n` with `slower = (rate - 2 (n - 1)) g_(n-1) + (n - 2) g_(n-2)`, drive and rate scaled, `phi` that of
/// order `n - 1`; and half of what they add to `a_n`, which is `sum g_a g_b` over `a + b = n`, but for the part with `phi`.
#[inline(always)]
fn advance<V: Vector, const N: usize>(
    g: &mut [Modes],
    rates: &[Eight],
    flow: &AttentionFlow,
    phi: f64,
) -> f64 {
    let mut sum = [0.0; PARTS];
    let (factor, f) = (V::splat(INVERSE[N]), V::splat(phi * INVERSE[N]));
    for from in (0..PARTS).step_by(V::LENGTH) {
        let mut total = V::splat(0.0);
        for ((Modes(g), rates), modes) in g.iter_mut().zip(rates).zip(&flow.modes) {
            let at = |a: usize| V::load(&g[a][from..]);
            let mut half = if N.is_multiple_of(2) {
                V::splat(0.5).times(at(N / 2)).times(at(N / 2))
            } else {
                V::splat(0.0)
            };
            for a in (1..N.div_ceil(2)).rev() {
                half = half.plus(at(a).times(at(N - a)));
            }
            let mut slower = V::load(&rates.0[from..]).minus(V::splat((2 * (N - 1)) as f64)).times(at(N - 1));
            if N > 2 {
                slower = slower.plus(V::splat((N - 2) as f64).times(at(N - 2)));
            }
            let slower = slower.times(factor);
            total = total.plus(half.minus(slower.times(at(0))));
            V::load(&modes.drive[from..]).times(f).minus(slower).store(&mut g[N][from..]);
        }
        total.store(&mut sum[from..]);
    }
    tree(sum)
}

/// A series in `x / (1 - x)` as one in `x`: `to_n = sum_k from_k C(n - 1, k - 1)`.
#[inline(always)]
fn turn<V: Vector>(from: &[f64; TERMS], to: &mut [f64; TERMS]) {
    to[0] = from[0];
    const PADDED: usize = (TERMS - 1).next_multiple_of(PARTS);
    let mut sums = [0.0; PADDED];
    for start in (0..PADDED).step_by(V::LENGTH) {
        let mut sum = V::splat(0.0);
        for k in 1..(start + V::LENGTH + 1).min(TERMS) {
            sum = sum.plus(V::splat(from[k]).times(V::load(&BINOMIALS[k - 1][start..])));
        }
        sum.store(&mut sums[start..]);
    }
    to[1..].copy_from_slice(&sums[..TERMS - 1]);
}

/// `C(n, k)` at `[k][n]`.
static BINOMIALS: [[f64; 24]; TERMS] = {
    let mut table = [[0.0; 24]; TERMS];
    let mut n = 0;
    while n < 24 {
        table[0][n] = 1.0;
        let mut k = 1;
        while k < TERMS && k <= n {
            table[k][n] = table[k - 1][n - 1] + if k < n { table[k][n - 1] } else { 0.0 };
            k += 1;
        }
        n += 1;
    }
    table
};
