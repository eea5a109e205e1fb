//! Containment: random rationals through the same operations, exactly.
mod domains;
mod wide;

use dashu::rational::RBig;
use proptest::prelude::*;

use crate::{Interval, IntervalMatrix, enclose_eigenvalues, enclose_root};

fn rational(value: f64) -> RBig {
    RBig::try_from(value).expect("finite")
}

/// Whether the exact rational lies between the double bounds.
fn inside(x: &Interval, exact: &RBig) -> bool {
    let (low, high) = x.bounds();
    (low == f64::NEG_INFINITY || rational(low) <= *exact)
        && (high == f64::INFINITY || *exact <= rational(high))
}

/// Doubles of every size and sign, zero and subnormals included.
fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-1.0..1.0_f64, -300..300_i32).prop_map(|(m, e)| m * 10f64.powi(e)),
        2 => -100.0..100.0_f64,
        1 => Just(0.0),
        1 => (0..1_u64 << 52).prop_map(f64::from_bits),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// A random member of each operand, the exact operation, and the result must be a member of the result.
    #[test]
    fn arithmetic_contains_every_member(a in double(), da in double(), b in double(), db in double(), s in 0..=16_i64, t in 0..=16_i64) {
        let (alo, ahi) = (a.min(da), a.max(da));
        let (blo, bhi) = (b.min(db), b.max(db));
        let x = Interval::between(alo, ahi).expect("ordered");
        let y = Interval::between(blo, bhi).expect("ordered");
        let member = |lo: f64, hi: f64, k: i64| {
            rational(lo) + (rational(hi) - rational(lo)) * RBig::from_parts(k.into(), 16_u8.into())
        };
        let (p, q) = (member(alo, ahi, s), member(blo, bhi, t));
        prop_assert!(inside(&(x.clone() + y.clone()), &(&p + &q)));
        prop_assert!(inside(&(x.clone() - y.clone()), &(&p - &q)));
        prop_assert!(inside(&(x.clone() * y.clone()), &(&p * &q)));
        prop_assert!(inside(&x.square(), &(&p * &p)));
        prop_assert!(inside(&x.powi(3), &(&p * &p * &p)));
        prop_assert!(!x.square().is_negative());
        match x.clone() / y.clone() {
            Ok(z) => prop_assert!(inside(&z, &(&p / &q))),
            Err(_) => prop_assert!(y.contains_zero()),
        }
        if let Ok(root) = x.sqrt() {
            let (low, high) = root.bounds();
            prop_assert!(rational(low) * rational(low) <= p);
            prop_assert!(high == f64::INFINITY || rational(high) * rational(high) >= p);
        }
    }

    /// Point operands: the result is enclosed by neighbouring doubles.
    #[test]
    fn results_of_points_are_tight(a in 1e-3..1e3_f64, b in 1e-3..1e3_f64) {
        let (x, y) = (Interval::exact(a).expect("finite"), Interval::exact(b).expect("finite"));
        for z in [x.clone() + y.clone(), x.clone() * y.clone(), (x.clone() / y.clone()).expect("y > 0"), x.sqrt().expect("x > 0")] {
            let (low, high) = z.bounds();
            prop_assert!(high == low || high == low.next_up());
        }
    }

    /// exp and ln are inverse, and obey the functional equation, as intervals: two routes with a common member.
    #[test]
    fn exp_and_ln_are_inverse(a in -700.0..700.0_f64, b in 1e-300..1e300_f64, c in -30.0..30.0_f64) {
        let x = Interval::exact(a).expect("finite");
        let round = x.exp().and_then(|e| e.ln()).expect("in range");
        prop_assert!(round.contains(a) && round.width() < 1e-40 * a.abs().max(1.0));
        let y = Interval::exact(b).expect("finite");
        prop_assert!(y.ln().and_then(|l| l.exp()).expect("in range").contains(b));
        let z = Interval::exact(c).expect("finite");
        let sum = (x.clone() + z.clone()).exp().expect("in range");
        let product = x.exp().expect("in range") * z.exp().expect("in range");
        prop_assert!(sum.intersection(&product).is_some());
        prop_assert!(y.root(3).expect("y > 0").powi(3).contains(b));
    }

    /// (A + tI) X = I for random rational matrices: the product of the solution with A contains the identity.
    #[test]
    fn linear_systems_contain_the_exact_solution(seed in any::<[i8; 16]>()) {
        let a = IntervalMatrix::from_fn(4, 4, |i, j| Interval::from(i64::from(seed[4 * i + j])));
        let exact = IntervalMatrix::from_fn(4, 1, |i, _| Interval::from(i as i64 - 2));
        let right = a.times(&exact);
        if let Ok(x) = a.solve(&right) {
            for i in 0..4 {
                prop_assert!(x.get(i, 0).contains(i as f64 - 2.0));
            }
        }
    }
}

