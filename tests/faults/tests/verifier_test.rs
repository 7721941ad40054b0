//! The verifier in Java notices what it is there for: a run's topics are copied with one thing changed.

use crate::verifier::{Topics, verify, verify_within};
use anyhow::{Result, ensure};
use std::time::Duration;
use testkit::scenario::SOON;
use testkit::{Bed, NewRecord, Record, Scenario, WorkloadSpec, scenario_at};

const PARTITIONS: u32 = 2;

/// Writes a topic's records into a new one, changed. Gives its name.
fn copy(s: &Scenario, topic: &str, name: &str, change: impl FnOnce(&mut Vec<Record>)) -> Result<String> {
    let mut records = s.kafka.read(topic, testkit::Isolation::Committed)?;
    change(&mut records);
    let copy = s.topic(name);
    s.kafka.create_topic(&copy, PARTITIONS)?;
    let mut producer = s.kafka.producer()?;
    for record in &records {
        let headers: Vec<(&str, Option<&[u8]>)> =
            record.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        producer.send(&copy, &NewRecord { partition: record.partition, key, value, headers: &headers })?;
    }
    producer.flush()?;
    Ok(copy)
}

/// It says so, in these words.
fn says(s: &Scenario, words: &str, topics: &Topics) -> Result<()> {
    said(verify(s, topics), words)
}

fn said(answer: Result<()>, words: &str) -> Result<()> {
    let error = answer.err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(error.contains(words), "it does not say \"{words}\" but \"{error}\"");
    Ok(())
}

fn drop_last(records: &mut Vec<Record>) {
    records.pop();
}

fn double_last(records: &mut Vec<Record>) {
    records.extend(records.last().cloned());
}

/// Each with one record missing, doubled or changed.
fn differences(s: &Scenario, topics: &Topics) -> Result<()> {
    let [shuffled, changelog, letters] =
        ["sum-repartition", "sum-changelog", "dead-letter"].map(|t| s.topic(t));
    let output = |name, change: fn(&mut Vec<Record>)| -> Result<Topics> {
        Ok(Topics { output: copy(s, &topics.output, name, change)?, ..topics.clone() })
    };
    says(s, "the last result is wrong", &output("result-missing", drop_last)?)?;
    says(s, "is no running sum", &output("result-doubled", double_last)?)?;
    let wrong: fn(&mut Vec<Record>) = |records| {
        // What an aborted transaction would have left: a sum that never was.
        let first = Record { value: Some(b"1000000".to_vec()), ..records[0].clone() };
        records.insert(0, first);
    };
    says(s, "is no running sum", &output("result-aborted", wrong)?)?;
    let rows = |name, change: fn(&mut Vec<Record>)| -> Result<Topics> {
        Ok(Topics { repartition: Some(copy(s, &shuffled, name, change)?), ..topics.clone() })
    };
    says(s, "are not shuffled", &rows("row-missing", drop_last)?)?;
    says(s, "is shuffled twice", &rows("row-doubled", double_last)?)?;
    let state = Topics {
        changelog: Some(copy(s, &changelog, "state-missing", |records| {
            let key = records.last().and_then(|record| record.key.clone());
            records.retain(|record| record.key != key);
        })?),
        ..topics.clone()
    };
    says(s, "the changelog is wrong", &state)?;
    let letter = |name, change: fn(&mut Vec<Record>)| -> Result<Topics> {
        Ok(Topics { dead_letter: Some(copy(s, &letters, name, change)?), ..topics.clone() })
    };
    says(s, "are no dead letters", &letter("letter-missing", drop_last)?)?;
    says(s, "is a dead letter twice", &letter("letter-doubled", double_last)?)
}

/// Records of an aborted transaction are none; one that stays open is one too many.
fn transactions(s: &Scenario, topics: &Topics) -> Result<()> {
    let output = copy(s, &topics.output, "transactions", |_| ())?;
    let topics = Topics { output: output.clone(), ..topics.clone() };
    let mut producer = s.kafka.transactional_producer(&s.topic("producer"))?;
    producer.begin()?;
    producer.send(&output, &NewRecord { key: Some(b"k1"), value: Some(b"-1"), ..NewRecord::default() })?;
    producer.flush()?;
    said(verify_within(Duration::from_secs(1), s, &topics), "a transaction hangs")?;
    producer.end(false)?;
    verify(s, &topics)
}

#[test]
fn a_second_client_notices_what_is_lost_doubled_aborted_or_open() {
    let bed = Bed::shared();
    let body = |s: &Scenario| {
        let spec = WorkloadSpec {
            records: 500,
            keys: 20,
            partitions: PARTITIONS,
            bad_one_in: 50,
            values: (1, 1000),
            ..WorkloadSpec::default()
        };
        s.load(spec)?;
        let host = s.sum().args(["--combine", "never", "--until-end", "--workers", "1"]);
        // The rows are judged, too.
        host.setting("repartition_purge_interval_ms", "0").setting("admin", "off").complete(SOON)?;
        let topics = Topics::of(s);
        verify(s, &topics)?;
        differences(s, &topics)?;
        transactions(s, &topics)
    };
    scenario_at(&bed.kafka(), &bed.kafka(), "verifier", body).expect("it notices");
}
