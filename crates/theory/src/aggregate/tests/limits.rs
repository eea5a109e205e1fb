//! Limits, singular points, extreme ridges.
use solvable_model::aggregate::{
    FiniteDesign, GroupedLimit, IsotropicLimit, LabelPrivacy, Mixing, RowGroup, SpectralLimit, SpectrumPart,
};

use super::reference::{at, close, isotropic};
use crate::aggregate::*;

const ULPS: f64 = 64.0 * f64::EPSILON;

fn spectral(gamma: f64, k: f64, r2: f64, s2: f64) -> SpectralLimit {
    SpectralLimit::new(vec![SpectrumPart { sigma: 1.0, weight: gamma, theta2: r2 }], k, s2).expect("valid")
}

#[test]
fn infinities_are_infinities_and_absent_energies_stay_absent() {
    let inf = f64::INFINITY;
    // k gamma = 1 at rho = 1, with gamma rounded.
    for (gamma, k) in [(0.25, 4.0), (1.0 / 3.0, 3.0), (0.2, 5.0), (1.0 / 49.0, 49.0)] {
        for mixing in [Mixing::BAG, Mixing::LEFT_OF_ONE] {
            let risk = ridgeless_risk(&isotropic(gamma, k, 1.0, 0.5), mixing);
            assert_eq!((risk.bias2, risk.var), (0.0, inf), "{gamma} {k}");
            assert_eq!(ridgeless_risk(&isotropic(gamma, k, 1.0, 0.0), mixing).var, 0.0);
        }
        assert!(ridgeless_risk(&isotropic(gamma, k, 1.0, 0.5), at(0.5)).total().is_finite());
        let general = bag_equivalent(&spectral(gamma, k, 1.0, 0.5), Mixing::BAG, 0.0).expect("valid");
        assert_eq!((general.risk.bias2, general.risk.var, general.within_risk), (0.0, inf, inf));
    }
    // gamma = 1 at rho < 1.
    for rho in [0.0, 0.5, 1.0 - f64::EPSILON] {
        let risk = ridgeless_risk(&isotropic(1.0, 2.0, 1.0, 0.5), at(rho));
        assert_eq!((risk.bias2, risk.var), (inf, inf));
        let risk = ridgeless_risk(&isotropic(1.0, 2.0, 0.0, 0.5), at(rho));
        assert_eq!((risk.bias2, risk.var), (0.0, inf));
        let general = bag_equivalent(&spectral(1.0, 2.0, 1.0, 0.5), at(rho), 0.0).expect("valid");
        assert_eq!((general.risk.bias2, general.risk.var), (inf, inf));
        // Interpolation: training residuals are 0 although the risk is infinite.
        let seen = observables(&spectral(1.0, 2.0, 1.0, 0.5), at(rho), 0.0).expect("valid");
        assert_eq!((seen.bag_loss, seen.within, seen.leverage), (0.0, 0.0, 1.0));
    }
    // k = 1: rho is irrelevant.
    for gamma in [0.3, 1.0, 1.7] {
        let bag = ridgeless_risk(&isotropic(gamma, 1.0, 1.0, 0.5), Mixing::BAG);
        for mixing in [at(0.0), at(0.6), Mixing::LEFT_OF_ONE] {
            assert_eq!(ridgeless_risk(&isotropic(gamma, 1.0, 1.0, 0.5), mixing), bag);
        }
    }
    assert_eq!(critical_snr(0.25, 4.0), Ok(inf));
    assert_eq!(critical_snr(1.0, 4.0), Ok(0.0));
}

