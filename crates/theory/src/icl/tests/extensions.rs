//! Mixtures, nonlinear targets, the full layer: reference numbers and identities (ICL-10 to 18, 28, 60, 61).
use dashu::rational::RBig;
use solvable_linalg::{Mat, frobenius_norm, symmetric_eigenvalues};
use solvable_model::icl::{
    FullLayerLoss, LayerBlocks, Polynomial, PredictorLoss, PromptMixture, QueryToken, RegressionTask,
    SingleIndexMixture, prior_second_moment,
};
use solvable_model::{Covariance, Objective};

use super::super::*;
use super::wick::{exact, exact_matrix, ratio};
use super::*;

fn cubic() -> Polynomial {
    Polynomial::new(&[0.3, 0.8, -0.5, 0.4]).expect("valid")
}

#[test]
fn mixture_reference() {
    let mixture =
        PromptMixture::new(&[0.6, 0.4], vec![t2(), t1().with_context(5).expect("valid")]).expect("valid");
    let best = mixture_minimum(&mixture).expect("regular");
    let expected = rows(&[
        [0.373012517637615, -0.0331246721059309, -0.0166098773658806],
        [-0.0444609500204527, 0.548225564880871, -0.0163143177291035],
        [-0.000412544988328719, -0.0303370381110863, 0.737909812251898],
    ]);
    assert_matrix_close(best.a_star.as_ref(), expected.as_ref(), PRINTED + rounding(9, 4.0));
    assert_close(best.l_star, 1.15977082460823, PRINTED + rounding(3, 4.0));
    assert!(best.error_bound < 1e-13, "{:e}", best.error_bound);
}

fn random_mixture(r: &mut Lcg, d: usize, columns: usize) -> PromptMixture {
    let components = (0..3)
        .map(|k| {
            let (lambda, psi) =
                (r.covariance("Lambda", d, columns, 0.02), r.covariance("Psi", d, d + 1, 0.0));
            RegressionTask::new(lambda, psi, 0.1 * f64::from(k), 3 + 2 * k as usize).expect("valid")
        })
        .collect();
    PromptMixture::new(&[0.5, 0.2, 0.3], components).expect("valid")
}

/// Stationarity through the model's gradients, for the direct solver and for conjugate gradients.
#[test]
fn mixtures_are_stationary_and_pay_for_not_knowing() {
    let mut r = Lcg(11);
    for d in [1, 3, 8, DIRECT_DIMENSION, DIRECT_DIMENSION + 1, 40] {
        let mixture = random_mixture(&mut r, d, d + 2);
        let best = mixture_minimum(&mixture).expect("regular");
        assert_eq!(best.iterations > 0, d > DIRECT_DIMENSION);
        let flat: Vec<f64> = (0..d * d).map(|k| best.a_star[(k / d, k % d)]).collect();
        let mut total = vec![0.0; d * d];
        let (mut scale, mut value, mut known) = (0.0, 0.0, 0.0);
        for (w, task) in mixture.weights().iter().zip(mixture.components()) {
            let loss = PredictorLoss::new(task);
            let mut gradient = vec![0.0; d * d];
            value += w * loss.value_and_gradient(&flat, &mut gradient, &mut loss.work());
            total.iter_mut().zip(&gradient).for_each(|(t, g)| *t += w * g);
            let law = whiten(task);
            scale += w * 2.0 * frobenius_norm(law.cross().as_ref());
            known += w * minimum(&law).expect("labels");
        }
        let norm = total.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!(norm <= 1e-11 * scale, "d {d}: {norm:e} of {scale:e}, bound {:e}", best.error_bound);
        assert_close(best.l_star, value, 1e-11);
        assert!(best.l_star >= known);
        assert!(best.error_bound < 1e-8, "{:e}", best.error_bound);
        if d == 3 {
            let skew = best.a_star.as_ref() - best.a_star.transpose();
            assert!(frobenius_norm(skew.as_ref()) > 1e-3, "generic mixtures are not symmetric");
        }
    }
}

