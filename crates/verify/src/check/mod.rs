//! The kinds of comparison. A check is declared once and run honestly or sabotaged, by the same code.
mod asymptotic;
mod bound;
mod certificate;
mod enclosed;
mod expectation;
mod identity;
mod limit;
mod observation;
mod refutation;
mod search;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

pub use asymptotic::{Asymptotic, SizedSimulator};
pub use bound::{Bound, SideAt};
pub use certificate::{Certificate, Enclosure};
pub use enclosed::{Change, Enclosed, Query};
pub(crate) use enclosed::{increment, scale};
pub use expectation::{Expectation, Simulator};
pub use identity::Identity;
pub use limit::{Contraction, Levels, Limit};
pub use observation::{Observation, Observer, Seen};
pub use refutation::Refutation;

use crate::cell::{Purpose, cell_seed};
use crate::statistics::{normal_quantile_two_sided, normal_two_sided_p};
use crate::{Cell, CellEvidence, CheckError, CheckEvidence, Kind, Parameters, Verdict};

/// How much work a run may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Budget {
    /// The whole registry in well under a minute on two cores; resolutions of 5% or finer.
    Quick,
    /// Minutes; resolutions of 1% or finer.
    Full,
}

impl Budget {
    /// The coarsest resolution accepted as conclusive.
    #[must_use]
    pub fn required_resolution(self) -> f64 {
        match self {
            Self::Quick => 0.05,
            Self::Full => 0.01,
        }
    }

    /// Lower-case name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Full => "full",
        }
    }
}

/// Default probability that a true formula is rejected in one cell by the first test.
pub const DEFAULT_LEVEL: f64 = 1e-6;

/// The published default seed: fixed before any claim was written, never tuned.
pub const DEFAULT_SEED: u64 = 20_240_229;

/// `(z_{1-a/2} + POWER_QUANTILE)` standard errors are rejected with probability 0.95.
pub const POWER_QUANTILE: f64 = 1.644_853_626_951_472_7;

/// What a run wants from a check.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Claim the check belongs to.
    pub claim: &'static str,
    /// Work allowed.
    pub budget: Budget,
    /// Run seed.
    pub seed: u64,
    /// Level a per cell.
    pub level: f64,
    /// For measurements of power: judge this cell first and stop at the first one that fails. The verdict is settled
    /// then, the evidence is not complete.
    pub settle_from: Option<usize>,
}

impl Plan {
    /// A plan with the default level.
    #[must_use]
    pub fn new(claim: &'static str, budget: Budget, seed: u64) -> Self {
        Self { claim, budget, seed, level: DEFAULT_LEVEL, settle_from: None }
    }

    /// The normal quantile of the level.
    #[must_use]
    pub fn critical_z(&self) -> f64 {
        normal_quantile_two_sided(self.level)
    }

    /// The number of standard errors that is noticed with probability 0.95.
    #[must_use]
    pub fn detectable_z(&self) -> f64 {
        self.critical_z() + POWER_QUANTILE
    }

    /// Whether power is being measured and a rejection needs no repetition: at twice the threshold, one with four times
    /// the replicas, so twice the signal, agrees but for a chance below one in a million.
    pub(crate) fn settled(&self, deviation: f64, threshold: f64) -> bool {
        self.settle_from.is_some() && deviation >= 2.0 * threshold
    }

    pub(crate) fn seed_for(&self, check: &str, purpose: Purpose, parameters: &Parameters) -> u64 {
        cell_seed(self.seed, self.claim, check, purpose, parameters)
    }

    /// The generator that draws the cells of a check. Its stream depends on the run seed: another seed
    /// tries other random instances.
    pub(crate) fn design_rng(&self, check: &str) -> ChaCha12Rng {
        ChaCha12Rng::seed_from_u64(self.seed_for(check, Purpose::Design, &Parameters::new()))
    }
}

/// Which side a sabotage corrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// A plausible wrong formula.
    Formula,
    /// A broken simulator (or, for identities, a broken independent expression).
    Simulator,
}

/// A corruption that a check must reject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sabotage {
    /// What is wrong, in words.
    pub name: &'static str,
    /// Which side it corrupts.
    pub side: Side,
}

/// One comparison of a claim.
pub trait Check: Send + Sync {
    /// Name, unique within the claim.
    fn name(&self) -> &'static str;

