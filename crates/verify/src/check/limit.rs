//! Limit: a deterministic simulation converges to theory, at the predicted rate.
use std::time::Instant;

use super::{Check, Design, Of, Plan, Sabotage, Variants, finite, judge, sabotage_list, select};
use crate::{Cell, CellEvidence, CheckError, CheckEvidence, Kind, Point, Verdict};

/// The predicted ratio of successive errors, and how far the observed ones may be from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Contraction {
    /// Step halving with a method of this order: errors shrink by 2^(-order).
    Order {
        /// Predicted order.
        order: f64,
        /// Accepted deviation of the last observed order.
        tolerance: f64,
    },
    /// Equal steps in time with an exponential approach: errors shrink by exp(-decay).
    Exponential {
        /// Predicted decrease of log(error) a level.
        decay: f64,
        /// Accepted relative deviation of the last observed decay.
        tolerance: f64,
    },
}

impl Contraction {
    fn ratio(self) -> f64 {
        match self {
            Self::Order { order, .. } => (-order).exp2(),
            Self::Exponential { decay, .. } => (-decay).exp(),
        }
    }

    /// Observed rate in the units of the prediction, from a ratio of successive differences.
    fn observed(self, ratio: f64) -> f64 {
        match self {
            Self::Order { .. } => -ratio.abs().log2(),
            Self::Exponential { .. } => -ratio.abs().ln(),
        }
    }

    fn settles(self, rate: f64) -> bool {
        match self {
            Self::Order { order, tolerance } => (rate - order).abs() <= tolerance,
            Self::Exponential { decay, tolerance } => (rate / decay - 1.0).abs() <= tolerance,
        }
    }
}

/// A simulation of one cell at all its levels: values, from the coarsest to the finest.
pub type Levels<C> = Box<dyn Fn(&C) -> Result<Vec<f64>, CheckError> + Send + Sync>;

/// Compares the extrapolated limit of a sequence with theory, and the sequence's rate with the prediction.
///
/// With values v_0..v_K and differences `D_k = v_{k+1} - v_k`, observed ratios `D_{k+1}/D_k` above the round-off
/// `floor` (relative to the scale) must settle at the predicted contraction q (one that still approaches it is inconclusive). The limit is `v_K + D q/(1-q)`; its bound is
/// the change between the last two extrapolations plus the floor. The first value must lie at least 1000
/// bounds away from the prediction, or the run could not have told.
pub struct Limit<C> {
    name: &'static str,
    what: &'static str,
    cells: Design<C>,
    formula: Variants<Of<C, f64>>,
    simulator: Variants<Levels<C>>,
    contraction: Of<C, Contraction>,
    scale: Option<Of<C, f64>>,
    floor: f64,
}

impl<C: Cell> Limit<C> {
    /// Declares the comparison. `floor` is the simulation's own relative accuracy (round-off or integrator
    /// tolerance), stated by whoever writes the simulation.
    pub fn new(
        name: &'static str,
        what: &'static str,
        cells: impl Fn(super::Budget, &mut rand_chacha::ChaCha12Rng) -> Vec<C> + Send + Sync + 'static,
        formula: impl Fn(&C) -> Result<f64, CheckError> + Send + Sync + 'static,
        simulator: impl Fn(&C) -> Result<Vec<f64>, CheckError> + Send + Sync + 'static,
        contraction: impl Fn(&C) -> Result<Contraction, CheckError> + Send + Sync + 'static,
        floor: f64,
    ) -> Self {
        Self {
            name,
            what,
            cells: Box::new(cells),
            formula: Variants::new(Box::new(formula)),
            simulator: Variants::new(Box::new(simulator)),
            contraction: Box::new(contraction),
            scale: None,
            floor,
        }
    }

    /// The size against which differences are judged, instead of the prediction's absolute value.
    #[must_use]
    pub fn scale(mut self, scale: impl Fn(&C) -> Result<f64, CheckError> + Send + Sync + 'static) -> Self {
        self.scale = Some(Box::new(scale));
        self
    }

    /// Adds a plausible wrong formula.
    #[must_use]
    pub fn wrong(
        mut self,
        name: &'static str,
        formula: impl Fn(&C) -> Result<f64, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.formula.corrupted.push((name, Box::new(formula)));
        self
    }

    /// Adds a broken simulator.
    #[must_use]
    pub fn broken(
        mut self,
        name: &'static str,
        simulator: impl Fn(&C) -> Result<Vec<f64>, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.simulator.corrupted.push((name, Box::new(simulator)));
        self
    }