/// Equal components are one law; singular ones are refused when they leave A undetermined.
#[test]
fn one_component_and_repeated_components_are_the_single_law() {
    for task in [t1(), t2(), four(0.4, 9)] {
        let single = optimum(&whiten(&task)).expect("labels");
        let once = PromptMixture::new(&[1.0], vec![task.clone()]).expect("valid");
        let twice = PromptMixture::new(&[0.25, 0.75], vec![task.clone(), task.clone()]).expect("valid");
        for mixture in [once, twice] {
            let best = mixture_minimum(&mixture).expect("regular");
            assert_matrix_close(best.a_star.as_ref(), single.a_star.as_ref(), rounding(16, 16.0));
            assert_close(best.l_star, single.l_star, rounding(4, 4.0));
        }
    }
    // Two singular laws that together determine everything; and two that do not.
    let (left, right) = (diag("Lambda", &[1.0, 0.0]), diag("Lambda", &[0.0, 2.0]));
    let psi = dense("Psi", &[[1.0, 0.5], [0.5, 1.0]]);
    let part = |l: &Covariance| RegressionTask::new(l.clone(), psi.clone(), 0.1, 4).expect("valid");
    let same = PromptMixture::new(&[0.5, 0.5], vec![part(&left), part(&left)]).expect("valid");
    assert!(matches!(mixture_minimum(&same), Err(IclError::Input(_))));
    let apart = PromptMixture::new(&[0.5, 0.5], vec![part(&left), part(&right)]).expect("valid");
    // S_k is singular too: entries (1,2) of A never matter.
    assert!(mixture_minimum(&apart).is_err());
}

#[test]
fn exponential_spectra_and_their_floor() {
    let found = exponential_spectra(4, 5).expect("valid");
    assert_close(found.a, 0.208333333333333, 2.0 * PRINTED);
    // A mixture with the first four moments of Exp(1) on three points: Gauss-Laguerre, d = 1.
    // Nodes and weights of the 3-point rule to 15 digits (roots of x^3 - 9x^2 + 18x - 6).
    let nodes = [0.4157745567834791, 2.294280360279042, 6.289945082937479];
    let weights = [0.711093009929173, 0.2785177335692409, 0.01038925650158614];
    let parts = nodes.iter().map(|&x| RegressionTask::isotropic(1, x, 1.0, 0.0, 7).expect("valid")).collect();
    let mixture = PromptMixture::new(&weights, parts).expect("valid");
    let best = mixture_minimum(&mixture).expect("regular");
    let law = exponential_spectra(1, 7).expect("valid");
    assert_close(best.a_star[(0, 0)], law.a, 1e-14);
    assert_close(best.l_star, law.l_star, 1e-13);
    assert_close(mixture_floor(&mixture).expect("diagonal"), 1.0 / 3.0, 1e-13);
    let far = exponential_spectra(9, 1_000_000_000_000_000).expect("valid");
    assert_close(far.l_star, 3.0, 1e-13);
}

#[test]
fn single_index_reference() {
    let step = single_index_step(&cubic(), 4, 5, 0.1).expect("valid");
    assert_close(step.eta, 0.311720698254364, PRINTED + rounding(4, 1.0));
    assert_close(step.loss_noisy_target, 4.35311720698254, PRINTED + rounding(4, 1.0));
    // Vector ICL1-H28: g = z^3.
    let cube = Polynomial::new(&[0.0, 0.0, 0.0, 1.0]).expect("valid");
    let step = single_index_step(&cube, 5, 9, 0.0).expect("valid");
    assert_close(step.eta, 0.34177215189873417, rounding(4, 1.0));
    assert_close(step.loss_noisy_target, 11.924050632911392, rounding(4, 1.0));
    // Linear targets: ICL-3 with Psi = I/d.
    let line = Polynomial::new(&[0.0, 1.0]).expect("valid");
    for (d, n, sigma2) in [(1, 1, 0.0), (3, 10, 0.4), (7, 1_000_000_000_000, 0.0)] {
        let step = single_index_step(&line, d, n, sigma2).expect("valid");
        let task = RegressionTask::isotropic(d, 1.0, 1.0 / d as f64, sigma2, n).expect("valid");
        let law = whiten(&task);
        assert_close(step.eta, minimizer(&law).expect("labels")[(0, 0)], rounding(d, 1.0));
        assert_close(step.loss_noisy_target, minimum(&law).expect("labels") + sigma2, rounding(d, 1.0));
    }
    // No linear Hermite component: exactly nothing is learned.
    for even in [vec![0.0, 0.0, 1.0], vec![-1.0, 0.0, 1.0], vec![0.0, -3.0, 0.0, 1.0]] {
        let g = Polynomial::new(&even).expect("valid");
        let step = single_index_step(&g, 3, 20, 0.25).expect("valid");
        assert_eq!(step.eta, 0.0);
        assert_eq!(step.loss_noisy_target, step.best_linear);
    }
}

