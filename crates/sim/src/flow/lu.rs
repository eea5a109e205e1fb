//! Dense LU factorisations in place, for the linear systems of implicit steps.
//!
//! Small on purpose: an inner loop that must not allocate cannot use the certified routines, and needs no certificate
//! of its own, since the nonlinear iteration that calls it checks its own convergence and the step its own error.
//! Matrices are row-major; a complex one is two real ones, so that its rows vectorise.

/// Factors of a real matrix with partial pivoting.
pub(super) struct Lu {
    n: usize,
    entries: Vec<f64>,
    pivots: Vec<usize>,
}

impl Lu {
    pub(super) fn new(n: usize) -> Self {
        Self { n, entries: vec![0.0; n * n], pivots: vec![0; n] }
    }

    /// Factors `shift I - matrix`; false if a pivot vanishes.
    pub(super) fn factor(&mut self, shift: f64, matrix: &[f64]) -> bool {
        let n = self.n;
        for (e, m) in self.entries.iter_mut().zip(matrix) {
            *e = -m;
        }
        for i in 0..n {
            self.entries[i * n + i] += shift;
        }
        for k in 0..n {
            let size = |i: usize| self.entries[i * n + k].abs();
            let pivot = (k + 1..n).fold(k, |best, i| if size(i) > size(best) { i } else { best });
            let usable = size(pivot) > 0.0;
            self.pivots[k] = pivot;
            if !usable {
                return false;
            }
            let (upper, lower) = self.entries.split_at_mut((k + 1) * n);
            let pivot_row = &mut upper[k * n..];
            if pivot != k {
                pivot_row.swap_with_slice(&mut lower[(pivot - k - 1) * n..(pivot - k) * n]);
            }
            let inverse = 1.0 / pivot_row[k];
            for row in lower.chunks_exact_mut(n) {
                let factor = row[k] * inverse;
                row[k] = factor;
                if factor != 0.0 {
                    for (r, p) in row[k + 1..].iter_mut().zip(&pivot_row[k + 1..]) {
                        *r -= factor * p;
                    }
                }
            }
        }
        true
    }

    /// Overwrites `b` with the solution.
    pub(super) fn solve(&self, b: &mut [f64]) {
        let n = self.n;
        for k in 0..n {
            b.swap(k, self.pivots[k]);
        }
        for i in 1..n {
            let row = &self.entries[i * n..i * n + i];
            b[i] -= row.iter().zip(&b[..i]).map(|(l, b)| l * b).sum::<f64>();
        }
        for i in (0..n).rev() {
            let row = &self.entries[i * n..(i + 1) * n];
            let known: f64 = row[i + 1..].iter().zip(&b[i + 1..]).map(|(u, b)| u * b).sum();
            b[i] = (b[i] - known) / row[i];
        }
    }
}

/// Factors of a complex matrix with partial pivoting.
pub(super) struct ComplexLu {
    n: usize,
    re: Vec<f64>,
    im: Vec<f64>,
    pivots: Vec<usize>,
}

impl ComplexLu {
    pub(super) fn new(n: usize) -> Self {
        Self { n, re: vec![0.0; n * n], im: vec![0.0; n * n], pivots: vec![0; n] }
    }

    /// Factors `(shift.0 + i shift.1) I - matrix` with a real matrix; false if a pivot vanishes.
    pub(super) fn factor(&mut self, shift: (f64, f64), matrix: &[f64]) -> bool {
        let n = self.n;
        for (e, m) in self.re.iter_mut().zip(matrix) {
            *e = -m;
        }
        self.im.fill(0.0);
        for i in 0..n {
            self.re[i * n + i] += shift.0;
            self.im[i * n + i] += shift.1;
        }
        for k in 0..n {
            let size = |i: usize| self.re[i * n + k].abs() + self.im[i * n + k].abs();
            let pivot = (k + 1..n).fold(k, |best, i| if size(i) > size(best) { i } else { best });
            let usable = size(pivot) > 0.0;
            self.pivots[k] = pivot;
            if !usable {
                return false;
            }
            let (upper_re, lower_re) = self.re.split_at_mut((k + 1) * n);
            let (upper_im, lower_im) = self.im.split_at_mut((k + 1) * n);
            let (top_re, top_im) = (&mut upper_re[k * n..], &mut upper_im[k * n..]);
            if pivot != k {
                let range = (pivot - k - 1) * n..(pivot - k) * n;
                top_re.swap_with_slice(&mut lower_re[range.clone()]);
                top_im.swap_with_slice(&mut lower_im[range]);
            }
            let (a, b) = reciprocal(top_re[k], top_im[k]);
            for (row_re, row_im) in lower_re.chunks_exact_mut(n).zip(lower_im.chunks_exact_mut(n)) {
                let (c, d) = (row_re[k], row_im[k]);
                let (f, g) = (c * a - d * b, c * b + d * a);
                (row_re[k], row_im[k]) = (f, g);
                if f == 0.0 && g == 0.0 {
                    continue;
                }
                let tops = top_re[k + 1..].iter().zip(&top_im[k + 1..]);
                for ((r, i), (p, q)) in row_re[k + 1..].iter_mut().zip(&mut row_im[k + 1..]).zip(tops) {
                    *r -= f * p - g * q;
                    *i -= f * q + g * p;
                }
            }
        }
        true
    }

