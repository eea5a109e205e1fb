//! Identities between formulas evaluated by different algorithms, on structured and random inputs.
use solvable_linalg::{Mat, frobenius_norm, kronecker, symmetric_eigen, symmetric_eigenvalues};
use solvable_model::icl::{PredictorLoss, RegressionTask, TestPrompts};
use solvable_model::{Covariance, Objective};

use super::super::*;
use super::*;

/// Tasks of every kind: isotropic, diagonal, commuting dense, rank-deficient on either side, graded, d = 1.
fn tasks() -> Vec<RegressionTask> {
    let mut r = Lcg(1);
    let mut list = vec![t1(), t2(), small(0.6, 3), four(0.4, 9), four(0.0, 1)];
    for (d, n, sigma2) in [(1, 1, 0.0), (1, 7, 2.0), (2, 3, 0.0), (5, 2, 0.3), (12, 30, 0.0), (20, 5, 1.0)] {
        list.push(RegressionTask::isotropic(d, 1.3, 0.7, sigma2, n).expect("valid"));
        let (lambda, psi) = (r.covariance("Lambda", d, d + 2, 0.05), r.covariance("Psi", d, d + 2, 0.0));
        list.push(RegressionTask::new(lambda.clone(), psi, sigma2, n).expect("valid"));
        // One side a multiple of the identity; one of rank 1.
        let identity = Covariance::isotropic("I", d, 0.8).expect("valid");
        list.push(RegressionTask::new(identity.clone(), lambda.clone(), sigma2, n).expect("valid"));
        list.push(RegressionTask::new(lambda.clone(), identity, sigma2, n).expect("valid"));
        let thin = r.covariance("thin", d, 1, 0.0);
        list.push(RegressionTask::new(lambda.clone(), thin.clone(), sigma2, n).expect("valid"));
        list.push(RegressionTask::new(thin, lambda, sigma2.max(0.1), n).expect("valid"));
        let power = Covariance::power_law("Lambda", d, 2.0, 3.0).expect("valid");
        let other = Covariance::power_law("Psi", d, 1.0, 0.5).expect("valid");
        list.push(RegressionTask::new(power, other, sigma2, n).expect("valid"));
    }
    list
}

fn flat(a: &Mat<f64>) -> Vec<f64> {
    let d = a.ncols();
    (0..a.nrows() * d).map(|k| a[(k / d, k % d)]).collect()
}

/// Condition of the linear system behind A*: at most N + 2 (ICL-3, remark of the supplement).
fn condition(task: &RegressionTask) -> f64 {
    task.context() as f64 + 2.0
}

#[test]
fn the_model_gradient_vanishes_at_the_minimizer() {
    for task in tasks() {
        let (d, law) = (task.dimension(), whiten(&task));
        let best = optimum(&law).expect("labels");
        let loss = PredictorLoss::new(&task);
        let mut gradient = vec![0.0; d * d];
        let value = loss.value_and_gradient(&flat(&best.a_star), &mut gradient, &mut loss.work());
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        let scale = frobenius_norm(law.cross().as_ref());
        assert!(norm <= rounding(d, condition(&task)) * scale, "d {d}: {norm:e} against {scale:e}");
        // The model subtracts: its value is accurate relative to t.
        assert!((value - best.l_star).abs() <= rounding(d, condition(&task)) * task.signal());
        let least = symmetric_eigenvalues(best.a_star.as_ref()).expect("finite")[d - 1];
        assert!(least >= -1e-14 * frobenius_norm(best.a_star.as_ref()), "{least:e}");
        assert!(best.l_star <= task.signal() * (1.0 + rounding(d, 1.0)));
    }
}

#[test]
fn loss_gradient_and_excess_agree_with_the_model() {
    let mut r = Lcg(2);
    for task in tasks() {
        let (d, law) = (task.dimension(), whiten(&task));
        let a = r.matrix(d, d);
        let loss = PredictorLoss::new(&task);
        let mut gradient = vec![0.0; d * d];
        let value = loss.value_and_gradient(&flat(&a), &mut gradient, &mut loss.work());
        let found = loss_and_gradient(&task, a.as_ref()).expect("valid");
        let scale = value + task.signal();
        assert!((found.loss - value).abs() <= rounding(d, 1.0) * scale);
        let model = Mat::from_fn(d, d, |i, j| gradient[i * d + j]);
        let s = second_moment(&law).expect("finite");
        let size =
            frobenius_norm(s.as_ref()) * frobenius_norm(a.as_ref()) * law.lambda().largest_eigenvalue();
        for i in 0..d {
            for j in 0..d {
                let error = (found.grad[(i, j)] - model[(i, j)]).abs();
                assert!(error <= rounding(d, 1.0) * (size + frobenius_norm(law.cross().as_ref())));
            }
        }
        // L(A) = L* + quadratic form (ICL-3).
        let excess = excess_loss(&law, a.as_ref()).expect("valid");
        let least = minimum(&law).expect("labels");
        assert!((value - least - excess).abs() <= rounding(d, condition(&task)) * scale);
    }
}

