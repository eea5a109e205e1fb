//! Ends of the domains; formulas whose answer depends on which entry belongs to which.
use solvable_linalg::Mat;
use solvable_model::InputError;
use solvable_model::icl::{PromptMixture, RegressionTask};

use super::super::*;
use super::*;

const BAD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// `with` is the law of the task with that noise and length; isotropic: L* = d psi lambda (1 - g), by ICL-3.
#[test]
fn other_noise_and_lengths() {
    let start = Whitened::new(&t2()).expect("valid");
    for (sigma2, length) in [(0.0, 1), (0.3, 20), (2.5, 8), (1.0, 1000)] {
        let direct = Whitened::new(&t2_with(sigma2, length)).expect("valid");
        let moved = start.with(sigma2, length).expect("valid");
        assert_eq!(minimum(&moved), minimum(&direct));
        assert_eq!(moved.with_lengths(&[length]).map(|l| l.noise()).ok(), Some(direct.noise()));
    }
    for sigma2 in BAD.into_iter().chain([-f64::MIN_POSITIVE]) {
        assert!(start.with(sigma2, 3).is_err() && start.elliptical(sigma2).is_err(), "{sigma2}");
    }
    assert!(
        start.with(0.0, 0).is_err()
            && start.with_lengths(&[]).is_err()
            && start.with_lengths(&[3, 0]).is_err()
    );
    // The harmonic mean of 2 and 6 is 3.
    assert_close(
        minimum(&start.with_lengths(&[2, 6]).expect("valid")).expect("labels"),
        minimum(&start.with(0.25, 3).expect("valid")).expect("labels"),
        rounding(3, 1.0),
    );
}

/// Formulas of second order in 1/N: Gaussian covariates of one length only.
#[test]
fn random_lengths_and_heavy_tails_have_no_second_order_formulas() {
    let law = Whitened::new(&t2()).expect("valid");
    let fine = |law: &Whitened| factor_product(law, 1.0).is_ok();
    assert!(fine(&law) && fine(&law.elliptical(0.0).expect("valid")));
    assert!(fine(&law.with_lengths(&[5, 5]).expect("valid")));
    let heavy = law.elliptical(0.5).expect("valid");
    let mixed = law.with_lengths(&[5, 6]).expect("valid");
    assert!(!fine(&heavy) && !fine(&mixed));
    assert!(!fine(&heavy.with(0.1, 5).expect("valid")) && fine(&mixed.with(0.1, 5).expect("valid")));
    assert!(!fine(&mixed.elliptical(0.0).expect("valid")));
    assert!(!fine(&heavy.with_lengths(&[5, 5]).expect("valid")));
}

/// Diagonal pairs whose entries are not in order: eta* and the loss from the sums as written (ICL-6).
#[test]
fn scalar_steps_pair_the_right_entries() {
    for (l, p) in [
        ([1.0, 3.0, 2.0], [5.0, 7.0, 0.5]),
        ([3.0, 2.0, 1.0], [0.1, 1.0, 9.0]),
        ([2.0, 2.0, 5.0], [1.0, 4.0, 0.0]),
    ] {
        let (n, sigma2) = (4.0, 0.5);
        let task = RegressionTask::new(diag("Lambda", &l), diag("Psi", &p), sigma2, 4).expect("valid");
        let power = |k: i32| -> f64 { l.iter().zip(&p).map(|(l, p)| l.powi(k) * p).sum() };
        let b = (power(1) + sigma2) / n;
        let squares: f64 = l.iter().map(|l| l * l).sum();
        let eta = power(2) / ((1.0 + 1.0 / n) * power(3) + b * squares);
        let found = best_scalar_step(&Whitened::new(&task).expect("valid")).expect("labels");
        assert_close(found.eta, eta, rounding(3, 1.0));
        assert_close(found.loss, power(1) - eta * power(2), rounding(3, 4.0));
    }
}