    /// Overwrites `re + i im` with the solution.
    pub(super) fn solve(&self, re: &mut [f64], im: &mut [f64]) {
        let n = self.n;
        for k in 0..n {
            re.swap(k, self.pivots[k]);
            im.swap(k, self.pivots[k]);
        }
        let product = |i: usize, range: core::ops::Range<usize>, re: &[f64], im: &[f64]| {
            let (mut p, mut q) = (0.0, 0.0);
            for j in range {
                let (a, b) = (self.re[i * n + j], self.im[i * n + j]);
                p += a * re[j] - b * im[j];
                q += a * im[j] + b * re[j];
            }
            (p, q)
        };
        for i in 1..n {
            let (p, q) = product(i, 0..i, re, im);
            re[i] -= p;
            im[i] -= q;
        }
        for i in (0..n).rev() {
            let (p, q) = product(i, i + 1..n, re, im);
            let (a, b) = reciprocal(self.re[i * n + i], self.im[i * n + i]);
            let (c, d) = (re[i] - p, im[i] - q);
            (re[i], im[i]) = (c * a - d * b, c * b + d * a);
        }
    }
}

/// `1 / (a + i b)`, without overflow of the squares (Smith).
fn reciprocal(a: f64, b: f64) -> (f64, f64) {
    if a.abs() >= b.abs() {
        let ratio = b / a;
        let scale = 1.0 / (a + b * ratio);
        (scale, -ratio * scale)
    } else {
        let ratio = a / b;
        let scale = 1.0 / (a * ratio + b);
        (ratio * scale, -scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix with entries of both signs, zeros on the diagonal (pivoting must act) and no structure.
    fn sample(n: usize, seed: u32) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 23) - 1.0
        };
        (0..n * n).map(|k| if k % (n + 1) == 0 { 0.0 } else { next() }).collect()
    }

    #[test]
    fn solutions_satisfy_their_systems() {
        for n in [1, 2, 3, 8, 33] {
            for seed in 0..5 {
                let a = sample(n, seed);
                let exact: Vec<f64> = (0..n).map(|i| 1.0 - 0.3 * i as f64).collect();
                let other: Vec<f64> = (0..n).map(|i| 0.5 + 0.1 * i as f64).collect();
                let apply = |x: &[f64], i: usize| (0..n).map(|j| a[i * n + j] * x[j]).sum::<f64>();
                let (mut lu, shift) = (Lu::new(n), if n == 1 { 0.5 } else { 0.0 });
                assert!(lu.factor(shift, &a));
                let mut b: Vec<f64> = (0..n).map(|i| shift * exact[i] - apply(&exact, i)).collect();
                lu.solve(&mut b);
                // Backward error n^2 eps times the condition number, below 1e5 for all but one in 1e3 such samples.
                let bound = (n * n) as f64 * f64::EPSILON * 1e6;
                assert!(b.iter().zip(&exact).all(|(b, x)| (b - x).abs() <= bound), "n = {n}: {b:?}");

                // (s + i t) (x + i y) - A (x + i y).
                let (s, t) = (shift, 0.7);
                let mut complex = ComplexLu::new(n);
                assert!(complex.factor((s, t), &a));
                let mut re: Vec<f64> =
                    (0..n).map(|i| s * exact[i] - t * other[i] - apply(&exact, i)).collect();
                let mut im: Vec<f64> =
                    (0..n).map(|i| s * other[i] + t * exact[i] - apply(&other, i)).collect();
                complex.solve(&mut re, &mut im);
                assert!(re.iter().zip(&exact).all(|(b, x)| (b - x).abs() <= bound), "n = {n}: {re:?}");
                assert!(im.iter().zip(&other).all(|(b, x)| (b - x).abs() <= bound), "n = {n}: {im:?}");
            }
        }
    }

    #[test]
    fn singular_matrices_are_noticed() {
        let ones = [1.0; 9];
        assert!(!Lu::new(3).factor(0.0, &ones));
        assert!(!ComplexLu::new(3).factor((0.0, 0.0), &ones));
    }
}
