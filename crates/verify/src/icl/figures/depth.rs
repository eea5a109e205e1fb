//! Several layers: risk, steps, corrections.
use solvable_linalg::Mat;
use solvable_model::icl::{AttentionLayer, QueryToken, RegressionTask};
use solvable_sim::icl::{AttentionStack, CovariateLaw, PromptSampler, StackError};
use solvable_theory::icl::{
    Coordinates, FiniteSize, Schedule, bayes_limit, best_constant_step, best_correction, best_one_step_on,
    best_two_layer_correction, corrected_condition, finite_optimal_risk, finite_optimum, limit_risk,
    normalised_finite_risk, one_step_risk, optimal_depth_risk, optimal_limit_steps,
};

use super::support::{Layers, linear, literal, mean};
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel, by_budget};
use crate::run::Options;
use crate::{CheckError, Parameters};

pub(super) const RISK: FigureSpec = FigureSpec {
    name: "icl-depth",
    title: "Risk against the number of layers",
    caption: "At aspect ratio $c = d/N = 1/2$: the best constant step (rate $4c/(1+c)^2$), the optimal schedule (rate $c$ without \
              noise), and two layers with curvature correction, which nearly attain four optimal layers. Dashes: limit of large \
              dimension; lines: exact at the dimension of the points, from rational Wishart moments, which rare prompts raise \
              at depth; points: literal attention. With noise the optimal schedule descends the ridge loss, which plain layers \
              do not, and stops at the Bayes risk (dots).",
    claims: &["ICL-47", "ICL-49"],
    build: risk,
};

fn risk(options: &Options) -> Result<Figure, CheckError> {
    let (d, count) = by_budget(options, (60, 30), (100, 1000));
    let (n, c) = (2 * d, 0.5);
    let depths = [1, 2, 3, 4, 6];
    let mut figure = Figure::new(format!(
        "c = 1/2; points: d = {d}, N = {n}, {count} prompts a point, seed {}",
        options.seed
    ));
    for (title, s) in [("no noise", 0.0), ("noise s = 0.1", 0.1)] {
        let attention = |etas: &[f64], gammas: &[f64]| {
            let layers = Layers { etas, gammas };
            literal(options, RISK.name, count, (d, n), s * n as f64, &layers)
        };
        let (mut optimal_limit, mut constant_limit) = (Vec::new(), Vec::new());
        for k in 0..=10 {
            optimal_limit.push((k as f64, optimal_depth_risk(k, c, s)?.risk));
            constant_limit.push((k as f64, best_constant_step(k, c, s)?.risk));
        }
        let (mut optimal, mut constant) = (vec![(0.0, 1.0)], vec![(0.0, 1.0)]);
        let (mut optimal_points, mut constant_points) = (Vec::new(), Vec::new());
        for k in depths {
            let x = k as f64;
            let equal = vec![best_constant_step(k, c, s)?.eta; k];
            constant.push((x, normalised_finite_risk(d, n, s, &Schedule::new(&equal, &[])?)?));
            let (value, bar) = attention(&equal, &[])?;
            constant_points.push((x, value, bar));
            if s == 0.0 {
                let etas = optimal_limit_steps(k, c, 0.0)?;
                optimal.push((x, normalised_finite_risk(d, n, s, &Schedule::new(&etas, &[])?)?));
                let (value, bar) = attention(&etas, &[])?;
                optimal_points.push((x, value, bar));
            } else {
                optimal.push((x, finite_optimal_risk(k, d, n, s)?));
            }
        }
        let two = best_two_layer_correction(c, s)?;
        let gammas = [two.gammas[0], 0.0];
        let exact = normalised_finite_risk(d, n, s, &Schedule::new(&two.etas, &gammas)?)?;
        let (value, bar) = attention(&two.etas, &gammas)?;
        let mut panel = Panel::new(Axis::linear("layers K").whole(), Axis::log("risk over d tau^2"))
            .title(title)
            .dashed("", Colour::Blue, constant_limit)
            .line("constant step", Colour::Blue, constant)
            .points("constant step, attention", Colour::Blue, constant_points)
            .dashed("", Colour::Vermillion, optimal_limit)
            .line("optimal schedule", Colour::Vermillion, optimal);
        if s == 0.0 {
            panel = panel.points("optimal schedule, attention", Colour::Vermillion, optimal_points);
        } else {
            let floor = bayes_limit(c, s)?;
            panel = panel.dotted("Bayes", Colour::Grey, [(0.0, floor), (10.0, floor)]);
        }
        figure = figure.panel(
            panel.line("two corrected layers", Colour::Green, [(1.8, exact), (2.2, exact)]).points(
                "two corrected layers, attention",
                Colour::Green,
                [(2.0, value, bar)],
            ),
        );
    }
    Ok(figure)
}

