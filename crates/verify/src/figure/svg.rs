//! Writes a display list as SVG.
use std::fmt::Write;

use super::palette::Colour;
use super::plot::Figure;
use super::scene::{Anchor, RADIUS, Scene, Shape, corners};
use super::{layout, palette};

/// Where a picture is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Surface {
    /// A file of its own: plain colours on white.
    File,
    /// A page with a style sheet: colours are custom properties, so that dark mode reaches them.
    Page,
}

impl Figure {
    /// The figure as a file of its own, on white, with `title` and the [description](Self::description) as text
    /// alternative.
    #[must_use]
    pub fn svg(&self, title: &str) -> String {
        write(&layout::scene(self), Surface::File, title, &self.description())
    }

    /// The figure as an element of an HTML page, whose style sheet may set `--figure-blue`, `--figure-ink`, ... for
    /// dark mode; the text alternative is its `aria-label`.
    #[must_use]
    pub fn inline_svg(&self, title: &str) -> String {
        write(&layout::scene(self), Surface::Page, title, &self.description())
    }

    #[cfg(feature = "png")]
    pub(super) fn scene(&self) -> Scene {
        layout::scene(self)
    }
}

fn write(scene: &Scene, surface: Surface, title: &str, description: &str) -> String {
    let (width, height) = (scene.width, scene.height.ceil());
    let mut out = String::with_capacity(1 << 14);
    let _ = match surface {
        Surface::File => write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" aria-labelledby=\"t d\">\n<title id=\"t\">{}</title>\n<desc id=\"d\">{}</desc>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
            escape(title),
            escape(description),
        ),
        Surface::Page => write!(
            out,
            "<svg class=\"figure\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}. {}\">\n",
            escape(title.trim_end_matches('.')),
            escape(description),
        ),
    };
    out += "<g font-family=\"DejaVu Sans, Verdana, Helvetica, sans-serif\" stroke-linejoin=\"round\">\n";
    for shape in &scene.shapes {
        write_shape(&mut out, shape, surface);
    }
    out += "</g>\n</svg>\n";
    out
}

fn paint(colour: Colour, surface: Surface) -> String {
    match surface {
        Surface::File => colour.hex().to_owned(),
        Surface::Page => format!("var({},{})", colour.property(), colour.hex()),
    }
}

fn write_shape(out: &mut String, shape: &Shape, surface: Surface) {
    let _ = match shape {
        Shape::Line { points, colour, width, dash } => {
            let dashes = dash.pattern().map(|p| format!(" stroke-dasharray=\"{p}\"")).unwrap_or_default();
            writeln!(
                out,
                "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\"{dashes}/>",
                path(points, false),
                paint(*colour, surface),
            )
        }
        Shape::Area { points, colour, opacity } => writeln!(
            out,
            "<path d=\"{}\" fill=\"{}\" fill-opacity=\"{opacity}\"/>",
            path(points, true),
            paint(*colour, surface),
        ),
        Shape::Marker { at, marker: palette::Marker::Circle, colour } => writeln!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{RADIUS}\" fill=\"{}\"/>",
            pixel(at.0),
            pixel(at.1),
            paint(*colour, surface),
        ),
        Shape::Marker { at, marker, colour } => {
            writeln!(
                out,
                "<path d=\"{}\" fill=\"{}\"/>",
                path(&corners(*marker, *at), true),
                paint(*colour, surface)
            )
        }
        Shape::Text { at, text, size, anchor, bold } => {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let (x, y) = (pixel(at.0), pixel(at.1));
            let weight = if *bold { " font-weight=\"bold\"" } else { "" };
            writeln!(
                out,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}{weight} fill=\"{}\">{}</text>",
                paint(Colour::Ink, surface),
                escape(text),
            )
        }
    };
}

fn path(points: &[(f64, f64)], close: bool) -> String {
    let mut d = String::with_capacity(12 * points.len());
    for (i, (x, y)) in points.iter().enumerate() {
        let _ = write!(d, "{}{} {}", if i == 0 { "M" } else { "L" }, pixel(*x), pixel(*y));
    }
    if close {
        d.push('Z');
    }
    d
}

/// A tenth of a pixel, without trailing zeros: enough for the eye, and bytes that do not follow the last ulp.
fn pixel(v: f64) -> String {
    let text = format!("{v:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
