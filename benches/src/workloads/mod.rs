//! One file a workload.
pub mod agg_mc;
pub mod collapse_gd;
pub mod dln_flow;
pub mod icl_flow;
pub mod icl_mc;
pub mod icl_train;
pub mod limits;
pub mod prompts;
pub mod scalar_theory;

use serde_json::{Map, Value, json};

use crate::timing::Times;

/// What a workload reports: one line of JSON.
#[derive(Clone, Debug)]
pub struct Report {
    /// Name of the workload.
    pub workload: &'static str,
    /// Which of our implementations.
    pub implementation: &'static str,
    /// Its parameters.
    pub parameters: Value,
    /// Seconds.
    pub times: Times,
    /// The number that all implementations must agree on.
    pub result: f64,
    /// Further numbers.
    pub extra: Value,
}

impl Report {
    /// The line, in the peers' format.
    #[must_use]
    pub fn line(&self) -> Value {
        let mut parameters = self.parameters.clone();
        if let Value::Object(map) = &mut parameters {
            map.insert("threads".to_owned(), json!(rayon::current_num_threads()));
        }
        let mut line = Map::new();
        line.insert("workload".to_owned(), json!(self.workload));
        line.insert("impl".to_owned(), json!(self.implementation));
        line.insert("params".to_owned(), parameters);
        line.insert("seconds_median".to_owned(), json!(self.times.wall_median()));
        line.insert("seconds_min".to_owned(), json!(self.times.wall_min()));
        line.insert("result".to_owned(), json!(self.result));
        line.insert("reps".to_owned(), json!(self.times.wall.len()));
        line.insert("isa".to_owned(), json!(solvable_sim::lanes::Isa::current().name()));
        if let Some(cpu) = self.times.cpu_min() {
            line.insert("cpu_seconds_min".to_owned(), json!(cpu));
        }
        if let Value::Object(extra) = &self.extra {
            line.extend(extra.clone());
        }
        Value::Object(line)
    }
}
