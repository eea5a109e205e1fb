//! Cross-entropy and passage times against high-precision arithmetic, extreme inputs included.
use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};

use super::super::*;
use super::close;
use super::table_entropy::{DEEP, GROUPS, MARGIN_TIMES, SCALE_TIMES};

#[test]
fn two_groups() {
    for &([k_a, n_a, k_b, n_b], lw, lh, word, lambda_b, value, margins, gap) in GROUPS {
        let bias = match word {
            "none" => Bias::None,
            "free" => Bias::Free,
            _ => Bias::regularised(lambda_b).expect("valid"),
        };
        let groups = TwoGroups::new(k_a, n_a, k_b, n_b).expect("valid");
        let found = two_group_entropy_minimum(&groups, lw, lh, bias).expect("covered");
        close(found.optimality.value, value, 64.0, 0.0);
        assert!(found.optimality.lower_bound <= value * (1.0 + 4.0 * f64::EPSILON));
        for (f, e) in found.within.into_iter().chain(found.across).zip(margins) {
            // A margin is conditioned like the softmax: order one in the logarithm, at worst 1/(1 - lambda/lambda_c).
            close(f, e, 1e5, 1e-12);
        }
        close(found.bias_gap, gap, 1e5, 1e-12);
        assert_eq!(found.optimality.status, Status::Global, "{:?}", found.optimality);
    }
}

#[test]
fn deep_branches() {
    for &(k, n, depth, lambda, [m, value, pair_m, pair, bound]) in DEEP {
        let classes = ClassCounts::balanced(k, n).expect("valid");
        let p = FreeFeatures::uniform(classes, depth, k, lambda, Bias::None).expect("valid");
        let found = deep_entropy_minimum(&p).expect("covered");
        close(found.simplex.margin, m, 16.0, 0.0);
        close(found.simplex.value, value, 16.0, 0.0);
        if let Some(pairs) = found.pairs {
            close(pairs.margin, pair_m, 64.0, 0.0);
            close(pairs.value, pair, 16.0, 0.0);
        } else {
            assert_eq!(k, 2);
        }
        close(found.optimality.lower_bound, bound, 32.0, 0.0);
        assert!(found.optimality.lower_bound <= bound);
    }
}

#[test]
fn passage_times() {
    for &(k, n, lambda, m0, m1, t) in MARGIN_TIMES {
        let found = AlignedFlow::new(k, n, lambda).expect("valid").margin_time(m0, m1).expect("reachable");
        close(found, t, 64.0, 0.0);
    }
    for &(k, n, depth, lambda, s0, s1, t) in SCALE_TIMES {
        let found =
            AlignedFlow::new(k, n, lambda).expect("valid").squared_time(depth, s0, s1).expect("reachable");
        close(found, t, 64.0, 0.0);
    }
}