#[test]
fn the_path_jumps_at_bag_level_only_when_bags_are_fewer_than_directions() {
    // tau down to the spacing of doubles below 1: the left limit, not the value at 1.
    for (gamma, k) in [(0.5, 4.0), (0.3, 5.0), (0.9, 2.0), (0.2, 4.0)] {
        let problem = isotropic(gamma, k, 1.3, 0.7);
        let left = ridgeless_risk(&problem, Mixing::LEFT_OF_ONE);
        let near = ridgeless_risk(&problem, at(1.0 - 0.5 * f64::EPSILON));
        // The approach is linear in tau, with a slope below 100 at these points.
        assert!((near.bias2 - left.bias2).abs() <= 1e3 * f64::EPSILON);
        assert!((near.var - left.var).abs() <= 1e3 * f64::EPSILON);
        let value = ridgeless_risk(&problem, Mixing::BAG);
        assert_eq!(value.total() < left.total(), k * gamma > 1.0);
        let general = bag_equivalent(&spectral(gamma, k, 1.3, 0.7), Mixing::LEFT_OF_ONE, 0.0).expect("valid");
        close(general.risk.total(), left.total(), ULPS);
    }
}

#[test]
fn a_vanishing_ridge_gives_the_ridgeless_limit() {
    for gamma in [0.1, 0.25, 0.6, 1.4, 30.0] {
        for k in [1.0, 2.0, 5.0] {
            if k * gamma == 1.0 {
                continue;
            }
            for rho in [0.0, 0.4, 0.99, 1.0] {
                let problem = isotropic(gamma, k, 1.3, 0.7);
                let exact = ridgeless_risk(&problem, at(rho));
                for lambda in [1e-30, 1e-200, 1e-308, 5e-324] {
                    let limit = ridge_limit(&problem, at(rho), lambda).expect("valid").risk;
                    close(limit.total(), exact.total(), 1e3 * f64::EPSILON);
                    let general = bag_equivalent(&spectral(gamma, k, 1.3, 0.7), at(rho), lambda);
                    close(general.expect("valid").risk.total(), exact.total(), 1e3 * f64::EPSILON);
                }
                let general = bag_equivalent(&spectral(gamma, k, 1.3, 0.7), at(rho), 0.0).expect("valid");
                close(general.risk.bias2, exact.bias2, ULPS);
                close(general.risk.var, exact.var, ULPS);
            }
        }
    }
}

#[test]
fn ridges_of_any_size_keep_full_relative_accuracy() {
    // tau = 0 and tau = 1 have the quadratic lambda x^2 + (lambda + p - gamma) x - gamma = 0 (p = 1 for tau = 1).
    let quadratic = |lambda: f64, share_minus_gamma: f64, gamma: f64| {
        let b = lambda + share_minus_gamma;
        let root = b.hypot(2.0 * lambda.sqrt() * gamma.sqrt());
        if b >= 0.0 { 2.0 * gamma / (b + root) } else { (root - b) / (2.0 * lambda) }
    };
    for exponent in [-290, -100, -20, -8, -2, 0, 3, 100, 290] {
        let lambda = 10.0_f64.powi(exponent);
        for gamma in [1.0, 1.0 + f64::EPSILON, 1.0 - f64::EPSILON, 0.5, 0.5 + 1e-12, 2.0, 1e-3, 1e6] {
            let problem = isotropic(gamma, 2.0, 1.0, 1.0);
            let bag = ridge_limit(&problem, Mixing::BAG, lambda).expect("valid").delta;
            close(bag, quadratic(lambda, 0.5 - gamma, gamma), ULPS);
            let instance = ridge_limit(&problem, Mixing::INSTANCE, lambda).expect("valid").delta;
            close(instance, quadratic(lambda, 1.0 - gamma, gamma), ULPS);
            let general = bag_equivalent(&spectral(gamma, 2.0, 1.0, 1.0), Mixing::BAG, lambda);
            close(general.expect("valid").point.delta, bag, ULPS);
            let general = bag_equivalent(&spectral(gamma, 2.0, 1.0, 1.0), Mixing::INSTANCE, lambda);
            // Weights within rounding of each other count as equal there.
            if gamma == 1.0 || (gamma - 1.0).abs() > f64::EPSILON {
                close(general.expect("valid").point.delta, instance, ULPS);
            }
        }
    }
}

