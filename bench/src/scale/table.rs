//! A curve as Markdown.

use super::curve::Curve;
use super::run::Point;
use std::fmt::Write;

/// One line a point. For keys also what a key takes.
pub(super) fn one(curve: Curve, points: &[Point]) -> String {
    let of_keys = curve == Curve::Keys;
    let (head, rule) = if of_keys { (" bytes of memory a key |", "---:|") } else { ("", "") };
    let mut text = format!(
        "| {} | records | CPU s per million records | thousand records/s | peak MiB |{head}\n\
         |---:|---:|---:|---:|---:|{rule}\n",
        curve.title()
    );
    for point in points {
        let records = point.shape.records * u64::from(point.shape.modules);
        write!(
            text,
            "| {} | {records} | {:.3} | {:.0} | {:.0} |",
            curve.across(point.shape),
            point.cpu(),
            point.rate(),
            point.memory(),
        )
        .expect("a String takes all text");
        if of_keys {
            let more_mib = point.memory() - points[0].memory();
            let more_keys = point.shape.keys.saturating_sub(points[0].shape.keys);
            let cell = if more_keys == 0 {
                "–".to_owned()
            } else {
                format!("{:.0}", more_mib * 1024.0 * 1024.0 / more_keys as f64)
            };
            write!(text, " {cell} |").expect("a String takes all text");
        }
        text.push('\n');
    }
    text
}
