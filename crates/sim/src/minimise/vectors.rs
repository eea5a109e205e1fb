//! Passes over long vectors: what the two loops of [`super::lbfgs`] do to one, together with the sums they need next.
//!
//! Sums have a fixed shape and the same bits on every instruction set: [`LANES`] partial sums over [`BLOCK`] terms, then
//! block after block. Their error is at most `(n / BLOCK + 132) u` times the sum of the absolute terms.
use crate::lanes::{Kernel, Vector, dispatch};

const LANES: usize = 8;
const BLOCK: usize = 1024;

/// Eight consecutive numbers.
type Eight = [f64; LANES];
/// The partial sums of S sums; as many registers are used as hold eight numbers.
type Partial<V, const S: usize> = [[V; 4]; S];

/// `x' y`.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    dispatch(Dot { x, y })
}

/// `d = -g`; returns `(z' d, d' d)`.
pub(super) fn negate(d: &mut [f64], g: &[f64], z: &[f64]) -> [f64; 2] {
    dispatch(Update { d, v: g, z, map: Minus })
}

/// `d = scale (d + factor v)`; returns `(z' d, d' d)`.
pub(super) fn update(d: &mut [f64], scale: f64, factor: f64, v: &[f64], z: &[f64]) -> [f64; 2] {
    dispatch(Update { d, v, z, map: Add { scale, factor } })
}

/// The step `s` and the change of gradient `y` from one point to the next, each given with its gradient; returns `s' y`,
/// `s' s`, `y' y` and the squared norm of the new gradient.
pub(super) fn differences(
    (s, y): (&mut [f64], &mut [f64]),
    from: (&[f64], &[f64]),
    to: (&[f64], &[f64]),
) -> [f64; 4] {
    dispatch(Differences { s, y, from, to })
}

struct Dot<'a> {
    x: &'a [f64],
    y: &'a [f64],
}

impl Kernel for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<V: Vector>(self) -> f64 {
        let mut total = [0.0];
        for (x, y) in self.x.chunks(BLOCK).zip(self.y.chunks(BLOCK)) {
            let mut sums = zeros::<V, 1>();
            let ((x, x_rest), (y, y_rest)) = (x.as_chunks(), y.as_chunks());
            for (x, y) in x.iter().zip(y) {
                dot_lanes(x, y, &mut sums);
            }
            dot_lanes(&padded(x_rest), &padded(y_rest), &mut sums);
            add(&mut total, &sums);
        }
        total[0]
    }
}

#[inline(always)]
fn dot_lanes<V: Vector>(x: &Eight, y: &Eight, sums: &mut Partial<V, 1>) {
    for r in 0..LANES / V::LENGTH {
        let at = r * V::LENGTH;
        sums[0][r] = sums[0][r].plus(V::load(&x[at..]).times(V::load(&y[at..])));
    }
}

/// What becomes of an entry of `d` where `v` has another.
trait Map: Copy {
    fn apply<V: Vector>(self, d: V, v: V) -> V;
}

#[derive(Clone, Copy)]
struct Minus;

impl Map for Minus {
    #[inline(always)]
    fn apply<V: Vector>(self, _: V, v: V) -> V {
        V::splat(-1.0).times(v)
    }
}

#[derive(Clone, Copy)]
struct Add {
    scale: f64,
    factor: f64,
}

impl Map for Add {
    #[inline(always)]
    fn apply<V: Vector>(self, d: V, v: V) -> V {
        V::splat(self.scale).times(d.plus(V::splat(self.factor).times(v)))
    }
}

struct Update<'a, M> {
    d: &'a mut [f64],
    v: &'a [f64],
    z: &'a [f64],
    map: M,
}

