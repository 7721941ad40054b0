//! Horizontal bars in groups, two figures a row.

use super::{Anchor, Drawing, short};

/// A group of rows that are compared with each other.
pub(crate) struct Section {
    /// Above the rows.
    pub(crate) title: String,
    /// One a program.
    pub(crate) rows: Vec<Row>,
}

/// A program.
pub(crate) struct Row {
    /// Its name.
    pub(crate) label: String,
    /// Drawn in our colour.
    pub(crate) ours: bool,
    /// One a column, never below zero; not a number draws nothing.
    pub(crate) figures: [f64; 2],
}

const LABEL_WIDTH: f64 = 200.0;
const COLUMN_WIDTH: f64 = 330.0;
/// Room for the figure behind the longest bar.
const FIGURE_WIDTH: f64 = 60.0;
const ROW_HEIGHT: f64 = 22.0;
const MARGIN: f64 = 16.0;

/// Draws the sections one below the other. Bars begin at zero; each section has its own scale.
pub(crate) fn draw(title: &str, columns: [&str; 2], sections: &[Section], notes: &[&str]) -> String {
    let rows: usize = sections.iter().map(|section| section.rows.len() + 2).sum();
    let height = 2.0 * MARGIN + ROW_HEIGHT * (rows as f64 + 1.5) + 16.0 * notes.len() as f64;
    let width = 2.0 * MARGIN + LABEL_WIDTH + 2.0 * COLUMN_WIDTH;
    let mut drawing = Drawing::new(width, height);
    let mut y = MARGIN + 14.0;
    drawing.text((MARGIN, y), "title", Anchor::Start, title);
    for section in sections {
        y += 1.5 * ROW_HEIGHT;
        drawing.text((MARGIN, y), "title", Anchor::Start, &section.title);
        y += 0.5 * ROW_HEIGHT;
        for (column, name) in columns.iter().enumerate() {
            drawing.text((left(column), y + 6.0), "note", Anchor::Start, name);
        }
        y += 14.0;
        for row in &section.rows {
            drawing.text((MARGIN + LABEL_WIDTH - 10.0, y + 13.0), "", Anchor::End, &row.label);
            for (column, figure) in row.figures.iter().enumerate() {
                let most = section.rows.iter().map(|row| row.figures[column]).fold(0.0, f64::max);
                bar(&mut drawing, (left(column), y), *figure, most, row.ours);
            }
            y += ROW_HEIGHT;
        }
        y -= 14.0;
    }
    y += ROW_HEIGHT;
    for note in notes {
        y += 16.0;
        drawing.text((MARGIN, y), "note", Anchor::Start, note);
    }
    drawing.finish(title)
}

fn left(column: usize) -> f64 {
    MARGIN + LABEL_WIDTH + column as f64 * COLUMN_WIDTH
}

fn bar(drawing: &mut Drawing, (x, y): (f64, f64), figure: f64, most: f64, ours: bool) {
    if figure.is_nan() || most <= 0.0 {
        return;
    }
    let width = (figure.max(0.0) / most * (COLUMN_WIDTH - FIGURE_WIDTH)).max(1.0);
    drawing.bar((x, y), width, ROW_HEIGHT - 6.0, if ours { "ours" } else { "theirs" });
    drawing.text((x + width + 5.0, y + 13.0), "note", Anchor::Start, &short(figure));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_figures() {
        let row =
            |label: &str, figure| Row { label: label.to_owned(), ours: false, figures: [figure, f64::NAN] };
        let rows = vec![row("a", 10.0), row("b", 5.0)];
        let sections = [Section { title: "s".to_owned(), rows }];
        let text = draw("t", ["x", "y"], &sections, &["n"]);
        assert!(text.contains("width=\"270.0\"") && text.contains("width=\"135.0\""), "{text}");
        assert_eq!(text.matches("class=\"theirs\"").count(), 2, "no bar for what is no number");
    }
}
