//! Gauss rules, prompts, schedules, condition numbers.
use solvable_linalg::Mat;
use solvable_model::icl::{AttentionStack, Prompt, QueryToken};

use super::super::*;
use super::assert_close;
use crate::icl::tests::Lcg;

const RATIOS: [f64; 13] = [1e-8, 0.01, 0.25, 0.5, 0.99, 1.0, 1.01, 1.44, 2.25, 4.0, 5.0, 100.0, 1e8];

/// The n-point rule integrates powers below 2n exactly; 1.44, 2.25 and 4 are where a node sits on the edge (n = 5, 2, 1).
#[test]
fn marchenko_pastur_rules_are_exact() {
    for c in RATIOS {
        for n in [1, 2, 3, 5, 8, 20, 64] {
            let rule = SpectralRule::marchenko_pastur(c, n).expect("valid");
            assert_eq!(rule.nodes().len(), n);
            assert!(rule.nodes().windows(2).all(|w| w[0] < w[1]), "{c} {n} {:?}", rule.nodes());
            assert!(rule.nodes()[0] >= 0.0 && rule.weights().iter().all(|&w| w > 0.0));
            for k in 0..(2 * n).min(24) {
                let expected = marchenko_pastur_moment(k, c).expect("valid");
                // Each power multiplies the relative error of the nodes, a few ulps; weights carry n more.
                let tolerance = (8.0 * k as f64 + 8.0 * n as f64 + 8.0) * f64::EPSILON;
                assert_close(rule.integrate(|x| x.powi(k as i32)), expected, tolerance);
            }
        }
    }
}

#[test]
fn wishart_rules_are_exact() {
    for (d, n) in [(1, 1), (3, 8), (8, 3), (20, 20)] {
        for size in [1, 2, 5, 9] {
            let rule = SpectralRule::wishart(d, n, size).expect("valid");
            assert_eq!(rule.nodes().len(), size);
            for k in 0..2 * size {
                let expected = wishart_moment(k, d, n).expect("valid");
                let tolerance = 64.0 * (k + size) as f64 * f64::EPSILON;
                assert_close(rule.integrate(|x| x.powi(k as i32)), expected, tolerance);
            }
        }
    }
    assert!(SpectralRule::wishart(3, 4, 0).is_err() && SpectralRule::wishart(3, 4, 17).is_err());
    assert!(SpectralRule::wishart(3, 4, usize::MAX).is_err());
}

/// The Gauss rule of the semicircle law `lambda d mu`, the other exact evaluation of ICL-48, with more nodes than needed.
#[test]
fn semicircle_nodes_give_the_same_risk() {
    let mut random = Lcg(7);
    for c in [0.01, 0.3, 1.0, 2.0, 30.0] {
        for layers in 0..7 {
            let etas: Vec<f64> = (0..layers).map(|_| (1.0 + 0.8 * random.next()) / (1.0 + c)).collect();
            let schedule = Schedule::new(&etas, &[]).expect("valid");
            let s = 0.5 * (1.0 + random.next());
            let (n, mut expected, mut scale) = (layers + 3, 1.0, 1.0);
            for k in 1..=n {
                let angle = core::f64::consts::PI * k as f64 / (n as f64 + 1.0);
                let rho = 1.0 + c + 2.0 * c.sqrt() * angle.cos();
                let weight = 2.0 / (n as f64 + 1.0) * angle.sin().powi(2);
                let (p, q) = schedule.at(rho);
                expected += weight * (s * q * q - q * (1.0 + p));
                scale += weight * (s * q * q + (q * (1.0 + p)).abs());
            }
            let found = limit_risk(&schedule, c, s).expect("valid");
            assert!(
                (found - expected).abs() <= 64.0 * f64::EPSILON * scale,
                "{c} {layers} {found} {expected}"
            );
        }
    }
}

/// Exact rational risks against the positive Gauss sum, plain and corrected.
#[test]
fn rational_and_gauss_risks_agree() {
    for (etas, gammas) in [
        (&[0.7, 0.3, 1.1][..], &[][..]),
        (&[0.5, 0.25], &[0.3]),
        (&[0.2, 0.3, 0.4], &[0.1, 0.05]),
        (&[0.0, -0.5, 0.5], &[0.25, 0.0, 0.0]),
    ] {
        let schedule = Schedule::new(etas, gammas).expect("valid");
        for (d, n, s) in [(3, 8, 0.05), (6, 4, 0.5)] {
            let exact = normalised_finite_risk(d, n, s, &schedule).expect("valid");
            let rule = SpectralRule::wishart(d, n, schedule.degree() + 1).expect("valid");
            assert_close(rule.risk(|l| schedule.at(l), s).expect("valid"), exact, 1e-12);
        }
    }
}

