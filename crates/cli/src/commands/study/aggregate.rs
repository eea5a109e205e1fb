//! `solvable study aggregate`: learning from bags of the user's own table.
use std::path::PathBuf;

use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use solvable_verify::aggregate::study::{GridRow, Study, StudyOptions, study};
use solvable_verify::check::DEFAULT_SEED;
use solvable_verify::study::Centring;

use super::Outputs;
use crate::commands::{print, short};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Covariates, samples as rows (.csv, .txt or .npy).
    #[arg(long, value_name = "FILE")]
    features: PathBuf,

    /// Labels: one column, a label for each row; or, with --bags, an average for each bag.
    #[arg(long, value_name = "FILE")]
    response: PathBuf,

    /// Form random bags of this size.
    #[arg(long, value_name = "K")]
    bag_size: Option<usize>,

    /// Read the bags: one column, the bag of each row; or two, bag and row (rows count from 1, header excluded).
    #[arg(long, value_name = "FILE")]
    bags: Option<PathBuf>,

    /// Share of the rows held out with their individual labels; with --bags, whole bags are held out.
    #[arg(long, default_value_t = 0.25, value_name = "SHARE", allow_negative_numbers = true)]
    test_fraction: f64,

    /// Weights of the bag-level loss (1 bag level, 0 instance level).
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "RHO,..",
        default_value = "0,0.25,0.5,0.75,0.9,1",
        allow_negative_numbers = true
    )]
    rho: Vec<f64>,

    /// Ridges (default: 0, and 1e-4 to 1e2 times the mean variance of a feature).
    #[arg(long, value_delimiter = ',', value_name = "LAMBDA,..", allow_negative_numbers = true)]
    lambda: Vec<f64>,

    /// Keep column means and the mean label.
    #[arg(long, conflicts_with = "centre_only")]
    raw: bool,

    /// Centre columns without dividing them by their standard deviation.
    #[arg(long)]
    centre_only: bool,

    /// Clip label - label-center to [-T, T], as private labels need.
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    clip: Option<f64>,

    /// Label privacy: Laplace noise of scale 2T/(k eps) on each bag average; needs --clip.
    #[arg(long, value_name = "EPS", allow_negative_numbers = true)]
    epsilon: Option<f64>,

    /// Public centre subtracted from labels before clipping.
    #[arg(long, default_value_t = 0.0, value_name = "C", allow_negative_numbers = true)]
    label_center: f64,

    /// Random splits to average over; 0: 20 on small tables, 1 on large ones.
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    repeats: usize,

    /// Seed of splits, privacy noise and simulation.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,

    #[command(flatten)]
    outputs: Outputs,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let treatment = match (arguments.raw, arguments.centre_only) {
        (true, _) => Centring::Raw,
        (_, true) => Centring::Centred,
        _ => Centring::Standardised,
    };
    let result = study(&StudyOptions {
        features: arguments.features.clone(),
        response: arguments.response.clone(),
        bag_size: arguments.bag_size,
        bags: arguments.bags.clone(),
        test_fraction: arguments.test_fraction,
        treatment,
        rhos: arguments.rho.clone(),
        lambdas: arguments.lambda.clone(),
        clip: arguments.clip,
        epsilon: arguments.epsilon,
        label_center: arguments.label_center,
        repeats: arguments.repeats,
        seed: arguments.seed,
    })?;
    print(&text(&result))?;
    arguments
        .outputs
        .write(&result, || vec![("study-aggregate", "Learning from bags of your table", result.figure())])?;
    Ok(0)
}

