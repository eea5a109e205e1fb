//! Reference numbers of the specification (section 6) and the worked vectors.
use solvable_linalg::Mat;
use solvable_model::Covariance;
use solvable_model::icl::{TestMoments, TestPrompts};

use super::super::*;
use super::*;

#[test]
fn minimizer_and_minimum_t1() {
    let best = optimum(&whiten(&t1())).expect("defined");
    for (i, e) in [0.392156862745098, 0.689655172413793, 1.11111111111111].into_iter().enumerate() {
        assert_close(best.a_star[(i, i)], e, PRINTED);
    }
    assert_close(best.l_star, 0.963939598828037, PRINTED);
}

#[test]
fn minimizer_and_minimum_t2() {
    let best = optimum(&whiten(&t2())).expect("defined");
    let expected = rows(&[
        [0.547482114650384, -0.211718688143775, 0.0617070983584063],
        [-0.211718688143775, 0.724196187778646, -0.118016378080414],
        [0.0617070983584063, -0.118016378080414, 0.765611309528714],
    ]);
    assert_matrix_close(best.a_star.as_ref(), expected.as_ref(), PRINTED + rounding(3, 10.0));
    assert_close(best.l_star, 0.780801568902259, PRINTED + rounding(3, 1.0));
}

#[test]
fn minimizer_vector_h05() {
    let best = optimum(&whiten(&small(0.6, 3))).expect("defined");
    let expected =
        rows(&[[0.5610052350070677, 0.17374256834987178], [0.17374256834987178, 0.28931049913696966]]);
    assert_matrix_close(best.a_star.as_ref(), expected.as_ref(), rounding(2, 5.0));
    assert_close(best.l_star, 1.0828866411427511, rounding(2, 1.0));
}

#[test]
fn loss_and_gradient_t2() {
    let at = loss_and_gradient(&t2(), a0().as_ref()).expect("valid");
    assert_close(at.loss, 1.07564025, rounding(3, 4.0));
    let expected = rows(&[
        [0.214317500000001, 0.976775, 0.254815],
        [0.15152, 0.514665, 0.260155],
        [0.13939, 0.606025, 0.248075],
    ]);
    assert_matrix_close(at.grad.as_ref(), expected.as_ref(), PRINTED + rounding(3, 4.0));
}

#[test]
fn risk_at_other_lengths() {
    let law = whiten(&t2());
    for (m, e) in [(1, 4.2806154409537), (8, 0.780801568902259), (64, 0.343324834895828)] {
        assert_close(risk_at_length(&law, m).expect("valid"), e, 2.0 * PRINTED + rounding(3, 1.0));
    }
    // Vector ICL1-H13.
    assert_close(
        risk_at_length(&whiten(&four(0.4, 9)), 1).expect("valid"),
        8.944178424122008,
        rounding(4, 4.0),
    );
}

#[test]
fn scalar_step_t2() {
    let step = best_scalar_step(&whiten(&t2())).expect("defined");
    assert_close(step.eta, 0.480602281895128, PRINTED + rounding(3, 1.0));
    assert_close(step.loss, 0.924921586261148, PRINTED + rounding(3, 1.0));
}

#[test]
fn bayes() {
    let lower = bayes_lower_bound(&whiten(&t2())).expect("valid");
    assert_close(lower, 0.0883759835961583, PRINTED + rounding(3, 4.0));
    let exact = scalar_bayes_risk(1.3, 0.4, 4).expect("valid");
    assert_close(exact, 0.14822610350692, 5e-14);
}

#[test]
fn shifted_prompts() {
    let a = minimizer(&whiten(&t2())).expect("defined");
    let prompts = TestPrompts::new(
        diag("Lambda_c", &[1.0, 2.0, 0.5]),
        diag("Lambda_q", &[0.5, 0.5, 3.0]),
        diag("Psi_t", &[1.0, 1.0, 1.0]),
        0.1,
        12,
    )
    .expect("valid");
    assert_close(risk(a.as_ref(), &prompts).expect("valid"), 2.31554376868613, PRINTED + rounding(3, 10.0));
}

/// The moments of `y = w'x + noise` with Gaussian x.
fn linear_moments(lambda: Covariance, w: &[f64], noise: f64) -> TestMoments {
    let d = w.len();
    let c: Vec<f64> = (0..d).map(|i| (0..d).map(|j| lambda.matrix()[(i, j)] * w[j]).sum()).collect();
    let power = (0..d).map(|i| w[i] * c[i]).sum::<f64>() + noise;
    let cov = Mat::from_fn(d, d, |i, j| power * lambda.matrix()[(i, j)] + c[i] * c[j]);
    TestMoments::new(lambda, c, Covariance::dense("Cov_xy", cov.as_ref()).expect("valid"), power)
        .expect("valid")
}

