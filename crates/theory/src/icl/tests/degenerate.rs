//! Degenerate and refused inputs (section 4), and random garbage at the public API.
use proptest::prelude::*;
use solvable_linalg::{Mat, frobenius_norm};
use solvable_model::Covariance;
use solvable_model::icl::{RegressionTask, TestMoments, TestPrompts};

use super::super::*;
use super::*;

fn isotropic(d: usize, lambda: f64, psi: f64, sigma2: f64, n: usize) -> Whitened {
    whiten(&RegressionTask::isotropic(d, lambda, psi, sigma2, n).expect("valid"))
}

#[test]
fn no_prior_means_nothing_to_learn() {
    let best = optimum(&isotropic(3, 1.0, 0.0, 0.5, 4)).expect("labels are noise");
    assert_eq!((frobenius_norm(best.a_star.as_ref()), best.l_star), (0.0, 0.0));
    assert!(matches!(optimum(&isotropic(3, 1.0, 0.0, 0.0, 4)), Err(IclError::NoLabels)));
    assert_eq!(best_scalar_step(&isotropic(3, 0.0, 1.0, 0.0, 4)), Err(IclError::NoLabels));
}

/// Covariates in other units, D x, with the task in the inverse ones: the same losses, and D^-1 A D^-1 for A. D holds powers of
/// two, so that the two problems are exactly equal; `|Lambda| |Psi|` grows to 2^108 times `tr(Lambda Psi)`.
#[test]
fn results_do_not_depend_on_the_units_of_single_covariates() {
    let lambda = [[1.5, 0.4, 0.0], [0.4, 1.0, 0.2], [0.0, 0.2, 0.6]];
    for (name, psi) in [
        ("dense", [[1.0, -0.3, 0.1], [-0.3, 0.8, 0.0], [0.1, 0.0, 0.5]]),
        ("diagonal", [[1.0, 0.0, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 0.5]]),
    ] {
        let at = |k: i32| {
            let d = [2.0_f64.powi(k), 1.0, 2.0_f64.powi(-k)];
            let scaled = |m: &[[f64; 3]; 3], power: i32| {
                dense(
                    "m",
                    &[0, 1, 2].map(|i| [0, 1, 2].map(|j| m[i][j] * d[i].powi(power) * d[j].powi(power))),
                )
            };
            let task = RegressionTask::new(scaled(&lambda, 1), scaled(&psi, -1), 0.25, 8).expect("valid");
            let law = whiten(&task);
            let best = optimum(&law).expect("labels");
            let a = Mat::from_fn(3, 3, |i, j| (0.5 - 0.2 * i as f64 + 0.1 * j as f64) / d[i] / d[j]);
            let seen = loss_and_gradient(&task, a.as_ref()).expect("finite");
            let prompts = TestPrompts::new(scaled(&lambda, 1), scaled(&lambda, 1), scaled(&psi, -1), 0.5, 3);
            let mut numbers = vec![
                best.l_star,
                law.signal(),
                seen.loss,
                excess_loss(&law, a.as_ref()).expect("finite"),
                risk_at_length(&law, 3).expect("finite"),
                rank_minimum(&law, 1).expect("finite"),
                bayes_lower_bound(&law).expect("finite"),
                risk(a.as_ref(), &prompts.expect("valid")).expect("finite"),
            ];
            for (i, j) in [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)] {
                numbers.push(best.a_star[(i, j)] * d[i] * d[j]);
                numbers.push(seen.grad[(i, j)] / d[i] / d[j]);
            }
            numbers
        };
        let one = at(0);
        for k in [3, 13, 27, -27] {
            for (i, (same, expected)) in at(k).into_iter().zip(&one).enumerate() {
                let tolerance = rounding(3, 4.0) * (1.0 + 1.0 / expected.abs());
                assert!(
                    (same / expected - 1.0).abs() <= tolerance,
                    "{name} 2^{k}, number {i}: {same} {expected}"
                );
            }
        }
    }
}

