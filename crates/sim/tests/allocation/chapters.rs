//! The simulators of the chapters: replicas, steps and evaluations add nothing to the memory of the set-up.
//!
//! Left out are the two estimators that are literal on purpose, and build the objects of the model for every draw: `icl::LiteralError` and
//! `aggregate::TrainingExperiment`.
use std::fmt::Debug;

use rand::Rng;
use solvable_linalg::Mat;
use solvable_model::aggregate::{
    BagDesign, Epsilon, FiniteDesign, IntervalData, IntervalFunctional, LabelPrivacy, Mixing, RowGroup,
};
use solvable_model::collapse::{Bias, ClassCounts, ClassLoss, FreeFeatures, FreeFeaturesLoss};
use solvable_model::icl::{LinearAttention, PromptMixture, QueryToken, RegressionTask, TestPrompts};
use solvable_model::{Covariance, Objective};
use solvable_sim::aggregate::private::{self, IntervalMechanism};
use solvable_sim::aggregate::{
    ClippedExperiment, CuratedExperiment, Population, RidgeExperiment, RidgelessExperiment,
};
use solvable_sim::collapse::{
    Network, NetworkOptions, NonnegativeFeatures, ProjectedFeatures, descended, runge_kutta4, spread_start,
};
use solvable_sim::icl::{
    AttentionStack, BayesRisk, ConditionalRisk, ContextRisk, CovariateLaw, Covariates, DepthRisk,
    ExponentialSpectrumRisk, Layers, LiteralError, MixtureRisk, PromptGradient, PromptLaw, PromptSampler,
    StackError, StackLoss, StepRule, StochasticDescent, descend, prompt_losses,
};
use solvable_sim::monte_carlo::{Stream, replicate};
use solvable_sim::normal;

use super::{allocations, alone};

/// Allocations and bytes of 2^9 replicas and of 2^12, on one thread.
fn growth<T>(run: impl Fn(u64) -> T + Sync) -> [(usize, usize); 2] {
    alone(|| {
        let count = |replicas| {
            allocations(|| {
                run(replicas);
            })
        };
        // What is made once in a process.
        count(1 << 6);
        [count(1 << 9), count(1 << 12)]
    })
}

/// The same for both, up to a few summaries of the deeper tree.
fn constant<T>(name: &str, run: impl Fn(u64) -> T + Sync) {
    let [few, many] = growth(run);
    assert!(
        many.0 <= few.0 + 16 && many.1 <= few.1 + (1 << 14),
        "{name}: {few:?} allocations and bytes for 2^9 replicas, {many:?} for 2^12"
    );
}

fn replicas<W, E: Debug + Send>(
    name: &str,
    work: impl Fn() -> W + Sync,
    sample: impl Fn(&mut Stream, &mut W) -> Result<f64, E> + Sync,
) {
    constant(name, |count| replicate(1, count, &work, &sample).expect("finite values"));
}

fn draws<W>(name: &str, work: impl Fn() -> W + Sync, draw: impl Fn(&mut Stream, &mut W) -> f64 + Sync) {
    replicas(name, work, |stream, work| Ok::<_, std::convert::Infallible>(draw(stream, work)));
}

/// No evaluation allocates but the first, which may grow a buffer.
fn evaluations<O: Objective>(name: &str, objective: &O, x: &[f64]) {
    let (mut work, mut gradient) = (objective.work(), vec![0.0; x.len()]);
    let mut evaluate = |times: usize| {
        for _ in 0..times {
            assert!(objective.value(x, &mut work).is_finite());
            objective.gradient(x, &mut gradient, &mut work);
            assert!(objective.value_and_gradient(x, &mut gradient, &mut work).is_finite());
        }
    };
    evaluate(1);
    assert_eq!(allocations(|| evaluate(20)), (0, 0), "{name}");
}

/// Symmetric, and positive by its diagonal.
fn matrix(d: usize) -> Mat<f64> {
    Mat::from_fn(d, d, |i, j| if i == j { 0.5 } else { 0.1 / (1 + i + j) as f64 })
}

fn skewed(d: usize) -> RegressionTask {
    let psi = Covariance::isotropic("Psi", d, 1.0).expect("valid");
    let lambda = Covariance::dense("Lambda", matrix(d).as_ref()).expect("valid");
    RegressionTask::new(lambda, psi, 0.3, 9).expect("valid")
}

