//! `solvable figure NAME`: a picture and its numbers.
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use solvable_verify::check::{Budget, DEFAULT_SEED};
use solvable_verify::figure::{Figure, FigureSpec, compare_csv, figures};
use solvable_verify::output;
use solvable_verify::run::Options;

use super::print;
use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Svg,
    #[cfg(feature = "png")]
    Png,
    Csv,
    /// Title, caption, parameters and text alternative.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Names, as `--list` shows them.
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// All figures.
    #[arg(long)]
    all: bool,

    /// Show names and titles.
    #[arg(long, conflicts_with_all = ["all", "check"])]
    list: bool,

    /// Compare the tables in the directory with newly made ones instead of writing; status 1 if one is stale.
    #[arg(long)]
    check: bool,

    /// Directory of the files NAME.svg, NAME.png, NAME.csv, NAME.json.
    #[arg(long, value_name = "DIR", default_value = "figures")]
    out: PathBuf,

    /// Formats to write (default: all).
    #[arg(long, value_enum, value_delimiter = ',')]
    formats: Vec<Format>,

    /// quick: seconds; full: minutes, smaller error bars.
    #[arg(long, default_value = "quick", value_parser = ["quick", "full"])]
    budget: String,

    /// Seed of the simulated points; the default is published and frozen.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    if arguments.list {
        let lines: String = figures().iter().map(|f| format!("{:<28} {}\n", f.name, f.title)).collect();
        return print(&lines).map(|()| 0);
    }
    let budget = if arguments.budget == "full" { Budget::Full } else { Budget::Quick };
    let options = Options { budget, seed: arguments.seed, ..Options::default() };
    let mut stale = false;
    for spec in selected(arguments)? {
        let figure = (spec.build)(&options).map_err(|error| Failure::Figure { name: spec.name, error })?;
        if arguments.check {
            let path = arguments.out.join(format!("{}.csv", spec.name));
            let old = std::fs::read_to_string(&path).map_err(|source| Failure::Read { path, source })?;
            match compare_csv(&old, &figure.csv()) {
                Ok(()) => print(&format!("{}: up to date\n", spec.name))?,
                Err(difference) => {
                    stale = true;
                    print(&format!("{}: stale: {difference}\n", spec.name))?;
                }
            }
        } else {
            write(spec, &figure, arguments)?;
        }
    }
    Ok(u8::from(stale))
}

fn selected(arguments: &Arguments) -> Result<Vec<&'static FigureSpec>, Failure> {
    let known = figures();
    if arguments.all {
        return Ok(known);
    }
    if arguments.names.is_empty() {
        return Err(Failure::NoFigure);
    }
    arguments
        .names
        .iter()
        .map(|name| {
            let found = known.iter().find(|f| f.name.eq_ignore_ascii_case(name)).copied();
            found.ok_or_else(|| Failure::UnknownFigure { name: name.clone() })
        })
        .collect()
}

fn write(spec: &FigureSpec, figure: &Figure, arguments: &Arguments) -> Result<(), Failure> {
    let formats =
        if arguments.formats.is_empty() { Format::value_variants() } else { arguments.formats.as_slice() };
    for format in formats {
        let (extension, bytes) = match format {
            Format::Svg => ("svg", figure.svg(spec.title).into_bytes()),
            #[cfg(feature = "png")]
            Format::Png => ("png", figure.png()?),
            Format::Csv => ("csv", figure.csv().into_bytes()),
            Format::Json => ("json", about(spec, figure, arguments).into_bytes()),
        };
        let path = arguments.out.join(format!("{}.{extension}", spec.name));
        output::write_whole(&path, &bytes)?;
        print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

fn about(spec: &FigureSpec, figure: &Figure, arguments: &Arguments) -> String {
    let value = serde_json::json!({
        "name": spec.name,
        "title": spec.title,
        "caption": spec.caption,
        "parameters": figure.parameters(),
        "description": figure.description(),
        "claims": spec.claims,
        "budget": arguments.budget,
        "seed": arguments.seed,
    });
    format!("{value:#}\n")
}
