//! Slow algorithms, unrelated to those under test: Jacobi rotations, Gram-Schmidt in double-double, exact rationals.

use crate::{Mat, MatRef};
use dashu::rational::RBig;

// ---- Jacobi rotations -------------------------------------------------------------------------------------------------

/// Eigenvalues (descending) of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, section 8.5).
pub(super) fn jacobi_eigenvalues(a: MatRef<'_, f64>) -> Vec<f64> {
    let n = a.nrows();
    let mut a: Vec<Vec<f64>> = crate::to_rows(a);
    for _sweep in 0..60 {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                // A rotation that changes neither diagonal entry is not worth doing.
                if a[p][q].abs() <= 1e-18 * (a[p][p].abs().max(a[q][q].abs())).max(f64::MIN_POSITIVE) {
                    continue;
                }
                rotated = true;
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[k][p], a[k][q]);
                    (a[k][p], a[k][q]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (a[p][k], a[q][k]);
                    (a[p][k], a[q][k]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let mut values: Vec<f64> = (0..n).map(|i| a[i][i]).collect();
    values.sort_by(|x, y| y.total_cmp(x));
    values
}

/// min(m, n) singular values (descending) by one-sided Jacobi rotations (Hestenes): orthogonalise the shorter side.
pub(super) fn jacobi_singular_values(a: MatRef<'_, f64>) -> Vec<f64> {
    let a = if a.nrows() < a.ncols() { a.transpose() } else { a };
    let mut columns: Vec<Vec<f64>> = crate::to_rows(a.transpose());
    let n = columns.len();
    let plain_dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(a, b)| a * b).sum::<f64>();
    for _sweep in 0..60 {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let (alpha, beta) =
                    (plain_dot(&columns[p], &columns[p]), plain_dot(&columns[q], &columns[q]));
                let g = plain_dot(&columns[p], &columns[q]);
                if g.abs() <= 1e-16 * (alpha * beta).sqrt() || g == 0.0 {
                    continue;
                }
                rotated = true;
                let zeta = (beta - alpha) / (2.0 * g);
                let t = if zeta == 0.0 { 1.0 } else { zeta.signum() / (zeta.abs() + zeta.hypot(1.0)) };
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for k in 0..columns[p].len() {
                    let (x, y) = (columns[p][k], columns[q][k]);
                    (columns[p][k], columns[q][k]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let mut s: Vec<f64> = columns.iter().map(|c| plain_dot(c, c).sqrt()).collect();
    s.sort_by(|x, y| y.total_cmp(x));
    s
}

// ---- Double-double ----------------------------------------------------------------------------------------------------

/// An unevaluated sum high + low, about 32 digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Double {
    high: f64,
    low: f64,
}

impl Double {
    pub(super) const ZERO: Self = Self { high: 0.0, low: 0.0 };

    pub(super) fn new(x: f64) -> Self {
        Self { high: x, low: 0.0 }
    }

    fn normal(high: f64, low: f64) -> Self {
        let s = high + low;
        Self { high: s, low: low - (s - high) }
    }

    pub(super) fn add(self, o: Self) -> Self {
        let s = self.high + o.high;
        let t = s - self.high;
        let e = (self.high - (s - t)) + (o.high - t);
        Self::normal(s, e + self.low + o.low)
    }

    pub(super) fn negative(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }

    pub(super) fn sub(self, o: Self) -> Self {
        self.add(o.negative())
    }

    pub(super) fn mul(self, o: Self) -> Self {
        let p = self.high * o.high;
        let e = self.high.mul_add(o.high, -p);
        Self::normal(p, e + (self.high * o.low + self.low * o.high))
    }

    pub(super) fn div(self, o: Self) -> Self {
        let q = Self::new(self.high / o.high);
        let r = self.sub(q.mul(o));
        let q = q.add(Self::new(r.high / o.high));
        let r = self.sub(q.mul(o));
        q.add(Self::new(r.high / o.high))
    }

    pub(super) fn sqrt(self) -> Self {
        if self.high <= 0.0 {
            return Self::ZERO;
        }
        let x = Self::new(self.high.sqrt());
        // Two Newton steps for x² = self.
        let half = Self::new(0.5);
        let x = x.add(self.div(x)).mul(half);
        x.add(self.div(x)).mul(half)
    }

    pub(super) fn value(self) -> f64 {
        self.high + self.low
    }
}

/// `||A - B C||_F` in double-double.
pub(super) fn product_error(a: MatRef<'_, f64>, b: MatRef<'_, f64>, c: MatRef<'_, f64>) -> f64 {
    let mut total = Double::ZERO;
    for i in 0..a.nrows() {
        for j in 0..a.ncols() {
            let mut r = Double::new(a[(i, j)]);
            for k in 0..b.ncols() {
                r = r.sub(Double::new(b[(i, k)]).mul(Double::new(c[(k, j)])));
            }
            total = total.add(r.mul(r));
        }
    }
    total.sqrt().value()
}

/// `||A - U diag(s) V'||_F` in double-double.
pub(super) fn spectral_error(a: MatRef<'_, f64>, u: MatRef<'_, f64>, s: &[f64], v: MatRef<'_, f64>) -> f64 {
    let mut total = Double::ZERO;
    for i in 0..a.nrows() {
        for j in 0..a.ncols() {
            let mut r = Double::new(a[(i, j)]);
            for (k, &sk) in s.iter().enumerate() {
                r = r.sub(Double::new(u[(i, k)]).mul(Double::new(sk)).mul(Double::new(v[(j, k)])));
            }
            total = total.add(r.mul(r));
        }
    }
    total.sqrt().value()
}

/// R of A = Q R with positive diagonal, by modified Gram-Schmidt in double-double. Full column rank.
pub(super) fn gram_schmidt_r(a: MatRef<'_, f64>) -> Mat<f64> {
    let (m, n) = (a.nrows(), a.ncols());
    let mut q: Vec<Vec<Double>> = (0..n).map(|j| (0..m).map(|i| Double::new(a[(i, j)])).collect()).collect();
    let mut r = Mat::zeros(n, n);
    let inner = |x: &[Double], y: &[Double]| x.iter().zip(y).fold(Double::ZERO, |s, (a, b)| s.add(a.mul(*b)));
    for j in 0..n {
        let length = inner(&q[j], &q[j]).sqrt();
        r[(j, j)] = length.value();
        for x in &mut q[j] {
            *x = x.div(length);
        }
        for k in j + 1..n {
            let c = inner(&q[j], &q[k]);
            r[(j, k)] = c.value();
            for i in 0..m {
                q[k][i] = q[k][i].sub(c.mul(q[j][i]));
            }
        }
    }
    r
}

/// L of A = L L' in double-double, row by row (Banachiewicz).
pub(super) fn cholesky_factor(a: MatRef<'_, f64>) -> Mat<f64> {
    let n = a.nrows();
    let mut l = vec![vec![Double::ZERO; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let mut s = Double::new(a[(i, j)]);
            for k in 0..j {
                s = s.sub(l[i][k].mul(l[j][k]));
            }
            l[i][j] = if i == j { s.sqrt() } else { s.div(l[j][j]) };
        }
    }
    Mat::from_fn(n, n, |i, j| l[i][j].value())
}

// ---- Exact rationals --------------------------------------------------------------------------------------------------

pub(super) type Exact = Vec<Vec<RBig>>;

pub(super) fn rational(x: f64) -> RBig {
    RBig::try_from(x).expect("finite test data")
}

pub(super) fn exact(a: MatRef<'_, f64>) -> Exact {
    (0..a.nrows()).map(|i| (0..a.ncols()).map(|j| rational(a[(i, j)])).collect()).collect()
}

pub(super) fn exact_transpose(a: &Exact) -> Exact {
    (0..a[0].len()).map(|j| a.iter().map(|row| row[j].clone()).collect()).collect()
}

pub(super) fn exact_product(a: &Exact, b: &Exact) -> Exact {
    let entry = |row: &[RBig], j: usize| row.iter().zip(b).fold(RBig::ZERO, |s, (x, r)| s + x * &r[j]);
    a.iter().map(|row| (0..b[0].len()).map(|j| entry(row, j)).collect()).collect()
}

/// (X with A X = B, det A) by Gauss-Jordan elimination over the rationals; `None` when A is singular.
pub(super) fn exact_solve(a: &Exact, b: &Exact) -> Option<(Exact, RBig)> {
    let n = a.len();
    let (mut a, mut b) = (a.clone(), b.clone());
    let mut determinant = RBig::ONE;
    for k in 0..n {
        let pivot = (k..n).find(|&i| a[i][k] != RBig::ZERO)?;
        if pivot != k {
            a.swap(pivot, k);
            b.swap(pivot, k);
            determinant = -determinant;
        }
        let inverse = RBig::ONE / &a[k][k];
        determinant *= &a[k][k];
        for x in a[k].iter_mut().chain(b[k].iter_mut()) {
            *x = &*x * &inverse;
        }
        let (row_a, row_b) = (a[k].clone(), b[k].clone());
        for i in (0..n).filter(|&i| i != k) {
            let factor = a[i][k].clone();
            if factor == RBig::ZERO {
                continue;
            }
            for (x, y) in a[i].iter_mut().zip(&row_a).chain(b[i].iter_mut().zip(&row_b)) {
                *x = &*x - &(&factor * y);
            }
        }
    }
    Some((b, determinant))
}

pub(super) fn exact_identity(n: usize) -> Exact {
    (0..n).map(|i| (0..n).map(|j| if i == j { RBig::ONE } else { RBig::ZERO }).collect()).collect()
}

/// max over columns of (max |x_ij - exact| / max |exact|), the difference taken exactly.
pub(super) fn column_error(x: MatRef<'_, f64>, truth: &Exact) -> f64 {
    (0..x.ncols())
        .map(|j| {
            let (mut worst, mut scale) = (0.0_f64, 0.0_f64);
            for i in 0..x.nrows() {
                worst = worst.max((rational(x[(i, j)]) - &truth[i][j]).to_f64().value().abs());
                scale = scale.max(truth[i][j].to_f64().value().abs());
            }
            if worst == 0.0 { 0.0 } else { worst / scale }
        })
        .fold(0.0, f64::max)
}
