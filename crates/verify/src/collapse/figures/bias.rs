//! From the simplex to the orthogonal frame by regularising the bias.
use solvable_model::collapse::{Bias, ClassLoss, FreeFeaturesLoss};
use solvable_sim::collapse::{Training, observe, train};
use solvable_theory::collapse::regularised_bias_minimum;

use super::{logarithmic, problem, refused, stream};
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel, by_budget};
use crate::run::Options;
use crate::{CheckError, Parameters};

const NAME: &str = "collapse-bias-interpolation";
const COUNTS: [usize; 4] = [5; 4];

pub(super) const SPEC: FigureSpec = FigureSpec {
    name: NAME,
    title: "Regularising the bias leads from the simplex to the orthogonal frame",
    caption: "Cosine between the features of two classes against the weight $\\lambda_b$ of the bias, squared loss, balanced. \
              It stays at $-1/(K-1)$, exactly a simplex, up to a threshold, then rises to 0. Line: exact at depth one; \
              dashed: the candidate at depth two, whose global optimality is not proved; markers: trained networks.",
    claims: &["NC-11"],
    build,
};

fn build(options: &Options) -> Result<Figure, CheckError> {
    let starts = by_budget(options, 2, 8);
    let (low, high) = (1e-2, 1e2);
    let mut panel = Panel::new(
        Axis::log("weight of the bias"),
        Axis::linear("cosine between class features").include(0.02).include(-0.36),
    );
    for (i, depth) in [1_usize, 2].into_iter().enumerate() {
        let lambda_w = &[0.01, 0.01][..depth];
        let state = |weight: f64| problem(&COUNTS, 4, lambda_w, 0.005, Bias::regularised(weight)?);
        let mut line = Vec::new();
        for weight in logarithmic(low, high, if depth == 1 { 200 } else { 40 }) {
            let found = regularised_bias_minimum(&state(weight)?).map_err(refused)?;
            line.push((weight, found.feature_cosine.unwrap_or(0.0)));
        }
        let mut points = Vec::new();
        for weight in logarithmic(low * 2.0, high / 2.0, by_budget(options, 5, 9)) {
            let objective = FreeFeaturesLoss::collapsed(&state(weight)?, ClassLoss::Squared)?;
            let series = Parameters::new().with("M", depth).with("lambda_b", weight);
            let (seed, _) = stream(options, NAME, &series);
            let end = train(&objective, &Training::new(starts, seed)).map_err(refused)?;
            let gram = observe(&objective, &end.x).feature_gram();
            points.push((weight, gram[(0, 1)] / (gram[(0, 0)] * gram[(1, 1)]).sqrt(), 0.0));
        }
        let colour = Colour::of(i);
        let name = format!("M = {depth}");
        panel = if depth == 1 { panel.line(name, colour, line) } else { panel.dashed(name, colour, line) };
        panel = panel.points(format!("M = {depth}, trained"), colour, points);
    }
    Ok(Figure::new(format!(
        "K = 4, n = 5, width 4, lambda_W = 0.01, lambda_H = 0.005, best of {starts} starts"
    ))
    .panel(panel))
}