#[test]
fn the_fixed_point_is_affine_and_scale_invariant() {
    // AGG-3(c): at lambda = 0 with an invertible H only theta*' Sigma theta* matters.
    let p = |j: usize| SpectrumPart {
        sigma: [5.0, 1.0, 1e-3][j],
        weight: [0.1, 0.2, 0.15][j],
        theta2: [0.2, 0.7, 40.0][j],
    };
    let problem = SpectralLimit::new((0..3).map(p).collect(), 2.0, 0.7).expect("valid");
    let r2: f64 = (0..3).map(|j| p(j).sigma * p(j).theta2).sum();
    for mixing in [at(0.0), at(0.7), Mixing::BAG, Mixing::LEFT_OF_ONE] {
        let risk = bag_equivalent(&problem, mixing, 0.0).expect("valid").risk;
        let flat = ridgeless_risk(&isotropic(0.1 + 0.2 + 0.15, 2.0, r2, 0.7), mixing);
        close(risk.bias2, flat.bias2, ULPS);
        close(risk.var, flat.var, ULPS);
    }
    // Sigma -> c Sigma, lambda -> c lambda: same delta, risk times c for the signal part only.
    let scale = 2.0_f64.powi(300);
    let big = |j: usize| SpectrumPart { sigma: p(j).sigma * scale, ..p(j) };
    let scaled = SpectralLimit::new((0..3).map(big).collect(), 2.0, 0.7).expect("valid");
    let a = bag_equivalent(&problem, at(0.3), 0.01).expect("valid");
    let b = bag_equivalent(&scaled, at(0.3), 0.01 * scale).expect("valid");
    close(b.point.delta, a.point.delta, ULPS);
    close(b.risk.bias2, a.risk.bias2 * scale, ULPS);
    close(b.risk.var, a.risk.var, ULPS);
}

#[test]
fn overparameterised_minimum_norm_with_any_spectrum_is_the_limit_of_small_ridges() {
    let p = |j: usize| SpectrumPart {
        sigma: [5.0, 1.0, 0.03][j],
        weight: [0.3, 0.4, 1.9][j],
        theta2: [0.2, 0.7, 4.0][j],
    };
    let problem = SpectralLimit::new((0..3).map(p).collect(), 3.0, 0.7).expect("valid");
    for mixing in [at(0.0), at(0.7), Mixing::BAG] {
        let exact = bag_equivalent(&problem, mixing, 0.0).expect("valid");
        // The approach is linear in lambda.
        let near = bag_equivalent(&problem, mixing, 1e-18).expect("valid");
        close(near.risk.total(), exact.risk.total(), ULPS);
        close(near.within_risk, exact.within_risk, ULPS);
        assert!(exact.point.delta.is_infinite());
    }
}

#[test]
fn groups_with_the_same_weight_merge() {
    // Splitting a group in two identical ones changes nothing; noise adds linearly.
    let parts = vec![SpectrumPart { sigma: 1.0, weight: 0.4, theta2: 1.0 }];
    let g = |fraction, row_weight, target, noise_variance| RowGroup {
        fraction,
        row_weight,
        target,
        noise_variance,
    };
    let one = GroupedLimit::new(vec![g(0.5, 1.0, 1.0, 0.2), g(0.5, 0.3, 0.5, 0.1)], parts.clone());
    let two = GroupedLimit::new(
        vec![g(0.25, 1.0, 1.0, 0.2), g(0.5, 0.3, 0.5, 0.1), g(0.25, 1.0, 1.0, 0.2)],
        parts.clone(),
    );
    for lambda in [0.0, 0.1] {
        let a = equivalent(one.as_ref().expect("valid"), lambda).expect("valid");
        let b = equivalent(two.as_ref().expect("valid"), lambda).expect("valid");
        close(b.total(), a.total(), ULPS);
    }
    assert!(GroupedLimit::new(vec![g(0.5, 1.0, 1.0, 0.2)], parts).is_err());
}

