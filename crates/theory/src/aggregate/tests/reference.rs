//! Reference numbers of the specification (A.6) and of the interface vectors, quoted to 15 digits.
use solvable_model::aggregate::{
    FiniteDesign, GroupedLimit, IsotropicLimit, LabelPrivacy, Mixing, SpectralLimit, SpectrumPart,
};

use crate::aggregate::*;

/// Half a unit in the fifteenth digit of a leading 1, plus a few roundings.
const DIGITS_15: f64 = 5e-15 + 16.0 * f64::EPSILON;

#[track_caller]
pub(in crate::aggregate) fn close(found: f64, expected: f64, relative: f64) {
    let ok = found == expected || (found - expected).abs() <= relative * expected.abs();
    assert!(ok, "found {found:?}, expected {expected:?}: relative {:e}", (found / expected - 1.0).abs());
}

pub(super) fn isotropic(gamma: f64, k: f64, r2: f64, s2: f64) -> IsotropicLimit {
    IsotropicLimit::new(gamma, k, r2, s2).expect("valid")
}

pub(super) fn at(rho: f64) -> Mixing {
    Mixing::new(rho).expect("in [0, 1]")
}

fn parts(sigma: &[f64], weight: &[f64], theta2: &[f64]) -> Vec<SpectrumPart> {
    (0..sigma.len()).map(|j| SpectrumPart { sigma: sigma[j], weight: weight[j], theta2: theta2[j] }).collect()
}

#[test]
fn agg_5_without_ridge() {
    for (gamma, k, mixing, r2, s2, bias2, var) in [
        (0.25, 4.0, at(0.0), 1.0, 0.5, 0.625, 0.0416666666666667),
        (0.25, 2.0, at(0.5), 1.0, 0.5, 0.213025645891379, 0.134263736611289),
        (0.2, 4.0, at(0.9), 2.0, 1.0, 0.433614238956092, 0.518198837569824),
        (0.5, 4.0, at(0.9), 1.0, 1.0, 0.712201054152729, 0.893378011861475),
        (1.25, 3.0, at(0.3), 1.0, 0.5, 1.44444444444444, 0.666666666666667),
        (1.25, 3.0, at(1.0), 1.0, 0.5, 0.733333333333333, 0.181818181818182),
        (0.2, 4.0, at(1.0), 1.0, 0.5, 0.0, 2.0),
        (0.5, 4.0, Mixing::LEFT_OF_ONE, 1.3, 0.7, 0.975, 1.05),
        (0.15, 3.0, at(0.45), 1.7, 0.6, 0.5937410392689046, 0.06572221714027461),
        (0.35, 2.0, at(0.95), 1.0, 2.0, 0.04232929856327787, 2.5462894431249383),
    ] {
        let risk = ridgeless_risk(&isotropic(gamma, k, r2, s2), mixing);
        close(risk.bias2, bias2, 2.0 * DIGITS_15);
        close(risk.var, var, 2.0 * DIGITS_15);
    }
}

#[test]
fn agg_5_with_ridge() {
    for (gamma, k, rho, lambda, r2, s2, delta, s, bias2, var) in [
        (
            0.25,
            4.0,
            0.5,
            0.1,
            1.0,
            0.5,
            0.428130916959707,
            0.483933535506684,
            0.554506207165593,
            0.0550095937647384,
        ),
        (
            0.25,
            3.0,
            0.7,
            0.05,
            1.5,
            0.4,
            0.579481696826041,
            0.381420010967231,
            0.511145111397919,
            0.0942040569611301,
        ),
        (
            1.5,
            2.0,
            0.3,
            0.02,
            1.0,
            0.2,
            27.1386423562241,
            0.0352717405797561,
            0.907138771932187,
            0.159370218724171,
        ),
    ] {
        let problem = isotropic(gamma, k, r2, s2);
        let limit = ridge_limit(&problem, at(rho), lambda).expect("valid");
        for (found, expected) in
            [(limit.delta, delta), (limit.s, s), (limit.risk.bias2, bias2), (limit.risk.var, var)]
        {
            close(found, expected, DIGITS_15);
        }
        // The general solver on the same problem, a different code path.
        let general = SpectralLimit::new(parts(&[1.0], &[gamma], &[r2]), k, s2).expect("valid");
        let general = bag_equivalent(&general, at(rho), lambda).expect("valid");
        for (found, expected) in [
            (general.point.delta, limit.delta),
            (general.point.s, limit.s),
            (general.risk.bias2, limit.risk.bias2),
            (general.risk.var, limit.risk.var),
        ] {
            close(found, expected, 64.0 * f64::EPSILON);
        }
    }
    let limit = ridge_limit(&isotropic(0.15, 3.0, 1.7, 0.6), at(0.45), 0.2).expect("valid");
    close(limit.delta, 0.18417795330986456, 16.0 * f64::EPSILON);
    close(limit.risk.bias2, 0.7794159269254367, 16.0 * f64::EPSILON);
    close(limit.risk.var, 0.035496643100177666, 16.0 * f64::EPSILON);
}

