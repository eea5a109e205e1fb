//! Products of small matrices, one problem a lane.
//!
//! A matrix of a batch is a slice of [`Lane`]s, row by row: entry `(i, j)` of eight problems is one cache line. Sums run over the inner
//! index in order, so tiling does not change a bit.
//!
//! Plain loops fill the small arrays here: `map` and `from_fn` are not always inlined, and then are not compiled for the instruction set, and the lengths of
//! strips are forgotten and checked all along the inner loop.
use super::isa::Vector;

/// Problems side by side in memory: a cache line. Wider blocks would push the working set of a 32 by 32 network out of the near caches.
pub(super) const WIDTH: usize = 8;

/// One entry of `WIDTH` problems, aligned so that no vector load crosses cache lines.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(super) struct Lane(pub(super) [f64; WIDTH]);

/// How a factor is read along the inner index, `N` rows of the left or columns of the right one at a time.
pub(super) trait Factor: Copy {
    /// What a tile reads: prepared once, so that the inner loop checks as little as possible.
    type Strip<'a, const N: usize>: Strip<N>
    where
        Self: 'a;

    /// The strip of rows (or columns) `first .. first + N`.
    fn strip<const N: usize>(&self, first: usize, inner: usize) -> Self::Strip<'_, N>;
}

/// `N` entries for each value of the inner index.
pub(super) trait Strip<const N: usize> {
    /// The entries at `k`.
    fn at(&self, k: usize) -> [&Lane; N];
}

/// A left factor as stored, or a right one transposed: the inner index runs along a stored row.
#[derive(Clone, Copy)]
pub(super) struct Along<'a>(pub(super) &'a [Lane]);

/// A right factor as stored, or a left one transposed: the inner index runs across stored rows of this length.
#[derive(Clone, Copy)]
pub(super) struct Across<'a>(pub(super) &'a [Lane], pub(super) usize);

impl Factor for Along<'_> {
    type Strip<'a, const N: usize>
        = [&'a [Lane]; N]
    where
        Self: 'a;

    #[inline(always)]
    fn strip<const N: usize>(&self, first: usize, inner: usize) -> [&[Lane]; N] {
        let mut strip = [&self.0[..0]; N];
        for (r, row) in strip.iter_mut().enumerate() {
            *row = &self.0[(first + r) * inner..][..inner];
        }
        strip
    }
}

impl<const N: usize> Strip<N> for [&[Lane]; N] {
    #[inline(always)]
    fn at(&self, k: usize) -> [&Lane; N] {
        let mut entries = [&self[0][k]; N];
        for r in 1..N {
            entries[r] = &self[r][k];
        }
        entries
    }
}

impl Factor for Across<'_> {
    type Strip<'a, const N: usize>
        = Across<'a>
    where
        Self: 'a;

    #[inline(always)]
    fn strip<const N: usize>(&self, first: usize, _: usize) -> Across<'_> {
        Across(&self.0[first..], self.1)
    }
}

impl<const N: usize> Strip<N> for Across<'_> {
    #[inline(always)]
    fn at(&self, k: usize) -> [&Lane; N] {
        let row: &[Lane; N] = self.0[k * self.1..].first_chunk().expect("a strip lies inside its matrix");
        let mut entries = [&row[0]; N];
        for c in 1..N {
            entries[c] = &row[c];
        }
        entries
    }
}

/// What becomes of a product `P`.
pub(super) trait Store {
    /// The new value of lanes `lanes ..` of entry `at`, from the old one and the product's.
    fn store<V: Vector>(&self, at: usize, lanes: usize, old: V, product: V) -> V;
}

/// `out = P`.
pub(super) struct Assign;

impl Store for Assign {
    #[inline(always)]
    fn store<V: Vector>(&self, _: usize, _: usize, _: V, product: V) -> V {
        product
    }
}

/// `out = P - A`.
pub(super) struct Minus<'a>(pub(super) &'a [Lane]);