/// `(d+1) tr(Lambda)/M + (1 + 2d + d^2 kappa) tr(Lambda)/N^2` for Lambda = diag(2, 1), N = 10, M = 5: 3 (3/5 + 13/100).
#[test]
fn the_published_bound() {
    let found = published_risk_bound(&diag("Lambda", &[2.0, 1.0]), 10, 5).expect("invertible");
    assert_close(found.bound, 2.19, rounding(2, 1.0));
    assert!(found.exact <= found.bound);
    let one = published_risk_bound(&diag("Lambda", &[1.0, 3.0, 4.0]), 6, 2).expect("invertible");
    assert_close(one.bound, 8.0 * (2.0 + 43.0 / 36.0), rounding(3, 1.0));
    assert_eq!(
        published_risk_bound(&diag("Lambda", &[2.0, 1.0]), 10, 0).expect("invertible").bound,
        f64::INFINITY
    );
    assert!(published_risk_bound(&diag("Lambda", &[2.0, 0.0]), 10, 5).is_err());
    assert!(published_risk_bound(&diag("Lambda", &[2.0, 1.0]), 0, 5).is_err());
}

/// Time ln(2/|projection|)/rate; Lambda = Psi = I in two dimensions: M = I, rate sqrt 2.
#[test]
fn escapes() {
    let task =
        RegressionTask::new(diag("Lambda", &[1.0, 1.0]), diag("Psi", &[1.0, 1.0]), 0.0, 5).expect("valid");
    let law = Whitened::new(&task).expect("valid");
    let at = |u0: f64, x: f64, y: f64| escape_time(&law, u0, diag_matrix(x, y).as_ref()).expect("finite");
    let still = at(0.0, 1.0, -1.0);
    assert_eq!((still.projection, still.time), (0.0, f64::INFINITY));
    let root = 2.0_f64.sqrt();
    for (u0, x, y, projection) in
        [(1.0, 0.0, 0.0, 1.0), (0.5, 1.0, 0.0, 0.5 + 1.0 / root), (-0.1, 0.3, -0.3, -0.1)]
    {
        let found = at(u0, x, y);
        assert_close(found.projection, projection, rounding(2, 1.0));
        assert_close(found.time, (2.0 / projection.abs()).ln() / root, rounding(2, 4.0));
        assert_close(found.rate, root, rounding(2, 1.0));
        assert_close(found.label_rate, 1.0, rounding(2, 1.0));
    }
    let none =
        RegressionTask::new(diag("Lambda", &[1.0, 1.0]), diag("Psi", &[0.0, 0.0]), 1.0, 5).expect("valid");
    let found = escape_time(&Whitened::new(&none).expect("valid"), 0.5, diag_matrix(1.0, 1.0).as_ref())
        .expect("finite");
    assert_eq!((found.rate, found.time), (0.0, f64::INFINITY));
    assert!(escape_time(&law, f64::NAN, diag_matrix(1.0, 1.0).as_ref()).is_err());
    assert!(escape_time(&law, 0.0, Mat::zeros(2, 3).as_ref()).is_err());
}

fn diag_matrix(x: f64, y: f64) -> Mat<f64> {
    rows(&[[x, 0.0], [0.0, y]])
}

/// The printed factors: u U' = A with |u| = |U| of equal norm.
#[test]
fn balanced_factors_multiply_to_the_matrix() {
    let a = rows(&[[1.0, 2.0], [-3.0, 0.5]]);
    let (u, key_query) = balanced_factors(a.as_ref()).expect("square");
    assert_close(u, 14.25_f64.sqrt().sqrt(), rounding(2, 1.0));
    assert_close(solvable_linalg::frobenius_norm(key_query.as_ref()), u, rounding(2, 1.0));
    let product = effective_matrix(u, key_query.as_ref(), 3, 3.0).expect("finite");
    assert_matrix_close(product.as_ref(), a.as_ref(), rounding(2, 1.0));
    let (u, key_query) = balanced_factors(Mat::zeros(2, 2).as_ref()).expect("square");
    assert_eq!((u, max_abs(key_query.as_ref())), (0.0, 0.0));
    assert!(balanced_factors(Mat::zeros(2, 3).as_ref()).is_err());
}