#[test]
fn finite_size_tends_to_the_limit() {
    // Relative distance of order 1/(n |1 - gamma|); n = 2^24 leaves a factor 100 of room.
    let n = 1 << 24;
    for (gamma, k) in [(0.25, 4), (0.25, 2), (1.25, 4), (0.75, 2), (4.0, 2)] {
        let d = (gamma * f64::from(n)) as usize;
        let design = FiniteDesign::new(n as usize, d, k, 1.3, 0.7).expect("valid");
        let problem = isotropic(gamma, k as f64, 1.3, 0.7);
        let tolerance = 100.0 / f64::from(n);
        for mixing in [Mixing::BAG, Mixing::INSTANCE, Mixing::LEFT_OF_ONE] {
            if mixing != Mixing::INSTANCE && k as f64 * gamma == 1.0 {
                continue;
            }
            let finite = expected_risk(&design, mixing).expect("closed form");
            let limit = ridgeless_risk(&problem, mixing);
            assert!((finite.bias2 - limit.bias2).abs() <= tolerance * limit.bias2.max(1.0));
            close(finite.var, limit.var, tolerance);
        }
    }
}

#[test]
fn finite_size_singular_sizes() {
    let risk = |n, d, k| instance_level_expected_risk(&FiniteDesign::new(n, d, k, 1.0, 1.0).expect("valid"));
    let inf = f64::INFINITY;
    for (n, d, k, bias2) in [
        (4, 4, 2, inf),
        (4, 5, 2, inf),
        (4, 3, 2, inf),
        (4, 4, 1, 0.0),
        (4, 3, 1, 0.0),
        (4, 5, 1, 0.2),
        (1, 1, 1, 0.0),
        (2, 1, 2, 3.0 / 8.0),
        (1, 2, 1, 0.5),
    ] {
        let found = risk(n, d, k);
        assert_eq!(found.var, inf);
        close(found.bias2, bias2, 4.0 * f64::EPSILON);
    }
    let bag = |n, d, k| bag_level_expected_risk(&FiniteDesign::new(n, d, k, 1.0, 1.0).expect("valid"));
    assert_eq!(bag(6, 3, 2), Risk { bias2: 0.0, var: inf });
    assert_eq!(bag(6, 2, 2), Risk { bias2: 0.0, var: inf });
    assert_eq!(bag(6, 4, 2), Risk { bias2: 0.25, var: inf });
    // One row: the specification's eta = 0.
    let one = risk(1, 5, 1);
    close(one.bias2, 0.8, 4.0 * f64::EPSILON);
    close(one.var, 1.0 / 3.0, 4.0 * f64::EPSILON);
}

#[test]
fn agg_8_threshold_separates_the_two_losses() {
    for gamma in [0.01, 0.1, 0.24, 0.26, 0.4, 0.5, 0.55, 0.6, 0.8, 0.95, 1.1, 3.0] {
        for k in [2.0, 3.0, 4.0, 9.0] {
            let snr = critical_snr(gamma, k).expect("valid");
            let difference = |snr: f64| {
                let problem = isotropic(gamma, k, snr, 1.0);
                let (bag, instance) =
                    (ridgeless_risk(&problem, Mixing::BAG), ridgeless_risk(&problem, Mixing::INSTANCE));
                (instance.total() - bag.total()) / instance.total()
            };
            if snr > 0.0 && snr.is_finite() {
                assert!(difference(snr).abs() < 1e-12, "{gamma} {k}");
                assert!(difference(0.9 * snr) < 0.0 && difference(1.1 * snr) > 0.0);
            } else if snr == 0.0 {
                assert!(difference(1e-3) > 0.0 && difference(0.0) >= 0.0, "{gamma} {k}");
            }
        }
    }
}

#[test]
fn agg_9_and_11_bag_sizes_beat_a_grid() {
    for gamma in [0.05, 0.3, 0.45, 0.5, 0.7, 0.9, 1.2, 4.0] {
        for (r2, s2) in [(0.0, 1.0), (0.1, 1.0), (0.7, 1.0), (1.0, 1.0), (5.0, 1.0), (60.0, 1.0), (1.0, 0.0)]
        {
            for eps in [None, Some(0.5), Some(4.0), Some(40.0)] {
                let privacy = LabelPrivacy::new(2.0, eps).expect("valid");
                let kappa = noise_of_privacy(&privacy);
                let risk = |k: f64| {
                    ridgeless_risk(&isotropic(gamma, k, r2, s2 + kappa / k), Mixing::INSTANCE).total()
                };
                let k = optimal_bag_size(gamma, r2, s2, Some(&privacy)).expect("valid");
                // Predicting 0 is the limit of large bags.
                let best = if k.is_finite() { risk(k) } else { r2 };
                for step in 0..400 {
                    let other = (0.02 * f64::from(step)).exp();
                    if other == 1.0 && gamma > 1.0 && k > 1.0 {
                        // k = 1 is the formula's own value there too.
                        assert!(risk(1.0) >= best * (1.0 - 1e-12));
                    }
                    assert!(risk(other) >= best * (1.0 - 1e-12), "{gamma} {r2} {s2} {eps:?}: {k} {other}");
                }
                if let Some(whole) = optimal_integer_bag_size(gamma, r2, s2, Some(&privacy)).expect("valid") {
                    for step in 1..200 {
                        assert!(risk(f64::from(step)) >= risk(whole) * (1.0 - 1e-12));
                    }
                }
            }
        }
    }
}

