//! Which loss wins, privacy, curated bags, clipping (A.5, figures 3 to 6).
use solvable_model::aggregate::{BagDesign, FiniteDesign, LabelPrivacy, Mixing};
use solvable_sim::aggregate::{CuratedExperiment, Population, TrainingExperiment};
use solvable_sim::monte_carlo::{Replicas, Stream, replicate};
use solvable_sim::normal;
use solvable_theory::aggregate::{
    bayes_ridge, clipped_risk, critical_snr, curated_limit, curated_risk, instance_level_expected_risk,
    noise_of_privacy, optimal_bag_size, ridgeless_risk,
};

use super::{combined, limit, ridgeless, spread};
use crate::CheckError;
use crate::cell::Parameters;
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel, by_budget, stream_seed};
use crate::run::Options;

pub(super) const PHASES: FigureSpec = FigureSpec {
    name: "aggregate-phases",
    title: "When the instance-level loss wins",
    caption: "Below each curve the ridgeless instance-level estimator has the smaller limiting risk. The threshold diverges at \
              $\\gamma = 1/k$, where the bag-level estimator does, and vanishes for large $\\gamma$: there bag level \
              always wins. Points: thresholds from simulated biases and variances, bars of two standard errors.",
    claims: &["AGG-8"],
    build: phases,
};

fn phases(options: &Options) -> Result<Figure, CheckError> {
    let (d, replicas) = by_budget(options, (32, 64), (160, 200));
    let mut panel = Panel::new(
        Axis::linear("gamma = d/n").range(0.0, 1.0),
        Axis::log("critical signal-to-noise ratio").range(0.05, 100.0),
    );
    let cases: [(usize, &[usize]); 3] = [(2, &[10, 5, 4]), (4, &[20, 10, 2]), (8, &[16, 4, 3])];
    for (index, (k, inverse)) in cases.into_iter().enumerate() {
        let colour = Colour::of(index);
        let curve = spread(0.002, 0.998, 499)
            .map(|gamma| Ok((gamma, critical_snr(gamma, k as f64)?)))
            .collect::<Result<Vec<_>, CheckError>>()?;
        let seen = curve.into_iter().filter(|p| p.1.is_finite() && p.1 > 0.0);
        panel = panel.line(format!("k = {k}"), colour, seen);
        let mut points = Vec::new();
        for &ratio in inverse {
            // n = ratio d rounded to a multiple of k.
            let n = (ratio * d).next_multiple_of(k);
            let bag = ridgeless(options, PHASES.name, (n, d, k), Mixing::BAG, replicas)?;
            let instance = ridgeless(options, PHASES.name, (n, d, k), Mixing::INSTANCE, replicas)?;
            // snr_c = (Var_bag - Var_ins)/(Bias_ins - Bias_bag), first-order propagation.
            let ((vb, sb), (vi, si)) = (combined(&bag, 0.0, 1.0), combined(&instance, 0.0, 1.0));
            let ((bb, tb), (bi, ti)) = (combined(&bag, 1.0, 0.0), combined(&instance, 1.0, 0.0));
            let (up, down) = (vb - vi, bi - bb);
            let relative = (sb.hypot(si) / up).hypot(tb.hypot(ti) / down);
            points.push((d as f64 / n as f64, up / down, relative * up / down));
        }
        panel = panel.points(format!("k = {k}, simulated"), colour, points);
    }
    let parameters = format!("no ridge; simulated at d = {d}, {replicas} designs a point");
    Ok(Figure::new(parameters).panel(panel.title("Instance level wins below the curve")))
}

pub(super) const PRIVACY: FigureSpec = FigureSpec {
    name: "aggregate-privacy",
    title: "Label privacy and bag size",
    caption: "Left: the ridgeless instance-level risk under label privacy has an inner optimum $k^\\star$ (diamonds) that \
              grows like $1/\\varepsilon^2$. Right: with the optimal ridge the risk increases with $k$ at every privacy \
              level: aggregation never helps a tuned estimator. Points: simulated, bars of two standard errors.",
    claims: &["AGG-10", "AGG-11"],
    build: privacy,
};

