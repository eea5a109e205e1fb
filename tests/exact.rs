//! Exact rational arithmetic for the identity tests: scalars, small matrices, random instances, expectations.
//!
//! Nothing here rounds: two sides of an identity are compared with `==`.
use std::ops::{Add, Mul, Neg, Sub};

use dashu::rational::RBig;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub(crate) type Q = RBig;

/// A whole number.
pub(crate) fn int(n: i64) -> Q {
    Q::from(n)
}

/// `n / d`.
pub(crate) fn frac(n: i64, d: i64) -> Q {
    int(n) / int(d)
}

/// `x^n`; a negative power inverts.
pub(crate) fn pow(x: &Q, n: i64) -> Q {
    let p = (0..n.unsigned_abs()).fold(int(1), |p, _| p * x);
    if n < 0 { int(1) / p } else { p }
}

pub(crate) fn sum(terms: impl IntoIterator<Item = Q>) -> Q {
    terms.into_iter().fold(int(0), |s, t| s + t)
}

pub(crate) fn product(terms: impl IntoIterator<Item = Q>) -> Q {
    terms.into_iter().fold(int(1), |s, t| s * t)
}

/// The derivative at 0 of a polynomial of degree at most 4, from five values: the rule has no error there.
pub(crate) fn slope(f: impl Fn(&Q) -> Q) -> Q {
    let at = |n: i64| f(&int(n));
    (int(8) * (at(1) - at(-1)) - (at(2) - at(-2))) / int(12)
}

/// Half the second derivative at 0 of a polynomial of degree at most 5, from five values, without error.
pub(crate) fn curvature(f: impl Fn(&Q) -> Q) -> Q {
    let at = |n: i64| f(&int(n));
    (int(16) * (at(1) + at(-1)) - (at(2) + at(-2)) - int(30) * at(0)) / int(24)
}

/// A dense matrix of rationals.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    entries: Vec<Q>,
}

