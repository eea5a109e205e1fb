//! An analyst's use of the facade: the predicted risk curve for her own spectrum, as CSV.
//!
//! `cargo run -p downstream -- 4 2 1 0.5 0.25` takes the eigenvalues from the command line; without arguments it takes
//! a power law. Columns: context length N, risk of the trained layer, the same relative to predicting 0, the best
//! single gradient step (a multiple of the identity), the Bayes lower bound.
use std::error::Error;
use std::io::Write;

use solvable::model::Covariance;
use solvable::model::icl::RegressionTask;
use solvable::theory::icl::{Whitened, bayes_lower_bound, best_scalar_step, minimum};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let spectrum = if words.is_empty() {
        Covariance::power_law("eigenvalues", 20, 1.0, 1.0)?
    } else {
        let values: Vec<f64> = words.iter().map(|w| w.parse()).collect::<Result<_, _>>()?;
        Covariance::diagonal("eigenvalues", &values)?
    };
    let prior = Covariance::isotropic("Psi", spectrum.dimension(), 1.0)?;
    let noise = 0.1;
    // Whitened once; each further length costs O(d).
    let law = Whitened::new(&RegressionTask::new(spectrum, prior, noise, 1)?)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "N,risk,relative,best_scalar_step,bayes_lower_bound")?;
    for n in [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] {
        let at = law.with(noise, n)?;
        let risk = minimum(&at)?;
        let step = best_scalar_step(&at)?.loss;
        let bound = bayes_lower_bound(&at)?;
        writeln!(out, "{n},{risk},{},{step},{bound}", risk / at.signal())?;
    }
    Ok(())
}
