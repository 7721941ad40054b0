//! The oracle, the same for both programs: only how they write numbers between their steps differs.

use super::subject::Subject;
use crate::hosted;
use crate::input::PARTITIONS;
use crate::program::Program;
use anyhow::{Context, Result};
use std::time::Duration;
use testkit::check::{self, RepartitionRow, Sums};
use testkit::kafka::Group;
use testkit::{Isolation, Kafka, Record, Workload};

/// For the last transaction's marker.
const SETTLED: Duration = Duration::from_mins(1);

/// Sums are exact, each row was shuffled once, results are running sums in the order of the log, the changelog comes to
/// the same sums, and no transaction hangs.
pub(super) fn all(kafka: &Kafka, subject: &Subject, workload: &Workload) -> Result<()> {
    let [repartition, changelog, _] = hosted::internal_topics(&subject.application);
    let records = check::final_sums_of(kafka, &subject.output(), workload.sums())?;
    let rows = rows(subject.program, &kafka.read(&repartition, Isolation::Committed)?)?;
    check::every_row_once(&rows, workload.counts())?;
    check::running_sums(&check::results(&records)?, &rows)?;
    let state = state(subject.program, &kafka.read(&changelog, Isolation::Committed)?)?;
    check::same_sums(&state, workload.sums()).context("in the changelog")?;
    for topic in [subject.output(), repartition, changelog] {
        check::settled(kafka, &topic, SETTLED)?;
    }
    Ok(())
}

/// All records of a topic are committed as read: behind the committed offsets there is at most a marker, which a topic
/// that is written outside of transactions does not have.
pub(super) fn is_done(kafka: &Kafka, group: &Group, topic: &str, marker: i64) -> Result<bool> {
    let ends = kafka.ends(topic, Isolation::Uncommitted)?;
    let committed = group.committed(topic, PARTITIONS)?;
    let behind = ends.iter().zip(committed).any(|(end, offset)| offset.unwrap_or_default() + marker < *end);
    Ok(!behind && ends == kafka.ends(topic, Isolation::Committed)?)
}

fn rows(program: Program, records: &[Record]) -> Result<Vec<RepartitionRow>> {
    if program == Program::Host {
        return check::repartition_rows(records);
    }
    // Kafka Streams keeps no source of a row; that none is there twice, the numbers by key tell.
    let row = |record: &Record| {
        let key = record.key.clone().context("a row without a key")?;
        let (partition, offset) = (record.partition, record.offset);
        Ok(RepartitionRow { key, value: long(record)?, is_partial: false, partition, offset })
    };
    records.iter().map(row).collect()
}

fn state(program: Program, records: &[Record]) -> Result<Sums> {
    if program == Program::Host {
        return check::changelog_sums(records);
    }
    let sum = |record: &Record| {
        Ok((record.key.clone().context("a changelog record without a key")?, long(record)?))
    };
    records.iter().map(sum).collect()
}

/// A number as Java's serializer writes it.
fn long(record: &Record) -> Result<i128> {
    let bytes = record.value.as_deref().and_then(|value| value.try_into().ok());
    bytes.map(|bytes| i128::from(i64::from_be_bytes(bytes))).context("a value that is no number of 8 bytes")
}
