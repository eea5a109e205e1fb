//! Runs one workload and prints its line of JSON.
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use solvable_benches::workloads::{
    Report, agg_mc, collapse_gd, dln_flow, icl_flow, icl_mc, icl_train, limits, scalar_theory,
};

/// Runs a workload and prints one JSON line an implementation.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which workload.
    workload: Workload,
    /// Repetitions (the shortest and the median are printed).
    #[arg(long, default_value_t = 5)]
    reps: usize,
    /// No new repetition after this many seconds.
    #[arg(long, default_value_t = 60.0)]
    max_seconds: f64,
    /// Worker threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// `dln_flow`: one big network or a batch of small ones.
    #[arg(long, default_value = "batch")]
    mode: Mode,
    /// Width of the networks.
    #[arg(long)]
    width: Option<usize>,
    /// Depth of the networks.
    #[arg(long)]
    depth: Option<usize>,
    /// Networks, or prompts, or prompts of a step.
    #[arg(long = "B", alias = "batch")]
    batch: Option<usize>,
    /// Gradient steps.
    #[arg(long)]
    steps: Option<usize>,
    /// Dimension.
    #[arg(long)]
    d: Option<usize>,
    /// Examples of a prompt.
    #[arg(long = "N")]
    context: Option<usize>,
    /// Equations of `scalar_theory`, rows of `agg_mc`, samples of a class of `collapse_gd`.
    #[arg(long)]
    n: Option<usize>,
    /// Atoms of `scalar_theory`.
    #[arg(long = "J", default_value_t = 8)]
    atoms: usize,
    /// Replicates of `agg_mc`.
    #[arg(long, default_value_t = 10)]
    reps_mc: u64,
    /// `agg_mc`: leave out the sampler that starts from the rows.
    #[arg(long)]
    reduced_only: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Workload {
    Limits,
    IclFlow,
    IclMc,
    IclTrain,
    AggMc,
    CollapseGd,
    DlnFlow,
    ScalarTheory,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Big,
    Batch,
}

#[allow(clippy::print_stdout)]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    solvable_linalg::sequential();
    if arguments.threads == 0
        || rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build_global().is_err()
    {
        eprintln!("workloads: cannot start {} threads", arguments.threads);
        return ExitCode::from(2);
    }
    for report in run(&arguments) {
        println!("{}", report.line());
    }
    ExitCode::SUCCESS
}

fn run(a: &Arguments) -> Vec<Report> {
    let limit = Duration::from_secs_f64(a.max_seconds.clamp(0.0, 1e6));
    match (a.workload, a.mode) {
        (Workload::Limits, _) => limits::run(a.reps),
        (Workload::IclFlow, _) => vec![icl_flow::run(a.d.unwrap_or(32), a.reps, limit)],
        (Workload::IclMc, _) => {
            let prompts = a.batch.unwrap_or(100_000) as u64;
            icl_mc::run(a.d.unwrap_or(20), a.context.unwrap_or(40), prompts, a.reps, limit)
        }
        (Workload::IclTrain, _) => {
            let default = icl_train::Training::default();
            let training = icl_train::Training {
                d: a.d.unwrap_or(default.d),
                n: a.context.unwrap_or(default.n),
                batch: a.batch.map_or(default.batch, |b| b as u64),
                steps: a.steps.map_or(default.steps, |s| s as u64),
                ..default
            };
            vec![icl_train::run(&training, a.reps, limit)]
        }
        (Workload::AggMc, _) => {
            let default = agg_mc::Sizes::default();
            let sizes = agg_mc::Sizes {
                n: a.n.unwrap_or(default.n),
                d: a.d.unwrap_or(default.d),
                replicates: a.reps_mc,
                ..default
            };
            agg_mc::run(&sizes, a.reduced_only, a.reps, limit)
        }
        (Workload::CollapseGd, _) => {
            let default = collapse_gd::Problem::default();
            let problem =
                collapse_gd::Problem { n: a.n.unwrap_or(default.n), d: a.d.unwrap_or(default.d), ..default };
            collapse_gd::run(&problem, a.reps, limit)
        }
        (Workload::ScalarTheory, _) => {
            vec![scalar_theory::run(a.n.unwrap_or(1_000_000), a.atoms, a.reps, limit)]
        }
        (Workload::DlnFlow, Mode::Batch) => {
            let default = dln_flow::Batch::default();
            let batch = dln_flow::Batch {
                networks: a.batch.unwrap_or(default.networks),
                width: a.width.unwrap_or(default.width),
                depth: a.depth.unwrap_or(default.depth),
                steps: a.steps.unwrap_or(default.steps),
                ..default
            };
            vec![batch.run(a.reps, limit)]
        }
        (Workload::DlnFlow, Mode::Big) => {
            let default = dln_flow::Big::default();
            let big = dln_flow::Big {
                width: a.width.unwrap_or(default.width),
                depth: a.depth.unwrap_or(default.depth),
                steps: a.steps.unwrap_or(default.steps),
                ..default
            };
            vec![big.run(a.reps, limit)]
        }
    }
}
