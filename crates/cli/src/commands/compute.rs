//! `solvable compute CLAIM`: one formula, JSON in, JSON out.
use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use solvable_verify::compute::{ComputeError, certified_blocks, check_claim, compute, compute_certified};

use super::print;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Claim id, e.g. ICL-3.
    #[arg(required_unless_present = "list_certified")]
    claim: Option<String>,

    /// Rigorous enclosures: each number becomes [lower, upper].
    #[arg(long)]
    certified: bool,

    /// Print the ids of the claims that have enclosures.
    #[arg(long, conflicts_with = "claim")]
    list_certified: bool,

    /// JSON file with the input keys, or - for standard input.
    #[arg(long, default_value = "-", value_name = "FILE")]
    input: PathBuf,

    /// One JSON object a line, in and out; a refused line stops the batch.
    #[arg(long)]
    lines: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let Some(claim) = &arguments.claim else {
        let ids: BTreeSet<&str> = certified_blocks().iter().map(|b| b.claim).collect();
        return print(&ids.iter().map(|id| format!("{id}\n")).collect::<String>()).map(|()| 0);
    };
    check_claim(claim, arguments.certified)?;
    let one = |text: &str| one(claim, text, arguments.certified);
    let mut source: Box<dyn BufRead> = if arguments.input.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = std::fs::File::open(&arguments.input)
            .map_err(|source| Failure::Read { path: arguments.input.clone(), source })?;
        Box::new(io::BufReader::new(file))
    };
    let read = |source| Failure::Read { path: arguments.input.clone(), source };
    if !arguments.lines {
        let mut text = String::new();
        source.read_to_string(&mut text).map_err(read)?;
        let answer = one(&text)?;
        print(&format!("{answer}\n"))?;
        return Ok(0);
    }
    for (index, line) in source.lines().enumerate() {
        let line = line.map_err(read)?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = one(&line).map_err(|error| Failure::ComputeLine { line: index + 1, error })?;
        print(&format!("{answer}\n"))?;
    }
    Ok(0)
}

fn one(claim: &str, text: &str, certified: bool) -> Result<Value, ComputeError> {
    let input = serde_json::from_str(text)?;
    if certified { compute_certified(claim, &input) } else { compute(claim, &input) }
}
