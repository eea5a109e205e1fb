//! `solvable compute`: one formula, JSON in, JSON out.
//!
//! A [`Block`] names the input keys of a computable quantity and the function behind it. Unknown keys are
//! refused and missing ones named. Where several blocks of a claim accept the same keys, their outputs are joined.
mod glossary;
mod inputs;

use serde_json::{Map, Value};

pub use glossary::meaning;
pub use inputs::{Inputs, Key, Shape};

use crate::provenance::Provenance;
use crate::{aggregate, collapse, icl};

/// Which route answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// An exact formula.
    Theory,
    /// The simulation, where theory has no closed form (trajectories).
    Simulation,
    /// A rigorous enclosure: each number is a pair [lower, upper].
    Enclosure,
}

/// A computable quantity of a claim.
#[derive(Debug)]
pub struct Block {
    /// Claim id.
    pub claim: &'static str,
    /// What it computes.
    pub title: &'static str,
    /// Input keys.
    pub inputs: &'static [Key],
    /// Output keys.
    pub outputs: &'static [&'static str],
    /// Which route answers.
    pub route: Route,
    /// The function.
    pub run: fn(&Inputs<'_>) -> Result<Outputs, ComputeError>,
}

/// Why a computation was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComputeError {
    /// No block belongs to the claim.
    #[error(
        "{claim} has nothing to compute: `solvable list` shows the claims, `solvable describe ID` their keys"
    )]
    NoBlock {
        /// The id as given.
        claim: String,
    },
    /// The claim has formulas, but none of them is enclosed.
    #[error("{claim} has no enclosure: `solvable compute --list-certified` shows the claims that have")]
    NoEnclosure {
        /// The id as given.
        claim: String,
    },
    /// The input is not a JSON object.
    #[error("the input must be a JSON object of keys and values")]
    NotAnObject,
    /// The input is not JSON.
    #[error("the input is not valid JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// A key that no block of the claim takes.
    #[error("key {key:?} is not taken by {claim}: it takes {}", takes.join(", "))]
    UnknownKey {
        /// Claim id.
        claim: &'static str,
        /// The key.
        key: String,
        /// The keys of the closest block.
        takes: Vec<&'static str>,
    },
    /// A required key is missing.
    #[error("key {key:?} of {claim} is missing")]
    MissingKey {
        /// Claim id.
        claim: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A value of the wrong type.
    #[error("{key} must be {expected}, found {found}")]
    WrongType {
        /// Path of the key.
        key: String,
        /// What is expected.
        expected: &'static str,
        /// The value found, shortened.
        found: String,
    },
    /// The problem statement or the formula refused the values.
    #[error(transparent)]
    Refused(Box<dyn std::error::Error + Send + Sync>),
    /// A formula returned NaN: a defect, reported instead of printed.
    #[error("{claim}: output {key} is not a number; please report this")]
    NotANumber {
        /// Claim id.
        claim: &'static str,
        /// Output key.
        key: String,
    },
}

impl ComputeError {
    /// Wraps the refusal of a model, theory or simulation function.
    pub fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl From<solvable_model::InputError> for ComputeError {
    fn from(error: solvable_model::InputError) -> Self {
        Self::refused(error)
    }
}

impl From<crate::CheckError> for ComputeError {
    fn from(error: crate::CheckError) -> Self {
        Self::refused(error)
    }
}

/// Named results, in order.
#[derive(Debug, Default)]
pub struct Outputs(Map<String, Value>);

impl Outputs {
    /// No results yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds any JSON value.
    #[must_use]
    pub fn value(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a number; infinities become "inf" and "-inf".
    #[must_use]
    pub fn number(self, key: &str, value: f64) -> Self {
        self.value(key, number(value))
    }

    /// Adds a number, or null where it is undefined.
    #[must_use]
    pub fn optional(self, key: &str, value: Option<f64>) -> Self {
        self.value(key, value.map_or(Value::Null, number))
    }

    /// Adds a list of numbers.
    #[must_use]
    pub fn vector(self, key: &str, values: &[f64]) -> Self {
        self.value(key, vector(values))
    }

    /// Adds a matrix, row by row.
    #[must_use]
    pub fn matrix(self, key: &str, m: solvable_linalg::MatRef<'_, f64>) -> Self {
        self.value(key, matrix(m))
    }

    /// Adds a list of matrices.
    #[must_use]
    pub fn matrices(self, key: &str, list: &[solvable_linalg::Mat<f64>]) -> Self {
        self.value(key, list.iter().map(|m| matrix(m.as_ref())).collect::<Vec<_>>())
    }
}

/// The pair [lower, upper] of an enclosure.
#[must_use]
pub fn enclosure(x: &solvable_certify::Interval) -> Value {
    let (low, high) = x.bounds();
    Value::from(vec![number(low), number(high)])
}

/// A JSON number; infinities are the strings "inf" and "-inf", NaN the string "nan" (refused on output).
#[must_use]
pub fn number(value: f64) -> Value {
    if value.is_finite() {
        // A negative zero prints as 0.
        Value::from(if value == 0.0 { 0.0 } else { value })
    } else if value.is_nan() {
        Value::from("nan")
    } else {
        Value::from(if value > 0.0 { "inf" } else { "-inf" })
    }
}

/// A JSON list of numbers.
#[must_use]
pub fn vector(values: &[f64]) -> Value {
    Value::from(values.iter().map(|&v| number(v)).collect::<Vec<_>>())
}

/// A JSON list of rows.
#[must_use]
pub fn matrix(m: solvable_linalg::MatRef<'_, f64>) -> Value {
    let row = |i: usize| Value::from((0..m.ncols()).map(|j| number(m[(i, j)])).collect::<Vec<_>>());
    Value::from((0..m.nrows()).map(row).collect::<Vec<_>>())
}

/// All blocks of all chapters.
#[must_use]
pub fn blocks() -> Vec<&'static Block> {
    icl::compute::BLOCKS
        .iter()
        .chain(aggregate::compute::BLOCKS.iter())
        .chain(collapse::compute::BLOCKS.iter())
        .flat_map(|group| group.iter())
        .collect()
}

/// Evaluates the blocks of `claim` that take exactly the keys of `input`.
///
/// The answer holds the outputs of the blocks and a `meta` object (claim, route, version, commit, instruction set).
///
/// # Errors
/// [`ComputeError`] naming the claim, key, value and condition.
pub fn compute(claim: &str, input: &Value) -> Result<Value, ComputeError> {
    evaluate(claim, input, blocks())
}

/// All blocks that enclose, of all chapters.
#[must_use]
pub fn certified_blocks() -> Vec<&'static Block> {
    [icl::certified::BLOCKS, aggregate::certified::BLOCKS, collapse::certified::BLOCKS]
        .into_iter()
        .flat_map(|group| group.iter())
        .collect()
}

