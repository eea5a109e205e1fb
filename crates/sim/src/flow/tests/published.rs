//! Published initial value problems: the error against the reference falls with the tolerance.
use super::problems::{Problem, brusselator, detest, pleiades, test_set};
use crate::flow::{FieldFn, Method, Options, Solution, integrate};

/// Runs a problem with tolerances `tolerance` relative to the larger of a component and the problem's floor.
fn run(problem: &Problem, method: Method, tolerance: f64) -> Solution {
    let field = FieldFn::new(problem.initial.len(), problem.field);
    let options = Options::until(problem.end).method(method).tolerance(tolerance, tolerance * problem.floor);
    integrate(&field, &problem.initial, &options).unwrap_or_else(|e| panic!("{}: {e}", problem.name))
}

/// Global errors may exceed the tolerance of a step by the number of steps and by the sensitivity of the problem.
/// Four digits are allowed for both, declared for all problems alike: at the tight tolerance the reference must be met
/// to eight digits or better, which no wrong coefficient survives, and every thousandfold tightening must gain at least
/// two digits until there.
fn check(problem: &Problem, method: Method, tolerances: [f64; 2]) -> Vec<String> {
    let runs = tolerances.map(|tolerance| run(problem, method, tolerance));
    let errors = runs.each_ref().map(|run| problem.error(&run.state));
    for (run, tolerance) in runs.iter().zip(tolerances) {
        assert_eq!(run.time, problem.end);
        let error = problem.error(&run.state);
        assert!(error <= 1e4 * tolerance, "{} {method:?} at {tolerance:e}: error {error:e}", problem.name);
    }
    assert!(
        errors[1] <= 0.01 * errors[0] || errors[1] <= 10.0 * tolerances[1],
        "{} {method:?}: errors {errors:?} at tolerances {tolerances:?}",
        problem.name
    );
    let row = |(run, error): (&Solution, f64)| {
        let s = run.statistics;
        format!(
            "{:12} {method:?} error {error:.1e}, {} steps, {} rejected, {} evaluations, {} factorizations",
            problem.name, s.steps, s.rejected, s.evaluations, s.factorizations
        )
    };
    runs.iter().zip(errors).map(row).collect()
}

#[allow(clippy::print_stdout, reason = "shown with --nocapture")]
fn show(rows: &[String]) {
    println!("{}", rows.join("\n"));
}

#[test]
fn non_stiff_set() {
    let mut rows = Vec::new();
    let all: Vec<Problem> = detest().into_iter().chain([pleiades(), brusselator()]).collect();
    for problem in &all {
        rows.extend(check(problem, Method::DormandPrince5, [1e-7, 1e-10]));
        rows.extend(check(problem, Method::DormandPrince8, [1e-9, 1e-12]));
        rows.extend(check(problem, Method::Radau5, [1e-7, 1e-10]));
    }
    show(&rows);
    assert_eq!(all.len(), 23);
}

#[test]
fn stiff_set() {
    let mut rows = Vec::new();
    for problem in &test_set() {
        rows.extend(check(problem, Method::Radau5, [1e-7, 1e-10]));
    }
    show(&rows);
}
