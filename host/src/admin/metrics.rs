//! The metrics as Prometheus reads them. Names follow Kafka Streams' metrics where it has the same thing. The table
//! of all of them in `deploy/README.md` is made from here.

mod process;
mod text;

use super::ModuleVersion;
use crate::feed::{About, Sample};
use crate::metrics::recent::ENDS;
use crate::metrics::{Counts, Metrics, PHASES};
use crate::shown::short;
use host_core::effect::Cause;
pub(super) use text::CONTENT_TYPE;
use text::Text;

/// Seconds between which calls have buckets.
const CALLS_S: (f64, f64) = (0.000_01, 10.0);
/// Seconds between which commits have buckets.
const COMMITS_S: (f64, f64) = (0.000_5, 50.0);

/// All metrics of a process.
pub(crate) fn text(metrics: &Metrics, about: &About, sample: &Sample) -> String {
    let mut out = Text::default();
    what_it_is(&mut out, about, sample);
    records(&mut out, metrics, sample);
    transactions(&mut out, metrics);
    state(&mut out, metrics, about, sample);
    swaps(&mut out, metrics);
    for (name, kind, help, used) in USED {
        out.family(name, kind, help);
        of_modules(sample, |version, labels, _| {
            if let Some(value) = used(version) {
                out.sample(labels, value);
            }
        });
    }
    let help = "How long calls of the module with data took, by the clock on the wall.";
    out.family("wasmhost_module_call_duration_seconds", "histogram", help);
    of_modules(sample, |_, labels, calls| out.histogram(labels, calls, CALLS_S));
    process::write(&mut out);
    out.into_string()
}

fn counters(out: &mut Text, all: &[(&str, &str, u64)]) {
    for (name, help, value) in all {
        out.family(&format!("wasmhost_{name}_total"), "counter", help);
        out.sample(&[], value);
    }
}

fn gauges(out: &mut Text, all: &[(&str, &str, u64)]) {
    for (name, help, value) in all {
        out.family(&format!("wasmhost_{name}"), "gauge", help);
        out.sample(&[], value);
    }
}

fn what_it_is(out: &mut Text, about: &About, sample: &Sample) {
    out.family("wasmhost_build_info", "gauge", "Always 1; the labels say what runs.");
    let client = crate::kafka::client_version();
    out.sample(&[("version", env!("CARGO_PKG_VERSION")), ("librdkafka", client.as_str())], 1);
    out.family("wasmhost_application_info", "gauge", "Always 1; the labels say which application it is.");
    let operator = about.topology.operator.as_str();
    out.sample(&[("application_id", about.application_id.as_str()), ("operator", operator)], 1);
    out.family("wasmhost_module_info", "gauge", "Always 1; the labels say which module works now.");
    let current =
        sample.modules.iter().map(|(version, _)| version).find(|version| version.state == "current");
    if let Some(version) = current {
        let number = version.number.unwrap_or_default().to_string();
        let described = version.version.as_str();
        out.sample(&[("version", &number), ("digest", short(&version.digest)), ("described", described)], 1);
    }
    let is_ready = u64::from(sample.obstacles.is_empty());
    gauges(
        out,
        &[
            ("ready", "1 when all workers read, else 0.", is_ready),
            ("workers", "Worker threads of the process.", about.workers),
        ],
    );
    let help = "Time of all workers by what they do; poll includes waiting for records.";
    out.family("wasmhost_worker_seconds_total", "counter", help);
    for (phase, time) in PHASES.iter().zip(sample.times) {
        out.sample(&[("phase", phase.as_str())], time.as_secs_f64());
    }
}

fn records(out: &mut Text, metrics: &Metrics, sample: &Sample) {
    let consumed = metrics.records_consumed.get();
    let repartitioned = metrics.rows_repartitioned.get();
    counters(
        out,
        &[
            ("records_consumed", "Input records whose transaction is committed.", consumed),
            ("bytes_consumed", "Bytes of their keys and values.", metrics.bytes_consumed.get()),
            ("records_repartitioned", "Rows written to the repartition topic.", repartitioned),
            ("records_combined", "Rows folded before they were shuffled.", metrics.rows_combined.get()),
            ("partials_repartitioned", "Records that they became.", metrics.partials.get()),
            ("records_produced", "Records written to the output.", metrics.results.get()),
        ],
    );
    out.family("wasmhost_topic_records_consumed_total", "counter", "Committed records read, by topic.");
    for (topic, (consumed, _)) in &sample.topics {
        out.sample(&[("topic", topic)], consumed);
    }
    out.family("wasmhost_topic_records_produced_total", "counter", "Committed records written, by topic.");
    for (topic, (_, produced)) in &sample.topics {
        out.sample(&[("topic", topic)], produced);
    }
    let failed = "Records written to the dead-letter topic.";
    by_cause(out, "dead_letter_records", failed, metrics.dead_letters.all());
    by_cause(out, "dropped_records", "Records dropped by policy.", metrics.skipped.all());
    let faults = metrics.faults.all().filter(|(cause, _)| matches!(cause, Cause::Fault(_)));
    by_cause(out, "module_faults", "Calls that faulted.", faults);
    out.family("wasmhost_records_lag", "gauge", "Records behind the end of the log, by partition.");
    for (source, lag) in &sample.counters.lag {
        let partition = source.partition.to_string();
        out.sample(&[("topic", &source.topic), ("partition", &partition)], lag);
    }
}

