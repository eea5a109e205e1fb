//! The metrics against dense definitions.
use solvable_linalg::{Mat, from_rows, matmul, pseudo_inverse, trace_product};

use super::*;

/// Three classes in five dimensions, two samples each, without structure.
fn example() -> (Mat<f64>, Vec<usize>, Mat<f64>, Vec<f64>) {
    let number = |i: usize| ((i + 1) as f64 * 0.754_877_666_246_693).fract() * 2.0 - 1.0;
    let h = Mat::from_fn(5, 6, |i, j| number(3 * i + 17 * j) + if i == j / 2 { 2.0 } else { 0.0 });
    let w = Mat::from_fn(3, 5, |i, j| number(11 * i + 5 * j + 2) + if i == j { 1.0 } else { 0.0 });
    (h, vec![0, 0, 1, 1, 2, 2], w, vec![0.1, -0.2, 0.05])
}

/// Dense matrices as the definition writes them, pseudo-inverse of the d x d covariance included.
#[test]
fn metrics_are_their_definition() {
    let (h, labels, w, b) = example();
    let targets = FrameTargets { classifier: Some(vec![3.0, 2.0, 1.0]), ..FrameTargets::default() };
    let m = collapse_metrics(h.as_ref(), &labels, w.as_ref(), Some(&b), &targets).expect("valid");
    let mean = Mat::from_fn(5, 3, |i, k| 0.5 * (h[(i, 2 * k)] + h[(i, 2 * k + 1)]));
    let all: Vec<f64> = (0..5).map(|i| (0..6).map(|j| h[(i, j)]).sum::<f64>() / 6.0).collect();
    let dev = Mat::from_fn(5, 6, |i, j| h[(i, j)] - mean[(i, labels[j])]);
    let between = Mat::from_fn(5, 3, |i, k| mean[(i, k)] - all[i]);
    let sw = matmul(dev.as_ref(), dev.transpose());
    let sb = Mat::from_fn(5, 5, |i, j| (0..3).map(|k| between[(i, k)] * between[(j, k)]).sum::<f64>() / 3.0);
    let inverse = pseudo_inverse(sb.as_ref()).expect("finite");
    let nc1 = trace_product(sw.as_ref(), inverse.matrix.as_ref()) / 6.0 / 3.0;
    // The pseudo-inverse is conditioned by the square of the singular values' ratio.
    assert!((m.nc1.expect("defined") - nc1).abs() <= 1e-12 * nc1, "{:?} {nc1}", m.nc1);
    let normalised = |a: &Mat<f64>| {
        let n = a.norm_l2();
        Mat::from_fn(3, 3, |i, j| a[(i, j)] / n)
    };
    let gap = |a: &Mat<f64>, t: &Mat<f64>| (normalised(a) - normalised(t)).norm_l2();
    let ww = matmul(w.as_ref(), w.transpose());
    let hh = matmul(mean.transpose(), mean.as_ref());
    let wh = matmul(w.as_ref(), mean.as_ref());
    let wc = matmul(w.as_ref(), between.as_ref());
    let eye = Mat::from_fn(3, 3, |i, j| if i == j { 1.0 } else { 0.0 });
    let etf = Mat::from_fn(3, 3, |i, j| if i == j { 2.0 } else { -1.0 });
    let gof = Mat::from_fn(3, 3, |i, j| if i == j { 3.0 - i as f64 } else { 0.0 });
    for (found, expected) in [
        (m.nc2_w_of, gap(&ww, &eye)),
        (m.nc2_w_etf, gap(&ww, &etf)),
        (m.nc2_w_gof, gap(&ww, &gof)),
        (m.nc2_h_of, gap(&hh, &eye)),
        (m.nc2_h_etf, gap(&hh, &etf)),
        (m.nc3_of, gap(&wh, &eye)),
        (m.nc3_etf, gap(&wc, &etf)),
    ] {
        assert!((found.expect("defined") - expected).abs() <= 64.0 * f64::EPSILON, "{found:?} {expected}");
    }
    assert!(m.nc2_h_gof.is_none() && m.nc3_gof.is_none());
    let mut wrong = 0;
    for j in 0..6 {
        let score = |k: usize| (0..5).map(|i| w[(k, i)] * h[(i, j)]).sum::<f64>() + b[k];
        let far = |k: usize| (0..5).map(|i| (h[(i, j)] - mean[(i, k)]).powi(2)).sum::<f64>();
        let top = (0..3).max_by(|&a, &c| score(a).total_cmp(&score(c))).expect("three");
        let near = (0..3).min_by(|&a, &c| far(a).total_cmp(&far(c))).expect("three");
        wrong += usize::from(top != near);
    }
    assert_eq!(m.nc4, f64::from(u32::try_from(wrong).expect("small")) / 6.0);
    assert!((m.within_trace - sw.diagonal().column_vector().iter().sum::<f64>() / 6.0).abs() <= 1e-14);
}

