//! Expectation: a Monte Carlo mean against an exact expectation.
use std::time::Instant;

use super::{Check, Design, Of, Plan, Sabotage, Variants, finite, judge, sabotage_list, select, z_and_p};
use crate::cell::Purpose;
use crate::statistics::Estimate;
use crate::{Cell, CellEvidence, CheckError, CheckEvidence, Kind, Verdict};

/// Simulates a cell: `(cell, seed, replicas) -> estimate`. Same arguments, same bits.
pub type Simulator<C> = Box<dyn Fn(&C, u64, u64) -> Result<Estimate, CheckError> + Send + Sync>;

/// How often a sample that turns out too small for a normal mean is followed by a larger one.
const LARGER_ROUNDS: u64 = 4;

/// Compares a sample mean with its exact expectation by a z-test at the plan's level.
///
/// A pilot chooses the number of replicas so that the resolution `(z + 1.645) se / scale` reaches two thirds of what the
/// budget requires and the mean of n summands is normal enough (`n >= (skew z^3 / 0.6)^2`); fresh streams
/// decide, or larger ones where they turn out more skewed than the pilot. A rejection is repeated once with four times the replicas on a fresh stream: both must reject.
pub struct Expectation<C> {
    name: &'static str,
    what: &'static str,
    cells: Design<C>,
    formula: Variants<Of<C, f64>>,
    simulator: Variants<Simulator<C>>,
    scale: Option<Of<C, f64>>,
    pilot: u64,
    most: (u64, u64),
    allowance: Option<(f64, &'static str)>,
}

impl<C: Cell> Expectation<C> {
    /// Declares the comparison.
    pub fn new(
        name: &'static str,
        what: &'static str,
        cells: impl Fn(super::Budget, &mut rand_chacha::ChaCha12Rng) -> Vec<C> + Send + Sync + 'static,
        formula: impl Fn(&C) -> Result<f64, CheckError> + Send + Sync + 'static,
        simulator: impl Fn(&C, u64, u64) -> Result<Estimate, CheckError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            what,
            cells: Box::new(cells),
            formula: Variants::new(Box::new(formula)),
            simulator: Variants::new(Box::new(simulator)),
            scale: None,
            pilot: 2048,
            most: (1 << 20, 1 << 26),
            allowance: None,
        }
    }

    /// The size against which differences are judged, instead of the prediction's absolute value.
    #[must_use]
    pub fn scale(mut self, scale: impl Fn(&C) -> Result<f64, CheckError> + Send + Sync + 'static) -> Self {
        self.scale = Some(Box::new(scale));
        self
    }

    /// Replicas of the pilot (default 2048), and the most that a cell may spend on the quick and the full
    /// budget (default 2^20 and 2^26).
    #[must_use]
    pub fn replicas(mut self, pilot: u64, most_quick: u64, most_full: u64) -> Self {
        self.pilot = pilot.max(16);
        self.most = (most_quick, most_full);
        self
    }

    /// Accepts a coarser resolution, with the reason.
    #[must_use]
    pub fn allow(mut self, resolution: f64, reason: &'static str) -> Self {
        self.allowance = Some((resolution, reason));
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
        simulator: impl Fn(&C, u64, u64) -> Result<Estimate, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.simulator.corrupted.push((name, Box::new(simulator)));
        self
    }