/// As [`compute`], with rigorous enclosures: each output number is a pair [lower, upper] of doubles that certainly
/// contains the exact value of the formula at the given inputs, taken as exact.
///
/// # Errors
/// As [`compute`]; [`ComputeError::NoBlock`] where no enclosure exists.
pub fn compute_certified(claim: &str, input: &Value) -> Result<Value, ComputeError> {
    check_claim(claim, true)?;
    evaluate(claim, input, certified_blocks())
}

/// Refuses a claim that has nothing to compute, or to enclose when `certified`, before any input is read.
///
/// # Errors
/// [`ComputeError::NoBlock`], [`ComputeError::NoEnclosure`].
pub fn check_claim(claim: &str, certified: bool) -> Result<(), ComputeError> {
    let known = |blocks: Vec<&Block>| blocks.iter().any(|b| b.claim.eq_ignore_ascii_case(claim));
    let claim = || claim.to_owned();
    match (known(blocks()), certified && !known(certified_blocks())) {
        (false, _) => Err(ComputeError::NoBlock { claim: claim() }),
        (true, true) => Err(ComputeError::NoEnclosure { claim: claim() }),
        (true, false) => Ok(()),
    }
}

fn evaluate(claim: &str, input: &Value, blocks: Vec<&'static Block>) -> Result<Value, ComputeError> {
    let candidates: Vec<&Block> =
        blocks.into_iter().filter(|b| b.claim.eq_ignore_ascii_case(claim)).collect();
    let Some(first) = candidates.first() else {
        return Err(ComputeError::NoBlock { claim: claim.to_owned() });
    };
    let claim = first.claim;
    let object = input.as_object().ok_or(ComputeError::NotAnObject)?;
    let accepts = |b: &Block| {
        b.inputs.iter().all(|k| k.optional || object.contains_key(k.name))
            && object.keys().all(|name| b.inputs.iter().any(|k| k.name == name))
    };
    let matching: Vec<&Block> = candidates.iter().copied().filter(|b| accepts(b)).collect();
    if matching.is_empty() {
        return Err(mismatch(claim, &candidates, object));
    }
    let mut answer = Map::new();
    let mut refusal = None;
    let mut answered = false;
    for block in &matching {
        match Inputs::new(object, block.inputs).and_then(|inputs| (block.run)(&inputs)) {
            Ok(outputs) => {
                answered = true;
                for (key, value) in outputs.0 {
                    if contains_nan(&value) {
                        return Err(ComputeError::NotANumber { claim, key });
                    }
                    answer.insert(key, value);
                }
            }
            Err(error) => {
                for key in block.outputs {
                    answer.entry((*key).to_owned()).or_insert(Value::Null);
                }
                refusal.get_or_insert(error);
            }
        }
    }
    if !answered {
        return Err(refusal.unwrap_or(ComputeError::NotAnObject));
    }
    let route = if matching.iter().any(|b| b.route == Route::Simulation) {
        "simulation"
    } else if matching.iter().any(|b| b.route == Route::Enclosure) {
        "enclosure"
    } else {
        "theory"
    };
    let provenance = Provenance::current();
    answer.insert(
        "meta".to_owned(),
        serde_json::json!({
            "claim": claim,
            "route": route,
            "version": provenance.version,
            "commit": provenance.commit,
            "instruction_set": provenance.instruction_set,
        }),
    );
    Ok(Value::Object(answer))
}

fn contains_nan(value: &Value) -> bool {
    match value {
        Value::String(s) => s == "nan",
        Value::Array(list) => list.iter().any(contains_nan),
        Value::Object(map) => map.values().any(contains_nan),
        _ => false,
    }
}

/// The most helpful complaint: about the block that shares most keys with the input.
fn mismatch(claim: &'static str, candidates: &[&Block], object: &Map<String, Value>) -> ComputeError {
    let shared = |b: &Block| {
        let known = b.inputs.iter().filter(|k| object.contains_key(k.name)).count() as i64;
        let missing = b.inputs.iter().filter(|k| !k.optional && !object.contains_key(k.name)).count() as i64;
        // Ties go to the block that asks for least.
        2 * known - missing
    };
    let closest = candidates.iter().max_by_key(|b| shared(b)).expect("the caller checked: not empty");
    let unknown = object.keys().find(|name| closest.inputs.iter().all(|k| k.name != *name));
    if let Some(key) = unknown {
        let takes = closest.inputs.iter().map(|k| k.name).collect();
        return ComputeError::UnknownKey { claim, key: key.clone(), takes };
    }
    let missing = closest.inputs.iter().find(|k| !k.optional && !object.contains_key(k.name));
    ComputeError::MissingKey { claim, key: missing.map_or("", |k| k.name) }
}