#[test]
fn agg_11_bag_level_choice_beats_a_grid() {
    for gamma in [0.2, 1.5] {
        for (r2, s2) in [(0.5, 1.0), (2.0, 1.0), (9.0, 1.0), (3.0, 0.0)] {
            for eps in [None, Some(0.7)] {
                let privacy = LabelPrivacy::new(2.0, eps).expect("valid");
                let kappa = noise_of_privacy(&privacy);
                let choice =
                    optimal_overparameterised_bag_size(gamma, r2, s2, Some(&privacy)).expect("valid");
                for step in 1..2000 {
                    let k = (1.0 / gamma).max(1.0) * (1.0 + 0.01 * f64::from(step));
                    let problem = isotropic(gamma, k, r2, s2 + kappa / k);
                    assert!(ridgeless_risk(&problem, Mixing::BAG).total() >= choice.risk * (1.0 - 1e-12));
                }
            }
        }
    }
}

#[test]
fn agg_10_bayes_ridge_solves_its_equation_and_beats_a_grid() {
    for (gamma, k, r2, s2) in [
        (0.3, 2.0, 1.2, 0.5),
        (2.0, 1.0, 1.0, 1e-9),
        (0.01, 3.0, 1e-8, 10.0),
        (1.0 / 3.0, 3.0, 1.0, 1.0),
        (5.0, 4.0, 100.0, 0.1),
    ] {
        let problem = isotropic(gamma, k, r2, s2);
        let bayes = bayes_ridge(&problem, None).expect("valid");
        let fixed = r2 / (1.0 + r2 / (k * gamma * (s2 + bayes.risk)));
        close(bayes.risk, fixed, ULPS);
        close(
            ridge_limit(&problem, Mixing::BAG, bayes.lambda).expect("valid").risk.total(),
            bayes.risk,
            ULPS,
        );
        for rho in [0.0, 0.5, 0.9, 1.0] {
            for step in -20..=20 {
                let lambda = bayes.lambda * (0.3 * f64::from(step)).exp();
                let risk = ridge_limit(&problem, at(rho), lambda).expect("valid").risk.total();
                assert!(risk >= bayes.risk * (1.0 - ULPS), "{gamma} {k} {rho} {step}");
            }
        }
        // (c): with tuned ridge and any privacy level, larger bags are worse.
        for eps in [None, Some(0.5), Some(3.0)] {
            let privacy = LabelPrivacy::new(1.5, eps).expect("valid");
            let mut last = 0.0;
            for k in 1..40 {
                let problem = isotropic(gamma, f64::from(k), r2, s2);
                let risk = bayes_ridge(&problem, Some(&privacy)).expect("valid").risk;
                assert!(risk > last || (r2 - risk) < 1e-12 * r2, "{gamma} {k} {eps:?}");
                last = risk;
            }
        }
    }
    assert_eq!(bayes_ridge(&isotropic(0.5, 2.0, 0.0, 1.0), None).expect("valid").lambda, f64::INFINITY);
    assert_eq!(bayes_ridge(&isotropic(0.5, 4.0, 1.0, 0.0), None).expect("valid").risk, 0.5);
    assert_eq!(bayes_ridge(&isotropic(0.1, 4.0, 1.0, 0.0), None).expect("valid").risk, 0.0);
}

