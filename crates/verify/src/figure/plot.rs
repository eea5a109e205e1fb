//! What a figure shows: panels, axes, series.
use super::palette::{Colour, Dash};

/// Linear or logarithmic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps are equal differences.
    Linear,
    /// Equal steps are equal ratios; only positive values are drawn.
    Log,
}

/// An axis: its label names the quantity and, in parentheses, its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub(super) label: String,
    pub(super) scale: Scale,
    pub(super) range: Option<(f64, f64)>,
    pub(super) include: Vec<f64>,
    pub(super) whole: bool,
    pub(super) reversed: bool,
}

impl Axis {
    /// A linear axis; the range follows the data.
    #[must_use]
    pub fn linear(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            scale: Scale::Linear,
            range: None,
            include: Vec::new(),
            whole: false,
            reversed: false,
        }
    }

    /// A logarithmic axis; the range follows the data.
    #[must_use]
    pub fn log(label: impl Into<String>) -> Self {
        Self { scale: Scale::Log, ..Self::linear(label) }
    }

    /// Ticks at whole numbers only: for counts and indices.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Lets values grow downwards, or to the left: row 0 of a matrix stands on top.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.reversed = true;
        self
    }

    /// Fixes the range; what lies outside is cut off.
    #[must_use]
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Widens the range so that it contains `value`, e.g. 0.
    #[must_use]
    pub fn include(mut self, value: f64) -> Self {
        self.include.push(value);
        self
    }
}

/// One value of a series. Where there is no error bar or band, `low = high = y`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datum {
    /// Abscissa.
    pub x: f64,
    /// Ordinate.
    pub y: f64,
    /// Lower end of the error bar or band.
    pub low: f64,
    /// Upper end of the error bar or band.
    pub high: f64,
}

impl Datum {
    /// A value without an error bar.
    #[must_use]
    pub fn new(x: f64, y: f64) -> Self {
        Self { x, y, low: y, high: y }
    }

    /// A value with a symmetric error bar.
    #[must_use]
    pub fn with_error(x: f64, y: f64, half_width: f64) -> Self {
        Self { x, y, low: y - half_width, high: y + half_width }
    }
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// A line through the values.
    Line(Dash),
    /// A marker and an error bar at each value.
    Points,
    /// The area between low and high.
    Band,
    /// Bars of this width from 0 (or the lower end of the axis) to y.
    Bars(f64),
    /// Unit squares around (x, y), shaded by their value `low = high`: blue below 0, vermillion above, strongest at this
    /// absolute value.
    Cells(f64),
}

impl Mark {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Line(_) => "line",
            Self::Points => "points",
            Self::Band => "band",
            Self::Bars(_) => "bars",
            Self::Cells(_) => "cells",
        }
    }
}

/// A named list of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub(super) name: String,
    pub(super) colour: Colour,
    pub(super) mark: Mark,
    pub(super) data: Vec<Datum>,
}

/// One pair of axes with its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    pub(super) height: f64,
}

