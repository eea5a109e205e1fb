//! Certified values against exact rationals: formulas without roots, at random doubles taken as exact.
use dashu::rational::RBig;
use proptest::prelude::*;
use solvable_model::Covariance;
use solvable_model::icl::RegressionTask;

use crate::Interval;
use crate::aggregate::{best_bag_size, critical_snr, private_bag_size};
use crate::collapse::critical_product;
use crate::icl::{optimal_depth, optimum};

fn exact(value: f64) -> RBig {
    RBig::try_from(value).expect("finite")
}

fn whole(n: u64) -> RBig {
    RBig::from(n)
}

fn holds(x: &Interval, value: &RBig) -> bool {
    x.low().rational() <= *value && *value <= x.high().rational()
}

/// Doubles over twelve decades.
fn wide() -> impl Strategy<Value = f64> {
    (1.0..10.0_f64, -6..6_i32).prop_map(|(m, e)| m * 10f64.powi(e))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// AGG-8, AGG-9, AGG-11 in the printed form.
    #[test]
    fn bag_thresholds_contain_their_rationals(gamma in 1e-4..2.0_f64, k in 2_u64..50, r2 in wide(), s2 in wide(), clip in wide(), epsilon in wide()) {
        let (g, one, size) = (exact(gamma), whole(1), whole(k));
        let (x, p) = (&size * &g, &one / &size);
        let critical = critical_snr(gamma, k).expect("valid");
        if x < one {
            let value = &x * (&size + &one - &x) / ((&one - &x) * (&size - &one - &x + whole(2) * &g));
            prop_assert!(holds(&critical.expect("finite"), &value));
        } else if x > one && g < one {
            let inner = &one - whole(3) * &g + whole(3) * &g * &g + &p * &g * (&one - whole(2) * &g);
            let value = &g * (&one - &g - &g * &g + &p * &g) / ((&g - &p) * inner);
            prop_assert!(holds(&critical.expect("finite"), &value.max(RBig::ZERO)));
        }
        if gamma < 0.5 {
            let (r, s) = (exact(r2), exact(s2));
            let below = whole(2) * &r * (&one - &g) - &g * (&r + &s);
            let ratio = exact(clip) / exact(epsilon);
            let kappa = whole(8) * &ratio * &ratio;
            for (found, kappa) in [
                (best_bag_size(gamma, r2, s2).expect("decided"), RBig::ZERO),
                (private_bag_size(gamma, r2, s2, clip, epsilon).expect("decided"), kappa),
            ] {
                prop_assert_eq!(found.is_none(), below <= RBig::ZERO);
                if let Some(found) = found {
                    let value = whole(2) * (&r * (&one - whole(2) * &g) + &g * kappa) / &below;
                    prop_assert!(holds(&found, &value.max(one.clone())));
                }
            }
        }
    }

    /// NC-08 and ICL-47: the threshold in lowest terms, the recursion u_K = 1/(1 + c + s - c u_(K-1)) as printed.
    #[test]
    fn products_and_depths_contain_their_rationals(m in 1_u32..12, n in 1_u64..1000, more in 0_u64..100_000, c in 0.01..10.0_f64, s in 0.0..2.0_f64, layers in 0_u32..12) {
        let total = n + more;
        let power = |x: &RBig, k: u32| (0..k).fold(whole(1), |p, _| p * x);
        let m_ = whole(u64::from(m));
        let value = power(&whole(u64::from(m) - 1), m - 1) * power(&whole(n), m)
            / (power(&m_, 2 * m) * power(&whole(total), m + 1));
        let square = Interval::from(n as i64);
        prop_assert!(holds(&critical_product(m, &square, total).expect("valid"), &value));
        let (c_, s_) = (exact(c), exact(s));
        let mut u = RBig::ZERO;
        for _ in 0..layers {
            u = whole(1) / (whole(1) + &c_ + &s_ - &c_ * u);
        }
        let at = optimal_depth(c, s, layers).expect("valid");
        prop_assert!(holds(&at.risk, &(whole(1) - u)));
        // c R^2 + (1 + s - c) R - s changes sign across the enclosure of its root.
        let value = |r: RBig| &c_ * &r * &r + (whole(1) + &s_ - &c_) * &r - &s_;
        prop_assert!(value(at.bayes.low().rational()) <= RBig::ZERO && value(at.bayes.high().rational()) >= RBig::ZERO);
    }

    /// ICL-3 in two dimensions by Cramer's rule.
    #[test]
    fn optima_contain_their_rationals(l in prop::array::uniform3(-1.0..1.0_f64), w in prop::array::uniform3(-1.0..1.0_f64), sigma2 in 0.0..4.0_f64, n in 1_usize..500) {
        // Diagonally dominant, so positive definite.
        let matrix = |v: [f64; 3]| [[2.0 + v[0], v[1]], [v[1], 2.0 + v[2]]];
        let (lambda, psi) = (matrix(l), matrix(w));
        let dense = |name: &'static str, m: [[f64; 2]; 2]| Covariance::from_rows(name, &m.map(|r| r.to_vec()));
        let task = RegressionTask::new(dense("Lambda", lambda).expect("definite"), dense("Psi", psi).expect("definite"), sigma2, n).expect("valid");
        let found = optimum(&task).expect("regular");
        let rational = |m: [[f64; 2]; 2]| m.map(|r| r.map(exact));
        let times = |a: &[[RBig; 2]; 2], b: &[[RBig; 2]; 2]| -> [[RBig; 2]; 2] {
            std::array::from_fn(|i| std::array::from_fn(|j| &a[i][0] * &b[0][j] + &a[i][1] * &b[1][j]))
        };
        let (lambda, psi) = (rational(lambda), rational(psi));
        let product = times(&psi, &lambda);
        let size = whole(n as u64);
        let t = &product[0][0] + &product[1][1];
        let (a, b) = (whole(1) + whole(1) / &size, (&t + exact(sigma2)) / &size);
        let m = [
            [&a * &product[0][0] + &b, &a * &product[0][1]],
            [&a * &product[1][0], &a * &product[1][1] + &b],
        ];
        let det = &m[0][0] * &m[1][1] - &m[0][1] * &m[1][0];
        let inverse = [
            [&m[1][1] / &det, -&m[0][1] / &det],
            [-&m[1][0] / &det, &m[0][0] / &det],
        ];
        let best = times(&inverse, &psi);
        let cross = times(&times(&lambda, &psi), &lambda);
        let mut gained = RBig::ZERO;
        for i in 0..2 {
            for j in 0..2 {
                prop_assert!(holds(found.a_star.get(i, j), &best[i][j]));
                gained += &best[i][j] * &cross[i][j];
            }
        }
        prop_assert!(holds(&found.l_star, &(t - gained)));
        prop_assert!(found.l_star.width() <= 1e-50 * found.l_star.midpoint());
    }
}
