//! Random prompts by their sufficient statistics, drawn exactly.
//!
//! With `z_1 .. z_N` standard normal in R^d, everything that a linear attention layer sees of a prompt is `M = sum z_i z_i'` applied to two directions
//! `a`, `b`. In an orthonormal basis `e_1, e_2` of their plane the 2 by 2 block `S` of `M` is a Wishart matrix (Bartlett: its Cholesky factor `T` has two chi
//! variables and one normal), and the rest of `M e_1`, `M e_2` given `S` is `P G T'` with `G` of 2 d independent normals and `P` the projection off the
//! plane. So a prompt costs about 2 d normals instead of N d, and its law is exact.
use rand_distr::{ChiSquared, Distribution};
use solvable_sim::monte_carlo::Stream;

/// Inner product.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight partial sums, so that the compiler may use vectors.
    let mut parts = [0.0; 8];
    let (chunks_a, rest_a) = a.as_chunks::<8>();
    let (chunks_b, rest_b) = b.as_chunks::<8>();
    for (x, y) in chunks_a.iter().zip(chunks_b) {
        for l in 0..8 {
            parts[l] += x[l] * y[l];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum();
    parts.iter().sum::<f64>() + rest
}

/// An orthonormal basis of the plane of two vectors, and their coordinates in it: `a = a1 e1`, `b = b1 e1 + b2 e2`.
#[derive(Clone, Debug)]
pub struct Plane {
    /// First direction.
    pub e1: Vec<f64>,
    /// Second direction.
    pub e2: Vec<f64>,
    /// `|a|`.
    pub a1: f64,
    /// `b . e1`.
    pub b1: f64,
    /// `b . e2`.
    pub b2: f64,
}

impl Plane {
    /// Room for directions in dimension `d`.
    #[must_use]
    pub fn new(d: usize) -> Self {
        Self { e1: vec![0.0; d], e2: vec![0.0; d], a1: 0.0, b1: 0.0, b2: 0.0 }
    }

    /// Gram-Schmidt. A vector without a direction of its own gets coordinate 0 and a zero direction, which nothing then multiplies.
    pub fn set(&mut self, a: &[f64], b: &[f64]) {
        self.a1 = dot(a, a).sqrt();
        let inverse = if self.a1 > 0.0 { 1.0 / self.a1 } else { 0.0 };
        for (e, x) in self.e1.iter_mut().zip(a) {
            *e = x * inverse;
        }
        self.b1 = dot(b, &self.e1);
        for ((e, x), f) in self.e2.iter_mut().zip(b).zip(&self.e1) {
            *e = x - self.b1 * f;
        }
        self.b2 = dot(&self.e2, &self.e2).sqrt();
        let inverse = if self.b2 > 0.0 { 1.0 / self.b2 } else { 0.0 };
        self.e2.iter_mut().for_each(|e| *e *= inverse);
    }
}

/// The Cholesky factor of a 2 by 2 Wishart matrix with `n` degrees of freedom.
#[derive(Clone, Copy, Debug)]
pub struct Bartlett {
    first: ChiSquared<f64>,
    second: ChiSquared<f64>,
}

/// `S = T T'`, `T` lower triangular.
#[derive(Clone, Copy, Debug)]
pub struct Factor {
    /// `T_11`.
    pub t11: f64,
    /// `T_21`.
    pub t21: f64,
    /// `T_22`.
    pub t22: f64,
}

impl Bartlett {
    /// Degrees of freedom `n >= 2`.
    ///
    /// # Panics
    /// If `n < 2`.
    #[must_use]
    pub fn new(n: usize) -> Self {
        let chi = |k: usize| ChiSquared::new(k as f64).expect("positive degrees of freedom");
        assert!(n >= 2, "a 2 by 2 Wishart matrix needs two degrees of freedom");
        Self { first: chi(n), second: chi(n - 1) }
    }

    /// Draws the factor; `normal` is its off-diagonal entry.
    #[must_use]
    pub fn draw(&self, stream: &mut Stream, normal: f64) -> Factor {
        let (t11, t22) = (self.first.sample(stream).sqrt(), self.second.sample(stream).sqrt());
        Factor { t11, t21: normal, t22 }
    }
}