impl Panel {
    /// An empty panel.
    #[must_use]
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { title: String::new(), x, y, series: Vec::new(), height: 1.0 }
    }

    /// A matrix as shaded cells, row 0 on top; `strongest` is the absolute value of the full colours, `label` names what
    /// rows and columns count. Up to ten rows carry their numbers.
    #[must_use]
    pub fn heat_map(
        label: impl Into<String>,
        name: impl Into<String>,
        strongest: f64,
        rows: &[Vec<f64>],
    ) -> Self {
        let label = label.into();
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let axis =
            |count: usize| Axis::linear(label.clone()).whole().range(-0.5, (count.max(1) as f64) - 0.5);
        let cell = |i: usize, j: usize, v: f64| Datum { x: j as f64, y: i as f64, low: v, high: v };
        let cells = rows
            .iter()
            .enumerate()
            .flat_map(|(i, row)| row.iter().enumerate().map(move |(j, &v)| cell(i, j, v)))
            .collect::<Vec<_>>();
        Self::new(axis(columns), axis(rows.len()).reversed()).series(
            name,
            Colour::Vermillion,
            Mark::Cells(strongest),
            cells,
        )
    }

    /// Rows of the heat map, 0 where there is none.
    pub(super) fn map_rows(&self) -> usize {
        let cells = self.series.iter().filter(|s| matches!(s.mark, Mark::Cells(_))).flat_map(|s| &s.data);
        cells.map(|d| d.y as usize + 1).max().unwrap_or(0)
    }

    /// A title over the panel.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Height relative to a usual panel, e.g. 0.5 for residuals.
    #[must_use]
    pub fn height(mut self, factor: f64) -> Self {
        self.height = factor;
        self
    }

    /// Adds a series; one with an empty name has no entry in the legend.
    #[must_use]
    pub fn series(
        mut self,
        name: impl Into<String>,
        colour: Colour,
        mark: Mark,
        data: impl IntoIterator<Item = Datum>,
    ) -> Self {
        self.series.push(Series { name: name.into(), colour, mark, data: data.into_iter().collect() });
        self
    }

    /// A solid line: what theory says.
    #[must_use]
    pub fn line(
        self,
        name: impl Into<String>,
        colour: Colour,
        data: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        self.series(name, colour, Mark::Line(Dash::Solid), data.into_iter().map(|(x, y)| Datum::new(x, y)))
    }

    /// A dashed line: bounds and asymptotes.
    #[must_use]
    pub fn dashed(
        self,
        name: impl Into<String>,
        colour: Colour,
        data: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        self.series(name, colour, Mark::Line(Dash::Dashed), data.into_iter().map(|(x, y)| Datum::new(x, y)))
    }

    /// A dotted line: guides, published values that are refuted.
    #[must_use]
    pub fn dotted(
        self,
        name: impl Into<String>,
        colour: Colour,
        data: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        self.series(name, colour, Mark::Line(Dash::Dotted), data.into_iter().map(|(x, y)| Datum::new(x, y)))
    }

    /// Points with error bars, `(x, y, half-width)`: what simulation says.
    #[must_use]
    pub fn points(
        self,
        name: impl Into<String>,
        colour: Colour,
        data: impl IntoIterator<Item = (f64, f64, f64)>,
    ) -> Self {
        let data = data.into_iter().map(|(x, y, e)| Datum::with_error(x, y, e));
        self.series(name, colour, Mark::Points, data)
    }

    /// A shaded band, `(x, low, high)`.
    #[must_use]
    pub fn band(
        self,
        name: impl Into<String>,
        colour: Colour,
        data: impl IntoIterator<Item = (f64, f64, f64)>,
    ) -> Self {
        let data = data.into_iter().map(|(x, low, high)| Datum { x, y: 0.5 * (low + high), low, high });
        self.series(name, colour, Mark::Band, data)
    }
}

/// A figure: panels in rows, one legend below them, the parameters it was made with.
///
/// ```
/// use solvable_verify::figure::{Axis, Colour, Figure, Panel};
///
/// let panel = Panel::new(Axis::log("context length N (tokens)"), Axis::log("risk"))
///     .line("theory", Colour::Blue, (1..=100).map(|n| (f64::from(n), 1.0 / f64::from(n))))
///     .points("simulation", Colour::Blue, [(10.0, 0.11, 0.02), (100.0, 0.0098, 0.001)]);
/// let figure = Figure::new("d = 1, 100 replicas a point").panel(panel);
/// assert!(figure.svg("Risk").contains("simulation"));
/// assert!(figure.csv().contains("simulation,points,10,0.11,"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub(super) parameters: String,
    pub(super) panels: Vec<Panel>,
    pub(super) columns: usize,
    pub(super) size: (f64, f64),
}

impl Figure {
    /// An empty figure; `parameters` end its caption (sizes, replicas, seed: what a reader needs to make it again).
    #[must_use]
    pub fn new(parameters: impl Into<String>) -> Self {
        Self { parameters: parameters.into(), panels: Vec::new(), columns: 2, size: (720.0, 320.0) }
    }

