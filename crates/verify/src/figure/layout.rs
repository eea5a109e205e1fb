//! From a figure to a display list. The legend stands below the panels, so that it cannot cover data.
use super::axis::Ruler;
use super::palette::{Colour, Dash};
use super::plot::{Figure, Mark, Panel, Series};
use super::scene::{Anchor, Scene, Shape, text_width};

const TEXT: u32 = 12;
const TITLE: u32 = 13;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
/// Room for the label of the vertical axis, which stands level over it: no reader tilts the head.
const LABEL_HEIGHT: f64 = 20.0;
const TITLE_HEIGHT: f64 = 20.0;
const BOTTOM: f64 = 46.0;
const LEGEND_ROW: f64 = 20.0;

/// A rectangle: left, top, width, height.
#[derive(Clone, Copy, Debug)]
struct Frame {
    x: f64,
    y: f64,
    w: f64,
    h: f64,
}

impl Frame {
    fn at(self, u: f64, v: f64) -> (f64, f64) {
        (self.x + u * self.w, self.y + (1.0 - v) * self.h)
    }
}

/// Lays out panels, then the legend.
pub(super) fn scene(figure: &Figure) -> Scene {
    let columns = figure.columns.min(figure.panels.len()).max(1);
    let (width, row_height) = figure.size;
    let cell = width / columns as f64;
    let mut scene = Scene { width, height: 0.0, shapes: Vec::new() };
    let mut top = 0.0;
    for row in figure.panels.chunks(columns) {
        let titled = row.iter().any(|p| !p.title.is_empty());
        let tallest = row.iter().map(|p| p.height).fold(0.0, f64::max);
        let head = TOP + LABEL_HEIGHT + if titled { TITLE_HEIGHT } else { 0.0 };
        for (k, panel) in row.iter().enumerate() {
            let frame = Frame {
                x: k as f64 * cell + LEFT,
                y: top + head,
                w: cell - LEFT - RIGHT,
                h: (row_height * panel.height - BOTTOM - head).max(40.0),
            };
            draw_panel(&mut scene, panel, frame);
        }
        top += (row_height * tallest).max(40.0 + BOTTOM + head);
    }
    scene.height = legend(&mut scene, figure, top + 4.0);
    scene
}

fn draw_panel(scene: &mut Scene, panel: &Panel, frame: Frame) {
    let (rx, ry) = (Ruler::horizontal(panel), Ruler::vertical(panel));
    if !panel.title.is_empty() {
        scene.shapes.push(Shape::Text {
            at: (frame.x - 44.0, frame.y - LABEL_HEIGHT - 9.0),
            text: panel.title.clone(),
            size: TITLE,
            anchor: Anchor::Start,
            bold: true,
        });
    }
    axes(scene, panel, frame, &rx, &ry);
    // Bands lie below lines, lines below points.
    for series in
        panel.series.iter().filter(|s| matches!(s.mark, Mark::Band | Mark::Bars(_) | Mark::Cells(_)))
    {
        areas(scene, series, frame, &rx, &ry);
    }
    for series in &panel.series {
        if let Mark::Line(dash) = series.mark {
            let points = series.data.iter().map(|d| match (rx.place(d.x), ry.place(d.y)) {
                (Some(u), Some(v)) => Some((u, v)),
                _ => None,
            });
            for piece in clipped(points) {
                let points = piece.into_iter().map(|(u, v)| frame.at(u, v)).collect();
                scene.shapes.push(Shape::Line { points, colour: series.colour, width: 1.8, dash });
            }
        }
    }
    for series in panel.series.iter().filter(|s| s.mark == Mark::Points) {
        dots(scene, series, frame, &rx, &ry);
    }
    let corner = [frame.at(0.0, 1.0), frame.at(0.0, 0.0), frame.at(1.0, 0.0)];
    scene.shapes.push(Shape::Line {
        points: corner.to_vec(),
        colour: Colour::Ink,
        width: 1.0,
        dash: Dash::Solid,
    });
}

