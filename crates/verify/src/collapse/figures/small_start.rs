//! Small initialisation dies at depth two and more.
use solvable_model::Objective;
use solvable_model::collapse::{Bias, ClassLoss, FreeFeaturesLoss};
use solvable_sim::collapse::gaussian_start;
use solvable_sim::flow::{DescentOptions, descend};
use solvable_theory::collapse::local_minima;

use super::{logarithmic, problem, refused, stream};
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel, by_budget};
use crate::run::Options;
use crate::{CheckError, Parameters};

const NAME: &str = "collapse-small-start";
const COUNTS: [usize; 2] = [6, 4];
const WIDTH: usize = 4;
const LAMBDA: f64 = 0.05;
const STEP: f64 = 0.1;

pub(super) const SPEC: FigureSpec = FigureSpec {
    name: NAME,
    title: "Small initialisation dies at depth two and more",
    caption: "Final loss of gradient descent against the standard deviation of its random start. At depth $M = 1$ every start \
              reaches the global minimum. At depth $M \\ge 2$ weight decay makes the origin a strict local minimum, of \
              value $\\frac12$, which swallows small starts. Lines: the exact values of all known local minima, the \
              lowest being the global one; no run ends anywhere else.",
    claims: &["NC-24", "NC-04"],
    build,
};

fn build(options: &Options) -> Result<Figure, CheckError> {
    let count = by_budget(options, 7, 25);
    let iterations = by_budget(options, 5000, 40_000);
    let mut figure = Figure::new(format!(
        "n = {COUNTS:?}, width {WIDTH}, all regularisations {LAMBDA}, squared loss, no bias, step {STEP}, {iterations} \
         iterations"
    ))
    .columns(3)
    .size(960.0, 320.0);
    let (low, high) = (0.01, 0.8);
    for (i, depth) in [1_usize, 2, 3].into_iter().enumerate() {
        let p = problem(&COUNTS, WIDTH, &vec![LAMBDA; depth], LAMBDA, Bias::None)?;
        let objective = FreeFeaturesLoss::new(&p, ClassLoss::Squared)?;
        let mut panel = Panel::new(
            Axis::log("standard deviation of the start"),
            Axis::linear("final loss").range(0.1, 0.55),
        )
        .title(format!("M = {depth}"));
        let minima = local_minima(&p).map_err(refused)?;
        for &value in &minima.values {
            let line = [(low, value), (high, value)];
            panel = if value == minima.global || (value - minima.global).abs() <= 1e-12 {
                panel.line(if i == 0 { "global minimum" } else { "" }, Colour::Ink, line)
            } else {
                panel.dashed(
                    if i == 1 && value == 0.5 { "other local minima" } else { "" },
                    Colour::Grey,
                    line,
                )
            };
        }
        let mut points = Vec::new();
        for deviation in logarithmic(low, high, count) {
            let series = Parameters::new().with("M", depth).with("deviation", deviation);
            let (_, mut rng) = stream(options, NAME, &series);
            let start = gaussian_start(objective.layout(), deviation, &mut rng);
            let end = descend(&objective, &start, &DescentOptions::new(STEP, iterations)).map_err(refused)?;
            points.push((deviation, objective.value(&end.state, &mut objective.work()), 0.0));
        }
        panel = panel.points(if i == 0 { "gradient descent" } else { "" }, Colour::Blue, points);
        figure = figure.panel(panel);
    }
    Ok(figure)
}
