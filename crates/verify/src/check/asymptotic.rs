//! Asymptotic: finite sizes extrapolate to a large-size formula.
use std::time::Instant;

use super::{Check, Design, Of, Plan, Sabotage, Variants, finite, judge, sabotage_list, select, z_and_p};
use crate::cell::Purpose;
use crate::statistics::{Estimate, fit_powers};
use crate::{Cell, CellEvidence, CheckError, CheckEvidence, Kind, Point, Verdict};

/// Simulates a cell at one size: `(cell, size, seed, replicas) -> estimate`.
pub type SizedSimulator<C> = Box<dyn Fn(&C, f64, u64, u64) -> Result<Estimate, CheckError> + Send + Sync>;

/// Compares the extrapolation of finite sizes with a formula for infinite size.
///
/// Sample means at the declared sizes are fitted by `g + sum_k a_k size^(-power_k)`, weighted by their errors. The fit
/// must show no lack of fit at the plan's level, and g must agree with theory within `z se(g)` plus the
/// change of g when the smallest size is left out. An inconclusive run is followed by one of six times the replicas, on
/// streams of its own. A rejection is repeated once on fresh streams with four times the replicas.
pub struct Asymptotic<C> {
    name: &'static str,
    what: &'static str,
    cells: Design<C>,
    formula: Variants<Of<C, f64>>,
    simulator: Variants<SizedSimulator<C>>,
    sizes: Vec<f64>,
    powers: Vec<f64>,
    replicas: (u64, u64),
    scale: Option<Of<C, f64>>,
    allowance: Option<(f64, &'static str)>,
}

impl<C: Cell> Asymptotic<C> {
    /// Declares the comparison: sizes in increasing order, powers of 1/size in the fit (usually 1 and 2), replicas at
    /// every size for the quick and the full budget.
    pub fn new(
        name: &'static str,
        what: &'static str,
        cells: impl Fn(super::Budget, &mut rand_chacha::ChaCha12Rng) -> Vec<C> + Send + Sync + 'static,
        formula: impl Fn(&C) -> Result<f64, CheckError> + Send + Sync + 'static,
        simulator: impl Fn(&C, f64, u64, u64) -> Result<Estimate, CheckError> + Send + Sync + 'static,
        sizes: &[f64],
        powers: &[f64],
        replicas: (u64, u64),
    ) -> Self {
        Self {
            name,
            what,
            cells: Box::new(cells),
            formula: Variants::new(Box::new(formula)),
            simulator: Variants::new(Box::new(simulator)),
            sizes: sizes.to_vec(),
            powers: powers.to_vec(),
            replicas,
            scale: None,
            allowance: None,
        }
    }

    /// The size against which differences are judged, instead of the prediction's absolute value.
    #[must_use]
    pub fn scale(mut self, scale: impl Fn(&C) -> Result<f64, CheckError> + Send + Sync + 'static) -> Self {
        self.scale = Some(Box::new(scale));
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
        simulator: impl Fn(&C, f64, u64, u64) -> Result<Estimate, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.simulator.corrupted.push((name, Box::new(simulator)));
        self
    }

    fn required(&self, plan: &Plan) -> f64 {
        let budget = plan.budget.required_resolution();
        self.allowance.map_or(budget, |(r, _)| r.max(budget))
    }

    fn cell(
        &self,
        cell: &C,
        plan: &Plan,
        formula: &Of<C, f64>,
        simulator: &SizedSimulator<C>,
    ) -> Result<CellEvidence, CheckError> {
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
        let replicas = match plan.budget {
            super::Budget::Quick => self.replicas.0,
            super::Budget::Full => self.replicas.1,
        };
        let mut replicas = replicas;
        let mut first =
            self.extrapolate(cell, plan, Purpose::Decision, replicas, predicted, scale, simulator)?;
        if first.verdict == Verdict::Inconclusive {
            // Whether the run could tell depends on its noise: one larger sample, on its own streams, decides then.
            replicas *= 6;
            let spent = first.cost;
            first = self.extrapolate(cell, plan, Purpose::Larger, replicas, predicted, scale, simulator)?;
            first.cost += spent;
        }
        let difference = (first.observed - first.predicted).abs();
        if first.verdict != Verdict::Fail || plan.settled(difference, first.error_bar) {
            return Ok(first);
        }
        let mut second =
            self.extrapolate(cell, plan, Purpose::Retest, 4 * replicas, predicted, scale, simulator)?;
        second.retested = true;
        second.cost += first.cost;
        if second.verdict == Verdict::Pass {
            second.note = format!("first p-value {:.1e}, not confirmed", first.p_value.unwrap_or(0.0));
        }
        second.p_value = first.p_value;
        Ok(second)
    }

