//! The own logit across the threshold of collapse, by depth.
use solvable_model::collapse::{Bias, ClassLoss, FreeFeaturesLoss};
use solvable_sim::collapse::{Training, observe, train};
use solvable_theory::collapse::{global_threshold, scalar_minimum, spinodal};

use super::{logarithmic, problem, refused, stream};
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel, by_budget};
use crate::run::Options;
use crate::{CheckError, Parameters};

const NAME: &str = "collapse-phase-diagram";
const DEPTHS: [usize; 4] = [1, 2, 3, 6];
/// Samples of the one class that is trained.
const SAMPLES: usize = 4;

pub(super) const SPEC: FigureSpec = FigureSpec {
    name: NAME,
    title: "Collapse of a class is continuous at depth one and a jump beyond",
    caption: "The own logit of a class, relative to its target, against the product $\\Lambda$ of all regularisations \
              over its critical value $\\Lambda_c$. Lines: exact global minimum; markers: the best of several trained \
              networks, raw parameters. At depth $M \\ge 2$ the logit falls from $1 - 1/M$ to 0 at $\\Lambda_c$; the \
              dashed continuation is a local minimum that survives up to the spinodal.",
    claims: &["NC-03", "NC-08"],
    build,
};

fn build(options: &Options) -> Result<Figure, CheckError> {
    let mut panel = Panel::new(
        Axis::log("product of regularisations over its critical value"),
        Axis::linear("own logit / target").range(0.0, 1.0),
    );
    let starts = by_budget(options, 3, 8);
    for (i, depth) in DEPTHS.into_iter().enumerate() {
        let colour = Colour::of(i);
        let critical = global_threshold(depth).map_err(refused)?;
        // beta scales like the M-th root of Lambda.
        let beta = |ratio: f64| critical * ratio.powf(1.0 / depth as f64);
        let limit = (spinodal(depth).map_err(refused)? / critical).powi(depth as i32);
        let mut alive = Vec::new();
        for ratio in logarithmic(1e-3, 1.0 - 1e-9, 160) {
            alive.push((ratio, scalar_minimum(depth, beta(ratio)).map_err(refused)?.alignment));
        }
        if depth > 1 {
            alive.push((1.0, 0.0));
        }
        alive.push((10.0, 0.0));
        panel = panel.line(format!("M = {depth}"), colour, alive);
        if depth > 1 {
            let mut local = Vec::new();
            // Denser where the branch ends in a square root; few enough points for dashes to show.
            for i in 0..=14 {
                let rest = f64::from(14 - i) / 14.0;
                let end = (limit * (1.0 - 1e-6)).min(10.0);
                let ratio = end.powf(1.0 - rest * rest);
                if let Some(l) = scalar_minimum(depth, beta(ratio)).map_err(refused)?.local {
                    let power = l.x.powi(depth as i32);
                    local.push((ratio, power / (1.0 + power)));
                }
            }
            panel = panel.dashed(String::new(), colour, local);
        }
        let n = SAMPLES as f64;
        let m = depth as f64;
        // One class: N = n = tau^2.
        let below = if depth == 1 { 1.0 } else { (m - 1.0).powf(m - 1.0) };
        let product = below / m.powf(2.0 * m) / n;
        let mut points = Vec::new();
        for ratio in [0.01, 0.1, 0.5, 0.9, 1.1, 3.0] {
            let lambda = (product * ratio).powf(1.0 / (m + 1.0));
            let p = problem(&[SAMPLES], 2, &vec![lambda; depth], lambda, Bias::None)?;
            let objective = FreeFeaturesLoss::new(&p, ClassLoss::Squared)?;
            let series = Parameters::new().with("M", depth).with("ratio", ratio);
            let (seed, _) = stream(options, NAME, &series);
            // Large starts keep to the upper branch as long as it exists, small ones to the origin: the lower end counts.
            let training = Training::new(starts, seed);
            let large = train(&objective, &training).map_err(refused)?;
            let small = train(&objective, &Training { size: 0.05, ..training }).map_err(refused)?;
            let end = if small.value < large.value { small } else { large };
            points.push((ratio, observe(&objective, &end.x).logits()[(0, 0)], 0.0));
        }
        panel = panel.points(format!("M = {depth}, trained"), colour, points);
    }
    Ok(Figure::new(format!(
        "one class of {SAMPLES} samples, width 2, equal regularisation, best of {starts} large and {starts} small starts"
    ))
    .panel(panel))
}
