//! The table of what came of it, in `tests/FAULTS.md`.

use super::rows;
use crate::figures::{median, range};
use crate::machine;
use crate::program::Program;
use xtask::kafka::VERSION;

/// What came of one row with one program.
pub(super) struct Outcome {
    pub(super) row: &'static str,
    pub(super) fault: &'static str,
    pub(super) program: Program,
    /// From each fault until each partition has gone on, in seconds.
    pub(super) seconds: Vec<f64>,
    /// What went wrong, in words.
    pub(super) violations: Vec<String>,
    /// When, at which load.
    pub(super) measured: String,
}

impl Outcome {
    /// Its line of the table.
    pub(super) fn line(&self) -> String {
        let Self { row, fault, program, seconds, violations, measured } = self;
        let (faults, wrong, name) = (seconds.len(), violations.len(), program.title());
        let (half, (_, longest)) = (median(seconds.iter().copied()), range(seconds.iter().copied()));
        let shown = |time: f64| if time.is_finite() { format!("{time:.1}") } else { "–".to_owned() };
        let (half, longest) = (shown(half), shown(longest));
        format!("| {row} | {fault} | {name} | {faults} | {wrong} | {half} | {longest} | {measured} |")
    }
}

/// All rows: those that were run now, and of the others the lines of the table before.
pub(super) fn all(old: &str, outcomes: &[Outcome]) -> String {
    let mut text = format!(
        "{}; Apache Kafka and Kafka Streams {VERSION}. Each row as it was run last.\n\n\
         | row | fault | program | faults | violations | next commit s, median | longest | measured |\n\
         | --- | --- | --- | ---: | ---: | ---: | ---: | --- |\n",
        machine::kind()
    );
    for row in rows::ALL {
        let mut lines: Vec<String> =
            outcomes.iter().filter(|outcome| outcome.row == row.name).map(Outcome::line).collect();
        if lines.is_empty() {
            let begin = format!("| {} |", row.name);
            lines.extend(old.lines().filter(|line| line.starts_with(&begin)).map(str::to_owned));
        }
        for line in lines {
            text.extend([&line, "\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(row: &'static str, seconds: Vec<f64>) -> Outcome {
        let violations = vec!["lost".to_owned()];
        let measured = "today".to_owned();
        Outcome { row, fault: "killed", program: Program::Host, seconds, violations, measured }
    }

    #[test]
    fn a_row_that_is_run_again_has_new_lines_and_the_others_keep_theirs() {
        let text = all("", &[outcome("F1", vec![1.0, 4.0]), outcome("F12", Vec::new())]);
        assert!(text.contains("\n| F1 | killed | host | 2 | 1 | 2.5 | 4.0 | today |\n"), "{text}");
        let again = all(&text, &[outcome("F1", vec![9.0])]);
        let lines: Vec<&str> = again.lines().filter(|line| line.starts_with("| F")).collect();
        let [first, second] = lines.as_slice() else { panic!("{again}") };
        assert_eq!(*first, "| F1 | killed | host | 1 | 1 | 9.0 | 9.0 | today |");
        assert_eq!(*second, "| F12 | killed | host | 0 | 1 | – | – | today |");
    }
}