    fn extrapolate(
        &self,
        cell: &C,
        plan: &Plan,
        purpose: Purpose,
        replicas: u64,
        predicted: f64,
        scale: f64,
        simulator: &SizedSimulator<C>,
    ) -> Result<CellEvidence, CheckError> {
        let parameters = cell.parameters();
        let mut points = Vec::with_capacity(self.sizes.len());
        for &size in &self.sizes {
            let seed = plan.seed_for(self.name, purpose, &parameters.clone().with("size", size));
            let estimate = simulator(cell, size, seed, replicas)?;
            finite("simulation", estimate.mean, cell)?;
            // Rounding bounds the error from below: a deterministic value is no better than that.
            let floor = 64.0 * f64::EPSILON * scale;
            points.push((size, estimate.mean, estimate.standard_error().max(floor)));
        }
        let fit = fit_powers(&points, &self.powers).map_err(CheckError::from_error)?;
        let fewer = fit_powers(&points[1..], &self.powers).map_err(CheckError::from_error)?;
        let (g, error) = (fit.coefficients[0], fit.standard_errors[0]);
        // What remains of the change once its own sampling error is taken out is truncation.
        let spread = (fewer.standard_errors[0].powi(2) - error * error).max(0.0).sqrt();
        let change = ((fewer.coefficients[0] - g).abs() - 2.0 * spread).max(0.0);
        let z = plan.critical_z();
        let difference = g - predicted;
        let (statistic, p_value) = z_and_p(difference, error);
        let resolution = (plan.detectable_z() * error + change) / scale;
        let slope_seen = self.powers.is_empty() || fit.coefficients[1].abs() >= 3.0 * fit.standard_errors[1];
        let required = self.required(plan);
        let (verdict, note) = if difference.abs() > z * error + change {
            (Verdict::Fail, String::new())
        } else if fit.p_value < plan.level {
            (Verdict::Fail, format!("lack of fit, p = {:.1e}", fit.p_value))
        } else if resolution > required {
            (Verdict::Inconclusive, "the error of the extrapolation is too wide".to_owned())
        } else if !slope_seen {
            (Verdict::Inconclusive, "the finite-size slope is lost in noise".to_owned())
        } else {
            let slope = fit.coefficients.get(1).copied().unwrap_or(0.0);
            (Verdict::Pass, format!("slope {slope:.3} / size, fit p = {:.2}", fit.p_value))
        };
        Ok(CellEvidence {
            label: parameters.label(),
            predicted,
            observed: g,
            error_bar: z * error + change,
            scale,
            resolution,
            z: Some(statistic),
            p_value: Some(p_value),
            cost: replicas * self.sizes.len() as u64,
            seed: Some(plan.seed_for(self.name, purpose, &parameters)),
            parameters,
            retested: false,
            verdict,
            note,
            series: points
                .iter()
                .map(|&(size, value, se)| Point { x: size, predicted, observed: value, error_bar: z * se })
                .collect(),
        })
    }
}

impl<C: Cell + 'static> Check for Asymptotic<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn kind(&self) -> Kind {
        Kind::Asymptotic
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
            kind: Kind::Asymptotic,
            // Two tests a cell share the level: the agreement of g and the lack of fit.
            level: Some(plan.level),
            required_resolution: self.required(plan),
            allowance: self.allowance.map_or("", |(_, reason)| reason),
            cells,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}
