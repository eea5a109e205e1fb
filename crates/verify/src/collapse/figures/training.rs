//! Training by heavy ball: the metrics of collapse against iterations.
use solvable_linalg::Mat;
use solvable_model::Objective;
use solvable_model::collapse::{
    Bias, ClassLoss, CollapseMetrics, FrameTargets, FreeFeatures, FreeFeaturesLoss, collapse_metrics,
};
use solvable_sim::collapse::gaussian_start;
use solvable_sim::flow::{DescentOptions, descend_observed};
use solvable_theory::collapse::{orthogonal_frame, squared_minimum};

use super::{logarithmic, problem, refused, stream};
use crate::check::Budget;
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel};
use crate::run::Options;
use crate::{CheckError, Parameters};

const MOMENTUM: f64 = 0.9;
/// Metrics below this are at the rounding floor of their definition and not drawn.
const FLOOR: f64 = 1e-16;

pub(super) const IMBALANCED: FigureSpec = FigureSpec {
    name: "collapse-imbalanced-training",
    title: "Training on imbalanced classes ends in the predicted general orthogonal frame",
    caption: "Heavy ball on the raw parameters of deep linear networks with free features, imbalanced classes, no bias, \
              from random starts. Loss above the exact minimum, and the distances NC1 to NC3 from the predicted geometry, \
              all to rounding. Dashed: the slope $e^{-2 \\lambda t}$ that weight decay sets for the loss (unused \
              within-class directions) and for NC2 (imbalance of the layers), with $t$ = iterations times step / (1 - \
              momentum).",
    claims: &["NC-04", "NC-05", "NC-19", "NC-20", "NC-21"],
    build: imbalanced,
};

pub(super) const BALANCED: FigureSpec = FigureSpec {
    name: "collapse-balanced-training",
    title: "A free bias turns the orthogonal frame into a simplex",
    caption: "Balanced classes, the same training with a free bias and without: the normalised Gram matrix of the \
              classifier tends to the simplex in the first case and to the orthogonal frame in the second. Lines: the exact \
              limits of the distance from the other geometry.",
    claims: &["NC-05", "NC-06", "NC-19"],
    build: balanced,
};

/// One training run.
struct Run {
    problem: FreeFeatures,
    step: f64,
    iterations: u64,
    deviation: f64,
}

impl Run {
    /// Loss gap and metrics at iterations spaced by their logarithm.
    fn observe(
        &self,
        options: &Options,
        figure: &str,
        targets: &FrameTargets,
    ) -> Result<Vec<(f64, f64, CollapseMetrics)>, CheckError> {
        let objective = FreeFeaturesLoss::new(&self.problem, ClassLoss::Squared)?;
        let series = Parameters::new()
            .with("M", self.problem.depth())
            .with("bias", self.problem.bias().is_trained())
            .with("n", self.problem.classes().counts().to_vec());
        let (_, mut rng) = stream(options, figure, &series);
        let start = gaussian_start(objective.layout(), self.deviation, &mut rng);
        let least = squared_minimum(&self.problem).map_err(refused)?.value();
        let mut record: Vec<u64> =
            logarithmic(1.0, self.iterations as f64, 60).into_iter().map(|v| v.round() as u64).collect();
        record.dedup();
        let descent = DescentOptions::new(self.step, self.iterations).momentum(MOMENTUM).record(record);
        let mut work = objective.work();
        let mut seen = Vec::new();
        let mut failure = None;
        descend_observed(&objective, &start, &descent, |iteration, x| {
            let layout = objective.layout();
            let w: Mat<f64> = layout.classifier(x);
            let measured =
                collapse_metrics(layout.features(x), objective.labels(), w.as_ref(), layout.bias(x), targets);
            match measured {
                Ok(m) => seen.push((iteration as f64, objective.value(x, &mut work) - least, m)),
                Err(e) => failure = Some(e),
            }
        })
        .map_err(refused)?;
        match failure {
            Some(e) => Err(e.into()),
            None => Ok(seen),
        }
    }
}

type Observed = (f64, f64, CollapseMetrics);

fn points(seen: &[Observed], f: impl Fn(&Observed) -> Option<f64>) -> Vec<(f64, f64, f64)> {
    seen.iter().filter_map(|s| f(s).filter(|v| *v > FLOOR).map(|v| (s.0, v, 0.0))).collect()
}

