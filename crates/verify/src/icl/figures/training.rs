//! Training in time: trajectories of the reduced layer, end points of the full one.
use solvable_linalg::{Mat, frobenius_norm, matmul, symmetric_eigen};
use solvable_model::icl::{FactoredLoss, FullLayerLoss, QueryToken, RegressionTask};
use solvable_model::{Covariance, Objective};
use solvable_sim::flow::{DescentOptions, GradientFlow, Method, Options as FlowOptions, descend, integrate};
use solvable_sim::icl::{StackLoss, gauss_hermite};
use solvable_sim::monte_carlo::Stream;
use solvable_sim::normal;
use solvable_theory::icl::{IsotropicFlow, Whitened, excess_loss, finite_optimum, minimum, mirror_point};

use super::support::linear;
use crate::figure::{Axis, Colour, Datum, Figure, FigureSpec, Mark, Panel, by_budget, stream_seed};
use crate::run::Options;
use crate::{CheckError, Parameters};

pub(super) const TRAJECTORIES: FigureSpec = FigureSpec {
    name: "icl-loss-trajectories",
    title: "Gradient flow from small starts",
    caption: "Left: excess loss over half the minimum from balanced starts of three scales: plateau, one drop, exponential tail of \
              slope $-4\\alpha$, $\\alpha = \\sqrt d\\,\\lambda^2\\psi$ (dashes). Right: the factors from an unbalanced start; $u^2 - \\|U\\|_F^2$ is conserved. Lines: \
              closed form; points: the matrix flow, integrated.",
    claims: &["ICL-22", "ICL-25"],
    build: trajectories,
};

fn trajectories(options: &Options) -> Result<Figure, CheckError> {
    let (d, n, sigma2) = (5, 10, 0.1);
    let task = RegressionTask::isotropic(d, 1.0, 1.0, sigma2, n)?;
    let law = Whitened::new(&task)?;
    let flow = IsotropicFlow::new(d, 1.0, 1.0, sigma2, n)?;
    let loss = FactoredLoss::new(&task);
    let root = (d as f64).sqrt();
    let matrix = |r: f64| Mat::from_fn(d, d, |i, j| if i == j { r / root } else { 0.0 });
    let integrated = |u0: f64, theta0: f64, times: Vec<f64>| -> Result<Vec<Vec<f64>>, CheckError> {
        let mut start = vec![0.0; 1 + d * d];
        start[0] = u0;
        start[1..].iter_mut().step_by(d + 1).for_each(|x| *x = theta0 / root);
        let end = times.last().copied().unwrap_or(0.0);
        let scale = u0.abs().max(theta0.abs());
        let how = FlowOptions::until(end)
            .method(Method::DormandPrince8)
            .tolerance(1e-10, 1e-12 * scale)
            .energy_guard(false)
            .record(times);
        Ok(integrate(&GradientFlow::of(&loss), &start, &how).map_err(CheckError::from_error)?.states)
    };
    let end = 12.0;
    let mut left =
        Panel::new(Axis::linear("time"), Axis::log("excess loss l - l*").range(1e-9, 4.0)).title("loss");
    // The balanced isotropic start excites only the direction of the identity, whose rate is 2 alpha.
    let rate = 2.0 * flow.alpha();
    for (k, scale) in [1e-1, 1e-3, 1e-6].into_iter().enumerate() {
        let colour = Colour::of(k);
        let line = linear(0.0, end, 160)
            .into_iter()
            .map(|t| {
                let at = flow.at(scale, scale, t)?;
                Ok((t, 0.5 * excess_loss(&law, matrix(at.u * at.theta).as_ref())?))
            })
            .collect::<Result<Vec<_>, CheckError>>()?;
        let times = linear(0.5, end - 0.5, 12);
        let mut points = Vec::new();
        for (t, x) in times.iter().zip(integrated(scale, scale, times.clone())?) {
            let excess = 0.5 * excess_loss(&law, loss.effective_matrix(&x).as_ref())?;
            points.push((*t, excess, 0.0));
        }
        // The tail is anchored where the closed form has entered it.
        let (t0, y0) = line.iter().copied().find(|p| p.1 < 1e-3).unwrap_or((end, 1e-3));
        let tail = [(t0, y0), (end, y0 * (-2.0 * rate * (end - t0)).exp())];
        left = left
            .line(format!("closed form, scale {scale:e}"), colour, line)
            .points(format!("integrated, scale {scale:e}"), colour, points)
            .dashed("", Colour::Grey, tail);
    }
    let (u0, theta0) = (0.6, 0.05);
    let times = linear(0.0, 4.0, 11);
    let states = integrated(u0, theta0, times.clone())?;
    let curve = linear(0.0, 4.0, 80)
        .into_iter()
        .map(|t| Ok((t, flow.at(u0, theta0, t)?)))
        .collect::<Result<Vec<_>, CheckError>>()?;
    let norm = |x: &[f64]| x[1..].iter().map(|v| v * v).sum::<f64>().sqrt();
    let c = u0 * u0 - theta0 * theta0;
    let right = Panel::new(Axis::linear("time"), Axis::linear("value").include(0.0))
        .title("factors")
        .line("u, closed form", Colour::Blue, curve.iter().map(|(t, p)| (*t, p.u)))
        .points("u, integrated", Colour::Blue, times.iter().zip(&states).map(|(t, x)| (*t, x[0], 0.0)))
        .line("|U|, closed form", Colour::Vermillion, curve.iter().map(|(t, p)| (*t, p.theta)))
        .points(
            "|U|, integrated",
            Colour::Vermillion,
            times.iter().zip(&states).map(|(t, x)| (*t, norm(x), 0.0)),
        )
        .line("u^2 - |U|^2, start", Colour::Green, [(0.0, c), (4.0, c)])
        .points(
            "u^2 - |U|^2, integrated",
            Colour::Green,
            times.iter().zip(&states).map(|(t, x)| (*t, x[0] * x[0] - norm(x).powi(2), 0.0)),
        );
    let parameters = format!(
        "d = {d}, N = {n}, Lambda = Psi = I, noise {sigma2}, alpha = {:.4}; no random numbers (seed {} unused)",
        flow.alpha(),
        options.seed
    );
    Ok(Figure::new(parameters).panel(left).panel(right))
}