#[test]
fn agg_4_three_eigenvalues_and_a_zero() {
    let p = parts(&[2.0, 0.5, 0.05], &[0.15, 0.1, 0.05], &[0.6, 0.9, 1.8]);
    let limit =
        bag_equivalent(&SpectralLimit::new(p, 4.0, 0.5).expect("valid"), at(0.5), 0.05).expect("valid");
    close(limit.point.delta, 0.520068872507242, DIGITS_15);
    close(limit.point.s, 0.462077145909733, DIGITS_15);
    close(limit.risk.bias2, 0.959403626859823, DIGITS_15);
    close(limit.risk.var, 0.0674266122235663, DIGITS_15);
    close(limit.within_risk, 0.380804861157953, DIGITS_15);
    let p = parts(&[3.0, 1.0, 0.2, 0.0], &[0.05, 0.2, 0.15, 0.1], &[0.4, 0.3, 2.0, 5.0]);
    let problem = SpectralLimit::new(p.clone(), 3.0, 0.8).expect("valid");
    let limit = bag_equivalent(&problem, at(0.35), 0.07).expect("valid");
    close(limit.point.delta, 0.6045155765158671, 32.0 * f64::EPSILON);
    close(limit.point.s, 0.5188407162604841, 32.0 * f64::EPSILON);
    close(limit.risk.bias2, 0.9922385431093734, 32.0 * f64::EPSILON);
    close(limit.risk.var, 0.1323096913981591, 32.0 * f64::EPSILON);
    let grouped = GroupedLimit::new(problem.groups(at(0.35)).to_vec(), p).expect("valid");
    let grouped = equivalent(&grouped, 0.07).expect("valid");
    close(grouped.total(), limit.risk.total(), 8.0 * f64::EPSILON);
}

#[test]
fn agg_6_finite_size() {
    for (n, d, k, r2, s2, bias2, var) in [
        (60, 15, 3, 1.0, 1.0, 0.522358632801498, 0.113636363636364),
        (400, 100, 4, 1.0, 0.5, 0.625515549718904, 0.0418060200668896),
        (240, 300, 3, 1.0, 0.5, 1.45649717514124, 0.677966101694915),
        (20, 30, 2, 1.0, 1.0, 1.03703703703704, 1.11111111111111),
        (90, 25, 3, 1.4, 0.6, 0.7456806709005048, 0.078125),
    ] {
        let design = FiniteDesign::new(n, d, k, r2, s2).expect("valid");
        let risk = instance_level_expected_risk(&design);
        close(risk.bias2, bias2, DIGITS_15);
        close(risk.var, var, DIGITS_15);
    }
    for (n, d, bias2, var) in [(60, 15, 0.0, 3.75), (60, 40, 0.5, 1.05263157894737)] {
        let risk = bag_level_expected_risk(&FiniteDesign::new(n, d, 3, 1.0, 1.0).expect("valid"));
        close(risk.bias2, bias2, DIGITS_15);
        close(risk.var, var, DIGITS_15);
    }
}