fn axes(scene: &mut Scene, panel: &Panel, frame: Frame, rx: &Ruler, ry: &Ruler) {
    let inside = |u: &f64| (-1e-9..=1.0 + 1e-9).contains(u);
    let visible = |ruler: &Ruler| -> Vec<(f64, String)> {
        ruler.ticks().into_iter().filter_map(|(v, l)| Some((ruler.place(v).filter(inside)?, l))).collect()
    };
    let (across, up) = (visible(rx), visible(ry));
    // Cells are their own grid.
    let lines = panel.map_rows() == 0;
    for (u, _) in across.iter().filter(|_| lines).filter(|t| !t.1.is_empty()) {
        scene.segment(frame.at(*u, 0.0), frame.at(*u, 1.0), Colour::Grid, 1.0);
    }
    for (v, _) in up.iter().filter(|_| lines).filter(|t| !t.1.is_empty()) {
        scene.segment(frame.at(0.0, *v), frame.at(1.0, *v), Colour::Grid, 1.0);
    }
    let length = |label: &str| if label.is_empty() { 3.0 } else { 5.0 };
    for (u, label) in &across {
        let (x, y) = frame.at(*u, 0.0);
        scene.segment((x, y), (x, y + length(label)), Colour::Ink, 1.0);
    }
    for (v, label) in &up {
        let (x, y) = frame.at(0.0, *v);
        scene.segment((x, y), (x - length(label), y), Colour::Ink, 1.0);
    }
    let mut reached = f64::NEG_INFINITY;
    for (u, label) in across.iter().filter(|t| !t.1.is_empty()) {
        let (x, y) = frame.at(*u, 0.0);
        let half = 0.5 * text_width(label, TEXT);
        // A label that would touch its neighbour is left out; the tick stays.
        if x - half > reached + 5.0 {
            scene.text((x, y + 18.0), label, TEXT, Anchor::Middle);
            reached = x + half;
        }
    }
    for (v, label) in up.iter().filter(|t| !t.1.is_empty()) {
        let (x, y) = frame.at(0.0, *v);
        scene.text((x - 8.0, y + 4.0), label, TEXT, Anchor::End);
    }
    let (x, y) = frame.at(0.5, 0.0);
    scene.text((x, y + 37.0), &panel.x.label, TEXT, Anchor::Middle);
    scene.text((frame.x - 44.0, frame.y - 10.0), &panel.y.label, TEXT, Anchor::Start);
}

fn areas(scene: &mut Scene, series: &Series, frame: Frame, rx: &Ruler, ry: &Ruler) {
    let clamp = |v: f64| v.clamp(0.0, 1.0);
    match series.mark {
        Mark::Band => {
            let edges: Vec<(f64, f64, f64)> = series
                .data
                .iter()
                .filter_map(|d| {
                    let u = rx.place(d.x).filter(|u| (0.0..=1.0).contains(u))?;
                    Some((u, clamp(ry.place_or_below(d.low)), clamp(ry.place_or_below(d.high))))
                })
                .collect();
            let upper = edges.iter().map(|e| frame.at(e.0, e.2));
            let lower = edges.iter().rev().map(|e| frame.at(e.0, e.1));
            let points: Vec<_> = upper.chain(lower).collect();
            if points.len() > 2 {
                scene.shapes.push(Shape::Area { points, colour: series.colour, opacity: 0.2 });
            }
        }
        Mark::Bars(width) => {
            for d in series.data.iter().filter(|d| d.y != 0.0) {
                let sides = (rx.place(d.x - 0.5 * width), rx.place(d.x + 0.5 * width));
                let (Some(left), Some(right)) = sides else { continue };
                let (low, high) = (clamp(ry.place_or_below(0.0)), clamp(ry.place_or_below(d.y)));
                let points = vec![
                    frame.at(clamp(left), low),
                    frame.at(clamp(left), high),
                    frame.at(clamp(right), high),
                    frame.at(clamp(right), low),
                ];
                scene.shapes.push(Shape::Area { points, colour: series.colour, opacity: 0.75 });
            }
        }
        Mark::Cells(strongest) => cells(scene, series, strongest, frame, rx, ry),
        Mark::Line(_) | Mark::Points => {}
    }
}

/// Shade of a value in [-1, 1]: never so dark that text of its own cell could not be read.
fn shade(share: f64) -> (Colour, f64) {
    let colour = if share < 0.0 { Colour::Blue } else { Colour::Vermillion };
    (colour, 0.75 * share.abs().min(1.0))
}

