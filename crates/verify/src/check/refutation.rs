//! Refutation: a published statement fails on a certified counterexample.
use std::time::Instant;

use super::{Check, Design, Enclosure, Of, Plan, Sabotage, Variants, finite, sabotage_list, select};
use crate::{Cell, CellEvidence, CheckError, CheckEvidence, Kind, Verdict};

/// Shows `counterexample < published` with certainty, where the published statement says
/// `published <= counterexample`.
///
/// Both are rigorous enclosures. Passes when they are disjoint in that order. The resolution is the width of the two
/// enclosures over their distance: how much of the refutation's margin is uncertain.
pub struct Refutation<C> {
    name: &'static str,
    what: &'static str,
    cells: Design<C>,
    published: Variants<Of<C, Enclosure>>,
    counterexample: Variants<Of<C, Enclosure>>,
}

impl<C: Cell> Refutation<C> {
    /// Declares the published minimum and a counterexample that is claimed to lie below it.
    pub fn new(
        name: &'static str,
        what: &'static str,
        cells: impl Fn(super::Budget, &mut rand_chacha::ChaCha12Rng) -> Vec<C> + Send + Sync + 'static,
        published: impl Fn(&C) -> Result<Enclosure, CheckError> + Send + Sync + 'static,
        counterexample: impl Fn(&C) -> Result<Enclosure, CheckError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            what,
            cells: Box::new(cells),
            published: Variants::new(Box::new(published)),
            counterexample: Variants::new(Box::new(counterexample)),
        }
    }

    /// Adds a wrong version of the published value, for which the counterexample is none.
    #[must_use]
    pub fn wrong(
        mut self,
        name: &'static str,
        published: impl Fn(&C) -> Result<Enclosure, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.published.corrupted.push((name, Box::new(published)));
        self
    }

    /// Adds a point that is no counterexample.
    #[must_use]
    pub fn broken(
        mut self,
        name: &'static str,
        counterexample: impl Fn(&C) -> Result<Enclosure, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.counterexample.corrupted.push((name, Box::new(counterexample)));
        self
    }
}

impl<C: Cell + 'static> Check for Refutation<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn kind(&self) -> Kind {
        Kind::Refutation
    }

    fn sabotages(&self) -> Vec<Sabotage> {
        sabotage_list(&self.published, &self.counterexample)
    }

    fn run(&self, plan: &Plan, sabotage: Option<usize>) -> Result<CheckEvidence, CheckError> {
        let start = Instant::now();
        let (published, counterexample) = select(&self.published, &self.counterexample, sabotage, self.name)?;
        let required = plan.budget.required_resolution();
        let mut cells = Vec::new();
        for cell in (self.cells)(plan.budget, &mut plan.design_rng(self.name)) {
            let (p, c) = (published(&cell)?, counterexample(&cell)?);
            for v in [p.lower, p.upper, c.lower, c.upper] {
                finite("a side of the refutation", v, &cell)?;
            }
            let margin = (p.lower - c.upper).next_down();
            let (predicted, observed) = (0.5 * (p.lower + p.upper), 0.5 * (c.lower + c.upper));
            let width = (p.upper - p.lower) + (c.upper - c.lower);
            let distance = (predicted - observed).abs();
            let resolution = if distance > 0.0 { width / distance } else { f64::MAX };
            let verdict = if margin <= 0.0 {
                Verdict::Fail
            } else if resolution > required {
                Verdict::Inconclusive
            } else {
                Verdict::Pass
            };
            let parameters = cell.parameters();
            cells.push(CellEvidence {
                label: parameters.label(),
                parameters,
                predicted,
                observed,
                error_bar: 0.5 * width,
                scale: predicted.abs().max(f64::MIN_POSITIVE),
                resolution,
                z: None,
                p_value: None,
                cost: 1,
                seed: None,
                retested: false,
                verdict,
                note: format!("published value exceeds the counterexample by at least {margin:.3e}"),
                series: Vec::new(),
            });
        }
        Ok(CheckEvidence {
            check: self.name,
            what: self.what,
            kind: Kind::Refutation,
            level: None,
            required_resolution: required,
            allowance: "",
            cells,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}