#[test]
fn agg_8_to_11() {
    for (gamma, k, expected) in [
        (0.05, 4.0, 0.413793103448276),
        (0.1, 2.0, 0.7),
        (0.2, 4.0, 6.46153846153846),
        (0.3, 5.0, 5.10152284263959),
        (0.5, 4.0, 3.0),
        (0.6, 2.0, 9.27272727272727),
        (0.9, 3.0, 0.0),
        (0.12, 3.0, 1.0890957446808511),
    ] {
        close(critical_snr(gamma, k).expect("valid"), expected, DIGITS_15);
    }
    for (gamma, r2, s2, expected) in [
        (0.1, 0.5, 1.0, 1.06666666666667),
        (0.3, 1.0, 1.5, 1.23076923076923),
        (0.2, 1.0, 2.0, 1.2),
        (0.25, 1.0, 2.0, 1.3333333333333333),
    ] {
        close(optimal_bag_size(gamma, r2, s2, None).expect("valid"), expected, DIGITS_15);
    }
    for (gamma, r2, s2, clip, eps, expected) in [
        (0.2, 1.0, 0.5, 3.0, 1.0, 23.0769230769231),
        (0.1, 1.0, 1.0, 3.0, 0.5, 37.0),
        (0.3, 2.0, 0.5, 4.0, 2.0, 10.1463414634146),
        (0.15, 1.0, 0.5, 3.5, 0.7, 41.6271186440678),
    ] {
        let privacy = LabelPrivacy::new(clip, Some(eps)).expect("valid");
        close(optimal_bag_size(gamma, r2, s2, Some(&privacy)).expect("valid"), expected, DIGITS_15);
    }
    for (gamma, k, r2, s2, expected) in [
        (0.25, 4.0, 1.0, 0.5, 0.5),
        (0.5, 2.0, 2.0, 1.0, 1.0),
        (1.3, 3.0, 1.0, 0.2, 0.795123117099853),
        (0.3, 2.0, 1.2, 0.5, 0.3611874208078342),
    ] {
        close(bayes_ridge(&isotropic(gamma, k, r2, s2), None).expect("valid").risk, expected, DIGITS_15);
    }
    close(bayes_ridge(&isotropic(0.3, 2.0, 1.2, 0.5), None).expect("valid").lambda, 0.125, DIGITS_15);
}

#[test]
fn agg_12_and_13() {
    for (clip, v2, mu, m2) in
        [(1.0, 1.5, 0.585783821757475, 0.592693914471848), (2.0, 1.0, 0.954499736103642, 0.920536925636323)]
    {
        let label = clipped_label(clip, 0.4 * v2, 0.6 * v2).expect("valid");
        close(label.mu, mu, DIGITS_15);
        close(label.second_moment, m2, DIGITS_15);
        close(label.residual, m2 - mu * mu * 0.4 * v2, 4.0 * DIGITS_15);
    }
    let risk = |gamma, k, rho, lambda, clip, eps| {
        let privacy = LabelPrivacy::new(clip, eps).expect("valid");
        let problem = isotropic(gamma, k, 1.0, 0.5);
        clipped_risk(&problem, at(rho), lambda, &privacy).expect("valid").equivalent.total()
    };
    close(risk(0.25, 3.0, 0.5, 0.1, 1.0, Some(4.0)), 0.678851638021257, DIGITS_15);
    close(risk(0.25, 2.0, 1.0, 0.2, 0.7, None), 0.574508753036868, DIGITS_15);
    close(risk(0.2, 4.0, 0.0, 0.0001, 1.2, Some(2.0)), 0.7769932646931944, 32.0 * f64::EPSILON);

    let problem = SpectralLimit::new(parts(&[1.0], &[0.25], &[1.0]), 3.0, 0.5).expect("valid");
    let seen = observables(&problem, at(0.5), 0.1).expect("valid");
    close(seen.bag_loss, 0.170289254765099, DIGITS_15);
    close(seen.within, 0.1304831434928, 5e-13);
    close(seen.leverage, 0.289420515862371, DIGITS_15);
    close(seen.risk, 0.511773198338704, DIGITS_15);
}
