//! `solvable study CHAPTER`: a user's own data. One file a chapter.
mod aggregate;
mod collapse;
mod icl;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use solvable_verify::figure::Figure;
use solvable_verify::output;

use super::print;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    chapter: Chapter,
}

#[derive(Debug, Subcommand)]
enum Chapter {
    /// Learning from bags of your table: estimators, GCV choice, predicted and measured error, bag size, privacy.
    Aggregate(aggregate::Arguments),
    /// In-context regression on your covariates: the trained layer, its risk, what a shift costs.
    Icl(icl::Arguments),
    /// The last layer of your own network: NC1 to NC4, and the exact geometry for its class counts; status 3 when weight decay is
    /// given but no geometry can be predicted.
    Collapse(collapse::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    match &arguments.chapter {
        Chapter::Aggregate(arguments) => aggregate::run(arguments),
        Chapter::Icl(arguments) => icl::run(arguments),
        Chapter::Collapse(arguments) => collapse::run(arguments),
    }
}

/// Where the results go besides the terminal: the same options for every chapter.
#[derive(Debug, Args)]
struct Outputs {
    /// Write everything as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Directory of the figures study-CHAPTER*.svg, .png, .csv.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Outputs {
    /// Writes a study and its figures (name and title with each) where asked.
    fn write(
        &self,
        study: &impl serde::Serialize,
        figures: impl FnOnce() -> Vec<(&'static str, &'static str, Figure)>,
    ) -> Result<(), Failure> {
        if let Some(path) = &self.json {
            write_json(path, study)?;
        }
        if let Some(directory) = &self.out {
            for (name, title, figure) in figures() {
                write_figure(directory, name, title, &figure)?;
            }
        }
        Ok(())
    }
}

/// Writes `NAME.svg`, `NAME.csv` and, where compiled in, `NAME.png` into a directory.
fn write_figure(directory: &Path, name: &str, title: &str, figure: &Figure) -> Result<(), Failure> {
    let mut files = vec![("svg", figure.svg(title).into_bytes()), ("csv", figure.csv().into_bytes())];
    #[cfg(feature = "png")]
    files.push(("png", figure.png()?));
    files.sort_by_key(|f| f.0);
    for (extension, bytes) in files {
        let path = directory.join(format!("{name}.{extension}"));
        output::write_whole(&path, &bytes)?;
        print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

/// Writes a study as JSON.
fn write_json(path: &Path, study: &impl serde::Serialize) -> Result<(), Failure> {
    let mut json = serde_json::to_vec_pretty(study).map_err(solvable_verify::compute::ComputeError::from)?;
    json.push(b'\n');
    output::write_whole(path, &json)?;
    print(&format!("{}\n", path.display()))
}