pub(super) const LANDSCAPE: FigureSpec = FigureSpec {
    name: "icl-landscape",
    title: "Where training of all blocks of the layer ends",
    caption: "Final loss of gradient flow on every block of the layer from random Gaussian starts: some runs end at the global \
              minimum $L^*$, others at the mirror point of loss $L_1^*$, which reads labels as keys and inputs as values and is a \
              strict local minimum here. The shares are observations of these starts, not predictions.",
    claims: &["ICL-18", "ICL-29"],
    build: landscape,
};

fn landscape(options: &Options) -> Result<Figure, CheckError> {
    let runs = by_budget(options, 16, 100);
    let (time, n) = by_budget(options, (60.0, 6), (400.0, 6));
    let lambda = Covariance::from_rows("Lambda", &[vec![0.9, -0.35], vec![-0.35, 1.7]])?;
    let psi = Covariance::from_rows("Psi", &[vec![1.4, 0.6], vec![0.6, 0.7]])?;
    let task = RegressionTask::new(lambda, psi, 0.3, n)?;
    let law = Whitened::new(&task)?;
    let (best, mirror) = (minimum(&law)?, mirror_point(&law, 0)?.loss);
    let loss = FullLayerLoss::new(&task, n as f64, QueryToken::Inside)?;
    let seed = stream_seed(options, LANDSCAPE.name, &Parameters::new().with("runs", runs));
    let how = FlowOptions::until(time).tolerance(1e-6, 1e-8);
    let mut losses = Vec::new();
    for run in 0..runs {
        let mut start = vec![0.0; loss.dimension()];
        normal::fill(&mut Stream::new(seed, run), &mut start);
        start.iter_mut().for_each(|x| *x *= 0.5);
        let end = integrate(&GradientFlow::of(&loss), &start, &how).map_err(CheckError::from_error)?;
        losses.push(2.0 * loss.value(&end.state, &mut ()));
    }
    let (low, high) = (0.9 * best.min(mirror), 1.1 * losses.iter().copied().fold(mirror.max(best), f64::max));
    let bins = 60;
    let width = (high - low) / f64::from(bins);
    let share = |i: i32| {
        let inside = |x: &&f64| ((**x - low) / width).floor() as i32 == i;
        losses.iter().filter(inside).count() as f64 / runs as f64
    };
    let bars = (0..bins)
        .filter(|&i| share(i) > 0.0)
        .map(|i| Datum::new(low + (f64::from(i) + 0.5) * width, share(i)));
    let panel = Panel::new(
        Axis::linear("final loss L").include(low).include(high),
        Axis::linear("share of runs").range(0.0, 1.0),
    )
    .series("end points of the flow", Colour::Sky, Mark::Bars(width), bars)
    .line("L*, global minimum", Colour::Blue, [(best, 0.0), (best, 1.0)])
    .line("L*_1, mirror point", Colour::Vermillion, [(mirror, 0.0), (mirror, 1.0)]);
    let parameters = format!(
        "d = 2, N = {n}, noise 0.3, query inside, rho = N, {runs} starts of scale 0.5, time {time}, seed {}",
        options.seed
    );
    Ok(Figure::new(parameters).panel(panel))
}

