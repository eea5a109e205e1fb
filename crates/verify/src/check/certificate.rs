//! Certificate: a returned optimum meets a rigorous lower bound.
use std::time::Instant;

use super::{Check, Design, Of, Plan, Sabotage, Variants, finite, sabotage_list, select};
use crate::{Cell, CellEvidence, CheckError, CheckEvidence, Kind, Verdict};

/// A rigorous enclosure of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enclosure {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// Compares the value attained by a returned optimum (theory) with a lower bound of the minimum (dual, or other
/// rigorous argument): the enclosure of the gap must contain 0.
///
/// The resolution is the width of that enclosure over the scale: a returned value higher than the minimum by more would
/// have been noticed.
pub struct Certificate<C> {
    name: &'static str,
    what: &'static str,
    cells: Design<C>,
    attained: Variants<Of<C, Enclosure>>,
    lower: Variants<Of<C, Enclosure>>,
    scale: Option<Of<C, f64>>,
}

impl<C: Cell> Certificate<C> {
    /// Declares the comparison of an attained value with a lower bound.
    pub fn new(
        name: &'static str,
        what: &'static str,
        cells: impl Fn(super::Budget, &mut rand_chacha::ChaCha12Rng) -> Vec<C> + Send + Sync + 'static,
        attained: impl Fn(&C) -> Result<Enclosure, CheckError> + Send + Sync + 'static,
        lower: impl Fn(&C) -> Result<Enclosure, CheckError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            what,
            cells: Box::new(cells),
            attained: Variants::new(Box::new(attained)),
            lower: Variants::new(Box::new(lower)),
            scale: None,
        }
    }

    /// The size against which the gap is judged, instead of the attained value.
    #[must_use]
    pub fn scale(mut self, scale: impl Fn(&C) -> Result<f64, CheckError> + Send + Sync + 'static) -> Self {
        self.scale = Some(Box::new(scale));
        self
    }

    /// Adds a plausible wrong optimum.
    #[must_use]
    pub fn wrong(
        mut self,
        name: &'static str,
        attained: impl Fn(&C) -> Result<Enclosure, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.attained.corrupted.push((name, Box::new(attained)));
        self
    }

    /// Adds a broken lower bound.
    #[must_use]
    pub fn broken(
        mut self,
        name: &'static str,
        lower: impl Fn(&C) -> Result<Enclosure, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.lower.corrupted.push((name, Box::new(lower)));
        self
    }
}

impl<C: Cell + 'static> Check for Certificate<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn kind(&self) -> Kind {
        Kind::Certificate
    }

    fn sabotages(&self) -> Vec<Sabotage> {
        sabotage_list(&self.attained, &self.lower)
    }

    fn run(&self, plan: &Plan, sabotage: Option<usize>) -> Result<CheckEvidence, CheckError> {
        let start = Instant::now();
        let (attained, lower) = select(&self.attained, &self.lower, sabotage, self.name)?;
        let required = plan.budget.required_resolution();
        let mut cells = Vec::new();
        for cell in (self.cells)(plan.budget, &mut plan.design_rng(self.name)) {
            let (a, l) = (attained(&cell)?, lower(&cell)?);
            for v in [a.lower, a.upper] {
                finite("theory", v, &cell)?;
            }
            for v in [l.lower, l.upper] {
                finite("the lower bound", v, &cell)?;
            }
            let middle = 0.5 * (a.lower + a.upper);
            let scale = match &self.scale {
                Some(scale) => scale(&cell)?,
                None => middle.abs(),
            };
            let scale = if scale > 0.0 { scale } else { 1.0 };
            // One ulp outwards: the two subtractions round.
            let gap =
                Enclosure { lower: (a.lower - l.upper).next_down(), upper: (a.upper - l.lower).next_up() };
            let width = gap.upper - gap.lower;
            let resolution = width / scale;
            let verdict = if gap.lower > 0.0 || gap.upper < 0.0 {
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
                predicted: middle,
                observed: 0.5 * (l.lower + l.upper),
                error_bar: 0.5 * width,
                scale,
                resolution,
                z: None,
                p_value: None,
                cost: 1,
                seed: None,
                retested: false,
                verdict,
                note: String::new(),
                series: Vec::new(),
            });
        }
        Ok(CheckEvidence {
            check: self.name,
            what: self.what,
            kind: Kind::Certificate,
            level: None,
            required_resolution: required,
            allowance: "",
            cells,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}
