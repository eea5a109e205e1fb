//! Error against cost of every method on every problem, as CSV on standard output. From the root of the repository:
//!
//! ```text
//! cargo run --release --manifest-path oracles/Cargo.toml --bin work-precision > docs/data/work-precision.csv
//! ```
//!
//! Columns: problem, dimension, stiff or not, solver, relative tolerance (the absolute one is this times the problem's
//! floor), largest relative error of a component of the final state, evaluations of the field (one for each
//! finite-difference Jacobian-vector product), accepted and rejected steps, matrices factored, microseconds (the
//! shortest of three runs; no tighter tolerance after one that took 3 seconds). Runs that fail are named on standard error.
use std::time::Instant;

use solvable_oracles::cases::{all, evaluations};
use solvable_oracles::solvers::SOLVERS;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let only = std::env::args().nth(1);
    let mut out = csv::Writer::from_writer(std::io::stdout());
    out.write_record([
        "problem",
        "dimension",
        "stiff",
        "solver",
        "tolerance",
        "error",
        "evaluations",
        "steps",
        "rejected",
        "factorizations",
        "microseconds",
    ])?;
    for case in all().iter().filter(|case| only.as_ref().is_none_or(|name| case.name.contains(name.as_str())))
    {
        for (name, implicit, solve) in SOLVERS {
            // The stabilised method is for decaying modes.
            let oscillates = ["VANDERPOL", "ROBER", "OREGO"].contains(&case.name);
            if (!implicit && !case.explicit) || (name.ends_with("Chebyshev2") && oscillates) {
                continue;
            }
            // Order 2 at tight tolerances is a waste that no one would commit.
            let chebyshev = name.ends_with("Chebyshev2");
            for exponent in [-3, -4, -5, -6, -7, -8, -9, -10, -11, -12] {
                // Nor does the tolerance matter to an explicit method that stability limits.
                let limited = !implicit && case.stiff && ![-3, -5, -7].contains(&exponent);
                if (chebyshev && exponent < -8) || limited {
                    continue;
                }
                let tolerance = 10_f64.powi(exponent);
                let mut best = f64::INFINITY;
                let mut last = None;
                for _ in 0..3 {
                    evaluations();
                    let begin = Instant::now();
                    let result = solve(case, tolerance, tolerance * case.floor);
                    let micros = begin.elapsed().as_secs_f64() * 1e6;
                    best = best.min(micros);
                    last = Some((result, evaluations()));
                    if micros > 3e5 {
                        break;
                    }
                }
                let slow = best > 3e6;
                match last {
                    Some((Ok(run), count)) if case.error(&run.state).is_finite() => out.write_record([
                        case.name.to_string(),
                        case.initial.len().to_string(),
                        case.stiff.to_string(),
                        name.to_string(),
                        format!("1e{exponent}"),
                        format!("{:.2e}", case.error(&run.state)),
                        count.to_string(),
                        run.steps.to_string(),
                        run.rejected.to_string(),
                        run.factorizations.to_string(),
                        format!("{best:.0}"),
                    ])?,
                    Some((Err(error), _)) => eprintln!("{}, {name}, 1e{exponent}: {error}", case.name),
                    _ => eprintln!("{}, {name}, 1e{exponent}: no finite state", case.name),
                }
                out.flush()?;
                if slow {
                    break;
                }
            }
        }
    }
    Ok(())
}