impl Matrix {
    pub(crate) fn from_fn(rows: usize, columns: usize, mut f: impl FnMut(usize, usize) -> Q) -> Self {
        Self { rows, columns, entries: (0..rows * columns).map(|k| f(k / columns, k % columns)).collect() }
    }

    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self::from_fn(rows, columns, |_, _| int(0))
    }

    pub(crate) fn identity(n: usize) -> Self {
        Self::from_fn(n, n, |i, j| int(i64::from(i == j)))
    }

    pub(crate) fn ones(rows: usize, columns: usize) -> Self {
        Self::from_fn(rows, columns, |_, _| int(1))
    }

    pub(crate) fn diagonal(values: &[Q]) -> Self {
        let n = values.len();
        Self::from_fn(n, n, |i, j| if i == j { values[i].clone() } else { int(0) })
    }

    pub(crate) fn column(values: &[Q]) -> Self {
        Self { rows: values.len(), columns: 1, entries: values.to_vec() }
    }

    /// Entry (i, j).
    pub(crate) fn at(&self, i: usize, j: usize) -> &Q {
        &self.entries[i * self.columns + j]
    }

    pub(crate) fn set(&mut self, i: usize, j: usize, value: Q) {
        self.entries[i * self.columns + j] = value;
    }

    pub(crate) fn map(&self, f: impl Fn(&Q) -> Q) -> Self {
        Self { entries: self.entries.iter().map(f).collect(), ..*self }
    }

    pub(crate) fn scale(&self, factor: &Q) -> Self {
        self.map(|x| x * factor)
    }

    pub(crate) fn t(&self) -> Self {
        Self::from_fn(self.columns, self.rows, |i, j| self.at(j, i).clone())
    }

    /// Rows `r` and columns `c` of the matrix.
    pub(crate) fn block(&self, r: std::ops::Range<usize>, c: std::ops::Range<usize>) -> Self {
        Self::from_fn(r.len(), c.len(), |i, j| self.at(r.start + i, c.start + j).clone())
    }

    pub(crate) fn trace(&self) -> Q {
        sum((0..self.rows).map(|i| self.at(i, i).clone()))
    }

    /// `tr(self' other)`.
    pub(crate) fn dot(&self, other: &Self) -> Q {
        sum(self.entries.iter().zip(&other.entries).map(|(a, b)| a * b))
    }

    /// Squared Frobenius norm.
    pub(crate) fn norm2(&self) -> Q {
        self.dot(self)
    }

    pub(crate) fn power(&self, n: usize) -> Self {
        (0..n).fold(Self::identity(self.rows), |p, _| &p * self)
    }

    /// The inverse by Gauss-Jordan elimination; `None` when singular.
    pub(crate) fn inverse(&self) -> Option<Self> {
        let n = self.rows;
        let (mut a, mut b) = (self.clone(), Self::identity(n));
        for k in 0..n {
            let pivot = (k..n).find(|&i| *a.at(i, k) != int(0))?;
            for j in 0..n {
                for m in [&mut a, &mut b] {
                    m.entries.swap(k * n + j, pivot * n + j);
                }
            }
            let inverse = int(1) / a.at(k, k);
            for j in 0..n {
                for m in [&mut a, &mut b] {
                    let scaled = m.at(k, j) * &inverse;
                    m.set(k, j, scaled);
                }
            }
            for i in (0..n).filter(|&i| i != k) {
                let factor = a.at(i, k).clone();
                for j in 0..n {
                    for m in [&mut a, &mut b] {
                        let less = m.at(i, j) - &factor * m.at(k, j);
                        m.set(i, j, less);
                    }
                }
            }
        }
        Some(b)
    }

    /// Whether `x' M x > 0` for all x: pivots of symmetric elimination.
    pub(crate) fn is_definite(&self) -> bool {
        let n = self.rows;
        let mut a = self.clone();
        for k in 0..n {
            if *a.at(k, k) <= int(0) {
                return false;
            }
            for i in k + 1..n {
                let factor = a.at(i, k) / a.at(k, k);
                for j in k..n {
                    let less = a.at(i, j) - &factor * a.at(k, j);
                    a.set(i, j, less);
                }
            }
        }
        true
    }

    /// `[self, other]`.
    pub(crate) fn beside(&self, other: &Self) -> Self {
        Self::from_fn(self.rows, self.columns + other.columns, |i, j| {
            if j < self.columns { self.at(i, j).clone() } else { other.at(i, j - self.columns).clone() }
        })
    }

    /// `[self; other]`.
    pub(crate) fn above(&self, other: &Self) -> Self {
        self.t().beside(&other.t()).t()
    }
}

impl Mul for &Matrix {
    type Output = Matrix;

    fn mul(self, other: &Matrix) -> Matrix {
        assert_eq!(self.columns, other.rows, "inner dimensions");
        Matrix::from_fn(self.rows, other.columns, |i, j| {
            sum((0..self.columns).map(|k| self.at(i, k) * other.at(k, j)))
        })
    }
}

impl Add for &Matrix {
    type Output = Matrix;

    fn add(self, other: &Matrix) -> Matrix {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns), "shapes");
        Matrix::from_fn(self.rows, self.columns, |i, j| self.at(i, j) + other.at(i, j))
    }
}

impl Sub for &Matrix {
    type Output = Matrix;

    fn sub(self, other: &Matrix) -> Matrix {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns), "shapes");
        Matrix::from_fn(self.rows, self.columns, |i, j| self.at(i, j) - other.at(i, j))
    }
}

impl Neg for &Matrix {
    type Output = Matrix;

    fn neg(self) -> Matrix {
        self.map(|x| -x)
    }
}

/// The product of several matrices.
pub(crate) fn chain(factors: &[&Matrix]) -> Matrix {
    factors[1..].iter().fold(factors[0].clone(), |p, f| &p * f)
}

/// Random small instances.
pub(crate) struct Draw(ChaCha12Rng);

impl Draw {
    /// A whole number in [low, high].
    pub(crate) fn whole(&mut self, low: i64, high: i64) -> i64 {
        low + (self.0.next_u64() % (high - low + 1).unsigned_abs()).cast_signed()
    }

    pub(crate) fn size(&mut self, low: usize, high: usize) -> usize {
        low + (self.0.next_u64() % (high - low + 1) as u64) as usize
    }