/// Lambda 2^k, Psi 2^-k is the same problem in other units: eta 2^-k and the same loss, to the last bit but one.
#[test]
fn the_scalar_step_does_not_depend_on_units() {
    let at = |lambda_scale: f64, psi_scale: f64, sigma2: f64| {
        let scaled = |m: &Covariance, f: f64| m.scaled(f).expect("finite");
        let lambda =
            scaled(&dense("Lambda", &[[1.5, 0.25, 0.0], [0.25, 0.75, 0.1], [0.0, 0.1, 1.0]]), lambda_scale);
        let psi = scaled(&dense("Psi", &[[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 3.0]]), psi_scale);
        best_scalar_step(&whiten(&RegressionTask::new(lambda, psi, sigma2, 7).expect("valid")))
    };
    let one = at(1.0, 1.0, 0.5).expect("labels");
    for k in [-900, -500, -340, 340, 500, 900] {
        let unit = 2.0_f64.powi(k);
        let same = at(unit, 1.0 / unit, 0.5).expect("labels");
        assert_close(same.eta * unit, one.eta, rounding(3, 1.0));
        assert_close(same.loss, one.loss, rounding(3, 1.0));
    }
    // Labels in other units.
    for k in [-340, 340] {
        let unit = 2.0_f64.powi(k);
        let same = at(unit, unit, 0.5 * unit * unit).expect("labels");
        assert_close(same.eta * unit, one.eta, rounding(3, 1.0));
        assert_close(same.loss / unit / unit, one.loss, rounding(3, 1.0));
    }
}

/// What is zero is named; what only leaves the range of f64 is not called zero.
#[test]
fn refused_steps_say_why() {
    assert_eq!(best_scalar_step(&isotropic(2, 0.0, 1.0, 0.5, 4)), Err(IclError::NoCovariates));
    assert_eq!(largest_stable_step(&isotropic(2, 0.0, 1.0, 0.5, 4)), Err(IclError::NoCovariates));
    assert_eq!(largest_stable_step(&isotropic(2, 1.0, 0.0, 0.0, 4)), Err(IclError::NoLabels));
    // 2/(lambda (lambda + lambda^2 psi ...)) beyond 1e308, and below 1e-324; and one that only its product leaves.
    for lambda in [1e-160, 1e100] {
        let refused = largest_stable_step(&isotropic(2, lambda, lambda, 0.0, 4));
        assert!(matches!(refused, Err(IclError::NotRepresentable { .. })), "{refused:?}");
    }
    // lambda_max(S) = b lambda = 1e-170/4, step 2/(1e-150 * 1e-170/4) = 8e320: out of range; with 1e-130: 8e280.
    assert!(largest_stable_step(&isotropic(2, 1e-150, 0.0, 1e-20, 4)).is_err());
    assert_close(
        largest_stable_step(&isotropic(2, 1e-140, 0.0, 1e-20, 4)).expect("in range"),
        8e300,
        rounding(2, 1.0),
    );
}

#[test]
fn singular_covariances_are_welcome() {
    let lambda = dense("Lambda", &[[1.0, 1.0], [1.0, 1.0]]);
    let psi = dense("Psi", &[[2.0, 0.5], [0.5, 1.0]]);
    let law = whiten(&RegressionTask::new(lambda, psi, 0.5, 4).expect("valid"));
    let best = optimum(&law).expect("labels");
    // B has the one eigenvalue 1'Psi 1 = 4: L* = 4 (4 + 4 + .5)/(5 * 4 + 4.5), and Lambda A* Lambda =
    // (1'A*1) 11', 1'A*1 = 4/((5/4) 4 + 4.5/4).
    assert_close(best.l_star, 4.0 * 8.5 / 24.5, rounding(2, 1.0));
    for (i, j) in [(0, 0), (0, 1), (1, 1)] {
        assert_close(best.lambda_a_lambda[(i, j)], 4.0 / 6.125, rounding(2, 4.0));
    }
    assert!(flow_limit(&law, 0.0).is_err());
}

