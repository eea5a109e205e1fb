//! The report of a run: one self-contained HTML page, summary first, then a card a claim.
mod card;
pub mod markup;
mod picture;
pub mod plain;
pub mod tex;

use std::fmt::Write;

use crate::run::RunEvidence;
use crate::{Chapter, Claim, Kind, Verdict};

/// The style that the report shares with the book.
pub const LOOK: &str = include_str!("look.css");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Renders the evidence of `claims` as one HTML page without references to the network.
#[must_use]
pub fn html(claims: &[Claim], evidence: &RunEvidence) -> String {
    let mut page = String::with_capacity(1 << 20);
    page += "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
        <title>solvable: verification report</title>\n<style>\n";
    page += LOOK;
    page += STYLE;
    page += "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#claims\">Skip to the claims</a>\n";
    summary(&mut page, evidence);
    filter(&mut page);
    table(&mut page, evidence);
    page += "<div id=\"claims\">\n";
    for (claim, result) in claims.iter().zip(&evidence.claims) {
        card::write(&mut page, claim, result, evidence);
    }
    page += "</div>\n</main>\n<script>\n";
    page += SCRIPT;
    page += "</script>\n</body>\n</html>\n";
    page
}

fn summary(page: &mut String, evidence: &RunEvidence) {
    let count = |v: Verdict| evidence.claims.iter().filter(|c| c.verdict == v).count();
    let cells = || evidence.claims.iter().flat_map(|c| &c.checks).flat_map(|c| &c.cells);
    let worst = cells().filter_map(|c| c.z).fold(0.0_f64, |m, z| m.max(z.abs()));
    let coarsest = evidence
        .claims
        .iter()
        .flat_map(|claim| claim.checks.iter().map(move |check| (claim.id, check)))
        .filter(|(_, check)| check.required_resolution.is_finite())
        .max_by(|a, b| a.1.resolution().total_cmp(&b.1.resolution()));
    let _ = writeln!(
        page,
        "<header>\n<h1>Verification report</h1>\n<p>Exact theory against independent simulation: {} claims, {} cells. \
         {} budget, seed {}, {:.1} s; solvable {}, commit {}, {}.</p>\n<ul class=\"numbers\">",
        evidence.claims.len(),
        cells().count(),
        evidence.budget,
        evidence.seed,
        evidence.seconds,
        evidence.provenance.version,
        evidence.provenance.commit,
        evidence.provenance.instruction_set,
    );
    for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::Recorded] {
        let (n, name) = (count(verdict), verdict.name());
        let words = if verdict == Verdict::Recorded { "only recorded" } else { name };
        let _ = writeln!(page, "<li><b class=\"{name}\">{n}</b>{words}</li>");
    }
    let _ = writeln!(page, "<li><b>{worst:.2}</b>largest |z|</li>");
    if let Some((id, check)) = coarsest {
        let _ = writeln!(
            page,
            "<li><b>{:.1e}</b>coarsest resolution, <a href=\"#{id}\">{id}</a></li>",
            check.resolution()
        );
    }
    let _ = writeln!(
        page,
        "</ul>\n<p>{} statistical tests at level {:.0e} each. With every claim true, some cell would be tested a second time \
         with probability at most {:.1e}, and some claim would fail (two independent rejections) with probability at most \
         {:.1e}. A resolution is the smallest relative change of the prediction that the run would have noticed.</p>\n\
         </header>\n<main>",
        evidence.statistical_tests,
        evidence.level,
        evidence.family_first_rejection_rate,
        evidence.family_false_alarm_rate,
    );
}

fn filter(page: &mut String) {
    let options = |page: &mut String, label: &str, name: &str, values: &[(&str, &str)]| {
        let _ = write!(page, "<label>{label}<select name=\"{name}\"><option value=\"\">all</option>");
        for (value, words) in values {
            let _ = write!(page, "<option value=\"{value}\">{}</option>", escape(words));
        }
        *page += "</select></label>\n";
    };
    *page += "<form id=\"filter\" aria-label=\"Filter claims\" hidden>\n";
    let chapters: Vec<_> = Chapter::ALL.iter().map(|c| (c.name(), c.title())).collect();
    options(page, "chapter", "chapter", &chapters);
    let kinds = [
        Kind::Identity,
        Kind::Limit,
        Kind::Expectation,
        Kind::Asymptotic,
        Kind::Bound,
        Kind::Certificate,
        Kind::Refutation,
        Kind::Observation,
    ];
    let kinds: Vec<_> = kinds.iter().map(|k| (k.name(), k.name())).collect();
    options(page, "kind", "kind", &kinds);
    let verdicts = [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::Recorded];
    let verdicts: Vec<_> = verdicts.iter().map(|v| (v.name(), v.name())).collect();
    options(page, "verdict", "verdict", &verdicts);
    *page += "<label>words<input name=\"words\" type=\"search\" autocomplete=\"off\"></label>\n\
        <button type=\"reset\">Show all</button>\n<output aria-live=\"polite\"></output>\n</form>\n";
}

fn table(page: &mut String, evidence: &RunEvidence) {
    *page += "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Summary table\">\n<table>\n\
        <caption>One row a claim</caption>\n<thead><tr><th scope=\"col\">claim</th><th scope=\"col\">title</th>\
        <th scope=\"col\">kinds</th><th scope=\"col\">verdict</th><th scope=\"col\" class=\"number\">resolution</th>\
        <th scope=\"col\" class=\"number\">largest |z|</th><th scope=\"col\" class=\"number\">seconds</th></tr></thead>\n<tbody>\n";
    for claim in &evidence.claims {
        let z = claim.checks.iter().flat_map(|c| &c.cells).filter_map(|c| c.z).map(f64::abs).reduce(f64::max);
        let _ = writeln!(
            page,
            "<tr {data}><td><a href=\"#{id}\">{id}</a></td><td>{title}</td><td class=\"kind\">{kinds}</td><td>{badge}</td>\
             <td class=\"number\">{:.1e}</td><td class=\"number\">{}</td><td class=\"number\">{:.1}</td></tr>",
            claim.resolution(),
            z.map_or_else(|| "–".to_owned(), |z| format!("{z:.2}")),
            claim.seconds(),
            data = card::data(claim),
            id = claim.id,
            title = markup::html_or_source(claim.title),
            kinds = card::kinds(claim).join(", "),
            badge = badge(claim.verdict),
        );
    }
    *page += "</tbody>\n</table>\n</div>\n";
}

fn badge(verdict: Verdict) -> String {
    format!("<span class=\"verdict {v}\">{v}</span>", v = verdict.name())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
