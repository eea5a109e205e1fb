//! Simulations of training: gradient flow of an attention layer, gradient descent toward neural collapse.
use solvable_linalg::{Mat, matmul};
use solvable_model::Objective;
use solvable_model::collapse::{Bias, ClassCounts, ClassLoss, FreeFeatures, FreeFeaturesLoss};
use solvable_sim::collapse::{dense_metrics, descended, spread_start};
use solvable_sim::lanes::{AttentionFlow, AttentionFlowError};
use solvable_sim::monte_carlo::{Outcome, Partial, ReplicaError, Replicas, Stream};
use solvable_sim::normal;

use super::simulation::{Prepared, ReplicaFailure, Simulation};
use crate::compute::{ComputeError, Inputs, Key, Shape};

pub(super) const ATTENTION_FLOW: Simulation = Simulation {
    name: "attention-flow",
    about: "Gradient flow of a linear attention layer on in-context regression with covariance diag(i^-alpha) and N examples, \
            from U = s T T' / |T T'| with T = I + G / (2 sqrt d), G Gaussian, and v = s: the time at which |v U - Gamma^-1| falls \
            below target |Gamma^-1|, and the loss at t_ref",
    keys: &[
        Key::new("d", Shape::Count),
        Key::new("N", Shape::Count),
        Key::new("alpha", Shape::Number),
        Key::new("s", Shape::Number),
        Key::new("target", Shape::Number),
        Key::new("t_ref", Shape::Number),
    ],
    observables: &["time", "loss"],
    prepare: attention_flow,
};

pub(super) const COLLAPSE_DESCENT: Simulation = Simulation {
    name: "collapse-descent",
    about: "Gradient descent on M linear layers and free features, K classes of n, squared loss, regularisation lambda of every \
            factor, no bias, from random starts: within-class variation NC1 and the objective after the steps",
    keys: &[
        Key::new("K", Shape::Count),
        Key::new("n", Shape::Count),
        Key::new("M", Shape::Count),
        Key::new("width", Shape::Count),
        Key::new("lambda", Shape::Number),
        Key::new("step", Shape::Number),
        Key::new("steps", Shape::Count),
    ],
    observables: &["nc1", "objective"],
    prepare: collapse_descent,
};

struct Flow {
    lambda: Vec<f64>,
    context: usize,
    size: f64,
    target: f64,
    reference: f64,
}

impl Flow {
    fn from(&self, start: &[f64]) -> Result<[f64; 2], AttentionFlowError> {
        let norm = start.iter().map(|u| u * u).sum::<f64>().sqrt();
        let scaled: Vec<f64> = start.iter().map(|u| self.size * u / norm).collect();
        let end = AttentionFlow::new(&self.lambda, self.context, &scaled, self.size)?
            .until(self.target, self.reference)?;
        Ok([end.time, end.loss_at_reference])
    }

    fn draw(&self, stream: &mut Stream) -> Vec<f64> {
        let d = self.lambda.len();
        let mut z = vec![0.0; d * d];
        normal::fill(stream, &mut z);
        let scale = 0.5 / (d as f64).sqrt();
        let t = Mat::from_fn(d, d, |i, j| f64::from(u8::from(i == j)) + scale * z[i * d + j]);
        let product = matmul(t.as_ref(), t.transpose());
        (0..d * d).map(|at| product[(at / d, at % d)]).collect()
    }
}

impl Prepared for Flow {
    fn run(
        &self,
        replicas: Replicas<'_>,
    ) -> Result<Outcome<Partial, ReplicaFailure>, ReplicaError<ReplicaFailure>> {
        replicas.partial(
            2,
            true,
            || (),
            |stream, (), out| {
                out.copy_from_slice(&self.from(&self.draw(stream))?);
                Ok(())
            },
        )
    }
}

fn attention_flow(inputs: &Inputs<'_>) -> Result<Box<dyn Prepared>, ComputeError> {
    let (d, alpha) = (inputs.count("d")?, inputs.number("alpha")?);
    let flow = Flow {
        lambda: (1..=d).map(|i| (i as f64).powf(-alpha)).collect(),
        context: inputs.count("N")?,
        size: inputs.number("s")?,
        target: inputs.number("target")?,
        reference: inputs.number("t_ref")?,
    };
    // The start without its random part: what is refused there is refused in every replica.
    let identity: Vec<f64> = (0..d * d).map(|at| f64::from(u8::from(at / d == at % d))).collect();
    flow.from(&identity).map_err(ComputeError::refused)?;
    Ok(Box::new(flow))
}

struct Descent {
    objective: FreeFeaturesLoss,
    size: f64,
    step: f64,
    steps: u64,
}

impl Prepared for Descent {
    fn run(
        &self,
        replicas: Replicas<'_>,
    ) -> Result<Outcome<Partial, ReplicaFailure>, ReplicaError<ReplicaFailure>> {
        let layout = self.objective.layout();
        replicas.partial(
            2,
            true,
            || self.objective.work(),
            |stream, work, out| {
                let start = spread_start(layout, self.size, stream);
                let end = descended(&self.objective, &start, self.step, self.steps)?;
                let (features, classifier) = (layout.features(&end), layout.classifier(&end));
                let bias = vec![0.0; classifier.nrows()];
                let metrics = dense_metrics(features, self.objective.labels(), classifier.as_ref(), &bias)?;
                out.copy_from_slice(&[metrics.nc1, self.objective.value(&end, work)]);
                Ok(())
            },
        )
    }
}

fn collapse_descent(inputs: &Inputs<'_>) -> Result<Box<dyn Prepared>, ComputeError> {
    let (classes, samples) = (inputs.count("K")?, inputs.count("n")?);
    let counts = ClassCounts::balanced(classes, samples).map_err(ComputeError::refused)?;
    let (depth, width) = (inputs.count("M")?, inputs.count("width")?);
    let problem = FreeFeatures::uniform(counts, depth, width, inputs.number("lambda")?, Bias::None)
        .map_err(ComputeError::refused)?;
    let objective = FreeFeaturesLoss::new(&problem, ClassLoss::Squared).map_err(ComputeError::refused)?;
    let (step, steps) = (inputs.number("step")?, inputs.count("steps")? as u64);
    // Singular values of the logits a little above those of perfect classification: smaller starts die at depth two and more.
    let size = 1.2 * (samples as f64).sqrt();
    let zero = vec![0.0; objective.dimension()];
    // Step and number of steps are refused here and not in every replica.
    descended(&objective, &zero, step, steps.min(1)).map_err(ComputeError::refused)?;
    Ok(Box::new(Descent { objective, size, step, steps }))
}