pub(super) const STEP: FigureSpec = FigureSpec {
    name: "icl-constant-step",
    title: "Risk against a constant step",
    caption: "At $c = 1/2$ without noise the best constant step is $1/(1+c) = 2/3$ (dots) at every depth; with noise the minima \
              move with depth. Lines: large-dimension limit; points: literal attention at finite size.",
    claims: &["ICL-49", "ICL-50"],
    build: constant_step,
};

fn constant_step(options: &Options) -> Result<Figure, CheckError> {
    let (d, count) = by_budget(options, (50, 16), (100, 400));
    let (n, c) = (2 * d, 0.5);
    let mut figure = Figure::new(format!(
        "c = 1/2; points: d = {d}, N = {n}, {count} prompts a point, seed {}",
        options.seed
    ));
    for (title, s) in [("no noise", 0.0), ("noise s = 0.1", 0.1)] {
        let mut panel = Panel::new(Axis::linear("step eta"), Axis::log("risk over d tau^2").range(0.02, 2.0))
            .title(title)
            .dotted("eta = 1/(1 + c)", Colour::Grey, [(2.0 / 3.0, 0.02), (2.0 / 3.0, 2.0)]);
        for (i, k) in [1, 2, 4, 8].into_iter().enumerate() {
            let line = linear(0.02, 1.0, 60)
                .into_iter()
                .map(|eta| Ok((eta, limit_risk(&Schedule::constant(k, eta)?, c, s)?)))
                .collect::<Result<Vec<_>, CheckError>>()?;
            let mut points = Vec::new();
            for eta in [0.15, 0.4, 0.65] {
                let layers = Layers { etas: &vec![eta; k], gammas: &[] };
                let (value, bar) = literal(options, STEP.name, count, (d, n), s * n as f64, &layers)?;
                points.push((eta, value, bar));
            }
            panel = panel.line(format!("theory, K = {k}"), Colour::of(i), line).points(
                format!("attention, K = {k}"),
                Colour::of(i),
                points,
            );
        }
        figure = figure.panel(panel);
    }
    Ok(figure)
}

pub(super) const LARGE_DIMENSION: FigureSpec = FigureSpec {
    name: "icl-large-dimension",
    title: "Approach to the limit of large dimension",
    caption: "The limit-optimal schedules of $K$ layers at $c = 1/2$, no noise, used at finite size. Lines: exact finite-size risk \
              from rational Wishart moments, approaching the limit (dashes) linearly in $1/d$; points: literal attention.",
    claims: &["ICL-47"],
    build: large_dimension,
};

fn large_dimension(options: &Options) -> Result<Figure, CheckError> {
    let count = by_budget(options, 60, 3000);
    let c = 0.5;
    let mut panel =
        Panel::new(Axis::linear("1/d").include(0.0), Axis::linear("risk over d tau^2").include(0.0));
    for (i, k) in [1, 2, 3].into_iter().enumerate() {
        let etas = optimal_limit_steps(k, c, 0.0)?;
        let schedule = Schedule::new(&etas, &[])?;
        let limit = optimal_depth_risk(k, c, 0.0)?.risk;
        let mut line = vec![(0.0, limit)];
        for d in [400, 100, 60, 40, 30, 25, 20, 16, 13, 11, 10] {
            line.push((1.0 / d as f64, normalised_finite_risk(d, 2 * d, 0.0, &schedule)?));
        }
        let mut points = Vec::new();
        for d in [10, 20, 40] {
            let layers = Layers { etas: &etas, gammas: &[] };
            let (value, bar) = literal(options, LARGE_DIMENSION.name, count, (d, 2 * d), 0.0, &layers)?;
            points.push((1.0 / d as f64, value, bar));
        }
        panel = panel
            .line(format!("exact, K = {k}"), Colour::of(i), line)
            .points(format!("attention, K = {k}"), Colour::of(i), points)
            .dashed("", Colour::of(i), [(0.0, limit), (0.1, limit)]);
    }
    let parameters = format!("N = 2d, {count} prompts a point, seed {}", options.seed);
    Ok(Figure::new(parameters).panel(panel))
}

