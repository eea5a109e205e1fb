//! `solvable study icl`: in-context regression on the user's own covariates.
use std::path::PathBuf;

use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use solvable_verify::check::DEFAULT_SEED;
use solvable_verify::icl::study::{Interval, Study, StudyOptions, study};
use solvable_verify::study::Centring;

use super::Outputs;
use crate::commands::{brief, print, short};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Covariates, samples as rows (.csv, .txt or .npy).
    #[arg(long, value_name = "FILE")]
    features: PathBuf,

    /// Context length N of the training prompts.
    #[arg(long, value_name = "N")]
    context: usize,

    /// Label noise variance.
    #[arg(long, default_value_t = 0.0, value_name = "S2", allow_negative_numbers = true)]
    noise: f64,

    /// Second moment of the task: d x d, or d diagonal entries (default: the identity).
    #[arg(long, value_name = "FILE")]
    prior: Option<PathBuf>,

    /// Test lengths (default: 1, N/4, N/2, N, 2N, 4N).
    #[arg(long, value_delimiter = ',', value_name = "M,..")]
    lengths: Vec<usize>,

    /// Factors by which all test covariates are multiplied.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "G,..",
        default_value = "0.5,0.8,1,1.25,2",
        allow_negative_numbers = true
    )]
    stretch: Vec<f64>,

    /// Keep column means: the second moment contains them.
    #[arg(long, conflicts_with = "standardise")]
    raw: bool,

    /// Divide centred columns by their standard deviation.
    #[arg(long)]
    standardise: bool,

    /// Resamples of the rows behind the 95% intervals; 0 for none.
    #[arg(long, default_value_t = 200, value_name = "B")]
    bootstrap: usize,

    /// Simulated prompts a point; more at lengths below N, at equal cost.
    #[arg(long, default_value_t = 20_000, value_name = "COUNT")]
    prompts: u64,

    /// Seed of bootstrap and simulation.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,

    #[command(flatten)]
    outputs: Outputs,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let treatment = match (arguments.raw, arguments.standardise) {
        (true, _) => Centring::Raw,
        (_, true) => Centring::Standardised,
        _ => Centring::Centred,
    };
    let result = study(&StudyOptions {
        features: arguments.features.clone(),
        context: arguments.context,
        noise: arguments.noise,
        prior: arguments.prior.clone(),
        treatment,
        lengths: arguments.lengths.clone(),
        stretches: arguments.stretch.clone(),
        bootstrap: arguments.bootstrap,
        prompts: arguments.prompts,
        seed: arguments.seed,
    })?;
    print(&text(&result))?;
    arguments.outputs.write(&result, || {
        vec![("study-icl", "In-context regression on your covariates", result.figure())]
    })?;
    Ok(result.exit_status())
}

fn text(s: &Study) -> String {
    let mut text = format!(
        "{}: {} samples, {} features, {}\n",
        s.features.display(),
        s.samples,
        s.dimension,
        match s.treatment {
            Centring::Raw => "used as they are",
            Centring::Centred => "centred",
            Centring::Standardised => "centred and divided by their standard deviation",
        }
    );
    if !s.constant_columns.is_empty() {
        let names: Vec<&str> = s.constant_columns.iter().take(8).map(String::as_str).collect();
        let more = if s.constant_columns.len() > names.len() { ", ..." } else { "" };
        let effect =
            if s.treatment == Centring::Raw { "kept" } else { "zero after centring, without influence" };
        text += &format!(
            "constant columns ({}): {}{more}; {effect}\n",
            s.constant_columns.len(),
            names.join(", ")
        );
    }
    text += &format!(
        "covariance: rank {}, effective rank {}, condition {}, largest eigenvalue {}\n\n\
         trained with N = {} examples in context, noise variance {}: A* = Psi ((1 + 1/N) Lambda Psi + (t + s2)/N)^-1\n\
         risk of predicting 0: {}; minimum L*: {}, {} of it\n\n",
        s.rank,
        short(s.effective_rank),
        short(s.condition),
        short(s.spectrum[0]),
        s.context,
        s.noise,
        short(s.signal),
        ranged(&s.minimum),
        if s.signal > 0.0 { format!("{:.1}%", 100.0 * s.minimum.value / s.signal) } else { "-".to_owned() },
    );
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["M", "Gaussian", "simulated", "z", "own rows", "simulated", "z", "rows/Gaussian - 1"]);
    for row in &s.lengths {
        let (g, r) = (&row.simulated_gaussian, &row.simulated_rows);
        let mark = |s: &solvable_verify::icl::study::Simulated| {
            format!("{:.1}{}", s.z, if s.judged { "" } else { "?" })
        };
        table.add_row([
            row.length.to_string(),
            short(row.gaussian.value),
            short(g.mean),
            mark(g),
            short(row.rows.value),
            short(r.mean),
            mark(r),
            percent(&row.discrepancy),
        ]);
    }
    align(&mut table);
    text += &format!("risk against test length M\n{}\n\n", table.trim_fmt());
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["stretch", "risk at M = N", "had it been trained so"]);
    for row in &s.stretches {
        table.add_row([row.factor.to_string(), ranged(&row.risk), ranged(&row.retrained)]);
    }
    align(&mut table);
    if !s.stretches.is_empty() {
        text += &format!("all test covariates multiplied by a factor\n{}\n\n", table.trim_fmt());
    }
    text += &format!(
        "simulation: largest |z| {:.2} of {} comparisons (rejected above {:.2}, level 1e-3 for all), resolution {}: {}\n",
        s.largest_z,
        2 * s.lengths.len(),
        s.critical_z,
        brief(s.resolution),
        s.verdict.name(),
    );
    if s.lengths.iter().any(|r| !(r.simulated_gaussian.judged && r.simulated_rows.judged)) {
        text += "? : too skewed to judge with this many prompts; raise --prompts\n";
    }
    if s.bootstrap > 0 {
        text += &format!("brackets: 95% bootstrap intervals over {} resamples of the rows\n", s.bootstrap);
        let m = &s.minimum;
        if m.low.is_some_and(|low| low > m.value) || m.high.is_some_and(|high| high < m.value) {
            text += "note: the interval of L* leaves out its value: with so few rows the sample covariance is biased, and the \
                     intervals, which undo the bias that resampling shows, are the better guess of the population\n";
        }
    }
    text
}

fn align(table: &mut Table) {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
        column.set_cell_alignment(CellAlignment::Right);
    }
}

fn ranged(i: &Interval) -> String {
    match (i.low, i.high) {
        (Some(low), Some(high)) => format!("{} [{}, {}]", short(i.value), short(low), short(high)),
        _ => short(i.value),
    }
}

fn percent(i: &Interval) -> String {
    let p = |v: f64| format!("{:+.1}%", 100.0 * v);
    match (i.low, i.high) {
        (Some(low), Some(high)) => format!("{} [{}, {}]", p(i.value), p(low), p(high)),
        _ => p(i.value),
    }
}
