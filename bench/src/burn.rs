//! What a partition on which the module burns its deadline costs the other partitions of its worker: the same
//! input with and without records that never end.

use crate::hosted;
use anyhow::{Result, bail};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};
use testkit::{Isolation, Kafka, NewRecord};
use xtask::paths;

const PARTITIONS: u32 = 4;
const RECORDS: u64 = 2_000_000;
/// One record in so many of partition 0 burns.
const BURNING_ONE_IN: u64 = 2_000;
const ROUNDS: u32 = 3;
const TIMEOUT: Duration = Duration::from_mins(5);

/// Measures and prints.
pub(crate) fn run(kafka: &Kafka) -> Result<()> {
    load(kafka, "burn-none", false)?;
    load(kafka, "burn-some", true)?;
    println!(
        "| round | thousand records/s of partitions 1 to 3, none burn | partition 0 burns | share kept |"
    );
    println!("|---:|---:|---:|---:|");
    for round in 1..=ROUNDS {
        let without = others(kafka, "burn-none", round)?;
        let with = others(kafka, "burn-some", round)?;
        println!("| {round} | {:.0} | {:.0} | {:.2} |", without / 1000.0, with / 1000.0, with / without);
    }
    Ok(())
}

fn load(kafka: &Kafka, topic: &str, burns: bool) -> Result<()> {
    kafka.create_topic(topic, PARTITIONS)?;
    let mut producer = kafka.producer()?;
    for i in 0..RECORDS {
        for partition in 0..PARTITIONS {
            let line = match partition {
                0 if burns && i % BURNING_ONE_IN == BURNING_ONE_IN / 2 => "burn,1".to_owned(),
                _ => format!("key{},{}", i % 10_000, i % 100),
            };
            let value = Some(line.as_bytes());
            producer.send(topic, &NewRecord { partition, value, ..NewRecord::default() })?;
        }
    }
    producer.flush()
}

/// Records a second of partitions 1 to 3, from the first commit to their ends.
fn others(kafka: &Kafka, topic: &str, round: u32) -> Result<f64> {
    let application = format!("{topic}-{round}");
    let folder = paths::target().join("bench").join(&application);
    fs::create_dir_all(&folder)?;
    let module = paths::target().join("guests/marked-sum.wasm");
    let flags = ["--input", topic, "--repartition", "never"];
    let mut child = hosted::start(kafka, &folder, &application, module.as_os_str(), &flags)?;
    let rate = rate(kafka, &application, topic);
    child.kill()?;
    child.wait()?;
    rate
}

fn rate(kafka: &Kafka, application: &str, topic: &str) -> Result<f64> {
    let deadline = Instant::now() + TIMEOUT;
    let mut began = None;
    while Instant::now() < deadline {
        let committed = kafka.committed(application, topic, Isolation::Committed)?;
        let done: i64 = committed.iter().skip(1).map(|offset| offset.unwrap_or(0)).sum();
        if done > 0 {
            let (since, first) = *began.get_or_insert((Instant::now(), done));
            if done as u64 >= RECORDS * u64::from(PARTITIONS - 1) {
                return Ok((done - first) as f64 / since.elapsed().as_secs_f64());
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
    bail!("the partitions were not read within {TIMEOUT:?}; see the host's log of {application}")
}
