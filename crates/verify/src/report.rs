//! The report of a run: one self-contained HTML page.
use std::fmt::Write;

use crate::run::RunEvidence;
use crate::{CellEvidence, CheckEvidence, Claim, ClaimEvidence, Verdict};

const STYLE: &str = include_str!("report.css");

/// Renders the evidence of `claims` as one HTML page without references to the network.
#[must_use]
pub fn html(claims: &[Claim], evidence: &RunEvidence) -> String {
    let mut page = String::with_capacity(1 << 16);
    let count = |v: Verdict| evidence.claims.iter().filter(|c| c.verdict == v).count();
    page += "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>solvable: verification report</title>\n<style>\n";
    page += STYLE;
    page += "</style>\n</head>\n<body>\n<main>\n<h1>Verification report</h1>\n";
    let _ = writeln!(
        page,
        "<p>{} claims: {} pass, {} fail, {} inconclusive, {} only recorded. {} budget, seed {}, {:.1} s. solvable {}, commit {}, {}.</p>\n\
         <p>{} statistical tests at level {:.0e}: some true claim fails with probability at most {:.1e}.</p>",
        evidence.claims.len(),
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Inconclusive),
        count(Verdict::Recorded),
        evidence.budget,
        evidence.seed,
        evidence.seconds,
        evidence.provenance.version,
        evidence.provenance.commit,
        evidence.provenance.instruction_set,
        evidence.statistical_tests,
        evidence.level,
        evidence.family_false_alarm_rate,
    );
    page += "<table>\n<caption>Summary: one row a claim</caption>\n<thead><tr><th scope=\"col\">claim</th><th scope=\"col\">title</th>\
        <th scope=\"col\">verdict</th><th scope=\"col\">resolution</th><th scope=\"col\">seconds</th></tr></thead>\n<tbody>\n";
    for claim in &evidence.claims {
        let _ = writeln!(
            page,
            "<tr><td><a href=\"#{id}\">{id}</a></td><td>{}</td><td class=\"{v}\">{v}</td><td>{:.1e}</td><td>{:.1}</td></tr>",
            escape(claim.title),
            claim.resolution(),
            claim.seconds(),
            id = claim.id,
            v = claim.verdict.name(),
        );
    }
    page += "</tbody>\n</table>\n";
    for (claim, result) in claims.iter().zip(&evidence.claims) {
        card(&mut page, claim, result, evidence);
    }
    page += "</main>\n</body>\n</html>\n";
    page
}

fn card(page: &mut String, claim: &Claim, result: &ClaimEvidence, run: &RunEvidence) {
    let _ = writeln!(
        page,
        "<section id=\"{id}\">\n<h2>{id} {} <span class=\"{v}\">{v}</span></h2>\n<p>{}</p>\n\
         <p><b>Assumes:</b> {}</p>\n<p><b>Source:</b> {}</p>\n\
         <p><b>Rerun:</b> <code>solvable verify {id} --budget {} --seed {}</code></p>",
        escape(claim.title),
        escape(claim.statement),
        escape(claim.assumptions),
        escape(claim.source),
        run.budget,
        run.seed,
        id = claim.id,
        v = result.verdict.name(),
    );
    for check in &result.checks {
        evidence_of(page, check);
    }
    for (check, error) in &result.errors {
        let _ = writeln!(page, "<p class=\"fail\">{check} could not be carried out: {}</p>", escape(error));
    }
    *page += "</section>\n";
}

fn evidence_of(page: &mut String, check: &CheckEvidence) {
    let _ = writeln!(
        page,
        "<h3>{} <small>{}, {}</small></h3>",
        escape(check.what),
        check.kind.name(),
        check.verdict().name()
    );
    picture(page, check);
    *page += "<div class=\"scroll\"><table>\n<thead><tr><th>cell</th><th>predicted</th><th>observed</th><th>error bar</th>\
        <th>resolution</th><th>verdict</th><th>note</th></tr></thead>\n<tbody>\n";
    for c in &check.cells {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{:.6e}</td><td>{:.6e}</td><td>{:.1e}</td><td>{:.1e}</td><td class=\"{v}\">{v}</td><td>{}</td></tr>",
            escape(&c.label),
            c.predicted,
            c.observed,
            c.error_bar,
            c.resolution,
            escape(&c.note),
            v = c.verdict.name(),
        );
    }
    *page += "</tbody>\n</table></div>\n";
}

/// Deviations in units of the error bar, one dot a cell; the band is what passes.
fn picture(page: &mut String, check: &CheckEvidence) {
    let strain = |c: &CellEvidence| {
        let difference = c.observed - c.predicted;
        if difference == 0.0 { 0.0 } else { (difference / c.error_bar).clamp(-2.0, 2.0) }
    };
    let n = check.cells.len();
    if n == 0 {
        return;
    }
    let (width, middle) = (600.0, 40.0);
    let _ = write!(
        page,
        "<svg viewBox=\"0 0 {width} 80\" role=\"img\" aria-label=\"Observed minus predicted in units of the error bar, {n} cells, largest {:.2}\">\
         <rect x=\"0\" y=\"{}\" width=\"{width}\" height=\"36\" class=\"band\"/><line x1=\"0\" y1=\"{middle}\" x2=\"{width}\" y2=\"{middle}\" class=\"theory\"/>",
        check.cells.iter().map(|c| strain(c).abs()).fold(0.0, f64::max),
        middle - 18.0,
    );
    for (i, c) in check.cells.iter().enumerate() {
        let x = width * (i as f64 + 0.5) / n as f64;
        let _ = write!(page, "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"3\"/>", middle - 18.0 * strain(c));
    }
    *page += "</svg>\n";
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
