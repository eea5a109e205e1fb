//! The grid of (rho, lambda) against one estimator at a time.
use solvable_linalg::{Mat, inverse, matmul, transpose_matmul};
use solvable_model::aggregate::{AggregateData, BagDesign, Mixing};

use super::data::random_data;
use super::reference::at;
use crate::aggregate::*;

/// `tr(A H^-1 A' w)/m` and the GCV score, with H inverted as written.
fn direct(data: &AggregateData, rho: f64, lambda: f64) -> (f64, f64) {
    let (n, d, bags) = (data.rows(), data.dimension(), data.bags());
    let m = bags.bags();
    let means = bag_means(data.covariates(), bags);
    let weight = |a: usize| rho * n as f64 / (m as f64 * bags.size(a) as f64) + 1.0 - rho;
    let rows = Mat::from_fn(m, d, |a, j| (weight(a) * bags.size(a) as f64).sqrt() * means[(a, j)]);
    let bag_of = bags.bag_of();
    let spread = Mat::from_fn(n, d, |i, j| data.covariates()[(i, j)] - means[(bag_of[i], j)]);
    let (a, b) =
        (transpose_matmul(rows.as_ref(), rows.as_ref()), transpose_matmul(spread.as_ref(), spread.as_ref()));
    let h = Mat::from_fn(d, d, |i, j| {
        a[(i, j)] + (1.0 - rho) * b[(i, j)] + if i == j { n as f64 * lambda } else { 0.0 }
    });
    let trace = solvable_linalg::trace(
        matmul(inverse(h.as_ref()).expect("regular").matrix.as_ref(), a.as_ref()).as_ref(),
    );
    let leverage = trace / m as f64;
    let theta = estimate(data, at(rho), lambda).expect("valid").theta;
    let misfit: f64 = (0..m)
        .map(|a| {
            let f: f64 = (0..d).map(|j| means[(a, j)] * theta[j]).sum();
            bags.size(a) as f64 * (data.mean_labels()[a] - f).powi(2)
        })
        .sum();
    (leverage, misfit / m as f64 / (1.0 - leverage) / (1.0 - leverage))
}

#[test]
fn paths_pass_through_the_estimators() {
    let designs = [
        BagDesign::consecutive(24, 3).expect("divides"),
        BagDesign::new(14, &[vec![0, 4, 9], vec![1], vec![2, 3, 5, 8], vec![6, 7], vec![10, 11, 12, 13]])
            .expect("partition"),
        BagDesign::consecutive(6, 2).expect("divides"),
    ];
    for (seed, bags) in designs.into_iter().enumerate() {
        for d in [1, 3, 10] {
            let data = random_data(bags.clone(), d, 20 + seed as u64);
            let path = BagPath::new(data.covariates(), data.mean_labels(), &bags).expect("valid");
            let ridgeless = path.ridgeless().expect("certified");
            let means = bag_means(data.covariates(), &bags);
            for rho in [0.0, 0.4, 0.9, 1.0] {
                let ridge = path.at_rho(at(rho)).expect("certified");
                for lambda in [0.0, 1e-3, 0.3] {
                    let point = ridge.at(lambda).expect("valid");
                    let theta = estimate(&data, at(rho), lambda).expect("valid").theta;
                    // The Gram matrix squares the condition of X, below 1e3 here.
                    let close = |found: &[f64]| found.iter().zip(&theta).all(|(a, b)| (a - b).abs() < 1e-9);
                    assert!(close(&point.theta), "{seed} {d} {rho} {lambda}: {:?} {theta:?}", point.theta);
                    if lambda == 0.0 && rho < 1.0 {
                        let other = ridgeless.at(at(rho)).expect("valid");
                        assert!(close(&other.theta), "{seed} {d} {rho}");
                        assert!((other.leverage - point.leverage).abs() < 1e-9);
                    }
                    if lambda > 0.0 {
                        let (leverage, gcv) = direct(&data, rho, lambda);
                        assert!((point.leverage - leverage).abs() < 1e-11);
                        let score = gcv_score(means.as_ref(), data.mean_labels(), &bags, at(rho), &point);
                        let score = score.expect("does not interpolate");
                        if bags.equal_size().is_some() {
                            assert!((score - gcv).abs() < 1e-9 * gcv, "{score} {gcv}");
                        }
                    }
                }
            }
            assert!(ridgeless.at(Mixing::BAG).is_err());
        }
    }
}

/// Interpolation: leverage 1, no score.
#[test]
fn interpolating_estimators_have_no_score() {
    let bags = BagDesign::consecutive(6, 2).expect("divides");
    let data = random_data(bags.clone(), 5, 9);
    let path = BagPath::new(data.covariates(), data.mean_labels(), &bags).expect("valid");
    let means = bag_means(data.covariates(), &bags);
    let point = path.at_rho(Mixing::BAG).expect("certified").at(0.0).expect("valid");
    assert!((point.leverage - 1.0).abs() < 1e-12);
    assert_eq!(gcv_score(means.as_ref(), data.mean_labels(), &bags, Mixing::BAG, &point), None);
    assert!(BagPath::new(data.covariates(), &[0.0], &bags).is_err());
}