/// A rank-one prior in a generic direction: null directions stay null even at huge N.
#[test]
fn known_directions_keep_their_null_space() {
    let lambda = dense("Lambda", &[[1.5, 0.25, 0.0], [0.25, 0.75, 0.1], [0.0, 0.1, 1.0]]);
    let v = [0.6, -0.3, 0.9];
    let psi = Covariance::dense("Psi", solvable_linalg::outer(&v, &v).as_ref()).expect("valid");
    let beta: f64 = (0..3).map(|i| (0..3).map(|j| v[i] * lambda.matrix()[(i, j)] * v[j]).sum::<f64>()).sum();
    for n in [2, 1_000_000_000_000_000] {
        let law = whiten(&RegressionTask::new(lambda.clone(), psi.clone(), 0.0, n).expect("valid"));
        let best = optimum(&law).expect("labels");
        // A* = v v'/((1 + 2/N) beta), L* = beta * (2/N)/(1 + 2/N).
        let e = 2.0 / n as f64;
        assert_close(best.l_star, beta * e / (1.0 + e), rounding(3, 1.0));
        let expected = Mat::from_fn(3, 3, |i, j| v[i] * v[j] / ((1.0 + e) * beta));
        assert_matrix_close(best.a_star.as_ref(), expected.as_ref(), rounding(3, 4.0));
    }
}

#[test]
fn empty_contexts() {
    let identity = || Covariance::isotropic("I", 2, 1.0).expect("valid");
    let query = diag("Lambda_q", &[3.0, 0.5]);
    let prompts =
        TestPrompts::new(identity(), query, dense("Psi", &[[1.0, 0.5], [0.5, 2.0]]), 9.0, 0).expect("valid");
    assert_close(
        risk(rows(&[[7.0, 1.0], [2.0, 3.0]]).as_ref(), &prompts).expect("valid"),
        4.0,
        rounding(2, 1.0),
    );
    assert_eq!(scalar_bayes_risk(1.0, 0.0, 1), Ok(0.0));
    assert!(scalar_bayes_risk(1.0, 1.0, 0).is_err());
}

#[test]
fn extreme_scales() {
    // Units: Lambda -> x Lambda, Psi -> Psi/x leaves L* and scales A* by 1/x.
    for x in [1e-150, 1e150] {
        let law = whiten(
            &RegressionTask::new(
                dense("Lambda", &[[1.5 * x, 0.4 * x], [0.4 * x, 1.0 * x]]),
                dense("Psi", &[[1.0 / x, -0.3 / x], [-0.3 / x, 0.8 / x]]),
                0.25,
                8,
            )
            .expect("valid"),
        );
        let unit = whiten(
            &RegressionTask::new(
                dense("Lambda", &[[1.5, 0.4], [0.4, 1.0]]),
                dense("Psi", &[[1.0, -0.3], [-0.3, 0.8]]),
                0.25,
                8,
            )
            .expect("valid"),
        );
        let (best, plain) = (optimum(&law).expect("labels"), optimum(&unit).expect("labels"));
        assert_close(best.l_star, plain.l_star, rounding(2, 4.0));
        assert_close(best.a_star[(0, 1)] * x, plain.a_star[(0, 1)], rounding(2, 16.0));
    }
}

fn wild() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -3.0..3.0_f64,
        1 => Just(0.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(-1.0),
        1 => Just(1e-300),
        1 => Just(1e300),
    ]
}

/// Any finite answer or a typed refusal: no panic, no NaN.
fn sound(x: Result<f64, IclError>) -> Result<(), TestCaseError> {
    if let Ok(value) = x {
        prop_assert!(!value.is_nan());
    }
    Ok(())
}