    /// Panels a row: 2, unless there is only one.
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.max(1);
        self
    }

    /// Total width, and height of a usual panel's row, in CSS pixels (720 and 320).
    #[must_use]
    pub fn size(mut self, width: f64, row: f64) -> Self {
        self.size = (width, row);
        self
    }

    /// Adds a panel, row by row.
    #[must_use]
    pub fn panel(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }

    /// The parameters it was made with.
    #[must_use]
    pub fn parameters(&self) -> &str {
        &self.parameters
    }

    /// Whether all values that should be numbers are: for tests of figure functions.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.panels
            .iter()
            .flat_map(|p| &p.series)
            .flat_map(|s| &s.data)
            .all(|d| d.x.is_finite() && d.y.is_finite() && d.low.is_finite() && d.high.is_finite())
    }

    /// All values, one a line: `panel,series,mark,x,y,low,high`, shortest round-trip decimals. Cells of a heat map have
    /// their column in x, their row in y, their value in low and high.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from("panel,series,mark,x,y,low,high\n");
        for (i, panel) in self.panels.iter().enumerate() {
            let title = if panel.title.is_empty() { (i + 1).to_string() } else { panel.title.clone() };
            for series in &panel.series {
                let name = if series.name.is_empty() { "-" } else { &series.name };
                for d in &series.data {
                    let numbers = [d.x, d.y, d.low, d.high].map(number).join(",");
                    text += &format!("{},{},{},{numbers}\n", quote(&title), quote(name), series.mark.name());
                }
            }
        }
        text
    }

    /// What the figure shows, in words with numbers: the text alternative.
    #[must_use]
    pub fn description(&self) -> String {
        let mut text = String::new();
        for (i, panel) in self.panels.iter().enumerate() {
            if self.panels.len() > 1 {
                text += &format!("Panel {}", i + 1);
                if !panel.title.is_empty() {
                    text += &format!(", {}", panel.title);
                }
                text += ": ";
            }
            text += &format!("{} against {}. ", panel.y.label, panel.x.label);
            for series in panel.series.iter().filter(|s| !s.name.is_empty()) {
                let (Some(first), Some(last)) = (series.data.first(), series.data.last()) else { continue };
                text += &format!("{}, {}: ", series.name, series.mark.name());
                match series.mark {
                    Mark::Band => {
                        text += &format!(
                            "from [{}, {}] at {} to [{}, {}] at {}. ",
                            short(first.low),
                            short(first.high),
                            short(first.x),
                            short(last.low),
                            short(last.high),
                            short(last.x)
                        );
                    }
                    Mark::Cells(_) => text += &cells(&series.data),
                    Mark::Points | Mark::Bars(_) if series.data.len() <= 12 => {
                        let words: Vec<String> = series
                            .data
                            .iter()
                            .map(|d| {
                                let bar = 0.5 * (d.high - d.low);
                                let bar =
                                    if bar > 0.0 { format!(" ± {}", brief(bar)) } else { String::new() };
                                format!("{}{bar} at {}", short(d.y), short(d.x))
                            })
                            .collect();
                        text += &format!("{}. ", words.join("; "));
                    }
                    _ => {
                        let count = series.data.len();
                        let least = series.data.iter().map(|d| d.y).fold(f64::INFINITY, f64::min);
                        let most = series.data.iter().map(|d| d.y).fold(f64::NEG_INFINITY, f64::max);
                        text += &format!(
                            "{count} values from {} at {} to {} at {}, least {}, greatest {}. ",
                            short(first.y),
                            short(first.x),
                            short(last.y),
                            short(last.x),
                            short(least),
                            short(most)
                        );
                    }
                }
            }
        }
        text.trim_end().to_owned()
    }
}

/// A heat map in words: its rows, or those of its extreme values when there are many.
fn cells(data: &[Datum]) -> String {
    let rows = data.iter().map(|d| d.y as usize + 1).max().unwrap_or(0);
    if rows <= 6 {
        let row = |i: usize| {
            let values: Vec<String> =
                data.iter().filter(|d| d.y as usize == i).map(|d| short(d.low)).collect();
            format!("[{}]", values.join(", "))
        };
        return format!("rows {}. ", (0..rows).map(row).collect::<Vec<_>>().join(", "));
    }
    let place = |d: &Datum| format!("{} at row {}, column {}", short(d.low), d.y, d.x);
    let by_value = |a: &&Datum, b: &&Datum| a.low.total_cmp(&b.low);
    match (data.iter().min_by(by_value), data.iter().max_by(by_value)) {
        (Some(least), Some(most)) => {
            format!("{rows} rows, least {}, greatest {}. ", place(least), place(most))
        }
        _ => String::new(),
    }
}

fn number(value: f64) -> String {
    format!("{value:?}").trim_end_matches(".0").to_owned()
}

fn quote(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Four significant digits.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let exponent = value.abs().log10().floor();
    if (-4.0..6.0).contains(&exponent) {
        let decimals = (3.0 - exponent).clamp(0.0, 8.0) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        format!("{value:.3e}")
    }
}

/// Two significant digits.
fn brief(value: f64) -> String {
    if (1e-3..1e3).contains(&value.abs()) {
        short((value * 1e4).round() / 1e4)
    } else {
        format!("{value:.1e}")
    }
}
