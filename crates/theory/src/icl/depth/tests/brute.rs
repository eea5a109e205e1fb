//! Moments against the sum over all pairings, and optima against other routes.
use dashu::rational::RBig;
use solvable_model::Covariance;

use super::super::exact::{add_scaled, integrate, multiply, nearest, rational, shift, whole};
use super::super::rule::recurrence;
use super::super::wishart::exact_moments;
use super::super::*;
use super::assert_close;

/// `E (X X')^k` by Wick's theorem: every pairing of the 2k factors, one loop at a time, as coefficients of Lambda^l.
///
/// Factor 2m and 2m + 1 are the m-th copy of X and X'; they share a column, neighbours 2m + 1 and 2m + 2 a row index.
fn pairings(k: usize, n: f64, traces: &[f64]) -> Vec<f64> {
    fn visit(open: &[usize], partner: &mut Vec<usize>, each: &mut dyn FnMut(&[usize])) {
        let Some(&first) = open.first() else {
            each(partner);
            return;
        };
        for choice in 1..open.len() {
            let other = open[choice];
            (partner[first], partner[other]) = (other, first);
            let mut rest = open.to_vec();
            rest.remove(choice);
            rest.remove(0);
            visit(&rest, partner, each);
        }
    }
    let mut coefficients = vec![0.0; k + 1];
    let factors: Vec<usize> = (0..2 * k).collect();
    visit(&factors, &mut vec![0; 2 * k], &mut |partner| {
        // Column loops: m joined to the copies its two factors pair with.
        let mut seen = vec![false; k];
        let mut loops = 0;
        for start in 0..k {
            if seen[start] {
                continue;
            }
            loops += 1;
            let mut factor = 2 * start;
            loop {
                seen[factor / 2] = true;
                factor = partner[factor] ^ 1;
                seen[factor / 2] = true;
                if factor == 2 * start {
                    break;
                }
            }
        }
        // Row chains: each pairing is one Lambda; outer ends 0 and 2k - 1 are open.
        let row_neighbour = |f: usize| if f % 2 == 1 { f + 1 } else { f.wrapping_sub(1) };
        let mut used = vec![false; 2 * k];
        let mut length = 0;
        let mut factor = 0;
        loop {
            (used[factor], used[partner[factor]]) = (true, true);
            length += 1;
            let next = row_neighbour(partner[factor]);
            if next >= 2 * k {
                break;
            }
            factor = next;
        }
        let mut weight = n.powi(loops);
        for start in 0..2 * k {
            if used[start] {
                continue;
            }
            let (mut closed, mut factor) = (0, start);
            while !used[factor] {
                (used[factor], used[partner[factor]]) = (true, true);
                closed += 1;
                factor = row_neighbour(partner[factor]);
            }
            weight *= traces[closed];
        }
        coefficients[length] += weight;
    });
    coefficients
}

#[test]
fn moments_are_sums_over_pairings() {
    let entries = [0.3, 1.0, 2.5, 0.8];
    let lambda = Covariance::diagonal("Lambda", &entries).expect("valid");
    let traces: Vec<f64> = (0..6).map(|l| entries.iter().map(|x: &f64| x.powi(l)).sum()).collect();
    for k in 1..=5 {
        for n in [1, 2, 7] {
            let direct = pairings(k, n as f64, &traces);
            let found = wishart_matrix_moment(k, &lambda, n).expect("valid");
            for (i, x) in entries.iter().enumerate() {
                let sum: f64 = direct.iter().enumerate().map(|(l, c)| c * x.powi(l as i32)).sum();
                assert_close(found[(i, i)], sum / (n as f64).powi(k as i32), 1e-14);
            }
        }
    }
}

