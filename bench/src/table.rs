//! The figures as Markdown.

use crate::case::Case;
use crate::measure::Measured;
use std::fmt::Write;

/// One line a case: medians over the rounds.
pub(crate) fn cases(cases: &[Case], runs: &[(Case, Measured)], records: u64) -> String {
    let mut text = String::from(
        "| module | guarantee | path | seconds | thousand records/s | CPU s per million records | peak MiB | commits |\n\
         |---|---|---|---:|---:|---:|---:|---:|\n",
    );
    let millions = records as f64 / 1e6;
    for case in cases {
        let wall = median(runs, *case, |run| run.wall_s);
        writeln!(
            text,
            "| {} | {} | {} | {wall:.2} | {:.0} | {:.3} | {:.0} | {:.0} |",
            case.module_word(),
            case.guarantee_word(),
            case.path_word(),
            records as f64 / wall / 1000.0,
            median(runs, *case, |run| run.cpu_s) / millions,
            median(runs, *case, |run| run.memory_mib),
            median(runs, *case, |run| run.commits as f64),
        )
        .expect("a String takes all text");
    }
    text
}

/// What the module costs over the native operator on the same path, where both were measured.
pub(crate) fn modules(cases: &[Case], runs: &[(Case, Measured)], records: u64) -> String {
    let mut text = String::from(
        "| wasm against native | records/s, ratio | CPU, ratio | ns of CPU a record more |\n|---|---:|---:|---:|\n",
    );
    for wasm in cases.iter().filter(|case| case.wasm && cases.contains(&case.native())) {
        let both =
            |figure: fn(&Measured) -> f64| (median(runs, *wasm, figure), median(runs, wasm.native(), figure));
        let ((wall, wall_native), (cpu, cpu_native)) = (both(|run| run.wall_s), both(|run| run.cpu_s));
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

fn median(runs: &[(Case, Measured)], case: Case, figure: impl Fn(&Measured) -> f64) -> f64 {
    let mut values: Vec<f64> =
        runs.iter().filter(|(of, _)| *of == case).map(|(_, run)| figure(run)).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(wall_s: f64, cpu_s: f64) -> Measured {
        Measured { wall_s, cpu_s, memory_mib: 10.0, commits: 5 }
    }

    #[test]
    fn medians_and_differences_are_per_record() {
        let wasm = Case { wasm: true, exactly_once: true, repartition: false };
        let runs = [
            (wasm, run(4.0, 2.2)),
            (wasm, run(2.0, 2.0)),
            (wasm, run(9.0, 9.0)),
            (wasm.native(), run(2.0, 2.0)),
        ];
        let all = [wasm, wasm.native()];
        let figures = cases(&all, &runs, 2_000_000);
        assert!(
            figures.contains("| wasm | exactly-once | keyed | 4.00 | 500 | 1.100 | 10 | 5 |"),
            "{figures}"
        );
        let ratios = modules(&all, &runs, 2_000_000);
        assert!(ratios.contains("| exactly-once, keyed | 0.50 | 1.10 | 100 |"), "{ratios}");
    }
}
