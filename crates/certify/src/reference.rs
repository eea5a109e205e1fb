//! Enclosures against the 70-digit table of `tests/reference/make.py`.
#![allow(clippy::print_stdout, reason = "tests print what they covered")]
use std::collections::BTreeMap;

use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;
use solvable_model::Covariance;
use solvable_model::collapse::Bias;
use solvable_model::icl::RegressionTask;
use solvable_theory::collapse::TwoGroups;

use crate::aggregate::{BagProblem, bag_risk, bayes_risk, best_bag_size, critical_snr, private_bag_size};
use crate::collapse::{
    balanced_margin, critical_product, deep_branches, minority_threshold, scalar_minimum, squared_minimum,
    thresholds, two_group_program,
};
use crate::icl::{minimizer_spectrum, optimal_depth, optimum, strict_convexity};
use crate::{CertifyError, Interval};

const TABLE: &str = include_str!("../tests/reference/table.txt");

/// Doubles between the ends that an enclosure may span: `[low, high]` with at most this many steps.
const WIDEST: u64 = 16;

/// The exact value of `[-]digits.digits[e+-digits]`.
fn decimal(text: &str) -> RBig {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: IBig = format!("{whole}{fraction}").parse().expect("digits");
    let shift = exponent.parse::<i64>().expect("an exponent") - fraction.len() as i64;
    let power = RBig::from(UBig::from(10_u8).pow(shift.unsigned_abs() as usize));
    if shift < 0 { RBig::from(digits) / power } else { RBig::from(digits) * power }
}

/// Steps between neighbouring doubles from the lower to the upper end.
fn steps(x: &Interval) -> u64 {
    let (low, high) = x.bounds();
    let place = |v: f64| {
        let bits = v.to_bits().cast_signed();
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    place(high).abs_diff(place(low))
}

/// The arguments of a line, in order.
struct Arguments<'a>(std::str::SplitWhitespace<'a>);

impl Arguments<'_> {
    fn number(&mut self) -> f64 {
        self.0.next().expect("another argument").parse().expect("a double")
    }

    fn count(&mut self) -> u64 {
        self.0.next().expect("another argument").parse().expect("a count")
    }

    fn interval(&mut self) -> Interval {
        Interval::exact(self.number()).expect("finite")
    }

    fn list(&mut self, n: u64) -> Vec<f64> {
        (0..n).map(|_| self.number()).collect()
    }
}

fn bags(what: &str, a: &mut Arguments<'_>) -> Result<Interval, CertifyError> {
    let (k, rho, lambda, sigma2, n) = (a.number(), a.number(), a.number(), a.number(), a.count());
    let (sigma, weight, theta2) = (a.list(n), a.list(n), a.list(n));
    let problem = BagProblem { k, rho, lambda, sigma2, sigma: &sigma, weight: &weight, theta2: &theta2 };
    let risk = bag_risk(&problem)?;
    Ok(match what {
        "delta" => risk.delta,
        "s" => risk.s,
        "bias2" => risk.bias2,
        _ => risk.var,
    })
}

fn squared(a: &mut Arguments<'_>) -> Result<Interval, CertifyError> {
    let (free, rank, lambda_h, depth) = (a.count() == 1, a.count(), a.number(), a.count());
    let lambda_w = a.list(depth);
    let counts: Vec<u64> = a.0.by_ref().map(|n| n.parse().expect("a count")).collect();
    squared_minimum(&counts, &lambda_w, lambda_h, rank as usize, free)
}

/// The tasks of the script.
fn task(name: u64) -> RegressionTask {
    let dense = |argument: &'static str, rows: [[f64; 3]; 3]| {
        Covariance::from_rows(argument, &rows.map(|r| r.to_vec())).expect("positive definite")
    };
    let (lambda, psi, sigma2, n) = if name == 1 {
        let one = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        ([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.5]], one, 0.0, 10)
    } else {
        let (sigma2, n) = if name == 2 { (0.25, 8) } else { (1e-9, 1_000_000) };
        let lambda = [[1.5, 0.4, 0.0], [0.4, 1.0, 0.2], [0.0, 0.2, 0.6]];
        (lambda, [[1.0, -0.3, 0.1], [-0.3, 0.8, 0.0], [0.1, 0.0, 0.5]], sigma2, n)
    };
    RegressionTask::new(dense("Lambda", lambda), dense("Psi", psi), sigma2, n).expect("valid")
}

