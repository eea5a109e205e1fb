//! NC-09 and NC-20 to NC-24: printed numbers, and Hessians by differences of the raw gradient.
use solvable_linalg::{Mat, symmetric_eigenvalues, symmetrize};
use solvable_model::Objective;
use solvable_model::collapse::{Bias, ClassLoss, FreeFeatures, FreeFeaturesLoss};

use super::super::*;
use super::{close, printed, problem};

/// Eigenvalues, increasing, of the Hessian from central differences of the gradient (exact to h^4 and eps/h).
fn hessian_eigenvalues(objective: &FreeFeaturesLoss, x: &[f64]) -> Vec<f64> {
    let (n, h) = (x.len(), 1e-3);
    let mut work = objective.work();
    let mut at = |i: usize, s: f64| {
        let mut y = x.to_vec();
        y[i] += s;
        let mut g = vec![0.0; n];
        objective.gradient(&y, &mut g, &mut work);
        g
    };
    let columns: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let (p, m, pp, mm) = (at(i, h), at(i, -h), at(i, 2.0 * h), at(i, -2.0 * h));
            (0..n).map(|j| (8.0 * (p[j] - m[j]) - (pp[j] - mm[j])) / (12.0 * h)).collect()
        })
        .collect();
    let matrix = Mat::from_fn(n, n, |i, j| columns[j][i]);
    let mut e = symmetric_eigenvalues(symmetrize(matrix.as_ref()).as_ref()).expect("symmetric");
    e.reverse();
    e
}

/// Tolerance of such eigenvalues: rounding of the gradient over h, and h^4.
const HESSIAN_TOLERANCE: f64 = 1e-10;

#[test]
fn spectrum_at_the_minimum() {
    for (k, n, d, lambda) in [(3, 2, 5, 0.05), (2, 3, 2, 0.1), (1, 4, 2, 0.2), (3, 1, 4, 0.1)] {
        let p = problem(&vec![n; k], &[d], &[lambda], lambda, Bias::None);
        let found = hessian_spectrum(&p).expect("covered");
        let objective = FreeFeaturesLoss::new(&p, ClassLoss::Squared).expect("fits");
        assert_eq!(found.dimension, objective.dimension());
        let x = squared_minimizer(&objective).expect("in range");
        let mut expected: Vec<f64> =
            found.eigenvalues.iter().flat_map(|&(e, m)| core::iter::repeat_n(e, m)).collect();
        expected.sort_by(f64::total_cmp);
        let measured = hessian_eigenvalues(&objective, &x);
        assert_eq!(measured.len(), expected.len());
        for (m, e) in measured.iter().zip(&expected) {
            assert!((m - e).abs() <= HESSIAN_TOLERANCE, "{m} {e}");
        }
        let smallest = smallest_hessian_eigenvalue(&p, &(0..k).collect::<Vec<_>>()).expect("covered");
        assert!((smallest - expected[0]).abs() <= 1e-15, "{smallest} {}", expected[0]);
    }
    let dead = problem(&[2, 2], &[2], &[0.9], 0.9, Bias::None);
    assert!(matches!(hessian_spectrum(&dead), Err(CollapseError::Input(_))));
    assert!(hessian_spectrum(&problem(&[2, 2], &[1], &[0.1], 0.1, Bias::None)).is_err());
    assert!(hessian_spectrum(&problem(&[2, 2], &[2], &[0.1], 0.2, Bias::None)).is_err());
    assert!(hessian_spectrum(&problem(&[2, 1], &[2], &[0.1], 0.1, Bias::None)).is_err());
}

