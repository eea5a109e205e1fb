//! Bound: an inequality survives a search that tries to break it.
use std::time::Instant;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

use super::{Check, Design, Of, Plan, Sabotage, Variants, finite, search, select};
use crate::cell::Purpose;
use crate::{Cell, CellEvidence, CheckError, CheckEvidence, Kind, Verdict};

/// One side of an inequality at a point of the unit cube; `None` outside its hypotheses.
pub type SideAt<C> = Box<dyn Fn(&C, &[f64]) -> Result<Option<f64>, CheckError> + Send + Sync>;

/// Searches for a violation of `quantity <= bound` by maximising the ratio of the two over a cube of
/// parameters.
///
/// Passes when the best ratio found is at most `1 + rounding`, and, where theory says the bound is tight,
/// at least `1 - tight`. Its resolution is 1 minus the best ratio: a bound smaller by more than that would
/// have been broken.
pub struct Bound<C> {
    name: &'static str,
    what: &'static str,
    cells: Design<C>,
    dimension: usize,
    bound: Variants<SideAt<C>>,
    quantity: Variants<SideAt<C>>,
    rounding: f64,
    tight: Option<f64>,
    attained: Option<Of<C, Vec<f64>>>,
    search: (usize, u64, u64),
    slack: &'static str,
}

impl<C: Cell> Bound<C> {
    /// Declares `quantity(cell, x) <= bound(cell, x)` for x in `[0,1]^dimension`; both sides positive, with relative
    /// rounding errors of at most `rounding` together.
    pub fn new(
        name: &'static str,
        what: &'static str,
        cells: impl Fn(super::Budget, &mut ChaCha12Rng) -> Vec<C> + Send + Sync + 'static,
        dimension: usize,
        bound: impl Fn(&C, &[f64]) -> Result<Option<f64>, CheckError> + Send + Sync + 'static,
        quantity: impl Fn(&C, &[f64]) -> Result<Option<f64>, CheckError> + Send + Sync + 'static,
        rounding: f64,
    ) -> Self {
        Self {
            name,
            what,
            cells: Box::new(cells),
            dimension,
            bound: Variants::new(Box::new(bound)),
            quantity: Variants::new(Box::new(quantity)),
            rounding,
            tight: None,
            attained: None,
            search: (8, 4_000, 200_000),
            slack: "",
        }
    }

    /// Theory says that the supremum of the ratio is 1: the search must come within `distance` of it.
    #[must_use]
    pub fn tight(mut self, distance: f64) -> Self {
        self.tight = Some(distance);
        self
    }

    /// Theory says that equality holds at this point: the search begins there, then goes on from random starts.
    #[must_use]
    pub fn attained(
        mut self,
        point: impl Fn(&C) -> Result<Vec<f64>, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.attained = Some(Box::new(point));
        self
    }

    /// Theory says that the bound is not tight on this family, for this reason; no resolution is required.
    #[must_use]
    pub fn slack(mut self, reason: &'static str) -> Self {
        self.slack = reason;
        self
    }

    /// Random starts, and evaluations allowed on the quick and the full budget.
    #[must_use]
    pub fn search(mut self, starts: usize, quick: u64, full: u64) -> Self {
        self.search = (starts, quick, full);
        self
    }

    /// Adds a plausible wrong bound, which the search must break.
    #[must_use]
    pub fn wrong(
        mut self,
        name: &'static str,
        bound: impl Fn(&C, &[f64]) -> Result<Option<f64>, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.bound.corrupted.push((name, Box::new(bound)));
        self
    }

    /// Adds a broken computation of the bounded quantity.
    #[must_use]
    pub fn broken(
        mut self,
        name: &'static str,
        quantity: impl Fn(&C, &[f64]) -> Result<Option<f64>, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.quantity.corrupted.push((name, Box::new(quantity)));
        self
    }
}

impl<C: Cell + 'static> Check for Bound<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn kind(&self) -> Kind {
        Kind::Bound
    }

    fn sabotages(&self) -> Vec<Sabotage> {
        super::sabotage_list(&self.bound, &self.quantity)
    }

    fn run(&self, plan: &Plan, sabotage: Option<usize>) -> Result<CheckEvidence, CheckError> {
        let start = Instant::now();
        let (bound, quantity) = select(&self.bound, &self.quantity, sabotage, self.name)?;
        let (starts, evaluations) = match plan.budget {
            super::Budget::Quick => (self.search.0, self.search.1),
            super::Budget::Full => (8 * self.search.0, self.search.2),
        };
        let required = if self.slack.is_empty() { plan.budget.required_resolution() } else { f64::INFINITY };
        let mut cells = Vec::new();
        for cell in (self.cells)(plan.budget, &mut plan.design_rng(self.name)) {
            let parameters = cell.parameters();
            let seed = plan.seed_for(self.name, Purpose::Decision, &parameters);
            let mut rng = ChaCha12Rng::seed_from_u64(seed);
            let given = self.attained.as_ref().map(|point| point(&cell)).transpose()?;
            let (best, spent) =
                search::maximise(self.dimension, given, starts, evaluations, &mut rng, |x| {
                    let (Some(q), Some(b)) = (quantity(&cell, x)?, bound(&cell, x)?) else {
                        return Ok(None);
                    };
                    let q = finite("the bounded quantity", q, &cell)?;
                    // An infinite bound holds trivially; a bound of 0 allows only 0.
                    Ok::<_, CheckError>(Some(if q <= 0.0 {
                        0.0
                    } else if b > 0.0 {
                        q / b
                    } else {
                        f64::MAX
                    }))
                })?;
            let (ratio, at) = best.ok_or(CheckError::IllDeclared {
                check: self.name,
                reason: "the search met no admissible point",
            })?;
            let resolution = (1.0 - ratio).max(self.rounding);
            let broken = ratio > 1.0 + self.rounding;
            let (verdict, note) = if broken {
                let at: Vec<String> = at.iter().map(|v| format!("{v:.6}")).collect();
                (Verdict::Fail, format!("violated at [{}]", at.join(", ")))
            } else if self.tight.is_some_and(|t| resolution > t) || resolution > required {
                (Verdict::Inconclusive, "the search did not come close to equality".to_owned())
            } else {
                (Verdict::Pass, self.slack.to_owned())
            };
            cells.push(CellEvidence {
                label: parameters.label(),
                parameters,
                predicted: 1.0,
                observed: ratio,
                error_bar: self.rounding,
                scale: 1.0,
                resolution,
                z: None,
                p_value: None,
                cost: spent,
                seed: Some(seed),
                retested: false,
                verdict,
                note,
                series: Vec::new(),
            });
        }
        Ok(CheckEvidence {
            check: self.name,
            what: self.what,
            kind: Kind::Bound,
            level: None,
            required_resolution: required,
            allowance: self.slack,
            cells,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}
