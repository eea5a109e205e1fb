//! Paints a display list through kuva's rasteriser, which brings its own font: the same pixels everywhere.
use kuva::render::color::Color;
use kuva::render::render::{PathData, Primitive, Scene as Canvas, TextAnchor};

use super::palette::{Colour, Marker};
use super::plot::Figure;
use super::scene::{Anchor, RADIUS, Shape, corners};

/// A figure that could not be painted.
#[derive(Debug, thiserror::Error)]
#[error("cannot paint the figure: {reason}")]
pub struct PaintError {
    /// What the rasteriser said.
    pub reason: String,
}

impl Figure {
    /// The figure as a PNG file with twice the pixels of its size.
    ///
    /// # Errors
    /// [`PaintError`] when the encoder fails.
    pub fn png(&self) -> Result<Vec<u8>, PaintError> {
        let scene = self.scene();
        let mut canvas = Canvas::new(scene.width, scene.height.ceil());
        for shape in &scene.shapes {
            canvas.elements.extend(primitives(shape));
        }
        kuva::RasterBackend::new()
            .with_scale(2.0)
            .render_scene(&canvas)
            .map_err(|reason| PaintError { reason })
    }
}

fn paint(colour: Colour) -> Color {
    Color::from(colour.hex())
}

fn primitives(shape: &Shape) -> Vec<Primitive> {
    if let Shape::Line { points, colour, width, dash } = shape {
        let lengths: Vec<f64> =
            dash.pattern().into_iter().flat_map(str::split_whitespace).flat_map(str::parse).collect();
        let pieces = if lengths.is_empty() { vec![points.clone()] } else { dashes(points, &lengths) };
        return pieces
            .into_iter()
            .map(|points| Primitive::PolyLine {
                points,
                stroke: paint(*colour),
                stroke_width: *width,
                stroke_dasharray: None,
            })
            .collect();
    }
    vec![primitive(shape)]
}

/// The drawn pieces of a dashed line. The rasteriser starts its pattern anew at every vertex, which makes a finely
/// sampled curve solid; here the pattern runs on along the whole line.
fn dashes(points: &[(f64, f64)], lengths: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = Vec::new();
    let mut piece = Vec::from_iter(points.first().copied());
    let (mut index, mut left) = (0, lengths[0]);
    for pair in points.windows(2) {
        let ((x, y), end) = (pair[0], pair[1]);
        let length = (end.0 - x).hypot(end.1 - y);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let t = done / length;
            let here = (x + t * (end.0 - x), y + t * (end.1 - y));
            if index % 2 == 0 {
                piece.push(here);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![here];
            }
            index = (index + 1) % lengths.len();
            left = lengths[index];
        }
        left -= length - done;
        if index % 2 == 0 {
            piece.push(end);
        }
    }
    if index % 2 == 0 && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

fn primitive(shape: &Shape) -> Primitive {
    match shape {
        Shape::Line { points, colour, width, .. } => Primitive::PolyLine {
            points: points.clone(),
            stroke: paint(*colour),
            stroke_width: *width,
            stroke_dasharray: None,
        },
        Shape::Area { points, colour, opacity } => area(points, *colour, Some(*opacity)),
        Shape::Marker { at, marker: Marker::Circle, colour } => Primitive::Circle {
            cx: at.0,
            cy: at.1,
            r: RADIUS,
            fill: paint(*colour),
            fill_opacity: None,
            stroke: None,
            stroke_width: None,
        },
        Shape::Marker { at, marker, colour } => area(&corners(*marker, *at), *colour, None),
        Shape::Text { at, text, size, anchor, bold } => Primitive::Text {
            x: at.0,
            y: at.1,
            content: text.clone(),
            size: *size,
            anchor: match anchor {
                Anchor::Start => TextAnchor::Start,
                Anchor::Middle => TextAnchor::Middle,
                Anchor::End => TextAnchor::End,
            },
            rotate: None,
            bold: *bold,
            color: Some(paint(Colour::Ink)),
        },
    }
}

fn area(points: &[(f64, f64)], colour: Colour, opacity: Option<f64>) -> Primitive {
    let mut d = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        d += &format!("{}{x:.2},{y:.2} ", if i == 0 { "M" } else { "L" });
    }
    d.push('Z');
    Primitive::Path(Box::new(PathData {
        d,
        fill: Some(paint(colour)),
        stroke: Color::None,
        stroke_width: 0.0,
        opacity,
        stroke_dasharray: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::dashes;

    /// The drawn length is the pattern's share of the line, however finely the line is sampled.
    #[test]
    fn dashes_run_on_along_the_line() {
        for n in [1_u32, 7, 100, 5000] {
            let line: Vec<_> = (0..=n).map(|i| (f64::from(i) / f64::from(n) * 100.0, 3.0)).collect();
            let pieces = dashes(&line, &[6.0, 4.0]);
            assert_eq!(pieces.len(), 10);
            for (k, piece) in (0_u32..).zip(&pieces) {
                let (from, to) = (piece[0].0, piece[piece.len() - 1].0);
                let start = 10.0 * f64::from(k);
                assert!((from - start).abs() < 1e-9 && (to - start - 6.0).abs() < 1e-9, "{n}: {from} {to}");
            }
        }
        assert_eq!(dashes(&[(0.0, 0.0), (3.0, 0.0)], &[6.0, 4.0]), [[(0.0, 0.0), (3.0, 0.0)]]);
        assert!(dashes(&[], &[6.0, 4.0]).is_empty());
    }
}
