//! Ranges and ticks.
use super::plot::{Axis, Mark, Panel, Scale};

/// A mapping from values to positions in `[0, 1]`, with its ticks.
#[derive(Clone, Debug)]
pub(super) struct Ruler {
    scale: Scale,
    low: f64,
    high: f64,
    whole: bool,
    reversed: bool,
}

/// A tick: value and label; an empty label for minor ticks.
pub(super) type Tick = (f64, String);

impl Ruler {
    /// The ruler of one axis of a panel.
    pub(super) fn horizontal(panel: &Panel) -> Self {
        let values = panel.series.iter().flat_map(|s| {
            let half = if let Mark::Bars(width) = s.mark { 0.5 * width } else { 0.0 };
            s.data.iter().flat_map(move |d| [d.x - half, d.x + half])
        });
        // Lines usually end where their data do: no margin would put markers on the frame.
        let dots = panel.series.iter().any(|s| matches!(s.mark, Mark::Points));
        Self::new(&panel.x, values, if dots { 0.03 } else { 0.0 })
    }

    /// The ruler of the other.
    pub(super) fn vertical(panel: &Panel) -> Self {
        let values = panel.series.iter().flat_map(|s| {
            let base = matches!(s.mark, Mark::Bars(_)).then_some(0.0);
            s.data.iter().flat_map(|d| [d.y, d.low, d.high]).chain(base)
        });
        Self::new(&panel.y, values, 0.05)
    }

    fn new(axis: &Axis, values: impl Iterator<Item = f64>, margin: f64) -> Self {
        let drawable = |v: &f64| v.is_finite() && (axis.scale == Scale::Linear || *v > 0.0);
        let (mut low, mut high) = values
            .chain(axis.include.iter().copied())
            .filter(drawable)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if let Some((l, h)) = axis.range {
            (low, high) = (l, h);
        } else if low > high {
            (low, high) = if axis.scale == Scale::Log { (0.1, 10.0) } else { (0.0, 1.0) };
        } else if axis.scale == Scale::Log {
            let pad = (high / low).powf(margin).max(if low == high { 2.0 } else { 1.0 });
            (low, high) = (low / pad, high * pad);
        } else {
            let span = high - low;
            // A constant needs some height, in proportion to its size.
            let pad = if span > 1e-12 * high.abs().max(low.abs()) {
                margin * span
            } else {
                0.1 * high.abs().max(0.5)
            };
            let floor = if low == 0.0 && axis.include.contains(&0.0) { 0.0 } else { low - pad };
            (low, high) = (floor, high + pad);
        }
        Self { scale: axis.scale, low, high, whole: axis.whole, reversed: axis.reversed }
    }