pub(super) const CORRECTION: FigureSpec = FigureSpec {
    name: "icl-curvature",
    title: "What a curvature correction does to the spectrum",
    caption: "Left: eigenvalues before and after one corrected layer, $\\lambda(1 - \\gamma\\lambda)^2$. Right: the condition number \
              over $[m, M]$ against $\\gamma$, least at $\\gamma^* = 1/(M + \\sqrt{Mm} + m)$ (dots), a gain of up to 27/4. Lines: closed form; \
              points: inputs passed through a literal attention layer.",
    claims: &["ICL-35"],
    build: correction,
};

fn correction(options: &Options) -> Result<Figure, CheckError> {
    let (m, top) = (0.1, 3.0);
    let best = best_correction(m, top)?;
    let mut left =
        Panel::new(Axis::linear("eigenvalue before"), Axis::linear("eigenvalue after").include(0.0))
            .title("one corrected layer");
    let nodes = linear(m, top, 13);
    for (i, (name, gamma)) in
        [("1/(3M)", 1.0 / (3.0 * top)), ("gamma*", best.gamma), ("0.8/M", 0.8 / top)].into_iter().enumerate()
    {
        let after = transformed(&nodes, gamma)?;
        left = left
            .line(
                format!("gamma = {name}"),
                Colour::of(i),
                linear(m, top, 80).into_iter().map(|l| (l, l * (1.0 - gamma * l).powi(2))),
            )
            .points(
                format!("attention, gamma = {name}"),
                Colour::of(i),
                nodes.iter().zip(&after).map(|(x, y)| (*x, *y, 0.0)),
            );
    }
    let curve = linear(0.0, 0.98 / top, 120)
        .into_iter()
        .map(|g| Ok((g, corrected_condition(m, top, g)?)))
        .collect::<Result<Vec<_>, CheckError>>()?;
    // A fine spectrum through the layer; its extremes approach those of the interval from inside.
    let fine = linear(m, top, 121);
    let mut points = Vec::new();
    for g in linear(0.02, 0.92 / top, 9) {
        let after = transformed(&fine, g)?;
        let high = after.iter().copied().fold(0.0_f64, f64::max);
        let low = after.iter().copied().fold(f64::INFINITY, f64::min);
        points.push((g, high / low, 0.0));
    }
    let right = Panel::new(Axis::linear("correction gamma"), Axis::log("condition number"))
        .title("condition number")
        .line("closed form", Colour::Blue, curve)
        .points("attention", Colour::Blue, points)
        .dotted("gamma*", Colour::Grey, [(best.gamma, best.kappa), (best.gamma, 30.0)]);
    let parameters = format!("m = {m}, M = {top}; no random numbers (seed {} unused)", options.seed);
    Ok(Figure::new(parameters).panel(left).panel(right))
}

/// Eigenvalues of the empirical covariance after one corrected layer, for orthogonal examples with these eigenvalues.
fn transformed(eigenvalues: &[f64], gamma: f64) -> Result<Vec<f64>, CheckError> {
    let d = eigenvalues.len();
    let scale = d as f64;
    let z = Mat::from_fn(
        d + 1,
        d + 1,
        |i, j| if i == j && i < d { (scale * eigenvalues[i]).sqrt() } else { 0.0 },
    );
    let after = AttentionLayer::corrected_step(d, 0.0, gamma)?.apply(z.as_ref(), d, d);
    Ok((0..d).map(|i| after[(i, i)] * after[(i, i)] / scale).collect())
}

pub(super) const UNIFORM: FigureSpec = FigureSpec {
    name: "icl-uniform-inputs",
    title: "Uniform inputs of another width than in training",
    caption: "One layer tuned on inputs uniform on $[-1, 1]$ and used on $[-a, a]$, beside the layer tuned for each $a$: the \
              set-up of von Oswald et al. Lines: closed form for non-Gaussian coordinates; points: literal attention.",
    claims: &["ICL-43"],
    build: uniform,
};

