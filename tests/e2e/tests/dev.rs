//! The host with the embedded broker: nothing else is there.

use crate::swap::SWAPPED;
use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use testkit::host::HostProcess;
use testkit::scenario::SOON;
use testkit::{HostCommand, Isolation, Kafka, Workload, WorkloadSpec, check, files, wait_until};
use xtask::paths;
use xtask::process::Signal;

const RECORDS: u64 = 20_000;
/// They take two seconds, so that a swap falls between them.
const RATE: &str = "10000";

/// A folder of one test.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = paths::target().join("tests").join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Where the broker of this host is, once it says so behind `before`.
fn broker(host: &mut HostProcess, before: &str) -> Result<Kafka> {
    let mut found = None;
    wait_until("the broker's address", SOON, || {
        host.ensure_running()?;
        let text = host.output() + &host.log();
        let address = text.split_once(before).map(|(_, rest)| rest);
        let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == ':';
        let address = address.map(|rest| rest.split(|c| !is_part(c)).next().unwrap_or_default().to_owned());
        found = address.filter(|address| !address.is_empty());
        Ok(found.is_some())
    })?;
    Ok(Kafka::at(&found.context("it was found")?))
}

/// The sum of each key over the good lines of the input; none until all lines are there.
fn sums(kafka: &Kafka) -> Result<Option<BTreeMap<Vec<u8>, i128>>> {
    let lines = kafka.read("sum-input", Isolation::Committed)?;
    if (lines.len() as u64) < RECORDS {
        return Ok(None);
    }
    let mut sums = BTreeMap::new();
    for line in lines {
        let text = String::from_utf8(line.value.context("a line")?)?;
        let (key, value) = text.split_once(',').context("a comma")?;
        if let Ok(value) = value.parse::<i64>() {
            *sums.entry(key.as_bytes().to_vec()).or_default() += i128::from(value);
        }
    }
    Ok(Some(sums))
}

#[test]
fn host_dev_needs_nothing_and_loses_nothing_when_the_module_changes() -> Result<()> {
    let folder = folder("dev-swap")?;
    let module = folder.join("sum.wasm");
    fs::copy(files::guest("sum"), &module)?;
    let mut host = HostCommand::alone(&folder, "dev")
        .args(["--bootstrap-servers", "127.0.0.1:0", "--admin", "off", "--rate", RATE])
        .args(["--records", &RECORDS.to_string(), "--module"])
        .arg(&module)
        .start()?;
    let kafka = broker(&mut host, "broker   ")?;
    wait_until("a first result", SOON, || {
        host.ensure_running()?;
        Ok(kafka.partitions("sum-output")?.is_some()
            && !kafka.read("sum-output", Isolation::Committed)?.is_empty())
    })?;
    // Other bytes that do the same: a section that says nothing.
    let new = folder.join("new.wasm");
    let section = [&[0, 5, 4][..], b"more"].concat();
    fs::write(&new, [fs::read(&module)?, section].concat())?;
    fs::rename(&new, &module)?;
    wait_until("the swap", SOON, || {
        host.ensure_running()?;
        Ok(host.log().contains(SWAPPED))
    })?;
    wait_until("exact sums", SOON, || {
        host.ensure_running()?;
        let Some(sums) = sums(&kafka)? else { return Ok(false) };
        Ok(check::final_sums_of(&kafka, "sum-output", &sums).is_ok())
    })?;
    host.signal(Signal::Interrupt)?;
    host.wait(SOON)?.succeeded()?;
    Ok(fs::remove_dir_all(folder)?)
}

#[test]
fn an_application_runs_on_the_embedded_broker() -> Result<()> {
    let folder = folder("dev-embedded")?;
    let mut host = HostCommand::alone(&folder, "run")
        .args(["--embedded", "--bootstrap-servers", "127.0.0.1:0", "--admin", "off"])
        .args(["--module", "native:sum", "--partitions", "3", "--log-format", "json"])
        .start()?;
    let kafka = broker(&mut host, "\"address\":\"")?;
    wait_until("the input", SOON, || {
        host.ensure_running()?;
        Ok(kafka.partitions("sum-input")? == Some(3))
    })?;
    let mut workload = Workload::new(WorkloadSpec { partitions: 3, ..WorkloadSpec::default() });
    workload.produce(&mut kafka.producer()?, "sum-input", 20_000)?;
    wait_until("exact sums", SOON, || {
        host.ensure_running()?;
        Ok(kafka.partitions("sum-output")?.is_some()
            && check::final_sums_of(&kafka, "sum-output", workload.sums()).is_ok())
    })?;
    let ended = host.drain(SOON)?;
    ensure!(ended.stdout.is_empty(), "standard output is data, and none was asked for: {}", ended.stdout);
    Ok(fs::remove_dir_all(folder)?)
}
