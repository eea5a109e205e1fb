//! One layer: minimizers and their risks, on the training law and off it.
use solvable_model::Covariance;
use solvable_model::icl::{Polynomial, PredictorLoss, QueryToken, RegressionTask, TestPrompts};
use solvable_sim::icl::{
    AttentionStack, BayesRisk, ConditionalRisk, ExponentialSpectrumRisk, PromptSampler, StackError,
};
use solvable_sim::minimise::{LbfgsOptions, lbfgs};
use solvable_theory::icl::{
    Whitened, bayes_lower_bound, exponential_spectra, minimizer, minimum, risk, risk_at_length, risk_floor,
    single_index_step,
};

use super::support::{conditional, geometric, linear, mean, whole};
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel, by_budget};
use crate::run::Options;
use crate::{CheckError, Parameters};

pub(super) const TEST_LENGTH: FigureSpec = FigureSpec {
    name: "icl-test-length",
    title: "Risk against the length of the test prompt",
    caption: "A layer trained on prompts of $N$ examples, tested on prompts of $M$. Lines: the exact risk, affine in \
              $1/M$; dashes: the floor of order $1/N^2$ that no test length removes, because the trained matrix is not the \
              inverse covariance. Points: random contexts, task, query and noise averaged exactly.",
    claims: &["ICL-5"],
    build: test_length,
};

fn test_length(options: &Options) -> Result<Figure, CheckError> {
    let d = 20;
    let count = by_budget(options, 60, 2000);
    let spread: Vec<f64> = geometric(10.0_f64.sqrt().recip(), 10.0_f64.sqrt(), d);
    let mut figure =
        Figure::new(format!("d = {d}, Psi = I, no noise, {count} contexts a point, seed {}", options.seed));
    for (title, spectrum) in [("Lambda = I", vec![1.0; d]), ("condition number 10", spread)] {
        let mut panel =
            Panel::new(Axis::log("test length M (examples)").whole(), Axis::log("risk")).title(title);
        let lambda = Covariance::diagonal("Lambda", &spectrum)?;
        for (i, n) in [20, 50, 100].into_iter().enumerate() {
            let colour = Colour::of(i);
            let task = RegressionTask::new(lambda.clone(), Covariance::isotropic("Psi", d, 1.0)?, 0.0, n)?;
            let law = Whitened::new(&task)?;
            let line = whole(1, 300, 60)
                .into_iter()
                .map(|m| Ok((m as f64, risk_at_length(&law, m)?)))
                .collect::<Result<Vec<_>, CheckError>>()?;
            let floor = risk_floor(&law)?;
            let a = minimizer(&law)?;
            let mut points = Vec::new();
            for m in [1, 4, 16, 64, 300] {
                let measured = ConditionalRisk::of_test(a.as_ref(), &TestPrompts::of(&task, m))?;
                let parameters = Parameters::new().with("law", title).with("N", n).with("M", m);
                let (value, bar) = conditional(options, TEST_LENGTH.name, &parameters, count, &measured)?;
                points.push((m as f64, value, bar));
            }
            panel = panel
                .line(format!("theory, N = {n}"), colour, line)
                .dashed("", colour, [(1.0, floor), (300.0, floor)])
                .points(format!("simulation, N = {n}"), colour, points);
        }
        figure = figure.panel(panel);
    }
    Ok(figure)
}

pub(super) const PRECONDITIONER: FigureSpec = FigureSpec {
    name: "icl-preconditioner",
    title: "The trained preconditioner flattens weak directions",
    caption: "Eigenvalues of the trained matrix $A^*$ against those of $\\Lambda^{-1}$. With long contexts the layer inverts \
              the covariance (dots); with short ones it holds back in directions of small variance, as a Tikhonov \
              regulariser would. Lines: closed form; points: a quasi-Newton minimiser of the population loss from zero.",
    claims: &["ICL-3"],
    build: preconditioner,
};