    /// Position of a value, 0 at the low end (the high one where reversed), 1 at the other; beyond them outside.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let place = match self.scale {
            Scale::Linear => value.is_finite().then(|| (value - self.low) / (self.high - self.low)),
            Scale::Log => (value > 0.0 && value.is_finite())
                .then(|| (value / self.low).ln() / (self.high / self.low).ln()),
        };
        place.map(|u| if self.reversed { 1.0 - u } else { u })
    }

    /// Like [`place`](Self::place), with what a logarithm cannot show put far below the axis.
    pub(super) fn place_or_below(&self, value: f64) -> f64 {
        self.place(value).unwrap_or(if value == f64::INFINITY { 2.0 } else { -1.0 })
    }

    /// Ticks from low to high.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        match self.scale {
            Scale::Linear => self.linear_ticks(),
            Scale::Log => self.log_ticks(),
        }
    }

    fn linear_ticks(&self) -> Vec<Tick> {
        let span = self.high - self.low;
        let raw = if self.whole { (span / 5.0).max(1.0) } else { span / 5.0 };
        let power = 10f64.powf(raw.log10().floor());
        let fits = |m: &f64| m * power >= raw * 0.999 && (!self.whole || (m * power).fract() == 0.0);
        let step = power * [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(fits).unwrap_or(10.0);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        let largest = self.low.abs().max(self.high.abs());
        let scientific = !(1e-3..1e5).contains(&largest);
        let decimals = (0..9).find(|&k| {
            let scaled = step * 10f64.powi(k);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        });
        (first..=last)
            .map(|k| {
                let value = k as f64 * step;
                let label = if k == 0 {
                    "0".to_owned()
                } else if scientific {
                    tidy(&format!("{value:.1e}"))
                } else {
                    format!("{value:.*}", decimals.unwrap_or(6) as usize)
                };
                (value, label.replace('-', "\u{2212}"))
            })
            .collect()
    }

    fn log_ticks(&self) -> Vec<Tick> {
        let decades = (self.high / self.low).log10();
        let first = (self.low.log10() - 1e-9).floor() as i32;
        let last = (self.high.log10() + 1e-9).ceil() as i32;
        let stride = (decades / 6.0).ceil().max(1.0) as i32;
        let inside = |v: f64| v >= self.low * (1.0 - 1e-9) && v <= self.high * (1.0 + 1e-9);
        let mut ticks = Vec::new();
        for e in first..=last {
            for m in 1..10 {
                let value = f64::from(m) * 10f64.powi(e);
                if !inside(value) || (stride > 1 && m > 1) {
                    continue;
                }
                let labelled = match m {
                    1 => e.rem_euclid(stride) == 0,
                    2 | 5 => decades < 1.8,
                    3 | 4 | 6 | 8 => decades < 0.7,
                    _ => false,
                };
                ticks.push((value, if labelled { log_label(m, e) } else { String::new() }));
            }
        }
        ticks
    }
}

fn log_label(m: u32, e: i32) -> String {
    if (-2..4).contains(&e) {
        let value = f64::from(m) * 10f64.powi(e);
        return format!("{value:.*}", (-e).max(0) as usize);
    }
    let power = format!("10{}", superscript(e));
    if m == 1 { power } else { format!("{m}·{power}") }
}

fn superscript(e: i32) -> String {
    e.to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            other => char::from_u32('⁰' as u32 + other as u32 - '0' as u32).unwrap_or(other),
        })
        .collect()
}

/// `5.0e-7` as `5·10⁻⁷`.
fn tidy(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else { return text.to_owned() };
    let mantissa = mantissa.trim_end_matches(".0");
    exponent.parse().map_or_else(|_| text.to_owned(), |e: i32| format!("{mantissa}·10{}", superscript(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, values: &[f64]) -> Vec<String> {
        let ruler = Ruler::new(axis, values.iter().copied(), 0.0);
        ruler.ticks().into_iter().map(|t| t.1).filter(|l| !l.is_empty()).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(&Axis::linear(""), &[0.0, 1.0]), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&Axis::log(""), &[1.0, 1000.0]), ["1", "10", "100", "1000"]);
        assert_eq!(
            labels(&Axis::log(""), &[1e-12, 1.0]),
            ["10⁻¹²", "10⁻¹⁰", "10⁻⁸", "10⁻⁶", "10⁻⁴", "0.01", "1"]
        );
        assert_eq!(labels(&Axis::log(""), &[1.0, 10.0]), ["1", "2", "5", "10"]);
        assert_eq!(
            labels(&Axis::linear(""), &[0.0, 5e-7]),
            ["0", "1·10⁻⁷", "2·10⁻⁷", "3·10⁻⁷", "4·10⁻⁷", "5·10⁻⁷"]
        );
    }

    #[test]
    fn degenerate_data_still_have_a_range() {
        for axis in [Axis::linear(""), Axis::log("")] {
            for values in [&[][..], &[3.0], &[0.0, 0.0], &[f64::NAN, f64::INFINITY]] {
                let ruler = Ruler::new(&axis, values.iter().copied(), 0.05);
                assert!(ruler.low < ruler.high && ruler.low.is_finite() && ruler.high.is_finite());
                assert!(!ruler.ticks().is_empty());
            }
        }
    }
}