/// The published expansion of order 4, on a matrix that is not diagonal.
#[test]
fn fourth_matrix_moment_formula() {
    let lambda = Covariance::from_rows("Lambda", &[vec![1.2, 0.4], vec![0.4, 0.7]]).expect("valid");
    let (n, l) = (7.0_f64, lambda.matrix());
    let square = l * l;
    let cube = &square * l;
    let fourth = &cube * l;
    let t = [l[(0, 0)] + l[(1, 1)], square[(0, 0)] + square[(1, 1)], cube[(0, 0)] + cube[(1, 1)]];
    let found = wishart_matrix_moment(4, &lambda, 7).expect("valid");
    for i in 0..2 {
        for j in 0..2 {
            let sum = (n.powi(4) + 6.0 * n.powi(3) + 21.0 * n * n + 20.0 * n) * fourth[(i, j)]
                + (3.0 * n.powi(3) + 9.0 * n * n + 12.0 * n) * t[0] * cube[(i, j)]
                + ((2.0 * n.powi(3) + 5.0 * n * n + 5.0 * n) * t[1] + (3.0 * n * n + 3.0 * n) * t[0] * t[0])
                    * square[(i, j)]
                + ((n.powi(3) + 3.0 * n * n + 4.0 * n) * t[2]
                    + (3.0 * n * n + 3.0 * n) * t[0] * t[1]
                    + n * t[0].powi(3))
                    * l[(i, j)];
            assert_close(found[(i, j)], sum / n.powi(4), 1e-14);
        }
    }
    let second = wishart_matrix_moment(2, &lambda, 7).expect("valid");
    assert_close(second[(0, 1)], 0.9771428571428572, 1e-15);
}

/// d = 1 is a chi-square, d and N may be exchanged, order 8 has the published table, leading terms are Narayana numbers.
#[test]
fn exact_trace_moments() {
    for n in [1, 2, 9, 1000] {
        let moments = exact_moments(1, n, 20).expect("valid");
        let mut product = RBig::ONE;
        for (k, m) in moments.iter().enumerate() {
            assert_eq!(m, &product, "{n} {k}");
            product = product * (whole(n) + whole(2 * k)) / whole(n);
        }
    }
    for (d, n) in [(2, 9), (5, 3), (11, 40)] {
        let (one, other) = (exact_moments(d, n, 12).expect("valid"), exact_moments(n, d, 12).expect("valid"));
        let mut ratio = whole(d) / whole(n);
        for k in 1..=12 {
            // d N^k m_k(d, N) is symmetric.
            ratio = if k == 1 { RBig::ONE } else { ratio };
            assert_eq!(one[k], &other[k] * &ratio, "{d} {n} {k}");
            ratio = ratio * whole(d) / whole(n);
        }
    }
    // (a, b): C of the published table at k = 8, a <= b.
    let table: [(usize, usize, usize); 20] = [
        (1, 1, 198_144),
        (1, 2, 264_420),
        (1, 3, 138_016),
        (1, 4, 38_029),
        (1, 5, 5_908),
        (1, 6, 574),
        (1, 7, 28),
        (1, 8, 1),
        (2, 2, 343_904),
        (2, 3, 175_566),
        (2, 4, 45_070),
        (2, 5, 6_846),
        (2, 6, 518),
        (2, 7, 28),
        (3, 3, 83_280),
        (3, 4, 20_730),
        (3, 5, 2_436),
        (3, 6, 196),
        (4, 4, 3_985),
        (4, 5, 490),
    ];
    for (d, n) in [(1_u64, 1_u64), (6, 3), (13, 29)] {
        let mut sum = RBig::ZERO;
        for (a, b, c) in table {
            let term =
                |a: usize, b: usize| whole(c) * RBig::from(d.pow(a as u32)) * RBig::from(n.pow(b as u32));
            sum += term(a, b);
            if a != b {
                sum += term(b, a);
            }
        }
        let mut scale = RBig::from(d);
        for _ in 0..8 {
            scale *= RBig::from(n);
        }
        assert_eq!(exact_moments(d as usize, n as usize, 8).expect("valid")[8], sum / scale);
    }
    // m_k - mu_k = O(1/d) at fixed ratio: the error shrinks about tenfold a decade.
    for k in [3, 6, 10] {
        let mu = marchenko_pastur_moment(k, 0.5).expect("valid");
        let gap = |d: usize| wishart_moment(k, d, 2 * d).expect("valid") - mu;
        let ratio = gap(1_000) / gap(10_000);
        assert!((9.0..11.0).contains(&ratio), "{k} {ratio}");
    }
}