fn privacy(options: &Options) -> Result<Figure, CheckError> {
    let (gamma, r2, s2, clip) = (0.2, 1.0, 0.5, 3.0);
    let (d, replicas) = by_budget(options, (48, 24), (240, 48));
    let n = 5 * d;
    let sizes = [1, 2, 4, 8, 16, 24];
    let simulated = sizes.map(|k| ridgeless(options, PRIVACY.name, (n, d, k), Mixing::INSTANCE, replicas));
    let simulated = simulated.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut instance =
        Panel::new(Axis::log("bag size k"), Axis::log("excess risk")).title("Instance level, no ridge");
    let mut tuned =
        Panel::new(Axis::log("bag size k"), Axis::linear("excess risk").include(0.0)).title("Optimal ridge");
    for (index, epsilon) in [Some(0.5), Some(1.0), Some(2.0), None].into_iter().enumerate() {
        let colour = Colour::of(index);
        let privacy = LabelPrivacy::new(clip, epsilon)?;
        let kappa = noise_of_privacy(&privacy);
        let name = epsilon.map_or("no privacy".to_owned(), |e| format!("epsilon = {e}"));
        let risk = |k: f64| {
            Ok::<_, CheckError>(
                ridgeless_risk(&limit(gamma, k, r2, s2 + kappa / k)?, Mixing::INSTANCE).total(),
            )
        };
        let ks = || spread(0.0, 100.0_f64.ln(), 120).map(f64::exp);
        let curve = ks().map(|k| Ok((k, risk(k)?))).collect::<Result<Vec<_>, CheckError>>()?;
        instance = instance.line(name.clone(), colour, curve);
        let points = sizes.iter().zip(&simulated).map(|(&k, moments)| {
            let (mean, error) = combined(moments, r2, s2 + kappa / k as f64);
            (k as f64, mean, error)
        });
        instance = instance.points(format!("{name}, simulated"), colour, points);
        let best = optimal_bag_size(gamma, r2, s2, Some(&privacy))?;
        if best.is_finite() {
            let label = if index == 0 { "k*" } else { "" };
            instance = instance.points(label, Colour::Orange, [(best, risk(best)?, 0.0)]);
        }
        let bayes = ks()
            .map(|k| Ok((k, bayes_ridge(&limit(gamma, k, r2, s2)?, Some(&privacy))?.risk)))
            .collect::<Result<Vec<_>, CheckError>>()?;
        tuned = tuned.line(format!("{name}, optimal ridge"), colour, bayes);
    }
    Ok(Figure::new(format!(
        "gamma = {gamma}, r2 = {r2}, sigma2 = {s2}, T = {clip}; simulated at n = {n}, d = {d}, {replicas} designs a point"
    ))
    .panel(instance)
    .panel(tuned))
}

pub(super) const CURATED: FigureSpec = FigureSpec {
    name: "aggregate-curated",
    title: "Curated bags against random ones",
    caption: "Bags of rows with similar predictions lose almost no signal: sorted by the true $z = X\\theta^*/|\\theta^*|$ \
              the risk even falls with $k$, since the bags themselves tell $z$. Sorting by a noisy guess \
              $z + q\\,\\mathrm{noise}$ interpolates to random bags. Lines: exact conditional risk averaged over $z$; \
              points: simulated other covariates, bars of two standard errors; dotted: limits.",
    claims: &["AGG-14"],
    build: curated,
};

fn curated(options: &Options) -> Result<Figure, CheckError> {
    let (r2, s2) = (1.0, 0.5);
    let (d, draws) = by_budget(options, (24, 40), (96, 200));
    let n = 10 * d;
    let sizes = [1, 2, 3, 4, 5, 6, 8, 10, 12];
    let mut panel = Panel::new(Axis::linear("bag size k").whole(), Axis::log("excess risk"));
    for (index, (name, quality)) in
        [("sorted by z", 0.0), ("guess with noise 0.3", 0.3), ("guess with noise 1", 1.0)]
            .into_iter()
            .enumerate()
    {
        let colour = Colour::of(index);
        let (mut line, mut points) = (Vec::new(), Vec::new());
        for k in sizes {
            let parameters = Parameters::new().with("quality", quality).with("k", k);
            let seed = stream_seed(options, CURATED.name, &parameters);
            let moments = Replicas::new(seed, draws)
                .component_moments(
                    2,
                    || (),
                    |rng, (), out| {
                        let (z, bags) = sorted_bags(rng, n, k, quality)?;
                        out[0] =
                            curated_risk(&bags, &z, d, r2, s2).map_err(CheckError::from_error)?.risk.total();
                        let experiment = CuratedExperiment::new(z, bags, d, r2, s2)?;
                        out[1] = experiment
                            .replicate(rng, &mut experiment.work())
                            .map_err(CheckError::from_error)?
                            .total();
                        Ok::<_, CheckError>(())
                    },
                )
                .map_err(CheckError::from_error)?;
            let [exact, simulated] = moments.components() else { continue };
            line.push((k as f64, exact.mean()));
            points.push((k as f64, simulated.mean(), 2.0 * simulated.standard_error()));
        }
        panel = panel.line(name, colour, line).points(format!("{name}, simulated"), colour, points);
    }
    let random = sizes.map(|k| {
        Ok::<_, CheckError>((
            k as f64,
            instance_level_expected_risk(&FiniteDesign::new(n, d, k, r2, s2)?).total(),
        ))
    });
    let random = random.into_iter().collect::<Result<Vec<_>, _>>()?;
    let oracle = sizes.map(|k| {
        Ok::<_, CheckError>((k as f64, curated_limit(&limit(0.1, k as f64, r2, s2)?, 0.0)?.total()))
    });
    let oracle = oracle.into_iter().collect::<Result<Vec<_>, _>>()?;
    panel =
        panel.line("random bags", Colour::Ink, random).dotted("limit of sorted bags", Colour::Grey, oracle);
    let parameters = format!(
        "r2 = {r2}, sigma2 = {s2}, n = {n}, d = {d}, instance level without ridge; {draws} draws a point"
    );
    Ok(Figure::new(parameters).panel(panel.title("Risk against bag size")))
}

