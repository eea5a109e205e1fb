//! `solvable describe CLAIM`: statement, source, assumptions, checks, keys of `compute`.
use clap::Args;
use solvable_verify::compute::{self, Key, Shape};
use solvable_verify::report::plain::plain;
use solvable_verify::{Claim, registry};

use super::print;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Claim id, e.g. ICL-3.
    claim: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let word = arguments.claim.clone();
    let known = registry::select(std::slice::from_ref(&word));
    let blocks: Vec<_> =
        compute::blocks().into_iter().filter(|b| b.claim.eq_ignore_ascii_case(&word)).collect();
    // A claim may be computable before it is verified: its keys are shown all the same.
    let claims = match known {
        Ok(claims) => claims,
        Err(_) if !blocks.is_empty() => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let mut text = String::new();
    for claim in &claims {
        text += &statement(claim);
    }
    for block in blocks {
        text += &format!("\ncompute {}: {}\n", block.claim, block.title);
        keys(&mut text, block.claim, block.inputs, "  ");
        text += &format!("  -> {}\n", block.outputs.join(", "));
    }
    print(&text)?;
    Ok(0)
}

fn statement(claim: &Claim) -> String {
    let mut text = format!(
        "{} {}\n\n{}\n\nassumes: {}\nsource: {}\nformula: {}\nsimulator: {}\n\nchecks:\n",
        claim.id,
        plain(claim.title),
        plain(claim.statement),
        plain(claim.assumptions),
        plain(claim.source),
        claim.formula,
        claim.simulator,
    );
    for check in &claim.checks {
        text += &format!("  {} ({}): {}\n", check.name(), check.kind().name(), plain(check.what()));
        for sabotage in check.sabotages() {
            text += &format!("    must reject: {}\n", sabotage.name);
        }
    }
    text
}

fn keys(text: &mut String, claim: &str, list: &[Key], indent: &str) {
    for key in list {
        let optional = if key.optional { ", optional" } else { "" };
        let shape = match key.shape {
            // The least value differs from key to key and stands in the meaning.
            Shape::Count => "a whole number",
            other => other.words(),
        };
        *text += &format!("{indent}{}: {shape}{optional}", key.name);
        if let Some(meaning) = compute::meaning(claim, key.name) {
            *text += &format!("; {meaning}");
        }
        text.push('\n');
        if let Shape::Object(inner) = key.shape {
            keys(text, claim, inner, &format!("{indent}  "));
        }
    }
}
