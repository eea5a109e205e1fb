//! Each routine against a different algorithm (`oracle`), structured inputs first (`samples`), then random ones over
//! wide ranges (`random`); wrong factors are offered to every certificate (`sabotage`), bad inputs to every routine
//! (`refusal`). Bounds come from `tolerance` or from the certificate of the result, and the worst row is printed.

mod eigen;
mod oracle;
mod random;
mod refusal;
mod sabotage;
mod samples;
mod sums;
mod svd;
mod systems;

/// Keeps the largest ratio of an error to epsilon and says which row it was.
struct Worst {
    what: &'static str,
    row: String,
    epsilons: f64,
}

impl Worst {
    fn new(what: &'static str) -> Self {
        Self { what, row: String::new(), epsilons: 0.0 }
    }

    /// Records a relative error.
    fn see(&mut self, row: impl std::fmt::Display, relative: f64) {
        let epsilons = relative / f64::EPSILON;
        if epsilons.is_nan() || epsilons >= self.epsilons {
            (self.row, self.epsilons) = (row.to_string(), epsilons);
        }
    }
}

impl Drop for Worst {
    fn drop(&mut self) {
        eprintln!("worst {}: {:.2} epsilon, {}", self.what, self.epsilons, self.row);
    }
}

/// One sanity test at a size where blocking and divide and conquer are at work: identities, n = 512.
#[test]
fn large() {
    let n = 512;
    let a = samples::Stream(512).symmetric(n);
    let start = std::time::Instant::now();
    let e = crate::symmetric_eigen(a.as_ref()).expect("symmetric");
    let time = start.elapsed();
    let mut worst = Worst::new("512 x 512 residual and orthogonality (Frobenius)");
    worst.see("residual", e.residual);
    worst.see("orthogonality", e.orthogonality);
    // Frobenius norm and trace from the entries, by loops that share nothing with the certificate.
    let squares: f64 = (0..n).flat_map(|j| a.col(j).iter()).map(|x| x * x).sum();
    let from_values: f64 = e.values.iter().map(|x| x * x).sum();
    assert!((squares - from_values).abs() <= crate::tolerance::squared_norm(n, squares.sqrt()));
    let s = crate::singular_values(a.as_ref()).expect("finite");
    let mut absolute: Vec<f64> = e.values.iter().map(|x| x.abs()).collect();
    absolute.sort_by(|x, y| y.total_cmp(x));
    for (x, y) in s.iter().zip(&absolute) {
        assert!((x - y).abs() <= crate::tolerance::residual(n, s[0]), "{x} {y}");
    }
    let spectral = start.elapsed();
    let b = crate::Mat::from_fn(n, 1, |i, _| (i % 7) as f64 - 3.0);
    let x = crate::solve(a.as_ref(), b.as_ref()).expect("regular");
    worst.see("backward error of a system", x.residual);
    let product = crate::matmul(a.as_ref(), x.x.as_ref());
    let size = crate::frobenius_norm(a.as_ref()) * crate::frobenius_norm(x.x.as_ref());
    assert!(
        crate::certificate::distance(product.as_ref(), b.as_ref()) <= crate::tolerance::residual(n, size)
    );
    eprintln!(
        "512 x 512: eigen {time:?}, with singular values {spectral:?}, with a system {:?}",
        start.elapsed()
    );
}

/// Threads around the library do not change its bits.
#[test]
fn same_bits_in_every_thread() {
    let run = || {
        let a = samples::Stream(9).matrix(70, 50);
        let d = crate::svd(a.as_ref()).expect("finite");
        let e = crate::symmetric_eigen(crate::transpose_matmul(a.as_ref(), a.as_ref()).as_ref())
            .expect("symmetric");
        let bits = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        (bits(&d.s), bits(&e.values), crate::to_rows(e.vectors.as_ref()))
    };
    let expected = run();
    let handles: Vec<_> = (0..4).map(|_| std::thread::spawn(run)).collect();
    for h in handles {
        assert_eq!(h.join().expect("no panic"), expected);
    }
}
