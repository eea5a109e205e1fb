//! `solvable list`: the claims.
use clap::Args;
use solvable_verify::registry;

use super::print;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Chapters or claim ids (default: everything).
    #[arg(value_name = "CHAPTER|CLAIM")]
    selection: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let mut text = String::new();
    for claim in registry::select(&arguments.selection)? {
        let kinds: Vec<&str> = claim.kinds().iter().map(|k| k.name()).collect();
        text +=
            &format!("{:<8} {:<28} {}\n         {}\n", claim.id, kinds.join(", "), claim.title, claim.source);
    }
    print(&text)?;
    Ok(0)
}
