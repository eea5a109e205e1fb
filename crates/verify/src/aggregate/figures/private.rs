//! Private medians (B.5): density, error, exact privacy loss, certificate.
use rand::RngExt;
use solvable_model::aggregate::{Epsilon, IntervalData, IntervalFunctional};
use solvable_sim::aggregate::private::{DiscreteMechanism, Universe};
use solvable_sim::monte_carlo::{Stream, replicate};
use solvable_sim::normal;
use solvable_theory::aggregate::private::{
    inverse_sensitivity_density, median_certificate, median_noise_scale, order_statistic_privacy_loss,
};

use super::spread;
use crate::CheckError;
use crate::cell::Parameters;
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel, by_budget, stream_seed};
use crate::run::Options;

pub(super) const DENSITY: FigureSpec = FigureSpec {
    name: "aggregate-private-median",
    title: "Law of the private median",
    caption: "The smoothed private median of one sample has a piecewise constant density around the sample median: \
              each step down is one more datum that would have to change. Points: frequencies of outputs drawn by \
              rejection with path lengths counted from the data, bars of two standard errors.",
    claims: &["DP-3"],
    build: density,
};

fn density(options: &Options) -> Result<Figure, CheckError> {
    let (n, radius, rho) = (101, 5.0, 0.05);
    let draws = by_budget(options, 4_000, 40_000);
    let mut sample = vec![0.0; n];
    normal::fill(&mut Stream::new(stream_seed(options, DENSITY.name, &Parameters::new()), 0), &mut sample);
    let data = IntervalData::clamped(&sample, -radius, radius)?;
    let mut panel =
        Panel::new(Axis::linear("output").range(-1.5, 1.5), Axis::log("density").range(1e-3, 10.0));
    for (index, epsilon) in [0.2, 1.0, 5.0].into_iter().enumerate() {
        let colour = Colour::of(index);
        let law = inverse_sensitivity_density(&data, IntervalFunctional::Median, rho, Epsilon::new(epsilon)?)
            .map_err(CheckError::from_error)?;
        let curve = spread(-1.5, 1.5, 1201)
            .map(|t| Ok((t, law.density(t)?)))
            .collect::<Result<Vec<_>, CheckError>>()?;
        // Rejection from the uniform law; f(S') within rho of t needs as many changes as there are data too many on a side.
        let parameters = Parameters::new().with("eps", epsilon);
        let mut rng = Stream::new(stream_seed(options, DENSITY.name, &parameters), 0);
        let (cells, width) = (20, 3.0 / 20.0);
        let mut counts = vec![0_u32; cells];
        let reach = radius + rho;
        let mut accepted = 0;
        while accepted < draws {
            let t = reach * (2.0 * rng.random::<f64>() - 1.0);
            let below = data.sorted().iter().filter(|x| **x < t - rho).count();
            let above = data.sorted().iter().filter(|x| **x > t + rho).count();
            let length = below.saturating_sub(n / 2).max(above.saturating_sub(n / 2));
            if rng.random::<f64>() < (-0.5 * epsilon * length as f64).exp() {
                accepted += 1;
                let cell = ((t + 1.5) / width).floor();
                if cell >= 0.0 && (cell as usize) < cells {
                    counts[cell as usize] += 1;
                }
            }
        }
        let points = counts.iter().enumerate().filter(|(_, c)| **c >= 20).map(|(i, &c)| {
            let unit = 1.0 / (f64::from(draws) * width);
            (-1.5 + (i as f64 + 0.5) * width, f64::from(c) * unit, 2.0 * f64::from(c).sqrt() * unit)
        });
        // A point stands for its cell: the line to compare with is the average of the density there.
        let mut averages = Vec::with_capacity(2 * cells);
        for i in 0..cells {
            let (a, b) = (-1.5 + i as f64 * width, -1.5 + (i + 1) as f64 * width);
            let mass = law.distribution(b)? - law.distribution(a)?;
            averages.extend([(a, mass / width), (b, mass / width)]);
        }
        panel = panel
            .line(format!("epsilon = {epsilon}"), colour, curve)
            .dotted(format!("epsilon = {epsilon}, average over a cell"), colour, averages)
            .points(format!("epsilon = {epsilon}, simulated"), colour, points);
    }
    let parameters = format!(
        "one N(0, 1) sample, n = {n}, R = {radius}, rho = {rho}; {draws} outputs a level, seed {}",
        options.seed
    );
    Ok(Figure::new(parameters).panel(panel.title("Density of the output")))
}