/// Known digits, from tables of mathematical constants (46 decimals, truncated): the enclosures lie within one unit of the last.
#[test]
fn elementary_functions_match_published_digits() {
    let one = Interval::one();
    let cases: [(Interval, &str); 5] = [
        (one.exp().expect("small"), "2.7182818284590452353602874713526624977572470936"),
        (Interval::from(2).ln().expect("positive"), "0.6931471805599453094172321214581765680755001343"),
        (Interval::from(10).ln().expect("positive"), "2.3025850929940456840179914546843642076011014886"),
        (Interval::from(2).sqrt().expect("positive"), "1.4142135623730950488016887242096980785696718753"),
        (Interval::from(2).root(3).expect("positive"), "1.2599210498948731647672106072782283505702514647"),
    ];
    for (x, digits) in cases {
        let (whole, fraction) = digits.split_once('.').expect("a decimal");
        let numerator: dashu::integer::IBig = format!("{whole}{fraction}").parse().expect("digits");
        let denominator = dashu::integer::UBig::from(10_u8).pow(fraction.len());
        let low = RBig::from_parts(numerator.clone(), denominator.clone());
        let high = RBig::from_parts(numerator + dashu::integer::IBig::ONE, denominator);
        let (a, b) = (x.low().rational(), x.high().rational());
        assert!(low <= a && b <= high, "{digits}");
    }
}

#[test]
fn functions_refuse_what_they_cannot_bound() {
    let around = Interval::between(-1.0, 1.0).expect("ordered");
    for refused in [
        around.ln(),
        around.scaled(1).ln_1p(),
        around.sqrt(),
        around.root(3),
        Interval::one() / around.clone(),
    ] {
        assert!(refused.is_err());
    }
    assert!(Interval::exact(f64::NAN).is_err() && Interval::exact(f64::INFINITY).is_err());
    assert!(Interval::between(1.0, 0.0).is_err());
    assert!(Interval::from(1 << 21).exp().is_err());
    assert!(enclose_root(f64::NAN, |x| Ok(x.clone()), None).is_err());
    // x^2 + 1 has no root.
    assert!(enclose_root(1.0, |x| Ok(x.square() + Interval::one()), None).is_err());
}

/// Matrices with known spectra: the second-difference matrix, and a rank-one update with an eigenvalue of multiplicity n - 1.
#[test]
fn eigenvalues_of_known_matrices_are_enclosed() {
    let n = 7;
    let ones = IntervalMatrix::from_fn(n, n, |i, j| Interval::from(if i == j { 3 } else { 1 }));
    let e = enclose_eigenvalues(&ones).expect("symmetric");
    assert!(e[0].contains(9.0) && e[0].width() < 1e-30);
    assert!(
        e[1..].iter().all(|l| l.contains(2.0) && l.width() < 1e-30),
        "{:?}",
        e.iter().map(Interval::width).collect::<Vec<_>>()
    );
    // Second differences: eigenvalues 2 - 2 cos(k pi / (n + 1)); their product is n + 1, their sum 2 n.
    let t = IntervalMatrix::from_fn(n, n, |i, j| {
        Interval::from(match i.abs_diff(j) {
            0 => 2,
            1 => -1,
            _ => 0,
        })
    });
    let e = enclose_eigenvalues(&t).expect("symmetric");
    let product = e.iter().fold(Interval::one(), |p, l| p * l.clone());
    let sum = e.iter().fold(Interval::zero(), |s, l| s + l.clone());
    assert!(product.contains(8.0) && product.width() < 1e-30);
    assert!(sum.contains(14.0) && sum.width() < 1e-30);
    // k = 4 is 2 exactly.
    assert!(e[3].contains(2.0));
}