#[test]
fn single_index_mixture_reference() {
    let lambda = t2().lambda().clone();
    let task = SingleIndexMixture::new(
        lambda,
        &[0.6, 0.4],
        vec![vec![1.0, 0.2, -0.3], vec![-0.4, 0.9, 0.5]],
        cubic(),
        0.1,
        5,
    )
    .expect("valid");
    let best = target_minimum(&single_index_moments(&task).expect("finite"), 5).expect("regular");
    let expected = rows(&[
        [0.2387462256783, -0.0257221184410517, -0.100112763784256],
        [-0.0236609644574535, 0.2202219949015, 0.094325423379416],
        [-0.0993135408110238, 0.095103614169142, 0.0743728402901558],
    ]);
    assert_matrix_close(best.a_star.as_ref(), expected.as_ref(), PRINTED + rounding(3, 10.0));
    assert_close(best.loss_noisy_target, 11.7164627285518, PRINTED + rounding(3, 4.0));
}

/// For linear responses the general theorem is ICL-3, with relative accuracy of the excess at any N.
#[test]
fn linear_targets_reduce_to_the_regression_task() {
    for (task, n) in [(t2(), 8), (four(0.4, 9), 9), (t2_with(0.0, 1_000_000_000_000), 1_000_000_000_000)] {
        let d = task.dimension();
        let zero = Mat::zeros(d, d);
        let moments = contaminated_moments(&task, zero.as_ref()).expect("finite");
        let best = target_minimum(&moments, n).expect("regular");
        let law = whiten(&task);
        assert_matrix_close(
            best.a_star.as_ref(),
            minimizer(&law).expect("labels").as_ref(),
            rounding(d, 64.0),
        );
        let tolerance = rounding(d, 64.0) * task.signal();
        assert!((best.best_linear - task.sigma2()).abs() <= tolerance);
        assert_close(best.excess, minimum(&law).expect("labels"), rounding(d, 64.0));
    }
}

/// E[(x'Qx)^2 x x'] as a rational Wick sum.
#[test]
fn quartic_moment_is_the_wick_sum() {
    let lambda = rows(&[[1.5, 0.25], [0.25, 0.75]]);
    let q = rows(&[[0.5, -0.25], [-0.25, 2.0]]);
    let (l, form) = (exact_matrix(&lambda), exact_matrix(&q));
    let found = quartic_moment(q.as_ref(), &Covariance::dense("Lambda", lambda.as_ref()).expect("valid"))
        .expect("valid");
    for i in 0..2 {
        for j in 0..2 {
            let mut sum = ratio(0, 1);
            for (a, b, c, e) in (0..16).map(|k| (k & 1, k >> 1 & 1, k >> 2 & 1, k >> 3 & 1)) {
                let moment = wick::isserlis(&[(0, a), (0, b), (0, c), (0, e), (0, i), (0, j)], &l);
                sum += &form[a][b] * &form[c][e] * moment;
            }
            assert_close(found[(i, j)], sum.to_f64().value(), rounding(2, 1.0));
        }
    }
    assert!(quartic_moment(rows(&[[1.0, 2.0], [0.0, 1.0]]).as_ref(), t2().lambda()).is_err());
}