#[test]
fn general_law_t1() {
    let moments = linear_moments(diag("Lambda", &[2.0, 1.0, 0.5]), &[1.0, -0.5, 0.25], 0.2);
    let expected = [0.2, 0.123292455532388, 0.241557188951991, 0.56484964448438];
    let a = minimizer(&whiten(&t1())).expect("defined");
    for found in [trained_general_risk(&moments, 10, 20), general_risk(a.as_ref(), &moments, 20)]
        .map(|r| r.expect("valid"))
    {
        let parts = [found.best_linear, found.bias, found.variance, found.total];
        for (f, e) in parts.into_iter().zip(expected) {
            // E[y^2] - c'a cancels to 0.2 of 2.48.
            assert_close(f, e, 2.0 * PRINTED + rounding(3, 12.0));
        }
    }
}

#[test]
fn rank_limited() {
    let law = whiten(&t2());
    for (k, e) in [(1, 1.36318723735146), (2, 0.886736134491002), (3, 0.780801568902259)] {
        assert_close(rank_minimum(&law, k).expect("valid"), e, PRINTED + rounding(3, 1.0));
    }
    assert_close(rank_minimum(&whiten(&four(0.4, 9)), 0).expect("valid"), 4.34, rounding(4, 1.0));
}

#[test]
fn flow_limits_and_rates() {
    let law = whiten(&t2());
    for (c, u2, r) in [(0.0, 1.23914419270647, 0.243703214406529), (0.5, 1.51411167636335, 0.281680036313154)]
    {
        assert_close(flow_limit(&law, c).expect("valid").u_inf_squared, u2, PRINTED + rounding(3, 10.0));
        let found = final_rate(&law, c).expect("valid");
        assert_close(found.r_min, r, PRINTED + rounding(3, 10.0));
        assert!(found.lower_bound <= found.r_min);
    }
    // Vectors ICL1-H48 and H49.
    let law = whiten(&small(0.3, 6));
    assert_close(flow_limit(&law, 0.0).expect("valid").u_inf_squared, 0.9361165151571502, rounding(2, 10.0));
    assert_close(final_rate(&law, 0.0).expect("valid").r_min, 1.3393335608093742, rounding(2, 10.0));
}

#[test]
fn certificate_t2() {
    let scale = 0.1 / 3.0_f64.sqrt();
    let start = Mat::from_fn(3, 3, |i, j| if i == j { scale } else { 0.0 });
    let found = convergence_certificate(&whiten(&t2()), 0.1, start.as_ref()).expect("better than zero");
    assert_close(found.d0, 0.0342722568260045, PRINTED + rounding(3, 1.0));
    assert_close(found.u_min_squared, 0.00751295297494326, PRINTED + rounding(3, 1.0));
    assert_close(found.mu, 0.00226152010552666, PRINTED + rounding(3, 10.0));
}

#[test]
fn isotropic_trajectories() {
    let flow = IsotropicFlow::new(4, 1.3, 0.7, 0.1, 5).expect("valid");
    for (u0, theta0, u, theta) in [
        (0.1, 0.1, 0.676728172288829, 0.676728172288829),
        (0.5, 0.0, 0.91401752681076, 0.765132693927831),
        (0.05, 0.4, 0.778974341606657, 0.874243115432729),
    ] {
        let end = flow.at(u0, theta0, 1.0).expect("valid");
        assert_close(end.u, u, 2.0 * PRINTED + rounding(1, 4.0));
        assert_close(end.theta, theta, 2.0 * PRINTED + rounding(1, 4.0));
    }
    let end = IsotropicFlow::new(6, 0.8, 1.1, 0.25, 9).expect("valid").at(0.02, 0.02, 2.5).expect("valid");
    assert_close(end.u, 0.9801189364635218, rounding(1, 8.0));
    assert_close(end.theta, 0.9801189364635218, rounding(1, 8.0));
}

#[test]
fn elliptical_t2() {
    let law = whiten(&t2()).elliptical(0.25).expect("valid");
    assert_close(minimum(&law).expect("defined"), 0.917473708226106, PRINTED + rounding(3, 1.0));
}