fn cells(scene: &mut Scene, series: &Series, strongest: f64, frame: Frame, rx: &Ruler, ry: &Ruler) {
    const SMALL: u32 = 9;
    let clamp = |v: f64| v.clamp(0.0, 1.0);
    let rows = series.data.iter().map(|d| d.y as usize + 1).max().unwrap_or(0);
    for d in &series.data {
        let sides = [rx.place(d.x - 0.5), rx.place(d.x + 0.5), ry.place(d.y - 0.5), ry.place(d.y + 0.5)];
        let [Some(left), Some(right), Some(top), Some(bottom)] = sides.map(|s| s.map(clamp)) else {
            continue;
        };
        let (colour, opacity) = shade(d.low / strongest);
        // Two decimals are below what the eye tells apart, and do not follow the last ulp.
        let opacity = (100.0 * opacity).round() / 100.0;
        if opacity > 0.0 {
            let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
            let points = corners.iter().map(|&(u, v)| frame.at(u, v)).collect();
            scene.shapes.push(Shape::Area { points, colour, opacity });
        }
        // Adding 0 turns a rounded -0 into 0.
        let text = format!("{:.2}", (100.0 * d.low).round() / 100.0 + 0.0).replace('-', "\u{2212}");
        if rows <= 10 && text_width(&text, SMALL) < (right - left) * frame.w {
            let (x, y) = frame.at(0.5 * (left + right), 0.5 * (top + bottom));
            scene.text((x, y + 3.0), &text, SMALL, Anchor::Middle);
        }
    }
}

fn dots(scene: &mut Scene, series: &Series, frame: Frame, rx: &Ruler, ry: &Ruler) {
    let inside = |u: &f64| (-1e-9..=1.0 + 1e-9).contains(u);
    let placed = || series.data.iter().filter_map(|d| Some((d, rx.place(d.x).filter(inside)?)));
    // All bars, then all markers: equal neighbours share an element of the SVG.
    for (d, u) in placed().filter(|(d, _)| ry.place(d.y).is_some()) {
        let low = ry.place_or_below(d.low).clamp(0.0, 1.0);
        let high = ry.place_or_below(d.high).clamp(0.0, 1.0);
        if high > low {
            let (from, to) = (frame.at(u, low), frame.at(u, high));
            scene.segment(from, to, series.colour, 1.4);
            for (x, y) in [from, to] {
                scene.segment((x - 3.0, y), (x + 3.0, y), series.colour, 1.4);
            }
        }
    }
    for (d, u) in placed() {
        if let Some(v) = ry.place(d.y).filter(inside) {
            let marker = series.colour.marker();
            scene.shapes.push(Shape::Marker { at: frame.at(u, v), marker, colour: series.colour });
        }
    }
}

/// Cuts a line at the frame: the visible pieces, in unit coordinates. Gaps in the data end a piece.
fn clipped(points: impl Iterator<Item = Option<(f64, f64)>>) -> Vec<Vec<(f64, f64)>> {
    let mut pieces: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut last: Option<(f64, f64)> = None;
    let mut open = false;
    for point in points {
        let (Some(a), Some(b)) = (last, point) else {
            last = point;
            open = false;
            continue;
        };
        last = point;
        let Some((from, to)) = segment_in_unit_square(a, b) else {
            open = false;
            continue;
        };
        match pieces.last_mut() {
            Some(piece) if open => piece.push(to),
            _ => pieces.push(vec![from, to]),
        }
        open = to == b;
    }
    pieces
}

/// Liang and Barsky's clipping.
fn segment_in_unit_square(a: (f64, f64), b: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
    const EDGE: f64 = 1e-9;
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut t0, mut t1) = (0.0_f64, 1.0_f64);
    for (p, q) in [(-dx, a.0 + EDGE), (dx, 1.0 + EDGE - a.0), (-dy, a.1 + EDGE), (dy, 1.0 + EDGE - a.1)] {
        if p == 0.0 {
            if q < 0.0 {
                return None;
            }
        } else if p < 0.0 {
            t0 = t0.max(q / p);
        } else {
            t1 = t1.min(q / p);
        }
    }
    if t0 > t1 {
        return None;
    }
    let at = |t: f64| (a.0 + t * dx, a.1 + t * dy);
    Some((if t0 > 0.0 { at(t0) } else { a }, if t1 < 1.0 { at(t1) } else { b }))
}

