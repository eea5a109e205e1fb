//! Products of small matrices, one problem a lane.
//!
//! A matrix of a group of problems is a slice of registers, row by row: entry `(i, j)` of all of them is one register. Sums run over the inner
//! index in order, so tiling does not change a bit.
//!
//! Plain loops fill the small arrays here: `map` and `from_fn` are not always inlined, and then are not compiled for the instruction set.
use super::isa::Vector;

/// A factor, read along the inner index: `N` rows of the left or columns of the right one at a time.
pub(super) trait Factor<V>: Copy {
    /// What a tile reads: prepared once, so that nothing is checked in the inner loop.
    type Strip<'a, const N: usize>: Strip<V, N>
    where
        Self: 'a;

    /// The strip of rows (or columns) `first .. first + N`.
    fn strip<const N: usize>(&self, first: usize, inner: usize) -> Self::Strip<'_, N>;
}

/// `N` entries for each value of the inner index.
pub(super) trait Strip<V, const N: usize> {
    /// One for each value of the inner index. Iterators of the standard library only: a pair of them is checked once, not at every step.
    type Steps: Iterator;

    /// All of them.
    fn steps(&self) -> Self::Steps;
    /// The entries there: references, so that each is loaded where it is used.
    fn at<'a>(&'a self, step: <Self::Steps as Iterator>::Item) -> [&'a V; N]
    where
        V: 'a;
}

/// A left factor as stored, or a right one transposed: the inner index runs along a stored row. With the length of rows.
#[derive(Clone, Copy)]
pub(super) struct Along<'a, V>(pub(super) &'a [V], pub(super) usize);

/// A right factor as stored, or a left one transposed: the inner index runs across stored rows. With their length.
#[derive(Clone, Copy)]
pub(super) struct Across<'a, V>(pub(super) &'a [V], pub(super) usize);

impl<V: Vector> Factor<V> for Along<'_, V> {
    type Strip<'a, const N: usize>
        = [&'a [V]; N]
    where
        Self: 'a;

    #[inline(always)]
    fn strip<const N: usize>(&self, first: usize, inner: usize) -> [&[V]; N] {
        let mut strip = [&self.0[..0]; N];
        for (r, row) in strip.iter_mut().enumerate() {
            *row = &self.0[(first + r) * self.1..][..inner];
        }
        strip
    }
}

impl<V: Vector, const N: usize> Strip<V, N> for [&[V]; N] {
    type Steps = std::ops::Range<usize>;

    #[inline(always)]
    fn steps(&self) -> Self::Steps {
        0..self[0].len()
    }
    #[inline(always)]
    fn at<'a>(&'a self, k: usize) -> [&'a V; N]
    where
        V: 'a,
    {
        let mut entries = [&self[0][k]; N];
        for r in 1..N {
            entries[r] = &self[r][k];
        }
        entries
    }
}

/// Some columns of a matrix.
pub(super) struct Columns<'a, V> {
    rows: std::slice::ChunksExact<'a, V>,
    first: usize,
}

impl<V: Vector> Factor<V> for Across<'_, V> {
    type Strip<'a, const N: usize>
        = Columns<'a, V>
    where
        Self: 'a;

    #[inline(always)]
    fn strip<const N: usize>(&self, first: usize, inner: usize) -> Columns<'_, V> {
        assert!(first + N <= self.1);
        Columns { rows: self.0[..inner * self.1].chunks_exact(self.1), first }
    }
}

impl<'a, V: Vector, const N: usize> Strip<V, N> for Columns<'a, V> {
    type Steps = std::slice::ChunksExact<'a, V>;

    #[inline(always)]
    fn steps(&self) -> Self::Steps {
        self.rows.clone()
    }
    #[inline(always)]
    fn at<'b>(&'b self, row: &'a [V]) -> [&'b V; N]
    where
        V: 'b,
    {
        let row: &[V; N] = row[self.first..].first_chunk().expect("checked when the strip was made");
        let mut entries = [&row[0]; N];
        for c in 1..N {
            entries[c] = &row[c];
        }
        entries
    }
}

/// What becomes of a product `P`.
pub(super) trait Store<V> {
    /// The new entries from `at` on, from the old ones and the product's.
    fn store<const N: usize>(&self, at: usize, entries: &mut [V; N], product: &[V; N]);
}

/// `out = P`.
pub(super) struct Assign;

impl<V: Vector> Store<V> for Assign {
    #[inline(always)]
    fn store<const N: usize>(&self, _: usize, entries: &mut [V; N], product: &[V; N]) {
        *entries = *product;
    }
}

/// `out = P - A`.
pub(super) struct Minus<'a, V>(pub(super) &'a [V]);

