//! Products and sums against plain loops, exact rationals and algebraic identities.

use super::Worst;
use super::oracle::{exact, exact_product, rational};
use super::samples::{Stream, hadamard};
use crate::*;
use dashu::rational::RBig;

#[test]
fn products_of_integers_are_exact() {
    let mut s = Stream(40);
    for (m, k, n) in [(1, 1, 1), (2, 3, 4), (17, 5, 9), (33, 64, 20), (1, 40, 1), (40, 1, 40)] {
        let (a, b) = (s.integers(m, k), s.integers(k, n));
        let truth = exact_product(&exact(a.as_ref()), &exact(b.as_ref()));
        let truth = Mat::from_fn(m, n, |i, j| truth[i][j].to_f64().value());
        assert_eq!(matmul(a.as_ref(), b.as_ref()), truth);
        assert_eq!(transpose_matmul(a.transpose(), b.as_ref()), truth);
        let mut out = Mat::from_fn(m, n, |_, _| f64::NAN);
        matmul_into(out.as_mut(), a.as_ref(), b.as_ref());
        assert_eq!(out, truth, "what was there before must not matter");
        let x: Vec<f64> = b.col(0).iter().copied().collect();
        let mut y = vec![f64::NAN; m];
        mat_vec(a.as_ref(), &x, &mut y);
        assert_eq!(y, truth.col(0).iter().copied().collect::<Vec<_>>());
        let (l, r) = (s.integers(1, m), s.integers(n, 1));
        let form = matmul(matmul(l.as_ref(), truth.as_ref()).as_ref(), r.as_ref())[(0, 0)];
        let (l, r): (Vec<f64>, Vec<f64>) =
            (l.row(0).iter().copied().collect(), r.col(0).iter().copied().collect());
        assert_eq!(quadratic_form(&l, truth.as_ref(), &r), form);
    }
}

#[test]
fn traces() {
    let mut s = Stream(41);
    for (m, n) in [(1, 1), (3, 8), (20, 13)] {
        let (a, b) = (s.integers(m, n), s.integers(n, m));
        let forward = trace(matmul(a.as_ref(), b.as_ref()).as_ref());
        assert_eq!(trace_product(a.as_ref(), b.as_ref()), forward);
        assert_eq!(trace_product(b.as_ref(), a.as_ref()), forward);
    }
    assert_eq!(trace(hadamard(4).as_ref()), 0.0);
}

