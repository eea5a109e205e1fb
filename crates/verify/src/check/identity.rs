//! Identity: two exact expressions agree within a stated error bound.
use std::time::Instant;

use super::{Check, Design, Of, Plan, Sabotage, Variants, finite, sabotage_list, select};
use crate::{Cell, CellEvidence, CheckError, CheckEvidence, Kind, Verdict};

/// Compares two vectors of numbers, `left` (theory) and `right` (an expression with other algebra).
///
/// A cell passes when every difference is at most `bound * scale`, where `bound` is a relative error bound
/// derived from the algorithms (`c * n * eps * condition`), and `scale` defaults to the largest entry of
/// `left`. Its resolution is the bound.
pub struct Identity<C> {
    name: &'static str,
    what: &'static str,
    cells: Design<C>,
    left: Variants<Of<C, Vec<f64>>>,
    right: Variants<Of<C, Vec<f64>>>,
    bound: Of<C, f64>,
    scale: Option<Of<C, f64>>,
}

impl<C: Cell> Identity<C> {
    /// Declares the comparison of `left` (theory) with `right`.
    pub fn new(
        name: &'static str,
        what: &'static str,
        cells: impl Fn(super::Budget, &mut rand_chacha::ChaCha12Rng) -> Vec<C> + Send + Sync + 'static,
        left: impl Fn(&C) -> Result<Vec<f64>, CheckError> + Send + Sync + 'static,
        right: impl Fn(&C) -> Result<Vec<f64>, CheckError> + Send + Sync + 'static,
        bound: impl Fn(&C) -> Result<f64, CheckError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            what,
            cells: Box::new(cells),
            left: Variants::new(Box::new(left)),
            right: Variants::new(Box::new(right)),
            bound: Box::new(bound),
            scale: None,
        }
    }

    /// The size against which differences are judged, instead of the largest predicted entry.
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
        formula: impl Fn(&C) -> Result<Vec<f64>, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.left.corrupted.push((name, Box::new(formula)));
        self
    }

    /// Adds a broken independent side.
    #[must_use]
    pub fn broken(
        mut self,
        name: &'static str,
        simulator: impl Fn(&C) -> Result<Vec<f64>, CheckError> + Send + Sync + 'static,
    ) -> Self {
        self.right.corrupted.push((name, Box::new(simulator)));
        self
    }
}

impl<C: Cell + 'static> Check for Identity<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn kind(&self) -> Kind {
        Kind::Identity
    }

    fn sabotages(&self) -> Vec<Sabotage> {
        sabotage_list(&self.left, &self.right)
    }

    fn run(&self, plan: &Plan, sabotage: Option<usize>) -> Result<CheckEvidence, CheckError> {
        let start = Instant::now();
        let (left, right) = select(&self.left, &self.right, sabotage, self.name)?;
        let mut cells = Vec::new();
        for cell in (self.cells)(plan.budget, &mut plan.design_rng(self.name)) {
            let (l, r) = (left(&cell)?, right(&cell)?);
            if l.len() != r.len() || l.is_empty() {
                return Err(CheckError::IllDeclared {
                    check: self.name,
                    reason: "the two sides have different or zero lengths",
                });
            }
            for (&a, &b) in l.iter().zip(&r) {
                finite("theory", a, &cell)?;
                finite("the independent side", b, &cell)?;
            }
            let scale = match &self.scale {
                Some(scale) => scale(&cell)?,
                None => l.iter().fold(0.0, |m: f64, v| m.max(v.abs())),
            };
            // A prediction of exactly zero without a declared scale is compared absolutely.
            let scale = if scale > 0.0 { scale } else { 1.0 };
            let bound = (self.bound)(&cell)?;
            let worst = (0..l.len())
                .max_by(|&i, &j| (l[i] - r[i]).abs().total_cmp(&(l[j] - r[j]).abs()))
                .expect("checked above: not empty");
            let parameters = cell.parameters();
            cells.push(CellEvidence {
                label: parameters.label(),
                parameters,
                predicted: l[worst],
                observed: r[worst],
                error_bar: bound * scale,
                scale,
                resolution: bound,
                z: None,
                p_value: None,
                cost: l.len() as u64,
                seed: None,
                retested: false,
                verdict: if (l[worst] - r[worst]).abs() <= bound * scale {
                    Verdict::Pass
                } else {
                    Verdict::Fail
                },
                note: String::new(),
                series: Vec::new(),
            });
        }
        Ok(CheckEvidence {
            check: self.name,
            what: self.what,
            kind: Kind::Identity,
            level: None,
            required_resolution: plan.budget.required_resolution(),
            allowance: "",
            cells,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}
