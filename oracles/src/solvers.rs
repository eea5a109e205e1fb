//! Our methods and other people's, behind one signature.
use differential_equations::prelude::{ExplicitRungeKutta, IVP};
use diffsol::{FaerLU, FaerMat, OdeBuilder, OdeSolverMethod, Vector};
use solvable_sim::flow::{FieldFn, Method, Options, integrate};

use crate::cases::Case;

/// What a run reports besides its evaluations.
#[derive(Default)]
pub struct Run {
    pub state: Vec<f64>,
    pub steps: u64,
    pub rejected: u64,
    pub factorizations: u64,
}

/// Runs a case at tolerances (relative, absolute).
pub type Solve = fn(&Case, f64, f64) -> Result<Run, String>;

/// (name, whether implicit or stabilised, solver).
pub const SOLVERS: [(&str, bool, Solve); 9] = [
    ("solvable Automatic", true, |c, r, a| ours(c, Method::Automatic, r, a)),
    ("solvable DormandPrince5", false, |c, r, a| ours(c, Method::DormandPrince5, r, a)),
    ("solvable DormandPrince8", false, |c, r, a| ours(c, Method::DormandPrince8, r, a)),
    ("solvable Radau5", true, |c, r, a| ours(c, Method::Radau5, r, a)),
    ("solvable Chebyshev2", true, |c, r, a| ours(c, Method::Chebyshev2, r, a)),
    ("diffsol tsit45", false, diffsol_tsit45),
    ("diffsol bdf", true, diffsol_bdf),
    ("diffsol esdirk34", true, diffsol_esdirk34),
    ("differential-equations dop853", false, theirs_dop853),
];

fn ours(case: &Case, method: Method, relative: f64, absolute: f64) -> Result<Run, String> {
    let field = FieldFn::new(case.initial.len(), |t, x, slope| case.field(t, x, slope));
    let options = Options::until(case.end).method(method).tolerance(relative, absolute).max_steps(3_000_000);
    let end = integrate(&field, &case.initial, &options).map_err(|e| e.to_string())?;
    let s = end.statistics;
    Ok(Run { state: end.state, steps: s.steps, rejected: s.rejected, factorizations: s.factorizations })
}

macro_rules! diffsol {
    ($name:ident, $solver:ident $(, $lu:ty)?) => {
        fn $name(case: &Case, relative: f64, absolute: f64) -> Result<Run, String> {
            let problem = OdeBuilder::<FaerMat<f64>>::new()
                .rtol(relative)
                .atol([absolute])
                .rhs_implicit(
                    |x: &[f64], _: &[f64], t: f64, y: &mut [f64]| case.field(t, x, y),
                    |x: &[f64], _: &[f64], t: f64, v: &[f64], y: &mut [f64]| case.product(t, x, v, y),
                )
                .init(
                    |_: &[f64], _: f64, y: &mut [f64]| y.copy_from_slice(&case.initial),
                    case.initial.len(),
                )
                .build()
                .map_err(|e| e.to_string())?;
            let mut solver = problem.$solver$(::<$lu>)?().map_err(|e| e.to_string())?;
            solver.set_stop_time(case.end).map_err(|e| e.to_string())?;
            while solver.state().t < case.end {
                solver.step().map_err(|e| e.to_string())?;
            }
            let state = solver.state().y.clone_as_vec();
            let s = solver.get_statistics();
            Ok(Run {
                state,
                steps: s.number_of_steps as u64,
                rejected: (s.number_of_error_test_failures + s.number_of_nonlinear_solver_fails) as u64,
                factorizations: s.number_of_linear_solver_setups as u64,
            })
        }
    };
}

diffsol!(diffsol_tsit45, tsit45);
diffsol!(diffsol_bdf, bdf, FaerLU<f64>);
diffsol!(diffsol_esdirk34, esdirk34, FaerLU<f64>);

fn theirs_dop853(case: &Case, relative: f64, absolute: f64) -> Result<Run, String> {
    let field = |t: f64, x: &Vec<f64>, slope: &mut Vec<f64>| case.field(t, x, slope);
    let solution = IVP::ode_from_fn(field, 0.0, case.end, case.initial.clone())
        .method(ExplicitRungeKutta::dop853().max_steps(3_000_000).rtol(relative).atol(absolute))
        .solve()
        .map_err(|e| format!("{e:?}").chars().take(100).collect::<String>())?;
    let state = solution.y.last().cloned().ok_or("no state")?;
    let (steps, rejected) = (solution.steps.accepted as u64, solution.steps.rejected as u64);
    Ok(Run { state, steps, rejected, factorizations: 0 })
}