#[test]
fn agg_12_moments_match_direct_integration() {
    let rule = crate::quadrature::gauss_legendre(64).expect("n");
    for h in [1e-9, 1e-3, 0.3, 0.999, 1.0, 1.5, 1.999, 2.0, 2.5, 4.0, 6.0, 9.0] {
        let phi = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        // 2 int_0^h z^2 phi, 2 int_h^inf (z-h)^2 phi on 8 panels up to h + 12: analytic, truncation e^-72.
        let on = |a: f64, b: f64, f: &dyn Fn(f64) -> f64| {
            let half = 0.5 * (b - a);
            half * rule.integrate(|t| f(a + half * (1.0 + t)))
        };
        let inside = 2.0 * on(0.0, h, &|z| z * z * phi(z));
        let excess: f64 = (0..8)
            .map(|i| {
                let (a, b) = (1.5 * f64::from(i), 1.5 * f64::from(i + 1));
                2.0 * on(a, b, &|t| t * t * phi(h + t))
            })
            .sum();
        let lost = libm::erfc(h / 2.0_f64.sqrt());
        let label = clipped_label(h, 1.0, 0.0).expect("valid");
        close(label.second_moment, inside + h * h * lost, 32.0 * f64::EPSILON);
        // Var(clip - mu z) = E(|z|-h)_+^2 - P(|z|>h)^2; both nearly 1 for small h.
        let spread = excess - lost * lost;
        let tolerance = 64.0 * f64::EPSILON * (excess + lost * lost) / spread;
        if spread > 1e-8 * excess {
            close(label.residual, spread, tolerance.max(512.0 * f64::EPSILON));
        }
    }
    // No clipping far out, sign labels close in.
    let far = clipped_label(1e200, 0.6, 0.4).expect("valid");
    assert_eq!((far.mu, far.second_moment), (1.0, 1.0));
    close(far.residual, 0.4, ULPS);
    let sign = clipped_label(1e-150, 0.6, 0.4).expect("valid");
    close(sign.residual / 1e-300, 1.0 - 0.6 * 2.0 / std::f64::consts::PI, 1e-13);
}

#[test]
fn agg_11_noise_and_privacy_loss() {
    let privacy = LabelPrivacy::new(3.0, Some(0.5)).expect("valid");
    let noise = laplace_noise(&privacy, 4.0, 0.7).expect("valid");
    assert_eq!((noise.scale, noise.variance), (3.0, 18.0));
    close(noise.s2_eff, 0.7 + 4.0 * 18.0, ULPS);
    close(label_privacy_loss(&privacy, 4.0, noise.scale).expect("valid"), 0.5, ULPS);
    assert!(label_privacy_loss(&privacy, 4.0, 0.99 * noise.scale).expect("valid") > 0.5);
    let quiet = laplace_noise(&LabelPrivacy::new(3.0, None).expect("valid"), 4.0, 0.7).expect("valid");
    assert_eq!((quiet.scale, quiet.s2_eff), (0.0, 0.7));
    // Wide clipping is no clipping.
    let problem: IsotropicLimit = isotropic(0.2, 3.0, 1.0, 0.5);
    let wide = LabelPrivacy::new(1e6, None).expect("valid");
    for (rho, lambda) in [(0.4, 0.1), (1.0, 0.3), (0.0, 0.0)] {
        let a = clipped_risk(&problem, at(rho), lambda, &wide).expect("valid").equivalent.total();
        close(a, ridge_limit(&problem, at(rho), lambda).expect("valid").risk.total(), ULPS);
    }
}

#[test]
fn agg_13_gcv_identity() {
    // bag_loss k / (1 - leverage)^2 = risk + s2, and the gap of AGG-1 on the fitted losses is positive.
    for (gamma, k, rho, lambda) in [(0.25, 3.0, 0.5, 0.1), (2.0, 2.0, 0.9, 0.01), (0.1, 8.0, 1.0, 0.0)] {
        let problem = spectral(gamma, k, 1.0, 0.5);
        let seen = observables(&problem, at(rho), lambda).expect("valid");
        let score = k * seen.bag_loss / (1.0 - seen.leverage).powi(2);
        close(score, seen.gcv, 1e3 * f64::EPSILON);
        let limit = ridge_limit(&isotropic(gamma, k, 1.0, 0.5), at(rho), lambda).expect("valid");
        close(seen.risk, limit.risk.total(), ULPS);
        assert!(seen.within >= 0.0);
    }
}

