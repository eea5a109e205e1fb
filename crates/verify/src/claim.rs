//! What a claim is.
use serde::{Deserialize, Serialize};

use crate::check::Check;

/// A chapter of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chapter {
    /// In-context learning by linear attention.
    Icl,
    /// Learning from bags, label privacy.
    Aggregate,
    /// Neural collapse in deep linear networks.
    Collapse,
}

impl Chapter {
    /// All chapters, in the order of the book.
    pub const ALL: [Self; 3] = [Self::Icl, Self::Aggregate, Self::Collapse];

    /// The name used on the command line and in file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Icl => "icl",
            Self::Aggregate => "aggregate",
            Self::Collapse => "collapse",
        }
    }

    /// The chapter's title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Icl => "In-context learning by linear attention",
            Self::Aggregate => "Learning from bags, label privacy and robustness",
            Self::Collapse => "Neural collapse in deep linear networks",
        }
    }
}

/// The kinds of comparison; each has its own pass criterion and meaning of resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Two exact expressions agree within a stated error bound.
    Identity,
    /// A deterministic simulation converges to theory at the predicted rate.
    Limit,
    /// A Monte Carlo mean agrees with an exact expectation.
    Expectation,
    /// Finite sizes extrapolate to a large-size formula.
    Asymptotic,
    /// An inequality survives a search that tries to break it.
    Bound,
    /// A returned optimum meets a rigorous lower bound.
    Certificate,
    /// A published statement fails on a certified counterexample.
    Refutation,
    /// Something seen without a theorem: recorded, never asserted.
    Observation,
}

impl Kind {
    /// Lower-case name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Limit => "limit",
            Self::Expectation => "expectation",
            Self::Asymptotic => "asymptotic",
            Self::Bound => "bound",
            Self::Certificate => "certificate",
            Self::Refutation => "refutation",
            Self::Observation => "observation",
        }
    }

    /// Whether verdicts of this kind depend on random draws, so that they have a false-alarm rate.
    #[must_use]
    pub fn is_statistical(self) -> bool {
        matches!(self, Self::Expectation | Self::Asymptotic)
    }
}

/// One exactly checkable statement, with the checks that test it.
pub struct Claim {
    /// Stable identifier, e.g. `ICL-3`.
    pub id: &'static str,
    /// Its chapter.
    pub chapter: Chapter,
    /// A few words.
    pub title: &'static str,
    /// The statement, in Markdown with TeX between dollars.
    pub statement: &'static str,
    /// What it assumes.
    pub assumptions: &'static str,
    /// Paper and theorem, or "derived".
    pub source: &'static str,
    /// Path of the formula, e.g. `solvable_theory::icl::minimizer`.
    pub formula: &'static str,
    /// Path of the simulation or the independent expression.
    pub simulator: &'static str,
    /// The checks; the claim passes when all of them do.
    pub checks: Vec<Box<dyn Check>>,
}

impl Claim {
    /// The kinds of its checks, without repetition, in order.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = self.checks.iter().map(|c| c.kind()).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }
}
