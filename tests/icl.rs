//! In-context learning: theory against brute force over wide ranges, and refusal of garbage.
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use solvable_linalg::{Mat, frobenius_norm, matmul, max_abs, symmetric_eigenvalues, trace_product};
use solvable_model::Covariance;
use solvable_model::icl::{PredictorLoss, PromptMixture, RegressionTask, TestPrompts};
use solvable_theory::icl::{
    Whitened, best_scalar_step, excess_loss, loss_and_gradient, minimizer, minimum, mixture_minimum,
    optimal_depth_risk, rank_minimum, risk, risk_at_length, risk_floor, wishart_moment,
};

/// Cases a stratum, counted and printed; an empty one fails the test.
#[derive(Default)]
struct Strata(std::collections::BTreeMap<&'static str, usize>);

impl Strata {
    fn count(&mut self, name: &'static str, holds: bool) {
        *self.0.entry(name).or_default() += usize::from(holds);
    }

    fn finish(&self) {
        for (name, count) in &self.0 {
            println!("{name}: {count}");
            assert!(*count > 0, "no case was {name}");
        }
    }
}

/// What a task is built from: shape of the spectra, sizes, noise, entries of a rotation.
#[derive(Clone, Debug)]
struct Draw {
    spectrum: usize,
    prior: usize,
    d: usize,
    n: usize,
    m: usize,
    sigma2: f64,
    scale: f64,
    entries: Vec<f64>,
}

fn draws() -> impl Strategy<Value = Draw> {
    let noise = prop_oneof![Just(0.0), 1e-8..1e-4, 0.01..10.0, 10.0..1e6];
    let length = prop_oneof![Just(1_usize), 2_usize..8, 8_usize..200, Just(1_000_000)];
    (
        0_usize..5,
        0_usize..5,
        1_usize..12,
        length.clone(),
        length,
        noise,
        -6.0..6.0_f64,
        prop::collection::vec(-1.0..1.0_f64, 288),
    )
        .prop_map(|(spectrum, prior, d, n, m, sigma2, scale, entries)| Draw {
            spectrum,
            prior,
            d,
            n,
            m,
            sigma2,
            scale: 10f64.powf(scale),
            entries,
        })
}

/// Flat, power law, spiked, rank deficient, dense random of full or deficient rank.
fn covariance(kind: usize, d: usize, scale: f64, entries: &[f64]) -> Covariance {
    let shaped = |f: &dyn Fn(usize) -> f64| {
        let values: Vec<f64> = (0..d).map(|i| scale * f(i)).collect();
        Covariance::diagonal("Lambda", &values).expect("nonnegative entries")
    };
    match kind {
        0 => shaped(&|_| 1.0),
        1 => shaped(&|i| (1.0 + i as f64).powf(-7.0)),
        2 => shaped(&|i| if i == 0 { 1e4 } else { 1.0 }),
        3 => shaped(&|i| if 2 * i < d { 1.0 / (1.0 + i as f64) } else { 0.0 }),
        _ => {
            let g = Mat::from_fn(d, d, |i, j| entries[(i * d + j) % entries.len()]);
            let m = matmul(g.as_ref(), g.transpose());
            let m = Mat::from_fn(d, d, |i, j| scale * m[(i, j)]);
            Covariance::dense("Lambda", m.as_ref()).expect("a Gram matrix")
        }
    }
}

fn task(draw: &Draw) -> RegressionTask {
    let lambda = covariance(draw.spectrum, draw.d, draw.scale, &draw.entries);
    let psi = covariance(draw.prior, draw.d, 1.0 / draw.scale, &draw.entries[144..]);
    RegressionTask::new(lambda, psi, draw.sigma2, draw.n).expect("a valid task")
}

fn matrix(draw: &Draw) -> Mat<f64> {
    let d = draw.d;
    Mat::from_fn(d, d, |i, j| draw.entries[(7 * i + 13 * j + 3) % 288] / draw.scale)
}

/// The risk written as its definition's four traces, with the magnitude of their terms.
fn brute_risk(a: &Mat<f64>, l: &TestPrompts) -> (f64, f64) {
    let (c, q, p) = (l.context().matrix(), l.query().matrix(), l.psi().matrix());
    let m = l.length() as f64;
    let cp = matmul(c, p);
    let cpc = matmul(cp.as_ref(), c);
    let power = trace_product(c, p) + l.sigma2();
    let s = Mat::from_fn(a.nrows(), a.nrows(), |i, j| (1.0 + 1.0 / m) * cpc[(i, j)] + power / m * c[(i, j)]);
    let qa = matmul(q, a.as_ref());
    let quadratic = trace_product(matmul(qa.as_ref(), s.as_ref()).as_ref(), a.transpose());
    let linear = trace_product(qa.as_ref(), cp.as_ref());
    let constant = trace_product(q, p);
    let d = a.nrows() as f64;
    let norms = frobenius_norm(q) * frobenius_norm(a.as_ref());
    let magnitude = norms * frobenius_norm(s.as_ref()) * frobenius_norm(a.as_ref())
        + 2.0 * norms * frobenius_norm(cp.as_ref())
        + frobenius_norm(q) * frobenius_norm(p);
    (quadratic - 2.0 * linear + constant, d * magnitude)
}

fn run(cases: u32, mut test: impl FnMut(&Draw)) {
    let mut runner = TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let test = std::cell::RefCell::new(&mut test);
    runner
        .run(&draws(), |draw| {
            (test.borrow_mut())(&draw);
            Ok(())
        })
        .expect("every case holds");
}

#[test]
fn theory_agrees_with_the_definition_over_wide_ranges() {
    let mut strata = Strata::default();
    run(400, |draw| {
        let t = task(draw);
        let a = matrix(draw);
        let d = draw.d as f64;
        let law = Whitened::new(&t).expect("finite");
        let eps = 64.0 * d * d * f64::EPSILON;
        strata.count("rank-deficient covariance", t.lambda().smallest_eigenvalue() == 0.0);
        strata.count("dense", !t.lambda().is_diagonal());
        strata.count("not commuting", !t.lambda().is_diagonal() && !t.psi().is_diagonal());
        strata.count("condition above 1e6", {
            let l = t.lambda();
            l.smallest_eigenvalue() > 0.0 && l.largest_eigenvalue() > 1e6 * l.smallest_eigenvalue()
        });
        strata.count("d > N", draw.d > draw.n);
        strata.count("N = 1", draw.n == 1);
        strata.count("N = 10^6", draw.n == 1_000_000);
        strata.count("noiseless", draw.sigma2 == 0.0);
        strata.count("d = 1", draw.d == 1);

        // Risk at any A, on the training law and at another length.
        let prompts = TestPrompts::of(&t, draw.m);
        let (brute, magnitude) = brute_risk(&a, &prompts);
        let exact = risk(a.as_ref(), &prompts).expect("finite");
        assert!(
            exact >= 0.0 && (exact - brute).abs() <= eps * magnitude,
            "{exact:e} {brute:e} {magnitude:e}"
        );
        let training = loss_and_gradient(&t, a.as_ref()).expect("finite");
        let objective = PredictorLoss::new(&t).at(a.as_ref()).expect("finite");
        let (_, size) = brute_risk(&a, &TestPrompts::of(&t, draw.n));
        assert!((training.loss - objective).abs() <= eps * size);

        if t.signal() + t.sigma2() == 0.0 {
            assert!(minimizer(&law).is_err());
            return;
        }
        // Minimum, its order relations, and the quadratic identity.
        let (least, star) = (minimum(&law).expect("labels"), minimizer(&law).expect("labels"));
        let slack = eps * (t.signal() + size);
        assert!(least >= 0.0 && least <= t.signal() * (1.0 + eps));
        let excess = excess_loss(&law, a.as_ref()).expect("finite");
        assert!((least + excess - training.loss).abs() <= slack, "{least:e} {excess:e} {:e}", training.loss);
        let smallest = *symmetric_eigenvalues(star.as_ref()).expect("symmetric").last().expect("d >= 1");
        assert!(smallest >= -eps * max_abs(star.as_ref()));
        let scalar = best_scalar_step(&law);
        if let Ok(step) = scalar {
            assert!(step.loss >= least * (1.0 - eps) && step.loss <= t.signal() * (1.0 + eps));
        }
        // Ranks interpolate between t and L*, convexly; lengths between t and the floor.
        let ranks: Vec<f64> = (0..=draw.d).map(|k| rank_minimum(&law, k).expect("k <= d")).collect();
        let tie = eps * t.signal();
        assert!((ranks[0] - t.signal()).abs() <= tie && (ranks[draw.d] - least).abs() <= tie);
        assert!(ranks.windows(2).all(|w| w[1] <= w[0] + tie));
        assert!(ranks.windows(3).all(|w| w[0] - 2.0 * w[1] + w[2] >= -4.0 * tie));
        let here = risk_at_length(&law, draw.n).expect("finite");
        assert!((here - least).abs() <= tie);
        assert!(risk_at_length(&law, draw.m).expect("finite") >= risk_floor(&law).expect("labels"));
        // One component is the plain problem.
        if draw.d <= 4 && t.lambda().smallest_eigenvalue() > 1e-6 * t.lambda().largest_eigenvalue() {
            let one = PromptMixture::new(&[1.0], vec![t.clone()]).expect("a mixture");
            let mixed = mixture_minimum(&one).expect("regular");
            assert!((mixed.l_star - least).abs() <= tie);
        }
    });
    strata.finish();
}

#[test]
fn depth_decreases_the_optimal_risk_for_every_aspect_and_noise() {
    let mut strata = Strata::default();
    for i in 0..=24 {
        for s in [0.0, 1e-12, 0.1, 1.0, 1e6] {
            let c = 10f64.powf(f64::from(i) / 4.0 - 3.0);
            strata.count("c > 1", c > 1.0);
            strata.count("c = 1", c == 1.0);
            strata.count("noiseless", s == 0.0);
            let mut before = 1.0;
            for k in 0..40 {
                let r = optimal_depth_risk(k, c, s).expect("valid");
                assert!(r.risk <= before * (1.0 + 1e-14) && r.risk >= r.bayes && r.gap >= 0.0, "{k} {c} {s}");
                before = r.risk;
            }
        }
    }
    strata.finish();
}

/// NaN, infinities, negative or zero where it is not allowed: an error, never a panic, never a NaN.
#[test]
fn garbage_is_refused_at_the_public_interface() {
    use solvable_model::icl::{Polynomial, Prompt, check_weights};
    use solvable_theory::icl as theory;
    let garbage = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0];
    let unit = || Covariance::isotropic("Lambda", 2, 1.0).expect("valid");
    let mut refused = 0;
    let mut expect = |name: &str, failed: bool| {
        assert!(failed, "{name} was accepted");
        refused += 1;
    };
    for g in garbage {
        expect("diagonal", Covariance::diagonal("Lambda", &[1.0, g]).is_err());
        expect("dense", Covariance::dense("Lambda", Mat::from_fn(2, 2, |_, _| g).as_ref()).is_err());
        expect("isotropic", Covariance::isotropic("Lambda", 2, g).is_err());
        expect("noise", RegressionTask::new(unit(), unit(), g, 3).is_err());
        expect("test noise", TestPrompts::new(unit(), unit(), unit(), g, 3).is_err());
        expect("weights", check_weights(&[g, 1.0]).is_err());
        expect("bayes", theory::scalar_bayes_risk(g, 1.0, 3).is_err());
        expect("bayes noise", theory::scalar_bayes_risk(1.0, g, 3).is_err());
        expect("step", theory::unnormalised_step(2, 3, g, 1.0).is_err());
        expect("flow", theory::IsotropicFlow::new(2, g, 1.0, 0.0, 3).is_err());
        expect(
            "time",
            theory::IsotropicFlow::new(2, 1.0, 1.0, 0.0, 3).is_ok_and(|f| f.at(0.1, 0.1, g).is_err()),
        );
        expect("aspect", optimal_depth_risk(2, g, 0.0).is_err());
        expect("limit noise", optimal_depth_risk(2, 0.5, g).is_err());
        expect("finite noise", theory::finite_optimum(2, 3, 4, g).is_err());
        expect("limit moment", theory::marchenko_pastur_moment(3, g).is_err());
        expect("ridge", theory::bayes_limit(0.5, g).is_err());
        expect(
            "kurtosis",
            Whitened::new(&RegressionTask::isotropic(2, 1.0, 1.0, 0.0, 3).expect("valid"))
                .is_ok_and(|w| w.elliptical(g).is_err()),
        );
        expect("interval", theory::best_correction(g, 2.0).is_err());
    }
    let a = Mat::from_fn(2, 2, |i, _| if i == 0 { f64::NAN } else { 1.0 });
    let t = RegressionTask::isotropic(2, 1.0, 1.0, 0.1, 3).expect("valid");
    let law = Whitened::new(&t).expect("valid");
    expect("NaN predictor", loss_and_gradient(&t, a.as_ref()).is_err());
    expect("NaN excess", excess_loss(&law, a.as_ref()).is_err());
    expect("wrong shape", loss_and_gradient(&t, Mat::<f64>::zeros(3, 3).as_ref()).is_err());
    expect("not symmetric", Covariance::from_rows("Psi", &[vec![1.0, 0.5], vec![0.2, 1.0]]).is_err());
    expect("indefinite", Covariance::from_rows("Psi", &[vec![1.0, 2.0], vec![2.0, 1.0]]).is_err());
    expect("no context", RegressionTask::new(unit(), unit(), 0.0, 0).is_err());
    expect("no dimension", Covariance::isotropic("Lambda", 0, 1.0).is_err());
    expect(
        "dimensions",
        RegressionTask::new(unit(), Covariance::isotropic("Psi", 3, 1.0).expect("valid"), 0.0, 3).is_err(),
    );
    expect("rank", rank_minimum(&law, 3).is_err());
    expect("empty mixture", PromptMixture::new(&[], vec![]).is_err());
    expect("weights that do not sum to 1", PromptMixture::new(&[0.5], vec![t.clone()]).is_err());
    expect("no coefficients", Polynomial::new(&[]).is_err());
    expect("prompt", Prompt::new(Mat::from_fn(1, 2, |_, _| f64::NAN), vec![1.0], vec![0.0, 0.0]).is_err());
    expect("labels", Prompt::new(Mat::<f64>::zeros(1, 2), vec![], vec![0.0, 0.0]).is_err());
    expect("moment", wishart_moment(3, 0, 4).is_err() && wishart_moment(3, 4, 0).is_err());
    println!("{refused} refusals");
}