#[test]
fn rank_k_matrices_attain_their_minimum() {
    for task in tasks() {
        let (d, law) = (task.dimension(), whiten(&task));
        let values: Vec<f64> = (0..=d).map(|k| rank_minimum(&law, k).expect("k <= d")).collect();
        assert_close(values[0], law.signal(), rounding(d, 1.0));
        assert_close(values[d], minimum(&law).expect("labels"), rounding(d, 1.0));
        for k in (0..=d).step_by(3) {
            let a = rank_minimizer(&law, k).expect("k <= d");
            let attained = risk(a.as_ref(), &TestPrompts::of(&task, task.context())).expect("valid");
            assert!((attained - values[k]).abs() <= rounding(d, condition(&task)) * task.signal());
            let rank = solvable_linalg::rank(a.as_ref()).expect("finite");
            assert!(rank <= k.max(1) && (k > 0 || frobenius_norm(a.as_ref()) == 0.0));
        }
        // Decreasing and convex in k.
        for w in values.windows(3) {
            let slack = rounding(d, 1.0) * values[0];
            assert!(w[1] <= w[0] + slack && w[0] - w[1] >= w[1] - w[2] - slack);
        }
        assert!(rank_minimum(&law, d + 1).is_err());
    }
}

#[test]
fn the_risk_is_affine_in_the_inverse_test_length() {
    for task in tasks() {
        let law = whiten(&task);
        let at = |m: usize| risk_at_length(&law, m).expect("labels");
        let floor = risk_floor(&law).expect("labels");
        let slope = at(1) - floor;
        for m in [2, 3, 17, 1 << 20] {
            let line = floor + slope / m as f64;
            assert!((at(m) - line).abs() <= rounding(2, 1.0) * at(1));
        }
        // The same number from the matrix formula of the shifted risk.
        let a = minimizer(&law).expect("labels");
        for m in [0, 1, 5] {
            let direct = risk(a.as_ref(), &TestPrompts::of(&task, m)).expect("valid");
            let tolerance = rounding(task.dimension(), condition(&task)) * (at(1) + task.signal());
            assert!((direct - at(m)).abs() <= tolerance, "{direct} {}", at(m));
        }
    }
}

#[test]
fn random_lengths_act_through_their_harmonic_mean() {
    let lengths: Vec<usize> = (1..=10).collect();
    let harmonic = 10.0 / (1..=10).map(|k| 1.0 / f64::from(k)).sum::<f64>();
    assert_close(harmonic_length(&lengths).expect("valid"), harmonic, rounding(1, 1.0));
    for task in [t2(), four(0.4, 1)] {
        let d = task.dimension();
        let law = whiten(&task).with_lengths(&lengths).expect("valid");
        let best = optimum(&law).expect("labels");
        let (mut total, mut mean) = (vec![0.0; d * d], 0.0);
        for &n in &lengths {
            let loss = PredictorLoss::new(&task.with_context(n).expect("n >= 1"));
            let mut gradient = vec![0.0; d * d];
            mean += loss.value_and_gradient(&flat(&best.a_star), &mut gradient, &mut loss.work()) / 10.0;
            total.iter_mut().zip(gradient).for_each(|(t, g)| *t += g / 10.0);
        }
        let scale = frobenius_norm(law.cross().as_ref());
        assert!(total.iter().all(|g| g.abs() <= rounding(d, 16.0) * scale));
        assert_close(best.l_star, mean, rounding(d, 16.0));
    }
}