fn text(s: &Study) -> String {
    let sizes = if s.sizes.0 == s.sizes.1 {
        s.sizes.0.to_string()
    } else {
        format!("{} to {}", s.sizes.0, s.sizes.1)
    };
    let mut text = format!(
        "{}: {} rows, {} features ({}), covariance of rank {}\n\
         training: {} rows in {} bags of {sizes}; {} rows held out; {}\n",
        s.features.display(),
        s.samples,
        s.dimension,
        match s.treatment {
            Centring::Raw => "used as they are",
            Centring::Centred => "centred",
            Centring::Standardised => "centred and divided by their standard deviation",
        },
        s.rank,
        s.training,
        s.bags,
        s.held_out,
        if s.repeats == 1 {
            "1 split".to_owned()
        } else {
            format!("averages over {} random splits", s.repeats)
        },
    );
    if !s.constant_columns.is_empty() {
        text += &format!("constant columns: {}\n", s.constant_columns.join(", "));
    }
    if let Some(p) = &s.privacy {
        text += &match p.epsilon {
            Some(epsilon) => format!(
                "labels clipped at {} ({:.1}% of them), released with epsilon = {epsilon}: noise variance {}/k on a label\n",
                p.clip,
                100.0 * p.clipped,
                short(p.kappa)
            ),
            None => format!("labels clipped at {} ({:.1}% of them)\n", p.clip, 100.0 * p.clipped),
        };
    }
    text += &format!(
        "from the bags: signal {}, label noise {} (signal-to-noise ratio {})\n\n",
        short(s.signal),
        short(s.noise),
        if s.noise > 0.0 { short(s.signal / s.noise) } else { "inf".to_owned() }
    );
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "rho",
        "lambda",
        "GCV",
        "predicted",
        "measured",
        "simulated / predicted - 1",
        "lambda = 0: predicted",
        "measured",
    ]);
    let chosen = &s.grid[s.chosen];
    for row in &s.by_rho {
        let t = &row.tuned;
        table.add_row([
            t.rho.to_string(),
            short(t.lambda),
            t.gcv.map_or_else(|| "-".to_owned(), short),
            infinite(t.predicted),
            measured(t),
            percent(row.simulated, row.simulated_error),
            row.ridgeless.map_or_else(|| "-".to_owned(), |r| infinite(r.predicted)),
            row.ridgeless.map_or_else(|| "-".to_owned(), |r| measured(&r)),
        ]);
    }
    align(&mut table);
    text += &format!(
        "squared error of one label; lambda with the least bag-level GCV score at each rho\n{}\n\n\
         chosen by the bag-level GCV score on the first split: rho = {}, lambda = {}: predicted {}, measured {}\n",
        table.trim_fmt(),
        chosen.rho,
        short(chosen.lambda),
        infinite(chosen.predicted),
        measured(chosen),
    );
    if let Some(baseline) = s.baseline {
        text += &format!("predicting the average label: measured {}\n", short(baseline));
    }
    if let Some(typical) = s.typical_discrepancy {
        text +=
            &format!("prediction against measurement over the grid: median {:.1}% apart\n", 100.0 * typical);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["k", "instance level, no ridge", "instance level", "bag level"]);
    for row in &s.by_size {
        table.add_row([
            row.k.to_string(),
            infinite(row.instance_ridgeless),
            infinite(row.instance),
            infinite(row.bag),
        ]);
    }
    align(&mut table);
    text += &format!(
        "\npredicted error against bag size, best ridge\n{}\n\nbest bag size{}: {}; instance level without ridge, \
         isotropic covariates: k* = {}\n",
        table.trim_fmt(),
        if s.privacy.is_some() { " at this privacy level" } else { "" },
        s.best_size,
        infinite(s.isotropic_size),
    );
    text
}

fn align(table: &mut Table) {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
        column.set_cell_alignment(CellAlignment::Right);
    }
}

fn infinite(value: f64) -> String {
    if value.is_infinite() { "inf".to_owned() } else { short(value) }
}

fn measured(row: &GridRow) -> String {
    with_error(row.measured, row.measured_error)
}

fn percent(value: Option<f64>, error: Option<f64>) -> String {
    match (value, error) {
        (Some(value), Some(error)) => format!("{:+.2}% +- {:.2}%", 100.0 * value, 100.0 * error),
        _ => "-".to_owned(),
    }
}

fn with_error(value: Option<f64>, error: Option<f64>) -> String {
    match (value, error) {
        (Some(value), Some(error)) => format!("{} +- {}", short(value), short(error)),
        _ => "-".to_owned(),
    }
}
