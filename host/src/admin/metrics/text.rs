//! The text format of Prometheus, version 0.0.4.

use crate::metrics::Counts;
use std::fmt::{Display, Write as _};

/// What HTTP calls it.
pub(in crate::admin) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A name and a value.
pub(super) type Label<'a> = (&'a str, &'a str);

/// The text as it grows, one family behind the other.
#[derive(Debug, Default)]
pub(super) struct Text {
    text: String,
    family: String,
}

impl Text {
    /// The next samples belong to this family. `help`: a sentence without a line end or a backslash.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.family.clear();
        self.family.push_str(name);
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// A sample of the family.
    pub(super) fn sample(&mut self, labels: &[Label<'_>], value: impl Display) {
        self.line("", labels, value);
    }

    /// A histogram of the family, in seconds.
    pub(super) fn histogram(&mut self, labels: &[Label<'_>], counts: &Counts, (from_s, to_s): (f64, f64)) {
        let with = |bound: &str, text: &mut Self, count: u64| {
            text.line("_bucket", &[labels, &[("le", bound)]].concat(), count);
        };
        for (bound, count) in counts.cumulative(from_s, to_s) {
            with(&bound.to_string(), self, count);
        }
        with("+Inf", self, counts.count());
        self.line("_sum", labels, counts.sum.as_secs_f64());
        self.line("_count", labels, counts.count());
    }

    fn line(&mut self, suffix: &str, labels: &[Label<'_>], value: impl Display) {
        let family = std::mem::take(&mut self.family);
        self.write(format_args!("{family}{suffix}"));
        for (i, (name, text)) in labels.iter().enumerate() {
            let open = if i == 0 { '{' } else { ',' };
            self.write(format_args!("{open}{name}=\"{}\"", escaped(text)));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        self.write(format_args!("{close} {value}\n"));
        self.family = family;
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("a string takes everything");
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }
}

/// The value of a label, as it stands between quotation marks.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Histogram;
    use std::time::Duration;

    #[test]
    fn labels_are_escaped() {
        let mut text = Text::default();
        text.family("a_total", "counter", "Help.");
        text.sample(&[], 1);
        text.sample(&[("b", "\"\\\n"), ("c", "d")], 0.5);
        let expected = "# HELP a_total Help.\n# TYPE a_total counter\na_total 1\n\
                        a_total{b=\"\\\"\\\\\\n\",c=\"d\"} 0.5\n";
        assert_eq!(text.into_string(), expected);
    }

    #[test]
    fn a_histogram_has_buckets_sum_and_count() {
        let histogram = Histogram::default();
        histogram.add(Duration::from_millis(2));
        histogram.add(Duration::from_secs(70));
        let mut text = Text::default();
        text.family("a_seconds", "histogram", "Help.");
        text.histogram(&[("b", "c")], &histogram.counts(), (0.001, 0.005));
        let lines = text.into_string();
        let expected = "a_seconds_bucket{b=\"c\",le=\"0.001\"} 0\n\
                        a_seconds_bucket{b=\"c\",le=\"0.0025\"} 1\n\
                        a_seconds_bucket{b=\"c\",le=\"0.005\"} 1\n\
                        a_seconds_bucket{b=\"c\",le=\"+Inf\"} 2\n\
                        a_seconds_sum{b=\"c\"} 70.002\n\
                        a_seconds_count{b=\"c\"} 2\n";
        assert!(lines.ends_with(expected), "{lines}");
    }
}
