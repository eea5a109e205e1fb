//! The angles between classes as a picture: measured beside predicted.
use std::fmt::Write;

/// Most classes drawn: beyond it, cells would be smaller than two pixels.
const MOST: usize = 128;

/// Side of one map, in pixels.
const SIDE: f64 = 300.0;

/// An SVG of square matrices with entries from -1 to 1, each with its title; blue is -1, white 0, red 1.
///
/// Matrices larger than 128 x 128 are cut to their first classes, and the title says so.
pub(super) fn heat_maps(title: &str, maps: &[(String, &[Vec<f64>])]) -> String {
    let width = 30.0 + maps.len() as f64 * (SIDE + 30.0);
    let height = SIDE + 110.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-labelledby=\"t\">\n<title id=\"t\">{}</title>\n<rect width=\"{width}\" height=\"{height}\" \
         fill=\"#ffffff\"/>\n<g font-family=\"DejaVu Sans, Verdana, Helvetica, sans-serif\" fill=\"#222222\">\n",
        escape(title),
    );
    for (index, (name, matrix)) in maps.iter().enumerate() {
        let left = 30.0 + index as f64 * (SIDE + 30.0);
        let shown = matrix.len().min(MOST);
        let cell = SIDE / shown.max(1) as f64;
        let cut = if shown < matrix.len() { format!(", first {shown} classes") } else { String::new() };
        let _ = writeln!(out, "<text x=\"{left}\" y=\"28\" font-size=\"13\">{}{cut}</text>", escape(name));
        for (i, row) in matrix.iter().take(shown).enumerate() {
            for (j, &value) in row.iter().take(shown).enumerate() {
                let (x, y) = (left + j as f64 * cell, 40.0 + i as f64 * cell);
                let _ = writeln!(
                    out,
                    "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{cell:.2}\" height=\"{cell:.2}\" fill=\"{}\"/>",
                    colour(value)
                );
                if shown <= 12 {
                    let ink = if value.abs() > 0.6 { "#ffffff" } else { "#222222" };
                    let _ = writeln!(
                        out,
                        "<text x=\"{:.2}\" y=\"{:.2}\" font-size=\"9\" text-anchor=\"middle\" fill=\"{ink}\">{value:.2}</text>",
                        x + 0.5 * cell,
                        y + 0.5 * cell + 3.0
                    );
                }
            }
        }
        let last = shown.saturating_sub(1);
        let _ = writeln!(
            out,
            "<text x=\"{left}\" y=\"{0:.1}\" font-size=\"11\">class 0</text><text x=\"{1:.1}\" y=\"{0:.1}\" font-size=\"11\" \
             text-anchor=\"end\">class {last}</text>",
            SIDE + 56.0,
            left + SIDE
        );
    }
    // The scale.
    for k in 0..=40 {
        let value = f64::from(k) / 20.0 - 1.0;
        let _ = writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"5\" height=\"10\" fill=\"{}\"/>",
            30.0 + 5.0 * f64::from(k),
            SIDE + 78.0,
            colour(value)
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"30\" y=\"{0:.1}\" font-size=\"11\">-1</text><text x=\"132\" y=\"{0:.1}\" font-size=\"11\" \
         text-anchor=\"middle\">cosine 0</text><text x=\"235\" y=\"{0:.1}\" font-size=\"11\" text-anchor=\"end\">1</text>",
        SIDE + 101.0
    );
    out += "</g>\n</svg>\n";
    out
}

/// From blue through white to red; ends as in the figures' palette.
fn colour(value: f64) -> String {
    let v = value.clamp(-1.0, 1.0);
    let end = if v < 0.0 { [0.0, 114.0, 178.0] } else { [178.0, 60.0, 0.0] };
    let mix = |k: usize| (255.0 + v.abs() * (end[k] - 255.0)).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_show_every_cell_and_escape_text() {
        let matrix = vec![vec![1.0, -0.5], vec![-0.5, 1.0]];
        let svg =
            heat_maps("a & b", &[("measured <x>".to_owned(), &matrix), ("predicted".to_owned(), &matrix)]);
        assert_eq!(svg.matches("-0.50").count(), 4);
        assert!(svg.contains("a &amp; b") && svg.contains("&lt;x&gt;"));
        assert_eq!((colour(0.0), colour(-1.0)), ("#ffffff".to_owned(), "#0072b2".to_owned()));
        let large = vec![vec![0.0; 200]; 200];
        assert!(heat_maps("t", &[("m".to_owned(), &large)]).contains("first 128 classes"));
    }
}