/// A critical point that learns the classes of `active`, depth M, equal regularisation.
fn critical_point(p: &FreeFeatures, objective: &FreeFeaturesLoss, active: &[usize]) -> Vec<f64> {
    let wide = FreeFeatures::uniform(
        p.classes().clone(),
        p.depth(),
        p.classes().classes().max(p.widths()[0]),
        p.lambda_h(),
        Bias::None,
    )
    .expect("valid");
    let frame = orthogonal_frame(&wide).expect("covered");
    let shapes = objective.layout().factors();
    let factors: Vec<Mat<f64>> = shapes
        .iter()
        .enumerate()
        .map(|(l, shape)| {
            Mat::from_fn(shape.rows, shape.columns, |i, j| {
                // Channel c carries class active[c].
                let class = |c: usize| active.get(c).copied();
                let (row, column) = match l {
                    0 => (Some(i), class(j)),
                    _ if l + 1 == shapes.len() => (class(i), Some(objective.labels()[j])),
                    _ if i == j => (class(i), class(j)),
                    _ => (None, None),
                };
                match (row, column) {
                    (Some(a), Some(b)) if a == b && active.contains(&a) => {
                        let s = frame[a].layer_singular_values[l];
                        if l + 1 < shapes.len() {
                            s
                        } else {
                            s / (p.classes().counts()[a] as f64).sqrt() / objective.column_scale(a)
                        }
                    }
                    _ => 0.0,
                }
            })
        })
        .collect();
    let views: Vec<_> = factors.iter().map(Mat::as_ref).collect();
    objective.layout().pack(&views, None).expect("shapes")
}

#[test]
fn saddles_of_depth_one() {
    let counts = [6, 3, 1];
    let mut cells = 0;
    for (width, sets) in [
        (4, vec![vec![], vec![0], vec![1], vec![2], vec![1, 2], vec![0, 1, 2]]),
        (1, vec![vec![0], vec![1], vec![2]]),
        (2, vec![vec![0, 1], vec![1, 2], vec![0, 2], vec![2]]),
    ] {
        let p = problem(&counts, &[width], &[0.03], 0.03, Bias::None);
        let objective = FreeFeaturesLoss::new(&p, ClassLoss::Squared).expect("fits");
        for active in sets {
            let expected = smallest_hessian_eigenvalue(&p, &active).expect("covered");
            let x = critical_point(&p, &objective, &active);
            let mut g = vec![0.0; x.len()];
            objective.gradient(&x, &mut g, &mut objective.work());
            assert!(g.iter().all(|v| v.abs() <= 1e-15), "a critical point");
            let measured = hessian_eigenvalues(&objective, &x)[0];
            assert!(
                (measured - expected).abs() <= HESSIAN_TOLERANCE,
                "{width} {active:?}: {measured} {expected}"
            );
            // Every critical point but the global one is a strict saddle.
            let best = active.len() == width.min(3) && (0..active.len()).all(|k| active.contains(&k));
            assert_eq!(expected >= 0.0, best, "{width} {active:?}");
            cells += 1;
        }
    }
    assert_eq!(cells, 13);
    let p = problem(&counts, &[2], &[0.03], 0.03, Bias::None);
    for bad in [&[3][..], &[0, 0], &[0, 1, 2]] {
        assert!(smallest_hessian_eigenvalue(&p, bad).is_err());
    }
    let weak = problem(&counts, &[2], &[0.15], 0.15, Bias::None);
    assert!(smallest_hessian_eigenvalue(&weak, &[2]).is_err());
}

#[test]
fn minima_and_saddles_of_depth_two() {
    for (product, values) in [
        (3.686_845_698_680_02e-4_f64, [0.5, 0.360_101_549_518, 0.352_022_855_364]),
        (5.018_206_645_425_58e-4, [0.5, 0.380_090_463_869, 0.383_840_336_831]),
    ] {
        let l = product.cbrt();
        let p = problem(&[9, 4], &[3, 3], &[l, l], l, Bias::None);
        let found = local_minima(&p).expect("in range");
        assert_eq!(found.values.len(), 3);
        found.values.iter().zip(values).for_each(|(&f, e)| printed(f, e, 12));
        let smallest = found.values.iter().copied().fold(f64::INFINITY, f64::min);
        close(found.global, smallest, 4.0, 0.0);
    }
    let l = 3.686_845_698_680_02e-4_f64.cbrt();
    let p = problem(&[9, 4], &[3, 3], &[l, l], l, Bias::None);
    let objective = FreeFeaturesLoss::collapsed(&p, ClassLoss::Squared).expect("fits");
    let exchange = exchange_eigenvalue(&p, 1, 0).expect("covered");
    let saddle = hessian_eigenvalues(&objective, &critical_point(&p, &objective, &[1]));
    assert!((saddle[0] - exchange).abs() <= HESSIAN_TOLERANCE, "{} {exchange}", saddle[0]);
    for active in [&[][..], &[0], &[0, 1]] {
        let e = hessian_eigenvalues(&objective, &critical_point(&p, &objective, active));
        assert!(e[0] >= -HESSIAN_TOLERANCE, "{active:?} {}", e[0]);
    }
    // The origin is a strict minimum with Hessian lambda I.
    let origin = hessian_eigenvalues(&objective, &vec![0.0; objective.dimension()]);
    assert!((origin[0] - l).abs() <= HESSIAN_TOLERANCE);
    assert!(exchange_eigenvalue(&p, 0, 1).is_err() && exchange_eigenvalue(&p, 2, 0).is_err());
    let one = local_minima(&problem(&[9, 4], &[3], &[0.01], 0.01, Bias::None)).expect("in range");
    assert_eq!(one.values, [one.global]);
}

