//! One claim of the report.
use std::fmt::Write;

use super::markup::html_or_source;
use super::{badge, escape, picture};
use crate::run::RunEvidence;
use crate::{CellEvidence, CheckEvidence, Claim, ClaimEvidence};

/// Rows of a check's table; the worst come first, the JSON has all.
const ROWS: usize = 24;

pub(super) fn kinds(claim: &ClaimEvidence) -> Vec<&'static str> {
    let mut kinds: Vec<_> = claim.checks.iter().map(|c| c.kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds.into_iter().map(|k| k.name()).collect()
}

/// What the filters look at.
pub(super) fn data(claim: &ClaimEvidence) -> String {
    format!(
        "data-claim data-chapter=\"{}\" data-kinds=\"{}\" data-verdict=\"{}\" data-words=\"{}\"",
        claim.chapter.name(),
        kinds(claim).join(" "),
        claim.verdict.name(),
        escape(&format!("{} {}", claim.id, claim.title).to_lowercase()),
    )
}

pub(super) fn write(page: &mut String, claim: &Claim, result: &ClaimEvidence, run: &RunEvidence) {
    let _ = writeln!(
        page,
        "<section class=\"claim\" id=\"{id}\" aria-labelledby=\"{id}-title\" {data}>\n<h2 id=\"{id}-title\">{id}: {title} {badge}</h2>\n\
         <p>{statement}</p>\n<dl class=\"facts\">\n<dt>Assumes</dt><dd>{assumptions}</dd>\n<dt>Source</dt><dd>{source}</dd>\n\
         <dt>Formula</dt><dd><code>{formula}</code></dd>\n<dt>Against</dt><dd><code>{simulator}</code></dd>\n\
         <dt>Rerun</dt><dd><code>solvable verify {id} --budget {budget} --seed {seed}</code></dd>\n</dl>",
        id = claim.id,
        data = data(result),
        title = html_or_source(claim.title),
        badge = badge(result.verdict),
        statement = html_or_source(claim.statement),
        assumptions = html_or_source(claim.assumptions),
        source = html_or_source(claim.source),
        formula = escape(claim.formula),
        simulator = escape(claim.simulator),
        budget = run.budget,
        seed = run.seed,
    );
    for check in &result.checks {
        evidence(page, check);
    }
    for (check, error) in &result.errors {
        let _ = writeln!(page, "<p class=\"fail\">{check} could not be carried out: {}</p>", escape(error));
    }
    *page += "</section>\n";
}

fn evidence(page: &mut String, check: &CheckEvidence) {
    let _ = writeln!(
        page,
        "<h3>{} {} <span class=\"kind\">{}, {} cells, resolution {:.1e}, {:.1} s</span></h3>",
        html_or_source(check.what),
        badge(check.verdict()),
        check.kind.name(),
        check.cells.len(),
        check.resolution(),
        check.seconds,
    );
    if !check.allowance.is_empty() {
        let _ = writeln!(
            page,
            "<p>Accepts a resolution of {:.1e}: {}</p>",
            check.required_resolution,
            html_or_source(check.allowance)
        );
    }
    if let Some(figure) = picture::figure(check) {
        // On a phone the picture keeps a readable size and scrolls.
        let _ = writeln!(
            page,
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Picture of {}\">{}</div>",
            escape(check.check),
            figure.inline_svg(check.what)
        );
    }
    let mut cells: Vec<&CellEvidence> = check.cells.iter().collect();
    let strain = |c: &CellEvidence| {
        let difference = (c.observed - c.predicted).abs();
        if difference == 0.0 { 0.0 } else { difference / c.error_bar }
    };
    cells.sort_by(|a, b| b.verdict.cmp(&a.verdict).then(strain(b).total_cmp(&strain(a))));
    let shown = cells.len().min(ROWS);
    let caption = if shown < cells.len() {
        format!("The {shown} most strained of {} cells", cells.len())
    } else {
        "Cells, the most strained first".to_owned()
    };
    let _ = writeln!(
        page,
        "<details><summary>Numbers</summary>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Cells of {}\">\
         <table>\n<caption>{caption}</caption>\n<thead><tr><th scope=\"col\">cell</th><th scope=\"col\" class=\"number\">predicted</th>\
         <th scope=\"col\" class=\"number\">observed</th><th scope=\"col\" class=\"number\">error bar</th>\
         <th scope=\"col\" class=\"number\">resolution</th><th scope=\"col\">verdict</th><th scope=\"col\">note</th></tr></thead>\n<tbody>",
        escape(check.check),
    );
    for c in &cells[..shown] {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td class=\"number\">{:.6e}</td><td class=\"number\">{:.6e}</td><td class=\"number\">{:.1e}</td>\
             <td class=\"number\">{:.1e}</td><td class=\"{v}\">{v}</td><td>{}</td></tr>",
            escape(&c.label),
            c.predicted,
            c.observed,
            c.error_bar,
            c.resolution,
            escape(&c.note),
            v = c.verdict.name(),
        );
    }
    *page += "</tbody>\n</table></div></details>\n";
}
