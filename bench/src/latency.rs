//! How long a record takes into a committed result, at a load that leaves the host idle most of the time: from its
//! timestamp, which its producer sets, to the moment a read-committed reader has its result in hand. With a result
//! for each record, whose timestamp is the record's.

use crate::input::{KEYS, PARTITIONS};
use crate::measure::Place;
use crate::options::Options;
use crate::{hosted, machine, results};
use anyhow::{Context, Result, bail, ensure};
use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use testkit::{Isolation, Kafka, NewRecord, murmur2};

/// Records a second: less than a tenth of what the host does with a result for each record.
const RATE: u64 = 20_000;
const RECORDS: u64 = 20 * RATE;
/// First results that do not count: the group is joined, code is compiled.
const WARM_UP: u64 = 3 * RATE;
/// Between two bursts of the producer.
const PACE: Duration = Duration::from_millis(5);
/// From the last record to its result, at most.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Measures, prints, and keeps.
pub(crate) fn run(options: &Options) -> Result<()> {
    let (kafka, records) = (options.kafka(), options.records(RECORDS));
    ensure!(records > WARM_UP, "the first {WARM_UP} records do not count: more of them are needed");
    let mut table = format!(
        "{}\n\n{RATE} records a second, {KEYS} keys, {PARTITIONS} partitions, a result for each record, a commit \
         each 100 ms; {records} records, the first {WARM_UP} not counted.\n\n\
         | path | round | p50 ms | p99 ms | p99.9 ms | longest ms |\n|---|---:|---:|---:|---:|---:|\n",
        machine::line()
    );
    for round in 1..=options.rounds(3) {
        for (path, repartition) in [("keyed", "never"), ("re-keyed", "always")] {
            let mut latencies = measure(&kafka, &format!("latency-{path}-{round}"), repartition, records)?;
            latencies.sort_unstable();
            let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
            let (half, most, nearly, all) = (at(0.5), at(0.99), at(0.999), at(1.0));
            eprintln!("round {round}: {path}: p50 {half} ms, p99 {most} ms");
            writeln!(table, "| {path} | {round} | {half} | {most} | {nearly} | {all} |")?;
        }
    }
    println!("{table}");
    results::write("latency", &table)
}

/// The latencies of one run, in milliseconds.
fn measure(kafka: &Kafka, application: &str, repartition: &str, records: u64) -> Result<Vec<i64>> {
    let (input, output) = (format!("{application}-input"), format!("{application}-output"));
    kafka.create_topic(&input, PARTITIONS)?;
    kafka.create_topic(&output, PARTITIONS)?;
    let place = Place::new(application)?;
    let topics = ["--input", &input, "--output", &output];
    let flags = [&topics[..], &["--emit", "record", "--repartition", repartition]].concat();
    let mut child = hosted::start(kafka, &place.0, application, &hosted::module(true), &flags)?;
    let measured = thread::scope(|scope| {
        let reading = scope.spawn(|| read(kafka, &output, records));
        produce(kafka, &input, records)?;
        reading.join().expect("reading does not panic")
    });
    child.kill()?;
    child.wait()?;
    let latencies = measured.with_context(|| format!("the host's log:\n{}", place.log()))?;
    place.remove()?;
    Ok(latencies)
}

/// Writes records at an even rate.
fn produce(kafka: &Kafka, input: &str, records: u64) -> Result<()> {
    let (mut producer, began) = (kafka.producer()?, Instant::now());
    let mut sent = 0;
    while sent < records {
        let due = began.elapsed().as_millis() as u64 * RATE / 1000;
        while sent < due.min(records) {
            let key = format!("k{}", sent % KEYS);
            let line = format!("{key},1");
            let (key, value) = (Some(key.as_bytes()), Some(line.as_bytes()));
            let partition = murmur2::partition_of(key.unwrap_or_default(), PARTITIONS);
            producer.send(input, &NewRecord { partition, key, value, ..NewRecord::default() })?;
            sent += 1;
        }
        thread::sleep(PACE);
    }
    producer.flush()
}

/// The latencies of all results but the first.
fn read(kafka: &Kafka, output: &str, records: u64) -> Result<Vec<i64>> {
    let tail = kafka.tail(output, Isolation::Committed)?;
    let (mut latencies, mut seen) = (Vec::new(), 0);
    let mut deadline = Instant::now() + TIMEOUT;
    while seen < records {
        let Some(timestamp) = tail.next_timestamp_ms()? else {
            if Instant::now() > deadline {
                bail!("{seen} results of {records} records came within {TIMEOUT:?}");
            }
            continue;
        };
        deadline = Instant::now() + TIMEOUT;
        seen += 1;
        if seen > WARM_UP {
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
            latencies.push(i64::try_from(now)? - timestamp);
        }
    }
    Ok(latencies)
}
