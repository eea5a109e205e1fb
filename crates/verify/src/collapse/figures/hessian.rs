//! The Hessian spectrum at the collapsed minimum.
use solvable_model::collapse::{Bias, ClassLoss, FreeFeaturesLoss};
use solvable_sim::collapse::{Training, hessian, train};
use solvable_theory::collapse::hessian_spectrum;

use super::{problem, refused, stream};
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel};
use crate::run::Options;
use crate::{CheckError, Parameters};

const NAME: &str = "collapse-hessian";
const COUNTS: [usize; 3] = [2; 3];
const WIDTH: usize = 5;
const LAMBDA: f64 = 0.05;

pub(super) const SPEC: FigureSpec = FigureSpec {
    name: NAME,
    title: "Six eigenvalues make up the Hessian of a collapsed network",
    caption: "All eigenvalues of the Hessian at the minimum, by size: depth one, balanced, no bias, squared loss. Line: the six \
              exact values with their multiplicities; markers: differences of the gradient at a trained network. The \
              smallest positive one sets the rate of training.",
    claims: &["NC-23"],
    build,
};

fn build(options: &Options) -> Result<Figure, CheckError> {
    let p = problem(&COUNTS, WIDTH, &[LAMBDA], LAMBDA, Bias::None)?;
    let exact = hessian_spectrum(&p).map_err(refused)?;
    let mut values: Vec<f64> =
        exact.eigenvalues.iter().flat_map(|&(e, m)| core::iter::repeat_n(e, m)).collect();
    values.sort_by(f64::total_cmp);
    let line = values.iter().enumerate().flat_map(|(i, &e)| [(i as f64 + 0.5, e), (i as f64 + 1.5, e)]);
    let objective = FreeFeaturesLoss::new(&p, ClassLoss::Squared)?;
    let (seed, _) = stream(options, NAME, &Parameters::new());
    let end = train(&objective, &Training::new(2, seed)).map_err(refused)?;
    let mut measured = hessian(&objective, &end.x, 1e-3).eigenvalues()?;
    measured.reverse();
    let points = measured.iter().enumerate().map(|(i, &e)| (i as f64 + 1.0, e, 0.0));
    let panel = Panel::new(Axis::linear("index").whole(), Axis::linear("eigenvalue"))
        .line("exact", Colour::Blue, line)
        .points("differences at a trained network", Colour::Vermillion, points);
    Ok(Figure::new(format!("K = 3, n = 2, width {WIDTH}, lambda = {LAMBDA}")).panel(panel))
}
