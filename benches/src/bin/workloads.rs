//! Runs one workload and prints its line of JSON.
use std::ops::RangeInclusive;
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
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    reps: u32,
    /// No new repetition after this many seconds.
    #[arg(long, default_value_t = 60.0)]
    max_seconds: f64,
    /// Worker threads.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=4096))]
    threads: u16,
    /// `dln_flow`: one big network or a batch of small ones (the default).
    #[arg(long)]
    mode: Option<Mode>,
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
    /// Atoms of `scalar_theory` (8).
    #[arg(long = "J")]
    atoms: Option<usize>,
    /// Replicates of `agg_mc` (10).
    #[arg(long)]
    reps_mc: Option<usize>,
    /// `agg_mc`: leave out the sampler that starts from the rows.
    #[arg(long)]
    reduced_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    Big,
    Batch,
}

impl Arguments {
    fn mode(&self) -> Mode {
        self.mode.unwrap_or(Mode::Batch)
    }

    /// Every size that was given, by the name of its option.
    fn given(&self) -> impl Iterator<Item = (&'static str, usize)> {
        [
            ("width", self.width),
            ("depth", self.depth),
            ("B", self.batch),
            ("steps", self.steps),
            ("d", self.d),
            ("N", self.context),
            ("n", self.n),
            ("J", self.atoms),
            ("reps-mc", self.reps_mc),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|v| (name, v)))
    }

    /// Refuses an option that the workload does not take, and a size that it has no meaning for.
    fn check(&self) -> Result<(), String> {
        const ANY: RangeInclusive<usize> = 1..=usize::MAX;
        const TWO: RangeInclusive<usize> = 2..=usize::MAX;
        let takes: &[(&str, RangeInclusive<usize>)] = match (self.workload, self.mode()) {
            (Workload::Limits, _) => &[],
            (Workload::IclFlow, _) => &[("d", ANY)],
            (Workload::IclMc, _) => &[("d", ANY), ("N", TWO), ("B", ANY)],
            (Workload::IclTrain, _) => &[("d", ANY), ("N", TWO), ("B", ANY), ("steps", ANY)],
            (Workload::AggMc, _) => &[("n", ANY), ("d", ANY), ("reps-mc", ANY)],
            (Workload::CollapseGd, _) => &[("n", ANY), ("d", ANY)],
            (Workload::ScalarTheory, _) => &[("n", ANY), ("J", ANY)],
            (Workload::DlnFlow, Mode::Batch) => {
                &[("B", ANY), ("width", 1..=32), ("depth", ANY), ("steps", ANY)]
            }
            (Workload::DlnFlow, Mode::Big) => &[("width", ANY), ("depth", ANY), ("steps", ANY)],
        };
        for (name, value) in self.given() {
            let Some((_, range)) = takes.iter().find(|(known, _)| *known == name) else {
                return Err(format!("--{name} is not an option of this workload"));
            };
            if !range.contains(&value) {
                let (least, most) = (range.start(), range.end());
                let most = if *most == usize::MAX { String::new() } else { format!(" and at most {most}") };
                return Err(format!("--{name} {value} is refused: it must be at least {least}{most}"));
            }
        }
        if self.mode.is_some() && self.workload != Workload::DlnFlow {
            return Err("--mode is an option of dln_flow alone".to_owned());
        }
        if self.reduced_only && self.workload != Workload::AggMc {
            return Err("--reduced-only is an option of agg_mc alone".to_owned());
        }
        if self.max_seconds.is_nan() || self.max_seconds < 0.0 {
            return Err(format!("--max-seconds {} is refused: it must be at least 0", self.max_seconds));
        }
        if self.workload == Workload::AggMc {
            let agg_mc::Sizes { n, d, k, .. } = self.bags();
            if !n.is_multiple_of(k) || d < n / k || n - n / k < d {
                return Err(format!(
                    "--n {n} --d {d} is refused: n must be a multiple of {k}, and d from n / {k} to n - n / {k}"
                ));
            }
        }
        Ok(())
    }

    fn bags(&self) -> agg_mc::Sizes {
        let default = agg_mc::Sizes::default();
        agg_mc::Sizes {
            n: self.n.unwrap_or(default.n),
            d: self.d.unwrap_or(default.d),
            replicates: self.reps_mc.map_or(default.replicates, |r| r as u64),
            ..default
        }
    }
}

#[allow(clippy::print_stdout)]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    solvable_linalg::sequential();
    if let Err(why) = arguments.check() {
        eprintln!("workloads: {why}");
        return ExitCode::from(2);
    }
    if rayon::ThreadPoolBuilder::new().num_threads(arguments.threads.into()).build_global().is_err() {
        eprintln!("workloads: cannot start {} threads", arguments.threads);
        return ExitCode::from(2);
    }
    for report in run(&arguments) {
        println!("{}", report.line());
    }
    ExitCode::SUCCESS
}

