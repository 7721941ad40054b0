//! The metrics as Prometheus reads them. Names follow Kafka Streams' metrics where it has the same thing.

use super::ModuleVersion;
use crate::metrics::{ByCause, Metrics};
use std::fmt::Write as _;

/// All metrics of a process.
pub(crate) fn text(metrics: &Metrics, modules: &[ModuleVersion]) -> String {
    let mut out = String::new();
    let counters = [
        ("records_consumed", "Input records whose transaction is committed.", metrics.records_consumed.get()),
        ("bytes_consumed", "Bytes of their keys and values.", metrics.bytes_consumed.get()),
        ("records_repartitioned", "Rows written to the repartition topic.", metrics.rows_repartitioned.get()),
        ("records_combined", "Rows folded before they were shuffled.", metrics.rows_combined.get()),
        ("partials_repartitioned", "Records that they became.", metrics.partials.get()),
        ("records_produced", "Records written to the output.", metrics.results.get()),
        ("commits", "Transactions committed.", metrics.commits.get()),
        ("aborts", "Transactions aborted.", metrics.aborts.get()),
        ("records_restored", "Rows of snapshots and changelogs read back.", metrics.rows_restored.get()),
        (
            "states_kept",
            "Tasks that a rebalance gave back with their state still here.",
            metrics.states_kept.get(),
        ),
        ("snapshots_written", "Snapshots of a task's state written.", metrics.snapshots.written.get()),
        ("snapshots_failed", "Snapshots that could not be written.", metrics.snapshots.failed.get()),
        ("snapshots_restored", "Tasks restored from a snapshot.", metrics.snapshots.restored.get()),
        ("snapshots_refused", "Snapshots that did not fit.", metrics.snapshots.refused.get()),
        ("producer_replacements", "Producers made anew.", metrics.producer_replacements.get()),
        ("rebalances", "Assignments received.", metrics.rebalances.get()),
        ("module_swaps", "Modules that took over from another.", metrics.swaps.get()),
        ("module_swaps_refused", "Modules that were refused.", metrics.swaps_refused.get()),
    ];
    for (name, help, value) in counters {
        head(&mut out, &format!("{name}_total"), help, "counter");
        line(&mut out, &format!("{name}_total"), "", value);
    }
    by_cause(
        &mut out,
        "dead_letter_records",
        "Records written to the dead-letter topic.",
        &metrics.dead_letters,
    );
    by_cause(&mut out, "dropped_records", "Records dropped by policy.", &metrics.skipped);
    by_cause(&mut out, "module_faults", "Calls that faulted.", &metrics.faults);
    let gauges = [
        ("state_keys", "Keys in the state of all tasks.", metrics.keys.get()),
        ("state_bytes", "Bytes of keys and accumulators.", metrics.state_bytes.get()),
    ];
    for (name, help, value) in gauges {
        head(&mut out, name, help, "gauge");
        line(&mut out, name, "", value);
    }
    head(&mut out, "records_lag", "Records behind the end of the log.", "gauge");
    for (source, lag) in metrics.snapshot().lag {
        let labels = format!("{{topic=\"{}\",partition=\"{}\"}}", source.topic, source.partition);
        line(&mut out, "records_lag", &labels, lag);
    }
    let help = "Longest pause of a worker at the last swap, the commit before it included.";
    head(&mut out, "module_swap_pause_seconds", help, "gauge");
    line(&mut out, "module_swap_pause_seconds", "", seconds(metrics.swap_pause_us.get()));
    of_modules(&mut out, modules);
    out
}

/// What a version says about its use.
type Used = fn(&ModuleVersion) -> Option<f64>;

/// By version, so that two of them can be compared.
fn of_modules(out: &mut String, modules: &[ModuleVersion]) {
    let families: [(&str, &str, &str, Used); 4] = [
        ("module_calls_total", "Calls of the module with data.", "counter", |version| {
            version.calls.map(|n| n as f64)
        }),
        ("module_call_faults_total", "Those that faulted.", "counter", |version| {
            version.faults.map(|n| n as f64)
        }),
        (
            "module_cpu_seconds_total",
            "CPU time of the module's calls, the crossing of the boundary included.",
            "counter",
            |version| version.cpu_us.map(seconds),
        ),
        ("module_memory_bytes_max", "The largest memory of an instance.", "gauge", |version| {
            version.memory_bytes_max.map(|bytes| bytes as f64)
        }),
    ];
    for (name, help, kind, used) in families {
        head(out, name, help, kind);
        for version in modules {
            if let (Some(number), Some(value)) = (version.number, used(version)) {
                let digest = version.digest.get(..12).unwrap_or(&version.digest);
                line(out, name, &format!("{{version=\"{number}\",digest=\"{digest}\"}}"), value);
            }
        }
    }
}

fn by_cause(out: &mut String, name: &str, help: &str, counts: &ByCause) {
    let name = format!("{name}_total");
    head(out, &name, help, "counter");
    for (cause, count) in counts.snapshot() {
        line(out, &name, &format!("{{cause=\"{}\"}}", cause.as_str()), count);
    }
}

fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    writeln!(out, "# HELP wasmhost_{name} {help}\n# TYPE wasmhost_{name} {kind}")
        .expect("a string takes everything");
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

fn line(out: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    writeln!(out, "wasmhost_{name}{labels} {value}").expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::effect::Cause;
    use host_core::record::TopicPartition;

    #[test]
    fn each_line_is_a_comment_or_a_sample() {
        let metrics = Metrics::default();
        metrics.commits.add(3);
        metrics.dead_letters.count(Cause::NullKey);
        metrics.set_lag(&TopicPartition::new("in", 2), 7);
        let text = text(&metrics, &[]);
        assert!(text.contains("\nwasmhost_commits_total 3\n"), "{text}");
        assert!(text.contains("\nwasmhost_dead_letter_records_total{cause=\"null-key\"} 1\n"), "{text}");
        assert!(text.contains("\nwasmhost_records_lag{topic=\"in\",partition=\"2\"} 7\n"), "{text}");
        for line in text.lines().filter(|line| !line.starts_with("# ")) {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            assert!(name.starts_with("wasmhost_") && value.parse::<f64>().is_ok(), "{line}");
        }
    }
}
