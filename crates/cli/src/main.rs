//! `solvable`: exact theory and independent simulation of learning, side by side.
//!
//! Exit status: 0 pass, 1 a claim failed, 2 bad input, 3 inconclusive only, 130 interrupted.
mod commands;
mod failure;
mod interrupt;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{calibrate, compute, describe, figure, list, study, sweep, verify};
use failure::Failure;

/// Exactly solvable models of learning: theory and simulation, side by side.
///
/// Without a command: `verify` on everything.
#[derive(Debug, Parser)]
#[command(name = "solvable", version, max_term_width = 100)]
struct Cli {
    /// Worker threads (default: all cores). Results do not depend on it.
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,

    /// End after this many seconds: with status 130 and no file half-written; `sweep work` keeps what is done and goes on later.
    #[arg(long, global = true, value_name = "SECONDS", allow_negative_numbers = true)]
    max_time: Option<f64>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check claims: theory against simulation (the main job).
    Verify(verify::Arguments),
    /// List the claims.
    List(list::Arguments),
    /// Show a claim: statement, source, assumptions, keys of `compute`.
    Describe(describe::Arguments),
    /// Evaluate one formula: JSON in, JSON out.
    Compute(compute::Arguments),
    /// Draw a figure: theory with simulated points, as SVG, PNG and CSV.
    Figure(figure::Arguments),
    /// Study your own data: the prediction for it, checked by simulation on it.
    Study(study::Arguments),
    /// Run many simulations over a grid of parameters: plan, work in shards, merge.
    Sweep(sweep::Arguments),
    /// Measure false alarms and power over many seeds (long).
    Calibrate(calibrate::Arguments),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap exits with 2 on bad usage and with 0 on --help and --version, as we promise.
            error.exit();
        }
    };
    interrupt::install();
    match run(cli) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            eprintln!("solvable: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> Result<u8, Failure> {
    solvable_verify::single_threaded_linear_algebra();
    if let Some(threads) = cli.threads {
        commands::limit_threads(threads)?;
    }
    let command = cli.command.unwrap_or_else(|| Command::Verify(verify::Arguments::default()));
    let time = interrupt::max_time(cli.max_time)?;
    if let (Some(time), false) = (time, matches!(command, Command::Sweep(_))) {
        interrupt::end_after(time, interrupt::OUT_OF_TIME);
    }
    match command {
        Command::Verify(arguments) => verify::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Describe(arguments) => describe::run(&arguments),
        Command::Compute(arguments) => compute::run(&arguments),
        Command::Figure(arguments) => figure::run(&arguments),
        Command::Study(arguments) => study::run(&arguments),
        Command::Sweep(arguments) => sweep::run(&arguments, time),
        Command::Calibrate(arguments) => calibrate::run(&arguments),
    }
}
