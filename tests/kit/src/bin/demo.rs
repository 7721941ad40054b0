//! The second half of `cargo xtask demo`: lines with a known answer go into `sum-input`, the real host sums
//! them, every result is checked.
#![allow(clippy::print_stdout, reason = "a demo talks to a person")]

use anyhow::{Context, Result, ensure};
use devbroker::{Broker, Settings as BrokerSettings};
use std::path::{Path, PathBuf};
use std::time::Instant;
use testkit::host::host;
use testkit::{Isolation, Kafka, Workload, WorkloadSpec, check, files};
use xtask::{command, paths};

const INPUT: &str = "sum-input";
const OUTPUT: &str = "sum-output";
const DEAD_LETTER: &str = "sum-dead-letter";
const PARTITIONS: u32 = 4;
const KEYS: u64 = 10_000;
const BAD_ONE_IN: u64 = 5000;
const TOP: usize = 10;

fn main() -> Result<()> {
    let (servers, records) = arguments()?;
    // It ends with this program.
    let broker = if servers.is_none() { Some(Broker::start(BrokerSettings::default())?) } else { None };
    if let Some(broker) = &broker {
        println!("the embedded broker is ready on {}: one node, in memory", broker.address());
    }
    let embedded = broker.as_ref().map(|broker| broker.address().to_string());
    let kafka = Kafka::at(&servers.or(embedded).context("there is a broker")?);
    println!(
        "\nproducing {records} lines \"key,value\" into {INPUT}, {PARTITIONS} partitions, keys anywhere"
    );
    let workload = produce(&kafka, records)?;
    println!("running the module\n");
    let started = Instant::now();
    run_host(&kafka)?;
    let seconds = started.elapsed().as_secs_f64();
    println!();
    verify(&kafka, &workload)?;
    let rate = records as f64 / seconds;
    println!("{records} records in {seconds:.2} s from start to exit: {rate:.0} records/s\n");
    Ok(())
}

/// Where Kafka is, if it is not to be the embedded broker, and how many records there are to be.
fn arguments() -> Result<(Option<String>, u64)> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1).cloned()
    };
    let records = value("--records").context("--records is missing")?;
    Ok((value("--bootstrap-servers"), records.parse().context("--records takes a number")?))
}

fn produce(kafka: &Kafka, records: u64) -> Result<Workload> {
    let spec = WorkloadSpec {
        seed: 2026,
        records,
        keys: KEYS,
        partitions: PARTITIONS,
        bad_one_in: BAD_ONE_IN,
        ..WorkloadSpec::default()
    };
    kafka.create_topic(INPUT, PARTITIONS)?;
    let mut workload = Workload::new(spec);
    workload.produce(&mut kafka.producer()?, INPUT, records)?;
    Ok(workload)
}

/// As a person would, but for the ids and locks, which go below the target folder.
fn run_host(kafka: &Kafka) -> Result<()> {
    let state = paths::target().join("demo").join(std::process::id().to_string());
    let mut host = host();
    host.arg("run")
        .arg("--module")
        .arg(short(&files::guest("sum")))
        .args(["-b", kafka.servers(), "--until-end"])
        .current_dir(paths::root())
        .env("XDG_STATE_HOME", &state);
    println!("$ {}", command::shown(&host));
    let status = host.status().context("cannot start host")?;
    if state.exists() {
        std::fs::remove_dir_all(&state)?;
    }
    ensure!(status.success(), "host failed: {status}");
    Ok(())
}

/// Relative to the repository where that is shorter.
fn short(path: &Path) -> PathBuf {
    path.strip_prefix(paths::root()).unwrap_or(path).to_owned()
}

fn verify(kafka: &Kafka, workload: &Workload) -> Result<()> {
    let results = check::final_sums_of(kafka, OUTPUT, workload.sums())?;
    let mut top: Vec<(&Vec<u8>, &i128)> = workload.sums().iter().collect();
    top.sort_by_key(|(_, sum)| std::cmp::Reverse(**sum));
    println!("the largest sums:");
    for (key, sum) in top.into_iter().take(TOP) {
        println!("  {:<8}{sum:>12}", String::from_utf8_lossy(key));
    }
    let letters = kafka.read(DEAD_LETTER, Isolation::Committed)?;
    check::dead_letters(&letters, INPUT, workload.bad())?;
    println!(
        "\nchecked: all {} sums are exact ({} results were written on the way), all {} bad lines are in {DEAD_LETTER}",
        workload.sums().len(),
        results.len(),
        letters.len()
    );
    Ok(())
}