    /// A fraction in [-4, 4] with a denominator up to 7; zero happens.
    pub(crate) fn any(&mut self) -> Q {
        let d = self.whole(1, 7);
        frac(self.whole(-4 * d, 4 * d), d)
    }

    /// A positive fraction up to 5.
    pub(crate) fn positive(&mut self) -> Q {
        let d = self.whole(1, 7);
        frac(self.whole(1, 5 * d), d)
    }

    /// A fraction strictly between 0 and 1.
    pub(crate) fn unit(&mut self) -> Q {
        let d = self.whole(2, 12);
        frac(self.whole(1, d - 1), d)
    }

    pub(crate) fn list(&mut self, n: usize) -> Vec<Q> {
        (0..n).map(|_| self.any()).collect()
    }

    pub(crate) fn matrix(&mut self, rows: usize, columns: usize) -> Matrix {
        Matrix::from_fn(rows, columns, |_, _| self.any())
    }

    /// `G G'`, singular when G has fewer columns than rows.
    pub(crate) fn semidefinite(&mut self, n: usize, rank: usize) -> Matrix {
        let g = self.matrix(n, rank);
        &g * &g.t()
    }

    /// Orthogonal: the Cayley transform of a skew-symmetric matrix.
    pub(crate) fn rotation(&mut self, n: usize) -> Matrix {
        let g = self.matrix(n, n);
        let skew = &g - &g.t();
        let (plus, minus) = (&Matrix::identity(n) + &skew, &Matrix::identity(n) - &skew);
        &minus * &plus.inverse().expect("no real eigenvalue of a skew matrix is -1")
    }

    /// Positive definite.
    pub(crate) fn definite(&mut self, n: usize) -> Matrix {
        let shift = self.positive();
        &self.semidefinite(n, n) + &Matrix::identity(n).scale(&shift)
    }
}

/// Runs a test on `count` random instances.
pub(crate) fn instances(count: u64, mut test: impl FnMut(&mut Draw)) {
    for seed in 0..count {
        test(&mut Draw(ChaCha12Rng::seed_from_u64(seed)));
    }
}

/// A law with finitely many atoms: probabilities and values.
pub(crate) type Law<T> = Vec<(Q, T)>;

/// `-2 .. 2` with the moments of a standard normal up to order 5: 0, 1, 0, 3, 0.
pub(crate) fn normal_to_order_five() -> Law<Q> {
    [(-2, 1), (-1, 2), (0, 6), (1, 2), (2, 1)].map(|(x, w)| (frac(w, 12), int(x))).to_vec()
}

/// `+-1`: mean 0, variance 1.
pub(crate) fn coin() -> Law<Q> {
    [-1, 1].map(|x| (frac(1, 2), int(x))).to_vec()
}

/// Independent copies: the law of vectors with `n` coordinates.
pub(crate) fn vectors<T: Clone>(law: &Law<T>, n: usize) -> Law<Vec<T>> {
    (0..n).fold(vec![(int(1), Vec::new())], |sofar, _| {
        let mut longer = Vec::with_capacity(sofar.len() * law.len());
        for (p, v) in &sofar {
            for (r, x) in law {
                let mut v = v.clone();
                v.push(x.clone());
                longer.push((p * r, v));
            }
        }
        longer
    })
}

/// The mean of a function under a law.
pub(crate) fn mean<T>(law: &Law<T>, f: impl Fn(&T) -> Q) -> Q {
    sum(law.iter().map(|(p, x)| p * f(x)))
}

/// All ways of joining `n` objects in pairs.
pub(crate) fn pairings(n: usize, each: &mut dyn FnMut(&[usize])) {
    fn visit(partner: &mut Vec<usize>, each: &mut dyn FnMut(&[usize])) {
        let Some(first) = partner.iter().position(|&p| p == usize::MAX) else {
            each(partner);
            return;
        };
        for other in first + 1..partner.len() {
            if partner[other] == usize::MAX {
                (partner[first], partner[other]) = (other, first);
                visit(partner, each);
                (partner[first], partner[other]) = (usize::MAX, usize::MAX);
            }
        }
    }
    visit(&mut vec![usize::MAX; n], each);
}