fn enclosure(kind: &str, a: &mut Arguments<'_>) -> Result<Interval, CertifyError> {
    let finite = |x: Option<Interval>| x.expect("finite");
    let deep = |a: &mut Arguments<'_>| deep_branches(a.count(), a.count(), a.count() as u32, a.number());
    match kind {
        "ln" => a.interval().ln(),
        "exp" => a.interval().exp(),
        "sqrt" => a.interval().sqrt(),
        "root3" => a.interval().root(3),
        "root7" => a.interval().root(7),
        "tanh" => a.interval().tanh(),
        "pow" => a.interval().pow(&a.interval()),
        "critical-snr" => critical_snr(a.number(), a.count()).map(finite),
        "bag-size" => {
            let (gamma, r2, s2, clip, epsilon) = (a.number(), a.number(), a.number(), a.number(), a.number());
            if clip > 0.0 {
                private_bag_size(gamma, r2, s2, clip, epsilon).map(finite)
            } else {
                best_bag_size(gamma, r2, s2).map(finite)
            }
        }
        "bayes" => bayes_risk(a.number(), a.number(), a.number(), a.number()).map(|b| b.risk),
        "scalar-x" => scalar_minimum(a.count() as u32, &a.interval()).map(|b| b.x),
        "scalar-value" => scalar_minimum(a.count() as u32, &a.interval()).map(|b| b.value),
        "beta-c" => thresholds(a.count() as u32).map(|t| t.beta_c),
        "beta-s" => thresholds(a.count() as u32).map(|t| t.beta_s),
        "critical-product" => critical_product(a.count() as u32, &a.interval(), a.count()),
        "squared" => squared(a),
        "margin" => balanced_margin(a.count(), a.count(), a.number(), a.number()).map(|b| b.margin),
        "margin-value" => balanced_margin(a.count(), a.count(), a.number(), a.number()).map(|b| b.value),
        "simplex-margin" => deep(a).map(|b| b.simplex.expect("alive").margin),
        "simplex-value" => deep(a).map(|b| b.simplex.expect("alive").value),
        "deep-bound" => deep(a).map(|b| b.lower_bound),
        "minority" => minority_threshold(a.count(), a.count()),
        "two-groups" => {
            let sizes = [a.count(), a.count(), a.count(), a.count()].map(|n| n as usize);
            let groups = TwoGroups::new(sizes[0], sizes[1], sizes[2], sizes[3])?;
            two_group_program(&groups, a.number(), a.number(), Bias::None)
        }
        "task-minimum" => optimum(&task(a.count())).map(|o| o.l_star),
        "task-entry" => {
            let o = optimum(&task(a.count()))?;
            Ok(o.a_star.get(a.count() as usize, a.count() as usize).clone())
        }
        "task-eigenvalue" => {
            let e = minimizer_spectrum(&task(a.count()))?;
            Ok(e[a.count() as usize].clone())
        }
        "task-curvature" => strict_convexity(&task(a.count())).map(finite),
        "depth-bayes" => optimal_depth(a.number(), a.number(), 1).map(|d| d.bayes),
        "depth-risk" => optimal_depth(a.number(), a.number(), a.count() as u32).map(|d| d.risk),
        _ => bags(kind.strip_prefix("bags-").expect("a known kind"), a),
    }
}

/// Every line: the enclosure holds the printed value up to its last digit, and its ends are at most 16 doubles apart. The two-group
/// programs stop at the accuracy of the double-precision solver, their own last digits.
#[test]
fn enclosures_contain_the_reference_table() {
    let mut worst: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    let mut failures = Vec::new();
    let mut lines = TABLE.lines();
    assert!(lines.next().is_some_and(|l| l.starts_with("# Made by make.py with mpmath")));
    for line in lines {
        let (inputs, value) = line.split_once(" = ").expect("inputs = value");
        let (kind, inputs) = inputs.split_once(' ').expect("kind and inputs");
        let exact = decimal(value);
        let found = match enclosure(kind, &mut Arguments(inputs.split_whitespace())) {
            Ok(found) => found,
            Err(error) => {
                failures.push(format!("{line}: {error}"));
                continue;
            }
        };
        let size = if exact < RBig::ZERO { -exact.clone() } else { exact.clone() };
        let last = size / RBig::from(UBig::from(10_u8).pow(69));
        if found.low().rational() > &exact + &last || found.high().rational() < &exact - &last {
            failures.push(format!("{kind} {inputs}: {found} misses {value}"));
        }
        let (count, width) = worst.entry(kind).or_default();
        *count += 1;
        *width = (*width).max(steps(&found));
        if kind != "two-groups" && steps(&found) > WIDEST {
            failures.push(format!("{kind} {inputs}: {found} spans {} doubles", steps(&found)));
        }
    }
    for (kind, (count, width)) in &worst {
        println!("{kind}: {count} values, at most {width} doubles wide");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(worst.len(), 33, "every kind of the script");
}

#[test]
fn decimals_are_read_exactly() {
    let over = |n: i64, d: i64| RBig::from(n) / RBig::from(d);
    assert_eq!(decimal("-1.25e+2"), over(-125, 1));
    assert_eq!(decimal("7.5e-1"), over(3, 4));
    assert_eq!(decimal("12"), over(12, 1));
    let one = Interval::between(1.0, 1.0_f64.next_up().next_up()).expect("ordered");
    assert_eq!(steps(&one), 2);
    assert_eq!(steps(&Interval::between(-1.0, (-1.0_f64).next_up()).expect("ordered")), 1);
}
