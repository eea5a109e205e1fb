//! Colours and markers that stay distinct for colour-blind readers and in print.

/// The palette of Okabe and Ito without its yellow, which is too pale on white; in the order of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// #0072b2.
    Blue,
    /// #d55e00.
    Vermillion,
    /// #009e73.
    Green,
    /// #cc79a7.
    Purple,
    /// #e69f00.
    Orange,
    /// #56b4e9.
    Sky,
    /// That of text.
    Ink,
    /// For reference lines.
    Grey,
    /// Of the grid.
    Grid,
}

impl Colour {
    /// The colours of data series, in the order of use.
    pub const SERIES: [Self; 6] =
        [Self::Blue, Self::Vermillion, Self::Green, Self::Purple, Self::Orange, Self::Sky];

    /// The colour of the series with this index; they repeat after six.
    #[must_use]
    pub fn of(index: usize) -> Self {
        Self::SERIES[index % Self::SERIES.len()]
    }

    /// Hexadecimal RGB on white.
    #[must_use]
    pub fn hex(self) -> &'static str {
        match self {
            Self::Blue => "#0072b2",
            Self::Vermillion => "#d55e00",
            Self::Green => "#009e73",
            Self::Purple => "#cc79a7",
            Self::Orange => "#e69f00",
            Self::Sky => "#56b4e9",
            Self::Ink => "#1a1a1a",
            Self::Grey => "#767676",
            Self::Grid => "#e4e4e4",
        }
    }

    /// Name of the custom property that overrides the colour on a page, e.g. for dark mode.
    #[must_use]
    pub fn property(self) -> &'static str {
        match self {
            Self::Blue => "--figure-blue",
            Self::Vermillion => "--figure-vermillion",
            Self::Green => "--figure-green",
            Self::Purple => "--figure-purple",
            Self::Orange => "--figure-orange",
            Self::Sky => "--figure-sky",
            Self::Ink => "--figure-ink",
            Self::Grey => "--figure-grey",
            Self::Grid => "--figure-grid",
        }
    }

    /// The marker that goes with the colour, so that series differ in shape too.
    pub(super) fn marker(self) -> Marker {
        match self {
            Self::Blue | Self::Ink => Marker::Circle,
            Self::Vermillion | Self::Sky => Marker::Square,
            Self::Green | Self::Grey | Self::Grid => Marker::Triangle,
            Self::Purple | Self::Orange => Marker::Diamond,
        }
    }
}

/// Shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dash {
    /// Unbroken: theory.
    #[default]
    Solid,
    /// Dashes: bounds, asymptotes.
    Dashed,
    /// Dots: guides, published values that are refuted.
    Dotted,
}

impl Dash {
    pub(super) fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Solid => None,
            Self::Dashed => Some("7 5"),
            Self::Dotted => Some("1.5 4.5"),
        }
    }
}
