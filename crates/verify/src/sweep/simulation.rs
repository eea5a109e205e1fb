//! The simulations that can be swept.
use serde_json::{Map, Value};
use solvable_linalg::diagonal;
use solvable_model::aggregate::Mixing;
use solvable_model::icl::RegressionTask;
use solvable_sim::aggregate::{Population, RidgeExperiment};
use solvable_sim::icl::ConditionalRisk;
use solvable_sim::monte_carlo::{Outcome, Partial, ReplicaError, Replicas};

use crate::compute::{ComputeError, Inputs, Key, Shape};

/// The error of one replica.
pub(super) type ReplicaFailure = Box<dyn std::error::Error + Send + Sync>;

/// A simulation with its parameters fixed: runs ranges of replicas.
pub(super) trait Prepared: Sync {
    /// Moments of all observables over the given replicas.
    fn run(
        &self,
        replicas: Replicas<'_>,
    ) -> Result<Outcome<Partial, ReplicaFailure>, ReplicaError<ReplicaFailure>>;
}

/// A simulation that can be swept over a grid of its keys.
#[derive(Clone, Copy, Debug)]
pub struct Simulation {
    /// Its name in a plan.
    pub name: &'static str,
    /// What it simulates.
    pub about: &'static str,
    /// Its parameters.
    pub keys: &'static [Key],
    /// What is measured in each replica.
    pub observables: &'static [&'static str],
    pub(super) prepare: fn(&Inputs<'_>) -> Result<Box<dyn Prepared>, ComputeError>,
}

impl Simulation {
    /// Checks parameters and makes the simulation ready.
    pub(super) fn prepare(&self, parameters: &Map<String, Value>) -> Result<Box<dyn Prepared>, ComputeError> {
        (self.prepare)(&Inputs::new(parameters, self.keys)?)
    }
}

/// All of them.
#[must_use]
pub fn simulations() -> &'static [Simulation] {
    const ALL: &[Simulation] = &[
        Simulation {
            name: "bag-risk",
            about: "Risk of ridge regression on bags of k of n rows, isotropic covariates in d dimensions: bias and variance \
                    given the covariates, noise averaged exactly",
            keys: &[
                Key::new("d", Shape::Count),
                Key::new("n", Shape::Count),
                Key::new("k", Shape::Count),
                Key::new("rho", Shape::Number),
                Key::new("lambda", Shape::Number),
                Key::new("r2", Shape::Number),
                Key::new("s2", Shape::Number),
            ],
            observables: &["bias2", "var", "risk"],
            prepare: bag_risk,
        },
        Simulation {
            name: "in-context-risk",
            about: "Risk of the linear attention predictor x' (scale I) s on isotropic in-context regression with N examples in \
                    d dimensions, given the covariates of the context",
            keys: &[
                Key::new("d", Shape::Count),
                Key::new("N", Shape::Count),
                Key::new("sigma2", Shape::Number),
                Key::new("scale", Shape::Number),
            ],
            observables: &["risk"],
            prepare: in_context_risk,
        },
        super::training::ATTENTION_FLOW,
        super::training::COLLAPSE_DESCENT,
    ];
    ALL
}

struct BagRisk(RidgeExperiment);

impl Prepared for BagRisk {
    fn run(
        &self,
        replicas: Replicas<'_>,
    ) -> Result<Outcome<Partial, ReplicaFailure>, ReplicaError<ReplicaFailure>> {
        replicas.partial(
            3,
            true,
            || self.0.work(),
            |stream, work, out| {
                let risk = self.0.replicate(stream, work)?;
                out.copy_from_slice(&[risk.bias2, risk.var, risk.total()]);
                Ok(())
            },
        )
    }
}

fn bag_risk(inputs: &Inputs<'_>) -> Result<Box<dyn Prepared>, ComputeError> {
    let population = Population::isotropic(inputs.count("d")?, inputs.number("r2")?, inputs.number("s2")?)
        .map_err(ComputeError::refused)?;
    let mixing = Mixing::new(inputs.number("rho")?).map_err(ComputeError::refused)?;
    let (n, k, lambda) = (inputs.count("n")?, inputs.count("k")?, inputs.number("lambda")?);
    let experiment =
        RidgeExperiment::bags(population, n, k, mixing, lambda).map_err(ComputeError::refused)?;
    Ok(Box::new(BagRisk(experiment)))
}

struct InContextRisk(ConditionalRisk);

impl Prepared for InContextRisk {
    fn run(
        &self,
        replicas: Replicas<'_>,
    ) -> Result<Outcome<Partial, ReplicaFailure>, ReplicaError<ReplicaFailure>> {
        replicas.partial(
            1,
            true,
            || self.0.work(),
            |stream, work, out| {
                out[0] = self.0.draw(stream, work);
                Ok(())
            },
        )
    }
}

fn in_context_risk(inputs: &Inputs<'_>) -> Result<Box<dyn Prepared>, ComputeError> {
    let (d, n) = (inputs.count("d")?, inputs.count("N")?);
    let task =
        RegressionTask::isotropic(d, 1.0, 1.0, inputs.number("sigma2")?, n).map_err(ComputeError::refused)?;
    let predictor = diagonal(&vec![inputs.number("scale")?; d]);
    let risk = ConditionalRisk::of_task(predictor.as_ref(), &task).map_err(ComputeError::refused)?;
    Ok(Box::new(InContextRisk(risk)))
}
