//! Figures: theory lines with simulated points and error bars, as SVG, PNG and CSV.
//!
//! A chapter lists its figures in `figures.rs` as [`FigureSpec`]s; [`figures`] collects them. A figure is data
//! ([`Figure`], [`Panel`], [`Axis`]) and is laid out in one style: solid lines are theory, markers with error bars are
//! simulation, dashes are bounds, dots are guides or refuted values, matrices are shaded from blue to vermillion; colours of Okabe and Ito, each with its own marker;
//! the legend below the panels, where it covers nothing.
//!
//! The layout is our own rather than the plotting crate's, for four reasons: equal data must give equal bytes whatever was
//! drawn before (it numbers clip paths by a global counter), pictures in pages must follow dark mode, each needs a text
//! alternative with numbers, and `cargo test` should not compile a hundred thousand lines for it. The
//! crate paints the PNG (feature `png`, on in the command).
mod axis;
mod compare;
mod layout;
mod palette;
mod plot;
#[cfg(feature = "png")]
mod png;
mod scene;
mod svg;

pub use compare::{Stale, compare_csv};
pub use palette::{Colour, Dash};
pub use plot::{Axis, Datum, Figure, Mark, Panel, Scale, Series};
#[cfg(feature = "png")]
pub use png::PaintError;

use crate::CheckError;
use crate::check::Budget;
use crate::run::Options;

/// A figure that can be made by name.
#[derive(Clone, Copy, Debug)]
pub struct FigureSpec {
    /// Name on the command line and of its files, e.g. `icl-test-length`.
    pub name: &'static str,
    /// One line.
    pub title: &'static str,
    /// What it shows and what to see in it, in Markdown with TeX between dollars; the parameters follow by themselves.
    pub caption: &'static str,
    /// Claims it illustrates, e.g. `["ICL-5"]`.
    pub claims: &'static [&'static str],
    /// Makes it. Random streams derive from the options' seed and [`FigureSpec::name`] through [`stream_seed`].
    pub build: fn(&Options) -> Result<Figure, CheckError>,
}

/// All figures, by chapter.
#[must_use]
pub fn figures() -> Vec<&'static FigureSpec> {
    [crate::icl::figures::FIGURES, crate::aggregate::figures::FIGURES, crate::collapse::figures::FIGURES]
        .into_iter()
        .flatten()
        .collect()
}

/// The seed of one series of a figure.
#[must_use]
pub fn stream_seed(options: &Options, figure: &str, series: &crate::Parameters) -> u64 {
    crate::cell::cell_seed(options.seed, "figure", figure, crate::cell::Purpose::Decision, series)
}

/// `quick` or `full`, whichever the budget says.
#[must_use]
pub fn by_budget<T>(options: &Options, quick: T, full: T) -> T {
    match options.budget {
        Budget::Quick => quick,
        Budget::Full => full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names are file names and unique; every claim named exists; every figure of the quick budget has finite values.
    #[test]
    fn figures_are_well_formed() {
        let claims = crate::registry::claims();
        let mut names = std::collections::BTreeSet::new();
        for spec in figures() {
            assert!(names.insert(spec.name), "{} twice", spec.name);
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(spec.name.chars().all(plain), "{}", spec.name);
            for id in spec.claims {
                assert!(claims.iter().any(|c| c.id == *id), "{} names {id}", spec.name);
            }
            let figure = (spec.build)(&Options::default()).expect(spec.name);
            assert!(figure.is_finite(), "{}", spec.name);
            assert!(!figure.parameters().is_empty() && !figure.description().is_empty(), "{}", spec.name);
        }
    }

    #[test]
    fn equal_data_give_equal_bytes_and_escaped_text() {
        let figure = Figure::new("none").panel(
            Panel::new(Axis::linear("x < y"), Axis::log("\"q\" & r"))
                .line("a<b", Colour::Blue, [(0.0, 1.0), (1.0, 0.0), (2.0, 1e-3)])
                .band("band", Colour::Green, [(0.0, -1.0, 2.0), (2.0, 0.1, 3.0)])
                .points("dots", Colour::of(7), [(1.0, 1.0, 2.0)]),
        );
        let svg = figure.svg("a & b");
        assert_eq!(svg, figure.clone().svg("a & b"));
        assert!(svg.contains("a&lt;b") && svg.contains("a &amp; b") && !svg.contains("NaN"));
        assert!(figure.inline_svg("t").contains("var(--figure-blue,#0072b2)"));
    }

    #[test]
    fn a_heat_map_shows_every_cell() {
        let matrix = [vec![1.0, -0.5], vec![-0.25, 0.0]];
        let map = Panel::heat_map("class", "cosine, from -1 to 1", 1.0, &matrix).title("measured");
        let figure = Figure::new("none").panel(map);
        let svg = figure.svg("t");
        for number in ["1.00", "−0.50", "−0.25", "0.00"] {
            assert_eq!(svg.matches(number).count(), 1, "{number}");
        }
        // Row 0 stands on top, column 0 on the left.
        let height = |number: &str| -> f64 {
            let before = &svg[..svg.find(number).expect("drawn")];
            let y = &before[before.rfind("y=\"").expect("placed") + 3..];
            y[..y.find('"').expect("closed")].parse().expect("a number")
        };
        assert!(height("−0.50") < height("−0.25"));
        // A blue cell for each negative value, none for 0; three blocks of each colour in the legend.
        assert_eq!((svg.matches("#0072b2").count(), svg.matches("#d55e00").count()), (2 + 3, 1 + 4));
        assert!(figure.csv().contains("measured,\"cosine, from -1 to 1\",cells,1,0,-0.5,-0.5"));
        assert!(figure.description().contains("rows [1, -0.5], [-0.25, 0]"));
        let large = vec![vec![0.5; 12]; 12];
        let figure = Figure::new("none").panel(Panel::heat_map("k", "m", 1.0, &large));
        assert!(figure.description().contains("12 rows, least 0.5 at row 0, column 0"));
        assert!(!figure.svg("t").contains("0.50"));
    }
}