fn sound_matrix(x: Result<Mat<f64>, IclError>) -> Result<(), TestCaseError> {
    if let Ok(m) = x {
        prop_assert!((0..m.ncols()).all(|j| m.col(j).iter().all(|v| v.is_finite())));
    }
    Ok(())
}

/// A symmetric matrix half of the time.
fn entries(values: &[f64], symmetric: bool) -> Mat<f64> {
    Mat::from_fn(2, 2, |i, j| if symmetric { values[i + j] } else { values[2 * i + j] })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_is_refused_or_answered(
        v in proptest::collection::vec(wild(), 20),
        n in 0_usize..4,
        m in 0_usize..3,
        symmetric in any::<bool>(),
        diagonal in any::<bool>(),
    ) {
        let covariance = |name, x: &[f64]| {
            if diagonal {
                Covariance::diagonal(name, &x[..2])
            } else {
                Covariance::dense(name, entries(x, symmetric).as_ref())
            }
        };
        let a = entries(&v[8..12], false);
        sound(scalar_bayes_risk(v[0], v[1], n))?;
        sound(unnormalised_step(n, m, v[0], v[1]))?;
        sound(posterior_mean_step(n, m, v[0], v[1]))?;
        sound(conserved_quantity(v[0], a.as_ref()))?;
        sound_matrix(effective_matrix(v[0], a.as_ref(), n, v[1]))?;
        if let Ok(flow) = IsotropicFlow::new(n, v[0], v[1], v[2], m) {
            sound(flow.at(v[3], v[4], v[5]).map(|p| p.u + p.theta))?;
            prop_assert!(!flow.limit().is_nan());
        }
        let (Ok(lambda), Ok(psi)) = (covariance("Lambda", &v), covariance("Psi", &v[4..])) else { return Ok(()) };
        if let Ok(q) = masked_query_block(&lambda, n) { sound_matrix(Ok(q))?; }
        sound(published_rate(&lambda, n, v[12], a.as_ref()))?;
        if let Ok(prompts) = TestPrompts::new(lambda.clone(), psi.clone(), lambda.clone(), v[12], m) {
            sound(risk(a.as_ref(), &prompts))?;
        }
        if let Ok(law) = TestMoments::new(lambda.clone(), v[12..14].to_vec(), psi.clone(), v[14]) {
            sound(trained_general_risk(&law, n, m).map(|r| r.total))?;
            sound(general_risk(a.as_ref(), &law, m).map(|r| r.total))?;
        }
        let Ok(task) = RegressionTask::new(lambda, psi, v[13], n) else { return Ok(()) };
        sound(loss_and_gradient(&task, a.as_ref()).map(|x| x.loss))?;
        let Ok(law) = Whitened::new(&task) else { return Ok(()) };
        sound(law.with(v[14], m).and_then(|w| minimum(&w)))?;
        sound(law.with_lengths(&[n, m]).and_then(|w| minimum(&w)))?;
        for law in [Ok(law.clone()), law.elliptical(v[15])].into_iter().flatten() {
            sound(minimum(&law))?;
            sound_matrix(minimizer(&law))?;
            sound(excess_loss(&law, a.as_ref()))?;
            sound(risk_at_length(&law, m))?;
            sound(risk_floor(&law))?;
            sound(best_scalar_step(&law).map(|s| s.loss))?;
            sound(bayes_lower_bound(&law))?;
            sound(rank_minimum(&law, m))?;
            sound_matrix(rank_minimizer(&law, m))?;
            sound(flow_limit(&law, v[16]).map(|l| l.u_inf_squared))?;
            sound(convergence_certificate(&law, v[16], a.as_ref()).map(|c| c.mu))?;
            sound(escape_time(&law, v[16], a.as_ref()).map(|e| e.time))?;
            sound(largest_stable_step(&law))?;
            sound_matrix(contraction_factors(&law, v[16]))?;
            sound(final_rate(&law, v[16]).map(|r| r.r_min))?;
            sound(diagonal_start_rate(&law, v[16]).map(|r| r.r_min))?;
        }
    }
}