#[test]
fn the_scalar_step_is_the_bottom_of_its_parabola() {
    for task in tasks() {
        let (d, law) = (task.dimension(), whiten(&task));
        let Ok(step) = best_scalar_step(&law) else { panic!("S is not 0") };
        let at = |eta: f64| {
            let a = Mat::from_fn(d, d, |i, j| if i == j { eta } else { 0.0 });
            loss_and_gradient(&task, a.as_ref()).expect("valid")
        };
        let bottom = at(step.eta);
        assert!((bottom.loss - step.loss).abs() <= rounding(d, 1.0) * task.signal());
        let slope: f64 = (0..d).map(|i| bottom.grad[(i, i)]).sum();
        assert!(slope.abs() <= rounding(d, 4.0) * law.cross().norm_max() * d as f64);
        assert!(step.loss >= minimum(&law).expect("labels") * (1.0 - rounding(d, 1.0)));
    }
    // Isotropic: the closed forms, and the global minimum.
    let task = RegressionTask::isotropic(4, 1.5, 0.5, 0.25, 7).expect("valid");
    let step = best_scalar_step(&whiten(&task)).expect("defined");
    assert_close(step.eta, 7.0 / ((7.0 + 5.0) * 1.5 + 0.5), rounding(4, 1.0));
    let q = 0.25 / 0.75;
    assert_close(step.loss, 4.0 * 0.75 * (5.0 + q) / (12.0 + q), rounding(4, 1.0));
    assert_close(minimum(&whiten(&task)).expect("labels"), step.loss, rounding(4, 1.0));
}

/// Each paper's own expression against ICL-3 (ICL-4).
#[test]
fn the_papers_minimizers_are_one_formula() {
    let mut r = Lcg(4);
    for d in [1, 2, 5] {
        let sigma = r.covariance("Sigma", d, d + 1, 0.1);
        let n = 6;
        let identity = Covariance::isotropic("Psi", d, 1.0).expect("valid");
        let law = whiten(&RegressionTask::new(sigma.clone(), identity, 0.0, n).expect("valid"));
        let a = minimizer(&law).expect("labels");
        let q = masked_query_block(&sigma, n).expect("valid");
        assert_matrix_close((-&q).as_ref(), a.as_ref(), rounding(d, 16.0));
        // u U' = (N+1)/N A* under rho = N + 1, and back.
        let product = factor_product(&law, n as f64 + 1.0).expect("valid");
        let back = effective_matrix(2.0, (product.as_ref() * 0.5).transpose(), n, n as f64 + 1.0);
        assert_matrix_close(back.expect("valid").as_ref(), a.as_ref(), rounding(d, 1.0));
        // No 1/n, prior tau^2 Sigma^-1.
        let (tau2, sigma2) = (0.7, 0.3);
        let inverse = solvable_linalg::inverse(sigma.matrix()).expect("regular").matrix;
        let psi = Covariance::dense("Psi", (inverse.as_ref() * tau2).as_ref()).expect("valid");
        let a =
            minimizer(&whiten(&RegressionTask::new(sigma, psi, sigma2, n).expect("valid"))).expect("labels");
        let eta = unnormalised_step(d, n, tau2, sigma2).expect("valid");
        assert_close(posterior_mean_step(d, n, tau2, sigma2).expect("valid"), eta, rounding(1, 1.0));
        assert_matrix_close(a.as_ref(), (inverse.as_ref() * (n as f64 * eta)).as_ref(), rounding(d, 400.0));
    }
    assert_eq!(unnormalised_step(3, 2, 0.0, 1.0), Ok(0.0));
    assert_eq!(unnormalised_step(3, 2, 0.0, 0.0), Err(IclError::NoLabels));
}

#[test]
fn scalar_bayes_risk_over_the_whole_range() {
    for (sigma2, length, expected) in tables::SCALAR_BAYES {
        let found = scalar_bayes_risk(1.0, sigma2, length).expect("valid");
        assert_close(found, expected, 1e-14);
        // Units: both variances scale.
        assert_close(
            scalar_bayes_risk(1e-200, sigma2 * 1e-200, length).expect("valid"),
            expected * 1e-200,
            1e-14,
        );
    }
}

