//! Test matrices: structured first, then random ones from a fixed generator.

use crate::{Mat, diagonal, kronecker, outer};

/// SplitMix64: a fixed stream of test data.
pub(super) struct Stream(pub(super) u64);

impl Stream {
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [-1, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub(super) fn matrix(&mut self, m: usize, n: usize) -> Mat<f64> {
        let mut a = Mat::zeros(m, n);
        for j in 0..n {
            for i in 0..m {
                a[(i, j)] = self.uniform();
            }
        }
        a
    }

    /// Small integers, exactly representable through a few products.
    pub(super) fn integers(&mut self, m: usize, n: usize) -> Mat<f64> {
        let a = self.matrix(m, n);
        Mat::from_fn(m, n, |i, j| (8.0 * a[(i, j)]).round())
    }

    pub(super) fn symmetric(&mut self, n: usize) -> Mat<f64> {
        let a = self.matrix(n, n);
        Mat::from_fn(n, n, |i, j| if i <= j { a[(i, j)] } else { a[(j, i)] })
    }
}

pub(super) fn ones(m: usize, n: usize) -> Mat<f64> {
    Mat::from_fn(m, n, |_, _| 1.0)
}

/// Sylvester's Hadamard matrix of order 2^k: symmetric, H² = 2^k I, trace 0 for k >= 1.
pub(super) fn hadamard(k: usize) -> Mat<f64> {
    Mat::from_fn(1 << k, 1 << k, |i, j| if (i & j).count_ones() % 2 == 0 { 1.0 } else { -1.0 })
}

/// Gram matrix of a simplex equiangular tight frame of n unit vectors: n/(n-1) (I - J/n). Eigenvalues n/(n-1) (n - 1
/// times) and 0.
pub(super) fn simplex(n: usize) -> Mat<f64> {
    let off = -1.0 / (n as f64 - 1.0);
    Mat::from_fn(n, n, |i, j| if i == j { 1.0 } else { off })
}

pub(super) fn hilbert(n: usize) -> Mat<f64> {
    Mat::from_fn(n, n, |i, j| 1.0 / (i + j + 1) as f64)
}

/// Laplacian of a path: eigenvalues 2 - 2 cos(π k / n), k = 0..n.
pub(super) fn path(n: usize) -> Mat<f64> {
    Mat::from_fn(n, n, |i, j| match i.abs_diff(j) {
        0 if n == 1 => 0.0,
        0 if i == 0 || i == n - 1 => 1.0,
        0 => 2.0,
        1 => -1.0,
        _ => 0.0,
    })
}

/// Named symmetric matrices.
pub(super) fn symmetric() -> Vec<(&'static str, Mat<f64>)> {
    let mut s = Stream(1);
    let low_rank = s.matrix(12, 2);
    let graded: Vec<f64> = (0..9).map(|i| 10.0_f64.powi(-3 * i)).collect();
    let rough = s.symmetric(9);
    let hadamard_8 = hadamard(3);
    let rotated = |d: &[f64]| {
        let spread = crate::matmul(hadamard_8.as_ref(), diagonal(d).as_ref());
        let full = crate::matmul(spread.as_ref(), hadamard_8.transpose());
        Mat::from_fn(8, 8, |i, j| full[(i, j)] / 8.0)
    };
    vec![
        ("zero", Mat::zeros(4, 4)),
        ("one by one", ones(1, 1)),
        ("identity", Mat::identity(5, 5)),
        ("diagonal with ties", diagonal(&[1.0, -2.0, 1.0, 0.0, -2.0])),
        ("ones", ones(7, 7)),
        ("rank one", outer(&[1.0, -2.0, 3.0, 0.5], &[1.0, -2.0, 3.0, 0.5])),
        ("rank two", crate::matmul(low_rank.as_ref(), low_rank.transpose())),
        ("hadamard 2", hadamard(1)),
        ("hadamard 64", hadamard(6)),
        ("simplex 2", simplex(2)),
        ("simplex 10", simplex(10)),
        ("simplex 33", simplex(33)),
        ("path 20", path(20)),
        ("hilbert 12", hilbert(12)),
        ("graded", Mat::from_fn(9, 9, |i, j| rough[(i, j)] * graded[i] * graded[j])),
        ("repeated", rotated(&[3.0, 3.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0])),
        ("tiny gap", rotated(&[1.0, 1.0 + 1e-15, 1.0 - 1e-15, 1.0, 1e-15, 0.0, -1e-15, 1e-300])),
        ("large", Mat::from_fn(6, 6, |i, j| 1e300 / (i + j + 1) as f64)),
        ("small", Mat::from_fn(6, 6, |i, j| 1e-300 / (i + j + 1) as f64)),
        ("subnormal", Mat::from_fn(3, 3, |i, j| 5e-324 * (1 + i + j) as f64)),
        ("kronecker", kronecker(simplex(3).as_ref(), path(4).as_ref())),
        ("negative definite", Mat::from_fn(8, 8, |i, j| -f64::from(u8::from(i == j)) - 0.1)),
        ("random 3", s.symmetric(3)),
        ("random 17", s.symmetric(17)),
        ("random 60", s.symmetric(60)),
    ]
}

/// Named rectangular matrices.
pub(super) fn rectangular() -> Vec<(&'static str, Mat<f64>)> {
    let mut s = Stream(2);
    let (left, right) = (s.matrix(15, 3), s.matrix(3, 8));
    let tall_hadamard = hadamard(4);
    let mut all = vec![
        ("one row", s.matrix(1, 7)),
        ("one column", s.matrix(7, 1)),
        ("zero wide", Mat::zeros(2, 5)),
        ("wide diagonal", Mat::from_fn(2, 4, |i, j| if i == j { -3.0 - i as f64 } else { 0.0 })),
        ("wide", s.matrix(5, 31)),
        ("tall", s.matrix(40, 6)),
        ("rank three", crate::matmul(left.as_ref(), right.as_ref())),
        ("rank one 1 x 1 blocks", outer(&[1.0; 9], &[1.0, 0.0, 0.0, 2.0])),
        ("tall hadamard", tall_hadamard.subcols(0, 5).to_owned()),
        ("tiny column", Mat::from_fn(6, 3, |i, j| (1.0 + (i * j) as f64).sqrt() * [1.0, 1.0, 1e-14][j])),
        ("huge", Mat::from_fn(4, 3, |i, j| 1e305 * (1.0 + i as f64 - 2.0 * j as f64))),
        ("lower triangular ones", Mat::from_fn(12, 12, |i, j| if i >= j { 1.0 } else { 0.0 })),
        ("random 48 x 20", s.matrix(48, 20)),
    ];
    all.extend(symmetric());
    all
}

/// A 2^-k with the largest entry in [1/2, 1], computed here by repeated halving: independent of the library's scaling.
pub(super) fn normalised(a: &Mat<f64>) -> (Mat<f64>, i32) {
    let mut a = a.clone();
    let mut k = 0;
    let top =
        |a: &Mat<f64>| (0..a.ncols()).flat_map(|j| a.col(j).iter()).fold(0.0_f64, |m, x| m.max(x.abs()));
    if top(&a) == 0.0 {
        return (a, 0);
    }
    while top(&a) > 1.0 {
        a = Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)] * 0.5);
        k += 1;
    }
    while top(&a) < 0.5 {
        a = Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)] * 2.0);
        k -= 1;
    }
    (a, k)
}

/// x 2^-k by repeated halving or doubling.
pub(super) fn rescaled(x: f64, k: i32) -> f64 {
    let factor = if k > 0 { 0.5 } else { 2.0 };
    (0..k.unsigned_abs()).fold(x, |x, _| x * factor)
}

/// Powers of two (r, c) such that r_i a_ij c_j has the largest entry of every row and column near 1: rows first.
pub(super) fn equilibrated(a: &Mat<f64>) -> (Vec<f64>, Vec<f64>) {
    let power = |m: f64| if m == 0.0 { 1.0 } else { 2.0_f64.powi(-(m.log2().floor() as i32)) };
    let (m, n) = (a.nrows(), a.ncols());
    let r: Vec<f64> = (0..m).map(|i| power((0..n).fold(0.0, |t: f64, j| t.max(a[(i, j)].abs())))).collect();
    let c = (0..n).map(|j| power((0..m).fold(0.0, |t: f64, i| t.max((a[(i, j)] * r[i]).abs())))).collect();
    (r, c)
}
