//! The simplex is not optimal for deep cross-entropy.
use solvable_linalg::to_rows;
use solvable_model::collapse::{Bias, ClassCounts, ClassLoss, FreeFeatures, FreeFeaturesLoss};
use solvable_sim::collapse::{Training, observe, train};
use solvable_theory::collapse::deep_entropy_minimum;

use super::{logarithmic, refused, stream};
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel, by_budget};
use crate::run::Options;
use crate::{CheckError, Parameters};

const NAME: &str = "collapse-simplex-not-optimal";

pub(super) const SPEC: FigureSpec = FigureSpec {
    name: NAME,
    title: "The simplex is not optimal for deep cross-entropy",
    caption: "Training loss relative to that of the simplex (dotted, published as optimal), balanced classes, no bias. Line: \
              classes in antipodal pairs, exact, below the simplex at every regularisation; markers: the best of several \
              trained networks, which is lower still or equal; dashed: the proved lower bound of every network. Below, trained logits: classes point against each other in pairs. For K at \
              least 4 and depth at least 3, or K at least 6 and depth 2, no nonzero simplex is a global minimiser.",
    claims: &["NC-13"],
    build,
};

/// The trained logits at the largest regularisation, over their largest entry; classes that point against each other
/// stand side by side.
fn logit_map(k: usize, depth: usize, logits: &[Vec<f64>]) -> Panel {
    let largest = logits.iter().flatten().fold(0.0_f64, |m, v| m.max(v.abs()));
    let mut order: Vec<usize> = Vec::new();
    for class in 0..k {
        if order.contains(&class) {
            continue;
        }
        order.push(class);
        let left = (0..k).filter(|c| !order.contains(c));
        order.extend(left.min_by(|a, b| logits[*a][class].total_cmp(&logits[*b][class])));
    }
    // Six decimals: what is beyond them is how far training went.
    let share =
        |i: usize, j: usize| (1e6 * logits[i][j] / largest.max(f64::MIN_POSITIVE)).round() / 1e6 + 0.0;
    let rows: Vec<Vec<f64>> = order.iter().map(|&i| order.iter().map(|&j| share(i, j)).collect()).collect();
    Panel::heat_map("class, in pairs", "logit over the largest", 1.0, &rows)
        .title(format!("Logits, K = {k}, M = {depth}"))
}

fn build(options: &Options) -> Result<Figure, CheckError> {
    let cases: &[(usize, usize, usize)] =
        by_budget(options, &[(4, 3, 2), (6, 2, 2)][..], &[(4, 3, 2), (6, 2, 2), (10, 2, 5)][..]);
    let starts = by_budget(options, 4, 30);
    let mut figure = Figure::new(format!(
        "equal regularisation of all factors, width K, best of {starts} starts, n = 2 (5 for K = 10)"
    ));
    let mut maps = Vec::new();
    for (i, &(k, depth, n)) in cases.iter().enumerate() {
        let problem = |lambda: f64| -> Result<FreeFeatures, CheckError> {
            Ok(FreeFeatures::uniform(ClassCounts::balanced(k, n)?, depth, k, lambda, Bias::None)?)
        };
        let (low, high) = (3e-4, 2e-2);
        let (mut pairs, mut bound, mut best) = (Vec::new(), Vec::new(), Vec::new());
        for lambda in logarithmic(low, high, 13) {
            let found = deep_entropy_minimum(&problem(lambda)?).map_err(refused)?;
            let simplex = found.simplex.value;
            pairs.push((lambda, found.pairs.map_or(1.0, |p| p.value / simplex)));
            bound.push((lambda, found.optimality.lower_bound / simplex));
        }
        let mut logits = Vec::new();
        for lambda in logarithmic(low * 1.5, high / 1.5, by_budget(options, 3, 8)) {
            let p = problem(lambda)?;
            let simplex = deep_entropy_minimum(&p).map_err(refused)?.simplex.value;
            let objective = FreeFeaturesLoss::collapsed(&p, ClassLoss::CrossEntropy)?;
            let series = Parameters::new().with("K", k).with("M", depth).with("lambda", lambda);
            let (seed, _) = stream(options, NAME, &series);
            // Trained margins are near 5 to 8: logits start that large.
            let training = Training { size: 6.0, gradient_norm: 1e-9, ..Training::new(starts, seed) };
            let end = train(&objective, &training).map_err(refused)?;
            best.push((lambda, end.value / simplex, 0.0));
            // One column a class, as the features are collapsed.
            logits = to_rows(observe(&objective, &end.x).logits().as_ref());
        }
        let name = |text: &'static str| if i == 0 { text } else { "" };
        let panel = Panel::new(
            Axis::log("regularisation lambda"),
            Axis::linear("loss / loss of the simplex").include(1.02).include(0.4),
        )
        .title(format!("K = {k}, M = {depth}"))
        .dotted(name("simplex"), Colour::Vermillion, [(low, 1.0), (high, 1.0)])
        .line(name("antipodal pairs"), Colour::Blue, pairs)
        .dashed(name("proved lower bound"), Colour::Ink, bound)
        .points(name("best trained network"), Colour::Green, best);
        figure = figure.panel(panel);
        maps.push(logit_map(k, depth, &logits));
    }
    Ok(maps.into_iter().fold(figure, Figure::panel).columns(cases.len()))
}
