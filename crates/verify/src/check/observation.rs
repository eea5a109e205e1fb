//! Observation: what is seen without a theorem is recorded, never asserted.
use std::time::Instant;

use super::{Check, Design, Plan, Sabotage};
use crate::cell::Purpose;
use crate::{Cell, CellEvidence, CheckError, CheckEvidence, Kind, Verdict};

/// A recorded value with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// The value.
    pub value: f64,
    /// Half-width of its interval.
    pub half_width: f64,
    /// Replicas spent.
    pub count: u64,
}

/// The observer: `(cell, seed, budget) -> value with interval`.
pub type Observer<C> = Box<dyn Fn(&C, u64, super::Budget) -> Result<Seen, CheckError> + Send + Sync>;

/// Records a measured value with its interval. It has no verdict, hence no sabotage.
pub struct Observation<C> {
    name: &'static str,
    what: &'static str,
    cells: Design<C>,
    observer: Observer<C>,
}

impl<C: Cell> Observation<C> {
    /// Declares what is recorded.
    pub fn new(
        name: &'static str,
        what: &'static str,
        cells: impl Fn(super::Budget, &mut rand_chacha::ChaCha12Rng) -> Vec<C> + Send + Sync + 'static,
        observer: impl Fn(&C, u64, super::Budget) -> Result<Seen, CheckError> + Send + Sync + 'static,
    ) -> Self {
        Self { name, what, cells: Box::new(cells), observer: Box::new(observer) }
    }
}

impl<C: Cell + 'static> Check for Observation<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn kind(&self) -> Kind {
        Kind::Observation
    }

    fn sabotages(&self) -> Vec<Sabotage> {
        Vec::new()
    }

    fn run(&self, plan: &Plan, _sabotage: Option<usize>) -> Result<CheckEvidence, CheckError> {
        let start = Instant::now();
        let mut cells = Vec::new();
        for cell in (self.cells)(plan.budget, &mut plan.design_rng(self.name)) {
            let parameters = cell.parameters();
            let seed = plan.seed_for(self.name, Purpose::Decision, &parameters);
            let seen = (self.observer)(&cell, seed, plan.budget)?;
            super::finite("simulation", seen.value, &cell)?;
            cells.push(CellEvidence {
                label: parameters.label(),
                parameters,
                predicted: seen.value,
                observed: seen.value,
                error_bar: seen.half_width,
                scale: seen.value.abs(),
                resolution: 0.0,
                z: None,
                p_value: None,
                cost: seen.count,
                seed: Some(seed),
                retested: false,
                verdict: Verdict::Recorded,
                note: "recorded, not asserted".to_owned(),
                series: Vec::new(),
            });
        }
        Ok(CheckEvidence {
            check: self.name,
            what: self.what,
            kind: Kind::Observation,
            level: None,
            required_resolution: f64::INFINITY,
            allowance: "",
            cells,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}
