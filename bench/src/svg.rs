//! Charts as SVG, written by hand: they read on a light and on a dark page, as they bring their own ground.

pub(crate) mod bars;
pub(crate) mod lines;

use std::fmt::Write;

/// Colours of a light page, then of a dark one. Text is 13 px, notes 11 px.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}\
.title{font-weight:600}\
.note{font-size:11px;fill:#59636e}\
.ground{fill:#ffffff}\
.ours{fill:#2563c9}\
.theirs{fill:#8b98a9}\
.axis{stroke:#d1d9e0}\
.line{fill:none;stroke:#2563c9;stroke-width:2}\
@media (prefers-color-scheme:dark){\
text{fill:#f0f6fc}\
.note{fill:#9198a1}\
.ground{fill:#0d1117}\
.ours{fill:#6ea8ff}\
.theirs{fill:#6e7681}\
.axis{stroke:#3d444d}\
.line{stroke:#6ea8ff}\
}";

/// Where a text stands to its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture in the making; positions are pixels from the upper left corner.
pub(crate) struct Drawing {
    width: f64,
    height: f64,
    shapes: String,
}

impl Drawing {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, shapes: String::new() }
    }

    pub(crate) fn text(&mut self, (x, y): (f64, f64), class: &str, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.add(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    pub(crate) fn bar(&mut self, (x, y): (f64, f64), width: f64, height: f64, class: &str) {
        self.add(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" class=\"{class}\"/>"
        ));
    }

    pub(crate) fn axis(&mut self, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(&format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"axis\"/>"
        ));
    }

    pub(crate) fn line(&mut self, points: &[(f64, f64)]) {
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.add(&format!("<polyline points=\"{}\" class=\"line\"/>", path.join(" ")));
        for (x, y) in points {
            self.add(&format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" class=\"ours\"/>"));
        }
    }

    fn add(&mut self, shape: &str) {
        self.shapes.push_str(shape);
        self.shapes.push('\n');
    }

    /// The whole file; `title` is for those who hear it read.
    pub(crate) fn finish(self, title: &str) -> String {
        let Self { width, height, shapes } = self;
        let mut text = String::new();
        writeln!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n<title>{}</title>\n<style>{STYLE}</style>\n\
             <rect width=\"{width:.0}\" height=\"{height:.0}\" rx=\"6\" class=\"ground\"/>\n{shapes}</svg>",
            escaped(title)
        )
        .expect("a String takes all text");
        text
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A figure with three digits that count.
pub(crate) fn short(figure: f64) -> String {
    let size = figure.abs();
    match size {
        _ if size >= 1e6 => format!("{:.3} M", figure / 1e6).replace(".000", ""),
        _ if size >= 100.0 => format!("{figure:.0}"),
        _ if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_whole_and_texts_are_escaped() {
        let mut drawing = Drawing::new(100.0, 50.0);
        drawing.text((1.0, 2.0), "note", Anchor::End, "a < b & c");
        drawing.bar((0.0, 0.0), 10.0, 5.0, "ours");
        let text = drawing.finish("t > u");
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"), "{text}");
        assert!(text.contains(">a &lt; b &amp; c</text>") && text.contains("<title>t &gt; u</title>"));
        assert!(text.contains("prefers-color-scheme:dark"));
    }

    #[test]
    fn figures_are_short() {
        let texts = [0.123, 12.34, 1234.0, 2_000_000.0, 2_345_600.0].map(short);
        assert_eq!(texts, ["0.12", "12.3", "1234", "2 M", "2.346 M"]);
    }
}