fn preconditioner(options: &Options) -> Result<Figure, CheckError> {
    let spectrum = geometric(0.1, 4.0, 6);
    let d = spectrum.len();
    let lambda = Covariance::diagonal("Lambda", &spectrum)?;
    let inverse = |i: usize| 1.0 / spectrum[i];
    let mut panel = Panel::new(
        Axis::log("1/lambda, eigenvalue of the inverse covariance"),
        Axis::log("eigenvalue of the trained matrix"),
    )
    .dotted("inverse covariance", Colour::Grey, [(0.25, 0.25), (10.0, 10.0)]);
    for (k, n) in [5, 20, 100].into_iter().enumerate() {
        let task = RegressionTask::new(lambda.clone(), Covariance::isotropic("Psi", d, 1.0)?, 0.0, n)?;
        let size = n as f64;
        let trace = lambda.trace();
        // Between the eigenvalues of Lambda: what an eigenvalue 1/x would get, 1/((1 + 1/N)/x + tr/N).
        let line = geometric(0.25, 10.0, 60)
            .into_iter()
            .map(|x| (x, 1.0 / ((1.0 + 1.0 / size) / x + trace / size)))
            .collect::<Vec<_>>();
        let loss = PredictorLoss::new(&task);
        let found = lbfgs(&loss, &vec![0.0; d * d], &LbfgsOptions::default().gradient_norm(1e-9))
            .map_err(CheckError::from_error)?;
        let trained = |i: usize| found.x[i * d + i];
        let points = (0..d).map(|i| (inverse(i), trained(i), 0.0));
        panel = panel.line(format!("theory, N = {n}"), Colour::of(k), line).points(
            format!("trained, N = {n}"),
            Colour::of(k),
            points,
        );
    }
    Ok(Figure::new(format!("d = {d}, eigenvalues 0.1 to 4, Psi = I, no noise, seed {}", options.seed))
        .panel(panel))
}

pub(super) const COVARIATE_SHIFT: FigureSpec = FigureSpec {
    name: "icl-covariate-shift",
    title: "Covariates scaled at test time",
    caption: "Context and query covariates multiplied by $\\gamma$ after training. The prediction is multiplied by $\\gamma^2$ \
              where it should not change: at large length the risk is a parabola in $\\gamma^2$, least near $\\gamma = 1$. \
              Lines: exact; points: random contexts.",
    claims: &["ICL-8"],
    build: covariate_shift,
};

fn covariate_shift(options: &Options) -> Result<Figure, CheckError> {
    let d = 5;
    let count = by_budget(options, 100, 4000);
    let mut panel = Panel::new(Axis::linear("scale of the covariates gamma"), Axis::log("risk over gamma^2"));
    for (k, n) in [20, 100, 1000].into_iter().enumerate() {
        let task = RegressionTask::isotropic(d, 1.0, 1.0, 0.1, n)?;
        let a = minimizer(&Whitened::new(&task)?)?;
        let prompts = |gamma: f64| -> Result<TestPrompts, CheckError> {
            let stretched = Covariance::isotropic("Lambda_c", d, gamma * gamma)?;
            Ok(TestPrompts::new(stretched.clone(), stretched, task.psi().clone(), 0.1, n)?)
        };
        let line = linear(0.3, 2.0, 60)
            .into_iter()
            .map(|g| Ok((g, risk(a.as_ref(), &prompts(g)?)? / (g * g))))
            .collect::<Result<Vec<_>, CheckError>>()?;
        let mut points = Vec::new();
        for g in [0.4, 0.7, 1.0, 1.3, 1.6, 1.9] {
            let measured = ConditionalRisk::of_test(a.as_ref(), &prompts(g)?)?;
            let parameters = Parameters::new().with("gamma", g).with("N", n);
            let (value, bar) = conditional(options, COVARIATE_SHIFT.name, &parameters, count, &measured)?;
            points.push((g, value / (g * g), bar / (g * g)));
        }
        panel = panel.line(format!("theory, N = M = {n}"), Colour::of(k), line).points(
            format!("simulation, N = M = {n}"),
            Colour::of(k),
            points,
        );
    }
    let parameters =
        format!("d = {d}, Lambda = Psi = I, noise 0.1, {count} contexts a point, seed {}", options.seed);
    Ok(Figure::new(parameters).panel(panel))
}

pub(super) const RANDOM_COVARIANCES: FigureSpec = FigureSpec {
    name: "icl-random-covariances",
    title: "A covariance that changes from prompt to prompt cannot be learned",
    caption: "Diagonal covariances with i.i.d. Exp(1) eigenvalues, fresh for every prompt: the loss of the best matrix stays \
              above $d/3$ (dashes) at any context length. With one fixed covariance of the same mean it tends to 0. Lines: \
              exact; points: random spectra and contexts.",
    claims: &["ICL-12"],
    build: random_covariances,
};