#[test]
fn bayes_risk_lies_in_the_sandwich() {
    for (beta, sigma2) in [(1.0, 1e-6), (1.0, 0.5), (0.01, 3.0), (5.0, 5.0)] {
        for n in [1, 2, 3, 10, 41, 1000, 1_000_000_000_000_000] {
            let law = whiten(&RegressionTask::isotropic(1, 1.0, beta, sigma2, n).expect("valid"));
            let exact = scalar_bayes_risk(beta, sigma2, n).expect("valid");
            let (low, high) = (bayes_lower_bound(&law).expect("valid"), minimum(&law).expect("labels"));
            assert!(low <= exact * (1.0 + 1e-14) && exact <= high * (1.0 + 1e-14), "{low} {exact} {high}");
        }
    }
}

#[test]
fn shift_limits() {
    let (lambda, n) = (t2().lambda().clone(), 100_000_000);
    let a = minimizer(&whiten(&t2_with(0.25, n))).expect("labels");
    let psi = dense("Psi", &[[2.0, 0.1, 0.0], [0.1, 1.0, 0.3], [0.0, 0.3, 3.0]]);
    let query = diag("Lambda_q", &[5.0, 1.0, 0.1]);
    // Task and query shift are harmless; a covariate shift by c multiplies the prediction by c. Terms are O(1/N).
    let same = TestPrompts::new(lambda.clone(), query.clone(), psi.clone(), 1.0, n).expect("valid");
    assert!(risk(a.as_ref(), &same).expect("valid") < 1e-5);
    let c = 2.25;
    let scaled = lambda.scaled(c).expect("finite");
    let shifted = TestPrompts::new(scaled, query.clone(), psi.clone(), 1.0, n).expect("valid");
    let limit = (c - 1.0_f64).powi(2) * (5.0 * 2.0 + 1.0 + 0.1 * 3.0);
    assert_close(risk(a.as_ref(), &shifted).expect("valid"), limit, 1e-5);
}

#[test]
fn isotropic_flow_is_a_flow() {
    let starts = [
        (0.1, 0.1),
        (0.5, 0.0),
        (0.0, 0.5),
        (0.05, 0.4),
        (-0.3, 0.2),
        (-0.2, 0.3),
        (-0.4, -0.4),
        (1e-8, 1e-9),
        (3.0, 2.0),
        (1.0, 1.0 + 1e-12),
        (1.0, -1.0),
        (0.0, 0.0),
    ];
    let flows = [
        IsotropicFlow::new(4, 1.3, 0.7, 0.1, 5).expect("valid"),
        IsotropicFlow::new(1, 1e-4, 1.0, 3.0, 2).expect("valid"),
        IsotropicFlow::new(3, 1.0, 0.0, 1.0, 2).expect("valid"),
        IsotropicFlow::new(3, 0.0, 1.0, 1.0, 2).expect("valid"),
    ];
    for flow in flows {
        for (u0, theta0) in starts {
            let c = (u0 - theta0) * (u0 + theta0);
            for t in [0.0, 1e-3, 0.7, 4.0, 60.0] {
                let p = flow.at(u0, theta0, t).expect("valid");
                let size = p.u * p.u + p.theta * p.theta + u0 * u0 + theta0 * theta0;
                let drift = (p.u - p.theta) * (p.u + p.theta) - c;
                assert!(drift.abs() <= 64.0 * f64::EPSILON * size, "{u0} {theta0} {t}: {drift:e}");
                // Semigroup: continuing from the point is continuing. Errors near the saddle grow like e^(alpha t).
                let later = flow.at(p.u, p.theta, 0.3).expect("valid");
                let direct = flow.at(u0, theta0, t + 0.3).expect("valid");
                let growth = (flow.alpha() * (t + 0.3)).min(30.0).exp();
                let slack = 64.0 * f64::EPSILON * (size.sqrt() * growth).max(later.u.abs());
                assert!((later.u - direct.u).abs() <= slack && (later.theta - direct.theta).abs() <= slack);
            }
            // The derivative at 0, to first order in a tiny step.
            let h = 1e-7;
            let p = flow.at(u0, theta0, h).expect("valid");
            let pull = flow.alpha() - flow.kappa_for_tests() * u0 * theta0;
            assert!((p.u - u0 - h * pull * theta0).abs() <= 1e-12 * (1.0 + u0.abs() + theta0.abs()).powi(5));
            assert!(
                (p.theta - theta0 - h * pull * u0).abs() <= 1e-12 * (1.0 + u0.abs() + theta0.abs()).powi(5)
            );
        }
    }
}

