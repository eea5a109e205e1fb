//! The picture of a check: what was predicted, what was observed, and by how much they differ.
use crate::figure::{Axis, Colour, Dash, Datum, Figure, Mark, Panel};
use crate::{CellEvidence, CheckEvidence, Kind};

/// More series than this are not told apart by eye.
const SERIES: usize = 6;

/// More cells than this are not told apart in a picture; the table and the JSON have all.
const CELLS: usize = 200;

/// The figure of a check's evidence; none where there is nothing to draw.
pub(super) fn figure(check: &CheckEvidence) -> Option<Figure> {
    let drawable = |c: &&CellEvidence| c.predicted.is_finite() && c.observed.is_finite();
    let cells: Vec<&CellEvidence> = check.cells.iter().filter(drawable).take(CELLS).collect();
    if cells.is_empty() {
        return None;
    }
    let figure = Figure::new(format!("{} cells", check.cells.len())).size(720.0, 240.0);
    let series: Vec<&CellEvidence> =
        cells.iter().copied().filter(|c| c.series.len() > 1).take(SERIES).collect();
    Some(match check.kind {
        Kind::Limit if !series.is_empty() => figure.panel(limit(&series)).panel(residuals(&cells)),
        Kind::Asymptotic if !series.is_empty() => figure.panel(sizes(&series)).panel(slopes(&series)),
        Kind::Bound => figure.panel(values(&cells, "bound", "largest value found")).panel(ratios(&cells)),
        Kind::Refutation => figure.columns(1).panel(values(&cells, "published minimum", "counterexample")),
        Kind::Observation => figure.columns(1).panel(values(&cells, "", "recorded")),
        _ => figure.panel(values(&cells, "predicted", "observed")).panel(residuals(&cells)),
    })
}

/// A logarithmic axis where all values are positive and spread.
fn axis(label: &str, values: impl Iterator<Item = f64> + Clone) -> Axis {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    if low > 0.0 && high / low > 30.0 { Axis::log(label) } else { Axis::linear(label) }
}

fn cell_axis(cells: usize) -> Axis {
    Axis::linear("cell").whole().range(0.5, cells as f64 + 0.5)
}

fn values(cells: &[&CellEvidence], predicted: &str, observed: &str) -> Panel {
    let y = axis("value", cells.iter().flat_map(|c| [c.predicted, c.observed]));
    let mut panel = Panel::new(cell_axis(cells.len()), y);
    if !predicted.is_empty() {
        if cells.len() == 1 {
            panel = panel.line(predicted, Colour::Blue, [0.5, 1.5].map(|x| (x, cells[0].predicted)));
        } else {
            panel = panel.line(
                predicted,
                Colour::Blue,
                (1..).map(f64::from).zip(cells.iter().map(|c| c.predicted)),
            );
        }
    }
    let bars = (1..).map(f64::from).zip(cells).map(|(x, c)| (x, c.observed, c.error_bar.max(0.0)));
    panel.points(observed, Colour::Vermillion, bars)
}

/// Differences in units of the error bar: what passes lies between -1 and 1.
fn residuals(cells: &[&CellEvidence]) -> Panel {
    let last = cells.len() as f64 + 0.5;
    let strain = |c: &CellEvidence| {
        let difference = c.observed - c.predicted;
        if difference == 0.0 { 0.0 } else { (difference / c.error_bar).clamp(-3.0, 3.0) }
    };
    let dots = (1..).map(f64::from).zip(cells).map(|(x, c)| (x, strain(c), 0.0));
    Panel::new(
        cell_axis(cells.len()),
        Axis::linear("(observed − predicted) / error bar").include(-1.2).include(1.2),
    )
    .band("passes", Colour::Green, [(0.5, -1.0, 1.0), (last, -1.0, 1.0)])
    .points("observed", Colour::Vermillion, dots)
}

fn ratios(cells: &[&CellEvidence]) -> Panel {
    let ratio =
        |c: &CellEvidence| if c.predicted == 0.0 { 0.0 } else { (c.observed / c.predicted).clamp(-3.0, 3.0) };
    let dots = (1..).map(f64::from).zip(cells).map(|(x, c)| (x, ratio(c), 0.0));
    let last = cells.len() as f64 + 0.5;
    Panel::new(cell_axis(cells.len()), Axis::linear("largest value found / bound").include(1.05))
        .series("bound", Colour::Blue, Mark::Line(Dash::Dashed), [0.5, last].map(|x| Datum::new(x, 1.0)))
        .points("largest value found", Colour::Vermillion, dots)
}

/// Distance to the limit, level by level.
fn limit(cells: &[&CellEvidence]) -> Panel {
    let mut panel = Panel::new(Axis::linear("level").whole(), Axis::log("|simulated − predicted| / scale"));
    for (k, cell) in cells.iter().enumerate() {
        let distance = |p: &crate::Point| (p.x, (p.observed - p.predicted).abs() / cell.scale);
        let points: Vec<(f64, f64)> = cell.series.iter().map(distance).filter(|p| p.1 > 0.0).collect();
        let dots = points.iter().map(|&(x, y)| (x, y, 0.0)).collect::<Vec<_>>();
        panel = panel.dotted("", Colour::of(k), points).points(name(cell), Colour::of(k), dots);
    }
    panel
}

/// Means at the simulated sizes, and what theory says at infinite size.
fn sizes(cells: &[&CellEvidence]) -> Panel {
    let y = axis("value", cells.iter().flat_map(|c| c.series.iter().flat_map(|p| [p.predicted, p.observed])));
    let mut panel = Panel::new(Axis::log("size"), y);
    for (k, cell) in cells.iter().enumerate() {
        let predicted = cell.series.iter().map(|p| (p.x, p.predicted));
        let observed = cell.series.iter().map(|p| (p.x, p.observed, p.error_bar));
        panel = panel.line("", Colour::of(k), predicted).points(name(cell), Colour::of(k), observed);
    }
    panel
}

/// Differences from theory against 1/size: straight lines into 0.
fn slopes(cells: &[&CellEvidence]) -> Panel {
    let mut panel = Panel::new(
        Axis::linear("1 / size").include(0.0),
        Axis::linear("(observed − predicted) / scale").include(0.0),
    );
    for (k, cell) in cells.iter().enumerate() {
        let difference =
            |p: &crate::Point| (1.0 / p.x, (p.observed - p.predicted) / cell.scale, p.error_bar / cell.scale);
        let limit = ((cell.observed - cell.predicted) / cell.scale, cell.error_bar / cell.scale);
        let mut points: Vec<_> = cell.series.iter().map(difference).collect();
        points.push((0.0, limit.0, limit.1));
        let line = points.iter().map(|p| (p.0, p.1)).collect::<Vec<_>>();
        panel = panel.dotted("", Colour::of(k), line).points(name(cell), Colour::of(k), points);
    }
    panel
}

/// A label that fits a legend.
fn name(cell: &CellEvidence) -> String {
    const LONGEST: usize = 60;
    if cell.label.is_empty() {
        "the one cell".to_owned()
    } else if cell.label.chars().count() > LONGEST {
        cell.label.chars().take(LONGEST - 1).chain(['…']).collect()
    } else {
        cell.label.clone()
    }
}
