//! Bad input: each routine names what is wrong.

use super::samples::hilbert;
use crate::*;

type Routine = (&'static str, fn(MatRef<'_, f64>) -> Option<LinalgError>);

fn square() -> [Routine; 6] {
    [
        ("symmetric_eigen", |a| symmetric_eigen(a).err()),
        ("symmetric_eigenvalues", |a| symmetric_eigenvalues(a).err()),
        ("cholesky", |a| cholesky(a).err()),
        ("inverse", |a| inverse(a).err()),
        ("determinant", |a| determinant(a).err()),
        ("log_abs_det", |a| log_abs_det(a).err()),
    ]
}

fn any_shape() -> [Routine; 6] {
    [
        ("svd", |a| svd(a).err()),
        ("singular_values", |a| singular_values(a).err()),
        ("rank", |a| rank(a).err()),
        ("pseudo_inverse", |a| pseudo_inverse(a).err()),
        ("qr", |a| qr(a).err()),
        ("least_squares", |a| least_squares(a, Mat::from_fn(a.nrows(), 1, |_, _| 1.0).as_ref()).err()),
    ]
}

#[test]
fn not_finite() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut a = hilbert(3);
        a[(2, 1)] = bad;
        a[(1, 2)] = bad;
        for (name, f) in square().into_iter().chain(any_shape()) {
            match f(a.as_ref()) {
                Some(LinalgError::NotFinite { row: 2, column: 1, value }) => {
                    assert_eq!(value.to_bits(), bad.to_bits(), "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
        let mut b = Mat::from_fn(3, 1, |_, _| 1.0);
        b[(1, 0)] = bad;
        let errors = [
            solve(hilbert(3).as_ref(), b.as_ref()).err(),
            solve_spd(hilbert(3).as_ref(), b.as_ref()).err(),
            least_squares(hilbert(3).as_ref(), b.as_ref()).err(),
            cholesky(hilbert(3).as_ref()).expect("definite").solve_vec(&[1.0, bad, 1.0]).err(),
        ];
        for e in errors {
            assert!(matches!(e, Some(LinalgError::NotFinite { row: 1, column: 0, .. })), "{e:?}");
        }
        assert!(matches!(tridiagonal_eigen(&[0.0, 0.0], &[bad]), Err(LinalgError::NotFinite { .. })));
    }
}

#[test]
fn misshapen() {
    for (rows, columns) in [(0, 0), (0, 3), (3, 0)] {
        let a = Mat::<f64>::zeros(rows, columns);
        for (name, f) in any_shape() {
            assert_eq!(f(a.as_ref()), Some(LinalgError::Empty { rows, columns }), "{name}");
        }
    }
    for (name, f) in square() {
        assert_eq!(
            f(Mat::<f64>::zeros(0, 0).as_ref()),
            Some(LinalgError::Empty { rows: 0, columns: 0 }),
            "{name}"
        );
        let wide = Mat::<f64>::zeros(2, 3);
        assert_eq!(f(wide.as_ref()), Some(LinalgError::NotSquare { rows: 2, columns: 3 }), "{name}");
    }
    let (a, b) = (hilbert(3), Mat::<f64>::zeros(2, 1));
    let mismatch = LinalgError::DimensionMismatch { expected: 3, found: 2 };
    assert_eq!(solve(a.as_ref(), b.as_ref()).err(), Some(mismatch.clone()));
    assert_eq!(solve_spd(a.as_ref(), b.as_ref()).err(), Some(mismatch.clone()));
    assert_eq!(least_squares(a.as_ref(), b.as_ref()).err(), Some(mismatch.clone()));
    assert_eq!(cholesky(a.as_ref()).expect("definite").solve_vec(&[1.0, 2.0]).err(), Some(mismatch));
    assert_eq!(tridiagonal_eigen(&[], &[]).err(), Some(LinalgError::Empty { rows: 0, columns: 0 }));
    let mismatch = LinalgError::DimensionMismatch { expected: 1, found: 0 };
    assert_eq!(tridiagonal_eigen(&[1.0, 2.0], &[]).err(), Some(mismatch));
    let ragged = LinalgError::Ragged { row: 1, expected: 2, found: 1 };
    assert_eq!(from_rows(&[vec![1.0, 2.0], vec![3.0]]).err(), Some(ragged));
}

#[test]
fn not_symmetric() {
    let mut a = hilbert(4);
    a[(3, 0)] += 1e-9;
    for e in [symmetric_eigen(a.as_ref()).err(), cholesky(a.as_ref()).err()] {
        match e {
            Some(LinalgError::NotSymmetric { row: 3, column: 0, difference, tolerance }) => {
                assert!(difference > tolerance && tolerance == tolerance::symmetry(4, 1.0));
            }
            other => panic!("{other:?}"),
        }
    }
    // Rounding in a product is not asymmetry.
    let mut a = hilbert(4);
    a[(3, 0)] = a[(3, 0)].next_up();
    assert!(symmetric_eigen(a.as_ref()).is_ok());
}

#[test]
fn not_positive_definite() {
    let at = |index| Some(LinalgError::NotPositiveDefinite { index });
    assert_eq!(cholesky(diagonal(&[1.0, 2.0, -1.0]).as_ref()).err(), at(2));
    assert_eq!(cholesky(diagonal(&[1.0, 0.0]).as_ref()).err(), at(1));
    assert_eq!(cholesky(Mat::<f64>::zeros(2, 2).as_ref()).err(), at(0));
    let indefinite =
        from_rows(&[vec![1.0, 2.0, 0.0], vec![2.0, 1.0, 0.0], vec![0.0, 0.0, 1.0]]).expect("rows");
    assert_eq!(cholesky(indefinite.as_ref()).err(), at(1));
    // Off-diagonal entries far beyond what the diagonal allows, to the point of overflow after scaling.
    let wild = from_rows(&[vec![1e-300, 1e300], vec![1e300, 1e-300]]).expect("rows");
    assert_eq!(cholesky(wild.as_ref()).err(), at(1));
}

#[test]
fn out_of_range() {
    // Both eigenvalues are ±2e308 or 0: not representable.
    let a = Mat::from_fn(2, 2, |_, _| 1e308);
    let overflow = |e: Option<LinalgError>| {
        assert!(matches!(e, Some(LinalgError::Overflow { exponent: 1024 })), "{e:?}")
    };
    overflow(symmetric_eigen(a.as_ref()).err());
    overflow(svd(a.as_ref()).err());
    assert!(matches!(inverse(diagonal(&[1e-310, 1.0]).as_ref()), Err(LinalgError::Overflow { .. })));
    assert!(matches!(determinant(diagonal(&[1e200, 1e200]).as_ref()), Err(LinalgError::Overflow { .. })));
    assert_eq!(determinant(diagonal(&[1e-200, 1e-200]).as_ref()), Ok(0.0));
    assert!(
        (log_abs_det(diagonal(&[1e200, 1e200]).as_ref()).expect("finite").log_abs - 400.0 * 10.0_f64.ln())
            .abs()
            < 1e-12
    );
}

#[test]
fn messages_carry_the_numbers() {
    let text = LinalgError::NotFinite { row: 2, column: 1, value: f64::NAN }.to_string();
    assert_eq!(text, "entry (2, 1) = NaN is not finite");
    let text =
        LinalgError::CertificateFailed { certificate: Certificate::Residual, value: 1.5, tolerance: 0.25 };
    assert_eq!(
        text.to_string(),
        "residual of the factorisation is 1.5, above the tolerance 0.25: the result was refused"
    );
}
