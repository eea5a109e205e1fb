//! Cells: the parameter settings of a check, and the random streams that belong to them.
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Named parameters of a cell, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Parameters(Map<String, Value>);

impl Parameters {
    /// No parameters.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The parameters as a JSON object.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// A short label: `d=3 N=10 sigma2=0.25`.
    #[must_use]
    pub fn label(&self) -> String {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|(k, v)| match v {
                Value::String(s) => format!("{k}={s}"),
                other => format!("{k}={other}"),
            })
            .collect();
        words.join(" ")
    }
}

/// A parameter setting of a check.
pub trait Cell: Send + Sync {
    /// The parameters that identify the cell; two cells with equal parameters share their random stream.
    fn parameters(&self) -> Parameters;
}

impl Cell for Parameters {
    fn parameters(&self) -> Parameters {
        self.clone()
    }
}

/// What the seed of a cell is for: different purposes never share a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Drawing the cells of a check.
    Design,
    /// The pilot that chooses the number of replicas.
    Pilot,
    /// The run that decides.
    Decision,
    /// The run that decides instead, when the skewness of the first one asks for more replicas.
    Larger,
    /// The one retest after a rejection.
    Retest,
}

/// The seed of a cell: the first 8 bytes of SHA-256 over run seed, claim id, check name, purpose and
/// the canonical JSON of the cell's parameters.
#[must_use]
pub fn cell_seed(run_seed: u64, claim: &str, check: &str, purpose: Purpose, parameters: &Parameters) -> u64 {
    let mut hash = Sha256::new();
    hash.update(run_seed.to_le_bytes());
    let record = Value::Object(parameters.0.clone()).to_string();
    for part in [claim, check, purpose.name(), &record] {
        // Length-prefixed, so that no two different records share their bytes.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(bytes)
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Pilot => "pilot",
            Self::Decision => "decision",
            Self::Larger => "larger",
            Self::Retest => "retest",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_separate_claims_checks_purposes_and_parameters() {
        let p = Parameters::new().with("d", 3).with("N", 10);
        let base = cell_seed(1, "ICL-2", "loss", Purpose::Decision, &p);
        let others = [
            cell_seed(2, "ICL-2", "loss", Purpose::Decision, &p),
            cell_seed(1, "ICL-3", "loss", Purpose::Decision, &p),
            cell_seed(1, "ICL-2", "los", Purpose::Decision, &p),
            cell_seed(1, "ICL-2", "loss", Purpose::Retest, &p),
            cell_seed(1, "ICL-2", "loss", Purpose::Decision, &p.clone().with("M", 1)),
        ];
        assert!(others.iter().all(|&o| o != base));
        assert_eq!(base, cell_seed(1, "ICL-2", "loss", Purpose::Decision, &p));
    }
}
