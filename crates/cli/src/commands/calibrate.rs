//! `solvable calibrate`: false alarms and power over many seeds.
use std::path::PathBuf;

use clap::Args;
use solvable_verify::check::DEFAULT_SEED;
use solvable_verify::run::Options;
use solvable_verify::sabotage::{self, Selection};
use solvable_verify::{calibrate, output, registry};

use super::print;
use super::progress::Bar;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Chapters or claim ids (default: everything).
    #[arg(value_name = "CHAPTER|CLAIM")]
    selection: Vec<String>,

    /// Seeds over which p-values are pooled.
    #[arg(long, default_value_t = 30)]
    seeds: u64,

    /// Seeds at which every sabotage is tried.
    #[arg(long, default_value_t = 100)]
    power_seeds: u64,

    /// First seed.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,

    /// Write the result as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    for (option, value) in [("seeds", arguments.seeds), ("power-seeds", arguments.power_seeds)] {
        if value == 0 {
            return Err(Failure::Option { option, value, condition: "at least 1" });
        }
    }
    let claims = registry::select(&arguments.selection)?;
    let options = Options { seed: arguments.seed, ..Options::default() };
    let checks: usize = claims.iter().map(|c| c.checks.len()).sum();
    let sabotages = claims.iter().flat_map(|c| &c.checks).map(|check| check.sabotages().len()).sum();
    let bar = Bar::new(sabotages);
    let power = sabotage::power(&claims, &options, Selection::All, arguments.power_seeds, &|p| bar.report(p));
    bar.finish();
    let bar = Bar::new(checks.saturating_mul(usize::try_from(arguments.seeds).unwrap_or(usize::MAX)));
    let calibration = calibrate::calibrate(claims, &options, arguments.seeds, &|p| bar.report(p));
    bar.finish();
    let mut failed = false;
    let mut text = String::from("power: rejected of seeds tried\n");
    for row in &power {
        // At least 99 of 100, and all of fewer.
        let enough = row.rejected * 100 >= row.seeds * 99;
        failed |= !enough;
        text += &format!(
            "{:<8} {:<24} {:>3}/{:<3} {}{}\n",
            row.claim,
            row.check,
            row.rejected,
            row.seeds,
            row.sabotage,
            if enough { "" } else { "  <- too weak" },
        );
        for error in &row.errors {
            text += &format!("         error: {error}\n");
        }
    }
    if let Some(c) = &calibration {
        text += &format!(
            "\ncalibration: {} p-values over {} seeds; Kolmogorov-Smirnov distance {:.4}, p = {:.3}\n\
             fractions below 0.1%, 1%, 5%, 50%: {:.4}, {:.4}, {:.4}, {:.4}\n\
             retested cells {}, false alarms {}\n",
            c.p_values,
            c.seeds,
            c.distance,
            c.uniformity_p,
            c.tails[0],
            c.tails[1],
            c.tails[2],
            c.tails[3],
            c.retests,
            c.false_alarms,
        );
        // Stated level of the uniformity test: 1 in 10000.
        failed |= c.uniformity_p < 1e-4 || c.false_alarms > 0;
    }
    print(&text)?;
    if let Some(path) = &arguments.json {
        let value = serde_json::json!({ "power": power, "calibration": calibration });
        output::write_whole(path, format!("{value:#}\n").as_bytes())?;
    }
    Ok(u8::from(failed))
}
