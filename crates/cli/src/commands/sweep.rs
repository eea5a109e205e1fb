//! `solvable sweep`: many simulations over a grid, in shards.
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use solvable_verify::sweep::{self, Limits, Plan, ShardId, ShardOutcome, TaskProgress};

use super::print;
use crate::failure::Failure;
use crate::interrupt;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the simulations with their keys and observables.
    List,
    /// Write the manifest of a plan: `{"simulation": NAME, "grid": {KEY: [VALUES]}, "replicas": N}`.
    Plan {
        /// The plan, a JSON file; `-` reads standard input.
        plan: PathBuf,
        /// Directory of the sweep.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Work one shard; a stopped, interrupted or killed one goes on from where it was.
    Work {
        /// Directory of the sweep.
        directory: PathBuf,
        /// Which shard: i/n, from 1.
        #[arg(long, value_name = "I/N", default_value = "1/1")]
        shard: String,
    },
    /// Merge all shards into result.json and result.csv.
    Merge {
        /// Directory of the sweep.
        directory: PathBuf,
    },
}

pub(crate) fn run(arguments: &Arguments, time: Option<Duration>) -> Result<u8, Failure> {
    if let (Some(time), false) = (time, matches!(arguments.action, Action::Work { .. })) {
        interrupt::end_after(time, interrupt::OUT_OF_TIME);
    }
    match &arguments.action {
        Action::List => list(),
        Action::Plan { plan, out } => plan_sweep(plan, out),
        Action::Work { directory, shard } => work(directory, shard, time),
        Action::Merge { directory } => {
            let manifest = sweep::read_manifest(directory)?;
            let merged = sweep::merge(directory, &manifest)?;
            let [json, csv] = sweep::write_merged(directory, &merged)?;
            if merged.programs.len() > 1 {
                let count = merged.programs.len();
                eprintln!(
                    "solvable: the shards come from {count} versions or instruction sets: see \"programs\" there"
                );
            }
            print(&format!("{} cells: {} and {}\n", merged.cells.len(), json.display(), csv.display()))?;
            Ok(0)
        }
    }
}

fn list() -> Result<u8, Failure> {
    let mut text = String::new();
    for simulation in sweep::simulations() {
        text += &format!("{}\n  {}\n", simulation.name, simulation.about);
        for key in simulation.keys {
            text += &format!("  {}: {}\n", key.name, key.shape.words());
        }
        text += &format!("  measures {}\n", simulation.observables.join(", "));
    }
    print(&text)?;
    Ok(0)
}

fn plan_sweep(plan: &Path, out: &Path) -> Result<u8, Failure> {
    let text = if plan == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(plan)
    };
    let text = text.map_err(|source| Failure::Read { path: plan.to_owned(), source })?;
    let manifest = Plan::parse(&text)?.manifest()?;
    let path = sweep::write_manifest(out, &manifest)?;
    print(&format!(
        "{} cells, {} tasks of at most {} replicas: {}\n",
        manifest.cells.len(),
        manifest.tasks().len(),
        manifest.task,
        path.display()
    ))?;
    Ok(0)
}

fn work(directory: &Path, shard: &str, time: Option<Duration>) -> Result<u8, Failure> {
    let shard: ShardId = shard.parse()?;
    let manifest = sweep::read_manifest(directory)?;
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} tasks, {elapsed}, {msg} left") {
        bar.set_style(style);
    }
    let tell = |p: TaskProgress| {
        bar.set_length(p.count as u64);
        bar.set_position(p.done as u64);
        bar.set_message(p.left.map_or_else(|| "?".to_owned(), |left| format!("{:.0} s", left.as_secs_f64())));
    };
    if let Some(time) = time {
        // A stop is seen between replicas; one that takes longer is given up, with what the journal lacks.
        interrupt::end_after(
            time.saturating_add(interrupt::PATIENCE),
            "stopped by --max-time within a replica: the same command goes on from the journal",
        );
    }
    let limits = Limits { cancel: Some(interrupt::flag()), time };
    let outcome = sweep::work(directory, &manifest, shard, limits, &tell)?;
    bar.finish_and_clear();
    if interrupt::asked()
        && let ShardOutcome::Stopped { done, count } = outcome
    {
        eprintln!("solvable: interrupted after {done} of {count} tasks: the same command goes on from here");
        return Ok(interrupt::STATUS);
    }
    print(&match outcome {
        ShardOutcome::Complete { path } => format!("complete: {}\n", path.display()),
        ShardOutcome::Stopped { done, count } => {
            format!("stopped after {done} of {count} tasks: the same command goes on from here\n")
        }
        _ => String::new(),
    })?;
    Ok(0)
}
