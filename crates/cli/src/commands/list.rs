//! `solvable list`: the claims.
use clap::Args;
use solvable_verify::report::plain::plain;
use solvable_verify::{Claim, registry};

use super::print;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Chapters or claim ids (default: everything).
    #[arg(value_name = "CHAPTER|CLAIM")]
    selection: Vec<String>,

    /// Print everything that describes the claims as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    if arguments.json {
        let claims: Vec<_> = registry::select(&arguments.selection)?.iter().map(describe).collect();
        return print(&format!("{:#}\n", serde_json::Value::from(claims))).map(|()| 0);
    }
    let mut text = String::new();
    for claim in registry::select(&arguments.selection)? {
        let kinds: Vec<&str> = claim.kinds().iter().map(|k| k.name()).collect();
        let (title, source) = (plain(claim.title), plain(claim.source));
        text += &format!("{:<8} {:<28} {title}\n         {source}\n", claim.id, kinds.join(", "));
    }
    print(&text)?;
    Ok(0)
}

fn describe(claim: &Claim) -> serde_json::Value {
    let checks: Vec<_> = claim
        .checks
        .iter()
        .map(|check| {
            let rejects: Vec<_> = check.sabotages().into_iter().map(|s| s.name).collect();
            serde_json::json!({
                "name": check.name(),
                "what": check.what(),
                "kind": check.kind().name(),
                "must_reject": rejects,
            })
        })
        .collect();
    let kinds: Vec<&str> = claim.kinds().iter().map(|k| k.name()).collect();
    serde_json::json!({
        "id": claim.id,
        "chapter": claim.chapter.name(),
        "title": claim.title,
        "statement": claim.statement,
        "assumptions": claim.assumptions,
        "source": claim.source,
        "formula": claim.formula,
        "simulator": claim.simulator,
        "kinds": kinds,
        "checks": checks,
    })
}
