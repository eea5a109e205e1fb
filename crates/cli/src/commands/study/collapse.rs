//! `solvable study collapse`: the last layer of the user's own network.
use std::path::PathBuf;

use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use solvable_verify::collapse::study::{Study, StudyOptions, TrainedLoss, study};

use super::Outputs;
use crate::commands::{brief, print, short};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Features of the last layer, one row a sample (.csv, .txt or .npy). Read twice, in bounded memory.
    #[arg(long, value_name = "FILE")]
    features: PathBuf,

    /// Class of each sample: whole numbers from 0, without gaps.
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,

    /// End-to-end classifier, one row a class.
    #[arg(long, value_name = "FILE")]
    classifier: Option<PathBuf>,

    /// Bias of the classifier, one number a class.
    #[arg(long, value_name = "FILE")]
    bias: Option<PathBuf>,

    /// Loss of training: squared, cross-entropy.
    #[arg(long, default_value = "cross-entropy", value_parser = ["squared", "cross-entropy"])]
    loss: String,

    /// Weight decay of each linear layer after the features, from the logits down: the factor of |W|^2/2 beside the mean loss.
    #[arg(long, value_delimiter = ',', value_name = "L,..")]
    weight_decay: Vec<f64>,

    /// Decay of the features, the factor of |H|^2/2 over all samples (default: inferred from the balance of the layers).
    #[arg(long, value_name = "L")]
    feature_decay: Option<f64>,

    #[command(flatten)]
    outputs: Outputs,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let squared = arguments.loss == "squared";
    let result = study(&StudyOptions {
        features: arguments.features.clone(),
        labels: arguments.labels.clone(),
        classifier: arguments.classifier.clone(),
        bias: arguments.bias.clone(),
        loss: if squared { TrainedLoss::Squared } else { TrainedLoss::CrossEntropy },
        weight_decay: arguments.weight_decay.clone(),
        feature_decay: arguments.feature_decay,
    })?;
    print(&text(&result))?;
    arguments.outputs.write(&result, || {
        vec![
            ("study-collapse", "Lengths of class means and classifiers", result.figure()),
            ("study-collapse-angles", "Cosines between class means", result.angles()),
        ]
    })?;
    // A prediction that was asked for and could not be made is inconclusive; without weight decay none was asked for.
    Ok(if result.assumed.is_some() || arguments.weight_decay.is_empty() { 0 } else { 3 })
}

fn text(s: &Study) -> String {
    let counts = || s.classes.iter().map(|c| c.count);
    let mut text = format!(
        "{}: {} samples, {} features, {} classes of {} to {} samples\n\n",
        s.features.display(),
        s.samples,
        s.dimension,
        s.classes.len(),
        counts().min().unwrap_or(0),
        counts().max().unwrap_or(0),
    );
    text += &format!(
        "NC1  within- over between-class variability: {} (between-class rank {})\n",
        brief(s.nc1),
        s.between_rank
    );
    if let (Some(nc4), Some(error)) = (s.nc4, s.classifier_error) {
        text += &format!(
            "NC4  classifier and nearest class mean disagree on {:.2}% of the samples; errors {:.2}% and {:.2}%\n",
            100.0 * nc4,
            100.0 * error,
            100.0 * s.nearest_mean_error
        );
    } else {
        text += &format!("     errors of the nearest class mean: {:.2}%\n", 100.0 * s.nearest_mean_error);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["distance to", "NC2 means", "NC2 classifier", "NC3 product"]);
    let optional = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), short);
    for shape in &s.shapes {
        let mark = if shape.shape == s.nearest_shape { " <- nearest" } else { "" };
        table.add_row([
            format!("{}{mark}", shape.shape.words()),
            short(shape.features),
            optional(shape.classifier),
            optional(shape.product),
        ]);
    }
    align(&mut table);
    text += &format!("\n{}\n", table.trim_fmt());
    match &s.assumed {
        Some(a) => {
            let decays: Vec<String> = a.weight_decay.iter().map(|v| short(*v)).collect();
            text += &format!(
                "\npredicted by {}: weight decay {} (logits first), feature decay {}{}\n",
                a.claim,
                decays.join(", "),
                short(a.feature_decay),
                if a.inferred { ", inferred from the balance of the layers" } else { "" },
            );
            let below: Vec<String> =
                s.classes.iter().filter(|c| c.collapsed == Some(true)).map(|c| c.class.to_string()).collect();
            text += &if below.is_empty() {
                "all classes are large enough for their regularisation\n".to_owned()
            } else {
                format!("below their collapse threshold: classes {}\n", below.join(", "))
            };
        }
        None => text += &format!("\nno prediction: {}\n", s.no_prediction),
    }
    for note in &s.notes {
        text += &format!("{note}\n");
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "class",
        "n",
        "|mean|",
        "predicted",
        "spread",
        "|row|",
        "predicted",
        "angle to",
        "degrees",
        "predicted",
        "Lambda/critical",
    ]);
    const MOST_ROWS: usize = 40;
    for c in s.classes.iter().take(MOST_ROWS) {
        table.add_row([
            c.class.to_string(),
            c.count.to_string(),
            short(c.feature_length),
            optional(c.predicted_feature_length),
            brief(c.spread),
            optional(c.classifier_length),
            optional(c.predicted_classifier_length),
            c.nearest_class.map_or_else(|| "-".to_owned(), |k| k.to_string()),
            c.smallest_angle.map_or_else(|| "-".to_owned(), |v| format!("{v:.1}")),
            c.predicted_angle.map_or_else(|| "-".to_owned(), |v| format!("{v:.1}")),
            c.threshold_ratio.map_or_else(|| "-".to_owned(), brief),
        ]);
    }
    align(&mut table);
    text += &format!("\n{}\n", table.trim_fmt());
    if s.classes.len() > MOST_ROWS {
        text += &format!("... {} classes in all: use --json\n", s.classes.len());
    }
    text
}

fn align(table: &mut Table) {
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if i > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