impl<V: Vector> Store<V> for Minus<'_, V> {
    #[inline(always)]
    fn store<const N: usize>(&self, at: usize, entries: &mut [V; N], product: &[V; N]) {
        let target = &self.0[at..][..N];
        for n in 0..N {
            entries[n] = product[n].minus(target[n]);
        }
    }
}

/// `out = out - step P`.
pub(super) struct Descend(pub(super) f64);

impl<V: Vector> Store<V> for Descend {
    #[inline(always)]
    fn store<const N: usize>(&self, _: usize, entries: &mut [V; N], product: &[V; N]) {
        for n in 0..N {
            entries[n] = entries[n].minus(V::splat(self.0).times(product[n]));
        }
    }
}

/// `out_i = store(out_i, p_i)` entry by entry, as for a product.
#[inline(always)]
pub(super) fn entries<V: Vector, S: Store<V>>(out: &mut [V], product: &[V], store: &S) {
    let (out, product) = (out.as_chunks_mut::<1>().0, product.as_chunks::<1>().0);
    for (at, (out, p)) in out.iter_mut().zip(product).enumerate() {
        store.store(at, out, p);
    }
}

/// Sizes of a product, and the length of the rows that the result is stored in.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) inner: usize,
    pub(super) columns: usize,
    pub(super) stride: usize,
}

/// Columns of the right factor that are used together, in bytes: half a first-level cache.
const PANEL: usize = 1 << 14;

/// `out (rows by columns) <- store(out, a b)`.
#[inline(always)]
pub(super) fn product<V: Vector, S: Store<V>, A: Factor<V>, B: Factor<V>>(
    out: &mut [V],
    shape: Shape,
    a: A,
    b: B,
    store: &S,
) {
    let panel = (PANEL / (shape.inner * size_of::<V>())).next_multiple_of(8);
    for first in (0..shape.columns).step_by(panel) {
        let columns = (first, shape.columns.min(first + panel));
        let mut done = 0;
        // Tiles of as many accumulators as the registers hold, with room for operands: 32 registers of 512 bits, 16 shorter ones.
        if V::LENGTH == 8 {
            done = strips::<V, 4, _, _, _>(out, shape, done, columns, a, b, store);
        }
        done = strips::<V, 2, _, _, _>(out, shape, done, columns, a, b, store);
        strips::<V, 1, _, _, _>(out, shape, done, columns, a, b, store);
    }
}

/// As many strips of `R` rows of a panel as there are from row `i` on; the first row that is left.
#[inline(always)]
fn strips<V: Vector, const R: usize, S: Store<V>, A: Factor<V>, B: Factor<V>>(
    out: &mut [V],
    shape: Shape,
    mut i: usize,
    (first, end): (usize, usize),
    a: A,
    b: B,
    store: &S,
) -> usize {
    while i + R <= shape.rows {
        let rows = a.strip::<R>(i, shape.inner);
        let mut j = first;
        while j < end {
            let (at, left) = (i * shape.stride + j, end - j);
            // Two by six fill 16 registers; eight columns are better halved.
            j += if R == 2 && V::LENGTH < 8 && left >= 6 && left != 8 {
                tile::<V, R, 6, _, _>(out, at, shape.stride, &rows, &b.strip::<6>(j, shape.inner), store)
            } else if left >= 4 {
                tile::<V, R, 4, _, _>(out, at, shape.stride, &rows, &b.strip::<4>(j, shape.inner), store)
            } else if left >= 2 {
                tile::<V, R, 2, _, _>(out, at, shape.stride, &rows, &b.strip::<2>(j, shape.inner), store)
            } else {
                tile::<V, R, 1, _, _>(out, at, shape.stride, &rows, &b.strip::<1>(j, shape.inner), store)
            };
        }
        i += R;
    }
    i
}

/// An `R` by `C` tile of the product, from entry `at` on, whose accumulators stay in registers; `C`.
#[inline(always)]
fn tile<V: Vector, const R: usize, const C: usize, S: Store<V>, A: Strip<V, R>>(
    out: &mut [V],
    at: usize,
    stride: usize,
    a: &A,
    b: &impl Strip<V, C>,
    store: &S,
) -> usize {
    let mut sums = [[V::splat(0.0); C]; R];
    for (left, right) in a.steps().zip(b.steps()) {
        let (left, right) = (a.at(left), b.at(right));
        let mut rows = [V::splat(0.0); R];
        for r in 0..R {
            rows[r] = *left[r];
        }
        // Column by column: one of them at a time takes a register.
        for c in 0..C {
            let column = *right[c];
            for r in 0..R {
                sums[r][c] = sums[r][c].plus(rows[r].times(column));
            }
        }
    }
    for r in 0..R {
        let at = at + r * stride;
        let entries = out[at..].first_chunk_mut().expect("a tile lies inside its matrix");
        store.store(at, entries, &sums[r]);
    }
    C
}