/// Two dense components: the normal equations hold, and the stated bound is not 0 for a solution that was rounded.
#[test]
fn mixture_bounds_are_bounds() {
    let other = RegressionTask::new(
        dense("Lambda", &[[0.7, -0.2, 0.1], [-0.2, 1.9, 0.3], [0.1, 0.3, 1.1]]),
        dense("Psi", &[[0.6, 0.1, 0.0], [0.1, 1.4, 0.2], [0.0, 0.2, 0.9]]),
        0.1,
        5,
    )
    .expect("valid");
    let tasks = [t2(), other];
    let weights = [0.3, 0.7];
    let mixture = PromptMixture::new(&weights, tasks.to_vec()).expect("valid");
    let best = mixture_minimum(&mixture).expect("regular");
    assert!(best.error_bound > 0.0 && best.error_bound < 1e-12, "{}", best.error_bound);
    // sum pi_k Lambda_k A S_k = sum pi_k Lambda_k Psi_k Lambda_k.
    let (mut left, mut right) = (Mat::zeros(3, 3), Mat::zeros(3, 3));
    for (w, task) in weights.iter().zip(&tasks) {
        let law = Whitened::new(task).expect("valid");
        let s = second_moment(&law).expect("finite");
        let product = task.lambda().matrix() * &best.a_star * &s;
        let cross = law.cross();
        for i in 0..3 {
            for j in 0..3 {
                left[(i, j)] += w * product[(i, j)];
                right[(i, j)] += w * cross[(i, j)];
            }
        }
    }
    assert_matrix_close(left.as_ref(), right.as_ref(), 1e-13);
    // No signal anywhere: A* = 0, exactly.
    let silent = |n: usize| {
        let none = diag("Psi", &[0.0, 0.0]);
        RegressionTask::new(dense("Lambda", &[[1.0, 0.2], [0.2, 2.0]]), none, 1.0, n).expect("valid")
    };
    let mixture = PromptMixture::new(&[0.5, 0.5], vec![silent(3), silent(7)]).expect("valid");
    let best = mixture_minimum(&mixture).expect("noise determines it");
    assert_eq!((max_abs(best.a_star.as_ref()), best.error_bound), (0.0, 0.0));
}

/// Published rate: Theta Theta' of norm 1, within 1e-10.
#[test]
fn normalised_directions() {
    let lambda = diag("Lambda", &[1.0, 1.0]);
    let rate = |scale: f64| published_rate(&lambda, 10, 0.1, rows(&[[scale, 0.0], [0.0, 0.0]]).as_ref());
    assert!(rate(1.0).is_ok() && rate(-1.0).is_ok());
    // Of norm 1, or of no norm at all: the shape is refused, and named.
    for (height, width) in [(2, 0), (3, 1), (1, 1), (0, 0)] {
        let theta = Mat::from_fn(height, width, |i, _| if i == 0 { 1.0 } else { 0.0 });
        let refused = published_rate(&lambda, 10, 0.1, theta.as_ref()).expect_err("not 2 x r");
        let expected =
            InputError::Shape { argument: "Theta".into(), found: (height, width), expected: (2, 2) };
        assert_eq!(refused, expected.into());
    }
    for scale in [1.0 + 1e-9, 1.0 - 1e-9, 0.0, 2.0] {
        assert!(rate(scale).is_err(), "{scale}");
    }
}

/// `E y^2 = tr(Lambda Psi) + sigma2 + tr(Q Lambda)^2 + 2 tr(Q Lambda Q Lambda)`: 3 + 1/2 + 1 + 12.
#[test]
fn power_of_contaminated_labels() {
    let task =
        RegressionTask::new(diag("Lambda", &[2.0, 1.0]), diag("Psi", &[1.0, 1.0]), 0.5, 5).expect("valid");
    let moments = contaminated_moments(&task, rows(&[[1.0, 0.5], [0.5, -1.0]]).as_ref()).expect("finite");
    assert_close(moments.power, 16.5, rounding(2, 1.0));
}

/// `u^2 - |U|^2` depends on the size of u alone: 4 - 25.
#[test]
fn conserved_quantities_of_negative_starts() {
    let start = rows(&[[3.0, 0.0], [0.0, 4.0]]);
    for u in [2.0, -2.0] {
        assert_eq!(conserved_quantity(u, start.as_ref()), Ok(-21.0));
    }
    assert_eq!(conserved_quantity(-5.0, start.as_ref()), Ok(0.0));
}

