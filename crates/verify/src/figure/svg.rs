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
        Surface::Page => writeln!(
            out,
            "<svg class=\"figure\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}. {}\">",
            escape(title.trim_end_matches('.')),
            escape(description),
        ),
    };
    out += "<g font-family=\"DejaVu Sans, Verdana, Helvetica, sans-serif\" stroke-linejoin=\"round\">\n";
    let mut shapes = scene.shapes.as_slice();
    while let Some(first) = shapes.first() {
        let run = shapes.iter().take_while(|s| alike(first, s)).count();
        write_run(&mut out, &shapes[..run], surface);
        shapes = &shapes[run..];
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

/// Whether two shapes can be parts of one path.
fn alike(a: &Shape, b: &Shape) -> bool {
    match (a, b) {
        (
            Shape::Line { colour: c, width: w, dash: d, .. },
            Shape::Line { colour: c2, width: w2, dash: d2, .. },
        ) => c == c2 && w == w2 && d == d2,
        (Shape::Marker { marker: m, colour: c, .. }, Shape::Marker { marker: m2, colour: c2, .. }) => {
            m == m2 && c == c2
        }
        (Shape::Area { .. } | Shape::Text { .. }, _) => std::ptr::eq(a, b),
        _ => false,
    }
}

/// Writes shapes that are alike as one element.
fn write_run(out: &mut String, run: &[Shape], surface: Surface) {
    let join = |f: fn(&Shape) -> String| run.iter().map(f).collect::<String>();
    let _ = match &run[0] {
        Shape::Line { colour, width, dash, .. } => {
            let dashes = dash.pattern().map(|p| format!(" stroke-dasharray=\"{p}\"")).unwrap_or_default();
            let d =
                join(
                    |s| if let Shape::Line { points, .. } = s { path(points, false) } else { String::new() },
                );
            let paint = paint(*colour, surface);
            writeln!(
                out,
                "<path d=\"{d}\" fill=\"none\" stroke=\"{paint}\" stroke-width=\"{width}\"{dashes}/>"
            )
        }
        Shape::Area { points, colour, opacity } => writeln!(
            out,
            "<path d=\"{}\" fill=\"{}\" fill-opacity=\"{opacity}\"/>",
            path(points, true),
            paint(*colour, surface),
        ),
        Shape::Marker { marker: palette::Marker::Circle, colour, .. } => {
            // A dot is a line of length 0 with round ends: a dozen bytes.
            let dot = |s: &Shape| match s {
                Shape::Marker { at, .. } => format!("M{} {}h0", pixel(at.0), pixel(at.1)),
                _ => String::new(),
            };
            writeln!(
                out,
                "<path d=\"{}\" stroke=\"{}\" stroke-width=\"{}\" stroke-linecap=\"round\"/>",
                join(dot),
                paint(*colour, surface),
                2.0 * RADIUS,
            )
        }
        Shape::Marker { colour, .. } => {
            let polygon = |s: &Shape| match s {
                Shape::Marker { at, marker, .. } => path(&corners(*marker, *at), true),
                _ => String::new(),
            };
            writeln!(out, "<path d=\"{}\" fill=\"{}\"/>", join(polygon), paint(*colour, surface))
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