    fn cell(
        &self,
        cell: &C,
        formula: &Of<C, f64>,
        simulator: &Levels<C>,
        required: f64,
    ) -> Result<CellEvidence, CheckError> {
        let predicted = finite("theory", formula(cell)?, cell)?;
        let scale = match &self.scale {
            Some(scale) => scale(cell)?,
            None => predicted.abs(),
        };
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(CheckError::IllDeclared {
                check: self.name,
                reason: "a prediction of 0 needs a declared scale",
            });
        }
        let values = simulator(cell)?;
        for &v in &values {
            finite("simulation", v, cell)?;
        }
        if values.len() < 4 {
            return Err(CheckError::IllDeclared {
                check: self.name,
                reason: "a limit needs at least four levels",
            });
        }
        let contraction = (self.contraction)(cell)?;
        let q = contraction.ratio();
        let floor = self.floor * scale;
        let differences: Vec<f64> = values.windows(2).map(|w| w[1] - w[0]).collect();
        // The last pair of differences that rounding has not reached.
        let last = (1..differences.len()).rev().find(|&k| differences[k].abs() > 10.0 * floor);
        let rate = last.map(|k| contraction.observed(differences[k] / differences[k - 1]));
        // Halfway to the predicted rate a level: the finest level is too coarse to tell, not at odds with it.
        let off = |k: usize| {
            (contraction.observed(differences[k] / differences[k - 1]) - contraction.observed(q)).abs()
        };
        let approaching = last.is_some_and(|k| k >= 2 && off(k) < 0.75 * off(k - 1));
        let extrapolate = |k: usize| values[k + 1] + differences[k] * q / (1.0 - q);
        let top = differences.len() - 1;
        let limit = extrapolate(top);
        let bound = (limit - extrapolate(top - 1)).abs() + floor;
        let resolution = bound / scale;
        let difference = (limit - predicted).abs();
        let settled = rate.is_some_and(|r| contraction.settles(r));
        let far = (values[0] - predicted).abs() >= 1000.0 * bound;
        let (verdict, note) = if difference > bound {
            (Verdict::Fail, String::new())
        } else if rate.is_none() {
            (Verdict::Inconclusive, "all differences are at the round-off floor".to_owned())
        } else if !settled && approaching {
            (Verdict::Inconclusive, "the rate is still approaching the predicted one".to_owned())
        } else if !settled {
            (Verdict::Fail, "the rate of convergence is not the predicted one".to_owned())
        } else if !far {
            (Verdict::Inconclusive, "the first level starts too close to its limit".to_owned())
        } else if resolution > required {
            (Verdict::Inconclusive, "the extrapolation bound is too wide".to_owned())
        } else {
            let predicted_rate = contraction.observed(q);
            (Verdict::Pass, format!("rate {:.4}, predicted {predicted_rate:.4}", rate.unwrap_or(f64::NAN)))
        };
        let parameters = cell.parameters();
        Ok(CellEvidence {
            label: parameters.label(),
            parameters,
            predicted,
            observed: limit,
            error_bar: bound,
            scale,
            resolution,
            z: None,
            p_value: None,
            cost: values.len() as u64,
            seed: None,
            retested: false,
            verdict,
            note,
            series: values
                .iter()
                .enumerate()
                .map(|(k, &v)| Point { x: k as f64, predicted, observed: v, error_bar: 0.0 })
                .collect(),
        })
    }
}

impl<C: Cell + 'static> Check for Limit<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn kind(&self) -> Kind {
        Kind::Limit
    }

    fn sabotages(&self) -> Vec<Sabotage> {
        sabotage_list(&self.formula, &self.simulator)
    }

    fn run(&self, plan: &Plan, sabotage: Option<usize>) -> Result<CheckEvidence, CheckError> {
        let start = Instant::now();
        let (formula, simulator) = select(&self.formula, &self.simulator, sabotage, self.name)?;
        let required = plan.budget.required_resolution();
        let cells = (self.cells)(plan.budget, &mut plan.design_rng(self.name));
        let cells = judge(&cells, plan, |cell| self.cell(cell, formula, simulator, required))?;
        Ok(CheckEvidence {
            check: self.name,
            what: self.what,
            kind: Kind::Limit,
            level: None,
            required_resolution: required,
            allowance: "",
            cells,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}