impl<M: Map> Kernel for Update<'_, M> {
    type Output = [f64; 2];

    #[inline(always)]
    fn run<V: Vector>(self) -> [f64; 2] {
        let mut total = [0.0; 2];
        let blocks = self.d.chunks_mut(BLOCK).zip(self.v.chunks(BLOCK)).zip(self.z.chunks(BLOCK));
        for ((d, v), z) in blocks {
            let mut sums = zeros::<V, 2>();
            let ((d, d_rest), (v, v_rest), (z, z_rest)) = (d.as_chunks_mut(), v.as_chunks(), z.as_chunks());
            for ((d, v), z) in d.iter_mut().zip(v).zip(z) {
                update_lanes(d, v, z, self.map, &mut sums);
            }
            let mut last = padded(d_rest);
            update_lanes(&mut last, &padded(v_rest), &padded(z_rest), self.map, &mut sums);
            d_rest.copy_from_slice(&last[..d_rest.len()]);
            add(&mut total, &sums);
        }
        total
    }
}

#[inline(always)]
fn update_lanes<V: Vector>(d: &mut Eight, v: &Eight, z: &Eight, map: impl Map, sums: &mut Partial<V, 2>) {
    for r in 0..LANES / V::LENGTH {
        let at = r * V::LENGTH;
        let new = map.apply(V::load(&d[at..]), V::load(&v[at..]));
        new.store(&mut d[at..]);
        sums[0][r] = sums[0][r].plus(V::load(&z[at..]).times(new));
        sums[1][r] = sums[1][r].plus(new.times(new));
    }
}

struct Differences<'a> {
    s: &'a mut [f64],
    y: &'a mut [f64],
    from: (&'a [f64], &'a [f64]),
    to: (&'a [f64], &'a [f64]),
}

impl Kernel for Differences<'_> {
    type Output = [f64; 4];

    #[inline(always)]
    fn run<V: Vector>(self) -> [f64; 4] {
        let mut total = [0.0; 4];
        let points = self.from.0.chunks(BLOCK).zip(self.to.0.chunks(BLOCK)).zip(self.s.chunks_mut(BLOCK));
        let gradients = self.from.1.chunks(BLOCK).zip(self.to.1.chunks(BLOCK)).zip(self.y.chunks_mut(BLOCK));
        for (((x, new_x), s), ((g, new_g), y)) in points.zip(gradients) {
            let mut sums = zeros::<V, 4>();
            let ((x, x_rest), (new_x, new_x_rest), (s, s_rest)) =
                (x.as_chunks(), new_x.as_chunks(), s.as_chunks_mut());
            let ((g, g_rest), (new_g, new_g_rest), (y, y_rest)) =
                (g.as_chunks(), new_g.as_chunks(), y.as_chunks_mut());
            let points = x.iter().zip(new_x).zip(s);
            for (((x, new_x), s), ((g, new_g), y)) in points.zip(g.iter().zip(new_g).zip(y)) {
                difference_lanes((s, x, new_x), (y, g, new_g), &mut sums);
            }
            let (mut last_s, mut last_y) = ([0.0; LANES], [0.0; LANES]);
            difference_lanes(
                (&mut last_s, &padded(x_rest), &padded(new_x_rest)),
                (&mut last_y, &padded(g_rest), &padded(new_g_rest)),
                &mut sums,
            );
            s_rest.copy_from_slice(&last_s[..s_rest.len()]);
            y_rest.copy_from_slice(&last_y[..y_rest.len()]);
            add(&mut total, &sums);
        }
        total
    }
}

#[inline(always)]
fn difference_lanes<V: Vector>(
    (s, x, new_x): (&mut Eight, &Eight, &Eight),
    (y, g, new_g): (&mut Eight, &Eight, &Eight),
    sums: &mut Partial<V, 4>,
) {
    for r in 0..LANES / V::LENGTH {
        let at = r * V::LENGTH;
        let gradient = V::load(&new_g[at..]);
        let step = V::load(&new_x[at..]).minus(V::load(&x[at..]));
        let change = gradient.minus(V::load(&g[at..]));
        step.store(&mut s[at..]);
        change.store(&mut y[at..]);
        let products = [step.times(change), step.times(step), change.times(change), gradient.times(gradient)];
        for (sum, product) in sums.iter_mut().zip(products) {
            sum[r] = sum[r].plus(product);
        }
    }
}