/// The weighted imbalance vanishes at critical points; along the flow its derivative is the stated one, whatever the loss.
#[test]
fn neighbouring_factors_balance() {
    let p = problem(&[4, 2], &[3, 4], &[0.02, 0.05], 0.01, Bias::Free);
    let lambdas = p.regularisations();
    for loss in [ClassLoss::Squared, ClassLoss::CrossEntropy] {
        let objective = FreeFeaturesLoss::new(&p, loss).expect("fits");
        let layout = objective.layout();
        let x: Vec<f64> = (0..objective.dimension())
            .map(|i| ((i + 1) as f64 * 0.754_877_666).fract() * 2.0 - 1.0)
            .collect();
        let mut g = vec![0.0; x.len()];
        objective.gradient(&x, &mut g, &mut objective.work());
        let (ones, h) = (vec![1.0; 3], 1e-3);
        let moved = |s: f64| -> Vec<f64> { x.iter().zip(&g).map(|(v, g)| v - s * g).collect() };
        // Quadratic in the step: a central difference has no truncation.
        let (plus, minus) = (
            layout.imbalance(&moved(h), &ones).expect("ok"),
            layout.imbalance(&moved(-h), &ones).expect("ok"),
        );
        let weighted = layout.imbalance(&x, &lambdas).expect("ok");
        for (pair, w) in plus.iter().zip(&minus).zip(&weighted) {
            for j in 0..w.ncols() {
                for i in 0..w.nrows() {
                    let slope = (pair.0[(i, j)] - pair.1[(i, j)]) / (2.0 * h);
                    assert!(
                        (slope + 2.0 * w[(i, j)]).abs() <= 64.0 * f64::EPSILON * 4.0 / h,
                        "{slope} {}",
                        w[(i, j)]
                    );
                }
            }
        }
        assert!(layout.imbalance(&x, &[1.0]).is_err() && layout.imbalance(&x[1..], &ones).is_err());
    }
    let objective = FreeFeaturesLoss::new(&p, ClassLoss::Squared).expect("fits");
    let x = squared_minimizer(&objective).expect("in range");
    for b in objective.layout().imbalance(&x, &lambdas).expect("ok") {
        assert!(b.norm_max() <= 64.0 * f64::EPSILON);
    }
}

#[test]
fn within_class_rates_are_the_hessian_ones() {
    let p = problem(&[4, 3, 2], &[5], &[0.03], 0.02, Bias::None);
    let found = within_class_rates(&p).expect("covered");
    for (rate, n) in found.rates.iter().zip([4.0_f64, 3.0, 2.0]) {
        close(*rate, (n * 0.02 / 0.03).sqrt() / 9.0, 8.0, 0.0);
    }
    printed(found.nc1_rate.expect("all alive, d > K"), 0.14, 12);
    assert_eq!(found.null_rate, 0.02);
    let dead = within_class_rates(&problem(&[9, 1], &[2], &[0.1], 0.1, Bias::None)).expect("covered");
    assert_eq!((dead.rates[1], dead.nc1_rate), (0.1, None));
    let b = imbalance_at(&Mat::from_fn(2, 2, |i, j| (i + j) as f64), 0.3, 2.0).expect("valid");
    close(b[(1, 1)], 2.0 * (-1.2_f64).exp(), 2.0, 0.0);
    assert!(imbalance_at(&b, -1.0, 1.0).is_err());
}

