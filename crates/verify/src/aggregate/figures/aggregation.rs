//! Risk against bag size and against rho (A.5, figures 1 and 2).
use solvable_model::aggregate::{FiniteDesign, Mixing};
use solvable_theory::aggregate::{bayes_ridge, interpolated_expected_risk, ridgeless_risk};

use super::{combined, limit, ridgeless, spread};
use crate::CheckError;
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel, by_budget};
use crate::run::Options;

pub(super) const BAG_SIZE: FigureSpec = FigureSpec {
    name: "aggregate-bag-size",
    title: "Risk against bag size",
    caption: "Without ridge the bag-level estimator explodes where bags are as many as covariates, $k = 1/\\gamma$, and \
              comes down again; the instance-level one is smooth. The best weight $\\rho$ takes the better of both, \
              and the optimal ridge shows what the bags contain: always most at $k = 1$. Points: averages \
              over Gaussian designs, bars of two standard errors.",
    claims: &["AGG-5"],
    build: bag_size,
};

fn bag_size(options: &Options) -> Result<Figure, CheckError> {
    let gamma = 0.1;
    let (d, replicas) = by_budget(options, (48, 24), (240, 48));
    let n = 10 * d;
    let simulated = [1, 2, 3, 4, 5, 6, 8, 12].map(|k| {
        let bag = ridgeless(options, BAG_SIZE.name, (n, d, k), Mixing::BAG, replicas)?;
        let instance = ridgeless(options, BAG_SIZE.name, (n, d, k), Mixing::INSTANCE, replicas)?;
        Ok::<_, CheckError>((k as f64, bag, instance))
    });
    let simulated = simulated.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut figure = Figure::new(format!(
        "gamma = {gamma}, sigma2 = 1, no ridge; simulated at n = {n}, d = {d}, {replicas} designs a point"
    ));
    for snr in [0.5, 2.0, 10.0] {
        let curve = |f: &dyn Fn(f64) -> Result<f64, CheckError>| {
            let values = spread(1.0, 12.0, 221).map(|k| Ok((k, f(k)?)));
            let values = values.collect::<Result<Vec<_>, CheckError>>()?;
            Ok::<_, CheckError>(values.into_iter().filter(|p| p.1.is_finite()).collect::<Vec<_>>())
        };
        let at = |k: f64, mixing: Mixing| {
            Ok::<_, CheckError>(ridgeless_risk(&limit(gamma, k, snr, 1.0)?, mixing).total())
        };
        let bag = curve(&|k| at(k, Mixing::BAG))?;
        let instance = curve(&|k| at(k, Mixing::INSTANCE))?;
        let best = curve(&|k| {
            let mut best = at(k, Mixing::BAG)?;
            for rho in spread(0.0, 0.995, 200) {
                best = best.min(at(k, Mixing::new(rho)?)?);
            }
            Ok(best)
        })?;
        let bayes = curve(&|k| Ok(bayes_ridge(&limit(gamma, k, snr, 1.0)?, None)?.risk))?;
        let points = |instance: bool| {
            simulated.iter().map(move |(k, bag, other)| {
                let (mean, error) = combined(if instance { other } else { bag }, snr, 1.0);
                (*k, mean, error)
            })
        };
        let top = 4.0 * snr.max(1.0);
        figure = figure.panel(
            Panel::new(
                Axis::linear("bag size k").whole(),
                Axis::log("excess risk / sigma2").range(0.08, top),
            )
            .title(format!("signal-to-noise ratio {snr}"))
            .line("bag level", Colour::Vermillion, bag)
            .points("bag level, simulated", Colour::Vermillion, points(false))
            .line("instance level", Colour::Blue, instance)
            .points("instance level, simulated", Colour::Blue, points(true))
            .line("best rho", Colour::Green, best)
            .dashed("optimal ridge", Colour::Ink, bayes),
        );
    }
    Ok(figure)
}

pub(super) const MIXING: FigureSpec = FigureSpec {
    name: "aggregate-mixing",
    title: "Bias and variance against rho",
    caption: "Left ($k\\gamma < 1$): bias falls and variance grows with $\\rho$; the risk has its minimum 1.5065 inside, at \
              $\\rho \\approx 0.948$, between 3.1094 (instance level) and 4 (bag level). Right ($k\\gamma > 1$): the \
              path ends at its limit $\\rho \\to 1^-$ and jumps down to the bag-level value, the black dot. Dashed: exact at \
              the simulated size. Points: averages over Gaussian designs, bars of two standard errors.",
    claims: &["AGG-5"],
    build: mixing,
};

fn mixing(options: &Options) -> Result<Figure, CheckError> {
    let (d, replicas) = by_budget(options, (24, 96), (120, 200));
    let (r2, s2) = (5.0, 1.0);
    let mut figure = Figure::new(format!(
        "r2 = {r2}, sigma2 = {s2}, no ridge; simulated at d = {d}, {replicas} designs a point"
    ));
    for (n, k) in [(5 * d, 4), (2 * d, 4)] {
        let gamma = d as f64 / n as f64;
        let problem = limit(gamma, k as f64, r2, s2)?;
        let rhos = || spread(0.0, 0.995, 200);
        let risks: Vec<_> = rhos()
            .map(|rho| Ok::<_, CheckError>((rho, ridgeless_risk(&problem, Mixing::new(rho)?))))
            .collect::<Result<_, _>>()?;
        let left = ridgeless_risk(&problem, Mixing::LEFT_OF_ONE);
        let line = |f: fn(solvable_theory::aggregate::Risk) -> f64| {
            risks.iter().map(move |(rho, risk)| (*rho, f(*risk))).chain([(1.0, f(left))])
        };
        let design = FiniteDesign::new(n, d, k, r2, s2)?;
        let exact: Vec<_> = spread(0.0, 0.9, 10)
            .chain([0.93, 0.95, 0.965, 0.98, 0.99, 0.995, 0.998])
            .map(|rho| {
                Ok::<_, CheckError>((
                    rho,
                    interpolated_expected_risk(&design, Mixing::new(rho)?)
                        .map_err(CheckError::from_error)?
                        .total(),
                ))
            })
            .collect::<Result<_, _>>()?;
        let mut points = [Vec::new(), Vec::new(), Vec::new()];
        for rho in [0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0] {
            let moments = ridgeless(options, MIXING.name, (n, d, k), Mixing::new(rho)?, replicas)?;
            for (list, (r2, s2)) in points.iter_mut().zip([(r2, s2), (r2, 0.0), (0.0, s2)]) {
                let (mean, error) = combined(&moments, r2, s2);
                list.push((rho, mean, error));
            }
        }
        let [risk, bias, var] = points;
        let end = ridgeless_risk(&problem, Mixing::BAG);
        figure = figure.panel(
            Panel::new(
                Axis::linear("rho (0: instance level, 1: bag level)"),
                Axis::linear("excess risk").include(0.0),
            )
            .title(format!("gamma = {gamma}, k = {k}"))
            .line("risk", Colour::Blue, line(|r| r.total()))
            .points("risk, simulated", Colour::Blue, risk)
            .dashed("risk, exact at this size", Colour::Blue, exact)
            .line("bias^2", Colour::Vermillion, line(|r| r.bias2))
            .points("bias^2, simulated", Colour::Vermillion, bias)
            .line("variance", Colour::Green, line(|r| r.var))
            .points("variance, simulated", Colour::Green, var)
            .points("risk at rho = 1", Colour::Ink, [(1.0, end.total(), 0.0)]),
        );
    }
    Ok(figure)
}
