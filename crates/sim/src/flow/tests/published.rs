//! Published initial value problems: the error against the reference falls with the tolerance.
use super::problems::{Problem, brusselator, detest, pleiades, test_set};
use crate::flow::{FieldFn, Method, Options, Solution, VectorField, integrate, integrate_measured};

/// Runs a problem with tolerances `tolerance` relative to the larger of a component and the problem's floor.
fn run(problem: &Problem, method: Method, tolerance: f64) -> Solution {
    let field = FieldFn::new(problem.initial.len(), problem.field);
    let options = Options::until(problem.end).method(method).tolerance(tolerance, tolerance * problem.floor);
    integrate(&field, &problem.initial, &options).unwrap_or_else(|e| panic!("{}: {e}", problem.name))
}

/// Global errors may exceed the tolerance of a step by the number of steps and by the sensitivity of the problem.
/// Four digits are allowed for both, declared for all problems alike: at the tight tolerance the reference must be met
/// within that, which no wrong coefficient survives, and tightening the tolerance a thousandfold must divide the error by
/// at least `gain` until there.
fn check(problem: &Problem, method: Method, tolerances: [f64; 2], gain: f64) -> Vec<String> {
    let runs = tolerances.map(|tolerance| run(problem, method, tolerance));
    let errors = runs.each_ref().map(|run| problem.error(&run.state));
    for (run, tolerance) in runs.iter().zip(tolerances) {
        assert_eq!(run.time, problem.end);
        let error = problem.error(&run.state);
        assert!(error <= 1e4 * tolerance, "{} {method:?} at {tolerance:e}: error {error:e}", problem.name);
    }
    assert!(
        gain * errors[1] <= errors[0] || errors[1] <= 10.0 * tolerances[1],
        "{} {method:?}: errors {errors:?} at tolerances {tolerances:?}",
        problem.name
    );
    let row = |(run, error): (&Solution, f64)| {
        let s = run.statistics;
        format!(
            "{:12} {method:?} error {error:.1e}, {} steps, {} rejected ({} not converged), {} evaluations, {} factorizations",
            problem.name, s.steps, s.rejected, s.not_converged, s.evaluations, s.factorizations
        )
    };
    runs.iter().zip(errors).map(row).collect()
}

#[allow(clippy::print_stdout, reason = "shown with --nocapture")]
pub(super) fn show(rows: &[String]) {
    println!("{}", rows.join("\n"));
}

#[test]
fn non_stiff_set() {
    let mut rows = Vec::new();
    let all: Vec<Problem> = detest().into_iter().chain([pleiades(), brusselator()]).collect();
    for problem in &all {
        rows.extend(check(problem, Method::DormandPrince5, [1e-7, 1e-10], 100.0));
        rows.extend(check(problem, Method::DormandPrince8, [1e-9, 1e-12], 100.0));
        rows.extend(check(problem, Method::Radau5, [1e-7, 1e-10], 100.0));
        // A controller of order 2 takes steps like the cube root of the tolerance: errors add up to its power 2/3.
        // It is for decaying modes: problems with oscillations are left out.
        if problem.name.starts_with(['A', 'C']) || ["B2", "B3", "E4"].contains(&problem.name) {
            rows.extend(check(problem, Method::Chebyshev2, [1e-4, 1e-7], 30.0));
        }
    }
    show(&rows);
    assert_eq!(all.len(), 25);
}

#[test]
fn stiff_set() {
    let mut rows = Vec::new();
    for problem in &test_set() {
        rows.extend(check(problem, Method::Radau5, [1e-7, 1e-10], 100.0));
    }
    show(&rows);
}

/// Robertson's problem with exact Jacobian-vector products.
struct Robertson(Problem);

impl VectorField for Robertson {
    type Work = ();

    fn dimension(&self) -> usize {
        3
    }

    fn work(&self) {}

    fn eval(&self, t: f64, x: &[f64], slope: &mut [f64], (): &mut ()) {
        (self.0.field)(t, x, slope);
    }

    fn jacobian_vector(&self, _: f64, x: &[f64], v: &[f64], product: &mut [f64], (): &mut ()) -> bool {
        let (slow, fast) = (0.04 * v[0], 6e7 * x[1] * v[1]);
        let middle = 1e4 * (x[1] * v[2] + x[2] * v[1]);
        product.copy_from_slice(&[-slow + middle, slow - middle - fast, fast]);
        true
    }
}

#[test]
fn exact_products_serve_better_than_differences() {
    // Late in Robertson's problem the rows of the Jacobian cancel to 1e-10 of its entries: more digits than differences
    // have. The steps survive it, at a price.
    let problem = test_set().swap_remove(2);
    assert_eq!(problem.name, "ROBER");
    let options = Options::until(problem.end).method(Method::Radau5).tolerance(1e-7, 1e-7 * problem.floor);
    let differences = run(&problem, Method::Radau5, 1e-7).statistics;
    let exact =
        integrate(&Robertson(test_set().swap_remove(2)), &problem.initial, &options).expect("regular");
    assert!(problem.error(&exact.state) <= 1e4 * 1e-7);
    let exact = exact.statistics;
    assert!(
        exact.jacobian_products > 0
            && exact.jacobian_products.is_multiple_of(3)
            && differences.jacobian_products == 0
    );
    assert!(2 * exact.rejected < differences.rejected, "{exact:?} {differences:?}");
}

#[test]
fn measured_errors_cover_the_true_ones() {
    let problems: Vec<Problem> = detest().into_iter().chain([pleiades(), brusselator()]).collect();
    for (problem, method) in problems.iter().flat_map(|p| {
        [Method::DormandPrince5, Method::DormandPrince8, Method::Radau5].map(|method| (p, method))
    }) {
        let field = FieldFn::new(problem.initial.len(), problem.field);
        let options = Options::until(problem.end).method(method).tolerance(1e-6, 1e-6);
        let measured = integrate_measured(&field, &problem.initial, &options).expect("regular");
        let error = super::distance(&measured.solution.state, &problem.final_state);
        // Errors below the tolerance of the solution returned are not resolved.
        let bound = 3.0 * measured.error.max(1e-7);
        assert!(error <= bound, "{} {method:?}: {error:e} {:e}", problem.name, measured.error);
    }
}