fn random_covariances(options: &Options) -> Result<Figure, CheckError> {
    let d = 5;
    let count = by_budget(options, 4000, 100_000);
    let lengths = whole(1, 3000, 50);
    let (mut random, mut fixed) = (Vec::new(), Vec::new());
    for &n in &lengths {
        random.push((n as f64, exponential_spectra(d, n)?.l_star));
        let task = RegressionTask::isotropic(d, 1.0, 1.0, 0.0, n)?;
        fixed.push((n as f64, minimum(&Whitened::new(&task)?)?));
    }
    let (mut measured, mut contexts) = (Vec::new(), Vec::new());
    for n in [1, 5, 25, 125, 1000] {
        let best = exponential_spectra(d, n)?;
        let draws = ExponentialSpectrumRisk::new(d, best.a, 1.0 / n as f64)?;
        let parameters = Parameters::new().with("law", "exponential").with("N", n);
        let (value, bar) =
            mean(options, RANDOM_COVARIANCES.name, &parameters, count, || (), |s, ()| draws.draw(s))?;
        measured.push((n as f64, value, bar));
        let task = RegressionTask::isotropic(d, 1.0, 1.0, 0.0, n)?;
        let a = minimizer(&Whitened::new(&task)?)?;
        let law = ConditionalRisk::of_task(a.as_ref(), &task)?;
        let parameters = Parameters::new().with("law", "fixed").with("N", n);
        let (value, bar) = conditional(options, RANDOM_COVARIANCES.name, &parameters, count / 40, &law)?;
        contexts.push((n as f64, value, bar));
    }
    let floor = d as f64 / 3.0;
    let panel = Panel::new(Axis::log("context length N = M (examples)").whole(), Axis::log("loss"))
        .line("random covariances, theory", Colour::Vermillion, random)
        .points("random covariances, simulation", Colour::Vermillion, measured)
        .dashed("d/3", Colour::Vermillion, [(1.0, floor), (3000.0, floor)])
        .line("one covariance, theory", Colour::Blue, fixed)
        .points("one covariance, simulation", Colour::Blue, contexts);
    let parameters = format!(
        "d = {d}, Psi = I, no noise, {count} spectra and {} contexts a point, seed {}",
        count / 40,
        options.seed
    );
    Ok(Figure::new(parameters).panel(panel))
}

pub(super) const BAYES: FigureSpec = FigureSpec {
    name: "icl-bayes",
    title: "One layer against the Bayes predictor",
    caption: "Minimum $L^*$ of one layer (lines), risk of the Bayes predictor by Monte Carlo over contexts (points) and its \
              Jensen lower bound (dashes). Without noise the Bayes risk is exactly $\\max(d - N, 0)$, zero from $N = d$ on, \
              while one layer decays like $d(d+1)/N$.",
    claims: &["ICL-3", "ICL-7"],
    build: bayes,
};

fn bayes(options: &Options) -> Result<Figure, CheckError> {
    let d = 8;
    let count = by_budget(options, 100, 4000);
    let mut panel = Panel::new(
        Axis::log("context length N (examples)").whole(),
        Axis::log("risk").range(1e-3 * d as f64, 1.1 * d as f64),
    );
    for (k, sigma2) in [0.0, 0.25, 1.0].into_iter().enumerate() {
        let (mut best, mut lower) = (Vec::new(), Vec::new());
        for n in whole(1, 500, 50) {
            let law = Whitened::new(&RegressionTask::isotropic(d, 1.0, 1.0, sigma2, n)?)?;
            best.push((n as f64, minimum(&law)?));
            if sigma2 > 0.0 {
                lower.push((n as f64, bayes_lower_bound(&law)?));
            }
        }
        let mut points = Vec::new();
        if sigma2 == 0.0 {
            let exact = (1..d).map(|n| (n as f64, (d - n) as f64));
            panel = panel.line("Bayes, noise 0, exact", Colour::Grey, exact);
        }
        // The sampler draws posteriors, which need noise.
        let lengths: &[usize] = if sigma2 > 0.0 { &[1, 3, 6, 12, 40, 200] } else { &[] };
        for &n in lengths {
            let task = RegressionTask::isotropic(d, 1.0, 1.0, sigma2, n)?;
            let draws = BayesRisk::new(&task)?;
            let parameters = Parameters::new().with("sigma2", sigma2).with("N", n);
            let (value, bar) =
                mean(options, BAYES.name, &parameters, count, || draws.work(), |s, w| draws.draw(s, w))?;
            points.push((n as f64, value, bar));
        }
        let colour = Colour::of(k);
        panel = panel.line(format!("one layer, noise {sigma2}"), colour, best);
        if sigma2 > 0.0 {
            panel = panel.points(format!("Bayes, noise {sigma2}"), colour, points);
            panel = panel.dashed(format!("lower bound, noise {sigma2}"), colour, lower);
        }
    }
    let parameters = format!("d = {d}, Lambda = Psi = I, {count} contexts a point, seed {}", options.seed);
    Ok(Figure::new(parameters).panel(panel))
}