pub(super) const LAYERS: FigureSpec = FigureSpec {
    name: "icl-trained-layers",
    title: "Two layers, trained",
    caption: "Heavy-ball descent on all entries of two attention layers, from unstructured starts, over every prompt (exact \
              average). Left: the loss goes to the exact minimum over multiples of the whitening matrix (dashes), which nothing in \
              the training prescribes. Right: how far the whitened matrices $\\Lambda^{1/2}A_k\\Lambda^{1/2}$ are from multiples \
              of the identity.",
    claims: &["ICL-37", "ICL-62"],
    build: layers,
};

fn layers(options: &Options) -> Result<Figure, CheckError> {
    let (d, n) = (2, 2);
    let (iterations, every) = by_budget(options, (400, 20), (2000, 50));
    let lambda = Mat::from_fn(d, d, |i, j| [[1.0, 0.4], [0.4, 2.0]][i][j]);
    let eigen = symmetric_eigen(lambda.as_ref())?;
    let (root, inverse) = (eigen.apply(f64::sqrt), eigen.apply(|v| 1.0 / v.sqrt()));
    let minimum = finite_optimum(2, d, n, 0.0)?.bound;
    // Five nodes are exact for degree 8 in each entry.
    let rule = gauss_hermite(5).map_err(CheckError::from_error)?;
    let loss = StackLoss::new(d, 2, n as f64)?.over_all(&rule, n, root.as_ref(), inverse.as_ref());
    let mut left =
        Panel::new(Axis::linear("iteration").whole(), Axis::linear("risk over d tau^2")).title("loss");
    let mut right = Panel::new(Axis::linear("iteration").whole(), Axis::log("distance to multiples of I"))
        .title("whitened matrices");
    for (k, scale) in [0.1, 0.3].into_iter().enumerate() {
        let seed = stream_seed(options, LAYERS.name, &Parameters::new().with("scale", scale));
        let mut start = vec![0.0; loss.dimension()];
        normal::fill(&mut Stream::new(seed, 0), &mut start);
        start.iter_mut().for_each(|x| *x *= scale);
        let record: Vec<u64> = (0..=iterations).step_by(every).collect();
        let how = DescentOptions::new(2e-3, iterations).momentum(0.9).record(record);
        let run = descend(&loss, &start, &how).map_err(CheckError::from_error)?;
        let (mut losses, mut distances) = (Vec::new(), Vec::new());
        let mut work = loss.work();
        for (iteration, x) in run.recorded.iter().zip(&run.states) {
            let mut distance = 0.0_f64;
            for layer in 0..2 {
                let (from, _) = loss.places(layer);
                let a = Mat::from_fn(d, d, |i, j| x[from + i * d + j]);
                let m = matmul(matmul(root.as_ref(), a.as_ref()).as_ref(), root.as_ref());
                let mean = 0.5 * (m[(0, 0)] + m[(1, 1)]);
                let rest = Mat::from_fn(d, d, |i, j| m[(i, j)] - if i == j { mean } else { 0.0 });
                distance = distance.max(frobenius_norm(rest.as_ref()));
            }
            losses.push((*iteration as f64, loss.value(x, &mut work) / d as f64, 0.0));
            distances.push((*iteration as f64, distance, 0.0));
        }
        let name = format!("start of scale {scale}");
        left = left.points(name.clone(), Colour::of(k), losses);
        right = right.points(name, Colour::of(k), distances);
    }
    left = left.dashed("exact minimum", Colour::Ink, [(0.0, minimum), (iterations as f64, minimum)]);
    let parameters = format!(
        "d = N = {n}, Lambda = ((1, 0.4), (0.4, 2)), no noise, step 0.002, momentum 0.9, seed {}",
        options.seed
    );
    Ok(Figure::new(parameters).panel(left).panel(right))
}