/// Rows of the prompt through literal attention, averaged over an orthonormal set of tasks, queries and noises, give the
/// conditional risk.
#[test]
fn prompt_risk_is_that_of_literal_attention() {
    let mut random = Lcg(11);
    let etas = [0.5, 0.3, 0.9];
    let schedule = Schedule::new(&etas, &[]).expect("valid");
    for (n, d) in [(5, 3), (2, 4), (1, 1)] {
        let x = random.matrix(n, d);
        let (tau2, sigma2) = (1.5, 0.4);
        let stack = AttentionStack::descent(d, &etas, QueryToken::Masked).expect("valid");
        let unit = |size: usize, i: usize| (0..size).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>();
        let predict = |y: Vec<f64>, q: usize| {
            Prompt::new(x.clone(), y, unit(d, q)).and_then(|p| stack.predict(&p)).expect("valid")
        };
        let mut total = 0.0;
        for q in 0..d {
            for task in 0..d {
                let labels = (0..n).map(|i| x[(i, task)]).collect();
                total += tau2 * (predict(labels, q) - f64::from(u8::from(q == task))).powi(2);
            }
            for noise in 0..n {
                total += sigma2 * predict(unit(n, noise), q).powi(2);
            }
        }
        let found = prompt_risk(x.as_ref(), &schedule, tau2, sigma2).expect("valid");
        assert_close(found, total / (d as f64 * tau2), 1e-13);
        let bayes = prompt_bayes_risk(x.as_ref(), tau2, sigma2).expect("valid");
        assert!(bayes <= found);
    }
    let null = Mat::<f64>::zeros(2, 3);
    assert_eq!(prompt_bayes_risk(null.as_ref(), 1.0, 0.0).expect("valid"), 1.0);
}

#[test]
fn corrected_condition_is_the_worst_over_the_interval() {
    for (m, top) in [(0.1, 3.0), (1.0, 1.0), (0.5, 0.75), (1e-3, 10.0)] {
        let best = best_correction(m, top).expect("valid");
        for step in -20..=60 {
            let gamma = f64::from(step) / 20.0 / top;
            let found = corrected_condition(m, top, gamma).expect("valid");
            let f = |l: f64| l * (1.0 - gamma * l).powi(2);
            let points = (0..=4000).map(|i| m + (top - m) * f64::from(i) / 4000.0);
            let (low, high) = points.map(f).fold((f64::INFINITY, 0.0_f64), |(a, b), y| (a.min(y), b.max(y)));
            let grid = high / low;
            if found.is_infinite() || grid > 1e12 {
                // The zero lies inside or on an end, up to the rounding of gamma; the grid only comes near it.
                assert!(gamma * m <= 1.0 + 1e-15 && gamma * top >= 1.0 - 1e-15);
                continue;
            }
            assert!(found >= grid * (1.0 - 1e-12), "{m} {top} {gamma}: {found} {grid}");
            assert!(found <= grid * (1.0 + 1e-3), "{m} {top} {gamma}: {found} {grid}");
            if (0.0..1.0).contains(&(gamma * top)) {
                assert!(best.kappa <= found * (1.0 + 1e-14));
            }
        }
        let own = corrected_condition(m, top, best.gamma).expect("valid");
        // The rounding of gamma enters (1 - gamma M)^2 divided by 1 - gamma M.
        let tolerance = 8.0 * f64::EPSILON / (1.0 - best.gamma * top).max(0.1 * m / top);
        assert_close(best.kappa, own, tolerance);
    }
}

#[test]
fn minimax_steps_equioscillate() {
    for (m, top, layers) in [(0.2, 3.0, 5), (1.0, 1.0, 3), (1e-6, 1.0, 4), (0.999, 1.0, 2), (1.0, 5.0, 0)] {
        let found = minimax_steps(m, top, layers).expect("valid");
        assert!(found.etas.windows(2).all(|w| w[0] <= w[1]));
        let schedule = Schedule::new(&found.etas, &[]).expect("valid");
        let worst = (0..=2000)
            .map(|i| schedule.residual(m + (top - m) * f64::from(i) / 2000.0).abs())
            .fold(0.0_f64, f64::max);
        // Reached at both ends of the interval, which the grid contains.
        assert!(
            (worst - found.max_residual).abs() <= 1e-10 * found.max_residual.max(1e-6),
            "{worst} {found:?}"
        );
    }
}

/// One node is at the mean, 1, also just inside the edge sqrt c = 2 beyond which it is found as a detached one. There the root is
/// nearly double: an angle psi ~ eta^(1/2) known to eps/eta moves the node by psi eps/eta.
#[test]
fn a_node_about_to_leave_the_bulk() {
    for power in 1..=9 {
        let eta = 10.0_f64.powi(-power);
        for root in [2.0 - eta, 2.0 + eta] {
            let rule = SpectralRule::marchenko_pastur(root * root, 1).expect("valid");
            let allowed = 64.0 * f64::EPSILON * (1.0 + eta.powf(-0.5));
            assert!((rule.nodes()[0] - 1.0).abs() <= allowed, "{root}: {:?}", rule.nodes());
        }
    }
}

/// `int d mu = 1` and `int lambda d mu = 1` whichever way the detached node rounds.
#[test]
fn detached_nodes_of_many_ratios() {
    for i in 1..200 {
        let c = 1.1 + 0.73 * f64::from(i * i);
        for n in [1, 2, 12] {
            let rule = SpectralRule::marchenko_pastur(c, n).expect("valid");
            for k in 0..2 {
                let found = rule.integrate(|x| x.powi(k));
                assert!((found - 1.0).abs() <= 64.0 * (n + 1) as f64 * f64::EPSILON, "{c} {n} {k}: {found}");
            }
        }
    }
}