#[inline(always)]
fn zeros<V: Vector, const S: usize>() -> Partial<V, S> {
    [[V::splat(0.0); 4]; S]
}

/// At most eight numbers, then zeros.
#[inline(always)]
fn padded(rest: &[f64]) -> Eight {
    let mut eight = [0.0; LANES];
    eight[..rest.len()].copy_from_slice(rest);
    eight
}

/// Adds the sums of a block, by a fixed tree.
#[inline(always)]
fn add<V: Vector, const S: usize>(total: &mut [f64; S], sums: &Partial<V, S>) {
    for (total, sum) in total.iter_mut().zip(sums) {
        let mut p = [0.0; LANES];
        for r in 0..LANES / V::LENGTH {
            sum[r].store(&mut p[r * V::LENGTH..]);
        }
        *total += ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Isa, dispatch_on};

    /// Whole numbers, whose sums are exact in any order, or else what they are multiplied by.
    fn vector(n: usize, seed: u64, unit: f64) -> Vec<f64> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            unit * ((state >> 54) as f64 - 512.0)
        };
        (0..n).map(next).collect()
    }

    fn exact(x: &[f64], y: &[f64]) -> f64 {
        x.iter().zip(y).map(|(x, y)| x * y).sum()
    }

    const SIZES: [usize; 12] = [1, 2, 7, 8, 9, 15, 16, 1023, 1024, 1025, 3000, 4096];

    #[test]
    fn passes_do_what_they_say_at_every_length() {
        for n in (1..40).chain(SIZES) {
            let [d, v, z, u] = [1, 2, 3, 4].map(|seed| vector(n, seed, 1.0));
            assert_eq!(dot(&v, &z), exact(&v, &z));
            let mut out = d.clone();
            let sums = negate(&mut out, &v, &z);
            assert!(out.iter().zip(&v).all(|(o, v)| *o == -v));
            assert_eq!(sums, [-exact(&v, &z), exact(&v, &v)], "n = {n}");
            let mut out = d.clone();
            let sums = update(&mut out, 2.0, -3.0, &v, &z);
            let expected: Vec<f64> = d.iter().zip(&v).map(|(d, v)| 2.0 * (d - 3.0 * v)).collect();
            assert_eq!(out, expected);
            assert_eq!(sums, [exact(&z, &expected), exact(&expected, &expected)], "n = {n}");
            let (mut s, mut y) = (vec![0.0; n], vec![0.0; n]);
            let sums = differences((&mut s, &mut y), (&d, &v), (&z, &u));
            assert!((0..n).all(|i| s[i] == z[i] - d[i] && y[i] == u[i] - v[i]));
            assert_eq!(sums, [exact(&s, &y), exact(&s, &s), exact(&y, &y), exact(&u, &u)], "n = {n}");
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        for n in SIZES {
            let [d, v, z, u] = [5, 6, 7, 8].map(|seed| vector(n, seed, 0.1));
            let all = |isa| {
                let (mut a, mut b, mut s, mut y) = (d.clone(), d.clone(), d.clone(), d.clone());
                let map = Add { scale: 0.3, factor: 0.7 };
                let sums = (
                    dispatch_on(isa, Dot { x: &v, y: &z }),
                    dispatch_on(isa, Update { d: &mut a, v: &v, z: &z, map: Minus }),
                    dispatch_on(isa, Update { d: &mut b, v: &v, z: &z, map }),
                    dispatch_on(isa, Differences { s: &mut s, y: &mut y, from: (&d, &v), to: (&z, &u) }),
                );
                (sums, a, b, s, y)
            };
            let plain = all(Isa::Baseline);
            for isa in Isa::available() {
                assert_eq!(all(isa), plain, "{} at n = {n}", isa.name());
            }
        }
    }
}
