//! Small dense kernels on row-major slices, without allocation: the inner loops of the Monte Carlo.
//!
//! Every update is a row plus a multiple of a row, which vectorises without reordering sums: the bits do not depend on
//! the instruction set. The factorisations here serve designs whose condition number is moderate with probability one;
//! a pivot that rounding could have made is refused.
use super::SimulationError;

/// `y += a x`.
#[inline]
pub(super) fn add_multiple(y: &mut [f64], a: f64, x: &[f64]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// Inner product with eight partial sums, combined in a fixed order.
#[inline]
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (xs, x_rest) = x.as_chunks::<8>();
    let (ys, y_rest) = y.as_chunks::<8>();
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let mut rest = 0.0;
    for (x, y) in x_rest.iter().zip(y_rest) {
        rest += x * y;
    }
    ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) + rest
}

/// Sum of squares.
#[inline]
pub(super) fn energy(x: &[f64]) -> f64 {
    dot(x, x)
}

/// Upper triangle of `g += sum_i x_i x_i'` over the rows x_i of length d.
pub(super) fn add_gram(g: &mut [f64], rows: &[f64], d: usize) {
    // Four rows a pass: a quarter of the traffic through g.
    let (fours, rest) = rows.split_at(rows.len() / (4 * d) * 4 * d);
    for four in fours.chunks_exact(4 * d) {
        let (a, b, c, e) = (&four[..d], &four[d..2 * d], &four[2 * d..3 * d], &four[3 * d..]);
        for i in 0..d {
            let row = &mut g[i * d + i..(i + 1) * d];
            let (ai, bi, ci, ei) = (a[i], b[i], c[i], e[i]);
            for ((((g, a), b), c), e) in row.iter_mut().zip(&a[i..]).zip(&b[i..]).zip(&c[i..]).zip(&e[i..]) {
                *g += (ai * a + bi * b) + (ci * c + ei * e);
            }
        }
    }
    for x in rest.chunks_exact(d) {
        for i in 0..d {
            add_multiple(&mut g[i * d + i..(i + 1) * d], x[i], &x[i..]);
        }
    }
}

/// Copies the upper triangle onto the lower one.
pub(super) fn mirror(g: &mut [f64], d: usize) {
    for i in 1..d {
        for j in 0..i {
            g[i * d + j] = g[j * d + i];
        }
    }
}

/// Replaces the upper triangle of `h` by R with `h = R' R`, R upper triangular.
///
/// # Errors
/// [`SimulationError::Singular`] at a pivot at or below `d eps max(diagonal)`: rounding alone can make such a pivot.
pub(super) fn cholesky(h: &mut [f64], d: usize) -> Result<(), SimulationError> {
    let largest = (0..d).fold(0.0_f64, |m, i| m.max(h[i * d + i]));
    let smallest = d as f64 * f64::EPSILON * largest;
    for k in 0..d {
        let pivot = h[k * d + k];
        // Written so that NaN is refused too.
        if !(pivot > smallest && pivot.is_finite()) {
            return Err(SimulationError::Singular { index: k, pivot });
        }
        let (head, tail) = h.split_at_mut((k + 1) * d);
        let row = &mut head[k * d + k..];
        let inverse = 1.0 / pivot.sqrt();
        for value in row.iter_mut() {
            *value *= inverse;
        }
        for i in k + 1..d {
            let factor = -row[i - k];
            add_multiple(&mut tail[(i - k - 1) * d + i..(i - k) * d], factor, &row[i - k..]);
        }
    }
    Ok(())
}

/// Overwrites the p columns of `b` (d x p, row-major) by the solution of `R' y = b`.
pub(super) fn solve_transposed(r: &[f64], d: usize, b: &mut [f64], p: usize) {
    for i in 0..d {
        let (done, rest) = b.split_at_mut(i * p);
        let row = &mut rest[..p];
        for k in 0..i {
            add_multiple(row, -r[k * d + i], &done[k * p..(k + 1) * p]);
        }
        let inverse = 1.0 / r[i * d + i];
        for value in row {
            *value *= inverse;
        }
    }
}

/// Overwrites the p columns of `b` (d x p, row-major) by the solution of `R x = b`.
pub(super) fn solve_upper(r: &[f64], d: usize, b: &mut [f64], p: usize) {
    for i in (0..d).rev() {
        let (head, done) = b.split_at_mut((i + 1) * p);
        let row = &mut head[i * p..];
        for k in i + 1..d {
            add_multiple(row, -r[i * d + k], &done[(k - i - 1) * p..(k - i) * p]);
        }
        let inverse = 1.0 / r[i * d + i];
        for value in row {
            *value *= inverse;
        }
    }
}

/// Overwrites `b` (d x p) by `(R' R)^(-1) b`.
pub(super) fn solve(r: &[f64], d: usize, b: &mut [f64], p: usize) {
    solve_transposed(r, d, b, p);
    solve_upper(r, d, b, p);
}

/// `out = a b` for row-major d x q and q x p.
pub(super) fn multiply(out: &mut [f64], a: &[f64], b: &[f64], q: usize, p: usize) {
    for (out, a) in out.chunks_exact_mut(p).zip(a.chunks_exact(q)) {
        out.fill(0.0);
        for (&a, b) in a.iter().zip(b.chunks_exact(p)) {
            add_multiple(out, a, b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix with an integer factor: every step is exact.
    #[test]
    fn factor_and_solutions_are_those_of_a_known_factor() {
        let r = [2.0, 1.0, -1.0, 0.0, 3.0, 2.0, 0.0, 0.0, 4.0];
        let mut h = [0.0; 9];
        for i in 0..3 {
            for j in i..3 {
                h[i * 3 + j] = (0..3).map(|k| r[k * 3 + i] * r[k * 3 + j]).sum();
            }
        }
        mirror(&mut h, 3);
        let whole = h;
        cholesky(&mut h, 3).expect("positive definite");
        for i in 0..3 {
            for j in i..3 {
                assert!((h[i * 3 + j] - r[i * 3 + j]).abs() <= 4.0 * f64::EPSILON);
            }
        }
        let x = [1.0, -2.0, 0.5, 4.0, -3.0, 1.0];
        let mut b = [0.0; 6];
        multiply(&mut b, &whole, &x, 3, 2);
        solve(&h, 3, &mut b, 2);
        for (a, e) in b.iter().zip(x) {
            // Condition number below 100.
            assert!((a - e).abs() < 100.0 * 3.0 * f64::EPSILON * 4.0);
        }
        assert!(cholesky(&mut [1.0, 1.0, 1.0, 1.0], 2).is_err());
        assert!(cholesky(&mut [f64::NAN], 1).is_err());
    }

    #[test]
    fn gram_matrices_and_products_of_every_length() {
        for n in 1..10 {
            let d = 3;
            let x: Vec<f64> = (0..n * d).map(|i| ((i * 7) % 5) as f64 - 2.0).collect();
            let mut g = vec![0.0; d * d];
            add_gram(&mut g, &x, d);
            mirror(&mut g, d);
            for i in 0..d {
                for j in 0..d {
                    let exact: f64 = (0..n).map(|r| x[r * d + i] * x[r * d + j]).sum();
                    assert_eq!(g[i * d + j], exact);
                }
            }
            let exact: f64 = x.iter().map(|v| v * v).sum();
            assert_eq!(energy(&x), exact);
        }
    }
}