#[test]
fn isotropic_flow_ends_at_the_limit_and_passes_half_way() {
    let (d, lambda, psi, sigma2, n) = (4, 1.3, 0.7, 0.1, 5);
    let flow = IsotropicFlow::new(d, lambda, psi, sigma2, n).expect("valid");
    let law = whiten(&RegressionTask::isotropic(d, lambda, psi, sigma2, n).expect("valid"));
    for (u0, theta0) in [(0.1, 0.1), (0.3, -0.1), (-0.1, 0.3)] {
        let end = flow.at(u0, theta0, 1e4).expect("valid");
        let c = (u0 - theta0) * (u0 + theta0);
        assert_close(end.u * end.u, flow_limit(&law, c).expect("valid").u_inf_squared, rounding(d, 1.0));
    }
    let half = flow.half_time(1e-3).expect("small");
    let p = flow.at(1e-3, 1e-3, half).expect("valid");
    assert_close(p.u * p.theta, 0.5 * flow.limit(), 1e-13);
    // Equal and opposite factors run into the saddle.
    let saddle = flow.at(0.4, -0.4, 30.0).expect("valid");
    assert!(saddle.u.abs() < 1e-10);
}

/// The rate matrix written out as in ICL-24, with Kronecker products, against the secular equation.
#[test]
fn the_final_rate_is_the_smallest_eigenvalue_of_the_rate_matrix() {
    let mut r = Lcg(6);
    let mut list =
        vec![t1(), t2(), small(0.3, 6), RegressionTask::isotropic(3, 1.0, 0.5, 0.1, 4).expect("valid")];
    for d in [1, 2, 3, 4] {
        let (lambda, psi) = (r.covariance("Lambda", d, d + 2, 0.1), r.covariance("Psi", d, d + 2, 0.0));
        list.push(RegressionTask::new(lambda, psi, 0.2, 5).expect("valid"));
    }
    for task in list {
        for c in [0.0, 0.5, -0.7] {
            let (d, law) = (task.dimension(), whiten(&task));
            let limit = flow_limit(&law, c).expect("valid");
            let (u2, a) = (limit.u_inf_squared, limit.a_star);
            let s = law.statistic();
            let root = symmetric_eigen(kronecker(s.as_ref(), task.lambda().matrix()).as_ref())
                .and_then(|e| e.sqrt())
                .expect("positive");
            let vec_a = Mat::from_fn(d * d, 1, |k, _| a[(k % d, k / d)]);
            let inner = Mat::from_fn(d * d, d * d, |i, j| {
                vec_a[(i, 0)] * vec_a[(j, 0)] / u2 + if i == j { u2 } else { 0.0 }
            });
            let rate = &root * inner * &root;
            let expected =
                symmetric_eigenvalues(solvable_linalg::symmetrize(rate.as_ref()).as_ref()).expect("finite");
            let found = final_rate(&law, c).expect("valid");
            let tolerance = rounding(d * d, 1.0) * expected[0];
            assert!((found.r_min - expected[d * d - 1]).abs() <= tolerance);
            assert!(found.lower_bound <= found.r_min);
        }
    }
    // Isotropic, balanced: the direction of I has the rate 2 alpha.
    let law = whiten(&RegressionTask::isotropic(3, 1.2, 0.5, 0.1, 4).expect("valid"));
    let flow = IsotropicFlow::new(3, 1.2, 0.5, 0.1, 4).expect("valid");
    let u2 = flow_limit(&law, 0.0).expect("valid").u_inf_squared;
    let kappa = 1.2 * law.statistic()[(0, 0)];
    assert_close(2.0 * u2 * kappa, 2.0 * flow.alpha(), rounding(3, 4.0));
    assert_close(diagonal_start_rate(&law, 0.0).expect("valid").r_min, u2 * kappa, rounding(3, 4.0));
    assert!(diagonal_start_rate(&whiten(&t2()), 0.0).is_err());
    assert!(
        diagonal_start_rate(&whiten(&t1()), 0.0).expect("commuting").r_min
            >= final_rate(&whiten(&t1()), 0.0).expect("valid").r_min
    );
}