/// The Wick sum of a product of Gaussians with a covariance per token.
fn wick(variables: &[(usize, usize)], covariance: &impl Fn(usize, usize, usize) -> RBig) -> RBig {
    let [first, rest @ ..] = variables else { return ratio(1, 1) };
    let mut total = ratio(0, 1);
    for k in 0..rest.len() {
        if rest[k].0 == first.0 {
            let mut others = rest.to_vec();
            let partner = others.remove(k);
            total += covariance(first.0, first.1, partner.1) * wick(&others, covariance);
        }
    }
    total
}

type Monomials = Vec<(RBig, Vec<(usize, usize)>)>;

/// E (y_hat - w'x_q)^2 of the full layer, expanded into monomials of tokens, task and noise: d = 2, exact.
#[test]
fn the_full_loss_is_the_wick_sum() {
    let lambda = rows(&[[1.5, 0.25], [0.25, 0.75]]);
    let psi = rows(&[[1.0, -0.5], [-0.5, 2.0]]);
    let u_block = rows(&[[0.5, 0.125], [-0.25, 0.75]]);
    let (p, q, u) = ([0.5, -0.25], [0.25, 1.0], 0.5);
    for (n, sigma2, rho, query) in [
        (1, 0.5, 1.0, QueryToken::Inside),
        (2, 0.25, 2.0, QueryToken::Inside),
        (2, 0.25, 4.0, QueryToken::Masked),
    ] {
        let (l, s) = (exact_matrix(&lambda), exact_matrix(&psi));
        let (query_token, task_token) = (n, n + 1);
        let covariance = |token: usize, i: usize, j: usize| {
            if token <= n {
                l[i][j].clone()
            } else if token == task_token {
                s[i][j].clone()
            } else {
                exact(sigma2)
            }
        };
        // y_i = sum_c w_c x_ic + e_i; e_i is token n + 2 + i.
        let label = |i: usize| -> Monomials {
            (0..2)
                .map(|c| (ratio(1, 1), vec![(task_token, c), (i, c)]))
                .chain(core::iter::once((ratio(1, 1), vec![(n + 2 + i, 0)])))
                .collect()
        };
        let mut error: Monomials = Vec::new();
        let inverse = ratio(1, 1) / exact(rho);
        let keys = if query == QueryToken::Inside { n + 1 } else { n };
        for a in 0..2 {
            error.push((ratio(-1, 1), vec![(task_token, a), (query_token, a)]));
            for i in 0..keys {
                for b in 0..2 {
                    for c in 0..2 {
                        // p' x_i x_i' U x_q
                        let weight = exact(p[b]) * exact(u_block[(c, a)]) * &inverse;
                        error.push((weight, vec![(i, b), (i, c), (query_token, a)]));
                    }
                }
            }
            for i in 0..n {
                for (_, y) in label(i) {
                    for b in 0..2 {
                        let weight =
                            (exact(p[b]) * exact(q[a]) + exact(u) * exact(u_block[(b, a)])) * &inverse;
                        error.push((weight, [&y[..], &[(i, b), (query_token, a)]].concat()));
                    }
                    for (_, z) in label(i) {
                        let weight = exact(u) * exact(q[a]) * &inverse;
                        error.push((weight, [&y[..], &z[..], &[(query_token, a)]].concat()));
                    }
                }
            }
        }
        let mut expected = ratio(0, 1);
        for (x, left) in &error {
            for (y, right) in &error {
                expected += x * y * wick(&[&left[..], &right[..]].concat(), &covariance);
            }
        }
        let task = RegressionTask::new(
            Covariance::dense("Lambda", lambda.as_ref()).expect("valid"),
            Covariance::dense("Psi", psi.as_ref()).expect("valid"),
            sigma2,
            n,
        )
        .expect("valid");
        let blocks = LayerBlocks { p: p.to_vec(), u, key_query: u_block.clone(), q: q.to_vec() };
        let found = full_layer_loss(&task, &blocks, rho, query).expect("valid");
        assert_close(found.loss, expected.to_f64().value(), rounding(4, 1.0));
        let model = FullLayerLoss::new(&task, rho, query).expect("valid");
        let x = model.parameters(&blocks).expect("valid");
        assert_close(2.0 * model.value(&x, &mut ()), expected.to_f64().value(), rounding(4, 1.0));
    }
}

