//! Random shapes, scales and ranks. Every assertion is deterministic; what was covered is counted and printed.

use super::oracle::{jacobi_eigenvalues, jacobi_singular_values, spectral_error};
use super::samples::{Stream, equilibrated, normalised, rescaled};
use crate::*;
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts cases in a stratum.
struct Stratum(&'static str, AtomicUsize);

impl Stratum {
    const fn new(name: &'static str) -> Self {
        Self(name, AtomicUsize::new(0))
    }

    fn count(&self, yes: bool) {
        self.1.fetch_add(usize::from(yes), Ordering::Relaxed);
    }

    fn report(all: &[&Self]) {
        for s in all {
            let n = s.1.load(Ordering::Relaxed);
            eprintln!("covered {}: {n}", s.0);
            assert!(n > 0, "stratum {} is empty", s.0);
        }
    }
}

/// A matrix whose entries have exponents spread over `2 * spread` powers of two, of rank at most `rank`.
fn matrix(m: usize, n: usize, rank: usize, spread: u64, seed: u64) -> Mat<f64> {
    let mut s = Stream(seed);
    let wild = |s: &mut Stream| {
        let e = if spread == 0 { 0 } else { (s.bits() % (2 * spread + 1)) as i32 - spread as i32 };
        s.uniform() * 2.0_f64.powi(e)
    };
    let mut a = Mat::zeros(m, n);
    if rank >= m.min(n) {
        for j in 0..n {
            for i in 0..m {
                a[(i, j)] = wild(&mut s);
            }
        }
        return a;
    }
    for _ in 0..rank {
        let x: Vec<f64> = (0..m).map(|_| wild(&mut s)).collect();
        let y: Vec<f64> = (0..n).map(|_| wild(&mut s)).collect();
        a += outer(&x, &y);
    }
    a
}

#[test]
fn decompositions() {
    static MIXED: Stratum = Stratum::new("entries over more than 2^1000");
    static DEFICIENT: Stratum = Stratum::new("rank-deficient");
    static WIDE: Stratum = Stratum::new("wide");
    static TALL: Stratum = Stratum::new("tall");
    static ONE: Stratum = Stratum::new("n = 1");
    static BAD: Stratum = Stratum::new("condition above 1e6");
    let spread = prop_oneof![Just(0_u64), 1_u64..20, 20_u64..250, Just(500_u64)];
    let cases = (1_usize..9, 1_usize..9, 0_usize..12, spread, any::<u64>());
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |((m, n, rank, spread, seed) in cases)| {
        let a = matrix(m, n, rank, spread, seed);
        let (b, k) = normalised(&a);
        let norm = frobenius_norm(b.as_ref());
        let big = m.max(n);
        MIXED.count(spread > 500 / 2);
        DEFICIENT.count(rank < m.min(n));
        WIDE.count(m < n);
        TALL.count(m > n);
        ONE.count(m == 1 || n == 1);

        let d = svd(a.as_ref()).expect("finite input in range");
        let s: Vec<f64> = d.s.iter().map(|&x| rescaled(x, k)).collect();
        BAD.count(s[0] > 1e6 * s[s.len() - 1]);
        prop_assert!(spectral_error(b.as_ref(), d.u.as_ref(), &s, d.v.as_ref()) <= tolerance::residual(big, norm));
        for (x, y) in s.iter().zip(jacobi_singular_values(b.as_ref())) {
            prop_assert!((x - y).abs() <= rescaled(d.error, k) + tolerance::residual(big, norm), "{} {}", x, y);
        }
        prop_assert!(d.rank() <= rank.min(m).min(n));
        let f = qr(a.as_ref()).expect("finite input in range");
        prop_assert!(f.residual <= tolerance::residual(big, 1.0));
        // The pseudo-inverse may leave the range of f64; nothing else may go wrong.
        match pseudo_inverse(a.as_ref()) {
            Ok(p) => prop_assert_eq!(p.rank, d.rank()),
            Err(e) => prop_assert!(matches!(e, LinalgError::Overflow { .. }), "{}", e),
        }

        let c = matrix(m, m, m, spread, seed);
        let c = Mat::from_fn(m, m, |i, j| if i <= j { c[(i, j)] } else { c[(j, i)] });
        let e = symmetric_eigen(c.as_ref()).expect("finite input in range");
        let (c, k) = normalised(&c);
        let norm = frobenius_norm(c.as_ref());
        let values: Vec<f64> = e.values.iter().map(|&x| rescaled(x, k)).collect();
        prop_assert!(
            spectral_error(c.as_ref(), e.vectors.as_ref(), &values, e.vectors.as_ref()) <= tolerance::residual(m, norm)
        );
        for (x, y) in values.iter().zip(jacobi_eigenvalues(c.as_ref())) {
            prop_assert!((x - y).abs() <= rescaled(e.error, k) + tolerance::residual(m, norm), "{} {}", x, y);
        }
    });
    Stratum::report(&[&MIXED, &DEFICIENT, &WIDE, &TALL, &ONE, &BAD]);
}