#[test]
fn risks_given_a_context() {
    let d = 5;
    let task = skewed(d);
    let a = matrix(d);
    let risk = ConditionalRisk::of_task(a.as_ref(), &task).expect("valid");
    draws("of a task", || risk.work(), |stream, work| risk.draw(stream, work));
    let risk = ConditionalRisk::of_test(a.as_ref(), &TestPrompts::of(&task, 4)).expect("valid");
    draws("of a test", || risk.work(), |stream, work| risk.draw(stream, work));
    let short = RegressionTask::isotropic(d, 1.0, 1.0, 0.1, 3).expect("valid");
    let mixture = PromptMixture::new(&[0.5, 0.5], vec![short, task.clone()]).expect("valid");
    let risk = MixtureRisk::new(a.as_ref(), &mixture).expect("valid");
    draws("of a mixture", || risk.work(), |stream, work| risk.draw(stream, work));
    for (name, covariates) in [
        ("elliptical", CovariateLaw::elliptical(task.lambda(), 0.5).expect("valid")),
        ("uniform", CovariateLaw::uniform(d, 1.0).expect("valid")),
    ] {
        let sampler = PromptSampler::of_task(&task).with_covariates(&covariates).expect("valid");
        let risk = ContextRisk::new(a.as_ref(), sampler, task.lambda(), 1.0, 2.0).expect("valid");
        draws(name, || risk.work(), |stream, work| risk.draw(stream, work));
    }
    let bayes = BayesRisk::new(&task).expect("a proper prior");
    draws("Bayes", || bayes.work(), |stream, work| bayes.draw(stream, work));
    let spectrum = ExponentialSpectrumRisk::new(d, 0.3, 0.1).expect("valid");
    draws("random spectra", || (), |stream, ()| spectrum.draw(stream));
}

#[test]
fn depth_and_stacks() {
    let d = 5;
    for layers in [
        Layers::Descent(vec![0.3, 0.2]),
        Layers::Corrected(vec![(0.3, 0.1), (0.2, 0.1)]),
        Layers::Ridge { ridge: 0.1, steps: vec![0.2, 0.2] },
        Layers::Converged { ridge: 0.1 },
    ] {
        let name = format!("{layers:?}");
        let risk = DepthRisk::isotropic(d, layers, (1.0, 0.2), 12).expect("valid");
        draws(&name, || risk.work(), |stream, work| risk.draw(stream, work));
    }
    let task = RegressionTask::isotropic(d, 1.0, 1.0, 0.5, 8).expect("valid");
    let law = PromptSampler::of_task(&task);
    let stack = AttentionStack::gradient_steps(d, &[0.3, 0.2], 8.0, QueryToken::Masked).expect("valid");
    let error = StackError::new(law.clone(), stack, -1.0).expect("valid");
    draws("stack", || error.work(), |stream, work| error.draw(stream, work));
    let root: Vec<f64> = (0..d * d).map(|at| if at % (d + 1) == 0 { 1.0 } else { 0.0 }).collect();
    draws("queries", || error.work(), |stream, work| error.draw_over_queries(stream, &root, work));
}

/// What these tests would say of a loop that allocates: the literal estimator builds its matrices for every prompt.
#[test]
fn a_loop_that_allocates_is_seen() {
    let task = RegressionTask::isotropic(3, 1.0, 1.0, 0.5, 4).expect("valid");
    let query = QueryToken::Masked;
    let layer = LinearAttention::new(Mat::zeros(4, 4), Mat::zeros(4, 4), 4.0, query).expect("valid");
    let literal = LiteralError::new(PromptSampler::of_task(&task), layer).expect("the same dimension");
    let sample = |stream: &mut Stream, work: &mut _| literal.draw(stream, work);
    let [few, many] = growth(|count| replicate(1, count, || literal.work(), sample).expect("finite values"));
    assert!(many.0 >= few.0 + (1 << 12) - (1 << 9), "{few:?} {many:?}");
}

#[test]
fn prompts_from_a_table_or_a_law() {
    let d = 4;
    let task = skewed(d);
    let rows = Mat::from_fn(30, d, |i, j| ((i * 5 + j * 3) % 7) as f64 - 3.0);
    for (name, covariates) in
        [("rows", Covariates::Rows(rows.as_ref())), ("law", Covariates::Gaussian(task.lambda()))]
    {
        let law = PromptLaw { covariates, psi: task.psi(), sigma2: 0.2, length: 6 };
        constant(name, |count| prompt_losses(law, matrix(d).as_ref(), 1, count).expect("valid"));
    }
}

#[test]
fn training_on_prompts() {
    let (d, layers, n) = (3, 2, 6);
    let task = RegressionTask::isotropic(d, 1.0, 1.0, 0.3, n).expect("valid");
    let law = PromptSampler::of_task(&task);
    let gradient = PromptGradient::new(n as f64, QueryToken::Inside).expect("valid");
    let batches = StochasticDescent::new(law.clone(), gradient, 4).expect("valid");
    constant("stochastic descent", |steps| {
        let mut x = vec![0.01; (d + 1) * (d + 1)];
        batches.run(&mut Stream::new(1, 0), &mut x, 1e-3, steps as usize);
    });
    let mut stream = Stream::new(2, 0);
    let mut loss =
        StackLoss::new(d, layers, n as f64).expect("valid").corrected().sampled(&law, 10, &mut stream);
    let x = vec![0.05; loss.dimension()];
    evaluations("stack", &loss, &x);
    for rule in [StepRule::Euler, StepRule::RungeKutta4] {
        constant("descent", |steps| descend(&loss, &mut x.clone(), 1e-4, steps as usize, rule));
    }
    let mut prompt = law.buffer();
    assert_eq!(
        allocations(|| (0..10).for_each(|_| loss.redraw(&law, &mut stream, &mut prompt))),
        (0, 0),
        "fresh prompts"
    );
}

