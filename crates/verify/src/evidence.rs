//! What a check returns: numbers a reader can judge, and a verdict.
use serde::Serialize;

use crate::{Chapter, Kind, Parameters};

/// The outcome of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Theory and simulation agree, and a difference of one resolution would have been seen.
    Pass,
    /// Seen without a theorem: recorded, not judged.
    Recorded,
    /// The run could not have told.
    Inconclusive,
    /// Theory and simulation disagree.
    Fail,
}

impl Verdict {
    /// Lower-case name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Recorded => "recorded",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }
}

/// One point of a check's picture: predicted line, observed point, error bar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Abscissa (level, size, time, ...).
    pub x: f64,
    /// Theory.
    pub predicted: f64,
    /// Simulation.
    pub observed: f64,
    /// Half-width of the error bar.
    pub error_bar: f64,
}

/// The comparison in one cell.
#[derive(Clone, Debug, Serialize)]
pub struct CellEvidence {
    /// Short label of the parameters.
    pub label: String,
    /// The parameters.
    pub parameters: Parameters,
    /// The number predicted by theory.
    pub predicted: f64,
    /// The number observed.
    pub observed: f64,
    /// Half-width of the error bar of `observed - predicted` at the check's level, or the stated bound.
    pub error_bar: f64,
    /// The size against which differences are judged.
    pub scale: f64,
    /// The smallest relative change of the prediction that this run would have noticed.
    pub resolution: f64,
    /// Standardised difference, where the check is statistical.
    pub z: Option<f64>,
    /// Two-sided p-value of the deciding run, where the check is statistical.
    pub p_value: Option<f64>,
    /// Replicas, levels or search evaluations spent.
    pub cost: u64,
    /// Seed of the deciding stream, where there is one.
    pub seed: Option<u64>,
    /// Whether the cell was tested again on a fresh stream.
    pub retested: bool,
    /// The outcome.
    pub verdict: Verdict,
    /// A remark a reader needs, or empty.
    pub note: String,
    /// Points of a picture, where the cell is a series.
    pub series: Vec<Point>,
}

/// The evidence of one check.
#[derive(Clone, Debug, Serialize)]
pub struct CheckEvidence {
    /// Name of the check, unique within its claim.
    pub check: &'static str,
    /// The observable, in words.
    pub what: &'static str,
    /// The kind of comparison.
    pub kind: Kind,
    /// Level a per cell (the probability of a first rejection of a true formula), where statistical.
    pub level: Option<f64>,
    /// Largest resolution accepted as conclusive.
    pub required_resolution: f64,
    /// Why the required resolution is coarser than the budget's, or empty.
    pub allowance: &'static str,
    /// One entry a cell.
    pub cells: Vec<CellEvidence>,
    /// Wall-clock seconds.
    pub seconds: f64,
}

impl CheckEvidence {
    /// The worst verdict of the cells; a check without cells is inconclusive.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.cells.iter().map(|c| c.verdict).max().unwrap_or(Verdict::Inconclusive)
    }

    /// The coarsest resolution of the cells.
    #[must_use]
    pub fn resolution(&self) -> f64 {
        self.cells.iter().map(|c| c.resolution).fold(0.0, f64::max)
    }

    /// The cell to show in a table: the worst verdict, then the largest standardised difference.
    #[must_use]
    pub fn worst_cell(&self) -> Option<&CellEvidence> {
        let strain = |c: &CellEvidence| {
            let difference = (c.observed - c.predicted).abs();
            if difference == 0.0 { 0.0 } else { difference / c.error_bar }
        };
        self.cells.iter().max_by(|a, b| a.verdict.cmp(&b.verdict).then(strain(a).total_cmp(&strain(b))))
    }
}

/// The evidence of one claim.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimEvidence {
    /// Identifier of the claim.
    pub id: &'static str,
    /// Its chapter.
    pub chapter: Chapter,
    /// Its title.
    pub title: &'static str,
    /// The worst verdict of its checks.
    pub verdict: Verdict,
    /// Its checks.
    pub checks: Vec<CheckEvidence>,
    /// Checks that could not be carried out: name and reason.
    pub errors: Vec<(&'static str, String)>,
}

impl ClaimEvidence {
    /// The coarsest resolution of the checks.
    #[must_use]
    pub fn resolution(&self) -> f64 {
        self.checks.iter().map(CheckEvidence::resolution).fold(0.0, f64::max)
    }

    /// Seconds spent in its checks.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.checks.iter().map(|c| c.seconds).sum()
    }
}