pub(super) const ERROR: FigureSpec = FigureSpec {
    name: "aggregate-private-error",
    title: "Error of the private median",
    caption: "The error falls like $5.013/(n\\varepsilon)$ while privacy dominates and like $1/\\sqrt n$, that of the \
              median itself, after. The Laplace mechanism on the clamped mean (dashed) pays the whole range $2R$; \
              the median depends on $R$ only logarithmically. Points: exact expected error a sample, averaged \
              over simulated samples, bars of two standard errors.",
    claims: &["DP-6"],
    build: error,
};

fn error(options: &Options) -> Result<Figure, CheckError> {
    let (radius, samples) = (64.0, by_budget(options, 24, 100));
    let sizes: &[usize] =
        by_budget(options, &[101, 317, 1001, 3163][..], &[101, 317, 1001, 3163, 10_001, 31_623, 100_001][..]);
    let scale = median_noise_scale(1.0 / std::f64::consts::TAU.sqrt())?;
    let mut panel = Panel::new(Axis::log("sample size n"), Axis::log("E |M - mu|").range(1e-3, 100.0));
    let ns = || spread(2.0, 5.0, 60).map(|t| 10.0_f64.powf(t));
    for (index, epsilon) in [0.05, 0.2, 1.0].into_iter().enumerate() {
        let colour = Colour::of(index);
        let mut points = Vec::new();
        for &n in sizes {
            // The smoothing radius is far below the privacy scale.
            let rho = 0.1 / (n as f64 * epsilon);
            let level = Epsilon::new(epsilon)?;
            let parameters = Parameters::new().with("eps", epsilon).with("n", n);
            let seed = stream_seed(options, ERROR.name, &parameters);
            let moments = replicate(
                seed,
                samples,
                || vec![0.0; n],
                |rng, x: &mut Vec<f64>| {
                    normal::fill(rng, x);
                    let data = IntervalData::clamped(x, -radius, radius)?;
                    let law = inverse_sensitivity_density(&data, IntervalFunctional::Median, rho, level)
                        .map_err(CheckError::from_error)?;
                    Ok::<_, CheckError>(law.mean_absolute_error_around(0.0)?)
                },
            )
            .map_err(CheckError::from_error)?;
            points.push((n as f64, moments.mean(), 2.0 * moments.standard_error()));
        }
        let privacy = ns().map(|n| (n, scale / (n * epsilon)));
        let mean = ns().map(|n| (n, 2.0 * radius / (n * epsilon)));
        panel = panel
            .points(format!("epsilon = {epsilon}"), colour, points)
            .line(format!("5.013/(n epsilon), epsilon = {epsilon}"), colour, privacy)
            .dashed(format!("Laplace on the clamped mean, epsilon = {epsilon}"), colour, mean);
    }
    // E |N(0, pi/(2n))| = 1/sqrt(n).
    panel = panel.dotted("median without privacy, 1/sqrt(n)", Colour::Ink, ns().map(|n| (n, 1.0 / n.sqrt())));
    let parameters = format!("N(0, 1) data, R = {radius}, rho = 0.1/(n epsilon); {samples} samples a point");
    Ok(Figure::new(parameters).panel(panel.title("Expected absolute error")))
}

pub(super) const LOSS: FigureSpec = FigureSpec {
    name: "aggregate-exact-privacy",
    title: "Exact privacy loss",
    caption: "The worst log-ratio over all neighbouring data sets of a finite universe, against the guarantee \
              $\\varepsilon$ (dotted). Between 0.57 and 0.84 of it is used. Lines: enumeration of multisets with path \
              lengths in closed form; points: enumeration of all ordered data sets.",
    claims: &["DP-7"],
    build: loss,
};

