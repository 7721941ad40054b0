//! Curves over a logarithmic axis, as small pictures in rows of two.

use super::{Anchor, Drawing, short};

/// One curve.
pub(crate) struct Panel {
    /// Above it: what grows upwards.
    pub(crate) title: String,
    /// Below it: what grows to the right.
    pub(crate) across: String,
    /// Across and up, both above zero, rising across.
    pub(crate) points: Vec<(f64, f64)>,
}

const COLUMNS: usize = 2;
const PANEL_WIDTH: f64 = 430.0;
const PANEL_HEIGHT: f64 = 190.0;
const MARGIN: f64 = 16.0;
/// Around the curve, for what is written there.
const TOP: f64 = 46.0;
const BOTTOM: f64 = 38.0;
const SIDE: f64 = 36.0;

/// Draws the panels; up begins at zero, each panel has its own scales.
pub(crate) fn draw(title: &str, panels: &[Panel], notes: &[&str]) -> String {
    let rows = panels.len().div_ceil(COLUMNS) as f64;
    let (width, head) = (2.0 * MARGIN + COLUMNS as f64 * PANEL_WIDTH, MARGIN + 20.0);
    let height = head + rows * PANEL_HEIGHT + 16.0 * notes.len() as f64 + MARGIN;
    let mut drawing = Drawing::new(width, height);
    drawing.text((MARGIN, MARGIN + 14.0), "title", Anchor::Start, title);
    for (place, panel) in panels.iter().enumerate() {
        let corner =
            (MARGIN + (place % COLUMNS) as f64 * PANEL_WIDTH, head + (place / COLUMNS) as f64 * PANEL_HEIGHT);
        one(&mut drawing, corner, panel);
    }
    for (place, note) in notes.iter().enumerate() {
        let y = head + rows * PANEL_HEIGHT + 16.0 * (place + 1) as f64;
        drawing.text((MARGIN, y), "note", Anchor::Start, note);
    }
    drawing.finish(title)
}

fn one(drawing: &mut Drawing, (left, top): (f64, f64), panel: &Panel) {
    let (floor, ceiling) = (top + PANEL_HEIGHT - BOTTOM, top + TOP);
    let (from, to) = (left + SIDE, left + PANEL_WIDTH - SIDE);
    drawing.text((left, top + 24.0), "", Anchor::Start, &panel.title);
    drawing.axis((left + 10.0, floor), (left + PANEL_WIDTH - 10.0, floor));
    drawing.text((to + 26.0, floor + 30.0), "note", Anchor::End, &panel.across);
    let ((first, _), (last, _)) = match (panel.points.first(), panel.points.last()) {
        (Some(first), Some(last)) => (*first, *last),
        _ => return,
    };
    let most = panel.points.iter().map(|(_, up)| *up).fold(f64::MIN_POSITIVE, f64::max);
    let span = (last / first).ln().max(f64::MIN_POSITIVE);
    let place = |(across, up): &(f64, f64)| {
        let x = from + (across / first).ln() / span * (to - from);
        (x, floor - up / most * (floor - ceiling))
    };
    drawing.line(&panel.points.iter().map(place).collect::<Vec<_>>());
    for point in &panel.points {
        let (x, y) = place(point);
        drawing.text((x, y - 8.0), "note", Anchor::Middle, &short(point.1));
        drawing.text((x, floor + 15.0), "note", Anchor::Middle, &whole(point.0));
    }
}

/// A number of things, short.
fn whole(number: f64) -> String {
    match number {
        _ if number >= 1e6 => format!("{} M", number / 1e6),
        _ if number >= 1e4 => format!("{} k", number / 1e3),
        _ => format!("{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_factors_are_equal_steps() {
        let points = vec![(10.0, 1.0), (100.0, 2.0), (1000.0, 4.0)];
        let panel = Panel { title: "up".to_owned(), across: "across".to_owned(), points };
        let text = draw("t", &[panel], &[]);
        // From 52 to 410 across; up to 82 for the largest, the floor is 188.
        assert!(text.contains("points=\"52.0,161.5 231.0,135.0 410.0,82.0\""), "{text}");
    }

    #[test]
    fn an_empty_panel_draws_no_line() {
        let panel = Panel { title: String::new(), across: String::new(), points: Vec::new() };
        assert!(!draw("t", &[panel], &["n"]).contains("polyline"));
    }

    #[test]
    fn counts_are_short() {
        assert_eq!([1000.0, 10_000.0, 5e7, 1e6].map(whole), ["1000", "10 k", "50 M", "1 M"]);
    }
}
