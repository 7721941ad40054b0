//! The topics that are read: one with lines of known sums, one with nothing.

use anyhow::Result;
use std::time::Instant;
use testkit::{Kafka, Workload, WorkloadSpec};

/// Where the lines are.
pub(crate) const INPUT: &str = "bench-input";
/// What a run costs without records.
pub(crate) const EMPTY: &str = "bench-empty";
/// Different keys.
pub(crate) const KEYS: u64 = 10_000;
/// Partitions of all topics.
pub(crate) const PARTITIONS: u32 = 2;

/// Writes the input once, and makes the empty one. Its record keys are the lines' keys, placed as a Java client
/// does, so that the same topic serves with and without repartition. Values are above zero, so that each running
/// sum of a key is larger than the one before.
pub(crate) fn load(kafka: &Kafka, records: u64) -> Result<Workload> {
    let spec = WorkloadSpec {
        records,
        keys: KEYS,
        partitions: PARTITIONS,
        keyed: true,
        values: (1, 1000),
        ..WorkloadSpec::default()
    };
    let started = Instant::now();
    kafka.create_topic(EMPTY, PARTITIONS)?;
    kafka.create_topic(INPUT, PARTITIONS)?;
    let mut workload = Workload::new(spec);
    workload.produce(&mut kafka.producer()?, INPUT, records)?;
    eprintln!("{records} records are in {INPUT} ({:.1} s)", started.elapsed().as_secs_f64());
    Ok(workload)
}

/// What the input is, in words.
pub(crate) fn line(records: u64) -> String {
    format!("{records} records of about 10 bytes, {KEYS} keys, {PARTITIONS} partitions, no compression")
}