/// One entry a series name, wrapped to the width; returns the lower end.
fn legend(scene: &mut Scene, figure: &Figure, top: f64) -> f64 {
    let mut entries: Vec<&Series> = Vec::new();
    for series in figure.panels.iter().flat_map(|p| &p.series).filter(|s| !s.name.is_empty()) {
        let same = |e: &&Series| e.name == series.name && e.colour == series.colour && e.mark == series.mark;
        if !entries.iter().any(same) {
            entries.push(series);
        }
    }
    if entries.is_empty() {
        return top + 4.0;
    }
    let mut rows: Vec<Vec<(&Series, f64)>> = vec![Vec::new()];
    let mut used = 0.0;
    for series in entries {
        let width = 34.0 + text_width(&series.name, TEXT) + 18.0;
        if used + width > figure.size.0 - 20.0 && used > 0.0 {
            rows.push(Vec::new());
            used = 0.0;
        }
        used += width;
        if let Some(row) = rows.last_mut() {
            row.push((series, width));
        }
    }
    let mut y = top + 10.0;
    for row in rows {
        let total: f64 = row.iter().map(|e| e.1).sum();
        let mut x = 0.5 * (figure.size.0 - total) + 9.0;
        for (series, width) in row {
            swatch(scene, series, x, y);
            scene.text((x + 34.0, y + 4.0), &series.name, TEXT, Anchor::Start);
            x += width;
        }
        y += LEGEND_ROW;
    }
    y
}

fn swatch(scene: &mut Scene, series: &Series, x: f64, y: f64) {
    let colour = series.colour;
    let block = |h: f64| vec![(x, y - h), (x + 28.0, y - h), (x + 28.0, y + h), (x, y + h)];
    match series.mark {
        Mark::Line(dash) => {
            let points = vec![(x, y), (x + 28.0, y)];
            scene.shapes.push(Shape::Line { points, colour, width: 1.8, dash });
        }
        Mark::Points => {
            scene.segment((x + 14.0, y - 7.0), (x + 14.0, y + 7.0), colour, 1.4);
            scene.shapes.push(Shape::Marker { at: (x + 14.0, y), marker: colour.marker(), colour });
        }
        Mark::Band => scene.shapes.push(Shape::Area { points: block(6.0), colour, opacity: 0.2 }),
        Mark::Bars(_) => scene.shapes.push(Shape::Area { points: block(5.0), colour, opacity: 0.75 }),
        Mark::Cells(_) => {
            for k in -3..=3_i32 {
                let (colour, opacity) = shade(f64::from(k) / 3.0);
                let (from, to) = (x + 4.0 * f64::from(k + 3), x + 4.0 * f64::from(k + 4));
                let points = vec![(from, y - 5.0), (to, y - 5.0), (to, y + 5.0), (from, y + 5.0)];
                scene.shapes.push(Shape::Area { points, colour, opacity });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_the_frame_and_broken_at_gaps() {
        let line =
            [Some((-1.0, 0.5)), Some((0.5, 0.5)), Some((0.5, 2.0)), None, Some((0.1, 0.1)), Some((0.2, 0.2))];
        let pieces = clipped(line.into_iter());
        assert_eq!(pieces.len(), 2);
        let (start, end) = (pieces[0][0], pieces[0][2]);
        assert!(start.0.abs() < 1e-8 && start.1 == 0.5, "{start:?}");
        assert!(end.0 == 0.5 && (end.1 - 1.0).abs() < 1e-8, "{end:?}");
        assert_eq!(pieces[1], [(0.1, 0.1), (0.2, 0.2)]);
        assert!(clipped([Some((2.0, 0.0)), Some((2.0, 1.0))].into_iter()).is_empty());
        // A line through the square that starts and ends outside leaves one piece.
        assert_eq!(clipped([Some((-1.0, -1.0)), Some((2.0, 2.0))].into_iter()).len(), 1);
    }
}
