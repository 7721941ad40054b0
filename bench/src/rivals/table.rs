//! The figures as Markdown, and where a rival is better.

use super::case::{Group, Rival};
use crate::figures::{median, range};
use crate::measure::Measured;
use std::fmt::Write;

/// One rival in one round.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    /// Who ran.
    pub(super) rival: &'static str,
    /// Over the whole input.
    pub(super) whole: Measured,
    /// Over an empty input: starting, joining, leaving.
    pub(super) start: Measured,
    /// What it wrote.
    pub(super) results: u64,
}

impl Run {
    /// Thousand records a second, without the time to start and to end.
    fn rate(&self, records: u64) -> f64 {
        records as f64 / (self.whole.wall_s - self.start.wall_s) / 1000.0
    }

    /// CPU seconds for a million records, without those to start and to end.
    fn cpu(&self, records: u64) -> f64 {
        (self.whole.cpu_s - self.start.cpu_s) / (records as f64 / 1e6)
    }

    fn broker_cpu(&self, records: u64) -> f64 {
        (self.whole.broker_cpu_s - self.start.broker_cpu_s).max(0.0) / (records as f64 / 1e6)
    }
}

/// The medians of one rival.
pub(super) struct Summary {
    pub(super) rate: f64,
    pub(super) cpu: f64,
    cpu_range: (f64, f64),
    memory_mib: f64,
    first_output_s: f64,
    start_s: f64,
    results: f64,
    broker_cpu: f64,
}

impl Summary {
    pub(super) fn of(rival: &Rival, runs: &[Run], records: u64) -> Self {
        let of = |figure: &dyn Fn(&Run) -> f64| {
            median(runs.iter().filter(|run| run.rival == rival.name).map(figure))
        };
        Self {
            rate: of(&|run| run.rate(records)),
            cpu: of(&|run| run.cpu(records)),
            cpu_range: range(runs.iter().filter(|run| run.rival == rival.name).map(|run| run.cpu(records))),
            memory_mib: of(&|run| run.whole.memory_mib),
            first_output_s: of(&|run| run.whole.first_output_s.unwrap_or(f64::NAN)),
            start_s: of(&|run| run.start.wall_s),
            results: of(&|run| run.results as f64),
            broker_cpu: of(&|run| run.broker_cpu(records)),
        }
    }

    /// In what this one is better than `other`, with both figures.
    fn better_than(&self, other: &Self) -> Vec<String> {
        let lower = [
            ("CPU s per million", self.cpu, other.cpu, 2),
            ("peak MiB", self.memory_mib, other.memory_mib, 0),
            ("first output s", self.first_output_s, other.first_output_s, 2),
            ("start s", self.start_s, other.start_s, 2),
            ("broker CPU s per million", self.broker_cpu, other.broker_cpu, 2),
        ];
        let mut better: Vec<String> = lower
            .into_iter()
            .filter(|(_, this, that, _)| this < that)
            .map(|(what, this, that, digits)| format!("{what} {this:.digits$} against {that:.digits$}"))
            .collect();
        if self.rate > other.rate {
            better.insert(0, format!("thousand records/s {:.0} against {:.0}", self.rate, other.rate));
        }
        better
    }
}

/// A table a group, each with the sentences on who is better than the first.
pub(super) fn all(rivals: &[Rival], runs: &[Run], records: u64) -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let members: Vec<&Rival> = rivals.iter().filter(|rival| rival.group == group).collect();
        if !members.is_empty() {
            let table = one(&members, runs, records);
            writeln!(text, "**{}**\n\n{table}", group.title()).expect("a String takes all text");
        }
    }
    let others = range(runs.iter().map(|run| run.whole.others_share)).1 * 100.0;
    writeln!(text, "Everything else on the machine took at most {others:.0} % of its CPU time in any run.")
        .expect("a String takes all text");
    text
}

fn one(members: &[&Rival], runs: &[Run], records: u64) -> String {
    let mut text = String::from(
        "| program | guarantee | thousand records/s | CPU s per million records (least–most) | CPU, × the first \
         | peak MiB | first output s | start s | broker CPU s per million | results |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let first = Summary::of(members[0], runs, records);
    let mut better = String::new();
    for rival in members {
        let figures = Summary::of(rival, runs, records);
        let Summary { rate, cpu, cpu_range: (least, most), memory_mib, .. } = figures;
        let Summary { first_output_s, start_s, broker_cpu, results, .. } = figures;
        writeln!(
            text,
            "| {} | {} | {rate:.0} | {cpu:.2} ({least:.2}–{most:.2}) | {:.2} | {memory_mib:.0} \
             | {first_output_s:.2} | {start_s:.2} | {broker_cpu:.2} | {results:.0} |",
            rival.title,
            rival.guarantee,
            cpu / first.cpu,
        )
        .expect("a String takes all text");
        let how = figures.better_than(&first);
        if !rival.is_ours() && !how.is_empty() {
            writeln!(better, "- Better than {}: {} ({})", members[0].title, rival.title, how.join("; "))
                .expect("a String takes all text");
        }
    }
    if better.is_empty() { text } else { format!("{text}\n{better}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rival: &'static str, wall_s: f64, cpu_s: f64, first_output_s: f64) -> Run {
        let whole = Measured {
            wall_s: wall_s + 1.0,
            cpu_s: cpu_s + 1.0,
            memory_mib: 10.0,
            first_output_s: Some(first_output_s),
            broker_cpu_s: 1.0,
            others_share: 0.031,
        };
        let start = Measured { wall_s: 1.0, cpu_s: 1.0, broker_cpu_s: 0.0, ..whole.clone() };
        Run { rival, whole, start, results: 7 }
    }

    #[test]
    fn medians_are_per_record_and_a_better_rival_is_named() {
        let rivals: Vec<Rival> = Rival::all()
            .into_iter()
            .filter(|rival| ["host-wasm-keyed", "spark"].contains(&rival.name))
            .collect();
        let runs = [
            run("host-wasm-keyed", 4.0, 1.0, 0.9),
            run("host-wasm-keyed", 2.0, 2.0, 1.0),
            run("host-wasm-keyed", 1.0, 9.0, 1.1),
            run("spark", 4.0, 8.0, 0.5),
        ];
        let text = all(&rivals, &runs, 2_000_000);
        let ours = "| host, Wasm module | exactly-once | 1000 | 1.00 (0.50–4.50) | 1.00 | 10 | 1.00 | 1.00 | 0.50 | 7 |";
        assert!(text.contains(ours), "{text}");
        assert!(
            text.contains("| Spark, in memory | at-least-once | 500 | 4.00 (4.00–4.00) | 4.00 |"),
            "{text}"
        );
        let better = "- Better than host, Wasm module: Spark, in memory (first output s 0.50 against 1.00)";
        assert!(text.contains(better), "{text}");
        assert!(text.contains("at most 3 %") && !text.contains("repartition topic"), "{text}");
    }
}