/// The minimum is the reciprocal of a Christoffel function, `1/sum_k p_k(0)^2`, and with noise Bayes plus
/// `1/K^nu(-s, -s)` becomes: ridge steps reproduce the bound when evaluated exactly.
#[test]
fn optimum_is_a_christoffel_function() {
    for (d, n) in [(5, 20), (3, 2), (8, 8)] {
        for layers in 1..=6 {
            let moments = exact_moments(d, n, 2 * layers + 2).expect("valid");
            let (alpha, beta) = recurrence(&moments, layers + 1);
            // Squares of the monic values at 0 over their norms.
            let (mut before, mut now, mut norm, mut sum) = (RBig::ZERO, RBig::ONE, RBig::ONE, RBig::ZERO);
            for k in 0..=layers {
                norm *= &beta[k];
                sum += &now * &now / &norm;
                let next = -(&alpha[k] * &now) - if k == 0 { RBig::ZERO } else { &beta[k] * &before };
                (before, now) = (now, next);
            }
            let expected = nearest("R", &(RBig::ONE / sum)).expect("representable");
            assert_eq!(finite_optimal_risk(layers, d, n, 0.0).expect("valid"), expected, "{d} {n} {layers}");
        }
    }
}

#[test]
fn ridge_steps_attain_the_bound() {
    for (d, n, s) in [(5, 10, 0.25), (4, 2, 2.0), (10, 30, 0.015_625)] {
        for layers in 1..=6 {
            let best = finite_optimum(layers, d, n, s).expect("valid");
            assert_eq!(best.ridge_steps.len(), layers);
            assert!(best.ridge_steps.iter().all(|&e| e > 0.0));
            // q of ridge descent: (1 - prod (1 - eta (lambda + s)))/(lambda + s), by q <- q + eta (1 - (lambda + s) q).
            let mut q: Vec<RBig> = Vec::new();
            for &eta in &best.ridge_steps {
                let grown = add_scaled(&shift(&q), &rational(s), &q);
                let rest = add_scaled(&[RBig::ONE], &-RBig::ONE, &grown);
                q = add_scaled(&q, &rational(eta), &rest);
            }
            let moments = exact_moments(d, n, 2 * layers).expect("valid");
            let p = add_scaled(&[RBig::ONE], &-RBig::ONE, &shift(&q));
            let risk = integrate(&multiply(&p, &p), &moments, 0)
                + rational(s) * integrate(&multiply(&q, &q), &moments, 1);
            // A minimum: rounding of the steps enters squared.
            assert_close(nearest("R", &risk).expect("representable"), best.bound, 1e-14);
            assert!(best.risk >= best.bound);
        }
    }
}

#[test]
fn duality_of_underdetermined_prompts() {
    // a(n, d) = (n/d) a(d, n), loss(n, d) = 1 - (n/d)(1 - loss(d, n)).
    for layers in 1..=4 {
        let (wide, tall) = (
            finite_optimum(layers, 12, 5, 0.0).expect("valid"),
            finite_optimum(layers, 5, 12, 0.0).expect("valid"),
        );
        assert_close(wide.bound, 1.0 - 5.0 / 12.0 * (1.0 - tall.bound), 1e-14);
        for (a, b) in wide.steps.iter().zip(&tall.steps) {
            assert_close(*a, 5.0 / 12.0 * b, 1e-15);
        }
    }
}