#[test]
fn full_loss_reference() {
    let blocks = LayerBlocks { p: vec![0.2, -0.1, 0.3], u: 0.7, key_query: a0(), q: vec![-0.3, 0.1, 0.2] };
    for (rho, query, e) in [
        (8.0, QueryToken::Inside, 2.20376862375),
        (9.0, QueryToken::Inside, 2.01172039407407),
        (8.0, QueryToken::Masked, 2.18983557375),
    ] {
        let found = full_layer_loss(&t2(), &blocks, rho, query).expect("valid");
        assert_close(found.loss, e, PRINTED + rounding(4, 1.0));
    }
    // Vector ICL1-H38.
    let blocks = LayerBlocks {
        p: vec![0.35, -0.2],
        u: 0.55,
        key_query: rows(&[[0.7, 0.15], [-0.4, 0.9]]),
        q: vec![0.1, 0.6],
    };
    let found = full_layer_loss(&small(0.3, 6), &blocks, 6.0, QueryToken::Inside).expect("valid");
    assert_close(found.loss, 3.570291467713541, rounding(4, 1.0));
    assert_close(found.even_part, 2.233675123416666, rounding(4, 1.0));
}

#[test]
fn mirror_eigenvalue_reference() {
    for (n, query, e) in [
        (8, QueryToken::Masked, -0.0131756678932764),
        (8, QueryToken::Inside, 0.00986080109754),
        (3, QueryToken::Masked, 0.0330732081456395),
        (3, QueryToken::Inside, 0.0709113181760485),
    ] {
        let law = whiten(&t2_with(0.25, n));
        let found = mirror_eigenvalue(&law, query).expect("regular");
        // The form is of size (1 + 2/N) T^2; its eigenvalues are accurate relative to that.
        assert!(
            (found.min_eig - e).abs() <= PRINTED * 10.0 * e.abs() + rounding(10, 20.0),
            "{} {e}",
            found.min_eig
        );
        let criterion = mirror_criterion(&law, query).expect("regular");
        assert_eq!(criterion.local_min, e > 0.0);
    }
    // Vector ICL1-H41.
    let law = whiten(&RegressionTask::isotropic(2, 1.0, 1.0, 0.5, 1).expect("valid"));
    let found = mirror_criterion(&law, QueryToken::Masked).expect("regular");
    assert!(found.local_min);
    assert_close(found.criterion, 3.75, rounding(2, 8.0));
    assert_close(found.loss, 1.7777777777777777, rounding(2, 1.0));
}

/// The closed form of the isotropic masked criterion (ICL-18) and the thresholds printed for ICL-61.
#[test]
fn mirror_criterion_in_the_isotropic_case() {
    let at = |d: usize, n: usize, sigma2: f64, query| {
        let law = whiten(&RegressionTask::isotropic(d, 1.0, 1.0, sigma2, n).expect("valid"));
        mirror_criterion(&law, query).expect("regular")
    };
    for d in [1, 2, 3, 5, 8] {
        for n in [1, 2, 10, 200] {
            for sigma2 in [0.0, 1.0, 15.0] {
                let (x, m) = (d as f64 + sigma2, n as f64);
                let left = m
                    * ((1.0 + 2.0 / m) * (x * x + 2.0 * d as f64) - (x + 2.0 / m).powi(2) / (1.0 + 2.0 / m));
                let right = (d as f64 - 1.0) * (m + 1.0 + x).powi(2);
                let found = at(d, n, sigma2, QueryToken::Masked);
                assert!((found.criterion - left + right).abs() <= rounding(d, 1.0) * (left.abs() + right));
            }
        }
    }
    for (d, last) in [(2, 4), (3, 3), (4, 2), (5, 2), (8, 2)] {
        for n in 1..=30 {
            assert_eq!(at(d, n, 0.0, QueryToken::Inside).local_min, n <= last, "d {d}, N {n}");
            assert_eq!(at(d, n, 0.0, QueryToken::Masked).local_min, (d, n) == (2, 1), "d {d}, N {n}");
        }
    }
    // Any scale of Lambda and Psi: the sign does not depend on units.
    let scaled = whiten(&RegressionTask::isotropic(2, 3.0, 0.2, 0.6 * 15.0, 10).expect("valid"));
    assert!(mirror_criterion(&scaled, QueryToken::Masked).expect("regular").local_min);
    assert!(at(2, 10, 15.0, QueryToken::Masked).local_min);
    assert!(!at(2, 10, 0.0, QueryToken::Masked).local_min);
}

