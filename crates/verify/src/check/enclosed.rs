//! Enclosed: a formula in doubles against its rigorous enclosure, both asked through `compute`.
use serde_json::{Map, Value};

use super::{Certificate, Check, Enclosure};
use crate::compute::{ComputeError, compute, compute_certified};
use crate::{Cell, CheckError, Parameters};

/// Inputs of a block of `compute`.
#[derive(Clone, Debug)]
pub struct Query(Map<String, Value>);

impl Cell for Query {
    fn parameters(&self) -> Parameters {
        self.0.iter().fold(Parameters::new(), |p, (key, value)| p.with(key, value.clone()))
    }
}

/// A corruption of the inputs: what a plausible mistake would have computed.
pub type Change = fn(&mut Map<String, Value>);

/// One output of `compute`, asked twice with the same inputs: from the theory in doubles, and enclosed (`--certified`).
///
/// Honest when the double, with its rounding allowance, meets the enclosure: the certificate of a closed form. The wrong formulas
/// are the theory at corrupted inputs, the broken side the enclosure at corrupted inputs.
#[derive(Clone, Copy, Debug)]
pub struct Enclosed {
    /// Claim whose blocks answer.
    pub claim: &'static str,
    /// The output.
    pub key: &'static str,
    /// What is compared, for readers.
    pub what: &'static str,
    /// Bound of the relative rounding error of the double.
    pub relative: f64,
    /// The inputs, JSON objects.
    pub cells: fn() -> Vec<Value>,
}

impl Enclosed {
    /// Rounding allowance of a closed form of moderate condition: 64 units.
    pub const ROUNDING: f64 = 64.0 * f64::EPSILON;

    /// The check, named "enclosure".
    #[must_use]
    pub fn check(self, wrong: [(&'static str, Change); 2], broken: (&'static str, Change)) -> Box<dyn Check> {
        let [first, second] = wrong;
        let design = move |_: super::Budget, _: &mut rand_chacha::ChaCha12Rng| {
            let objects = (self.cells)();
            objects.into_iter().filter_map(|v| v.as_object().cloned().map(Query)).collect()
        };
        let check = Certificate::new(
            "enclosure",
            self.what,
            design,
            move |c: &Query| self.theory(c),
            move |c: &Query| self.certified(c),
        )
        .wrong(first.0, move |c| self.theory(&changed(c, first.1)))
        .wrong(second.0, move |c| self.theory(&changed(c, second.1)))
        .broken(broken.0, move |c| self.certified(&changed(c, broken.1)));
        Box::new(check)
    }

    fn theory(self, query: &Query) -> Result<Enclosure, CheckError> {
        let answer = compute(self.claim, &Value::Object(query.0.clone())).map_err(refused)?;
        let value = answer[self.key].as_f64().ok_or_else(|| self.missing("theory", query))?;
        let room = self.relative * value.abs();
        Ok(Enclosure { lower: value - room, upper: value + room })
    }

    fn certified(self, query: &Query) -> Result<Enclosure, CheckError> {
        let answer = compute_certified(self.claim, &Value::Object(query.0.clone())).map_err(refused)?;
        let end = |i: usize| answer[self.key][i].as_f64().ok_or_else(|| self.missing("the enclosure", query));
        Ok(Enclosure { lower: end(0)?, upper: end(1)? })
    }

    fn missing(self, route: &'static str, query: &Query) -> CheckError {
        let cell = format!("{} {}", self.key, query.parameters().label());
        CheckError::NotFinite { route, value: f64::NAN, cell }
    }
}

fn changed(query: &Query, change: Change) -> Query {
    let mut copy = query.clone();
    change(&mut copy.0);
    copy
}

fn refused(error: ComputeError) -> CheckError {
    CheckError::from_error(error)
}

/// Multiplies a number.
pub(crate) fn scale(inputs: &mut Map<String, Value>, key: &str, factor: f64) {
    if let Some(value) = inputs.get(key).and_then(Value::as_f64) {
        inputs.insert(key.to_owned(), Value::from(value * factor));
    }
}

/// Adds one to a whole number.
pub(crate) fn increment(inputs: &mut Map<String, Value>, key: &str) {
    if let Some(value) = inputs.get(key).and_then(Value::as_u64) {
        inputs.insert(key.to_owned(), Value::from(value + 1));
    }
}