fn run(a: &Arguments) -> Vec<Report> {
    let limit = Duration::from_secs_f64(a.max_seconds.min(1e6));
    let reps = a.reps as usize;
    match (a.workload, a.mode()) {
        (Workload::Limits, _) => limits::run(reps),
        (Workload::IclFlow, _) => vec![icl_flow::run(a.d.unwrap_or(32), reps, limit)],
        (Workload::IclMc, _) => {
            let prompts = a.batch.unwrap_or(100_000) as u64;
            icl_mc::run(a.d.unwrap_or(20), a.context.unwrap_or(40), prompts, reps, limit)
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
            vec![icl_train::run(&training, reps, limit)]
        }
        (Workload::AggMc, _) => agg_mc::run(&a.bags(), a.reduced_only, reps, limit),
        (Workload::CollapseGd, _) => {
            let default = collapse_gd::Problem::default();
            let problem =
                collapse_gd::Problem { n: a.n.unwrap_or(default.n), d: a.d.unwrap_or(default.d), ..default };
            collapse_gd::run(&problem, reps, limit)
        }
        (Workload::ScalarTheory, _) => {
            vec![scalar_theory::run(a.n.unwrap_or(1_000_000), a.atoms.unwrap_or(8), reps, limit)]
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
            vec![batch.run(reps, limit)]
        }
        (Workload::DlnFlow, Mode::Big) => {
            let default = dln_flow::Big::default();
            let big = dln_flow::Big {
                width: a.width.unwrap_or(default.width),
                depth: a.depth.unwrap_or(default.depth),
                steps: a.steps.unwrap_or(default.steps),
                ..default
            };
            vec![big.run(reps, limit)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, String> {
        let words = ["workloads"].into_iter().chain(line.split_whitespace());
        let arguments = Arguments::try_parse_from(words).map_err(|e| e.to_string())?;
        arguments.check().map(|()| arguments)
    }

    /// Every workload, at sizes of no weight: one line of JSON an implementation, with the peers' names and a finite result.
    #[test]
    fn every_workload_reports() {
        let small = [
            ("icl_flow --d 2", "d,N,alpha,s,tol"),
            ("icl_mc --d 2 --N 4 --B 50", "d,N,alpha,B"),
            ("icl_train --d 2 --N 4 --B 8 --steps 3", "d,N,batch,steps,lr,s"),
            ("agg_mc --n 24 --d 8 --reps-mc 2", "n,d,k,reps_mc"),
            ("collapse_gd --n 1 --d 2", "K,n,d,M,lw,lh,lr,tol"),
            ("dln_flow --B 3 --width 2 --depth 2 --steps 3", "mode,width,depth,B,lr,steps"),
            ("dln_flow --mode big --width 4 --depth 2 --steps 3", "mode,width,depth,lr,steps"),
            ("scalar_theory --n 40 --J 2", "n,J"),
        ];
        for (line, keys) in small {
            let reports = run(&parsed(&format!("{line} --reps 1 --max-seconds 0")).expect("valid arguments"));
            assert!(!reports.is_empty(), "{line}");
            for report in reports {
                let json = report.line();
                assert_eq!(json["workload"], line.split_whitespace().next().expect("a name"));
                assert!(json["result"].as_f64().is_some_and(f64::is_finite), "{json}");
                assert!(json["seconds_min"].as_f64().is_some_and(|s| s > 0.0), "{json}");
                for key in keys.split(',') {
                    assert!(!json["params"][key].is_null(), "{key} in {json}");
                }
            }
        }
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for line in [
            "nope",
            "icl_flow --d 0",
            "icl_flow --d 4 --N 8",
            "icl_flow --reps 0",
            "icl_flow --threads 0",
            "icl_flow --threads 5000",
            "icl_flow --max-seconds NaN",
            "icl_flow --max-seconds=-1",
            "icl_flow --mode big",
            "icl_mc --N 1",
            "icl_mc --B 0",
            "icl_train --steps 0",
            "agg_mc --n 40 --d 8",
            "agg_mc --n 42 --d 20",
            "agg_mc --n 40 --d 31",
            "agg_mc --n 0",
            "agg_mc --d 0",
            "agg_mc --reps-mc 0",
            "collapse_gd --n 0",
            "collapse_gd --d 0",
            "collapse_gd --reduced-only",
            "dln_flow --width 0",
            "dln_flow --width 33",
            "dln_flow --depth 0",
            "dln_flow --B 0",
            "dln_flow --steps 0",
            "dln_flow --mode big --B 7",
            "scalar_theory --n 0",
            "scalar_theory --J 0",
            "limits --n 5",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
        assert!(parsed("dln_flow --mode big --width 256").is_ok());
    }
}
