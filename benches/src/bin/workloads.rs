//! Runs one workload and prints its line of JSON.
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use solvable_benches::workloads::{Report, dln_flow, limits};

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
    /// Networks or prompts.
    #[arg(long = "B")]
    batch: Option<usize>,
    /// Gradient steps.
    #[arg(long)]
    steps: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Workload {
    Limits,
    DlnFlow,
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