/// The certificate contains the published one, which needs sqrt(d) more (ICL-21).
#[test]
fn the_certificate_is_never_worse_than_the_published_rate() {
    let mut r = Lcg(7);
    let mut both = 0;
    for k in 0..300 {
        let d = 1 + k % 5;
        let n = 1 + k % 11;
        let lambda = r.covariance("Lambda", d, d + 1, 0.05);
        let theta = r.matrix(d, 1 + k % 2);
        let norm = frobenius_norm((&theta * theta.transpose()).as_ref()).sqrt();
        let theta = Mat::from_fn(d, theta.ncols(), |i, j| theta[(i, j)] / norm);
        let gamma = (1.0 + 1.0 / n as f64) * lambda.largest_eigenvalue() + lambda.trace() / n as f64;
        let sigma0 = (2.0 / gamma).sqrt() * (0.05 + 0.9 * r.next().abs());
        let square = &theta * theta.transpose();
        let start = Mat::from_fn(d, d, |i, j| sigma0 * square[(i, j)]);
        let identity = Covariance::isotropic("Psi", d, 1.0).expect("valid");
        let law = whiten(&RegressionTask::new(lambda.clone(), identity, 0.0, n).expect("valid"));
        let ours = convergence_certificate(&law, sigma0, start.as_ref()).expect("sigma0^2 |Gamma| < 2");
        let reach = frobenius_norm((lambda.matrix() * &theta).as_ref()).powi(2);
        let bound = sigma0 * sigma0 * reach * (2.0 - sigma0 * sigma0 * gamma);
        assert!(ours.d0 >= bound * (1.0 - rounding(d, 20.0)), "{} {bound}", ours.d0);
        if let Ok(theirs) = published_rate(&lambda, n, sigma0, theta.as_ref()) {
            both += 1;
            assert!(ours.mu >= theirs * (1.0 - 1e-10), "d {d}: {} {theirs}", ours.mu);
            if d == 1 {
                assert_close(ours.mu, theirs, rounding(1, 100.0));
            }
        }
    }
    assert!(both > 100, "only {both} instances have both");
    let zero = Mat::zeros(3, 3);
    let refused = convergence_certificate(&whiten(&t2()), 0.1, zero.as_ref());
    assert_eq!(refused, Err(IclError::NoCertificate { gain: 0.0 }));
}

#[test]
fn escape_and_stability() {
    let law = whiten(&t1());
    // M = diag(4, 1, 1/4).
    let escape = escape_time(&law, 1e-3, Mat::zeros(3, 3).as_ref()).expect("valid");
    assert_close(escape.rate, (16.0_f64 + 1.0 + 0.0625).sqrt(), rounding(3, 1.0));
    assert_close(escape.label_rate, 4.0, rounding(3, 1.0));
    assert_close(escape.time, 2000.0_f64.ln() / escape.rate, rounding(3, 1.0));
    assert_eq!(escape_time(&law, 0.0, Mat::zeros(3, 3).as_ref()).expect("valid").time, f64::INFINITY);
    // S = diag(1.1 * 4 + 0.35 * 2, ...): the largest stable step halves the sign of the fastest mode.
    let step = largest_stable_step(&law).expect("labels");
    assert_close(step, 2.0 / (2.0 * (1.1 * 4.0 + 0.35 * 2.0)), rounding(3, 1.0));
    let factors = contraction_factors(&law, step).expect("finite");
    assert_close(factors[(0, 0)], -1.0, rounding(3, 1.0));
}

#[test]
fn elliptical_covariates_shorten_the_context() {
    let law = whiten(&t2());
    assert_eq!(minimum(&law.elliptical(0.0).expect("valid")), minimum(&law));
    assert!(law.elliptical(-0.1).is_err());
    let heavy = law.elliptical(0.5).expect("valid");
    // S has the coefficients 1 + 2/N and (1.5 t + sigma2)/N.
    let s = second_moment(&heavy).expect("finite");
    let cross = law.cross();
    let b = (1.5 * law.signal() + 0.25) / 8.0;
    for i in 0..3 {
        for j in 0..3 {
            let expected = 1.25 * cross[(i, j)] + b * law.lambda().matrix()[(i, j)];
            assert!((s[(i, j)] - expected).abs() <= rounding(3, 1.0));
        }
    }
    // Stationary for that S: Lambda A S = Lambda Psi Lambda; and its own risk at length N is the minimum.
    let a = minimizer(&heavy).expect("labels");
    let product = law.lambda().matrix() * &a * &s;
    assert_matrix_close(product.as_ref(), cross.as_ref(), rounding(3, 10.0));
    assert_close(
        risk_at_length(&heavy, 8).expect("labels"),
        minimum(&heavy).expect("labels"),
        rounding(3, 1.0),
    );
}