#[test]
fn linear_systems() {
    static SOLVED: Stratum = Stratum::new("solved");
    static CHECKED: Stratum = Stratum::new("compared with the exact solution");
    static SINGULAR: Stratum = Stratum::new("refused as singular");
    static DEFINITE: Stratum = Stratum::new("Cholesky");
    let cases = (1_usize..7, 0_usize..9, prop_oneof![Just(0_u64), 1_u64..60, 60_u64..250], any::<u64>());
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |((n, rank, spread, seed) in cases)| {
        let a = matrix(n, n, rank, spread, seed);
        let b = matrix(n, 1, n, spread, seed ^ 1);
        let (ea, eb) = (super::oracle::exact(a.as_ref()), super::oracle::exact(b.as_ref()));
        let truth = super::oracle::exact_solve(&ea, &eb);
        match solve(a.as_ref(), b.as_ref()) {
            Ok(x) => {
                SOLVED.count(true);
                prop_assert!(x.residual <= tolerance::backward_error(n));
                let truth = truth.expect("a singular matrix was solved").0;
                // Refinement converges to a few units relative to the largest entry of C^-1 x (4 steps from 1e-8). Below
                // 2^-900 products underflow in the residual.
                if x.rcond > 1e-8 && spread < 60 {
                    CHECKED.count(true);
                    let (_, c) = equilibrated(&a);
                    let back = |i: usize| 1.0 / c[i];
                    let y = Mat::from_fn(n, 1, |i, _| x.x[(i, 0)] * back(i));
                    let truth: Vec<Vec<_>> =
                        (0..n).map(|i| vec![&truth[i][0] * super::oracle::rational(back(i))]).collect();
                    prop_assert!(super::oracle::column_error(y.as_ref(), &truth) <= 4.0 * f64::EPSILON);
                }
            }
            Err(LinalgError::Singular { rcond, tolerance }) => {
                SINGULAR.count(true);
                prop_assert!(rcond <= tolerance);
            }
            Err(e) => prop_assert!(matches!(e, LinalgError::Overflow { .. }), "{}", e),
        }
        // B B' + diagonal is definite.
        let g = matrix(n, n, n, spread.min(60), seed ^ 2);
        let gram = matmul(g.as_ref(), g.transpose());
        let spd = Mat::from_fn(n, n, |i, j| gram[(i, j)] * if i == j { 1.5 } else { 1.0 });
        let c = cholesky(spd.as_ref()).expect("definite");
        DEFINITE.count(true);
        prop_assert!(c.residual() <= tolerance::residual(n, 1.0));
        let l = c.factor();
        for i in 0..n {
            for j in 0..=i {
                let product: f64 = (0..=j).map(|k| l[(i, k)] * l[(j, k)]).sum();
                let size = (spd[(i, i)] * spd[(j, j)]).sqrt();
                prop_assert!((spd[(i, j)] - product).abs() <= tolerance::residual(n, size));
            }
        }
    });
    Stratum::report(&[&SOLVED, &CHECKED, &SINGULAR, &DEFINITE]);
}
