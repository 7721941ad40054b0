//! What is written is what is described.

use super::*;
use crate::metrics::recent::{Commit, Ended};
use crate::worker::Restoring;
use host_core::operator::Description;
use host_core::record::TopicPartition;
use host_core::topology::{Repartition, Topology};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Where the table begins in `deploy/README.md`, ...
const BEGIN: &str = "<!-- metrics: made from the code by the test of host/src/admin/metrics.rs -->\n";
/// ... and where it ends.
const END: &str = "<!-- end of metrics -->\n";

fn all() -> String {
    let module = Description { transforms: true, reduces: true, ..Description::default() };
    let io = (vec!["in".to_owned()], "out".to_owned());
    let topology = Topology::new("app", "sum", io, &module, Repartition::Auto);
    let metrics = Metrics::new(&topology, 0);
    metrics.commits.add(3);
    metrics.dead_letters.count(Cause::Rejected);
    metrics.skipped.count(Cause::NullKey);
    metrics.set_lag(&TopicPartition::new("in", 2), 7);
    let took = Duration::from_millis(3);
    metrics.ended(Commit { at: SystemTime::now(), took, ended: Ended::Clean, records: 1 });
    let version = ModuleVersion {
        number: Some(1),
        digest: "0123456789abcdef".to_owned(),
        version: "0.1.0".to_owned(),
        since_s: 1,
        state: "current".to_owned(),
        reason: None,
        calls: Some(1),
        faults: Some(0),
        cpu_us: Some(1_500_000),
        memory_bytes_max: Some(1),
    };
    let sample = Sample {
        counters: metrics.snapshot(),
        topics: [("in".to_owned(), (3, 0))].into(),
        restoring: Restoring { tasks: 1, rows: 1, remaining: 9 },
        modules: vec![(version, metrics.ends(Ended::Clean))],
        ..Sample::default()
    };
    let about = About { application_id: "app".into(), workers: 2, state_bytes_max: 1000, topology };
    text(&metrics, &about, &sample)
}

#[test]
fn counts_are_written_with_their_labels() {
    let text = all();
    for line in [
        "wasmhost_commits_total 3",
        "wasmhost_dead_letter_records_total{cause=\"rejected\"} 1",
        "wasmhost_dead_letter_records_total{cause=\"trap\"} 0",
        "wasmhost_dropped_records_total{cause=\"null-key\"} 1",
        "wasmhost_module_faults_total{cause=\"trap\"} 0",
        "wasmhost_records_lag{topic=\"in\",partition=\"2\"} 7",
        "wasmhost_topic_records_consumed_total{topic=\"in\"} 3",
        "wasmhost_module_info{version=\"1\",digest=\"0123456789ab\",described=\"0.1.0\"} 1",
        "wasmhost_module_cpu_seconds_total{version=\"1\",digest=\"0123456789ab\"} 1.5",
        "wasmhost_commit_duration_seconds_bucket{result=\"committed\",le=\"0.0025\"} 0",
        "wasmhost_commit_duration_seconds_bucket{result=\"committed\",le=\"0.005\"} 1",
        "wasmhost_restore_remaining_records 9",
        "wasmhost_ready 1",
    ] {
        assert!(text.lines().any(|found| found == line), "no line {line}\n{text}");
    }
    let is_fault = |cause: &str| text.contains(&format!("wasmhost_module_faults_total{{cause=\"{cause}\"}}"));
    assert!(is_fault("deadline") && !is_fault("rejected"), "a record that is rejected is no faulted call");
}

/// A line for each family: name, kind, labels, help.
fn table(text: &str) -> String {
    let mut table = String::from("| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n");
    for (at, _) in text.match_indices("# HELP ") {
        let mut lines = text[at..].lines();
        let help = lines.next().and_then(|line| line.strip_prefix("# HELP ")).unwrap_or_default();
        let (name, help) = help.split_once(' ').expect("each has a help");
        let kind = lines.next().and_then(|line| line.rsplit_once(' ')).expect("each has a type").1;
        let sample = lines.next().filter(|line| line.starts_with(name));
        let sample = sample.unwrap_or_else(|| panic!("{name} has no sample"));
        let labels =
            sample.split_once('{').map_or("", |(_, rest)| rest.split('}').next().unwrap_or_default());
        let names: Vec<_> = labels
            .split(',')
            .filter_map(|label| Some(label.split_once('=')?.0))
            .filter(|label| *label != "le")
            .collect();
        writeln!(table, "| `{name}` | {kind} | {} | {help} |", names.join(", ")).expect("a string");
    }
    table
}

/// `UPDATE_EXPECT=1` writes it anew.
#[test]
fn the_table_of_metrics_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/README.md");
    let page = std::fs::read_to_string(&path).expect("it is there");
    let (head, rest) = page.split_once(BEGIN).expect("the table has a beginning");
    let (table_now, tail) = rest.split_once(END).expect("the table has an end");
    let table = table(&all());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, [head, BEGIN, &table, END, tail].concat()).expect("it can be written");
        return;
    }
    assert_eq!(table_now, table, "deploy/README.md: run this test with UPDATE_EXPECT=1");
}