/// Whether two matrices commute does not depend on the unit of either.
#[test]
fn diagonal_starts_in_any_unit() {
    let lambda = [[1.5, 0.4, 0.0], [0.4, 1.0, 0.2], [0.0, 0.2, 0.6]];
    let apart = [[1.0, -0.3, 0.1], [-0.3, 0.8, 0.0], [0.1, 0.0, 0.5]];
    // Lambda^2 + Lambda.
    let along = [[3.91, 1.4, 0.08], [1.4, 2.2, 0.52], [0.08, 0.52, 1.0]];
    for unit in [2.0_f64.powi(-60), 1.0, 2.0_f64.powi(60)] {
        let law = |psi: [[f64; 3]; 3]| {
            let scaled = |a: [[f64; 3]; 3], unit: f64| a.map(|row| row.map(|x| x * unit));
            let (lambda, psi) =
                (dense("Lambda", &scaled(lambda, unit)), dense("Psi", &scaled(psi, 1.0 / unit)));
            Whitened::new(&RegressionTask::new(lambda, psi, 0.3, 6).expect("valid")).expect("valid")
        };
        assert!(diagonal_start_rate(&law(along), 0.0).is_ok(), "{unit}");
        assert!(diagonal_start_rate(&law(apart), 0.0).is_err(), "{unit}");
    }
}

/// Large commuting matrices stay commuting after the rounding of their rotation.
#[test]
fn diagonal_starts_in_many_dimensions() {
    let d = 40;
    let lambda = Mat::from_fn(d, d, |i, j| 1.0 / (1.0 + i.abs_diff(j) as f64));
    let square = &lambda * &lambda;
    let covariance = |name: &'static str, a: &Mat<f64>| {
        let list: Vec<Vec<f64>> =
            (0..d).map(|i| (0..d).map(|j| 0.5 * (a[(i, j)] + a[(j, i)])).collect()).collect();
        Covariance::from_rows(name, &list).expect("positive definite")
    };
    let task = RegressionTask::new(covariance("Lambda", &lambda), covariance("Psi", &square), 0.1, 50);
    let law = Whitened::new(&task.expect("valid")).expect("valid");
    assert!(diagonal_start_rate(&law, 0.0).is_ok());
}

/// `sum_i beta_i s/(s + beta_i)`, s = sigma2/N, beta the eigenvalues of Lambda Psi: 2, 3/2, 0 with s = 1 and without noise.
#[test]
fn bayes_bounds_at_unit_and_zero_noise() {
    let law = |sigma2: f64| {
        let (lambda, psi) = (diag("Lambda", &[2.0, 1.0, 1.0]), diag("Psi", &[1.0, 1.5, 0.0]));
        Whitened::new(&RegressionTask::new(lambda, psi, sigma2, 4).expect("valid")).expect("valid")
    };
    assert_close(bayes_lower_bound(&law(4.0)).expect("plain"), 2.0 / 3.0 + 0.6, rounding(3, 1.0));
    assert_close(bayes_lower_bound(&law(8.0)).expect("plain"), 1.0 + 6.0 / 7.0, rounding(3, 1.0));
    assert_eq!(bayes_lower_bound(&law(0.0)), Ok(0.0));
}

/// One entry that differs is enough for a matrix not to be a multiple of the identity.
#[test]
fn multiples_of_the_identity() {
    for (entries, value) in [
        (vec![2.0], Some(2.0)),
        (vec![2.0, 2.0, 2.0], Some(2.0)),
        (vec![2.0, 2.0, 3.0], None),
        (vec![2.0, 3.0, 2.0], None),
        (vec![3.0, 2.0, 2.0], None),
    ] {
        assert_eq!(matrix::multiple_of_identity(&diag("Lambda", &entries)), value, "{entries:?}");
    }
    assert_eq!(matrix::multiple_of_identity(&dense("Lambda", &[[2.0, 0.1], [0.1, 2.0]])), None);
}