/// Rotating features and classifier together changes nothing; rescaling changes no direction.
#[test]
fn metrics_are_invariant() {
    let (h, labels, w, b) = example();
    let none = FrameTargets::default();
    let m = collapse_metrics(h.as_ref(), &labels, w.as_ref(), Some(&b), &none).expect("valid");
    // A reflection.
    let v: Vec<f64> = [0.3, -0.5, 0.2, 0.6, -0.1].into();
    let s = 2.0 / v.iter().map(|x| x * x).sum::<f64>();
    let q = Mat::from_fn(5, 5, |i, j| f64::from(u8::from(i == j)) - s * v[i] * v[j]);
    let (qh, wq) = (matmul(q.as_ref(), h.as_ref()), matmul(w.as_ref(), q.transpose()));
    let r = collapse_metrics(qh.as_ref(), &labels, wq.as_ref(), Some(&b), &none).expect("valid");
    assert!((m.nc1.expect("defined") / r.nc1.expect("defined") - 1.0).abs() <= 1e-12);
    for (a, b) in [(m.nc2_w_etf, r.nc2_w_etf), (m.nc2_h_of, r.nc2_h_of), (m.nc3_of, r.nc3_of)] {
        assert!((a.expect("defined") - b.expect("defined")).abs() <= 64.0 * f64::EPSILON);
    }
    assert_eq!(m.nc4, r.nc4);
}

#[test]
fn undefined_and_invalid() {
    let none = FrameTargets::default();
    let h = from_rows(&[vec![1.0, 1.0], vec![2.0, 2.0]]).expect("rows");
    // Equal means: no between-class scatter.
    let m = collapse_metrics(h.as_ref(), &[0, 1], h.as_ref(), None, &none).expect("valid");
    assert_eq!(m.nc1, None);
    // Ties go to the lowest index: the classifier prefers class 1 for both samples, both means coincide.
    assert_eq!(m.nc4, 1.0);
    let zero = Mat::zeros(2, 2);
    let m = collapse_metrics(h.as_ref(), &[0, 1], zero.as_ref(), None, &none).expect("valid");
    assert_eq!((m.nc2_w_of, m.nc3_etf), (None, None));
    let one =
        collapse_metrics(h.as_ref(), &[0, 0], h.as_ref().submatrix(0, 0, 1, 2), None, &none).expect("valid");
    assert_eq!((one.nc1, one.nc2_w_etf), (None, None));
    let refused = |labels: &[usize]| collapse_metrics(h.as_ref(), labels, h.as_ref(), None, &none);
    assert!(matches!(refused(&[0, 2]), Err(InputError::Count { .. })));
    assert!(matches!(refused(&[0, 0]), Err(InputError::Count { .. })));
    assert!(matches!(refused(&[0]), Err(InputError::Shape { .. })));
    let nan = from_rows(&[vec![1.0, f64::NAN], vec![2.0, 2.0]]).expect("rows");
    let found = collapse_metrics(nan.as_ref(), &[0, 1], h.as_ref(), None, &none);
    assert!(matches!(found, Err(InputError::NotFinite { row: 1, column: 0, .. })));
    assert!(collapse_metrics(h.as_ref(), &[0, 1], h.as_ref(), Some(&[1.0]), &none).is_err());
    let bad = FrameTargets { classifier: Some(vec![1.0]), ..none };
    assert!(collapse_metrics(h.as_ref(), &[0, 1], h.as_ref(), None, &bad).is_err());
}