    fn cell(
        &self,
        cell: &C,
        plan: &Plan,
        formula: &Of<C, f64>,
        simulator: &Simulator<C>,
    ) -> Result<CellEvidence, CheckError> {
        let parameters = cell.parameters();
        let predicted = finite("theory", formula(cell)?, cell)?;
        let scale = match &self.scale {
            Some(scale) => scale(cell)?,
            // A sabotaged prediction must not change the measure it is judged by.
            None => finite("theory", (self.formula.honest)(cell)?, cell)?.abs(),
        };
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(CheckError::IllDeclared {
                check: self.name,
                reason: "a prediction of 0 needs a declared scale",
            });
        }
        let required = self.required(plan);
        let pilot = simulator(cell, plan.seed_for(self.name, Purpose::Pilot, &parameters), self.pilot)?;
        let z = plan.critical_z();
        // The pilot's deviation is itself uncertain: two thirds of the requirement leaves room for that.
        let target_error = required * scale / (1.5 * plan.detectable_z());
        let for_resolution = pilot.variance / (target_error * target_error);
        // The pilot's skewness is uncertain too, and biased low where tails are heavy: half as many again.
        let for_normality = 1.5 * (pilot.skewness * z.powi(3) / 0.6).powi(2);
        let most = match plan.budget {
            super::Budget::Quick => self.most.0,
            super::Budget::Full => self.most.1,
        };
        let wanted = for_resolution.max(for_normality).max(self.pilot as f64);
        let mut count = if wanted < most as f64 { wanted.ceil() as u64 } else { most };
        let mut seed = plan.seed_for(self.name, Purpose::Decision, &parameters);
        let mut estimate = simulator(cell, seed, count)?;
        let mut spent = count;
        // Where the pilot saw too little of the tail, a larger sample on a stream of its own decides instead; at least twice
        // as large each time, it outgrows an estimate of the skewness that itself grows with the sample.
        let enough = |e: &Estimate| (e.skewness * z.powi(3) / 0.6).powi(2);
        for round in 1..=LARGER_ROUNDS {
            let needed = enough(&estimate);
            let larger = (1.5 * needed).max(2.0 * count as f64).min(most as f64);
            if needed <= count as f64 || needed > larger {
                break;
            }
            count = larger.ceil() as u64;
            seed = plan.seed_for(self.name, Purpose::Larger, &parameters.clone().with("round", round));
            estimate = simulator(cell, seed, count)?;
            spent += count;
        }
        let (mut statistic, mut p_value) = self.compare(&estimate, predicted, scale, cell)?;
        let first_p = p_value;
        let mut used_seed = seed;
        let mut retested = false;
        let mut cost = spent;
        let mut rejected = statistic.abs() > z;
        if rejected && !plan.settled(statistic.abs(), z) {
            retested = true;
            used_seed = plan.seed_for(self.name, Purpose::Retest, &parameters);
            estimate = simulator(cell, used_seed, 4 * count)?;
            (statistic, p_value) = self.compare(&estimate, predicted, scale, cell)?;
            cost += 4 * count;
            rejected = statistic.abs() > z;
        }
        let error = estimate.standard_error();
        let resolution = plan.detectable_z() * error / scale;
        let normal = estimate.count as f64 >= enough(&estimate);
        let (verdict, note) = if rejected {
            (Verdict::Fail, String::new())
        } else if resolution > required {
            (Verdict::Inconclusive, "the error bar is too wide".to_owned())
        } else if !normal {
            let skew = estimate.skewness;
            (Verdict::Inconclusive, format!("skewness {skew:.1} needs more replicas for a normal mean"))
        } else if retested {
            (Verdict::Pass, format!("first p-value {first_p:.1e}, not confirmed"))
        } else {
            (Verdict::Pass, String::new())
        };
        Ok(CellEvidence {
            label: parameters.label(),
            parameters,
            predicted,
            observed: estimate.mean,
            error_bar: z * error,
            scale,
            resolution,
            z: Some(statistic),
            // Calibration looks at first tests only: a retest exists because the first one rejected.
            p_value: Some(if retested { first_p } else { p_value }),
            cost,
            seed: Some(used_seed),
            retested,
            verdict,
            note,
            series: Vec::new(),
        })
    }

    fn required(&self, plan: &Plan) -> f64 {
        let budget = plan.budget.required_resolution();
        self.allowance.map_or(budget, |(r, _)| r.max(budget))
    }

    fn compare(
        &self,
        estimate: &Estimate,
        predicted: f64,
        scale: f64,
        cell: &C,
    ) -> Result<(f64, f64), CheckError> {
        finite("simulation", estimate.mean, cell)?;
        let difference = estimate.mean - predicted;
        // A deterministic summand has no sampling error: only rounding of its mean, at most eps a term.
        if estimate.variance <= (f64::EPSILON * scale).powi(2) * estimate.count as f64 {
            let rounding = 64.0 * f64::EPSILON * scale * (estimate.count as f64).sqrt();
            return Ok(if difference.abs() <= rounding { (0.0, 1.0) } else { (f64::MAX, 0.0) });
        }
        Ok(z_and_p(difference, estimate.standard_error()))
    }
}

impl<C: Cell + 'static> Check for Expectation<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn kind(&self) -> Kind {
        Kind::Expectation
    }

    fn sabotages(&self) -> Vec<Sabotage> {
        sabotage_list(&self.formula, &self.simulator)
    }

    fn run(&self, plan: &Plan, sabotage: Option<usize>) -> Result<CheckEvidence, CheckError> {
        let start = Instant::now();
        let (formula, simulator) = select(&self.formula, &self.simulator, sabotage, self.name)?;
        let cells = (self.cells)(plan.budget, &mut plan.design_rng(self.name));
        let cells = judge(&cells, plan, |cell| self.cell(cell, plan, formula, simulator))?;
        Ok(CheckEvidence {
            check: self.name,
            what: self.what,
            kind: Kind::Expectation,
            level: Some(plan.level),
            required_resolution: self.required(plan),
            allowance: self.allowance.map_or("", |(_, reason)| reason),
            cells,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}