    /// The observable, in words.
    fn what(&self) -> &'static str;

    /// Kind of comparison.
    fn kind(&self) -> Kind;

    /// The corruptions it must reject; the index is what [`run`](Check::run) takes.
    fn sabotages(&self) -> Vec<Sabotage>;

    /// Runs the comparison, with the honest pair or with one side replaced by a sabotage.
    ///
    /// # Errors
    /// [`CheckError`] when a route refuses the parameters or returns a non-finite number.
    fn run(&self, plan: &Plan, sabotage: Option<usize>) -> Result<CheckEvidence, CheckError>;
}

/// Draws the cells of a check for a budget. Random instances come from the given generator.
pub type Design<C> = Box<dyn Fn(Budget, &mut ChaCha12Rng) -> Vec<C> + Send + Sync>;

/// A function of a cell.
pub type Of<C, T> = Box<dyn Fn(&C) -> Result<T, CheckError> + Send + Sync>;

/// A route with its sabotaged variants.
pub(crate) struct Variants<F> {
    pub(crate) honest: F,
    pub(crate) corrupted: Vec<(&'static str, F)>,
}

impl<F> Variants<F> {
    pub(crate) fn new(honest: F) -> Self {
        Self { honest, corrupted: Vec::new() }
    }

    pub(crate) fn names(&self, side: Side) -> impl Iterator<Item = Sabotage> + '_ {
        self.corrupted.iter().map(move |(name, _)| Sabotage { name, side })
    }
}

/// Picks theory and simulation under an optional sabotage; formulas are numbered before simulators.
pub(crate) fn select<'a, P, S>(
    formula: &'a Variants<P>,
    simulator: &'a Variants<S>,
    sabotage: Option<usize>,
    check: &'static str,
) -> Result<(&'a P, &'a S), CheckError> {
    let wrong = formula.corrupted.len();
    match sabotage {
        None => Ok((&formula.honest, &simulator.honest)),
        Some(i) if i < wrong => Ok((&formula.corrupted[i].1, &simulator.honest)),
        Some(i) if i < wrong + simulator.corrupted.len() => {
            Ok((&formula.honest, &simulator.corrupted[i - wrong].1))
        }
        Some(_) => Err(CheckError::IllDeclared { check, reason: "no sabotage has this number" }),
    }
}

pub(crate) fn sabotage_list<P, S>(formula: &Variants<P>, simulator: &Variants<S>) -> Vec<Sabotage> {
    formula.names(Side::Formula).chain(simulator.names(Side::Simulator)).collect()
}

/// Index of the cell that is judged at a position when `first` comes before all others.
pub(crate) fn place(position: usize, first: usize) -> usize {
    match position {
        0 => first,
        p if p <= first => p - 1,
        p => p,
    }
}

/// Judges the cells in their order, or only as many as settle the verdict.
pub(crate) fn judge<C>(
    cells: &[C],
    plan: &Plan,
    judge_one: impl Fn(&C) -> Result<CellEvidence, CheckError>,
) -> Result<Vec<CellEvidence>, CheckError> {
    let mut judged = Vec::with_capacity(cells.len());
    // Another seed may have fewer cells.
    let first = plan.settle_from.unwrap_or(0).min(cells.len().saturating_sub(1));
    for position in 0..cells.len() {
        let evidence = judge_one(&cells[place(position, first)])?;
        let settled = plan.settle_from.is_some() && evidence.verdict == Verdict::Fail;
        judged.push(evidence);
        if settled {
            break;
        }
    }
    Ok(judged)
}

/// Refuses a NaN or an infinity from one of the routes.
pub(crate) fn finite(route: &'static str, value: f64, cell: &impl Cell) -> Result<f64, CheckError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(CheckError::NotFinite { route, value, cell: cell.parameters().label() })
    }
}

/// z and p of a difference with a standard error; an exact zero difference with no error is z = 0.
pub(crate) fn z_and_p(difference: f64, standard_error: f64) -> (f64, f64) {
    if standard_error > 0.0 {
        let z = difference / standard_error;
        (z, normal_two_sided_p(z))
    } else if difference == 0.0 {
        (0.0, 1.0)
    } else {
        (f64::MAX, 0.0)
    }
}
