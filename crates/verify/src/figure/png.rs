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
            canvas.elements.push(primitive(shape));
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

fn primitive(shape: &Shape) -> Primitive {
    match shape {
        Shape::Line { points, colour, width, dash } => Primitive::PolyLine {
            points: points.clone(),
            stroke: paint(*colour),
            stroke_width: *width,
            stroke_dasharray: dash.pattern().map(str::to_owned),
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
