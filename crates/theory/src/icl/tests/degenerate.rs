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