fn imbalanced(options: &Options) -> Result<Figure, CheckError> {
    let quick = options.budget == Budget::Quick;
    // (M, lambda, step), class counts, width, deviation, iterations.
    let (runs, counts, width, deviation, iterations) = if quick {
        ([(1, 2e-3, 0.5), (3, 2e-3, 0.5), (6, 1e-3, 0.2)], [16, 8, 4, 4], 32, 0.2, 4000)
    } else {
        ([(1, 5e-4, 0.1), (3, 5e-4, 0.1), (6, 5e-4, 0.1)], [200, 100, 50, 50], 64, 0.1, 30_000)
    };
    let x = || Axis::log("iterations");
    let mut panels = [
        Panel::new(x(), Axis::log("loss above the minimum")).title("loss"),
        Panel::new(x(), Axis::log("NC1")).title("within-class scatter"),
        Panel::new(x(), Axis::log("NC2, classifier")).title("classifier"),
        Panel::new(x(), Axis::log("NC3")).title("alignment"),
    ];
    for (i, (depth, lambda, step)) in runs.into_iter().enumerate() {
        let p = problem(&counts, width, &vec![lambda; depth], lambda, Bias::None)?;
        let frame = orthogonal_frame(&p).map_err(refused)?;
        let list = |f: fn(&solvable_theory::collapse::ClassFrame) -> f64| Some(frame.iter().map(f).collect());
        let targets = FrameTargets {
            classifier: list(|c| c.gof_classifier),
            feature: list(|c| c.gof_feature),
            logits: list(|c| c.own_logit),
        };
        let run = Run { problem: p, step, iterations, deviation };
        let seen = run.observe(options, IMBALANCED.name, &targets)?;
        let name = format!("M = {depth}");
        let colour = Colour::of(i);
        let [loss, nc1, nc2, nc3] = panels;
        let gap = points(&seen, |s| Some(s.1));
        let classifier = points(&seen, |s| s.2.nc2_w_gof);
        // The guide passes through the value at a third of the run.
        let slope = |data: &[(f64, f64, f64)]| -> Vec<(f64, f64)> {
            let rate = 2.0 * lambda * step / (1.0 - MOMENTUM);
            let Some(anchor) = data.iter().rfind(|d| d.0 <= iterations as f64 / 3.0) else {
                return Vec::new();
            };
            let line = |d: &(f64, f64, f64)| (d.0, anchor.1 * (-rate * (d.0 - anchor.0)).exp());
            data.iter().filter(|d| d.0 >= anchor.0).map(line).filter(|d| d.1 > FLOOR).collect()
        };
        panels = [
            loss.dashed(String::new(), colour, slope(&gap)).points(name, colour, gap),
            nc1.points(String::new(), colour, points(&seen, |s| s.2.nc1)),
            nc2.dashed(String::new(), colour, slope(&classifier)).points(String::new(), colour, classifier),
            nc3.points(String::new(), colour, points(&seen, |s| s.2.nc3_gof)),
        ];
    }
    let words = format!(
        "n = {counts:?}, width {width}, M, lambda and step {runs:?}, momentum {MOMENTUM}, {iterations} iterations, start \
         deviation {deviation}"
    );
    Ok(panels.into_iter().fold(Figure::new(words), Figure::panel))
}

fn balanced(options: &Options) -> Result<Figure, CheckError> {
    let quick = options.budget == Budget::Quick;
    let (n, width, lambda, step, deviation, iterations) =
        if quick { (6, 12, 2e-3, 0.5, 0.3, 3000) } else { (100, 64, 5e-4, 0.1, 0.1, 30_000) };
    let (classes, depth) = (4, 2);
    let x = || Axis::log("iterations");
    let mut panels = [
        Panel::new(x(), Axis::log("distance of W W' from the simplex")).title("from the simplex"),
        Panel::new(x(), Axis::log("distance of W W' from the frame")).title("from the orthogonal frame"),
    ];
    // |I/sqrt(K) - (I - J/K)/sqrt(K-1)|.
    let k = classes as f64;
    let apart = (2.0 - 2.0 * ((k - 1.0) / k).sqrt()).sqrt();
    let end = iterations as f64;
    for (i, bias) in [Bias::Free, Bias::None].into_iter().enumerate() {
        let p = problem(&vec![n; classes], width, &vec![lambda; depth], lambda, bias)?;
        let run = Run { problem: p, step, iterations, deviation };
        let seen = run.observe(options, BALANCED.name, &FrameTargets::default())?;
        let name = if bias == Bias::Free { "free bias" } else { "no bias" };
        let [simplex, frame] = panels;
        panels = [
            simplex.points(name, Colour::of(i), points(&seen, |s| s.2.nc2_w_etf)),
            frame.points(String::new(), Colour::of(i), points(&seen, |s| s.2.nc2_w_of)),
        ];
    }
    let [simplex, frame] = panels;
    let words = format!(
        "K = {classes}, n = {n}, M = {depth}, width {width}, lambda {lambda}, step {step}, momentum {MOMENTUM}, \
         {iterations} iterations"
    );
    Ok(Figure::new(words)
        .panel(simplex.line("exact limit of the other geometry", Colour::Ink, [(1.0, apart), (end, apart)]))
        .panel(frame.line(String::new(), Colour::Ink, [(1.0, apart), (end, apart)])))
}