fn transactions(out: &mut Text, metrics: &Metrics) {
    let replaced = metrics.producer_replacements.get();
    counters(
        out,
        &[
            ("commits", "Transactions committed.", metrics.commits.get()),
            ("aborts", "Transactions aborted.", metrics.aborts.get()),
            ("producer_replacements", "Producers made anew.", replaced),
            ("rebalances", "Assignments received.", metrics.rebalances.get()),
        ],
    );
    let help = "From the last record of a transaction to the brokers' answer, by how it ended.";
    out.family("wasmhost_commit_duration_seconds", "histogram", help);
    for ended in ENDS {
        out.histogram(&[("result", ended.as_str())], &metrics.ends(ended), COMMITS_S);
    }
}

fn state(out: &mut Text, metrics: &Metrics, about: &About, sample: &Sample) {
    let (keys, bytes) = (metrics.keys.get(), metrics.state_bytes.get());
    let restoring = sample.restoring;
    gauges(
        out,
        &[
            ("state_keys", "Keys in the state of all tasks.", keys),
            ("state_bytes", "Bytes of keys and accumulators.", bytes),
            (
                "state_memory_bytes",
                "What the state takes, bookkeeping included.",
                crate::worker::state_memory_bytes(metrics),
            ),
            (
                "state_memory_bytes_max",
                "What it may take; above it the application stops.",
                about.state_bytes_max,
            ),
            ("restore_active_tasks", "Tasks whose state is being read back.", restoring.tasks),
            (
                "restore_remaining_records",
                "Offsets to the ends of their changelogs, at least as many as records.",
                restoring.remaining,
            ),
        ],
    );
    let snapshots = &metrics.snapshots;
    let kept = "Tasks that a rebalance gave back with their state still here.";
    counters(
        out,
        &[
            ("records_restored", "Rows of snapshots and changelogs read back.", metrics.rows_restored.get()),
            ("states_kept", kept, metrics.states_kept.get()),
            ("snapshots_written", "Snapshots of a task's state written.", snapshots.written.get()),
            ("snapshots_failed", "Snapshots that could not be written.", snapshots.failed.get()),
            ("snapshots_restored", "Tasks restored from a snapshot.", snapshots.restored.get()),
            ("snapshots_refused", "Snapshots that did not fit.", snapshots.refused.get()),
        ],
    );
}

fn swaps(out: &mut Text, metrics: &Metrics) {
    counters(
        out,
        &[
            ("module_swaps", "Modules that took over from another.", metrics.swaps.get()),
            ("module_swaps_refused", "Modules that were refused.", metrics.swaps_refused.get()),
        ],
    );
    let help = "Longest pause of a worker at the last swap, the commit before it included.";
    out.family("wasmhost_module_swap_pause_seconds", "gauge", help);
    out.sample(&[], seconds(metrics.swap_pause_us.get()));
}

/// A family of which each version of the module has a sample: name, kind, help, value.
type Used = (&'static str, &'static str, &'static str, fn(&ModuleVersion) -> Option<f64>);

const USED: [Used; 4] = [
    ("wasmhost_module_calls_total", "counter", "Calls of the module with data.", |version| {
        version.calls.map(|calls| calls as f64)
    }),
    ("wasmhost_module_call_faults_total", "counter", "Calls of the module that faulted.", |version| {
        version.faults.map(|faults| faults as f64)
    }),
    (
        "wasmhost_module_cpu_seconds_total",
        "counter",
        "CPU time of the module's calls, the crossing of the boundary included; not of native operators.",
        |version| version.cpu_us.map(seconds),
    ),
    (
        "wasmhost_module_memory_bytes_max",
        "gauge",
        "The largest memory of an instance; not of native operators.",
        |version| version.memory_bytes_max.map(|bytes| bytes as f64),
    ),
];

/// By version, so that two of them can be compared.
fn of_modules(sample: &Sample, mut each: impl FnMut(&ModuleVersion, &[(&str, &str)], &Counts)) {
    for (version, calls) in &sample.modules {
        if let Some(number) = version.number {
            each(version, &[("version", &number.to_string()), ("digest", short(&version.digest))], calls);
        }
    }
}

/// Each cause is there from the start: the first event would be no increase of a sample that begins with it.
fn by_cause(out: &mut Text, name: &str, help: &str, counts: impl Iterator<Item = (Cause, u64)>) {
    out.family(&format!("wasmhost_{name}_total"), "counter", help);
    for (cause, count) in counts {
        out.sample(&[("cause", cause.as_str())], count);
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests;
