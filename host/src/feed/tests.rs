//! Snapshots of made-up samples.

use super::*;
use crate::metrics::Histogram;
use crate::metrics::recent;
use host_core::operator::{Description, FaultKind};
use host_core::record::TopicPartition;
use host_core::topology::{Repartition, Topology};
use std::time::SystemTime;

fn feed() -> Feed {
    let module = Description { transforms: true, reduces: true, ..Description::default() };
    let io = (vec!["in".to_owned()], "out".to_owned());
    let topology = Topology::new("app", "sum", io, &module, Repartition::Auto);
    Feed::new(About { application_id: "app".into(), workers: 2, state_bytes_max: 1000, topology })
}

fn version(number: Option<u64>, digest: &str) -> ModuleVersion {
    ModuleVersion {
        number,
        digest: digest.to_owned(),
        version: "0.1.0".to_owned(),
        since_s: 1,
        state: "current".to_owned(),
        reason: None,
        calls: Some(1),
        faults: Some(0),
        cpu_us: None,
        memory_bytes_max: None,
    }
}

#[test]
fn rates_and_shares_are_of_the_time_between_two_samples() {
    let mut feed = feed();
    let recent = Recent::default();
    let mut sample = Sample { uptime: Duration::from_secs(10), ..Sample::default() };
    sample.counters.records_consumed = 1000;
    sample.times[0] = Duration::from_secs(9);
    feed.next(sample.clone(), &recent);
    sample.uptime = Duration::from_secs(12);
    sample.counters.records_consumed = 1500;
    sample.topics.insert("in".into(), (500, 0));
    sample.times[0] = Duration::from_secs(10);
    sample.times[4] = Duration::from_secs(3);
    let snapshot = feed.next(sample, &recent);
    assert!((snapshot.rates.records_consumed - 250.0).abs() < 1e-9, "{:?}", snapshot.rates);
    assert_eq!(snapshot.topology.edges[0].records_per_s, Some(250.0));
    assert_eq!(snapshot.totals.records_consumed, 1500);
    assert_eq!((snapshot.time["poll"], snapshot.time["commit"], snapshot.time["wasm"]), (0.25, 0.75, 0.0));
}

#[test]
fn percentiles_are_those_of_each_version() {
    let mut feed = feed();
    let [slow, fast] = [10, 1].map(|ms| {
        let histogram = Histogram::default();
        histogram.add(Duration::from_millis(ms));
        histogram.counts()
    });
    let modules = vec![
        (version(None, "bad"), Counts::default()),
        (version(Some(1), "new"), fast),
        (version(Some(0), "old"), slow),
    ];
    let snapshot = feed.next(Sample { modules, ..Sample::default() }, &Recent::default());
    let p99: Vec<_> = snapshot.modules.iter().map(|module| module.call_p99_us).collect();
    assert_eq!(p99, [None, Some(1000), Some(10_000)]);
}

#[test]
fn what_happened_last_is_told_with_its_version_and_place() {
    let recent = Recent::new(2);
    let text = "wasm trap: unreachable\nwasm backtrace:\n  0: f".to_owned();
    let fault = host_core::operator::Fault { kind: FaultKind::Trap, reason: text, spent_us: 1 };
    recent.faults.push(recent::Fault::new(&TopicPartition::new("in", 3), (12, 14), &fault, "new"));
    recent.swaps.push(recent::Swap::refused("bad", "no".into()));
    for key in ["a", "b", "c"] {
        recent.outputs.push(recent::Output { at: SystemTime::now(), key: Some(key.into()), value: None });
    }
    let modules = vec![(version(Some(1), "new"), Counts::default())];
    let restoring = Restoring { tasks: 1, rows: 5, remaining: 7 };
    let snapshot = feed().next(Sample { restoring, modules, ..Sample::default() }, &recent);
    let fault = &snapshot.faults[0];
    assert_eq!((fault.kind.as_str(), fault.source.as_str(), fault.offsets), ("trap", "in-3", [12, 14]));
    assert_eq!(fault.reason, "wasm trap: unreachable");
    assert_eq!(fault.backtrace.as_deref(), Some("wasm backtrace:\n  0: f"));
    assert_eq!(fault.number, Some(1));
    assert_eq!((snapshot.swaps[0].kind.as_str(), snapshot.swaps[0].number), ("refused", None));
    let keys: Vec<_> = snapshot.outputs.iter().map(|output| output.key.as_deref()).collect();
    assert_eq!(keys, [Some("b"), Some("c")]);
    assert_eq!(snapshot.restore, Restore { tasks: 1, rows: 5, rows_remaining: Some(7) });
}

#[test]
fn a_snapshot_is_read_back_as_it_was_written() {
    let modules = vec![(version(Some(1), "new"), Counts::default())];
    let snapshot = feed().next(Sample { modules, ..Sample::default() }, &Recent::default());
    let text = serde_json::to_string(&snapshot).expect("it can be written");
    assert_eq!(serde_json::from_str::<Snapshot>(&text).expect("it can be read"), snapshot);
}