impl Store for Minus<'_> {
    #[inline(always)]
    fn store<V: Vector>(&self, at: usize, lanes: usize, _: V, product: V) -> V {
        product.minus(V::load(&self.0[at].0[lanes..]))
    }
}

/// `out = out - step P`.
pub(super) struct Descend(pub(super) f64);

impl Store for Descend {
    #[inline(always)]
    fn store<V: Vector>(&self, _: usize, _: usize, old: V, product: V) -> V {
        old.minus(V::splat(self.0).times(product))
    }
}

/// `out_i = store(out_i, p_i)` entry by entry, as for a product.
#[inline(always)]
pub(super) fn entries<V: Vector, S: Store>(out: &mut [Lane], product: &[Lane], store: &S) {
    for (at, (out, p)) in out.iter_mut().zip(product).enumerate() {
        for lanes in (0..WIDTH).step_by(V::LENGTH) {
            let (entry, p) = (&mut out.0[lanes..], V::load(&p.0[lanes..]));
            store.store(at, lanes, V::load(entry), p).store(entry);
        }
    }
}

/// `out (rows by columns) <- store(out, a b)` with inner dimension `inner`.
#[inline(always)]
pub(super) fn product<V: Vector, S: Store, A: Factor, B: Factor>(
    out: &mut [Lane],
    shape: (usize, usize, usize),
    a: A,
    b: B,
    store: &S,
) {
    // As many accumulators as the registers hold, with room for the operands.
    if V::LENGTH == 8 {
        tiles::<V, 4, 4, _, _, _>(out, shape, a, b, store)
    } else {
        tiles::<V, 2, 4, _, _, _>(out, shape, a, b, store)
    }
}

#[inline(always)]
fn tiles<V: Vector, const R: usize, const C: usize, S: Store, A: Factor, B: Factor>(
    out: &mut [Lane],
    (rows, inner, columns): (usize, usize, usize),
    a: A,
    b: B,
    store: &S,
) {
    for i in (0..rows).step_by(R) {
        for j in (0..columns).step_by(C) {
            for lanes in (0..WIDTH).step_by(V::LENGTH) {
                if i + R <= rows && j + C <= columns {
                    tile::<V, R, C, _, _, _>(out, columns, inner, (i, j, lanes), a, b, store);
                } else {
                    for i in i..rows.min(i + R) {
                        for j in j..columns.min(j + C) {
                            tile::<V, 1, 1, _, _, _>(out, columns, inner, (i, j, lanes), a, b, store);
                        }
                    }
                }
            }
        }
    }
}

/// An `R` by `C` tile of the product whose accumulators stay in registers.
#[inline(always)]
fn tile<V: Vector, const R: usize, const C: usize, S: Store, A: Factor, B: Factor>(
    out: &mut [Lane],
    columns: usize,
    inner: usize,
    (i, j, lanes): (usize, usize, usize),
    a: A,
    b: B,
    store: &S,
) {
    let mut sums = [[V::splat(0.0); C]; R];
    let (a, b) = (a.strip::<R>(i, inner), b.strip::<C>(j, inner));
    for k in 0..inner {
        let (left, right) = (a.at(k), b.at(k));
        let (mut rows, mut columns) = ([V::splat(0.0); R], [V::splat(0.0); C]);
        for r in 0..R {
            rows[r] = V::load(&left[r].0[lanes..]);
        }
        for c in 0..C {
            columns[c] = V::load(&right[c].0[lanes..]);
        }
        for r in 0..R {
            for c in 0..C {
                sums[r][c] = sums[r][c].plus(rows[r].times(columns[c]));
            }
        }
    }
    for r in 0..R {
        for c in 0..C {
            let at = (i + r) * columns + j + c;
            let entry = &mut out[at].0[lanes..];
            store.store(at, lanes, V::load(entry), sums[r][c]).store(entry);
        }
    }
}