#[test]
fn bags() {
    let (n, d, k) = (24, 4, 3);
    let population = Population::isotropic(d, 1.0, 0.5).expect("valid");
    let half = Mixing::new(0.5).expect("a weight");
    let group = |fraction, row_weight| RowGroup { fraction, row_weight, target: 1.0, noise_variance: 0.3 };
    let bags = RidgeExperiment::bags(population.clone(), n, k, half, 0.1).expect("valid");
    let groups = RidgeExperiment::groups(population.clone(), n, &[group(0.25, 1.0), group(0.75, 0.5)], 0.1)
        .expect("valid");
    for (name, ridge) in [("bags", &bags), ("groups", &groups)] {
        replicas(name, || ridge.work(), |stream, work| ridge.replicate(stream, work).map(|r| r.var));
    }
    replicas("training", || bags.work(), |stream, work| bags.observe(stream, work).map(|o| o.risk.var));
    let privacy = LabelPrivacy::new(1.0, Some(2.0)).expect("valid");
    let clipped = ClippedExperiment::new(population, n, k, half, 0.1, privacy).expect("valid");
    replicas("clipped", || clipped.work(), |stream, work| clipped.replicate(stream, work));
    let z: Vec<f64> = (0..n).map(|i| i as f64 / n as f64).collect();
    let design = BagDesign::consecutive(n, k).expect("divides");
    let curated = CuratedExperiment::new(z, design, d, 1.0, 0.5).expect("valid");
    replicas("curated", || curated.work(), |stream, work| curated.replicate(stream, work).map(|r| r.var));
}

/// Every regime of the sizes and the weight.
#[test]
fn without_ridge() {
    let half = Mixing::new(0.5).expect("a weight");
    for (n, d, k, mixing) in [
        (40, 5, 2, Mixing::BAG),
        (12, 9, 2, Mixing::BAG),
        (24, 5, 3, half),
        (12, 20, 3, half),
        (24, 12, 3, Mixing::LEFT_OF_ONE),
    ] {
        let design = FiniteDesign::new(n, d, k, 1.0, 0.5).expect("valid");
        let experiment = RidgelessExperiment::new(design, mixing);
        let sample = |stream: &mut Stream, work: &mut _| experiment.replicate(stream, work).map(|r| r.var);
        replicas(&format!("{n} {d} {k} {mixing:?}"), || experiment.work(), sample);
    }
}

#[test]
fn private_outputs() {
    let data = IntervalData::new(&[0.1, 0.3, 0.4, 0.8, 0.9], 0.0, 1.0).expect("valid");
    let epsilon = Epsilon::new(1.0).expect("positive");
    let mechanism =
        IntervalMechanism::new(&data, IntervalFunctional::Median, 0.01, epsilon).expect("few points");
    draws("interval", || (), |stream, ()| mechanism.sample(stream));
    draws(
        "median",
        || vec![0.0; 51],
        |stream, data| {
            private::central_order_statistics(stream, data);
            private::private_median_error(data, 0.5, 3.0) + private::private_median_control(data, 0.5)
        },
    );
}

#[test]
fn training_of_features() {
    let classes = ClassCounts::new(vec![4, 3, 2]).expect("valid");
    let problem = FreeFeatures::new(classes, vec![5, 4], vec![0.01, 0.02], 0.02, Bias::Free).expect("valid");
    let mut stream = Stream::new(3, 0);
    for loss in [ClassLoss::Squared, ClassLoss::CrossEntropy] {
        let objective = FreeFeaturesLoss::new(&problem, loss).expect("small");
        let x = spread_start(objective.layout(), 1.0, &mut stream);
        evaluations("free features", &objective, &x);
        constant("descent", |steps| descended(&objective, &x, 1e-3, steps).expect("stable"));
        constant("Runge-Kutta", |steps| runge_kutta4(&objective, &x, 1.0, steps));
        let nonnegative = NonnegativeFeatures::new(&objective);
        evaluations("nonnegative", &nonnegative, &nonnegative.start(1.0, &mut stream));
        let mut inputs = [0.0; 27];
        normal::fill(&mut stream, &mut inputs);
        let options = NetworkOptions {
            hidden: 7,
            widths: vec![5, 4],
            loss,
            bias: true,
            lambda_w: 0.01,
            lambda_h: 0.01,
            lambda_backbone: 0.01,
        };
        let columns = Mat::from_fn(3, 9, |i, j| inputs[3 * j + i]);
        let network = Network::new(columns.as_ref(), &[0, 0, 0, 0, 1, 1, 1, 2, 2], options).expect("valid");
        evaluations("network", &network, &network.start(1.0, &mut stream));
    }
    let projected = ProjectedFeatures::new(&problem).expect("small");
    let x: Vec<f64> =
        (0..projected.dimension()).map(|_| stream.next_u32() as f64 / u32::MAX as f64).collect();
    evaluations("projected", &projected, &x);
}