#[test]
fn trajectories() {
    let flow = AlignedFlow::new(3, 2, 0.05).expect("valid");
    for (t, u) in [(5.0, 0.061_083_458_694_475_6), (20.0, 1.045_595_551_380_45), (60.0, 1.114_213_536_545_41)]
    {
        printed(flow.squared(0.01, t).expect("valid"), u, 14);
    }
    printed(flow.limit(), 1.114_213_562_373_1, 14);
    close(flow.squared(0.01, f64::INFINITY).expect("valid"), flow.limit(), 4.0, 0.0);
    // r = 0 and r < 0.
    let still = AlignedFlow::new(1, 4, 0.5).expect("valid");
    close(still.squared(2.0, 3.0).expect("valid"), 2.0 / 4.0, 2.0, 0.0);
    let dying = AlignedFlow::new(1, 4, 0.75).expect("valid");
    assert_eq!((dying.limit(), dying.squared(2.0, f64::INFINITY).expect("valid")), (0.0, 0.0));
    // u = s^2 for M = 1: the time of passage inverts the trajectory.
    let u = flow.squared(0.01, 7.0).expect("valid");
    let time = flow.squared_time(1, 0.1, u.sqrt()).expect("reachable");
    assert!((time / 7.0 - 1.0).abs() <= 1e-13, "{time}");
    let down = flow.squared(4.0, 7.0).expect("valid");
    let time = flow.squared_time(1, 2.0, down.sqrt()).expect("reachable");
    assert!((time / 7.0 - 1.0).abs() <= 1e-13, "{time}");
    assert_eq!(flow.squared_time(1, 2.0, 0.5).expect("a statement"), f64::INFINITY);
    // Depth two: from below the barrier the flow goes down, never up.
    let deep = AlignedFlow::new(3, 2, 0.02).expect("valid");
    assert_eq!(deep.squared_time(3, 0.1, 1.0).expect("a statement"), f64::INFINITY);
    assert!(deep.squared_time(3, 0.1, 0.01).expect("reachable").is_finite());
    assert_eq!(deep.squared_time(3, 0.7, 0.7).expect("reachable"), 0.0);
    // Cross-entropy without weight decay, K = 2, n = 1: t = int (e^m + 1)/(2m) dm; with it, a wall at the fixed point.
    let plain = AlignedFlow::new(2, 1, 0.0).expect("valid");
    let t = plain.margin_time(0.1, 2.0).expect("reachable");
    // Series of int_0.1^2 (e^m - 1)/m dm plus 2 log 20.
    let (mut series, mut up, mut low) = (0.0, 1.0, 1.0);
    for k in 1..40 {
        up *= 2.0 / f64::from(k);
        low *= 0.1 / f64::from(k);
        series += (up - low) / f64::from(k);
    }
    let expected = 0.5 * (series + 2.0 * 20.0_f64.ln());
    assert!((t / expected - 1.0).abs() <= 1e-13, "{t} {expected}");
    let decaying = AlignedFlow::new(2, 1, 0.1).expect("valid");
    let wall = 9.0_f64.ln();
    assert_eq!(decaying.margin_time(0.1, wall + 1e-9).expect("a statement"), f64::INFINITY);
    assert!(decaying.margin_time(0.1, wall - 1e-9).expect("reachable").is_finite());
    assert!(decaying.margin_time(5.0, wall + 1e-9).expect("reachable").is_finite());
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(decaying.margin_time(bad, 1.0).is_err() && decaying.squared_time(1, 1.0, bad).is_err());
    }
    assert!(AlignedFlow::new(1, 2, 0.1).expect("valid").margin_time(0.1, 0.2).is_err());
    assert!(AlignedFlow::new(0, 2, 0.1).is_err() && AlignedFlow::new(2, 2, -0.1).is_err());
}