fn loss(options: &Options) -> Result<Figure, CheckError> {
    let mut panel =
        Panel::new(Axis::linear("guarantee epsilon").include(0.0), Axis::linear("exact loss").include(0.0));
    let cases: &[(usize, usize, usize)] = by_budget(
        options,
        &[(3, 3, 2), (4, 5, 3), (9, 5, 3)][..],
        &[(3, 3, 2), (4, 5, 3), (5, 5, 3), (9, 5, 3), (5, 7, 4)][..],
    );
    for (index, &(q, n, j)) in cases.iter().enumerate() {
        let colour = Colour::of(index);
        let line = spread(0.05, 4.0, 25)
            .map(|epsilon| {
                let found = order_statistic_privacy_loss(q, n, j, Epsilon::new(epsilon)?);
                Ok((epsilon, found.map_err(CheckError::from_error)?.loss))
            })
            .collect::<Result<Vec<_>, CheckError>>()?;
        panel = panel.line(format!("q = {q}, n = {n}, j = {j}"), colour, line);
        if (q as f64).powi(n as i32) <= by_budget(options, 1100.0, 3200.0) {
            let universe = Universe::new(q, n).map_err(CheckError::from_error)?;
            let mechanism = DiscreteMechanism::new(universe, (0..q).collect(), |data| {
                let mut sorted = data.to_vec();
                sorted.sort_unstable();
                sorted[j - 1]
            });
            let points = [0.5, 1.0, 2.0, 4.0].map(|epsilon| (epsilon, mechanism.privacy_loss(epsilon), 0.0));
            panel = panel.points(format!("q = {q}, n = {n}, j = {j}, enumerated"), colour, points);
        }
    }
    panel = panel.dotted("guarantee", Colour::Grey, [(0.0, 0.0), (4.0, 4.0)]);
    Ok(Figure::new("j-th smallest of n data in {0, ..., q-1}")
        .panel(panel.title("Exact loss of the mechanism")))
}

pub(super) const CERTIFICATE: FigureSpec = FigureSpec {
    name: "aggregate-private-certificate",
    title: "Certificate of the private median",
    caption: "Bounds on the probability that the private median of Gaussian data errs by more than $a + \\rho$: the simple \
              one (dashed), the integrated one (solid), and the truth (points: exact failure probability a sample, \
              averaged over simulated samples, bars of two standard errors). The bounds hold everywhere; the range enters \
              them only through $R/\\rho + 1$.",
    claims: &["DP-9"],
    build: certificate,
};

fn certificate(options: &Options) -> Result<Figure, CheckError> {
    let (n, epsilon, radius, rho) = (201, 1.0, 8.0, 0.05);
    let samples = by_budget(options, 400, 4_000);
    let level = Epsilon::new(epsilon)?;
    let (mut simple, mut refined, mut points) = (Vec::new(), Vec::new(), Vec::new());
    for a in spread(0.05, 1.0, 39) {
        let found = median_certificate(n, level, radius, rho, a).map_err(CheckError::from_error)?;
        simple.push((a, found.bound.min(1.0)));
        refined.push((a, found.refined));
    }
    for a in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6] {
        let seed = stream_seed(options, CERTIFICATE.name, &Parameters::new().with("a", a));
        let moments = replicate(
            seed,
            samples,
            || vec![0.0; n],
            |rng, x: &mut Vec<f64>| {
                normal::fill(rng, x);
                let data = IntervalData::clamped(x, -radius, radius)?;
                let law = inverse_sensitivity_density(&data, IntervalFunctional::Median, rho, level)
                    .map_err(CheckError::from_error)?;
                Ok::<_, CheckError>(law.tail_around(0.0, a + rho)?)
            },
        )
        .map_err(CheckError::from_error)?;
        points.push((a, moments.mean(), (2.0 * moments.standard_error()).min(0.9 * moments.mean())));
    }
    let panel = Panel::new(Axis::linear("a"), Axis::log("failure probability").range(1e-9, 1.5))
        .title("P(|M - mu| > a + rho)")
        .dashed("certificate", Colour::Vermillion, simple)
        .line("integrated certificate", Colour::Blue, refined)
        .points("simulated", Colour::Ink, points);
    Ok(Figure::new(format!(
        "n = {n}, epsilon = {epsilon}, R = {radius}, rho = {rho}; {samples} samples a point"
    ))
    .panel(panel))
}
