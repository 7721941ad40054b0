//! The figures as Markdown.

use super::case::Case;
use crate::figures;
use crate::measure::Measured;
use std::fmt::Write;

/// One case in one round.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    /// What ran.
    pub(super) case: Case,
    /// Over the whole input.
    pub(super) whole: Measured,
    /// Over an empty input: loading and compiling the module, joining and leaving the group.
    pub(super) start: Measured,
    /// Of the run over the whole input.
    pub(super) commits: u64,
}

impl Run {
    /// CPU time of the records alone.
    fn records_cpu_s(&self) -> f64 {
        self.whole.cpu_s - self.start.cpu_s
    }
}

/// One line a case: medians over the rounds.
pub(super) fn cases(cases: &[Case], runs: &[Run], records: u64) -> String {
    let mut text = String::from(
        "| module | guarantee | path | seconds | thousand records/s | CPU s per million records | CPU s to start | peak MiB | commits |\n\
         |---|---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    let millions = records as f64 / 1e6;
    for case in cases {
        let wall = median(runs, *case, |run| run.whole.wall_s);
        writeln!(
            text,
            "| {} | {} | {} | {wall:.2} | {:.0} | {:.3} | {:.2} | {:.0} | {:.0} |",
            case.module_word(),
            case.guarantee_word(),
            case.path_word(),
            records as f64 / wall / 1000.0,
            median(runs, *case, Run::records_cpu_s) / millions,
            median(runs, *case, |run| run.start.cpu_s),
            median(runs, *case, |run| run.whole.memory_mib),
            median(runs, *case, |run| run.commits as f64),
        )
        .expect("a String takes all text");
    }
    text
}

/// What the module costs over the native operator on the same path, where both were measured.
pub(super) fn modules(cases: &[Case], runs: &[Run], records: u64) -> String {
    let mut text = String::from(
        "| wasm against native | records/s, ratio | CPU, ratio | ns of CPU a record more |\n|---|---:|---:|---:|\n",
    );
    for wasm in cases.iter().filter(|case| case.wasm && cases.contains(&case.native())) {
        let both =
            |figure: fn(&Run) -> f64| (median(runs, *wasm, figure), median(runs, wasm.native(), figure));
        let ((wall, wall_native), (cpu, cpu_native)) =
            (both(|run| run.whole.wall_s), both(Run::records_cpu_s));
        writeln!(
            text,
            "| {}, {} | {:.2} | {:.2} | {:.0} |",
            wasm.guarantee_word(),
            wasm.path_word(),
            wall_native / wall,
            cpu / cpu_native,
            (cpu - cpu_native) * 1e9 / records as f64,
        )
        .expect("a String takes all text");
    }
    text
}

fn median(runs: &[Run], case: Case, figure: impl Fn(&Run) -> f64) -> f64 {
    figures::median(runs.iter().filter(|run| run.case == case).map(figure))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(case: Case, wall_s: f64, cpu_s: f64) -> Run {
        let whole = Measured {
            wall_s,
            cpu_s: cpu_s + 1.0,
            memory_mib: 10.0,
            first_output_s: None,
            broker_cpu_s: 0.0,
            others_share: 0.0,
        };
        let start = Measured { wall_s: 1.0, cpu_s: 1.0, ..whole.clone() };
        Run { case, whole, start, commits: 5 }
    }

    #[test]
    fn medians_and_differences_are_per_record() {
        let wasm = Case { wasm: true, exactly_once: true, repartition: false };
        let runs =
            [run(wasm, 4.0, 2.2), run(wasm, 2.0, 2.0), run(wasm, 9.0, 9.0), run(wasm.native(), 2.0, 2.0)];
        let all = [wasm, wasm.native()];
        let figures = cases(&all, &runs, 2_000_000);
        assert!(
            figures.contains("| wasm | exactly-once | keyed | 4.00 | 500 | 1.100 | 1.00 | 10 | 5 |"),
            "{figures}"
        );
        let ratios = modules(&all, &runs, 2_000_000);
        assert!(ratios.contains("| exactly-once, keyed | 0.50 | 1.10 | 100 |"), "{ratios}");
    }
}