pub(super) const NONLINEAR: FigureSpec = FigureSpec {
    name: "icl-nonlinear-targets",
    title: "Nonlinear responses: still one step of descent",
    caption: "Responses $g(v^\\top x)$, $v$ uniform on the sphere. The best layer is one gradient step of a size that depends on \
              $g$; its loss falls to what the best linear predictor leaves (dashes). The third Hermite polynomial $z^3 - 3z$ has no \
              linear part: nothing is learned. Lines: exact; points: literal attention on random prompts.",
    claims: &["ICL-14"],
    build: nonlinear,
};

fn nonlinear(options: &Options) -> Result<Figure, CheckError> {
    let d = 4;
    // The samples are heavy tailed: short prompts, which cost less, get more of them.
    let budget = by_budget(options, 150_000_u64, 20_000_000);
    let count = |n: usize| (budget / n as u64).min(budget / 5);
    let links: [(&str, &[f64]); 4] = [
        ("z", &[0.0, 1.0]),
        ("z + z^2", &[0.0, 1.0, 1.0]),
        ("z^3", &[0.0, 0.0, 0.0, 1.0]),
        ("z^3 - 3z", &[0.0, -3.0, 0.0, 1.0]),
    ];
    let mut panel = Panel::new(
        Axis::log("context length N (examples)").whole(),
        Axis::linear("loss over E[g^2]").include(0.0).include(1.0),
    );
    for (k, (name, coefficients)) in links.into_iter().enumerate() {
        let link = Polynomial::new(coefficients)?;
        // Without a linear part the loss is E[g^2] at any length.
        let power = {
            let moments = single_index_step(&link, 1, 1, 0.0)?;
            let alpha2 = coefficients.get(1).copied().unwrap_or(0.0)
                + 3.0 * coefficients.get(3).copied().unwrap_or(0.0);
            moments.best_linear + alpha2 * alpha2
        };
        let mut line = Vec::new();
        for n in whole(1, 2000, 50) {
            line.push((n as f64, single_index_step(&link, d, n, 0.0)?.loss_noisy_target / power));
        }
        let floor = single_index_step(&link, d, 1, 0.0)?.best_linear / power;
        let mut points = Vec::new();
        for n in [2, 8, 32, 128] {
            let step = single_index_step(&link, d, n, 0.0)?;
            let law = PromptSampler::rotation_invariant(d, link.clone(), 0.0, n)?;
            let stack = AttentionStack::gradient_steps(d, &[step.eta], n as f64, QueryToken::Masked)?;
            let error = StackError::new(law, stack, -1.0)?;
            let parameters = Parameters::new().with("g", name).with("N", n);
            let (value, bar) = mean(
                options,
                NONLINEAR.name,
                &parameters,
                count(n),
                || error.work(),
                |s, w| error.draw(s, w),
            )?;
            points.push((n as f64, value / power, bar / power));
        }
        let colour = Colour::of(k);
        panel = panel
            .line(format!("theory, g = {name}"), colour, line)
            .dashed("", colour, [(1.0, floor), (2000.0, floor)])
            .points(format!("simulation, g = {name}"), colour, points);
    }
    let parameters = format!("d = {d}, no noise, {budget} examples a point, seed {}", options.seed);
    Ok(Figure::new(parameters).panel(panel))
}