#[test]
fn sums_against_exact_rationals() {
    let mut worst = Worst::new("pairwise sum, relative to the sum of absolute values");
    let mut s = Stream(42);
    for n in [0, 1, 2, 7, 8, 9, 127, 128, 129, 255, 256, 257, 1000, 4097] {
        let x: Vec<f64> = (0..n).map(|_| s.uniform() * 2.0_f64.powi((s.bits() % 40) as i32)).collect();
        let y: Vec<f64> = (0..n).map(|_| s.uniform()).collect();
        let size: f64 = x.iter().map(|v| v.abs()).sum();
        let truth = x.iter().fold(RBig::ZERO, |t, &v| t + rational(v));
        let off = |found: f64, truth: &RBig| (rational(found) - truth).to_f64().value().abs();
        // 16 additions in a lane at most, 3 to join the lanes, one a level above the blocks.
        let levels = 19 + (n as f64 / 128.0).max(1.0).log2().ceil() as usize;
        let error = off(sum(&x), &truth);
        worst.see(format!("n = {n}"), if size == 0.0 { 0.0 } else { error / size });
        assert!(error <= tolerance::gamma(levels) * size, "{n}: {error}");
        let bound = tolerance::UNIT * truth.to_f64().value().abs() + tolerance::gamma(n).powi(2) * size;
        assert!(off(sum_compensated(&x), &truth) <= bound, "{n}");
        let products = x.iter().zip(&y).fold(RBig::ZERO, |t, (&v, &w)| t + rational(v) * rational(w));
        let size: f64 = x.iter().zip(&y).map(|(v, w)| (v * w).abs()).sum();
        assert!(off(dot(&x, &y), &products) <= tolerance::gamma(levels + 1) * size, "{n}");
    }
    assert_eq!(sum_compensated(&[f64::MAX, f64::MAX]), f64::INFINITY);
    assert!(sum_compensated(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    assert_eq!(sum_compensated(&[0.1; 10]), 1.0);
}

#[test]
fn norms() {
    assert_eq!(frobenius_norm(hadamard(6).as_ref()), 64.0);
    assert_eq!(frobenius_norm(Mat::<f64>::zeros(3, 0).as_ref()), 0.0);
    let power = |k| 2.0_f64.powi(k);
    for k in [-1060, -600, 0, 600, 1000] {
        assert_eq!(frobenius_norm(outer(&[3.0, 4.0], &[power(k)]).as_ref()), 5.0 * power(k));
        assert_eq!(max_abs(outer(&[3.0, -4.0], &[power(k)]).as_ref()), 4.0 * power(k));
    }
    assert_eq!(frobenius_norm(diagonal(&[f64::MAX, f64::MAX]).as_ref()), f64::INFINITY);
    assert_eq!(frobenius_norm(diagonal(&[f64::NEG_INFINITY]).as_ref()), f64::INFINITY);
    assert!(frobenius_norm(diagonal(&[1.0, f64::NAN]).as_ref()).is_nan());
    assert!(max_abs(diagonal(&[f64::INFINITY, f64::NAN]).as_ref()).is_nan());
}

#[test]
fn kronecker_mixed_product() {
    // (A ⊗ B)(C ⊗ D) = AC ⊗ BD, exact in integers; and the trace of a Kronecker product is the product of traces.
    let mut s = Stream(43);
    let (a, b, c, d) = (s.integers(2, 3), s.integers(4, 2), s.integers(3, 2), s.integers(2, 5));
    let left = matmul(kronecker(a.as_ref(), b.as_ref()).as_ref(), kronecker(c.as_ref(), d.as_ref()).as_ref());
    let right = kronecker(matmul(a.as_ref(), c.as_ref()).as_ref(), matmul(b.as_ref(), d.as_ref()).as_ref());
    assert_eq!(left, right);
    let (a, b) = (s.integers(3, 3), s.integers(4, 4));
    assert_eq!(trace(kronecker(a.as_ref(), b.as_ref()).as_ref()), trace(a.as_ref()) * trace(b.as_ref()));
}

#[test]
fn rows_and_symmetry() {
    let a = Stream(44).matrix(3, 5);
    assert_eq!(from_rows(&to_rows(a.as_ref())).expect("rectangular"), a);
    assert_eq!(from_rows(&[]).expect("empty").nrows(), 0);
    let b = Stream(45).matrix(6, 6);
    let sym = symmetrize(b.as_ref());
    assert_eq!(sym, sym.transpose().to_owned());
    assert_eq!(symmetrize(sym.as_ref()), sym);
    assert_eq!(symmetrize(diagonal(&[f64::MAX]).as_ref()), diagonal(&[f64::MAX]));
    assert_eq!(outer(&[1.0, 2.0], &[3.0]), from_rows(&[vec![3.0], vec![6.0]]).expect("rows"));
}

#[test]
fn scaling_is_exact() {
    use crate::scale::{exponent, ldexp};
    for (x, k) in
        [(1.0, 0), (1.5, 0), (2.0, 1), (0.75, -1), (5e-324, -1074), (1e-310, -1030), (f64::MAX, 1023)]
    {
        assert_eq!(exponent(x), k, "{x}");
        assert_eq!(exponent(-x), k, "{x}");
        let mantissa = ldexp(x, -k);
        assert!((1.0..2.0).contains(&mantissa));
        assert_eq!(ldexp(mantissa, k), x);
    }
    assert_eq!(ldexp(1.0, 5000), f64::INFINITY);
    assert_eq!(ldexp(1.0, -5000), 0.0);
    assert_eq!(ldexp(0.0, i32::MAX), 0.0);
}