fn uniform(options: &Options) -> Result<Figure, CheckError> {
    let (d, n) = (10, 10);
    let count = by_budget(options, 1500, 100_000);
    let size = FiniteSize::new(d, n, 1.0, 0.0)?;
    let tuned = best_one_step_on(&size, &Coordinates::uniform(1.0)?)?.eta;
    let (mut best, mut kept) = (Vec::new(), Vec::new());
    for a in linear(0.5, 2.0, 60) {
        let law = Coordinates::uniform(a)?;
        best.push((a, best_one_step_on(&size, &law)?.risk));
        kept.push((a, one_step_risk(&size, &law, tuned)?));
    }
    let task = RegressionTask::isotropic(d, 1.0, 1.0, 0.0, n)?;
    let (mut best_points, mut kept_points) = (Vec::new(), Vec::new());
    for a in [0.5, 0.75, 1.0, 1.25, 1.5, 2.0] {
        let own = best_one_step_on(&size, &Coordinates::uniform(a)?)?.eta;
        for (name, eta, points) in [("tuned", own, &mut best_points), ("kept", tuned, &mut kept_points)] {
            let law = PromptSampler::of_task(&task).with_covariates(&CovariateLaw::uniform(d, a)?)?;
            let stack = AttentionStack::gradient_steps(d, &[eta], n as f64, QueryToken::Masked)?;
            let error = StackError::new(law, stack, -1.0)?;
            let parameters = Parameters::new().with("a", a).with("step", name);
            let (value, bar) =
                mean(options, UNIFORM.name, &parameters, count, || error.work(), |s, w| error.draw(s, w))?;
            points.push((a, value, bar));
        }
    }
    let panel = Panel::new(Axis::linear("half-width a of the test inputs"), Axis::log("risk"))
        .line("step tuned at a = 1", Colour::Vermillion, kept)
        .points("step tuned at a = 1, attention", Colour::Vermillion, kept_points)
        .line("step tuned at a", Colour::Blue, best)
        .points("step tuned at a, attention", Colour::Blue, best_points);
    let parameters =
        format!("d = N = {d}, tau^2 = 1, no noise, {count} prompts a point, seed {}", options.seed);
    Ok(Figure::new(parameters).panel(panel))
}

pub(super) const STEPS: FigureSpec = FigureSpec {
    name: "icl-optimal-steps",
    title: "Optimal steps, and trained weights from the literature",
    caption: "Left: the optimal steps of $K$ layers at $c = 1/2$, no noise, spread over the reciprocal spectrum (dashes: reciprocal \
              edges); lines join the limit values of equal rank, points are exact at $d = 10$, $N = 20$. Right: the exact optimum \
              of three layers at $d = 5$, $n = 20$ beside the trained weights printed by Ahn et al. (2023, Figure 2), which nobody \
              here computed.",
    claims: &["ICL-47", "ICL-62"],
    build: steps,
};

fn steps(options: &Options) -> Result<Figure, CheckError> {
    let c = 0.5;
    let deepest = by_budget(options, 6, 8);
    let mut left = Panel::new(Axis::linear("layers K").whole(), Axis::log("step eta")).title("optimal steps");
    let limits = (1..=deepest).map(|k| optimal_limit_steps(k, c, 0.0)).collect::<Result<Vec<_>, _>>()?;
    for rank in 0..deepest {
        // The steps of rank `rank` from below, for every depth that has one.
        let line: Vec<(f64, f64)> = limits
            .iter()
            .enumerate()
            .filter_map(|(k, steps)| steps.get(rank).map(|eta| ((k + 1) as f64, *eta)))
            .collect();
        left = left.line(if rank == 0 { "limit" } else { "" }, Colour::Blue, line);
    }
    let mut exact = Vec::new();
    for k in 1..=deepest {
        for eta in finite_optimum(k, 10, 20, 0.0)?.steps {
            exact.push((k as f64, eta, 0.0));
        }
    }
    let (low, high) = ((1.0 - c.sqrt()).powi(-2), (1.0 + c.sqrt()).powi(-2));
    left = left
        .points("exact, d = 10, N = 20", Colour::Vermillion, exact)
        .dashed("reciprocal edges", Colour::Grey, [(1.0, low), (deepest as f64, low)])
        .dashed("", Colour::Grey, [(1.0, high), (deepest as f64, high)]);
    let best = finite_optimum(3, 5, 20, 0.0)?.steps;
    // Ahn et al. print 0.69, 0.43, 1.71; the order is immaterial.
    let printed = [0.43, 0.69, 1.71];
    let right =
        Panel::new(Axis::linear("rank of the layer by its step").whole(), Axis::linear("step").include(0.0))
            .title("three layers, d = 5, n = 20")
            .line("exact optimum", Colour::Blue, best.iter().enumerate().map(|(i, e)| ((i + 1) as f64, *e)))
            .points(
                "trained, printed by Ahn et al.",
                Colour::Vermillion,
                // Printed to two decimals.
                printed.iter().enumerate().map(|(i, e)| ((i + 1) as f64, *e, 0.005)),
            );
    let parameters = format!("c = 1/2, no noise; no random numbers (seed {} unused)", options.seed);
    Ok(Figure::new(parameters).panel(left).panel(right))
}