/// The O(d) criterion against the sign of the smallest eigenvalue, dense and Lanczos, and the stationarity of the point
/// through the model's gradient.
#[test]
fn mirror_points_are_stationary_and_their_criterion_has_the_sign_of_the_form() {
    let mut r = Lcg(21);
    let (mut minima, mut saddles) = (0, 0);
    for k in 0..60 {
        let d = 1 + k % 5;
        let n = [1, 3, 12, 80][k / 5 % 4];
        let ridge = if k < 30 { 0.05 } else { 1.0 };
        let lambda = r.covariance("Lambda", d, d + 2, ridge);
        let psi = r.covariance("Psi", d, d + 2, ridge);
        let task = RegressionTask::new(lambda, psi, r.next().abs(), n).expect("valid");
        let law = whiten(&task);
        for query in [QueryToken::Masked, QueryToken::Inside] {
            let criterion = mirror_criterion(&law, query).expect("regular");
            let eigenvalue = mirror_eigenvalue(&law, query).expect("regular");
            let form = law.spectrum()[0] + law.sigma2() + law.signal();
            if eigenvalue.min_eig.abs() > rounding(d * d, 64.0) * form * form {
                assert_eq!(criterion.local_min, eigenvalue.min_eig > 0.0, "{criterion:?} {eigenvalue:?}");
                *if criterion.local_min { &mut minima } else { &mut saddles } += 1;
            }
            let loss = FullLayerLoss::new(&task, n as f64, query).expect("valid");
            for index in 0..d {
                let point = mirror_point(&law, index).expect("index < d");
                let x = loss.parameters(&point.blocks).expect("valid");
                let mut gradient = vec![0.0; x.len()];
                let value = loss.value_and_gradient(&x, &mut gradient, &mut ());
                assert!((2.0 * value - point.loss).abs() <= rounding(d, 16.0) * law.signal());
                let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
                assert!(norm <= 1e-10 * form, "{norm:e}");
            }
        }
    }
    assert!(minima > 10 && saddles > 10, "{minima} minima, {saddles} saddles");
}

#[test]
fn lanczos_agrees_with_the_full_decomposition() {
    let mut r = Lcg(22);
    let d = DENSE_MIRROR_DIMENSION + 1;
    let (lambda, psi) = (r.covariance("Lambda", d, 2 * d, 0.5), r.covariance("Psi", d, 2 * d, 0.5));
    let law = whiten(&RegressionTask::new(lambda, psi, 1.0, 6).expect("valid"));
    for query in [QueryToken::Masked, QueryToken::Inside] {
        let found = mirror_eigenvalue(&law, query).expect("converges");
        let dense = full_layer::dense_minimum_for_tests(&law, query);
        assert!(
            (found.min_eig - dense).abs() <= found.error_bound + 1e-11 * dense.abs(),
            "{found:?} {dense}"
        );
    }
}

#[test]
fn published_bound_holds() {
    let mut r = Lcg(23);
    let mut worst = 0.0_f64;
    for k in 0..300 {
        let d = 1 + k % 6;
        let lambda = r.covariance("Lambda", d, d, 0.01);
        let found = published_risk_bound(&lambda, 1 + k % 13, 1 + k % 7).expect("regular");
        worst = worst.max(found.exact / found.bound);
    }
    assert!(worst <= 1.0 && worst > 0.5, "{worst}");
}

#[test]
fn prior_mean_adds_to_the_second_moment() {
    let psi = prior_second_moment(&[1.0, -2.0], &diag("Psi", &[0.5, 0.25])).expect("valid");
    assert_matrix_close(psi.matrix(), rows(&[[1.5, -2.0], [-2.0, 4.25]]).as_ref(), 0.0);
    let values = symmetric_eigenvalues(psi.matrix()).expect("finite");
    assert!(values[1] > 0.0);
}