#[test]
fn batches_are_the_single_evaluations() {
    let queries: Vec<RidgeQuery> = (0..50)
        .map(|i| RidgeQuery {
            problem: isotropic(0.03 + 0.05 * f64::from(i), 1.0 + f64::from(i % 7), 1.0, 0.5),
            mixing: at(f64::from(i % 11) / 10.0),
            lambda: if i % 5 == 0 { 0.0 } else { 0.01 * f64::from(i) },
        })
        .collect();
    let mut out = Vec::new();
    ridge_limits(&queries, &mut out).expect("valid");
    assert_eq!(out.len(), queries.len());
    for (query, found) in queries.iter().zip(&out) {
        assert_eq!(*found, ridge_limit(&query.problem, query.mixing, query.lambda).expect("valid"));
    }
    let bad = RidgeQuery { lambda: -1.0, ..queries[0] };
    assert!(ridge_limits(&[queries[0], bad], &mut out).is_err());
}

/// Below gamma = 1/k the left limit is the value at 1, between 1/k and 1 the limit of a path that jumps, and from 1 on the
/// common value of all rho < 1.
#[test]
fn clipped_labels_and_observables_have_left_limits() {
    let privacy = LabelPrivacy::new(1.2, Some(2.0)).expect("valid");
    for (gamma, k) in [(0.5, 4.0), (0.3, 5.0), (0.9, 2.0), (0.2, 4.0), (1.7, 3.0)] {
        let problem = isotropic(gamma, k, 1.3, 0.7);
        let general = spectral(gamma, k, 1.3, 0.7);
        let clipped = |mixing| clipped_risk(&problem, mixing, 0.0, &privacy).expect("valid").equivalent;
        let seen = |mixing| observables(&general, mixing, 0.0).expect("valid");
        let (left, left_seen) = (clipped(Mixing::LEFT_OF_ONE), seen(Mixing::LEFT_OF_ONE));
        // The approach is linear in tau, with a slope below 1000 at these points; the path itself is solved.
        let tau = 0.5_f64.powi(40);
        let bound = 1e3 * tau;
        let (near, near_seen) = (clipped(at(1.0 - tau)), seen(at(1.0 - tau)));
        for (a, b) in [
            (left.bias2, near.bias2),
            (left.var, near.var),
            (left_seen.bag_loss, near_seen.bag_loss),
            (left_seen.within, near_seen.within),
            (left_seen.leverage, near_seen.leverage),
            (left_seen.gcv, near_seen.gcv),
        ] {
            assert!((a - b).abs() <= bound * (1.0 + b.abs()), "{gamma} {k}: {a} {b}");
        }
        let value = clipped(Mixing::BAG);
        let jump = (value.total() - left.total()).abs();
        assert_eq!(jump > 1e-3, k * gamma > 1.0, "{gamma} {k}: {jump}");
        // Labels that are never clipped and carry no noise of privacy: AGG-5(iv).
        let free = LabelPrivacy::new(1e3, None).expect("valid");
        let open = clipped_risk(&problem, Mixing::LEFT_OF_ONE, 0.0, &free).expect("valid").equivalent;
        let risk = ridgeless_risk(&problem, Mixing::LEFT_OF_ONE);
        close(open.bias2, risk.bias2, ULPS);
        close(open.var, risk.var, ULPS);
    }
    // Residuals of interpolated bags are 0; (A4) at gamma = 1/2, p = 1/4, mu = 1: R_B = 1/4 + 1/2, times (1-gamma)^2/(1-p).
    let seen = observables(&spectral(0.5, 4.0, 1.0, 0.0), Mixing::LEFT_OF_ONE, 0.0).expect("valid");
    assert_eq!((seen.bag_loss, seen.leverage), (0.0, 1.0));
    close(seen.within, 0.75 * 0.25 / 0.75, ULPS);
    close(seen.risk, 0.75, ULPS);
}
