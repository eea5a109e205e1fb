//! A display list: what a laid-out figure consists of, in CSS pixels from the upper left corner.
use super::palette::{Colour, Dash, Marker};

/// Where text is anchored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// One thing to draw.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Line { points: Vec<(f64, f64)>, colour: Colour, width: f64, dash: Dash },
    Area { points: Vec<(f64, f64)>, colour: Colour, opacity: f64 },
    Marker { at: (f64, f64), marker: Marker, colour: Colour },
    Text { at: (f64, f64), text: String, size: u32, anchor: Anchor, bold: bool },
}

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) shapes: Vec<Shape>,
}

impl Scene {
    pub(super) fn segment(&mut self, from: (f64, f64), to: (f64, f64), colour: Colour, width: f64) {
        self.shapes.push(Shape::Line { points: vec![from, to], colour, width, dash: Dash::Solid });
    }

    pub(super) fn text(&mut self, at: (f64, f64), text: &str, size: u32, anchor: Anchor) {
        self.shapes.push(Shape::Text { at, text: text.to_owned(), size, anchor, bold: false });
    }
}

/// Corners of the markers that are polygons, around `(x, y)`.
pub(super) fn corners(marker: Marker, (x, y): (f64, f64)) -> Vec<(f64, f64)> {
    let offsets: &[(f64, f64)] = match marker {
        Marker::Circle => &[],
        Marker::Square => &[(-3.2, -3.2), (3.2, -3.2), (3.2, 3.2), (-3.2, 3.2)],
        Marker::Triangle => &[(0.0, -4.4), (4.2, 3.2), (-4.2, 3.2)],
        Marker::Diamond => &[(0.0, -4.6), (4.6, 0.0), (0.0, 4.6), (-4.6, 0.0)],
    };
    offsets.iter().map(|(dx, dy)| (x + dx, y + dy)).collect()
}

/// Radius of the round marker.
pub(super) const RADIUS: f64 = 3.6;

/// The width of text in DejaVu Sans and its like, to within a few percent: enough to wrap a legend.
pub(super) fn text_width(text: &str, size: u32) -> f64 {
    let em: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'l' | 'j' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.3,
            ' ' | 'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' | '⁻' => 0.39,
            'm' | 'w' | 'M' | 'W' | '=' | '+' | '<' | '>' | '−' | '±' | '≤' | '≥' | '·' => 0.86,
            c if c.is_ascii_uppercase() => 0.69,
            '⁰'..='₉' | '²' | '³' | '¹' => 0.4,
            _ => 0.62,
        })
        .sum();
    em * f64::from(size)
}
