//! `solvable verify`: theory against simulation, claim by claim.
use std::path::PathBuf;

use clap::Args;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use solvable_verify::check::{Budget, DEFAULT_SEED};
use solvable_verify::run::{Options, RunEvidence};
use solvable_verify::{Verdict, output, registry, report, run};

use super::progress::Bar;
use super::{brief, print, short};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Chapters or claim ids (default: everything).
    #[arg(value_name = "CHAPTER|CLAIM")]
    selection: Vec<String>,

    /// quick: 5% resolution, under a minute; full: 1%, minutes.
    #[arg(long, default_value = "quick", value_parser = ["quick", "full"])]
    budget: String,

    /// Run seed; the default is published and frozen.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,

    /// Write all evidence as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Directory of the HTML report.
    #[arg(long, value_name = "DIR", default_value = "report")]
    report: PathBuf,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            selection: Vec::new(),
            budget: "quick".to_owned(),
            seed: DEFAULT_SEED,
            json: None,
            report: PathBuf::from("report"),
        }
    }
}

/// The budget named on the command line (clap has checked the word).
pub(crate) fn budget(word: &str) -> Budget {
    if word == "full" { Budget::Full } else { Budget::Quick }
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let claims = registry::select(&arguments.selection)?;
    let options = Options { budget: budget(&arguments.budget), seed: arguments.seed, ..Options::default() };
    let bar = Bar::new(claims.iter().map(|c| c.checks.len()).sum());
    let evidence = run::run(&claims, &options, &|p| bar.report(p));
    bar.finish();
    print(&table(&evidence))?;
    print(&summary(&evidence))?;
    if let Some(path) = &arguments.json {
        let mut json =
            serde_json::to_vec_pretty(&evidence).map_err(solvable_verify::compute::ComputeError::from)?;
        json.push(b'\n');
        output::write_whole(path, &json)?;
        print(&format!("evidence: {}\n", path.display()))?;
    }
    let page = arguments.report.join("index.html");
    output::write_whole(&page, report::html(&claims, &evidence).as_bytes())?;
    print(&format!("report: {}\n", page.display()))?;
    Ok(evidence.exit_status())
}

/// One row a check, at most 100 columns.
fn table(evidence: &RunEvidence) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header([
        "claim",
        "what",
        "predicted",
        "observed",
        "error bar",
        "resol.",
        "verdict",
        "s",
    ]);
    for claim in &evidence.claims {
        for check in &claim.checks {
            let worst = check.worst_cell();
            let number = |f: fn(&solvable_verify::CellEvidence) -> f64| {
                worst.map_or_else(|| "-".to_owned(), |c| short(f(c)))
            };
            table.add_row([
                claim.id.to_owned(),
                clip(&report::plain::plain(check.what), 32),
                number(|c| c.predicted),
                number(|c| c.observed),
                worst.map_or_else(|| "-".to_owned(), |c| brief(c.error_bar)),
                brief(check.resolution()),
                check.verdict().name().to_owned(),
                format!("{:.1}", check.seconds),
            ]);
        }
        for (check, _) in &claim.errors {
            table.add_row([claim.id, *check, "-", "-", "-", "-", "error", "-"]);
        }
    }
    let widths = [8, 32, 10, 10, 8, 8, 12, 4];
    for (i, width) in widths.into_iter().enumerate() {
        if let Some(column) = table.column_mut(i) {
            column.set_padding((0, 1));
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(width + 1)));
            if (2..=5).contains(&i) || i == 7 {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    format!("{}\n", table.trim_fmt())
}

fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width - 1).collect();
    short.push('…');
    short
}

fn summary(evidence: &RunEvidence) -> String {
    let count = |v: Verdict| evidence.claims.iter().filter(|c| c.verdict == v).count();
    let checks = evidence.claims.iter().flat_map(|c| &c.checks);
    let cells: usize = checks.clone().map(|c| c.cells.len()).sum();
    let coarsest = evidence
        .claims
        .iter()
        .flat_map(|claim| claim.checks.iter().map(move |check| (claim.id, check)))
        .filter(|(_, check)| check.required_resolution.is_finite())
        .max_by(|a, b| a.1.resolution().total_cmp(&b.1.resolution()));
    let worst = checks.flat_map(|c| &c.cells).filter_map(|c| c.z).fold(0.0_f64, |m, z| m.max(z.abs()));
    let mut text = format!(
        "\n{} {}: {} pass, {} fail, {} inconclusive, {} only recorded; {cells} cells, {:.1} s, seed {}, \
         {} budget.\n",
        evidence.claims.len(),
        if evidence.claims.len() == 1 { "claim" } else { "claims" },
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Inconclusive),
        count(Verdict::Recorded),
        evidence.seconds,
        evidence.seed,
        evidence.budget,
    );
    text += &format!("largest |z| {worst:.2}");
    if let Some((id, check)) = coarsest {
        text += &format!("; coarsest resolution {} ({id})", brief(check.resolution()));
    }
    text += &format!(
        "\nfalse alarms: {} statistical tests at level {}; some true cell is retested with probability at most {},\n\
         some true claim fails with probability at most {} (a failure needs two rejections on independent \
         streams).\n",
        evidence.statistical_tests,
        brief(evidence.level),
        brief(evidence.family_first_rejection_rate),
        brief(evidence.family_false_alarm_rate),
    );
    for claim in &evidence.claims {
        for (check, error) in &claim.errors {
            text += &format!("{} {check}: {error}\n", claim.id);
        }
        for check in &claim.checks {
            for cell in check.cells.iter().filter(|c| c.verdict == Verdict::Fail) {
                text += &format!(
                    "{} {} failed at {}: predicted {:e}, observed {:e} +- {:e}. {}\n",
                    claim.id,
                    check.check,
                    cell.label,
                    cell.predicted,
                    cell.observed,
                    cell.error_bar,
                    cell.note,
                );
            }
        }
    }
    text
}