/// Draws z and bags of k neighbours in the order of `z + quality noise`.
fn sorted_bags(
    rng: &mut Stream,
    n: usize,
    k: usize,
    quality: f64,
) -> Result<(Vec<f64>, BagDesign), CheckError> {
    let mut both = vec![0.0; 2 * n];
    normal::fill(rng, &mut both);
    let (z, noise) = both.split_at(n);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| (z[i] + quality * noise[i]).total_cmp(&(z[j] + quality * noise[j])));
    let lists: Vec<Vec<usize>> = order.chunks(k).map(<[usize]>::to_vec).collect();
    Ok((z.to_vec(), BagDesign::new(n, &lists)?))
}

pub(super) const CLIPPING: FigureSpec = FigureSpec {
    name: "aggregate-clipping",
    title: "Where to clip",
    caption: "A low clip level costs signal, a high one privacy noise: the optimal $T$ falls as the privacy level \
              $\\varepsilon$ does. Bag level with ridge. Points: trained on simulated private labels, bars of two \
              standard errors.",
    claims: &["AGG-12"],
    build: clipping,
};

fn clipping(options: &Options) -> Result<Figure, CheckError> {
    let (gamma, k, lambda, r2, s2) = (0.25, 3, 0.1, 1.0, 0.5);
    let (d, replicas) = by_budget(options, (24, 64), (120, 128));
    let n = 4 * d;
    let problem = limit(gamma, k as f64, r2, s2)?;
    let mut panel = Panel::new(Axis::log("clip level T"), Axis::log("excess risk"));
    for (index, epsilon) in [Some(1.0), Some(2.0), Some(4.0), None].into_iter().enumerate() {
        let colour = Colour::of(index);
        let name = epsilon.map_or("no noise".to_owned(), |e| format!("epsilon = {e}"));
        let risk = |clip: f64| {
            let privacy = LabelPrivacy::new(clip, epsilon)?;
            let found =
                clipped_risk(&problem, Mixing::BAG, lambda, &privacy).map_err(CheckError::from_error)?;
            Ok::<_, CheckError>((clip, found.equivalent.total()))
        };
        let line =
            spread(0.1_f64.ln(), 6.0_f64.ln(), 120).map(|t| risk(t.exp())).collect::<Result<Vec<_>, _>>()?;
        let mut points = Vec::new();
        for clip in [0.3, 0.8, 2.0, 5.0] {
            let population = Population::isotropic(d, r2, s2)?;
            let privacy = LabelPrivacy::new(clip, epsilon)?;
            let bags = BagDesign::consecutive(n, k)?;
            let experiment = TrainingExperiment::new(population, bags, Mixing::BAG, lambda, Some(privacy))?;
            let parameters = Parameters::new().with("T", clip).with("eps", epsilon);
            let seed = stream_seed(options, CLIPPING.name, &parameters);
            let moments = replicate(seed, replicas, || (), |rng, ()| experiment.replicate(rng));
            let moments = moments.map_err(CheckError::from_error)?;
            points.push((clip, moments.mean(), 2.0 * moments.standard_error()));
        }
        panel = panel.line(name.clone(), colour, line).points(format!("{name}, simulated"), colour, points);
    }
    let parameters = format!(
        "gamma = {gamma}, k = {k}, rho = 1, lambda = {lambda}, r2 = {r2}, sigma2 = {s2}; simulated at n = {n}, d = {d}, \
         {replicas} tables a point"
    );
    Ok(Figure::new(parameters).panel(panel.title("Risk against clip level")))
}
